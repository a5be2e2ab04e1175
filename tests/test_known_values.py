"""The look-up of known values: what is the same, in another order, a product with a gradient."""

from __future__ import annotations

import numpy as np
import pytest

from gradcli.backward.known import SAME, Entry, _Table


def table_of(random, size, count=40):
    """A table of values at two points; some are others in another order, some nearly so."""
    values = [[random.standard_normal(size), random.standard_normal(size)] for _ in range(count)]
    for k in range(0, count, 4):
        order = random.permutation(size)
        values[k + 1] = [part[order] for part in values[k]]
        values[k + 2] = [values[k][0][order], values[k + 2][1]]  # at the first point only
        values[k + 3] = [part[order] + 1e-3 for part in values[k]]
    entries = {Entry("value", k): parts for k, parts in enumerate(values)}
    return _Table(entries, size), values


def in_another_order(a, b):
    a, b = np.sort(a), np.sort(b)
    return np.max(np.abs(a - b)) <= SAME * np.max(np.abs(a))


@pytest.mark.parametrize("size", [2, 3, 17])
def test_what_has_the_same_elements_in_another_order_is_found(size):
    table, values = table_of(np.random.RandomState(size), size)
    counts = []
    for sought in values:
        due = [k for k, own in enumerate(values) if all(map(in_another_order, own, sought))]
        assert [entry.node for entry in table.permuted(sought)] == due
        counts.append(len(due))
    assert max(counts) > 1


def test_an_empty_table_has_nothing():
    assert _Table({}, 3).permuted([np.ones(3)]) == []


@pytest.mark.parametrize("most", [0, 10**6])
def test_products_with_a_gradient_are_those_of_every_value(monkeypatch, most):
    monkeypatch.setattr("gradcli.backward.known.MOST_KEPT", most)
    random = np.random.RandomState(5)
    table, values = table_of(random, 6)
    for _ in range(2):
        gradient = [random.standard_normal((2, 3)), random.standard_normal((2, 3))]
        due = [[part @ g.ravel() for part, g in zip(own, gradient, strict=True)] for own in values]
        np.testing.assert_allclose(table.projected(gradient), due, rtol=1e-13)
