"""Expressions of Python, as the interpreter reads them."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from gradcli.errors import LimitError, did_you_mean
from gradcli.python.interpreter.assignments import Assignments
from gradcli.python.rows.builtins import BUILTINS
from gradcli.python.rows.helpers import HELPERS
from gradcli.python.state.control import turn_of
from gradcli.python.state.limits import MOST_ITERATIONS
from gradcli.python.state.operators import binary, compare, is_true, unary
from gradcli.python.state.values import Array, Class, Library, OfArray, Scope

TINY = 1e-4  # below it a constant keeps a logarithm or a quotient away from 0
PLAIN = (bool, int, float, str, type(None))


class Expressions(Assignments):
    """The part of the interpreter that reads expressions."""

    # ---------------------------------------------------------------- leaves

    def _e_constant(self, node: ast.Constant, scope: Scope) -> Any:
        if isinstance(node.value, (complex, bytes)):
            self.at(node)
            self.fail(f"`{node.value!r}` is not read")
        is_tiny = isinstance(node.value, float) and 0 < node.value < TINY
        if is_tiny and id(node) in self.scripts[self.file].safeguards:
            self.has_tiny = True
            return 0.0 if self.tiny_is_zero else node.value
        return node.value

    def _e_name(self, node: ast.Name, scope: Scope) -> Any:
        return self.look_up(node.id, scope, node)

    def look_up(self, name: str, scope: Scope, node: ast.expr) -> Any:
        """The value of a name."""
        away = scope.elsewhere.get(name)
        holder = (away if away is not None else scope).find(name)
        if holder is not None:
            return holder[name]
        if name in BUILTINS or name in ("super", "print"):
            return Library(name, "python")
        if name in ("np", "numpy") and self.script.is_fragment:
            return Library("")
        whole = scope
        while whole.outer is not None:
            whole = whole.outer
        if whole is not scope and self.makes_late(name, whole):
            return whole[name]
        self.at(node)
        if name in HELPERS and (self.missing or self.script.is_fragment):
            whose = f" of `{self.missing[0]}`, which is not beside the file," if self.missing else (
                ", which this fragment does not define,"
            )  # fmt: skip
            note = f"`{name}`{whose} is taken for what its name says"
            if note not in self.notes:
                self.notes.append(note)
            return Library(f"helper {name}", "python")
        known: list[str] = []
        outer: Scope | None = scope
        while outer is not None:
            known += outer
            outer = outer.outer
        return self.fail(f"name '{name}' is not defined", did_you_mean(name, known))

    # ---------------------------------------------------------------- collections

    def _e_tuple(self, node: ast.Tuple | ast.List, scope: Scope) -> Any:
        values: list[Any] = []
        for part in node.elts:
            if isinstance(part, ast.Starred):
                values += self.iterate(self.evaluate(part.value, scope))
            else:
                value = self.evaluate(part, scope)
                self._record_part(part, value)
                values.append(value)
        return tuple(values)

    def _record_part(self, node: ast.expr, value: Any) -> None:
        """Note what an entry of a list or a dictionary computes."""
        if isinstance(value, Array) and not isinstance(node, (ast.Name, ast.Attribute)):
            self.record_new(value, self.scripts[self.file].words(node), node)

    def _e_list(self, node: ast.List, scope: Scope) -> Any:
        return list(self._e_tuple(node, scope))

    def _e_set(self, node: ast.Set, scope: Scope) -> Any:
        return {self.plain(self.evaluate(part, scope)) for part in node.elts}

    def _e_dict(self, node: ast.Dict, scope: Scope) -> Any:
        values: dict[Any, Any] = {}
        for key, part in zip(node.keys, node.values, strict=True):
            value = self.evaluate(part, scope)
            if key is None:
                values.update(value)
                continue
            self._record_part(part, value)
            values[self.plain(self.evaluate(key, scope))] = value
        return values

    def _e_joinedstr(self, node: ast.JoinedStr, scope: Scope) -> str:
        return "".join(str(self.evaluate(part, scope)) for part in node.values)

    def _e_formattedvalue(self, node: ast.FormattedValue, scope: Scope) -> str:
        value = self.plain(self.evaluate(node.value, scope))
        form = self.evaluate(node.format_spec, scope) if node.format_spec else ""
        if len(form) > 8:  # a width of millions would be a text of that length
            self.fail("a format of this length is not read")
        return format(value if isinstance(value, PLAIN) else str(value), form)

    def _e_starred(self, node: ast.Starred, scope: Scope) -> Any:
        self.at(node)
        self.fail("`*` does not stand here")

    def _e_yield(self, node: ast.Yield | ast.YieldFrom, scope: Scope) -> Any:
        """`yield`: a generator is read to its end, and is the list of what it gives."""
        value = None if node.value is None else self.evaluate(node.value, scope)
        yielded = scope.yielded
        if yielded is None:
            self.at(node)
            return self.fail("`yield` stands in no function")
        yielded.extend(self.iterate(value) if isinstance(node, ast.YieldFrom) else [value])
        self.count_length(len(yielded))

    def _e_namedexpr(self, node: ast.NamedExpr, scope: Scope) -> Any:
        value = self.evaluate(node.value, scope)
        self.assign(node.target, value, scope)
        return value

    # ---------------------------------------------------------------- operators

    def _e_unaryop(self, node: ast.UnaryOp, scope: Scope) -> Any:
        value = self.evaluate(node.operand, scope)
        self.at(node)
        return unary(self, type(node.op), value)

    def _e_binop(self, node: ast.BinOp, scope: Scope) -> Any:
        left, right = self.evaluate(node.left, scope), self.evaluate(node.right, scope)
        self.at(node)
        return binary(self, type(node.op), left, right)

    def _e_boolop(self, node: ast.BoolOp, scope: Scope) -> Any:
        value: Any = None
        for part in node.values:
            value = self.evaluate(part, scope)
            self.at(part)
            if is_true(self, value) != isinstance(node.op, ast.And):
                break
        return value

    def _e_compare(self, node: ast.Compare, scope: Scope) -> Any:
        left = self.evaluate(node.left, scope)
        value: Any = True
        for op, part in zip(node.ops, node.comparators, strict=True):
            right = self.evaluate(part, scope)
            self.at(node)
            value = compare(self, type(op), left, right)
            if len(node.ops) > 1 and not is_true(self, value):
                return value
            left = right
        return value

    def _e_ifexp(self, node: ast.IfExp, scope: Scope) -> Any:
        condition = self.evaluate(node.test, scope)
        self.at(node.test)
        return self.evaluate(node.body if is_true(self, condition) else node.orelse, scope)

    def _e_lambda(self, node: ast.Lambda, scope: Scope) -> Any:
        return self.function(node, scope, "lambda")

    # ---------------------------------------------------------------- comprehensions

    def _e_listcomp(self, node: Any, scope: Scope) -> Any:
        values: list[Any] = []

        def collect(inner: Scope) -> None:
            value = self.evaluate(node.elt, inner)
            self._record_part(node.elt, value)
            values.append(value)

        self._comprehend(node.generators, scope, collect)
        return values

    _e_generatorexp = _e_listcomp

    def _e_setcomp(self, node: ast.SetComp, scope: Scope) -> Any:
        return {self.plain(value) for value in self._e_listcomp(node, scope)}

    def _e_dictcomp(self, node: ast.DictComp, scope: Scope) -> Any:
        values: dict[Any, Any] = {}

        def collect(inner: Scope) -> None:
            key = self.plain(self.evaluate(node.key, inner))
            values[key] = self.evaluate(node.value, inner)
            self._record_part(node.value, values[key])

        self._comprehend(node.generators, scope, collect)
        return values

    def _comprehend(
        self, generators: list[ast.comprehension], scope: Scope,
        collect: Callable[[Scope], None],
    ) -> None:  # fmt: skip
        """Call `collect` for every combination of what the generators give."""
        inner = Scope(scope)
        inner.function = scope.function

        def go(depth: int) -> None:
            if depth == len(generators):
                collect(inner)
                return
            generator = generators[depth]
            items = self.iterate(self.evaluate(generator.iter, inner))
            if len(items) > MOST_ITERATIONS:
                raise LimitError(f"a loop of {len(items)} iterations", self.span())
            self.turn.append("")
            for count, item in enumerate(items):
                self.turn[-1] = turn_of(generator.target, item, count)
                self.step()
                self.assign_silently(generator.target, item, inner)
                if all(is_true(self, self.evaluate(c, inner)) for c in generator.ifs):
                    go(depth + 1)
            self.turn.pop()

        go(0)

    # ---------------------------------------------------------------- parts

    def _e_slice(self, node: ast.Slice, scope: Scope) -> Any:
        parts = (node.lower, node.upper, node.step)
        return slice(*[None if part is None else self.evaluate(part, scope) for part in parts])

    def _e_subscript(self, node: ast.Subscript, scope: Scope) -> Any:
        owner = self.evaluate(node.value, scope)
        index = self.evaluate(node.slice, scope)
        self.at(node)
        return self.part(owner, index)

    def _e_attribute(self, node: ast.Attribute, scope: Scope) -> Any:
        owner = self.evaluate(node.value, scope)
        self.at(node)
        return self.attribute(owner, node.attr)

    # ---------------------------------------------------------------- calls

    def _e_call(self, node: ast.Call, scope: Scope) -> Any:
        callee = self.evaluate(node.func, scope)
        if isinstance(callee, Library) and callee == Library("super", "python"):
            return self._super(node, scope)
        if isinstance(callee, Library) and callee.name == "print":
            if self.watch is not None:  # a test that prints what it calls
                for part in node.args:
                    self.evaluate(part, scope)
            return None
        values: list[Any] = []
        keywords: dict[str, Any] = {}
        keeps_parts = _keeps_parts(callee)
        for part in node.args:
            if isinstance(part, ast.Starred):
                values += self.iterate(self.evaluate(part.value, scope))
                continue
            values.append(self.evaluate(part, scope))
            if keeps_parts:
                self._record_part(part, values[-1])
        for keyword in node.keywords:
            value = self.evaluate(keyword.value, scope)
            if keeps_parts:
                self._record_part(keyword.value, value)
            if keyword.arg is None:
                keywords.update(value)
            else:
                keywords[keyword.arg] = value
        self.at(node)
        return self.call(callee, values, keywords, node)


def _keeps_parts(callee: Any) -> bool:
    """Whether a call puts what it is given into a vessel: a record, a dictionary, a list."""
    if isinstance(callee, Class):
        return bool(callee.fields)
    if isinstance(callee, OfArray):
        return isinstance(callee.owner, (dict, list)) and callee.name in ("update", "insert")
    return bool(callee == Library("dict", "python"))
