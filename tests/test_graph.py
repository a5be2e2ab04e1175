"""The graph: what is shared and what is not, its order, its copies, its texts."""

from __future__ import annotations

import math

import pytest

from gradcli.gates.table import BUILT_IN
from gradcli.graph.nodes import LONGEST_EXPRESSION, Graph, stage_names
from gradcli.program.reader import read

XYZ = ("x", "y", "z")


def gates_of(text, free=XYZ):
    """The names of the gates of a program, in order."""
    graph = read(text, free=free).graph
    return [graph.gates[node].name for node in graph.gate_nodes()]


# ---------------------------------------------------------------- leaves


def test_constants_are_interned_by_their_bits():
    graph = Graph()
    assert graph.constant(2.0) == graph.constant(2)
    assert graph.constant(0.0) != graph.constant(-0.0)
    assert graph.constant(math.nan) == graph.constant(-math.nan) == graph.constant(float("nan"))
    assert graph.constant(math.inf) != graph.constant(-math.inf)
    assert graph.constant(0.1 + 0.2) != graph.constant(0.3)
    assert len(graph) == 8


def test_a_signed_zero_keeps_its_sign():
    graph = Graph()
    signs = [math.copysign(1, graph.constants[graph.constant(zero)]) for zero in (0.0, -0.0)]
    assert signs == [1, -1]


def test_an_input_is_one_node_however_often_it_is_read():
    graph = read("x*x + x*y", free=XYZ).graph
    assert list(graph.inputs) == ["x", "y"]
    assert [gate.name for gate in graph.gates].count("input") == 2


def test_gates_over_constants_are_not_active():
    program = read("(1/3) * x", free=["x"])
    graph = program.graph
    assert [graph.active[node] for node in graph.gate_nodes()] == [0, 1]


# ---------------------------------------------------------------- sharing


@pytest.mark.parametrize(
    ("text", "gates"),
    [
        ("(x+y) * (x+y)", ["add", "mul"]),
        ("sin(x*y) + x*y", ["mul", "sin", "add"]),
        ("(x+y) * (y+x)", ["add", "add", "mul"]),  # not the same order: not the same gate
        ("a = x*y; b = x*y; a + b", ["mul", "mul", "add"]),  # named stages are walls
        ("a = sin(x*y); b = cos(x*y); a + b", ["mul", "sin", "mul", "cos", "add"]),
        ("a = x*y; b = a*a + a*a; b", ["mul", "mul", "add"]),
        ("a = x; b = a; b*b", ["copy", "copy", "mul"]),
        ("a = 3*x; b = 3*x + a", ["mul", "mul", "add"]),
    ],
)
def test_equal_anonymous_parts_of_one_statement_are_one_node(text, gates):
    assert [name for name in gates_of(text) if name != "copy" or "copy" in gates] == gates


def test_a_stage_is_not_merged_with_an_equal_part_of_its_own_statement():
    program = read("a = x*y; f = a + x*y", free=XYZ)
    left, right = program.graph.operands[program.output]
    assert left == program.stages["a"] != right


# ---------------------------------------------------------------- stages


def test_a_stage_that_is_an_input_or_a_stage_gets_a_copy_gate():
    program = read("a = x; b = a; f = a*b", free=["x"])
    graph = program.graph
    assert [graph.gates[program.stages[n]].name for n in "abf"] == ["copy", "copy", "mul"]
    assert graph.operands[program.stages["b"]] == (program.stages["a"],)


def test_an_expression_that_is_only_a_name_is_a_copy():
    program = read("x", free=["x"])
    assert program.graph.gates[program.output].name == "copy"


def test_names_of_stages_count_anonymous_gates_in_order():
    program = read("a = x*y + z; (a + 1) * sin(a)", free=XYZ)
    names = stage_names(program.graph, program.output)
    assert list(names.values()) == ["#1", "a", "#2", "#3", "#out"]
    program = read("f = x*y + z", free=XYZ)
    assert list(stage_names(program.graph, program.output).values()) == ["#1", "f"]


# ---------------------------------------------------------------- order, reach, copies


TEXTS = (
    "x", "x*x + x", "a = x + y; b = a*z; c = sin(a) * cos(b); c / (a + b)",
    "max(x, y, z) - hypot(x, y)", "where(x > 0, log(x), x) * y", "w = [x, y]; w[0]*w[1] + z",
)  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_operands_stand_before_the_gates_that_read_them(text):
    graph = read(text, free=XYZ).graph
    assert all(k < node for node in graph.gate_nodes() for k in graph.operands[node])
    assert len(graph.gates) == len(graph.operands) == len(graph.active) == len(graph.tokens)


def test_reaches_is_what_the_output_depends_on():
    program = read("a = x + y; b = a*z; c = sin(a); f = c*x", free=XYZ)
    reached = program.graph.reaches(program.output)
    names = {name for name, node in program.stages.items() if reached[node]}
    assert names == {"a", "c", "f"}
    assert not reached[program.graph.inputs["z"]]


def test_a_cone_is_the_gates_between_a_leaf_and_the_output():
    program = read("a = x + y; b = x*z; c = sin(a); f = c*z", free=XYZ)
    graph, stages = program.graph, program.stages
    assert graph.cone(graph.inputs["x"], program.output) == [stages[n] for n in "acf"]
    assert graph.cone(graph.inputs["z"], program.output) == [stages["f"]]
    assert graph.cone(graph.inputs["z"], stages["c"]) == []


def test_pruned_drops_what_no_one_keeps():
    graph = Graph()
    x, y = graph.input("x"), graph.input("y")
    kept = graph.node(BUILT_IN["mul"], (x, graph.constant(2.0)))
    graph.node(BUILT_IN["sin"], (graph.constant(5.0),))
    named = graph.stage("s", graph.node(BUILT_IN["cos"], (y,)), 4, 0)
    smaller, moved = graph.pruned([kept])
    assert [gate.name for gate in smaller.gates] == ["input", "input", "constant", "mul", "cos"]
    assert smaller.operands[moved[kept]] == (moved[x], 2)
    assert smaller.inputs == {"x": moved[x], "y": moved[y]}
    assert smaller.names[moved[named]] == "s"
    assert smaller.constants == {2: 2.0}
    assert bytes(smaller.active) == b"\1\1\0\1\1"


# ---------------------------------------------------------------- labels and texts


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("x*2", "*2"), ("2*x", "*2"), ("x*-1", "*-1"), ("-x", "*-1"), ("x+1", "+1"), ("1+x", "+1"),
        ("x-1", "-1"), ("1-x", "1-x"), ("1/x", "1/x"), ("x/2", "/2"), ("x**2", "x**2"),
        ("2**x", "2**x"), ("x**-0.5", "x**-0.5"), ("x*0.1", "*0.1"), ("x + y", "+"), ("x / y", "/"),
        ("x ** y", "**"), ("exp(x)", "exp"), ("x < y", "<"), ("max(x, 0)", "max"), ("x", "copy"),
        ("2*3*x", "*"), ("reciprocal(x)", "reciprocal"),
    ],
)  # fmt: skip
def test_a_constant_operand_is_drawn_as_part_of_the_gate(text, label):
    program = read(text, free=XYZ)
    assert program.graph.label(program.output) == label


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("(x+y)*z", "(x + y) * z"),
        ("x-(y-z)", "x - (y - z)"),
        ("(x-y)-z", "x - y - z"),
        ("-x**2", "-x**2"),
        ("(-x)**2", "(-x)**2"),
        ("(x**y)**z", "(x**y)**z"),
        ("x**y**z", "x**y**z"),
        ("a = x + y; a*a", "a * a"),
        ("w = [x, y]; w[0]*w[1]", "w[0] * w[1]"),
        ("huber(x)", "huber(x)"),
        ("huber(x, 2)", "huber(x, 2)"),
        ("leaky_relu(x, slope=0.01)", "leaky_relu(x)"),
        ("where(x > 0, x, y)", "where(x > 0, x, y)"),
        ("x if y else z", "where(y, x, z)"),
    ],
)
def test_a_node_reads_as_the_expression_it_computes(text, phrase):
    program = read(text, free=XYZ)
    graph = program.graph
    assert graph.phrases(stage_names(graph, program.output))[program.output][0] == phrase


@pytest.mark.parametrize("text", [text for text in TEXTS if "=" not in text])
def test_a_phrase_read_back_computes_the_same(text):
    program = read(text, free=XYZ)
    phrase, _ = program.graph.phrases(stage_names(program.graph, program.output))[program.output]
    again = read(phrase, free=XYZ)
    assert [gate.name for gate in again.graph.gates] == [g.name for g in program.graph.gates]


@pytest.mark.parametrize("at", [":, :, :, :, 0:1", ", ".join(["0:10000000000000"] * 5)])
def test_a_long_index_stands_as_it_is(at):
    """It is no stage, and has no number that could stand for it."""
    program = read(f"sum(x[{at}])", settings={"x": "ones(2, 2, 2, 2, 2)"})
    phrases = program.graph.phrases(stage_names(program.graph, program.output))
    assert f"x[{at}]" in [text for text, _ in phrases]


def test_the_texts_of_a_long_chain_stay_short():
    """An operand longer than 60 characters stands as its number, so 10,000 terms stay linear."""
    program = read(" + ".join(f"x*{k}" for k in range(10_000)), free=["x"])
    phrases = program.graph.phrases(stage_names(program.graph, program.output))
    longest = max(len(text) for text, _ in phrases)
    assert LONGEST_EXPRESSION < longest <= 3 * LONGEST_EXPRESSION


def test_constants_keep_their_names_where_nothing_else_bears_them():
    import gradcli

    report = gradcli.evaluate("sin(pi*x) + e**-x + tau", {"x": 1}, check=False)
    assert report.expression == "sin(pi * x) + e**-x + tau"
    assert [stage.label for stage in report.stages] == ["*pi", "sin", "*-1", "e**x", "+", "+tau"]
    report = gradcli.evaluate("e = 2*x; f = e*2.718281828459045", {"x": 1}, check=False)
    assert report.expression == "e * 2.718281828459045"
