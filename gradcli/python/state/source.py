"""A Python file as text, as a syntax tree, and the way from a node of the tree to its place."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from gradcli.errors import GradcliError, LimitError, ParseError, Span
from gradcli.python.state.limits import DEEPEST_SYNTAX, MOST_CHARACTERS
from gradcli.python.state.pasted import cleaned, code_of_notebook, unpasted, without_old_prints
from gradcli.syntax.elsewhere import foreign
from gradcli.syntax.parser import tree_of
from gradcli.syntax.tokens import Source

SAFE = re.compile(r"clip|max|min|\bget$", re.IGNORECASE)  # calls that bound a value
SMALL = re.compile(r"eps|delta|tiny|small|smooth|tol", re.IGNORECASE)
DEEP = f"more than {DEEPEST_SYNTAX} brackets, blocks or operators inside one another"


class PythonFault(GradcliError):
    """Something that Python itself would raise, or that is not read."""

    kind = "python"


class ForeignFault(PythonFault):
    """What a module gives that is not read stands where a number is needed: no input cures that."""


class Script(Source):
    """The text of a Python file. Its tokens are offsets, so that every place is one."""

    def __init__(self, text: str, name: str, line_map: Sequence[int] = ()) -> None:
        if len(text) > MOST_CHARACTERS:
            raise LimitError(f"{name} has {len(text)} characters; at most {MOST_CHARACTERS} "
                             "are read")  # fmt: skip
        if name.endswith(".ipynb"):
            text = code_of_notebook(text, name)
        self.name = name
        self.line_map = line_map  # of a recording: `Program.line_map`
        self.text = text.removeprefix("\ufeff")
        self.tokens = []
        self.others: dict[str, Script] = {}  # files that it imports, by their paths
        self.bases: dict[str, ast.ClassDef] = {}  # of its classes, in other files
        self.partners: dict[str, Any] = {}  # functions of other files, by their names
        self.examples: dict[int, Any] = {}  # calls in its own tests, by the seed they draw with
        self.line_starts = [0]
        for at, character in enumerate(self.text):
            if character == "\n" or (character == "\r" and self.text[at + 1 : at + 2] != "\n"):
                self.line_starts.append(at + 1)
        self.shifts: dict[int, int] = {}
        self.warnings: list[str] = []
        self.tree = self._read()

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All nodes of the tree, breadth first, as `ast.walk` gives them each time anew."""
        return (*ast.walk(self.tree),)

    @cached_property
    def is_ascii(self) -> bool:
        """Whether bytes and characters of the text are the same."""
        return self.text.isascii()

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
        if self.is_ascii:
            return min(start + column, len(self.text))
        stop = self.line_starts[line] if line < len(self.line_starts) else len(self.text)
        row = self.text[start:stop]
        if not row.isascii():
            column = len(row.encode("utf-8", "replace")[:column].decode("utf-8", "ignore"))
        return min(start + column, len(self.text))

    def offset_behind(self, node: Any) -> int:
        """Where a node of the syntax tree ends in the text."""
        return self._offset(node.end_lineno, node.end_col_offset)

    def words(self, node: Any) -> str:
        """The text of a node, on one line."""
        if node.end_lineno is None:
            return ""
        start = self.offset(node)
        stop = self._offset(node.end_lineno, node.end_col_offset)
        return " ".join(self.text[start:stop].split())

    @cached_property
    def free_names(self) -> set[str]:
        """The names that functions of the file take from around them."""
        names: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef):
                args = node.args
                own = {a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)}
                inner = [part for part in ast.walk(node) if isinstance(part, ast.Name)]
                own |= {part.id for part in inner if not isinstance(part.ctx, ast.Load)}
                names |= {part.id for part in inner} - own
        return names

    @cached_property
    def settings(self) -> set[str]:
        """The names that the file's own statements give values to."""
        return {
            part.id for node in self.tree.body if isinstance(node, ast.Assign)
            for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name)
        }  # fmt: skip

    @cached_property
    def is_fragment(self) -> bool:
        """Whether a file imports nothing, not even numpy that it uses: it is a part of another."""
        parts = [*ast.walk(self.tree)]
        is_alone = not any(isinstance(part, (ast.Import, ast.ImportFrom)) for part in parts)
        return is_alone and any(isinstance(part, ast.Name) and part.id == "np" for part in parts)

    @cached_property
    def safeguards(self) -> set[int]:
        """The identities of constants that are added to something, or bound it, or are named so.

        They may be there to keep a logarithm or a quotient finite; a factor never is.
        """
        found: set[int] = set()
        for node in ast.walk(self.tree):
            parts: list[ast.expr | None] = []
            if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
                parts = [node.left, node.right]
            elif isinstance(node, ast.Call) and SAFE.search(ast.unparse(node.func)):
                parts = [*node.args, *(keyword.value for keyword in node.keywords)]
            elif isinstance(node, ast.arguments):
                parts = [*node.defaults, *node.kw_defaults]
            elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.keyword)):
                name = node.arg if isinstance(node, ast.keyword) else ast.unparse(
                    node.targets[0] if isinstance(node, ast.Assign) else node.target
                )  # fmt: skip
                parts = [node.value] if SMALL.search(name or "") else []
            found |= {id(part) for part in parts if isinstance(part, ast.Constant)}
        return found

    def line(self, number: int) -> str:
        """The text of a line, from 1."""
        start = self.line_starts[number - 1]
        stop = self.line_starts[number] if number < len(self.line_starts) else len(self.text)
        return self.text[start:stop].rstrip("\r\n")

    def _read(self) -> ast.Module:
        """The syntax tree of the text as it is, as Python 2, or without what pasting put in."""
        lines = [self.line(k + 1) for k in range(len(self.line_starts))]
        plain = cleaned(lines).text
        try:
            tree = self._parsed(plain)
        except SyntaxError as error:
            tree = self._read_otherwise(lines, plain, error)
        self._refuse_deep(tree)
        return tree

    def _read_otherwise(self, lines: list[str], plain: str, first: SyntaxError) -> ast.Module:
        try:
            tree = self._parsed(without_old_prints(plain.expandtabs()))
            self.warnings.append("this is Python 2: its `print` statements are left out, and `/` "
                                 "divides as in Python 3")  # fmt: skip
            return tree
        except SyntaxError:
            pasted = unpasted(lines)
        if pasted is None:
            raise self._fault(first) from None
        self.shifts = pasted.shifts
        try:
            return self._parsed(pasted.text)
        except SyntaxError as error:
            raise self._fault(error) from None

    def _parsed(self, text: str) -> ast.Module:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the file's own escapes and comparisons
                return ast.parse(text)
        except (RecursionError, MemoryError):
            raise LimitError(DEEP, self.span(0)) from None
        except SyntaxError:
            raise
        except ValueError as error:
            raise ParseError(f"this is not Python: {error}", self.span(0)) from None

    def _fault(self, error: SyntaxError) -> GradcliError:
        line = min(error.lineno or 1, len(self.line_starts))
        at = self.line_starts[line - 1] + self.shifts.get(line, 0) + max(0, (error.offset or 1) - 1)
        span = self.span(min(at, len(self.text)))
        message = str(error.msg or "invalid syntax").removeprefix("invalid syntax. ")
        if "too many nested" in message:
            return LimitError(DEEP, span)
        if (other := foreign(span.line_text, tree_of)) is not None:
            return ParseError(other[0], span, other[1])
        hint = "only whole files that Python can parse are read"
        if isinstance(error, IndentationError):
            hint = "indent what belongs together; text copied from a page may have lost its indents"
        return ParseError(f"not Python 3: {message}", span, hint)

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
