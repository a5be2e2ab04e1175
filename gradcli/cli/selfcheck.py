"""`gradcli selfcheck`: the rate at which the checker catches planted mistakes."""

from __future__ import annotations

import click

from gradcli.cli.explained import WideCommand
from gradcli.errors import EXIT_FAILED, EXIT_OK
from gradcli.tasks.selfcheck import trials


@click.command(
    "selfcheck", cls=WideCommand, short_help="Plant mistakes and see that each is caught."
)
@click.option("-v", "--verbose", is_flag=True, default=False, help="Show every trial.")
@click.option("--debug", is_flag=True, default=False, help="Show where an internal error happened.")
def selfcheck_command(verbose: bool, debug: bool) -> int:  # noqa: ARG001  # debug is read by streams
    """Plant mistakes in every gate and in claims, and see that the checker catches each.

    \b
    gradcli selfcheck

    Exit codes: 0 every mistake was caught and no right gradient accused, 1 otherwise.
    """
    planted = caught = right = passed = 0
    for trial in trials():
        planted += trial.is_wrong
        caught += trial.is_wrong and trial.is_fine
        right += not trial.is_wrong
        passed += not trial.is_wrong and trial.is_fine
        if verbose or not trial.is_fine:
            state = "" if trial.is_fine else ("MISSED " if trial.is_wrong else "ACCUSED ")
            click.echo(f"{state}{trial.what}: {trial.verdict}")
    click.echo(f"{caught} of {planted} planted mistakes caught, "
               f"{passed} of {right} right gradients passed")  # fmt: skip
    return EXIT_OK if caught == planted and passed == right else EXIT_FAILED
