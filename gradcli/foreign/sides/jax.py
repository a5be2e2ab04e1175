"""Functions of jax, in float64: their gradient is the one of their custom rules, or of jax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import jax  # where it is installed: the parent says so where it is not
import numpy as np

from gradcli.foreign.sides import functions
from gradcli.foreign.sides.differentiated import (
    AtInputs,
    Refusals,
    gradients_refused,
    refuse_unreal,
)

REFUSALS: Refusals = {
    r"output structure PyTreeDef\((.*)\) for primal input structure PyTreeDef\((.*)\)": (
        "gradient-count", r"the rule gives \1, its arguments are \2 (* is one array)"
    ),
    r"at output\[(\d+)\] .* of type (\S+) corresponding to an input of type ([^\s,]+)": (
        "gradient-shape", r"the rule gives \2 for argument [\1], which is \3"
    ),
}  # fmt: skip


class Differentiated(AtInputs):
    """A function of jax at some inputs, as a pair of value and pullback."""

    def value(self, moved: Sequence[Any]) -> Any:
        """The value, for such real inputs."""
        return np.asarray(self.called(_real(moved)))

    def pullback(self, moved: Sequence[Any], upstream: Any) -> list[Any]:
        """The gradients, by the rules of the function."""
        out, pull = jax.vjp(lambda *real: self.called(real), *_real(moved))
        cotangent = jax.numpy.asarray(upstream, dtype=out.dtype).reshape(out.shape)
        with gradients_refused(REFUSALS):
            gradients = pull(cotangent)
        return [np.asarray(gradient, dtype=float) for gradient in gradients]


def _real(moved: Sequence[Any]) -> list[Any]:
    refuse_unreal(moved)
    return [jax.numpy.asarray(x, dtype=float) for x in moved]


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
