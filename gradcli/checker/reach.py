"""What a change of some inputs reaches: for every gate a set of them, as the bits of an integer.

One pass over the graph answers for many inputs, since their sets are joined by a single `or`: bit k
is the k-th input. A gate is touched by an input that it is computed from; it moves if that input
can change its value.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

from gradcli.checker.surroundings import CHOICES, Branch, Surroundings


class Reach:
    """The gates on the way from some inputs to the output, and which of the inputs move each."""

    __slots__ = ("around", "branches", "leaves", "limits", "moving", "singular", "touched")

    def __init__(self, around: Surroundings, leaves: Sequence[int]) -> None:
        self.around = around
        self.leaves = {leaf: 1 << k for k, leaf in enumerate(leaves)}
        self.branches: list[tuple[Branch, int]] = []  # that may turn, and which inputs turn them
        size = len(around.run.machine.graph)
        self.touched = [0] * size  # by node
        self.moving = [0] * size
        for leaf, bit in self.leaves.items():
            self.touched[leaf] = self.moving[leaf] = bit
        self._follow()
        touched, moving = self.touched, self.moving
        self.limits = [  # how far an operand may move, and which inputs move it
            (touched[node] & moving[operand], operand, radius)
            for node in around.limited if touched[node]
            for operand, radius in around.limits(node) if moving[operand]
        ]  # fmt: skip
        # The inputs that move what may not move at all.
        self.singular = reduce(or_, [inputs for inputs, _, radius in self.limits if not radius], 0)

    def gates(self, inputs: int) -> list[int]:
        """The gates that some of the inputs touch."""
        touched = self.touched
        return [node for node in self.around.gates if touched[node] & inputs]

    def _follow(self) -> None:
        touched, moving, may_rest = self.touched, self.moving, self.around.may_rest
        graph = self.around.run.machine.graph
        for node in self.around.gates:
            operands = graph.operands[node]
            reached = moved = 0
            for k in operands:
                reached |= touched[k]
                moved |= moving[k]
            if not reached:
                continue
            touched[node] = reached
            if node in may_rest:
                moved = self._moved(node, moved)
            moving[node] = moved

    def _moved(self, node: int, moved: int) -> int:
        """The inputs that move a gate, of those that move its operands.

        A gate of branches stands still where the branch it is on does not read what moves: a loser
        of max, relu below zero, a plateau. That is seen from values: the way to its edge changes
        nothing. So do x - x and a product with an exact zero. Every other gate is taken to
        move, however little: that a saturated value does not change in float64 proves nothing.
        """
        around, moving = self.around, self.moving
        graph, values = around.run.machine.graph, around.run.values
        gate, operands = graph.gates[node], graph.operands[node]
        if gate.name in CHOICES:
            self._add_branch(node, moving[operands[0]])
            return moving[operands[0]] | moving[operands[1 if values[operands[0]] else 2]]
        if gate.kink or gate.jump:
            self._add_branch(node, moved)
            movers = [k for k in operands if moving[k] and not around.stands_still(node, k)]
            return reduce(or_, [moving[k] for k in movers], 0)
        if gate.name == "sub":  # of a number from itself
            return 0
        for k in operands:
            if values[k] == 0 and around.bounds[k] == 0:
                moved &= moving[k]
        return moved

    def _add_branch(self, node: int, turning: int) -> None:
        if turning:
            self.branches.append((self.around.branch(node), turning))
