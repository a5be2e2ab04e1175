"""gradcli: gradients of expressions, stage by stage, and checked.

>>> import gradcli
>>> report = gradcli.evaluate("(x+y)*z", {"x": -2, "y": 5, "z": -4})
>>> report.value, report.gradients
(-12.0, {'x': -4.0, 'y': -4.0, 'z': 3.0})
"""

from gradcli.api import Function, check, compile, evaluate
from gradcli.errors import GradcliError
from gradcli.marks import gate
from gradcli.reports.evaluations import Check, EvalReport, InputCheck, Stage
from gradcli.version import __version__

__all__ = [
    "Check",
    "EvalReport",
    "Function",
    "GradcliError",
    "InputCheck",
    "Stage",
    "__version__",
    "check",
    "compile",
    "evaluate",
    "gate",
]
