"""The JSON Schemas of all machine outputs; what they say is held in the tests.

Documents have a file each. A line of `--format jsonl` is a part of the document, with the name of
its type: its schema is made of that of the document. The rows of a batch are a table, whose lines
have no names of types.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
    "eval-lines": "gradcli eval --format jsonl, a line",
    "check-lines": "gradcli check --format jsonl, a line",
    "batch": "gradcli batch --format jsonl, a line",
}
LINES = "-lines"  # how the schema of a line is called after that of its document


def schema_text(name: str) -> str:
    """The schema of an output, as JSON. Raises KeyError for an output there is not."""
    if name not in SCHEMAS:
        raise KeyError(name)
    if not name.endswith(LINES):
        return (FOLDER / f"{name}.json").read_text("utf-8")
    document = json.loads((FOLDER / f"{name.removesuffix(LINES)}.json").read_text("utf-8"))
    parts = _check_parts(document) if name == "check-lines" else _eval_parts(document)
    number = document["properties"]["schema"]["const"]
    schema = {
        "$schema": document["$schema"], "title": f"{number}: a line of `{SCHEMAS[name][:-8]}`",
        "anyOf": [_line(kind, part) for kind, part in parts.items()], "$defs": document["$defs"],
    }  # fmt: skip
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _check_parts(document: dict[str, Any]) -> dict[str, Any]:
    """The parts of a report on checks that have a line each, by their types."""
    return {"case": document["$defs"]["case"], "summary": _without(document, "cases", "inputs")}


def _eval_parts(document: dict[str, Any]) -> dict[str, Any]:
    """The parts of an evaluation that have a line each, by their types."""
    result = _without(document, "stages", "check", "notes")
    verdict = {"anyOf": [{"$ref": "#/$defs/verdict"}, {"type": "null"}]}
    note = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
    return {
        "result": _with(result, "verdict", verdict), "stage": document["$defs"]["stage"],
        "check": document["$defs"]["checked"], "note": note,
    }  # fmt: skip


def _line(kind: str, part: dict[str, Any]) -> dict[str, Any]:
    """The schema of a line of some type."""
    return _with(part, "type", {"const": kind})


def _with(part: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """The schema of an object that has to have one key more."""
    properties, required = {key: value, **part["properties"]}, [key, *part["required"]]
    return {"type": "object", "required": required, "properties": properties}


def _without(part: dict[str, Any], *keys: str) -> dict[str, Any]:
    """The schema of an object that has some keys less."""
    properties = {key: value for key, value in part["properties"].items() if key not in keys}
    required = [key for key in part["required"] if key not in keys]
    return {"type": "object", "required": required, "properties": properties}
