"""The chain rule at a gate as text, a line for each operand: `x: -4 * 1 = -4`.

An array of more than a few numbers is written as its shape where it is a factor, and summed up
where it is the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from gradcli.render.arrays import MOST_WHOLE_IN_ROW, array_text, shape_of
from gradcli.reports.evaluations import Link, Number, Stage

LOCAL, PRODUCT = "local", "upstream * local = contribution"  # the titles

Write = Callable[[Any, Any], str]  # a number and its bound


def local_lines(
    stage: Stage, write: Write, name: Callable[[str], str] = str, most: float = MOST_WHOLE_IN_ROW
) -> list[str]:
    """The local gradients of a stage by its operands: `x: 1`; arrays whole up to `most` numbers."""
    return [
        f"{name(link.operand)}: {_short(link.local, link.local_bound, write, most)}"
        for link in _links(stage) if link.local is not None
    ]  # fmt: skip


def product_lines(
    stage: Stage, write: Write, name: Callable[[str], str] = str, most: float = MOST_WHOLE_IN_ROW
) -> list[str]:
    """What a stage hands on to its operands: `x: -4 * 1 = -4`; without factors where it mixes."""
    return [f"{name(x.operand)}: {_product(stage, x, write, most)}" for x in _links(stage)]


def _links(stage: Stage) -> Iterator[Link]:
    return (link for link in stage.links or () if link is not None)


def _product(stage: Stage, link: Link, write: Write, most: float) -> str:
    part = _short(link.contribution, link.bound, write, most)
    if link.local is None:
        return part
    upstream = _factor(stage.gradient, stage.gradient_bound, write, most)
    product = f"{upstream} * {_factor(link.local, link.local_bound, write, most)}"
    is_summed = shape_of(link.contribution) != shape_of(link.local)  # the operand was broadcast
    return f"sum({product}) = {part}" if is_summed else f"{product} = {part}"


def _short(number: Number | None, bound: Number | None, write: Write, most: float) -> str:
    if isinstance(number, list):
        return array_text(number, bound, write, math.isinf(most), MOST_WHOLE_IN_ROW)
    return write(number, bound)


def _factor(number: Number | None, bound: Number | None, write: Write, most: float) -> str:
    shape = shape_of(number)
    if math.prod(shape) > most:
        return str(shape)
    text = _short(number, bound, write, most)
    return f"({text})" if "+-" in text else text
