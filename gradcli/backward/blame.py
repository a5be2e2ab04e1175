"""The lines to blame for wrong gradients: a change of one that makes every result right.

    value      a known value in the place of a line makes all wrong gradients right, at all points
    sign of it `+=` for `=`, or the line left out, does
    path       what is missing from a gradient is a known contribution, and its lines are right
    formula    a change of the line's own text does, though its value is nothing known

Of several such lines one is likelier whose own value means nothing where it stands. Mistakes are
peeled: the first is taken back, and the next is looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from gradcli.arithmetic.arrays import key as array_key
from gradcli.backward.aim import FIT, Aim, ends_of, scaled
from gradcli.backward.known import Known, Meaning
from gradcli.backward.naming import Naming
from gradcli.backward.repairs import Named
from gradcli.backward.replay import Held, Replay, is_finite, same

MOST_PARTS = 10_000  # a factor that a convention may have
MOST_MISTAKES = 12  # that are peeled
MOST_TRIED = 12  # lines of which a change is tried by running the program
MOST_ALIKE = 30  # of them that are compared with one another
MOST_FIXES = 4  # known values that are tried in the place of one line
MOST_PAIRED = 6  # lines of one gradient, and values, that are tried two at a time
MOST_SEARCHED = 40  # lines whose own texts are changed where no known value helps

# Mistakes that a change of a line's text may also make up for a line too many or too few.
WEAK = ("missing-path", "lost-term", "dropped-factor", "dropped-power", "missing-mean")


class Suspect(NamedTuple):
    """A line, and a change of it that makes wrong gradients right."""

    line: int
    held: Held  # what stands in its place then, by node
    kind: str  # value, add, drop, path, formula
    is_sound: bool  # its own value is what it should be, by its name
    is_explained: bool = False  # by a change of its text
    named: Named | None = None  # where all such changes are one mistake


class Culprit(NamedTuple):
    """A line that is accused, and other lines that may be meant instead."""

    suspect: Suspect
    others: list[int]
    names: list[str]  # whose gradients it made wrong
    twins: tuple[int, ...] = ()  # those of the others that say the very same

    @property
    def line(self) -> int:
        """The number of the line."""
        return self.suspect.line


class Blame(NamedTuple):
    """The lines that are wrong, and what every line gives once they are right."""

    culprits: list[Culprit]  # in the order they were found
    causes: dict[int, int]  # lines that follow from a wrong one
    excused: set[str]  # names whose gradients are scaled and are read accordingly
    unjudged: set[str]  # names that are wrong, though no line but one of a number can be


def blame(
    replay: Replay, known: Known, naming: Naming, wrong: set[str], places: list[int],
    formulas_only: bool,
) -> Blame:  # fmt: skip
    """The lines that make some gradients wrong; `replay` holds the right values afterwards."""
    inquiry = _Inquiry(replay, known, naming, wrong, places)
    inquiry.fixed = replay.numbers if formulas_only else set()
    inquiry.set_aside()
    culprits: list[Culprit] = []
    causes: dict[int, int] = {**inquiry.misled}
    unjudged: set[str] = set()
    while inquiry.wrong and len(culprits) < MOST_MISTAKES:
        culprit = inquiry.next()
        kind, is_fixed = culprit.suspect.kind, culprit.line in inquiry.fixed
        if formulas_only and (kind == "total" or (is_fixed and kind != "add")):
            unjudged |= inquiry.wrong
            break
        before = [replay.value(node, 0) for node in replay.sites]
        replay.hold(culprit.suspect.held)
        culprits.append(culprit)
        for k, node in enumerate(replay.sites):
            if k != culprit.line and not _is_same(before[k], replay.value(node, 0)):
                causes.setdefault(k, culprit.line)
        inquiry.settle(culprit.names)
    accused = {k for culprit in culprits for k in (culprit.line, *culprit.twins)}
    causes = {k: cause for k, cause in causes.items() if k not in accused}
    return Blame(culprits, causes, inquiry.excused, unjudged)


def _is_same(a: Any, b: Any) -> bool:
    return same(a, b) or bool(np.array_equal(a, b))


def _settled(suspects: list[Suspect]) -> Iterator[Suspect]:
    """Suspects, each line once: a slip in its text is likelier than a line too many or too few."""
    slips = {s.line for s in suspects if s.kind == "value" and s.is_explained
             and not (s.named and s.named.mistake in WEAK)}  # fmt: skip
    odd = {s.line for s in suspects if s.kind in ("path", "drop") and not s.is_sound}
    for suspect in suspects:
        if suspect.line in slips:
            if suspect.kind == "value":
                yield suspect._replace(is_sound=suspect.is_sound and suspect.line not in odd)
            elif suspect.kind == "add":
                yield suspect
        else:
            yield suspect


def _is_plain(factors: Any) -> Any:
    """Which factors are whole numbers, or one over them: sizes, conventions."""
    with np.errstate(all="ignore"):
        sizes = np.maximum(np.abs(factors), 1 / np.abs(factors))
        return (sizes < MOST_PARTS) & (np.abs(sizes - np.round(sizes)) <= FIT * sizes)


class _Inquiry:
    """What is wrong still, and the search for the line behind it."""

    def __init__(
        self, replay: Replay, known: Known, naming: Naming, wrong: set[str], places: list[int]
    ) -> None:
        self.places = places  # the lines in the text
        self.fixed: set[int] = set()  # lines that are not looked at
        self.replay = replay
        self.known = known
        self.naming = naming
        self.lines = replay.program.lines
        names = [name for name in replay.claims if replay.forward[name] != replay.output]
        self.ends = ends_of(replay.program)
        self.wrong = wrong.intersection(names)
        self.right = [n for n in names if n not in wrong and self._is_right_everywhere(n)]
        self.excused: set[str] = set()
        self._excuse()

    def set_aside(self) -> None:
        """Leave out what is made of a gradient of wrong shape: nothing can be put in its place."""
        graph, sites = self.replay.graph, self.replay.sites
        self.misled: dict[int, int] = {}
        for k, line in enumerate(self.lines):
            if line.misfit is None:
                continue
            below = {sites[k]}
            for node in range(sites[k] + 1, len(graph)):
                if not below.isdisjoint(graph.operands[node]):
                    below.add(node)
            self.misled |= {j: k for j, site in enumerate(sites) if site in below and j != k}
            self.wrong -= {name for name, node in self.replay.claims.items() if node in below}

    def _excuse(self) -> None:
        """Cross off gradients of stages that are wrong, and of which right results are made."""
        claims = self.replay.claims
        right = [claims[name] for name in self.ends if name not in self.wrong]
        soft = {name: [claims[name]] for name in self.wrong.difference(self.ends)}
        self.excused |= scaled(self.replay.now[0], right, soft)
        self.wrong -= self.excused

    def _is_right(self, name: str, runs: list[Any]) -> bool:
        return all(self.replay.is_right(name, p, run) for p, run in enumerate(runs))

    def _is_right_everywhere(self, name: str) -> bool:
        return self._is_right(name, self.replay.now)

    def settle(self, names: Iterable[str]) -> None:
        """Cross off what is right now."""
        for name in [*names, *self.wrong]:
            if self._is_right_everywhere(name) or name in names:
                self.wrong.discard(name)
                self.right.append(name)
        self._excuse()

    # ---------------------------------------------------------------- one mistake

    def next(self) -> Culprit:
        """The next line to blame."""
        names = [name for name in self.replay.claims if name in self.wrong]
        self.naming.wrong = self.wrong
        suspects = self._suspects(names, self.right)
        if not any(s.is_explained for s in suspects):
            suspects += self._of_ends(names)
        if not suspects and len(names) > 1:
            suspects, names = self._of_most(names) or (suspects, names)
        if not suspects and self._may_be_for_its_data():
            self._narrow()
            return self.next()
        if not suspects:
            suspects = self._of_two(names)
            names = [] if suspects else names
        if not suspects:
            return self._last_resort(names[0])
        chosen = min(suspects, key=self._rank)
        others = [s.line for s in sorted(suspects, key=self._rank) if s.line != chosen.line]
        clear = [s for s in suspects if self._rank(s)[:2] <= self._rank(chosen)[:2]]
        if len({s.line for s in clear}) == 1:
            others = []
        equal = [s.line for s in suspects if self._rank(s)[:2] == self._rank(chosen)[:2]]
        twins = tuple(j for j in dict.fromkeys(others)
                      if j in equal and self._are_twins(chosen.line, j))  # fmt: skip
        odd = [k for k in (chosen.line, *twins) if not self._reads_of_its_own(k)]
        if len(odd) == 1:
            chosen = next(s for s in suspects if s.line == odd[0])
            twins, others = (), [k for k in others if k not in twins and k != odd[0]]
        return Culprit(chosen, [*dict.fromkeys(others)], names, twins)

    def _reads_of_its_own(self, k: int) -> bool:
        """Whether a line reads the gradient of a stage whose contribution it is."""
        line = self.lines[k]
        value = self.replay.value(self.replay.sites[k], 0)
        consumers = self.naming.uses.consumers(str(line.name), value)
        read = {read.name for read in line.reads.values() if read.kind == "gradient"}
        return not consumers or not read or not read.isdisjoint(consumers)

    def _are_twins(self, k: int, j: int) -> bool:
        """Whether two lines of one gradient add the same, so that either may be the slip."""
        one, other = self.lines[k], self.lines[j]
        if one.name is None or one.name != other.name or self._meaning(k) is None:
            return False
        if self.lines[max(k, j)].statement.kind != "add":
            return False
        return self._meaning(k) == self._meaning(j)

    def _rank(self, suspect: Suspect) -> tuple[Any, ...]:
        order = ("add", "value", "path", "drop", "formula", "total").index(suspect.kind)
        return suspect.is_sound, not suspect.is_explained, suspect.line, order

    def _of_ends(self, names: list[str]) -> list[Suspect]:
        """Suspects that make the end results right, and between them what its writer likes."""
        ends = [name for name in names if name in self.ends]
        right = [name for name in self.right if name in self.ends]
        if not ends or (len(ends) == len(names) and len(right) == len(self.right)):
            return []
        return [
            s for s in self._suspects(ends, right)
            if s.is_explained and (len(ends) > 1 or not (s.named and s.named.is_general))
        ]  # fmt: skip

    def _of_most(self, names: list[str]) -> tuple[list[Suspect], list[str]] | None:
        """Suspects that make most of the wrong gradients right, and none wrong."""
        best: tuple[int, list[Suspect], list[str]] = (0, [], [])
        for name in names:
            suspects = self._suspects([name], self.right)
            for suspect in suspects:
                runs = self.replay.tried(suspect.held)
                mended = [n for n in names if self._is_right(n, runs)]
                if len(mended) > best[0]:
                    best = len(mended), [], mended
                if mended == best[2]:
                    best[1].append(suspect)
        return best[1:] if best[1] else None

    def _of_two(self, names: list[str]) -> list[Suspect]:
        """The first of two lines of one gradient that are wrong both."""
        replay = self.replay
        for name in names:
            own = [k for k, line in enumerate(self.lines)
                   if line.name == name and not line.place and not self._is_sound(k)]  # fmt: skip
            node = replay.forward[name]
            known = [v for e, v in self.known.values.items()
                     if e.node == node and e.kind == "contribution"]  # fmt: skip
            for k in own[:MOST_PAIRED]:
                for values in known[:MOST_PAIRED]:
                    held = {replay.sites[k]: values}
                    if self._is_half(held, name, k):
                        found = self.naming.mistake(k, values)
                        if found is not None:
                            return [Suspect(k, held, "value", False, True, found.named)]
        return []

    def _is_half(self, held: Held, name: str, k: int) -> bool:
        """Whether with a line mended another one can be, so that a gradient is right."""
        before, now = self.replay.held, self.replay.now
        self.replay.hold(held)
        aim = Aim(self.replay, [name], self.right)
        others = [j for j in aim.lines(self.lines) if j != k and self.lines[j].name == name]
        is_half = any(
            aim.is_hit({self.replay.sites[j]: values})
            for j in others for values in self._fitting(aim, j)[:MOST_FIXES]
        )  # fmt: skip
        self.replay.restore(before, now)
        return is_half

    def _may_be_for_its_data(self) -> bool:
        """Whether lines may be right for the data given only."""
        replay = self.replay
        if len(replay.runs) == 1:
            return False
        settled = [name for name in replay.claims if name not in self.wrong]
        return replay.graph.has_arrays or not all(map(self._is_right_everywhere, settled))

    def _last_resort(self, name: str) -> Culprit:
        """The last line of a gradient, where no change of one line explains it."""
        replay = self.replay
        own = [k for k, line in enumerate(self.lines) if line.name == name]
        unknown = [k for k in own if self._meaning(k) is None]
        line = (unknown or own)[0 if unknown else -1]
        held = {replay.claims[name]: [replay.truth(name, p) for p in range(len(replay.runs))]}
        others = [k for k in own if k != line]
        return Culprit(Suspect(line, held, "total", False), others, [name])

    def _narrow(self) -> None:
        """Look at the given point only: what is right there may be wrong for other data."""
        self.replay.narrow()
        self.known = Known(self.replay)
        self._meanings.clear()

    # ---------------------------------------------------------------- suspects

    def _suspects(self, names: list[str], right: list[str]) -> list[Suspect]:
        """Lines of which one change makes all these gradients right, and keeps what is right."""
        aim = Aim(self.replay, names, right)
        suspects = [*self._by_way_of_adding(aim), *self._by_value(aim), *self._by_path(aim)]
        done = {s.line for s in suspects if s.is_explained}
        clear = [s.line for s in suspects if not s.is_sound and s.is_explained]
        suspects += self._by_formula(aim, done, min(clear, default=len(self.lines)))
        return [*_settled(suspects)]

    def _by_value(self, aim: Aim) -> Iterator[Suspect]:
        """Lines that a known value in their place makes right."""
        tries = []
        for k in aim.lines(self.lines):
            fixes = self._fitting(aim, k) if k not in self.fixed else []
            if fixes:
                tries.append((self._is_sound(k), k, fixes))
        tries.sort(key=lambda item: item[:2])
        for is_sound, k, fixes in tries[:MOST_TRIED]:
            for values in fixes[:MOST_FIXES]:
                held = {self.replay.sites[k]: values}
                if aim.is_hit(held):
                    found = self.naming.mistake(k, values)
                    named = found.named if found else None
                    yield Suspect(k, held, "value", is_sound, found is not None, named)
                    break

    def _fitting(self, aim: Aim, k: int) -> list[list[Any]]:
        """Known values that by their projections would make a line right."""
        node = self.replay.sites[k]
        shape = self.replay.graph.shape(node)
        gradient = [self.replay.whole(node, pulled[node]) for pulled in aim.pulled]
        if not any(np.any(g) for g in gradient):
            return []
        now = [self.replay.value(node, p) for p in range(len(self.replay.runs))]
        tables = self.known.like(shape)
        line = self.lines[k]
        fixes: list[list[Any]] = []
        if line.place and line.name:
            fixes += self.known.parts(
                self.replay.forward[line.name], array_key(line.place)
            ).values()
        for size, table in enumerate(tables if line.name is None else tables[:1]):
            if size and fixes:
                break
            fixes += self._projected(aim, gradient, now, table)
        right: list[list[Any]] = []
        for values in fixes[:MOST_ALIKE]:
            if all(map(is_finite, values)) and not any(all(map(same, values, r)) for r in right):
                right.append(values)
        return right

    def _projected(
        self, aim: Aim, gradient: list[Any], now: list[Any], table: Any
    ) -> list[list[Any]]:
        """The values of a table, or multiples of them, that fit by their projections."""
        with np.errstate(all="ignore"):
            need = np.array(
                [gap + np.vdot(g, x) for gap, g, x in zip(aim.gaps, gradient, now, strict=True)]
            )
            got = table.projected(gradient)
            sizes = np.abs(need) + np.array(
                [np.vdot(np.abs(g), np.abs(x)) for g, x in zip(gradient, now, strict=True)]
            )
            fits = (np.abs(got - need) <= FIT * sizes).all(axis=1)
            factors = (need / got)[:, 0] if len(got) else np.zeros(0)
            steady = (np.abs(got * factors[:, None] - need) <= FIT * sizes).all(axis=1)
        shape = np.shape(now[0])
        some = [(n, 1.0) for n in np.flatnonzero(fits)]
        if not some and len(now) > 1:
            some = [(n, factors[n]) for n in np.flatnonzero(steady & _is_plain(factors))]
        return [
            [factor * np.reshape(v, shape)
             for v in table.values[n]] for n, factor in some
        ]  # fmt: skip

    def _by_way_of_adding(self, aim: Aim) -> Iterator[Suspect]:
        """Lines that should add to what stands there, or should not stand there at all."""
        replay, points = self.replay, range(len(self.replay.runs))
        before: dict[str, int] = {}
        for k, line in enumerate(self.lines):
            target = line.statement.target
            if target in before and not line.place and aim.reaches(replay.sites[k]):
                node, old = replay.sites[k], before[target]
                values = [replay.value(node, p) for p in points]
                if line.statement.kind != "add" and np.shape(values[0]) == replay.graph.shape(old):
                    held = {node: [v + replay.value(old, p) for p, v in enumerate(values)]}
                    if aim.may_hit(held) and aim.is_hit(held):
                        yield Suspect(k, held, "add", False, True, self.naming.overwritten(k))
                elif k not in self.fixed:
                    held = {node: [np.zeros_like(v) for v in values]}
                    if aim.may_hit(held) and aim.is_hit(held):
                        twin = self._twin(k, values)
                        place = None if twin is None else self.places[twin]
                        named = self.naming.superfluous(twin, place)
                        yield Suspect(k, held, "drop", False, True, named)
            before[target] = replay.totals[k]

    def _twin(self, k: int, values: list[Any]) -> int | None:
        """An earlier line of the same gradient that has added the same."""
        for j, line in enumerate(self.lines[:k]):
            if line.statement.target == self.lines[k].statement.target:
                node = self.replay.sites[j]
                others = [self.replay.value(node, p) for p in range(len(values))]
                if np.shape(others[0]) == np.shape(values[0]) and all(map(same, values, others)):
                    return j
        return None

    def _by_path(self, aim: Aim) -> Iterator[Suspect]:
        """Gradients that lack a known contribution, though every line of theirs is right."""
        replay = self.replay
        for name in aim.names:
            own = [k for k, line in enumerate(self.lines) if line.name == name]
            if not all(map(self._is_sound, own)):
                continue
            truth = [replay.truth(name, p) for p in range(len(replay.runs))]
            node = replay.claims[name]
            missing = [t - replay.value(node, p) for p, t in enumerate(truth)]
            meaning = self.known.meaning(missing, replay.forward[name])
            if meaning is None or meaning.entry is None or not meaning.is_exact:
                continue
            entry = meaning.entry
            if entry.node != replay.forward[name]:
                continue
            held = {node: truth}
            if entry.kind in ("contribution", "adjoint", "path") and aim.is_hit(held):
                named = self.naming.missing(name, entry, missing[0])
                is_there = any(self._entry(k) == entry for k in own)
                yield Suspect(own[-1], held, "path", is_there or entry.kind == "path", True, named)

    def _by_formula(self, aim: Aim, done: set[int], stop: int) -> Iterator[Suspect]:
        """Lines before another that a change of their own text makes right."""
        some = [k for k in aim.lines(self.lines) if k < stop and k not in done | self.fixed]
        unclear = [k for k in some if not self._is_sound(k)]
        if stop < len(self.lines):
            some = []
        for k in (unclear or some)[:MOST_SEARCHED]:
            repair = self.naming.repair(k, aim.is_hit_at)
            if repair is not None:
                held = {self.replay.sites[k]: repair.values}
                yield Suspect(k, held, "formula", self._is_sound(k), True, repair.named)

    # ---------------------------------------------------------------- what lines mean

    def _is_sound(self, k: int) -> bool:
        """Whether a line's value may stand there: it is known, and not of another name."""
        line, meaning = self.lines[k], self._meaning(k)
        if meaning is None or not meaning.is_exact:
            return False
        entry = meaning.entry
        if line.name is None:
            return True
        if entry is None:  # zeros, to which others are added
            return any(r.name == line.name and r.statement.kind == "add" for r in self.lines[k:])
        is_gradient = entry.kind in ("adjoint", "contribution", "unsummed", "path")
        is_own = is_gradient and entry.node == self.replay.forward[line.name]
        return is_own and len(self._alike.get((line.name, meaning), ())) < 2

    @property
    def _alike(self) -> dict[tuple[str, Meaning], list[int]]:
        """The lines that add up to one gradient and mean the same, with what is held."""
        key = len(self.replay.held)
        if key not in self._tables:
            table: dict[tuple[str, Meaning], list[int]] = {}
            for k, line in enumerate(self.lines):
                meaning = self._meaning(k)
                if line.name is None or meaning is None:
                    continue
                if line.statement.kind != "add" and (line.name, meaning) in table:
                    table[line.name, meaning] = []
                table.setdefault((line.name, meaning), []).append(k)
            self._tables = {key: table}
        return self._tables[key]

    def _entry(self, k: int) -> Any:
        meaning = self._meaning(k)
        return None if meaning is None else meaning.entry

    def _meaning(self, k: int) -> Meaning | None:
        """What a line's value is, with what is held."""
        key = (k, len(self.replay.held))
        if key not in self._meanings:
            self._meanings[key] = self.known.of_line(k)
        return self._meanings[key]

    @cached_property
    def _tables(self) -> dict[int, dict[tuple[str, Meaning], list[int]]]:
        return {}

    @cached_property
    def _meanings(self) -> dict[tuple[int, int], Meaning | None]:
        return {}
