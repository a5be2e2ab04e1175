"""Functions of numpy that make arrays, and those whose results are fixed at the point, as rows."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from gradcli.errors import LimitError, ShapeError
from gradcli.python.rows.reductions import axes_of
from gradcli.python.rows.shapes import array_of, as_data, shape_of
from gradcli.python.state import indexing
from gradcli.python.state.limits import MOST_DATA
from gradcli.python.state.reader import Reader
from gradcli.python.state.tape import refuse_large
from gradcli.python.state.values import Array, Content, Foreign, Library, Partial, Shape

MOST_FACTORIAL, MOST_CHOSEN = 170, 520  # beyond which a float64 is infinite
SIZED: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {  # and how many elements it has
    "bincount": (np.bincount, lambda x, weights=None, minlength=0: max(np.max(x), minlength)),
    "indices": (np.indices, lambda dimensions, **_: len(dimensions) * prod(dimensions)),
    "tri": (np.tri, lambda N, M=None, k=0, **_: N * (M or N)),  # noqa: N803
    "tril_indices": (np.tril_indices, lambda n, k=0, m=None: n * (m or n)),
    "triu_indices": (np.triu_indices, lambda n, k=0, m=None: n * (m or n)),
    "diag_indices": (np.diag_indices, lambda n, ndim=2: n * ndim),
    "vander": (np.vander, lambda x, N=None, **_: len(x) * (N or len(x))),  # noqa: N803
    "histogram": (np.histogram, lambda a, bins=10, **_: bins if np.ndim(bins) == 0 else 0),
    "hanning": (np.hanning, int),
    "hamming": (np.hamming, int),
    "logspace": (np.logspace, lambda start, stop, num=50, *_, **__: num),
    "geomspace": (np.geomspace, lambda start, stop, num=50, *_, **__: num),
}


def _sized(function: Callable[..., Any], size: Callable[..., Any]) -> Callable[..., Any]:
    """A function of numpy that is refused, by its arguments, before it makes too large an array."""

    def made(*values: Any, **named: Any) -> Any:
        refuse_large(size(*values, **named))
        return function(*values, **named)

    return made


def _factorial(n: Any) -> float:
    return float(np.prod(np.arange(1.0, n + 1))) if n <= MOST_FACTORIAL else np.inf


def _comb(n: Any, k: Any) -> float:
    """How many sets of k there are among n; the product of as few quotients as there can be."""
    chosen = int(k if n % 1 else min(k, n - k))
    if chosen < 0 or chosen > MOST_CHOSEN:
        return 0.0 if chosen < 0 else np.inf
    return float(np.prod([(n - i) / (i + 1) for i in range(chosen)]))


# Functions of known data, or of what data there is at the point: their results are whole numbers,
# masks and orders, which do not change near by.
FIXED: dict[str, Callable[..., Any]] = {
    "argmax": np.argmax, "argmin": np.argmin, "argsort": np.argsort, "nonzero": np.nonzero,
    "nanargmax": np.nanargmax, "nanargmin": np.nanargmin, "flatnonzero": np.flatnonzero,
    "argwhere": np.argwhere, "unique": np.unique,
    "searchsorted": np.searchsorted, "digitize": np.digitize,
    "count_nonzero": np.count_nonzero, "isin": np.isin, "in1d": np.isin, "lexsort": np.lexsort,
    "unravel_index": np.unravel_index, "ravel_multi_index": np.ravel_multi_index,
    "allclose": np.allclose, "isclose": np.isclose, "array_equal": np.array_equal,
    "isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite, "signbit": np.signbit,
    "trunc": np.trunc, "fix": np.trunc, "ix_": np.ix_, "gcd": np.gcd,
    "setdiff1d": np.setdiff1d, "union1d": np.union1d, "intersect1d": np.intersect1d,
    "percentile": np.percentile, "quantile": np.quantile,
    "broadcast_shapes": np.broadcast_shapes, "comb": _comb, "factorial": _factorial,
    **{name: _sized(*entry) for name, entry in SIZED.items()},
}  # fmt: skip


def fixed(function: Callable[..., Any]) -> Callable[..., Any]:
    """A row whose result holds at the point; that it does is noted as a decision."""

    def row(reader: Reader, *values: Any, **keywords: Any) -> Any:
        keywords.pop("kind", None)
        named = {key: as_data(reader, value) for key, value in keywords.items()}
        nodes = [v for v in values if isinstance(v, Array) and v.content.__class__ is int]
        if len(nodes) == 1:
            plain = [v if v is nodes[0] else as_data(reader, v) for v in values]

            def rule(value: Any) -> Any:
                return function(*[value if v is nodes[0] else v for v in plain], **named)

            return known(reader, reader.tape.decide(nodes[0].content, rule))
        return known(reader, function(*[as_data(reader, value) for value in values], **named))

    return row


def known(reader: Reader, result: Any) -> Any:
    """What numpy has computed, as values of the file."""
    if isinstance(result, tuple):
        return tuple(known(reader, part) for part in result)
    if isinstance(result, list):
        return [known(reader, part) for part in result]
    if isinstance(result, (np.ndarray, np.generic)):
        return reader.wrap(reader.tape.data(result))
    return result


# ---------------------------------------------------------------- kinds of numbers

WHOLE = ("int", "uint", "long", "intp")
KINDS = {
    "bool": bool, "bool_": bool, "bool8": bool, "?": bool,
    **dict.fromkeys(("f", "d", "e", "f2"), float),
    **dict.fromkeys(("i", "l", "q", "u", "b", "h", "i2", "i4", "i8", "u1", "u2"), int),
}  # fmt: skip


def kind_of_numbers(reader: Reader, dtype: Any) -> type:
    """A `dtype` as float, int or bool; one of a module that is not read is a setting, and float."""
    if isinstance(dtype, Foreign):
        return float
    name = dtype.name if isinstance(dtype, Library) else str(dtype)
    name = name.rpartition(".")[2].lstrip("<>=")
    if name in KINDS:
        return KINDS[name]
    if name.startswith(WHOLE):
        return int
    if name.startswith(("float", "double", "half", "single", "f4", "f8", "None", "object")):
        return float
    raise ShapeError(f"numbers of type `{name}` are not read", hint="float, int and bool are")


def cast(reader: Reader, content: Content, kind: type) -> Content:
    """The numbers as floats, whole numbers or masks; whole ones are fixed at the point."""
    tape = reader.tape
    if tape.is_known(content):
        with np.errstate(all="ignore"):
            return tape.data(content.astype(kind))
    if kind is bool:
        from gradcli.python.rows.elementwise import mask  # late: it needs the rows below it

        return mask(reader, Array(content))
    if kind is int and not tape.is_boolean(content):
        return tape.data(tape.decide(content, lambda value: value.astype(int)))
    if tape.is_boolean(content):
        return tape.gate("copy", content)  # numbers 0 and 1, and no mask any more
    return content


def sized(reader: Reader, shape: Any) -> tuple[int, ...]:
    """A shape that there is room for."""
    sizes = shape_of(reader, shape)
    if min(sizes, default=0) < 0:
        reader.fail(f"negative dimensions are not allowed: {sizes}")
    if prod(sizes) > MOST_DATA:
        raise LimitError(f"an array of {prod(sizes)} elements; at most {MOST_DATA} are read",
                         reader.span(), "check a smaller case")  # fmt: skip
    return sizes


def filled(number: float) -> Callable[..., Any]:
    """`np.zeros` and its like."""

    def row(reader: Reader, shape: Any, dtype: Any = float, order: Any = None) -> Any:
        kind = float if dtype is float else kind_of_numbers(reader, dtype)
        return Array(np.full(sized(reader, shape), number, dtype=kind))

    return row


def filled_like(number: float) -> Callable[..., Any]:
    """`np.zeros_like` and its like."""

    def row(reader: Reader, x: Any, dtype: Any = None, **_: Any) -> Any:
        content = reader.content(x)
        own = content.dtype if reader.tape.is_known(content) else (
            bool if reader.tape.is_boolean(content) else float
        )  # fmt: skip
        kind = own if dtype is None else kind_of_numbers(reader, dtype)
        return Array(np.full(sized(reader, reader.tape.shape(content)), number, dtype=kind))

    return row


def full(reader: Reader, shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """`np.full`."""
    content = reader.content(fill_value)
    if dtype is not None:
        content = cast(reader, content, kind_of_numbers(reader, dtype))
    return Array(reader.tape.fill(content, sized(reader, shape)))


def full_like(reader: Reader, x: Any, fill_value: Any, **_: Any) -> Any:
    """`np.full_like`."""
    shape = reader.tape.shape(reader.content(x))
    return Array(reader.tape.fill(reader.content(fill_value), shape))


def eye(reader: Reader, N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:  # noqa: N803  # numpy's names
    """`np.eye`."""
    N = indexing.whole(reader.tape, N)  # noqa: N806
    sized(reader, (N, N if M is None else M))
    return Array(np.eye(N, M, k))


def arange(reader: Reader, *ends: Any, dtype: Any = None, **_: Any) -> Any:
    """`np.arange`."""
    plain = [as_data(reader, end) for end in ends]
    start, stop, step = (0, plain[0], 1) if len(plain) == 1 else (*plain, 1)[:3]
    sized(reader, int(max(0, (stop - start) / step)))
    array = np.arange(start, stop, step)
    kind = None if dtype is None else kind_of_numbers(reader, dtype)
    return Array(array if kind is None else array.astype(kind))


def linspace(
    reader: Reader, start: Any, stop: Any, num: Any = 50, endpoint: bool = True, **_: Any
) -> Any:
    """`np.linspace`."""
    count = indexing.whole(reader.tape, num)
    sized(reader, count)
    tape, ends = reader.tape, (reader.content(start), reader.content(stop))
    if endpoint and not all(map(tape.is_known, ends)):
        nodes = [tape.node(end) for end in ends]
        return Array(tape.gate("linspace", *nodes, tape.static((count,))))
    plain = as_data(reader, start), as_data(reader, stop)
    return Array(np.linspace(*plain, count, endpoint=endpoint))


def array(reader: Reader, x: Any, dtype: Any = None, **keywords: Any) -> Any:
    """`np.array`: a new array."""
    if isinstance(x, (str, dict)):
        reader.fail("`np.array` is read for numbers and lists of them")
    content = reader.content(x)
    if dtype is not None:
        content = cast(reader, content, kind_of_numbers(reader, dtype))
    least = keywords.get("ndmin", 0)
    shape = reader.tape.shape(content)
    if len(shape) < least:
        content = reader.tape.reshape(content, (*(1,) * (least - len(shape)), *shape))
    elif not shape and content.__class__ is int:
        content = reader.tape.copy(content)
        reader.tape.boxed.add(content)
    return Array(content)


def same_array(reader: Reader, x: Any, dtype: Any = None, **_: Any) -> Any:
    """`np.asarray`: the array itself, where it is one."""
    return array_of(reader, x) if dtype is None else array(reader, x, dtype)


def in_order(reader: Reader, x: Any, *_: Any, **__: Any) -> Any:
    """`np.ascontiguousarray`: a copy of what is a part of another array."""
    whole = array_of(reader, x)
    return Array(whole.content) if whole.is_view else whole


def meshgrid(reader: Reader, *axes: Any, **keywords: Any) -> Any:
    """`np.meshgrid`."""
    plain = [as_data(reader, axis) for axis in axes]
    sized(reader, [np.size(axis) for axis in plain])
    return [Array(grid) for grid in np.meshgrid(*plain, **keywords)]


def shape_row(reader: Reader, x: Any) -> Any:
    """`np.shape`."""
    return Shape(reader.tape.shape(reader.content(x)))


def size_row(reader: Reader, x: Any, axis: int | None = None) -> Any:
    """`np.size`."""
    shape = reader.tape.shape(reader.content(x))
    return prod(shape) if axis is None else shape[axis]


def ndim_row(reader: Reader, x: Any) -> Any:
    """`np.ndim`."""
    return len(reader.tape.shape(reader.content(x)))


def is_scalar(reader: Reader, x: Any) -> Any:
    """`np.isscalar`."""
    return isinstance(x, (int, float, str)) or (
        isinstance(x, Array) and not reader.tape.shape(x.content)
    )


def number(kind: type) -> Callable[..., Any]:
    """`np.float64(x)`, `np.int64(x)` and their like."""

    def row(reader: Reader, x: Any = 0) -> Any:
        return reader.wrap(cast(reader, reader.content(x), kind))

    return row


_FLOAT = np.finfo(float)
LIMITS = {"eps": float(_FLOAT.eps), "max": float(_FLOAT.max), "min": float(_FLOAT.min),
          "tiny": float(_FLOAT.tiny)}  # fmt: skip


def finfo(reader: Reader, dtype: Any = None) -> Any:
    """`np.finfo`."""
    from gradcli.python.state.values import Class, Instance  # late: few files ask

    instance = Instance(Class("finfo", [], {}))
    reader.has_tiny = True
    small = {"eps": 0.0, "tiny": 0.0} if reader.tiny_is_zero else {}
    instance.attributes.update(LIMITS | small)
    return instance


def index_all(reader: Reader, *shape: Any) -> Any:
    """`np.ndindex`."""
    sizes = shape_of(reader, shape[0] if len(shape) == 1 else tuple(shape))
    sized(reader, sizes)
    return [tuple(map(int, at)) for at in np.ndindex(*sizes)]


def enumerate_all(reader: Reader, x: Any) -> Any:
    """`np.ndenumerate`."""
    whole = array_of(reader, x)
    places = index_all(reader, *reader.tape.shape(whole.content))
    return [(at, reader.part(whole, at)) for at in places]


NUMBERS: dict[str, Callable[..., Any]] = {
    **{name: number(float) for name in ("float64", "float32", "float16", "float_", "double",
                                        "longdouble", "single")},
    **{name: number(int) for name in ("int64", "int32", "int8", "int16", "int_", "uint8", "intp")},
    **{name: number(bool) for name in ("bool_", "bool8")},
}  # fmt: skip


def along_axis(reader: Reader, function: Any, axis: int, x: Any, *more: Any) -> Any:
    """`np.apply_along_axis`: a function of every line of an array along an axis."""
    whole = array_of(reader, x)
    shape = reader.tape.shape(whole.content)
    (at,) = axes_of(reader, axis, len(shape))
    rest = [size for k, size in enumerate(shape) if k != at]
    reader.count_length(prod(rest))
    lines = []
    for place in np.ndindex(*rest):
        key = (*place[:at], slice(None), *place[at:])
        lines.append(reader.call(function, [reader.part(whole, key), *more], {}))
    content = reader.content(lines)
    own = reader.tape.shape(content)[1:]
    stacked = reader.tape.reshape(content, (*rest, *own))
    order = [*range(at), *range(len(rest), len(rest) + len(own)), *range(at, len(rest))]
    return reader.wrap(reader.tape.transpose(stacked, tuple(order)))


def vectorized(reader: Reader, function: Any, **_: Any) -> Any:
    """`np.vectorize`: a function that is called for every element."""
    return Partial(Library("each"), [function], {})


def each(reader: Reader, function: Any, *arrays: Any) -> Any:
    """The values of a function for every element of arrays that are spread over one another."""
    contents = [reader.content(array) for array in arrays]
    shape = np.broadcast_shapes(*[reader.tape.shape(content) for content in contents])
    reader.count_length(prod(shape) * len(contents))
    wide = [reader.tape.fill(content, shape) for content in contents]
    if not shape:
        return reader.call(function, [reader.wrap(content) for content in wide], {})
    parts = [
        reader.call(function, [reader.part(Array(content), place) for content in wide], {})
        for place in np.ndindex(*shape)
    ]
    return reader.wrap(reader.tape.reshape(reader.content(parts), shape))


ROWS: dict[str, Callable[..., Any]] = {
    "apply_along_axis": along_axis, "vectorize": vectorized, "each": each,
    **{name: fixed(function) for name, function in FIXED.items()}, **NUMBERS,
    "zeros": filled(0), "ones": filled(1), "empty": filled(0), "zeros_like": filled_like(0),
    "ones_like": filled_like(1), "empty_like": filled_like(0), "full": full,
    "full_like": full_like, "eye": eye, "identity": eye, "arange": arange, "linspace": linspace,
    "array": array, "asarray": same_array, "asanyarray": same_array, "matrix": array,
    "ascontiguousarray": in_order, "asfortranarray": in_order, "meshgrid": meshgrid,
    "shape": shape_row, "size": size_row, "ndim": ndim_row, "isscalar": is_scalar, "finfo": finfo,
    "ndindex": index_all, "ndenumerate": enumerate_all, "asarray_chkfinite": same_array,
}  # fmt: skip
