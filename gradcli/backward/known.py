"""What the forward part knows: every value that a right backward part may compute.

    adjoint         of a node, with or without a name
    contribution    of a node to a gate that uses it; several of them, where a node has many uses
    path            a contribution handed on through the gates before it
    slope           of a gate by an operand, or of a stage by what it is computed from
    value           of the forward part

Each has a value at every point, and what is the same at all of them is the same. A line is
understood as one of these: as it is, reshaped, moved, or times a constant.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from gradcli.arithmetic.arrays import key
from gradcli.backward.amounts import spreads
from gradcli.backward.replay import SAME, Replay, same
from gradcli.engine import Run, events
from gradcli.named_tuples import NamedTuple

FEW_USES = 5  # of which every partial sum is known; of more those in order
MOST_SAMPLED = 500  # elements of an array that are compared first
MOST_KEPT = 1_000_000  # numbers of a table that are kept as rows
MOST_SORTED = 5000  # elements of an array whose order may be another
STEPS_UP = 3  # that one contribution is followed further
MOST_ALIKE = 12  # entries of one value that are compared by what they are
MOST_FOLLOWED = 300  # contributions that are


class Entry(NamedTuple):
    """A known value: what it is of which node, and through which gates it came."""

    kind: str
    node: int
    through: tuple[int, ...] = ()


class Meaning(NamedTuple):
    """A line's value as something known, times a constant."""

    entry: Entry | None  # None for zeros, and for constants
    form: str = ""  # "", reshaped, moved or unsummed
    factor: float = 1.0

    @property
    def is_exact(self) -> bool:
        """Whether the value is the known one itself."""
        return self.factor == 1.0


class Known:
    """The known values at all points of a replay, and the look-up by value."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self.values: dict[Entry, list[Any]] = {}
        self._tables: dict[int, _Table] = {}
        self._like: dict[tuple[int, ...], list[_Table]] = {}
        graph = replay.graph
        self.order = [k for k in graph.ancestors([replay.output])[::-1] if graph.active[k]]
        each = [dict(self._at(run)) for run in replay.runs]
        for entry in each[0]:
            if all(entry in values for values in each):
                self.values[entry] = [values[entry] for values in each]

    # ---------------------------------------------------------------- what is known

    def _at(self, run: Run) -> Iterator[tuple[Entry, Any]]:
        """Every known value at one point, the likeliest kinds first."""
        replay, graph = self.replay, self.replay.graph
        for node in self.order:
            yield Entry("adjoint", node), replay.whole(node, run.gradients[node])
        uses: dict[int, list[tuple[int, Any]]] = defaultdict(list)
        upstream = run.gradients[replay.output]
        for gate, part_of, part in events(run, replay.output, upstream, self.order):
            node = self._elements.get(part_of, part_of)
            whole = replay.whole(part_of, part)
            if uses[node] and uses[node][-1][0] == gate and same(uses[node][-1][1], whole):
                whole = whole + uses[node].pop()[1]  # w*w: neither half of it is known
            uses[node].append((gate, whole))
        followed = 0
        for node in {*self._elements.values()} & uses.keys():
            yield Entry("adjoint", node), sum([part for _, part in uses[node]])
        for node, own in uses.items():
            for through, total in _sums(own) if len(own) > 1 else ():
                yield Entry("contribution", node, through), total
                if followed < MOST_FOLLOWED and graph.operands[node]:
                    followed += 1
                    yield from self._followed(run, node, through, total)
        yield from self._by_stages(run)
        yield from self._unsummed(run)
        for node in self.order:
            yield Entry("value", node), replay.whole(node, run.values[node])
        yield from self._slopes(run)

    @cached_property
    def _elements(self) -> dict[int, int]:
        """Of nodes that take the same elements of an array, as `x[i]` written twice, the first."""
        graph = self.replay.graph
        firsts: dict[tuple[int, ...], int] = {}
        elements: dict[int, int] = {}
        for node in sorted(self.order):
            if graph.gates[node].name == "index":
                first = firsts.setdefault(graph.operands[node], node)
                if first != node:
                    elements |= {node: first, first: first}
        return elements

    def _followed(
        self, run: Run, node: int, through: tuple[int, ...], part: Any
    ) -> Iterator[tuple[Entry, Any]]:
        """A contribution handed on through the gates before it."""
        graph, depths = self.replay.graph, {node: 0}
        near = [node]
        for k in near:
            if depths[k] < STEPS_UP:
                for operand in graph.operands[k]:
                    if operand not in depths and graph.active[operand]:
                        depths[operand] = depths[k] + 1
                        near.append(operand)
        totals: dict[int, Any] = {}
        for _, operand, more in events(run, node, part, sorted(near, reverse=True)):
            totals[operand] = totals[operand] + more if operand in totals else more
        for operand, total in totals.items():
            yield Entry("path", operand, through), self.replay.whole(operand, total)

    def _by_stages(self, run: Run) -> Iterator[tuple[Entry, Any]]:
        """What each stage sends back to a name of many uses, however often its formula reads it."""
        graph, zero = self.replay.graph, self.replay.machine.arithmetic.zero
        parts: dict[int, dict[int, Any]] = {}
        for stage in self._definitions:
            for _, node, part in events(run, stage, run.gradients[stage], self._definitions[stage]):
                if node in self._stages and graph.active[node]:
                    own = parts.setdefault(node, {})
                    own[stage] = own.get(stage, zero) + part
        for node, amounts in parts.items():
            uses = [(stage, self.replay.whole(node, part)) for stage, part in amounts.items()]
            for through, total in _sums(uses) if len(uses) > 1 else ():
                yield Entry("contribution", node, through), total

    @cached_property
    def _definitions(self) -> dict[int, list[int]]:
        """The nodes between each stage and the named ones that it is computed from."""
        operands, roots = self.replay.graph.operands, {*self._stages, self.replay.output}
        definitions = {}
        for stage in (node for node in self.order if node in roots and operands[node]):
            inside = {stage}
            pending = [stage]
            for gate in pending:
                new = [k for k in operands[gate] if k not in inside and k not in self._stages]
                inside.update(new)
                pending += new
            definitions[stage] = sorted(inside, reverse=True)
        return definitions

    def _unsummed(self, run: Run) -> Iterator[tuple[Entry, Any]]:
        """What a gate sends back before it is summed over the axes it was spread over."""
        graph, machine = self.replay.graph, self.replay.machine
        for node in self.order:
            shape = graph.shape(node)
            spread = [k for k in graph.operands[node] if graph.shape(k) != shape]
            if not shape or not spread or graph.gates[node].is_structural:
                continue
            wants = tuple(bool(graph.active[k]) for k in graph.operands[node])
            pullback = machine.arithmetic.pullback(graph.gates[node], wants)
            parts = _local(pullback, run, graph.operands[node], node, run.gradients[node])
            for operand, part in zip(graph.operands[node], parts, strict=False):
                if operand not in spread or not graph.active[operand] or np.shape(part) != shape:
                    continue
                if not _cancels(run.gradients[operand], part):
                    yield Entry("unsummed", operand, (node,)), part

    def _slopes(self, run: Run) -> Iterator[tuple[Entry, Any]]:
        """The slopes of gates that work element by element, and of stages made of such gates."""
        graph = self.replay.graph
        for node in self.order:
            if graph.gates[node].is_structural or not graph.operands[node]:
                continue
            shape, is_stage = graph.shape(node), node in self._stages
            totals: dict[int, Any] = {node: np.ones(shape)}
            pending = [node]
            while pending:
                gate = pending.pop(0)
                if gate != node and (not is_stage or gate in self._stages or len(totals) > 12):
                    continue
                wants = tuple(bool(graph.active[k]) for k in graph.operands[gate])
                if graph.gates[gate].is_structural or not any(wants):
                    continue
                pullback = self.replay.machine.arithmetic.pullback(graph.gates[gate], wants)
                parts = _local(pullback, run, graph.operands[gate], gate, totals[gate])
                for operand, part in zip(graph.operands[gate], parts, strict=False):
                    if graph.active[operand] and np.shape(part) == shape:
                        if operand not in totals:
                            pending.append(operand)
                            totals[operand] = part
                        else:
                            totals[operand] = totals[operand] + part
            for operand, slope in totals.items():
                if operand != node:
                    yield Entry("slope", operand, (node,)), slope

    @cached_property
    def _stages(self) -> set[int]:
        return set(self.replay.forward.values())

    # ---------------------------------------------------------------- looking up

    def like(self, shape: tuple[int, ...]) -> list[_Table]:
        """The known values of a shape's size, then those that can be spread to the shape."""
        if shape in self._like:
            return self._like[shape]
        tables = self._like[shape] = [self.of_size(int(np.prod(shape)))]
        for other in dict.fromkeys(np.shape(v[0]) for v in self.values.values()):
            if other != shape and np.prod(other) < np.prod(shape) and spreads(other, shape):
                own = {e: v for e, v in self.values.items() if np.shape(v[0]) == other}
                wide = {e: [np.broadcast_to(x, shape) for x in v] for e, v in own.items()}
                tables.append(_Table(wide, int(np.prod(shape))))
        return tables

    def of_size(self, size: int) -> _Table:
        """All known values of so many elements."""
        if size not in self._tables:
            own = {e: v for e, v in self.values.items() if np.size(v[0]) == size}
            self._tables[size] = _Table(own, size)
        return self._tables[size]

    def parts(self, own: int, place: Any) -> dict[Entry, list[Any]]:
        """What an index takes of every known gradient of a node."""
        return {
            entry: [v[place] for v in values] for entry, values in self.values.items()
            if entry.node == own and entry.kind in ("adjoint", "contribution", "path")
        }  # fmt: skip

    def part_of(self, values: Sequence[Any], own: int, place: Any) -> Meaning | None:
        """What a value is at one place of the gradient of a node."""
        for entry, known in self.parts(own, place).items():
            if all(map(same, known, values)) and any(map(np.any, values)):
                return Meaning(entry, "part")
        return None

    def meaning(self, values: Sequence[Any], own: int | None) -> Meaning | None:
        """What a value is at all points, of the node `own` if it can be; None if not understood."""
        if any(not np.isfinite(v).all() for v in values):
            return None
        if not any(np.any(v) for v in values):
            return Meaning(None)
        shape = np.shape(values[0])
        table = self.of_size(int(np.size(values[0])))
        exact = table.equal(values)
        if exact:
            exact = ([e for e in exact if e.node == own] or exact)[:MOST_ALIKE]
            best = min(exact, key=lambda e: self._likeness(e, own, shape))
            form = "" if np.shape(self.values[best][0]) == shape else "reshaped"
            return Meaning(best, "unsummed" if best.kind == "unsummed" else form)
        if moved := table.permuted(values):
            return Meaning(min(moved, key=lambda e: self._likeness(e, own, shape)), "moved")
        if scaled := table.scaled(values):
            scaled = dict([*scaled.items()][:MOST_ALIKE])
            best = min(scaled, key=lambda e: self._likeness(e, own, shape))
            return Meaning(best, "", scaled[best])
        return None

    def of_lines(self) -> list[Meaning | None]:
        """What every line of the backward part gives, with what the replay holds."""
        return [self.of_line(k) for k in range(len(self.replay.sites))]

    def of_line(self, k: int) -> Meaning | None:
        """What a line of the backward part gives, with what the replay holds."""
        replay, line = self.replay, self.replay.program.lines[k]
        values = [replay.value(replay.sites[k], p) for p in range(len(replay.runs))]
        own = replay.forward.get(line.name) if line.name else None
        if line.place and own is not None:
            part = self.part_of(values, own, key(line.place))
            if part is not None:
                return part
        return self.meaning(values, own)

    def _likeness(self, entry: Entry, own: int | None, shape: tuple[int, ...]) -> tuple[Any, ...]:
        """Sorts the likeliest meaning first."""
        kinds = ("adjoint", "contribution", "unsummed", "path", "value", "slope")
        is_gradient = entry.kind in kinds[:4]
        return (
            not (is_gradient and entry.node == own), np.shape(self.values[entry][0]) != shape,
            kinds.index(entry.kind), entry.node not in self._stages, len(entry.through),
        )  # fmt: skip


def _cancels(total: Any, part: Any) -> bool:
    """Whether what is sent back sums to nothing, as to the shift of a softmax: nobody writes it."""
    return bool(np.max(np.abs(total), initial=0.0) <= SAME * np.max(np.abs(part), initial=0.0))


class _Table:
    """The known values of one size, as rows; all points of a value stand in one row."""

    def __init__(self, values: dict[Entry, list[Any]], size: int) -> None:
        self.entries = [*values]
        self.values = [*values.values()]
        self.size = size
        self._kept: dict[int, Any] = {}
        self._at = np.linspace(0, size - 1, min(size, MOST_SAMPLED)).astype(int)

    @cached_property
    def _rows(self) -> Any:
        return np.array([self._row(v) for v in self.values]).reshape(len(self.values), -1)

    def _row(self, values: Sequence[Any]) -> Any:
        return np.concatenate([np.ravel(v)[self._at] for v in values])

    def equal(self, values: Sequence[Any]) -> list[Entry]:
        """The entries that are the same as a value at every point."""
        if not (self.entries and self.size):
            return self.entries
        row, room = self._row(values), SAME * self._sizes(values)
        order, firsts = self._by_first
        with np.errstate(all="ignore"):
            ends = row[0] - 2 * room[0], row[0] + 2 * room[0]  # more than what is near
            low, high = np.searchsorted(firsts, ends[0]), np.searchsorted(firsts, ends[1], "right")
            some = np.sort(order[low:high])
            near = np.abs(self._rows[some] - row) <= room
        return [self.entries[k] for k in some[near.all(axis=1)]]

    def holds(self, value: Any, point: int) -> bool:
        """Whether a value is one of the entries at one point."""
        if not (self.entries and self.size):
            return bool(self.entries)
        own, most = np.ravel(value)[self._at], SAME * np.max(np.abs(value), initial=0.0)
        columns = self._rows[:, point * len(own) : (point + 1) * len(own)]
        with np.errstate(all="ignore"):
            return bool((np.abs(columns - own) <= most).all(axis=1).any())

    @cached_property
    def _by_first(self) -> tuple[Any, Any]:
        """The rows in the order of their first numbers, and these."""
        order = np.argsort(self._rows[:, 0])
        return order, self._rows[order, 0]

    def _sizes(self, values: Sequence[Any]) -> Any:
        """The largest element at each point, for every place of a row."""
        return np.repeat([np.max(np.abs(v), initial=0.0) for v in values], len(self._at))

    def scaled(self, values: Sequence[Any]) -> dict[Entry, float]:
        """The entries of which a value is a multiple, at every point the same one."""
        row = self._row(values)
        if not self.entries or len(row) < 3:
            return {}
        with np.errstate(all="ignore"):
            factors = (self._rows @ row) / np.einsum("ij,ij->i", self._rows, self._rows)
            near = np.abs(self._rows * factors[:, None] - row) <= SAME * self._sizes(values)
        some = np.flatnonzero(near.all(axis=1) & np.isfinite(factors))
        return {self.entries[k]: float(factors[k]) for k in some}

    def permuted(self, values: Sequence[Any]) -> list[Entry]:
        """The entries that have the same elements in another order."""
        if not 1 < self.size <= MOST_SORTED or not self.entries:
            return []
        first = np.sort(np.ravel(values[0]))
        rows, order, least = self._sorted
        room = 2 * SAME * np.max(np.abs(first))  # more than what is near
        with np.errstate(all="ignore"):
            low = np.searchsorted(least, first[0] - room)
            high = np.searchsorted(least, first[0] + room, "right")
            some = np.sort(order[low:high])
            own = rows[some]
            near = np.abs(own - first).max(axis=1) <= SAME * np.abs(own).max(axis=1)
        return [self.entries[k] for k in some[near] if all(
            _close(np.sort(np.ravel(a)), np.sort(np.ravel(b)))
            for a, b in zip(self.values[k], values, strict=True))]  # fmt: skip

    @cached_property
    def _sorted(self) -> tuple[Any, Any, Any]:
        """The elements at the first point in their order, as rows; these by the least of each."""
        rows = np.array([np.sort(np.ravel(v[0])) for v in self.values], float)
        order = np.argsort(rows[:, 0])
        return rows, order, rows[order, 0]

    def projected(self, gradient: Sequence[Any]) -> Any:
        """The product of every value with a gradient, at each point: rows are entries."""
        if not self.values:
            return np.zeros((0, len(gradient)))
        columns = [self._flat(p) @ np.ravel(g) for p, g in enumerate(gradient)]
        return np.stack(columns, axis=1)

    def _flat(self, point: int) -> Any:
        """The values at one point as rows, which are kept as long as they are not too many."""
        if point not in self._kept:
            rows = np.stack([np.ravel(v[point]) for v in self.values])
            if rows.size > MOST_KEPT:
                return rows
            self._kept[point] = rows
        return self._kept[point]


def _close(a: Any, b: Any) -> bool:
    return bool(np.max(np.abs(a - b), initial=0.0) <= SAME * np.max(np.abs(a), initial=0.0))


def _sums(uses: list[tuple[int, Any]]) -> Iterator[tuple[tuple[int, ...], Any]]:
    """The partial sums of contributions that are known, and the gates they come through.

    Of many those in order, from both ends; such a sum is said to come through its last gate.
    """
    if len(uses) <= FEW_USES:
        for size in range(1, len(uses)):
            for some in combinations(uses, size):
                yield tuple([gate for gate, _ in some]), sum([part for _, part in some])
        return
    for gate, part in uses:
        yield (gate,), part
    for way in (uses, uses[::-1]):
        total = way[0][1]
        for gate, part in way[1:-1]:
            total = total + part
            yield (way[0][0], gate), total


def _local(pullback: Any, run: Run, operands: tuple[int, ...], node: int, upstream: Any) -> Any:
    """The gradients that a gate adds to its operands."""
    own = [*(run.values[k] for k in operands), run.values[node]]
    local: list[Any] = [0.0] * len(own)
    if pullback is not None:
        with np.errstate(all="ignore"):
            pullback(upstream, own, local, len(operands), tuple(range(len(operands))))
    return local[:-1]


def words(meaning: Meaning, texts: dict[int, str]) -> str:
    """A meaning in words: `adjoint of W`, `contribution of h to s, times 5`."""
    entry = meaning.entry
    if entry is None:
        return "zeros"
    own, through = texts[entry.node], ", ".join(texts[k] for k in dict.fromkeys(entry.through))
    text = {
        "adjoint": f"adjoint of {own}", "value": f"value of {own}",
        "contribution": f"contribution of {own} to {through}",
        "path": f"contribution of {own}, through {through}",
        "unsummed": f"contribution of {own} to {through}, before it is summed",
        "slope": f"derivative of {through} by {own}",
    }[entry.kind]  # fmt: skip
    if meaning.form == "part":
        text = f"a part of the {text}"
    if meaning.form in ("reshaped", "moved"):
        text += f", {meaning.form}"
    if not math.isclose(meaning.factor, 1.0):
        text += f", times {meaning.factor:.6g}"
    return text
