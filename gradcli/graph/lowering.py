"""A statement's tree lowered into graph nodes.

    value = a node

While an expression is being read the stack also holds what is no value by itself: a list literal
as a Python list of nodes, a `Tuple` of them (a shape, axes, arrays to join), a slice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from itertools import repeat
from typing import TYPE_CHECKING, Any, NoReturn

from gradcli.errors import (
    GradcliError,
    LimitError,
    NameFault,
    ParseError,
    ShapeError,
    did_you_mean,
)
from gradcli.gates.row import Gate, GateTable
from gradcli.gates.table import CONSTANTS
from gradcli.graph.array_calls import ARRAY_FUNCTIONS, ArrayCalls, OpenFile, Tuple
from gradcli.graph.nodes import Graph
from gradcli.graph.sizes import NumberOf
from gradcli.syntax import Call, Tree, parse_expression
from gradcli.syntax.refusals import INSTEAD, OTHERS
from gradcli.syntax.tokens import Source
from gradcli.syntax.tree import SIGNS

if TYPE_CHECKING:
    from gradcli.gates.row import Own

Value = Any  # a node; in a program of numbers made from arrays, nested lists of nodes
Find = Callable[[str, int], Value]  # (name, token) -> the value of the name

ALL_FUNCTIONS = "`gradcli gates` lists the functions, --gates FILE.py adds gates of your own"
COMMUTATIVE = ("add", "mul")


class Lowering(ArrayCalls):
    """Lowers the trees of one source into one graph."""

    def __init__(
        self,
        graph: Graph,
        source: Source,
        expand: bool = False,
        number_of: NumberOf | None = None,
        open_file: OpenFile | None = None,
    ) -> None:
        self.graph = graph
        self.source = source
        self.number_of = number_of or _operand_words
        self.open_file = open_file
        self.known: dict[int, float] = {}  # nodes that were read as sizes, and what sizes are of
        self.measured: set[int] = set()  # nodes whose shape was read
        self.tree = Tree([], [], [])  # that is being lowered
        self.stream = ""  # the name that is being assigned: each draws random numbers of its own
        self.expand = expand
        self.functions = graph.table.functions  # that calls may name
        self._binary = _operators(graph.table)
        self._plain: dict[Call, Gate] = {}  # calls whose operands are the gate's as they stand

    def value(
        self, tree: Tree, names: Mapping[str, Value], find: Find, place: int | None = None
    ) -> Value:
        """The value of an expression; `find` gives the names that are not in `names`.

        The new nodes stand where the tree's tokens do, or all at the token `place`.
        Raises NameFault for an unknown function, ShapeError where a list meets a gate.
        """
        return self._lowered(tree, names, find, place, self.node)

    def places(self, tree: Tree, names: Mapping[str, Value], find: Find) -> tuple[Any, ...]:
        """The indices of a target, from their tuple: whole numbers, and (start, stop)."""
        indices: tuple[Any, ...] = self._lowered(tree, names, find, None, self._places_of)
        return indices

    def _lowered(
        self, tree: Tree, names: Mapping[str, Value], find: Find, place: int | None,
        finish: Callable[[Any, int], Any],
    ) -> Any:  # fmt: skip
        graph = self.graph
        self.tree = tree
        token = place or 0
        try:
            if len(tree.ops) <= 3 and place is None:
                only = self._one_gate(tree, names)
                if only is not None:
                    return only
            node, binary = graph.node, self._binary
            stack: list[Any] = []
            tokens = tree.starts if place is None else repeat(place)
            for op, arg, token in zip(tree.ops, tree.args, tokens):  # noqa: B905  # repeat is endless
                if op == "name":
                    value = names.get(arg)
                    stack.append(find(arg, token) if value is None else value)
                elif (gate := binary.get(op)) is not None:
                    right = stack.pop()
                    left = stack[-1]
                    if left.__class__ is not int or right.__class__ is not int:
                        left, right = self.node(left, token), self.node(right, token)
                    stack[-1] = node(gate, (left, right), token)
                elif op == "number":
                    stack.append(graph.constant(arg, token))
                elif op == "neg":
                    stack[-1] = self._apply(graph.table["neg"], [stack[-1]], token)
                elif op == "if":
                    chosen, condition, other = stack[-3:]
                    where = graph.table["where"]
                    stack[-3:] = [self._apply(where, [condition, chosen, other], token)]
                else:
                    self._other(op, arg, token, stack)
            return finish(stack[0], tree.starts[-1] if place is None else place)
        except (ShapeError, LimitError) as error:
            if error.span is None:
                error.span = self.source.span(self._place(tree, token))
            raise

    def _place(self, tree: Tree, token: int) -> int:
        """The token at which an error of shape is shown: that of the gate."""
        return tree.starts[-1] if len(tree.ops) <= 3 and token == 0 else token

    def _one_gate(self, tree: Tree, names: Mapping[str, Value]) -> int | None:
        """The node of a tree that is one gate over numbers in `names`, else None.

        Most lines are such a tree. It needs no stack, and no look-up of equal nodes.
        """
        ops, args = tree.ops, tree.args
        gate = self._plain.get(args[-1]) if ops[-1] == "call" else self._binary.get(ops[-1])
        if gate is None:
            return None
        if len(ops) == 3 and ops[1] == "name":
            left, right = names.get(args[0]), names.get(args[1])
            if isinstance(left, int) and isinstance(right, int):
                return self.graph.add(gate, (left, right), tree.starts[2])
        elif len(ops) == 2:
            operand = names.get(args[0])
            if isinstance(operand, int):
                return self.graph.add(gate, (operand,), tree.starts[1])
        return None

    def _other(self, op: str, arg: Any, token: int, stack: list[Any]) -> None:
        """Calls, lists, indices: forms that take a counted number of values off the stack."""
        if op == "call":
            at = len(stack) - arg.count
            operands = stack[at:]
            del stack[at:]
            stack.append(self._call(arg, operands, token))
        elif op == "list":
            at = len(stack) - arg
            stack[at:] = [stack[at:]]
        elif op == "index":
            at = len(stack) - arg
            indices = stack[at:]
            del stack[at:]
            stack[-1] = self.element(stack[-1], indices, token)
        elif op == "slice":
            has_start, has_stop = arg
            stop = self.whole_number(stack.pop(), token, "an index") if has_stop else None
            start = self.whole_number(stack.pop(), token, "an index") if has_start else None
            stack.append(slice(start, stop))
        elif op == "tuple":
            at = len(stack) - arg
            stack[at:] = [Tuple(stack[at:], token)]
        elif op == "text":
            stack.append(arg)
        elif op == "file":
            stack.append(self.loaded(arg, token))
        elif op == "unpack":
            stack[-1] = self.unpacked(stack[-1], arg, token)
        else:
            stack[-1] = self.attribute(stack[-1], arg, token)

    # ---------------------------------------------------------------- calls

    def _call(self, call: Call, operands: list[Any], token: int) -> Any:
        gate = self.functions.get(call.name)
        value = None if gate and gate.own else self.array_call(call, operands, token)
        if value is not None:
            return value
        if gate is None:
            self._fail_unknown_function(call, token)
        self._refuse_meaningless(call, gate, token)
        if call.name == "log" and len(operands) == 2 and not call.keywords:
            number, base = (self._apply(gate, [operand], token) for operand in operands)
            return self._apply(self.graph.table["div"], [number, base], token)
        arguments = operands
        if not gate.is_variadic:
            arguments = self._arguments(gate, call, operands, token)
        elif len(operands) == 1 and isinstance(operands[0], list):
            arguments = operands[0]
        if not arguments:
            self.fail(ParseError, token, f"`{call.name}` needs at least one operand")
        is_one = gate.is_variadic and len(operands) == 1  # of which an array is reduced
        is_plain = gate.own is None and not (self.expand and gate.expansion)
        if arguments is operands and is_plain and not is_one:
            self._plain[call] = gate
        return self._apply(gate, arguments, token)

    def _refuse_meaningless(self, call: Call, gate: Gate, token: int) -> None:
        """Refuse a `*` or a keyword that would be ignored."""
        if call.starred:
            self.fail(ParseError, token, f"`{call.name}(*...)`: `*` stands before a shape only")
        if call.keywords and gate.is_variadic:
            self.fail(ParseError, token, f"`{call.name}` takes no `{call.keywords[0]}=` here")

    def _arguments(self, gate: Gate, call: Call, operands: list[Any], token: int) -> list[Any]:
        """The operands in the gate's order: positional, by keyword, or by default."""
        names = gate.operands
        if len(operands) == len(names) and not call.keywords:
            return operands
        positional = operands[: len(operands) - len(call.keywords)]
        arguments: dict[str, Any] = dict(zip(names, positional, strict=False))
        for key, value in zip(call.keywords, operands[len(positional) :], strict=True):
            if key in arguments:
                self.fail(ParseError, token, f"`{key}` of `{call.name}` is given twice")
            if key not in names:
                hint = did_you_mean(key, names) or f"operands of `{gate.name}`: {', '.join(names)}"
                self.fail(ParseError, token, f"`{call.name}` takes no `{key}=` here", hint)
            arguments[key] = value
        first_default = len(names) - len(gate.defaults)
        for name, default in zip(names[first_default:], gate.defaults, strict=True):
            arguments.setdefault(name, self.graph.constant(default, token))
        if len(positional) > len(names) or len(arguments) < len(names):
            expected = f"{len(names)} operand{'s' * (len(names) != 1)} ({', '.join(names)})"
            self.fail(ParseError, token, f"`{call.name}` takes {expected}, got {len(operands)}")
        return [arguments[name] for name in names]

    def _apply(self, gate: Gate, operands: list[Any], token: int) -> int:
        """The node of a gate, or of its expansion."""
        nodes = tuple([x if x.__class__ is int else self.node(x, token) for x in operands])
        if self.expand and gate.expansion:
            return self._insert(gate, dict(zip(gate.operands, nodes, strict=True)), token)
        if gate.own is not None:
            return self._own_gate(gate, gate.own, nodes, token)
        return self.graph.node(gate, nodes, token)

    def _own_gate(self, gate: Gate, own: Own, nodes: tuple[int, ...], token: int) -> int:
        """The node of a gate of the user's own, whose row is made for this call."""
        count = len(nodes) if gate.is_variadic else own.inputs
        constants = [self.graph.behind(node) for node in nodes[count:]]
        for name, value in zip(gate.operands[count:], constants, strict=True):
            if value is None:
                self.fail(ParseError, token, f"`{name}` of `{gate.name}` is a constant",
                          f"give it a number: {gate.name}(..., {name}=0.5)")  # fmt: skip
        shapes = [self.graph.shape(node) for node in nodes[:count]]
        row, further = own.row(constants, shapes)
        more = [self.graph.fixed(value) for value in further]
        return self.graph.node(row, (*nodes[:count], *more), token)

    def _insert(self, gate: Gate, operands: dict[str, int], token: int) -> int:
        """Lower the expansion of a gate in place of a call; it calls gates of the gate's table."""
        inner = Lowering(self.graph, self.source, self.expand)
        inner.functions = gate.table.functions
        node: int = inner.value(_own_tree(gate.expansion), operands, _no_names, token)
        return node

    # ---------------------------------------------------------------- errors

    def fail(
        self, kind: type[GradcliError], token: int, message: str, hint: str | None = None
    ) -> NoReturn:
        """Raise an error at the place of a token."""
        raise kind(message, self.source.span(token), hint)

    def _fail_unknown_function(self, call: Call, token: int) -> NoReturn:
        name = f"{call.prefix}{call.name}"
        known = [*self.functions, *ARRAY_FUNCTIONS]
        hint = INSTEAD.get(call.name) or did_you_mean(call.name, known, OTHERS) or ALL_FUNCTIONS
        self.fail(NameFault, token, f"unknown function `{name}`", hint)


@cache
def _operators(table: GateTable) -> dict[str, Gate]:
    """The gates of two operands that have a sign."""
    return {op: table.rows[op] for op in SIGNS if op in table.rows}


def find_constant(name: str) -> float | None:
    """The value of pi, tau or e, also behind `math.` and `np.`."""
    return CONSTANTS.get(name.rpartition(".")[2])


def _operand_words(name: str) -> str:
    return f"the operand {name}"


def _no_names(name: str, token: int) -> NoReturn:
    raise AssertionError(f"the text of a gate names {name}, at token {token}")


@cache
def _own_tree(text: str) -> Tree:
    return parse_expression(Source(text, "<gate table>"))
