"""Random programs of arrays too large to be taken apart, held to torch in float64.

The programs are those of `arrays`, without the operations torch spells otherwise, over arrays of
ordinary numbers. Torch's own rounding is allowed for, so that only mistakes are found. Torch is no
dependency: where it is missing there is no such hunt.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import numpy as np

import gradcli
from tests.hunt.array_trees import leaves_of
from tests.hunt.judge import Finding, Judged, guarded
from tests.hunt.times import asked

try:
    import torch
except ImportError:
    torch = None
else:
    torch.set_num_threads(1)

ROUNDING = 1e-9  # relative to the largest number of its kind: torch's and ours
Tree = Any
Shape = tuple[int, ...]

UNARY = ("neg", "abs", "exp", "sin", "cos", "tanh", "sigmoid", "relu", "softplus", "square", "atan",
         "erf", "silu", "logsigmoid", "gelu")  # fmt: skip
BINARY = ("add", "sub", "mul", "max", "min", "add", "mul")
REDUCTIONS = ("sum", "mean", "max", "min", "var", "std", "norm", "logsumexp")
INFIX = {"add": "+", "sub": "-", "mul": "*", "matmul": "@"}


class Maker:
    """Makes random trees of a shape, over a few names of that shape."""

    def __init__(self, rng: Random, rows: int, columns: int) -> None:
        self.rng = rng
        self.inputs: dict[str, Shape] = {
            "X": (rows, columns), "W": (columns, columns), "b": (columns,), "c": (rows, 1),
        }  # fmt: skip
        self.shape = (rows, columns)

    def tree(self, depth: int) -> Tree:
        """A tree of the shape of X."""
        rng = self.rng
        if depth <= 0:
            return "X"
        way = rng.random()
        below = self.tree(depth - 1)
        if way < 0.35:
            return (rng.choice(UNARY), below)
        if way < 0.60:
            return (rng.choice(BINARY), below, rng.choice(("X", "b", "c", 0.5, below)))
        if way < 0.75:
            return ("matmul", below, "W")
        if way < 0.85:
            return ("softmax", below, {"axis": rng.randrange(2)})
        reduced = (rng.choice(REDUCTIONS), below, {"axis": rng.randrange(2), "keepdims": True})
        return (rng.choice(("sub", "mul", "add")), below, reduced)


def random_large(rng: Random) -> tuple[Tree, dict[str, Any]]:
    """A program whose output is a number, and arrays of some thousand elements."""
    maker = Maker(rng, rng.choice((40, 60)), rng.choice((30, 45)))
    tree = (rng.choice(("sum", "mean", "norm", "logsumexp")), maker.tree(rng.choice((2, 3, 4))), {})
    numbers = np.random.default_rng(rng.randrange(2**32))
    values = {name: numbers.normal(size=shape) for name, shape in maker.inputs.items()}
    values["W"] /= 8
    if rng.random() < 0.3:
        values["X"] = np.round(values["X"])  # many ties and zeros
    return tree, _of_those_used(tree, values)


def _of_those_used(tree: Tree, values: dict[str, Any]) -> dict[str, Any]:
    used = leaves_of(tree)
    return {name: x for name, x in values.items() if name in used}


def text_of(tree: Tree) -> str:
    """The program in the tool's language."""
    if isinstance(tree, str):
        return tree
    if isinstance(tree, float):
        return repr(tree)
    operation, *parts = tree
    keywords = parts.pop() if isinstance(parts[-1], dict) else {}
    texts = [text_of(part) for part in parts]
    if operation in INFIX:
        return f"({texts[0]} {INFIX[operation]} {texts[1]})"
    if operation == "neg":
        return f"(-{texts[0]})"
    return f"{operation}({', '.join([*texts, *(f'{k}={v}' for k, v in keywords.items())])})"


def in_torch(tree: Tree, tensors: dict[str, Any]) -> Any:
    """The value of a program as torch computes it."""
    if isinstance(tree, str):
        return tensors[tree]
    if isinstance(tree, float):
        return torch.tensor(tree, dtype=torch.float64)
    operation, *parts = tree
    keywords = parts.pop() if isinstance(parts[-1], dict) else {}
    xs = [in_torch(part, tensors) for part in parts]
    if operation in REDUCTIONS and len(xs) == 1:
        return _reduced(operation, xs[0], keywords)
    if operation == "softmax":
        return torch.softmax(xs[0], keywords["axis"])
    return _functions()[operation](*xs)


def _reduced(operation: str, x: Any, keywords: dict[str, Any]) -> Any:
    axis, keep = keywords.get("axis"), keywords.get("keepdims", False)
    if axis is None:
        x, axis, keep = x.reshape(-1), 0, False
    if operation == "var":
        return torch.var(x, axis, correction=0, keepdim=keep)
    if operation == "std":
        return torch.std(x, axis, correction=0, keepdim=keep)
    if operation == "norm":
        return torch.linalg.vector_norm(x, dim=axis, keepdim=keep)
    name = {"max": "amax", "min": "amin"}.get(operation, operation)
    return getattr(torch, name)(x, axis, keepdim=keep)


def _functions() -> dict[str, Callable[..., Any]]:
    inner = torch.nn.functional
    return {
        **{name: getattr(torch, name) for name in
           ("neg", "abs", "exp", "sin", "cos", "tanh", "sigmoid", "relu", "square", "atan", "erf",
            "add", "sub", "mul", "matmul")},
        "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)), "silu": inner.silu,
        "logsigmoid": inner.logsigmoid, "gelu": inner.gelu, "max": torch.maximum,
        "min": torch.minimum,
    }  # fmt: skip


def judge_large(tree: Tree, arrays: dict[str, Any], seed: int, _level: int = 0) -> Judged:
    """The findings on a program of large arrays."""
    counts: Counter[str] = Counter()
    return guarded(_look, tree, text_of(tree), arrays, Random(seed), counts=counts)


def _look(
    tree: Tree, text: str, arrays: dict[str, Any], rng: Random, counts: Counter[str]
) -> Iterator[Finding]:
    tensors = {name: torch.tensor(x, requires_grad=True) for name, x in arrays.items()}
    value = in_torch(tree, tensors)
    value.backward()
    true = {name: tensor.grad.numpy() for name, tensor in tensors.items()}
    if not all(np.isfinite(g).all() for g in true.values()):
        counts["beyond"] += 1
        return
    report = asked(gradcli.evaluate, text, arrays, max_elements=100)
    off = abs(report.value - value.item())
    if off > (report.bound or 0.0) + ROUNDING * abs(value.item()):
        yield Finding("digits", "value of large arrays", f"{report.value!r} +- {report.bound!r}",
                      repr(value.item()))  # fmt: skip
    smooth = dict.fromkeys(arrays, True)
    for name, check in (report.check.inputs if report.check else {}).items():
        counts[f"own {check.verdict}"] += 1
        smooth[check.whole] = smooth.get(check.whole, True) and check.kind == "smooth"
        if check.verdict not in ("pass", "kink", "inconclusive"):
            yield Finding("kinks", f"own gradient of large arrays: {check.verdict}",
                          f"{name}: {check.reason}", "torch agrees or it is a kink")  # fmt: skip
    for name, gradient in true.items():
        if not smooth[name]:
            continue  # torch shares ties out, we do not
        if np.abs(gradient).max() < ROUNDING:
            continue  # it vanishes, and what torch gives is rounding
        ours = np.array(report.gradients[name])
        room = np.array(report.gradient_bounds[name]) + ROUNDING * np.abs(gradient).max()
        if not (np.abs(ours - gradient) <= room).all():
            at = np.unravel_index(np.argmax(np.abs(ours - gradient) - room), ours.shape)
            yield Finding("digits", "gradient of large arrays",
                          f"{name}{list(map(int, at))} {ours[at]!r}", repr(gradient[at]))  # fmt: skip
    yield from _wrong(text, arrays, true, rng, counts)


def _wrong(
    text: str, arrays: dict[str, Any], true: dict[str, Any], rng: Random, counts: Counter[str]
) -> Iterator[Finding]:
    """One element wrong by a hundredth of the largest must not pass."""
    name = rng.choice([*arrays])
    size = float(np.abs(true[name]).max())
    if not size or not math.isfinite(size):
        return
    wrong = true[name].copy()
    at = tuple(rng.randrange(n) for n in wrong.shape)
    wrong[at] += 0.5 * size
    case = asked(gradcli.check, text, arrays, {name: wrong}, max_elements=100, wrt=[name]).cases[0]
    counts[f"wrong {case.verdict}"] += 1
    if case.verdict == "pass":
        yield Finding("kinks", "wrong claim of large arrays: pass",
                      f"{name}{list(at)} = {wrong[at]!r}", repr(true[name][at]))  # fmt: skip


def simpler_large(tree: Tree, arrays: dict[str, Any]) -> Iterator[tuple[Tree, dict[str, Any]]]:
    """Programs a level smaller."""
    outer, inner, *keywords = tree
    if isinstance(inner, tuple):
        for below in inner[1:]:
            if below == "X" or (isinstance(below, tuple) and below[0] not in REDUCTIONS):
                smaller = (outer, below, *keywords)
                yield smaller, _of_those_used(smaller, arrays)


def cost_of_large(tree: Tree, _arrays: dict[str, Any]) -> float:
    """The length of the program."""
    return len(text_of(tree))
