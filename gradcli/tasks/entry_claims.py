"""Claims on the blocks and entries of Jacobians and Hessians.

x,y=VALUE           the second derivatives by x and y: the shape of x, then that of y
x[0],y[1]=VALUE     one of them
value,x=VALUE       the Jacobian by x: the shape of the output, then that of x
value[0],x=VALUE    a row of it
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from gradcli.errors import NameFault, ShapeError, did_you_mean
from gradcli.evaluation.point import constants_at
from gradcli.program.bindings import parse_constant
from gradcli.program.model import Element, Program
from gradcli.requests import Setting
from gradcli.tasks.blocks import OUTPUT

PLACE = re.compile(r"\s*(\w+)\s*((?:\[\s*\d{1,18}\s*\])*)\s*\Z")


def kinds_of(program: Program, claims: Mapping[str, Setting]) -> set[str]:
    """Of what the claims are, jacobian or hessian or both. Raises NameFault."""
    return {_kind(program, _sides(program, name)[0]) for name in claims}


def _kind(program: Program, of: Element) -> str:
    is_output = of.name == OUTPUT and OUTPUT not in program.inputs
    return "jacobian" if is_output else "hessian"


def entry_claims(program: Program, kind: str, claims: Mapping[str, Setting]) -> dict[str, float]:
    """The claims on a `kind`, by the names of entries. Raises NameFault, ShapeError, BindingError.

    A block is claimed as nested lists: the shape of what is differentiated, then that of the input.
    """
    numbers: dict[str, float] = {}
    for name, claim in claims.items():
        of, by = _sides(program, name)
        if _kind(program, of) != kind:
            continue
        shapes = [_shape(program, side) for side in (of, by)]
        rest = tuple(
            n for s, side in zip(shapes, (of, by), strict=True) for n in s[len(side.index) :]
        )
        graph, node = parse_constant(name, claim, may_be_list=True)
        if graph.shape(node) != rest:
            has, wants = [f"shape {s}" if s else "one number" for s in (graph.shape(node), rest)]
            raise ShapeError(f"the claim for `{name}` is of {has}, what it is about of {wants}")
        value = np.asarray(constants_at(graph, [node])[node])
        depth = len(shapes[0]) - len(of.index)
        for at, number in np.ndenumerate(value):
            one = Element(of.name, (*of.index, *at[:depth]))
            other = Element(by.name, (*by.index, *at[depth:]))
            numbers[f"{one} by {other}"] = float(number)
    return numbers


def _sides(program: Program, name: str) -> tuple[Element, Element]:
    """The two sides of `x[0],y`. Raises NameFault."""
    sides = []
    for k, part in enumerate(name.split(",")):
        match = PLACE.match(part)
        known = [*program.inputs, *([OUTPUT] if not k else [])]
        if match is None or k > 1 or match[1] not in known:
            hint = did_you_mean(match[1], known) if match else None
            raise NameFault(
                f"`{name}` is claimed but is no entry of a Jacobian or a Hessian",
                hint=hint
                or "write INPUT,INPUT=VALUE or value,INPUT=VALUE, with indices [0] or not",
            )
        index = tuple(int(n) for n in re.findall(r"\d+", match[2]))
        side = Element(match[1], index)
        shape = _shape(program, side)
        if len(index) > len(shape) or any(n >= m for n, m in zip(index, shape, strict=False)):
            raise NameFault(f"`{side}` in `{name}` is no place in an array of shape {shape}")
        sides.append(side)
    return sides[0], sides[1]


def _shape(program: Program, side: Element) -> tuple[int, ...]:
    """The shape of an input, or of the output."""
    node = program.graph.inputs.get(side.name, program.output)
    return program.graph.shape(node)
