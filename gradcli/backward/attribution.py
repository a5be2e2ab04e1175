"""The contribution of each line to a gradient, and the use of a name that it speaks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.backward.amounts import Amount
from gradcli.backward.matching import Clues, Group, Part, matched
from gradcli.backward.passage import Evidence
from gradcli.program.gradient_lines import GradientLine
from gradcli.program.model import Element, elements


class Attribution:
    """Each line's contribution to each number of a gradient, and the lines that stand together."""

    def __init__(
        self, targets: list[list[Element]], reads: list[frozenset[str]],
        parts: dict[Element, list[Part]], groups: dict[Element, list[Group]],
        overwriters: dict[Element, int],
    ) -> None:  # fmt: skip
        self.targets = targets  # of each line: the numbers of its gradient; of a helper none
        self.reads = reads  # of each line: the names whose gradients it reads, helpers between
        self.parts = parts
        self.groups = groups
        self.overwriters = overwriters  # the last line that begins a number anew
        self._groups = {
            (part.line, element): group
            for element, together in groups.items()
            for group in reversed(together)
            for part in group.parts
        }
        self._parts = {(p.line, e): p for e, own in parts.items() for p in reversed(own)}

    def group(self, line: int, element: Element) -> Group | None:
        """The group that a line belongs to, at one number; None for the output's gradient."""
        return self._groups.get((line, element))

    def part(self, line: int, element: Element) -> Part:
        """The contribution of a line to a number."""
        return self._parts[line, element]


def attribute(evidence: Evidence) -> Attribution:
    """Groups of lines and consumers, for every number that has a gradient line."""
    cut, lines = evidence.cut, evidence.program.lines
    reads = _gradients_read(lines)
    targets = [_targets(evidence, line) for line in lines]
    parts, overwriters = _parts(evidence, targets, reads)
    last = {str(line.name): k for k, line in enumerate(lines) if line.name is not None}
    clues = Clues(
        cut.output, evidence.agree, evidence.request.tolerance, cut.operands,
        {cut.output.name: -1, **last},
    )  # fmt: skip
    groups = {
        element: [] if element == cut.output
        else matched(parts[element], evidence.written.uses.get(element, {}), clues)
        for element in cut.claimed
    }  # fmt: skip
    only = [[element for element, _ in numbers] for numbers in targets]
    return Attribution(only, reads, parts, groups, overwriters)


# ---------------------------------------------------------------- what lines say


def _gradients_read(lines: Sequence[GradientLine]) -> list[frozenset[str]]:
    """Of each line the names whose gradients it reads, also through helpers."""
    gradients: list[frozenset[str]] = []
    for line in lines:
        own = {read.name for read in line.reads.values() if read.kind == "gradient"}
        through = {gradients[read.line] for read in line.reads.values() if read.line is not None}
        is_handed_on = not own and len(through) == 1  # then one set serves the whole chain
        gradients.append(through.pop() if is_handed_on else frozenset(own.union(*through)))
    return gradients


def _targets(evidence: Evidence, line: GradientLine) -> list[tuple[Element, int]]:
    """The numbers, or the array, whose gradient a line assigns, with the nodes of its value."""
    if line.name is None:
        return []
    if evidence.point.is_of_arrays:
        return [(Element(line.name), line.value)]
    taken = _taken(line.name, evidence.program.claims[line.name], line.place)
    nodes = [node for _, node in elements(line.name, line.value)]
    return list(zip(taken, nodes, strict=True))


def _taken(name: str, value: Any, place: Sequence[Any], at: tuple[int, ...] = ()) -> list[Element]:
    """The numbers of nested lists that an index takes."""
    if not place:
        return [element for element, _ in elements(name, value, at)]
    first, rest = place[0], place[1:]
    if isinstance(first, tuple):
        taken = range(len(value))[slice(*first)]
        return [e for k in taken for e in _taken(name, value[k], rest, (*at, k))]
    k = first % len(value)
    return _taken(name, value[k], rest, (*at, k))


def _parts(
    evidence: Evidence, targets: list[list[tuple[Element, int]]], reads: list[frozenset[str]]
) -> tuple[dict[Element, list[Part]], dict[Element, int]]:
    """The contributions to each number of a gradient, and the last line that begins it anew."""
    values = evidence.point.run.values
    parts: dict[Element, list[Part]] = {element: [] for element in evidence.cut.claimed}
    overwriters: dict[Element, int] = {}
    totals: dict[str, Amount] = {}  # of arrays, as the lines so far have them
    for number, line in enumerate(evidence.program.lines):
        if line.name is None:
            continue
        others = reads[number] - {line.name}
        names = {read.name for read in line.reads.values() if read.kind == "forward"}
        names.discard(line.name)
        if evidence.point.is_of_arrays:
            before, totals[line.name] = totals.get(line.name, 0.0), values[line.total]
            if line.place:  # of an array: what it changes
                change = values[line.total] - before
                parts[Element(line.name)].append(Part(number, change, others, names))
                continue
        own = [r.value for r in line.reads.values() if (r.kind, r.name) == ("gradient", line.name)]
        for element, node in targets[number]:
            value = values[node]
            if own:
                value = value - values[_node_at(own[0], element.index)]
            elif line.statement.kind != "add":
                for part in parts[element]:
                    part.is_lost = True
                overwriters[element] = number
            parts[element].append(Part(number, value, others, names))
    return parts, overwriters


def _node_at(value: Any, index: tuple[int, ...]) -> int:
    """A node of nested lists."""
    for k in index:
        value = value[k]
    node: int = value
    return node
