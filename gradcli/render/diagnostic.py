"""Errors as people and scripts read them, and what a character does to a screen.

An error is written so:

    error: FILE:LINE:COL: what was found, what was expected
      the source line
          ^
      help: what to write
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TextIO

from gradcli.errors import GradcliError

WIDTH = 72  # cells of a source line; with indent and the marks of a cut it makes 80
LIMIT = 4096  # bytes of all errors together
LONGEST_TEXT = 1200  # bytes of a message or hint, so that the first error always fits LIMIT
LONGEST_NAME = 400  # bytes of the name of a source


def printable(text: str) -> str:
    r"""The text with all that is unseen or moves the cursor written as `\u001b`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def encodable(text: str, out: TextIO) -> str:
    r"""The text with characters that the stream cannot hold written as `\u03c3`."""
    if text.isascii():
        return text
    encoding = getattr(out, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def error_text(error: GradcliError) -> str:
    """An error and those found with it, each with its place; at most LIMIT bytes of UTF-8."""
    errors = _all(error)
    blocks: list[str] = []
    room = LIMIT - len(_more(len(errors)))
    for block in map(_block, errors):
        room -= len(block.encode())
        if room < 0:
            blocks.append(_more(len(errors) - len(blocks)))
            break
        blocks.append(block)
    return "".join(blocks)


def error_dict(error: GradcliError) -> dict[str, Any]:
    """An error and those found with it as JSON holds them, uncut."""
    first, *also = map(_entry, _all(error))
    return {"schema": "gradcli.error/1", "error": first, "also": also}


def _all(error: GradcliError) -> list[GradcliError]:
    errors = [error]
    for listed in errors:  # the list grows while it is read
        errors.extend(listed.also)
    return errors


def _more(count: int) -> str:
    return f"... and {count} more {'error' if count == 1 else 'errors'}\n"


def _block(error: GradcliError) -> str:
    span, place = error.span, ""
    excerpt: tuple[str, ...] = ()
    if span is not None:
        excerpt = source_excerpt(span.line_text, span.column)
        place = f"{_shortened(span.source, LONGEST_NAME)}:{span.line}:{span.column}: "
    advice = [f"help: {_shortened(error.hint, LONGEST_TEXT)}"] if error.hint else []
    message = f"error: {place}{_shortened(error.message, LONGEST_TEXT)}"
    return "\n  ".join([message, *excerpt, *advice]) + "\n"


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


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
