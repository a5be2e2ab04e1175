"""`gradcli schema`: the JSON Schemas of machine outputs."""

from __future__ import annotations

import click

from gradcli.cli.explained import WideCommand
from gradcli.cli.options import debug
from gradcli.cli.streams import put
from gradcli.errors import UsageError, did_you_mean
from gradcli.reports.schemas import SCHEMAS, schema_text


@click.command("schema", cls=WideCommand, short_help="The JSON Schema of a machine output.")
@click.argument("name", required=False)
@click.option("-o", "--output-file", "target", metavar="FILE", help="Write the schema to a file.")
@debug
def schema_command(name: str | None, target: str | None, debug: bool) -> None:  # noqa: ARG001
    """Print the JSON Schema of a machine output; without a name the list of them.

    The number after the slash in `schema` changes when a document is no longer read by what reads
    the one before; new keys do not change it.

    \b
    gradcli schema
    gradcli schema eval
    """
    if name is not None and name not in SCHEMAS:
        hint = did_you_mean(name, SCHEMAS) or f"known are {', '.join(SCHEMAS)}"
        raise UsageError(f"`{name}` is no output with a schema", hint=hint)
    width = max(map(len, SCHEMAS))
    listed = "".join(f"{known:{width}}  {command}\n" for known, command in SCHEMAS.items())
    text = listed if name is None else schema_text(name)
    put(target, (), lambda out: out.writelines([text]))
