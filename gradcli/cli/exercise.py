"""`gradcli exercise`: a program with a blank or faulty backward part, for teachers."""

from __future__ import annotations

import os
from typing import Any

import click

from gradcli.cli.options import debug, output, switch
from gradcli.cli.output import write_text
from gradcli.cli.streams import put, refuse_inputs, warn
from gradcli.cli.suffixes import Suffixes, format_of
from gradcli.cli.words import ExpressionCommand, bindings, input_files, program_text
from gradcli.errors import LimitError, UsageError
from gradcli.program.files import SUFFIX
from gradcli.program.reader import read
from gradcli.render.formats import EXERCISE_FORMATS, write_exercise
from gradcli.reports.exercises import Exercise
from gradcli.requests import RAISE, Request
from gradcli.tasks.exercise import make_exercises, plan_of
from gradcli.transform.truth import true_gradients

SUFFIXES: Suffixes = {
    SUFFIX: None, ".py": None, ".txt": None, ".md": "markdown", ".tex": "latex", ".html": "html",
}  # fmt: skip
SMALLER_CASE = "take a smaller case of the same formulas"
MOST_VARIANTS = 1_000


@click.command("exercise", cls=ExpressionCommand, short_help="A backward pass to write or mend.")
@click.argument("words", nargs=-1, metavar="EXPR [NAME=VALUE]...")
@click.option("-f", "--file", "path", metavar="FILE", help="Read the program from a file.")
@output
@switch("--expand", help="Write composite gates out.")
@click.option(
    "--mistakes",
    metavar="K|KIND,KIND",
    help="Plant K mistakes, or one of each of some kinds; else the backward lines are blank.",
)
@click.option(
    "--variants",
    type=click.IntRange(1, MOST_VARIANTS),
    metavar="N",
    help="Write N exercises whose values and mistakes differ: with -o task.grad, task-1.grad ...",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Chooses the mistakes and the values of variants; 0 by default.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice([*EXERCISE_FORMATS]),
    default=None,
    help="A program, by default, or a page to hand out; the format follows the suffix of -o.",
)
@click.option("-o", "--output-file", "target", metavar="FILE", help="Write the exercise to a file.")
@click.option(
    "--key", metavar="FILE", help="Where the key goes; by default beside FILE, hidden: .FILE.key"
)
@debug
def exercise_command(**options: Any) -> None:
    """Write an exercise: the forward pass, and a backward pass to write or to mend.

    A program with a right backward pass of its own keeps its stages, names, arrays and helpers; of
    any other the backward lines are written. Each planted mistake is one that `check` finds and
    calls by its name; the file says how many lines are wrong. The key holds the solution and the
    mistakes; `gradcli check FOLDER --grade --key FILE` grades answers by it.

    \b
    gradcli exercise "(x+y)*z" x=-2 y=5 z=-4
    gradcli exercise --file layer.grad --mistakes transposed,sign -o task.grad
    gradcli exercise "sigmoid(w*x)**2" w=2 x=-1 --variants 30 -o task.tex
    """
    text, name, rest = program_text(options["words"], options["path"])
    pairs = bindings(rest)
    plan = plan_of(options["mistakes"], options["seed"], options["variants"])
    files = [(options["target"], options["key"])]
    if plan.variants is not None:
        files = _of_variants(options["target"], options["key"], plan.variants)
    places = [(target, key or _beside(target)) for target, key in files]
    inputs = input_files([options["path"]], [value for _, value in pairs])
    refuse_inputs([file for pair in places for file in pair], inputs)
    form = format_of(options["form"], False, options["target"], SUFFIXES, "program")
    try:
        request = Request(options["output"], options["expand"])
        program = read(text, name, pairs, request=request, true_gradients=true_gradients)
    except LimitError as error:
        if error.hint == RAISE:  # there is no such option here
            error.hint = SMALLER_CASE
        raise
    warn(program.warnings, False, False)
    made = list(make_exercises(program, plan))  # all, before any is written
    for exercise, (target, key) in zip(made, places, strict=True):
        _write(exercise, form, target, key, inputs)


def _write(
    exercise: Exercise, form: str, target: str | None, key: str | None, inputs: tuple[str, ...]
) -> None:
    put(target, inputs, lambda out: write_exercise(exercise, form, out))
    if key is not None:
        write_text(key, exercise.key(), inputs)


def _beside(target: str | None) -> str | None:
    """The hidden key beside an exercise; none without a file."""
    if target is None or target == "-":
        return None
    folder, file = os.path.split(target)
    return os.path.join(folder, f".{file}.key")


def _of_variants(
    target: str | None, key: str | None, count: int
) -> list[tuple[str | None, str | None]]:
    """The files of some variants: `task-1.grad`, `task-2.grad`. Raises UsageError."""
    if target is None or target == "-":
        raise UsageError("--variants writes files", hint="add -o task.grad")
    if key is not None:
        raise UsageError("each variant has a key of its own, beside it: --key is for one exercise")
    stem, suffix = os.path.splitext(target)
    width = len(str(count))
    return [(f"{stem}-{number:0{width}}{suffix}", None) for number in range(1, count + 1)]
