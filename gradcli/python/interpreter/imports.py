"""Imports of a Python file: numpy and its like by name, and the files beside it, which are read."""

from __future__ import annotations

import ast
import os
from typing import Any

from gradcli.errors import GradcliError, LimitError
from gradcli.program.files import read_text
from gradcli.python.interpreter.statements import Statements
from gradcli.python.rows.builtins import BUILTINS
from gradcli.python.rows.calls import CONSTANTS, OTHER_FRAMEWORKS, ROWS, refusal
from gradcli.python.rows.helpers import HELPERS, WITH_CACHE
from gradcli.python.state.limits import MOST_FILES
from gradcli.python.state.source import Script
from gradcli.python.state.values import Foreign, Library, Scope, Unknown

KNOWN_ROOTS = ("numpy", "math", "cmath", "scipy", "autograd", "cupy", "cupyx")  # numpy's names
OLD_AND_NEW = ("builtins", "past", "six", "future")  # names that Python has itself
MATHEMATICS = ("math", "cmath")
STARRED = ("pylab", "matplotlib.pylab")  # whose `*` has all of numpy
# What `from numpy import *` gives beside functions and numbers.
OF_NUMPY = ("r_", "c_", "s_", "ndarray", "linalg", "random", "float32", "float64", "int32", "int64")
# Modules whose calls change no number of a program, or are not reached by one.
IGNORED_ROOTS = {
    "__future__", "typing", "warnings", "abc", "dataclasses", "enum", "logging", "time", "sys",
    "os", "matplotlib", "pprint", "argparse", "datetime", "unittest", "pytest", "doctest", "tqdm",
    "gc", "IPython", "seaborn", "inspect", "numbers", "pathlib",
}  # fmt: skip
OF_HELP = ("ArgumentDefaultsHelpFormatter", "RawTextHelpFormatter", "RawDescriptionHelpFormatter",
           "BooleanOptionalAction", "SUPPRESS")  # fmt: skip
# Names of the standard library that are read, by what they are here.
STANDARD: dict[str, dict[str, Library]] = {
    "collections": {"OrderedDict": Library("dict", "python"),
                    "defaultdict": Library("defaultdict", "python"),
                    "namedtuple": Library("namedtuple", "python")},
    "copy": {"copy": Library("copy.copy", "python"),
             "deepcopy": Library("copy.deepcopy", "python")},
    "itertools": {"product": Library("itertools.product", "python"),
                  "chain": Library("itertools.chain", "python")},
    "functools": {"reduce": Library("functools.reduce", "python"),
                  "partial": Library("functools.partial", "python")},
    "numba": {"prange": Library("range", "python")},  # its decorators change no number
    "gradcli": {name: Library("ignore", "python") for name in ("gate", "checked")},  # marks
    "weakref": {name: Library(f"weakref.{name}", "python") for name in ("ref", "proxy")},
    "opt_einsum": {"contract": Library("einsum")},
    "argparse": {"ArgumentParser": Library("argparse.ArgumentParser", "python"),
                 **dict.fromkeys(OF_HELP, Library("ignore", "python"))},
    "random": {},
}  # fmt: skip
DEFINITIONS = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.With)
MOST_UP = 3  # folders above the file in which another is looked for


class Imports(Statements):
    """The part of the interpreter that reads imports, and other files with them."""

    def _s_import(self, node: ast.Import, scope: Scope) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.split(".")[0]
            taken = alias.name if alias.asname else name
            self.set_name(name, self._module(taken), scope)

    def _module(self, name: str) -> Any:
        root, _, rest = name.partition(".")
        if root in KNOWN_ROOTS:
            is_mathematics = root in MATHEMATICS
            return Library("math" if is_mathematics else rest.removeprefix("numpy"),
                           "math" if is_mathematics else "numpy")  # fmt: skip
        if root == "random":
            return Library("random")
        if root in STANDARD:
            return STANDARD[root].get(rest) or Scope.of(STANDARD[root])
        beside = self.module_beside(name, 0)
        if beside is not None:
            return beside
        if root in IGNORED_ROOTS:
            return Library("ignore", "python")
        return Foreign(*refusal(name))

    def _s_importfrom(self, node: ast.ImportFrom, scope: Scope) -> None:
        module = node.module or ""
        root = "" if node.level else module.partition(".")[0]
        for alias in node.names:
            name = alias.asname or alias.name
            if alias.name == "*" and module in STARRED:
                self._star("numpy", scope)
            elif root in KNOWN_ROOTS:
                kind = "math" if root in MATHEMATICS else "numpy"
                if alias.name == "*":
                    self._star(kind, scope)
                    continue
                prefix = "math" if kind == "math" else module.partition(".")[2]
                owner = Library(prefix.removeprefix("numpy"), kind)
                self.set_name(name, self._of_library(owner, alias.name), scope)
            elif root in OLD_AND_NEW:
                if alias.name in BUILTINS:
                    self.set_name(name, Library(alias.name, "python"), scope)
            elif root == "random":
                self.set_name(name, Library(f"random.{alias.name}"), scope)
            elif root in STANDARD and alias.name in STANDARD[root]:
                self.set_name(name, STANDARD[root][alias.name], scope)
            else:
                self._import_beside(module, node.level, alias.name, name, scope)
                names = {other.name for other in node.names}
                if isinstance(scope.get(name), Unknown) or alias.name == "*":
                    self._helper(module, alias.name, name, names, scope)

    def _helper(self, module: str, taken: str, name: str, names: set[str], scope: Scope) -> None:
        """A function of a missing helper module, where its name says what it is."""
        if module.partition(".")[0] in OTHER_FRAMEWORKS:
            return
        if taken == "*":
            if self.module_beside(module, 0) is None:
                self.missing.append(module)
            return
        has_cache = any(other.endswith("_backward") for other in names)
        if taken in (WITH_CACHE if has_cache else HELPERS):
            kind = "cached" if has_cache else "helper"
            scope[name] = Library(f"{kind} {taken}", "python")
            self.notes.append(f"`{taken}` of `{module}`, which is not beside the file, is taken "
                              "for what its name says")  # fmt: skip

    def _star(self, kind: str, scope: Scope) -> None:
        for row in ROWS:
            if "." not in row and row not in BUILTINS:
                scope.setdefault(row, Library(row, kind))
        for name, number in CONSTANTS.items():
            scope.setdefault(name, number)
        for name in OF_NUMPY if kind == "numpy" else ():
            scope.setdefault(name, Library(name, kind))

    def _import_beside(self, module: str, level: int, taken: str, name: str, scope: Scope) -> None:
        whole = self.module_beside(module, level)
        inner = None
        if taken != "*" and (whole is None or taken not in whole):
            inner = self.module_beside(f"{module}.{taken}" if module else taken, level)
        if inner is not None:
            self.set_name(name, inner, scope)
        elif whole is None:
            is_ignored = not level and module.partition(".")[0] in IGNORED_ROOTS
            unknown = Foreign(*refusal(module or taken))
            if taken != "*":
                self.set_name(name, Library("ignore", "python") if is_ignored else unknown, scope)
        elif taken == "*":
            scope.update({k: value for k, value in whole.items() if not k.startswith("__")})
        else:
            self.makes_late(taken, whole)
            reason = Unknown(f"`{module}.py` has no `{taken}`")
            self.set_name(name, whole.get(taken, reason), scope)

    def module_beside(self, name: str, level: int = 0) -> Scope | None:
        """The names of a file beside the one that is read, or above it; None for no such file."""
        start = os.path.dirname(self.scripts[self.file].name) or os.curdir
        for _ in range(level - 1):
            start = os.path.join(start, os.pardir)
        parts = name.split(".") if name else []
        tails = [parts] if level else [parts, parts[-1:]]
        for tail in tails:
            folder = start
            for _ in range(1 if level else MOST_UP):
                whole = os.path.join(folder, *tail)
                for path in (f"{whole}.py", os.path.join(whole, "__init__.py")):
                    if (tail or level) and os.path.isfile(path):
                        scope: Scope = self._file(path)
                        return scope
                folder = os.path.join(folder, os.pardir)
        return None

    def _file(self, path: str) -> Scope:
        real = os.path.realpath(path)
        if real in self.modules:
            whole: Scope = self.modules[real]
            return whole
        if len(self.scripts) > MOST_FILES:
            raise LimitError(f"more than {MOST_FILES} files are imported", self.span())
        scope = self.modules[real] = Scope(file=len(self.scripts))
        others = self.script.others
        if real not in others:
            others[real] = Script(read_text(path), os.path.normpath(path))
        self.scripts.append(others[real])
        kept = self.file, self.here
        self.file = scope.file
        try:
            self.look_over(others[real].tree, scope)
        finally:
            self.file, self.here = kept
        return scope

    def makes_late(self, name: str, whole: Scope) -> bool:
        """Whether a file makes an object under a name, `zero = Zero()`: once it is asked for."""
        tree = self.scripts[whole.file].tree
        classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
        made = [
            node for node in tree.body
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and name in names_set(node)
            and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name)
            and node.value.func.id in classes
        ]  # fmt: skip
        if name in whole or not made:
            return False
        kept = self.file, self.here
        self.file = whole.file
        try:
            self._define(made[-1], whole)
        finally:
            self.file, self.here = kept
        return name in whole

    def look_over(self, tree: ast.Module, scope: Scope) -> None:
        """The definitions and settings of a file; what cannot be read is unknown until used."""
        scope["__name__"] = "__gradcli__"
        kept, self.is_lenient = self.is_lenient, True
        own = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        self._look_over_block(tree.body, scope, own)
        self.is_lenient = kept

    def _look_over_block(self, body: list[ast.stmt], scope: Scope, own: set[str]) -> None:
        for node in body:
            if isinstance(node, ast.Try):
                self._look_over_try(node, scope, own)
            elif isinstance(node, ast.If):
                self._look_over_if(node, scope, own)
            elif _is_setting(node, own):
                self._define(node, scope)

    def _look_over_if(self, node: ast.If, scope: Scope, own: set[str]) -> None:
        """The branch that is taken: `if resume: ... else: model = {}`.

        Where the condition cannot be read, the names of both branches are unknown until used.
        """
        try:
            with self.faults():
                taken = node.body if self.is_taken(node, scope) else node.orelse
        except GradcliError as error:
            self.stopped = None  # it goes on
            for part in [*node.body, *node.orelse]:
                for name in [*names_set(part), *_imported(part)]:
                    words = f"`{name}` is set under a condition that is not read: {error.message}"
                    scope.setdefault(name, Unknown(words, error.hint))
        else:
            self._look_over_block(taken, scope, own)

    def _look_over_try(self, node: ast.Try, scope: Scope, own: set[str]) -> None:
        """What a file tries to import or to set; the first handler's where a module is not read."""
        body = [part for part in node.body if _is_setting(part, own)]
        for part in body:
            self._define(part, scope)
        names = {name for part in body for name in _imported(part)}
        if any(isinstance(scope.get(name), Unknown) for name in names):
            for part in node.handlers[0].body if node.handlers else ():
                if _is_setting(part, own):
                    self._define(part, scope)

    def _define(self, node: ast.stmt, scope: Scope) -> None:
        try:
            self.statement(node, scope)
        except GradcliError as error:
            self.stopped = None  # it goes on
            for name in [*names_set(node), *_imported(node)]:
                scope.setdefault(name, Unknown(error.message, error.hint))


def _is_setting(node: ast.stmt, own: set[str]) -> bool:
    """Whether a statement defines or imports something, or sets what no function computes."""
    return isinstance(node, DEFINITIONS) or (
        isinstance(node, (ast.Assign, ast.AnnAssign)) and not _calls(node, own)
    )


def _imported(node: ast.stmt) -> list[str]:
    """The names that an import gives values to."""
    if not isinstance(node, (ast.Import, ast.ImportFrom)):
        return []
    return [alias.asname or alias.name.partition(".")[0] for alias in node.names]


def _calls(node: ast.stmt, names: set[str]) -> bool:
    """Whether a setting is computed by a function of the file: then it is a test, no setting."""
    return any(
        isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id in names
        for part in ast.walk(node)
    )


def names_set(node: ast.stmt) -> list[str]:
    """The names that a statement gives values to."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, ast.With):
        return [name for part in node.body for name in names_set(part)]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [
        part.id
        for target in targets
        if target is not None
        for part in ast.walk(target)
        if isinstance(part, ast.Name)
    ]
