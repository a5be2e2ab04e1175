"""Bindings: numbers, lists and constant expressions for inputs, as a graph of constants.

They stay expressions here; a room further up evaluates them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from gradcli.errors import BindingError, LimitError, ParseError, ShapeError
from gradcli.gates.row import GateTable
from gradcli.gates.shapes import MOST_AXES
from gradcli.gates.table import CONSTANTS
from gradcli.graph.array_calls import OpenFile
from gradcli.graph.lowering import Lowering, Value, find_constant
from gradcli.graph.nodes import Graph
from gradcli.requests import Setting
from gradcli.syntax import RESERVED, Tree, parse_expression
from gradcli.syntax.tokens import LOWERED, Source

REAL = "biuf"  # kinds of numpy's types that are real numbers
ANOTHER = r"[\s,;]\s*([^\W\d]\w*\s*=(?!=).*)"  # a binding behind a value
_DECIMAL = r"[-+−]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_POWER = r"(?:\^|\*\*)\s*[-+−]?[0-9]+|⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+"
_TIMES = rf"(?:[eE](?P<e>[-+]?[0-9]+)|\s*[*×·]\s*10(?P<ten>{_POWER}))?"
_IN_BRACKETS = rf"\(\s*(?P<value>{_DECIMAL})\s*±\s*(?P<spread>{_DECIMAL})\s*\){_TIMES}"
_LAST_DIGITS = rf"(?P<value>{_DECIMAL})\((?P<spread>[0-9]+\.?[0-9]*|\.[0-9]+)\){_TIMES}"


def check_name(name: str, table: GateTable) -> str | None:
    """A warning about the name of an input, if there is one. Raises BindingError.

    No input is called as a function of the table is.
    """
    if not isinstance(name, str):
        raise BindingError(f"{name!r} is no name: a name is a text")
    if not name.isascii():
        Source(name, f"{name}=")  # refuses letters that look like others
    if not name.isidentifier() or name in RESERVED:
        raise BindingError(f"`{name}` is not a name", hint="write NAME=VALUE")
    gate = table.functions.get(name)
    if gate is not None and not gate.is_structural:  # `mean` and `var` are good names
        raise BindingError(f"`{name}` is a function and cannot be given a value")
    return hides_constant(name)


def hides_constant(name: str) -> str | None:
    """A warning where an input hides pi, tau or e."""
    return f"`{name}` is given a value and hides the constant {name}" if name in CONSTANTS else None


def parted(text: str) -> tuple[str, str | None]:
    """The text of a value and that of its uncertainty, which is None where none is written.

    Written are `2+/-0.1`, `2±0.1`, `(1.00+/-0.10)e-3`, and `1.234(12)`, whose bracket counts units
    of the last digit unless it has a point of its own: `12.3(1.2)` is `12.3+/-1.2`.

    >>> parted("1.234(12)e-3")
    ('1.234e-3', '12e-6')
    """
    text = text.replace("+/-", "±")
    if "(" not in text:
        value, sign, spread = text.partition("±")
        return value, spread if sign else None
    import re  # late: few values have brackets

    match = re.fullmatch(_IN_BRACKETS, text.strip()) or re.fullmatch(_LAST_DIGITS, text.strip())
    if match is None:
        value, sign, spread = text.partition("±")
        return value, spread if sign else None
    exponent = match["e"] or (match["ten"] or "0").translate(LOWERED).strip("^* ")
    power = int(exponent.replace("−", "-"))
    value, spread = match["value"].replace("−", "-"), match["spread"]
    fine = power
    if "±" not in text and "." not in spread:
        fine -= len(value.partition(".")[2])
    return (f"{value}e{power}", f"{spread}e{fine}") if power or fine else (value, spread)


def lower_setting(graph: Graph, name: str, value: Setting) -> Value:
    """A value as a node of a graph of constants. Raises GradcliError."""
    if isinstance(value, str):
        if value.startswith("@"):
            from gradcli.program.array_files import open_array  # late: few bindings are files

            array = open_array(name, value[1:], graph.most_elements)
            return graph.array(array) if array.shape else graph.constant(float(array))
        source = Source(value, f"{name}=")
        try:
            tree = parse_expression(source)
        except ParseError as error:
            error.hint = _apart(name, value) or error.hint
            raise
        return lower_constant(graph, name, source, tree)
    if isinstance(value, list | tuple) or getattr(value, "shape", None):
        return _array(graph, name, value)
    is_real = getattr(getattr(value, "dtype", None), "kind", "f") in REAL
    if not is_real or isinstance(value, bytes | bytearray):  # `float` would take them all the same
        raise BindingError(f"`{name}` is {_kind(value)}, not a number")
    try:
        return graph.constant(float(value))
    except OverflowError:
        raise BindingError(f"`{name}` is too large for float64") from None
    except (TypeError, ValueError):
        raise BindingError(f"`{name}` is {_kind(value)}, not a number") from None


def _apart(name: str, text: str) -> str | None:
    """What to write where a value goes on with another binding, as in `x=1,y=2`."""
    import re  # late: as those of measured numbers

    another = re.search(ANOTHER, text)
    if another is None:
        return None
    value = text[: another.start()]
    is_whole = all(value.count(left) == value.count(right) for left, right in ("()", "[]"))
    return f"give each by itself: `{name}={value}` and `{another[1]}`" if is_whole else None


def _kind(value: Any) -> str:
    """The type of a value in words: `dict`, `ndarray of dtype complex128`."""
    dtype = getattr(value, "dtype", None)
    kind = type(value).__name__
    return kind if dtype is None or kind == str(dtype) else f"{kind} of dtype {dtype}"


def _array(graph: Graph, name: str, value: Setting) -> Value:
    """Lists of numbers, or an array, as one constant. Raises BindingError, ShapeError."""
    import numpy as np  # late: numbers do not need it

    depth, part = 0, value
    while isinstance(part, list | tuple) and part:
        depth, part = depth + 1, part[0]
    if depth > MOST_AXES:
        raise LimitError(f"`{name}`: lists nest at most {MOST_AXES} deep")
    try:
        array = np.array(value)
    except (TypeError, ValueError):  # not all rows are equally long
        return _array_of_settings(graph, name, value)
    if array.dtype.kind not in REAL and array.size:
        return _array_of_settings(graph, name, value)
    array = array.astype(float)
    if array.ndim > MOST_AXES:
        raise LimitError(f"`{name}`: lists nest at most {MOST_AXES} deep")
    return graph.array(array)


def _array_of_settings(graph: Graph, name: str, value: Setting) -> Value:
    """A list whose elements are not all plain numbers: some are expressions, or do not fit."""
    if not isinstance(value, list | tuple):
        raise BindingError(f"`{name}` is {_kind(value)}, not an array of numbers")
    parts = tuple(lower_setting(graph, name, part) for part in value)
    try:
        return graph.node(graph.table["list"], parts)
    except ShapeError as error:
        raise ShapeError(f"`{name}`: {error.message}", hint=error.hint) from None


def lower_constant(
    graph: Graph, name: str, source: Source, tree: Tree, sizes: Mapping[str, Value] | None = None
) -> Value:
    """A constant expression as nodes of a graph of constants. Raises GradcliError.

    `sizes` are nodes of that graph, of names that only sizes and shapes are taken from.
    """
    graph.begin_statement()
    lowering = Lowering(graph, source, open_file=beside(source, graph.most_elements))
    lowering.stream = name
    return lowering.value(tree, sizes or {}, _constants_only(graph, name, source))


def beside(source: Source, most: int) -> OpenFile:
    """How the files that a program names are opened: their paths begin in its own folder.

    Arrays of more than `most` elements are refused.
    """

    def open_file(path: str) -> Any:
        from gradcli.program.array_files import open_array  # late: few programs have files

        return open_array(path, os.path.join(os.path.dirname(source.name), path), most)

    return open_file


def _constants_only(graph: Graph, target: str, source: Source) -> Callable[[str, int], Value]:
    def find(name: str, token: int) -> Value:
        number = find_constant(name)
        if number is None:
            raise BindingError(
                f"`{name}` has no value here",
                source.span(token),
                f"`{target}` must be a number or a constant expression",
            )
        return graph.constant(number)

    return find


def parse_constant(name: str, value: Setting, may_be_list: bool = False) -> tuple[Graph, Value]:
    """A number or constant expression as a graph of constants and its node. Raises BindingError."""
    graph = Graph()
    node = lower_setting(graph, name, value)
    if graph.shape(node) and not may_be_list:
        shape = graph.shape(node)
        kind = f"a list of {shape[0]}" if len(shape) == 1 else f"an array of shape {shape}"
        raise BindingError(f"`{name}` must be one number, this is {kind}")
    return graph, node
