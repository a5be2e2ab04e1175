"""Where the result of `check` goes: a report, grades or repairs, files beside it, an exit code."""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

from gradcli.cli.output import append_text, write_text
from gradcli.cli.streams import color_for, put, warn
from gradcli.errors import (
    EXIT_FAILED,
    EXIT_INTERNAL,
    EXIT_OK,
    EXIT_USAGE,
    FileError,
    GradcliError,
    UsageError,
    reason_of,
)
from gradcli.named_tuples import NamedTuple
from gradcli.program.files import read_text
from gradcli.render.formats import GRADE_FORMATS, grade_sheet, write_check, write_grades
from gradcli.reports.checks import Case, CheckReport

if TYPE_CHECKING:
    from gradcli.reports.grades import Grade

MOST_FILES_NAMED = 5  # files of a message
FILE_FORMATS = ("junit", "sarif", "gitlab")  # that have an option of their own


class Result(NamedTuple):
    """What a check has found, how it is written, and the files that were read."""

    report: CheckReport
    grades: list[Grade]
    form: str
    inputs: tuple[str, ...]


def write_result(result: Result, options: dict[str, Any]) -> None:
    """Write the report, the grades or the repairs, as the options say. Raises GradcliError."""
    report, grades, form, inputs = result
    if options["fix"]:
        _fix(report, options, inputs)
        return
    main = partial(_write, report, form, options, inputs)
    if options["grade"]:
        main = partial(_write_grades, grades, form, options, inputs)
    beside = [
        partial(put, options[kind], inputs, partial(_put_report, report, kind))
        for kind in FILE_FORMATS if options[kind]
    ]  # fmt: skip
    if options["sheets"]:
        beside.append(partial(_write_sheets, result, options["sheets"]))
    _all_of(main, *beside)


def _put_report(report: CheckReport, kind: str, out: TextIO) -> None:
    write_check(report, kind, out)


def _all_of(*writings: Callable[[], None]) -> None:
    """Write each; one that cannot be written hinders no other. Raises the errors together."""
    problems: list[GradcliError] = []
    for write in writings:
        try:
            write()
        except GradcliError as problem:
            problems.append(problem)
    if problems:
        problems[0].also = tuple(problems[1:])
        raise problems[0]


def refuse_unclaimed(report: CheckReport) -> None:
    """Raise UsageError where cases claim nothing."""
    files = [case.file for case in report.counting if case.is_unclaimed]
    if files:
        more = f" and {len(files) - MOST_FILES_NAMED} more" if len(files) > MOST_FILES_NAMED else ""
        raise UsageError(f"nothing is claimed in {', '.join(files[:MOST_FILES_NAMED])}{more}",
                         hint="--require-claims wants gradient lines such as `dx = -4`, values "
                         "such as `f == -12`, or --claim NAME=VALUE")  # fmt: skip


def _write(
    report: CheckReport, form: str, options: dict[str, Any], inputs: tuple[str, ...]
) -> None:
    put(options["target"], inputs, lambda out: write_check(
        report, form, out, color=color_for(options["target"], options["color"]),
        verbosity=-1 if options["quiet"] else int(options["verbose"]), decimals=options["decimals"],
        is_for_spreadsheet=options["spreadsheet"],
    ))  # fmt: skip
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if form == "github" and summary:
        from gradcli.render.github import summary_markdown  # late: no other format has one

        append_text(summary, summary_markdown(report), "it is what GITHUB_STEP_SUMMARY names")


def _fix(report: CheckReport, options: dict[str, Any], inputs: tuple[str, ...]) -> None:
    """Print the repairs as a diff, and write them where that is asked for."""
    from gradcli.render.fixes import fixes, unmended, write_diff  # late: few checks mend anything

    put(options["target"], inputs, lambda out: write_diff(report, out))
    warn(unmended(report), False, options["quiet"])
    repairs = [*fixes(report)] if options["write"] else []
    for case, _ in repairs:
        _refuse_other_text(case)
    for case, text in repairs:
        mended = f"{_mark(case.file)}{text}"
        put(case.file, (), lambda out, text=mended: out.writelines([text]))  # type: ignore[misc]


def _refuse_other_text(case: Case) -> None:
    """Raise UsageError where a file holds more than the text that was read, or other text now."""
    if not os.path.isfile(case.file):
        raise UsageError(f"`{case.file}` is no file", hint="--write mends program files")
    if read_text(case.file) != case.text:
        what = "is a notebook" if case.file.endswith(".ipynb") else "has another text by now"
        raise UsageError(f"`{case.file}` {what}: nothing is written",
                         hint="--fix alone shows the repairs")  # fmt: skip


def _mark(path: str) -> str:
    """The byte order mark of a file, which no text that was read has; mended it keeps it."""
    with open(path, "rb") as file:
        return BOM_UTF8.decode() if file.read(len(BOM_UTF8)) == BOM_UTF8 else ""


def _write_grades(
    grades: list[Grade], form: str, options: dict[str, Any], inputs: tuple[str, ...]
) -> None:
    from gradcli.reports.grades import GradeReport

    if form not in GRADE_FORMATS:
        known = f"known are {', '.join(GRADE_FORMATS)}"
        raise UsageError(f"grades have no format {form}", hint=known)
    put(options["target"], inputs, lambda out: write_grades(
        GradeReport(grades), form, out, color=color_for(options["target"], options["color"]),
        is_for_spreadsheet=options["spreadsheet"],
    ))  # fmt: skip


def _write_sheets(result: Result, folder: str) -> None:
    """Write the sheet of every answer into a folder, under the answer's name."""
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as trouble:
        raise FileError(f"cannot write into {folder}: {reason_of(trouble)}") from None
    names: list[str] = []
    for case, grade in zip(result.report.cases, result.grades, strict=True):
        name = os.path.normpath(grade.file).replace(os.sep, "-").lstrip(".-") or "answer"
        names.append(name)  # `d/a` and `d-a` have the same
        own = f"{name}-{names.count(name)}" if names.count(name) > 1 else name
        write_text(os.path.join(folder, f"{own}.md"), grade_sheet(grade, case), result.inputs)


def exit_code(report: CheckReport, inconclusive_is_ok: bool) -> int:
    """0 all pass or kink, 1 a claim failed, 2 something was not read or not decided; 2 wins."""
    undecided = () if inconclusive_is_ok else ("inconclusive", "undefined")
    verdicts = {
        verdict
        for case in report.counting
        for verdict in (
            case.verdict,
            *(check.verdict for check in case.derivatives if not case.leaves_out(check)),
            *(check.verdict for check in case.values),
        )
    }
    if any(case.problem and case.problem.kind == "internal" for case in report.cases):
        return EXIT_INTERNAL
    if "error" in verdicts or verdicts & set(undecided):
        return EXIT_USAGE
    return EXIT_FAILED if "fail" in verdicts else EXIT_OK
