"""gradcli: gradients of expressions, stage by stage, and checked.

>>> import gradcli
>>> report = gradcli.evaluate("(x+y)*z", {"x": -2, "y": 5, "z": -4})
>>> report.value, report.gradients
(-12.0, {'x': -4.0, 'y': -4.0, 'z': 3.0})
"""

from __future__ import annotations

from sys import modules

from gradcli.version import __version__

TYPE_CHECKING = False  # not that of `typing`, which takes most of the time until signals are heeded
if TYPE_CHECKING:
    from typing import Any

    from gradcli.api import Function, check, check_function, compile, evaluate
    from gradcli.errors import GradcliError
    from gradcli.marks import checked, gate
    from gradcli.reports.evaluations import Check, EvalReport, InputCheck, Stage

__all__ = [
    "Check",
    "EvalReport",
    "Function",
    "GradcliError",
    "InputCheck",
    "Stage",
    "__version__",
    "check",
    "check_function",
    "checked",
    "compile",
    "evaluate",
    "gate",
]

# Loaded when it is first named: the command has to heed signals before all this is there.
ROOMS = {
    **dict.fromkeys(("check", "check_function", "compile", "evaluate"), "gradcli.api"),
    "Function": "gradcli.evaluation.compiled",
    **dict.fromkeys(("Check", "EvalReport", "InputCheck", "Stage"), "gradcli.reports.evaluations"),
    "GradcliError": "gradcli.errors",
    **dict.fromkeys(("checked", "gate"), "gradcli.marks"),
}


def __getattr__(name: str) -> Any:
    if name not in ROOMS:
        raise AttributeError(f"module 'gradcli' has no attribute '{name}'")
    from importlib import import_module  # late: see above

    value = getattr(import_module(ROOMS[name]), name)
    setattr(modules[__name__], name, value)  # so that it is looked for once
    return value
