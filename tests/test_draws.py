"""Arrays of random numbers, against numpy's idea of what they should be."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from gradcli.arithmetic.draws import uniform


def test_numbers_lie_between_the_bounds_and_are_spread_evenly():
    numbers = uniform(Random(1), -2.0, 3.0, (200, 500))
    assert numbers.shape == (200, 500)
    assert -2.0 <= numbers.min() < -1.999
    assert 2.999 < numbers.max() < 3.0
    counts, _ = np.histogram(numbers, bins=20, range=(-2.0, 3.0))
    assert abs(counts - 5_000).max() < 5 * 5_000**0.5
    beside = np.corrcoef(numbers.ravel()[1:], numbers.ravel()[:-1])[0, 1]
    assert abs(beside) < 5 / 100_000**0.5


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (4,), (2, 3, 4)])
def test_every_shape_is_drawn_from_one_stream(shape):
    rng = Random(7)
    first, second = uniform(rng, 0.0, 1.0, shape), uniform(rng, 0.0, 1.0, shape)
    assert first.shape == second.shape == shape
    assert np.array_equal(first, uniform(Random(7), 0.0, 1.0, shape))
    assert not first.size or not np.array_equal(first, second)
