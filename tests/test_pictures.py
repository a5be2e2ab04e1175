"""Circuits in every format: drawn from the lecture's programs, and from names made to break them."""

from __future__ import annotations

import importlib.util
import io
import itertools
import json
import math
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

from gradcli.api import circuit
from gradcli.errors import LayoutError, printable
from gradcli.render.circuit.numbers import drawn, drawn_line, drawn_lines
from gradcli.render.circuit.palette import DARK, LIGHT
from gradcli.render.formats import GRAPH_FORMATS, IMAGES, image, write_circuit
from gradcli.reports.circuits import Circuit, Node, Wire

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "sample_exprs"
GOLDEN = Path(__file__).parent / "golden"
NODE = Path(__file__).parent / "node"

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


# ---------------------------------------------------------------- layout


@pytest.mark.parametrize("form", ["svg", *IMAGES])
def test_without_graphviz_the_error_says_what_to_install(gradcli, monkeypatch, form):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    ended = gradcli("graph", *ARGUMENTS, "-o", f"a.{form}")
    assert ended.code == 2
    assert f'{sys.executable} -m pip install "pygraphviz>=2"' in ended.err
    assert not Path(f"a.{form}").exists()


@pytest.mark.parametrize("form", ["tree", "dot", "mermaid", "json"])
def test_the_other_formats_need_no_graphviz(gradcli, monkeypatch, form):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert gradcli("graph", *ARGUMENTS, "--format", form).code == 0


@pytest.mark.skipif(not has_program, reason="there is no program `dot`")
@pytest.mark.parametrize("name", CIRCUITS)
def test_the_program_draws_what_the_library_draws(monkeypatch, name):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    by_program = svg_of(CIRCUITS[name]())
    if has_library:
        monkeypatch.delitem(sys.modules, "pygraphviz")
        assert structure(by_program) == structure(svg_of(CIRCUITS[name]()))
    assert by_program.of("wire")


@pytest.mark.skipif(not has_program, reason="there is no program `dot`")
def test_what_graphviz_refuses_is_an_error(monkeypatch):
    from gradcli.render.circuit.graphviz import laid_out

    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(LayoutError, match="cannot draw"):
        laid_out("digraph {", "svg")


def size_of(png):
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


@draws
def test_a_png_is_drawn_for_fine_screens():
    """Two pixels for every point of the SVG."""
    report = CIRCUITS["first"]()
    points = parsed(written(report, "svg")).root.get("width").removesuffix("pt")
    assert size_of(image(report, "png", 2, "light"))[0] == pytest.approx(
        2 * float(points), rel=0.05
    )


@draws
def test_constants_are_drawn_by_name_and_long_ones_are_marked():
    report = circuit("e**-x + pi*x + x*0.3333333333333333 + 2.5*x", {"x": 1})
    words = {t.text for g in svg_of(report).of("stage") for t in g.texts}
    assert {"e**x", "*pi", "*0.3333…", "*2.5"} <= words


# ---------------------------------------------------------------- trees


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_no_number_of_a_tree_is_cut_at_any_width(monkeypatch, path):
    """Numbers of a narrow tree are those of a wide one, each of them on one line."""
    report = circuit_at(path)
    number = re.compile(r"(?<![\w.])-?\d+\.\d+(?:e-?\d+)?")
    numbers = {*number.findall(written(report, "tree"))}
    for width in (20, 30, 40, 60, 80):
        monkeypatch.setenv("COLUMNS", str(width))
        narrow = written(report, "tree")
        assert {*number.findall(narrow)} == numbers
        for line in narrow.splitlines() if width >= 40 else ():
            assert len(line) <= width, line


def test_what_is_shared_is_drawn_once_and_then_referred_to():
    text = written(circuit("q = x + y; f = q*q*q", {"x": 1, "y": 2}), "tree")
    assert text.count("+  q") == 1
    assert text.count("q ↑") == 3
    assert text.index("+  q") < text.index("q ↑")
    assert "dq = 9.00 + 9.00 + 9.00 = 27.00" in text


def test_a_deep_tree_is_drawn_in_parts():
    text = written(circuit(" + ".join(["x"] * 60), {"x": 1}), "tree")
    assert max(len(line) for line in text.partition("\ndx = ")[0].splitlines()[1:]) < 90
    assert "↑" in text


def test_a_tree_has_signs_that_its_stream_can_show():
    text = written(CIRCUITS["wrong"](), "tree", encoding="ascii")
    assert "\\u" not in text
    assert "|- " in text
    assert "x not written" in text


def test_colours_are_roles(gradcli):
    coloured = gradcli("graph", *ARGUMENTS, "--color", "always").out
    assert "\x1b[32m -12.00" in coloured or "\x1b[32m-12.00" in coloured
    assert "\x1b[31m" in coloured
    assert "\x1b" not in gradcli("graph", *ARGUMENTS).out


# ---------------------------------------------------------------- the command

ARGUMENTS = ["(x+y)*z", "x=-2", "y=5", "z=-4"]


@pytest.mark.parametrize(("name", "start"), [
    ("c.dot", "digraph"), ("c.gv", "digraph"), ("c.mmd", "%% (x"), ("c.mermaid", "%% (x"),
    ("c.json", '{"schema": "gradcli.graph/1"'), ("c.txt", "(x + y)"), ("c", "(x + y)"),
    pytest.param("c.SVG", "<?xml", marks=draws), pytest.param("c.pdf", "%PDF", marks=draws),
    pytest.param("c.png", "\N{REPLACEMENT CHARACTER}PNG", marks=draws),
])  # fmt: skip
def test_the_format_follows_the_suffix(gradcli, name, start):
    ended = gradcli("graph", *ARGUMENTS, "-o", name)
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert Path(name).read_bytes().decode("utf-8", "replace").startswith(start)


def test_an_unknown_suffix_is_an_error_and_nothing_is_written(gradcli):
    ended = gradcli("graph", *ARGUMENTS, "-o", "c.tex")
    assert ended.code == 2
    assert ".svg" in ended.err
    assert not Path("c.tex").exists()


LARGE = "; ".join(["a0 = x", *(f"a{k} = a{k - 1}*x + a{k - 1}" for k in range(1, 31))])


@pytest.mark.parametrize("form", ["tree", "dot", "mermaid"])
def test_more_gates_than_can_be_read_are_a_warning(gradcli, monkeypatch, form):
    monkeypatch.setattr("gradcli.cli.graph.MOST_READABLE", 50)
    ended = gradcli("graph", LARGE, "x=0.5", "--format", form)
    assert ended.code == 0
    assert "warning: 61 gates are more than can be read; --collapse" in ended.err
    assert gradcli("graph", LARGE, "x=0.5", "--json").err == ""
    assert gradcli("graph", LARGE, "x=0.5", "--collapse", "--format", form).err == ""
    assert gradcli("graph", LARGE, "x=0.5", "--format", form, "--strict").code == 2


def test_far_more_gates_are_not_laid_out(gradcli, monkeypatch):
    monkeypatch.setattr("gradcli.cli.graph.MOST_READABLE", 40)
    monkeypatch.setattr("gradcli.cli.graph.MOST_LAID_OUT", 60)
    ended = gradcli("graph", LARGE, "x=0.5", "-o", "a.svg")
    assert ended.code == 2
    assert "61 gates are too many to lay out: 60 at most" in ended.err
    assert not Path("a.svg").exists()


def test_a_page_is_not_collapsed(gradcli):
    ended = gradcli("graph", *ARGUMENTS, "--collapse", "-o", "a.html")
    assert ended.code == 2
    assert "--collapse is not for html" in ended.err


@draws
@pytest.mark.parametrize("form", ["svg", "dot", "mermaid", "tree"])
def test_what_is_collapsed_is_drawn_as_boxes(form):
    text = written(sample("staged.grad", collapse=True), form)
    assert not re.search(r"[>\"<─] ?exp\b(?!\()", text)
    assert "sigx" in text


@draws
def test_an_image_may_go_into_a_pipe():
    command = [sys.executable, "-m", "gradcli", "graph", *ARGUMENTS, "--format", "png"]
    done = subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    assert done.stdout.startswith(b"\x89PNG")
    assert done.stderr == b""


def test_decimals_are_those_asked_for(gradcli):
    out = gradcli("graph", "x/3", "x=1", "--decimals", "4").out
    assert "0.3333" in out
    assert "0.333333333333" in gradcli("graph", "x/3", "x=1", "-v").out


@draws
def test_the_picture_of_the_readme_is_what_its_command_draws(gradcli, monkeypatch, tmp_path):
    """By structure: where things stand is a matter of Graphviz's version."""
    (command,) = re.findall(
        r"`gradcli (graph [^`]* -o docs/[^`]*)`", (ROOT / "README.md").read_text("utf-8")
    )
    *words, target = command.split()
    monkeypatch.chdir(ROOT)
    assert gradcli(*words, tmp_path / "again.svg").code == 0
    kept, again = (parsed(p.read_text("utf-8")) for p in (ROOT / target, tmp_path / "again.svg"))
    assert structure(kept) == structure(again)


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
