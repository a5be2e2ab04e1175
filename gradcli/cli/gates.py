"""`gradcli gates`: the table of gates, and the page of one."""

from __future__ import annotations

import click

from gradcli.cli.explained import WideCommand
from gradcli.cli.options import debug, printed
from gradcli.cli.streams import put, reporting
from gradcli.cli.suffixes import format_of
from gradcli.render.formats import GATE_FORMATS, write_gates
from gradcli.tasks.gates import gates

SUFFIXES = {".json": "json", ".md": "markdown", ".txt": "table"}


@click.command("gates", cls=WideCommand, short_help="The table of gates, or the page of one.")
@click.argument("name", required=False)
@printed(GATE_FORMATS, None, form="How to print; table by default.", target="Write to a file.")
@debug
def gates_command(
    name: str | None, form: str | None, as_json: bool, target: str | None,
    debug: bool,  # noqa: ARG001  # read by streams
) -> None:  # fmt: skip
    """Show what gates compute, their local gradients, and what they send at a kink.

    \b
    gradcli gates
    gradcli gates sigmoid
    gradcli gates "**"
    """
    form = format_of(form, as_json, target, SUFFIXES, "table")
    report = reporting(form, lambda: gates(name))
    put(target, (), lambda out: write_gates(report, form, out))
