"""Reports of checks that the tests of their formats share."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import jsonschema
import pytest

from gradcli.render.formats import write_check
from gradcli.reports.checks import Case, CheckReport, Problem
from gradcli.reports.evaluations import InputCheck
from gradcli.reports.schemas import SCHEMAS as OWN_SCHEMAS
from gradcli.reports.schemas import schema_text

SCHEMAS = Path(__file__).parent / "schemas"
LONGEST = -1.2345678901234567e-299  # 24 characters

# -------------------------------------------------------------------- reports


def checked(name, verdict, claim, numeric, *, bound=4e-13, error=0.0, kind="smooth", **known):
    known = {"interval": None, "reason": None, "analytic": numeric, **known}
    return InputCheck(
        name,
        verdict,
        kind,
        numeric=numeric,
        bound=bound,
        relative_error=error,
        claim=claim,
        **known,
    )


def a_case(file, verdict, *checks, line=1, expression="(x + y)*z", **known):
    known = {"values": [], "notes": [], "warnings": [], "places": {}, **known}
    return Case(file, line, expression, "f", verdict, {c.name: c for c in checks}, **known)


def written(report, format, **options):
    out = io.StringIO()
    write_check(report, format, out, **options)
    return out.getvalue()


HALVED = checked(
    "x", "fail", 0.5, 1.0, error=0.5, reason="the claim is 0.5 times the derivative"
)  # fmt: skip
GOOD = a_case("good.grad", "pass", checked("x", "pass", 1.0, 1.0), checked("y", "pass", 2.0, 2.0))
FAIL = a_case(
    "staged.grad", "fail", checked("w[0]", "pass", 3.0, 3.0, element=("w", (0,))), HALVED,
    line=12, places={"w": (15, 1), "x": (16, 5), "f": (20, 1)},
    values=[checked("f", "pass", -12.0, -12.0, bound=None, kind=None)],
)  # fmt: skip
KINK = a_case(
    "kink.grad", "kink",
    checked("x", "kink", 0.25, 0.25, bound=0.0, kind="kink", interval=[-1.0, 1.0],
            reason="left slope -1, right slope 1; 0.25 lies between them"),
)  # fmt: skip
TORN = a_case(
    "torn.grad", "inconclusive",
    checked("x", "inconclusive", None, None, bound=None, error=None, kind=None, analytic=1.5,
            reason="more digits are needed than there are"),
    line=3,
)  # fmt: skip
JUMP = a_case(
    "jump.grad", "undefined",
    checked("x", "undefined", None, math.nan, bound=None, error=math.nan, kind="jump",
            analytic=0.0, reason="f jumps here: no derivative exists"),
    line=4,
)  # fmt: skip
BROKEN = a_case(
    "broken.grad", "error", line=7, expression="",
    problem=Problem("syntax", "found `)`, expected a number", 7, 9, "write `2*x`"),
)  # fmt: skip
SAMPLED = a_case(
    "sampled.grad", "fail", HALVED, notes=["the seed is 0"],
    points=100, seed=7, point={"x": 0.5, "w": [[1.0, LONGEST], [math.inf, -0.0]]},
)  # fmt: skip

EVERY_KIND = CheckReport([GOOD, TORN, KINK, FAIL, JUMP, BROKEN, SAMPLED])
THREE = CheckReport([GOOD, FAIL, GOOD._replace(file="more.grad")])
SINGLE = CheckReport([GOOD._replace(file="<expression>")])
EMPTY = CheckReport([])

WILD = CheckReport([
    a_case("wild.grad", "fail",
           checked("x", "fail", -math.inf, math.inf, bound=None, error=math.nan, kind="infinite",
                   interval=[-math.inf, math.nan]),
           checked("y", "fail", math.nan, LONGEST, bound=math.inf, error=math.nan),
           checked("z", "pass", LONGEST, 0.1 + 0.2, bound=0.0, error=1e-300)),
])  # fmt: skip

HOSTILE = "a,b:c%0A::error::[/red]\x1b[31m\x00\x07\u202e\x85\ufffe\ud800\r\n\t`|<b>&\"' é😀"
NASTY = CheckReport([
    a_case(HOSTILE, "fail", HALVED._replace(name=HOSTILE, reason=HOSTILE), expression=HOSTILE,
           notes=[HOSTILE], warnings=[HOSTILE]),
    BROKEN._replace(file=HOSTILE, problem=Problem(HOSTILE, HOSTILE, None, None, HOSTILE)),
])  # fmt: skip

PASSED = HALVED._replace(verdict="pass")
MANY = CheckReport([  # 50 fail, the worst is case294.grad
    a_case(f"case{k}.grad", "fail", HALVED._replace(relative_error=k / 300))
    if k % 6 == 0 else a_case(f"case{k}.grad", "pass", PASSED)
    for k in range(300)
])  # fmt: skip

REPORTS = {
    "every kind": EVERY_KIND, "three": THREE, "single": SINGLE, "empty": EMPTY, "wild": WILD,
    "nasty": NASTY, "many": MANY,
}  # fmt: skip
all_reports = pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)


def schema(name):
    own = schema_text(name) if name in OWN_SCHEMAS else (SCHEMAS / name).read_text()
    return jsonschema.Draft202012Validator(json.loads(own))


# -------------------------------------------------------------------- json and jsonl


def strict(text):
    def refuse(constant):
        raise ValueError(constant)

    return json.loads(text, parse_constant=refuse)
