"""What arrays cost: in time against numpy by hand, and in memory. Run by hand.

    python tests/benchmarks/arrays_cost.py

Targets: forward and backward of five products of 1,000 x 1,000 matrices within 4 times the forward
pass in numpy, in at most values + gradients + 20 % of memory; the full check of a network with
10,000 parameters, with a hand-written backward pass and one planted wrong element that must be
named, within 100 times one forward and backward pass by hand.
"""

import statistics
import tracemalloc

import numpy as np
from measure import ratio, take_turns

from gradcli.arithmetic.arrays import ARRAYS
from gradcli.checker.question import questions_of
from gradcli.checker.verdicts import check
from gradcli.engine import Machine, backward
from gradcli.evaluation.point import at, inputs_of
from gradcli.program.model import Program
from gradcli.program.reader import read
from gradcli.reports.evaluations import Check
from gradcli.requests import Request
from gradcli.tasks.check import check_program
from gradcli.tasks.derivatives import jacobian

SIZE, FACTORS = 1_000, 5
NETWORK = """
h = np.maximum(X.dot(W1) + b1, 0)
s = h.dot(W2) + b2
f = sum((s - Y)**2)/32
ds = 2*(s - Y)/32
dW2 = h.T.dot(ds)
db2 = np.sum(ds, axis=0)
dh = ds.dot(W2.T)
dW1 = X.T.dot(dh*(h > 0))
db1 = np.sum(dh*(h > 0), axis=0)
""".strip()
SHAPES = {"X": (32, 60), "W1": (60, 140), "b1": (140,), "W2": (140, 10), "b2": (10,), "Y": (32, 10)}


def told(times: dict[str, list[float]], ours: str, theirs: str, target: str) -> None:
    middle, low, high = ratio(times, ours, theirs)
    print(f"{ours}: {middle:.2f} x {theirs} ({low:.2f} to {high:.2f}), target {target}")


def held(arrays: list[object]) -> int:
    """The bytes that arrays hold; what is repeated without a copy holds none."""
    return sum(x.nbytes for x in arrays if isinstance(x, np.ndarray) and all(x.strides))


def chain() -> None:
    """Five products; the gradient of the sum by every matrix."""
    rng = np.random.default_rng(0)
    names = [f"A{k}" for k in range(FACTORS + 1)]
    given = {name: rng.standard_normal((SIZE, SIZE)) / SIZE**0.5 for name in names}
    program = read(f"f = sum({' @ '.join(names)})", settings=given)
    machine, point = Machine(program.graph, ARRAYS), inputs_of(program)

    def by_hand() -> float:
        product = point[0]
        for matrix in point[1:]:
            product = product @ matrix
        return product.sum()

    def ours() -> None:
        backward(machine.run(point), program.output, 1.0)

    times = take_turns({"forward by hand": by_hand, "forward and backward": ours}, rounds=11)
    told(times, "forward and backward", "forward by hand", "4")
    tracemalloc.start()
    run = machine.run(point)
    backward(run, program.output, 1.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    values = held([v for v in run.values if not any(v is x for x in point)])
    gradients = held(run.gradients)
    print(f"memory: peak {peak / (values + gradients):.2f} x (values + gradients), target 1.20")


def network() -> None:
    """A full check: every line, every array, a second point; one element is wrong."""
    rng = np.random.default_rng(1)
    given = {n: rng.standard_normal(shape) * 0.3 for n, shape in SHAPES.items()}
    X, W1, b1, W2, b2, Y = (given[n] for n in SHAPES)  # noqa: N806  # as the lecture has them

    def by_hand() -> None:
        h = np.maximum(X.dot(W1) + b1, 0)
        s = h.dot(W2) + b2
        np.sum((s - Y) ** 2) / 32
        ds = 2 * (s - Y) / 32
        h.T.dot(ds), np.sum(ds, axis=0)
        dh = ds.dot(W2.T) * (h > 0)
        X.T.dot(dh), np.sum(dh, axis=0), dh.dot(W1.T)

    program = read(NETWORK, settings=given)
    point, request = inputs_of(program), Request()

    def verdicts(checked: Program) -> Check:
        there = at(checked, point, request)
        return check(there, questions_of(there), request)

    def directions() -> None:
        answer = verdicts(program)
        assert answer.verdict == "pass"

    broken = read(NETWORK + "\ndW1[3,17] += 0.001", settings=given)

    def planted() -> None:
        answer = verdicts(broken)
        assert answer.inputs["W1[3][17]"].verdict == "fail"

    def everything() -> None:
        case = check_program(NETWORK, "net", [*given.items()], Request()).case
        assert case.verdict == "pass"
        assert len(case.lines) == 6

    def everything_wrong() -> None:
        text = NETWORK + "\ndW1[3,17] += 0.001"
        case = check_program(text, "net", [*given.items()], Request()).case
        assert [line.name for line in case.lines if line.local] == ["dW1[3][17]"]

    contenders = {
        "by hand": by_hand, "directional check": directions, "planted element": planted,
        "check with lines and a second point": everything,
        "the same with one wrong element": everything_wrong,
    }  # fmt: skip
    times = take_turns(contenders, rounds=21)
    print(f"by hand: {statistics.median(times['by hand']) * 1e3:.2f} ms")
    for name in [*contenders][1:]:
        told(times, name, "by hand", "100")


def rows() -> None:
    """A Jacobian of 200 rows against as many reverse sweeps."""
    rng = np.random.default_rng(2)
    given = {"W": rng.standard_normal((20, 30)), "x": rng.standard_normal((30, 10))}
    program = read("tanh(W @ x)", settings=given)
    point = inputs_of(program)
    run = Machine(program.graph, ARRAYS).run(point)
    unit = np.ones((20, 10))

    def sweeps() -> None:
        for _ in range(200):
            backward(run, program.output, unit)

    times = take_turns(
        {
            "200 sweeps": sweeps,
            "jacobian": lambda: jacobian(program.graph, program.output, point, is_plain=True),
        },
        rounds=11,
    )
    told(times, "jacobian", "200 sweeps", "1")


if __name__ == "__main__":
    chain()
    network()
    rows()
