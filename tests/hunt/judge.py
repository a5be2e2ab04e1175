"""Every word the tool says of a case, held to the truth.

A finding has a kind, the area it belongs to, what was said and what is true. Whatever the oracle
cannot decide is not judged.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple

import gradcli
from tests.hunt.evaluator import BeyondError, OutsideError, mp, same
from tests.hunt.oracle import Side, Truth, truth_of, written
from tests.hunt.seconds import second_slopes
from tests.hunt.shared import shared_digits
from tests.hunt.times import LATE, LateError, asked, spent, timed
from tests.hunt.trees import Point, Tree, text_of

RIGHT, WRONG = 1e-9, 5e-6  # relative errors of claims; between them nothing is judged
SAMPLED = 10  # one smooth case in so many is looked at from all sides
SLOW = 3.0  # seconds for everything asked of one case by one call
SLOPE_NOISE = -70  # exponent of the relative error of a slope of the oracle
UNSEEN = mp.ldexp(1, -1080)  # no float64 is as small
LEAST, MOST = 1e-300, 1e300  # sizes of slopes whose multiples are judged


class Finding(NamedTuple):
    """One false word."""

    area: str  # kinks, digits, jacobians, words
    kind: str
    said: str
    true: str


class Judged(NamedTuple):
    """The findings on one case, and how the verdicts came out."""

    findings: list[Finding]
    counts: Counter[str]


def judge(tree: Tree, point: Point, seed: int, depth: int = 0, hessian: bool = False) -> Judged:
    """The findings on an expression at a point; `depth` is where the oracle's search begins."""
    counts: Counter[str] = Counter()
    try:
        truth = truth_of(tree, point, depth)
    except BeyondError:
        return Judged([], Counter(beyond=1))
    findings = []
    looks = [_evaluated, _wrong_claims]
    if seed % SAMPLED == 0 or not _is_plain(truth):
        looks += [_told_twice, _right_claims]  # where f is smooth the own gradient is right
    with shared_digits():
        for look in (*looks, *([_hessian] if hessian else [])):
            judged = guarded(look, tree, text_of(tree), point, truth, Random(seed), counts=counts)
            findings += judged.findings
            if any(f.area == "words" and f.kind in FATAL for f in judged.findings):
                break
    _report.cache_clear()
    return Judged(findings, counts)


@lru_cache(maxsize=1)
def _report(text: str, inputs: tuple[tuple[str, float], ...]) -> Any:
    """What `eval` says of a case, asked once for all looks at it."""
    return asked(gradcli.evaluate, text, dict(inputs))


def _is_plain(truth: Truth) -> bool:
    """Whether a case is an ordinary one: it has a value, and is smooth."""
    return truth.status == "value" and all(place_of(*x) == "smooth" for x in truth.sides.values())


FATAL = ("refused", "hangs", "internal error")


def guarded(look: Callable[..., Iterator[Finding]], *parts: Any, counts: Counter[str]) -> Judged:
    """The findings of one look at a case; refusals, faults, and what takes long are findings too."""
    findings = []
    spent.seconds = 0.0
    try:
        findings += timed(look, *parts, counts)
    except gradcli.GradcliError as error:
        findings.append(Finding("words", "refused", f"{error}", "it can be read"))
    except LateError:
        findings.append(Finding("words", "hangs", f"{look.__name__}: over {LATE} s", ""))
    except BeyondError:
        counts["beyond"] += 1
    except Exception as error:  # whatever it is, it is an internal error of the tool
        what = f"{look.__name__}: {type(error).__name__}: {error}"
        findings.append(Finding("words", "internal error", what[:200], ""))
    if spent.seconds > SLOW:
        findings.append(Finding("words", "slow", f"{look.__name__}: {spent.seconds:.1f} s", ""))
    return Judged(findings, counts)


# ---------------------------------------------------------------- what eval says


def _evaluated(
    tree: Tree, text: str, point: Point, truth: Truth, rng: Random, counts: Counter[str]
) -> Iterator[Finding]:
    report = _report(text, (*point.items(),))
    if truth.status != "pole":  # in IEEE arithmetic what follows an infinity may be finite
        yield from number_findings("value", report.value, report.bound, truth.value)
    for name, (left, right) in truth.sides.items():
        bound = (report.gradient_bounds or {}).get(name)
        yield from slope_findings(name, report.gradients[name], bound, left, right)
    if report.check is None:
        return
    for answer in report.check.inputs.values():
        counts["own " + answer.verdict] += 1
        yield from verdict_findings("own gradient", answer.analytic, answer, truth)
    yield from _cures(text, point, report)


def _told_twice(
    tree: Tree, text: str, point: Point, truth: Truth, rng: Random, counts: Counter[str]
) -> Iterator[Finding]:
    """Whether `eval` and `check` say the same of the own gradient."""
    check = _report(text, (*point.items(),)).check
    own = asked(gradcli.check, text, point).cases[0]
    for name, answer in check.inputs.items() if check else ():
        other = own.inputs[name]
        if (answer.verdict, answer.kind) != (other.verdict, other.kind):
            yield Finding("kinks", "eval and check differ",
                          f"d{name}: {answer.verdict} ({answer.kind}, {answer.reason}) and "
                          f"{other.verdict} ({other.kind}, {other.reason})", "")  # fmt: skip


def number_findings(
    what: str, number: float, bound: float | None, truth: Any, noise: int = -150
) -> Iterator[Finding]:
    """Whether a printed number and its bound contain the truth; None is no number at all.

    `noise` is the exponent of the relative error of the truth itself.
    """
    area = "digits"
    said = f"{what} {number!r} +- {bound!r}"
    if truth is None:
        if math.isfinite(number) and (bound is None or math.isfinite(bound)):
            yield Finding(area, f"{what} where there is none", said, "outside the domain")
        return
    true = written(truth, 20)
    if bound is not None and math.isinf(bound):
        return  # nothing is said
    if math.isnan(number):
        yield Finding(area, f"{what} nan", said, true)
    elif math.isinf(number):
        if abs(truth) < mp.mpf(2) ** 1024 * (1 - mp.mpf(2) ** -54) or (truth > 0) != (number > 0):
            yield Finding(area, f"{what} infinite", said, true)
    else:
        off = abs(mp.mpf(number) - truth)
        room = 1e-11 * abs(truth) if bound is None else mp.mpf(bound) * (1 + 1e-9)
        if off > room + abs(truth) * mp.mpf(2) ** noise:
            kind = "underflow" if not number else "outside its bound"
            yield Finding(area, f"{what} {kind}", said, true)


def slope_findings(
    name: str, number: float, bound: float | None, left: Side, right: Side
) -> Iterator[Finding]:
    """Whether a printed gradient is the slope, or lies between the slopes."""
    sides = [side for side in (left, right) if side.kind != "outside"]
    kinds = {side.kind for side in sides}
    if not sides or not kinds <= {"slope", "infinite"}:
        return
    slopes = [side.slope for side in sides]
    what = f"gradient d{name}"
    if len(slopes) == 1 or same(*slopes, 1e-12):
        if mp.isinf(slopes[0]):
            if math.isfinite(number) and (bound is None or math.isfinite(bound)):
                yield Finding("kinks", "gradient finite at an infinite slope", f"{what} {number!r}",
                              words_of(left, right))  # fmt: skip
            return
        nearest = min(max(mp.mpf(number), min(slopes)), max(slopes))  # of a kink too small to see
        slope = nearest if math.isfinite(number) else slopes[-1]
        for finding in number_findings("gradient", number, bound, slope, SLOPE_NOISE):
            yield finding._replace(said=f"d{name}: {finding.said}", true=words_of(left, right))
        return
    low, high = min(slopes), max(slopes)
    if math.isnan(number):
        if bound is None or math.isfinite(bound):
            yield Finding("digits", "gradient nan at a kink", what, words_of(left, right))
        return
    room = WRONG * max(abs(x) for x in (*slopes, 0) if not mp.isinf(x)) + (bound or 0.0)
    if not low - room <= number <= high + room:
        yield Finding("digits", "gradient outside its slopes at a kink", f"{what} {number!r} +- "
                      f"{bound!r}", words_of(left, right))  # fmt: skip


CURE = re.compile(r"; use (.+)$")


def _cures(text: str, point: Point, report: Any) -> Iterator[Finding]:
    """Whether each cure gives, in plain float64, the value of some stage to the last digits.

    A stage of which no digit is certain may be anything in its bound.
    """
    stages = [(stage.value, stage.bound or 0.0) for stage in report.stages]
    values = {x: bound if bound > abs(x) else 0.0 for x, bound in [(report.value, 0.0), *stages]}
    for note in report.notes:
        match = CURE.search(note)
        if not match:
            continue
        for cure in _parts(match.group(1)):
            names = {name: x for name, x in point.items() if re.search(rf"\b{name}\b", cure)}
            try:
                value = asked(
                    gradcli.evaluate, cure, names, arithmetic="float64", check=False
                ).value
            except gradcli.GradcliError:
                continue  # it speaks of stages
            near = [abs(value - x) <= max(1e-11 * abs(x), bound) or value == x
                    for x, bound in values.items()]  # fmt: skip
            if not any(near):
                yield Finding("words", "cure of another value", f"{note} = {value!r}",
                              f"stages {[*values]}")  # fmt: skip


def _parts(text: str) -> list[str]:
    """A list of expressions, parted at the commas outside brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


# ---------------------------------------------------------------- verdicts on claims


def _right_claims(
    tree: Tree, text: str, point: Point, truth: Truth, rng: Random, counts: Counter[str]
) -> Iterator[Finding]:
    claims = {name: claim for name, sides in truth.sides.items()
              if (claim := right_claim(*sides, rng)) is not None}  # fmt: skip
    yield from _claimed("right", text, point, truth, claims, counts)


def _wrong_claims(
    tree: Tree, text: str, point: Point, truth: Truth, rng: Random, counts: Counter[str]
) -> Iterator[Finding]:
    claims = {name: wrong_claim(*sides, rng) for name, sides in truth.sides.items()}
    yield from _claimed("wrong", text, point, truth, claims, counts)


def _claimed(
    what: str, text: str, point: Point, truth: Truth, claims: dict[str, float], counts: Counter[str]
) -> Iterator[Finding]:
    if not claims:
        return
    case = asked(gradcli.check, text, point, claims).cases[0]
    for name, claim in claims.items():
        answer = case.inputs[name]
        counts[f"{what} {answer.verdict}"] += 1
        yield from verdict_findings(f"{what} claim", claim, answer, truth)


def right_claim(left: Side, right: Side, rng: Random) -> float | None:
    """A claim that is right: the slope, one of both, or their mean; None where there is none."""
    slopes = [side.slope for side in (left, right) if side.kind == "slope"]
    if not slopes or any(side.kind in ("jump", "undecided") for side in (left, right)):
        return None
    if len(slopes) == 2:
        slopes.append((slopes[0] + slopes[1]) / 2)
    claim = _float(rng.choice(slopes))
    return claim if math.isfinite(claim) else None


def wrong_claim(left: Side, right: Side, rng: Random) -> float:
    """A claim that is wrong, as far as any is: 1e-5 off, doubled, of the other sign, a number."""
    slopes = [side.slope for side in (left, right) if side.kind == "slope"]
    size = max([abs(_float(s)) for s in slopes if s], default=1.0)
    if not slopes or not any(slopes):
        return rng.choice((1e-5, 1.0, -1.0, 1e-12, 1e8)) * size
    low, high = _float(min(slopes)), _float(max(slopes))
    return rng.choice((
        high + 1e-5 * size, low - 1e-5 * size, high + size, low - size, 2 * high, -high, -low,
        0.0, 3 * low, math.inf, 0.5 * (low + high),
    ))  # fmt: skip


def _float(x: Any) -> float:
    try:
        return float(x)
    except OverflowError:
        return math.inf if x > 0 else -math.inf


ALLOWED = {
    ("smooth", "right"): ("pass", "inconclusive"),
    ("smooth", "wrong"): ("fail", "inconclusive"),
    ("kink", "right"): ("kink", "inconclusive"),
    ("kink", "wrong"): ("fail", "inconclusive"),
    ("border", "right"): ("pass", "inconclusive"),
    ("border", "wrong"): ("fail", "inconclusive"),
    ("infinite", "right"): ("pass", "inconclusive", "undefined"),
    ("infinite", "wrong"): ("fail", "inconclusive", "undefined"),
    ("open", "right"): ("kink", "inconclusive", "undefined"),
    ("open", "wrong"): ("fail", "inconclusive", "undefined"),
    ("jump", "any"): ("undefined", "inconclusive"),
    ("none", "any"): ("undefined", "inconclusive"),
}


def verdict_findings(what: str, claim: float, answer: Any, truth: Truth) -> Iterator[Finding]:
    """Whether a verdict, its kind, its interval and its reason are true of a claim."""
    if truth.status == "pole":
        return
    if truth.status == "outside":
        place, standing = "none", "any"
        left = right = Side("outside")
    else:
        left, right = truth.sides[answer.name]
        place = place_of(left, right)
        standing = "any" if place in ("jump", "none") else standing_of(claim, left, right)
    if place == "unknown" or standing == "unknown":
        return
    said = (f"{what} d{answer.name} = {claim!r}: {answer.verdict} ({answer.kind}; {answer.reason}; "
            f"numeric {answer.numeric!r} +- {answer.bound!r})")  # fmt: skip
    true = words_of(left, right)
    is_joint = (answer.reason or "").startswith("together")
    if answer.verdict not in ALLOWED[place, standing]:
        if not (is_joint and place in ("kink", "open")):
            yield Finding("kinks", f"{standing} {what.rsplit(maxsplit=1)[-1]} at {place}: {answer.verdict}",
                          said, true)  # fmt: skip
        return
    if answer.verdict == "fail" and not answer.reason:
        yield Finding("words", "fail without a reason", said, true)
    if place == "kink" and answer.interval is not None:
        low, high = sorted((left.slope, right.slope))
        room = WRONG * max(abs(low), abs(high))
        if abs(answer.interval[0] - low) > room or abs(answer.interval[1] - high) > room:
            yield Finding("kinks", "interval of a kink", f"{said} {answer.interval}", true)
    if place == "smooth" and answer.kind in ("kink", "jump", "infinite", "nan", "border"):
        yield Finding("words", f"{answer.kind} said of a smooth place", said, true)
    numeric, bound = answer.numeric, answer.bound
    if place != "smooth" or numeric is None or bound is None or not math.isfinite(numeric):
        return
    if abs(numeric - right.slope) > bound * (1 + 1e-9) + 4 * 2.0**-1074:
        yield Finding("kinks", "numeric outside its bound", said, true)


def place_of(left: Side, right: Side) -> str:
    """What kind of place a point is: smooth, kink, border, infinite, open, jump, none, unknown.

    `open` is a kink with an infinite slope on one side or two different ones.
    """
    kinds = {left.kind, right.kind}
    if "undecided" in kinds:
        return "unknown"
    if "jump" in kinds:
        return "jump"
    if kinds == {"outside"}:
        return "none"
    if "outside" in kinds:
        return "infinite" if "infinite" in kinds else "border"
    if kinds == {"slope"}:
        if same(left.slope, right.slope, 1e-9):
            return "smooth"
        return "unknown" if same(left.slope, right.slope, 1e-4) else "kink"
    return "infinite" if left.slope == right.slope else "open"


def standing_of(claim: float, left: Side, right: Side) -> str:
    """Whether a claim is right, wrong, or too near to tell, or too small or large to judge."""
    slopes = [side.slope for side in (left, right) if side.kind != "outside"]
    low, high = min(slopes), max(slopes)
    sizes = [abs(x) for x in slopes if not mp.isinf(x)]
    size = max(sizes, default=mp.zero)
    if math.isnan(claim):
        return "unknown"
    if sizes and size and not LEAST < size < MOST:
        return "unknown"
    if math.isinf(claim):
        if mp.isinf(low) or mp.isinf(high):
            return "right" if low == high == claim else "unknown"
        return "wrong"
    width = max(size, abs(claim)) if low == high or same(low, high, 1e-9) else size
    if low - RIGHT * width <= claim <= high + RIGHT * width:
        return "right" if not mp.isinf(low) or low != high else "wrong"
    if claim < low - WRONG * width or claim > high + WRONG * width:
        return "wrong"
    return "unknown"


def words_of(left: Side, right: Side) -> str:
    """Both sides in words."""
    return ", ".join(
        f"{name} {written(side.slope, 17) if side.kind in ('slope', 'infinite') else side.kind}"
        for name, side in (("left", left), ("right", right))
    )


# ---------------------------------------------------------------- second derivatives


def _hessian(
    tree: Tree, text: str, point: Point, truth: Truth, rng: Random, counts: Counter[str]
) -> Iterator[Finding]:
    if truth.status != "value":
        return
    if any(place_of(*sides) not in ("smooth", "kink") for sides in truth.sides.values()):
        return
    report = asked(gradcli.evaluate, text, point, hessian=True, check=False)
    rows, bounds = report.hessian, report.hessian_bounds
    is_noted = any(note.startswith("hessian:") for note in report.notes)
    for one in point:
        for other in point:
            number = rows[one][other]
            bound = None if bounds is None else bounds[one][other]
            said = f"d2/d{one}d{other}: {number!r} +- {bound!r}"
            try:
                seconds = second_slopes(tree, point, one, other)
            except OutsideError:
                continue
            counts["hessian entries"] += 1
            has_slopes = all(place_of(*truth.sides[name]) == "smooth" for name in (one, other))
            yield from hessian_findings(number, bound, said, seconds, has_slopes, is_noted, counts)


def hessian_findings(
    number: float, bound: float | None, said: str, seconds: list[Side], has_slopes: bool,
    is_noted: bool, counts: Counter[str],
) -> Iterator[Finding]:  # fmt: skip
    """Whether an entry of a Hessian is the second slope from all sides, or a note says otherwise.

    `has_slopes` where the first slopes exist.
    """
    finite = [s.slope for s in seconds if s.kind == "slope"]
    is_whole = len(finite) == len(seconds)
    if has_slopes and is_whole and all(same(s, finite[0], 1e-9) for s in finite):
        if not all(same(s, finite[0], 1e-12) for s in finite):
            return  # too near to tell from one
        if bound is None and is_noted:
            return
        for finding in number_findings("hessian", number, bound, finite[0], SLOPE_NOISE):
            yield Finding("jacobians", finding.kind, said, written(finite[0], 17))
    elif is_whole and all(abs(s) < UNSEEN for s in finite):
        counts["hessian entries below float64"] += 1
    elif not any(s.kind == "undecided" for s in seconds):
        silent = bound is None or math.isfinite(bound)
        if silent and not is_noted and not math.isnan(number):
            true = ", ".join(f"{s.kind} {written(s.slope, 8)}" for s in seconds)
            yield Finding("jacobians", "hessian that does not exist", said, true)
