"""Functions of the loaded module, called by name."""

from __future__ import annotations

from types import ModuleType
from typing import Any


def called(module: ModuleType, name: str, *arguments: Any, **keywords: Any) -> Any:
    """What a function of the module returns, `name` or `Class.name`."""
    return found(module, name)(*arguments, **keywords)


def found(module: ModuleType, name: str) -> Any:
    """What a module calls by a name, with dots. Raises AttributeError."""
    value: Any = module
    for part in name.split("."):
        value = getattr(value, part)
    return value


VERBS = {"call": called}
