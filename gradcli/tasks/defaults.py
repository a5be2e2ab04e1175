"""Defaults at which a wrong line is right: `alpha=1.0` hides a lost factor, `stride=1` a step.

What passes is looked at again with each of them moved. One that the forward part does not read
hides nothing, and values that the file sets or that were asked for stay.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator

from gradcli.python.subjects.subjects import Subject

MOVED = {0.0: 0.3, 1.0: 1.7}  # what hides a term, and what hides a factor
STEPS = re.compile(r"^_?(strides?|pad(ding)?|dilation)$")  # whole numbers: the next one is another
FACTORS = re.compile(
    r"^_?(alpha|beta|gamma|delta|tau|temp(erature)?|T|scale|sigma|margin|smooth(ing)?|slope|lam\w*|"
    r"reg\w*|l[12]\w*|weight_decay|negative_slope|threshold)$"
)
MOST = 3  # of one subject


def moved_defaults(
    tree: ast.Module, subject: Subject, kept: Collection[str]
) -> Iterator[tuple[str, float]]:
    """The names of such defaults of a subject, and other values for them."""
    functions = [*_functions(tree, subject)]
    forward = [f for f in functions if f.name == subject.forward]
    read = {
        getattr(part, "id", getattr(part, "attr", "")) for f in forward for part in ast.walk(f)
        if isinstance(part, (ast.Name, ast.Attribute))
    }  # fmt: skip
    makers = [f for f in functions if f.name == "__init__"]
    found = {
        name: value for f in (*forward, *makers) for name, value in _defaults(f)
        if name in read and name not in kept
    }  # fmt: skip
    yield from [*found.items()][:MOST]


def _functions(tree: ast.Module, subject: Subject) -> Iterator[ast.FunctionDef]:
    """The functions that a subject is among: those of its class, or of the file."""
    holders: list[ast.Module | ast.ClassDef] = [tree]
    if subject.cls is not None:
        holders = [x for x in tree.body if isinstance(x, ast.ClassDef) and x.name == subject.cls]
    for holder in holders:
        yield from (part for part in holder.body if isinstance(part, ast.FunctionDef))


def _defaults(function: ast.FunctionDef) -> Iterator[tuple[str, float]]:
    """The parameters of a function whose defaults may hide something, and other values."""
    args = function.args
    named = [*args.posonlyargs, *args.args]
    pairs = [*zip(named[len(named) - len(args.defaults) :], args.defaults, strict=True)]
    pairs += [(a, d) for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True) if d]
    for parameter, default in pairs:
        value = default.value if isinstance(default, ast.Constant) else None
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            continue
        if isinstance(value, int) and STEPS.match(parameter.arg):
            yield parameter.arg, value + 1
        elif value in MOVED and (isinstance(value, float) or FACTORS.match(parameter.arg)):
            yield parameter.arg, MOVED[value]
