"""Whether a reading with inferred inputs is one that the code may mean.

not a number   the result is infinite or NaN at the values that were drawn
misshapen      a gradient has not the shape of what it is the gradient of
unlike         arrays meet that numpy spreads over one another, though they should be alike
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from gradcli.python.driving.driven import Driven, Leaf
from gradcli.python.driving.held import Claim, Mapped
from gradcli.python.parameters.flaws import Imperfect, Unreal
from gradcli.python.parameters.guesses import BIAS, FACTOR, NUMBER, OF_EACH, TARGETS
from gradcli.python.parameters.inputs import is_like_labels
from gradcli.python.parameters.likely_axes import degenerate
from gradcli.python.parameters.misfits import WEIGHT

# Parameters that are usually spread over the batch.
SPREAD = re.compile(r"^(g|gain|scale|alpha|a|s|std|weights?|coefs?|mean|center|means|prior)$")
SHARED = re.compile(r"^(gamma|beta|bias\w*|shift)\w*$")  # by all examples, always
MEETINGS = ("add", "sub", "mul", "div", "pow", "max", "min")

Shape = tuple[int, ...]


def refuse_misfits(driven: Driven, claims: Mapped, free: set[str], fixed: set[str]) -> None:
    """Raise Imperfect for a reading that another choice of inputs may suit better.

    `free` are the parameters whose number of axes is a guess, `fixed` those where it is said.
    """
    tape, outcome = driven.reader.tape, (driven, claims)
    if not all(np.isfinite(tape.values[node]).all() for node, _ in driven.outputs):
        raise Unreal("the result is not a number", outcome)
    for claim in claims.claims:
        has, wants = tape.shape(claim.result.node), tape.shape(claim.leaf.node)
        if _plain(has) != _plain(wants):
            name = claim.leaf.short
            message = f"the gradient of `{name}` has shape {has}"
            if (rows := _rows_in_outer(has, wants)) is not None:
                raise Imperfect(message, None, {"": (rows,)})
            shapes = {} if name in fixed else _suggested(driven, claim, has, wants)
            factor = _factor_of(driven, free, has)
            if factor is not None:
                shapes = {factor: wants}
            if driven.is_apart and not has and name not in fixed:  # an element of an array
                shapes = {name: has}
            raise Imperfect(message, outcome, shapes, not shapes and bool(BIAS.match(name)))
    numbers = {claim.leaf.short for claim in claims.claims} if driven.is_apart else set()
    refuse_unlike(driven, free - numbers, outcome)
    ranks = {x.short: len(_plain(tape.shape(x.node))) for x in driven.leaves}
    deepest = max((n for name, n in ranks.items() if WEIGHT.match(name)), default=0)
    if any(BIAS.match(name) and ranks.get(name, 0) > 1 for name in free) and deepest > 1:
        raise Imperfect("a bias is a row or a column", outcome)
    whole = {name for name, value in driven.handed.items() if is_like_labels(value)}
    if claims.unclaimed and whole & free:
        raise Imperfect(f"{claims.unclaimed[0]} is the gradient of nothing", outcome)


def refuse_degenerate(driven: Driven, claims: Mapped) -> None:
    """Raise Imperfect where one element stands for many: what is right there acquits nobody."""
    if (words := degenerate(driven.reader)) is not None:
        raise Imperfect(words, (driven, claims))


def refuse_unlike(driven: Driven, free: set[str], outcome: Any) -> None:
    """Raise Imperfect where arrays meet that are not alike."""
    shapes = unlike(driven, free)
    if shapes is not None:
        raise Imperfect("arrays meet that are not alike", outcome, shapes)


def _plain(shape: Shape) -> list[int]:
    return [n for n in shape if n != 1]


# ---------------------------------------------------------------- gradients


def _rows_in_outer(has: Shape, wants: Shape) -> int | None:
    """How many rows `np.outer` was handed where it takes vectors; None where it was none."""
    factors = {divmod(n, own) for n, own in zip(has, wants, strict=False)}
    if [len(has), len(wants), len(factors)] != [2, 2, 1]:
        return None
    factor, rest = factors.pop()
    return factor if factor > 1 and not rest else None


def _suggested(driven: Driven, claim: Claim, has: Shape, wants: Shape) -> dict[str, Shape]:
    """The shape that a gradient says its parameter has; empty where it says none.

    A bias that would be as long as the batch, and as no weight, is no bias: that is a mistake;
    and so is a gradient without an axis of what is no bias: a batch of one would hide it.
    """
    name = claim.leaf.short
    if claim.leaf not in driven.leaves:  # the result does not depend on it, so it may be any
        return {name: has}
    shapes = [driven.reader.tape.shape(x.node) for x in driven.leaves if WEIGHT.match(x.short)]
    weights = [size for shape in shapes for size in shape]
    sizes = _plain(has)
    is_tied = not weights or (bool(sizes) and all(size in weights for size in sizes))
    if not has and (not BIAS.match(name) or _has_one_output(shapes)):
        return {name: has}
    if BIAS.match(name) and not is_tied:
        return {}
    if SHARED.match(name) and 1 not in has:
        return {}
    if 1 in has:
        return {name: has} if BIAS.match(name) else {}
    is_whole = not WEIGHT.match(name) and not (BIAS.match(name) and weights)
    if len(has) > len(wants) and is_whole:  # it was taken for one that is spread
        return {name: has}
    if len(has) < len(wants) and BIAS.match(name):
        return {name: _with_one(wants, has)}
    if len(has) == len(wants) and 1 not in (*has, *wants) and not BIAS.match(name):
        return {name: has}  # a size that the code itself has
    if len(has) == len(wants) and 1 in wants:  # one example at a time
        return {"": tuple(n for n, m in zip(has, wants, strict=True) if m == 1 != n)}
    return {}


def _factor_of(driven: Driven, free: set[str], shape: Shape) -> str | None:
    """The only input of a shape that the output does not depend on: a rate, drawn as an array."""
    tape, graph = driven.reader.tape, driven.reader.tape.graph
    reached = graph.reaches(*[node for node, _ in driven.outputs])
    upstreams = {upstream for _, upstream in driven.outputs}
    names = [
        name for name, node in graph.inputs.items()
        if name in free and tape.shape(node) == shape and not reached[node]
        and node not in upstreams and not TARGETS.match(name)
    ]  # fmt: skip
    return names[0] if shape and len(names) == 1 else None


def _has_one_output(weights: list[Shape]) -> bool:
    """Whether there are weights, and all of them vectors: their bias is a number."""
    return bool(weights) and all(len(_plain(shape)) < 2 for shape in weights)


def _with_one(wide: Shape, narrow: Shape) -> Shape:
    """A shape with axes of size 1 where a gradient of fewer axes has none."""
    left, shape = [*narrow], []
    for size in wide:
        if left and size == left[0]:
            shape.append(left.pop(0))
        else:
            shape.append(1)
    return tuple(shape)


# ---------------------------------------------------------------- what meets what


def unlike(driven: Driven, free: set[str]) -> dict[str, Shape] | None:
    """The shape that a parameter would have if it were like what it meets; None where it is."""
    tape, graph = driven.reader.tape, driven.reader.tape.graph
    unread = {x for x in free if TARGETS.match(x)}  # the loss may ask for them only: `if y[i] == 1`
    carried = {node: Leaf(x, x, node, True) for x, node in graph.inputs.items() if x in unread}
    carried |= {leaf.node: leaf for leaf in driven.leaves if leaf.short in free}
    for node in range(len(graph)):
        if graph.gates[node].is_structural:
            continue
        active = [k for k in graph.operands[node] if graph.active[k]]
        if len({*active}) == 1 and active[0] in carried:  # an elementwise function of a parameter
            carried[node] = carried[active[0]]
        if len(active) != 2 or graph.gates[node].name not in MEETINGS:
            continue
        for one, other in (active, active[::-1]):
            leaf = carried.get(one)
            if leaf is None:
                continue
            mine, theirs = tape.shape(one), tape.shape(other)
            if not mine and graph.gates[node].name == "pow" and one == graph.operands[node][1]:
                continue  # an exponent is a number
            if mine != theirs and theirs and not _is_spread(leaf, mine, theirs):
                return {leaf.short: theirs}
    return None


def _is_spread(leaf: Leaf, mine: Shape, theirs: Shape) -> bool:
    """Whether a parameter is one that is spread over the other, or the other over it."""
    name = leaf.short
    if TARGETS.match(name):
        return False
    if len(mine) >= len(theirs):
        return True
    is_number = not mine and bool(NUMBER.match(name) or FACTOR.match(name))
    return is_number or any(form.match(name) for form in (BIAS, WEIGHT, SPREAD, OF_EACH))
