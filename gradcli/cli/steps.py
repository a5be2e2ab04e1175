"""`gradcli steps`: how wrong numeric derivatives are, step by step."""

from __future__ import annotations

from typing import Any

import click

from gradcli.api import steps
from gradcli.cli.evaluate import split_names
from gradcli.cli.options import differentiated, printed, program, seed, spoken, switch
from gradcli.cli.streams import color_for, put, put_bytes, refuse_inputs, reporting, warn
from gradcli.cli.suffixes import Suffixes, format_of
from gradcli.cli.words import ExpressionCommand, bindings, input_files, program_text
from gradcli.render.formats import CURVE_FORMATS, CURVE_IMAGES, steps_image, write_steps
from gradcli.requests import Request

SUFFIXES: Suffixes = {
    ".txt": None, ".json": "json", ".png": "png", ".svg": "svg", ".pdf": "pdf",
}  # fmt: skip


@click.command("steps", cls=ExpressionCommand, short_help="Numeric errors against the step.")
@program
@differentiated("The derivatives by these inputs only.")
@switch("--expand", help="Take composite gates as elementary ones.")
@seed
@printed(
    CURVE_FORMATS,
    None,
    form="How to print the curves; a chart by default.",
    target="Write the curves to a file; the format follows its suffix unless given.",
)
@spoken(quiet="No warnings.", verbose="All digits that are certain.")
def steps_command(**options: Any) -> None:
    """Show how wrong numeric derivatives of EXPR are, by how long the step is.

    Forward, central and extrapolated differences and the complex step, against the true derivative,
    with the slopes of truncation and rounding, the bound that the checker has on such differences,
    and the step that it has taken.

    \b
    gradcli steps "sin(x)" x=1
    gradcli steps "x*exp(y)" x=2 y=1 --wrt y -o steps.svg
    gradcli steps "sin(x)" x=1 --json

    png, svg and pdf need matplotlib 3.8 (the extra `plot`).

    Exit codes: 0 the curves were printed, 2 the input cannot be read or matplotlib is missing.
    """
    path = options["path"]
    text, name, rest = program_text(options["words"], path)
    values = [options["upstream"], *(word.partition("=")[2] for word in rest)]
    target, inputs = options["target"], input_files([path], values)
    refuse_inputs([target], inputs)
    form = format_of(options["form"], options["as_json"], target, SUFFIXES, "chart")
    fields = {field: options[field] for field in Request._fields if field in options}
    keywords = {**fields, "wrt": split_names(options["wrt"])}
    report = reporting(form, lambda: steps(text, bindings(rest), name=name, **keywords))
    warn(report.warnings, options["strict"], options["quiet"])
    if form in CURVE_IMAGES:
        put_bytes(target, inputs, steps_image(report, form), form)
        return
    put(target, inputs, lambda out: write_steps(
        report, form, out, color=color_for(target, options["color"]),
        verbosity=int(options["verbose"]),
    ))  # fmt: skip
