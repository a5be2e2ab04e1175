"""What may be asked of a program, and every default: stated once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

# Tolerances are data, with a reason each.
TOLERANCE = 1e-6  # relative; there is no absolute one, which would pass a doubled 1e-9
BUDGET = 2e7  # gate evaluations
SAMPLES = 20  # points of a range
MOST_GATES = 20_000  # above it neither bounds nor many digits, unless asked for
MOST_CHECKED = 1_000  # elements of inputs that are checked one by one
MOST_ELEMENTS = 50_000_000  # of all arrays of a graph: 400 MB a copy
RAISE = "raise the limit with --max-array N"

Setting = Any  # a number, lists of numbers, an array, or a constant expression as text


class Settings:
    """How strict the checker is and how much it may compute."""

    __slots__ = ("budget", "tolerance")

    def __init__(self, tolerance: float = TOLERANCE, budget: float = BUDGET) -> None:
        self.tolerance = tolerance
        self.budget = budget


class Request:
    """What is asked of a program that has been read."""

    __slots__ = (
        "arithmetic", "check", "check_budget", "digits", "exact", "hessian", "jacobian",
        "max_elements", "tolerance", "upstream", "wrt",
    )  # fmt: skip

    def __init__(
        self,
        wrt: Sequence[str] | None = None,
        upstream: Setting | None = None,
        check: bool = True,
        check_budget: float = BUDGET,
        tolerance: float = TOLERANCE,
        exact: bool = False,
        arithmetic: str = "auto",
        digits: int | None = None,
        max_elements: int = MOST_CHECKED,
        jacobian: bool = False,
        hessian: bool = False,
    ) -> None:
        self.wrt = wrt
        self.upstream = upstream
        self.check = check
        self.check_budget = check_budget
        self.tolerance = tolerance
        self.exact = exact
        self.arithmetic = arithmetic  # auto, float64 or mpmath
        self.digits = digits  # so many correct ones of value and gradients
        self.max_elements = max_elements  # of inputs that are checked one by one
        self.jacobian = jacobian  # whether it is asked for
        self.hessian = hessian

    def changed(self, upstream: Setting | None, check: bool) -> Request:
        """The same for another upstream gradient, with or without the check."""
        return Request(
            self.wrt, upstream, check, self.check_budget, self.tolerance, self.exact,
            self.arithmetic, self.digits, self.max_elements, self.jacobian, self.hessian,
        )  # fmt: skip


class Options:
    """How a program is read."""

    __slots__ = ("expand", "most_elements", "output", "seed", "varied")

    def __init__(
        self, output: str | None = None, expand: bool = False,
        seed: int | None = None, most_elements: int = MOST_ELEMENTS, varied: Iterable[str] = (),
    ) -> None:  # fmt: skip
        self.output = output
        self.expand = expand
        self.seed = seed  # of randn; None: the program's own, or 0
        self.most_elements = most_elements  # of all arrays of the program
        self.varied = frozenset(varied)  # inputs that get other values later: no sizes


class CheckRequest(NamedTuple):
    """What is asked of a case besides its text and bindings."""

    claims: dict[str, Setting] = {}  # noqa: RUF012  # never written to
    wrt: Sequence[str] | None = None
    upstream: Setting | None = None
    tolerance: float = TOLERANCE
    exact: bool = False
    samples: int = SAMPLES
    seed: int | None = None  # of sampled points and of randn; None: 0, or the program's own
    budget: float = BUDGET
    max_array: int = MOST_ELEMENTS
    max_elements: int = MOST_CHECKED  # of inputs that are checked one by one

    def at_a_point(self) -> Request:
        """What is asked of the program at each point."""
        return Request(
            self.wrt, self.upstream, True, self.budget, self.tolerance, self.exact,
            max_elements=self.max_elements,
        )  # fmt: skip
