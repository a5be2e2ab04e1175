"""Errors as values: places, advice, kinds and exit codes."""

from __future__ import annotations

import pytest

from gradcli import errors
from gradcli.errors import GradcliError, InternalError, NameFault, ParseError, Span, did_you_mean
from gradcli.foreign.child import ForeignFault
from gradcli.python.state.source import PythonFault

# Those of rooms that few commands enter are loaded by naming them.
OF_FEW = (ForeignFault, PythonFault)
KINDS = {kind.__name__: kind.kind for kind in GradcliError.__subclasses__()}


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_every_line_end_begins_a_line(end):
    text = end.join(["ab", "", "cde"])
    span = Span("f", text, text.index("d"))
    assert (span.line, span.column, span.line_text) == (3, 2, "cde")
    assert span.line_start == text.index("c")
    first = Span("f", text, 1)
    assert (first.line, first.column, first.line_text) == (1, 2, "ab")


@pytest.mark.parametrize(
    ("text", "start", "line", "column", "line_text"),
    [
        ("", 0, 1, 1, ""),
        ("x", 1, 1, 2, "x"),
        ("a\n", 2, 2, 1, ""),
        ("a\nb\rc\r\nd", 7, 4, 1, "d"),
        ("a\n\rb", 3, 3, 1, "b"),
        ("a\r\n\r\nb", 5, 3, 1, "b"),
        ("a\u2028b\u0085c\x0bd\x0ce", 8, 1, 9, "a\u2028b\u0085c\x0bd\x0ce"),
        ("\tx", 1, 1, 2, "\tx"),
        ("变 x", 2, 1, 3, "变 x"),
    ],
)
def test_a_place_has_a_line_and_a_column_in_characters(text, start, line, column, line_text):
    span = Span("f", text, start)
    assert (span.line, span.column, span.line_text) == (line, column, line_text)


def test_an_error_reads_as_file_line_column_message_advice():
    span = Span("a.grad", "x\ny z", 4)
    assert str(ParseError("found `z`", span, "write `y*z`")) == "a.grad:2:3: found `z`; write `y*z`"
    assert str(ParseError("found `z`", span)) == "a.grad:2:3: found `z`"
    assert str(ParseError("found `z`", None, "write `y*z`")) == "found `z`; write `y*z`"
    assert str(ParseError("found `z`")) == "found `z`"


@pytest.mark.parametrize("text", ["x" * 10**6, "é" * 10**6, "a\x1b]0;PWN\x07b", "a\n::error::b"])
def test_an_error_as_text_is_short_and_harmless(text):
    said = str(NameFault(f"`{text}` is unknown", Span("f\x1b", "a", 0), text))
    assert len(said) < 4096
    assert said.isprintable()


def test_an_error_keeps_its_parts_and_those_found_with_it():
    also = [NameFault("b"), NameFault("c")]
    error = NameFault("a", Span("f", "a", 0), "write it", iter(also))
    assert (error.message, error.span.start, error.hint) == ("a", 0, "write it")
    assert error.also == tuple(also)
    assert NameFault("a").also == ()


def test_every_kind_of_error_can_be_told_apart_and_means_exit_code_2():
    assert len(set(KINDS.values())) == len(KINDS)
    assert set(KINDS.values()) == {
        "syntax", "name", "binding", "shape", "limit", "file", "usage", "strict",
        "layout", "point", "internal", "python", "gate",
    }  # fmt: skip
    codes = {kind: kind.exit_code for kind in GradcliError.__subclasses__()}
    assert codes.pop(InternalError) == 3
    assert set(codes.values()) == {2}
    assert issubclass(GradcliError, Exception)


def test_exit_codes_are_those_that_scripts_depend_on():
    codes = {name: value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert codes == {
        "EXIT_OK": 0,
        "EXIT_FAILED": 1,
        "EXIT_USAGE": 2,
        "EXIT_INTERNAL": 3,
        "EXIT_INTERRUPTED": 130,
        "EXIT_BROKEN_PIPE": 141,
    }


@pytest.mark.parametrize(
    ("name", "known", "advice"),
    [
        ("sigmiod", ["sin", "sigmoid"], "did you mean `sigmoid`?"),
        ("alhpa", ["beta", "alpha"], "did you mean `alpha`?"),
        ("lrr", ["lr"], "did you mean `lr`?"),
        ("Exp", ["exp", "cos"], "did you mean `exp`?"),
        ("X", ["x", "y"], "did you mean `x`?"),
        ("quux", ["sin", "cos"], None),
        ("x", [], None),
        ("x", iter(["xx"]), "did you mean `xx`?"),
        ("sofplus", ["softplus", "softmax"], "did you mean `softplus`?"),
        ("sinn", ["sinh", "sin", "sign"], "did you mean `sin`?"),
        ("Leaky_ReLU", ["relu", "leaky_relu"], "did you mean `leaky_relu`?"),
        ("rate2", ["rate1", "rates"], None),
        ("wight", ["weight", "eight"], "did you mean `weight`?"),
        ("rates", ["rate", "rated"], "did you mean `rate` or `rated`?"),
        ("det", ["dot"], None),
        ("median", ["mean"], None),
        ("argmax", ["max"], None),
        ("cdist", ["dist"], None),
        ("celu", ["relu", "gelu"], None),
        ("sin2", ["sin"], None),
    ],
)
def test_the_nearest_known_name_is_advised_if_one_is_near(name, known, advice):
    assert did_you_mean(name, known) == advice
