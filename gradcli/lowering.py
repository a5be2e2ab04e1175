"""A statement's tree lowered into graph nodes.

    value = a node, or a list of values

Lists are taken apart while lowering: `w[0]` is a node like any other, so that the circuit shows
w[0] where the lecture draws w0, and the graph itself holds numbers only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from itertools import repeat
from typing import Any, NoReturn

from gradcli.errors import GradcliError, NameFault, ParseError, ShapeError, did_you_mean
from gradcli.gates import CONSTANTS, FUNCTIONS, GATES, Gate
from gradcli.graph import Graph
from gradcli.syntax import Call, Tree, parse_expression
from gradcli.syntax.tokens import Source
from gradcli.syntax.tree import SIGNS

Value = int | list["Value"]
Find = Callable[[str, int], Value]  # (name, token) -> what the name stands for

BINARY = {op: GATES[op] for op in SIGNS if op in GATES}
COMMUTATIVE = ("add", "mul")


class Lowering:
    """Lowers the trees of one source into one graph."""

    def __init__(self, graph: Graph, source: Source, expand: bool = False) -> None:
        self.graph = graph
        self.source = source
        self.expand = expand
        self._plain: dict[Call, Gate] = {}  # calls whose operands are the gate's as they stand

    def value(
        self, tree: Tree, names: Mapping[str, Value], find: Find, place: int | None = None
    ) -> Value:
        """The value of an expression; what is not in `names` is asked of `find`.

        The new nodes stand where the tree's tokens do, or all at the token `place`.
        Raises NameFault for an unknown function, ShapeError where a list meets a gate.
        """
        graph = self.graph
        if len(tree.ops) <= 3 and place is None:
            only = self._one_gate(tree, names)
            if only is not None:
                return only
        node = graph.node
        stack: list[Any] = []
        tokens = tree.starts if place is None else repeat(place)
        for op, arg, token in zip(tree.ops, tree.args, tokens):  # noqa: B905  # repeat is endless
            if op == "name":
                value = names.get(arg)
                stack.append(find(arg, token) if value is None else value)
            elif (gate := BINARY.get(op)) is not None:
                right = stack.pop()
                left = stack[-1]
                if left.__class__ is list or right.__class__ is list:
                    self._refuse_list(gate.name, [left, right], token)
                stack[-1] = node(gate, (left, right), token)
            elif op == "number":
                stack.append(graph.constant(arg, token))
            elif op == "neg":
                stack[-1] = self._apply(GATES["neg"], [stack[-1]], token)
            elif op == "if":
                chosen, condition, other = stack[-3:]
                stack[-3:] = [self._apply(GATES["where"], [condition, chosen, other], token)]
            else:
                self._other(op, arg, token, stack)
        result: Value = stack[0]
        return result

    def _one_gate(self, tree: Tree, names: Mapping[str, Value]) -> int | None:
        """The node of a tree that is one gate over numbers in `names`, else None.

        Most lines are such a tree. It needs no stack, and no look-up of equal nodes.
        """
        ops, args = tree.ops, tree.args
        gate = self._plain.get(args[-1]) if ops[-1] == "call" else BINARY.get(ops[-1])
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
            stack[-1] = self._element(stack[-1], indices, token)
        elif op == "slice":
            has_start, has_stop = arg
            stop = self._whole_number(stack.pop(), token) if has_stop else None
            start = self._whole_number(stack.pop(), token) if has_start else None
            stack.append(slice(start, stop))
        elif op == "tuple":
            self._fail(ParseError, token, "a tuple is not a value", "write a list: `[a, b]`")
        else:
            sign = "@" if op == "matmul" else f".{arg}"
            self._fail(ShapeError, token, f"`{sign}` needs an array, this is a number")

    # ---------------------------------------------------------------- calls

    def _call(self, call: Call, operands: list[Value], token: int) -> Value:
        if call.method:
            self._fail(ShapeError, token, f"`.{call.name}` needs an array, this is a number")
        gate = FUNCTIONS.get(call.name)
        if gate is None:
            self._fail_unknown_function(call, token)
        self._refuse_meaningless(call, gate, token)
        if call.name == "log" and len(operands) == 2 and not call.keywords:
            number, base = (self._apply(gate, [operand], token) for operand in operands)
            return self._apply(GATES["div"], [number, base], token)
        arguments = operands
        if not gate.is_variadic:
            arguments = self._arguments(gate, call, operands, token)
        elif len(operands) == 1 and isinstance(operands[0], list):
            arguments = operands[0]
        if not arguments:
            self._fail(ParseError, token, f"`{call.name}` needs at least one operand")
        if arguments is operands and not (self.expand and gate.expansion):
            self._plain[call] = gate
        return self._apply(gate, arguments, token)

    def _refuse_meaningless(self, call: Call, gate: Gate, token: int) -> None:
        """What stands in a call is never ignored."""
        if call.starred:
            self._fail(ParseError, token, f"`{call.name}(*...)`: `*` stands before a shape only")
        if call.keywords and gate.is_variadic:
            self._fail(ParseError, token, f"`{call.name}` takes no `{call.keywords[0]}=` here")
        if call.prefix in ("np.", "numpy.") and call.name in ("max", "min") and call.count > 1:
            plain, elementwise = call.name, f"{call.prefix}{call.name}imum"
            self._fail(
                ParseError, token, f"the second operand of `{call.prefix}{plain}` is an axis",
                f"write `{plain}(x, y)` or `{elementwise}(x, y)` for the larger of two"
                .replace("larger", "larger" if plain == "max" else "smaller"),
            )  # fmt: skip

    def _arguments(self, gate: Gate, call: Call, given: list[Value], token: int) -> list[Value]:
        """The operands in the gate's order: positional, by keyword, or by default."""
        names = gate.operands
        if len(given) == len(names) and not call.keywords:
            return given
        positional = given[: len(given) - len(call.keywords)]
        arguments: dict[str, Value] = dict(zip(names, positional, strict=False))
        for key, value in zip(call.keywords, given[len(positional) :], strict=True):
            if key in arguments:
                self._fail(ParseError, token, f"`{key}` of `{call.name}` is given twice")
            if key not in names:
                hint = did_you_mean(key, names) or f"operands of `{gate.name}`: {', '.join(names)}"
                self._fail(ParseError, token, f"`{call.name}` takes no `{key}=` here", hint)
            arguments[key] = value
        first_default = len(names) - len(gate.defaults)
        for name, default in zip(names[first_default:], gate.defaults, strict=True):
            arguments.setdefault(name, self.graph.constant(default, token))
        if len(positional) > len(names) or len(arguments) < len(names):
            wanted = f"{len(names)} operand{'s' * (len(names) != 1)} ({', '.join(names)})"
            self._fail(ParseError, token, f"`{call.name}` takes {wanted}, got {len(given)}")
        return [arguments[name] for name in names]

    def _apply(self, gate: Gate, operands: list[Value], token: int) -> int:
        """The node of a gate, or of its expansion."""
        for operand in operands:
            if operand.__class__ is list:
                self._refuse_list(gate.name, operands, token)
        nodes: tuple[int, ...] = tuple(operands)  # type: ignore[arg-type]  # no list is left
        if self.expand and gate.expansion:
            return self._insert(gate.expansion, dict(zip(gate.operands, nodes, strict=True)), token)
        return self.graph.node(gate, nodes, token)

    def _insert(self, text: str, operands: dict[str, int], token: int) -> int:
        """Lower one of our own texts in place of a call."""
        inner = Lowering(self.graph, self.source, self.expand)
        node = inner.value(_own_tree(text), operands, _no_names, token)
        assert isinstance(node, int)
        return node

    # ---------------------------------------------------------------- lists

    def _element(self, value: Any, indices: list[Any], token: int) -> Value:
        for index in indices:
            if not isinstance(value, list):
                self._fail(ShapeError, token, "an index needs a list, this is a number")
            place = index if isinstance(index, slice) else self._whole_number(index, token)
            try:
                value = value[place]
            except IndexError:
                self._fail(
                    ShapeError, token, f"index {place} is outside a list of {len(value)}",
                    f"indices run from 0 to {len(value) - 1}",
                )  # fmt: skip
        result: Value = value
        return result

    def _whole_number(self, index: Any, token: int) -> int:
        number = self.graph.constants.get(index) if isinstance(index, int) else None
        if number is None or number != number // 1:
            self._fail(ShapeError, token, "an index must be a whole number", "write `x[0]`")
        return int(number)

    def _refuse_list(self, gate: str, operands: list[Value], token: int) -> NoReturn:
        size = next(len(operand) for operand in operands if isinstance(operand, list))
        sign = SIGNS[gate][0] if gate in SIGNS else "-" if gate == "neg" else gate
        self._fail(
            ShapeError, token, f"`{sign}` works on numbers, this is a list of {size}",
            "take its elements: `x[0]`",
        )  # fmt: skip

    # ---------------------------------------------------------------- errors

    def _fail(
        self, kind: type[GradcliError], token: int, message: str, hint: str | None = None
    ) -> NoReturn:
        raise kind(message, self.source.span(token), hint)

    def _fail_unknown_function(self, call: Call, token: int) -> NoReturn:
        name = f"{call.prefix}{call.name}"
        hint = did_you_mean(call.name, FUNCTIONS)
        self._fail(NameFault, token, f"unknown function `{name}`", hint)


def find_constant(name: str) -> float | None:
    """The value of pi, tau or e, also behind `math.` and `np.`."""
    return CONSTANTS.get(name.rpartition(".")[2])


def _no_names(name: str, token: int) -> NoReturn:
    raise AssertionError(f"the text of a gate names {name}, at token {token}")


@cache
def _own_tree(text: str) -> Tree:
    return parse_expression(Source(text, "<gate table>"))
