"""Numbers that are wrong by no more than the digits they are written with: `dx = -0.20`.

A claim is held to the true derivative, and a rounded number is not it. A report says so, though;
with `--digits-written` such numbers pass, and what is made of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from gradcli.arithmetic.agreement import agree
from gradcli.program.model import Program
from gradcli.reports.checks import Case
from gradcli.reports.evaluations import InputCheck, Number, elements, worst
from gradcli.reports.lines import LineCheck
from gradcli.reports.statement_text import split_statement, statement_end
from gradcli.requests import Request
from gradcli.syntax import Statement
from gradcli.syntax.tokens import line_and_column

LITERAL = re.compile(r"(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
NUMBER = re.compile(rf"[-+]?\s*(?:{LITERAL.pattern})?")
BETWEEN = re.compile(r"[\[\](),]")  # numbers in a list
CONSTANT = frozenset({"number", "neg", "list"})
SLACK = 1 + 1e-9  # half a unit is itself a float
TOLD = "right to the digits written"
CURE = f"{TOLD}; --digits-written accepts that"
MADE = "made of numbers that are right to the digits written"


def told_of_digits(case: Case, program: Program, request: Request) -> Case:
    """The case in which claims that are right to the digits written are told, or accepted."""
    units = {**_claimed_units(request), **_units_of_values(program)}
    accepted: set[int] = set()
    lines = []
    places = _places(program)
    for line in case.lines:
        own = _units_of_line(line, program, places) if line.verdict == "fail" else []
        if own and _is_near(line.claim, line.expected, own):
            accepted.add(line.line)
            units |= {line.name.removeprefix("d").removeprefix("_"): own}
            lines.append(line._replace(mistake=None, repair=None, reason=CURE))
        else:
            lines.append(line)
    names = _names_by_line(program, case)
    made = {names[line.line] for line in lines if line.cause in accepted and line.line in names}
    checks = {
        name: _told(check, units, made, request.tolerance) for name, check in case.inputs.items()
    }
    values = [_told(check, units, set(), request.tolerance) for check in case.values]
    if request.digits_written:
        lines = [_passed(line, accepted) for line in lines]
        checks = {name: _accepted(check) for name, check in checks.items()}
        values = [_accepted(check) for check in values]
    numbers = [*checks.values(), *values, *case.entries.values()]
    verdicts = [line.verdict for line in lines] + [check.verdict for check in numbers]
    told = case._replace(lines=lines, inputs=checks, values=values)
    return told._replace(verdict=worst(verdicts)) if request.digits_written else told


def _told(
    check: InputCheck, units: Mapping[str, list[float]], made: set[str], tolerance: float
) -> InputCheck:
    """The check of a claim, with the remark where it is right to its digits."""
    if check.verdict != "fail" or check.claim is None or check.numeric is None:
        return check
    if check.directions is not None:  # of a whole array: nobody has written what is compared
        return check
    if agree(check.claim, check.numeric, tolerance):  # right alone: it fails together with others
        return check
    if check.whole in made:
        return check._replace(reason=MADE)
    own = units.get(check.whole, [])
    place = _place(check, len(own))
    is_near = place < len(own) and abs(check.claim - check.numeric) <= own[place] * SLACK
    return check._replace(reason=CURE) if is_near else check


def _place(check: InputCheck, count: int) -> int:
    """Which of the numbers of a claim a check is about: of vectors its index."""
    if check.element is None or count == 1:
        return 0
    index = check.element[1]
    return index[0] if len(index) == 1 else count  # nested lists are not counted through


def _accepted(check: InputCheck) -> InputCheck:
    reason = {CURE: TOLD, MADE: MADE}.get(check.reason or "")
    return check if reason is None else check._replace(verdict="pass", reason=reason)


def _passed(line: LineCheck, accepted: set[int]) -> LineCheck:
    """A line that is accepted, or follows from one."""
    if line.line in accepted or line.cause in accepted:
        return line._replace(verdict="pass", local=False, cause=None, reason=TOLD)
    return line


def _is_near(claim: Number | None, expected: Number | None, units: list[float]) -> bool:
    """Whether numbers differ by no more than half a unit of their last digits."""
    if claim is None or expected is None:
        return False
    pairs = [*zip(elements("", claim), elements("", expected), strict=False)]
    return len(pairs) == len(units) and all(
        abs(a - b) <= unit * SLACK
        for ((_, a), (_, b)), unit in zip(pairs, units, strict=True)
    )  # fmt: skip


def _claimed_units(request: Request) -> dict[str, list[float]]:
    """Half a unit of the last digit of each number of the claims that are texts."""
    return {n: [*_halves(text)] for n, text in request.claims.items() if isinstance(text, str)}


def _units_of_values(program: Program) -> dict[str, list[float]]:
    """The same of claims on values, `f == 0.73`."""
    text, units = program.source.text, dict[str, list[float]]()
    for claim in program.value_claims:
        start = program.source.span(claim.token).start
        units[claim.name] = [*_halves(text[start : statement_end(text, start)].partition("==")[2])]
    return units


def _places(program: Program) -> dict[tuple[int, int], tuple[int, Statement]]:
    """The statements of the backward part and where they begin, by line and column."""
    place = line_and_column(program.source.text)
    spans = program.source.spans({line.statement.token for line in program.lines})
    return {
        place(span.start): (span.start, line.statement)
        for line in program.lines if (span := spans.get(line.statement.token)) is not None
    }  # fmt: skip


def _units_of_line(
    line: LineCheck, program: Program, places: Mapping[tuple[int, int], tuple[int, Statement]]
) -> list[float]:
    """Half a unit of the last digit of each number of a line; none where it is a formula."""
    if (line.line, line.column) not in places:
        return []
    start, statement = places[line.line, line.column]
    if statement.tree is None or not CONSTANT.issuperset(statement.tree.ops):
        return []
    text = program.source.text
    return [*_halves(split_statement(text[start : statement_end(text, start)])[1])]


def _halves(text: str) -> Iterator[float]:
    """Half a unit of the last digit of each number in a list; a formula has no digits."""
    if not all(NUMBER.fullmatch(part.strip()) for part in BETWEEN.split(text)):
        return
    for literal in LITERAL.findall(text):
        mantissa, _, exponent = literal.lower().replace("_", "").partition("e")
        decimals = len(mantissa.partition(".")[2])
        yield float(f"0.{'0' * decimals}5e{exponent or 0}")


def _names_by_line(program: Program, case: Case) -> dict[int, str]:
    """The names whose gradients the lines of a case give."""
    owners = {line.statement.target: line.name for line in reversed(program.lines)}
    return {line.line: name for line in case.lines if (name := owners.get(line.name)) is not None}
