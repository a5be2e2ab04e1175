"""Value and gradients against the value alone: `python tests/benchmarks/cheap_gradient.py [GATES]`.

Theory bounds the cost by four times that of the value, in operations (Griewank and Walther,
Evaluating Derivatives, section 4.4). The test-suite counts them; here is the time.
"""

from __future__ import annotations

import statistics
import sys

from measure import random_program, ratio, report, take_turns

from gradcli.arithmetic.floats import FLOATS
from gradcli.engine import Machine, backward
from gradcli.program.reader import read

ROUNDS = 31


def main() -> None:
    """Print medians and the ratio, for several programs."""
    gates = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    ratios = []
    for seed in range(3):
        lines, inputs = random_program(gates, seed=seed)
        program = read("\n".join(lines), free=inputs)
        machine = Machine(program.graph, FLOATS)
        point = [1.0] * len(program.graph.inputs)
        times = take_turns(
            {
                "value": lambda m=machine, p=point: m.run(p),
                "value and gradients": lambda m=machine, p=point, out=program.output: backward(
                    m.run(p), out, 1.0
                ),
            },
            ROUNDS,
        )
        print(f"{len(lines)} gates, seed {seed}, {ROUNDS} interleaved rounds, ns a gate")
        report(times, 1e9 / len(lines), "ns")
        middle, low, high = ratio(times, "value and gradients", "value")
        print(f"  ratio {middle:.2f} ({low:.2f} to {high:.2f})")
        ratios.append(middle)
    print(f"value and gradients / value: {statistics.median(ratios):.2f}, target 4")


if __name__ == "__main__":
    main()
