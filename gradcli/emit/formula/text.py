"""A term as text of the language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from math import prod
from typing import Any

from gradcli.emit.formula.terms import BEYOND, NAME_STAGES, TOO_LONG, Term
from gradcli.errors import UsageError
from gradcli.gates.shapes import Shape
from gradcli.gates.table import BUILT_IN
from gradcli.graph.text import gate_phrase, structural_phrase
from gradcli.syntax import spell
from gradcli.syntax.tree import POSTFIX, TERM, UNARY, Phrase, number_phrase

LONGEST = 20_000  # characters of a formula; a longer one is not read by anybody
FEW_DECIMALS = 1000  # of a fraction that is written as a decimal: 0.5, 0.125


def in_order(term: Term, write: Callable[[Term, list[Any]], Any]) -> Any:
    """What `write` makes of a term and of what it made of the term's parts."""
    made: dict[Term, Any] = {}
    todo = [term]
    while todo:
        last = todo[-1]
        waiting = [part for part in last.parts if part not in made]
        if waiting:
            todo += waiting
            continue
        todo.pop()
        if last not in made:
            made[last] = write(last, [made[part] for part in last.parts])
    return made[term]


Writers = Mapping[str, Callable[..., Phrase]]  # of gates that the language does not have


def formula_text(term: Term, writers: Writers | None = None) -> str:
    """The formula of a term. Raises UsageError where it cannot be written, or is endless."""
    return phrase_of(term, ARRAYS if writers is None else writers)[0]


def phrase_of(term: Term, writers: Writers) -> Phrase:
    """The formula, and how tightly it binds."""
    phrase: Phrase = in_order(term, partial(_phrase, writers))
    return phrase


def _phrase(writers: Writers, term: Term, parts: list[Phrase]) -> Phrase:
    if sum(len(text) for text, _ in parts) > LONGEST:
        raise UsageError(TOO_LONG, hint=NAME_STAGES)
    if term.op == "number":
        return number(term.data)
    if term.op == "name":
        return term.data, POSTFIX
    if term.op == "sum":
        return _sum(term, parts, writers)
    if term.op == "product":
        return quotient(Fraction(1), term, parts)
    if term.op == "fill":
        return _filled(term, parts[0])
    return _gate(term, parts, writers)


def number(value: Any) -> Phrase:
    """A number; a fraction that is no short decimal as a quotient."""
    if not isinstance(value, Fraction) or is_decimal(value):
        return number_phrase(of_float64(value))
    return spell("div", [number_phrase(float(n)) for n in (value.numerator, value.denominator)])


def of_float64(value: Any) -> float:
    """A number that code can have. Raises UsageError."""
    try:
        number = float(value)
    except OverflowError:
        raise UsageError(BEYOND, hint=NAME_STAGES) from None
    if value and not number:
        raise UsageError(BEYOND, hint=NAME_STAGES)
    return number


def is_decimal(value: Fraction) -> bool:
    """Whether a number is written as a decimal, and not as a quotient."""
    return FEW_DECIMALS % value.denominator == 0 or value.denominator > FEW_DECIMALS


def _sum(term: Term, parts: list[Phrase], writers: Writers) -> Phrase:
    """A sum; what is added comes before what is taken away, if that comes first."""
    pairs = [*zip(term.data, term.parts, parts, strict=True)]
    first = next((k for k, (factor, _, _) in enumerate(pairs) if factor > 0), 0)
    pairs.insert(0, pairs.pop(first))
    whole: Phrase | None = None
    for factor, part, phrase in pairs:
        shown = _times(factor if whole is None else abs(factor), part, phrase, writers)
        whole = shown if whole is None else spell("sub" if factor < 0 else "add", [whole, shown])
    assert whole is not None
    return whole


def _times(factor: Fraction, part: Term, phrase: Phrase, writers: Writers) -> Phrase:
    """A term times a number."""
    if part.op == "number":
        return number(factor)
    if factor == 1:
        return phrase
    if factor == -1 and not (part.op == "product" and part.data[0] < 0):
        return (f"-{phrase[0]}", UNARY) if phrase[1] >= TERM else spell("neg", [phrase])
    if part.op == "product":
        return quotient(factor, part, [phrase_of(base, writers) for base in part.parts])
    if is_product(part) and (is_decimal(factor) or abs(factor.numerator) != 1):
        above = f"{number(Fraction(factor.numerator))[0]} * {phrase[0]}", TERM
        if is_decimal(factor):
            return f"{number(factor)[0]} * {phrase[0]}", TERM
        return spell("div", [above, number(Fraction(factor.denominator))])
    return quotient(factor, None, [phrase])


def is_product(term: Term) -> bool:
    """Whether a term is a product of matrices, which needs no brackets after a number."""
    return bool(term.op == "gate" and term.data[0] == "matmul")


def quotient(factor: Fraction, term: Term | None, parts: list[Phrase]) -> Phrase:
    """A fraction times powers: what has a negative power stands below."""
    powers = term.data if term else (Fraction(1),) * len(parts)
    above = [_power(p, k) for p, k in zip(parts, powers, strict=True) if k > 0]
    below = [_power(p, -k) for p, k in zip(parts, powers, strict=True) if k < 0]
    is_short = factor.denominator == 1 or factor.denominator > FEW_DECIMALS
    if is_decimal(factor) and (above or is_short):
        is_idle = abs(factor) == 1 and above
        above = above if is_idle else [number(abs(factor)), *above]
    else:
        above = above if factor.numerator in (1, -1) and above else [
            number(Fraction(abs(factor.numerator))), *above
        ]  # fmt: skip
        below = [number(Fraction(factor.denominator)), *below]
    whole = _product(above)
    if below:
        whole = spell("div", [whole, _product(below)])
    return (f"-{whole[0]}", UNARY) if factor < 0 else whole


def _product(phrases: list[Phrase]) -> Phrase:
    whole = phrases[0]
    for phrase in phrases[1:]:
        whole = spell("mul", [whole, phrase])
    return whole


def _power(phrase: Phrase, power: Fraction) -> Phrase:
    if power == 1:
        return phrase
    if power == Fraction(1, 2):
        return f"sqrt({phrase[0]})", POSTFIX
    return spell("pow", [phrase, number(power)])


def _filled(term: Term, phrase: Phrase) -> Phrase:
    sizes = ", ".join(map(str, term.shape))
    if term.parts[0].op == "number" and term.parts[0].data in (0, 1):
        return f"{'ones' if term.parts[0].data else 'zeros'}({sizes})", POSTFIX
    return spell("mul", [phrase, (f"ones({sizes})", POSTFIX)])


def _gate(term: Term, parts: list[Phrase], writers: Writers) -> Phrase:
    name, statics = term.data
    if name in writers:
        return writers[name](term, parts, *statics)
    gate = BUILT_IN.rows.get(name)
    is_placed = name == "take" and statics[0][0].written and (
        writers is not ARRAYS or statics[0][0].written[0] != "earlier"  # which only code defines
    )  # fmt: skip
    is_written = is_placed or name in ("index", "list", "lse")
    if gate is None or (gate.hidden and not is_written):
        known = statics[0][0].written if name == "take" else None
        raise UsageError(f"the formula needs `{known[0] if known else name}`, which the language "
                         "does not have", hint="write code instead: --lang numpy")  # fmt: skip
    if not gate.is_structural:
        return gate_phrase(gate, parts)
    looks = [part.shape for part in term.parts]
    if gate.operands[:1] != ("*xs",) and name != "concatenate":
        return structural_phrase(name, [*parts, *((str(x), POSTFIX) for x in statics)],
                                 [*looks, *statics])  # fmt: skip
    lead = [(str(x), POSTFIX) for x in statics]
    return structural_phrase(name, [*lead, *parts], [*statics, *looks])


def _padded(term: Term, parts: list[Phrase], shape: Shape, at: Any) -> Phrase:
    """A part at its place among zeros."""
    if len(shape) == 1 and term.parts[0] is term.terms.one and not isinstance(at[0], tuple):
        return f"one_hot({at[0] % shape[0]}, {shape[0]})", POSTFIX
    places = [*at, *[(None, None)] * (len(shape) - len(at))]
    widths, kept = [], []
    for place, size in zip(places, shape, strict=True):
        start, stop, _ = (
            slice(*place) if isinstance(place, tuple) else slice(place % size, place % size + 1)
        ).indices(size)
        widths.append((start, size - stop))
        kept.append(stop - start)
    inner = parts[0][0]
    if term.parts[0].shape != tuple(kept):
        inner = f"{inner} * ones{tuple(kept)}" if not term.parts[0].shape else (
            f"reshape({inner}, {tuple(kept)})"
        )  # fmt: skip
    return f"pad({inner}, {tuple(widths) if len(widths) > 1 else widths[0]})", POSTFIX


def _given(term: Term, parts: list[Phrase], shape: Shape, at: Any) -> Phrase:
    """Elements added at their places."""
    (places,) = at
    flat, size = places.flat.reshape(-1).tolist(), prod(shape)
    inner = parts[0][0]
    if len(places.shape) > 1:
        inner = f"{inner}.ravel()" if parts[0][1] >= POSTFIX else f"({inner}).ravel()"
    kept = [k for k, place in enumerate(flat) if place >= 0]
    found = [flat[k] for k in kept]
    if sorted(found) == list(range(size)):  # each comes back once
        made = f"take({inner}, {[kept[found.index(k)] for k in range(size)]})"
    else:
        inner = inner if len(kept) == len(flat) else f"take({inner}, {kept})"
        made = f"scatter({inner}, {found}, {size})"
    return (made if len(shape) == 1 else f"reshape({made}, {shape})"), POSTFIX


def _first(term: Term, parts: list[Phrase], axis: Any) -> Phrase:
    return spell("eq", parts)


ARRAYS: Writers = {
    "scatter": _padded, "give": _given, "first": _first,
    "backsum": lambda term, parts, axis: (
        f"flip(cumsum(flip({parts[0][0]}, axis={axis[0][0]}), axis={axis[0][0]}), "
        f"axis={axis[0][0]})", POSTFIX,
    ),
    "ramp": lambda term, parts, shape: (f"linspace(0, 1, {shape[0]})", POSTFIX),
    "eye": lambda term, parts, shape: (f"eye({', '.join(map(str, shape))})", POSTFIX),
}  # fmt: skip
