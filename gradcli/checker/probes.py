"""Central differences along a cone: one step at a time, or many as numpy columns.

A probe gives f(x+h) - f(x-h) over 2h, or None, and by what factor the step was too long.
"""

from __future__ import annotations

from collections.abc import Sequence

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

    def bounds_at(self, xs: Sequence[float]) -> Sequence[float]:
        """The bounds on the rounding of the output with the input at some numbers."""
        return [*map(self.cone.bound_at, xs)]

    def _at(self, step: float) -> Answer:
        cone, values, obstacle = self.cone, [], 0.0
        for x in (cone.x + step, cone.x - step):
            f = cone.evaluate(x)
            obstacle = max(obstacle, cone.obstacle() if f is not None else 4.0)
            values.append(f)
        if obstacle > 1 or values[0] is None or values[1] is None:
            return None, max(obstacle, 2.0)
        return (values[0] - values[1]) / ((cone.x + step) - (cone.x - step)), obstacle


class Columns(Plain):
    """A batch of steps in one pass: every gate works on a column of values.

    numpy's functions may be a few units less exact than the ones the bound counts with.
    """

    margin = 4.0

    def at(self, step: float) -> Answer:
        """The difference over one step; a new step brings those below it along."""
        if step not in self.cone.differences:
            from gradcli.checker.sheet import find_differences  # late: it loads numpy

            find_differences([(self.cone, step)])
        return self.cone.differences[step]


class AskedError(Exception):
    """What is not known yet: differences over steps, or bounds with the input at ends."""

    def __init__(self, steps: Sequence[float] = (), ends: Sequence[float] = ()) -> None:
        super().__init__()
        self.steps = steps
        self.ends = ends


class Asking(Columns):
    """A batch of steps of many cones, taken by who asks them all. Raises AskedError for a step."""

    def at(self, step: float) -> Answer:
        """The difference over one step that has been taken."""
        if step not in self.cone.differences:
            raise AskedError(steps=[step])
        return self.cone.differences[step]

    def bounds_at(self, xs: Sequence[float]) -> Sequence[float]:
        """The bounds at numbers where the input has been."""
        if missing := [x for x in xs if x not in self.cone.bounds]:
            raise AskedError(ends=missing)
        return super().bounds_at(xs)
