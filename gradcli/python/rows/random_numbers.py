"""Random numbers of a file: drawn with its seed, and data from then on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gradcli.python.rows.data import known, sized
from gradcli.python.rows.shapes import as_data
from gradcli.python.state.reader import Reader
from gradcli.python.state.values import Library

# Names of generators, old and new, and the method of the old one that draws for them.
BY_SHAPE = {"randn": "standard_normal", "rand": "random_sample"}
BY_SIZE = {
    "random": "random_sample", "random_sample": "random_sample", "ranf": "random_sample",
    "sample": "random_sample", "standard_normal": "standard_normal", "normal": "normal",
    "uniform": "uniform", "binomial": "binomial", "randint": "randint", "integers": "randint",
    "choice": "choice", "poisson": "poisson", "exponential": "exponential", "gamma": "gamma",
    "beta": "beta", "laplace": "laplace", "multivariate_normal": "multivariate_normal",
    "dirichlet": "dirichlet",
}  # fmt: skip

SIZE_AT = {  # which argument is the size, where it is not the third
    "standard_normal": 0, "random_sample": 0, "choice": 1, "poisson": 1, "exponential": 1,
    "dirichlet": 1,
}  # fmt: skip

DRAWN_AS = 20  # elements that numpy computes

_OLD = np.random.RandomState
DRAW: dict[str, Callable[..., Any]] = {
    "standard_normal": _OLD.standard_normal,
    "random_sample": _OLD.random_sample,
    "normal": _OLD.normal,
    "uniform": _OLD.uniform,
    "binomial": _OLD.binomial,
    "randint": _OLD.randint,
    "choice": _OLD.choice,
    "poisson": _OLD.poisson,
    "exponential": _OLD.exponential,
    "gamma": _OLD.gamma,
    "beta": _OLD.beta,
    "laplace": _OLD.laplace,
    "multivariate_normal": _OLD.multivariate_normal,
    "dirichlet": _OLD.dirichlet,
}


def _drawn(reader: Reader, numbers: Any) -> Any:
    """Random numbers as known data; to draw one takes as long as many others."""
    reader.tape.known += DRAWN_AS * np.size(numbers)
    return known(reader, numbers)


def by_shape(method: str) -> Callable[..., Any]:
    """`np.random.randn(3, 4)`: the sizes are the arguments."""

    def row(reader: Reader, *sizes: Any) -> Any:
        shape = sized(reader, tuple(sizes)) if sizes else None
        return _drawn(reader, DRAW[method](reader.random, shape))

    return row


def by_size(method: str) -> Callable[..., Any]:
    """`np.random.normal(0, 1, size=(3, 4))`."""

    def row(reader: Reader, *values: Any, **keywords: Any) -> Any:
        keywords.pop("dtype", None)
        if keywords.get("size") is not None:
            keywords["size"] = sized(reader, keywords["size"])
        plain = [as_data(reader, value) for value in values]
        named = {key: as_data(reader, value) for key, value in keywords.items()}
        at = SIZE_AT.get(method, 2)
        for value in plain[at : at + 1]:
            if value is not None:
                sized(reader, value)
        if method == "choice" and isinstance(plain[0], int):
            sized(reader, plain[0])  # all of them are put in an order
        return _drawn(reader, np.asarray(DRAW[method](reader.random, *plain, **named)))

    return row


def seed(reader: Reader, number: Any = 0) -> None:
    """`np.random.seed(n)`."""
    if isinstance(number, int):
        reader.random = np.random.RandomState(number % 2**32)


def generator(reader: Reader, number: Any = 0, *_: Any, **words: Any) -> Any:
    """`np.random.default_rng(n)`, `RandomState(seed=n)`: they draw as `np.random` does."""
    seed(reader, words.get("seed", number))
    return Library("random")


class State(NamedTuple):
    """What `getstate` returns, for `setstate`."""

    state: Any


def get_state(reader: Reader, *_: Any) -> State:
    """`random.getstate()` and `np.random.get_state()`."""
    return State(reader.random.get_state())


def set_state(reader: Reader, state: Any) -> None:
    """`random.setstate(state)`: what follows is drawn again as it was."""
    if isinstance(state, State):
        reader.random = np.random.RandomState()
        reader.random.set_state(state.state)


def permutation(reader: Reader, x: Any) -> Any:
    """`np.random.permutation`."""
    if isinstance(x, int):
        sized(reader, x)
    return known(reader, reader.random.permutation(as_data(reader, x)))


def shuffle(reader: Reader, x: Any) -> None:
    """`np.random.shuffle`, of a list or of known data."""
    if isinstance(x, list):
        order = reader.random.permutation(len(x))
        x[:] = [x[k] for k in order]
        return
    x.write(reader.tape.data(reader.random.permutation(as_data(reader, x))))


ROWS: dict[str, Callable[..., Any]] = {
    **{f"random.{name}": by_shape(method) for name, method in BY_SHAPE.items()},
    **{f"random.{name}": by_size(method) for name, method in BY_SIZE.items()},
    "random.seed": seed, "random.default_rng": generator, "random.RandomState": generator,
    **dict.fromkeys(("random.getstate", "random.get_state"), get_state),
    **dict.fromkeys(("random.setstate", "random.set_state"), set_state),
    "random.permutation": permutation, "random.shuffle": shuffle,
}  # fmt: skip
