"""The verdicts on a hand-written backward pass, as frozen data.

LineCheck    = one gradient line: right, wrong by itself, or wrong because of another line
Fork         = a name that is used more than once: its contributions, line by line, and their sum
"""

from __future__ import annotations

from typing import Any

from gradcli.named_tuples import NamedTuple
from gradcli.reports.evaluations import Number, elements

FEW = 6  # numbers of an array that are shown one by one
ROUNDING_OF_ELEMENTS = 1e-9  # numbers nearer than this, relative, are not counted as different


class LineCheck(NamedTuple):
    """The verdict on one line of the backward part."""

    name: str  # the target as written, without spaces: `dx`, `dw[0]`
    line: int
    column: int
    verdict: str
    local: bool  # wrong by itself
    cause: int | None  # the line that made this one wrong, where it is not wrong by itself
    claim: Number | None  # what the line adds, or the sum, where contributions are lost
    expected: Number | None  # the number that would be right; None where lines are not told apart
    mistake: str | None = None  # a name of `backward.mistakes`
    reason: str | None = None
    meaning: str | None = None  # what the value was understood as; None where it was not
    repair: str | None = None  # the line as it should be, where one simple change makes all right
    suspects: list[int] = []  # noqa: RUF012  # never written to: lines that may be meant instead
    turn: list[str] = []  # noqa: RUF012  # of a Python file: the loops around it, as `t = 2`
    calls: list[int] = []  # noqa: RUF012  # and the lines of the calls it stands in

    @property
    def occasion(self) -> str:
        """Which of the statements that the line stands for this is: `t = 2, called in line 7`."""
        parts = [*self.turn]
        if self.calls:
            parts.append(f"called in line {' > '.join(map(str, self.calls))}")
        return ", ".join(parts)

    @property
    def is_accused(self) -> bool:
        """Whether the line is wrong by itself."""
        return self.local

    def unchecked(self, reason: str) -> LineCheck:
        """The line where nothing tells whether it is right: it does not pass."""
        if self.verdict != "pass":
            return self
        return self._replace(verdict="inconclusive", reason=reason)

    def differences(self) -> list[tuple[str, float, float]]:
        """Of an array: index, claim and expected number where they differ, the worst first."""
        return differences(self.claim, self.expected)

    def as_dict(self) -> dict[str, Any]:
        """The line as JSON holds it."""
        return self._asdict()


def differences(claim: Number | None, expected: Number | None) -> list[tuple[str, float, float]]:
    """Of two arrays of a shape: index and both numbers where they differ, the worst first."""
    if not isinstance(claim, list) or not isinstance(expected, list):
        return []
    pairs = zip(elements("", claim), elements("", expected), strict=True)
    differing = [(at, a, b) for (at, a), (_, b) in pairs if _differ(a, b)]
    return sorted(differing, key=lambda item: -abs(item[1] - item[2]))


def first_of_each(checks: list[LineCheck]) -> list[LineCheck]:
    """The checks, but of a statement that is read many times the first that is wrong."""
    worst: dict[tuple[int, int, str], LineCheck] = {}
    for check in checks:
        key = (check.line, check.column, check.name)
        kept = worst.get(key)
        if kept is None or _standing(check) < _standing(kept):
            worst[key] = check
    is_first = {id(check) for check in worst.values()}
    return [check for check in checks if not check.occasion or id(check) in is_first]


def _standing(check: LineCheck) -> tuple[bool, bool]:
    return check.verdict == "pass", check.cause is not None


def _differ(claim: float, expected: float) -> bool:
    return not abs(claim - expected) <= ROUNDING_OF_ELEMENTS * max(abs(claim), abs(expected))


class Contribution(NamedTuple):
    """The amount that one stage sends back to a name it uses, and the line that says so."""

    stage: str
    line: int | None  # None where no line does, or where it is overwritten
    claim: Number | None  # None where lines cannot be told apart
    expected: Number


class Fork(NamedTuple):
    """A name with more than one use; its gradient is the sum of what comes back from each."""

    name: str
    contributions: list[Contribution]
    sum: Number  # as the lines have it
    expected: Number

    def as_dict(self) -> dict[str, Any]:
        """The fork as JSON holds it."""
        parts = [part._asdict() for part in self.contributions]
        return {**self._asdict(), "contributions": parts}
