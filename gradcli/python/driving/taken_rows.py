"""Rows that a forward part takes from tables, where it is these that have gradients.

v = W[centre]; u = W[context]         two rows of one table
return loss, grad_v, grad_u           their gradients: the rows are the inputs, and not the table
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from gradcli.python.driving.driven import Driven
from gradcli.python.driving.held import Mapped
from gradcli.python.driving.results import Result, short_name
from gradcli.python.state.tape import Tape
from gradcli.python.words.gradients import kin

SHORTEST = 3  # letters that a name shares with another: `grad_pos` of `pos_vec`


class Rows(NamedTuple):
    """What a statement takes from an input."""

    name: str  # that it gives it
    place: int  # where it stands in the text
    shape: tuple[int, ...]


def rows_with_gradients(driven: Driven, claims: Mapped) -> set[int]:
    """Where the rows are named that results are the gradients of, and no input is."""
    shape = driven.reader.tape.shape
    sure = [
        c for c in claims.claims
        if c.by != "position" or shape(c.leaf.node) == shape(c.result.node)
    ]  # fmt: skip
    taken = {c.leaf.node for c in sure}
    results = [r for r in driven.results if r.order >= 0 and all(c.result is not r for c in sure)]
    reached = driven.reader.tape.graph.reaches(*[node for node, _ in driven.outputs])
    tables = [x.node for x in driven.leaves if x.node not in taken and reached[x.node]]
    rows = _taken(driven, tables, reached) if results and tables else []
    return {one.place for one in _matched(driven.reader.tape, rows, results)}


def _taken(driven: Driven, tables: list[int], reached: bytearray) -> list[Rows]:
    """The rows that the forward part takes from inputs, each once and by one statement."""
    reader, tape = driven.reader, driven.reader.tape
    records = [r for r in reader.records if r.target != "return" and r.total < len(reached)]
    counts = Counter(record.place for record in records)
    return [
        Rows(short_name(record.target), record.place, tape.shape(record.total))
        for record in records
        if reached[record.total] and counts[record.place] == 1
        and any(_is_of(tape, record.total, table) for table in tables)
    ]  # fmt: skip


def _is_of(tape: Tape, node: int, table: int) -> bool:
    """Whether a value is taken from a table, and not computed."""
    names = []
    while node != table:
        names.append(tape.graph.gates[node].name)
        if names[-1] not in ("copy", "index", "take"):
            return False
        node = tape.graph.operands[node][0]
    return {*names} != {"copy"} and bool(names)


def _matched(tape: Tape, rows: list[Rows], results: list[Result]) -> list[Rows]:
    """The rows that results are of: by their names, or all in their order."""
    if len(rows) == len(results) and all(
        one.shape == tape.shape(r.node) for one, r in zip(rows, results, strict=True)
    ):
        return rows
    return [
        one for one in rows
        if any(
            tape.shape(r.node) == one.shape and _is_called(kin(root), kin(one.name))
            for r in results for root in r.roots
        )
    ]  # fmt: skip


def _is_called(root: str, name: str) -> bool:
    return root == name or (len(root) >= SHORTEST and name.startswith(root))
