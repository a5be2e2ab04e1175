"""`gradcli batch`: value and gradients at many points, from files into files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any, BinaryIO

import click

from gradcli.cli.asked import Asked, asked, say_warnings
from gradcli.cli.options import NO_MORE, output, own_gates, seed, spoken, switch
from gradcli.cli.output import result_file
from gradcli.cli.streams import refuse_inputs
from gradcli.cli.words import ExpressionCommand
from gradcli.errors import FileError, UsageError, reason_of
from gradcli.program.files import open_regular
from gradcli.render.progress import progress
from gradcli.requests import Request
from gradcli.tables.formats import BINARY, FORMATS, SUFFIXES, Results, format_of_points, open_table
from gradcli.tables.model import WHOLE, Part, Table, names_of, part_of
from gradcli.tasks.batch import Batch, made_points


@click.command("batch", cls=ExpressionCommand, short_help="Value and gradients at many points.")
@click.argument("words", nargs=-1, metavar="EXPR [NAME=VALUE]...")
@click.option("-f", "--file", "path", metavar="FILE", help="Read the program from a file.")
@click.option("-p", "--points", metavar="FILE", help="The points: columns are inputs; - is stdin.")
@click.option(
    "--points-format",
    type=click.Choice(FORMATS),
    default=None,
    help="The format of the points; by default that of the suffix, csv on stdin.",
)
@click.option("--names", metavar="x,y", help="The names of columns that have none.")
@switch("--grid", help="Every combination of the inputs that have many values.")
@click.option(
    "--wrt", multiple=True, metavar="x,y", help="Gradients by these inputs, also fixed. Repeatable."
)
@output
@own_gates
@click.option(
    "--on-error",
    type=click.Choice(["mark", "stop"]),
    default="mark",
    help="What a row without a finite result does: it is marked and counted, or is an error.",
)
@click.option(
    "--engine",
    type=click.Choice(["auto", "numpy", "native"]),
    default="auto",
    help="numpy, or machine code (the extra `native`); auto takes it where it pays.",
)
@click.option("--shard", metavar="I/N", help="The I-th of N parts of the points, from 1/N to N/N.")
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Compute on the workers of a Dask scheduler, which read the points themselves.",
)
@seed
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default=None,
    help="The format of the results; by default that of the suffix, csv on stdout.",
)
@click.option("-o", "--output-file", "target", metavar="FILE", help="Write the results to a file.")
@spoken(NO_MORE)
def batch_command(**options: Any) -> None:
    """Compute EXPR, or a program, and its gradients at every row of a table.

    The columns of the table are inputs of the program; the results are a table with the columns
    `value` and `dNAME` for every input that is a column. NAME=VALUE gives an input one value.
    Without --points an input with many values makes the points: linspace(-2,2,1000), randn(1000),
    a list, @FILE.npy. Tables are csv, tsv, npy, npz, jsonl, parquet and arrow; columns of npz and
    jsonl may be arrays. They are read and written in blocks, whatever their size.

    A row whose value is nan has nan for its gradients, too. Rows that are not finite, and rows at a
    kink or a jump of a gate, are counted on stderr with the place of the first.

    \b
    gradcli batch "(x+y)*z" z=-4 --points points.csv -o gradients.csv
    gradcli batch "sin(x)*y" x=linspace(-2,2,5) y=linspace(0,1,3) --grid
    gradcli batch --file neuron.grad --points data.npz --wrt w -o out.npz
    cat points.csv | gradcli batch "x*exp(-y)" --points - > gradients.csv

    parquet and arrow need pyarrow (the extra `parquet`), --engine native needs llvmlite (`native`),
    --scheduler needs dask (`dask`) here and gradcli on the workers.

    Exit codes: 0 the results were written, 2 the input cannot be read, or --on-error stop and a row
    has no finite result; a file is written whole or not at all.
    """
    points, target = options["points"], options["target"]
    job = asked(options, SUFFIXES, "csv")
    if points == "-" and (options["path"] == "-" or job.name == "<stdin>"):
        raise UsageError("the program and the points cannot both come from stdin")
    inputs = job.files if points is None else (*job.files, points)
    refuse_inputs([target], inputs)
    if job.form in BINARY and target in (None, "-") and sys.stdout.isatty():
        raise UsageError(f"{job.form} is not text, and stdout is a terminal",
                         hint=f"write -o FILE.{job.form}")  # fmt: skip
    part = part_of(options["shard"]) if options["shard"] else WHOLE
    with ExitStack() as files:
        table, fixed, notes = _points(options, job, part, files)
        request = Request(**job.keywords)
        task = Batch(job.text, job.name, table, fixed, request, notes, options["engine"])
        say_warnings(task.warnings, options)
        blocks: Iterable[Any] = _blocks(task, options, job, request, fixed)
        if not options["quiet"]:
            blocks = progress(blocks, table.steps, "computing", sys.stderr)
        with (
            result_file(target, inputs, is_seekable=job.form in BINARY) as file,
            Results(file, job.form, task.names, task.shapes) as results,
        ):
            for outcome in blocks:
                results.put(outcome.columns, outcome.rows)
    for remark in () if options["quiet"] else task.report().remarks():
        click.echo(f"note: {remark}", err=True)


def _blocks(
    task: Batch, options: dict[str, Any], job: Asked, request: Request, fixed: dict[str, str]
) -> Iterable[Any]:
    """The blocks of results, computed here or by the workers of a scheduler. Raises UsageError."""
    points, address = options["points"], options["scheduler"]
    stops = options["on_error"] == "stop"
    if address is None:
        return task.blocks(stops)
    if points in (None, "-") or options["shard"]:
        raise UsageError("--scheduler is for all rows of a file", hint="write --points FILE")
    if request.gates:
        raise UsageError("--scheduler sends no gates of your own to its workers",
                         hint="--shard I/N computes parts of the points anywhere")  # fmt: skip
    from gradcli.tasks.cluster import Job, blocks_on_cluster  # late: it is rarely asked for

    form = format_of_points(points, options["points_format"])
    names = names_of(options["names"]) if options["names"] else None
    return blocks_on_cluster(task, Job(
        job.text, job.name, os.path.abspath(points), form, names, fixed, request,
        options["engine"], stops,
    ), address)  # fmt: skip


def _points(
    options: dict[str, Any], job: Asked, part: Part, files: ExitStack
) -> tuple[Table, dict[str, str], list[str]]:
    """The table of points, the inputs that have one value, and what there is to say."""
    points, settings = options["points"], dict(job.bindings)
    if points is None:
        return made_points([*settings.items()], options["grid"], options["seed"], part)
    if options["grid"]:
        raise UsageError("--grid is for inputs with many values, and --points gives the points")
    if points == "-" and sys.stdin is None:
        raise FileError("the standard input is closed")
    form = format_of_points(points, options["points_format"])
    names = names_of(options["names"]) if options["names"] else None
    called = "<stdin>" if points == "-" else points
    stream = sys.stdin.buffer if points == "-" else files.enter_context(_opened(points))
    return open_table(called, stream, form, names, part), settings, []


def _opened(path: str) -> BinaryIO:
    """A file of points. Raises FileError."""
    try:
        return open_regular(path)
    except (OSError, ValueError) as trouble:
        raise FileError(f"cannot read {path}: {reason_of(trouble)}") from None
