"""Many steps at once, as numpy columns, against one step at a time."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradcli
from gradcli.checker import verdicts
from gradcli.checker.cone import Cone
from gradcli.checker.differences import Tableau, differentiate
from gradcli.checker.reach import Reach
from gradcli.checker.sheet import FEW, MOST_COLUMNS, Sheet, find_first_steps
from gradcli.checker.surroundings import Surroundings
from gradcli.checker.together import begin_together
from gradcli.evaluation.numbers import value_bounds
from gradcli.evaluation.point import at, inputs_of
from gradcli.gates.table import BUILT_IN
from gradcli.program.reader import read
from gradcli.requests import Request

EXPRESSIONS = [
    "sin(x*y) + cos(x + 0.3)*y", "tanh(2*x + y)*y - x/(1.5 + y*y)", "exp(-0.3*x*x)*log(2 + y*y)",
    "relu(x + 0.2)*y + max(x, y, 0.1)", "abs(x - y) + where(x > y, x*x, y)", "sqrt(x*x + y*y + 1)",
    "x + 1e-12*tanh(1e12*(x - y))", "1e12 + x*y", "sigmoid(30*x)*softplus(y)", "floor(x) + x*y",
    "x**3*y**2", "logsumexp(x, y, 0.5)*atan2(y, x + 9)", "huber(x) + gelu(y)*erf(x)",
]  # fmt: skip
NUMBERS = st.floats(-3, 3).filter(lambda x: abs(x) > 1e-3)


def estimates(text, point):
    """Pairs of estimates, step by step and in columns, of every input."""
    program = read(text, settings=point)
    found = at(program, inputs_of(program), Request())
    around = Surroundings(found.run, program.output, value_bounds(found.run))
    for leaf in program.graph.inputs.values():
        yield differentiate(Cone(around, leaf)), differentiate(Cone(around, leaf), in_columns=True)


@given(text=st.sampled_from(EXPRESSIONS), x=NUMBERS, y=NUMBERS)
@settings(max_examples=150, deadline=None)
def test_both_ways_agree_within_their_bounds(text, x, y):
    for plain, columns in estimates(text, {"x": x, "y": y}):
        assert math.isfinite(plain.bound) == math.isfinite(columns.bound)
        if math.isfinite(plain.bound):
            assert abs(plain.value - columns.value) <= plain.bound + columns.bound


@pytest.mark.parametrize(
    "gate", [g for g in BUILT_IN if not g.hidden and len(g.operands) == 1 and not g.is_variadic and g.samples],
    ids=lambda gate: gate.name,
)  # fmt: skip
def test_every_gate_of_one_operand_has_the_same_estimate(gate):
    for sample in map(float, gate.samples.split(";")):
        for plain, columns in estimates(f"{gate.name}(x)*x", {"x": sample}):
            if math.isfinite(plain.bound) and math.isfinite(columns.bound):
                assert abs(plain.value - columns.value) <= plain.bound + columns.bound


@pytest.mark.parametrize("text", EXPRESSIONS)
@pytest.mark.parametrize("claim", [None, 0.5])
def test_the_verdicts_are_the_same(text, claim, monkeypatch):
    point = {"x": 0.7, "y": -1.3}
    claims = {} if claim is None else {"x": claim}
    before = gradcli.check(text, point, claims).cases[0].inputs
    monkeypatch.setattr(verdicts, "COLUMNS_PAY", -1)
    after = gradcli.check(text, point, claims).cases[0].inputs
    assert {n: c.verdict for n, c in before.items()} == {n: c.verdict for n, c in after.items()}


@given(text=st.sampled_from(EXPRESSIONS), x=NUMBERS, y=NUMBERS)
@settings(max_examples=60, deadline=None)
def test_first_steps_together_find_what_each_finds_alone(text, x, y):
    program = read(text, settings={"x": x, "y": y})
    run = at(program, inputs_of(program), Request()).run
    around = Surroundings(run, program.output, value_bounds(run))
    cones = [Cone(around, leaf) for leaf in program.graph.inputs.values()]
    begin_together(cones)
    for cone in cones:
        together = differentiate(cone, in_columns=True)
        alone = differentiate(Cone(around, cone.leaf), in_columns=True)
        assert math.isfinite(together.bound) == math.isfinite(alone.bound)
        if math.isfinite(alone.bound):
            assert abs(together.value - alone.value) <= together.bound + alone.bound


def test_the_first_steps_of_many_inputs_are_one_pass(monkeypatch):
    passes = []
    filled = Sheet.filled
    monkeypatch.setattr(Sheet, "filled", lambda *args: passes.append(1) or filled(*args))
    monkeypatch.setattr(verdicts, "COLUMNS_PAY", -1)
    names = [f"x{k}" for k in range(MOST_COLUMNS // (2 * len(FEW)))]
    text = " + ".join(f"tanh({name})*{other}" for name, other in pairwise(names))
    point = {name: 0.3 + k / 97 for k, name in enumerate(names)}
    assert gradcli.check(text, point).verdict == "pass"
    assert len(passes) <= 2  # one of values, and one of bounds where they are needed


def test_a_small_problem_does_not_use_them():
    assert verdicts.COLUMNS_PAY > 1000


SMOOTH = [text for text in EXPRESSIONS if "1e12" not in text and "floor" not in text]


@pytest.mark.parametrize("text", SMOOTH)
@pytest.mark.parametrize("off", [0, 1e-9, 5e-7, 9.99e-7, 1.001e-6, 2e-6, 1e-4, 0.5])
def test_a_claim_beside_the_tolerance_has_the_same_verdict(text, off, monkeypatch):
    point = {"x": 0.7, "y": -1.3}
    slopes = gradcli.evaluate(text, point, check=False).gradients
    claims = {name: slope * (1 + off) for name, slope in slopes.items()}
    before = gradcli.check(text, point, claims).cases[0].inputs
    monkeypatch.setattr(verdicts, "COLUMNS_PAY", -1)
    after = gradcli.check(text, point, claims).cases[0].inputs
    assert {n: c.verdict for n, c in before.items()} == {n: c.verdict for n, c in after.items()}


LINES = """x = 0.7; y = -1.3
p = x*y; q = tanh(p) + x; f = q*exp(-y)
dq = {dq}
dp = dq * (1 - tanh(p)**2)
dx = dp*y + dq
dy = dp*x - f
"""


@pytest.mark.parametrize(
    "dq", ["exp(-y)", "exp(y)", "-exp(-y)", "1.000002*exp(-y)", "1.0000005*exp(-y)"]
)
def test_lines_have_the_same_verdicts(dq, monkeypatch):
    def said():
        case = gradcli.check(LINES.format(dq=dq)).cases[0]
        inputs = {n: (c.verdict, c.kind) for n, c in case.inputs.items()}
        return case.verdict, inputs, [(k.name, k.verdict, k.mistake) for k in case.lines]

    before = said()
    monkeypatch.setattr(verdicts, "COLUMNS_PAY", -1)
    assert said() == before


@given(text=st.sampled_from(EXPRESSIONS), x=NUMBERS, y=NUMBERS)
@settings(max_examples=100, deadline=None)
def test_what_inputs_reach_together_is_what_each_reaches_alone(text, x, y):
    """The gates, what moves, which branches may turn, and the step that the tangents allow."""
    program = read(text, settings={"x": x, "y": y})
    run = at(program, inputs_of(program), Request()).run
    around = Surroundings(run, program.output, value_bounds(run))
    leaves = [*program.graph.inputs.values()]
    reach = Reach(around, leaves)
    cones = [Cone(around, leaf, reach) for leaf in leaves]
    smooth = [cone for cone in cones if cone.is_smooth]
    if smooth:
        find_first_steps(smooth)
    for cone, leaf in zip(cones, leaves, strict=True):
        alone = Cone(around, leaf)
        assert cone.gates == alone.gates == program.graph.cone(leaf, program.output)
        assert [b.node for b in cone.branches] == [b.node for b in alone.branches]
        assert cone.limits == alone.limits
        assert (cone.is_still, cone.is_smooth) == (alone.is_still, alone.is_smooth)
        if cone.is_smooth:
            assert cone.first_step == alone.first_step


def test_differences_end_where_rounding_outweighs_what_is_known(monkeypatch):
    """Shorter steps only round more: of 12 rows that never settle, most are not computed."""
    rows = []
    fill = Tableau.fill
    monkeypatch.setattr(
        Tableau, "fill", lambda self, step: (fill(self, step), rows.append(len(self.rows)))[0]
    )
    answer = gradcli.check("1e9 + sin(x)", {"x": 0.7}).cases[0].inputs["x"]
    assert answer.verdict == "pass"
    assert abs(answer.numeric - math.cos(0.7)) <= answer.bound
    assert max(rows) < 8
