"""The hunt by hand:

    python -m tests.hunt --seed 1 --expressions 10000 --arrays 500 --matrices 500 --gates 20000

Prints every finding in its smallest form, one JSON document a line, and a summary; the exit code
is 1 if there is any. The same seed gives the same cases.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

from tests.hunt import array_trees, arrays, gates, large, matrices, trees
from tests.hunt.judge import Finding, Judged, judge

MOST_TRIES = 400  # of smaller cases, for one finding
MOST_SECONDS = 15.0
MOST_OF_A_KIND = 40  # are shrunk; the others are counted
CONFIRMING = (1, 2)  # levels of the oracle's steps: the root of a tiny one is still large
STRIDE = 1_000_003  # seeds of a case: that of the hunt times this, and its number


class Kind(NamedTuple):
    """A kind of case: how one is made, judged, written, and made smaller."""

    make: Callable[[Random], tuple[Any, Any]]
    judge: Callable[[Any, Any, int, int], Judged]
    text: Callable[[Any], str]
    simpler: Callable[[Any, Any], Iterator[tuple[Any, Any]]]
    cost: Callable[[Any, Any], float]


KINDS = {
    "expressions": Kind(trees.random_case,
                        lambda t, p, seed, level: judge(t, p, seed, level, seed % 5 == 0),
                        trees.text_of, trees.simpler, trees.cost_of),
    "arrays": Kind(array_trees.random_program, arrays.judge_arrays, array_trees.text_of,
                   array_trees.simpler_program, array_trees.cost_of_program),
    "matrices": Kind(matrices.random_matrix_program, arrays.judge_arrays, array_trees.text_of,
                     array_trees.simpler_program, array_trees.cost_of_program),
    "large": Kind(large.random_large, large.judge_large, large.text_of,
                  large.simpler_large, large.cost_of_large),
}  # fmt: skip


class Hunt:
    """The findings of a hunt, as they come."""

    def __init__(self, seed: int, file: str | None, known: list[str]) -> None:
        self.seed = seed
        self.file = file
        self.known = known  # kinds of findings that are only counted
        self.counts: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.shown: set[tuple[str, str]] = set()

    def run(self, kind: Kind, count: int) -> None:
        """So many cases of a kind."""
        start = time.monotonic()
        for number in range(count):
            rng = Random(self.seed * STRIDE + number)
            subject, point = kind.make(rng)
            judged = kind.judge(subject, point, number, 0)
            self.counts += judged.counts
            for finding in {f.kind: f for f in judged.findings}.values():
                self._look_at(kind, subject, point, number, finding)
            if number % 1000 == 999:
                took = f"{time.monotonic() - start:.0f} s, {sum(self.kinds.values())} findings"
                print(f"{number + 1} of {count}, {took}", file=sys.stderr, flush=True)

    def _look_at(self, kind: Kind, subject: Any, point: Any, number: int, finding: Finding) -> None:
        """Count a finding; once more digits confirm it, show its smallest form."""
        if finding.kind in self.known or self.kinds[finding.kind] >= MOST_OF_A_KIND:
            self.kinds[finding.kind] += 1
            return
        for level in CONFIRMING:
            again = kind.judge(subject, point, number, level)
            if not again.counts["beyond"] and finding.kind not in {f.kind for f in again.findings}:
                self.counts["not confirmed in more digits: " + finding.kind] += 1
                return
        self.kinds[finding.kind] += 1
        subject, point, finding = smallest(kind, subject, point, number, finding)
        self.show(finding, kind.text(subject), point, number, subject)

    def show(self, finding: Finding, text: str, point: Any, number: int, tree: Any = None) -> None:
        """Print a finding, unless it has been; `tree` is what `cases.jsonl` holds."""
        if (finding.kind, text) in self.shown:
            return
        self.shown.add((finding.kind, text))
        if not isinstance(point, dict) or any(hasattr(x, "shape") for x in point.values()):
            point = {name: f"of shape {x.shape}" for name, x in point.items()}
        line = json.dumps({"area": finding.area, "kind": finding.kind, "text": text, "point": point,
                           "said": finding.said, "true": finding.true,
                           "from": [self.seed, number], "tree": tree})  # fmt: skip
        print(line, flush=True)
        if self.file:
            with open(self.file, "a", encoding="utf-8") as file:
                print(line, file=file)


def smallest(
    kind: Kind, subject: Any, point: Any, number: int, finding: Finding
) -> tuple[Any, Any, Finding]:
    """The smallest case with a finding of the same kind."""
    tries, end = 0, time.monotonic() + MOST_SECONDS
    is_smaller = True
    while is_smaller:
        is_smaller = False
        cost = kind.cost(subject, point)
        for smaller, there in kind.simpler(subject, point):
            if not there or kind.cost(smaller, there) >= cost:
                continue
            tries += 1
            if tries > MOST_TRIES or time.monotonic() > end:
                return subject, point, finding
            try:
                findings = kind.judge(smaller, there, number, 1).findings
            except (ValueError, IndexError, TypeError):
                continue  # shapes that do not fit
            same = [f for f in findings if f.kind == finding.kind]
            if same:
                subject, point, finding, is_smaller = smaller, there, same[0], True
                break
    return subject, point, finding


def main() -> int:
    """Hunt, print, and tell whether anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.hunt", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--expressions", type=int, default=0)
    parser.add_argument("--arrays", type=int, default=0)
    parser.add_argument("--matrices", type=int, default=0, help="programs of arrays' own gates")
    parser.add_argument(
        "--large", type=int, default=0, help="programs of large arrays; needs torch"
    )
    parser.add_argument("--gates", type=int, default=0, help="calls of gates")
    parser.add_argument("--jsonl", help="a file to append findings to")
    parser.add_argument("--known", action="append", default=[], help="a kind that is only counted")
    options = parser.parse_args()
    warnings.simplefilter("error")  # a warning of numpy on stderr is a finding, too
    start = time.monotonic()
    hunt = Hunt(options.seed, options.jsonl, options.known)
    for name, kind in KINDS.items():
        hunt.run(kind, getattr(options, name))
    for finding, text, point in gates.findings(options.seed, options.gates, hunt.counts):
        hunt.kinds[finding.kind] += 1
        hunt.show(finding, text, point, 0)
    print(f"seed {options.seed}: {options.expressions} expressions, {options.arrays} programs of "
          f"arrays, {options.matrices} of matrices, {options.large} of large ones, {options.gates} calls of gates in {time.monotonic() - start:.0f} s")  # fmt: skip
    for name, count in sorted(hunt.counts.items()):
        print(f"  {count:7d}  {name}")
    for name, count in hunt.kinds.most_common():
        print(f"  {count:7d}  FOUND {name}")
    return 1 if hunt.kinds else 0


if __name__ == "__main__":
    sys.exit(main())
