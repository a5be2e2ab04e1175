"""Other points of a program of numbers, looked at with the arrays that the numbers stand for.

Where a run over whole arrays shows, with room to spare, that every line gives what the engine does,
nothing at such a point needs a run over numbers. Where it does not, that says nothing yet.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradcli.arithmetic.agreement import agree
from gradcli.backward.amounts import LOST
from gradcli.evaluation.elsewhere import is_comparable
from gradcli.evaluation.point import Point, at
from gradcli.program.model import Program, nodes_of
from gradcli.requests import Request

TO_SPARE = 0.5  # of what a line may be off: sums over arrays are rounded in another order


class WholePoints:
    """The points of a program of numbers, as those of its arrays."""

    def __init__(self, program: Program, request: Request) -> None:
        self._arrays: Program = program.arrays
        self._request = request
        places = {node: k for k, node in enumerate(program.graph.inputs.values())}
        shape = self._arrays.graph.shape
        self._places = {  # where the elements of each array stand among the numbers
            leaf: np.reshape([places[k] for k in nodes_of(program.inputs[name])], shape(leaf))
            for name, leaf in self._arrays.inputs.items()
        }

    def are_right(self, inputs: Sequence[float]) -> bool:
        """Whether all lines are right at some inputs, beyond what rounding may leave open."""
        numbers = np.array(inputs)
        leaves = self._arrays.graph.inputs.values()
        point = at(self._arrays, [numbers[self._places[leaf]] for leaf in leaves], self._request)
        return is_comparable(point) and self._agree(point)

    def _agree(self, point: Point) -> bool:
        """Whether every gradient that a line gives is the engine's."""
        program, run = self._arrays, point.run
        nodes = {**program.inputs, **program.stages}
        claimed = {name: node for name, node in nodes.items() if name in program.claims}
        amounts = [np.max(np.abs(run.gradients[node])) for node in claimed.values()]
        of_inputs = [np.max(np.abs(run.gradients[leaf])) for _, leaf in point.leaves]
        room = LOST * TO_SPARE * float(min(max(amounts, default=0.0), max(of_inputs, default=0.0)))
        return all(
            agree(run.values[program.claims[name]], run.gradients[node],
                  TO_SPARE * self._request.tolerance, room)
            for name, node in claimed.items() if node != program.output
        )  # fmt: skip
