"""What a backward part changes a weight by: `self.W -= lr * dW` claims that dW is its gradient.

W - rate * G      G is claimed, where the rate is named such, or is one number below 1
W - S             S is claimed, up to one positive factor: an optimiser may have its own
W - (S + c * W)   S: decay is no part of what a layer computes
W - S, b - r * G  S / r: what has lost the rate of all others is that many times too large
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcli.python.guesses import RATE
from gradcli.python.interpreter import Interpreter
from gradcli.python.results import Result
from gradcli.python.state import Assigned
from gradcli.python.values import Instance, arrays_in

# Gates that a factor passes through, and the number of operands it may be in.
LINEAR = {"mul": 2, "matmul": 2, "div": 1, "neg": 1, "copy": 1, "transpose": 1, "reshape": 1,
          "fill": 1, "sum": 1}  # fmt: skip
CURVED = ("power", "square", "sqrt", "reciprocal")  # by which optimisers scale gradients
DEEPEST = 6  # gates that a learning rate is looked for behind
MOST_STEPS = 50  # of one weight


class Step(NamedTuple):
    """The change of an input, as a claim on its gradient."""

    result: Result
    is_own: bool  # whether the backward part takes it itself, and no optimiser does


def inputs_in(instance: Instance | None, leaves: set[int]) -> dict[str, int]:
    """The inputs that an object holds, by the way to each."""
    if instance is None:
        return {}
    return {path: a.content for path, a in arrays_in(instance)
            if a.content.__class__ is int and a.content in leaves}  # fmt: skip


def steps_of(
    reader: Interpreter, instance: Instance | None, before: dict[str, int], upstreams: set[int]
) -> dict[int, Step]:
    """The steps of the inputs that an object held before, by their nodes.

    That of an optimiser is none where it is not linear in the upstream gradients: Adam's is not.
    """
    steps: dict[int, Step] = {}
    if instance is None:
        return steps
    contents: dict[int, int] = {}
    for path, array in arrays_in(instance):
        leaf, content = before.get(path), array.content
        if leaf is None or content.__class__ is not int or content == leaf:
            continue
        record = _record(reader, content)
        is_own = record is None or len(record.call) == 1
        if not is_own and not _is_linear(reader, content, upstreams):
            continue
        step = step_of(reader, leaf, content, f"self{path}", bool(upstreams), is_own)
        if step is not None:
            steps[leaf], contents[leaf] = step, content
    rates = {leaf: rate_of(reader, leaf, contents[leaf]) for leaf in steps if steps[leaf].is_own}
    known = {rate for rate in rates.values() if rate is not None}
    for leaf in [leaf for leaf, rate in rates.items() if rate is None and len(known) == 1]:
        [rate] = known
        if rate not in reader.tape.graph.ancestors([contents[leaf]]):
            result, is_own = steps[leaf]
            node = reader.tape.gate("div", result.node, rate)
            steps[leaf] = Step(result._replace(node=node), is_own)
    return steps


def _is_linear(reader: Interpreter, content: int, upstreams: set[int]) -> bool:
    """Whether nothing that depends on upstream gradients is squared, rooted or divided by."""
    graph = reader.tape.graph
    depends = {*upstreams}
    for node in sorted(graph.ancestors([content]) if upstreams else ()):
        name, moving = graph.gates[node].name, [k in depends for k in graph.operands[node]]
        if any(moving):
            depends.add(node)
        is_curved = name in CURVED or (name == "mul" and all(moving)) or (
            name == "div" and moving[1]
        )  # fmt: skip
        if is_curved and any(moving):
            return False
    return True


def step_of(
    reader: Interpreter, leaf: int, content: int, name: str, is_layer: bool, is_own: bool
) -> Step | None:  # fmt: skip
    """The step from a weight to its new value; None where it is changed in another way."""
    change = _change(reader, content, leaf)
    if change is None:
        return None
    if is_layer:
        change = _without_decay(reader, change, leaf)
    without = _without_rate(reader, change)
    change = change if without is None else without
    if is_layer:
        change = _without_decay(reader, change, leaf)
    record = _record(reader, content)
    place = None if record is None else record.place
    return Step(Result("", f"the step of {name}", "", change, -1, place), is_own)


def rate_of(reader: Interpreter, leaf: int, content: int) -> int | None:
    """The rate that a step is taken with: a number that a gradient is multiplied with."""
    change = _change(reader, content, leaf)
    return None if change is None else _found_rate(reader, change)


def _found_rate(reader: Interpreter, node: int, depth: int = DEEPEST) -> int | None:
    """The learning rate among the factors of a change; None where there is none."""
    graph = reader.tape.graph
    name, operands = graph.gates[node].name, graph.operands[node]
    if name == "mul":
        for one in operands:
            if _sign_of_rate(reader, one) > 0:
                return one
    found = (_found_rate(reader, k, depth - 1) for k in operands[: LINEAR.get(name, 0)] if depth)
    return next((rate for rate in found if rate is not None), None)


def changes_of(reader: Interpreter, leaf: int, content: int) -> int:
    """How often a weight was added to or subtracted from."""
    graph, node, count = reader.tape.graph, content, 0
    while node != leaf and graph.gates[node].name in ("copy", "add", "sub"):
        count += graph.gates[node].name != "copy"
        node = graph.operands[node][0]
    return count


def _record(reader: Interpreter, node: int) -> Assigned | None:
    """The last of the statements that gave a weight its new value."""
    chain, graph = {node}, reader.tape.graph
    while graph.gates[node].name == "copy":
        node = graph.operands[node][0]
        chain.add(node)
    records = [record for record in reader.records if record.total in chain]
    inner = [record for record in records if record.total == node]
    return (inner or records)[-1] if records else None


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


def _without_rate(reader: Interpreter, node: int, depth: int = DEEPEST) -> int | None:
    """The change without the learning rate, wherever it is a factor; None where there is none."""
    graph, tape = reader.tape.graph, reader.tape
    name, operands = graph.gates[node].name, graph.operands[node]
    if name == "mul":
        for one, other in (operands, operands[::-1]):
            if sign := _sign_of_rate(reader, one):
                return tape.gate("neg", other) if sign < 0 else int(other)
    if not depth or name not in LINEAR:
        return None
    for k, operand in enumerate(operands[: LINEAR[name]]):
        rest = _without_rate(reader, operand, depth - 1)
        if rest is not None:
            return tape.gate(name, *operands[:k], rest, *operands[k + 1 :])
    return None


def _sign_of_rate(reader: Interpreter, node: int) -> int:
    """The sign of a learning rate; 0 for what is none."""
    graph, tape = reader.tape.graph, reader.tape
    if tape.shape(node):
        return 0
    if graph.active[node]:
        if graph.gates[node].name == "neg":
            return -_sign_of_rate(reader, graph.operands[node][0])
        name = next((n for n, k in graph.inputs.items() if k == node), "")
        return int(bool(RATE.match(name)))
    number = float(tape.values[node])
    return (number > 0) - (number < 0) if 0 < abs(number) < 1 else 0


def _without_decay(reader: Interpreter, node: int, leaf: int, depth: int = DEEPEST) -> int:
    """The change without what depends on the weight alone: decay, and other penalties."""
    graph, tape = reader.tape.graph, reader.tape
    name, operands = graph.gates[node].name, graph.operands[node]
    if name in ("add", "sub"):
        first, second = operands
        if _is_of_weight(reader, second, leaf):
            return _without_decay(reader, first, leaf, depth)
        if _is_of_weight(reader, first, leaf):
            return _without_decay(reader, tape.gate("neg", second) if name == "sub" else second,
                                  leaf, depth)  # fmt: skip
    for k, operand in enumerate(operands[: LINEAR.get(name, 0)] if depth else ()):
        rest = _without_decay(reader, operand, leaf, depth - 1)
        if rest != operand:
            return tape.gate(name, *operands[:k], rest, *operands[k + 1 :])
    return node


def _is_of_weight(reader: Interpreter, node: int, leaf: int) -> bool:
    """Whether a value depends on a weight, and on nothing else than numbers."""
    graph, shape = reader.tape.graph, reader.tape.shape
    read = [k for k in graph.ancestors([node]) if graph.is_leaf(k)]
    return leaf in read and all(k == leaf or not shape(k) for k in read)
