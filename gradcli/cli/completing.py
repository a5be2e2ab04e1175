"""What a shell completes words with: files, and the names of what there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click
from click.shell_completion import CompletionItem

from gradcli.gates.table import BUILT_IN
from gradcli.program.samples import sample_names
from gradcli.reports.mistakes import MISTAKES
from gradcli.reports.schemas import SCHEMAS

OF_FILES = ("FILE", "PATH", "DIR")  # in what stands for a value in the help
# By command and parameter; None for the names of all commands.
NAMES: dict[tuple[str, str], Callable[[], Iterable[str]] | None] = {
    ("explain", "words"): lambda: [*MISTAKES, *BUILT_IN.functions],
    ("explain", "mistake"): lambda: MISTAKES,
    ("exercise", "mistakes"): lambda: MISTAKES,
    ("help", "name"): None,
    ("gates", "name"): lambda: BUILT_IN.functions,
    ("samples", "name"): sample_names,
    ("schema", "name"): lambda: SCHEMAS,
}


def with_completions(name: str, command: click.Command) -> click.Command:
    """The command, whose parameters know what there is to complete them with."""
    for param in command.params:
        key = name, param.name or ""
        if key in NAMES:
            param.shell_complete = _among(NAMES[key])  # type: ignore[method-assign]
        elif any(word in (param.metavar or "") for word in OF_FILES):
            param.shell_complete = _files  # type: ignore[method-assign]
    return command


def _among(names: Callable[[], Iterable[str]] | None) -> Any:
    def completions(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        known = names() if names is not None else _commands(ctx)
        return [CompletionItem(name) for name in sorted(known) if name.startswith(incomplete)]

    return completions


def _commands(ctx: click.Context) -> Iterable[str]:
    """The names of the commands."""
    group = ctx.find_root().command
    return group.list_commands(ctx) if isinstance(group, click.Group) else ()


def _files(ctx: click.Context, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """Whatever files there are: the shell looks for itself."""
    return [CompletionItem(incomplete, type="file")]
