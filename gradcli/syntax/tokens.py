"""Text to tokens: a list of strings, and the way back from a token's number to its place.

The parser works with token numbers only. Where a token stands in the text is worked out again
when an error or a report asks for it: that is rare, and reading is much faster without it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from itertools import islice

from gradcli.errors import ParseError, Span

_NUMBER = r"(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?"
_TEXT = r"""'[^'\r\n]*'|"[^"\r\n]*\""""  # of einsum, of an order of norm
_REST = rf"{_TEXT}|[-+<>=!/]=?|\*[*=]?|{_NUMBER}|\r\n|#[^\r\n]*|[^ \t]"
SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
_LETTER = rf"(?![{SUPERSCRIPTS}])\w"
_ASCII = re.compile(rf"[A-Za-z_]\w*+|{_REST}", re.ASCII)
_UNICODE = rf"(?![0-9]){_LETTER}(?:{_LETTER})*|[{SUPERSCRIPTS}]+|{_REST}"

# Operators as slides and PDF files write them. They are translated token by token, before any
# Unicode normalisation: NFKC would turn x² into the name x2.
SPELLINGS = {
    "−": "-", "–": "-", "×": "*", "·": "*", "⋅": "*", "∙": "*", "∗": "*", "÷": "/", "∕": "/",
    "⁄": "/", "^": "**", "≤": "<=", "≥": ">=", "≠": "!=",
}  # fmt: skip
LOWERED = str.maketrans(SUPERSCRIPTS, "0123456789-")
_RAISED = str.maketrans("0123456789-", SUPERSCRIPTS)

ENDINGS = ".npy, .npz:KEY or .csv"  # of files of numbers
LONGEST_SHOWN = 40  # characters of a number in a message
MANY = 4_096  # tokens that are let go of together
NEWLINES = frozenset(("\n", "\r", "\r\n"))


def shown(token: str) -> str:
    """A token as it was written: a power in superscripts has become `^2` for the parser."""
    return token[1:].translate(_RAISED) if token[:1] == "^" and len(token) > 1 else token


class Source:
    """A text with its name and its tokens; `span(n)` is the place of token number n.

    Two empty tokens stand at the end, so that looking ahead needs no test. The tokens of a long
    text take more room than its graph: whoever has read it may clear them, since places are found
    without them.
    """

    __slots__ = ("_forgotten", "_pattern", "name", "text", "tokens")

    def __init__(self, text: str, name: str = "<expression>") -> None:
        self.name = name
        self.text = text
        self._forgotten = 0
        self._pattern = _ASCII if text.isascii() else re.compile(_UNICODE)
        self.tokens: list[str] = self._pattern.findall(text)
        self.tokens += ("", "")
        if not text.isascii():
            self._translate()

    def span(self, token: int) -> Span:
        """The place of a token; past the last token is the end of the text."""
        match = next(islice(self._pattern.finditer(self.text), token, None), None)
        return self.end() if match is None else Span(self.name, self.text, match.start())

    def forget(self, end: int) -> None:
        """Let go of the tokens before one, once they are many; their places stay."""
        if end - self._forgotten >= MANY:
            self.tokens[self._forgotten : end] = [""] * (end - self._forgotten)
            self._forgotten = end

    def end(self) -> Span:
        """The place after everything that is written."""
        return Span(self.name, self.text, len(self.text.rstrip()))

    def spans(self, tokens: set[int]) -> dict[int, Span]:
        """The places of several tokens, in one walk over the text."""
        last = max(tokens, default=-1)
        matches = enumerate(islice(self._pattern.finditer(self.text), last + 1))
        return {n: Span(self.name, self.text, match.start()) for n, match in matches if n in tokens}

    def _translate(self) -> None:
        """Give every token outside ASCII its plain spelling, or raise for what cannot be a name."""
        for number, token in enumerate(self.tokens):
            if token.isascii() or token[0] == "#":
                continue
            if token in SPELLINGS:
                self.tokens[number] = SPELLINGS[token]
            elif token[0] in SUPERSCRIPTS:
                self.tokens[number] = f"^{self._superscript(token, number)}"
            elif token != "√":
                self._refuse_strange(token, number)

    def _superscript(self, token: str, number: int) -> str:
        digits = token.translate(LOWERED)
        if not re.fullmatch("-?[0-9]+", digits):
            raise ParseError(f"`{token}` is not a power", self.span(number), "write `**`")
        return digits

    def _refuse_strange(self, token: str, number: int) -> None:
        """Refuse invisible characters, and letters that normalisation would change."""
        import unicodedata  # late: most texts are ASCII

        for character in token:
            if unicodedata.category(character)[0] in "CZ":
                name = unicodedata.name(character, "no name")
                raise ParseError(
                    f"an invisible character, U+{ord(character):04X} ({name.lower()})",
                    self.span(number),
                    "remove it",
                )
            if unicodedata.category(character)[0] == "M":
                raise ParseError(
                    f"a mark without its letter, U+{ord(character):04X}",
                    self.span(number),
                    "write the letter with its accent as one character, or without",
                )
        is_dash = unicodedata.category(token[0]) == "Pd"
        plain = "-" if is_dash else unicodedata.normalize("NFKC", token).replace("⁄", "/")
        if plain != token or unicodedata.normalize("NFC", token) != token:
            shown = " ".join(f"U+{ord(character):04X}" for character in token)
            raise ParseError(
                f"`{token}` ({shown}) looks like `{plain}` but is another name",
                self.span(number),
                f"write `{plain}`",
            )


def is_number_text(field: str) -> bool:
    """Whether the field of a table is a number; Python's underscores are in no table."""
    try:
        float(field)
    except ValueError:
        return False
    return "_" not in field


def out_of_range(token: str, value: float) -> tuple[str, str] | None:
    """What is wrong with a literal that is not the number it says, and what to write; or None."""
    words = f"`{token[:LONGEST_SHOWN]}...`" if len(token) > LONGEST_SHOWN else f"`{token}`"
    if math.isinf(value) and "n" not in token.lower():  # inf is written with one
        return f"{words} overflows float64", "write `inf` for infinity"
    if not value and set(token.lower().partition("e")[0]) & set("123456789"):
        return f"{words} underflows float64", "write `0`, or a number from 5e-324 on"
    return None


def line_and_column(text: str) -> Callable[[int], tuple[int, int]]:
    """A function from offsets to (line, column), both counted from 1."""
    starts = [0]
    for at, character in enumerate(text):
        if character == "\n" or (character == "\r" and text[at + 1 : at + 2] != "\n"):
            starts.append(at + 1)
    if len(starts) == 1:
        return lambda offset: (1, offset + 1)
    from bisect import bisect_right  # late: an expression stands on one line

    def place(offset: int) -> tuple[int, int]:
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    return place
