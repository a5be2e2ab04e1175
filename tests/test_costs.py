"""What takes too long or too much memory is refused before anything is computed, in words."""

import os

import pytest
from peak import peak_of

import gradcli
from gradcli.evaluation.costs import work, work_by_number
from gradcli.program.reader import read
from gradcli.requests import Request

LARGE = [
    (["eval", "sum(x)", "x=randn(24000000)", "-q"], "MiB"),
    (["eval", "sum(exp(x))", "x=randn(7000)", "--hessian", "-q"], "MiB"),
    (["eval", "x@x", "x=randn(80,80)", "--jacobian"], "MiB"),
    (["graph", "sum(x*x)", "x=randn(9000000)"], "MiB"),
    (["explain", "sum(x*x)", "x=randn(9000000)"], "MiB"),
    (["check", "sum(x*x)", "x=randn(20000000)"], "MiB"),
    (["eval", "sum(polygamma(3, outer(w,w)+2))", "w=randn(140)"], "gate evaluations"),
    (["eval", "prod(exp(w))", "w=randn(1000)", "--hessian", "-q"], "gate evaluations"),
]


@pytest.mark.parametrize(("arguments", "words"), LARGE, ids=[" ".join(x) for x, _ in LARGE])
def test_what_is_too_large_is_refused_at_once(arguments, words, gradcli):
    code, out, err = gradcli(*arguments)
    assert code == 2
    assert words in (out or err)
    assert "--max-memory" in out + err or "--check-budget" in out + err


def test_limits_can_be_raised(gradcli):
    arguments = ["eval", "sum(x)", "x=ones(100000)", "-q", "--max-memory"]
    assert gradcli(*arguments, "65")[0] == 2
    assert gradcli(*arguments, "200")[0] == 0


def _work(text, names):
    program = read(text, "<test>", names, request=Request())
    return work(program.graph), work_by_number(program.graph)


def test_a_gate_that_is_computed_one_by_one_counts_as_what_it_takes():
    fast, slow = (_work(f"sum({f}(w))", [("w", "ones(1000)")]) for f in ("exp", "lgamma"))
    assert slow[0] > 1_000 * fast[0]
    assert slow[1] > 100 * fast[1]


def test_slow_elements_are_not_checked_one_by_one():
    report = gradcli.evaluate("sum(polygamma(1, w))", {"w": [2.0 + k / 9 for k in range(60)]})
    assert report.check is None or set(report.check.inputs) == {"w"}


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux")
@pytest.mark.parametrize("text", ["sum(x)", "sum(x*x)"])
def test_the_estimate_of_memory_holds(text):
    """A report just inside the limit takes no more than the limit."""
    limit, elements = 300, 390_000
    words = ["eval", text, f"x=randn({elements})", "--json", "--no-check"]
    assert peak_of(*words, "--max-memory", str(limit), timeout=120) < limit * 1024
