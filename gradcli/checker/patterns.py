"""What a wrong gradient of an array looks like as a whole."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

CLOSE = 1e-6  # relative


def pattern(claim: Any, expected: Any, sizes: Collection[int]) -> str | None:
    """How a claim relates to the gradient it should be, as a predicate; None if nothing is seen.

    Both are arrays of one shape; `sizes` are those of the axes of the program, among which the
    number of examples in a batch is.
    """
    if claim.ndim == 2 and claim.shape == claim.T.shape and _close(claim, expected.T):
        return "equals the expected matrix transposed"
    if not claim.any():
        return "is 0 everywhere"
    if not (np.isfinite(claim).all() and np.isfinite(expected).all() and expected.any()):
        return None
    ratio = float(np.vdot(expected, claim) / np.vdot(expected, expected))
    if not _close(claim, ratio * expected):
        return None
    for size in sorted(sizes):
        if size > 1 and np.isclose(ratio, size, rtol=CLOSE):
            return f"is {size} times the gradient everywhere: the mean over {size} is missing"
        if size > 1 and np.isclose(ratio * size, 1.0, rtol=CLOSE):
            return f"is 1/{size} of the gradient everywhere: divided by {size} once too often"
    if np.isclose(ratio, -1.0, rtol=CLOSE):
        return "is -1 times the gradient everywhere: the sign is wrong"
    return f"is {ratio:.6g} times the gradient everywhere"


def _close(a: Any, b: Any) -> bool:
    return bool((np.abs(a - b) <= CLOSE * np.maximum(np.abs(a), np.abs(b))).all())
