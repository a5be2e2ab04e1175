"""Names of programs: look-alikes, functions, constants, sizes, and lists with their elements."""

from __future__ import annotations

import math

import pytest
from test_program import evaluated, place, refused, stage_names

from gradcli.errors import BindingError, GradcliError, NameFault, ShapeError

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


@pytest.mark.parametrize(("name", "hint"), [
    ("xy", "write `x*y` for a product"), ("w_0x_0", "write `w_0*x_0` for a product"),
    ("qx", "write `q*x` for a product"), ("z" * 10_000, "give it one: `zzz"),
])  # fmt: skip
def test_a_name_that_is_two_names_is_their_product(name, hint):
    error = refused(NameFault, f"q = x*x\nf = {name}", {"x": 1, "y": 2, "w_0": 3, "x_0": 4})
    assert error.hint.startswith(hint)
