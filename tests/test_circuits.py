"""The circuit of a program as pictures have it: nodes, wires, and what flows along them."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from gradcli.api import circuit, evaluate
from gradcli.errors import GradcliError
from gradcli.reports.circuits import Wiring
from gradcli.reports.schemas import schema_text

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "sample_exprs"
SCHEMA = Draft202012Validator(json.loads(schema_text("graph")))

LECTURE = ("(x+y)*z", {"x": -2, "y": 5, "z": -4})
NEURON = "w=[2,-3,-3]; x=[-1,-2]; f = 1/(1+exp(-(w[0]*x[0] + w[1]*x[1] + w[2])))"
PATTERNS = ("2*(x*y + max(z, w))", {"x": 3, "y": -4, "z": 2, "w": -1})


# What `probs[range(n), y]` takes, flat, with the inferred y = [0, 2, 2, 1, 0] and 23 columns.
TAKEN = [23 * row + label for row, label in enumerate([0, 2, 2, 1, 0])]


def sample(name, **options):
    return circuit((SAMPLES / name).read_text("utf-8"), name=name, **options)


def wires(drawn):
    """Every wire by the names of its ends: (source, target, contribution)."""
    names = {node.id: node.name for node in drawn.nodes}
    return [(names[w.source], names[w.target], w.contribution) for w in drawn.wires]


def node(drawn, name):
    (only,) = [n for n in drawn.nodes if n.name == name]
    return only


def rounded(number):
    return np.round(number, 2).tolist()


# ---------------------------------------------------------------- the lecture's circuits


def test_the_first_circuit_of_the_lecture():
    drawn = circuit(*LECTURE)
    assert wires(drawn) == [
        ("x", "#1", -4), ("y", "#1", -4), ("#1", "#out", -4), ("z", "#out", 3),
    ]  # fmt: skip
    assert [(n.name, n.role, n.label, n.value, n.gradient) for n in drawn.nodes] == [
        ("x", "input", "x", -2, -4), ("y", "input", "y", 5, -4), ("z", "input", "z", -4, 3),
        ("#1", "stage", "+", 3, -4), ("#out", "output", "*", -12, 1),
    ]  # fmt: skip
    assert drawn.output == "n4"
    assert drawn.forks() == []


def test_the_neuron_of_the_lecture():
    """Its list is drawn number by number, and the constants of `*-1`, `+1` and `1/x` are no nodes."""
    drawn = circuit(NEURON)
    shown = [(n.name, rounded(n.value), rounded(n.gradient)) for n in drawn.nodes]
    assert shown[:5] == [
        ("w[0]", 2, -0.2), ("x[0]", -1, 0.39), ("w[1]", -3, -0.39), ("x[1]", -2, -0.59),
        ("w[2]", -3, 0.2),
    ]  # fmt: skip
    assert [(n.label, rounded(n.value), rounded(n.gradient)) for n in drawn.nodes[5:]] == [
        ("*", -2, 0.2), ("*", 6, 0.2), ("+", 4, 0.2), ("+", 1, 0.2), ("*-1", -1, -0.2),
        ("exp", 0.37, -0.53), ("+1", 1.37, -0.53), ("1/x", 0.73, 1),
    ]  # fmt: skip
    assert all(n.role != "constant" for n in drawn.nodes)


def test_the_patterns_of_the_lecture():
    drawn = circuit(*PATTERNS)
    assert {(a, c) for a, _, c in wires(drawn)} == {
        ("x", -8), ("y", 6), ("z", 2), ("w", 0), ("#1", 2), ("#2", 2), ("#3", 2),
    }  # fmt: skip


# ---------------------------------------------------------------- wires


def test_the_contributions_of_a_fork_add_up_to_the_gradient():
    drawn = sample("staged.grad")
    forks = {fork.node: fork for fork in drawn.forks()}
    assert [node(drawn, n).id in forks for n in ("x", "y", "f")] == [True, True, False]
    for fork in forks.values():
        assert sum(fork.contributions) == pytest.approx(fork.sum, rel=1e-14)


def test_an_operand_that_is_used_twice_by_one_gate_has_two_wires():
    drawn = circuit("x*x", {"x": 3})
    assert wires(drawn) == [("x", "#out", 3), ("x", "#out", 3)]
    assert [w.operand for w in drawn.wires] == [0, 1]
    assert drawn.forks()[0].sum == 6


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.grad")), ids=lambda p: p.stem)
def test_every_wire_carries_upstream_times_local_and_every_fork_its_sum(path):
    drawn = sample(path.name)
    wiring = Wiring(drawn)
    for wire in drawn.wires:
        source, upstream = wiring.node[wire.source], wiring.node[wire.target].gradient
        if wire.contribution is None:
            assert source.role == "constant" or source.gradient is None
        elif not source.shape and not wiring.node[wire.target].shape and wire.local_gradient:
            assert wire.contribution == pytest.approx(upstream * wire.local_gradient, rel=1e-9)
        if wire.contribution is not None:
            assert np.shape(wire.contribution) == tuple(source.shape)
    for each in drawn.nodes:
        back = [w.contribution for w in wiring.leaving[each.id] if w.contribution is not None]
        if back and each.gradient is not None:
            total = np.sum(back, axis=0)
            assert total == pytest.approx(np.array(each.gradient), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.grad")), ids=lambda p: p.stem)
def test_values_and_gradients_are_those_of_eval(path):
    drawn = sample(path.name)
    report = evaluate(path.read_text("utf-8"), name=path.name, check=False)
    assert node(drawn, report.output).value == report.value
    inputs = {n.name: n for n in drawn.nodes if n.role == "input"}
    for name, gradient in report.gradients.items():
        if name in inputs:
            assert (inputs[name].value, inputs[name].gradient) == (report.inputs[name], gradient)
    by_name = {stage.name: stage for stage in report.stages}
    for each in drawn.nodes:
        if each.is_gate and each.name in by_name:
            stage = by_name[each.name]
            assert (each.value, each.gradient, each.label, each.line) == (
                stage.value, stage.gradient, stage.label, stage.line
            )  # fmt: skip


def test_many_digits_are_taken_where_float64_loses_them():
    """Also by the contributions of a fork, which in float64 are nan here."""
    drawn = circuit("exp(x)/exp(x-1)", {"x": 800})
    assert drawn.arithmetic == "mpmath"
    assert drawn.forks()[0].contributions == pytest.approx([np.e, -np.e], rel=1e-15)
    assert drawn.forks()[0].sum == 0
    assert "exp overflows" in drawn.notes[0]


def test_nothing_flows_back_from_an_array_without_an_upstream_gradient():
    drawn = circuit("x*y", {"x": [1, 2], "y": [3, 4]})
    assert [w.contribution for w in drawn.wires] == [None, None]
    assert "--upstream" in drawn.notes[-1]
    drawn = circuit("x*y", {"x": [1, 2], "y": [3, 4]}, upstream="ones")
    assert [w.contribution for w in drawn.wires] == [[3, 4], [1, 2]]


def test_a_gate_through_which_nothing_flows_sends_back_zero():
    drawn = circuit("where(x > 0, x, 2*x) + floor(y)", {"x": 3, "y": 2.5})
    back = {(a, b): c for a, b, c in wires(drawn)}
    assert back["y", "#4"] == 0
    assert back["x", "#1"] == 0


# ---------------------------------------------------------------- what is drawn


def test_constants_that_the_symbol_does_not_show_are_drawn_at_every_use():
    drawn = circuit("max(x, 0) + max(y, 0)", {"x": 1, "y": 2})
    constants = [n for n in drawn.nodes if n.role == "constant"]
    assert [(n.label, n.value, n.gradient) for n in constants] == [("0", 0, None)] * 2


@pytest.mark.parametrize(("text", "names"), [
    ("w[0]*w[1] + w[0] + w[-3]", ["w[0]", "w[1]"]),  # read three times, drawn once
    ("w[0] + sum(w)", ["w"]),  # something takes it whole
    ("w[0]*w[2]", ["w[0]", "w[2]"]),  # what is not used is not drawn
    ("m[0][1] * m[1,0]", ["m[0][1]", "m[1][0]"]),
    ("sum(m[0]) * m[1][0]", ["m[0]", "m[1][0]"]),
    ("sum(m[0]) * m[0][0]", ["m"]),  # they overlap
    ("sum(w[0:2])", ["w"]),
])  # fmt: skip
def test_an_input_is_drawn_apart_where_its_parts_are_all_that_is_used(text, names):
    drawn = circuit(text, {"w": [1, 2, 3], "m": [[1, 2], [3, 4]]})
    assert [n.name for n in drawn.nodes if n.role == "input"] == names
    report = evaluate(text, {"w": [1, 2, 3], "m": [[1, 2], [3, 4]]}, check=False)
    gradients = {name: np.array(g) for name, g in report.gradients.items()}
    for each in drawn.nodes:
        if each.role == "input":
            whole, *path = each.name.replace("]", "").split("[")
            assert np.array_equal(each.gradient, gradients[whole][tuple(map(int, path))])


def test_what_the_output_does_not_depend_on_is_not_drawn_but_noted():
    drawn = circuit("q = x + y; r = x * y; f = 2*q", {"x": 1, "y": 2})
    assert [n.name for n in drawn.nodes if n.is_gate] == ["q", "f"]
    assert drawn.notes == ["not drawn, for the output does not depend on them: r"]


def test_expand_fuse_output_and_wrt_are_those_of_eval():
    labels = [n.label for n in circuit("sigmoid(x)", {"x": 1}, expand=True).nodes]
    assert labels == ["x", "*-1", "exp", "+1", "1/x"]
    fused = circuit("1/(1+exp(-x))", {"x": 1}, fuse=True)
    assert [n.gate for n in fused.nodes] == ["input", "sigmoid"]
    part = circuit("q = x + y; f = q*z", {"x": 1, "y": 2, "z": 3}, output="q")
    assert [n.name for n in part.nodes] == ["x", "y", "q"]
    with pytest.raises(GradcliError, match="not an input"):
        circuit("x", {"x": 1}, wrt=["y"])


def test_with_wrt_gradients_are_those_that_lead_to_these_inputs():
    drawn = circuit(
        "(x+y)*(z*z) + w[0]*w[1]", {"x": -2, "y": 5, "z": -4, "w": [1, 2]}, wrt=["z", "w"]
    )
    gradients = {n.name: n.gradient for n in drawn.nodes}
    assert gradients == {
        "x": None, "y": None, "z": -24, "w[0]": 2, "w[1]": 1, "#1": None, "#2": 3, "#3": 1, "#4": 1,
        "#out": 1,
    }  # fmt: skip
    assert all(w.contribution is None for w in drawn.wires if w.source in ("n0", "n1"))
    assert circuit(*LECTURE, wrt=["x", "y", "z"]) == circuit(*LECTURE)


def test_nodes_are_topological_and_operands_complete():
    drawn = circuit("max(x, 0)*2 + sum(w, axis=0)", {"x": 1, "w": [1, 2]})
    seen = set()
    for each in drawn.nodes:
        assert {k for k in each.operands if isinstance(k, str)} <= seen
        seen.add(each.id)
    assert [n.operands for n in drawn.nodes if n.gate in ("mul", "sum")] == [
        ["n3", 2.0], ["n1", [[0], False]]
    ]  # fmt: skip


# ---------------------------------------------------------------- hand-written backward passes


def judged(name):
    drawn = sample(f"mistakes/{name}.grad")
    names = {n.id: n.name for n in drawn.nodes}
    return drawn, {(names[w.source], w.code_line): w for w in drawn.wires if w.verdict}


def test_the_wire_of_a_wrong_line_has_both_numbers():
    drawn, by_line = judged("not_switched")
    wrong = [w for w in by_line.values() if w.verdict == "fail"]
    assert [(w.claim, w.expected, w.is_cause, w.code_line) for w in wrong] == [(-4, 3, True, 7)]
    assert (node(drawn, "z").claim, node(drawn, "z").verdict) == (-4, "fail")
    assert node(drawn, "x").verdict == "pass"


def test_wires_that_are_wrong_because_of_another_are_no_cause():
    _, by_line = judged("sign")
    wrong = {name: w.is_cause for (name, _), w in by_line.items() if w.verdict == "fail"}
    assert len(wrong) > 1
    assert [name for name, is_cause in wrong.items() if is_cause] == ["den"]


def test_lines_about_elements_are_about_the_wires_of_elements():
    text = (
        "w = [2, -3, -3]; x = [-1, -2]\ndot = w[0]*x[0] + w[1]*x[1] + w[2]\nf = dot*dot\n"
        "ddot = 2*dot\ndw[0] += x[0]*ddot\ndw[1] += x[0]*ddot\ndw[2] += ddot\n"
        "dx = [w[0]*ddot, w[0]*ddot]\n"
    )
    drawn = circuit(text)
    names = {n.id: n.name for n in drawn.nodes}
    told = {names[w.source]: (w.claim, w.expected, w.verdict) for w in drawn.wires if w.verdict}
    told.pop("dot", None)
    assert told == {
        "w[0]": (-2, -2, "pass"), "w[1]": (-2, -4, "fail"), "w[2]": (2, 2, "pass"),
        "x[0]": (4, 4, "pass"), "x[1]": (4, -6, "fail"),
    }  # fmt: skip
    assert node(drawn, "w[1]").verdict == "fail"
    assert node(drawn, "w[0]").verdict == "pass"


def test_the_lines_that_are_wrong_are_told_in_notes():
    """Also those of helpers, which are about no wire."""
    drawn, _ = judged("not_switched")
    (note,) = drawn.notes
    assert note.startswith("line 7, dz: your factor is z")
    text = "x = 2\nq = sin(x)\nf = q*3\ndq = 3\ndelta = cos(x)*x\ndx = delta*dq\n"
    drawn = circuit(text)
    assert [note.partition(":")[0] for note in drawn.notes] == ["line 5, delta"]
    assert {w.is_cause for w in drawn.wires if w.verdict == "fail"} == {False}


def test_contributions_that_are_overwritten_are_missing_on_their_wires():
    drawn, _ = judged("overwritten")
    lost = [w for w in drawn.wires if w.verdict == "fail"]
    assert [(w.claim, w.is_cause) for w in lost] == [(None, True)] * 2
    assert {rounded(w.expected) for w in lost} == {-0.04, 1.58}


def test_places_that_are_taken_from_an_array_are_lists_of_them():
    taken = [n.operands for n in python_circuit("two_layer_functions.py").nodes if n.gate == "take"]
    assert taken == [["n12", [TAKEN]]]


def test_eval_has_places_as_lists_too(gradcli):
    path = ROOT / "tests/python_files/two_layer_functions.py"
    data = json.loads(gradcli("eval", "--file", path, "--no-check", "--json").out)
    taken = [s["operands"] for s in data["stages"] if s["gate"] == "take"]
    assert taken == [["probs", [TAKEN]]]


SIGMOID = ("activations.py:sigmoid", {"upstream": "ones"})


def test_lines_that_pass_back_their_own_upstream_are_not_judged_with_another():
    drawn = python_circuit(SIGMOID[0], **SIGMOID[1])
    assert "its own upstream gradient" in drawn.notes[-1]
    assert {w.verdict for w in drawn.wires} == {None}
    report = evaluate(
        (ROOT / "tests/python_files/activations.py").read_text("utf-8"),
        name=f"{ROOT}/tests/python_files/{SIGMOID[0]}", **SIGMOID[1],
    )  # fmt: skip
    assert "its own upstream gradient" in report.notes[-1]


# ---------------------------------------------------------------- collapsed


def test_named_stages_are_boxes_and_a_stage_of_one_gate_stays_that_gate():
    drawn = sample("staged.grad", collapse=True)
    gates = {n.name: (n.gate, n.size) for n in drawn.nodes if n.is_gate}
    assert gates == {
        "sigy": ("group", 4), "num": ("add", None), "sigx": ("group", 4), "xpy": ("add", None),
        "xpysqr": ("pow", None), "den": ("add", None), "invden": ("div", None), "f": ("mul", None),
    }  # fmt: skip
    whole = sample("staged.grad")
    for name in gates:
        assert node(drawn, name)[8:10] == node(whole, name)[8:10], name  # value and gradient
    back = {(a, b): c for a, b, c in wires(drawn)}
    assert back["x", "sigx"] == pytest.approx(-0.035761547812653706)
    assert sum(c for (a, _), c in back.items() if a == "x") == pytest.approx(
        node(drawn, "x").gradient
    )


def test_wires_from_one_node_into_one_box_are_one():
    drawn = circuit("a = x*x + 3*x; f = a*x", {"x": 2}, collapse=True)
    assert wires(drawn) == [("x", "a", 14), ("a", "f", 2), ("x", "f", 10)]


def test_a_collapsed_circuit_keeps_the_verdicts_of_stages():
    drawn = sample("mistakes/overwritten.grad", collapse=True)
    names = {n.id: n.name for n in drawn.nodes}
    wrong = {(names[w.source], names[w.target]) for w in drawn.wires if w.verdict == "fail"}
    assert wrong == {("x", "sigx"), ("x", "xpy")}


@cache
def python_circuit(name, **options):
    path = ROOT / "tests/python_files" / name.partition(":")[0]
    return circuit(path.read_text("utf-8"), name=f"{ROOT}/tests/python_files/{name}", **options)


def test_a_line_that_a_loop_repeats_is_one_box():
    """Each of its values is a node, and the lines stand in the order in which they need each other."""
    drawn = python_circuit("rnn_layers.py:rnn_forward", collapse=True)
    boxes = [n for n in drawn.nodes if n.gate == "group"]
    assert [n.label.partition(" = ")[0] for n in boxes] == [
        "next_h, cache_t",
        "next_h",
        "h[:, t, :]",
    ]
    assert [n.size for n in boxes] == [3, 15, 3]
    assert sum(n.gate == "part" for n in drawn.nodes) == 6


LOOP = """import numpy as np


def forward(x, w):
    a = x
    for k in range(ROUNDS):
        b = np.tanh(a * w)
        a = b + x
    return np.sum(a)


def backward(x, w):
    return x, w
"""


@pytest.mark.parametrize("rounds", [2, 30])
def test_lines_that_lead_to_one_another_are_one_box(rounds, tmp_path):
    text = LOOP.replace("ROUNDS", str(rounds))
    drawn = circuit(text, {"x": 0.5, "w": 0.3}, name="loop.py:forward", collapse=True)
    (box,) = [n for n in drawn.nodes if n.gate == "group"]
    assert (box.label, box.size) == ("lines 7 to 8", 3 * rounds)
    assert box.gradient == 1


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.grad")), ids=lambda p: p.stem)
def test_collapsing_changes_no_value_and_no_gradient(path):
    whole, drawn = sample(path.name), sample(path.name, collapse=True)
    before = {n.name: n for n in whole.nodes}
    for each in drawn.nodes:
        if each.role != "constant":
            assert (each.value, each.gradient) == (
                before[each.name].value,
                before[each.name].gradient,
            )
    seen = set()
    for each in drawn.nodes:  # topological
        assert {k for k in each.operands if isinstance(k, str)} <= seen
        seen.add(each.id)
    wiring = Wiring(drawn)
    for each in drawn.nodes:
        back = [w.contribution for w in wiring.leaving[each.id] if w.contribution is not None]
        if back and each.gradient is not None:
            assert np.sum(back, axis=0) == pytest.approx(
                np.array(each.gradient), rel=1e-9, abs=1e-12
            )


# ---------------------------------------------------------------- JSON


@pytest.mark.parametrize("words", [
    ["(x+y)*z", "x=-2", "y=5", "z=-4"], ["--file", SAMPLES / "two_layers.grad"],
    ["--file", SAMPLES / "mistakes/overwritten.grad"], ["x*y", "x=[1,2]", "y=[3,4]"],
    ["log(x)", "x=-1"], ["--file", f"{SAMPLES}/layers.py:affine"], ["max(x,0)*[1,2]@[3,4]", "x=1"],
    ["--file", f"{ROOT}/tests/python_files/rnn_layers.py:rnn_forward", "--collapse"],
])  # fmt: skip
def test_json_is_one_document_of_its_schema(gradcli, words):
    ended = gradcli("graph", *words, "--format", "json")
    assert ended.code == 0
    SCHEMA.validate(json.loads(ended.out))
    assert ended.out.count("\n") == 1


def test_an_error_is_a_document_too(gradcli):
    ended = gradcli("graph", "x +", "--json")
    assert ended.code == 2
    assert json.loads(ended.out)["schema"] == "gradcli.error/1"
