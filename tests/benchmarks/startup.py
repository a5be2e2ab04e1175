"""Start-up, whole processes: `python tests/benchmarks/startup.py`.

`gradcli eval --json` against importing click, and the table against importing click and rich,
which is the least that a command line with those packages can cost. Target: at most 1.25.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from measure import ratio, report, take_turns

ROUNDS = 21
TARGET = 1.25
ROOT = Path(__file__).parent.parent.parent
LECTURE = ["-m", "gradcli", "eval", "(x+y)*z", "x=-2", "y=5", "z=-4"]
CONTENDERS = {
    "python -c pass": ["-c", "pass"],
    "import click": ["-c", "import click"],
    "gradcli eval --json": [*LECTURE, "--json"],
    "import click, rich.table, rich.console": ["-c", "import click, rich.table, rich.console"],
    "gradcli eval": LECTURE,
}
PAIRS = (
    ("gradcli eval --json", "import click"),
    ("gradcli eval", "import click, rich.table, rich.console"),
)


def run(arguments: list[str]) -> None:
    """One process of the same interpreter, its output thrown away."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *arguments]
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)


def main() -> None:
    """Print medians and ratios."""
    work = {name: partial(run, arguments) for name, arguments in CONTENDERS.items()}
    times = take_turns(work, ROUNDS)
    print(f"start-up, Python {sys.version.split()[0]}, medians of {ROUNDS} interleaved rounds")
    report(times, 1e3, "ms")
    for ours, theirs in PAIRS:
        middle, low, high = ratio(times, ours, theirs)
        print(f"  {ours} / {theirs}: {middle:.2f} ({low:.2f} to {high:.2f}), target {TARGET}")


if __name__ == "__main__":
    main()
