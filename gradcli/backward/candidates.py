"""Changed lines that may take a mistake back: the line's own tree with a change, or factors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain, combinations
from typing import Any

from gradcli.arithmetic.agreement import agree
from gradcli.backward.amounts import flat
from gradcli.backward.scene import Repair, Scene
from gradcli.evaluation.point import gather
from gradcli.graph.lowering import Value
from gradcli.graph.nodes import Graph
from gradcli.syntax import Tree, write
from gradcli.syntax.edit import (
    cut_out,
    factors_in,
    first_stop,
    joined,
    name_tree,
    number_tree,
    one_less,
    operands,
    part,
    renamed,
    replaced,
    start_of,
    summed,
    swapped,
    transposed,
    unary,
    with_op,
)

OPERATORS = ("add", "sub", "mul", "div", "pow")
NEUTRAL_AT_ONE = ("mul", "div", "pow")  # where these would be right the operand is too much
OTHER_BRANCHES = {
    "lt": ("ge", "gt"), "ge": ("lt", "le"), "gt": ("le", "lt"), "le": ("gt", "ge"),
    "eq": ("ne",), "ne": ("eq",),
}  # fmt: skip
SWITCHES = {"max", "min", "relu", "leaky_relu", "where", "abs", "huber"}
FEWEST_POINTS = 3  # to tell a product of factors from chance
MOST_FACTORS = 30  # nodes whose powers are tried
MOST_PARTS = 1000  # of a fraction that a constant may be
MOST_NAMES = 200  # forward names that are tried in the place of another one


def candidates(scene: Scene, written: list[list[float]]) -> Iterator[Repair]:
    """The line with a change at one place."""
    tree = scene.tree
    if stale := _stale(scene):
        reason = f"{', '.join(stale)} is passed on before it is complete"
        yield Repair(tree, "missing-path", reason, is_complete=True)
    yield from chain(
        _signs(tree), _operators(scene), _names(scene, True), _one_minus(scene), _powers(scene),
        _branches(scene), _upstream(scene), _means(tree), _constants(scene, written),
        _products(scene, written), _softmax(scene),
    )  # fmt: skip


def _stale(scene: Scene) -> list[str]:
    """The gradients that a line reads and that later lines add to."""
    return [
        f"d{read.name}" for read in scene.line.reads.values()
        if read.kind == "gradient"
        and read.value != scene.program.claims.get(read.name, read.value)
    ]  # fmt: skip


def _signs(tree: Tree) -> Iterator[Repair]:
    yield Repair(unary(tree, "neg"), "sign", "the sign is wrong: the line is -1 times the gradient")
    for k, op in enumerate(tree.ops):
        if op in ("add", "sub"):
            other = "sub" if op == "add" else "add"
            changed = with_op(tree, k, other)
            yield Repair(changed, "sign", f"a sign is wrong: `{write(changed)}` is right")
        if op == "number" and tree.args[k] < 0:
            changed = replaced(tree, k, k, number_tree(-tree.args[k]))
            yield Repair(changed, "sign", f"a sign is wrong: `{write(changed)}` is right")
        if op == "neg":
            changed = Tree(cut_out(tree.ops, k), cut_out(tree.args, k), cut_out(tree.starts, k))
            yield Repair(changed, "sign", f"a sign is wrong: `{write(changed)}` is right")


def swaps(scene: Scene) -> Iterator[Repair]:
    """The two sides of a difference in the other order."""
    tree = scene.tree
    for k, op in enumerate(tree.ops):
        if op == "sub":
            changed = swapped(tree, k)
            yield Repair(changed, "sign", f"a sign is wrong: `{write(changed)}` is right")


def _operators(scene: Scene) -> Iterator[Repair]:
    """Another operator; no gradient that comes back becomes a power, or what is divided by."""
    tree, reads = scene.tree, scene.line.reads
    linear = {k for k, op in enumerate(tree.ops) if op == "name" and tree.args[k] in reads
              and reads[tree.args[k]].kind == "gradient"}  # fmt: skip
    for k, op in enumerate(tree.ops):
        if op not in OPERATORS or tree.ops[k - 1] == tree.ops[k - 2] == "number":
            continue
        (start, middle), _ = operands(tree, k)
        fixed = {"pow": range(start, k), "div": range(middle, k)}
        idle = NEUTRAL_AT_ONE if tree.ops[k - 1] == "number" and tree.args[k - 1] == 1 else ()
        for other in OPERATORS:
            if other in idle or not linear.isdisjoint(fixed.get(other, ())):
                continue
            if other != op and {op, other} != {"add", "sub"}:
                changed = with_op(tree, k, other)
                yield Repair(changed, "wrong-operator", f"an operator is wrong: `{write(changed)}`")


def other_names(scene: Scene) -> Iterator[Repair]:
    """A forward value in the place of a gradient, or a gradient in that of a forward value."""
    return _names(scene, False)


def _names(scene: Scene, is_alike: bool) -> Iterator[Repair]:
    """Another name of the same kind in the place of one, or of another kind."""
    tree, program = scene.tree, scene.program
    known = list(dict.fromkeys([*program.inputs, *program.stages]))[-MOST_NAMES:]
    gradients = [*scene.scope]
    compared = compared_in(tree)
    compared_with = set().union(scene.consumers, *scene.operands.values()) or {*known}
    for name in dict.fromkeys(a for op, a in zip(tree.ops, tree.args, strict=True) if op == "name"):
        kind = scene.line.reads[name].kind if name in scene.line.reads else "forward"
        places = [k for k, op in enumerate(tree.ops) if op == "name" and tree.args[k] == name]
        for other in known if (kind == "forward") == is_alike else gradients:
            if other == name:
                continue
            for chosen in [places, *([k] for k in places if len(places) > 1)]:
                if compared.issuperset(chosen) and other not in compared_with:
                    continue
                changed = renamed(tree, chosen, other)
                if compared.issuperset(chosen) and _is_array(scene, other):
                    reason = f"the mask is of the wrong array: {other} decides, not {name}"
                    yield Repair(changed, "wrong-cache", reason)
                else:
                    yield Repair(changed, *_wrong_name(scene, name, other, kind))


def compared_in(tree: Tree) -> set[int]:
    """The places inside comparisons, where a value only decides."""
    return {n for k, op in enumerate(tree.ops) if op in OTHER_BRANCHES
            for start, stop in operands(tree, k) for n in range(start, stop)}  # fmt: skip


def _factor_places(scene: Scene) -> list[int]:
    """The places of names that are no gradients, and that do not only decide."""
    tree, reads, compared = scene.tree, scene.line.reads, compared_in(scene.tree)
    return [
        k for k, op in enumerate(tree.ops)
        if op == "name" and k not in compared
        and (tree.args[k] not in reads or reads[tree.args[k]].kind != "gradient")
    ]  # fmt: skip


def _wrong_name(scene: Scene, name: str, other: str, kind: str) -> tuple[str, str]:
    """The mistake, and the reason, where a line reads `name` and should read `other`."""
    for consumer in scene.consumers if kind != "gradient" else ():
        operands = scene.operands.get(consumer, set())
        if other == consumer and name in operands:
            text = f"the slope is taken from the input {name}: use the output {other}"
            return "slope-from-input", text
        if {name, other} <= operands and name == scene.target and "mul" in scene.gates:
            text = f"your factor is {name}; a product sends each input the other one, {other}"
            return "not-switched", text
    if other in scene.line.shifted:
        return "wrong-cache", f"the place is wrong: `{other}` is right, not `{name}`"
    if kind == "gradient" and other in scene.scope:
        where = f"the upstream gradient is taken from the wrong place: {other} is right, not {name}"
        return "wrong-cache", where
    return "wrong-cache", f"the line is right if {name} is replaced by {other}"


def _is_array(scene: Scene, name: str) -> bool:
    value: Value = scene.program.stages.get(name, scene.program.inputs.get(name, []))
    return isinstance(value, list) or bool(scene.program.graph.shape(value))


def _softmax(scene: Scene) -> Iterator[Repair]:
    """The whole of a softmax's Jacobian where the line takes its diagonal, `p*(1 - p)*dp`."""
    tree = scene.tree
    for name, upstream in scene.gradients.items():
        diagonal = one_less(name, 1)
        count = len(diagonal.ops)
        has_it = any(part(tree, k, k + count) == diagonal for k in range(len(tree.ops)))
        if not has_it or not _is_array(scene, name):
            continue
        p, g = name_tree(name), name_tree(upstream)
        for axis in (None, 1, 0):
            inner = summed(joined(p, g, "mul"), axis, is_kept=axis is not None)
            changed = joined(p, joined(g, inner, "sub"), "mul")
            reason = f"this is only the diagonal of the softmax: `{write(changed)}` is right"
            yield Repair(changed, "softmax-diagonal", reason)


def _one_minus(scene: Scene) -> Iterator[Repair]:
    """`s` where `1 - s` is right, or a factor `1 - s` that is lost; for tanh `1 - s**2`."""
    tree = scene.tree
    for k in _factor_places(scene):
        reason = f"1 - {tree.args[k]} is right where {tree.args[k]} stands"
        yield Repair(replaced(tree, k, k, one_less(tree.args[k], 1)), "dropped-one-minus", reason)
    for k, op in enumerate(tree.ops):
        if op == "pow":
            start = start_of(tree, k)
            whole = part(tree, start, k + 1)
            changed = replaced(tree, start, k, joined(number_tree(1.0), whole, "sub"))
            reason = f"1 - {write(whole)} is right where {write(whole)} stands"
            yield Repair(changed, "dropped-one-minus", reason)
    for name in _outputs(scene):
        for power in (1, 2):
            slope = one_less(name, power)
            reason = f"the factor `{write(slope)}` is lost"
            yield Repair(joined(tree, slope, "mul"), "dropped-one-minus", reason)
        slope = joined(one_less(name, 1), name_tree(name), "mul")
        reason = f"the slope `{write(slope)}` is lost"
        yield Repair(joined(tree, slope, "mul"), "dropped-factor", reason)


def _outputs(scene: Scene) -> list[str]:
    """The consumers, the sigmoids and tanhs without gradients between them and the line.

    What the line reads of the forward part is one, too, however it is written.
    """
    graph = scene.program.graph
    inside = [
        graph.names[node] for node in scene.nodes
        if node in graph.names and graph.gates[node].name in ("sigmoid", "tanh")
    ]  # fmt: skip
    read = [
        name for name, read in scene.line.reads.items()
        if read.kind == "forward" and read.value.__class__ is int and graph.operands[read.value]
    ]  # fmt: skip
    return list(dict.fromkeys([*scene.consumers, *inside, *read]))


def _means(tree: Tree) -> Iterator[Repair]:
    """A sum where the line takes a mean, or a mean where it takes a sum."""
    reasons = {"mean": "it is no mean: `{}` is right", "sum": "a mean is lost: `{}` is right"}
    other = {"mean": "sum", "sum": "mean"}
    for k, op in enumerate(tree.ops):
        if op == "call" and tree.args[k].name in other:
            args = [*tree.args]
            args[k] = tree.args[k]._replace(name=other[tree.args[k].name])
            changed = Tree(tree.ops, args, tree.starts)
            reason = reasons[tree.args[k].name].format(write(changed))
            yield Repair(changed, "missing-mean", reason)


def _constants(scene: Scene, written: list[list[float]]) -> Iterator[Repair]:
    """A number that is a wrong factor everywhere."""
    pairs = zip(scene.expected[0], written[0], strict=False) if scene.expected else ()
    ratio = next((right / got for right, got in pairs if got and right), math.nan)
    if not math.isfinite(ratio) or not ratio or math.isclose(abs(ratio), 1.0):
        return
    tree = times(scene.tree, ratio)
    size = max(abs(ratio), 1 / abs(ratio))
    if any(math.isclose(size, count) for count in scene.counts):
        reason = f"the line is {1 / ratio:.6g} times the gradient: the mean over {size:.0f}"
        known = {**scene.program.inputs, **scene.program.stages}
        target = known.get(scene.target, 0)
        is_array = isinstance(target, list) or bool(scene.program.graph.shape(target))
        if len(written[0]) > 1 or is_array:
            yield Repair(tree, "missing-mean", reason, is_general=True)
            for name in _called(scene, size):  # `/ N` holds for another N as well
                op = "mul" if abs(ratio) > 1 else "div"
                signed = unary(scene.tree, "neg") if ratio < 0 else scene.tree
                yield Repair(joined(signed, name_tree(name), op), "missing-mean", reason)
            return
    reason = f"the line is {1 / ratio:.6g} times the gradient: a constant factor is wrong"
    yield Repair(tree, "dropped-factor", reason, is_general=True)


def times(tree: Tree, ratio: float) -> Tree:
    """A tree times a number; a fraction is multiplied by its top and divided by its bottom."""
    from fractions import Fraction  # late: only a wrong line needs it

    if ratio < 0:
        tree = unary(tree, "neg")
    fraction = Fraction(abs(ratio)).limit_denominator(MOST_PARTS)
    if not math.isclose(float(fraction), abs(ratio), rel_tol=1e-9):
        return joined(tree, number_tree(abs(ratio)), "mul")
    if fraction.numerator != 1:
        number = number_tree(float(fraction.numerator))
        is_atom = tree.ops[-1] in ("name", "pow", "call", "index")
        tree = joined(number, tree, "mul") if is_atom else joined(tree, number, "mul")
    if fraction.denominator != 1:
        tree = joined(tree, number_tree(float(fraction.denominator)), "div")
    return tree


def _called(scene: Scene, size: float) -> list[str]:
    """The inputs that are this number."""
    values = scene.runs[0].values
    return [
        name for name, node in scene.program.inputs.items()
        if isinstance(node, int) and _is_number(scene.program.graph, node) and values[node] == size
    ]  # fmt: skip


def _products(scene: Scene, written: list[list[float]]) -> Iterator[Repair]:
    """Matrices transposed, or in the other order; sums over an axis."""
    tree = scene.tree
    for k, op in enumerate(tree.ops):
        is_dot = op == "call" and tree.args[k].name in ("dot", "matmul") and tree.args[k].count == 2
        if op != "matmul" and not is_dot:
            continue
        (start, middle), (_, stop) = operands(tree, k)
        parts = part(tree, start, middle), part(tree, middle, stop)
        for left, right in (parts, parts[::-1]):
            for a in (left, transposed(left)):
                for b in (right, transposed(right)):
                    changed = replaced(tree, start, k, joined(a, b, "matmul"))
                    reason = f"a matrix is transposed or in the wrong order: `{write(changed)}`"
                    yield Repair(changed, "transposed", reason)
    if len(written[0]) > 1:
        yield Repair(transposed(tree), "transposed", "the line is the gradient transposed")
    for axis in (0, 1, None):
        whole = summed(tree, axis)
        where = "everything" if axis is None else f"axis {axis}"
        yield Repair(whole, "unsummed-axis", f"the line is not summed over {where}")
        for k, op in enumerate(tree.ops):
            if op == "call" and tree.args[k].name == "sum":
                start = start_of(tree, k)
                inner = part(tree, start, first_stop(tree, start, k))
                changed = replaced(tree, start, k, summed(inner, axis))
                yield Repair(changed, "unsummed-axis", f"the sum must run over {where}")


def factors(scene: Scene, written: list[list[float]], tolerance: float) -> Iterator[Repair]:
    """Factors that are lost or superfluous: powers of what the consumers are computed from.

    The ratio of expected to written numbers is a constant times a product of at most two of them.
    """
    for name in scene.consumers:  # of arrays as well
        reason = f"the factor `{name}` is lost"
        yield Repair(joined(scene.tree, name_tree(name), "mul"), "dropped-factor", reason)
    numbers = [line[0] for line in written if len(line) == 1]
    is_known = bool(scene.expected) and len(numbers) >= max(FEWEST_POINTS, len(written))
    if not is_known or scene.gates & SWITCHES:
        return
    ratios = [
        math.nan if got == 0 else right[0] / got
        for right, got in zip(scene.expected, numbers, strict=True)
    ]
    if not all(map(math.isfinite, ratios)) or not all(ratios):
        return
    tables = [
        (node, power, [_power(run.values[node], power) for run in scene.runs])
        for node in scene.nodes[-MOST_FACTORS:]
        if _is_varied(scene.program.graph, node) for power in (1, -1, 2, -2)
    ]  # fmt: skip
    tables = [table for table in tables if all(v and math.isfinite(v) for v in table[2])]
    # Two at once must both be lost, or both be too many: one for the other is no factor's slip.
    pairs = [
        (a, b) for a, b in combinations(tables, 2)
        if a[0] != b[0] and max(a[1], b[1]) < 2 and a[1] * b[1] > 0
    ]  # fmt: skip
    for chosen in chain(((table,) for table in tables), pairs):
        products = [math.prod(t[2][k] for t in chosen) for k in range(len(ratios))]
        if not all(products):
            continue
        rest = [ratio / product for ratio, product in zip(ratios, products, strict=True)]
        if all(agree(rest[0], other, tolerance) for other in rest[1:]):
            yield _lost_factor(scene, chosen, rest[0])


def _is_number(graph: Graph, node: int) -> bool:
    return node not in graph.shapes and not isinstance(graph.constants.get(node), tuple)


def _is_varied(graph: Graph, node: int) -> bool:
    """Whether a node is a number that is another one at another point."""
    return _is_number(graph, node) and node not in graph.constants


def _lost_factor(scene: Scene, chosen: Any, constant: float) -> Repair:
    tree, inside = scene.tree, set(factors_in(scene.tree))
    names = [scene.program.graph.names.get(node, "") for node, _, _ in chosen]
    claims = {
        node: f"d{name}" for name, node in scene.program.claims.items() if _is_own(scene, node)
    }
    called = {node: claims.get(node, f"#{node}") for node, _, _ in chosen}
    for node, power, _ in chosen:
        for _ in range(abs(power)):
            tree = joined(tree, name_tree(called[node]), "mul" if power > 0 else "div")
    tree = times(tree, constant)
    is_power = all(name in inside for name in names) and len(chosen) == 1
    phrases = scene.program.graph.phrases(scene.names)
    words = [name or phrases[node][0] for (node, _, _), name in zip(chosen, names, strict=True)]
    text = " and ".join(
        f"{word}**{abs(power)}" if abs(power) > 1 else word
        for word, (_, power, _) in zip(words, chosen, strict=True)
    )
    if is_power:
        return Repair(tree, "dropped-power", f"the power of {text} is wrong")
    cure = "belongs there" if all(power > 0 for _, power, _ in chosen) else "is wrong"
    return Repair(tree, "dropped-factor", f"a factor of {text} {cure}")


def _is_own(scene: Scene, node: Value) -> bool:
    """Whether a gradient is a number with a node of its own, and not that of a forward name."""
    return isinstance(node, int) and node >= scene.program.forward_nodes


def _power(value: float, power: int) -> float:
    """A power of -2 to 2; 0 where there is none that is finite."""
    whole = value * value if abs(power) == 2 else value  # inf rather than an error
    if power > 0 or not whole:
        return whole
    return 1 / whole


def _powers(scene: Scene) -> Iterator[Repair]:
    """An exponent that is one too low or too high, or was left out.

    What comes back is linear in the gradients that a line reads: no power of them is right.
    """
    tree = scene.tree
    for k, op in enumerate(tree.ops):
        if op == "pow" and tree.ops[k - 1] == "number":
            for exponent in _exponents(tree.args[k - 1]):
                changed = _with_exponent(tree, k, exponent)
                yield Repair(changed, "dropped-power", f"a power is wrong: `{write(changed)}`")
    for k in _factor_places(scene):
        squared = joined(name_tree(tree.args[k]), number_tree(2.0), "pow")
        changed = replaced(tree, k, k, squared)
        yield Repair(changed, "dropped-power", f"a power is lost: `{write(changed)}` is right")


def _exponents(own: float) -> Iterator[float]:
    """Exponents that one may be a slip for, the nearest first."""
    tried = dict.fromkeys((own + 1, own - 1, *map(own.__add__, (2, -2)), own / 2, 2 * own))
    return (exponent for exponent in tried if exponent not in (own, 0.0))


def _with_exponent(tree: Tree, k: int, exponent: float) -> Tree:
    """The power at k with another exponent; to the power of 1 it is its base."""
    if exponent == 1.0:
        tables = (tree.ops, tree.args, tree.starts)
        return Tree(*(cut_out(cut_out(table, k), k - 1) for table in tables))
    args = [*tree.args]
    args[k - 1] = exponent
    return Tree(tree.ops, args, tree.starts)


def _branches(scene: Scene) -> Iterator[Repair]:
    """The gradient sent to the other operand of a max, or the wrong arm of a choice."""
    tree = scene.tree
    for k, op in enumerate(tree.ops):
        for other in OTHER_BRANCHES.get(op, ()):
            changed = with_op(tree, k, other)
            yield Repair(changed, "wrong-branch", f"the other branch is right: `{write(changed)}`")
    own = scene.program.stages.get(scene.target)
    before = {scene.program.graph.gates[own].name} if isinstance(own, int) else set()
    if (scene.gates | before) & SWITCHES:  # `dh` may be handed on under its name, masked
        for k in _factor_places(scene):
            mask = joined(name_tree(tree.args[k]), number_tree(0.0), "gt")
            reason = f"only whether {tree.args[k]} is above 0 counts, not how far: `{write(mask)}`"
            yield Repair(replaced(tree, k, k, mask), "wrong-branch", reason)
    if scene.gates & SWITCHES:
        for name in _masks(scene):
            changed = joined(tree, name_tree(name), "mul")
            reason = f"nothing goes back where the gate is off: the factor `{name}` is lost"
            yield Repair(changed, "wrong-branch", reason)
        for name in sorted(set().union(*scene.operands.values())):
            mask = joined(name_tree(name), number_tree(0.0), "gt")
            changed = joined(tree, mask, "mul")
            reason = (
                f"nothing goes back where the gate is off: the factor `({write(mask)})` is lost"
            )
            yield Repair(changed, "wrong-branch", reason)
        for consumer in scene.consumers:
            reason = "the gradient goes to the operand that did not win"
            if consumer in scene.gradients:
                changed = joined(name_tree(scene.gradients[consumer]), tree, "sub")
                yield Repair(changed, "wrong-branch", reason)


def _masks(scene: Scene) -> list[str]:
    """The helpers that the line does not read and that are 1 or 0 everywhere, and both."""
    values = scene.runs[0].values
    others = {*scene.line.reads, *scene.gradients.values()}
    helpers = [name for name in scene.scope if name not in others]
    return [name for name in helpers if {*flat(gather(scene.scope[name], values))} == {0, 1}]


def _upstream(scene: Scene) -> Iterator[Repair]:
    tree = scene.tree
    reads = scene.line.reads
    inside = {a for op, a in zip(tree.ops, tree.args, strict=True) if op == "name"}
    read = {reads[name].name for name in inside if name in reads and reads[name].kind == "gradient"}
    for consumer in scene.consumers:
        if consumer in scene.gradients and consumer not in read:
            name = scene.gradients[consumer]
            reason = f"the line is off by exactly the factor {name}: the upstream gradient"
            yield Repair(joined(tree, name_tree(name), "mul"), "missing-upstream", reason)
