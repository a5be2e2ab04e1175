"""A verdict for every line of a hand-written backward pass.

    expected = sum over the consumers a line answers for of
               the writer's own gradient of the consumer x its derivative by the name

A line that differs from this is wrong by itself. One that agrees, and is wrong all the same, has
been handed a wrong gradient: its cause is the line that first went wrong. Lines are grouped by name
and judged by the sum first, so that nothing is accused where the final value is right.

The amounts are numbers, or in large programs whole arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import product
from typing import Any

from gradcli.arithmetic.agreement import agree
from gradcli.backward.amounts import Amount, in_words, is_finite, total
from gradcli.backward.attribution import Group, Part, base, matched
from gradcli.backward.cut import Cut
from gradcli.checker.question import Question
from gradcli.checker.verdicts import RESIDUE, check
from gradcli.engine import Machine, Run, backward
from gradcli.evaluation.numbers import bounded_run
from gradcli.evaluation.point import Point, arithmetic_of, numbers
from gradcli.program.gradient_lines import GradientLine
from gradcli.program.model import Program, nodes_of
from gradcli.reports import InputCheck
from gradcli.requests import Request

DIGITS = (100, 1000)  # to tell a wrong formula from rounding: the tail of a tanh needs many
TOO_DEAR = "not checked: it would take more than the budget (--check-budget)"
ELSEWHERE = "not checked: a number is claimed at its own point only"


class Passage:
    """The backward part at one point: what its lines say and what they should say."""

    def __init__(self, cut: Cut, program: Program, run: Run, upstream: Any) -> None:
        self.cut = cut
        self.program = program
        self.run = run
        self.claims: dict[str, Any] = {
            element: run.values[node]
            for name, value in program.claims.items()
            for element, node in numbers(name, value)
        }
        seeds = {name: self.claims.get(name, upstream) for name in cut.definitions}
        self.upstream = seeds  # the writer's own
        self.cut_run = cut.run(run.values, run.machine.arithmetic)
        self.uses = cut.uses(self.cut_run, seeds)

    def expected(self, element: str) -> Any:
        """The gradient of a name by the writer's own upstream gradients."""
        return sum(
            (use.amount for use in self.uses.get(element, ())), self.run.machine.arithmetic.zero
        )


class Accusation:
    """What is wrong with a line by itself, at one number of its target."""

    __slots__ = ("claim", "element", "expected", "group", "mistake", "reason")

    def __init__(
        self, element: str, group: Group | None, claim: Amount, expected: Amount | None,
        mistake: str | None = None, reason: str | None = None,
    ) -> None:  # fmt: skip
        self.element = element
        self.group = group  # None where the lines are right and their sum is not
        self.claim = claim
        self.expected = expected  # None where lines cannot be told apart
        self.mistake = mistake
        self.reason = reason


Suspect = tuple[list[int], Accusation]  # lines that are wrong together, and what is said of one


class Judge:
    """Judges the gradients of one program at one point, name by name."""

    def __init__(
        self, cut: Cut, found: Point, request: Request, formulas_only: bool
    ) -> None:  # fmt: skip
        self.cut = cut
        self.found = found
        self.program = found.program
        self.request = request
        self.formulas_only = formulas_only
        self.passage = Passage(cut, self.program, found.run, found.upstream)
        self.parts: dict[str, list[Part]] = {name: [] for name in cut.claimed}
        self.overwriters: dict[str, int] = {}
        self.groups: dict[str, list[Group]] = {}
        self.verdicts: dict[str, InputCheck | None] = {}  # None: it is as expected
        self.accused: dict[int, Accusation] = {}  # by the number of the line
        self.joint: list[Suspect] = []  # of several lines, the accused one first
        self._passages: dict[tuple[int, bool], Passage | None] = {}
        self._totals: dict[str, Amount] = {}  # of arrays, as the lines so far have them
        for number, line in enumerate(self.program.lines):
            if line.name is not None:
                self._take(number, line)
        for element in cut.claimed:
            self._judge(element)
        self._settle()

    # ---------------------------------------------------------------- what lines say

    def _take(self, number: int, line: GradientLine) -> None:
        """Enter what a line adds to each number of its gradient."""
        values = self.found.run.values
        reads = upstream_reads(self.program, number)
        forward = {read.name for read in line.reads.values() if read.kind == "forward"}
        own = ("gradient", line.name)
        old = next((r.value for r in line.reads.values() if (r.kind, r.name) == own), None)
        before = dict(numbers(str(line.name), old)) if old is not None else {}
        name = str(line.name)
        if self.program.graph.has_arrays:
            total_before = self._totals.get(name, 0.0)
            self._totals[name] = values[line.total]
            if line.place:  # of an array: what it changes
                change = values[line.total] - total_before
                self.parts[name].append(Part(number, change, reads - {name}, forward - {name}))
                return
        for element, node in line_numbers(self.program, line):
            value = values[node]
            if element in before:
                value = value - values[before[element]]
            elif line.statement.kind != "add":
                for part in self.parts[element]:
                    part.is_lost = True
                self.overwriters[element] = number
            self.parts[element].append(Part(number, value, reads - {name}, forward - {name}))

    @cached_property
    def _assigned(self) -> dict[str, int]:
        """The line after which the gradient of each name is complete; -1 for the output's."""
        last = {str(line.name): k for k, line in enumerate(self.program.lines) if line.name}
        return {base(self.cut.output): -1, **last}

    @cached_property
    def _operands(self) -> dict[str, set[str]]:
        """The names each consumer is computed from, and its own."""
        names = {node: base(name) for name, node in self.cut.leaves.items()}
        return {
            consumer: {base(consumer), *(names[n] for n in self.cut.order(consumer) if n in names)}
            for consumer in self.cut.definitions
        }

    # ---------------------------------------------------------------- the verdict on a number

    def agree(self, claim: Amount, expected: Amount) -> bool:
        """Whether two amounts are the same within the tolerance; nan never is."""
        return agree(claim, expected, self.request.tolerance)

    def _judge(self, element: str) -> None:
        if element == self.cut.output:
            self.groups[element], self.verdicts[element] = [], None
            return
        uses = self.passage.uses.get(element, [])
        parts = self.parts[element]
        self.groups[element] = groups = matched(
            parts, uses, self.cut.output, self.agree, self._operands, self._assigned
        )
        claim, expected = self.passage.claims[element], self.passage.expected(element)
        self.verdicts[element] = None
        if self.agree(claim, expected) or self._is_true(element, claim):
            return
        if self.formulas_only and all(map(self.is_number, parts)):
            self.verdicts[element] = _word(element, "inconclusive", None, ELSEWHERE)
            return
        consumers = list(dict.fromkeys(use.consumer for use in uses))
        verdict = self._verdict(element, claim, consumers, parts)
        self.verdicts[element] = verdict
        if verdict.verdict == "fail":
            self._accuse(element, groups, claim, expected)
            if self.formulas_only and not self._is_accused(element):
                self.verdicts[element] = _word(element, "inconclusive", None, ELSEWHERE)

    def _is_accused(self, element: str) -> bool:
        """Whether some line of a gradient is wrong by itself, or together with others."""
        lines = {part.line for part in self.parts[element]}
        return not lines.isdisjoint(self.accused) or any(
            not lines.isdisjoint(together) for together, _ in self.joint
        )

    def _is_true(self, element: str, claim: Amount) -> bool:
        """Whether a gradient is right all the same: mistakes may cancel."""
        return self.agree(claim, self.true_gradient(element))

    def true_gradient(self, element: str) -> Amount:
        """The engine's own gradient of a name."""
        return self.found.run.gradients[self.cut.origin[element]]

    def _verdict(
        self, element: str, claim: Amount, consumers: list[str], parts: list[Part]
    ) -> InputCheck:
        """The checker's word on a gradient against its writer's own upstream gradients."""
        if not self._is_typed(parts) and self._is_rounding(element):
            reason = "float64 loses its digits here"
            if not self.program.graph.has_arrays:
                reason += "; in many digits the line is right"
            return _word(element, "inconclusive", None, reason)
        if not consumers:
            return _word(element, "fail" if is_finite(claim) else "undefined", "smooth")
        return self._numeric(element, consumers, claim)

    def _numeric(self, element: str, consumers: list[str], claim: Amount) -> InputCheck:
        """The numerical checker's word; at a kink a line may choose any slope between the sides."""
        graph, output, moved = self.cut.local_problem(consumers, self.passage.upstream)
        leaf = moved[self.cut.leaves[element]]
        inputs = [self.passage.cut_run.values[self.cut.leaves[name]] for name in graph.inputs]
        run = Machine(graph, arithmetic_of(graph)).run(inputs)
        backward(run, output, 1.0)
        called, source = self.found.names, self.cut.source
        names = {moved[k]: called.get(source.get(k, -1), "?") for k in moved}
        problem = self.program._replace(graph=graph, output=output, parts=None, upstream=None)
        point = Point(problem, run, 1.0, names)
        question = Question(element, leaf, point.gradient(leaf), claim, exact=True)
        return check(point, [question], self.request).inputs[element]

    def _is_typed(self, parts: list[Part]) -> bool:
        """Whether numbers are claimed, or formulas are held as exactly as numbers."""
        return self.request.exact or all(map(self.is_number, parts))

    def is_number(self, part: Part) -> bool:
        """Whether a line gives a number, whatever the inputs are."""
        active = self.program.graph.active
        return not any(active[n] for n in nodes_of(self.program.lines[part.line].value))

    def _is_rounding(self, element: str) -> bool:
        """Whether the line differs from what is expected only because float64 rounds."""
        if self.program.graph.has_arrays:
            return self._may_be_rounding(element)
        size = max(abs(self.passage.claims[element]), abs(self.passage.expected(element)))
        for count, is_sharp in product(DIGITS, (False, True)):
            passage = self._in_digits(count, is_sharp)
            if passage is None:
                return False
            claim, expected = passage.claims[element], passage.expected(element)
            scale = max(abs(claim), abs(expected))
            vanishes = agree(scale, 0.0, 0.0, RESIDUE * size)
            if vanishes or self.agree(claim, expected):
                return True
        return False

    def _may_be_rounding(self, element: str) -> bool:
        """Whether the bounds on an array's roundings allow for the difference, in every element."""
        expected = self._bounded.expected(element)
        with self._bounded.run.machine.arithmetic.quiet():  # a claim may be infinite
            gap = self._bounded.claims[element] - expected
        slack = gap.error + self.request.tolerance * abs(expected.value)
        return bool((abs(gap.value) <= slack).all())

    @cached_property
    def _bounded(self) -> Passage:
        run = bounded_run(self.found.run)
        upstream = run.machine.arithmetic.static(self.found.upstream)
        return Passage(self.cut, self.program, run, upstream)

    def _in_digits(self, count: int, is_sharp: bool) -> Passage | None:
        key = (count, is_sharp)
        if key not in self._passages:
            self._passages[key] = self._passage_in(count, is_sharp)
        return self._passages[key]

    def _passage_in(self, count: int, is_sharp: bool) -> Passage | None:
        """The backward part in many digits; None where it is out of their reach.

        `is_sharp` takes pi, tau and e for what they stand for: a line that writes the slope of erf
        down rounds there.
        """
        from gradcli.arithmetic.digits import digits, sharp_constants  # late: mpmath
        from gradcli.arithmetic.special import OutOfReachError

        arithmetic, graph = digits(count), self.program.graph
        inputs = [arithmetic.number(self.found.run.values[n]) for n in graph.inputs.values()]
        try:
            machine = Machine(graph, arithmetic)
            if is_sharp:
                sharp = sharp_constants(arithmetic)
                for node, value in graph.constants.items():
                    machine.leaves[node] = sharp.get(value, machine.leaves[node])
            run = machine.run(inputs)
            upstream = arithmetic.number(self.found.upstream)
            return Passage(self.cut, self.program, run, upstream)
        except (OutOfReachError, ArithmeticError, ValueError):
            return None

    # ---------------------------------------------------------------- which line it is

    def _accuse(self, element: str, groups: list[Group], claim: Amount, expected: Amount) -> None:
        """Name the lines that make a wrong sum; each is wrong by itself."""
        suspects = [
            *self._wrong_groups(element, groups),
            *self._lost_parts(element, groups, claim, expected),
        ]
        if not suspects and not self.formulas_only:
            live = [part for part in self.parts[element] if not part.is_lost]
            suspects = self._together(element, Group(live, [], expected), live, claim)
        for lines, accusation in suspects:
            if len(lines) == 1:
                self.accused.setdefault(lines[0], accusation)
            else:
                self.joint.append((lines, accusation))

    def _wrong_groups(self, element: str, groups: list[Group]) -> Iterator[Suspect]:
        for group in groups:
            live = [part for part in group.parts if not part.is_lost]
            if self.formulas_only and all(map(self.is_number, live)):
                continue
            given = total(part.value for part in live)
            if live and not self._group_is_right(element, group, given):
                yield from self._together(element, group, live, given)

    def _together(
        self, element: str, group: Group, live: list[Part], given: Amount
    ) -> list[Suspect]:
        """The lines of a group that is wrong: one is accused, of several it is not known which."""
        lines = list(dict.fromkeys(part.line for part in live))
        if len(lines) == 1:
            return [(lines, Accusation(element, group, given, group.expected))]
        reason = _told_together(live, self.program)
        return [
            ([part.line, *(line for line in lines if line != part.line)],
             Accusation(element, group, part.value, None, None, reason))
            for part in live
        ]  # fmt: skip

    def _lost_parts(
        self, element: str, groups: list[Group], claim: Amount, expected: Amount
    ) -> Iterator[Suspect]:
        """Contributions that a line overwrites, or that no line adds."""
        uses = self.passage.uses.get(element, [])
        consumers = list(dict.fromkeys(use.consumer for use in uses))
        feeds, name = _listed(consumers), base(element)
        lines = self.program.lines  # an element may have no part of its own: `dx[:, 0] = ...`
        last = max(number for number, line in enumerate(lines) if line.name == name)
        lost = [g for g in groups if g.parts and all(p.is_lost for p in g.parts)]
        lost = [g for g in lost if not self.agree(0.0, g.expected)]
        if lost and element in self.overwriters:
            again = total(p.value for p in self.parts[element])
            cure = ": use +=" if self.agree(again, expected) else ""
            reason = (
                f"{element} feeds {feeds}; this line overwrites {len(lost)} of {len(consumers)} "
                f"contributions; expected {in_words(expected)}, got {in_words(claim)}{cure}"
            )
            overwriter = self.overwriters[element]
            yield [overwriter], Accusation(element, None, claim, expected, "overwritten", reason)
        for group in groups:
            if not group.parts and not self.agree(0.0, group.expected):
                reason = (
                    f"{element} feeds {feeds}; no line adds the contribution of "
                    f"{_listed(group.consumers)}, {in_words(group.expected)}"
                )
                yield [last], Accusation(element, None, claim, expected, "missing-path", reason)

    def _settle(self) -> None:
        """Of lines that are wrong together those stand where none of them is wrong alone."""
        alone = set(self.accused)
        for lines, accusation in self.joint:
            if alone.isdisjoint(lines):
                self.accused.setdefault(lines[0], accusation)

    def _group_is_right(self, element: str, group: Group, given: Amount) -> bool:
        if self.agree(given, group.expected) or not group.consumers:
            return self.agree(given, group.expected)
        return self._numeric(element, group.consumers, given).verdict == "kink"


# -------------------------------------------------------------------- small parts


def _word(element: str, verdict: str, kind: str | None, reason: str | None = None) -> InputCheck:
    """A verdict without numbers."""
    return InputCheck(element, verdict, kind, None, None, None, None, None, reason)


def upstream_reads(program: Program, number: int) -> set[str]:
    """The names whose gradients a line reads, also through helpers."""
    lines = program.lines
    found: set[str] = set()
    pending = [number]
    while pending:
        here = pending.pop()
        for read in lines[here].reads.values():
            if read.kind == "gradient":
                found.add(read.name)
            elif read.line is not None:
                pending.append(read.line)
    return found


def line_numbers(program: Program, line: GradientLine) -> list[tuple[str, int]]:
    """What a line gives: the numbers, or the array, whose gradient it assigns, with the nodes."""
    name = str(line.name)
    if program.graph.has_arrays:
        return [(name, line.value)]
    target = _taken(_named(name, program.claims[name]), line.place)
    return list(zip(_flat(target), nodes_of(line.value), strict=True))


def _named(name: str, value: Any) -> Any:
    """The names of the elements of nested lists, in nested lists."""
    if isinstance(value, list):
        return [_named(f"{name}[{k}]", part) for k, part in enumerate(value)]
    return name


def _taken(target: Any, index: tuple[Any, ...]) -> Any:
    """What an index takes of nested lists."""
    if not index:
        return target
    place, rest = index[0], index[1:]
    if isinstance(place, tuple):
        return [_taken(part, rest) for part in target[slice(*place)]]
    return _taken(target[place], rest)


def _flat(names: Any) -> list[str]:
    return [x for part in names for x in _flat(part)] if isinstance(names, list) else [names]


def _listed(names: Any) -> str:
    """`a, b and c`."""
    *first, last = names or ("nothing",)
    return f"{', '.join(first)} and {last}" if first else last


def _told_together(parts: list[Part], program: Program) -> str:
    lines = {program.source.span(program.lines[p.line].statement.token).line for p in parts}
    return f"lines {_listed(map(str, sorted(lines)))} cannot be told apart; their sum is wrong"
