"""Arrays that carry a bound on the rounding error of every element.

    Bounded = value, error        the truth lies within value +- error

Run over these, the engine's two loops give values and gradients with their bounds; what `bounds`
does for the numbers of a circuit this does for whole arrays, at the price of a few more passes
over each. Every gate adds its own rounding to what its operands hand on, through the texts of the
gate table: a gate with a text is bounded operation by operation, one without by its local gradients
(Higham, Accuracy and Stability of Numerical Algorithms, sections 3.1 and 3.3). Sums and products
of short numbers, such as counts and masks, are exact. What no bound of first order can cover makes
it infinite; a choice that rounding may have turned is as uncertain as its branches are apart.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from gradcli.arithmetic.arrays import ARRAYS, STRUCTURE, Arrays, by_halving, key
from gradcli.arithmetic.arrays import norm as plain_norm
from gradcli.arithmetic.symbols import SPELLING
from gradcli.gates.row import Gate
from gradcli.gates.shapes import FUNCTIONS, Axis, Shape, reduced
from gradcli.gates.table import BUILT_IN

UNIT, TINY, NORMAL = 2.0**-53, 2.0**-1074, 2.0**-1022
CAUTION = 2.0**-10  # an error above this part of a gate's radius is not small
BENT = 1.0 + 2.0**-6  # by how much a slope may be larger within such an error
LIBRARY = 2.0  # numpy's vector functions may err by twice what the table says of the C library
SHORT = 2.0**20  # numbers that are whole multiples of 1 / SHORT are short
BLOCK = 24  # roundings in a block of 128 numbers: 16 to a part, 3 to join the parts, and some more
WHOLE = 2.0**53  # whole numbers below it are exact

NOTHING = 0.0  # the error of what is exact

Number = Any  # a float or an array


class Bounded:
    """Numbers, or one, and for each a bound on its error; that of all is NOTHING where exact."""

    __slots__ = ("error", "value")

    def __init__(self, value: Number, error: Number = NOTHING) -> None:
        self.value = value
        self.error = error if np.any(error) else NOTHING

    def __add__(self, other: Bounded) -> Bounded:
        """The sum; the zero that nothing has been added to yet leaves the other as it is."""
        return other if self is ZERO else _add(self, other)

    def __sub__(self, other: Bounded) -> Bounded:
        """The difference."""
        return _sub(self, other)


ZERO = Bounded(0.0)


def bounded(value: Any) -> Bounded:
    """A number or an array that is exact."""
    return value if isinstance(value, Bounded) else Bounded(np.asarray(value, dtype=float)[()])


def _is_exact(*xs: Bounded) -> bool:
    return all(x.error is NOTHING for x in xs)


def _rounded(value: Number, ulps: float = 1.0) -> Number:
    """The error of a rounding to this value."""
    size = np.abs(value)
    return ulps * UNIT * size + np.where(size < NORMAL, TINY, 0.0)


def _is_short(*xs: Number) -> bool:
    return all(bool((np.rint(x * SHORT) == x * SHORT).all()) for x in xs)


def _are_exact(x: Number, y: Number, sizes: Number) -> bool:
    """Whether products of x and y, of such sizes, or sums of them, have lost nothing."""
    return _is_short(x, y) and bool((sizes * SHORT**2 < WHOLE).all())


def _times(size: Number, error: Number) -> Number:
    """A product of bounds: an error of 0 is stronger than inf, and nothing underflows to 0."""
    found = size * error
    if np.min(found, initial=np.inf) < NORMAL:
        is_lost = np.less(found, NORMAL) & np.greater(size, 0.0) & np.greater(error, 0.0)
        found = np.where(is_lost, found + TINY, found)
    if np.isfinite(found).all():
        return found
    return np.where(np.equal(error, 0.0), 0.0, _known(found))


def _known(error: Number) -> Number:
    """A bound; nan, which is none, is inf."""
    return np.where(np.isnan(error), np.inf, error)[()]


# ---------------------------------------------------------------- operators


def _add(x: Bounded, y: Bounded) -> Bounded:
    value = x.value + y.value
    is_exact = (value - x.value == y.value) & (value - y.value == x.value)  # Knuth's TwoSum
    own = np.where(is_exact, 0.0, UNIT * np.abs(value))
    return Bounded(value, x.error + y.error + own)


def _neg(x: Bounded) -> Bounded:
    return Bounded(-x.value, x.error)


def _sub(x: Bounded, y: Bounded) -> Bounded:
    return _add(x, _neg(y))


def _mul(x: Bounded, y: Bounded) -> Bounded:
    value = x.value * y.value
    is_exact = _are_exact(x.value, y.value, np.abs(value))
    is_zero = np.equal(x.value, 0.0) | np.equal(y.value, 0.0)  # nothing has underflowed
    own = 0.0 if is_exact else np.where(is_zero, 0.0, _rounded(value))
    crossed = _times(np.abs(x.value) + x.error, y.error) + _times(np.abs(y.value), x.error)
    return Bounded(value, crossed + own)


def _div(x: Bounded, y: Bounded) -> Bounded:
    value = np.divide(x.value, y.value)
    is_back = np.equal(value * y.value, x.value)  # as for 6 / 2
    is_exact = bool(is_back.all()) and _are_exact(value, y.value, np.abs(x.value))
    own = 0.0 if is_exact else _rounded(value)
    if _is_exact(x, y):
        return Bounded(value, own)
    room = np.abs(y.value) - y.error
    handed = (x.error + _times(np.abs(value), y.error)) / np.where(room > 0, room, 0.0)
    return Bounded(value, _known(handed + own))


def _where(condition: Bounded, chosen: Bounded, other: Bounded) -> Bounded:
    """Where rounding may have turned the condition, the truth may be the other branch."""
    is_taken = condition.value != 0
    value = ARRAYS.function("where")(is_taken, chosen.value, other.value)
    error: Number = np.where(is_taken, chosen.error, other.error)
    if not _is_exact(condition):
        is_open = np.greater(condition.error, 0) & ~(np.abs(condition.value) > condition.error)
        apart = np.abs(np.subtract(chosen.value, other.value))
        turned = _known(apart + np.maximum(chosen.error, other.error))
        error = np.where(is_open, turned, error)
    return Bounded(value, error)


def _scale(g: Bounded, local: Bounded) -> Bounded:
    """The guarded product: where g is exactly 0 the product is, whatever the local gradient is."""
    found = _mul(g, local)
    is_still = np.equal(g.value, 0.0) & np.equal(g.error, 0.0)
    return Bounded(
        ARRAYS.function("scale")(g.value, local.value),
        np.where(is_still, 0.0, _known(found.error))[()],
    )


def _compared(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Bounded]:
    def comparison(left: Any, right: Any) -> Bounded:
        x, y = bounded(left), bounded(right)  # the number of an operand is a plain one
        value = np.asarray(compare(x.value, y.value), dtype=float)[()]
        if _is_exact(x, y):
            return Bounded(value)
        slack = x.error + y.error
        is_open = (slack > 0) & ~(np.abs(np.subtract(x.value, y.value)) > slack)
        return Bounded(value, np.where(is_open, 1.0, 0.0))

    return comparison


def _power(x: Bounded, y: Bounded) -> Bounded:
    """An exact exponent, the usual one, needs no caution: the slope grows on one side only."""
    if not _is_exact(y):
        found: Bounded = _by_slopes(BUILT_IN["pow"])(x, y)
        return found
    value = np.float_power(x.value, y.value)
    if _is_exact(x) and np.ndim(y.value) == 0 and y.value == 2.0:
        return Bounded(value, _mul(x, x).error)
    size = np.abs(x.value)
    steepest = np.where(np.greater_equal(y.value, 1.0), size + x.error, size - x.error)
    slope = np.abs(y.value) * np.float_power(np.maximum(steepest, 0.0), y.value - 1.0)
    slope = np.where(np.equal(y.value, 0.0), 0.0, slope)
    own = _rounded(value, LIBRARY * BUILT_IN["pow"].ulps)
    return Bounded(value, _known(_times(BENT * slope, x.error) + own))


# ---------------------------------------------------------------- element by element


def _by_slopes(gate: Gate) -> Callable[..., Bounded]:
    """A gate without a text: its own rounding, and the slopes times the errors of operands."""
    function = ARRAYS.function(gate.name)

    def one(*xs: Bounded) -> Bounded:
        values = [x.value for x in xs]
        value = function(*values)
        error = _rounded(value, LIBRARY * gate.ulps) if gate.ulps else 0.0
        for k, x in enumerate(xs):
            if not _is_exact(x):
                error = error + _handed(gate, k, values, value, x)
        return Bounded(value, _known(error))

    return one


def _handed(gate: Gate, k: int, values: list[Number], out: Number, x: Bounded) -> Number:
    """What an operand's error makes of the value's."""
    if gate.jump:  # floor and its like
        near = np.abs(ARRAYS.text_function(gate, gate.jump)(*values)) <= x.error
        return np.where(near & np.greater(x.error, 0.0), 1.0 + x.error, 0.0)
    slope = np.abs(ARRAYS.text_function(gate, gate.local[k])(*values, out=out))
    if gate.kink:  # continuous, with a slope of another size on the other side
        slope = np.maximum(slope, 1.0)
    error = _times(BENT * slope, x.error)
    radius = gate.radius[k] if gate.radius else "inf"
    if radius != "inf":
        room = np.abs(ARRAYS.text_function(gate, radius)(*values, out=out))
        error = np.where(np.greater(x.error, CAUTION * room), np.inf, error)
    return error


def _winner(operands: list[Bounded]) -> Bounded:
    """The number of the first winner; uncertain where rounding hides which one it is."""
    out, *xs = operands
    value = ARRAYS.function("winner")([x.value for x in operands])
    if _is_exact(*operands):
        return Bounded(value)
    rivals: Number = 0
    for x in xs:
        rivals = rivals + (np.abs(np.subtract(x.value, out.value)) <= x.error + out.error)
    slack = sum(x.error for x in xs)
    return Bounded(value, np.where(np.greater(rivals, 1) & np.greater(slack, 0.0), np.inf, 0.0)[()])


def _extreme(name: str) -> Callable[[list[Bounded]], Bounded]:
    """The largest or smallest of several operands."""
    sign = 1.0 if name == "max" else -1.0

    def extreme(xs: list[Bounded]) -> Bounded:
        value = ARRAYS.function(name)([x.value for x in xs])
        if _is_exact(*xs):
            return Bounded(value)
        behind = [sign * np.subtract(value, x.value) for x in xs]
        above = reduce(np.maximum, [x.error - d for x, d in zip(xs, behind, strict=True)])
        below = reduce(np.minimum, [x.error + d for x, d in zip(xs, behind, strict=True)])
        return Bounded(value, _known(np.maximum(above, below)))

    return extreme


def _together(gate: str, reduction: str) -> Callable[[list[Bounded]], Bounded]:
    """A gate of several operands: bounded like the reduction of an array that holds them."""

    def function(xs: list[Bounded]) -> Bounded:
        values = np.stack(np.broadcast_arrays(*[x.value for x in xs]))
        errors = np.stack([np.broadcast_to(x.error, values.shape[1:]) for x in xs])
        found = BOUNDED.function(reduction)(Bounded(values, errors), ((0,), False))
        return Bounded(ARRAYS.function(gate)([x.value for x in xs]), found.error)

    return function


# ---------------------------------------------------------------- whole arrays


def _spread_error(x: Bounded) -> Number:
    """The errors in the shape of the value; 0.0 where all is exact."""
    return 0.0 if _is_exact(x) else np.broadcast_to(x.error, np.shape(x.value))


def _moved(name: str) -> Callable[..., Bounded]:
    """A gate that moves elements: it moves their errors in the same way."""
    move = STRUCTURE[name]

    def one(x: Bounded, *given: Any) -> Bounded:
        error = 0.0 if _is_exact(x) else move(_spread_error(x), *given)
        return Bounded(move(x.value, *given), error)

    return one


def _gathered(name: str) -> Callable[[list[Any]], Bounded]:
    """A list, or a concatenation, which has its axis in front."""
    gather = STRUCTURE[name]

    def one(parts: list[Any]) -> Bounded:
        xs = [x for x in parts if isinstance(x, Bounded)]
        lead = [x for x in parts if not isinstance(x, Bounded)]
        value = gather([*lead, *(x.value for x in xs)])
        if _is_exact(*xs):
            return Bounded(value)
        return Bounded(value, gather([*lead, *(
            np.broadcast_to(x.error, np.shape(x.value)) for x in xs
        )]))  # fmt: skip

    return one


def _put(x: Bounded, v: Bounded, at: tuple[Any, ...]) -> Bounded:
    error = np.array(np.broadcast_to(x.error, np.shape(x.value)))
    error[key(at)] = v.error
    return Bounded(STRUCTURE["put"](x.value, v.value, at), error)


def _scatter(x: Bounded, shape: Shape, at: tuple[Any, ...]) -> Bounded:
    scatter = ARRAYS.function("scatter")
    error = 0.0 if _is_exact(x) else scatter(x.error, shape, at)
    return Bounded(scatter(x.value, shape, at), error)


def _additions(x: Number, value: Number, axis: Any) -> int:
    """How many roundings an element of a sum may go through.

    Numpy adds what lies together in memory by halves, down to blocks of 128 that it adds in eight
    parts (its `pairwise_sum`); elsewhere one after the other.
    """
    count = int(np.size(x)) // max(1, int(np.size(value)))
    last = tuple(range(np.ndim(x) - len(axis[0]), np.ndim(x))) if isinstance(axis[0], tuple) else ()
    is_together = isinstance(x, np.ndarray) and x.flags.c_contiguous and last and axis[0] == last
    return min(count - 1, BLOCK + count.bit_length()) if is_together else count - 1


def _summed(name: str) -> Callable[..., Bounded]:
    """Sums of several elements, in whatever order numpy adds them."""
    add_up = ARRAYS.function(name)

    def one(x: Bounded, *given: Any) -> Bounded:
        value = add_up(x.value, *given)
        if name == "sum":
            count = _additions(x.value, value, given[0])
        else:
            count = len(x.value) if name == "trace" else np.size(x.value) // max(1, np.size(value))
        sizes = add_up(np.abs(x.value), *given)
        is_exact = count < 1 or (
            _is_short(x.value) and bool((sizes * SHORT < WHOLE).all())
        )  # fmt: skip
        handed = 0.0 if _is_exact(x) else add_up(_spread_error(x), *given)
        return Bounded(value, handed + (0.0 if is_exact else count * UNIT * sizes))

    return one


def _product(name: str) -> Callable[[Bounded, Bounded], Bounded]:
    """A matrix product; each element is a sum of as many products as there are columns."""
    multiply = ARRAYS.function(name)

    def dot(a: Number, b: Number) -> Number:
        """A product of bounds; what underflows in it leaves a trace."""
        found = multiply(a, b)
        low = np.min(a, where=a > 0, initial=np.inf) * np.min(b, where=b > 0, initial=np.inf)
        if low < NORMAL:
            count = np.shape(a)[-1]
            found = found + count * TINY * (multiply((a > 0) * 1.0, (b > 0) * 1.0) > 0)
        return found

    def one(x: Bounded, y: Bounded) -> Bounded:
        value = multiply(x.value, y.value)
        count = np.shape(x.value)[-1]
        left, right = np.abs(x.value), np.abs(y.value)
        is_exact = _is_short(x.value, y.value) and _are_exact(left, right, multiply(left, right))
        handed = (0.0 if is_exact else count * UNIT * right) + _spread_error(y)
        error = dot(left, handed) if np.ndim(handed) else 0.0
        if not _is_exact(x):
            error = error + dot(_spread_error(x), right + _spread_error(y))
        return Bounded(value, _known(error))

    return one


def _along(name: str) -> Callable[[Bounded, Axis], Bounded]:
    """The largest or smallest along axes."""
    sign = 1.0 if name == "amax" else -1.0

    def extreme(x: Bounded, axis: Axis) -> Bounded:
        value = ARRAYS.function(name)(x.value, axis)
        if _is_exact(x):
            return Bounded(value)
        best = ARRAYS.function(name)(x.value, (axis[0], True))
        behind = sign * (best - x.value)
        above = np.max(x.error - behind, axis=axis[0], keepdims=axis[1])
        below = np.min(x.error + behind, axis=axis[0], keepdims=axis[1])
        return Bounded(value, _known(np.maximum(above, below)))

    return extreme


def _first(x: Bounded, best: Bounded, axis: Axis) -> Bounded:
    """Which element is the first best; uncertain where rounding hides it."""
    value = ARRAYS.function("first")(x.value, best.value, axis)
    if _is_exact(x):
        return Bounded(value)
    error = np.broadcast_to(x.error, np.shape(x.value))
    may_win = np.abs(np.subtract(x.value, best.value)) <= error + best.error
    kept = (axis[0], True)
    rivals = np.sum(may_win, axis=axis[0], keepdims=True)
    slack = ARRAYS.function("amax")(np.where(may_win, error, 0.0), kept)
    return Bounded(value, np.where(may_win & (rivals > 1) & (slack > 0), np.inf, 0.0))


def _norm(x: Bounded, axis: Axis) -> Bounded:
    """No longer than the error is, as a vector."""
    value = ARRAYS.function("norm")(x.value, axis)
    count = np.size(x.value) // max(1, np.size(value))
    handed = 0.0 if _is_exact(x) else plain_norm(_spread_error(x), axis)
    return Bounded(value, _known(handed + (count / 2 + BUILT_IN["norm"].ulps) * UNIT * value))


def _lse(x: Bounded, axis: Axis) -> Bounded:
    """It moves by no more than the operand that moves most; the shift is added at the end."""
    value = ARRAYS.function("lse")(x.value, axis)
    count = np.size(x.value) // max(1, np.size(value))
    top = np.reshape(np.max(x.value, axis=axis[0], keepdims=True), reduced(np.shape(x.value), axis))
    own = UNIT * (count + BUILT_IN["lse"].ulps) + 2 * UNIT * (np.abs(value) + np.abs(top))
    own = np.where(np.isinf(value), 0.0, own)
    handed = 0.0 if _is_exact(x) else np.max(_spread_error(x), axis=axis[0], keepdims=axis[1])
    return Bounded(value, _known(handed + own))


def _constant(name: str) -> Callable[..., Bounded]:
    make = STRUCTURE[name]
    ulps = BUILT_IN[name].ulps
    return lambda *given: Bounded(value := make(*given), ulps * UNIT * np.abs(value))


class _Bounds(Arrays):
    """The arithmetic of numbers with bounds."""

    def __init__(self) -> None:
        names: dict[str, Any] = {
            "number": bounded,
            "add": _add, "sub": _sub, "mul": _mul, "div": _div, "neg": _neg,
            "where": _where, "scale": _scale, "pow": _power,
            **{name: _compared(function) for name, function in (
                ("lt", np.less), ("le", np.less_equal), ("gt", np.greater),
                ("ge", np.greater_equal), ("eq", np.equal), ("ne", np.not_equal),
            )},
            "winner": _winner, "max": _extreme("max"), "min": _extreme("min"),
            "hypot": _together("hypot", "norm"), "logsumexp": _together("logsumexp", "lse"),
            **{name: _moved(name) for name in ("reshape", "transpose", "index", "spread", "fill")},
            "list": _gathered("list"), "concatenate": _gathered("concatenate"),
            "put": _put, "scatter": _scatter,
            **{name: _summed(name) for name in ("sum", "sum_to", "trace")},
            "matmul": _product("matmul"), "mix": _product("mix"),
            "amax": _along("amax"), "amin": _along("amin"), "first": _first,
            "norm": _norm, "lse": _lse,
            **{name: _constant(name) for name in ("eye", "ramp", "randn")},
            **{name: self._of_shapes(function) for name, function in FUNCTIONS.items()},
        }  # fmt: skip
        names |= by_halving(names.__getitem__, bounded(1.0))
        spelling = {name: text for name, text in SPELLING.items() if name != "product"}
        super().__init__("bounded", names, spelling, bounded)
        self.zero = ZERO

    def static(self, value: Any) -> Any:
        """A tuple as it is; an array that is a constant is exact."""
        return value if isinstance(value, tuple) else bounded(value)

    @staticmethod
    def _of_shapes(function: Callable[..., Any]) -> Callable[..., Any]:
        def of_values(*xs: Any) -> Any:
            found = function(*[np.shape(x.value) if isinstance(x, Bounded) else x for x in xs])
            return bounded(found) if isinstance(found, float) else found

        return of_values

    def _made(self, gate: Gate) -> Callable[..., Any]:
        """The gate as a function of bounded numbers; other operands are taken as exact."""
        return self.text_function(gate, gate.forward) if gate.forward else _by_slopes(gate)


BOUNDED = _Bounds()
