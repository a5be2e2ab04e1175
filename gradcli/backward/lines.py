"""The lines of a hand-written backward pass as reports have them, and the fork table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from gradcli.arithmetic import Arithmetic
from gradcli.arithmetic.floats import IEEE
from gradcli.backward.amounts import Amount, flat, is_finite, total
from gradcli.backward.attribution import Group, base
from gradcli.backward.blame import Roots
from gradcli.backward.cut import Cut
from gradcli.backward.judge import Accusation, Judge, Passage, line_numbers
from gradcli.backward.repairs import Scene, counts, find_mistake
from gradcli.engine import Machine
from gradcli.evaluation.elsewhere import nearby, on_other_branches
from gradcli.evaluation.point import Point, gather, in_lists
from gradcli.graph.text import place_text
from gradcli.program.model import nodes_of
from gradcli.reports import Number, worst
from gradcli.reports.lines import Contribution, Fork, LineCheck
from gradcli.requests import Request
from gradcli.syntax import Tree
from gradcli.syntax.edit import element_tree
from gradcli.syntax.tokens import line_and_column


def judge_lines(
    found: Point, request: Request, formulas_only: bool = False
) -> tuple[list[LineCheck], list[Fork]]:
    """The verdict on every gradient line, and the fork table.

    `formulas_only` accuses no line that gives a number: a number is claimed at its point only.
    """
    program = found.program
    cut = Cut(program, found.names[program.output])
    judge = Judge(cut, found, request, formulas_only)
    inputs = [found.run.values[node] for node in program.graph.inputs.values()]
    others: list[list[Any]] = []
    if judge.accused:
        others = [*nearby(program, inputs), *on_other_branches(program, inputs)]
    reporter = _Reporter(judge, others)
    return reporter.lines(), forks(judge, reporter.number)


class _Reporter:
    """Turns what the judge found into lines for the reader."""

    def __init__(self, judge: Judge, others: Sequence[Sequence[float]]) -> None:
        self.judge = judge
        self.program = judge.program
        self.place = line_and_column(self.program.source.text)
        tokens = {line.statement.token for line in self.program.lines}
        self.spans = self.program.source.spans(tokens)
        self.others = others
        self.true = _true_uses(judge)
        self.roots = Roots(judge, self.number, self.true, self._why)

    def number(self, k: int) -> tuple[int, int]:
        """Line and column of a gradient line, from 1."""
        return self.place(self.spans[self.program.lines[k].statement.token].start)

    def lines(self) -> list[LineCheck]:
        """The verdicts in the order of the text; helpers have one only where they are wrong."""
        return [
            self._helper(k) if k in self.roots.helpers else self._line(k)
            for k, line in enumerate(self.program.lines)
            if line.name is not None or k in self.roots.helpers
        ]

    def _line(self, k: int) -> LineCheck:
        line, judge = self.program.lines[k], self.judge
        target = line.statement.target + "".join(f"[{place_text(i)}]" for i in line.place)
        claim = in_lists(gather(line.value, judge.found.run.values))
        accusation = self.roots.accused.get(k)
        if accusation is not None:
            return self._accused(k, target, claim, accusation)
        elements = self._elements(k)
        answers = [judge.verdicts[e] for e in elements]
        worse = [a for a in answers if a is not None and a.verdict not in ("fail", "pass")]
        verdict = worst([a.verdict for a in worse])
        reason = next((a.reason for a in worse if a.verdict == verdict), None)
        expected, is_as_true = self._expected(k, elements)
        root = self.roots.following.get(k, self.roots.of(k))
        if verdict == "pass" and root is not None and not is_as_true:
            reason = f"right by itself: what it reads is wrong since line {root}"
            return LineCheck(
                target, *self.number(k), "fail", False, root, claim, expected, None, reason
            )
        return LineCheck(
            target, *self.number(k), verdict, False, None, claim, expected, None, reason
        )

    def _expected(self, k: int, elements: list[str]) -> tuple[Number | None, bool]:
        """What a line should add, by true upstream gradients, and whether it does."""
        judge, is_as_true = self.judge, True
        amounts: list[Amount | None] = []
        for element in elements:
            group = self._group(k, element)
            part = next(p for p in judge.parts[element] if p.line == k)
            if element == judge.cut.output:
                amounts.append(part.value)
                continue
            if group is None or len(group.parts) != 1 or not group.consumers:
                is_right = judge.verdicts[element] is None and self.roots.is_right(base(element))
                is_as_true = is_as_true and is_right
                amounts.append(None)
                continue
            true = total(
                use.amount for use in self.true.get(element, ()) if use.consumer in group.consumers
            )
            amounts.append(true)
            is_as_true = is_as_true and judge.agree(part.value, true)
        return self._gathered(k, amounts), is_as_true

    def _gathered(self, k: int, amounts: list[Amount | None]) -> Number | None:
        """The amounts of a line's elements as one number or array; None where one is unknown."""
        if any(amount is None or not is_finite(amount) for amount in amounts):
            return None
        line = self.program.lines[k]
        if line.place and self.program.graph.has_arrays:
            from gradcli.arithmetic.arrays import key  # late: numbers do not need numpy

            amounts = [amount[key(line.place)] for amount in amounts if amount is not None]
        return _nested(line.value, iter(map(in_lists, amounts)))

    def _accused(self, k: int, target: str, claim: Number, found: Accusation) -> LineCheck:
        mistake, reason = found.mistake, found.reason
        is_formula = bool(self.program.lines[k].reads)
        if found.group is not None and len(found.group.parts) == 1 and is_formula:
            mistake, reason = self._named(k) or (mistake, reason)
        if k in self.roots.unsure:
            helper = self.roots.unsure[k]
            place = (
                f"`{self.program.lines[helper].statement.target}`, line {self.number(helper)[0]}"
            )
            mistake, reason = None, f"a slip here, or in {place}"
        given = in_lists(found.claim) if found.group is None else claim
        expected = None if found.expected is None else in_lists(found.expected)
        if isinstance(claim, list) and found.group is not None:
            own = [self._own_expected(k, e, self.judge.passage) for e in self._elements(k)]
            expected = self._gathered(k, own)
        return LineCheck(
            target, *self.number(k), "fail", True, None, given, expected, mistake, reason
        )

    def _helper(self, k: int) -> LineCheck:
        """The verdict on a helper line that all who read it are wrong because of."""
        line, blame = self.program.lines[k], self.roots.helpers[k]
        claim = in_lists(gather(line.value, self.judge.found.run.values))
        names = ", ".join(dict.fromkeys(f"d{self.program.lines[r].name}" for r in blame.readers))
        mistake, reason = blame.named or (None, f"all that read it are wrong: {names}")
        return LineCheck(
            line.statement.target, *self.number(k), "fail", True, None, claim, None, mistake, reason
        )

    def _why(self, k: int, lines: Sequence[int]) -> tuple[str, str] | None:
        """The mistake in line k that makes some lines wrong: itself, or those that read it."""
        if [*lines] == [k]:
            return self._named(k)
        tree = self.program.lines[k].statement.tree
        assert tree is not None
        return self._explained(k, [(n, e) for n in lines for e in self._elements(n)], tree)

    def _elements(self, k: int) -> list[str]:
        """The numbers that a line gives."""
        return [element for element, _ in line_numbers(self.program, self.program.lines[k])]

    def _group(self, k: int, element: str) -> Group | None:
        """The group of lines and consumers that a line belongs to, at one number."""
        groups = self.judge.groups[element]
        return next((g for g in groups if any(p.line == k for p in g.parts)), None)

    def _own_expected(self, k: int, element: str, passage: Passage) -> Amount | None:
        """What a line should give by its writer's own upstream gradients; None if untold."""
        group = self._group(k, element)
        if group is None or len(group.parts) != 1:
            return None
        uses = passage.uses.get(element, [])
        return total(use.amount for use in uses if use.consumer in group.consumers)

    # ---------------------------------------------------------------- naming

    def _named(self, k: int) -> tuple[str, str] | None:
        """The mistake that explains a line; of a list literal the same one at each wrong number."""
        tree, elements = self.program.lines[k].statement.tree, self._elements(k)
        assert tree is not None
        if element_tree(tree, 0) is None or isinstance(self.program.lines[k].value, int):
            return self._explained(k, [(k, e) for e in elements], tree)
        found = None
        for place, element in enumerate(elements):
            verdict = self.judge.verdicts[element]
            if verdict is None or verdict.verdict != "fail":
                continue
            part = element_tree(tree, place)
            named = None if part is None else self._explained(k, [(k, element)], part)
            if named is None or (found is not None and found[0] != named[0]):
                return None
            found = found or named
        return found

    def _explained(
        self, k: int, numbers: list[tuple[int, str]], tree: Tree
    ) -> tuple[str, str] | None:
        """The mistake in line k that explains some numbers: of itself, or of those that read it."""
        program, cut = self.program, self.judge.cut
        groups = [group for n, e in numbers if (group := self._group(n, e)) is not None]
        consumers = list(dict.fromkeys(c for group in groups for c in group.consumers))
        names = {node: base(name) for name, node in cut.leaves.items()}
        orders = {c: cut.order(c) for c in consumers}
        operands: dict[str, set[str]] = {}
        for consumer, order in orders.items():
            read = {names[n] for n in order if n in names}
            operands.setdefault(base(consumer), set()).update(read)
        inside = {n for order in orders.values() for n in order}
        nodes = {cut.source[n] for n in inside if n in cut.source}
        nodes.update(n for c in operands for n in nodes_of(program.claims.get(c, [])))
        passages = [self.judge.passage, *self._elsewhere]
        line = program.lines[k]
        scene = Scene(
            program=program, line=line, tree=tree, target=line.name or "",
            consumers=list(operands), operands=operands, names=self.judge.found.names,
            nodes=sorted(nodes), gates={cut.graph.gates[n].name for n in inside},
            counts=counts(cut.graph, inside, self.judge.passage.cut_run.values),
            runs=[passage.run for passage in passages],
            expected=[self._expected_numbers(numbers, p) for p in passages],
            readers=[program.lines[n] for n in dict.fromkeys(n for n, _ in numbers) if n != k],
        )  # fmt: skip
        return find_mistake(scene, self.judge.agree)

    def _expected_numbers(self, numbers: list[tuple[int, str]], passage: Passage) -> list[float]:
        amounts = [self._own_expected(n, element, passage) for n, element in numbers]
        return [x for amount in amounts for x in ([math.nan] if amount is None else flat(amount))]

    @cached_property
    def _elsewhere(self) -> list[Passage]:
        """The backward part at the other points, as far as it is finite there."""
        machine = Machine(self.program.graph, self._quiet_arithmetic())
        runs = [machine.run(inputs) for inputs in self.others]
        upstream = self.judge.found.upstream
        found = [Passage(self.judge.cut, self.program, run, upstream) for run in runs]
        return [p for p in found if all(map(is_finite, p.claims.values()))]

    def _quiet_arithmetic(self) -> Arithmetic:
        """One that never raises, for numbers or for arrays."""
        if not self.program.graph.has_arrays:
            return IEEE
        from gradcli.arithmetic.arrays import ARRAYS  # late: numbers do not need numpy

        return ARRAYS


def _nested(shape: Any, parts: Iterator[Number]) -> Number:
    """Numbers in the shape of a nested list."""
    return [_nested(part, parts) for part in shape] if isinstance(shape, list) else next(parts)


def _true_uses(judge: Judge) -> dict[str, Any]:
    """What every consumer sends back by the true gradients."""
    cut, run = judge.cut, judge.passage.cut_run
    true = {
        name: judge.found.upstream if name == cut.output else judge.true_gradient(name)
        for name in cut.definitions
    }
    return cut.uses(run, true)


def forks(judge: Judge, number: Callable[[int], tuple[int, int]]) -> list[Fork]:
    """Every name with more than one use, or more than one line: its contributions and their sum."""
    found = []
    for element, groups in judge.groups.items():
        if len(groups) < 2:
            continue
        parts = []
        for group in groups:
            live = [p for p in group.parts if not p.is_lost]
            line = number(live[0].line)[0] if live else None
            claim = in_lists(total(p.value for p in live)) if live else None
            stage = ", ".join(group.consumers) or "-"
            parts.append(Contribution(stage, line, claim, in_lists(group.expected)))
        parts.sort(key=lambda part: (part.line is None, part.line or 0))
        given, expected = judge.passage.claims[element], judge.passage.expected(element)
        found.append(Fork(element, parts, in_lists(given), in_lists(expected)))
    return found
