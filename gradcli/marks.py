"""Marks on functions and classes, which stay what they are.

`gate` makes gates that `--gates FILE.py` finds, `checked` tests that `pytest --gradcli` runs.

>>> @gate(backward=lambda upstream, x: 2 * x * upstream, samples="1.5; -0.3")
... def squared(x):
...     return x * x
>>> squared(3.0)
9.0
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T", bound=Callable[..., Any])


class Mark(NamedTuple):
    """What a gate says of itself beside its code."""

    backward: Callable[..., Any] | None  # of (upstream, *inputs, **constants)
    domain: str  # holds where it is defined: `x > 0`
    kinks: str  # zero where its slope jumps: `x`
    samples: Any  # points: `1.5; -0.3`, or a list of tuples of inputs


def gate(
    subject: Any = None, *, backward: Callable[..., Any] | None = None, domain: str = "",
    kinks: str = "", samples: Any = None,
) -> Any:  # fmt: skip
    """Mark a function as a gate; it stays the function it is.

    `backward(upstream, *inputs, **constants)` gives the gradient of each input. Without one the
    function itself returns its value and a function of the upstream gradient that gives them.
    `domain` and `kinks` are texts in the language of gradcli, `samples` points to check it at.
    On a class with `forward` and `backward` only the last three have a meaning.
    """

    def marked(one: T) -> T:
        one.gradcli_gate = Mark(backward, domain, kinks, samples)  # type: ignore[attr-defined]
        return one

    return marked if subject is None else marked(subject)


class Checked(NamedTuple):
    """How the gradient of a function is checked as a test."""

    gradient: Callable[..., Any] | None
    points: tuple[Any, ...]
    options: dict[str, Any]  # keywords of `gradcli.testing.assert_gradient`


def checked(
    grad: Callable[..., Any] | None = None, *points: Any, **options: Any
) -> Callable[[T], T]:
    """Mark a function whose gradient `pytest --gradcli` checks at some points.

    The arguments are those of `gradcli.check_function` after the function itself.

    >>> @checked(lambda x: 2 * x, 1.5, -0.3)
    ... def squared(x):
    ...     return x * x
    >>> squared(3.0)
    9.0
    """

    def marked(function: T) -> T:
        function.gradcli_checked = Checked(grad, points, options)  # type: ignore[attr-defined]
        return function

    return marked
