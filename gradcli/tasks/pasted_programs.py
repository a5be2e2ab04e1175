"""Programs pasted from web pages, notebooks and consoles: what is no part of them is left out."""

from __future__ import annotations

from itertools import takewhile

from gradcli.errors import GradcliError
from gradcli.python.pasted import LEAST_NUMBERED, unpasted

LEFT_OUT = "line numbers, prompts or fences around the program were left out"


def program_in(text: str, error: GradcliError) -> str:
    """The program in a text that could not be read, line for line. Raises the error for none."""
    lines = text.splitlines()
    gutter = _gutter(lines)
    if gutter >= LEAST_NUMBERED:
        return "\n".join([""] * gutter + lines[gutter:]) + "\n"
    pasted = unpasted(lines)
    if pasted is None:
        raise error
    return pasted.text


def _gutter(lines: list[str]) -> int:
    """How many lines are the numbers of a page, 1, 2, 3, ..., copied before its code."""
    counted = takewhile(lambda pair: pair[1].strip() == str(pair[0]), enumerate(lines, start=1))
    return sum(1 for _ in counted)
