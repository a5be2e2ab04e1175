"""A graph in many digits, until two precisions agree to float64 and their bounds say so.

What many digits cannot settle is settled by limits: a point where reverse mode multiplies zero by
infinity, or where several gates stand at their kinks. What is lost to 1,000 digits is zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gradcli.arithmetic.agreement import agree
from gradcli.arithmetic.floats import LEAST_SUBNORMAL
from gradcli.arithmetic.special import DIGITS_PER_BIT
from gradcli.arithmetic.work import OutOfReachError, TooLongError, ensure, left
from gradcli.engine import Run, backward
from gradcli.errors import LimitError
from gradcli.evaluation.in_digits import hidden, is_within_reach
from gradcli.evaluation.numbers import Bounds, Numbers, delicate
from gradcli.evaluation.point import Point
from gradcli.evaluation.sweeps import ENOUGH, NOTHING, Bounding, Known

if TYPE_CHECKING:
    from gradcli.evaluation.in_digits import InDigits

LADDER = (50, 100, 200, 400, 700, 1000)
GUARD = 40  # digits beyond those asked for
MOST_JUMPS = 2  # by the digits that errors say are lacking: where they do not help, none do
MANY = 500  # gates: with fewer all are computed again as soon as some
PART_LEFT_OUT = 4  # one in so many gates at least is left out, where it is tried to leave some out
ROUNDS_TO_ZERO = 1077  # a number below 2**-1077 is 0 in float64
MOST_AT_THE_END = 2_000  # gates: the last steps of the ladder take a millisecond each
MOST_LIMITS = 200_000  # gates times leaves, for limits
UNIT = 2.0**-53


class Task:
    """A point whose results and gradients are to be known to so many digits."""

    __slots__ = ("count", "known", "point", "takes_limits", "upstream_node")

    def __init__(
        self, point: Point, upstream_node: int | None, count: int, takes_limits: bool = True,
        known: Mapping[int, Known] = NOTHING,
    ) -> None:  # fmt: skip
        self.point = point
        self.upstream_node = upstream_node  # the one that computes the upstream gradient, if any
        self.count = count  # correct digits; 0 for those of float64
        self.takes_limits = takes_limits  # where reverse mode has no bound
        self.known = known  # gates that are taken as float64 has them

    @property
    def places(self) -> list[tuple[int, bool]]:
        """What is to be known: nodes, and whether it is their value or their gradient."""
        results = [(node, True) for node in self.point.results]
        return [*results, *((leaf, False) for _, leaf in self.point.leaves)]


class _Sweep:
    """A forward and backward pass in many digits, with bounds."""

    def __init__(
        self, task: Task, count: int, at_limits: bool = False, snaps: bool = False
    ) -> None:
        program = task.point.program
        bounding = Bounding(program.graph, count, at_limits, snaps, task.known)
        run = bounding.run(task.point.inputs)
        if task.point.upstream is not None:
            node, number = task.upstream_node, bounding.bounded.number
            seed = number(task.point.upstream) if node is None else run.values[node]
            backward(run, program.output, seed)
        self.count = count
        self.at_limits = at_limits
        self.hides = 0  # digits that some number is deep, where they are too many to be tried
        self.arithmetic = bounding.arithmetic
        self.bounds = Bounds(run)
        zeros = bounding.zeros
        self.zeros = [next(k for k, x in enumerate(run.values) if x is zero) for zero in zeros]
        self.run = Run(run.machine, [x.value for x in run.values])
        self.run.gradients = [x.value for x in run.gradients]

    def number(self, k: int, is_value: bool) -> tuple[Any, Any]:
        """A value or a gradient, and its error."""
        if is_value:
            return self.run.values[k], self.bounds.values[k]
        return self.run.gradients[k], self.bounds.gradients[k]


def recompute(task: Task) -> Numbers:
    """Values and gradients rounded correctly to float64; nan where many digits cannot tell.

    The notes say what was taken as zero, what had to be found as a limit, and what is unknown.
    Raises OutOfReachError where mpmath cannot go on, LimitError where there is no time for the
    digits asked for.
    """
    try:
        return _numbers(task, _settled(task))
    except TooLongError:
        if not task.count:
            raise
        raise LimitError(
            f"{task.count} digits would take long here", hint="fewer digits, or a smaller case"
        ) from None
    except (OverflowError, ValueError):
        raise OutOfReachError from None


def recompute_few(task: Task, plain: Numbers, leaves: Sequence[int]) -> Numbers | None:
    """The numbers with the gradients of few leaves in many digits, where only these need them.

    What such a leaf does not reach is taken as float64 has it: in sums of functions of one input
    each that costs the gradients nothing. None where it does, or where most gates are reached.
    """
    graph, output = task.point.program.graph, task.point.program.output
    if len(graph) < MANY or task.upstream_node is not None:
        return None
    reached = {*leaves}
    for node in graph.gate_nodes():
        if not reached.isdisjoint(graph.operands[node]):
            reached.add(node)
    errors, slopes = plain.value_errors, plain.gradient_errors
    assert errors is not None
    assert slopes is not None
    known = {
        node: (plain.values[node], errors[node])
        for node in graph.gate_nodes() if node <= output and node not in reached
    }  # fmt: skip
    is_known = all(math.isfinite(x) and error < math.inf for x, error in known.values())
    if PART_LEFT_OUT * len(known) < len(graph) or not is_known:
        return None
    part, places = Task(task.point, None, 0, known=known), [(leaf, False) for leaf in leaves]
    try:
        one, two = (_Sweep(part, count) for count in LADDER[:2])
    except (OutOfReachError, OverflowError, ValueError):
        return None
    if not _agree(part, one, two, places):
        return None
    gradients, bounds = _rounded(*zip(*(two.number(*place) for place in places), strict=True))
    better, closer = [*plain.gradients], [*slopes]
    for leaf, gradient, bound in zip(leaves, gradients, bounds, strict=True):
        better[leaf], closer[leaf] = gradient, bound
    numbers = Numbers(plain.values, better, errors, closer)
    numbers.digits = two.count
    return numbers


def _numbers(task: Task, sweep: _Sweep) -> Numbers:
    """The numbers of a sweep, rounded; what it cannot tell is sought as a limit."""
    run, bounds = sweep.run, sweep.bounds
    values, value_errors = _rounded(run.values, bounds.values)
    gradients, gradient_errors = _rounded(run.gradients, bounds.gradients)
    if sweep.at_limits or sweep.zeros:  # 1/infinity, and what all digits lose, may be no exact 0
        value_errors = [max(error, LEAST_SUBNORMAL) for error in value_errors]
        gradient_errors = [max(error, LEAST_SUBNORMAL) for error in gradient_errors]
    numbers = Numbers(values, gradients, value_errors, gradient_errors)
    numbers.digits = sweep.count
    for node in sweep.zeros[:3]:
        name = task.point.names.get(node)
        if name:
            numbers.notes.append(f"{name} is zero to {sweep.count} digits and taken as 0")
    _refuse_unknown(task, sweep, numbers)
    if task.takes_limits:
        _resolve(task, sweep, numbers)
    if task.count:
        for k, is_value in task.places:
            number, error = sweep.number(k, is_value)
            if is_value or math.isfinite(gradients[k]):
                numbers.texts[k] = _decimal(number, error, task.count)
    return numbers


def _refuse_unknown(task: Task, sweep: _Sweep, numbers: Numbers) -> None:
    """Take back values of which nothing is certain: an infinity or a zero below the digits."""
    values, errors, results = numbers.values, numbers.value_errors, task.point.results
    assert isinstance(values, list)
    assert isinstance(errors, list)
    for node in results:
        if errors[node] < math.inf or _is_sure(task, *sweep.number(node, True)):
            continue
        values[node] = math.nan
        name = "the value" if len(results) == 1 else task.point.names.get(node, "a value")
        numbers.notes.append(f"{name} is unknown: {_why_unknown(sweep)}")
        numbers.is_unknown = True
    if not any(math.isnan(values[node]) for node in (task.point.program.output, *results)):
        return
    gradients, slacks = numbers.gradients, numbers.gradient_errors
    assert isinstance(gradients, list)
    assert isinstance(slacks, list)
    for _, leaf in task.point.leaves:
        gradients[leaf], slacks[leaf] = math.nan, math.inf


def _why_unknown(sweep: _Sweep) -> str:
    if sweep.hides:
        return hidden(sweep.hides)
    if sweep.at_limits and not sweep.zeros:
        return "an operand is too large for many-digit arithmetic"
    return f"it rests on what is zero to {sweep.count} digits"


def _settled(task: Task) -> _Sweep:
    """The first sweep that agrees with the one before it, certain of every result.

    Where a result is not certain and something is deeper than the digits tried, the search goes on
    from its depth. Raises LimitError where the digits asked for are too many for the graph.
    """
    graph = task.point.program.graph
    deep, k, before, work = 0, 0, None, 0.0
    ladder = _ladder(task)
    if task.count and ladder[0] > LADDER[3] and len(graph) > MOST_AT_THE_END:
        raise LimitError(
            f"{task.count} digits are for at most {MOST_AT_THE_END} gates",
            hint=f"--digits {LADDER[3] - GUARD} or fewer, or a smaller case of the same formulas",
        )
    while k < len(ladder) and (ladder[k] <= LADDER[3] or len(graph) <= MOST_AT_THE_END):
        if before is not None and ladder[k] + deep >= before.count:
            ensure(work)  # more digits take no less than those before
        start = left()
        sweep = _swept(task, ladder[k] + deep, before is not None and before.at_limits)
        work = start - left() if start < math.inf else 0.0
        if before is not None and _agree(task, before, sweep):
            return sweep
        before, k = sweep, k + 1
        if _open(task, sweep) and len(graph) <= MOST_AT_THE_END:
            below = task.point.in_digits.deeper(sweep.count, deep)
            if below > deep:
                if not is_within_reach(graph, below):
                    return _at_last(task, sweep, below)
                deep, k = below, 0
        if deep and k and ladder[k - 1] >= LADDER[3]:
            break
    assert before is not None
    if len(graph) > MOST_AT_THE_END or not _open(task, before):
        return before
    return _at_last(task, _closer(task, before))


def _closer(task: Task, sweep: _Sweep) -> _Sweep:
    """The sweep with the digits its own errors say are lacking, where there is time for them.

    Cancellations one after the other, in the values and again in the gradients, lose more digits
    than any number is deep.
    """
    for _ in range(MOST_JUMPS):
        pairs = [sweep.number(*place) for place in task.places]
        lacking = [_lacking(task, sweep, *pair) for pair in pairs if not _is_sure(task, *pair)]
        count = sweep.count + max(lacking, default=0)
        if count == sweep.count or not is_within_reach(task.point.program.graph, count):
            break
        sweep = _swept(task, count, sweep.at_limits)
    return sweep


def _lacking(task: Task, sweep: _Sweep, number: Any, error: Any) -> int:
    """How many digits more make an error small beside its number, and beside 1; 0: none help."""
    if not (number and 0 < error < math.inf):
        return 0
    magnitude = sweep.arithmetic.number(1.0).context.mag  # an error may be a float
    lost = magnitude(error) - min(magnitude(number), 0)
    return max(0, int(lost * DIGITS_PER_BIT)) + task.count + GUARD


def _at_last(task: Task, sweep: _Sweep, hides: int = 0) -> _Sweep:
    """What can still be said of a sweep that is not certain, whose numbers are so many digits deep.

    Values without a bound may be larger or smaller than any float64; what is not deep is 0.
    """
    is_unbounded = any(sweep.bounds.values[k] == math.inf for k in task.point.results)
    if is_unbounded or not hides:
        sweep = _swept(task, sweep.count, sweep.at_limits or is_unbounded, snaps=not hides)
    sweep.hides = hides
    return sweep


def _ladder(task: Task) -> list[int]:
    """The digits to try, of which those asked for are certain."""
    ladder = [n for n in LADDER if n >= task.count + GUARD]
    if not ladder:
        ladder = [task.count + GUARD, task.count + 2 * GUARD]
    return [*ladder, 2 * task.count + GUARD] if len(ladder) < 3 else ladder


def _swept(task: Task, count: int, at_limits: bool, snaps: bool = False) -> _Sweep:
    """A sweep; with infinities for what is out of reach of mpmath, where something is."""
    try:
        return _Sweep(task, count, at_limits, snaps)
    except (OutOfReachError, OverflowError):
        return _Sweep(task, count, True, snaps)


def _open(task: Task, sweep: _Sweep) -> bool:
    """Whether some result is not certain."""
    return any(not _is_sure(task, *sweep.number(*place)) for place in task.places)


def _is_sure(task: Task, number: Any, error: Any) -> bool:
    size = abs(number)
    if not error or not size < math.inf:
        return not error
    if not task.count and size + error < _power(number, -ROUNDS_TO_ZERO):
        return True
    enough = ENOUGH if not task.count else _power(number, -int((task.count + 2) * 3.33))
    return bool(error <= enough * size)


def _power(like: Any, exponent: int) -> Any:
    return (like * 0 + 1) * 2.0**exponent if exponent > -1000 else (like * 0 + 2) ** exponent


def _agree(
    task: Task, one: _Sweep, two: _Sweep, places: Sequence[tuple[int, bool]] | None = None
) -> bool:
    """Whether the later of two sweeps is sure of every result, and the earlier says the same."""
    for place in task.places if places is None else places:
        number, error = two.number(*place)
        a, b = _to_float(one.number(*place)[0]), _to_float(number)
        if not _is_sure(task, number, error):
            if place[1] or error != math.inf:
                return False  # a gradient without any bound is left to limits
        elif not task.count and not _are_same(a, b):
            return False
    return True


def _are_same(a: float, b: float) -> bool:
    """Whether two floats are one but for rounding; both may be infinite, or nan."""
    return a == b or abs(a - b) <= 2 * UNIT * abs(b) or (a != a and b != b)


# ---------------------------------------------------------------- limits


def _resolve(task: Task, sweep: _Sweep, numbers: Numbers) -> None:
    """Gradients that reverse mode cannot give, as one-sided limits; no bound where none is."""
    point, program = task.point, task.point.program
    errors = sweep.bounds.gradients
    doubts = delicate(sweep.run, sweep.bounds, program.output, sweep.arithmetic)
    is_finite = abs(sweep.run.values[program.output]) < math.inf
    leaves = [
        (name, leaf)
        for name, leaf in point.leaves
        if leaf in doubts or not _is_sure(task, *sweep.number(leaf, False))
    ]
    if not is_finite or len(leaves) * len(program.graph) > MOST_LIMITS:
        assert isinstance(numbers.gradient_errors, list)
        for leaf in doubts.intersection(leaf for _, leaf in leaves):
            numbers.gradient_errors[leaf] = math.inf
        return
    node = task.upstream_node
    upstream = point.upstream if node is None else numbers.values[node]
    for name, leaf in leaves:
        is_chosen = bool(sweep.zeros) and leaf in doubts  # by what was taken as 0
        is_known = errors[leaf] < math.inf and not is_chosen
        _resolve_one(point.in_digits, numbers, str(name), leaf, upstream, is_known, leaf in doubts)


def _resolve_one(
    point: InDigits,
    numbers: Numbers,
    name: str,
    leaf: int,
    upstream: float,
    is_known: bool,
    is_tied: bool,
) -> None:
    from gradcli.evaluation.limits import OutOfDigits, limit

    gradients, errors = numbers.gradients, numbers.gradient_errors
    assert isinstance(gradients, list)
    assert isinstance(errors, list)
    known = gradients[leaf]
    try:
        at = limit(point, leaf, upstream)
    except OutOfDigits as trouble:
        if not is_known or known != known:
            gradients[leaf], errors[leaf] = math.nan, math.inf
            numbers.notes.append(f"d{name} is unknown: {trouble}")
        elif is_tied:
            errors[leaf] = math.inf  # of what the gates choose, which may be no slope of f
        return
    if abs(known) == math.inf:
        is_known = True  # as the square root at 0: its slope really is infinite
    low, high = sorted((at.left, at.right))
    if at.kind in ("jump", "nan"):
        if at.kind == "jump" and is_known and known == known:
            numbers.notes.append(f"f jumps here in {name}: d{name} is a convention")
            return
        gradients[leaf], errors[leaf] = math.nan, math.inf
        numbers.notes.append(f"d{name} is undefined: f has no slope here")
        return
    if at.has_two_slopes:
        if low <= known <= high:  # the convention of the gates: one choice for all inputs
            errors[leaf] = min(errors[leaf], 2 * UNIT * abs(known))
            return
        slope = min(max(0.0, low), high)
        bound = 2 * UNIT * abs(slope)
        reason = f"a kink with slopes {low:.6g} and {high:.6g}"
    else:
        slope, bound = at.slope, at.bound
        where = "one side" if at.is_one_sided else "both sides"
        reason = f"reverse mode cannot be trusted here; the limit from {where} is {slope:.6g}"
        if is_known and agree(known, slope, 1e-9):
            errors[leaf] = bound + abs(known - slope)
            return
    gradients[leaf], errors[leaf] = slope, bound
    numbers.notes.append(f"d{name}: {reason}")


# ---------------------------------------------------------------- rounding


def _rounded(numbers: Sequence[Any], errors: Sequence[Any]) -> tuple[list[float], list[float]]:
    """The nearest floats, and how far they are from the truth."""
    floats = [_to_float(x) for x in numbers]
    distances = []
    for exact, near, error in zip(numbers, floats, errors, strict=True):
        if not abs(near) < math.inf:
            distances.append(math.inf)
            continue
        away = abs(exact - near) + error
        distances.append(_to_float(away) * 1.001 + 2.0**-1074 if away else 0.0)
    return floats, distances


def _to_float(x: Any) -> float:
    """The nearest float64; infinite where it is larger than any."""
    try:
        return float(x)
    except OverflowError:
        return math.inf if x > 0 else -math.inf


def _decimal(number: Any, error: Any, count: int) -> str:
    """So many correct digits; fewer where fewer are certain."""
    if isinstance(number, float) or not abs(number) < math.inf:
        return str(float(number))
    context = number.context
    if error > abs(number) * context.mpf(10) ** -(count + 1):
        known = 0 if not error < abs(number) else int(-context.log10(error / abs(number))) - 1
        count = max(0, min(count, known))
    if not count:
        return f"0 +- {context.nstr(abs(number) + 2 * error, 2)}"
    text: str = context.nstr(number, count, strip_zeros=False, min_fixed=-5, max_fixed=count)
    return text
