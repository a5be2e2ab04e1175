"""How much work in many digits one question may take: counted, so that every machine says the same.

A gate in 1,000 digits takes a thousand to a million times as long as one in float64, and no caller
knows beforehand how many there will be. So each pass and each slow function is paid for; where
nothing is left TooLongError is raised, which is dealt with as an operand that is out of reach is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from threading import local

MOST = 5e6  # units of work, each about a microsecond, for one program at one point
ASIDE = 2e6  # of those for its second derivatives or its Jacobian, and for the verdicts on them
PRICE, PRICE_OF_DIGIT = 15.0, 0.05  # of a sum or a product, with its bound
TRANSCENDENTAL = (40.0, 0.6, 4e-4)  # what exp and its like take: by no, one, two powers of digits
STEEP, STEEP_OF_DIGIT = 8.0, 1 / 7  # times that for the gates below
SERIES = {  # and what part of it, for those that sum long series
    **dict.fromkeys(("erf", "erfc", "normcdf", "erfcx"), 0.15),
    **dict.fromkeys(("gamma", "lgamma"), 0.2),
    **dict.fromkeys(("digamma", "erfinv"), 0.35),
    "polygamma": 1.0,
}
CHEAP = ("div", "sqrt", "abs", "max", "min", "floor", "ceil", "round", "winner", "lead", "trail")


class OutOfReachError(ArithmeticError):
    """An operand is too large for mpmath to finish: exp applied four times to 3, say."""

    def __init__(self, reason: str = "an operand is too large for many-digit arithmetic") -> None:
        super().__init__(reason)


class TooLongError(OutOfReachError):
    """All work that one question may take is done."""

    def __init__(self) -> None:
        super().__init__("many digits would take long here")


class _Left(local):
    """What is left to the question that a thread is at."""

    work: float | None = None  # outside any question all is free


_left = _Left()


@contextmanager
def limited(work: float = MOST) -> Iterator[None]:
    """The context of one question; within another's, work is the other's."""
    if _left.work is not None:
        yield
        return
    _left.work = work
    try:
        yield
    finally:
        _left.work = None


@contextmanager
def unlimited() -> Iterator[None]:
    """The context of a few passes without which what is right would be called wrong."""
    before, _left.work = _left.work, None
    try:
        yield
    finally:
        _left.work = before


def spend(work: float) -> None:
    """Pay for work. Raises TooLongError where nothing is left; outside any question all is free."""
    if _left.work is not None:
        _left.work -= work
        if _left.work < 0:
            raise TooLongError


def left() -> float:
    """What is left to the question; infinite outside any."""
    return inf if _left.work is None else _left.work


def ensure(work: float) -> None:
    """Raise TooLongError, with nothing left, where there is less than what must be done."""
    if left() < work:
        spend(work)


def price(name: str, digits: float) -> float:
    """What a gate without a text takes in so many digits."""
    if name in CHEAP:
        return PRICE + PRICE_OF_DIGIT * digits
    constant, linear, square = TRANSCENDENTAL
    work = constant + (linear + square * digits) * digits
    if name in SERIES:
        work *= SERIES[name] * (STEEP + STEEP_OF_DIGIT * digits)
    return work


def pass_price(gates: int, digits: float) -> float:
    """What a pass over so many gates takes beside the gates that are dear by themselves."""
    return gates * (PRICE + PRICE_OF_DIGIT * digits)
