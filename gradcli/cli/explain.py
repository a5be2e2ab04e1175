"""`gradcli explain`: a backward pass told gate by gate, and the pages on mistakes and gates."""

from __future__ import annotations

from typing import Any

import click

from gradcli.api import telling
from gradcli.cli.evaluate import split_names
from gradcli.cli.options import differentiated, gates_shown, printed, seed, spoken
from gradcli.cli.streams import color_for, put, refuse_inputs, reporting, warn
from gradcli.cli.suffixes import format_of
from gradcli.cli.words import ExpressionCommand, bindings, input_files, program_text
from gradcli.errors import UsageError, did_you_mean
from gradcli.gates.table import BUILT_IN
from gradcli.render.formats import TELLING_FORMATS, write_gates, write_telling
from gradcli.reports.mistakes import MISTAKES, Mistake
from gradcli.requests import Request
from gradcli.tasks.gates import gates

SUFFIXES = {".txt": "table", ".md": "markdown", ".json": "json"}
MOST_DECIMALS = 15


@click.command("explain", cls=ExpressionCommand, short_help="The backward pass told gate by gate.")
@click.argument("words", nargs=-1, metavar="EXPR|NAME [NAME=VALUE]...")
@click.option("-f", "--file", "path", metavar="FILE", help="Read the program from a file.")
@click.option("--mistake", metavar="NAME", help="The page of a mistake; the same as NAME alone.")
@differentiated("Gradients of these inputs only.")
@gates_shown
@click.option(
    "--decimals",
    type=click.IntRange(0, MOST_DECIMALS),
    default=None,
    metavar="N",
    help="Decimals of the numbers, 3 by default; never such that one looks like another.",
)
@seed
@printed(
    TELLING_FORMATS,
    None,
    form="How to print the story; table by default.",
    target="Write the story to a file; the format follows its suffix unless given.",
)
@spoken(quiet="No warnings.", verbose="The same as without.")
def explain_command(**options: Any) -> None:
    """Tell the backward pass of EXPR, or of a program, gate by gate in the order of the sweep.

    Each gate says what it does with its gradient, and each contribution is told as upstream times
    local; contributions that meet are added up. A program with gradient lines is told with what
    they have wrong. NAME alone is the page of a mistake that `check` names, or of a gate; without
    anything the mistakes are listed.

    \b
    gradcli explain "(x+y)*z" x=-2 y=5 z=-4
    gradcli explain --file staged.grad
    gradcli explain overwritten
    gradcli explain relu
    """
    words, name = options["words"], options["mistake"]
    if name is None and len(words) == 1 and options["path"] is None:
        name = words[0] if words[0] in MISTAKES or words[0] in BUILT_IN.functions else None
    if name is not None or not (words or options["path"]):
        _print_page(name)
        return
    _tell(words, options)


def _tell(words: tuple[str, ...], options: dict[str, Any]) -> None:
    path = options["path"]
    text, name, rest = program_text(words, path)
    values = [options["upstream"], *(word.partition("=")[2] for word in rest)]
    target, inputs = options["target"], input_files([path], values)
    refuse_inputs([target], inputs)
    form = format_of(options["form"], options["as_json"], target, SUFFIXES, "table")
    fields = {field: options[field] for field in Request._fields if field in options}
    keywords = {**fields, "wrt": split_names(options["wrt"])}
    told = reporting(form, lambda: telling(text, bindings(rest), name=name, **keywords))
    warn(told.warnings, options["strict"], options["quiet"])
    color = color_for(target, options["color"])
    put(target, inputs, lambda out: write_telling(
        told, form, out, color=color, decimals=options["decimals"]
    ))  # fmt: skip


def _print_page(name: str | None) -> None:
    """The page of a mistake or a gate; the list of mistakes without a name."""
    if name is None:
        width = max(map(len, MISTAKES))
        for known, row in MISTAKES.items():
            click.echo(f"{known:{width}}  {row.title}")
    elif name in MISTAKES:
        click.echo(_page(MISTAKES[name]))
    elif name in BUILT_IN.functions:
        put(None, (), lambda out: write_gates(gates(name), "table", out))
    else:
        known = did_you_mean(name, MISTAKES) or f"known are {', '.join(MISTAKES)}"
        raise UsageError(f"`{name}` is not the name of a mistake", hint=known)


def _page(row: Mistake) -> str:
    def block(text: str) -> str:
        return "\n".join(f"    {line}" for line in text.split("\n"))

    return "\n\n".join([
        f"{row.name}: {row.title}", row.meaning, f"wrong:\n{block(row.wrong)}",
        f"right:\n{block(row.right)}", row.advice,
    ])  # fmt: skip
