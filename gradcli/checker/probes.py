"""Central differences along a cone: one step at a time, or many as numpy columns.

A probe gives f(x+h) - f(x-h) over 2h, or None, and by what factor the step was too long.
"""

from __future__ import annotations

import math
from typing import Any

from gradcli.checker.cone import Cone

Answer = tuple[float | None, float]  # the difference, the factor

# The steps of a batch, as halvings of its first: those of the tableau, and those of its guard.
HALVINGS = range(7)
GUARD_HALVINGS = (*range(12, 16), *range(21, 25))


class Plain:
    """Step by step, in plain Python."""

    margin = 1.0
    order = 2

    def __init__(self, cone: Cone) -> None:
        self.cone = cone

    def at(self, step: float) -> Answer:
        """The difference over one step."""
        cone, values, obstacle = self.cone, [], 0.0
        for x in (cone.x + step, cone.x - step):
            f = cone.evaluate(x)
            obstacle = max(obstacle, cone.obstacle() if f is not None else 4.0)
            values.append(f)
        if obstacle > 1 or values[0] is None or values[1] is None:
            return None, max(obstacle, 2.0)
        return (values[0] - values[1]) / ((cone.x + step) - (cone.x - step)), obstacle


class Columns:
    """A batch of steps in one pass: every gate works on a column of values.

    numpy's functions may be a few units less exact than the ones the bound counts with.
    """

    margin = 4.0
    order = 2

    def __init__(self, cone: Cone) -> None:
        self.cone = cone
        self.known: dict[float, Answer] = {}

    def at(self, step: float) -> Answer:
        """The difference over one step; a new step brings those below it along."""
        if step not in self.known:
            self._batch([math.ldexp(step, -k) for k in (*HALVINGS, *GUARD_HALVINGS)])
        return self.known[step]

    def _batch(self, steps: list[float]) -> None:
        import numpy as np  # late: small problems do not need it

        cone = self.cone
        steps = [step for step in steps if cone.x + step != cone.x - step] or steps[:1]
        h = np.array(steps)
        xs = np.concatenate([cone.x + h, cone.x - h])
        values = cone.run.values.copy()
        values[cone.leaf] = xs
        machine, operands = cone.around.columns, cone.run.machine.graph.operands
        with np.errstate(all="ignore"):
            for node in cone.gates:
                values[node] = machine.forwards[node](values, operands[node])  # type: ignore[misc]
            f = np.broadcast_to(np.asarray(values[cone.output], dtype=float), xs.shape)
            obstacles = self._obstacles(values, xs.size)
            count = len(steps)
            slopes = (f[:count] - f[count:]) / (xs[:count] - xs[count:])
        obstacles[~np.isfinite(f)] = np.maximum(obstacles[~np.isfinite(f)], 4.0)
        worst = np.maximum(obstacles[:count], obstacles[count:])
        for step, slope, obstacle in zip(steps, slopes.tolist(), worst.tolist(), strict=True):
            good = obstacle <= 1 and math.isfinite(slope)
            self.known[step] = (slope, obstacle) if good else (None, max(obstacle, 2.0))

    def _obstacles(self, values: list[Any], size: int) -> Any:
        """By what factor each column's step was too long."""
        import numpy as np

        cone, worst = self.cone, np.zeros(size)
        if cone.limits:
            rows = np.empty((len(cone.limits), size))
            for row, (operand, _) in enumerate(cone.limits):
                rows[row] = values[operand]
            base = np.array([cone.run.values[k] for k, _ in cone.limits])
            radius = np.array([r for _, r in cone.limits])
            ratio = (np.abs(rows - base[:, None]) / radius[:, None]).max(axis=0)
            ratio[np.isnan(ratio)] = np.inf
            worst = np.where(ratio > 1, np.maximum(ratio, 1.5), 0.0)
        for column in range(size) if cone.branches else ():
            worst[column] = max(worst[column], cone.turned(_Column(values, column)))
        return worst


class _Column:
    """One column of a list of columns, read as a list of numbers."""

    __slots__ = ("column", "values")

    def __init__(self, values: list[Any], column: int) -> None:
        self.values = values
        self.column = column

    def __getitem__(self, node: int) -> float:
        value = self.values[node]
        return float(value[self.column]) if getattr(value, "ndim", 0) else float(value)
