"""What the data of a program stands for, and how it moves without ceasing to.

A line such as `dz = p - y` is right because the rows of y sum to 1. Data that is moved to see
whether a line is right elsewhere therefore stays of its kind: shares stay shares, and what has
nothing of its kind near by, such as a mask, stands still.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from gradcli.named_tuples import NamedTuple

JITTER = 0.1  # how far a point near by lies, relative to the input; no input changes its sign
SAME = 1e-9  # relative: sums and norms of data that is written with all its digits
MOST_TURNS = 3  # of what is of several kinds, to bring it back to each


class Kind(NamedTuple):
    """A kind of array: what is said of it, how to see it, and how to bring back what was moved.

    `restored` is handed the array as it was and as it is moved; None where it has to stand still.
    """

    words: str
    is_one: Callable[[Any], bool]
    restored: Callable[[Any, Any], Any] | None = None


def moved(x: Any, rng: Random, sign: int, kinds: Sequence[Kind] = ()) -> Any:
    """A number, or an array in every element, moved a little, and still of its kinds.

    What cannot be of all of them when it has moved stands still.
    """
    if isinstance(x, float):
        return x + sign * JITTER * rng.uniform(0.5, 1.0) * (abs(x) or 1.0)
    import numpy as np  # late: numbers do not need it

    steps = np.random.default_rng(rng.getrandbits(64)).uniform(0.5, 1.0, np.shape(x))
    reach = np.where(np.isfinite(x) & (x != 0), np.abs(x), 1.0)
    there = x + sign * JITTER * steps * reach
    with np.errstate(all="ignore"):
        for _ in range(MOST_TURNS):
            for kind in kinds:
                if kind.restored is None:
                    return x
                there = kind.restored(x, there)
            if all(kind.is_one(there) for kind in kinds):
                return there
    return x


def kinds_of(x: Any, is_claimed: bool) -> list[Kind]:
    """The kinds of an array; none of a number, and of an array like any other.

    Whoever claims a gradient by an array says that its elements may move apart: then only those
    kinds count that people give to what they differentiate by as well.
    """
    import numpy as np  # late: numbers do not need it

    if np.size(x) < 2:
        return []
    with np.errstate(all="ignore"):
        return [kind for kind in (_OF_ANY if is_claimed else _KINDS) if kind.is_one(x)]


# ---------------------------------------------------------------- how to see them


def _is_mask(x: Any) -> bool:
    return bool(((x == 0) | (x == 1)).all()) and x.min() != x.max()


def _is_two_valued(x: Any) -> bool:
    """Signs, or a mask that is scaled, or of -inf: 0 and c, or -c and c."""
    low, high = x.min(), x.max()
    is_pair = low < high and (low == 0 or high == 0 or low == -high)
    return bool(is_pair and ((x == low) | (x == high)).all())


def _is_symmetric(x: Any) -> bool:
    is_square = x.ndim == 2 and x.shape == x.T.shape
    return bool(is_square and (x == x.T).all() and x.min() != x.max())


def _is_orthogonal(x: Any) -> bool:
    """Whether the columns, or the rows, are unit vectors at right angles."""
    import numpy as np  # late: numbers do not need it

    if x.ndim != 2 or min(x.shape) < 2:
        return False
    columns = x if x.shape[0] >= x.shape[1] else x.T
    if not np.allclose((columns * columns).sum(axis=0), 1.0, rtol=0, atol=SAME):
        return False
    return bool(np.allclose(columns.T @ columns, np.eye(columns.shape[1]), rtol=0, atol=SAME))


def _axes(x: Any, total: float, power: int) -> Iterator[int]:
    """The axes along which the elements, or their squares, sum to a number."""
    import numpy as np  # late: numbers do not need it

    powers = x**power
    room = SAME * max(1.0, float(np.abs(powers).max()))
    for axis in range(x.ndim):
        if x.shape[axis] > 1 and (np.abs(powers.sum(axis=axis) - total) <= room).all():
            yield axis


def _sums_to_one(x: Any) -> bool:
    return any(True for _ in _axes(x, 1.0, 1))


def _sums_to_zero(x: Any) -> bool:
    return bool(x.any()) and any(True for _ in _axes(x, 0.0, 1))


def _has_unit_vectors(x: Any) -> bool:
    return any(True for _ in _axes(x, 1.0, 2))


def _has_zeros(x: Any) -> bool:
    return bool((x == 0).any() and x.any())


# ---------------------------------------------------------------- how to bring them back


def _symmetric(_: Any, there: Any) -> Any:
    return (there + there.T) / 2


def _orthogonal(_: Any, there: Any) -> Any:
    """The nearest orthogonal matrix: the polar factor."""
    import numpy as np  # late: numbers do not need it

    left, _, right = np.linalg.svd(there, full_matrices=False)
    return left @ right


def _shares(x: Any, there: Any) -> Any:
    for axis in _axes(x, 1.0, 1):
        there = there / there.sum(axis=axis, keepdims=True)
    return there


def _centred(x: Any, there: Any) -> Any:
    for axis in _axes(x, 0.0, 1):
        there = there - there.mean(axis=axis, keepdims=True)
    return there


def _unit(x: Any, there: Any) -> Any:
    for axis in _axes(x, 1.0, 2):
        there = there / (there * there).sum(axis=axis, keepdims=True) ** 0.5
    return there


def _with_zeros(x: Any, there: Any) -> Any:
    return there * (x != 0)


_OF_ANY = (
    Kind("0 and 1", _is_mask),
    Kind("sums of 1", _sums_to_one, _shares),
    Kind("symmetric", _is_symmetric, _symmetric),
)
_KINDS = (
    *_OF_ANY,
    Kind("two values", _is_two_valued),
    Kind("zeros", _has_zeros, _with_zeros),
    Kind("sums of 0", _sums_to_zero, _centred),
    Kind("unit vectors", _has_unit_vectors, _unit),
    Kind("orthogonal", _is_orthogonal, _orthogonal),
)
