"""The arithmetic whose numbers are terms: run on it, the backward pass leaves formulas behind.

Gates hand on their local gradients as a lecture writes them, where these are expressions, and not
in their stable form: a formula is to be read.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

from gradcli.arithmetic.arithmetic import Arithmetic, Forward
from gradcli.arithmetic.compiler import CALLS, texts
from gradcli.emit.formula.arrays import ArrayTerms
from gradcli.emit.formula.terms import Term
from gradcli.errors import GradcliError, UsageError
from gradcli.gates.row import Gate
from gradcli.gates.shapes import FUNCTIONS, broadcast, reduced, swapped
from gradcli.gates.table import CONSTANTS

OPPOSITE = {"lt": "ge", "ge": "lt", "gt": "le", "le": "gt", "eq": "ne", "ne": "eq"}
# Of max and min of two operands: what says that the first wins, and that the second does.
WINS = {"max": ("ge", "lt"), "min": ("le", "gt")}
LOOSE = ("first", "cofactors", "others", "where")  # right but at single points
LINEAR = ("take", "cumsum", "backsum")


class Formulas(Arithmetic):
    """The arithmetic of terms.

    An `exact` one keeps what only counts at single points: the first of equal winners, the
    convention where something is 0. It is meant for code, with a name for each helper.
    """

    def __init__(self, exact: bool = False) -> None:
        self.terms = ArrayTerms()
        self.exact = exact
        constants = {name: self.terms.name(name) for name in CONSTANTS}
        names = {name: self._of_shapes(function) for name, function in FUNCTIONS.items()}
        super().__init__("formulas", {"number": self._number, **constants, **names}, CALLS,
                         self._number)  # fmt: skip
        self._written = _written(self.terms)
        for name in LOOSE if exact else ():
            del self._written[name]

    def _number(self, value: float) -> Term:
        return self.terms.number(value)

    def static(self, value: Any) -> Any:
        """A tuple as it is. Raises UsageError for an array that has no name."""
        if not isinstance(value, tuple):
            raise UsageError("an array of constants cannot be written in a formula",
                             hint="give it a name")  # fmt: skip
        return value

    def _of_shapes(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def of_terms(*operands: Any) -> Any:
            result = function(*[x.shape if isinstance(x, Term) else x for x in operands])
            return self._number(result) if isinstance(result, float) else result

        return of_terms

    def _made(self, gate: Gate) -> Callable[..., Any]:
        """The gate as a function of terms."""
        if gate.is_variadic:
            return lambda xs: self.apply(gate, [*xs])
        return lambda *xs: self.apply(gate, [*xs])

    def forward(self, gate: Gate, count: int) -> Forward:  # any number
        """A gate makes a term of itself; its own text is not looked into."""
        return lambda values, operands: self.apply(gate, [values[k] for k in operands])

    def pullback(self, gate: Gate, active: tuple[bool, ...], shrunk: tuple[bool, ...] = ()) -> Any:
        """The pullback of a gate, by its local gradients as a lecture writes them."""
        return super().pullback(as_lectured(gate), active, shrunk)

    def apply(self, gate: Gate, operands: list[Any]) -> Term:
        """The term of a gate."""
        if gate.name == "randn":
            raise UsageError("random numbers cannot be written in a formula",
                             hint="give them a name: `W = randn(2, 3)`")  # fmt: skip
        write = self._written.get(gate.name)
        operands = [self._number(x) if isinstance(x, (int, float)) else x for x in operands]
        made: Term | None = write(*operands) if write else None
        if made is not None:
            return made
        parts = tuple(x for x in operands if isinstance(x, Term))
        statics = tuple(x for x in operands if not isinstance(x, Term))
        shape = gate.shape(*[x.shape if isinstance(x, Term) else x for x in operands])
        if gate.name in LINEAR:
            return self.terms.linear(gate.name, parts[0], statics, shape)
        if not gate.is_structural:  # what is broadcast in an operand is in the result
            parts = tuple(x.parts[0] if x.op == "fill" else x for x in parts)
            own = gate.shape(*[x.shape for x in parts])
            return self.terms.fill(self.terms.gate(gate.name, parts, statics, own), shape)
        return self.terms.gate(gate.name, parts, statics, shape)


@cache
def as_lectured(gate: Gate) -> Gate:
    """The gate with local gradients as a lecture writes them, where these are expressions."""
    if gate.is_structural or gate.is_variadic:
        return gate
    local = tuple(
        textbook if stable not in ("out", "1", "-1", "0") and _is_plain(gate, textbook) else stable
        for stable, textbook in zip(gate.local, gate.textbook, strict=True)
    )
    return gate if local == gate.local else gate._replace(local=local)


def _is_plain(gate: Gate, text: str) -> bool:
    """Whether a text of a lecture is an expression that texts of the table may be."""
    known = {*gate.operands, "out", *CONSTANTS}
    try:
        ((_, tree),) = texts(text)
    except (GradcliError, ValueError):
        return False
    return all(
        op not in ("if", "text", "list", "tuple") and (op != "name" or arg in known)
        and (op != "call" or arg.name in gate.table)
        for op, arg in zip(tree.ops, tree.args, strict=True)
    )  # fmt: skip


def _written(terms: ArrayTerms) -> dict[str, Callable[..., Any]]:
    """How gates are written as sums, products and other gates; None where they stay as they are."""

    def power(x: Term, y: Term) -> Term | None:
        is_number = y.op == "number" and isinstance(y.data, Fraction)
        return terms.power(x, y.data) if is_number else None

    return {
        "add": terms.add, "sub": lambda x, y: terms.add(x, terms.negative(y)),
        "mul": terms.multiply, "scale": terms.multiply, "div": terms.divide,
        "neg": terms.negative, "copy": lambda x: x, "pow": power,
        "square": lambda x: terms.power(x, Fraction(2)),
        "sqrt": lambda x: terms.power(x, Fraction(1, 2)),
        "reciprocal": lambda x: terms.power(x, Fraction(-1)),
        "matmul": terms.matmul, "mix": terms.matmul, "outer": terms.outer,
        "transpose": terms.transpose, "reshape": terms.reshape, "sum": terms.sum,
        "mean": terms.mean, "spread": terms.spread, "fill": terms.fill, "sum_to": terms.sum_to,
        "where": lambda c, a, b: _choice(terms, c, a, b),
        "index": terms.index, "give": terms.give, "scatter": terms.scatter,
        "first": lambda x, best, axis: terms.gate("first", (x, bare(best)), (axis,), x.shape),
        "cofactors": lambda x: terms.multiply(
            terms.gate("det", (x,), (), x.shape[:-2]),
            terms.transpose(terms.gate("inv", (x,), (), x.shape), swapped(x.shape)),
        ) if len(x.shape) == 2 else None,
        "others": lambda x, axis: terms.divide(terms.spread(
            terms.gate("prod", (x,), (axis,), reduced(x.shape, axis)), x.shape, axis), x),
        "winner": lambda *xs: terms.make("winner", xs),
        **{name: _comparison(terms, name) for name in OPPOSITE},
    }  # fmt: skip


def bare(term: Term) -> Term:
    """A term without its being broadcast."""
    return term.parts[0] if term.op == "fill" else term


def _comparison(terms: ArrayTerms, name: str) -> Callable[[Term, Term], Term | None]:
    """A comparison; of the number of the winner, what says that an operand has won."""

    def compare(x: Term, y: Term) -> Term | None:
        number, other = (x, y) if x.op == "number" else (y, x)
        if other.op == "winner" and name == "eq":
            out, *operands = other.parts
            return _winner(terms, out, operands, int(number.data))
        if x.op == y.op == "number":
            left, right = x.data, y.data
            holds = {"lt": left < right, "le": left <= right, "gt": left > right,
                     "ge": left >= right, "eq": left == right, "ne": left != right}  # fmt: skip
            return terms.number(float(holds[name]))
        return None

    return compare


def _winner(terms: ArrayTerms, out: Term, operands: list[Term], k: int) -> Term:
    shape = broadcast(*[x.shape for x in operands])
    name = out.data[0] if out.op == "gate" else ""
    if len(operands) == 2 and name in WINS:
        made = terms.gate(WINS[name][k], tuple(operands), (), shape)
    else:
        made = terms.gate("eq", (operands[k], out), (), shape)
    return made


def _choice(terms: ArrayTerms, condition: Term, chosen: Term, other: Term) -> Term | None:
    """A choice; one that is between something and 0 is a product with the condition."""
    condition = bare(condition)
    if condition.op == "number":
        return chosen if condition.data else other
    if chosen is other:
        return chosen
    if condition.op != "gate" or condition.data[0] not in (*OPPOSITE, "first"):
        return None
    if _is_zero(chosen) and condition.data[0] == "eq" and _is_zero(condition.parts[1]):
        below = terms.factors(terms.split(bare(other))[1])
        if below.get(terms.thin(condition.parts[0], other.shape), 1) < 0:
            return other  # the convention at a single point
    if _is_zero(other):
        return terms.multiply(condition, chosen)
    if _is_zero(chosen) and condition.data[0] != "first":
        opposite = terms.gate(
            OPPOSITE[condition.data[0]], condition.parts, condition.data[1], condition.shape
        )
        return terms.multiply(opposite, other)
    return None


def _is_zero(term: Term) -> bool:
    inner = bare(term)
    return inner.op == "number" and not inner.data
