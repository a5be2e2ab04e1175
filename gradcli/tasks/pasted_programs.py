"""Programs pasted from web pages, notebooks and consoles: what is no part of them is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from gradcli.errors import GradcliError, ParseError
from gradcli.python.state.pasted import FENCE, LEAST_NUMBERED, unpasted
from gradcli.tasks.written_lines import assigned, is_gradient

LEFT_OUT = "line numbers, prompts, fences or sentences around the program were left out"
OF_OURS = re.compile(r"\s*(?:```|~~~)+\s*\{?\.?(?:python3?|py|numpy|grad|gradcli)?\}?\s*$", re.I)
PYTHON = re.compile(r"^[ \t]*(?:class|def|async def)\s+\w+", re.MULTILINE)
Lines = list[str]  # of a whole page; those that are no part of a program are blank


class SeveralPrograms(ParseError):
    """A page that has more than one program; `programs` are their texts, line for line."""

    def __init__(self, programs: list[str]) -> None:
        first = [str(_first_line(program)) for program in programs]
        super().__init__(
            f"{len(programs)} programs stand in this text, from lines {', '.join(first)} on",
            hint="`gradcli check` takes each for itself; for all else save one in a file",
        )
        self.programs = programs


def program_in(text: str, error: GradcliError) -> str:
    """The program in a text that could not be read, line for line.

    Raises the error for none, and SeveralPrograms.
    """
    if not isinstance(text, str):
        raise error
    lines = text.splitlines()
    pieces = _fenced(lines) or _numbered(lines)
    if pieces:
        programs = ["\n".join(program) + "\n" for program in _programs(pieces)]
        if len(programs) > 1:
            raise SeveralPrograms(programs)
        return programs[0]
    pasted = unpasted(lines)
    if pasted is None:
        raise error
    return pasted.text


def is_python(text: str) -> bool:
    """Whether a text defines a function or a class, which no program of ours does."""
    return PYTHON.search(text) is not None


def _fenced(lines: Lines) -> list[Lines]:
    """What stands between each two Markdown fences, where they do not name another language."""
    fences = [k for k, line in enumerate(lines) if FENCE.match(line)]
    pairs = zip(fences[::2], [*fences[1::2], len(lines)], strict=False)
    return [_only(lines, a + 1, b) for a, b in pairs if OF_OURS.match(lines[a])]


def _numbered(lines: Lines) -> list[Lines]:
    """The code below each run of line numbers 1, 2, 3, ... that a page has put before it.

    As many lines as there are numbers; and what stands around it, where that assigns something.
    """
    gutters = [*_gutters(lines)]
    pieces = []
    for k, (begin, end) in enumerate(gutters):
        stop = gutters[k + 1][0] if k + 1 < len(gutters) else len(lines)
        last = min(stop, 2 * end - begin)
        is_code_beyond = any(assigned(line) for line in lines[last:stop])
        pieces.append(_only(lines, end, stop if is_code_beyond else last))
    if gutters and any(assigned(line) for line in lines[: gutters[0][0]]):
        pieces.insert(0, _only(lines, 0, gutters[0][0]))
    return pieces


def _gutters(lines: Lines) -> Iterator[tuple[int, int]]:
    """Where runs of the numbers 1, 2, 3, ... begin and end, a number on each line."""
    begin = 0
    while begin < len(lines):
        numbers = enumerate(lines[begin:], start=1)
        length = sum(1 for _ in takewhile(lambda pair: pair[1].strip() == str(pair[0]), numbers))
        if length >= LEAST_NUMBERED:
            yield begin, begin + length
        begin += max(length, 1)


def _programs(pieces: list[Lines]) -> list[Lines]:
    """The pieces of a page put together to programs.

    A piece goes on with the one before where it begins with gradient lines; where it assigns no
    name anew, and the one before has no gradient line, too.
    """
    programs: list[Lines] = []
    names: set[str] = set()
    has_gradients = False
    for piece in pieces:
        own = [name for line in piece for name in assigned(line)]
        goes_on = own and (is_gradient(own[0], names)
                           or not (has_gradients or names.intersection(own)))  # fmt: skip
        if programs and goes_on:
            programs[-1] = [new or old for old, new in zip(programs[-1], piece, strict=True)]
        else:
            programs.append(piece)
            names, has_gradients = set(), False
        for name in own:
            has_gradients = has_gradients or is_gradient(name, names)
            names.add(name)
    return programs


def _only(lines: Lines, begin: int, end: int) -> Lines:
    return [line if begin <= k < end else "" for k, line in enumerate(lines)]


def _first_line(program: str) -> int:
    return 1 + next((k for k, line in enumerate(program.splitlines()) if line.strip()), 0)
