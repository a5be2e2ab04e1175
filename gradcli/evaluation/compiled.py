"""A program built once, for many evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from gradcli.arithmetic.floats import FAULTS, FLOATS
from gradcli.engine import Machine, Run, backward
from gradcli.errors import BindingError, ShapeError, UsageError
from gradcli.evaluation.point import arithmetics_of, inputs_of
from gradcli.program.model import Program

if TYPE_CHECKING:
    from gradcli.arithmetic.lines import PointFunction
    from gradcli.evaluation.columns import ArrayColumns, NumberColumns
    from gradcli.transform.straight import StraightLine


WRITTEN_AFTER = 150  # calls, which take as long as writing and compiling code does
MOST_FAULTS = 1_000
NATIVE_CALLS = 600  # further ones, that take as long as LLVM does for the gates; and for loading it
LEAST_NATIVE = 100  # gates: of fewer the call itself takes longer than Python's code
LOADING = 1e6  # gates that Python computes meanwhile
NATIVE_FROM = 1e8  # gates times points: below it loading LLVM takes longer than it saves


class Function:
    """A program whose inputs get their values at each call; it gives value and gradients.

    Raises ShapeError for a program whose output is an array.
    """

    def __init__(self, program: Program, inputs: Sequence[str]) -> None:
        graph = program.graph
        shape = graph.shape(program.output)
        if shape:
            raise ShapeError(f"the output has shape {shape}, a compiled function gives one number",
                             hint="sum it, or choose an element: `f[0]`")  # fmt: skip
        self._program = program
        self.inputs = tuple(inputs)
        places = {name: k for k, name in enumerate(graph.inputs)}
        self._places = [(places[n], k) for k, n in enumerate(self.inputs) if n in places]
        self._leaves = [graph.inputs.get(name) for name in self.inputs]
        self._defaults = inputs_of(program)  # of inputs that get no values in a call
        self._gives_arrays = graph.has_arrays
        self._arithmetics = arithmetics_of(graph)
        self._machines: list[Machine] = []  # bound when a call needs them
        self._overs: dict[tuple[str, ...], NumberColumns] = {}
        self._calls = self._faults = self._native_after = 0
        self._at_point: PointFunction | None = None  # code of its own, once that pays

    def __call__(self, *values: Any) -> tuple[float, list[Any]]:
        """The value and the gradient by every input, in the order of `inputs`.

        `values` are one number per input, or an array or nested lists of the shape the function was
        compiled for; gradients are floats, in a program with arrays float64 arrays of the inputs'
        shapes. Never raises for numeric trouble: 1/0 is inf, log(-1) is nan, as IEEE 754 has it.
        Raises BindingError for a wrong number of values, ShapeError for another shape.
        """
        if self._at_point is not None and len(values) == len(self.inputs):
            try:
                result = self._at_point([*map(float, values)])
            except (*FAULTS, TypeError):
                self._give_up_code()
            else:
                self._calls += 1
                if self._calls == self._native_after:
                    self._write_machine_code()
                return result
        run = self._run(self._filled_in(values))
        self._calls += 1
        if self._calls == WRITTEN_AFTER:
            self._write_code()
        value, gradients = float(run.values[self._program.output]), run.gradients
        if self._gives_arrays:
            return value, [self._array(at, gradients) for at in self._leaves]
        return value, [0.0 if at is None else gradients[at] for at in self._leaves]

    def _line(self) -> StraightLine | None:
        """The gates as a straight line; None where they are too many, or of arrays."""
        from gradcli.arithmetic.lines import MOST_NODES  # late: after many calls
        from gradcli.evaluation.lines import line_of

        if self._gives_arrays or len(self._program.graph) > MOST_NODES:
            return None
        line = line_of(self._program, self.inputs, self.inputs)
        return line if len(line.graph) <= MOST_NODES else None

    def _write_code(self) -> None:
        """Have Python compile the gates, where they are not too many."""
        from gradcli.arithmetic.lines import point_function  # late: after many calls

        line = self._line()
        if line is not None:
            self._at_point = point_function(FLOATS, line.graph, line.outputs, self.inputs)
            if len(line.graph) >= LEAST_NATIVE:
                self._native_after = self._calls + round(NATIVE_CALLS + LOADING / len(line.graph))

    def _write_machine_code(self) -> None:
        """Have LLVM compile the gates, where it is there and all of them have such code."""
        from gradcli.native.machine import native_point  # late: after many calls

        line = self._line()
        code = None if line is None else native_point(line.graph, line.outputs, self.inputs)
        self._at_point = code or self._at_point

    def _give_up_code(self) -> None:
        """Note a fault; where most calls end in one, the code is of no use."""
        self._faults += 1
        if self._faults == MOST_FAULTS:
            self._at_point = None

    def batch(self, columns: Sequence[Any] | Mapping[str, Any]) -> tuple[Any, list[Any]]:
        """The values at many points, and the gradients by every input, as float64 arrays.

        `columns` has an array for each input, in the order of `inputs` or by name, whose first axis
        are the points; one number stands for all points. Where a value is nan its gradients are.
        The memory of large results is kept for those of the next call once all of them are gone.
        Raises BindingError, ShapeError.

        >>> from gradcli import compile
        >>> values, (dx, dy) = compile("x*y", inputs=["x", "y"]).batch([[1, 2, 3], 10])
        >>> values.tolist(), dx.tolist(), dy.tolist()
        ([10.0, 20.0, 30.0], [10.0, 10.0, 10.0], [1.0, 2.0, 3.0])
        """
        arrays = self._columns(columns)
        function = self.over(self.inputs, rows=len(arrays[0]) if arrays else 1)
        value, *slopes = function.run(arrays, by_rows=False).columns
        return value, slopes

    def over(
        self, wrt: Sequence[str], engine: str = "auto", rows: int | None = None
    ) -> NumberColumns | ArrayColumns:
        """The function over columns, with the gradients by some inputs.

        `engine` is numpy, native, or auto: machine code, where it can be had, for so many `rows`
        that it pays. Raises UsageError where it cannot, and `native` is asked for.
        """
        from gradcli.evaluation.columns import ArrayColumns  # late: it loads numpy

        if self._gives_arrays:
            if engine == "native":
                raise UsageError("a program of arrays has no machine code",
                                 hint="leave out --engine native")  # fmt: skip
            places = [self.inputs.index(name) for name in wrt]
            return ArrayColumns(self, places, [self._shape(k) for k in places])
        if engine == "auto":
            is_long = (rows or 0) * len(self._program.graph) > NATIVE_FROM
            with suppress(UsageError):
                return self._over(wrt, "native" if is_long else "numpy")
            engine = "numpy"
        return self._over(wrt, engine)

    def _over(self, wrt: Sequence[str], engine: str) -> NumberColumns:
        """The columns of numbers, built once for each engine."""
        from gradcli.evaluation.columns import NumberColumns  # late: it loads numpy

        key = (*wrt, engine)
        if key not in self._overs:
            self._overs[key] = NumberColumns(self._program, self.inputs, wrt, engine)
        return self._overs[key]

    def _columns(self, columns: Sequence[Any] | Mapping[str, Any]) -> list[Any]:
        """Columns in the order of `inputs`, of equal length."""
        import numpy as np  # late: numbers do not need it

        if isinstance(columns, Mapping):
            missing = [name for name in self.inputs if name not in columns]
            if missing:
                raise BindingError(f"no column for {', '.join(missing)}")
            columns = [columns[name] for name in self.inputs]
        if not isinstance(columns, Sequence) and not np.ndim(columns):
            raise BindingError(f"columns are a list of them, this is {type(columns).__name__}")
        if len(columns) != len(self.inputs):
            raise BindingError(f"{len(self.inputs)} columns are needed, got {len(columns)}")
        arrays = []
        for k, column in enumerate(columns):
            try:
                array = np.asarray(column, dtype=float)
            except (TypeError, ValueError, OverflowError):
                raise BindingError(f"`{self.inputs[k]}` is not a column of numbers") from None
            if array.shape[1:] != self._shape(k) and array.shape != self._shape(k):
                raise ShapeError(f"a row of `{self.inputs[k]}` has shape {array.shape[1:]}, "
                                 f"not {self._shape(k)}")  # fmt: skip
            arrays.append(array)
        counts = {len(x) for k, x in enumerate(arrays) if x.ndim > len(self._shape(k))} or {1}
        if len(counts) > 1:
            raise ShapeError(f"columns have different lengths: {sorted(counts)}")
        (count,) = counts
        return [np.broadcast_to(x, (count, *self._shape(k))) for k, x in enumerate(arrays)]

    def _shape(self, k: int) -> tuple[int, ...]:
        """The shape of an input; () where the program does not use it."""
        leaf = self._leaves[k]
        return () if leaf is None else self._program.graph.shape(leaf)

    def _run(self, inputs: Sequence[Any]) -> Run:
        """The sweep in the first arithmetic that does not fault.

        The last one never does: what it raises is a fault of code of the user's, of a gate.
        """
        machines = self._machines
        output, upstream = self._program.output, self._program.upstream
        for k, arithmetic in enumerate(self._arithmetics):
            if k == len(machines):
                machines.append(Machine(self._program.graph, arithmetic))
            try:
                run = machines[k].run(inputs)
                backward(run, output, 1.0 if upstream is None else run.values[upstream])
            except FAULTS:
                if k == len(self._arithmetics) - 1:
                    raise
                continue
            return run
        raise AssertionError("there is no arithmetic")

    def _filled_in(self, values: Sequence[Any]) -> list[Any]:
        if len(values) != len(self.inputs):
            raise BindingError(f"{len(self.inputs)} values are needed, got {len(values)}")
        inputs = self._defaults.copy()
        for place, k in self._places:
            inputs[place] = self._read(k, values[k])
        return inputs

    def _read(self, k: int, value: Any) -> Any:
        """The value of one input, of the shape it was compiled for."""
        name = self.inputs[k]
        shape = self._shape(k)
        if not shape:
            try:
                return float(value)
            except OverflowError:
                raise BindingError(f"`{name}` is too large for float64") from None
            except (TypeError, ValueError):
                kind = type(value).__name__
                raise BindingError(f"`{name}` is a number, got {kind}") from None
        import numpy as np  # late: numbers do not need it

        try:
            array = np.asarray(value, dtype=float)
        except (TypeError, ValueError, OverflowError):
            raise BindingError(f"`{name}` is not an array of numbers") from None
        if array.shape != shape:
            raise ShapeError(f"`{name}` has shape {shape}, got {array.shape}")
        return array

    def _array(self, leaf: int | None, gradients: list[Any]) -> Any:
        """A gradient as an array of its own, in the shape of its input."""
        import numpy as np  # late: numbers do not need it

        if leaf is None:
            return np.zeros(())
        return np.array(np.broadcast_to(gradients[leaf], self._program.graph.shape(leaf)))
