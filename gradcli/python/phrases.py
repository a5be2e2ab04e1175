"""The right side of a line of Python as a tree of our language, and a changed tree as Python.

What our language has no word for, `hs[t + 1]`, `self.W`, a call of a function of the file, is a
name there: its text, and the value it had.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import reduce
from typing import Any

from gradcli.errors import GradcliError
from gradcli.program.gradient_lines import Spelling
from gradcli.python.state.source import Script
from gradcli.python.state.tape import Tape, content_of
from gradcli.python.state.values import Array, Content, Library, Scope, Taken
from gradcli.reports.statement_text import statement_end
from gradcli.syntax import Tree
from gradcli.syntax.edit import joined, part, start_of, unary
from gradcli.syntax.tree import Call

OPERATORS: dict[type, str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.MatMult: "matmul",
    ast.Pow: "pow", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq",
    ast.NotEq: "ne",
}  # fmt: skip
# Functions of numpy that mean what those of our language do, and how many operands they take.
SAME = {"exp": 1, "log": 1, "tanh": 1, "sqrt": 1, "sin": 1, "cos": 1, "abs": 1, "square": 1,
        "sign": 1, "log1p": 1, "expm1": 1, "maximum": 2, "minimum": 2, "where": 3,
        "outer": 2}  # fmt: skip
# What undoes an operator, and joins what several of it take: x - a - b is x - (a + b).
OPPOSITE = {"sub": "add", "mul": "div", "div": "mul"}
JOINED = {"sub": ("add", "sub"), "mul": ("mul", "div"), "div": ("mul", "div")}
PRODUCTS = ("dot", "matmul")
REDUCTIONS = ("sum", "mean")
OPTIONS = ("axis", "keepdims")
LEAST_SIZE = 3  # a smaller number may be a power, or a half


class Untold(Exception):  # no error: control flow
    """A part that has no value of its own, or two."""


class Phrase:
    """An expression of a line, as a tree and as text."""

    def __init__(self, script: Script, node: ast.expr, place: int, scope: Scope) -> None:
        self.tree = Tree([], [], [])
        self.names: dict[str, Content] = {}  # what the names in the tree stand for
        self.aliases: Mapping[str, str | None] = {}  # what the names of the program are called
        self.scope = scope
        # Of `x -= y` the operator, which is written on the left.
        self.taken = OPERATORS[type(node.op)] if isinstance(node, Taken) else None
        self.shifted: dict[str, Content] = {}  # the neighbours of the parts of lists in it
        self.alongside: set[str] = set()  # what the other lines of the same turn read
        text, start = script.text, script.offset(node)
        stop = script.offset_behind(node)
        end = text.find("\n", stop)
        self.words = text[start:stop]
        while text[:start].endswith("(") and text[stop:].startswith(")") and start > place:
            start, stop = start - 1, stop + 1  # its own brackets are written anew where needed
        self.before = text[place:start]
        rest = text[stop : len(text) if end < 0 else end]
        self.after = rest[: statement_end(rest, 0)] if rest.strip() else ""

    def spelling(self) -> Spelling:
        """The text of the line around its tree."""
        tree = self._right_of(self.tree, self.taken) if self.taken else self.tree
        return Spelling(self.before, self.words, self.after, tree or self.tree, self.in_python)

    def _right_of(self, tree: Tree, taken: str) -> Tree | None:
        """What stands on the right of `x -= ...` for a tree `x - ...`; None for another form."""
        parts: dict[str, list[Tree]] = {taken: [], OPPOSITE[taken]: []}
        end = len(tree.ops) - 1
        while tree.ops[end] in parts:
            start = start_of(tree, end - 1)
            parts[tree.ops[end]].insert(0, part(tree, start, end))
            end = start - 1
        if end or tree.ops[0] != "name":
            return None
        (own, others), (more, less) = parts.values(), JOINED[taken]
        if not own and taken == "sub":
            own = [unary(others.pop(0), "neg")]
        if not own:
            return None
        right = reduce(lambda x, y: joined(x, y, more), own)
        return reduce(lambda x, y: joined(x, y, less), others, right)

    def in_python(self, after: Tree) -> Tree | None:
        """A changed tree with names and functions as the file has them; None where it has none."""
        args: list[Any] = []
        if self.taken:
            is_same = after.args[0] == self.tree.args[0]
            changed = self._right_of(after, self.taken) if is_same else None
            if changed is None:
                return None
            after = changed
        if "\n" in self.before + self.words:
            return None
        after = self._with_sizes(after)
        for op, arg in zip(after.ops, after.args, strict=True):
            is_new = (
                op == "name"
                and arg not in self.names
                and arg not in self.alongside | self.shifted.keys()
            )
            args.append(self._called(arg) if is_new else arg)
            if is_new and args[-1] is None:
                return None
        args = [_with_prefix(arg) if isinstance(arg, Call) else arg for arg in args]
        return self._in_style(Tree([*after.ops], args, after.starts))

    def _with_sizes(self, after: Tree) -> Tree:
        """The numbers that a change puts in by the names of sizes: `/ N` holds for any N."""
        changed = Tree([*after.ops], [*after.args], after.starts)
        written = {arg for op, arg in zip(self.tree.ops, self.tree.args, strict=True)
                   if op == "number"}  # fmt: skip
        for k, op in enumerate(after.ops):
            if op == "number" and after.args[k] >= LEAST_SIZE and after.args[k] not in written:
                sizes = [n for n, v in self.scope.items() if type(v) is int and v == after.args[k]]
                if len(sizes) == 1:
                    changed.ops[k], changed.args[k] = "name", sizes[0]
        return changed

    def _called(self, name: str) -> str | None:
        """What the function calls a named value; None where it has no name for it."""
        return self.aliases.get(name, name if name in self.scope else None)

    def _in_style(self, tree: Tree) -> Tree:
        """Products written as the line writes them."""
        if "@" in self.words or "dot(" not in self.words:
            return tree
        is_function = "np.dot(" in self.words
        call = Call("dot", 2, (), "np." if is_function else "", False, not is_function)
        places = [k for k, op in enumerate(tree.ops) if op == "matmul"]
        for k in places:
            tree.ops[k], tree.args[k] = "call", call
        return tree


def _with_prefix(call: Call) -> Call:
    """A function of our language as numpy has it."""
    return call if call.prefix or call.method else call._replace(prefix="np.")


def phrase(
    script: Script, tape: Tape, node: ast.expr, place: int, values: Mapping[int, Any], scope: Scope
) -> Phrase | None:  # fmt: skip
    """The phrase of an expression whose parts had some values; None where it has none."""
    if node.lineno != node.end_lineno:
        return None
    result = Phrase(script, node, place, scope)
    try:
        _Translation(script, tape, values, result).add(node)
    except Untold:
        return None
    return result


class _Translation:
    """Writes an expression into the tree of a phrase, operands first."""

    def __init__(
        self, script: Script, tape: Tape, values: Mapping[int, Any], result: Phrase
    ) -> None:
        self.script = script
        self.tape = tape
        self.values = values
        self.result = result
        self.tree = result.tree

    def add(self, node: ast.expr) -> None:
        """Add an expression. Raises Untold."""
        if _is_number(node):
            self.tree.add("number", float(ast.literal_eval(node)), 0)
        elif isinstance(node, ast.Tuple) and all(map(_is_number, node.elts)):  # axes
            for part in node.elts:
                self.add(part)
            self.tree.add("tuple", len(node.elts), 0)
        elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            self._operator(type(node.op), node.left, node.right)
        elif isinstance(node, ast.Compare) and len(node.ops) == 1 and (
            type(node.ops[0]) in OPERATORS
        ):  # fmt: skip
            self._operator(type(node.ops[0]), node.left, node.comparators[0])
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            self.add(node.operand)
            self.tree.add("neg", None, 0)
        elif isinstance(node, ast.Attribute) and node.attr == "T" and self._rank(node.value) == 2:
            self.add(node.value)
            self.tree.add("attribute", "T", 0)
        elif isinstance(node, ast.Call) and self._call(node):
            return
        else:
            self._name(node)

    def _operator(self, kind: type, left: ast.expr, right: ast.expr) -> None:
        self.add(left)
        self.add(right)
        self.tree.add(OPERATORS[kind], None, 0)

    def _rank(self, node: ast.expr) -> int:
        value = self.values.get(id(node))
        return len(self.tape.shape(value.content)) if isinstance(value, Array) else 0

    def _name(self, node: ast.expr) -> None:
        value = self.values.get(id(node))
        if not isinstance(value, (Array, int, float)) or isinstance(value, bool):
            raise Untold
        try:
            content = content_of(self.tape, value)
        except GradcliError:
            raise Untold from None
        words = self.script.words(node)
        known = self.result.names.setdefault(words, content)
        if known is not content and not self.tape.is_same(known, content):
            raise Untold
        self.tree.add("name", words, 0)
        if isinstance(node, ast.Subscript):
            self._note_neighbours(node)

    def _note_neighbours(self, node: ast.Subscript) -> None:
        """Note what stands before and behind the part of a list that a line reads."""
        owner, index = self.values.get(id(node.value)), self.values.get(id(node.slice))
        if not isinstance(owner, (list, tuple, dict)) or not isinstance(index, int):
            return
        known = owner if isinstance(owner, dict) else dict(enumerate(owner))
        for step in (-1, 1):
            value = known.get(index + step)
            if isinstance(value, Array):
                place = self._moved_on(node.slice, step)
                self.result.shifted[f"{self.script.words(node.value)}[{place}]"] = value.content

    def _moved_on(self, index: ast.expr, step: int) -> str:
        """The text of an index one further, or one before: `t + 1`, `t` or `t - 1`."""
        match index:
            case ast.Constant(int() as place):
                return str(place + step)
            case ast.BinOp(left, ast.Add() | ast.Sub() as sign, ast.Constant(int() as size)):
                step += size if isinstance(sign, ast.Add) else -size
                index = left
        words = self.script.words(index)
        return f"{words} {'+' if step > 0 else '-'} {abs(step)}" if step else words

    def _call(self, node: ast.Call) -> bool:
        """Add a call that our language has, too; False for any other."""
        if not isinstance(node.func, ast.Attribute):
            return False
        name, callee = node.func.attr, self.values.get(id(node.func))
        is_library = isinstance(callee, Library)
        operands = [*node.args] if is_library else [node.func.value, *node.args]
        options = [k for k in node.keywords if k.arg in OPTIONS]
        if len(options) < len(node.keywords) or any(isinstance(a, ast.Starred) for a in operands):
            return False
        prefix = self.script.words(node.func)[: -len(name)] if is_library else ""
        is_plain = is_library and SAME.get(name) == len(operands) and not options
        is_product = name in PRODUCTS and len(operands) == 2 and not options and all(
            1 <= self._rank(part) <= 2 for part in operands
        )  # fmt: skip
        if is_plain or is_product or self._is_reduction(name, operands, options):
            for part in (*operands, *(k.value for k in options)):
                self.add(part)
            count = len(operands) + len(options)
            names = tuple(str(k.arg) for k in options)
            self.tree.add("call", Call(name, count, names, prefix, False, not is_library), 0)
            return True
        return False

    def _is_reduction(
        self, name: str, operands: list[ast.expr], options: list[ast.keyword]
    ) -> bool:
        constants = (*operands[1:], *(k.value for k in options))
        return name in REDUCTIONS and len(operands) <= 2 and self._rank(operands[0]) > 0 and all(
            _is_number(part) or (isinstance(part, ast.Tuple) and all(map(_is_number, part.elts)))
            for part in constants
        )  # fmt: skip


def _is_number(node: ast.expr) -> bool:
    """Whether an expression is a number with its sign, as `-1` and `-0.5` are."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
        return isinstance(node, ast.Constant) and type(node.value) in (int, float)
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float))
