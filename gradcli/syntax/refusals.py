"""Syntax errors: their place, the token that was found, and the text to write instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from gradcli.errors import ParseError
from gradcli.syntax.tokens import NEWLINES, Source, shown
from gradcli.syntax.tree import COMPARISON, Tree

ADVICE = {
    "!": "write `gamma(x + 1)` for a factorial",
    "|": "write `max(a, b)` for either, `abs(x)` for a size",
    "%": "write `x - y*floor(x/y)` for a remainder",
    "&": "write `a * b` for both, `where(a, b, c)` to choose",
    "~": "write `1 - a`",
    "=": "write `==` to compare",
    "and": "write `(a) * (b)` for both",
    "or": "write `max(a, b)` for either",
    "not": "write `1 - (a)`",
}  # fmt: skip
SIGNS = {  # of mathematics, other languages and word processors
    "?": "write `a if c else b`",
    "{": "write `(` and `)`", "}": "write `(` and `)`",
    "∑": "write `sum(x)`", "∏": "write `prod(x)`", "∞": "write `inf`",
    "∂": "leave it out: the gradient by each input is printed with the value",
    "∇": "leave it out: the gradient by each input is printed with the value",
    "⊙": "write `x*y`", "∘": "write `x*y`", "⊗": "write `outer(x, y)`", "‖": "write `norm(x)`",
    "⌊": "write `floor(x)`", "⌈": "write `ceil(x)`", "→": "write `=`",
    "±": "write `NAME=2+/-0.1` behind the expression",
    "′": "a prime is no part of a name: write `x1`",
    **dict.fromkeys("'’‘“”`", "leave it out: quotes and primes are no parts of names"),
}  # fmt: skip
PAIRS = {"=>": "write `>=`", "<>": "write `!=`", "->": "write `=`", ":=": "write `=`"}
IN_FRONT = {  # of an operand, where these mean something else
    "!": "write `1 - (a)`",
    "|": "write `abs(x)`",
}
UPDATES = {  # of gradients; any other name is assigned once
    "-=": "write `{0} += -(...)`",
    "*=": "write `{0} = {0} * (...)`: a gradient line reads its earlier value",
    "/=": "write `{0} = {0} / (...)`: a gradient line reads its earlier value",
}
SLICE_STEP = (
    "a slice has no step", "pick by a list, `[x[0], x[2]]`, or by a product with a matrix",
)  # fmt: skip
MASK = "multiply by a mask: `x*(x > 0)` for `x[x > 0]`, `dx = dx*(x > 0)` for `dx[x <= 0] = 0`"
ONE_HOT = "for `p[range(n), y]` write `sum(p*Y, axis=1)`, where row i of `Y` is 1 at y[i], else 0"
_AXIS = "write `reshape(x, (n, 1))` for `x[:, None]`, `reshape(x, (1, n))` for `x[None]`"
_NORMAL = "random numbers are normal ones: `randn(n, m)`; any others come from a file"
_EIGEN = "of matrices the language has inv, solve, det, logdet, slogdet, cholesky and norm"
_TOWARDS_0 = "write `sign(x)*floor(abs(x))`"
_NO_TYPES = "leave it out: every number is a float64"
# Words that begin a statement of Python, and no statement of a program.
PYTHON = ("def", "class", "for", "while", "with", "return", "assert", "raise", "del",
          "print", "global", "try", "elif", "yield", "async")  # fmt: skip
INSTEAD = {  # names of Python and numpy that the language does not have, and what to write
    "arange": f"write `linspace(0, n - 1, n)`; {ONE_HOT}",
    "range": ONE_HOT,
    "len": "write `x.shape[0]`",
    "ndim": "the shapes are known: write the number",
    "None": _AXIS, "newaxis": _AXIS, "expand_dims": _AXIS, "squeeze": "write `reshape(x, (n,))`",
    "tensordot": "write the sum with `@`, `.T` and `reshape`",
    "argmax": "the place of a maximum has no gradient: write `max(x, axis=k)` for its value",
    "argmin": "the place of a minimum has no gradient: write `min(x, axis=k)` for its value",
    "full": "write `v*ones(shape)`", "empty": "write `zeros(shape)`",
    "full_like": "write `v*ones_like(x)`", "empty_like": "write `zeros_like(x)`",
    "identity": "write `eye(n)`",
    "vstack": "write `concatenate([a, b], axis=0)`",
    "hstack": "write `concatenate([a, b], axis=1)`",
    "for": "there are no loops: write the operation on whole arrays", "inner": "write `x @ y`",
    "while": "there are no loops: write the operation on whole arrays",
    "add": "write `x + y`", "subtract": "write `x - y`", "multiply": "write `x*y`",
    "divide": "write `x/y`", "negative": "write `-x`", "absolute": "write `abs(x)`",
    "logaddexp": "write `logsumexp(x, y)`",
    "tri": "write `tril(ones(n, n))`", "eigh": _EIGEN, "eig": _EIGEN, "svd": _EIGEN, "qr": _EIGEN,
    "rand": _NORMAL, "uniform": _NORMAL, "random": _NORMAL, "normal": "write `randn(n, m)`",
    "fabs": "write `abs(x)`", "sgn": "write `sign(x)`",
    "fmax": "write `max(x, y)`", "fmin": "write `min(x, y)`", "fsum": "write `sum(x)`",
    "around": "write `round(x)`", "rint": "write `round(x)`",
    "trunc": _TOWARDS_0, "fix": _TOWARDS_0, "int": _TOWARDS_0,
    "sqr": "write `square(x)` for `x**2`, `sqrt(x)` for the root",
    "rsqrt": "write `1/sqrt(x)`",
    "sech": "write `1/cosh(x)`", "csch": "write `1/sinh(x)`", "coth": "write `1/tanh(x)`",
    "loggamma": "write `lgamma(x)`", "gammaln": "write `lgamma(x)`",
    "psi": "write `digamma(x)`", "trigamma": "write `polygamma(1, x)`",
    "erfcinv": "write `erfinv(1 - x)`", "relu6": "write `min(max(x, 0), 6)`",
    "float": _NO_TYPES, "float64": _NO_TYPES, "float32": _NO_TYPES,
    "astype": _NO_TYPES, "dtype": _NO_TYPES,
}  # fmt: skip
# Functions elsewhere whose names are one letter from those of others here.
OTHERS = frozenset((
    "acosd", "acot", "acoth", "arccot", "arccoth", "asind", "atan2d", "atand", "cosd", "coshm",
    "cosm", "diffs", "erfi", "exp1", "expi", "expint", "glu", "nstr", "randi", "rrelu", "short",
    "signm", "sind", "sinhm", "sinm", "sqrtm", "squarew", "tand", "tanhm", "tanm",
))  # fmt: skip
# Operators after which a product without a sign has two readings: 1/2x is x/2 or 1/(2*x).
READ_TWICE = ("div", "pow", "matmul", "sqrt")
ROUND = frozenset(("group", "call", "method"))
ENDS = NEWLINES | {";", ""}  # of a statement
NAME_STARTS = frozenset("_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class Bracket:
    """An open bracket and what has been read inside it."""

    name = ""
    prefix = ""
    base = 0  # operands that stood before the bracket and belong to it
    count = 0  # commas read
    keywords: Sequence[str] = ()
    positional = 0  # operands before the first keyword
    starred = False
    has_start: bool | None = None  # of the slice being read, if one is

    def __init__(self, kind: str) -> None:
        self.kind = kind  # group, list, index, call or method

    @property
    def closer(self) -> str:
        """The bracket that closes this one."""
        return ")" if self.kind in ROUND else "]"


class Refusals:
    """The part of the parser that raises; it reads the parser's state and changes nothing."""

    source: Source
    tokens: list[str]
    pending: list[tuple[int, Any, int]]
    brackets: list[Bracket]
    begins: list[int]

    def _fail(self, at: int, message: str, hint: str | None = None) -> NoReturn:
        span = self.source.span(at)
        from gradcli.syntax.elsewhere import foreign  # late: only what is refused is looked at

        message, hint = foreign(span.line_text, self._tree_of) or (message, hint)
        raise ParseError(message, span, hint)

    def _tree_of(self, text: str) -> Tree:
        """The tree of another text that holds one expression. Raises ParseError."""
        raise NotImplementedError

    def _refuse_chain(self, at: int) -> None:
        if self.pending and self.pending[-1][0] == COMPARISON:
            self._fail(at, "a chain of comparisons", "write `(a < b) * (b < c)`")

    def _fail_operand(self, at: int) -> NoReturn:
        """Refuse token `at`, where an operand is due."""
        token = self.tokens[at]
        if token == "" and self.brackets:
            self._fail_unclosed()
        if token == "/" and at and self.tokens[at - 1] == "/":
            self._fail(at - 1, "`//` is not in the language", "write `floor(x / y)`")
        self._refuse_step(at)
        words = "the end" if token in ENDS or token[0] == "#" else f"`{shown(token)}`"
        bracket = self._innermost()
        if token == "|" and self.tokens[at + 1] == "|":
            self._fail(at, "expected a value, found `|`", "write `norm(x)` for the norm")
        hint = (
            (ADVICE | SIGNS | IN_FRONT).get(token)
            or (INSTEAD.get(bracket.name) if bracket else None)
            or (PAIRS.get(self.tokens[at - 1] + token) if at else None)
        )
        self._fail(at, f"expected a value, found {words}", hint)

    def _refuse_step(self, at: int) -> None:
        """Refuse a second colon of a slice."""
        bracket = self._innermost()
        if self.tokens[at] == ":" and bracket and bracket.has_start is not None:
            self._fail(at, *SLICE_STEP)

    def _refuse_assignment(self, at: int) -> None:
        """Refuse a line that assigns, but not with `=` or `+=` to a name or an element."""
        tokens, token = self.tokens, self.tokens[at]
        first = at
        while first and tokens[first - 1] not in ENDS:
            first -= 1
        if token in UPDATES:
            hint = "a name is assigned once: give the new value one of its own"
            if tokens[first][:1] == "d":
                hint = UPDATES[token].format("".join(tokens[first:at]))
            self._fail(at, f"`{token}` is not in the language", hint)
        if token == "=" and tokens[at - 1] == "]" and is_name(tokens[first]):
            self._fail(at, "expected one index on the left of `=`",
                       f"write `{tokens[first]}[0, 1] = ...`")  # fmt: skip

    def _begins_a_statement(self, at: int) -> bool:
        """Whether NAME = stands at the beginning of a line: the bracket before was forgotten."""
        return self.tokens[at - 1] in NEWLINES and self.tokens[at + 1] in ("=", "+=")

    def _before(self, at: int) -> str:
        """The token before this one, line ends and comments apart."""
        while at and (self.tokens[at - 1] in NEWLINES or self.tokens[at - 1][:1] == "#"):
            at -= 1
        return self.tokens[at - 1] if at else ""

    def _fail_unclosed(self) -> NoReturn:
        at, opener, closer = next(
            (start, "[" if mark.closer == "]" else "(", mark.closer)
            for level, mark, start in reversed(self.pending)
            if level == 0
        )
        while self.tokens[at] != opener:  # a call begins at its name
            at += 1
        self._fail(at, f"this `{opener}` is never closed", f"write `{closer}`")

    def _refuse_rest(self, at: int) -> NoReturn:
        """Refuse token `at`, which cannot follow a complete operand."""
        token, bracket = self.tokens[at], self._innermost()
        if token == "" or (bracket and token in ENDS and token not in NEWLINES):
            self._fail_unclosed()
        if bracket and self._begins_a_statement(at - (token == "=")):
            self._fail_unclosed()
        if token in (")", "]"):
            expected = f"`{bracket.closer}`" if bracket else "an operator"
            hint = None if bracket else "this bracket was never opened"
            self._fail(at, f"expected {expected}, found `{token}`", hint)
        if token == "=" and self._before(at) == ")":
            self._fail(at, "brackets on the left of `=`", "a stage has a name only: `f = ...`")
        self._refuse_step(at)
        if not bracket:
            self._refuse_assignment(at)
        if token in ADVICE:
            hint = PAIRS.get(token + self.tokens[at + 1]) or ADVICE[token]
            self._fail(at, f"`{token}` is not in the language", hint)
        before, token = shown(self._before(at)), shown(token)
        if before in ADVICE:
            self._fail(at - 1, f"`{before}` is not in the language", ADVICE[before])
        if before in PYTHON and is_name(token):
            self._fail(at - 1, f"`{before}` is Python, and this is a program of our own language",
                       "save it as a file that ends in .py, and check that")  # fmt: skip
        if token == "(" or is_name(token) or token[:1].isdigit() or token[:1] == ".":
            self._fail(at, f"expected an operator, found `{token}`", self._product(at, before))
        is_setting = self.source.name.endswith("=") or self.tokens[1] == "="
        if token == ":" and is_setting:  # of NAME=LOW:HIGH
            hint = "ranges are for `gradcli check`, which samples points, and `gradcli plot`"
            self._fail(at, f"expected an operator, found `{token}`", hint)
        if token == "," and is_number(before) and is_number(self.tokens[at + 1]):
            hint = "a number has a point and no comma: `1.5`, `1000`"
            self._fail(at, f"expected an operator, found `{token}`", hint)
        if token == "," and self.tokens[at + 1] in ENDS:
            self._fail(at, f"expected an operator, found `{token}`", "leave it out")
        hint = {
            ",": "one name a statement: `x = 1; y = 2`", "√": f"write `{before}*√`", **SIGNS,
        }.get(token) or PAIRS.get(token + self.tokens[at + 1])  # fmt: skip
        self._fail(at, f"expected an operator, found `{token}`", hint)

    def _product(self, at: int, before: str) -> str:
        """What to write where token `at` follows an operand that ends with `before`."""
        token, following = shown(self.tokens[at]), self.tokens[at + 1]
        if is_name(token) and is_name(following) and self.tokens[at + 2] == "=":
            return f"values are words of their own, behind the expression: {shown(following)}=..."
        if is_name(token) and following != "(" and _is_function(token):
            token += "(...)"
        if following == "(" and token != "(":
            token += "(...)"
        if before == "0" and token[0] in "xXoObB":
            return "numbers are decimal: write `16` for 0x10"
        if _is_function(before):
            if following in ENDS or following in (")", "]", ","):
                return f"write `{before}({token})`"
            return f"write `{before}(...)`, with all of its operand in the brackets"
        if before.isdigit() and token.isdigit():
            return f"write `{before}{token}` for one number, `{before}*{token}` for a product"
        if is_number(before) and token in ("e", "E"):
            return f"write `{before}*{token}` for a product, `{before}e0` for an exponent"
        if not (self.pending and self.pending[-1][1] in READ_TWICE):
            if before in (")", "]"):
                return f"write `*` between them: `{before}*{token}`"
            return f"write `{before}*{token}`" + " for a product" * (token != "(")
        token = "(...)" if token == "(" else token
        place, begins = self.pending[-1][2], self.begins
        sign = self.tokens[place]
        last = before if begins[-1] == at - 1 else "..."
        if sign == "√":
            return f"write `sqrt({last})*{token}` or `sqrt({last}*{token})`"
        first = shown(self.tokens[place - 1]) if begins[-2] == place - 1 else "..."
        return f"write `({first}{sign}{last})*{token}` or `{first}{sign}({last}*{token})`"

    def _innermost(self) -> Bracket | None:
        """The innermost open bracket, if any."""
        return self.brackets[-1] if self.brackets else None


def _is_function(name: str) -> bool:
    from gradcli.gates.table import BUILT_IN

    return name in BUILT_IN.functions


def is_number(token: str) -> bool:
    """Whether a token is a number."""
    return token[:1].isdigit() or (token[:1] == "." and len(token) > 1)


def is_name(token: str) -> bool:
    """Whether a token is spelled like a name, as the reserved words are, too."""
    first = token[:1]
    return first in NAME_STARTS or first.isalpha()
