"""The cost of error bounds: `python tests/benchmarks/bounds_cost.py [GATES]`.

Bounds on the value and on every gradient, a forward and backward pass over numbers that carry
them, against the plain passes, and in microseconds a gate; the target is 8.
"""

from __future__ import annotations

import statistics
import sys

from measure import random_program, ratio, report, take_turns

from gradcli.arithmetic.floats import FLOATS
from gradcli.engine import Machine, Run, backward
from gradcli.evaluation.numbers import sweep_bounds, value_bounds
from gradcli.program.reader import read

ROUNDS = 21
TARGET = 8.0  # microseconds a gate


def main() -> None:
    """Print medians, the ratio, and the cost of a gate, for several programs."""
    gates = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    costs = []
    for seed in range(3):
        lines, inputs = random_program(gates, seed=seed)
        program = read("\n".join(lines), free=inputs)
        machine = Machine(program.graph, FLOATS)
        point = [1.0] * len(program.graph.inputs)

        def sweep(m: Machine = machine, p: list[float] = point, out: int = program.output) -> Run:
            run = m.run(p)
            backward(run, out, 1.0)
            return run

        run = sweep()
        times = take_turns(
            {
                "value and gradients": sweep,
                "bounds on values": lambda run=run: value_bounds(run),
                "bounds on values and gradients": lambda run=run, out=program.output: sweep_bounds(
                    run, out, None
                ),
            },
            ROUNDS,
        )
        print(f"{len(lines)} gates, seed {seed}, {ROUNDS} interleaved rounds")
        report(times, 1e6 / len(lines), "us a gate")
        middle, low, high = ratio(times, "bounds on values and gradients", "value and gradients")
        print(f"  ratio {middle:.2f} ({low:.2f} to {high:.2f})")
        costs.append(statistics.median(times["bounds on values and gradients"]) * 1e6 / len(lines))
    print(f"bounds: {statistics.median(costs):.2f} us a gate, target {TARGET:g}")


if __name__ == "__main__":
    main()
