"""Vectors that hold several parameters one behind the other, as optimisers want them.

`W = theta[: H * D].reshape(H, D)`, `b = theta[H * D :]`, or `theta.reshape(H, D)` as a whole: how
long such a vector is, only reading says. It is read with far more elements than any code takes;
where the parts end is its length.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from math import prod
from typing import NamedTuple

from gradcli.errors import GradcliError
from gradcli.python.parameters.misfits import pair_of, shapes_in
from gradcli.python.state.source import PythonFault
from gradcli.python.state.tape import Tape

UNCUT = 10_007  # elements to begin with: a prime, which is the size of nothing else
INTO = re.compile(r"(?:into shape|makes that) \(([-\d, ]*)\)")
FREE = (3, 5, 7)  # for an axis that a reshape leaves open: the first that no other axis has


class Measured(PythonFault):
    """A reading that has shown how long vectors of parameters are."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        super().__init__("vectors of parameters are as long as their parts")
        self.shapes = shapes


class Packed(NamedTuple):
    """The vectors of several parameters in a function, and what their parts end at."""

    names: set[str]
    sizes: set[str]


def packed_in(function: ast.AST) -> Packed:
    """The vectors whose parts are taken up to places that are computed, and shaped, or adjoin."""
    nodes = [*ast.walk(function)]
    shaped = {id(part) for node in nodes for part in _shaped(node)}
    found = {node.id for node in nodes if isinstance(node, ast.Name) and id(node) in shaped}
    firsts: set[str] = set()
    cuts: Counter[str] = Counter()
    sizes: dict[str, set[str]] = {}
    for node in nodes:
        if not (isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name)):
            continue
        place, name = node.slice, node.value.id
        if not isinstance(place, ast.Slice) or place.step is not None:
            continue
        ends = [end for end in (place.lower, place.upper) if end is not None]
        if all(isinstance(end, (ast.Constant, ast.UnaryOp)) for end in ends):
            continue  # `x[1:]`, `x[:-1]`: neighbours in one array
        cuts[name] += 1
        named = {part.id for end in ends for part in ast.walk(end) if isinstance(part, ast.Name)}
        sizes.setdefault(name, set()).update(named)
        if id(node) in shaped:
            found.add(name)
        if place.lower is None or ast.unparse(place.lower) == "0":
            firsts.add(name)
    found |= {name for name in firsts if cuts[name] > 1}
    return Packed(found, {size for name in found for size in sizes.get(name, ())})


def _shaped(node: ast.AST) -> Iterator[ast.AST]:
    """What a call gives computed sizes: `part.reshape(n, m)`, `np.reshape(part, (n, m))`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return
    if node.func.attr != "reshape" or not node.args:
        return
    of_numpy = isinstance(node.func.value, ast.Name) and node.func.value.id in ("np", "numpy")
    part, sizes = (node.args[0], node.args[1:]) if of_numpy else (node.func.value, node.args)
    axes = sizes[0].elts if len(sizes) == 1 and isinstance(sizes[0], ast.Tuple) else sizes
    if not isinstance(part, ast.Name) or _are_of_matrix(axes):
        yield part


def _are_of_matrix(axes: list[ast.expr]) -> bool:
    """Whether computed sizes are those of a matrix that a vector is: no batch that is flattened."""
    is_flattened = not axes or isinstance(axes[0], ast.UnaryOp)  # `x.reshape(-1, d)`
    own = [part.attr for axis in axes for part in ast.walk(axis)
           if isinstance(part, ast.Attribute) and ast.unparse(part.value) == "self"]  # fmt: skip
    is_kept = any("shape" in name for name in own)  # of the array itself: `self.shape`
    is_fixed = all(isinstance(axis, (ast.Constant, ast.UnaryOp)) for axis in axes)
    return len(axes) > 1 and not (is_flattened or is_kept or is_fixed)


def measured(tape: Tape, error: GradcliError | None, has_ended: bool) -> dict[str, tuple[int, ...]]:
    """The shapes of the vectors that a reading has cut, where they were not known before.

    A last part that is open ends where the error wants it to: what stopped the reading is then
    the size of that part. Parts that all have an end are all there once the forward part has ended.
    """
    found: dict[str, tuple[int, ...]] = {}
    for name, node in tape.graph.inputs.items():
        if tape.shape(node) != (UNCUT,):
            continue
        cuts = tape.cuts.get(node, {(0, None)})
        begun = max((start for start, end in cuts if end is None), default=None)
        ended = max((end for _, end in cuts if end is not None), default=0)
        if begun is None or begun < ended:
            length = ended if has_ended else None
        else:
            length = _wanted(UNCUT - begun, error)
            length = None if length is None else begun + length
        if length:
            found[name] = (length,)
    return found


def _wanted(size: int, error: GradcliError | None) -> int | None:
    """How many elements a part of some size should have, as an error says; None for no word."""
    if error is None:
        return None
    message = f"{error.message} {error.hint or ''}"
    shapes, into = shapes_in(message), INTO.search(message)
    if into and shapes and prod(shapes[0]) == size:
        axes = [int(n) for n in into[1].split(",") if n.strip()]
        free = next(n for n in FREE if n not in axes or n == FREE[-1])
        return prod(free if n < 0 else n for n in axes)
    pair = pair_of(message)
    if pair is None or size not in pair:
        return None
    return pair[1 - pair.index(size)]
