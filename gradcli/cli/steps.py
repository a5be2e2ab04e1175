"""`gradcli steps`: how wrong numeric derivatives are, step by step."""

from __future__ import annotations

from typing import Any

import click

from gradcli.api import steps
from gradcli.cli.asked import asked
from gradcli.cli.curves import SUFFIXES, put_curves
from gradcli.cli.options import differentiated, printed, program, seed, spoken, switch
from gradcli.cli.words import ExpressionCommand
from gradcli.render.formats import CURVE_FORMATS, steps_image, write_steps


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
@spoken()
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
    ask = asked(options, SUFFIXES, "chart")
    put_curves(ask, options, ask.answer(steps), steps_image, write_steps)
