"""Reports of evaluations that the tests of their formats share."""

from __future__ import annotations

import io
import json
import math

import pytest

from gradcli.render.formats import write
from gradcli.reports.evaluations import Check, EvalReport, InputCheck, Stage

LONGEST = -1.2345678901234567e-299  # 24 characters

# -------------------------------------------------------------------- reports


def stage(name, gate, label, expression, *numbers, is_named=False, bound=None):
    """A stage of which `numbers` are value and gradient."""
    return Stage(name, gate, label, expression, [], *numbers, None, 1, 1, is_named, bound)


def passed(name, slope, error=0.0):
    return InputCheck(name, "pass", "smooth", slope, slope, 1e-13, error, None, None)


LECTURE = EvalReport(
    expression="(x + y)*z",
    output="#out",
    value=-12.0,
    inputs={"x": -2.0, "y": 5.0, "z": -4.0},
    gradients={"x": -4.0, "y": -4.0, "z": 3.0},
    stages=[
        Stage("q", "add", "+", "x + y", ["x", "y"], 3.0, -4.0, [1.0, 1.0], 1, 2, True),
        Stage("#out", "mul", "*", "q*z", ["q", "z"], -12.0, 1.0, [-4.0, 3.0], 1, 6, False),
    ],
    check=Check("pass", {"x": passed("x", -4.0), "y": passed("y", -4.0), "z": passed("z", 3.0)}),
    notes=["the seed is 0"],
)

WILD = EvalReport(
    expression="exp(x)*0 + k",
    output="f",
    value=math.nan,
    inputs={"x": math.inf, "k": 0.1 + 0.2},
    gradients={"x": -math.inf},
    stages=[
        stage("#1", "exp", "exp", "exp(x)", math.inf, -0.0),
        stage("#2", "copy", "=", "k", 0.1 + 0.2, None),
        stage("f", "add", "+", "exp(x)*0 + k", math.nan, 1.0, is_named=True),
    ],
    check=Check(
        "undefined",
        {
            "x": InputCheck(
                "x", "undefined", "nan", -math.inf, math.nan, None, math.nan, None, "it is NaN"
            )
        },
    ),
    notes=[],
)

LIST = EvalReport(
    expression="w[0]*W[0][1] + 12345678901234567890*w[1] + 0.12345678901234567*W[1][0]",
    output="f",
    value=1234567.8901234567,
    inputs={"w": [2.0, LONGEST], "W": [[0.1, 0.7310585786300049], [-0.0, 3.0]]},
    gradients={"w": [1 / 3, 2 / 3], "W": [[-1 / 3, LONGEST], [1e22, 1.0]]},
    stages=[
        stage("#1", "mul", "*", "w[0]*W[0][1]", LONGEST, 1 / 7),
        stage("#2", "mul", "*12345678901234567890", "12345678901234567890*w[1]", 1e-5, LONGEST),
        stage("long_name_of_a_stage", "tanh", "tanh", "tanh(w[0] + W[1][1])", 0.7, None),
        stage("f", "add", "+", "#1 + #2 + 0.12345678901234567*W[1][0]", 1234567.8901234567, 1.0),
    ],
    check=Check(
        "fail",
        {
            "w[0]": passed("w[0]", 1 / 3, 2.123e-14)._replace(element=("w", (0,))),
            "w[1]": InputCheck(
                "w[1]", "fail", "smooth", 2 / 3, 1 / 3, 1e-9, 0.5, None, None, element=("w", (1,))
            ),
            "W[0][0]": InputCheck(
                "W[0][0]", "kink", "kink", -1 / 3, 0.2, None, None, [-1.0, 0.25],
                "the slopes are [-1.0000000000000002,0.30000000000000004] and the claim is between",
                element=("W", (0, 0)),
            ),
            "W[0][1]": InputCheck(
                "W[0][1]", "inconclusive", None, LONGEST, None, None, None, None, None,
                element=("W", (0, 1)),
            ),
        },
    ),
    notes=["exp overflows at #3: plain float64 gives nan; use 1.7976931348623157e+308"],
)  # fmt: skip

HOSTILE = "[/red]a[i]:x:\x1b[31m\x1b]0;t\x07\u202e\x9b\r\n\t`|<b>\ud800"
NASTY = LECTURE._replace(
    expression=HOSTILE,
    inputs={HOSTILE: 1.0},
    gradients={HOSTILE: 2.0},
    stages=[stage(HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1.0, 2.0)],
    check=Check("pass", {HOSTILE: passed(HOSTILE, 2.0)._replace(reason=HOSTILE)}),
    notes=[HOSTILE],
)

MANY = LECTURE._replace(
    stages=[
        *(stage(f"#{k}", "add", "+", f"x + {k}", float(k), 1.0) for k in range(1, 300)),
        stage("named", "exp", "exp", "exp(x)", 1.0, 1.0, is_named=True),
        *(stage(f"#{k}", "add", "+", f"x + {k}", float(k), 1.0) for k in range(300, 400)),
        stage("#out", "mul", "*", "q*z", -12.0, 1.0),
    ]
)

REPORTS = {"lecture": LECTURE, "wild": WILD, "list": LIST, "nasty": NASTY, "many": MANY}
each_report = pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def written(report, name, out=None, **look):
    out = out or io.StringIO()
    write(report, name, out, **look)
    return out.getvalue()


def strict(text):
    def refuse(word):
        raise ValueError(word)

    return json.loads(text, parse_constant=refuse)


def numbers(report):
    yield report.value
    for s in report.stages:
        yield from (s.value, s.gradient)
    pending = [*report.inputs.values(), *report.gradients.values()]
    for number in pending:
        if isinstance(number, list):
            pending.extend(number)
        else:
            yield number
    for check in report.check.inputs.values() if report.check else ():
        yield check.numeric
