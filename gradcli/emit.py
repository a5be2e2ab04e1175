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

from collections.abc import Container
from typing import NamedTuple

from gradcli.errors import GradcliError, UsageError
from gradcli.gates.row import Gate
from gradcli.graph.text import gate_phrase
from gradcli.program.model import Program
from gradcli.syntax import Tree, parse_expression, write
from gradcli.syntax.tokens import Source
from gradcli.syntax.tree import POSTFIX, number_phrase, number_text


class BackwardLine(NamedTuple):
    """One line of the backward pass: `dx += y * dq`."""

    target: str
    operator: str
    right: str

    def __str__(self) -> str:
        return f"{self.target} {self.operator} {self.right}"


def forward_lines(program: Program) -> list[str]:
    """The forward part, a stage for every gate that the output needs; the output comes last."""
    graph, names = program.graph, _names(program)
    rows = []
    for node in graph.ancestors([program.output]):
        if graph.operands[node]:
            parts = [
                number_phrase(graph.constants[k]) if k in graph.constants else (names[k], POSTFIX)
                for k in graph.operands[node]
            ]
            rows.append(f"{names[node]} = {gate_phrase(graph.gates[node], parts)[0]}")
    return rows


def backward_lines(program: Program) -> list[BackwardLine]:
    """The backward part of `forward_lines`: each consumer's lines, the output's first.

    Raises UsageError for a gate whose local gradient cannot be written in one line.
    """
    graph, names = program.graph, _names(program)
    seen: set[int] = set()
    lines = []
    for node in reversed(graph.ancestors([program.output])):
        if not graph.active[node] or not graph.operands[node]:
            continue
        for k, operand in enumerate(graph.operands[node]):
            if graph.active[operand]:
                local = _local_text(graph.gates[node], k, program, node, names)
                upstream = "" if node == program.output else _gradient(names[node])
                operator = "+=" if operand in seen else "="
                seen.add(operand)
                lines.append(
                    BackwardLine(_gradient(names[operand]), operator, _chained(local, upstream))
                )
    return lines


def _names(program: Program) -> dict[int, str]:
    """Every node's name; anonymous gates get one that nothing else bears."""
    graph = program.graph
    taken = {*graph.names.values(), *program.stages, *program.inputs, *graph.table.functions}
    names = {node: name for node, name in graph.names.items() if "[" not in name}
    names |= {node: name for node, name in graph.names.items() if graph.is_leaf(node)}
    number = 0
    for node in graph.ancestors([program.output]):
        if node in names or not graph.operands[node]:
            continue
        name = "f" if node == program.output and "f" not in taken else ""
        while not name or name in taken or f"d{name}" in taken:
            number += 1
            name = f"q{number}"
        names[node] = name
        taken.add(name)
    return names


def _gradient(name: str) -> str:
    """The name of a gradient: `dx`, and `dW[1, 0]` for the element `W[1][0]`."""
    return f"d{name.replace('][', ', ')}"


def _local_text(gate: Gate, k: int, program: Program, node: int, names: dict[int, str]) -> str:
    """The local gradient of a gate by its operand number k, as text over names."""
    operands = program.graph.operands[node]
    graph = program.graph
    spelled = [
        number_text(graph.constants[o]) if o in graph.constants else names[o] for o in operands
    ]
    if gate.is_variadic and gate.role == "routes":
        meaning = {**dict(zip(spelled, spelled, strict=False)), "out": names[node]}
        texts = [_routed(spelled, k)]
    elif gate.is_variadic:
        meaning = {"x": spelled[k], "out": names[node]}
        texts = [gate.local[0]]
    else:
        meaning = {**dict(zip(gate.operands, spelled, strict=True)), "out": names[node]}
        texts = [gate.textbook[k], gate.local[k]]
    for text in texts:
        tree = _readable(text, meaning, graph.table.functions)
        if tree is not None:
            return write(_simple(tree))
    raise UsageError(
        f"the local gradient of `{gate.name}` cannot be written in one line",
        hint="--expand writes it as elementary gates",
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
    whole = Tree([], [], [])
    for op, arg in zip(tree.ops, tree.args, strict=True):
        if op == "name":
            part = parse_expression(Source(meaning[arg]))
            whole.ops += part.ops
            whole.args += part.args
            whole.starts += part.starts
        else:
            whole.add(op, arg, 0)
    return whole


def _simple(tree: Tree) -> Tree:
    """The tree without what a number in the place of a name has made idle: x**(2 - 1) is x."""
    stack: list[Tree] = []
    for op, arg in zip(tree.ops, tree.args, strict=True):
        if op in ("sub", "pow", "mul") and len(stack) > 1:
            right, left = stack.pop(), stack.pop()
            if op == "sub" and left.ops == right.ops == ["number"]:
                stack.append(Tree(["number"], [left.args[0] - right.args[0]], [0]))
            elif op == "pow" and right.ops == ["number"] and right.args == [1.0]:
                stack.append(left)
            else:
                stack.append(_node([left, right], op, arg))
        else:
            count = {"number": 0, "name": 0, "neg": 1, "if": 3}.get(op, 2)
            count = arg.count if op == "call" else arg + 1 if op == "index" else count
            parts = stack[len(stack) - count :] if count else []
            del stack[len(stack) - count :]
            stack.append(_node(parts, op, arg))
    return stack[0]


def _node(parts: list[Tree], op: str, arg: object) -> Tree:
    whole = Tree([], [], [])
    for part in parts:
        whole.ops += part.ops
        whole.args += part.args
        whole.starts += part.starts
    whole.add(op, arg, 0)
    return whole


def _chained(local: str, upstream: str) -> str:
    """Local gradient times upstream gradient, without idle ones."""
    if not upstream:
        return local
    if local in ("1", "-1"):
        return local.replace("1", upstream)
    return f"({local}) * {upstream}" if any(c in local for c in " -") else f"{local} * {upstream}"
