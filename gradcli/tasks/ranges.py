"""Inputs that are given as ranges: `x=-2:2`."""

from __future__ import annotations

import math

from gradcli.errors import BindingError
from gradcli.evaluation.point import constant
from gradcli.requests import Setting

Range = tuple[float, float]


def range_of(name: str, value: Setting) -> Range | None:
    """The ends of a range such as `-2:2`, or None for any other value. Raises BindingError.

    A colon also stands in the name of a file, and in a slice.
    """
    if not isinstance(value, str) or ":" not in value or value[0] == "@" or "[" in value:
        return None
    low, high = [constant(name, text) for text in value.split(":", 1)]
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        is_turned = math.isfinite(low) and math.isfinite(high)
        hint = "the lower end comes first" if is_turned else "its ends are finite numbers"
        raise BindingError(f"`{name}={value}` is not a range", hint=f"write LOW:HIGH, {hint}")
    return low, high
