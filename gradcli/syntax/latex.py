r"""Formulas in LaTeX, as a program of ours would have them: only ever shown as advice.

A product has no sign in it, so that `qz` is q times z; longer words are left as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gradcli.errors import GradcliError
from gradcli.syntax.tree import Tree, write

LONGEST = 400  # characters of a line that is put into our language
DEEPEST = 50  # brackets inside one another
NAMES = {"sigma": "sigmoid", "cdot": "*", "times": "*", "ast": "*", "div": "/", "ln": "log",
         "lVert": "||", "rVert": "||", "geq": ">=", "ge": ">=", "leq": "<=", "le": "<=", "lt": "<",
         "gt": ">", "to": "", "arcsin": "asin", "arccos": "acos", "arctan": "atan",
         "varepsilon": "epsilon", "varphi": "phi", "lambda": "lam"}  # fmt: skip
SAME = frozenset((
    "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "max", "min",
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "mu", "nu", "xi",
    "pi", "rho", "tau", "phi", "chi", "psi", "omega",
))  # fmt: skip
NOTHING = frozenset((
    "left", "right", "big", "Big", "bigg", "Bigg", "quad", "qquad", "displaystyle", "limits",
    "mathrm", "text", "mathbf", "operatorname", "boldsymbol", "vec",
))  # fmt: skip
SIGNS = re.compile(r"\$|\\[\[\](),;!:]|(?<=\\left)\.|(?<=\\right)\.|~|&|\\\\")
PARTIAL = re.compile(r"\\frac\{(?:\\partial|d) ?\w*\}\{(?:\\partial|d) ?(\w+)\}")
INNERMOST = (
    (re.compile(r"\\d?t?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}"), r"((\1)/(\2))"),
    (re.compile(r"\\sqrt\s*\{([^{}]*)\}"), r"sqrt(\1)"),
    (re.compile(r"\\(?:text|mathrm|mathbf|operatorname|boldsymbol|vec)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"_\s*\{(\w+)\}"), r"_\1"),
    (re.compile(r"\^\s*\{([^{}]*)\}"), r"**(\1)"),
    (re.compile(r"\\(?![dt]?frac|sqrt)([A-Za-z]+)\s*\{([^{}]*)\}"), r"\\\1(\2)"),
)
COMMAND = re.compile(r"\\([A-Za-z]+)")
OF_NAMES = re.compile(r"^\s*([A-Za-z]\w*)\s*\([A-Za-z_0-9, ]+\)\s*=")  # f(x, y) =
TWO_LETTERS = re.compile(r"(?<![\\A-Za-z_0-9])([A-Za-z])([A-Za-z])(?![A-Za-z0-9_({])")
BARE = re.compile(  # sin x
    r"(?<!\w)(exp|log|sin|cos|tan|sinh|cosh|tanh) +([A-Za-z]\w*|\d+)(?= *(?:[-+*/)]|$))"
)
LEFT = re.compile(r"[\\${}]|\*\*T\b")  # what is still LaTeX
PRODUCTS = (  # that are written without a sign
    re.compile(r"(?<=\))\s*(?=[A-Za-z0-9(])"),
    re.compile(r"(?<![\w.])(\d+\.?\d*)\s*(?=[A-Za-z(])"),
    re.compile(r"(?<![A-Za-z0-9_])([A-Za-z]) *(?=\()"),
    re.compile(r"(?<=_\d)(?=[A-Za-z])"),
    re.compile(r"(?<![A-Za-z0-9_])([A-Za-z]\w*) +(?=[A-Za-z])"),
)


def in_our_language(line: str, tree_of: Callable[[str], Tree]) -> str | None:
    """A line of LaTeX as a statement; None where it has no reading.

    `tree_of` reads an expression of ours, and raises GradcliError.
    """
    if len(line) > LONGEST:
        return None
    text = _plain(line)
    if LEFT.search(text):
        return None
    target, is_stage, expression = text.rpartition("=")
    if is_stage and not target.strip().isidentifier():
        return None
    try:
        written = write(tree_of(expression))
    except GradcliError:
        return None
    return f"{target.strip()} = {written}" if is_stage else written


def _plain(line: str) -> str:
    """The line with what LaTeX writes in its own way written in ours."""
    text = PARTIAL.sub(r"d\1", SIGNS.sub(" ", line))
    for _ in range(DEEPEST):
        before = text
        for pattern, plain in INNERMOST:
            text = pattern.sub(plain, text)
        if text == before:
            break
    left, is_named, right = text.rpartition("=")
    text = left + is_named + TWO_LETTERS.sub(r"\1*\2", right)
    text = COMMAND.sub(_command, text)
    text = OF_NAMES.sub(r"\1 =", text.replace("^", "**")).strip().rstrip(".,;")
    text = BARE.sub(r"\1(\2)", text)
    for pattern in PRODUCTS:
        text = pattern.sub(lambda m: f"{m[0].rstrip()}*", text)
    return text


def _command(match: re.Match[str]) -> str:
    """What stands for a command; one that is not known stays."""
    name = match[1]
    if name in NOTHING:
        return ""
    return f" {NAMES.get(name, name)}" if name in NAMES or name in SAME else match[0]
