"""The pullback of any gate of arrays as a line of code: its row's own text, run on terms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradcli.emit.formula.formulas import Formulas
from gradcli.emit.formula.terms import Term
from gradcli.emit.formula.text import ARRAYS, Writers, formula_text
from gradcli.errors import UsageError
from gradcli.graph.nodes import Graph
from gradcli.syntax.tree import POSTFIX, Phrase


def pullback_text(
    graph: Graph, node: int, k: int, names: dict[int, str], g: str, *, exact: bool
) -> str:
    """What a gate hands on to its operand number k, in our language; `g` is its own gradient.

    An `exact` one calls helpers that code defines. Raises UsageError where it cannot be written.
    """
    formulas = Formulas(exact)
    own = [_term(formulas, graph, operand, names) for operand in graph.operands[node]]
    own.append(formulas.terms.name(names[node], graph.shape(node)))
    wants = tuple(bool(graph.active[operand]) for operand in graph.operands[node])
    pullback = formulas.pullback(graph.gates[node], wants)
    gradients: list[Any] = [formulas.zero] * len(own)
    if pullback is not None:
        out = len(own) - 1
        upstream = formulas.terms.name(g, graph.shape(node))
        pullback(upstream, own, gradients, out, tuple(range(out)))
    return formula_text(gradients[k], IN_CODE if exact else None)


def _term(formulas: Formulas, graph: Graph, operand: int, names: dict[int, str]) -> Any:
    value = graph.constants.get(operand)
    if isinstance(value, float):
        return formulas.terms.number(value)
    if isinstance(value, tuple):
        return value
    if operand not in names:
        raise UsageError("an array of constants cannot be written in a line of code",
                         hint="give it a name")  # fmt: skip
    return formulas.terms.name(names[operand], graph.shape(operand))


def _helper(name: str) -> Callable[..., Phrase]:
    """A helper that is called with its operands, and with the number of its axis."""

    def write(_: Term, parts: list[Phrase], *statics: Any) -> Phrase:
        texts = [text for text, _ in parts]
        texts += [str(axes[0] if len(axes) == 1 else axes) for axes, _ in statics]
        return f"{name}({', '.join(texts)})", POSTFIX

    return write


HELPERS = ("others", "unsort", "resort", "scan", "scanback", "cofactors", "first")
IN_CODE: Writers = {**ARRAYS, **{name: _helper(name) for name in HELPERS}}
