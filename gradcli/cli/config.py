"""Defaults for `check` from `[tool.gradcli]` in pyproject.toml; flags win over them."""

from __future__ import annotations

import math
import os
from typing import Any

import click

from gradcli.cli.words import ExpressionCommand
from gradcli.errors import FileError, UsageError, did_you_mean, reason_of
from gradcli.named_tuples import NamedTuple

NAME = "pyproject.toml"
PATHS, BASELINE = "paths", "baseline"  # lead there from the folder of the file
KEYS = {  # key in the file: parameter of the command, and what its value is
    "tolerance": ("tolerance", "a number"), "format": ("form", "a text"),
    "samples": ("samples", "a whole number"), "seed": ("seed", "a whole number"),
    "exact": ("exact", "true or false"), "strict": ("strict", "true or false"),
    "inconclusive": ("inconclusive", "a text"), "jobs": ("jobs", "a whole number"),
    "junit": ("junit", "a text"), "sarif": ("sarif", "a text"), "gitlab": ("gitlab", "a text"),
    "allow-empty": ("allow_empty", "true or false"),
    "require-claims": ("require_claims", "true or false"),
    "exclude": ("excluded", "a list of texts"), "baseline": ("baseline", "a text"),
}  # fmt: skip
OUTPUTS = ("junit", "sarif", "gitlab")
KINDS = {  # exact types: true is no whole number
    "a number": (int, float), "a whole number": (int,), "a text": (str,), "true or false": (bool,),
    "a list of texts": (list,),
}  # fmt: skip


class Configured(NamedTuple):
    """What a configuration says besides options: paths, and where it stands itself."""

    paths: list[str]
    file: str | None


class ConfiguredCommand(ExpressionCommand):
    """A command that takes defaults from pyproject.toml unless `--isolated` is given."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the file first, so that click lays the flags over it."""
        if "--isolated" not in args:
            path = find_config()
            table = {} if path is None else read_config(path)
            ctx.obj = Configured(table.pop(PATHS, []), path)
            ctx.default_map = {
                KEYS[key][0]: self._default(ctx, key, value, f"{path}")
                for key, value in table.items()
            }
        return super().parse_args(ctx, args)

    def _default(self, ctx: click.Context, key: str, value: Any, path: str) -> Any:
        """The value of an option, in its range. Raises UsageError."""
        (option,) = (param for param in self.params if param.name == KEYS[key][0])
        try:
            return option.type_cast_value(ctx, value)
        except click.BadParameter as error:
            raise _misfit(key, path, error.message.rstrip(".")) from None


def find_config() -> str | None:
    """The nearest pyproject.toml, from the working folder upwards. Raises FileError."""
    try:
        folder = os.getcwd()
    except OSError as trouble:
        raise FileError(f"cannot look for {NAME}: {reason_of(trouble)}",
                        hint="--isolated ignores it") from None  # fmt: skip
    while not os.path.isfile(path := os.path.join(folder, NAME)):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    return path


def read_config(path: str) -> dict[str, Any]:
    """The table `[tool.gradcli]` of a pyproject.toml; its paths are made to lead there.

    Raises FileError for a file that cannot be read or is no TOML, UsageError for a key that is
    unknown or has a value of the wrong kind.
    """
    tool = _table(_toml(path), "tool", "`tool`", path)
    table = _table(tool, "gradcli", "[tool.gradcli]", path)
    for key, value in table.items():
        if key == PATHS:
            table[key] = _paths(value, path)
        elif key == BASELINE and isinstance(value, str):
            (table[key],) = _paths(value, path)
        elif key not in KEYS:
            hint = did_you_mean(key, [*KEYS, PATHS]) or f"known are {', '.join([*KEYS, PATHS])}"
            raise UsageError(f"`{key}` in [tool.gradcli] of {path} is not an option", hint=hint)
        elif not _is_of(KEYS[key][1], value):
            raise _misfit(key, path, f"{value!r:.60} is not {KEYS[key][1]}")
        elif isinstance(value, float) and not math.isfinite(value):
            raise _misfit(key, path, f"{value} is not a finite number")
        elif key in OUTPUTS:
            table[key] = _output(key, value, path)
    return table


def _is_of(kind: str, value: Any) -> bool:
    """Whether a value is what a key takes, and the parts of a list are."""
    return type(value) in KINDS[kind] and (
        not isinstance(value, list) or all(isinstance(part, str) for part in value)
    )


def _toml(path: str) -> dict[str, Any]:
    import tomllib  # late: few folders have the file

    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as trouble:
        reason = reason_of(trouble)
    except UnicodeDecodeError as trouble:
        reason = f"it is not UTF-8 (byte {trouble.start})"
    except tomllib.TOMLDecodeError as trouble:
        reason = str(trouble)
    except ValueError:
        reason = "a number in it has thousands of digits"
    except RecursionError:
        reason = "it is nested too deeply"
    raise FileError(f"cannot read {path}: {reason}")


def _table(table: dict[str, Any], key: str, called: str, path: str) -> dict[str, Any]:
    """A table in a table, empty where there is none. Raises UsageError."""
    part = table.get(key, {})
    if not isinstance(part, dict):
        raise UsageError(f"{called} of {path} is not a table")
    return part


def _paths(value: Any, path: str) -> list[str]:
    """Paths as the working folder sees them. Raises UsageError."""
    paths = [value] if isinstance(value, str) else value
    is_fine = isinstance(paths, list) and all(isinstance(p, str) and "\0" not in p for p in paths)
    if not is_fine:
        raise _misfit(PATHS, path, f"{value!r:.60} is not a list of paths")
    return [os.path.relpath(os.path.join(os.path.dirname(path), part)) for part in paths]


def _output(key: str, value: str, path: str) -> str:
    """A file to be written, as the working folder sees it; it stands below the configuration's.

    A project that is checked out may not overwrite a file of its reader. Raises UsageError.
    """
    folder = os.path.dirname(path)
    target = os.path.join(folder, value)
    if not value or "\0" in value or os.path.isdir(target):
        raise _misfit(key, path, f"{value!r:.60} is no file that can be written")
    if os.path.realpath(target) == os.path.realpath(path):
        raise _misfit(key, path, "the configuration itself would be overwritten")
    inside = os.path.join(os.path.realpath(folder), "")
    if not os.path.realpath(target).startswith(inside):
        raise _misfit(key, path, f"{value!r:.60} leads out of the folder of {NAME}")
    return os.path.relpath(target)


def _misfit(key: str, path: str, words: str) -> UsageError:
    return UsageError(f"`{key}` in [tool.gradcli] of {path}: {words}")
