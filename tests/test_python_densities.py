"""Distributions of scipy.stats in likelihoods, beside published derivatives and total masses."""

from __future__ import annotations

import pytest
from python_cases import case_of

from gradcli.python.rows.densities import CONTINUOUS, DISCRETE

# The derivatives of log densities by what they depend on; z = (x - loc) / scale.
SCORES = {
    "norm.logpdf(x, loc, scale)": {
        "x": "-z / scale", "loc": "np.sum(z) / scale", "scale": "np.sum(z**2 - 1) / scale"},
    "laplace.logpdf(x, loc, scale)": {
        "x": "-np.sign(z) / scale", "scale": "np.sum(np.abs(z) - 1) / scale"},
    "cauchy.logpdf(x, loc=loc, scale=scale)": {
        "x": "-2 * z / (1 + z**2) / scale", "scale": "np.sum((z**2 - 1) / (z**2 + 1)) / scale"},
    "logistic.logpdf(x, loc, scale)": {"x": "-np.tanh(z / 2) / scale"},
    "gumbel_r.logpdf(x, loc, scale)": {"x": "(np.exp(-z) - 1) / scale"},
    "t.logpdf(x, a, loc, scale)": {
        "x": "-(a + 1) * z / (a + z**2) / scale",
        "a": "0.5 * np.sum(digamma((a + 1) / 2) - digamma(a / 2) - 1 / a"
             " - np.log1p(z**2 / a) + (a + 1) * z**2 / (a**2 + a * z**2))"},
    "gamma.logpdf(x, a, scale=scale)": {
        "x": "(a - 1) / x - 1 / scale", "a": "np.sum(np.log(x / scale) - digamma(a))",
        "scale": "np.sum(x / scale - a) / scale"},
    "invgamma.logpdf(x, a, scale=scale)": {
        "x": "-(a + 1) / x + scale / x**2", "a": "np.sum(np.log(scale / x) - digamma(a))"},
    "chi2.logpdf(x, a)": {
        "x": "(a / 2 - 1) / x - 0.5",
        "a": "0.5 * np.sum(np.log(x) - np.log(2) - digamma(a / 2))"},
    "beta.logpdf(p, a, b)": {
        "p": "(a - 1) / p - (b - 1) / (1 - p)",
        "b": "digamma(a + b) - digamma(b) + np.log(1 - p)"},
    "lognorm.logpdf(x, a, scale=scale)": {
        "x": "-(1 + np.log(x / scale) / a**2) / x",
        "a": "np.sum(np.log(x / scale)**2 / a**3 - 1 / a)"},
    "weibull_min.logpdf(x, a, scale=scale)": {
        "x": "(a - 1) / x - a / scale * (x / scale)**(a - 1)",
        "a": "np.sum(1 / a + np.log(x / scale) * (1 - (x / scale)**a))"},
    "pareto.logpdf(x, a, scale=0.1)": {"x": "-(a + 1) / x", "a": "np.sum(1 / a - np.log(x / 0.1))"},
    "expon.logpdf(x, scale=scale)": {"scale": "np.sum(x / scale - 1) / scale"},
    "halfnorm.logpdf(x, scale=scale)": {"x": "-x / scale**2"},
    "rayleigh.logpdf(x, scale=scale)": {"x": "1 / x - x / scale**2"},
    "poisson.logpmf(3, x)": {"x": "3 / x - 1"},
    "bernoulli.logpmf(1, p)": {"p": "1 / p"},
    "geom.logpmf(4, p)": {"p": "1 / p - 3 / (1 - p)"},
    "binom.logpmf(3, 7, p)": {"p": "3 / p - 4 / (1 - p)"},
    "nbinom.logpmf(3, 5, p)": {"p": "5 / p - 3 / (1 - p)"},
    "norm.cdf(x, loc, scale)": {"x": "stats.norm.pdf(z) / scale"},
    "norm.logsf(x)": {"x": "-np.exp(stats.norm.logpdf(x) - stats.norm.logcdf(-x))"},
}  # fmt: skip
POINT = {"x": [0.4, 1.3, 2.1], "loc": 0.3, "scale": 1.7, "a": 2.6, "b": 1.9, "p": 0.35}


def program(call, scores, factor=1):
    names = [name for name in ("x", "loc", "scale", "a", "b", "p")
             if f" {name}" in call.replace("(", " ").replace("=", " ")]  # fmt: skip
    names += [name for name in scores if name not in names]
    uses_z = any("z" in score for score in scores.values())
    lines = [f"    d{name} = {factor} * ({score})" for name, score in scores.items()]
    return "\n".join((
        "import numpy as np", "from scipy import stats", "from scipy.special import digamma",
        f"def total({', '.join(names)}):", f"    value = np.sum(stats.{call})",
        *(["    z = (x - loc) / scale"] if uses_z else []), *lines,
        f"    return value, {', '.join(f'd{name}' for name in scores)}",
    )), [(name, POINT[name]) for name in names]  # fmt: skip


@pytest.mark.parametrize(("call", "factor"), [(c, f) for c in SCORES for f in (1, 2)])
def test_published_scores_pass_and_others_fail(call, factor):
    text, point = program(call, SCORES[call], factor)
    case = case_of(text, bindings=point)
    assert case.verdict == ("pass" if factor == 1 else "fail"), (case.problem, text)


def test_every_density_has_a_score():
    tested = {call.partition(".")[0] for call in SCORES}
    assert tested == {name.partition(" ")[0] for name in (*CONTINUOUS, *DISCRETE)}


# Midpoints of the support from those of (0, 1), and how much of it each stands for.
LINE = ("np.tan(np.pi * (u - 0.5))", "np.pi / np.cos(np.pi * (u - 0.5))**2")
HALF = ("u / (1 - u)", "1 / (1 - u)**2")
SUPPORTS = {
    "norm": LINE, "laplace": LINE, "cauchy": LINE, "logistic": LINE, "gumbel_r": LINE, "t 3.5": LINE,
    "expon": HALF, "halfnorm": HALF, "rayleigh": HALF, "gamma 2.6": HALF, "invgamma 2.6": HALF,
    "chi2 7": HALF, "beta 2.6 2.9": ("u", "1"), "lognorm 0.8": HALF, "weibull_min 2.6": HALF,
    "pareto 2.6": ("1 / (1 - u)", "1 / (1 - u)**2"),
    "poisson 3.2": None, "bernoulli 0.3": None, "geom 0.4": None, "binom 9 0.3": None,
    "nbinom 5 0.6": None,
}  # fmt: skip


@pytest.mark.parametrize("called", SUPPORTS)
def test_the_mass_of_a_distribution_is_1(called):
    name, *shapes = called.split(" ")
    numbers = ", ".join(["x", *shapes])
    if SUPPORTS[called] is None:
        first, last = {"bernoulli": (0, 2), "geom": (1, 99), "binom": (0, 10)}.get(name, (0, 99))
        points = f"x, share = np.arange({first}, {last}), 1.0"
        mass = f"np.sum(stats.{name}.pmf({numbers}) * share)"
    else:
        x, share = SUPPORTS[called]
        points = f"u = (np.arange(4000) + 0.5) / 4000; x = {x}; share = {share}"
        mass = f"np.mean(stats.{name}.pdf({numbers}) * share)"
    text = f"""import numpy as np
from scipy import stats
def total(c):
    {points}
    dc = 1.0
    return c * {mass}, dc
"""
    case = case_of(text, bindings=[("c", 1.0)])
    assert case.verdict == "pass", (case.problem, case.inputs)


def test_every_mass_is_tested():
    every = {name.partition(" ")[0] for name in (*CONTINUOUS, *DISCRETE)}
    assert {called.partition(" ")[0] for called in SUPPORTS} == every
