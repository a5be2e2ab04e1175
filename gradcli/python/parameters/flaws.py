"""Readings that end, or stop in the backward part, though other inputs may suit the code better."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gradcli.errors import GradcliError
from gradcli.python.state.source import PythonFault

MOST_ALIKE = 16  # readings that stop in one way, whatever is chosen
IDENTITY = re.compile(r"\b(?:eye|identity)\(")


class Imperfect(PythonFault):
    """A reading that ended, though other values of the inputs may suit the code better."""

    halted: Halted | None = None  # what stopped it, where it did not end

    def __init__(
        self, message: str, outcome: Any, shapes: Mapping[str, tuple[int, ...]] | None = None,
        is_final: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.outcome = outcome
        self.shapes = shapes or {}  # that some parameters seem to have
        self.is_final = is_final  # other shapes of the inputs would only hide it


class Unreal(Imperfect):
    """A reading with a value that is no number."""


class Halted(PythonFault):
    """A backward part that stops where the forward part does not."""

    kind = "shape"

    def __init__(self, error: GradcliError, sizes: set[int]) -> None:
        super().__init__(error.message, error.span, error.hint)
        self.error = error
        self.sizes = sizes  # of the inputs of the forward part, as it needs them

    @property
    def line(self) -> int:
        """The line of the stop; 0 where it is in none."""
        return self.span.line if self.span is not None else 0

    @property
    def meets_identity(self) -> bool:
        """Whether a matrix meets an identity matrix, so that it is square: `p - np.eye(n)`."""
        return self.span is not None and IDENTITY.search(self.span.line_text) is not None


def is_stuck(faults: Sequence[GradcliError]) -> bool:
    """Whether many readings in a row have stopped at one place: no value cures that."""
    last = [(e.message, e.span.start) for e in faults[-MOST_ALIKE:] if e.span is not None]
    return len(last) == MOST_ALIKE and len({*last}) == 1
