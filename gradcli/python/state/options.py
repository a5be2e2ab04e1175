"""Options that a file takes from its command line with argparse: each has its default here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradcli.python.state.reader import Reader
from gradcli.python.state.values import Class, Instance

FLAGS = {"store_true": False, "store_false": True}


class Parser:
    """An `argparse.ArgumentParser`, and the groups of its options."""

    def __init__(self) -> None:
        self.options: dict[str, Any] = {}


def parser(_: Reader, *__: Any, **___: Any) -> Parser:
    """A parser without an option."""
    return Parser()


def _add(_: Reader, owner: Parser, *names: str, **settings: Any) -> None:
    longest = max(names, key=lambda name: (name.startswith("--"), len(name)))
    default = settings.get("default", FLAGS.get(settings.get("action", "")))
    owner.options[settings.get("dest", longest.lstrip("-").replace("-", "_"))] = default


def _parse(_: Reader, owner: Parser, *__: Any) -> Instance:
    options = Instance(Class("Namespace", [], {}))
    options.attributes.update(owner.options)
    return options


def _set_defaults(_: Reader, owner: Parser, **defaults: Any) -> None:
    owner.options.update(defaults)


OF_PARSERS: dict[str, Callable[..., Any]] = {
    "add_argument": _add, "set_defaults": _set_defaults, "parse_args": _parse,
    "parse_known_args": lambda reader, owner, *_: (_parse(reader, owner), []),
    "add_argument_group": lambda _, owner, *__: owner,
    "add_mutually_exclusive_group": lambda _, owner, **__: owner,
    "print_help": lambda *_: None,
}  # fmt: skip
