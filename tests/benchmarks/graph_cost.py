"""A picture against what Graphviz takes for it: `python tests/benchmarks/graph_cost.py [GATES]`.

Drawing is everything from the text of the program to the SVG; Graphviz alone lays out and writes the
same DOT. At 500 gates drawing shall take less than 1.5 times as long.
"""

from __future__ import annotations

import io
import sys

from measure import random_program, ratio, report, take_turns

from gradcli.api import circuit
from gradcli.render.circuit.graphviz import laid_out
from gradcli.render.formats import write_circuit

ROUNDS = 5


def written(text: str, form: str) -> str:
    """A program as a picture."""
    out = io.StringIO()
    write_circuit(circuit(text), form, out, decimals=2)
    return out.getvalue()


def main() -> None:
    """Print medians and the ratio."""
    gates = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    lines, inputs = random_program(gates, inputs=10)
    text = "\n".join([*(f"{name} = 1.25" for name in inputs), *lines])
    dot = written(text, "dot")
    times = take_turns(
        {"drawing": lambda: written(text, "svg"), "graphviz": lambda: laid_out(dot, "svg")}, ROUNDS
    )
    print(f"{gates} gates, {ROUNDS} interleaved rounds, s")
    report(times, 1.0, "s")
    middle, low, high = ratio(times, "drawing", "graphviz")
    print(f"drawing / graphviz: {middle:.2f} ({low:.2f} to {high:.2f}), target 1.5")


if __name__ == "__main__":
    main()
