"""`gradcli graph`: the circuit of an expression or a program."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from io import StringIO
from typing import Any, TextIO

import click

from gradcli.api import circuit, page
from gradcli.cli.asked import asked, say_warnings
from gradcli.cli.options import differentiated, gates_shown, printed, program, seed, spoken, switch
from gradcli.cli.signals import at_once, before_the_end
from gradcli.cli.streams import color_for, put, put_bytes
from gradcli.cli.words import ExpressionCommand
from gradcli.errors import LimitError, UsageError
from gradcli.render.diagnostic import encodable
from gradcli.render.formats import (
    GRAPH_FORMATS,
    IMAGES,
    LAID_OUT,
    image,
    write_circuit,
    write_page,
)
from gradcli.reports.circuits import Circuit

GRAPH_SUFFIXES = {
    ".svg": "svg", ".png": "png", ".pdf": "pdf", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid",
    ".mermaid": "mermaid", ".html": "html", ".json": "json", ".txt": "tree",
}  # fmt: skip
MOST_DECIMALS = 15
MOST_READABLE = 500  # gates; of more nobody can read the picture
MOST_LAID_OUT = 2_000  # gates; more take Graphviz minutes


@click.command("graph", cls=ExpressionCommand, short_help="The circuit of an expression.")
@program
@differentiated("Gradients of these inputs only.")
@gates_shown
@switch(
    "--collapse", help="Draw named stages as boxes; of Python files their lines, loops and calls."
)
@click.option(
    "--decimals",
    type=click.IntRange(0, MOST_DECIMALS),
    default=2,
    metavar="N",
    help="Decimals of the numbers, 2 by default; a number that would look like another one by "
    "them has more, or an exponent.",
)
@click.option(
    "--theme",
    type=click.Choice(["auto", "light", "dark"]),
    default="auto",
    help="Colours of a picture; auto is light, and in SVG as the reader's surroundings are.",
)
@seed
@printed(
    GRAPH_FORMATS,
    None,
    form="How to draw the circuit; as a tree by default. Graphviz lays out svg, png and pdf.",
    target="Write the picture to a file; the format follows its suffix unless given.",
)
@spoken()
def graph_command(**options: Any) -> None:
    """Draw the circuit of EXPR, or of a program: above each wire its value, below it the gradient.

    Gates are drawn once. What several gates use has a branch to each of them, with the contribution
    that comes back from there; their sum is the gradient. Where a program has gradient lines, the
    wires whose contributions they have wrong show both numbers.

    \b
    gradcli graph "(x+y)*z" x=-2 y=5 z=-4
    gradcli graph "(x+y)*z" x=-2 y=5 z=-4 -o circuit.svg
    gradcli graph --file staged.grad --format mermaid
    gradcli graph --file staged.grad -o staged.html

    html is a page that steps through the circuit, forwards and backwards, in a browser. Pictures
    need pygraphviz 2 or the program `dot` of Graphviz; html, tree, dot, mermaid and json need
    neither.

    Exit codes: 0 the circuit was drawn, 2 the input cannot be read or Graphviz is missing.
    """
    ask = asked(options, GRAPH_SUFFIXES, "tree")
    form, decimals = ask.form, None if options["verbose"] else options["decimals"]
    if form == "html":
        if options["collapse"]:
            raise UsageError("a page steps through all gates: --collapse is not for html")
        made = ask.answer(page)
        say_warnings(made.warnings, options)
        put(ask.target, ask.files, lambda out: write_page(made, out, decimals, options["theme"]))
        return
    drawn = ask.answer(circuit, collapse=options["collapse"])
    say_warnings([*drawn.warnings, *_too_large(drawn, form)], options)
    if form in IMAGES:
        with _laying_out():
            picture = image(drawn, form, decimals, options["theme"])
        put_bytes(ask.target, ask.files, picture, form)
        return

    def write(out: TextIO) -> None:
        color = color_for(ask.target, options["color"])
        write_circuit(drawn, form, out, color=color, decimals=decimals, theme=options["theme"])

    put(ask.target, ask.files, _laid_out(write) if form in LAID_OUT else write)


def _laying_out() -> AbstractContextManager[None]:
    """The context in which signals end a layout as well: a call of C, or a program beside us."""
    from gradcli.render.circuit.graphviz import end_program, is_library  # late: of pictures only

    return at_once() if is_library() else before_the_end(end_program)


def _laid_out(write: Callable[[TextIO], None]) -> Callable[[TextIO], None]:
    """What puts out a picture that is made here and now, before a file is opened for it."""
    text = StringIO()
    with _laying_out():
        write(text)

    def put_out(out: TextIO) -> None:
        out.write(encodable(text.getvalue(), out))

    return put_out


def _too_large(circuit: Circuit, form: str) -> list[str]:
    """The warning where a picture has more gates than can be read. Raises LimitError."""
    if form == "json" or circuit.gates <= MOST_READABLE:
        return []
    less = "--collapse draws named stages as boxes"
    if form in LAID_OUT and circuit.gates > MOST_LAID_OUT:
        raise LimitError(f"{circuit.gates} gates are too many to lay out: {MOST_LAID_OUT} at most",
                         hint=f"{less}; --format dot and json take any number")  # fmt: skip
    return [f"{circuit.gates} gates are more than can be read; {less}"]
