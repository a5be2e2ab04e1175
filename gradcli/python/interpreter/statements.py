"""Statements of Python, as the interpreter reads them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from gradcli.errors import GradcliError, LimitError
from gradcli.python.interpreter.expressions import Expressions
from gradcli.python.state.control import BreakSignal, ContinueSignal, turn_of
from gradcli.python.state.guards import HOW, REACHED, asked
from gradcli.python.state.limits import MOST_ITERATIONS
from gradcli.python.state.operators import binary, compare, is_true
from gradcli.python.state.values import Array, Foreign, Scope, Taken, Unknown

CHECKS = re.compile(r"^_?(assert|check|validate|verify|log|show)(_|$)")  # what changes no number


ENDLESS = f"a loop of more than {MOST_ITERATIONS} iterations: nothing in it ends it"
ENDS = (ast.Break, ast.Return, ast.Raise, ast.Call, ast.Yield, ast.Assert)  # a call may raise


def _never_ends(node: ast.While) -> bool:
    """Whether a loop as long as a constant is true has nothing in it that ends it."""
    is_always = isinstance(node.test, ast.Constant) and bool(node.test.value)
    parts = (part for statement in node.body for part in ast.walk(statement))
    return is_always and not any(isinstance(part, ENDS) for part in parts)


class Statements(Expressions):
    """The part of the interpreter that reads statements."""

    # ---------------------------------------------------------------- assignments

    def _s_expr(self, node: ast.Expr, scope: Scope) -> None:
        if isinstance(node.value, ast.Constant):
            return  # a docstring
        if self._is_foreign_check(node.value, scope):
            return
        value = self.evaluate(node.value, scope)
        if isinstance(value, Foreign) and isinstance(node.value, ast.Call):
            handed = (*node.value.args, *(keyword.value for keyword in node.value.keywords))
            if any(self.has_arrays(self.parts.get(id(part))) for part in handed):
                self.refuse_unknown(value)  # it may write into these
        if not isinstance(node.value, ast.Call):
            self.record_new(value, self.scripts[self.file].words(node), node)

    def _is_foreign_check(self, node: ast.expr, scope: Scope) -> bool:
        """Whether a statement only calls what a module that is not read has for checks."""
        callee = node.func if isinstance(node, ast.Call) else node
        name = callee.id if isinstance(callee, ast.Name) else ""
        holder = scope.find(name) if CHECKS.match(name) else None
        return holder is not None and isinstance(holder[name], Unknown)

    def _s_assign(self, node: ast.Assign, scope: Scope) -> None:
        value = self.evaluate(node.value, scope)
        self.at(node)
        is_one = len(node.targets) == 1 and not isinstance(node.targets[0], (ast.Tuple, ast.List))
        self.source = node.value if is_one else None
        for target in node.targets:
            self.assign(target, value, scope)

    def _s_annassign(self, node: ast.AnnAssign, scope: Scope) -> None:
        if node.value is not None:
            value = self.evaluate(node.value, scope)
            self.at(node)
            self.assign(node.target, value, scope)

    def _s_augassign(self, node: ast.AugAssign, scope: Scope) -> None:
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
        if isinstance(added, Array):
            added = Array(self.fresh(added.content))
        self.at(node)
        kind = "add" if isinstance(node.op, ast.Add) else "assign"
        source: ast.expr | None = node.value if kind == "add" else None
        if isinstance(node.op, (ast.Sub, ast.Mult, ast.Div)):
            self.parts[id(target)] = Array(old.content) if isinstance(old, Array) else old
            source = ast.copy_location(Taken(target, node.op, node.value), node.value)
        if isinstance(old, list) and isinstance(node.op, ast.Add):
            old.extend(self.iterate(added))
            return
        words = self.scripts[self.file].words(target)
        is_part = isinstance(target, ast.Subscript) and isinstance(load[0], Array)
        if is_part and kind == "add":
            added = self.own_part(added, old, words, kind, source)
        value = binary(self, type(node.op), old, added)
        if is_part and kind == "assign":
            value = self.own_part(value, old, words, kind, source)
        is_number = not isinstance(value, Array)
        content = None if is_number else value.content
        if isinstance(old, Array) and not is_number and self.tape.shape(old.content):
            if self.tape.shape(content) != self.tape.shape(old.content):
                self.fail(f"an array of shape {self.tape.shape(old.content)} cannot become one of "
                          f"shape {self.tape.shape(content)} in place")  # fmt: skip
            if isinstance(target, ast.Subscript) and isinstance(load[0], Array):
                self.write_part(load[0], load[1], value, words)
                return
            old.write(content)
        elif isinstance(target, ast.Subscript) and isinstance(load[0], Array):
            self.write_part(load[0], load[1], Array(self.content(value)), words)
            return
        else:
            old = value
        if content.__class__ is int:
            part = self.content(added) if kind == "add" else content
            self.record(words, kind, self.tape.node(part), content, None, source)
        self._store(target, load, old, scope)

    # ---------------------------------------------------------------- control flow

    def _s_if(self, node: ast.If, scope: Scope) -> None:
        is_taken = self.is_taken(node, scope)
        body = node.body if is_taken else node.orelse
        if body and isinstance(body[0], ast.Raise):
            self._refuse(body[0], node.test, is_taken, scope)
        self.block(body, scope)

    def is_taken(self, node: ast.If, scope: Scope) -> bool:
        """Whether the condition of an `if` holds."""
        condition = self.evaluate(node.test, scope)
        self.at(node.test)
        return is_true(self, condition)

    def _refuse(self, node: ast.Raise, test: ast.expr, wanted: bool, scope: Scope) -> None:
        """Refuse what the file itself refuses, at its `raise`, and say what was asked for there."""
        guard, asks_for = asked(self, test, wanted, scope)
        self.stopped = guard, node, scope
        self.at(node)
        self.fail(f"{REACHED}{asks_for}", HOW)

    def _s_for(self, node: ast.For, scope: Scope) -> None:
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

    def _s_while(self, node: ast.While, scope: Scope) -> None:
        def turns() -> Iterator[None]:
            count = 0
            if _never_ends(node):
                self.at(node)
                raise LimitError(ENDLESS, self.span(), "give it an end that is known")
            while is_true(self, self.evaluate(node.test, scope)):
                count += 1
                self.turn[-1] = f"turn {count}"
                if count > MOST_ITERATIONS:
                    self.at(node)
                    raise LimitError(f"a loop of more than {MOST_ITERATIONS} iterations",
                                     self.span(), "give it an end that is known")  # fmt: skip
                yield

        self._loop(node, turns(), scope)

    def _loop(self, node: ast.For | ast.While, turns: Iterator[None], scope: Scope) -> None:
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

    def _s_match(self, node: ast.Match, scope: Scope) -> None:
        """The first case that a known value fits."""
        value = self.evaluate(node.subject, scope)
        for case in node.cases:
            self.at(case.pattern)
            if self._matches(case.pattern, value, scope) and (
                case.guard is None or is_true(self, self.evaluate(case.guard, scope))
            ):
                self.block(case.body, scope)
                return

    def _matches(self, pattern: ast.pattern, value: Any, scope: Scope) -> bool:
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

    def _s_raise(self, node: ast.Raise, scope: Scope) -> None:
        self.fail(REACHED, HOW)

    def _s_delete(self, node: ast.Delete, scope: Scope) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                scope.pop(target.id, None)

    def _s_global(self, node: ast.Global, scope: Scope) -> None:
        whole = scope
        while whole.outer is not None:
            whole = whole.outer
        scope.elsewhere.update(dict.fromkeys(node.names, whole))

    def _s_nonlocal(self, node: ast.Nonlocal, scope: Scope) -> None:
        for name in node.names:
            holder = scope.outer.find(name) if scope.outer else None
            if holder is not None:
                scope.elsewhere[name] = holder

    def _s_try(self, node: ast.Try, scope: Scope) -> None:
        """The body of `try`; where Python would raise in it, the first handler.

        The error stays one where the handler gives up, too: it raises, ends, or only prints.
        """
        try:
            self.block(node.body, scope)
        except GradcliError as error:
            kept, handler = self.stopped, next(iter(node.handlers), None)
            if handler is None or _gives_up(handler):
                raise
            self.stopped = None
            if handler.name:
                scope[handler.name] = Unknown(error.message, error.hint)
            try:
                self.block(handler.body, scope)
            except GradcliError:
                self.stopped = kept
                raise error from None
        else:
            self.block(node.orelse, scope)
        self.block(node.finalbody, scope)

    def _s_with(self, node: ast.With, scope: Scope) -> None:
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


def _gives_up(handler: ast.ExceptHandler) -> bool:
    """Whether a handler changes nothing that follows, but for a `raise`, an end or a message."""
    return not any(
        isinstance(part, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Pass, ast.Continue))
        or (isinstance(part, ast.Return) and not _is_nothing(part.value))
        for part in ast.walk(handler)
    ) or any(isinstance(part, ast.Raise) for part in handler.body)


def _is_nothing(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)
