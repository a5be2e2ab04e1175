"""Other people's functions, made to compute with other numbers than floats.

`math.exp` takes nothing but floats, so code that calls it would tell nothing of its slopes in many
digits, and leave no record of what it does. A function is rebound: a copy of it finds other
functions in place of those of math, of `float`, and of those with which numpy makes arrays. So do
the functions that it calls. Nothing of the original changes: what a copy assigns to a global name
or to `self` is its own.
"""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable, Iterator
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

from gradcli.foreign.dialects import Dialect


def rebound(function: Callable[..., Any], dialect: Dialect) -> Callable[..., Any]:
    """A copy of a function that computes with the numbers of a dialect."""
    if not isinstance(function, (FunctionType, MethodType, functools.partial)):
        call = getattr(function, "__call__", None)  # noqa: B004  # of an object
        function = call if isinstance(call, MethodType) else function
    copy: Callable[..., Any] = _Copies(dialect).of(function)
    return copy


class _Copies:
    """The copies of all that a function reaches, each made once, when it is asked for."""

    def __init__(self, dialect: Dialect) -> None:
        self.substitutes = dialect.substitutes
        self.brought = dialect.brought
        self.builtins = {
            **vars(builtins), "float": dialect.float, "__import__": self._imported,
        }  # fmt: skip
        self._made: dict[int, tuple[Any, Any]] = {}  # with the original, which has to live on

    def of(self, value: Any) -> Any:
        """What a copy finds in place of a value: most often the value."""
        if id(value) in self.substitutes:
            return self.substitutes[id(value)]
        if isinstance(value, ModuleType):
            is_numpy = value.__name__.partition(".")[0] == "numpy"
            return value if is_numpy else _Attributes(self, value)
        if isinstance(value, functools.partial):
            return functools.partial(self.of(value.func), *value.args, **value.keywords)
        if isinstance(value, MethodType):
            return MethodType(self.of(value.__func__), _Attributes(self, value.__self__))
        if isinstance(value, FunctionType):
            return self._function(value)
        return self.brought(value)

    def _function(self, function: FunctionType) -> Any:
        if id(function) not in self._made:
            names = _Names(self, function.__globals__)
            cells = tuple(CellType() for _ in function.__closure__ or ())
            copy = FunctionType(function.__code__, names, function.__name__, None, cells)
            self._made[id(function)] = copy, function  # before what it closes over: that may be it
            copy.__defaults__ = function.__defaults__ and tuple(map(self.of, function.__defaults__))
            keywords = function.__kwdefaults__ or {}
            copy.__kwdefaults__ = {key: self.of(value) for key, value in keywords.items()}
            for cell, original in zip(cells, function.__closure__ or (), strict=True):
                for content in _contents(original):
                    cell.cell_contents = self.of(content)
        return self._made[id(function)][0]

    def _imported(self, *arguments: Any, **keywords: Any) -> Any:
        return self.of(builtins.__import__(*arguments, **keywords))


def _contents(cell: CellType) -> Iterator[Any]:
    """What is in a cell; nothing where it is not assigned yet."""
    try:
        yield cell.cell_contents
    except ValueError:
        return


class _Names(dict[str, Any]):
    """The global names of a copy: its own, else those of the original as they are now."""

    def __init__(self, copies: _Copies, names: dict[str, Any]) -> None:
        super().__init__(__builtins__=copies.builtins, __name__=names.get("__name__", ""))
        self._copies = copies
        self._names = names

    def __missing__(self, name: str) -> Any:
        return self._copies.of(self._names[name])


class _Attributes:
    """An object or a module, whose functions are copies and whose changes stay here."""

    def __init__(self, copies: _Copies, original: Any) -> None:
        vars(self).update(_copies=copies, _original=original)

    def __getattr__(self, name: str) -> Any:
        return self._copies.of(getattr(self._original, name))

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self._copies.of(self._original.__call__)(*arguments, **keywords)
