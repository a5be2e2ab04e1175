"""Results of `eval` for scripts: JSON and its schema, CSV and the other formats, files."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import Ended, strict
from jsonschema import Draft202012Validator

LECTURE = ("(x+y)*z", "x=-2", "y=5", "z=-4")


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


def test_a_result_needs_the_name_of_a_file(gradcli):
    for words in (("eval", "x", "x=1", "-o", ""), ("check", "x", "x=1", "--junit", "")):
        ended = gradcli(*words)
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith("error: the file to write has no name")


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
