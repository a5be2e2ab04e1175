"""What is said of a reading: which result is whose gradient, what was taken for the inputs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from gradcli.python.driving.driven import Driven
from gradcli.python.driving.held import Mapped
from gradcli.python.parameters.guesses import LEARNING, TARGETS
from gradcli.python.parameters.misfits import WEIGHT
from gradcli.python.state.values import Array, Class, Function, Instance, Library

SQUARE = 2  # axes of a matrix


def taken(extra: dict[str, Any], inferred: Collection[str], is_single: bool) -> str:
    """The values that nobody gave, in words, and where they come from."""
    parts = []
    for words, is_own in (("taken from the file", False), ("inferred from the code", True)):
        shown = [f"{n} {shown_value(v)}" for n, v in extra.items() if (n in inferred) == is_own]
        parts += [f"inputs {words}: {', '.join(shown)}"] if shown else []
    one = ", one example at a time" if is_single else ""
    return f"{'; '.join(parts)}{one} (NAME=VALUE sets others)" if parts else ""


def shown_value(value: Any) -> str:
    """A value as a note shows it: an array by its shape."""
    if isinstance(value, Array):
        shape = tuple(value.content.shape)
        return f"{shape} symmetric" if _is_symmetric(value.content) else str(shape)
    if isinstance(value, dict):
        inner = ", ".join(
            f"{key!r}: {shown_value(part).removeprefix('= ')}" for key, part in value.items()
        )
        return f"{{{inner}}}"
    if isinstance(value, float):
        return f"= {value:.3g}"
    if isinstance(value, (Function, Class)):
        return f"= {value.name.removeprefix('helper ')}"
    if isinstance(value, Instance):
        return f"= {value.cls.name}()"
    if isinstance(value, list) and any(isinstance(part, (Array, Instance)) for part in value):
        return f"= [{', '.join(shown_value(part).removeprefix('= ') for part in value)}]"
    if isinstance(value, Library):
        return f"= {value.name.removeprefix('helper ')}"
    return f"= {list(value) if isinstance(value, list) else value!r}"


def _is_symmetric(content: Any) -> bool:
    """Whether an array is a symmetric matrix."""
    shape = content.shape
    is_square = content.ndim == SQUARE and shape == shape[::-1]
    return is_square and shape[0] > 1 and bool((content == content.T).all())


def without(claims: Mapped, driven: Driven) -> str:
    """The weights, and the inputs of a layer, of which no result is the gradient, in words."""
    claimed = {claim.leaf.node for claim in claims.claims}
    is_layer = bool(driven.upstreams)
    names = [
        leaf.short for leaf in driven.leaves
        if leaf.node not in claimed
        and (is_layer or WEIGHT.match(leaf.short) or not leaf.is_parameter)
        and not LEARNING.match(leaf.short) and not TARGETS.match(leaf.short)
    ]  # fmt: skip
    if not names or not claimed:
        return ""
    return f"no result is the gradient of {', '.join(names)}: nothing is told of that"


def mapping(claims: Mapped) -> str:
    """Which result is taken for whose gradient, in words."""
    pairs = [f"{c.result.words or 'the result'} of {c.leaf.short}" for c in claims.claims]
    return f"gradients: {', '.join(pairs)}" if pairs else ""
