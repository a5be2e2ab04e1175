"""Changed lines that may take a mistake back: something put in, or left out, at one place."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, product

from gradcli.backward.candidates import compared_in
from gradcli.backward.scene import Repair, Scene, is_told
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
EXPONENTS = (2.0, -1.0, 0.5, -0.5, -1.5, -2.0, 3.0, 1.5)  # of parts whose power is left out
OTHER_NUMBERS = (0.0, 1.0, 2.0, 3.0, 0.5, -1.0)  # tried in the place of one


def left_out(scene: Scene) -> Iterator[Repair]:
    """The line without one of its parts, or with another number: no name is added."""
    yield from chain(_left_out(scene), _numbers(scene))


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


def _numbers(scene: Scene) -> Iterator[Repair]:
    """Another number in the place of one: an axis, an index, a constant."""
    tree = scene.tree
    factors = {
        stop - 1 for k, op in enumerate(tree.ops) if op in ("mul", "div")
        for start, stop in operands(tree, k) if stop - start == 1
    }  # fmt: skip
    for k, op in enumerate(tree.ops):
        if op != "number":
            continue
        value = tree.args[k]
        others = dict.fromkeys((*OTHER_NUMBERS, value + 1, value - 1, 2 * value, value / 2, -value,
                                *sorted(scene.counts)))  # fmt: skip
        if _is_place(tree, k):
            near = (value + 1, value - 1, value + 2, value - 2, *OTHER_NUMBERS)
            others = dict.fromkeys(n for n in near if n >= 0.0 and n == n // 1)
        for other in others:
            if other != value and not (k in factors and other in (0.0, 1.0)):  # it is left out
                changed = replaced(tree, k, k, number_tree(float(other)))
                reason = f"the number {value:g} is wrong: `{write(changed)}` is right"
                is_power = tree.ops[k + 1 : k + 2] == ["pow"]
                name = "dropped-power" if is_power else "wrong-constant"
                name = "unsummed-axis" if _is_axis(tree, k) else name
                yield Repair(changed, "sign" if other == -value else name, reason)


def _is_place(tree: Tree, k: int) -> bool:
    """Whether a number is an index that counts from the start, alone or as one of several."""
    after = tree.ops[k + 1 : k + 2]
    return tree.args[k] >= 0 and after in (["index"], ["slice"])


def _is_axis(tree: Tree, k: int) -> bool:
    """Whether a number is the `axis` of a call."""
    for stop in range(k + 1, min(k + 3, len(tree.ops))):
        call = tree.args[stop]
        if tree.ops[stop] == "call" and stop - k <= len(call.keywords):
            return bool(call.keywords[k - stop] == "axis")
    return False


def put_in(scene: Scene) -> Iterator[Repair]:
    """A factor, a divisor, a sum or a transpose that is missing somewhere."""
    tree, last = scene.tree, len(scene.tree.ops) - 1
    known = known_names(scene)
    helpers = [name for name in scene.scope if name not in scene.line.reads][-MOST_PUT_IN:]
    for k in places(tree):
        start = start_of(tree, k)
        whole = part(tree, start, k + 1)
        for name, form in product(known, ("mul", "div")):
            changed = replaced(tree, start, k, joined(whole, name_tree(name), form))
            words = f"the factor {name} is lost" if form == "mul" else f"a `/{name}` is lost"
            yield Repair(changed, "dropped-factor", f"{words}: `{write(changed)}`")
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
        for axis, is_kept, function in product((0, 1, None), (False, True), ("sum", "mean")):
            changed = replaced(tree, start, k, summed(whole, axis, is_kept, function))
            name = "unsummed-axis" if function == "sum" else "missing-mean"
            yield Repair(changed, name, f"a {function} is missing: `{write(changed)}`")
        for name, form in product(helpers, ("mul", "div")):
            changed = replaced(tree, start, k, joined(whole, name_tree(name), form))
            words = f"the factor {name} is lost" if form == "mul" else f"a `/{name}` is lost"
            yield Repair(changed, "dropped-factor", f"{words}: `{write(changed)}`")
        for exponent in EXPONENTS if tree.ops[k] in ("add", "sub") else ():
            power = joined(whole, number_tree(exponent), "pow")
            changed = replaced(tree, start, k, power)
            yield Repair(changed, "dropped-power", f"a power is lost: `{write(changed)}` is right")
    for name in known:
        mask = joined(name_tree(name), number_tree(0.0), "gt")
        reason = f"nothing goes back where the gate is off: the factor `({write(mask)})` is lost"
        yield Repair(joined(tree, mask, "mul"), "wrong-branch", reason)


def terms(scene: Scene) -> Iterator[Repair]:
    """The line with a name added to it, or taken from it."""
    tree = scene.tree
    for name in dict.fromkeys([*known_names(scene), *scene.scope]):
        term = name_tree(name)
        for changed in (joined(tree, term, "add"), joined(tree, term, "sub"),
                        joined(term, tree, "sub")):  # fmt: skip
            mistake = "missing-path" if name in scene.scope else "lost-term"
            yield Repair(changed, mistake, f"the term `{name}` is missing: `{write(changed)}`")


def upstreams(scene: Scene) -> Iterator[Repair]:
    """The line times an upstream gradient, alone or with a factor that is lost beside it."""
    tree = scene.tree
    read = set(scene.line.reads)
    of_consumers = {scene.gradients.get(name) for name in scene.consumers}
    gradients = [
        name for name in scene.scope
        if name not in read and (name in of_consumers or name not in scene.gradients.values())
    ][-MOST_PUT_IN:]  # fmt: skip
    known = known_names(scene)
    for upstream in gradients:
        whole = joined(tree, name_tree(upstream), "mul")
        reason = f"the factor {upstream} is lost: the upstream gradient"
        yield Repair(whole, "missing-upstream", reason)
        for name in known:
            for form in ("mul", "div"):
                words = f"{reason}, and {'by' if form == 'div' else 'the factor'} {name}"
                yield Repair(joined(whole, name_tree(name), form), "missing-upstream", words)


def usual_factors(scene: Scene) -> Iterator[Repair]:
    """The line times a name and a usual number, such as the `2*lam` of a penalty."""
    for name in known_names(scene):
        for number in (2.0, 0.5):
            whole = joined(scene.tree, joined(number_tree(number), name_tree(name), "mul"), "mul")
            reason = f"the factor {number:g} * {name} is lost"
            yield Repair(whole, "dropped-factor", reason)


def known_names(scene: Scene) -> list[str]:
    """The names that are put in: those the line reads, those near its target, then the latest."""
    near = [name for names in scene.operands.values() for name in sorted(names)]
    forward = [*scene.program.inputs, *scene.program.stages]
    names = dict.fromkeys([*scene.line.reads, *near, *scene.consumers, *reversed(forward)])
    known = [name for name in names if name in scene.line.reads or name in forward]
    return [name for name in known if is_told(scene, name_tree(name))][:MOST_PUT_IN]


def places(tree: Tree) -> list[int]:
    """Where something may be put in, the whole line first: no argument, and nothing compared."""
    compared = compared_in(tree)
    return [
        k for k in reversed(range(len(tree.ops)))
        if (tree.ops[k] not in ("slice", "tuple", "number") or len(tree.ops) == 1)
        and k not in compared and not _is_argument(tree, k)
    ]  # fmt: skip


def _is_argument(tree: Tree, k: int) -> bool:
    """Whether a number is an axis, an index or a size, by what comes right after it."""
    after = tree.ops[k + 1] if k + 1 < len(tree.ops) else ""
    return tree.ops[k] == "number" and after in ("index", "slice", "tuple")
