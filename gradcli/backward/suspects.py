"""Lines of which one change makes wrong gradients right.

value      a known value in the place of a line makes all wrong gradients right, at all points
sign of it `+=` for `=`, or the line left out, does
path       what is missing from a gradient is a known contribution, and its lines are right
formula    a change of the line's own text does, though its value is nothing known
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any

import numpy as np

from gradcli.arithmetic.arrays import key as array_key
from gradcli.backward.aim import FIT, Aim
from gradcli.backward.culprits import Suspect
from gradcli.backward.known import Known, Meaning
from gradcli.backward.naming import Naming
from gradcli.backward.repairs import Named
from gradcli.backward.replay import Held, Replay, is_finite, same
from gradcli.backward.turns import Turns
from gradcli.backward.written_parts import WrittenParts
from gradcli.syntax import Tree

MOST_PARTS = 10_000  # a factor that a convention may have
MOST_TRIED = 12  # lines of which a change is tried by running the program
MOST_ALIKE = 30  # known values that are compared with one another
MOST_FIXES = 4  # known values that are tried in the place of one line
MOST_SEARCHED = 40  # lines whose own texts are changed where no known value helps
TURNS_TRIED = 2  # the first may lack what later ones read
MOST_RUN = 10_000  # runs of the program with a changed line, some seconds of a long one

# Mistakes that a change of a line's text may also make up for a line too many or too few.
WEAK = ("missing-path", "lost-term", "dropped-factor", "dropped-power", "missing-mean")

GRADIENTS = ("adjoint", "contribution", "unsummed", "path")  # meanings that are


class Suspects:
    """The search for such lines, with what is held by the replay."""

    def __init__(
        self, replay: Replay, known: Known, naming: Naming, rows: list[int], fixed: set[int]
    ) -> None:
        self.replay = replay
        self.known = known
        self.naming = naming
        self.rows = rows  # where the lines stand, as reports have it
        self.fixed = fixed  # lines that are not looked at
        self.lines = replay.program.lines
        self.turns = Turns(replay, known)
        self.parts = WrittenParts(replay, known)

    def afresh(self) -> Suspects:
        """The search with what is known at the points that are left."""
        known = Known(self.replay)
        return Suspects(self.replay, known, self.naming, self.rows, self.fixed)

    def of(self, names: list[str], right: list[str]) -> list[Suspect]:
        """Lines of which one change makes all these gradients right, and keeps what is right."""
        aim = Aim(self.replay, names, right)
        suspects = [*self._last_of_twins([*self._by_way_of_adding(aim), *self._in_turns(aim)]),
                    *self._by_value(aim), *self._by_path(aim)]  # fmt: skip
        done = {s.line for s in suspects if s.is_explained}
        clear = [s.line for s in suspects if not s.is_sound and s.is_explained]
        suspects += self._by_formula(aim, done, min(clear, default=len(self.lines)))
        if any(s.is_explained and self.lines[s.line].before is not None for s in suspects):
            suspects = [s for s in suspects if s.is_explained or not self._is_made_of_parts(s.line)]
        return [*_settled(suspects)]

    def _is_made_of_parts(self, k: int) -> bool:
        """Whether a line is an array into which the line before it writes a part."""
        return k > 0 and self.lines[k - 1].before is not None

    def _by_value(self, aim: Aim) -> Iterator[Suspect]:
        """Lines that a known value in their place makes right."""
        tries = []
        for k in aim.lines(self.lines):
            fixes = self.fitting(aim, k) if k not in self.fixed else []
            if fixes:
                tries.append((self.is_sound(k), k, fixes))
        tries.sort(key=lambda item: item[:2])
        for is_sound, k, fixes in tries[:MOST_TRIED]:
            for values in fixes[:MOST_FIXES]:
                held = {self.replay.sites[k]: values}
                if aim.is_hit(held):
                    in_turns = _InTurns(self.turns, k, aim)
                    is_repeated = len(self.turns.of(k)) > 1
                    confirms = in_turns.confirms if is_repeated else None
                    found = self.naming.mistake(k, values, confirms)
                    named, tree = (found.named, found.tree) if found else (None, None)
                    held = in_turns.held or held
                    yield Suspect(k, held, "value", is_sound, found is not None, named, tree)
                    break

    def fitting(self, aim: Aim, k: int) -> list[list[Any]]:
        """Known values that by their projections would make a line right."""
        node = self.replay.sites[k]
        shape = self.replay.graph.shape(node)
        gradient = [self.replay.whole(node, pulled[node]) for pulled in aim.pulled]
        if not any(np.any(g) for g in gradient):
            return []
        now = [self.replay.value(node, p) for p in range(len(self.replay.runs))]
        tables = self.known.like(shape)
        line = self.lines[k]
        fixes: list[list[Any]] = self._of_its_name(k)
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

    def _of_its_name(self, k: int) -> list[list[Any]]:
        """What the forward part has under the name of a helper, which computes it anew."""
        line, replay = self.lines[k], self.replay
        target, shape = line.statement.target, replay.graph.shape(replay.sites[k])
        nodes = [
            node for name, node in replay.forward.items()
            if line.name is None and name.partition("@")[0] == target
            and replay.graph.shape(node) == shape
        ]  # fmt: skip
        return [[replay.value(node, p) for p in range(len(replay.runs))] for node in nodes]

    def _is_of_another_name(self, k: int) -> bool:
        """Whether a helper has the name of a forward value, and the numbers of another one."""
        own, points = self._of_its_name(k), range(len(self.replay.runs))
        now = [self.replay.value(self.replay.sites[k], p) for p in points]
        return bool(own) and not any(all(map(same, values, now)) for values in own)

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
        before: dict[tuple[tuple[int, ...], str], int] = {}  # of a name in one call
        for k, line in enumerate(self.lines):
            target = line.call, line.statement.target
            is_one = len(self.turns.of(k)) == 1
            if target in before and is_one and aim.reaches(replay.sites[k]):
                node, place = replay.sites[k], array_key(line.place) if line.place else ...
                values = [replay.value(node, p) for p in points]
                old = [replay.value(before[target], p)[place] for p in points]
                if line.statement.kind != "add" and np.shape(values[0]) == np.shape(old[0]):
                    held = {node: [a + b for a, b in zip(values, old, strict=True)]}
                    if aim.may_hit(held) and aim.is_hit(held):
                        yield Suspect(k, held, "add", False, True, self.naming.overwritten(k))
                elif k not in self.fixed:
                    held = {node: [np.zeros_like(v) for v in values]}
                    if aim.may_hit(held) and aim.is_hit(held):
                        named = self._superfluous(k, self._twin(k, values))
                        yield Suspect(k, held, "drop", False, True, named)
            elif target not in before and line.name and self._is_start(k):
                held = {replay.sites[k]: [np.zeros(np.shape(replay.value(replay.sites[k], p)))
                                          for p in points]}  # fmt: skip
                if aim.reaches(replay.sites[k]) and aim.may_hit(held) and aim.is_hit(held):
                    named = self.naming.no_zeros(line.name)
                    yield Suspect(k, held, "value", False, True, named, named.tree)
            before[target] = replay.totals[k]

    @cached_property
    def _shallowest(self) -> int:
        """The number of calls around the lines of the backward function itself."""
        return min([len(line.call) for line in self.lines], default=0)

    def _in_turns(self, aim: Aim) -> Iterator[Suspect]:
        """Lines of loops that should add in every turn, or should not stand there at all."""
        for group in self.turns.groups:
            k, line = group[0], self.lines[group[0]]
            if k in self.fixed or not aim.is_reached_by(self._sites(group)):
                continue
            if line.statement.kind != "add":
                is_kept = len(line.call) == self._shallowest  # a name of a call is new in each
                held = self.turns.added(k, aim) if is_kept else None
                if held is not None:
                    at = self._first_changed(held, k)
                    named = self.naming.overwritten(at)
                    yield Suspect(at, held, "add", False, True, named)
            elif (held := self.turns.left_out(k, aim)) is not None:
                twin = self._twin(k, [self.replay.value(self.replay.sites[k], p)
                                      for p in range(len(self.replay.runs))])  # fmt: skip
                yield Suspect(k, held, "drop", False, True, self._superfluous(k, twin))

    def _superfluous(self, k: int, twin: int | None) -> Named:
        """The words for a line that should not stand there."""
        row = None if twin is None or self.rows[twin] == self.rows[k] else self.rows[twin]
        return self.naming.superfluous(twin, row)

    def _last_of_twins(self, suspects: list[Suspect]) -> list[Suspect]:
        """The suspects, of lines that add the same the last: it is one too many."""
        again = {self.lines[s.line].statement.target for s in suspects
                 if s.named is not None and s.named.mistake == "double-counted"}  # fmt: skip
        return [
            s for s in suspects
            if not (s.named is not None and s.named.mistake == "extra-term"
                    and self.lines[s.line].statement.target in again)
        ]  # fmt: skip

    def _is_start(self, k: int) -> bool:
        """Whether parts are added to what a line gives, which is no gradient of its name."""
        name, entry = self.lines[k].name, self._entry(k)
        first = next((line for line in self.lines[k + 1 :] if line.name == name), None)
        is_begun = first is not None and first.statement.kind == "add"
        is_zero = self.meaning(k) == Meaning(None)
        is_part = entry is not None and entry.node == self.replay.forward[str(name)]
        return is_begun and not is_zero and not (is_part and entry.kind in GRADIENTS)

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
            if not all(map(self.is_sound, own)):
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
                is_sound = is_there or entry.kind == "path"
                last = self._last_beside(name, own, missing[0])
                if last not in own:  # it writes a part
                    at = array_key(self.parts.place(last, name))
                    held = {replay.sites[last]: [whole[at] for whole in truth]}
                pieces = tuple(self.naming.missing_pieces(last, missing))
                yield Suspect(last, held, "path", is_sound, True, named, None, pieces)

    def _last_beside(self, name: str, own: list[int], missing: Any) -> int:
        """The last of a gradient's lines, or of those that write the part where all is missing."""
        for k in reversed(range(len(self.lines))):
            rest = np.array(missing)
            place = self.lines[k].place if k in own else self.parts.place(k, name)
            if place and rest.ndim:
                rest[array_key(place)] = 0.0
                if np.max(np.abs(rest)) <= FIT * np.max(np.abs(missing)):
                    return k
        return own[-1]

    def _by_formula(self, aim: Aim, done: set[int], stop: int) -> Iterator[Suspect]:
        """Lines before another that a change of their own text makes right."""
        some = [k for k in self._searched(aim) if k < stop and k not in done | self.fixed]
        unclear = [k for k in some if not self.is_sound(k)]
        helpers = [k for k in some if k not in unclear and self.lines[k].name is None]
        rest = helpers if unclear else some
        is_found = stop < len(self.lines)  # another line is explained already
        for part in (unclear, rest):
            for k in part[:MOST_SEARCHED] if part is unclear or not is_found else ():
                if aim.tries > MOST_RUN:
                    return
                suspect = self._by_text(k, aim)
                if suspect is not None:
                    is_found |= suspect.named is not None
                    yield suspect

    def _searched(self, aim: Aim) -> list[int]:
        """The lines whose texts may be changed; of a line in several turns the first."""
        some = [k for k in aim.lines(self.lines)
                if len(self.turns.of(k)) == 1 and not self._names_a_value(k)]  # fmt: skip
        groups = self.turns.groups if aim.names else []
        return sorted([*some, *(g[0] for g in groups if aim.is_reached_by(self._sites(g)))])

    def _names_a_value(self, k: int) -> bool:
        """Whether a helper is a forward value by another name: `Z = cache`."""
        tree, entry = self.lines[k].statement.tree, self._entry(k)
        is_alias = self.lines[k].name is None and _is_name(tree)
        return is_alias and entry is not None and entry.kind == "value"

    def _sites(self, lines: list[int]) -> list[int]:
        return [self.replay.sites[k] for k in lines]

    def _by_text(self, k: int, aim: Aim) -> Suspect | None:
        """A line that a change of its text makes right, in all its turns."""
        turns, naming = self.turns.of(k), self.naming
        if len(turns) == 1:
            repair = naming.repair(k, aim.is_hit_at)
            if repair is None:
                return None
            held, named, tree = {self.replay.sites[k]: repair.values}, repair.named, repair.tree
        else:
            in_turns = _InTurns(self.turns, k, aim)
            tries = (naming.repair_in_turns(j, partial(self._is_known, j), in_turns.confirms)
                     for j in turns[:TURNS_TRIED])  # fmt: skip
            found = next((repair for repair in tries if repair is not None), None)
            if found is None or in_turns.held is None:
                return None
            held, named, tree = in_turns.held, found.named, found.tree
        is_sound = all(map(self.is_sound, turns))
        return Suspect(self._first_changed(held, k), held, "formula", is_sound, True, named, tree)

    def _is_known(self, k: int, point: int, value: Any) -> bool:
        return self.turns.is_known(k, point, value, self.replay.now[point].values)

    def _first_changed(self, held: Held, k: int) -> int:
        """The first turn of a line in which it gives something else now."""
        replay = self.replay
        return next(
            (j for j in self.turns.of(k)
             if not same(replay.value(replay.sites[j], 0), held[replay.sites[j]][0])), k,
        )  # fmt: skip

    # ---------------------------------------------------------------- what lines mean

    def is_sound(self, k: int) -> bool:
        """Whether a line's value may stand there: it is known, and not of another name."""
        line, meaning = self.lines[k], self.meaning(k)
        if line.before is not None and (is_right := self.parts.is_right_place(k)) is not None:
            return is_right
        if meaning is None or not meaning.is_exact:
            return False
        entry = meaning.entry
        if line.name is None and entry is None and k not in self.replay.numbers:
            return False  # 0 wherever the program runs, as with the wrong mask
        is_value = entry is not None and entry.kind == "value"
        if line.name is None and is_value and self._is_of_another_name(k):
            return False
        if line.name is None:  # a helper; one that is a name alone may have lost the rest
            return not _is_name(line.statement.tree)
        if entry is None:  # zeros, to which others are added
            is_begun = k in self.replay.numbers and line.statement.kind != "add"
            return is_begun and any(r.name == line.name for r in self.lines[k + 1 :])
        is_gradient = entry.kind in GRADIENTS
        is_own = is_gradient and entry.node == self.replay.forward[line.name]
        return is_own and len(self._alike.get((line.name, line.place, meaning), ())) < 2

    def is_whole(self, k: int) -> bool:
        """Whether a line's value is all that reaches a node, and not a part of it.

        The gradient of an input that nobody asks for, as of targets, is no such: it is the negative
        of what is asked for.
        """
        entry, replay = self._entry(k), self.replay
        if entry is None or entry.kind != "adjoint":
            return False
        idle = replay.program.inputs.keys() - replay.claims.keys()
        return all(replay.forward[name] != entry.node for name in idle)

    @property
    def _alike(self) -> dict[Any, list[int]]:
        """The lines that add up to one part of a gradient and mean the same, with what is held."""
        held = len(self.replay.held)
        if held not in self._tables:
            table: dict[Any, list[int]] = {}
            for k, line in enumerate(self.lines):
                meaning = self.meaning(k)
                if line.name is None or meaning is None:
                    continue
                key = line.name, line.place, meaning
                if line.statement.kind != "add" and key in table:
                    table[key] = []
                table.setdefault(key, []).append(k)
            self._tables = {held: table}
        return self._tables[held]

    def _entry(self, k: int) -> Any:
        meaning = self.meaning(k)
        return None if meaning is None else meaning.entry

    def meaning(self, k: int) -> Meaning | None:
        """What a line's value is, with what is held."""
        key = (k, len(self.replay.held))
        if key not in self._meanings:
            self._meanings[key] = self.known.of_line(k)
        return self._meanings[key]

    @cached_property
    def _tables(self) -> dict[int, dict[Any, list[int]]]:
        return {}

    @cached_property
    def _meanings(self) -> dict[tuple[int, int], Meaning | None]:
        return {}


class _InTurns:
    """Asks of other trees of a line whether they are right in all its turns."""

    def __init__(self, turns: Turns, k: int, aim: Aim) -> None:
        self.turns = turns
        self.line = k
        self.aim = aim
        self.held: Held | None = None  # what the line gives with the first tree that is

    def confirms(self, tree: Tree) -> bool:
        """Whether a tree is right in all turns."""
        held = self.turns.rewritten(self.line, tree, self.aim)
        self.held = self.held or held
        return held is not None


def _is_name(tree: Tree | None) -> bool:
    """Whether a tree is a name alone; what our language has no word for may be a call."""
    return tree is not None and len(tree.ops) == 1 and "(" not in str(tree.args[0])


def _settled(suspects: list[Suspect]) -> Iterator[Suspect]:
    """Suspects, each line once: a slip in its text is likelier than a line too many or too few."""
    slips = {s.line for s in suspects if s.kind == "value" and s.is_explained
             and not (s.named and s.named.mistake in WEAK)}  # fmt: skip
    odd = {s.line for s in suspects if s.kind in ("path", "drop") and not s.is_sound}
    trees = {s.line: s.tree for s in suspects if s.kind == "value" and s.is_explained}
    for suspect in suspects:
        if suspect.line in slips:
            if suspect.kind == "value":
                yield suspect._replace(is_sound=suspect.is_sound and suspect.line not in odd)
            elif suspect.kind == "add":
                yield suspect
        elif suspect.kind == "path" and not suspect.pieces:
            yield suspect._replace(tree=trees.get(suspect.line))
        else:
            yield suspect


def _is_plain(factors: Any) -> Any:
    """Which factors are whole numbers, or one over them: sizes, conventions."""
    with np.errstate(all="ignore"):
        sizes = np.maximum(np.abs(factors), 1 / np.abs(factors))
        return (sizes < MOST_PARTS) & (np.abs(sizes - np.round(sizes)) <= FIT * sizes)
