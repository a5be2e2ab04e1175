"""An arithmetic: the texts of the gate table over one kind of number."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from types import CodeType
from typing import Any

from gradcli.arithmetic.compiler import Spelling, forward_source, pullback_source, text_source
from gradcli.errors import UsageError
from gradcli.gates.row import Gate, GateTable
from gradcli.gates.table import BUILT_IN

# forward(values, operands) -> value; pullback(upstream, values, gradients, node, operands)
Forward = Callable[[Any, tuple[int, ...]], Any]
Pullback = Callable[[Any, Any, Any, int, tuple[int, ...]], None]


class _Nothing:
    """A context that changes nothing."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


_NOTHING = _Nothing()


class Arithmetic:
    """A kind of number: its primitives, its spelling of operators, its way to read a float64."""

    def __init__(
        self,
        name: str,
        primitives: dict[str, Any],
        spelling: Spelling,
        number: Callable[[float], Any] = float,
    ) -> None:
        self.name = name
        self.number = number
        self.zero = number(0.0)
        self._spelling = spelling
        self._names = {"inf": math.inf, "nan": math.nan, **primitives}
        self._scopes: dict[GateTable, dict[str, Any]] = {}  # what texts see
        self._texts: dict[tuple[Gate, str], Callable[..., Any]] = {}
        self._forwards: dict[tuple[Gate, int], Forward] = {}
        self._pullbacks: dict[Any, Pullback | None] = {}

    def static(self, value: Any) -> Any:
        """A static operand, such as a shape or an axis, in this arithmetic: mostly as it is."""
        return value

    def quiet(self) -> Any:
        """A context in which no gate warns."""
        return _NOTHING

    def function(self, name: str, table: GateTable = BUILT_IN) -> Callable[..., Any]:
        """The function that texts of a table's rows call by a name: a primitive, or a gate."""
        scope = self._scope(table)
        if name not in scope:
            scope[name] = self._made(table[name])
        function: Callable[..., Any] = scope[name]
        return function

    def of_gate(self, gate: Gate) -> Callable[..., Any]:
        """A gate of a graph as a function; a row that is in no table has one of its own."""
        if gate.table.rows.get(gate.name) is gate:
            return self.function(gate.name, gate.table)
        if gate.code is not None:
            raise self._refused(gate)
        if (gate, "") not in self._texts:
            self._texts[gate, ""] = self._made(gate)
        return self._texts[gate, ""]

    def _made(self, gate: Gate) -> Callable[..., Any]:
        """The gate as a function of its operands."""
        return self.text_function(gate, gate.forward)

    def _scope(self, table: GateTable) -> dict[str, Any]:
        """The names that texts of a table's rows see; primitives are of the built-in rows."""
        scope = self._scopes.get(table)
        if scope is None:
            scope = self._scopes[table] = dict(self._names)
            for gate in table if table is not BUILT_IN else ():
                if gate is not BUILT_IN.rows.get(gate.name):
                    scope.pop(gate.name, None)
            for operator, template in self._spelling.items():
                if template.startswith(f"{operator}("):  # spelled as a call of the gate
                    self.function(operator, table)
        return scope

    def text_function(self, gate: Gate, text: str) -> Callable[..., Any]:
        """A text of the gate's row (domain, kink, radius, ...) as a function.

        Its arguments are the operands, or the list of them for a gate of any number, and `out=`
        the gate's value where the text mentions it.
        """
        key = (gate, text)
        if key not in self._texts:
            self._texts[key] = self.built(gate.table, *text_source(gate, text, self._spelling))
        return self._texts[key]

    def forward(self, gate: Gate, count: int) -> Forward:
        """The gate's value for `count` operands, which it reads from a list of values."""
        key = (gate, count)
        if gate.code is not None:
            raise self._refused(gate)
        if key not in self._forwards:
            self._forwards[key] = self.built(
                gate.table, *forward_source(gate, count, self._spelling)
            )
        return self._forwards[key]

    def pullback(
        self, gate: Gate, active: tuple[bool, ...], shrunk: tuple[bool, ...] = ()
    ) -> Pullback | None:
        """The gate's local gradients as one function that adds upstream x local to each operand.

        It reads like the lines a student writes: `dx += y * dout`. `active` tells the operands
        that want a gradient, `shrunk` those that were broadcast; the result is None when nothing
        flows to any of them.
        """
        key = (gate, active, shrunk)
        if gate.code is not None:
            raise self._refused(gate)
        if key not in self._pullbacks:
            source = pullback_source(gate, active, self._spelling, shrunk)
            self._pullbacks[key] = self.built(gate.table, *source) if source else None
        return self._pullbacks[key]

    def _refused(self, gate: Gate) -> UsageError:
        """The error of a gate that runs, where more than its values is needed."""
        return UsageError(f"`{gate.name}` runs and is not read: only its values and its gradient "
                          "are known")  # fmt: skip

    def built(self, table: GateTable, source: str, called: set[str]) -> Any:
        """The function `made` of a source that our own writers have written.

        `called` are the gates of the table that it calls.
        """
        for name in called:
            self.function(name, table)
        made: dict[str, Any] = {}
        exec(_code(source), self._scope(table), made)
        return made["made"]


@cache
def _code(source: str) -> CodeType:
    """Compiled once: arithmetics of other numbers of digits spell a gate the same."""
    return compile(source, "<gate>", "exec")
