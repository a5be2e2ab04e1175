"""`gradcli check`: verdicts for an expression, for programs, and for folders of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from gradcli.cli.config import ConfiguredCommand
from gradcli.cli.evaluate import split_names
from gradcli.cli.options import differentiated, limits, printed, spoken, switch
from gradcli.cli.output import append_text
from gradcli.cli.streams import color_for, put, refuse_inputs, warn
from gradcli.cli.targets import targets
from gradcli.cli.words import Pairs, bindings, input_files
from gradcli.errors import EXIT_FAILED, EXIT_OK, EXIT_USAGE, GradcliError, UsageError
from gradcli.program.files import SUFFIX, find_programs, read_text
from gradcli.render.formats import CHECK_FORMATS, GRADE_FORMATS, write_check, write_grades
from gradcli.render.progress import progress
from gradcli.reports.checks import Case, CheckReport
from gradcli.requests import (
    SAMPLES,
    TOLERANCE,
    Request,
    Setting,
    valid,
)
from gradcli.tasks.check import broken_case, check_program, unclaimed

if TYPE_CHECKING:
    from gradcli.reports.grades import Grade
    from gradcli.tasks.grade import Key

MOST_NAMED = 5  # files of a message
FILE_FORMATS = ("junit", "sarif", "gitlab")  # that have an option of their own
SUFFIXES = {".json": "json", ".jsonl": "jsonl", ".sarif": "sarif", ".xml": "junit"}  # of -o


class Job(NamedTuple):
    """What every case of one command has in common; it travels to other processes."""

    settings: list[tuple[str, Setting]]
    request: Request
    strict: bool
    is_graded: bool = False
    key: Key | None = None


@click.command("check", cls=ConfiguredCommand, short_help="Verdicts on gradients and claims.")
@click.argument("words", nargs=-1, metavar="[PATH...] | EXPR [NAME=VALUE]...")
@click.option(
    "--claim",
    "claims",
    multiple=True,
    metavar="NAME=VALUE",
    help="The gradient claimed for an input; repeatable. Held exactly.",
)
@click.option("--expr", "expression", metavar="EXPR", help="An expression, whatever it looks like.")
@click.option(
    "-f",
    "--file",
    "files",
    multiple=True,
    metavar="PATH",
    help="A program file or folder, whatever it looks like; repeatable.",
)
@differentiated("Check these inputs only.")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=TOLERANCE,
    metavar="T",
    help=f"Relative; {TOLERANCE:g} by default. There is no absolute one.",
)
@switch("--exact", help="Allow nothing for the rounding of a float64 backward pass.")
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=SAMPLES,
    metavar="N",
    help=f"Points for ranges such as x=-2:2; {SAMPLES} by default.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="S", help="Seed of sampled points and of randn."
)
@limits(arrays="")
@click.option(
    "--inconclusive",
    type=click.Choice(["ok", "error"]),
    default="error",
    help="What inconclusive and undefined mean for the exit code; error by default.",
)
@switch("-x", "--fail-fast", help="Stop after the first failure.")
@switch("--exit-zero", help="Exit 0 whatever was found.")
@switch("--allow-empty", help="Nothing to check is no error.")
@switch("--require-claims", help="Exit 2 where an expression or a program claims nothing.")
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Processes; the order of the report does not depend on it.",
)
@printed(
    CHECK_FORMATS,
    "table",
    form="How to print the report; table by default, or what the suffix of -o says.",
    target="Write the report to a file.",
)
@click.option("--junit", metavar="FILE", help="Write JUnit XML to a file as well.")
@click.option("--sarif", metavar="FILE", help="Write SARIF to a file as well.")
@click.option("--gitlab", metavar="FILE", help="Write GitLab code quality to a file as well.")
@switch("--grade", help="Grade answers: a table of answers and one of mistakes.")
@click.option(
    "--key",
    metavar="FILE",
    help="With --grade: the key that `exercise` has written; its inputs are every answer's.",
)
@switch("--isolated", help="Ignore pyproject.toml.")
@spoken(quiet="No warnings.", verbose="Show what passed, too.")
@click.pass_context
def check_command(ctx: click.Context, /, **given: Any) -> int:
    """Check gradients: an expression with claims, programs, or folders of `.grad` files.

    Without a claim the engine's own gradient is what is checked, and the report says so. A program
    may hold its claims: gradient lines such as `dx = -4`, and values such as `f == -12`.
    NAME=LOW:HIGH samples points; `f = x*y` is an expression, where there is no other.

    \b
    gradcli check "(x+y)*z" x=-2 y=5 z=-4 --claim x=-4 --claim z=3
    gradcli check "x*abs(x)" x=-2:2 --samples 50
    gradcli check sample_exprs --junit report.xml

    Exit codes: 0 all pass, 1 a claim is wrong, 2 something cannot be read or decided.
    """
    form = _format(ctx, given)
    found = targets(given["words"], given["expression"], given["files"])
    if found.expression is None and not found.paths:
        found.paths.extend(ctx.obj or [])  # of pyproject.toml
    job = _job(found.settings, given)
    files = [] if found.expression is not None else [*find_programs(found.paths)]
    values = [given["upstream"], *job.request.claims.values(), *(v for _, v in found.settings)]
    inputs = input_files([*files, given["key"]], values)
    refuse_inputs([given[kind] for kind in ("target", *FILE_FORMATS)], inputs)
    outcomes = list(_outcomes(found.expression, files, job, given))
    cases = [case for case, _ in outcomes]
    if not cases and not given["allow_empty"]:
        raise UsageError("nothing to check", hint=f"name an expression or a folder with {SUFFIX} "
                         "files; --allow-empty if that is meant")  # fmt: skip
    report = CheckReport(cases)
    warnings = (f"{case.file}: {text}" for case in cases for text in case.warnings)
    warn(warnings, False, given["quiet"])
    if given["grade"]:
        _write_grades([grade for _, grade in outcomes if grade is not None], form, given, inputs)
    else:
        _write(report, form, given, inputs)
    if given["require_claims"] and not given["exit_zero"]:
        _refuse_unclaimed(report)
    return EXIT_OK if given["exit_zero"] else exit_code(report, given["inconclusive"] == "ok")


def _refuse_unclaimed(report: CheckReport) -> None:
    """Raise UsageError where cases claim nothing."""
    files = [case.file for case in report.cases if case.is_unclaimed]
    if files:
        more = f" and {len(files) - MOST_NAMED} more" if len(files) > MOST_NAMED else ""
        raise UsageError(f"nothing is claimed in {', '.join(files[:MOST_NAMED])}{more}",
                         hint="--require-claims wants gradient lines such as `dx = -4`, values "
                         "such as `f == -12`, or --claim NAME=VALUE")  # fmt: skip


def _format(ctx: click.Context, given: dict[str, Any]) -> str:
    """The format asked for; else that of the output file's suffix; else the configured one."""
    if given["as_json"]:
        return "json"
    form: str = given["form"]
    is_asked = ctx.get_parameter_source("form") is ParameterSource.COMMANDLINE
    suffix = os.path.splitext(given["target"] or "")[1].lower()
    return form if is_asked else SUFFIXES.get(suffix, form)


def _request(given: dict[str, Any]) -> Request:
    claims = bindings(list(given["claims"]), "NAME=VALUE")
    names = [name for name, _ in claims]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"`{name}` is claimed twice")
    same = {name: given[name] for name in Request._fields if name in given}
    asked = {**same, "claims": dict(claims), "wrt": split_names(given["wrt"])}
    return valid(Request(**asked))


def _job(settings: Pairs, given: dict[str, Any]) -> Job:
    """What is asked of every case; a key gives its inputs and its output."""
    job = Job([*settings], _request(given), given["strict"], given["grade"])
    if given["key"] is None:
        return job
    if not given["grade"]:
        raise UsageError("--key needs --grade")
    from gradcli.tasks.grade import read_key  # late: few checks are gradings

    key = read_key(read_text(given["key"]), given["key"])
    if job.request.output not in (None, key.output):
        raise UsageError(f"the key is about `{key.output}`, not `{job.request.output}`")
    inputs = {**key.inputs, **dict(settings)}
    request = job.request._replace(output=key.output)
    return job._replace(settings=[*inputs.items()], request=request, key=key)


# ---------------------------------------------------------------- cases

Outcome = tuple[Case, "Grade | None"]


def _outcomes(
    expression: str | None, files: list[str], job: Job, given: dict[str, Any]
) -> Iterator[Outcome]:
    """Cases and grades in order; one expression's errors are raised, a file's become its case."""
    if expression is not None:
        is_stdin = expression == "-"
        text = read_text("-") if is_stdin else expression
        yield _checked(job, "<stdin>" if is_stdin else "<expression>", text)
        return
    outcomes = _of_files(files, job, given["jobs"])
    if not given["quiet"]:
        outcomes = progress(outcomes, len(files), "checking", sys.stderr)
    for case, grade in outcomes:
        yield case, grade
        if given["fail_fast"] and case.verdict in ("fail", "error"):
            return


def _checked(job: Job, name: str, text: str) -> Outcome:
    checked = check_program(text, name, [*job.settings], job.request)
    if job.strict:
        missing = [f"no gradient for {name}" for name in unclaimed(checked.program)]
        warn([*checked.case.warnings, *missing], strict=True, quiet=True)
    if not job.is_graded:
        return checked.case, None
    from gradcli.tasks.grade import grade  # late: few checks are gradings

    return checked.case, grade(checked, job.key)


def outcome_of_file(job: Job, path: str) -> Outcome:
    """The case of one file; what cannot be read is a case with the verdict `error`."""
    try:
        return _checked(job, path, read_text(path))
    except GradcliError as error:
        case = broken_case(path, error)
        if not job.is_graded:
            return case, None
        from gradcli.tasks.grade import ungraded  # late: few checks are gradings

        return case, ungraded(path, error.message, job.key)


def _of_files(paths: list[str], job: Job, jobs: int) -> Iterator[Outcome]:
    work = partial(outcome_of_file, job)
    if jobs == 1 or len(paths) < 2:
        yield from map(work, paths)
        return
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(min(jobs, len(paths))) as pool:
        yield from pool.map(work, paths)


# ---------------------------------------------------------------- the report


def _write(report: CheckReport, form: str, given: dict[str, Any], inputs: tuple[str, ...]) -> None:
    verbosity = int(given["verbose"])
    for kind in FILE_FORMATS:
        if given[kind]:
            put(given[kind], inputs, lambda out, kind=kind: write_check(report, kind, out))  # type: ignore[misc]
    put(given["target"], inputs, lambda out: write_check(
        report, form, out, color=color_for(given["target"], given["color"]),
        verbosity=verbosity,
    ))  # fmt: skip
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if form == "github" and summary:
        from gradcli.render.github import summary_markdown  # late: no other format has one

        append_text(summary, summary_markdown(report), "it is what GITHUB_STEP_SUMMARY names")


def _write_grades(
    grades: list[Grade], form: str, given: dict[str, Any], inputs: tuple[str, ...]
) -> None:
    from gradcli.reports.grades import GradeReport

    if form not in GRADE_FORMATS:
        raise UsageError(f"grades have no format {form}", hint="known are table and json")
    put(given["target"], inputs, lambda out: write_grades(
        GradeReport(grades), form, out, color=color_for(given["target"], given["color"]),
    ))  # fmt: skip


def exit_code(report: CheckReport, inconclusive_is_ok: bool) -> int:
    """0 all pass or kink, 1 a claim failed, 2 something was not read or not decided; 2 wins."""
    undecided = () if inconclusive_is_ok else ("inconclusive", "undefined")
    verdicts = {
        verdict
        for case in report.cases
        for verdict in (
            case.verdict,
            *(check.verdict for check in case.inputs.values()),
            *(check.verdict for check in case.values),
        )
    }
    if "error" in verdicts or verdicts & set(undecided):
        return EXIT_USAGE
    return EXIT_FAILED if "fail" in verdicts else EXIT_OK
