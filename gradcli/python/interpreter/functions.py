"""Functions, methods, attributes and imports of a Python file."""

from __future__ import annotations

import ast
from typing import Any

from gradcli.errors import LimitError, did_you_mean
from gradcli.python.rows.builtins import BUILTINS
from gradcli.python.rows.calls import CONSTANTS, MODULES, library_call
from gradcli.python.rows.helpers import HELPERS, WITH_CACHE
from gradcli.python.rows.methods import ATTRIBUTES, OF_LISTS, method_call
from gradcli.python.state.contexts import SAVES, keeper
from gradcli.python.state.control import BreakSignal, ContinueSignal, ReturnSignal
from gradcli.python.state.limits import DEEPEST_CALLS, STEPS_A_CALL
from gradcli.python.state.missing import NoAttribute
from gradcli.python.state.reader import Reader
from gradcli.python.state.source import PythonFault
from gradcli.python.state.tape import kind_of
from gradcli.python.state.values import (
    Array,
    Class,
    Foreign,
    Function,
    Given,
    Instance,
    Library,
    Method,
    OfArray,
    Partial,
    Scope,
    Super,
)

KINDS = {"float64": "f", "int64": "i", "bool": "b"}  # of numbers


class Functions(Reader):
    """The part of the interpreter that calls functions and looks up attributes."""

    def function(self, node: ast.FunctionDef | ast.Lambda, scope: Scope, name: str) -> Function:
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

    def call(
        self, callee: Any, values: list[Any], keywords: dict[str, Any],
        node: Any = None,
    ) -> Any:  # fmt: skip
        """The value of a call."""
        if isinstance(callee, Method):
            return self._read_call(callee.function, [callee.owner, *values], keywords, node)
        if isinstance(callee, Function):
            return self._read_call(callee, values, keywords, node)
        if isinstance(callee, Class) and callee.is_enum:
            return self._member(callee, *values)
        if isinstance(callee, Class):
            instance = Instance(callee)
            start = callee.find("__init__")
            if start is not None:
                self._read_call(start, [instance, *values], keywords, node)
            elif callee.fields:
                self._set_fields(instance, values, keywords)
            elif values or keywords:
                self.fail(f"{callee.name}() takes no arguments")
            return instance
        if isinstance(callee, Instance):
            return self.call_method(callee, "__call__", values, keywords)
        if isinstance(callee, Library):
            if callee.name.startswith(("helper ", "cached ")):
                kind, _, name = callee.name.partition(" ")
                named = keywords if name == "leaky relu" else {}
                return (WITH_CACHE if kind == "cached" else HELPERS)[name](self, *values, **named)
            if callee.kind == "python":
                return BUILTINS[callee.name](self, *values, **keywords)
            return library_call(self, callee, values, keywords)
        if isinstance(callee, Partial):
            named = {**callee.keywords, **keywords}
            return self.call(callee.callee, [*callee.values, *values], named, node)
        if isinstance(callee, OfArray):
            return method_call(self, callee, values, keywords)
        if isinstance(callee, Foreign):
            return Foreign(callee.reason, callee.hint, callee.span or self.span())
        self.refuse_unknown(callee)
        self.fail(f"{kind_of(callee)} is not callable")

    def _member(self, cls: Class, value: Any) -> Any:
        """The member of an enumeration that has a value, or that is handed over itself."""
        members = [part for part in cls.body.values() if isinstance(part, Instance)]
        for member in members:
            if value is member or value == member.attributes["value"]:
                return member
        known = ", ".join(repr(member.attributes["value"]) for member in members)
        return self.fail(f"{value!r} is no value of `{cls.name}`", f"these are {known}")

    def _set_fields(self, instance: Instance, values: list[Any], keywords: dict[str, Any]) -> None:
        """Give the fields of a named tuple their values."""
        cls = instance.cls
        given = {**dict(zip(cls.fields, values, strict=False)), **keywords}
        if len(values) > len(cls.fields) or not given.keys() <= {*cls.fields}:
            self.fail(f"{cls.name}() has the fields {', '.join(cls.fields)}")
        for name in cls.fields:
            value = given.get(name, cls.find(name))
            if name not in given and value is None and name not in cls.body:
                self.fail(f"{cls.name}() misses its field `{name}`")
            instance.attributes[name] = value

    def call_method(
        self, instance: Instance, name: str, values: list[Any],
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
        self, function: Function, values: list[Any], keywords: dict[str, Any],
        node: Any,
    ) -> Any:  # fmt: skip
        """Read a function of the file with its parameters set."""
        if len(self.functions) >= DEEPEST_CALLS:
            names = " > ".join(f.name for f in self.functions[-4:])
            raise LimitError(f"more than {DEEPEST_CALLS} calls inside one another: ... {names}",
                             self.span(), "a recursion needs an end that is known")  # fmt: skip
        if function.lacks_self:
            self.at(node or function.node)
            self.fail(f"the method `{function.name}` lacks its first parameter `self`",
                      f"it stands in line {function.node.lineno}; or --fix-self")  # fmt: skip
        self.step(STEPS_A_CALL)
        scope = self.scope_of_call(function, values, keywords)
        if self.watch is not None:
            self.watch(function, scope)
        body = function.node.body
        if isinstance(body, ast.expr):  # of a lambda, which may be the slip as other lines may
            body = [ast.copy_location(ast.Return(body), body)]
        kept = self.file, self.turn, self.here, self.tape.place, self.first
        self.calls.append(self.tape.place)
        self.functions.append(function)
        self.scopes[function.name] = scope
        self.file, self.turn = function.scope.file, [*self.turn]
        yielded: list[Any] = []
        if function.is_generator:
            scope.yielded = yielded
        try:
            self.block(body, scope)
        except ReturnSignal as result:
            return yielded if function.is_generator else result.value
        except (BreakSignal, ContinueSignal):  # as Python says it
            self.fail("`break` or `continue` outside a loop")
        finally:
            self.calls.pop()
            self.functions.pop()
            self.file, self.turn, self.here, self.tape.place, self.first = kept
        return yielded if function.is_generator else None

    def _s_return(self, node: ast.Return, scope: Scope) -> None:
        """`return`: what it computes is a line of its own."""
        if node.value is None:
            raise ReturnSignal(None)
        value = self.evaluate(node.value, scope)
        self.at(node)
        if isinstance(value, Array):
            if isinstance(node.value, ast.Name) and self._is_as_handed(value, node.value.id, scope):
                value = self.own(value)
            self.record_new(value, "return", node.value)
        raise ReturnSignal(value)

    def _is_as_handed(self, value: Array, name: str, scope: Scope) -> bool:
        """Whether an inner call returns an argument as it came: that is a step of its own."""
        if len(self.calls) < 2 or name not in getattr(scope.function, "parameters", ()):
            return False
        calls = tuple(self.calls)
        for record in reversed(self.records):
            if record.call[: len(calls)] != calls:
                return True
            if record.total == value.content:
                return False
        return True

    def scope_of_call(
        self, function: Function, values: list[Any], keywords: dict[str, Any]
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

    def _super(self, node: ast.Call, scope: Scope) -> Super:
        holder: Scope | None = scope
        while holder is not None and (holder.function is None or holder.function.owner is None):
            holder = holder.outer
        if holder is None or holder.function is None or holder.function.owner is None:
            raise PythonFault("`super()` stands in no method")
        return Super(holder.function.owner, holder[holder.function.positional[0]])

    # ---------------------------------------------------------------- attributes

    def attribute(self, owner: Any, name: str) -> Any:
        """What stands behind a dot."""
        if isinstance(owner, Given) and (name in ATTRIBUTES or name not in OF_LISTS):
            owner = Array(self.content(owner))
        if name == "__class__" and not isinstance(owner, (Instance, Class)):
            return self.call(Library("type", "python"), [owner], {})
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
        if isinstance(owner, Foreign):
            return Foreign(owner.reason, owner.hint, owner.span or self.span())
        self.refuse_unknown(owner)
        if isinstance(owner, str) and owner in KINDS and name in ("kind", "name"):  # of a `dtype`
            return KINDS[owner] if name == "kind" else owner
        if isinstance(owner, Function) and name == "__name__":
            return owner.name
        if isinstance(owner, Function) and owner.kind == "property" and name in ("fget", "fset"):
            return owner if name == "fget" else owner.setter
        if isinstance(owner, (int, float)) and name in ATTRIBUTES:
            return ATTRIBUTES[name](self, Array(self.content(owner)))
        return OfArray(owner, name)

    def _of_instance(self, owner: Instance, name: str) -> Any:
        value = owner.cls.find(name)
        is_property = isinstance(value, Function) and value.kind == "property"
        if name in owner.attributes and not is_property:
            return owner.attributes[name]
        if value is None:
            if name == "__class__":
                return owner.cls
            if name == "__dict__":
                return owner.attributes
            if name in SAVES:
                return keeper(owner)
            known = [*owner.attributes, *owner.cls.body]
            raise NoAttribute(owner, name, f"`{owner.cls.name}` has no attribute `{name}`",
                              self.span(), did_you_mean(name, known)
                              or f"no line that was read sets `self.{name}`")  # fmt: skip
        if isinstance(value, Function):
            bound = self.bound(value, owner)
            return self.call(bound, [], {}) if value.kind == "property" else bound
        return value

    def _of_super(self, owner: Super, name: str) -> Any:
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

    def _of_library(self, owner: Library, name: str) -> Any:
        full = f"{owner.name}.{name}" if owner.name else name
        if full in CONSTANTS or name in CONSTANTS:
            return CONSTANTS.get(full, CONSTANTS.get(name))
        if full in MODULES:
            return Library(full, owner.kind)
        if owner.name in ("ignore", "helper step", "helper sampled"):
            return owner
        if name == "__name__":
            return owner.name
        if owner.kind == "python":
            self.fail(f"`{full}` is not read")
        return Library(full, owner.kind)

    def joined_by_index(self, owner: Library, index: Any) -> Any:
        """`np.r_[a, b]` and `np.c_[a, b]`, which join arrays; `np.s_[1:3]` is an index."""
        parts = list(index) if isinstance(index, tuple) else [index]
        if owner.name in ("s_", "index_exp"):
            return index
        if owner.name not in ("r_", "c_"):
            self.fail(f"`{owner.name}` has no parts")
        return library_call(self, Library("joined_rows" if owner.name == "r_" else "column_stack"),
                            [parts], {})  # fmt: skip
