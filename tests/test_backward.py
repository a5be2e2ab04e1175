"""Hand-written backward passes: line verdicts, mistakes by name, forks, special points."""

from __future__ import annotations

import re
from functools import cache

import pytest
from mutations import PROGRAMS, STAGED, is_equivalent, mutations

import gradcli
from gradcli.backward.lines import judge_lines
from gradcli.engine import Machine
from gradcli.evaluation.point import at, inputs_of
from gradcli.program.reader import read
from gradcli.reports.mistakes import MISTAKES
from gradcli.requests import PLAIN

EVERY_PROGRAM = pytest.mark.parametrize("program", PROGRAMS)


def lines(text, **bindings):
    """The verdicts on the lines of a program."""
    return gradcli.check(text, bindings).cases[0].lines


def accused(text, **bindings):
    """(line, mistake) of each line that is wrong by itself."""
    return [(line.line, line.mistake) for line in lines(text, **bindings) if line.is_accused]


def staged(old, new):
    """The lecture's staged program with a change."""
    assert STAGED.count(old) == 1
    return STAGED.replace(old, new)


# ---------------------------------------------------------------- planted mistakes


@cache
def judged(text):
    """The case of a program, or the error by which it is refused; each text is judged once."""
    try:
        return gradcli.check(text).cases[0]
    except gradcli.GradcliError as error:
        return error


@EVERY_PROGRAM
@pytest.mark.parametrize("point", ["own", "special", "zero"])
def test_no_line_of_a_right_program_is_accused(program, point):
    special = {"own": {}, "special": {"x": 1, "y": -1}, "zero": {"x": 0, "y": 0}}[point]
    known = re.findall(r"\b(x|y) = [-\d]", PROGRAMS[program])
    given = {name: value for name, value in special.items() if name in known}
    for line in lines(PROGRAMS[program], **given):
        assert line.verdict in ("pass", "kink"), line
        assert (line.local, line.cause, line.mistake) == (False, None, None)


def is_found(mutation, case):
    """Whether the changed line, or what a dropped line leaves behind, is named."""
    wrong = [line for line in case.lines if line.is_accused]
    if mutation.kind != "dropped line":
        together = any("cannot be told apart" in (line.reason or "") for line in wrong)
        named = wrong if together else wrong[:1]
        return mutation.line in [line.line for line in named]
    target = mutation.was.split()[0]
    return f"no gradient for {target[1:]}" in case.notes or target in [w.name for w in wrong]


@EVERY_PROGRAM
@pytest.mark.slow
def test_every_planted_mistake_is_found_on_its_line_and_none_gets_a_wrong_name(program, capsys):
    found = equivalent = named = nameable = 0
    for mutation in mutations(program):
        case = judged(mutation.text)
        if isinstance(case, gradcli.GradcliError):
            assert case.span.line >= mutation.line, mutation.label  # refused, at its place
            found += 1
            continue
        if is_equivalent(program, mutation.text):
            assert not any(line.is_accused for line in case.lines), mutation.label
            equivalent += 1
            continue
        assert is_found(mutation, case), mutation.label
        found += 1
        if mutation.kind != "dropped line":
            (mistake, *_) = [line.mistake for line in case.lines if line.is_accused]
            assert mistake is None or mistake in mutation.names, (mutation.label, mistake)
            nameable += 1
            named += mistake is not None
    assert named >= 0.85 * nameable
    with capsys.disabled():
        print(f"\n{program}: {found} mistakes found, {equivalent} equivalent, "
              f"{named} of {nameable} named, 0 by a wrong name")  # fmt: skip


@pytest.mark.slow
def test_there_are_enough_planted_mistakes_and_nine_in_ten_are_named():
    everything = [mutation for program in PROGRAMS for mutation in mutations(program)]
    assert len(everything) >= 150
    sample = [m for m in everything if m.kind != "dropped line"][::5]
    named = wrong = 0
    for mutation in sample:
        case = judged(mutation.text)
        if isinstance(case, gradcli.GradcliError):
            continue
        mistakes = [line.mistake for line in case.lines if line.is_accused]
        wrong += bool(mistakes)
        named += bool(mistakes) and mistakes[0] is not None
    assert named >= 0.9 * wrong


@pytest.mark.slow
@pytest.mark.parametrize("point", [{"x": 1, "y": -1}, {"x": 0, "y": 0}, {"x": 1, "y": 1}])
def test_at_special_points_mistakes_are_found_through_another_point(point):
    missed = []
    for mutation in mutations("staged"):
        try:
            case = gradcli.check(mutation.text, point).cases[0]
        except gradcli.GradcliError:
            continue
        if not is_equivalent("staged", mutation.text) and not is_found(mutation, case):
            missed.append(mutation.label)
    assert not missed


# ---------------------------------------------------------------- the verdicts


def test_one_slip_is_one_red_line_and_the_rest_follow_from_it():
    found = lines(staged("(-1.0 / (den**2))", "(1.0 / (den**2))"))
    by_line = {line.line: line for line in found}
    assert [line.line for line in found if line.is_accused] == [12]
    assert by_line[12].mistake == "sign"
    assert by_line[12].claim == -by_line[12].expected
    assert {line.line for line in found if line.cause == 12} == {13, 14, 15, 16, 17, 18}
    assert {by_line[k].verdict for k in (10, 11, 19, 20, 21)} == {"pass"}


def test_what_is_overwritten_is_told_with_the_sum_it_should_be():
    (line,) = [x for x in lines(staged("dx += (1) * dnum", "dx = (1) * dnum")) if x.is_accused]
    assert (line.line, line.mistake) == (19, "overwritten")
    assert "overwrites 2 of 3 contributions; expected 2.0596, got 0.51214" in line.reason
    assert line.expected == pytest.approx(2.0595697955721652, rel=1e-12)  # the lecture's dx


def test_two_slips_are_two_red_lines():
    text = staged("dsigx = (1) * dden", "dsigx = 2 * dden").replace("(2 * xpy)", "(xpy)")
    assert accused(text) == [(13, "dropped-factor"), (15, "dropped-factor")]


def test_nothing_is_accused_where_the_sum_is_right():
    """A writer may split contributions as he likes."""
    text = "x = 3; y = 2\np = x*y\nq = x + p\nf = p*q\ndp = q + p\ndx = y*dp\ndx += p\ndy = x*dp"
    assert accused(text) == []
    moved = "x = 3; y = 2\np = x*y\nf = p + x\ndp = 1\ndx = y*dp + 5\ndx += 1 - 5\ndy = x*dp"
    assert accused(moved) == []


def test_two_wrong_lines_of_one_gradient_and_two_that_cannot_be_told_apart():
    text = "x = 3; y = 2\nq = x*y + x*x\nf = q**2\ndq = 2*q\ndx = y*dq\ndx += x*dq\ndy = x*dq"
    found = [line for line in lines(text) if line.is_accused]
    assert [line.line for line in found] == [6]  # y*dq is one use's contribution: the other line is
    text = text.replace("dx = y*dq", "dx = 3*y*dq").replace("dx += x*dq", "dx += 3*x*dq")
    assert accused(text) == [(5, "dropped-factor"), (6, "dropped-factor")]
    same = (
        "x = 3; y = 2\np = x*y; q = x*x\nf = p*q\ndp = q; dq = p\ndx = y*dp\ndx += y*dp\ndy = x*dp"
    )
    found = [line for line in lines(same) if line.is_accused]
    assert [line.line for line in found] == [5, 6]
    assert "lines 5 and 6 cannot be told apart" in found[0].reason


def test_a_gradient_passed_on_before_it_is_complete():
    text = (
        "x = 3; y = 2\nq = x*y\nr = q*x\nf = r + q*y\n"
        "dr = 1\ndq = y\ndx = y*dq\ndq += x*dr\ndx += q*dr\ndy = x*dq + q"
    )
    (line,) = [line for line in lines(text) if line.is_accused]
    assert (line.line, line.mistake) == (7, "missing-path")
    assert "passed on before it is complete" in line.reason


def test_a_kink_leaves_the_writer_his_choice():
    text = "x = 2; y = 2\nm = max(x, y)\nf = m*m\ndm = 2*m\ndx = dm * (1 if x > y else 0)\ndy = dm"
    assert accused(text.replace("\ndy = dm", "\ndy = dm * (1 if x <= y else 0)")) == []


def test_what_rounding_has_eaten_is_not_called_wrong():
    text = "x = 40\ns = 1 / (1 + exp(-x))\nf = s*s\nds = 2*s\ndx = (1 - s)*s*ds"
    (ds, dx) = lines(text)
    assert ds.verdict == "pass"
    assert dx.verdict == "inconclusive"
    assert "in many digits the line is right" in dx.reason


@pytest.mark.parametrize("budget", [50, 1])
def test_a_line_that_the_budget_leaves_unchecked_is_not_right(budget):
    """Nor is any other: all of them rest on gradients that were not checked."""
    text = "x=2; y=3; z=4; q = x*y; f = q*z; dq = z; dz = q; dx = x*dq; dy = x*dq"
    verdicts = {line.name: line for line in gradcli.evaluate(text, check_budget=budget).lines}
    assert {line.verdict for line in verdicts.values()} == {"inconclusive"}
    assert not any(line.is_accused for line in verdicts.values())
    assert "--check-budget" in verdicts["dx"].reason


def test_a_case_with_an_unchecked_line_does_not_pass():
    case = gradcli.check("x=2; y=3; f=x*y; dx=x", wrt=["y"], budget=50).cases[0]
    assert case.verdict == case.lines[0].verdict == "inconclusive"
    assert "--check-budget" in case.lines[0].reason
    assert gradcli.check("x=2; y=3; f=x*y; dx=x", wrt=["y"], budget=70).verdict == "fail"


def at_another_point(text, inputs):
    """The lines of a program at a point for which its numbers are not claimed."""
    program = read(text)
    return judge_lines(at(program, inputs, PLAIN), PLAIN, formulas_only=True)[0]


CHAIN = "x = 2\ny = 3\nq = x*y\nf = q*q\ndq = q\ndx = y*dq\ndy = x*dq"
TWICE = "x = 2\ny = 3\nq = x*y\nf = q*x\ndq = x\ndx = q\ndx += y*dq\ndx += y*dq\ndy = x*dq"


@pytest.mark.parametrize(
    ("text", "line_map", "told"),
    [
        (CHAIN, [0, 0, 0, 0, 40, 60, 70], "right by itself: what it reads is wrong since line 40"),
        (CHAIN, [0, 0, 0, 0, 0, 60, 70], "right by itself: what it reads is wrong"),
        (TWICE, [0] * 6 + [80, 70, 90], "lines 70 and 80 cannot be told apart; their sum is wrong"),
        (TWICE, [0] * 6 + [70, 70, 90], "one of its terms is wrong, and which cannot be told"),
    ],
)
def test_lines_of_a_recording_are_told_as_those_of_the_code_behind_it(text, line_map, told):
    program = read(text)._replace(line_map=line_map)
    checks = judge_lines(at(program, inputs_of(program), PLAIN), PLAIN).lines
    assert [check.line for check in checks] == line_map[4:]
    reasons = {check.reason for check in checks if check.line == 70}
    assert told in reasons


def test_a_number_is_neither_right_nor_wrong_at_another_point():
    """A number that is right there, too, is right; one beside a formula is not judged either."""
    text = "x = 1; y = 2\nf = x*y + 3*x\ndx = 5\ndy = x"
    assert [line.verdict for line in at_another_point(text, [1.0, 2.0])] == ["pass", "pass"]
    dx, dy = at_another_point(text, [1.0, 4.0])
    assert (dx.verdict, dx.is_accused, dy.verdict) == ("inconclusive", False, "pass")
    assert "at its own point only" in dx.reason
    mixed = text.replace("dx = 5", "dx = 2\ndx += 3*x/x")
    assert [line.verdict for line in at_another_point(mixed, [1.0, 2.0])] == ["pass"] * 3
    first, second, _ = at_another_point(mixed, [1.0, 4.0])
    assert first.verdict == second.verdict == "inconclusive"


@pytest.mark.parametrize("slope", ["y/0", "y*exp(800)"])
def test_an_infinite_amount_is_no_rounding(slope):
    (line, _) = lines(f"x = 2; y = 3\nf = x*y\ndx = {slope}\ndy = x")
    assert "in many digits the line is right" not in (line.reason or "")


def test_list_gradients_and_indexed_targets():
    text = (
        "w = [2, -3, -2.5]; x = [-1.5, -2.25]\ndot = w[0]*x[0] + w[1]*x[1] + w[2]\nf = dot**2\n"
        "ddot = 2*dot\ndw[0] = x[0]*ddot\ndw[1] = w[1]*ddot\ndw[2] = ddot\n"
        "dx = [w[0]*ddot, w[1]*ddot]"
    )
    assert accused(text) == [(6, "not-switched")]
    assert accused(text.replace("= w[1]*ddot\n", "= x[1]*ddot\n")) == []


@pytest.mark.parametrize("given", ["x = 2", "x = [1, 2]", "x = randn(40, 40)"])
def test_an_input_that_only_the_backward_part_names_has_the_gradient_0(given):
    text = f"{given}; y = 3\nf = y*y\ndy = 2*y\ndx = 0*x"
    assert accused(text) == []
    assert gradcli.check(text).verdict == "pass"
    assert accused(text.replace("0*x", "y*x")) == [(4, None)]


def test_helpers_carry_upstream_gradients():
    text = "x = 3; y = 2\nq = x*y\nf = q**3\ndq = 3*q**2\ng = 2*dq\ndx = y*g/2\ndy = x*g"
    assert [line for line, _ in accused(text)] == [7]


# ---------------------------------------------------------------- mistakes by name


NAMED = [
    ("overwritten", "q = x*y; s = x + q; f = q*s", "dq = s + q; ds = q; dx = y*dq; dx = ds; dy = x*dq"),
    ("missing-path", "q = x*y; s = x*x; f = q*s", "dq = s; ds = q; dx = 2*x*ds; dy = x*dq"),
    ("not-switched", "q = x*y; f = q**2", "dq = 2*q; dx = x*dq; dy = x*dq"),
    ("missing-upstream", "q = x*y; f = q**2", "dq = 2*q; dx = y; dy = x*dq"),
    ("sign", "q = 1/x; f = q*y", "dq = y; dx = 1/x**2*dq; dy = q"),
    ("dropped-factor", "q = x**2; f = q*y", "dq = y; dx = x*dq; dy = q"),
    ("dropped-power", "q = 1/x; f = q**3*y", "dq = 3*q**2*y; dx = -1/x*dq; dy = q**3"),
    ("slope-from-input", "s = sigmoid(x); f = s*y", "ds = y; dx = (1 - x)*x*ds; dy = s"),
    ("dropped-one-minus", "s = sigmoid(x); f = s*y", "ds = y; dx = s*ds; dy = s"),
    ("dropped-power", "t = tanh(x); f = t*y", "dt = y; dx = (1 - t)*dt; dy = t"),
    ("wrong-cache", "s = sigmoid(x); r = sigmoid(y); f = s*r",
     "ds = r; dr = s; dx = (1 - r)*r*ds; dy = (1 - r)*r*dr"),
    ("wrong-operator", "q = x*y; f = q**2", "dq = 2*q; dx = y/dq; dy = x*dq"),
    ("wrong-branch", "m = max(x, y); f = m**2",
     "dm = 2*m; dx = dm if x < y else 0; dy = dm if y > x else 0"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "forward", "backward"), NAMED)
def test_a_mistake_has_its_name(name, forward, backward):
    text = f"x = 1.7; y = -0.6\n{forward}\n{backward}"
    assert [m for _, m in accused(text)] == [name]


def test_names_of_mistakes_are_those_scripts_know():
    assert list(MISTAKES) == [
        "overwritten", "missing-path", "not-switched", "missing-upstream", "sign",
        "dropped-factor", "dropped-power", "slope-from-input", "dropped-one-minus", "wrong-cache",
        "wrong-operator", "transposed", "unsummed-axis", "missing-mean", "wrong-branch",
        "double-counted", "extra-term", "lost-term", "wrong-constant",
        "softmax-diagonal",
        "gradient-count", "gradient-shape", "gradient-type", "not-finite", "stale-cache",
        "accumulated", "input-modified", "aliased", "not-repeatable", "low-precision",
    ]  # fmt: skip


RIDGE = """X = [[0.5,-0.2],[0.1,0.4],[0.9,-0.7]]; y = [1,0,1]; w = [0.3,-0.6]; lam = 0.5
r = X @ w - y
J = 0.5*sum(r**2) + 0.5*lam*sum(w**2)
dr = r
dw = X.T @ dr + 2*lam*w"""


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (RIDGE, "dropped-factor"),  # the 2 is too much; not 2 * lam**2 * w
        (RIDGE.replace("2*lam*w", "w/2/lam"), None),
        ("x = [0.2, 0.65, 0.9]\ns = sigmoid(x)\nf = sum(s*s)/2\nds = s\ndx = ds*(1 - s)",
         "dropped-factor"),  # not ds**2 * (1 - s), though ds is s
        ("x = 0.7; k = 0.5\ns = k*x\nf = s**2/2\nds = s\ndx = 2*ds", "dropped-factor"),  # not / k
    ],
)  # fmt: skip
def test_a_repair_holds_with_all_data_and_all_upstream_gradients_moved(text, mistake):
    (line,) = [line for line in lines(text) if line.is_accused]
    assert (line.name, line.mistake) == (f"d{'w' if text.startswith('X') else 'x'}", mistake)


# ---------------------------------------------------------------- forks and special points


def test_the_fork_table_has_every_contribution_and_the_sum():
    x, y = gradcli.check(STAGED).cases[0].forks
    assert (x.name, y.name) == ("x", "y")
    assert [(part.stage, part.line) for part in x.contributions] == [
        ("xpy", 16), ("sigx", 18), ("num", 19),
    ]  # fmt: skip
    assert x.sum == pytest.approx(sum(part.claim for part in x.contributions), rel=1e-15)
    assert x.sum == pytest.approx(2.0595697955721652, rel=1e-12)


def test_what_matches_only_because_a_part_is_0_is_said_to():
    case = gradcli.check(staged("dx += (1) * dnum", "dx = (1) * dnum"), {"x": 0, "y": 0}).cases[0]
    assert case.verdict == "fail"
    hidden = "q = x*y; f = q*q + x\ndq = 2*q; dx = y*dq; dx = 1; dy = x*dq"
    case = gradcli.check(hidden, {"x": 2, "y": 0}).cases[0]
    assert case.verdict == "fail"
    assert "dx matches at the given point only because the overwritten part is 0" in case.notes


def test_a_mistake_on_another_branch_is_found_there():
    text = "x = 3; y = 1\nm = max(x, y)\nf = m*m\ndm = 2*m\ndx = dm\ndy = 0*dm"
    case = gradcli.check(text).cases[0]
    assert case.verdict == "fail"
    assert any("another branch was checked" in note for note in case.notes)


def test_eval_shows_the_lines_too():
    report = gradcli.evaluate(staged("(2 * xpy)", "(xpy)"))
    assert [line.line for line in report.lines if line.is_accused] == [15]
    assert [fork.name for fork in report.forks] == ["x", "y"]
    assert report.as_dict()["lines"][5]["mistake"] == "dropped-factor"


# ---------------------------------------------------------------- arrays


LAYER = """\
W = randn(3, 4); X = randn(5, 3); b = [0.1, -0.2, 0.3, 0.4]; y = randn(5, 4)
s = X @ W + b
h = tanh(s)
r = h - y
loss = mean(r**2)
dr = 2 * r / 20
dh = dr
ds = (1 - h**2) * dh
db = sum(ds, axis=0)
dW = X.T @ ds
dX = ds @ W.T
dy = -dr
"""

SQUARE = """\
A = randn(3, 3); B = randn(3, 3); c = randn(3)
C = A @ B + c
f = sum(C**3)
dC = 3 * C**2
dA = dC @ B.T
dB = A.T @ dC
dc = sum(dC, axis=0)
"""


@pytest.mark.parametrize("text", [LAYER, SQUARE], ids=["layer", "square"])
def test_right_array_lines_are_not_accused(text):
    assert all(line.verdict == "pass" for line in lines(text))


@pytest.mark.parametrize(
    ("text", "right", "wrong", "mistake"),
    [
        (LAYER, "dr = 2 * r / 20", "dr = 2 * r", "missing-mean"),
        (LAYER, "dr = 2 * r / 20", "dr = 2 * r / 400", "missing-mean"),
        (LAYER, "ds = (1 - h**2) * dh", "ds = (1 - s**2) * dh", "slope-from-input"),
        (LAYER, "ds = (1 - h**2) * dh", "ds = (1 - r**2) * dh", "wrong-cache"),
        (LAYER, "dy = -dr", "dy = dr", "sign"),
        (SQUARE, "dA = dC @ B.T", "dA = dC @ B", "transposed"),
        (SQUARE, "dA = dC @ B.T", "dA = B.T @ dC", "transposed"),
        (SQUARE, "dB = A.T @ dC", "dB = A.dot(dC)", "transposed"),
        (SQUARE, "dB = A.T @ dC", "dB = dC.T @ A", "transposed"),
        (SQUARE, "dC = 3 * C**2", "dC = 3 * C", "dropped-power"),
        (SQUARE, "dc = sum(dC, axis=0)", "dc = sum(dC, axis=1)", "unsummed-axis"),
    ],
)
def test_the_mistakes_of_arrays_have_their_names(text, right, wrong, mistake):
    number = text[: text.index(right)].count("\n") + 1
    assert text.count(right) == 1
    assert accused(text.replace(right, wrong)) == [(number, mistake)]


def test_one_wrong_element_is_named_by_its_index():
    text = SQUARE + "dB[1, 2] += 0.25\n"
    case = gradcli.check(text).cases[0]
    wrong = [name for name, check in case.inputs.items() if check.verdict == "fail"]
    assert wrong == ["B[1][2]"]
    assert [line.line for line in case.lines if line.is_accused] == [8]


def test_what_is_added_is_broadcast_as_numpy_does():
    text = "x = randn(3, 2)\nm = mean(x, axis=0)\nf = sum(m**2)\ndm = 2*m\ndx += dm/3"
    assert all(line.verdict == "pass" for line in lines(text))


def test_a_gradient_beside_an_output_without_a_name_is_that_of_its_stage():
    """The output is the last line; `dq` is no upstream gradient, also where q holds the output."""
    text = "x = 2; y = 3; q = x*y\nq*x\ndq = {}\ndx = q + dq*y; dy = dq*x"
    assert gradcli.check(text.format("x")).verdict == "pass"
    wrong = gradcli.check(text.format("y")).cases[0]
    assert [line.name for line in wrong.lines if line.is_accused] == ["dq"]
    text = "x = 2; y = 3; q = [x*y, x + y]\nq[0]\ndq = {}\ndx = y; dy = x"
    assert gradcli.check(text.format("[1, 0]")).verdict == "pass"
    assert gradcli.check(text.format("[1, 2]")).cases[0].lines[0].is_accused


def test_an_element_without_a_line_is_named_and_not_the_element_that_has_one():
    case = gradcli.check("w = [1.5, 2.5]; x = 3\nf = w[0]*x + w[1]\ndw[0] = x\ndx = w[0]").cases[0]
    (line,) = [line for line in case.lines if line.is_accused]
    assert (line.name, line.claim, line.expected, line.mistake) == ("dw[1]", 0, 1, "missing-path")


@pytest.mark.parametrize("text", [
    "f = x; dx = 2*df", "f = x*y; dx = 3*y*df; dy = x*df",
    "w = [2, 3]; f = sum(w); dw[0:1] = df; dw[1:] = 3*df",
])  # fmt: skip
def test_a_wrong_line_may_read_the_gradient_of_the_output_that_no_line_gives(text):
    case = gradcli.check(text, [(n, 1.5) for n in ("x", "y") if n in text]).cases[0]
    assert [line.verdict for line in case.lines].count("fail") == 1


@pytest.mark.parametrize("point", [{"x": 1.5}, {"x": [1.5, 2.0]}], ids=["number", "array"])
def test_a_branch_on_which_a_stage_has_no_value_proves_nothing(point):
    """relu is off on the other branch: p is infinite there, though f is not."""
    text = """
    r = relu(x); p = 1/r; f = sum(sigmoid(p))
    dp = sigmoid(p)*(1 - sigmoid(p)); dr = -1/r**2*dp; dx = (x > 0)*dr
    """
    assert gradcli.check(text, point).verdict == "pass"


def test_numbers_that_are_claimed_are_held_in_one_go(monkeypatch):
    """However many there are: else n lines would take n runs of n gates."""
    again, counts = Machine.run_again, []
    for size in (5, 20):
        runs = []
        monkeypatch.setattr(Machine, "run_again", lambda *a, r=runs: r.append(1) or again(*a))
        inputs = "\n".join(f"x{k} = {k}.5" for k in range(size))
        claims = "\n".join(f"dx{k} = {2 * k + 1}" for k in range(size))
        text = f"{inputs}\nf = {' + '.join(f'x{k}**2' for k in range(size))}\n{claims}"
        case = gradcli.check(text).cases[0]
        assert [line.verdict for line in case.lines] == ["pass"] * size
        counts.append(len(runs))
    assert counts[0] == counts[1]
