"""Defaults for `check` from `[tool.gradcli]` in pyproject.toml; flags win over them."""

from __future__ import annotations

import os
from typing import Any

import click

from gradcli.cli.words import ExpressionCommand
from gradcli.errors import FileError, UsageError, did_you_mean

PATHS = "paths"
KEYS = {  # key in the file: parameter of the command
    "tolerance": "tolerance", "format": "form", "samples": "samples", "seed": "seed",
    "exact": "exact", "strict": "strict", "inconclusive": "inconclusive", "jobs": "jobs",
    "junit": "junit", "sarif": "sarif", "gitlab": "gitlab", "allow-empty": "allow_empty",
}  # fmt: skip


class ConfiguredCommand(ExpressionCommand):
    """A command that takes defaults from pyproject.toml unless `--isolated` is given."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the file first, so that click lays the flags over it."""
        if "--isolated" not in args:
            table = read_config(os.getcwd())
            paths = table.pop(PATHS, [])
            ctx.obj = [paths] if isinstance(paths, str) else list(paths)
            ctx.default_map = {KEYS[key]: value for key, value in table.items()}
        return super().parse_args(ctx, args)


def read_config(folder: str) -> dict[str, Any]:
    """The table `[tool.gradcli]` of the nearest pyproject.toml; paths are made to lead there.

    Raises FileError for a file that is no TOML, UsageError for an unknown key.
    """
    while True:
        path = os.path.join(folder, "pyproject.toml")
        if os.path.isfile(path):
            break
        parent = os.path.dirname(folder)
        if parent == folder:
            return {}
        folder = parent
    import tomllib

    with open(path, "rb") as file:
        try:
            table = tomllib.load(file).get("tool", {}).get("gradcli", {})
        except tomllib.TOMLDecodeError as trouble:
            raise FileError(f"cannot read {path}: {trouble}") from None
    for key in table:
        if key not in KEYS and key != PATHS:
            hint = did_you_mean(key, [*KEYS, PATHS]) or f"known are {', '.join([*KEYS, PATHS])}"
            raise UsageError(f"`{key}` in [tool.gradcli] of {path} is not an option", hint=hint)
    if PATHS in table:
        paths = [table[PATHS]] if isinstance(table[PATHS], str) else table[PATHS]
        table[PATHS] = [os.path.relpath(os.path.join(folder, p)) for p in paths]
    return dict(table)
