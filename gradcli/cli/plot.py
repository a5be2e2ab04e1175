"""`gradcli plot`: value and gradient over one input or two."""

from __future__ import annotations

from typing import Any

import click

from gradcli.api import plot
from gradcli.cli.asked import asked
from gradcli.cli.curves import SUFFIXES, put_curves
from gradcli.cli.options import output, printed, seed, spoken, switch
from gradcli.cli.words import ExpressionCommand
from gradcli.render.formats import CURVE_FORMATS, plot_image, write_plot


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
@spoken()
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
    ask = asked(options, SUFFIXES, "chart")
    put_curves(ask, options, ask.answer(plot), plot_image, write_plot)
