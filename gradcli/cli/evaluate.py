"""`gradcli eval`: value, stages and gradients of an expression or a program."""

from __future__ import annotations

from typing import Any

import click

from gradcli.api import evaluate
from gradcli.cli.options import (
    differentiated,
    gates_shown,
    limits,
    printed,
    program,
    seed,
    spoken,
    switch,
)
from gradcli.cli.streams import color_for, put, refuse_inputs, reporting, warn
from gradcli.cli.suffixes import Suffixes, format_of
from gradcli.cli.words import ExpressionCommand, bindings, input_files, program_text
from gradcli.errors import UsageError
from gradcli.render.formats import FORMATS, write
from gradcli.requests import Request

MOST_DIGITS = 1_000
ARCHIVE = "npz"  # of numpy arrays: `value`, `dx`, ...
SUFFIXES: Suffixes = {
    ".txt": None, ".tsv": "plain", ".json": "json", ".jsonl": "jsonl", ".csv": "csv",
    ".md": "markdown", ".npz": ARCHIVE,
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
    help=f"Print N correct digits of value and derivatives, up to {MOST_DIGITS}.",
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
@spoken(quiet="Value and gradients only.", verbose="Certain digits, conditions.")
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
    path = options["path"]
    text, name, rest = program_text(options["words"], path)
    values = [options["upstream"], *(word.partition("=")[2] for word in rest)]
    target, inputs = options["target"], input_files([path], values)
    refuse_inputs([target], inputs)
    form = chosen_format(options["form"], options["as_json"], target)
    fields = {field: options[field] for field in Request._fields if field in options}
    keywords = {**fields, "wrt": split_names(options["wrt"]), "check": not options["no_check"]}
    report = reporting(form, lambda: evaluate(text, bindings(rest), name=name, **keywords))
    warn(report.warnings, options["strict"], options["quiet"])
    if target is not None and form == ARCHIVE:
        from gradcli.cli.output import write_arrays  # late: most results are text

        write_arrays(target, report.arrays(), inputs)
        return
    verbosity = -1 if options["quiet"] else int(options["verbose"])
    put(target, inputs, lambda out: write(
        report, form, out, color=color_for(target, options["color"]), verbosity=verbosity,
        show_all=options["show_all"],
    ))  # fmt: skip


def chosen_format(form: str | None, as_json: bool, target: str | None) -> str:
    """The format asked for, or the one a file's suffix stands for. Raises UsageError."""
    if not (form or as_json) and (target or "").lower().endswith(".npy"):
        raise UsageError(f"{target}: a .npy file holds one array only",
                         hint="write .npz: it holds the value and all gradients")  # fmt: skip
    return format_of(form, as_json, target, SUFFIXES, "table")


def split_names(names: str | None) -> list[str] | None:
    """`x,y` as a list."""
    return None if names is None else [part.strip() for part in names.split(",")]
