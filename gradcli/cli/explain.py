"""`gradcli explain`: what a mistake is, and what to do about it."""

from __future__ import annotations

import click

from gradcli.errors import UsageError, did_you_mean
from gradcli.reports.mistakes import MISTAKES, Mistake


@click.command("explain", short_help="What a mistake is, by its name.")
@click.option(
    "--mistake", metavar="NAME", help="The page of one mistake; without it, the list of all."
)
@click.option("--debug", is_flag=True, default=False, help="Show where an internal error happened.")
def explain_command(mistake: str | None, debug: bool) -> None:  # noqa: ARG001  # read by streams
    """Explain the mistakes that `check` names in hand-written backward passes.

    \b
    gradcli explain
    gradcli explain --mistake overwritten
    """
    if mistake is None:
        width = max(map(len, MISTAKES))
        for name, row in MISTAKES.items():
            click.echo(f"{name:{width}}  {row.title}")
        return
    if mistake not in MISTAKES:
        known = did_you_mean(mistake, MISTAKES) or f"known are {', '.join(MISTAKES)}"
        raise UsageError(f"`{mistake}` is not the name of a mistake", hint=known)
    click.echo(_page(MISTAKES[mistake]))


def _page(row: Mistake) -> str:
    def block(text: str) -> str:
        return "\n".join(f"    {line}" for line in text.split("\n"))

    return "\n\n".join([
        f"{row.name}: {row.title}", row.meaning, f"wrong:\n{block(row.wrong)}",
        f"right:\n{block(row.right)}", row.advice,
    ])  # fmt: skip
