"""Claims of a check: how many there are, and the refusal of those no verdict would be about."""

from __future__ import annotations

from gradcli.errors import BindingError, UsageError
from gradcli.evaluation.point import wanted
from gradcli.program.model import Program
from gradcli.requests import Request, Setting


def claim_count(program: Program, request: Request) -> int:
    """How many gradients and values are claimed; an upstream gradient is no claim.

    A line whose shapes do not fit claims something, too; so does a gate of the user's own, by what
    it passes back.
    """
    misfits = {line.misfit.name for line in program.lines if line.misfit is not None}
    names = {*program.claims, *request.claims, *(name for name in misfits if name is not None)}
    graph = program.graph
    own = sum(gate.own is not None for gate in graph.gates) if graph.own_gates else 0
    return len(names) - (program.upstream is not None) + len(program.value_claims) + own


def refuse_lost_claims(
    program: Program, bindings: list[tuple[str, Setting]], request: Request
) -> None:
    """Raise BindingError for `dx=999`, a value nothing uses, UsageError for what `wrt` leaves out.

    Either would be a claim of the caller that no verdict is about.
    """
    names = {**program.inputs, **program.stages}
    for name, value in bindings:
        if name not in names:
            _refuse_bound_claim(program, names, name, value)
    checked = wanted(program, request.wrt)
    left = [name for name in request.claims if name in program.inputs and name not in checked]
    if left:
        raise UsageError(f"`{left[0]}` is claimed, but `wrt` leaves it out",
                         hint=f"add it: --wrt {','.join([*checked, *left])}")  # fmt: skip


def _refuse_bound_claim(program: Program, names: dict[str, int], name: str, value: Setting) -> None:
    from gradcli.program.gradient_names import GradientNames  # late: most names are inputs

    likeness = GradientNames(names).likeness(name)
    if likeness is None or not likeness.of:
        return
    of, number = likeness.of, value if isinstance(value, (str, int, float)) else "..."
    raise BindingError(
        f"`{name}` is given a value but not used, and looks like {likeness.words}",
        hint=f"write --claim {of}={number}"
        if of in program.inputs
        else f"write the line `d{of} = {number}` into the program",
    )
