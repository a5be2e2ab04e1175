"""Calls of numpy, scipy and math: all rows by name, and what is said of other names."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from gradcli.errors import GradcliError, did_you_mean
from gradcli.python.rows import (
    convolutions,
    data,
    densities,
    distances,
    elementwise,
    files,
    products,
    random_numbers,
    reductions,
    shapes,
)
from gradcli.python.state.reader import Reader
from gradcli.python.state.values import Array, Library

CONSTANTS = {
    "pi": math.pi, "e": math.e, "tau": math.tau, "inf": math.inf, "Inf": math.inf,
    "infty": math.inf, "nan": math.nan, "NaN": math.nan, "newaxis": None,
    "PINF": math.inf, "NINF": -math.inf, "euler_gamma": 0.5772156649015329,
}  # fmt: skip
MODULES = {"random", "linalg", "special", "lib", "lib.stride_tricks", "stats", "optimize",
           "signal", "spatial", "spatial.distance", "testing", "numpy", "math",
           "matlib"}  # fmt: skip


def ignored(reader: Reader, *_: Any, **__: Any) -> None:
    """A call that changes no number."""


def is_kind(reader: Reader, dtype: Any, kind: Any) -> bool:
    """`np.issubdtype`: whether numbers are of a kind, `np.floating` or `np.number`."""
    name = kind.name if isinstance(kind, Library) else str(kind)
    own = data.kind_of_numbers(reader, dtype)
    if name.startswith("complex"):
        return False
    kinds = {"number": (int, float), "generic": (int, float, bool), "inexact": (float,),
             "floating": (float,), "integer": (int,), "signedinteger": (int,),
             "unsignedinteger": ()}  # fmt: skip
    return own in (kinds[name] if name in kinds else (data.kind_of_numbers(reader, kind),))


ROWS: dict[str, Callable[..., Any]] = {
    **data.ROWS, **elementwise.ROWS, **reductions.ROWS, **shapes.ROWS,
    **products.ROWS, **convolutions.ROWS, **distances.ROWS,
    **random_numbers.ROWS, **files.ROWS, **densities.ROWS,
    "asnumpy": lambda _, x: x, "get_array_module": lambda *_: Library(""),  # of CuPy
    **dict.fromkeys(("result_type", "promote_types"), lambda *_: Library("float64")),
    "scatter_add": shapes.ROWS["add.at"],
    **dict.fromkeys(("seterr", "set_printoptions", "errstate", "warn"), ignored),
    **{f"testing.assert_{kind}": ignored for kind in (
        "allclose", "array_equal", "equal", "almost_equal", "array_almost_equal")},
    "issubdtype": is_kind, "iscomplexobj": lambda *_: False, "isrealobj": lambda *_: True,
    "math.fsum": reductions.ROWS["sum"], "math.prod": reductions.ROWS["prod"],
    "math.pow": elementwise.ROWS["power"], "math.isclose": data.ROWS["isclose"],
    "math.dist": lambda reader, a, b: reductions.norm(
        reader, elementwise.ROWS["subtract"](reader, a, b)
    ),
    "add.reduce": reductions.ROWS["sum"], "multiply.reduce": reductions.ROWS["prod"],
    "maximum.reduce": reductions.ROWS["max"], "minimum.reduce": reductions.ROWS["min"],
    "add.accumulate": reductions.ROWS["cumsum"],
}  # fmt: skip

# Functions of `math` that give whole numbers.
WHOLE_RESULTS: dict[str, Callable[[Any], int]] = {
    "floor": math.floor, "ceil": math.ceil, "trunc": math.trunc,
}  # fmt: skip
OTHER_FRAMEWORKS = {
    "torch": "PyTorch", "tensorflow": "TensorFlow", "tf": "TensorFlow", "jax": "JAX",
    "keras": "Keras", "theano": "Theano", "mxnet": "MXNet",
}  # fmt: skip
INSTEAD = {
    "fft": "write the transform as a product with a matrix",
    "put": "write `x[places] = values`",
    "interp": "write the weights of the two neighbours out",
}  # fmt: skip


def find_row(library: Library) -> Callable[..., Any] | None:
    """The row of a name: as it is, or without the module before it."""
    name = library.name
    short = name.rpartition(".")[2]
    is_method = name.rpartition(".")[0] in elementwise.ROWS
    for candidate in (name,) if is_method else (name, f"linalg.{short}", short):
        if candidate in ROWS:
            return ROWS[candidate]
    return None


def library_call(
    reader: Reader, library: Library, values: list[Any], keywords: dict[str, Any]
) -> Any:
    """The value of a call of numpy, scipy or math."""
    prefix = "math" if library.kind == "math" else "np"
    shown = f"{prefix}.{library.name.removeprefix('math.')}"
    row = find_row(library)
    if row is None:
        hint = INSTEAD.get(library.name) or did_you_mean(library.name, ROWS)
        return reader.fail(f"`{shown}` is not read", hint or "write it out in functions that are: "
                           "elementary ones, sums, products, indices")  # fmt: skip
    out = keywords.pop("out", None)
    if (
        library.kind == "numpy"
        and len(values) == 3
        and (library.name in elementwise.BINARY or library.name in elementwise.AS_OPERATORS)
    ):  # `np.maximum(x, 0, x)`
        *values, out = values
    if keywords.get("where") is not None and library.name != "where":
        reader.fail(f"`{shown}(..., where=...)` is not read", "write `np.where(mask, ..., ...)`")
    if library.name in elementwise.ROWS:
        for option in ("dtype", "casting", "order", "subok"):
            keywords.pop(option, None)
    if library.kind == "math" and library.name.removeprefix("math.") in WHOLE_RESULTS:
        return math_whole(reader, library.name, values[0])
    if library.kind == "math" and library.name.removeprefix("math.") in elementwise.ROWS:
        _refuse_arrays(reader, library.name.removeprefix("math."), values)
    try:
        value = row(reader, *values, **keywords)
    except TypeError as error:
        reader.fail(f"`{shown}`: {_words(error)}")
    except GradcliError as error:
        if not error.message.startswith(("`", "cannot")) and error.span is None:
            error.message = f"`{shown}`: {error.message}"
        raise
    if out is not None:
        target = out[0] if isinstance(out, tuple) else out
        if not isinstance(target, Array):
            reader.fail("`out=` is an array")
        target.write(reader.tape.fill(reader.content(value), reader.tape.shape(target.content)))
        return target
    return value


def _refuse_arrays(reader: Reader, name: str, values: list[Any]) -> None:
    """Fail where a function of `math` gets more than a number, as Python does."""
    for value in values:
        shape = reader.tape.shape(value.content) if isinstance(value, Array) else ()
        if math.prod(shape) != 1:
            reader.fail(f"`math.{name}` takes one number, this is an array of shape {shape}",
                        f"write `np.{name}`")  # fmt: skip


def math_whole(reader: Reader, name: str, value: Any) -> int:
    """`math.floor(x)` and its like, a whole number."""
    return WHOLE_RESULTS[name.removeprefix("math.")](reader.plain(value))


def _words(error: TypeError) -> str:
    """What Python says of arguments that do not fit, without the name of our row."""
    return str(error).rpartition("() ")[2].replace("row()", "it")


def refusal(name: str) -> tuple[str, str]:
    """What is said of a module that is not read, and what to do."""
    root = name.partition(".")[0]
    if root in OTHER_FRAMEWORKS:
        return (
            f"`{name}` is {OTHER_FRAMEWORKS[root]}, and only numpy is read",
            f"write the numpy form: `np.tanh(x)` for `{root}.tanh(x)`, `x @ w` for "
            f"`{root}.matmul(x, w)`",
        )  # fmt: skip
    return (
        f"`{name}` is neither numpy nor a file beside this one",
        f"put `{root}.py` beside it, or give what it computes as an input",
    )
