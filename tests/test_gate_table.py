"""The gate table as a value: rows by name, other people's rows beside ours, what is kept by row."""

from __future__ import annotations

import keyword

import pytest

from gradcli.arithmetic.arrays import ARRAYS
from gradcli.arithmetic.complex_steps import STEPS
from gradcli.arithmetic.digits import digits
from gradcli.arithmetic.floats import FLOATS, IEEE
from gradcli.engine import Machine, backward
from gradcli.errors import BindingError, NameFault, UsageError
from gradcli.gates.row import array_gate, gate
from gradcli.gates.shapes import FUNCTIONS, reduced
from gradcli.gates.table import BUILT_IN
from gradcli.program.reader import read
from gradcli.transform.adjoint import adjoint


def value_and_slope(program, at, arithmetic=FLOATS):
    """Of a program of x."""
    run = Machine(program.graph, arithmetic).run([arithmetic.number(at)])
    backward(run, program.output, arithmetic.number(1.0))
    return run.values[program.output], run.gradients[program.graph.inputs["x"]]


TWICE = gate("twice", "x", "2 * x", "2", aliases="doubled")
CUBE = gate("cube", "x", "x * square(x)", "3 * square(x)")
SIXTH = gate("sixth", "x", "square(cube(x))", "6 * cube(x) * square(x)")


# ---------------------------------------------------------------- kept by row


@pytest.mark.parametrize("arithmetic", [FLOATS, IEEE, digits(30)], ids=["floats", "ieee", "digits"])
def test_a_changed_row_is_seen(arithmetic):
    program = read("exp(x)", free=["x"])
    value, slope = value_and_slope(program, 1.0, arithmetic)
    assert value == slope
    row = program.graph.gates[program.output]
    changed = program.graph.with_gate(program.output, row._replace(forward="2 * x", local=("7",)))
    assert value_and_slope(program._replace(graph=changed), 1.0, arithmetic) == (2, 7)
    assert value_and_slope(program, 1.0, arithmetic) == (value, slope)


def test_a_row_is_equal_to_itself_only():
    row = BUILT_IN["exp"]
    assert row == row
    assert row != row._replace()
    assert len({row, row._replace()}) == 2


# ---------------------------------------------------------------- other people's rows


def test_a_table_is_extended_by_rows_and_stays_as_it_is():
    table = BUILT_IN.extended([TWICE])
    assert "twice" in table
    assert "twice" not in BUILT_IN
    assert table.functions["doubled"] is table["twice"]
    assert table["exp"] is BUILT_IN["exp"]
    assert [row.name for row in table] == [*BUILT_IN.rows, "twice"]


@pytest.mark.parametrize("arithmetic", [FLOATS, IEEE, digits(30)], ids=["floats", "ieee", "digits"])
def test_programs_call_the_gates_of_their_table(arithmetic):
    table = BUILT_IN.extended([TWICE, CUBE, SIXTH])
    program = read("doubled(sixth(x)) + x", free=["x"], table=table)
    assert value_and_slope(program, 2.0, arithmetic) == (130, 385)
    second = adjoint(program.graph, program.output)
    run = Machine(second.graph, FLOATS).run([2.0])
    assert run.values[second.gradients["x"]] == 385
    with pytest.raises(NameFault, match="unknown function `sixth`"):
        read("sixth(x)", free=["x"])
    with pytest.raises(BindingError, match="`twice` is a function"):
        read("x + twice", settings={"twice": 1.0, "x": 1.0}, table=table)


def test_settings_may_call_them_too():
    program = read("x*y", settings={"y": "twice(3)"}, free=["x"], table=BUILT_IN.extended([TWICE]))
    assert Machine(program.settings, FLOATS).run([]).values[program.values["y"]] == 6


def test_tables_with_gates_of_one_name_do_not_disturb_each_other():
    """Also where the texts of other rows call them."""
    twice = read("sixth(x)", free=["x"], table=BUILT_IN.extended([CUBE, SIXTH]))
    other = CUBE._replace(forward="x + 1", local=("1",))
    changed = read("sixth(x)", free=["x"], table=BUILT_IN.extended([other, SIXTH]))
    for _ in range(2):
        assert value_and_slope(twice, 2.0)[0] == 64
        assert value_and_slope(changed, 2.0)[0] == 9


def test_an_array_gate_is_one_row():
    spread = array_gate(
        "total", "x, axis", reduced, "sum(square(x), axis)",
        "2 * x * spread(g, shape(x), axis)", "0",
    )  # fmt: skip
    table = BUILT_IN.extended([spread])
    graph = read("x", settings={"x": [1.0, 2.0]}, table=table).graph
    node = graph.add(table["total"], (graph.inputs["x"], graph.static(((0,), False))))
    assert graph.shape(node) == ()
    run = Machine(graph, ARRAYS).run([ARRAYS.function("reshape")([1.0, 2.0], (2,))])
    backward(run, node, 1.0)
    assert run.values[node] == 5
    assert run.gradients[graph.inputs["x"]].tolist() == [2, 4]


@pytest.mark.parametrize(
    ("name", "aliases", "said"),
    [
        ("exp", "", "`exp` is taken"), ("arcsin", "", "`arcsin` is taken"),
        ("mine", "relu", "`relu` is taken"), ("scale", "", "`scale` is taken"),
        ("permuted", "", "`permuted` is taken"), ("out", "", "`out` is taken"),
        ("two words", "", "cannot be the name"), ("if", "", "cannot be the name"),
    ],
)  # fmt: skip
def test_names_that_are_taken_are_refused(name, aliases, said):
    with pytest.raises(UsageError, match=said):
        BUILT_IN.extended([gate(name, "x", "x", "1", aliases=aliases)])


def test_a_name_is_given_once():
    with pytest.raises(UsageError, match="`twice` is taken"):
        BUILT_IN.extended([TWICE, TWICE])


@pytest.mark.parametrize("arithmetic", [FLOATS, IEEE, digits(20), ARRAYS, STEPS])
def test_no_gate_can_take_a_name_that_an_arithmetic_uses_itself(arithmetic):
    for name in set(arithmetic._names) - set(BUILT_IN.rows) - set(FUNCTIONS):
        if not keyword.iskeyword(name):
            with pytest.raises(UsageError):
                BUILT_IN.extended([gate(name, "x", "x", "1")])
