"""The sample programs: the examples of a lecture and a few more, as they come with the package."""

from __future__ import annotations

import os
from typing import NoReturn

from gradcli.errors import FileError, UsageError, did_you_mean, reason_of
from gradcli.program.files import PYTHON, SUFFIX, read_text

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDERS = (
    os.path.join(PACKAGE, "samples"),  # of the installed package
    os.path.join(os.path.dirname(PACKAGE), "sample_exprs"),  # of a clone, which has them once
)


def sample_names() -> list[str]:
    """The names of all samples, in order; one in a folder is called `mistakes/sign.grad`."""
    home = _home()
    files = [
        os.path.relpath(os.path.join(here, name), home)
        for here, _, names in os.walk(home, onerror=_refuse)
        for name in names if name.endswith((SUFFIX, *PYTHON))
    ]  # fmt: skip
    return sorted((name.replace(os.sep, "/") for name in files), key=lambda n: (n.count("/"), n))


def _refuse(trouble: OSError) -> NoReturn:
    raise FileError(f"the samples cannot be listed: {reason_of(trouble)}")


def sample_text(name: str) -> str:
    """The text of a sample, whose folder and suffix may be left out.

    Raises UsageError for a name that no sample has.
    """
    names = sample_names()
    short = {form: whole for whole in reversed(names) for form in _forms(whole)}
    if name not in short:
        hint = did_you_mean(name, short) or "`gradcli samples` lists them"
        raise UsageError(f"`{name}` is not a sample", hint=hint)
    return read_text(os.path.join(_home(), *short[name].split("/")))


def _forms(name: str) -> tuple[str, ...]:
    """What a sample may be called: `mistakes/sign.grad` also `sign`."""
    base = name.rpartition("/")[2]
    return name, name.rpartition(".")[0], base, base.rpartition(".")[0]


def sample_title(name: str) -> str:
    """What a sample says of itself: its first line, a comment or a docstring."""
    return sample_text(name).partition("\n")[0].strip('#" ')


def _home() -> str:
    return next((folder for folder in FOLDERS if os.path.isdir(folder)), FOLDERS[0])
