"""The task `check` for functions that nothing is known of but their values.

Their code runs; what it raises is the caller's. Verdicts are estimates, and say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from gradcli.checker.blackbox.gradients import Gradients
from gradcli.checker.blackbox.line import Place
from gradcli.foreign.gradients import NotAGradient
from gradcli.reports.checks import Case
from gradcli.reports.evaluations import VERDICTS, InputCheck, worst
from gradcli.reports.lines import LineCheck
from gradcli.requests import TOLERANCE

UPSTREAMS = 2  # at each point: a gradient that is right for one of them may be so by chance


class Function(NamedTuple):
    """A function of arrays and what somebody wrote as its gradient."""

    values: Callable[[list[Any]], Any]  # inputs -> value, an array or a number
    pullback: Callable[
        [list[Any], Any], Sequence[Any]
    ]  # inputs, upstream -> a gradient per input, or None
    names: Sequence[str]  # of the inputs
    label: str  # what the report calls it
    file: str = "<function>"
    line: int = 1
    takes_upstream: bool = True  # False: the gradient of a number, which nothing multiplies


class _Judged(NamedTuple):
    """One point and one upstream gradient, judged."""

    inputs: list[Any]
    checks: dict[str, InputCheck]

    @property
    def verdict(self) -> str:
        return worst([check.verdict for check in self.checks.values()])


def check_function(
    function: Function, points: Sequence[Sequence[Any]], seed: int = 0,
    tolerance: float = TOLERANCE,
) -> Case:  # fmt: skip
    """The case of a function at some points, with upstream gradients of which none is 1.

    It shows the first point with the worst verdict. Raises what the function raises, but for
    arithmetic errors away from the points: there it has no value.
    """
    rng = np.random.default_rng(seed)
    try:
        judged = [
            outcome
            for point in points
            for outcome in _at_point(function, [*point], rng, seed, tolerance)
        ]
    except NotAGradient as misfit:
        return _of_no_gradient(function, misfit)
    shown = max(judged, key=lambda outcome: VERDICTS.index(outcome.verdict))
    checks = [check for outcome in judged for check in outcome.checks.values()]
    noise = max((check.noise or 0.0 for check in checks), default=0.0)
    notes = [
        f"estimate: judged by values alone, which are noisy by {noise:.2g} here (measured); "
        f"random directions and upstream gradients are those of seed {seed}"
    ]
    idle = [n for n in function.names if n not in {check.whole for check in checks}]
    notes += [f"no gradient is given for {', '.join(idle)}"] * bool(idle)
    case = Case(
        function.file, function.line, function.label, "value", shown.verdict, shown.checks, [],
        notes, [], {}, claims=len(function.names) - len(idle), seed=seed,
    )  # fmt: skip
    if len(points) == 1:
        return case
    point = {
        name: np.asarray(x).tolist() for name, x in zip(function.names, shown.inputs, strict=True)
    }
    return case._replace(points=len(points), point=point)


def _of_no_gradient(function: Function, misfit: NotAGradient) -> Case:
    """The failed case of a claim that is not one gradient for each input."""
    line = LineCheck(function.label, function.line, 1, "fail", True, None, None, None,
                     misfit.mistake, misfit.message)  # fmt: skip
    return Case(
        function.file, function.line, function.label, "value", "fail", {}, [],
        [f"{misfit.mistake}: {misfit.message}"], [], {}, lines=[line], claims=1,
    )  # fmt: skip


def changed_note(names: Iterable[str]) -> list[str]:
    """What is to be said of inputs that the code writes to."""
    words = ", ".join(f"`{name}`" for name in sorted(names))
    return [f"the code writes to {words}: whoever calls it finds another value there"] * bool(words)


@np.errstate(all="ignore")  # the values tell what is not finite, and beside the largest much is
def _at_point(
    function: Function, inputs: list[Any], rng: np.random.Generator, seed: int, tolerance: float
) -> list[_Judged]:
    """The function at one point, for each upstream gradient; a second look is a quick one."""
    arrays = [np.array(x, dtype=float) for x in inputs]
    shape = np.shape(function.values([x.copy() for x in arrays]))
    upstreams = [_upstream(shape, rng) for _ in range(UPSTREAMS)]
    judged: list[_Judged] = []
    for upstream in upstreams if function.takes_upstream else [np.ones(shape)]:
        if judged and judged[0].verdict == "fail":
            break
        place = Place(function.values, arrays, upstream)
        claims = function.pullback([x.copy() for x in arrays], upstream.copy())
        gradients = Gradients(place, function.names, claims, tolerance, seed)
        if not judged or not gradients.passes_together():
            judged.append(_Judged(inputs, gradients.checks()))
    return judged


def _upstream(shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """A random upstream gradient; no element is 1, nor near 0."""
    return np.asarray(rng.choice([-1.0, 1.0], shape) * rng.uniform(1.1, 2.0, shape))
