"""`gradcli check --gates`: right gates are not accused, wrong ones are caught and named."""

import json
import re
from pathlib import Path

import pytest

from gradcli.errors import GradcliError
from gradcli.foreign.gate_file import GateFile
from gradcli.requests import Request
from gradcli.tasks.check_gates import check_gates

GATES = Path(__file__).parent / "gates"
RIGHT, WRONG = (
    [GateFile(str(path)) for path in sorted(GATES.glob(f"{kind}_*.py"))]
    for kind in ("right", "wrong")
)
ELEMENTS = next(file for file in RIGHT if file.path.endswith("right_elements.py"))
HEAD = re.compile(r"^# wrong: (.+)\n(?:@.*\n)?(?:class|def) (\w+)", re.MULTILINE)
NAMES = {
    name: names.split()
    for file in WRONG
    for names, name in HEAD.findall(Path(file.path).read_text())
}
UNNAMED = 4  # at most, of the wrong gates


def case_of(file, name, *bindings):
    (case,) = check_gates(file, name, [*bindings], Request())
    return case


def holder(files, name):
    """The file that has a gate of this name, in either case."""
    return next(f for f in files if any(name in (g.name, g.snake) for g in f.gates.values()))


def right(name, *bindings):
    return case_of(holder(RIGHT, name), name, *bindings)


def wrong(name, *bindings):
    return case_of(holder(WRONG, name), name, *bindings)


def mistakes(case):
    return {line.mistake for line in case.lines if line.is_accused}


def test_a_file_has_gates_by_name_and_in_snake_case():
    gates = ELEMENTS.gates
    assert list(gates)[:3] == ["Add", "Mul", "Maximum"]
    assert {"softsign", "hypotenuse"} < set(gates)
    assert ELEMENTS.chosen("leaky_relu")[0].constants == {"slope": 0.1}
    assert sum(len(file.gates) for file in RIGHT) >= 40 <= len(NAMES)
    with pytest.raises(GradcliError, match="did you mean `LeakyRelu`"):
        ELEMENTS.chosen("LeekyRelu")


@pytest.mark.parametrize(
    "name",
    ["Mul", "Maximum", "LeakyRelu", "Sort", "hypotenuse", "BesideAKink", "PowerOfSize", "Memory",
     "Stack", "BatchNormWithRunningMean", "Nothing"],
)  # fmt: skip
def test_right_gates_pass(name):
    case = right(name)
    assert case.verdict in ("pass", "kink")
    assert not mistakes(case)


@pytest.mark.parametrize(
    "name",
    ["MulNotSwitched", "MaximumWrongBranch", "ReluMaskOnly", "OneGradientForTwo", "SumOfOneShape",
     "CachesOnce", "CachesInTheClass", "Accumulates", "ChangesItsInput", "ChangesItsUpstream",
     "GivesItsInputBack", "ReusesItsBuffer", "DropsAtRandom", "hypotenuse_twice", "NormAtNothing",
     "SortOfItsOwnInverse", "GatedWithoutOneMinus", "CrossEntropyAndHalf", "AccumulatesOneOfTwo",
     "Flattens"],
)  # fmt: skip
def test_wrong_gates_fail_by_name(name):
    case = wrong(name)
    assert case.verdict == "fail"
    assert mistakes(case) & {*NAMES[name]}


@pytest.mark.parametrize("name", ["GlobalCache", "StaleUpstream", "CachesByShape", "SpoilsCache"])
def test_what_outlives_a_call_is_found(name):
    assert mistakes(wrong(name)) & {*NAMES[name]}


@pytest.mark.slow
def test_no_right_gate_is_accused():
    cases = [case for file in RIGHT for case in check_gates(file, None, [], Request())]
    verdicts = {case.expression: case.verdict for case in cases}
    assert {*verdicts.values()} <= {"pass", "kink"}, verdicts


@pytest.mark.slow
def test_every_wrong_gate_is_caught_and_nearly_all_are_named():
    cases = [case for file in WRONG for case in check_gates(file, None, [], Request())]
    assert {case.verdict for case in cases} == {"fail"}
    names = [re.sub(r"class (\w+):.*", r"\1", case.expression) for case in cases]
    lost = [n for n, c in zip(names, cases, strict=True) if not mistakes(c) & {*NAMES[n]}]
    assert len(lost) <= UNNAMED, lost


def test_a_backward_part_that_is_not_written_is_told():
    """A base class is none, and neither is one that others make good."""
    (line,) = wrong("NotWrittenYet").lines
    assert line.reason == "backward fails where forward has a value: NotImplementedError"
    assert line.verdict == "fail"


def test_what_was_not_read_is_an_estimate():
    report = wrong("hypotenuse_twice").as_dict()
    assert report["inputs"]["x"]["estimate"] is True
    assert any("estimate" in note for note in report["notes"])


def test_inputs_may_be_given():
    case = wrong("mul_not_switched", ("x", "3"), ("y", "-2"))
    assert case.verdict == "fail"
    assert case.inputs["x"].numeric == pytest.approx(-2 * case.inputs["x"].claim / 3)
    with pytest.raises(GradcliError, match="`z` is no input"):
        wrong("MulNotSwitched", ("z", "3"))


FAULTS = [
    ("return 1 / 0 + x", "ZeroDivisionError: division by zero", 4),
    ("import sys; sys.exit(2)", "it calls sys.exit(2)", 4),
    ("x * x", "forward returns None, not a number or an array", 3),
    ("return x, x", "forward returns 2 values, not a number or an array", 3),
    ("return np.sqrt(-1 - x * x)", "forward gives no finite number", None),
    ("return x * 1j", "forward gives no finite number", None),
    ("while True: pass", "it does not end within 0.5 s", 4),
]


@pytest.mark.parametrize(("body", "message", "line"), FAULTS)
def test_what_cannot_be_called_is_an_error_of_the_gate(gradcli, tmp_path, body, message, line):
    file = tmp_path / "own.py"
    file.write_text(
        f"import numpy as np\nclass Own:\n    def forward(self, x):\n        {body}\n"
        "    def backward(self, upstream):\n        return upstream\n"
    )
    done = gradcli("check", "--gates", str(file), "--timeout", "0.5", "--json")
    assert done.code == 2
    assert done.err.startswith(f"error: {file}:")
    (case,) = json.loads(done.out)["cases"]
    assert case["verdict"] == "error"
    assert case["error"]["message"].startswith(message)
    assert line is None or case["error"]["line"] == line


@pytest.mark.parametrize("bindings", [(), (("x", "2"),)])
def test_an_endless_loop_is_waited_for_once(tmp_path, bindings):
    """No other inputs cure it: the process was started, and lost, a dozen times."""
    file = tmp_path / "own.py"
    file.write_text(
        "class Own:\n    def forward(self, x):\n        while True: pass\n"
        "    def backward(self, upstream):\n        return upstream\n"
    )
    gates = GateFile(str(file), 0.3)
    case = case_of(gates, None, *bindings)
    assert case.problem.message == "it does not end within 0.3 s"
    assert gates.child.starts <= 2  # the first one reads the file


def test_a_constant_that_nothing_tells_is_asked_for(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(
        "class Odd:\n    def __init__(self, table):\n        self.row = table['a'].b\n"
        "    def forward(self, x):\n        return self.row * x\n"
        "    def backward(self, upstream):\n        return self.row * upstream\n"
    )
    case = case_of(GateFile(str(file)), None)
    assert case.verdict == "error"
    assert case.problem.message == "`Odd` needs a value for table"


def test_the_command_checks_one_gate_or_all(gradcli):
    done = gradcli("check", "--gates", holder(WRONG, "CachesOnce").path, "--gate", "CachesOnce")
    assert (done.code, done.err) == (1, "")
    assert "stale-cache" in done.out
    lost = gradcli("check", "--gate", "CachesOnce")
    assert lost.code == 2
    assert "--gate needs --gates FILE.py" in lost.err
