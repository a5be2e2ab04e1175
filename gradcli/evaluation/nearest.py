"""The point of a polytope that is nearest to another, of which corners are found one by one.

A few corners span a simplex in whose inside the nearest point is; each new corner is beyond it, and
those that it makes needless go (Wolfe, Finding the nearest point in a polytope, 1976).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

NEARER = 1e-12  # relative: a corner that leads no farther than that is none


class Nearest:
    """The nearest point to `target` among the means of the corners so far."""

    def __init__(self, target: Sequence[float]) -> None:
        self.target = np.array(target, dtype=float)
        self.corners = np.empty((0, len(target)))  # from the target
        self.weights = np.empty(0)

    @property
    def way(self) -> list[float]:
        """The way from the nearest point to the target."""
        return [*map(float, -self.weights @ self.corners)]

    def takes(self, corner: Sequence[float]) -> bool:
        """Take a corner in; False where no mean with it is any nearer."""
        offset = np.array(corner, dtype=float) - self.target
        here = self.weights @ self.corners
        size = here @ here
        if len(self.weights) and not offset @ here < size - NEARER * (size + offset @ offset):
            return False
        self.corners = np.vstack([self.corners, offset])
        self.weights = np.append(self.weights, 0.0 if len(self.weights) else 1.0)
        while True:
            best = self._flat()
            if (best > 0).all():
                self.weights = best
                return True
            falling = (best <= 0) & (self.weights > best)
            part = min(self.weights[falling] / (self.weights - best)[falling])
            self.weights = self.weights + part * (best - self.weights)
            stays = self.weights > NEARER
            self.corners, self.weights = self.corners[stays], self.weights[stays]

    def _flat(self) -> Any:
        """The weights, of any sign, of the point nearest to the target in the corners' plane."""
        count = len(self.weights)
        products = self.corners @ self.corners.T
        scale = np.trace(products) / count or 1.0
        system = np.ones((count + 1, count + 1))
        system[:count, :count] = products / scale
        system[count, count] = 0.0
        return np.linalg.lstsq(system, np.append(np.zeros(count), 1.0), rcond=None)[0][:count]
