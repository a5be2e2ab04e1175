"""What is said of a hand-written backward pass, as frozen data.

LineCheck    = one gradient line: right, wrong by itself, or wrong because of another line
Fork         = a name that is used more than once: its contributions, line by line, and their sum
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcli.reports import Number


class LineCheck(NamedTuple):
    """The verdict on one line of the backward part."""

    name: str  # the target as written, without spaces: `dx`, `dw[0]`
    line: int
    column: int
    verdict: str
    local: bool  # wrong by itself
    cause: int | None  # the line that made this one wrong, where it is not wrong by itself
    claim: Number | None  # what the line adds, or the sum, where contributions are lost
    expected: Number | None  # the same as it should be; None where lines cannot be told apart
    mistake: str | None = None  # a name of `backward.mistakes`
    reason: str | None = None

    @property
    def is_accused(self) -> bool:
        """Whether the line is wrong by itself."""
        return self.local

    def as_dict(self) -> dict[str, Any]:
        """The line as JSON holds it."""
        return self._asdict()


class Contribution(NamedTuple):
    """What one stage sends back to a name it uses, and the line that says so."""

    stage: str
    line: int | None  # None where no line does, or where it is overwritten
    claim: float | None  # None where lines cannot be told apart
    expected: float


class Fork(NamedTuple):
    """A name with more than one use; its gradient is the sum of what comes back from each."""

    name: str
    contributions: list[Contribution]
    sum: float  # as the lines have it
    expected: float

    def as_dict(self) -> dict[str, Any]:
        """The fork as JSON holds it."""
        parts = [part._asdict() for part in self.contributions]
        return {**self._asdict(), "contributions": parts}
