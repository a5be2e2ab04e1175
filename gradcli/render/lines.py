"""A hand-written backward pass as its writer wrote it, with a verdict in the margin."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator

from gradcli.render.arrays import is_large, nested_text
from gradcli.reports.evaluations import Number
from gradcli.reports.lines import FEW, Fork, LineCheck, first_of_each

MOST_LINES = 400  # of a program text; beyond that only those with a verdict are shown

Parts = list[str | tuple[str, str]]  # of a sentence, with their styles
Spell = Callable[[Number | None], str]


def listing(
    text: str, lines: list[LineCheck], spell: Spell, with_meanings: bool = False,
    shown: Container[int] | None = None,
) -> Iterator[tuple[int, Parts]]:  # fmt: skip
    """The program's text; below a wrong line what it gives, what is expected, and the mistake.

    Each comes with the column under which what does not fit on its line stands. `with_meanings`
    says of every line what it was understood as; `shown` are the numbers of the lines that are
    listed, None for all. Of blank lines in a row one is: a page that was pasted leaves many.
    """
    verdicts: dict[int, list[LineCheck]] = {}
    for line in lines:
        verdicts.setdefault(line.line, []).append(line)
    rows = text.rstrip().splitlines()
    is_long = shown is None and len(rows) > MOST_LINES
    width = len(str(len(rows)))
    margin = max(len(_word(line)) for line in lines)
    above = ""
    for number, row in enumerate(rows, start=1):
        checks = verdicts.get(number, [])
        if not checks and (is_long or (shown is not None and number not in shown)):
            continue
        if not row.strip() and not above:
            continue
        above = row.strip()
        word, style = _margin(checks)
        yield margin + width + 4, [
            (f"{word:{margin}}", style), "  ", (f"{number:{width}}", "aside"), f"  {row.rstrip()}",
        ]  # fmt: skip
        for line in first_of_each(checks):
            if line.verdict != "pass" and line.cause is None:
                yield margin + 2, [" " * (margin + 2), *_explained(line, spell)]
            elif with_meanings and line.meaning:
                yield (
                    margin + 2,
                    [" " * (margin + 2), (line.name, "name"), (f": {line.meaning}", "aside")],
                )
            if line.repair == "":
                yield margin + 2, [" " * (margin + 2), "leave this line out"]
            for k, part in enumerate((line.repair or "").splitlines()):
                before = " " * 6 if k else "write "
                yield margin + 2, [" " * (margin + 2), before, (part, "expression")]


def _margin(checks: list[LineCheck]) -> tuple[str, str]:
    """The word beside a line, and its style; of several statements on it the worst."""
    if not checks:
        return "", "aside"
    wrong = [line for line in checks if line.verdict != "pass"]
    accused = [line for line in wrong if line.cause is None]
    line = (accused or wrong or checks)[0]
    return _word(line), "aside" if line.cause else f"verdict.{line.verdict}"


def _word(line: LineCheck) -> str:
    return line.verdict if line.cause is None else f"from {line.cause}"


def _explained(line: LineCheck, spell: Spell) -> Iterator[str | tuple[str, str]]:
    yield line.name, "name"
    if line.occasion:
        yield f" ({line.occasion})", "aside"
    wrong = line.differences()
    if len(wrong) > FEW:
        at, claim, expected = wrong[0]
        yield f": {len(wrong)} numbers are wrong, most {at}: got "
        yield spell(claim), "verdict.fail"
        yield ", expected "
        yield spell(expected), "verdict.pass"
    elif is_large(line.claim):
        for k, (at, claim, expected) in enumerate(wrong):
            yield f"{';' if k else ':'} {at} got "
            yield spell(claim), "verdict.fail"
            yield ", expected "
            yield spell(expected), "verdict.pass"
    else:
        if line.claim is not None:
            yield ": got "
            yield nested_text(line.claim, spell), "verdict.fail"
        if line.expected is not None:
            yield ", expected "
            yield nested_text(line.expected, spell), "verdict.pass"
    if line.mistake:
        yield ": " if line.claim is None and line.expected is None else "; "
        yield line.mistake, "verdict.fail"
    if line.reason:
        yield f": {line.reason}"


def fork_rows(forks: list[Fork], spell: Spell) -> Iterator[list[str]]:
    """For every name with several uses: what comes back from each, and the sum."""
    for fork in forks:
        for part in fork.contributions:
            line = "" if part.line is None else str(part.line)
            yield [fork.name, part.stage, line, spell(part.claim), spell(part.expected)]
        yield [fork.name, "sum", "", spell(fork.sum), spell(fork.expected)]
