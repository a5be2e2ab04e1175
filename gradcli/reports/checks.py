"""The report of `gradcli check`, as frozen data.

CheckReport = cases                                        schema gradcli.check/1
Case        = one program or expression, checked
"""

from __future__ import annotations

from typing import Any

from gradcli.named_tuples import NamedTuple
from gradcli.reports.evaluations import InputCheck, Number, worst
from gradcli.reports.lines import Fork, LineCheck

NOTHING_CLAIMED = "nothing claimed"
OWN_GRADIENT = "only the engine's own gradient was checked"

# Where people read a verdict, what claims nothing does not pass. From best to worst.
SKIPPED, KNOWN = "skipped", "known"  # a case that asked not to be checked; one in the baseline
STANDINGS = (
    "pass", SKIPPED, KNOWN, "kink", NOTHING_CLAIMED, "inconclusive", "undefined", "fail", "error",
)  # fmt: skip


class Problem(NamedTuple):
    """Why a case could not be read: an error as data."""

    kind: str
    message: str
    line: int | None
    column: int | None
    hint: str | None
    text: str = ""  # of the source line

    def as_dict(self) -> dict[str, Any]:
        """What scripts read; a line may be of any length."""
        fields = self._asdict()
        del fields["text"]
        return fields


class Case(NamedTuple):
    """One program, or one expression with its claims, and what the checker says of it."""

    file: str  # `<expression>`, `<stdin>`, or the path
    line: int  # of the output
    expression: str
    output: str
    verdict: str
    inputs: dict[str, InputCheck]
    values: list[InputCheck]  # claims on values: `f == -12`
    notes: list[str]
    warnings: list[str]
    places: dict[str, tuple[int, int]]  # line and column of a claim, by the name it is for
    points: int | None = None  # how many points were sampled
    seed: int | None = None
    point: dict[str, Number] | None = None  # the simplest failing one, or the first
    problem: Problem | None = None  # for the verdict `error`
    lines: list[LineCheck] = []  # noqa: RUF012  # of the backward part; never written to
    forks: list[Fork] = []  # noqa: RUF012  # never written to
    text: str = ""  # the program's, where it has a backward part
    shown: frozenset[int] | None = None  # the lines of it that belong to the case; None for all
    claims: int | None = None  # on gradients and values; None where it could not be read
    entries: dict[str, InputCheck] = {}  # noqa: RUF012  # of a Jacobian and a Hessian; not written to
    excuse: str | None = None  # SKIPPED or KNOWN: then the case does not count
    seconds: float | None = None  # that the check took, where it was measured
    unclaimed: list[str] = []  # noqa: RUF012  # results that are the gradient of nothing known

    @property
    def derivatives(self) -> list[InputCheck]:
        """The verdicts on gradients, and on the entries of Jacobians and Hessians."""
        return [*self.inputs.values(), *self.entries.values()]

    @property
    def is_unclaimed(self) -> bool:
        """Whether the case was read and claims nothing."""
        return self.claims == 0

    @property
    def standing(self) -> str:
        """The verdict as people read it, one of STANDINGS."""
        if self.excuse is not None:
            return self.excuse
        return NOTHING_CLAIMED if self.is_unclaimed and self.verdict == "pass" else self.verdict

    def leaves_out(self, check: InputCheck) -> bool:
        """Whether a verdict does not count: others are claimed, and this one says nothing."""
        is_claimed = bool(self.lines) or any(c.claim is not None for c in self.inputs.values())
        return is_claimed and check.is_idle

    def place(self, *names: str) -> tuple[int, int]:
        """Line and column of what is claimed for the first of some names; else of the output."""
        return next((self.places[n] for n in names if n in self.places), (self.line, 1))

    def as_dict(self) -> dict[str, Any]:
        """The case as JSON holds it."""
        data: dict[str, Any] = {
            "file": self.file, "line": self.line, "expression": self.expression,
            "output": self.output, "verdict": self.verdict, "claims": self.claims,
            "inputs": {name: _claimed_dict(check) for name, check in self.inputs.items()},
            "values": [_claimed_dict(check) for check in self.values],
            "lines": [line.as_dict() for line in self.lines],
            "forks": [fork.as_dict() for fork in self.forks],
            "notes": self.notes, "warnings": self.warnings,
        }  # fmt: skip
        if self.excuse is not None:
            data["excuse"] = self.excuse
        if self.entries:
            data["entries"] = {name: _claimed_dict(check) for name, check in self.entries.items()}
        if self.unclaimed:
            data["unclaimed"] = self.unclaimed
        if self.points is not None:
            data |= {"points": self.points, "seed": self.seed, "point": self.point}
        if self.problem is not None:
            data["error"] = self.problem.as_dict()
        return data


class CheckReport(NamedTuple):
    """All cases of one `check`, in the order they were given."""

    cases: list[Case]

    @property
    def verdict(self) -> str:
        """The worst verdict of all that count; of all where none does."""
        return worst([case.verdict for case in self.counting or self.cases])

    @property
    def counting(self) -> list[Case]:
        """The cases that are neither skipped nor known to fail."""
        return [case for case in self.cases if case.excuse is None]

    @property
    def claims(self) -> int:
        """How many claims all cases have."""
        return sum(case.claims or 0 for case in self.cases)

    @property
    def standing(self) -> str:
        """The verdict as people read it; a report passes if there is a claim in any case."""
        is_unclaimed = any(case.is_unclaimed for case in self.counting) and not self.claims
        if self.cases and not self.counting:
            return max((case.standing for case in self.cases), key=STANDINGS.index)
        return NOTHING_CLAIMED if is_unclaimed and self.verdict == "pass" else self.verdict

    @property
    def summary(self) -> dict[str, int]:
        """How many cases have which verdict; those that do not count are counted apart."""
        verdicts = [case.verdict for case in self.counting]
        excuses = [case.excuse for case in self.cases if case.excuse is not None]
        counts = {verdict: verdicts.count(verdict) for verdict in SUMMARY}
        return counts | {excuse: excuses.count(excuse) for excuse in sorted({*excuses})}

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON holds it; a single expression's inputs also stand at the top."""
        data: dict[str, Any] = {
            "schema": "gradcli.check/1",
            "verdict": self.verdict,
            "claims": self.claims,
            "summary": self.summary,
            "cases": [case.as_dict() for case in self.cases],
        }
        if len(self.cases) == 1 and self.cases[0].file == "<expression>":
            data["inputs"] = data["cases"][0]["inputs"]
        return data


SUMMARY = ("pass", "kink", "fail", "inconclusive", "undefined", "error")


def _claimed_dict(check: InputCheck) -> dict[str, Any]:
    """An input of `check`: with its claim, null where the engine's own gradient was checked."""
    data = check.as_dict()
    data["claim"] = check.claim
    first = ("name", "verdict", "kind", "claim")
    return {**{key: data.pop(key) for key in first}, **data}
