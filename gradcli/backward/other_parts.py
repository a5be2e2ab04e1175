"""Changed lines that may take a mistake back: with a number that is found, or another part.

3*t**2 - t + 1      ->  the number at `t` for which the line is right: 4
dh20*(3*t**2)       ->  a term of a name times a number: `- 2*t`
l1*w                ->  a function of a part: `sign(w)`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gradcli.backward.candidates import compared_in, times
from gradcli.backward.insertions import MOST_USUAL_FACTOR, known_names, places
from gradcli.backward.scene import Repair, Scene, parts_of, spelt
from gradcli.named_tuples import NamedTuple
from gradcli.syntax import Tree, write
from gradcli.syntax.edit import (
    joined,
    name_tree,
    number_tree,
    operands,
    part,
    replaced,
    start_of,
    transposed,
)
from gradcli.syntax.tree import Call

MOST_WITH_A_PART = 6  # above and below the line of a number that is lost with a factor
MOST_SCOPE = 24  # names of the backward part that are tried in one place
USUAL_TERMS = {1.0, 2.0}
FUNCTIONS = (
    "sin", "cos", "tan", "exp", "log", "sqrt", "abs", "sign", "tanh", "sigmoid", "relu", "sinh",
    "cosh", "log1p", "expm1", "softplus",
)  # fmt: skip
OF_A_PART = {  # the mistake where a part stands alone that belongs into an operation
    "add": "lost-term", "sub": "lost-term", "mul": "dropped-factor", "div": "dropped-factor",
    "pow": "dropped-power", "matmul": "dropped-factor", "neg": "sign", "call": "wrong-operator",
}  # fmt: skip


class Open(NamedTuple):
    """A changed line with one number that is still to be found, and the repair with it."""

    tree: Tree
    place: int  # of the number, which is 1
    filled: Callable[[float], Repair | None]


def coefficients(scene: Scene) -> Iterator[Open]:
    """The line with a number at one of its parts, as factor; a number of the text as another."""
    tree = scene.tree
    numbers = {
        start for k, op in enumerate(tree.ops) if op in ("add", "sub", "mul", "div")
        for start, stop in operands(tree, k) if tree.ops[start:stop] == ["number"]
    }  # fmt: skip
    for k in (*places(tree), *sorted(numbers)):
        start = start_of(tree, k)
        whole = part(tree, start, k + 1)
        changed = replaced(tree, start, k, joined(whole, number_tree(1.0), "mul"))

        def filled(c: float, start: int = start, k: int = k, whole: Tree = whole) -> Repair | None:
            return _with_factor(scene, start, k, whole, c)

        yield Open(changed, k + 1, filled)
    for k in places(tree):
        start = start_of(tree, k)
        whole = part(tree, start, k + 1)
        for factor in parts_of(scene):
            new = joined(number_tree(1.0), factor, "mul")
            changed = replaced(tree, start, k, joined(whole, new, "mul"))
            yield Open(changed, k + 1, _part_of(tree, start, k, whole, factor))


def _part_of(
    tree: Tree, start: int, k: int, whole: Tree, factor: Tree
) -> Callable[[float], Repair | None]:
    """The line with so many times a factor at one of its parts."""
    from fractions import Fraction  # late: only a wrong line needs it

    def filled(c: float) -> Repair | None:
        if not (c and max(Fraction(c).limit_denominator().as_integer_ratio()) <= MOST_WITH_A_PART):
            return None
        size, own = _signed(c, factor)
        if whole.ops == ["number"]:
            number = whole.args[0] * size
            new = own if number == 1.0 else joined(number_tree(number), own, "mul")
            reason = f"the factor `{write(own)}` is lost: `{write(new)}`"
            return Repair(replaced(tree, start, k, new), "dropped-factor", reason)
        if size == 1.0 and _bare(own) == _bare(whole):
            power = replaced(tree, start, k, joined(whole, number_tree(2.0), "pow"))
            return Repair(power, "dropped-power", f"a power is lost: `{write(power)}` is right")
        new = joined(times(whole, size), own, "mul")
        reason = f"the factor `{write(own)}` is lost: `{write(new)}`"
        return Repair(replaced(tree, start, k, new), "dropped-factor", reason)

    return filled


def _bare(tree: Tree) -> Tree:
    """The tree with its functions called without `np.`."""
    args = [arg._replace(prefix="") if isinstance(arg, Call) else arg for arg in tree.args]
    return Tree(tree.ops, args, tree.starts)


def _signed(c: float, tree: Tree) -> tuple[float, Tree]:
    """A number and a tree whose product is the same, without a sign in the tree."""
    if tree.ops[-1] == "neg":
        return -c, part(tree, 0, len(tree.ops) - 1)
    return c, tree


def _with_factor(scene: Scene, start: int, k: int, whole: Tree, c: float) -> Repair | None:
    """The line with a part times a number."""
    tree = scene.tree
    if c in (0.0, 1.0):
        return None
    if tree.ops[k] == "number":
        changed = replaced(tree, start, k, number_tree(whole.args[0] * c))
        reason = f"the number {whole.args[0]:g} is wrong: `{write(changed)}` is right"
        return Repair(changed, "sign" if c == -1 else "wrong-constant", reason)
    changed = replaced(tree, start, k, times(whole, c))
    if c == -1.0:
        return Repair(changed, "sign", f"the sign of `{write(whole)}` is wrong")
    size = max(abs(c), 1 / abs(c))
    mistake = "missing-mean" if size > MOST_USUAL_FACTOR and size in scene.counts else None
    return Repair(changed, mistake or "dropped-factor", f"a factor is lost: `{write(changed)}`")


def inner_terms(scene: Scene) -> Iterator[Open]:
    """The line with a term put in somewhere: a number, or a name or part times a number."""
    tree = scene.tree
    graph, forward = scene.program.graph, scene.program.forward_nodes
    written = {abs(c) for node, c in graph.constants.items()
               if node < forward and isinstance(c, float)}  # fmt: skip
    for k in places(tree):
        start = start_of(tree, k)
        whole = part(tree, start, k + 1)
        for term in _pool(scene):
            if term != whole:
                new = joined(number_tree(1.0), term, "mul")
                changed = replaced(tree, start, k, joined(whole, new, "add"))
                yield Open(changed, k + 1, _term_of(tree, start, k, term))
    for numbers in (written, USUAL_TERMS - written):
        for k in places(tree):
            start = start_of(tree, k)
            whole = part(tree, start, k + 1)
            changed = replaced(tree, start, k, joined(whole, number_tree(1.0), "add"))
            yield Open(changed, k + 1, _term_of(tree, start, k, number_tree(1.0), numbers))


def _term_of(
    tree: Tree, start: int, k: int, term: Tree, numbers: set[float] | None = None
) -> Callable[[float], Repair | None]:
    """The line with so many times a term beside one of its parts; `numbers` are those allowed."""
    whole = part(tree, start, k + 1)

    def filled(c: float) -> Repair | None:
        if not c or (numbers is not None and abs(c) not in numbers):
            return None
        c, own = _signed(c, term)
        if own.ops == ["number"]:
            new = number_tree(abs(c))
        else:
            new = own if abs(c) == 1.0 else joined(number_tree(abs(c)), own, "mul")
        both = joined(whole, new, "add" if c > 0 else "sub")
        if c > 0 and whole.ops[-1] == "neg":  # 1 - p rather than -p + 1
            both = joined(new, part(whole, 0, len(whole.ops) - 1), "sub")
        changed = replaced(tree, start, k, both)
        reason = f"`{write(changed)}` is right: the term `{write(new)}` is lost"
        return Repair(changed, "lost-term", reason)

    return filled


def other_parts(scene: Scene) -> Iterator[Repair]:
    """The line with another part in the place of one: a name, a part of the forward part."""
    tree = scene.tree
    yield from _products(scene)
    pool = _pool(scene)
    compared = compared_in(tree)
    for k in reversed(range(len(tree.ops) - 1)):
        if tree.ops[k] in ("slice", "tuple", "number") or k in compared:
            continue
        start = start_of(tree, k)
        whole = part(tree, start, k + 1)
        for other in pool:
            is_tried = len(other.ops) == 1 and tree.ops[k] == "name"
            if other != whole and not is_tried:
                reason = f"`{write(other)}` is right where `{write(whole)}` stands"
                mistake = _mistake(whole, spelt(other, scene.spellings))
                yield Repair(replaced(tree, start, k, other), mistake, reason)


def _mistake(whole: Tree, other: Tree) -> str:
    """The mistake where one part stands in the place of another."""
    size = len(whole.ops)
    for start in range(len(other.ops) - size):
        if part(other, start, start + size) == whole:
            return OF_A_PART.get(other.ops[-1], "wrong-cache")
    return "wrong-cache"


def functions(scene: Scene) -> Iterator[Repair]:
    """A function of a part, or another function of it."""
    tree, table = scene.tree, scene.program.graph.table
    known = [name for name in FUNCTIONS if name in table]
    for k in places(tree):
        start = start_of(tree, k)
        whole = part(tree, start, k + 1)
        is_call = tree.ops[k] == "call" and tree.args[k].count == 1
        for name in known:
            called = Tree([*whole.ops, "call"], [*whole.args, Call(name, 1)],
                          [*whole.starts, whole.starts[0]])  # fmt: skip
            reason = f"the function {name} is lost: `{write(called)}` is right"
            yield Repair(replaced(tree, start, k, called), "wrong-operator", reason)
            if is_call and (tree.args[k].name, name) == ("exp", "expm1"):
                less = joined(whole, number_tree(1.0), "sub")
                reason = f"`{write(less)}` is right: the term `1` is lost"
                yield Repair(replaced(tree, start, k, less), "lost-term", reason)
            elif is_call and tree.args[k].name in known and tree.args[k].name != name:
                args = [*tree.args]
                args[k] = Call(name, 1)
                changed = Tree(tree.ops, args, tree.starts)
                reason = f"the function is {name}, not {tree.args[k].name}: `{write(changed)}`"
                yield Repair(changed, "wrong-operator", reason)


def _products(scene: Scene) -> Iterator[Repair]:
    """The matrix product of a part with a name, on either side."""
    tree, graph = scene.tree, scene.program.graph
    if not graph.has_arrays:
        return
    for k in places(tree):
        start = start_of(tree, k)
        whole = part(tree, start, k + 1)
        for name in known_names(scene):
            for factor in (name_tree(name), transposed(name_tree(name))):
                for product in (joined(factor, whole, "matmul"), joined(whole, factor, "matmul")):
                    reason = f"the product with `{write(factor)}` is lost: `{write(product)}`"
                    yield Repair(replaced(tree, start, k, product), "dropped-factor", reason)


def _pool(scene: Scene) -> list[Tree]:
    """Names and parts that may belong somewhere in the line."""
    names = dict.fromkeys([*known_names(scene), *reversed([*scene.scope][-MOST_SCOPE:])])
    return [*map(name_tree, names), *parts_of(scene)]
