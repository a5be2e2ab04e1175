"""Work in child processes: what ends one, or takes its memory, is found and ends nothing else."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
from collections.abc import Callable, Iterator

OF_CHILD = 40  # seeds
SILENT = 300.0  # seconds after which a child hangs, not in Python
MIB = 1024
MOST_MEMORY = 1_300 * MIB  # KiB: the default limit, and Python with numpy and mpmath


def in_children(
    judge: Callable[[int], list[str]], seeds: range, of_child: int = OF_CHILD
) -> Iterator[tuple[int, str]]:
    """(seed, finding) for every finding, in order; the next child begins where one has died."""
    if seeds:
        judge(seeds[0])  # loads the modules, and fills the caches, of all children
    at = seeds.start
    while at < seeds.stop:
        for seed, said in _child(judge, range(at, min(at + of_child, seeds.stop))):
            yield from ((seed, text) for text in said)
            at = seed + 1


def _child(judge: Callable[[int], list[str]], seeds: range) -> Iterator[tuple[int, list[str]]]:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        try:
            with os.fdopen(writing, "w") as answers:
                for seed in seeds:
                    print(json.dumps([seed, _judged(judge, seed)]), file=answers, flush=True)
        finally:
            os._exit(0)
    os.close(writing)
    last = seeds.start - 1
    with os.fdopen(reading, "rb") as answers:
        while select.select([answers], [], [], SILENT)[0] and (line := answers.readline()):
            last, said = json.loads(line)
            yield last, said
    if last + 1 < seeds.stop:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if last + 1 < seeds.stop:
        yield last + 1, [f"the process ends or hangs: {status}"]


def _judged(judge: Callable[[int], list[str]], seed: int) -> list[str]:
    """The findings of a seed, and whether it takes more memory than the default limit."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    said = judge(seed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return [*said, f"memory: {peak // MIB} MiB"] if peak > max(before, MOST_MEMORY) else said
