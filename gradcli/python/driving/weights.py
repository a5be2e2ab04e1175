"""The weights of a training: what its turn changes, and by which steps."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from gradcli.python.driving.arguments import varied_content
from gradcli.python.driving.drive import Driver
from gradcli.python.driving.moved import Moved
from gradcli.python.driving.steps import Changes, Step, joined, together
from gradcli.python.state.missing import Unclaimed
from gradcli.python.state.values import Array, Scope
from gradcli.python.subjects.trainings import Training


class Weight(NamedTuple):
    """Where a weight is kept, and its input."""

    name: str
    holder: Any  # a scope, the attributes of an object, a dictionary, a list
    key: Any
    array: Array
    leaf: int


class Taken(NamedTuple):
    """A step, and the statement that takes it."""

    step: Step
    node: ast.stmt


class WeightDriver(Driver):
    """The part of the driver of a training that makes inputs of weights, and claims of steps."""

    training: Training
    scope: Scope

    def _start_weights(self) -> None:
        self.weights: list[Weight] = []
        self.taken: dict[int, list[Taken]] = {}  # the steps of a weight, by its leaf
        self.moved = Moved(self.reader.tape.graph)
        self.loss: int | None = None

    def _take_weights(self) -> None:
        """Make inputs of the weights that are there by now."""
        for place in sorted(self.training.weights):
            holder: Any = self.scope
            name = place.removeprefix("self.")
            if name != place:
                holder = self.driven.instance.attributes if self.driven.instance else {}
            if name in holder:
                for where, key, called in _positions(holder, name, name):
                    self._take_weight(where, key, called)

    def _take_weight(self, holder: Any, key: Any, name: str) -> None:
        value = holder[key]
        if any(weight.holder is holder and weight.key == key for weight in self.weights):
            return
        if not isinstance(value, Array):
            value = Array(np.array(float(value)))
        content = value.content
        if content.__class__ is not int:
            if content.dtype.kind not in "fi" or not content.size:
                return
            varied = varied_content(name, content.astype(float), self.reader.seed)
            value.write(self._leaf(name, varied, False))
        elif all(leaf.node != content for leaf in self.driven.leaves):
            return
        holder[key] = value
        self.weights.append(Weight(name, holder, key, value, value.content))

    def _base(self, weight: Weight) -> int:
        """What stands for a weight before a statement: its input, or a copy once it was changed."""
        return self.moved.bases.get(weight.leaf, weight.leaf)

    def _show_moved(self, node: ast.stmt) -> None:
        """Give a statement copies of the weights that have been changed before."""
        for weight in self.weights:
            if weight.leaf in self.moved.lines:
                copy = self.reader.tape.gate("copy", weight.leaf)
                self.moved.give(weight.name, weight.leaf, copy, node)
                weight.array.write(copy)

    def _take_steps(self, node: ast.stmt) -> None:
        """Note the weights that a statement has changed, and undo it.

        Who holds a weight under another name keeps it where the statement makes another array.
        """
        for k, weight in enumerate(self.weights):
            value, base = weight.holder[weight.key], self._base(weight)
            content = value.content if isinstance(value, Array) else base
            if content.__class__ is int and content == base:
                continue
            array = weight.array if value is weight.array else Array(base)
            self.weights[k] = weight._replace(array=array)
            weight.holder[weight.key] = array
            array.write(base)
            if content.__class__ is int:
                self._take_change(weight, content, node)

    def _take_change(self, weight: Weight, content: int, node: ast.stmt) -> None:
        """Note by what a statement has changed a weight, once or in several turns."""
        changes, leaf = Changes(self.reader), weight.leaf
        is_one = not isinstance(node, ast.For) and node in self.training.changes
        links = [content] if is_one else changes.links(leaf, content)
        if len(links) > 1 and (self._has_aim(node) or not changes.are_apart(links)):
            self.reader.at(node)
            self.reader.fail(
                f"this loop changes `{weight.name}` more than once",
                "compute the loss in it, so that one turn can be read",
            )
        for before, after in pairwise([leaf, *links]):
            step = changes.step(
                leaf, after, weight.name, not self.training.losses, is_own=False, before=before
            )
            if step is not None:
                self.taken.setdefault(leaf, []).append(Taken(step, node))
        self.moved.lines.setdefault(leaf, node.lineno)

    def _has_aim(self, node: ast.stmt) -> bool:
        """Whether a statement computes a loss, or an error."""
        parts = {*ast.walk(node)}
        return not parts.isdisjoint(self.training.errors) or any(
            loss in parts for loss in self.training.losses
        )

    def _has_moved(self) -> bool:
        """Whether a weight has another value by now."""
        held = [(weight.holder[weight.key], self._base(weight)) for weight in self.weights]
        return any(isinstance(value, Array) and value.content != base for value, base in held)

    def _is_of_weights(self, value: Any) -> bool:
        """Whether a value was computed from a weight."""
        leaves = {weight.leaf for weight in self.weights}
        return self._is_output(value) and not leaves.isdisjoint(
            self.reader.tape.graph.ancestors([value.content])
        )

    # ---------------------------------------------------------------- steps

    def _set_steps(self) -> None:
        """Make one step of those of each weight, now that the loss is known."""
        changes, driven = Changes(self.reader), self.driven
        for leaf, taken in self.taken.items():
            first, *more = taken
            whole = first.step
            for step, node in more:
                other = self._with(whole, step, leaf, changes)
                if other is None:
                    self._note_unchecked(node, leaf, "once more")
                whole = other or whole
            if self.moved.is_anew(whole.result.node):  # the generator's, after the critic's
                self._note_unchecked(first.node, leaf, "by another forward pass")
                continue
            driven.late = driven.late or self.moved.stale(whole.result.node, leaf)
            driven.steps[leaf] = changes.by_lines(whole)
        if not driven.steps:
            raise self._unclaimed()

    def _unclaimed(self) -> Unclaimed:
        return Unclaimed(
            f"`{self.driven.forward}` changes no weight that its loss is computed from", None
        )

    def _note_unchecked(self, node: ast.stmt, leaf: int, how: str) -> None:
        """Note that a statement changes a weight in a way that is not that of the loss."""
        [name] = [weight.name for weight in self.weights if weight.leaf == leaf]
        note = f"line {node.lineno} changes `{name}` {how}: that is not checked"
        self.reader.notes += [] if note in self.reader.notes else [note]

    def _with(self, first: Step, second: Step, leaf: int, changes: Changes) -> Step | None:
        """Two steps of a weight as one; None where the second is that of something else.

        It may be decay, which a loss without a penalty has not, or follow another forward pass.
        """
        assert self.loss is not None
        if changes.is_of_weight(second.result.node, leaf):
            if not self.training.losses or not changes.is_penalized(leaf, self.loss):
                return first
        elif self.moved.is_anew(second.result.node):
            return None
        return joined(first, second) or together(first, second, self.reader)


def _positions(holder: Any, key: Any, name: str) -> Iterator[tuple[Any, Any, str]]:
    """Where the numbers and arrays of a value are, with the names of these."""
    value = holder[key]
    if isinstance(value, dict):
        for inner in [*value]:
            yield from _positions(value, inner, str(inner))
    elif isinstance(value, list):
        for place in range(len(value)):
            yield from _positions(value, place, f"{name}[{place}]")
    elif isinstance(value, (Array, int, float)) and not isinstance(value, bool):
        yield holder, key, name
