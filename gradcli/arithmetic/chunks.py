"""Straight lines of gates over chunks of points: numpy with `out=` buffers that are used again.

A gate is one or two calls of numpy on arrays of a few thousand numbers, which stay in the cache; a
buffer is free as soon as the last gate that reads it has run. For `x*y + x`

    multiply(x, y, a)
    add(a, x, a)

Products of gradients are first computed as they are: what is finite then is right, because an
infinity or a nan that a zero gradient had to stop would have reached the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gradcli.arithmetic.arrays import ARRAYS
from gradcli.arithmetic.floats import IEEE
from gradcli.gates.row import Gate
from gradcli.graph.nodes import Graph

CHUNK = 8192  # points: 64 KB a buffer, the fastest of 512 to 64k on machines of today
MOST_BYTES = 2**24  # of all buffers: larger programs take smaller chunks
LEAST_CHUNK = 64

Call = tuple[Callable[..., Any], tuple[Any, ...]]

FUNCTIONS: dict[str, Callable[..., Any]] = {  # f(x, ..., out)
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative,
    "scale": np.multiply, "pow": np.float_power,
    "exp": np.exp, "expm1": np.expm1, "exp2": np.exp2, "log": np.log, "log1p": np.log1p,
    "log2": np.log2, "log10": np.log10, "sqrt": np.sqrt, "cbrt": np.cbrt, "abs": np.absolute,
    "floor": np.floor, "ceil": np.ceil, "round": np.rint,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos,
    "atan": np.arctan, "atan2": np.arctan2, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
}  # fmt: skip
COMPARISONS: dict[str, Callable[..., Any]] = {
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
    "eq": np.equal, "ne": np.not_equal,
}  # fmt: skip
FOLDS: dict[str, Callable[..., Any]] = {"max": np.maximum, "min": np.minimum, "hypot": np.hypot}


def guarded(g: Any, local: Any, out: Any) -> None:
    """The product that is 0 where g is, whatever the local gradient is; `out` is neither."""
    np.multiply(g, local, out)
    np.copyto(out, 0.0, where=np.equal(g, 0.0))


def mask_of(function: Any, x: Any, y: Any, truths: Any, out: Any) -> None:
    """All bits of a comparison: those of -1 where it holds, of 0 elsewhere.

    With such masks a choice is a few operations on bits, without a branch: four times as fast as
    `where=` of numpy on conditions that come as they like.
    """
    function(x, y, truths)
    small = truths.view(np.int8)
    np.negative(small, small)
    np.copyto(out, small)


def choose(mask: Any, chosen: Any, other: Any, out: Any) -> None:
    """`chosen` where all bits of the mask are set and `other` elsewhere; `out` is none of them."""
    if not _is_zero(other):
        np.bitwise_xor(chosen, other, out)
        np.bitwise_and(out, mask, out)
        np.bitwise_xor(out, other, out)
    else:
        np.bitwise_and(chosen, mask, out)


def _is_zero(bits: Any) -> bool:
    return isinstance(bits, np.int64) and not bits


def fold(function: Any, out: Any, first: Any, *others: Any) -> None:
    """A function of two as one of many, from the left; `out` is none of the operands."""
    if not others:
        function(first, 0.0 if function is np.hypot else first, out=out)
        return
    function(first, others[0], out=out)
    for x in others[1:]:
        function(out, x, out=out)


def copied(function: Any, out: Any, *operands: Any) -> None:
    """The result of a function that makes its own array."""
    np.copyto(out, function(*operands))


class Chunks:
    """A straight line of gates, as calls of numpy for a chunk of points."""

    def __init__(self, graph: Graph, outputs: Sequence[int], edges: Sequence[int]) -> None:
        self.graph = graph
        self.outputs = outputs
        self.edges = edges
        self.constants = _folded(graph)
        self._last = self._last_uses()
        self._conditions = self._only_conditions()
        wide = sum(node not in self.constants for node in self._last)
        self.size = max(LEAST_CHUNK, min(CHUNK, MOST_BYTES // (8 * max(1, wide))))
        self._bound: dict[tuple[int, bool], _Bound] = {}

    def at_once(self, columns: Sequence[Any], results: Any) -> int:  # noqa: ARG002  # any
        """At how many points `run` may compute at a time."""
        return self.size

    def run(self, columns: Mapping[str, Any], results: Any) -> tuple[bool, list[Any]]:
        """Compute the outputs at up to `size` points into the columns of `results`.

        `columns` are by the names of inputs. Tells whether all outputs are finite for certain, and
        for each edge which points are on it.
        """
        count = len(results)
        calls = self._at(count, is_guarded=False)
        with np.errstate(all="ignore"):
            is_finite = calls.run(columns, results)
            if not is_finite and self._has_products:
                calls = self._at(count, is_guarded=True)
                calls.run(columns, results)
        return is_finite, [calls.mask(node) != 0 for node in self.edges]

    @property
    def _has_products(self) -> bool:
        return any(gate.name == "scale" for gate in self.graph.gates)

    def _at(self, count: int, is_guarded: bool) -> _Bound:
        key = count, is_guarded
        if key not in self._bound:
            if len(self._bound) > 2:  # whole chunks and the last one are what comes again
                self._bound.clear()
            self._bound[key] = _Bound(self, count, is_guarded)
        return self._bound[key]

    def _last_uses(self) -> dict[int, int]:
        """The last reader of every node that is needed; of a result one that never comes."""
        never = len(self.graph)
        last = dict.fromkeys((*self.outputs, *self.edges), never)
        for node in range(never - 1, -1, -1):
            if node in last and node not in self.constants:
                for operand in self.graph.operands[node]:
                    last.setdefault(operand, node)
        return last

    def _only_conditions(self) -> set[int]:
        """The comparisons that only choices read: they stay masks."""
        only = {n for n in self._last if self.graph.gates[n].name in COMPARISONS}
        for node in self._last:
            if node not in self.constants:
                is_choice = self.graph.gates[node].name == "where"
                only.difference_update(self.graph.operands[node][is_choice:])
        return only.difference(self.outputs) | {*self.edges}

    def steps(self, is_guarded: bool) -> Iterator[tuple[int, tuple[int, ...], Any]]:
        """(node, operands, function or the gate's own words) in order."""
        for node in sorted(self._last):
            gate, operands = self.graph.gates[node], self.graph.operands[node]
            if operands and node not in self.constants:
                yield node, operands, self._function(gate, is_guarded)

    def _function(self, gate: Gate, is_guarded: bool) -> Any:
        if gate.name == "scale" and is_guarded:
            return guarded
        return FUNCTIONS.get(gate.name) or COMPARISONS.get(gate.name)

    def is_last(self, operand: int, node: int) -> bool:
        """Whether a node is the last to read an operand."""
        return self._last[operand] == node

    def is_condition(self, node: int) -> bool:
        """Whether a node is a mask, and no number."""
        return node in self._conditions


def _folded(graph: Graph) -> dict[int, float]:
    """The numbers of constants and of all that is computed from them alone."""
    constants = dict(graph.constants)
    for node, (gate, operands) in enumerate(zip(graph.gates, graph.operands, strict=True)):
        if operands and all(k in constants for k in operands):
            constants[node] = float(IEEE.forward(gate, len(operands))(constants, operands))
    return constants


class _Bound:
    """The calls of a program for a number of points, with their buffers."""

    def __init__(self, program: Chunks, count: int, is_guarded: bool) -> None:
        self._program = program
        self._count = count
        self._places: dict[int, Any] = {}  # by node: a buffer
        self._free: list[Any] = []
        self._truths = np.empty(count, bool)
        self._calls: list[Call] = []
        inputs = program.graph.inputs
        self._inputs = {name: self._new(node) for name, node in inputs.items()}
        for node, operands, function in program.steps(is_guarded):
            self._add(node, operands, function)

    def run(self, columns: Mapping[str, Any], results: Any) -> bool:
        """Make the calls, and copy the outputs into the columns of `results`.

        Tells whether all outputs are finite; false also where only their sum is not.
        """
        for name, buffer in self._inputs.items():
            np.copyto(buffer, columns[name])
        for function, arguments in self._calls:
            function(*arguments)
        total = 0.0
        for result, node in zip(results.T, self._program.outputs, strict=True):
            value = self.value(node)
            result[:] = value
            total += float(np.add.reduce(value, axis=None))
        return math.isfinite(total)

    def value(self, node: int) -> Any:
        """The buffer or the constant of a node."""
        constants = self._program.constants
        return constants[node] if node in constants else self._places[node]

    def mask(self, node: int) -> Any:
        """The buffer of a comparison, as bits."""
        return self._places[node].view(np.int64)

    def _new(self, node: int) -> Any:
        self._places[node] = self._free.pop() if self._free else np.empty(self._count)
        return self._places[node]

    def _release(self, node: int, operands: tuple[int, ...]) -> None:
        self._free += [
            self._places[operand] for operand in dict.fromkeys(operands)
            if operand in self._places and self._program.is_last(operand, node)
        ]  # fmt: skip

    def _add(self, node: int, operands: tuple[int, ...], function: Any) -> None:
        """The call of a gate; functions of numpy may write over what they read."""
        gate = self._program.graph.gates[node]
        values = [self.value(k) for k in operands]
        if self._program.is_condition(node):
            self._release(node, operands)
            self._new(node)
            self._calls.append((mask_of, (function, *values, self._truths, self.mask(node))))
        elif isinstance(function, np.ufunc):
            self._release(node, operands)
            self._calls.append(_ufunc_call(gate.name, function, values, self._new(node)))
        else:
            self._calls.append(
                self._special_call(gate, function, operands, values, self._new(node))
            )
            self._release(node, operands)

    def _special_call(
        self, gate: Gate, function: Any, operands: tuple[int, ...], values: list[Any], out: Any
    ) -> Call:
        """The call of a gate whose result is none of the buffers it reads."""
        if gate.name == "where":
            bits = [_bits(x) for x in values[1:]]
            return choose, (self._condition(operands[0], values[0]), *bits, out.view(np.int64))
        if gate.name in FOLDS:
            return fold, (FOLDS[gate.name], out, *values)
        if function is guarded:
            return guarded, (*values, out)
        general = ARRAYS.function(gate.name, gate.table)
        return copied, (general, out, *([values] if gate.is_variadic else values))

    def _condition(self, node: int, value: Any) -> Any:
        """The mask of a condition that may be a number."""
        if isinstance(value, float):
            return np.int64(-1 if value else 0)
        if self._program.is_condition(node):
            return self.mask(node)
        mask = np.empty(self._count, np.int64)
        self._calls.append((mask_of, (np.not_equal, value, 0.0, self._truths, mask)))
        return mask


def _bits(x: Any) -> Any:
    """The bits of a number, or of all numbers of a buffer."""
    return np.float64(x).view(np.int64) if isinstance(x, float) else x.view(np.int64)


def _ufunc_call(name: str, function: Any, values: list[Any], out: Any) -> Call:
    """A gate that is a function of numpy; easy powers as products, which are exact as well."""
    if name == "pow" and isinstance(values[1], float) and values[1] in (2.0, -1.0):
        x, power = values
        return (np.multiply, (x, x, out)) if power > 0 else (np.divide, (1.0, x, out))
    return function, (*values, out)
