"""Jacobians and Hessians: every digit that is printed is true, and every bound holds."""

from __future__ import annotations

import io
import json
import math

import mpmath
import numpy as np
import pytest

import gradcli
from gradcli.arithmetic.digits import digits
from gradcli.cli.main import main
from gradcli.engine import Machine, backward
from gradcli.errors import LimitError
from gradcli.evaluation.point import inputs_of
from gradcli.program.reader import read
from gradcli.render.formats import write
from gradcli.tasks import rows_of_arrays, rows_of_numbers
from gradcli.transform.adjoint import adjoint
from gradcli.transform.elements import Circuit

MP = digits(80)


@pytest.fixture
def run(capsys, monkeypatch):
    """`gradcli eval` in this process: its exit code, stdout and stderr."""
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*words):
        with pytest.raises(SystemExit) as end:
            main(["eval", *words])
        return end.value.code, *capsys.readouterr()

    return run


def close(found, expected, bound=0.0):
    """Whether a float is the nearest to a number of mpmath, but for a bound."""
    return abs(mpmath.mpf(found) - expected) <= bound + 2.0**-52 * abs(expected)


# ---------------------------------------------------------------- true digits


def versine(x):
    return (1 - mpmath.cos(x)) / x**2


def test_a_jacobian_that_float64_loses_is_computed_in_many_digits():
    x = [1e-9, 2e-9]
    report = gradcli.evaluate("(1 - cos(x))/x**2", {"x": x}, jacobian=True)
    with mpmath.workdps(80):
        for k in range(2):
            assert close(report.jacobian["x"][k][k], mpmath.diff(versine, mpmath.mpf(x[k])))
    assert report.jacobian["x"][0][1] == report.jacobian["x"][1][0] == 0
    assert max(map(max, report.jacobian_bounds["x"])) < 1e-25
    note = next(note for note in report.notes if note.startswith("jacobian: "))
    assert "2 of 4 numbers are computed in many digits" in note
    assert "for value[0] by x[0]" in note


def test_a_hessian_that_float64_loses_is_computed_in_many_digits():
    report = gradcli.evaluate("(1 - cos(x))/x**2", {"x": 1e-9}, hessian=True)
    with mpmath.workdps(120):
        expected = mpmath.diff(versine, mpmath.mpf(1e-9), 2)
    assert report.hessian["x"]["x"] == pytest.approx(float(expected), rel=1e-15)
    assert report.hessian["x"]["x"] == pytest.approx(-1 / 12, rel=1e-9)
    assert report.hessian_bounds["x"]["x"] < 1e-16


def test_overflow_on_the_way_does_not_reach_jacobians_and_hessians():
    """softmax' = diag(s) - s s^T, which is also the second derivative of logsumexp."""
    with mpmath.workdps(50):
        s = 1 / (1 + mpmath.exp(1))
        expected = [[s * (1 - s), -s * (1 - s)], [-s * (1 - s), s * (1 - s)]]
    first = gradcli.evaluate("exp(x)/sum(exp(x))", {"x": [1000, 1001]}, jacobian=True)
    second = gradcli.evaluate("log(sum(exp(x)))", {"x": [1000, 1001]}, hessian=True)
    for found in (first.jacobian["x"], second.hessian["x"]["x"]):
        assert all(close(found[i][j], expected[i][j]) for i in (0, 1) for j in (0, 1))


def test_where_kinks_meet_a_row_is_the_limit_that_the_gradient_is():
    report = gradcli.evaluate("[relu(x) - relu(-x), x*x]", {"x": 0.0}, jacobian=True)
    assert report.jacobian["x"] == [1.0, 0.0]
    assert any("jacobian: value[0] by x: reverse mode" in note for note in report.notes)


AT_TIES = [  # what ties cancel is as smooth as if there were none
    ("log1p(exp(-abs(x)))+relu(x)", {"x": 0.0}, [[0.25]]),
    ("max(a,b)+log1p(exp(-abs(a-b)))", {"a": 0.0, "b": 0.0}, [[0.25, -0.25], [-0.25, 0.25]]),
    ("max(x,y)*min(x,y)", {"x": 1.0, "y": 1.0}, [[0.0, 1.0], [1.0, 0.0]]),
    ("(max(x,y)+min(x,y))**2", {"x": 1.0, "y": 1.0}, [[2.0, 2.0], [2.0, 2.0]]),
    ("max(0.1*x,0.3*y)*min(0.1*x,0.3*y)", {"x": 3.0, "y": 1.0}, [[0.0, 0.03], [0.03, 0.0]]),
    ("(log1p(exp(-abs(x)))+relu(x))*y", {"x": 0.0, "y": 2.0}, [[0.5, 0.5], [0.5, 0.0]]),
    ("x**y", {"x": 0.0, "y": 2.0}, [[2.0, 0.0], [0.0, 0.0]]),
    ("sqrt(x**4)", {"x": 0.0}, [[2.0]]),
    ("log1p(sqrt(x**4))*y", {"x": 0.0, "y": 3.0}, [[6.0, 0.0], [0.0, 0.0]]),
    ("sqrt(x**2)*y", {"x": -1.0, "y": 0.0}, [[0.0, -1.0], [-1.0, 0.0]]),
    ("hypot(x,y)**3", {"x": 0.0, "y": 0.0}, [[0.0, 0.0], [0.0, 0.0]]),
    ("abs(x)**3+relu(-x)**4", {"x": 0.0}, [[0.0]]),
]


@pytest.mark.parametrize(("text", "point", "expected"), AT_TIES)
def test_a_hessian_at_ties_that_cancel_is_the_limit_of_the_gradient(text, point, expected):
    report = gradcli.evaluate(text, point, hessian=True)
    for row, name in zip(expected, point, strict=True):
        for truth, other in zip(row, point, strict=True):
            bound = report.hessian_bounds[name][other]
            assert abs(report.hessian[name][other] - truth) <= bound + 2.0**-51 * abs(truth)
            assert bound <= max(1e-15 * abs(truth), 5e-324)  # a 0 may be a number below float64
    assert not any("convention" in note for note in report.notes)


@pytest.mark.parametrize(("text", "point", "entry", "words"), [
    ("relu(x)**2", {"x": 0.0}, "x by x", "the gradient has slopes 0 and 2; 0 is a convention"),
    ("abs(x)*x", {"x": 0.0}, "x by x", "the gradient has slopes -2 and 2; 0 is a convention"),
    ("huber(x)", {"x": 1.0}, "x by x", "the gradient has slopes 0 and 1; 1 is a convention"),
    ("x*abs(y)", {"x": 1.0, "y": 0.0}, "x by y", "the gradient has slopes -1 and 1"),
    ("max(x,y)**2", {"x": 0.0, "y": 0.0}, "x by x", "the gradient has slopes 0 and 2"),
    ("abs(x)*y", {"x": 0.0, "y": 2.0}, "x", "f has a kink here, with slopes -2 and 2"),
    ("1e200*relu(x-y)**2", {"x": 1.0, "y": 1.0}, "x by y", "slopes -2e+200 and 0"),
    ("x*step(y)", {"x": 1.0, "y": 0.0}, "x by y", "the gradient jumps here"),
])  # fmt: skip
def test_a_second_derivative_that_does_not_exist_is_said_to_be_none(text, point, entry, words):
    report = gradcli.evaluate(text, point, hessian=True)
    notes = [note for note in report.notes if note.startswith(f"hessian: {entry}: ")]
    assert any(words in note for note in notes), report.notes


@pytest.mark.parametrize("x", [500.0, 746.0])
def test_a_hessian_at_a_kink_below_float64_is_unknown(x):
    """The slopes of tanh(max(x, y)) are 0 and 4/exp(2*x), which are both 0 to float64."""
    report = gradcli.evaluate("tanh(max(x, y))", {"x": x, "y": x}, hessian=True)
    assert all(math.isnan(entry) for row in report.hessian.values() for entry in row.values())
    assert any("may have a kink here" in note for note in report.notes)
    alone = gradcli.evaluate("tanh(x)", {"x": x}, hessian=True)
    assert alone.hessian == {"x": {"x": 0.0}}


def test_a_second_derivative_that_is_infinite_is_said_to_be_so():
    for text, words in (("abs(x)**1.5", "inf from the left, inf from the right"),
                        ("x**1.5", "infinite: inf from the right")):  # fmt: skip
        report = gradcli.evaluate(text, {"x": 0.0}, hessian=True)
        assert report.hessian == {"x": {"x": float("inf")}}
        assert any(words in note for note in report.notes), report.notes


def test_a_kink_of_a_jacobian_is_noted_with_its_slopes():
    report = gradcli.evaluate("[max(x, y), x*y]", {"x": 2.0, "y": 2.0}, jacobian=True)
    assert report.jacobian == {"x": [1.0, 2.0], "y": [0.0, 2.0]}
    kinks = [note for note in report.notes if "a kink" in note]
    assert kinks == [
        f"jacobian: value[0] by {name}: a kink with slopes 0 and 1; {slope} is a convention"
        for name, slope in (("x", 1), ("y", 0))
    ]


def test_numbers_at_kinks_for_which_there_is_no_time_are_not_certified(monkeypatch):
    monkeypatch.setattr(rows_of_numbers, "MOST_OF_LIMITS", 0)
    report = gradcli.evaluate("abs(x)*x*y", {"x": 0.0, "y": 1.0}, hessian=True)
    assert report.hessian_bounds["x"]["x"] == float("inf")
    assert any("3 numbers at kinks are not known" in note for note in report.notes)


def test_float64_is_shown_as_it_is_where_it_is_asked_for(run):
    found = gradcli.evaluate("(1 - cos(x))/x**2", {"x": [1e-9]}, jacobian=True,
                             arithmetic="float64")  # fmt: skip
    assert found.jacobian["x"][0][0] == pytest.approx(1e9)
    words = ("x=[1e-9]", "--jacobian", "-q", "--arithmetic", "float64")
    assert run("(1 - cos(x))/x**2", *words)[1].endswith("= [[1000000000]]\n")


PROGRAMS = {
    "x * y / (1 + y**2)": ("x", "y"), "tanh(x) * x[0]": ("x",), "x @ x.T": ("x",),
    "softmax(x, axis=1)": ("x",), "(x + 1e9) - 1e9": ("x",), "std(x, axis=0)": ("x",),
    "(1 - cos(x*1e-5)) / (x*1e-5)": ("x",), "[sum(x), 3, y[0], x[1,1] - x[1,1]]": ("x", "y"),
    "max(x, y) + abs(x)": ("x", "y"), "logsumexp(x, axis=0) - y": ("x", "y"),
}  # fmt: skip


def truth(program, order):
    """The derivatives of the circuit of numbers, by the plain sweep, in 80 digits."""
    circuit = Circuit(program.graph)
    point = [MP.number(float(v)) for x in inputs_of(program) for v in np.ravel(x)]
    graph, output = circuit.graph, circuit.elements[program.output]
    roots = {"value": output}
    if order == 2:
        twin = adjoint(graph, int(output))
        name = np.frompyfunc(lambda k: twin.gradients[graph.names[k]], 1, 1)
        roots = {n: np.asarray(name(circuit.elements[k]))
                 for n, k in program.graph.inputs.items()}  # fmt: skip
    graph = twin.graph if order == 2 else graph
    sweep = Machine(graph, MP).run(point)
    found = {}
    for of, nodes in roots.items():
        table = []
        for root in np.ravel(nodes):
            backward(sweep, int(root), MP.number(1.0))
            table.append({n: sweep.gradients[k] for n, k in graph.inputs.items()})
        found[of] = table
    return found, circuit


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("text", PROGRAMS)
def test_bounds_hold_on_numbers_and_on_arrays(text, order, monkeypatch):
    rng = np.random.default_rng(7)
    point = {"x": rng.standard_normal((3, 2)), "y": rng.standard_normal(2)}
    used = {name: point[name] for name in PROGRAMS[text]}
    text = text if order == 1 else f"sum(({text})**2)"
    kind = ("jacobian", "hessian")[order - 1]
    program = read(text, settings=used)
    expected, circuit = truth(program, order)
    for most in (rows_of_numbers.MOST_AS_NUMBERS, 0):  # as numbers; as arrays
        monkeypatch.setattr(rows_of_numbers, "MOST_AS_NUMBERS", most)
        report = gradcli.evaluate(text, used, check=False, **{kind: True})
        numbers, bounds = getattr(report, kind), getattr(report, f"{kind}_bounds")
        if order == 1:
            numbers, bounds = {"value": numbers}, {"value": bounds}
        for of, table in expected.items():
            for name in used:
                leaves = circuit.elements[program.graph.inputs[name]]
                names = [circuit.graph.names[int(k)] for k in leaves.flat]
                shape = (len(table), len(names))
                found = np.reshape(numbers[of][name], shape)
                allowed = np.reshape(bounds[of][name], shape)
                for (row, column), number in np.ndenumerate(found):
                    off = abs(table[row][names[column]] - float(number))
                    assert off <= float(allowed[row, column]) * (1 + 1e-9), (of, name, row, column)
                    if most and "abs" not in text:
                        assert allowed[row, column] <= 5e-13 * abs(number) or not number


# ---------------------------------------------------------------- large ones


def test_larger_jacobians_have_bounds_of_arrays_and_large_ones_none(monkeypatch, run):
    x = np.linspace(-1, 1, 300)
    report = gradcli.evaluate("tanh(x) / sum(x**2)", {"x": x}, jacobian=True, check=False)
    bounds = np.array(report.jacobian_bounds["x"])
    assert bounds.shape == (300, 300)
    assert 0 < bounds.max() < 1e-15
    assert not any(note.startswith("jacobian") for note in report.notes)
    monkeypatch.setattr(rows_of_arrays, "MOST_BOUNDED", 100)
    large = gradcli.evaluate("tanh(x) / sum(x**2)", {"x": x}, jacobian=True, check=False)
    assert large.jacobian == report.jacobian
    assert large.as_dict()["jacobian_bounds"] is None
    assert any("digits are plain float64 and not certified" in note for note in large.notes)
    words = ("tanh(x) / sum(x**2)", "x=linspace(-1,1,300)", "--jacobian", "-q", "--no-check")
    assert "jacobian by x (digits not certified) = (300, 300) " in run(*words)[1]


def test_what_many_digits_would_take_too_long_for_has_its_bounds(monkeypatch):
    monkeypatch.setattr(rows_of_numbers, "MOST_IN_DIGITS", 1)
    report = gradcli.evaluate("(1 - cos(x))/x**2", {"x": [1e-9, 2e-9]}, jacobian=True)
    assert report.jacobian["x"][0][0] == pytest.approx(-1e-9 / 12, rel=1e-9, abs=0)
    assert abs(report.jacobian["x"][1][1] + 2e-9 / 12) <= report.jacobian_bounds["x"][1][1]
    assert any("only their bounds" in note for note in report.notes)


@pytest.mark.parametrize(("text", "kind", "size"), [
    ("X @ W", "jacobian", "1000000 x 2000000"), ("sum(X @ W)", "hessian", "2000000 x 2000000"),
])  # fmt: skip
def test_what_is_too_large_is_refused_before_memory_is_taken(text, kind, size, run):
    code, out, err = run(text, "X=ones(1000,1000)", "W=ones(1000,1000)", f"--{kind}")
    assert (code, out) == (2, "")
    assert size in err
    assert "--wrt" in err
    assert "--max-array" in err


def test_the_limit_counts_only_what_is_asked_for():
    given = {"x": np.ones(30), "y": np.ones(200)}
    for names in (None, ["y"]):
        with pytest.raises(LimitError):
            gradcli.evaluate("x * sum(y)", given, jacobian=True, max_array=1000, wrt=names)
    found = gradcli.evaluate("x * sum(y)", given, jacobian=True, max_array=1000, wrt=["x"])
    assert np.shape(found.jacobian["x"]) == (30, 30)


# ---------------------------------------------------------------- options


def test_wrt_restricts_jacobians_and_hessians(tmp_path, run):
    report = gradcli.evaluate("x*y**2*z", {"x": 1, "y": 2, "z": 3}, wrt=["x", "y"], jacobian=True,
                              hessian=True)  # fmt: skip
    assert report.jacobian == {"x": 12.0, "y": 12.0}
    assert report.hessian == {"x": {"x": 0.0, "y": 12.0}, "y": {"x": 12.0, "y": 6.0}}
    words = ("x*y", "x=[1,2]", "y=3", "--wrt", "y", "--jacobian")
    assert "jacobian by x" not in run(*words, "-q")[1]
    assert [*json.loads(run(*words, "--json")[1])["jacobian"]] == ["y"]
    archive = tmp_path / "r.npz"
    assert run(*words, "-o", str(archive))[0] == 0
    assert sorted(np.load(archive)) == ["jacobian_y", "value"]


def test_digits_apply_to_jacobians_hessians_and_all_elements_of_arrays(run):
    found = run("x * pi", "x=[1,2]", "--jacobian", "--digits", "20", "-q")[1]
    assert "jacobian by x = [[3.1415926535897931160, 0], [0, 3.1415926535897931160]]" in found
    found = run("exp(x)", "x=1", "--hessian", "--digits", "25", "-q")[1]
    assert "hessian by x and x = 2.718281828459045235360287" in found
    data = json.loads(run("exp(x)", "x=1", "--hessian", "--digits", "25", "--json")[1])
    assert data["decimal"]["hessian"]["x"]["x"] == "2.718281828459045235360287"
    for words in ((), ("--max-elements", "1")):  # each element, and checked as a whole
        found = run("sum(exp(x))", "x=ones(13)", "--digits", "25", *words)[1]
        assert found.count("2.718281828459045235360287") >= 13


def test_digits_of_what_is_too_large_are_refused():
    for kind in ("jacobian", "hessian"):
        with pytest.raises(LimitError, match=f"in all rows of the {kind}"):
            gradcli.evaluate("log(sum(exp(x)))" if kind == "hessian" else "exp(x) / sum(exp(x))",
                             {"x": np.ones(200)}, digits=20, check=False, **{kind: True})  # fmt: skip


def test_bounds_stand_beside_the_numbers_in_json_and_are_null_where_there_are_none():
    data = gradcli.evaluate("x * y", {"x": [1.0, 2.0], "y": 3.0}, jacobian=True).as_dict()
    assert [*data["jacobian_bounds"]] == [*data["jacobian"]]
    assert np.shape(data["jacobian_bounds"]["x"]) == (2, 2)
    assert "hessian_bounds" not in data


def test_the_program_is_read_once(monkeypatch):
    """Also the notes, the check and the seed are those of one report."""
    from gradcli import api

    texts = []
    monkeypatch.setattr(
        api, "read", lambda text, *a, **k: texts.append(text) or read(text, *a, **k)
    )
    report = gradcli.evaluate("x**2", {"x": 3}, jacobian=True, hessian=True)
    assert texts == ["x**2"]
    assert (report.jacobian, report.hessian) == ({"x": 6.0}, {"x": {"x": 2.0}})
    assert report.check.verdict == "pass"


def test_a_jacobian_needs_no_upstream_gradient():
    report = gradcli.evaluate("x * 2", {"x": [1, 2]}, jacobian=True)
    assert not any("--upstream" in note for note in report.notes)


# ---------------------------------------------------------------- where they go


def test_derivatives_stand_in_every_format():
    report = gradcli.evaluate("x*x*y", {"x": [2.0, 1.0], "y": 3.0}, jacobian=True, check=False)
    block = "[[12.0, 0.0], [0.0, 6.0]]"
    for name in ("plain", "csv", "markdown"):
        out = io.StringIO()
        write(report, name, out)
        assert block in out.getvalue()
        assert "jacobian" in out.getvalue()


def test_blocks_of_a_hessian_have_names_of_their_own():
    """An input x and y_x, another x_y and x: joined by `_` two blocks would be one."""
    point = {"x": 2.0, "y_x": 3.0, "x_y": 4.0, "y": 5.0}
    arrays = gradcli.evaluate("x*y_x*x_y*y", point, hessian=True, check=False).arrays()
    assert (arrays["hessian_x:y_x"], arrays["hessian_x_y:x"]) == (20.0, 15.0)
    assert len([name for name in arrays if name.startswith("hessian")]) == 16
    plain = gradcli.evaluate("x*y", {"x": 2.0, "y": 3.0}, hessian=True, check=False).arrays()
    assert plain["hessian_x_y"] == 1.0


def test_arrays_are_fused_number_by_number_where_the_output_is_one():
    report = gradcli.evaluate("sum(1/(1 + exp(-x)))", {"x": [1.0, 2.0]}, fuse=True)
    assert [stage.gate for stage in report.stages] == ["sigmoid", "sigmoid", "add"]
    for text, words in (("x*2", "one number"), ("sum(exp(x)) + sum(zeros(30000))", "at most")):
        with pytest.raises(gradcli.GradcliError, match=words):
            gradcli.evaluate(text, {"x": [1.0, 2.0]}, fuse=True, upstream="ones")


def test_a_kink_of_a_whole_power_is_seen():
    """A power of few bits is exact: rounding does not hide on which side of its edge huber is."""
    report = gradcli.evaluate("huber(x**4)", {"x": -1.0}, hessian=True)
    assert report.gradient_bounds == {"x": 0.0}
    assert any("the gradient has slopes 12 and 28" in note for note in report.notes)


@pytest.mark.parametrize(("text", "x", "second", "is_float"), [
    ("sqrt(x*x + 1e-300)", 0.0, 1e150, True),
    ("exp(x)", 709.7, float(mpmath.exp(709.7)), True),
    ("sqrt(x)**5", 0.0, 0.0, True),  # at the border of the domain
    ("cbrt(x)**7", 0.0, 0.0, True),
    ("x**2*1e308", 1.0, 2e307, False),  # it is 2e308
    ("gamma(x)", -1e-155, -2e300, False),  # it is -2e465
    ("abs(x)**3", 0.0, 0.0, True),
])  # fmt: skip
def test_second_derivatives_at_hard_points(text, x, second, is_float):
    right = gradcli.check(text, {"x": x}, {"x,x": second}, hessian=True)
    assert right.verdict in ("pass", "inconclusive") if is_float else right.verdict != "pass"
    wrong = gradcli.check(text, {"x": x}, {"x,x": 1.5 * second + 1.0}, hessian=True)
    assert wrong.verdict in ("fail", "inconclusive")
