"""A function that was recorded as it ran, read as Python: lines, many digits, bounds.

The recording is straight-line code, a statement for each operation; verdicts on its statements
become verdicts on the lines of the code that they come from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gradcli.arithmetic.agreement import agree
from gradcli.errors import GradcliError
from gradcli.program.files import read_text
from gradcli.python.assembly import Misshapen
from gradcli.python.reading import PythonFile
from gradcli.reports.checks import Case
from gradcli.reports.evaluations import InputCheck
from gradcli.reports.lines import LineCheck
from gradcli.requests import Request
from gradcli.tasks.check_python import check_subject

RECORDED = "<recording>"
SAME = 1e-9  # relative to the largest: what is read is what was run
OWN_NAME = re.compile(r"\bt\d+\b")
ASSIGNED = re.compile(r"^    (t\d+) = (.*)$", re.MULTILINE)
MOST_OF_FORMULA = 80  # letters of a formula that a reason may quote
TARGET = re.compile(r"^\s*([A-Za-z_][\w.]*(?:\[[^=]*?\])?)\s*(?:[-+*/@]|//|\*\*)?=(?!=)")


class Recording(NamedTuple):
    """The program as text, where its lines come from, and the text of that file."""

    text: str
    lines: Sequence[int]  # by line of the program, from 1 on; 0: of no line
    is_number: bool  # its value, which has no upstream gradient then
    source: str
    variables: Mapping[str, str]  # what the code calls an array, by the name in the program

    def formula(self, name: str) -> str:
        """What stands for a name of the program in the code: a variable, else its formula."""
        if name in self.variables:
            return self.variables[name]
        formula = dict(ASSIGNED.findall(self.text)).get(name, name)
        if formula == name or len(formula) > MOST_OF_FORMULA:
            return name
        inner = self.in_names_of_code(formula)
        return f"({inner})" if " " in inner else inner

    def in_names_of_code(self, text: str) -> str:
        """A text with what the code calls things in place of names of the program."""
        return OWN_NAME.sub(lambda match: self.formula(match[0]), text)


def with_lines(
    case: Case, told: Mapping[str, Any], file: str, inputs: Mapping[str, Any],
    pullback: Callable[[list[Any], Any], Sequence[Any]], request: Request,
) -> Case:  # fmt: skip
    """The case of a function with what a recording of it shows, where it can be recorded.

    `told` is what `foreign.records` says. Where a reading and the values differ about whether the
    gradient is right, the values count.
    """
    if "unknown" in told:
        return _noted(case, f"lines are not told: it cannot be recorded ({told['unknown']})")
    recording = Recording(told["text"], told["lines"], told["is_number"], _text_of(file),
                          told["variables"])  # fmt: skip
    claims: dict[str, Any] = {}
    if recording.is_number:
        claims = dict(zip(inputs, pullback([*inputs.values()], np.ones(())), strict=True))
    read = judged(recording, inputs, claims, request)
    if isinstance(read, str):
        return _noted(case, f"lines are not told: the recording cannot be read ({read})")
    is_settled = read.verdict in ("pass", "kink", "fail")
    if not is_settled or {read.verdict, case.verdict} in ({"pass", "fail"}, {"kink", "fail"}):
        return _noted(case, f"lines are not told: read as recorded it is {read.verdict}")
    count = sum(1 for line in recording.lines if line)
    note = f"recorded as it ran, {count} operations, and read as Python: many digits hold"
    return case._replace(
        verdict=read.verdict, inputs=_with_reasons(read.inputs, case.inputs), lines=read.lines,
        text=read.text, shown=read.shown, notes=[note, *read.notes],
    )  # fmt: skip


def _with_reasons(
    checks: Mapping[str, InputCheck], by_values: Mapping[str, InputCheck]
) -> dict[str, InputCheck]:
    """The checks of a reading; why one fails is told as by values, which look at whole arrays."""
    return {
        name: check._replace(reason=by_values[name].reason)
        if check.verdict == "fail" and name in by_values and by_values[name].verdict == "fail"
        else check
        for name, check in checks.items()
    }


def _noted(case: Case, note: str) -> Case:
    return case._replace(notes=[*case.notes, note])


def _text_of(file: str) -> str:
    """The text of the file that the code is in; empty where it has none."""
    try:
        return read_text(file)
    except GradcliError:
        return ""


def judged(
    recording: Recording, inputs: Mapping[str, Any], claims: Mapping[str, Any], request: Request
) -> Case | str:
    """The case by reading a recording; else why it cannot be had, in words.

    `claims` are the gradients that were run, which the reading has to give as well.
    """
    file = PythonFile(recording.text, RECORDED, recording.lines)
    bindings: list[tuple[str, Any]] = [*inputs.items()]
    if recording.is_number:
        bindings.append(("dout", "1.0"))
    try:
        own = request._replace(only_here=True)  # elsewhere the code may do something else
        case = check_subject(file, file.chosen(None)[0], bindings, own).case
    except (GradcliError, Misshapen) as error:
        return _in_own_words(error.message if isinstance(error, GradcliError) else str(error))
    if recording.is_number and not _is_what_ran(case, claims):
        return "what was recorded does not give the numbers that were run"
    original = PythonFile(recording.source, RECORDED) if recording.source else None
    lines = _lines(case.lines, recording)
    shown = original.lines_around([line.line for line in lines]) if original else frozenset()
    notes = [note for note in case.notes if not note.startswith("gradients:")]
    return case._replace(lines=lines, text=recording.source, shown=shown, notes=notes)


def _in_own_words(message: str) -> str:
    """What a reader says of a recording, for one who has not seen it: no advice on its text."""
    said = message.partition(";")[0]
    return said.replace("`recorded_backward`", "the gradient").replace(
        "`recorded_forward`", "the function"
    )


def _is_what_ran(case: Case, claims: Mapping[str, Any]) -> bool:
    """Whether the claims that were read are those that were run."""
    size = max((float(np.max(np.abs(g), initial=0.0)) for g in claims.values()), default=0.0)
    for check in case.inputs.values():
        if check.claim is None or check.directions or check.whole not in claims:
            continue
        ran = np.asarray(claims[check.whole])[check.place]
        if not agree(check.claim, float(ran), SAME, SAME * size):
            return False
    return True


def _lines(checks: Sequence[LineCheck], recording: Recording) -> list[LineCheck]:
    """The verdicts on lines of the code, each the worst of its statements."""
    rows = recording.source.splitlines()
    worst: dict[int, LineCheck] = {}
    for check in checks:
        is_led = check.verdict == "fail" and not check.local
        if not check.line or (is_led and not check.cause):  # of no line of the code
            continue
        told = check._replace(
            name=_target(rows, check.line), repair=None, meaning=None,
            reason=check.reason and recording.in_names_of_code(check.reason),
        )  # fmt: skip
        if told.line not in worst or _badness(told) > _badness(worst[told.line]):
            worst[told.line] = told
    return [worst[line] for line in sorted(worst)]


def _badness(check: LineCheck) -> tuple[bool, bool, bool]:
    return check.verdict == "fail" and check.local, check.verdict == "fail", check.verdict != "pass"


def _target(rows: Sequence[str], line: int) -> str:
    """What a line of code assigns to, as written; `return` for one that returns."""
    row = rows[line - 1] if line <= len(rows) else ""
    match = TARGET.match(row)
    return match[1].replace(" ", "") if match else row.strip().split(" ")[0]
