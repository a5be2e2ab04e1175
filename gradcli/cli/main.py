"""The command line: words to a request, one call of the api, the report to a stream, an exit code.

Nothing else in the package prints or exits. Commands are loaded when they are named, so that each
pays only for itself.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import NoReturn

import click

from gradcli.cli.explained import WideCommand
from gradcli.cli.streams import run_and_exit
from gradcli.cli.words import plain_help
from gradcli.errors import UsageError, did_you_mean

# name: (module, function, one line of help)
COMMANDS = {
    "eval": ("evaluate", "eval_command", "Value, stages and gradients."),
    "check": ("check", "check_command", "Verdicts on gradients and claims, for CI."),
    "graph": ("graph", "graph_command", "The circuit, with values and gradients on its wires."),
    "explain": ("explain", "explain_command", "The backward pass told gate by gate."),
    "code": ("code", "code_command", "The forward and backward pass as code."),
    "batch": ("batch", "batch_command", "Value and gradients at many points."),
    "steps": ("steps", "steps_command", "Numeric errors against the step, as curves."),
    "plot": ("plot", "plot_command", "Value and gradient over one input or two."),
    "watch": ("watch", "watch_command", "Check again at every save."),
    "gates": ("gates", "gates_command", "The table of gates, or the page of one."),
    "exercise": ("exercise", "exercise_command", "A backward pass to write or to mend."),
    "selfcheck": ("selfcheck", "selfcheck_command", "Plant mistakes and see that each is caught."),
    "samples": ("samples", "samples_command", "The sample programs, listed or written out."),
    "schema": ("schema", "schema_command", "The JSON Schema of a machine output."),
    "help": ("help", "help_command", "The help of a command, or of all."),
    "version": ("help", "version_command", "The versions of gradcli, Python and numpy."),
    "completion": ("help", "completion_command", "The completion script of a shell."),
}


class Commands(WideCommand, click.Group):
    """A group that loads a command when it is named."""

    def get_help_option(self, ctx: click.Context) -> click.Option:
        """`-h` and `--help`."""
        if self._help_option is None:
            self._help_option = plain_help(ctx)
        return self._help_option

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """All names, in the order of the table."""
        return [*COMMANDS]

    def get_command(self, ctx: click.Context | None, cmd_name: str) -> click.Command | None:
        """Import the command's module; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module, function, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"gradcli.cli.{module}"), function)
        if ctx is None or not ctx.resilient_parsing:
            return command
        from gradcli.cli.completing import with_completions  # late: only a shell asks for it

        return with_completions(cmd_name, command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named; an unknown one is answered with the nearest."""
        is_unknown = args[0] not in COMMANDS and not args[0].startswith("-")
        if is_unknown and not ctx.resilient_parsing:  # a shell that completes is told nothing
            raise UsageError(f"`{args[0]}` is not a command", hint=_meant(args))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list in the help, without loading anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


def _meant(args: list[str]) -> str:
    """What a line without a command may have meant: an expression, a file, a misspelt name."""
    first, has_inputs = args[0], any("=" in word for word in args[1:])
    near = did_you_mean(first, COMMANDS) if first.isidentifier() else None
    if near is not None:
        return near
    if first.endswith((".grad", ".py", ".ipynb")):
        return f"write gradcli check {first}"
    if not first.isidentifier() or has_inputs:
        words = " ".join(f'"{word}"' if set(word) & set(" ()*;<>|&$") else word for word in args)
        return f"write gradcli eval {words}"
    return f"commands are {', '.join(COMMANDS)}"


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("-V", "--version", is_flag=True, default=False, help="Show the versions and exit.")
@click.pass_context
def gradcli(ctx: click.Context, version: bool) -> None:
    """Gradients of expressions, stage by stage, and checked.

    \b
    gradcli eval "(x+y)*z" x=-2 y=5 z=-4
    gradcli eval --file program.grad --json
    gradcli check "x*y" x=3 y=2 --claim x=2
    """
    if version:
        from gradcli.cli.help import versions  # late: rarely asked for

        click.echo(versions())
    elif ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


# Linear algebra of small arrays is no faster on several threads, whose start takes half of the time
# that numpy takes to load. What a user has set stays.
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS")


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    run_and_exit(gradcli, sys.argv[1:] if arguments is None else arguments)
