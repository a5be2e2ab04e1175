"""Blame for a wrong gradient: lines that are wrong by themselves, or a helper they read.

A line that the judge accuses may still be innocent: it reads the gradient of a sibling, and would
be right if that were; or it reads a helper line, together with others that are all wrong, and the
helper is what they share.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from gradcli.backward.amounts import flat, nested
from gradcli.backward.attribution import Attribution
from gradcli.backward.formulas import Formulas
from gradcli.backward.judge import Accusation, Judgement
from gradcli.backward.naming import Naming
from gradcli.backward.passage import Evidence
from gradcli.backward.repairs import Named
from gradcli.evaluation.point import gather
from gradcli.program.gradient_lines import GradientLine, Read
from gradcli.program.model import elements

MOST_HELPERS = 30  # that are looked at: the last before the lines that are wrong


class WrongHelper(NamedTuple):
    """The lines that read a wrong helper, and its mistake, if it has a name."""

    readers: list[int]
    named: Named | None


class Blame(NamedTuple):
    """The lines where wrong gradients begin, counted from 0 among those of the backward part."""

    accused: dict[int, Accusation]  # lines that are wrong by themselves
    helpers: dict[int, WrongHelper]  # helper lines that are
    unsure: dict[int, int]  # accused lines that a slip in a helper would explain, too: in which
    causes: dict[int, int]  # where the wrong gradients began that other lines read


def blame(
    evidence: Evidence, attribution: Attribution, judgement: Judgement, naming: Naming
) -> Blame:
    """The lines that are to blame, of all that the judge accuses, and those that follow."""
    inquiry = _Inquiry(evidence, attribution, judgement, naming)
    if inquiry.accused:
        inquiry.look_at_helpers()
    inquiry.follow()
    causes = {k: inquiry.following.get(k, inquiry.root(k)) for k in inquiry.order}
    return Blame(
        inquiry.accused, inquiry.helpers, inquiry.unsure,
        {k: cause for k, cause in causes.items() if cause is not None},
    )  # fmt: skip


class _Inquiry:
    """Blame as it is moved from line to line: accused lines, wrong helpers, innocent readers."""

    def __init__(
        self, evidence: Evidence, attribution: Attribution, judgement: Judgement, naming: Naming
    ) -> None:
        self.lines: list[GradientLine] = evidence.program.lines
        self.order = [k for k, line in enumerate(self.lines) if line.name is not None]
        self.accused = dict(judgement.accused)
        self.helpers: dict[int, WrongHelper] = {}
        self.unsure: dict[int, int] = {}
        self.following: dict[int, int] = {}  # innocent lines: where what they read began
        self._reads = attribution.reads
        self._wrong_names = judgement.wrong_names
        self._naming = naming
        self._begun: dict[str, int] = {}  # names with a wrong gradient: the line it began at
        self._truth = _Truth(evidence, attribution)

    def root(self, k: int) -> int | None:
        """The line where the wrong gradients that a line reads began."""
        begun = (self._begun[name] for name in self._reads[k] if name in self._begun)
        return min(begun, default=None)

    def _name(self, k: int) -> str:
        return str(self.lines[k].name)

    def look_at_helpers(self) -> None:
        """Move blame to a helper that makes all lines that read it wrong.

        The evidence against it is a repair of the helper that makes all of them right, or that they
        are lines of several gradients. Of several such helpers the one that a repair explains is
        taken, else the last before the lines.
        """
        readers: dict[int, list[int]] = {}
        for k in self.order:
            for helper in helpers_of(self.lines, k):
                readers.setdefault(helper, []).append(k)
        while True:
            suspects = [h for h, own in readers.items() if all(map(self._is_wrong_alone, own))]
            suspects = sorted(suspects)[-MOST_HELPERS:]
            mistakes = {h: self._naming.mistake(h, readers[h]) for h in suspects}
            named = [h for h in suspects if mistakes[h]]
            shared = [h for h in suspects if len({self._name(k) for k in readers[h]}) > 1]
            certain = [h for h in named if h in shared or not self._are_explained(readers[h])]
            chosen = max(certain or shared, default=None)
            if chosen is None:
                break
            self.helpers[chosen] = WrongHelper(readers[chosen], mistakes[chosen])
            for k in readers[chosen]:
                del self.accused[k]
                self.following[k] = chosen
                self._begun.setdefault(self._name(k), chosen)
        self.unsure = {k: h for h in named for k in readers[h] if k in self.accused}

    def _is_wrong_alone(self, k: int) -> bool:
        return k in self.accused and self.accused[k].group is not None

    def _are_explained(self, lines: list[int]) -> bool:
        """Whether a repair of each of these lines itself would make it right."""
        return all(self._naming.mistake(k, [k]) for k in lines)

    def follow(self) -> None:
        """Follow wrong gradients to the lines that began them."""
        accused: dict[str, set[int]] = {}
        for k in self.accused:
            accused.setdefault(self._name(k), set()).add(k)
        for k in self.order:
            root, name = self.root(k), self._name(k)
            if k in self.accused and root is not None and self._is_innocent(k):
                del self.accused[k]
                accused[name].remove(k)
                self.following[k] = root
            if name in self._begun:
                continue
            if accused.get(name):
                self._begun[name] = min(accused[name])
            elif root is not None and name in self._wrong_names:
                self._begun[name] = root

    def _is_innocent(self, k: int) -> bool:
        """Whether an accused line would be right if every gradient it reads were the true one."""
        group = self.accused[k].group
        return group is not None and len(group.parts) == 1 and self._truth.is_right(k)


class _Truth:
    """Lines evaluated with true gradients in the place of the written ones they read."""

    def __init__(self, evidence: Evidence, attribution: Attribution) -> None:
        self._evidence = evidence
        self._attribution = attribution
        self._formulas = Formulas(self._look, evidence.program.graph.table)
        self._nodes: dict[int, int | None] = {}  # of lines, as formulas

    def is_right(self, k: int) -> bool:
        """Whether a line that is alone in its group gives what the consumers truly send back."""
        evidence, lines = self._evidence, self._evidence.program.lines
        if lines[k].place and evidence.point.is_of_arrays:
            return False  # a part of an array
        for helper in sorted(helpers_of(lines, k)):
            self._enter(helper)
        self._enter(k)
        node = self._nodes[k]
        if node is None:
            return False
        got, expected = self._formulas.numbers(node, 0), self._expected(k)
        got = got * len(expected) if len(got) == 1 else got
        return len(got) == len(expected) and all(map(evidence.agree, got, expected))

    def _expected(self, k: int) -> list[float]:
        amounts = []
        for element in self._attribution.targets[k]:
            group = self._attribution.group(k, element)
            consumers = [] if group is None else group.consumers
            amounts.append(self._evidence.true.sent_back(element, consumers))
        return [x for amount in amounts for x in flat(amount)]

    def _enter(self, k: int) -> None:
        """Lower a line whose helpers have been lowered."""
        if k in self._nodes:
            return
        line: GradientLine = self._evidence.program.lines[k]
        helpers = {n: self._nodes[r.line] for n, r in line.reads.items() if r.line is not None}
        nodes = {name: node for name, node in helpers.items() if node is not None}
        tree = line.statement.tree
        if tree is None or len(nodes) < len(helpers):
            self._nodes[k] = None
            return
        self._nodes[k] = self._formulas.lowered(tree, line.reads.__getitem__, line.sizes, nodes)
        self._formulas.keep()

    def _look(self, read: Read, _: int) -> Any:
        evidence = self._evidence
        if read.kind == "gradient" and read.name in evidence.program.claims:
            claims = evidence.program.claims[read.name]
            true = (evidence.true.gradients[element] for element, _ in elements(read.name, claims))
            return nested(claims, true)
        return gather(read.value, evidence.point.run.values)


def helpers_of(lines: list[GradientLine], k: int) -> Iterator[int]:
    """The helper lines that a line reads, also through others."""
    pending, seen = [k], set()
    while pending:
        for read in lines[pending.pop()].reads.values():
            if read.line is not None and read.line not in seen:
                seen.add(read.line)
                pending.append(read.line)
                yield read.line
