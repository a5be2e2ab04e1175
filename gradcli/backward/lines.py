"""The lines of a hand-written backward pass as reports have them, and the fork table.

judge    which claims are wrong
replay   what the lines give, at this point and at others
known    what that means
blame    the line that makes all right, if it gives what it should
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcli.arithmetic.agreement import agree
from gradcli.backward.aim import ends_of, scaled
from gradcli.backward.amounts import listed, rounding_of
from gradcli.backward.culprits import Blame, Culprit, Suspect
from gradcli.backward.judge import ELSEWHERE, Judgement, Word, judge
from gradcli.backward.known import Known, words
from gradcli.backward.misfits import Misfits, behind_misfits
from gradcli.backward.passage import Evidence, evidence_at
from gradcli.backward.replay import Replay, is_finite, same
from gradcli.backward.uses import Uses
from gradcli.checker.patterns import SAME, factor, pattern
from gradcli.checker.reasons import mismatch
from gradcli.evaluation.point import Point, gather, in_lists
from gradcli.graph.text import place_text
from gradcli.named_tuples import NamedTuple
from gradcli.program.gradient_lines import GradientLine
from gradcli.program.model import Element, Program, elements, nodes_of
from gradcli.reports.evaluations import Number, worst
from gradcli.reports.lines import Contribution, Fork, LineCheck
from gradcli.requests import Request
from gradcli.syntax.tokens import line_and_column

if TYPE_CHECKING:  # loaded where a line is wrong
    from gradcli.backward.naming import Naming
    from gradcli.backward.pasted import Pasting

MOST_CONTRIBUTIONS = 4  # that a line of wrong shape is held against
MOST_SUSPECTS = 5  # lines that are named beside the likeliest


class JudgedLines(NamedTuple):
    """The verdict on every line of the backward part, and the fork table."""

    lines: list[LineCheck]
    forks: list[Fork]
    hides: bool = False  # with the wrong lines mended the program is not right elsewhere


def judge_lines(point: Point, request: Request, formulas_only: bool = False) -> JudgedLines:
    """The verdict on every line of the backward part at a point.

    `formulas_only` accuses no line that gives a number: a number is claimed at its point only.
    """
    with np.errstate(all="ignore"):  # a moved point may be outside of what a gate takes
        if formulas_only and not _differing(point, request):
            return JudgedLines(_as_judged(point, {}), [])
        return _judged(evidence_at(point, request, formulas_only), point, request)


def _differing(point: Point, request: Request) -> set[str]:
    """The names whose lines do not give what the engine does, conventions left aside."""
    program, run = point.program, point.run
    active, nodes = program.graph.active, {**program.inputs, **program.stages}
    claimed: dict[str, list[int]] = {}
    wrong = set()
    room = rounding_of(run.gradients[k] for name in program.claims for k in nodes_of(nodes[name]))
    for name, claim in program.claims.items():
        claimed[name] = [node for node in nodes_of(claim) if active[node]]
        pairs = zip(nodes_of(claim), nodes_of(nodes[name]), strict=True)
        if program.output not in nodes_of(nodes[name]) and not all(
            agree(run.values[k], run.gradients[node], request.tolerance, room) for k, node in pairs
        ):
            wrong.add(name)
    ends = ends_of(program)
    right = [node for name in ends if name not in wrong for node in claimed[name]]
    soft = {name: claimed[name] for name in wrong.difference(ends)}
    return wrong - scaled(run, right, soft) if soft else wrong


def _judged(evidence: Evidence, point: Point, request: Request) -> JudgedLines:
    judgement = judge(evidence)
    if evidence.formulas_only and not judgement.wrong:
        return JudgedLines(_as_judged(evidence.point, judgement.words), [])
    lines = _Lines(evidence, judgement, Replay(point, evidence.formulas_only), request.tolerance)
    return JudgedLines(lines.checks(), lines.forks(), lines.hides)


def _as_judged(point: Point, given: dict[Element, Word]) -> list[LineCheck]:
    """The lines at another point, where nothing is wrong: nobody asks what they mean there."""
    program, values = point.program, point.run.values
    checks = []
    for line, place in zip(program.lines, _told(program), strict=True):
        words = own_words(line, program, given)
        verdict = worst([word.verdict for word in words])
        reason = next((word.reason for word in words if word.verdict == verdict), None)
        claim = in_lists(gather(line.value, values))
        name = line.statement.target + "".join(f"[{place_text(i)}]" for i in line.place)
        if line.misfit is not None:
            verdict, reason = "fail", line.misfit.message
        checks.append(LineCheck(name, *place, verdict, False, None, claim, claim, None, reason))
    return checks


def own_words(line: GradientLine, program: Program, given: dict[Element, Word]) -> list[Word]:
    """The verdicts on the numbers that a line assigns, other than that they are wrong."""
    if line.name is None or not given:
        return []
    whole = given.get(Element(line.name))
    words = [whole] if whole is not None else [
        given[e] for e in _taken(line.name, program.claims[line.name], line.place)
    ]  # fmt: skip
    return [word for word in words if word.verdict not in ("fail", "pass")]


def _places(program: Program) -> list[tuple[int, int]]:
    """Line and column in the text, from 1, of every line of the backward part."""
    place = line_and_column(program.source.text)
    tokens = [line.statement.token for line in program.lines]
    spans = program.source.spans(set(tokens))
    return [place(spans[token].start) for token in tokens]


def _told(program: Program) -> list[tuple[int, int]]:
    """The places as reports have them: of what was recorded in the code that ran, 0 for none."""
    places = _places(program)
    if not program.line_map:
        return places
    return [(program.line_map[row - 1], 1) for row, _ in places]


class _Lines:
    """The LineCheck of each line, from the results of all the steps."""

    def __init__(
        self, evidence: Evidence, judgement: Judgement, replay: Replay, tolerance: float
    ) -> None:
        self.evidence = evidence
        self.judgement = judgement
        self.replay = replay
        self.lines: list[GradientLine] = replay.program.lines
        self.places = _told(replay.program)
        self.known = Known(replay)
        is_own = replay.program is evidence.program
        self.uses = Uses(replay, (evidence.cut, evidence.written.cut_run) if is_own else None)
        self._tolerance = tolerance
        self.written = [replay.value(node, 0) for node in replay.sites]
        self.claims = {name: replay.value(node, 0) for name, node in replay.claims.items()}
        self.meanings = self.known.of_lines()
        behind = behind_misfits(self.lines)
        names = {k: str(self.lines[k].name) for k in behind}
        # Lines that cannot be judged, and the misfit behind each.
        self.spoilt = {k: cause for k, cause in behind.items() if names[k] in judgement.wrong}
        self.origin = self._blamed(judgement.wrong.difference(names.values()))

    def _blamed(self, wrong: set[str]) -> Blame:
        """The lines that make some gradients wrong; `replay` holds the right values afterwards."""
        if not wrong:
            return Blame([], {}, set(), set())
        from gradcli.backward.blame import blame  # late: right lines are not searched

        rows = [place[0] for place in self.places]
        is_held = self.evidence.formulas_only
        return blame(self.replay, self.known, self.naming, wrong, rows, is_held)

    @property
    def hides(self) -> bool:
        """Whether the program is not right elsewhere with the wrong lines mended."""
        return bool(self.origin.culprits) and not all(
            self.replay.is_right(name, p, run)
            for name in ends_of(self.replay.program)
            for p, run in enumerate(self.replay.now)
        )

    @cached_property
    def naming(self) -> Naming:
        """The search for the mistakes in lines."""
        from gradcli.backward.naming import Naming  # late: right lines have none

        return Naming(self.replay, self.uses, self._tolerance)

    @cached_property
    def pasting(self) -> Pasting:
        """The writer of lines as they should be."""
        from gradcli.backward.pasted import Pasting  # late: right lines are so

        return Pasting(self.replay, self.naming, _places(self.replay.program))

    @cached_property
    def misfits(self) -> Misfits:
        """The search for what lines of wrong shapes should be."""
        return Misfits(self.replay, self.known, self.naming, self.meanings)

    def checks(self) -> list[LineCheck]:
        """The verdicts in the order of the text."""
        culprits = {
            k: culprit for culprit in reversed(self.origin.culprits)
            for k in (*culprit.twins, culprit.line)
        }  # fmt: skip
        checks = [
            self._misfit(k) if line.misfit is not None else
            self._accused(k, culprits[k]) if k in culprits else
            self._line(k) if line.part_of is None else self._part(k, line.part_of)
            for k, line in enumerate(self.lines)
        ]  # fmt: skip
        return [
            check._replace(
                meaning=self._meaning(k), turn=[*self.lines[k].turn], calls=[*self.lines[k].call]
            )
            for k, check in enumerate(checks)
        ]  # fmt: skip

    def _meaning(self, k: int) -> str | None:
        """What the line's value was understood as, in words."""
        meaning = self.meanings[k]
        return None if meaning is None else words(meaning, self._texts)

    @cached_property
    def _texts(self) -> dict[int, str]:
        """Every node of the forward part as text, by its number in the replay."""
        phrases = self.replay.program.graph.phrases(self.uses.names)
        texts = {}
        for node, (text, _) in enumerate(phrases[: self.replay.program.forward_nodes]):
            name = self.replay.program.graph.names.get(node)
            texts[self.replay.moved[node]] = name or text
        return texts

    def _target(self, k: int) -> str:
        line = self.lines[k]
        return line.statement.target + "".join(f"[{place_text(i)}]" for i in line.place)

    def _row(self, k: int) -> int | None:
        """The line of the text that a line is told as; None for one that is not of the code."""
        return self.places[k][0] or None

    def _rows(self, lines: Sequence[int], but: int | None = None) -> list[int]:
        """What some lines are told as, each once, without that of one line."""
        rows = dict.fromkeys(self.places[j][0] for j in lines)
        return [row for row in rows if row and (but is None or row != self.places[but][0])]

    def _line(self, k: int) -> LineCheck:
        """A line that is not accused: right, not judged, or wrong because of another."""
        verdict, reason = self._word(k)
        root = None
        cause = self.origin.causes.get(k - 1 if self._is_written_by_part(k) else k)
        if verdict == "pass" and cause is not None:
            verdict, root = "fail", self._row(cause)
            since = f" since line {root}" if root else ""
            reason = f"right by itself: what it reads is wrong{since}"
        if k in self.spoilt:
            verdict, root = "fail", self._row(self.spoilt[k])
            reason = f"not judged: it reads what {_line(root)} does not give"
        expected = self.replay.value(self.replay.sites[k], 0)
        return LineCheck(
            self._target(k), *self.places[k], verdict, False, root, _number(self.written[k]),
            _number(expected) if is_finite(expected) else None, None, reason,
        )  # fmt: skip

    def _is_written_by_part(self, k: int) -> bool:
        """Whether a line is an array into which the one before writes its part, which is judged."""
        if not k or self.lines[k - 1].before is None:
            return False
        return self.lines[k - 1].statement.token == self.lines[k].statement.token

    def _word(self, k: int) -> Word:
        """The worst of the verdicts on what a line assigns that are neither pass nor fail."""
        line = self.lines[k]
        own = own_words(line, self.evidence.program, self.judgement.words)
        if line.name in self.origin.unjudged:
            own = [ELSEWHERE]
        verdict = worst([word.verdict for word in own])
        return Word(verdict, next((w.reason for w in own if w.verdict == verdict), None))

    def _accused(self, k: int, culprit: Culprit) -> LineCheck:
        suspect = culprit.suspect
        if culprit.twins:
            rows = sorted(self._rows((culprit.line, *culprit.twins)))
            words = f"lines {listed(rows)} cannot be told apart; their sum is wrong"
            if len(rows) == 1:
                words = "one of its terms is wrong, and which cannot be told"
            return LineCheck(
                self._target(k), *self.places[k], "fail", True, None, _number(self.written[k]),
                None, None, words, suspects=rows,
            )  # fmt: skip
        node, name = self.replay.sites[k], self.lines[k].name
        target, claim, expected = self._target(k), self.written[k], self.replay.value(node, 0)
        if suspect.kind in ("add", "path", "total") and name is not None:
            claim, expected = self.claims[name], self.replay.truth(name, 0)
            if suspect.kind == "path":
                target, claim, expected = self._missing(k, claim, expected)
        mistake: str | None = None
        repair: str | None = None
        reason: str | None = None
        if suspect.named is not None:
            mistake, reason = suspect.named.mistake, suspect.named.reason
        if not culprit.has_rival:
            repair = self.pasting.repair(k, suspect)
        if mistake is None and (lost := self._lost_mean(claim, expected)) is not None:
            mistake = "missing-mean"
            reason = f"what is added up here is {lost} times the gradient: the mean over {lost}"
            repair = repair or (None if self.lines[k].turn else self.pasting.divided(k, lost))
        reason = reason or _relation(claim, expected)
        is_of_all = (
            suspect.named is None and reason is not None
        )  # what lines add up, not one of them
        others = [] if is_of_all else self._rows(culprit.others, k)[:MOST_SUSPECTS]
        if others:
            either = f"or line {' or '.join(map(str, others))} is the slip"
            reason = f"{reason}; {either}" if reason else f"this line {either}"
        check = LineCheck(
            target, *self.places[k], "fail", True, None, _number(claim), _number(expected),
            mistake, reason, repair=repair, suspects=[self.places[k][0], *others] if others else [],
        )  # fmt: skip
        return check if check.reason else check._replace(reason=_difference(check))

    def _lost_mean(self, claim: Any, expected: Any) -> int | None:
        """The number of examples by which the sum of several lines should be divided."""
        ratio = factor(np.array(claim), np.array(expected)) if np.ndim(claim) else None
        if ratio is None:
            return None
        sizes = [n for n in self.naming.examples if math.isclose(ratio, n, rel_tol=SAME)]
        return int(sizes[0]) if sizes and sizes[0] == sizes[0] // 1 else None

    def _misfit(self, k: int) -> LineCheck:
        """A line whose shapes do not fit, or that reads what such a line does not give."""
        misfit = self.lines[k].misfit
        assert misfit is not None
        if misfit.cause is not None:
            row = self._row(misfit.cause)
            return LineCheck(
                self._target(k), *self.places[k], "fail", False, row, None, None, None,
                f"not judged: it reads what {_line(row)} does not give",
            )  # fmt: skip
        named = self.misfits.mistake(k, misfit)
        reason = f"{misfit.message}; {misfit.hint}" if misfit.hint else misfit.message
        culprit = Suspect(k, {}, "value", False, True, named, named.tree if named else None)
        others = [] if named else sorted(self._rows(self.misfits.helpers_behind(k), k))
        if others:
            reason = f"{reason}; or line {listed(others)} is the slip"
        return LineCheck(
            self._target(k), *self.places[k], "fail", True, None, None, None,
            named.mistake if named else None, reason, repair=self.pasting.repair(k, culprit),
            suspects=[self.places[k][0], *others] if others else [],
        )  # fmt: skip

    def _part(self, k: int, name: str) -> LineCheck:
        """A line of a gradient that another line spoils: right where some uses send back its value.

        Zeros begin a sum. Which parts the other lines should give is not known.
        """
        node, value = self.replay.forward[name], self.written[k]
        place = self.lines[k].place
        parts = [v[0] for e, v in self.known.values.items()
                 if e.node == node and e.kind == "contribution"][:MOST_CONTRIBUTIONS]  # fmt: skip
        sums = [sum(some) for n in range(1, len(parts) + 1) for some in combinations(parts, n)]
        sums.append(self.replay.truth(name, 0))
        is_right = not np.any(value) or any(same(value, _at(amount, place)) for amount in sums)
        spoiling = [j for j, line in enumerate(self.lines) if line.misfit and name == line.owner]
        if not is_right and spoiling and not self.misfits.is_for_itself(k, node):
            row = self._row(spoiling[0])
            return LineCheck(
                self._target(k), *self.places[k], "fail", False, row, _number(value), None, None,
                f"not judged: {_line(row)} spoils the gradient that it is a part of",
            )  # fmt: skip
        reason = None if is_right else f"no use of `{name}` sends this back"
        return LineCheck(
            self._target(k), *self.places[k], "pass" if is_right else "fail", not is_right, None,
            _number(value), _number(value) if is_right else None, None, reason,
        )  # fmt: skip

    def _missing(self, k: int, claim: Any, expected: Any) -> tuple[str, Any, Any]:
        """What is missing from a gradient: an element of it, where no line gives that one."""
        line = self.lines[k]
        if line.place and np.ndim(claim):
            differing = np.argwhere(~np.isclose(claim, expected, rtol=1e-6, atol=0))
            if len(differing) == 1:
                at = tuple(map(int, differing[0]))
                return f"d{Element(str(line.name), at)}", claim[at], expected[at]
        return line.statement.target, claim, expected

    # ---------------------------------------------------------------- forks

    def forks(self) -> list[Fork]:
        """Every name with several uses: what comes back from each by its line, and the sum."""
        table = []
        for name in self.claims:
            own = self.uses.amounts.get(name, {})
            if len(own) < 2:
                continue
            left, parts = dict(own), []
            gone = self._lost(name)
            for k, line in enumerate(self.lines):
                some = self._consumers(name, k) if line.name == name and k not in gone else []
                if not some or not all(c in left for c in some):
                    continue
                right = self._right(k)
                for c in some:
                    del left[c]
                parts.append(Contribution(
                    ", ".join(some), self._row(k), _number(self.written[k]), _number(right)
                ))  # fmt: skip
            lost = [c for k in self._lost(name) for c in self._consumers(name, k) if c in left]
            rest = dict.fromkeys([*lost, *left])
            parts += [Contribution(c, None, None, _number(left[c])) for c in rest]
            truth = self.replay.truth(name, 0)
            table.append(Fork(name, parts, _number(self.claims[name]), _number(truth)))
        return table

    def _consumers(self, name: str, k: int) -> list[str]:
        """The stages whose contributions a line should be; none where it is a part of one."""
        right, shape = self._right(k), self.replay.graph.shape(self.replay.forward[name])
        return self.uses.consumers(name, right) if right.shape == shape else []

    def _lost(self, name: str) -> list[int]:
        """The lines of a gradient that a later one overwrites."""
        own = [k for k, line in enumerate(self.lines) if line.name == name]
        adding = [c.line for c in self.origin.culprits if c.suspect.kind == "add"]
        return [k for k in own if any(k < j and j in own for j in adding)]

    def _right(self, k: int) -> Any:
        """What a line should give; of one that should only add, what it gives."""
        if any(c.line == k and c.suspect.kind == "add" for c in self.origin.culprits):
            return self.written[k]
        return self.replay.value(self.replay.sites[k], 0)


def _line(row: int | None) -> str:
    return f"line {row}" if row else "another line"


def _difference(check: LineCheck) -> str:
    """By what a line is off where no mistake explains it; of an array the worst number."""
    claim, expected = check.claim, check.expected
    what, of = "the line", "what comes back"
    if isinstance(claim, float) and isinstance(expected, float):
        return mismatch(claim, expected, what, of)
    differences = check.differences()
    if not differences:
        return "the line is not what comes back"
    at, number, right = differences[0]
    return _relation(claim, expected) or f"at {at} {mismatch(number, right, what, of)}"


def _relation(claim: Any, expected: Any) -> str | None:
    """How an array that a line gives relates as a whole to what comes back; None if it does not."""
    relation = pattern(np.array(claim), np.array(expected), ()) if np.ndim(claim) else None
    return f"the line {relation}" if relation else None


def _at(amount: Any, place: tuple[Any, ...]) -> Any:
    """The part of an array that an indexed target takes; pairs are slices."""
    return amount[tuple(slice(*p) if isinstance(p, tuple) else p for p in place)]


def _number(amount: Any) -> Number:
    """A number, or an array as nested lists."""
    return in_lists(amount) if np.ndim(amount) else float(amount)


def _taken(name: str, value: Any, place: Any, at: tuple[int, ...] = ()) -> list[Element]:
    """The numbers of nested lists that an index takes."""
    if not place:
        return [element for element, _ in elements(name, value, at)]
    first, rest = place[0], place[1:]
    if isinstance(first, tuple):
        taken = range(len(value))[slice(*first)]
        return [e for k in taken for e in _taken(name, value[k], rest, (*at, k))]
    k = first % len(value)
    return _taken(name, value[k], rest, (*at, k))
