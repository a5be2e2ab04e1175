"""What a backward part returns, as one gradient for each input."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from gradcli.errors import UsageError

TARGET = re.compile(r"^_?(y_?true|labels?|targets?|classes|ids|index|indices|mask)$",
                    re.IGNORECASE)  # fmt: skip


class Misfit(NamedTuple):
    """A result that is not one gradient for each input: the name of the mistake, and in words."""

    mistake: str
    words: str


class NotAGradient(UsageError):
    """What is claimed as the gradient is not one gradient for each input."""

    def __init__(self, mistake: str, words: str) -> None:
        super().__init__(words)
        self.mistake = mistake


Gradients = list[Any]  # by input, an array of float64 in its shape; None: none is claimed


def is_real(x: Any) -> bool:
    """Whether an input is differentiated by: a float, or an array of floats."""
    import numpy as np  # late: it is in an open room

    try:
        return not isinstance(x, (str, bool)) and x is not None and np.asarray(x).dtype.kind == "f"
    except ValueError:  # a ragged list
        return False


def real_places(
    inputs: Sequence[Any], names: Sequence[str], wrt: Sequence[str] | None
) -> list[int]:
    """The places of the inputs that are differentiated by: all real ones, or those asked for."""
    return [k for k, x in enumerate(inputs) if is_real(x) and (not wrt or names[k] in wrt)]


def gradients_of(
    returned: Any, names: Sequence[str], inputs: Sequence[Any], value: Any
) -> Gradients | Misfit:
    """The gradients by the inputs, by position or by name; `value` is what forward gave."""
    parts = _parts(returned, names, inputs)
    if isinstance(parts, Misfit):
        return parts
    gradients: Gradients = []
    for name, x, part in zip(names, inputs, parts, strict=True):
        fitted = None if part is None or not is_real(x) else _fitted(name, x, part, value)
        if isinstance(fitted, Misfit):
            return fitted
        gradients.append(fitted)
    if all(part is None for part in gradients):
        return Misfit("gradient-count", "backward returns no gradient")
    return gradients


def _parts(returned: Any, names: Sequence[str], inputs: Sequence[Any]) -> list[Any] | Misfit:
    """What is returned, part by part, None for an input that has none."""
    import numpy as np  # late: it is in an open room

    if isinstance(returned, dict):
        by_name = {name: _named(returned, name) for name in names}
        if any(part is not None for part in by_name.values()):
            return [*by_name.values()]
        returned = [*returned.values()]
    count = len(inputs)
    is_several = isinstance(returned, (list, tuple))
    is_column = count > 1 and isinstance(returned, np.ndarray) and returned.shape[:1] == (count,)
    if is_column and not any(np.shape(x) for x in inputs):
        is_several = True
    parts = [*returned] if is_several else [returned]
    if count == 1 and isinstance(returned, list) and len(returned) != 1:
        parts = [returned]  # the gradient of a list
    if len(parts) == count:
        return parts
    real = [k for k, x in enumerate(inputs) if is_real(x)]
    wanted = [k for k in real if not TARGET.match(names[k])]
    for places in (real, wanted):
        if len(parts) == len(places):
            at = dict(zip(places, parts, strict=True))
            return [at.get(k) for k in range(count)]
    has, takes = _counted(len(parts), "gradient"), _counted(count, "input")
    return Misfit("gradient-count", f"backward returns {has}, forward takes {takes}")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def _named(returned: dict[str, Any], name: str) -> Any:
    spellings = (name, f"d{name}", f"d_{name}", f"grad_{name}", f"{name}_grad", f"g{name}")
    return next((returned[key] for key in spellings if key in returned), None)


def _fitted(name: str, x: Any, part: Any, value: Any) -> Any:
    """A gradient as an array of float64; a Misfit where it is none, or of another shape."""
    import numpy as np  # late: it is in an open room

    try:
        gradient = np.asarray(part)
    except ValueError:
        return Misfit("gradient-type", f"the gradient of `{name}` is a ragged list")
    if np.ma.is_masked(part):
        return Misfit("gradient-type", f"the gradient of `{name}` is masked in places")
    if gradient.dtype.kind not in "fiub":
        return Misfit("gradient-type", f"the gradient of `{name}` is {_kind(part, gradient)}, not "
                      "real numbers")  # fmt: skip
    shape, own = gradient.shape, np.shape(x)
    if shape == own:
        return gradient.astype(float)
    words = f"the gradient of `{name}` has {_shape(shape)}, `{name}` has {_shape(own)}"
    has_axes_of_value = shape == np.shape(value) and len(shape) > len(own)
    is_repeated = _repeats(own, shape)
    return Misfit("unsummed-axis" if has_axes_of_value or is_repeated else "gradient-shape", words)


def _kind(part: Any, gradient: Any) -> str:
    return f"an array of {gradient.dtype}" if gradient.shape else type(part).__name__


def _shape(shape: tuple[int, ...]) -> str:
    return f"shape {shape}" if shape else "no axes: it is one number"


def _repeats(shape: tuple[int, ...], wide: tuple[int, ...]) -> bool:
    """Whether one shape is another that was broadcast, and so more than an axis of size 1."""
    import math

    if math.prod(wide) <= math.prod(shape) or len(wide) < len(shape):
        return False
    own = (1,) * (len(wide) - len(shape)) + shape
    return all(a in (b, 1) for a, b in zip(own, wide, strict=True))
