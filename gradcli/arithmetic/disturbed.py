"""Arrays whose every rounding is made larger on purpose.

How far a result moves when every gate errs by a random amount, about a thousand times that of a
rounding, tells how much of it rounding may have spoilt: stochastic arithmetic (Vignes, A
stochastic arithmetic for reliable scientific computation, Math. Comput. Simulation 35, 1993). An
estimate, not a bound; it can only take an accusation back.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.arithmetic import Forward, Pullback
from gradcli.arithmetic.arrays import PRIMITIVES, SPELLING, Arrays
from gradcli.gates import Gate

DISTURBANCE = 2.0**-42
UNIT = 2.0**-53
SAFETY = 16.0  # what is observed in a few runs is less than what may happen


class Disturbed(Arrays):
    """The arithmetic of numpy with a random relative error in all that a gate gives."""

    def __init__(self, seed: int) -> None:
        super().__init__("disturbed", PRIMITIVES, SPELLING)
        self._random = np.random.default_rng(seed)

    def forward(self, gate: Gate, count: int) -> Forward:
        """The gate's value, a little off; gates that round nothing stay exact."""
        exact = super().forward(gate, count)
        if not gate.ulps:
            return exact

        return lambda values, operands: self._moved(exact(values, operands))

    def pullback(
        self, gate: Gate, active: tuple[bool, ...], shrunk: tuple[bool, ...] = ()
    ) -> Pullback | None:
        """The gate's contributions to its operands, a little off."""
        exact = super().pullback(gate, active, shrunk)
        if exact is None:
            return None

        def moved(
            upstream: Any, values: Any, gradients: Any, node: int, operands: tuple[int, ...]
        ) -> None:
            parts = dict.fromkeys(operands, self.zero)
            exact(upstream, values, parts, node, operands)
            for operand, part in parts.items():
                if part is not self.zero:
                    gradients[operand] = gradients[operand] + self._moved(part)

        return moved

    def _moved(self, value: Any) -> Any:
        noise = self._random.uniform(-1.0, 1.0, np.shape(value) or None)
        return value * (1.0 + DISTURBANCE * noise)


def rounding(disturbance: Any) -> Any:
    """What a movement under disturbance says of the error of plain float64."""
    return SAFETY * (UNIT / DISTURBANCE) * np.abs(disturbance)
