"""Verdicts on gradients of whole arrays, of too many elements for a question about each.

    g . v  =  d/dt f(x + t v)        along a few random directions v

Three things are held against each other: what is claimed, the engine's reverse sweep, and the
slope along a direction by complex steps, which know nothing of local gradients. A claim is compared
with the engine element by element, so that nothing small hides in a sum. The engine is compared
with the slopes along random directions; where these do not agree, halving the direction leads to
the elements. An element is called wrong only if the slope along its own axis says so, too, and
rounding cannot explain it.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from functools import cached_property, reduce
from typing import Any, NamedTuple

import numpy as np

from gradcli.arithmetic import Arithmetic
from gradcli.arithmetic.arrays import ARRAYS
from gradcli.arithmetic.steps import STEP, STEPS, without_squares
from gradcli.bounds import bounded_run
from gradcli.checker import Settings, relative_error
from gradcli.checker.patterns import pattern
from gradcli.engine import Machine, Run, backward
from gradcli.reports import Check, InputCheck, worst

DIRECTIONS = 3
SEED = 20261124
ROOM = 1e-9  # relative to sum |g v|: engine and slope differ by no more, unless one is wrong
MOST_NAMED = 5  # wrong elements that are looked for one by one
FINER = 2.0**-30  # of a second step, where a slope may be the error of the first
LOST = "float64 loses its digits here"
NOISE = 1e-3  # of the tolerance: an error below it says nothing
PAIRS = 4  # of places near by, on both sides of every kink that a random step crosses
NEARBY = 2.0**-30  # how far they are, relative to the inputs
QUICK = 50.0  # elements numpy computes while Python evaluates one gate
QUOTIENT_STEP = 2.0**-14  # of the plain difference that has to confirm a fault of the engine


class Whole(NamedTuple):
    """A question about one array: its gradient by the engine, and what is claimed to be it."""

    name: str
    leaf: int
    analytic: Any
    claim: Any = None  # None: the engine's own gradient is checked
    formula: int | None = None  # the node that computes the claim, where a line does

    @property
    def checked(self) -> Any:
        """The gradient that gets the verdict."""
        return self.analytic if self.claim is None else self.claim


class Slope(NamedTuple):
    """The one-sided slopes along a direction: from the side of -v, and towards v."""

    left: float
    right: float
    jumps: bool

    def is_kink(self, room: float) -> bool:
        """Whether the slope is another one on the other side."""
        return not abs(self.left - self.right) <= room

    def nearest(self, slope: float) -> float:
        """The slope between the two sides that is nearest to a given one."""
        if math.isnan(slope):
            return self.right
        return min(max(slope, min(self.left, self.right)), max(self.left, self.right))


class Place:
    """A finished run over arrays, its output, and the upstream gradient in the output's shape."""

    def __init__(self, run: Run, output: int, upstream: Any) -> None:
        self.run = run
        self.output = output
        self.upstream = upstream
        self.graph = run.machine.graph
        self._steps = Machine(self.graph, STEPS)
        self._cones: dict[int, list[int]] = {}

    def overflow(self) -> str | None:
        """The first gate that gives inf or nan for finite operands inside its domain, if any."""
        for node in self.graph.gate_nodes():
            bad = ~np.isfinite(self.run.values[node])
            if node > self.output or not bad.any():
                continue
            gate = self.graph.gates[node]
            xs = [self.run.values[k] for k in self.graph.operands[node]]
            if not all(np.isfinite(x).all() for x in xs if not isinstance(x, tuple)):
                return None
            if not gate.domain:
                return gate.name
            with ARRAYS.quiet():
                inside = ARRAYS.text_function(gate, gate.domain)(*xs)
            is_inside = np.broadcast_to(np.not_equal(inside, 0), np.shape(bad))
            return gate.name if is_inside[bad].all() else None
        return None

    def sizes(self) -> set[int]:
        """The sizes of all axes."""
        return {size for shape in self.graph.shapes.values() for size in shape}

    def slope(self, leaf: int, direction: Any, step: float = STEP) -> Slope:
        """The slopes of upstream . output along a direction of one input."""
        right, there = self._towards(leaf, direction, step)
        left, here = self._towards(leaf, -direction, step)
        size = np.max(np.abs(there), initial=0.0) + np.max(np.abs(here), initial=0.0)
        jumps = bool((np.abs(there - here) > ROOM * ROOM * size).any())
        return Slope(-left, right, jumps)

    def _towards(self, leaf: int, direction: Any, step: float) -> tuple[float, Any]:
        """The slope on one side, and the value there."""
        slope, value = self._stepped(leaf, direction, step)
        if slope and abs(slope) < step:
            finer, _ = self._stepped(leaf, direction, step * FINER)
            if abs(finer) < abs(slope) * FINER:
                return 0.0, value  # it was the error of the step, which shrinks with its square
        return slope, value

    def _stepped(self, leaf: int, direction: Any, step: float) -> tuple[float, Any]:
        values = self.run.values.copy()
        values[leaf] = np.add(values[leaf], 1j * step * direction)
        self._follow(self._steps, values, leaf)
        if self._is_undecided(values, leaf, direction):
            return math.nan, 0.0
        found = np.asarray(values[self.output])
        with np.errstate(all="ignore"):
            return float(np.sum(self.upstream * (found.imag / step))), found.real

    @cached_property
    def _tied(self) -> set[int]:
        """The gates that stand exactly at an edge somewhere: which branch is taken hangs on it."""
        nodes = (node for node in self.graph.gate_nodes() if node <= self.output)
        return {node for node in nodes if self._is_tied(node)}

    def _is_tied(self, node: int) -> bool:
        gate, out = self.graph.gates[node], self.run.values[node]
        xs = [self.run.values[k] for k in self.graph.operands[node]]
        if gate.name in ("max", "min"):
            return bool((sum(np.equal(x, out).astype(int) for x in xs) > 1).any())
        if gate.name in ("amax", "amin"):
            best = ARRAYS.function("spread")(out, np.shape(xs[0]), xs[1])
            return bool(np.sum(np.equal(xs[0], best)) > np.size(out))
        if gate.is_variadic or gate.is_structural or not (gate.jump or gate.kink):
            return False
        return bool((np.asarray(self._edge(ARRAYS, node, self.run.values)) == 0).any())

    def _edge(self, arithmetic: Arithmetic, node: int, values: list[Any]) -> Any:
        gate = self.graph.gates[node]
        with arithmetic.quiet():
            function = arithmetic.text_function(gate, gate.jump or gate.kink)
            return function(*[values[k] for k in self.graph.operands[node]])

    def _is_undecided(self, values: list[Any], leaf: int, direction: Any) -> bool:
        """Whether a choice stays at its edge to first order, and a real step leaves it."""
        moved: list[Any] = []
        for node in self._tied.intersection(self._cones[leaf]):
            if not self.graph.gates[node].jump:
                continue  # where f is continuous both branches have the same slope then
            edge = np.asarray(self._edge(STEPS, node, values))
            stays = edge == 0
            if not stays.any():
                continue
            if not moved:
                moved = self.run.values.copy()
                moved[leaf] = moved[leaf] + QUOTIENT_STEP * self._size(leaf, direction) * direction
                self._follow(self.run.machine, moved, leaf)
            if (stays & (np.asarray(self._edge(ARRAYS, node, moved)) != 0)).any():
                return True
        return False

    def _size(self, leaf: int, direction: Any) -> float:
        """The largest of the elements that a direction moves, or 1."""
        x = self.run.values[leaf]
        return float(np.max(np.abs(x * (direction != 0)), initial=0.0)) or 1.0

    def _follow(self, machine: Machine, values: list[Any], leaf: int) -> None:
        """Compute again what depends on a leaf."""
        if leaf not in self._cones:
            self._cones[leaf] = self.graph.cone(leaf, self.output)
        operands = self.graph.operands
        is_tied = machine is self._steps and not self._tied.isdisjoint(self._cones[leaf])
        with machine.arithmetic.quiet():
            for node in self._cones[leaf]:
                gate = machine.forwards[node]
                assert gate is not None
                values[node] = gate(values, operands[node])
                if is_tied:
                    values[node] = without_squares(values[node], self.run.values[node])

    def quotient(self, leaf: int, direction: Any) -> float:
        """The slope by a central difference in plain float64, extrapolated once."""
        x, machine = self.run.values[leaf], self.run.machine
        size = self._size(leaf, direction)
        found = []
        for step in (QUOTIENT_STEP * size, QUOTIENT_STEP * size / 2):
            ends = []
            for sign in (1.0, -1.0):
                values = self.run.values.copy()
                values[leaf] = x + sign * step * direction
                self._follow(machine, values, leaf)
                ends.append(values[self.output])
            with np.errstate(all="ignore"):
                found.append(float(np.sum(self.upstream * (ends[0] - ends[1]))) / (2 * step))
        return (4 * found[1] - found[0]) / 3

    def rounding_of(self, question: Whole) -> Any:
        """How much rounding may have moved the engine's gradient, and the claim, by element."""
        error = self._bounded.gradients[question.leaf].error
        if question.formula is not None:
            error = error + self._bounded.values[question.formula].error
        return np.broadcast_to(error, np.shape(question.analytic))

    @cached_property
    def _near(self) -> list[Run]:
        """Runs so near by that only choices at kinks come out otherwise, in opposite pairs."""
        rng = np.random.default_rng(SEED)
        here = [self.run.values[node] for node in self.graph.inputs.values()]
        found = []
        for _ in range(PAIRS):
            steps = [
                NEARBY * rng.uniform(0.5, 1.0, np.shape(x)) * rng.choice([-1.0, 1.0], np.shape(x))
                * np.where(x == 0, 1.0, np.abs(x))
                for x in here
            ]  # fmt: skip
            for sign in (1.0, -1.0):
                inputs = [x + sign * step for x, step in zip(here, steps, strict=True)]
                run = self.run.machine.run(inputs, stop=self.output + 1)
                backward(run, self.output, self.upstream)
                found.append(run)
        return found

    def around(self, leaf: int) -> tuple[Any, Any]:
        """The smallest and largest gradient by a leaf, by the engine, at the place and near by."""
        gradients = [run.gradients[leaf] for run in (self.run, *self._near)]
        return reduce(np.minimum, gradients), reduce(np.maximum, gradients)

    def is_right_nearby(self, leaf: int, directions: Sequence[Any]) -> bool:
        """Whether near by, where no two branches meet, the engine agrees with the slopes."""
        run = self._near[0]
        place = Place(run, self.output, self.upstream)
        for v in directions:
            room = ROOM * _dot(np.abs(run.gradients[leaf]), np.abs(v))
            slope, claimed = place.slope(leaf, v), _dot(run.gradients[leaf], v)
            if slope.is_kink(room) or not abs(claimed - slope.right) <= room:
                return False
        return True

    @cached_property
    def _bounded(self) -> Run:
        return bounded_run(self.run, self.output, self.upstream)


def cost(place: Place, elements: float, questions: int) -> float:
    """About how many gate evaluations the check of right gradients takes, for the budget.

    `elements` is the number of gates counted element by element.
    """
    return (len(place.graph) + elements / QUICK) * 2 * DIRECTIONS * questions


def check_wholes(place: Place, questions: Sequence[Whole], settings: Settings) -> Check:
    """Verdicts on whole arrays; wrong elements have an entry of their own, the worst first."""
    found: dict[str, InputCheck] = {}
    for question in questions:
        found |= _Asked(place, question, settings).answers()
    return Check(worst([answer.verdict for answer in found.values()]), found)


class _Asked:
    """One question, and what is found out about it."""

    def __init__(self, place: Place, question: Whole, settings: Settings) -> None:
        self.place = place
        self.question = question
        self.tolerance = settings.tolerance
        self.shape = np.shape(question.analytic)
        self.analytic = np.asarray(question.analytic, dtype=float)
        self.checked = np.asarray(question.checked, dtype=float)
        rng = np.random.default_rng(SEED)
        self.directions = [np.asarray(rng.standard_normal(self.shape)) for _ in range(DIRECTIONS)]

    def answers(self) -> dict[str, InputCheck]:
        """The verdict on the whole, then those on elements that are wrong."""
        name, place = self.question.name, self.place
        if not np.isfinite(place.run.values[place.output]).all():
            gate = place.overflow()
            if gate is not None:
                reason = f"float64 overflows ({gate}): a smaller case may show a value"
                return {name: self._whole("inconclusive", None, reason=reason)}
            return {name: self._whole("undefined", "nan", reason="f has no finite value here")}
        if not np.isfinite(self.analytic).all():
            reason = "the engine's own gradient is not finite: a smaller case shows why"
            return {name: self._whole("inconclusive", None, reason=reason)}
        if not self.analytic.size:
            return {name: self._whole("pass", "smooth")}
        slopes = [place.slope(self.question.leaf, v) for v in self.directions]
        if any(slope.jumps for slope in slopes):
            reason = "f jumps here: no derivative exists, no claim can be right"
            return {name: self._whole("undefined", "jump", reason=reason)}
        if not all(math.isfinite(s.left) and math.isfinite(s.right) for s in slopes):
            reason = "the numeric derivative is not finite, or a choice is too near its edge"
            return {name: self._whole("inconclusive", None, reason=reason)}
        return self._compared(slopes)

    def _compared(self, slopes: list[Slope]) -> dict[str, InputCheck]:
        rooms = [self._room(v) for v in self.directions]
        kind = "kink" if any(map(Slope.is_kink, slopes, rooms)) else "smooth"
        suspects = self._suspects()
        engine = [_dot(self.analytic, v) for v in self.directions]
        gaps = [e - s.nearest(e) for e, s in zip(engine, slopes, strict=True)]
        if not suspects.size and all(abs(g) <= r for g, r in zip(gaps, rooms, strict=True)):
            return {self.question.name: self._along(slopes, kind, kind)}
        if kind == "kink":
            suspects = self._illegal()
            if not suspects.size:
                return {self.question.name: self._at_kinks(slopes, engine)}
        noise = self.place.rounding_of(self.question)
        if not suspects.size:
            allowed = [_dot(noise, np.abs(v)) for v in self.directions]
            off = [k for k, gap in enumerate(gaps) if abs(gap) > rooms[k] + allowed[k]]
            if not off:
                is_known = all(
                    abs(gap) <= room or loss <= room * self.tolerance / ROOM
                    for gap, room, loss in zip(gaps, rooms, allowed, strict=True)
                )
                verdict, reason = (kind, None) if is_known else ("inconclusive", LOST)
                return {self.question.name: self._along(slopes, verdict, kind, reason)}
            k = max(off, key=lambda k: abs(gaps[k]))
            suspects = self._bisected(self.directions[k], gaps[k], rooms[k])
        return self._named(suspects, noise, slopes, kind)

    def _room(self, direction: Any) -> float:
        return ROOM * _dot(np.abs(self.analytic), np.abs(direction))

    def _suspects(self) -> Any:
        """Flat places where the claim is not what the engine says, the farthest off first."""
        if self.question.claim is None:
            return np.zeros(0, dtype=int)
        off = np.abs(self.checked - self.analytic).ravel()
        size = np.maximum(np.abs(self.checked), np.abs(self.analytic)).ravel()
        (found,) = np.nonzero(~(off <= self.tolerance * size))
        return found[np.argsort(-np.nan_to_num(off[found], nan=np.inf), kind="stable")]

    def _illegal(self) -> Any:
        """Flat places where what is checked is not between the gradients near by."""
        low, high = self.place.around(self.question.leaf)
        slack = self.tolerance * np.maximum(np.abs(low), np.abs(high))
        above, below = low - slack - self.checked, self.checked - high - slack
        off = np.broadcast_to(np.maximum(above, below), self.shape).ravel()
        (found,) = np.nonzero(~(off <= 0))
        return found[np.argsort(-np.nan_to_num(off[found], nan=np.inf), kind="stable")]

    def _at_kinks(self, slopes: list[Slope], engine: list[float]) -> InputCheck:
        """The verdict on a gradient of which every element alone is a legal subgradient.

        Together they are one if they lie between the slopes along every direction. Where kinks of
        both kinds meet, one that opens upwards and one downwards, no choice of the gates does;
        then the engine's own stands outside as well.
        """
        claimed = [_dot(self.checked, v) for v in self.directions]
        if not self._are_between(slopes, claimed) and self._are_between(slopes, engine):
            reason = "each element alone is a legal subgradient, all together are none"
            return self._along(slopes, "inconclusive", "kink", reason)
        if not self.place.is_right_nearby(self.question.leaf, self.directions):
            reason = "several kinks meet, and near by the engine and the slopes differ"
            return self._along(slopes, "inconclusive", "kink", reason)
        return self._along(slopes, "kink", "kink")

    def _are_between(self, slopes: list[Slope], claimed: list[float]) -> bool:
        for number, slope in zip(claimed, slopes, strict=True):
            slack = self.tolerance * max(abs(slope.left), abs(slope.right))
            if not abs(number - slope.nearest(number)) <= slack:
                return False
        return True

    def _bisected(self, direction: Any, gap: float, room: float) -> Any:
        """Flat places of the elements that make engine and slope differ, by halving.

        The slope is linear in the direction, so that one half tells of the other. The half with
        the larger gap is halved first.
        """
        found: list[int] = []
        heap = [(-abs(gap), gap, range(self.analytic.size))]
        while heap and len(found) < MOST_NAMED:
            _, gap, part = heapq.heappop(heap)
            if len(part) == 1:
                found.append(part[0])
                continue
            middle = len(part) // 2
            first = np.zeros(self.analytic.size)
            first[part[:middle]] = direction.ravel()[part[:middle]]
            first = first.reshape(self.shape)
            claimed = _dot(self.analytic, first)
            half = claimed - self.place.slope(self.question.leaf, first).nearest(claimed)
            for off, piece in ((half, part[:middle]), (gap - half, part[middle:])):
                if abs(off) > room:
                    heapq.heappush(heap, (-abs(off), off, piece))
        return np.array(found, dtype=int)

    # ---------------------------------------------------------------- answers

    def _named(
        self, suspects: Any, noise: Any, slopes: list[Slope], kind: str
    ) -> dict[str, InputCheck]:
        """The verdict where something is off: the worst elements are looked at one by one."""
        elements = [self._element(int(flat), noise) for flat in suspects[:MOST_NAMED]]
        wrong = [answer for answer in elements if answer.verdict == "fail"]
        if not wrong:
            doubt = next((a for a in elements if a.verdict == "inconclusive"), None)
            if elements and doubt is None and kind == "smooth":  # the engine differs, not the claim
                doubt = elements[0]._replace(reason="the engine's own gradient differs")
            if doubt is None:
                reason = "the slopes along random directions differ, no single element does"
                return {self.question.name: self._along(slopes, "inconclusive", kind, reason)}
            reason = f"{doubt.name}: {doubt.reason}"
            return {self.question.name: self._along(slopes, "inconclusive", kind, reason)}
        count = len(suspects) if self.question.claim is not None else len(wrong)
        what = f"{count} of {self.analytic.size} elements"
        reason = f"{what} are wrong, most {wrong[0].name}"
        if count == 1:
            reason = f"{what} is wrong: {wrong[0].name}"
        seen = pattern(self.checked, self.analytic, self.place.sizes())
        if seen is not None and count > 1:
            reason += f"; the claim {seen}"
        whole = self._along(slopes, "fail", kind, reason)
        return {answer.name: answer for answer in [whole, *wrong]}

    def _element(self, flat: int, noise: Any) -> InputCheck:
        """One element, by the slope along its own axis."""
        at = np.unravel_index(flat, self.shape)
        name = self.question.name + "".join([f"[{k}]" for k in at])
        axis = np.zeros(self.shape)
        axis[at] = 1.0
        slope = self.place.slope(self.question.leaf, axis)
        analytic, checked = float(self.analytic[at]), float(self.checked[at])
        numeric, spoilt = slope.nearest(checked), float(noise[at])
        error = relative_error(checked, numeric)
        verdict, reason = "fail", None
        if error <= self.tolerance:
            verdict = "pass"
        elif abs(checked - numeric) <= spoilt + self.tolerance * max(abs(checked), abs(numeric)):
            verdict, reason = "inconclusive", LOST
        elif not self._is_steady(axis, slope):
            verdict, reason = "inconclusive", "the slope depends on the step it is taken with"
        elif not self._is_evident(analytic, checked, slope, spoilt, axis):
            verdict, reason = "inconclusive", "the engine and the numeric derivative differ"
        claim = None if self.question.claim is None else checked
        bound = max(spoilt, ROOM * abs(numeric))
        kind = "kink" if slope.is_kink(ROOM * abs(numeric)) else "smooth"
        interval = [*sorted((slope.left, slope.right))] if kind == "kink" else None
        return InputCheck(
            name, verdict, kind, analytic, numeric, bound, error, interval, reason, claim
        )  # fmt: skip

    def _is_steady(self, axis: Any, slope: Slope) -> bool:
        """Whether a far shorter step gives the same slopes, as it does unless it was too long."""
        again = self.place.slope(self.question.leaf, axis, STEP * FINER)
        slack = ROOM * max(abs(slope.left), abs(slope.right))
        return abs(again.left - slope.left) <= slack and abs(again.right - slope.right) <= slack

    def _is_evident(
        self, analytic: float, checked: float, slope: Slope, spoilt: float, axis: Any
    ) -> bool:
        """Whether a second piece of evidence stands beside the slope by complex steps."""
        ours = slope.nearest(analytic)
        if abs(analytic - ours) <= spoilt + self.tolerance * max(abs(analytic), abs(ours)):
            return True  # the engine says the same
        quotient = self.place.quotient(self.question.leaf, axis)
        return abs(quotient - slope.nearest(checked)) < abs(quotient - checked) / 4

    def _along(
        self, slopes: list[Slope], verdict: str, kind: str, reason: str | None = None
    ) -> InputCheck:
        """The verdict on the whole, with the numbers of the direction along which it is farthest.

        What is far below the tolerance is noise and does not choose.
        """
        verdict = "pass" if verdict == "smooth" else verdict
        numbers = []
        for v, slope in zip(self.directions, slopes, strict=True):
            claimed = _dot(self.checked, v)
            numeric = slope.nearest(claimed)
            numbers.append((relative_error(claimed, numeric), claimed, numeric, v, slope))
        noise = NOISE * self.tolerance
        error, claimed, numeric, v, slope = max(
            numbers, key=lambda n: 0.0 if n[0] <= noise else math.inf if n[0] != n[0] else n[0]
        )
        interval = [*sorted((slope.left, slope.right))] if kind == "kink" else None
        return InputCheck(
            self.question.name, verdict, kind, _dot(self.analytic, v), numeric, self._room(v),
            error, interval, reason, None if self.question.claim is None else claimed,
            directions=DIRECTIONS,
        )  # fmt: skip

    def _whole(self, verdict: str, kind: str | None, reason: str | None = None) -> InputCheck:
        """A verdict without numbers."""
        return InputCheck(
            self.question.name, verdict, kind, None, None, None, None, None, reason, None
        )


def _dot(a: Any, b: Any) -> float:
    return float(np.sum(a * b))
