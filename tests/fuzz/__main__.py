"""The fuzzer by hand: every finding as a line of JSON; the exit code is 1 if there is any."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from random import Random

from tests.fuzz.inputs import random_input
from tests.fuzz.judge import findings, printed_again
from tests.hunt import trees

STRIDE = 1_000_003  # seeds of an input: that of the run times this, and its number
SLOW = 5.0  # seconds


def main() -> int:
    """Fuzz, print, and tell whether anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--inputs", type=int, default=0, help="command lines")
    parser.add_argument("--printed", type=int, default=0, help="expressions printed and read again")
    options = parser.parse_args()
    start, found = time.monotonic(), Counter[str]()
    for number in range(options.inputs):
        case = random_input(Random(options.seed * STRIDE + number))
        began = time.process_time()
        said = [*findings(case)]
        seconds = time.process_time() - began
        if seconds > SLOW and not said:
            said.append(f"slow: {seconds:.1f} s")
        for finding in said:
            found[finding[:30]] += 1
            line = {
                "seed": [options.seed, number],
                "words": case.words,
                "files": case.files,
                "found": finding,
            }
            print(json.dumps(line), flush=True)
    for number in range(options.printed):
        tree, point = trees.random_case(Random(options.seed * STRIDE + number))
        for finding in printed_again(trees.text_of(tree), point):
            found["printed"] += 1
            print(json.dumps({"seed": [options.seed, number], "found": finding}), flush=True)
    print(f"seed {options.seed}: {options.inputs} inputs, {options.printed} printed again, "
          f"{sum(found.values())} findings in {time.monotonic() - start:.0f} s")  # fmt: skip
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
