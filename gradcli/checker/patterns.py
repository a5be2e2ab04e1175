"""Patterns of wrong gradients of arrays: transposed, 0 everywhere, off by a factor."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from gradcli.arithmetic.agreement import agree
from gradcli.program.model import Program, elements
from gradcli.reports.evaluations import InputCheck

CLOSE = 1e-6  # relative
SAME = 1e-5  # relative: to the six digits of a factor what is as near is the gradient itself


def pattern(claim: Any, expected: Any, sizes: Collection[int]) -> str | None:
    """How a claim relates to the gradient it should be, as a predicate; None if no pattern fits.

    Both are arrays of one shape; `sizes` are those of the axes of the program, among which the
    number of examples in a batch is.
    """
    if agree(claim, expected, SAME):
        return None
    if claim.ndim == 2 and claim.shape == claim.T.shape and agree(claim, expected.T, CLOSE):
        return "equals the expected matrix transposed"
    if not claim.any():
        return "is 0 everywhere"
    ratio = factor(claim, expected)
    if ratio is None:
        return None
    for size in sorted(sizes):
        if size > 1 and np.isclose(ratio, size, rtol=CLOSE):
            return f"is {size} times the gradient everywhere: the mean over {size} is missing"
        if size > 1 and np.isclose(ratio * size, 1.0, rtol=CLOSE):
            return f"is 1/{size} of the gradient everywhere: divided by {size} once too often"
    if np.isclose(ratio, -1.0, rtol=CLOSE):
        return "is -1 times the gradient everywhere: the sign is wrong"
    return f"is {ratio:.6g} times the gradient everywhere"


def factor(claim: Any, expected: Any) -> float | None:
    """The number by which all of a gradient is multiplied in a claim; None where there is none."""
    if not (np.isfinite(claim).all() and np.isfinite(expected).all() and expected.any()):
        return None
    largest = np.argmax(np.abs(expected))
    ratio = float(claim.item(largest) / expected.item(largest))  # of squares even 1e-160 has none
    return ratio if math.isfinite(ratio) and agree(claim, ratio * expected, CLOSE) else None


def failure_patterns(program: Program, checks: Mapping[str, InputCheck]) -> list[str]:
    """Notes on patterns in wrong gradients of lists, from the checks of their elements."""
    notes = []
    for name, value in program.inputs.items():
        own = [checks.get(str(element)) for element, _ in elements(name, value)]
        if not isinstance(value, list) or not any(c and c.verdict == "fail" for c in own):
            continue
        claims = [None if c is None else c.claim for c in own]
        slopes = [None if c is None else c.numeric for c in own]
        if None in claims or None in slopes:
            continue
        shape = np.shape(value)
        sizes = {n for v in program.inputs.values() for n in np.shape(v)}
        claim, slope = (np.array(table, dtype=float).reshape(shape) for table in (claims, slopes))
        relation = pattern(claim, slope, sizes) if claim.size > 1 else None
        if relation is not None:
            notes.append(f"what is claimed for {name} {relation}")
    return notes
