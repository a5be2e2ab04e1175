"""Requests: the options of `eval` and `check`, with every default and tolerance stated once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gradcli.errors import UsageError
from gradcli.named_tuples import NamedTuple

# Tolerances are data, with a reason each.
TOLERANCE = 1e-6  # relative; there is no absolute one, which would pass a doubled 1e-9
BUDGET = 2e7  # gate evaluations
SAMPLES = 20  # points of a range
MOST_GATES = 20_000  # above it no many digits: these take seconds
MOST_WITH_BOUNDS = 500_000  # gates; above it no bounds, for which they are run again: 5 s
MOST_CHECKED = 1_000  # elements of inputs that are checked one by one
TIMEOUT = 10.0  # seconds for one call of other people's code
MOST_ELEMENTS = 50_000_000  # of all arrays of a graph: 400 MB a copy
MOST_MEMORY = 1_024  # MiB
MOST_DIGITS = 1_000  # of a whole number: of thousands, Python itself reads none
RAISE = "raise the limit with --max-array N"

Setting = Any  # a number, lists of numbers, an array, or a constant expression as text


class Request(NamedTuple):
    """The options for one program; `eval` and `check` each read those that concern them."""

    # How it is read.
    output: str | None = None  # the stage to differentiate; None: the program's own
    expand: bool = False  # composite gates as elementary ones
    fuse: bool = False  # written-out forms as one gate
    seed: int | None = None  # of randn and of sampled points; None: the program's own, or 0
    max_array: int = MOST_ELEMENTS  # most elements of all arrays
    max_memory: int = MOST_MEMORY  # MiB, of all that is held at once
    fills_gaps: bool = False  # gradients that are read and that no line gives are the true ones
    # What is differentiated, and how its numbers are found.
    wrt: Sequence[str] | None = None  # inputs; None: the program's own choice, or all
    upstream: Setting | None = None  # the gradient of the output; None: the program's own, or 1
    jacobian: bool = False
    hessian: bool = False
    arithmetic: str = "auto"  # auto, float64 or mpmath
    digits: int | None = None  # so many correct ones of value and gradients
    local: bool = False  # with the chain rule along every wire
    # What is checked, and how strictly.
    check: bool = True
    claims: Mapping[str, Setting] = {}  # by input; never written to
    tolerance: float = TOLERANCE
    keeps_tolerance: bool = False  # it was asked for, and wins over the program's own
    digits_written: bool = False  # numbers that are right to their digits pass
    exact: bool = False  # no allowance for the rounding of a float64 backward pass
    samples: int = SAMPLES  # points, where inputs are ranges
    check_budget: float = BUDGET  # gate evaluations at one point
    max_elements: int = MOST_CHECKED  # of inputs that are checked one by one
    only_here: bool = False  # no second point: what is checked holds for one run only
    # Of gates of the user's own.
    gates: Sequence[str] = ()  # files that hold them, which are run
    override: bool = False  # they may have the names of built-in ones
    timeout: float = TIMEOUT  # seconds for a call of one
    # Of Python files.
    grads: Mapping[str, str] = {}  # result -> the input whose gradient it is; never written to
    fix_self: bool = False  # methods that lack it have the parameter `self`


PLAIN = Request()  # nothing special


def valid(request: Request) -> Request:
    """The request, unchanged, once its tolerance is known to be usable.

    Raises UsageError for a tolerance that is not finite: with it nothing, or anything, would agree.
    """
    if not 0 <= request.tolerance < math.inf:
        raise UsageError(f"the tolerance is {request.tolerance}, not a finite number of 0 or more",
                         hint=f"the default is {TOLERANCE:g}")  # fmt: skip
    return request


def whole_number(text: str) -> int | None:
    """The whole number of 0 or more that a text of digits is; None for any other, or a huge one."""
    return int(text) if text.isdecimal() and len(text) <= MOST_DIGITS else None


def finite_number(text: str) -> float | None:
    """The finite number of 0 or more that a text is; None for any other text."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < math.inf else None
