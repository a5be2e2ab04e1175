"""Conventions by which gradients with a constant factor are what a file means.

mean over the batch   a layer divides all its weights' gradients by the size of the batch
mean of a sum         all gradients are those of a loss that is a function of its own, divided by
                      the number of examples, as the loss would be where it is used
steps of an optimiser weights change by one positive multiple of their gradients, all by the same
times a rate          all gradients are multiplied by one input that the loss does not have
"""

from __future__ import annotations

import re
from math import prod
from typing import Any

from gradcli.python.reading import Reading
from gradcli.python.words.gradients import kin, roots
from gradcli.reports.checks import Case
from gradcli.reports.lines import LineCheck

SAME = 1e-6  # of 1: factors that differ by less are one
PENALTY = re.compile(r"l[12](?![0-9a-z])|reg|lambd|lmbd|lam(?![a-z])|decay|penalt", re.IGNORECASE)
ERROR = re.compile(r"delta|err|diff|resid", re.IGNORECASE)  # which many take for `y - p`
LEAST_SCALED = 2  # gradients with one factor, before that is a convention


def convention(case: Case, reading: Reading) -> dict[str, Any] | None:
    """What makes a pass of a case by one of the conventions; None where none holds."""
    if (meant := penalties(case, reading)) is not None:
        return meant
    factors = factors_of(case)
    if factors is None:
        return None
    scaled = {name: factor for name, factor in factors.items() if abs(factor - 1) > SAME}
    words = (
        _mean_over_batch(scaled, factors, reading)
        or _mean_of_sum(scaled, factors, reading)
        or _steps(scaled, factors, reading)
        or _rated(scaled, factors, reading)
    )
    return None if words is None else _passed(case, words)


def _rated(
    scaled: dict[str, float], factors: dict[str, float], reading: Reading
) -> str | None:  # fmt: skip
    """The note on gradients that are steps already: each is multiplied by the same rate."""
    if len(factors) < LEAST_SCALED or scaled.keys() != factors.keys():
        return None
    driven = reading.driven_last
    tape, graph = driven.reader.tape, driven.reader.tape.graph
    reached = graph.reaches(*[node for node, _ in driven.outputs])
    upstreams = {upstream for _, upstream in driven.outputs}
    for name, node in graph.inputs.items():
        if tape.shape(node) or reached[node] or node in upstreams:
            continue
        rate = float(tape.values[node])
        if all(abs(factor - rate) <= SAME * abs(rate) for factor in factors.values()):
            return f"right times `{name}`, which the loss does not have: these are steps"
    return None


def _passed(case: Case, words: str) -> dict[str, Any]:
    """What makes a pass of a case, with a note."""
    inputs = {n: c._replace(verdict="pass", reason=None) for n, c in case.inputs.items()}
    return {"inputs": inputs, "notes": [*case.notes, words], "lines": []}


def undecided(case: Case, reading: Reading) -> tuple[str, str] | None:
    """What a file may mean by gradients that are wrong as they stand, and what would tell."""
    subject, driven = reading.subject, reading.driven_last
    backward = subject.backward or subject.forward
    if reading.hands_on_softmax:
        return (
            f"`{backward}` hands on the upstream gradient as it is, and `{subject.forward}` is a "
            "softmax: right where that is the gradient of the scores already",
            "have the softmax and its cross-entropy in one function, to have both checked",
        )  # fmt: skip
    factors = factors_of(case) or {}
    own = {c.leaf.name for c in reading.claims.claims if c.by == "step"} - reading.steps
    rest = {name for name, factor in factors.items() if abs(factor - 1) > SAME}
    is_error = len(driven.upstreams) == 1 and bool(ERROR.search(driven.upstreams[0]))
    if is_error and rest and own == rest and all(factors[name] < 0 for name in rest):
        return (
            f"`{backward}` moves weights along their gradients: right where "
            f"`{driven.upstreams[0]}` is minus a gradient, as `y - p` is",
            "have the loss in the same function or file, to have the sign checked",
        )  # fmt: skip
    return None


def factors_of(case: Case) -> dict[str, float] | None:
    """What each gradient is multiplied with; None where that is not one number for each."""
    factors = factors_of_each(case)
    known = {name: factor for name, factor in factors.items() if factor is not None}
    return known if len(known) == len(factors) else None


def factors_of_each(case: Case) -> dict[str, float | None]:
    """What each gradient is multiplied with; None for one that is not so many times the right."""
    factors: dict[str, float | None] = {}
    for check in case.inputs.values():
        factor: float | None = None
        if check.claim is not None and isinstance(check.analytic, float) and check.analytic:
            factor = check.claim / check.analytic
        first = factors.setdefault(check.whole, factor)
        if first is None or factor is None or abs(factor - first) > SAME * abs(factor):
            factors[check.whole] = None
    return factors


def is_by_features(factor: float, examples: set[int], features: set[int]) -> bool:
    """Whether a factor is divided by how many features there are: no rate is, and no mean."""
    counts = [1, *examples, prod(examples)]
    plain = [a * b for a in (0.5, 1.0, 2.0) for n in counts for b in (n, 1 / n)]

    def is_plain(number: float) -> bool:
        return any(abs(number - other) <= SAME * other for other in plain)

    return not is_plain(factor) and any(is_plain(factor * size) for size in features)


def is_multiple(case: Case, reading: Reading) -> bool:
    """Whether all gradients are so many times the right ones as there are examples, or numbers."""
    factors = {*(factors_of(case) or {}).values()}
    counts = {*reading.examples, prod(reading.examples)} - {1}
    return bool(factors) and any(
        all(abs(factor - count) <= SAME * count for factor in factors) for count in counts
    )


def has_penalty(case: Case, text: str) -> bool:
    """Whether a line that is accused has a penalty in it, by its names: `- self.lam`."""
    lines = text.splitlines()
    return case.verdict == "fail" and any(
        PENALTY.search(lines[line.line - 1]) for line in case.lines
        if line.is_accused and line.line <= len(lines)
    )  # fmt: skip


def penalties(case: Case, reading: Reading) -> dict[str, Any] | None:
    """What makes a pass of layers that add the gradient of a penalty to those of their weights.

    The loss is elsewhere, and most likely has that penalty.
    """
    accused = [line for line in case.lines if line.is_accused]
    is_layer = all(upstream is not None for _, upstream in reading.driven_last.outputs)
    own = [c for c in reading.claims.claims if c.leaf.name in reading.weights]
    are_penalties = bool(accused) and all(
        line.mistake == "extra-term" and any(
            _is_penalty(_extra(line, case), claim.leaf.short) for claim in own
            if line.name == claim.result.words
            or kin(claim.leaf.short) in map(kin, roots(line.name))
        ) for line in accused
    )  # fmt: skip
    if not ((is_layer or reading.lacks_loss) and are_penalties):
        return None
    names = ", ".join(dict.fromkeys(line.name for line in accused))
    words = "with the gradient of a penalty, which is no part of what the layer computes"
    return _passed(case, f"{names}: {words}")


def _is_penalty(term: str, weight: str) -> bool:
    """Whether a term has the name of a penalty, and that of a weight, of which it is no power."""
    term = term.partition("=")[2] or term
    return "**" not in term and bool(
        PENALTY.search(term) and re.search(rf"\b{re.escape(weight)}\b", term)
    )


def _extra(line: LineCheck, case: Case) -> str:
    """The term that does not belong in a line, or the whole line where that does not."""
    term = re.search(r"`(.*)`", line.reason or "")
    whole = (case.text or "").splitlines()[line.line - 1 : line.line] if line.repair == "" else []
    return term[1] if term else "".join(whole)


def _mean_over_batch(
    scaled: dict[str, float], factors: dict[str, float], reading: Reading
) -> str | None:
    """The note on layers that average their weights' gradients, and not what they hand on.

    A network that hands nothing on has the gradients of its weights only.
    """
    weights = reading.weights & factors.keys()
    is_layer = all(upstream is not None for _, upstream in reading.driven_last.outputs)
    if scaled.keys() != weights or len(scaled) < LEAST_SCALED or not is_layer:
        return None
    batches = reading.examples if len(scaled) == len(factors) else reading.batches
    batch = round(1 / next(iter(scaled.values())))
    if batch not in batches or any(abs(f * batch - 1) > SAME for f in scaled.values()):
        return None
    return (f"{', '.join(scaled)}: 1/{batch} of the gradient, a mean over the batch; "
            "what is handed on is not")  # fmt: skip


def _mean_of_sum(
    scaled: dict[str, float], factors: dict[str, float], reading: Reading
) -> str | None:
    """The note on gradients that are the mean over the batch of those of a loss that is a sum."""
    if not reading.driven_last.loss or len(scaled) < LEAST_SCALED or len(scaled) != len(factors):
        return None
    batch = round(1 / next(iter(scaled.values())))
    if batch not in reading.examples or any(abs(f * batch - 1) > SAME for f in scaled.values()):
        return None
    return (
        f"all gradients: 1/{batch} of those of `{reading.driven_last.loss}`, a mean over the batch"
    )


def _steps(scaled: dict[str, float], factors: dict[str, float], reading: Reading) -> str | None:
    """The note on weights that an optimiser changes by multiples of their gradients."""
    steps = reading.steps & factors.keys()
    if not steps or scaled.keys() - steps:
        return None
    first = next(iter(scaled.values()))
    if first <= 0 or any(abs(factors[name] - first) > SAME * first for name in steps):
        return None
    if is_by_features(first, reading.examples, reading.features):
        return None
    if _has_rates(reading) and _is_of_examples(first, reading.examples | reading.elements):
        return None
    names = ", ".join(name for name in factors if name in steps)
    return f"{names}: the steps are {first:.3g} times the gradients, as a rate would be"


def _has_rates(reading: Reading) -> bool:
    """Whether all steps have a rate, with which they are no more and no less than gradients."""
    return all(step.rate is not None for step in reading.driven_last.steps.values())


def _is_of_examples(factor: float, counts: set[int]) -> bool:
    """Whether a factor is by how many examples there are, or numbers in them: of a mean."""
    return any(
        abs(factor * by - 1) <= SAME
        for n in counts - {1, 2}
        for by in (n, 1 / n, 2 * n, 2 / n, n / 2)
    )
