"""Errors as people and scripts read them, and what a character does to a screen.

An error is written so:

    error: FILE:LINE:COL: what was found, what was expected
      the source line
          ^
      help: what to write
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from gradcli.errors import GradcliError, printable

if TYPE_CHECKING:
    from gradcli.reports.checks import Case

WIDTH = 72  # cells of a source line; with indent and the marks of a cut it makes 80
LIMIT = 4096  # bytes of all errors together
LONGEST_BYTES = 1_200  # of a message or hint, so that the first error always fits LIMIT
LONGEST_NAME = 400  # bytes of the name of a source


def encodable(text: str, out: TextIO) -> str:
    r"""The text with characters that the stream cannot hold written as `\u03c3`."""
    if text.isascii():
        return text
    encoding = getattr(out, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def error_text(error: GradcliError) -> str:
    """An error and those found with it, each with its place; at most LIMIT bytes of UTF-8."""
    errors = _all(error)
    return _within_limit(map(_block, errors), len(errors), "error")


def problem_text(cases: Sequence[Case]) -> str:
    """Why cases could not be read, as errors are written; at most LIMIT bytes of UTF-8."""
    return _within_limit(map(_block_of, cases), len(cases), "error")


def warning_text(warnings: Sequence[GradcliError]) -> str:
    """Warnings, a line each; at most LIMIT bytes of UTF-8."""
    lines = (f"warning: {_shortened(warning.message, LONGEST_BYTES)}\n" for warning in warnings)
    return _within_limit(lines, len(warnings), "warning")


def error_dict(error: GradcliError) -> dict[str, Any]:
    """An error and those found with it as JSON holds them, uncut."""
    first, *also = map(_entry, _all(error))
    return {"schema": "gradcli.error/1", "error": first, "also": also}


def _all(error: GradcliError) -> list[GradcliError]:
    errors = [error]
    for listed in errors:  # the list grows while it is read
        errors.extend(listed.also)
    return errors


def _within_limit(blocks: Iterable[str], count: int, what: str) -> str:
    """The first of so many blocks, and how many more there are."""
    shown: list[str] = []
    room = LIMIT - len(_more(count, what))
    for block in blocks:
        room -= len(block.encode())
        if room < 0:
            shown.append(_more(count - len(shown), what))
            break
        shown.append(block)
    return "".join(shown)


def _more(count: int, what: str) -> str:
    return f"... and {count} more {what}{'' if count == 1 else 's'}\n"


def _block(error: GradcliError) -> str:
    span = error.span
    if span is None:
        return _written("", error.message, error.hint)
    place = f"{_shortened(span.source, LONGEST_NAME)}:{span.line}:{span.column}: "
    return _written(place, error.message, error.hint, span.line_text, span.column)


def _block_of(case: Case) -> str:
    problem = case.problem
    assert problem is not None
    place = f"{_shortened(case.file, LONGEST_NAME)}: "
    if problem.line is not None:
        place = f"{place[:-2]}:{problem.line}:{problem.column}: "
    elif problem.kind == "file" and case.file in problem.message:  # it names the file itself
        place = ""
    return _written(place, problem.message, problem.hint, problem.text, problem.column or 1)


def _written(place: str, message: str, hint: str | None, line: str = "", column: int = 1) -> str:
    """An error with its place, the source line and a caret where there is one, and advice."""
    advice = [f"help: {_shortened(hint, LONGEST_BYTES)}"] if hint else []
    message = f"error: {place}{_shortened(message, LONGEST_BYTES)}"
    return "\n  ".join([message, *source_excerpt(line, column), *advice]) + "\n"


def _entry(error: GradcliError) -> dict[str, Any]:
    span = error.span
    return {
        "kind": error.kind,
        "message": error.message,
        "file": span.source if span else None,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "hint": error.hint,
    }


def source_excerpt(line: str, column: int) -> tuple[str, ...]:
    """The line, cut to WIDTH cells around a column, and a caret; nothing of a blank one."""
    if not line.strip():
        return ()
    at = min(column - 1, len(line))
    before = [_in_line(c) for c in reversed(line[max(at - WIDTH, 0) : at])]
    after = _fitting(map(_in_line, line[at : at + WIDTH]), WIDTH)
    before = _fitting(before, max(WIDTH // 2, WIDTH - _cells("".join(after))))
    after = _fitting(after, WIDTH - _cells("".join(before)))
    head = "..." * (len(before) < at) + "".join(reversed(before))
    tail = "".join(after) + "..." * (at + len(after) < len(line))
    return head + tail, " " * _cells(head) + "^"


def _fitting(pieces: Iterable[str], room: int) -> list[str]:
    taken = []
    for piece in pieces:
        room -= _cells(piece)
        if room < 0:
            break
        taken.append(piece)
    return taken


def _cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width  # late: most errors are ASCII

    return sum(
        0 if category(c) in ("Mn", "Me") else 2 if east_asian_width(c) in "WF" else 1 for c in text
    )


def _in_line(character: str) -> str:
    return " " if character == "\t" else printable(character)


def _shortened(text: str, size: int) -> str:
    data = printable(text[:size]).encode()
    if len(text) <= size and len(data) <= size:
        return data.decode()
    return data[:size].decode(errors="ignore") + "..."
