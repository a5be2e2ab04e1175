"""The task `check` for Python files: a case for each of their subjects."""

from __future__ import annotations

from collections.abc import Iterator

from gradcli.checker.evidence import ALONG, BEYOND_BUDGET, DEAR, LARGE
from gradcli.errors import GradcliError, UsageError, did_you_mean
from gradcli.program.files import subject_of
from gradcli.program.model import Program
from gradcli.python.assembly import Misshapen
from gradcli.python.reading import PythonFile, Reading
from gradcli.python.subjects import Subject
from gradcli.reports.checks import Case
from gradcli.reports.lines import LineCheck
from gradcli.requests import BUDGET, MOST_CHECKED, Request, Setting
from gradcli.tasks.check import Checked, broken_case, check_read, skipped_case, with_tolerance
from gradcli.tasks.conventions import convention
from gradcli.tasks.stage_gradients import stage_gradients

QUICK = 2e5  # gate evaluations: some tenths of a second, as a file may have many subjects
QUICKLY = f"more than a few numbers: {ALONG} (--max-elements N takes up to N one by one)"
FEW = 60  # elements that are checked one by one


def check_python(
    text: str, name: str, subject: str | None, bindings: list[tuple[str, Setting]],
    request: Request,
) -> Iterator[Case]:  # fmt: skip
    """The cases of a file's subjects. Raises GradcliError for a file that has none."""
    file = PythonFile(text, name)
    found = file.chosen(subject)
    _refuse_lost(file, found, bindings)
    primary = [one for one in found if one.kind != "training"]
    for one in found:
        said = file.said(one)
        if said.skip is not None:
            yield skipped_case(name, said.skip)._replace(line=one.line, expression=one.words)
            continue
        try:
            own = with_tolerance(request, said.tolerance)
            case = check_subject(file, one, bindings, own).case
        except Misshapen as misfit:
            case = misshapen_case(file, one, misfit)
        except GradcliError as error:
            if one.kind == "training" and primary and subject is None:
                continue  # a loop around what has been read
            case = broken_case(name, error)._replace(expression=one.words)
        yield case._replace(shown=file.lines_around([line.line for line in case.lines]))


def read_python(
    text: str, name: str, bindings: list[tuple[str, Setting]], request: Request
) -> Program:  # fmt: skip
    """The program of the one subject that a name such as `layers.py:affine` means.

    Raises GradcliError, UsageError where there are several.
    """
    path, subject = subject_of(name)
    file = PythonFile(text, path)
    found = file.chosen(subject)
    found = [one for one in found if one.kind != "training"] or found
    if len(found) > 1:
        names = ", ".join(f"{path}:{one.name}" for one in found)
        raise UsageError(f"{path} has {len(found)} subjects", hint=f"name one: {names}")
    _refuse_lost(file, found, bindings)
    return file.program(found[0], bindings, request, request.grads)


def misshapen_case(file: PythonFile, subject: Subject, misfit: Misshapen) -> Case:
    """The failed case of a gradient that has not the shape of what it is the gradient of."""
    script, place = file.script, misfit.span
    assert place is not None
    reason = f"{misfit.message}; {misfit.hint}" if misfit.hint else misfit.message
    line = LineCheck(misfit.result, place.line, place.column, "fail", True, None, None, None,
                     misfit.mistake, reason, repair=misfit.repair)  # fmt: skip
    return Case(
        script.name, place.line, subject.words, "", "fail", {}, [], [], script.warnings, {},
        lines=[line], text=script.text, claims=1,
    )  # fmt: skip


def check_subject(
    file: PythonFile, subject: Subject, bindings: list[tuple[str, Setting]], request: Request
) -> Checked:  # fmt: skip
    """Check one subject. Raises GradcliError for what cannot be read.

    A failure is looked at again where the file may mean something else: targets that the checker
    has drawn itself may have to be one-hot, and a tiny constant may be there for safety only.
    """
    original = reading = file.reading(subject, bindings, request, request.grads)
    first = closest = _checked(file, reading, request)
    guessed = reading.guessed
    if first.case.verdict not in ("fail", "inconclusive", "undefined"):
        return first
    for style, words in reading.others():
        reading = file.reading(subject, bindings, request, request.grads)
        reading.style = style
        try:
            other = _checked(file, reading, request)
        except GradcliError:
            continue
        if other.case.verdict in ("pass", "kink"):
            return _noted(other, words)
        if other.case.verdict == "fail" and _distance(other.case) < _distance(closest.case):
            closest = _noted(other, f"nearly {words}; told is what is wrong even then")
    if (meant := convention(first.case, original)) is not None:
        return Checked(first.case._replace(verdict="pass", **meant), first.program)
    if guessed:
        raise UsageError(
            f"`{subject.backward}` is not the gradient by `{guessed[0]}`, and nothing says of what "
            "it is", hint=f"say it: --grad RESULT=INPUT, or # gradcli: grads RESULT={guessed[0]}",
        )  # fmt: skip
    return closest if first.case.verdict == "fail" else first


def _noted(checked: Checked, words: str) -> Checked:
    case = checked.case
    return Checked(case._replace(notes=[*case.notes, words]), checked.program)


def _distance(case: Case) -> tuple[int, int]:
    """How far a failed case is from a pass: gradients that are wrong, lines that are accused."""
    wrong = {check.whole for check in case.inputs.values() if check.verdict == "fail"}
    return len(wrong), sum(line.is_accused for line in case.lines)


def _checked(file: PythonFile, reading: Reading, request: Request) -> Checked:
    program = reading.program()
    notes, warnings = program.warnings, file.script.warnings
    program = program._replace(warnings=warnings)
    is_default = (request.check_budget, request.max_elements) == (BUDGET, MOST_CHECKED)
    quick = request._replace(check_budget=QUICK, max_elements=FEW) if is_default else request
    checked = check_read(program, quick)
    if is_default and BEYOND_BUDGET in [c.reason for c in checked.case.inputs.values()]:
        checked = check_read(program, request)
    seen = [QUICKLY if is_default and n in (LARGE, DEAR) else n for n in checked.case.notes]
    stages, unclaimed = stage_gradients(reading)
    if stages:
        notes = [*notes, f"gradients of stages: {', '.join(stages)}"]
    if unclaimed:
        notes = [*notes, f"not claimed: {', '.join(unclaimed)}; say of what: --grad RESULT=INPUT"]
    case = checked.case._replace(notes=[*notes, *seen], unclaimed=unclaimed)
    return Checked(case, checked.program)


def list_subjects(text: str, name: str) -> list[str]:
    """The subjects of a file, each as a line: name, place, functions."""
    return [f"{name}:{s.name}  line {s.line}  {s.words}" for s in PythonFile(text, name).subjects]


def _refuse_lost(
    file: PythonFile, found: list[Subject], bindings: list[tuple[str, Setting]]
) -> None:
    """Raise UsageError for a binding of a name that no subject has a parameter of."""
    known = file.parameters(found)
    for name, _ in bindings:
        if name not in known:
            raise UsageError(f"`{name}` is no parameter of what is checked", None,
                             did_you_mean(name, known))  # fmt: skip
