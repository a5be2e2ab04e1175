"""Defaults at which a wrong line is right: `alpha=1.0` hides a lost factor, `stride=1` a step.

What passes is looked at again with each of them moved. One that the forward part does not read
hides nothing, and values that the file sets or that were asked for stay.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from typing import Any

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
    apart = _called_otherwise(functions, subject)
    makers = [f for f in functions if f.name == "__init__"]
    found = {
        name: value for f in (*forward, *makers) for name, value in _defaults(f)
        if name in read and name not in kept and name not in apart
    }  # fmt: skip
    yield from [*found.items()][:MOST]


def _called_otherwise(functions: list[ast.FunctionDef], subject: Subject) -> set[str]:
    """The forward part's defaults that the backward part has too, under other names.

    To move `slope=0.0` of the one and not `negative_slope=0.0` of the other would accuse both.
    """
    forward, backward = (
        {name: default for f in functions if f.name == part for name, default in _constants(f)}
        for part in (subject.forward, subject.backward)
    )
    others = {value for name, value in backward.items() if name not in forward}
    return {name for name, value in forward.items() if name not in backward and value in others}


def _functions(tree: ast.Module, subject: Subject) -> Iterator[ast.FunctionDef]:
    """The functions that a subject is among: those of its class, or of the file."""
    holders: list[ast.Module | ast.ClassDef] = [tree]
    if subject.cls is not None:
        holders = [x for x in tree.body if isinstance(x, ast.ClassDef) and x.name == subject.cls]
    for holder in holders:
        yield from (part for part in holder.body if isinstance(part, ast.FunctionDef))


def _constants(function: ast.FunctionDef) -> Iterator[tuple[str, Any]]:
    """The parameters of a function that have constants as defaults, and these."""
    args = function.args
    named = [*args.posonlyargs, *args.args]
    pairs = [*zip(named[len(named) - len(args.defaults) :], args.defaults, strict=True)]
    pairs += [(a, d) for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True) if d]
    for parameter, default in pairs:
        if isinstance(default, ast.Constant):
            yield parameter.arg, default.value


def _defaults(function: ast.FunctionDef) -> Iterator[tuple[str, float]]:
    """The parameters of a function whose defaults may hide something, and other values."""
    for name, value in _constants(function):
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            continue
        if isinstance(value, int) and STEPS.match(name):
            yield name, value + 1
        elif value in MOVED and (isinstance(value, float) or FACTORS.match(name)):
            yield name, MOVED[value]
