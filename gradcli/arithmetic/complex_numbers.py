"""Complex numbers, one by one, for steps of any size into the imaginary direction.

`arithmetic.complex_steps` is for steps that vanish, and exact to first order only; here the error
of a finite step is the point. Numbers are ordered by their real parts, so that a gate stays on the
branch of its real operand. A gate without a form for complex numbers takes real ones only.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any

from gradcli.arithmetic.arithmetic import Arithmetic
from gradcli.arithmetic.compiler import INFIX
from gradcli.arithmetic.floats import FLOAT_PRIMITIVES


class NoComplexFormError(ArithmeticError):
    """A gate of a complex operand that only real ones have; the text is its name."""


def _of_real(name: str) -> Callable[..., Any]:
    """A function of real numbers, which refuses others."""
    function = FLOAT_PRIMITIVES[name]

    def real(*operands: Any) -> Any:
        flat = [x for part in operands for x in (part if isinstance(part, list) else [part])]
        if any(isinstance(x, complex) and x.imag for x in flat):
            raise NoComplexFormError(name)
        return function(
            *([x.real for x in part] if isinstance(part, list) else part.real for part in operands)
        )

    return real


def _by_real_part(name: str) -> Callable[[Any], Any]:
    """A step function: what it makes of the real part."""
    function = FLOAT_PRIMITIVES[name]
    return lambda x: function(x.real)


def _power(x: Any, y: Any) -> Any:
    if isinstance(x, float) and isinstance(y, float):
        return math.pow(x, y)
    if not y.imag and y.real == int(y.real):
        return x ** int(y.real)
    if x.real < 0:
        raise ValueError("a negative base has whole powers only")
    return complex(x) ** y


def _expm1(x: Any) -> complex:
    """exp(x) - 1, whose real part keeps its digits near 0."""
    half = math.sin(x.imag / 2)
    real = math.expm1(x.real) * math.cos(x.imag) - 2 * half * half
    return complex(real, math.exp(x.real) * math.sin(x.imag))


def _log1p(x: Any) -> complex:
    size = x.real * (2 + x.real) + x.imag * x.imag
    return complex(0.5 * math.log1p(size), math.atan2(x.imag, 1 + x.real))


def _cube_root(x: Any) -> Any:
    root = complex(abs(x.real), x.imag if x.real > 0 else -x.imag) ** (1 / 3)
    return root if x.real > 0 else -root


def _angle(y: Any, x: Any) -> Any:
    turn = math.atan2(y.real, x.real)
    is_steep = abs(y.real) > abs(x.real)
    slope = -cmath.atan(x / y) if is_steep else cmath.atan(y / x)
    return complex(turn + slope.real - (math.atan(y.real / x.real) if not is_steep
                                        else -math.atan(x.real / y.real)), slope.imag)  # fmt: skip


def _extreme(sign: float) -> Callable[[list[Any]], Any]:
    return lambda xs: max(xs, key=lambda x: sign * x.real)


def _logsumexp(xs: list[Any]) -> Any:
    top = max(x.real for x in xs)
    return top + cmath.log(sum(cmath.exp(x - top) for x in xs))


def _winner(operands: list[Any]) -> float:
    out, *xs = operands
    return float(next((k for k, x in enumerate(xs) if x == out), -1))


COMPLEX_PRIMITIVES: dict[str, Any] = {
    **{name: _of_real(name) for name in FLOAT_PRIMITIVES if name not in ("lead", "trail")},
    "exp": cmath.exp, "log": cmath.log, "log10": cmath.log10, "sqrt": cmath.sqrt,
    "sin": cmath.sin, "cos": cmath.cos, "tan": cmath.tan,
    "asin": cmath.asin, "acos": cmath.acos, "atan": cmath.atan,
    "sinh": cmath.sinh, "cosh": cmath.cosh, "tanh": cmath.tanh,
    "asinh": cmath.asinh, "acosh": cmath.acosh, "atanh": cmath.atanh,
    **{name: _by_real_part(name) for name in ("floor", "ceil", "round")},
    "exp2": lambda x: cmath.exp(x * math.log(2)), "log2": lambda x: cmath.log(x) / math.log(2),
    "expm1": _expm1, "log1p": _log1p, "cbrt": _cube_root, "pow": _power, "atan2": _angle,
    "abs": lambda x: -x if x.real < 0 else x,
    "sinpi": lambda x: cmath.sin(math.pi * x), "cospi": lambda x: cmath.cos(math.pi * x),
    "hypot": lambda xs: cmath.sqrt(sum(x * x for x in xs)),
    "max": _extreme(1.0), "min": _extreme(-1.0), "logsumexp": _logsumexp, "winner": _winner,
}  # fmt: skip

SPELLING = {
    **INFIX,
    "lt": "(({}).real < ({}).real)", "le": "(({}).real <= ({}).real)",
    "gt": "(({}).real > ({}).real)", "ge": "(({}).real >= ({}).real)",
    "where": "({1} if ({0}).real else {2})",
}  # fmt: skip

COMPLEX = Arithmetic("complex", COMPLEX_PRIMITIVES, SPELLING)
