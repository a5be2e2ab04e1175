"""The errors of parameters without a value, and of backward parts without a claim."""

from collections.abc import Mapping, Sequence
from typing import Any

from gradcli.errors import Span
from gradcli.python.state.source import PythonFault


class MissingInputs(PythonFault):
    """Parameters that nothing gives a value to."""

    kind = "binding"

    def __init__(
        self, names: list[str], message: str, hint: str, defaults: Mapping[str, int] | None = None
    ) -> None:  # fmt: skip
        super().__init__(message, None, hint)
        self.names = names
        self.defaults = defaults or {}  # of sizes that smaller ones may stand for


class NoAttribute(PythonFault):
    """An object without an attribute, or without an entry of one, that its code reads."""

    def __init__(
        self, owner: Any, name: str, message: str, span: Span | None, hint: str | None
    ) -> None:
        super().__init__(message, span, hint)
        self.owner = owner
        self.name = name


class Unclaimed(PythonFault):
    """A backward part that gives nothing that is the gradient of an input."""


class NoNumber(PythonFault):
    """A function with gradients that returns arrays only, none of which can be the value."""

    def __init__(
        self,
        message: str,
        is_elementwise: bool,
        followed: Sequence[str],
        is_sum: bool = False,
        parted: Sequence[str] | None = None,
    ) -> None:
        super().__init__(message)
        self.is_sum = is_sum  # to which arrays were added, so that these are numbers
        self.is_elementwise = is_elementwise  # so that numbers give a number
        self.parted = parted  # inputs of which an example is a part; None for any
        self.followed = followed  # inputs that the value has an element for each element of
