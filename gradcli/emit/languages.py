"""The languages that code is written in: how each spells numbers, choices and functions.

A language is data. Infix operators bind alike in all of them; what a language has no function for
is written as a helper, from the text of the gate's own row.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import inf, isinf
from typing import NamedTuple

from gradcli.arithmetic.compiler import texts
from gradcli.emit.javascript import definitions
from gradcli.emit.numpy_calls import HELPERS
from gradcli.errors import UsageError
from gradcli.gates.row import Gate, GateTable
from gradcli.syntax import Tree, spell
from gradcli.syntax.tree import COMPARISON, IF, POSTFIX, UNARY, Phrase, number_text

_OF_NUMPY = re.compile(r"\bnp\.([a-z_0-9]+(?:\.[a-z_]+)*)")
_WORD = re.compile(r"(?<![.\w])[A-Za-z_]\w*")  # but not what a library has by that name
OF_FLOATS = "{}.0"  # how a whole number is written where it is to be a float
OF_ONE = ("max", "min", "logsumexp")  # which are their operand where it is the only one
COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")

# Names that code cannot have.
C_WORDS = frozenset((
    "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else",
    "enum", "extern", "float", "for", "goto", "if", "inline", "int", "long", "register",
    "restrict", "return", "short", "signed", "sizeof", "static", "struct", "switch", "typedef",
    "union", "unsigned", "void", "volatile", "while", "main", "y0", "y1", "yn", "j0", "j1", "jn",
    "gradients", "signgam", "INFINITY", "NAN", "HUGE_VAL", "M_E", "M_LOG2E", "M_LOG10E", "M_LN2",
    "M_LN10", "M_PI", "M_PI_2", "M_PI_4", "M_1_PI", "M_2_PI", "M_2_SQRTPI", "M_SQRT2", "M_SQRT1_2",
))  # fmt: skip
JAVASCRIPT_WORDS = frozenset((
    "arguments", "await", "break", "case", "catch", "class", "const", "continue", "debugger",
    "default", "delete", "do", "else", "enum", "eval", "export", "extends", "false", "finally",
    "for", "function", "if", "implements", "import", "in", "instanceof", "interface", "let",
    "new", "null", "package", "private", "protected", "public", "return", "static", "super",
    "switch", "this", "throw", "true", "try", "typeof", "var", "void", "while", "with", "yield",
    "Infinity", "Math", "NaN", "undefined",
))  # fmt: skip

JULIA_WORDS = frozenset((
    "baremodule", "begin", "break", "catch", "const", "continue", "do", "else", "elseif", "end",
    "export", "false", "finally", "for", "function", "global", "if", "import", "in", "isa", "let",
    "local", "macro", "module", "quote", "return", "struct", "true", "try", "using", "where",
    "while",
))  # fmt: skip


class Language(NamedTuple):
    """How code is spelled; templates take texts in the order of the operands."""

    name: str
    comment: str
    let: str  # of a name and its value, the first time
    set: str  # later
    add: str
    whole: str  # of a whole number; `{}` leaves `2`
    infinity: str
    nan: str
    choice: str  # of condition, value, other value
    truth: str  # of a comparison that is used as a number
    power: str | None  # None: `**` between the operands
    calls: Mapping[str, str]  # what functions are called; of any number of operands: with `...`
    snippets: Mapping[str, str]  # definitions of functions that have no text in the gate table
    helper: tuple[str, str, str]  # head (of name and operands), result, foot
    keywords: frozenset[str]
    constants: Mapping[str, str]
    has_arrays: bool = False
    imports: tuple[tuple[str, str], ...] = ()  # what begins a name, and the line that it needs
    library: str = "np."  # what stands for numpy's functions
    renamed: Mapping[str, str] = {}  # never written to: of those with other names
    array_helpers: Mapping[str, str] = HELPERS  # of what numpy has no function for
    add_part: str = "{0}[{1}] += {2}"  # to a part of an array
    zeros: str = "np.zeros_like({}, dtype=float)"  # of the shape of an array
    fixed: str = "{}"  # of a stage that depends on nothing
    of_numbers: Mapping[str, str] = {}  # never written to: calls of literals

    @property
    def words(self) -> frozenset[str]:
        """The names that code in the language cannot have."""
        return self.keywords.union(self.calls, self.snippets, ("math", "np"))

    @property
    def is_python(self) -> bool:
        """Whether the code is a file of Python."""
        return self.helper is PYTHON_HELPER

    def in_library(self, text: str) -> str:
        """A line of numpy with the functions of the language's own library. Raises UsageError."""
        if self.library == "np.":
            return text
        return _OF_NUMPY.sub(self._renamed, text)

    def _renamed(self, match: re.Match[str]) -> str:
        own = self.renamed.get(match[1], "" if self.renamed.get("*") is None else match[1])
        if not own:
            raise UsageError(f"{self.name} has no `{match[0]}`", hint="write --lang numpy")
        return own if "(" in own or own in self.snippets else f"{self.library}{own}"


class Writer:
    """Writes expressions in a language, and remembers the helpers they need."""

    def __init__(self, language: Language, table: GateTable, taken: Collection[str] = ()) -> None:
        self.language = language
        self.whole = language.whole
        self.constants = {k: v for k, v in language.constants.items() if k not in taken}
        self.table = table
        self.helpers: dict[str, str] = {}

    def text(self, tree: Tree, is_fixed: bool = False) -> str:
        """An expression as text. Raises UsageError for what the language does not have.

        One that depends on no input `is_fixed`: no number of it is a whole one of the language, of
        which `9**9**9` has as many digits as there is memory for.
        """
        self.whole = OF_FLOATS if is_fixed else self.language.whole
        return self._phrase(tree, self.constants)[0]

    def need(self, text: str) -> None:
        """Define what a line calls, as far as the language has a definition of it."""
        for name in {*_WORD.findall(text)} & self.language.snippets.keys():
            self._helper(name)

    def slope(self, gate: Gate, k: int, operands: Sequence[str]) -> str:
        """The call of a helper for a local gradient that takes more than a line.

        `operands` are those of the gate, and its value; the helper takes what it uses.
        """
        name = f"{gate.name}_slope" + (f"_{gate.operands[k]}" if len(gate.operands) > 1 else "")
        used = {*_WORD.findall(gate.local[k])}
        given = {
            parameter: operand
            for parameter, operand in zip([*gate.operands, "out"], operands, strict=True)
            if parameter in used
        }
        self._define(name, given, gate.local[k])
        return f"{name}({', '.join(given.values())})"

    def _phrase(self, tree: Tree, constants: Mapping[str, str]) -> Phrase:
        language = self.language
        stack: list[Phrase] = []
        conditions: set[str] = set()
        for op, arg in zip(tree.ops, tree.args, strict=True):
            if op == "number":
                stack.append(self._number(arg))
                continue
            if op == "name":
                stack.append((constants.get(arg, arg), POSTFIX))
                continue
            count = {"neg": 1, "if": 3}.get(op, 2)
            count = arg.count if op == "call" else arg + 1 if op == "index" else count
            parts = [*stack[len(stack) - count :]]
            del stack[len(stack) - count :]
            if op == "if":
                parts = [parts[1], parts[0], parts[2]]
            is_choice = op == "if" or (op == "call" and arg.name == "where")
            if is_choice:
                stack.append(self._choice(parts, conditions))
                continue
            parts = [
                (language.truth.format(text), POSTFIX) if text in conditions else (text, level)
                for text, level in parts
            ]
            if op in COMPARISONS:
                stack.append(spell(op, parts))
                conditions.add(stack[-1][0])
            elif op == "pow" and language.power is not None:
                stack.append((language.power.format(*(text for text, _ in parts)), POSTFIX))
            elif op == "index":  # an element of an input
                name, *places = (text for text, _ in parts)
                stack.append((f"{name}[{', '.join(places)}]", POSTFIX))
            elif op == "call":
                stack.append(self._call(arg.name, [text for text, _ in parts]))
            else:
                stack.append(spell(op, parts))
        text, level = stack[0]
        return (language.truth.format(text), POSTFIX) if text in conditions else (text, level)

    def _number(self, value: float) -> Phrase:
        if value != value:
            return self.language.nan, POSTFIX
        if isinf(value):
            text = self.language.infinity if value == inf else f"-{self.language.infinity}"
            return text, POSTFIX if value > 0 else UNARY
        text = number_text(value)
        text = self.whole.format(text) if text.lstrip("-").isdigit() else text
        return text, UNARY if text[0] == "-" else POSTFIX

    def _choice(self, parts: list[Phrase], conditions: set[str]) -> Phrase:
        (condition, level), *values = parts
        if condition not in conditions:
            condition = f"{condition} != 0" if level > COMPARISON else f"({condition}) != 0"
        texts = [text if level > IF else f"({text})" for text, level in values]
        level = POSTFIX if self.language.choice.endswith(")") else IF
        return self.language.choice.format(condition, *texts), level

    def _call(self, name: str, operands: list[str]) -> Phrase:
        known = self.language.calls.get(name)
        if len(operands) == 1 and name in OF_ONE:
            return operands[0], IF
        if name in self.table:
            missing = len(self.table[name].operands) - len(operands)
            defaults = self.table[name].defaults
            operands += [self._number(x)[0] for x in defaults[len(defaults) - missing :]]
        if self._is_number(operands):
            known = self.language.of_numbers.get(name, known)
        if name == "pow" and known is None:
            is_one = [text.isidentifier() or text.isdigit() for text in operands]
            parts = [(x, POSTFIX if one else IF) for x, one in zip(operands, is_one, strict=True)]
            return spell("pow", parts)
        if known is None:
            self._helper(name)
            known = name
        takes_any = known.endswith("(...)")
        while not takes_any and len(operands) > 2 and self._is_variadic(name):
            operands = [f"{known}({operands[0]}, {operands[1]})", *operands[2:]]
        return f"{known.removesuffix('(...)')}({', '.join(operands)})", POSTFIX

    def _is_number(self, operands: list[str]) -> bool:
        """Whether operands are numbers as they stand, and no arrays."""
        return not {*_WORD.findall(" ".join(operands))} - {"math"}

    def _is_variadic(self, name: str) -> bool:
        return name in self.table and self.table[name].is_variadic

    def _helper(self, name: str) -> None:
        """Define a function that the language lacks."""
        if name in self.helpers:
            return
        snippet = self.language.snippets.get(name)
        if snippet is not None:
            self.helpers[name] = snippet
            for other in {*_WORD.findall(snippet)} & self.language.snippets.keys():
                self._helper(other)
            return
        gate = self.table[name]
        if gate.forward and not gate.is_variadic:
            self._define(name, [*gate.operands], gate.forward)
        else:
            raise UsageError(f"{self.language.name} has no `{name}`",
                             hint="--expand may write it as elementary gates")  # fmt: skip

    def _define(self, name: str, operands: Iterable[str], text: str) -> None:
        head, result, foot = self.language.helper
        self.helpers.setdefault(name, "")  # a place, behind what it calls
        lines = [head.format(name, ", ".join(self._parameters(operands)))]
        for target, tree in texts(text):
            written = self._phrase(tree, {})[0]  # where `e` is a name like any
            form = self.language.let.format(target, written) if target else result.format(written)
            lines.append(f"    {form}")
        del self.helpers[name]
        self.helpers[name] = "\n".join([*lines, *filter(None, [foot])])
        self.need(self.language.in_library(self.helpers[name]))

    def _parameters(self, operands: Iterable[str]) -> list[str]:
        return [f"double {x}" if self.language.name == "C" else x for x in operands]


def _named(prefix: str, names: str) -> dict[str, str]:
    return {name: f"{prefix}{name}" for name in names.split()}


DIGAMMA = """def digamma(x):
    if x <= 0:
        return digamma(1 - x) - math.pi / math.tan(math.pi * x)
    below = 0.0
    while x < 12:
        below, x = below + 1 / x, x + 1
    s = 1 / (x * x)
    tail = s * (1 / 12 - s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s * (1 / 132 - s / 47.4)))))
    return math.log(x) - 0.5 / x - tail - below"""
DIGAMMA_IN_C = """static double digamma(double x) {
    if (x <= 0.0) return digamma(1.0 - x) - acos(-1.0) / tan(acos(-1.0) * x);
    double below = 0.0;
    for (; x < 12.0; x += 1.0) below += 1.0 / x;
    double s = 1.0 / (x * x);
    double tail = s * (1.0 / 132.0 - s / 47.4);
    tail = s * (1.0 / 12.0 - s * (1.0 / 120.0 - s * (1.0 / 252.0 - s * (1.0 / 240.0 - tail))));
    return log(x) - 0.5 / x - tail - below;
}"""

PYTHON_HELPER = ("def {}({}):", "return {}", "")
PYTHON = Language(
    "Python", "# ", "{} = {}", "{} = {}", "{} += {}", "{}", "math.inf", "math.nan",
    "{1} if {0} else {2}",
    "float({})", None,
    {
        **_named("math.", "exp expm1 exp2 log log1p log2 log10 sqrt cbrt floor ceil sin cos tan "
                 "asin acos atan atan2 sinh cosh tanh asinh acosh atanh erf erfc gamma lgamma"),
        "abs": "abs", "round": "round", "hypot": "math.hypot(...)", "max": "max(...)",
        "min": "min(...)",
    },
    {
        "normcdf": "def normcdf(x):\n    return 0.5 * math.erfc(-x / math.sqrt(2))",
        "logsumexp": "def logsumexp(*xs):\n    top = max(xs)\n"
                     "    return top + math.log(sum(math.exp(x - top) for x in xs))",
        "sinpi": "def sinpi(x):\n    turn = math.remainder(x, 2)\n"
                 "    turn = math.copysign(1, turn) - turn if abs(turn) > 0.5 else turn\n"
                 "    return math.sin(math.pi * turn)",
        "cospi": "def cospi(x):\n    turn = abs(math.remainder(x, 2))\n"
                 "    return math.cos(math.pi * turn) if turn < 0.25 else "
                 "math.sin(math.pi * (0.5 - turn))",
        "digamma": DIGAMMA,
    },
    PYTHON_HELPER, frozenset((*keyword.kwlist, "self")),
    _named("math.", "pi e tau"),
    imports=(("math.", "import math"), ("np.", "import numpy as np")),
)  # fmt: skip
NUMPY = PYTHON._replace(
    name="NumPy", infinity="np.inf", nan="np.nan",
    choice="np.where({0}, {1}, {2})", truth="1.0 * ({})",
    calls={
        **_named("np.", "exp expm1 exp2 log log1p log2 log10 sqrt cbrt floor ceil sin cos tan "
                 "sinh cosh tanh abs hypot"),
        **{f"a{name}": f"np.arc{name}" for name in
           ("sin", "cos", "tan", "tan2", "sinh", "cosh", "tanh")},
        "round": "np.rint", "max": "np.maximum", "min": "np.minimum",
    },
    snippets={
        **{name: f"{name} = np.vectorize(math.{name}, otypes=[float])"
           for name in ("erf", "erfc", "gamma", "lgamma")},
        "normcdf": "normcdf = np.vectorize(lambda x: 0.5 * math.erfc(-x / math.sqrt(2)), "
                   "otypes=[float])",
        "logsumexp": "def logsumexp(*xs):\n"
                     "    return np.logaddexp.reduce(np.broadcast_arrays(*xs))",
        "sinpi": "def sinpi(x):\n    return np.sin(np.pi * (x - 2 * np.rint(x / 2)))",
        "cospi": "def cospi(x):\n    return np.cos(np.pi * (x - 2 * np.rint(x / 2)))",
        "digamma": f"@np.vectorize\n{DIGAMMA}",
    },
    constants=_named("np.", "pi e"), has_arrays=True,
)  # fmt: skip
C = Language(
    "C", "// ", "double {} = {};", "{} = {};", "{} += {};", "{}.0", "INFINITY", "NAN",
    "{0} ? {1} : {2}", "(double)({})", "pow({}, {})",
    {
        **_named("", "exp expm1 exp2 log log1p log2 log10 sqrt cbrt floor ceil sin cos tan asin "
                 "acos atan atan2 sinh cosh tanh asinh acosh atanh erf erfc hypot lgamma pow"),
        "abs": "fabs", "round": "rint", "max": "fmax", "min": "fmin", "gamma": "tgamma",
    },
    {
        "normcdf": "static double normcdf(double x) {\n    return 0.5 * erfc(-x / sqrt(2.0));\n}",
        "sinpi": "static double sinpi(double x) {\n"
                 "    return sin(acos(-1.0) * (x - 2.0 * rint(x / 2.0)));\n}",
        "cospi": "static double cospi(double x) {\n"
                 "    return cos(acos(-1.0) * (x - 2.0 * rint(x / 2.0)));\n}",
        "digamma": DIGAMMA_IN_C,
        "logsumexp": "static double logsumexp(double x, double y) {\n"
                     "    return fmax(x, y) + log1p(exp(-fabs(x - y)));\n}",
    },
    ("static double {}({}) {{", "return {};", "}"),
    C_WORDS, {"pi": "acos(-1.0)", "e": "exp(1.0)"},
)  # fmt: skip
JAVASCRIPT = Language(
    "JavaScript", "// ", "let {} = {};", "{} = {};", "{} += {};", "{}", "Infinity", "NaN",
    "{0} ? {1} : {2}", "Number({})", "Math.pow({}, {})",
    {
        **_named("Math.", "exp expm1 log log1p log2 log10 sqrt cbrt floor ceil sin cos tan asin "
                 "acos atan atan2 sinh cosh tanh asinh acosh atanh abs pow"),
        "hypot": "Math.hypot(...)", "max": "Math.max(...)", "min": "Math.min(...)",
    },
    {
        **definitions("erf erfc erfcx erfinv normcdf sinpi cospi gamma lgamma digamma polygamma "
                      "round exp2 FAR BERNOULLI factorial"),
        "logsumexp": "function logsumexp(...xs) {\n  const top = Math.max(...xs);\n"
                     "  const total = xs.reduce((sum, x) => sum + Math.exp(x - top), 0);\n"
                     "  return top + Math.log(total);\n}",
    },
    ("function {}({}) {{", "return {};", "}"),
    JAVASCRIPT_WORDS, {"pi": "Math.PI", "e": "Math.E"},
)  # fmt: skip

JULIA = Language(
    "Julia", "# ", "{} = {}", "{} = {}", "{} += {}", "{}.0", "Inf", "NaN",
    "{0} ? {1} : {2}", "Float64({})", "({})^({})",
    {
        **_named("", "exp expm1 exp2 log log1p log2 log10 sqrt cbrt floor ceil round sin cos tan "
                 "asin acos atan sinh cosh tanh asinh acosh atanh abs sinpi cospi"),
        "atan2": "atan", "hypot": "hypot(...)", "max": "max(...)", "min": "min(...)",
        **{name: f"SpecialFunctions.{name}" for name in
           ("erf", "erfc", "erfcx", "erfinv", "gamma", "digamma", "polygamma")},
        "lgamma": "SpecialFunctions.loggamma",
    },
    {
        "normcdf": "normcdf(x) = 0.5 * SpecialFunctions.erfc(-x / sqrt(2))",
        "logsumexp": "function logsumexp(xs...)\n    top = maximum(xs)\n"
                     "    return top + log(sum(exp(x - top) for x in xs))\nend",
    },
    ("function {}({})", "return {}", "end"),
    JULIA_WORDS, {"pi": "pi", "e": "exp(1.0)"},
    imports=(("SpecialFunctions.", "import SpecialFunctions"),),
)  # fmt: skip
