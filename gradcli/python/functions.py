"""Functions, methods, attributes and imports of a Python file."""

from __future__ import annotations

import ast
import os
from typing import Any

from gradcli.errors import GradcliError, LimitError, did_you_mean
from gradcli.program.files import read_text
from gradcli.python.builtin_calls import BUILTINS
from gradcli.python.library import CONSTANTS, MODULES, library_call, refusal
from gradcli.python.limits import DEEPEST_CALLS, MOST_FILES
from gradcli.python.methods import ATTRIBUTES, OF_LISTS, method_call
from gradcli.python.source import Script
from gradcli.python.statements import ReturnSignal
from gradcli.python.tape import kind_of
from gradcli.python.values import (
    Array,
    Class,
    Function,
    Given,
    Instance,
    Library,
    Method,
    OfArray,
    Scope,
    Super,
    Unknown,
)

KNOWN_ROOTS = ("numpy", "math", "scipy", "cmath", "builtins", "past", "six")
IGNORED_ROOTS = ("__future__", "typing", "warnings", "abc", "dataclasses", "enum", "logging")
BUILT_IN_TYPES = ("object", "Exception", "ABC")


class Functions:
    """The part of the interpreter that calls functions and looks up attributes."""

    def function(
        self: Any, node: ast.FunctionDef | ast.Lambda, scope: Scope, name: str
    ) -> Function:
        """A function of the file, with the values of its defaults."""
        function = Function(node, scope, name)
        args = node.args
        positional = function.positional[len(function.positional) - len(args.defaults) :]
        pairs = [*zip(positional, args.defaults, strict=True)]
        pairs += [
            (arg.arg, default)
            for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)
            if default is not None
        ]
        for parameter, default in pairs:
            function.defaults[parameter] = self.evaluate_or_unknown(default, scope)
        return function

    # ---------------------------------------------------------------- calls

    def _e_call(self: Any, node: ast.Call, scope: Scope) -> Any:
        callee = self.evaluate(node.func, scope)
        if isinstance(callee, Library) and callee == Library("super", "python"):
            return self._super(node, scope)
        if isinstance(callee, Library) and callee.name == "print":
            return None
        values: list[Any] = []
        keywords: dict[str, Any] = {}
        for part in node.args:
            if isinstance(part, ast.Starred):
                values += self.iterate(self.evaluate(part.value, scope))
            else:
                values.append(self.evaluate(part, scope))
        for keyword in node.keywords:
            value = self.evaluate(keyword.value, scope)
            if keyword.arg is None:
                keywords.update(value)
            else:
                keywords[keyword.arg] = value
        self.at(node)
        return self.call(callee, values, keywords, node)

    def call(
        self: Any, callee: Any, values: list[Any], keywords: dict[str, Any],
        node: Any = None,
    ) -> Any:  # fmt: skip
        """The value of a call."""
        if isinstance(callee, Method):
            return self._read_call(callee.function, [callee.owner, *values], keywords, node)
        if isinstance(callee, Function):
            return self._read_call(callee, values, keywords, node)
        if isinstance(callee, Class):
            instance = Instance(callee)
            start = callee.find("__init__")
            if start is not None:
                self._read_call(start, [instance, *values], keywords, node)
            return instance
        if isinstance(callee, Instance):
            return self.call_method(callee, "__call__", values, keywords)
        if isinstance(callee, Library):
            if callee.kind == "python":
                return BUILTINS[callee.name](self, *values, **keywords)
            return library_call(self, callee, values, keywords)
        if isinstance(callee, OfArray):
            return method_call(self, callee, values, keywords)
        self.refuse_unknown(callee)
        self.fail(f"{kind_of(callee)} is not callable")

    def call_method(
        self: Any, instance: Instance, name: str, values: list[Any],
        keywords: dict[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        """The value of a method of an instance."""
        function = instance.cls.find(name)
        if not isinstance(function, Function):
            self.fail(f"`{instance.cls.name}` has no `{name}`")
        return self.call(self.bound(function, instance), values, keywords or {})

    def bound(self, function: Function, owner: Any) -> Any:
        """A function of a class as an instance has it."""
        if function.kind == "staticmethod":
            return function
        if function.kind == "classmethod" and isinstance(owner, Instance):
            return Method(function, owner.cls)
        return Method(function, owner)

    def _read_call(
        self: Any, function: Function, values: list[Any], keywords: dict[str, Any],
        node: Any,
    ) -> Any:  # fmt: skip
        """Read a function of the file with its parameters set."""
        if len(self.functions) >= DEEPEST_CALLS:
            names = " > ".join(f.name for f in self.functions[-4:])
            raise LimitError(f"more than {DEEPEST_CALLS} calls inside one another: ... {names}",
                             self.span(), "a recursion needs an end that is known")  # fmt: skip
        scope = self._arguments(function, values, keywords)
        if isinstance(function.node, ast.Lambda):
            return self.evaluate(function.node.body, scope)
        kept = self.file, self.turn, self.here, self.tape.place, self.first
        self.calls.append(self.tape.place)
        self.functions.append(function)
        self.scopes[function.name] = scope
        self.file, self.turn = function.scope.file, []
        try:
            self.block(function.node.body, scope)
        except ReturnSignal as result:
            return result.value
        finally:
            self.calls.pop()
            self.functions.pop()
            self.file, self.turn, self.here, self.tape.place, self.first = kept
        return None

    def _s_return(self: Any, node: ast.Return, scope: Scope) -> None:
        """`return`: what it computes is a line of its own."""
        if node.value is None:
            raise ReturnSignal(None)
        value = self.evaluate(node.value, scope)
        self.at(node)
        if isinstance(value, Array):
            self.record_new(value, "return", node)
        raise ReturnSignal(value)

    def _arguments(
        self: Any, function: Function, values: list[Any], keywords: dict[str, Any]
    ) -> Scope:
        """The scope of a call: its parameters by position, by keyword, by default."""
        scope = Scope(function.scope)
        scope.function = function
        name = f"{function.name}()"
        names = function.positional
        scope.update(zip(names, values, strict=False))
        extra = values[len(names) :]
        if function.rest is not None:
            scope[function.rest] = tuple(extra)
        elif extra:
            self.fail(f"{name} takes {len(names)} arguments, {len(values)} are given",
                      self._missing_self(function))  # fmt: skip
        others = {}
        for key, value in keywords.items():
            if key not in function.parameters:
                others[key] = value
            elif key in scope:
                self.fail(f"{name} got two values for `{key}`")
            else:
                scope[key] = value
        if function.keywords is not None:
            scope[function.keywords] = others
        elif others:
            key = next(iter(others))
            self.fail(f"{name} has no parameter `{key}`", did_you_mean(key, function.parameters))
        for parameter in function.parameters:
            if parameter not in scope:
                if parameter not in function.defaults:
                    self.fail(f"{name} misses its argument `{parameter}`")
                scope[parameter] = function.defaults[parameter]
        return scope

    def _missing_self(self, function: Function) -> str | None:
        """Advice where a method has no `self`."""
        if function.owner is None or function.positional[:1] == ["self"]:
            return None
        return f"the first parameter of a method is `self`: `def {function.name}(self, ...)`"

    def _super(self: Any, node: ast.Call, scope: Scope) -> Super:
        holder: Scope | None = scope
        while holder is not None and (holder.function is None or holder.function.owner is None):
            holder = holder.outer
        if holder is None or holder.function is None or holder.function.owner is None:
            self.at(node)
            self.fail("`super()` stands in no method")
        return Super(holder.function.owner, holder[holder.function.positional[0]])

    # ---------------------------------------------------------------- attributes

    def attribute(self: Any, owner: Any, name: str) -> Any:
        """What stands behind a dot."""
        if isinstance(owner, Given) and (name in ATTRIBUTES or name not in OF_LISTS):
            owner = Array(self.content(owner))
        if isinstance(owner, Array):
            made = ATTRIBUTES.get(name)
            return made(self, owner) if made else OfArray(owner, name)
        if isinstance(owner, Instance):
            return self._of_instance(owner, name)
        if isinstance(owner, Class):
            value = owner.find(name)
            if value is None:
                if name == "__name__":
                    return owner.name
                self.fail(f"class `{owner.name}` has no `{name}`")
            is_bound = isinstance(value, Function) and value.kind == "classmethod"
            return Method(value, owner) if is_bound else value
        if isinstance(owner, Super):
            return self._of_super(owner, name)
        if isinstance(owner, Library):
            return self._of_library(owner, name)
        if isinstance(owner, Scope):
            if name not in owner:
                self.fail(f"the file has no `{name}`", did_you_mean(name, owner))
            return owner[name]
        self.refuse_unknown(owner)
        if isinstance(owner, Function) and name == "__name__":
            return owner.name
        if isinstance(owner, (int, float)) and name in ATTRIBUTES:
            return ATTRIBUTES[name](self, Array(self.content(owner)))
        return OfArray(owner, name)

    def _of_instance(self: Any, owner: Instance, name: str) -> Any:
        if name in owner.attributes:
            return owner.attributes[name]
        value = owner.cls.find(name)
        if value is None:
            if name == "__class__":
                return owner.cls
            if name == "__dict__":
                return owner.attributes
            known = [*owner.attributes, *owner.cls.body]
            self.fail(f"`{owner.cls.name}` has no attribute `{name}`", did_you_mean(name, known))
        if isinstance(value, Function):
            bound = self.bound(value, owner)
            return self.call(bound, [], {}) if value.kind == "property" else bound
        return value

    def _of_super(self: Any, owner: Super, name: str) -> Any:
        start = owner.instance if isinstance(owner.instance, Class) else owner.instance.cls
        order = [*start.order()]
        for cls in order[order.index(owner.cls) + 1 :]:
            if name in cls.body:
                value = cls.body[name]
                is_function = isinstance(value, Function)
                return self.bound(value, owner.instance) if is_function else value
        if name == "__init__":
            return Library("ignore", "python")
        self.fail(f"no class above `{owner.cls.name}` has `{name}`")

    def _of_library(self: Any, owner: Library, name: str) -> Any:
        full = f"{owner.name}.{name}" if owner.name else name
        if full in CONSTANTS or name in CONSTANTS:
            return CONSTANTS.get(full, CONSTANTS.get(name))
        if full in MODULES:
            return Library(full, owner.kind)
        if owner.kind == "python":
            self.fail(f"`{full}` is not read")
        return Library(full, owner.kind)

    def joined_by_index(self: Any, owner: Library, index: Any) -> Any:
        """`np.r_[a, b]` and `np.c_[a, b]`, which join arrays in square brackets."""
        parts = list(index) if isinstance(index, tuple) else [index]
        if owner.name not in ("r_", "c_"):
            self.fail(f"`{owner.name}` has no parts")
        return library_call(self, Library("joined_rows" if owner.name == "r_" else "column_stack"),
                            [parts], {})  # fmt: skip

    # ---------------------------------------------------------------- imports

    def _s_import(self: Any, node: ast.Import, scope: Scope) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.split(".")[0]
            taken = alias.name if alias.asname else name
            self.set_name(name, self._module(taken), scope)

    def _module(self: Any, name: str) -> Any:
        root, _, rest = name.partition(".")
        if root in KNOWN_ROOTS:
            return Library("math" if root in ("math", "cmath") else rest,
                           "math" if root in ("math", "cmath") else "numpy")  # fmt: skip
        if root in IGNORED_ROOTS:
            return Library("ignore", "python")
        beside = self._beside(name)
        if beside is not None:
            return beside
        return Unknown(*refusal(name))

    def _s_importfrom(self: Any, node: ast.ImportFrom, scope: Scope) -> None:
        module = node.module or ""
        root = module.partition(".")[0]
        for alias in node.names:
            name = alias.asname or alias.name
            if root in KNOWN_ROOTS and not node.level:
                kind = "math" if root == "math" else "numpy"
                prefix = module.partition(".")[2] if kind == "numpy" else "math"
                if alias.name == "*":
                    self._star(kind, scope)
                    continue
                self.set_name(name, self._of_library(Library(prefix, kind), alias.name), scope)
            elif root in IGNORED_ROOTS:
                self.set_name(name, Library("ignore", "python"), scope)
            else:
                self._import_beside(module, alias.name, name, scope)

    def _star(self: Any, kind: str, scope: Scope) -> None:
        from gradcli.python.library import ROWS  # late: few files import everything

        for row in ROWS:
            if "." not in row and row not in BUILTINS:
                scope.setdefault(row, Library(row, kind))
        for name in ("pi", "e", "inf", "nan"):
            scope.setdefault(name, CONSTANTS[name])

    def _import_beside(self: Any, module: str, taken: str, name: str, scope: Scope) -> None:
        whole = self._beside(module) if module else self._beside(taken)
        if whole is None:
            inner = self._beside(f"{module}.{taken}") if module and taken != "*" else None
            value = inner if inner is not None else Unknown(*refusal(module or taken))
            if taken != "*":
                self.set_name(name, value, scope)
            return
        if not module:
            self.set_name(name, whole, scope)
        elif taken == "*":
            for key, value in whole.items():
                if not key.startswith("__"):
                    scope[key] = value
        else:
            reason = f"`{module}.py` has no `{taken}`"
            self.set_name(name, whole.get(taken, Unknown(reason)), scope)

    def _beside(self: Any, name: str) -> Scope | None:
        """The names of a file beside the one that is read, or above it; None where there is none."""
        if not self.folder or not name:
            return None
        parts = name.split(".")
        folder = self.folder
        for _ in range(3):
            for tail in (parts, parts[-1:]):
                path = os.path.join(folder, *tail) + ".py"
                if os.path.isfile(path):
                    return self._file(path)
            folder = os.path.dirname(folder) or os.curdir
        return None

    def _file(self: Any, path: str) -> Scope:
        real = os.path.realpath(path)
        if real in self.modules:
            return self.modules[real]
        if len(self.scripts) > MOST_FILES:
            raise LimitError(f"more than {MOST_FILES} files are imported", self.span())
        scope = self.modules[real] = Scope(file=len(self.scripts))
        self.scripts.append(Script(read_text(path), path))
        kept = self.file, self.here
        self.file = scope.file
        try:
            self.look_over(self.scripts[-1].tree, scope)
        finally:
            self.file, self.here = kept
        return scope

    def look_over(self: Any, tree: ast.Module, scope: Scope) -> None:
        """The definitions and settings of a file; what cannot be read is unknown until used."""
        scope["__name__"] = "__gradcli__"
        kept, self.is_lenient = self.is_lenient, True
        own = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)) or (
                isinstance(node, (ast.Assign, ast.AnnAssign)) and not _calls(node, own)
            ):
                self._define(node, scope)
            elif isinstance(node, ast.Try):
                for part in node.body:
                    if isinstance(part, (ast.Import, ast.ImportFrom)):
                        self._define(part, scope)
        self.is_lenient = kept

    def _define(self: Any, node: ast.stmt, scope: Scope) -> None:
        try:
            self.statement(node, scope)
        except GradcliError as error:
            for name in names_set(node):
                scope.setdefault(name, Unknown(error.message, error.hint))


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
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [
        part.id
        for target in targets
        if target is not None
        for part in ast.walk(target)
        if isinstance(part, ast.Name)
    ]
