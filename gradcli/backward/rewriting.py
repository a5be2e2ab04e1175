"""A repaired line as text: its writer's own, with nothing changed but what must be.

Three rows of tokens: as the writer has them, the line's tree written out, and the repaired tree
written out. What differs between the last two is changed in the first; the rest keeps its spaces
and its brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from difflib import SequenceMatcher
from itertools import pairwise

from gradcli.errors import GradcliError
from gradcli.named_tuples import NamedTuple
from gradcli.syntax import Tree, statements, write
from gradcli.syntax.tokens import Source

TOKEN = re.compile(r"(\s*)(#[^\n]*|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[\w.]*\w|\*\*|[<>=!]=|\S)")
PRODUCT = re.compile(r"[\w)\]] ?[*/] ?[\w(]")
PRODUCTS = ("mul", "div", "matmul", "pow", "name", "number", "call", "index", "attribute")
CLOSING = (",", ")", "]")  # before these nobody writes a space
OF_NUMPY = (
    "sum", "mean", "sin", "cos", "tan", "exp", "log", "sqrt", "abs", "sign", "tanh", "sinh", "cosh",
    "outer", "dot", "where", "maximum", "minimum", "zeros_like",
)  # fmt: skip


class Token(NamedTuple):
    """A token, and the space before it."""

    space: str
    text: str

    @property
    def key(self) -> str:
        """What makes two tokens the same, however they are spelt."""
        with suppress(ValueError):
            return repr(float(self.text))
        return "**" if self.text == "^" else self.text


def rewritten(right: str, before: Tree, after: Tree, source: str = "") -> str:
    """The right side of a line after a change of its tree; `right` is its text before.

    `source` is the text of the program, whose spelling of functions is followed.
    """
    if after.ops == [*before.ops, "neg"] and after.args == [*before.args, None]:
        return f"-{right}" if before.ops[-1] in PRODUCTS else f"-({right})"
    old, new = _tokens(numpy_text(write(before), "")), _tokens(numpy_text(write(after), source))
    new = _tightened(new, _style(right, source))
    own = _tokens(right)
    wanted = write(after)
    for is_outer in (False, True):
        text = "".join(t.space + t.text for t in _merged(own, old, new, is_outer)).strip()
        if _reads_as(text, wanted):
            return text
    return "".join(t.space + t.text for t in new).strip()


def _style(right: str, source: str) -> str:
    """Products and powers as a line writes them, or as most lines of its program do."""
    products = PRODUCT.findall(source)
    spaced = [product for product in products if " " in product]
    usual = "a * b" if 2 * len(spaced) > len(products) else "a*b"
    power = " a ** b" if 2 * source.count(" ** ") > source.count("**") else ""
    return (right if PRODUCT.search(right) else usual) + (power if "**" not in right else "")


def respelt(right: str, before: Tree, after: Tree, source: str) -> str:
    """The right side of a line of Python, in whose trees names may be any text: `hs[t + 1]`."""
    names = {
        arg for tree in (before, after) for op, arg in zip(tree.ops, tree.args, strict=True)
        if op == "name" and not arg.isidentifier()
    }  # fmt: skip
    marks = {name: f"name{k}_" for k, name in enumerate(sorted(names, key=len, reverse=True))}
    for name, mark in marks.items():
        right = right.replace(name, mark)
    text = rewritten(right, _marked(before, marks), _marked(after, marks), source)
    for name, mark in reversed(marks.items()):
        text = text.replace(mark, name)
    return text


def _marked(tree: Tree, marks: dict[str, str]) -> Tree:
    """The tree with marks in the place of some names."""
    args = [
        marks.get(arg, arg) if op == "name" else arg
        for op, arg in zip(tree.ops, tree.args, strict=True)
    ]  # fmt: skip
    return Tree(tree.ops, args, tree.starts)


def _tokens(text: str) -> list[Token]:
    return [Token(*pair) for pair in TOKEN.findall(text)]


def numpy_text(text: str, source: str) -> str:
    """The text with `np.` before functions of numpy, if the program calls them so."""
    text = text.replace("keepdims=1", "keepdims=True")
    if "np." not in source:
        return text

    def call(match: re.Match[str]) -> str:
        name = match[1]
        is_bare = re.search(rf"(?<![\w.]){name}\(", source)
        return f"{name}(" if is_bare or name not in OF_NUMPY else f"np.{name}("

    return re.sub(r"(?<![\w.])(\w+)\(", call, text)


def _tightened(tokens: list[Token], right: str) -> list[Token]:
    """The tokens without spaces around the signs that the writer puts none around."""
    tight = set("*/" if not re.search(r" [*/@] ", right) else "")
    if " ** " in right:
        tokens = [Token(" ", t.text) if "**" in (t.text, before.text) else t
                  for before, t in pairwise([Token("", ""), *tokens])]  # fmt: skip
    if re.search(r"[\w)\]][+-][\w(]", right) and not re.search(r" [+-] ", right):
        tight.update("+-")
    return [
        Token("", token.text)
        if token.text in tight or (k and tokens[k - 1].text in tight) else token
        for k, token in enumerate(tokens)
    ]  # fmt: skip


def _merged(
    own: list[Token], old: list[Token], new: list[Token], is_outer: bool
) -> Iterator[Token]:
    """The writer's tokens with the changes between the other two rows made in them.

    `is_outer` takes the writer's own brackets around a changed part away with it.
    """
    places = _places(own, old)
    at, rest = 0, own
    for tag, i, j, m, n in _changes(old, new):
        if tag == "equal":
            continue
        start, stop = _bounds(places, i, j, len(own), is_outer)
        yield from rest[at:start]
        for k, token in enumerate(new[m:n]):
            is_replaced = not k and start < min(stop, len(own))
            yield Token(own[start].space, token.text) if is_replaced else token
        at = max(stop, at)
        if i == j and at < len(own) and n < len(new):  # what follows stands as after what is new
            rest = [*own[:at], Token(new[n].space, own[at].text), *own[at + 1 :]]
        elif m == n and start < at < len(own) and own[at].text not in CLOSING:
            # What follows stands where what is gone stood.
            rest = [*own[:at], Token(own[start].space, own[at].text), *own[at + 1 :]]
    yield from rest[at:]


def _bounds(
    places: dict[int, int], start: int, stop: int, end: int, is_outer: bool
) -> tuple[int, int]:
    """Where a part of the row as it was written out stands among the writer's tokens."""
    before, after = places.get(start - 1, -1) + 1, places.get(stop, end)
    if start == stop:
        return (after, after) if is_outer else (before, before)
    first, last = places.get(start, before), places.get(stop - 1, after - 1) + 1
    return (before, after) if is_outer else (first, last)


def _places(own: list[Token], old: list[Token]) -> dict[int, int]:
    """The place among the writer's tokens of each token as written out."""
    matcher = SequenceMatcher(None, [t.key for t in old], [t.key for t in own], autojunk=False)
    return {a + k: b + k for a, b, size in matcher.get_matching_blocks() for k in range(size)}


def _changes(old: list[Token], new: list[Token]) -> Sequence[tuple[str, int, int, int, int]]:
    matcher = SequenceMatcher(None, [t.key for t in old], [t.key for t in new], autojunk=False)
    return matcher.get_opcodes()


def _reads_as(text: str, wanted: str) -> bool:
    """Whether a text is read as the tree that is wanted."""
    with suppress(GradcliError, StopIteration):
        tree = next(statements(Source(f"_ = {text}", "<repair>"))).tree
        return tree is not None and _bare(write(tree)) == _bare(wanted)
    return False


def _bare(text: str) -> str:
    return text.replace("np.", "").replace("math.", "").replace("keepdims=True", "keepdims=1")
