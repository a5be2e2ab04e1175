"""The language: texts and the canonical text they stand for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcli.syntax import Call, parse_expression, spell, write
from gradcli.syntax.tokens import Source
from gradcli.syntax.tree import POSTFIX, SUM, UNARY, number_text


def parsed(text):
    return parse_expression(Source(text))


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
