"""Statements from tokens, one at a time."""

from __future__ import annotations

from collections.abc import Iterator

from gradcli.named_tuples import NamedTuple
from gradcli.syntax.expressions import ASSIGNMENTS, RESERVED, Expressions
from gradcli.syntax.refusals import ENDS, NAME_STARTS, is_name
from gradcli.syntax.tokens import ENDINGS, NEWLINES, Source
from gradcli.syntax.tree import Tree


class Statement(NamedTuple):
    """One statement; `kind` is assign, add, expression, import, seed or directive."""

    kind: str
    token: int  # where it begins
    tree: Tree | None = None
    target: str = ""
    place: Tree | None = None  # of an indexed target: its indices as a tuple
    is_claim: bool = False  # NAME == expr
    text: str = ""  # of a directive


def statements(source: Source) -> Iterator[Statement]:
    """Read the statements of a text one by one; each tree may be dropped before the next is read.

    Raises ParseError.
    """
    return _Parser(source).statements()


def parse_expression(source: Source) -> Tree:
    """Read a text that holds one expression and nothing else. Raises ParseError."""
    return _Parser(source).only_expression()


def tree_of(text: str) -> Tree:
    """The tree of a text that holds one expression, and whose place is of no use."""
    return parse_expression(Source(text, ""))


class _Parser(Expressions):
    def statements(self) -> Iterator[Statement]:
        tokens, names, at = self.tokens, self.names, 0
        new = tuple.__new__  # a named tuple's own __new__ takes twice as long
        last = len(tokens) - 2
        while at < last:
            token = tokens[at]
            if tokens[at + 1] == "=" and (token[:1] in NAME_STARTS or is_name(token)):
                if token in RESERVED:
                    self._fail(at, f"`{token}` is a word of the language and no name")
                read = self._file if tokens[at + 2] == "@" else self._gate
                tree, end = read(at + 2) or self._expression(at + 2)
                yield new(Statement, ("assign", at, tree, token, None, False, ""))
                names.add(token)
                at = end + 1 if tokens[end] in ENDS else self._end(end)
            elif token in ENDS:
                at += 1
            elif token[0] == "#":
                if token[1:].lstrip().startswith("gradcli:"):
                    yield Statement("directive", at, text=token.partition("gradcli:")[2].strip())
                at += 1
            elif tokens[at + 1] == "," and (places := self._unpacked(at)):
                yield from self._unpacking(places)
                at = places[-1] + 5  # = NAME . shape
            else:
                statement, at = self._statement(at)
                yield statement

    def _tree_of(self, text: str) -> Tree:
        return tree_of(text)

    def only_expression(self) -> Tree:
        at = 0
        while self.tokens[at] in NEWLINES:
            at += 1
        tree, at = self._expression(at)
        while self.tokens[at] in NEWLINES or self.tokens[at][:1] == "#":
            at += 1
        if at < len(self.tokens) - 2:
            self._refuse_rest(at)
        return tree

    def _statement(self, first: int) -> tuple[Statement, int]:
        tokens = self.tokens
        name, following = tokens[first], tokens[first + 1]
        if not is_name(name):
            tree, at = self._expression(first)
            return Statement("expression", first, tree), self._end(at)
        if following == "+=":
            tree, at = self._expression(first + 2)
            return Statement("add", first, tree, name), self._end(at)
        if name in ("import", "from") and is_name(following):
            at = first
            while tokens[at] not in ENDS:
                at += 1
            return Statement("import", first), at
        tree, at = self._expression(first)
        is_index = tree.ops[-1] == "index" and self.opened == first + 1
        if is_index and tokens[at] in ASSIGNMENTS:
            kind = "assign" if tokens[at] == "=" else "add"
            place = Tree([*tree.ops[1:-1], "tuple"], tree.args[1:], [*tree.starts[1:-1], first + 2])
            tree, at = self._expression(at + 1)
            return Statement(kind, first, tree, name, place), self._end(at)
        if tree.ops[-1] == "call" and tree.args[-1][:1] == ("seed",) and tree.starts[-1] == first:
            return Statement("seed", first, tree), self._end(at)
        return Statement("expression", first, tree, name, None, following == "=="), self._end(at)

    def _unpacked(self, first: int) -> list[int]:
        """Where the names stand in `N, D = X.shape`; nothing where something else stands."""
        tokens, places, at = self.tokens, [first], first
        while tokens[at + 1] == ",":
            at += 2
            places.append(at)
        equals, whole, dot, shape, end = (*tokens[at + 1 : at + 6], *[""] * 5)[:5]
        names = [*(tokens[place] for place in places), whole]
        is_whole = (equals, dot, shape) == ("=", ".", "shape") and (end in ENDS or end[0] == "#")
        is_all = is_whole and all(is_name(name) and name not in RESERVED for name in names)
        return places if is_all else []

    def _unpacking(self, places: list[int]) -> Iterator[Statement]:
        """A statement for each name that stands for a size."""
        whole = places[-1] + 2
        for k, place in enumerate(places):
            args = [self.tokens[whole], "shape", (k, len(places))]
            tree = Tree(["name", "attribute", "unpack"], args, [whole] * 3)
            yield Statement("assign", place, tree, self.tokens[place])
            self.names.add(self.tokens[place])

    def _end(self, at: int) -> int:
        """The token that ends a statement: a line end, a semicolon or a comment."""
        token = self.tokens[at]
        if token not in ENDS and token[0] != "#":
            self._refuse_rest(at)
        return at

    def _file(self, at: int) -> tuple[Tree, int]:
        """Read `@PATH` at token `at`: a path goes as far as the statement does."""
        tokens, end = self.tokens, at
        while tokens[end] not in ENDS and tokens[end][0] != "#":
            end += 1
        source = self.source
        path = source.text[source.span(at).start + 1 : source.span(end).start].strip()
        if not path:
            self._fail(at, "expected the name of a file after `@`", f"write `@FILE` with {ENDINGS}")
        return Tree(["file"], [path], [at]), end
