"""The sheets of the gates, read from their rows."""

from __future__ import annotations

from math import isfinite

from gradcli.arithmetic.floats import IEEE
from gradcli.errors import UsageError, did_you_mean
from gradcli.gates.conventions import CONVENTIONS, Convention
from gradcli.gates.row import Gate
from gradcli.gates.table import BUILT_IN
from gradcli.reports.gates import (
    GateCurve,
    GateReport,
    GateSheet,
    KinkConvention,
    LocalGradient,
    Sample,
)
from gradcli.syntax.tree import SIGNS

OPERATORS = {  # how a gate is written that is no function
    "add": "x + y", "sub": "x - y", "mul": "x * y", "div": "x / y", "neg": "-x", "pow": "x**y",
    "lt": "x < y", "le": "x <= y", "gt": "x > y", "ge": "x >= y", "eq": "x == y", "ne": "x != y",
    "matmul": "x @ y", "amax": "max(x)", "amin": "min(x)", "copy": "x",
}  # fmt: skip
OF_SIGNS = {sign: name for name, (sign, _) in SIGNS.items()} | {"^": "pow", "√": "sqrt"}
CALLS = {  # where the operands of the row are not what is written
    "polygamma": "polygamma(1, x)", "softmax": "softmax(x, axis=0)",
    "concatenate": "concatenate([x, y])", "linspace": "linspace(start, stop, 5)",
    "randn": "randn(2, 3)", "reshape": "reshape(x, (4,))",
    "transpose": "x.T", "outer": "outer(x, y)",
    **{name: f"{name}(x, axis=0)" for name in ("log_softmax", "cumsum", "cumprod", "sort")},
}  # fmt: skip
MATRICES = {"x": "[[1,2],[3,5]]", "y": "[[2,0],[1,1]]"}
OWN = {
    "linspace": {"start": "0", "stop": "1"}, "outer": {"x": "[1,2]", "y": "[3,4]"}, "randn": {},
    "polygamma": {"x": "0.7"}, "cholesky": {"x": "[[4,2],[2,3]]"},
}  # fmt: skip
GIVES_ARRAYS = (
    "softmax", "matmul", "outer", "transpose", "reshape", "concatenate", "linspace",
    "log_softmax", "cumsum", "cumprod", "sort", "inv", "solve", "cholesky",
)  # fmt: skip
# Where gates of one number are shown; each leaves out what is outside its domain.
GRID = (-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0)
OTHERS = "xyz"
POINTS_OF_CURVE = 97  # two in each column of a chart, and both ends


def gates(name: str | None = None) -> GateReport:
    """The sheet of one gate, by its name, a spelling or a sign of it, or of all that have names.

    Raises UsageError for a name that no gate has.
    """
    if name is None:
        return GateReport([_sheet(row) for row in BUILT_IN if not row.hidden])
    row = BUILT_IN[OF_SIGNS[name]] if name in OF_SIGNS else BUILT_IN.functions.get(name)
    if row is None:
        hint = did_you_mean(name, BUILT_IN.functions) or "`gradcli gates` lists them"
        raise UsageError(f"`{name}` is not a gate", hint=hint)
    sheet = _sheet(row)
    return GateReport([sheet._replace(curve=_curve(row, sheet.samples))])


def _sheet(row: Gate) -> GateSheet:
    operands = [*OTHERS[:2], "..."] if row.is_variadic else [*row.operands]
    written = _written(row)
    definition = row.expansion or (written if _is_primitive(row) else row.forward)
    return GateSheet(
        row.name, [*row.aliases], operands, definition, _other(row.forward, definition),
        [*_local_gradients(row)], row.role, row.domain or None, _kink(row), row.jump or None,
        None if row.is_structural else row.ulps, _example(row, written),
        [_at_kink(c) for c in CONVENTIONS if c.gate == row.name],
        [] if row.is_structural else [*_samples(row)],
    )  # fmt: skip


def _written(row: Gate) -> str:
    """The gate as it is written in an expression of x and y."""
    operands = OTHERS[:2] if row.is_variadic else row.operands
    arrays = [name for name in operands if name not in ("axis", "axes", "shape", "seed")]
    plain = f"{row.name}({', '.join(arrays)})"
    return OPERATORS.get(row.name) or CALLS.get(row.name) or plain


def _is_primitive(row: Gate) -> bool:
    return not row.forward or row.name in OPERATORS or row.is_structural


def _other(text: str, shown: str) -> str | None:
    return text if text and text.replace(" ", "") != shown.replace(" ", "") else None


def _local_gradients(row: Gate) -> list[LocalGradient]:
    if row.is_structural:
        pairs = zip(row.operands, row.textbook, strict=True)
        return [LocalGradient(operand, text, None) for operand, text in pairs if text != "0"]
    operands = OTHERS[0] if row.is_variadic else row.operands
    return [
        LocalGradient(operand, formula, _other(stable, formula))
        for operand, formula, stable in zip(operands, row.textbook, row.local, strict=True)
    ]


def _kink(row: Gate) -> str | None:
    """Where the slope jumps, as an expression that is 0 there."""
    of_ties = {"lead(xs)": "x - y", "trail(xs)": "x - y"}
    return of_ties.get(row.kink, row.kink) or None


def _example(row: Gate, written: str) -> str:
    """A command that runs the gate."""
    names = [*OTHERS] if row.is_variadic else row.operands
    bound = OWN.get(row.name)
    if bound is None and row.is_structural:
        bound = {name: matrix for name, matrix in MATRICES.items() if name in written}
    elif bound is None:
        bound = dict(zip(names, row.samples.split(";")[0].split(","), strict=False))
    values = "".join(f" {name}={value.strip()}" for name, value in bound.items())
    return f'gradcli eval "{written}"{values}{" --jacobian" * (row.name in GIVES_ARRAYS)}'


def _at_kink(convention: Convention) -> KinkConvention:
    def named(values: tuple[object, ...]) -> dict[str, object]:
        return dict(zip(OTHERS, values, strict=False))

    return KinkConvention(convention.call, *map(named, convention[2:]))


def _samples(row: Gate) -> list[Sample]:
    """Values and local gradients: of one number over a grid, of several at the row's own points."""
    points = [[*map(float, sample.split(","))] for sample in row.samples.split(";")]
    if len(row.operands) == 1 and not row.is_variadic:
        is_inside = IEEE.text_function(row, row.domain) if row.domain else lambda _: True
        numbers = {*GRID, *(x for (x,) in points)}
        points = [[x] for x in sorted(numbers) if is_inside(x)]
    fewest = min(map(len, points))  # of what takes any number of operands
    samples = [_sample(row, at) for at in points if len(at) == fewest]
    return [sample for sample in samples if isfinite(sample.value)]


def _curve(row: Gate, samples: list[Sample]) -> GateCurve | None:
    """The curve of a gate of one number where its samples are on the grid; None for another."""
    at = [sample.operands[0] for sample in samples if GRID[0] <= sample.operands[0] <= GRID[-1]]
    if row.is_variadic or len(row.operands) != 1 or len(at) < 2:
        return None
    low, high = at[0], at[-1]
    step = (high - low) / (POINTS_OF_CURVE - 1)
    points = [_sample(row, [low + k * step]) for k in range(POINTS_OF_CURVE)]
    return GateCurve(
        [point.operands[0] for point in points], [point.value for point in points],
        [point.local_gradients[0] for point in points],
    )  # fmt: skip


def _sample(row: Gate, at: list[float]) -> Sample:
    count = len(at)
    operands, gradients = tuple(range(count)), [0.0] * (count + 1)
    out = IEEE.forward(row, count)(at, operands)
    pullback = IEEE.pullback(row, (True,) * count)
    if pullback is not None:
        pullback(1.0, [*at, out], gradients, count, operands)
    return Sample(at, out, gradients[:count])
