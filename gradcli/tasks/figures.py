"""The numbers of a program at a point, whatever kind they are of, each with its bound.

They come from the float64 run, from many digits, or from arrays that carry bounds; `Figures` hides
which. An array program that is small enough is looked at a second time as the circuit of numbers it
stands for.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gradcli.errors import ShapeError, UsageError
from gradcli.evaluation.certainty import certain_numbers
from gradcli.evaluation.numbers import SLACK, Numbers, bounded_run, too_many_gates
from gradcli.evaluation.point import Point, at, gather, inputs_of
from gradcli.graph.lowering import Value
from gradcli.requests import Request

if TYPE_CHECKING:
    from gradcli.transform.elements import Circuit

Figure = tuple[Any, Any]  # a number or nested lists, and the bound in its shape; None: not known


class Figures:
    """Value and gradient of a node, or of nested lists of nodes, each with its bound."""

    __slots__ = ("gradient", "value")

    def __init__(
        self, value: Callable[[Value], Figure], gradient: Callable[[Value], Figure]
    ) -> None:
        self.value = value
        self.gradient = gradient


class Scalars:
    """A point on the circuit of numbers: of a program without arrays, that program itself."""

    __slots__ = ("circuit", "elements", "notes", "numbers", "point")

    def __init__(
        self, point: Point, numbers: Numbers, notes: list[str],
        elements: Callable[[Value], Value], circuit: "Circuit | None" = None,
    ) -> None:  # fmt: skip
        self.point = point
        self.numbers = numbers
        self.notes = notes
        self.elements = elements  # of a node of the program, its nodes in the circuit
        self.circuit = circuit  # of a program of arrays


def figures_of(point: Point, request: Request) -> tuple[Scalars | None, Figures, list[str]]:
    """The point on numbers where it has one, the figures of all its nodes, and the notes on them.

    Raises ShapeError, LimitError.
    """
    scalars = scalars_of(point, request)
    return scalars, *(
        figures_of_elements(scalars) if scalars else figures_of_arrays(point, request)
    )


def scalars_of(point: Point, request: Request) -> Scalars | None:
    """The point on numbers; None where arrays are too large to be taken apart.

    Raises ShapeError for an uncertainty of an array, LimitError for what only numbers have.
    """
    program = point.program
    if program.graph.own_gates:
        if not (request.digits or request.arithmetic == "mpmath" or program.uncertainties):
            return None
        if program.graph.is_opaque:
            raise UsageError("many digits and uncertainties need gates that can be read",
                             hint="gates that only run are computed in float64")  # fmt: skip
    if not program.graph.has_arrays:
        return Scalars(point, *certain_numbers(point, request), lambda value: value)
    shape = program.graph.shape(program.output)
    if program.uncertainties and shape:
        raise ShapeError("an uncertainty needs an output of one number",
                         hint="choose an element: `f[0]`, or take its sum or mean")  # fmt: skip
    import numpy as np  # late: numbers do not need it

    from gradcli.transform.elements import small_circuit, unrolled

    circuit = small_circuit(program.graph, apart=True)
    if circuit is None:
        if request.digits or request.arithmetic == "mpmath":
            raise too_many_gates("many digits")
        if program.uncertainties:
            raise too_many_gates("uncertainties")
        return None
    weights = np.ones(shape) if point.upstream is None else point.upstream
    taken_apart = unrolled(program, weights, circuit)
    single = at(taken_apart, inputs_of(taken_apart), request)
    if point.upstream is None:  # the weights are any: there are no gradients
        single.upstream, single.leaves = None, []
    return Scalars(single, *certain_numbers(single, request), circuit.value, circuit)


def figures_of_elements(scalars: Scalars) -> tuple[Figures, list[str]]:
    """Figures of certain numbers, element by element, and the notes on them."""
    table, elements = scalars.numbers, scalars.elements

    def value(node: Value) -> Figure:
        nodes = elements(node)
        return gather(nodes, table.values), each(nodes, table.value_bound)

    def gradient(node: Value) -> Figure:
        nodes = elements(node)
        return gather(nodes, table.gradients), each(nodes, table.gradient_bound)

    return Figures(value, gradient), scalars.notes


def each(value: Value, of_node: Callable[[int], Any]) -> Any:
    """What a function gives of the nodes of a value, in its shape."""
    return [each(v, of_node) for v in value] if isinstance(value, list) else of_node(value)


def figures_of_arrays(point: Point, request: Request) -> tuple[Figures, list[str]]:
    """Figures of a run over large arrays, with the bounds of arrays, and the notes on them."""
    import numpy as np  # late: numbers do not need it

    program, run, notes = point.program, point.run, point.notes
    if request.arithmetic != "float64" and not program.graph.is_opaque:
        from gradcli.evaluation.diagnosis import array_doubts

        upstream_node = program.upstream if request.upstream is None else None
        output = None if point.upstream is None else program.output
        run = bounded_run(point.run, output, point.upstream, upstream_node)
        notes += array_doubts(run, program.output, point.names)

    def figure(node: Any, table: Sequence[Any]) -> Figure:
        shape, number = program.graph.shape(node), table[node]
        if run is point.run:
            return np.broadcast_to(number, shape).tolist(), None
        bound = np.broadcast_to(SLACK * number.error, shape).tolist()
        return np.broadcast_to(number.value, shape).tolist(), bound

    return Figures(
        lambda node: figure(node, run.values),
        lambda node: figure(node, run.gradients),
    ), notes
