"""Which nodes of a graph a picture of it has, and which stand for others.

An input is drawn apart, element by element, where nothing takes it as a whole and no two parts of
it that are taken overlap: `w[0]` and `w[2]` are leaves then, each drawn once however often it is
read. A path says where a part stands in its input: that of `w[0][2]` is (0, 2). A constant that the
symbol of its gate shows, the 2 of `*2`, is no node.
"""

from __future__ import annotations

from gradcli.gates.row import INPUT
from gradcli.graph.nodes import Graph
from gradcli.syntax.tree import SIGNS

Path = tuple[int, ...]


class DrawnNodes:
    """The nodes that an output depends on, as they are drawn."""

    __slots__ = ("gates", "leaves", "reached", "same", "twins")

    def __init__(self, graph: Graph, output: int) -> None:
        flags = graph.reaches(output)
        self.reached = [node for node in range(output + 1) if flags[node]]
        paths = _paths(graph, self.reached)
        used = _used_paths(graph, self.reached, paths, output)
        apart = {root for root, own in used.items() if _are_apart(own)}
        self.leaves: list[int] = []  # inputs, and elements of those that are drawn apart
        self.same: dict[int, int] = {}  # by node, the one that is drawn for it
        self.twins: dict[int, list[int]] = {}  # by leaf, the other nodes it is drawn for
        self.gates: list[int] = []
        first: dict[tuple[int, Path], int] = {}
        for node in self.reached:
            root, path = paths.get(node, (node, ()))
            self.same[node] = node
            if root in apart and path in used[root]:
                self.same[node] = leaf = first.setdefault((root, path), node)
                (self.leaves if leaf == node else self.twins.setdefault(leaf, [])).append(node)
            elif root in used and root not in apart and not path:
                self.leaves.append(node)
            elif graph.operands[node] and root not in apart:
                self.gates.append(node)


def _paths(graph: Graph, nodes: list[int]) -> dict[int, tuple[int, Path]]:
    """The inputs and their elements and rows: each with its input and its path in it."""
    paths: dict[int, tuple[int, Path]] = {}
    for node in nodes:
        if graph.gates[node] is INPUT:
            paths[node] = node, ()
        elif graph.gates[node].name == "index" and node not in graph.names:
            whole, at = graph.operands[node]
            places = graph.constants[at]
            if whole in paths and not any(isinstance(place, tuple) for place in places):
                root, path = paths[whole]
                sizes = graph.shape(whole)
                own = [p % size for p, size in zip(places, sizes, strict=False)]
                paths[node] = root, (*path, *own)
    return paths


def _used_paths(
    graph: Graph, nodes: list[int], paths: dict[int, tuple[int, Path]], output: int
) -> dict[int, set[Path]]:
    """By input, the paths of what a gate takes as it is, or is the output."""
    used: dict[int, set[Path]] = {root: set() for root, _ in paths.values()}
    for node in nodes:
        for taken in (node,) if node == output else ():
            if taken in paths:
                used[paths[taken][0]].add(())  # the output is drawn as the gate it is
        if node not in paths:
            for operand in graph.operands[node]:
                if operand in paths:
                    root, path = paths[operand]
                    used[root].add(path)
    return used


def _are_apart(used: set[Path]) -> bool:
    """Whether paths are those of parts that do not overlap, and none is the whole."""
    return not any(path[:k] in used for path in used for k in range(len(path))) and () not in used


def is_absorbed(graph: Graph, node: int, operand: int) -> bool:
    """Whether the symbol of a gate shows an operand: the 2 of `*2`, an axis, an index."""
    value = graph.constants.get(operand)
    if isinstance(value, tuple):
        return True
    others = [k for k in graph.operands[node] if k != operand]
    is_one_of_two = len(others) == 1 and others[0] not in graph.constants
    return isinstance(value, float) and graph.gates[node].name in SIGNS and is_one_of_two
