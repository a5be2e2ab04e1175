"""The story of a backward pass, for people and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradcli.render.arrays import MOST_WHOLE_IN_ROW, array_text
from gradcli.render.circuit.numbers import drawn
from gradcli.render.look import Look
from gradcli.render.markdown import code_span
from gradcli.render.table import Page
from gradcli.render.table import Part as PagePart
from gradcli.reports.evaluations import Number
from gradcli.reports.lines import differences
from gradcli.reports.tellings import Gathered, Part, Step, Telling

DECIMALS = 3


def story(telling: Telling, look: Look) -> Iterator[str]:
    """A paragraph for every gate, in the order of the sweep, then the inputs."""
    page = Page(look)
    for part in story_parts(telling, page):
        yield page.drawn(part)


def story_parts(telling: Telling, page: Page) -> Iterator[PagePart]:
    """The parts of the story, in order; a page draws them."""
    write = _Numbers(page.look.decimals)
    value = write(telling.value, telling.bound)
    yield page.sentence((_title(telling), "expression"), " = ", (value, "value"))
    for step in telling.steps:
        yield ""
        yield page.sentence((step.code, "name"), f" {step.pattern}: {step.words}")
        for title, text in _lines(step, write):
            yield page.item(title, text, len(title))
    yield ""
    margin = max((len(told.name) for told in telling.inputs), default=0)
    for told in telling.inputs:
        words = _sum(f"d{told.name}", told.gathered, told.gradient, told.gradient_bound, write)
        yield page.item(told.name, "; ".join(filter(None, [words, told.words])), margin)
    for note in telling.notes:
        yield page.sentence(("note", "aside"), f": {note}")


def markdown_story(telling: Telling, look: Look) -> Iterator[str]:
    """The same as a list."""
    write = _Numbers(look.decimals)
    yield f"{code_span(_title(telling))} = {write(telling.value, telling.bound)}\n\n"
    for number, step in enumerate(telling.steps, 1):
        yield f"{number}. {code_span(step.code)} **{step.pattern}**: {step.words}\n"
        for _, text in _lines(step, write):
            yield f"   * {text}\n"
    yield "\n"
    for told in telling.inputs:
        words = _sum(f"d{told.name}", told.gathered, told.gradient, told.gradient_bound, write)
        yield f"* {code_span(told.name)}: {'; '.join(filter(None, [words, told.words]))}\n"
    for note in telling.notes:
        yield f"* {note}\n"


def _title(telling: Telling) -> str:
    if telling.expression.startswith(telling.output):
        return telling.expression
    return f"{telling.output} = {telling.expression}"


class _Numbers:
    """Numbers with so many decimals; arrays of more than a few elements as shape and range."""

    def __init__(self, decimals: int | None) -> None:
        self.decimals = DECIMALS if decimals is None else decimals

    def __call__(self, number: Number | None, bound: Number | None = None) -> str:
        if number is None:
            return "?"
        if isinstance(number, list):
            return array_text(number, bound, self._one, False, MOST_WHOLE_IN_ROW)
        return self._one(number, bound)

    def _one(self, number: Number | None, bound: Number | None) -> str:
        assert isinstance(number, float)
        text = drawn(number, self.decimals, bound if isinstance(bound, float) else None)
        is_whole = number.is_integer() and "e" not in text
        return text.partition(".")[0] if is_whole else text


def _lines(step: Step, write: _Numbers) -> Iterator[tuple[str, str]]:
    """What comes together in a gate's gradient, what it hands on, and what is remarkable."""
    if step.gathered:
        own = step.code.split(" = ")[0]
        yield "", _sum(f"d{own}", step.gathered, step.gradient, step.gradient_bound, write)
    for part in step.parts:
        yield "", _part(part, write)
        if part.verdict == "fail":
            yield "", _wrong(part, write)
    for remark in step.remarks:
        yield "", remark


def _sum(
    name: str, gathered: Gathered | None, gradient: Number | None, bound: Number | None,
    write: _Numbers,
) -> str:  # fmt: skip
    """A gradient; where it is a sum, the sum."""
    total = write(gradient, bound)
    if gathered is None:
        return f"{name} = {total}" if gradient is not None else ""
    uses = _listed(gathered.uses)
    if any(isinstance(x, list) for x in gathered.contributions):
        return f"{name} = {total}, the sum of what {uses} send back"
    terms = [write(x) for x in gathered.contributions]
    text = terms[0] + "".join(f" - {t[1:]}" if t.startswith("-") else f" + {t}" for t in terms[1:])
    return f"{name} = {text} = {total}, the sum of what {uses} send back"


def _part(part: Part, write: _Numbers) -> str:
    """The line of code with its numbers: `dx = dq = -4 * 1 = -4`."""
    result = write(part.contribution, part.bound)
    if part.shapes:
        return f"{part.code}: {part.shapes}"
    if part.local is None or isinstance(part.local, list) or isinstance(part.upstream, list):
        return f"{part.code} = {result}"
    return f"{part.code} = {write(part.upstream)} * {write(part.local)} = {result}"


def _wrong(part: Part, write: _Numbers) -> str:
    at = f"line {part.claim_line}" if part.claim_line else "the backward pass"
    if not part.is_cause:
        return f"{at} has {write(part.claim)}, from what is wrong before it"
    wrong = differences(part.claim, part.expected)
    if len(wrong) > MOST_WHOLE_IN_ROW:
        place, claim, expected = wrong[0]
        yours = (f"{at} is wrong in {len(wrong)} numbers, most at {place}: "
                 f"{write(claim)} where {write(expected)} is right")  # fmt: skip
    else:
        yours = f"{at} has {write(part.claim)} here, where {write(part.expected)} is right"
    return f"{yours}: {part.reason}" if part.reason else yours


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
