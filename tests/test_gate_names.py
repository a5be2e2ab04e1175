"""The names of mistakes in gates of which only numbers are known, one call at a time."""

import numpy as np
import pytest

from gradcli.checker.gate_names import mistake_of
from gradcli.checker.gate_states import Turn
from gradcli.foreign.gradients import Misfit


class Played:
    """A gate as two functions: `pull` takes the inputs and the upstream gradient."""

    def __init__(self, forward, pull):
        self.forward = forward
        self.pull = pull

    def value(self, inputs):
        return np.asarray(self.forward(*inputs), dtype=float)

    def turn(self, inputs, upstream):
        gradients = self.pull(*inputs, upstream)
        if isinstance(gradients, Misfit):
            return gradients
        whole = [None if g is None else np.asarray(g, dtype=float) for g in gradients]
        return Turn(self.value(inputs), whole, {}, {"value": whole})


def numbers(*shape):
    return np.random.default_rng(3).uniform(0.5, 2.0, shape)


X, Y = numbers(4), numbers(4)[::-1].copy()
LAST_TURNED = np.array([[1.0], [-1.0]])  # of two outputs that an element contributes to
TWICE = np.array([[1.0], [2.0]])

GATES = [
    ("right", lambda x: 2 * x, lambda x, g: [2 * g], [X], None),
    ("sign", lambda x: x**2, lambda x, g: [-2 * x * g], [X], "sign"),
    ("switched", lambda x, y: x * y, lambda x, y, g: [x * g, y * g], [X, Y], "not-switched"),
    ("no upstream", lambda x: x**2, lambda x, g: [2 * x], [X], "missing-upstream"),
    ("nothing", lambda x: x**2, lambda x, g: [0 * g], [X], "missing-path"),
    ("nan", lambda x: x**2, lambda x, g: [g * np.nan], [X], "not-finite"),
    ("a sign in one row", lambda x: np.stack([x, x**2]),
     lambda x, g: [np.sum(LAST_TURNED * g * np.stack([0 * x + 1, 2 * x]), axis=0)], [X], "sign"),
    ("a row twice", lambda x: np.stack([x, x**2]),
     lambda x, g: [np.sum(TWICE * g * np.stack([0 * x + 1, 2 * x]), axis=0)], [X],
     "double-counted"),
    ("beside nothing", lambda x, y: np.sum(x) + y**2, lambda x, y, g: [0 * x, -2 * y * g],
     [np.zeros(0), 3.0], "sign"),
    ("one that is not given", lambda x, y: x * y, lambda x, y, g: [None, -x * g], [X, Y], "sign"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "forward", "pull", "inputs", "mistake"), GATES)
def test_a_mistake_has_its_name(name, forward, pull, inputs, mistake):
    upstream = numbers(*np.shape(forward(*inputs))) + 0.25
    assert mistake_of(Played(forward, pull), [inputs], upstream) == mistake


def mixed(x, g):
    """A gradient that is wrong in no way that has a name."""
    return [g * (2 * x + np.arange(x.size).reshape(x.shape) ** 2)]


@pytest.mark.parametrize("count", [4, 50, 100, 500])  # of 500 the slopes are not even sought
def test_what_has_no_name_or_would_take_too_long_has_none(count):
    x = numbers(count)
    assert mistake_of(Played(lambda x: x**2, mixed), [[x]], numbers(count)) is None


def test_a_gate_that_gives_no_gradient_has_no_such_name():
    misfit = Played(lambda x: x**2, lambda x, g: Misfit("wrong-shape", "of another shape"))
    assert mistake_of(misfit, [[X]], X) is None

    def for_ordinary_gradients_only(x, g):  # it refuses what is 0 but at one place
        return mixed(x, g) if np.all(g) else Misfit("wrong-shape", "of another shape")

    assert mistake_of(Played(lambda x: x**2, for_ordinary_gradients_only), [[X]], Y) is None

    def shorter(x, g):
        return mixed(x, g) if np.all(g) else [g[:2]]

    assert mistake_of(Played(lambda x: x**2, shorter), [[X]], Y) is None


def test_a_name_fits_at_all_points():
    half = Played(lambda x: x**2, lambda x, g: [np.where(x > 0, 2, -2) * x * g])
    assert mistake_of(half, [[X]], Y) is None
    assert mistake_of(half, [[X], [-X]], Y) == "sign"
    odd = Played(lambda x: x**2, lambda x, g: [np.where(x > 0, 0, -2) * x * g])
    assert mistake_of(odd, [[X], [-X]], Y) is None
