"""What checking one input costs, in plain evaluations of a 100-gate graph. Run by hand.

    python tests/benchmarks/check_cost.py

Targets for the median input: at most 20 plain evaluations in plain Python, and, where all steps run
as numpy columns, at most 3 times two evaluations that run as columns.
"""

import random
import statistics
import time

import numpy as np

from gradcli.checker.cone import Cone
from gradcli.checker.differences import differentiate
from gradcli.checker.reach import Reach
from gradcli.checker.surroundings import Surroundings
from gradcli.evaluation.numbers import value_bounds
from gradcli.evaluation.point import at, inputs_of
from gradcli.program.reader import read
from gradcli.requests import Request

FORMS = ("{a} + {b}", "{a} * {b}", "sin({a})", "tanh({a})", "{a} / (2 + {b}*{b})")


class Counted(Cone):
    """A cone that counts how often it is evaluated."""

    evaluations = 0

    def evaluate(self, x: float) -> float | None:
        self.evaluations += 1
        return super().evaluate(x)


def program(lines: int, rng: random.Random) -> str:
    names = [f"x{k}" for k in range(5)]
    text = [f"{name} = {rng.uniform(0.5, 1.5)}" for name in names]
    for k in range(lines):
        a, b = rng.choice(names[-8:]), rng.choice(names[-8:])
        text.append(f"v{k} = {rng.choice(FORMS).format(a=a, b=b)}")
        names.append(f"v{k}")
    return "\n".join(text)


def main() -> None:
    rng, costs, evaluations, batches = random.Random(1), [], [], []
    for _ in range(20):
        read_program = read(program(70, rng))
        point = inputs_of(read_program)
        start = at(read_program, point, Request())
        machine, output = start.run.machine, read_program.output
        around = Surroundings(start.run, output, value_bounds(start.run))
        leaves = [*read_program.graph.inputs.values()]
        began = time.process_time()
        reach = Reach(around, leaves)  # as the checker does, once for all inputs
        share = (time.process_time() - began) / len(leaves)
        for leaf in leaves:
            began = time.process_time()
            for _ in range(20):
                machine.run(point)
            plain = (time.process_time() - began) / 20
            began = time.process_time()
            differentiate(Cone(around, leaf, reach))
            costs.append((time.process_time() - began + share) / plain)
            counted = Counted(around, leaf, reach)
            differentiate(counted)
            evaluations.append(counted.evaluations)
            two = [np.array([x, x + 1e-3]) for x in point]
            began = time.process_time()
            for _ in range(5):
                around.columns.run(two)
            pair = (time.process_time() - began) / 5
            began = time.process_time()
            differentiate(Cone(around, leaf, reach), in_columns=True)
            batches.append((time.process_time() - began + share) / pair)
    print(f"{len(costs)} inputs, {len(read_program.graph.gate_nodes())} gates in the last graph")
    print(f"evaluations of the cone   {statistics.median(evaluations):6.1f} (median)")
    print(f"cost in plain evaluations {statistics.median(costs):6.1f} (median), target 20")
    print(f"columns, in pairs of them {statistics.median(batches):6.1f} (median), target 3")


if __name__ == "__main__":
    main()
