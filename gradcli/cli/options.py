"""Options that several commands have: each is stated once, and a command takes them in groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from gradcli.requests import BUDGET, MOST_CHECKED, MOST_ELEMENTS, MOST_MEMORY, TIMEOUT

MOST_DECIMALS = 15

Command = Callable[..., Any]
Option = Callable[[Command], Command]


def switch(*names: str, help: str) -> Option:
    """An option without a value."""
    return click.option(*names, is_flag=True, default=False, help=help)


def together(*options: Option) -> Option:
    """Several options as one decorator, in this order in the help."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def program(command: Command) -> Command:
    """What is computed: an expression and bindings among the words, or a file."""
    return together(
        click.argument("words", nargs=-1, metavar="EXPR [NAME=VALUE]..."),
        click.option("-f", "--file", "path", metavar="FILE", help="Read the program from a file."),
    )(command)


def own_gates(command: Command) -> Command:
    """Gates of the user's own, which are run in a child process: --gates and its like."""
    return together(
        click.option(
            "--gates",
            multiple=True,
            metavar="FILE.py",
            help="Run a Python file whose classes with forward and backward are gates; repeatable.",
        ),
        switch("--override", help="Gates of --gates may have the names of built-in ones."),
        click.option(
            "--timeout",
            type=click.FloatRange(min=0, min_open=True),
            default=TIMEOUT,
            metavar="SECONDS",
            help=f"The longest a call of such code may take; {TIMEOUT:g} by default.",
        ),
    )(command)


def gates_shown(command: Command) -> Command:
    """Which gates stand for a program: --expand, --fuse, --gates."""
    return together(
        switch(
            "--expand",
            help="Take composite gates as elementary ones: sigmoid as *-1, exp, +1, 1/x.",
        ),
        switch(
            "--fuse",
            help="Recognise written-out forms, such as 1/(1+exp(-u)) or log(1+u), as one gate.",
        ),
        own_gates,
    )(command)


def seed(command: Command) -> Command:
    """The seed of everything that is drawn."""
    option = click.option(
        "--seed", type=click.IntRange(min=0), metavar="N", help="Seed of randn; 0 by default."
    )
    return option(command)


def differentiated(wrt: str) -> Option:
    """Which derivatives are taken: --wrt, --upstream, --output; `wrt` is the help of the first."""
    return together(
        click.option("--wrt", multiple=True, metavar="x,y", help=f"{wrt} Repeatable."),
        click.option(
            "--upstream",
            metavar="VALUE",
            help="The gradient of the output; 1 by default. For an array: VALUE, `ones` or @FILE.",
        ),
        output,
    )


def own_functions(command: Command) -> Command:
    """Functions of the user's own, which are run in a child process: --call and its like."""
    return together(
        click.option(
            "--call",
            metavar="MODULE:FUNCTION",
            help="Run a function, also FILE.py:FUNCTION, and check its gradient: what --grad "
            "names, what its module calls so, or what it returns beside its value.",
        ),
        click.option("--torch", metavar="MODULE:FUNCTION",
                     help="Run an autograd Function, a module or a function of tensors."),
        click.option("--jax", metavar="MODULE:FUNCTION",
                     help="Run a function of jax, with its custom_vjp or custom_jvp."),
        click.option("--external", metavar="COMMAND",
                     help="Run a program that reads inputs as JSON, and writes so its value and "
                     "gradients."),
    )(command)  # fmt: skip


def output(command: Command) -> Command:
    """The stage to differentiate."""
    option = click.option("--output", "output", metavar="NAME", help="The stage to differentiate.")
    return option(command)


def limits(arrays: str) -> Option:
    """How much a command may compute; `arrays` says what is counted besides all arrays."""
    return together(
        click.option(
            "--max-array",
            type=click.IntRange(min=0),
            default=MOST_ELEMENTS,
            metavar="N",
            help=f"Most elements of all arrays{arrays}; {MOST_ELEMENTS} by default.",
        ),
        click.option(
            "--max-memory",
            type=click.IntRange(min=1),
            default=MOST_MEMORY,
            metavar="MIB",
            help=f"Most memory that arrays and their report may take; {MOST_MEMORY} by default.",
        ),
        click.option(
            "--max-elements",
            type=click.IntRange(min=0),
            default=MOST_CHECKED,
            metavar="N",
            help=f"Above {MOST_CHECKED} elements of inputs, arrays are checked along random "
            "directions.",
        ),
        click.option(
            "--check-budget",
            type=click.FloatRange(min=0),
            default=BUDGET,
            metavar="N",
            help=f"Gate evaluations the check of a point may take; {BUDGET:.0e} by default.",
        ),
    )


def printed(formats: Sequence[str], default: str | None, form: str, target: str) -> Option:
    """How and where the result is written; `form` and `target` say what a suffix stands for."""
    return together(
        click.option("--format", "form", type=click.Choice([*formats]), default=default, help=form),
        switch("--json", "as_json", help="The same as --format json."),
        click.option("-o", "--output-file", "target", metavar="FILE", help=target),
    )


def spreadsheet(command: Command) -> Command:
    """How CSV is written."""
    return switch(
        "--spreadsheet",
        help="In CSV an apostrophe before text that a spreadsheet would take for a formula.",
    )(command)


def decimals(default: str) -> Option:
    """Decimals of the numbers that people read; `default` says what there is without."""
    return click.option(
        "--decimals",
        type=click.IntRange(0, MOST_DECIMALS),
        default=None,
        metavar="N",
        help=f"Decimals of the numbers, {default}; never such that one looks like another.",
    )


QUIET = "Say less: the result alone, without warnings."
VERBOSE = "Say more: what passed, too, and all digits that are certain."
NO_MORE = "Say more; there is no more to say here."


def spoken(verbose: str = VERBOSE) -> Option:
    """How much is said, the same in every command, how it looks, and what is an error."""
    return together(
        switch("--strict", help="Treat warnings as errors."),
        click.option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            help="Colours in the table; auto means on a terminal.",
        ),
        switch("-q", "--quiet", help=QUIET),
        switch("-v", "--verbose", help=verbose),
        debug,
    )


def debug(command: Command) -> Command:
    """The option that `streams` reads from the command line itself."""
    return switch("--debug", help="Show where an internal error happened.")(command)
