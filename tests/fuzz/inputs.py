"""Random command lines: expressions and programs by grammar, mutated, and soups of words."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from gradcli.gates.table import BUILT_IN
from tests.fuzz.case import Input

NAMES = ("x", "y", "z", "w", "b")
NUMBERS = (
    "0", "1", "-1", "2", "3.5", ".5", "1e-3", "1e308", "1e-308", "5e-324", "1e400", "9**9**9", "inf", "nan",
    "-0.0", "pi", "e", "1_000", "0x10", "1e", "1.2.3", "99999999999999999999", "1/3", "2**1e6", "-inf", "1j",
)  # fmt: skip
SPECIAL = (
    "0",
    "1",
    "-1",
    "2",
    "1e-9",
    "1e300",
    "5e-324",
    "-1e-300",
    "1000",
    "-40",
    "inf",
    "nan",
    "0.5",
)
ARRAYS = (
    "[1,2,3]", "[[1,2],[3,4]]", "[]", "[1,[2]]", "randn(3)", "randn(2,3)", "ones(2,2)", "zeros(3)", "eye(2)",
    "linspace(0,1,5)", "randn(1000)", "randn(1e9)", "ones(0)", "randn(2,-1)", "[nan,inf]", "@missing.npy",
)  # fmt: skip
OPERATORS = (
    "+",
    "-",
    "*",
    "/",
    "**",
    "^",
    "@",
    "<",
    ">=",
    "==",
    "!=",
    " if ",
    " else ",
    ",",
    "·",
    "−",
    "²",
)
JUNK = (
    "\x00", "\x1b[31m", "\u202e", "\u200b", "é", "\U0001d431", "\\", "'", '"', "#", ";", "\n", "\t", "`", "$(x)",
    "::error::", "]]>", "[/x]", "lambda", "import os", "__class__", "x.y", "x[", "(", ")", "]", "{", "}", "|", "!",
    "x" * 300, "(" * 200, "-" * 200, "9" * 400, "and", "not", "=", "==", "+=", "%", "//", "..", "1e", "@", "0b1",
)  # fmt: skip
FUNCTIONS = tuple(
    name for row in BUILT_IN if not row.hidden for name in (row.name, *row.aliases)
    if name.isidentifier()
)  # fmt: skip
METHODS = (
    ".T",
    ".sum()",
    ".mean(axis=0)",
    ".shape",
    "[0]",
    "[-1]",
    "[0:2]",
    "[9]",
    ".reshape(2,2)",
    "[x]",
)
KEYWORDS = ("axis=0", "axis=-1", "axis=5", "keepdims=True", "axis=(0,1)", "axis=x", "axis=axis=0")
ARITIES = {  # of functions of numbers
    name: len(row.operands) - len(row.defaults)
    for row in BUILT_IN if not (row.hidden or row.is_structural or row.is_variadic)
    for name in (row.name, *row.aliases) if name.isidentifier()
}  # fmt: skip
OF_MANY = ("max", "min", "hypot", "logsumexp")
OF_ARRAYS = ("sum", "mean", "prod", "norm", "var", "std", "max", "min", "softmax", "logsumexp")
COMMANDS = (
    "eval", "eval", "eval", "check", "check", "check", "graph", "explain", "code", "steps", "plot", "exercise",
    "gates", "help", "chek", "",
)  # fmt: skip
SHOWN = ("--json", "-q", "-v", "--color=always", "--output-file=r.txt")
LIMITS = ("--max-array=10", "--max-memory=100", "--check-budget=10", "--max-elements=1", "--seed=3")
ASKED = ("--wrt=x", "--upstream=2", "--upstream=ones", "--expand", "--fuse", "--strict")
OPTIONS = {
    "eval": (*SHOWN, *LIMITS, *ASKED, "--jacobian", "--hessian", "--digits=30", "--arithmetic=mpmath",
             "--arithmetic=float64", "--local", "--no-check", "--format=csv", "--format=markdown",
             "--format=plain", "--format=jsonl", "--digits=200"),
    "check": (*SHOWN, *LIMITS, "--claim=x=1", "--claim=x=inf", "--claim=x=nan", "--claim=x,x=2", "--tolerance=0",
              "--claim=x=[1,2]", "--exact", "--samples=3", "--format=github", "--fix", "--format=sarif",
              "--format=junit", "--format=gitlab", "--format=concise", "--hessian", "--jacobian", "--format=jsonl",
              "--exit-zero", "--require-claims", "--inconclusive=ok", "--junit=r.xml"),
    "graph": (*SHOWN, "--format=svg", "--format=dot", "--format=mermaid", "--format=json", "--collapse"),
    "explain": (*SHOWN,),
    "code": ("--lang=c", "--lang=numpy", "--lang=javascript", "--lang=formula", "--lang=python"),
    "steps": ("--json", "-q"),
    "plot": ("--json", "-q"),
    "exercise": ("--mistakes=1", "--mistakes=99", "--output-file=t.grad"),
}  # fmt: skip
ODD_OPTIONS = (
    "--nosuch", "--wrt=q", "--seed=-1", "--upstream=nan", "--digits=0", "--format=bogus", "-o", "-", "--", "--help",
    "--output=y", "--file=a.grad", "--tolerance=nan", "--jacobain", "-j=0", "--json=1", "--claim=q=1",
)  # fmt: skip
RARELY = 0.12


def number(rng: Random) -> str:
    """A number, mostly an ordinary one."""
    return rng.choice(NUMBERS) if rng.random() < 0.3 else repr(round(rng.uniform(-4, 4), 2))


def expression(rng: Random, depth: int = 4) -> str:
    """A random expression of the language, right in its grammar and maybe in nothing else."""
    if depth == 0 or rng.random() < 0.15:
        if rng.random() < 0.7:
            return rng.choice(NAMES[: 2 + 3 * (rng.random() < 0.2)])
        return number(rng)
    inner: Callable[[], str] = lambda: expression(rng, depth - 1)  # noqa: E731
    kind = rng.random()
    if kind < 0.45:
        sign = rng.choice(OPERATORS[:8]) if rng.random() < RARELY else rng.choice("+-**/")
        return f"({inner()} {sign} {inner()})"
    if kind < 0.85:
        return _call(rng, inner)
    if kind < 0.9:
        return f"-{inner()}"
    if kind < 0.98:
        return f"({inner()} if {inner()} > {inner()} else {inner()})"
    return f"{inner()}{rng.choice(METHODS)}"


def _call(rng: Random, inner: Callable[[], str]) -> str:
    """A call of a function, mostly with as many operands as it takes."""
    kind = rng.random()
    if kind < RARELY:
        arguments = [inner() for _ in range(rng.choice((0, 1, 2, 3)))]
        if rng.random() < 0.5:
            arguments.append(rng.choice(KEYWORDS))
        return f"{rng.choice(FUNCTIONS)}({', '.join(arguments)})"
    if kind < 0.2:
        return f"{rng.choice(OF_MANY)}({inner()}, {inner()})"
    if kind < 0.3:
        return f"{rng.choice(OF_ARRAYS)}({inner()})"
    name = rng.choice([*ARITIES])
    return f"{name}({', '.join(inner() for _ in range(ARITIES[name]))})"


def program(rng: Random) -> str:
    """A random program, often with a backward part."""
    lines = [f"{name} = {value(rng)}" for name in NAMES[: rng.randint(1, 3)]]
    stages = []
    for k in range(rng.randint(1, 4)):
        lines.append(f"s{k} = {expression(rng, 2)}")
        stages.append(f"s{k}")
    lines.append(f"f = {' * '.join(rng.sample(stages, min(2, len(stages))))}")
    for _ in range(rng.randint(0, 4)):
        target = rng.choice(("ds0", "ds1", "dx", "dy", "df", "dx", "d_x", "dfdx", "t", "dq"))
        sign = rng.choice(("=", "=", "=", "+=", "==", "-="))
        lines.append(f"{target} {sign} {expression(rng, 2)}")
    if rng.random() < RARELY:
        lines.insert(rng.randrange(len(lines)), rng.choice((
            "import math", "# gradcli: wrt x", "# gradcli: output s0", "f == 1", "x = 2", "np.random.seed(3)",
            "N, D = x.shape", "# gradcli: seed q", "", "  ", "dx[0] += 1",
        )))  # fmt: skip
    return rng.choice(("\n", "\n", ";", "\r\n")).join(lines)


def value(rng: Random) -> str:
    """What an input may be set to."""
    if rng.random() < 0.2:
        return rng.choice(ARRAYS)
    return number(rng) if rng.random() < 0.5 else rng.choice(SPECIAL)


def mutated(rng: Random, text: str) -> str:
    """A text with a few letters or words changed."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randint(0, len(text))
        kind = rng.random()
        if kind < 0.3:
            text = text[:at] + text[at + rng.randint(1, 3) :]
        elif kind < 0.6:
            text = text[:at] + rng.choice((*JUNK, *OPERATORS, *NAMES)) + text[at:]
        elif kind < 0.8:
            end = at + rng.randint(1, 8)
            text = text[:end] + text[at:end] + text[end:]
        else:
            text = (
                text[:at]
                + chr(rng.choice((rng.randrange(32, 127), rng.randrange(0x2FFFF))))
                + text[at + 1 :]
            )
    return "".join(c for c in text if not 0xD800 <= ord(c) < 0xE000)


def soup(rng: Random) -> str:
    """Words in no order at all."""
    words = (*NAMES, *OPERATORS, *JUNK, *FUNCTIONS, *NUMBERS, *METHODS, *KEYWORDS)
    return "".join(rng.choice(words) for _ in range(rng.randint(1, 12)))


def _text(rng: Random, make: Callable[[Random], str], is_wild: bool) -> str:
    if not is_wild:
        return make(rng)
    return soup(rng) if rng.random() < 0.3 else mutated(rng, make(rng))


def random_input(rng: Random) -> Input:
    """A random command line; half of them are wild: no word of theirs need be right."""
    is_wild = rng.random() < 0.5
    command = rng.choice(COMMANDS if is_wild else [*OPTIONS, "eval", "eval", "check", "check"])
    words = [command] if command else []
    files = dict[str, str | bytes]()
    if rng.random() < 0.3:
        text = _text(rng, program, is_wild)
        files["a.grad"] = text
        words += ["a.grad"] if command == "check" else ["--file", "a.grad"]
    else:
        text = _text(rng, expression, is_wild)
        words.append(text)
    used = [name for name in NAMES if name in text] if not is_wild and not files else NAMES[:2]
    for name in used if not files or is_wild else ():
        bound = _text(rng, value, is_wild and rng.random() < 0.3)
        words.append(f"{name}={bound}")
    if command == "plot" and not is_wild and len(words) > 2:
        words[2] = f"{words[2].partition('=')[0]}=-2:2"
    known = ODD_OPTIONS if is_wild else OPTIONS.get(command, ())
    for option in rng.sample(known, min(len(known), rng.choice((0, 0, 1, 1, 2, 3)))):
        name, sign, setting = option.partition("=")
        words += [name, setting] if sign and not name.startswith("--") else [option]
    words = [word.replace("\0", "") for word in words]
    return Input(words, files, _text(rng, program, is_wild) if "-" in words else "")
