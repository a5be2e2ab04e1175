"""Central differences along a cone: one step at a time, or many as numpy columns.

A probe gives f(x+h) - f(x-h) over 2h, or None, and by what factor the step was too long.
"""

from __future__ import annotations

from gradcli.checker.cone import Answer, Cone


class Plain:
    """Step by step, in plain Python."""

    margin = 1.0
    order = 2

    def __init__(self, cone: Cone) -> None:
        self.cone = cone

    def at(self, step: float) -> Answer:
        """The difference over one step, worked out once."""
        differences = self.cone.differences
        if step not in differences:
            differences[step] = self._at(step)
        return differences[step]

    def _at(self, step: float) -> Answer:
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

    def at(self, step: float) -> Answer:
        """The difference over one step; a new step brings those below it along."""
        if step not in self.cone.differences:
            from gradcli.checker.sheet import find_differences  # late: it loads numpy

            find_differences([(self.cone, step)])
        return self.cone.differences[step]
