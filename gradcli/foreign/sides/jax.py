"""Functions of jax, in float64: their gradient is the one of their custom rules, or of jax."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import jax  # where it is installed: the parent says so where it is not
import numpy as np

from gradcli.foreign.gradients import is_real
from gradcli.foreign.sides import functions


class Differentiated:
    """A function of jax at some inputs, as a pair of value and pullback."""

    def __init__(
        self, function: Callable[..., Any], inputs: Mapping[str, Any], wrt: Sequence[str] | None
    ) -> None:
        self.function = function
        self.inputs = [*inputs.values()]
        names = [*inputs]
        self.places = [
            k for k, x in enumerate(self.inputs) if is_real(x) and (not wrt or names[k] in wrt)
        ]
        self.real_names = [names[k] for k in self.places]
        self.takes_upstream = True

    def value(self, moved: Sequence[Any]) -> Any:
        """The value, for such real inputs."""
        return np.asarray(self._called(*self._real(moved)))

    def pullback(self, moved: Sequence[Any], upstream: Any) -> list[Any]:
        """The gradients, by the rules of the function."""
        out, pull = jax.vjp(self._called, *self._real(moved))
        cotangent = jax.numpy.asarray(upstream, dtype=out.dtype).reshape(out.shape)
        return [np.asarray(gradient, dtype=float) for gradient in pull(cotangent)]

    def _real(self, moved: Sequence[Any]) -> list[Any]:
        if any(x.dtype.kind != "f" for x in moved):
            raise TypeError("arrays are of real numbers here")
        return [jax.numpy.asarray(x, dtype=float) for x in moved]

    def _called(self, *real: Any) -> Any:
        whole = [*self.inputs]
        for k, x in zip(self.places, real, strict=True):
            whole[k] = x
        out = self.function(*whole)
        return out[0] if isinstance(out, (tuple, list)) else out


def opened(
    module: ModuleType, key: str, name: str, dtype: str, given: Mapping[str, Any],
    wrt: Sequence[str] | None,
) -> dict[str, Any]:  # fmt: skip
    """Keep a function at inputs; they are float64, whatever jax does by default."""
    jax.config.update("jax_enable_x64", True)
    function = functions.function_of(module, name)
    inputs = functions.arguments(function, given)
    return functions.kept(key, Differentiated(function, inputs, wrt))


VERBS = {"describe": functions.described, "open": opened, **functions.SHARED}
