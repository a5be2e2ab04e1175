"""`gradcli samples`: the sample programs, listed or written out."""

from __future__ import annotations

import os

import click

from gradcli.cli.explained import WideCommand
from gradcli.cli.options import debug
from gradcli.cli.output import write_text
from gradcli.cli.streams import put
from gradcli.errors import FileError, UsageError, reason_of
from gradcli.program.samples import sample_names, sample_text, sample_title


@click.command("samples", cls=WideCommand, short_help="The sample programs, listed or written out.")
@click.argument("name", required=False)
@click.option(
    "-o", "--output-file", "target", metavar="FILE",
    help="Write the sample to a file; without NAME all samples into this folder.",
)  # fmt: skip
@debug
def samples_command(name: str | None, target: str | None, debug: bool) -> None:  # noqa: ARG001
    """List the sample programs, print one, or write them to files.

    They are the examples of a lecture on backpropagation and a few steps past it, each with its
    known numbers; those under mistakes/ are wrong on purpose.

    \b
    gradcli samples
    gradcli samples staged.grad -o staged.grad
    gradcli samples -o sample_exprs
    """
    if name is not None:
        text = sample_text(name)
        put(target, (), lambda out: out.writelines([text]))
    elif target is None:
        names = sample_names()
        width = max(map(len, names))
        for sample in names:
            click.echo(f"{sample:{width}}  {sample_title(sample)}")
    else:
        _write_all(target)


def _write_all(folder: str) -> None:
    """Write every sample into a folder; a file that is there already is not touched."""
    texts = {os.path.join(folder, *name.split("/")): sample_text(name) for name in sample_names()}
    for path in texts:
        if os.path.lexists(path):
            raise UsageError(f"{path} is there already", hint="name a folder that is not")
    for path, text in texts.items():
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        except OSError as trouble:
            raise FileError(f"cannot write into {folder}: {reason_of(trouble)}") from None
        write_text(path, text)
