"""Functions of numpy, scipy.special and math that work element by element, as rows.

name in the library -> the gate for what depends on inputs, numpy's function for known data
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.arithmetic.arrays import ARRAYS
from gradcli.python.state.operators import COMPARE, OPERATORS, binary, compare, operate
from gradcli.python.state.reader import Reader
from gradcli.python.state.tape import Elementwise


def _own(gate: str) -> Elementwise:
    """A gate whose numpy function is our own."""
    return Elementwise(gate, ARRAYS.function(gate))


UNARY = {
    "exp": Elementwise("exp", np.exp), "expm1": Elementwise("expm1", np.expm1),
    "exp2": Elementwise("exp2", np.exp2), "log": Elementwise("log", np.log),
    "log1p": Elementwise("log1p", np.log1p), "log2": Elementwise("log2", np.log2),
    "log10": Elementwise("log10", np.log10), "sqrt": Elementwise("sqrt", np.sqrt),
    "cbrt": Elementwise("cbrt", np.cbrt), "square": Elementwise("square", np.square),
    "abs": Elementwise("abs", np.abs), "absolute": Elementwise("abs", np.abs),
    "fabs": Elementwise("abs", np.abs), "sign": Elementwise("sign", np.sign),
    "floor": Elementwise("floor", np.floor), "ceil": Elementwise("ceil", np.ceil),
    "rint": Elementwise("round", np.rint),
    "sin": Elementwise("sin", np.sin), "cos": Elementwise("cos", np.cos),
    "tan": Elementwise("tan", np.tan), "arcsin": Elementwise("asin", np.arcsin),
    "arccos": Elementwise("acos", np.arccos), "arctan": Elementwise("atan", np.arctan),
    "asin": Elementwise("asin", np.arcsin), "acos": Elementwise("acos", np.arccos),
    "atan": Elementwise("atan", np.arctan), "sinh": Elementwise("sinh", np.sinh),
    "cosh": Elementwise("cosh", np.cosh), "tanh": Elementwise("tanh", np.tanh),
    "arcsinh": Elementwise("asinh", np.arcsinh), "arccosh": Elementwise("acosh", np.arccosh),
    "arctanh": Elementwise("atanh", np.arctanh), "asinh": Elementwise("asinh", np.arcsinh),
    "acosh": Elementwise("acosh", np.arccosh), "atanh": Elementwise("atanh", np.arctanh),
    "negative": Elementwise("neg", np.negative),
    "reciprocal": Elementwise("reciprocal", np.reciprocal),
    "expit": _own("sigmoid"), "sigmoid": _own("sigmoid"), "log_expit": _own("logsigmoid"),
    "erf": _own("erf"), "erfc": _own("erfc"), "gamma": _own("gamma"), "gammaln": _own("lgamma"),
    "lgamma": _own("lgamma"), "loggamma": _own("lgamma"), "digamma": _own("digamma"),
    "psi": _own("digamma"), "ndtr": _own("normcdf"), "log_ndtr": _own("lognormcdf"),
    "erfcx": _own("erfcx"), "erfinv": _own("erfinv"), "softplus": _own("softplus"),
}  # fmt: skip
GREATER = Elementwise("max", np.maximum)
SMALLER = Elementwise("min", np.minimum)
BINARY = {
    "maximum": GREATER, "fmax": GREATER, "minimum": SMALLER, "fmin": SMALLER,
    "arctan2": Elementwise("atan2", np.arctan2), "atan2": Elementwise("atan2", np.arctan2),
    "hypot": Elementwise("hypot", np.hypot),
    "float_power": Elementwise("pow", np.float_power), "fmod": Elementwise("", np.fmod),
    "logaddexp": Elementwise("logsumexp", np.logaddexp),
    "polygamma": _own("polygamma"),
}  # fmt: skip
AS_OPERATORS = {
    "add": ast.Add, "subtract": ast.Sub, "multiply": ast.Mult, "divide": ast.Div,
    "true_divide": ast.Div, "power": ast.Pow, "pow": ast.Pow, "floor_divide": ast.FloorDiv,
    "mod": ast.Mod, "remainder": ast.Mod, "bitwise_and": ast.BitAnd, "bitwise_or": ast.BitOr,
}  # fmt: skip
AS_COMPARISONS = {
    "less": ast.Lt, "less_equal": ast.LtE, "greater": ast.Gt, "greater_equal": ast.GtE,
    "equal": ast.Eq, "not_equal": ast.NotEq,
}  # fmt: skip
LOGICAL = {"logical_and": ast.BitAnd, "logical_or": ast.BitOr, "logical_xor": ast.BitXor}
WHERE = Elementwise("where", np.where)
LOG, SUB, MUL = UNARY["log"], OPERATORS[ast.Sub][1], OPERATORS[ast.Mult][1]
IS_ZERO = Elementwise("eq", np.equal)
NOT_ZERO = COMPARE[ast.NotEq][1]
ZERO, ONE = np.array(0.0), np.array(1.0)


def _one(operation: Elementwise) -> Callable[..., Any]:
    def row(reader: Reader, x: Any) -> Any:
        return reader.wrap(reader.tape.apply(operation, reader.content(x)))

    return row


def _two(operation: Elementwise) -> Callable[..., Any]:
    def row(reader: Reader, x: Any, y: Any) -> Any:
        return reader.wrap(reader.tape.apply(operation, reader.content(x), reader.content(y)))

    return row


def _operator(kind: type) -> Callable[..., Any]:
    def row(reader: Reader, x: Any, y: Any) -> Any:
        return binary(reader, kind, _array(reader, x), y)

    return row


def _comparison(kind: type) -> Callable[..., Any]:
    def row(reader: Reader, x: Any, y: Any) -> Any:
        return compare(reader, kind, _array(reader, x), y)

    return row


def _array(reader: Reader, x: Any) -> Any:
    """A list as numpy has it; a number as it is."""
    return reader.wrap(reader.content(x))


def mask(reader: Reader, x: Any) -> Any:
    """A value as a mask: what is not 0 is true."""
    content = reader.content(x)
    if reader.tape.is_boolean(content):
        return content
    return reader.tape.apply(NOT_ZERO, content, ZERO)


def _logical(kind: type) -> Callable[..., Any]:
    def row(reader: Reader, x: Any, y: Any) -> Any:
        return reader.wrap(operate(reader.tape, kind, mask(reader, x), mask(reader, y)))

    return row


def logical_not(reader: Reader, x: Any) -> Any:
    """`np.logical_not`."""
    content = reader.content(x)
    return reader.wrap(reader.tape.apply(IS_ZERO, content, ZERO))


def logarithm(reader: Reader, x: Any, base: Any = None) -> Any:
    """The natural logarithm, or that to a base."""
    value = reader.tape.apply(LOG, reader.content(x))
    if base is None:
        return reader.wrap(value)
    return binary(reader, ast.Div, reader.wrap(value), logarithm(reader, base))


def rounded(reader: Reader, x: Any, decimals: int = 0) -> Any:
    """Rounding; to decimals what depends on inputs is fixed at the point."""
    content = reader.content(x)
    if not decimals:
        return reader.wrap(reader.tape.apply(UNARY["rint"], content))
    return reader.wrap(reader.tape.data(np.round(reader.tape.decide(content, np.array), decimals)))


def where(reader: Reader, condition: Any, x: Any = None, y: Any = None) -> Any:
    """`np.where`: a choice, or with one operand the places where it holds."""
    tape = reader.tape
    if x is None and y is None:
        places = tape.decide(mask(reader, condition), np.nonzero)
        return tuple(reader.wrap(tape.data(axis)) for axis in places)
    parts = mask(reader, condition), reader.content(x), reader.content(y)
    return reader.wrap(tape.apply(WHERE, *parts))


def select(reader: Reader, conditions: Any, choices: Any, default: Any = 0) -> Any:
    """`np.select`: the first choice whose condition holds."""
    value = default
    pairs = [*zip(reader.iterate(conditions), reader.iterate(choices), strict=True)]
    for condition, choice in reversed(pairs):
        value = where(reader, condition, choice, value)
    return value


def clip(reader: Reader, x: Any, a_min: Any = None, a_max: Any = None, **ends: Any) -> Any:
    """`np.clip`: not below the one, not above the other."""
    low, high = ends.get("min", a_min), ends.get("max", a_max)
    tape, content = reader.tape, reader.content(x)
    if reader.tiny_is_zero and low == 0 and high == 1:  # it keeps a logarithm away from 0
        return reader.wrap(content)
    is_even = isinstance(high, (int, float)) and low == -high and content.__class__ is int
    if is_even and reader.unclips:
        return reader.wrap(content)
    whole = content
    if low is not None:
        content = tape.apply(GREATER, content, reader.content(low))
    if high is not None:
        content = tape.apply(SMALLER, content, reader.content(high))
    if is_even and not np.array_equal(tape.value(whole), tape.value(content)):
        reader.clipped.append(content)
    return reader.wrap(content)


def finite(reader: Reader, x: Any, **_: Any) -> Any:
    """`np.nan_to_num`, which changes nothing where all is a number."""
    content = reader.content(x)
    if not np.isfinite(reader.tape.value(content)).all():
        reader.fail("`np.nan_to_num` meets what is no number here",
                    "write `np.where(np.isnan(x), 0, x)`")  # fmt: skip
    return reader.wrap(content)


def heaviside(reader: Reader, x: Any, half: Any) -> Any:
    """`np.heaviside`: 0 below 0, 1 above, and `half` at 0."""
    tape, content = reader.tape, reader.content(x)
    above = tape.apply(Elementwise("gt", np.greater), content, ZERO)
    at_zero = tape.apply(IS_ZERO, content, ZERO)
    value = tape.apply(WHERE, above, ONE, tape.apply(WHERE, at_zero, reader.content(half), ZERO))
    return reader.wrap(value)


def xlogy(reader: Reader, x: Any, y: Any) -> Any:
    """`scipy.special.xlogy`: x log y, and 0 where x is 0."""
    tape, left = reader.tape, reader.content(x)
    product = tape.apply(MUL, left, tape.apply(LOG, reader.content(y)))
    return reader.wrap(tape.apply(WHERE, tape.apply(IS_ZERO, left, ZERO), ZERO, product))


def logit(reader: Reader, x: Any) -> Any:
    """`scipy.special.logit`: log(x / (1 - x))."""
    tape, content = reader.tape, reader.content(x)
    rest = tape.apply(LOG, tape.apply(SUB, ONE, content))
    return reader.wrap(tape.apply(SUB, tape.apply(LOG, content), rest))


def relu(reader: Reader, x: Any) -> Any:
    """`max(x, 0)`."""
    return reader.wrap(reader.tape.apply(GREATER, ZERO, reader.content(x)))


def angle(factor: float) -> Callable[..., Any]:
    """Degrees to radians, or back."""

    def row(reader: Reader, x: Any) -> Any:
        return reader.wrap(reader.tape.apply(MUL, reader.content(x), np.array(factor)))

    return row


ROWS: dict[str, Callable[..., Any]] = {
    **{name: _one(operation) for name, operation in UNARY.items()},
    **{name: _two(operation) for name, operation in BINARY.items()},
    **{name: _operator(kind) for name, kind in AS_OPERATORS.items()},
    **{name: _comparison(kind) for name, kind in AS_COMPARISONS.items()},
    **{name: _logical(kind) for name, kind in LOGICAL.items()},
    "log": logarithm, "logical_not": logical_not, "round": rounded, "around": rounded,
    "round_": rounded, "where": where, "select": select, "clip": clip, "heaviside": heaviside,
    "nan_to_num": finite,
    "xlogy": xlogy, "logit": logit,
    "radians": angle(np.pi / 180), "deg2rad": angle(np.pi / 180),
    "degrees": angle(180 / np.pi), "rad2deg": angle(180 / np.pi),
}  # fmt: skip
