"""`gradcli help`, `gradcli version` and `gradcli completion SHELL`."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import click
from click.shell_completion import get_completion_class

from gradcli.cli.explained import WideCommand
from gradcli.cli.options import debug
from gradcli.cli.streams import COMPLETION
from gradcli.errors import UsageError, did_you_mean
from gradcli.version import __version__

SHELLS = ("bash", "zsh", "fish")


@click.command("help", cls=WideCommand, short_help="The help of a command, or of all.")
@click.argument("name", required=False)
@debug
@click.pass_context
def help_command(ctx: click.Context, name: str | None, debug: bool) -> None:  # noqa: ARG001
    """Show the help of a command; without one the list of commands.

    \b
    gradcli help
    gradcli help eval
    """
    parent = ctx.parent
    assert parent is not None
    if name is None:
        click.echo(parent.get_help())
        return
    group = parent.command
    assert isinstance(group, click.Group)
    command = group.get_command(parent, name)
    if command is None:
        commands = group.list_commands(parent)
        hint = did_you_mean(name, commands) or f"commands are {', '.join(commands)}"
        raise UsageError(f"`{name}` is not a command", hint=hint)
    with click.Context(command, info_name=name, parent=parent) as own:
        click.echo(command.get_help(own))


@click.command("version", cls=WideCommand, short_help="The versions of gradcli, Python and numpy.")
@debug
def version_command(debug: bool) -> None:  # noqa: ARG001
    """Print the versions of gradcli, Python and numpy; -V and --version do the same.

    \b
    gradcli version
    """
    click.echo(versions())


def versions() -> str:
    """The versions of gradcli, Python and numpy."""
    python = ".".join(map(str, sys.version_info[:3]))
    return f"gradcli {__version__} (Python {python}, numpy {_version_of_numpy()})"


def _version_of_numpy() -> str:
    """What the folder of numpy's metadata is called; to load either takes ten times as long."""
    for folder in sys.path:
        with suppress(OSError):
            for name in os.listdir(folder or "."):
                if name.startswith("numpy-") and name.endswith(".dist-info"):
                    return name.removeprefix("numpy-").removesuffix(".dist-info")
    from importlib.metadata import version  # late: the look above is quick

    return version("numpy")


@click.command("completion", cls=WideCommand, short_help="The completion script of a shell.")
@click.argument("shell", type=click.Choice(SHELLS))
@debug
@click.pass_context
def completion_command(ctx: click.Context, shell: str, debug: bool) -> None:  # noqa: ARG001
    """Print the script that completes commands and options in a shell.

    \b
    gradcli completion bash > ~/.local/share/bash-completion/completions/gradcli
    gradcli completion zsh > "${fpath[1]}/_gradcli"
    gradcli completion fish > ~/.config/fish/completions/gradcli.fish
    """
    parent = ctx.parent
    assert parent is not None
    script = get_completion_class(shell)
    assert script is not None
    name = "gradcli"
    click.echo(script(parent.command, {}, name, COMPLETION).source())
