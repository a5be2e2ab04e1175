"""`gradcli check --call`: functions of Python that run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gradcli.api import check_function
from gradcli.arithmetic.digit import in_digits, read_digits, spelled
from gradcli.arithmetic.digits import digits
from gradcli.errors import GradcliError

FUNCTIONS = Path(__file__).parent / "foreign" / "functions.py"


@pytest.fixture
def called(gradcli):
    """The report on a function of the file, its exit code and what stands on stderr."""

    def run(name, *words):
        ended = gradcli("check", "--call", f"{FUNCTIONS}:{name}", *words, "--json")
        return json.loads(ended.out) if ended.out else None, ended.code, ended.err

    return run


# ---------------------------------------------------------------- --call


def test_a_gradient_is_found_by_its_name(called):
    report, code, _ = called("square", "x=1.5")
    (case,) = report["cases"]
    assert (report["verdict"], code, case["expression"]) == ("pass", 0, "square, square_grad")
    assert case["inputs"]["x"]["claim"] == 3.0
    assert case["file"].endswith("functions.py")
    assert case["line"] == 9


def test_hessians_are_found_by_their_names(called):
    report, code, _ = called("quadratic", "x=[1, 2, -1]")
    verdicts = {case["expression"].split(", ")[1]: case["verdict"] for case in report["cases"]}
    assert verdicts == {
        "quadratic_der": "pass", "quadratic_hess": "pass", "quadratic_hess_prod": "fail",
    }  # fmt: skip
    assert code == 1


def test_a_gradient_may_be_named(called):
    report, code, _ = called(
        "quadratic", "x=[1, 2]", "--grad", "quadratic_der", "--grad", f"{FUNCTIONS}:quadratic_hess"
    )
    assert [case["verdict"] for case in report["cases"]] == ["pass", "pass"]
    report, code, _ = called("square", "x=1.5", "--grad", "hidden_grad")
    assert code == 1


@pytest.mark.parametrize(
    ("name", "words", "verdict"),
    [
        ("affine_forward", ["x=randn(4, 3)", "w=randn(3, 2)"], "pass"),
        ("with_gradient", ["x=randn(3)"], "fail"),
        ("with_gradient", ["x=randn(3)", "scale=3"], "fail"),
        ("nll", ["z=randn(4, 3)", "y=[0, 2, 1, 1]"], "fail"),
        ("hidden", ["x=1.3"], "pass"),
        ("square", ["x=-2:2", "--samples", "3"], "pass"),
    ],
)
def test_conventions_and_verdicts(called, name, words, verdict):
    report, code, _ = called(name, *words)
    assert (report["verdict"], code) == (verdict, int(verdict == "fail"))


def test_a_layer_is_held_to_its_backward_and_its_cache_is_no_gradient(gradcli, tmp_path):
    forward = "def {}(x, w):\n    return x @ w, (x, w)\n"
    backward = "def backward(dout, cache):\n    x, w = cache\n    return dout @ w.T, x.T @ dout\n"
    (tmp_path / "layers.py").write_text(forward.format("forward") + backward + forward.format("f"))
    words = ["x=randn(4, 3)", "w=randn(3, 2)", "--json"]
    ended = gradcli("check", "--call", "layers.py:forward", *words)
    assert json.loads(ended.out)["cases"][0]["expression"] == "forward, backward"
    assert ended.code == 0
    refused = gradcli("check", "--call", "layers.py:f", *words)
    assert refused.code == 2
    assert "is neither its Jacobian nor slopes" in refused.err


def test_numpy_code_is_recorded_and_its_lines_are_judged(called):
    report, _, _ = called("nll", "z=randn(4, 3)", "y=[0, 2, 1, 1]")
    (case,) = report["cases"]
    verdicts = {line["line"]: (line["verdict"], line["local"]) for line in case["lines"]}
    assert verdicts == {58: ("pass", False), 59: ("pass", False), 60: ("fail", True)}
    assert "4 times the gradient" in case["lines"][-1]["reason"]
    assert "recorded as it ran" in case["notes"][0]
    assert "estimate" not in case["inputs"]["z[0][0]"]


def test_loops_and_changes_in_place_are_recorded(called):
    report, _, _ = called("recurrent", "x=[0.5, -1, 2]", "w=0.7")
    (case,) = report["cases"]
    assert case["verdict"] == "fail"
    wrong = {line["name"]: line for line in case["lines"] if line["local"]}
    assert wrong["da"]["mistake"] == "dropped-factor"
    assert "the factor w is lost" in wrong["da"]["reason"]


def test_what_leaves_no_trace_is_judged_by_values_and_said(called):
    report, _, _ = called("opaque", "x=1.3")
    (case,) = report["cases"]
    assert case["verdict"] == "pass"
    assert case["inputs"]["x"]["estimate"] is True
    said = "it cannot be recorded (it is made a plain float in line "
    assert any(said in note for note in case["notes"])


WRITTEN = """\
import numpy as np

DATA = np.array([[1.0, 2.0], [0.5, -1.0], [-1.5, 0.3], [2.0, 0.1]])
SEEN = np.array([1, 0, 0, 1])


def cost(theta):
    h = 1 / (1 + np.exp(-DATA.dot(theta)))
    return -np.mean(SEEN * np.log(h) + (1 - SEEN) * np.log(1 - h))


def cost_grad(theta):
    h = 1 / (1 + np.exp(-DATA.dot(theta)))
    return DATA.T.dot(h - SEEN)


def root(x):
    y = x
    for _ in range(100):
        step = (y**3 + y - x) / (3 * y * y + 1)
        y -= step
        if abs(step) < 1e-12:
            break
    return y


def root_prime(x):
    return 1 / (2 * root(x) ** 2 + 1)


def polynomial(c, x):
    total = 0.0
    for one in c:
        total = total * x + one
    return total


def polynomial_grad(c, x):
    slope, total = 0.0, 0.0
    for one in c:
        slope = slope * x + total
        total = total * x + one
    return [x**k for k in range(len(c))], slope


def powers(x, n):
    return sum(x**k for k in range(n))


def powers_prime(x, n):
    return sum(k * x ** (k - 1) for k in range(n))


def pair(v):
    return v[0] ** 2 * v[1]


def pair_grad(v):
    return [2 * v[0] * v[1], 2 * v[0]]
"""


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["cost", "theta=[0.3, -0.2]"], {14: True}),  # an array of the file has a method
        (["root", "x=2.5"], {28: True}),  # a number is not changed in place
        (["polynomial", "c=[1, 2, -3]", "x=1.5"], {43: True}),  # a list of numbers is a gradient
        (["pair", "v=[1.5, -2]"], {59: True}),  # and one alone
    ],
)
def test_code_as_it_is_written_is_recorded(gradcli, tmp_path, words, lines):
    (tmp_path / "written.py").write_text(WRITTEN)
    name, *inputs = words
    ended = gradcli("check", "--call", f"written.py:{name}", *inputs, "--json")
    (case,) = json.loads(ended.out)["cases"]
    assert case["verdict"] == "fail"
    assert {one["line"]: one["local"] for one in case["lines"] if one["verdict"] == "fail"} == lines
    assert "recorded as it ran" in case["notes"][0]


def test_infinity_is_recorded_as_python_reads_it(gradcli):
    text = "import numpy as np\ndef f(x):\n    return np.minimum(x * x, np.inf)\n"
    Path("own.py").write_text(f"{text}def f_grad(x):\n    return 2 * x\n")
    ended = gradcli("check", "--call", "own.py:f", "x=2")
    assert ended.code == 0
    assert "recorded as it ran" in ended.out


def test_a_whole_number_that_the_code_counts_with_is_not_differentiated(gradcli, tmp_path):
    (tmp_path / "written.py").write_text(WRITTEN)
    ended = gradcli("check", "--call", "written.py:powers", "x=1.5", "n=4", "--json")
    (case,) = json.loads(ended.out)["cases"]
    assert (ended.code, [*case["inputs"]]) == (0, ["x"])


def test_a_pattern_of_all_elements_is_said_once(called):
    report, _, _ = called("opaque_norm", "x=[1, 2, 3]")
    reasons = [check["reason"] for check in report["cases"][0]["inputs"].values()]
    assert reasons == [
        "the claim is 3 times the gradient everywhere: the mean over 3 is missing",
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("claimed", "mistake", "words"),
    [
        ("np.ones(3)", "gradient-shape", "the gradient of `x` has shape (3,), `x` has shape (2,)"),
        ("None", "gradient-count", "the gradient returns no gradient"),
        ("(x, x)", "gradient-count", "the gradient returns 2 gradients, the function takes 1 input"),
        ("[1, [2, 3]]", "gradient-type", "the gradient of `x` is a ragged list"),
        ("x * 1j", "gradient-type", "the gradient of `x` is an array of complex128, not real numbers"),
    ],
)  # fmt: skip
def test_what_is_no_gradient_fails(gradcli, tmp_path, claimed, mistake, words):
    text = f"import numpy as np\n\ndef f(x):\n    return np.sum(x * x)\n\ndef f_grad(x):\n    return {claimed}\n"
    (tmp_path / "own.py").write_text(text)
    ended = gradcli("check", "--call", "own.py:f", "x=[0.5, 2]", "--json")
    (case,) = json.loads(ended.out)["cases"]
    assert (ended.code, case["verdict"], ended.err) == (1, "fail", "")
    assert (case["lines"][0]["mistake"], case["lines"][0]["reason"]) == (mistake, words)
    assert words in gradcli("check", "--call", "own.py:f", "x=[0.5, 2]").out


VALUES = """
import numpy as np
def nothing(x): return None
def a_text(x): return "abc"
def any_number(*args): return args[0] * args[1]
def any_number_grad(*args): return args[1], args[0]
def by_keyword(x, *, p): return np.sum(x**p)
def writing(x):
    x *= 2
    return np.sum(x * x)
def writing_grad(x): return 8 * x
def noisy(x): return np.sum(x * x) * (1 + 1e-3 * np.random.uniform(-1, 1))
def noisy_grad(x): return 2 * x
nothing_grad = a_text_grad = by_keyword_grad = any_number_grad
"""


@pytest.mark.parametrize(
    ("name", "words", "code", "told"),
    [
        ("nothing", ["x=1.5"], 2, "the function returns None, and no number or array of numbers"),
        ("a_text", ["x=1.5"], 2, "the function returns a value of type str"),
        ("any_number", ["x=1.5", "y=2.5"], 0, "pass"),
        ("by_keyword", ["x=1.5", "p=2"], 2, "`by_keyword` takes `p` by keyword only"),
        ("writing", ["x=[0.5, 2]"], 0, "the code writes to `x`: whoever calls it finds another value"),
        ("noisy", ["x=[0.5, 2]"], 2, "it computes something else at each call"),
    ],
)  # fmt: skip
def test_how_functions_are_called(gradcli, tmp_path, name, words, code, told):
    (tmp_path / "own.py").write_text(VALUES)
    ended = gradcli("check", "--call", f"own.py:{name}", *words)
    assert (ended.code, told in ended.out + ended.err) == (code, True)


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        ("square", [], "`square` needs a value for x"),
        ("square", ["y=1"], "`y` is no parameter"),
        ("sqare", ["x=1"], "did you mean `square`?"),
        ("no_function", ["x=1"], "`no_function` is int, not a function"),
        ("broken", ["x=1"], "functions.py:78:5: KeyError: 'no key'"),
        ("leaving", ["x=1"], "it calls sys.exit(3)"),
        ("endless", ["x=1", "--timeout", "0.5"], "it does not end within 0.5 s"),
        (
            "nll",
            ["z=randn(2, 2)", "y=[0, 1]", "--grad", "square_grad"],
            "the gradient takes 1 arguments, the function 2",
        ),
    ],
)
def test_what_cannot_be_called_is_an_error_of_its_own(called, name, words, message):
    _, code, err = called(name, *words)
    assert code == 2
    assert message in err
    assert "Traceback" not in err


def test_places_are_modules_or_files(gradcli):
    for place in ("square", "nowhere:square", "nofile.py:square"):
        ended = gradcli("check", "--call", place, "x=1")
        assert (ended.code, ended.out) == (2, "")
    ended = gradcli("check", "--call", "math:sin", "--grad", "cos", "x=1")
    assert ended.code == 0


def test_an_expression_has_no_place_beside_a_function(gradcli):
    ended = gradcli("check", "--call", "math:sin", "x*y", "x=1")
    assert "`x*y` stands beside --call" in ended.err


def test_numbers_of_many_digits_travel_without_loss():
    arithmetic = digits(120)
    array = in_digits(np.array([1.0, -0.1, 1e300, 0.0]), arithmetic) / 3.0
    other = read_digits(spelled(array), (4,), arithmetic)
    assert all(a == b for a, b in zip(array, other, strict=True))


def test_gradients_by_defaults_ask_for_their_values(gradcli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = "def scaled(x, y=2.0):\n    return x * y, (y, x)\n"
    tmp_path.joinpath("own.py").write_text(text)
    ended = gradcli("check", "--call", "own.py:scaled", "x=3")
    assert (ended.code, ended.out) == (2, "")
    assert "there is a gradient by `y`, too, and no value of it" in ended.err
    assert gradcli("check", "--call", "own.py:scaled", "x=3", "y=2").code == 0


def test_inputs_that_are_asked_for_are_inputs(gradcli):
    ended = gradcli("check", "--call", f"{FUNCTIONS}:square", "x=1", "--wrt", "z")
    assert (ended.code, ended.err) == (2, "error: `z` is no input; inputs are x\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"upstream": "somewhere"}, "`somewhere` is no place of an upstream gradient"),
        ({"names": ["a", "b"]}, "2 names are given for 1 arguments"),
    ],
)
def test_what_a_caller_says_of_a_function_is_read_first(words, message):
    with pytest.raises(GradcliError, match=message):
        check_function(lambda x: x * x, lambda x: 2 * x, 3.0, **words)
