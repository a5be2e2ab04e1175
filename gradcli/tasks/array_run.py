"""A program of arrays at a point: run as arrays, and its gradients checked as wholes.

Small programs are judged on the circuit of numbers they stand for (`scalars`), with all that is
known of numbers; for larger ones, arrays are checked along random directions
(`checker.directions`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gradcli.arithmetic.arrays import ARRAYS
from gradcli.bounds import bounded_run
from gradcli.checker import EVALUATIONS, agree
from gradcli.checker.directions import DIRECTIONS, Whole, check_wholes, cost
from gradcli.checker.patterns import pattern
from gradcli.checker.slopes import Place
from gradcli.engine import Machine, Run, backward
from gradcli.errors import BindingError, LimitError, NameFault, ShapeError, did_you_mean
from gradcli.evaluation.diagnosis import array_faults
from gradcli.evaluation.numbers import too_many_gates
from gradcli.evaluation.point import Evaluation, numbers, other_shape, wanted
from gradcli.gates.table import GATES
from gradcli.graph.nodes import Graph, stage_names
from gradcli.program.bindings import parse_constant
from gradcli.program.model import Program
from gradcli.reports import Check, InputCheck
from gradcli.requests import MOST_GATES, Request, Setting, Settings
from gradcli.transform.elements import gate_count, gate_sizes, unrolled

MOST_UNROLLED = 500_000  # of any circuit of numbers: some 300 MB
NO_UPSTREAM = "the output is an array: its gradients need --upstream VALUE (or `ones`, or @FILE)"


def array_settings(program: Program) -> list[Any]:
    """What the inputs are set to, in the order of the graph's inputs: floats and arrays."""
    graph = program.settings
    values = Machine(graph, ARRAYS).run([]).values
    places = [program.values[name] for name in program.graph.inputs]
    return [values[k] if graph.shape(k) else float(values[k]) for k in places]


def upstream_of(program: Program, run: Run, given: Any) -> Any:
    """The upstream gradient in the shape of the output; None if an array output has none.

    `given` is the caller's: a number, lists, `ones`, a file. Raises ShapeError, BindingError.
    """
    shape = program.graph.shape(program.output)
    if given is None:
        if program.upstream is not None:
            return run.values[program.upstream]
        return None if shape else 1.0
    graph = Graph()
    if isinstance(given, str) and given == "ones":
        one = graph.constant(1.0)
        node = graph.node(GATES["fill"], (one, graph.static(shape))) if shape else one
    else:
        graph, node = parse_constant("upstream", given, may_be_list=bool(shape))
    if graph.shape(node) != shape:
        raise ShapeError(f"the upstream gradient has shape {graph.shape(node)}, the output {shape}",
                         hint="`ones` is all ones in the shape of the output")  # fmt: skip
    upstream = Machine(graph, ARRAYS).run([]).values[node]
    if not np.isfinite(upstream).all():
        raise BindingError(f"the upstream gradient is {upstream}, not finite")
    return upstream


def evaluate_arrays(program: Program, inputs: Sequence[Any], asked: Request) -> Evaluation:
    """Forward and, if there is an upstream gradient, backward pass over arrays.

    `inputs` in the order of the graph's inputs; those asked for are the leaves.
    Raises GradcliError.
    """
    run = Machine(program.graph, ARRAYS).run(inputs)
    upstream = upstream_of(program, run, asked.upstream)
    if upstream is not None:
        backward(run, program.output, upstream)
    names = stage_names(program.graph, program.output)
    leaves = [(name, program.inputs[name]) for name in wanted(program, asked.wrt)]
    return Evaluation(
        program, run, upstream, names, leaves, array_faults(run, program.output, names)
    )


def is_checked_whole(program: Program, asked: Request) -> bool:
    """Whether there are too many elements for a question about each."""
    graph = program.graph
    elements = sum(int(np.prod(graph.shape(node))) for node in graph.inputs.values())
    gates = gate_count(graph)
    return (
        gates > MOST_GATES
        or elements > asked.max_elements
        or elements * gates * EVALUATIONS > asked.check_budget
    )


def as_numbers(program: Program, upstream: Any = None) -> Program:
    """The program itself if it has no arrays, else the one of numbers it stands for.

    Raises ShapeError where the output is an array and has no upstream gradient, LimitError where
    there are too many elements.
    """
    if not program.graph.has_arrays:
        return program
    count = gate_count(program.graph)
    if count > MOST_UNROLLED:
        raise LimitError(
            f"counted element by element the program has {count} gates; "
            f"at most {MOST_UNROLLED} can be taken apart",
            hint="take a smaller case of the same formulas",
        )
    inputs = array_settings(program)
    run = Machine(program.graph, ARRAYS).run(inputs)
    weights = upstream_of(program, run, upstream)
    if weights is None:
        raise ShapeError(NO_UPSTREAM)
    return unrolled(program, inputs, weights)


def to_be_fused(program: Program) -> Program:
    """The program of numbers that an array program stands for, whose forms may be recognised.

    Raises ShapeError where the output is an array, LimitError where there are too many elements.
    """
    if program.graph.shape(program.output):
        raise ShapeError(
            "--fuse needs an output of one number", hint="sum it, or choose an element: `f[0]`"
        )
    if gate_count(program.graph) > MOST_GATES:
        raise too_many_gates("fused forms")
    return as_numbers(program)


def check_arrays(
    found: Evaluation,
    typed: dict[str, Any],
    asked: Request,
    formulas_only: bool = False,
    elsewhere: bool = False,
) -> Check | None:
    """Verdicts on whole arrays; None when the budget is too small.

    `typed` are claims by the caller, by input; else hand-written gradients are checked, and where
    there is none the engine's own. `elsewhere`, formulas that give what the engine does are not
    asked about. Raises ShapeError without an upstream gradient.
    """
    if found.upstream is None:
        raise ShapeError(NO_UPSTREAM)
    program, run = found.program, found.run
    graph, questions = program.graph, []
    for name, leaf in found.leaves:
        analytic = np.broadcast_to(run.gradients[leaf], graph.shape(leaf))
        formula: Any = program.claims.get(name)
        if name in typed:
            questions.append(Whole(name, leaf, analytic, typed[name]))
        elif formula is None:
            questions.append(Whole(name, leaf, analytic))
        elif graph.active[formula] or not formulas_only:
            questions.append(Whole(name, leaf, analytic, run.values[formula], formula))
    if elsewhere:
        questions = [
            q for q in questions
            if q.claim is not None and not agree(q.claim, q.analytic, asked.tolerance)
        ]  # fmt: skip
    place = Place(run, program.output, found.upstream)
    if cost(gate_sizes(graph), len(questions)) > asked.check_budget:
        return None
    return check_wholes(place, questions, Settings(asked.tolerance, asked.check_budget))


def whole_note(is_checked: bool) -> str:
    """How arrays were checked that have too many elements for a question about each."""
    if not is_checked:
        return "not checked: it would take more than the budget (--check-budget)"
    return (
        f"the arrays are large: each is checked along {DIRECTIONS} random directions v "
        "(--max-elements N)"
    )


def typed_arrays(program: Program, claims: dict[str, Setting]) -> dict[str, Any]:
    """Claims given by the caller, by input. Raises NameFault, ShapeError."""
    typed = {}
    for name, claim in claims.items():
        if name not in program.inputs:
            hint = did_you_mean(name, program.inputs)
            raise NameFault(f"`{name}` is claimed but is not an input of the program", hint=hint)
        graph, node = parse_constant(name, claim, may_be_list=True)
        has, wants = graph.shape(node), program.graph.shape(program.inputs[name])
        if has != wants:
            raise other_shape(name, has, wants)
        typed[name] = Machine(graph, ARRAYS).run([]).values[node]
    return typed


def check_values(found: Evaluation, tolerance: float) -> list[InputCheck]:
    """Claims on values, `f == -12`; of an array the element that is farthest off is shown."""
    run, checks = found.run, []
    for claim in found.program.value_claims:
        value = np.asarray(run.values[claim.stage])
        claimed = np.broadcast_to(run.values[claim.claimed], value.shape)
        size = np.maximum(np.abs(value), np.abs(claimed))
        off = np.where(value == claimed, 0.0, np.abs(value - claimed) / np.where(size, size, 1.0))
        if not off.size:
            continue
        at = np.unravel_index(int(np.argmax(np.nan_to_num(off, nan=np.inf))), value.shape)
        ours, theirs, error = float(value[at]), float(claimed[at]), float(off[at])
        verdict, reason = "pass", None
        if math.isnan(ours):
            verdict, reason = "undefined", "the value is not a number"
        elif not error <= tolerance:
            verdict, reason = "fail", f"the value is {ours:.12g}"
            error = bounded_run(run).values[claim.stage].error
            if abs(ours - theirs) <= np.broadcast_to(error, value.shape)[at]:
                verdict, reason = "inconclusive", "float64 loses its digits here"
        name = claim.name + "".join([f"[{k}]" for k in at])
        checks.append(
            InputCheck(name, verdict, None, ours, ours, None, error, None, reason, theirs)
        )
    return checks


def failure_patterns(program: Program, checks: Mapping[str, InputCheck]) -> list[str]:
    """What wrong gradients of lists and arrays look like as wholes, from the checks of elements."""
    notes = []
    for name, value in program.inputs.items():
        own = [checks.get(element) for element, _ in numbers(name, value)]
        if not isinstance(value, list) or not any(c and c.verdict == "fail" for c in own):
            continue
        claims = [None if c is None else c.claim for c in own]
        slopes = [None if c is None else c.numeric for c in own]
        if None in claims or None in slopes:
            continue
        shape = np.shape(value)
        sizes = {n for v in program.inputs.values() for n in np.shape(v)}
        claim, slope = (np.array(table, dtype=float).reshape(shape) for table in (claims, slopes))
        seen = pattern(claim, slope, sizes) if claim.size > 1 else None
        if seen is not None:
            notes.append(f"what is claimed for {name} {seen}")
    return notes
