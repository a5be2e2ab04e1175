"""Shapes of inputs from the code alone.

Every axis gets a size of its own, the code is read, and every misfit says which two axes are one:
`5 columns meet 7 rows`. Ranks are guessed and varied where nothing fits.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from time import monotonic
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from gradcli.errors import GradcliError
from gradcli.python.guesses import COUNTS, SHARES, TARGETS, TEXTS, Guess, Parts, Sizes, Usage
from gradcli.python.inputs import known_value
from gradcli.python.lessons import Lesson
from gradcli.python.missing import MissingInputs
from gradcli.python.source import PythonFault
from gradcli.python.values import Array, Given

SIZES = (3, 5, 7, 4, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53)
MOST_READINGS = 60  # of the code, in search of shapes that fit
LONGEST = 8.0  # seconds of these readings
MOST_MERGES = 24  # of axes, for one choice of ranks
LARGEST = 5_000  # size of an axis, where the code itself has one that large
LAYERS = 4  # sizes of the layers of a network
CLASSES = 3  # labels are below it, and no axis of scores is shorter
# Ranks four say images and filters; sizes that fit one another in the two usual orders.
IMAGES: list[dict[str, tuple[int, ...]]] = [
    {"image": (2, 3, 5, 4), "filter": (4, 3, 3, 3), "bias": (4,)},
    {"image": (2, 5, 4, 3), "filter": (3, 3, 3, 4), "bias": (1, 1, 1, 4)},
    {"image": (2, 3, 6, 4), "filter": (4, 3, 2, 2), "bias": (4, 1)},
]
SQUARE_IMAGES: list[dict[str, tuple[int, ...]]] = [
    {"image": (2, 3, 4, 4), "filter": (4, 3, 3, 3), "bias": (4,)},
    {"image": (2, 4, 4, 3), "filter": (3, 3, 3, 4), "bias": (1, 1, 1, 4)},
    {"image": (2, 3, 4, 4), "filter": (4, 3, 2, 2), "bias": (4, 1)},
]
IMAGE = re.compile(r"^(x|X|inputs?|A_prev|img\w*|images?|a|data|A)$")
FILTER = re.compile(r"^(w|W|filters?|kernels?|weights?|f|K)$")


class Call(NamedTuple):
    """A value that a function of the file makes: `initialize_parameters(n_x, n_h)`."""

    function: str
    guesses: dict[str, Guess]


class Choice(NamedTuple):
    """One way to fill the parameters: their guesses, and the sizes of the axes so far."""

    guesses: dict[str, Guess]
    shapes: dict[str, tuple[int, ...]]


class Flawed(PythonFault):
    """A reading that ended, with a gradient in the wrong shape or a value that is no number."""

    def __init__(
        self, message: str, outcome: Any, ones: Mapping[str, tuple[int, ...]], is_final: bool
    ) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.is_final = is_final  # other shapes of the inputs would only hide it
        self.ones = ones  # parameters, and the axes that are 1 in their gradients


class Inference:
    """Searches values for parameters so that a reading succeeds."""

    def __init__(
        self, usage: Usage, seed: int, style: str, make: Callable[[str, dict[str, Any]], Any],
        learn: Callable[[GradcliError, dict[str, Any]], Lesson | None],
    ) -> None:  # fmt: skip
        self.usage = usage
        self.seed = seed
        self.style = style  # how arrays of targets are drawn
        self.make = make  # calls a function of the file
        self.learn = learn  # says what a fault teaches of the values
        self.readings = 0
        self.is_positive = False
        self.has_targets = False  # whether a value could be drawn in another style
        self.has_shares = False  # whether something is called a probability
        self.draws_shares = False  # between 0 and 1
        self.has_images = False
        self.is_square = False  # whether images are drawn so
        self.labels = False  # whether targets were taken for labels
        self.faults: list[GradcliError] = []  # that ended the readings with each choice of ranks
        self.flawed: tuple[Any, dict[str, Any]] | None = None
        self.learned: dict[str, Guess] = {}  # of parameters, by their ways, from faults
        self.seen: list[dict[str, Guess]] = []  # guesses that were tried

    def search(
        self, missing: list[str], attempt: Callable[[dict[str, Any]], Any]
    ) -> tuple[Any, dict[str, Any]] | None:
        """What `attempt` gives for the first values that fit, and these; None for none."""
        self.deadline = monotonic() + LONGEST
        for self.is_positive in (False, True):
            self.readings = 0
            self.seen = []
            for first in self._combinations(missing):
                guesses = _with_learned(first, self.learned)
                if guesses in self.seen:
                    continue
                self.seen.append(guesses)
                for shapes in self._starts(guesses):
                    found = self._merged(Choice(guesses, shapes), attempt)
                    if found is None and self.style:
                        found = self._with_targets(Choice(guesses, shapes), attempt)
                    if found is not None:
                        return found
                    if self.readings >= MOST_READINGS:
                        break
                if self.readings >= MOST_READINGS:
                    break
            if self.flawed is None:
                return None
        return self.flawed

    def _combinations(self, missing: list[str]) -> Iterator[dict[str, Guess]]:
        options = [self.usage.guesses(name) for name in missing]
        order = sorted(
            itertools.islice(itertools.product(*[range(len(o)) for o in options]), 4000),
            key=lambda places: (sum(places), max(places, default=0)),
        )
        for places in order:
            yield {name: o[k] for name, o, k in zip(missing, options, places, strict=True)}

    def _starts(self, guesses: dict[str, Guess]) -> Iterator[dict[str, tuple[int, ...]]]:
        """The sizes to begin with: one of its own for every axis; for images, those that fit."""
        ranks = dict(_ranks(guesses))
        images = [name for name, rank in ranks.items() if rank == 4]
        self.has_images = self.has_images or bool(images)
        has_filter = any(FILTER.match(name.rpartition("/")[2]) for name in images)
        presets = SQUARE_IMAGES if self.is_square else IMAGES
        for preset in presets if images else [{}]:
            fixed = {size for shape in preset.values() for size in shape}
            sizes = iter([size for size in SIZES if size not in fixed])
            shapes: dict[str, tuple[int, ...]] = {}
            for name, rank in ranks.items():
                short = name.rpartition("/")[2]
                if rank == 4:
                    shapes[name] = preset["filter" if FILTER.match(short) else "image"]
                elif has_filter and short.startswith("b"):
                    shapes[name] = preset["bias"]
                else:
                    ones = self.usage.ones.get(short, ())
                    own = itertools.islice(sizes, rank)
                    shapes[name] = tuple(1 if k in ones else n for k, n in enumerate(own))
            if all(len(shapes[name]) == rank for name, rank in ranks.items() if rank != 4 and not (
                has_filter and name.rpartition("/")[2].startswith("b")
            )):  # fmt: skip
                yield shapes

    def _with_targets(
        self, choice: Choice, attempt: Callable[[dict[str, Any]], Any]
    ) -> tuple[Any, dict[str, Any]] | None:
        """The outcome with targets in every shape that other axes have: one-hot rows for labels."""
        targets = [n for n, s in choice.shapes.items() if TARGETS.match(n) and len(s) == 2]
        sizes = {n for name, s in choice.shapes.items() if name not in targets for n in s}
        if len(targets) != 1:
            return None
        for shape in itertools.product(sorted(sizes), repeat=2):
            if shape[0] != shape[1] and self.readings < MOST_READINGS:
                shapes = {**choice.shapes, targets[0]: shape}
                found = self._merged(choice._replace(shapes=shapes), attempt)
                if found is not None:
                    return found
        return None

    def _merged(
        self, choice: Choice, attempt: Callable[[dict[str, Any]], Any]
    ) -> tuple[Any, dict[str, Any]] | None:
        """The outcome once axes that misfits name have become one."""
        for _ in range(MOST_MERGES):
            self.readings += 1
            if monotonic() > self.deadline:
                self.readings = MOST_READINGS
                return None
            values = self.values(choice)
            changed: dict[str, tuple[int, ...]] | None
            try:
                return attempt(values), values
            except MissingInputs:
                raise
            except Flawed as flaw:
                self.flawed = self.flawed or (flaw.outcome, values)
                if flaw.is_final:
                    return flaw.outcome, values
                changed = _with_ones(choice.shapes, flaw.ones)
            except GradcliError as error:
                pair = _pair_of(f"{error.message} {error.hint or ''}")
                changed = None if pair is None else _joined(choice.shapes, *pair)
                if changed is None:
                    self.faults.append(error)
                    if (other := self._taught(error, choice, values)) is not None:
                        choice = other
                        continue
            if changed is None or self.readings >= MOST_READINGS:
                return None
            choice = choice._replace(shapes=changed)
        return None

    def _taught(self, error: GradcliError, choice: Choice, values: dict[str, Any]) -> Choice | None:
        """The choice with what a fault says of a parameter; None where it says nothing new."""
        found = self.learn(error, values)
        if found is None or self.learned.get(found.name) == found.guess:
            return None
        self.learned[found.name] = found.guess
        guesses = _with_learned(choice.guesses, self.learned)
        if guesses in self.seen:
            return None
        self.seen.append(guesses)
        shapes = next(self._starts(guesses), None)
        return None if shapes is None else Choice(guesses, shapes)

    def fault(self, otherwise: GradcliError) -> GradcliError:
        """The error to show: what stopped the likeliest reading, if that is no misfit of shapes."""
        first = self.faults[0] if self.faults else otherwise
        if first.kind in ("shape", "binding") or _pair_of(first.message) is not None:
            return otherwise
        return first

    # ---------------------------------------------------------------- values

    def values(self, choice: Choice) -> dict[str, Any]:
        """Values for the parameters of a choice."""
        return {
            name: self._value(name, guess, choice.shapes) for name, guess in choice.guesses.items()
        }

    def _value(self, name: str, guess: Guess, shapes: dict[str, tuple[int, ...]]) -> Any:
        short = name.rpartition("/")[2]
        random = np.random.RandomState((crc32(name.encode()) + self.seed) % 2**32)
        if isinstance(guess, dict):
            return {k: self._value(f"{name}/{k}", part, shapes) for k, part in guess.items()}
        if isinstance(guess, Parts):
            return [self._value(f"{name}/{k}", g, shapes) for k, g in guess.parts.items()]
        if isinstance(guess, Sizes):
            return list(shapes[name])
        if isinstance(guess, tuple) and not isinstance(guess, Call):
            return guess[1]
        if guess == "index":
            return 1
        if guess in ("labels", "labels2"):
            self.labels = True
            return Given(random.randint(0, CLASSES, shapes[name]).tolist())
        if isinstance(guess, Call):
            arguments = {k: self._value(f"{name}/{k}", g, shapes) for k, g in guess.guesses.items()}
            return self.make(guess.function, arguments)
        if guess == "count":
            return COUNTS.get(short) or shapes[name][0]
        if guess == "sizes":
            return list(shapes[name])
        if guess == "text":
            return self.usage.texts.get(short, TEXTS.get(short, [""])[0])
        if guess == "number":
            return float(random.uniform(0.2, 0.9))
        shape = shapes[name]
        if TARGETS.match(short) and len(shape) > 1:
            self.has_targets = True
            if self.style:
                return Array(_one_hot(random, shape, self.style))
        if SHARES.match(short):
            self.has_shares = True
        if self.is_positive or (self.draws_shares and SHARES.match(short)):
            return Array(random.uniform(0.2, 0.9, shape))
        return known_value(random.standard_normal(shape))


def _with_learned(guesses: dict[str, Guess], learned: dict[str, Guess]) -> dict[str, Guess]:
    """Guesses with those in the place of others that faults have taught."""
    changed = dict(guesses)
    for way, guess in learned.items():
        name, _, key = way.partition("/")
        inner = changed.get(name)
        if not key and name in changed:
            changed[name] = guess
        elif isinstance(inner, dict) and key in inner:
            changed[name] = {**inner, key: guess}
    return changed


def _ranks(guesses: dict[str, Guess], path: str = "") -> Iterator[tuple[str, int]]:
    for name, guess in guesses.items():
        if isinstance(guess, dict):
            yield from _ranks(guess, f"{path}{name}/")
        elif isinstance(guess, Parts):
            yield from _ranks(guess.parts, f"{path}{name}/")
        elif isinstance(guess, Call):
            yield from _ranks(guess.guesses, f"{path}{name}/")
        elif isinstance(guess, Sizes):
            yield f"{path}{name}", guess.length
        elif isinstance(guess, int):
            yield f"{path}{name}", guess
        elif guess == "labels2":
            yield f"{path}{name}", 2
        elif guess == "labels" or (guess == "count" and name not in COUNTS):
            yield f"{path}{name}", 1
        elif guess == "sizes":
            yield f"{path}{name}", LAYERS


def _one_hot(random: Any, shape: tuple[int, ...], style: str) -> Any:
    """Rows, or columns, with a single 1."""
    axis = len(shape) - 1 if style == "rows" else 0
    if shape[axis] == 1:
        return random.randint(0, 2, shape).astype(float)
    places = random.randint(0, shape[axis], [n for k, n in enumerate(shape) if k != axis])
    grid = np.expand_dims(places, axis)
    return (np.indices(shape)[axis] == grid).astype(float)


# ---------------------------------------------------------------- misfits

PAIRS = (
    re.compile(r"(\d+) columns meet (\d+) rows"),
    re.compile(r"size (\d+) is different from (\d+)"),
    re.compile(r"(\d+) \(dim \d+\) != (\d+) \(dim \d+\)"),
)
SHAPES = re.compile(r"\(((?:\d+,? ?)*)\)")


def _pair_of(message: str) -> tuple[int, int] | None:
    """The two sizes that an error says are one."""
    for form in PAIRS:
        if match := form.search(message):
            return int(match[1]), int(match[2])
    shapes = [
        [int(n) for n in text.split(",") if n.strip()] for text in SHAPES.findall(message)
    ][:2]  # fmt: skip
    if len(shapes) == 2:
        for x, y in zip(shapes[0][::-1], shapes[1][::-1], strict=False):
            if x != y and 1 not in (x, y):
                return x, y
    match = re.search(r"index (\d+) is out of bounds for axis \d+ with size (\d+)", message)
    return (int(match[1]) + 1, int(match[2])) if match and match[1] != match[2] else None


def _with_ones(
    shapes: dict[str, tuple[int, ...]], ones: Mapping[str, tuple[int, ...]]
) -> dict[str, tuple[int, ...]] | None:
    """The shapes with the axes of size 1 that a gradient has; None where that changes nothing.

    Under no name stand sizes that are 1 everywhere: the code takes one example at a time.
    """
    single = ones.get("", ())
    changed = {name: tuple(1 if n in single else n for n in s) for name, s in shapes.items()}
    for name in shapes:
        short = name.rpartition("/")[2]
        if short and short in ones:
            changed[name] = ones[short]
    return changed if changed != shapes else None


def _joined_sums(
    shapes: dict[str, tuple[int, ...]], own: set[int], x: int, y: int
) -> dict[str, tuple[int, ...]] | None:
    """The shapes with sizes made one whose sums must be one: n + m columns meet k + l rows."""
    order = sorted(own)
    pairs = [
        [(a, total - a) for a in order if total - a in own and total - a != a] for total in (x, y)
    ]
    places = [size for shape in shapes.values() for size in shape]
    for a, b in pairs[0]:
        for c, d in pairs[1]:
            if len({a, b, c, d}) == 4 and places.index(a) < places.index(b) and (
                places.index(c) < places.index(d)
            ):  # fmt: skip
                once = _joined(shapes, a, c)
                return None if once is None else _joined(once, b, d)
    return None


def _joined(
    shapes: dict[str, tuple[int, ...]], x: int, y: int
) -> dict[str, tuple[int, ...]] | None:
    """The shapes with two sizes made one; None where neither is a size that was chosen."""
    own = {size for shape in shapes.values() for size in shape}
    if x in own and y in own:
        new, old = min(x, y), max(x, y)
    elif x in own:
        new, old = y, x
    elif y in own:
        new, old = x, y
    else:
        return _joined_sums(shapes, own, x, y)
    if new > LARGEST or new < 2:  # an axis of one element hides much
        return None
    return {name: tuple(new if n == old else n for n in s) for name, s in shapes.items()}
