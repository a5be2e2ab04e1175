"""What inputs are set to: numbers, lists and constant expressions, as a graph of constants.

They stay expressions here; a room further up evaluates them.
"""

from __future__ import annotations

from collections.abc import Callable

from gradcli.errors import BindingError, LimitError
from gradcli.gates import CONSTANTS, FUNCTIONS
from gradcli.graph import Graph
from gradcli.lowering import Lowering, Value, find_constant
from gradcli.program.model import DEEPEST, Setting, is_too_deep
from gradcli.syntax import RESERVED, Tree, parse_expression
from gradcli.syntax.tokens import Source


def check_name(name: str) -> str | None:
    """A warning about the name of an input, if there is one. Raises BindingError."""
    if not name.isascii():
        Source(name, f"{name}=")  # refuses letters that look like others
    if not name.isidentifier() or name in RESERVED:
        raise BindingError(f"`{name}` is not a name", hint="write NAME=VALUE")
    if name in FUNCTIONS:
        raise BindingError(f"`{name}` is a function and cannot be given a value")
    return hides_constant(name)


def hides_constant(name: str) -> str | None:
    """A warning where an input hides pi, tau or e."""
    return f"`{name}` is given a value and hides the constant {name}" if name in CONSTANTS else None


def lower_setting(graph: Graph, name: str, value: Setting, depth: int = 0) -> Value:
    """A value as nodes of a graph of constants. Raises GradcliError."""
    if isinstance(value, str):
        source = Source(value, f"{name}=")
        return lower_constant(graph, name, source, parse_expression(source))
    if isinstance(value, list | tuple):
        if depth >= DEEPEST:
            raise LimitError(f"`{name}`: lists nest at most {DEEPEST} deep")
        return [lower_setting(graph, name, element, depth + 1) for element in value]
    try:
        return graph.constant(float(value))
    except OverflowError:
        raise BindingError(f"`{name}` is too large for float64") from None
    except (TypeError, ValueError):
        if hasattr(value, "tolist"):
            return lower_setting(graph, name, value.tolist())
        raise BindingError(f"`{name}` is {type(value).__name__}, not a number") from None


def lower_constant(graph: Graph, name: str, source: Source, tree: Tree) -> Value:
    """A constant expression as nodes of a graph of constants. Raises GradcliError."""
    graph.begin_statement()
    value = Lowering(graph, source).value(tree, {}, _constants_only(graph, name, source))
    if is_too_deep(value):
        raise LimitError(
            f"`{name}`: lists nest at most {DEEPEST} deep", source.span(tree.starts[-1])
        )
    return value


def _constants_only(graph: Graph, target: str, source: Source) -> Callable[[str, int], Value]:
    def find(name: str, token: int) -> Value:
        number = find_constant(name)
        if number is None:
            raise BindingError(
                f"`{name}` has no value here",
                source.span(token),
                f"`{target}` must be a number or a constant expression",
            )
        return graph.constant(number)

    return find


def parse_constant(name: str, value: Setting, may_be_list: bool = False) -> tuple[Graph, Value]:
    """A number or constant expression as a graph of constants and its node. Raises BindingError."""
    graph = Graph()
    node = lower_setting(graph, name, value)
    if isinstance(node, list) and not may_be_list:
        raise BindingError(f"`{name}` must be one number, this is a list of {len(node)}")
    return graph, node
