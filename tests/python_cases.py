"""Python files given as text, and what checking says of them."""

from __future__ import annotations

from gradcli.requests import Request
from gradcli.tasks.check_python import check_python


def cases(text, subject=None, name="file.py", bindings=(), **options):
    """The cases of a file, or of one subject in it."""
    return list(check_python(text, name, subject, [*bindings], Request(**options)))


def case_of(text, subject=None, **how):
    """The only case of a file."""
    (case,) = cases(text, subject, **how)
    return case


def verdicts(text, **how):
    return [case.verdict for case in cases(text, **how)]


def verdict(text, subject=None, **how):
    """The verdict of the only case, and the problem if there is one."""
    case = case_of(text, subject, **how)
    return case.verdict, case.problem


def problem(text, **how):
    """The problem of the only case, which is an error."""
    case = case_of(text, **how)
    assert case.verdict == "error"
    return case.problem


def taken(text, subject=None):
    """The note on what was taken for the inputs of a right file."""
    case = case_of(text, subject)
    assert case.verdict == "pass", (case.lines, case.problem)
    return next(note for note in case.notes if note.startswith("inputs"))


def first_accused(text, subject=None):
    """The first line that a wrong file is accused of."""
    return next(line.line for line in _wrong(text, subject).lines if line.is_accused)


def accused_rows(text, subject=None):
    """The lines that a wrong file is accused of, each as it is written."""
    rows = text.splitlines()
    lines = _wrong(text, subject).lines
    return {rows[line.line - 1].strip() for line in lines if line.is_accused}


def _wrong(text, subject):
    case = case_of(text, subject)
    assert case.verdict == "fail", (case.verdict, case.problem, case.notes)
    return case
