"""Work in many digits is counted: what takes too long is refused, or left to float64, in words."""

import math

import pytest

import gradcli
from gradcli.arithmetic import work
from gradcli.arithmetic.digits import digits


def test_outside_a_question_work_is_free():
    for _ in range(3):
        work.spend(1e12)


def test_work_is_of_the_outermost_question():
    with work.limited(10):
        work.spend(4)
        with work.limited(1000):
            work.spend(6)
            with pytest.raises(work.TooLongError, match="take long"):
                work.spend(1)
        with work.unlimited():
            work.spend(1000)
    with work.limited(10):
        work.spend(10)


def test_what_must_be_done_and_does_not_fit_is_not_begun():
    assert work.left() == math.inf
    work.ensure(1e300)
    with work.limited(1000.0):
        work.spend(600.0)
        work.ensure(400.0)
        assert work.left() == 400.0
        with pytest.raises(work.TooLongError):
            work.ensure(401.0)
        with pytest.raises(work.TooLongError):
            work.spend(1.0)


def test_gates_are_paid_for_by_their_digits():
    few, many = digits(50), digits(1000)
    spent = []
    for arithmetic, name in ((few, "exp"), (many, "exp"), (few, "gamma"), (many, "gamma")):
        for left in range(2, 8):
            try:
                with work.limited(10.0**left):
                    arithmetic.function(name)(arithmetic.number(2.5))
                break
            except work.TooLongError:
                continue
        spent.append(left)
    few_exp, many_exp, few_gamma, many_gamma = spent
    assert few_exp < many_exp < many_gamma
    assert few_exp < few_gamma < many_gamma


def test_an_operand_is_paid_for_by_its_size():
    assert work.price("exp", 50 + 2**14 * 0.3) > 50 * work.price("exp", 50)
    arithmetic = digits(50)
    with work.limited(3e3), pytest.raises(work.TooLongError):
        arithmetic.function("exp")(arithmetic.number(2.0) ** 2**13)


@pytest.mark.parametrize(("text", "point"), [
    ("log(1 + exp(x)) - x", {"x": 50.0}), ("(1 - cos(x))/x**2", {"x": 1e-9}),
])  # fmt: skip
def test_without_work_float64_and_its_bounds_are_left(text, point, monkeypatch):
    monkeypatch.setattr(work.limited, "__defaults__", (1.0,))
    with work.limited(1.0):
        report = gradcli.evaluate(text, point)
    assert report.arithmetic == "float64"
    assert report.bound > 1e-9 * abs(report.value)
    assert any("many digits would take long here" in note for note in report.notes)
    assert report.check.inputs["x"].verdict in ("pass", "inconclusive")
    if report.check.inputs["x"].verdict == "inconclusive":
        assert "take long" in report.check.inputs["x"].reason


def test_digits_that_take_too_long_are_refused_in_words():
    with work.limited(1e4), pytest.raises(gradcli.GradcliError, match="500 digits would take long"):
        gradcli.evaluate("lgamma(x)", {"x": 2.5}, digits=500)


def test_a_claim_on_a_value_is_inconclusive_where_many_digits_take_long():
    with work.limited(10.0):
        checked = gradcli.check("x = 1; f = (1e16 + x) - 1e16; f == 1")
    (answer,) = checked.cases[0].values
    assert answer.verdict == "inconclusive"
    assert "take long" in answer.reason


def test_what_gates_choose_at_a_tie_has_no_bound_where_f_overflows():
    """The slope by x is 3000, and both gates that are tied choose x."""
    report = gradcli.evaluate("max(x, y) * min(x, y) - exp(y)", {"x": 3000.0, "y": 3000.0})
    assert report.gradients["x"] == 6000.0
    assert report.gradient_bounds["x"] == float("inf")


def test_what_gates_choose_at_a_tie_has_no_bound_where_limits_would_take_long():
    """The slope is -5.572e-301, that of what `abs` and `relu` are taken for at 0 another one."""
    text = "(log1p(exp(-abs(x))) + relu(x) - erfinv(x)) ** hypot(1e-300, x)"
    report = gradcli.evaluate(text, {"x": 0.0})
    assert report.gradients["x"] / -5.572e-301 > 2
    assert report.gradient_bounds["x"] == float("inf")
    assert report.check.inputs["x"].verdict == "inconclusive"
