"""`gradcli check`: verdicts for an expression, for programs, and for folders of them."""

from __future__ import annotations

import os
from typing import Any

import click
from click.core import ParameterSource

from gradcli.cli.asked import json_or_none, split_names
from gradcli.cli.check_report import (
    FILE_FORMATS,
    Result,
    exit_code,
    refuse_unclaimed,
    write_result,
)
from gradcli.cli.config import Configured, ConfiguredCommand
from gradcli.cli.idle import refuse_idle, subject_of, warn_of_idle_samples
from gradcli.cli.jobs import (
    FUNCTIONS,
    Job,
    Outcome,
    outcomes_of_expression,
    outcomes_of_files,
    outcomes_of_functions,
    outcomes_of_gates,
    subjects_of_files,
)
from gradcli.cli.options import (
    decimals,
    differentiated,
    limits,
    own_functions,
    own_gates,
    printed,
    spoken,
    spreadsheet,
    switch,
)
from gradcli.cli.signals import before_the_end, say_last
from gradcli.cli.streams import put, refuse_inputs, reporting, say_problems, warn
from gradcli.cli.suffixes import Suffixes, format_of
from gradcli.cli.targets import Targets, targets
from gradcli.cli.words import Pairs, claimed, input_files
from gradcli.errors import EXIT_OK, UsageError, printable
from gradcli.program.files import SUFFIX, find_programs, read_text
from gradcli.render.formats import CHECK_FORMATS, json_text
from gradcli.reports.checks import CheckReport
from gradcli.requests import SAMPLES, TOLERANCE, Request, valid

MOST_SAID = 50  # cases, when the end comes early
SUFFIXES: Suffixes = {
    ".txt": None, ".json": "json", ".jsonl": "jsonl", ".sarif": "sarif", ".xml": "junit",
    ".csv": "csv", ".tsv": "plain", ".md": "markdown", ".tap": "tap",
    ".tex": "latex", ".html": "html",
}  # fmt: skip
GRADE_SUFFIXES: Suffixes = {
    ".txt": None, ".json": "json", ".csv": "csv", ".md": "markdown", ".html": "html",
}  # fmt: skip
DIFF_SUFFIXES: Suffixes = {".diff": None, ".patch": None, ".txt": None}
LIST_SUFFIXES: Suffixes = {".txt": None}


@click.command("check", cls=ConfiguredCommand, short_help="Verdicts on gradients and claims.")
@click.argument("words", nargs=-1, metavar="[PATH...] | EXPR [NAME=VALUE]...")
@click.option(
    "--claim",
    "claims",
    multiple=True,
    metavar="NAME=VALUE",
    help="The gradient claimed for an input, or x,y=VALUE for a second derivative; repeatable.",
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
@switch("--jacobian", help="Check the Jacobian, too; that of an array without --upstream always.")
@switch("--hessian", help="Check the second derivatives, too.")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=TOLERANCE,
    metavar="T",
    help=f"Relative; {TOLERANCE:g} by default. There is no absolute one.",
)
@switch("--digits-written", help="Accept numbers that are right to the digits written: dx = 0.39.")
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
@click.option(
    "--exclude",
    "excluded",
    multiple=True,
    metavar="GLOB",
    help="Leave out files, or folders, of this name or path; repeatable.",
)
@click.option(
    "--baseline",
    metavar="FILE",
    help="Failures that this file names are known, and do not count while they are the same.",
)
@switch("--update-baseline", help="Write the failures there are into the baseline.")
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
    form="How to print the report; table by default, or what the suffix of -o says. Grades are "
    "written as table, json, csv, markdown or html.",
    target="Write the report to a file.",
)
@decimals("all that are certain by default")
@click.option("--junit", metavar="FILE", help="Write JUnit XML to a file as well.")
@click.option("--sarif", metavar="FILE", help="Write SARIF to a file as well.")
@click.option("--gitlab", metavar="FILE", help="Write GitLab code quality to a file as well.")
@switch("--list", "lists", help="List what there is to check in Python files, and stop.")
@click.option(
    "--grad",
    "grads",
    multiple=True,
    metavar="RESULT=INPUT",
    help="Of a Python file: the input whose gradient a result is; repeatable. With --call: "
    "the function that is the gradient, and further ones for the Hessian.",
)
@switch("--fix-self", help="Of a Python file: methods without `self` are read as if they had it.")
@own_gates
@click.option("--gate", metavar="NAME", help="With --gates: check this gate only.")
@own_functions
@switch("--grade", help="Grade answers: a table of answers and one of mistakes.")
@click.option(
    "--key",
    metavar="FILE",
    help="With --grade: the key that `exercise` has written; its inputs are every answer's.",
)
@click.option(
    "--sheets",
    metavar="DIR",
    help="With --grade: write a sheet for each answer into a folder, with verdicts and advice.",
)
@switch("--fix", help="Print the repairs of wrong lines as a unified diff, in place of the report.")
@switch("--write", help="With --fix: write the repairs to the files as well.")
@spreadsheet
@switch("--isolated", help="Ignore pyproject.toml.")
@spoken()
@click.pass_context
def check_command(ctx: click.Context, /, **options: Any) -> int:
    """Check gradients: an expression with claims, programs, Python files, or folders of these.

    Without a claim the engine's own gradient is what is checked, and the report says so. A program
    may hold its claims: gradient lines such as `dx = -4`, and values such as `f == -12`.
    A claim x,y=VALUE is on a second derivative; an array output without --upstream is checked by
    its Jacobian. NAME=LOW:HIGH samples points; `f = x*y` is an expression, where there is no other.

    FILE.py, FILE.py:NAME and FILE.ipynb are read as Python and never executed: pairs such as
    affine_forward and affine_backward, classes, functions that return a value and its gradients.
    Inputs that NAME=VALUE does not give are taken from the file, or inferred from its code.

    --gates FILE.py alone checks the gates of a file, each on its own: they run in a child process.

    \b
    gradcli check "(x+y)*z" x=-2 y=5 z=-4 --claim x=-4 --claim z=3
    gradcli check "x*abs(x)" x=-2:2 --samples 50
    gradcli check "x**2*y" x=2 y=3 --claim x,y=4
    gradcli check homework --junit report.xml
    gradcli check layers.py:affine "x=randn(4, 3)"
    gradcli check --gates my_gates.py --gate Relu
    gradcli check --call scipy.optimize:rosen "x=[1.3, 0.7, 0.8]"

    Exit codes: 0 all pass, 1 a claim is wrong, 2 something cannot be read or decided.
    """
    result = reporting(json_or_none(options), lambda: _checked(ctx, options))
    if result is None:
        return EXIT_OK
    elsewhere = ("target", "quiet", "fix")
    is_shown = result.form == "table" and not (result.grades or any(map(options.get, elsewhere)))
    say_problems(result.report.cases, is_shown)
    warnings = (f"{case.file}: {text}" for case in result.report.cases for text in case.warnings)
    warn(warnings, False, options["quiet"])
    write_result(result, options)
    if options["exit_zero"]:
        return EXIT_OK
    if options["require_claims"]:
        refuse_unclaimed(result.report)
    return exit_code(result.report, options["inconclusive"] == "ok")


def _checked(ctx: click.Context, options: dict[str, Any]) -> Result | None:
    """Check what the words name; None where they ask for a list only. Raises GradcliError."""
    configured = ctx.obj or Configured([], None)
    chosen = targets(options["words"], options["expression"], options["files"])
    is_of_gates = bool(options["gates"]) and chosen.expression is None and not chosen.paths
    if options["gate"] is not None and not is_of_gates:
        raise UsageError("--gate needs --gates FILE.py", hint="and no expression beside it")
    is_of_function = _runs_function(options, chosen)
    is_run = is_of_gates or is_of_function
    if chosen.expression is None and not chosen.paths and not is_run:
        chosen.paths.extend(configured.paths)
    refuse_idle(ctx, options, subject_of(options, chosen.expression is not None, is_of_gates))
    files = [] if chosen.expression is not None else _files(chosen.paths, options)
    if options["lists"]:
        _format(ctx, options)
        _write_list(files, options)
        return None
    warn_of_idle_samples(ctx, chosen.settings, options["quiet"])
    job = _job(ctx, chosen.settings, options)
    values = [options["upstream"], *job.request.claims.values(), *(v for _, v in chosen.settings)]
    written = [options[kind] for kind in ("target", *FILE_FORMATS)]
    read = [*files, options["key"], configured.file, *options["gates"], *_modules(options)]
    (written if options["update_baseline"] else read).append(options["baseline"])
    inputs = input_files(read, values)
    refuse_inputs(written, inputs)
    form = _format(ctx, options)
    outcomes: list[Outcome] = []
    if is_of_function:
        outcomes = [*outcomes_of_functions(job, options)]
    elif is_of_gates:
        gates = options["gates"], options["gate"], options["timeout"]
        outcomes = [*outcomes_of_gates(job, *gates)]
    elif chosen.expression is None:
        how = options["jobs"], options["fail_fast"], options["quiet"]
        with before_the_end(lambda: _say_so_far(outcomes, len(files))):
            for outcome in outcomes_of_files(job, files, *how):
                outcomes.append(outcome)  # one by one: a signal may come between two
    else:
        outcomes = outcomes_of_expression(job, chosen.expression)
    if not outcomes and not options["allow_empty"]:
        raise UsageError("nothing to check", hint=f"name an expression or a folder with {SUFFIX} "
                         "files; --allow-empty if that is meant")  # fmt: skip
    report = CheckReport([case for case, _ in outcomes])
    grades = [grade for _, grade in outcomes if grade is not None]
    return Result(_by_baseline(report, options), grades, form, inputs)


def _say_so_far(outcomes: list[Outcome], files: int) -> None:
    """What has been found before the end came, in short."""
    found = [case for case, _ in outcomes if case.verdict not in ("pass", "kink")]
    lines = [f"{case.verdict}  {printable(case.file)}:{case.line}\n" for case in found]
    done = len({case.file for case, _ in outcomes})
    say_last("".join(lines[:MOST_SAID]) + f"ended early: {done} of {files} files were checked, "
             f"{len(found)} cases of them are not right\n")  # fmt: skip


def _files(paths: list[str], options: dict[str, Any]) -> list[str]:
    """The files to check, without those that --exclude leaves out."""
    from fnmatch import fnmatch  # late: few checks leave files out

    def is_left_out(file: str) -> bool:
        parts = os.path.normpath(file).split(os.sep)
        names = [*parts, *(os.sep.join(parts[: k + 1]) for k in range(len(parts)))]
        return any(fnmatch(name, pattern) for name in names for pattern in options["excluded"])

    files = find_programs(paths, all_python=options["grade"])
    return [file for file in files if not is_left_out(file)]


def _by_baseline(report: CheckReport, options: dict[str, Any]) -> CheckReport:
    """The report in which failures of the baseline do not count; --update-baseline writes it."""
    path = options["baseline"]
    if path is None:
        return report
    from gradcli.tasks.baseline import baseline_of, read_baseline, with_baseline  # late: few have

    if options["update_baseline"]:
        text = json_text(baseline_of(report, path))
        put(path, (), lambda out: out.writelines([text]))
    return with_baseline(report, read_baseline(read_text(path), path), path)


def _runs_function(options: dict[str, Any], chosen: Targets) -> bool:
    """Whether a function is run in place of an expression or files. Raises UsageError for both."""
    named = [f"--{kind}" for kind in FUNCTIONS if options[kind] is not None]
    if len(named) > 1:
        raise UsageError(f"{named[0]} and {named[1]} name two functions", hint="give one of them")
    if named and (chosen.expression is not None or chosen.paths):
        what = chosen.expression or chosen.paths[0]
        raise UsageError(f"`{what}` stands beside {named[0]}",
                         hint="give its inputs as NAME=VALUE, and nothing else")  # fmt: skip
    return bool(named)


def _modules(options: dict[str, Any]) -> list[str]:
    """The files whose functions are run; a module that is named by dots is no file here."""
    named = [options[kind] for kind in FUNCTIONS if options[kind] is not None]
    return [name.rpartition(":")[0] for name in named]


def _write_list(files: list[str], options: dict[str, Any]) -> None:
    """Print the subjects of Python files, a line each."""
    lines = subjects_of_files(files)
    if not lines:
        raise UsageError(
            "no Python file here has anything to check",
            hint="name a FILE.py with a forward and a backward function, or with one that returns "
            "its value and its gradients under a name",
        )
    text = "".join(f"{line}\n" for line in lines)
    put(options["target"], tuple(files), lambda out: out.writelines([text]))


def _format(ctx: click.Context, options: dict[str, Any]) -> str:
    """The format of the command line, else of the output file's suffix, else as configured.

    Raises UsageError for a suffix that stands for nothing, and for a format that is not there.
    """
    form, target = options["form"], options["target"]
    is_explicit = ctx.get_parameter_source("form") is ParameterSource.COMMANDLINE
    for mode, known, what in (("lists", LIST_SUFFIXES, "--list"), ("fix", DIFF_SUFFIXES, "--fix")):
        if options[mode]:  # these have one form only
            if options["as_json"] or (is_explicit and form not in ("table", "plain")):
                other = "json" if options["as_json"] else form
                raise UsageError(f"{what} is text for people, and has no format {other}")
            return format_of(None, False, target, known, form, cure="")
    known = GRADE_SUFFIXES if options["grade"] else SUFFIXES
    return format_of(form if is_explicit else None, options["as_json"], target, known, form)


def _request(ctx: click.Context, options: dict[str, Any]) -> Request:
    claims = claimed(options["claims"])
    names = [name for name, _ in claims]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"`{name}` is claimed twice")
    fields = {name: options[name] for name in Request._fields if name in options}
    fields |= {"claims": dict(claims), "wrt": split_names(options["wrt"])}
    fields["grads"] = {} if options["call"] else _grads(options["grads"])
    source = ctx.get_parameter_source("tolerance")
    fields["keeps_tolerance"] = source is ParameterSource.COMMANDLINE
    return valid(Request(**fields))


def _grads(words: tuple[str, ...]) -> dict[str, str]:
    """Which result is whose gradient, from `RESULT=INPUT`. Raises UsageError."""
    grads = {}
    for word in words:
        result, sign, of = word.rpartition("=")
        if not sign or not result or not of:
            raise UsageError(f"`{word}` is not RESULT=INPUT", hint="write --grad dW=W")
        grads[result.strip()] = of.strip()
    return grads


def _job(ctx: click.Context, settings: Pairs, options: dict[str, Any]) -> Job:
    """The job of every case; a key gives its inputs and its output."""
    job = Job([*settings], _request(ctx, options), options["strict"], options["grade"],
              is_debugged=options["debug"])  # fmt: skip
    if options["key"] is None:
        return job
    from gradcli.tasks.grade import read_key  # late: few checks are gradings

    key = read_key(read_text(options["key"]), options["key"])
    if job.request.output not in (None, key.output):
        raise UsageError(f"the key is about `{key.output}`, not `{job.request.output}`")
    inputs = {**key.inputs, **dict(settings)}
    request = job.request._replace(output=key.output)
    return job._replace(settings=[*inputs.items()], request=request, key=key)
