"""A verdict on every number of a hand-written backward pass.

    expected = sum over the consumers of a name of
               the writer's own gradient of the consumer x its derivative by the name

A claim that differs from this, and from the true gradient, is wrong, unless float64 rounds there
or a gate is at its kink. One that agrees with this follows from the gradients it was made of. Which
line is to blame for what is wrong is the question of `blame`.

The amounts are numbers, or in large programs whole arrays.
"""

from __future__ import annotations

from functools import cached_property
from itertools import product

from gradcli.arithmetic.agreement import agree
from gradcli.backward.amounts import Amount, is_finite
from gradcli.backward.passage import Evidence, Exactly, in_bounds, in_digits
from gradcli.checker.evidence import DIGITS_LOST
from gradcli.checker.question import Question
from gradcli.checker.verdicts import RESIDUE, check
from gradcli.engine import Machine, backward
from gradcli.evaluation.point import Point, arithmetic_of
from gradcli.gates.table import CONSTANTS
from gradcli.named_tuples import NamedTuple
from gradcli.program.model import Element, nodes_of

DECIDING_DIGITS = (100, 1000)  # a wrong formula, or rounding: the tail of a tanh needs many


class Word(NamedTuple):
    """A verdict on a number, or on a line, and its reason."""

    verdict: str
    reason: str | None = None


AS_EXPECTED = Word("pass")
AT_FLOAT_LIMIT = Word("inconclusive", f"{DIGITS_LOST}; in many digits the line is right")
ELSEWHERE = Word("inconclusive", "not checked: a number is claimed at its own point only")


class Judgement(NamedTuple):
    """The verdicts on claimed gradients, and the names whose gradients are wrong."""

    words: dict[Element, Word]
    wrong: set[str]  # those that follow from wrong ones, too


def judge(evidence: Evidence) -> Judgement:
    """Judge the gradients of a program at a point, number by number."""
    court = _Court(evidence)
    words = {element: court.word(element) for element in evidence.cut.claimed}
    words = _forgiven(evidence, words)
    written, true = evidence.written, evidence.true.gradients
    wrong: set[Element] = set()
    place = evidence.cut.definitions
    for element in sorted(words, key=lambda e: -place.get(e, -1)):  # consumers come first
        if words[element].verdict == "fail" or (
            words[element] == AS_EXPECTED
            and not wrong.isdisjoint(written.uses.get(element, ()))
            and not evidence.agree(written.gradients[element], true[element])
            and not court.is_rounding(element, by_engine=True)
        ):
            wrong.add(element)
    return Judgement(words, {element.name for element in wrong})


def _forgiven(evidence: Evidence, words: dict[Element, Word]) -> dict[Element, Word]:
    """The words without those on rounding in gradients of stages, of which right results are made.

    Saturated gates lose the digits of single numbers that count for nothing.
    """
    lost = [e for e, word in words.items() if (word.reason or "").startswith(DIGITS_LOST)]
    if not lost:
        return words
    from gradcli.backward.aim import ends_of, scaled  # late: numbers do not need numpy

    program, ends = evidence.program, ends_of(evidence.program)
    if any(word != AS_EXPECTED for element, word in words.items() if element.name in ends):
        return words
    nodes = {name: nodes_of(program.claims[name]) for name in {e.name for e in lost}}
    results = [node for name in ends for node in nodes_of(program.claims[name])]
    harmless = scaled(evidence.point.run, results, nodes)
    return words | {element: AS_EXPECTED for element in lost if element.name in harmless}


class _Court:
    """Judges number after number."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self._passages: dict[tuple[int, bool], Exactly | None] = {}
        active = evidence.program.graph.active
        self._failed: set[str] = set()  # names of which a number is wrong
        self._in_numbers: dict[str, list[bool]] = {}  # of a name: which lines give numbers
        for line in evidence.program.lines:
            if line.name is not None:
                is_number = not any(active[node] for node in nodes_of(line.value))
                self._in_numbers.setdefault(line.name, []).append(is_number)

    def word(self, element: Element) -> Word:
        """The verdict on a number."""
        evidence, written = self.evidence, self.evidence.written
        output = evidence.cut.output
        if element == output or (element.name == output.name and not output.index):
            return AS_EXPECTED
        claim, expected = written.gradients[element], written.expected(element)
        true = evidence.true.gradients[element]
        if evidence.agree(claim, expected) or evidence.agree(claim, true):
            return AS_EXPECTED  # mistakes may cancel
        if element.name in self._failed:
            return Word("fail")
        in_numbers = self._in_numbers[element.name]
        if evidence.formulas_only and all(in_numbers):
            return ELSEWHERE
        if not (evidence.request.exact or all(in_numbers)):
            gate = self._overflow(element, claim)
            if gate is not None:
                reason = f"float64 overflows in this line ({gate}): a smaller case may show a value"
                return Word("inconclusive", reason)
            if self.is_rounding(element):
                is_of_arrays = evidence.point.is_of_arrays
                return Word("inconclusive", DIGITS_LOST) if is_of_arrays else AT_FLOAT_LIMIT
        consumers = [*written.uses.get(element, ())]
        if not is_finite(claim) and not consumers:
            return Word("undefined")
        if not consumers:
            return Word("fail")
        word = self._by_differences(element, consumers, claim)
        if word.verdict == "fail":
            self._failed.add(element.name)
        return word

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

    def is_rounding(self, element: Element, by_engine: bool = False) -> bool:
        """Whether a number differs from what is expected only because float64 rounds.

        Expected is what its consumers send back, or the true gradient; `by_engine` the latter only.
        """
        evidence, written = self.evidence, self.evidence.written
        if evidence.point.is_of_arrays:
            return self._may_be_rounding(element, by_engine)
        size = max(abs(written.gradients[element]), abs(written.expected(element)))
        named = set(CONSTANTS.values()).intersection(evidence.program.graph.constants.values())
        for count, is_sharp in product(DECIDING_DIGITS, (False, True) if named else (False,)):
            passage = self._in_digits(count, is_sharp)
            if passage is None:
                return False
            claim, rights = passage.written.gradients[element], passage.rights(element, by_engine)
            scale = max(abs(claim), *map(abs, rights))
            if agree(scale, 0.0, 0.0, RESIDUE * size):
                return True
            if any(evidence.agree(claim, right) for right in rights):
                return True
        return False

    def _in_digits(self, count: int, is_sharp: bool) -> Exactly | None:
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

    def _may_be_rounding(self, element: Element, by_engine: bool) -> bool:
        """Whether the bounds on an array's roundings allow for the difference, in every element."""
        bounded, tolerance = self._bounded, self.evidence.request.tolerance
        with bounded.written.run.machine.arithmetic.quiet():
            claim = bounded.written.gradients[element]
            return any(
                agree(claim.value, right.value, tolerance, (claim - right).error)
                for right in bounded.rights(element, by_engine)
            )

    @cached_property
    def _bounded(self) -> Exactly:
        return in_bounds(self.evidence)
