"""Symbols: the gates over nodes of a new graph.

Run on symbols, a forward pass copies the graph and a backward pass writes the adjoint graph, by
the same loops and the same gate texts as any other arithmetic. Only what keeps the result readable
is simplified: sums with 0, products with 0 and 1, and arithmetic of small whole numbers, which is
exact. Nothing else is folded, so that many digits still see the function as it was written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradcli.arithmetic.arithmetic import Arithmetic, Forward
from gradcli.arithmetic.compiler import CALLS
from gradcli.arithmetic.floats import EXACT_BELOW
from gradcli.gates.row import Gate
from gradcli.gates.shapes import FUNCTIONS
from gradcli.graph.nodes import Graph


class Symbol:
    """A node of the graph being built, as a number."""

    __slots__ = ("node", "owner")

    def __init__(self, owner: Symbols, node: int) -> None:
        self.owner = owner
        self.node = node

    def __add__(self, other: Symbol) -> Symbol:
        return self.owner.apply(self.owner.graph.table["add"], [self, other])

    def __repr__(self) -> str:
        return f"Symbol({self.node})"


class Symbols(Arithmetic):
    """The arithmetic whose numbers are nodes of `graph`."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        on_shapes = {name: self._of_shapes(function) for name, function in FUNCTIONS.items()}
        super().__init__("symbols", {"number": self.symbol, **on_shapes}, CALLS, self.symbol)

    def symbol(self, value: Any) -> Symbol:
        """A constant: a number, the tuple of a static operand, or an array."""
        if isinstance(value, tuple):
            return Symbol(self, self.graph.static(value))
        if getattr(value, "shape", ()):
            return Symbol(self, self.graph.array(value))
        return Symbol(self, self.graph.constant(float(value)))

    static = symbol

    def input(self, name: str, shape: tuple[int, ...] = ()) -> Symbol:
        """An input of the new graph."""
        return Symbol(self, self.graph.input(name, shape=shape))

    def _of_shapes(self, function: Callable[..., Any]) -> Callable[..., Symbol]:
        """A function of shapes as one of symbols."""
        return lambda *xs: self.symbol(function(
            *(self.graph.look(x.node) if isinstance(x, Symbol) else x for x in xs)
        ))  # fmt: skip

    def forward(self, gate: Gate, count: int) -> Forward:  # noqa: ARG002  # any number
        """A gate makes a node of itself; its own text is not looked into."""
        return lambda values, operands: self.apply(gate, [values[k] for k in operands])

    def _made(self, gate: Gate) -> Callable[..., Any]:
        """The gate as a function that makes a node."""
        if gate.is_variadic:
            return lambda xs: self.apply(gate, [*map(self._as_symbol, xs)])
        return lambda *xs: self.apply(gate, [*map(self._as_symbol, xs)])

    def apply(self, gate: Gate, operands: list[Symbol]) -> Symbol:
        """The gate's node, or a simpler one of the same value."""
        graph = self.graph
        nodes = tuple([symbol.node for symbol in operands])
        is_of_numbers = not (graph.has_arrays or gate.pullback)
        if is_of_numbers and graph.constants.keys().isdisjoint(nodes):  # there is nothing simpler
            return Symbol(self, graph.node(gate, nodes))
        numbers = [
            None if symbol.node in graph.shapes else graph.constants.get(symbol.node)
            for symbol in operands
        ]
        simple = _simplified(gate.name, numbers, operands)
        if not is_of_numbers:
            shape = gate.shape(*[graph.look(symbol.node) for symbol in operands])
            if gate.name in ("reshape", "sum_to", "fill"):
                simple = operands[0]
            here = simple.node if isinstance(simple, Symbol) else -1
            if shape != graph.shapes.get(here, ()):
                simple = None  # the value is right, but not the shape
        if isinstance(simple, float):
            return self.symbol(simple)
        if simple is not None:
            return simple
        return Symbol(self, graph.node(gate, nodes))

    def _as_symbol(self, x: Symbol | int) -> Symbol:
        return x if isinstance(x, Symbol) else self.symbol(x)  # an operand's number is plain


def _simplified(
    name: str, numbers: list[float | None], operands: list[Symbol]
) -> Symbol | float | None:
    """A constant or an operand that equals the gate exactly; None where there is none."""
    if name == "where" and numbers[0] is not None:
        return operands[1] if numbers[0] else operands[2]
    if len(numbers) == 1:
        return -numbers[0] if name == "neg" and isinstance(numbers[0], float) else None
    if len(numbers) != 2:
        return None
    left, right = numbers
    if isinstance(left, tuple) or isinstance(right, tuple):
        return None
    if left is not None and right is not None:
        folded = _folded(name, left, right)
        if folded is not None:
            return folded
    if name == "add":
        return operands[1] if left == 0 else operands[0] if right == 0 else None
    if name == "sub":
        return operands[0] if right == 0 else None
    if name in ("mul", "scale"):
        if left == 0 or right == 0:
            return 0.0
        return operands[1] if left == 1 else operands[0] if right == 1 else None
    if name in ("pow", "div") and right == 1:
        return operands[0]
    return None


def _folded(name: str, left: float, right: float) -> float | None:
    """Exact arithmetic of small whole numbers, and comparisons."""
    if name == "eq":
        return float(left == right)
    if name == "ne":
        return float(left != right)
    if left != left // 1 or right != right // 1:
        return None
    results = {"add": left + right, "sub": left - right, "mul": left * right}
    result = results.get(name)
    return result if result is not None and abs(result) < EXACT_BELOW else None
