"""A report of `check` in a line for each case, and one that counts them all: without rich.

Lines are parts with the names of their styles, for a page that has colours.
"""

from __future__ import annotations

from collections.abc import Iterator

from gradcli.render.findings import tallies
from gradcli.render.look import Look
from gradcli.render.wording import MOST_OF_EXPRESSION, Wording, beginning
from gradcli.reports.checks import NOTHING_CLAIMED, OWN_GRADIENT, STANDINGS, Case, CheckReport

Parts = list[tuple[str, str]]  # texts, each with its style

MOST_PASSES = 10  # cases that pass and are named


def brief_check(report: CheckReport, look: Look) -> Iterator[str]:
    """What `check_table` prints under --quiet, where it has no colours."""
    words = Wording(look)
    cases = named(report, look.verbosity, is_on_terminal=False)
    lines = [heading(case, words, is_explained=not k) for k, case in enumerate(cases)]
    for parts in (*lines, *[[]] * bool(lines), summary(report)):
        yield "".join(words.text(text) for text, _ in parts).rstrip() + "\n"


def named(report: CheckReport, verbosity: int, is_on_terminal: bool) -> list[Case]:
    """The cases that have a line of their own, in the order of the report."""
    cases = sorted(report.cases, key=lambda case: badness(case.standing))
    passes = sum(case.standing == "pass" for case in cases)
    if verbosity < 0 or (verbosity == 0 and passes > MOST_PASSES):
        cases = [case for case in cases if case.standing != "pass"]
    return cases[::-1] if is_on_terminal else cases


def badness(verdict: str) -> int:
    """Sorts the worst verdict first."""
    return -STANDINGS.index(verdict)


def heading(case: Case, words: Wording, is_explained: bool) -> Parts:
    """Verdict, file and expression; a single expression has no file."""
    place = f"{case.file}:{case.line}"
    if case.problem is not None:
        place = f"{case.file}:{case.problem.line or case.line}:{case.problem.column or 1}"
    elif case.file in ("<expression>", "<function>"):
        place = ""
    expression = words.text(case.expression)
    if len(expression) > MOST_OF_EXPRESSION and words.look.verbosity <= 0:
        expression = f"{beginning(expression)} ..."
    standing = case.standing
    if case.is_unclaimed:
        standing += "" if standing == NOTHING_CLAIMED else f", {NOTHING_CLAIMED}"
        standing += f" ({OWN_GRADIENT})" * is_explained
    elif case.unclaimed:
        standing += f", not claimed: {', '.join(case.unclaimed)}"
    parts = (standing, f"verdict.{case.standing}"), (place, "name"), (expression, "expression")
    return _joined("  ", [part for part in parts if part[0]])


def summary(report: CheckReport) -> Parts:
    """How many cases have which verdict: `1 fail, 3 pass`."""
    counts = [(f"{count} {verdict}", f"verdict.{verdict}") for count, verdict in tallies(report)]
    return _joined(", ", counts) or [("nothing was checked", "")]


def _joined(separator: str, parts: Parts) -> Parts:
    """The parts of a sentence with a separator between them."""
    pairs = ([(separator, ""), part] for part in parts)
    return [part for pair in pairs for part in pair][1:]
