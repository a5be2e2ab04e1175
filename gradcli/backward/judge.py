"""A verdict on every number of a hand-written backward pass, and the lines that are wrong.

    expected = sum over the consumers a line answers for of
               the writer's own gradient of the consumer x its derivative by the name

A line that differs from this is wrong by itself. One that agrees, and is wrong all the same, has
been handed a wrong gradient: its cause is the line that first went wrong. Lines are grouped by name
and judged by the sum first, so that nothing is accused where the final value is right.

The amounts are numbers, or in large programs whole arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import product
from typing import NamedTuple

from gradcli.arithmetic.agreement import agree
from gradcli.backward.amounts import Amount, in_words, is_finite, total
from gradcli.backward.attribution import Attribution
from gradcli.backward.matching import Group, Part
from gradcli.backward.passage import Evidence, Passage, in_bounds, in_digits
from gradcli.checker.evidence import DIGITS_LOST
from gradcli.checker.question import Question
from gradcli.checker.verdicts import RESIDUE, check
from gradcli.engine import Machine, backward
from gradcli.evaluation.point import Point, arithmetic_of
from gradcli.program.model import Element, nodes_of
from gradcli.syntax.tokens import line_and_column

DECIDING_DIGITS = (100, 1000)  # a wrong formula, or rounding: the tail of a tanh needs many


class Word(NamedTuple):
    """A verdict on a number, or on a line, and its reason."""

    verdict: str
    reason: str | None = None


AS_EXPECTED = Word("pass")
AT_FLOAT_LIMIT = Word("inconclusive", f"{DIGITS_LOST}; in many digits the line is right")
ELSEWHERE = Word("inconclusive", "not checked: a number is claimed at its own point only")


class Accusation(NamedTuple):
    """A line that is wrong by itself, at one number of its target."""

    group: Group | None  # None where the lines are right and their sum is not
    claim: Amount
    expected: Amount | None  # None where lines cannot be told apart
    mistake: str | None = None
    reason: str | None = None
    element: Element | None = None  # one without a line of its own, of which this is said


class Judgement(NamedTuple):
    """Which numbers are right by what their writer hands on, and which lines are wrong."""

    words: dict[Element, Word]
    accused: dict[int, Accusation]  # by the number of the line
    wrong_names: set[str]  # whose gradients are not the true ones


Suspects = dict[int, Accusation]  # lines that are wrong together


def judge(evidence: Evidence, attribution: Attribution) -> Judgement:
    """Judge the gradients of a program at a point, number by number."""
    court = _Court(evidence, attribution)
    words = {element: court.word(element) for element in evidence.cut.claimed}
    written, true = evidence.written.gradients, evidence.true.gradients
    wrong = {e.name for e in evidence.cut.claimed if not evidence.agree(written[e], true[e])}
    return Judgement(words, court.settled(), wrong)


class _Court:
    """Judges number after number, and collects the lines that make them wrong."""

    def __init__(self, evidence: Evidence, attribution: Attribution) -> None:
        self.evidence = evidence
        self.attribution = attribution
        self.alone: dict[int, Accusation] = {}  # by the number of the line
        self.joint: list[Suspects] = []
        self._passages: dict[tuple[int, bool], Passage | None] = {}
        active = evidence.program.graph.active
        self._numbers = {  # lines that give numbers, whatever the inputs are
            k for k, line in enumerate(evidence.program.lines)
            if not any(active[node] for node in nodes_of(line.value))
        }  # fmt: skip
        lines = enumerate(evidence.program.lines)
        self._last = {line.name: k for k, line in lines if line.name is not None}

    def settled(self) -> dict[int, Accusation]:
        """The lines that are wrong: of those that are so together all, where none is alone."""
        accused = dict(self.alone)
        for together in self.joint:
            if together.keys().isdisjoint(self.alone):
                for line, accusation in together.items():
                    accused.setdefault(line, accusation)
        return accused

    # ---------------------------------------------------------------- the verdict on a number

    def word(self, element: Element) -> Word:
        """The verdict on a number; the lines that make it wrong are noted."""
        evidence, written = self.evidence, self.evidence.written
        if element == evidence.cut.output:
            return AS_EXPECTED
        claim, expected = written.gradients[element], written.expected(element)
        true = evidence.true.gradients[element]
        if evidence.agree(claim, expected) or evidence.agree(claim, true):
            return AS_EXPECTED  # mistakes may cancel
        parts = self.attribution.parts[element]
        are_numbers = self._are_numbers(parts)
        if evidence.formulas_only and are_numbers:
            return ELSEWHERE
        if not (evidence.request.exact or are_numbers):
            gate = self._overflow(element, claim)
            if gate is not None:
                reason = f"float64 overflows in this line ({gate}): a smaller case may show a value"
                return Word("inconclusive", reason)
            if self._is_rounding(element):
                is_of_arrays = evidence.point.is_of_arrays
                return Word("inconclusive", DIGITS_LOST) if is_of_arrays else AT_FLOAT_LIMIT
        consumers = [*written.uses.get(element, ())]
        if consumers:
            word = self._by_differences(element, consumers, claim)
        else:
            word = Word("fail" if is_finite(claim) else "undefined")
        if word.verdict == "fail":
            suspects = [*self._suspects(element, claim, expected)]
            if not suspects and evidence.formulas_only:
                return ELSEWHERE
            self._accuse(suspects)
        return word

    def _are_numbers(self, parts: Iterable[Part]) -> bool:
        return all(part.line in self._numbers for part in parts)

    def _by_differences(self, element: Element, consumers: list[Element], claim: Amount) -> Word:
        """The numerical checker's word; at a kink a line may choose any slope between the sides."""
        evidence = self.evidence
        cut = evidence.cut
        graph, output, moved, places = cut.local_problem(consumers, evidence.written.upstream)
        leaf = moved[cut.leaves[element]]
        inputs = [evidence.written.cut_run.values[node] for node in places]
        run = Machine(graph, arithmetic_of(graph)).run(inputs)
        backward(run, output, 1.0)
        called = evidence.point.names
        names = {moved[k]: called.get(cut.source.get(k, -1), "?") for k in moved}
        problem = evidence.program._replace(graph=graph, output=output, parts=None, upstream=None)
        point = Point(problem, run, 1.0, names)
        question = Question(str(element), leaf, point.gradient(leaf), claim, exact=True)
        answer = check(point, [question], evidence.request).inputs[question.name]
        return Word(answer.verdict, answer.reason)

    def _is_rounding(self, element: Element) -> bool:
        """Whether a number differs from what is expected only because float64 rounds."""
        evidence, written = self.evidence, self.evidence.written
        if evidence.point.is_of_arrays:
            return self._may_be_rounding(element)
        size = max(abs(written.gradients[element]), abs(written.expected(element)))
        for count, is_sharp in product(DECIDING_DIGITS, (False, True)):
            passage = self._in_digits(count, is_sharp)
            if passage is None:
                return False
            claim, expected = passage.gradients[element], passage.expected(element)
            scale = max(abs(claim), abs(expected))
            vanishes = agree(scale, 0.0, 0.0, RESIDUE * size)
            if vanishes or evidence.agree(claim, expected):
                return True
        return False

    def _in_digits(self, count: int, is_sharp: bool) -> Passage | None:
        key = (count, is_sharp)
        if key not in self._passages:
            self._passages[key] = in_digits(self.evidence, count, is_sharp)
        return self._passages[key]

    def _overflow(self, element: Element, claim: Amount) -> str | None:
        """The gate that overflows on the way to an array; many digits look at a number."""
        program = self.evidence.program
        if not self.evidence.point.is_of_arrays or is_finite(claim):
            return None
        from gradcli.checker.slopes import Place  # late: numbers do not need numpy

        return Place(self.evidence.point).overflow(program.claims[element.name])

    def _may_be_rounding(self, element: Element) -> bool:
        """Whether the bounds on an array's roundings allow for the difference, in every element."""
        bounded = self._bounded
        with bounded.run.machine.arithmetic.quiet():
            claim, expected = bounded.gradients[element], bounded.expected(element)
            room = (claim - expected).error
        return agree(claim.value, expected.value, self.evidence.request.tolerance, room)

    @cached_property
    def _bounded(self) -> Passage:
        return in_bounds(self.evidence)

    # ---------------------------------------------------------------- which line it is

    def _accuse(self, suspects: Iterable[Suspects]) -> None:
        for together in suspects:
            if len(together) == 1:
                self.alone.setdefault(*next(iter(together.items())))
            else:
                self.joint.append(together)

    def _suspects(self, element: Element, claim: Amount, expected: Amount) -> Iterator[Suspects]:
        """The lines that make a wrong sum; each is wrong by itself, or together with others."""
        groups = self.attribution.groups[element]
        suspects = [
            *self._wrong_groups(element, groups), *self._lost_parts(element, claim, expected),
        ]  # fmt: skip
        yield from suspects
        if not suspects and not self.evidence.formulas_only:
            live = [part for part in self.attribution.parts[element] if not part.is_lost]
            if live:
                yield self._together(Group(live, [], expected), live, claim)

    def _wrong_groups(self, element: Element, groups: list[Group]) -> Iterator[Suspects]:
        for group in groups:
            live = [part for part in group.parts if not part.is_lost]
            if not live or (self.evidence.formulas_only and self._are_numbers(live)):
                continue
            amount = total(part.value for part in live)
            is_all = len(groups) == 1  # and the sum has been judged
            if is_all or not self._is_right(element, group, amount):
                yield self._together(group, live, amount)

    def _is_right(self, element: Element, group: Group, amount: Amount) -> bool:
        if self.evidence.agree(amount, group.expected):
            return True
        consumers = group.consumers
        return bool(consumers) and (
            self._by_differences(element, consumers, amount).verdict == "kink"
        )

    def _together(self, group: Group, live: list[Part], amount: Amount) -> Suspects:
        """The lines of a group that is wrong: one is accused, of several it is not known which."""
        lines = list(dict.fromkeys(part.line for part in live))
        if len(lines) == 1:
            return {lines[0]: Accusation(group, amount, group.expected)}
        source, statements = self.evidence.program.source, self.evidence.program.lines
        spans = source.spans({statements[k].statement.token for k in lines}).values()
        place = line_and_column(source.text)
        which = _listed(sorted({place(span.start)[0] for span in spans}))
        reason = f"lines {which} cannot be told apart; their sum is wrong"
        return {
            part.line: Accusation(group, part.value, None, None, reason) for part in reversed(live)
        }

    def _lost_parts(self, element: Element, claim: Amount, expected: Amount) -> Iterator[Suspects]:
        """Contributions that a line overwrites, or that no line adds."""
        agree, attribution = self.evidence.agree, self.attribution
        groups = [g for g in attribution.groups[element] if not agree(0.0, g.expected)]
        lost = [g for g in groups if g.parts and all(part.is_lost for part in g.parts)]
        missing = [g for g in groups if not g.parts]
        if not (lost or missing):
            return
        consumers = [*self.evidence.written.uses.get(element, ())]
        feeds = _listed(consumers)
        if lost and element in attribution.overwriters:
            again = total(part.value for part in attribution.parts[element])
            cure = ": use +=" if agree(again, expected) else ""
            reason = (
                f"{element} feeds {feeds}; this line overwrites {len(lost)} of {len(consumers)} "
                f"contributions; expected {in_words(expected)}, got {in_words(claim)}{cure}"
            )
            overwriter = attribution.overwriters[element]
            yield {overwriter: Accusation(None, claim, expected, "overwritten", reason)}
        if missing:
            first = missing[0]
            reason = (
                f"{element} feeds {feeds}; no line adds the contribution of "
                f"{_listed(first.consumers)}, {in_words(first.expected)}"
            )
            last = self._last[element.name]  # a number may have no line of its own: `dx[:, 0] = `
            missed = None if attribution.parts[element] else element
            yield {last: Accusation(None, claim, expected, "missing-path", reason, missed)}


def _listed(names: Iterable[object]) -> str:
    """`a, b and c`."""
    *first, last = [str(name) for name in names] or ["nothing"]
    return f"{', '.join(first)} and {last}" if first else last
