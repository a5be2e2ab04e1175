"""What lines and consumers contribute: numbers, or arrays as wholes.

A small program is judged number by number. A larger one keeps its arrays, and a name's gradient
is one amount.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gradcli.arithmetic.floats import IEEE
from gradcli.engine import Machine
from gradcli.errors import GradcliError
from gradcli.graph.lowering import Lowering, Value
from gradcli.graph.nodes import Graph
from gradcli.syntax import Tree
from gradcli.syntax.tokens import Source

Amount = Any  # a float, a number in many digits, or an array


def total(amounts: Iterable[Amount]) -> Amount:
    """The sum; of floats without rounding on the way."""
    parts = list(amounts)
    return math.fsum(parts) if all(isinstance(part, float) for part in parts) else sum(parts)


def is_finite(amount: Amount) -> bool:
    """Whether every element is finite."""
    if isinstance(amount, float):
        return math.isfinite(amount)
    import numpy as np  # late: numbers do not need it

    return bool(np.isfinite(amount).all())


def flat(amount: Amount) -> list[float]:
    """The elements in order."""
    if isinstance(amount, float):
        return [amount]
    import numpy as np  # late: numbers do not need it

    elements: list[float] = np.ravel(amount).tolist()
    return elements


def in_words(amount: Amount, digits: int = 5) -> str:
    """A number, or how large an array is."""
    if isinstance(amount, float):
        return f"{amount:.{digits}g}"
    return f"an array of norm {math.hypot(*flat(amount)):.{digits}g}"


def evaluated(
    tree: Tree, source: Source, look: Callable[[str], Any], sizes: Mapping[str, Any]
) -> Any:
    """The value of a tree; `look` gives that of a name: a number, nested lists, or an array.

    `sizes` are names that stand for sizes. None if the tree cannot be computed.
    """
    graph = Graph()
    given: dict[str, Any] = {}

    def find(name: str, token: int) -> Value:  # noqa: ARG001  # the lowering's signature
        given[name] = look(name)
        return graph.input(name, shape=shape_of(given[name]))

    try:
        lowering = Lowering(graph, source, given=lambda name: sizes.get(name, "no size"))
        value = lowering.value(tree, {}, find)
    except GradcliError:
        return None
    if not graph.has_arrays:
        inputs = [given[name] for name in graph.inputs]
        return float(Machine(graph, IEEE).run(inputs).values[value])
    import numpy as np  # late: numbers do not need it

    from gradcli.arithmetic.arrays import ARRAYS

    arrays = [np.asarray(given[name], dtype=float)[()] for name in graph.inputs]
    return Machine(graph, ARRAYS).run(arrays).values[value]


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of a number, nested lists, or an array."""
    if isinstance(value, list):
        return (len(value), *shape_of(value[0])) if value else (0,)
    return getattr(value, "shape", ())
