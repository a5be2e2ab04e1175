"""Errors as values: a kind, a message, a place, advice and an exit code.

Only the command line prints. Every other room raises a `GradcliError` and leaves the wording of
place and caret to `gradcli.render`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gradcli.named_tuples import NamedTuple

EXIT_OK = 0
EXIT_FAILED = 1  # a claim is wrong
EXIT_USAGE = 2  # the input could not be read, or nothing could be decided
EXIT_INTERNAL = 3
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141

SHORTEST_SLIP = 4  # letters of a word from which on one wrong letter leaves no doubt
MOST_ADVICE = 3  # names in one piece of advice
LONGEST_TEXT = 1_200  # characters of a message or of advice, which may repeat what was written
WRITTEN_OUT = 4  # times as long are characters outside ASCII in many a format


class Span(NamedTuple):
    """A place in a text: `start` is the offset of its first character, counted from 0."""

    source: str  # what the text is called: a file, `<expression>`, `<stdin>`
    text: str
    start: int

    @property
    def line(self) -> int:
        """The line of the place, counted from 1; CR, LF and CRLF end a line, nothing else does."""
        before = self.text[: self.start]
        return before.count("\n") + before.count("\r") - before.count("\r\n") + 1

    @property
    def line_start(self) -> int:
        """The offset of the first character of the place's line."""
        return 1 + max(self.text.rfind("\n", 0, self.start), self.text.rfind("\r", 0, self.start))

    @property
    def column(self) -> int:
        """The column of the place in characters, counted from 1."""
        return self.start - self.line_start + 1

    @property
    def line_text(self) -> str:
        """The whole line of the place, without its end."""
        start = self.line_start
        ends = (self.text.find(mark, start) for mark in "\r\n")
        return self.text[start : min((end for end in ends if end >= 0), default=len(self.text))]


def printable(text: str) -> str:
    r"""The text with all that is unseen or moves the cursor written as `\u001b`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shortened(text: str) -> str:
    """The text, cut where it is longer than anyone reads."""
    room = LONGEST_TEXT if text.isascii() else LONGEST_TEXT // WRITTEN_OUT
    return text if len(text) <= room else f"{text[:room]}..."


class GradcliError(Exception):
    """The one documented exception. `also` holds further errors found in the same pass."""

    kind = "error"
    exit_code = EXIT_USAGE
    trace = ""  # where other people's code has failed, for --debug

    def __init__(
        self,
        message: str,
        span: Span | None = None,
        hint: str | None = None,
        also: Iterable[GradcliError] = (),
    ) -> None:
        super().__init__(message)
        self.message = shortened(message)
        self.span = span
        self.hint = hint and shortened(hint)
        self.also = tuple(also)

    def __str__(self) -> str:
        text = f"{self.message}; {self.hint}" if self.hint else self.message
        if self.span is not None:
            text = f"{self.span.source}:{self.span.line}:{self.span.column}: {text}"
        return printable(text)


class ParseError(GradcliError):
    """The text is not in the language."""

    kind = "syntax"


class NameFault(GradcliError):
    """A name is unknown, used twice, or has no value."""

    kind = "name"


class MissingValue(NameFault):
    """A name of the program has no value."""

    def __init__(self, name: str, span: Span, hint: str | None = None) -> None:
        super().__init__(f"`{name}` has no value", span, hint or f"give it one: `{name}=...`")
        self.name = name
        self.is_forgotten = hint is None  # nothing tells that the name is another one, misspelt


class BindingError(GradcliError):
    """A `NAME=VALUE` cannot be read, or is given twice."""

    kind = "binding"


class ShapeError(GradcliError):
    """A list stands where a number is needed, or the other way round."""

    kind = "shape"


class SizeFault(ShapeError):
    """A size or an index that is no whole number known beforehand: what it would be, none tells."""


class LimitError(GradcliError):
    """The input is larger than a stated limit."""

    kind = "limit"


class FileError(GradcliError):
    """A file cannot be read or written."""

    kind = "file"


class PointError(GradcliError):
    """A row of a table at which the program has no finite result, where that is not allowed."""

    kind = "point"


class InternalError(GradcliError):
    """A fault of the tool itself, or of the machine."""

    kind = "internal"
    exit_code = EXIT_INTERNAL


class LayoutError(GradcliError):
    """There is nothing that lays out a picture, or it cannot do this one."""

    kind = "layout"


class UsageError(GradcliError):
    """The command line asks for something that does not exist."""

    kind = "usage"


class Strict(GradcliError):
    """A warning that `--strict` turned into an error."""

    kind = "strict"


def did_you_mean(name: str, known: Iterable[str], others: Collection[str] = ()) -> str | None:
    """Advice that names the known names a name may be a slip of, or None where there is none.

    `others` are names that mean something else elsewhere, and are no slips.

    >>> did_you_mean("sigmiod", ["sin", "sigmoid"])
    'did you mean `sigmoid`?'
    """
    if _letters(name) in others:
        return None
    slips = {word: rank for word in known if (rank := _slip(name, word)) is not None}
    near = [f"`{word}`" for word, rank in slips.items() if rank == min(slips.values())]
    return f"did you mean {' or '.join(near[:MOST_ADVICE])}?" if near else None


def _slip(name: str, word: str) -> int | None:
    """How a name may have come of a word by a slip in writing; None for another word.

    0: by capitals and underscores; 1: two neighbours have changed places, or a letter is doubled;
    2: one letter is lost, added or wrong. The first letter and all digits are right, so that
    `selu` is no slip of `silu`, nor `sin2` of `sin`; and in words of three letters another letter
    makes another word, as `det` and `dot` are.
    """
    a, b = _letters(name), _letters(word)
    if a == b:
        return 0
    start = next((k for k, (c, d) in enumerate(zip(a, b, strict=False)) if c != d),
                 min(len(a), len(b)))  # fmt: skip
    rest, other = a[start:], b[start:]
    if len(rest) > 1 and rest[:2] == other[1::-1] and rest[2:] == other[2:]:
        return 1
    if not start or [c for c in a if c.isdigit()] != [c for c in b if c.isdigit()]:
        return None
    is_longer, is_shorter = rest[1:] == other, rest == other[1:]
    if (is_longer and rest[0] == a[start - 1]) or (is_shorter and other[0] == b[start - 1]):
        return 1
    is_edit = is_longer or is_shorter or rest[1:] == other[1:]
    return 2 if is_edit and len(b) >= SHORTEST_SLIP else None


def _letters(name: str) -> str:
    return name.lower().replace("_", "")


def reason_of(trouble: Exception) -> str:
    """The first line of what an error of the system or a library says of itself."""
    text = getattr(trouble, "strerror", None) or str(trouble).strip()
    return text.splitlines()[0] if text else type(trouble).__name__
