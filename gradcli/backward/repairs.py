"""The mistake by name: the one repair that makes a wrong line right.

Every candidate is the line's own tree with one change. It explains the line only if it has the
expected number at the program's point and at others near by, so that nothing fits by accident; the
mistake has a name only if all repairs that fit bear the same one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from typing import Any

from gradcli.arithmetic.arrays import key
from gradcli.backward.amounts import flat, spreads
from gradcli.backward.candidates import candidates, factors, other_names, swaps
from gradcli.backward.contributions import Piece
from gradcli.backward.formulas import Formulas
from gradcli.backward.insertions import (
    left_out,
    put_in,
    terms,
    upstreams,
    usual_factors,
)
from gradcli.backward.other_parts import Open, coefficients, functions, inner_terms, other_parts
from gradcli.backward.scene import Repair, Scene, meaning_of, spelt, tree_of
from gradcli.evaluation.point import gather
from gradcli.gates.shapes import Shape, count
from gradcli.graph.lowering import Value
from gradcli.graph.nodes import Graph
from gradcli.named_tuples import NamedTuple
from gradcli.syntax import Tree, write
from gradcli.syntax.edit import number_tree, replaced, substituted, unary

NEAR = 1e-6  # of the largest number: a number that is found is tried exactly afterwards
MOST_TIMES = 1000.0  # a number that may be lost
MOST_PARTS = 24  # of a fraction that is one
USUAL = (1.0, -1.0, 2.0, 0.5)
RESULT = "return"  # what a value is called that only a `return` computes: no line can read it
FEWEST_NUMBERS = 3  # that a change has to fit: at all points, of all elements
NOT_BEHIND_A_NAME = r"\w|\(| (?:factor|power|sum|mean)\b| `"  # `a factor is lost` has an article
MOST_USUAL = 4.0  # factors up to this are slips of another kind than a lost mean


def counts(graph: Graph, nodes: Collection[int], values: Sequence[Any]) -> set[float]:
    """How many examples there may be: what some gates divide by, and the axes of products.

    `values` are those of a run: an input that is divided by may be the number of examples, too.
    """
    numbers = set()
    for node in nodes:
        name, operands = graph.gates[node].name, graph.operands[node]
        if name in ("div", "mul"):
            constants = [
                c
                for k in operands
                if isinstance(c := graph.constants.get(_copied(graph, k)), float) and c
            ]
            numbers.update(constants if name == "div" else [1 / c for c in constants if c < 0.5])
            below = values[operands[1]]
            if name == "div" and isinstance(below, float) and below == below // 1 > 1:
                numbers.add(below)
        elif name in ("mean", "var", "std"):
            shape, axis = map(graph.look, operands)
            numbers.add(count(shape, axis))
        elif name == "matmul":  # a batch that is summed over on the way back
            sizes = {float(size) for k in operands for size in graph.shape(k)}
            numbers.update(size for size in sizes if size > MOST_USUAL)
    return numbers


def _copied(graph: Graph, node: int) -> int:
    """The node behind stages that only give it a name, as N in `N = X.shape[0]`."""
    while graph.gates[node].name == "copy":
        (node,) = graph.operands[node]
    return node


class Named(NamedTuple):
    """The mistake that explains a line, words on it, and the line as it should be."""

    mistake: str
    reason: str
    tree: Tree | None = None  # None where no single text is the right one
    is_general: bool = False  # a factor that would mend much else
    is_far: bool = False  # more is put in than one slip leaves out: another line is likelier


class Found(NamedTuple):
    """A mistake in a line, and what the line gives at each point without it."""

    named: Named | None  # None where several mistakes would explain the line
    numbers: list[list[float]]
    tree: Tree | None = None  # the line as it should be, where it can be written


class Fit(NamedTuple):
    """A change that makes a line right, and the numbers of the line with it."""

    repair: Repair
    numbers: list[list[float]]


class Search:
    """The search for the mistake in one line: changes of it, the likeliest first.

    A change at one place is looked for first, then factors that may stand in several, then what may
    have been put in, or left out: each group only where none before it explains the line, or where
    a change would take the upstream gradient of the line away. Changes that the scene accepts are
    kept, for who asks again with other questions about them.
    """

    def __init__(self, scene: Scene, tolerance: float) -> None:
        self.scene = scene
        self.workshop = _Workshop(scene)
        self.written = self.workshop.as_written()
        near = (candidates(scene, self.written), swaps(scene), other_names(scene),
                factors(scene, self.written, tolerance), left_out(scene), functions(scene),
                put_in(scene))  # fmt: skip
        far = (coefficients(scene), usual_factors(scene), terms(scene),
               inner_terms(scene), upstreams(scene), other_parts(scene))  # fmt: skip
        self.groups: list[Iterator[Fit]] = [self._fits(changes) for changes in (*near, *far)]
        self._kept: list[list[Fit]] = [[] for _ in self.groups]
        self._near = len(near)
        self._explained: set[str] = set()  # mistakes that nobody asks for again

    def mistake(self, confirms: Callable[[Tree], bool] | None = None) -> Found | None:
        """Name and explanation of the mistake, where exactly one explains the line.

        `confirms` is asked about every change that the scene accepts.
        """
        odd: Found | None = None
        for group in range(len(self.groups)):
            fits: list[Fit] = []
            self._explained.clear()
            for fit in self._group(group):
                if confirms is None:
                    self._explained.add(fit.repair.mistake)
                elif fit.repair.is_complete or not confirms(fit.repair.tree):
                    continue
                if all(fit.repair.mistake != other.repair.mistake for other in fits):
                    fits.append(fit)
            likely = [fit for fit in fits if not _loses_upstream(self.scene, fit.repair)
                      and RESULT not in _names(fit.repair.tree)]  # fmt: skip
            if likely:
                return _found(likely, self.workshop, self.written, group >= self._near)
            if fits and odd is None:
                odd = _found(fits, self.workshop, self.written, group >= self._near)
        return odd

    def _group(self, group: int) -> Iterator[Fit]:
        """The changes of a group that the scene accepts, those that are known already first."""
        yield from self._kept[group]
        for fit in self.groups[group]:
            self._kept[group].append(fit)
            yield fit

    def _fits(self, changes: Iterator[Repair | Open]) -> Iterator[Fit]:
        for change in changes:
            some = self.workshop.filled(change) if isinstance(change, Open) else iter((change,))
            for repair in some:
                is_new = repair.mistake not in self._explained
                spelt = self._spelt(repair)
                numbers = self.workshop.fitting(spelt) if is_new else []
                if numbers:
                    yield Fit(spelt, numbers)

    def _spelt(self, repair: Repair) -> Repair:
        """The repair with forward values called as they are where the line stands."""
        spellings = self.scene.spellings
        if not spellings or spellings.keys().isdisjoint(_names(repair.tree)):
            return repair
        tree = spelt(repair.tree, spellings)
        names = "|".join(sorted(map(re.escape, spellings), key=len, reverse=True))
        reason = re.sub(
            rf"(?<![\w.])(?:{names})(?!{NOT_BEHIND_A_NAME})",
            lambda match: spellings[match[0]], repair.reason,
        )  # fmt: skip
        return repair._replace(tree=tree, reason=reason)


def find_mistake(
    scene: Scene, tolerance: float, confirms: Callable[[Tree], bool] | None = None
) -> Found | None:
    """Name and explanation of the mistake in a line, where exactly one explains it."""
    if scene.expected and not any(map(any, scene.expected)):
        return None  # anything times 0 would fit
    return Search(scene, tolerance).mistake(confirms)


def _found(
    fits: list[Fit], workshop: _Workshop, written: list[list[float]], is_far: bool
) -> Found:  # fmt: skip
    """The mistake that some changes of a line take back, each of another name.

    That the whole line has the wrong sign is simpler than that something is put in.
    """
    scene = workshop.scene
    special = [fit for fit in fits if not fit.repair.is_general]
    if special and all(fit.repair.mistake != "wrong-cache" for fit in special):
        fits = special
    for gradients in (scene.nearest, scene.upstreams):
        fits = [f for f in fits if not gradients.isdisjoint(_names(f.repair.tree))] or fits
    if all(len(fit.repair.tree.ops) > len(scene.tree.ops) for fit in fits):
        fits = [fit for fit in fits if fit.repair.tree == unary(scene.tree, "neg")] or fits
    (repair, numbers), *others = fits
    is_vague = _may_be_chance(numbers) or _may_be_a_factor(repair, workshop)
    if others or is_vague:
        trees = [_as_text(scene, fit.repair) for fit in fits] if not _may_be_chance(numbers) else []
        return Found(None, numbers, next((tree for tree in trees if tree is not None), None))
    simplest = _simplest(repair, scene, written, workshop)
    tree = _as_text(scene, simplest)
    reason = repair.reason if repair.is_general else simplest.reason
    named = Named(repair.mistake, reason, tree, repair.is_general, is_far)
    return Found(named, numbers, tree)


def _names(tree: Tree) -> set[str]:
    return {arg for op, arg in zip(tree.ops, tree.args, strict=True) if op == "name"}


def _loses_upstream(scene: Scene, repair: Repair) -> bool:
    """Whether a gradient that comes back is read no more, and none in its place."""
    before, after = _names(scene.tree), _names(repair.tree)
    is_lost = bool((before & scene.upstreams) - after)
    return is_lost and (after - before).isdisjoint(scene.upstreams | scene.carriers)


def _may_be_chance(numbers: list[list[float]]) -> bool:
    """Whether there are too few numbers to tell a change that fits from one that is right."""
    return sum(map(len, numbers)) < FEWEST_NUMBERS


def _may_be_a_factor(repair: Repair, workshop: _Workshop) -> bool:
    """Whether another gradient fits only as a factor put in does, and is none that comes back."""
    scene = workshop.scene
    known = scene.line.reads.keys() | scene.line.shifted.keys()
    is_new = [arg for op, arg in zip(repair.tree.ops, repair.tree.args, strict=True)
              if op == "name" and arg in scene.scope and arg not in known]  # fmt: skip
    if repair.mistake != "wrong-cache" or not is_new or not scene.program.graph.has_arrays:
        return False
    if scene.upstreams.issuperset(is_new):
        return False
    others = (other for other in put_in(scene) if other.mistake == "dropped-factor")
    return any(map(workshop.fitting, others))


def _simplest(
    repair: Repair, scene: Scene, written: list[list[float]], workshop: _Workshop
) -> Repair:
    """The shortest change of a line that takes the same mistake back."""
    best = repair
    others = left_out(scene) if repair.is_general else candidates(scene, written)
    for other in others:
        is_alike = repair.is_general or other.mistake == repair.mistake
        is_shorter = _length(other) < _length(best) and not _loses_upstream(scene, other)
        if is_alike and is_shorter and workshop.fitting(other):
            best = other
    return best


def _length(repair: Repair) -> int:
    return len(write(repair.tree))


def _as_text(scene: Scene, repair: Repair) -> Tree | None:
    """The changed line, where all in it can be written: parts of the forward part as they stand.

    A number that is claimed is not made a formula with that number on both sides of a quotient.
    """
    is_made = scene.tree.ops == ["number"] and repair.tree.args.count(scene.tree.args[0]) > 1
    if repair.is_complete or is_made:
        return None
    parts = {name: tree_of(scene, int(name[1:])) for name in _names(repair.tree) if name[0] == "#"}
    meaning = {name: tree for name, tree in parts.items() if tree is not None}
    return substituted(repair.tree, meaning) if len(meaning) == len(parts) else None


def give(scene: Scene, pieces: list[Piece]) -> bool:
    """Whether some terms give what a scene expects, at every point."""
    import numpy as np  # late: numbers do not need it

    workshop = _Workshop(scene)
    nodes = [workshop.node(piece.tree) for piece in pieces]
    for point in range(len(scene.runs)):
        total = np.zeros(scene.shape)
        for node, piece in zip(nodes, pieces, strict=True):
            at = key(piece.place) if piece.place else ...
            if node is None or not spreads(shape := workshop.shape(node), np.shape(total[at])):
                return False
            total[at] += np.reshape(workshop.formulas.numbers(node, point), shape)
        if not scene.accepts(point, flat(total) if scene.shape else [float(total)]):
            return False
    return True


class _Workshop:
    """Evaluates changed lines at every point, and asks whether they are right."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        values = [run.values for run in scene.runs]
        table = scene.program.graph.table
        self.formulas = Formulas(lambda value, point: gather(value, values[point]), table)

    def as_written(self) -> list[list[float]]:
        """The numbers of the line at each point."""
        nodes = self._nodes(Repair(self.scene.tree, "", ""), is_any=True)
        self.formulas.keep()
        return [self._numbers(nodes, point) for point in range(len(self.scene.runs))]

    def fitting(self, repair: Repair) -> list[list[float]]:
        """The numbers of a changed line that is right at every point; none of any other."""
        nodes = self._nodes(repair)
        numbers: list[list[float]] = []
        for point in range(len(self.scene.runs)):
            numbers.append(self._numbers(nodes, point) if nodes else [])
            if not numbers[-1] or not self.scene.accepts(point, numbers[-1]):
                return []
        return numbers

    def filled(self, change: Open) -> Iterator[Repair]:
        """The line with the number for which it is right at the first point, if that is plain.

        Where nothing says what the line should give, with each of the usual ones.
        """
        if not self.scene.expected:
            some = map(change.filled, USUAL)
            yield from (repair for repair in some if repair is not None)
            return
        tree, place = change.tree, change.place
        other = replaced(tree, place, place, number_tree(2.0))
        nodes = [self._nodes(Repair(t, "", "")) for t in (tree, other)]
        if all(nodes):
            one, two = (self._numbers(node, 0) for node in nodes)
            number = _solved(one, two, self.scene.expected[0], self._settings)
            repair = None if number is None else change.filled(number)
            if repair is not None:
                yield repair

    @cached_property
    def _settings(self) -> list[float]:
        """The numbers of the forward part, and twice each: the `2*lam` of a penalty."""
        program = self.scene.program
        constants = program.graph.constants.items()
        own = {c for node, c in constants if node < program.forward_nodes and isinstance(c, float)}
        return [times * c for c in own for times in (1.0, 2.0) if c]

    def _numbers(self, nodes: list[int], point: int) -> list[float]:
        numbers = [x for node in nodes for x in self.formulas.numbers(node, point)]
        shapes = {self.shape(node) for node in nodes}
        if shapes and shapes != {self.scene.shape} and all(map(self._fits, shapes)):
            import numpy as np  # late: numbers do not need it

            (shape,) = shapes
            return flat(np.broadcast_to(np.reshape(numbers, shape), self.scene.shape))
        return numbers

    def _nodes(self, repair: Repair, is_any: bool = False) -> list[int]:
        """A changed line as a formula; none where it has no value, or `is_any` of what shape."""
        node = self.node(repair.tree, repair.is_complete)
        return [node] if node is not None and (is_any or self._fits(self.shape(node))) else []

    def node(self, tree: Tree, is_complete: bool = False) -> int | None:
        """A tree as a formula; None where it has no value."""
        scene = self.scene
        return self.formulas.lowered(
            tree, lambda name: _meaning(scene, name, is_complete), scene.line.sizes
        )

    def shape(self, node: int) -> Shape:
        """The shape of a formula."""
        return self.formulas.graph.shape(node)

    def _fits(self, shape: Shape) -> bool:
        """Whether a shape is right, or is spread to the right one where a line adds or helps."""
        line, right = self.scene.line, self.scene.shape
        is_spread = line.misfit is None and (
            line.statement.kind == "add" or line.place or not (line.owner or self.scene.expected)
        )
        return shape == right or bool(is_spread and spreads(shape, right))


def _solved(
    one: list[float], two: list[float], right: list[float], settings: list[float]
) -> float | None:
    """The plain number for which a line is right that is linear in it; None where there is none.

    `one` and `two` are the line with 1 and with 2 for it; `settings` are allowed as plain ones are.
    """
    steps = [b - a for a, b in zip(one, two, strict=True)]
    k = max(range(len(steps)), key=lambda k: abs(steps[k]))
    if not steps[k] or len(right) != len(one):
        return None
    number = 1.0 + (right[k] - one[k]) / steps[k]
    if not math.isfinite(number) or abs(number) > MOST_TIMES:
        return None
    size = max(map(abs, (*one, *right)))
    rows = zip(one, steps, right, strict=True)
    if not all(abs(a + (number - 1.0) * step - b) <= NEAR * size for a, step, b in rows):
        return None
    for setting in settings:
        for own in (setting, 1 / setting):
            if math.isclose(own, number, rel_tol=NEAR):
                return own
    from fractions import Fraction  # late: only a wrong line needs it

    plain = Fraction(number).limit_denominator(MOST_PARTS)
    return float(plain) if math.isclose(plain, number, rel_tol=NEAR) else None


def _meaning(scene: Scene, name: str, is_complete: bool) -> Value:
    """The nodes a name stands for in the line; `is_complete` reads the last values of gradients."""
    program, reads = scene.program, scene.line.reads
    if name == scene.names.get(program.output):  # it may have no name of its own: `#out`
        return program.output
    if is_complete and name in reads and reads[name].kind == "gradient":
        # The output's need not be written.
        return program.claims.get(reads[name].name, reads[name].value)
    return meaning_of(program, scene.line, scene.scope, name)
