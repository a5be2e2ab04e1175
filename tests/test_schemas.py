"""Every machine output is of its schema, whose keys are those of the report classes."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from gradcli.reports import checks, evaluations, gates, lines
from gradcli.reports.grades import Grade
from gradcli.reports.schemas import FOLDER, SCHEMAS, schema_text

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "sample_exprs"
WRONG = str(SAMPLES / "mistakes/overwritten.grad")


def closed(part):
    """A schema that refuses what it does not name; a published one lets new keys pass."""
    if isinstance(part, list):
        return [*map(closed, part)]
    if not isinstance(part, dict):
        return part
    part = {key: closed(value) for key, value in part.items()}
    if part.get("type") == "object" and "properties" in part:
        part.setdefault("additionalProperties", False)
    return part


VALIDATORS = {name: Draft202012Validator(closed(json.loads(schema_text(name)))) for name in SCHEMAS}
MATRIX = ("sum((W@x)**2)", "W=[[1,2],[3,4]]", "x=[1,2]")
OUTPUTS = [
    ("eval", ("eval", "(x+y)*z", "x=-2", "y=5", "z=-4")),
    ("eval", ("eval", *MATRIX, "--local")),
    ("eval", ("eval", "x**2*y", "x=2+/-0.1", "y=3")),
    ("eval", ("eval", "x**2*y", "x=2", "y=3", "--hessian", "--jacobian", "--digits", "20")),
    ("eval", ("eval", "W@x", "W=[[1,2],[3,4]]", "x=[1,2]", "--jacobian")),
    ("eval", ("eval", "relu(x) + log(y)", "x=0", "y=-1")),
    ("eval", ("eval", "1/(1+exp(-x))", "x=800", "--fuse")),
    ("eval", ("eval", "--file", WRONG)),
    ("eval", ("eval", "sum(x)", "x=randn(2000)")),
    ("eval", ("eval", "flip(x)[0]*sort(x)[1]", "x=[1,3]", "--no-check")),
    ("check", ("check", "x*y", "x=3", "y=2", "--claim", "x=3")),
    ("check", ("check", WRONG)),
    ("check", ("check", str(SAMPLES / "mistakes"))),
    ("check", ("check", str(SAMPLES / "layers.py"), "-v")),
    ("check", ("check", "x*abs(x)", "x=-2:2")),
    ("check", ("check", "x**2*y", "x=2", "y=3", "--claim", "x,y=4", "--hessian")),
    ("check", ("check", "sum(x**2)", "x=randn(2000)")),
    ("grade", ("check", "--grade", str(SAMPLES / "mistakes"))),
    ("graph", ("graph", *MATRIX)),
    ("graph", ("graph", "--file", WRONG)),
    ("explain", ("explain", "--file", str(SAMPLES / "staged.grad"))),
    ("explain", ("explain", "--file", WRONG)),
    ("explain", ("explain", *MATRIX)),
    ("steps", ("steps", "sin(x)*y", "x=1", "y=2")),
    ("plot", ("plot", "abs(x - 0.5)", "x=-2:2")),
    ("plot", ("plot", "x*y", "x=-2:2", "y=-1:1")),
    ("gates", ("gates",)),
    ("error", ("eval", "x+")),
    ("error", ("check", "x*y")),
]


@pytest.mark.parametrize(("name", "words"), OUTPUTS, ids=lambda part: str(part)[:40])
def test_an_output_is_of_its_schema(gradcli, name, words):
    document = json.loads(gradcli(*words, "--json").out)
    VALIDATORS[name].validate(document)
    assert document["schema"].startswith(f"gradcli.{name}/")


OF_LINES = [(name, words) for name, words in OUTPUTS if name in ("eval", "check")]


@pytest.mark.parametrize(("name", "words"), OF_LINES[:-2], ids=lambda part: str(part)[:40])
def test_lines_are_of_their_schema(gradcli, name, words):
    lines = gradcli(*words, "--format", "jsonl").out.splitlines()
    assert lines
    for line in lines:
        VALIDATORS[f"{name}-lines"].validate(json.loads(line))


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (("log(x)*y", "x=linspace(-1,1,3)", "y=2"), 3),  # two of them are not finite
        (("sum(x*w)", "--points", "p.jsonl", "w=2", "--wrt", "x,w"), 2),
    ],
)
def test_the_rows_of_a_batch_are_of_their_schema(gradcli, tmp_path, words, rows):
    (tmp_path / "p.jsonl").write_text('{"x": [1, 2]}\n{"x": [3, 4]}\n')
    lines = gradcli("batch", *words, "--format", "jsonl").out.splitlines()
    assert len(lines) == rows
    for line in map(json.loads, lines):
        VALIDATORS["batch"].validate(line)
        assert not VALIDATORS["batch"].is_valid(line | {"value": "NaN"})


def test_the_key_of_an_exercise_is_of_its_schema(gradcli, tmp_path):
    assert (
        gradcli(
            "exercise", "(x+y)*z", "x=1", "y=2", "z=3", "--mistakes", "1", "--key", "k.json"
        ).code
        == 0
    )
    VALIDATORS["key"].validate(json.loads((tmp_path / "k.json").read_text()))


def properties(name, *path):
    part = json.loads(schema_text(name))
    for key in path:
        part = part["$defs"][key]
    return set(part["properties"])


HIDDEN = {"element", "is_named", "links"}  # of stages and checks: what JSON says otherwise
CLASSES = [
    (evaluations.Stage, "eval", "stage", {"contributions", "contribution_bounds"}),
    (evaluations.InputCheck, "eval", "checked", {"estimate"}),
    (lines.LineCheck, "eval", "backward_line", set()),
    (lines.LineCheck, "check", "backward_line", set()),
    (evaluations.InputCheck, "check", "input", {"estimate"}),
    (gates.GateSheet, "gates", "gate", set()),
    (gates.LocalGradient, "gates", "local_gradient", set()),
    (gates.KinkConvention, "gates", "convention", set()),
    (gates.Sample, "gates", "sample", set()),
    (Grade, "grade", "answer", {"score"}),
    (checks.Problem, "check", "problem", set()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name", "part", "more"),
    CLASSES,
    ids=lambda x: str(sorted(x) if isinstance(x, set) else x),
)
def test_a_schema_has_the_fields_of_the_report(kind, name, part, more):
    assert properties(name, part) == ({*kind._fields} - HIDDEN) | more


def test_every_schema_is_one_and_has_a_file_and_every_file_a_command(gradcli):
    documents = {name for name in SCHEMAS if not name.endswith("-lines")}
    assert {path.stem for path in FOLDER.glob("*.json")} == documents
    for name in SCHEMAS:
        schema = json.loads(schema_text(name))
        Draft202012Validator.check_schema(schema)
        number = schema["title"].partition(":")[0]
        assert number.startswith(f"gradcli.{name.removesuffix('-lines')}/")
        if name in documents - {"batch"}:
            assert schema["properties"]["schema"]["const"] == number
        assert schema["title"].startswith(f"{number}: ")
        assert gradcli("schema", name).out == schema_text(name)


def test_new_keys_pass_what_is_published(gradcli):
    document = json.loads(gradcli("eval", "x*2", "x=1", "--json").out) | {"later": 1}
    Draft202012Validator(json.loads(schema_text("eval"))).validate(document)


def test_the_schemas_are_listed_and_an_unknown_one_is_answered_with_the_nearest(gradcli):
    assert gradcli("schema").out.splitlines()[0] == "eval         gradcli eval --json"
    ended = gradcli("schema", "evl")
    assert (ended.code, ended.err) == (
        2, "error: `evl` is no output with a schema\n  help: did you mean `eval`?\n",
    )  # fmt: skip


def test_version_is_what_the_option_prints(gradcli):
    assert gradcli("version").out == gradcli("-V").out == gradcli("--version").out
