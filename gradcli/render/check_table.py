"""The report of `check` for people: a heading and tables for each case.

The worst case comes first, but on a terminal last, where it is not scrolled away. A case that
passes is one line, unless it is alone or the report is verbose; many are counted only. Layout and
colours are those of `gradcli.render.table`: no number is cut, and what does not fit is stacked.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import RenderableType
from rich.text import Text

from gradcli.render.arrays import MOST_WHOLE
from gradcli.render.diagnostic import source_excerpt
from gradcli.render.findings import point_text
from gradcli.render.headings import badness, heading, named, summary
from gradcli.render.look import Look
from gradcli.render.table import Column, Columns, Page
from gradcli.reports.checks import Case, CheckReport
from gradcli.reports.evaluations import InputCheck

MOST_ROWS_OF_BLOCK = 200  # of a block

MEASURED = (
    Column("numeric", "number"),
    Column("rel. error", "error"),
    Column("verdict", "verdict"),
)
CLAIMED_GRADIENTS = (Column("input", "name"), Column("claim", "claim"), *MEASURED)
CLAIMED_ENTRIES = (Column("derivative", "name"), *CLAIMED_GRADIENTS[1:])
OWN_ENTRIES = (Column("derivative", "name"), Column("analytic", "number"), *MEASURED)
OWN_GRADIENTS = (Column("input", "name"), Column("gradient", "number"), *MEASURED)
CLAIMED_VALUES = (
    Column("stage", "name"),
    Column("claim", "claim"),
    Column("value", "number"),
    *MEASURED[1:],
)


def check_table(report: CheckReport, look: Look) -> Iterator[str]:
    """The report as text in colour, laid out for the width of the stream."""
    page = Page(look)
    for part in check_parts(report, page):
        yield page.drawn(part)


def check_parts(report: CheckReport, page: Page) -> Iterator[RenderableType]:
    """The parts of the report, in order; a page draws them."""
    verbosity = page.look.verbosity
    everything = verbosity > 0 or len(report.cases) == 1
    is_brief, ends_in_gap = False, True
    for k, case in enumerate(named(report, verbosity, page.look.out.isatty())):
        was_brief, is_brief = is_brief, verbosity < 0 or (
            case.verdict == "pass" and not everything
        )  # fmt: skip
        if was_brief and not is_brief and not ends_in_gap:
            yield ""
        yield page.sentence(*heading(case, page, is_explained=not is_brief or not k))
        if not is_brief:
            yield from _body(case, page)
            yield ""
        ends_in_gap = not is_brief
    if not ends_in_gap:
        yield ""
    yield page.sentence(*summary(report))


def _body(case: Case, page: Page) -> Iterator[RenderableType]:
    """A block for each kind of claim, then what else there is to say."""
    inputs = case.inputs.values()
    if case.lines:
        wants_forks = page.look.verbosity > 0 or case.verdict == "fail"
        yield from page.backward_part(
            case.text, case.lines, case.forks if wants_forks else [], case.shown
        )
    yield from _block(CLAIMED_VALUES, case.values, case, page)
    yield from _block(CLAIMED_GRADIENTS, [c for c in inputs if c.claim is not None], case, page)
    yield from _block(OWN_GRADIENTS, [c for c in inputs if c.claim is None], case, page)
    entries = case.entries.values()
    yield from _block(CLAIMED_ENTRIES, [c for c in entries if c.claim is not None], case, page)
    yield from _block(OWN_ENTRIES, [c for c in entries if c.claim is None], case, page)
    if case.problem is not None:
        yield page.sentence(case.problem.message)
        for line in source_excerpt(case.problem.text, case.problem.column or 1):
            yield Text(f"  {line}", "aside")
        if case.problem.hint:
            yield page.sentence(("help", "aside"), f": {case.problem.hint}")
    if case.point is not None:
        sampled = f" ({case.points} points, seed {case.seed})"
        yield page.sentence(
            ("at", "aside"), f" {point_text(case.point, page.number)}", (sampled, "aside")
        )
    for note in case.notes:
        yield page.sentence(("note", "aside"), f": {note}")


def _block(
    columns: Columns, checks: list[InputCheck], case: Case, page: Page
) -> Iterator[RenderableType]:
    """The checks as rows, the worst first, and the reasons beneath."""
    brief = page.look.verbosity <= 0
    rows = _summed_up(checks, _most_whole(case)) if brief else checks
    shown = sorted(rows, key=lambda check: badness(check.verdict))
    if brief:
        shown = shown[:MOST_ROWS_OF_BLOCK]
    if shown:
        yield ""
        yield _fitted(columns, [_row(check, page) for check in shown], page)
    is_explained = brief and any(line.is_accused for line in case.lines)
    for check in shown:
        is_told = is_explained and check.claim is not None and check.verdict == "fail"
        if check.reason and not is_told:  # the line that is wrong says why
            where = f", line {case.place(check.name, check.whole)[0]}" if case.places else ""
            yield page.sentence((check.name, "name"), f"{where}: {check.reason}")
    if left_out := len(rows) - len(shown):
        yield page.sentence((f"... {left_out} more (-v shows them)", "aside"))


def _most_whole(case: Case) -> int:
    """How many elements of an array that pass have rows; beside lines they are many together."""
    passes = [c for c in case.inputs.values() if c.verdict == "pass" and c.whole != c.name]
    return 1 if case.lines and len(passes) > MOST_WHOLE else MOST_WHOLE


def _summed_up(checks: list[InputCheck], most: int) -> list[InputCheck]:
    """The checks with one for all elements of an array that pass, where they are more than some."""
    parts: dict[str, list[InputCheck]] = {}
    for check in checks:
        parts.setdefault(check.whole, []).append(check)
    rows = []
    for own in parts.values():
        passed = [check for check in own if check.verdict == "pass" and not check.directions]
        if len(passed) <= most:
            rows += own
            continue
        rows += [check for check in own if check not in passed]
        errors = [check.relative_error or 0.0 for check in passed]
        rows.append(passed[0]._replace(
            name=f"{len(passed)} of {own[0].whole}", analytic=None, claim=None,
            numeric=None, bound=None, relative_error=max(errors), reason=None,
        ))  # fmt: skip
    return rows


def _fitted(columns: Columns, rows: list[list[str]], page: Page) -> RenderableType:
    """The rows with both parts of the third number in one cell, or one below the other."""
    joined = [[*row[:2], " ".join(filter(None, row[2:4])), *row[4:]] for row in rows]
    block = page.block(columns, joined, head=1)
    if isinstance(block, Text) and max(map(cell_len, block.plain.split("\n"))) > page.width:
        return page.block((*columns[:3], Column("", columns[2].role), *columns[3:]), rows, head=1)
    return block


def _row(check: InputCheck, page: Page) -> list[str]:
    checked = check.analytic if check.claim is None else check.claim
    error = "" if check.relative_error is None else f"{check.relative_error:.2g}"
    bound = check.analytic_bound if check.claim is None else None
    numbers = page.number(checked, bound), *_measured(check, page), error
    name = f"{check.name} . v" if check.directions else check.name
    return [page.text(name), *numbers, check.spoken]


def _measured(check: InputCheck, page: Page) -> tuple[str, str]:
    """The numeric derivative and its bound, or the one-sided slopes at a kink."""
    if check.interval:
        low, high = map(page.number, check.interval)
        return f"[{low},", f"{high}]"
    bound = "" if check.numeric is None or check.bound is None else f"+- {check.bound:.2g}"
    return page.number(check.numeric), bound
