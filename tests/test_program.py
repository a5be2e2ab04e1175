"""Programs: what is an input, a stage, the output and a claim, and what is refused."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradcli
from gradcli.errors import BindingError, GradcliError, NameFault, ParseError, ShapeError
from gradcli.evaluation.point import as_numbers, at, gather, inputs_of
from gradcli.program.bindings import parse_constant
from gradcli.program.reader import read as read_program
from gradcli.requests import Request
from gradcli.transform.truth import true_gradients


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


# -------------------------------------------------------------------- names


def test_all_names_without_a_value_are_reported_together():
    error = refused(NameFault, "q = a*alhpa\nf = q + b*a", {"alpha": 1})
    errors = [error, *error.also]
    assert [e.message for e in errors] == [f"`{n}` has no value" for n in ("a", "alhpa", "b")]
    assert [place(e) for e in errors] == [(1, 5), (1, 7), (2, 9)]
    assert [e.hint for e in errors] == [
        "did you mean `alpha`?" if e.message == "`alhpa` has no value" else e.hint for e in errors
    ]
    assert errors[2].hint == "give it one: `b=...`"
    assert {e.exit_code for e in errors} == {2}


def test_names_given_twice_are_reported_together_with_those_without_a_value():
    error = refused(BindingError, "a*b", [("a", 1), ("c", 2), ("a", 3), ("c", 4)])
    assert [e.message for e in (error, *error.also)] == [
        "`a` is given twice", "`c` is given twice", "`b` has no value",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message", "where", "hint"),
    [
        ("x = 1\nf = x\nf = x*2", "`f` is assigned a second time, after line 2", (3, 1), "own"),
        ("x = 1\nx = 2\nf = x", "`x` is assigned a second time, after line 1", (2, 1), "own"),
        ("x = 1\nf = x\nx = f", "`x` is assigned a second time, after line 1", (3, 1), "own"),
        ("w = [1,2]\nq = w\nq = 1", "`q` is assigned a second time, after line 2", (3, 1), ""),
        ("f = f + 1", "`f` has no value", (1, 5), "`f=...`"),
        ("f = y*2\ny = 3", "`y` is assigned after it was used", (2, 1), ""),
        ("x = 1\nf = y*2\ny = x*3", "`y` is assigned after it was used", (3, 1), ""),
        ("f = sigmoid*2", "`sigmoid` is a function", (1, 5), "write `sigmoid(...)`"),
        ("f = sigmiod(1)", "unknown function `sigmiod`", (1, 5), "did you mean `sigmoid`?"),
        ("f = np.sigmiod(1)", "unknown function `np.sigmiod`", (1, 5), "did you mean `sigmoid`?"),
        ("f = winner(1, 2, 3)", "unknown function `winner`", (1, 5), ""),
    ],
)
def test_a_forward_name_has_one_value_from_its_first_line_on(text, message, where, hint):
    error = refused(NameFault, text)
    assert (error.message, place(error)) == (message, where)
    assert hint in (error.hint or "")


def test_a_constant_never_has_two_values_in_one_program():
    error = refused(NameFault, "a = pi*x\npi = 3\nf = a*pi", {"x": 1})
    assert place(error) == (2, 1)


@pytest.mark.parametrize("name", ["if", "else", "inf", "nan", "True", "False"])
def test_what_the_language_reserves_cannot_be_assigned_or_given(name):
    error = refused(GradcliError, f"x = 1\n{name} = 3\nf = x*2")
    assert place(error) == (2, 1)
    refused(GradcliError, "f = x*2", {"x": 1, name: 3})


def test_no_advice_tells_to_give_a_value_to_what_cannot_have_one():
    error = refused(NameFault, "np.x*2")
    assert "`np.x=...`" not in (error.hint or "")


def test_a_function_name_may_be_a_stage_and_is_the_function_only_before_a_bracket():
    report = evaluated("exp = x*2; f = exp(exp)*exp", {"x": 0.5})
    assert stage_names(report) == ["exp", "#1", "f"]
    assert report.value == math.e


def test_a_function_name_cannot_be_given_a_value_by_the_caller():
    error = refused(BindingError, "sin(x)", {"x": 1, "sin": 2})
    assert error.message == "`sin` is a function and cannot be given a value"


@pytest.mark.parametrize("name", ["2x", "x y", "", "x-1", "np.x", "if", "else"])
def test_what_is_not_a_name_cannot_be_given_a_value(name):
    assert "is not a name" in refused(BindingError, "x", {"x": 1, name: 2}).message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "`x` is NoneType, not a number"),
        ({}, "`x` is dict, not a number"),
        (1 + 2j, "`x` is complex, not a number"),
        ([1, None], "`x` is NoneType, not a number"),
    ],
)
def test_what_is_not_a_number_is_refused(value, message):
    assert refused(BindingError, "x*2", {"x": value}).message == message


def test_a_number_too_large_for_float64_is_not_said_to_be_no_number():
    assert "not a number" not in refused(BindingError, "x*2", {"x": 10**400}).message


@pytest.mark.parametrize(
    ("value", "column", "message"),
    [
        ("y", 1, "`y` has no value here"),
        ("1 + x", 5, "`x` has no value here"),
        ("2x", 2, "expected an operator, found `x`"),
        ("", 1, "expected a value, found the end"),
        ("1e400", 1, "`1e400` overflows float64"),
        ("1=2", 2, "`=` is not in the language"),
        ("1;2", 2, "expected an operator, found `;`"),
        ("(1,2)", 1, "a tuple is not a value"),
        ("__import__('os')", 1, "unknown function `__import__`"),
    ],
)
def test_a_value_that_is_no_constant_is_shown_under_its_own_name(value, column, message):
    error = refused(GradcliError, "x*2", {"x": value})
    assert error.message == message
    assert (error.span.source, error.span.text, error.span.column) == ("x=", value, column)


# -------------------------------------------------------------------- lists


@pytest.mark.parametrize(
    ("text", "value", "gradient"),
    [
        ("w = [2,3,5]; f = w[0]*w[2]", 10.0, [5.0, 0.0, 2.0]),
        ("w = [2,3,5]; f = w[-1]*w[-3]", 10.0, [5.0, 0.0, 2.0]),
        ("w = [2,3,5]; f = w[1:][1]*2", 10.0, [0.0, 0.0, 2.0]),
        ("w = [2,3,5]; f = w[:-1][-1]*2", 6.0, [0.0, 2.0, 0.0]),
        ("w = [2,3,5]; f = w[:][0]*w[0:1][0]", 4.0, [4.0, 0.0, 0.0]),
        ("w = [2,3,5]; f = max(w)", 5.0, [0.0, 0.0, 1.0]),
        ("w = [2,3,5]; f = max(w[:2])", 3.0, [0.0, 1.0, 0.0]),
        ("w = [[2,3],[5,7]]; f = w[0][1]*w[1,0]", 15.0, [[0.0, 5.0], [3.0, 0.0]]),
        ("w = [[2,3],[5,7]]; f = w[1:][0][1]", 7.0, [[0.0, 0.0], [0.0, 1.0]]),
        ("w = [2,3]; q = [w[1], w[0]*w[1]]; f = q[0]*q[1]", 18.0, [9.0, 12.0]),
        ("w = [2,3]; v = w; f = v[1]*w[1]", 9.0, [0.0, 6.0]),
    ],
)
def test_elements_of_lists(text, value, gradient):
    report = evaluated(text)
    assert (report.value, report.gradients) == (value, {"w": gradient})


def test_the_elements_of_a_list_are_named():
    report = evaluated("w = [2,3]; q = [w[0]*2, w[1]]; f = q[0]*q[1]")
    assert stage_names(report) == ["#1", "q", "f"]
    assert report.stages[0].operands == ["w[0]", 2.0]
    assert report.stages[1].operands == ["#1", "w[1]"]
    assert report.stages[1].gradient == [3.0, 4.0]
    assert report.stages[2].expression == "q[0] * q[1]"


@pytest.mark.parametrize(
    ("text", "message", "where", "hint"),
    [
        ("w[3]", "index 3 is outside a list of 3", 1, "indices run from 0 to 2"),
        ("2*w[-4]", "index -4 is outside a list of 3", 3, "indices run from 0 to 2"),
        ("w[0][0]", "an index needs an array, this is a number", 1, None),
        ("x[0]", "an index needs an array, this is a number", 1, None),
        ("w[0.5]", "this is 0.5: an index is a whole number", 3, None),
        ("w[nan]", "this is nan: an index is a whole number", 3, None),
        ("w[inf:][0]", "this is inf: an index is a whole number", 3, None),
        (
            "w*[1, 2]",
            "mul: shapes (3,) and (2,) do not fit together",
            1,
            "matched from the last one",
        ),
        ("max(w, [1, x])", "max: shapes (3,) and (2,) do not fit together", 1, "matched from"),
        ("w @ [1, 2]", "matmul: shapes (3,) and (2,) do not fit: 3 columns meet 2 rows", 1, None),
        ("x + w.reshape(2, 2)", "an array of shape (3,) has 3 elements, (2, 2) needs 4", 5, None),
        ("[w, x]", "the parts of a list have shapes (3,) and ()", 1, "equally long"),
        ("sum(w, axis=1)", "axis 1 does not exist", 1, "axes 0 to 0"),
        ("x.T", "`.T` needs an array, this is a number", 1, None),
        ("x @ x", "matmul: shapes () and (): a matrix product needs arrays", 1, "write `*`"),
        ("x.sum()", "`.sum` needs an array, this is a number", 1, None),
    ],
)
def test_a_list_is_no_number_and_a_number_no_list(text, message, where, hint):
    error = refused(ShapeError, text, {"w": [1, 2, 3], "x": 1})
    assert (error.message, error.span.column) == (message, where)
    assert (hint or "") in (error.hint or "")


# -------------------------------------------------------------------- the backward part

FIRST_CIRCUIT = """
x = -2; y = 5; z = -4
q = x + y
f = q * z
dfdz = q
dfdq = z
dfdx = 1.0 * dfdq
dfdy = 1.0 * dfdq
"""
NEURON = """
w = [2,-3,-3]
x = [-1, -2]
dot = w[0]*x[0] + w[1]*x[1] + w[2]
f = 1.0 / (1 + math.exp(-dot))
ddot = (1 - f) * f
dx = [w[0] * ddot, w[1] * ddot]
dw = [x[0] * ddot, x[1] * ddot, 1.0 * ddot]
"""
STAGED = """
x = 3
y = -4
sigy = 1.0 / (1 + math.exp(-y))
num = x + sigy
sigx = 1.0 / (1 + math.exp(-x))
xpy = x + y
xpysqr = xpy**2
den = sigx + xpysqr
invden = 1.0 / den
f = num * invden
dnum = invden
dinvden = num
dden = (-1.0 / (den**2)) * dinvden
dsigx = (1) * dden
dxpysqr = (1) * dden
dxpy = (2 * xpy) * dxpysqr
dx = (1) * dxpy
dy = (1) * dxpy
dx += ((1 - sigx) * sigx) * dsigx
dx += (1) * dnum
dsigy = (1) * dnum
dy += ((1 - sigy) * sigy) * dsigy
"""


def claimed(text, settings=()):
    """What the gradient lines of a program claim, and the engine's own gradients of the same."""
    program = as_numbers(read_program(text, settings=settings))
    found = at(program, inputs_of(program), Request(check=False))
    named = {**program.inputs, **program.stages}
    claims = {name: gather(value, found.run.values) for name, value in program.claims.items()}
    return claims, {name: gather(named[name], found.run.gradients) for name in claims}


def flat(value):
    return [x for part in value for x in flat(part)] if isinstance(value, list) else [value]


@pytest.mark.parametrize(
    ("text", "prefix", "names"),
    [
        (FIRST_CIRCUIT, "dfd", "z q x y"),
        (NEURON, "d", "dot x w"),
        (STAGED, "d", "num invden den sigx xpysqr xpy x y sigy"),
    ],
    ids=["first circuit", "neuron", "staged"],
)
def test_the_programs_of_the_lecture_claim_what_python_and_the_engine_compute(text, prefix, names):
    python = {"math": math}
    exec(text, python)  # the lecture's lines are Python, too
    claims, gradients = claimed(text)
    assert list(claims) == names.split()
    for name, claim in claims.items():
        # the last bits differ where the engine's local gradient is another form of the same
        assert flat(claim) == pytest.approx(flat(python[prefix + name]), rel=1e-14)
        assert flat(claim) == pytest.approx(flat(gradients[name]), rel=1e-12)
    case = gradcli.check(text).cases[0]
    assert (case.verdict, case.output) == ("pass", "f")


def test_the_numbers_of_the_lecture_come_out():
    first, _ = claimed(FIRST_CIRCUIT)
    assert first == {"z": 3.0, "q": -4.0, "x": -4.0, "y": -4.0}
    neuron, _ = claimed(NEURON)
    assert [round(g, 2) for g in neuron["w"]] == [-0.2, -0.39, 0.2]
    assert [round(g, 2) for g in neuron["x"]] == [0.39, -0.59]
    staged, _ = claimed(STAGED)
    assert (round(staged["x"], 4), round(staged["y"], 4)) == (2.0596, 1.5922)


PRODUCT = "x = 3\ny = -4\nf = x*y\n"


@pytest.mark.parametrize(
    ("lines", "claims"),
    [
        ("dx = y; dy = x", {"x": -4.0, "y": 3.0}),
        ("dx = -4; dy = 3", {"x": -4.0, "y": 3.0}),
        ("d_x = y; d_y = x", {"x": -4.0, "y": 3.0}),
        ("dfdx = y; dfdy = x", {"x": -4.0, "y": 3.0}),
        ("df_dx = y; df_dy = x", {"x": -4.0, "y": 3.0}),
        ("dy = x; d_x = y", {"y": 3.0, "x": -4.0}),
        ("dx = y", {"x": -4.0}),
        ("dx += y; dy += x", {"x": -4.0, "y": 3.0}),
        ("dx = y + 1; dx += -1", {"x": -4.0}),
        ("dx += 1; dx += y; d_x += -1", {"x": -4.0}),
        ("dx = 100; dx = y", {"x": -4.0}),
        ("dx = 100; dfdx = y", {"x": -4.0}),
        ("dx = 1; dx = dx + y - 1", {"x": -4.0}),
        ("dx = y; dy = x*dx/y", {"x": -4.0, "y": 3.0}),
        ("dx = y*df; dy = df*x", {"x": -4.0, "y": 3.0}),
        ("dx = y; h = 2; dy = x*h/2", {"x": -4.0, "y": 3.0}),
        ("dx = y; h = y; h2 = h*h; dy = x*h2/16", {"x": -4.0, "y": 3.0}),
        ("dx = y; h = 1; h += 1; dy = x*h/2", {"x": -4.0, "y": 3.0}),
        ("dx = y; h = 1; h = 2; dy = x*h/2", {"x": -4.0, "y": 3.0}),
        ("dx = y; x = 5; dy = x - 2", {"x": -4.0, "y": 3.0}),
        ("dx = y; h += 2; dy = x*h/2", {"x": -4.0, "y": 3.0}),
        ("f == -12; dx = y; dy = x", {"x": -4.0, "y": 3.0}),
        ("dx = y; f == -12; dy = x", {"x": -4.0, "y": 3.0}),
    ],
)
def test_the_last_value_of_a_gradient_name_is_its_claim(lines, claims):
    found, gradients = claimed(PRODUCT + lines)
    assert found == claims == {name: gradients[name] for name in claims}


@pytest.mark.parametrize("lines", ["dx = y + 1; dy = x", "dx = y; dx += 1; dy = x", "dx = -4.1"])
def test_a_wrong_line_is_claimed_as_it_stands(lines):
    found, gradients = claimed(PRODUCT + lines)
    assert found["x"] != gradients["x"] == -4.0
    assert gradcli.check(PRODUCT + lines).verdict == "fail"


def test_the_shortest_reading_of_a_gradient_name_comes_first():
    claims, _ = claimed("x = 2; _x = 5; f = x*_x; d_x = x; dx = _x")
    assert claims == {"_x": 2.0, "x": 5.0}


def test_the_gradient_of_the_output_is_the_upstream_gradient():
    text = f"{PRODUCT}df = 2; dx = y*df; dy = x*df"
    assert evaluated(text).gradients == {"x": -8.0, "y": 6.0}
    claims, gradients = claimed(text)
    assert claims == gradients == {"f": 2.0, "x": -8.0, "y": 6.0}
    assert gradcli.check(text).verdict == "pass"
    assert gradcli.check(text.replace("df = 2", "df += 2")).verdict == "pass"
    assert evaluated(text, upstream=-1).gradients == {"x": 4.0, "y": -3.0}


@pytest.mark.parametrize(
    ("lines", "claims"),
    [
        ("dw = [x, 1]", {"w": [3.0, 1.0]}),
        ("dw[0] = x; dw[1] = 1", {"w": [3.0, 1.0]}),
        ("dw[1] += 1; dw[0] += x", {"w": [3.0, 1.0]}),
        ("dw[-2] = x; dw[-1] = 1", {"w": [3.0, 1.0]}),
        ("dw[0] += x", {"w": [3.0, 0.0]}),
        ("dw = [0, 1]; dw[0] += x", {"w": [3.0, 1.0]}),
        ("dw = [x, 0]; dw += [0, 1]", {"w": [3.0, 1.0]}),
        ("dw += [x, 1]", {"w": [3.0, 1.0]}),
        ("dw = [x, 1]; dx = dw[1]*w[0]", {"w": [3.0, 1.0], "x": 2.0}),
    ],
)
def test_the_gradient_of_a_list_is_a_list_or_grows_element_by_element(lines, claims):
    found, _ = claimed("w = [2, 5]; x = 3; f = w[0]*x + w[1]\n" + lines)
    assert found == claims


def test_the_gradient_of_a_table_is_assigned_by_two_indices():
    found, gradients = claimed(
        "w = [[2,3],[5,7]]; f = w[0][0]*w[1][1]; dw[0,0] += w[1,1]; dw[1,-1] = 2"
    )
    assert found == gradients == {"w": [[7.0, 0.0], [0.0, 2.0]]}


@pytest.mark.parametrize(
    ("text", "settings", "inputs"),
    [
        ("t = 1; dt = 0.01; v = g*t; f = v*dt", {"g": 9.81}, ["g", "t", "dt"]),
        ("x = 3; dx = 2; f = x*dx", {}, ["x", "dx"]),
        ("dx = 2; x = 3; f = x*dx", {}, ["dx", "x"]),
        ("d = 3; x = 2; f = x*d", {}, ["d", "x"]),
        ("x = 2; dy = x*3; f = dy*x", {}, ["x"]),
        ("x = 2; q = x*3; dp = 4; f = q*dp", {}, ["x", "dp"]),
    ],
)
def test_a_name_with_a_d_is_forward_where_no_stage_comes_before_or_no_name_fits(
    text, settings, inputs
):
    program = read_program(text, settings=settings)
    assert program.claims == {}
    assert list(program.inputs) == inputs
    assert evaluated(text, settings).output == "f"


@pytest.mark.parametrize(
    ("lines", "helper", "where"),
    [
        ("dx = y\ng = x*2", "g", (5, 1)),
        ("dx = y\ndq = x", "dq", (5, 1)),
        ("dx = y\nx = 5", "x", (5, 1)),
        ("dx = y\nh = 1\ndy = x*h\nh = 2", "h", (7, 1)),
    ],
)
def test_a_line_after_the_output_that_no_gradient_reads_shows_both_cures(lines, helper, where):
    error = refused(ParseError, PRODUCT + lines)
    assert place(error) == where
    assert error.message.startswith(f"`{helper}` is no gradient and no later gradient line reads")
    assert "`f`" in error.message  # the output that was taken
    assert "`--output NAME`" in error.hint
    assert "`# gradcli: output NAME`" in error.hint


TRAP = "t = 1; v = 2*t; dt = 0.01; f = v*dt"


def test_both_cures_work():
    refused(ParseError, TRAP)
    for report in (evaluated(TRAP, output="f"), evaluated(f"# gradcli: output f\n{TRAP}")):
        assert (report.output, report.value, list(report.inputs)) == ("f", 0.02, ["t", "dt"])


@pytest.mark.parametrize(
    ("lines", "kind", "where", "message", "hint"),
    [
        ("dx = dy; dy = x", NameFault, (4, 6), "`dy` has no value yet", "on an earlier line"),
        ("dx = dx + y", NameFault, (4, 6), "`dx` has no value yet", "on an earlier line"),
        ("dx = y*q", NameFault, (4, 8), "`q` has no value", "`q=...`"),
        ("dx = y; h = [1]; h[0] = 2; dy = h[0]", ParseError, (4, 18), "is not a gradient", ""),
        ("dx = y\nf == [1]", ShapeError, (5, 1), "`f` has shape (), the claim has (1,)", ""),
        ("g == 3", NameFault, (4, 1), "`g` has no value", ""),
        ("x += 1", ParseError, (4, 1), "`+=` is for gradient lines only", "`x2 = x + ...`"),
        ("q[0] = 1", ParseError, (4, 1), "an index on the left is for gradient lines", "`q2 ="),
    ],
)
def test_a_slip_in_the_backward_part_is_shown(lines, kind, where, message, hint):
    error = refused(kind, PRODUCT + lines)
    assert place(error) == where
    assert message in error.message
    assert hint in (error.hint or "")


@pytest.mark.parametrize("line", ["x*2", "f + 1", "-x"])
def test_no_output_is_taken_from_the_backward_part(line):
    error = refused(ParseError, f"{PRODUCT}dx = y\n{line}")
    assert place(error) == (5, 1)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("dw = [1, 2]; dw = 3", "the gradient of `w`"),
        ("dw[2] = 1", "index 2 is outside a list of 2"),
        ("dw[-3] += 1", "index -3 is outside a list of 2"),
        ("dw[0,0] = 1", "2 indices, but the array has shape (2,)"),
        ("dw = 3", "the gradient of `w` has no axes"),
        ("dw = [1]", "the gradient of `w` has shape (1,)"),
        ("dw = [[1], [2]]", "the gradient of `w` has shape (2, 1)"),
        ("dw = w*[1, 2, 3]", "mul: shapes (2,) and (3,) do not fit together"),
        ("dx[0] = 1", "`x` is a number and has no elements"),
    ],
)
def test_a_gradient_line_whose_shapes_do_not_fit_is_set_aside(line, message):
    text = f"w = [2, 5]; x = 3; f = w[0]*w[1]*x\n{line}"
    with pytest.raises(ShapeError) as error:
        read_program(text)
    assert message in error.value.message
    program = read_program(text, true_gradients=true_gradients)
    *_, misfit = program.lines
    assert message in misfit.misfit.message
    assert not program.claims


def test_the_truth_stands_in_for_what_is_set_aside():
    text = "w = [2, 5]; x = 3; q = x*w; f = sum(q)\ndq = 1\ndw = x*dq\ndx = sum(w*dq)"
    case = gradcli.check(text).cases[0]
    assert [line.verdict for line in case.lines] == ["fail", "pass", "pass"]
    assert {name: check.verdict for name, check in case.inputs.items()} == {
        "w[0]": "pass", "w[1]": "pass", "x": "pass",
    }  # fmt: skip


@pytest.mark.parametrize("product", ["dq*x", "2*q*x", "x*dq"])
def test_a_product_of_two_vectors_is_told_the_outer_product(product):
    text = f"W = [[1, 2, 3], [4, 5, 6]]; x = [1, 2, 3]; q = W @ x; f = sum(q**2)\ndq = 2*q\ndW = {product}"
    (wrong,) = [line for line in gradcli.check(text).cases[0].lines if line.local]
    assert re.search(r"each with each is `np.outer\(.*\)`, of shape", wrong.reason)


def test_a_line_that_reads_what_has_no_shape_follows_from_it():
    text = "w = [2, 5]; x = 3; f = sum(w)*x\ndx = sum(w)\nh = w*[1, 2, 3]\ndw = x*ones(2) + 0*h"
    lines = gradcli.check(text).cases[0].lines
    assert [(line.verdict, line.local, line.cause) for line in lines] == [
        ("pass", False, None), ("fail", True, None), ("fail", False, 3),
    ]  # fmt: skip


# -------------------------------------------------------------------- claims on values


@pytest.mark.parametrize(
    ("lines", "claims", "verdict"),
    [
        ("f == -12", [("f", -12.0, "pass")], "pass"),
        ("f == -11", [("f", -11.0, "fail")], "fail"),
        ("f == x*y", [("f", -12.0, "pass")], "pass"),
        ("f == -12; f == 3*-4", [("f", -12.0, "pass"), ("f", -12.0, "pass")], "pass"),
        ("dx = y; f == -12", [("f", -12.0, "pass")], "pass"),
        ("f == -12; g = f*2; g == -24", [("f", -12.0, "pass"), ("g", -24.0, "pass")], "pass"),
    ],
)
def test_a_value_is_claimed_with_two_equal_signs(lines, claims, verdict):
    case = gradcli.check(PRODUCT + lines).cases[0]
    assert [(v.name, v.claim, v.verdict) for v in case.values] == claims
    assert case.verdict == verdict


def test_a_stage_after_a_claim_is_shown_as_any_other():
    report = evaluated(f"{PRODUCT}f == -12; g = f*2")
    assert stage_names(report) == ["f", "g"]
    assert report.stages[-1].gradient == 1.0
    assert stage_names(evaluated(f"{PRODUCT}f == -12; f + 1")) == ["f", "#out"]


def test_a_comparison_inside_a_choice_is_no_claim():
    report = evaluated(f"{PRODUCT}f == 2 if x else 3")
    assert (report.output, report.value) == ("#out", 0.0)


def test_a_claim_on_a_value_computes_nothing():
    report = evaluated(f"{PRODUCT}f == -12")
    assert (stage_names(report), report.value) == (["f"], -12.0)


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("x = 1; y = 2; f = x*y; dx = 2; dy = 1", {}),
        ("x = 0; f = sin(x); dx = 1; f == 0", {}),
        ("w = [1, 2]; f = w[0]*w[1]; dw = [2, 1]", {}),
        ("f = x*y; dx = 3; dy = 3", {"x": 3, "y": 3}),
    ],
)
def test_a_number_that_is_claimed_is_held_to_its_own_point_only(text, settings):
    case = gradcli.check(text, settings).cases[0]
    assert case.verdict == "pass", case.notes


def test_a_claim_has_its_place():
    case = gradcli.check(f"{PRODUCT}f == -12\n  dx = y\ndy = x").cases[0]
    assert case.places == {"f": (4, 1), "x": (5, 3), "y": (6, 1)}


def test_an_input_without_a_gradient_line_is_a_note():
    case = gradcli.check(f"{PRODUCT}dx = y").cases[0]
    assert (case.verdict, case.notes) == ("pass", ["no gradient for y"])


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
