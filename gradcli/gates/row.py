"""The gate table as data: a row, and the table that finds rows by name.

`gradcli.gates.table` says what the columns mean and holds the rows of the language.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from gradcli.errors import UsageError
from gradcli.gates.shapes import FUNCTIONS, Rule, broadcast
from gradcli.named_tuples import NamedTuple

if TYPE_CHECKING:
    from typing import Protocol

    class Code(Protocol):
        """Code of the user's, which runs at numbers and knows nothing else."""

        def value(self, operands: list[Any]) -> Any:
            """The value for some operands, a float or an array."""

        def gradients(self, upstream: Any, operands: list[Any]) -> list[Any]:
            """The gradient of each operand, None where it has none."""

    class Own(Protocol):
        """A gate of the user's own: each call has a row of its own, by its shapes and constants."""

        inputs: int  # how many of the operands are inputs; the others are constants

        def row(
            self, constants: list[Any], shapes: list[tuple[int, ...]]
        ) -> tuple[Gate, list[Any]]:
            """The row of a call, and the constants that are its further operands."""

        def reading(self, row: Gate) -> tuple[Any, list[str]] | None:
            """What was read as a row, a program with its inputs' names; None where it runs."""


# Names that texts and compiled texts use themselves.
OWN_WORDS = {
    "out", "g", "k", "x", "xs", "inf", "nan", "upstream", "values", "gradients", "node", "operands",
    "number", "zero", "divide", "lead", "trail",
}  # fmt: skip


class GateTable:
    """Rows by name, in the order of the table, and by the functions that call them."""

    __slots__ = ("functions", "rows")

    def __init__(self, base: GateTable | None = None) -> None:
        self.rows: dict[str, Gate] = dict(base.rows) if base else {}
        self.functions: dict[str, Gate] = dict(base.functions) if base else {}  # and aliases

    def fill(self, rows: Iterable[Gate]) -> None:
        """Add rows; done before anything reads the table."""
        for row in rows:
            self.rows[row.name] = row
            if not row.hidden:
                self.functions[row.name] = row
                for alias in row.aliases:
                    self.functions[alias] = row

    def __getitem__(self, name: str) -> Gate:
        return self.rows[name]

    def __contains__(self, name: str) -> bool:
        return name in self.rows

    def __iter__(self) -> Iterator[Gate]:
        return iter(self.rows.values())

    @property
    def elementwise(self) -> list[Gate]:
        """The gates that look at their operands element by element."""
        return [row for row in self if not row.is_structural]

    def extended(self, rows: Iterable[Gate], overrides: bool = False) -> GateTable:
        """A table with more rows; the rows of this one keep their meaning in it.

        With `overrides` an alias may be the name of a gate that there is, in whose place it is
        called then. Raises UsageError for a name that is taken or that no gate can have.
        """
        more = list(rows)
        taken = {*self.rows, *self.functions, *FUNCTIONS, *OWN_WORDS}
        if overrides:
            taken -= {alias for row in more for alias in row.aliases} & {*self.functions}
        for name in (name for row in more for name in (row.name, *row.aliases)):
            if not name.isidentifier() or iskeyword(name):
                raise UsageError(f"`{name}` cannot be the name of a gate")
            if name in taken:
                raise UsageError(f"the name `{name}` is taken", hint="give the gate another name")
            taken.add(name)
        table = GateTable(self)
        table.fill(row._replace(table=table) for row in more)
        return table


class Gate(NamedTuple):
    """One row; `gradcli.gates.table` says what the columns mean."""

    name: str
    operands: tuple[str, ...]
    forward: str
    local: tuple[str, ...]
    textbook: tuple[str, ...]
    expansion: str
    ulps: float
    role: str
    domain: str
    kink: str
    jump: str
    radius: tuple[str, ...]
    bounded: bool
    samples: str
    aliases: tuple[str, ...]
    defaults: tuple[float, ...]  # of the last operands
    hidden: bool  # a helper of the texts, not part of the language
    pullback: tuple[str, ...]
    shape: Rule
    table: GateTable
    # Of a gate of the user's own:
    own: Own | None = None  # makes the row of a call
    code: Code | None = None  # what runs, where it is not read: such a row has no texts

    @property
    def is_structural(self) -> bool:
        """Whether the gate looks at its operands as wholes, and not element by element."""
        return bool(self.pullback)

    @property
    def is_variadic(self) -> bool:
        """Whether the gate takes any number of operands."""
        return self.operands[:1] == ("*xs",)


# A row is equal to itself only: what is compiled from it is kept by row, and quickly found again.
# A named tuple cannot say so in its body.
Gate.__eq__ = object.__eq__  # type: ignore[method-assign]
Gate.__ne__ = object.__ne__  # type: ignore[method-assign]
Gate.__hash__ = object.__hash__  # type: ignore[method-assign]

BUILT_IN = GateTable()  # the language's own gates: `gradcli.gates.table` fills it


def gate(
    name: str,
    operands: str,
    forward: str,
    *local: str,
    textbook: tuple[str, ...] = (),
    expansion: str = "",
    ulps: float = 4,
    role: str = "scales",
    domain: str = "",
    kink: str = "",
    jump: str = "",
    radius: str = "",
    bounded: bool = False,
    samples: str = "0.7; -1.3; 2.5",
    aliases: str = "",
    defaults: tuple[float, ...] = (),
    hidden: bool = False,
    pullback: tuple[str, ...] = (),
    shape: Rule = broadcast,
) -> Gate:
    """A row of a gate that works element by element."""
    return Gate(
        name, tuple(operands.split(", ")), forward, local, textbook or local, expansion, ulps,
        role, domain, kink, jump, tuple(radius.split(" | ")) if radius else (), bounded, samples,
        tuple(aliases.split()), defaults, hidden, pullback, shape, BUILT_IN,
    )  # fmt: skip


def array_gate(
    name: str, operands: str, shape: Rule, forward: str, *pullback: str,
    textbook: tuple[str, ...] = (), ulps: float = 4, role: str = "scales", kink: str = "",
    aliases: str = "", hidden: bool = False,
) -> Gate:  # fmt: skip
    """A row of a gate that changes shape or mixes elements."""
    return gate(
        name, operands, forward, textbook=textbook or pullback, ulps=ulps, role=role, kink=kink,
        samples="", aliases=aliases, hidden=hidden, pullback=pullback, shape=shape,
    )  # fmt: skip


# Leaves stand in the same list of nodes as gates do.
INPUT = Gate("input", (), "", (), (), "", 0, "", "", "", "", (), True, "", (), (), True, (),
             broadcast, BUILT_IN)  # fmt: skip
CONSTANT = INPUT._replace(name="constant")
