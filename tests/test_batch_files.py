"""Tables of points as files: every format, its parts, its last bits."""

import json
import math

import numpy as np
import pytest
from tables import WITH_PYARROW, rows, written

from gradcli.errors import GradcliError
from gradcli.tables.lines import Lines
from gradcli.tables.model import Part, part_of

POINTS = "x,y\n1,2\n-0.5,3\n2e-3,4.25\n"
PRODUCT = "value,dx,dy\n2.0,2.0,1.0\n-1.5,3.0,-0.5\n0.0085,4.25,0.002\n"
FORMATS = ["csv", "tsv", "npy", "npz", "jsonl"]
ALL_FORMATS = [*FORMATS, *(pytest.param(f, marks=WITH_PYARROW) for f in ("parquet", "arrow"))]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", "\ufeff", "# "])
def test_points_from_csv_give_a_row_each(gradcli, codec, line_end, start):
    name = written(start + POINTS.replace("\n", line_end))
    ended = gradcli("batch", "x*y", "--points", name)
    assert (ended.code, ended.out, ended.err) == (0, PRODUCT, "")


@pytest.mark.parametrize(
    "text",
    [
        'x,y\n"1",2\n -0.5 ,"3"\n\n0.002,4.25',
        "x;y\n1;2\n-.5;+3\n\n2e-3;4.25\n",
        '"x" , "y"\n1,2\n-5e-1,3\n.002,4.25\n',
    ],
)
def test_points_are_read_however_they_are_written(gradcli, codec, text):
    assert gradcli("batch", "x*y", "-p", written(text)).out == PRODUCT


def test_points_come_from_stdin(gradcli, codec):
    assert gradcli("batch", "x*y", "--points", "-", stdin=POINTS.encode()).out == PRODUCT
    tabs = POINTS.replace(",", "\t").encode()
    assert gradcli("batch", "x*y", "-p", "-", "--points-format", "tsv", stdin=tabs).out == PRODUCT


def test_numbers_are_read_and_printed_to_the_last_bit(gradcli, codec):
    draw = np.random.default_rng(1)
    bits = draw.integers(0, 2**64, 30_000, dtype=np.uint64).view(float)
    special = [0.0, -0.0, 5e-324, 1.7976931348623157e308, 2.0**53 + 1, 0.1, math.inf, -math.inf]
    x = np.array([*bits[np.isfinite(bits)], *special])
    written("x\n" + "".join(f"{value!r}\n" for value in x.tolist()))
    ended = gradcli("batch", "x", "-p", "p.csv", "-q")
    values = [float(line.split(",")[0]) for line in ended.out.splitlines()[1:]]
    assert np.array(values).tobytes() == x.tobytes()


def test_a_zero_keeps_its_sign(gradcli, codec):
    ended = gradcli("batch", "1/x", "-p", written("x\n-0\n0\n-0.0\n2\n"), "-q")
    assert [line.split(",")[0] for line in ended.out.splitlines()[1:]] == [
        "-inf",
        "inf",
        "-inf",
        "0.5",
    ]


@pytest.mark.parametrize("source", ALL_FORMATS)
@pytest.mark.parametrize("target", ALL_FORMATS)
def test_every_format_is_read_and_written(gradcli, source, target):
    """Points that one batch has written are those of the next one."""
    count = 9000 if source == target else 3
    assert gradcli("batch", "x", f"x=linspace(0.1,2,{count})", "-o", f"a.{source}").code == 0
    names = ["--names", "value,dx"] if source == "npy" else []
    ended = gradcli("batch", "exp(value)*dx", "-p", f"a.{source}", *names, "-o", f"b.{target}")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    names = ["--names", "value,dvalue,ddx"] if target == "npy" else []
    ended = gradcli("batch", "value*dvalue + 0*ddx", "-p", f"b.{target}", *names)
    x = np.linspace(0.1, 2, count)
    assert rows(ended.out)[:, 0] == pytest.approx(np.exp(2 * x), rel=1e-14)


def test_the_columns_of_an_npy_are_the_inputs_in_their_order(gradcli):
    np.save("p.npy", np.asfortranarray([[1.0, 2], [-0.5, 3], [2e-3, 4.25]]))
    ended = gradcli("batch", "x*y", "-p", "p.npy")
    assert ended.out == PRODUCT
    assert ended.err == "note: the columns of p.npy are x, y, as the program names them\n"
    np.save("p.npy", np.array([(2, 1.0)], dtype=[("y", "i4"), ("x", "f4")]))
    assert gradcli("batch", "x/y", "-p", "p.npy").out == "value,dy,dx\n0.5,-0.25,0.5\n"


def test_columns_that_are_arrays_come_from_npz_and_json_lines(gradcli, codec):
    np.savez("p.npz", w=[[1, 2], [3, 4]], x=[10, 100])
    written('{"w":[1,2],"x":10}\n{"x":100,"w":[3,4]}\n', "p.jsonl")
    for name in ("p.npz", "p.jsonl"):
        ended = gradcli("batch", "sum(w*x)", "-p", name)
        assert ended.out == "value,dw[0],dw[1],dx\n30.0,10.0,10.0,3.0\n700.0,100.0,100.0,7.0\n"
        gradcli("batch", "sum(w*x)", "-p", name, "-o", "out.npz")
        assert np.load("out.npz")["dw"].tolist() == [[10, 10], [100, 100]]
    ended = gradcli("batch", "sum(w*x)", "-p", "p.npz", "--format", "jsonl")
    assert json.loads(ended.out.split("\n")[1]) == {"value": 700, "dw": [100, 100], "dx": 7}


@pytest.mark.parametrize("form", FORMATS)
def test_parts_of_a_file_together_are_the_whole(gradcli, form):
    made = ["x=randn(20000)", "y=linspace(0,1,20000)"]
    gradcli("batch", "x*y", *made, "-o", f"p.{form}", "-q")
    names = ["--names", "value,dx,dy"] if form == "npy" else []
    read = ["batch", "value + dx*dy", "-p", f"p.{form}", *names, "-q"]
    whole = gradcli(*read).out.splitlines()
    parts = [gradcli(*read, "--shard", f"{k}/7").out.splitlines() for k in range(1, 8)]
    assert all(part[0] == whole[0] for part in parts)
    assert sum([part[1:] for part in parts], []) == whole[1:]


def test_a_part_without_a_line_is_empty_and_places_are_those_of_the_file(gradcli):
    name = written("x\n" + "1.25\n" * 3 + "abc\n")
    ends = [gradcli("batch", "x", "-p", name, "--shard", f"{k}/9") for k in range(1, 10)]
    assert sum(ended.out.count("1.25") for ended in ends) == 3
    assert [ended.err for ended in ends if ended.code] == [
        "error: p.csv:5:1: column `x`: expected a number, found `abc`\n  abc\n  ^\n"
    ]


def test_parts_are_counted_from_one():
    assert [part_of(f"{k}/3").of(10) for k in (1, 2, 3)] == [(0, 3), (3, 6), (6, 10)]
    for text in ("0/3", "4/3", "1", "a/b", "1/0"):
        with pytest.raises(GradcliError, match="is no part of a file"):
            part_of(text)


def test_lines_are_those_of_the_file_however_it_is_cut(tmp_path):
    path = tmp_path / "lines"
    path.write_bytes(b"names\n" + b"".join(b"%d\n" % k * (k % 3) for k in range(5000)))

    def lines(part):
        with open(path, "rb") as file:
            reader = Lines("lines", file)
            reader.first_line()
            return [(first + k, line) for block, first in reader.blocks(part)
                    for k, line in enumerate(block.splitlines())]  # fmt: skip

    whole = lines(Part(0, 1))
    assert len(whole) == 5000 - 1
    for count in (2, 13, 200):
        assert sum([lines(Part(k, count)) for k in range(count)], []) == whole
