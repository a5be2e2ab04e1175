"""Slips in lines that stand for several statements: a change of one holds in all its turns."""

import pytest
from python_cases import cases

from gradcli.backward import lines as backward_lines
from gradcli.render.fixes import fixed_text

CHAIN = """import numpy as np


def chain_loss(x, w):
    h, kept = 0.0, []
    for k in range(len(x)):
        h = np.tanh(w * h + x[k])
        kept.append(h)
    dx, dw, dh = np.zeros_like(x), 0.0, 1.0
    for k in range(len(x) - 1, -1, -1):
        da = dh * (1 - kept[k] ** 2)
        dx[k] = da
        dw += da * (kept[k - 1] if k else 0.0)
        dh = da * w
    return h, dx, dw
"""
CELLS = """import numpy as np


def cells_loss(X, U, V, Y):
    hs, loss = [np.zeros(2)], 0.0
    for t in range(3):
        hs.append(np.tanh(X[t] @ U + hs[t] @ V))
        loss += 0.5 * np.sum((hs[t + 1] - Y[t]) ** 2)
    dU, dV, later = np.zeros_like(U), np.zeros_like(V), np.zeros(2)
    for t in reversed(range(3)):
        dh = hs[t + 1] - Y[t] + later
        dz = (1 - hs[t + 1] ** 2) * dh
        dU += np.outer(X[t], dz)
        dV += np.outer(hs[t], dz)
        later = dz @ V.T
    return loss, dU, dV
"""
SIZES = [("X", "randn(3, 4)"), ("U", "randn(4, 2)"), ("V", "randn(2, 2)"), ("Y", "randn(3, 2)")]


def accused_after(text, was, now, bindings=()):
    """The accused lines of a program in which a line is another."""
    (row,) = [number for number, line in enumerate(text.splitlines(), 1) if line.strip() == was]
    (case,) = cases(text.replace(was, now), bindings=bindings)
    return row, [line for line in case.lines if line.is_accused]


@pytest.mark.parametrize(
    ("was", "now", "mistake"),
    [
        ("dh = da * w", "dh = da", "dropped-factor"),
        ("dh = da * w", "dh = da * x[k]", "wrong-cache"),
        ("dh = da * w", "dh = -da * w", "sign"),
        ("da = dh * (1 - kept[k] ** 2)", "da = dh * (1 - kept[k])", "dropped-power"),
    ],
)
def test_a_slip_in_a_loop_is_found_and_mended_in_all_turns(was, now, mistake):
    row, (line,) = accused_after(CHAIN, was, now)
    assert (line.line, line.mistake, line.suspects) == (row, mistake, [])
    assert line.repair.replace(" ", "") == was.replace(" ", "")


@pytest.mark.parametrize(
    ("was", "now", "mistake"),
    [
        ("dh = hs[t + 1] - Y[t] + later", "dh = hs[t + 1] - Y[t]", "missing-path"),
        ("dz = (1 - hs[t + 1] ** 2) * dh", "dz = dh", "dropped-one-minus"),
        ("dU += np.outer(X[t], dz)", "dU = np.outer(X[t], dz)", "overwritten"),
        ("later = dz @ V.T", "later = dz @ V", "transposed"),
        ("dV += np.outer(hs[t], dz)", "dV += np.outer(hs[t + 1], dz)", "wrong-cache"),
    ],
)
def test_a_slip_in_a_loop_over_arrays_is_found(was, now, mistake):
    row, (line,) = accused_after(CELLS, was, now, SIZES)
    assert (line.line, line.mistake, line.suspects) == (row, mistake, [])
    (case,) = cases(CELLS.replace(was, line.repair.strip()), bindings=SIZES)
    assert case.verdict == "pass"


def test_what_is_not_explained_in_a_loop_is_not_accused_flatly():
    row, lines = accused_after(CHAIN, "dh = da * w", "dh = da * np.cos(w) + 3.0")
    assert all(row in line.suspects for line in lines)


def test_right_loops_have_no_accused_line():
    for text, bindings in ((CHAIN, []), (CELLS, SIZES)):
        (case,) = cases(text, bindings=bindings)
        assert case.verdict == "pass"
        assert not any(line.is_accused for line in case.lines)


PAIR_SIZES = [("pos", "randn(3, 2)"), ("k", "0.7"), ("r0", "1.3")]
PAIRS = """import numpy as np


def springs(pos, k, r0):
    total, dpos, dk = 0.0, np.zeros_like(pos), 0.0
    for i in range(3):
        for j in range(i + 1, 3):
            r = np.sqrt(np.sum((pos[i] - pos[j]) ** 2))
            total += 0.5 * k * (r - r0) ** 2
            pull = k * (r - r0) * (pos[i] - pos[j]) / r
            dk += 0.5 * (r - r0) ** 2
            dpos[i] += pull
            dpos[j] -= pull
    return total, dpos, dk
"""


def test_a_part_of_the_forward_part_of_the_same_turn_is_put_in():
    was = "pull = k * (r - r0) * (pos[i] - pos[j]) / r"
    row, (line,) = accused_after(PAIRS, was, was.replace("(r - r0) * ", ""), PAIR_SIZES)
    assert (line.line, line.mistake) == (row, "dropped-factor")
    assert "(r - r0)" in line.repair


STEP = """import numpy as np


def gate_forward(x, h, u):
    z = np.tanh(h * u)
    return z * (x - h), (x, h, u, z)


def gate_backward(dout, cache):
    x, h, u, z = cache
    dz = dout * (x - h)
    da = dz * (1 - z ** 2)
    dx = dout * z
    dh = da * u - dx
    du = da * h
    return dx, dh, du
"""


def test_a_line_that_only_names_a_forward_value_is_judged():
    row, (line,) = accused_after(STEP, "dx = dout * z", "dx = z")
    assert (line.line, line.suspects) == (row, [])
    assert line.repair.replace("z * dout", "dout * z") == "dx = dout * z"


@pytest.mark.parametrize(
    ("text", "was", "now", "sizes", "mistake", "repair"),
    [
        (CHAIN, "dx[k] = da", "dx[k] = 2 * da", [], "dropped-factor", "dx[k] = da"),
        (PAIRS, "dpos[j] -= pull", "dpos[j] -= 2 * pull", PAIR_SIZES, "dropped-factor",
         "dpos[j] -= pull"),
        (PAIRS, "dpos[j] -= pull", "dpos[j] += pull", PAIR_SIZES, "sign", "dpos[j] += -pull"),
    ],
)  # fmt: skip
def test_the_parts_that_a_line_writes_are_judged_as_parts(text, was, now, sizes, mistake, repair):
    row, (line,) = accused_after(text, was, now, sizes)
    assert (line.line, line.suspects, line.mistake) == (row, [], mistake)
    assert line.repair == repair


PARTS = """import numpy as np


def springs(x, k, rest):
    u = 0.0
    for i in range(len(k)):
        u += 0.5 * k[i] * (x[i + 1] - x[i] - rest[i]) ** 2
    return u


def springs_grad(x, k, rest):
    dx, dk, drest = np.zeros(len(x)), np.zeros(len(k)), np.zeros(len(k))
    for i in range(len(k)):
        e = x[i + 1] - x[i] - rest[i]
        dx[i + 1] += k[i] * e
        dx[i] += -k[i] * e
        dk[i] = 0.5 * e ** 2
        drest[i] = k[i] * (rest[i] - x[i + 1] + x[i])
    return dx, dk, drest
"""
OF_PARTS = [("x", "randn(5)"), ("k", "randn(4)"), ("rest", "randn(4)")]


@pytest.mark.parametrize(
    ("was", "now", "mistake"),
    [
        ("dx[i] += -k[i] * e", "dx[i] += k[i] * e", "sign"),
        ("dx[i + 1] += k[i] * e", "dx[i + 1] += k[i]", "dropped-factor"),
        ("dx[i] += -k[i] * e", "dx[i] = -k[i] * e", "overwritten"),
        ("dk[i] = 0.5 * e ** 2", "dk[i] = 0.5 * e", "dropped-power"),
        ("drest[i] = k[i] * (rest[i] - x[i + 1] + x[i])",
         "drest[i] = k[i] * (rest[i] - x[i + 1] - x[i])", "sign"),
    ],
)  # fmt: skip
def test_a_slip_in_a_line_that_writes_a_part_is_found_and_mended_in_all_turns(was, now, mistake):
    row, (line,) = accused_after(PARTS, was, now, OF_PARTS)
    assert (line.line, line.mistake, line.suspects) == (row, mistake, [])
    assert line.repair == was


def test_a_line_that_writes_a_part_is_told_once_a_turn():
    (case,) = cases(PARTS, bindings=OF_PARTS)
    assert case.verdict == "pass"
    rows = [(line.line, *line.turn) for line in case.lines]
    assert len(rows) == len({*rows})
    text = PARTS.replace("dk[i] = 0.5 * e ** 2", "dk[i] = 0.5 * e")
    (case,) = cases(text, bindings=OF_PARTS)
    rows = [(line.line, *line.turn) for line in case.lines]
    assert len(rows) == len({*rows})


def test_elements_that_a_line_writes_from_another_turn_are_the_wrong_cache():
    text = PARTS.replace("dk[i] = 0.5 * e ** 2", "dk[i] = 0.5 * e * e")
    row, (line,) = accused_after(text, "dx[i] += -k[i] * e", "dx[i] += -k[0] * e", OF_PARTS)
    assert (line.line, line.mistake, line.repair) == (row, "wrong-cache", "dx[i] += -k[i] * e")


NORM = """import numpy as np


def norm_forward(x, gamma):
    mu = x.mean(axis=-1, keepdims=True)
    var = x.var(axis=-1, keepdims=True)
    xhat = (x - mu) / np.sqrt(var + 1e-5)
    return gamma * xhat, (x, xhat, mu, var, gamma)


def norm_backward(dout, cache):
    x, xhat, mu, var, gamma = cache
    n = x.shape[-1]
    dgamma = np.sum(dout * xhat, axis=(0,))
    dxhat = dout * gamma
    dvar = np.sum(dxhat * (x - mu) * -0.5 * (var + 1e-5) ** -1.5, axis=-1, keepdims=True)
    dmu = np.sum(-dxhat / np.sqrt(var + 1e-5), axis=-1, keepdims=True)
    dx = dxhat / np.sqrt(var + 1e-5)
    dx += dvar * 2 * (x - mu) / n
    dx += dmu / n
    return dx, dgamma
"""


@pytest.mark.parametrize(
    ("was", "now", "mistake"),
    [
        ("dvar = np.sum(dxhat * (x - mu) * -0.5 * (var + 1e-5) ** -1.5, axis=-1, keepdims=True)",
         "dvar = np.sum(dxhat * (x - mu) * 0.5 * (var + 1e-5) ** -1.5, axis=-1, keepdims=True)",
         "sign"),
        ("dgamma = np.sum(dout * xhat, axis=(0,))", "dgamma = np.sum(dout, axis=(0,))",
         "dropped-factor"),
    ],
)  # fmt: skip
def test_options_of_sums_are_read_and_helpers_are_what_their_names_say(was, now, mistake):
    row, (line,) = accused_after(NORM, was, now)
    assert (line.line, line.mistake, line.suspects) == (row, mistake, [])
    assert line.repair is not None


def test_of_two_steps_that_add_the_same_the_last_is_one_too_many():
    text = NORM.replace("    dx += dmu / n\n", "    dx += dmu / n\n    dx += dmu / n\n")
    (case,) = cases(text)
    (line,) = [line for line in case.lines if line.is_accused]
    assert (line.mistake, line.repair) == ("double-counted", "")
    assert fixed_text(text, case.lines) == NORM


ROSEN = """import numpy as np


def rosen(x):
    f = 0.0
    for i in range(len(x) - 1):
        f += 100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2
    return f


def rosen_grad(x):
    g = np.zeros_like(x)
    for i in range(len(x) - 1):
        t = x[i + 1] - x[i] ** 2
        g[i] += -400 * x[i] * t - 2 * (1 - x[i])
        g[i + 1] += 200 * t
    return g
"""


@pytest.mark.parametrize(
    ("was", "now", "mistake"),
    [
        ("g[i] += -400 * x[i] * t - 2 * (1 - x[i])", "g[i] += -400 * x[i] * t", "lost-term"),
        ("g[i] += -400 * x[i] * t - 2 * (1 - x[i])",
         "g[i] += -400 * x[i] * t + 2 * (1 - x[i])", "sign"),
        ("g[i + 1] += 200 * t", "g[i + 1] += 200 * x[i]", "wrong-cache"),
    ],
)  # fmt: skip
def test_elements_that_a_line_reads_twice_are_one(was, now, mistake):
    row, (line,) = accused_after(ROSEN, was, now, [("x", "randn(5)")])
    assert (line.line, line.mistake, line.suspects) == (row, mistake, [])
    assert line.repair == was


SQUASHED = """import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def layer_forward(x, w, b):
    p = sigmoid(x @ w + b)
    return p, (x, w, p)


def layer_backward(dout, cache):
    x, w, p = cache
    dz = dout * p * (1 - p)
    dx = dz @ w.T
    dw = x.T @ dz
    db = dz.sum(axis=0)
    return dx, dw, db
"""


@pytest.mark.parametrize(
    ("was", "now", "mistake"),
    [
        ("db = dz.sum(axis=0)", "db = dz.mean(axis=0)", "missing-mean"),
        ("dz = dout * p * (1 - p)", "dz = dout * (1 - p)", "dropped-factor"),
    ],
)
def test_sums_and_means_are_told_apart_and_values_have_the_names_they_are_given(was, now, mistake):
    row, (line,) = accused_after(SQUASHED, was, now)
    assert (line.line, line.mistake, line.suspects) == (row, mistake, [])
    assert line.repair in (was, "dz = dout * (1 - p) * p")


def test_lines_are_judged_once_for_the_reading_that_is_told(monkeypatch):
    calls = []
    judged = backward_lines.judge_lines
    monkeypatch.setattr(
        backward_lines, "judge_lines", lambda *args: calls.append(args) or judged(*args)
    )
    accused_after(SQUASHED, "dx = dz @ w.T", "dx = -dz @ w.T")
    assert len(calls) == 1
