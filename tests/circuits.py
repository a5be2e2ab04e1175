"""Circuits that the tests of pictures share."""

from __future__ import annotations

import importlib.util
import io
import shutil
from functools import cache
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

from gradcli.api import circuit
from gradcli.render.circuit.palette import LIGHT
from gradcli.render.formats import write_circuit

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "sample_exprs"

FIRST = ("(x+y)*z", {"x": -2, "y": 5, "z": -4})
NEURON = "w=[2,-3,-3]; x=[-1,-2]; f = 1/(1+exp(-(w[0]*x[0] + w[1]*x[1] + w[2])))"
PATTERNS = ("2*(x*y + max(z, w))", {"x": 3, "y": -4, "z": 2, "w": -1})

has_library = importlib.util.find_spec("pygraphviz") is not None
has_program = shutil.which("dot") is not None
draws = pytest.mark.skipif(not (has_library or has_program), reason="no Graphviz to lay out with")


def sample(name, **options):
    return circuit((SAMPLES / name).read_text("utf-8"), name=name, **options)


PROGRAMS = sorted(SAMPLES.rglob("*.grad"))


@cache
def circuit_at(path):
    return circuit(path.read_text("utf-8"), name=path.name)


CIRCUITS = {
    "first": lambda: circuit(*FIRST),
    "neuron": lambda: circuit(NEURON),
    "patterns": lambda: circuit(*PATTERNS),
    "network": lambda: circuit_at(SAMPLES / "two_layers.grad"),
    "staged": lambda: circuit_at(SAMPLES / "staged.grad"),
    "wrong": lambda: circuit_at(SAMPLES / "mistakes/overwritten.grad"),
}


def written(report, form, decimals=2, theme="auto", encoding="utf-8"):
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    write_circuit(report, form, out, decimals=decimals, theme=theme)
    out.flush()
    return out.buffer.getvalue().decode(encoding)


def structure(svg):
    lines = []
    for group in svg.groups:
        texts = " ".join(f"{t.text}|{LIGHT._fields[LIGHT.index(t.color)]}" for t in group.texts)
        lines.append(f"{group.id} [{group.kind}] {texts} <{group.title}>")
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------- SVG


WIDTHS = {**dict.fromkeys(".,[] \u00a0/", 0.27), **dict.fromkeys("-()*", 0.33)}


class Words(NamedTuple):
    """A text where it stands."""

    text: str
    x: float
    y: float
    size: float
    color: str

    @property
    def box(self):
        """Left, top, right, bottom; by the widths that Helvetica's characters have."""
        width = self.size * sum(WIDTHS.get(c, 0.55) for c in self.text)
        return self.x, self.y - 0.72 * self.size, self.x + width, self.y + 0.02 * self.size


class Group(NamedTuple):
    """A group of a picture: a gate, a label, an edge."""

    id: str
    kind: str
    title: str
    texts: list[Words]
    shape: ElementTree.Element


class Svg(NamedTuple):
    """A picture as its groups."""

    root: ElementTree.Element
    groups: list[Group]

    def of(self, kind):
        return [group for group in self.groups if kind in group.kind.split()]


SPACE = "{http://www.w3.org/2000/svg}"


def parsed(text):
    root = ElementTree.fromstring(text)
    groups = []
    for each in root.iter(f"{SPACE}g"):
        if each.get("class") == "graph":
            continue
        texts = [
            Words(t.text, float(t.get("x")), float(t.get("y")), float(t.get("font-size")), t.get("fill"))
            for t in each.iter(f"{SPACE}text") if t.text and t.text.strip()
        ]  # fmt: skip
        title = each.findtext(f"{SPACE}title") or ""
        groups.append(Group(each.get("id"), each.get("class"), title, texts, each))
    return Svg(root, sorted(groups, key=lambda g: (g.kind.startswith("edge"), g.id)))


def svg_of(report, theme="auto"):
    return parsed(written(report, "svg", theme=theme))
