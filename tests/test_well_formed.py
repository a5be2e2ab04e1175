"""Graphs are well-formed: as they are lowered, after every transform, and faults are seen."""

from __future__ import annotations

import numpy as np
import pytest

from gradcli.arithmetic.arrays import ARRAYS
from gradcli.backward.cut import Cut
from gradcli.engine import Machine
from gradcli.gates.table import BUILT_IN
from gradcli.graph.check import faults
from gradcli.graph.nodes import Graph
from gradcli.program.reader import read
from gradcli.requests import PLAIN, Request
from gradcli.transform.adjoint import adjoint
from gradcli.transform.elements import Circuit, unrolled
from gradcli.transform.fuse import fused, fused_program

NUMBERS = (
    "x", "x*x + x", "a = x + y; b = a*z; c = sin(a) * cos(b); c / (a + b)",
    "max(x, y, z) - hypot(x, y)", "where(x > 0, log(x), x) * y", "w = [x, y]; w[0]*w[1] + z",
    "a = 1 / (1 + exp(-x)); f = log(exp(a) + exp(y)) - a; f*z", "huber(x) + leaky_relu(y)",
    "q = x*y; f = q*z + q; dq = z + 1; dz = q; dx = y*dq; dy = x*dq",
)  # fmt: skip
ARRAY_PROGRAMS = (
    "D = W @ X; b = mean(D, axis=0); f = sum(softmax(D, axis=1)*D) + prod(b)",
    "D = W.T; f = sum(D @ X[0] * v) + np.max(W, axis=1)[1] + trace(W @ X)",
    "N, M = W.shape; s = sum(W, axis=0)/N; f = norm(s - v) + std(v) + sum(randn(2, M)*W)",
    "A = concatenate([W, X.T], axis=0); f = sum(outer(v, v)*2) + logsumexp(A) + linspace(v[0], 1, 3)[1]",
    "D = W @ X; f = sum(D*D); dD = 2*D; dW = dD @ X.T; dX = W.T @ dD",
    "v*2 + W[0]", "f = sum(v*v); dv = zeros(3); dv[0] += 2*v[0]; dv[1:] += 2*v[1:]",
)  # fmt: skip
W, X, V = (
    [[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]],
    [[1.0, 0.5], [2.0, -1.0], [3.0, 0.25]],
    [1.0, -2.0, 4.0],
)
FREE = {"x": 0.7, "y": -1.2, "z": 2.0}


def well_formed(graph):
    """The graph itself, which has no faults."""
    assert faults(graph) == []
    return graph


def program_of(text, request=PLAIN):
    values = FREE if text in NUMBERS else {"W": W, "X": X, "v": V}
    names = {name: value for name, value in values.items() if name in text}
    program = read(text, settings=names, request=request)
    well_formed(program.graph)
    well_formed(program.settings)
    return program


every_program = pytest.mark.parametrize("text", [*NUMBERS, *ARRAY_PROGRAMS])
array_program = pytest.mark.parametrize("text", ARRAY_PROGRAMS)


def inputs_of(program):
    return [np.array({"W": W, "X": X, "v": V}[name]) for name in program.graph.inputs]


@every_program
@pytest.mark.parametrize("expand", [False, True])
def test_lowered(text, expand):
    program_of(text, Request(expand=expand))


@every_program
def test_pruned_and_changed_at_a_node(text):
    program = program_of(text)
    graph = program.graph
    well_formed(graph.pruned([program.output])[0])
    well_formed(graph.part(graph.ancestors([program.output]))[0])
    well_formed(graph.with_gate(program.output, graph.gates[program.output]))
    assert well_formed(graph).table is BUILT_IN


@every_program
def test_adjoint(text):
    program = program_of(text)
    if program.graph.shape(program.output):
        return
    first = adjoint(program.graph, program.output)
    well_formed(first.graph)
    nodes = [
        (gate, operands)
        for gate, operands in zip(first.graph.gates, first.graph.operands, strict=True)
        if operands
    ]
    assert len(set(nodes)) == len(nodes)  # equal nodes are one
    name, node = next(iter(first.gradients.items()))
    if not first.graph.shape(node) and not first.graph.is_leaf(node):
        well_formed(adjoint(first.graph, node).graph)


@pytest.mark.parametrize("text", NUMBERS)
def test_fused(text):
    program = program_of(text)
    well_formed(fused(program.graph, [program.output]).graph)
    well_formed(fused_program(program).graph)


@array_program
@pytest.mark.parametrize("apart", [False, True])
def test_taken_apart_into_numbers(text, apart):
    program = program_of(text)
    circuit = Circuit(program.graph, apart)
    well_formed(circuit.graph)
    shape = program.graph.shape(program.output)
    numbers = unrolled(program, np.ones(shape) if shape else None, circuit)
    well_formed(numbers.graph)
    well_formed(fused(numbers.graph, [numbers.output]).graph)


@pytest.mark.parametrize("text", [NUMBERS[-1], *ARRAY_PROGRAMS[-2:]])
def test_cut_at_claimed_names(text):
    program = program_of(text)
    cut = Cut(program, "f")
    well_formed(cut.graph)
    upstream = dict.fromkeys(cut.definitions, 1.0)
    if program.graph.has_arrays:
        values = Machine(program.graph, ARRAYS).run(inputs_of(program)).values
        upstream = {
            name: np.ones_like(values[cut.source[node]]) for name, node in cut.definitions.items()
        }
    well_formed(cut.local_problem([*cut.definitions], upstream)[0])


# ---------------------------------------------------------------- what is not well-formed


def small():
    """A graph of x*y + sin(x) and [x, 2] with a named stage, and its nodes by number."""
    graph = Graph()
    x, y = graph.input("x"), graph.input("y")  # 0, 1
    product = graph.node(BUILT_IN["mul"], (x, y))  # 2
    graph.stage("s", graph.node(BUILT_IN["sin"], (x,)), 3, 0)  # 3
    graph.node(BUILT_IN["add"], (product, 3))  # 4
    graph.node(BUILT_IN["list"], (x, graph.constant(2.0)))  # 5, 6
    graph.node(BUILT_IN["sum"], (6, graph.static(((0,), False))))  # 7, 8
    return well_formed(graph)


def changed(name, key, value):
    def change(graph):
        getattr(graph, name)[key] = value

    return change


FAULTS = [
    (lambda g: g.operands.append(()), "different lengths"),
    (changed("names", 99, "n"), "node that does not exist"),
    (changed("names", 2, "s"), "one name"),
    (changed("inputs", "x", 1), "another node"),
    (changed("shapes", 2, (3,)), "node 2, mul: shape (3,), the rule makes ()"),
    (changed("shapes", 6, (3,)), "node 6, list: shape (3,), the rule makes (2,)"),
    (changed("shapes", 5, (3,)), "not that of the value"),
    (lambda g: setattr(g, "has_arrays", False), "`has_arrays` denies it"),
    (changed("operands", 4, (2, 4)), "no earlier node"),
    (changed("operands", 2, (0,)), "1 operands, the row has 2"),
    (changed("operands", 6, (0, 8)), "no earlier node"),
    (changed("operands", 2, (0, 0)), "looked for at node 2"),
    (changed("operands", 0, (0,)), "a leaf has operands"),
    (changed("active", 4, 0), "node 4, add: active, or not"),
    (changed("active", 5, 1), "constants are not"),
    (changed("active", 0, 0), "inputs are active"),
    (changed("constants", 2, 1.0), "a gate has the value"),
    (lambda g: g.constants.pop(5), "constants have values"),
    (changed("names", 5, "c"), "a constant has a name"),
    (lambda g: g.inputs.pop("y"), "not in the table of inputs"),
    (changed("gates", 4, BUILT_IN["sub"]._replace()), "no row of the graph's table"),
    (changed("constants", 7, ((1,), False)), "the rule makes"),
    (lambda g: g.anonymous.update({(BUILT_IN["cos"], (0,)): 2}), "looked for at node 2"),
]


@pytest.mark.parametrize(("spoil", "said"), FAULTS, ids=[said for _, said in FAULTS])
def test_faults_are_named(spoil, said):
    graph = small()
    spoil(graph)
    assert said in "; ".join(faults(graph))
