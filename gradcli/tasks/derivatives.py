"""Jacobians and Hessians: each row is the gradient of one number.

The rows of a Jacobian are the gradients of the elements of the output. The Hessian is the Jacobian
of the gradient, whose elements are nodes of a graph of its own: the adjoint graph. How the rows
are computed depends on how much work they are, as it does for gradients:

    rows_of_numbers   on the circuit of numbers, each row as true as a gradient: with bounds,
                      limits, and many digits where float64 fails
    rows_of_arrays    a reverse sweep for each row, over arrays that carry bounds; above some size
                      many rows in one sweep, without bounds
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from gradcli.errors import LimitError, ShapeError, UsageError
from gradcli.evaluation.costs import OF_AN_ENTRY, refuse_bytes, refuse_much
from gradcli.evaluation.point import inputs_of, wanted
from gradcli.program.model import Program
from gradcli.reports.evaluations import EvalReport
from gradcli.requests import Request
from gradcli.tasks.blocks import Derivative
from gradcli.tasks.entry_verdicts import entry_checks, obstacle
from gradcli.tasks.rows_of_arrays import as_arrays
from gradcli.tasks.rows_of_numbers import as_numbers


def derivatives_of(program: Program, request: Request) -> list[Derivative]:
    """The Jacobian and the Hessian of a program's output, those of both that are asked for.

    Raises UsageError, ShapeError, NameFault, and LimitError before memory is taken.
    """
    if program.graph.is_opaque:
        name = next(gate.name for gate in program.graph.own_gates if gate.code is not None)
        raise UsageError(f"Jacobians and Hessians need gates that can be read: `{name}` only runs",
                         hint="of an array give --upstream")  # fmt: skip
    names = wanted(program, request.wrt)
    _refuse(program, request, names)
    inputs = inputs_of(program)
    kinds = ["jacobian"] * request.jacobian + ["hessian"] * request.hessian
    return [_derivative(program, names, inputs, kind, request) for kind in kinds]


def _derivative(
    program: Program, names: Sequence[str], inputs: Sequence[Any], kind: str, request: Request
) -> Derivative:
    """The entries on numbers where these are few, else on arrays.

    Gates of the user's own have their backward parts on arrays only: what these give is held to
    the numbers that are derived from their forward parts.
    """
    numbers = as_numbers(program, names, inputs, kind, request)
    if numbers is not None and not program.graph.own_gates:
        return numbers
    arrays = as_arrays(program, names, inputs, kind, request)
    if numbers is None:
        return arrays
    return arrays._replace(circuit=numbers.circuit, limits=numbers.limits, derived=numbers.blocks)


def with_derivatives(
    report: EvalReport, program: Program, derivatives: Sequence[Derivative], request: Request
) -> EvalReport:
    """A report completed by the numbers, bounds, verdicts, decimals and notes of derivatives."""
    decimal, notes = report.decimal, [*report.notes]
    for derivative in derivatives:
        kind = derivative.kind
        parts: dict[str, Any] = {
            kind: derivative.part(lambda block: block.values),
            f"{kind}_bounds": derivative.part(lambda block: block.bounds),
        }
        reason = obstacle(derivative, program.output, request)
        if request.check and reason is None:
            parts[f"{kind}_check"] = entry_checks(program, derivative, request, {})
        elif request.check:
            notes.append(f"{kind}: {reason}")
        report = report._replace(**parts)
        if decimal is not None:
            decimal = {**decimal, kind: derivative.part(lambda block: block.texts)}
        notes += [f"{kind}: {note}" for note in derivative.notes]
    return report._replace(decimal=decimal, notes=notes)


def _refuse(program: Program, request: Request, names: Sequence[str]) -> None:
    """Raise ShapeError where there is no Hessian, LimitError where there is no room."""
    refuse_much(program, request)
    graph = program.graph
    shape, most = graph.shape(program.output), graph.most_elements
    if request.hessian and shape:
        raise ShapeError(
            "a Hessian needs an output of one number", hint="choose an element: `f[0]`"
        )
    inputs = sum([prod(graph.shape(graph.inputs[name])) for name in names])
    for kind, is_requested, count in (
        ("Jacobian", request.jacobian, prod(shape)), ("Hessian", request.hessian, inputs),
    ):  # fmt: skip
        if is_requested and count * inputs > most:
            raise LimitError(
                f"the {kind} has {count} x {inputs} elements; at most {most} are computed",
                hint="choose inputs with --wrt, take a smaller case, or raise --max-array N",
            )
        if is_requested:
            refuse_bytes(OF_AN_ENTRY * count * inputs, request)
