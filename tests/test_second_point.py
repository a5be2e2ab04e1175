"""Second points: what hides at neutral values is found, and what data is right for is right."""

import pytest

import gradcli
from gradcli.evaluation.elsewhere import is_comparable
from gradcli.requests import PLAIN
from gradcli.tasks import second_point
from gradcli.tasks.check_python import check_python
from gradcli.tasks.outcomes import outcome_of

WAYS = {"by element": 10**6, "whole": 0}

HIDDEN = {  # the last line is wrong, or the last but one
    "a temperature of 1": (
        "a = [0.3,-0.7,1.2]; y = [0,1,0]; T = 1\n"
        "z = a/T\n"
        "p = softmax(z)\n"
        "L = -sum(y*log(p))\n"
        "dz = p - y\n"
        "da = dz*T"
    ),
    "a temperature of 1, in numbers": ("x = 2; T = 1\nz = x/T\nf = z*z\ndz = 2*z\ndx = dz*T"),
    "a penalty of 0": (
        "X = [[0.5,-0.2],[0.1,0.4],[0.9,-0.7]]; y = [1,0,1]; w = [0.3,-0.6]; lam = 0\n"
        "r = X @ w - y\n"
        "J = sum(r**2)/2 + lam*sum(w**2)\n"
        "dr = r\n"
        "dw = X.T @ dr"
    ),
    "an epsilon of 0": (
        "v = [0.5,2.5]; eps = 0\ns = sqrt(v + eps)\nf = sum(s)\nds = ones(2)\ndv = ds/(2*sqrt(v))"
    ),
    "weights of 1": (
        "w = [0.3,-0.6,2]; c = [1,1,1]\nr = w - 3\nf = sum(c*r**2)\ndr = 2*r\ndw = dr"
    ),
    "a gain of -1": ("a = [0.3,2]; g = -1\nz = a*g\nf = sum(z**3)\ndz = 3*z**2\nda = dz/g"),
    "the square of -1": ("a = [0.3,2]; g = -1\nz = a*g*g\nf = sum(z**3)\ndz = 3*z**2\nda = dz"),
    "two equal numbers": ("x = 3; a = 2; b = 2\nf = a*x + b*x**2\ndx = b + 2*a*x"),
    "two numbers of 1": (
        "a = [0.3,2]; T = 1; alpha = 1\nz = alpha*a/T\nf = sum(z**3)\ndz = 3*z**2\nda = dz*T*alpha"
    ),
    "1 and 0": (
        "a = [0.3,2]; T = 1; lam = 0\n"
        "z = a/T\n"
        "f = sum(z**3) + lam*sum(a)\n"
        "dz = 3*z**2\n"
        "da = dz*T + lam"
    ),
    "a momentum of 1": (
        "w = 2; v = 0.3; m = 1; g = 0.7\n"
        "u = m*v + g\n"
        "f = (w - u)**2\n"
        "du = -2*(w - u)\n"
        "dw = 2*(w - u)\n"
        "dv = du"
    ),
    "a factor of 1": ("x = [1,2,3,4]; k = 1\nf = sum(x**2)*k/4\ndx = 2*x/4"),
    "keeping all": (
        "x = [0.5,-2]; m = [1,0]; keep = 1\nh = x*m/keep\nf = sum(h**2)\ndh = 2*h\ndx = dh*m"
    ),
    "1 beside the size of an array": (
        "X = [[0.5,-0.2],[0.1,0.4],[0.9,-0.7]]; w=[0.3,0.4]; T = 1\n"
        "z = X@w/T\n"
        "f = mean(z**2)\n"
        "dz = 2*z/3\n"
        "dw = X.T@dz"
    ),
}

RIGHT = {  # and the data that notes tell of
    "a unit vector": (
        "u = [0.6,0.8]; x = [0.3,-2]\np = x - u*sum(u*x)\nf = sum(p**2)\ndp = 2*p\ndx = dp",
        ["u"],
    ),
    "an orthogonal matrix": (
        "Q = [[0.6,-0.8],[0.8,0.6]]; x = [0.3,-2]\ny = Q@x\nf = sum(y**2)\ndx = 2*x",
        ["Q"],
    ),
    "weights that sum to 0": (
        "c = [1,-3,2]; x = [0.5,2,1]\nr = x - mean(x)\nf = sum(c*r)\ndx = c",
        ["c"],
    ),
    "a share and the rest": (
        "p = 0.3; q = 0.7; x = 2\nf = p*x + q*x\ndx = 1",
        [],
    ),
    "one-hot numbers": (
        "y1 = 1; y2 = 0; a = 0.3; b = -0.2\n"
        "s = exp(a) + exp(b)\n"
        "p1 = exp(a)/s\n"
        "p2 = exp(b)/s\n"
        "L = -y1*log(p1) - y2*log(p2)\n"
        "da = p1 - y1\n"
        "db = p2 - y2",
        ["y1 and y2"],
    ),
    "a label that only lines read": (
        "y = 1; z = 0.4\np = sigmoid(z)\nL = -log(p)\ndz = p - y",
        ["y"],
    ),
    "a size that only lines read": (
        "x = [1,2,4]; N = 3\nf = mean(x**2)\ndx = 2*x/N",
        ["N"],
    ),
    "a size": (
        "x = [1,2,4]; N = 3\nf = mean(x**2) + sum(x)/N\ndx = 2*x/N + 1/N",
        ["N"],
    ),
    "a number of the data": (
        "x = 5; w = 2\nq = x*w\nf = q*q\ndq = 2*q\ndw = 5*dq",
        ["x"],
    ),
    "numbers worked out from the data": (
        "x = [1,2,3.5]; w = 2\nf = sum((x*w - 1)**2)\ndw = 2*(w*17.25 - 6.5)",
        ["x"],
    ),
    "the mean of the data": (
        "x = [1,2,6]; mu = 3; b = 2; w = 0.7\nf = sum((x - mu)*w) + b*w\ndw = b*1",
        ["mu"],
    ),
    "a cosine and its sine": (
        "c = 0.6; s = 0.8; x = 1.5; y = 0.4\n"
        "u = c*x - s*y\n"
        "v = s*x + c*y\n"
        "f = u**2 + v**2\n"
        "dx = 2*x\n"
        "dy = 2*y",
        ["c and s"],
    ),
    "a symmetric matrix": (
        "A = [[2,1],[1,3]]; x = [0.3,-2]\nf = x@A@x\ndx = 2*A@x",
        ["A"],
    ),
    "equal shares": (
        "z = [0.3,2]; y = [0.5,0.5]\np = softmax(z)\nL = -sum(y*log(p))\ndz = p - y",
        ["y"],
    ),
    "reciprocals": (
        "T = 4; b = 0.25; x = 3\nf = T*b*x**2\ndx = 2*x",
        ["T and b"],
    ),
    "labels that are compared": (
        "z = [0.3,2,1]; y = [0,2,1]\nm = y == 2\nf = sum(m*z**2)\ndz = 2*z*m",
        [],
    ),
    "data at the border of a domain": (
        "y = [0.98,0.95]; z = [0.3,-1]\nf = sum(z*log(1 - y))\ndz = log(1 - y)",
        [],
    ),
    "a number at the border of a domain": (
        "c = 0.999; x = 2\nf = acos(c)*x\ndx = acos(c)",
        [],
    ),
    "a scaled mask": (
        "x = [0.5,-2,1]; m = [0,1.25,1.25]\nh = x*m\nf = sum(h**2)\ndh = 2*h\ndx = dh*m",
        [],
    ),
    "a mask of -1e9": (
        "s = [[0.5,-2],[1,0.3]]; m = [[0,-1e9],[0,0]]\n"
        "p = softmax(s + m, axis=1)\n"
        "f = sum(p**2)\n"
        "dp = 2*p\n"
        "ds = p*(dp - sum(dp*p, axis=1, keepdims=True))",
        [],
    ),
    "a triangular matrix": (
        "L = [[1.5,0,0],[0.2,2,0],[0.3,1,1.7]]; x = [0.5,2,1]\n"
        "y = L@x\n"
        "f = sum(y**2)\n"
        "dy = 2*y\n"
        "dx = L.T@dy",
        [],
    ),
    "signs": (
        "s = [0.5,-2,1]; y = [1,-1,-1]\nm = y*s\nL = sum((1 - m)**2)\nds = 2*(s - y)",
        ["y"],
    ),
}


def case(text, way):
    return gradcli.check(text, max_elements=WAYS[way]).cases[0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", HIDDEN)
def test_what_a_neutral_value_hides_is_found(what, way):
    found = case(HIDDEN[what], way)
    assert found.verdict == "fail"
    wrong = "dr" if what == "weights of 1" else HIDDEN[what].split("\n")[-1].split(" = ")[0]
    assert [line.name for line in found.lines if line.is_accused] == [wrong]
    assert any("the mistake shows there only" in note for note in found.notes)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", RIGHT)
def test_a_line_that_is_right_for_the_data_is_not_accused(what, way):
    text, names = RIGHT[what]
    found = case(text, way)
    assert found.verdict == "pass"
    assert not [line for line in found.lines if line.verdict != "pass"]
    reserved = [note for note in found.notes if ": right for" in note]
    assert [
        note.partition(": right for ")[2].partition(" as given")[0] for note in reserved
    ] == names


def test_an_input_that_stands_still_is_named_where_a_line_depends_on_it():
    text = "x = [0.3, -2, 1]; m = [0, 1, 1]\nf = sum(x*m)\ndx = m**2"
    assert (
        "dx: right for m as given (0 and 1), which stood still at the second point; not in general"
        in case(text, "by element").notes
    )
    assert not [n for n in case(text.replace("m**2", "m"), "whole").notes if "still" in n]


@pytest.mark.parametrize("text", [
    "x = 3; y = 0.9; w = 0.3; r = w*x - y; f = r**2; dr = 2*r; dw = x*dr",
    "X = [[0.1,0.2],[0.3,0.7],[0.9,-0.7]]; y = [0.05,0.17,-0.12]; w = [0.1,0.2]\nr = X @ w - y\n"
    "J = sum(r**2)/2\ndr = r\ndw = X.T @ dr",
])  # fmt: skip
def test_a_perfect_fit_leaves_the_inputs_that_nobody_claimed_out(text):
    assert gradcli.check(text).cases[0].verdict == "pass"


def test_an_input_that_nobody_claimed_and_nothing_is_told_of_does_not_decide():
    claimed = gradcli.check("x = 0.5; y = 2; f = y*floor(2*x) + y*y; dy = floor(2*x) + 2*y").cases[
        0
    ]
    assert claimed.inputs["x"].verdict == "undefined"
    assert claimed.verdict == "pass"
    assert gradcli.check("y*floor(2*x) + y*y", {"x": 0.5, "y": 2.0}).verdict == "undefined"


def test_a_point_is_special_only_where_what_is_claimed_may_hide_a_mistake():
    def notes(text):
        return [note for note in gradcli.check(text).cases[0].notes if "special" in note]

    assert not notes("x = [1, 2, 2]; y = [0.3, 0.3, 1]\nf = sum(x*y)\ndx = y\ndy = x")
    assert not notes("x = 0.7; t = 0.7\nf = (x - 3*t)**2\ndx = 2*(x - 3*t)")
    assert notes("x = [1, 1]; y = [0.3, 0.4]\nf = sum(x*y)\ndx = y\ndy = x")
    assert notes("x = 0.7; y = 0.7\nf = x*y\ndx = y\ndy = x")


def test_a_line_that_is_wrong_elsewhere_says_at_which_point():
    text = "r = 2.5\nL = where(abs(r) <= 1, 0.5*r**2, abs(r) - 0.5)\ndr = sign(r)"
    (line,) = gradcli.check(text).cases[0].lines
    assert line.reason == "at r = -0.869044, the line is 1.151 times what comes back"
    assert line.claim == -1


def test_no_line_is_judged_where_a_file_would_take_another_branch(monkeypatch):
    """The search for a mistake takes seconds, and there is none: the program is another one."""
    judged = []
    monkeypatch.setattr(
        second_point,
        "outcome_of",
        lambda point, *rest, **named: judged.append(point) or outcome_of(point, *rest, **named),
    )
    text = (
        "def gradient(x, w, df=1.0):\n"
        "    s = (0 if x <= 0 else x) + w * x\n"
        "    f = s * s\n"
        "    ds = 2 * s * df\n"
        "    dx = w * ds\n"
        "    dw = x * ds\n"
        "    return f, (dx, dw)\n"
    )
    (case,) = check_python(text, "gradient.py", None, [("x", 0.0), ("w", 3.0)], PLAIN)
    assert case.verdict == "pass"
    assert judged
    assert all(map(is_comparable, judged))
