"""Statements, tokens and places, and texts that nest a hundred thousand deep."""

from __future__ import annotations

import pytest
from test_refusals import refused
from test_syntax import parsed

from gradcli.errors import ParseError
from gradcli.syntax import parse_expression, statements, write
from gradcli.syntax.refusals import UPDATES
from gradcli.syntax.tokens import Source

DEPTH = 100_000


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
