"""What values are made of: an element, a key, the items that a loop goes over."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.python.interpreter.functions import Functions
from gradcli.python.state import indexing
from gradcli.python.state.limits import SORTED_A_STEP
from gradcli.python.state.missing import NoAttribute
from gradcli.python.state.source import PythonFault
from gradcli.python.state.tape import kind_of
from gradcli.python.state.values import Array, Default, Given, Instance, Library, Shape


class Parts(Functions):
    """The part of the interpreter that takes values apart."""

    def part(self, owner: Any, index: Any) -> Any:
        """A part of a value: `x[0]`, `params["W1"]`."""
        tape = self.tape
        if isinstance(owner, Given) and isinstance(index, (Array, tuple, Given)):
            owner = Array(np.array(owner))
        if isinstance(owner, Array):
            key = indexing.key_of(tape, index)
            content = indexing.get(tape, owner.content, key)
            if indexing.is_view(key) and tape.shape(content):
                return Array(content, owner, (
                    lambda whole: indexing.get(tape, whole, key),
                    lambda whole, new: indexing.put(tape, whole, key, new),
                ))  # fmt: skip
            return self.wrap(content)
        if isinstance(owner, Library):
            return self.joined_by_index(owner, index)
        if isinstance(owner, Instance) and owner.cls.is_tuple:
            return self.part(self.iterate(owner), index)
        if isinstance(owner, Instance):
            return self.call_method(owner, "__getitem__", [index])
        self.refuse_unknown(owner)
        if isinstance(index, slice):
            ends = (index.start, index.stop, index.step)
            index = slice(*[None if end is None else indexing.whole(tape, end) for end in ends])
        key = self.plain(index)
        if isinstance(owner, Default) and key not in owner:
            owner[key] = self.call(owner.factory, [], {})
        if isinstance(owner, dict) and key not in owner:
            known = ", ".join(map(repr, owner))
            hint = f"known keys are {known}" if known else None
            raise NoAttribute(owner, key, f"KeyError: {key!r}", self.span(), hint)
        if isinstance(owner, Shape) and isinstance(key, int):
            self.reads_one |= owner[key] == 1
        return owner[key]

    def iterate(self, value: Any) -> list[Any]:
        """The items of what a loop goes over."""
        if isinstance(value, Array):
            shape = self.tape.shape(value.content)
            if not shape:
                self.fail("a number is not iterable")
            self.count_length(shape[0])
            return [self.part(value, k) for k in range(shape[0])]
        self.refuse_unknown(value)
        if isinstance(value, (list, tuple, dict, set, str, range)):
            self.count_length(len(value))
            if not isinstance(value, set):
                return list(value)
            self.step(len(value) // SORTED_A_STEP)
            return sorted(value, key=repr)
        if isinstance(value, Instance) and value.cls.fields and value.cls.is_tuple:
            return [value.attributes[name] for name in value.cls.fields]
        if isinstance(value, Instance) and value.cls.find("__iter__") is not None:
            return [*self.iterate(self.call_method(value, "__iter__", []))]
        raise PythonFault(f"{kind_of(value)} is not iterable")
