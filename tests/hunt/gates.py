"""Random calls of single gates, as numbers and as elements of large arrays, held to mpmath.

A call is judged as the tool states it: plain float64 and its bound, of the value and of the local
gradients. Slopes of the truth are central differences in many digits; at kinks nothing is judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np

import gradcli
from gradcli.evaluation.numbers import SLACK, bounded_run
from gradcli.evaluation.point import at, inputs_of
from gradcli.gates.row import Gate
from gradcli.gates.table import BUILT_IN
from gradcli.program.reader import read
from gradcli.requests import Request
from tests.hunt.evaluator import BeyondError, OutsideError, gate, mp
from tests.hunt.judge import Finding, number_findings
from tests.special_points import points

BITS = 400  # of the truth
AT_ONCE = 1_000  # elements of an array
LEFT_OUT = ("copy", "where", "lt", "le", "gt", "ge", "eq", "ne")  # nothing to be wrong about
Call = tuple[Finding, str, dict[str, Any]]


def rows() -> list[Gate]:
    """The elementwise gates of the language whose value and slopes are written out here."""
    known = {*SLOPES, "max", "min", "hypot", "logsumexp"}
    return [
        row for row in BUILT_IN
        if not (row.hidden or row.is_structural or row.name in LEFT_OUT) and row.name in known
    ]  # fmt: skip


def findings(seed: int, count: int, counts: Counter[str]) -> Iterator[Call]:
    """The findings in so many calls: half of them numbers, half elements of arrays."""
    if not count:
        return
    each = max(1, count // (2 * len(rows())))
    for row in rows():
        for operands in islice(points(row, seed), each):
            counts["calls of gates as numbers"] += 1
            yield from as_number(row, unsigned(operands))
        chosen = points(row, seed + 1)
        for start in range(0, each, AT_ONCE):
            batch = [unsigned(xs) for xs in islice(chosen, min(AT_ONCE, each - start))]
            batch = [xs for xs in batch if len(xs) == len(batch[0])]
            counts["calls of gates in arrays"] += len(batch)
            yield from as_elements(row, batch)


def unsigned(operands: tuple[float, ...]) -> tuple[float, ...]:
    """Operands without -0.0, which many digits do not have."""
    return tuple(x + 0.0 for x in operands)


def _text(row: Gate, count: int) -> tuple[str, list[str]]:
    names = ["x", "y", "z"][:count]
    return f"{row.name}({', '.join(names)})", names


def as_number(row: Gate, operands: tuple[float, ...]) -> Iterator[Call]:
    """The findings on a gate of numbers."""
    text, names = _text(row, len(operands))
    point = dict(zip(names, operands, strict=True))
    wanted = _wanted(row, names)
    try:
        report = gradcli.evaluate(text, point, arithmetic="float64", check=False)
    except gradcli.GradcliError as error:
        yield Finding("gates", f"{row.name} refused", str(error), ""), text, point
        return
    slopes = report.gradients
    bounds = report.gradient_bounds or {}
    said = [(slopes[name], bounds.get(name)) for name in wanted]
    for finding in judged(row, operands, report.value, report.bound, said, wanted):
        yield finding, text, point


def as_elements(row: Gate, batch: list[tuple[float, ...]]) -> Iterator[Call]:
    """The findings on a gate of arrays, run as arrays that are too large to be taken apart are."""
    text, names = _text(row, len(batch[0]))
    columns = [(name, [xs[k] for xs in batch]) for k, name in enumerate(names)]
    request = Request(upstream="ones")
    program = read(text, "<hunt>", columns, request=request)
    point = at(program, inputs_of(program), request)
    run = bounded_run(point.run, program.output, point.upstream)
    value = run.values[program.output]
    slopes = [run.gradients[program.inputs[name]] for name in _wanted(row, names)]

    def said(number: Any, k: int) -> tuple[float, float]:
        parts = [np.broadcast_to(part, len(batch))[k] for part in (number.value, number.error)]
        return float(parts[0]), SLACK * float(parts[1])

    for k, operands in enumerate(batch):
        pairs = [said(slope, k) for slope in slopes]
        for finding in judged(row, operands, *said(value, k), pairs, _wanted(row, names)):
            point_ = dict(zip(names, operands, strict=True))
            yield finding._replace(kind=finding.kind + " in arrays"), text, point_


def _wanted(row: Gate, names: list[str]) -> list[str]:
    """The operands that have a slope: all but the order of a polygamma."""
    return names[1:] if row.name == "polygamma" else names


def judged(
    row: Gate, operands: tuple[float, ...], value: float, bound: float | None,
    slopes: list[tuple[float, float | None]], wanted: list[str],
) -> Iterator[Finding]:  # fmt: skip
    """The findings on value and slopes of one call."""
    mp.prec = BITS
    xs = [mp.mpf(x) for x in operands]
    try:
        truth = _value(row.name, xs)
    except (OutsideError, BeyondError, OverflowError):
        return
    for finding in number_findings("value", value, bound, truth):
        yield _of_gate(row, finding)
    names = _text(row, len(operands))[1]
    for name, (number, error) in zip(wanted, slopes, strict=True):
        try:
            slope = _slope(row.name, xs, names.index(name))
        except (OutsideError, BeyondError, OverflowError):
            continue
        if slope is not None:
            for finding in number_findings("slope", number, error, slope, -200):
                yield _of_gate(row, finding._replace(said=f"by {name}: {finding.said}"))


def _of_gate(row: Gate, finding: Finding) -> Finding:
    return finding._replace(area="gates", kind=f"{row.name}: {finding.kind}")


def _value(name: str, xs: list[Any]) -> Any:
    if name in ("add", "sub"):
        return xs[0] + xs[1] if name == "add" else xs[0] - xs[1]
    return gate(name, xs, mp.prec)


def _slope(name: str, xs: list[Any], k: int) -> Any:
    """The slope by operand k, by the formulas of a calculus book; None at a kink."""
    if name in ("max", "min"):
        others = xs[:k] + xs[k + 1 :]
        best = max(others, default=None) if name == "max" else min(others, default=None)
        if best is None:
            return mp.one
        ahead = xs[k] - best if name == "max" else best - xs[k]
        return None if not ahead else mp.mpf(ahead > 0)
    if name in ("hypot", "logsumexp"):
        out = _value(name, xs)
        if name == "hypot":
            return xs[k] / out if out else None
        return mp.exp(xs[k] - out)
    if name in KINKS and not KINKS[name](*xs):
        return None
    return SLOPES[name][k](*xs)


def _tail(x: Any) -> Any:
    e = mp.exp(-abs(x))
    return e / (1 + e) ** 2


def _down(x: Any) -> Any:
    """sigmoid(-x)"""
    return mp.exp(-x) / (1 + mp.exp(-x)) if x > 0 else 1 / (1 + mp.exp(x))


def _normal(x: Any) -> Any:
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def _sinc(x: Any) -> Any:
    """The slope of sin(pi*x) / (pi*x), whose two parts cancel near 0."""
    if not x:
        return mp.zero
    with mp.workprec(mp.prec + 60 + 3 * max(0, -mp.mag(x))):
        return (mp.cospi(x) - mp.sinpi(x) / (mp.pi * x)) / x


def _mish(x: Any) -> Any:
    with mp.workprec(mp.prec + 2 * max(0, mp.mag(x)) + 60):
        s = mp.log1p(mp.exp(x)) if x < 0 else x + mp.log1p(mp.exp(-x))
        return mp.tanh(s) + x * _down(-x) / mp.cosh(s) ** 2


# What is 0 where a gate of one operand has a kink, or jumps.
KINKS: dict[str, Callable[..., Any]] = {
    "abs": lambda x: x, "sign": lambda x: x, "step": lambda x: x, "relu": lambda x: x,
    "leaky_relu": lambda x, slope=0: x, "floor": lambda x: x - mp.nint(x),
    "ceil": lambda x: x - mp.nint(x), "round": lambda x: x - mp.floor(x) - mp.mpf(0.5),
    "sqrt": lambda x: x, "cbrt": lambda x: x, "acos": lambda x: 1 - x * x,
    "asin": lambda x: 1 - x * x, "acosh": lambda x: x - 1,
    "huber": lambda x, d: abs(x) - abs(d), "pow": lambda x, y: x,
    "atan2": lambda y, x: x * x + y * y, "elu": lambda x, alpha=1: x, "selu": lambda x: x,
    "hardtanh": lambda x: abs(x) - 1, "xlogy": lambda x, y: y,
    "clip": lambda x, low, high: min(abs(x - low), abs(x - high)) * max(high - low, 0),
}  # fmt: skip
ZERO = (lambda *xs: mp.zero,)
SLOPES: dict[str, tuple[Callable[..., Any], ...]] = {
    "add": (lambda x, y: mp.one, lambda x, y: mp.one),
    "sub": (lambda x, y: mp.one, lambda x, y: -mp.one),
    "mul": (lambda x, y: y, lambda x, y: x),
    "div": (lambda x, y: 1 / y, lambda x, y: -x / y**2),
    "neg": (lambda x: -mp.one,),
    "pow": (lambda x, y: y * _value("pow", [x, y - 1]),
            lambda x, y: _value("pow", [x, y]) * mp.log(x) if x > 0 else None),
    "reciprocal": (lambda x: -1 / x**2,),
    "exp": (mp.exp,), "expm1": (mp.exp,), "exp2": (lambda x: mp.exp(x * mp.ln2) * mp.ln2,),
    "log": (lambda x: 1 / x,), "log1p": (lambda x: 1 / (1 + x),),
    "log2": (lambda x: 1 / (x * mp.ln2),), "log10": (lambda x: 1 / (x * mp.ln10),),
    "sqrt": (lambda x: 1 / (2 * mp.sqrt(x)),), "cbrt": (lambda x: 1 / (3 * mp.cbrt(abs(x)) ** 2),),
    "square": (lambda x: 2 * x,), "abs": (lambda x: mp.mpf(mp.sign(x)),),
    "sign": ZERO, "floor": ZERO, "ceil": ZERO, "round": ZERO, "step": ZERO,
    "sin": (mp.cos,), "cos": (lambda x: -mp.sin(x),), "tan": (lambda x: 1 / mp.cos(x) ** 2,),
    "asin": (lambda x: 1 / mp.sqrt((1 - x) * (1 + x)),),
    "acos": (lambda x: -1 / mp.sqrt((1 - x) * (1 + x)),), "atan": (lambda x: 1 / (1 + x * x),),
    "atan2": (lambda y, x: x / (x * x + y * y), lambda y, x: -y / (x * x + y * y)),
    "sinh": (mp.cosh,), "cosh": (mp.sinh,), "tanh": (lambda x: 4 * _tail(2 * x),),
    "asinh": (lambda x: 1 / mp.sqrt(1 + x * x),),
    "acosh": (lambda x: 1 / mp.sqrt((x - 1) * (x + 1)),),
    "atanh": (lambda x: 1 / ((1 - x) * (1 + x)),),
    "sigmoid": (_tail,), "relu": (lambda x: mp.mpf(x > 0),),
    "leaky_relu": (lambda x, s=0.01: mp.one if x > 0 else mp.mpf(s),
                   lambda x, s: x if x < 0 else mp.zero),
    "softplus": (lambda x: _down(-x),), "logsigmoid": (_down,),
    "silu": (lambda x: _down(-x) * (1 + x * _down(x)),),
    "gelu": (lambda x: mp.erfc(-x / mp.sqrt(2)) / 2 + x * _normal(x),),
    "huber": (lambda x, d: x if abs(x) <= d else d * mp.sign(x),
              lambda x, d: mp.zero if abs(x) <= d else abs(x) - d),
    "erf": (lambda x: 2 * mp.exp(-x * x) / mp.sqrt(mp.pi),),
    "erfc": (lambda x: -2 * mp.exp(-x * x) / mp.sqrt(mp.pi),),
    "exp10": (lambda x: mp.exp(x * mp.ln10) * mp.ln10,), "cot": (lambda x: -1 / mp.sin(x) ** 2,),
    "sec": (lambda x: mp.sin(x) / mp.cos(x) ** 2,),
    "csc": (lambda x: -mp.cos(x) / mp.sin(x) ** 2,), "sinc": (_sinc,),
    "xlogy": (lambda x, y: mp.log(y) if y > 0 else None, lambda x, y: x / y),
    "clip": (lambda x, low, high: mp.mpf(low < x < high), lambda x, low, high: mp.mpf(x < low),
             lambda x, low, high: mp.mpf(x > high)),
    "elu": (lambda x, a=1: mp.one if x > 0 else a * mp.exp(x),
            lambda x, a: mp.zero if x > 0 else mp.expm1(x)),
    "selu": (lambda x: mp.mpf(1.0507009873554805)
             * (1 if x > 0 else mp.mpf(1.6732632423543772) * mp.exp(x)),),
    "softsign": (lambda x: 1 / (1 + abs(x)) ** 2,),
    "mish": (_mish,), "hardtanh": (lambda x: mp.mpf(abs(x) < 1),),
    "logit": (lambda x: 1 / (x * (1 - x)),), "log1mexp": (lambda x: 1 / mp.expm1(x),),
    "erfcx": (lambda x: 2 * (x * _value("erfcx", [x]) - 1 / mp.sqrt(mp.pi)),),
    "erfinv": (lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(_value("erfinv", [x]) ** 2),),
    "normpdf": (lambda x: -x * _normal(x),), "normcdf": (_normal,),
    "lognormcdf": (lambda x: _normal(x) / _value("normcdf", [x]),),
    "gamma": (lambda x: mp.gamma(x) * mp.psi(0, x),), "lgamma": (lambda x: mp.psi(0, x),),
    "digamma": (lambda x: mp.psi(1, x),),
    "polygamma": (lambda n, x: mp.zero, lambda n, x: _value("polygamma", [n + 1, x])),
}  # fmt: skip
