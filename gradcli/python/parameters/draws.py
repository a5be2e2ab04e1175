"""Values for parameters that nobody gives, by what each is guessed to be."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any
from zlib import crc32

import numpy as np

from gradcli.python.parameters.guesses import (
    COVARIANCES,
    MASKS,
    SHARES,
    TARGETS,
    TEXTS,
    Guess,
    Parts,
    ShapeOf,
    Sizes,
    usual_count,
)
from gradcli.python.parameters.inputs import known_value
from gradcli.python.parameters.starts import CLASSES, Call, Choice
from gradcli.python.parameters.styles import Style
from gradcli.python.parameters.usage import Usage
from gradcli.python.state.missing import MissingInputs
from gradcli.python.state.values import Array, Given

INDICES = (1, 2, 0)
SIGNS = "signs"  # targets of -1 and 1
SQUARE = 2  # axes of a matrix
SMALL = 0.4  # times what is drawn otherwise


class Draws:
    """Draws values, the same ones for the same names and seed."""

    def __init__(
        self, usage: Usage, seed: int, style: Style, make: Callable[[str, dict[str, Any]], Any]
    ) -> None:
        self.usage = usage
        self.seed = seed
        self.style = style
        self.make = make  # calls a function of the file
        self.is_of_pools = False  # by the names of the functions
        self.is_positive = False  # whether all numbers are above 0
        self.has_targets = False  # whether a value could be drawn in another style
        self.has_shared_targets = False  # or in one, where these are shares of 1
        self.has_shares = False  # whether something is called a probability
        self.has_labels = False  # whether targets were taken for labels

    def values(self, choice: Choice) -> dict[str, Any]:
        """Values for the parameters of a choice; of single indices none is as another."""
        singles = [name for name, guess in choice.guesses.items() if guess == "index"]
        return {
            name: INDICES[singles.index(name) % len(INDICES)] if guess == "index"
            else self._value(name, guess, choice.shapes) for name, guess in choice.guesses.items()
        }  # fmt: skip

    def _value(self, name: str, guess: Guess, shapes: dict[str, tuple[int, ...]]) -> Any:
        short = name.rpartition("/")[2]
        random = np.random.RandomState((crc32(name.encode()) + self.seed) % 2**32)
        if isinstance(guess, dict):
            return {k: self._value(f"{name}/{k}", part, shapes) for k, part in guess.items()}
        if isinstance(guess, Parts):
            return [self._value(f"{name}/{k}", g, shapes) for k, g in guess.parts.items()]
        if isinstance(guess, ShapeOf):
            if guess.name not in shapes:
                raise MissingInputs([guess.name], f"`{name}` is the shape of `{guess.name}`", "")
            return shapes[guess.name][guess.first :]
        if isinstance(guess, Sizes):
            return list(shapes[name])
        if isinstance(guess, tuple) and not isinstance(guess, Call):
            return guess[1]
        if guess == "index":
            return 1
        if guess in ("labels", "labels2"):
            self.has_labels = True
            drawn = np.asarray(random.randint(0, CLASSES, shapes[name])).tolist()
            return Given(drawn) if isinstance(drawn, list) else drawn
        if isinstance(guess, Call):
            arguments = {k: self._value(f"{name}/{k}", g, shapes) for k, g in guess.guesses.items()}
            return self.make(guess.function, arguments)
        if guess == "count":
            usual = usual_count(short, self.is_of_pools)
            return shapes[name][0] if usual is None else usual
        if guess == "sizes":
            return list(shapes[name])
        if guess == "text":
            return self.usage.texts.get(short, TEXTS.get(short, [""])[0])
        if guess == "number" and name not in shapes:
            return float(random.uniform(0.2, 0.9))
        shape = shapes[name]
        if MASKS.match(short) or (name == self.style.mask and shape):
            return known_value(random.randint(0, 2, shape).astype(float))
        if TARGETS.match(short) and shape:
            self.has_targets |= len(shape) > 1
            self.has_shared_targets = True
            if self.style.targets == SIGNS:
                return Array(
                    random.permutation(np.arange(prod(shape)) % 2 * 2.0 - 1).reshape(shape)
                )
            if self.style.targets:
                return Array(_one_hot(random, shape, self.style.targets))
        is_share = short in self.usage.probabilities
        self.has_shares |= is_share or bool(SHARES.match(short))
        if name in self.style.symmetric and shape == shape[::-1]:
            square = random.standard_normal(shape)
            return Array(square + square.T)
        if COVARIANCES.match(short) and len(shape) == SQUARE and shape == shape[::-1]:
            square = random.standard_normal(shape)
            return Array(square @ square.T + np.eye(shape[0]))
        if self.is_positive or is_share or (self.style.has_shares and SHARES.match(short)):
            return Array(random.uniform(0.2, 0.9, shape))
        return known_value(random.standard_normal(shape) * (SMALL if self.style.is_small else 1.0))


def _one_hot(random: Any, shape: tuple[int, ...], style: str) -> Any:
    """Rows, or columns, with a single 1."""
    axis = len(shape) - 1 if style == "rows" else 0
    if shape[axis] == 1:  # two classes, and both are there
        return random.permutation(np.arange(prod(shape)) % 2).reshape(shape).astype(float)
    places = random.randint(0, shape[axis], [n for k, n in enumerate(shape) if k != axis])
    grid = np.expand_dims(places, axis)
    return (np.indices(shape)[axis] == grid).astype(float)
