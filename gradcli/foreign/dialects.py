"""What stands in place of math, of `float` and of new arrays where numbers are no floats.

numpy computes with numbers of many digits and with arrays that write down what is done: what math
calls `acos` numpy calls `arccos`, and the rest is making arrays.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import partial
from operator import methodcaller
from types import SimpleNamespace
from typing import Any

import numpy as np

from gradcli.arithmetic.arithmetic import Arithmetic
from gradcli.arithmetic.digit import Digit, in_digits
from gradcli.foreign.recording import Brought, Recorded, Tape, call_text, plain

ALIKE = (
    "exp", "expm1", "exp2", "log1p", "log2", "log10", "sqrt", "cbrt", "sin", "cos", "tan", "sinh",
    "cosh", "tanh", "fabs", "hypot", "floor", "ceil", "copysign", "fmod",
)  # of math and numpy  # fmt: skip
RENAMED = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "pow": "power",
    "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
}  # fmt: skip
METHODS = ("erf", "erfc", "gamma", "lgamma")  # of both kinds of numbers: numpy has none of them
MAKERS = ("asarray", "array", "asanyarray", "ascontiguousarray", "atleast_1d")  # of what there is
FILLED = ("zeros", "ones", "empty", "full", "zeros_like", "ones_like", "empty_like", "full_like")
PLAIN_NUMBERS = (int, float, np.number, np.bool_)


class Dialect(ABC):
    """The functions that compute with one kind of numbers."""

    def __init__(self) -> None:
        names = {**dict(zip(ALIKE, ALIKE, strict=True)), **RENAMED}
        numeric = {own: getattr(np, other) for own, other in names.items()}
        numeric |= {name: methodcaller(name) for name in METHODS} | OWN
        functions = {
            name: partial(self._chosen, getattr(math, name), function)
            for name, function in numeric.items() if hasattr(math, name)
        }  # fmt: skip
        of_math = SimpleNamespace(**{**vars(math), **functions})
        made = {name: partial(self._made, getattr(np, name)) for name in MAKERS}
        made |= {name: partial(self._filled, name) for name in FILLED}
        made |= {name: partial(self.number, getattr(np, name)) for name in ("float64", "double")}
        pairs = [(math, of_math), (np, _Numpy(made))]
        pairs += [(getattr(math, name), function) for name, function in functions.items()]
        pairs += [(getattr(np, name), function) for name, function in made.items()]
        self.substitutes: dict[int, Any] = {id(original): own for original, own in pairs}
        self.float = _float_of(self)

    @abstractmethod
    def is_other(self, x: Any) -> bool:
        """Whether something is, or holds, a number of the dialect."""

    @abstractmethod
    def array(self, x: Any) -> Any:
        """An array of the dialect of what holds its numbers."""

    def brought(self, x: Any) -> Any:
        """What stands in place of what the code brings along: most often that."""
        return x

    @abstractmethod
    def filled(self, name: str, value: Any, *arguments: Any, **keywords: Any) -> Any:
        """A new array of floats, in which numbers of the dialect may be put."""

    def _chosen(self, of_floats: Any, of_others: Any, *arguments: Any) -> Any:
        if all(isinstance(x, PLAIN_NUMBERS) for x in arguments):
            return of_floats(*arguments)
        return of_others(*arguments)

    def number(self, convert: Any, x: Any = 0.0) -> Any:
        """A number as it is, if it is of the dialect; others are converted."""
        if not self.is_other(x):
            return convert(x)
        return x.reshape(())[()] if np.ndim(x) else x

    def _made(self, convert: Any, x: Any, dtype: Any = None, **keywords: Any) -> Any:
        is_float = dtype is None or np.dtype(dtype) == float
        if not (is_float and self.is_other(x)):
            made = convert(x, **({} if dtype is None else {"dtype": dtype}), **keywords)
            return self.brought(made)
        array = self.array(x)
        return array.copy() if convert is np.array else array

    def _filled(self, name: str, *arguments: Any, **keywords: Any) -> Any:
        value = getattr(np, name)(*map(plain, arguments), **keywords)
        is_float = isinstance(value, np.ndarray) and value.dtype == float
        return self.filled(name, value, *arguments, **keywords) if is_float else value


class InDigits(Dialect):
    """Of numbers of many digits."""

    def __init__(self, arithmetic: Arithmetic) -> None:
        super().__init__()
        self.arithmetic = arithmetic

    def is_other(self, x: Any) -> bool:
        """Whether something is a number of many digits, or holds any."""
        if isinstance(x, np.ndarray):
            return bool(x.dtype == object)
        if isinstance(x, (list, tuple)):
            return any(map(self.is_other, x))
        return isinstance(x, Digit)

    def array(self, x: Any) -> Any:
        """An array of objects."""
        return np.asarray(x, dtype=object)

    def filled(self, name: str, value: Any, *_: Any, **__: Any) -> Any:  # noqa: ARG002
        """The same numbers in many digits."""
        return in_digits(value, self.arithmetic)


class OnTape(Dialect):
    """Of arrays that write down what is done with them."""

    def __init__(self, tape: Tape) -> None:
        super().__init__()
        self.tape = tape

    def is_other(self, x: Any) -> bool:
        """Whether something is recorded, or holds what is."""
        if isinstance(x, (list, tuple)):
            return any(map(self.is_other, x))
        return isinstance(x, Recorded)

    def brought(self, x: Any) -> Any:
        """An array whose methods ask what they are called with."""
        return x.view(Brought) if type(x) is np.ndarray else x

    def array(self, x: Any) -> Any:
        """The recorded array, or one of several."""
        if isinstance(x, Recorded):
            return x
        return self.tape.kept(call_text("np.array", [x], {}), np.array(plain(x)))

    def filled(self, name: str, value: Any, *arguments: Any, **keywords: Any) -> Any:
        """A recorded array."""
        return self.tape.kept(call_text(f"np.{name}", arguments, keywords), value)


def _float_of(dialect: Dialect) -> type:
    """`float`, which leaves the numbers of a dialect as they are."""

    class AnyFloat(type):
        def __instancecheck__(cls, x: Any) -> bool:
            return isinstance(x, float) or dialect.is_other(x)

    class Float(float, metaclass=AnyFloat):
        dtype = np.dtype(float)  # numpy asks for it where a type stands for one

        def __new__(cls, x: Any = 0.0) -> Any:
            return dialect.number(float, x)

    return Float


class _Numpy:
    """numpy, with other functions that make arrays."""

    def __init__(self, made: dict[str, Any]) -> None:
        vars(self).update(made)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def _log(x: Any, *base: Any) -> Any:
    return np.log(x) / np.log(base[0]) if base else np.log(x)


def _fsum(numbers: Any) -> Any:
    return sum(numbers)


OWN = {
    "log": _log, "fsum": _fsum, "degrees": lambda x: x * (180 / math.pi),
    "radians": lambda x: x * (math.pi / 180), "isnan": lambda x: x != x,
    "isinf": lambda x: abs(x) == math.inf, "isfinite": lambda x: abs(x) < math.inf,
}  # of math, in terms of what all numbers have  # fmt: skip
