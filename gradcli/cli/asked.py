"""What the words and options of a command on one program ask for, the same for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from gradcli.cli.streams import refuse_inputs, reporting, warn
from gradcli.cli.suffixes import Suffixes, format_of
from gradcli.cli.words import Pairs, bindings, input_files, program_text
from gradcli.named_tuples import NamedTuple
from gradcli.requests import Request

T = TypeVar("T")
ANY_FORMAT = "--format FORMAT takes any name"


class Asked(NamedTuple):
    """A program and its inputs, where the result goes and how, and the keywords of the api."""

    text: str
    name: str
    bindings: Pairs
    files: tuple[str, ...]  # that are read
    target: str | None
    form: str
    keywords: dict[str, Any]

    def answer(self, call: Callable[..., T], **more: Any) -> T:
        """What a function of the api says of the program; its error is also a document of JSON."""
        return reporting(self.form, lambda: call(
            self.text, self.bindings, name=self.name, **self.keywords, **more
        ))  # fmt: skip


def asked(
    options: Mapping[str, Any], suffixes: Suffixes, default: str, cure: str = ANY_FORMAT
) -> Asked:
    """Read the words of a command; its errors are documents of JSON, too, where that is the format.

    Raises UsageError, FileError.
    """
    return reporting(json_or_none(options), lambda: _asked(options, suffixes, default, cure))


def json_or_none(options: Mapping[str, Any]) -> str:
    """`json` where the options ask for it by name; else nothing."""
    as_json, form = options.get("as_json"), options["form"]
    return "json" if form == "json" or (as_json and form in (None, "table")) else ""


def _asked(options: Mapping[str, Any], suffixes: Suffixes, default: str, cure: str) -> Asked:
    path, target = options["path"], options["target"]
    text, name, rest = program_text(options["words"], path)
    values = [options.get("upstream"), *(word.partition("=")[2] for word in rest)]
    files = input_files([path, *options.get("gates", ())], values)
    refuse_inputs([target], files)
    as_json = options.get("as_json", False)
    form = format_of(options["form"], as_json, target, suffixes, default, cure)
    keywords = {field: options[field] for field in Request._fields if field in options}
    if "wrt" in options:
        keywords["wrt"] = split_names(options["wrt"])
    return Asked(text, name, bindings(rest), files, target, form, keywords)


def say_warnings(warnings: Iterable[str], options: Mapping[str, Any]) -> None:
    """Say warnings as the options want it: not at all, or as errors. Raises Strict."""
    warn(warnings, options["strict"], options["quiet"])


def split_names(words: Iterable[str]) -> list[str] | None:
    """`x,y` and further words as one list; None where there is none."""
    names = [part.strip() for word in words for part in word.split(",")]
    return names or None
