"""Text that is no program at all, as it comes from pages: sentences, LaTeX, mathematics."""

from __future__ import annotations

import re
from collections.abc import Callable

from gradcli.syntax.tree import Tree

SENTENCE = re.compile(r"\s*(?:[A-Za-z][\w'\u2019-]*[,;:]? +){3,}[A-Za-z][\w'\u2019-]*[.:!?]?\s*")
# Words with nothing but commas and the like between them: a greeting, a heading, a line of a list.
# What is a word stays one: to try all ways to cut a long name into words takes for ever.
WORDS = re.compile(
    r"\s*(?:[-*\u2022]|\d+\.)?\s*(?:[A-Za-z][\w'\u2019-]*+[,;:.!?]*+ *+){2,}+[,;:.!?)\d]*\s*"
)
MARKED = re.compile(r"[,.:!?]\s*$|: |^\s*(?:\d+\.|\u2022) ")
TITLE = re.compile(r"\s*(?:[A-Z][a-z]{3,}\s*){2,}|\s*[A-Z]?[a-z]{3,}(?: [a-z]{4,}){2,}\s*")
STATEMENTS = ("import ", "from ", "for ", "if ", "while ", "with ", "print ", "not ", "class ",
              "def ", "return ", "global ", "raise ", "try", "assert ", "del ", "elif ", "else",
              "async ", "yield ")  # fmt: skip
_WORDS_OF_CODE = r"(?:if|else|and|or|not|lambda|in)\b"
_PLAIN = rf"\b(?!{_WORDS_OF_CODE})[A-Za-z]"
RESERVED = re.compile(rf"\b{_WORDS_OF_CODE}")
WORD = re.compile(rf"{_PLAIN}{{4,}}")
ADJACENT = re.compile(rf"{_PLAIN}+ +{_PLAIN}+\b")  # two words with nothing between: no code
LATEX = re.compile(r"\\([A-Za-z]{2,})|\$|\\[\[\](),;!]|[\^_]\{")
PARTIAL = re.compile(r"(?:\u2202|\bd)(\w*)\s*/\s*\u2202(\w+)")
SLOPE = re.compile(r"(?:^|;)\s*d(\w*)\s*/\s*d(\w+)\s*=(?!=)")  # df/dx = ...
OPERATOR = re.compile(r"\s*d\s*/\s*d\w+(?=\s*[\w(])")  # d/dx in front of what it differentiates


def foreign(line: str, tree_of: Callable[[str], Tree]) -> tuple[str, str] | None:
    """What a line is that is no program, and what to write; None where it may be one.

    `tree_of` reads an expression, and raises GradcliError.
    """
    is_sentence = WORD.search(line) and (
        SENTENCE.fullmatch(line)
        or TITLE.fullmatch(line)
        or (WORDS.fullmatch(line) and ADJACENT.search(line) and MARKED.search(line))
    )
    is_code = RESERVED.search(line) and not (
        ADJACENT.search(line) or line.rstrip().endswith((".", ":", "!", "?"))
    )
    if is_sentence and not is_code and not line.lstrip().startswith(STATEMENTS):
        return "this is a sentence, not a program", "leave it out, or put `#` before it"
    if match := OPERATOR.match(line):
        left_out = "the gradient by each input is printed with the value"
        return "a derivative in the signs of mathematics", f"leave `{match[0]}` out: {left_out}"
    if match := PARTIAL.search(line) or SLOPE.search(line):
        return "a derivative in the signs of mathematics", f"write `d{match[2]} = ...`"
    if match := LATEX.search(line):
        from gradcli.syntax.latex import in_our_language  # late: only what is refused is put so

        written = in_our_language(line, tree_of)
        return "this is LaTeX, not a program", f"write `{written}`" if written else _plain(match[1])
    return None


def _plain(command: str | None) -> str:
    """What to write for a command of LaTeX."""
    written = {"frac": "`a/b` for `\\frac{a}{b}`", "sqrt": "`sqrt(x)` for `\\sqrt{x}`",
               "cdot": "`*` for `\\cdot`", "times": "`*` for `\\times`",
               "partial": "`dx = ...` for `\\frac{\\partial f}{\\partial x}`",
               "sum": "`sum(x)` for `\\sum x`"}  # fmt: skip
    if command is None:
        return "leave out `$` and `\\[`, and write `a/b` for `\\frac{a}{b}`, `x**2` for `x^{2}`"
    return f"write {written.get(command, f'`{command}(x)` or its name for `{chr(92)}{command}`')}"
