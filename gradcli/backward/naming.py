"""The mistake that explains a wrong line: the numbers a repair must give, at which points."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import cached_property

from gradcli.backward.amounts import Amount, flat, nested
from gradcli.backward.attribution import Attribution
from gradcli.backward.candidates import Disturbed, Scene
from gradcli.backward.judge import Judgement
from gradcli.backward.passage import Evidence, Passage, disturbed, elsewhere
from gradcli.backward.repairs import Named, counts, find_mistake
from gradcli.program.gradient_lines import GradientLine
from gradcli.program.model import Element, elements, nodes_of
from gradcli.syntax import Tree
from gradcli.syntax.edit import element_tree


class Naming:
    """Looks for the mistake in a line; a line that was looked at is remembered."""

    def __init__(self, evidence: Evidence, attribution: Attribution, judgement: Judgement) -> None:
        self._evidence = evidence
        self._attribution = attribution
        self._words = judgement.words
        self._named: dict[tuple[int, ...], Named | None] = {}

    def mistake(self, k: int, lines: Sequence[int]) -> Named | None:
        """The mistake in line k that makes some lines wrong: itself, or those that read it."""
        key = (k, *lines)
        if key not in self._named:
            self._named[key] = self._own(k) if [*lines] == [k] else self._of_helper(k, lines)
        return self._named[key]

    def own_expected(self, k: int, element: Element, passage: Passage) -> Amount | None:
        """The amount a line should give by its writer's own upstream gradients.

        None where it cannot be told from other lines.
        """
        group = self._attribution.group(k, element)
        if group is None or len(group.parts) != 1:
            return None
        return passage.sent_back(element, group.consumers)

    def _own(self, k: int) -> Named | None:
        """The mistake that explains a line; of a list literal the same one at each wrong number."""
        line, targets = self._evidence.program.lines[k], self._attribution.targets[k]
        tree = line.statement.tree
        if element_tree(tree, 0) is None or isinstance(line.value, int):
            return self._explained(k, [(k, element) for element in targets], tree)
        first: Named | None = None
        for place, element in enumerate(targets):
            if self._words[element].verdict != "fail":
                continue
            part = element_tree(tree, place)
            named = None if part is None else self._explained(k, [(k, element)], part)
            if named is None or (first is not None and first.mistake != named.mistake):
                return None
            first = first or named
        return first

    def _of_helper(self, k: int, readers: Sequence[int]) -> Named | None:
        numbers = [(reader, e) for reader in readers for e in self._attribution.targets[reader]]
        return self._explained(k, numbers, self._evidence.program.lines[k].statement.tree)

    def _explained(self, k: int, numbers: list[tuple[int, Element]], tree: Tree) -> Named | None:
        """The mistake in line k that explains some numbers: of itself, or of those that read it."""
        program, cut, written = self._evidence.program, self._evidence.cut, self._evidence.written
        groups = [self._attribution.group(line, element) for line, element in numbers]
        consumers = dict.fromkeys(c for g in groups if g is not None for c in g.consumers)
        operands: dict[str, set[str]] = {}
        inside: set[int] = set()
        for consumer in consumers:
            order = cut.order(consumer)
            read = {cut.names[node].name for node in order if node in cut.names}
            operands.setdefault(consumer.name, set()).update(read)
            inside.update(order)
        nodes = {cut.source[node] for node in inside if node in cut.source}
        nodes.update(node for name in operands for node in nodes_of(program.claims.get(name, [])))
        passages = [written, *self._elsewhere]
        line = program.lines[k]
        readers = dict.fromkeys(reader for reader, _ in numbers if reader != k)
        scene = Scene(
            program=program, line=line, tree=tree, target=line.name or "",
            consumers=list(operands), operands=operands, names=self._evidence.point.names,
            nodes=sorted(nodes), gates={cut.graph.gates[node].name for node in inside},
            counts=counts(cut.graph, inside, written.cut_run.values),
            runs=[passage.run for passage in passages],
            expected=[self._expected(numbers, passage) for passage in passages],
            readers=[program.lines[reader] for reader in readers],
            disturbed=self._disturbed(line, numbers, operands),
        )  # fmt: skip
        return find_mistake(scene, self._evidence.request.tolerance)

    def _disturbed(
        self, line: GradientLine, numbers: list[tuple[int, Element]], consumers: Collection[str]
    ) -> Disturbed | None:
        """Other gradients of the consumers that a line reads, unless it does so through helpers."""
        kinds = {read.kind for read in line.reads.values()}
        claims = self._evidence.program.claims
        names = {
            read.name for read in line.reads.values()
            if read.kind == "gradient" and read.name in consumers and read.name in claims
        }  # fmt: skip
        if not names or "helper" in kinds or line.name is None:
            return None
        passage, gradients = disturbed(self._evidence, names), {}
        for name in names:
            amounts = (passage.gradients[e] for e, _ in elements(name, claims[name]))
            gradients[name] = nested(claims[name], amounts)
        return Disturbed(gradients, self._expected(numbers, passage))

    def _expected(self, numbers: list[tuple[int, Element]], passage: Passage) -> list[float]:
        amounts = [self.own_expected(line, element, passage) for line, element in numbers]
        return [x for amount in amounts for x in ([math.nan] if amount is None else flat(amount))]

    @cached_property
    def _elsewhere(self) -> list[Passage]:
        return elsewhere(self._evidence)
