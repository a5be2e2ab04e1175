"""Depths: how far below its first digits a number tells of what it is computed from.

    Deep = value, depth        what matters to the value may stand `depth` bits below its first one

In 1 + exp(-500) what is left of exp(-500) stands 721 bits below the 1, and fewer bits give 1: a
difference from 1 is then lost, whatever else is done with it. The depth an operand x has in a gate
is that of its relative condition number,

    depth(out) = depth(x) + log2 |out / (local * x)|

which is below 0 where a cancellation brings to light what was deep. Run over these numbers, in few
digits, the engine's own two loops tell how many digits a graph needs.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from gradcli.arithmetic.arithmetic import Arithmetic
from gradcli.arithmetic.bounds.bounded import COMPARE
from gradcli.arithmetic.compiler import CALLS
from gradcli.arithmetic.digits import digits
from gradcli.gates.row import Gate

BITS_PER_UNIT = math.log2(math.e)  # of an exponent of e
# Gates that add exp(x) and what is so many times x below it.
SUMS_OF_EXPONENTIALS = {"expm1": 1, "sinh": 2, "cosh": 2}
FARTHEST = 2.0**60  # an operand for which no depth could be reached
LENGTH = 3  # over which logsumexp bends: an operand 0 matters as much as one of this size


class Deep:
    """A number, and how many bits below its first one something of it stands."""

    __slots__ = ("depth", "value")

    def __init__(self, value: Any, depth: int = 0) -> None:
        self.value = value
        self.depth = max(depth, 0)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __add__(self, other: Deep) -> Deep:
        """The sum, in which the smaller stands below the larger."""
        return _sum(self, other, self.value + other.value)

    def __sub__(self, other: Deep) -> Deep:
        """The difference."""
        return _sum(self, other, self.value - other.value)

    def __mul__(self, other: Deep) -> Deep:
        """The product, as deep as the deeper factor."""
        return Deep(self.value * other.value, max(self.depth, other.depth))

    def __neg__(self) -> Deep:
        return Deep(-self.value, self.depth)


class Depths(Arithmetic):
    """The arithmetic of deep numbers over one of many digits."""

    def __init__(self, plain: Arithmetic) -> None:
        self.plain = plain
        self._divide = plain.function("div")
        spelling = CALLS | {
            "neg": "(-{})", "add": "({} + {})", "sub": "({} - {})", "mul": "({} * {})",
            "product": "({} * {})", "where": "({1} if {0} else {2})",
            "scale": "({0} * {1} if {0} else number(0.0))",
            "route": "({0} if {1} else number(0.0))",
        }  # fmt: skip
        names = {
            "number": self.exactly, "div": self.div, "max": self.extreme("max"),
            "min": self.extreme("min"), "winner": self.winner, "logsumexp": self.logsumexp,
            "hypot": self.hypot, **{name: self.compared(name) for name in COMPARE},
        }  # fmt: skip
        super().__init__(f"depths of {plain.name}", names, spelling, self.exactly)

    def exactly(self, value: Any) -> Deep:
        """A number that is what it is."""
        return Deep(self.plain.number(value))

    def _made(self, gate: Gate) -> Any:
        return self.text_function(gate, gate.forward) if gate.forward else self.by_slopes(gate)

    def div(self, x: Deep, y: Deep) -> Deep:
        """The quotient, as deep as the deeper of both."""
        return Deep(self._divide(x.value, y.value), max(x.depth, y.depth))

    def compared(self, name: str) -> Any:
        """A comparison, which is a choice and tells nothing else of its operands."""
        compare = COMPARE[name]

        def comparison(left: Any, right: Deep) -> Deep:
            x = left.value if isinstance(left, Deep) else left  # or the number of an operand
            return self.exactly(float(compare(x, right.value)))

        return comparison

    def extreme(self, name: str) -> Any:
        """The largest or smallest: the winner alone."""
        choose = self.plain.function(name)

        def extreme(xs: list[Deep]) -> Deep:
            out = choose([x.value for x in xs])
            return next((x for x in xs if x.value == out), Deep(out))

        return extreme

    def winner(self, operands: list[Deep]) -> Deep:
        """The number of the winner."""
        return Deep(self.plain.function("winner")([x.value for x in operands]))

    def logsumexp(self, xs: list[Deep]) -> Deep:
        """The logsumexp, in which an operand has the local gradient exp(x - out)."""
        evaluate, exp = self.plain.function("logsumexp"), self.plain.function("exp")
        out = evaluate([x.value for x in xs])
        reach = [exp(x.value - out) * (abs(x.value) or LENGTH) for x in xs]
        return Deep(out, max(x.depth + _below(r, out) for x, r in zip(xs, reach, strict=True)))

    def hypot(self, xs: list[Deep]) -> Deep:
        """The root of the sum of squares, in which an operand has the local gradient x / out."""
        out = self.plain.function("hypot")([x.value for x in xs])
        return Deep(out, max(x.depth + 2 * _below(x.value, out) for x in xs))

    def by_slopes(self, gate: Gate) -> Any:
        """A gate without a text, by its local gradients."""
        evaluate = self.plain.function(gate.name, gate.table)

        def deep(*xs: Deep) -> Deep:
            values = [x.value for x in xs]
            out, depth = evaluate(*values), 0
            for x, text, room in zip(xs, gate.local, gate.radius or ("",) * len(xs), strict=True):
                if text == "0":
                    continue
                slope = self.plain.text_function(gate, text)(*values, out=out)
                size = abs(x.value) or (float(room) if room.isdigit() else 0.0)
                depth = max(depth, x.depth + _below(slope * size, out))
            if gate.name in SUMS_OF_EXPONENTIALS and xs[0].value == xs[0].value:
                unit = SUMS_OF_EXPONENTIALS[gate.name] * BITS_PER_UNIT
                depth = max(depth, int(min(abs(xs[0].value), FARTHEST) * unit))
            return Deep(out, depth)

        return deep


def _sum(x: Deep, y: Deep, out: Any) -> Deep:
    """A sum: of two that cancel all their bits, what is left has as many fewer."""
    if not x.value or not y.value:
        return Deep(out, y.depth if not x.value else x.depth)
    top = out or max(abs(x.value), abs(y.value)) * out.context.eps
    return Deep(out, max(z.depth + _below(z.value, top) for z in (x, y)))


def _below(part: Any, whole: Any) -> int:
    """How many bits a part stands below a whole; 0 where either is 0 or not finite."""
    if not (0 < abs(part) < math.inf and 0 < abs(whole) < math.inf):
        return 0
    return int(whole.context.mag(whole) - part.context.mag(part))


@lru_cache(maxsize=8)
def depths(count: int) -> Depths:
    """The arithmetic of deep numbers that are looked at in `count` digits."""
    return Depths(digits(count, at_limits=True))
