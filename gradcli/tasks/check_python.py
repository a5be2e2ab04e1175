"""The task `check` for Python files: a case for each of their subjects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain

from gradcli.checker.evidence import ALONG, BEYOND_BUDGET, DEAR, LARGE
from gradcli.errors import GradcliError, UsageError, did_you_mean
from gradcli.program.files import subject_of
from gradcli.program.model import Program
from gradcli.python.assembly import Misshapen
from gradcli.python.driving.loss_search import NAME_LOSS
from gradcli.python.parameters.styles import Style
from gradcli.python.reading import PythonFile, Reading
from gradcli.python.state.missing import Unclaimed
from gradcli.python.subjects.subjects import Subject
from gradcli.reports.checks import Case
from gradcli.reports.lines import LineCheck
from gradcli.requests import BUDGET, MOST_CHECKED, Request, Setting
from gradcli.tasks.call_repairs import call_mistake
from gradcli.tasks.check import Checked, broken_case, check_read, skipped_case, with_tolerance
from gradcli.tasks.columns import for_one_column, for_one_unit
from gradcli.tasks.conventions import (
    convention,
    factors_of,
    has_penalty,
    is_multiple,
    penalties,
    undecided,
)
from gradcli.tasks.defaults import moved_defaults
from gradcli.tasks.followed import of_wrong_gradient, of_wrong_part
from gradcli.tasks.likeness import EXACT, distance, has_pass, is_exact, is_flat
from gradcli.tasks.shape_repairs import shape_mistake
from gradcli.tasks.stage_gradients import stage_gradients
from gradcli.tasks.usual_losses import by_usual_loss

QUICK = 2e5  # gate evaluations: some tenths of a second, as a file may have many subjects
QUICKLY = f"more than a few numbers: {ALONG} (--max-elements N takes up to N one by one)"
LOOKED_AT_AGAIN = ("fail", "inconclusive", "undefined")
MOST_OTHERS = 2  # guesses of inputs that are looked at once the first one has failed
NO_LOSS = "no loss is in the file"
LATE_LOSS = "the loss that is computed behind the steps is another one"
MOST_SEEDS = 2  # that are tried beside the first
FEW = 60  # elements that are checked one by one


def check_python(
    text: str, name: str, subject: str | None, bindings: list[tuple[str, Setting]],
    request: Request,
) -> Iterator[Case]:  # fmt: skip
    """The cases of a file's subjects. Raises GradcliError for a file that has none."""
    file = PythonFile(text, name)
    found = file.chosen(subject)
    _refuse_lost(file, found, bindings)
    primary = [one for one in found if not one.is_training]
    wrong: dict[str, int] = {}  # functions that are gradients, by the lines that are accused
    parts: dict[int, str] = {}  # lines that are accused, by the subjects that they are of
    notes = file.passed_over() if subject is None else []
    for one in found:
        said = file.said(one)
        if said.skip is not None:
            yield skipped_case(name, said.skip)._replace(line=one.line, expression=one.words)
            continue
        try:
            own = with_tolerance(request, said.tolerance)
            case = check_subject(file, one, bindings, own).case
            case = call_mistake(file.script, case, _judge_of(file, one, bindings, own, False))
        except Misshapen as misfit:
            named = shape_mistake(file.script, misfit, _judge_of(file, one, bindings, own))
            case = misshapen_case(file, one, named)
        except GradcliError as error:
            is_sure = one.kind == "training"
            others = primary if is_sure else [x for x in found if x.kind not in ("fit", "slope")]
            if one.is_training and others and subject is None:
                continue  # a loop around what has been read, or one that follows no gradient
            case = broken_case(_place_of(error, file), error)._replace(expression=one.words)
        if one.forward in wrong and one.kind == "gradient":
            case = of_wrong_gradient(case, wrong[one.forward])
        elif not one.is_training:  # whose method other classes may have, too
            case = of_wrong_part(case, parts)
            accused = [line.line for line in case.lines if line.is_accused]
            if one.backward is not None and accused:
                wrong[one.backward] = accused[0]
            parts.update(dict.fromkeys(accused, one.name))
        lines = [line.line for line in case.lines]
        yield case._replace(shown=file.lines_around(lines), notes=[*case.notes, *notes])
        notes = []


def _place_of(error: GradcliError, file: PythonFile) -> str:
    """The file that an error is in: one that is imported, or the file itself."""
    is_elsewhere = error.span is not None and error.span.text != file.script.text
    return error.span.source if error.span is not None and is_elsewhere else file.script.name


def _judge_of(
    file: PythonFile, subject: Subject, bindings: list[tuple[str, Setting]], request: Request,
    to_the_last: bool = True,
) -> Callable[[str], bool]:  # fmt: skip
    """Tells of another text of a file whether the same subject of it is right, to all digits."""

    def is_right(text: str) -> bool:
        try:
            other = PythonFile(text, file.script.name)
            same = next((one for one in other.subjects if one.name == subject.name), None)
            if same is None:
                return False
            reading = other.reading(same, bindings, request, request.grads)
            program = reading.program()._replace(lines=[])
            case = _checked(other, reading, program, request).case
        except GradcliError:
            return False
        return case.verdict == "pass" and (is_exact(case) or not to_the_last)

    return is_right


def read_python(
    text: str, name: str, bindings: list[tuple[str, Setting]], request: Request
) -> Program:  # fmt: skip
    """The program of the one subject that a name such as `layers.py:affine` means.

    Raises GradcliError, UsageError where there are several.
    """
    path, subject = subject_of(name)
    file = PythonFile(text, path)
    found = file.chosen(subject)
    found = [one for one in found if not one.is_training] or found
    if len(found) > 1:
        names = ", ".join(f"{path}:{one.name}" for one in found)
        raise UsageError(f"{path} has {len(found)} subjects", hint=f"name one: {names}")
    _refuse_lost(file, found, bindings)
    reading = file.reading(found[0], bindings, request, request.grads)
    program = reading.program()
    if not reading.lacks_loss:
        return program
    taken = f"{NO_LOSS}: taken is that of {reading.style.loss}"
    return program._replace(warnings=[*program.warnings, taken])


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
    """Check one subject, with other values for defaults too. Raises GradcliError."""
    checked = _as_it_stands(file, subject, bindings, request)
    if checked.case.verdict not in ("pass", "kink") or request.only_here:
        return checked
    kept = {name for name, _ in bindings} | file.said(subject).values.keys()
    for k in range(1, MOST_SEEDS + 1) if checked.program.decisions else ():
        with suppress(GradcliError):
            seeded = request._replace(seed=(request.seed or 0) + k)
            other = _as_it_stands(file, subject, bindings, seeded)
            if other.case.verdict == "fail":
                return _noted(other, "right for the numbers that were drawn first, and not for all")
    for name, value in moved_defaults(file.script.tree, subject, kept):
        try:
            other = _as_it_stands(file, subject, [*bindings, (name, value)], request)
        except GradcliError:
            continue  # which may be no value for it
        if other.case.verdict == "fail":
            return _noted(other, f"right for the default of `{name}`, and wrong for {value}")
    return checked


def _as_it_stands(
    file: PythonFile, subject: Subject, bindings: list[tuple[str, Setting]], request: Request
) -> Checked:  # fmt: skip
    """The check of one subject with the defaults that it has.

    A failure is looked at again where the file may mean something else: what was guessed of its
    inputs and claims accuses nobody as long as another guess is right.
    """

    def again() -> Reading:
        return file.reading(subject, bindings, request, request.grads)

    def check(reading: Reading) -> Checked:
        return _checked(file, reading, reading.program(), request)

    original = again()
    try:
        read = _read(original)
    except Unclaimed:
        if original.driver is None or not original.driver.has_one_operand():
            raise
        slope = again()
        slope.style = Style(handed="input")
        return check(slope)
    if isinstance(read, Misshapen) and original.reads_changed:
        raise read
    if original.lacks_loss:
        return _by_usual_loss(file, subject, bindings, request, NO_LOSS)
    first = read if isinstance(read, Misshapen) else _checked(file, original, read, request)
    if isinstance(first, Checked) and first.case.verdict not in LOOKED_AT_AGAIN:
        full = (
            _with_slopes(file, subject, bindings, request, original)
            if is_flat(first.case)
            else None
        )
        return _with_repeats(file, subject, bindings, request, original) or full or first
    if isinstance(first, Checked) and first.case.verdict == "inconclusive" and original.inferred:
        small = again()
        small.style = Style(is_small=True)
        with suppress(GradcliError):
            other = check(small)
            if other.case.verdict in ("pass", "kink"):
                return _noted(other, "right for smaller inputs; float64 loses digits for others")
    if original.has_late_loss and (original.is_loss_for_show or _is_halved(first)):
        with suppress(GradcliError):
            usual = _by_usual_loss(file, subject, bindings, request, LATE_LOSS)
            if usual.case.verdict in ("pass", "kink"):
                return usual
    closest = first
    if isinstance(first, Checked):
        narrow = for_one_column(first, original, again, check)
        if narrow is not None and narrow.case.verdict != "fail":
            return narrow
        if narrow is not None and _is_closer(narrow, closest):
            closest = narrow
    else:
        unit = for_one_unit(first, original, again(), check)
        if unit is not None:
            return unit
    others = _other_styles(file, subject, bindings, request, original)
    if not (isinstance(first, Checked) and has_pass(first.case)):
        others = chain(others, _other_inputs(file, subject, bindings, request, original))
    for reading, words in others:
        try:
            other = _checked_if_closer(file, reading, request, closest)
        except GradcliError:
            continue
        is_right = other.case.verdict in ("pass", "kink") and not is_flat(other.case)
        if is_right and is_exact(other.case):
            if _holds_elsewhere(file, reading, bindings, request):
                return _noted(other, words)
            continue
        if reading.style.of is not None and other.case.verdict in ("inconclusive", "undefined"):
            original.asked = original.asked or reading.style.of[1]  # which may be right
        if reading.style.through and is_multiple(other.case, reading):
            narrow = for_one_column(other, reading, again, check)
            if narrow is not None and narrow.case.verdict in ("pass", "kink"):
                return _noted(narrow, words)
            original.multiple = words.replace("right", "a multiple of what is right")
        if _is_closer(other, closest) and not reading.style.through:
            closest = _noted(other, f"nearly {words}; told is what is wrong even then")
    if isinstance(first, Misshapen):
        if first.of in original.unlikely.more:
            raise _guessed(first)
        raise first
    if (meant := convention(first.case, original)) is not None:
        return Checked(first.case._replace(verdict="pass", **meant), first.program)
    if (unclear := undecided(first.case, original)) is not None:
        raise UsageError(unclear[0], hint=unclear[1])
    if original.multiple:
        raise UsageError(
            f"`{subject.backward or subject.forward}` gives {original.multiple}",
            hint="divide the loss and its gradient by the same number, to have them checked",
        )
    if original.asked:
        gradient = subject.backward or subject.forward
        raise UsageError(
            f"`{gradient}` is not the gradient by `{original.asked}`, nothing says of what it is",
            hint=f"say it: --grad RESULT=INPUT, or # gradcli: grads RESULT={original.asked}",
        )  # fmt: skip
    return closest if first.case.verdict == "fail" and isinstance(closest, Checked) else first


def _is_halved(checked: Checked | Misshapen) -> bool:
    """Whether all gradients are twice, or half, the right ones: the loss may lack its half."""
    if isinstance(checked, Misshapen):
        return True  # nothing is known of its numbers
    factors = {*(factors_of(checked.case) or {}).values()}
    return any(factors and all(abs(x - y) <= EXACT * y for x in factors) for y in (0.5, 2.0))


def _holds_elsewhere(
    file: PythonFile, reading: Reading, bindings: list[tuple[str, Setting]], request: Request
) -> bool:  # fmt: skip
    """Whether what is right in another style is so for other numbers: some masks hide a slip."""
    for k in range(1, MOST_SEEDS + 1):
        seeded = request._replace(seed=(request.seed or 0) + k)
        other = file.reading(reading.subject, bindings, seeded, request.grads)
        other.style, other.refused = reading.style, reading.refused
        with suppress(GradcliError):
            program = other.program()._replace(lines=[])
            if _checked(file, other, program, seeded).case.verdict == "fail":
                return False
    return True


def _with_repeats(
    file: PythonFile, subject: Subject, bindings: list[tuple[str, Setting]], request: Request,
    original: Reading,
) -> Checked | None:  # fmt: skip
    """The check with words that come twice, where the file's own come once and only that fails.

    What each of them sends back to a row of a table is added; `dW[word] = ...` keeps the last.
    """
    if not original.repeats:
        return None
    reading = file.reading(subject, bindings, request, request.grads)
    reading.is_repeated, reading.style = True, original.likely_style
    try:
        other = _checked(file, reading, reading.program(), request)
    except GradcliError:
        return None
    names = " and ".join(f"`{name}`" for name in original.repeats)
    note = f"right as long as nothing in {names} comes twice"
    return _noted(other, note) if other.case.verdict == "fail" else None


def _with_slopes(
    file: PythonFile, subject: Subject, bindings: list[tuple[str, Setting]], request: Request,
    original: Reading,
) -> Checked | None:  # fmt: skip
    """The check in another style, in which something has a gradient; None where nothing has."""
    first: Checked | None = None
    for reading, words in _other_styles(file, subject, bindings, request, original):
        try:
            other = _checked(file, reading, reading.program(), request)
        except GradcliError:
            continue
        if not is_flat(other.case):
            noted = _noted(other, words.replace("right for", "with"))
            if other.case.verdict != "fail":
                return noted
            first = first or noted
    return first


def _read(reading: Reading) -> Program | Misshapen:
    """The program of a reading, or its gradient of a wrong shape. Raises GradcliError."""
    try:
        return reading.program()
    except Misshapen as misfit:
        return misfit


def _by_usual_loss(
    file: PythonFile, subject: Subject, bindings: list[tuple[str, Setting]], request: Request,
    why: str,
) -> Checked:  # fmt: skip
    """The check of a network by the loss that it is trained for. Raises UsageError for none."""
    last: list[Reading] = []

    def read(style: Style) -> tuple[Reading, Program]:
        own = file.reading(subject, bindings, request, request.grads)
        own.style = style
        last[:] = [own]
        return own, own.program()

    checked = by_usual_loss(
        lambda style: read(style)[1],
        lambda style: _checked(file, *read(style), request),
        why,
    )
    if checked is None:
        is_pair = subject.backward is not None
        what = f"`{subject.backward}` takes no upstream gradient, and the file has no loss of"
        raise UsageError(
            f"{what} what `{subject.forward}` returns" if is_pair else
            f"`{subject.forward}` computes no loss, and changes weights by the gradient of none "
            "that is usual", hint=NAME_LOSS,
        )  # fmt: skip
    if checked.case.verdict == "fail" and (meant := penalties(checked.case, last[0])) is not None:
        return Checked(checked.case._replace(verdict="pass", **meant), checked.program)
    if subject.is_training and has_penalty(checked.case, file.script.text):
        raise UsageError(
            f"`{subject.backward or subject.forward}` has the gradient of a penalty, and the file "
            "computes no loss", hint=NAME_LOSS,
        )  # fmt: skip
    return checked


def _guessed(misfit: Misshapen) -> UsageError:
    """The error of a shape that does not fit one that is hardly more than a guess."""
    return UsageError(
        f"{misfit.message}, where the axes of `{misfit.of}` are a guess",
        hint=f"give it: {misfit.of}=..., or in a comment # gradcli: {misfit.of} = randn(4, 5)",
    )


def _other_styles(
    file: PythonFile, subject: Subject, bindings: list[tuple[str, Setting]], request: Request,
    original: Reading,
) -> Iterator[tuple[Reading, str]]:  # fmt: skip
    """Readings in other styles, and a note on each."""
    for style, words in original.others():
        reading = file.reading(subject, bindings, request, request.grads)
        reading.style = style
        yield reading, words


def _other_inputs(
    file: PythonFile, subject: Subject, bindings: list[tuple[str, Setting]], request: Request,
    original: Reading,
) -> Iterator[tuple[Reading, str]]:  # fmt: skip
    """Readings with other guesses of what nobody gives, and a note on each."""
    refused = [original.choice] if original.choice is not None and original.is_free else []
    while 0 < len(refused) <= MOST_OTHERS:
        reading = file.reading(subject, bindings, request, request.grads)
        reading.refused, reading.style = refused, original.likely_style
        yield reading, "right for these inputs; others do not suit the code, or fail"
        if reading.choice is None or reading.choice in refused:
            return
        refused = [*refused, reading.choice]


def _is_closer(other: Checked, closest: Checked | Misshapen) -> bool:
    """Whether a failed case, whose lines were judged, is nearer to a pass than the closest."""
    if other.case.verdict != "fail" or isinstance(closest, Misshapen) or not other.case.lines:
        return False
    return distance(other.case) < distance(closest.case)


def _noted(checked: Checked, words: str) -> Checked:
    case = checked.case
    return Checked(case._replace(notes=[*case.notes, words]), checked.program)


def _checked(file: PythonFile, reading: Reading, program: Program, request: Request) -> Checked:
    """The check of the program of a reading, with what is to say of both."""
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


def _checked_if_closer(
    file: PythonFile, reading: Reading, request: Request, closest: Checked | Misshapen
) -> Checked:  # fmt: skip
    """The check of another reading; its lines are judged where it may be nearer to a pass."""
    program = reading.program()
    quick = _checked(file, reading, program._replace(lines=[]), request)
    wrong, *_ = distance(quick.case)  # of which a line at least is accused
    least = (wrong, 1, not reading.style.has_shares)  # which are likely to be meant
    is_nearer = isinstance(closest, Checked) and least < distance(closest.case)
    if quick.case.verdict == "fail" and not is_nearer:
        return quick
    return _checked(file, reading, program, request)


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
