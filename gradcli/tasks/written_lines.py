"""What the lines of a text assign, as far as that is seen without reading it as a program."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

STAGE = re.compile(r"^\s*([^\W\d]\w*)\s*=(?!=)")
GRADIENT_LINE = re.compile(r"^\s*(d\w+)\s*(?:\[[^=]*\])?\s*\+?=(?!=)\s*(.*)$")
ASSIGNMENT = re.compile(r"(?:^|;)\s*([^\W\d]\w*)\s*(?:\[[^=]*\])?\s*[-+*/]?=(?!=)")


def assigned(row: str) -> list[str]:
    """The names that a line assigns."""
    return ASSIGNMENT.findall(row.partition("#")[0])


def is_gradient(name: str, names: Collection[str]) -> bool:
    """Whether a name looks like the gradient of one of these: dx, d_x or dfdx."""
    return name[0] == "d" and (
        name[1:].lstrip("_") in names or any(name.endswith(f"d{other}") for other in names)
    )


def backward_begin(rows: Sequence[str], others: Collection[str] = ()) -> int:
    """The index of the first line that assigns a gradient; `others` are forward names, too."""
    names = set(others)
    for k, row in enumerate(rows):
        own = assigned(row)
        if own and is_gradient(own[0], names):
            return k
        names.update(own)
    return next((k for k, row in enumerate(rows) if GRADIENT_LINE.match(row)), len(rows))


def stage_lines(text: str) -> dict[str, str]:
    """The forward statements of a program's text, without comments, by what they assign."""
    rows = text.splitlines()
    stages, statement = dict[str, str](), ""
    for row in rows[: backward_begin(rows)]:
        statement += row.partition("#")[0]
        if sum(map(statement.count, "([")) > sum(map(statement.count, ")]")):
            continue
        for part in statement.split(";"):
            if match := STAGE.match(part):
                stages[match[1]] = part.strip()
        statement = ""
    return stages
