"""Circuits in every format: drawn from the lecture's programs, and from names made to break them."""

from __future__ import annotations

import itertools
import json
import math
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from circuits import (
    CIRCUITS,
    PROGRAMS,
    SPACE,
    circuit_at,
    draws,
    parsed,
    sample,
    structure,
    svg_of,
    written,
)

from gradcli.errors import printable
from gradcli.render.circuit.numbers import drawn, drawn_line, drawn_lines
from gradcli.render.circuit.palette import DARK, LIGHT
from gradcli.render.formats import GRAPH_FORMATS, IMAGES, image
from gradcli.reports.circuits import Circuit, Node, Wire

GOLDEN = Path(__file__).parent / "golden"
NODE = Path(__file__).parent / "node"


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(("number", "text"), [
    (0.7310585786300049, "0.73"), (-0.1966, "-0.20"), (3.0, "3.00"), (-12.0, "-12.00"), (0.0, "0.00"),
    (-0.0, "0.00"), (0.05, "0.05"), (0.0041, "4.1e-3"), (-0.0041, "-4.1e-3"), (0.041, "4.1e-2"),
    (0.9999, "0.9999"), (1.0041, "1.004"), (-2.99999, "-2.99999"), (1e-17, "1.0e-17"),
    (1.00000000001, "≈1.00"), (0.9999999999999998, "1.00"), (1234567.8, "1.23e6"),
    (1e300, "1.00e300"), (100.5, "100.50"), (math.inf, "inf"), (-math.inf, "-inf"), (math.nan, "nan"),
])  # fmt: skip
def test_a_number_is_drawn_as_a_person_would(number, text):
    assert drawn(number) == text


@pytest.mark.parametrize("decimals", [0, 1, 2, 3, 6, 15])
def test_no_number_is_drawn_as_a_whole_one_that_it_is_not(decimals):
    numbers = [k + d for k in (-3, 0, 1, 40) for d in (1e-1, 1e-2, 4e-3, -1e-4, 3e-6, -2e-9, 1e-12)]
    for number in numbers:
        text = drawn(number, decimals)
        assert text.startswith("≈") or float(text) != round(number), (number, text)


@pytest.mark.parametrize(("number", "bound", "text"), [
    (0.5, 1e-17, "0.50"), (0.5, 0.1, "0.5 ± 0.2"), (0.0, 1e-323, "0 ± 3e-323"), (5.0, math.inf, "?"),
    (1e-17, 2e-17, "0 ± 6e-17"),
])  # fmt: skip
def test_digits_that_are_not_certain_are_not_drawn(number, bound, text):
    assert drawn(number, 2, bound) == text


def test_all_digits_that_are_certain_on_request():
    assert drawn(0.7310585786300049, None) == "0.73105857863"
    assert drawn(0.7310585786300049, None, 1e-4) == "0.731"


def test_small_arrays_are_drawn_whole_and_large_ones_by_their_size():
    assert drawn_lines([[1.0, -0.25], [0.5, 2.0]], 2) == ["[[1.00, -0.25],", " [0.50,  2.00]]"]
    assert drawn_line([[1.0, -0.25], [0.5, 2.0]], 2) == "[[1.00, -0.25], [0.50, 2.00]]"
    assert drawn_lines([3.0, 4.0, *[0.0] * 8], 2) == ["norm 5.00"]
    assert drawn_lines([math.nan] * 8, 2) == ["with nan"]


# ---------------------------------------------------------------- golden files


@pytest.mark.parametrize("form", ["dot", "mermaid", "tree"])
@pytest.mark.parametrize("name", ["first", "staged", "wrong"])
def test_a_circuit_is_written_as_in_the_golden_file(name, form):
    golden = (GOLDEN / f"circuit_{name}.{form}").read_text("utf-8")
    assert written(CIRCUITS[name](), form) == golden


@draws
@pytest.mark.parametrize("name", ["first", "staged", "wrong"])
def test_an_svg_has_the_structure_of_the_golden_file(name):
    """What is there and in which colour, without where it is."""
    golden = (GOLDEN / f"circuit_{name}.svg.txt").read_text("utf-8")
    assert structure(svg_of(CIRCUITS[name]())) == golden


@draws
def test_the_first_circuit_shows_the_numbers_of_the_lecture():
    svg = svg_of(CIRCUITS["first"]())
    labels = {g.id: [t.text for t in g.texts] for g in svg.of("wire") + svg.of("end") if g.texts}
    assert labels == {
        "w0": ["-2.00", "-4.00"], "w1": ["5.00", "-4.00"], "w2": ["3.00", "-4.00"],
        "w3": ["-4.00", "3.00"], "en4": ["-12.00", "1.00"],
    }  # fmt: skip


@draws
@pytest.mark.parametrize("name", CIRCUITS)
def test_values_stand_above_their_wire_and_gradients_below(name):
    """By position, so that nobody needs the colours."""
    for group in svg_of(CIRCUITS[name]()).groups:
        rule = group.shape.find(f"{SPACE}polygon")
        if rule is None or not group.texts or group.kind.startswith("edge"):
            continue
        height = float(rule.get("points").split()[0].split(",")[1])
        for words in group.texts:
            assert (words.y < height) == (words.color == LIGHT.value), (group.id, words)


@draws
@pytest.mark.parametrize("name", CIRCUITS)
def test_inputs_stand_at_the_left(name):
    svg = svg_of(CIRCUITS[name]())
    rightmost = max(t.box[2] for g in svg.of("input") for t in g.texts)
    others = [t.x for g in svg.groups if "input" not in g.kind.split() for t in g.texts]
    assert rightmost < min(others)


@draws
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_nothing_overlaps(path):
    svg = svg_of(circuit_at(path))
    boxes = [(t.text, t.box) for g in svg.groups for t in g.texts]
    assert boxes
    for (one, a), (other, b) in itertools.combinations(boxes, 2):
        is_apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert is_apart, f"{one!r} and {other!r} overlap"


@draws
def test_a_fork_shows_the_sum_and_every_branch():
    svg = svg_of(CIRCUITS["staged"]())
    trunks = {g.texts[0].text: g.texts[1].text for g in svg.of("trunk") if g.texts}
    assert trunks == {"3.00": "Σ 2.06", "-4.00": "Σ 1.59"}
    branches = [t.text for g in svg.of("branch") for t in g.texts]
    assert sorted(branches) == sorted(["9.0e-3", "1.58", "0.51", "-3.6e-2", "1.58"])
    assert len(svg.of("junction")) == 2


@draws
def test_stages_have_their_names_and_gates_are_round():
    svg = svg_of(CIRCUITS["staged"]())
    words = [t.text for g in svg.groups for t in g.texts]
    assert {"num = 3.02", "sigy = 1.8e-2", "f = 1.55"} <= {*words}
    assert all(g.shape.find(f"{SPACE}ellipse") is not None for g in svg.of("stage"))


@draws
def test_a_wrong_contribution_shows_both_numbers_in_a_colour_of_its_own():
    svg = svg_of(sample("mistakes/not_switched.grad"))
    (label,) = [g for g in svg.of("cause") if g.texts]
    assert [(t.text, t.color) for t in label.texts] == [
        ("-4.00", LIGHT.value), ("3.00", LIGHT.gradient), ("✗ written -4.00", LIGHT.wrong),
    ]  # fmt: skip
    assert all(
        p.get("stroke") == LIGHT.wrong
        for g in svg.of("cause")
        for p in g.shape.iter(f"{SPACE}path")
    )


@draws
def test_a_picture_tells_in_words_what_it_shows():
    svg = svg_of(CIRCUITS["first"]())
    root = svg.root
    assert root.get("role") == "img"
    assert root.findtext(f"{SPACE}title") == "(x + y) * z"
    assert "dx -4; dy -4; dz 3" in root.findtext(f"{SPACE}desc")
    titles = {g.id: g.title for g in svg.groups}
    assert titles["w0"] == "x: value -2; contribution from + -4 = upstream -4 × local 1"
    assert titles["n4"] == "*: (x + y) * z"


@draws
@pytest.mark.parametrize(("theme", "colors", "has_style"), [
    ("auto", LIGHT, True), ("light", LIGHT, False), ("dark", DARK, False),
])  # fmt: skip
def test_a_theme_is_a_set_of_colours(theme, colors, has_style):
    text = written(CIRCUITS["wrong"](), "svg", theme=theme)
    assert ("prefers-color-scheme:dark" in text) == has_style
    used = set(re.findall(r'(?:fill|stroke)="(#\w+)"', text))
    assert used == {*colors}
    if has_style:
        assert all(f'[fill="{a}"]{{fill:{b}}}' in text for a, b in zip(LIGHT, DARK, strict=True))


def contrast(one, other):
    def light(color):
        parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    a, b = sorted([light(one), light(other)])
    return (b + 0.05) / (a + 0.05)


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_has_enough_contrast(colors):
    for color in (colors.ink, colors.faint, colors.value, colors.gradient, colors.wrong):
        assert contrast(color, colors.paper) >= 4.5
    assert contrast(colors.ink, colors.gate) >= 4.5
    assert len({*colors}) == len(colors)


@draws
@pytest.mark.parametrize(("form", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_images_begin_as_such_files_do(form, start):
    assert image(CIRCUITS["first"](), form, 2, "light").startswith(start)


# ---------------------------------------------------------------- escaping

HOSTILE = [
    "<script>alert(1)</script>", "a\"b'c", "]]>", "<!-- -->", "&amp;", "%%{init}%%", "}; n0 -> n1",
    "\x00\x07\x1b[31m", "\u202ex", "\ud800", "`md`", "a|b", "#quot;", "\\N", "x\ny", "|\"]-->",
]  # fmt: skip


def hostile(name):
    """A circuit whose every text is a name made to break what it is written into."""

    def node(key, role, operands):
        return Node(key, name, role, name, name, name, operands, [], 1.0, 2.0, 1, 1, True,
                    claim=3.0, verdict="fail")  # fmt: skip

    nodes = [
        node("n0", "input", []),
        node("n1", "stage", ["n0", "n0"]),
        node("n2", "output", ["n1"]),
    ]
    wires = [
        Wire("w0", "n0", "n1", 0, 1.0, 0.5, 3.0, 1.0, "fail", True, 1, name),
        Wire("w1", "n0", "n1", 1, 1.0, 0.5), Wire("w2", "n1", "n2", 0, 2.0, 1.0),
    ]  # fmt: skip
    return Circuit(name, "n2", nodes, wires, 1.0, [name], [name], name)


@draws
@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_an_svg_escapes_every_name(name):
    text = written(hostile(name), "svg")
    root = parsed(text).root
    assert {e.tag.removeprefix(SPACE) for e in root.iter()} <= {
        "svg", "title", "desc", "style", "g", "polygon", "text", "path", "ellipse", "polyline",
    }  # fmt: skip
    assert "<script" not in text
    assert "]]>" not in text
    assert root.findtext(f"{SPACE}title").startswith(printable(" ".join(name.split())))
    shown = " ".join(printable(name).split())
    assert any(shown in " ".join((t.text or "").split()) for t in root.iter(f"{SPACE}text"))


@pytest.mark.parametrize("form", ["dot", "mermaid", "tree", "json"])
@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_format_lets_a_name_move_the_cursor(name, form):
    text = written(hostile(name), form)
    assert text.replace("\n", "").isprintable()
    lines = len(written(hostile("x"), form).splitlines())
    assert len(text.splitlines()) == lines


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_json_keeps_every_name_as_it_is(name):
    assert json.loads(written(hostile(name), "json"))["nodes"][0]["name"] == name


MERMAIDS = NODE / "node_modules" / "mermaid"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
@pytest.mark.skipif(not MERMAIDS.exists(), reason="tests/node has no mermaid: npm install there")
def test_mermaid_reads_what_is_written(tmp_path):
    reports = [*map(circuit_at, PROGRAMS)]
    reports += map(hostile, HOSTILE)
    for k, report in enumerate(reports):
        (tmp_path / f"{k}.mmd").write_text(written(report, "mermaid"), "utf-8")
    (tmp_path / "broken.mmd").write_text('flowchart LR\n a -->|"x', "utf-8")
    files = sorted(tmp_path.glob("*.mmd"))
    command = ["node", NODE / "parse_mermaid.mjs", *files]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answers = {Path(a["file"]).name: a for a in map(json.loads, done.stdout.splitlines())}
    assert "error" in answers.pop("broken.mmd")
    assert len(answers) == len(reports)
    assert {a.get("type") for a in answers.values()} == {"flowchart-v2"}


def test_every_format_is_tried():
    pages = {"html"}  # which have tests of their own
    assert {*GRAPH_FORMATS} - pages == {"tree", "dot", "mermaid", "json", "svg", *IMAGES}
