"""The gradient that a gate sends at a kink, beside what other libraries send there.

At a kink each number between the slopes of both sides is a legal choice (a subgradient), so that
two right programs may differ. The columns of the libraries were measured with torch 2.13 and jax
0.10, in float64; a test measures them again where the libraries are installed.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Convention(NamedTuple):
    """What is sent to each operand at a kink; None where an operand is no variable."""

    gate: str
    call: str  # in our language, of x and y
    at: tuple[Any, ...]  # x and y there
    own: tuple[Any, ...]
    torch: tuple[Any, ...]
    jax: tuple[Any, ...]


_NAN = float("nan")
_FIRST, _SHARED, _ZERO, _LOST = [1.0, 0.0], [0.5, 0.5], [0.0, 0.0], [_NAN, _NAN]

CONVENTIONS = (
    Convention("abs", "abs(x)", (0.0,), (0.0,), (0.0,), (1.0,)),
    Convention("max", "max(x, y)", (2.0, 2.0), (1.0, 0.0), (0.5, 0.5), (0.5, 0.5)),
    Convention("min", "min(x, y)", (2.0, 2.0), (1.0, 0.0), (0.5, 0.5), (0.5, 0.5)),
    Convention("hypot", "hypot(x, y)", (0.0, 0.0), (0.0, 0.0), (_NAN, _NAN), (0.5, 0.5)),
    Convention("clip", "clip(x, 0, 1)", (1.0,), (0.0,), (1.0,), (0.5,)),
    Convention("relu", "relu(x)", (0.0,), (0.0,), (0.0,), (0.0,)),
    Convention("leaky_relu", "leaky_relu(x, 0.25)", (0.0,), (0.25,), (0.25,), (1.0,)),
    Convention("elu", "elu(x, 0.5)", (0.0,), (0.5,), (0.5,), (0.5,)),
    Convention("selu", "selu(x)", (0.0,), *((1.7580993408473766,),) * 3),
    Convention("hardtanh", "hardtanh(x)", (1.0,), (0.0,), (0.0,), (1.0,)),
    Convention("amax", "max(x)", ([2.0, 2.0],), (_FIRST,), (_SHARED,), (_SHARED,)),
    Convention("amin", "min(x)", ([2.0, 2.0],), (_FIRST,), (_SHARED,), (_SHARED,)),
    Convention("norm", "norm(x)", ([0.0, 0.0],), (_ZERO,), (_ZERO,), (_LOST,)),
    Convention("std", "std(x)", ([2.0, 2.0],), (_ZERO,), (_ZERO,), (_LOST,)),
)
