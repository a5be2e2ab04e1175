"""Programs: what is an input, a stage and the output, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradcli
from gradcli.errors import BindingError, GradcliError, NameFault, ParseError
from gradcli.program.bindings import parse_constant
from gradcli.program.reader import read as read_program
from gradcli.requests import Request


def evaluated(text, settings=(), **options):
    return gradcli.evaluate(text, settings, check=False, **options)


def refused(kind, text, settings=(), **options):
    with pytest.raises(kind) as caught:
        evaluated(text, settings, **options)
    return caught.value


def place(error):
    return (error.span.line, error.span.column)


def stage_names(report):
    return [stage.name for stage in report.stages]


# -------------------------------------------------------------------- inputs and stages


def test_assigned_constants_are_inputs_and_all_else_is_a_stage():
    report = evaluated("x = 3\ny = -2\nq = x + y\nc = q\nf = c*x")
    assert report.inputs == {"x": 3.0, "y": -2.0}
    assert stage_names(report) == ["q", "c", "f"]
    assert [stage.gate for stage in report.stages] == ["add", "copy", "mul"]
    assert report.value == 3.0
    assert report.gradients == {"x": 4.0, "y": 3.0}


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("-2", -2.0),
        ("pi/4", math.pi / 4),
        ("2*math.pi + np.e", 2 * math.pi + math.e),
        ("tau", math.tau),
        ("exp(1)", math.e),
        ("9**9**9", math.inf),
        ("1 if 2 < 3 else 4", 1.0),
        ("[5, 6][1]", 6.0),
        ("True", 1.0),
        ("1_000", 1000.0),
        ("(1\n+2)", 3.0),
    ],
)
def test_a_setting_is_a_constant_expression(value, number):
    assert evaluated(f"x = {value} # a comment\nf = x*2").inputs == {
        "x": pytest.approx(number, rel=1e-15)
    }
    assert evaluated("f = x*2", {"x": value}).inputs == {"x": pytest.approx(number, rel=1e-15)}


@pytest.mark.parametrize(
    ("text", "value", "seen"),
    [
        ("w", 2, 2.0),
        ("w", 0.1, 0.1),
        ("w", True, 1.0),
        ("w", "-pi", -math.pi),
        ("w[0]", [1, 2.5], [1.0, 2.5]),
        ("w[0]", (1, "pi"), [1.0, math.pi]),
        ("w[0]", "[1, pi]", [1.0, math.pi]),
        ("w[1][0]", [[1, 2], [3, "pi"]], [[1.0, 2.0], [3.0, math.pi]]),
    ],
)
def test_the_caller_may_give_numbers_lists_and_texts(text, value, seen):
    assert evaluated(text, {"w": value}).inputs == {"w": seen}


def test_the_caller_may_give_numpy_arrays_and_scalars():
    report = evaluated("w[1][0]*s", {"w": np.arange(4.0).reshape(2, 2), "s": np.float32(0.5)})
    assert report.inputs == {"w": [[0.0, 1.0], [2.0, 3.0]], "s": 0.5}
    assert report.gradients == {"w": [[0.0, 0.0], [0.5, 0.0]], "s": 2.0}


@pytest.mark.parametrize(
    ("text", "settings", "order"),
    [
        ("f = b*a", [("a", 1), ("b", 2)], ["a", "b"]),
        ("a = 1; b = 2; f = b*a", [], ["a", "b"]),
        ("a = 1; f = b*a", [("b", 2)], ["b", "a"]),
        ("a = 1; b = 2; f = b*a", [("b", 5)], ["b", "a"]),
    ],
)
def test_inputs_stand_in_the_order_they_were_given(text, settings, order):
    report = evaluated(text, settings)
    assert list(report.inputs) == list(report.gradients) == order


def test_the_value_of_the_caller_wins_over_that_of_the_file():
    report = evaluated("x = 3; f = x*x", {"x": 5})
    assert (report.inputs, report.value, report.warnings) == ({"x": 5.0}, 25.0, [])


def test_the_value_of_the_caller_may_stand_before_its_line():
    assert evaluated("f = x*2; x = 3", {"x": 5}).value == 10.0


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("y = x*3; f = y*2", {"x": 1, "y": 4}),
        ("f = y*2; y = x*3", {"x": 1, "y": 4}),
        ("x = x + 1; f = x*2", {"x": 1}),
    ],
)
def test_a_name_never_has_a_value_of_the_caller_and_another_of_a_stage(text, settings):
    try:
        report = evaluated(text, settings)
    except GradcliError:
        return
    assert not set(report.inputs) & set(stage_names(report))
    assert set(report.inputs) == set(settings) or report.warnings


def test_a_named_stage_is_a_wall_and_equal_parts_of_a_statement_are_one():
    walls = evaluated("a = x*y; b = x*y; f = a + 2*b", {"x": 2, "y": 3})
    assert {s.name: s.gradient for s in walls.stages} == {"a": 1.0, "#1": 1.0, "b": 2.0, "f": 1.0}
    shared = evaluated("f = x*y + 2*(x*y)", {"x": 2, "y": 3})
    assert (shared.stages[0].expression, shared.stages[0].gradient) == ("x * y", 3.0)
    assert len(shared.stages) == 3
    assert walls.gradients == shared.gradients == {"x": 9.0, "y": 6.0}


def test_equal_parts_of_two_statements_are_two_nodes():
    report = evaluated("a = exp(x*y) + 1; f = a*exp(x*y)", {"x": 0, "y": 1})
    assert [s.expression for s in report.stages].count("x * y") == 2


def test_a_stage_that_does_not_reach_the_output_has_gradient_zero():
    report = evaluated("a = x*2; b = x*3; f = a", {"x": 1})
    assert {s.name: s.gradient for s in report.stages} == {"a": 1.0, "b": 0.0, "f": 1.0}


def test_stages_have_the_place_of_their_expression():
    report = evaluated("x = 2\n\nq = x*x\r\nf = (q +\n 1)")
    assert [(s.name, s.line, s.column) for s in report.stages] == [("q", 3, 5), ("f", 4, 6)]


# -------------------------------------------------------------------- the output


@pytest.mark.parametrize(
    ("text", "output", "value", "expression"),
    [
        ("x*2", "#out", 6.0, "x * 2"),
        ("x", "#out", 3.0, "x"),
        ("f = x*2", "f", 6.0, "x * 2"),
        ("q = x*2; f = q+1", "f", 7.0, "q + 1"),
        ("q = x*2; q+1", "#out", 7.0, "q + 1"),
        ("q = x*2; f = q+1; q", "q", 6.0, "q"),
        ("q = x*2; x", "#out", 3.0, "x"),
        ("q = [x, x*2]; q[1]", "q[1]", 6.0, "q[1]"),
        ("f = x*2; f == 6", "f", 6.0, "x * 2"),
        ("f = x*2; dx = 2", "f", 6.0, "x * 2"),
        ("# gradcli: output q\nq = x*2\nf = q+1", "q", 6.0, None),
        ("q = x*2\nf = q+1\n# gradcli: output q", "q", 6.0, None),
        ("#gradcli:output q\nq = x*2; q+1", "q", 6.0, None),
        ("# gradcli: output q\n# gradcli: output f\nq = x*2; f = q+1", "f", 7.0, None),
    ],
)
def test_the_output_is_the_last_stage_or_the_last_line_or_the_one_named(
    text, output, value, expression
):
    report = evaluated(text, {"x": 3})
    assert (report.output, report.value) == (output, value)
    assert expression in (None, report.expression)
    assert {s.name: s.gradient for s in report.stages}[output] == 1.0


def test_the_option_wins_over_the_comment():
    text = "# gradcli: output q\nq = x*2\nf = q*3"
    assert evaluated(text, {"x": 3}).gradients == {"x": 2.0}
    assert evaluated(text, {"x": 3}, output="f").gradients == {"x": 6.0}


def test_the_report_names_the_expression_of_the_output_it_took():
    report = evaluated("q = x*2; f = q+1", {"x": 3}, output="q")
    assert (report.output, report.expression) == ("q", "x * 2")


def test_wrt_chooses_the_gradients_and_keeps_the_order_of_the_inputs():
    text = "# gradcli: wrt z, x\nf = x*y*z"
    report = evaluated(text, {"x": 2, "y": 3, "z": 5})
    assert report.gradients == {"x": 15.0, "z": 6.0}
    assert list(report.gradients) == ["x", "z"]
    assert evaluated(text, {"x": 2, "y": 3, "z": 5}, wrt=["y"]).gradients == {"y": 10.0}


@pytest.mark.parametrize(
    ("text", "message", "where", "hint"),
    [
        ("", "nothing to compute: the program has no stage", (1, 1), "an expression"),
        (" \n# note\n", "nothing to compute: the program has no stage", (2, 7), "an expression"),
        ("x = 3", "nothing to compute: the program has no stage", (1, 6), "an expression"),
        ("import math", "nothing to compute: the program has no stage", (1, 12), "an expression"),
        ("x = 1\nx*2\nx*3", "only the last line may lack a name", (2, 1), "write `f = ...`"),
        ("x = 1\nx*2\nq = x", "only the last line may lack a name", (2, 1), "write `f = ...`"),
        ("x = 1\nf = x*2\n# gradcli: outptu f", "`outptu f` is not a directive", (3, 1), "output"),
        ("# gradcli: output\nx = 1", "`output` is not a directive", (1, 1), "output NAME"),
        ("# gradcli: seed x\nx = 1", "`seed x` is not a directive", (1, 1), "seed N"),
    ],
)
def test_a_program_without_one_output_is_refused(text, message, where, hint):
    error = refused(ParseError, text)
    assert (error.message, place(error)) == (message, where)
    assert hint in error.hint


@pytest.mark.parametrize(
    ("text", "options", "message", "hint"),
    [
        ("loss = x*2", {"output": "lost"}, "`lost` is not a stage", "did you mean `loss`?"),
        ("# gradcli: output lost\nloss = x*2", {}, "`lost` is not a stage", "did you mean `loss`?"),
        ("f = x*2", {"output": "x"}, "`x` is not a stage", None),
        ("f = x*2", {"wrt": ["xx"]}, "`xx` is not an input", "did you mean `x`?"),
        ("f = x*2", {"wrt": ["f"]}, "`f` is not an input", "inputs are x"),
        ("# gradcli: wrt q\nf = x*2", {}, "`q` is not an input", "inputs are x"),
    ],
)
def test_an_output_or_input_that_does_not_exist_is_refused(text, options, message, hint):
    error = refused(NameFault, text, {"x": 1}, **options)
    assert error.message == f"{message} of the program"
    assert error.hint == hint


# -------------------------------------------------------------------- lines without effect


@pytest.mark.parametrize(
    "line",
    [
        "import math",
        "import numpy as np",
        "from math import exp, log",
        "import math # for exp",
        "np.random.seed(0)",
        "# gradcli: seed 3\n",
        "# just a note about gradcli",
        "",
        ";",
    ],
)
def test_imports_seeds_and_notes_change_nothing(line):
    report = evaluated(f"{line}\nx = 2\n{line}\nf = x*x\n{line}")
    assert (report.value, report.gradients) == (4.0, {"x": 4.0})


@pytest.mark.parametrize("text", ["f = x*y; g = f", "f = x*y\ng = f", "f = x*y\r\ng = f\r\n"])
def test_semicolons_and_line_ends_are_one(text):
    assert stage_names(evaluated(text, {"x": 1, "y": 2})) == ["f", "g"]


# -------------------------------------------------------------------- warnings


@pytest.mark.parametrize(
    ("text", "settings", "warnings"),
    [
        ("f = x", {"x": 1, "y": 2}, ["`y` is given a value but not used"]),
        ("y = 2; x = 1; f = x", {}, ["`y` is given a value but not used"]),
        (
            "f = alpha*x",
            {"x": 1, "alpha": 2, "alhpa": 3},
            ["`alhpa` is given a value but not used; did you mean `alpha`?"],
        ),
        (
            "f = x",
            {"x": 1, "b": 2, "a": 3},
            ["`b` is given a value but not used", "`a` is given a value but not used"],
        ),
        ("f = e*x", {"x": 1, "e": 2}, ["`e` is given a value and hides the constant e"]),
        ("pi = 3; f = pi*2", {}, ["`pi` is given a value and hides the constant pi"]),
        ("f = pi*e*tau*π*x", {"x": 1}, []),
    ],
)
def test_what_is_given_without_use_or_hides_a_constant_is_a_warning(text, settings, warnings):
    assert evaluated(text, settings).warnings == warnings


def test_a_binding_wins_over_the_constant_of_the_same_name():
    assert evaluated("f = e*2", {"e": 5}).value == 10.0
    assert evaluated("f = math.e*x", {"x": 1, "e": 5}).value == math.e
    assert evaluated("pi = 3; tau = pi + 1; f = tau*2").value == 8.0


# -------------------------------------------------------------------- compiled programs


def test_free_names_get_their_values_later():
    f = gradcli.compile("x = 7; q = x*y; f = q + z", inputs=["z", "y"])
    assert f(1.0, 2.0) == (15.0, [1.0, 7.0])
    assert f(0.0, -1.0) == (-7.0, [1.0, 7.0])


def test_a_free_name_wins_over_the_value_in_the_text():
    f = gradcli.compile("x = 7; f = x*x", inputs=["x"])
    assert f(3.0) == (9.0, [6.0])


def test_a_free_name_that_is_not_used_has_gradient_zero():
    assert gradcli.compile("x*2", inputs=["x", "unused"])(1.0, 5.0) == (2.0, [2.0, 0.0])


@pytest.mark.parametrize("name", ["sin", "2x", "if"])
def test_a_free_name_must_be_a_name(name):
    with pytest.raises(BindingError):
        gradcli.compile("x", inputs=["x", name])


def test_a_free_name_stands_once():
    with pytest.raises(BindingError, match="`x` is given twice"):
        gradcli.compile("x*y", inputs=["x", "y", "x"])


# -------------------------------------------------------------------- any program

LINES = [
    "x = 2", "y = -3", "w = [1,2]", "f = x*y", "q = f+x", "f == -6", "dx = y", "dy = x", "df = 2",
    "dw = [1,2]", "dw[0] += x", "h = 2", "q = w", "x*2", "# gradcli: output f", "import math",
    "# gradcli: wrt x", "f = w[0]*x", "x += 1", "d_x = 3", "dfdx = y", "q = [x,y]", "f = q[0]",
    "f == x", "w == 3", "h += 1", "dq = 1", "dq = [1,2]", "df += 1", "f += 1", "dx[0] = 1",
    "f = 1/(1+exp(-x))", "f = x if x > 0 else y", "f == 2 if x else 3", "y = x", "f = (x", "pi = 3",
]  # fmt: skip


@settings(max_examples=300, derandomize=True)
@given(
    st.lists(st.sampled_from(LINES), max_size=7),
    st.sampled_from([{}, {"x": 2}, {"x": "pi", "y": [1, 2]}, {"w": [3, 4], "f": 1}]),
    st.sampled_from([{}, {"output": "f"}, {"expand": True}, {"fuse": True}]),
)
def test_any_lines_are_a_program_or_an_error_of_the_user(lines, values, options):
    try:
        report = evaluated("\n".join(lines), values, **options)
    except GradcliError:
        return
    assert report.stages[-1].name == report.output
    assert len(set(stage_names(report))) == len(report.stages)
    assert not set(report.inputs) & set(stage_names(report))


# -------------------------------------------------------------------- constants from options


def test_a_constant_of_an_option_is_a_number_or_a_list_where_allowed():
    graph, node = parse_constant("upstream", "2*3")
    assert graph.gates[node].name == "mul"
    with pytest.raises(BindingError, match="must be one number, this is a list of 2"):
        parse_constant("upstream", "[1, 2]")
    graph, node = parse_constant("x", "[1, 2]", may_be_list=True)
    assert graph.shape(node) == (2,)


def test_the_program_keeps_the_name_of_its_source():
    program = read_program("f = x y".replace(" y", ""), "a.grad", {"x": 1}, (), Request())
    assert program.source.name == "a.grad"
    with pytest.raises(GradcliError) as caught:
        read_program("f = x y", "a.grad", {"x": 1})
    assert caught.value.span.source == "a.grad"


# -------------------------------------------------------------------- the output's expression


@pytest.mark.parametrize(
    ("text", "output", "expression"),
    [
        ("q = x + y; f = q*z", None, "q * z"),
        ("q = x + y; f = q*z", "q", "x + y"),
        ("q = x + y; q*z", "q", "x + y"),
        ("q = x + y; q*z", None, "q * z"),
        ("q = x + (y); f = q*z\n# gradcli: output q", None, "x + y"),
        ("# gradcli: output q\nq = x + y\nf = q*z; g = f + q", None, "x + y"),
        ("ν = x·y²; f = ν + z", "ν", "x * y**2"),
        ("f = x*y*z\ndr = x - y\ndz = x*y\ndx = y*z + 0*dr", None, "x * y * z"),
    ],
)
def test_the_expression_is_the_outputs_own_also_where_another_stage_follows(
    text, output, expression
):
    point = {"x": 1, "y": 2, "z": 3}
    assert evaluated(text, point, output=output).expression == expression
    request = {} if output is None else {"output": output}
    assert gradcli.check(text, point, **request).cases[0].expression == expression


# -------------------------------------------------------------------- uncertainties


@pytest.mark.parametrize(
    ("text", "value", "spread"),
    [
        ("2+/-0.1", 2.0, 0.1),
        ("2±0.1", 2.0, 0.1),
        ("1.5(2)", 1.5, 0.2),
        ("-1.5(12)", -1.5, 1.2),
        ("123(4)", 123.0, 4.0),
        ("1.234(12)e-3", 1.234e-3, 0.012e-3),
        ("12.3(1.2)", 12.3, 1.2),
        ("(1.00+/-0.10)e-3", 1e-3, 1e-4),
        ("(1.00 ± 0.10)×10⁻³", 1e-3, 1e-4),
        ("(2+/-0.1)", 2.0, 0.1),
        ("6.674(15)*10^-11", 6.674e-11, 0.015e-11),
        ("(1+2)+/-(0.1)", 3.0, 0.1),
        ("sqrt(4)", 2.0, None),
    ],
)
def test_the_usual_notations_of_an_uncertainty_are_read(text, value, spread):
    report = gradcli.evaluate("x*1", {"x": text}, check=False)
    assert report.inputs["x"] == value
    uncertainty = report.uncertainty
    assert (uncertainty and uncertainty["inputs"]["x"]) == spread


@pytest.mark.parametrize(
    ("text", "x", "total", "words"),
    [
        ("sqrt(x)", "0+/-0", 0.0, "uncertain by 0 (0 from x)"),
        (
            "sqrt(x)",
            "0+/-0.1",
            None,
            "no uncertainty of the value to first order: the slope is infinite in x",
        ),
        ("log(x)", "0+/-0.1", None, "f has no slope in x"),
        ("floor(x)", "1+/-0.1", None, "f jumps in x"),
        ("abs(x)", "0+/-0.1", 0.1, "the steeper slope counts at a kink in x"),
        ("relu(x) - 3*relu(-x)", "0+/-0.1", 0.3, "the steeper slope counts at a kink in x"),
        ("2*abs(x)", "1+/-0.1", 0.2, "inputs independent"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_an_uncertainty_at_a_kink_or_an_infinite_slope_is_said_in_words(
    text, x, total, words, check
):
    report = gradcli.evaluate(text, {"x": x}, check=check)
    assert report.uncertainty["value"] == pytest.approx(total) if total else not total
    assert (report.uncertainty["value"] is None) == (total is None)
    assert any(words in note for note in report.notes)
    assert not any("nan" in note or "inf " in note for note in report.notes if "uncertain" in note)
