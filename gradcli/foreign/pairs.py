"""A function and its gradient as people write them, with one convention for both.

    f(x, y) -> number           grad(x, y) -> gradients by x and y           scipy's f and jac
    f(x, y) -> array            grad(x, y, upstream), grad(upstream, x, y)   a pullback
    f(x, y) -> array            grad(x, y) -> Jacobians, or elementwise slopes
    f(x, y) -> value, gradients, or value, pullback                          no grad
    f(x, y) -> value, cache     grad(upstream, cache)                        forward and backward

Arguments that are no floats (labels, counts, texts) are handed on as they are.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

from gradcli.errors import UsageError
from gradcli.foreign.gradients import Misfit, NotAGradient, gradients_of, real_places

UPSTREAM = (
    "upstream", "g", "u", "v", "ct", "cotangent", "dout", "dy", "df", "dz", "d_out", "dupstream",
    "gout", "grad_out", "grad_output", "grad_outputs", "output_grad", "out_grad",
)  # names of a parameter that is the upstream gradient  # fmt: skip
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
FIRST, LAST, NONE, CACHED = "first", "last", "none", "cached"


class Pair:
    """A function of some inputs, and what is claimed as its gradient."""

    def __init__(
        self, function: Callable[..., Any], gradient: Callable[..., Any] | None,
        inputs: Sequence[Any], names: Sequence[str] | None = None, upstream: str | None = None,
        wrt: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        self.function = function
        self.gradient = gradient
        self.names = [*(names or names_of(function, len(inputs)))]
        _refuse_words(self.names, len(inputs), upstream, wrt)
        self.places = real_places(inputs, self.names, wrt)
        if not self.places:
            raise UsageError("no argument is a float", hint="write 3.0 for the number 3")
        self._inputs = [*inputs]
        self._rebound: dict[int, Pair] = {}  # by the arithmetic
        self.changed: set[str] = set()  # inputs that the code writes to
        returned = self._watched(function, self._inputs)
        self.is_tupled = isinstance(returned, tuple) and len(returned) >= 2
        self.value_at_first = returned[0] if self.is_tupled else returned
        _refuse_no_numbers(self.value_at_first)
        if gradient is None and not self.is_tupled:
            raise UsageError(
                "the function returns no gradient beside its value",
                hint="give the function that is its gradient, or return value and gradient",
            )
        self.upstream = upstream or self._convention()

    @property
    def real_names(self) -> list[str]:
        """The names of the inputs that are differentiated by."""
        return [self.names[k] for k in self.places]

    @property
    def takes_upstream(self) -> bool:
        """Whether the upstream gradient has a say: not for the gradient of a number."""
        import numpy as np  # late: the parent may have no arrays

        is_number = np.ndim(self.value_at_first) == 0
        is_pullback = self.gradient is None and callable(self._rest(self._returned(self._inputs)))
        return not is_number or self.upstream != NONE or is_pullback

    def value(self, moved: Sequence[Any]) -> Any:
        """The value, for such real inputs, which may be numbers of many digits."""
        digit = next((x.flat[0] for x in moved if x.dtype == object and x.size), None)
        pair = self if digit is None else self._in_digits(digit.arithmetic)
        return pair._of_value(pair.whole(moved))

    def rebound(self, dialect: Any) -> Pair:
        """The pair of copies that compute with the numbers of a dialect."""
        from gradcli.foreign.rebinding import rebound  # late: the parent may have no arrays

        pair = copy(self)
        pair.function = rebound(self.function, dialect)
        pair.gradient = self.gradient and rebound(self.gradient, dialect)
        return pair

    def _in_digits(self, arithmetic: Any) -> Pair:
        from gradcli.foreign.dialects import InDigits  # late: the parent may have no arrays

        if id(arithmetic) not in self._rebound:
            self._rebound[id(arithmetic)] = self.rebound(InDigits(arithmetic))
        return self._rebound[id(arithmetic)]

    def pullback(self, moved: Sequence[Any], upstream: Any) -> list[Any]:
        """The claimed gradients by the real inputs, None for one that has none.

        Raises NotAGradient for what is none.
        """
        whole = self.whole(moved)
        value = self._of_value(whole)
        claimed = self._claimed(whole, upstream)
        if self.upstream == NONE and not self._is_pulled_back(whole):
            claimed = self._multiplied(claimed, whole, value, upstream)
        fitted = gradients_of(claimed, self.names, whole, value)
        if not isinstance(fitted, Misfit):
            return [fitted[k] for k in self.places]
        of_real = gradients_of(claimed, self.real_names, [whole[k] for k in self.places], value)
        if isinstance(of_real, Misfit):
            self._refuse_defaults(claimed)
            words = fitted.words.replace("backward", "the gradient")
            raise NotAGradient(fitted.mistake, words.replace("forward", "the function"))
        return of_real

    def _refuse_defaults(self, claimed: Any) -> None:
        """Raise UsageError for gradients by parameters that have kept their defaults, too."""
        parameters = _parameters(self.function)
        count = len(claimed) if isinstance(claimed, (tuple, list)) else 1
        rest = parameters[len(self.names) :]
        if rest and count == len(parameters):
            names = ", ".join(f"`{name}`" for name in rest)
            raise UsageError(f"there is a gradient by {names}, too, and no value of it",
                             hint="give every input that is differentiated by")  # fmt: skip

    # ---------------------------------------------------------------- calls

    def _returned(self, whole: Sequence[Any]) -> Any:
        return self.function(*self._fresh(whole))

    def parted(self, moved: Sequence[Any]) -> tuple[Any, Any]:
        """The value and what stands beside it, None for nothing."""
        returned = self._returned(self.whole(moved))
        return (returned[0] if self.is_tupled else returned), self._rest(returned)

    def _of_value(self, whole: Sequence[Any]) -> Any:
        returned = self._returned(whole)
        return returned[0] if self.is_tupled else returned

    def _rest(self, returned: Any) -> Any:
        """What stands beside the value: gradients, a pullback or a cache; None for nothing."""
        if not self.is_tupled:
            return None
        return returned[1] if len(returned) == 2 else returned[1:]

    def _is_pulled_back(self, whole: Sequence[Any]) -> bool:
        return self.gradient is None and callable(self._rest(self._returned(whole)))

    def _claimed(self, whole: Sequence[Any], upstream: Any) -> Any:
        upstream = upstream if upstream.shape else upstream.item()
        gradient = self.gradient
        if gradient is None:
            rest = self._rest(self._returned(whole))
            return rest(upstream) if callable(rest) else rest
        if self.upstream == FIRST:
            return self._watched(lambda *xs: gradient(upstream, *xs), whole)
        if self.upstream == LAST:
            return self._watched(lambda *xs: gradient(*xs, upstream), whole)
        if self.upstream == CACHED:
            return gradient(upstream, self._rest(self._returned(whole)))
        return self._watched(gradient, whole)

    def _multiplied(self, claimed: Any, whole: Sequence[Any], value: Any, upstream: Any) -> Any:
        """Gradients, Jacobians or elementwise slopes with the upstream gradient."""
        import numpy as np  # late: the parent may have no arrays

        axes = np.ndim(value)
        parts = list(claimed) if isinstance(claimed, (tuple, list)) else [claimed]
        if not axes or len(parts) > len(whole):
            return claimed if not axes and upstream == 1.0 else _scaled(claimed, upstream)
        real = [whole[k] for k in self.places]
        targets = real if len(parts) == len(real) else whole
        pulled = []
        for part, x in zip(parts, targets, strict=False):
            slopes = np.asarray(part)
            if slopes.shape == np.shape(value) + np.shape(x):
                pulled.append(np.tensordot(upstream, slopes, axes))
            elif slopes.shape == np.shape(value) == np.shape(x):
                pulled.append(upstream * slopes)
            elif slopes.shape == np.shape(x) and np.size(value) == 1:  # a number in brackets
                pulled.append(upstream.item() * slopes)
            elif self.gradient is None:
                raise UsageError(
                    "what the function returns beside its value is neither its Jacobian nor slopes",
                    hint="--grad names the function that is its gradient",
                )
            else:
                pulled.append(part)
        return pulled[0] if len(pulled) == 1 else tuple(pulled)

    def whole(self, moved: Sequence[Any]) -> list[Any]:
        """All inputs, the real ones as they are now."""
        whole = [*self._inputs]
        for k, x in zip(self.places, moved, strict=True):
            whole[k] = x
        return whole

    def _watched(self, function: Callable[..., Any], whole: Sequence[Any]) -> Any:
        """What a function of the inputs returns; those that it writes to are kept in mind."""
        import numpy as np  # late: the parent may have no arrays

        fresh = self._fresh(whole)
        returned = function(*fresh)
        for name, x, before in zip(self.names, fresh, whole, strict=True):
            if isinstance(x, np.ndarray) and not np.array_equal(x, before, equal_nan=True):
                self.changed.add(name)
        return returned

    @staticmethod
    def _fresh(whole: Sequence[Any]) -> list[Any]:
        """Copies of the inputs; what has no axes is a number."""
        import numpy as np  # late: the parent may have no arrays

        return [(x.copy() if x.shape else x[()]) if isinstance(x, np.ndarray) else x for x in whole]

    def _convention(self) -> str:
        """Where the gradient takes the upstream gradient, by its parameters."""
        if self.gradient is None:
            return NONE
        needed, most = _counts(self.gradient)
        count = len(self._inputs)
        first = next(iter(_parameters(self.gradient)), "")
        if self.is_tupled and needed == 2 and most == 2 and (count != 2 or _is_upstream(first)):
            return CACHED
        if most < count:
            raise UsageError(
                f"the gradient takes {most} arguments, the function {count}",
                hint="it takes the same, and maybe an upstream gradient before or after them",
            )
        if needed <= count and not (most > count and _is_upstream(first)):
            return NONE
        return FIRST if _is_upstream(first) else LAST


def _refuse_words(
    names: Sequence[str], count: int, upstream: str | None, wrt: Sequence[str] | None
) -> None:
    """Raise UsageError for names that are not those of the inputs, and no way of a gradient."""
    if len(names) != count:
        raise UsageError(f"{len(names)} names are given for {count} arguments")
    for name in wrt or ():
        if name not in names:
            raise UsageError(f"`{name}` is no input", hint=f"inputs are {', '.join(names)}")
    ways = (FIRST, LAST, NONE, CACHED)
    if upstream is not None and upstream not in ways:
        raise UsageError(f"`{upstream}` is no place of an upstream gradient",
                         hint=f"known are {', '.join(ways)}")  # fmt: skip


def _refuse_no_numbers(value: Any) -> None:
    """Raise UsageError for what is neither a number nor an array of numbers."""
    import numpy as np  # late: the parent may have no arrays

    try:
        kind = np.asarray(value).dtype.kind
    except ValueError:  # a ragged list
        kind = "O"
    if kind not in "fiubc":
        what = "None" if value is None else f"a value of type {type(value).__name__}"
        raise UsageError(f"the function returns {what}, and no number or array of numbers")


def names_of(function: Callable[..., Any], count: int) -> list[str]:
    """The names of the first positional parameters; `x1`, `x2` where there are none."""
    names = _parameters(function)[:count]
    return names if len(names) == count else [f"x{k + 1}" for k in range(count)]


def _is_upstream(name: str) -> bool:
    return name.lower() in UPSTREAM


def _scaled(claimed: Any, upstream: Any) -> Any:
    import numpy as np  # late: the parent may have no arrays

    if isinstance(claimed, dict):
        return {key: _scaled(part, upstream) for key, part in claimed.items()}
    if isinstance(claimed, (list, tuple)):
        return tuple(_scaled(part, upstream) for part in claimed)
    return claimed if claimed is None else np.asarray(claimed) * upstream


def _parameters(function: Callable[..., Any]) -> list[str]:
    """The names of the positional parameters."""
    return [p.name for p in _signature(function) or () if p.kind in POSITIONAL]


def _counts(function: Callable[..., Any]) -> tuple[int, float]:
    """How many positional arguments a function needs, and takes at most."""
    parameters = _signature(function)
    if parameters is None:
        return 0, math.inf
    own = [p for p in parameters if p.kind in POSITIONAL]
    is_open = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters)
    return sum(p.default is p.empty for p in own), math.inf if is_open else len(own)


def _signature(function: Callable[..., Any]) -> list[inspect.Parameter] | None:
    """The parameters; None where a function does not tell."""
    try:
        return [*inspect.signature(function).parameters.values()]
    except (TypeError, ValueError):
        return None
