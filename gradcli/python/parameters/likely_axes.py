"""What a reading with guessed inputs proves: their axes against those that are likely.

as many axes       what fails accuses, and what is right acquits
fewer              neither: the likely reading stopped elsewhere, and mistakes along them are hidden
more               the shape of a gradient accuses nobody: the code may mean the likely ones
one element        where it is summed over or counted, what is right acquits nobody
no elements        what is computed of them is in no sum
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from gradcli.graph.nodes import Graph
from gradcli.python.parameters.guesses import Guess, Guesser

REDUCTIONS = ("sum", "mean", "max", "min", "var", "std", "prod", "norm", "logsumexp", "softmax",
              "cumsum", "cumprod")  # fmt: skip
WITH_AXES = 2  # operands of a reduction that says its axes


class Unlikely(NamedTuple):
    """The inputs that have not as many axes as is likely."""

    fewer: frozenset[str] = frozenset()
    more: frozenset[str] = frozenset()


def unlikely(guesser: Guesser, guesses: Mapping[str, Guess]) -> Unlikely:
    """The inputs that some guesses give fewer or more axes than is likely."""
    beyond = {
        name: _axes(guess) - likely for name, guess in guesses.items()
        if isinstance(guess, int) or guess == "number"
        if isinstance(likely := guesser.guesses(name)[0], int)
    }  # fmt: skip
    return Unlikely(
        frozenset(name for name, axes in beyond.items() if axes < 0),
        frozenset(name for name, axes in beyond.items() if axes > 0),
    )


def _axes(guess: Guess) -> int:
    """How many axes a guess has, a number none."""
    return guess if isinstance(guess, int) else 0


def reduced_axes(graph: Graph, node: int) -> tuple[int, ...]:
    """The axes that a node says it reduces; none where it reduces all of them, or nothing."""
    operands = graph.operands[node]
    if graph.gates[node].name not in REDUCTIONS or len(operands) != WITH_AXES:
        return ()
    static = graph.constants.get(operands[1])
    axes: Any = static[0] if isinstance(static, tuple) else ()
    return (axes,) if isinstance(axes, int) else axes or ()


def degenerate(reader: Any) -> str | None:
    """What in a reading has one element or none, and hides that a sum or a term is missing."""
    if reader.reads_one:
        return "a size that is read is 1"
    tape = reader.tape
    graph = tape.graph
    for node in range(len(graph)):
        name, operands = graph.gates[node].name, graph.operands[node]
        if 0 in tape.shape(node):
            return "a part has no elements"
        if name in REDUCTIONS and len(operands) == WITH_AXES:
            shape = tape.shape(operands[0])
            summed = [shape[axis] for axis in reduced_axes(graph, node)]
        elif name == "matmul":
            summed = [*tape.shape(operands[0])[-1:]]
        else:
            continue
        if summed and {*summed} == {1}:
            return "a sum has one element"
    return None
