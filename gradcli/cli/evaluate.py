"""`gradcli eval`."""

from __future__ import annotations

import os

import click

from gradcli.api import evaluate
from gradcli.cli.streams import color_for, put, refuse_inputs, reporting, warn
from gradcli.cli.words import ExpressionCommand, bindings, input_files, program_text
from gradcli.errors import UsageError
from gradcli.render import FORMATS, write
from gradcli.requests import BUDGET, MOST_CHECKED, MOST_ELEMENTS

MOST_DIGITS = 1_000
ARCHIVE = "npz"  # of numpy arrays: `value`, `dx`, ...
SUFFIXES = {
    ".json": "json", ".jsonl": "jsonl", ".csv": "csv", ".md": "markdown", ".npz": ARCHIVE,
}  # fmt: skip


@click.command("eval", cls=ExpressionCommand, short_help="Value, stages and gradients.")
@click.argument("words", nargs=-1, metavar="EXPR [NAME=VALUE]...")
@click.option("-f", "--file", "path", metavar="FILE", help="Read the program from a file.")
@click.option(
    "--wrt", metavar="x,y", help="Gradients, Jacobians and Hessians of these inputs only."
)
@click.option(
    "--upstream",
    metavar="VALUE",
    help="The gradient of the output; 1 by default. For an array: VALUE, `ones` or @FILE.",
)
@click.option("--jacobian", is_flag=True, default=False, help="The Jacobian by every input.")
@click.option("--hessian", is_flag=True, default=False, help="The second derivatives.")
@click.option("--output", "output", metavar="NAME", help="The stage to differentiate.")
@click.option(
    "--expand",
    is_flag=True,
    default=False,
    help="Show composite gates as elementary ones: sigmoid as *-1, exp, +1, 1/x.",
)
@click.option(
    "--fuse",
    is_flag=True,
    default=False,
    help="Recognise written-out forms, such as 1/(1+exp(-u)) or log(1+u), as one gate.",
)
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
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", help="Seed of randn; 0 by default."
)
@click.option(
    "--max-array",
    type=click.IntRange(min=0),
    default=MOST_ELEMENTS,
    metavar="N",
    help=f"Most elements of all arrays, or of a Jacobian; {MOST_ELEMENTS} by default.",
)
@click.option(
    "--max-elements",
    type=click.IntRange(min=0),
    default=MOST_CHECKED,
    metavar="N",
    help=f"Above {MOST_CHECKED} elements of inputs, arrays are checked along random directions.",
)
@click.option("--no-check", is_flag=True, default=False, help="Leave out the numeric derivatives.")
@click.option(
    "--check-budget",
    type=click.FloatRange(min=0),
    default=BUDGET,
    metavar="N",
    help=f"Gate evaluations the check may take; {BUDGET:.0e} by default.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default=None,
    help="How to print the result; table by default.",
)
@click.option("--json", "as_json", is_flag=True, default=False, help="The same as --format json.")
@click.option(
    "-o",
    "--output-file",
    "target",
    metavar="FILE",
    help="Write the result to a file; the format follows its suffix unless given (.npz: arrays).",
)
@click.option(
    "--full",
    "--all",
    "show_all",
    is_flag=True,
    default=False,
    help="Show all in the table: every stage, not only 200, and large arrays whole.",
)
@click.option("--strict", is_flag=True, default=False, help="Treat warnings as errors.")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Colours in the table; auto means on a terminal.",
)
@click.option("-q", "--quiet", is_flag=True, default=False, help="Value and gradients only.")
@click.option("-v", "--verbose", is_flag=True, default=False, help="Certain digits, conditions.")
@click.option("--debug", is_flag=True, default=False, help="Show where an internal error happened.")
def eval_command(
    words: tuple[str, ...], path: str | None, wrt: str | None, upstream: str | None,
    output: str | None, expand: bool, fuse: bool, jacobian: bool,
    hessian: bool, seed: int | None, max_array: int, max_elements: int,
    digits: int | None, arithmetic: str, no_check: bool, check_budget: float,
    form: str | None, as_json: bool, target: str | None, show_all: bool, strict: bool,
    color: str, quiet: bool, verbose: bool, debug: bool,  # noqa: ARG001  # read by streams
) -> None:  # fmt: skip
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
    gradcli eval --file sample_exprs/staged.grad x=1
    echo "sin(x)*y" | gradcli eval - x=1 y=2 --json

    Exit codes: 0 a result was printed, 2 the input cannot be read.
    """
    text, name, rest = program_text(words, path)
    inputs = input_files([path], [upstream, *(word.partition("=")[2] for word in rest)])
    refuse_inputs([target], inputs)
    form = chosen_format(form, as_json, target)
    report = reporting(form, lambda: evaluate(
        text, bindings(rest), name=name, output=output, expand=expand, fuse=fuse,
        seed=seed, max_array=max_array, jacobian=jacobian, hessian=hessian,
        wrt=split_names(wrt), upstream=upstream,
        check=not no_check, check_budget=check_budget, max_elements=max_elements,
        digits=digits, arithmetic=arithmetic,
    ))  # fmt: skip
    warn(report.warnings, strict, quiet)
    if target is not None and form == ARCHIVE:
        from gradcli.program.files import write_arrays  # late: most results are text

        write_arrays(target, report.arrays(), inputs)
        return
    verbosity = -1 if quiet else int(verbose)
    put(target, inputs, lambda out: write(
        report, form, out, color=color_for(target, color), verbosity=verbosity,
        show_all=show_all,
    ))  # fmt: skip


def chosen_format(form: str | None, as_json: bool, target: str | None) -> str:
    """The format asked for, or the one a file's suffix stands for. Raises UsageError."""
    if as_json:
        if form not in (None, "json"):
            raise UsageError(f"--json and --format {form} exclude each other")
        return "json"
    suffix = os.path.splitext(target or "")[1].lower()
    if form is None and suffix == ".npy":
        raise UsageError(f"{target}: a .npy file holds one array only",
                         hint="write .npz: it holds the value and all gradients")  # fmt: skip
    return form or SUFFIXES.get(suffix, "table")


def split_names(names: str | None) -> list[str] | None:
    """`x,y` as a list."""
    return None if names is None else [part.strip() for part in names.split(",")]
