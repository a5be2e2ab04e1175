"""A function in a child process, called as if it were here: also in many digits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gradcli.errors import UsageError
from gradcli.foreign.child import Child
from gradcli.foreign.gradients import NotAGradient


class Remote:
    """What a child keeps open under a key: a function and its gradient at some inputs."""

    def __init__(self, child: Child, key: str, arguments: Sequence[Any]) -> None:
        self.child = child
        self.key = key
        self.arguments = (key, *arguments)  # of the verb `open`
        self.names: list[str] = []
        self.takes_upstream = True
        self.notes: list[str] = []  # on how it is called
        self.changed: list[str] = []  # inputs that the code writes to
        self._starts = -1
        self._ready()

    def values(self, moved: Sequence[Any]) -> Any:
        """The value for such real inputs. Raises ForeignFault."""
        self._ready()
        if any(x.dtype == object for x in moved):
            return self._in_digits(moved)
        return self.child.call("value", (self.key, [*moved]))

    def pullback(self, moved: Sequence[Any], upstream: Any) -> list[Any]:
        """The claimed gradients by the real inputs. Raises ForeignFault, NotAGradient."""
        self._ready()
        told = self.child.call("gradients", (self.key, [*moved], upstream))
        if "mistake" in told:
            raise NotAGradient(told["mistake"], told["words"])
        self.changed = told["changed"]
        claimed: list[Any] = told["gradients"]
        return claimed

    def _in_digits(self, moved: Sequence[Any]) -> Any:
        from gradcli.arithmetic.digit import read_digits, spelled  # late: few calls have digits

        arithmetic = next(x.arithmetic for part in moved for x in part.flat)
        sent = [(spelled(x), [*x.shape]) for x in moved]
        count = int(arithmetic.number(1.0).context.dps)
        texts, shape = self.child.call("value_in_digits", (self.key, count, sent))
        return read_digits(texts, tuple(shape), arithmetic)

    def _ready(self) -> None:
        """Open the function, also in a child that had to be started anew."""
        if self._starts == self.child.starts and self.child.process is not None:
            return
        told = self.child.call("open", self.arguments)
        self._starts = self.child.starts
        self.names, self.takes_upstream = told["names"], told["takes_upstream"]
        self.notes = told["notes"]


def place_in(named: str) -> tuple[str, str]:
    """The file or module and the function of `FILE.py:NAME` or `MODULE:NAME`. Raises UsageError."""
    source, sign, name = named.rpartition(":")
    if not sign or not source or not name:
        raise UsageError(f"`{named}` is no MODULE:FUNCTION",
                         hint="write scipy.optimize:rosen, or FILE.py:NAME")  # fmt: skip
    return source, name


def missing_inputs(description: Mapping[str, Any], given: Sequence[str]) -> list[str]:
    """The parameters without a default that have no value. Raises UsageError for lost ones."""
    names = description["names"]
    lost = [name for name in given if names is not None and name not in names]
    if lost:
        known = f"its parameters are {', '.join(names)}" if names else "it takes none"
        raise UsageError(f"`{lost[0]}` is no parameter", hint=known)
    return [name for name in description["needed"] if name not in given]
