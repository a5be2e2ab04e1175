"""Reports as LaTeX and as a web page, and numbers with few decimals."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WRONG = ROOT / "sample_exprs/mistakes/overwritten.grad"
MATRIX = ("sum((W@x)**2)/3", "W=[[1,2],[3,4]]", "x=[1,2]")
NASTY = "α_1*β + max(α_1, β) if α_1 < β else 1e-9*α_1"
REPORTS = {
    "eval": ("eval", *MATRIX),
    "chain": ("eval", *MATRIX, "--local"),
    "hessian": ("eval", "x**2*y", "x=2", "y=3", "--hessian"),
    "nasty": ("eval", NASTY, "α_1=1e-5", "β=2", "--decimals", "3"),
    "claims": ("check", "x*y_1", "x=1", "y_1=2", "--claim", "x=3"),
    "wrong": ("check", str(WRONG)),
    "verbose": ("check", str(WRONG), "-v"),
    "story": ("explain", "--file", str(ROOT / "sample_exprs/staged.grad")),
    "shapes": ("explain", *MATRIX),
}
each = pytest.mark.parametrize("words", REPORTS.values(), ids=REPORTS)


def printed(gradcli, words, form):
    ended = gradcli(*words, "--format", form)
    assert ended.err == ""
    assert ended.code in (0, 1)
    return ended.out


class Tags(HTMLParser):
    """What is open, and what was loaded."""

    def __init__(self):
        super().__init__()
        self.open, self.loaded, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.loaded += [value for name, value in attrs if name in ("src", "href", "onclick")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@each
def test_a_page_is_whole_and_loads_nothing(gradcli, words):
    tags = Tags()
    tags.feed(printed(gradcli, words, "html"))
    assert tags.open == []
    assert tags.loaded == []


def test_the_margin_stands_beside_the_program(gradcli):
    page = printed(gradcli, REPORTS["wrong"], "html")
    rows = re.findall(r'<tr><td class="([^"]*)">([^<]*)</td><td class="aside number">', page)
    assert ("verdict fail", "fail") in rows
    assert ("verdict pass", "pass") in rows
    assert "overwritten" in page


def test_nothing_in_a_program_becomes_markup(gradcli):
    page = printed(gradcli, ("eval", "x<y", "x=1", "y=2"), "html")
    assert "x &lt; y" in page
    assert "x < y" not in page
    assert r"x \textless{} y" in printed(gradcli, ("eval", "x<y", "x=1", "y=2"), "latex")


@each
def test_tables_have_the_rules_of_booktabs_and_as_many_cells_as_columns(gradcli, words):
    text = printed(gradcli, words, "latex")
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}")
    assert text.count(r"\toprule") == text.count(r"\midrule") == text.count(r"\bottomrule")
    for kinds, body in re.findall(r"^\\begin\{tabular\}\{(\w+)\}\n(.*?)^\\end", text, re.M | re.S):
        for row in body.splitlines():
            if row.endswith(r"\\"):
                assert len(re.findall(r"(?<!\\)&", row)) == len(kinds) - 1, row


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs a TeX")
def test_latex_compiles(gradcli, tmp_path):
    bodies = [printed(gradcli, words, "latex") for words in REPORTS.values()]
    head = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n"
    (tmp_path / "page.tex").write_text(head + "\n".join(bodies) + "\\end{document}\n", "utf-8")
    ended = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=tmp_path, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-2000:].decode("utf-8", "replace")


# ---------------------------------------------------------------- decimals


def test_decimals_are_those_of_the_lecture_and_no_number_looks_like_another(gradcli):
    words = ("eval", "1/(1+exp(-(w*x)))", "w=2", "x=-1", "--decimals", "2")
    assert re.findall(r"\s(0\.12|-?\d\.\d\d)\b", gradcli(*words).out)
    small = gradcli("eval", "x*1e-9 + 0.9999999", "x=1", "--decimals", "2").out
    assert "0.00\n" not in small
    assert "1.00\n" not in small.splitlines()[0]


def test_decimals_never_reach_json(gradcli):
    one, other = (
        gradcli("eval", "x/3", "x=1", "--json", *more).out for more in ((), ("--decimals", "1"))
    )
    assert one == other
    assert json.loads(one)["value"] == 1 / 3


def test_check_has_decimals_too(gradcli):
    ended = gradcli("check", "x/3", "x=1", "--claim", "x=0.5", "--decimals", "3")
    assert "0.333" in ended.out
    assert "0.3333" not in ended.out


def test_a_suffix_stands_for_the_format(gradcli, tmp_path):
    for command in ("eval", "check", "explain"):
        assert gradcli(command, "x*y", "x=1", "y=2", "-o", "a.tex").code == 0
        assert (tmp_path / "a.tex").read_text().startswith("% \\usepackage{booktabs}")
        assert gradcli(command, "x*y", "x=1", "y=2", "-o", "a.html").code == 0
        assert (tmp_path / "a.html").read_text().startswith("<!doctype html>")
