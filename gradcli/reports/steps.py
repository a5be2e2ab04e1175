"""The error of numeric derivatives against the step, as frozen data.

StepsReport = a StepCurves for each input                          schema gradcli.steps/1
StepCurves  = the errors of each method, the checker's bound, and the step the checker took
"""

from __future__ import annotations

from typing import Any, NamedTuple

METHODS = {  # name: the power of the step that its truncation goes with
    "forward": 1, "central": 2, "extrapolated": 4, "complex": 2,
}  # fmt: skip


class StepCurve(NamedTuple):
    """One way to take a derivative, over steps that grow shorter."""

    method: str  # one of METHODS
    steps: list[float]
    values: list[float]  # the derivative
    errors: list[float]  # relative to the true derivative; absolute where that is 0
    truncation_slope: float | None  # of log error against log step, as measured; None: too few
    rounding_slope: float | None

    @property
    def best(self) -> int:
        """The place of the smallest error; of equal ones that of the longest step."""
        return min(range(len(self.errors)), key=self.errors.__getitem__)

    def as_dict(self) -> dict[str, Any]:
        """The curve as JSON holds it."""
        best = {"step": self.steps[self.best], "error": self.errors[self.best]}
        return {**self._asdict(), "order": METHODS[self.method], "best": best}


class Chosen(NamedTuple):
    """What the checker made of it."""

    step: float | None  # the shortest of the differences it has extrapolated; None: it took none
    value: float | None
    error: float | None  # as those of the curves
    bound: float | None  # on that error
    reason: str | None  # why it has no derivative


class StepCurves(NamedTuple):
    """All there is about one input."""

    name: str
    value: float  # of the input
    gradient: float  # the true one
    gradient_bound: float | None
    is_relative: bool  # errors and bounds, to the gradient
    rounding: float  # the bound on the rounding of f around the input
    curves: list[StepCurve]
    bound_steps: list[float]
    bounds: list[float]  # of the extrapolated difference, from rounding and from what it changes
    chosen: Chosen

    def as_dict(self) -> dict[str, Any]:
        """The curves as JSON holds them."""
        data = self._asdict()
        data["curves"] = [curve.as_dict() for curve in self.curves]
        data["checker"] = data.pop("chosen")._asdict()
        return data


class StepsReport(NamedTuple):
    """The errors of numeric derivatives of one program at one point."""

    expression: str
    output: str
    inputs: list[StepCurves]
    notes: list[str]
    warnings: list[str]

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        return {
            "schema": "gradcli.steps/1",
            "expression": self.expression,
            "output": self.output,
            "inputs": [curves.as_dict() for curves in self.inputs],
            "notes": self.notes,
            "warnings": self.warnings,
        }
