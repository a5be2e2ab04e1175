"""Which usual loss the gradients of a network are those of, where its file computes none.

The loss is known up to a number, such as one by the batch: gradients that are the right ones times
one number tell it. A loss by which no gradient is right accuses nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from gradcli.errors import GradcliError
from gradcli.evaluation.point import at, inputs_of
from gradcli.program.model import Program
from gradcli.python.parameters.guesses import TARGETS
from gradcli.python.parameters.styles import Style
from gradcli.python.parameters.usual_losses import USUAL_LOSSES
from gradcli.requests import PLAIN
from gradcli.tasks.check import Checked
from gradcli.tasks.conventions import is_by_features

SAME = 1e-6  # relative: factors that differ by less are one
LEAST_ELEMENTS = 2  # of a gradient, before any factor of all of them says something
LARGEST = 100  # number that a single one is divided by, before any factor would be near such a one
OF_SHARES = "the cross-entropy"  # whose targets are a single 1 in each example


def by_usual_loss(
    read: Callable[[Style], Program], check: Callable[[Style], Checked], why: str
) -> Checked | None:
    """The check by the loss by which most gradients are right; None where none is by any.

    A note says why it is not the file's own.
    """
    best, most = None, (0, 0, False, False, False)
    for style in _styles():
        try:
            program = read(style)
            factors = [*_factors(program)]
        except GradcliError:
            continue
        examples, _ = _sizes(program)
        counts = Counter(factors)
        for factor, _ in counts:
            is_mean = any(abs(factor * n - 1) < SAME for n in examples)
            is_written = factor != 1.0  # by somebody
            count = counts[factor, True], counts[factor, False]
            weight = *count, _plain_count(factor) > 0, is_mean, is_written
            if weight > most:
                best, most = style._replace(scale=factor), weight
    if best is None:
        return None
    checked = check(best)
    is_right = checked.case.verdict in ("pass", "kink")
    told = f"right for {_words(best)}" if is_right else f"held to {_words(best)}"
    case = checked.case
    if is_right and is_by_features(best.scale, *_sizes(read(best))):
        told = f"{told}, which is how many features there are, and not how many examples"
        inputs = {n: c._replace(verdict="inconclusive", reason=told)
                  for n, c in case.inputs.items()}  # fmt: skip
        case = case._replace(verdict="inconclusive", inputs=inputs, lines=[])
    notes = [*case.notes, f"{why}: {told}"]
    return checked._replace(case=case._replace(notes=notes))


def _sizes(program: Program) -> tuple[set[int], set[int]]:
    """The sizes of inputs that no weight has, and those that weights have and targets have not."""
    shapes = {name: {*program.graph.shape(node)} for name, node in program.inputs.items()}
    weights = {n for name, own in shapes.items() if name in program.claims for n in own}
    targets = {n for name, own in shapes.items() if TARGETS.match(name) for n in own}
    others = {n for name, own in shapes.items() if name not in program.claims for n in own} - {1}
    return others - weights, (others & weights) - targets


def _styles() -> Iterator[Style]:
    for loss in USUAL_LOSSES:
        for targets in ("", "rows", "columns") if loss == OF_SHARES else ("",):
            yield Style(loss=loss, targets=targets, leaves_late=True)


def _factors(program: Program) -> Iterator[tuple[float, bool]]:
    """The positive numbers that gradients are the right ones times, of each that has one.

    And whether it is that of all elements, or of half of them: a bias may stand among weights.
    """
    import numpy as np  # late: numbers do not need it

    point = at(program, inputs_of(program), PLAIN)
    for name, node in program.claims.items():
        own = program.inputs[name] if name in program.inputs else program.stages[name]
        claim = np.asarray(point.run.values[node], dtype=float)
        true = np.broadcast_to(point.gradient(own), claim.shape)
        if not np.isfinite([claim, true]).all() or not true.any():
            continue
        largest = np.unravel_index(np.argmax(np.abs(true)), true.shape)
        factor = _plain(float(claim[largest] / true[largest]))
        if true.size < LEAST_ELEMENTS and not _plain_count(factor):
            continue
        slack = SAME * abs(factor * true[largest])
        if factor > 0 and np.allclose(claim, factor * true, rtol=SAME, atol=slack):
            yield factor, True
            continue
        factor = _plain(float(np.median(claim[true != 0] / true[true != 0])))
        are_right = np.isclose(claim, factor * true, rtol=SAME, atol=slack)
        if factor > 0 and true.size >= LEAST_ELEMENTS and 2 * are_right.sum() > true.size:
            yield factor, False


def _plain(factor: float) -> float:
    """A factor to nine digits; one that is near a half, a third, ... or twice that is this."""
    count = _plain_count(factor)
    return 2 / count if count else float(f"{factor:.9g}")


def _plain_count(factor: float) -> int:
    """The number that 2 is divided by in a factor; 0 where that is none up to the largest."""
    count = round(2 / factor) if factor * LARGEST > 1 else 0
    return count if abs(factor * count / 2 - 1) < SAME else 0


def _words(style: Style) -> str:
    """The loss of a style as a note calls it: by which number it is divided, or multiplied."""
    count = round(1 / style.scale)
    if count > 1 and abs(style.scale * count - 1) < SAME:
        return f"{style.loss}, divided by {count}"
    return style.loss if abs(style.scale - 1) < SAME else f"{style.loss}, times {style.scale:.6g}"
