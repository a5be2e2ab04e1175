"""Questions to the checker: a gradient at a point, and the claim on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gradcli.errors import ShapeError
from gradcli.evaluation.point import NO_UPSTREAM, Point
from gradcli.program.model import Element, elements
from gradcli.reports.evaluations import InputCheck


class Question:
    """One gradient to check, a number or an array: the engine's, and the claim on it."""

    __slots__ = ("analytic", "claim", "element", "exact", "formula", "leaf", "name")

    def __init__(
        self, name: str, leaf: int, analytic: Any, claim: Any = None,
        formula: int | None = None, exact: bool = False, element: Element | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self.leaf = leaf
        self.analytic = analytic
        self.claim = claim  # None: the engine's own gradient is checked
        self.formula = formula  # the node that computes the claim, where it is a hand-written line
        self.exact = exact  # no allowance for the rounding of a float64 backward pass
        self.element = element  # None: a number of its own, or a whole array

    def at(self, moved: Mapping[int, int]) -> Question:
        """The question in another graph, where the nodes have other numbers."""
        leaf, formula = moved[self.leaf], self.formula
        if formula is not None:
            formula = moved[formula]
        return Question(
            self.name, leaf, self.analytic, self.claim, formula, self.exact, self.element
        )

    @property
    def what(self) -> str:
        """What gets the verdict, in words."""
        return "the gradient" if self.claim is None else "the claim"

    @property
    def checked(self) -> Any:
        """The gradient that gets the verdict."""
        return self.analytic if self.claim is None else self.claim


def passed_back(check: InputCheck) -> InputCheck:
    """A verdict on what gates of the user's own pass back: that is no claim of the caller's."""
    reason = check.reason and check.reason.replace("the claim", "the gradient")
    return check._replace(analytic=check.claim, claim=None, reason=reason)


def questions_of(
    point: Point, typed: Mapping[str, Any] = {}, exact: bool = False,
    gradients: Sequence[Any] | None = None,
) -> list[Question]:  # fmt: skip
    """The questions at a point: on typed claims, hand-written gradients, else the engine's own.

    `typed` are claims by the names of the point's leaves; `gradients` are better ones of the engine
    than those of the run, by node. Raises ShapeError for an array output without an upstream
    gradient.
    """
    program, run = point.program, point.run
    if point.upstream is None:
        raise ShapeError(NO_UPSTREAM)
    slopes = run.gradients if gradients is None else gradients
    written = {
        element: node
        for name, value in program.claims.items()
        for element, node in elements(name, value)
    }
    questions = []
    for element, leaf in point.leaves:
        name, part = str(element), element if element.index else None
        analytic, formula = point.whole(leaf, slopes[leaf]), written.get(element)
        if name in typed:
            questions.append(Question(name, leaf, analytic, typed[name], None, True, part))
        elif formula is not None:
            is_typed = exact or not program.graph.active[formula]
            claim = point.whole(formula, run.values[formula])
            questions.append(Question(name, leaf, analytic, claim, formula, is_typed, part))
        else:
            questions.append(Question(name, leaf, analytic, None, None, exact, part))
    return questions
