"""Arrays that write down what is done with them, as straight-line Python of numpy.

A recorded array follows its numbers, so that shapes and conditions are known, and every operation
becomes a statement `t7 = np.exp(t6)` with the line of the code it comes from. What numpy does not
hand to the array, such as a conversion to float, cannot be recorded, and raises Unrecorded.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from operator import methodcaller
from types import FrameType
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

MOST_STATEMENTS = 5_000
MOST_CONSTANTS = 2_000  # elements of an array that the code brings along
SIGNS = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "true_divide": "/", "power": "**",
    "matmul": "@", "greater": ">", "greater_equal": ">=", "less": "<", "less_equal": "<=",
    "equal": "==", "not_equal": "!=", "remainder": "%",
}  # fmt: skip
IN_PLACE = ("add", "subtract", "multiply", "divide", "true_divide")
PLAIN = ("shape", "ndim", "size", "iscomplexobj", "isscalar", "result_type", "can_cast")


class Unrecorded(Exception):
    """Something is done with an array that leaves no trace."""


class Brought(np.ndarray[Any, Any]):
    """An array that the code brings along; what it is multiplied with may be recorded."""

    def dot(self, other: Any, out: Any = None) -> Any:
        """The product as numpy's function gives it, which asks the other array, too."""
        return np.dot(self, other) if out is None else np.dot(self, other, out)


class Tape:
    """The statements so far, and the lines of the code they come from."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.statements: list[str] = []
        self.lines: list[int] = []
        self.variables: dict[str, str] = {}  # what the code calls an array, by our name

    def write(self, statement: str) -> None:
        """Add a statement of the line that is run."""
        if len(self.statements) >= MOST_STATEMENTS:
            raise Unrecorded(f"more than {MOST_STATEMENTS} operations")
        frame = _frame_in(self.home)
        self.statements.append(statement)
        self.lines.append(frame.f_lineno if frame else 0)
        for variable, value in frame.f_locals.items() if frame else ():
            if isinstance(value, Recorded):
                self.variables.setdefault(value.name, variable)

    def kept(self, expression: str, value: Any) -> Any:
        """The result of an operation: an array that is recorded from here on."""
        if isinstance(value, tuple):
            raise Unrecorded(f"{expression} gives several arrays")
        if not isinstance(value, (np.ndarray, np.generic)):
            return value
        array = np.asarray(value)
        if array.dtype.kind in "iu":
            return value  # an index, or a count: it has no slope
        if array.dtype.kind not in "fb":
            raise Unrecorded(f"{expression} gives an array of {array.dtype}")
        name = f"t{len(self.statements) + 1}"
        self.write(f"{name} = {expression}")
        return Recorded(self, name, array)


def _frame_in(home: str) -> FrameType | None:
    """Where the code is: the innermost frame in its own file."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename != home:
        frame = frame.f_back
    return frame


def _method(name: str) -> Any:
    """A method of arrays that gives a new array, with the statement that calls it."""

    def method(self: Recorded, *arguments: Any, **keywords: Any) -> Any:
        value = methodcaller(name, *plain(arguments), **plain(keywords))(self.value)
        return self.tape.kept(call_text(f"{self.name}.{name}", arguments, keywords), value)

    return method


def _of_math(function: Callable[[float], float]) -> Any:
    """A function of math that numpy does not have, as a method."""

    def method(self: Recorded) -> Any:
        value = function(float(self.value))
        return self.tape.kept(f"math.{function.__name__}({self.name})", np.asarray(value))

    return method


class Recorded(NDArrayOperatorsMixin):
    """An array under a name of the recorded program."""

    __array_priority__ = 1000
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, tape: Tape, name: str, value: Any) -> None:
        self.tape = tape
        self.name = name
        self.value = value

    # ---------------------------------------------------------------- numpy's protocols

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        out = keywords.pop("out", None)
        if method != "__call__" or keywords.pop("where", True) is not True:
            raise Unrecorded(f"np.{ufunc.__name__}.{method}")
        value = ufunc(*map(plain, inputs), **keywords)
        sign, texts = SIGNS.get(ufunc.__name__), [text_of(x) for x in inputs]
        if out is not None and np.shape(out[0]):  # a number is not changed, but given another name
            return self._in_place(ufunc, sign, inputs, out[0], value)
        if sign is not None and len(texts) == 2 and not keywords:
            left, right = (f"({text})" if text[0] == "-" else text for text in texts)
            return self.tape.kept(f"{left} {sign} {right}", value)
        if ufunc.__name__ == "negative":
            return self.tape.kept(f"-{texts[0]}", value)
        return self.tape.kept(call_text(f"np.{ufunc.__name__}", inputs, keywords), value)

    def _in_place(self, ufunc: Any, sign: str | None, inputs: Any, out: Any, value: Any) -> Any:
        if not isinstance(out, Recorded) or inputs[0] is not out or ufunc.__name__ not in IN_PLACE:
            raise Unrecorded(f"np.{ufunc.__name__} with out=")
        self.tape.write(f"{out.name} {sign}= {text_of(inputs[1])}")
        out.value[...] = value
        return out

    def __array_function__(self, function: Any, _: Any, arguments: Any, keywords: Any) -> Any:
        value = function(*plain(arguments), **plain(keywords))
        if function.__name__ in PLAIN:
            return value
        module = "np.linalg" if "linalg" in (function.__module__ or "") else "np"
        name = f"{module}.{function.__name__}"
        return self.tape.kept(call_text(name, arguments, keywords), value)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise Unrecorded("it is made a plain array")

    def __float__(self) -> float:
        raise Unrecorded("it is made a plain float")

    __int__ = __index__ = __complex__ = __float__

    # ---------------------------------------------------------------- what arrays have

    def __getitem__(self, index: Any) -> Any:
        return self.tape.kept(f"{self.name}[{_index(index)}]", self.value[plain(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self.value[plain(index)] = plain(value)
        self.tape.write(f"{self.name}[{_index(index)}] = {text_of(value)}")

    def __bool__(self) -> bool:
        return bool(self.value)

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Any:
        return (self[k] for k in range(len(self)))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, as a plain tuple."""
        shape: tuple[int, ...] = self.value.shape
        return shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return int(self.value.ndim)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(self.value.size)

    @property
    def dtype(self) -> Any:
        """The kind of numbers."""
        return self.value.dtype

    @property
    def T(self) -> Any:  # noqa: N802  # as numpy calls it
        """The transpose."""
        return self.tape.kept(f"{self.name}.T", self.value.T)

    def astype(self, dtype: Any, **_: Any) -> Any:
        """The same numbers, as floats; a mask becomes 0 and 1."""
        if np.dtype(dtype).kind != "f":
            raise Unrecorded("it is made an array of whole numbers")
        return self.tape.kept(f"{self.name} * 1.0", self.value.astype(float))

    erf, erfc, gamma, lgamma = map(_of_math, (math.erf, math.erfc, math.gamma, math.lgamma))
    copy = _method("copy")
    sum, mean, prod, var, std = map(_method, ("sum", "mean", "prod", "var", "std"))
    max, min, argmax, argmin = map(_method, ("max", "min", "argmax", "argmin"))
    all, any, argsort, cumsum = map(_method, ("all", "any", "argsort", "cumsum"))
    dot, trace, diagonal, clip = map(_method, ("dot", "trace", "diagonal", "clip"))
    reshape, transpose, swapaxes = map(_method, ("reshape", "transpose", "swapaxes"))
    ravel, flatten, squeeze, repeat = map(_method, ("ravel", "flatten", "squeeze", "repeat"))


# ---------------------------------------------------------------- texts


def plain(x: Any) -> Any:
    """An operand without its record."""
    if isinstance(x, Recorded):
        return x.value
    if isinstance(x, (list, tuple)):
        return type(x)(plain(part) for part in x)
    if isinstance(x, dict):
        return {key: plain(part) for key, part in x.items()}
    return x


def text_of(x: Any) -> str:
    """An operand as Python writes it."""
    if isinstance(x, Recorded):
        return x.name
    if isinstance(x, (list, tuple)):
        inner = ", ".join(text_of(part) for part in x)
        return f"[{inner}]" if isinstance(x, list) else f"({inner}{',' * (len(x) == 1)})"
    if isinstance(x, np.ndarray):
        if x.dtype.kind not in "fiub" or x.size > MOST_CONSTANTS or not np.isfinite(x).all():
            raise Unrecorded(f"a constant array of {x.size} elements of {x.dtype}")
        return f"np.array({x.tolist()!r})"
    if isinstance(x, np.generic):
        return text_of(x.item())
    if isinstance(x, float) and not math.isfinite(x):
        return f"float('{x}')"
    if isinstance(x, type) and issubclass(x, (float, int)):
        return next(kind.__name__ for kind in (bool, int, float) if issubclass(x, kind))
    if x is None or isinstance(x, (bool, int, float, str)):
        return repr(x)
    raise Unrecorded(f"an operand of type {type(x).__name__}")


def call_text(name: str, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> str:
    """A call as Python writes it."""
    texts = [text_of(x) for x in arguments]
    named = [f"{key}={text_of(x)}" for key, x in keywords.items()]
    return f"{name}({', '.join([*texts, *named])})"


def _index(index: Any) -> str:
    parts = index if isinstance(index, tuple) else (index,)
    return ", ".join(map(_index_part, parts))


def _index_part(part: Any) -> str:
    if isinstance(part, slice):
        ends = ["" if end is None else text_of(end) for end in (part.start, part.stop, part.step)]
        return ":".join(ends if ends[2] else ends[:2])
    if part is Ellipsis:
        return "..."
    return text_of(part)


NAME = re.compile(r"\bt\d+\b")
