"""Machine code from assembly, by llvmlite; where it cannot be had, None takes its place."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from gradcli.graph.nodes import Graph
from gradcli.native.cache import keep, kept, path_for
from gradcli.native.writer import NARROW, loop_text, point_text, unknown_gates

MOST_NODES = 20_000  # of a function: some 0.1 to 0.3 ms each to compile
QUICK = 3_000  # nodes, above which LLVM looks for good code no longer
ROWS = 32_768  # at a time, where they are copied: buffers are not to leave the caches
MOST_ROWS = 2**22  # at a time, where they are not: a signal is heeded in between
FEATURES = {"x86_64": "fma"}  # what a processor must have, by the beginning of its name


@cache
def _library() -> Any:
    """The binding of llvmlite, ready for this machine; None where there is none."""
    try:
        import llvmlite.binding as llvm
    except ImportError:
        return None
    try:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        features = llvm.get_host_cpu_features()
        triple = llvm.get_default_triple()
    except (RuntimeError, OSError):
        return None
    needed = next((f for name, f in FEATURES.items() if triple.startswith(name)), None)
    return llvm if needed is None or features.get(needed) else None


def is_available() -> bool:
    """Whether this machine can have machine code."""
    return _library() is not None


def _compiled(text: str, is_small: bool, is_quick: bool) -> tuple[Any, int]:
    """The owner of the code, which must outlive its use, and the address of `run`."""
    llvm = _library()
    features, name = llvm.get_host_cpu_features().flatten(), llvm.get_host_cpu_name()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=name, features=features, opt=0 if is_quick else 2, jit=True
    )
    module = llvm.parse_assembly(text)
    version = ".".join(map(str, llvm.llvm_version_info))
    path = path_for(text, version, name, features, f"{is_small} {is_quick}")
    code = kept(path)
    if is_small and code is None:
        # Merges functions into the loop, and takes what sin and cos share once.
        builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(1))
        builder.getModulePassManager().run(module, builder)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.set_object_cache(lambda _, made: keep(path, made), lambda _: code)
    engine.finalize_object()
    return engine, engine.get_function_address("run")


class NativeChunks:
    """A straight line of gates as machine code, with what `Chunks` has."""

    def __init__(self, graph: Graph, outputs: Sequence[int], edges: Sequence[int]) -> None:
        self._names = [*graph.inputs]
        self._count = len(outputs)
        text, self._width = loop_text(graph, outputs, edges)
        nodes = len(graph)
        self._engine, address = _compiled(text, self._width > NARROW, nodes > QUICK)
        kind = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
        self._run = kind(address)
        self._inputs = [np.empty(ROWS) for _ in self._names]
        self._outputs = [np.empty(ROWS) for _ in (*outputs, *edges)]

    def at_once(self, columns: Sequence[Any], results: Any) -> int:
        """At how many points `run` may compute at a time: at many where nothing is copied."""
        has_edges = len(self._outputs) > self._count
        is_direct = not has_edges and all(map(self._is_in_reach, (*columns, *results.T)))
        return MOST_ROWS if is_direct else ROWS

    def run(self, columns: Mapping[str, Any], results: Any) -> tuple[bool, list[Any]]:
        """Compute the outputs at up to `at_once` points into the columns of `results`.

        `columns` are by the names of inputs. Tells whether all outputs are finite for certain, and
        for each edge which points are on it.
        """
        count = len(results)
        inputs = [
            self._input(columns[name], buffer)
            for name, buffer in zip(self._names, self._inputs, strict=True)
        ]
        outputs = [
            result if self._is_in_reach(result) else buffer
            for result, buffer in zip(results.T, self._outputs, strict=False)
        ]
        edges = self._outputs[self._count :]
        tables = _table(inputs), _table([*outputs, *edges])
        odd = self._run(*map(ctypes.addressof, tables), max(count, self._width))
        for result, output in zip(results.T, outputs, strict=True):
            if result is not output:
                result[:] = output[:count]
        return odd == 0, [edge[:count] != 0 for edge in edges]

    def _input(self, column: Any, buffer: Any) -> Any:
        """A column itself, or the buffer with what it holds."""
        if self._is_in_reach(column):
            return column
        count = len(column)
        np.copyto(buffer[:count], column)
        if count < self._width:
            buffer[count : self._width] = buffer[0]
        return buffer

    def _is_in_reach(self, column: Any) -> bool:
        """Whether the code can read and write a column where it is: its numbers are neighbours."""
        is_dense = column.strides == (8,) and column.dtype == float
        return is_dense and len(column) >= self._width and column.flags.aligned


class NativePoint:
    """A straight line of gates as machine code for one point, with functions of the C library.

    It never faults: 1/0 is inf, log(-1) is nan, as IEEE 754 has it.
    """

    def __init__(self, graph: Graph, outputs: Sequence[int], order: Sequence[str]) -> None:
        self._engine, address = _compiled(point_text(graph, outputs), False, True)
        self._places = [order.index(name) for name in graph.inputs]
        self._is_plain = self._places == [*range(len(order))]
        # Numbers of its own for every call, so that threads do not meet in them.
        self._inputs = ctypes.c_double * len(self._places)
        self._outputs = ctypes.c_double * len(outputs)
        kinds = ctypes.POINTER(self._inputs), ctypes.POINTER(self._outputs)
        self._run = ctypes.PYFUNCTYPE(None, *kinds)(address)

    def __call__(self, xs: Sequence[float]) -> tuple[float, list[float]]:
        """The first output, and a list of the others."""
        inputs = self._inputs(*(xs if self._is_plain else [xs[k] for k in self._places]))
        outputs = self._outputs()
        self._run(inputs, outputs)
        value, *slopes = outputs
        return value, slopes


def _table(buffers: list[Any]) -> Any:
    """The addresses of buffers as C has them."""
    return (ctypes.c_void_p * len(buffers))(*[buffer.ctypes.data for buffer in buffers])


def native_chunks(
    graph: Graph, outputs: Sequence[int], edges: Sequence[int]
) -> NativeChunks | None:
    """The machine code of a straight line for columns; None where it cannot be had."""
    if not _has_code(graph, [*outputs, *edges]):
        return None
    try:
        return NativeChunks(graph, outputs, edges)
    except (RuntimeError, OSError):  # no memory may be executed here, or LLVM refuses the text
        return None


def native_point(graph: Graph, outputs: Sequence[int], order: Sequence[str]) -> NativePoint | None:
    """The machine code of a straight line for one point; None where it cannot be had."""
    if not _has_code(graph, outputs):
        return None
    try:
        return NativePoint(graph, outputs, order)
    except (RuntimeError, OSError):
        return None


def _has_code(graph: Graph, outputs: Sequence[int]) -> bool:
    return is_available() and len(graph) <= MOST_NODES and not unknown_gates(graph, outputs)
