"""The stepping page: one HTML file that holds its style, its script and its numbers.

It loads nothing. A policy in its head lets only this very style and script run, which the browser
knows by their hashes, so that no name in a program can become code.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from gradcli.errors import printable
from gradcli.render.look import Look
from gradcli.render.page.picture import picture
from gradcli.render.strict_json import json_text
from gradcli.reports.pages import Evaluator, Page

FILES = Path(__file__).parent
SCRIPTS = ("circuit.js", "drawing.js", "controls.js")
ALL_DECIMALS = 15  # where all are asked for
LONGEST_TITLE = 80  # characters

# In a script of data, what could end it or begin a comment is written as JSON escapes it.
_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def html(page: Page, look: Look) -> Iterator[str]:
    """The page as one file."""
    style = _file("page.css")
    script = "\n".join(map(_file, SCRIPTS))
    if page.evaluator is not None:
        script = f"{page.evaluator.script}\n{script}"
    circuit = page.circuit
    (output,) = (node for node in circuit.nodes if node.id == circuit.output)
    heading = printable(f"{output.name} = " * output.is_named + circuit.expression)
    yield Template(_file("page.html")).substitute(
        theme=look.theme,
        title=escape(_shortened(heading)),
        heading=escape(heading),
        style=style, style_hash=_hash(style),
        script=script, script_hash=_hash(script),
        picture=picture(circuit),
        notes="".join(f"<li>{escape(printable(note))}</li>" for note in circuit.notes),
        data=json_text(_data(page, look)).translate(_ESCAPES).strip(),
    )  # fmt: skip


def _file(name: str) -> str:
    return (FILES / name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TITLE else f"{text[:LONGEST_TITLE]} ..."


def _data(page: Page, look: Look) -> dict[str, Any]:
    """What the script reads: the circuit as JSON holds it, its code and its program."""
    circuit = page.circuit.as_dict()
    return {
        "nodes": [_shown(node) for node in circuit["nodes"]],
        "wires": circuit["wires"],
        "output": circuit["output"],
        "upstream": circuit["upstream"],
        "names": {id: printable(name) for id, name in page.names.items()},
        "code": [
            {"text": printable(line.text), "node": line.node, "wire": line.wire}
            for line in page.code
        ],
        "formulas": {id: printable(text) for id, text in page.formulas.items()},
        "evaluator": None if page.evaluator is None else _computing(page.evaluator),
        "whyFixed": page.why_fixed,
        "decimals": ALL_DECIMALS if look.decimals is None else look.decimals,
    }


def _shown(node: dict[str, Any]) -> dict[str, Any]:
    texts = {key: printable(node[key]) for key in ("name", "label", "expression")}
    return {**node, **texts}


def _computing(evaluator: Evaluator) -> dict[str, Any]:
    return {
        "program": evaluator.program,
        "fields": [
            {"name": printable(field.name), "nodes": field.nodes} for field in evaluator.fields
        ],
        "start": {str(node): value for node, value in evaluator.start.items()},
        "values": evaluator.values,
        "contributions": evaluator.contributions,
        "locals": evaluator.locals,
        "seeds": evaluator.seeds,
    }
