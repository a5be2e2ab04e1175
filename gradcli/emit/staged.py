"""A program as staged code: a line for every gate, then the backward pass as a student writes it.

    q = x + y
    f = q * z
    dq = z              the gradient of f is 1 and left out
    dz = q
    dx = dq
    dy = dq

Gradients of names that are used more than once are added with `+=`, as the lecture does.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, NamedTuple

from gradcli.errors import GradcliError, UsageError
from gradcli.gates.table import CONSTANTS
from gradcli.graph.nodes import NAMED, Graph
from gradcli.graph.text import constant_phrase, gate_phrase, structural_phrase
from gradcli.program.model import Program
from gradcli.syntax import Tree, parse_expression, write
from gradcli.syntax.edit import substituted
from gradcli.syntax.tokens import Source
from gradcli.syntax.tree import POSTFIX


class BackwardLine(NamedTuple):
    """One line of the backward pass: `dx += y * dq`."""

    target: str
    operator: str
    right: str

    def __str__(self) -> str:
        return f"{self.target} {self.operator} {self.right}"


def forward_lines(program: Program) -> list[str]:
    """The forward part, a stage for every gate that the output needs; the output comes last."""
    graph, nodes = program.graph, program.graph.ancestors([program.output])
    names = code_names(program, nodes)
    return [stage_line(graph, node, names) for node in nodes if graph.operands[node]]


def backward_lines(program: Program) -> list[BackwardLine]:
    """The backward part of `forward_lines`: each consumer's lines, the output's first.

    Raises UsageError for a gate whose local gradient cannot be written in one line.
    """
    graph, nodes = program.graph, program.graph.ancestors([program.output])
    names = code_names(program, nodes)
    seen: set[int] = set()
    lines = []
    for node in reversed(nodes):
        for k, operand in enumerate(graph.operands[node]):
            if graph.active[operand]:
                upstream = "" if node == program.output else gradient_name(names[node])
                right = chained(local_text(graph, node, k, names), upstream)
                operator = "+=" if operand in seen else "="
                seen.add(operand)
                lines.append(BackwardLine(gradient_name(names[operand]), operator, right))
    return lines


def code_names(program: Program, nodes: list[int]) -> dict[int, str]:
    """The names of nodes in code; anonymous gates get one that nothing else bears."""
    graph = program.graph
    taken = {*graph.names.values(), *program.stages, *program.inputs, *graph.table.functions}
    names = {node: name for node, name in graph.names.items() if "[" not in name}
    names |= {node: name for node, name in graph.names.items() if graph.is_leaf(node)}
    number = 0
    for node in nodes:
        if node in names or not graph.operands[node]:
            continue
        name = "f" if node == program.output and "f" not in taken else ""
        while not name or name in taken or f"d{name}" in taken:
            number += 1
            name = f"q{number}"
        names[node] = name
        taken.add(name)
    return names


def stage_line(graph: Graph, node: int, names: dict[int, str]) -> str:
    """The line that computes a gate: `q = x + y`."""
    parts = [
        graph.constant_phrase(k) if k in graph.constants else (names[k], POSTFIX)
        for k in graph.operands[node]
    ]
    gate = graph.gates[node]
    if gate.is_structural:
        text = structural_phrase(gate.name, parts, [graph.look(k) for k in graph.operands[node]])
    else:
        text = gate_phrase(gate, parts)
    return f"{names[node]} = {text[0]}"


def gradient_name(name: str) -> str:
    """The name of a gradient: `dx`, and `dW[1, 0]` for the element `W[1][0]`."""
    return f"d{name.replace('][', ', ')}"


def two_meanings(program: Program) -> str | None:
    """What to do where an input is called as the gradient of another name; None where none is."""
    for name in (*program.inputs, *program.stages):
        gradient = gradient_name(name)
        if gradient in program.inputs:
            return f"`{gradient}` is an input, and the gradient of `{name}`: rename it"
    return None


def local_text(
    graph: Graph, node: int, k: int, names: dict[int, str], *, stable: bool = False
) -> str:
    """The local gradient of a gate by its operand number k, as text over names.

    As a lecture writes it where that can be done in one line, or in its `stable` form. Raises
    UsageError where it cannot be written in one line.
    """
    gate, operands = graph.gates[node], graph.operands[node]
    spelled = [
        constant_phrase(graph.constants[o])[0] if o in graph.constants else names[o]
        for o in operands
    ]
    if gate.is_variadic and gate.role == "routes":
        meaning = {**dict(zip(spelled, spelled, strict=False)), "out": names[node]}
        texts = [_routed(spelled, k)]
    elif gate.is_variadic:
        meaning = {"x": spelled[k], "out": names[node]}
        texts = [gate.local[0]]
    else:
        meaning = {**dict(zip(gate.operands, spelled, strict=True)), "out": names[node]}
        texts = [] if gate.is_structural else [gate.textbook[k], gate.local[k]]
        texts = texts[1:] if stable else texts
    taken = {*graph.names.values()}
    constants = {name: name for name in CONSTANTS if name not in taken}
    for text in texts:
        tree = _readable(text, {**constants, **meaning}, graph.table.functions)
        if tree is not None:
            simple = _simple(tree)
            named = {number: name for number, name in NAMED.items() if name not in taken}
            return write(_with_names(simple, named))
    raise UsageError(
        f"the local gradient of `{gate.name}` cannot be written in one line",
        hint="--expand writes it as elementary gates"
        if gate.expansion
        else "write it out in other gates",
    )


def _routed(operands: list[str], k: int) -> str:
    """1 for the first operand that has the gate's value: `0 if a == out else 1 if b == out ...`."""
    earlier = "".join(f"0 if {name} == out else " for name in operands[:k])
    return f"{earlier}1 if {operands[k]} == out else 0"


def _readable(text: str, meaning: dict[str, str], functions: Container[str]) -> Tree | None:
    """The text as a tree with its operands replaced; None where it is not in the language."""
    try:
        tree = parse_expression(Source(text, "<gate table>"))
    except GradcliError:
        return None
    for op, arg in zip(tree.ops, tree.args, strict=True):
        if op == "name" and arg not in meaning:
            return None
        if op == "call" and arg.name not in functions:
            return None
    return substituted(tree, {name: parse_expression(Source(x)) for name, x in meaning.items()})


def _with_names(tree: Tree, named: Mapping[float, str]) -> Tree:
    """The tree with names for some numbers: `pi`."""
    whole = Tree([], [], [])
    for op, arg, start in zip(tree.ops, tree.args, tree.starts, strict=True):
        is_named = op == "number" and arg in named
        whole.add("name" if is_named else op, named[arg] if is_named else arg, start)
    return whole


def _simple(tree: Tree) -> Tree:
    """The tree without what a number in the place of a name has made idle: x**(2 - 1) is x."""
    stack: list[Tree] = []
    for op, arg in zip(tree.ops, tree.args, strict=True):
        count = {"number": 0, "name": 0, "neg": 1, "if": 3}.get(op, 2)
        count = arg.count if op == "call" else arg + 1 if op == "index" else count
        parts = stack[len(stack) - count :] if count else []
        del stack[len(stack) - count :]
        stack.append(_folded(op, arg, parts) or _node(parts, op, arg))
    return stack[0]


def _folded(op: str, arg: Any, parts: list[Tree]) -> Tree | None:
    """An operation as what it comes to where its operands are numbers; None where they are not."""
    numbers: list[Any] = [part.args[0] if part.ops == ["number"] else None for part in parts]
    name = arg.name if op == "call" else op
    if op == "sub" and None not in numbers:
        return Tree(["number"], [numbers[0] - numbers[1]], [0])
    if name == "pow" and numbers[1] == 1:
        return parts[0]
    if op == "eq" and None not in numbers:
        return Tree(["number"], [float(numbers[0] == numbers[1])], [0])
    if name == "where" and numbers[0] is not None:
        return parts[1 if numbers[0] else 2]
    return None


def _node(parts: list[Tree], op: str, arg: object) -> Tree:
    whole = Tree([], [], [])
    for part in parts:
        whole.ops += part.ops
        whole.args += part.args
        whole.starts += part.starts
    whole.add(op, arg, 0)
    return whole


def chained(local: str, upstream: str) -> str:
    """Local gradient times upstream gradient, without idle ones."""
    if not upstream:
        return local
    if local in ("1", "-1"):
        return local.replace("1", upstream)
    return f"({local}) * {upstream}" if any(c in local for c in " -") else f"{local} * {upstream}"


def guarded(product: str, upstream: str) -> str:
    """A product that is 0 where the upstream gradient is, whatever the local one is."""
    return f"where({upstream} == 0, 0, {product})"
