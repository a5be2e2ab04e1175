"""Changed lines that may take a mistake back: something put in, or left out, at one place."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from gradcli.backward.candidates import Repair, Scene
from gradcli.syntax import Tree, write
from gradcli.syntax.edit import (
    joined,
    name_tree,
    number_tree,
    operands,
    part,
    replaced,
    start_of,
    summed,
    transposed,
    unary,
)

MOST_PUT_IN = 16  # names that are tried as factors and terms
MOST_USUAL_FACTOR = 4.0  # above it a factor is a size
OTHER_NUMBERS = (0.0, 1.0, 2.0, 3.0, 0.5, -1.0)  # tried in the place of one


def insertions(scene: Scene) -> Iterator[Repair]:
    """The line with something put in, or left out, at one place."""
    yield from chain(_left_out(scene), _numbers(scene), _put_in(scene))


def _left_out(scene: Scene) -> Iterator[Repair]:
    """One operand alone in the place of an operator: a term or factor that is too much."""
    tree = scene.tree
    for k, op in enumerate(tree.ops):
        if op in ("add", "sub", "mul", "div", "pow", "matmul"):
            (start, middle), (_, stop) = operands(tree, k)
            sides = ((part(tree, start, middle), part(tree, middle, stop)),
                     (part(tree, middle, stop), part(tree, start, middle)))  # fmt: skip
            for kept, lost in sides:
                if op in ("div", "pow") and kept == sides[1][0]:
                    continue
                changed = replaced(tree, start, k, kept)
                text = write(lost)
                if op in ("add", "sub"):
                    yield Repair(changed, "extra-term", f"the term `{text}` does not belong there")
                else:
                    yield Repair(changed, "dropped-factor", f"the factor `{text}` is too much")
        if op == "call" and tree.args[k].count == 1:
            start = start_of(tree, k)
            kept = part(tree, start, k)
            reason = f"`{write(kept)}` is right where `{write(part(tree, start, k + 1))}` stands"
            yield Repair(replaced(tree, start, k, kept), "wrong-operator", reason)
        if op == "attribute" and tree.args[k] == "T":
            start = start_of(tree, k)
            changed = replaced(tree, start, k, part(tree, start, k))
            reason = f"a matrix is transposed or in the wrong order: `{write(changed)}`"
            yield Repair(changed, "transposed", reason)


def plain_numbers(scene: Scene) -> Iterator[Repair]:
    """The line with another number in the place of one, or without a factor."""
    yield from chain(_numbers(scene), _left_out(scene))


def _numbers(scene: Scene) -> Iterator[Repair]:
    """Another number in the place of one: an axis, an index, a constant."""
    tree = scene.tree
    for k, op in enumerate(tree.ops):
        if op != "number":
            continue
        value = tree.args[k]
        others = dict.fromkeys((*OTHER_NUMBERS, value + 1, value - 1, 2 * value, value / 2,
                                *sorted(scene.counts)))  # fmt: skip
        for other in others:
            if other != value:
                changed = replaced(tree, k, k, number_tree(float(other)))
                reason = f"the number {value:g} is wrong: `{write(changed)}` is right"
                yield Repair(changed, "wrong-constant", reason)


def _put_in(scene: Scene) -> Iterator[Repair]:
    """A factor, a divisor, a term, a sum or a transpose that is missing somewhere."""
    tree, program = scene.tree, scene.program
    forward = [*program.inputs, *program.stages]
    known = list(dict.fromkeys([*scene.line.reads, *reversed(forward)]))[:MOST_PUT_IN]
    last = len(tree.ops) - 1
    for k in reversed(range(len(tree.ops))):
        if tree.ops[k] in ("slice", "tuple") or _is_argument(tree, k):
            continue
        start = start_of(tree, k)
        whole = part(tree, start, k + 1)
        for name in known:
            factor = name_tree(name)
            reason = f"the factor {name} is lost"
            changed = replaced(tree, start, k, joined(whole, factor, "mul"))
            yield Repair(changed, "dropped-factor", f"{reason}: `{write(changed)}`")
            changed = replaced(tree, start, k, joined(whole, factor, "div"))
            yield Repair(
                changed, "dropped-factor", f"it is to be divided by {name}: `{write(changed)}`"
            )
        for number in (2.0, 0.5, *sorted(scene.counts)):
            for form in ("mul", "div"):
                changed = replaced(tree, start, k, joined(whole, number_tree(number), form))
                name = "missing-mean" if number > MOST_USUAL_FACTOR else "dropped-factor"
                yield Repair(changed, name, f"a factor is lost: `{write(changed)}`")
        if k != last:
            yield Repair(replaced(tree, start, k, unary(whole, "neg")), "sign",
                         f"the sign of `{write(whole)}` is wrong")  # fmt: skip
            yield Repair(replaced(tree, start, k, transposed(whole)), "transposed",
                         f"`{write(whole)}` is to be transposed")  # fmt: skip
        for axis in (0, 1, None):
            changed = replaced(tree, start, k, summed(whole, axis))
            yield Repair(changed, "unsummed-axis", f"a sum is missing: `{write(changed)}`")
    for name in known:
        mask = joined(name_tree(name), number_tree(0.0), "gt")
        reason = f"nothing goes back where the gate is off: the factor `({write(mask)})` is lost"
        yield Repair(joined(tree, mask, "mul"), "wrong-branch", reason)
    for name in dict.fromkeys([*known, *scene.scope]):
        for form in ("add", "sub"):
            changed = joined(tree, name_tree(name), form)
            mistake = "missing-path" if name in scene.scope else "lost-term"
            yield Repair(changed, mistake, f"the term `{name}` is missing: `{write(changed)}`")


def _is_argument(tree: Tree, k: int) -> bool:
    """Whether a number is an axis, an index or a size, by what comes right after it."""
    after = tree.ops[k + 1] if k + 1 < len(tree.ops) else ""
    return tree.ops[k] == "number" and after in ("index", "slice", "tuple")
