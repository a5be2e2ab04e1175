"""The texts of the gate table as Python source, in the spelling of an arithmetic.

For the row `mul` (operands x and y, local gradients y and x) the float arithmetic gets

    def made(upstream, values, gradients, node, operands):
        at0, at1 = operands
        x = values[at0]
        y = values[at1]
        gradients[at0] += (upstream * y if upstream else 0.0)
        gradients[at1] += (upstream * x if upstream else 0.0)

which is the backward pass a student writes: `dx += y * dout`, `dy += x * dout`.
"""

from __future__ import annotations

from functools import cache

from gradcli.gates.row import Gate, GateTable
from gradcli.syntax import Tree, statements
from gradcli.syntax.tokens import Source

Spelling = dict[str, str]  # a template for numbers, operators, `where` and `scale`

INFIX: Spelling = {
    "number": "{!r}",
    "neg": "(-{})",
    "add": "({} + {})", "sub": "({} - {})", "mul": "({} * {})", "div": "({} / {})",
    "lt": "({} < {})", "le": "({} <= {})", "gt": "({} > {})", "ge": "({} >= {})",
    "eq": "({} == {})", "ne": "({} != {})",
    "where": "({1} if {0} else {2})",
    # The guarded product: a zero upstream gradient contributes zero whatever the local one is.
    # The local gradient is then not even computed.
    "scale": "({0} * {1} if {0} else 0.0)",
    # A gate that routes hands its gradient to the winner and nothing to the others, not even the
    # nan of an infinite gradient times zero.
    "route": "({0} if {1} else 0.0)",
}  # fmt: skip

CALLS: Spelling = {  # every operator is a call, as for numbers that are no Python numbers
    "number": "number({!r})",
    **{name: f"{name}({{}}, {{}})" for name in (
        "add", "sub", "mul", "div", "lt", "le", "gt", "ge", "eq", "ne", "scale",
    )},
    "neg": "neg({})",
    "where": "where({}, {}, {})",
    "product": "mul({}, {})",
    "route": "where({1}, {0}, number(0.0))",
}  # fmt: skip

Compiled = tuple[str, set[str]]  # source of a function called `made`, gates it calls


def text_source(gate: Gate, text: str, spelling: Spelling) -> Compiled:
    """A text as a function of the gate's operands."""
    writer = Writer(spelling, gate.table)
    head = "def made(xs, out=0):" if gate.is_variadic else f"def made({_parameters(gate)}):"
    return writer.function(head, [*writer.lines(text, "return {}")])


def forward_source(gate: Gate, count: int, spelling: Spelling) -> Compiled:
    """The forward text as a function of (values, operands)."""
    writer = Writer(spelling, gate.table)
    head = "def made(values, operands):"
    if gate.is_variadic:
        writer.called.add(gate.name)
        return writer.function(head, [f"return {gate.name}([values[at] for at in operands])"])
    text = gate.forward or f"{gate.name}({', '.join(gate.operands)})"
    places = [f"at{k}" for k in range(count)]
    return writer.function(head, [
        f"{', '.join(places)}, = operands",
        *(f"{x} = values[{at}]" for x, at in zip(gate.operands, places, strict=True)),
        *writer.lines(text, "return {}"),
    ])  # fmt: skip


def pullback_source(
    gate: Gate, active: tuple[bool, ...], spelling: Spelling, shrunk: tuple[bool, ...] = ()
) -> Compiled | None:
    """The local gradients as a function of (upstream, values, gradients, node, operands).

    `shrunk` tells the operands that were broadcast: what they receive is summed to their shape.
    """
    writer = Writer(spelling, gate.table)
    texts, shrunk = gate.pullback or gate.local, shrunk or (False,) * len(active)
    body: list[str] = []
    if gate.is_variadic:
        if texts[0] != "0":
            receivers = [k for k, wants in enumerate(active) if wants]
            *helpers, last = _contribution(writer, gate, texts[0], "at", "x" * any(shrunk))
            body = [*helpers, f"for k in {receivers!r}:", " at, x = operands[k], xs[k]", f" {last}"]
    else:
        for k, (text, wants) in enumerate(zip(texts, active, strict=True)):
            if wants and text != "0":
                broadcast = gate.operands[k] * shrunk[k]
                body += _contribution(writer, gate, text, f"at{k}", broadcast)
    if not body:
        return None
    head = "def made(upstream, values, gradients, node, operands):"
    return writer.function(head, [*_fetch(writer, gate, len(active)), *body])


def _fetch(writer: Writer, gate: Gate, count: int) -> list[str]:
    """Lines that read what the local gradients mention: operands and `out`."""
    lines = ["out = values[node]"] if "out" in writer.names else []
    lines += ["g = upstream"] if gate.pullback else []
    if gate.is_variadic:
        return [*lines, "xs = [values[at] for at in operands]"]
    places = [f"at{k}" for k in range(count)]
    pairs = zip(gate.operands, places, strict=True)
    mentioned = [f"{x} = values[{at}]" for x, at in pairs if x in writer.names]
    return [f"{', '.join(places)}, = operands", *lines, *mentioned]


def _contribution(writer: Writer, gate: Gate, text: str, at: str, broadcast: str = "") -> list[str]:
    """Lines that add upstream x local to the gradient of one operand.

    `broadcast` names the operand if it has been broadcast; this is the one place where the sum
    over what it was repeated for is taken.
    """
    target = f"gradients[{at}] += {{}}"
    if broadcast:
        target = f"gradients[{at}] += sum_to({{}}, shape({broadcast}))"
        writer.names.add(broadcast)
        writer.called.update(("sum_to", "shape"))
    if gate.pullback:
        return writer.lines(text, target)
    if text == "1":
        return [target.format("upstream")]
    if text == "-1":
        return [target.format(writer.spelling["neg"].format("upstream"))]
    is_plain = gate.bounded and "product" in writer.spelling
    how = "route" if gate.role == "routes" else "product" if is_plain else "scale"
    if how == "scale" and "receive" in writer.spelling:  # product and sum in one step
        return writer.lines(text, writer.spelling["receive"].format(at, "{}"))
    product = writer.spelling[how]
    return writer.lines(text, target.format(product.format("upstream", "{}")))


def _parameters(gate: Gate) -> str:
    return ", ".join((*gate.operands, "out=0"))


class Writer:
    """Writes texts and keeps the names they mention; calls are of gates of a table.

    What a spelling does not say is written as in Python.
    """

    def __init__(self, spelling: Spelling, table: GateTable) -> None:
        self.spelling = spelling
        self.table = table
        self.names: set[str] = set()
        self.called: set[str] = set()

    def function(self, head: str, body: list[str]) -> Compiled:
        """A Python function with this body, and the gates it calls."""
        return "\n    ".join([head, *body]), self.called

    def lines(self, text: str, last: str) -> list[str]:
        """Helper lines as assignments; the result put into `last`."""
        let = self.spelling.get("let", "{} = {}")
        return [
            let.format(target, self._expression(tree)) if target
            else last.format(self._expression(tree))
            for target, tree in texts(text)
        ]  # fmt: skip

    def _expression(self, tree: Tree) -> str:
        stack: list[str] = []
        for op, arg in zip(tree.ops, tree.args, strict=True):
            if op == "number":
                stack.append(self.spelling["number"].format(arg))
            elif op == "name":
                self.names.add(arg)
                stack.append(arg)
            else:
                name, count = (arg.name, arg.count) if op == "call" else (op, 1 + (op != "neg"))
                operands = stack[-count:]
                del stack[-count:]
                template = self.spelling.get(name)
                if template is None:
                    self.called.add(name)
                    each = self.spelling.get("each", "*{}")
                    places = ", ".join(each if x == "xs" else "{}" for x in operands)
                    is_variadic = name in self.table and self.table[name].is_variadic
                    function = self.spelling.get("function", "{}").format(name)
                    template = f"{function}([{places}])" if is_variadic else f"{function}({places})"
                stack.append(template.format(*operands))
        return stack[0]


@cache
def texts(text: str) -> list[tuple[str, Tree]]:
    """A text as (helper name or "", tree) pairs, the result last."""
    read = []
    for statement in statements(Source(text, "<gate table>")):
        assert statement.tree is not None
        is_helper = statement.kind == "assign"
        read.append((statement.target if is_helper else "", statement.tree))
    return read
