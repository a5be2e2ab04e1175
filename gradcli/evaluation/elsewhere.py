"""Other points of a program, at which a mistake that hides at its own one shows itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from gradcli.engine import Machine, Run, local_gradients
from gradcli.evaluation.point import Point, arithmetic_of, gather
from gradcli.program.model import Program, nodes_of

JITTER = 0.1  # how far a point near by lies, relative to the input; no input changes its sign
POINTS_NEARBY = 3  # points near by at which a mistake must look the same before it is named
REACHES = (0.5, 2.0, 8.0)  # how far such points lie, relative to the inputs
ATTEMPTS = 200  # points drawn in search of other branches
FEW_ATTEMPTS = 12  # points drawn of whole arrays, of which one usually shows both sides
MOST_BRANCHES = 8  # of the points on other branches that are used


def near(
    program: Program, inputs: Sequence[Any], seed: int = 1, sign: int = 1, spoils: bool = False
) -> list[Any]:
    """The point, moved a little in every input that is free; arrays in every element.

    `spoils` also moves arrays with gradient lines that stand for something as they are.
    """
    rng, free = Random(seed), are_free(program, inputs, spoils)
    return [_moved(x, rng, sign) if is_free else x for x, is_free in zip(inputs, free, strict=True)]


def are_free(program: Program, inputs: Sequence[Any], spoils: bool = False) -> list[bool]:
    """Which inputs may be moved without asking more of the program than its writer claims.

    Data stays as it is: what has no gradient line where others have one, and arrays that stand
    for something only as they are: masks, one-hot rows, probabilities, symmetric matrices. A line
    such as `dz = p - y` is right because the rows of y sum to 1.
    """
    table: Any = dict(zip(program.graph.inputs.values(), inputs, strict=True))
    held: set[int] = set()
    for name, value in program.inputs.items():
        is_data = bool(program.claims) and name not in program.claims
        if is_data or (not spoils and _stands_for_something(gather(value, table))):
            held.update(nodes_of(value))
    return [node not in held for node in table]


def _stands_for_something(value: Any) -> bool:
    """Whether an array, or nested lists, is one that moving its elements apart would spoil."""
    if isinstance(value, float):
        return False
    import numpy as np  # late: numbers do not need it

    x = np.asarray(value, dtype=float)
    if x.size < 2:
        return False
    is_mask = bool(np.isin(x, (0.0, 1.0)).all()) and x.min() != x.max()
    has_shares = any(np.allclose(x.sum(axis=k), 1.0, rtol=0, atol=1e-9) for k in range(x.ndim))
    is_symmetric = x.ndim == 2 and x.shape == x.T.shape and bool((x == x.T).all())
    return is_mask or has_shares or (is_symmetric and x.min() != x.max())


def _moved(x: Any, rng: Random, sign: int) -> Any:
    if isinstance(x, float):
        return x + sign * JITTER * rng.uniform(0.5, 1.0) * (abs(x) or 1.0)
    import numpy as np  # late: numbers do not need it

    steps = np.random.default_rng(rng.getrandbits(64)).uniform(0.5, 1.0, np.shape(x))
    return x + sign * JITTER * steps * np.where(x == 0, 1.0, np.abs(x))


def nearby(program: Program, inputs: Sequence[Any]) -> list[list[Any]]:
    """A few points near by, on both sides."""
    return [
        near(program, inputs, seed=k + 2, sign=1 if k % 2 else -1) for k in range(POINTS_NEARBY)
    ]


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
    machine, rng, free = Machine(graph, arithmetic_of(graph)), Random(3), are_free(program, inputs)
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
