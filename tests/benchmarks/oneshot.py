"""One program, read and run once: `python tests/benchmarks/oneshot.py [GATES]`.

Microseconds and bytes a gate for `gradcli.compile` and a first call, beside Python's own
`compile()` of the same text, which only reads it. Then the same with ten times the gates: linear
work costs the same for each.
"""

from __future__ import annotations

import gc
import statistics
import sys
import tracemalloc
from collections.abc import Callable

from measure import random_program, ratio, report, take_turns

import gradcli

ROUNDS = 11


def peak(work: Callable[[], object]) -> int:
    """The most bytes Python objects take at once while some work is done."""
    gc.collect()
    tracemalloc.start()
    work()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def measure(gates: int, rounds: int) -> None:
    """Print what a program of so many gates costs."""
    lines, inputs = random_program(gates)
    text, point = "\n".join(lines), [1.0] * len(inputs)
    function = gradcli.compile(text, inputs)

    def once() -> object:
        return gradcli.compile(text, inputs)(*point)

    contenders: dict[str, Callable[[], object]] = {
        "gradcli: compile and one call": once,
        "gradcli: compile": lambda: gradcli.compile(text, inputs),
        "gradcli: one more call": lambda: function(*point),
        "Python: compile() of the text": lambda: compile(text, "<text>", "exec"),
    }
    times = take_turns(contenders, rounds)
    print(f"{len(lines)} gates, medians of {rounds} interleaved rounds, microseconds a gate")
    report(times, 1e6 / len(lines), "us")
    middle, low, high = ratio(
        times, "gradcli: compile and one call", "Python: compile() of the text"
    )
    print(f"  compile and one call / Python's compile(): {middle:.2f} ({low:.2f} to {high:.2f})")
    for name in ("gradcli: compile and one call", "Python: compile() of the text"):
        bytes_each = statistics.median(peak(contenders[name]) for _ in range(3)) / len(lines)
        print(f"  {name:48} {bytes_each:10.0f} bytes a gate at the peak")


def main() -> None:
    """Measure at the size asked for, and at ten times that."""
    gates = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    measure(gates, ROUNDS)
    measure(10 * gates, 3)


if __name__ == "__main__":
    main()
