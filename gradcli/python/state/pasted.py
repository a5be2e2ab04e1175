"""Text pasted from web pages, notebooks and consoles, made into Python line by line.

What is no part of the program is cut off at the start of its line, and `shifts` says how much, so
that every place is still that of the text as it was given.
"""

from __future__ import annotations

import io
import re
import tokenize
from itertools import pairwise
from typing import NamedTuple

from gradcli.errors import ParseError

PROMPT = re.compile(r"(?:>>> ?|\.\.\. ?|In \[[\d ]*\]: ?| +\.\.\.: ?)")
FENCE = re.compile(r"\s*(```|~~~)")
NUMBERED = re.compile(r"\s*(\d+)(?:[:.|]|\t| {1,4})?(?= |\t|$|\S)")
COMMAND = re.compile(r"\s*(?:%%?[A-Za-z]|!(?!=))")  # of a notebook; `% (x, y)` goes on with a line
SILENT = (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT)
LETTERS = str.maketrans({"\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'",
                         "\u00a0": " ", "\u2212": "-", "\u00d7": "*", "\u00b7": "*"})  # fmt: skip
LEAST_NUMBERED = 3  # lines that count up before their numbers are taken for line numbers


class Pasted(NamedTuple):
    """The program in a text; `shifts` are the characters cut off at the start of lines."""

    text: str
    shifts: dict[int, int]


def cleaned(lines: list[str]) -> Pasted:
    """The lines as they are, but for typographic quotes and the commands of a notebook."""
    program = []
    for line in lines:
        plain = line if line.isascii() else line.translate(LETTERS)
        indent = plain[: len(plain) - len(plain.lstrip())]
        program.append(indent + "pass" if COMMAND.match(plain) else plain)
    return Pasted("\n".join(program) + "\n", {})


def unpasted(lines: list[str]) -> Pasted | None:
    """The program in a text with prompts, fences or line numbers; None where it has none."""
    shifts: dict[int, int] = {}
    if any(PROMPT.match(line) for line in lines):
        program = _without_prompts(lines, shifts)
    elif any(FENCE.match(line) for line in lines):
        program = _inside_fences(lines)
    elif _are_numbered(lines):
        program = _without_numbers(lines, shifts)
    else:
        return None
    return Pasted(cleaned(program).text, shifts)


def without_old_prints(text: str) -> str:
    """The text of a Python 2 program without its `print` statements, line by line."""
    lines = text.split("\n")
    start: tuple[int, int] | None = None
    is_print, is_first = False, True
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type in (tokenize.NEWLINE, tokenize.ENDMARKER):
                if is_print and start is not None:
                    _blank(lines, start, token.end[0])
                start, is_print, is_first = None, False, True
            elif token.type not in SILENT:
                if start is None and is_first:
                    start, is_first = token.start, False
                    is_print = token.string == "print"
                if token.string in (":", ";") and not is_print:
                    is_first, start = True, None  # `if verbose: print x`
    except (tokenize.TokenError, SyntaxError):
        return text
    program = re.sub(r"(\bexcept\s+[\w.]+)\s*,\s*(\w+\s*:)", r"\1 as \2", "\n".join(lines))
    return re.sub(r"`([^`\n]+)`", r"(\1)", program)  # what was `repr`


def _blank(lines: list[str], start: tuple[int, int], last: int) -> None:
    """Leave out what stands from a place to the end of a line."""
    row, column = start
    lines[row - 1] = lines[row - 1][:column] + "pass"
    for number in range(row, last):
        lines[number] = ""


def code_of_notebook(text: str, name: str) -> str:
    """The code cells of a notebook, one below the other. Raises ParseError."""
    import json  # late: few files are notebooks

    try:
        cells = json.loads(text)["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        return "\n\n".join(s if isinstance(s, str) else "".join(s) for s in sources)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ParseError(f"{name} is not a notebook: it has no cells",
                         hint="save it as .ipynb, version 4, or as .py") from None  # fmt: skip


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
    return all(later == earlier + 1 for earlier, later in pairwise(found))


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
