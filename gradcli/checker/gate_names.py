"""The mistake behind a wrong gradient of a gate, where only numbers are known.

The slopes are taken roughly, element by element: a mistake shows in all elements at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import prod
from typing import Any, NamedTuple

import numpy as np

from gradcli.checker.gate_outputs import name_by_outputs, rough_jacobian
from gradcli.checker.gate_states import Player, Turn, distance
from gradcli.foreign.gradients import Gradients

UNMOVED = 1e-10  # relative: what another upstream gradient does not move does not read it
CLOSE = 1e-4  # relative to the largest: the slopes are rough
MOST = 400  # elements, two values each


def mistake_of(player: Player, points: Sequence[Sequence[Any]], upstream: Any) -> str | None:
    """The name that fits at all points where the gradient is wrong, or None. Raises ForeignFault.

    The upstream gradient is that of the first point.
    """
    names: list[str] | None = None
    for inputs in points:
        found = _names_at(player, inputs, upstream)
        if found is not None:
            names = found if names is None else [name for name in names if name in found]
    return names[0] if names else None


def _names_at(player: Player, inputs: Sequence[Any], upstream: Any) -> list[str] | None:
    """The names that fit at one point, the surest first; None where nothing is wrong."""
    turn = player.turn(inputs, upstream)
    other = player.turn(inputs, -1.75 * upstream)
    if not isinstance(turn, Turn) or not isinstance(other, Turn):
        return None
    if any(g is not None and not np.isfinite(g).all() for g in turn.gradients):
        return ["not-finite"]
    if _are_whole(turn.backward["value"]):
        return ["gradient-type"]
    slopes = rough_slopes(player, inputs, upstream, turn.gradients)
    if slopes is None:
        return None
    claims = turn.gradients
    wrong = [k for k, (c, s) in enumerate(zip(claims, slopes, strict=True))
             if c is not None and not close(c, s)]  # fmt: skip
    if not wrong:
        return None
    unmoved = distance([claims[k] for k in wrong], [other.gradients[k] for k in wrong])
    if all(np.any(claims[k]) for k in wrong) and unmoved <= UNMOVED:
        return ["missing-upstream"]
    is_sent = any(np.any(claims[k]) for k in wrong)
    if is_sent and all(_is_elsewhere(claims[k], slopes[k]) for k in wrong):
        return ["wrong-branch"]
    if _is_switched(claims, slopes, wrong):
        return ["not-switched"]
    scene = _Scene([*inputs, turn.value], turn.value, upstream)
    first, *rest = [[*_relations(claims[k], slopes[k], scene)] for k in wrong]
    common = [name for name in first if all(name in names for names in rest)]
    return common or name_by_outputs(player, inputs, wrong, np.shape(turn.value))


class _Scene(NamedTuple):
    """What a gradient is made of: inputs and value, the value alone, the upstream gradient."""

    parts: list[Any]
    value: Any
    upstream: Any

    @property
    def counts(self) -> set[int]:
        """The sizes of axes and arrays, by which a mean divides."""
        shapes = [np.shape(x) for x in self.parts]
        return {n for shape in shapes for n in (*shape, prod(shape))} - {0, 1}


def rough_slopes(
    player: Player, inputs: Sequence[Any], upstream: Any, claims: Gradients
) -> Gradients | None:
    """The slopes by central differences, of inputs that have a claim; None where it is too much."""
    if sum(np.size(c) for c in claims if c is not None) > MOST:
        return None
    return [
        None if claim is None else _slopes_of(player, inputs, upstream, k)
        for k, claim in enumerate(claims)
    ]


def _slopes_of(player: Player, inputs: Sequence[Any], upstream: Any, k: int) -> Any:
    if not np.size(inputs[k]):
        return np.zeros(np.shape(inputs[k]))  # whose Jacobian has no rows to tell its outputs by
    jacobian = rough_jacobian(player, inputs, k)
    return np.reshape(np.ravel(upstream) @ jacobian, np.shape(inputs[k]))


def close(one: Any, other: Any) -> bool:
    """Whether two arrays are the same, up to what rough slopes are off."""
    size = max(np.max(np.abs(one), initial=0.0), np.max(np.abs(other), initial=0.0))
    return np.shape(one) == np.shape(other) and bool(
        np.max(np.abs(one - other), initial=0.0) <= CLOSE * size
    )


def _are_whole(returned: Any) -> bool:
    parts = returned if isinstance(returned, (list, tuple)) else [returned]
    return any(isinstance(x, np.ndarray) and x.shape and x.dtype.kind in "iu" for x in parts)


def _is_switched(claims: Gradients, slopes: Gradients, wrong: list[int]) -> bool:
    """Whether two inputs have each other's gradient."""
    return any(
        close(claims[j], slopes[k]) and close(claims[k], slopes[j])
        for j, k in combinations(wrong, 2)
    )


def _is_elsewhere(claim: Any, slope: Any) -> bool:
    """Whether a gradient goes only where none belongs."""
    return not np.any((claim != 0) & (np.abs(slope) > CLOSE * np.max(np.abs(slope), initial=0.0)))


def _relations(claim: Any, slope: Any, scene: _Scene) -> Iterator[str]:
    """How a wrong gradient may relate to the right one."""
    if close(claim, -slope):
        yield "sign"
    if not np.any(claim):
        yield "missing-path"
    if claim.ndim > 1 and claim.shape == claim.shape[::-1] and close(claim, slope.T):
        yield "transposed"
    largest = np.unravel_index(np.argmax(np.abs(slope)), slope.shape)
    ratio = float(claim[largest] / slope[largest]) if slope[largest] else 0.0
    if ratio and close(claim, ratio * slope):
        if any(abs(r - n) <= CLOSE * n for n in scene.counts for r in (ratio, 1 / ratio)):
            yield "missing-mean"
        yield "dropped-factor"
    if _is_power(claim, slope, scene):
        yield "dropped-power"
    if np.shape(scene.upstream) == claim.shape and close(claim, scene.upstream):
        yield "dropped-factor"  # the whole local gradient
    value = np.asarray(scene.value, dtype=float)
    diagonal = value * (1 - value) * scene.upstream
    if value.ndim and value.shape == claim.shape and close(claim, diagonal):
        yield "softmax-diagonal"


def _is_power(claim: Any, slope: Any, scene: _Scene) -> bool:
    """Whether a gradient is the right one times, or divided by, an input or the value."""
    for part in scene.parts:
        x = np.asarray(part, dtype=float)
        if (
            x.shape == claim.shape
            and np.all(x)
            and (close(claim, slope * x) or close(claim, slope / x))
        ):
            return True
    return False
