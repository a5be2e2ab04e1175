"""Text pasted from web pages, notebooks and consoles, made into Python line by line.

What is no part of the program is cut off at the start of its line, and `shifts` says how much, so
that every place is still that of the text as it was given.
"""

from __future__ import annotations

import re
from typing import NamedTuple

PROMPT = re.compile(r"(?:>>> ?|\.\.\. ?|In \[[\d ]*\]: ?)")
FENCE = re.compile(r"\s*(```|~~~)")
NUMBERED = re.compile(r"\s*(\d+)(?:[:.|]|\t| {1,4})?(?= |\t|$|\S)")
PRINT = re.compile(r"^(\s*)print\s+(?=[^\s(=]|\(.*\)\s*[%,])")
LETTERS = str.maketrans({"\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'",
                         "\u00a0": " ", "\u2212": "-", "\u00d7": "*", "\u00b7": "*"})  # fmt: skip
LEAST_NUMBERED = 3  # lines that count up before their numbers are taken for line numbers


class Pasted(NamedTuple):
    """The program in a text; `shifts` are the characters cut off at the start of lines."""

    text: str
    shifts: dict[int, int]
    warnings: list[str]


def cleaned(lines: list[str]) -> Pasted:
    """The program of a text as it was pasted, line by line."""
    lines = [*lines]
    shifts: dict[int, int] = {}
    warnings: list[str] = []
    if any(PROMPT.match(line) for line in lines):
        lines = _without_prompts(lines, shifts)
    elif any(FENCE.match(line) for line in lines):
        lines = _inside_fences(lines)
    elif _are_numbered(lines):
        lines = _without_numbers(lines, shifts)
    old_prints = 0
    for number, line in enumerate(lines):
        if not line.isascii():
            lines[number] = line = line.translate(LETTERS)
        if (match := PRINT.match(line)) and not line.rstrip().endswith("\\"):
            lines[number] = f"{match[1]}pass"
            old_prints += 1
        elif line.lstrip().startswith("%") or line.lstrip().startswith("!"):
            lines[number] = line[: len(line) - len(line.lstrip())] + "pass"
    if old_prints:
        warnings.append("`print` without brackets is Python 2: the line is left out")
    return Pasted("\n".join(lines) + "\n", shifts, warnings)


def _without_prompts(lines: list[str], shifts: dict[int, int]) -> list[str]:
    """The lines behind prompts; what the console has answered is left out."""
    program = []
    for number, line in enumerate(lines, 1):
        match = PROMPT.match(line)
        program.append(line[match.end() :] if match else "")
        if match:
            shifts[number] = match.end()
    return program


def _inside_fences(lines: list[str]) -> list[str]:
    """The lines between Markdown fences; all others are left out."""
    program, is_inside = [], False
    for line in lines:
        if FENCE.match(line):
            is_inside = not is_inside
            program.append("")
        else:
            program.append(line if is_inside else "")
    return program


def _are_numbered(lines: list[str]) -> bool:
    """Whether every line that has text begins with the next number."""
    numbers = [(m, line) for line in lines if line.strip() and (m := NUMBERED.match(line))]
    texts = [line for line in lines if line.strip()]
    if len(numbers) < LEAST_NUMBERED or len(numbers) != len(texts):
        return False
    found = [int(match[1]) for match, _ in numbers]
    return all(later == earlier + 1 for earlier, later in zip(found, found[1:], strict=False))


def _without_numbers(lines: list[str], shifts: dict[int, int]) -> list[str]:
    """The lines without their numbers, which take one width and a separator after them."""
    matches = [NUMBERED.match(line) for line in lines]
    ends = [match.end() for match, line in zip(matches, lines, strict=True)
            if match and line[match.end():].strip()]  # fmt: skip
    width = min(ends, default=0)
    program = []
    for number, line in enumerate(lines, 1):
        program.append(line[width:])
        shifts[number] = width
    return program
