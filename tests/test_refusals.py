"""Texts that are refused: the place, what was found, and what to write instead."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_syntax import parsed

from gradcli.errors import GradcliError, ParseError
from gradcli.syntax import write
from gradcli.syntax.refusals import INSTEAD, SLICE_STEP

WHERE = "write `a if condition else b`"
QUOTES = "leave it out: quotes and primes are no parts of names"
NEVER_OPENED = "this bracket was never opened"
KNOWN = (
    "known are `.T`, `.shape`, `.size`, `.dot`, `.sum`, `.mean`, `.max`, `.min`, `.std`, `.var`, "
    "`.prod`, `.reshape`, `.transpose`, `.ravel`, `.flatten`, `.copy`, `.clip`, `.cumsum`, "
    "`.cumprod`, `.take`, `.repeat`, `.trace`, `.diagonal`"
)


def refused(text):
    with pytest.raises(ParseError) as caught:
        parsed(text)
    return caught.value


# text, message, column, hint
NEVER_GUESSED = [
    ("2x", "expected an operator, found `x`", 2, "write `2*x` for a product"),
    ("x*y where x=3, y=4", "expected an operator, found `where`", 5,
     "values are words of their own, behind the expression: x=..."),
    ("x*y at x=3", "expected an operator, found `at`", 5,
     "values are words of their own, behind the expression: x=..."),
    ("x exp", "expected an operator, found `exp`", 3, "write `x*exp(...)` for a product"),
    ("d/dx x**2", "a derivative in the signs of mathematics", 6,
     "leave `d/dx` out: the gradient by each input is printed with the value"),
    ("df/dx = y", "a derivative in the signs of mathematics", 7, "write `dx = ...`"),
    ("dL / dz=y", "a derivative in the signs of mathematics", 8, "write `dz = ...`"),
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
    ("||q||", "expected a value, found `|`", 1, "write `norm(x)` for the norm"),
    ("7,", "expected an operator, found `,`", 2, "leave it out"),
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
    ("x => y", "`=` is not in the language", 3, "write `>=`"),
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
    ("f('a", "expected a value, found `'`", 3, QUOTES),
    ("{1}", "expected a value, found `{`", 1, "write `(` and `)`"),
    ("x[1:2:3]", "a slice has no step", 6, SLICE_STEP[1]),
    ("x[::2]", "a slice has no step", 4, SLICE_STEP[1]),
    ("x[::-1]", "a slice has no step", 4, SLICE_STEP[1]),
    ("x[1, ::2]", "a slice has no step", 7, SLICE_STEP[1]),
    ("x.astype(y)", "`.astype` is not an attribute", 3, INSTEAD["astype"]),
    ("x := 2", "expected an operator, found `:`", 3, "write `=`"),
    ("lambda x: x", "expected an operator, found `x`", 8, "write `lambda*x` for a product"),
    ("x; y", "expected an operator, found `;`", 2, None),
    ("`x`", "expected a value, found ```", 1, QUOTES),
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


# ---------------------------------------------------------------- LaTeX, and what to write for it

IN_LATEX = [
    (r"\[f(x,y,z)=(x+y)z\]", "f = (x + y) * z"),
    (r"\frac{1}{1+e^{-x}}", "1 / (1 + e**-x)"),
    (r"$f(x,y) = \frac{x + \sigma(y)}{\sigma(x) + (x+y)^2}$",
     "f = (x + sigmoid(y)) / (sigmoid(x) + (x + y)**2)"),
    (r"f(w,x) = \frac{1}{1+e^{-(w_0x_0 + w_1x_1 + w_2)}}",
     "f = 1 / (1 + e**-(w_0 * x_0 + w_1 * x_1 + w_2))"),
    (r"\[f = qz\]", "f = q * z"),
    (r"\[\frac{\partial f}{\partial q_i} = 2q_i\]", "dq_i = 2 * q_i"),
    (r"$$\frac{df}{dx} = -\frac{1}{x^2}$$", "dx = -(1 / x**2)"),
    (r"\log\left(\frac{1}{x}\right)", "log(1 / x)"),
    (r"\theta_1 x + \theta_0", "theta_1 * x + theta_0"),
    (r"\alpha\beta", "alpha * beta"),
    (r"2\sin x + \ln y", "2 * sin(x) + log(y)"),
    (r"\tanh(\mathbf{W}x)", "tanh(W * x)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "written"), IN_LATEX)
def test_latex_is_answered_with_a_program(text, written):
    problem = refused(text)
    assert problem.message == "this is LaTeX, not a program"
    assert problem.hint == f"write `{written}`"
    parsed(written.rpartition(" = ")[2])


WITHOUT_A_READING = [
    r"\frac12", r"x_{t+1}", r"f = x \hspace{1in}", r"\sigma(w^Tx)", r"f(q) = ||q||^{2}",
    r"\sum_{i=1}^n x_i", "x + " + "$" * 5_000, "x{" * 5_000, r"\frac" * 5_000,
    r"\frac{" * 90 + "x" + "}{2}" * 90, r"\int_0^1 x", r"\begin{aligned}",
]  # fmt: skip


@pytest.mark.parametrize("text", WITHOUT_A_READING, ids=lambda text: text[:20])
def test_latex_that_is_not_understood_is_not_guessed(text):
    problem = refused(text)
    assert "this is LaTeX" in problem.message or "x{" in text
    assert "a/b" in (problem.hint or "a/b") or "write `" in problem.hint
    assert "frac12" not in (problem.hint or "").replace("\\frac", "")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("x > 0 ? x : -x", "write `a if c else b`"),
        ("∑ x", "write `sum(x)`"),
        ("2*∏ x", "write `prod(x)`"),
        ("∂x", "leave it out: the gradient by each input is printed with the value"),
        ("x′*2", "a prime is no part of a name: write `x1`"),
        ("x'", QUOTES),
        ("‘x’", QUOTES),
        ("x ⊙ y", "write `x*y`"),
        ("‖x‖", "write `norm(x)`"),
        ("{x + y}", "write `(` and `)`"),
        ("x => y", "write `>=`"),
        ("x <> y", "write `!=`"),
        ("f := x", "write `=`"),
        ("x ± 2", "write `NAME=2+/-0.1` behind the expression"),
    ],
)
def test_signs_of_other_languages_have_words_of_ours(text, hint):
    assert refused(text).hint == hint
