"""A backward part that can be run again with other values in the places of its lines.

    given point, and others with all data moved     -> a run of the program at each
    `held` values of lines                          -> what every later line gives then
    random weights on the gradients that are claimed -> how each line moves them, in one sweep

The graph is laid open: the value of every line is a node of its own that hands on what it gets, and
that has a gradient even where no input reaches it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradcli.engine import Machine, Run, backward, forward, sweep
from gradcli.evaluation.elsewhere import anywhere
from gradcli.evaluation.point import Point, arithmetic_of, gather
from gradcli.graph.nodes import Graph
from gradcli.program.model import Program

ATTEMPTS = 5  # seeds for them: at some the program may have no finite value
SAME = 1e-7  # of the largest element of an array: values nearer than this are one
NOISE = 1e-13  # of the largest gradient: what cancels leaves so much

Held = dict[int, list[Any]]  # by node: a value at every point


class Replay:
    """The runs of a program at its points, and what they become with other values."""

    def __init__(self, point: Point, formulas_only: bool = False) -> None:
        self.program: Program = point.program.arrays or point.program
        self.graph, self.moved = _laid_open(self.program)
        self.machine = Machine(self.graph, arithmetic_of(self.graph))
        self.back = {new: old for old, new in enumerate(self.moved)}
        lines, claims = self.program.lines, self.program.claims
        self.sites = [self.moved[line.value] for line in lines]
        self.totals = [self.moved[line.total] for line in lines]
        self.claims = {name: self.moved[node] for name, node in claims.items()}
        self.forward = {
            name: self.moved[node]
            for name, node in {**self.program.inputs, **self.program.stages}.items()
        }
        self.output = self.moved[self.program.output]
        self._upstream = _upstream_of(point, self.program)
        self.held: Held = {}
        self._sizes: dict[int, float] = {}
        self.runs: list[Run] = []
        active = self.program.graph.active
        self.numbers = {k for k, line in enumerate(lines) if not active[line.value]}
        self._look_around(_inputs_of(point, self.program))
        self._hold_numbers(formulas_only)

    def _look_around(self, inputs: list[Any]) -> None:
        """Run the program at its own point, and at others where its gradients are finite."""
        self._enter(inputs)
        for turns, most in ((False, 2), (True, 4), (False, 4)):
            for seed in range(ATTEMPTS):
                if len(self.runs) >= most:
                    break
                self._enter(anywhere(self.program, inputs, seed, turns))
                if not all(is_finite(self.truth(name, -1)) for name in self.claims):
                    del self.runs[-1]

    def _hold_numbers(self, formulas_only: bool) -> None:
        """Let numbers that are claimed stand for gradients: they are those of one point only."""
        lines, points, held = self.program.lines, range(len(self.runs)), {}
        times = Counter([line.name for line in lines])
        for k in self.numbers:
            name, node = lines[k].name, self.sites[k]
            if name is None or times[name] > 1 or lines[k].place:
                continue
            if formulas_only or same(self.value(node, 0), self.truth(name, 0)):
                held[node] = [self.truth(name, p) for p in points]
        self.hold(held)

    def _enter(self, inputs: list[Any]) -> None:
        run = self.machine.run(inputs)
        own = self.program.upstream
        upstream = self._upstream if own is None else run.values[self.moved[own]]
        backward(run, self.output, upstream)
        self.runs.append(run)

    # ---------------------------------------------------------------- what is so

    def whole(self, node: int, number: Any) -> Any:
        """A value or gradient of a node as an array in its shape."""
        shape, array = self.graph.shape(node), np.asarray(number)
        return array if array.shape == shape else np.broadcast_to(array, shape)

    def truth(self, name: str, point: int) -> Any:
        """The gradient of a name as the engine has it."""
        node = self.forward[name]
        return self.whole(node, self.runs[point].gradients[node])

    def value(self, node: int, point: int) -> Any:
        """The value of a node with what is held."""
        return self.whole(node, self.now[point].values[node])

    def is_right(self, name: str, point: int, run: Run) -> bool:
        """Whether a claim is the true gradient in a run, but for rounding."""
        node = self.claims[name]
        claim, truth = self.whole(node, run.values[node]), self.truth(name, point)
        if same(claim, truth):
            return True
        gap = np.max(np.abs(claim - truth), initial=0.0)
        return bool(gap <= NOISE * self._largest(point))

    def _largest(self, point: int) -> float:
        """The largest element of a claimed gradient at a point, as the engine has it."""
        if point not in self._sizes:
            truths = [np.abs(self.truth(name, point)) for name in self.claims]
            self._sizes[point] = max((float(np.max(x, initial=0.0)) for x in truths), default=0.0)
        return self._sizes[point]

    # ---------------------------------------------------------------- what would be so

    def narrow(self) -> None:
        """Keep the given point only."""
        self.runs = self.runs[:1]
        self.hold({node: values[:1] for node, values in self.held.items()})

    @property
    def now(self) -> list[Run]:
        """The runs with what is held so far."""
        return self._now if self.held else self.runs

    def hold(self, values: Held) -> None:
        """Keep values in the places of nodes from here on."""
        self.held = {**self.held, **values}
        self._now = self._again(self.held) if self.held else self.runs

    def restore(self, held: Held, now: list[Run]) -> None:
        """Take back what has been held since."""
        self.held, self._now = held, now

    def _again(self, held: Held) -> list[Run]:
        return [self._again_at(k, held) for k in range(len(self.runs))]

    def _again_at(self, point: int, held: Held) -> Run:
        values = {node: _operand(numbers[point]) for node, numbers in held.items()}
        return self.machine.run_again(self.runs[point], values)

    def tried(self, values: Held) -> list[Run]:
        """The runs with some values beside those that are held."""
        return self._again({**self.held, **values})

    def tried_at(self, point: int, values: Held) -> Run:
        """The run at one point with some values beside those that are held."""
        return self._again_at(point, {**self.held, **values})

    def given(
        self, point: int, places: Mapping[int, int], give: Callable[[int, int, Any], Any]
    ) -> Run | None:
        """The run at one point with values for some nodes that are made of those before them.

        `places` says what each of the nodes is called when its value is asked for; None ends it.
        """
        values, start = self.runs[point].values.copy(), len(self.moved)
        for node in sorted({*places, *self.held}):
            forward(self.machine, values, start, node)
            own = give(places[node], point, values) if node in places else self.held[node][point]
            if own is None:
                return None
            values[node], start = _operand(own), node + 1
        forward(self.machine, values, start)
        return Run(self.machine, values)

    def program_values(self, point: int) -> list[Any]:
        """The values of the program's own nodes with what is held."""
        values = self.now[point].values
        return [values[node] for node in self.moved]

    def pull(self, weights: Sequence[Mapping[int, Any]]) -> list[list[Any]]:
        """At each point the gradient, by every node, of the weighted sum of some nodes."""
        pulled = []
        for run, seeds in zip(self.now, weights, strict=True):
            again = Run(self.machine, run.values)
            sweep(again, seeds)
            pulled.append(again.gradients)
        return pulled


def _operand(value: Any) -> Any:
    """A value as gates take it: to those of numbers an array without axes is none."""
    return value[()] if isinstance(value, np.ndarray) else value


def is_finite(amount: Any) -> bool:
    """Whether every element is finite."""
    return bool(np.isfinite(amount).all())


def same(a: Any, b: Any) -> bool:
    """Whether two arrays are one and the same but for rounding, measured by their largest."""
    with np.errstate(all="ignore"):
        gap = np.max(np.abs(np.subtract(a, b)), initial=0.0)
        size = max(np.max(np.abs(a), initial=0.0), np.max(np.abs(b), initial=0.0))
    return bool(gap <= SAME * size and size < np.inf)


def _laid_open(program: Program) -> tuple[Graph, list[int]]:
    """A copy whose lines are nodes of their own, and the number that each node has in it."""
    graph, copy = program.graph, Graph(program.graph.table)
    copy.most_elements = 2 * graph.most_elements
    values = {line.value for line in program.lines}
    names = {node: name for name, node in graph.inputs.items()}
    moved: list[int] = []
    for node, (gate, operands) in enumerate(zip(graph.gates, graph.operands, strict=True)):
        if node in graph.constants:
            new = copy.fixed(graph.constants[node])
        elif not operands:
            new = copy.input(names[node], shape=graph.shape(node))
        else:
            new = copy.add(gate, tuple([moved[k] for k in operands]))
        if node in values:
            new = copy.own(new, len(copy), 0)
            copy.active[new] = 1
        moved.append(new)
    return copy, moved


def _inputs_of(point: Point, program: Program) -> list[Any]:
    """The inputs of a program of arrays, from a point of the numbers it stands for."""
    if program is point.program:
        return point.inputs
    values = {
        node: gather(point.program.inputs[name], point.run.values)
        for name, node in program.inputs.items()
    }
    graph = program.graph
    return [
        np.array(values[node], dtype=float).reshape(graph.shape(node)) if graph.shape(node)
        else values[node]
        for node in graph.inputs.values()
    ]  # fmt: skip


def _upstream_of(point: Point, program: Program) -> Any:
    """The upstream gradient where no line of the program gives it."""
    if program is point.program or point.program.parts is None:
        return point.upstream
    weights = [point.run.gradients[node] for node in point.program.parts]
    return np.reshape(weights, program.graph.shape(program.output))
