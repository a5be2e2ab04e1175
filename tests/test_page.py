"""The stepping page: its file, its layout, its rows in JavaScript, and the page in a browser."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import math
import re
import shutil
import subprocess
from html.parser import HTMLParser
from random import Random

import pytest
from pages import LAYERS, LECTURE, SAMPLES, written

from gradcli import api
from gradcli.arithmetic.floats import IEEE
from gradcli.emit import backward_lines, forward_lines
from gradcli.emit.javascript import evaluator, gate_rows, unknown_gates
from gradcli.engine import Machine, backward
from gradcli.errors import LimitError
from gradcli.gates.table import BUILT_IN
from gradcli.graph.nodes import Graph
from gradcli.program.reader import read
from gradcli.render.page.layered import layered


def data_of(text):
    """What the script of a page reads."""
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])


class Tags(HTMLParser):
    """The tags of a document, with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    handle_startendtag = handle_starttag


# -------------------------------------------------------------------- the file


def test_the_command_writes_a_page(gradcli, tmp_path):
    words = [LECTURE[0], *(f"{name}={x}" for name, x in LECTURE[1].items())]
    assert gradcli("graph", *words, "-o", "c.html").out == ""
    text = (tmp_path / "c.html").read_text("utf-8")
    assert text == gradcli("graph", *words, "--format", "html").out
    assert text.startswith("<!DOCTYPE html>\n")


def test_a_page_loads_nothing():
    """Its policy lets nothing in but its own style and script, which it knows by their hashes."""
    text = written(api.page(*LECTURE))
    tags = Tags(text).tags
    links = [a[key] for _, a in tags for key in ("src", "href", "action", "data") if key in a]
    assert links == ["data:,"]
    (policy,) = (a["content"] for _, a in tags if "http-equiv" in a)
    for tag, kind in (("style", "style-src"), ("script", "script-src")):
        (source,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; img-src data:; ")
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert "style=" not in re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)


def tags_of(text):
    """The tags and their attributes' names; a gate is round or wide by what stands in it."""
    return [
        (tag, *attributes) for tag, attributes in Tags(text).tags if tag not in ("circle", "rect")
    ]


HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--",
    "]]>",
    "\"'&`",
    "a\x00b\x1b[31m\u202e",
    "${x}",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_becomes_code(name):
    page = api.page(*LECTURE)
    circuit = page.circuit
    nodes = [n._replace(name=name, label=name, expression=name) for n in circuit.nodes]
    field = page.evaluator.fields[0]._replace(name=name)
    page = page._replace(
        circuit=circuit._replace(nodes=nodes, expression=name, notes=[name]),
        names=dict.fromkeys(page.names, name),
        code=[line._replace(text=name) for line in page.code],
        formulas=dict.fromkeys(page.formulas, name),
        evaluator=page.evaluator._replace(fields=[field]),
    )
    text = written(page)
    plain = written(api.page(*LECTURE)._replace(circuit=circuit._replace(notes=["seed 0"])))
    assert tags_of(text) == tags_of(plain)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", text)
    assert not set("<>&") & set(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    shown = name if name.isprintable() else None
    assert shown is None or {*data_of(text)["names"].values()} == {shown}


def test_signs_of_an_expression_are_text():
    text = written(api.page("where(x < y, x, y)", {"x": 1, "y": 2}))
    assert "<h1>where(x &lt; y, x, y)</h1>" in text


def test_the_code_is_the_staged_code():
    text, inputs = "q = x*y + x; f = sigmoid(q)*max(q, y)", {"x": 2, "y": -3}
    lines = [line.text for line in api.page(text, inputs).code]
    program = read(text, "<test>", [*inputs.items()])
    assert lines == [*forward_lines(program), *map(str, backward_lines(program))]


def test_the_code_of_arrays_is_numpy():
    lines = [line.text for line in api.page(*LAYERS).code]
    assert "db = dq2" in lines
    assert "dW = np.outer(dq1, x)" in lines
    assert "dW2 = np.outer(dq4, q3)" in lines
    assert "dx = W.T @ dq1" in lines


def test_lines_that_numpy_would_run_give_the_gradients():
    """The backward lines of arrays, run by numpy, give what the engine gives."""
    import numpy as np

    text, inputs = "q = X @ W + b; f = mean(softmax(q, axis=1) * sum(Y, axis=0))", {
        "X": [[0.1, 0.2], [0.3, -0.4]], "W": [[1.0, 2.0], [0.5, -1.0]], "b": [0.1, -0.2],
        "Y": [[1.0, 2.0], [3.0, 4.0]],
    }  # fmt: skip
    page = api.page(text, inputs)
    space = {"np": np, "sum": np.sum, "mean": np.mean, "df": 1.0}
    space |= {name: np.array(x) for name, x in inputs.items()}
    space["softmax"] = lambda x, axis: np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)
    for line in page.code:
        exec(line.text, space)
    gradients = api.evaluate(text, inputs).gradients
    for name, gradient in gradients.items():
        np.testing.assert_allclose(
            np.broadcast_to(space[f"d{name}"], np.shape(gradient)), gradient, rtol=1e-12
        )


def test_what_cannot_be_computed_anew_says_why():
    large = api.page("sum(relu(x))", {"x": "randn(4000)"})
    assert (large.evaluator, large.why_fixed) == (None, "the circuit has more than 5000 numbers")
    array = api.page("x*2", {"x": [1, 2]})
    assert array.why_fixed == "the output is an array without an upstream gradient"
    assert data_of(written(array))["whyFixed"] == array.why_fixed


def test_a_circuit_that_nobody_steps_through_is_refused(monkeypatch):
    monkeypatch.setattr("gradcli.tasks.page.MOST_STEPPED", 1)
    with pytest.raises(LimitError, match="2 gates are too many to step through: 1 at most"):
        api.page(*LECTURE)


# -------------------------------------------------------------------- the layout


def random_circuit(seed):
    random = Random(seed)
    count = random.randint(2, 40)
    wires = [
        (random.randrange(node), node)
        for node in range(1, count)
        for _ in range(random.randint(0 if node < count // 3 else 1, 3))
    ]
    return count, wires


@pytest.mark.parametrize("seed", range(40))
def test_nothing_overlaps_and_wires_run_to_the_right(seed):
    count, wires = random_circuit(seed)
    layout = layered(count, wires)
    for (source, target), bends in zip(wires, layout.bends, strict=True):
        assert layout.layers[source] < layout.layers[target]
        between = range(layout.layers[source] + 1, layout.layers[target])
        assert [layer for layer, _ in bends] == [*between]
    for layer in {*layout.layers}:
        rows = sorted(y for y, k in zip(layout.heights, layout.layers, strict=True) if k == layer)
        assert all(b - a > 1 - 1e-9 for a, b in itertools.pairwise(rows))
    assert min(layout.heights) >= 0


def test_inputs_stand_just_before_what_reads_them_and_trees_have_no_crossing():
    wires = [(0, 2), (1, 2), (2, 4), (3, 4)]  # (x+y)*z
    layout = layered(5, wires)
    assert layout.layers == [0, 0, 1, 1, 2]
    assert layout.heights[0] < layout.heights[1]
    assert layout.heights[2] < layout.heights[3]


# -------------------------------------------------------------------- rows in JavaScript


def test_every_row_of_numbers_is_written_in_javascript():
    rows = [gate for gate in BUILT_IN.elementwise if gate.name != "scale"]  # the engine's own
    assert unknown_gates(rows) == []
    assert unknown_gates([BUILT_IN["sum"]]) == ["sum"]


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
def test_rows_in_javascript_compute_what_the_engine_does(tmp_path):
    rows = [gate for gate in BUILT_IN.elementwise if gate.name != "scale"]
    cases = []
    for gate in rows:
        for sample in gate.samples.split(";"):
            xs = [float(x) for x in sample.split(",")]
            graph = Graph(BUILT_IN)
            leaves = [graph.input(f"x{k}") for k in range(len(xs))]
            output = graph.add(gate, tuple(leaves))
            run = Machine(graph, IEEE).run(xs)
            backward(run, output, 0.7)
            cases.append([gate.name, xs, run.values[output], [run.gradients[k] for k in leaves]])
    script = """
        console.log(JSON.stringify(CASES.map(([name, xs]) => {
            const program = [...xs.map(() => null), [name, ...xs.keys()]];
            const values = forward(program, xs);
            const gradients = backward(program, values, { [xs.length]: 0.7 });
            return [values[xs.length], gradients.slice(0, xs.length)];
        })));"""
    file = tmp_path / "rows.js"
    file.write_text(
        f"{evaluator()}{gate_rows(rows, BUILT_IN)}const CASES = {json.dumps(cases)};{script}"
    )
    ended = subprocess.run(["node", file], capture_output=True, text=True, check=True, timeout=120)
    for (name, xs, value, slopes), (again, gradients) in zip(
        cases, json.loads(ended.stdout), strict=True
    ):
        for ours, theirs in zip([value, *slopes], [again, *gradients], strict=True):
            assert math.isclose(ours, theirs, rel_tol=1e-13, abs_tol=1e-300), (name, xs)


SPREAD = [  # inputs that several gates read, gates that read one twice, gates of every kind
    ("x@x", {"x": [1, 2, 3]}), ("sum(W@W)", {"W": [[1, 2], [3, 4]]}), ("x*x*x", {"x": 2}),
    ("f = w[0]*w[0] + w[1]", {"w": [1, 2]}), ("a = x; b = a; f = a*b", {"x": 2}), ("x", {"x": 2}),
    ("std(x) + var(x) + mean(x) + norm(x) + prod(x)", {"x": [1, 2, 4]}), ("sum(x)", {"x": []}),
    ("max(x) + min(x)", {"x": [1, 0, 4]}), ("log(x)", {"x": 0}), ("exp(x)", {"x": 1000}),
    ("concatenate([x, y])[1:]@[1, 2, 3]", {"x": [1, 2], "y": [3, 4]}),
    ("logsumexp(x, axis=0)[0] + softplus(x)[0][1]", {"x": [[1, 2], [3, 4]]}),
    ("linspace(a, b, 4)@[1, 2, 3, 4]", {"a": 0, "b": 1}), ("where(x > 0, x, -x)", {"x": -2}),
    ("trace(W)*outer(x, x)[0, 1]", {"W": [[1, 2], [3, 4]], "x": [1, 2]}),
]  # fmt: skip
RUN = """((data) => {
    const each = (nested, make) =>
        (Array.isArray(nested) ? nested.map((part) => each(part, make)) : make(nested));
    const text = (x) => (Number.isFinite(x) ? x : `${x}`);
    const inputs = Object.fromEntries(Object.entries(data.start).map(([n, x]) => [n, Number(x)]));
    const values = forward(data.program, inputs);
    const seeds = {};
    [data.seeds].flat(Infinity).forEach((n, k) => {
        seeds[n] = Number([data.upstream].flat(Infinity)[k]);
    });
    const gradients = backward(data.program, values, seeds);
    const all = (places, numbers) => Object.fromEntries(Object.entries(places)
        .map(([id, nested]) => [id, each(nested, (n) => text(numbers[n]))]));
    return [all(data.values, values), all(data.contributions, gradients)];
})"""


def is_near(ours, theirs):
    """Whether two numbers, or nested lists of them, are one but for rounding."""
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(is_near, ours, theirs))
    other = float(theirs.replace("Infinity", "inf")) if isinstance(theirs, str) else theirs
    is_same = ours == other or (ours != ours and other != other)
    return is_same or math.isclose(ours, other, rel_tol=1e-11, abs_tol=1e-14)


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
def test_the_program_of_numbers_computes_the_circuit(tmp_path):
    """Of every sample, and of programs in which an array is read by several gates."""
    samples = [(path.read_text("utf-8"), {}) for path in sorted(SAMPLES.glob("*.grad"))]
    pages = [api.page(*program) for program in (*samples, *SPREAD)]
    calls = []
    for page in pages:
        data = data_of(written(page))
        data = {**data["evaluator"], "upstream": data["upstream"]}
        calls.append(f"(() => {{ {page.evaluator.script} return {RUN}({json.dumps(data)}); }})()")
    file = tmp_path / "all.js"
    file.write_text(f"console.log(JSON.stringify([{', '.join(calls)}]))", "utf-8")
    ended = subprocess.run(["node", file], capture_output=True, text=True, check=True, timeout=120)
    for page, (values, contributions) in zip(pages, json.loads(ended.stdout), strict=True):
        for node in page.circuit.nodes:
            if node.role != "constant":
                assert is_near(node.value, values[node.id]), (page.circuit.expression, node)
        for wire in page.circuit.wires:
            if wire.contribution is not None:
                assert is_near(wire.contribution, contributions[wire.id]), (
                    page.circuit.expression,
                    wire,
                )
