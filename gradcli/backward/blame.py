"""The lines to blame for wrong gradients: a change of one that makes every result right.

Of several such lines one is likelier whose own value means nothing where it stands. Mistakes are
peeled: the first is taken back, and the next is looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np

from gradcli.backward.aim import Aim, ends_of, scaled
from gradcli.backward.culprits import Blame, Culprit, Suspect
from gradcli.backward.known import Known, Meaning
from gradcli.backward.naming import Naming
from gradcli.backward.replay import Held, Replay, is_finite, same
from gradcli.backward.suspects import MOST_FIXES, Suspects

MOST_MISTAKES = 12  # that are peeled
MOST_PAIRED = 6  # lines of one gradient, and values, that are tried two at a time

# Mistakes in what a line reads: they may as well be in the line that gives that.
OF_WHAT_IS_READ = ("sign", "dropped-factor", "dropped-power", "missing-mean", "wrong-cache")


def blame(
    replay: Replay, known: Known, naming: Naming, wrong: set[str], rows: list[int],
    formulas_only: bool,
) -> Blame:  # fmt: skip
    """The lines that make some gradients wrong; `replay` holds the right values afterwards."""
    fixed = replay.numbers if formulas_only else set()
    inquiry = _Inquiry(replay, Suspects(replay, known, naming, rows, fixed), wrong)
    culprits: list[Culprit] = []
    causes: dict[int, int] = {}
    unjudged: set[str] = set()
    while inquiry.wrong and len(culprits) < MOST_MISTAKES:
        culprit = inquiry.next()
        kind, is_fixed = culprit.suspect.kind, culprit.line in fixed
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
    return np.shape(a) == np.shape(b) and (same(a, b) or bool(np.array_equal(a, b)))


class _Inquiry:
    """What is wrong still, and the search for the line behind it."""

    def __init__(self, replay: Replay, suspects: Suspects, wrong: set[str]) -> None:
        self.replay = replay
        self.suspects = suspects
        self.naming = suspects.naming
        self.lines = replay.program.lines
        names = [name for name in replay.claims if replay.forward[name] != replay.output]
        self.ends = ends_of(replay.program)
        self.wrong = wrong.intersection(names)
        self.right = [n for n in names if n not in wrong and self._is_right_everywhere(n)]
        self.excused: set[str] = set()
        self._excuse()

    def _excuse(self) -> None:
        """Cross off gradients of stages that are wrong, and of which right results are made."""
        claims = self.replay.claims
        right = [
            claims[name] for name in self.ends
            if name not in self.wrong and is_finite(self.replay.value(claims[name], 0))
        ]  # fmt: skip
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
        suspects = self.suspects.of(names, self.right)
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
        return self._chosen(suspects, names)

    def _chosen(self, suspects: list[Suspect], names: list[str]) -> Culprit:
        """The likeliest of the suspects; the others that are as likely may be meant instead."""
        chosen = min(suspects, key=self._rank)
        others = [s for s in sorted(suspects, key=self._rank) if s.line != chosen.line]
        rank = self._rank(chosen)[:4]
        is_vague = chosen.is_explained and chosen.named is None  # more than one change explains it
        if not any(
            self._rank(s)[:4] <= rank or (is_vague and s.named) or self._may_be_meant(s, chosen)
            for s in others
        ):
            others = []
        twins = tuple(dict.fromkeys(
            s.line for s in others
            if self._rank(s)[:4] == rank and self._are_twins(chosen.line, s.line)
        ))  # fmt: skip
        odd = [k for k in (chosen.line, *twins) if not self._reads_of_its_own(k)]
        if len(odd) == 1:
            others = [s for s in others if s.line not in (*twins, *odd)]
            chosen, twins = next(s for s in suspects if s.line == odd[0]), ()
        for earlier in others if self._takes_what_was_left(chosen) else ():
            if (
                earlier.is_sound == chosen.is_sound and self._takes_what_was_left(earlier)
                and self._reads(chosen.line, earlier.line)
            ):  # fmt: skip
                chosen, others = earlier, [chosen, *others]
        if self._is_settled(chosen) or self._takes_what_was_left(chosen):
            others = [s for s in others if not self._reads(s.line, chosen.line)]
        turns = self.suspects.turns
        lines = [s.line for s in others]
        if not chosen.is_explained:
            lines += [*self._loops_behind(chosen.line), *self._helpers_behind(chosen.line)]
        elif chosen.named is not None and chosen.named.mistake in OF_WHAT_IS_READ:
            lines += self._helpers_of_it_alone(chosen.line, chosen.named.reason or "")
        own = turns.first(chosen.line)
        lines = [k for k in dict.fromkeys(map(turns.first, lines)) if k != own]
        has_rival = any(s.is_explained and turns.first(s.line) != own for s in others)
        return Culprit(chosen, lines, names, twins, has_rival)

    def _helpers_behind(self, k: int) -> list[int]:
        """Helpers that a line reads and that are nothing known, the nearest first."""
        return [j for j in reversed(range(k)) if self.lines[j].name is None
                and self._reads(k, j) and not self.suspects.is_sound(j)]  # fmt: skip

    def _helpers_of_it_alone(self, k: int, reason: str) -> list[int]:
        """Helpers that only one line reads, and that what is wrong there speaks of."""
        tree = self.lines[k].statement.tree
        read = set() if tree is None else {
            arg for op, arg in zip(tree.ops, tree.args, strict=True) if op == "name"
        } & {*re.findall(r"\w+", reason)}  # fmt: skip
        return [
            j for j in reversed(range(k)) if self.lines[j].name is None
            and self.lines[j].statement.target in read and self._reads(k, j)
            and not any(self._reads(i, j) and not (i == k or self._reads(i, k))
                        for i in range(j + 1, len(self.lines)))
        ]  # fmt: skip

    def _may_be_meant(self, suspect: Suspect, chosen: Suspect) -> bool:
        """Whether a helper that a line reads, and that only stands for a slope, may be the slip."""
        meaning = self.suspects.meaning(suspect.line)
        entry = None if meaning is None else meaning.entry
        is_weak = entry is not None and entry.kind in ("slope", "value")
        is_helper = self.lines[suspect.line].name is None and suspect.named is not None
        return is_weak and is_helper and self._reads(chosen.line, suspect.line)

    def _is_settled(self, suspect: Suspect) -> bool:
        """Whether a line's value is no gradient of its name now, and is with the change."""
        k = suspect.line
        name = self.lines[k].name
        values = suspect.held.get(self.replay.sites[k])
        if not suspect.is_explained or values is None:
            return False
        now = self.suspects.meaning(k)
        promised = self._promised(k)
        if promised is not None and all(
            _is_same(value, self.replay.truth(promised, p)) for p, value in enumerate(values)
        ):
            return True
        node = None if name is None else self.replay.forward[name]
        mended = self.suspects.known.meaning(values, node)
        if self._is_own(now, name) or not self._is_own(mended, name):
            return False
        is_scaled = now is not None and self._is_own(now._replace(factor=1.0), None)
        return name is not None or not is_scaled  # a helper may be so many times a gradient

    def _promised(self, k: int) -> str | None:
        """The stage whose gradient a helper is by its name: `dvar` of `var`."""
        line = self.lines[k]
        target = line.statement.target.removeprefix("d").removeprefix("_")
        is_told = line.name is None and target != line.statement.target
        return target if is_told and target in self.replay.forward else None

    def _takes_what_was_left(self, suspect: Suspect) -> bool:
        """Whether a line with the change reads what no line has read."""
        unread, tree = self.lines[suspect.line].unread, suspect.tree
        return tree is not None and any(
            op == "name" and arg in unread for op, arg in zip(tree.ops, tree.args, strict=True)
        )

    def _is_own(self, meaning: Meaning | None, name: str | None) -> bool:
        """Whether a meaning is a gradient of a name itself; of a helper, of any node."""
        if meaning is None or meaning.entry is None or not meaning.is_exact:
            return False
        is_gradient = meaning.entry.kind in ("adjoint", "contribution", "path")
        return is_gradient and (name is None or meaning.entry.node == self.replay.forward[name])

    def _reads(self, k: int, j: int) -> bool:
        """Whether a line reads what another one has assigned."""
        return k > j and bool(self.replay.graph.reaches(self.replay.sites[k])[self.replay.sites[j]])

    def _reads_of_its_own(self, k: int) -> bool:
        """Whether a line reads the gradient of a stage whose contribution it is."""
        line = self.lines[k]
        value = self.replay.value(self.replay.sites[k], 0)
        consumers = self.naming.uses.consumers(str(line.name), value)
        read = {read.name for read in line.reads.values() if read.kind == "gradient"}
        return not consumers or not read or not read.isdisjoint(consumers)

    def _loops_behind(self, k: int) -> list[int]:
        """The lines of loops whose values a line is made of: their slips may look like its own."""
        turns = self.suspects.turns
        own = turns.first(k)
        return [g[0] for g in turns.groups
                if turns.first(g[0]) != own and any(self._reads(k, j) for j in g)]  # fmt: skip

    def _are_twins(self, k: int, j: int) -> bool:
        """Whether two lines of one gradient add the same, so that either may be the slip."""
        one, other = self.lines[k], self.lines[j]
        if one.name is None or one.name != other.name or self.suspects.meaning(k) is None:
            return False
        if self.lines[max(k, j)].statement.kind != "add":
            return False
        return self.suspects.meaning(k) == self.suspects.meaning(j)

    def _rank(self, suspect: Suspect) -> tuple[Any, ...]:
        order = ("add", "value", "path", "drop", "formula", "total").index(suspect.kind)
        is_far = suspect.named is not None and suspect.named.is_far
        is_whole = suspect.is_sound and self.suspects.is_whole(suspect.line)
        does_something = not self._does_nothing(suspect.line)
        is_lost = suspect.named is not None and suspect.named.mistake == "lost-term"
        is_explained = suspect.is_explained and not (is_lost and self._scales(suspect.line))
        likely = does_something, suspect.is_sound, not is_explained, is_far
        is_proven = self._is_of_both(suspect.line)
        is_something = self.suspects.meaning(suspect.line) != Meaning(None)  # a wrong mask is not
        return *likely, is_whole, is_proven, is_something, suspect.line, order

    def _is_of_both(self, k: int) -> bool:
        """Whether a line stands in a function that the forward part calls as well."""
        return bool(self.lines[k].call) and self.suspects.rows[k] in self._rows_of_forward

    @cached_property
    def _rows_of_forward(self) -> set[int]:
        """Where what the forward part has computed stands."""
        program = self.replay.program
        graph = program.graph
        tokens = {graph.tokens[k] for k in range(program.forward_nodes) if graph.operands[k]}
        return {program.source.span(token).line for token in tokens}

    def _does_nothing(self, k: int) -> bool:
        """Whether a line gives a name the value that it has: `dh = dh`."""
        statement = self.lines[k].statement
        is_name = statement.tree is not None and statement.tree.args == [statement.target]
        return is_name and statement.kind != "add" and statement.target.isidentifier()

    def _scales(self, k: int) -> bool:
        """Whether a line multiplies or divides what has its name: a lost term is not its own."""
        tree = self.lines[k].statement.tree
        is_product = tree is not None and tree.ops[-1] in ("mul", "div")
        return is_product and tree.args[0] == self.lines[k].statement.target

    def _of_ends(self, names: list[str]) -> list[Suspect]:
        """Suspects that make the end results right, and between them what its writer likes."""
        ends = [name for name in names if name in self.ends]
        right = [name for name in self.right if name in self.ends]
        if not ends or (len(ends) == len(names) and len(right) == len(self.right)):
            return []
        return [
            s for s in self.suspects.of(ends, right)
            if s.is_explained and (len(ends) > 1 or not (s.named and s.named.is_general))
        ]  # fmt: skip

    def _of_most(self, names: list[str]) -> tuple[list[Suspect], list[str]] | None:
        """Suspects that make most of the wrong gradients right, and none wrong."""
        best: tuple[int, list[Suspect], list[str]] = (0, [], [])
        for name in names:
            suspects = self.suspects.of([name], self.right)
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
            own = [
                k for k, line in enumerate(self.lines)
                if line.name == name and not line.place and not self.suspects.is_sound(k)
            ]  # fmt: skip
            node = replay.forward[name]
            known = [v for e, v in self.suspects.known.values.items()
                     if e.node == node and e.kind == "contribution"]  # fmt: skip
            for k in own[:MOST_PAIRED]:
                for values in known[:MOST_PAIRED]:
                    if np.shape(values[0]) != replay.graph.shape(replay.sites[k]):
                        continue
                    held = {replay.sites[k]: values}
                    if self._is_half(held, name, k):
                        found = self.naming.mistake(k, values)
                        if found is not None:
                            return [Suspect(k, held, "value", False, True, found.named, found.tree)]
        return []

    def _is_half(self, held: Held, name: str, k: int) -> bool:
        """Whether with a line mended another one can be, so that a gradient is right."""
        before, now = self.replay.held, self.replay.now
        self.replay.hold(held)
        aim = Aim(self.replay, [name], self.right)
        others = [j for j in aim.lines(self.lines) if j != k and self.lines[j].name == name]
        is_half = any(
            aim.is_hit({self.replay.sites[j]: values})
            for j in others for values in self.suspects.fitting(aim, j)[:MOST_FIXES]
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
        unknown = [k for k in own if self.suspects.meaning(k) is None]
        line = (unknown or own)[0 if unknown else -1]
        held = {replay.claims[name]: [replay.truth(name, p) for p in range(len(replay.runs))]}
        others = [k for k in (*own, *self._loops_behind(line)) if k != line]
        return Culprit(Suspect(line, held, "total", False), others, [name])

    def _narrow(self) -> None:
        """Look at the given point only: what is right there may be wrong for other data."""
        self.replay.narrow()
        self.suspects = self.suspects.afresh()
