"""How well wrong lines are found, by hand: `python tests/measure_lines.py [--every 3] [--part held]`.

Judges one-line mistakes in programs of many styles and prints a table, by development and held-out
programs; `--misses` prints what went wrong. Takes about a second a mistake.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
import warnings
from collections import Counter
from functools import cache

from real_styles import HELD, KINDS, PROGRAMS, mutations

import gradcli

SEEDS = (3, 4)  # data at which a repair is held against the line as it was
NEAR = 1e-9  # of the larger number: what rounding in another order may leave

FACTORS = {"dropped-factor", "missing-mean", "wrong-constant"}
NAMES = {  # that say what was done to a line
    "= for +=": {"overwritten"},
    "left out": {"missing-path", "lost-term"},
    "sign": {"sign"},
    "operator": {"wrong-operator", *FACTORS, "dropped-power"},
    "term": {"lost-term", "missing-path", "dropped-one-minus", "extra-term"},
    "factor": {*FACTORS, "missing-upstream", "dropped-one-minus", "dropped-power", "wrong-branch",
               "slope-from-input", "transposed", "unsummed-axis"},
    "power": {"dropped-power", "dropped-one-minus", "dropped-factor"},
    "swapped": {"transposed"},
    "transpose": {"transposed"},
    "comparison": {"wrong-branch"},
    "constant": {*FACTORS, "dropped-power", "unsummed-axis", "wrong-index"},
    "function": {"unsummed-axis", "missing-mean", "wrong-operator", "dropped-power",
                 "dropped-factor", "slope-from-input", "wrong-cache", "wrong-branch"},
    "axis": {"unsummed-axis", "wrong-constant"},
    "name": {"wrong-cache", "not-switched", "slope-from-input", "wrong-upstream",
             "missing-upstream", "double-counted", "wrong-branch"},
}  # fmt: skip


class Tally:
    """Counts over mutants, and those that were not judged as they should be."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.misses: list[str] = []

    def add(self, mutation, case) -> None:
        """Count one mutant whose program was judged wrong."""
        accused = [line for line in case.lines if line.is_accused]
        target = mutation.was.split()[0]
        hits = [
            line.line == mutation.line if mutation.now else line.name.split("[")[0] == target
            for line in accused
        ]
        suspects = {row for line in accused for row in line.suspects}
        counts = self.counts
        counts["mutants"] += 1
        is_alone = hits == [True]
        counts["first"] += hits[:1] == [True]
        counts["alone"] += is_alone
        counts["listed"] += any(hits) or mutation.line in suspects
        is_flat = len(accused) == 1 and not accused[0].suspects
        counts["flat"] += is_flat
        counts["flat right"] += is_flat and is_alone
        if not is_alone:
            self.miss("line", mutation, accused)
        self._names(mutation, accused, hits)
        self._repairs(mutation, accused)

    def _names(self, mutation, accused, hits) -> None:
        named = [line.mistake for line, hit in zip(accused, hits, strict=True) if hit]
        if named and named[0]:
            is_right = named[0] in NAMES[mutation.kind]
            self.counts["named rightly" if is_right else "named wrongly"] += 1
            if not is_right:
                self.miss("name", mutation, accused)
        elif named:
            self.miss("no name", mutation, accused)

    def _repairs(self, mutation, accused) -> None:
        for line in accused[:1]:
            if line.repair is None:
                self.miss("no repair", mutation, accused)
                continue
            self.counts["repairs"] += 1
            if self._is_equal(mutation, line):
                self.counts["equal"] += 1
            else:
                self.miss("repair", mutation, accused)

    def _is_equal(self, mutation, line) -> bool:
        rows = mutation.text.splitlines()
        rows[line.line - 1] = line.repair
        if "\n" in line.repair or not mutation.now:  # there is no line it should be
            whole = "\n".join(rows) + "\n"
            return all(gradcli.check(whole, seed=seed).verdict == "pass" for seed in SEEDS)
        at = line.line + (not mutation.now and line.line >= mutation.line)
        try:
            return all(
                _agree(_claims("\n".join(rows) + "\n", seed)[line.line],
                       _claims(PROGRAMS[mutation.program], seed)[at])
                for seed in SEEDS
            )  # fmt: skip
        except (gradcli.GradcliError, KeyError):
            return False

    def miss(self, what, mutation, accused) -> None:
        """Keep a mutant that was not judged as it should be."""
        said = [(line.line, line.mistake, line.suspects, line.repair) for line in accused]
        self.misses.append(
            f"{what}: {mutation.program}:{mutation.line} ({mutation.kind}) `{mutation.was}` -> "
            f"`{mutation.now}`: {said}"
        )


@cache
def _claims(text, seed):
    lines = gradcli.check(text, seed=seed).cases[0].lines
    return {line.line: line.claim for line in lines}


def _agree(a, b):
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(_agree, a, b))
    return not isinstance(b, list) and math.isclose(a, b, rel_tol=NEAR, abs_tol=1e-13)


def measured(names, every, offset):
    """The tally over every so-and-so-manieth mutation of some programs."""
    tally = Tally()
    for mutation in [m for name in names for m in mutations(name)][offset::every]:
        try:
            case = gradcli.check(mutation.text).cases[0]
        except gradcli.GradcliError:
            tally.counts["refused"] += 1
            continue
        if case.verdict == "fail":
            tally.add(mutation, case)
        else:
            tally.counts["no effect"] += 1
            if any(line.is_accused for line in case.lines):
                tally.miss("accused without effect", mutation, case.lines)
    return tally


def understood(names):
    """The share of right lines that are understood, and the right lines that are accused."""
    lines = [line for name in names for line in gradcli.check(PROGRAMS[name]).cases[0].lines]
    known = sum(line.meaning is not None for line in lines)
    return known, len(lines), sum(line.verdict != "pass" for line in lines)


def by_kind():
    """The share of lines that are understood by value, for each kind of code, as rows of text."""
    for kind, names in KINDS.items():
        known, count, _ = understood(names.split())
        yield f"  {kind:24} {known:4} of {count:4}  {100 * known / count:5.1f} %"


SHARES = (
    ("first", "mutants"), ("alone", "mutants"), ("listed", "mutants"), ("flat", "mutants"),
    ("flat right", "flat"), ("named rightly", "mutants"), ("named wrongly", "mutants"),
    ("repairs", "mutants"), ("equal", "repairs"),
)  # fmt: skip


def main():
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--every", type=int, default=3)
    options.add_argument("--offset", type=int, default=0)
    options.add_argument("--part", choices=("dev", "held", "both"), default="both")
    options.add_argument("--program")
    options.add_argument("--misses", action="store_true")
    asked = options.parse_args()
    warnings.simplefilter("ignore")
    if asked.program is None:
        print("lines understood by value", *by_kind(), sep="\n")
    parts = {"dev": [n for n in PROGRAMS if n not in HELD], "held": HELD}
    for part, names in parts.items():
        if asked.part not in (part, "both"):
            continue
        chosen = [n for n in names if asked.program in (None, n)]
        begun = time.time()
        known, count, accused = understood(chosen)
        tally = measured(chosen, asked.every, asked.offset)
        counts = tally.counts
        print(f"{part}: {len(chosen)} programs, {known} of {count} lines understood, "
              f"{accused} right lines accused; {time.time() - begun:.0f} s")  # fmt: skip
        print(f"  {counts['mutants']} mutants, {counts['refused']} refused, "
              f"{counts['no effect']} without effect")  # fmt: skip
        for share, of in SHARES:
            part_of = 100 * counts[share] / max(1, counts[of])
            print(f"  {share:14} {counts[share]:5} of {counts[of]:5}  {part_of:5.1f} %")
        for row in tally.misses if asked.misses else ():
            print(row)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
