"""How a number differs from the one it should be, in words: the one place that says it."""

from __future__ import annotations

import math

from gradcli.arithmetic.agreement import relative_error

NEAR = 0.1  # up to this relative error a number is off by a part, above it is a multiple


def mismatch(
    number: float, right: float, what: str = "the claim", of: str = "the derivative"
) -> str:
    """Why a number is not the right one; each number in the words is true to its digits.

    >>> mismatch(1.00001, 1.0), mismatch(0.0, 3.0)
    ('the claim is off by 1e-05 of its size', 'the claim is 0, the derivative is not')
    >>> mismatch(-6.0, 3.0)
    'the claim is -2 times the derivative: the sign is wrong'
    """
    if number == 0 and right != 0:
        return f"{what} is 0, {of} is {'not' if math.isfinite(right) else right}"
    error = float(relative_error(number, right))  # both may have many digits
    if error <= NEAR:
        return f"{what} is off by {error:.2g} of its size"
    ratio = float(number / right) if right else math.inf
    if not (math.isfinite(number) and math.isfinite(ratio) and ratio):
        return f"{what} is {float(number):.6g}, {of} is {float(right):.6g}"
    sign = ": the sign is wrong" if ratio < 0 else ""
    return f"{what} is {ratio:.4g} times {of}{sign}"
