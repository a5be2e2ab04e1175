"""The checker, checked: mistakes are planted, and each must be caught.

A checker that has silently stopped checking is the worst fault this tool can have. Three kinds of
mistake are planted: in the local gradients of the gate table, so that the engine itself goes
wrong; in the sum at a fork; and in claims about small programs. Each gate is looked at on both
sides of its kinks, and every right gradient must pass. Gates of arrays are checked as wholes, along
random directions.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

from gradcli.arithmetic.floats import FLOATS
from gradcli.checker.question import Question
from gradcli.checker.verdicts import check
from gradcli.engine import Machine, Run, backward
from gradcli.evaluation.point import Point
from gradcli.gates.row import Gate
from gradcli.gates.table import BUILT_IN
from gradcli.graph.nodes import Graph
from gradcli.program.model import Program
from gradcli.program.reader import read
from gradcli.reports.evaluations import worst
from gradcli.requests import PLAIN

UPSTREAMS = (1.0, -1.7)  # with 1 alone a misused upstream gradient would not show
SLIPS = {  # what a mistake makes of a local gradient
    "sign": "-({})",
    "doubled": "2 * ({})",
    "a thousandth off": "1.001 * ({})",
    "dropped": "0",
}
PROGRAMS = (
    ("(x + y) * z", {"x": -2.0, "y": 5.0, "z": -4.0}),
    ("x*x + x", {"x": 3.0}),
    ("1 / (1 + exp(-(w*x + b)))", {"w": 2.0, "x": -1.0, "b": 0.5}),
    ("(x + sigmoid(y)) / (sigmoid(x) + (x + y)**2)", {"x": 3.0, "y": -4.0}),
    ("2 * (x*y + max(z, w))", {"x": 3.0, "y": -4.0, "z": 2.0, "w": -1.0}),
    ("1e-9 * x * y", {"x": 3.0, "y": -4.0}),
    ("1e10 + x*y", {"x": 3.0, "y": -4.0}),
    ("sin(1e4 * x)", {"x": 1.0}),
)
ARRAY_PROGRAMS = (  # the last gate of each is the one that is put to the test
    "x @ y", "x @ v", "v @ y", "x.T", "x[1]", "x[:, 1:3]", "reshape(x, (2, 6))", "trace(x @ y)",
    "concatenate([x, x * x], axis=0)", "[v, v * v]", "sum(x)", "sum(x, axis=0)", "mean(x)",
    "prod(x)", "prod(x, axis=0)", "outer(v, x[1])", "linspace(v[0], v[1], 4)",
    "mean(x, axis=1)", "var(x)", "var(x, axis=0)", "std(x, axis=1)", "norm(x)", "norm(x, axis=1)",
    "np.max(x, axis=0)", "np.min(x, axis=1)", "softmax(x, axis=1)", "logsumexp(x, axis=0)",
    "x * v", "x / v", "x + v", "x - v[0]", "max(x, v)", "hypot(x, v)",
)  # fmt: skip
X = [[0.3, -1.2, 2.0, 0.7], [1.5, 0.4, -0.6, -2.2], [-0.9, 1.1, 0.8, -0.1]]
ARRAYS_POINT = {
    "x": X,
    "y": [[*column] for column in zip(*X, strict=True)],
    "v": [0.5, -1.3, 0.9, 1.7],
}


class Trial(NamedTuple):
    """One question put to the checker: what was planted, and what it answered."""

    what: str
    is_wrong: bool  # a mistake was planted
    verdict: str

    @property
    def is_fine(self) -> bool:
        """Whether a mistake was caught, or a right gradient passed."""
        return (self.verdict == "fail") if self.is_wrong else self.verdict in ("pass", "kink")


def trials() -> Iterator[Trial]:
    """Every trial, one after the other."""
    for gate in BUILT_IN.elementwise:
        if not gate.hidden:
            yield from _gate_trials(gate)
    for text, settings in PROGRAMS:
        yield from _program_trials(text, settings)
    for text in ARRAY_PROGRAMS:
        yield from _array_trials(text)


def _gate_trials(gate: Gate) -> Iterator[Trial]:
    """The right gradients of a gate, and each of its local gradients with each slip."""
    for sample in gate.samples.split(";"):
        numbers = [float(x) for x in sample.split(",")]
        names = [f"x{k}" for k in range(len(numbers))]
        program = read(f"f = {_call(gate, names)}", settings=list(zip(names, numbers, strict=True)))
        inputs = [numbers[int(name[1:])] for name in program.graph.inputs]
        for upstream in UPSTREAMS:
            run = _run(program, inputs, upstream)
            place = f"{gate.name} at {', '.join(map(str, numbers))}"
            for name, leaf in program.graph.inputs.items():
                number = 0 if gate.is_variadic else int(name[1:])
                if gate.local[number] == "0" and not gate.jump:
                    continue  # a choice or an order: nothing flows there, and f jumps
                right = run.gradients[leaf]
                verdict = _verdict(Point(program, run, upstream, {}), leaf, right, right)
                yield Trial(f"{place}: {name}", False, verdict)
                if right:
                    yield from _slips(program, gate, inputs, upstream, leaf, f"{place}: {name}")


def _slips(
    program: Program, gate: Gate, inputs: list[float], upstream: float, leaf: int, place: str
) -> Iterator[Trial]:
    """The engine runs with a faulty row; what it gives for one input must be called wrong."""
    number = 0 if gate.is_variadic else program.graph.operands[program.output].index(leaf)
    point = Point(program, _run(program, inputs, upstream), upstream, {})
    for slip, template in SLIPS.items():
        local = list(gate.local)
        helpers, _, result = local[number].rpartition(";")
        local[number] = f"{helpers}{';' if helpers else ''}{template.format(result.strip())}"
        if template == "0":
            local[number] = "0"
        faulty = gate._replace(local=tuple(local), bounded=False, role="scales")
        graph = program.graph.with_gate(program.output, faulty)
        wrong = _run(program._replace(graph=graph), inputs, upstream).gradients[leaf]
        yield Trial(f"{place}: {slip}", True, _verdict(point, leaf, wrong, wrong))


def _program_trials(text: str, settings: dict[str, float]) -> Iterator[Trial]:
    """Claims about a program: the right ones, slips, another input's, and a lost path."""
    program = read(text, settings=settings)
    inputs = [settings[name] for name in program.graph.inputs]
    run = _run(program, inputs, 1.0)
    gradients = {name: run.gradients[leaf] for name, leaf in program.graph.inputs.items()}
    for name, leaf in program.graph.inputs.items():
        right = gradients[name]
        claims = {"right": right, "negated": -right, "doubled": 2 * right, "halved": right / 2,
                  "0.001 % off": right * (1 + 1e-5), "zero": 0.0}  # fmt: skip
        claims |= {f"that of {other}": gradients[other] for other in gradients if other != name}
        for what, claim in claims.items():
            is_wrong = abs(claim - right) > 5e-6 * max(abs(claim), abs(right))
            verdict = _verdict(Point(program, run, 1.0, {}), leaf, right, claim)
            yield Trial(f"{text}: {name} claimed {what}", is_wrong, verdict)


def _array_trials(text: str) -> Iterator[Trial]:
    """The right gradients of a gate of arrays, and each of its pullbacks with each slip."""
    program = read(f"f = {text}", settings=[*ARRAYS_POINT.items()])
    graph, at = program.graph, program.output
    gate, wholes = graph.gates[at], _Wholes(program)
    right = wholes.gradients(graph)
    for name in right:
        yield Trial(f"{text}: {name}", False, wholes.verdict(name, right[name]))
    texts = gate.pullback or gate.local
    for number, (slip, template) in product(range(len(texts)), SLIPS.items()):
        if texts[number] == "0":
            continue  # an axis or a shape
        changed = list(texts)
        helpers, _, result = changed[number].rpartition(";")
        changed[number] = f"{helpers}{';' if helpers else ''}{template.format(result.strip())}"
        if template == "0":
            changed[number] = "0"
        column: Any = {"pullback" if gate.pullback else "local": tuple(changed)}
        faulty = gate._replace(**column, bounded=False, role="scales")
        wrong = wholes.gradients(graph.with_gate(at, faulty))
        moved = [name for name in right if (right[name] != wrong[name]).any()]
        verdicts = [wholes.verdict(name, wrong[name]) for name in moved]
        yield Trial(f"{text}: {slip} for operand {number + 1}", True, worst(verdicts))


class _Wholes:
    """A program of arrays, checked along random directions."""

    def __init__(self, program: Program) -> None:
        import numpy as np  # late: the other trials are about numbers

        from gradcli.arithmetic.arrays import ARRAYS

        self.program = program
        self.inputs = [np.array(ARRAYS_POINT[name]) for name in program.graph.inputs]
        run = Machine(program.graph, ARRAYS).run(self.inputs)
        size = np.size(run.values[program.output])
        self.upstream = np.linspace(-1.7, 1.3, size).reshape(np.shape(run.values[program.output]))
        self.point = Point(program, run, self.upstream, {})

    def gradients(self, graph: Graph) -> dict[str, Any]:
        """The engine's gradients on the program's graph or a faulty copy of it, by input."""
        import numpy as np

        from gradcli.arithmetic.arrays import ARRAYS

        run = Machine(graph, ARRAYS).run(self.inputs)
        backward(run, self.program.output, self.upstream)
        return {
            name: np.broadcast_to(run.gradients[leaf], graph.shape(leaf))
            for name, leaf in graph.inputs.items()
        }

    def verdict(self, name: str, gradient: Any) -> str:
        """The checker's word on a gradient."""
        question = Question(name, self.program.graph.inputs[name], gradient)
        return check(self.point, [question], PLAIN).verdict


def _call(gate: Gate, names: list[str]) -> str:
    return _INFIX.get(gate.name) or f"{gate.name}({', '.join(names)})"


_INFIX = {
    "add": "x0 + x1", "sub": "x0 - x1", "mul": "x0 * x1", "div": "x0 / x1", "neg": "-x0",
    "copy": "x0",
    "lt": "x0 < x1", "le": "x0 <= x1", "gt": "x0 > x1", "ge": "x0 >= x1",
    "eq": "x0 == x1", "ne": "x0 != x1",
}  # fmt: skip


def _run(program: Program, inputs: list[float], upstream: float) -> Run:
    run = Machine(program.graph, FLOATS).run(inputs)
    backward(run, program.output, upstream)
    return run


def _verdict(point: Point, leaf: int, gradient: float, claim: float) -> str:
    """The checker's word on a claim, where the engine gives a gradient."""
    question = Question("x", leaf, float(gradient), claim, exact=True)
    return check(point, [question], PLAIN).verdict
