"""The points at which a gate is checked: inputs that it can be called with, and others near them.

What is given or declared is taken; else what reading the file shows; else common shapes are tried,
until one is found that forward takes, and backward with what it gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from random import Random
from typing import Any, NamedTuple

import numpy as np

from gradcli.arithmetic.arrays import ARRAYS
from gradcli.checker.gate_states import Player, Turn, both
from gradcli.errors import UsageError
from gradcli.evaluation.kinds import kinds_of, moved
from gradcli.foreign.child import ForeignFault
from gradcli.foreign.gate_file import Description
from gradcli.foreign.gradients import is_real
from gradcli.gates.row import gate

OF_NUMBERS, OF_ARRAYS = 6, 4  # points: numbers take either side of a kink, arrays both at once
LOST = ("timeout", "crash", "exit", "SystemExit")  # faults that other inputs do not cure
TRIES = 12  # draws for a point that has a value
SCALES = (1.0, 0.3, 3.0, 10.0)  # of draws for a domain, in turn
ROUNDS = 40  # of draws, until all elements are in a domain
OF_ELEMENTS = (3, 4)  # the shape of arrays for a gate of numbers
SPREADS = (1.5, 0.3)  # of inputs that are drawn, in turn: a margin is kept where all is small
SHRUNK = 0.8  # times an input, so that no even function is the same there
SHORTEST_ROW = 3  # shorter ones have no permutation that is not its own inverse
MOST_TRIED = 40  # combinations of shapes
SHAPES: tuple[tuple[int, ...], ...] = ((3, 4), (), (5,), (4, 5), (4,), (2, 3, 4), (2, 3, 4, 4))
SHAPES_TOGETHER = {  # of several inputs: unlike ones first, as equal sizes hide what is not summed
    1: (((3, 4),), ((),), ((5,),), ((2, 3, 4),), ((2, 4, 6),), ((2, 3, 4, 4),), ((3, 3),)),
    2: (((7,), (3,)), ((3, 4), (4, 5)), ((5, 6), (2, 3)), ((3, 4), (4,)),
        ((2, 3, 6, 6), (4, 3, 3, 3)), ((2, 3, 4), (4, 5)), ((4, 3), (3,)), ((3, 4), (3, 4)),
        ((), ()), ((5,), (5,))),
    3: (((3, 4), (4, 5), (5,)), ((2, 3, 6, 6), (4, 3, 3, 3), (4,)), ((3, 4), (5, 4), (5,)),
        ((3, 4), (5, 4), (5, 2)), ((3, 4), (4,), (4,)), ((3, 4),) * 3, ((), (), ()), ((5,),) * 3),
}  # fmt: skip


class Points(NamedTuple):
    """Where a gate is checked, and how the inputs were found."""

    inputs: list[list[Any]]
    source: str


def upstream_of(value: Any, rng: np.random.Generator) -> Any:
    """A random upstream gradient in the shape of a value, nowhere 1 and nowhere near 0."""
    shape = np.shape(value)
    drawn = rng.choice([-1.0, 1.0], shape) * rng.uniform(1.1, 2.5, shape)
    return drawn if shape else float(drawn)


def points(player: Player, given: Mapping[str, Any], known: Mapping[str, Any], seed: int) -> Points:
    """The points of a gate; `given` are inputs of the user, `known` those that reading shows.

    Raises ForeignFault where it cannot be called with what was given, or with anything.
    """
    one, rng = player.gate, np.random.default_rng(seed)
    names = one.inputs
    if all(name in given for name in names) and names:
        written = [_as_handed(given[name]) for name in names]
        floats = [_as_floats(x) for x in written]
        first = floats if _is_playable(player, floats) else written
        return Points(_more(player, [first], rng, False), "the inputs given")
    if given:
        missing = [name for name in names if name not in given and name not in known]
        if missing:
            raise UsageError(f"`{one.name}` needs a value for {', '.join(missing)}",
                             hint=f"give it: {missing[0]}=...")  # fmt: skip
    elif one.samples:
        firsts = [[_as_handed(x) for x in point] for point in one.samples]
        return Points(_more(player, firsts, rng, False), "the samples it declares")
    said = Said(one)
    is_known = all(name in known or name in given for name in names)
    if is_known and names and not one.is_variadic:
        first = [
            _as_handed(given[name]) if name in given else _varied(_as_handed(known[name]), rng)
            for name in names
        ]
        if not given:
            first = said.brought_inside(first, rng)
        arrays = [] if given else _as_arrays(player, first, rng)
        if arrays:
            return Points(_more(player, [arrays], rng, True), "arrays, as it takes them")
        if given or _is_meant(player, first, rng):
            wide = first if given else _widened(player, first)
            return Points(_more(player, [wide], rng, True), "inputs inferred from its code")
    tried = said.brought_inside(_widened(player, _tried(player, rng)), rng)
    return Points(_more(player, [tried], rng, True), "inputs of shapes that it takes")


def _as_handed(x: Any) -> Any:
    """An input as code is handed it: an array, or a number."""
    if isinstance(x, (list, tuple)):
        return np.array(x)
    if isinstance(x, np.generic) or (isinstance(x, np.ndarray) and not x.shape):
        return x.item()
    return x


def _as_floats(x: Any) -> Any:
    """Whole numbers as they are mostly meant: `x=3` is a number like any other."""
    if isinstance(x, np.ndarray) and x.dtype.kind in "iu":
        return x.astype(float)
    return float(x) if isinstance(x, int) and not isinstance(x, bool) else x


def _varied(x: Any, rng: np.random.Generator) -> Any:
    """An array that reading found; where all its numbers are one, such as ones, others like it.

    A factor of 1 that is left out does not show.
    """
    is_array = isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.size > 1
    if not is_array or not (x == x.flat[0]).all():
        return x
    return rng.uniform(0.5, 1.5, x.shape) * (x if x.flat[0] else 1.0)


def _real(value: Any) -> Any:
    """A value as an array of floats. Raises TypeError, ValueError for what is none."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError("no real number")
    return array.astype(float)


def _is_playable(player: Player, inputs: Sequence[Any]) -> bool:
    """Whether forward takes the inputs, and gives finite numbers.

    Raises ForeignFault for a gate that has not played yet, and ends in a way that nothing cures.
    """
    try:
        return bool(np.isfinite(_real(player.value(inputs))).all())
    except (ForeignFault, ValueError, TypeError) as fault:
        is_lost = isinstance(fault, ForeignFault) and fault.name in LOST
        if is_lost and not player.has_played:
            raise
        return False


def _is_meant(player: Player, inputs: Sequence[Any], rng: np.random.Generator) -> bool:
    """Whether inputs that nobody gave are such as the gate means.

    Backward takes what forward gives, and no axis comes from places that were meant for a list. A
    whole number that has a gradient is none.
    """
    if not _is_playable(player, inputs):
        return False
    value = player.value(inputs)
    if np.ndim(value) > max(map(np.ndim, inputs)):
        return False
    try:
        turn = player.turn(inputs, upstream_of(value, rng))
    except ForeignFault as fault:
        return fault.name in LOST
    returned = turn.backward["value"] if isinstance(turn, Turn) else None
    if not isinstance(returned, (list, tuple)) or len(returned) != len(inputs):
        return True
    return not any(
        isinstance(x, (int, np.integer)) and part is not None
        for x, part in zip(inputs, returned, strict=True)
    ) or not _takes_alike(player, inputs, rng)


def _takes_alike(player: Player, inputs: Sequence[Any], rng: np.random.Generator) -> bool:
    """Whether the gate takes arrays of one shape in the place of all its inputs."""
    alike = [rng.standard_normal(SHAPES[0]) for _ in inputs]
    try:
        return isinstance(player.turn(alike, upstream_of(player.value(alike), rng)), Turn)
    except (ForeignFault, ValueError, TypeError):
        return False


def _widened(player: Player, inputs: list[Any]) -> list[Any]:
    """The inputs; with twice as long axes, where one of them does not move the value at all.

    What is normalised over groups of one element is 0, however it is differentiated.
    """
    if _all_move(player, inputs):
        return inputs
    wide = [_twice(x) for x in inputs]
    return wide if _is_playable(player, wide) and _all_move(player, wide) else inputs


def _twice(x: Any) -> Any:
    """An array of floats with more like it along every axis."""
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        return x
    for axis in range(x.ndim):
        x = np.concatenate([x, np.roll(x, 1) * SHRUNK], axis)
    return x


def _all_move(player: Player, inputs: Sequence[Any]) -> bool:
    """Whether the value moves with each input that is an array."""
    try:
        value = _real(player.value(inputs))
        for k, x in enumerate(inputs):
            if not is_real(x) or not np.shape(x):
                continue
            other = [*inputs[:k], x + SHRUNK * np.cos(np.arange(x.size)).reshape(x.shape),
                     *inputs[k + 1 :]]  # fmt: skip
            if np.array_equal(value, _real(player.value(other))):
                return False
    except (ForeignFault, ValueError, TypeError):
        return True
    return True


def _as_arrays(player: Player, inputs: Sequence[Any], rng: np.random.Generator) -> list[Any]:
    """Arrays in the place of numbers, for a gate that works on each element; empty for others.

    They show a gradient that is not one for each element. A gate of vectors is one still, unless
    what it gives for arrays has their numbers and another shape.
    """
    axes = {np.ndim(x) if is_real(x) else None for x in inputs}
    if axes not in ({0}, {1}):
        return []
    arrays = [rng.standard_normal(OF_ELEMENTS) for _ in inputs]
    arrays = Said(player.gate).brought_inside(arrays, rng)
    try:
        value = player.value(arrays)
        is_of_elements = np.shape(value) == OF_ELEMENTS and _is_playable(player, arrays)
        if not is_of_elements:
            return []
        _, backward = player.play(*both(0, arrays, upstream_of(value, rng)))
        return arrays if axes == {0} or _is_flattened(backward["value"], arrays) else []
    except (ForeignFault, ValueError) as fault:
        if isinstance(fault, ForeignFault) and fault.name in LOST and not player.has_played:
            raise
        return []


def _is_flattened(returned: Any, arrays: Sequence[Any]) -> bool:
    """Whether gradients have as many numbers as the inputs, and another shape."""
    parts = returned if isinstance(returned, (list, tuple)) else [returned]
    has_all = [np.size(part) for part in parts] == [x.size for x in arrays]
    return has_all and any(np.shape(part) != OF_ELEMENTS for part in parts)


def other_than(player: Player, found: Points) -> list[Any]:
    """Inputs unlike the first ones, for what one call leaves to the next: of the other sign."""
    other = [-SHRUNK * x if is_real(x) else x for x in found.inputs[0]]
    is_meant = Said(player.gate).has_inside(other) and _is_playable(player, other)
    return other if is_meant else found.inputs[-1]


def _tried(player: Player, rng: np.random.Generator) -> list[Any]:
    """The first inputs that the gate takes, both ways if there are such. Raises ForeignFault."""
    first: ForeignFault | None = None
    forward_only: list[Any] | None = None
    odd: list[Any] | None = None  # with more axes than went in
    for shapes in _combinations(len(player.gate.inputs) + player.gate.is_variadic):
        for draw in (rng.standard_normal, lambda shape: rng.uniform(0.2, 0.9, shape)):
            inputs = [draw(shape) if shape else float(draw(shape)) for shape in shapes]
            try:
                value = player.value(inputs)
                if value is None:  # which is told of as what it is
                    return inputs
                value = _real(value)
                if not np.isfinite(value).all() or not value.size:
                    continue
                forward_only = forward_only or inputs
                if not isinstance(player.turn(inputs, upstream_of(value, rng)), Turn):
                    continue
                if value.ndim <= max(map(np.ndim, inputs)):
                    return inputs
                odd = odd or inputs
            except (ForeignFault, ValueError, TypeError) as fault:
                if isinstance(fault, ForeignFault):
                    first = first or fault
                    if fault.name in LOST:
                        raise
                break
    if odd is not None or forward_only is not None:
        return odd or forward_only or []
    names = player.gate.inputs
    example = " ".join(f"{name}='randn(3, 4)'" for name in names)
    lost = first or ForeignFault("forward gives no finite number")
    lost.hint = f"say what it takes: {example}"
    raise lost


def _combinations(count: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    known = SHAPES_TOGETHER.get(count, ())
    yield from known
    together = [(shape,) * count for shape in SHAPES]
    others = product(SHAPES[:5], repeat=count) if count <= 3 else ()
    tried = 0
    for shapes in (*together, *others):
        if shapes not in known:
            yield shapes
            tried += 1
            if tried >= MOST_TRIED:
                return


# ---------------------------------------------------------------- further points


def _more(
    player: Player, firsts: list[list[Any]], rng: np.random.Generator, is_free: bool
) -> list[list[Any]]:
    """The first points and more of the same kind, at which forward has a value.

    Inputs that nobody gave are drawn anew, others are moved a little.
    """
    is_of_numbers = all(np.shape(x) == () for x in firsts[0])
    count = max(OF_NUMBERS if is_of_numbers else OF_ARRAYS, len(firsts) + 1)
    said = Said(player.gate)
    found = [*firsts]
    tries = 0
    while tries < TRIES and (len(found) < count or not said.are_on_both_sides(found)):
        tries += 1
        start = firsts[tries % len(firsts)]
        is_near = not is_free or tries % 2 == 0
        spread = SPREADS[tries // 2 % len(SPREADS)]
        inputs = [_drawn(x, rng, is_near, spread) for x in start]
        if said.has_inside(inputs) and _is_playable(player, inputs):
            found.append(inputs)
        elif not is_near:
            is_free = False  # what has no value everywhere is only moved
    return found + _in_other_orders(player, firsts[0])


def _in_other_orders(player: Player, first: list[Any]) -> list[list[Any]]:
    """Points with the numbers of a first one in other orders, of a gate that sorts them.

    A short row may be sorted by a permutation that is its own inverse; then it does not show in
    which direction a gradient goes. What sorts a turned row is not, up or down.
    """
    if len(first) != 1 or not is_real(first[0]) or np.size(first[0]) < SHORTEST_ROW:
        return []
    (x,) = first
    value, rising = np.asarray(player.value(first)), np.sort(x, axis=-1)
    if value.shape != x.shape or not np.array_equal(np.sort(value, None), np.sort(x, None)):
        return []
    turned = [[np.roll(rising, 1, axis=-1)], [np.roll(rising[..., ::-1], 1, axis=-1)]]
    return [inputs for inputs in turned if _is_playable(player, inputs)]


class Said:
    """What a gate says of its domain and its kinks, in the language of the gate table."""

    def __init__(self, one: Description) -> None:
        self.row = gate(one.name, ", ".join(one.inputs), "x", "1", domain=one.domain,
                        kink=one.kinks)  # fmt: skip

    def has_inside(self, inputs: Sequence[Any]) -> bool:
        """Whether inputs are in the domain."""
        return not self.row.domain or bool(np.all(self._at(self.row.domain, inputs)))

    def brought_inside(self, inputs: list[Any], rng: np.random.Generator) -> list[Any]:
        """Inputs like these that are in the domain, as far as draws get there."""
        for turn in range(ROUNDS):
            if self.has_inside(inputs):
                break
            is_inside = np.asarray(self._at(self.row.domain, inputs))
            scale = SCALES[turn % len(SCALES)]
            inputs = [_redrawn(x, is_inside, scale, rng) for x in inputs]
        return inputs

    def are_on_both_sides(self, points: Sequence[Sequence[Any]]) -> bool:
        """Whether the points, all together, are on both sides of the kinks."""
        if not self.row.kink:
            return True
        sides = [np.sign(self._at(self.row.kink, inputs)) for inputs in points]
        return {-1.0, 1.0} <= {float(side) for array in sides for side in np.ravel(array)}

    def _at(self, text: str, inputs: Sequence[Any]) -> Any:
        with ARRAYS.quiet():
            return ARRAYS.text_function(self.row, text)(*inputs)


def _redrawn(x: Any, is_kept: Any, scale: float, rng: np.random.Generator) -> Any:
    """An input with other numbers, where it has elements of its own that are kept without them."""
    if not is_real(x):
        return x
    other = scale * rng.standard_normal(np.shape(x))
    if np.shape(x) == is_kept.shape:
        other = np.where(is_kept, x, other)
    return other if np.shape(x) else float(other)


def _drawn(x: Any, rng: np.random.Generator, is_near: bool, spread: float) -> Any:
    """Another input like x: of its shape and kind; whole numbers stay as they are."""
    if not is_real(x):
        return x
    kinds = kinds_of(x, False) if np.shape(x) else []
    if is_near or kinds:
        return moved(x, Random(int(rng.integers(2**31))), int(rng.choice([-1, 1])), kinds)
    drawn = spread * rng.standard_normal(np.shape(x))
    return drawn if np.shape(x) else float(drawn)
