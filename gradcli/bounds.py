"""Running error bounds: how far rounding may have moved every value and every gradient of a run.

Two loops over a finished run, in lecture order. Forwards, each gate adds its own rounding to the
errors that its operands hand on; what it needs for that, the local gradients with their errors, it
leaves behind as links. Backwards, the links carry the errors of the gradients:

    error(out)         = ulps * unit * |out| + sum of |local| * error(operand)
    error(d operand)  += |d out| * error(local) + |local| * error(d out) + the rounding of g * l

The same loops serve floats and many digits; only the unit roundoff differs. After Wilkinson
(Higham, Accuracy and Stability of Numerical Algorithms, section 3.3). Whole arrays are bounded by
the engine's own loops, over an arithmetic that carries the errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gradcli.arithmetic import Arithmetic, Links
from gradcli.engine import Machine, Run, backward

NOTHING: Links = ()


class Bounds:
    """Errors of a run's values and gradients, a list entry per node; inf where there is no bound.

    `live` is 1 for the nodes whose gradient the output really depends on: not behind a branch
    that was not taken.
    """

    __slots__ = ("gradients", "links", "live", "values")

    def __init__(self, count: int) -> None:
        self.values: list[Any] = [0.0] * count
        self.links: list[Links] = [NOTHING] * count
        self.gradients: list[Any] = []
        self.live = bytearray(count)


def value_bounds(
    run: Run,
    arithmetic: Arithmetic | None = None,
    before: Callable[[int], Any] | None = None,
    after: Callable[[int, list[Any]], bool] | None = None,
) -> Bounds:
    """Bounds on the rounding errors of all values, and the links that `gradient_bounds` follows.

    Inputs and constants are exact. `arithmetic` is the run's own unless another shall compute the
    local gradients. A caller may have each value computed just `before` its bound, and change value
    and error `after` it. Raises what the arithmetic raises at a fault.
    """
    machine, values = run.machine, run.values
    graph = machine.graph
    found = Bounds(len(values))
    errors, links, active = found.values, found.links, graph.active
    kinds = bytearray(1 + a for a in active)
    for node in graph.constants:
        kinds[node] = 0
    bound = (arithmetic or machine.arithmetic).bound
    bound_of: dict[Any, Any] = {}
    for node, (gate, operands) in enumerate(zip(graph.gates, graph.operands, strict=True)):
        if operands:
            if len(operands) == 2:
                key: Any = (gate.name, kinds[operands[0]], kinds[operands[1]])
            else:
                key = (gate.name, *[kinds[k] for k in operands])
            function = bound_of.get(key)
            if function is None:
                function = bound_of[key] = bound(gate, key[1:])
            if before is not None:
                values[node] = before(node)
            links[node] = function(values, errors, node, operands)
            if errors[node] != errors[node]:
                errors[node] = math.inf
            if after is not None and after(node, errors):
                links[node], errors[node] = function(values, errors, node, operands), 0.0
    return found


def gradient_bounds(run: Run, found: Bounds, output: int, upstream_error: Any = 0.0) -> None:
    """Bounds on the gradients after a backward pass, into `found`.

    A gradient that is exactly zero and meets a local gradient without bound is indeterminate: what
    it hands on has no bound.
    """
    gradients, gates = run.gradients, run.machine.graph.gates
    names = run.machine.arithmetic.constants
    unit, tiny, normal = names["unit"], names["tiny"], names["normal"]
    errors: list[Any] = [0.0] * len(gradients)
    sums: list[Any] = [0.0] * len(gradients)
    live, links = found.live, found.links
    errors[output] = upstream_error
    live[output] = 1
    for node in range(output, -1, -1):
        if not live[node] or not links[node]:
            continue
        upstream, error = gradients[node], errors[node]
        if error != error:
            error = errors[node] = math.inf
        for at, local, slack in links[node]:
            if not local and not slack and gates[node].role == "routes":
                continue  # a branch that was not taken
            live[at] = 1
            size = abs(local) + slack
            if not upstream and not error:
                if not size < math.inf:
                    errors[at] = math.inf
                continue
            product = upstream * local
            more = (size * error or tiny) if error and size else 0.0
            if slack and upstream:
                more += abs(upstream) * slack or tiny
            if local not in (1, -1) and upstream not in (1, -1):
                more += unit * abs(product)
                if abs(product) < normal and upstream and local:
                    more += tiny
            if sums[at]:
                sums[at] += product
                more += unit * abs(sums[at])
            else:
                sums[at] = product
            errors[at] += more if more == more else math.inf
    found.gradients = errors


def bounded_run(
    run: Run, output: int | None = None, upstream: Any = None, given: int | None = None
) -> Run:
    """The same run over arrays, in which all values and gradients are `Bounded`.

    Without an `output` there is no backward pass. `upstream` is exact, unless the node `given`
    computes it.
    """
    from gradcli.arithmetic.bounded import BOUNDED, bounded  # late: numbers do not need numpy

    graph = run.machine.graph
    again = Machine(graph, BOUNDED).run([bounded(run.values[k]) for k in graph.inputs.values()])
    if output is not None:
        backward(again, output, bounded(upstream) if given is None else again.values[given])
    return again


def bounds(run: Run) -> Sequence[float]:
    """A bound on the rounding error of every value, after a forward pass in floats."""
    return value_bounds(run).values
