"""Statements of Python, as the interpreter reads them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from gradcli.errors import GradcliError, LimitError
from gradcli.gates.shapes import with_unknown
from gradcli.python import indexing
from gradcli.python.limits import MOST_ITERATIONS, MOST_LENGTH
from gradcli.python.operators import binary, compare, is_true
from gradcli.python.values import Array, Class, Function, Instance, Scope, Shape, Unknown, arrays_in

LONGEST_ITEM = 30  # characters of an item that a turn is named by
NOT_READ = {
    "AsyncFunctionDef": "`async` functions are not read",
    "AsyncFor": "`async for` is not read",
    "AsyncWith": "`async with` is not read",
    "TryStar": "`except*` is not read",
}


class ReturnSignal(Exception):  # no error: control flow
    """`return` was reached."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class BreakSignal(Exception):  # no error: control flow
    """`break` was reached."""


class ContinueSignal(Exception):  # no error: control flow
    """`continue` was reached."""


def turn_of(target: ast.expr, item: Any, count: int) -> str:
    """An iteration as people say it: `t = 2`, or the number of the turn."""
    while isinstance(target, ast.Tuple) and isinstance(item, tuple) and item:
        target, item = target.elts[0], item[0]
    if isinstance(target, ast.Name) and isinstance(item, (int, float, str)):
        return f"{target.id} = {item!r}" if len(str(item)) < LONGEST_ITEM else f"turn {count + 1}"
    return f"turn {count + 1}"


class Statements:
    """The part of the interpreter that reads statements."""

    def statement(self: Any, node: ast.stmt, scope: Scope) -> None:
        """Read one statement."""
        self.at(node)
        self.step()
        kind = type(node).__name__
        method = self.statements.get(type(node))
        if method is None:
            self.fail(NOT_READ.get(kind, f"a statement `{kind}` is not read"))
        first, self.first = self.first, len(self.tape.graph)
        kept = self.source, self.parts, self.scope
        self.source, self.parts, self.scope = None, {}, scope
        try:
            with self.faults():
                method(self, node, scope)
        except GradcliError:
            if self.stopped is None:
                self.stopped = self.here[1], node, scope
            raise
        finally:
            self.source, self.parts, self.scope = kept
        self.first = first

    # ---------------------------------------------------------------- assignments

    def _s_expr(self: Any, node: ast.Expr, scope: Scope) -> None:
        if isinstance(node.value, ast.Constant):
            return  # a docstring
        value = self.evaluate(node.value, scope)
        if not isinstance(node.value, ast.Call):
            self.record_new(value, self.scripts[self.file].words(node), node)

    def _s_assign(self: Any, node: ast.Assign, scope: Scope) -> None:
        value = self.evaluate(node.value, scope)
        self.at(node)
        is_one = len(node.targets) == 1 and not isinstance(node.targets[0], (ast.Tuple, ast.List))
        self.source = node.value if is_one else None
        for target in node.targets:
            self.assign(target, value, scope)

    def _s_annassign(self: Any, node: ast.AnnAssign, scope: Scope) -> None:
        if node.value is not None:
            value = self.evaluate(node.value, scope)
            self.at(node)
            self.assign(node.target, value, scope)

    def assign(self: Any, target: ast.expr, value: Any, scope: Scope) -> None:
        """Give a value to a name, an attribute, a part of an array, or several of these."""
        if isinstance(target, (ast.Tuple, ast.List)):
            self._unpack(target, value, scope)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, value, scope)
        elif isinstance(target, ast.Name):
            self.set_name(target.id, self._named(target, value), scope)
        elif isinstance(target, ast.Attribute):
            owner = self.evaluate(target.value, scope)
            self.at(target)
            if isinstance(owner, Instance):
                prop = owner.cls.find(target.attr)
                if isinstance(prop, Function) and prop.setter is not None:
                    self.call(self.bound(prop.setter, owner), [value], {})
                    return
                owner.attributes[target.attr] = self._named(target, value)
            elif isinstance(owner, Class):
                owner.body[target.attr] = self._named(target, value)
            elif isinstance(owner, Function):
                return  # a mark on a function
            elif isinstance(owner, Array) and target.attr == "shape":
                sizes = self.iterate(value) if isinstance(value, (tuple, list)) else [value]
                shape = tuple(indexing.whole(self.tape, size) for size in sizes)
                whole = with_unknown(self.tape.shape(owner.content), shape)
                owner.write(self.tape.reshape(owner.content, whole))
            else:
                self.fail(f"`{target.attr}` cannot be set here")
        elif isinstance(target, ast.Subscript):
            self._assign_part(target, value, scope)
        else:
            self.fail("this cannot stand on the left of `=`")

    def _named(self: Any, target: ast.expr, value: Any) -> Any:
        """The value as the name has it, with a record of it."""
        words = self.scripts[self.file].words(target)
        value = self.own(value)
        if isinstance(value, Array):
            content = value.content
            if content.__class__ is int and (content >= self.first):
                self.record(words, "assign", content, content, target, self.source)
        else:
            self.record_new(value, words, target)
        return value

    def _unpack(self: Any, target: Any, value: Any, scope: Scope) -> None:
        parts = self.iterate(value)
        names = target.elts
        star = next((k for k, x in enumerate(names) if isinstance(x, ast.Starred)), None)
        if star is not None:
            behind = len(names) - star - 1
            if len(parts) < len(names) - 1:
                self.fail(f"{len(names)} names for {len(parts)} values")
            stop = len(parts) - behind
            parts = [*parts[:star], list(parts[star:stop]), *parts[stop:]]
        if len(parts) != len(names):
            self.at(target)
            self.fail(f"{len(names)} names on the left for {len(parts)} values")
        self.reads_one |= isinstance(value, Shape) and 1 in value
        for name, part in zip(names, parts, strict=True):
            self.assign(name, part, scope)

    def _assign_part(self: Any, target: ast.Subscript, value: Any, scope: Scope) -> None:
        owner = self.evaluate(target.value, scope)
        index = self.evaluate(target.slice, scope)
        self.at(target)
        words = self.scripts[self.file].words(target)
        if isinstance(owner, Array):
            value = Array(self.content(value))
            self.write_part(owner, index, value, words, "assign", value.content)
        elif isinstance(owner, (dict, list)):
            key = self.plain(index)
            owner[key] = self._named(target, value)
        elif isinstance(owner, Instance):
            self.call_method(owner, "__setitem__", [index, value])
        else:
            self.refuse_unknown(owner)
            self.fail("this has no parts to assign to")

    def write_part(
        self: Any, owner: Array, index: Any, value: Array, words: str, kind: str,
        added: Any,
    ) -> None:  # fmt: skip
        """Write a value into a part of an array."""
        tape = self.tape
        mask = index.content if isinstance(index, Array) else None
        if mask.__class__ is int and tape.is_boolean(mask) and (
            tape.shape(mask) == tape.shape(owner.content) and not tape.shape(value.content)
        ):  # fmt: skip
            whole = indexing.put_where(tape, owner.content, mask, value.content)
        else:
            key = indexing.key_of(tape, index)
            whole = indexing.put(tape, owner.content, key, value.content)
        owner.write(whole)
        if whole.__class__ is int:
            self.record(words, "assign", whole, whole)  # the part may have any shape

    def _s_augassign(self: Any, node: ast.AugAssign, scope: Scope) -> None:
        """`+=` and its like: arrays are written in place, numbers and texts get a new value."""
        target = node.target
        load: Any = None
        if isinstance(target, ast.Name):
            old = self.look_up(target.id, scope, target)
        elif isinstance(target, ast.Attribute):
            load = self.evaluate(target.value, scope)
            old = self.attribute(load, target.attr)
        else:
            load = self.evaluate(target.value, scope), self.evaluate(target.slice, scope)
            old = self.part(*load)
        added = self.evaluate(node.value, scope)
        self.at(node)
        kind = "add" if isinstance(node.op, ast.Add) else "assign"
        if isinstance(old, list) and isinstance(node.op, ast.Add):
            old.extend(self.iterate(added))
            return
        value = binary(self, type(node.op), old, added)
        words = self.scripts[self.file].words(target)
        is_number = not isinstance(value, Array)
        content = None if is_number else value.content
        if isinstance(old, Array) and not is_number and self.tape.shape(old.content):
            if self.tape.shape(content) != self.tape.shape(old.content):
                self.fail(f"an array of shape {self.tape.shape(old.content)} cannot become one of "
                          f"shape {self.tape.shape(content)} in place")  # fmt: skip
            if isinstance(target, ast.Subscript) and isinstance(load[0], Array):
                part = self.content(added) if kind == "add" else content
                self.write_part(load[0], load[1], value, words, kind, part)
                return
            old.write(content)
        elif isinstance(target, ast.Subscript) and isinstance(load[0], Array):
            value = Array(self.content(value))
            part = self.content(added) if kind == "add" else value.content
            self.write_part(load[0], load[1], value, words, kind, part)
            return
        else:
            old = value
        if content.__class__ is int:
            part = self.content(added) if kind == "add" else content
            source = node.value if kind == "add" else None
            self.record(words, kind, self.tape.node(part), content, None, source)
        self._store(target, load, old, scope)

    def _store(self: Any, target: Any, load: Any, value: Any, scope: Scope) -> None:
        """Put a value where `+=` has taken it from."""
        if isinstance(target, ast.Name):
            self.set_name(target.id, value, scope)
        elif isinstance(target, ast.Attribute):
            holder = load.attributes if isinstance(load, Instance) else load.body
            holder[target.attr] = value
        elif isinstance(load[0], (dict, list)):
            load[0][self.plain(load[1])] = value
        else:
            self.fail("this cannot be changed in place")

    def set_name(self: Any, name: str, value: Any, scope: Scope) -> None:
        """Give a name its value."""
        scope.elsewhere.get(name, scope)[name] = value

    # ---------------------------------------------------------------- control flow

    def _s_if(self: Any, node: ast.If, scope: Scope) -> None:
        condition = self.evaluate(node.test, scope)
        self.at(node.test)
        self.block(node.body if is_true(self, condition) else node.orelse, scope)

    def _s_for(self: Any, node: ast.For, scope: Scope) -> None:
        items = self.iterate(self.evaluate(node.iter, scope))
        self.at(node)
        if len(items) > MOST_ITERATIONS:
            raise LimitError(f"a loop of {len(items)} iterations; at most {MOST_ITERATIONS} are "
                             "read", self.span(), "check a smaller case")  # fmt: skip

        def turns() -> Iterator[None]:
            for count, item in enumerate(items):
                self.turn[-1] = turn_of(node.target, item, count)
                self.assign_silently(node.target, item, scope)
                yield

        self._loop(node, turns(), scope)

    def _s_while(self: Any, node: ast.While, scope: Scope) -> None:
        def turns() -> Iterator[None]:
            count = 0
            while is_true(self, self.evaluate(node.test, scope)):
                count += 1
                self.turn[-1] = f"turn {count}"
                if count > MOST_ITERATIONS:
                    self.at(node)
                    raise LimitError(f"a loop of more than {MOST_ITERATIONS} iterations",
                                     self.span(), "give it an end that is known")  # fmt: skip
                yield

        self._loop(node, turns(), scope)

    def _loop(self: Any, node: ast.For | ast.While, turns: Iterator[None], scope: Scope) -> None:
        """Read the body once for each of the turns, and what stands after a loop without break."""
        self.turn.append("")
        try:
            for _ in turns:
                self.step()
                try:
                    self.block(node.body, scope)
                except ContinueSignal:
                    continue
                except BreakSignal:
                    return
        finally:
            self.turn.pop()
        self.block(node.orelse, scope)

    def assign_silently(self: Any, target: Any, value: Any, scope: Scope) -> None:
        """Give the names of a loop their values; no line of the program computes these."""
        if isinstance(target, ast.Name):
            self.set_name(target.id, value, scope)
        elif isinstance(target, (ast.Tuple, ast.List)):
            parts = self.iterate(value)
            if len(parts) != len(target.elts):
                self.fail(f"{len(target.elts)} names for {len(parts)} values")
            for name, part in zip(target.elts, parts, strict=True):
                self.assign_silently(name, part, scope)
        else:
            self.assign(target, value, scope)

    def _s_match(self: Any, node: ast.Match, scope: Scope) -> None:
        """The first case that a known value fits."""
        value = self.evaluate(node.subject, scope)
        for case in node.cases:
            self.at(case.pattern)
            if self._matches(case.pattern, value, scope) and (
                case.guard is None or is_true(self, self.evaluate(case.guard, scope))
            ):
                self.block(case.body, scope)
                return

    def _matches(self: Any, pattern: ast.pattern, value: Any, scope: Scope) -> bool:
        """Whether a value fits a pattern; the names in it are set."""
        match pattern:
            case ast.MatchValue():
                other = self.evaluate(pattern.value, scope)
                return is_true(self, compare(self, ast.Eq, value, other))
            case ast.MatchSingleton():
                return value is pattern.value
            case ast.MatchOr():
                return any(self._matches(part, value, scope) for part in pattern.patterns)
            case ast.MatchAs():
                if pattern.pattern is not None and not self._matches(pattern.pattern, value, scope):
                    return False
                if pattern.name is not None:
                    self.set_name(pattern.name, value, scope)
                return True
            case ast.MatchSequence() if isinstance(value, (tuple, list)):
                return len(value) == len(pattern.patterns) and all(
                    self._matches(part, item, scope)
                    for part, item in zip(pattern.patterns, value, strict=True)
                )
        if isinstance(pattern, ast.MatchSequence):
            return False
        return bool(self.fail("patterns of classes are not read", "write `if`/`elif`"))

    def _s_break(self, node: ast.Break, scope: Scope) -> None:
        raise BreakSignal

    def _s_continue(self, node: ast.Continue, scope: Scope) -> None:
        raise ContinueSignal

    def _s_pass(self, node: ast.Pass, scope: Scope) -> None:
        """Nothing."""

    def _s_assert(self, node: ast.Assert, scope: Scope) -> None:
        """A check of the file's own is left out."""

    def _s_raise(self: Any, node: ast.Raise, scope: Scope) -> None:
        self.fail("this `raise` is reached",
                  "give other inputs, or see the condition above it")  # fmt: skip

    def _s_delete(self: Any, node: ast.Delete, scope: Scope) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                scope.pop(target.id, None)

    def _s_global(self: Any, node: ast.Global, scope: Scope) -> None:
        whole = scope
        while whole.outer is not None:
            whole = whole.outer
        scope.elsewhere.update(dict.fromkeys(node.names, whole))

    def _s_nonlocal(self: Any, node: ast.Nonlocal, scope: Scope) -> None:
        for name in node.names:
            holder = scope.outer.find(name) if scope.outer else None
            if holder is not None:
                scope.elsewhere[name] = holder

    def _s_try(self: Any, node: ast.Try, scope: Scope) -> None:
        """The body of `try`; where Python would raise in it, the first handler."""
        try:
            self.block(node.body, scope)
        except GradcliError:
            if not node.handlers:
                raise
            self.stopped = None
            self.block(node.handlers[0].body, scope)
        else:
            self.block(node.orelse, scope)
        self.block(node.finalbody, scope)

    def _s_with(self: Any, node: ast.With, scope: Scope) -> None:
        for item in node.items:
            words = self.scripts[self.file].words(item.context_expr)
            if words.startswith("open(") and item.optional_vars is not None:
                value = self.evaluate(item.context_expr, scope)
                self.assign(item.optional_vars, value, scope)
                continue
            if not words.startswith(("np.errstate", "numpy.errstate", "warnings.")):
                self.at(item.context_expr)
                self.fail(f"`with {words}` is not read",
                          "give what it would set as an input: NAME=VALUE")  # fmt: skip
        self.block(node.body, scope)

    def evaluate_or_unknown(self: Any, node: ast.expr, scope: Scope) -> Any:
        """The value of an expression, or why it has none."""
        try:
            with self.faults():
                return self.evaluate(node, scope)
        except GradcliError as error:
            self.stopped = None  # it goes on
            return Unknown(error.message, error.hint)

    def count_length(self: Any, length: int) -> None:
        """Refuse lists and texts without end."""
        if length > MOST_LENGTH:
            raise LimitError(f"a list or text of {length} parts; at most {MOST_LENGTH} are read",
                             self.span())  # fmt: skip

    def has_arrays(self, value: Any) -> bool:
        """Whether there are arrays in a value."""
        return next(arrays_in(value), None) is not None
