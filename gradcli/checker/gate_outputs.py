"""The mistake behind a wrong gradient of a gate, by what each element of its output sends back.

Row by row the claimed Jacobian is compared with the right one: a contribution that is lost, added
twice, turned around or sent elsewhere shows in the row of its output, whatever the others do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.checker.gate_states import Player, Turn, fresh

CLOSE = 1e-4  # relative to the largest: the slopes are rough
STEP = 2.0**-17  # relative to the input, or to 1 where that is smaller
MOST_OUTPUTS, MOST_ELEMENTS = 40, 80  # a backward call each, and two forward calls each


def name_by_outputs(
    player: Player, inputs: Sequence[Any], wrong: Sequence[int], shape: tuple[int, ...]
) -> list[str]:
    """The name that fits the rows of all wrong inputs; none where there are too many numbers.

    Raises ForeignFault.
    """
    if not 1 <= np.prod(shape) <= MOST_OUTPUTS:
        return []
    if sum(np.size(inputs[k]) for k in wrong) > MOST_ELEMENTS:
        return []
    claimed = _claimed(player, inputs, wrong, shape)
    if claimed is None:
        return []
    pairs = [(claimed[at], rough_jacobian(player, inputs, k)) for at, k in enumerate(wrong)]
    names = {_name(claim, right) for claim, right in pairs if not _close(claim, right).all()}
    return [name for name in names if name] if len(names) == 1 else []


def _claimed(
    player: Player, inputs: Sequence[Any], wrong: Sequence[int], shape: tuple[int, ...]
) -> list[Any] | None:
    """The claimed Jacobians, a row for each element of the output; None where one is none."""
    rows: list[list[Any]] = [[] for _ in wrong]
    for index in np.ndindex(shape):
        upstream = np.zeros(shape)
        upstream[index] = 1.0
        turn = player.turn(inputs, upstream)
        if not isinstance(turn, Turn):
            return None
        for at, k in enumerate(wrong):
            gradient = turn.gradients[k]
            if gradient is None or gradient.shape != np.shape(inputs[k]):
                return None
            rows[at].append(np.ravel(gradient))
    return [np.array(own) for own in rows]


def rough_jacobian(player: Player, inputs: Sequence[Any], k: int) -> Any:
    """The Jacobian by one input, flat on both sides, from central differences."""
    x = np.asarray(inputs[k], dtype=float)
    columns = []
    for index in np.ndindex(x.shape):
        step = STEP * max(1.0, abs(float(x[index])))
        ends = []
        for sign in (1, -1):
            there = x.copy()
            there[index] += sign * step
            whole = fresh(inputs)
            whole[k] = there if x.shape else float(there)
            ends.append(np.ravel(np.asarray(player.value(whole), dtype=float)))
        columns.append((ends[0] - ends[1]) / (2 * step))
    return np.array(columns).T


def _close(one: Any, other: Any) -> Any:
    """Where two Jacobians are the same, up to what rough slopes are off."""
    size = max(np.max(np.abs(one), initial=0.0), np.max(np.abs(other), initial=0.0))
    return np.abs(one - other) <= CLOSE * size


def _name(claim: Any, right: Any) -> str | None:
    """What turns the right Jacobian of an input into the claimed one."""
    same = _close(claim, right)
    if (same | _close(claim, 0 * right)).all():
        return (
            "overwritten" if _has_only_the_last(same, ~_close(right, 0 * right)) else "missing-path"
        )
    if (same | _close(claim, -right)).all():
        return "sign"
    if (same | _close(claim, 2 * right)).all():
        return "double-counted"
    if _close(np.sort(claim), np.sort(right)).all():
        return "wrong-branch"
    return None


def _has_only_the_last(same: Any, contributes: Any) -> bool:
    """Whether of several outputs that an element contributes to, only the last sends back."""
    return all(
        not kept[outputs[:-1]].any() and kept[outputs[-1]]
        for kept, sent in zip(same.T, contributes.T, strict=True)
        if len(outputs := np.flatnonzero(sent)) > 0
    )
