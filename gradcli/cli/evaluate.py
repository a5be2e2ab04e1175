"""`gradcli eval`: value, stages and gradients of an expression or a program."""

from __future__ import annotations

from typing import Any

import click

from gradcli.api import evaluate
from gradcli.cli.asked import ANY_FORMAT, asked, say_warnings
from gradcli.cli.options import (
    decimals,
    differentiated,
    gates_shown,
    limits,
    printed,
    program,
    seed,
    spoken,
    spreadsheet,
    switch,
)
from gradcli.cli.streams import color_for, put
from gradcli.cli.suffixes import Suffixes
from gradcli.cli.words import ExpressionCommand
from gradcli.render.formats import FORMATS, write

MOST_DIGITS = 1_000
ONE_ARRAY = "a .npy file holds one array only: write .npz, it holds the value and all gradients"
ARCHIVE = "npz"  # of numpy arrays: `value`, `dx`, ...
SUFFIXES: Suffixes = {
    ".txt": None, ".tsv": "plain", ".json": "json", ".jsonl": "jsonl", ".csv": "csv",
    ".md": "markdown", ".npz": ARCHIVE, ".tex": "latex", ".html": "html",
}  # fmt: skip


@click.command("eval", cls=ExpressionCommand, short_help="Value, stages and gradients.")
@program
@differentiated("Gradients, Jacobians and Hessians of these inputs only.")
@switch("--jacobian", help="The Jacobian by every input.")
@switch("--hessian", help="The second derivatives.")
@gates_shown
@switch("--local", help="Show the chain rule at every gate: upstream * local = contribution.")
@click.option(
    "--digits",
    type=click.IntRange(1, MOST_DIGITS),
    default=None,
    metavar="N",
    help=f"Print N correct digits of value and derivatives, up to {MOST_DIGITS}; "
    "of all else in the table N that are certain, up to 17.",
)
@click.option(
    "--arithmetic",
    type=click.Choice(["auto", "float64", "mpmath"]),
    default="auto",
    help="auto takes many digits where float64 lost them; float64 shows the plain sweep.",
)
@seed
@limits(arrays=", or of a Jacobian")
@switch("--no-check", help="Leave out the numeric derivatives.")
@printed(
    FORMATS,
    None,
    form="How to print the result; table by default.",
    target="Write the result to a file; the format follows its suffix unless given (.npz: arrays).",
)
@switch(
    "--full",
    "--all",
    "show_all",
    help="Show all in the table: every stage, not only 200, and large arrays whole.",
)
@spreadsheet
@decimals("all that are certain by default")
@spoken()
def eval_command(**options: Any) -> None:
    """Evaluate EXPR, or a program, and every gradient in it.

    Prints each stage with its value and gradient, then each input with its gradient beside the
    numeric derivative, their relative error, and a verdict. EXPR may be `-` for a program on
    stdin, and may begin with a minus sign. VALUE is a number, a constant expression such as pi/4,
    a list such as [2,-3,-3], `randn(5,10)`, or @FILE.npy, @FILE.npz:KEY, @FILE.csv; 2+/-0.1 is a
    number with its uncertainty.

    The table prints digits that are certain. Where float64 loses them, many digits are taken, and a
    note says what float64 gives.

    \b
    gradcli eval "(x+y)*z" x=-2 y=5 z=-4
    gradcli eval "q = x + y; f = q * z" x=-2 y=5 z=-4
    gradcli eval --file staged.grad x=1
    echo "sin(x)*y" | gradcli eval - x=1 y=2 --json

    Exit codes: 0 a result was printed, 2 the input cannot be read.
    """
    is_npy = (options["target"] or "").lower().endswith(".npy")
    ask = asked(options, SUFFIXES, "table", ONE_ARRAY if is_npy else ANY_FORMAT)
    report = ask.answer(evaluate, check=not options["no_check"])
    say_warnings(report.warnings, options)
    if ask.target is not None and ask.form == ARCHIVE:
        from gradcli.cli.output import write_arrays  # late: most results are text

        write_arrays(ask.target, report.arrays(), ask.files)
        return
    verbosity = -1 if options["quiet"] else int(options["verbose"])
    put(ask.target, ask.files, lambda out: write(
        report, ask.form, out, color=color_for(ask.target, options["color"]), verbosity=verbosity,
        show_all=options["show_all"], is_for_spreadsheet=options["spreadsheet"],
        decimals=options["decimals"], digits=options["digits"],
    ))  # fmt: skip
