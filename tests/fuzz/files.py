"""Random files beside programs: tables of points, arrays, notebooks, configurations, keys."""

from __future__ import annotations

import json
import struct
import zipfile
from io import BytesIO
from random import Random

CELLS = (
    "1", "2.5", "-3", "1e308", "5e-324", "nan", "inf", "-inf", "", "x", "1,5", "1e400", "=1+1", '"1"', "0x1",
    " 1 ", "1_000", "\x00", "é", "٣", "--1", "[1,2]", "null", "true", '"', "1;2", "1e5",
)  # fmt: skip
SHAPES = (
    "()",
    "(3,)",
    "(2, 3)",
    "(0,)",
    "(2, 0)",
    "(1000000000000,)",
    "(-1,)",
    "(3",
    "3",
    "(2.5,)",
    "(2, 2, 2)",
)
TYPES = (
    "<f8",
    "<f4",
    "<i8",
    ">f8",
    "|O",
    "|b1",
    "<c16",
    "<U3",
    "<f16",
    "nosuch",
    "<M8[s]",
    "[('a', '<f8')]",
)
KEYS = (
    "tolerance", "format", "samples", "seed", "exact", "strict", "inconclusive", "jobs", "junit", "sarif",
    "gitlab", "allow-empty", "require-claims", "exclude", "baseline", "paths", "nosuch", "tolerence",
)  # fmt: skip
SETTINGS = (
    "1", "0", "-1", "1e-6", "1e400", "nan", "inf", "true", "false", '"table"', '"json"', '"r.xml"', '"../r.xml"',
    '"/none"', '"a.grad"', '["a.grad"]', "[]", "{}", "[1]", '[""]', "1979-05-27", '"\\u0000"', '""', "[[]]", '"ok"',
    '"pyproject.toml"', "1.5", "99999999999999999999999", '"github"', '["*.py"]', '["."]', "''", '"\\u202e"',
)  # fmt: skip


def table(rng: Random) -> str:
    """A table of points in csv, mostly of numbers."""
    names = rng.sample(("x", "y", "z", "x", "q", "", "dx", "value", " x"), rng.randint(1, 3))
    sign = rng.choice((",", ",", ",", "\t", ";", " "))
    rows = [sign.join(names)] if rng.random() < 0.85 else []
    for _ in range(rng.choice((0, 1, 2, 5, 40))):
        count = len(names) + (rng.choice((-1, 1)) if rng.random() < 0.03 else 0)
        rows.append(sign.join(_cell(rng) for _ in range(max(0, count))))
    return rng.choice(("\n", "\n", "\r\n", "\r")).join(rows) + rng.choice(("\n", "", "\n\n"))


def _cell(rng: Random) -> str:
    return rng.choice(CELLS) if rng.random() < 0.08 else repr(round(rng.uniform(-4, 4), 2))


def json_lines(rng: Random) -> str:
    """Points as lines of JSON."""
    rows = []
    for _ in range(rng.randint(0, 4)):
        held = {name: rng.choice((1, 2.5, [1, 2], "x", None, True, 1e308, {}, [[1], [2, 3]], -0.0))
                for name in rng.sample(("x", "y", "q", ""), rng.randint(0, 2))}  # fmt: skip
        rows.append(
            rng.choice((json.dumps(held), json.dumps(held), "[1]", "{", "", "NaN", '{"x":NaN}'))
        )
    return "\n".join(rows)


def array(rng: Random) -> bytes:
    """A .npy file, right or with a header that lies."""
    shape, kind = (rng.choice(SHAPES[:3]), "<f8") if rng.random() < 0.5 else (
        rng.choice(SHAPES), rng.choice(TYPES))  # fmt: skip
    kind = kind if kind[0] == "[" else f"'{kind}'"
    header = (
        f"{{'descr': {kind}, 'fortran_order': {rng.choice((False, True))}, 'shape': {shape}, }}"
    )
    if rng.random() < 0.1:
        header = rng.choice(("", "{", "(" * 300, "__import__('os')", header * 50, "\x00"))
    data = struct.pack("<6d", *(rng.uniform(-2, 2) for _ in range(6)))[
        : rng.choice((8, 24, 48, 48, 5))
    ]
    held = header.encode() + b"\n"
    version = rng.choice((b"\x01\x00", b"\x01\x00", b"\x02\x00", b"\x09\x00"))
    size = struct.pack("<H", len(held)) if version[0] == 1 else struct.pack("<I", len(held))
    return altered(rng, b"\x93NUMPY" + version + size + held + data)


def archive(rng: Random) -> bytes:
    """A .npz file of a few arrays."""
    buffer = BytesIO()
    with zipfile.ZipFile(
        buffer, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    ) as held:
        for name in rng.sample(
            ("x.npy", "y.npy", "q.npy", "../x.npy", "x", "a.txt"), rng.randint(0, 3)
        ):
            held.writestr(name, array(rng))
    return altered(rng, buffer.getvalue())


def altered(rng: Random, data: bytes) -> bytes:
    """Bytes of which, now and then, some are others."""
    held = bytearray(data)
    if rng.random() < 0.25 and held:
        for _ in range(rng.randint(1, 4)):
            held[rng.randrange(len(held))] = rng.randrange(256)
    return bytes(held[: rng.randrange(len(held) + 1)] if rng.random() < 0.05 else held)


def notebook(rng: Random, text: str) -> str:
    """A notebook whose cells are the lines of a Python file, or something like one."""
    held = text.splitlines(keepends=True)
    cut = rng.randint(0, len(held))
    cells = [
        {"cell_type": rng.choice(("code", "code", "code", "markdown", "raw", "", 3)), "metadata": {},
         "source": part if rng.random() < 0.8 else "".join(part), "outputs": []}
        for part in (held[:cut], ["%matplotlib inline\n", "!ls\n"], held[cut:])
    ]  # fmt: skip
    document = {"cells": cells, "nbformat": 4, "metadata": {}}
    if rng.random() < 0.2:
        document[rng.choice(("cells", "nbformat"))] = rng.choice(
            (None, 3, [], [3], [{}], "x", [[]])
        )
    text = json.dumps(document)
    return text if rng.random() < 0.9 else text[: rng.randrange(len(text))]


def configuration(rng: Random) -> str:
    """A pyproject.toml with settings of any kind."""
    held = [f"{key} = {rng.choice(SETTINGS)}" for key in rng.sample(KEYS, rng.randint(0, 3))]
    head = rng.choice(
        ("[tool.gradcli]",) * 8
        + ("[tool]\ngradcli = 3", "tool = 3", "[tool.gradcli", "\ufeff[tool.gradcli]")
    )
    return "\n".join(
        [head, *held, *rng.choice(([], [], [], ["["], ["x = " + "[" * 500], ["[tool.gradcli]"]))]
    )
