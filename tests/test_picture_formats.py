"""Circuits laid out and drawn: by Graphviz, as trees, by the command."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from circuits import (
    CIRCUITS,
    PROGRAMS,
    ROOT,
    circuit_at,
    draws,
    has_library,
    has_program,
    parsed,
    sample,
    structure,
    svg_of,
    written,
)

from gradcli.api import circuit
from gradcli.errors import LayoutError
from gradcli.render.formats import IMAGES, image

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
