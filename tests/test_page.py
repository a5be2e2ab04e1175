"""The stepping page: its file, its layout, its rows in JavaScript, and the page in a browser."""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import json
import math
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from random import Random

import pytest
from browser import Browser, chromium

from gradcli import api
from gradcli.arithmetic.floats import IEEE
from gradcli.emit import backward_lines, forward_lines
from gradcli.emit.javascript import evaluator, gate_rows, unknown_gates
from gradcli.engine import Machine, backward
from gradcli.errors import GradcliError, LimitError
from gradcli.gates.table import BUILT_IN
from gradcli.graph.nodes import Graph
from gradcli.program.reader import read
from gradcli.render.look import Look
from gradcli.render.page.document import html
from gradcli.render.page.layered import layered

SAMPLES = Path(__file__).parent.parent / "sample_exprs"
AXE = Path(__file__).parent / "node" / "node_modules" / "axe-core" / "axe.min.js"
LECTURE = ("(x+y)*z", {"x": -2, "y": 5, "z": -4})
NEURON = (
    "1/(1+exp(-(w[0]*x[0] + w[1]*x[1] + w[2])))",
    {"w": [2, -3, -3], "x": [-1, -2]},
)
LAYERS = ("sum(tanh(W2 @ relu(W@x + b))**2)",
          {"W": [[0.1, -0.5], [0.7, 0.2]], "x": [1, 2], "b": [0.3, -0.1], "W2": [[1, -2]]})  # fmt: skip


def written(page):
    return "".join(html(page, Look(io.StringIO(), decimals=2)))


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


# -------------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def browser():
    if chromium() is None:
        pytest.skip("there is no chromium")
    browser = Browser()
    yield browser
    browser.close()


IN_A_BROWSER = pytest.mark.slow
TEXTS = {
    "first": LECTURE,
    "neuron": NEURON,
    "staged": ((SAMPLES / "staged.grad").read_text("utf-8"), {}),
    "patterns": ("2*(x*y + max(z, w))", {"x": 3, "y": -4, "z": 2, "w": -1}),
    "fork": ("x*x*x + sin(x)*y", {"x": 0.7, "y": 2}),
    "layers": LAYERS,
    "hidden": ("log(1 + exp(x)) * (1 - cos(y))", {"x": 1000, "y": 1e-9}),
}


@pytest.fixture
def opened(browser, tmp_path):
    """Write the page of a program and open it."""

    def open_page(text, inputs, **how):
        page = api.page(text, inputs)
        file = tmp_path / "page.html"
        file.write_text(written(page), "utf-8")
        browser.open(file, **how)
        return page

    return open_page


def shown(browser, id):
    """The exact number that is drawn at a place; None where nothing is drawn."""
    return browser.run(f"JSON.parse(document.getElementById({id!r})?.dataset.exact ?? 'null')")


def strict(number):
    """A number as JSON has it."""
    if isinstance(number, list):
        return [strict(part) for part in number]
    if number is None or math.isfinite(number):
        return number
    return {"inf": "inf", "-inf": "-inf", "nan": "nan"}[str(number)]


def near(ours, theirs):
    if isinstance(theirs, list) and not isinstance(ours, list):  # one slope for all elements
        return all(near(ours, part) for part in theirs)
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(near, ours, theirs))
    return math.isclose(ours, theirs, rel_tol=1e-12, abs_tol=1e-300)


def expected(page, step):
    """What must be drawn after so many steps: by place."""
    circuit = page.circuit
    gates = [node for node in circuit.nodes if node.is_gate]
    turns = [node for node in reversed(gates)
             if any(w.target == node.id and w.contribution is not None for w in circuit.wires)]  # fmt: skip
    forwards = {node.id for node in gates[:step]}
    backwards = {node.id for node in turns[: max(0, step - len(gates) - 1)]}
    places = {}
    for node in circuit.nodes:
        is_known = not node.is_gate or node.id in forwards
        places[f"{node.id}-value"] = strict(node.value) if is_known else None
        wires = [w for w in circuit.wires if w.source == node.id and w.contribution is not None]
        is_whole = all(w.target in backwards for w in wires) and bool(wires)
        if node.id == circuit.output:
            is_whole = step > len(gates)
        if is_whole:
            places[f"{node.id}-gradient"] = strict(node.gradient)
        if len(wires) > 1:
            for wire in wires:
                known = wire.target in backwards
                places[f"{wire.id}-contribution"] = strict(wire.contribution) if known else None
    return places


@IN_A_BROWSER
@pytest.mark.parametrize("name", TEXTS)
def test_the_numbers_of_every_step_are_those_of_json(browser, opened, name):
    page = opened(*TEXTS[name])
    steps = browser.run("steps.length")
    for step in range(steps):
        places = expected(page, step)
        drawn = browser.run(
            "Object.fromEntries(" + json.dumps([*places]) + ".map((id) =>"
            " [id, JSON.parse(document.getElementById(id)?.dataset.exact ?? 'null')]))"
        )
        assert drawn == places, step
        browser.press("ArrowRight")
    assert browser.run("state.step") == steps - 1
    assert browser.complaints() == []
    assert browser.requests() == [f"file://{browser.run('location.pathname')}"]


@IN_A_BROWSER
@pytest.mark.parametrize(
    ("name", "input", "typed", "inputs"),
    [
        ("first", "z", "0.5", {"z": 0.5}),
        ("neuron", "w[2]", "-1.25", {"w": [2, -3, -1.25]}),
        ("staged", "x", "1e-1", {"x": 0.1}),
        ("patterns", "w", "7", {"w": 7}),
        ("fork", "x", "-2.5", {"x": -2.5}),
        ("layers", "W[0][1]", "1.5", {"W": [[0.1, 1.5], [0.7, 0.2]]}),
    ],
)
def test_after_a_change_the_numbers_are_those_of_a_fresh_run(
    browser, opened, name, input, typed, inputs
):
    text, first = TEXTS[name]
    opened(text, first)
    browser.run(f"""(() => {{
        const label = [...document.querySelectorAll("#inputs label")]
            .find((l) => l.textContent === {input!r});
        const field = document.getElementById(label.htmlFor);
        field.value = {typed!r};
        field.dispatchEvent(new Event("input", {{ bubbles: true }}));
        go(steps.length - 1);
    }})()""")
    fresh = api.circuit(text, {**first, **inputs})
    numbers = json.loads(
        browser.run("""JSON.stringify(Object.fromEntries(
        ["value", "gradient", "contribution", "local"].map((kind) =>
            [kind, Object.fromEntries(state.numbers[kind])])))""")
    )
    for node in fresh.nodes:
        assert near(node.value, numbers["value"][node.id])
        if node.gradient is not None:
            assert near(node.gradient, numbers["gradient"][node.id])
            assert near(node.gradient, shown(browser, f"{node.id}-gradient"))
    for wire in fresh.wires:
        if wire.contribution is not None:
            assert near(wire.contribution, numbers["contribution"][wire.id])
        if wire.local_gradient is not None and numbers["local"][wire.id] is not None:
            assert near(wire.local_gradient, numbers["local"][wire.id])
    browser.run("document.getElementById('reset').click()")
    assert browser.run("state.numbers.isGiven") is True
    assert browser.complaints() == []


@IN_A_BROWSER
def test_what_is_no_number_is_said_and_changes_nothing(browser, opened):
    opened(*LECTURE)
    said = browser.run("""(() => {
        const field = document.querySelector("#inputs input");
        field.value = "2x";
        field.dispatchEvent(new Event("input", { bubbles: true }));
        return [field.getAttribute("aria-invalid"), document.getElementById("trouble").textContent,
                state.numbers.isGiven];
    })()""")
    assert said == ["true", "A number is needed, such as -0.5 or 1e-3.", True]


@IN_A_BROWSER
def test_keys_buttons_and_slider_move_and_space_plays(browser, opened):
    opened(*LECTURE)
    steps = browser.run("steps.length")
    for key, step in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", steps - 1),
                      ("ArrowRight", steps - 1), ("Home", 0), ("ArrowLeft", 0)):  # fmt: skip
        browser.press(key)
        assert browser.run("state.step") == step, key
    for button, step in (("next", 1), ("last", steps - 1), ("back", steps - 2), ("first", 0)):
        browser.run(f"document.getElementById({button!r}).click()")
        assert browser.run("state.step") == step, button
    browser.run("""(() => { const slider = document.getElementById("slider");
        slider.value = "3"; slider.dispatchEvent(new Event("input")); })()""")
    assert browser.run("state.step") == 3
    assert (
        browser.run("document.getElementById('slider').getAttribute('aria-valuetext')")
        == "step 4 of 6"
    )
    browser.run("document.activeElement.blur()")
    browser.press(" ")
    assert browser.run("document.getElementById('play').textContent") == "Pause"
    browser.press(" ")
    assert browser.run("state.timer") is None
    browser.run("document.querySelector('#inputs input').focus()")
    browser.press("ArrowRight")
    assert browser.run("state.step") == 3  # the key belongs to the field


@IN_A_BROWSER
def test_what_belongs_together_lights_up_together(browser, opened):
    opened(*LECTURE)
    browser.run("go(4)")  # backwards through the product
    assert browser.run("[...document.querySelectorAll('#code .lit')].map((l) => l.textContent)") == [
        "dq1 = z", "dz = q1",
    ]  # fmt: skip
    assert browser.run("[...document.querySelectorAll('svg g.lit')].map((g) => g.id)") == ["n4"]
    assert browser.run("[...document.querySelectorAll('svg .wire.lit')].map((w) => w.id)") == [
        "w2",
        "w3",
    ]
    told = browser.run("document.getElementById('step').textContent")
    assert "local gradient z = -4" in told
    assert "upstream × local = 1 × (-4) = -4" in told


@IN_A_BROWSER
def test_a_slope_that_is_one_number_for_a_whole_array_is_that_number(browser, opened):
    opened("sum(x - y)", {"x": [1, 2], "y": [3, 5]})
    told = browser.run("(go(steps.length - 1), document.getElementById('step').textContent)")
    assert "local gradient -1upstream × local = [1, 1] × (-1) = [-1, -1]" in told


@IN_A_BROWSER
def test_what_was_broadcast_receives_a_sum(browser, opened):
    opened("sum(x*y)", {"x": [1, 2], "y": 3})
    told = browser.run("(go(steps.length - 1), document.getElementById('step').textContent)")
    assert "upstream × local = [1, 1] × [3, 3] = [3, 3]" in told
    assert "sum of upstream × local = sum([1, 1] × [1, 2]) = 3" in told


@IN_A_BROWSER
def test_a_fork_adds_up_step_by_step(browser, opened):
    opened("x*y + x", {"x": 3, "y": 2})
    told = [
        browser.run(f"(go({step}), document.getElementById('step').textContent)")
        for step in range(browser.run("steps.length"))
    ]
    assert any("dx so far: 1 (1 of 2 branches)" in text for text in told)
    assert any("dx so far: 1 + 2 = 3 (2 of 2 branches)" in text for text in told)


@IN_A_BROWSER
def test_the_quiz_hides_what_comes_next_until_it_is_typed(browser, opened):
    opened(*NEURON)
    browser.run("document.getElementById('quiz').click()")
    browser.run("go(8)")  # forwards through 1/x
    assert shown(browser, "n12-value") is None
    assert "0.73" not in browser.run("document.body.innerText")
    answer = """((text) => { document.getElementById("answer-0").value = text;
        document.querySelector("form.quiz").requestSubmit(); })"""
    browser.run(f"{answer}('0.5')")
    assert shown(browser, "n12-value") is None
    assert "Not yet: f" in browser.run("document.getElementById('step').textContent")
    browser.run(f"{answer}('0.73')")
    assert near(shown(browser, "n12-value"), 0.7310585786300049)
    assert browser.run("document.getElementById('said').textContent").startswith("Right. ")
    browser.run("go(10)")  # backwards through 1/x
    browser.run(f"{answer}('-0.53')")
    assert near(shown(browser, "n11-gradient"), -0.534446645388523)


@IN_A_BROWSER
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", TEXTS)
def test_nothing_is_wider_than_the_window(browser, opened, name, width):
    opened(*TEXTS[name], width=width)
    browser.run("go(steps.length - 1)")
    assert browser.run("document.documentElement.scrollWidth") == width


@IN_A_BROWSER
def test_numbers_of_a_circuit_do_not_overlap(browser, opened):
    for name in ("first", "neuron", "staged", "patterns", "layers"):
        opened(*TEXTS[name])
        browser.run("go(steps.length - 1)")
        boxes = browser.run("""[...document.querySelectorAll("svg text")].filter((t) => t.textContent)
            .map((t) => { const b = t.getBBox(); return [t.textContent, b.x, b.y + 2, b.x + b.width, b.y + b.height - 2]; })""")
        for (one, x, y, right, bottom), (two, left, top, end, low) in itertools.combinations(
            boxes, 2
        ):
            assert right <= left or end <= x or bottom <= top or low <= y, (name, one, two)


@IN_A_BROWSER
def test_the_tab_key_visits_all_controls_in_the_order_of_the_page(browser, opened):
    opened(*LECTURE)
    browser.run("go(1)")
    visited = []
    for _ in range(14):
        browser.press("Tab")
        visited.append(browser.run("document.activeElement.id || document.activeElement.className"
                                   " || document.activeElement.tagName"))  # fmt: skip
    fields = [f"input-{n}" for n in (0, 1, 5)]
    assert visited[:12] == [
        "first", "back", "play", "next", "last", "slider", "quiz", "picture", "code", *fields,
    ]  # fmt: skip
    assert visited[12:] == ["reset", "SUMMARY"]


@IN_A_BROWSER
@pytest.mark.skipif(not AXE.exists(), reason="tests/node has no axe-core: npm install there")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing(browser, opened, scheme, width):
    for name in ("staged", "layers"):
        opened(*TEXTS[name], width=width, scheme=scheme)
        browser.run(AXE.read_text("utf-8") + "; 0")
        for state in ("go(0)", "go(9)", "document.querySelector('details').open = true",
                      "document.getElementById('quiz').click()"):  # fmt: skip
            browser.run(state)
            violations = browser.run("""axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })
                .then((r) => r.violations.map((v) => [v.id, v.nodes.map((n) => n.html + n.failureSummary)]))""")
            assert violations == [], state


def test_a_page_of_an_unknown_name_is_an_error_like_any():
    with pytest.raises(GradcliError):
        api.page("x*alhpa", {"x": 1, "alpha": 2})
