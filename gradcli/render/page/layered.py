"""Where the nodes of a circuit stand: in layers by depth, each at the left of what reads it.

Layers by longest paths to the output, an order within each that has few crossings (by barycentres),
and heights that are as near to those of the neighbours as their distances allow: the method of
Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical System Structures"
(1981).
A wire over several layers has a bend in each, which it shares with the others of its source.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

SWEEPS = 12  # of ordering, and of moving; more change nothing that one sees
BEND_ROOM = 0.5  # rows that a bend takes; a node takes one


class Layout(NamedTuple):
    """Layers and heights, in units of layers and rows from the top left."""

    layers: list[int]  # by node
    heights: list[float]
    bends: list[list[tuple[int, float]]]  # by wire: layer and height of each


def layered(count: int, wires: Sequence[tuple[int, int]]) -> Layout:
    """The layout of nodes 0, 1, ..., each after its sources; wires are (source, target)."""
    layers = _layers(count, wires)
    places = [*layers]  # of nodes, then of bends
    bend_at: dict[tuple[int, int], int] = {}  # by source and layer: its wires bend together
    chains = []
    for source, target in wires:
        inner = []
        for layer in range(layers[source] + 1, layers[target]):
            if (source, layer) not in bend_at:
                bend_at[source, layer] = len(places)
                places.append(layer)
            inner.append(bend_at[source, layer])
        chains.append([source, *inner, target])
    before: list[list[int]] = [[] for _ in places]
    after: list[list[int]] = [[] for _ in places]
    for a, b in dict.fromkeys(pair for chain in chains for pair in pairwise(chain)):
        before[b].append(a)
        after[a].append(b)
    columns = _ordered(places, before, after)
    rooms = [1.0 if place < count else BEND_ROOM for place in range(len(places))]
    heights = _heights(columns, before, after, rooms)
    bends = [[(places[k], heights[k]) for k in chain[1:-1]] for chain in chains]
    return Layout(layers, heights[:count], bends)


def _layers(count: int, wires: Sequence[tuple[int, int]]) -> list[int]:
    """The longest ways to what nothing reads, from the right: short wires, inputs that are near."""
    distances = [0] * count
    for source, target in sorted(wires, key=lambda wire: -wire[1]):
        distances[source] = max(distances[source], distances[target] + 1)
    farthest = max(distances, default=0)
    return [farthest - distance for distance in distances]


def _ordered(places: list[int], before: list[list[int]], after: list[list[int]]) -> list[list[int]]:
    """The places of each layer from the top down, in the order with the fewest crossings tried."""
    columns: list[list[int]] = [[] for _ in range(max(places, default=0) + 1)]
    for place in _depth_first(before, after):
        columns[places[place]].append(place)
    rank = {k: n for column in columns for n, k in enumerate(column)}
    best, fewest = [[*column] for column in columns], _crossings(columns, after)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        is_forward = sweep % 2 == 0
        neighbours = before if is_forward else after
        for column in columns if is_forward else reversed(columns):
            centre = {
                k: sum([rank[o] for o in neighbours[k]]) / len(neighbours[k])
                if neighbours[k] else float(rank[k]) for k in column
            }  # fmt: skip
            column.sort(key=centre.__getitem__)
            rank.update((k, n) for n, k in enumerate(column))
        crossings = _crossings(columns, after)
        if crossings < fewest:
            best, fewest = [[*column] for column in columns], crossings
    return best


def _depth_first(before: list[list[int]], after: list[list[int]]) -> list[int]:
    """Every place, from the outputs down to what they are made of, operand by operand."""
    waiting = [k for k in range(len(after)) if not after[k]]
    seen: dict[int, None] = {}
    while waiting:
        place = waiting.pop()
        if place not in seen:
            seen[place] = None
            waiting += reversed(before[place])
    return [*seen]


def _crossings(columns: list[list[int]], after: list[list[int]]) -> int:
    total = 0
    for column, following in pairwise(columns):
        rank = {k: n for n, k in enumerate(following)}
        ends: list[int] = []
        for place in column:
            own = sorted(rank[k] for k in after[place])
            total += sum(len(ends) - bisect_right(ends, end) for end in own)
            for end in own:
                insort(ends, end)
    return total


def _heights(
    columns: list[list[int]], before: list[list[int]], after: list[list[int]], rooms: list[float]
) -> list[float]:
    """The height of every place: first evenly, then nearer to its neighbours, sweep by sweep."""
    heights = [0.0] * len(rooms)
    for column in columns:
        for k, height in zip(column, _apart([0.0] * len(column), column, rooms), strict=True):
            heights[k] = height
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wishes = []
            for k in column:
                near = (before if sweep % 2 == 0 else after)[k] or after[k] or before[k] or [k]
                wishes.append(sum(heights[n] for n in near) / len(near))
            for k, height in zip(column, _apart(wishes, column, rooms), strict=True):
                heights[k] = height
    top = min(heights, default=0.0)
    return [height - top for height in heights]


def _apart(wishes: list[float], column: list[int], rooms: list[float]) -> list[float]:
    """The heights nearest to the wishes, in least squares, that leave each its room.

    Blocks of those that would overlap are put together, as in isotonic regression.
    """
    offsets, total = [], 0.0
    for n, k in enumerate(column):
        total += (rooms[k] + rooms[column[n - 1]]) / 2 if n else 0.0
        offsets.append(total)
    blocks: list[list[float]] = []  # mean, size
    for wish, offset in zip(wishes, offsets, strict=True):
        blocks.append([wish - offset, 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, size = blocks.pop()
            other = blocks[-1]
            other[0] = (other[0] * other[1] + mean * size) / (other[1] + size)
            other[1] += size
    means = [mean for mean, size in blocks for _ in range(int(size))]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]
