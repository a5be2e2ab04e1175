"""The table of gates as frozen data. Schema gradcli.gates/1."""

from __future__ import annotations

from typing import Any, NamedTuple


class LocalGradient(NamedTuple):
    """What a gate makes of the upstream gradient for one operand."""

    operand: str
    formula: str  # as a lecture writes it; of a gate over whole arrays with the upstream gradient g
    computed_as: str | None  # the stable form, where it is another one


class KinkConvention(NamedTuple):
    """The gradients sent at a kink: here, by torch and by jax."""

    call: str
    at: dict[str, Any]
    own: dict[str, Any]
    torch: dict[str, Any]
    jax: dict[str, Any]


class Sample(NamedTuple):
    """A gate at a point: its operands, its value, and its local gradients."""

    operands: list[float]
    value: float
    local_gradients: list[float]


class GateCurve(NamedTuple):
    """Value and slope of a gate of one number, from point to point."""

    xs: list[float]
    values: list[float]
    slopes: list[float]


class GateSheet(NamedTuple):
    """All that a row of the table says of a gate."""

    name: str
    aliases: list[str]
    operands: list[str]
    value: str  # the definition
    computed_as: str | None  # the stable form, where it is another one
    local_gradients: list[LocalGradient]
    pattern: str  # distributes, routes, switches or scales
    domain: str | None  # None: everywhere
    kink: str | None  # what is 0 there
    jump: str | None
    ulps: float | None  # the largest error of the float64 value, in units of 2**-53 of it
    example: str
    conventions: list[KinkConvention]
    samples: list[Sample]
    curve: GateCurve | None = None  # on the page of one gate, where it takes one number

    def as_dict(self) -> dict[str, Any]:
        """The sheet as JSON holds it."""
        return {
            **self._asdict(),
            "local_gradients": [local._asdict() for local in self.local_gradients],
            "conventions": [convention._asdict() for convention in self.conventions],
            "samples": [sample._asdict() for sample in self.samples],
            "curve": self.curve and self.curve._asdict(),
        }


class GateReport(NamedTuple):
    """Sheets of some gates, in the order of the table."""

    gates: list[GateSheet]

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        return {"schema": "gradcli.gates/1", "gates": [sheet.as_dict() for sheet in self.gates]}
