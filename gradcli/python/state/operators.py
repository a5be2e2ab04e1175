"""Operators of Python: on known values as Python has them, on arrays as numpy has them."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from gradcli.errors import LimitError, ShapeError
from gradcli.python.state.limits import MOST_DIGITS, MOST_LENGTH
from gradcli.python.state.reader import Reader
from gradcli.python.state.tape import Elementwise, Tape, kind_of, refuse_large
from gradcli.python.state.texts import of_percent
from gradcli.python.state.values import (
    Array,
    Class,
    Content,
    Function,
    Given,
    Instance,
    Library,
    Method,
    Unknown,
)

# Python's operator on known values, the gate, numpy's function, and the method of a class.
OPERATORS: dict[type, tuple[Callable[..., Any], Elementwise, str]] = {
    ast.Add: (operator.add, Elementwise("add", np.add), "add"),
    ast.Sub: (operator.sub, Elementwise("sub", np.subtract), "sub"),
    ast.Mult: (operator.mul, Elementwise("mul", np.multiply), "mul"),
    ast.Div: (operator.truediv, Elementwise("div", np.true_divide), "truediv"),
    ast.Pow: (operator.pow, Elementwise("pow", np.power), "pow"),
    ast.FloorDiv: (operator.floordiv, Elementwise("", np.floor_divide), "floordiv"),
    ast.Mod: (operator.mod, Elementwise("", np.mod), "mod"),
    ast.MatMult: (operator.matmul, Elementwise("matmul", np.matmul), "matmul"),
    ast.BitAnd: (operator.and_, Elementwise("", np.bitwise_and), "and"),
    ast.BitOr: (operator.or_, Elementwise("", np.bitwise_or), "or"),
    ast.BitXor: (operator.xor, Elementwise("", np.bitwise_xor), "xor"),
    ast.LShift: (operator.lshift, Elementwise("", np.left_shift), "lshift"),
    ast.RShift: (operator.rshift, Elementwise("", np.right_shift), "rshift"),
}
COMPARE: dict[type, tuple[Callable[..., Any], Elementwise]] = {
    ast.Lt: (operator.lt, Elementwise("lt", np.less)),
    ast.LtE: (operator.le, Elementwise("le", np.less_equal)),
    ast.Gt: (operator.gt, Elementwise("gt", np.greater)),
    ast.GtE: (operator.ge, Elementwise("ge", np.greater_equal)),
    ast.Eq: (operator.eq, Elementwise("eq", np.equal)),
    ast.NotEq: (operator.ne, Elementwise("ne", np.not_equal)),
}
SIGNS: dict[type, Callable[[Any], Any]] = {
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert,
}  # fmt: skip
NEG = Elementwise("neg", np.negative)
FLOOR = Elementwise("floor", np.floor)
MUL, ADD, SUB = OPERATORS[ast.Mult][1], OPERATORS[ast.Add][1], OPERATORS[ast.Sub][1]
DIV = OPERATORS[ast.Div][1]
SQUARE = Elementwise("square", np.square)


def binary(reader: Reader, kind: type, left: Any, right: Any) -> Any:
    """The value of a binary operator."""
    for value in (left, right):
        if isinstance(value, Unknown):
            reader.refuse_unknown(value)
    left, right = as_arrays(left, right)
    if isinstance(left, Instance) or isinstance(right, Instance):
        return _of_instances(reader, kind, left, right)
    if kind is ast.Mod and isinstance(left, str):
        return of_percent(reader, left, right)
    if not isinstance(left, Array) and not isinstance(right, Array):
        if kind is ast.Add and isinstance(left, list) and isinstance(right, list):
            reader.count_length(len(left) + len(right))
        if not _has_numbers(left, right):
            return _known(reader, kind, left, right)
    return reader.wrap(operate(reader.tape, kind, reader.content(left), reader.content(right)))


def as_arrays(left: Any, right: Any) -> tuple[Any, Any]:
    """Lists of whole numbers that were given, as arrays, unless two lists meet."""
    if isinstance(left, Given) and not isinstance(right, (list, tuple)):
        left = Array(np.array(left))
    if isinstance(right, Given) and not isinstance(left, (list, tuple)):
        right = Array(np.array(right))
    return left, right


def _has_numbers(left: Any, right: Any) -> bool:
    """Whether an operand is a list that numpy would take for an array."""
    return False if isinstance(left, (str, list, tuple)) else isinstance(right, np.ndarray)


def _known(reader: Reader, kind: type, left: Any, right: Any) -> Any:
    if kind is ast.Mult:
        for one, other in ((left, right), (right, left)):
            if isinstance(one, (list, tuple, str)) and isinstance(other, int):
                reader.count_length(len(one) * max(0, other))
    if isinstance(left, int) and isinstance(right, int):
        _refuse_huge(kind, left, right)
    if kind is ast.Pow and isinstance(left, (int, float)) and left < 0 and isinstance(right, float):
        return float(np.float_power(left, right))
    if kind is ast.Div and isinstance(left, float) and right == 0:
        with np.errstate(all="ignore"):
            return float(np.divide(left, right))
    result = OPERATORS[kind][0](left, right)
    if isinstance(result, (str, list, tuple)) and len(result) > MOST_LENGTH:
        raise LimitError(f"a list or text of {len(result)} parts")
    return result


def _refuse_huge(kind: type, left: int, right: int) -> None:
    """Refuse whole numbers of thousands of digits before they are computed."""
    bits = left.bit_length()
    if kind is ast.Pow:
        bits *= max(1, abs(right))
    elif kind is ast.LShift:
        bits += max(0, right)
    elif kind is ast.Mult:
        bits += right.bit_length()
    if bits > MOST_DIGITS:
        raise LimitError(f"a whole number of more than {MOST_DIGITS} bits",
                         hint="write it as a float, such as `2.0**1000`")  # fmt: skip


def _of_instances(reader: Reader, kind: type, left: Any, right: Any) -> Any:
    name = OPERATORS[kind][2]
    if isinstance(left, Instance) and left.cls.find(f"__{name}__") is not None:
        return reader.call_method(left, f"__{name}__", [right])
    if isinstance(right, Instance) and right.cls.find(f"__r{name}__") is not None:
        return reader.call_method(right, f"__r{name}__", [left])
    return reader.fail(f"{kind_of(left)} and {kind_of(right)} have no such operator")


def operate(tape: Tape, kind: type, left: Content, right: Content) -> Content:
    """A binary operator on contents."""
    if kind is ast.MatMult:
        return matmul(tape, left, right)
    if kind is ast.Pow:
        return power(tape, left, right)
    operation = OPERATORS[kind][1]
    if operation.gate:
        return tape.apply(operation, left, right)
    if tape.is_known(left) and tape.is_known(right):
        return tape.data(operation.numpy(left, right))
    if kind in (ast.FloorDiv, ast.Mod):
        whole = tape.apply(FLOOR, tape.apply(DIV, left, right))
        if kind is ast.FloorDiv:
            return whole
        return tape.apply(SUB, left, tape.apply(MUL, whole, right))
    return logical(tape, kind, left, right)


def logical(tape: Tape, kind: type, left: Content, right: Content) -> Content:
    """`&`, `|` and `^` of masks."""
    if not (tape.is_boolean(left) and tape.is_boolean(right)):
        raise ShapeError("`&`, `|` and `^` are read for masks only")
    if kind is ast.BitAnd:
        node = tape.apply(MUL, left, right)
    elif kind is ast.BitXor:
        node = tape.apply(COMPARE[ast.NotEq][1], left, right)
    else:
        node = tape.apply(Elementwise("max", np.maximum), left, right)
    tape.booleans.add(node)
    return node


def power(tape: Tape, left: Content, right: Content) -> Content:
    """`x**y`; whole powers of data stay whole numbers."""
    if tape.is_known(left) and tape.is_known(right):
        if left.dtype.kind == "i" and right.dtype.kind == "i" and (right < 0).any():
            left = left.astype(float)
        with np.errstate(all="ignore"):
            return tape.data(np.power(left, right))
    return tape.apply(OPERATORS[ast.Pow][1], left, right)


def matmul(tape: Tape, left: Content, right: Content) -> Content:
    """The matrix product. Raises ShapeError."""
    if tape.is_known(left) and tape.is_known(right):
        columns = right.shape[-1] if right.ndim > 1 else 1
        refuse_large(prod(left.shape[:-1]) * columns)
        return tape.data(tape.products(left.size * columns, np.matmul, left, right))
    return tape.gate("matmul", tape.node(left), tape.node(right))


def compare(reader: Reader, kind: type, left: Any, right: Any) -> Any:
    """The value of a comparison."""
    if kind in (ast.Is, ast.IsNot):
        if isinstance(left, (str, int)) and type(left) is type(right):
            return (left == right) == (kind is ast.Is)  # Python has each of them once
        return (left is right or (isinstance(left, Library) and left == right)) == (kind is ast.Is)
    for value in (left, right):
        if isinstance(value, Unknown):
            reader.refuse_unknown(value)
    if kind in (ast.In, ast.NotIn):
        return _contains(reader, left, right) == (kind is ast.In)
    left, right = as_arrays(left, right)
    known, operation = COMPARE[kind]
    if isinstance(left, Array) or isinstance(right, Array):
        if any(isinstance(value, (str, type(None))) for value in (left, right)):
            return kind is ast.NotEq
        return reader.wrap(
            reader.tape.apply(operation, reader.content(left), reader.content(right))
        )
    if kind in (ast.Eq, ast.NotEq) and reader.has_arrays((left, right)):
        reader.fail("lists of arrays are not compared")
    return known(left, right)


def _contains(reader: Reader, item: Any, container: Any) -> bool:
    if isinstance(container, Array):
        values = reader.tape.decide(container.content, np.array)
        return bool((values == reader.plain(item)).any())
    if isinstance(container, dict):
        return reader.plain(item) in container
    return reader.plain(item) in [
        reader.plain(x) if isinstance(x, Array) else x for x in reader.iterate(container)
    ]


def unary(reader: Reader, kind: type, value: Any) -> Any:
    """The value of `-x`, `+x`, `not x`, `~x`."""
    if kind is ast.Not:
        return not is_true(reader, value)
    if isinstance(value, Instance) and kind is ast.USub:
        return reader.call_method(value, "__neg__", [])
    if not isinstance(value, Array):
        reader.refuse_unknown(value)
        return SIGNS[kind](value)
    if kind is ast.UAdd:
        return value
    content, tape = value.content, reader.tape
    if kind is ast.USub:
        return reader.wrap(tape.apply(NEG, content))
    if tape.is_known(content):
        return reader.wrap(tape.data(np.invert(content)))
    if not tape.is_boolean(content):
        reader.fail("`~` is read for masks only")
    node = tape.apply(SUB, np.array(1.0), content)
    tape.booleans.add(node)
    return Array(node)


def is_true(reader: Reader, value: Any) -> bool:
    """Whether a condition holds; where it depends on inputs, at the point."""
    if isinstance(value, Unknown):
        reader.refuse_unknown(value)
    if isinstance(value, Array):
        content = value.content
        if prod(reader.tape.shape(content)) != 1:
            reader.fail("the truth value of an array is ambiguous",
                        "write `.any()` or `.all()`")  # fmt: skip
        if content.__class__ is int:
            reader.note_branch()
        return bool(reader.tape.decide(content, _any))
    if isinstance(value, Instance) and value.cls.find("__bool__") is not None:
        return is_true(reader, reader.call_method(value, "__bool__", []))
    if isinstance(value, (Instance, Function, Class, Library, Method)):
        return True
    return bool(value)


def _any(value: Any) -> bool:
    return bool(np.any(value))
