"""What the commands that print curves share: where these go, and in which form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gradcli.cli.asked import Asked, say_warnings
from gradcli.cli.streams import color_for, put, put_bytes
from gradcli.cli.suffixes import Suffixes
from gradcli.render.formats import CURVE_IMAGES

SUFFIXES: Suffixes = {
    ".txt": None, ".json": "json", ".png": "png", ".svg": "svg", ".pdf": "pdf",
}  # fmt: skip


def put_curves(
    ask: Asked,
    options: Mapping[str, Any],
    report: Any,
    image: Callable[[Any, str], bytes],
    write: Callable[..., None],
) -> None:
    """Write a report as `image` draws it, or as text by `write`. Raises FileError, Strict."""
    say_warnings(report.warnings, options)
    if ask.form in CURVE_IMAGES:
        put_bytes(ask.target, ask.files, image(report, ask.form), ask.form)
        return
    put(ask.target, ask.files, lambda out: write(
        report, ask.form, out, color=color_for(ask.target, options["color"]),
        verbosity=int(options["verbose"]),
    ))  # fmt: skip
