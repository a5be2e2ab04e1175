"""Backpropagation: what a run says, that nothing is shared between runs, and what it costs."""

from __future__ import annotations

import inspect
import math
import sys
from collections import Counter
from contextlib import contextmanager
from random import Random

import pytest

import gradcli
from gradcli.arithmetic.digits import digits
from gradcli.arithmetic.floats import FLOATS, IEEE
from gradcli.checker.cone import Cone
from gradcli.checker.surroundings import Surroundings
from gradcli.engine import Machine, backward, local_gradients
from gradcli.errors import BindingError, GradcliError
from gradcli.evaluation.numbers import value_bounds
from gradcli.program.reader import read
from gradcli.transform.adjoint import adjoint

MANY = digits(40)
EVERY_ARITHMETIC = pytest.mark.parametrize(
    "arithmetic", [FLOATS, IEEE, MANY], ids=lambda arithmetic: arithmetic.name
)


def run_of(text, point, arithmetic=FLOATS, upstream=1.0):
    """A run of a program, forwards and backwards; the program and the run."""
    program = read(text, free=list(point))
    inputs = [arithmetic.number(float(point[name])) for name in program.graph.inputs]
    run = Machine(program.graph, arithmetic).run(inputs)
    backward(run, program.output, arithmetic.number(upstream))
    return program, run


def gradients_of(text, point, arithmetic=FLOATS, upstream=1.0):
    program, run = run_of(text, point, arithmetic, upstream)
    return {name: run.gradients[leaf] for name, leaf in program.graph.inputs.items()}


# ---------------------------------------------------------------- one run


@EVERY_ARITHMETIC
def test_the_first_circuit(arithmetic):
    point = {"x": -2, "y": 5, "z": -4}
    program, run = run_of("(x + y) * z", point, arithmetic)
    assert run.values[program.output] == -12
    assert gradients_of("(x + y) * z", point, arithmetic) == {"x": -4, "y": -4, "z": 3}


@EVERY_ARITHMETIC
def test_gradients_add_up_at_forks(arithmetic):
    assert gradients_of("x*x + x", {"x": 3}, arithmetic) == {"x": 7}
    assert gradients_of("a = x*x; b = a + a; b*x", {"x": 3}, arithmetic) == {"x": 54}


@EVERY_ARITHMETIC
def test_the_upstream_gradient_scales_every_gradient(arithmetic):
    point = {"x": -2, "y": 5, "z": -4}
    scaled = gradients_of("(x + y) * z", point, arithmetic, upstream=-0.5)
    assert scaled == {"x": 2, "y": 2, "z": -1.5}


def test_stages_have_gradients_and_what_the_output_ignores_has_none():
    program, run = run_of("q = x + y; unused = q*q; f = q * z", {"x": -2, "y": 5, "z": -4})
    named = {name: run.gradients[node] for name, node in program.stages.items()}
    assert named == {"q": -4, "unused": 0, "f": 1}


def test_a_stage_after_the_output_does_not_change_it():
    program = read("q = x + y; f = q*q; g = sin(f)", free=["x", "y"])
    run = Machine(program.graph, FLOATS).run([1.0, 2.0])
    backward(run, program.stages["f"], 1.0)
    assert [run.gradients[leaf] for leaf in program.graph.inputs.values()] == [6, 6]


# ---------------------------------------------------------------- many runs


def test_two_runs_of_one_machine_do_not_add_up():
    program = read("x*x + x", free=["x"])
    machine = Machine(program.graph, FLOATS)
    first, second = machine.run([3.0]), machine.run([5.0])
    for run in (first, second, first, second):
        backward(run, program.output, 1.0)
    leaf = program.graph.inputs["x"]
    assert [run.values[program.output] for run in (first, second)] == [12, 30]
    assert [run.gradients[leaf] for run in (first, second)] == [7, 11]


def test_one_machine_serves_any_number_of_points():
    function = gradcli.compile("x*x + x", inputs=["x"])
    assert [function(x) for x in (3.0, 5.0, 3.0)] == [(12, [7]), (30, [11]), (12, [7])]


def test_a_run_needs_a_value_for_every_input():
    program = read("x*y", free=["x", "y"])
    with pytest.raises(ValueError, match="zip"):
        Machine(program.graph, FLOATS).run([1.0])


# ---------------------------------------------------------------- branches


DEAD = [
    ("where(x > 0, log(x), 0) * y", {"x": -1, "y": 2}, {"x": 0, "y": 0}),
    ("where(x > 0, log(x), x*x) * y", {"x": -1, "y": 2}, {"x": -4, "y": 1}),
    ("(sqrt(x) if x > 0 else -x) + y", {"x": -4, "y": 2}, {"x": -1, "y": 1}),
    ("where(x == 0, 1, sin(x)/x) * y", {"x": 0, "y": 3}, {"x": 0, "y": 1}),
    ("where(x < 9, x, exp(1000*x)) * y", {"x": 2, "y": 3}, {"x": 3, "y": 2}),
    ("where(x > 0, 1/(x - x), x) * y", {"x": -2, "y": 3}, {"x": 3, "y": -2}),
    # The slope of the gate above is infinite, and the branch that was not taken still gets nothing.
    ("sqrt(where(x > 0, x, 0)) + y", {"x": -1, "y": 2}, {"x": 0, "y": 1}),
    ("log(where(x > 0, 1, y*0 + 1) - 1 + x)", {"x": 2, "y": 3}, {"x": 0.5, "y": 0}),
    ("sqrt(where(c, x, y*y))", {"c": 1, "x": 4, "y": 0}, {"c": 0, "x": 0.25, "y": 0}),
    ("sqrt(where(c, y*y, x))", {"c": 0, "x": 0, "y": 3}, {"c": 0, "x": math.inf, "y": 0}),
]


@pytest.mark.parametrize(("text", "point", "gradients"), DEAD)
@pytest.mark.parametrize("arithmetic", [IEEE, MANY], ids=lambda arithmetic: arithmetic.name)
def test_an_unselected_branch_contributes_nothing(text, point, gradients, arithmetic):
    assert gradients_of(text, point, arithmetic) == gradients


@pytest.mark.parametrize(("text", "point", "gradients"), DEAD)
def test_a_fault_in_an_unselected_branch_is_no_fault(text, point, gradients):
    """Plain floats raise there; the run is repeated, and the report does not mention it."""
    report = gradcli.evaluate(text, point)
    assert report.gradients == gradients
    assert not any("log at" in note or "exp at" in note for note in report.notes)
    function = gradcli.compile(text, inputs=list(point))
    assert function(*point.values())[1] == list(gradients.values())


def test_losers_of_max_get_zero_through_an_infinite_slope():
    assert gradients_of("sqrt(max(x, y))", {"x": 0, "y": -1}, IEEE) == {"x": math.inf, "y": 0}
    assert gradients_of("sqrt(relu(x))", {"x": -1}, IEEE) == {"x": 0}


# ---------------------------------------------------------------- forward mode, bounds, locals


def test_tangents_are_the_derivatives_of_every_gate():
    program, run = run_of("a = x*y; b = sin(a); c = a + b; f = c*y", {"x": 2, "y": 3})
    graph, stages = program.graph, program.stages
    around = Surroundings(run, program.output, value_bounds(run))
    moving = Cone(around, graph.inputs["x"]).speeds()
    slopes = {name: moving[node] for name, node in stages.items()}
    cos = math.cos(6)
    expected = {"a": 3, "b": 3 * cos, "c": 3 + 3 * cos, "f": 9 + 9 * cos}
    assert slopes == pytest.approx(expected, rel=4e-16)


def test_bounds_are_one_rounding_a_gate_and_nothing_where_nothing_is_rounded():
    program, run = run_of("x + y", {"x": 1, "y": 2})
    assert value_bounds(run)[program.output] == 0
    program, run = run_of("a = x + y; f = a*a", {"x": 0.1, "y": 0.2})
    a = 0.1 + 0.2
    assert value_bounds(run)[program.output] == pytest.approx(3 * a * a * 2.0**-53, rel=1e-12)


def test_bounds_see_cancellation():
    """(1 - cos x)/x**2 near 0 has lost every digit, which |f| alone does not show."""
    program, run = run_of("(1 - cos(x)) / x**2", {"x": 1e-8})
    assert value_bounds(run)[program.output] >= 0.5


@pytest.mark.parametrize("text", ["(0.1 + 0.2 - 0.3)*x", "sin(1e8*pi)*x", "x*(1e16 + 1 - 1e16)"])
def test_bounds_see_the_rounding_of_constants(text):
    """Literals are exact, arithmetic on them is not."""
    program, run = run_of(text, {"x": 1})
    _, exact = run_of(text, {"x": 1}, MANY)
    error = abs(run.values[program.output] - exact.values[program.output])
    assert error <= 2 * value_bounds(run)[program.output]


def test_local_gradients_are_those_of_each_operand():
    program, run = run_of("x*x + 3*y", {"x": 5, "y": 7})
    graph = program.graph
    found = local_gradients(run, graph.gate_nodes())
    by_gate = [(graph.gates[node].name, slopes) for node, slopes in found.items()]
    assert by_gate == [("mul", [5, 5]), ("mul", [None, 3]), ("add", [1, 1])]


def test_local_gradients_may_be_infinite():
    program, run = run_of("sqrt(x)", {"x": 0}, IEEE)
    assert local_gradients(run, [program.output]) == {program.output: [math.inf]}


# ---------------------------------------------------------------- cost


FORMS = (
    "{a} + {b}", "{a} - {b}", "{a} * {b}", "sin({a})", "tanh({a})", "exp(-{a}*{a})",
    "{a} / (2 + cos({b}))", "max({a}, {b})", "sigmoid({a})", "log(1.5 + sin({a}))", "{a}**2",
)  # fmt: skip


def random_program(lines, seed=0):
    """A program of so many lines, all of which the output depends on, and its inputs."""
    rng, names, unread, text = Random(seed), [f"x{k}" for k in range(20)], {}, []
    for number in range(lines):
        a, b = rng.choices(names[-16:], k=2)
        form = rng.choice(FORMS)
        for name in (a, b) if "{b}" in form else (a,):
            unread.pop(name, None)
        name = f"v{number}"
        text.append(f"{name} = {form.format(a=a, b=b)}")
        names.append(name)
        unread[name] = True
    return "\n".join([*text, f"f = {' + '.join(unread)}"]), names[:20]


@pytest.fixture(scope="module")
def large():
    text, inputs = random_program(6500)
    program = read(text, free=inputs)
    assert len(program.graph.gate_nodes()) >= 10_000
    return program


def counting(functions, counter, kind):
    def counted(function):
        def call(*arguments):
            counter[kind] += 1
            return function(*arguments)

        return call

    return [function and counted(function) for function in functions]


def test_value_and_gradients_visit_each_gate_once_each_way(large):
    """So both together cost at most four times the value alone; here in calls."""
    machine, counts = Machine(large.graph, FLOATS), Counter()
    machine.forwards[:] = counting(machine.forwards, counts, "value")
    machine.pullbacks[:] = counting(machine.pullbacks, counts, "gradient")
    run = machine.run([0.5] * len(large.graph.inputs))
    gates = len(large.graph.gate_nodes())
    assert counts == {"value": gates}
    backward(run, large.output, 1.0)
    active = sum(large.graph.active[node] for node in large.graph.gate_nodes())
    assert active / 2 < counts["gradient"] <= active
    assert counts.total() <= 4 * gates


def test_value_and_gradients_cost_at_most_four_times_the_value_in_elementary_gates(large):
    """The adjoint graph holds every gate that both need, those inside local gradients included."""
    reached = large.graph.reaches(large.output)
    alone = sum(reached[node] for node in large.graph.gate_nodes())
    assert alone > 9_000
    together = len(adjoint(large.graph, large.output).graph.gate_nodes())
    assert alone < together <= 4 * alone


def test_a_gate_of_many_operands_costs_by_their_number():
    """The gradient of each operand may not look at all the others."""
    looked = Counter()

    class Watched(float):
        def __eq__(self, other):
            looked["at"] += 1
            return float(self) == float(other)

        def __ne__(self, other):
            looked["at"] += 1
            return float(self) != float(other)

        __hash__ = float.__hash__

    counts = []
    for operands in (100, 400):
        names = [f"x{k}" for k in range(operands)]
        program = read(f"max({', '.join(names)})", free=names)
        run = Machine(program.graph, FLOATS).run([Watched(k) for k in range(operands)])
        looked.clear()
        backward(run, program.output, 1.0)
        assert run.gradients[program.graph.inputs[names[-1]]] == 1
        counts.append(looked["at"])
    assert counts[1] <= 5 * counts[0] + 100


# ---------------------------------------------------------------- depth and length


@contextmanager
def shallow_stack(frames=150):
    """Python may go only so much deeper than here: whatever recurses over the input fails."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + frames)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


DEEP = 20_000
NESTED = {
    "brackets": ("(" * 100_000 + "x" + ")" * 100_000, 0.5, 1.0),
    "signs": ("-" * DEEP + "x", 0.5, 1.0),
    "differences to the right": ("x - (" * DEEP + "x" + ")" * DEEP, 0.5, 1.0),
    "calls": ("abs(" * DEEP + "x" + ")" * DEEP, 0.5, 1.0),
    "choices": ("x if x else " * DEEP + "x", 0.5, 1.0),
    "powers": ("x" + "**1" * DEEP, 0.5, 1.0),
    "lists": ("[" * DEEP + "x" + "]" * DEEP + "[0]" * DEEP, 0.5, 1.0),
}


@pytest.mark.parametrize(("text", "value", "gradient"), NESTED.values(), ids=NESTED)
def test_nesting_needs_no_recursion(text, value, gradient):
    gradcli.evaluate("x", {"x": 0.5})  # whatever is imported late is imported now
    with shallow_stack():
        report = gradcli.evaluate(text, {"x": 0.5}, check=False)
    assert (report.value, report.gradients) == (value, {"x": gradient})


LISTS = {
    "of a stage": "z = x; w = " + "[" * DEEP + "z" + "]" * DEEP + "; x",
    "of an input": "w = " + "[" * DEEP + "1" + "]" * DEEP + "; x*" + "w" + "[0]" * DEEP,
}


@pytest.mark.parametrize("text", LISTS.values(), ids=LISTS)
def test_nested_lists_are_read_or_refused_but_never_crash(text):
    try:
        assert gradcli.evaluate(text, {"x": 0.5}, check=False).value == 0.5
    except GradcliError as error:
        assert len(str(error)) < 4096


def test_a_checked_chain_needs_no_recursion():
    with shallow_stack():
        report = gradcli.evaluate("x*(" * 500 + "y" + ")" * 500, {"x": 1.001, "y": 4})
    assert report.check.verdict == "pass"


def test_the_adjoint_of_a_deep_graph_needs_no_recursion():
    program = read("sin(" * 5000 + "x" + ")" * 5000, free=["x"])
    with shallow_stack():
        found = adjoint(program.graph, program.output)
    assert 5000 < len(found.graph) < 6 * 5000


def test_a_sum_of_a_million_terms():
    terms = 1_000_000
    with shallow_stack():
        value, gradients = gradcli.compile(" + ".join(["x"] * terms), inputs=["x"])(0.5)
    assert (value, gradients) == (terms / 2, [terms])


def calls_of(work):
    """How many calls of Python and C functions some work makes."""
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize(
    "grown",
    [
        lambda n: " + ".join(["x"] * n),
        lambda n: " * ".join(["x"] * n) + " - x/y",
        lambda n: "(" * n + "x" + ")" * n,
        lambda n: "-" * n + "x",
        lambda n: "sin(" * n + "x" + ")" * n,
        lambda n: "\n".join(["s0 = x*y", *(f"s{k} = s{k - 1}*y + x" for k in range(1, n))]),
        lambda n: "\n".join(["d0 = x*y", *(f"d{k} = d{k - 1}*y + x" for k in range(1, n))]),
        lambda n: "\n".join(["a = x*y", "d0 = x", *(f"d{k} = d{k - 1}*a" for k in range(1, n))]),
        lambda n: f"max({', '.join(['x', 'y'] * n)})",
        lambda n: f"w = [{', '.join(['1'] * n)}]; w[0]*x",
    ],
    ids=[
        "sum",
        "product",
        "brackets",
        "signs",
        "calls",
        "stages",
        "differences",
        "distances",
        "operands",
        "list",
    ],
)
def test_work_grows_in_proportion_to_the_text(grown):
    """Twice the text, at most 2.2 times the calls of reading, running and reporting it."""

    def evaluate(text, point):
        return gradcli.evaluate(text, point, check=False, arithmetic="float64")

    for text in ("x*y + x - x/y", grown(2)):  # what is loaded and compiled once is no work
        evaluate(text, {"x": 0.5, "y": 1.5})
    small, large = (
        calls_of(lambda n=n: evaluate(grown(n), {"x": 0.5, "y": 1.5})) for n in (1000, 2000)
    )
    assert 1000 < small < large <= 2.2 * small


# ---------------------------------------------------------------- compile


def test_gradients_come_in_the_order_of_the_inputs_asked_for():
    forwards = gradcli.compile("x - 2*y + 3*z", inputs=["x", "y", "z"])
    backwards = gradcli.compile("x - 2*y + 3*z", inputs=["z", "y", "x"])
    assert forwards(1.0, 10.0, 100.0) == (281, [1, -2, 3])
    assert backwards(100.0, 10.0, 1.0) == (281, [3, -2, 1])


def test_an_unused_input_has_gradient_zero():
    assert gradcli.compile("x*x", inputs=["unused", "x"])(9.0, 3.0) == (9, [0.0, 6])


def test_settings_of_the_program_stay_unless_they_are_asked_for():
    text = "y = 5; f = x*y"
    assert gradcli.compile(text, inputs=["x"])(2.0) == (10, [5])
    assert gradcli.compile(text, inputs=["x", "y"])(2.0, 7.0) == (14, [7, 2])


def test_the_output_can_be_chosen():
    assert gradcli.compile("q = x*x; f = q + 1", inputs=["x"], output="q")(3.0) == (9, [6])


@pytest.mark.parametrize("values", [(), (1.0,), (1.0, 2.0, 3.0)])
def test_a_wrong_number_of_values_is_refused(values):
    function = gradcli.compile("x*y", inputs=["x", "y"])
    with pytest.raises(BindingError, match=f"2 values are needed, got {len(values)}"):
        function(*values)


def test_faults_of_floats_are_ieee_values():
    inverse = gradcli.compile("1/x", inputs=["x"])
    assert inverse(0.0) == (math.inf, [-math.inf])
    assert inverse(-0.0) == (-math.inf, [-math.inf])
    assert inverse(2.0) == (0.5, [-0.25])  # and the fast path is taken again
    assert gradcli.compile("exp(x)", inputs=["x"])(1000.0) == (math.inf, [math.inf])
    value, _ = gradcli.compile("log(x)", inputs=["x"])(-1.0)
    assert math.isnan(value)


def test_numbers_of_any_kind_are_taken_as_float64():
    value, gradients = gradcli.compile("x*x", inputs=["x"])(3)
    assert [type(value), type(gradients[0])] == [float, float]


SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, 1e308, -1e308, 5e-324, 750.0, math.inf, -math.inf, math.nan)
RISKY = (
    "1/x", "x/y", "log(x)*y", "x**y", "sqrt(x) + y", "exp(x)/exp(y)", "asin(x)*acos(y)",
    "atanh(x) - acosh(y)", "gamma(x)/lgamma(y)", "tan(x)*sinh(y)", "log(x, y)", "digamma(x)*y",
    "logsumexp(x, y)", "hypot(x, y)/max(x, y)", "polygamma(1, x)*y", "floor(x) + round(y)",
    "where(x > y, log(x), 1/y)", "erfc(x)/expm1(y)", "softplus(x)*gelu(y)", "cosh(x)**y",
)  # fmt: skip


@pytest.mark.parametrize("text", RISKY)
def test_a_compiled_function_never_raises_for_numeric_trouble(text):
    function = gradcli.compile(text, inputs=["x", "y"])
    for x in SPECIAL:
        for y in SPECIAL:
            value, gradients = function(x, y)
            assert [type(number) for number in (value, *gradients)] == [float] * 3
