"""The mistake by name: the one repair that makes a wrong line right.

Every candidate is the line's own tree with one change. It explains the line only if it has the
expected number at the program's point and at others near by, so that nothing fits by accident; the
mistake has a name only if all repairs that fit bear the same one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from gradcli.arithmetic.agreement import agree
from gradcli.backward.candidates import Repair, Scene, candidates, factors
from gradcli.backward.formulas import Formulas
from gradcli.evaluation.point import gather
from gradcli.gates.shapes import count
from gradcli.graph.lowering import Value
from gradcli.graph.nodes import Graph
from gradcli.program.gradient_lines import GradientLine

ROUNDING_OF_LINE = 1e-12  # of the largest number of a line: what may be lost in its others
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
    """The mistake that explains a line, and words on it."""

    mistake: str
    reason: str


def find_mistake(scene: Scene, tolerance: float) -> Named | None:
    """Name and explanation of the mistake, where exactly one explains the line.

    A change at one place is looked for first, then factors that may stand in several.
    """
    if not any(map(any, scene.expected)):
        return None  # anything times 0 would fit
    workshop = _Workshop(scene)
    written = workshop.as_written()
    for repairs in (candidates(scene, written), factors(scene, written, tolerance)):
        names: dict[str, str] = {}
        for repair in repairs:
            if repair.mistake not in names and workshop.fits(repair, tolerance):
                names[repair.mistake] = repair.reason
        if names:
            return Named(*next(iter(names.items()))) if len(names) == 1 else None
    return None


class _Gradient(NamedTuple):
    """A gradient that a line reads, by its name: others may have its nodes, too."""

    name: str
    value: Value


class _Workshop:
    """Evaluates changed lines at every point, and holds them against the expected numbers.

    The last point may be the first with other upstream gradients.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.formulas = Formulas(self._look, scene.program.graph.table)

    def _look(self, meaning: Value | _Gradient, point: int) -> Any:
        runs, disturbed = self.scene.runs, self.scene.disturbed
        value = meaning.value if isinstance(meaning, _Gradient) else meaning
        if point < len(runs):
            return gather(value, runs[point].values)
        assert disturbed is not None
        if isinstance(meaning, _Gradient) and meaning.name in disturbed.gradients:
            return disturbed.gradients[meaning.name]
        return gather(value, runs[0].values)

    def as_written(self) -> list[list[float]]:
        """The numbers of the line at each point."""
        nodes = self._nodes(Repair(self.scene.tree, "", ""))
        self.formulas.keep()
        return [self._numbers(nodes, point) for point in range(len(self.scene.runs))]

    def fits(self, repair: Repair, tolerance: float) -> bool:
        """Whether a changed line is right at every point, and by other upstream gradients."""
        nodes, disturbed = self._nodes(repair), self.scene.disturbed
        expectations = [*self.scene.expected, *([disturbed.expected] if disturbed else [])]
        for point, expected in enumerate(expectations):
            got = self._numbers(nodes, point)
            if len(got) != len(expected):
                return False
            # A saturated element is all rounding.
            slack = ROUNDING_OF_LINE * max(map(abs, expected))
            if not all(agree(a, b, tolerance, slack) for a, b in zip(got, expected, strict=True)):
                return False
        return True

    def _numbers(self, nodes: list[int], point: int) -> list[float]:
        return [x for node in nodes for x in self.formulas.numbers(node, point)]

    def _nodes(self, repair: Repair) -> list[int]:
        """A changed line as a formula, or those that read it; none where there is no value."""
        scene = self.scene
        node = self.formulas.lowered(
            repair.tree, lambda name: _meaning(scene, name, repair.is_complete), scene.line.sizes
        )
        if node is None or not scene.readers:
            return [] if node is None else [node]
        nodes = [self._read_by(reader, node) for reader in scene.readers]
        return [reading for reading in nodes if reading is not None]

    def _read_by(self, reader: GradientLine, node: int) -> int | None:
        """A line that reads the helper, for another value of that helper."""
        own = self.scene.line.statement.target
        is_read = own in reader.reads and reader.reads[own].kind == "helper"
        assert reader.statement.tree is not None
        return self.formulas.lowered(
            reader.statement.tree, lambda name: reader.reads[name].value, reader.sizes,
            {own: node} if is_read else {},
        )  # fmt: skip


def _meaning(scene: Scene, name: str, is_complete: bool) -> Value | _Gradient:
    """What a name stands for in the line, or would stand for; `#7` is a node itself."""
    program, reads = scene.program, scene.line.reads
    if name == scene.names.get(program.output):  # it may have no name of its own: `#out`
        return program.output
    if name.startswith("#"):
        return int(name[1:])
    if name in reads:
        read = reads[name]
        if read.kind != "gradient":
            return read.value
        final = program.claims.get(read.name, read.value)  # the output's need not be written
        return _Gradient(read.name, final if is_complete else read.value)
    if name in program.stages or name in program.inputs:
        return program.stages.get(name, program.inputs.get(name, []))
    return _Gradient(name[1:], program.claims[name[1:]])
