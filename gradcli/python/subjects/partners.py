"""Forward parts that stand in other files than their backward parts: imported, or beside them.

A function of another file is a partner where no other file of the folder has one of its name.
"""

from __future__ import annotations

import ast
import os
from collections import Counter
from typing import NamedTuple

from gradcli.errors import GradcliError
from gradcli.program.files import read_text
from gradcli.python.interpreter.interpreter import Interpreter
from gradcli.python.state.source import Script
from gradcli.python.state.values import Function, Scope
from gradcli.python.words.roles import KNOWN

MOST_BESIDE = 24  # files of a folder that are looked at
LARGEST = 60_000  # characters of such a file


class Partner(NamedTuple):
    """A function of another file."""

    node: ast.FunctionDef
    module: str  # that it is taken from, where the file does not import it


def imported(script: Script) -> dict[str, Partner]:
    """The functions that a file takes from other files."""
    reader, scope = Interpreter(script), Scope()
    reader.look_over(script.tree, scope)
    return {
        name: Partner(value.node, "") for name, value in scope.items()
        if isinstance(value, Function) and value.scope.file
        and isinstance(value.node, ast.FunctionDef) and value.name == name
    }  # fmt: skip


def beside(script: Script) -> dict[str, Partner]:
    """The functions of the files beside one, where only one of these has such a function."""
    found: list[Partner] = []
    for path in _paths(script.name):
        try:
            tree = Script(read_text(path), path).tree
        except (GradcliError, OSError):
            continue  # which is no program, and was not asked for
        module = os.path.basename(path).removesuffix(".py")
        found += [Partner(node, module) for node in tree.body if isinstance(node, ast.FunctionDef)]
    counts = Counter(partner.node.name for partner in found)
    return {p.node.name: p for p in found if counts[p.node.name] == 1}


def known_function(name: str, line: int) -> ast.FunctionDef:
    """A function that everybody knows, as if it stood at a line of the file."""
    node = ast.parse(f"def {name}(x):\n    return {KNOWN[name]}").body[0]
    assert isinstance(node, ast.FunctionDef)
    for part in ast.walk(node):
        if isinstance(part, (ast.stmt, ast.expr, ast.arg)):
            part.lineno = part.end_lineno = line
            part.col_offset = part.end_col_offset = 0
    return node


def modules_beside(script: Script) -> list[str]:
    """The names of the files beside one."""
    return [os.path.basename(path).removesuffix(".py") for path in _paths(script.name)]


def modules_around(script: Script) -> list[str]:
    """The files of the folders beside that of a file: `layers.dense` beside `models`."""
    if not os.path.isfile(script.name):
        return []
    own = os.path.abspath(os.path.dirname(script.name))
    above, found = os.path.dirname(own), []
    for folder in _listed(above):
        whole = os.path.join(above, folder)
        if os.path.isdir(whole) and folder.isidentifier() and whole != own:
            found += [f"{folder}.{name.removesuffix('.py')}" for name in _listed(whole)
                      if name.removesuffix(".py").isidentifier() and name.endswith(".py")
                      and _is_small(os.path.join(whole, name))]  # fmt: skip
    return found[:MOST_BESIDE]


def _listed(folder: str) -> list[str]:
    """The names in a folder; none of one that cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _is_small(path: str) -> bool:
    return os.path.isfile(path) and os.path.getsize(path) <= LARGEST


def is_cell(name: str) -> bool:
    """Whether a file is one of several parts of a whole: `2-forward.py`, which none can import."""
    return not os.path.basename(name).removesuffix(".py").isidentifier()


def _paths(own: str) -> list[str]:
    """The other files of a folder that are cells, or modules, as one is; none of pasted text."""
    if not os.path.isfile(own):
        return []
    folder = os.path.dirname(own) or os.curdir
    paths = [os.path.join(folder, name) for name in _listed(folder)
             if name.endswith(".py") and "." not in name.removesuffix(".py")
             and is_cell(name) == is_cell(own) and name != os.path.basename(own)]  # fmt: skip
    return [*filter(_is_small, paths)][:MOST_BESIDE]
