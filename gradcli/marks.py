"""The mark that makes a gate of a function or says more of a class, for `--gates FILE.py` to find.

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
