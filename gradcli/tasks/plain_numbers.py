"""Numbers for inputs without a value, where the answer holds for any: a formula, a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import TypeVar

from gradcli.errors import GradcliError, MissingValue
from gradcli.graph.array_calls import ARRAY_FUNCTIONS, ELEMENTWISE
from gradcli.program.model import Program
from gradcli.syntax import statements
from gradcli.syntax.tokens import Source
from gradcli.syntax.tree import Call

T = TypeVar("T")
RANGES = ((0.5, 0.9), (1.1, 1.9), (-0.9, -0.5))  # inside the domain of nearly every gate
OF_ARRAYS = ("matmul", "index", "slice", "list", "attribute", "file", "unpack")


def at_numbers(text: str, error: GradcliError, answer: Callable[[Mapping[str, float]], T]) -> T:
    """What `answer` says where each input without a value has a number.

    Raises `error` where something else is wrong, a name may be misspelt, or the program is one of
    arrays: what shapes these have, nothing tells.
    """
    faults = [error, *error.also]
    names = [e.name for e in faults if isinstance(e, MissingValue) and e.is_forgotten]
    if len(names) == len(faults) and not _is_of_arrays(text):
        rng = Random(0)
        for ends in RANGES:
            try:
                return answer({name: round(rng.uniform(*ends), 2) for name in names})
            except GradcliError:
                continue  # outside the domain
    raise error


def told(program: Program, numbers: Mapping[str, float]) -> Program:
    """The program with a warning that says which numbers were taken."""
    if not numbers:
        return program
    taken = ", ".join(f"{name}={number}" for name, number in numbers.items())
    first = next(iter(numbers))
    words = f"taken as numbers, without a value: {taken} (an array needs one: {first}=randn(3))"
    return program._replace(warnings=[*program.warnings, words])


def _is_of_arrays(text: str) -> bool:
    """Whether the text does something that only arrays are there for."""
    trees = [statement.tree for statement in statements(Source(text)) if statement.tree]
    return any(
        op in OF_ARRAYS or (op == "call" and _is_array_call(argument))
        for tree in trees
        for op, argument in zip(tree.ops, tree.args, strict=True)
    )


def _is_array_call(call: Call) -> bool:
    if call.name in ELEMENTWISE:
        return call.count == 1  # the largest of one thing is that of an array
    return call.name in ARRAY_FUNCTIONS
