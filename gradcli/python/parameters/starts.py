"""Sizes to begin an inference with: one of its own for each axis, for images those that fit."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from gradcli.python.parameters.blocks import FIRST
from gradcli.python.parameters.guesses import (
    TARGETS,
    Guess,
    Guesser,
    Parts,
    Sizes,
    usual_count,
)
from gradcli.python.parameters.misfits import shapes_in
from gradcli.python.parameters.packed import UNCUT
from gradcli.python.parameters.usage import Usage
from gradcli.python.state.missing import NoNumber
from gradcli.requests import whole_number

# All odd: what is as long as two of them together is none of them. A cell with three gates has some
# twenty axes; what comes last is the product of others, and kept small.
MANY = (9, 15, 21, 25, 27, 33, 35, 39, 45, 49, 51, 55, 57, 61, 63, 65)
SIZES = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, *MANY)
EVEN = (*range(4, 68, 2),)  # for halves, and two heads
EIGHTS = tuple(range(8, 136, 8))  # for eight heads
COLUMN = 2  # axes
TURNS = 4  # of what is gone through: few, as every turn is read
LONG = 5  # of what is sliced: parts of one element would fit anything
LAYERS = 4  # sizes of the layers of a network
CLASSES = 3  # labels are below it, and no axis of scores is shorter
# Ranks four say images and filters; sizes that fit one another in the two usual orders.
IMAGES: list[dict[str, tuple[int, ...]]] = [
    {"image": (2, 3, 5, 4), "filter": (4, 3, 3, 3), "bias": (4,), "channels": (3,)},
    {"image": (2, 5, 4, 3), "filter": (3, 3, 3, 4), "bias": (1, 1, 1, 4), "channels": (3,)},
    {"image": (2, 3, 6, 4), "filter": (4, 3, 2, 2), "bias": (4, 1), "channels": (3,)},
    {"image": (2, 6, 4, 3), "filter": (2, 2, 3, 4), "bias": (4,), "channels": (3,)},
]
# Signals of rank 3, and their filters.
SIGNALS: list[dict[str, tuple[int, ...]]] = [
    {"image": (2, 3, 7), "filter": (4, 3, 3), "bias": (4,)},
    {"image": (2, 7, 3), "filter": (3, 3, 4), "bias": (4,)},
    {"image": (3, 6, 4), "filter": (4, 3, 3), "bias": (4,)},
]
IMAGE = re.compile(r"^(x|X|inputs?|A_prev|img\w*|images?|a|data|A)$")
# Images of rank 3 without a filter, which are pooled: several windows along every axis.
# Code that mixes up height and width is right for squares only.
POOLED: list[dict[str, tuple[int, ...]]] = [{"image": (4, 6, 8)}, {"image": (4, 6, 6)}]
CHANNELS = re.compile(
    r"^(n|num|in|input|inputs|nb)_?(c|ch|chan|channels?|depth|planes)$|^channels(_in)?$|^[cC]_in$"
)
MULTIPLE = re.compile(r"(\d{1,9}) ?\*? ?([A-Za-z]\w*)")  # of another size: `4H`, `4 * H`
MOST_COMBINED = 4_000  # ways to fill all parameters
FILTER = re.compile(r"^(w|W|filters?|kernels?|weights?|f|K)$")


class Call(NamedTuple):
    """A value that a function of the file makes: `initialize_parameters(n_x, n_h)`."""

    function: str
    guesses: dict[str, Guess]


LABELLED = ("labels", "labels2")


class Choice(NamedTuple):
    """One way to fill the parameters: their guesses, and the sizes of the axes so far."""

    guesses: dict[str, Guess]
    shapes: dict[str, tuple[int, ...]]


def combinations(options: Mapping[str, list[Guess]]) -> Iterator[dict[str, Guess]]:
    """One guess for each name, the likeliest together first.

    That one index stands where many might is likelier than axes that nothing tells of.
    """

    def oddness(places: tuple[int, ...]) -> tuple[float, int]:
        singles = sum(o[k] == "index" for o, k in zip(options.values(), places, strict=True))
        return sum(places) - singles / 2, max(places, default=0)

    every = itertools.product(*[range(len(guesses)) for guesses in options.values()])
    for places in sorted(itertools.islice(every, MOST_COMBINED), key=oddness):
        yield {n: guesses[k] for (n, guesses), k in zip(options.items(), places, strict=True)}


def starts(
    guesser: Guesser, guesses: dict[str, Guess], free: tuple[int, ...] = SIZES
) -> Iterator[dict[str, tuple[int, ...]]]:
    """The sizes to begin with: one of its own for every axis; for images, those that fit."""
    ranks = dict(_ranks(guesses))
    shorts = {name: name.rpartition("/")[2] for name in ranks}
    layers = {*_layers(guesses)}
    arrays = {name: rank for name, rank in ranks.items() if name not in layers}
    deep = 4 if 4 in arrays.values() else 3
    images = [
        name for name, rank in arrays.items()
        if rank == deep and (guesser.is_of_images or (deep == 4 and not _is_row(guesser, name)))
    ]  # fmt: skip
    has_filter = any(FILTER.match(shorts[name]) for name in images)
    presets = IMAGES if deep != 3 else SIGNALS if has_filter else [*POOLED, *SIGNALS]
    for preset in presets if images else [{}]:
        fixed = {size for shape in preset.values() for size in shape} | _said(guesser.usage)
        if not guesser.usage.lists and {"labels", "labels2"} & {*map(str, guesses.values())}:
            fixed.add(CLASSES)  # an axis as long as that has to be the one of classes
        sizes = iter([size for size in free if size not in fixed])
        turns = iter([TURNS])
        letters: dict[str, int] = {}
        shapes: dict[str, tuple[int, ...]] = {}
        for name, rank in ranks.items():
            if name in images:
                sample = preset["filter" if FILTER.match(shorts[name]) else "image"]
                shapes[name] = _as_documented(guesser.usage, shorts[name], sample, letters)
            elif CHANNELS.match(shorts[name]) and rank == 1 and "channels" in preset:
                shapes[name] = preset["channels"]
            elif has_filter and shorts[name].startswith("b"):
                shapes[name] = preset["bias"]
            else:
                own: Iterator[int] = sizes
                if shorts[name] in guesser.usage.lists:
                    own = itertools.chain(turns, sizes)
                elif guesses.get(name) == "labels" and guesser.usage.lists:  # one for every turn
                    own = itertools.repeat(TURNS)
                if guesses.get(name) == "count" and shorts[name] in _letters(guesser.usage):
                    letters[shorts[name]] = letters.get(shorts[name]) or next(own, 1)
                    shapes[name] = (letters[shorts[name]],)
                    continue
                shapes[name] = _sizes(guesser.usage, shorts[name], rank, letters, own)
        if not images:
            _join_first(guesser.usage, shapes)
        biases = [
            n for n in ranks if has_filter and n not in images and shorts[n].startswith("b")
        ]  # fmt: skip
        if all(len(shapes[name]) == ranks[name] for name in ranks if name not in biases):
            yield shapes


def _join_first(usage: Usage, shapes: dict[str, tuple[int, ...]]) -> None:
    """Give arrays the same first axis where one loop counts through it."""
    for names in usage.together:
        own = [name for name in shapes if name in names and shapes[name]]
        for name in own[1:]:
            shapes[name] = (shapes[own[0]][0], *shapes[name][1:])


def with_learned(guesses: dict[str, Guess], learned: dict[str, Guess]) -> dict[str, Guess]:
    """Guesses with those in the place of others that faults have taught."""
    changed = dict(guesses)
    for way, guess in learned.items():
        name, _, key = way.partition("/")
        inner = changed.get(name)
        if not key and name in changed:
            changed[name] = guess
        elif isinstance(inner, dict):
            changed[name] = {**inner, key: guess}
    return changed


def with_array(message: str, choice: Choice, indices: Collection[str]) -> Choice | None:
    """The choice with targets as an array, where labels meet one element by element."""
    shapes = shapes_in(message)[:2]
    for name, guess in choice.guesses.items():
        if guess != "labels" or name in indices:
            continue
        if choice.shapes[name] in shapes and len(shapes) > 1:
            other = shapes[1 - shapes.index(choice.shapes[name])]
            if len(other) > 1 and "columns meet" not in message:
                return Choice({**choice.guesses, name: len(other)}, {**choice.shapes, name: other})
    return None


def with_examples(choice: Choice, first: str | None) -> Choice | None:
    """The choice with as many labels as the first array has rows; None where they have to be so."""
    rows = choice.shapes.get(first or "", ())
    others = {n for name, shape in choice.shapes.items()
              if choice.guesses.get(name) != "labels" for n in shape}  # fmt: skip
    alone = [
        name for name, guess in choice.guesses.items()
        if guess == "labels" and TARGETS.match(name) and others.isdisjoint(choice.shapes[name])
    ]  # fmt: skip
    if len(rows) < 2 or not alone:
        return None
    return choice._replace(shapes={**choice.shapes, **dict.fromkeys(alone, rows[:1])})


def as_numbers(error: NoNumber, choice: Choice, guesser: Guesser) -> dict[str, Guess]:
    """The arrays of a choice that are numbers where a number is to come of them.

    Where no array may be a number, labels may be one index each.
    """
    arrays = [
        name for name in error.followed
        if isinstance(choice.guesses.get(name), int) and "number" in guesser.guesses(name)
    ]  # fmt: skip
    labels = [
        name for name, guess in choice.guesses.items()
        if guess in LABELLED and "index" in guesser.guesses(name)
    ]  # fmt: skip
    numbers: dict[str, Guess] = dict.fromkeys(arrays, "number") or dict.fromkeys(labels, "index")
    if arrays or error.parted:  # and what is gone through is one number after the other
        together = guesser.usage.together
        through = set().union(*together) if error.parted is None else {*error.parted}
        numbers |= {
            name: guess - 1 for name in through - numbers.keys()
            if isinstance(guess := choice.guesses.get(name), int) and guess > 1
        }  # fmt: skip
    return numbers


def _is_row(guesser: Guesser, name: str) -> bool:
    """Whether an array is cut along its axes, and nothing says that these are those of images."""
    usage, short = guesser.usage, name.rpartition("/")[2]
    return short in usage.sliced and max(usage.ranks.get(short, 0), usage.least.get(short, 0)) < 3


def _said(usage: Usage) -> set[int]:
    """The sizes that the code or its docstrings say; an axis of unknown size is none of them.

    Nor is one as long as a factor: `/ 3` would be the mean of three.
    """
    letters = {part for parts in usage.letters.values() for part in parts}
    numbers = {number for part in letters if (number := whole_number(part)) is not None}
    return {*usage.lengths.values(), *usage.factors, *numbers}


def _letters(usage: Usage) -> set[str]:
    """What the sizes in docstrings are called: K, where an array has 3K columns."""
    parts = {part for own in usage.letters.values() for part in own}
    return parts | {match[2] for part in parts if (match := MULTIPLE.fullmatch(part))}


def _as_documented(
    usage: Usage, name: str, sample: tuple[int, ...], letters: dict[str, int]
) -> tuple[int, ...]:
    """The sizes of an image, which are those of the letters in its docstring from then on."""
    parts = usage.letters.get(name, [])
    if len(parts) != len(sample):
        return sample
    return tuple(
        whole_number(part) or letters.setdefault(part, size)
        for part, size in zip(parts, sample, strict=True)
    )


def _sizes(
    usage: Usage, name: str, rank: int, letters: dict[str, int], sizes: Iterator[int]
) -> tuple[int, ...]:
    """The sizes of a parameter: those that its docstring calls alike are alike.

    They are too few where there are no more sizes to be had.
    """
    if rank == 1 and name in usage.lengths:
        return (usage.lengths[name],)
    if rank == 1 and name in usage.packed:
        return (UNCUT,)
    parts = usage.letters.get(name, [])
    if rank == COLUMN and not parts and name in usage.whole_shares:
        return (*itertools.islice(sizes, 1), 1)
    if len(parts) != rank and name in usage.blocks:
        axis, count, is_square = usage.blocks[name]
        letters["block"] = letters.get("block") or next(sizes)
        block = [letters["block"]]
        others = block if is_square and rank == 2 else [*itertools.islice(sizes, rank - 1)]
        cut = [count * letters["block"]]
        return (*cut, *others) if axis == FIRST else (*others, *cut)
    if len(parts) != rank:
        own = (n for n in sizes if n >= LONG or n == TURNS) if name in usage.sliced else sizes
        return tuple(itertools.islice(own, rank))
    shape = []
    for part in parts:
        multiple = MULTIPLE.fullmatch(part)
        if multiple and multiple[2] not in letters:
            letters[multiple[2]] = next(sizes)
        if multiple:
            letters[part] = int(multiple[1]) * letters[multiple[2]]
        number = whole_number(part)
        if not number and part not in letters:
            size = next(sizes, None)
            if size is None:
                return ()
            letters[part] = size
        shape.append(number or letters[part])
    return tuple(shape)


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
        elif guess == "labels" or (guess == "count" and usual_count(name) is None):
            yield f"{path}{name}", 1
        elif guess == "sizes":
            yield f"{path}{name}", LAYERS


def _layers(guesses: dict[str, Guess], path: str = "") -> Iterator[str]:
    """The names of what is a list of the sizes of layers."""
    for name, guess in guesses.items():
        inner = guess.guesses if isinstance(guess, Call) else guess
        if isinstance(inner, dict):
            yield from _layers(inner, f"{path}{name}/")
        elif inner == "sizes":
            yield f"{path}{name}"
