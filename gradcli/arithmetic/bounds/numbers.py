"""Bounds of single numbers, over floats and over many digits.

What most gates of a program are made of is written out here once more, for a single number and
its ordinary case: there an `if` costs less than a call. Whatever is zero, infinite or too small
is left to the rules for every base.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import inf
from operator import not_
from typing import Any

from gradcli.arithmetic.arithmetic import Arithmetic
from gradcli.arithmetic.bounds.bounded import (
    COMPARE,
    ENDLESS,
    EVER_EXACT,
    NO_ERROR,
    STRAIGHT,
    TURNING,
    Base,
    Bounded,
    Bounds,
    Number,
)
from gradcli.arithmetic.compiler import CALLS
from gradcli.arithmetic.floats import (
    IEEE,
    LEAST_NORMAL,
    LEAST_SUBNORMAL,
    TURNS_LOST,
    UNIT_ROUNDOFF,
)
from gradcli.gates.row import Gate
from gradcli.gates.table import BUILT_IN

Operation = Callable[..., Bounded]

MARGIN = 2.0**64  # by which results of a gate with a text are larger than its parts, at most
MOST_OF_FLOATS = 1023.0  # binary exponent that the largest float64 has
SURE_OF_TURNS = 2.0**-30  # from it to its inverse, sizes that turns taken off do not round
OF_TURNS = {"cot", "sec", "csc"}  # gates whose parts know how much such turns lose
NAN = (0, 0, -123, -1)  # what mpmath's numbers hold where they are none


class NumberBounds(Bounds):
    """Bounded numbers, one by one: a condition is true or false."""

    def __init__(self, base: Base, kind: type[Bounded] = Bounded) -> None:
        spelling = {name: text for name, text in CALLS.items() if name != "product"}
        spelling["route"] = "route({}, {})"
        spelling["receive"] = "gradients[{0}] = received(gradients[{0}], upstream, {1})"
        super().__init__(base, {}, spelling, kind, lambda base: NumberBounds(base, kind))
        add, sub = _sums(self)
        self.plus = add
        mul = _product(self)
        scale = _guarded(self, mul)
        self._names |= {
            "add": add, "sub": sub, "mul": mul, "div": _quotient(self), "pow": _power(self),
            "scale": scale, "received": _received(self, add, scale),
            "route": self.route, "winner": _winner(self),
            "max": _extreme(self, "max"), "min": _extreme(self, "min"),
            **{name: _comparison(self, name) for name in COMPARE},
            **{name: self.moving_together(BUILT_IN[name]) for name in ("hypot", "logsumexp")},
        }  # fmt: skip

    def exactly(self, value: Any) -> Bounded:
        """A number of the base as one that is exact."""
        return self.measured(self.plain.number(value), NO_ERROR)

    def measured(self, value: Number, error: Number) -> Bounded:
        """A number whose error is known, with the error of its own that an infinity has."""
        return self.pair(value, error if error or abs(value) < inf else ENDLESS)

    def endless(self, out: Bounded, x: Bounded, y: Bounded, is_scaled: bool = False) -> Bounded:
        """A result, exact where it is as infinite as an operand."""
        found = super().endless(out, x, y, is_scaled)
        return self.measured(found.value, found.error)

    def bounded(self, gate: Gate) -> Operation:
        """A smooth gate by its slopes, which is closer than its operations and costs less."""
        if gate.radius and not gate.forward:
            return self.by_slopes(gate)
        is_of_one = len(gate.operands) == 1 and gate.name not in OF_TURNS
        if not (gate.radius and gate.ulps > 1 and is_of_one):
            return super().bounded(gate)
        number = self.plain.number
        low, high = number(LEAST_NORMAL * MARGIN), number(2.0**MOST_OF_FLOATS)
        careful = _where_stated(super().by_slopes(gate), low, high, super().bounded(gate))
        return _of_one(self, gate, careful, low, high)

    def by_slopes(self, gate: Gate) -> Operation:
        """A gate of one operand in its ordinary case, any other by the rules for every base."""
        careful = super().by_slopes(gate)
        if len(gate.operands) > 1:
            return careful
        low, high = self.base.normal, inf
        if self.base.turned and gate.name in TURNING:
            low, high = SURE_OF_TURNS, 1 / SURE_OF_TURNS
        return _of_one(self, gate, careful, low, high)

    def where(self, condition: Bounded, chosen: Bounded, other: Bounded) -> Bounded:
        """The branch itself; without a bound where rounding may have turned the condition.

        Where a number has no bound, a limit is computed instead.
        """
        branch = chosen if condition.value else other
        if condition.error and not abs(condition.value) > condition.error:
            return self.pair(branch.value, inf)
        return branch

    def jumping(self, gate: Gate) -> Operation:
        """Floor and its like, without a bound where rounding hides the side of the jump."""
        rule = super().jumping(gate)

        def bounded(x: Bounded) -> Bounded:
            out = rule(x)
            return self.pair(out.value, inf) if out.error else out

        return bounded

    def route(self, g: Bounded, local: Bounded) -> Bounded:
        """All of g or nothing at all; without a bound where rounding hides which."""
        if local.error:
            return self.pair(g.value if local.value else self.plain.zero, inf)
        return g if local.value else self.zero

    def moving_together(self, gate: Gate) -> Operation:
        """A gate of several operands that moves by no more than they do together."""
        evaluate = self.plain.function(gate.name, gate.table)

        def bounded(xs: list[Bounded]) -> Bounded:
            values = [x.value for x in xs]
            out = evaluate(values)
            return self.pair(out, sum([x.error for x in xs], self.own(gate, values, out)))

        return bounded


# ---------------------------------------------------------------- operators


def _sums(rules: NumberBounds) -> tuple[Operation, Operation]:
    """Sums and differences: with 0, or of exact numbers, they may be exact; others are rounded."""
    pair, unit = rules.pair, rules.unit

    def add(x: Bounded, y: Bounded) -> Bounded:
        a, b = x.value, y.value
        out = a + b
        d, e = x.error, y.error
        error = d + e if d and e else d or e
        if ((a and b) or not abs(out) < inf) and (error or out - a != b or out - b != a):
            error += unit * abs(out)
            if d is ENDLESS or e is ENDLESS:
                return rules.endless(pair(out, error), x, y)
        return pair(out, error)

    def sub(x: Bounded, y: Bounded) -> Bounded:
        a, b = x.value, y.value
        out = a - b
        d, e = x.error, y.error
        error = d + e if d and e else d or e
        if ((a and b) or not abs(out) < inf) and (error or a - out != b or out + b != a):
            error += unit * abs(out)
            if d is ENDLESS or e is ENDLESS:
                return rules.endless(pair(out, error), x, y)
        return pair(out, error)

    return add, sub


def _product(rules: NumberBounds) -> Operation:
    pair, unit, normal, careful = rules.pair, rules.unit, rules.base.normal, rules.mul
    bits, precision = rules.base.bits, rules.base.precision

    def mul(x: Bounded, y: Bounded) -> Bounded:
        a, d, b, e = x.value, x.error, y.value, y.error
        out = a * b
        lost = unit * abs(out)
        if d is ENDLESS or e is ENDLESS:
            return careful(x, y)
        if d or e:
            error = (abs(a) + d) * e + abs(b) * d + lost
            if error > normal:
                return pair(out, error)
        elif normal < lost < inf:
            return pair(out, NO_ERROR if bits(a) + bits(b) <= precision else lost)
        if not out and ((not a and not d) or (not b and not e)):
            return pair(out, NO_ERROR)
        return careful(x, y)

    return mul


def _quotient(rules: NumberBounds) -> Operation:
    pair, unit, normal, careful = rules.pair, rules.unit, rules.base.normal, rules.div

    def div(x: Bounded, y: Bounded) -> Bounded:
        a, d, b, e = x.value, x.error, y.value, y.error
        room = abs(b) - e
        if (d or e) and room > 0 and d is not ENDLESS:
            out = a / b
            size = abs(out)
            spread = d + size * e
            error = spread / room + unit * size
            if size > normal and spread > normal and error > normal:
                return pair(out, error)
        return careful(x, y)

    return div


def _power(rules: NumberBounds) -> Operation:
    """Powers of an uncertain number with an exact exponent, and exact ones of few bits."""
    pair, normal, careful = rules.pair, rules.base.normal, rules.power
    evaluate, own = rules.plain.function("pow"), BUILT_IN["pow"].ulps * rules.unit
    bits, precision = rules.base.bits, rules.base.precision

    def power(x: Bounded, y: Bounded) -> Bounded:
        a, d, b = x.value, x.error, y.value
        size = abs(a)
        if not (d or y.error) and 1 < b <= precision and b == int(b) and bits(a) * b <= precision:
            out = evaluate(a, b)
            if normal < abs(out) < inf:
                return pair(out, NO_ERROR)
        if y.error or not b or not 0 < 2 * d < size:
            return careful(x, y)
        out = evaluate(a, b)
        slope = abs(b) * evaluate(size + d if b >= 1 else size - d, b - 1)
        error = own * abs(out) + STRAIGHT * slope * d
        if abs(out) > normal and slope > normal and error > normal:
            return pair(out, error)
        return careful(x, y)

    return power


# ---------------------------------------------------------------- gradients


def _guarded(rules: NumberBounds, mul: Operation) -> Operation:
    pair, nought = rules.pair, rules.plain.zero

    def scale(g: Bounded, local: Bounded) -> Bounded:
        """The guarded product, which has no bound where an exact 0 meets a slope without one.

        There reverse mode multiplies zero by infinity, and the truth is a limit.
        """
        if not g.value and not (g.error and abs(local.value) < inf):
            is_known = not g.error and abs(local.value) + local.error < inf
            return pair(nought, NO_ERROR if is_known else inf)
        if g.error == inf:
            return pair(g.value * local.value, inf)  # of nothing known, 0 times is not 0
        if not g.error and abs(g.value) == 1:
            return local if g.value == 1 else pair(-local.value, local.error)
        if not local.error and abs(local.value) == 1:
            return g if local.value == 1 else pair(-g.value, g.error)
        return mul(g, local)

    return scale


def _received(rules: NumberBounds, add: Operation, scale: Operation) -> Operation:
    pair, unit, normal, zero = rules.pair, rules.unit, rules.base.normal, rules.zero

    def received(total: Bounded, g: Bounded, local: Bounded) -> Bounded:
        """A gradient with one more contribution, in one step where nothing is exact."""
        d, e = g.error, local.error
        if d and e:
            a, b = g.value, local.value
            out = a * b
            error = (abs(a) + d) * e + abs(b) * d + unit * abs(out)
            if a and error > normal:
                if total is zero:
                    return pair(out, error)
                value = total.value + out
                return pair(value, error + total.error + unit * abs(value))
        product = scale(g, local)
        return product if total is zero else add(total, product)

    return received


# ---------------------------------------------------------------- choices


def _comparison(rules: NumberBounds, name: str) -> Operation:
    compare, careful = COMPARE[name], rules.compared(COMPARE[name])
    true, false = rules.exactly(1.0), rules.exactly(0.0)

    def comparison(left: Any, right: Bounded) -> Bounded:
        x = rules.literal(left) if left.__class__ is int else left
        slack = x.error + right.error
        if slack and x is not right and not abs(x.value - right.value) > slack:
            return careful(x, right)  # what is compared with itself ties for certain
        return true if compare(x.value, right.value) else false

    return comparison


def _extreme(rules: NumberBounds, name: str) -> Operation:
    careful, sign = rules.extreme(name, 1.0 if name == "max" else -1.0), 1 if name == "max" else -1

    def extreme(xs: list[Bounded]) -> Bounded:
        if len(xs) == 2:
            x, y = xs
            ahead = sign * (x.value - y.value)
            if abs(ahead) > x.error + y.error:
                return x if ahead > 0 else y
        elif len(xs) > 2:
            best = xs[0]
            for x in xs:
                if sign * (x.value - best.value) > 0:
                    best = x
            others = (x for x in xs if x is not best)
            if all(sign * (best.value - x.value) > x.error + best.error for x in others):
                return best
        return careful(xs)

    return extreme


def _winner(rules: NumberBounds) -> Operation:
    first, second = rules.exactly(0.0), rules.exactly(1.0)

    def winner(operands: list[Bounded]) -> Bounded:
        if len(operands) == 3:
            out, x, y = operands
            if abs(x.value - y.value) > x.error + y.error:
                return first if x.value == out.value else second
        return rules.winner(operands)

    return winner


# ---------------------------------------------------------------- gates of one operand


def _where_stated(
    by_slopes: Operation, low: Number, high: Number, by_parts: Operation
) -> Operation:
    """By slopes; and part by part beyond the sizes that the table speaks of, those of floats."""

    def bounded(x: Bounded, out: Number) -> Bounded:
        estimate = by_slopes(x, out=out)
        return estimate if low < abs(out) < high else by_parts(x)

    return bounded


def _of_one(
    rules: NumberBounds, gate: Gate, careful: Operation, low: Number, high: Number
) -> Operation:
    """A gate as its rounding, and its slope times the error of the operand, at usual sizes."""
    evaluate, pair, normal = (
        rules.plain.function(gate.name, gate.table),
        rules.pair,
        rules.base.normal,
    )
    own, is_ever_exact = gate.ulps * rules.unit, gate.name in EVER_EXACT
    texts: list[Any] = []  # slope and radius, compiled when they are needed

    def bounded(x: Bounded) -> Bounded:
        a, d = x.value, x.error
        out = evaluate(a)
        size = abs(out)
        if not low < size < high or (is_ever_exact and not d):
            return careful(x, out=out)
        if not d:
            return pair(out, own * size)
        slope, room = texts or _compiled(rules, gate, texts)
        if d <= rules.fine * (room if room.__class__ is float else room(a, out=out)):
            moved = STRAIGHT * abs(slope(a, out=out)) * d
            if moved > normal:
                return pair(out, own * size + moved)
        return careful(x, out=out)

    return bounded


def _compiled(rules: NumberBounds, gate: Gate, texts: list[Any]) -> list[Any]:
    slope, room = gate.local[0], gate.radius[0]
    read = rules.plain.text_function
    texts[:] = [read(gate, slope), float(room) if room.isdigit() else read(gate, room)]
    return texts


def _bits_of_float(x: float) -> int:
    """How many bits x has from its first 1 to its last; 0 for 0."""
    if not abs(x) < inf:
        return 0
    top = abs(x.as_integer_ratio()[0])
    return (top // (top & -top)).bit_length() if top else 0


FLOAT_BOUNDS = NumberBounds(Base(
    IEEE, 53, UNIT_ROUNDOFF, LEAST_NORMAL, LEAST_SUBNORMAL, 1.0, lambda x: x > LEAST_NORMAL,
    lambda condition, one, other: one if condition else other, bool, not_, max, min, _bits_of_float,
    TURNS_LOST,
))  # fmt: skip


class ValueBounds(NumberBounds):
    """Bounds of values alone: a choice is as uncertain as its branches are apart."""

    where = Bounds.where
    jumping = Bounds.jumping


class BoundedDigits(Bounded):
    """A number in many digits; what is not a number is seen without mpmath's comparison."""

    __slots__ = ()

    def __init__(self, value: Any, error: Any = NO_ERROR) -> None:
        self.value = value
        is_float = error.__class__ is float
        is_nan = error != error if is_float else error._mpf_ == NAN
        self.error = inf if is_nan else error


@lru_cache(maxsize=64)
def bounds_of_digits(arithmetic: Arithmetic) -> NumberBounds:
    """Bounds over an arithmetic of many digits, in which nothing underflows."""
    return NumberBounds(_base_of_digits(arithmetic), BoundedDigits)


@lru_cache(maxsize=64)
def value_bounds_of_digits(arithmetic: Arithmetic) -> NumberBounds:
    """Bounds of values alone over an arithmetic of many digits."""
    return ValueBounds(_base_of_digits(arithmetic), BoundedDigits)


def _base_of_digits(arithmetic: Arithmetic) -> Base:
    mp = arithmetic.number(1.0).context
    return Base(
        arithmetic, mp.prec, mp.mpf(2) ** -mp.prec, mp.zero, mp.zero, 1.0, lambda x: x > 0,
        lambda condition, one, other: one if condition else other, bool, not_, max, min,
        lambda x: x._mpf_[3],
    )  # fmt: skip
