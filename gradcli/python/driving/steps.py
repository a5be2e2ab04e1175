"""What a backward part changes a weight by: `self.W -= lr * dW` claims that dW is its gradient.

W - rate * G      G is claimed: the rate is named such, is one number below 1, or one that the
                  forward part has never seen
W - S             S is claimed, up to one positive factor: an optimiser may have its own
W - (S + c * W)   S: decay is no part of what a layer computes
W - inv(H) @ G    none is: that is a step of Newton
W - M / sqrt(V)   none is where V is made of squares of what M is made of: that is one of Adam
W - S, b - r * G  S / r: what has lost the rate of all others is that many times too large
W[i] - rate * G   G in its place, and 0 elsewhere; what other statements do elsewhere is added
"""

from __future__ import annotations

from collections.abc import Set
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gradcli.python.driving.results import Result
from gradcli.python.interpreter.interpreter import Interpreter
from gradcli.python.parameters.guesses import RATE
from gradcli.python.state.reader import Assigned
from gradcli.python.state.values import Instance, arrays_in

# Gates that a factor passes through, and the number of operands it may be in.
LINEAR = {"mul": 2, "matmul": 2, "div": 1, "neg": 1, "copy": 1, "transpose": 1, "reshape": 1,
          "fill": 1, "sum": 1, "put": 2}  # fmt: skip
CHAIN = ("copy", "add", "sub", "put")  # what a weight is changed by
INVERSES = ("inv", "solve")
CURVED = ("pow", "square", "sqrt", "reciprocal")  # by which optimisers scale gradients
SQUARES = ("square", "pow")
ROOTS = ("sqrt", "pow")
DEEPEST = 6  # gates that a learning rate is looked for behind
MOST_STEPS = 50  # of one weight


class Part(NamedTuple):
    """What a statement changes in one part of a weight."""

    at: int  # the part, as the gates `index` and `put` have it
    places: frozenset[int]  # of its elements
    gradient: int  # that the change claims
    record: Assigned


class Term(NamedTuple):
    """What a statement changes a weight by, beside others."""

    gradient: int  # that the change claims
    record: Assigned


class Step(NamedTuple):
    """The change of an input, as a claim on its gradient."""

    result: Result
    is_own: bool  # whether the backward part takes it itself, and no optimiser does
    rate: int | None = None  # the number that the gradient is multiplied with
    parts: tuple[Part, ...] = ()  # that are changed; none where all of the weight is
    terms: tuple[Term, ...] = ()  # that statements add to one another


class Rated(NamedTuple):
    """A change as a rate and what this is multiplied with."""

    rate: int
    sign: int  # of the rate
    rest: int


def inputs_in(instance: Instance | None, leaves: set[int]) -> dict[str, int]:
    """The inputs that an object holds, by the way to each."""
    if instance is None:
        return {}
    return {path: a.content for path, a in arrays_in(instance)
            if a.content.__class__ is int and a.content in leaves}  # fmt: skip


def steps_of(
    reader: Interpreter, instance: Instance | None, before: dict[str, int], upstreams: set[int],
    unseen: Set[int],
) -> dict[int, Step]:  # fmt: skip
    """The steps of the inputs that an object held before, by their nodes.

    That of an optimiser is none where it is not linear in the upstream gradients: Adam's is not.
    `unseen` are the inputs that the output does not depend on: numbers of these are rates.
    """
    changes = Changes(reader, unseen)
    steps: dict[int, Step] = {}
    contents: dict[int, int] = {}
    for path, array in arrays_in(instance) if instance is not None else ():
        leaf, content = before.get(path), array.content
        if leaf is None or content.__class__ is not int or content == leaf:
            continue
        is_own = changes.is_own(content)
        if not is_own and not changes.is_linear(content, upstreams):
            continue
        step = changes.step(leaf, content, f"self{path}", bool(upstreams), is_own)
        if step is not None:
            steps[leaf], contents[leaf] = step, content
    own = {leaf: step for leaf, step in steps.items() if step.is_own}
    known = {step.rate for step in own.values() if step.rate is not None}
    for leaf in [leaf for leaf, step in own.items() if step.rate is None and len(known) == 1]:
        [rate] = known
        if rate not in reader.tape.graph.ancestors([contents[leaf]]):
            result = steps[leaf].result
            node = reader.tape.gate("div", result.node, rate)
            steps[leaf] = steps[leaf]._replace(result=result._replace(node=node))
    return steps


def joined(first: Step, second: Step) -> Step | None:
    """Two steps of a weight as one, where they change different parts of it; else None."""
    done = {place for part in first.parts for place in part.places}
    if not first.parts or not second.parts or any(done & part.places for part in second.parts):
        return None
    return first._replace(parts=(*first.parts, *second.parts))


def together(first: Step, second: Step, reader: Interpreter) -> Step | None:
    """The sum of two steps by the rate of the first; None where only one of them has a rate."""
    tape, (one, other) = reader.tape, (first.result.node, second.result.node)
    if (first.rate is None) != (second.rate is None):
        return None
    if first.rate is not None and second.rate is not None and first.rate != second.rate:
        other = tape.gate("mul", tape.gate("div", second.rate, first.rate), other)
    total = tape.gate("add", one, other)
    terms = (*first.terms, *(term._replace(gradient=other) for term in second.terms))
    return Step(second.result._replace(node=total), first.is_own, first.rate, terms=terms)


class Changes:
    """What weights have become in a graph, and by how much they have changed."""

    def __init__(self, reader: Interpreter, unseen: Set[int] = frozenset()) -> None:
        self.reader = reader
        self.tape = reader.tape
        self.graph = reader.tape.graph
        self.unseen = unseen  # inputs that the output does not depend on

    def step(
        self, leaf: int, content: int, name: str, is_layer: bool, is_own: bool,
        before: int | None = None,
    ) -> Step | None:  # fmt: skip
        """The step from a weight to its new value; None where it is changed in another way.

        `before` is what the weight was then, where it has been changed before.
        """
        before = leaf if before is None else before
        change = self._change(content, before)
        if change is None or self._is_of_newton(change) or self._is_of_adam(change):
            return None
        if is_layer:
            change = self._without_decay(change, leaf)
        rated = self._rated(change)
        change = change if rated is None else rated.rest
        if is_layer:
            change = self._without_decay(change, leaf)
        record = self._record(content)
        place = None if record is None else record.place
        result = Result("", f"the step of {name}", "", change, -1, place)
        rate = rated.rate if rated and rated.sign > 0 else None
        part = None if record is None else self._part(content, before, change, record)
        terms = () if record is None else (Term(change, record),)
        return Step(result, is_own, rate, () if part is None else (part,), terms)

    def by_lines(self, step: Step) -> Step:
        """A step as an array that its lines write, each its own part, or its own term."""
        if not step.parts:
            return self._by_terms(step) if len(step.terms) > 1 else step
        tape, records = self.tape, self.reader.records
        whole = tape.node(np.zeros(tape.shape(step.result.node)))
        for at, _, gradient, record in step.parts:
            own, before = tape.copy(gradient), tape.gate("index", whole, at)
            whole = tape.gate("put", whole, own, at)
            told = record._replace(kind="assign", source=None, parts=None, before=None)
            records.append(told._replace(value=own, total=own, before=before))
            records.append(told._replace(value=whole, total=whole))
        return step._replace(result=step.result._replace(node=whole))

    def _by_terms(self, step: Step) -> Step:
        tape, (first, *others) = self.tape, step.terms
        whole = tape.copy(first.gradient)
        told = first.record._replace(kind="assign", source=None, parts=None, before=None)
        self.reader.records.append(told._replace(value=whole, total=whole))
        for gradient, record in others:
            whole = tape.gate("add", whole, gradient)
            told = record._replace(kind="add", source=None, parts=None, before=None)
            self.reader.records.append(told._replace(value=gradient, total=whole))
        return step._replace(result=step.result._replace(node=whole))

    def _is_of_newton(self, change: int) -> bool:
        """Whether a matrix is inverted for a change only: no gradient is, as Newton's step says."""
        gates, operands = self.graph.gates, self.graph.operands
        pending, behind = [change], self.reader.forward or set()
        while pending:
            node = pending.pop()
            if node in behind:
                continue
            if gates[node].name in INVERSES:
                return True
            pending += operands[node][: LINEAR.get(gates[node].name, 0)]
        return False

    def _is_of_adam(self, change: int) -> bool:
        """Whether a change is divided by the root of squares, element by element, of its parts."""
        gates, operands, shape = self.graph.gates, self.graph.operands, self.tape.shape(change)
        pending = [change]
        while pending:
            node = pending.pop()
            if gates[node].name == "div":
                whole, by = [
                    {k for k in self.graph.ancestors([operand]) if self.tape.shape(k) == shape
                     and operands[k]} for operand in operands[node]
                ]  # fmt: skip
                is_rooted = any(gates[k].name in ROOTS for k in by)
                if is_rooted and any(self._is_square(k, whole) for k in by):
                    return True
            pending += operands[node][: LINEAR.get(gates[node].name, 0)]
        return False

    def _is_square(self, node: int, parts: set[int]) -> bool:
        """Whether a node is the square of one of some others, or a product of two made of them."""
        name, operands = self.graph.gates[node].name, self.graph.operands[node]
        if name in SQUARES:
            return operands[0] in parts
        return name == "mul" and not any(
            parts.isdisjoint(self.graph.ancestors([operand])) for operand in operands
        )

    def links(self, leaf: int, content: int) -> list[int]:
        """What a weight has been after each time that it was added to or subtracted from."""
        node, links = content, []
        while node != leaf and self.graph.gates[node].name in CHAIN:
            links += [node] if self.graph.gates[node].name != "copy" else []
            node = self.graph.operands[node][0]
        return links[::-1]

    def are_apart(self, links: list[int]) -> bool:
        """Whether no change of several is computed from what another has made of the weight."""
        for before, after in pairwise(links):
            change = self._change(after, before)
            if change is None or before in self.graph.ancestors([change]):
                return False
        return True

    def is_own(self, content: int) -> bool:
        """Whether the backward part has given a weight its new value, and no optimiser."""
        record = self._record(content)
        return record is None or len(record.call) == 1

    def is_linear(self, content: int, upstreams: set[int]) -> bool:
        """Whether nothing that depends on upstream gradients is squared, rooted or divided by."""
        depends = {*upstreams}
        for node in sorted(self.graph.ancestors([content]) if upstreams else ()):
            moving = [k in depends for k in self.graph.operands[node]]
            if any(moving):
                depends.add(node)
            name = self.graph.gates[node].name
            is_curved = name in CURVED or (name == "mul" and all(moving)) or (
                name == "div" and moving[1]
            )  # fmt: skip
            if is_curved and any(moving):
                return False
        return True

    # ---------------------------------------------------------------- the change

    def _record(self, node: int) -> Assigned | None:
        """The last of the statements that gave a weight its new value."""
        chain = {node}
        while self.graph.gates[node].name == "copy":
            node = self.graph.operands[node][0]
            chain.add(node)
        records = [record for record in self.reader.records if record.total in chain]
        inner = [record for record in records if record.total == node]
        return (inner or records)[-1] if records else None

    def _change(self, node: int, leaf: int) -> int | None:
        """What is subtracted from a weight in all; None where it is changed in another way."""
        tape, total = self.tape, None
        for _ in range(MOST_STEPS):
            if node == leaf:
                return total
            name, operands = self.graph.gates[node].name, self.graph.operands[node]
            if name == "copy":
                node = operands[0]
                continue
            if name == "put" and (part := self._change_of_part(node)) is not None:
                node, change = operands[0], part
            elif name == "sub" and self._leads_to(operands[0], leaf):
                node, change = operands[0], operands[1]
            elif name == "add" and any(self._leads_to(k, leaf) for k in operands):
                first = self._leads_to(operands[0], leaf)
                node, other = operands if first else operands[::-1]
                change = tape.gate("neg", other)
            else:
                return None
            if tape.shape(change) not in (
                (),
                tape.shape(leaf),
            ):  # of one number the shape says more
                change = tape.node(tape.fill(change, tape.shape(leaf)))
            total = change if total is None else tape.gate("add", total, change)
        return None

    def _leads_to(self, node: int, leaf: int) -> bool:
        """Whether a node is a weight, or what copies and other changes have made of it."""
        while node != leaf and self.graph.gates[node].name in CHAIN:
            node = self.graph.operands[node][0]
        return node == leaf

    def _part(self, node: int, leaf: int, change: int, record: Assigned) -> Part | None:
        """The only part of a weight that has changed; None where all of it may have."""
        while self.graph.gates[node].name == "copy":
            [node] = self.graph.operands[node]
        if {self.graph.gates[k].name for k in (node, change)} != {"put"}:
            return None
        base, _, at = self.graph.operands[node]
        _, gradient, place = self.graph.operands[change]
        while self.graph.gates[base].name == "copy" and base != leaf:
            [base] = self.graph.operands[base]
        if base != leaf or place != at:
            return None
        key = tuple(slice(*k) if isinstance(k, tuple) else k for k in self.tape.values[at])
        places = np.ravel(self.tape.places(self.tape.shape(leaf))[key])
        return Part(at, frozenset(places.tolist()), gradient, record)

    def _change_of_part(self, node: int) -> int | None:
        """What is subtracted from a part, as an array with 0 elsewhere; None for another value."""
        base, new, at = self.graph.operands[node]
        while self.graph.gates[new].name == "copy":
            [new] = self.graph.operands[new]
        name, operands = self.graph.gates[new].name, self.graph.operands[new]
        for one, other in (operands, operands[::-1])[: {"add": 2, "sub": 1}.get(name, 0)]:
            if self.graph.gates[one].name == "index" and self.graph.operands[one] == (base, at):
                change = self.tape.gate("neg", other) if name == "add" else other
                change = self.tape.node(self.tape.fill(change, self.tape.shape(new)))
                zeros = self.tape.node(np.zeros(self.tape.shape(node)))
                whole: int = self.tape.gate("put", zeros, change, at)
                return whole
        return None

    # ---------------------------------------------------------------- its rate

    def _rated(self, node: int, depth: int = DEEPEST) -> Rated | None:
        """A change with its learning rate, wherever that is a factor; None where there is none."""
        name, operands = self.graph.gates[node].name, self.graph.operands[node]
        if name == "mul":
            for one, other in (operands, operands[::-1]):
                if sign := self._sign_of_rate(one):
                    return Rated(one, sign, self.tape.gate("neg", other) if sign < 0 else other)
        if name == "div" and (sign := self._sign_of_rate(operands[0])):  # `rate / m * ...`
            one = self.tape.node(np.array(float(sign)))
            return Rated(operands[0], sign, self.tape.gate("div", one, operands[1]))
        for k, operand in enumerate(operands[: LINEAR.get(name, 0)] if depth else ()):
            if (found := self._rated(operand, depth - 1)) is not None:
                rest = self.tape.gate(name, *operands[:k], found.rest, *operands[k + 1 :])
                return found._replace(rest=rest)
        return None

    def _sign_of_rate(self, node: int) -> int:
        """The sign of a learning rate; 0 for what is none."""
        if self.tape.shape(node):
            return 0
        if not self.graph.active[node]:
            number = float(self.tape.values[node])
            return (number > 0) - (number < 0) if 0 < abs(number) < 1 else 0
        if self.graph.gates[node].name == "neg":
            return -self._sign_of_rate(self.graph.operands[node][0])
        name = next((n for n, k in self.graph.inputs.items() if k == node), "")
        return int(bool(RATE.match(name)) or self._is_unseen(node))

    def _is_unseen(self, node: int) -> bool:
        """Whether a number is taken from what the forward part has not seen: no gradient is.

        A factor beside it may be of the gradient: `2 * pace`.
        """
        if self.graph.gates[node].name in LINEAR:
            return False
        inputs = {k for k in self.graph.ancestors([node]) if self.graph.is_leaf(k)}
        read = inputs & {*self.graph.inputs.values()}
        return bool(read) and read <= self.unseen

    # ---------------------------------------------------------------- decay

    def _without_decay(self, node: int, leaf: int, depth: int = DEEPEST) -> int:
        """The change without what depends on the weight alone: decay, and other penalties."""
        name, operands = self.graph.gates[node].name, self.graph.operands[node]
        if name in ("add", "sub"):
            first, second = operands
            if self.is_of_weight(second, leaf):
                return self._without_decay(first, leaf, depth)
            if self.is_of_weight(first, leaf):
                rest = self.tape.gate("neg", second) if name == "sub" else second
                return self._without_decay(rest, leaf, depth)
        for k, operand in enumerate(operands[: LINEAR.get(name, 0)] if depth else ()):
            rest = self._without_decay(operand, leaf, depth - 1)
            if rest != operand:
                return self.tape.gate(name, *operands[:k], rest, *operands[k + 1 :])
        return node

    def is_of_weight(self, node: int, leaf: int) -> bool:
        """Whether a value depends on a weight, and on nothing else than numbers."""
        read = [k for k in self.graph.ancestors([node]) if self.graph.is_leaf(k)]
        return leaf in read and all(k == leaf or not self.tape.shape(k) for k in read)

    def is_penalized(self, leaf: int, loss: int) -> bool:
        """Whether a loss has a term that depends on a weight alone."""
        return any(
            self.graph.operands[k] and not self.graph.gates[k].is_structural
            and self.graph.gates[k].name not in ("neg", "copy") and self.is_of_weight(k, leaf)
            for k in self.graph.ancestors([loss])
        )  # fmt: skip
