"""The format of a result that goes into a file: the one asked for, or that of its suffix."""

from __future__ import annotations

import os
from collections.abc import Mapping

from gradcli.errors import UsageError


def format_of(
    form: str | None, as_json: bool, target: str | None, suffixes: Mapping[str, str], default: str
) -> str:
    """The format by --format, --json, or the suffix of the file; else the default.

    Raises UsageError where they exclude each other, and for a suffix that stands for no format.
    """
    if as_json:
        if form not in (None, "json"):
            raise UsageError(f"--json and --format {form} exclude each other")
        return "json"
    if form is not None:
        return form
    suffix = os.path.splitext(target or "")[1].lower()
    if suffix in suffixes or not suffix:
        return suffixes.get(suffix, default)
    known = f"suffixes are {' '.join(suffixes)}; --format FORMAT writes into any file"
    raise UsageError(f"{target}: no format has the suffix {suffix}", hint=known)
