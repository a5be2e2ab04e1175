"""The report of an evaluation, as frozen data: everything that is printed is read from here.

    EvalReport = value, gradients, stages, check, notes        schema gradcli.eval/1
    Check      = a verdict, and one InputCheck per number that is an input
    `reports.checks` has those of `gradcli check`.

`as_dict()` gives what JSON holds. Numbers are floats or nested lists of floats; None means that
something was not computed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from gradcli.named_tuples import NamedTuple

Number = float | list["Number"]

# From best to worst; the verdict of several is the worst of them.
VERDICTS = ("pass", "kink", "inconclusive", "undefined", "fail", "error")


class Link(NamedTuple):
    """The chain rule along one wire, from a gate to its operand: upstream x local = contribution.

    The upstream gradient is the gate's own. In what mixes the elements of arrays there is no local
    gradient to multiply by.
    """

    operand: str  # the name of a stage or an input
    local: Number | None  # None: of a gate that mixes elements
    contribution: Number  # in the shape of the operand
    local_bound: Number | None = None
    bound: Number | None = None  # of the error of the contribution


class Stage(NamedTuple):
    """One gate of the circuit, as it was run."""

    name: str  # the stage's own name, `#1`, `#2`, ..., or `#out`
    gate: str
    label: str  # the gate as drawn: `+`, `*2`, `1/x`
    expression: str
    operands: list[Any]  # names of stages and inputs; constants are numbers, shapes are lists
    value: Number
    gradient: Number | None  # None where the stage does not depend on any input
    local_gradients: list[Number | None] | None  # None: a constant operand; a gate that mixes
    line: int
    column: int
    is_named: bool
    bound: Number | None = None  # of the error of the value, in its shape; None: not computed
    gradient_bound: Number | None = None
    links: list[Link | None] | None = None  # by operand, None at constants; None: not asked for

    @property
    def digits(self) -> int | None:
        """How many decimal digits of the value are certain; None without a bound."""
        if isinstance(self.value, list) or isinstance(self.bound, list):
            return None
        return certain_digits(self.value, self.bound)

    def as_dict(self) -> dict[str, Any]:
        """The stage as JSON holds it."""
        return {
            "name": self.name, "gate": self.gate, "label": self.label,
            "expression": self.expression, "operands": self.operands, "value": self.value,
            "gradient": self.gradient, "local_gradients": self.local_gradients,
            "line": self.line, "column": self.column, "bound": self.bound,
            "gradient_bound": self.gradient_bound,
            **({} if self.links is None else {
                "contributions": [link and link.contribution for link in self.links],
                "contribution_bounds": [link and link.bound for link in self.links],
            }),
        }  # fmt: skip


class InputCheck(NamedTuple):
    """The derivative by one input: the engine's, the numeric one, and the verdict."""

    name: str  # `x`, or `w[0]` for the element of a list
    verdict: str
    kind: str | None  # smooth, kink, border, infinite, jump or nan
    analytic: float | None  # the engine's own
    numeric: float | None
    bound: float | None  # of the error of `numeric`
    relative_error: float | None
    interval: list[float] | None  # the one-sided slopes at a kink
    reason: str | None
    claim: float | None = None  # hand-written gradient, where there is one
    directions: int | None = None  # of a whole array: along how many; numbers are of the worst
    element: tuple[str, tuple[int, ...]] | None = None  # of an array: its name, and the index
    noise: float | None = None  # of f as measured, where the verdict is an estimate of values alone
    analytic_bound: float | None = None  # of the error of `analytic`, where few digits are certain

    @property
    def spoken(self) -> str:
        """The verdict as people read it: with a word where it rests on values alone."""
        return self.verdict if self.noise is None else f"{self.verdict} (estimate)"

    @property
    def whole(self) -> str:
        """The name of the array whose element this is, else the own name."""
        return self.name if self.element is None else self.element[0]

    @property
    def is_idle(self) -> bool:
        """Whether nobody claimed it and nothing can be told of it: it says nothing of claims."""
        return self.claim is None and self.verdict in ("undefined", "inconclusive")

    @property
    def place(self) -> tuple[int, ...]:
        """The index in that array; empty for what is no element."""
        return () if self.element is None else self.element[1]

    @property
    def digits(self) -> int | None:
        """How many decimal digits of `numeric` its bound makes certain; None if there is none."""
        if not self.numeric or not self.bound or not math.isfinite(self.numeric):
            return None
        return max(0, math.floor(math.log10(abs(self.numeric)) - math.log10(self.bound)))

    def as_dict(self) -> dict[str, Any]:
        """The check as JSON holds it; `claim` only where something was claimed."""
        data = self._asdict()
        del data["element"]
        rare = {key: data.pop(key) for key in ("claim", "directions", "noise", "analytic_bound")}
        estimate = None if self.noise is None else True
        return {**data, **present(**rare, estimate=estimate)}


class Check(NamedTuple):
    """The verdicts on the gradients of one program."""

    verdict: str
    inputs: dict[str, InputCheck]

    def as_dict(self) -> dict[str, Any]:
        """The check as JSON holds it."""
        inputs = {name: check.as_dict() for name, check in self.inputs.items()}
        return {"verdict": self.verdict, "inputs": inputs}


class EntryChecks(NamedTuple):
    """The verdicts on the entries of a Jacobian or a Hessian."""

    verdict: str
    verdicts: dict[str, Any]  # in the shape of the blocks
    entries: dict[str, InputCheck]  # by name: `value[0] by x[1]`, `x by y`

    def as_dict(self) -> dict[str, Any]:
        """The verdicts as JSON holds them."""
        entries = {name: check.as_dict() for name, check in self.entries.items()}
        return {"verdict": self.verdict, "verdicts": self.verdicts, "entries": entries}


class EvalReport(NamedTuple):
    """Value and gradients of one program at one point."""

    expression: str
    output: str
    value: Number
    inputs: dict[str, Number]
    gradients: dict[str, Number | None]  # of those asked for, in their shape; None: no upstream
    stages: list[Stage]
    check: Check | None
    notes: list[str]
    warnings: list[str] = []  # noqa: RUF012  # a named tuple's default is never written to
    lines: list[Any] = []  # noqa: RUF012  # `lines.LineCheck` of a hand-written backward part
    forks: list[Any] = []  # noqa: RUF012  # `lines.Fork`
    text: str = ""  # the program's, where it has a backward part
    bound: Number | None = None  # of the error of the value, in its shape
    gradient_bounds: dict[str, Number] | None = None  # in the shape of the gradients
    arithmetic: str = "float64"  # or mpmath
    conditions: dict[str, float | None] | None = None  # of the value, relative, by number
    decimal: dict[str, Any] | None = None  # so many correct digits of value and gradients
    uncertainty: dict[str, Any] | None = None  # of the value, from that of inputs
    jacobian: dict[str, Any] | None = None  # by input: the output's shape, then the input's
    hessian: dict[str, Any] | None = None  # by input and input
    jacobian_bounds: dict[str, Any] | None = None  # in the same shape
    hessian_bounds: dict[str, Any] | None = None
    jacobian_check: EntryChecks | None = None  # None where it was not checked
    hessian_check: EntryChecks | None = None
    is_plain: bool = False  # the sweep shown as it is, without regard to its bounds
    written: dict[str, Any] | None = None  # with fused gates: plain float64 of what was written

    @property
    def has_links(self) -> bool:
        """Whether the stages have the chain rule along their wires."""
        return any(stage.links is not None for stage in self.stages)

    @property
    def finite(self) -> bool:
        """Whether the value and every gradient are finite numbers."""
        return _finite(self.value) and all(_finite(g) for g in self.gradients.values())

    def arrays(self) -> dict[str, Number]:
        """The results by name, for archives of arrays: `value`, `dx`, `jacobian_x`, ..."""
        slopes = {f"d{name}": g for name, g in self.gradients.items() if g is not None}
        first = {f"jacobian_{name}": block for name, block in (self.jacobian or {}).items()}
        pairs = [(a, b, x) for a, row in (self.hessian or {}).items() for b, x in row.items()]
        is_plain = len({f"{a}_{b}" for a, b, _ in pairs}) == len(pairs)
        mark = "_" if is_plain else ":"  # x and y_x, x_y and x
        second = {f"hessian_{a}{mark}{b}": block for a, b, block in pairs}
        return {**slopes, **first, **second, "value": self.value}

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        lines = {
            "lines": [line.as_dict() for line in self.lines],
            "forks": [fork.as_dict() for fork in self.forks],
        }  # fmt: skip
        return {
            "schema": "gradcli.eval/1",
            "expression": self.expression,
            "output": self.output,
            "value": self.value,
            "finite": self.finite,
            "inputs": self.inputs,
            "gradients": self.gradients,
            "stages": [stage.as_dict() for stage in self.stages],
            "check": None if self.check is None else self.check.as_dict(),
            **(lines if self.lines else {}),
            "notes": self.notes,
            "warnings": self.warnings,
            "arithmetic": self.arithmetic,
            "bound": self.bound,
            "gradient_bounds": self.gradient_bounds,
            "conditions": self.conditions,
            **present(
                decimal=self.decimal,
                uncertainty=self.uncertainty,
                written=self.written,
            ),
            **_with_bounds(
                jacobian=(self.jacobian, self.jacobian_bounds, self.jacobian_check),
                hessian=(self.hessian, self.hessian_bounds, self.hessian_check),
            ),
        }


def elements(name: str, number: Number | None) -> Iterator[tuple[str, Any]]:
    """The numbers of an array with the names `w[0][1]` of its elements, in order."""
    stack: list[tuple[str, Any]] = [(name, number)]
    while stack:
        name, number = stack.pop()
        if isinstance(number, list):
            stack.extend((f"{name}[{k}]", number[k]) for k in reversed(range(len(number))))
        else:
            yield name, number


def certain_digits(number: float, bound: float | None) -> int | None:
    """How many decimal digits a bound makes certain, at most 17; None without a bound."""
    if bound is None or not math.isfinite(number):
        return None
    if not bound:
        return 17
    if not bound < abs(number):
        return 0
    return min(17, max(0, math.floor(math.log10(abs(number)) - math.log10(bound))))


def worst(verdicts: list[str]) -> str:
    """The worst of several verdicts; `pass` if there is none.

    >>> worst(["pass", "kink", "pass"])
    'kink'
    """
    unknown = [verdict for verdict in verdicts if verdict not in VERDICTS]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not a verdict")
    return max(verdicts, key=VERDICTS.index, default="pass")


def present(**entries: Any) -> dict[str, Any]:
    """The entries that are not None."""
    return {key: value for key, value in entries.items() if value is not None}


def _with_bounds(**entries: tuple[Any, Any, EntryChecks | None]) -> dict[str, Any]:
    """The entries that are not None, bounds and verdicts beside them: None where there are none."""
    return {
        name: part
        for key, (numbers, bounds, checks) in entries.items()
        if numbers is not None
        for name, part in (
            (key, numbers),
            (f"{key}_bounds", bounds),
            (f"{key}_check", None if checks is None else checks.as_dict()),
        )
    }


def _finite(number: Number | None) -> bool:
    if isinstance(number, list):
        return all(map(_finite, number))
    return number is None or math.isfinite(number)
