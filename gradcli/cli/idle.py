"""Options of `check` that would do nothing where they stand: they are refused, not passed over.

A claim that nothing compares would look like one that holds.
"""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from gradcli.cli.jobs import FUNCTIONS
from gradcli.cli.streams import warn
from gradcli.cli.words import Pairs
from gradcli.errors import UsageError
from gradcli.tasks.ranges import range_of

NEEDS = {"write": "fix", "key": "grade", "sheets": "grade", "update_baseline": "baseline"}

# What asks something of a program that is read.
OF_PROGRAMS = ("claims", "output", "upstream", "jacobian", "hessian", "lists", "fix", "grade",
               "fix_self", "excluded")  # fmt: skip
OF_PYTHON = ("grads", "fix_self", "excluded")


def refuse_idle(ctx: click.Context, options: dict[str, Any], subject: str) -> None:
    """Raise UsageError for options that would do nothing here.

    `subject` is what is checked: `expression`, `files`, `gates`, or the option that names a
    function. What a configuration says is meant for other checks, too.
    """
    for option, needed in NEEDS.items():
        if options[option] and not options[needed]:
            raise UsageError(f"{_spelled(ctx, option)} needs --{needed}")
    for option in _without_meaning(subject):
        if ctx.get_parameter_source(option) is ParameterSource.COMMANDLINE:
            where = "an expression" if subject == "expression" else f"--{subject}"
            raise UsageError(f"{_spelled(ctx, option)} does nothing beside {where}")


def _without_meaning(subject: str) -> tuple[str, ...]:
    if subject == "files":
        return ()
    if subject == "expression":
        return OF_PYTHON
    if subject == "gates":
        return (*OF_PROGRAMS, "grads", "wrt")
    return OF_PROGRAMS if subject == "call" else (*OF_PROGRAMS, "grads")


def _spelled(ctx: click.Context, name: str) -> str:
    """An option as it is written."""
    option = next(parameter for parameter in ctx.command.params if parameter.name == name)
    return option.opts[-1]


def warn_of_idle_samples(ctx: click.Context, settings: Pairs, quiet: bool) -> None:
    """Say that --samples does nothing where no input has a range."""
    is_asked = ctx.get_parameter_source("samples") is ParameterSource.COMMANDLINE
    if is_asked and not any(range_of(name, value) for name, value in settings):
        warn(["--samples does nothing: no input has a range such as x=-2:2"], False, quiet)


def subject_of(options: dict[str, Any], is_expression: bool, is_of_gates: bool) -> str:
    """What is checked: `expression`, `files`, `gates`, or the option that names a function."""
    named = next((kind for kind in FUNCTIONS if options[kind] is not None), "")
    return named or ("gates" if is_of_gates else "expression" if is_expression else "files")
