"""Losses that networks are trained for, where a file computes none itself.

Which of them is meant, and by what number it is divided, the gradients of the file have to tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradcli.python.rows.elementwise import ROWS as GATES
from gradcli.python.rows.reductions import ROWS as REDUCTIONS
from gradcli.python.state.reader import Reader
from gradcli.python.state.values import Array

Loss = Callable[[Reader, Any, Any], Any]


def _squares(reader: Reader, output: Array, target: Array) -> Any:
    difference = GATES["subtract"](reader, output, target)
    return GATES["multiply"](reader, 0.5, GATES["square"](reader, difference))


def _entropy(reader: Reader, output: Array, target: Array) -> Any:
    logarithm = GATES["log"](reader, output)
    return GATES["negative"](reader, GATES["multiply"](reader, target, logarithm))


def _logistic(reader: Reader, output: Array, target: Array) -> Any:
    others = (GATES["subtract"](reader, 1.0, x) for x in (output, target))
    return GATES["add"](reader, _entropy(reader, output, target), _entropy(reader, *others))


def _counts(reader: Reader, output: Array, target: Array) -> Any:
    return GATES["add"](reader, output, _entropy(reader, output, target))


def _scores(reader: Reader, output: Array, target: Array) -> Any:
    """The cross-entropy of a softmax of rows, which the backward part computes itself."""
    total = REDUCTIONS["sum"](reader, target, axis=-1)
    logarithm = REDUCTIONS["logsumexp"](reader, output, axis=-1)
    own = REDUCTIONS["sum"](reader, GATES["multiply"](reader, target, output), axis=-1)
    return GATES["subtract"](reader, GATES["multiply"](reader, total, logarithm), own)


# By what they are called in notes; `squares` stands first, as it has a value for any output.
USUAL_LOSSES: dict[str, Loss] = {
    "half the squared errors": _squares,
    "the binary cross-entropy": _logistic,
    "the cross-entropy": _entropy,
    "the likelihood of Poisson counts": _counts,
    "the cross-entropy of scores": _scores,
}


def usual_loss(reader: Reader, words: str, scale: float, output: Array, target: Array) -> Any:
    """The sum of a loss over all outputs, times a number."""
    total = REDUCTIONS["sum"](reader, USUAL_LOSSES[words](reader, output, target))
    return GATES["multiply"](reader, scale, total)
