"""What a backward part changes a weight by: `self.W -= lr * dW` claims that dW is its gradient.

W - rate * G      G is claimed, where the rate is named such, or is one number below 1
W - S             S is claimed, up to one positive factor: an optimiser may have its own
W - (S + c * W)   S: decay is no part of what a layer computes
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcli.python.guesses import RATE
from gradcli.python.interpreter import Interpreter
from gradcli.python.results import Result
from gradcli.python.values import Instance, arrays_in

MOST_STEPS = 50  # of one weight


class Step(NamedTuple):
    """The change of an input, as a claim on its gradient."""

    result: Result
    is_exact: bool  # whether the rate was seen and is taken off


def inputs_in(instance: Instance | None, leaves: set[int]) -> dict[str, int]:
    """The inputs that an object holds, by the way to each."""
    if instance is None:
        return {}
    return {path: a.content for path, a in arrays_in(instance)
            if a.content.__class__ is int and a.content in leaves}  # fmt: skip


def steps_of(
    reader: Interpreter, instance: Instance | None, before: dict[str, int], is_layer: bool
) -> dict[int, Step]:
    """The steps of the inputs that an object held before, by their nodes."""
    steps: dict[int, Step] = {}
    if instance is None:
        return steps
    for path, array in arrays_in(instance):
        leaf, content = before.get(path), array.content
        if leaf is None or content.__class__ is not int or content == leaf:
            continue
        change = _change(reader, content, leaf)
        if change is None:
            continue
        if is_layer:
            change = _without_decay(reader, change, leaf)
        change, is_exact = _without_rate(reader, change)
        if is_layer:
            change = _without_decay(reader, change, leaf)
        words = f"the step of self{path}"
        steps[leaf] = Step(Result("", words, "", change, -1, _place(reader, content)), is_exact)
    return steps


def _place(reader: Interpreter, node: int) -> int | None:
    """Where the last of the statements stands that gave a weight its new value."""
    chain = {node}
    while reader.tape.graph.gates[node].name == "copy":
        node = reader.tape.graph.operands[node][0]
        chain.add(node)
    places = [record.place for record in reader.records if record.total in chain]
    return places[-1] if places else None


def _change(reader: Interpreter, node: int, leaf: int) -> int | None:
    """What is subtracted from a weight in all; None where it is changed in another way."""
    tape, graph, total = reader.tape, reader.tape.graph, None
    for _ in range(MOST_STEPS):
        if node == leaf:
            return total
        name, operands = graph.gates[node].name, graph.operands[node]
        if name == "copy":
            node = operands[0]
            continue
        if name == "sub" and _leads_to(graph, operands[0], leaf):
            node, change = operands[0], operands[1]
        elif name == "add" and any(_leads_to(graph, k, leaf) for k in operands):
            first = _leads_to(graph, operands[0], leaf)
            node, other = operands if first else operands[::-1]
            change = tape.gate("neg", other)
        else:
            return None
        if tape.shape(change) != tape.shape(leaf):
            change = tape.node(tape.fill(change, tape.shape(leaf)))
        total = change if total is None else tape.gate("add", total, change)
    return None


def _leads_to(graph: Any, node: int, leaf: int) -> bool:
    """Whether a node is a weight, or what copies and other changes have made of it."""
    while node != leaf and graph.gates[node].name in ("copy", "add", "sub"):
        node = graph.operands[node][0]
    return bool(node == leaf)


def _without_rate(reader: Interpreter, change: int) -> tuple[int, bool]:
    """The change without the learning rate, and whether there is one."""
    graph, tape = reader.tape.graph, reader.tape
    is_negative = graph.gates[change].name == "neg"
    inner = graph.operands[change][0] if is_negative else change
    if graph.gates[inner].name == "neg":
        is_negative, inner = not is_negative, graph.operands[inner][0]
    if graph.gates[inner].name == "mul":
        for one, other in (graph.operands[inner], graph.operands[inner][::-1]):
            if _is_rate(reader, one):
                sign = -1 if is_negative != (_number(reader, one) < 0) else 1
                return (other if sign > 0 else tape.gate("neg", other)), True
    if graph.gates[inner].name == "div":  # lr * dW / m
        top, bottom = graph.operands[inner]
        rest, is_exact = _without_rate(reader, top)
        if is_exact:
            ratio = tape.gate("div", rest, bottom)
            return (tape.gate("neg", ratio) if is_negative else ratio), True
    return change, False


def _is_rate(reader: Interpreter, node: int) -> bool:
    graph = reader.tape.graph
    if reader.tape.shape(node):
        return False
    if graph.active[node]:
        name = next((n for n, k in graph.inputs.items() if k == node), "")
        return bool(RATE.match(name))
    return 0 < abs(_number(reader, node)) < 1


def _number(reader: Interpreter, node: int) -> float:
    return float(reader.tape.values[node])


def _without_decay(reader: Interpreter, change: int, leaf: int) -> int:
    """The change without a multiple of the weight itself."""
    graph = reader.tape.graph
    if graph.gates[change].name == "add":
        for one, other in (graph.operands[change], graph.operands[change][::-1]):
            is_scaled = graph.gates[one].name == "mul" and leaf in graph.operands[one]
            if is_scaled and all(k == leaf or not reader.tape.shape(k)
                                 for k in graph.operands[one]):  # fmt: skip
                return int(other)
    return change
