"""The findings of `check`, one by one: the model of every format for continuous integration.

A Finding is the verdict on one line, one input, one claimed value, or one case as a whole.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

from gradcli.errors import printable
from gradcli.named_tuples import NamedTuple
from gradcli.render.arrays import nested_text
from gradcli.render.rows import exact
from gradcli.reports.checks import (
    KNOWN,
    NOTHING_CLAIMED,
    OWN_GRADIENT,
    SKIPPED,
    STANDINGS,
    Case,
    CheckReport,
)
from gradcli.reports.evaluations import InputCheck, Number, elements
from gradcli.reports.lines import FEW, LineCheck, first_of_each

MOST_OF_SAMPLED_POINT = 20  # numbers

# How loud a verdict is for GitHub and in SARIF; a verdict that is not here is no trouble.
TROUBLE_LEVELS = {
    "error": "error", "fail": "error", "undefined": "warning", "inconclusive": "warning",
    NOTHING_CLAIMED: "note",
}  # fmt: skip

MEANINGS = {
    "pass": "The claim is the derivative.",
    "kink": "Not differentiable here; the claim is between the one-sided slopes.",
    "inconclusive": "It cannot be told whether the claim is the derivative.",
    "undefined": "No derivative exists here.",
    "fail": "The claim is not the derivative.",
    "error": "The case could not be read.",
    SKIPPED: "The case asks not to be checked.",
    KNOWN: "The case fails as the baseline says.",
    NOTHING_CLAIMED: "Nothing is claimed: only the engine's own gradient was checked.",
}


class Finding(NamedTuple):
    """A verdict in words, and the place in a file that it is on."""

    file: str
    line: int
    column: int
    verdict: str
    name: str  # empty for a case that could not be read, or claims nothing
    text: str
    details: tuple[str, ...] = ()  # further lines: the point, notes, help
    error: float = math.inf  # relative; without end where none is known
    mistake: str | None = None  # of a line, where it has a name
    is_aside: bool = False  # another finding explains it, or it does not count
    label: str = ""  # the name, or the verdict; numbered, so that it is the only one in its file

    @property
    def title(self) -> str:
        """The verdict, and on what."""
        return f"{self.verdict} {self.name}".rstrip()

    @property
    def rule(self) -> str:
        """The kind of finding, as formats with rules name it."""
        return f"gradcli/{self.mistake or self.verdict}".replace(" ", "-")

    @property
    def place(self) -> str:
        """File, line and column."""
        return f"{self.file}:{self.line}:{self.column}"

    @property
    def concise(self) -> str:
        """The finding on one line, as editors read it."""
        return printable(f"{self.place}: {self.title}: {self.text}")

    @property
    def message(self) -> str:
        """The text, then each detail on a line of its own."""
        return "\n".join((self.text, *self.details))

    @property
    def fingerprint(self) -> str:
        """A hash of file, label and verdict, which does not change when lines move."""
        from hashlib import sha256

        identity = "\0".join((relative_path(self.file), self.label, self.verdict))
        return sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()


def findings(report: CheckReport) -> list[Finding]:
    """All findings in the order of the report."""
    seen: Counter[tuple[str, str]] = Counter()
    labelled = []
    for case in report.cases:
        for finding in _of_case(case):
            label = finding.name or finding.verdict
            seen[case.file, label] += 1
            count = seen[case.file, label]
            labelled.append(finding._replace(label=f"{label} ({count})" if count > 1 else label))
    return labelled


def troubles(report: CheckReport) -> list[Finding]:
    """The findings that are neither pass nor kink, the worst first.

    What only follows from a wrong line is left to that line: one slip is one finding. Left out is
    also what nobody claimed and nothing can be told of, where something else is claimed.
    """
    return worst_first(
        finding
        for finding in findings(report)
        if finding.verdict in TROUBLE_LEVELS and not finding.is_aside
    )


def tallies(report: CheckReport) -> list[tuple[int, str]]:
    """How many cases have which verdict, the worst first, without those that none has."""
    counts = Counter(case.standing for case in report.cases)
    return [(counts[v], v) for v in reversed(STANDINGS) if counts[v]]


def count_line(report: CheckReport) -> str:
    """The last line of `concise`: `3 cases: 1 fail, 2 pass`."""
    total = len(report.cases)
    counts = ", ".join(f"{count} {verdict}" for count, verdict in tallies(report))
    return f"{total} {'case' if total == 1 else 'cases'}: {counts or 'nothing was checked'}"


def worst_first(unsorted: Iterable[Finding]) -> list[Finding]:
    """Findings by their verdicts, then by their errors."""
    return sorted(unsorted, key=lambda f: (STANDINGS.index(f.verdict), f.error), reverse=True)


def _of_case(case: Case) -> Iterator[Finding]:
    """The findings on a case; those on one that does not count are aside."""
    if case.excuse == SKIPPED:
        text = "; ".join(case.notes) or MEANINGS[SKIPPED]
        yield Finding(case.file, case.line, 1, SKIPPED, "", text, is_aside=True)
        return
    for finding in _of_parts(case):
        yield finding._replace(is_aside=finding.is_aside or case.excuse is not None)


def _of_parts(case: Case) -> Iterator[Finding]:
    """The findings on inputs and values; one on the whole case if they do not explain it."""
    details = _details(case)
    is_explained = any(line.is_accused for line in case.lines)
    for line in first_of_each(case.lines):
        yield _of_line(case, line, details)
    for check in case.derivatives:
        finding = _of_check(case, check, "derivative", details)
        is_of_line = check.name in case.places or check.whole in case.places
        is_aside = (is_explained and is_of_line) or case.leaves_out(check)
        yield finding._replace(is_aside=is_aside)
    for check in case.values:
        yield _of_check(case, check, "value", details)
    verdicts = [check.verdict for check in (*case.derivatives, *case.values)]
    if case.verdict not in [*verdicts, *(line.verdict for line in case.lines)]:
        yield _of_whole(case)
    if case.is_unclaimed:
        place = case.place(case.output)
        yield Finding(case.file, *place, NOTHING_CLAIMED, "", OWN_GRADIENT, details)


def _of_line(case: Case, line: LineCheck, details: tuple[str, ...]) -> Finding:
    """A line of the backward part; `line dx` beside the input's own `x`."""
    numbers = [f"got {nested_text(line.claim, _number)}"] if line.claim is not None else []
    if line.expected is not None:
        numbers.append(f"expected {nested_text(line.expected, _number)}")
    if len(wrong := line.differences()) > FEW:
        at, claim, expected = wrong[0]
        worst = f"got {_number(claim)}, expected {_number(expected)}"
        numbers = [f"{len(wrong)} numbers are wrong, most {at}: {worst}"]
    parts = [line.occasion, ", ".join(numbers), line.mistake, line.reason]
    text = ": ".join(filter(None, parts)) or MEANINGS[line.verdict]
    return Finding(
        case.file, line.line, line.column, line.verdict, line.name, text, details,
        mistake=line.mistake, is_aside=line.cause is not None,
    )  # fmt: skip


def _of_check(case: Case, check: InputCheck, quantity: str, details: tuple[str, ...]) -> Finding:
    error, place = check.relative_error, case.place(check.name, check.whole)
    return Finding(
        case.file, *place, check.verdict, check.name, _text(check, quantity),
        details, math.inf if error is None or math.isnan(error) else error,
    )  # fmt: skip


def _of_whole(case: Case) -> Finding:
    problem = case.problem
    if problem is None:
        text = "; ".join(case.notes) or MEANINGS[case.verdict]
        return Finding(case.file, *case.place(case.output), case.verdict, case.output, text)
    line, column = problem.line or case.line or 1, problem.column or 1
    advice = (f"help: {problem.hint}",) if problem.hint else ()
    return Finding(case.file, line, column, case.verdict, "", problem.message, advice)


def _details(case: Case) -> tuple[str, ...]:
    """The sampled point and the notes, as lines."""
    point = () if case.point is None else (f"at {point_text(case.point, _number)}",)
    return *point, *(f"note: {note}" for note in case.notes)


def point_text(point: dict[str, Number], number_text: Callable[[float], str]) -> str:
    """The numbers of a point with their names, as many as are worth a look."""
    pairs = chain.from_iterable(elements(*item) for item in point.items())
    first = islice(pairs, MOST_OF_SAMPLED_POINT)
    texts = [f"{name}={number_text(number)}" for name, number in first]
    return ", ".join(texts) + ", ..." * (next(pairs, None) is not None)


def _text(check: InputCheck, quantity: str) -> str:
    """The claim, the `derivative` or `value` as computed, and the reason of the verdict."""
    kind, checked = "claim", check.claim
    if checked is None:
        kind, checked = "gradient", check.analytic
    numbers = [] if checked is None else [f"{kind} {_number(checked)}"]
    if check.interval:
        numbers.append(f"one-sided slopes {' and '.join(map(_number, check.interval))}")
    elif check.numeric is not None:
        bound = "" if check.bound is None else f" +- {check.bound:.2g}"
        numbers.append(f"{quantity} {_number(check.numeric)}{bound}")
    reason = check.reason
    if reason is None and check.relative_error is not None:
        reason = f"relative error {check.relative_error:.2g}"
    return ": ".join(filter(None, (", ".join(numbers), reason))) or MEANINGS[check.verdict]


def _number(number: float) -> str:
    return exact(number).removesuffix(".0")


def relative_path(file: str) -> str:
    """The path as seen from the working folder, with forward slashes, if it lies there."""
    from pathlib import Path

    path = Path(file)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return path.as_posix()
