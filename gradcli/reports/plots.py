"""Value and gradient over one input or two, as frozen data.

Plot        = a LinePlot or a SurfacePlot                              schema gradcli.plot/1
LinePlot    = values and gradients over one input, with its kinks and jumps
SurfacePlot = values and gradients over a grid of two
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Mark(NamedTuple):
    """A place where the slope jumps, or the value."""

    kind: str  # kink or jump
    x: float
    left: float  # the slope at the left of a kink; the value at the left of a jump
    right: float


class LinePlot(NamedTuple):
    """Values and gradients over one input; nan where there are none."""

    name: str
    xs: list[float]
    values: list[float]
    gradients: list[float]
    marks: list[Mark]


class SurfacePlot(NamedTuple):
    """Values and gradients over a grid; rows go with the second input."""

    names: tuple[str, str]
    xs: list[float]
    ys: list[float]
    values: list[list[float]]
    gradients: tuple[list[list[float]], list[list[float]]]  # by the first and by the second input


class Plot(NamedTuple):
    """The curves of one program; it has either a line or a surface."""

    expression: str
    output: str
    line: LinePlot | None
    surface: SurfacePlot | None
    notes: list[str]
    warnings: list[str]

    def as_dict(self) -> dict[str, Any]:
        """The curves as JSON holds them."""
        line = self.line and {
            **self.line._asdict(), "marks": [mark._asdict() for mark in self.line.marks],
        }  # fmt: skip
        return {
            "schema": "gradcli.plot/1",
            "expression": self.expression,
            "output": self.output,
            "line": line,
            "surface": self.surface and self.surface._asdict(),
            "notes": self.notes,
            "warnings": self.warnings,
        }
