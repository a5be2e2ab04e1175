"""The command line: words, streams, files and exit codes, as people and scripts meet them."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import HANGS, Ended, run_apart
from jsonschema import Draft202012Validator

from gradcli.cli.main import COMMANDS
from gradcli.reports.digits import certain_text

LECTURE = ("(x+y)*z", "x=-2", "y=5", "z=-4")


@pytest.fixture
def evaluated(gradcli):
    """The JSON document of an `eval` that must succeed."""

    def run(*words):
        ended = gradcli("eval", *words, "--json")
        assert (ended.code, ended.err) == (0, "")
        return strict(ended.out)

    return run


def strict(text):
    """One document of RFC 8259 JSON with unique keys, on one line."""

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    def unique(pairs):
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    assert text.endswith("\n")
    assert text.count("\n") == 1
    return json.loads(text, parse_constant=refuse, object_pairs_hook=unique)


# -------------------------------------------------------------------- help and versions


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help_is_everywhere(gradcli, command, flag):
    ended = gradcli(*command, flag)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"Usage: {' '.join(['gradcli', *command])} ")
    assert "gradcli " in ended.out.partition("Options:")[0].partition("\n")[2]  # an example
    assert "-h, --help" in ended.out


def test_no_command_prints_help(gradcli):
    assert gradcli() == gradcli("--help")
    for name, (*_, line) in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(line)}$", gradcli().out, re.MULTILINE)


def test_the_version_names_python_and_numpy(gradcli):
    ended = gradcli("--version")
    assert re.fullmatch(r"gradcli \d+\.\d+\.\d+ \(Python 3\.\d+\.\d+, numpy [\d.]+\)\n", ended.out)
    assert ended.code == 0


@pytest.mark.parametrize(
    ("words", "message", "advice"),
    [
        (["evl", "x"], "`evl` is not a command", "did you mean `eval`?"),
        (["--verison"], "--version", "gradcli --help"),
        (["eval"], "an expression is missing", 'write gradcli eval "(x+y)*z" x=-2 y=5 z=-4'),
        (["graph"], "an expression is missing", 'write gradcli graph "(x+y)*z" x=-2 y=5 z=-4'),
        (["eval", "x", "x=1", "--jsn"], "--json", "gradcli eval --help"),
        (["eval", "x", "x=1", "--format", "xml"], "'xml' is not one of", "gradcli eval --help"),
        (["eval", "x", "x=1", "--format", "csv", "--json"], "exclude each other", ""),
        (["eval", "x", "x=1", "--check-budget", "-1"], "is not in the range", "--help"),
        (["eval", "x", "x=1", "--check-budget", "many"], "is not a valid float", "--help"),
        (["eval", "x", "x=1", "--color", "blue"], "'blue' is not one of", "gradcli eval --help"),
        (["eval", "x*2", "y*2", "x=1"], "`y*2` is neither the expression nor", "quote"),
        (["eval", "x", "2=3"], "`2=3` is neither the expression nor", "quote"),
        (["eval", "x", "w₀=3"], "`w₀=3` is neither the expression nor", "write w0=3, and w0 in"),
        (["eval", "x[0]", "x[0]=3"], "`x[0]=3` is neither the", "an array is given whole: x=[1,2]"),
        (["eval", "x", "x=-2:2"], "found `:`", "ranges are for `gradcli check`"),
        (["eval", "x", "x=1", "-of.json"], "`-of.json` is neither the expression nor", "quote"),
        (["eval", "x", "x=1", "--wrt", "y"], "`y` is not an input", "inputs are x"),
        (["eval", "f=x*2", "x=1", "--output", "g"], "`g` is not a stage", ""),
        (["eval", "x", "x=1", "--upstream", "[1,2]"], "`upstream` must be one number", ""),
        (["eval", "x", "x=1", "--upstream", "y"], "`y` has no value here", "a constant expression"),
        (["eval", "x", "x=1", "x=2"], "`x` is given twice", ""),
        (["eval", "x", "x=y"], "`y` has no value here", "a constant expression"),
        (["eval", "sin(x)", "x=1", "sin=2"], "`sin` is a function", ""),
        (["check"], "nothing to check", "--allow-empty"),
        (["check", "x", "x=1", "--claim", "y=1"], "`y` is claimed but is not an input", ""),
        (["check", "x", "x=1", "--claim", "x=1", "--claim", "x=1"], "`x` is claimed twice", ""),
    ],
)
def test_a_wrong_command_line_is_said_in_one_line_with_advice(gradcli, words, message, advice):
    ended = gradcli(*words)
    assert (ended.code, ended.out) == (2, "")
    first, *others = ended.err.splitlines()
    assert first.startswith("error: ")
    assert message in first
    assert advice in (others[-1] if others else "")


@pytest.mark.parametrize("option", ["--upstream", "--file", "-f", "-o", "--wrt", "--format"])
def test_an_option_without_its_value_is_refused(gradcli, tmp_path, option):
    ended = gradcli("eval", "x", "x=1", option)
    assert (ended.code, ended.out) == (2, "")
    assert "requires an argument" in ended.err
    assert list(tmp_path.iterdir()) == []  # no file called `--`


# -------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("words", "value", "gradients"),
    [
        (["-x*y", "x=1", "y=2"], -2.0, {"x": -2.0, "y": -1.0}),
        (["-x**2", "x=3"], -9.0, {"x": -6.0}),
        (["-2*x", "x=3"], -6.0, {"x": -2.0}),
        (["-q*2", "q=1"], -2.0, {"q": -2.0}),
        (["-o*2", "o=1"], -2.0, {"o": -2.0}),
        (["-v", "v=1"], None, None),  # exactly an option: it is the option
        (["-h*2", "h=1"], -2.0, {"h": -2.0}),
        (["-1e3*x", "x=1"], -1000.0, {"x": -1000.0}),
        (["-(-x)", "x=2"], 2.0, {"x": 1.0}),
        (["-o", "out.json", "-o*2", "o=1"], None, None),
        (["x*y", "x=-2", "y=5"], -10.0, {"x": 5.0, "y": -2.0}),
        (["y=5", "x*y", "x=-2"], -10.0, {"y": -2.0, "x": 5.0}),
        (["x", "x = 3"], 3.0, {"x": 1.0}),
        (["x", " x=3"], 3.0, {"x": 1.0}),
        (["x==3", "x=3"], 1.0, {"x": 0.0}),
        (["f = x*2", "x=3"], 6.0, {"x": 2.0}),
        (["q = x*2; f = q*q", "x=3"], 36.0, {"x": 24.0}),
        (["q = x*2\nf = q*q", "x=3"], 36.0, {"x": 24.0}),
        (["w[0]*w[1]", "w=[2,-3]"], -6.0, {"w": [-3.0, 2.0]}),
        (["x", "x=-pi/4"], -math.pi / 4, {"x": 1.0}),
        (["σ(x)·2", "x=0"], 1.0, {"x": 0.5}),
        (["lambda*in", "lambda=2", "in=3"], 6.0, {"lambda": 3.0, "in": 2.0}),
    ],
)
def test_an_expression_may_look_like_anything_but_an_option(gradcli, words, value, gradients):
    ended = gradcli("eval", *words, "--json", "--no-check")
    if value is None:
        assert ended.code == (2 if words[0] == "-v" else 0)
        return
    data = strict(ended.out)
    assert (data["value"], data["gradients"]) == (value, gradients)


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (["--json", "--no-check", "--", "-x", "x=1"], -1.0),
        (["--json", "--no-check", "--", "--x", "x=2"], 2.0),
        (["--json", "--no-check", "x=2", "--", "--x"], 2.0),
        (["--json", "--no-check", "--", "-q", "q=2"], -2.0),
    ],
)
def test_after_two_dashes_there_are_no_options(gradcli, words, value):
    ended = gradcli("eval", *words)
    assert strict(ended.out)["value"] == value


@pytest.mark.parametrize("word", ["--x", "--x*2", "--jsn"])
def test_a_word_with_two_dashes_is_always_an_option(gradcli, word):
    ended = gradcli("eval", word, "x=2")
    assert ended.code == 2
    assert re.match(rf"error: No such option:? '?{re.escape(word)}", ended.err)


def test_an_option_of_other_commands_is_told_to_be_theirs(gradcli):
    ended = gradcli("steps", "x**2", "x=2", "--decimals", "3")
    assert ended.code == 2
    assert "eval, check, graph, explain take it, gradcli steps does not" in ended.err


def test_options_and_arguments_stand_in_any_order(gradcli):
    parts = [["-x*y"], ["x=1"], ["y=2"], ["--upstream", "-2"], ["-q"], ["--wrt=y"]]
    results = {
        gradcli("eval", *itertools.chain(*(parts[(k + shift) % 6] for k in range(6))))
        for shift in range(6)
    }
    assert results == {Ended(0, "value = -2\ndy = 2\n", "")}


def test_a_look_alike_of_a_name_is_refused_in_a_binding_as_in_an_expression(gradcli):
    ended = gradcli("eval", "\u03bc", "\u00b5=3")  # mu, and the micro sign
    assert ended.code == 2
    assert "U+00B5" in ended.err


# -------------------------------------------------------------------- JSON

NUMBER = {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]}
NUMBER_OR_NULL = {"anyOf": [*NUMBER["anyOf"], {"type": "null"}]}
TEXTS = {"type": "array", "items": {"type": "string"}}
VERDICT = {"enum": ["pass", "kink", "inconclusive", "undefined", "fail", "error"]}
KIND = {"enum": ["smooth", "kink", "border", "infinite", "jump", "nan", None]}


def record(**properties):
    return {"type": "object", "required": list(properties), "properties": properties}


def table(values):
    return {"type": "object", "additionalProperties": values}


NESTED = {"$ref": "#/$defs/nested"}
STAGE = record(
    name={"type": "string"},
    gate={"type": "string"},
    label={"type": "string"},
    expression={"type": "string"},
    operands={"type": "array"},  # names, numbers, and lists of what is no number, such as an index
    value=NESTED,
    gradient={"anyOf": [{"type": "null"}, NESTED]},
    local_gradients={
        "anyOf": [
            {"type": "array", "items": {"anyOf": [{"type": "null"}, NESTED]}},
            {"type": "null"},
        ]
    },
    line={"type": "integer", "minimum": 1},
    column={"type": "integer", "minimum": 1},
)
CHECKED = record(
    name={"type": "string"},
    verdict=VERDICT,
    kind=KIND,
    analytic=NUMBER_OR_NULL,
    numeric=NUMBER_OR_NULL,
    bound=NUMBER_OR_NULL,
    relative_error=NUMBER_OR_NULL,
    interval={
        "anyOf": [
            {"type": "null"},
            {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2},
        ]
    },
    reason={"type": ["string", "null"]},
)
SCHEMA = {
    "$defs": {"nested": {"anyOf": [*NUMBER["anyOf"], {"type": "array", "items": NESTED}]}},
    **record(
        schema={"const": "gradcli.eval/1"},
        expression={"type": "string"},
        output={"type": "string"},
        value=NESTED,
        finite={"type": "boolean"},
        inputs=table(NESTED),
        gradients=table(NESTED),
        stages={"type": "array", "items": STAGE, "minItems": 1},
        check={"anyOf": [{"type": "null"}, record(verdict=VERDICT, inputs=table(CHECKED))]},
        notes=TEXTS,
        warnings=TEXTS,
    ),
}


@pytest.mark.parametrize(
    "words",
    [
        LECTURE,
        ("x", "x=1"),
        ("w[0][0]*w[1][0] + 2", "w=[[1,2],[3,4]]"),
        ("q = x*2; f = relu(q) if q > 0 else abs(q)", "x=-1"),
        ("max(x, y)", "x=1", "y=1"),
        ("relu(x)", "x=0"),
        ("step(x)", "x=0"),
        ("sqrt(x)", "x=0"),
        ("log(x)", "x=-1"),
        ("exp(x)", "x=1000"),
        ("x*y", "x=inf", "y=nan"),
        ("x*y", "x=1", "y=2", "--wrt", "x"),
        ("x*y", "x=1", "y=2", "--no-check"),
        ("x = 3; f = x*x; dx = 7; f == 9",),
        ("1/3",),
        ("sigmoid(x)", "x=1", "--expand"),
        ("1/(1+exp(-x))", "x=1", "--fuse"),
    ],
    ids=str,
)
def test_json_has_every_key_with_its_type(gradcli, words):
    data = strict(gradcli("eval", *words, "--json").out)
    Draft202012Validator(SCHEMA).validate(data)
    assert next(iter(data)) == "schema"
    assert data["stages"][-1]["name"] == data["output"]
    assert data["stages"][-1]["value"] == data["value"]
    assert set(data["gradients"]) <= set(data["inputs"])
    if data["check"]:
        names = [name for name, _ in elements(data["gradients"])]
        assert list(data["check"]["inputs"]) == names
        assert [entry["name"] for entry in data["check"]["inputs"].values()] == names
    anonymous = [s["name"] for s in data["stages"] if s["name"][0] == "#" and s["name"] != "#out"]
    assert anonymous == [f"#{k + 1}" for k in range(len(anonymous))]


def elements(table):
    """Every number of a table with the name of its element."""
    for name, value in table.items():
        if isinstance(value, list):
            yield from elements({f"{name}[{k}]": part for k, part in enumerate(value)})
        else:
            yield name, value


def test_the_example_of_the_design_comes_out_key_by_key(evaluated):
    data = evaluated(*LECTURE)
    checks = data.pop("check")
    assert data.pop("warnings") == []
    stage = {"gate": "add", "label": "+", "expression": "x + y", "operands": ["x", "y"]}
    output = {"gate": "mul", "label": "*", "expression": "(x + y) * z", "operands": ["#1", "z"]}
    expected = {
        "schema": "gradcli.eval/1",
        "expression": "(x + y) * z",
        "output": "#out",
        "value": -12.0,
        "finite": True,
        "inputs": {"x": -2.0, "y": 5.0, "z": -4.0},
        "gradients": {"x": -4.0, "y": -4.0, "z": 3.0},
        "stages": [
            {"name": "#1", **stage, "value": 3.0, "gradient": -4.0, "local_gradients": [1.0, 1.0],
             "line": 1, "column": 2, "bound": 0.0, "gradient_bound": 0.0},
            {"name": "#out", **output, "value": -12.0, "gradient": 1.0,
             "local_gradients": [-4.0, 3.0], "line": 1, "column": 1, "bound": 0.0,
             "gradient_bound": 0.0},
        ],
        "notes": [],
        "arithmetic": "float64",
        "bound": 0.0,
        "gradient_bounds": {"x": 0.0, "y": 0.0, "z": 0.0},
        "conditions": {"x": 2 / 3, "y": 5 / 3, "z": 1.0},
    }  # fmt: skip
    assert json.dumps(data) == json.dumps(expected)  # the order of the keys, too
    assert checks["verdict"] == "pass"
    for (name, check), gradient in zip(checks["inputs"].items(), [-4.0, -4.0, 3.0], strict=True):
        assert 0 < check.pop("bound") < 1e-9
        assert check.pop("relative_error") < 1e-12
        assert check.pop("numeric") == pytest.approx(gradient, rel=1e-12)
        assert check == {
            "name": name, "verdict": "pass", "kind": "smooth", "analytic": gradient,
            "interval": None, "reason": None,
        }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "gate", "value"),
    [
        (["log(-1)"], "log", "NaN"),
        (["sqrt(-1)"], "sqrt", "NaN"),
        (["log(0)"], "log", "-Infinity"),
        (["1/0"], "div", "Infinity"),
        (["-1/0"], "div", "-Infinity"),
        (["0/0"], "div", "NaN"),
        (["exp(1000)"], "exp", "Infinity"),
        (["1e308*10"], "mul", "Infinity"),
        (["9**9**9**9"], "pow", "Infinity"),
        (["(-8)**(1/3)"], "pow", "NaN"),
        (["inf-inf"], "sub", "NaN"),
        (["gamma(0)"], "gamma", None),
        (["log(x)", "x=-1"], "log", "NaN"),
        (["1/x", "x=0"], "div", "Infinity"),
        (["x*2", "x=inf"], "x", "Infinity"),
        (["x*2", "x=nan"], "x", "NaN"),
    ],
)
def test_a_result_that_is_not_finite_is_printed_with_a_note_that_names_the_gate(
    gradcli, words, gate, value
):
    ended = gradcli("eval", *words, "--json")
    assert (ended.code, ended.err) == (0, "")
    data = strict(ended.out)
    Draft202012Validator(SCHEMA).validate(data)
    assert data["finite"] is False
    assert value in (None, data["value"])
    assert any(re.match(rf"(a constant|{gate})\b", note) for note in data["notes"])
    assert data["check"] is None or data["check"]["verdict"] != "pass"


@pytest.mark.parametrize("words", [["x**0.5", "x=0"], ["sqrt(x)", "x=0"], ["log(x+1)*0", "x=-1"]])
def test_a_gradient_that_is_not_finite_makes_the_result_not_finite(gradcli, words):
    data = strict(gradcli("eval", *words, "--json").out)
    assert data["finite"] is False
    assert data["notes"]


def test_numbers_in_json_are_the_shortest_that_read_back(gradcli):
    out = gradcli("eval", "x + y", "x=0.1", "y=0.2", "--json", "--no-check").out
    assert '"value": 0.30000000000000004' in out
    assert '"inputs": {"x": 0.1, "y": 0.2}' in out
    assert '"value": -0.0' in gradcli("eval", "-x", "x=0", "--json", "--no-check").out
    out = gradcli("eval", "x", "x=5e-324", "--json", "--no-check").out
    assert '"value": 5e-324' in out


@pytest.mark.parametrize(
    ("words", "kind", "line", "column"),
    [
        (["x y"], "syntax", 1, 3),
        (["f = x\ng = 2y", "x=1"], "syntax", 2, 6),
        (["a*b"], "name", 1, 1),
        (["x", "x=2y"], "syntax", 1, 2),
        (["w*[1,2]", "w=[1,2,3]"], "shape", 1, 1),
        (["x", "x=1", "--wrt", "z"], "name", None, None),
        (["x", "x=1", "x=2"], "binding", None, None),
        (["f(" * 2000], "syntax", 1, 4000),
        (["\u202ex"], "syntax", 1, 1),
    ],
)
def test_with_json_an_error_is_one_document_and_stderr_says_it_as_ever(
    gradcli, words, kind, line, column
):
    ended = gradcli("eval", *words, "--json")
    data = strict(ended.out)
    assert ended.code == 2
    assert data["schema"] == "gradcli.error/1"
    error = data["error"]
    assert list(error) == ["kind", "message", "file", "line", "column", "hint"]
    assert (error["kind"], error["line"], error["column"]) == (kind, line, column)
    assert ended.err == gradcli("eval", *words).err


def test_with_json_errors_found_together_are_one_document(gradcli):
    data = strict(gradcli("eval", "a*b+c", "b=1", "--json").out)
    assert [data["error"]["message"], *(e["message"] for e in data["also"])] == [
        "`a` has no value", "`c` has no value",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "words", [["--json"], ["--json", "--jsn"], ["x", "y=1", "--json", "--strict"],
              ["--json", "--file", "missing.grad"], ["x", "x=1", "--json", "-o", "no/where"]],
)  # fmt: skip
def test_with_json_stdout_is_one_document_or_empty(gradcli, words):
    ended = gradcli("eval", *words)
    assert ended.code == 2
    assert ended.err.startswith("error: ")
    if ended.out:
        assert strict(ended.out)["schema"] == "gradcli.error/1"


# -------------------------------------------------------------------- the other formats


def test_each_format_holds_the_same_numbers(gradcli):
    def run(form):
        ended = gradcli("eval", *LECTURE, "--format", form)
        assert (ended.code, ended.err) == (0, "")
        return ended.out

    assert run("json") == gradcli("eval", *LECTURE, "--json").out
    lines = [strict(line + "\n") for line in run("jsonl").splitlines()]
    assert [line["type"] for line in lines] == ["result", "stage", "stage", *["check"] * 3]
    assert lines[0]["gradients"] == {"x": -4.0, "y": -4.0, "z": 3.0}
    rows = list(csv.DictReader(io.StringIO(run("csv"))))
    assert [row["gradient"] for row in rows if row["kind"] == "input"] == ["-4.0", "-4.0", "3.0"]
    cells = [line.split("\t") for line in run("plain").splitlines()]
    assert [row[3] for row in cells if row[0] == "input"] == ["-4.0", "-4.0", "3.0"]
    assert ["value", "-12.0"] in cells
    assert run("markdown").startswith("`(x + y) * z` = -12.0\n")
    assert run("table") == gradcli("eval", *LECTURE).out


def test_the_table_shows_stages_gradients_and_verdicts(gradcli):
    ended = gradcli("eval", *LECTURE)
    assert (ended.code, ended.err) == (0, "")
    words = [line.split() for line in ended.out.splitlines()]
    assert ["(x", "+", "y)", "*", "z", "=", "-12"] in words
    assert ["#1", "+", "x", "+", "y", "3", "-4"] in words
    assert ["#out", "*", "(x", "+", "y)", "*", "z", "-12", "1"] in words
    assert [row[:4] + row[-1:] for row in words if row[:1] == ["z"]] == [
        ["z", "-4", "3", "3", "pass"]
    ]


@pytest.mark.parametrize(
    ("target", "form"),
    [
        ("a.json", "json"),
        ("a.jsonl", "jsonl"),
        ("a.csv", "csv"),
        ("a.md", "markdown"),
        ("a.JSON", "json"),
        ("a.txt", "table"),
        ("a.tsv", "plain"),
        ("a", "table"),
        ("b.d/a", "table"),
    ],
)
def test_a_file_has_the_format_of_its_suffix(gradcli, tmp_path, target, form):
    (tmp_path / target).parent.mkdir(exist_ok=True)
    expected = gradcli("eval", *LECTURE, "--format", form).out
    ended = gradcli("eval", *LECTURE, "-o", target)
    assert ended == Ended(0, "", "")
    assert (tmp_path / target).read_text("utf-8") == expected
    assert [path.name for path in (tmp_path / target).parent.iterdir()] == [Path(target).name]


CURE = "; --format FORMAT takes any name"
UNKNOWN_SUFFIXES = {
    ("eval", *LECTURE): f".txt, .tsv, .json, .jsonl, .csv, .md, .npz, .tex, .html{CURE}",
    ("eval", "x y"): f".txt, .tsv, .json, .jsonl, .csv, .md, .npz, .tex, .html{CURE}",
    (
        "check",
        *LECTURE,
    ): f".txt, .json, .jsonl, .sarif, .xml, .csv, .tsv, .md, .tap, .tex, .html{CURE}",
    ("check", "a.grad", "--grade"): f".txt, .json, .csv, .md, .html{CURE}",
    ("check", "a.grad", "--fix"): ".diff, .patch, .txt",
    ("check", "a.py", "--list"): ".txt",
    ("exercise", *LECTURE): f".grad, .py, .txt, .md, .tex, .html{CURE}",
}


@pytest.mark.parametrize("words", UNKNOWN_SUFFIXES, ids=" ".join)
@pytest.mark.parametrize("suffix", [".svg", ".xyz", ".JSN"])
def test_a_suffix_that_means_nothing_is_refused_and_nothing_written(
    gradcli, tmp_path, words, suffix
):
    (tmp_path / "a.grad").write_text("x = 1; f = x*x; dx = 3")
    (tmp_path / "a.py").write_text("def f(x):\n    return x * x\n\ndef df(x):\n    return 2 * x\n")
    before = sorted(tmp_path.iterdir())
    known = UNKNOWN_SUFFIXES[words]
    assert gradcli(*words, "-o", f"r{suffix}") == Ended(
        2, "", f"error: r{suffix}: nothing here is written as {suffix}\n  help: known are {known}\n"
    )
    assert sorted(tmp_path.iterdir()) == before


def test_a_format_that_is_asked_for_wins_over_the_suffix(gradcli, tmp_path):
    gradcli("eval", *LECTURE, "--output-file", "a.csv", "--format", "plain")
    assert (tmp_path / "a.csv").read_text().startswith("stage\t")
    gradcli("eval", *LECTURE, "-o", "a.csv", "--json")
    assert strict((tmp_path / "a.csv").read_text())["value"] == -12.0


def test_a_file_is_replaced_whole_or_left_as_it_was(gradcli, tmp_path):
    target = tmp_path / "a.json"
    target.write_text("old " * 1000)
    gradcli("eval", "x y", "-o", "a.json")
    assert target.read_text() == "old " * 1000
    gradcli("eval", "x", "x=1", "-o", "a.json")
    assert strict(target.read_text())["value"] == 1.0


def test_the_input_is_never_overwritten(gradcli, tmp_path):
    (tmp_path / "a.grad").write_text("x = 1; f = x*x")
    for words in (["eval", "--file", "a.grad"], ["check", "a.grad"]):
        ended = gradcli(*words, "-o", "./a.grad")
        assert (ended.code, ended.out) == (2, "")
        assert "would be overwritten" in ended.err
    assert (tmp_path / "a.grad").read_text() == "x = 1; f = x*x"


SUM = "sum(x*x)"
OVERWRITING = [
    ["eval", SUM, "x=@in.npy", "-o", "in.npy"],
    ["eval", SUM, "x=@in.npy", "-o", "link.json"],
    ["eval", SUM, "x=@link.npy", "-o", "in.npy", "--format", "csv"],
    ["eval", SUM, "x=@in.npz:a", "-o", "./in.npz"],
    ["eval", SUM, "x=@in.csv", "-o", "in.csv"],
    ["eval", "x*x", "x=[1,2]", "--upstream", "@in.npy", "-o", "in.npy"],
    ["check", SUM, "x=@in.npy", "-o", "in.npy"],
    ["check", SUM, "x=@in.npy", "--junit", "in.npy"],
    ["check", SUM, "x=@in.csv", "--sarif", "in.csv"],
    ["check", SUM, "x=@in.npy", "--gitlab", "link.json"],
    ["check", SUM, "x=[1,2]", "--claim", "x=@in.npy", "-o", "in.npy"],
    ["check", "x*x", "x=[1,2]", "--upstream", "@in.npy", "-o", "in.npy"],
    ["exercise", "x[0]*x[1]", "x=@in.npy", "-o", "in.npy"],
    ["exercise", "x[0]*x[1]", "x=@in.npy", "--key", "in.npy"],
]


@pytest.mark.parametrize("words", OVERWRITING, ids=" ".join)
def test_the_file_of_a_value_is_never_overwritten(gradcli, tmp_path, words):
    np.save(tmp_path / "in.npy", [1.0, 2.0])
    np.savez(tmp_path / "in.npz", a=[1.0, 2.0])
    (tmp_path / "in.csv").write_text("1,2")
    for name in ("link.npy", "link.json"):
        (tmp_path / name).symlink_to("in.npy")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    ended = gradcli(*words)
    assert (ended.code, ended.out) == (2, "")
    assert "is the input and would be overwritten" in ended.err
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_arrays_go_into_an_archive_however_its_suffix_is_written(gradcli, tmp_path):
    assert gradcli("eval", *LECTURE, "-o", "r.NPZ") == Ended(0, "", "")
    with np.load(tmp_path / "r.NPZ") as archive:
        assert (float(archive["value"]), float(archive["dx"])) == (-12.0, -4.0)
    ended = gradcli("eval", *LECTURE, "-o", "r.npy")
    assert (ended.code, ended.out) == (2, "")
    assert "write .npz" in ended.err
    assert not (tmp_path / "r.npy").exists()


@pytest.mark.parametrize("target", ["no/where.json", ".", "/dev/full"])
def test_a_target_that_cannot_be_written_is_said_in_one_line(gradcli, target):
    ended = gradcli("eval", "x", "x=1", "-o", target)
    assert (ended.code, ended.out) == (2, "")
    assert re.fullmatch(rf"error: cannot write {re.escape(target)}: [^\n]+\n", ended.err)


# -------------------------------------------------------------------- options of eval


def test_digits_are_those_of_every_number_in_the_table(gradcli):
    asked = ("eval", "sum(x*sigmoid(y))", "x=[0.123456789,2]", "y=2.123456789")
    few = gradcli(*asked, "--digits", "4")
    assert "0.8932" in few.out and "2.123" in few.out
    assert re.findall(r"[1-9]\.\d{4,}", few.out) == []
    assert re.search(r"sigmoid\(y\) +0\.893162236849655 ", gradcli(*asked, "--digits", "16").out)
    assert "0.123456789 " in gradcli(*asked, "--digits", "30").out


@pytest.mark.parametrize("option", [["--digits", "30"], ["--arithmetic", "mpmath"]])
def test_many_digits_of_too_many_gates_are_refused_and_not_made_up(gradcli, tmp_path, option):
    chain = "".join(f"s{k} = sin(s{k - 1})\n" for k in range(1, 20_001))
    (tmp_path / "chain.grad").write_text(f"x = 0.5\ns0 = sin(x)\n{chain}")
    ended = gradcli("eval", "--file", "chain.grad", "--no-check", *option)
    assert (ended.code, ended.out) == (2, "")
    assert "many digits are for at most 20000 gates" in ended.err


def test_a_jacobian_needs_no_upstream_gradient(evaluated):
    words = ["x*2", "x=[1,2]"]
    assert ["--jacobian" in note for note in evaluated(*words)["notes"]] == [True]
    assert evaluated(*words, "--jacobian")["notes"] == []


def test_wrt_chooses_gradients_and_checks(evaluated):
    data = evaluated("x*y*z", "x=2", "y=3", "z=5", "--wrt", " z ,x")
    assert data["gradients"] == {"x": 15.0, "z": 6.0}
    assert list(data["check"]["inputs"]) == ["x", "z"]
    assert set(data["inputs"]) == {"x", "y", "z"}


@pytest.mark.parametrize(
    ("value", "factor"), [("-2", -2.0), ("pi/2", math.pi / 2), ("1e-3", 1e-3), ("0", 0.0)]
)
def test_upstream_scales_every_gradient(evaluated, value, factor):
    data = evaluated("q = x*y; f = q*2", "x=2", "y=3", "--upstream", value)
    assert data["gradients"] == pytest.approx({"x": 6 * factor, "y": 4 * factor}, rel=1e-15)
    assert {s["name"]: s["gradient"] for s in data["stages"]} == pytest.approx(
        {"q": 2 * factor, "f": factor}
    )
    assert data["check"]["verdict"] == "pass"


def test_output_chooses_the_stage(evaluated):
    data = evaluated("q = x*2; f = q*3", "x=1", "--output", "q")
    assert (data["output"], data["value"], data["gradients"]) == ("q", 2.0, {"x": 2.0})
    assert [s["name"] for s in data["stages"]] == ["f", "q"]  # the output last


def test_expand_and_fuse_choose_the_gates(evaluated):
    def gates(*words):
        return [stage["gate"] for stage in evaluated(*words, "x=1")["stages"]]

    assert gates("sigmoid(x)") == gates("1/(1+exp(-x))", "--fuse") == ["sigmoid"]
    assert gates("sigmoid(x)", "--expand") == ["neg", "exp", "add", "div"]
    assert gates("1/(1+exp(-x))") == ["neg", "exp", "add", "div"]


def test_a_check_can_be_left_out_or_limited(evaluated):
    assert evaluated(*LECTURE, "--no-check")["check"] is None
    limited = evaluated(*LECTURE, "--check-budget", "1")
    assert limited["check"] is None
    assert any("--check-budget" in note for note in limited["notes"])
    assert evaluated(*LECTURE, "--check-budget", "1e6")["check"]["verdict"] == "pass"


def test_a_warning_goes_to_stderr_and_is_an_error_when_strict(gradcli):
    words = ("eval", "alpha*x", "x=1", "alpha=2", "alhpa=3")
    said = "`alhpa` is given a value but not used; did you mean `alpha`?"
    ended = gradcli(*words)
    assert (ended.code, ended.err) == (0, f"warning: {said}\n")
    assert ended.out == gradcli(*words[:-1]).out
    assert gradcli(*words, "-q").err == ""
    assert strict(gradcli(*words, "--json", "-q").out)["warnings"] == [said]
    for more in ([], ["--json"], ["-q"]):
        ended = gradcli(*words, "--strict", *more)
        assert (ended.code, ended.out, ended.err) == (2, "", f"error: {said}\n")
    assert gradcli(*words[:-1], "--strict").code == 0


def test_all_warnings_are_errors_at_once_when_strict(gradcli):
    ended = gradcli("eval", "x*e", "x=1", "e=2", "y=3", "--strict")
    assert [line.split("`")[1] for line in ended.err.splitlines()] == ["e", "y"]


def test_quiet_prints_value_and_gradients_only(gradcli):
    assert gradcli("eval", *LECTURE, "-q").out == "value = -12\ndx = -4\ndy = -4\ndz = 3\n"
    assert gradcli("eval", "w[0]*w[1]", "w=[2,3]", "--quiet").out == (
        "value = 6\ndw[0] = 3\ndw[1] = 2\n"
    )


def test_verbose_prints_every_digit(gradcli):
    """That is certain: 0.1 and 0.2 are exact, their sum has been rounded."""
    assert "0.111111111111 " in gradcli("eval", "x/y + 0", "x=1", "y=9").out
    assert "0.1111111111111111 " in gradcli("eval", "x/y + 0", "x=1", "y=9", "--verbose").out
    assert "0.30000000000000004" not in gradcli("eval", "x+y", "x=0.1", "y=0.2", "-v").out


def test_200_stages_are_shown_unless_all_are_asked_for(gradcli):
    program = ";".join(["x = 1", *(f"a{k} = x*{k + 2}" for k in range(250))])
    short = gradcli("eval", program, "--no-check").out
    assert "50 more stages (--all shows them)" in short
    assert not re.search(r"^a247 ", short, re.MULTILINE)
    whole = gradcli("eval", program, "--no-check", "--all").out
    assert len(re.findall(r"^a\d+ +\*", whole, re.MULTILINE)) == 250
    assert len(strict(gradcli("eval", program, "--no-check", "--json").out)["stages"]) == 250


@pytest.mark.parametrize(
    ("environment", "color", "is_coloured"),
    [
        ({}, "auto", False),
        ({}, "never", False),
        ({}, "always", True),
        ({"NO_COLOR": "1"}, "always", True),
        ({"FORCE_COLOR": "1"}, "auto", True),
        ({"FORCE_COLOR": "1"}, "never", False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, "never", False),
    ],
)
def test_colours_are_there_when_they_are_asked_for(
    gradcli, monkeypatch, environment, color, is_coloured
):
    plain = gradcli("eval", *LECTURE).out
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    out = gradcli("eval", *LECTURE, "--color", color).out
    assert ("\x1b[32m" in out) is is_coloured  # green, for values
    uncoloured = re.sub(r"\x1b\[[0-9;]*m", "", out)
    assert [line.rstrip() for line in uncoloured.split("\n")] == plain.split("\n")
    assert "\x1b" not in gradcli("eval", *LECTURE, "--color", color, "--json").out


LONG = "a = x*y; b = a + w[0]*1.2345678901234567e-300; f = exp(b)*w[1] - 9876543210.1234567"
AT = (
    "x=-0.12345678901234567",
    "y=12345678.901234567",
    "w=[0.30000000000000004,-2.2250738585072014e-308]",
)


@pytest.mark.parametrize("columns", [20, 21, 25, 30, 37, 40, 53, 60, 72, 79, 80, 81, 100, 132, 200])
def test_a_number_is_never_cut(gradcli, monkeypatch, columns):
    data = strict(gradcli("eval", LONG, *AT, "--json").out)
    monkeypatch.setenv("COLUMNS", str(columns))
    out = gradcli("eval", LONG, *AT, "-v").out
    shown = set(re.split(r"[\s()]+", out))
    bounds = dict(elements(data["gradient_bounds"]))
    wanted = [(data["value"], data["bound"]), *((v, 0.0) for _, v in elements(data["inputs"]))]
    wanted += [(v, bounds[name]) for name, v in elements(data["gradients"])]
    for stage in data["stages"]:
        wanted.append((stage["value"], stage["bound"]))
        wanted.append((stage["gradient"], stage["gradient_bound"]))
    for check in data["check"]["inputs"].values():
        wanted.append((check["numeric"], check["bound"]))
    texts = {certain_text(v, e, 17) if e else repr(v).removesuffix(".0") for v, e in wanted}
    assert {word for text in texts for word in text.split()} <= shown
    assert len(wanted) > 20


# -------------------------------------------------------------------- stdin and files


def test_a_minus_reads_the_program_from_stdin(gradcli):
    program = "q = x*2 # σ\r\nf = q*q".encode()
    ended = gradcli("eval", "-", "x=3", "-q", stdin=program)
    assert ended == Ended(0, "value = 36\ndx = 24\n", "")
    assert gradcli("eval", "x=3", "-", "-q", stdin=program) == ended
    ended = gradcli("eval", "-", stdin=b"x = 1\nf = 2x")
    assert (ended.code, ended.err.splitlines()[0]) == (
        2, "error: <stdin>:2:6: expected an operator, found `x`",
    )  # fmt: skip
    assert gradcli("check", "-", "x=3", stdin=program).code == 0


def test_a_file_is_a_program_and_bindings_win_over_it(gradcli, tmp_path):
    (tmp_path / "a.grad").write_bytes(b"\xef\xbb\xbfx = 3\r\nf = x*x\r\n")
    assert gradcli("eval", "--file", "a.grad", "-q").out == "value = 9\ndx = 6\n"
    assert gradcli("eval", "x=5", "-f", "a.grad", "-q").out == "value = 25\ndx = 10\n"
    ended = gradcli("eval", "-f", "a.grad", "y*2")
    assert (ended.code, ended.out) == (2, "")


@pytest.mark.parametrize("command", ["eval", "check"])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (None, "No such file or directory"),
        (lambda path: path.mkdir(), None),
        (lambda path: path.write_bytes(b"x\xff"), "is not UTF-8 (byte 1)"),
        (lambda path: path.write_bytes(b"\xff\xfex\0"), "is not UTF-8 (byte 0)"),
        (lambda path: path.write_bytes(b""), "nothing to compute"),
        (lambda path: path.write_bytes(b"\x93NUMPY\x01"), "is not UTF-8 (byte 0)"),
        (lambda path: path.write_bytes(b"x = 1\0\nf = x"), "found `\\u0000`"),
        (os.mkfifo, "is not a regular file"),
    ],
    ids=["missing", "folder", "latin-1", "utf-16", "empty", "binary", "nul", "pipe"],
)
def test_a_file_that_cannot_be_read_is_exit_code_2(gradcli, tmp_path, command, make, message):
    if make:
        make(tmp_path / "a.grad")
    ended = gradcli(command, "--file", "a.grad", "x=1")
    assert ended.code == 2
    assert (message or "") in (ended.err + ended.out).replace("\0", "\\u0000")
    assert "Traceback" not in ended.err
    assert (ended.out == "") is (command == "eval" or message is None)


# -------------------------------------------------------------------- exit codes


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["eval", "x", "x=1"], 0),
        (["eval", "log(x)", "x=-1"], 0),
        (["eval", "x = 1; f = x*2; dx = 3"], 0),
        (["eval", "x"], 2),
        (["check", "x*y", "x=3", "y=2", "--claim", "x=2"], 0),
        (["check", "relu(x)", "x=0", "--claim", "x=0.5"], 0),
        (["check", "x*y", "x=3", "y=2", "--claim", "x=3"], 1),
        (["check", "x*y", "x=3", "y=2", "--claim", "x=3", "--exit-zero"], 0),
        (["check", "x = 3; f = x*x; dx = 6; f == 8"], 1),
        (["check", "log(x)", "x=-1"], 2),
        (["check", "step(x)", "x=0"], 2),
        (["check", "x*inf", "x=1"], 2),
        (["check", "x*y", "x=1", "y=nan"], 2),
        (["check", "log(-1)"], 2),
        (["check", "x", "x=1", "--check-budget", "0"], 2),
        (["check", "x y"], 2),
        (["check", "."], 2),
        (["check", ".", "--allow-empty"], 0),
        (["check", "good.grad"], 0),
        (["check", "good.grad", "wrong.grad"], 1),
        (["check", "good.grad", "wrong.grad", "broken.grad"], 2),
        (["check", "wrong.grad", "missing.grad"], 2),
        (["check", "folder"], 2),
    ],
    ids=str,
)
def test_an_exit_code_means_the_same_everywhere(gradcli, tmp_path, words, code):
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    if words[-1].endswith(".grad") or words[-1] == "folder":
        for folder in (tmp_path, tmp_path / "folder" / "deep"):
            (folder / "good.grad").write_text("x = 3; f = x*x; dx = 6")
            (folder / "wrong.grad").write_text("x = 3; f = x*x; dx = 5")
            (folder / "broken.grad").write_text("x = 3; f = 2x")
    assert gradcli(*words).code == code


def test_what_cannot_be_read_does_not_stop_the_other_files(gradcli, tmp_path):
    (tmp_path / "a.grad").write_text("x = 3; f = 2x")
    (tmp_path / "b.grad").write_text("x = 3; f = x*x; dx = 5")
    data = strict(gradcli("check", ".", "--json").out)
    assert [case["verdict"] for case in data["cases"]] == ["error", "fail"]
    assert data["verdict"] == "error"


def test_an_interrupt_is_exit_code_130_and_nothing_is_said(gradcli, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("gradcli.cli.evaluate.evaluate", interrupted)
    ended = gradcli("eval", "x", "x=1")
    assert (ended.code, ended.out, ended.err.strip()) == (130, "", "")


def broken(*_, **__):
    raise RuntimeError("a fault of ours")


def test_an_internal_error_is_one_line_and_exit_code_3(gradcli, monkeypatch):
    monkeypatch.setattr("gradcli.cli.evaluate.evaluate", broken)
    ended = gradcli("eval", "x", "x=1")
    assert (ended.code, ended.out) == (3, "")
    assert re.match(
        r"error: internal error in gradcli [\d.]+: RuntimeError: a fault of ours\n", ended.err
    )
    assert "report it" in ended.err
    assert "Traceback" not in ended.err


def test_debug_shows_the_traceback_of_an_internal_error(gradcli, monkeypatch):
    monkeypatch.setattr("gradcli.cli.evaluate.evaluate", broken)
    ended = gradcli("eval", "x", "x=1", "--debug")
    assert ended.code == 3
    assert "Traceback" in ended.err


def test_debug_changes_nothing_for_an_error_of_the_user(gradcli):
    assert gradcli("eval", "x y", "--debug") == gradcli("eval", "x y")


# -------------------------------------------------------------------- errors stay small

MEGABYTE = 2**20
HOSTILE = {
    "one line": b"x+" * (MEGABYTE // 2),
    "no operator": b"x" + b" " * MEGABYTE + b"y",
    "open brackets": b"(" * (MEGABYTE // 4),
    "a name": b"n" * MEGABYTE,
    "a function": b"f" * MEGABYTE + b"(1)",
    "an attribute": b"x." + b"a" * MEGABYTE,
    "a number": b"1" * MEGABYTE,
    "a comment": b"x y #" + b"c" * MEGABYTE,
    "a directive": b"# gradcli: " + b"d" * MEGABYTE,
    "a bad index": b"[1][" + b"9" * 300 + b"]",
    "wide letters": "变".encode() * (MEGABYTE // 3),
    "marks": "e\u0301".encode() * (MEGABYTE // 3),
    "controls": b"\x1b]0;x\x07" * (MEGABYTE // 6),
    "nul": b"\0" * MEGABYTE,
    "lines": b"x = 1\n" * (MEGABYTE // 6),
    "many names": b"+".join(b"a%d" % k for k in range(1000)),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_an_error_takes_4_kb_at_most(gradcli, text):
    ended = gradcli("eval", "-", stdin=text)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: <stdin>:")
    assert len(ended.err.encode()) <= 4096
    assert all(c.isprintable() for c in ended.err.replace("\n", ""))
    assert max(map(len, ended.err.splitlines())) < 2600


# -------------------------------------------------------------------- a process of its own


REPEATED = """
import sys
from gradcli.cli.main import main

for line in sys.argv[1:]:
    try:
        main(line.split("|"))
    except SystemExit as end:
        print(end.code, flush=True)
        print(end.code, file=sys.stderr, flush=True)
"""


def test_output_is_the_same_for_every_hash_seed_and_every_run():
    lines = [
        "eval|q = sin(x)*cos(y) + x*y; f = max(q, x, y)*q|x=1|y=2|unused=3",
        "eval|w[0]*w[1]*e|w=[2,3]|e=4|pi=5|--json",
        "eval|alpha*beta*gama|aplha=1|betta=2",
        "check|x*y*z|x=1|y=2|z=3|--json|--isolated",
    ]
    results = set()
    for seed in ("0", "1", "random"):
        done = subprocess.run(
            [sys.executable, "-c", REPEATED, *lines, lines[0]],
            check=True, capture_output=True, timeout=HANGS,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )  # fmt: skip
        results.add((done.stdout, done.stderr))
    [(out, err)] = results
    assert out.count(b"\n0\n") == 4
    assert err.count(b"did you mean") == 2


def test_python_m_is_the_same_program():
    done = run_apart("eval", *LECTURE, "-q")
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        b"value = -12\ndx = -4\ndy = -4\ndz = 3\n",
        b"",
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    "words", [["eval", "x", "x=1"], ["eval", "x", "x=1", "--json"], ["check", "x", "x=1"], ["-h"]]
)
def test_a_full_disk_is_said_in_one_line(words):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gradcli", *words], check=False, stdout=full,
            stderr=subprocess.PIPE, timeout=HANGS,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == b"error: cannot write the result: No space left on device\n"


@pytest.mark.parametrize(
    "words",
    [
        ["eval", "x", "x=1"],
        ["eval", "x", "x=1", "--json"],
        ["check", "x", "x=1", "--isolated"],
        ["-h"],
    ],
)
def test_a_reader_that_has_gone_is_exit_code_141_and_nothing_is_said(words):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "gradcli", *words], check=False, stdout=writer,
            stderr=subprocess.PIPE, timeout=HANGS,
        )  # fmt: skip
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_reader_that_leaves_after_a_line_is_exit_code_141(tmp_path):
    program = tmp_path / "long.grad"
    program.write_text("\n".join(["x = 1", *(f"a{k} = x*{k}" for k in range(5000))]))
    words = ["eval", "--file", str(program), "--no-check", "--format", "plain", "-q"]
    with subprocess.Popen(
        [sys.executable, "-m", "gradcli", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"stage\ta0\t*0\tx * 0\t0.0\t0.0\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(HANGS) == 141


@pytest.mark.skipif(os.name == "nt", reason="a shell closes the streams")
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("eval - x=1 <&-", 2),
        ("eval x x=1 >&-", 2),
        ("eval x x=1 --json >&-", 2),
        ("eval 'x y' --json >&-", 2),
        ("eval 'x y' 2>&-", 2),
        ("eval x x=1 y=2 -q 2>&-", 0),
    ],
)
def test_a_closed_stream_is_no_internal_error(line, code):
    done = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -m gradcli {line}'], check=False, capture_output=True,
        timeout=HANGS,
    )  # fmt: skip
    assert done.returncode == code
    assert b"internal error" not in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_an_error_that_cannot_be_said_keeps_its_exit_code():
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gradcli", "eval", "x y"], check=False, stderr=full,
            stdout=subprocess.PIPE, timeout=HANGS,
        )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")
def test_a_terminated_process_says_nothing():
    with subprocess.Popen(
        [sys.executable, "-m", "gradcli", "eval", "-"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        process.stdin.write(b"#" * 2**20)  # more than a pipe holds: it is being read by now
        process.stdin.flush()
        process.terminate()
        assert process.wait(HANGS) in (143, -signal.SIGTERM)  # the latter while Python starts
        assert process.stdout.read() == process.stderr.read() == b""


def test_nothing_in_the_working_folder_is_imported(tmp_path):
    for name in ("click", "rich", "json", "math", "evil"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('this was run')")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "gradcli", "eval", "x", "x=1", "-q"], check=False,
        capture_output=True, timeout=HANGS, cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, b"value = 1\ndx = 1\n")


# ---------------------------------------------------------------- help, version, completion


def test_help_is_a_command_too(gradcli):
    assert gradcli("help").out == gradcli("--help").out
    assert gradcli("help", "eval").out == gradcli("eval", "--help").out
    unknown = gradcli("help", "chek")
    assert (unknown.code, unknown.out) == (2, "")
    assert unknown.err == "error: `chek` is not a command\n  help: did you mean `check`?\n"
    assert gradcli("-V").out == gradcli("--version").out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_that_of_the_shell(gradcli, shell):
    ended = gradcli("completion", shell)
    assert (ended.code, ended.err) == (0, "")
    assert f"_GRADCLI_COMPLETE={shell}_complete" in ended.out


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        ("gradcli ev", ["plain,eval"]),
        ("gradcli eval --fo", ["plain,--format"]),
        ("gradcli graph --theme d", ["plain,dark"]),
        ("gradcli eval -x**2 --fu", ["plain,--fuse", "plain,--full"]),
        ("gradcli nothing --", ["plain,--version", "plain,--help"]),  # and nothing of `nothing`
    ],
)
def test_what_a_shell_asks_for_is_completed_and_no_error_is_printed(words, completions):
    asked = {"_GRADCLI_COMPLETE": "bash_complete", "COMP_WORDS": words,
             "COMP_CWORD": str(len(words.split()) - 1)}  # fmt: skip
    done = run_apart(env={**os.environ, **asked})
    assert done.stderr == b""
    assert done.stdout.decode().split() == completions


@pytest.mark.parametrize(
    "words",
    [
        ["(x+y)*z", "x=-2", "y=5", "z=-4"],
        ["exp(x)/sum(exp(x))", "x=[1000,1001]", "--jacobian"],
        ["exp(x) - 1", "x=1e-10", "--digits", "40"],
        ["sum(W@x)", "W=[[1,2],[3,4]]", "x=[5,6]", "--hessian"],
        ["(1 - cos(x))/x**2", "x=1e-9", "--arithmetic", "float64"],
    ],
)
def test_what_is_brief_is_the_same_with_and_without_a_page(gradcli, monkeypatch, words):
    plain = gradcli("eval", *words, "-q")
    monkeypatch.setenv("COLUMNS", "1000")  # asks for a page
    assert gradcli("eval", *words, "-q") == plain


# -------------------------------------------------------------------- help, and what was meant


@pytest.mark.parametrize("name", ["eval", "check", "graph", "code", "exercise"])
def test_options_are_grouped_by_purpose_and_each_stands_once(gradcli, name):
    text = gradcli(name, "--help").out
    text = text[text.index("What is read:") :]
    assert "What is written:" in text
    for option in re.findall(r"^  (?:-\w, )?(--[\w-]+)", text, re.MULTILINE):
        assert len(re.findall(rf"^  (?:-\w, )?{option}\b(?!-)", text, re.MULTILINE)) == 1
    others = text.partition("Others:")[2]
    assert re.findall(r"--[\w-]+", others)[:1] == ["--debug"]


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_help_is_as_wide_as_the_window(gradcli, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = gradcli("eval", "--help").out.splitlines()
    prose = [line for line in lines if "gradcli eval" not in line and "|" not in line]
    assert max(map(len, prose)) <= min(columns, 100)


@pytest.mark.parametrize(("words", "meant"), [
    (["(x+y)*z", "x=3"], 'write gradcli eval "(x+y)*z" x=3'), (["x*y", "x=3", "y=1"], 'write gradcli eval "x*y" x=3 y=1'),
    (["homework.grad"], "write gradcli check homework.grad"), (["chek", "a.grad"], "did you mean `check`?"),
])  # fmt: skip
def test_an_expression_without_its_command_is_told_the_command(gradcli, words, meant):
    ended = gradcli(*words)
    assert ended.code == 2
    assert meant in ended.err
