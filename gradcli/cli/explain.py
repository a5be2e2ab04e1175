"""`gradcli explain`: a backward pass told gate by gate, and the pages on mistakes and gates."""

from __future__ import annotations

from typing import Any, TextIO

import click

from gradcli.api import telling
from gradcli.cli.asked import asked, say_warnings
from gradcli.cli.options import (
    NO_MORE,
    decimals,
    differentiated,
    gates_shown,
    printed,
    seed,
    spoken,
)
from gradcli.cli.streams import color_for, put
from gradcli.cli.words import ExpressionCommand
from gradcli.errors import UsageError, did_you_mean
from gradcli.gates.table import BUILT_IN
from gradcli.render.formats import TELLING_FORMATS, write_gates, write_telling
from gradcli.reports.mistakes import MISTAKES, Mistake
from gradcli.tasks.gates import gates

SUFFIXES = {".txt": "table", ".md": "markdown", ".json": "json", ".tex": "latex",
            ".html": "html"}  # fmt: skip


@click.command("explain", cls=ExpressionCommand, short_help="The backward pass told gate by gate.")
@click.argument("words", nargs=-1, metavar="EXPR|NAME [NAME=VALUE]...")
@click.option("-f", "--file", "path", metavar="FILE", help="Read the program from a file.")
@click.option("--mistake", metavar="NAME", help="The page of a mistake; the same as NAME alone.")
@differentiated("Gradients of these inputs only.")
@gates_shown
@decimals("3 by default")
@seed
@printed(
    TELLING_FORMATS,
    None,
    form="How to print the story; table by default.",
    target="Write the story to a file; the format follows its suffix unless given.",
)
@spoken(NO_MORE)
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
        is_name = words[0] in MISTAKES or words[0].isidentifier()  # and no input, without a value
        name = words[0] if is_name else None
    if name is not None or not (words or options["path"]):
        if options["mistake"] is not None and (words or options["path"]):
            raise UsageError("--mistake is the page of a mistake, of no program",
                             hint="leave one of them out")  # fmt: skip
        if options["as_json"] or options["form"] not in (None, "table"):
            raise UsageError("a page is text, and has no other format",
                             hint="`gradcli gates NAME --json` is the row of a gate")  # fmt: skip
        put(options["target"], (), lambda out: _write_page(name, out))
        return
    ask = asked(options, SUFFIXES, "table")
    told = ask.answer(telling)
    say_warnings(told.warnings, options)
    put(ask.target, ask.files, lambda out: write_telling(
        told, ask.form, out, color=color_for(ask.target, options["color"]),
        decimals=options["decimals"],
    ))  # fmt: skip


def _write_page(name: str | None, out: TextIO) -> None:
    """The page of a mistake or a gate; the list of mistakes without a name."""
    if name is None:
        width = max(map(len, MISTAKES))
        out.writelines(f"{known:{width}}  {row.title}\n" for known, row in MISTAKES.items())
    elif name in MISTAKES:
        out.write(f"{_page(MISTAKES[name])}\n")
    elif name in BUILT_IN.functions:
        write_gates(gates(name), "table", out)
    else:
        pages = [*MISTAKES, *BUILT_IN.functions]
        known = did_you_mean(name, pages) or f"mistakes are {', '.join(MISTAKES)}"
        raise UsageError(f"`{name}` is not the name of a mistake, nor of a gate", hint=known)


def _page(row: Mistake) -> str:
    def block(text: str) -> str:
        return "\n".join(f"    {line}" for line in text.split("\n"))

    return "\n\n".join([
        f"{row.name}: {row.title}", row.meaning, f"wrong:\n{block(row.wrong)}",
        f"right:\n{block(row.right)}", row.advice,
    ])  # fmt: skip
