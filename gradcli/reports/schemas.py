"""The JSON Schemas of all machine outputs, a file each; what they say is held in the tests."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).with_name("json_schemas")

# name: the command that prints it
SCHEMAS = {
    "eval": "gradcli eval --json",
    "check": "gradcli check --json",
    "grade": "gradcli check --grade --json",
    "graph": "gradcli graph --json",
    "explain": "gradcli explain --json",
    "steps": "gradcli steps --json",
    "plot": "gradcli plot --json",
    "gates": "gradcli gates --json",
    "key": "gradcli exercise --key FILE",
    "error": "any command with --json that cannot read its input",
}


def schema_text(name: str) -> str:
    """The schema of an output, as JSON. Raises KeyError for an output there is not."""
    if name not in SCHEMAS:
        raise KeyError(name)
    return (FOLDER / f"{name}.json").read_text("utf-8")
