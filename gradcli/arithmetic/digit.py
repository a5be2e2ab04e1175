"""A number of many digits that other people's code can compute with, without knowing.

Operators do, and functions of numpy, which call a method of the same name on what is no number of
theirs. It travels between processes as text, without loss.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.arithmetic.arithmetic import Arithmetic


def in_digits(x: Any, arithmetic: Arithmetic) -> Any:
    """An array of float64 as one of such numbers."""
    wrapped = np.empty(np.shape(x), dtype=object)
    for index, number in np.ndenumerate(x):
        wrapped[index] = Digit(arithmetic.number(float(number)), arithmetic)
    return wrapped


def spelled(array: Any) -> list[str]:
    """The numbers of an array as texts: mantissa and binary exponent; floats stay what they are.

    Raises TypeError for what is neither.
    """
    return [_text(x) for x in np.asarray(array).flat]


def _text(x: Any) -> str:
    if not isinstance(x, Digit):
        return repr(float(x))
    if x.number - x.number != 0:
        return repr(float(x.number))  # nan or infinite
    mantissa, exponent = x.number.man_exp  # without the sign
    return f"{'-' if x.number < 0 else ''}{mantissa}p{exponent}"


def read_digits(texts: list[str], shape: tuple[int, ...], arithmetic: Arithmetic) -> Any:
    """An array of such numbers from their texts."""
    array = np.empty(len(texts), dtype=object)
    for k, text in enumerate(texts):
        mantissa, sign, exponent = text.partition("p")
        read: Any = (int(mantissa), int(exponent)) if sign else float(text)
        array[k] = Digit(arithmetic.number(read), arithmetic)
    return array.reshape(shape)


def _unary(name: str) -> Any:
    def method(self: Digit) -> Digit:
        return Digit(self.arithmetic.function(name)(self.number), self.arithmetic)

    return method


def _binary(operation: Callable[[Any, Any], Any]) -> Any:
    def forward(self: Digit, other: Any) -> Any:
        number = self.read(other)
        return NotImplemented if number is None else self.made(operation(self.number, number))

    def reflected(self: Digit, other: Any) -> Any:
        number = self.read(other)
        return NotImplemented if number is None else self.made(operation(number, self.number))

    return forward, reflected


def _comparison(operation: Callable[[Any, Any], bool]) -> Any:
    def compare(self: Digit, other: Any) -> Any:
        number = self.read(other)
        return NotImplemented if number is None else operation(self.number, number)

    return compare


class Digit:
    """A number of many digits that code of Python and numpy can compute with.

    It never becomes a float: what would lose the digits raises TypeError.
    """

    __slots__ = ("arithmetic", "number")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, number: Any, arithmetic: Arithmetic) -> None:
        self.number = number
        self.arithmetic = arithmetic

    def read(self, other: Any) -> Any:
        """Another operand as a number of these digits; None for what is none."""
        if isinstance(other, Digit):
            return other.number
        if isinstance(other, int | float | np.integer | np.floating):
            return self.arithmetic.number(int(other) if isinstance(other, int) else float(other))
        return None

    def made(self, number: Any) -> Digit:
        """A result."""
        return Digit(number, self.arithmetic)

    def _power(self, other: Any) -> Any:
        number = self.read(other)
        if number is None:
            return NotImplemented
        return self.made(self.arithmetic.function("pow")(self.number, number))

    def _of_power(self, other: Any) -> Any:
        return self.made(self.read(other))._power(self)

    def _divided(self, other: Any) -> Any:
        number = self.read(other)
        if number is None:
            return NotImplemented
        return self.made(self.arithmetic.function("div")(self.number, number))

    def _dividing(self, other: Any) -> Any:
        return self.made(self.read(other))._divided(self)

    def arctan2(self, other: Any) -> Digit:
        """The angle, as numpy spells it."""
        return self.made(self.arithmetic.function("atan2")(self.number, self.read(other)))

    def hypot(self, other: Any) -> Digit:
        """The hypotenuse."""
        return self.made(self.arithmetic.function("hypot")([self.number, self.read(other)]))

    def conjugate(self) -> Digit:
        """The number: it is real."""
        return self

    __add__, __radd__ = _binary(lambda a, b: a + b)
    __sub__, __rsub__ = _binary(lambda a, b: a - b)
    __mul__, __rmul__ = _binary(lambda a, b: a * b)
    __mod__, __rmod__ = _binary(lambda a, b: a % b)
    __truediv__, __rtruediv__ = _divided, _dividing
    __pow__, __rpow__ = _power, _of_power
    __lt__, __le__ = _comparison(lambda a, b: a < b), _comparison(lambda a, b: a <= b)
    __gt__, __ge__ = _comparison(lambda a, b: a > b), _comparison(lambda a, b: a >= b)
    __eq__, __ne__ = _comparison(lambda a, b: a == b), _comparison(lambda a, b: a != b)
    exp, expm1, exp2 = _unary("exp"), _unary("expm1"), _unary("exp2")
    log, log1p, log2, log10 = _unary("log"), _unary("log1p"), _unary("log2"), _unary("log10")
    sqrt, cbrt = _unary("sqrt"), _unary("cbrt")
    sin, cos, tan = _unary("sin"), _unary("cos"), _unary("tan")
    arcsin, arccos, arctan = _unary("asin"), _unary("acos"), _unary("atan")
    sinh, cosh, tanh = _unary("sinh"), _unary("cosh"), _unary("tanh")
    arcsinh, arccosh, arctanh = _unary("asinh"), _unary("acosh"), _unary("atanh")
    erf, erfc, gamma, lgamma = map(_unary, ("erf", "erfc", "gamma", "lgamma"))
    rint = _unary("round")
    __floor__, __ceil__ = _unary("floor"), _unary("ceil")
    __abs__ = fabs = _unary("abs")

    def __neg__(self) -> Digit:
        return self.made(-self.number)

    def __pos__(self) -> Digit:
        return self

    def __bool__(self) -> bool:
        return bool(self.number)

    def __float__(self) -> float:
        raise TypeError("a number of many digits is no float")

    def __repr__(self) -> str:
        raise TypeError("a number of many digits has no text that code could compute with")
