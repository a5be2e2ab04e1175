"""The targets of `check`: the expression, the paths and the bindings among its words."""

from __future__ import annotations

import os
import re

from gradcli.cli.words import Pairs, bindings, is_binding
from gradcli.errors import FileError, GradcliError, UsageError
from gradcli.gates.table import CONSTANTS
from gradcli.graph.lowering import find_constant
from gradcli.named_tuples import NamedTuple
from gradcli.program.files import PYTHON, SUFFIX, subject_of
from gradcli.syntax import parse_expression
from gradcli.syntax.tokens import Source

SLOPE = re.compile(r"[d\u2202]\w*/[d\u2202](\w+)\s*=\s*(.+)")  # df/dx=4
UNMATCHED = re.compile(r"/\*|\*\.[A-Za-z]")  # a pattern that the shell has found no file for


class Targets(NamedTuple):
    """An expression or paths, and the values of inputs."""

    expression: str | None
    paths: list[str]
    settings: Pairs


def targets(words: tuple[str, ...], expression: str | None, paths: tuple[str, ...]) -> Targets:
    """Sort the words of `check` into an expression, paths and bindings. Raises UsageError.

    A word such as `f = x*y` is the expression where there is no other.
    """
    settings = bindings([word for word in words if is_binding(word)])
    chosen = Targets(expression, list(paths), settings)
    for word in words:
        if is_binding(word):
            continue
        if _is_path(word, settings):
            chosen.paths.append(word)
        elif _is_like_a_path(word, settings):
            raise FileError(f"{word}: no such file or folder")
        elif chosen.expression is not None:
            if slope := SLOPE.fullmatch(word):
                raise UsageError(f"`{word}` is neither the expression nor NAME=VALUE",
                                 hint=f"write --claim {slope[1]}={slope[2]}")  # fmt: skip
            raise UsageError(f"two expressions: `{chosen.expression}` and `{word}`",
                             hint="quote the expression; a path must exist")  # fmt: skip
        else:
            chosen = chosen._replace(expression=word)
    if chosen.expression is None and not chosen.paths:
        named = next((word for word in words if is_binding(word) and _names_something(word)), None)
        if named is not None:
            chosen = chosen._replace(
                expression=named, settings=bindings([w for w in words if w is not named])
            )
    if chosen.expression is not None and chosen.paths:
        raise UsageError("give either an expression or paths",
                         hint=f"`{chosen.paths[0]}` is a path")  # fmt: skip
    return chosen


def _names_something(word: str) -> bool:
    """Whether the VALUE of NAME=VALUE is no constant expression: `f = x*y` is a program."""
    try:
        tree = parse_expression(Source(word.partition("=")[2]))
    except GradcliError:
        return False
    return any(
        op == "name" and find_constant(arg) is None
        for op, arg in zip(tree.ops, tree.args, strict=True)
    )


def _is_like_a_path(word: str, settings: Pairs) -> bool:
    """Whether a word that is no path can only have been meant for one: a name without a value.

    So is `data/homework`, where neither name has one, and `*.grad`.
    """
    if word.startswith(("./", "../", "/", "~")) or UNMATCHED.search(word):
        return True
    known = {name for name, _ in settings} | set(CONSTANTS)
    parts = word.split("/")
    return all(part.isidentifier() and part not in known for part in parts)


def _is_path(word: str, settings: Pairs) -> bool:
    """Whether a word names programs; what may be a path and an expression is refused."""
    if word.endswith((SUFFIX, *PYTHON, "/")) or subject_of(word)[1] is not None:
        return True
    if word == "-" or not os.path.exists(word):
        return False
    known = {name for name, _ in settings} | set(CONSTANTS)
    try:
        tree = parse_expression(Source(word))
    except GradcliError:
        return True
    names = {arg for op, arg in zip(tree.ops, tree.args, strict=True) if op == "name"}
    if names <= known:
        raise UsageError(f"`{word}` is a path and also an expression",
                         hint=f"write --file {word} or --expr {word}")  # fmt: skip
    return True
