"""Other points, at which a mistake that hides at the given one shows itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from gradcli.arithmetic.floats import IEEE
from gradcli.engine import Machine, Run, local_gradients
from gradcli.program import Program

JITTER = 0.1  # how far a point near by lies, relative to the input; no input changes its sign
NEAR = 3  # points near by at which a mistake must look the same before it is named
REACHES = (0.5, 2.0, 8.0)  # how far such points lie, relative to the inputs
ATTEMPTS = 200  # points drawn in search of other branches
MOST_BRANCHES = 8  # of the points on other branches that are used


def near(inputs: Sequence[Any], seed: int = 1, sign: int = 1) -> list[Any]:
    """The point, moved a little in every input; arrays in every element."""
    rng = Random(seed)
    return [_moved(x, rng, sign) for x in inputs]


def _moved(x: Any, rng: Random, sign: int) -> Any:
    if isinstance(x, float):
        return x + sign * JITTER * rng.uniform(0.5, 1.0) * (abs(x) or 1.0)
    import numpy as np  # late: numbers do not need it

    steps = np.random.default_rng(rng.getrandbits(64)).uniform(0.5, 1.0, np.shape(x))
    return x + sign * JITTER * steps * np.where(x == 0, 1.0, np.abs(x))


def nearby(inputs: Sequence[Any]) -> list[list[Any]]:
    """A few points near by, on both sides."""
    return [near(inputs, seed=k + 2, sign=1 if k % 2 else -1) for k in range(NEAR)]


def on_other_branches(program: Program, inputs: Sequence[Any]) -> Iterator[list[Any]]:
    """Points where a max has another winner, a relu is off, a choice takes its other arm."""
    graph = program.graph
    if graph.has_arrays:
        return  # so many elements are on all branches as it is
    switches = [
        node for node in graph.gate_nodes()
        if graph.active[node]
        and (graph.gates[node].role == "routes" or graph.gates[node].kink or graph.gates[node].jump)
    ]  # fmt: skip
    if not switches:
        return
    machine, rng = Machine(graph, IEEE), Random(3)
    seen = {_branches(machine.run(inputs), switches)}
    for _ in range(ATTEMPTS):
        reach = rng.choice(REACHES)
        point = [x + rng.uniform(-reach, reach) * (abs(x) + 1.0) for x in inputs]
        branches = _branches(machine.run(point), switches)
        if branches not in seen:
            seen.add(branches)
            yield point
            if len(seen) > MOST_BRANCHES:
                return


def _branches(run: Run, switches: list[int]) -> tuple[Any, ...]:
    """What tells one branch of every switch from another: the signs of its local gradients."""
    found: list[Any] = []
    for node, slopes in local_gradients(run, switches).items():
        out = run.values[node]
        found.append(out if run.machine.graph.gates[node].jump else None)
        found += [slope is not None and (slope > 0) - (slope < 0) for slope in slopes]
    return tuple(found)
