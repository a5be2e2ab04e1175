"""`gradcli code`: the staged forward and backward pass as code."""

from __future__ import annotations

from typing import Any

import click

from gradcli.api import code
from gradcli.cli.asked import asked, say_warnings
from gradcli.cli.options import NO_MORE, differentiated, gates_shown, program, seed, spoken, switch
from gradcli.cli.streams import put
from gradcli.cli.words import ExpressionCommand
from gradcli.emit.frameworks import LANGUAGES
from gradcli.errors import UsageError

NAMES = (*LANGUAGES, "grad", "formula", "latex")
SUFFIXES = {".py": "python", ".grad": "grad", ".c": "c", ".h": "c", ".js": "javascript",
            ".mjs": "javascript", ".jl": "julia", ".tex": "latex"}  # fmt: skip


@click.command("code", cls=ExpressionCommand, short_help="The backward pass as code.")
@program
@click.option(
    "--lang", "form", type=click.Choice(NAMES), default=None,
    help="The language; Python by default, NumPy where there are arrays.",
)  # fmt: skip
@click.option("--function", metavar="NAME", help="Wrap the code in a function of this name.")
@click.option(
    "--class", "gate_class", metavar="NAME", help="Wrap it in a class with forward and backward."
)
@switch("--batched", help="A NumPy function that takes many points at once.")
@switch("--textbook", help="Local gradients as a lecture writes them, not in their stable form.")
@differentiated("Gradients of these inputs only.")
@gates_shown
@seed
@click.option(
    "-o", "--output-file", "target", metavar="FILE",
    help="Write the code to a file; the language follows its suffix unless given.",
)  # fmt: skip
@spoken(NO_MORE)
def code_command(**options: Any) -> None:
    """Write EXPR, or a program, as staged code with its backward pass.

    Stages keep their names, gradients are called d..., and contributions that meet are added with
    +=. Numbered comments tie each backward line to the forward line it belongs to. grad is the
    language of gradcli itself; what is written in it has been checked, every line. formula and
    latex write no code, but the derivative by each input as one formula in terms of the stages.

    \b
    gradcli code "(x+y)*z" x=-2 y=5 z=-4
    gradcli code --file staged.grad --lang c --function staged
    gradcli code "x*y" x=3 y=2 --class MultiplyGate
    gradcli code "sum((W@x)**2)" W="[[1,2],[3,4]]" x=[1,2] --lang formula
    """
    ask = asked(options, SUFFIXES, "", "--lang LANGUAGE takes any name")
    language = ask.form or None
    if language == "python" and options["form"] is None:
        language = None
    if options["function"] and options["gate_class"]:
        raise UsageError("--function and --class exclude each other")
    _refuse_name(options["function"] or options["gate_class"])
    made = ask.answer(
        code, language=language, function=options["function"], gate_class=options["gate_class"],
        textbook=options["textbook"], batched=options["batched"],
    )  # fmt: skip
    say_warnings(made.warnings, options)
    put(ask.target, ask.files, lambda out: _write(out, made.text))


def _write(out: Any, text: str) -> None:
    out.write(text)


def _refuse_name(name: str | None) -> None:
    """Raise UsageError for what cannot be the name of a function."""
    if name is None:
        return
    hint = None if name.isidentifier() and name.isascii() else "use letters, digits and _"
    for language in LANGUAGES.values():
        if hint is None and name in language.keywords:
            hint = f"`{name}` has a meaning in {language.name}"
    if hint is not None:
        raise UsageError(f"`{name}` cannot be the name of a function", hint=hint)
