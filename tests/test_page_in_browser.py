"""The stepping page in a real browser: its numbers, its controls, its widths."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import pytest
from browser import Browser, chromium
from pages import LAYERS, LECTURE, SAMPLES, written

from gradcli import api
from gradcli.errors import GradcliError

AXE = Path(__file__).parent / "node" / "node_modules" / "axe-core" / "axe.min.js"
NEURON = (
    "1/(1+exp(-(w[0]*x[0] + w[1]*x[1] + w[2])))",
    {"w": [2, -3, -3], "x": [-1, -2]},
)


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


@pytest.fixture(scope="module")
def browser():
    if chromium() is None:
        pytest.skip("there is no chromium")
    browser = Browser()
    yield browser
    browser.close()


def shown(browser, id):
    """The exact number that is drawn at a place; None where nothing is drawn."""
    return browser.run(f"JSON.parse(document.getElementById({id!r})?.dataset.exact ?? 'null')")


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
