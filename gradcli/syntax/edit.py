"""Edits of expression trees: parts cut out, put in, renamed and joined.

A tree is a flat list in postfix order; a part of it ends at its operator and begins where all the
operands are complete.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gradcli.syntax.tree import Call, Tree


def name_tree(name: str) -> Tree:
    """A tree that is one name."""
    return Tree(["name"], [name], [0])


def number_tree(value: float) -> Tree:
    """A tree that is one number."""
    return Tree(["number"], [value], [0])


def one_less(name: str, power: int) -> Tree:
    """The tree of `1 - s`, or of `1 - s**2` for the power 2."""
    inner = (
        name_tree(name) if power == 1 else joined(name_tree(name), number_tree(float(power)), "pow")
    )
    return joined(number_tree(1.0), inner, "sub")


def joined(left: Tree, right: Tree, op: str) -> Tree:
    """Two trees as the operands of an operator."""
    return Tree(
        [*left.ops, *right.ops, op], [*left.args, *right.args, None],
        [*left.starts, *right.starts, left.starts[0]],
    )  # fmt: skip


def element_tree(tree: Tree, place: int) -> Tree | None:
    """One element of a list literal; None for any other tree."""
    if tree.ops[-1] != "list" or place >= tree.args[-1]:
        return None
    return part(tree, *element_places(tree)[place])


def element_places(tree: Tree) -> list[tuple[int, int]]:
    """Where the elements of a list literal stand: (start, stop) of each."""
    places, stop = [], len(tree.ops) - 1
    for _ in range(tree.args[-1]):
        start = start_of(tree, stop - 1)
        places.append((start, stop))
        stop = start
    return places[::-1]


def unary(tree: Tree, op: str) -> Tree:
    """The tree as the operand of a sign."""
    return Tree([*tree.ops, op], [*tree.args, None], [*tree.starts, tree.starts[0]])


def with_op(tree: Tree, k: int, op: str) -> Tree:
    """The tree with another operator at k."""
    return Tree([*tree.ops[:k], op, *tree.ops[k + 1 :]], tree.args, tree.starts)


def renamed(tree: Tree, places: list[int], name: str) -> Tree:
    """The tree with another name at some places."""
    args = [name if k in places else arg for k, arg in enumerate(tree.args)]
    return Tree(tree.ops, args, tree.starts)


def swapped(tree: Tree, k: int) -> Tree:
    """The tree with the two operands of the operator at k exchanged."""
    (a, b), (_, c) = operands(tree, k)
    order = [*range(a), *range(b, c), *range(a, b), *range(c, len(tree.ops))]
    return Tree(*([table[n] for n in order] for table in (tree.ops, tree.args, tree.starts)))


def operands(tree: Tree, k: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where the two operands of a binary operator stand: (start, stop) of each."""
    middle = start_of(tree, k - 1)
    return (start_of(tree, middle - 1), middle), (middle, k)


def start_of(tree: Tree, k: int) -> int:
    """Where the part that ends at k begins."""
    missing = 1
    while True:
        missing += arity(tree.ops[k], tree.args[k]) - 1
        if not missing:
            return k
        k -= 1


def arity(op: str, arg: Any) -> int:
    """How many operands an operation has."""
    if op in ("number", "name"):
        return 0
    if op in ("neg", "attribute"):
        return 1
    if op == "if":
        return 3
    if op == "call":
        return int(arg.count)
    if op in ("list", "tuple"):
        return int(arg)
    if op == "index":
        return int(arg) + 1
    if op == "slice":
        return int(arg[0]) + int(arg[1])
    return 2


def part(tree: Tree, start: int, stop: int) -> Tree:
    """The tree that stands from start to stop."""
    return Tree(tree.ops[start:stop], tree.args[start:stop], tree.starts[start:stop])


def cut_out(table: list[Any], k: int) -> list[Any]:
    """The list without its entry number k."""
    return [*table[:k], *table[k + 1 :]]


def factors_in(tree: Tree) -> Iterator[str]:
    """Names that stand as factors, divisors, or bases of powers."""
    for k, op in enumerate(tree.ops):
        if op in ("mul", "div", "pow", "neg"):
            for start, stop in operands(tree, k) if op != "neg" else ((start_of(tree, k - 1), k),):
                if stop - start == 1 and tree.ops[start] == "name":
                    yield tree.args[start]
    if len(tree.ops) == 1 and tree.ops[0] == "name":
        yield tree.args[0]


def transposed(tree: Tree) -> Tree:
    """The tree with `.T`, or without the one it ends with."""
    if tree.ops[-1] == "attribute" and tree.args[-1] == "T":
        return part(tree, 0, len(tree.ops) - 1)
    return Tree([*tree.ops, "attribute"], [*tree.args, "T"], [*tree.starts, tree.starts[0]])


def summed(tree: Tree, axis: int | None, is_kept: bool = False, function: str = "sum") -> Tree:
    """The sum of a tree over an axis, or over everything; `is_kept` leaves an axis of one."""
    numbers = [] if axis is None else [float(axis), 1.0][: 1 + is_kept]
    names = ("axis", "keepdims")[: len(numbers)]
    count = len(numbers)
    return Tree(
        [*tree.ops, *["number"] * count, "call"],
        [*tree.args, *numbers, Call(function, 1 + count, names)],
        [*tree.starts, *[tree.starts[0]] * (count + 1)],
    )


def first_stop(tree: Tree, start: int, k: int) -> int:
    """Where the first operand of the call at k ends."""
    stop = k
    for _ in range(tree.args[k].count - 1):
        stop = start_of(tree, stop - 1)
    return max(stop, start + 1)


def replaced(tree: Tree, start: int, k: int, part: Tree) -> Tree:
    """The tree with a part in place of the one from start to k; for a leaf these are equal."""
    return Tree(
        [*tree.ops[:start], *part.ops, *tree.ops[k + 1 :]],
        [*tree.args[:start], *part.args, *tree.args[k + 1 :]],
        [*tree.starts[:start], *part.starts, *tree.starts[k + 1 :]],
    )


def substituted(tree: Tree, meaning: Mapping[Any, Tree]) -> Tree:
    """The tree with other trees in the places of names."""
    whole = Tree([], [], [])
    for op, arg, start in zip(tree.ops, tree.args, tree.starts, strict=True):
        if op == "name" and arg in meaning:
            part = meaning[arg]
            whole.ops += part.ops
            whole.args += part.args
            whole.starts += part.starts
        else:
            whole.add(op, arg, start)
    return whole
