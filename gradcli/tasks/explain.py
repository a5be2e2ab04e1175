"""The task `explain`: the backward pass of a program in words, in the order of the sweep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import hypot, isfinite, sqrt
from typing import Any

from gradcli.arithmetic.floats import IEEE
from gradcli.emit.staged import gradient_name
from gradcli.gates.row import Gate
from gradcli.gates.shapes import text_of
from gradcli.program.model import Program
from gradcli.reports.circuits import Node, Wire
from gradcli.reports.evaluations import Number, elements
from gradcli.reports.tellings import Gathered, InputTold, Part, Step, Telling
from gradcli.requests import Request
from gradcli.tasks.circuits import circuit_of
from gradcli.tasks.evaluate import to_be_fused
from gradcli.tasks.staged_circuits import StagedCircuit

# What a gate does with its gradient, {g}; by gate, else by its role. {0}, {1} are its operands.
WORDS = {
    "sub": "{0} gets {g} as it is, {1} gets it with the other sign",
    "neg": "{0} gets {g} with the other sign",
    "copy": "{0} gets {g} as it is",
    "sum": "every element that was added gets {g} as it is",
    "mean": "every element gets its share of {g}",
    "relu": "{0} gets {g} where it is above 0, and nothing elsewhere",
    "hardtanh": "{0} gets {g} where it is between -1 and 1, and nothing elsewhere",
    "clip": "{0} gets {g} where it is between the limits, and nothing elsewhere",
    "amax": "the largest element gets all of {g}, the others nothing",
    "amin": "the smallest element gets all of {g}, the others nothing",
    "where": "the branch that was taken gets all of {g}, the other nothing",
    "matmul": "each factor gets {g} times the other one, transposed",
    "softmax": "{0} gets {g} away from its mean, weighted by the shares",
    "log_softmax": "{0} gets {g} less the share of its sum",
    "norm": "{0} gets {g} in its own direction",
    "prod": "every factor gets {g} times all the others",
    "cumsum": "every element gets its own {g} and all later ones",
    "cumprod": "every factor gets {g} of its own product and all later ones",
    "sort": "every element gets {g} of the place it was sorted to",
    "take": "every element gets {g} of the places it was taken to",
    "concatenate": "every part gets its part of {g}",
    "list": "every part gets its part of {g}",
    "inv": "{0} gets {g} between two inverses, transposed, with the other sign",
    "det": "{0} gets {g} times its cofactors",
    "logdet": "{0} gets {g} times its inverse, transposed",
    "solve": "{1} gets {g} solved with the transposed matrix, {0} its product with the solution",
    "transpose": "{0} gets {g} transposed back",
    "reshape": "{0} gets {g} in its own shape",
}
BY_ROLE = {
    "distributes": "every operand gets {g} as it is",
    "switches": "each factor gets {g} times the other one",
    "routes": "the operand that won gets all of {g}, the others nothing",
    "scales": "{0} gets {g} times the local gradient",
}
SEVERAL = "each operand gets {g} times its local gradient"
SQUASHING = ("sigmoid", "tanh", "erf", "normcdf", "softsign", "atan", "logsigmoid", "elu", "selu")
SATURATED = 1e-3  # a local gradient below which hardly anything comes back
APART = 100.0  # factors whose gradients are so far apart are remarked


def telling_of(program: Program, request: Request) -> Telling:
    """The story of a program's backward pass at its inputs. Raises GradcliError."""
    if request.fuse:
        from gradcli.transform.fuse import fused_program  # late: few programs are fused

        program = fused_program(to_be_fused(program))
    circuit = circuit_of(program, request._replace(fuse=False))
    story = _Story(StagedCircuit(program, circuit))
    output = next(node for node in circuit.nodes if node.id == circuit.output)
    assert output.value is not None  # only a box of what is collapsed has none
    return Telling(
        circuit.expression, story.name(output), output.value, circuit.upstream, [*story.steps()],
        [*story.inputs(story.name(output))], circuit.notes, circuit.warnings, output.bound,
    )  # fmt: skip


class _Story:
    """A circuit as it is told."""

    def __init__(self, staged: StagedCircuit) -> None:
        self.staged = staged
        self.circuit = staged.circuit
        self.wiring = staged.wiring
        self.lines = {line.wire or line.node: line.text for line in staged.code()}
        self.at_kinks = {
            node.id: remark for node in self.circuit.nodes if node.is_gate and
            (remark := self._at_kink(node))
        }  # fmt: skip

    def name(self, node: Node) -> str:
        """What the code calls a node; constants are their own text."""
        place = self.staged.nodes.get(node.id)
        return node.name if place is None else self.staged.code_names[place]

    def steps(self) -> Iterator[Step]:
        """The gates that something flows back through, the output first."""
        for node in reversed(self.circuit.nodes):
            if node.is_gate and node.gradient is not None:
                wires = [w for w in self.wiring.entering[node.id] if w.contribution is not None]
                yield Step(
                    self.name(node), self.lines[node.id], node.gate, self._row(node).role,
                    self._words(node), node.value, node.gradient, self._gathered(node),
                    [self._part(node, wire) for wire in wires], [*self._remarks(node, wires)],
                    node.line, node.gradient_bound,
                )  # fmt: skip

    def inputs(self, output: str) -> Iterator[InputTold]:
        """The inputs, each with what moving it does to the output."""
        below = self._below_kinks()
        for node in self.circuit.nodes:
            if node.role == "input" and node.value is not None:
                yield InputTold(
                    node.name, node.value, node.gradient, self._gathered(node),
                    _effect(node, output, node.id in below), node.gradient_bound,
                )  # fmt: skip

    def _below_kinks(self) -> set[str]:
        """The nodes from which a wire leads to a kink."""
        below = {*self.at_kinks}
        for node in reversed(self.circuit.nodes):
            if any(wire.target in below for wire in self.wiring.leaving[node.id]):
                below.add(node.id)
        return below

    # ------------------------------------------------------------ a gate

    def _row(self, node: Node) -> Gate:
        return self.staged.graph.gates[self.staged.nodes[node.id]]

    def _operands(self, node: Node) -> list[Node]:
        """The operands that are drawn."""
        return [self.wiring.node[wire.source] for wire in self.wiring.entering[node.id]]

    def _words(self, node: Node) -> str:
        """What the gate does with its gradient, in a phrase."""
        names = [self.name(operand) for operand in self._operands(node)]
        row, gradient = self._row(node), gradient_name(self.name(node))
        words = WORDS.get(row.name) or BY_ROLE[row.role]
        if len(names) == 1 and row.name not in WORDS:
            words = WORDS["copy"] if row.role == "distributes" else BY_ROLE["scales"]
            if row.name == "mul":
                factors = [x for x in node.operands if isinstance(x, float)]
                words = f"{{0}} gets {{g}} times {factors[0]:g}" if factors else words
        elif "{1}" in words and len(names) < 2:
            words = WORDS["copy" if isinstance(node.operands[1], float) else "neg"]
        elif words == BY_ROLE["scales"]:
            words = SEVERAL
        return words.format(*names, g=gradient)

    def _part(self, node: Node, wire: Wire) -> Part:
        operand = self.wiring.node[wire.source]
        return Part(
            gradient_name(self.name(operand)), self.lines[wire.id], node.gradient,
            wire.local_gradient, wire.contribution, wire.bound,
            self._shapes(node, wire), wire.claim, wire.expected, wire.verdict,
            wire.is_cause, wire.code_line, wire.reason,
        )  # fmt: skip

    def _gathered(self, node: Node) -> Gathered | None:
        wires = [w for w in self.wiring.leaving[node.id] if w.contribution is not None]
        if len(wires) < 2:
            return None
        uses = [self.name(self.wiring.node[wire.target]) for wire in wires]
        return Gathered(uses, [wire.contribution for wire in wires])

    def _shapes(self, node: Node, wire: Wire) -> str | None:
        """The shapes of a matrix product, and whether another product would have fitted."""
        operands = self._operands(node)
        if node.gate != "matmul" or len(operands) != 2 or len(node.shape) != 2:
            return None
        other, own = operands[1 - wire.operand].shape, operands[wire.operand].shape
        if not len(other) == len(own) == 2:
            return None
        fitting = [*_products(node.shape, other, own)]
        first, second = (
            (node.shape, other[::-1]) if wire.operand == 0 else (other[::-1], node.shape)
        )
        text = f"{_text(first)} @ {_text(second)} = {_text(own)}"
        alone = len(fitting) == 1
        return f"{text}, the only product that fits" if alone else text

    # ------------------------------------------------------------ remarks

    def _remarks(self, node: Node, wires: Sequence[Wire]) -> Iterator[str]:
        if node.id in self.at_kinks:
            yield self.at_kinks[node.id]
        yield from self._lost(node, wires)
        yield from self._sizes_apart(node, wires)
        yield from self._broadcast(node, wires)

    def _at_kink(self, node: Node) -> str | None:
        """The convention taken, where the slope jumps."""
        row, drawn = self._row(node), iter(self._operands(node))
        if not row.kink or row.is_structural:
            return None
        values = [x if isinstance(x, float) else next(drawn).value for x in node.operands]
        if not all(isinstance(x, float) for x in values):
            return None
        if row.kink in ("lead(xs)", "trail(xs)"):
            if values.count(node.value) < 2:
                return None
            tied = [self.name(x) for x in self._operands(node) if x.value == node.value]
            return f"{' and '.join(tied)} tie: all goes to the first of them, by convention"
        edge = IEEE.text_function(row, row.kink)
        place = edge(values, out=node.value) if row.is_variadic else edge(*values, out=node.value)
        page = f"gradcli gates {row.name}"
        return (
            None if place else f"the slope jumps here: the local gradient is a convention ({page})"
        )

    def _lost(self, node: Node, wires: Sequence[Wire]) -> Iterator[str]:
        """Where hardly anything or nothing comes back."""
        row = self._row(node)
        for wire in wires:
            local, name = wire.local_gradient, self.name(self.wiring.node[wire.source])
            if isinstance(local, list):
                yield from _lost_among(row, [x for _, x in elements("", local)], name)
            if not isinstance(local, float):
                continue
            if row.name in SQUASHING and abs(local) < SATURATED:
                yield f"{row.name} is saturated at {name}: hardly anything comes back"
            elif local == 0 and len(wires) == 1 and row.role == "routes":
                yield f"{row.name} is dead at {name}: nothing comes back"

    def _broadcast(self, node: Node, wires: Sequence[Wire]) -> Iterator[str]:
        """The axes along which operands were broadcast: what comes back is summed over them."""
        if self._row(node).is_structural:
            return
        for source in (self.wiring.node[wire.source] for wire in wires):
            lead = len(node.shape) - len(source.shape)
            axes = [str(k) for k, n in enumerate(node.shape)
                    if k < lead or (source.shape[k - lead] == 1 and n != 1)]  # fmt: skip
            if axes:
                which = f"ax{'is' if len(axes) == 1 else 'es'} {' and '.join(axes)}"
                yield (f"{self.name(source)} was broadcast along {which}: "
                       f"{_text(node.shape)} is summed to {_text(source.shape)}")  # fmt: skip

    def _sizes_apart(self, node: Node, wires: Sequence[Wire]) -> Iterator[str]:
        """The unintuitive effect of a product: the small factor gets the large gradient."""
        if node.gate not in ("mul", "matmul") or len(wires) != 2:
            return
        pair = [self.wiring.node[wire.source] for wire in wires]
        sizes = [_size(x.value) for x in pair]
        small, large = sorted(sizes)
        if small > 0 and isfinite(large) and large >= APART * small:
            a, b = (self.name(pair[sizes.index(x)]) for x in (large, small))
            times = _times(large / small)
            about = "" if not any(isinstance(x.value, list) for x in pair) else "about "
            yield (f"{a} is {about}{times} times as large as {b}, so {gradient_name(b)} gets "
                   f"{about}{times} times what {gradient_name(a)} gets")  # fmt: skip


def _size(value: Number | None) -> float:
    """The size of a number, or the root of the mean square of an array."""
    numbers = [x for _, x in elements("", value) if x is not None]
    return hypot(*numbers) / sqrt(len(numbers)) if numbers else 0.0


def _lost_among(row: Gate, local: list[float], name: str) -> Iterator[str]:
    """Of an array, at how many elements hardly anything or nothing comes back."""
    if row.name in SQUASHING and (count := sum(abs(x) < SATURATED for x in local)):
        yield f"{row.name} is saturated at {count} of {len(local)} elements of {name}"
    dead = sum(x == 0 for x in local)
    if row.role == "routes" and len(row.operands) == 1 and not row.is_variadic and dead:
        yield f"{row.name} is dead at {dead} of {len(local)} elements of {name}"


def _products(g: Sequence[int], other: Sequence[int], own: Sequence[int]) -> Iterator[bool]:
    """The products of two matrices, each as it is or transposed, that have a shape."""
    for order, turn_g, turn_other in product((0, 1), repeat=3):
        a, b = (g[::-1] if turn_g else g), (other[::-1] if turn_other else other)
        left, right = (a, b) if order == 0 else (b, a)
        if left[1] == right[0] and [left[0], right[1]] == [*own]:
            yield True


def _text(shape: Sequence[int]) -> str:
    return text_of(tuple(shape))


def _times(ratio: float) -> str:
    """A ratio in three digits, in words' way of writing them: 1,000 and not 1e+03."""
    return f"{float(f'{ratio:.3g}'):,.0f}" if 1e3 <= ratio < 1e6 else f"{ratio:.3g}"


def _effect(node: Node, output: str, is_at_kink: bool) -> str:
    """What a small step of an input does to the output."""
    slope: Any = node.gradient
    if slope is None:
        return f"{output} does not depend on it"
    if is_at_kink:
        return f"{output} may have a kink here, and this is the slope by the conventions above"
    if isinstance(slope, list):
        return ""
    if slope == 0:
        return f"a small step of {node.name} does not move {output}"
    if not isfinite(slope):
        return f"{output} has no slope here" if slope != slope else f"{output} has no finite slope"
    way = "rises" if slope > 0 else "falls"
    much = "as much" if abs(slope) == 1 else f"{_times(abs(slope))} times as much"
    return f"where {node.name} rises by a little, {output} {way} {much}"
