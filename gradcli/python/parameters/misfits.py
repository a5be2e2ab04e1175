"""What an error says of the sizes that were chosen: which two axes are one, which is of size 1."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from math import gcd, prod
from typing import Any

from gradcli.python.state.guards import REACHED

Shapes = dict[str, tuple[int, ...]]

FLAT = 2  # axes of what has rows and columns
IMAGE = 3  # axes of an image, at least
LARGEST = 5_000  # size of an axis, where the code itself has one that large
WEIGHT = re.compile(r"^_?(W|w|U|V|K|theta|Theta)\w*$")
PAIRS = (
    re.compile(r"(\d+) columns meet (\d+) rows"),
    re.compile(r"size (\d+) is different from (\d+)"),
    re.compile(r"(\d+) \(dim \d+\) != (\d+) \(dim \d+\)"),
    re.compile(r"stands for (\d+) and for (\d+)"),
    re.compile(r"reached, as (\d+) is not (\d+)"),
    re.compile(r"(\d+) names on the left for (\d+) elements"),
    re.compile(r"is read for (\d+) parts of vectors, not for (\d+)"),
    re.compile(r"square matri\w+, (?:this has shape|the shape is) \((\d+), (\d+)\)"),
)
SQUEEZED = re.compile(r"axis (-?\d+) of \(((?:\d++,? ?)*)\) is not of size 1")
AS_COLUMN = re.compile(r"cannot reshape an array of (\d+) elements, .*into shape \((\d+), 1\)")
AS_NUMBER = re.compile(r"cannot reshape an array of (\d+) elements, .*into shape \(1(?:, 1)*,?\)")
SHAPE = re.compile(r"\(((?:\d++,? ?)*)\)")
ALONG = re.compile(r"differ in an axis other than (\d+)")
IN_PLACE = "cannot become one of"


def squares(shapes: Mapping[str, tuple[int, ...]]) -> set[str]:
    """The names of square matrices."""
    return {name for name, shape in shapes.items() if len(shape) == 2 and len({*shape}) == 1}


def pair_of(message: str) -> tuple[int, int] | None:
    """The two sizes that an error says are one."""
    for form in PAIRS:
        if match := form.search(message):
            return int(match[1]), int(match[2])
    shapes = shapes_in(message)[:2]
    if message.startswith("could not broadcast") and len(shapes[0]) > len(shapes[1]):
        return None  # no size is wrong: there is an axis too many
    along = ALONG.search(message)
    if along and len(shapes) == 2:  # the axis that they may differ in
        shapes = [s[: int(along[1])] + s[int(along[1]) + 1 :] for s in shapes]
    if message.startswith("cannot reshape"):  # a column of as many as there are
        shapes = [tuple(n for n in shape if n != 1) for shape in shapes]
        shapes = shapes if [*map(len, shapes)] == [1, 1] else []
    if len(shapes) == 2:
        for x, y in zip(shapes[0][::-1], shapes[1][::-1], strict=False):
            if x != y and (along or 1 not in (x, y)):  # nothing is spread where parts are joined
                return x, y
    match = re.search(r"index (\d+) is out of .*?size (\d+)", message)
    return (int(match[1]) + 1, int(match[2])) if match and match[1] != match[2] else None


def counted_through(
    message: str, guesses: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]],
    free: Collection[int],
) -> tuple[int, int] | None:  # fmt: skip
    """A length and what it should be, where an axis is counted through beyond its end.

    Labels are too many, or a count too large; a vector has one of the `free` sizes.
    """
    match = re.search(r"index (\d+) is out of bounds for axis \d+ with size (\d+)", message)
    match = match or re.search(r"index (\d+) is outside (?:a list of |axis 0 of \()(\d+)", message)
    if match is None or match[1] != match[2]:
        return None
    size = int(match[2])
    known = [(guess, shapes[name][0]) for name, guess in guesses.items() if shapes.get(name)]
    labels = [length for guess, length in known if guess == "labels" and length != size]
    counts = [length for guess, length in known if guess == "count" and length > size]
    ends = labels or (counts if len(counts) == 1 else [])
    own = {n for shape in shapes.values() for n in shape}
    longer = [n for n in free if n > size and n not in own]
    if not ends and (1, size) in known:  # the code's own loop goes on
        ends = longer[:1]
    return (ends[0], size) if ends else None


def shapes_in(message: str) -> list[tuple[int, ...]]:
    """The shapes that a message has in it."""
    return [
        tuple(int(n) for n in text.split(",") if n.strip()) for text in SHAPE.findall(message)
    ]  # fmt: skip


def is_misfit(message: str) -> bool:
    """Whether an error is one of shapes that do not fit; what a file itself refuses is none."""
    return not message.startswith(REACHED) and (pair_of(message) is not None or IN_PLACE in message)


def taken_apart(shapes: Shapes, message: str) -> Shapes | None:
    """The shapes with rows as long as what each is taken apart to: `X.reshape(n, 3, 32, 32)`."""
    if "cannot reshape" not in message or len(pair := shapes_in(message)[:2]) != 2:
        return None
    own, apart = pair
    names = [name for name, shape in shapes.items() if shape == own]
    if len(own) != 2 or len(apart) < 3 or own[0] != apart[0] or len(names) != 1:
        return None
    size = prod(apart[1:])
    return {**shapes, names[0]: (own[0], size)} if size <= LARGEST else None


def single_example(message: str) -> int | None:
    """The size that is 1 where the code takes one example at a time; None where it may be more.

    Python itself refuses to add a batch to what has an axis of size 1 in place.
    """
    if IN_PLACE not in message:
        return None
    own, new = shapes_in(message)[:2]
    sizes = [n for m, n in zip(own, new, strict=False) if m == 1 != n]
    return sizes[0] if len(sizes) == 1 and len(own) == len(new) else None


def has_batch(shapes: Shapes, size: int) -> bool:
    """Whether a size may be the number of examples: the last axes of images are no such."""
    return any(size in (shape[:1] if len(shape) > FLAT else shape) for shape in shapes.values())


def single_axis(message: str) -> int | None:
    """The size that is 1 where the code takes an axis away, or a row or a table for a column."""
    if (match := AS_NUMBER.search(message)) is not None:
        return int(match[1])
    if (match := AS_COLUMN.search(message)) is not None:
        size, rest = divmod(int(match[1]), int(match[2]))
        return None if rest or size == 1 else size
    match = SQUEEZED.search(message)
    return None if match is None else int(match[2].split(",")[int(match[1])])


def single_beside(pair: tuple[int, int], last: tuple[int, int]) -> int | None:
    """The size that is 1 where one size was made another, and is to grow by that factor again.

    `np.dot(x.ravel(), w)` asks for as many rows of w as x has elements, whatever it is made.
    """
    (small, middle), (own, large) = sorted(last), sorted(pair)
    is_again = own == middle and small * large == middle * middle and not middle % small
    return middle // small if is_again and middle > small else None


def single_column(message: str, shapes: Shapes) -> int | None:
    """The size that is 1 where all elements of an array, as one column, meet its rows."""
    pair = shapes_in(message)[:2]
    if len(pair) != 2 or "columns meet" in message:
        return None
    for column, wide in (pair, pair[::-1]):
        if len(column) == len(wide) == 2 and column[1] == 1 and wide in shapes.values():
            rows, columns = wide
            return columns if column[0] == rows * columns and columns > 1 else None
    return None


def with_lonely_column(shapes: Shapes) -> Shapes | None:
    """The shapes with a column for the only matrix whose last axis meets no other.

    `np.dot((h - y).T, h - y)` is a number where `y` is a column.
    """
    lonely = [
        name for name, s in shapes.items() if len(s) == 2 and s[1] != 1
        and all(s[1] not in other for key, other in shapes.items() if key != name)
    ]  # fmt: skip
    if len(lonely) != 1 or shapes[lonely[0]][0] == shapes[lonely[0]][1]:
        return None
    return {**shapes, lonely[0]: (shapes[lonely[0]][0], 1)}


def with_size_one(
    shapes: Shapes, size: int, single: re.Pattern[str] | None = None
) -> Shapes | None:  # fmt: skip
    """The shapes with an axis of size 1 for one of some size; None where it is not one only.

    Of names like `single` one element may be all that is left.
    """
    changed = {name: tuple(1 if n == size else n for n in s) for name, s in shapes.items()}
    is_alone = any(
        len(s) > 1 and {*s} == {1} and not (single and single.match(name.rpartition("/")[2]))
        for name, s in changed.items()
    )
    return changed if changed != shapes and not is_alone else None


def with_column(shapes: Shapes, message: str, names: re.Pattern[str]) -> Shapes | None:
    """The shapes with a bias as a column, where its elements belong to the rows of what it meets.

    Rows are those of a weight, and columns are examples: a bias that fits these would be no bias.
    """
    pair = shapes_in(message)[:2]
    if len(pair) != 2 or sorted(map(len, pair)) != [1, 2]:
        return None
    (size,), (rows, columns) = sorted(pair, key=len)
    shorts = {name: name.rpartition("/")[2] for name in shapes}
    biases = [n for n, s in shapes.items() if s == (size,) and names.match(shorts[n])]
    weights = {
        n for name, s in shapes.items() if WEIGHT.match(shorts[name]) and len(s) > 1 for n in s
    }  # fmt: skip
    is_of_rows = rows == size or (rows in weights and columns not in weights)
    if len(biases) != 1 or not is_of_rows or columns in (1, size):
        return None
    return {**shapes, biases[0]: (rows, 1)}


def like_other(shapes: Shapes, message: str, names: re.Pattern[str]) -> Shapes | None:
    """The shapes with that of a target as that of what it is compared with, axes and all."""
    pair = shapes_in(message)[:2]
    if len(pair) != 2 or len(pair[0]) == len(pair[1]) or "columns meet" in message:
        return None
    for name, shape in shapes.items():
        others = {size for n, s in shapes.items() if n != name for size in s}
        if shape in pair and names.match(name.rpartition("/")[2]) and not others & {*shape}:
            return {**shapes, name: pair[1 - pair.index(shape)]}
    return None


def with_ones(shapes: Shapes, ones: Mapping[str, tuple[int, ...]], names: list[str]) -> (
    Shapes | None
):  # fmt: skip
    """The shapes with the axes that a gradient has; None where that changes nothing.

    Under no name stand sizes that are 1 everywhere: the code takes one example at a time.
    """
    single = ones.get("", ())
    changed = {name: tuple(1 if n in single else n for n in s) for name, s in shapes.items()}
    for name in (*shapes, *names):
        short = name.rpartition("/")[2]
        if short and short in ones:
            changed[name] = ones[short]
    return changed if changed != shapes else None


def joined(shapes: Shapes, x: int, y: int, drawn: Collection[int] = ()) -> Shapes | None:
    """The shapes with two sizes made one; None where neither is a size that was chosen.

    One that is none of the `drawn` is the code's own, 784 of `x.reshape(784, 1)`, and stays.
    """
    own = {size for shape in shapes.values() for size in shape}
    if x in own and y in own:
        fixed = [size for size in (x, y) if drawn and size not in drawn]
        new = fixed[0] if len(fixed) == 1 else min(x, y)
        old = x + y - new
    elif x in own:
        new, old = y, x
    elif y in own:
        new, old = x, y
    else:
        common = gcd(x, y)
        if common > 1 and {x // common, y // common} <= own:  # `63 columns meet 27 rows`
            return joined(shapes, x // common, y // common)
        if {x - 1, y - 1} <= own:  # with a column of ones: `14 columns meet 4 rows`
            return joined(shapes, x - 1, y - 1)
        if (square := _squared(shapes, x, y)) is not None:
            return square
        if {x + 1, y + 1} & own:  # of `q[1:]`
            return joined(shapes, x + 1, y + 1)
        return _joined_sums(shapes, own, x, y)
    if new > LARGEST or new < 2:  # an axis of one element hides much
        return None
    return {name: tuple(new if n == old else n for n in s) for name, s in shapes.items()}


def _squared(shapes: Shapes, x: int, y: int) -> Shapes | None:
    """The shapes with a square image, where sizes meet that height and width are moved to alike."""
    found = [
        (name, at)
        for name, s in shapes.items()
        if len(s) >= IMAGE
        for at in (len(s) - 2, len(s) - 3)
        if s[at] != s[at + 1] and x - s[at] == y - s[at + 1]
    ]
    if len(found) != 1:
        return None
    name, at = found[0]
    own, side = shapes[name], max(shapes[name][at : at + 2])
    return {**shapes, name: (*own[:at], side, side, *own[at + 2 :])}


def with_part(shapes: Shapes, message: str) -> Shapes | None:
    """The shapes with another size for one that is a part of what meets a weight, beside others.

    Of `W @ vstack((h, x))` with W of shape (24, 44) and an `x` of 20 the state has 24 elements; the
    rows of W may be those of several gates.
    """
    pair = shapes_in(message)[:2]
    if "columns meet" not in message or [*map(len, pair)] != [2, 2]:
        return None
    (rows, columns), (joint, _) = pair
    own = {size for shape in shapes.values() for size in shape}
    fitting = [n for n in own if 1 < (new := n + columns - joint) <= rows and not rows % new]
    if len(fitting) != 1:
        return None
    new = fitting[0] + columns - joint
    return {name: tuple(new if n == fitting[0] else n for n in s) for name, s in shapes.items()}


def _joined_sums(shapes: Shapes, own: set[int], x: int, y: int) -> Shapes | None:
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
                once = joined(shapes, a, c)
                return None if once is None else joined(once, b, d)
    return None


def twins_alike(shapes: Shapes) -> Shapes | None:
    """Shapes in which `za` and `zb` are as long as one another; None where they are already."""
    alike, names = dict(shapes), [*shapes]
    for k, name in enumerate(names):
        for other in names[k + 1 :]:
            one, two = alike[name], alike[other]
            if len(one) == len(two) > 1 and one[1:] == two[1:] and _are_twins(name, other):
                alike[other] = one
    return None if alike == dict(shapes) else alike


def _are_twins(one: str, other: str) -> bool:
    """Whether two names differ in one letter, or in their first words: `image_emb`, `text_emb`."""
    if len(one) == len(other) > 1:
        return sum(a != b for a, b in zip(one, other, strict=True)) == 1
    (_, _, own), (_, _, last) = one.partition("_"), other.partition("_")
    return bool(own) and own == last
