"""Batches: tables in every format, the rows they hold, and what is said of those that are not well."""

import os
from pathlib import Path

import numpy as np
import pytest
from peak import peak_of
from tables import WITH_PYARROW, rows, written

import gradcli as api
from gradcli.errors import BindingError, ShapeError
from gradcli.evaluation.columns import LEAST_KEPT
from gradcli.gates.table import BUILT_IN

ROOT = str(Path(__file__).parent.parent)


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    "gate", [g for g in BUILT_IN.elementwise if not g.hidden], ids=lambda g: g.name
)
def test_every_gate_is_computed_in_columns_as_it_is_at_a_point(gate):
    samples = [[float(x) for x in point.split(",")] for point in gate.samples.split(";")]
    width = len(samples[0])
    samples = [point for point in samples if len(point) == width]
    names = [f"x{k}" for k in range(width)]
    f = api.compile(f"{gate.name}({', '.join(names)})", inputs=names)
    values, slopes = f.batch(np.array(samples).T)
    for row, point in enumerate(samples):
        value, gradients = f(*point)
        assert [values[row], *(s[row] for s in slopes)] == pytest.approx(
            [value, *gradients], rel=1e-14, abs=1e-300, nan_ok=True
        )


def test_columns_of_any_length_are_computed_as_points_are():
    text = "a = x*y; b = max(a, x, -y); f = where(b > 1, log(b), tanh(b)) * sigmoid(x - y)"
    f = api.compile(text, inputs=["x", "y"])
    draw = np.random.default_rng(3)
    for count in (0, 1, 100, 20_000):
        x, y = draw.uniform(-3, 3, (2, count))
        values, (dx, dy) = f.batch({"y": y, "x": x})
        assert values.shape == dx.shape == dy.shape == (count,)
        for k in range(0, count, 997):
            assert [values[k], dx[k], dy[k]] == pytest.approx(
                [f(x[k], y[k])[0], *f(x[k], y[k])[1]], rel=1e-13
            )


def test_a_zero_gradient_stops_what_is_infinite():
    f = api.compile("where(x > 0, sqrt(x), 0) * 0 + x", inputs=["x"])
    values, (dx,) = f.batch([[0.0, 4.0, -1.0]])
    assert (values.tolist(), dx.tolist()) == ([0, 4, -1], [1, 1, 1])
    f = api.compile("sqrt(x)*y", inputs=["x", "y"])
    assert [column.tolist() for column in f.batch([[0.0, 4.0], [0.0, 1.0]])[1]] == [
        [0, 0.25],
        [0, 2],
    ]


def test_memory_is_taken_again_only_of_results_that_are_gone():
    f = api.compile("x*y", inputs=["x", "y"])
    count = LEAST_KEPT // 8  # three columns of results are well above what is kept
    x = np.arange(count, dtype=float)
    values, (dx, _) = f.batch([x, 2.0])
    place = values.ctypes.data
    tail = memoryview(dx[-3:])  # one look at one column keeps all of them
    del values, dx, _
    others = f.batch([x, 3.0])[0]
    assert others.ctypes.data != place
    assert tail.tolist() == [2, 2, 2]
    del tail
    values, (dx, dy) = f.batch([x, 5.0])
    assert values.ctypes.data == place
    assert (others == 3 * x).all()
    assert (values == 5 * x).all()
    assert (dx == 5).all()
    assert (dy == x).all()


def test_memory_of_another_size_is_not_taken():
    f = api.compile("x*y", inputs=["x", "y"])
    for count in (LEAST_KEPT // 8, LEAST_KEPT // 4, LEAST_KEPT // 8 + 1):
        x = np.arange(count, dtype=float)
        values, (_, dy) = f.batch([x, 2.0])
        assert values.shape == dy.shape == (count,)
        assert (values == 2 * dy).all()


def test_arrays_are_columns_too():
    f = api.compile("sum(w*x)", inputs={"w": [0, 0], "x": 0})
    values, (dw, dx) = f.batch([[[1, 2], [3, 4]], [10, 100]])
    assert values.tolist() == [30, 700]
    assert dw.tolist() == [[10, 10], [100, 100]]
    assert dx.tolist() == [3, 7]


@pytest.mark.parametrize(
    ("columns", "error", "words"),
    [
        ([[1, 2]], BindingError, "2 columns are needed, got 1"),
        ({"x": [1]}, BindingError, "no column for y"),
        ([[1, 2], [1, 2, 3]], ShapeError, r"different lengths: \[2, 3\]"),
        ([["a"], [1]], BindingError, "`x` is not a column of numbers"),
        ([[[1, 2]], [1]], ShapeError, r"a row of `x` has shape \(2,\), not \(\)"),
    ],
)
def test_columns_that_do_not_fit_are_refused(columns, error, words):
    with pytest.raises(error, match=words):
        api.compile("x*y", inputs=["x", "y"]).batch(columns)


# ---------------------------------------------------------------- points without a file


def test_a_grid_is_every_combination(gradcli):
    ended = gradcli("batch", "10*x + y", "x=[1,2]", "y=linspace(0,2,3)", "--grid")
    assert rows(ended.out)[:, 0].tolist() == [10, 11, 12, 20, 21, 22]


def test_random_points_are_those_that_eval_draws(gradcli):
    drawn = gradcli("batch", "x", "x=randn(9000)", "--seed", 5)
    assert drawn.err == "note: random numbers drawn with seed 5 (--seed N)\n"
    x = api.evaluate("sum(x)", {"x": "randn(9000)"}, seed=5, check=False)
    assert rows(drawn.out)[:, 0].sum() == pytest.approx(x.value, rel=1e-10)
    assert gradcli("batch", "x", "x=randn(9000)", "--seed", 5).out == drawn.out


def test_an_even_column_has_the_numbers_of_linspace(gradcli):
    values = rows(gradcli("batch", "x", "x=linspace(-2,2,10001)").out)[:, 0]
    assert values == pytest.approx(np.linspace(-2, 2, 10001), abs=1e-15)
    assert values[[0, -1]].tolist() == [-2, 2]


def test_a_fixed_input_has_no_column_unless_it_is_asked_for(gradcli):
    ended = gradcli("batch", "x*y", "y=3", "-p", written("x\n2\n"))
    assert ended.out == "value,dx\n6.0,3.0\n"
    ended = gradcli("batch", "x*y", "y=3", "-p", "p.csv", "--wrt", "y")
    assert ended.out == "value,dy\n6.0,2.0\n"


def test_a_column_wins_over_the_text_and_a_given_value_over_a_column(gradcli):
    program = "w = 5; f = w*x"
    name = written("x,w,f\n2,3,1\n")
    assert gradcli("batch", program, "-p", name).out == "value,dx,dw\n6.0,3.0,2.0\n"
    ended = gradcli("batch", program, "w=4", "-p", name)
    assert ended.out == "value,dx\n8.0,4.0\n"
    assert ended.err == (
        "warning: not read from p.csv, for a value is given: `w`\n"
        "warning: columns of p.csv that are not used: `f`\n"
    )


# ---------------------------------------------------------------- rows that are not well


def test_rows_that_are_not_finite_are_marked_and_counted(gradcli, codec):
    ended = gradcli("batch", "log(x)*y", "-p", written("x,y\n1,2\n-1,2\n0,1\n2,\n"))
    assert ended.code == 0
    assert ended.out.splitlines()[1:] == [
        "0.0,2.0,0.0",
        "nan,nan,nan",
        "-inf,inf,-inf",
        "nan,nan,nan",
    ]
    assert ended.err == (
        "note: 3 of 4 rows are not finite, the first at p.csv:3: log at #1 is outside its domain: "
        "got -1, gives nan\n"
    )


def test_the_first_row_that_is_not_finite_may_be_an_error(gradcli):
    name = written("x\n" + "1\n" * 20_000 + "-1\n")
    for target in ([], ["-o", "out.csv"], ["-o", "out.npy"]):
        ended = gradcli("batch", "sqrt(x)", "-p", name, "--on-error", "stop", *target)
        assert ended.code == 2
        assert ended.err == (
            "error: p.csv:20002: sqrt at #out is outside its domain: got -1, gives nan\n"
            "  help: --on-error mark goes on and marks the row\n"
        )
    assert not os.path.exists("out.csv")


def test_rows_at_kinks_and_jumps_are_counted(gradcli):
    ended = gradcli("batch", "relu(x) + max(x, y) + floor(y)", "-p", written("x,y\n0,0.5\n1,1\n"))
    assert ended.err == (
        "note: 1 of 2 rows is at a kink of relu at #1, the first at p.csv:2: a convention of the "
        "gate stands for the slope\n"
        "note: 1 of 2 rows is at a kink of max at #2, the first at p.csv:3: a convention of the "
        "gate stands for the slope\n"
        "note: 1 of 2 rows is at a jump of floor at #4, the first at p.csv:3: a convention of the "
        "gate stands for the slope\n"
    )
    assert gradcli("batch", "relu(x)*y", "-p", "p.csv", "-q").err == ""


def test_json_lines_have_null_for_what_is_not_finite(gradcli, codec):
    ended = gradcli("batch", "1/x", "-p", written('{"x":0}\n{"x":null}\n{"x":2}\n', "p.jsonl"),
                    "--format", "jsonl")  # fmt: skip
    assert ended.out.splitlines() == [
        '{"value":null,"dx":null}', '{"value":null,"dx":null}', '{"value":0.5,"dx":-0.25}',
    ]  # fmt: skip


WRONG = {  # a file, and what is said of it
    "": "error: p.csv is empty\n  help: its first line names the columns: x,y\n",
    "\n1,2\n": "error: p.csv, line 1: the row of names is empty\n"
    "  help: its first line names the columns: x,y\n",
    "1,2\n3,4\n": "error: p.csv, line 1: the row of names is missing\n"
    "  help: write --names x,y with a name for each column\n",
    '{"x": 1}\n{"x": 2}\n': "error: p.csv, line 1: a row of JSON, not of names\n"
    "  help: --points-format jsonl reads it\n",
    "x,x\n1,2\n": "error: p.csv, line 1: two columns are named `x`\n",
    "x,y\n1,2\n3\n": "error: p.csv:3:1: expected 2 fields, found 1\n  3\n  ^\n"
    "  help: the columns are `x`, `y`\n",
    "x,y\n1,2,3\n4\n": "error: p.csv:2:1: expected 2 fields, found 3\n  1,2,3\n  ^\n"
    "  help: the columns are `x`, `y`\n",
    "x,y\n1,abc\n": "error: p.csv:2:3: column `y`: expected a number, found `abc`\n  1,abc\n    ^\n",
    "x,y\n1,true\n": "error: p.csv:2:3: column `y`: expected a number, found `true`\n"
    "  1,true\n    ^\n",
    "x,y\n1,1_0\n": "error: p.csv:2:3: column `y`: expected a number, found `1_0`\n  1,1_0\n    ^\n",
    "x,y\n1,NA\n": "error: p.csv:2:3: column `y`: expected a number, found `NA`\n  1,NA\n    ^\n"
    "  help: leave the field of a missing number empty\n",
    'x,y\n1,"1,5"\n': "error: p.csv:2:3: column `y`: expected a number, found `1,5`\n"
    "  1,1,5\n    ^\n  help: write 1.5\n",
    "x,y\n1,1e400\n": "error: p.csv:2:3: column `y`: `1e400` overflows float64\n  1,1e400\n    ^\n"
    "  help: write `inf` for infinity\n",
    "x,y\n1,1e-400\n": "error: p.csv:2:3: column `y`: `1e-400` underflows float64\n"
    "  1,1e-400\n    ^\n  help: write `0`, or a number from 5e-324 on\n",
    "X,b\n1,2\n": "error: <expression>:1:1: `x` has no value\n  x*y\n  ^\n  help: did you mean `X`?\n"
    "error: <expression>:1:3: `y` has no value\n  x*y\n    ^\n"
    "  help: p.csv has the columns `X`, `b`; or give it one value: y=1\n",
}  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_file_is_refused_with_its_place(gradcli, codec, text):
    ended = gradcli("batch", "x*y", "-p", written(text))
    assert (ended.code, ended.err) == (2, WRONG[text])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "p.jsonl is empty"),
        (b"[1]\n", "expected an object"),
        (b'{"x":1}\n{"x":\n', "p.jsonl:2:"),
        (b'{"x":1}\n{"y":2}\n', "p.jsonl, line 2: the row has no `x`"),
        (b'{"x":1}\n{"x":"a"}\n', 'p.jsonl, line 2: `x`: expected a number, found "a"'),
        (b'{"x":1}\n{"x":true}\n', "p.jsonl, line 2: `x`: expected a number, found true"),
        (b'{"x":1}\n{"x":[1]}\n', "p.jsonl, line 2: `x` has shape (1,), in the rows before ()"),
        (b'{"x":1}\n{"x":\xff}\n', "this is not"),
    ],
)
def test_wrong_json_lines_are_refused(gradcli, codec, text, words):
    ended = gradcli("batch", "x*2", "-p", written(text, "p.jsonl"))
    assert ended.code == 2
    assert words in ended.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["x"], "there are no points"),
        (["x", "-p", "none.csv"], "cannot read none.csv: No such file"),
        (["x", "-p", "p.xyz"], "p.xyz: the suffix tells no format of points"),
        (["x*", "x=[1]"], "expected a value, found the end"),
        (["x*y", "x=[1,2]", "y=[1,2,3]"], "different numbers of points: `x` has 2, `y` has 3"),
        (["x", "x=[1,2]", "--shard", "3/2"], "`3/2` is no part of a file"),
        (["2", "-p", "ok.csv"], "no column of ok.csv is an input of the program"),
        (["[x, x]", "-p", "ok.csv"], "the output has shape (2,)"),
        (["x", "-p", "ok.csv", "--grid"], "--grid is for inputs with many values"),
        (["x", "-p", "ok.csv", "-o", "ok.csv"], "ok.csv is the input and would be overwritten"),
        (["x", "-p", "ok.csv", "--wrt", "z"], "`z` is not an input of the program"),
        (["x", "-p", "o.npz"], "o.npz is no .npz archive"),
        (["x", "-p", "o.npy"], "o.npy is no .npy file"),
    ],
)
def test_what_cannot_be_is_refused(gradcli, words, message):
    written("x\n1\n", "ok.csv")
    written("nothing", "o.npz")
    written("nothing", "o.npy")
    ended = gradcli("batch", *words)
    assert ended.code == 2
    assert message in ended.err


def test_strict_makes_an_error_of_columns_that_are_not_used(gradcli):
    ended = gradcli("batch", "x", "-p", written("x,label\n1,2\n"), "--strict")
    assert (ended.code, ended.err) == (2, "error: columns of p.csv that are not used: `label`\n")


def test_text_in_a_column_that_is_not_used_does_no_harm(gradcli):
    ended = gradcli("batch", "x", "-p", written("x,label\n1,red\n2,\n"), "-q")
    assert ended.out == "value,dx\n1.0,1.0\n2.0,1.0\n"


MOST_MEMORY = 60 * 1024  # KiB


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux")
@pytest.mark.parametrize("form", ["csv", "npy", "jsonl", "npz"])
def test_memory_does_not_grow_with_the_rows(tmp_path, form):
    points, names = f"p.{form}", ["--names", "value,dx"] if form == "npy" else []
    words = (
        ["batch", "x", "x=linspace(0,1,3000000)", "-o", points, "-q"],
        ["batch", "value*dx", "-p", points, *names, "-o", f"out.{form}", "-q"],
    )
    for part in words:
        peak = peak_of(*part, cwd=tmp_path, env={**os.environ, "PYTHONPATH": ROOT})
        assert peak < MOST_MEMORY


DAMAGED = {
    "p.tsv": b"x\r\ty\n1\t2\n",
    "p.jsonl": b'{"x":1,"y":2}\n{"x":\x00}\n',
    "p.csv": b"x,y\n1,2\n\xff,3\n",
    "q.csv": b"\xff\xfex\x00,\x00y\x00",
}


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize(
    "target", ["out.csv", "out.npz", pytest.param("out.parquet", marks=WITH_PYARROW)]
)
def test_a_damaged_file_is_an_error_and_leaves_nothing(gradcli, name, target):
    ended = gradcli("batch", "x*y", "-p", written(DAMAGED[name], name), "-o", target)
    assert (ended.code, ended.err.startswith("error: "), os.path.exists(target)) == (2, True, False)


@pytest.mark.parametrize(
    "form", ["npz", *(pytest.param(f, marks=WITH_PYARROW) for f in ("parquet", "arrow"))]
)
def test_a_damaged_archive_is_an_error(gradcli, form):
    gradcli("batch", "x*y", "x=randn(500)", "y=randn(500)", "-o", f"a.{form}")
    with open(f"a.{form}", "rb") as file:
        whole = file.read()
    for at in range(0, len(whole), len(whole) // 40):
        ended = gradcli(
            "batch",
            "value*dx",
            "-p",
            written(whole[:at] + b"\xff\x00" + whole[at + 2 :], f"b.{form}"),
            "-q",
            "-o",
            "out.csv",
        )
        assert ended.code in (0, 2)
        assert "internal error" not in ended.err


def test_a_program_has_its_own_upstream_gradient_and_choice_of_inputs(gradcli):
    program = "# gradcli: wrt y\nx = 3; y = 2; f = x*y\ndf = 2*x\ndx = y*df; dy = x*df\n"
    ended = gradcli("batch", "-f", written(program, "p.grad"), "-p", written("x,y\n5,7\n"))
    assert ended.out == "value,dy\n35.0,50.0\n"
    assert api.compile(program, ["x", "y"])(5, 7) == (35.0, [70.0, 50.0])


def test_a_list_of_one_is_one_row(gradcli):
    assert gradcli("batch", "x*x", "x=[3]").out == "value,dx\n9.0,6.0\n"
    assert gradcli("batch", "x*x", "x=linspace(3,4,1)").out == "value,dx\n9.0,6.0\n"
    assert gradcli("batch", "sum(x*x)", "x=[[3,4]]").out == "value,dx[0],dx[1]\n25.0,6.0,8.0\n"
