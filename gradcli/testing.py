"""Gradients as assertions, for tests.

>>> from gradcli.testing import assert_gradient
>>> assert_gradient(lambda x: x**2, lambda x: 2 * x, 1.5, -0.3)
"""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

from gradcli.api import check_function
from gradcli.render.formats import write_check
from gradcli.reports.checks import CheckReport

RIGHT = ("pass", "kink")


def assert_gradient(
    f: Callable[..., Any], grad: Callable[..., Any] | None = None, *points: Any,
    undecided: str = "error", **options: Any,
) -> None:  # fmt: skip
    """Assert that `grad` is the gradient of `f` at some points.

    The arguments are those of `gradcli.check_function`. Raises AssertionError with the report that
    the command line prints; `undecided="ok"` lets pass what is inconclusive or undefined.
    """
    __tracebackhide__ = True  # pytest shows the line that calls
    refuse_wrong(check_function(f, grad, *points, **options), undecided)


def refuse_wrong(report: CheckReport, undecided: str = "error") -> None:
    """Raise AssertionError with the printed report, unless all that is checked is right."""
    __tracebackhide__ = True
    allowed = (*RIGHT, "inconclusive", "undefined") if undecided == "ok" else RIGHT
    if report.verdict not in allowed:
        raise AssertionError(report_text(report))


def report_text(report: CheckReport) -> str:
    """A report as `gradcli check` prints it, without colour."""
    text = StringIO()
    write_check(report, "table", text, color="never")
    return "\n" + text.getvalue()


__all__ = ["assert_gradient"]
