"""The mistake by name: the one repair that makes a wrong line right.

Every candidate is the line's own tree with one change. It explains the line only if it has the
expected number at the program's point and at others near by, so that nothing fits by accident; the
mistake has a name only if all repairs that fit bear the same one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from gradcli.backward.candidates import (
    Repair,
    Scene,
    candidates,
    factors,
    other_names,
)
from gradcli.backward.formulas import Formulas
from gradcli.backward.insertions import (
    inner_terms,
    left_out,
    put_in,
    slopes,
    terms,
    upstreams,
    usual_factors,
)
from gradcli.evaluation.point import gather
from gradcli.gates.shapes import count
from gradcli.graph.lowering import Value
from gradcli.graph.nodes import Graph
from gradcli.named_tuples import NamedTuple
from gradcli.syntax import Tree, write

FEWEST_NUMBERS = 3  # that a change has to fit: at all points, of all elements
MOST_USUAL = 4.0  # factors up to this are slips of another kind than a lost mean


def counts(graph: Graph, nodes: Collection[int], values: Sequence[Any]) -> set[float]:
    """How many examples there may be: what some gates divide by, and the axes of products.

    `values` are those of a run: an input that is divided by may be the number of examples, too.
    """
    numbers = set()
    for node in nodes:
        name, operands = graph.gates[node].name, graph.operands[node]
        if name in ("div", "mul"):
            constants = [
                c
                for k in operands
                if isinstance(c := graph.constants.get(_copied(graph, k)), float) and c
            ]
            numbers.update(constants if name == "div" else [1 / c for c in constants if c < 0.5])
            below = values[operands[1]]
            if name == "div" and isinstance(below, float) and below == below // 1 > 1:
                numbers.add(below)
        elif name in ("mean", "var", "std"):
            shape, axis = map(graph.look, operands)
            numbers.add(count(shape, axis))
        elif name == "matmul":  # a batch that is summed over on the way back
            sizes = {float(size) for k in operands for size in graph.shape(k)}
            numbers.update(size for size in sizes if size > MOST_USUAL)
    return numbers


def _copied(graph: Graph, node: int) -> int:
    """The node behind stages that only give it a name, as N in `N = X.shape[0]`."""
    while graph.gates[node].name == "copy":
        (node,) = graph.operands[node]
    return node


class Named(NamedTuple):
    """The mistake that explains a line, words on it, and the line as it should be."""

    mistake: str
    reason: str
    tree: Tree | None = None  # None where no single text is the right one
    is_general: bool = False  # a factor that would mend much else
    is_far: bool = False  # more is put in than one slip leaves out: another line is likelier


class Found(NamedTuple):
    """A mistake in a line, and what the line gives at each point without it."""

    named: Named | None  # None where several mistakes would explain the line
    numbers: list[list[float]]


def find_mistake(scene: Scene, tolerance: float) -> Found | None:
    """Name and explanation of the mistake, where exactly one explains the line.

    A change at one place is looked for first, then factors that may stand in several, then what may
    have been put in, or left out: each group only where none before it explains the line.
    """
    if scene.expected and not any(map(any, scene.expected)):
        return None  # anything times 0 would fit
    workshop = _Workshop(scene)
    written = workshop.as_written()
    near = (candidates(scene, written), other_names(scene), factors(scene, written, tolerance),
            left_out(scene), put_in(scene))  # fmt: skip
    far = (slopes(scene), usual_factors(scene), terms(scene), inner_terms(scene),
           upstreams(scene))  # fmt: skip
    for group, repairs in enumerate((*near, *far)):
        fitting: list[tuple[Repair, list[list[float]]]] = []
        for repair in repairs:
            if all(repair.mistake != known.mistake for known, _ in fitting):
                numbers = workshop.fitting(repair)
                if numbers:
                    fitting.append((repair, numbers))
        if fitting:
            special = [pair for pair in fitting if not pair[0].is_general]
            if special and all(repair.mistake != "wrong-cache" for repair, _ in special):
                fitting = special
            (repair, numbers), *others = fitting
            if others or _is_vague(scene, repair, numbers, workshop):
                return Found(None, numbers)
            tree = _as_text(_simplest(repair, scene, written, workshop))
            named = Named(
                repair.mistake, repair.reason, tree, repair.is_general, group >= len(near)
            )
            return Found(named, numbers)
    return None


def _is_vague(
    scene: Scene, repair: Repair, numbers: list[list[float]], workshop: _Workshop
) -> bool:
    """Whether a change may fit by accident, or another gradient only as a factor put in does."""
    if sum(map(len, numbers)) < FEWEST_NUMBERS:
        return True
    is_new = [arg for op, arg in zip(repair.tree.ops, repair.tree.args, strict=True)
              if op == "name" and arg in scene.scope and arg not in scene.line.reads]  # fmt: skip
    if repair.mistake != "wrong-cache" or not is_new or not scene.program.graph.has_arrays:
        return False
    others = (other for other in put_in(scene) if other.mistake == "dropped-factor")
    return any(map(workshop.fitting, others))


def _simplest(
    repair: Repair, scene: Scene, written: list[list[float]], workshop: _Workshop
) -> Repair:
    """The shortest change of a line that takes the same mistake back."""
    best = repair
    others = left_out(scene) if repair.is_general else candidates(scene, written)
    for other in others:
        is_alike = repair.is_general or other.mistake == repair.mistake
        if is_alike and _length(other) < _length(best) and workshop.fitting(other):
            best = other
    return best


def _length(repair: Repair) -> int:
    return len(write(repair.tree))


def _as_text(repair: Repair) -> Tree | None:
    """The changed line, where all in it can be written."""
    tree = repair.tree
    is_written = all(
        op != "name" or arg[0] != "#" for op, arg in zip(tree.ops, tree.args, strict=True)
    )
    return tree if is_written and not repair.is_complete else None


class _Workshop:
    """Evaluates changed lines at every point, and asks whether they are right."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        values = [run.values for run in scene.runs]
        table = scene.program.graph.table
        self.formulas = Formulas(lambda value, point: gather(value, values[point]), table)

    def as_written(self) -> list[list[float]]:
        """The numbers of the line at each point."""
        nodes = self._nodes(Repair(self.scene.tree, "", ""), is_any=True)
        self.formulas.keep()
        return [self._numbers(nodes, point) for point in range(len(self.scene.runs))]

    def fitting(self, repair: Repair) -> list[list[float]]:
        """The numbers of a changed line that is right at every point; none of any other."""
        nodes = self._nodes(repair)
        numbers: list[list[float]] = []
        for point in range(len(self.scene.runs)):
            numbers.append(self._numbers(nodes, point) if nodes else [])
            if not numbers[-1] or not self.scene.accepts(point, numbers[-1]):
                return []
        return numbers

    def _numbers(self, nodes: list[int], point: int) -> list[float]:
        return [x for node in nodes for x in self.formulas.numbers(node, point)]

    def _nodes(self, repair: Repair, is_any: bool = False) -> list[int]:
        """A changed line as a formula; none where it has no value, or `is_any` of what shape."""
        scene = self.scene
        node = self.formulas.lowered(
            repair.tree, lambda name: _meaning(scene, name, repair.is_complete), scene.line.sizes
        )
        is_right_shape = node is not None and (
            is_any or self.formulas.graph.shape(node) == scene.shape
        )
        return [node] if node is not None and is_right_shape else []


def _meaning(scene: Scene, name: str, is_complete: bool) -> Value:
    """The nodes a name stands for in the line, or would stand for; `#7` is a node itself."""
    program, reads = scene.program, scene.line.reads
    if name == scene.names.get(program.output):  # it may have no name of its own: `#out`
        return program.output
    if name.startswith("#"):
        return int(name[1:])
    if name in reads:
        read = reads[name]
        if is_complete and read.kind == "gradient":
            return program.claims.get(read.name, read.value)  # the output's need not be written
        return read.value
    if name in scene.scope:
        return scene.scope[name]
    if name in program.stages or name in program.inputs:
        return program.stages.get(name, program.inputs.get(name, []))
    return program.claims[name[1:]]
