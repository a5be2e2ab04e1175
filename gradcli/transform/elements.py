"""An array program as the scalar circuit it stands for: one gate per element.

Every element of every array becomes a node of a graph of numbers, so that all that is known of
numbers holds for arrays too: rounding bounds, kinks, many digits, verdicts. It is the forward
pass, run on arrays of symbols.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from gradcli.arithmetic.arithmetic import Arithmetic, Forward
from gradcli.arithmetic.arrays import STRUCTURE, by_halving, put, repeated
from gradcli.arithmetic.compiler import CALLS
from gradcli.arithmetic.mixing import by_columns, by_comparing, by_scanning, by_traces
from gradcli.arithmetic.symbols import Symbol, Symbols
from gradcli.gates.row import INPUT, Gate
from gradcli.gates.shapes import Axis, Shape, column, grouped, inverse, reduced, row, to_end
from gradcli.graph.nodes import Graph, stage_names
from gradcli.program.model import Element, Program, ValueClaim
from gradcli.requests import MOST_GATES
from gradcli.transform.gate_counts import gate_count

# What gates of whole rows and matrices are made of.
OF_NUMBERS = ("add", "sub", "mul", "div", "neg", "sqrt", "log", "abs", "max", "min", "scale")


class Lifted(Arithmetic):
    """Symbols, element by element in numpy arrays of objects. For forward passes."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols
        names = {**STRUCTURE, "number": symbols.symbol, **_mixing(self)}
        table, one = symbols.graph.table, symbols.symbol(1.0)
        gates = {**names, **{name: self._each(table[name]) for name in OF_NUMBERS}}.__getitem__
        names |= by_halving(gates, one) | by_scanning(gates) | by_traces(gates, one)
        names |= {"sort": by_comparing(gates), "cholesky": by_columns(gates)}
        super().__init__("lifted", names, CALLS, symbols.symbol)

    def _made(self, gate: Gate) -> Callable[..., Any]:
        """The gate as a function of arrays of symbols."""
        return self.text_function(gate, gate.forward) if gate.is_structural else self._each(gate)

    def forward(self, gate: Gate, count: int) -> Forward:
        """A gate of numbers adds a node for each element, one of arrays computes its text."""
        if gate.is_structural:
            return super().forward(gate, count)
        function = self.function(gate.name, gate.table)
        if gate.is_variadic:
            return lambda values, operands: function([values[k] for k in operands])
        return lambda values, operands: function(*[values[k] for k in operands])

    def _each(self, gate: Gate) -> Callable[..., Any]:
        one = self.symbols.function(gate.name, gate.table)
        if gate.is_variadic:
            return lambda xs: np.frompyfunc(lambda *ys: one([*ys]), len(xs), 1)(*xs)
        each: Callable[..., Any] = np.frompyfunc(one, len(gate.operands), 1)
        return each


def _mixing(lifted: Lifted) -> dict[str, Callable[..., Any]]:
    """The gates that mix elements, as gates of several numbers."""

    def along(combine: Callable[[list[Any]], Any]) -> Callable[[Any, Axis], Any]:
        def reduction(x: Any, axis: Axis) -> Any:
            shape = np.shape(x)
            rest = tuple(n for k, n in enumerate(shape) if k not in axis[0])
            order = [k for k in range(len(shape)) if k not in axis[0]] + [*axis[0]]
            size = prod(shape[k] for k in axis[0])
            flat = np.asarray(x, dtype=object).transpose(order).reshape(prod(rest), size)
            combined = np.empty(prod(rest), dtype=object)
            for k, part in enumerate(flat):
                combined[k] = combine([*part])
            return combined.reshape(reduced(shape, axis))[()]

        return reduction

    def total(parts: list[Any]) -> Any:
        add = lifted.symbols.function("add")
        whole = parts[0] if parts else lifted.symbols.symbol(0.0)
        for part in parts[1:]:
            whole = add(whole, part)
        return whole

    def gate_of(name: str) -> Callable[[list[Any]], Any]:
        return lambda parts: lifted.symbols.function(name)(parts) if parts else total(parts)

    add_up = along(total)

    def product_by(gate: str, x: Any, y: Any) -> Any:
        """The product of matrices; `gate` multiplies two elements."""
        products = lifted.function(gate)(x[..., :, :, None], y[..., None, :, :])
        return add_up(products, ((products.ndim - 2,), False))

    def matmul(x: Any, y: Any) -> Any:
        a, b = np.reshape(x, row(np.shape(x))), np.reshape(y, column(np.shape(y)))
        sums = product_by("mul", a, b)
        shape: Shape = sums.shape
        if np.ndim(x) == 1:
            shape = (*shape[:-2], shape[-1])
        return sums.reshape(shape[:-1] if np.ndim(y) == 1 else shape)[()]

    def sum_to(x: Any, shape: Shape) -> Any:
        axes = repeated(np.shape(x), shape)
        return np.reshape(add_up(x, (axes, False)), shape)[()] if axes else x

    def scatter(x: Any, shape: Shape, at: tuple[Any, ...]) -> Any:
        return put(np.full(shape, lifted.symbols.symbol(0.0), dtype=object), x, at)

    def first(x: Any, best: Any, axis: Axis) -> Any:
        """1 at the first place along the axes where x equals the best, 0 elsewhere."""
        shape = np.shape(x)
        order, one = to_end(shape, axis), lifted.symbols.symbol(1.0)
        equal, subtract, multiply = map(lifted.function, ("eq", "sub", "mul"))
        hits = np.transpose(equal(x, best), order)
        rows = np.array(hits.reshape(grouped(shape, axis)))
        for place in np.ndindex(rows.shape[:-1]):
            left = one  # what no earlier place has taken
            for k, hit in enumerate(rows[place]):
                rows[(*place, k)] = multiply(left, hit)
                left = subtract(left, rows[(*place, k)])
        return np.transpose(rows.reshape(hits.shape), inverse(order))[()]

    def trace(x: Any) -> Any:
        return total([x[k, k] for k in range(len(x))])

    def give(x: Any, shape: Shape, at: tuple[Any, ...]) -> Any:
        add, totals = lifted.symbols.function("add"), [lifted.symbols.symbol(0.0)] * prod(shape)
        is_empty = [True] * len(totals)
        for place, part in zip(np.ravel(at[0].flat), np.ravel(x), strict=True):
            if place >= 0:
                totals[place] = part if is_empty[place] else add(totals[place], part)
                is_empty[place] = False
        whole = np.empty(len(totals), dtype=object)
        whole[:] = totals
        return whole.reshape(shape)[()]

    def ramp(shape: Shape) -> Any:
        """Exact quotients, as those of numbers in the language are."""
        return lifted.function("div")(np.arange(float(shape[0])), max(1.0, shape[0] - 1.0))

    return {
        "sum": add_up, "amax": along(gate_of("max")), "amin": along(gate_of("min")),
        "norm": along(gate_of("hypot")), "lse": along(gate_of("logsumexp")),
        "matmul": matmul, "trace": trace, "ramp": ramp, "give": give, "sum_to": sum_to,
        "mix": lambda x, y: product_by("scale", x, y), "scatter": scatter, "first": first,
    }  # fmt: skip


class Circuit:
    """The graph of numbers, and where the elements of every node of the array graph are.

    A gate that moves elements makes no nodes, unless they are kept `apart`: then every element of
    every gate is a node of its own, with a gradient of its own, which for a transposed matrix is
    not that of the matrix.
    """

    def __init__(self, graph: Graph, apart: bool = False) -> None:
        self.arrays = graph
        self.symbols = symbols = Symbols(Graph(graph.table))
        lifted = Lifted(symbols)
        self.graph = symbols.graph
        self.ends: list[int] = []  # the number of gates after each node of the array graph
        self.elements: list[Any] = [None] * len(graph)  # node numbers, in the node's shape
        values: list[Any] = [None] * len(graph)
        for node, value in graph.constants.items():
            is_number = isinstance(value, float)  # else a static, or an array of numbers
            values[node] = symbols.symbol(value) if is_number else value
        for node, (gate, operands) in enumerate(zip(graph.gates, graph.operands, strict=True)):
            first = len(self.graph)
            if gate is INPUT:
                values[node] = _inputs(symbols, graph.names[node], graph.shape(node))
            elif operands:
                with np.errstate(all="ignore"):  # constants are computed here
                    values[node] = lifted.forward(gate, len(operands))(values, operands)
            if not isinstance(values[node], tuple):
                self.elements[node] = self._nodes(values[node])
                if operands and (node in graph.names or (apart and graph.active[node])):
                    values[node] = self._own(graph, node, first)
            self.ends.append(len(self.graph))
            for new in range(first, len(self.graph)):
                self.graph.tokens[new] = graph.tokens[node]

    def _nodes(self, value: Any) -> Any:
        def number(x: Any) -> int:
            return x.node if isinstance(x, Symbol) else self.symbols.symbol(float(x)).node

        return np.asarray(np.frompyfunc(number, 1, 1)(value), dtype=np.int64)

    def _own(self, graph: Graph, node: int, first: int) -> Any:
        """Make every element a node of its own; those of a named stage become walls."""
        nodes, token = self.elements[node], graph.tokens[node]
        name = graph.names.get(node)
        values = np.empty(nodes.shape, dtype=object)
        taken = set()
        for at in np.ndindex(nodes.shape):
            old = int(nodes[at])
            start = len(self.graph) if old in taken else first
            if name is not None:
                old = self.graph.stage(str(Element(name, at)), old, start, token)
            elif old < start or self.graph.is_leaf(old):
                old = self.graph.add(graph.table["copy"], (old,), token)
            taken.add(old)
            nodes[at] = old
            values[at] = Symbol(self.symbols, old)
        if name is not None:
            self.graph.begin_statement()
        return values[()]

    def value(self, node: int) -> Any:
        """A node of the array graph as nested lists of nodes of this one."""
        return self.elements[node].tolist()

    def called(self, whole: int, output: int) -> dict[int, str]:
        """The names of the gates in reports: `#2[0]` for an element, `a part of #2` for the rest.

        `whole` is the output of arrays, `output` that of numbers.
        """
        of_arrays = stage_names(self.arrays, whole)
        names = {output: of_arrays[whole]}
        start = 0
        for node, end in enumerate(self.ends):
            elements = self.elements[node]
            if node in of_arrays:
                for at in np.ndindex(elements.shape):
                    names.setdefault(int(elements[at]), str(Element(of_arrays[node], at)))
                for inner in range(start, end):
                    names.setdefault(inner, f"a part of {of_arrays[node]}")
            start = end
        return {k: names.get(k, of_arrays[whole]) for k in self.graph.gate_nodes()}

    def weighted(self, node: int, weights: Any) -> int:
        """The node of the sum of an array's elements, each times a number."""
        add, mul = self.symbols.function("add"), self.symbols.function("mul")
        whole = self.symbols.symbol(0.0)
        for element, weight in zip(self.elements[node].flat, np.ravel(weights), strict=True):
            product = mul(self.symbols.symbol(float(weight)), Symbol(self.symbols, int(element)))
            whole = add(whole, product)
        return whole.node


def small_circuit(graph: Graph, apart: bool = False) -> Circuit | None:
    """The circuit of a graph that is small enough for bounds of numbers and many digits."""
    if gate_count(graph) > MOST_GATES:
        return None
    circuit = Circuit(graph, apart)
    return circuit if len(circuit.graph) <= MOST_GATES else None


def unrolled(program: Program, weights: Any = None, circuit: Circuit | None = None) -> Program:
    """The program over numbers: its inputs, stages and lines are nested lists of nodes.

    Of an array output the sum is taken, each element times its weight: the upstream gradient.
    `circuit` is that of the program's graph, where the caller has it.
    """
    circuit = circuit or Circuit(program.graph)
    parts: tuple[int, ...] | None = None

    def table(values: dict[str, int]) -> dict[str, Any]:
        return {name: circuit.value(node) for name, node in values.items()}

    ends, upstream = circuit.ends, program.upstream
    output = circuit.value(program.output)
    forward_nodes = ends[program.forward_nodes - 1]
    if program.graph.shape(program.output):
        parts = tuple(map(int, circuit.elements[program.output].flat))
        output, upstream = circuit.weighted(program.output, weights), None
        circuit.graph.tokens[output] = program.graph.tokens[program.output]
        forward_nodes = max(forward_nodes, len(circuit.graph))
    if circuit.graph.is_leaf(output):  # an element that is an input, or a sum of nothing
        output = circuit.graph.add(
            program.graph.table["copy"], (output,), program.graph.tokens[program.output]
        )
        forward_nodes = max(forward_nodes, len(circuit.graph))
    return program._replace(
        graph=circuit.graph,
        output=output,
        parts=parts,
        weights=None if parts is None else np.reshape(weights, program.graph.shape(program.output)),
        called=circuit.called(program.output, output),
        forward_nodes=forward_nodes,
        aside={
            new for node in program.aside
            for new in range(ends[node - 1] if node else 0, ends[node])
        },
        inputs=table(program.inputs),
        stages=table(program.stages),
        claims=table(program.claims),
        value_claims=[
            ValueClaim(claim.name, stage, claimed, claim.token)
            for claim in program.value_claims
            for stage, claimed in zip(
                map(int, circuit.elements[claim.stage].flat),
                map(int, circuit.elements[claim.claimed].flat), strict=True,
            )
        ],
        upstream=None if upstream is None else circuit.value(upstream),
        lines=[line.moved(circuit.value) for line in program.lines],
        decisions=tuple(
            decision._replace(value=circuit.value(decision.value)) for decision in program.decisions
        ),
        arrays=program,
    )  # fmt: skip


def _inputs(symbols: Symbols, name: str, shape: Shape) -> Any:
    if not shape:
        return symbols.input(name)
    leaves = np.empty(shape, dtype=object)
    for at in np.ndindex(shape):
        leaves[at] = symbols.input(str(Element(name, at)))
    return leaves
