"""The rules of bounds, once for every base: what a gate makes of the errors of its operands.

They are written so that a number may be a float, an mpmath number or an array. The ordinary case
is a formula; where a part of it is zero, infinite or too small for float64, `is_ordinary` says so
and its careful form is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from math import inf
from operator import eq, ge, gt, le, lt, ne, or_
from typing import Any

from gradcli.arithmetic.arithmetic import Arithmetic, Forward
from gradcli.arithmetic.compiler import Spelling
from gradcli.gates.row import Gate
from gradcli.gates.table import BUILT_IN

Number = Any  # a float, a number in many digits, or an array

NO_ERROR = 0.0  # the error of what is exact: this very object
ENDLESS = float("0")  # that of a number which is infinite and did not overflow: this object
CAUTION = 2.0**-8  # an error above this part of a gate's radius is not small
BENT = 1.0 + 2.0**-6  # by how much more than its bound says a slope may change within a small error
STRAIGHT = 1.0 + 2.0**-16  # and all it changes within one whose square is below a rounding
# Gates that give 0 at an operand that is not 0, and never because they underflow.
NEVER_UNDERFLOW = {"log", "log2", "log10", "acos", "acosh", "lgamma", "digamma"}
NEVER_ZERO = {"logsumexp"}  # which is 0 beside an operand 0 only because the others underflow
ONE_AT_ZERO = {"exp", "exp2", "cos", "cosh"}
EVER_EXACT = ONE_AT_ZERO | {"sqrt", "cbrt", "gamma"}  # of the gates without a text
FACTORIALS = 18  # at whole numbers up to it gamma is a whole number that float64 has
TURNING = {"sin", "cos", "tan"}  # gates that first take whole turns off their operand
FEW_TURNS = 2.0**26  # of an operand up to it nothing is lost by that
COMPARE = {"lt": lt, "le": le, "gt": gt, "ge": ge, "eq": eq, "ne": ne}


class Base:
    """The arithmetic below the bounds, and all that the rules need to know of it."""

    __slots__ = (
        "arithmetic", "bits", "choose", "every", "is_nothing", "is_ordinary", "larger",
        "normal", "precision", "smaller", "tiny", "turned", "ulp_factor", "unit",
    )  # fmt: skip

    def __init__(
        self, arithmetic: Arithmetic, precision: int, unit: Number, normal: Number, tiny: Number,
        ulp_factor: float, is_ordinary: Callable[[Number], bool],
        choose: Callable[[Any, Any, Any], Any], every: Callable[[Any], bool],
        is_nothing: Callable[[Number], bool], larger: Callable[[Number, Number], Number],
        smaller: Callable[[Number, Number], Number], bits: Callable[[Number], Any],
        turned: float = 0.0,
    ) -> None:  # fmt: skip
        self.arithmetic = arithmetic
        self.precision = precision  # bits of a number
        self.unit = unit  # the unit roundoff
        self.normal = normal  # down from it a result may have lost `tiny`
        self.tiny = tiny
        self.ulp_factor = ulp_factor  # by which gates may round more than the table says
        self.is_ordinary = is_ordinary  # whether a size is above `normal` everywhere
        self.choose = choose  # by a condition the one or the other
        self.every = every  # whether a condition holds everywhere
        self.is_nothing = is_nothing  # whether an error is that of an exact number
        self.larger = larger
        self.smaller = smaller
        self.bits = bits  # how many significant ones a number has
        self.turned = turned  # how far many turns taken off an operand leave it off


class Bounded:
    """A number and a bound on its error, which is infinite where there is none."""

    __slots__ = ("error", "value")
    rules: Bounds

    def __init__(self, value: Number, error: Number = NO_ERROR) -> None:
        self.value = value
        self.error = error if error == error else inf

    def __add__(self, other: Bounded) -> Bounded:
        """The sum; the zero that nothing has been added to yet leaves the other as it is."""
        return other if self is self.rules.zero else self.rules.plus(self, other)

    def __sub__(self, other: Bounded) -> Bounded:
        """The difference."""
        return self.rules.sub(self, other)


class Bounds(Arithmetic):
    """The arithmetic of bounded numbers over a base; a subclass adds what its base has besides."""

    def __init__(
        self, base: Base, names: dict[str, Any], spelling: Spelling, kind: type[Bounded],
        anew: Callable[[Base], Bounds],
    ) -> None:  # fmt: skip
        self.base, self.plain = base, base.arithmetic
        self.unit, self.is_ordinary, self.choose = base.unit, base.is_ordinary, base.choose
        self.fine = base.unit**0.5 / 8  # of a radius: the square of a smaller error is no rounding
        self.pair: Callable[..., Bounded] = type(
            "Bounded", (kind,), {"__slots__": (), "rules": self}
        )
        self._divide = self.plain.function("div")
        self.plus: Callable[[Bounded, Bounded], Bounded] = self.add
        self._literals: dict[float, Bounded] = {}
        self._anew = anew  # makes another of these
        self._of_slopes: Bounds | None = None
        rules = {
            "number": self.literal, "add": self.add, "sub": self.sub, "mul": self.mul,
            "div": self.div, "neg": self.neg, "where": self.where, "scale": self.scale,
            "abs": self.absolute, "pow": self.power, "winner": self.winner,
            "atan2": self.angle(),
            "max": self.extreme("max", 1.0), "min": self.extreme("min", -1.0),
            **{name: self.compared(function) for name, function in COMPARE.items()},
        }  # fmt: skip
        super().__init__(f"bounds of {self.plain.name}", rules | names, spelling, self.exactly)

    def exactly(self, value: Any) -> Bounded:
        """A number of the base as one that is exact."""
        return self.pair(self.plain.number(value))

    def literal(self, value: float) -> Bounded:
        """A literal of a text of the gate table."""
        if value not in self._literals:
            self._literals[value] = self.exactly(value)
        return self._literals[value]

    def quiet(self) -> Any:
        """The context in which the base does not warn."""
        return self.plain.quiet()

    def _made(self, gate: Gate) -> Callable[..., Any]:
        """The gate as a function of bounded numbers."""
        return self.bounded(gate)

    def bounded(self, gate: Gate) -> Callable[..., Any]:
        """A gate with a text operation by operation, any other by its slopes or its jumps."""
        if gate.forward:
            return self.text_function(gate, gate.forward)
        return self.jumping(gate) if gate.jump else self.by_slopes(gate)

    def forward(self, gate: Gate, count: int) -> Forward:
        """The gate's value; there is nothing to compile."""
        function = self.of_gate(gate)
        if gate.is_variadic:
            return lambda values, operands: function([values[k] for k in operands])
        if count == 1:
            return lambda values, operands: function(values[operands[0]])
        if count == 2:
            return lambda values, operands: function(values[operands[0]], values[operands[1]])
        return lambda values, operands: function(*[values[k] for k in operands])

    def are_exact(self, *xs: Bounded) -> bool:
        """Whether none of these numbers has an error."""
        return all(self.base.is_nothing(x.error) for x in xs)

    # ---------------------------------------------------------------- what is lost

    def rounding(self, out: Number, is_zero: Any, ulps: float = 1.0) -> Number:
        """The error of rounding to `out`; 0 where `is_zero` says that the exact result is 0."""
        size = abs(out)
        lost = ulps * self.unit * size
        if self.is_ordinary(size):
            return lost
        return lost + self.base.tiny * self.choose(is_zero, 0.0, size <= self.base.normal)

    def times(self, size: Number, error: Number) -> Number:
        """A product of bounds: 0 is stronger than infinity, and nothing underflows to 0."""
        product = size * error
        if self.is_ordinary(product):
            return product
        is_zero = (size == 0.0) | (error == 0.0)
        return self.choose(
            is_zero, 0.0, product + self.base.tiny * (product <= self.base.normal)
        )  # fmt: skip

    def is_exact_product(self, a: Number, b: Number, out: Number) -> Any:
        """Whether a product has lost nothing: it has room for the bits of both factors."""
        m, n = self.base.bits(a), self.base.bits(b)
        is_short = m + n <= self.base.precision
        is_in_range = (abs(out) > self.base.normal) & (abs(out) < inf)
        return (is_short & is_in_range) | ((out == 0.0) & ((a == 0.0) | (b == 0.0)))

    def is_exact_quotient(self, a: Number, b: Number, out: Number) -> Any:
        """Whether a quotient has lost nothing: times the divisor it is the dividend."""
        return (out * b == a) & self.is_exact_product(out, b, a)

    # ---------------------------------------------------------------- operators

    def add(self, x: Bounded, y: Bounded) -> Bounded:
        """The sum; exact where both operands can be had back from it (Knuth's TwoSum)."""
        a, b = x.value, y.value
        out = a + b
        is_rounded = (out - a != b) | (out - b != a)
        total = self.pair(out, x.error + y.error + self.unit * abs(out) * is_rounded)
        return total if self.is_bounded(total) else self.endless(total, x, y)

    def sub(self, x: Bounded, y: Bounded) -> Bounded:
        """The difference; exact where both operands can be had back from it."""
        a, b = x.value, y.value
        out = a - b
        is_rounded = (a - out != b) | (out + b != a)
        total = self.pair(out, x.error + y.error + self.unit * abs(out) * is_rounded)
        return total if self.is_bounded(total) else self.endless(total, x, y)

    def neg(self, x: Bounded) -> Bounded:
        """The number with the other sign."""
        return self.pair(-x.value, x.error)

    def absolute(self, x: Bounded) -> Bounded:
        """|x|, whose error is that of x also where the sign is not certain."""
        return self.pair(abs(x.value), x.error)

    def mul(self, x: Bounded, y: Bounded) -> Bounded:
        """The product; its error includes the product of both errors."""
        a, d, b, e = x.value, x.error, y.value, y.error
        out = a * b
        error = (abs(a) + d) * e + abs(b) * d + self.unit * abs(out)
        if self.are_exact(x, y):
            own = self.rounding(out, (a == 0.0) | (b == 0.0))
            error = self.choose(self.is_exact_product(a, b, out), 0.0, own)
        elif not self.is_ordinary(error):
            own = self.rounding(out, (a == 0.0) | (b == 0.0))
            error = self.times(abs(a) + d, e) + self.times(abs(b), d) + own
        product = self.pair(out, error)
        return product if self.is_bounded(product) else self.endless(product, x, y, True)

    def div(self, x: Bounded, y: Bounded) -> Bounded:
        """The quotient; the error of the divisor makes it smaller, and must not reach zero."""
        a, d, b, e = x.value, x.error, y.value, y.error
        out = self._divide(a, b)
        own = self.rounding(out, a == 0.0)
        if self.are_exact(x, y):
            error = self.choose(self.is_exact_quotient(a, b, out), 0.0, own)
            return self._quotient(self.pair(out, error), x, y)
        spread = d + self.times(abs(out), e)
        handed = self._divide(spread, self.base.larger(abs(b) - e, 0.0))
        is_lost = (handed <= self.base.normal) & (spread > 0.0)
        return self._quotient(self.pair(out, handed + own + self.base.tiny * is_lost), x, y)

    def _quotient(self, out: Bounded, x: Bounded, y: Bounded) -> Bounded:
        return out if self.is_bounded(out) else self.endless(out, x, y, True)

    def is_bounded(self, x: Bounded) -> bool:
        """Whether the error is finite, of every element."""
        return bool(x.error < inf)

    def endless(self, out: Bounded, x: Bounded, y: Bounded, is_scaled: bool = False) -> Bounded:
        """A result, exact where it is as infinite as an operand: what overflows has no bound.

        Masks are such numbers: -inf before a softmax. An operand that scales must not be 0.
        """
        were = [(abs(z.value) == inf) & (z.error < inf) for z in (x, y)]
        is_exact = (were[0] | were[1]) & (x.error < inf) & (y.error < inf) & (abs(out.value) == inf)
        if is_scaled:
            is_exact = is_exact & (abs(x.value) > x.error) & (abs(y.value) > y.error)
        return self.pair(out.value, self.choose(is_exact, 0.0, out.error))

    def scale(self, g: Bounded, local: Bounded) -> Bounded:
        """The guarded product: exactly 0 where g is, whatever the local gradient is."""
        is_still = (g.value == 0.0) & (g.error == 0.0)
        out = self.plain.function("scale")(g.value, local.value)
        return self.pair(out, self.choose(is_still, 0.0, self.mul(g, local).error))

    # ---------------------------------------------------------------- choices

    def compared(self, compare: Callable[[Number, Number], Any]) -> Callable[[Any, Any], Bounded]:
        """A comparison; its error is 1 where rounding may have turned it."""
        true, false = self.plain.number(1.0), self.plain.number(0.0)

        def comparison(left: Any, right: Any) -> Bounded:
            x, y = (z if isinstance(z, Bounded) else self.literal(z) for z in (left, right))
            slack = x.error + y.error
            is_sure = (slack == 0.0) | (abs(x.value - y.value) > slack) | (x is y)
            is_so = compare(x.value, y.value)
            return self.pair(self.choose(is_so, true, false), self.choose(is_sure, 0.0, 1.0))

        return comparison

    def where(self, condition: Bounded, chosen: Bounded, other: Bounded) -> Bounded:
        """The branch; where rounding may have turned the condition, its error reaches the other."""
        is_taken = condition.value != 0.0
        out = self.choose(is_taken, chosen.value, other.value)
        error = self.choose(is_taken, chosen.error, other.error)
        if not self.are_exact(condition):
            is_sure = (condition.error == 0.0) | (abs(condition.value) > condition.error)
            apart = abs(chosen.value - other.value) + self.base.larger(chosen.error, other.error)
            error = self.choose(is_sure, error, apart)
        return self.pair(out, error)

    def winner(self, operands: list[Bounded]) -> Bounded:
        """The number of the first winner; without a bound where rounding hides which one it is."""
        out, *xs = operands
        number = self.plain.function("winner")([x.value for x in operands])
        if self.are_exact(*xs):
            return self.pair(number)
        behind = sum(1 * (abs(x.value - out.value) > x.error + out.error) for x in xs)
        rivals = len(xs) - behind  # also where both have overflowed
        is_open = (rivals > 1) & (sum(x.error for x in xs) > 0.0)
        return self.pair(number, self.choose(is_open, inf, 0.0))

    def extreme(self, name: str, sign: float) -> Callable[[list[Bounded]], Bounded]:
        """The largest or smallest of several operands."""
        larger, smaller = self.base.larger, self.base.smaller

        def extreme(xs: list[Bounded]) -> Bounded:
            out = self.plain.function(name)([x.value for x in xs])
            if self.are_exact(*xs):
                return self.pair(out)
            behind = [sign * (out - x.value) for x in xs]
            above = reduce(larger, [x.error - d for x, d in zip(xs, behind, strict=True)])
            below = reduce(smaller, [x.error + d for x, d in zip(xs, behind, strict=True)])
            return self.pair(out, self.choose(out == out, larger(above, below), inf))

        return extreme

    # ---------------------------------------------------------------- gates without a text

    def by_slopes(self, gate: Gate) -> Callable[..., Bounded]:
        """A gate as its own rounding, and its slopes times the errors of its operands.

        Who knows the value of the gate already may hand it over.
        """
        evaluate = self.plain.function(gate.name, gate.table)

        def bounded(*xs: Bounded, out: Number = None) -> Bounded:
            values = [x.value for x in xs]
            out = evaluate(*values) if out is None else out
            error = self.own(gate, values, out)
            if gate.name in EVER_EXACT and self.are_exact(*xs):
                return self.pair(out, self.choose(self.is_exact(gate, values[0], out), 0.0, error))
            for k, x in enumerate(xs):
                if not self.are_exact(x):
                    error = error + self.handed(gate, k, xs, self.pair(out, error))
            return self.pair(out, error)

        return bounded

    def angle(self) -> Callable[[Bounded, Bounded], Bounded]:
        """The gate atan2; without a bound where rounding hides the side of its cut, x < 0 at y = 0.

        An exact 0 is on neither side, and no number has the sign of a -0.0, which ceil(-0.5) is.
        """
        smooth = self.by_slopes(BUILT_IN["atan2"])

        def bounded(y: Bounded, x: Bounded) -> Bounded:
            out = smooth(y, x)
            is_signed = (out.value < 0.0) | ((x.value == 0.0) & (out.value != 0.0))
            is_open = (y.value == 0.0) & is_signed
            if not self.are_exact(y):
                is_near = (y.error > 0.0) & (abs(y.value) <= y.error)
                is_open = is_open | (is_near & (x.value - x.error < 0.0))
            return self.pair(out.value, self.choose(is_open, inf, out.error))

        return bounded

    def own(self, gate: Gate, values: list[Number], out: Number) -> Number:
        """The rounding error of a gate; a 0 that follows from an operand 0 has none."""
        size = abs(out)
        lost = gate.ulps * self.base.ulp_factor * self.unit * size
        if self.base.turned and gate.name in TURNING:  # by the slope of tan, the steepest of them
            is_far = abs(values[0]) > FEW_TURNS
            lost = lost + self.base.turned * (1.0 + size * size) * is_far
        if self.is_ordinary(size) or gate.name in NEVER_UNDERFLOW:
            return lost
        is_zero = (out == 0.0) & reduce(or_, [(x == 0.0) | (abs(x) == inf) for x in values])
        is_zero = is_zero & (gate.name not in NEVER_ZERO)
        return lost + self.base.tiny * self.choose(is_zero, 0.0, size <= self.base.normal)

    def is_exact(self, gate: Gate, x: Number, out: Number) -> Any:
        """Whether the gate of an exact number has lost nothing."""
        if gate.name in ONE_AT_ZERO:
            return x == 0.0
        if gate.name == "gamma":
            whole = self.plain.function("floor")
            return (x > 0.0) & (x <= FACTORIALS) & (x == whole(x)) & (out == whole(out))
        square = out * out
        if gate.name == "sqrt":
            return (square == x) & self.is_exact_product(out, out, x)
        is_exact = self.is_exact_product(out, out, square) & self.is_exact_product(square, out, x)
        return (square * out == x) & is_exact

    def handed(self, gate: Gate, k: int, xs: Sequence[Bounded], out: Bounded) -> Number:
        """The part of the error of `out` that comes from operand number k.

        `out` does not include that part yet. Where the error is not tiny against the gate's radius
        the slope may change within it: then the slope is computed with its own bound.
        """
        text, error = gate.local[k], xs[k].error
        if text == "0":
            return inf  # the order of polygamma
        values = [x.value for x in xs]
        slope = abs(self.plain.text_function(gate, text)(*values, out=out.value))
        room = self._room(gate, k, values, out.value)
        is_finite = error < inf  # a slope of 0 at infinity says nothing of what overflowed
        if self.base.every((error <= self.fine * room) & is_finite):
            return self.times(STRAIGHT * slope, error)
        is_small = (error <= CAUTION * room) & is_finite
        if self._of_slopes is not self:
            out = self.pair(out.value, out.error + self.times(BENT * slope, error))
            slack = self._slopes().text_function(gate, text)(*xs, out=out).error
            is_small = is_small & (slack <= self.base.larger(slope, 1.0))  # no pole is near
            slope = slope + slack
        return self.choose(is_small, self.times(BENT * slope, error), inf)

    def _room(self, gate: Gate, k: int, values: list[Number], out: Number) -> Number:
        text = gate.radius[k]
        return float(text) if text.isdigit() else (
            self.plain.text_function(gate, text)(*values, out=out)
        )  # fmt: skip

    def _slopes(self) -> Bounds:
        """The arithmetic that bounds slopes; it takes the slopes of slopes without a bound."""
        if self._of_slopes is None:
            self._of_slopes = self._anew(self.base)
            self._of_slopes._of_slopes = self._of_slopes
        return self._of_slopes

    def jumping(self, gate: Gate) -> Callable[[Bounded], Bounded]:
        """Floor and its like: certain unless the jump is within the error."""
        evaluate = self.plain.function(gate.name, gate.table)

        def bounded(x: Bounded) -> Bounded:
            out = evaluate(x.value)
            if self.are_exact(x):
                return self.pair(out)
            away = abs(self.plain.text_function(gate, gate.jump)(x.value))
            is_sure = (x.error == 0.0) | (away > x.error)
            return self.pair(out, self.choose(is_sure, 0.0, 1.0 + x.error))

        return bounded

    def power(self, x: Bounded, y: Bounded) -> Bounded:
        """The power x**y; its slope is largest at one end of what x may be."""
        a, d, b, e = x.value, x.error, y.value, y.error
        power, choose, larger = self.plain.function("pow"), self.choose, self.base.larger
        out = power(a, b)
        own = self.own(BUILT_IN["pow"], [a], out)
        if self.base.every(b == 2.0):
            own = self.rounding(out, a == 0.0, 2.0)
        own = choose(a == a, own, inf)  # nan**0 is 1, and nothing
        if self.are_exact(x, y):
            is_exact = ((b == 0.0) & (a == a)) | (b == 1.0) | (a == 1.0)
            if self.base.every(b == 2.0):
                is_exact = self.is_exact_product(a, a, out)
            return self.pair(out, choose(is_exact, 0.0, own))
        size, inner = abs(a), larger(abs(a) - d, 0.0)
        slope = abs(b) * power(choose(b >= 1.0, size + d, inner), b - 1.0)
        slope = STRAIGHT * slope + self.base.tiny * (slope < self.base.normal)
        error = own + self.times(choose(b == 0.0, 0.0, slope), d)
        is_sure = (b == self.plain.function("floor")(b)) | (inner > 0.0) | (d == 0.0)
        if not self.are_exact(y):
            bent = abs(self.plain.function("log")(size)) + self._divide(d, inner)
            error = error + self.times(BENT * bent, self.times(abs(out) + error, e))
            is_zero = (size + d == 0.0) & (b > e)
            error = choose(is_zero, 0.0, choose((a > d) & (bent * e <= CAUTION), error, inf))
        return self.pair(out, choose(is_sure, error, inf))
