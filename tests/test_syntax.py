"""The language: texts and the canonical text they stand for, or the error they are."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcli.errors import GradcliError, ParseError
from gradcli.syntax import Call, parse_expression, spell, statements, write
from gradcli.syntax.refusals import INSTEAD, SLICE_STEP, UPDATES
from gradcli.syntax.tokens import Source
from gradcli.syntax.tree import POSTFIX, SUM, UNARY, number_text

DEPTH = 100_000
WHERE = "write `a if condition else b`"
NEVER_OPENED = "this bracket was never opened"
KNOWN = (
    "known are `.T`, `.shape`, `.size`, `.dot`, `.sum`, `.mean`, `.max`, `.min`, `.std`, `.var`, "
    "`.prod`, `.reshape`, `.transpose`, `.ravel`, `.flatten`, `.copy`, `.clip`, `.cumsum`, "
    "`.cumprod`, `.take`, `.repeat`, `.trace`, `.diagonal`"
)


def parsed(text):
    return parse_expression(Source(text))


def refused(text):
    with pytest.raises(ParseError) as caught:
        parsed(text)
    return caught.value


# -------------------------------------------------------------------- what a text stands for

ARITHMETIC = [
    ("x", "x"),
    ("(x+y)*z", "(x + y) * z"),
    ("x+y*z", "x + y * z"),
    ("((x))", "x"),
    ("a-b-c", "a - b - c"),
    ("a-(b-c)", "a - (b - c)"),
    ("(a-b)-(c-d)", "a - b - (c - d)"),
    ("a+(b+c)", "a + (b + c)"),
    ("a/b/c", "a / b / c"),
    ("a/(b/c)", "a / (b / c)"),
    ("a/(b*c)", "a / (b * c)"),
    ("a*b@c", "a * b @ c"),
    ("a@(b@c)", "a @ (b @ c)"),
    ("1/(1+exp(-(w0*x0+w1)))", "1 / (1 + exp(-(w0 * x0 + w1)))"),
]
POWERS_AND_SIGNS = [
    ("2**3**2", "2**3**2"),
    ("2**(3**2)", "2**3**2"),
    ("(2**3)**2", "(2**3)**2"),
    ("x^2", "x**2"),
    ("2^3^2", "2**3**2"),
    ("-x**2", "-x**2"),
    ("-(x**2)", "-x**2"),
    ("(-x)**2", "(-x)**2"),
    ("-2**2", "-2**2"),
    ("(-2)**2", "(-2)**2"),
    ("-(2)**2", "-2**2"),
    ("2**-1", "2**-1"),
    ("2**-1**2", "2**-1**2"),
    ("x**-y**z", "x**-y**z"),
    ("--x", "--x"),
    ("---x", "---x"),
    ("-+-x", "--x"),
    ("+x", "x"),
    ("-x*y", "-x * y"),
    ("-(x*y)", "-(x * y)"),
    ("-(x+y)", "-(x + y)"),
    ("x*-y", "x * -y"),
    ("x/-y/z", "x / -y / z"),
    ("a--2", "a - -2"),
    ("a-(-2)", "a - -2"),
]
COMPARISONS_AND_CHOICES = [
    ("x<y", "x < y"),
    ("x<=y", "x <= y"),
    ("x>y", "x > y"),
    ("x>=y", "x >= y"),
    ("x==y", "x == y"),
    ("x!=y", "x != y"),
    ("x+1<y*2", "x + 1 < y * 2"),
    ("(a<b)==c", "(a < b) == c"),
    ("(a<b)+1", "(a < b) + 1"),
    ("a if b else c", "a if b else c"),
    ("a if b<c else d", "a if b < c else d"),
    ("a<b if c else d", "a < b if c else d"),
    ("a if b else c if d else e", "a if b else c if d else e"),
    ("a if b else (c if d else e)", "a if b else c if d else e"),
    ("(a if b else c) if d else e", "(a if b else c) if d else e"),
    ("a if (b if c else d) else e", "a if (b if c else d) else e"),
    ("(a if b else c)+1", "(a if b else c) + 1"),
    ("f(a if b else c, d)", "f(a if b else c, d)"),
]
CALLS_LISTS_AND_INDICES = [
    ("f()", "f()"),
    ("f (x)", "f(x)"),
    ("f(x,)", "f(x)"),
    ("max(x, 0, y)", "max(x, 0, y)"),
    ("f(g(h(x)))", "f(g(h(x)))"),
    ("f(x, y=2)", "f(x, y=2)"),
    ("sum(x,axis=0,keepdims=True)", "sum(x, axis=0, keepdims=1)"),
    ("f(x==2)", "f(x == 2)"),
    ("randn(*D.shape)", "randn(*D.shape)"),
    ("math.exp(x)", "math.exp(x)"),
    ("np.exp(x)", "np.exp(x)"),
    ("numpy.exp(x)", "numpy.exp(x)"),
    ("np.random.randn(3)", "np.random.randn(3)"),
    ("np.linalg.norm(x)", "np.linalg.norm(x)"),
    ("math.pi*2", "math.pi * 2"),
    ("np*math", "np * math"),
    ("x[0]", "x[0]"),
    ("x[-1]", "x[-1]"),
    ("x[0,1]", "x[0, 1]"),
    ("x[0][1]", "x[0][1]"),
    ("x[1:2]", "x[1:2]"),
    ("x[1:]", "x[1:]"),
    ("x[:2]", "x[:2]"),
    ("x[:]", "x[:]"),
    ("x[-2:]", "x[-2:]"),
    ("x[1:2,0]", "x[1:2, 0]"),
    ("x[0,:]", "x[0, :]"),
    ("x[:,0]", "x[:, 0]"),
    ("x[1:,0]", "x[1:, 0]"),
    ("(x+y)[0]", "(x + y)[0]"),
    ("[1,2,]", "[1, 2]"),
    ("[]", "[]"),
    ("[[1,2],[3]]", "[[1, 2], [3]]"),
    ("[1][0]", "[1][0]"),
    ("(1,)", "(1,)"),
    ("(1,2)", "(1, 2)"),
    ("(1,2,)", "(1, 2)"),
    ("((1,2),3)", "((1, 2), 3)"),
    ("W.T", "W.T"),
    ("W.T.dot(x)", "W.T.dot(x)"),
    ("x.shape", "x.shape"),
    ("x.sum()", "x.sum()"),
    ("x.mean(axis=0)", "x.mean(axis=0)"),
    ("x.reshape(2,3)[0]", "x.reshape(2, 3)[0]"),
    ("(x+y).max()", "(x + y).max()"),
    ("-x.T", "-x.T"),
]
NUMBERS = [
    ("1_000", "1000"),
    ("1_000.5", "1000.5"),
    (".5", "0.5"),
    ("1.", "1"),
    ("1.e3", "1000"),
    ("1e-3", "0.001"),
    ("1E5", "100000"),
    ("1e+2", "100"),
    ("0.1", "0.1"),
    ("12345678901234567890", "1.2345678901234567e+19"),
    ("1.7976931348623157e308", "1.7976931348623157e+308"),
    ("5e-324", "5e-324"),
    ("True", "1"),
    ("False", "0"),
    ("inf", "inf"),
    ("-inf", "-inf"),
    ("nan", "nan"),
    ("9**9**9", "9**9**9"),
]
FROM_SLIDES = [
    ("x²", "x**2"),
    ("x⁻¹", "x**-1"),
    ("x⁻²³", "x**-23"),
    ("x⁰", "x**0"),
    ("x ²", "x**2"),
    ("-x²", "-x**2"),
    ("x²**3", "(x**2)**3"),
    ("2**x²", "2**x**2"),
    ("sin(x)²", "sin(x)**2"),
    ("(x+y)²", "(x + y)**2"),
    ("w[0]²", "w[0]**2"),
    ("x − y", "x - y"),
    ("−x", "-x"),
    ("x – y", "x - y"),
    ("x × y", "x * y"),
    ("x·y", "x * y"),
    ("x⋅y∙z∗w", "x * y * z * w"),
    ("x ÷ y", "x / y"),
    ("x ∕ y⁄z", "x / y / z"),
    ("x ≤ y", "x <= y"),
    ("x ≥ y", "x >= y"),
    ("x ≠ y", "x != y"),
    ("√x", "sqrt(x)"),
    ("√√x", "sqrt(sqrt(x))"),
    ("√x²", "sqrt(x**2)"),
    ("-√x", "-sqrt(x)"),
    ("√-x", "sqrt(-x)"),
    ("√(x+y)/2", "sqrt(x + y) / 2"),
    ("σ(x)", "σ(x)"),
    ("2*π", "2 * π"),
]
NAMES = [
    ("_", "_"),
    ("x1", "x1"),
    ("_1", "_1"),
    ("if2", "if2"),
    ("elsewhere", "elsewhere"),
    ("lambda*in", "lambda * in"),
    ("class+None", "class + None"),
    ("import", "import"),
    ("and", "and"),
    ("Δx", "Δx"),
    ("αβ", "αβ"),
    ("\u03bc", "\u03bc"),
    ("变量*2", "变量 * 2"),
    ("é", "é"),
]
SPACE = [
    (" x ", "x"),
    ("\tx\t+\ty", "x + y"),
    ("x # comment", "x"),
    ("x#", "x"),
    ("\n\nx\n\n", "x"),
    ("\r\nx\r\n", "x"),
    ("(x+\ny)", "x + y"),
    ("(x\n+y)", "x + y"),
    ("(x\r\n+y)", "x + y"),
    ("(x\r+y)", "x + y"),
    ("[x\n,\n\ny\n]", "[x, y]"),
    ("f(\n)", "f()"),
    ("x[\n0\n]", "x[0]"),
    ("(x # a comment, with brackets ))\n+y)", "x + y"),
    ("x # a\u2028b\u0085c\u000bd\u000ce", "x"),
]


@pytest.mark.parametrize(
    ("text", "canonical"),
    ARITHMETIC + POWERS_AND_SIGNS + COMPARISONS_AND_CHOICES + CALLS_LISTS_AND_INDICES
    + NUMBERS + FROM_SLIDES + NAMES + SPACE,
)  # fmt: skip
def test_a_text_stands_for_its_canonical_text(text, canonical):
    tree = parsed(text)
    assert write(tree) == canonical
    again = parsed(canonical)
    assert repr((again.ops, again.args)) == repr((tree.ops, tree.args))  # nan is not nan


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("-x**2", [("name", "x"), ("number", 2.0), ("pow", None), ("neg", None)]),
        ("-2", [("number", -2.0)]),
        ("√x", [("name", "x"), ("call", Call("sqrt", 1))]),
        ("a if b else c", [("name", "a"), ("name", "b"), ("name", "c"), ("if", None)]),
        ("(x,)", [("name", "x"), ("tuple", 1)]),
        ("x[1:]", [("name", "x"), ("number", 1.0), ("slice", (True, False)), ("index", 1)]),
        ("np.f(x, k=2)", [("name", "x"), ("number", 2.0), ("call", Call("f", 2, ("k",), "np."))]),
        ("W.dot(x)", [("name", "W"), ("name", "x"), ("call", Call("dot", 2, method=True))]),
    ],
)
def test_a_tree_is_a_flat_list_in_postorder(text, entries):
    tree = parsed(text)
    assert list(zip(tree.ops, tree.args, strict=True)) == entries


def test_every_entry_knows_the_token_where_it_begins():
    tree = parsed("f(a, b)[0] + (c - d)**2")
    columns = [Source("f(a, b)[0] + (c - d)**2").span(token).column for token in tree.starts]
    begins = dict(zip(zip(tree.ops, map(str, tree.args), strict=True), columns, strict=True))
    assert begins["name", "a"] == 3
    assert begins["call", str(Call("f", 2))] == 1
    assert begins["index", "1"] == 1
    assert begins["name", "c"] == 15
    assert begins["sub", "None"] == 15
    assert begins["pow", "None"] == 14  # the bracket belongs to the power
    assert begins["add", "None"] == 1


def test_trees_are_equal_when_their_lists_are():
    assert parsed("x + y") == parsed("(x)+y")
    assert parsed("x + y") != parsed("y + x")
    assert parsed("x") != "x"
    assert repr(parsed("x+y")) == "Tree('x + y')"


def test_a_sign_goes_with_its_number_but_not_with_a_power_of_it():
    assert parsed("-0.0").args == [-0.0]
    assert str(parsed("-0.0").args[0]) == "-0.0"
    assert parsed("-2**2").ops[-1] == "neg"


def test_spelling_puts_brackets_only_where_they_are_needed():
    assert spell("mul", [("x + y", SUM), ("z", POSTFIX)])[0] == "(x + y) * z"
    assert spell("add", [("x + y", SUM), ("z", POSTFIX)])[0] == "x + y + z"
    assert spell("pow", [("-x", UNARY), ("-y", UNARY)])[0] == "(-x)**-y"


@given(st.floats(allow_nan=False))
def test_a_literal_reads_back_as_the_same_number(value):
    text = number_text(value)
    assert repr(parsed(text).args) == repr([value])


# -------------------------------------------------------------------- what a text is not

# text, message, column, hint
NEVER_GUESSED = [
    ("2x", "expected an operator, found `x`", 2, "write `2*x` for a product"),
    ("2 x", "expected an operator, found `x`", 3, "write `2*x` for a product"),
    ("1/2x", "expected an operator, found `x`", 4, "write `(1/2)*x` or `1/(2*x)`"),
    ("y*(1/2x + 3)", "expected an operator, found `x`", 7, "write `(1/2)*x` or `1/(2*x)`"),
    ("2^3x", "expected an operator, found `x`", 4, "write `(2^3)*x` or `2^(3*x)`"),
    ("1/(2 + y)x", "expected an operator, found `x`", 10, "write `(1/...)*x` or `1/(...*x)`"),
    ("a*b/2(x)", "expected an operator, found `(`", 6, "write `(.../2)*(...)` or `.../(2*(...))`"),
    ("√2x", "expected an operator, found `x`", 3, "write `sqrt(2)*x` or `sqrt(2*x)`"),
    ("sin 2x", "expected an operator, found `2`", 5,
     "write `sin(...)`, with all of its operand in the brackets"),
    ("sin x", "expected an operator, found `x`", 5, "write `sin(x)`"),
    ("1 000", "expected an operator, found `000`", 3,
     "write `1000` for one number, `1*000` for a product"),
    ("1,5", "expected an operator, found `,`", 2, "a number has a point and no comma: `1.5`, `1000`"),
    ("2e", "expected an operator, found `e`", 2,
     "write `2*e` for a product, `2e0` for an exponent"),
    ("x | y", "`|` is not in the language", 3,
     "write `max(a, b)` for either, `abs(x)` for a size"),
    ("!x", "expected a value, found `!`", 1, "write `1 - (a)`"),
    ("x" + 400 * "²", f"`{40 * '2'}...` overflows float64", 2, "write `inf` for infinity"),
    ("1e400", "`1e400` overflows float64", 1, "write `inf` for infinity"),
    ("2 + 1e-400", "`1e-400` underflows float64", 5, "write `0`, or a number from 5e-324 on"),
    ("2π", "expected an operator, found `π`", 2, "write `2*π` for a product"),
    ("2(x)", "expected an operator, found `(`", 2, "write `2*(`"),
    ("x y", "expected an operator, found `y`", 3, "write `x*y` for a product"),
    ("x 2", "expected an operator, found `2`", 3, "write `x*2` for a product"),
    ("(x+y)(x-y)", "expected an operator, found `(`", 6, "write `*` between them: `)*(`"),
    ("(x)y", "expected an operator, found `y`", 4, "write `*` between them: `)*y`"),
    ("x[0]y", "expected an operator, found `y`", 5, "write `*` between them: `]*y`"),
    ("f(x)(y)", "expected an operator, found `(`", 5, "write `*` between them: `)*(`"),
    ("f(x y)", "expected an operator, found `y`", 5, "write `x*y` for a product"),
    ("0<x<1", "a chain of comparisons", 4, "write `(a < b) * (b < c)`"),
    ("a==b!=c", "a chain of comparisons", 5, "write `(a < b) * (b < c)`"),
    ("a and b", "`and` is not in the language", 3, "write `(a) * (b)` for both"),
    ("a or b", "`or` is not in the language", 3, "write `max(a, b)` for either"),
    ("not a", "`not` is not in the language", 1, "write `1 - (a)`"),
    ("|x|", "expected a value, found `|`", 1, "write `abs(x)`"),
    ("2*|x|", "expected a value, found `|`", 3, "write `abs(x)`"),
    ("x!", "`!` is not in the language", 2, "write `gamma(x + 1)` for a factorial"),
    ("x! + 1", "`!` is not in the language", 2, "write `gamma(x + 1)` for a factorial"),
    ("x % 2", "`%` is not in the language", 3, "write `x - y*floor(x/y)` for a remainder"),
    ("x=y", "`=` is not in the language", 2, "write `==` to compare"),
    ("x => y", "`=` is not in the language", 3, "write `==` to compare"),
]  # fmt: skip
BRACKETS = [
    ("(x", "this `(` is never closed", 1, "write `)`"),
    ("((x)", "this `(` is never closed", 1, "write `)`"),
    ("y*(x", "this `(` is never closed", 3, "write `)`"),
    ("f(x", "this `(` is never closed", 2, "write `)`"),
    ("g(f(x)", "this `(` is never closed", 2, "write `)`"),
    ("f(x,", "this `(` is never closed", 2, "write `)`"),
    ("np.random.f (x", "this `(` is never closed", 13, "write `)`"),
    ("[1,2", "this `[` is never closed", 1, "write `]`"),
    ("x[0", "this `[` is never closed", 2, "write `]`"),
    ("x[0:", "this `[` is never closed", 2, "write `]`"),
    ("(a if b", "this `(` is never closed", 1, "write `)`"),
    ("(x # )", "this `(` is never closed", 1, "write `)`"),
    ("(x;y)", "this `(` is never closed", 1, "write `)`"),
    ("x)", "expected an operator, found `)`", 2, NEVER_OPENED),
    ("x]", "expected an operator, found `]`", 2, NEVER_OPENED),
    ("(x))", "expected an operator, found `)`", 4, NEVER_OPENED),
]
MISSING = [
    ("", "expected a value, found the end", 1, None),
    ("  ", "expected a value, found the end", 1, None),
    ("x +", "expected a value, found the end", 4, None),
    ("x **", "expected a value, found the end", 5, None),
    ("x + # more", "expected a value, found the end", 5, None),
    ("x+\n3", "expected a value, found the end", 3, None),
    ("* x", "expected a value, found `*`", 1, None),
    ("x + * y", "expected a value, found `*`", 5, None),
    ("x//2", "`//` is not in the language", 2, "write `floor(x / y)`"),
    ("()", "expected a value, found `)`", 2, None),
    ("(,)", "expected a value, found `,`", 2, None),
    ("[,]", "expected a value, found `,`", 2, None),
    ("x[]", "expected a value, found `]`", 3, None),
    ("x[0,]", "expected a value, found `]`", 5, None),
    ("(x+)", "expected a value, found `)`", 4, None),
    ("f(,x)", "expected a value, found `,`", 3, None),
    ("f(x,,y)", "expected a value, found `,`", 5, None),
    ("f(x=)", "expected a value, found `)`", 5, None),
    ("f(x=, y)", "expected a value, found `,`", 5, None),
    ("f(*)", "expected a value, found `)`", 4, None),
    ("f(x, *y)", "expected a value, found `*`", 6, None),
    ("if", "expected a value, found `if`", 1, None),
    ("f(if=2)", "expected a value, found `if`", 3, None),
    ("np.", "expected a function after `np.`", 4, None),
    ("a if b", "`if` without `else`", 3, WHERE),
    ("f(a if b)", "`if` without `else`", 5, WHERE),
    ("a else b", "`else` without `if`", 3, WHERE),
    ("a if b else", "expected a value, found the end", 12, None),
    ("a if b if c else d else e", "expected `else`, found `if`", 8, None),
]
NO_NUMBERS = [
    ("1e400", "`1e400` overflows float64", 1, "write `inf` for infinity"),
    ("x - 1e400", "`1e400` overflows float64", 5, "write `inf` for infinity"),
    ("1__0", "`1__0` is not a number", 1, "write underscores between digits only"),
    ("1_", "`1_` is not a number", 1, "write underscores between digits only"),
    ("0x10", "expected an operator, found `x10`", 2, "numbers are decimal: write `16` for 0x10"),
    ("1j", "expected an operator, found `j`", 2, "write `1*j` for a product"),
    ("1.5.2", "expected an operator, found `.2`", 4, "write `1.5*.2` for a product"),
    ("x²⁻¹", "`²⁻¹` is not a power", 2, "write `**`"),
    ("x⁻", "`⁻` is not a power", 2, "write `**`"),
]
NO_CODE = [
    ("x.__class__", "`.__class__` is not an attribute", 3, KNOWN),
    ("os.system(1)", "`.system` is not an attribute", 4, KNOWN),
    ("x.shpe", "`.shpe` is not an attribute", 3, "did you mean `shape`?"),
    ("x.sum", "`.sum` is not an attribute", 3, "did you mean `sum`?"),
    ("'a'", "a text is not a value", 1, "leave the quotes out"),
    ("f('a' + 1)", "a text is not a value", 3, "leave the quotes out"),
    ("x['a']", "a text is not a value", 3, "leave the quotes out"),
    ("f('a", "expected a value, found `'`", 3, None),
    ("{1}", "expected a value, found `{`", 1, None),
    ("x[1:2:3]", "a slice has no step", 6, SLICE_STEP[1]),
    ("x[::2]", "a slice has no step", 4, SLICE_STEP[1]),
    ("x[::-1]", "a slice has no step", 4, SLICE_STEP[1]),
    ("x[1, ::2]", "a slice has no step", 7, SLICE_STEP[1]),
    ("x.astype(y)", "`.astype` is not an attribute", 3, INSTEAD["astype"]),
    ("x := 2", "expected an operator, found `:`", 3, None),
    ("lambda x: x", "expected an operator, found `x`", 8, "write `lambda*x` for a product"),
    ("x; y", "expected an operator, found `;`", 2, None),
    ("`x`", "expected a value, found ```", 1, None),
    ("x\\y", "expected an operator, found `\\`", 2, None),
]
UNSEEN = [
    ("x\0", "expected an operator, found `\0`", 2, None),
    ("\x1b[31m", "expected a value, found `\x1b`", 1, None),
    ("x\x0by", "expected an operator, found `\x0b`", 2, None),
    ("x\u200b+1", "an invisible character, U+200B (zero width space)", 2, "remove it"),
    ("x\u00a0+ y", "an invisible character, U+00A0 (no-break space)", 2, "remove it"),
    ("x\ufeff", "an invisible character, U+FEFF (zero width no-break space)", 2, "remove it"),
    ("x\u00ad", "an invisible character, U+00AD (soft hyphen)", 2, "remove it"),
    ("\u202ex", "an invisible character, U+202E (right-to-left override)", 1, "remove it"),
    ("x*\u2066y", "an invisible character, U+2066 (left-to-right isolate)", 3, "remove it"),
    ("x\u2028+y", "an invisible character, U+2028 (line separator)", 2, "remove it"),
    ("x\u0085+y", "an invisible character, U+0085 (no name)", 2, "remove it"),
    ("x\ud800", "an invisible character, U+D800 (no name)", 2, "remove it"),
]
LOOK_ALIKES = [  # all with a hint that shows the plain spelling
    ("𝐱 + 1", "`𝐱` (U+1D431) looks like `x` but is another name", 1, "write `x`"),
    ("2*ﬁ", "`ﬁ` (U+FB01) looks like `fi` but is another name", 3, "write `fi`"),
    ("ｘ", "`ｘ` (U+FF58) looks like `x` but is another name", 1, "write `x`"),
    ("x₁", "`x₁` (U+0078 U+2081) looks like `x1` but is another name", 1, "write `x1`"),
    ("\u00b5", "`\u00b5` (U+00B5) looks like `\u03bc` but is another name", 1, "write `\u03bc`"),
    ("\u2126", "`\u2126` (U+2126) looks like `\u03a9` but is another name", 1, "write `\u03a9`"),
    ("\u017fin(x)", "`\u017fin` (U+017F U+0069 U+006E) looks like `sin` but is another name", 1,
     "write `sin`"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message", "column", "hint"),
    NEVER_GUESSED + BRACKETS + MISSING + NO_NUMBERS + NO_CODE + UNSEEN + LOOK_ALIKES,
)
def test_what_is_not_in_the_language_is_shown_with_its_place(text, message, column, hint):
    error = refused(text)
    assert (error.message, error.span.column, error.hint) == (message, column, hint)
    assert error.span.line == 1
    assert (error.kind, error.exit_code) == ("syntax", 2)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("(x\n+ 2y)", 2, 4),
        ("(x\r+ 2y)", 2, 4),
        ("(x\r\n+ 2y)", 2, 4),
        ("(x\n\r+ 2y)", 3, 4),
        ("\n\r\nx y", 3, 3),
        ("(x # \u2028\n+ 2y)", 2, 4),
        ("\t2x", 1, 3),
    ],
)
def test_only_cr_lf_and_crlf_end_a_line(text, line, column):
    span = refused(text).span
    assert (span.line, span.column) == (line, column)


@pytest.mark.parametrize(("text", "column"), [("f(y=2, x)", 8), ("f(x, y=2, z, w)", 11)])
def test_an_operand_without_a_name_may_not_follow_one_with_a_name(text, column):
    assert refused(text).span.column == column


@pytest.mark.parametrize("text", ["x²y", "x²(y)", "x⁻¹ 2", "²", "x\n²"])
def test_a_superscript_is_shown_as_it_was_written(text):
    error = refused(text)
    assert "^" not in f"{error.message} {error.hint}"


def test_a_closing_bracket_that_was_opened_is_not_said_to_have_been_opened_never():
    error = refused("[(x]")
    assert error.message == "expected `)`, found `]`"
    assert error.span.column == 4
    assert error.hint != NEVER_OPENED


@pytest.mark.parametrize("text", [text for text, *_ in LOOK_ALIKES] + ["½*x", "x \u2011 y"])
def test_what_an_error_says_to_write_instead_of_a_look_alike_is_in_the_language(text):
    error = refused(text)
    plain = re.fullmatch("write `(.*)`", error.hint)[1]
    token = re.match(r"`([^`]*)`", error.message)[1]
    parsed(text.replace(token, plain))


def test_a_letter_that_is_not_composed_is_refused_with_its_code_point():
    assert "U+0301" in refused("e\u0301").message  # é in two characters


@pytest.mark.parametrize("text", ["x\n(y)", "2\nx", "x\r\ny"])
def test_an_error_never_quotes_a_line_end(text):
    error = refused(text)
    assert error.span.line == 2
    assert not set("\r\n") & set(f"{error.message} {error.hint}")


PIECES = [
    "x", "y", "f", "np", ".", "math", "(", ")", "[", "]", ",", ":", ";", "=", "==", "<", "+", "-",
    "*", "**", "/", "@", "^", "√", "²", "if", "else", "2", ".5", "1e3", "inf", "!", "|", "#", "T",
    "dot", "\n", "\r\n", "\t", "$", "'", "σ", "\u200b", "𝐱", "and", "", "\0",
]  # fmt: skip


@settings(max_examples=400, derandomize=True)
@given(st.lists(st.sampled_from(PIECES), max_size=12), st.sampled_from(["", " "]))
def test_any_text_is_a_tree_that_reads_back_or_an_error_with_a_place(pieces, space):
    text = space.join(pieces)
    tree = error = None
    try:
        tree = parsed(text)
    except GradcliError as refusal:
        error = refusal
    if error is None:
        assert parsed(write(tree)) == tree
    else:
        assert 0 <= error.span.start <= len(text)


# -------------------------------------------------------------------- depth

DEEP = {  # a text and its canonical text
    "brackets": ("(" * DEPTH + "x" + ")" * DEPTH, "x"),
    "calls": ("f(" * DEPTH + "x" + ")" * DEPTH, "f(" * DEPTH + "x" + ")" * DEPTH),
    "lists": ("[" * DEPTH + "x" + "]" * DEPTH, "[" * DEPTH + "x" + "]" * DEPTH),
    "signs": ("-" * DEPTH + "x", "-" * DEPTH + "x"),
    "roots": ("√" * DEPTH + "x", "sqrt(" * DEPTH + "x" + ")" * DEPTH),
    "powers": ("x**" * DEPTH + "x", "x**" * DEPTH + "x"),
    "superscripts": ("x" + " ²" * DEPTH, "(" * (DEPTH - 1) + "x**2" + ")**2" * (DEPTH - 1)),
    "sums": ("x+" * DEPTH + "x", "x + " * DEPTH + "x"),
    "choices": ("1 if x else " * DEPTH + "x", "1 if x else " * DEPTH + "x"),
    "choices of values": (
        "(" * DEPTH + "x" + " if x else 1)" * DEPTH,
        "(" * (DEPTH - 1) + "x" + " if x else 1)" * (DEPTH - 1) + " if x else 1",
    ),
    "indices": ("x" + "[0]" * DEPTH, "x" + "[0]" * DEPTH),
    "methods": ("x" + ".sum()" * DEPTH, "x" + ".sum()" * DEPTH),
    "operands": ("f(" + "x," * DEPTH + ")", "f(" + "x, " * (DEPTH - 1) + "x)"),
}


@pytest.mark.parametrize(("text", "canonical"), DEEP.values(), ids=DEEP)
def test_no_depth_is_too_deep_to_read_and_write(text, canonical):
    assert write(parsed(text)) == canonical


@pytest.mark.parametrize("opener", ["(", "f(", "x["])
def test_no_depth_is_too_deep_to_be_refused(opener):
    error = refused(opener * DEPTH + "x")
    assert "is never closed" in error.message
    assert error.span.start == len(opener) * (DEPTH - 1) + opener.index(error.message[6])


# -------------------------------------------------------------------- statements


def read(text):
    return [
        (s.kind, s.target, s.place and write(s.place), s.tree and write(s.tree), s.is_claim)
        for s in statements(Source(text))
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x = 3", [("assign", "x", None, "3", False)]),
        ("x += y*2", [("add", "x", None, "y * 2", False)]),
        ("x+y", [("expression", "x", None, "x + y", False)]),
        ("-x", [("expression", "", None, "-x", False)]),
        ("f == -12", [("expression", "f", None, "f == -12", True)]),
        ("dw[0] += x", [("add", "dw", "(0,)", "x", False)]),
        ("dw[1,-2] = x", [("assign", "dw", "(1, -2)", "x", False)]),
        ("dw[:, H:2*H] = x", [("assign", "dw", "(:, H:2 * H)", "x", False)]),
        ("dw[k[0]] = x", [("assign", "dw", "(k[0],)", "x", False)]),
        (
            "N, D = X.shape",
            [
                ("assign", "N", None, "X.shape[0]", False),
                ("assign", "D", None, "X.shape[1]", False),
            ],
        ),
        ("w[0] + 1", [("expression", "w", None, "w[0] + 1", False)]),
        ("w[k] + 1", [("expression", "w", None, "w[k] + 1", False)]),
        ("import math", [("import", "", None, None, False)]),
        ("import numpy as np", [("import", "", None, None, False)]),
        ("from math import exp", [("import", "", None, None, False)]),
        ("import = 3", [("assign", "import", None, "3", False)]),
        ("import * 2", [("expression", "import", None, "import * 2", False)]),
        ("np.random.seed(3)", [("seed", "", None, "np.random.seed(3)", False)]),
        ("np.random.seed(3)*2", [("expression", "np", None, "np.random.seed(3) * 2", False)]),
        ("σ2 = x", [("assign", "σ2", None, "x", False)]),
    ],
)
def test_a_line_is_one_of_few_kinds_of_statement(text, found):
    assert read(text) == found


@pytest.mark.parametrize("end", [";", "\n", "\r", "\r\n", " ; ", ";;", "\n\n", " # note\n", ";\n"])
def test_statements_end_at_a_semicolon_or_a_line_end(end):
    assert [row[1] for row in read(f"a = x{end}b = a*x{end}c = f(a){end}")] == ["a", "b", "c"]


def test_an_empty_text_has_no_statement():
    assert read("") == read(" \n;;\r\n# note\n") == []


def test_a_directive_is_a_comment_that_names_the_tool():
    found = [s.text for s in statements(Source("# gradcli: output f\n#gradcli:wrt x\n# gradcli\n"))]
    assert found == ["output f", "wrt x"]


@pytest.mark.parametrize(
    ("text", "message", "column", "hint"),
    [
        ("dx -= v", "`-=` is not in the language", 4, "write `dx += -(...)`"),
        ("dx[0, 1:] -= v", "`-=` is not in the language", 11, "write `dx[0,1:] += -(...)`"),
        ("dx *= v", "`*=` is not in the language", 4, UPDATES["*="].format("dx")),
        ("dx /= v", "`/=` is not in the language", 4, UPDATES["/="].format("dx")),
        ("W -= dW", "`-=` is not in the language", 3, "a name is assigned once"),
        ("dx[0][1] = v", "expected one index on the left of `=`", 10, "write `dx[0, 1] = ...`"),
        ("x + y = v", "`=` is not in the language", 7, "write `==` to compare"),
        ("-x[0] = v", "`=` is not in the language", 7, "write `==` to compare"),
        ("N, D = 1, 2", "expected an operator, found `,`", 2, "one name a statement"),
        ("N, D = X.shape[0]", "expected an operator, found `,`", 2, "one name a statement"),
        ("N, 2 = X.shape", "expected an operator, found `,`", 2, "one name a statement"),
        ("N, if = X.shape", "expected an operator, found `,`", 2, "one name a statement"),
    ],
)
def test_a_line_that_assigns_otherwise_shows_how_to_write_it(text, message, column, hint):
    with pytest.raises(ParseError) as caught:
        read(f"a = b; {text}")
    error = caught.value
    assert (error.message, error.span.column) == (message, column + 7)
    assert hint in error.hint


def test_statements_are_read_one_at_a_time():
    reading = statements(Source("a = x\nb = 2x"))
    assert next(reading).target == "a"
    with pytest.raises(ParseError, match="expected an operator"):
        list(reading)


# -------------------------------------------------------------------- tokens and places


def test_a_place_is_found_from_the_number_of_a_token():
    source = Source("ab + (c\r\n  - 1.5)", "file.grad")
    assert source.tokens == ["ab", "+", "(", "c", "\r\n", "-", "1.5", ")", "", ""]
    spans = [source.span(k) for k in range(8)]
    assert [(s.line, s.column) for s in spans] == [
        (1, 1), (1, 4), (1, 6), (1, 7), (1, 8), (2, 3), (2, 5), (2, 8),
    ]  # fmt: skip
    assert spans[6].source == "file.grad"
    assert source.spans({0, 6}) == {0: spans[0], 6: spans[6]}
    assert source.spans(set()) == {}


def test_a_token_past_the_last_stands_at_the_end_of_what_is_written():
    source = Source("x = 1  \n\n")
    assert source.span(10**6) == source.end()
    assert (source.end().line, source.end().column) == (1, 6)


def test_places_outlive_the_tokens():
    source = Source("x + yy")
    source.tokens.clear()
    assert source.span(2).column == 5


@pytest.mark.parametrize("text", ["1e-400*x", "x + 0.001e-330", "2_0E-999"])
def test_a_literal_below_float64_is_an_error_as_one_above_is(text):
    with pytest.raises(ParseError, match="underflows float64"):
        parse_expression(Source(text))


@pytest.mark.parametrize("text", ["0e-400", "0.0", "5e-324", "0_0"])
def test_zeros_and_the_smallest_numbers_are_literals(text):
    assert parse_expression(Source(text)).args[0] == float(text.replace("_", ""))
