"""Functions of torch: autograd Functions, modules, functions of tensors, by autograd's gradient.

Inputs are float64 tensors, or those of the dtype that a module's own parameters have.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import torch  # where it is installed: the parent says so where it is not

from gradcli.errors import UsageError
from gradcli.foreign.gradients import NotAGradient
from gradcli.foreign.sides import functions
from gradcli.foreign.sides.differentiated import (
    AtInputs,
    Refusals,
    gradients_refused,
    refuse_unreal,
)

DTYPES = {"float64": torch.float64, "float32": torch.float32, "float16": torch.float16,
          "bfloat16": torch.bfloat16}  # fmt: skip
SEED = 0  # of what a module draws for its parameters, and of what each call draws
DRAWS = f"the code draws random numbers: every call begins with seed {SEED}"
REFUSALS: Refusals = {
    r"incorrect number of gradients \(expected (\d+), got (\d+)\)": (
        "gradient-count", r"backward gives \2, one for each of \1 inputs is wanted"
    ),
    r"invalid gradient at index (\d+) - got (\[.*?\]) but .* compatible with (\[.*?\])": (
        "gradient-shape", r"the gradient of input \1 has shape \2, the input has \3"
    ),
    r"expected Variable or None \(got (.*?)\)": (
        "gradient-type", r"backward gives a \1 where a tensor or None is wanted"
    ),
}  # fmt: skip


def described(module: ModuleType, name: str) -> dict[str, Any]:
    """Where a function is and what its parameters are; it has no gradient beside its own."""
    subject = functions.function_of(module, name)
    inner = _inner(subject)
    told = functions.parameters_of(inner)
    names = None if told is None else [n for n in told if n not in ("self", "ctx")]
    code = getattr(inner, "__code__", None)
    needed = [
        n for n in names or [] if told is not None and told[n].default is inspect.Parameter.empty
    ]
    return {
        "file": getattr(code, "co_filename", ""), "line": getattr(code, "co_firstlineno", 1),
        "names": names, "needed": needed, "slopes": [], "curvatures": [],
    }  # fmt: skip


def _inner(subject: Any) -> Any:
    """The function whose parameters are the inputs."""
    is_class = isinstance(subject, type)
    if isinstance(subject, torch.nn.Module) or (
        is_class and issubclass(subject, (torch.nn.Module, torch.autograd.Function))
    ):
        return subject.forward
    return subject


def _callable(subject: Any) -> Any:
    if isinstance(subject, type) and issubclass(subject, torch.autograd.Function):
        function: Any = subject
        return function.apply
    if isinstance(subject, type) and issubclass(subject, torch.nn.Module):
        torch.manual_seed(SEED)
        return subject()
    return subject


class Differentiated(AtInputs):
    """A function of tensors at some inputs, as a pair of value and pullback."""

    def __init__(
        self, function: Callable[..., Any], inputs: Mapping[str, Any], wrt: Sequence[str] | None,
        dtype: torch.dtype,
    ) -> None:  # fmt: skip
        if isinstance(function, torch.nn.Module):
            function = function.to(dtype)
        super().__init__(function, inputs, wrt)
        self.dtype = dtype
        own = getattr(function, "__self__", None)
        self.says_none = isinstance(own, type) and issubclass(own, torch.autograd.Function)

    @property
    def notes(self) -> list[str]:
        """What is to be said of how the function is called."""
        torch.manual_seed(SEED)
        before = torch.get_rng_state()
        self.value([self._inputs[k] for k in self._places])
        return [DRAWS] * (not torch.equal(before, torch.get_rng_state()))

    def value(self, moved: Sequence[Any]) -> Any:
        """The value, for such real inputs."""
        torch.manual_seed(SEED)
        with torch.no_grad():
            return _numbers(self.called(self._tensors(moved)))

    def pullback(self, moved: Sequence[Any], upstream: Any) -> list[Any]:
        """The gradients of autograd, 0 where none reaches an input.

        Where a Function returns None it claims none.
        """
        torch.manual_seed(SEED)
        leaves = [x.requires_grad_() for x in self._tensors(moved)]
        out = self.called(
            [x.clone() for x in leaves]
        )  # which it may write to, as leaves may not be
        if not out.requires_grad:
            raise UsageError("no gradient reaches the output", hint="it may be detached")
        cotangent = torch.as_tensor(upstream).to(out.dtype).reshape(out.shape)
        with gradients_refused(REFUSALS):
            gradients = torch.autograd.grad(out, leaves, cotangent, allow_unused=True)
        if self.says_none and all(g is None for g in gradients):
            raise NotAGradient("gradient-count", "backward gives None for every input")
        return [
            _numbers(g) if g is not None else None if self.says_none else np.zeros(np.shape(x))
            for g, x in zip(gradients, moved, strict=True)
        ]

    def _tensors(self, moved: Sequence[Any]) -> list[Any]:
        refuse_unreal(moved)
        return [torch.tensor(x, dtype=self.dtype) for x in moved]

    def constant(self, x: Any) -> Any:
        """An array as a tensor."""
        return torch.as_tensor(x) if isinstance(x, np.ndarray) else x


def _numbers(tensor: Any) -> Any:
    return tensor.detach().to(torch.float64).numpy()


def opened(
    module: ModuleType, key: str, name: str, dtype: str, given: Mapping[str, Any],
    wrt: Sequence[str] | None,
) -> dict[str, Any]:  # fmt: skip
    """Keep a function at inputs, in a dtype."""
    torch.set_num_threads(1)
    subject = functions.function_of(module, name)
    whole = functions.arguments(_inner(subject), given)
    inputs = {n: x for n, x in whole.items() if n not in ("self", "ctx")}
    return functions.kept(key, Differentiated(_callable(subject), inputs, wrt, DTYPES[dtype]))


VERBS = {"describe": described, "open": opened, **functions.SHARED}
