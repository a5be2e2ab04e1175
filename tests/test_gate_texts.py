"""The texts of the gate table are texts of our own language, and agree with each other."""

from __future__ import annotations

import math

import pytest
from gate_points import MANY, ROWS, SAMPLES, close, is_choice, mp, partial, value_of

from gradcli.engine import Machine, backward
from gradcli.errors import GradcliError
from gradcli.gates.table import BUILT_IN, CONSTANTS
from gradcli.program.reader import read
from gradcli.requests import Request
from gradcli.syntax import statements
from gradcli.syntax.tokens import Source
from gradcli.transform.fuse import fused_program

# Textbook forms for people, which are no expressions of the language.
WORDS = {"silu", "gelu", "mish", "huber", "max", "min"}


# ---------------------------------------------------------------- the texts


def texts(row):
    """(text, names it may mention besides the operands) of a row."""
    locals_ = {"out", "x", "k", "xs"} if row.is_variadic else {"out"}
    yield from ((text, locals_) for text in row.local)
    yield from ((text, {"out", "xs"}) for text in (row.kink, row.jump, *row.radius) if text)
    yield from ((text, set()) for text in (row.forward, row.domain, row.expansion) if text)


@pytest.mark.parametrize("row", ROWS)
def test_texts_use_gates_of_the_table_and_names_of_the_row(row):
    """So the table is closed under differentiation."""
    for text, extra in texts(row):
        helpers = set()
        for statement in statements(Source(text)):
            for op, arg in zip(statement.tree.ops, statement.tree.args, strict=True):
                if op == "name":
                    assert arg in {*row.operands, *extra, *helpers}, text
                elif op == "call":
                    measures = ("lead", "trail") if text == row.kink else ()
                    assert arg.name in BUILT_IN or arg.name in measures, text
                elif op != "number":
                    assert op in BUILT_IN, text
            helpers.add(statement.target)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_one_local_gradient_per_operand(row):
    assert len(row.local) == len(row.textbook) == len(row.operands)
    assert len(row.radius) in (0, len(row.operands))


def parses(text):
    try:
        read(text, free=["alpha", "c", "high", "low", "n", "out", "slope", "x", "y"])
    except GradcliError:
        return False
    return True


def test_textbook_forms_are_expressions_but_for_these():
    rows = [row for row in BUILT_IN.elementwise if not row.hidden]
    assert {row.name for row in rows if not all(map(parses, row.textbook))} == WORDS


def textbook_names(row):
    return ("x", "y") if row.is_variadic else row.operands


SPOKEN = [
    param
    for param in SAMPLES
    if not param.values[0].hidden
    and param.values[0].name not in WORDS
    and len(param.values[1]) == len(textbook_names(param.values[0]))
]


@pytest.mark.parametrize(("row", "at"), SPOKEN)
def test_textbook_form_is_the_stable_form(row, at):
    """In many digits both are the derivative; the double of pi leaves 1e-16."""
    known = dict(zip(textbook_names(row), at, strict=True)) | {"out": value_of(row, at, MANY)}
    for operand, text in enumerate(row.textbook):
        if not is_choice(row, operand):
            program = read(text, free=list(known))
            inputs = [MANY.number(known[name]) for name in program.graph.inputs]
            got = Machine(program.graph, MANY).run(inputs).values[program.output]
            assert close(got, partial(row, at, operand), 1e-15, 1e-40)


EXPANDABLE = [param for param in SAMPLES if param.values[0].expansion]


@pytest.mark.parametrize(("row", "at"), EXPANDABLE)
def test_expansion_equals_the_gate(row, at):
    """Value and gradient, in many digits."""
    results = []
    for options in (Request(), Request(expand=True)):
        program = read(f"{row.name}(x)", free=["x"], request=options)
        run = Machine(program.graph, MANY).run([MANY.number(at[0])])
        backward(run, program.output, MANY.number(1.0))
        gates = {gate.name for gate in program.graph.gates}
        assert (row.name in gates) is not options.expand
        results.append((run.values[program.output], run.gradients[program.graph.inputs["x"]]))
    (value, gradient), (expanded, expanded_gradient) = results
    assert close(value, mp.mpf(expanded), 1e-40)
    assert close(gradient, mp.mpf(expanded_gradient), 1e-40, 1e-40)


@pytest.mark.parametrize("text", ["1 / (1 + exp(-x))", "1/(exp(-x)+1)", "1.0/(1+math.exp(-x))"])
def test_the_written_out_sigmoid_is_fused(text):
    program = fused_program(read(text, free=["x"]))
    assert [gate.name for gate in program.graph.gates if gate.operands] == ["sigmoid"]


def test_fusing_stops_at_a_named_stage():
    program = fused_program(read("e = exp(-x); f = 1/(1 + e)", free=["x"]))
    assert "sigmoid" not in [gate.name for gate in program.graph.gates]


# ---------------------------------------------------------------- names


def test_hidden_rows_cannot_be_called():
    assert all(row.hidden != (row.name in BUILT_IN.functions) for row in BUILT_IN.elementwise)
    assert not {"scale", "winner"} & set(BUILT_IN.functions)


def test_aliases_are_spellings_of_one_gate():
    names = [name for row in BUILT_IN.elementwise for name in (row.name, *row.aliases)]
    assert len(names) == len(set(names))
    for alias, name in {"ln": "log", "arcsin": "asin", "maximum": "max", "σ": "sigmoid"}.items():
        assert BUILT_IN.functions[alias] is BUILT_IN[name]


def test_constants_are_the_nearest_doubles():
    assert {name: CONSTANTS[name] for name in ("pi", "tau", "e")} == {
        "pi": math.pi, "tau": math.tau, "e": math.e,
    }  # fmt: skip
