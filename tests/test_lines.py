"""Lines judged by what they compute: other names, chains, conventions, repairs, meanings."""

from __future__ import annotations

import pytest
from judged_lines import CHAIN, HELPERS, PENALTY, case
from real_styles import PROGRAMS, mutations
from right_programs import PROGRAMS as RIGHT

import gradcli
from gradcli.backward import passage, replay
from gradcli.backward.cut import Cut
from gradcli.evaluation import point
from gradcli.render.fixes import fixed_text
from gradcli.reports.statement_text import without

SAMPLED = 53  # of the mutations every so-and-so-manieth is judged


def accused(text, **options):
    return [(line.line, line.mistake) for line in case(text, **options).lines if line.is_accused]


# ---------------------------------------------------------------- planted mistakes


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_no_line_of_a_right_program_is_accused_whatever_its_style(name):
    right = case(PROGRAMS[name])
    assert right.verdict == "pass"
    assert [line.verdict for line in right.lines] == ["pass"] * len(right.lines)


QUICK = (
    "helper_with_gradient", "two_helpers_chained", "literal_for_setting_of_numbers", "g_underscore",
    "chain_on_unnamed_gradient", "recomputed_forward", "gradient_of_unused_stage",
)  # fmt: skip


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in RIGHT
])  # fmt: skip
def test_helpers_copies_masks_and_conventions_are_no_mistakes(name):
    right = case(RIGHT[name])
    assert [(line.line, line.verdict) for line in right.lines if line.verdict != "pass"] == []
    assert right.verdict == "pass"


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_lines_of_a_right_program_are_understood(name):
    meanings = [line.meaning for line in case(PROGRAMS[name]).lines]
    assert sum(meaning is not None for meaning in meanings) >= 0.6 * len(meanings)


@pytest.mark.slow
def test_most_planted_mistakes_are_found_on_their_line():
    found = listed = flat = right = count = 0
    for mutation in [m for name in PROGRAMS for m in mutations(name)][::SAMPLED]:
        try:
            judged = case(mutation.text)
        except gradcli.GradcliError:
            continue
        if judged.verdict != "fail":
            continue
        wrong = [line for line in judged.lines if line.is_accused]
        target = mutation.was.split()[0]
        hits = [(w.line == mutation.line) if mutation.now else (w.name == target) for w in wrong]
        is_found = hits == [True]
        is_flat = len(wrong) == 1 and not wrong[0].suspects
        count += 1
        found += is_found
        listed += any(hits) or any(mutation.line in line.suspects for line in wrong)
        flat += is_flat
        right += is_flat and is_found
    assert count >= 25
    assert found >= 0.9 * count
    assert listed >= 0.93 * count
    assert right >= 0.95 * flat


SCALED = """X = [[0.5, -1.2, 0.3, 0.8, -0.4]]; w = [[0.7]]; b = [[0.2]]; Y = [[1, 0, 1, 1, 0]]
Z = w @ X + b
A = sigmoid(Z)
J = -sum(Y*log(A) + (1 - Y)*log(1 - A)) / 5
dZ = A - Y
dw = dZ @ X.T / 5
db = sum(dZ, axis=1, keepdims=True) / 5"""
LEFTOVER = """w = [[0.4, -0.7], [-0.3, 0.9]]; x = [0.5, -0.2]
h1 = tanh(w @ x)
h2 = tanh(w @ h1)
f = sum(h1**2) + sum(h2**2)
dh2 = 2*h2
ds2 = dh2*(1 - h2**2)
dw = outer(ds2, h1)
dnext = w.T @ ds2
dh1 = 2*h1
ds1 = dh1*(1 - h1**2)
dw += outer(ds1, x)"""
HIDDEN = """x = [0.5, -0.8]; W1 = [[0.4, 0.9], [-0.3, 0.6]]; w2 = [0.7, -0.2]
z = W1 @ x
h = relu(z)
u = w2 @ h - 1
f = u**2
du = u
dw2 = du*h
dh = du*w2
dz = dh*(z > 0)
dW1 = 3*outer(dz, x)"""


@pytest.mark.parametrize(("text", "wrong"), [
    (PENALTY, [(6, "dropped-factor")]),
    (CHAIN, [(6, "dropped-factor")]),
    (SCALED, []),
    (SCALED.replace("db = sum(dZ, axis=1, keepdims=True) / 5", "db = sum(dZ, axis=1, keepdims=True)"),
     [(7, "missing-mean")]),
    (SCALED.replace("dw = dZ", "dw = -dZ"), [(6, "sign")]),
    (SCALED.replace("dZ = A - Y", "dZ = Y - A"), [(5, "sign")]),
    (LEFTOVER, [(9, "missing-path")]),
    (LEFTOVER.replace("dh1 = 2*h1", "dh1 = 2*h1 + dnext"), []),
    (HELPERS, [(3, "dropped-factor")]),
    (HELPERS.replace("2*x**2", "3*x**2"), []),
    (HIDDEN, [(6, "dropped-factor"), (10, "dropped-factor")]),
])  # fmt: skip
def test_the_wrong_line_is_named_in_every_kind_of_program(text, wrong):
    assert accused(text) == wrong


def test_a_scaled_gradient_is_understood_as_such():
    meanings = {line.name: line.meaning for line in case(SCALED).lines}
    assert meanings == {
        "dZ": "adjoint of Z, times 5", "dw": "adjoint of w", "db": "adjoint of b",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["grad_{}", "{}_grad", "nabla_{}", "dloss_d{}", "g{}"])
def test_gradients_are_known_by_other_names(name):
    text = "w = 0.3; x = 0.5\np = w*x\nloss = (p - 0.7)**2\n{p} = 2*(p - 0.7)\n{w} = -{p}*x"
    names = {letter: name.format(letter) for letter in "pw"}
    assert accused(text.format(**names)) == [(5, "sign")]
    assert accused(text.format(**names).replace("= -", "= ")) == []


def test_a_gradient_of_another_shape_is_one_wrong_line():
    text = "X = [[1, 2], [3, 4], [5, 6]]; b = [1, 2]\ns = X + b\nf = sum(s**2)\nds = 2*s\ndb = ds\ndX = ds"
    judged = case(text)
    assert [(line.name, line.verdict) for line in judged.lines] == [
        ("ds", "pass"), ("db", "fail"), ("dX", "pass"),
    ]  # fmt: skip
    assert "has shape (3, 2), `b` has shape (2,)" in judged.lines[1].reason
    assert judged.lines[1].repair == "db = sum(ds, axis=0)"


TWO_LAYERS = """X = randn(5, 4); W1 = randn(4, 3); W2 = randn(3, 2); y = randn(5, 2)
h = tanh(X @ W1)
s = h @ W2
f = sum((s - y)**2)
ds = 2*(s - y)
dW2 = h.T @ ds
dh = ds @ W2.T
da = dh*(1 - h**2)
dW1 = X.T @ da
dX = da @ W1.T"""


def verdicts(judged):
    return {line.line: (line.verdict, line.cause) for line in judged.lines}


def test_a_mistake_behind_a_line_whose_shapes_do_not_fit_is_found_too():
    assert case(TWO_LAYERS).verdict == "pass"
    judged = case(TWO_LAYERS.replace("ds @ W2.T", "ds @ W2").replace("W1.T", "W1.T*3"))
    wrong, also = (line for line in judged.lines if line.is_accused)
    assert (wrong.claim, wrong.mistake, wrong.repair) == (None, "transposed", "dh = ds @ W2.T")
    assert "shapes (5, 2) and (3, 2) do not fit" in wrong.reason
    assert also.mistake == "dropped-factor"
    assert also.claim == [[pytest.approx(3 * x) for x in row] for row in also.expected]
    assert judged.notes == ["no gradient for y"]


def test_what_is_added_in_another_shape_accuses_no_other_line_of_that_gradient():
    judged = case(TWO_LAYERS.replace("dW1 =", "dW2 += 0.1*X\ndW1 ="))
    assert {k for k, word in verdicts(judged).items() if word != ("pass", None)} == {9}
    assert "`+=` of shape (5, 4) to shape (3, 2)" in judged.lines[4].reason
    twice = case(TWO_LAYERS.replace("h.T @ ds", "5*h.T @ ds").replace("dW1 =", "dW2 += X\ndW1 ="))
    assert verdicts(twice)[6][0] != "pass"


def test_a_helper_of_the_wrong_shape_may_be_meant_where_a_line_does_not_fit():
    text = TWO_LAYERS.replace("da =", "slope = 1 - X**2\ng =").replace("dh*(1 - h**2)", "dh*slope")
    judged = case(text.replace("@ da", "@ g").replace("da @", "g @"))
    assert [line.line for line in judged.lines if line.is_accused] == [9]
    assert judged.lines[4].reason.endswith("or line 8 is the slip")
    assert judged.lines[4].suspects == [9, 8]
    assert verdicts(judged)[10] == verdicts(judged)[11] == ("fail", 9)


@pytest.mark.parametrize("line", ["dx = sum(x, axis=0)", "dx = [1, 2][x]", "dx = y.T"])
def test_what_a_line_that_does_not_fit_leaves_behind_changes_nothing(line):
    judged = case(f"x = 2; y = 3\nf = x*y\n{line}\ndy = x")
    assert [row.verdict for row in judged.lines] == ["fail", "pass"]
    assert judged.inputs["y"].verdict == "pass"


def test_helpers_before_a_gradient_that_does_not_fit_are_no_outputs():
    text = "x = randn(4, 4)\nd = x[1:, :] - x[:-1, :]\nL = sum(d**2)\ng = 2*x\ndx = zeros_like(x)\ndx[1:, :] += g\ndx[:-1, :] -= g"
    judged = case(text.replace("-= g", "+= -g"))
    assert judged.output == "L"
    assert [line.line for line in judged.lines if line.is_accused] == [6, 7]


def test_a_helper_that_a_wrong_line_forgets_is_no_reason_to_refuse_the_program():
    right = "x = 2; y = 3\np = x*y\nf = p**2\ndp = 2*p\nt = dp*y\ndx = t\ndy = dp*x"
    assert case(right).verdict == "pass"
    judged = case(right.replace("dx = t", "dx = dp"))
    assert [line.line for line in judged.lines if line.is_accused] == [6]
    assert any("`t` is no gradient and no later" in words for words in judged.warnings)
    with pytest.raises(gradcli.GradcliError, match="`t` is no gradient and no later"):
        case(right.replace("dx = t", "dx = dp*y"))


def test_a_line_that_adds_the_same_again_is_named():
    text = "x = 3; y = 2\nq = x*y\nf = q**2\ndq = 2*q\ndx = y*dq\ndx += y*dq\ndy = x*dq"
    (line,) = [line for line in case(text).lines if line.is_accused]
    assert (line.line, line.mistake) == (6, "double-counted")
    assert line.reason == "line 5 has added the same already"


@pytest.mark.parametrize("twice", ["dx += y*dq", "dx += dr"])
def test_the_last_of_two_lines_that_add_the_same_is_one_too_many(twice):
    right = "x = 3; y = 2\nq = x*y\nr = x + q\nf = q*r + sin(x)\ndr = q\ndq = r + dr\n"
    right += "dx = cos(x)\ndx += y*dq\ndx += dr\ndy = x*dq\n"
    judged = case(right.replace(twice, f"{twice}\n{twice}"))
    (line,) = [line for line in judged.lines if line.is_accused]
    row = right[: right.index(twice)].count("\n") + 1
    assert (line.line, line.mistake, line.suspects) == (row + 1, "double-counted", [])
    assert line.repair == ""  # the line is left out
    assert fixed_text(judged.text, judged.lines) == right


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a = 1; dx += y; b = 2\n", "a = 1; b = 2\n"),
        ("a = 1; dx += y\nb = 2\n", "a = 1\nb = 2\n"),
        ("dx += y; b = 2\n", "b = 2\n"),
        ("for k in x:\n    dx += y\nb = 2\n", "for k in x:\n    pass\nb = 2\n"),
        ("for k in x: dx += y\nb = 2\n", "for k in x: pass\nb = 2\n"),
        ("for k in x:\n    dx += y\n    b = 2\n", "for k in x:\n    b = 2\n"),
        ("b = 2\ndx += y", "b = 2\n"),
    ],
)
def test_a_statement_that_is_left_out_takes_its_row_along_but_no_block(text, left):
    start = text.index("dx")
    assert without(text, start, start + len("dx += y")) == left


def test_where_either_line_may_be_the_slip_the_others_are_listed():
    text = "x = 0.4; k = 1.2\nh = tanh(k*x)\nL = h**2\ndh = 2*h\ns1 = -dh*(1 - h**2)\ndx = s1*k"
    (line,) = [line for line in case(text).lines if line.is_accused]
    assert (line.line, line.suspects) == (5, [5, 6])
    assert "or line 6 is the slip" in line.reason


DEFERRED = """X = [[0.5, -0.2, 0.1], [0.3, 0.8, -0.6]]; Y = [[1, 0, 1]]; W1 = [[0.2, -0.5], [0.7, 0.1]]; W2 = [[0.6, -0.3]]
Z1 = W1 @ X
A1 = tanh(Z1)
Z2 = W2 @ A1
A2 = sigmoid(Z2)
J = -sum(Y*log(A2) + (1 - Y)*log(1 - A2))/3
dZ2 = A2 - Y
dW2 = dZ2 @ A1.T/3
dZ1 = W2.T @ dZ2 * (1 - A1**2)/3
dW1 = dZ1 @ X.T/3
dX = W1.T @ dZ1/3"""


def test_one_line_that_mends_several_results_is_blamed_for_all_of_them():
    (line,) = [line for line in case(DEFERRED).lines if line.is_accused]
    assert (line.line, line.repair) == (9, "dZ1 = W2.T @ dZ2 * (1 - A1**2)")
    assert [line.cause for line in case(DEFERRED).lines][-2:] == [9, 9]


@pytest.mark.parametrize(
    "text", [PROGRAMS["lstm_cell"], PROGRAMS["coursera"], RIGHT["batchnorm_by_cs231n"]]
)
def test_right_lines_are_judged_in_a_few_passes_whatever_their_number(text, monkeypatch):
    passes = []

    def counted(function):
        def with_count(*args):
            passes.append(function.__name__)
            return function(*args)

        return with_count

    for owner, name in (
        (point, "_sweep"), (replay.Replay, "_enter"), (replay.Replay, "_again_at"),
        (passage, "written"), (Cut, "run"),
    ):  # fmt: skip
        monkeypatch.setattr(owner, name, counted(getattr(owner, name)))
    assert case(text).verdict == "pass"
    assert 4 <= len(passes) <= 30


UPSTREAM = """x = [0.3, -0.6, 0.8]; W = [[0.3, 0.4, -0.6], [0.9, -0.2, 0.5]]; t = [1, 0]
z = W @ x
h = tanh(z)
dh = 2*(h - t)
dz = dh*(1 - h**2)
dW = np.outer(dz, x)
dx = W.T @ dz"""


def test_an_upstream_gradient_may_be_a_formula_of_what_moves():
    assert case(UPSTREAM).verdict == "pass"
    hidden = UPSTREAM.replace("[0.3, -0.6", "[1, -0.6").replace("(1 - h", "(1 - x[0]*h")
    assert accused(hidden) == [(5, "dropped-factor")]


VJP = "x = [0.5, -1.2, 2.0]; w = [0.3, 0.7, -0.4]\nout = x*w\ndx = {}*w\ndw = {}*x"


@pytest.mark.parametrize("name", ["dout", "grad_out", "upstream"])
def test_the_upstream_gradient_may_be_given_as_an_input(name):
    text = VJP.format(name, name)
    for upstream in ([1, 2, 3], "[1, 2, 3]", "randn(3)"):
        assert case(text, bindings={name: upstream}).verdict == "pass"
    wrong = case(text.replace("*w\ndw", "*x\ndw"), bindings={name: [1, 2, 3]})
    assert [line.line for line in wrong.lines if line.is_accused] == [3]
    assert wrong.notes == []
    with pytest.raises(gradcli.GradcliError, match=r"has shape \(2,\), `out` has shape \(3,\)"):
        case(text, bindings={name: [1, 2]})


@pytest.mark.parametrize("upstream", ["[1, 2, 3]", "ones", "randn(3)"])
def test_lines_read_the_upstream_gradient_that_the_caller_gives(upstream):
    right = case(VJP.format("dout", "dout"), upstream=upstream)
    assert (right.verdict, right.notes, right.claims) == ("pass", [], 2)
