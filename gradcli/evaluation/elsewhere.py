"""Other points of a program, at which a mistake that hides at its own one shows itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import Any

from gradcli.engine import Machine, Run, local_gradients
from gradcli.evaluation.kinds import kinds_of, moved
from gradcli.evaluation.point import Point, arithmetic_of, gather
from gradcli.evaluation.ties import Tie
from gradcli.graph.lowering import Value
from gradcli.program.model import Program, nodes_of

POINTS_NEARBY = 3  # points near by at which a mistake must look the same before it is named
REACHES = (0.5, 2.0, 8.0)  # how far such points lie, relative to the inputs
ATTEMPTS = 200  # points drawn in search of other branches
FEW_ATTEMPTS = 12  # points drawn of whole arrays, of which one usually shows both sides
OF_DATA = {"add", "sub", "mul", "scale", "neg"}  # gates that nobody counts by
MOST_BRANCHES = 8  # of the points on other branches that are used


class Surroundings:
    """A program at a point, and how each of its inputs may move from there.

    data      the inputs that have no gradient line where others have one
    still     those that stand still, with the reason in words
    kinds     what arrays stand for: they move without ceasing to
    """

    def __init__(self, program: Program, inputs: Sequence[Any]) -> None:
        self.program = program
        table: Any = dict(zip(program.graph.inputs.values(), inputs, strict=True))
        self.values = {name: _whole(value, table) for name, value in program.inputs.items()}
        self.data = {n for n in program.inputs if program.claims and n not in program.claims}
        self.kinds = {
            name: [] if isinstance(x, float) else kinds_of(x, name not in self.data)
            for name, x in self.values.items()
        }
        self.still = {
            name: kind.words for name, kinds in self.kinds.items() for kind in reversed(kinds)
            if kind.restored is None
        } | self._without_neighbours()  # fmt: skip

    def _without_neighbours(self) -> dict[str, str]:
        """Data at which the output does not look, and data that is compared with others."""
        program, graph = self.program, self.program.graph
        is_live = graph.reaches(program.output)
        compared: set[int] = set()
        for node in range(program.forward_nodes):
            if graph.gates[node].name in ("eq", "ne"):
                compared.update(graph.operands[node])
        words = {}
        for name in self.data:
            nodes = nodes_of(program.inputs[name])
            if not any(is_live[node] for node in nodes):
                words[name] = "read by no forward line"
            elif compared.intersection(nodes):
                words[name] = "compared with numbers"
        return words

    def moved(
        self, seed: int = 1, sign: int = 1,
        held: Collection[str] = (), spoilt: Collection[str] = (), ties: Iterable[Tie] = (),
    ) -> list[Any]:  # fmt: skip
        """A point near by. Those in `held` do not move, those in `spoilt` do, whatever they are."""
        rng, there = Random(seed), dict(self.values)
        for name, x in self.values.items():
            if name in spoilt:
                there[name] = moved(x, rng, sign)
            elif name not in self.still and name not in held:
                there[name] = moved(x, rng, sign, self.kinds[name])
        for tie in ties:
            there |= tie.restored(there)
        return self._in_order(there)

    def _in_order(self, there: Mapping[str, Any]) -> list[Any]:
        """The values of the inputs in the order of the graph's."""
        at: dict[int, Any] = {}
        for name, value in self.program.inputs.items():
            if isinstance(value, list):
                numbers = there[name].ravel().tolist()
                at.update(zip(nodes_of(value), numbers, strict=True))
            else:
                at[value] = there[name]
        return [at[node] for node in self.program.graph.inputs.values()]


def _whole(value: Value, table: Any) -> Any:
    """An input: a number, or its elements as an array."""
    x = gather(value, table)
    if isinstance(x, float):
        return x
    import numpy as np  # late: numbers do not need it

    return np.asarray(x, dtype=float)


def anywhere(program: Program, inputs: Sequence[Any], seed: int, turns: bool = False) -> list[Any]:
    """Another point with all data moved: a value is known by what it is everywhere.

    `turns` also changes signs, and so the branches that a program takes.

    What stands for something stays of its kind, masks and labels are rolled, and whole numbers that
    nothing is claimed of are sizes or exponents, unless they are only added and multiplied.
    """
    import numpy as np  # late: numbers do not need it

    rng = np.random.default_rng(seed)
    claimed = {node for name in program.claims for node in nodes_of(program.inputs.get(name, []))}
    counting, nodes = _counting(program), program.graph.inputs.values()
    return [
        x if node in counting - claimed and x == x // 1
        else _elsewhere(x, rng, node in claimed, turns)
        for node, x in zip(nodes, inputs, strict=True)
    ]  # fmt: skip


def _counting(program: Program) -> set[int]:
    """The inputs of numbers that the forward part may count by: it divides by them, or raises to.

    What it only adds and multiplies is data, whole or not.
    """
    graph, uses = program.graph, dict[int, set[str]]()
    for gate, operands in zip(graph.gates, graph.operands[: program.forward_nodes], strict=False):
        for k in operands:
            uses.setdefault(k, set()).add(gate.name)
    return {
        node for node in graph.inputs.values()
        if not graph.shape(node) and not uses.get(node, {""}) <= OF_DATA
    }  # fmt: skip


def _elsewhere(x: Any, rng: Any, is_claimed: bool, turns: bool) -> Any:
    """An input moved by up to half; zeros become small numbers of both signs."""
    import numpy as np  # late: numbers do not need it

    values = np.asarray(x, dtype=float)
    if not values.ndim:
        return float(_scattered(values, rng, turns))
    if values.size < 2:
        return _scattered(values, rng, turns)
    kinds = kinds_of(values, is_claimed)
    if any(kind.restored is None for kind in kinds):
        return np.roll(values, int(rng.integers(1, max(2, len(values)))), axis=0)
    there = _scattered(values, rng, turns and not kinds)
    for kind in kinds:
        if kind.restored is not None:
            there = kind.restored(values, there)
    return there


def _scattered(values: Any, rng: Any, turns: bool) -> Any:
    import numpy as np  # late: numbers do not need it

    moved = values * rng.uniform(0.6, 1.5, values.shape)
    if turns:
        moved = moved * rng.choice((-1.0, 1.0, 1.0), values.shape)
    return np.where(values == 0, rng.uniform(-0.3, 0.3, values.shape), moved)


def nearby(program: Program, inputs: Sequence[Any]) -> list[list[Any]]:
    """A few points near by, on both sides."""
    around = Surroundings(program, inputs)
    return [around.moved(seed=k + 2, sign=1 if k % 2 else -1) for k in range(POINTS_NEARBY)]


def on_other_branches(program: Program, inputs: Sequence[Any]) -> Iterator[list[Any]]:
    """Points where a max has another winner, a relu is off, a choice takes its other arm."""
    graph = program.graph
    switches = [
        node for node in graph.gate_nodes()
        if node < program.forward_nodes and graph.active[node]
        and (graph.gates[node].role == "routes" or graph.gates[node].kink or graph.gates[node].jump)
    ]  # fmt: skip
    if not switches:
        return
    machine, rng, free = Machine(graph, arithmetic_of(graph)), Random(3), _are_free(program, inputs)
    attempts, branches_of = ATTEMPTS, _branches
    if graph.has_arrays:
        attempts, branches_of = FEW_ATTEMPTS, _array_branches
    here = branches_of(machine.run(inputs), switches)
    if branches_of is _array_branches and all(sum(signs) > 1 for signs in here):
        return  # so many elements are on all branches as it is
    seen = {here}
    for _ in range(attempts):
        reach = rng.choice(REACHES)
        moved = [
            _drawn(x, reach, rng) if is_free else x
            for x, is_free in zip(inputs, free, strict=True)
        ]  # fmt: skip
        branches = branches_of(machine.run(moved), switches)
        if branches not in seen:
            seen.add(branches)
            yield moved
            if len(seen) > MOST_BRANCHES:
                return


def _are_free(program: Program, inputs: Sequence[Any]) -> list[bool]:
    """Which inputs may go far: those with gradient lines that stand for nothing."""
    around = Surroundings(program, inputs)
    held = {
        node for name, value in program.inputs.items()
        if name in around.data or around.kinds[name] for node in nodes_of(value)
    }  # fmt: skip
    return [node not in held for node in program.graph.inputs.values()]


def is_inside(point: Point) -> bool:
    """Whether all that leads to the output is finite; no line is held to a point outside."""
    program, values = point.program, point.run.values
    is_live = program.graph.reaches(program.output)
    with point.run.machine.arithmetic.quiet():
        for node in program.graph.gate_nodes():
            if is_live[node]:
                is_finite: Any = values[node] - values[node] == 0
                if not (is_finite if isinstance(is_finite, bool) else is_finite.all()):
                    return False
    return True


def is_comparable(point: Point) -> bool:
    """Whether a line may be held to a point: it is inside, and the program is the same there."""
    return is_inside(point) and is_decided_alike(point)


def is_decided_alike(point: Point) -> bool:
    """Whether all that was settled by numbers while a Python file was read is so here, too."""
    decisions = point.program.decisions
    if not decisions:
        return True
    import numpy as np  # late: programs of our own language decide nothing

    def numbers(value: Any) -> Any:
        return np.asarray(gather(value, point.run.values), dtype=float)

    return all(_same(d.rule(numbers(d.value)), d.outcome) for d in decisions)


def _same(outcome: Any, other: Any) -> bool:
    import numpy as np  # late: programs of our own language decide nothing

    if isinstance(outcome, tuple):
        return len(outcome) == len(other) and all(map(_same, outcome, other))
    return bool(np.array_equal(outcome, other))


def _drawn(x: Any, reach: float, rng: Random) -> Any:
    if isinstance(x, float):
        return x + rng.uniform(-reach, reach) * (abs(x) + 1.0)
    import numpy as np  # late: numbers do not need it

    steps = np.random.default_rng(rng.getrandbits(64)).uniform(-reach, reach, np.shape(x))
    return x + steps * (np.abs(x) + 1.0)


def _branches(run: Run, switches: list[int]) -> tuple[Any, ...]:
    """The branches that switches are on, as the signs of their local gradients."""
    signs: list[Any] = []
    for node, slopes in local_gradients(run, switches).items():
        out = run.values[node]
        signs.append(out if run.machine.graph.gates[node].jump else None)
        signs += [slope is not None and (slope > 0) - (slope < 0) for slope in slopes]
    return tuple(signs)


def _array_branches(run: Run, switches: list[int]) -> tuple[Any, ...]:
    """The signs that occur in each local gradient; one on everywhere may hide a mistake of off."""
    import numpy as np  # late: numbers do not need it

    graph = run.machine.graph
    simple = [node for node in switches if not graph.gates[node].is_structural]
    slopes = [x for local in local_gradients(run, simple).values() for x in local if x is not None]
    return tuple(
        (bool(np.less(x, 0).any()), bool(np.equal(x, 0).any()), bool(np.greater(x, 0).any()))
        for x in slopes
    )
