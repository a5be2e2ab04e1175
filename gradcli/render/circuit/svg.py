"""The picture as SVG: laid out by Graphviz, then given words for those who cannot see it.

Every label tells what flows there with all digits, in a title. A picture whose theme is `auto` has
the light colours as attributes and the dark ones as a style, which wins in dark surroundings.
"""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

from gradcli.errors import printable
from gradcli.render.circuit.dot import dot
from gradcli.render.circuit.graphviz import laid_out
from gradcli.render.circuit.labels import account, pieces, title_of
from gradcli.render.circuit.numbers import drawn_line
from gradcli.render.circuit.palette import DARK, LIGHT
from gradcli.render.look import Look
from gradcli.reports.circuits import Circuit

_PREAMBLE = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_TITLE = re.compile(r"<title>([^<]*)</title>\n?")
_ROOT = re.compile(r"<svg ([^>]*)>\n?")

# Rules are as thick as their wires, and wires reach as far as the rules they lead to.
JOINTS = ".cause polygon{stroke-width:2.4}.edge:not(.follows) path{stroke-linecap:square}"


def svg(circuit: Circuit, look: Look) -> list[str]:
    """The picture as one SVG document that stands alone. Raises LayoutError."""
    text = laid_out("".join(dot(circuit, look)), "svg").decode("utf-8")
    text = _COMMENT.sub("", _PREAMBLE.sub("", text))
    told = _told(circuit, look)
    text = _TITLE.sub(lambda match: told.get(match[1], ""), text)
    return ['<?xml version="1.0" encoding="UTF-8"?>\n', _with_head(text, circuit, look)]


def _told(circuit: Circuit, look: Look) -> dict[str, str]:
    """By the names that Graphviz has put into its titles: titles that tell something."""
    words = {piece.id: account(piece) for piece in pieces(circuit, look.decimals)}
    words |= {node.id: f"{node.label}: {node.expression}" for node in circuit.nodes if node.is_gate}
    return {name: f"<title>{_xml(text)}</title>\n" for name, text in words.items()}


def _with_head(text: str, circuit: Circuit, look: Look) -> str:
    """The document with its name, a description and the style of its theme."""
    gradients = "; ".join(
        f"d{node.name} {drawn_line(node.gradient, None, node.gradient_bound)}"
        for node in circuit.nodes
        if node.role == "input" and not node.shape and node.gradient is not None
    )
    head = (
        f'<title id="circuit-title">{_xml(title_of(circuit))}</title>\n'
        f'<desc id="circuit-desc">{_xml(_description(circuit, gradients))}</desc>\n'
        f"<style>{JOINTS}{_dark_style() if look.theme == 'auto' else ''}</style>\n"
    )
    named = 'role="img" aria-labelledby="circuit-title circuit-desc"'
    return _ROOT.sub(lambda match: f"<svg {match[1]} {named}>\n{head}", text, count=1)


def _description(circuit: Circuit, gradients: str) -> str:
    words = f"A circuit of {circuit.gates} gates. Above each wire its value, below it the gradient"
    return ". ".join(filter(None, [words, gradients, *circuit.notes]))


def _dark_style() -> str:
    """The dark colour for every light one; a style is stronger than an attribute."""
    rules = "".join(
        f'[fill="{light}"]{{fill:{dark}}}[stroke="{light}"]{{stroke:{dark}}}'
        for light, dark in zip(LIGHT, DARK, strict=True)
    )
    return f"@media (prefers-color-scheme:dark){{{rules}}}"


def _xml(text: str) -> str:
    return escape(printable(text))
