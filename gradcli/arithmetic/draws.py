"""Arrays of random numbers from Python's own generator: to load numpy's takes 10 ms."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import numpy as np

from gradcli.gates.shapes import Shape

RESOLUTION = 2.0**-53  # of float64 below 1
BYTES = 8  # of a number, of whose bits all but the last 11 count


def uniform(rng: Random, low: float, high: float, shape: Shape) -> Any:
    """An array of independent numbers between two bounds."""
    bits = np.frombuffer(rng.randbytes(BYTES * math.prod(shape)), dtype="<u8")
    return (low + (high - low) * RESOLUTION * (bits >> 11)).reshape(shape)
