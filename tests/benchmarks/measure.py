"""What the benchmarks share: random programs, and contenders that take turns."""

from __future__ import annotations

import gc
import math
import resource
import statistics
from collections.abc import Callable
from random import Random

FORMS = (
    "{a} + {b}", "{a} - {b}", "{a} * {b}", "{a} / {b}", "max({a}, {b})", "sin({a})", "cos({a})",
    "tanh({a})", "exp({a})", "log({a})", "{a} ** 2", "{a} * {b}", "{a} + {b}",
)  # fmt: skip
MOST = 8.0  # no value is larger, and no divisor or operand of log smaller than 1/MOST
Range = tuple[float, float]


def random_program(gates: int, inputs: int = 50, seed: int = 0) -> tuple[list[str], list[str]]:
    """Lines of one gate each, and the names of the inputs; every gate reaches the last one.

    The inputs may lie anywhere from 0.5 to 1.5: where the values of each gate lie is known, and
    one that might overflow or leave its domain is replaced by tanh.
    """
    rng = Random(seed)
    names = [f"x{k}" for k in range(inputs)]
    ranges = dict.fromkeys(names, (0.5, 1.5))
    waiting, lines = list(names), []  # those no gate has read yet

    def pick(share: float) -> str:
        if waiting and rng.random() < share:
            return waiting.pop(rng.randrange(len(waiting)))
        return rng.choice(names)

    def add(form: str, a: str, b: str, found: Range) -> None:
        names.append(f"v{len(lines)}")
        lines.append(f"{names[-1]} = {form.format(a=a, b=b)}")
        ranges[names[-1]] = found
        waiting.append(names[-1])

    while len(lines) < gates - len(waiting):
        form, a = rng.choice(FORMS), pick(0.6)
        b = pick(0.5) if "{b}" in form else a
        found = _range(form, ranges[a], ranges[b])
        if found is None:
            if b != a:
                waiting.append(b)
            form, found = "tanh({a})", (math.tanh(ranges[a][0]), math.tanh(ranges[a][1]))
        add(form, a, b, found)
    while len(waiting) > 1:
        add("{a} + {b}", waiting.pop(0), waiting.pop(0), (0.0, 0.0))
    return lines, names[:inputs]


def _range(form: str, a: Range, b: Range) -> Range | None:
    """Where the values of a gate lie, given where its operands do; None for too far."""
    if form in ("sin({a})", "cos({a})"):
        return -1.0, 1.0
    if (form == "log({a})" and a[0] * MOST < 1) or (form == "{a} / {b}" and b[0] * MOST < 1):
        return None
    if form == "exp({a})" and a[1] > MOST:
        return None
    ends = [_value(form, x, y) for x in a for y in b]
    if form == "{a} ** 2" and a[0] < 0 < a[1]:
        ends.append(0.0)
    low, high = min(ends), max(ends)
    return (low, high) if -MOST <= low <= high <= MOST else None


def _value(form: str, x: float, y: float) -> float:
    match form:
        case "{a} + {b}":
            return x + y
        case "{a} - {b}":
            return x - y
        case "{a} * {b}":
            return x * y
        case "{a} / {b}":
            return x / y
        case "max({a}, {b})":
            return max(x, y)
        case "{a} ** 2":
            return x * x
    function: Callable[[float], float] = getattr(math, form.partition("(")[0])
    return function(x)


def seconds(work: Callable[[], object]) -> float:
    """The CPU time some work takes, once: that of all threads, and of processes that it ended."""
    start = _spent()
    work()
    return _spent() - start


def _spent() -> float:
    whose = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, whose))


def take_turns(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Times of each contender in one run: every round lets each have a turn, in changing order.

    Garbage is collected between turns and never within one. A first round is not counted.
    """
    times: dict[str, list[float]] = {name: [] for name in contenders}
    names = list(contenders)
    for turn in range(rounds + 1):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            gc.collect()
            was_enabled = gc.isenabled()
            gc.disable()
            taken = seconds(contenders[name])
            if was_enabled:
                gc.enable()
            if turn:
                times[name].append(taken)
    return times


def ratio(times: dict[str, list[float]], ours: str, theirs: str) -> tuple[float, float, float]:
    """Median of the rounds' ratios, and the quartiles: rounds share the machine's mood."""
    ratios = [a / b for a, b in zip(times[ours], times[theirs], strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return middle, low, high


def report(times: dict[str, list[float]], scale: float, unit: str) -> None:
    """Medians, a line each."""
    for name, taken in times.items():
        print(f"  {name:48} {statistics.median(taken) * scale:10.3f} {unit}")
