"""Values get their names: of variables, attributes, keys and parts of arrays."""

from __future__ import annotations

import ast
from typing import Any

from gradcli.gates.shapes import with_unknown
from gradcli.python.interpreter.parts import Parts
from gradcli.python.state import indexing
from gradcli.python.state.values import Array, Class, Function, Instance, Scope, Shape


class Assignments(Parts):
    """The part of the interpreter that gives values their names."""

    def assign(self, target: ast.expr, value: Any, scope: Scope) -> None:
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
                old = self.tape.shape(owner.content)
                new = with_unknown(old, shape)
                owner.reshape(
                    lambda part: self.tape.reshape(part, new),
                    lambda part: self.tape.reshape(part, old),
                )
            else:
                self.fail(f"`{target.attr}` cannot be set here")
        elif isinstance(target, ast.Subscript):
            self._assign_part(target, value, scope)
        else:
            self.fail("this cannot stand on the left of `=`")

    def _named(self, target: ast.expr, value: Any) -> Any:
        """The value as the name has it, with a record of it."""
        words = self.scripts[self.file].words(target)
        if self.file == 0 and self.script.offset(target) in self.rows and isinstance(value, Array):
            return Array(self.input_of_row(words, self.tape.node(value.content)))
        is_plain = isinstance(target, ast.Name) and isinstance(self.source, ast.Name)
        value = self.own(value, is_plain)
        if isinstance(value, Array):
            content = value.content
            if content.__class__ is int and (content >= self.first):
                self.record(words, "assign", content, content, target, self.source)
        else:
            self.record_new(value, words, target)
        return value

    def input_of_row(self, name: str, node: int) -> int:
        """An input with the values of a row of a table, which has a gradient of its own."""
        known = self.tape.graph.inputs
        while name in known:
            name = f"{name}_2"
        own: int = self.tape.input(name, self.tape.values[node])
        self.row_inputs[name] = own
        return own

    def _is_vector(self, value: Any) -> bool:
        """Whether a value is an array with one axis."""
        is_node = isinstance(value, Array) and value.content.__class__ is int
        return is_node and len(self.tape.shape(value.content)) == 1

    def _unpack(self, target: Any, value: Any, scope: Scope) -> None:
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
            kind = "elements" if self._is_vector(value) else "values"
            self.fail(f"{len(names)} names on the left for {len(parts)} {kind}")
        self.reads_one |= isinstance(value, Shape) and 1 in value
        for name, part in zip(names, parts, strict=True):
            self.assign(name, part, scope)

    def _assign_part(self, target: ast.Subscript, value: Any, scope: Scope) -> None:
        owner = self.evaluate(target.value, scope)
        index = self.evaluate(target.slice, scope)
        self.at(target)
        words = self.scripts[self.file].words(target)
        if isinstance(owner, Array):
            part = Array(self.content(value))
            if not (isinstance(index, Array) and self.tape.is_boolean(index.content)):
                before = self.part(owner, index)
                part = self.own_part(part, before, words, "assign", self.source)
            self.write_part(owner, index, part, words)
        elif isinstance(owner, (dict, list)):
            key = self.plain(index)
            owner[key] = self._named(target, value)
        elif isinstance(owner, Instance):
            self.call_method(owner, "__setitem__", [index, value])
        else:
            self.refuse_unknown(owner)
            self.fail("this has no parts to assign to")

    def own_part(
        self, value: Any, before: Any, words: str, kind: str, source: ast.expr | None
    ) -> Any:
        """What a line gives for a part of an array as a node of its own, with a record of it."""
        is_node = isinstance(value, Array) and value.content.__class__ is int
        if not is_node or not self.may_be_backward():
            return value
        old = self.tape.node(self.content(before))
        own = Array(self.tape.copy(value.content))
        self.record(words, kind, own, own, None, source, old)
        return own

    def write_part(self, owner: Array, index: Any, value: Array, words: str) -> None:
        """Write a value into a part of an array; what the line gives is the whole."""
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
            self.record(words, "assign", whole, whole)

    def _store(self, target: Any, load: Any, value: Any, scope: Scope) -> None:
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

    def assign_silently(self, target: Any, value: Any, scope: Scope) -> None:
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
