"""Named tuples that are quick to define: those of typing were a fifth of the time of start-up.

They are what `typing.NamedTuple` makes, which compiles a constructor and every annotation; here all
share one constructor. Type checkers see that of typing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

__all__ = ["NamedTuple"]

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from collections import _tuplegetter  # which those of typing read their fields with

    class _Named(tuple):
        """A tuple whose class says what its values are called, and what they are by default."""

        __slots__ = ()
        _fields: tuple[str, ...] = ()
        _field_defaults: dict[str, Any] = {}  # noqa: RUF012  # as typing has it

        def __new__(cls, *values: Any, **named: Any) -> Self:
            if named or len(values) != len(cls._fields):
                values = cls._completed(values, named)
            return tuple.__new__(cls, values)

        @classmethod
        def _completed(cls, values: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
            """All values of a new tuple, in order. Raises TypeError for one too many or too few."""
            every = cls._field_defaults | named
            try:
                more = [every[field] for field in cls._fields[len(values) :]]
            except KeyError as missing:
                raise TypeError(f"{cls.__name__} needs {missing}") from None
            if len(values) > len(cls._fields) or named.keys() - {*cls._fields[len(values) :]}:
                raise TypeError(f"{cls.__name__} has {cls._fields}, not also {values} and {named}")
            return (*values, *more)

        @classmethod
        def _make(cls, values: Iterable[Any]) -> Self:
            return cls(*values)

        def _replace(self, **named: Any) -> Self:
            return self.__class__(**{**self._asdict(), **named})

        def _asdict(self) -> dict[str, Any]:
            return dict(zip(self._fields, self, strict=True))

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)

        def __repr__(self) -> str:
            parts = (f"{name}={value!r}" for name, value in self._asdict().items())
            return f"{self.__class__.__name__}({', '.join(parts)})"

    class _Definition(type):
        """Makes a class of named tuples of a class body whose annotations are its fields."""

        def __new__(cls, name: str, _: tuple[type, ...], body: dict[str, Any]) -> type:
            """The class; its module has the future import of annotations, which stay texts."""
            fields = tuple(body["__annotations__"])
            defaults = {field: body[field] for field in fields if field in body}
            values = {field: _tuplegetter(place, "") for place, field in enumerate(fields)}
            names = {"_fields": fields, "__match_args__": fields, "_field_defaults": defaults}
            return type(name, (_Named,), {"__slots__": (), **body, **names, **values})

    NamedTuple = type.__new__(_Definition, "NamedTuple", (), {})
