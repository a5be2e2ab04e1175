"""The fuzzer by hand: every finding as a line of JSON; the exit code is 1 if there is a fault."""

from __future__ import annotations

import argparse
import json
import sys
import time
from random import Random

from tests.fuzz.differences import differences
from tests.fuzz.forks import in_children
from tests.fuzz.judge import findings
from tests.fuzz.lines import any_input
from tests.hunt import trees

STRIDE = 1_000_003  # seeds of an input: that of the run times this, and its number
SLOW = 5.0  # seconds of processor time: told, but no fault as long as the promise holds
TELLS_SLOW = "slow"


def line_found(seed: int) -> list[str]:
    """What is wrong with how the command line of a seed ends."""
    case = any_input(Random(seed))
    began = time.process_time()
    said = [*findings(case)]
    seconds = time.process_time() - began
    return said or ([f"{TELLS_SLOW}: {seconds:.1f} s"] if seconds > SLOW else [])


def difference_found(seed: int) -> list[str]:
    """Where two answers on the expression of a seed differ."""
    tree, point = trees.random_case(Random(seed))
    return [*differences(tree, point, seed)]


def main() -> int:
    """Fuzz, print, and tell whether anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--inputs", type=int, default=0, help="command lines")
    parser.add_argument(
        "--differences", type=int, default=0, help="expressions, asked several ways"
    )
    options = parser.parse_args()
    start, faults, slow = time.monotonic(), 0, 0
    for judge, count in ((line_found, options.inputs), (difference_found, options.differences)):
        first = options.seed * STRIDE
        for seed, said in in_children(judge, range(first, first + count)):
            is_slow = said.startswith(TELLS_SLOW)
            slow, faults = slow + is_slow, faults + (not is_slow)
            told = any_input(Random(seed)).as_dict() if judge is line_found else {}
            print(json.dumps({"seed": seed, "found": said, **told}), flush=True)
            if (seed - first) % 1000 == 999:
                print(f"{seed - first + 1}", file=sys.stderr)
    print(f"seed {options.seed}: {options.inputs} command lines, {options.differences} expressions, "
          f"{faults} faults and {slow} slow answers in {time.monotonic() - start:.0f} s")  # fmt: skip
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
