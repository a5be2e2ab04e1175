"""`gradcli graph`: the circuit of an expression or a program."""

from __future__ import annotations

from typing import Any

import click

from gradcli.api import circuit
from gradcli.cli.evaluate import split_names
from gradcli.cli.options import differentiated, printed, spoken, switch
from gradcli.cli.streams import put, refuse_inputs, reporting, warn
from gradcli.cli.suffixes import format_of
from gradcli.cli.words import ExpressionCommand, bindings, input_files, program_text
from gradcli.render.formats import GRAPH_FORMATS, write_circuit
from gradcli.requests import Request

GRAPH_SUFFIXES = {".json": "json"}


@click.command("graph", cls=ExpressionCommand, short_help="The circuit of an expression.")
@click.argument("words", nargs=-1, metavar="EXPR [NAME=VALUE]...")
@click.option("-f", "--file", "path", metavar="FILE", help="Read the program from a file.")
@differentiated("Gradients of these inputs only.")
@switch("--expand", help="Show composite gates as elementary ones: sigmoid as *-1, exp, +1, 1/x.")
@switch("--fuse", help="Recognise written-out forms, such as 1/(1+exp(-u)), as one gate.")
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", help="Seed of randn; 0 by default."
)
@printed(
    GRAPH_FORMATS,
    None,
    form="How to draw the circuit; as a tree by default.",
    target="Write the picture to a file; the format follows its suffix unless given.",
)
@spoken(quiet="No warnings.", verbose="All digits.")
def graph_command(**options: Any) -> None:
    """Draw the circuit of EXPR, or of a program, as its forward and backward pass flow through it.

    \b
    gradcli graph "(x+y)*z" x=-2 y=5 z=-4

    Exit codes: 0 the picture was drawn, 2 the input cannot be read.
    """
    path = options["path"]
    text, name, rest = program_text(options["words"], path)
    values = [options["upstream"], *(word.partition("=")[2] for word in rest)]
    target, inputs = options["target"], input_files([path], values)
    refuse_inputs([target], inputs)
    form = format_of(options["form"], options["as_json"], target, GRAPH_SUFFIXES, "json")
    fields = {field: options[field] for field in Request._fields if field in options}
    keywords = {**fields, "wrt": split_names(options["wrt"])}
    drawn = reporting(form, lambda: circuit(text, bindings(rest), name=name, **keywords))
    warn(drawn.warnings, options["strict"], options["quiet"])
    put(target, inputs, lambda out: write_circuit(drawn, form, out))
