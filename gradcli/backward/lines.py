"""The lines of a hand-written backward pass as reports have them, and the fork table.

    attribution -> judge -> naming -> blame -> lines

Each gives a value that the next one reads.
"""

from __future__ import annotations

from gradcli.backward.amounts import Amount, is_finite, nested, total
from gradcli.backward.attribution import Attribution, attribute
from gradcli.backward.blame import Blame, blame
from gradcli.backward.judge import Accusation, Judgement, judge
from gradcli.backward.naming import Naming
from gradcli.backward.passage import Evidence, evidence_at
from gradcli.checker.reasons import mismatch
from gradcli.evaluation.point import Point, gather, in_lists
from gradcli.graph.text import place_text
from gradcli.program.gradient_lines import GradientLine
from gradcli.program.model import Program
from gradcli.reports.evaluations import Number, worst
from gradcli.reports.lines import Contribution, Fork, LineCheck
from gradcli.requests import Request
from gradcli.syntax.tokens import line_and_column


def judge_lines(
    point: Point, request: Request, formulas_only: bool = False
) -> tuple[list[LineCheck], list[Fork]]:
    """The verdict on every gradient line, and the fork table.

    `formulas_only` accuses no line that gives a number: a number is claimed at its point only.
    """
    evidence = evidence_at(point, request, formulas_only)
    attribution = attribute(evidence)
    judgement = judge(evidence, attribution)
    naming = Naming(evidence, attribution, judgement)
    origin = blame(evidence, attribution, judgement, naming)
    places = _places(point.program)
    checks = _Lines(evidence, attribution, judgement, naming, origin, places).checks()
    return checks, forks(evidence, attribution, places)


def _places(program: Program) -> list[tuple[int, int]]:
    """Line and column in the text, from 1, of every line of the backward part."""
    place = line_and_column(program.source.text)
    tokens = [line.statement.token for line in program.lines]
    spans = program.source.spans(set(tokens))
    return [place(spans[token].start) for token in tokens]


class _Lines:
    """The LineCheck of each line, from the results of all the steps."""

    def __init__(
        self, evidence: Evidence, attribution: Attribution, judgement: Judgement, naming: Naming,
        origin: Blame, places: list[tuple[int, int]],
    ) -> None:  # fmt: skip
        self.evidence = evidence
        self.attribution = attribution
        self.judgement = judgement
        self.naming = naming
        self.origin = origin
        self.places = places
        self.lines: list[GradientLine] = evidence.program.lines

    def checks(self) -> list[LineCheck]:
        """The verdicts in the order of the text; helpers have one only where they are wrong."""
        return [
            self._helper(k) if k in self.origin.helpers else self._line(k)
            for k, line in enumerate(self.lines)
            if line.name is not None or k in self.origin.helpers
        ]

    def _claim(self, k: int) -> Number:
        return in_lists(gather(self.lines[k].value, self.evidence.point.run.values))

    def _line(self, k: int) -> LineCheck:
        line = self.lines[k]
        target = line.statement.target + "".join(f"[{place_text(i)}]" for i in line.place)
        accusation = self.origin.accused.get(k)
        if accusation is not None:
            return self._accused(k, target, accusation)
        words = [self.judgement.words[element] for element in self.attribution.targets[k]]
        unsettled = [word for word in words if word.verdict not in ("fail", "pass")]
        verdict = worst([word.verdict for word in unsettled])
        reason = next((word.reason for word in unsettled if word.verdict == verdict), None)
        expected, is_as_true = self._expected(k)
        cause = self.origin.causes.get(k)
        root = None
        if verdict == "pass" and cause is not None and not is_as_true:
            verdict, root = "fail", self.places[cause][0]
            reason = f"right by itself: what it reads is wrong since line {root}"
        return LineCheck(
            target, *self.places[k], verdict, False, root, self._claim(k), expected, None, reason
        )

    def _expected(self, k: int) -> tuple[Number | None, bool]:
        """The amount a line should add, by true upstream gradients, and whether it adds that."""
        amounts: list[Amount | None] = []
        is_as_true = True
        for element in self.attribution.targets[k]:
            group, part = self.attribution.group(k, element), self.attribution.part(k, element)
            if element == self.evidence.cut.output:
                amounts.append(part.value)
            elif group is None or len(group.parts) != 1 or not group.consumers:
                is_wrong = element.name in self.judgement.wrong_names
                is_right = self.judgement.words[element].verdict == "pass" and not is_wrong
                is_as_true = is_as_true and is_right
                amounts.append(None)
            else:
                amount = self.evidence.true.sent_back(element, group.consumers)
                amounts.append(amount)
                is_as_true = is_as_true and self.evidence.agree(part.value, amount)
        return self._gathered(k, amounts), is_as_true

    def _gathered(self, k: int, amounts: list[Amount | None]) -> Number | None:
        """The amounts of a line's elements as one number or array; None where one is unknown."""
        if any(amount is None or not is_finite(amount) for amount in amounts):
            return None
        line = self.lines[k]
        if line.place and self.evidence.point.is_of_arrays:
            from gradcli.arithmetic.arrays import key  # late: numbers do not need numpy

            amounts = [amount[key(line.place)] for amount in amounts if amount is not None]
        number: Number = nested(line.value, iter(map(in_lists, amounts)))
        return number

    def _accused(self, k: int, target: str, accusation: Accusation) -> LineCheck:
        group, claim = accusation.group, self._claim(k)
        mistake, reason = accusation.mistake, accusation.reason
        if group is not None and len(group.parts) == 1 and self.lines[k].reads:
            mistake, reason = self.naming.mistake(k, [k]) or (mistake, reason)
        if k in self.origin.unsure:
            helper = self.origin.unsure[k]
            place = f"`{self.lines[helper].statement.target}`, line {self.places[helper][0]}"
            mistake, reason = None, f"a slip here, or in {place}"
        expected = None if accusation.expected is None else in_lists(accusation.expected)
        if accusation.element is not None:
            target = f"d{accusation.element}"
        if group is None:
            claim = in_lists(accusation.claim)
        elif isinstance(claim, list):
            targets, written = self.attribution.targets[k], self.evidence.written
            own = [self.naming.own_expected(k, element, written) for element in targets]
            expected = self._gathered(k, own)
        check = LineCheck(
            target, *self.places[k], "fail", True, None, claim, expected, mistake, reason
        )
        return check if check.reason else check._replace(reason=_difference(check))

    def _helper(self, k: int) -> LineCheck:
        """The verdict on a helper that makes every line that reads it wrong."""
        helper = self.origin.helpers[k]
        names = ", ".join(dict.fromkeys(f"d{self.lines[r].name}" for r in helper.readers))
        mistake, reason = helper.named or (None, f"all that read it are wrong: {names}")
        target, claim = self.lines[k].statement.target, self._claim(k)
        return LineCheck(target, *self.places[k], "fail", True, None, claim, None, mistake, reason)


def _difference(check: LineCheck) -> str:
    """By what a line is off where no mistake explains it; of an array the worst number."""
    claim, expected = check.claim, check.expected
    what, of = "the line", "what comes back"
    if isinstance(claim, float) and isinstance(expected, float):
        return mismatch(claim, expected, what, of)
    differences = check.differences()
    if not differences:
        return "the line is not what comes back"
    import numpy as np  # late: numbers do not need it

    from gradcli.checker.patterns import pattern

    relation = pattern(np.array(claim), np.array(expected), ())
    at, number, right = differences[0]
    return f"{what} {relation}" if relation else f"at {at} {mismatch(number, right, what, of)}"


def forks(
    evidence: Evidence, attribution: Attribution, places: list[tuple[int, int]]
) -> list[Fork]:
    """Every name with more than one use, or more than one line: its contributions and their sum."""
    table = []
    for element, groups in attribution.groups.items():
        if len(groups) < 2:
            continue
        parts = []
        for group in groups:
            live = [part for part in group.parts if not part.is_lost]
            line = places[live[0].line][0] if live else None
            claim = in_lists(total(part.value for part in live)) if live else None
            stage = ", ".join(map(str, group.consumers)) or "-"
            parts.append(Contribution(stage, line, claim, in_lists(group.expected)))
        parts.sort(key=lambda part: (part.line is None, part.line or 0))
        claim = in_lists(evidence.written.gradients[element])
        expected = in_lists(evidence.written.expected(element))
        table.append(Fork(str(element), parts, claim, expected))
    return table
