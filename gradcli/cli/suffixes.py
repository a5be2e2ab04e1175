"""The format of a result that goes into a file: the one asked for, or that of its suffix."""

from __future__ import annotations

import os
from collections.abc import Mapping

from gradcli.errors import UsageError

Suffixes = Mapping[str, str | None]  # suffix: the format it stands for; None: the default one


def format_of(
    form: str | None, as_json: bool, target: str | None, known: Suffixes, default: str,
    cure: str = "--format FORMAT takes any name",
) -> str:  # fmt: skip
    """The format by --format, --json, or the suffix of the file; else the default.

    `cure` says how a file with another suffix can be written all the same. Raises UsageError where
    the options exclude each other, and for a suffix that is not among the `known` ones.
    """
    if as_json:
        if form not in (None, "json"):
            raise UsageError(f"--json and --format {form} exclude each other")
        return "json"
    suffix = os.path.splitext(target or "")[1]
    if form is not None or not suffix or target == "-":
        return form or default
    if suffix.lower() not in known:
        names = f"known are {', '.join(known)}"
        raise UsageError(f"{target}: nothing here is written as {suffix}",
                         hint=f"{names}; {cure}" if cure else names)  # fmt: skip
    return known[suffix.lower()] or default
