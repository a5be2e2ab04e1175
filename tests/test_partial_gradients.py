"""`check --call` of gradients by some of the inputs: parameters, and not the data beside them."""

import json

import pytest

FUNCTIONS = """
import numpy as np

def squares(theta, X, y):
    r = X @ theta - y
    return r @ r, {factor} * X.T @ r

def affine_loss(W, b, X, y):
    return np.sum((X @ W + b - y)**2)

def affine_loss_grad(W, b, X, y):
    r = X @ W + b - y
    return {factor} * X.T @ r, {factor} * r.sum(0)

def product(x, w):
    return np.sum(np.tanh(x * w))

def product_grad(x, w):
    return {factor} / 2 * x / np.cosh(x * w)**2

def misfit(x, y):
    return np.sum(x) * np.sum(y)

def misfit_grad(x, y):
    return np.ones(7)
"""
CASES = [
    ("squares", ["theta=randn(3)", "X=randn(5, 3)", "y=randn(5)"], "theta", "X, y"),
    ("affine_loss", ["W=randn(3, 2)", "b=[1, 2]", "X=randn(4, 3)", "y=randn(4, 2)"], "W, b", "X, y"),
]  # fmt: skip


def checked(gradcli, tmp_path, factor, *words):
    (tmp_path / "own.py").write_text(FUNCTIONS.replace("{factor}", factor))
    ended = gradcli("check", "--call", *words, "--json")
    (case,) = json.loads(ended.out)["cases"]
    return case


@pytest.mark.parametrize(("name", "inputs", "claimed", "others"), CASES)
@pytest.mark.parametrize(("factor", "verdict"), [("2", "pass"), ("2.001", "fail")])
def test_fewer_gradients_are_those_of_the_first_inputs_that_they_fit(
    gradcli, tmp_path, name, inputs, claimed, others, factor, verdict
):
    case = checked(gradcli, tmp_path, factor, f"own.py:{name}", *inputs)
    assert case["verdict"] == verdict
    assert {key.partition("[")[0] for key in case["inputs"]} == {*claimed.split(", ")}
    assert (
        f"the gradient is taken as that of {claimed}, and none is claimed for {others} "
        "(--wrt says which is meant)"
    ) in case["notes"]


@pytest.mark.parametrize(("factor", "verdict", "by"), [("2", "pass", "w"), ("3", "fail", "x")])
def test_a_gradient_that_fits_two_inputs_is_of_the_one_that_it_is_right_for(
    gradcli, tmp_path, factor, verdict, by
):
    case = checked(gradcli, tmp_path, factor, "own.py:product", "x=[0.5, -1]", "w=[1, 2]")
    assert (case["verdict"], {key[0] for key in case["inputs"]}) == (verdict, {by})


def test_what_fits_no_input_fails_by_its_count(gradcli, tmp_path):
    case = checked(gradcli, tmp_path, "2", "own.py:misfit", "x=[0.5, -1]", "y=[1, 2, 3]")
    assert (case["verdict"], case["lines"][0]["mistake"]) == ("fail", "gradient-count")


def test_inputs_that_are_named_are_the_ones_that_count(gradcli, tmp_path):
    words = ("own.py:squares", "theta=randn(3)", "X=randn(5, 3)", "y=randn(5)", "--wrt", "theta,y")
    case = checked(gradcli, tmp_path, "2", *words)
    assert (case["verdict"], case["lines"][0]["mistake"]) == ("fail", "gradient-count")
