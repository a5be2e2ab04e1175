"""Gradients of the rows that a forward part takes from tables, as claims on these.

v = W[centre]; u = W[context]         two rows of one table, which is an input
return loss, grad_v, grad_u           their gradients: that of W has them added at their places
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcli.python.driven import Driven, Leaf
from gradcli.python.gradient_words import kin
from gradcli.python.results import Result, short_name
from gradcli.python.tape import Tape

SHORTEST = 3  # letters that a name shares with another: `grad_pos` of `pos_vec`


class Rows(NamedTuple):
    """What a statement takes from an input."""

    name: str  # that it gives it
    leaf: Leaf
    places: Any  # flat ones, in the shape of what is taken


def of_tables(
    driven: Driven, leaves: list[Leaf], results: list[Result]
) -> list[tuple[Leaf, Result]]:  # fmt: skip
    """The inputs of which results are the gradients of rows, each with its own gradient."""
    taken = [*_taken(driven, leaves)]
    of = _matched(driven, taken, results)
    found = []
    for leaf in leaves:
        own = [k for k, rows in enumerate(taken) if rows.leaf is leaf]
        if own and all(k in of for k in own):
            found.append((leaf, _gathered(driven.reader.tape, [(taken[k], of[k]) for k in own])))
    return found


def _taken(driven: Driven, leaves: list[Leaf]) -> list[Rows]:
    """The rows that the forward part takes from inputs, each once."""
    reader, tape = driven.reader, driven.reader.tape
    reached = tape.graph.reaches(*[node for node, _ in driven.outputs])
    found: dict[int, Rows] = {}
    for record in reader.records:
        if record.total < len(reached) and reached[record.total] and record.target != "return":
            for leaf in leaves:
                places = _places(tape, record.total, leaf.node)
                if places is not None and places.shape != tape.shape(leaf.node):
                    found.setdefault(record.total, Rows(short_name(record.target), leaf, places))
    return [*found.values()]


def _places(tape: Tape, node: int, leaf: int) -> Any:
    """The places in an input that a value is taken from; None for what is computed."""
    if node == leaf:
        return tape.places(tape.shape(leaf))
    gate, operands = tape.graph.gates[node].name, tape.graph.operands[node]
    if gate not in ("copy", "index", "take"):
        return None
    own = _places(tape, operands[0], leaf)
    if own is None or gate == "copy":
        return own
    static = tape.graph.constants[operands[1]]
    if gate == "take":
        flat = static[0].flat
        return own.ravel()[flat] if flat.size and flat.min() >= 0 else None
    return own[tuple(slice(*at) if isinstance(at, tuple) else at for at in static)]


def _matched(driven: Driven, taken: list[Rows], results: list[Result]) -> dict[int, Result]:
    """The results that are of what is taken, by its place: by names, or all in their order."""
    shape = driven.reader.tape.shape
    in_order = len(taken) == len(results) and all(
        shape(r.node) == rows.places.shape for r, rows in zip(results, taken, strict=True)
    )
    of: dict[int, Result] = {}
    for k, rows in enumerate(taken):
        fitting = [
            r for r in results
            if shape(r.node) == rows.places.shape
            and any(_is_of(kin(root), kin(rows.name)) for root in r.roots)
        ]  # fmt: skip
        if len(fitting) == 1 and fitting[0] not in of.values():
            of[k] = fitting[0]
        elif in_order:
            of[k] = results[k]
    return of


def _is_of(root: str, name: str) -> bool:
    return root == name or (len(root) >= SHORTEST and name.startswith(root))


def _gathered(tape: Tape, parts: list[tuple[Rows, Result]]) -> Result:
    """The gradient of a table: those of its rows, added at their places."""
    total: int | None = None
    for rows, result in parts:
        node = tape.give(tape.node(result.node), tape.shape(rows.leaf.node), rows.places)
        total = node if total is None else tape.gate("add", total, node)
    assert total is not None
    last = parts[-1][1]
    return last._replace(words=" and ".join(r.words for _, r in parts), node=total)
