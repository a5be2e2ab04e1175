"""Machine code against numpy and Python: the same numbers, to the last bits."""

import math
import os
import random
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import gradcli
from gradcli.arithmetic.chunks import Chunks
from gradcli.evaluation import compiled
from gradcli.native import cache, machine
from gradcli.native.writer import KNOWN, MOST_INLINE
from gradcli.program.reader import read
from gradcli.transform.straight import straight_line

mpmath = pytest.importorskip("mpmath")
needs_llvm = pytest.mark.skipif(not machine.is_available(), reason="needs llvmlite and FMA")
SPECIAL = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, -1e-310, 1.0, -1.0, 1e300]
TEXTS = [
    "(x + sigmoid(y)) / (sigmoid(x) + (x+y)**2)", "relu(x*y) + abs(x) + max(x, y, x*y) - min(x, y)",
    "where(x > y, log(x), exp(y)) * tanh(x*y)", "sin(x)*cos(y) + x**-1 + x**2", "sqrt(x*x + y*y)",
    "floor(x) + ceil(y) + round(x*y) + sign(x)", "hypot(x, y)*atan2(y, x) + cbrt(x)",
    "softplus(x) + logsigmoid(y) + silu(x)", "x*0 + y", "clip(x, -1, 1) + (x < y) + huber(x)",
    " + ".join(f"exp(-{k}*x*x)*sin({k}*y)" for k in range(1, 40)),
]  # fmt: skip


def lines(text):
    program = read(text, free=["x", "y"])
    line = straight_line(program.graph, program.output, {}, ["x", "y"])
    return line.graph, line.outputs, [*line.edges.values()]


def results(chunks, columns):
    table = np.empty((len(columns["x"]), 3))
    _, edges = chunks.run(columns, table)
    return table, edges


@needs_llvm
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("count", [1, 7, 16, 1000, machine.ROWS])
def test_columns_are_those_of_numpy(text, count):
    draw = np.random.default_rng(4)
    columns = {name: draw.uniform(-3, 3, count) for name in "xy"}
    if count > 100:
        columns["x"][: len(SPECIAL)] = SPECIAL
        columns["y"][5 : 5 + len(SPECIAL)] = SPECIAL
    parts = lines(text)
    ours, edges = results(machine.NativeChunks(*parts), columns)
    theirs, others = results(Chunks(*parts), columns)
    size = np.nan_to_num(np.abs(theirs), posinf=0).max(axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        is_near = np.abs(ours - theirs) <= 1e-12 * size
    assert (is_near | (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))).all()
    assert all((a == b).all() for a, b in zip(edges, others, strict=True))


@needs_llvm
@pytest.mark.parametrize("count", [1, 15, 16, 17, 1000, machine.ROWS, machine.ROWS + 1])
def test_columns_may_lie_in_memory_as_they_like(count):
    text, draw = "sigmoid(w*x + b)*relu(x)", np.random.default_rng(3)
    function = gradcli.compile(text, ["w", "x", "b"]).over(["w", "x", "b"], "native")
    table = draw.uniform(-2, 2, (count, 3))
    dense, apart = [c.copy() for c in table.T], [*table.T]
    frozen = table.T.copy()
    frozen.flags.writeable = False
    truth = function.run(dense).columns
    for columns in (apart, [*frozen], [dense[0], apart[1], dense[2].astype(">f8")]):
        for by_rows in (True, False):
            results = function.run(columns, by_rows=by_rows).columns
            assert all(np.array_equal(a, b) for a, b in zip(results, truth, strict=True))
    assert np.array_equal(np.stack(dense, 1), table)  # what is read stays as it is
    (value, slopes) = gradcli.compile(text, ["w", "x", "b"]).batch(dense)
    assert value.flags.c_contiguous
    assert all(slope.flags.c_contiguous for slope in slopes)


def values_of(text):
    over = gradcli.compile(text, ["x", "y"]).over(["x", "y"], "native")
    return np.stack(over.run([np.linspace(-2, 1e22, 40), np.linspace(0, 1, 40)]).columns)


@needs_llvm
@pytest.mark.parametrize("odd", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("place", [0, 15, 16, 50, 98, 99])
def test_an_output_that_is_not_finite_is_seen_wherever_it_is(odd, place):
    chunks = machine.NativeChunks(*lines("x*y + sigmoid(x)"))
    columns = {name: np.full(99 + (place == 99), 1e300) for name in "xy"}
    columns["y"][:] = 1e-300
    table = np.empty((len(columns["x"]), 3), order="F")
    assert chunks.run(columns, table)[0]  # 1e300 is large, and their sum is more than that
    columns["x"][place] = odd
    assert not chunks.run(columns, table)[0]


@needs_llvm
def test_columns_that_need_no_copy_are_computed_at_once():
    simple, tied = (machine.NativeChunks(*lines(text)) for text in ("x*y", "relu(x)*y"))
    columns = [np.ones(machine.ROWS + 5) for _ in "xy"]
    tables = {order: np.empty((machine.ROWS + 5, 3), order=order) for order in "CF"}
    assert simple.at_once(columns, tables["F"]) > machine.ROWS
    assert simple.at_once(columns, tables["C"]) == machine.ROWS
    assert simple.at_once([columns[0], columns[1][::2]], tables["F"]) == machine.ROWS
    assert tied.at_once(columns, tables["F"]) == machine.ROWS


@needs_llvm
@pytest.mark.parametrize("by_rows", [True, False])
def test_many_points_are_those_of_numpy(by_rows, monkeypatch):
    monkeypatch.setattr(machine, "MOST_ROWS", 2 * machine.ROWS)
    draw = np.random.default_rng(5)
    columns = [draw.uniform(0.5, 2, 5 * machine.ROWS + 3) for _ in "xy"]
    columns[0][-1] = columns[1][machine.ROWS] = math.nan
    function = gradcli.compile("log(x)*y + x/y", ["x", "y"])
    ours, theirs = (function.over(["x", "y"], engine).run(columns, by_rows)
                    for engine in ("native", "numpy"))  # fmt: skip
    assert np.allclose(ours.rows, theirs.rows, rtol=1e-13, atol=1e-14, equal_nan=True)
    assert np.flatnonzero(ours.bad).tolist() == [machine.ROWS, 5 * machine.ROWS + 2]
    assert (ours.bad == theirs.bad).all()


@needs_llvm
def test_machine_code_is_kept_and_read_where_it_is_trusted(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    text, written = "sin(x)*exp(-y) + cbrt(x)", []
    keep = machine.keep
    monkeypatch.setattr(machine, "keep", lambda *a: written.append(a) or keep(*a))
    truth = values_of(text)
    (file,) = (tmp_path / "gradcli").iterdir()
    assert len(written) == 1
    assert file.stat().st_mode & 0o777 == 0o600
    assert np.array_equal(values_of(text), truth, equal_nan=True)
    assert len(written) == 1  # it was read
    whole = file.read_bytes()
    for spoilt in (b"", whole[:-1], bytes([whole[0] ^ 1]) + whole[1:], whole[:-1] + b"x"):
        file.write_bytes(spoilt)
        assert np.array_equal(values_of(text), truth, equal_nan=True)
        assert file.read_bytes() == whole
    assert len(written) == 5
    if hasattr(os, "getuid"):
        file.chmod(0o666)
        assert np.array_equal(values_of(text), truth, equal_nan=True)
        assert len(written) == 6


@needs_llvm
def test_machine_code_that_cannot_be_kept_is_made_again(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert np.array_equal(values_of("x*y"), values_of("x*y"))
    assert (tmp_path / "file").read_text() == ""


def test_code_that_was_written_first_makes_room(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "MOST_FILES", 3)
    for k in range(5):
        path = tmp_path / "gradcli" / f"{k}.o"
        cache.keep(path, b"code")
        os.utime(path, (k, k))
    assert sorted(p.name for p in (tmp_path / "gradcli").iterdir()) == ["2.o", "3.o", "4.o"]
    assert cache.kept(path) == b"code"
    assert cache.kept(None) is None


def test_the_texts_have_few_and_many_gates():
    sizes = [len(lines(text)[0]) for text in TEXTS]
    assert min(sizes) < MOST_INLINE < max(sizes)


@needs_llvm
@pytest.mark.parametrize("name", ["exp", "log", "tanh", "sin", "cos", "sigmoid"])
def test_elementary_functions_are_off_by_few_units_in_the_last_place(name):
    program = read(f"{name}(x)", free=["x"])
    line = straight_line(program.graph, program.output, {}, [])
    draw = np.random.default_rng(0)
    x = np.concatenate([
        draw.uniform(-3, 3, 500), draw.uniform(-700, 700, 300), np.arange(-150, 150) * np.pi / 2,
        10.0 ** draw.uniform(-300, 8, 300) * draw.choice([-1, 1], 300), draw.uniform(0.99, 1.01, 200),
    ])  # fmt: skip
    x = np.abs(x) if name == "log" else x
    ours = np.empty((len(x), 1))
    machine.NativeChunks(line.graph, line.outputs, []).run({"x": x}, ours)
    with mpmath.workprec(120):
        truth = {"sigmoid": lambda v: 1 / (1 + mpmath.exp(-v))}.get(name) or getattr(mpmath, name)
        for point, value in zip(x.tolist(), ours[:, 0].tolist(), strict=True):
            exact = truth(mpmath.mpf(point))
            if 1e-300 < abs(exact) < 1e308:
                assert abs(value - exact) <= 2.5 * math.ulp(float(exact)), point


@needs_llvm
@pytest.mark.parametrize("name", ["exp", "log", "tanh", "sin", "cos"])
def test_special_numbers_are_those_of_numpy(name):
    program = read(f"{name}(x)", free=["x"])
    line = straight_line(program.graph, program.output, {}, [])
    x = np.array([*SPECIAL, 1e22, 2.0**20, -(2.0**20) - 1])
    ours = np.empty((len(x), 1))
    machine.NativeChunks(line.graph, line.outputs, []).run({"x": x}, ours)
    with np.errstate(all="ignore"):
        theirs = getattr(np, name)(x)
    assert [str(v) for v in ours[:, 0].tolist()[:6]] == [str(v) for v in theirs.tolist()[:6]]
    assert ours[:, 0] == pytest.approx(theirs, rel=1e-15, nan_ok=True)


@needs_llvm
@pytest.mark.parametrize("text", TEXTS)
def test_single_points_are_those_of_python(text):
    loop, code = (gradcli.compile(text, ["x", "y"]) for _ in range(2))
    code._write_machine_code()
    draw = random.Random(5)
    for _ in range(100):
        point = [draw.choice([*SPECIAL, draw.uniform(-3, 3)]) for _ in range(2)]
        (value, slopes), (other, others) = code(*point), loop(*point)
        assert [str(x + 0.0) for x in (value, *slopes)] == [str(x + 0.0) for x in (other, *others)]


@needs_llvm
def test_machine_code_is_written_once_it_pays(monkeypatch):
    monkeypatch.setattr(compiled, "WRITTEN_AFTER", 2)
    monkeypatch.setattr(compiled, "NATIVE_CALLS", 3)
    monkeypatch.setattr(compiled, "LOADING", 0)
    monkeypatch.setattr(compiled, "LEAST_NATIVE", 1)
    f = gradcli.compile("x*y", ["y", "x"])
    kinds = [(f(2, 3), type(f._at_point).__name__)[1] for _ in range(7)]
    assert kinds == ["NoneType", "function", "function", "function", *["NativePoint"] * 3]
    assert f(2, 3) == (6.0, [3.0, 2.0])
    assert f.batch([[2, 4], 3])[0].tolist() == [6, 12]


@needs_llvm
def test_a_batch_says_what_has_computed_it(gradcli):
    words = ["batch", "x*y*relu(x)", "x=[0,1,2]", "y=3"]
    native, numpy = gradcli(*words, "--engine", "native"), gradcli(*words)
    note = "computed by machine code (llvmlite), whose last bits may differ from those of numpy"
    assert (native.out, native.err) == (numpy.out, f"note: {note}\n{numpy.err}")


def test_without_llvmlite_numpy_takes_its_place(gradcli, monkeypatch):
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)
    machine._library.cache_clear()
    try:
        assert not machine.is_available()
        ended = gradcli("batch", "x*x", "x=[1,2]", "--engine", "native")
        assert ended.code == 2
        assert "this program has no machine code here" in ended.err
        monkeypatch.setattr(compiled, "NATIVE_FROM", 0)
        assert gradcli("batch", "x*x", "x=[1,2]").out == "value,dx\n1.0,2.0\n4.0,4.0\n"
        f = api_function()
        f._write_machine_code()
        assert f(3) == (9.0, [6.0])
    finally:
        machine._library.cache_clear()


def in_threads(call):
    """The results of a call in many threads at once."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(call, range(400)))


@needs_llvm
def test_threads_do_not_meet_in_machine_code():
    f = gradcli.compile("x*x + y", ["x", "y"])
    f._write_machine_code()
    assert in_threads(lambda k: f(k, 1)) == [(k * k + 1.0, [2.0 * k, 1.0]) for k in range(400)]


@pytest.mark.parametrize("engine", ["numpy", pytest.param("native", marks=needs_llvm)])
def test_threads_do_not_meet_in_columns(engine, monkeypatch):
    monkeypatch.setattr(compiled, "NATIVE_FROM", 0 if engine == "native" else 1e99)
    f = gradcli.compile("x*x + y", ["x", "y"])
    values = in_threads(lambda k: f.batch([[k] * 500, 1])[0].tolist())
    assert values == [[k * k + 1.0] * 500 for k in range(400)]


def api_function():
    return gradcli.compile("x*x", ["x"])


def test_gates_without_machine_code_stay_with_numpy(gradcli):
    assert "gamma" not in KNOWN
    assert gradcli("batch", "gamma(x)", "x=[1,2]", "--engine", "native").code == 2
    assert gradcli("batch", "sum(x)", "x=[[1,2],[3,4]]", "--engine", "native").code == 2
