"""How a gate behaves, before its numbers are asked for: what one call leaves for the next.

Each play is of new objects, so that they differ in nothing but what came before:

    once     forward(a), backward(u)
    again    the same of another object: it is repeatable, or noisy
    after    forward(b), backward(u), forward(a), backward(u): nothing of b is left
    over     forward(b), forward(a), backward(u): the cache is that of the last call
    beside   forward(a) of one object, forward(b) of another: each has a cache of its own
    twice    forward(a), backward(u), backward(u): the second gradient is the first
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gradcli.foreign.child import ForeignFault
from gradcli.foreign.gate_file import Description, GateFile, Step
from gradcli.foreign.gradients import Gradients, Misfit, gradients_of, is_real

NOISE = 1e-6  # relative to the largest: above it results differ, below it they are noisy
OTHER = -1.75  # times the upstream gradient: that of an earlier call


class Finding(NamedTuple):
    """A mistake in how a gate behaves: its name, the part of the gate, and in words."""

    mistake: str
    part: str  # forward or backward
    words: str


class Turn(NamedTuple):
    """One forward call and the backward call after it."""

    value: Any
    gradients: Gradients
    forward: Mapping[str, Any]  # as the child tells it
    backward: Mapping[str, Any]


class Player:
    """A gate with its constants, played at inputs."""

    def __init__(self, file: GateFile, gate: Description, constants: Mapping[str, Any]) -> None:
        self.file = file
        self.gate = gate
        self.constants = constants
        self.has_played = False  # at any inputs

    def names(self, inputs: Sequence[Any]) -> list[str]:
        """The names of the inputs; those of `*xs` are numbered."""
        own = self.gate.inputs
        if not self.gate.is_variadic:
            return own
        rest = len(inputs) - len(own) + 1
        return [*own[:-1], *(f"{own[-1]}[{k}]" for k in range(rest))]

    def play(self, *steps: Step) -> list[dict[str, Any]]:
        """What the steps give. Raises ForeignFault."""
        answers = self.file.play(self.gate, self.constants, steps)
        self.has_played = True
        return answers

    def value(self, inputs: Sequence[Any]) -> Any:
        """What forward gives, of a new object."""
        return self.play(("forward", 0, fresh(inputs)))[0]["value"]

    def turn(self, inputs: Sequence[Any], upstream: Any) -> Turn | Misfit:
        """What a new object gives, forwards and backwards."""
        forward, backward = self.play(*both(0, inputs, upstream))
        return self.read(inputs, forward, backward)

    def read(
        self, inputs: Sequence[Any], forward: Mapping[str, Any], backward: Mapping[str, Any]
    ) -> Turn | Misfit:
        """Two results as a turn."""
        value = forward["value"]
        gradients = gradients_of(backward["value"], self.names(inputs), inputs, value)
        if isinstance(gradients, Misfit):
            return gradients
        return Turn(value, gradients, forward, backward)


def fresh(inputs: Sequence[Any]) -> list[Any]:
    """The inputs as arrays of their own."""
    return [x.copy() if isinstance(x, np.ndarray) else x for x in inputs]


def both(which: int, inputs: Sequence[Any], upstream: Any) -> tuple[Step, Step]:
    """A forward and a backward call of one object."""
    (own,) = fresh([upstream])
    return ("forward", which, fresh(inputs)), ("backward", which, own)


# ---------------------------------------------------------------- in the order that tells most


def behaviour(
    player: Player, a: Sequence[Any], b: Sequence[Any], upstream: Any
) -> tuple[list[Finding], list[str]]:
    """The mistakes in how a gate behaves at inputs a and then b, and notes.

    Raises ForeignFault where it cannot be called.
    """
    notes: list[str] = []
    first = player.turn(a, upstream)
    if isinstance(first, Misfit):
        return [Finding(first.mistake, "backward", first.words)], notes
    again = player.turn(a, upstream)
    assert isinstance(again, Turn)
    findings = _unrepeatable(first, again, notes)
    findings += _changes(player.names(a), first)
    if not findings:
        findings = _left_over(player, a, b, upstream)
    notes += _halved(first)
    notes += [
        f"backward gives no gradient of `{name}`"
        for name, x, g in zip(player.names(a), a, first.gradients, strict=True)
        if g is None and is_real(x)
    ]
    return findings, notes


def _unrepeatable(first: Turn, again: Turn, notes: list[str]) -> list[Finding]:
    """Whether two objects give the same; noise is noted."""
    for part, one, other in (
        ("forward", [first.value], [again.value]), ("backward", first.gradients, again.gradients),
    ):  # fmt: skip
        gap = distance(one, other)
        if not gap <= NOISE:
            words = f"{part} gives something else at every call, at the same inputs"
            return [Finding("not-repeatable", part, words)]
        if gap:
            notes.append(f"{part} is noisy: two calls differ by {gap:.1g} of the largest number")
    return []


def _changes(names: Sequence[str], turn: Turn) -> list[Finding]:
    """Whether a call writes to what it was handed, or hands out the memory of an input."""
    findings = []
    for part, result, key in (("forward", turn.forward, "given_changed"),
                              ("backward", turn.backward, "kept_changed")):  # fmt: skip
        changed = [names[k] for k in result[key]]
        if changed:
            words = f"{part} writes to its input {_listed(changed)}: work on a copy"
            findings.append(Finding("input-modified", part, words))
    if turn.backward["given_changed"]:
        words = "backward writes to the upstream gradient it was handed: work on a copy"
        findings.append(Finding("input-modified", "backward", words))
    if turn.backward["shared"]:
        shared = [names[k] for _, k in turn.backward["shared"]]
        words = f"the gradient shares its memory with the input {_listed(shared)}"
        findings.append(Finding("aliased", "backward", words))
    return findings


def _listed(names: Sequence[str]) -> str:
    return " and ".join(f"`{name}`" for name in dict.fromkeys(names))


def _left_over(player: Player, a: Sequence[Any], b: Sequence[Any], upstream: Any) -> list[Finding]:
    """What an earlier call leaves for a later one, or one object for another."""
    earlier = OTHER * upstream
    own, other = player.turn(a, upstream), player.turn(b, earlier)
    if isinstance(own, Misfit) or isinstance(other, Misfit):
        return []

    def last(*steps: Step) -> Gradients | None:
        """The gradients of the last step; None where it is refused, as a stack of caches may."""
        try:
            *_, backward = player.play(*steps)
        except ForeignFault:
            return None
        found = gradients_of(backward["value"], player.names(a), a, own.value)
        return None if isinstance(found, Misfit) else found

    before = both(0, b, earlier)
    after = both(0, a, upstream)
    plays: tuple[tuple[str, Callable[[], Gradients | None]], ...] = (
        ("after an earlier call", lambda: last(*before, *after)),
        ("after two forward calls", lambda: last(before[0], *after)),
        ("after a forward call of another object",
         lambda: last(after[0], ("forward", 1, fresh(b)), after[1])),
        ("called twice", lambda: last(*after, after[1])),
    )  # fmt: skip
    for words, play in plays:
        found = play()
        if found is None or distance(found, own.gradients) <= NOISE:
            continue
        mistake, what = _named(found, own.gradients, other.gradients, words == "called twice")
        return [Finding(mistake, "backward", f"backward, {words}, {what}")]
    if player.play(*before, *after)[1]["changes_later"]:
        words = "what backward returns is changed by its next call: return an array of its own"
        return [Finding("aliased", "backward", words)]
    return []


def _named(found: Gradients, own: Gradients, other: Gradients, is_twice: bool) -> tuple[str, str]:
    """The mistake that makes another gradient of a later call, and in words."""
    summed = _added(own, own if is_twice else other)
    changed = [k for k, _ in enumerate(own) if not distance([found[k]], [own[k]]) <= NOISE]
    if all(distance([found[k]], [summed[k]]) <= NOISE for k in changed):
        return "accumulated", "adds the gradient of the earlier call to its own: start from zeros"
    if is_twice:
        return "stale-cache", "gives another gradient: its first call changes what forward has kept"
    return "stale-cache", "gives a gradient of inputs that are not its own: it reads an old cache"


def _added(one: Gradients, other: Gradients) -> Gradients:
    return [None if x is None or y is None else x + y for x, y in zip(one, other, strict=True)]


def _halved(turn: Turn) -> list[str]:
    """A note where numbers are float32 inside."""
    parts = [turn.value, turn.backward["value"]]
    arrays = [np.asarray(x) for x in _flat(parts) if isinstance(x, (np.ndarray, float, np.generic))]
    wide = [x for x in arrays if x.dtype.kind == "f" and x.size]
    is_half = [x.dtype.itemsize < np.dtype(float).itemsize or _has_short_numbers(x) for x in wide]
    if not any(is_half):
        return []
    return ["float32 inside: 7 digits are certain at most (low-precision)"]


def _flat(parts: Sequence[Any]) -> list[Any]:
    return [y for x in parts for y in (_flat(x) if isinstance(x, (list, tuple)) else [x])]


def _has_short_numbers(x: Any) -> bool:
    """Whether float64 numbers are all float32 ones, and none is a short fraction by chance."""
    with np.errstate(all="ignore"):
        is_short = x.astype(np.float32) == x
        is_round = x * 2.0**10 == np.round(x * 2.0**10)
    return bool(is_short.all() and not is_round.all())


def distance(one: Sequence[Any], other: Sequence[Any]) -> float:
    """The largest difference, relative to the largest number; without end where shapes differ."""
    worst = 0.0
    for x, y in zip(one, other, strict=True):
        if x is None or y is None:
            continue
        p, q = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        if p.shape != q.shape:
            return np.inf
        same = (p == q) | (np.isnan(p) & np.isnan(q))
        with np.errstate(all="ignore"):
            gap = np.where(same, 0.0, np.abs(p - q))
        size = max(np.max(np.abs(p), initial=0.0), np.max(np.abs(q), initial=0.0))
        largest = float(np.max(gap, initial=0.0))
        worst = max(worst, largest / size if largest and np.isfinite(size) else largest)
    return worst
