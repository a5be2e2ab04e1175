"""What the names of a Python file stand for while it is read.

Python value   None, bool, int, float, str, tuple, list, dict, set, range, slice: as they are
Array          an array or a number that depends on inputs; also known data
content        of an array: a numpy array that is known, or the number of a node
Function, Method, Class, Instance, Super      of the file
Library        a module or a function of numpy, scipy or math, by its name
Unknown        the name of something that cannot be read, which is an error where it is used
Foreign        what is of a module that is not read, or what a call of it gives
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

from gradcli.errors import Span

Content = Any  # a numpy array, or the number of a node
View = tuple[Callable[[Content], Content], Callable[[Content, Content], Content]]


class Taken(ast.BinOp):
    """What `x -= y` or `x /= y` gives, `x - y` or `x / y`; in the text stands `y` only."""


class Shape(tuple[int, ...]):
    """The shape of an array: the code reads the sizes that it takes out of it."""


class Array:
    """An array as a name holds it: two names may hold one, and a view is a part of another.

    Writing in place gives it a new content, which all who hold it see. A view reads its part of
    the base anew when the base has changed, and writes through to it.
    """

    __slots__ = ("_base", "_content", "_seen", "_version", "_view")

    def __init__(
        self, content: Content, base: Array | None = None, view: View | None = None
    ) -> None:
        self._content = content
        self._base = base
        self._view = view
        self._version = 0
        self._seen = base.version if base is not None else 0

    @property
    def version(self) -> int:
        """How often the memory behind the array was written to."""
        return self._version if self._base is None else self._base.version

    @property
    def content(self) -> Content:
        """The numpy array or the node the array holds now."""
        if self._base is not None and self._base.version != self._seen:
            assert self._view is not None
            self._content = self._view[0](self._base.content)
            self._seen = self._base.version
        return self._content

    def write(self, content: Content) -> None:
        """Give the array a new content, and the base its own with it."""
        if self._base is None:
            self._version += 1
        else:
            assert self._view is not None
            self._base.write(self._view[1](self._base.content, content))
            self._seen = self._base.version
        self._content = content

    @property
    def is_view(self) -> bool:
        """Whether it is a part of another array."""
        return self._base is not None

    def reshape(
        self, there: Callable[[Content], Content], back: Callable[[Content], Content]
    ) -> None:
        """Have the same numbers in another shape, and write them through in the old one."""
        if self._view is None:
            self.write(there(self.content))
            return
        part, put = self._view
        self._content = there(self.content)
        self._view = (lambda base: there(part(base)), lambda base, own: put(base, back(own)))

    def rename(self, content: Content) -> None:
        """Take another node for the same numbers; nothing was written."""
        self._content = content


class Scope(dict[str, Any]):
    """The names of a function, a class or a file, and the scope around them."""

    def __init__(self, outer: Scope | None = None, file: int = 0) -> None:
        super().__init__()
        self.outer = outer
        self.file: int = file if outer is None else outer.file
        self.function: Function | None = None
        self.yielded: list[Any] | None = None  # what a generator has given so far
        self.elsewhere: dict[str, Scope] = {}  # names that `global` and `nonlocal` send away

    @classmethod
    def of(cls, names: dict[str, Any]) -> Scope:
        """A scope that holds some names, as a module."""
        scope = cls()
        scope.update(names)
        return scope

    def find(self, name: str) -> Scope | None:
        """The scope that holds a name, from here outwards."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope:
                return scope
            scope = scope.outer
        return None


class Function:
    """A function or lambda of the file."""

    def __init__(self, node: ast.FunctionDef | ast.Lambda, scope: Scope, name: str) -> None:
        self.node = node
        self.scope = scope
        self.name = name
        self.kind = "plain"  # or staticmethod, classmethod, property
        self.lacks_self = False  # though it is a method and uses `self`
        self.setter: Function | None = None  # of a property
        self.owner: Class | None = None
        self.defaults: dict[str, Any] = {}
        args = node.args
        self.positional = [arg.arg for arg in (*args.posonlyargs, *args.args)]
        self.keyword_only = [arg.arg for arg in args.kwonlyargs]
        self._is_generator: bool | None = None  # not looked for yet
        self.rest = args.vararg.arg if args.vararg else None
        self.keywords = args.kwarg.arg if args.kwarg else None

    @property
    def is_generator(self) -> bool:
        """Whether its body gives values with `yield`."""
        if self._is_generator is None:
            body = [] if isinstance(self.node, ast.Lambda) else self.node.body
            self._is_generator = _has_yield(body)
        return self._is_generator

    @property
    def parameters(self) -> list[str]:
        """All named parameters, in order."""
        return [*self.positional, *self.keyword_only]


def _has_yield(body: list[ast.stmt]) -> bool:
    """Whether statements give values with `yield`, those of inner functions not counted."""
    pending: list[ast.AST] = [*body]
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
            pending += ast.iter_child_nodes(node)
    return False


class Method:
    """A function of the file, bound to an instance or a class."""

    def __init__(self, function: Function, owner: Instance | Class) -> None:
        self.function = function
        self.owner = owner


class Class:
    """A class of the file."""

    def __init__(self, name: str, bases: list[Class], body: dict[str, Any]) -> None:
        self.name = name
        self.bases = bases
        self.body = body
        self.fields: list[str] = []  # of a named tuple or a dataclass, in order
        self.settings: dict[str, Any] = {}  # what the fields of a dataclass are set to
        self.is_tuple = False
        self.is_enum = False  # its members are its only instances

    def order(self) -> Iterator[Class]:
        """The class and its bases, in the order in which names are looked up."""
        pending = [self]
        while pending:  # no recursion: each level of it would hand on every class below
            cls = pending.pop()
            yield cls
            pending += reversed(cls.bases)

    def find(self, name: str) -> Any:
        """What the class or a base calls by a name; None where nothing does."""
        return next((cls.body[name] for cls in self.order() if name in cls.body), None)


class Instance:
    """An object of a class of the file."""

    def __init__(self, cls: Class) -> None:
        self.cls = cls
        self.attributes: dict[str, Any] = {}


class Super:
    """`super()` in a method."""

    def __init__(self, cls: Class, instance: Instance | Class) -> None:
        self.cls = cls
        self.instance = instance


class Library:
    """A name of numpy, scipy, math or of Python itself: `random.randn`, `linalg.norm`, `len`."""

    def __init__(self, name: str, kind: str = "numpy") -> None:
        self.name = name
        self.kind = kind  # numpy, math or python

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Library) and (self.name, self.kind) == (other.name, other.kind)

    def __hash__(self) -> int:
        return hash((self.name, self.kind))


class Partial:
    """What `functools.partial` returns: a function, and its first values."""

    def __init__(self, callee: Any, values: list[Any], keywords: dict[str, Any]) -> None:
        self.callee = callee
        self.values = values
        self.keywords = keywords


class OfArray:
    """A method of an array, a list, a dictionary or a text: `x.sum`, `grads.update`."""

    def __init__(self, owner: Any, name: str) -> None:
        self.owner = owner
        self.name = name


class TextFile:
    """A file of text that is opened for reading."""

    def __init__(self, text: str) -> None:
        self.text = text


class Unknown:
    """What could not be read, and why."""

    def __init__(self, reason: str, hint: str | None = None, span: Span | None = None) -> None:
        self.reason = reason
        self.hint = hint
        self.span = span  # of what could not be read, where that is not where it is used


class Foreign(Unknown):
    """What is of a module that is not read: an error only where a number is made of it."""


HOLDERS = (Array, dict, list, tuple, Instance)  # values in which arrays may be


def _ignore(count: int) -> None:
    """Count nothing."""


def arrays_in(
    value: Any, path: str = "", depth: int = 4, seen: Callable[[int], None] = _ignore
) -> Iterator[tuple[str, Array]]:
    """The arrays inside a value, each with the way to it: `["W1"]`, `[0]`, `.W`.

    `seen` is told how many parts are looked at.
    """
    if depth and isinstance(value, (dict, list, tuple)):
        seen(len(value))
    if isinstance(value, Array):
        yield path, value
    elif depth and isinstance(value, dict):
        for key, part in value.items():
            yield from arrays_in(part, f"{path}[{key!r}]", depth - 1, seen)
    elif depth and isinstance(value, (list, tuple)):
        for place, part in enumerate(value):
            if isinstance(part, HOLDERS):  # of many numbers it costs a call each
                yield from arrays_in(part, f"{path}[{place}]", depth - 1, seen)
    elif depth and isinstance(value, Instance):
        for name, part in value.attributes.items():
            yield from arrays_in(part, f"{path}.{name}", depth - 1, seen)


TENSOR = {"data", "val", "value", "array", "tensor", "grad"}  # fields of an array of a network


def unwrapped(value: Any) -> Any:
    """A value with the arrays that objects of an autograd class hold in the place of these."""
    if isinstance(value, (tuple, list)):
        return tuple(unwrapped(part) for part in value)
    if not isinstance(value, Instance) or fields_of(value):
        return value
    return next((part for part in value.attributes.values() if isinstance(part, Array)), value)


def fields_of(value: Any) -> dict[str, Any]:
    """The fields of a record of several arrays, a dataclass or a named tuple; empty for another.

    An array with its gradient beside it, `Tensor(data, grad)`, is no record.
    """
    if not isinstance(value, Instance) or not TENSOR.isdisjoint(value.cls.fields):
        return {}
    fields = {name: value.attributes.get(name) for name in value.cls.fields}
    arrays = [part for part in fields.values() if isinstance(part, Array)]
    return fields if len(arrays) > 1 else {}


class Given(list[Any]):
    """A list of whole numbers that was given as a value: an array where one is needed."""


class Default(dict[Any, Any]):
    """A `defaultdict`: what is missing is made by a function."""

    def __init__(self, factory: Any) -> None:
        super().__init__()
        self.factory = factory
