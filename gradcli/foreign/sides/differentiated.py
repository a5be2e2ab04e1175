"""A function at some inputs that a framework differentiates by rules of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from gradcli.foreign.gradients import NotAGradient, real_places

Refusals = Mapping[str, tuple[str, str]]  # by what a framework says: the mistake, and in words


class AtInputs:
    """A function and its inputs, of which the real ones move."""

    takes_upstream = True

    def __init__(
        self, function: Callable[..., Any], inputs: Mapping[str, Any], wrt: Sequence[str] | None
    ) -> None:
        self._function = function
        self._inputs, names = [*inputs.values()], [*inputs]
        self._places = real_places(self._inputs, names, wrt)
        self.real_names = [names[k] for k in self._places]

    def called(self, real: Sequence[Any]) -> Any:
        """The value with such real inputs; of several results the first."""
        whole = [self.constant(x) for x in self._inputs]
        for k, x in zip(self._places, real, strict=True):
            whole[k] = x
        out = self._function(*whole)
        return out[0] if isinstance(out, (tuple, list)) else out

    def constant(self, x: Any) -> Any:
        """An input that does not move, as the function takes it."""
        return x


def refuse_unreal(moved: Sequence[Any]) -> None:
    """Raise TypeError where numbers in many digits are sent: frameworks have no arrays of these."""
    if any(x.dtype.kind != "f" for x in moved):
        raise TypeError("arrays are of real numbers here")


@contextmanager
def gradients_refused(refusals: Refusals) -> Iterator[None]:
    """Raise NotAGradient where the framework refuses what a backward part has returned."""
    try:
        yield
    except (RuntimeError, TypeError, ValueError) as error:
        for said, (mistake, words) in refusals.items():
            match = re.search(said, str(error), re.DOTALL)
            if match is not None:
                raise NotAGradient(mistake, match.expand(words)) from None
        raise
