"""`gradcli exercise`: a program with a blank or faulty backward part, for teachers."""

from __future__ import annotations

import os
from typing import TextIO

import click

from gradcli.cli.options import debug, output, switch
from gradcli.cli.output import write_text
from gradcli.cli.streams import put, refuse_inputs, warn
from gradcli.cli.suffixes import Suffixes, format_of
from gradcli.cli.words import ExpressionCommand, bindings, input_files, program_text
from gradcli.errors import LimitError
from gradcli.program.files import SUFFIX
from gradcli.program.reader import read
from gradcli.requests import RAISE, Request
from gradcli.tasks.exercise import make_exercise

SUFFIXES: Suffixes = {SUFFIX: None, ".txt": None}
SMALLER_CASE = "take a smaller case of the same formulas"


@click.command("exercise", cls=ExpressionCommand, short_help="A backward pass to write or mend.")
@click.argument("words", nargs=-1, metavar="EXPR [NAME=VALUE]...")
@click.option("-f", "--file", "path", metavar="FILE", help="Read the program from a file.")
@output
@switch("--expand", help="Write composite gates out.")
@click.option(
    "--mistakes",
    type=click.IntRange(min=0),
    default=0,
    metavar="K",
    help="Plant K mistakes; without it the backward lines are blank.",
)
@click.option(
    "--seed", type=int, default=0, metavar="N", help="Chooses the mistakes; 0 by default."
)
@click.option("-o", "--output-file", "target", metavar="FILE", help="Write the exercise to a file.")
@click.option(
    "--key", metavar="FILE", help="Where the key goes; by default beside FILE, hidden: .FILE.key"
)
@debug
def exercise_command(
    words: tuple[str, ...], path: str | None, output: str | None, expand: bool, mistakes: int,
    seed: int, target: str | None, key: str | None, debug: bool,  # noqa: ARG001  # read by streams
) -> None:  # fmt: skip
    """Write an exercise: the staged forward pass, and a backward pass to write or to mend.

    Each planted mistake is one that `check` finds and calls by its name. The key holds the solution
    and the mistakes; `gradcli check FOLDER --grade --key FILE` grades answers by it.

    \b
    gradcli exercise "(x+y)*z" x=-2 y=5 z=-4
    gradcli exercise "sigmoid(w*x + b)**2" w=2 x=-1 b=0.5 --mistakes 2 --seed 7 -o task.grad
    """
    text, name, rest = program_text(words, path)
    pairs = bindings(rest)
    inputs = input_files([path], [value for _, value in pairs])
    if key is None and target is not None:
        folder, file = os.path.split(target)
        key = os.path.join(folder, f".{file}.key")
    refuse_inputs([target, key], inputs)
    format_of(None, False, target, SUFFIXES, "program", cure="")
    try:
        program = read(text, name, pairs, request=Request(output, expand))
    except LimitError as error:
        if error.hint == RAISE:  # there is no such option here
            error.hint = SMALLER_CASE
        raise
    warn(program.warnings, False, False)
    made = make_exercise(program, mistakes, seed)

    def write(out: TextIO) -> None:
        out.write(made.text)

    put(target, inputs, write)
    if key is not None:
        write_text(key, made.key(), inputs)
