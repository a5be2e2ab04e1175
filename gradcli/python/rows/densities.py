"""Distributions of scipy.stats, as rows: the logarithms of their densities, by formulas.

name and shapes -> the logarithm, in `z = (x - loc) / scale` and the shapes; what is discrete has no
scale. The formulas are those of the definitions; a density is exp of its logarithm.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np

from gradcli.python.rows.elementwise import ROWS as GATES
from gradcli.python.state.operators import binary, compare, unary
from gradcli.python.state.reader import Reader

CONSTANTS = {"inf": np.inf, "pi": np.pi}

CONTINUOUS = {
    "norm": "-z**2/2 - log(2*pi)/2",
    "expon": "where(z < 0, -inf, -z)",
    "laplace": "-abs(z) - log(2)",
    "cauchy": "-log(pi) - log1p(z**2)",
    "logistic": "-z - 2*softplus(-z)",
    "gumbel_r": "-z - exp(-z)",
    "halfnorm": "where(z < 0, -inf, -z**2/2 + log(2/pi)/2)",
    "rayleigh": "log(z) - z**2/2",
    "t df": "gammaln((df + 1)/2) - gammaln(df/2) - log(df*pi)/2 - (df + 1)/2*log1p(z**2/df)",
    "gamma a": "(a - 1)*log(z) - z - gammaln(a)",
    "invgamma a": "-(a + 1)*log(z) - 1/z - gammaln(a)",
    "chi2 df": "(df/2 - 1)*log(z) - z/2 - gammaln(df/2) - df/2*log(2)",
    "beta a b": "(a - 1)*log(z) + (b - 1)*log1p(-z) + gammaln(a + b) - gammaln(a) - gammaln(b)",
    "lognorm s": "-log(z)**2/(2*s**2) - log(s*z) - log(2*pi)/2",
    "weibull_min c": "log(c) + (c - 1)*log(z) - z**c",
    "pareto b": "where(z < 1, -inf, log(b) - (b + 1)*log(z))",
}
DISCRETE = {
    "poisson mu": "z*log(mu) - mu - gammaln(z + 1)",
    "bernoulli p": "z*log(p) + (1 - z)*log1p(-p)",
    "geom p": "(z - 1)*log1p(-p) + log(p)",
    "binom n p": "gammaln(n + 1) - gammaln(z + 1) - gammaln(n - z + 1)"
                 " + z*log(p) + (n - z)*log1p(-p)",
    "nbinom n p": "gammaln(z + n) - gammaln(n) - gammaln(z + 1) + n*log(p) + z*log1p(-p)",
}  # fmt: skip
# Distribution functions that are gates, of z.
FUNCTIONS = {
    "norm.cdf": "ndtr(z)", "norm.sf": "ndtr(-z)", "norm.logcdf": "log_ndtr(z)",
    "norm.logsf": "log_ndtr(-z)", "logistic.cdf": "expit(z)", "logistic.sf": "expit(-z)",
    "expon.cdf": "where(z < 0, 0, -expm1(-z))", "expon.sf": "where(z < 0, 1, exp(-z))",
}  # fmt: skip


@cache
def _tree(formula: str) -> ast.expr:
    """A formula of the tables, read when a file first asks for it."""
    return ast.parse(formula, mode="eval").body


def _value(reader: Reader, node: ast.expr, names: Mapping[str, Any]) -> Any:
    """The value of a formula of the tables above."""
    match node:
        case ast.Constant(value):
            return value
        case ast.Name(name):
            return names[name]
        case ast.UnaryOp(sign, operand):
            return unary(reader, type(sign), _value(reader, operand, names))
        case ast.BinOp(left, operator, right):
            both = [_value(reader, side, names) for side in (left, right)]
            return binary(reader, type(operator), *both)
        case ast.Compare(left, [operator], [right]):
            both = [_value(reader, side, names) for side in (left, right)]
            return compare(reader, type(operator), *both)
        case ast.Call(ast.Name(name), arguments):
            return GATES[name](reader, *[_value(reader, part, names) for part in arguments])
    raise AssertionError(ast.dump(node))


def _row(formula: str, shapes: str, has_scale: bool, power: str) -> Callable[..., Any]:
    """A function of x, the shapes, `loc` and `scale`; `power` is log, or exp, of a density."""
    names = (*shapes.split(), "loc", *(("scale",) if has_scale else ()))

    def row(reader: Reader, x: Any, *given: Any, **named: Any) -> Any:
        if len(given) > len(names) or not named.keys() <= {*names[len(given) :]}:
            raise TypeError(f"it takes x, {', '.join(names)}")
        values = dict(zip(names, given, strict=False)) | named
        if missing := [name for name in shapes.split() if name not in values]:
            raise TypeError(f"it takes {' and '.join(missing)}")
        z = binary(reader, ast.Sub, x, values["loc"]) if "loc" in values else x
        if "scale" in values:
            z = binary(reader, ast.Div, z, values["scale"])
        value = _value(reader, _tree(formula), {**CONSTANTS, **values, "z": z})
        if power and "scale" in values:
            value = binary(reader, ast.Sub, value, GATES["log"](reader, values["scale"]))
        return GATES["exp"](reader, value) if power == "exp" else value

    return row


def _rows() -> dict[str, Callable[..., Any]]:
    rows = {
        f"stats.{name}": _row(formula, "", True, "") for name, formula in FUNCTIONS.items()
    }  # fmt: skip
    for table, kind in ((CONTINUOUS, "pdf"), (DISCRETE, "pmf")):
        for called, formula in table.items():
            name, _, shapes = called.partition(" ")
            make = partial(_row, formula, shapes, kind == "pdf")
            rows[f"stats.{name}.log{kind}"] = make("log")
            rows[f"stats.{name}.{kind}"] = make("exp")
    return rows


ROWS = _rows()
