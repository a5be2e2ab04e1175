"""Polygamma functions at any real point, over an mpmath context."""

from __future__ import annotations

from typing import Any

REFLECTED = -100  # below it mpmath's recurrence takes time in proportion to |x|
LARGEST_ORDER = 100  # above it a single value takes seconds


class OutOfReachError(ArithmeticError):
    """An operand is too large for mpmath to finish: exp applied four times to 3, say."""


def psi(mp: Any, n: int, x: Any) -> Any:
    """The n-th derivative of digamma; far on the negative side by reflection.

    psi_n(x) = (-1)**n * psi_n(1 - x) - pi * d^n/dx^n cot(pi*x), DLMF 5.15.6. Raises ValueError at
    a pole and OutOfReachError for orders above 100.
    """
    if n > LARGEST_ORDER:
        raise OutOfReachError
    if n == 0 or x >= REFLECTED or not mp.isfinite(x):
        return mp.psi(n, x)
    if mp.isint(x):
        raise ValueError("a pole of polygamma")
    return (-1) ** n * mp.psi(n, 1 - x) - mp.pi * _cotangent_derivative(mp, n, x)


def _cotangent_derivative(mp: Any, n: int, x: Any) -> Any:
    """The n-th derivative of cot(pi*x), a polynomial in c = cot(pi*x) since c' = -pi*(1 + c*c)."""
    coefficients = [mp.zero, mp.one]
    for _ in range(n):
        slope = [k * a for k, a in enumerate(coefficients)][1:]
        padded = [*slope, mp.zero, mp.zero]
        coefficients = [
            -mp.pi * (a + b) for a, b in zip(padded, [mp.zero, mp.zero, *slope], strict=True)
        ]
    c = mp.cospi(x) / mp.sinpi(x)
    return mp.polyval(coefficients[::-1], c)
