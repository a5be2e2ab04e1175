"""Steps of many cones in one pass over arrays: a row of the program for each end of each step.

What `sheet` does with columns of single numbers is done here with the arrays that the numbers stand
for, which takes a call for each array. What it finds is left with the cones, as there; where a gate
is not known in rows, there is none of this.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from gradcli.arithmetic.arithmetic import Arithmetic
from gradcli.arithmetic.arrays import ARRAYS
from gradcli.arithmetic.bounds.arrays import ARRAY_BOUNDS
from gradcli.checker.cone import Cone, power_of_two
from gradcli.checker.sheet import UNKNOWN, steps_below
from gradcli.checker.surroundings import CHOICES
from gradcli.engine import Machine
from gradcli.evaluation.point import Point
from gradcli.gates.shapes import grouped, to_end
from gradcli.program.model import nodes_of
from gradcli.transform.in_rows import InRows

MOST_ELEMENTS = 250_000  # of all arrays of a page: with more they leave the caches
FEW = 32  # rows of a short page
PROBE = 2.0**-20  # of an input: a step so short that it tells how fast all moves
FURTHER = 1.5  # the least factor by which a step is too long that leaves a limit
TURNED = 2.0  # and one that turns a gate
OF_MANY = {"lse": "logsumexp", "norm": "hypot"}  # reductions, and their gates of several operands


class Form:
    """The arrays behind a program of numbers, written for so many rows; the point is in each.

    Raises KeyError for a gate that is not known.
    """

    def __init__(self, point: Point, count: int) -> None:
        self.count = count
        numbers, arrays = point.program, point.program.arrays
        graph = arrays.graph
        self.places: dict[int, tuple[int, int]] = {}  # of numbers: leaf and place in it
        leaves = {leaf: graph.shape(leaf) for leaf in arrays.inputs.values()}
        written = InRows(graph, arrays.output, leaves, count)
        self.output = written.nodes[arrays.output]
        if numbers.weights is not None:  # of the elements of an array, whose sum is taken
            weighted = written.add("mul", self.output, written.graph.array(numbers.weights))
            axes = tuple(range(1, numbers.weights.ndim + 1))
            self.output = written.add("sum", weighted, written.static(axes, False))
        self.graph, self.varied = written.graph, written.varied
        self.inputs: dict[int, Any] = {}
        for name, leaf in arrays.inputs.items():
            if leaf in written.nodes:
                nodes, new = nodes_of(numbers.inputs[name]), written.nodes[leaf]
                self.places |= {node: (new, place) for place, node in enumerate(nodes)}
                one = np.reshape([point.run.values[node] for node in nodes], leaves[leaf])
                self.inputs[new] = np.repeat(one[None], count, axis=0)
        self._points: dict[Arithmetic, tuple[Machine, list[Any]]] = {}
        self._cones: dict[int, set[int]] = {}
        self.radii: dict[int, list[tuple[int, Any]]] = {}  # by gate, as pages find them

    def around(self, gates: set[int], arithmetic: Arithmetic) -> tuple[Machine, list[Any]]:
        """The point in every row, as far as some gates read it that are computed anew."""
        if arithmetic not in self._points:
            machine = Machine(self.graph, arithmetic)
            values = [None if operands else x for operands, x in
                      zip(self.graph.operands, machine.leaves, strict=True)]  # fmt: skip
            for leaf, x in self.inputs.items():
                values[leaf] = ARRAY_BOUNDS.exactly(x) if arithmetic is ARRAY_BOUNDS else x
            self._points[arithmetic] = machine, values
        machine, values = self._points[arithmetic]
        operands = self.graph.operands
        read = {k for node in gates for k in operands[node]} - gates
        missing = [node for node in read if values[node] is None]
        for node in self.graph.ancestors(missing) if missing else ():
            if values[node] is None:
                values[node] = machine.forwards[node](values, operands[node])  # type: ignore[misc]
        return machine, values.copy()

    def cone(self, leaf: int) -> set[int]:
        """The gates that a leaf of arrays is in."""
        if leaf not in self._cones:
            self._cones[leaf] = {*self.graph.cone(leaf, self.output)}
        return self._cones[leaf]


class Rows:
    """The arrays behind a program of numbers, to be evaluated in pages of rows.

    The first row of a page is the point itself. Raises KeyError for a gate that is not known.
    """

    def __init__(self, point: Point) -> None:
        shapes = point.program.arrays.graph.shapes.values()
        size = sum([math.prod(shape) for shape in shapes])
        self._point = point
        self._most = max(FEW, MOST_ELEMENTS // max(1, size))  # rows of a page
        self._forms: dict[int, Form] = {}
        self._form(self._most)

    def _form(self, rows: int) -> Form:
        """The form for so many rows beside the point, or for most."""
        count = FEW if rows < FEW else self._most
        if count not in self._forms:
            self._forms[count] = Form(self._point, count)
        return self._forms[count]

    def find_first_steps(self, cones: Sequence[Cone]) -> None:
        """Leave with each cone its first step, by how fast operands move next to the point."""
        xs = np.array([cone.x for cone in cones])
        sizes = np.maximum(1.0, np.abs(xs))
        longest = []
        for part, page in self._pages(cones, xs + PROBE * sizes):
            steps = PROBE * sizes[part]
            ways = sizes[part] / 2
            with np.errstate(all="ignore"):
                for values, radius in page.limits():
                    below = values[1 : len(steps) + 1]
                    speeds = np.abs(below - values[0]) / steps.reshape(-1, *[1] * (below.ndim - 1))
                    own = np.where(speeds == 0, np.inf, radius / speeds)
                    ways = np.minimum(ways, own.reshape(len(steps), -1).min(axis=1, initial=np.inf))
            longest += ways.tolist()
        for cone, way in zip(cones, longest, strict=True):
            if not math.isnan(way):
                cone.first_step = power_of_two(way / 2)

    def find_differences(
        self, tries: Sequence[tuple[Cone, float]], halvings: Sequence[int]
    ) -> None:
        """Leave with each cone its differences over a step, and over some steps below it."""
        pairs = [(cone, h) for cone, step in tries for h in steps_below(cone, step, halvings)]
        cones, count = [cone for cone, _ in pairs for _ in range(2)], len(pairs)
        xs = np.array([(cone.x + step, cone.x - step) for cone, step in pairs]).ravel()
        f, obstacles = np.empty(2 * count), np.empty(2 * count)
        for part, page in self._pages(cones, xs):
            f[part], obstacles[part] = page.f, page.obstacles()
        with np.errstate(all="ignore"):
            slopes = (f[::2] - f[1::2]) / (xs[::2] - xs[1::2])
        worst = np.maximum(obstacles[::2], obstacles[1::2])
        rows = zip(pairs, slopes.tolist(), worst.tolist(), strict=True)
        for (cone, step), slope, obstacle in rows:
            is_good = obstacle <= 1 and math.isfinite(slope)
            answer = (slope, obstacle) if is_good else (None, max(obstacle, TURNED))
            cone.differences[step] = answer

    def find_bounds(self, ends: Iterable[tuple[Cone, float]]) -> None:
        """Leave with each cone the bounds on the rounding of the output at some ends."""
        pairs = [*ends]
        xs = np.array([x for _, x in pairs])
        for part, page in self._pages([cone for cone, _ in pairs], xs, is_bounded=True):
            for (cone, x), error in zip(pairs[part], page.errors.tolist(), strict=True):
                cone.bounds[x] = error

    def _pages(
        self, cones: Sequence[Cone], ends: Any, is_bounded: bool = False
    ) -> Iterator[tuple[slice, Page]]:
        """The pages on which the inputs of cones are at ends, and which of the cones each has."""
        form = self._form(len(cones))
        for start in range(0, len(cones), form.count - 1):
            part = slice(start, min(len(cones), start + form.count - 1))
            yield part, Page(form, cones[part], ends[part], is_bounded)


class Page:
    """One pass: the point itself, and below it a row for each cone, whose input is at an end."""

    def __init__(self, form: Form, cones: Sequence[Cone], ends: Any, is_bounded: bool) -> None:
        self.form = form
        self.count = len(cones)
        leaves, flat = np.array([form.places[cone.leaf] for cone in cones]).T
        arithmetic = ARRAY_BOUNDS if is_bounded else ARRAYS
        moved = np.unique(leaves).tolist()
        gates = set[int]().union(*map(form.cone, moved))
        with arithmetic.quiet():
            machine, self.values = form.around(gates, arithmetic)
            for leaf in moved:
                x = form.inputs[leaf].copy()
                (own,) = np.nonzero(leaves == leaf)
                x.reshape(form.count, -1)[own + 1, flat[own]] = ends[own]
                self.values[leaf] = ARRAY_BOUNDS.exactly(x) if is_bounded else x
            self.gates, values, operands = sorted(gates), self.values, form.graph.operands
            for node in self.gates:
                values[node] = machine.forwards[node](values, operands[node])  # type: ignore[misc]

    @property
    def f(self) -> Any:
        """The output in every row but the first."""
        return self._below(self.values[self.form.output])

    @property
    def errors(self) -> Any:
        """The bound on its rounding."""
        return self._below(self.values[self.form.output].error)

    def _below(self, numbers: Any) -> Any:
        return np.broadcast_to(numbers, (self.form.count,))[1 : 1 + self.count]

    def limits(self) -> Iterator[tuple[Any, Any]]:
        """(values in all rows, how far they may move) of every operand that has a limit."""
        radii = self.form.radii
        for node in self.gates:
            if node not in radii:  # it is that of the point, which all pages have
                radii[node] = [*self._radii(node)]
            for operand, radius in radii[node]:
                yield self.values[operand], radius

    def _radii(self, node: int) -> Iterator[tuple[int, Any]]:
        """How far each operand of a gate may move from where it is at the point; 0: not at all."""
        graph = self.form.graph
        gate, operands = graph.gates[node], graph.operands[node]
        if gate.name in OF_MANY:
            yield operands[0], self._radius_of_many(node)
            return
        texts = gate.radius * len(operands) if gate.is_variadic else gate.radius
        for operand, text in zip(operands, texts, strict=bool(texts)):
            if text == "inf" or operand not in self.form.varied:
                continue
            if text.isdigit():
                yield operand, float(text)
            else:
                radius = self._called(ARRAYS.text_function(gate, text), node, self._here)
                yield operand, np.where(radius > 0, radius, 0.0)

    def _radius_of_many(self, node: int) -> Any:
        """How far the elements of a reduction may move: as operands of its gate of several."""
        graph = self.form.graph
        x, axis = graph.operands[node]
        gate, here = graph.table[OF_MANY[graph.gates[node].name]], self.values[x][:1]
        out = ARRAYS.function("spread")(self.values[node][:1], here.shape, self.values[axis])
        return ARRAYS.text_function(gate, gate.radius[0])([here], out=out)

    def _called(self, function: Callable[..., Any], node: int, look: Callable[[int], Any]) -> Any:
        graph = self.form.graph
        xs = [look(k) for k in graph.operands[node]]
        return function(*([xs] if graph.gates[node].is_variadic else xs), out=look(node))

    def _here(self, node: int) -> Any:
        """The value of a node at the point."""
        value = self.values[node]
        return value[0] if node in self.form.varied else value

    def obstacles(self) -> Any:
        """By what factor each row's step was too long; 1 or less is fine."""
        worst = np.zeros(self.form.count)
        with np.errstate(all="ignore"):
            for values, radius in self.limits():
                moved = np.abs(values - values[0])
                is_far = ~(moved <= radius)
                if is_far.any():
                    factors = np.where(is_far, np.fmax(moved / radius, FURTHER), 0.0)
                    worst = np.maximum(worst, self._largest(factors))
            for node in self.gates:
                sides, at = self._sides(node)
                turned = False if sides is None else sides != sides[0]
                if np.any(turned):
                    ways = TURNED * np.abs(at - at[0]) / np.abs(at[0])
                    factors = np.where(turned, np.fmax(ways, TURNED), 0.0)
                    worst = np.maximum(worst, self._largest(factors))
        below = self._below(worst).copy()
        is_unknown = ~np.isfinite(self.f)
        below[is_unknown] = np.maximum(below[is_unknown], UNKNOWN)
        return below

    def _largest(self, numbers: Any) -> Any:
        """The largest number of each row."""
        return numbers.reshape(len(numbers), -1).max(axis=1, initial=0)

    def _sides(self, node: int) -> tuple[Any, Any]:
        """The branch a gate is on in all rows, and how far it is from its edge.

        None for a gate without branches; where the distance takes more than that, it is told as 0.
        """
        graph, out = self.form.graph, self.values[node]
        gate, operands = graph.gates[node], graph.operands[node]
        xs, nowhere = [self.values[k] for k in operands], np.zeros(np.shape(out))
        if gate.name in ("amax", "amin"):
            shape, axis = np.shape(xs[0]), xs[1]
            groups = np.transpose(xs[0], to_end(shape, axis)).reshape(grouped(shape, axis))
            sides = groups.argmax(-1) if gate.name == "amax" else groups.argmin(-1)
            return sides, np.zeros(np.shape(sides))
        if gate.name in ("max", "min"):
            return ARRAYS.function("winner")([out, *xs]), nowhere
        if gate.name in CHOICES:
            return np.broadcast_to(np.not_equal(xs[0], 0), np.shape(out)), nowhere
        if gate.name == "norm":
            return out > 0, out
        if gate.is_structural or not (gate.kink or gate.jump):
            return None, None
        function = ARRAYS.text_function(gate, gate.kink or gate.jump)
        at = np.broadcast_to(self._called(function, node, self.values.__getitem__), np.shape(out))
        return (out if gate.jump else at > 0), at
