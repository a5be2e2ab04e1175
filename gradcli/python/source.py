"""A Python file as text, as a syntax tree, and the way from a node of the tree to its place."""

from __future__ import annotations

import ast
import warnings
from typing import Any

from gradcli.errors import GradcliError, LimitError, ParseError, Span
from gradcli.python.limits import DEEPEST_SYNTAX, MOST_CHARACTERS
from gradcli.python.pasted import Pasted, cleaned
from gradcli.syntax.tokens import Source

DEEP = f"more than {DEEPEST_SYNTAX} brackets, blocks or operators inside one another"


class PythonFault(GradcliError):
    """Something that Python itself would raise, or that is not read."""

    kind = "python"


class Script(Source):
    """The text of a Python file. Its tokens are offsets, so that every place is one."""

    __slots__ = ("line_starts", "others", "shifts", "tree", "warnings")

    def __init__(self, text: str, name: str) -> None:
        if len(text) > MOST_CHARACTERS:
            raise LimitError(f"{name} has {len(text)} characters; at most {MOST_CHARACTERS} "
                             "are read")  # fmt: skip
        self.name = name
        self.text = text.removeprefix("\ufeff")
        self.tokens = []
        self.others: dict[str, Script] = {}  # files that it imports, by their paths
        self.line_starts = [0]
        for at, character in enumerate(self.text):
            if character == "\n" or (character == "\r" and self.text[at + 1 : at + 2] != "\n"):
                self.line_starts.append(at + 1)
        pasted = cleaned([self.line(k + 1) for k in range(len(self.line_starts))])
        self.shifts = pasted.shifts
        self.warnings: list[str] = pasted.warnings
        self.tree = self._parsed(pasted)

    def span(self, token: int) -> Span:
        """The place at an offset."""
        return Span(self.name, self.text, token)

    def spans(self, tokens: set[int]) -> dict[int, Span]:
        """The places at some offsets."""
        return {token: self.span(token) for token in tokens}

    def offset(self, node: Any) -> int:
        """Where a node of the syntax tree begins in the text."""
        return self._offset(node.lineno, node.col_offset)

    def _offset(self, line: int, column: int) -> int:
        """The offset of a line and a column in bytes of UTF-8, as `ast` counts them."""
        if line > len(self.line_starts):
            return len(self.text)
        start = self.line_starts[line - 1] + self.shifts.get(line, 0)
        stop = self.line_starts[line] if line < len(self.line_starts) else len(self.text)
        row = self.text[start:stop]
        if not row.isascii():
            column = len(row.encode("utf-8", "replace")[:column].decode("utf-8", "ignore"))
        return min(start + column, len(self.text))

    def words(self, node: Any) -> str:
        """The text of a node, on one line."""
        if node.end_lineno is None:
            return ""
        start = self.offset(node)
        stop = self._offset(node.end_lineno, node.end_col_offset)
        return " ".join(self.text[start:stop].split())

    def line(self, number: int) -> str:
        """The text of a line, from 1."""
        start = self.line_starts[number - 1]
        stop = self.line_starts[number] if number < len(self.line_starts) else len(self.text)
        return self.text[start:stop].rstrip("\r\n")

    def _parsed(self, pasted: Pasted) -> ast.Module:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the file's own escapes and comparisons
                tree = ast.parse(pasted.text)
        except SyntaxError as error:
            raise self._fault(error) from None
        except (RecursionError, MemoryError):
            raise LimitError(DEEP, self.span(0)) from None
        except ValueError as error:
            raise ParseError(f"this is not Python: {error}", self.span(0)) from None
        self._refuse_deep(tree)
        return tree

    def _fault(self, error: SyntaxError) -> GradcliError:
        line = min(error.lineno or 1, len(self.line_starts))
        at = self.line_starts[line - 1] + self.shifts.get(line, 0) + max(0, (error.offset or 1) - 1)
        span = self.span(min(at, len(self.text)))
        message = str(error.msg or "invalid syntax").removeprefix("invalid syntax. ")
        if "too many nested" in message:
            return LimitError(DEEP, span)
        return ParseError(f"not Python 3: {message}", span,
                          "only whole files that Python can parse are read")  # fmt: skip

    def _refuse_deep(self, tree: ast.Module) -> None:
        """Refuse a tree that walking would take too deep; the walk itself needs no recursion."""
        pending: list[tuple[Any, int]] = [(tree, 0)]
        while pending:
            node, depth = pending.pop()
            if depth > DEEPEST_SYNTAX and hasattr(node, "lineno"):
                raise LimitError(DEEP, self.span(self.offset(node)),
                                 "split it over several statements")  # fmt: skip
            pending += [
                (child, depth + (not isinstance(child, (ast.expr_context, ast.operator))))
                for child in ast.iter_child_nodes(node)
            ]
