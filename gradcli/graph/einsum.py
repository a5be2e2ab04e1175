"""Einstein sums as nodes: a matrix product where two operands make one, else products and a sum."""

from __future__ import annotations

from math import prod
from typing import Any, Protocol

from gradcli.gates.shapes import Shape

FEW = 100  # places of a diagonal that are written out
SPARE = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # letters for the axes that `...` stands for


class Maker(Protocol):
    """What makes nodes of gates."""

    def shape(self, node: int) -> Shape:
        """The sizes of a node's axes."""

    def gate(self, name: str, *operands: int | tuple[Any, ...]) -> int:
        """The node of a gate; tuples are static operands."""

    def fail(self, message: str, hint: str | None = None) -> Any:
        """Raise an error."""


def einsum_node(maker: Maker, subscripts: str, operands: list[int]) -> int:
    """The node of an Einstein sum, in numpy's subscripts. Fails where they do not fit."""
    text = subscripts.replace(" ", "")
    sources, arrow, result = text.partition("->")
    parts = sources.split(",")
    if len(parts) != len(operands):
        maker.fail(f"einsum: {len(parts)} subscripts for {len(operands)} operands")
    shapes = [maker.shape(node) for node in operands]
    parts, result = without_dots(parts, result, [*map(len, shapes)])
    for part, shape in zip(parts, shapes, strict=True):
        if len(part) != len(shape) or not (part.isalpha() or not part):
            maker.fail(f"einsum: subscripts `{part}` for an array of shape {shape}")
    if not arrow:
        letters = "".join(parts)
        result = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    if len(set(result)) < len(result) or not set(result) <= set("".join(parts)):
        maker.fail(f"einsum: `{result}` has a letter twice, or one that no operand has")
    terms = [_once(maker, node, part) for node, part in zip(operands, parts, strict=True)]
    sizes = _sizes(maker, terms)
    if len(terms) == 2:
        quick = _as_product(maker, terms, result, sizes)
        if quick is not None:
            return quick
    return _summed_product(maker, terms, result)


def without_dots(parts: list[str], result: str, ranks: list[int]) -> tuple[list[str], str]:
    """Letters in place of `...`."""
    if not any("..." in part for part in parts):
        return parts, result
    spare = [c for c in SPARE if c not in "".join(parts)]
    counts = [r - len(p.replace("...", "")) for p, r in zip(parts, ranks, strict=True)]
    names = "".join(spare[: max(counts)])
    parts = [p.replace("...", names[len(names) - n :]) for p, n in zip(parts, counts, strict=True)]
    return parts, result.replace("...", names)


def _once(maker: Maker, node: int, part: str) -> tuple[int, str]:
    """An operand with every letter once: of a letter that comes twice the diagonal."""
    letters = "".join(dict.fromkeys(part))
    if letters == part:
        return node, part
    import numpy as np  # late: few sums have a diagonal

    from gradcli.gates.shapes import Places

    shape = maker.shape(node)
    try:
        places = np.einsum(f"{part}->{letters}", np.arange(prod(shape)).reshape(shape))
    except ValueError:
        maker.fail(f"einsum: subscripts `{part}` for an array of shape {shape}")
    written = ("take", f", {places.tolist()}") if places.size <= FEW else None
    return maker.gate("take", node, (Places(places, places.shape, written),)), letters


def _sizes(maker: Maker, terms: list[tuple[int, str]]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for node, part in terms:
        for letter, size in zip(part, maker.shape(node), strict=True):
            if sizes.setdefault(letter, size) != size:
                maker.fail(f"einsum: `{letter}` stands for {sizes[letter]} and for {size}")
    return sizes


def _moved(maker: Maker, node: int, order: tuple[int, ...], shape: Shape) -> int:
    """The axes in another order, then in another shape."""
    if order != tuple(range(len(order))):
        node = maker.gate("transpose", node, order)
    return node if maker.shape(node) == shape else maker.gate("reshape", node, shape)


def _as_product(
    maker: Maker, terms: list[tuple[int, str]], result: str, sizes: dict[str, int]
) -> int | None:
    """Two operands as one matrix product, batched over common letters; None where it is none."""
    (one, left), (other, right) = terms
    batch = [c for c in left if c in right and c in result]
    summed = [c for c in left if c in right and c not in result]
    rows = [c for c in left if c not in right]
    columns = [c for c in right if c not in left]
    if not summed or not set(rows + columns) <= set(result):
        return None

    def matrix(node: int, part: str, *groups: list[str]) -> int:
        order = tuple(part.index(c) for group in (batch, *groups) for c in group)
        shape = (*[sizes[c] for c in batch], *[prod(sizes[c] for c in g) for g in groups])
        return _moved(maker, node, order, shape)

    product = maker.gate("matmul", matrix(one, left, rows, summed),
                         matrix(other, right, summed, columns))  # fmt: skip
    letters = [*batch, *rows, *columns]
    shape = tuple(sizes[c] for c in letters)
    whole = product if maker.shape(product) == shape else maker.gate("reshape", product, shape)
    return _moved(maker, whole, tuple(letters.index(c) for c in result),
                  tuple(sizes[c] for c in result))  # fmt: skip


def _summed_product(maker: Maker, terms: list[tuple[int, str]], result: str) -> int:
    """The product of all operands along all letters, summed over those the result has not."""
    every = "".join(part for _, part in terms)
    letters = result + "".join(dict.fromkeys(c for c in every if c not in result))
    whole: int | None = None
    for node, part in terms:
        order = tuple(part.index(c) for c in letters if c in part)
        shape = maker.shape(node)
        wide = tuple(shape[part.index(c)] if c in part else 1 for c in letters)
        term = _moved(maker, node, order, wide)
        whole = term if whole is None else maker.gate("mul", whole, term)
    assert whole is not None
    axes = tuple(range(len(result), len(letters)))
    return maker.gate("sum", whole, (axes, False)) if axes else whole
