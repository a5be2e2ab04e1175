"""Gradients that are right for one column only: a mean is over all numbers, or over the examples.

`np.mean((p - y)**2)` with `2 * (p - y) / len(p)` is right for one column and for a vector. With k
columns all gradients are k times what they should be, or a k-th of it, and nothing in the file says
how many there are: that is neither right nor wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from gradcli.errors import GradcliError
from gradcli.python.assembly import Misshapen
from gradcli.python.parameters.guesses import TARGETS
from gradcli.python.parameters.likely_axes import reduced_axes
from gradcli.python.reading import Reading
from gradcli.reports.checks import Case
from gradcli.tasks.check import Checked
from gradcli.tasks.conventions import SAME, factors_of_each

MOST_NARROWED = 2  # inputs with columns of their own
ONE_LAYER = 2  # gradients: of the weight, and of its bias
ONE_COLUMN = "nearly right for one column; what is told is wrong even then"


def for_one_column(
    failed: Checked, original: Reading, again: Callable[[], Reading],
    check: Callable[[Reading], Checked], most: int = MOST_NARROWED,
) -> Checked | None:  # fmt: skip
    """The check with one column, where some of what failed is as many times as there are columns.

    `again` gives another reading of the same subject, which is made that of one column. What is
    right there was compared with several columns too, but for that number. Inputs with columns of
    their own, real examples and made ones, are narrowed one after the other. None where nothing is.
    """
    count = _columns(failed.case, original)
    if count is None or original.choice is None or not most or _reduces(original, count):
        return None
    reading = again()
    reading.refused = [original.choice]
    reading.style = original.style if original.style.through else original.likely_style
    reading.single = count
    try:
        narrow = check(reading)
    except GradcliError:
        return None
    factors = {*factors_of_each(failed.case).values()}
    if most < MOST_NARROWED:  # the first input is right by now
        factors = {factor for factor in factors if factor is None or abs(factor - 1) > SAME}
    if narrow.case.verdict == "fail":
        deeper = for_one_column(narrow, reading, again, check, most - 1)
        if deeper is None or deeper.case.verdict == "fail":
            return _noted(narrow, ONE_COLUMN)
        if deeper.case.verdict == "inconclusive":
            return deeper
        narrow, factors = deeper, {factor for factor in factors if _is(count)(factor)}
    if narrow.case.verdict not in ("pass", "kink") or not all(map(_is(count), factors)):
        return None
    shapes = {n: s for n, s in original.choice.shapes.items() if len(s) > 1 and count in s}
    what = "column" if all(s[-1] == count for s in shapes.values()) else "row or column"
    words = f"right for one {what} of {_listed([*shapes])} only: with {count}"
    change = f"{count} times" if max(filter(None, factors)) > 1 else f"1/{count} of"
    if reading.has_logarithm or reading.has_margin:  # of a probability: there most often is one
        return _noted(narrow, f"{words} the gradient would be {change} what it should be")
    name, shape = next(iter(shapes.items()))
    cure = f"# gradcli: {name} = randn{tuple(1 if n == count else n for n in shape)}"
    reason = f"{words} it is {change} the gradient; nothing says how many there are"
    return Checked(_undecided(failed.case, reason, cure), failed.program)


def for_one_unit(
    misfit: Misshapen, original: Reading, reading: Reading, check: Callable[[Reading], Checked]
) -> Checked | None:  # fmt: skip
    """The check with one unit, where the gradient of its bias is one number: `db = np.sum(dz)`.

    With several units that would lack an axis, and nothing in the file says how many there are.
    Wrong is what is wrong with one unit, too, where the file is that of one: a logistic regression.
    None where the bias is not that of a loss, or one unit is not right either.
    """
    if not misfit.shapes or original.choice is None:
        return None
    has, wants = misfit.shapes
    units = [n for n in wants if n != 1]
    is_loss = all(upstream is None for _, upstream in original.driven_last.outputs)
    if prod(has) != 1 or len(units) != 1 or not is_loss:
        return None
    shapes = {n: s for n, s in original.choice.shapes.items() if len(s) > 1 and units[0] in s}
    if not any(map(TARGETS.match, shapes)):  # units within a network are never one
        return None
    reading.refused, reading.style = [original.choice], original.likely_style
    reading.single = units[0]
    try:
        narrow = check(reading)
    except GradcliError:
        return None
    claims = {check.whole: check.claim for check in narrow.case.inputs.values()}
    is_one = reading.has_logarithm and len(reading.weights) <= ONE_LAYER
    if is_one and narrow.case.verdict == "fail":
        return _noted(narrow, f"taken is one unit: the gradient of `{misfit.of}` is one number")
    own = [check for check in narrow.case.inputs.values() if check.whole == misfit.of]
    if narrow.case.verdict == "fail" and own and all(check.verdict == "pass" for check in own):
        words = f"with one unit the gradient of `{misfit.of}` is right"
        return _noted(narrow, f"{words}; told is what is wrong even then")
    if narrow.case.verdict not in ("pass", "kink") or 0.0 in claims.values():
        return None
    words = f"right for one unit only: the gradient of `{misfit.of}` is one number"
    if is_one:
        return _noted(narrow, words)
    name, shape = next(iter(shapes.items()))
    cure = f"# gradcli: {name} = randn{tuple(1 if n == units[0] else n for n in shape)}"
    reason = f"{words}, and nothing says how many there are"
    return Checked(_undecided(narrow.case, reason, cure), narrow.program)


def _noted(checked: Checked, words: str) -> Checked:
    case = checked.case
    return Checked(case._replace(notes=[*case.notes, words]), checked.program)


def _undecided(case: Case, reason: str, cure: str) -> Case:
    """The case as one that neither passes nor fails."""
    inputs = {n: c._replace(verdict="inconclusive", reason=reason) for n, c in case.inputs.items()}
    note = f"{reason}: {cure}, or of other axes, says it"
    return case._replace(verdict="inconclusive", inputs=inputs, notes=[*case.notes, note], lines=[])


def _columns(case: Case, reading: Reading) -> int | None:
    """How many columns some inputs have, where a gradient is so many times too large or small.

    A loss is a mean over them, of which the gradient has an axis; over examples a weight has none,
    and what is no weight most often has them first.
    """
    driven = reading.driven_last
    if reading.choice is None or any(upstream is not None for _, upstream in driven.outputs):
        return None
    own: set[int] = set()
    for claim in reading.claims.claims:
        shape = driven.reader.tape.shape(claim.leaf.node)
        own.update(shape if claim.leaf.name in reading.weights else shape[1:])
    sizes = [n for shape in reading.choice.shapes.values() if len(shape) > 1 for n in shape]
    factors = [factor for factor in factors_of_each(case).values() if factor]
    return next(
        (n for n in dict.fromkeys(sizes) if n > 1 and n in own and any(map(_is(n), factors))), None
    )


def _reduces(reading: Reading, count: int) -> bool:
    """Whether columns alone are added up or averaged, so that the code is for more than one."""
    graph = reading.driven_last.reader.tape.graph
    for node in range(len(graph)):
        axes = reduced_axes(graph, node)
        shape = graph.shape(graph.operands[node][0]) if len(axes) == 1 else ()
        if len(shape) > 1 and axes[0] % len(shape) and shape[axes[0]] == count:
            return True
    return False


def _is(count: int) -> Callable[[float | None], bool]:
    """Tells whether a factor is some number, or 1 by it."""
    return lambda factor: (
        factor is not None
        and any(abs(number - 1) <= SAME for number in (factor / count, factor * count))
    )


def _listed(names: list[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)
