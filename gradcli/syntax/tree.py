"""One statement as a tree, kept flat in postorder, and the tree written back as text.

    entry = "number" value          a literal
          | "name" text
          | "text" text             in quotes, an operand of a call
          | "file" text             the path of a file of numbers, the whole of an expression
          | "neg"                   one operand
          | "add" | "sub" | "mul" | "div" | "matmul" | "pow"
          | "lt" | "le" | "gt" | "ge" | "eq" | "ne"     two operands
          | "if"                    three: value, condition, other value
          | "call" Call             its arguments
          | "list" count | "tuple" count
          | "index" count           the thing indexed, then count indices
          | "slice" (has start, has stop)
          | "attribute" text        one operand
          | "unpack" (k, n)         one operand: of n names on the left, what the k-th stands for

An operand stands before its operator, so a single pass with a stack reads the whole tree; depth
costs nothing, and two trees are equal when their lists are.
"""

from __future__ import annotations

from typing import Any

from gradcli.named_tuples import NamedTuple


class Call(NamedTuple):
    """A call in a tree. The last operands belong to `keywords`, in order."""

    name: str
    count: int  # type: ignore[assignment]  # operands in all
    keywords: tuple[str, ...] = ()
    prefix: str = ""  # "math." or "np.", as written
    starred: bool = False  # the first argument carries a "*": randn(*D.shape)
    method: bool = False  # x.name(...): the thing before the dot is the first operand


class Tree:
    """A statement's expression: parallel lists of entries, and the token where each begins."""

    __slots__ = ("args", "ops", "starts")

    def __init__(self, ops: list[str], args: list[Any], starts: list[int]) -> None:
        self.ops = ops
        self.args = args
        self.starts = starts

    def add(self, op: str, arg: Any, start: int) -> None:
        """Append an entry; its operands must stand right before it."""
        self.ops.append(op)
        self.args.append(arg)
        self.starts.append(start)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tree) and self.ops == other.ops and self.args == other.args

    __hash__ = None  # type: ignore[assignment]  # a tree grows while it is read

    def __repr__(self) -> str:
        return f"Tree({write(self)!r})"


# How tightly each form binds, as in the grammar: a part in a tighter place needs brackets.
# A dot follows everything but a number, whose own point it would be.
IF, COMPARISON, SUM, TERM, UNARY, POWER, POSTFIX, DOT = range(1, 9)
SIGNS = {
    "lt": ("<", COMPARISON), "le": ("<=", COMPARISON), "gt": (">", COMPARISON),
    "ge": (">=", COMPARISON), "eq": ("==", COMPARISON), "ne": ("!=", COMPARISON),
    "add": ("+", SUM), "sub": ("-", SUM),
    "mul": ("*", TERM), "div": ("/", TERM), "matmul": ("@", TERM),
    "pow": ("**", POWER),
}  # fmt: skip

Phrase = tuple[str, int]  # a text and how tightly it binds
Form = tuple[list[str | int], int]  # a text with operands as their levels; how tightly it binds


def spell(op: str, parts: list[Phrase]) -> Phrase:
    """An operator with its operands as text, with brackets only where they are needed.

    >>> spell("mul", [("x + y", SUM), ("z", POSTFIX)])
    ('(x + y) * z', 4)
    """
    form, level = _operator_form(op)
    operands = iter(parts)
    texts = [part if isinstance(part, str) else _at(part, next(operands)) for part in form]
    return "".join(texts), level


def _operator_form(op: str) -> Form:
    if op == "neg":
        return ["-", UNARY], UNARY
    if op == "if":
        return [COMPARISON, " if ", COMPARISON, " else ", IF], IF
    sign, level = SIGNS[op]
    if level == POWER:
        return [POSTFIX, sign, UNARY], level
    left = SUM if level == COMPARISON else level
    return [left, f" {sign} ", level + 1], level


def _at(level: int, phrase: Phrase) -> str:
    text, binding = phrase
    return text if binding >= level else f"({text})"


def number_text(value: float) -> str:
    """A literal that reads back as the same float64; whole numbers lose their `.0`.

    >>> number_text(2.0), number_text(0.1), number_text(1e300)
    ('2', '0.1', '1e+300')
    """
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def text_literal(text: str) -> str:
    """A text in quotes that it does not hold itself."""
    return f"'{text}'" if '"' in text else f'"{text}"'


def number_list(number: Any) -> str:
    """A number, or nested lists of numbers, as the language writes them."""
    if isinstance(number, list):
        return f"[{', '.join(map(number_list, number))}]"
    return number_text(number)


def number_phrase(value: float) -> Phrase:
    """A literal and how tightly it binds: a sign in front makes it a unary expression."""
    text = number_text(value)
    return text, UNARY if text[0] == "-" else POSTFIX


def write(tree: Tree) -> str:
    """The tree as text in canonical form; reading it again gives the same tree.

    The text grows from its end to its start, as the tree is read backwards: from the root down.
    """
    entries = zip(reversed(tree.ops), reversed(tree.args), strict=True)
    pieces: list[str] = []
    todo: list[str | int] = [IF] if tree.ops else []
    while todo:
        part = todo.pop()
        if isinstance(part, str):
            pieces.append(part)
        else:
            form, level = _form(*next(entries))
            todo += form if level >= part else ["(", *form, ")"]
    return "".join(reversed(pieces))


def _form(op: str, arg: Any) -> Form:
    if op == "number":
        text, level = number_phrase(arg)
        return [text], level
    if op in ("neg", "if") or op in SIGNS:
        return _operator_form(op)
    return _postfix_form(op, arg), DOT


def _postfix_form(op: str, arg: Any) -> list[str | int]:
    """Names, and the forms with brackets or dots."""
    if op == "name":
        return [arg]
    if op == "text":
        return [text_literal(arg)]
    if op == "file":
        return [f"@{arg}"]
    if op == "attribute":
        return [DOT, f".{arg}"]
    if op == "unpack":
        return [DOT, f"[{arg[0]}]"]
    if op == "slice":
        has_start, has_stop = arg
        return [*[IF] * has_start, ":", *[IF] * has_stop]
    if op == "call":
        return _call_form(arg)
    operands = _with_commas([""] * arg)
    if op == "list":
        return ["[", *operands, "]"]
    if op == "tuple":
        return ["(", *operands, ",)" if arg == 1 else ")"]
    return [POSTFIX, "[", *operands, "]"]


def _call_form(call: Call) -> list[str | int]:
    start: list[str | int] = [DOT, "."] if call.method else [call.prefix]
    prefixes = [""] * (call.count - call.method - len(call.keywords))
    if call.starred:
        prefixes[0] = "*"
    prefixes += [f"{key}=" for key in call.keywords]
    return [*start, f"{call.name}(", *_with_commas(prefixes), ")"]


def _with_commas(prefixes: list[str]) -> list[str | int]:
    """Operands, each behind a prefix of its own, as a comma-separated form."""
    form: list[str | int] = []
    for number, prefix in enumerate(prefixes):
        form += (f", {prefix}" if number else prefix, IF)
    return form
