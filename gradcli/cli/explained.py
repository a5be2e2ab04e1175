"""The help of a command: its options in groups by purpose, wrapped to the width of the window."""

from __future__ import annotations

import click

WIDEST = 100  # columns; longer lines are hard to read
USUAL = (80, 24)  # where there is no window
WIDEST_NAMES = 30  # columns that the names of options take

# The groups of options by the names of their parameters; what stands in none comes last.
GROUPS: dict[str, tuple[str, ...]] = {
    "What is read": (
        "path", "files", "expression", "excluded", "baseline", "update_baseline", "isolated",
        "gates", "gate", "override", "grads", "fix_self", "lists", "points", "points_format",
        "names", "grid", "shard", "key", "mistake", "call", "torch", "jax", "batched",
        "external",
    ),
    "What is computed": (
        "output", "wrt", "upstream", "jacobian", "hessian", "local", "expand", "fuse", "digits",
        "arithmetic", "seed", "samples", "claims", "mistakes", "variants",
    ),
    "How it is judged": (
        "no_check", "tolerance", "exact", "digits_written", "grade", "inconclusive",
        "require_claims", "allow_empty", "exit_zero", "fail_fast", "on_error", "strict",
    ),
    "Limits": (
        "max_array", "max_memory", "max_elements", "check_budget", "timeout", "jobs", "engine",
    ),
    "What is written": (
        "form", "function", "gate_class", "batched", "textbook", "as_json", "target", "junit",
        "sarif", "gitlab", "sheets", "fix", "write", "spreadsheet", "decimals", "theme", "collapse",
        "show_all", "color", "quiet", "verbose",
    ),
}  # fmt: skip


class WideCommand(click.Command):
    """A command whose help is as wide as the window."""

    def get_help(self, ctx: click.Context) -> str:
        """The help for the window there is."""
        from shutil import get_terminal_size  # late: it loads every packer

        ctx.terminal_width = min(get_terminal_size(USUAL).columns, WIDEST)
        return super().get_help(ctx)


class ExplainedCommand(WideCommand):
    """A command whose options are grouped in its help."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options, a section for each group."""
        records = {
            param.name: _fitting(record, formatter.width) for param in self.get_params(ctx)
            if (record := param.get_help_record(ctx)) is not None
        }  # fmt: skip
        most = min(WIDEST_NAMES, formatter.width // 3)
        for title, names in GROUPS.items():
            own = [records.pop(name) for name in names if name in records]
            if own:
                with formatter.section(title):
                    formatter.write_dl(own, col_max=most)
        with formatter.section("Others"):
            formatter.write_dl([*records.values()], col_max=most)


def _fitting(record: tuple[str, str], width: int) -> tuple[str, str]:
    """The record of an option; choices that are too many for a line stand in its text."""
    name, text = record
    option, bracket, choices = name.partition(" [")
    if not bracket or len(name) + 2 <= width:
        return record
    return f"{option} NAME", f"{text} One of {choices.rstrip(']').replace('|', ', ')}."
