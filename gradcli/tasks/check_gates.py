"""The task `check --gates`: each gate of a file on its own, run in a child process.

    called -> finite -> repeatable -> inputs untouched -> one gradient each -> states -> numbers

Numbers are judged from values alone, at several points and with several upstream gradients of which
none is 1. Where the gate can be read as well, what reading shows is told with its lines.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from gradcli.checker.blackbox.gradients import Gradients
from gradcli.checker.blackbox.line import Place
from gradcli.checker.gate_names import mistake_of
from gradcli.checker.gate_states import (
    NOISE,
    Finding,
    Player,
    behaviour,
    distance,
    fresh,
)
from gradcli.errors import GradcliError, UsageError, did_you_mean
from gradcli.foreign.child import ForeignFault
from gradcli.foreign.gate_file import Description, GateFile
from gradcli.foreign.gradients import Misfit
from gradcli.program.files import read_text
from gradcli.python.reading import PythonFile
from gradcli.reports.checks import Case, Problem
from gradcli.reports.evaluations import InputCheck, worst
from gradcli.reports.lines import LineCheck
from gradcli.requests import Request, Setting
from gradcli.tasks.gate_points import Points, other_than, points, upstream_of
from gradcli.tasks.gate_reading import GateReading, value_given

UPSTREAMS = 2  # at the first point, where the gate cannot be read
LOW = "low-precision"
OF_HALF = 1e-3  # relative, for what is float32 inside: its slopes are certain to no more
OTHERS = 2  # points at which a name has to fit, too
# Mistakes with which there are no gradients to judge.
HOPELESS = ("gradient-count", "gradient-shape", "gradient-type", "unsummed-axis", "not-repeatable")
UNSURE = ("inconclusive", "undefined")
OF_CALLS = ("stale-cache", "accumulated", "input-modified", "aliased")  # not of the numbers
SAID = {  # by an error of backward, of which mistake it is: factors that do not fit, and no numbers
    "matmul: ": "transposed", "not aligned": "transposed",
    "what is returned: ": "gradient-type",
}  # fmt: skip
# Mistakes that numbers show without a doubt, where lines may be mended in another way as well.
CERTAIN = ("missing-upstream", "not-switched", "wrong-branch", "not-finite", "gradient-type")


def check_gates(
    file: GateFile, name: str | None, bindings: list[tuple[str, Setting]], request: Request
) -> Iterator[Case]:
    """The case of each gate of a file, or of one. Raises GradcliError where there is none."""
    chosen = file.chosen(name)
    script = PythonFile(read_text(file.path), file.path)
    _refuse_lost(chosen, bindings)
    given = {name: value_given(script, name, setting, request) for name, setting in bindings}
    for gate in chosen:
        check = _GateCheck(file, script, gate, given, request)
        try:
            yield check.case()
        except GradcliError as error:
            yield check.broken(error)


def _refuse_lost(chosen: list[Description], bindings: list[tuple[str, Setting]]) -> None:
    """Raise UsageError for a binding of a name that no gate has."""
    known = {n for gate in chosen for n in (*gate.inputs, *gate.needed, *gate.constants)}
    for name, _ in bindings:
        if name not in known:
            raise UsageError(f"`{name}` is no input of what is checked", None,
                             did_you_mean(name, known))  # fmt: skip


class _GateCheck:
    """The check of one gate."""

    def __init__(
        self, file: GateFile, script: PythonFile, gate: Description, given: Mapping[str, Any],
        request: Request,
    ) -> None:  # fmt: skip
        self.script = script
        self.gate = gate
        self.request = request
        self.given = {name: x for name, x in given.items() if name in gate.inputs}
        self.reading = GateReading(script, gate, request)
        constants = {n: x for n, x in given.items() if n in (*gate.constants, *gate.needed)}
        self.known = self.reading.inputs({**self.given, **constants})
        constants |= {n: self.known[n] for n in gate.needed if n in self.known and n not in given}
        self.constants = constants
        self.player = Player(file, gate, constants)
        self.seed = request.seed or 0
        self.tolerance = request.tolerance
        self.notes: list[str] = []

    def case(self) -> Case:
        """The case. Raises GradcliError where nothing can be said."""
        missing = [name for name in self.gate.needed if name not in self.constants]
        if missing:
            raise UsageError(f"`{self.gate.name}` needs a value for {', '.join(missing)}",
                             hint=f"give it: {missing[0]}=...")  # fmt: skip
        found = points(self.player, self.given, self.known, self.seed)
        rng = np.random.default_rng(self.seed)
        first = found.inputs[0]
        value = self._value_of(first)
        try:
            other = other_than(self.player, found)
            findings, notes = behaviour(self.player, first, other, upstream_of(value, rng))
        except ForeignFault as fault:
            return self._raised(fault, first)
        self.notes += notes
        if any(LOW in note for note in notes):
            self.tolerance = max(self.tolerance, OF_HALF)
            self.notes.append(f"held to {self.tolerance:g}, in place of {self.request.tolerance:g}")
        if any(finding.mistake in HOPELESS for finding in findings):
            return self._told("fail", {}, self._read(first), findings)
        return self._judged(found, findings, rng)

    def _value_of(self, inputs: list[Any]) -> Any:
        """What forward gives, once it is a number or an array of numbers. Raises ForeignFault."""
        value = self.player.value(inputs)
        try:
            is_number = np.asarray(value).dtype.kind in "fiub" and not isinstance(value, tuple)
        except ValueError:
            is_number = False
        if not is_number:
            span = self.script.script.span(self._offset("forward"))
            raise ForeignFault(f"forward returns {_kind(value)}, not a number or an array", span,
                               "a gate has one output")  # fmt: skip
        return value

    # ---------------------------------------------------------------- numbers

    def _judged(self, found: Points, findings: list[Finding], rng: np.random.Generator) -> Case:
        """The case by numbers: the worst of all points and upstream gradients."""
        judged: list[_Judged] = []
        for k, inputs in enumerate(found.inputs):
            judged += self._at(inputs, rng, is_first=k == 0)
            if judged[-1].verdict == "fail":
                break
        verdict = worst([one.verdict for one in judged])
        chosen = next(one for one in judged if one.verdict == verdict)
        self._note_points(found, judged)
        if verdict == "fail" and chosen.inputs is not found.inputs[0]:
            findings = [*findings, *self._outlived(chosen)]
        if verdict == "fail":
            others = [x for x in found.inputs if x is not chosen.inputs][:OTHERS]
            name = mistake_of(self.player, [chosen.inputs, *others], chosen.upstream)
            is_named = any(line.mistake for line in chosen.accused)
            if not is_named or name in CERTAIN:
                findings = [*findings, self._by_numbers(chosen, name)]
        return self._told(verdict, chosen.checks, chosen.read, findings)

    def _outlived(self, judged: _Judged) -> list[Finding]:
        """What a new process shows, where the gradient is right at first and wrong later."""
        here = self.player.turn(judged.inputs, judged.upstream)
        self.player.file.child.end()
        there = self.player.turn(judged.inputs, judged.upstream)
        if isinstance(here, Misfit) or isinstance(there, Misfit):
            return []
        if distance(here.gradients, there.gradients) <= NOISE:
            return []
        words = "backward gives another gradient in a new process: a cache outlives its object"
        return [Finding("stale-cache", "backward", words)]

    def _at(self, inputs: list[Any], rng: np.random.Generator, is_first: bool) -> list[_Judged]:
        """The verdicts at one point: by reading at the first, and where values do not pass."""
        value = self._value_of(inputs)
        read = self._read(inputs) if is_first else None
        if read is not None:
            return [_Judged(read.verdict, read.inputs, inputs, upstream_of(value, rng), read)]
        judged = []
        for _ in range(UPSTREAMS if is_first else 1):
            upstream = upstream_of(value, rng)
            checks = self._checks(inputs, upstream)
            verdict = worst([check.verdict for check in checks.values()])
            if verdict not in ("pass", "kink") and not is_first:
                read = self._read(inputs)
            if read is not None and (verdict in UNSURE or read.verdict in ("pass", "kink", "fail")):
                verdict, checks = read.verdict, read.inputs
            judged.append(_Judged(verdict, checks, inputs, upstream, read))
        return judged

    def _checks(self, inputs: list[Any], upstream: Any) -> dict[str, InputCheck]:
        """The verdicts by input at one point, from values alone."""
        turn = self.player.turn(inputs, upstream)
        if isinstance(turn, Misfit):
            return {"": InputCheck("", "fail", None, None, None, None, None, None, turn.words)}
        names = self.player.names(inputs)
        real = [k for k, gradient in enumerate(turn.gradients) if gradient is not None]

        def values(moved: list[Any]) -> Any:
            whole = fresh(inputs)
            for k, x in zip(real, moved, strict=True):
                whole[k] = x if np.shape(x) else x[()].item()
            return self.player.value(whole)

        place = Place(values, [np.asarray(inputs[k]) for k in real], np.asarray(upstream))
        claims = [turn.gradients[k] for k in real]
        judge = Gradients(place, [names[k] for k in real], claims, self.tolerance, self.seed)
        return judge.checks()

    def _read(self, inputs: list[Any]) -> Case | None:
        """The case by reading at these inputs, where the file can be read and is what runs."""
        if self.gate.is_variadic:
            return None
        named = dict(zip(self.gate.inputs, inputs, strict=True))
        return self.reading.case({**named, **self.constants}, self.player)

    # ---------------------------------------------------------------- the case

    def _told(
        self, verdict: str, checks: Mapping[str, InputCheck], read: Case | None,
        findings: list[Finding],
    ) -> Case:  # fmt: skip
        """The case: what was found by running, with the lines and the numbers of reading."""
        if findings:
            verdict = "fail"
        lines = [] if read is None else [*read.lines]
        accused = [k for k, line in enumerate(lines) if line.is_accused]
        for finding in findings:
            if not accused or finding.part == "forward" or finding.mistake in OF_CALLS:
                lines.append(self._line(finding))
                continue
            for k in accused:
                if finding.mistake and (not lines[k].mistake or finding.mistake in CERTAIN):
                    lines[k] = lines[k]._replace(mistake=finding.mistake)
        script, rows = self.script.script, [line.line for line in lines]
        return Case(
            script.name, self._row("forward"), self.gate.words, "", verdict, dict(checks), [],
            [*([] if read is None else read.notes), *self.notes], [], {}, lines=lines,
            text=script.text if lines else "", shown=self.script.lines_around(rows),
            claims=max(1, len(checks)),
        )  # fmt: skip

    def _line(self, finding: Finding) -> LineCheck:
        """A finding as a verdict on the part of the gate that it is about."""
        span = self.script.script.span(self._offset(finding.part))
        return LineCheck(finding.part, span.line, span.column, "fail", True, None, None, None,
                         finding.mistake or None, finding.words)  # fmt: skip

    def _by_numbers(self, judged: _Judged, name: str | None) -> Finding:
        """A mistake that only numbers show."""
        wrong = [c for c in judged.checks.values() if c.verdict == "fail"]
        words = next((f"{c.name}: {c.reason}" for c in wrong if c.reason), "the gradient is wrong")
        return Finding(name or "", "backward", words)

    def _raised(self, fault: ForeignFault, inputs: list[Any]) -> Case:
        """The case of a gate whose backward part fails where forward has a value."""
        if fault.name in ("timeout", "crash", "exit", "SystemExit", "MemoryError"):
            raise fault
        read = self._read(inputs)
        case = self._told("fail", {}, read, [])
        if any(line.is_accused for line in case.lines):
            return case
        span = fault.span or self.script.script.span(self._offset("backward"))
        name = next((mistake for words, mistake in SAID.items() if words in fault.message), None)
        line = LineCheck("backward", span.line, span.column, "fail", True, None, None, None, name,
                         f"backward fails where forward has a value: {fault.message}")  # fmt: skip
        text = self.script.script.text
        return case._replace(lines=[line], text=text, shown=self.script.lines_around([line.line]))

    def broken(self, error: GradcliError) -> Case:
        """The case of a gate of which nothing can be said."""
        span = error.span
        line, column = (span.line, span.column) if span else (self._row("forward"), 1)
        problem = Problem(error.kind, error.message, line, column, error.hint)
        name = self.script.script.name
        return Case(name, line, self.gate.words, "", "error", {}, [], self.notes, [], {},
                    problem=problem)  # fmt: skip

    def _note_points(self, found: Points, judged: list[_Judged]) -> None:
        """Say where the gate was run, and what the verdict rests on."""
        count = len(judged)
        many = f"{count} points and upstream gradients" if count > 1 else "one point"
        self.notes.append(f"run at {many} ({found.source}, seed {self.seed})")
        if any(one.read is None for one in judged):
            first = "at the others" if judged[0].read is not None else "of each"
            self.notes.append(f"the verdict {first} is an estimate, from values alone")

    # ---------------------------------------------------------------- places

    def _offset(self, part: str) -> int:
        """Where a part of the gate stands in the file, or else the gate."""
        tree, name = self.script.script.tree, self.gate.name
        whole = next((n for n in tree.body if isinstance(n, (ast.ClassDef, ast.FunctionDef))
                      and n.name == name), None)  # fmt: skip
        if whole is None:
            return self.script.script.line_starts[max(0, self.gate.line - 1)]
        inner = [n for n in whole.body if isinstance(n, ast.FunctionDef) and n.name == part]
        return self.script.script.offset(inner[0] if inner else whole)

    def _row(self, part: str) -> int:
        return self.script.script.span(self._offset(part)).line


class _Judged(NamedTuple):
    """The verdict at one point with one upstream gradient."""

    verdict: str
    checks: dict[str, InputCheck]
    inputs: list[Any]
    upstream: Any
    read: Case | None  # what reading shows of it

    @property
    def accused(self) -> list[LineCheck]:
        """The lines that reading accuses."""
        return [] if self.read is None else [line for line in self.read.lines if line.is_accused]


def _kind(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return f"{len(value)} values"
    return {"NoneType": "None", "dict": "a dictionary", "str": "a text"}.get(
        type(value).__name__, type(value).__name__
    )
