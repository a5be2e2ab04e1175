"""Every cure that is shown is right at its point, whatever the names are."""

import itertools
import math
import random
import re

import mpmath
import pytest

import gradcli
from gradcli.program.reader import read
from gradcli.transform.fuse import GATED, REWRITTEN, fused

mp = mpmath.mp.clone()
mp.dps = 800  # 1e-300 squared, and a hundred digits to spare

POINTS = [
    1e-300, 1e-160, 1e-17, 3e-9, 1e-4, 0.3, 1.0, 1.0000000000000002, 2.5, 20.0, 37.5, 300.0,
    709.0, 1000.0, 99999999.0, 1e16, 1.0000000000000002e16, 1e160, 1e200,
]  # fmt: skip
OPERANDS = [
    ("x", "y"), ("y", "x"), ("y + x", "x"), ("x", "x + y"), ("y * x", "y"), ("x - y", "y - x"),
    ("-y", "-x"), ("2 * y", "y / x"), ("x1", "x"), ("x_y", "y_x"),
]  # fmt: skip


def _sigmoid(x):
    return 1 / (1 + mp.exp(-x))


TRUTH = {
    "sigmoid": _sigmoid, "softplus": lambda x: mp.log(1 + mp.exp(x)),
    "logsigmoid": lambda x: -mp.log(1 + mp.exp(-x)), "silu": lambda x: x * _sigmoid(x),
    "gelu": lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2, "relu": lambda x: max(x, mp.mpf(0)),
    "log1p": lambda x: mp.log(1 + x), "hypot": lambda *xs: mp.sqrt(sum(x * x for x in xs)),
    "logsumexp": lambda *xs: mp.log(sum(map(mp.exp, xs))), "abs": abs,
    **{name: getattr(mp, name) for name in (
        "exp", "expm1", "log", "sqrt", "sin", "cos", "tan", "tanh", "sinh", "cosh", "atan", "erf",
        "erfc",
    )},
}  # fmt: skip


def _put(form, operands):
    """The form with both operands put in at once."""
    return re.sub(r"\b[xy]\b", lambda name: f"({operands['xy'.index(name[0])]})", form)


def _truth(text, point):
    """The text in 800 digits, by nothing of ours; None where it has no such value."""
    numbers = {name: mp.mpf(x) for name, x in point.items()}
    exact = re.sub(r"(?<![\w.])(\d+\.?\d*(?:e[-+]?\d+)?)", r"number('\1')", text)
    try:
        value = +eval(exact, {**TRUTH, **numbers, "number": lambda t: mp.mpf(float(t))})
        return None if isinstance(value, mp.mpc) else value
    except (ValueError, ZeroDivisionError, OverflowError):
        return None


def _cures(text, point):
    """The rewritings that the notes on a point tell to use."""
    notes = gradcli.evaluate(text, point, check=False).notes
    return [note.partition("; use ")[2] for note in notes if "; use " in note]


def _is_right(cure, text, point):
    """Whether plain float64 computes a cure well, and it is the text or a part of it."""
    names = {name: x for name, x in point.items() if re.search(rf"\b{name}\b", cure)}
    gave = gradcli.evaluate(cure, names, check=False, arithmetic="float64").value
    truth = _truth(cure, point)
    if not abs(mp.mpf(gave) - truth) <= 9 * mp.mpf(math.ulp(float(truth))):
        return False
    stages = gradcli.evaluate(text, point, check=False).stages
    parts = [_truth(stage.expression, point) for stage in stages]
    room = abs(truth) / 10**99 + mp.mpf(10) ** -400  # below that both are 0
    return any(part is not None and abs(part - truth) <= room for part in parts)


@pytest.mark.parametrize(
    ("text", "point", "cure"),
    [
        ("y**2 - x**2", {"x": 1e8, "y": 100000001.0}, "(y - x) * (y + x)"),
        ("log(y) - log(x)", {"x": 1e16, "y": 1.0000000000000002e16}, "log1p((y - x) / x)"),
        ("exp(y) / exp(x)", {"x": 1000.0, "y": 999.0}, "exp(y - x)"),
        ("sin(y + x) - sin(y)", {"x": 1e-17, "y": 1.0}, "2 * cos(y + x / 2) * sin(x / 2)"),
        ("exp(-x - y) - 1", {"x": 1e-9, "y": 1e-10}, "expm1(-x - y)"),
        ("exp(-(x - y)) - 1", {"x": 1e-9, "y": 1e-10}, "expm1(-(x - y))"),
        ("log(1 + (1 - cos(x)))", {"x": 1e-9}, "log1p(2 * sin(x / 2)**2)"),
    ],
)
def test_a_cure_names_each_operand_in_its_own_place(text, point, cure):
    assert _cures(text, point) == [cure]
    assert _is_right(cure, text, point)


@pytest.mark.parametrize(
    ("form", "operands"), [*itertools.product([form for form, _ in GATED + REWRITTEN], OPERANDS)]
)
def test_every_cure_is_right_at_its_point(form, operands):
    text, rng = _put(form, operands), random.Random(f"{form} {operands}")
    names = sorted(set(re.findall(r"\b(?:x1|x_y|y_x|x|y)\b", text)))
    for _ in range(2):
        point = {name: rng.choice(POINTS) * rng.choice((1, 1, -1)) for name in names}
        for cure in _cures(text, point):
            for part in re.split(r", (?![^()]*\))", cure):
                assert _is_right(part, text, point), (text, point, cure)


def test_what_is_not_right_to_the_last_digits_is_no_cure():
    """The rounding of x - y is far larger than the sine of it."""
    (note,) = gradcli.evaluate("exp(sin(x)*1e9)/exp(y)", {"x": 3.0, "y": 1e8}, check=False).notes
    assert "use" not in note


def test_a_graph_without_the_gates_of_any_form_stays_as_it_is():
    program = read("(x - y) * atan2(x, tanh(y))", "<test>", {"x": 1.0, "y": 2.0})
    for forms in (GATED, REWRITTEN):
        assert fused(program.graph, [program.output], forms).graph is program.graph
