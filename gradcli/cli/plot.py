"""`gradcli plot`: value and gradient over one input or two."""

from __future__ import annotations

from typing import Any

import click

from gradcli.api import plot
from gradcli.cli.options import output, printed, seed, spoken, switch
from gradcli.cli.steps import SUFFIXES
from gradcli.cli.streams import color_for, put, put_bytes, refuse_inputs, reporting, warn
from gradcli.cli.suffixes import format_of
from gradcli.cli.words import ExpressionCommand, bindings, input_files, program_text
from gradcli.render.formats import CURVE_FORMATS, CURVE_IMAGES, plot_image, write_plot
from gradcli.requests import Request


@click.command("plot", cls=ExpressionCommand, short_help="Value and gradient as curves.")
@click.argument("words", nargs=-1, metavar="EXPR x=LOW:HIGH [y=LOW:HIGH] [NAME=VALUE]...")
@click.option("-f", "--file", "path", metavar="FILE", help="Read the program from a file.")
@output
@switch("--expand", help="Take composite gates as elementary ones.")
@seed
@printed(
    CURVE_FORMATS,
    None,
    form="How to print the curves; a chart by default.",
    target="Write the curves to a file; the format follows its suffix unless given.",
)
@spoken(quiet="No warnings.", verbose="All digits of the places of kinks and jumps.")
def plot_command(**options: Any) -> None:
    """Draw value and gradient of EXPR over one input, or contours and gradient arrows over two.

    Kinks and jumps of the curve are found to the last digit and marked; gates at their kinks that
    do not bend the curve are not. The numbers are plain float64, and a note says where it loses
    what one would see.

    \b
    gradcli plot "relu(x)**2 - abs(x - 1)" x=-2:2
    gradcli plot "x**2 + 3*sin(y)" x=-2:2 y=-3:3 -o surface.png

    png, svg and pdf need matplotlib 3.8 (the extra `plot`).

    Exit codes: 0 the curves were printed, 2 the input cannot be read or matplotlib is missing.
    """
    path = options["path"]
    text, name, rest = program_text(options["words"], path)
    target = options["target"]
    inputs = input_files([path], [word.partition("=")[2] for word in rest])
    refuse_inputs([target], inputs)
    form = format_of(options["form"], options["as_json"], target, SUFFIXES, "chart")
    fields = {field: options[field] for field in Request._fields if field in options}
    report = reporting(form, lambda: plot(text, bindings(rest), name=name, **fields))
    warn(report.warnings, options["strict"], options["quiet"])
    if form in CURVE_IMAGES:
        put_bytes(target, inputs, plot_image(report, form), form)
        return
    put(target, inputs, lambda out: write_plot(
        report, form, out, color=color_for(target, options["color"]),
        verbosity=int(options["verbose"]),
    ))  # fmt: skip
