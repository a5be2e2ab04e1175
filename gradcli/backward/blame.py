"""Where wrong gradients begin: at lines that are wrong by themselves, or at a helper they read.

A line that the judge accuses may still be innocent: it reads the gradient of a sibling, and would
be right if that were; or it reads a helper line, together with others that are all wrong, and the
helper is what they share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from gradcli.backward.amounts import evaluated, flat, total
from gradcli.backward.attribution import base
from gradcli.backward.cut import Use
from gradcli.backward.judge import Accusation, Judge, line_numbers, upstream_reads
from gradcli.evaluation.point import gather, in_lists, numbers

MOST_HELPERS = 30  # that are looked at: the last before the lines that are wrong

Explain = Callable[[int, Sequence[int]], tuple[str, str] | None]


class Blame(NamedTuple):
    """A wrong helper: the lines that read it, and the mistake with words on it, if it is known."""

    readers: list[int]
    named: tuple[str, str] | None


class Roots:
    """Who is to blame.

    `number` tells the place of a line in the text; `true` is what every consumer sends back to
    each name by the true gradients; `explain` gives the mistake, and words on it, by which a line
    makes some lines wrong.
    """

    def __init__(
        self, judge: Judge, number: Callable[[int], tuple[int, int]],
        true: Mapping[str, Sequence[Use]], explain: Explain,
    ) -> None:  # fmt: skip
        self._explain = explain
        self.judge = judge
        self.program = judge.program
        self.accused: dict[int, Accusation] = dict(judge.accused)
        self.helpers: dict[int, Blame] = {}  # wrong helper lines
        self.unsure: dict[int, int] = {}  # accused lines that a slip in a helper would explain, too
        self.following: dict[int, int] = {}  # lines that follow from another: where that stands
        self._begun: dict[str, int] = {}  # names with a wrong gradient: the line it began at
        self._number = number
        self._true = true
        self._order = [k for k, line in enumerate(self.program.lines) if line.name is not None]
        self._values: dict[int | None, Any] = {}  # of helper lines, by the true gradients
        if self.accused:
            self._blame_helpers()
        self._follow()

    def of(self, k: int) -> int | None:
        """The line in the text where the wrong gradients that a line reads began."""
        reads = upstream_reads(self.program, k)
        return min([self._begun[n] for n in reads if n in self._begun], default=None)

    def is_right(self, name: str) -> bool:
        """Whether the gradient of a name is the true one."""
        return name not in self._wrong_names

    @cached_property
    def _wrong_names(self) -> set[str]:
        judge = self.judge
        return {
            base(element)
            for element in judge.cut.claimed
            if not judge.agree(judge.passage.claims[element], judge.true_gradient(element))
        }

    def _name(self, k: int) -> str:
        return str(self.program.lines[k].name)

    # ---------------------------------------------------------------- who is to blame

    def _blame_helpers(self) -> None:
        """A helper is wrong itself if all that read it are, and something says that it is it.

        That is a repair of the helper that makes all of them right, or that they are lines of
        several gradients. Of several helpers that may be meant the one is taken that a repair
        explains, else the last before the lines.
        """
        readers: dict[int, list[int]] = {}
        for k in self._order:
            for helper in self._helpers_of(k):
                readers.setdefault(helper, []).append(k)
        explained: dict[int, tuple[str, str] | None] = {}
        while True:
            suspects = [
                helper for helper, found in readers.items()
                if all(k in self.accused and self.accused[k].group is not None for k in found)
            ]  # fmt: skip
            suspects = sorted(suspects)[-MOST_HELPERS:]
            for helper in suspects:
                if helper not in explained:
                    explained[helper] = self._explain(helper, readers[helper])
            named = {h: words for h in suspects if (words := explained[h])}
            shared = [h for h in suspects if len({self._name(k) for k in readers[h]}) > 1]
            certain = [h for h in named if h in shared or not self._are_explained(readers[h])]
            chosen = max(certain or shared, default=None)
            if chosen is None:
                break
            self.helpers[chosen] = Blame(readers[chosen], named.get(chosen))
            for k in readers[chosen]:
                del self.accused[k]
                self.following[k] = self._number(chosen)[0]
                self._begun.setdefault(self._name(k), self.following[k])
        self.unsure = {k: h for h in named for k in readers[h] if k in self.accused}

    def _are_explained(self, lines: list[int]) -> bool:
        """Whether a repair of each of these lines itself would make it right."""
        return all(self._explain(k, [k]) for k in lines)

    def _helpers_of(self, k: int) -> Iterator[int]:
        """The helper lines that a line reads, also through others."""
        pending, seen = [k], set()
        while pending:
            here = pending.pop()
            for read in self.program.lines[here].reads.values():
                if read.line is not None and read.line not in seen:
                    seen.add(read.line)
                    pending.append(read.line)
                    yield read.line

    def _follow(self) -> None:
        """Follow wrong gradients to the lines that began them."""
        for k in self._order:
            root = self.of(k)
            if k in self.accused and root is not None and self._is_right_given_the_truth(k):
                del self.accused[k]
                self.following[k] = root
            name = self._name(k)
            if name in self._begun:
                continue
            accused = [n for n in self.accused if self._name(n) == name]
            if accused:
                self._begun[name] = self._number(min(accused))[0]
            elif root is not None and not self.is_right(name):
                self._begun[name] = root

    # ---------------------------------------------------------------- with the true gradients

    def _is_right_given_the_truth(self, k: int) -> bool:
        """Whether a line would be right if every gradient it reads were the true one."""
        line, judge = self.program.lines[k], self.judge
        group = self.accused[k].group
        if group is None or len(group.parts) != 1 or line.statement.tree is None:
            return False
        if line.place and self.program.graph.has_arrays:
            return False  # a part of an array
        for helper in sorted(self._helpers_of(k)):
            if helper not in self._values:
                self._values[helper] = self._value(helper)
        given = self._value(k)
        wanted = [
            total(use.amount for use in self._true.get(e, ()) if use.consumer in group.consumers)
            for e, _ in line_numbers(self.program, line)
        ]
        if given is None:
            return False
        got, expected = flat(given), [x for amount in wanted for x in flat(amount)]
        got = got * len(expected) if len(got) == 1 else got
        return len(got) == len(expected) and all(map(judge.agree, got, expected))

    def _value(self, k: int) -> Any:
        """What a line gives by the true gradients; None if that cannot be computed."""
        line = self.program.lines[k]
        assert line.statement.tree is not None
        return evaluated(
            line.statement.tree, self.program.source, lambda name: self._look(k, name), line.sizes
        )

    def _look(self, k: int, name: str) -> Any:
        kind, of, value, helper = self.program.lines[k].reads[name]
        if kind == "helper":
            return in_lists(self._values[helper])
        if kind == "gradient" and of in self.program.claims:
            elements = dict(numbers(of, self.program.claims[of]))
            table: Any = {node: self.judge.true_gradient(e) for e, node in elements.items()}
            return in_lists(gather(self.program.claims[of], table))
        return in_lists(gather(value, self.judge.found.run.values))
