"""Random programs of small arrays, held to the same programs over arrays of many-digit numbers.

A program is a tree as in `trees`, whose names are arrays and whose nodes may have a dictionary of
keywords (axis, keepdims). It is evaluated over numpy's arrays of objects by functions of our own;
slopes are differences, element by element.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import numpy as np

import gradcli
from tests.hunt.array_trees import REDUCTIONS, Arrays, Shape, Tree, text_of
from tests.hunt.evaluator import BeyondError, OutsideError, PoleError, gate, mp, same
from tests.hunt.judge import (
    Finding,
    Judged,
    guarded,
    hessian_findings,
    number_findings,
    place_of,
    right_claim,
    slope_findings,
    verdict_findings,
    words_of,
    wrong_claim,
)
from tests.hunt.matrix_operations import OPERATIONS
from tests.hunt.oracle import MOST_BITS, Scale, Side, Truth, limit
from tests.hunt.seconds import second_limits
from tests.hunt.times import asked

LOOKED_AT = 3  # one program in so many is asked for second derivatives
ENTRIES = 6  # of those that are looked at
Place = tuple[str, Shape]  # an element of an input

# ---------------------------------------------------------------- evaluation


class ArrayEvaluator:
    """Programs at one precision, over arrays of many-digit numbers."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.low = self.high = 0

    def __call__(self, tree: Tree, arrays: dict[str, Any]) -> Any:
        """The value: an array of objects. Raises OutsideError, BeyondError."""
        mp.prec = self.bits
        return self._value(tree, arrays)

    def _value(self, tree: Tree, arrays: dict[str, Any]) -> Any:
        if isinstance(tree, str):
            value = arrays[tree]
        elif isinstance(tree, float):
            value = numbers(tree)
        else:
            value = self._gate(tree, arrays)
        for x in value.flat:
            if x:
                size = mp.mag(x)
                self.low, self.high = min(self.low, size), max(self.high, size)
        if self.high - self.low > 4000:
            raise BeyondError
        return value

    def _gate(self, tree: Tree, arrays: dict[str, Any]) -> Any:
        operation, *parts = tree
        keywords = parts.pop() if isinstance(parts[-1], dict) else {}
        if operation == "ones":
            return numbers(np.ones(keywords["shape"]))
        xs = [self._value(part, arrays) for part in parts]
        if operation in OPERATIONS:
            return OPERATIONS[operation].value(self._sum, *xs, **keywords)
        if operation in STRUCTURAL:
            return STRUCTURAL[operation](*xs, **keywords)
        if operation == "matmul":
            return self._product(*xs)
        if operation == "softmax":
            axis = keywords["axis"]
            return self._along(lambda row: [self._softmax(row, k) for k in range(len(row))],
                               xs[0], axis, True)  # fmt: skip
        if len(xs) == 1 and operation in REDUCTIONS:
            if not keywords:
                return wrapped(self._reduced(operation, [*xs[0].flat]))
            return self._along(lambda row: self._reduced(operation, row), xs[0], keywords["axis"])
        return self._elementwise(operation, xs)

    def _elementwise(self, operation: str, xs: list[Any]) -> Any:
        whole = np.broadcast_arrays(*xs)
        out = np.empty(whole[0].shape, dtype=object)
        for at in np.ndindex(out.shape):
            operands = [x[at] for x in whole]
            if operation in (
                "tanh",
                "sigmoid",
                "erf",
                "gelu",
                "softplus",
                "logsigmoid",
                "silu",
                "expm1",
            ):
                self._tail(operands[0])
            out[at] = gate(operation, operands, self.bits)
        return out

    def _tail(self, x: Any) -> None:
        if abs(x) > 10:
            if abs(x) > 40:
                raise BeyondError
            self.low = min(self.low, -int(1.5 * x * x))

    def _apart(self, xs: list[Any]) -> None:
        """Take note of the tail that the least of some exponentials is beside the largest."""
        apart = max(xs) - min(xs)
        if apart > 1000:
            raise BeyondError
        self.low = min(self.low, -int(1.5 * apart))

    def _along(self, function: Callable[[list[Any]], Any], x: Any, axis: int,
               is_kept: bool = False) -> Any:  # fmt: skip
        moved = np.moveaxis(x, axis, -1)
        out = np.empty(moved.shape if is_kept else moved.shape[:-1], dtype=object)
        for at in np.ndindex(moved.shape[:-1]):
            out[at] = function([*moved[at]])
        return np.moveaxis(out, -1, axis) if is_kept else out

    def _sum(self, xs: list[Any]) -> Any:
        total = mp.fsum(xs)
        size = max((mp.mag(x) for x in xs if x), default=0)
        return mp.zero if total and mp.mag(total) < size - self.bits + 40 else total

    def _reduced(self, name: str, xs: list[Any]) -> Any:
        if name == "sum":
            return self._sum(xs)
        if name == "mean":
            return self._sum(xs) / len(xs)
        if name in ("max", "min"):
            return max(xs) if name == "max" else min(xs)
        if name == "prod":
            return mp.fprod(xs)
        if name == "norm":
            return mp.sqrt(mp.fsum(x * x for x in xs))
        if name == "logsumexp":
            self._apart(xs)
            return gate("logsumexp", xs, self.bits)
        mean = self._sum(xs) / len(xs)
        variance = mp.fsum(self._sum([x, -mean]) ** 2 for x in xs) / len(xs)
        return variance if name == "var" else mp.sqrt(variance)

    def _softmax(self, xs: list[Any], k: int) -> Any:
        self._apart(xs)
        return 1 / mp.fsum(mp.exp(x - xs[k]) for x in xs)

    def _product(self, a: Any, b: Any) -> Any:
        if a.ndim == 1 and b.ndim == 1:
            return wrapped(self._sum([x * y for x, y in zip(a, b, strict=True)]))
        left = a if a.ndim == 2 else a.reshape(1, -1)
        right = b if b.ndim == 2 else b.reshape(-1, 1)
        out = np.empty((left.shape[0], right.shape[1]), dtype=object)
        for i, j in np.ndindex(out.shape):
            out[i, j] = self._sum([x * y for x, y in zip(left[i], right[:, j], strict=True)])
        return out.reshape(-1) if a.ndim == 1 or b.ndim == 1 else out


def wrapped(x: Any) -> Any:
    """A number as an array of no axes."""
    out = np.empty((), dtype=object)
    out[()] = x
    return out


def numbers(x: Any) -> Any:
    """Floats as an array of many-digit numbers."""
    array = np.asarray(x, dtype=float)
    out = np.empty(array.shape, dtype=object)
    for at in np.ndindex(array.shape):
        out[at] = mp.mpf(float(array[at]))
    return out


def _outer(a: Any, b: Any) -> Any:
    out = np.empty((a.size, b.size), dtype=object)
    for i, j in np.ndindex(out.shape):
        out[i, j] = a[i] * b[j]
    return out


STRUCTURAL: dict[str, Callable[..., Any]] = {
    "transpose": lambda x: x.T,
    "reshape": lambda x, shape: x.reshape(shape),
    "concatenate": lambda *xs: np.concatenate(xs),
    "row": lambda x, at: wrapped(x[at]) if x.ndim == 1 else x[at],
    "trace": lambda x: wrapped(x[0, 0] + x[1, 1]),
    "outer": _outer,
}


# ---------------------------------------------------------------- truth


class ArrayTruth:
    """Value and slopes of a program: of every element of the output by every one of the inputs."""

    def __init__(self, tree: Tree, arrays: Arrays) -> None:
        """Raises OutsideError, BeyondError."""
        self.tree = tree
        mp.prec = 2000
        self.inputs = {name: numbers(x) for name, x in arrays.items()}
        self.span = 0
        self.value = self._settled()

    def _settled(self) -> Any:
        bits, before = 256, None
        while bits <= MOST_BITS:
            evaluate = ArrayEvaluator(bits)
            value = evaluate(self.tree, self.inputs)
            self.span, self.high = evaluate.high - evaluate.low, max(0, evaluate.high)
            needed = 256 + 2 * self.span
            if (
                before is not None
                and bits >= needed
                and all(same(a, b, 2.0**-60) for a, b in zip(before.flat, value.flat, strict=True))
            ):
                return value
            before = value
            bits = max(needed, bits + 128)
        raise BeyondError

    def sides(self, name: str, at: Shape, of: Shape = (), level: int = 0) -> tuple[Side, Side]:
        """The slopes of one element of the output by one of an input, from left and right."""

        def moved(bits: int, step: Any) -> Any:
            inputs = dict(self.inputs)
            inputs[name] = inputs[name].copy()
            mp.prec = bits
            inputs[name][at] = inputs[name][at] + step
            return ArrayEvaluator(bits)(self.tree, inputs)[of]

        scale = Scale(self.value[of], self.span, self.high)
        left = limit(lambda bits, step: moved(bits, -step), -1, scale, level)
        return left, limit(moved, 1, scale, level)

    def seconds(self, one: Place, other: Place) -> list[Side]:
        """The second slopes of the output, a number, by two elements of inputs."""

        def moved(bits: int, *steps: Any) -> Any:
            inputs = {name: x.copy() for name, x in self.inputs.items()}
            mp.prec = bits
            for (name, at), step in zip((one, other), steps, strict=True):
                inputs[name][at] = inputs[name][at] + step
            return ArrayEvaluator(bits)(self.tree, inputs)[()]

        return second_limits(moved, Scale(self.value[()], self.span, self.high), one == other)


# ---------------------------------------------------------------- judging


def judge_arrays(tree: Tree, arrays: Arrays, seed: int, level: int = 0) -> Judged:
    """The findings on a program of arrays."""
    counts: Counter[str] = Counter()
    try:
        truth = ArrayTruth(tree, arrays)
    except (OutsideError, PoleError, BeyondError, ZeroDivisionError):
        return Judged([], Counter(beyond=1))
    looks = [_jacobian] if truth.value.shape else [_number]
    if not truth.value.shape and seed % LOOKED_AT == 0:
        looks.append(_hessian)
    findings: list[Finding] = []
    for look in looks:
        parts = (truth, text_of(tree), arrays, Random(seed), level)
        findings += guarded(look, *parts, counts=counts).findings
    return Judged(findings, counts)


def _number(
    truth: ArrayTruth, text: str, arrays: Arrays, rng: Random, level: int, counts: Counter[str]
) -> Iterator[Finding]:
    """The findings on a program whose output is a number: value, gradients, verdicts, claims."""
    report = asked(gradcli.evaluate, text, arrays)
    yield from number_findings("value", report.value, report.bound, truth.value[()])
    sides = {}
    bounds = report.gradient_bounds or {}
    for name, x in arrays.items():
        for at in np.ndindex(np.shape(x)):
            label = name + "".join(f"[{k}]" for k in at)
            sides[label] = truth.sides(name, at, (), level)
            number_, bound = _pick(report.gradients[name], at), _pick(bounds.get(name), at)
            yield from slope_findings(label, number_, bound, *sides[label])
    whole = Truth("value", truth.value[()], sides)
    for answer in report.check.inputs.values() if report.check else ():
        counts["own " + answer.verdict] += 1
        yield from verdict_findings("own gradient", answer.analytic, answer, whole)
    for what, claims in _claims(arrays, sides, rng):
        case = asked(gradcli.check, text, arrays, claims).cases[0]
        for name, claim in claims.items():
            for at in np.ndindex(np.shape(claim)):
                answer = case.inputs[name + "".join(f"[{k}]" for k in at)]
                counts[f"{what} {answer.verdict}"] += 1
                yield from verdict_findings(f"{what} claim", _pick(claim, at), answer, whole)


def _claims(
    arrays: Arrays, sides: dict[str, tuple[Side, Side]], rng: Random
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Right claims for all inputs that have them; and the same with one wrong element."""
    right: dict[str, Any] = {}
    for name, x in arrays.items():
        claim = np.zeros(np.shape(x))
        for at in np.ndindex(claim.shape):
            slope = right_claim(*sides[name + "".join(f"[{k}]" for k in at)], rng)
            if slope is None or not math.isfinite(slope):
                break
            claim[at] = slope
        else:
            right[name] = claim.tolist()
    if not right:
        return
    yield "right", right
    name = rng.choice([*right])
    wrong = np.array(right[name])
    at = rng.choice([*np.ndindex(wrong.shape)])
    wrong[at] = wrong_claim(*sides[name + "".join(f"[{k}]" for k in at)], rng)
    yield "wrong", {**right, name: wrong.tolist()}


def _jacobian(
    truth: ArrayTruth, text: str, arrays: Arrays, rng: Random, level: int, counts: Counter[str]
) -> Iterator[Finding]:
    """The findings on a program whose output is an array: value and Jacobian."""
    report = asked(gradcli.evaluate, text, arrays, jacobian=True, check=False)
    is_noted = any(note.startswith("jacobian:") for note in report.notes)
    for of in np.ndindex(truth.value.shape):
        yield from number_findings("value", _pick(report.value, of), _pick(report.bound, of),
                                   truth.value[of])  # fmt: skip
    places = [(name, at) for name, x in arrays.items() for at in np.ndindex(np.shape(x))]
    for of, (name, at) in itertools.product(np.ndindex(truth.value.shape), places):
        number_ = _pick(report.jacobian[name], (*of, *at))
        bound = _pick((report.jacobian_bounds or {}).get(name), (*of, *at))
        label = f"value{[*of]} by {name}{[*at]}"
        counts["jacobian entries"] += 1
        left, right = truth.sides(name, at, of, level)
        for finding in slope_findings(label, number_, bound, left, right):
            yield finding._replace(
                area="jacobians", kind=finding.kind.replace("gradient", "jacobian")
            )
        is_kink = left.kind == right.kind == "slope" and not same(left.slope, right.slope, 1e-6)
        if is_kink and not is_noted and not (bound is not None and math.isinf(bound)):
            yield Finding("jacobians", "jacobian at a kink without a note",
                              f"{label}: {number_!r} +- {bound!r}", words_of(left, right))  # fmt: skip


def _hessian(
    truth: ArrayTruth, text: str, arrays: Arrays, rng: Random, level: int, counts: Counter[str]
) -> Iterator[Finding]:
    """The findings on some second derivatives of a program whose output is a number."""
    places = [(name, at) for name, x in arrays.items() for at in np.ndindex(np.shape(x))]
    sides = {place: truth.sides(*place, (), level) for place in places}
    if any(place_of(*pair) not in ("smooth", "kink") for pair in sides.values()):
        return
    report = asked(gradcli.evaluate, text, arrays, hessian=True, check=False)
    is_noted = any(note.startswith("hessian:") for note in report.notes)
    for _ in range(ENTRIES):
        one, other = rng.choice(places), rng.choice(places)
        at = (*one[1], *other[1])
        number_ = _pick(report.hessian[one[0]][other[0]], at)
        bounds = report.hessian_bounds
        bound = None if bounds is None else _pick(bounds[one[0]][other[0]], at)
        is_smooth = all(place_of(*sides[place]) == "smooth" for place in (one, other))
        said = f"d2/d{one}d{other}: {number_!r} +- {bound!r}"
        try:
            seconds = truth.seconds(one, other)
        except OutsideError:
            continue
        counts["hessian entries of arrays"] += 1
        yield from hessian_findings(number_, bound, said, seconds, is_smooth, is_noted, counts)


def _pick(x: Any, at: Shape) -> Any:
    for k in at:
        if x is None:
            return None
        x = x[k]
    return x
