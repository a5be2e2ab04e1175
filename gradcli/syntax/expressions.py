"""Expressions from tokens: operator precedence with explicit stacks, straight into postorder.

`pending` holds the operators that still wait for their right operand, innermost last, and an
open bracket as a mark at level 0. `begins` holds, for every operand read so far, the token where
it begins. An operator is written to the tree when one that binds no tighter follows it, so the
tree comes out in postorder and no depth of nesting needs recursion.
"""

import math
from typing import Any

from gradcli.errors import did_you_mean
from gradcli.syntax.refusals import ENDS, INSTEAD, NAME_STARTS, ROUND, Bracket, Refusals, is_name
from gradcli.syntax.tokens import NEWLINES, Source, out_of_range
from gradcli.syntax.tree import COMPARISON, IF, POWER, SUM, TERM, UNARY, Call, Tree

BINARY = {
    "+": (SUM, "add"), "-": (SUM, "sub"),
    "*": (TERM, "mul"), "/": (TERM, "div"), "@": (TERM, "matmul"),
    "**": (POWER, "pow"), "^": (POWER, "pow"),
    "<": (COMPARISON, "lt"), "<=": (COMPARISON, "le"), ">": (COMPARISON, "gt"),
    ">=": (COMPARISON, "ge"), "==": (COMPARISON, "eq"), "!=": (COMPARISON, "ne"),
}  # fmt: skip
NAMED_NUMBERS = {"inf": math.inf, "nan": math.nan, "True": 1.0, "False": 0.0}
PREFIXES = {"math": (), "np": ("random", "linalg"), "numpy": ("random", "linalg")}
ATTRIBUTES = ("T", "shape", "size")
METHODS = ("dot", "sum", "mean", "max", "min", "std", "var", "prod", "reshape", "transpose",
           "ravel", "flatten", "copy", "clip", "cumsum", "cumprod", "take", "repeat", "trace",
           "diagonal")  # fmt: skip
QUOTES = ("'", '"')
_LEFT = (SUM, TERM)  # left-associative; powers are right-associative, comparisons do not chain
_DIGITS = frozenset("0123456789")
ASSIGNMENTS = ("=", "+=")  # after an indexed target, which is read as an expression
RESERVED = frozenset(("if", "else", *NAMED_NUMBERS))  # words that are no names
_AFTER_NAME = frozenset(("(", ".", "="))  # a call, a prefix or a keyword


class Expressions(Refusals):
    """Reads the expressions of a text, each from the token where the statement's own begins."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.tokens = source.tokens
        self.tree = Tree([], [], [])
        self.names: set[str] = set()  # that were assigned or stood where an operand is due
        self.opened = 0  # the opening token of the index that was closed last
        self._calls: dict[tuple[str, int, str], Call] = {}

    def _gate(self, at: int) -> tuple[Tree, int] | None:
        """Read `a * b`, `f(a)` or `f(a, b)` where that is the whole expression, else None.

        Most lines of a staged program are such a gate over names that occurred before. Nothing in
        them has to wait for anything, so they need neither stack.
        """
        tokens, names = self.tokens, self.names
        first, sign = tokens[at], tokens[at + 1]
        operator = BINARY.get(sign)
        if operator is not None:
            if first in names and tokens[at + 3] in ENDS:
                second = tokens[at + 2]
                op, starts = operator[1], [at, at + 2, at]
                if second in names:
                    return Tree(["name", "name", op], [first, second, None], starts), at + 3
                if second[:1] in _DIGITS:
                    number = self._number(second, at + 2)
                    return Tree(["name", "number", op], [first, number, None], starts), at + 3
        elif sign == "(" and (second := tokens[at + 2]) in names:
            closer, third = tokens[at + 3], tokens[at + 4]
            if closer == ")" and third in ENDS:
                call = self._calls.get((first, 1, ""))
                if call is not None:
                    return Tree(["name", "call"], [second, call], [at + 2, at]), at + 4
            elif closer == "," and third in names and tokens[at + 5] == ")":
                call = self._calls.get((first, 2, ""))
                if call is not None and tokens[at + 6] in ENDS:
                    starts = [at + 2, at + 4, at]
                    return Tree(["name", "name", "call"], [second, third, call], starts), at + 6
        return None

    def _expression(self, at: int) -> tuple[Tree, int]:
        """Read an expression from token `at` on; return its tree and the token after it."""
        self.tree = tree = Tree([], [], [])
        self.begins: list[int] = []
        self.pending: list[tuple[int, Any, int]] = []
        self.brackets: list[Bracket] = []
        tokens, pending, begins, brackets = self.tokens, self.pending, self.begins, self.brackets
        add_op, add_arg, add_start = tree.ops.append, tree.args.append, tree.starts.append
        begin, binary, meet = begins.append, BINARY.get, self.names.add
        while True:
            # An operand is due.
            token = tokens[at]
            first = token[:1]
            following = tokens[at + 1]
            if first in NAME_STARTS and following == "(" and token not in RESERVED:
                bracket = Bracket("call")
                bracket.name = token
                pending.append((0, bracket, at))
                brackets.append(bracket)
                at += 2
                continue
            if first in NAME_STARTS and following not in _AFTER_NAME and token not in RESERVED:
                add_op("name")
                add_arg(token)
                add_start(at)
                begin(at)
                meet(token)
                at += 1
            elif first in _DIGITS or (first == "." and len(token) > 1):
                add_op("number")
                add_arg(self._number(token, at))
                add_start(at)
                begin(at)
                at += 1
            else:
                at, complete = self._open(at)
                if not complete:
                    continue
            # An operand is complete: an operator, the end of a bracket, or the end is due.
            while True:
                token = tokens[at]
                operator = binary(token)
                if operator:
                    level, op = operator
                    if pending and pending[-1][0] >= level:
                        self._reduce(level if level in _LEFT else level + 1)
                    if level == COMPARISON:
                        self._refuse_chain(at)
                    pending.append((level, op, at))
                    at += 1
                    break
                if token in ENDS and not brackets:
                    if pending:
                        self._reduce(IF)
                    return tree, at
                at, due = self._continue(at)
                if due == "end":
                    return tree, at
                if due == "operand":
                    break

    def _number(self, token: str, at: int) -> float:
        try:
            value = float(token)
        except ValueError:
            self._fail(at, f"`{token}` is not a number", "write underscores between digits only")
        trouble = out_of_range(token, value)
        if trouble is not None:
            self._fail(at, *trouble)
        return value

    def _open(self, at: int) -> tuple[int, bool]:
        """Read what may stand where an operand is due, names and numbers apart.

        Returns the next token and whether an operand is complete.
        """
        tokens, token = self.tokens, self.tokens[at]
        if is_name(token):
            return self._open_name(at)
        bracket = self._innermost()
        if len(token) > 1 and token[0] in QUOTES:
            return self._open_text(bracket, at)
        if token == "-":
            self.pending.append((UNARY, "neg", at))
        elif token == "√":
            self.pending.append((UNARY, "sqrt", at))
        elif token == "(":
            self._enter(Bracket("group"), at)
            if tokens[at + 1] == ")":
                self._fail(at + 1, "expected a value, found `)`")
        elif token == "[":
            self._enter(Bracket("list"), at)
        elif bracket and (token in NEWLINES or token[:1] == "#"):
            pass
        elif bracket and token == "*" and bracket.kind == "call" and not bracket.count:
            bracket.starred = True
        elif bracket and token == bracket.closer and self._may_close(bracket, at):
            return self._close(at, complete=False), True
        elif bracket and token == ":" and bracket.kind == "index" and bracket.has_start is None:
            bracket.has_start = False
        elif bracket and token == "," and bracket.has_start is not None:
            self._finish_slice(bracket, has_stop=False)
            bracket.count += 1
        elif token != "+":
            self._fail_operand(at)
        return at + 1, False

    def _open_text(self, bracket: Bracket | None, at: int) -> tuple[int, bool]:
        """A text in quotes, which is an operand of a call and nothing else."""
        is_operand = bracket and bracket.kind in ("call", "method") and (
            self.tokens[at - 1] in ("(", ",", "=") and self.tokens[at + 1] in (",", ")")
        )  # fmt: skip
        if not is_operand:
            self._fail(at, "a text is not a value", "leave the quotes out")
        self.tree.add("text", self.tokens[at][1:-1], at)
        self.begins.append(at)
        return at + 1, True

    def _open_name(self, at: int) -> tuple[int, bool]:
        """A name before `(`, `.` or `=`: a call, a prefix, a keyword, or just a name."""
        tokens, token, start = self.tokens, self.tokens[at], at
        prefix = ""
        if token in ("if", "else"):
            self._fail(at, f"expected a value, found `{token}`")
        if token in PREFIXES and tokens[at + 1] == ".":
            prefix, at = f"{token}.", at + 2
            if tokens[at] in PREFIXES[token] and tokens[at + 1] == ".":
                prefix, at = f"{prefix}{tokens[at]}.", at + 2
            token = tokens[at]
            if not is_name(token):
                self._fail(at, f"expected a function after `{prefix}`")
        if tokens[at + 1] == "(":
            self._enter(Bracket("call"), start, token, prefix)
            return at + 2, False
        bracket = self._innermost()
        if tokens[at + 1] == "=" and bracket and bracket.kind in ("call", "method"):
            if tokens[at - 1] not in (",", "("):
                self._fail(at + 1, "expected a comma, found `=`",
                           f"`{token}` stands for a value here, and takes none")  # fmt: skip
            bracket.positional = bracket.positional if bracket.keywords else bracket.count
            bracket.keywords = bracket.keywords or []
            bracket.keywords.append(token)  # type: ignore[attr-defined]  # a list from here on
            return at + 2, False
        if not prefix and token in NAMED_NUMBERS:
            self.tree.add("number", NAMED_NUMBERS[token], start)
        else:
            self.tree.add("name", prefix + token, start)
        self.begins.append(start)
        return at + 1, True

    def _continue(self, at: int) -> tuple[int, str]:
        """Read what may follow a complete operand, binary operators apart.

        Returns the next token and what is due there: "operator", "operand" or "end".
        """
        token, bracket = self.tokens[at], self._innermost()
        if bracket and token == (")" if bracket.kind in ROUND else "]"):
            return self._close(at, complete=True), "operator"
        if bracket and token == ",":
            self._reduce(IF)
            self._refuse_late(bracket)
            self._finish_slice(bracket)
            bracket.count += 1
            return at + 1, "operand"
        if token == "[":
            self._enter(Bracket("index"), at)
            return at + 1, "operand"
        if token == ".":
            return self._attribute(at)
        if token == "if":
            self._reduce(COMPARISON)
            if self.pending and self.pending[-1][1] == "if":
                self._fail(at, "expected `else`, found `if`")
            self.pending.append((IF, "if", at))
            return at + 1, "operand"
        if token == "else":
            self._reduce(COMPARISON)
            if not self.pending or self.pending[-1][1] != "if":
                self._fail(at, "`else` without `if`", "write `a if condition else b`")
            self.pending[-1] = (IF, "else", self.pending[-1][2])
            return at + 1, "operand"
        if token[:1] == "^" and len(token) > 1:
            self.tree.add("number", self._number(token[1:], at), at)
            self.tree.add("pow", None, self.begins[-1])
            return at + 1, "operator"
        if bracket and (token in NEWLINES or token[:1] == "#"):
            return at + 1, "operator"
        if bracket and token == ":" and bracket.kind == "index" and bracket.has_start is None:
            self._reduce(IF)
            bracket.has_start = True
            return at + 1, "operand"
        if bracket:
            self._refuse_rest(at)
        if token not in ENDS and token[0] != "#" and token not in ASSIGNMENTS:
            self._refuse_rest(at)
        self._reduce(IF)
        return at, "end"

    def _reduce(self, level: int) -> None:
        """Write every pending operator that binds at `level` or tighter to the tree."""
        tree, pending, begins = self.tree, self.pending, self.begins
        while pending and pending[-1][0] >= level:
            _, op, at = pending.pop()
            if op == "neg":
                begins[-1] = at
                if tree.ops[-1] == "number":  # the sign of a literal belongs to it
                    tree.args[-1] = -tree.args[-1]
                    tree.starts[-1] = at
                else:
                    tree.add("neg", None, at)
            elif op == "sqrt":
                begins[-1] = at
                tree.add("call", Call("sqrt", 1), at)
            elif op == "if":
                self._fail(at, "`if` without `else`", "write `a if condition else b`")
            elif op == "else":
                del begins[-2:]
                tree.add("if", None, begins[-1])
            else:
                begins.pop()
                tree.ops.append(op)
                tree.args.append(None)
                tree.starts.append(begins[-1])

    # ---------------------------------------------------------------- brackets

    def _enter(self, bracket: Bracket, at: int, name: str = "", prefix: str = "") -> None:
        bracket.name, bracket.prefix = name, prefix
        if bracket.kind in ("index", "method"):
            bracket.base = 1
        self.pending.append((0, bracket, at))
        self.brackets.append(bracket)

    def _may_close(self, bracket: Bracket, at: int) -> bool:
        """Whether a bracket may close where an operand is due: f(), [], (a,), x[1:]."""
        is_innermost: bool = self.pending[-1][1] is bracket
        if not is_innermost:
            return False  # an operator still waits for its operand
        if bracket.has_start is not None or bracket.kind == "list":
            return True
        if bracket.kind in ("call", "method"):
            return self.tokens[at - 1] in ("(", ",") or self.tokens[at - 1] in NEWLINES
        return bracket.kind == "group" and bracket.count > 0

    def _close(self, at: int, complete: bool) -> int:
        """Close the innermost bracket at token `at`; `complete` says an operand stood before it."""
        if self.pending[-1][0]:
            self._reduce(IF)
        _, bracket, start = self.pending.pop()
        self.brackets.pop()
        if bracket.keywords and complete:
            self._refuse_late(bracket)
        tree, begins, kind = self.tree, self.begins, bracket.kind
        if kind == "index":
            self.opened = start
        if bracket.has_start is not None:
            self._finish_slice(bracket, complete)
            bracket.count += 1
        elif complete:
            bracket.count += 1
        count = bracket.count + bracket.base
        if kind == "group" and count == 1 and complete and self.tokens[at - 1] != ",":
            begins[-1] = start  # brackets that only group
            return at + 1
        if bracket.base:
            start = begins[-count]
        if count != 1:
            del begins[len(begins) - count :]
            begins.append(start)
        else:
            begins[-1] = start
        if kind == "group":
            tree.add("tuple", count, start)
        elif kind in ("list", "index"):
            tree.add(kind, bracket.count, start)
        else:
            tree.add("call", self._call(bracket, count), start)
        return at + 1

    def _call(self, bracket: Bracket, count: int) -> Call:
        """The call's entry; one without keywords is made once, since a long program repeats it."""
        kind, name, prefix = bracket.kind, bracket.name, bracket.prefix
        if bracket.keywords or bracket.starred or kind == "method":
            is_method = kind == "method"
            return Call(name, count, tuple(bracket.keywords), prefix, bracket.starred, is_method)
        key = (name, count, prefix)
        call = self._calls.get(key)
        if call is None:
            call = self._calls[key] = Call(name, count, (), prefix)
        return call

    def _refuse_late(self, bracket: Bracket) -> None:
        """Refuse an operand without a name after one with a name: f(x=1, y)."""
        if bracket.keywords and bracket.count - bracket.positional >= len(bracket.keywords):
            self._fail(self.begins[-1], "an operand without a name after one with a name",
                       f"name it too, or write it before `{bracket.keywords[0]}=`")  # fmt: skip

    def _finish_slice(self, bracket: Bracket, has_stop: bool = True) -> None:
        has_start = bracket.has_start
        if has_start is None:
            return
        count = has_start + has_stop
        start = self.begins[len(self.begins) - count] if count else 0
        del self.begins[len(self.begins) - count :]
        self.begins.append(start)
        self.tree.add("slice", (has_start, has_stop), start)
        bracket.has_start = None

    def _attribute(self, at: int) -> tuple[int, str]:
        """`.T`, `.shape` or a method; compared with fixed lists, never looked up."""
        name, start = self.tokens[at + 1], self.begins[-1]
        if name in METHODS and self.tokens[at + 2] == "(":
            self._enter(Bracket("method"), start, name)
            return at + 3, "operand"
        if name not in ATTRIBUTES:
            known = [*ATTRIBUTES, *METHODS]
            advice = INSTEAD.get(name) or did_you_mean(name, known)
            advice = advice or f"known are {', '.join(f'`.{n}`' for n in known)}"
            self._fail(at + 1, f"`.{name}` is not an attribute", advice)
        self.tree.add("attribute", name, start)
        return at + 2, "operator"
