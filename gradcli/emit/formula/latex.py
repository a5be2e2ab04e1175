r"""A term in LaTeX: `\frac{x}{y}`, `W^{\top} x`, `\odot` between arrays, `[x > 0]` a condition."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from gradcli.emit.formula.terms import NAME_STAGES, TOO_LONG, Term
from gradcli.emit.formula.text import formula_text, in_order, is_decimal, of_float64
from gradcli.errors import UsageError
from gradcli.gates.shapes import Axis, Shape
from gradcli.graph.text import place_text

# How tightly a text binds: a sum, a product, a power or function, a symbol.
SUM, PRODUCT, POWER, SYMBOL = range(4)
Piece = tuple[str, int]
LONGEST = 20_000  # characters

GREEK = frozenset((
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi",
    "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega",
))  # fmt: skip
FUNCTIONS = {  # names that LaTeX has commands for, and signs
    **{name: rf"\{name}" for name in ("exp", "log", "sin", "cos", "tan", "cot", "sec", "csc",
                                      "sinh", "cosh", "tanh", "max", "min", "det")},
    "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan", "sigmoid": r"\sigma",
    "gamma": r"\Gamma", "digamma": r"\psi", "normcdf": r"\Phi", "normpdf": r"\varphi",
    "sign": r"\operatorname{sgn}", "trace": r"\operatorname{tr}", "amax": r"\max",
    "amin": r"\min", "lse": r"\operatorname{logsumexp}",
}  # fmt: skip
SIGNS = {"lt": "<", "le": r"\le", "gt": ">", "ge": r"\ge", "eq": "=", "ne": r"\ne", "first": "="}


def latex_name(name: str) -> str:
    r"""A name as a symbol: `x_{0}` for x0, `\alpha` for alpha, upright where it is a word."""
    whole, *places = re.split(r"[\[\]]+", name.rstrip("]"))
    match = re.fullmatch(r"([A-Za-z]+?)_?(\d*)", whole)
    word, digits = match.groups() if match else (whole, "")
    word = word.replace("_", r"\_")
    if word in GREEK:
        word = rf"\{word}"
    elif len(word) > 1:
        word = rf"\mathrm{{{word}}}"
    below = ",".join([*([digits] if digits else []), *places])
    return f"{word}_{{{below}}}" if below else word


def formula_latex(term: Term) -> str:
    """The formula of a term. Raises UsageError where it cannot be written."""
    text: str = in_order(term, _piece)[0]
    return text


def _piece(term: Term, parts: list[Piece]) -> Piece:
    if sum(len(text) for text, _ in parts) > LONGEST:
        raise UsageError(TOO_LONG, hint=NAME_STAGES)
    if term.op == "number":
        return _number(term.data)
    if term.op == "name":
        return latex_name(term.data), SYMBOL
    if term.op == "sum":
        return _sum(term, parts)
    if term.op == "product":
        return _product(Fraction(1), term.parts, term.data, parts)
    if term.op == "fill":
        return _filled(term, parts[0])
    name, statics = term.data
    if name in SIGNS:
        left, right = (in_brackets(part, PRODUCT) for part in parts)
        return rf"\left[{left} {SIGNS[name]} {right}\right]", SYMBOL
    if name in ARRAYS:
        return ARRAYS[name](term, parts, *statics)
    return _function(term, name, parts, statics)


def in_brackets(piece: Piece, level: int) -> str:
    """A text, in brackets where it binds less tightly than its place asks for."""
    text, own = piece
    return text if own >= level else rf"\left({text}\right)"


def _number(value: Any) -> Piece:
    if not isinstance(value, Fraction):
        return {"inf": r"\infty", "-inf": r"-\infty"}.get(str(value), r"\mathrm{nan}"), SYMBOL
    if not is_decimal(value):
        sign = "-" * (value < 0)
        return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}", PRODUCT
    text = repr(of_float64(value)).removesuffix(".0")
    mantissa, e, exponent = text.partition("e")
    text = rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if e else text
    return text, SUM if value < 0 else PRODUCT if e else SYMBOL


def _sum(term: Term, parts: list[Piece]) -> Piece:
    pairs = [*zip(term.data, term.parts, parts, strict=True)]
    first = next((k for k, (factor, _, _) in enumerate(pairs) if factor > 0), 0)
    pairs.insert(0, pairs.pop(first))
    texts = []
    for k, (factor, part, piece) in enumerate(pairs):
        sign = ("-" if factor < 0 else "") if not k else (" - " if factor < 0 else " + ")
        texts.append(sign + in_brackets(_times(abs(factor), part, piece), PRODUCT))
    return "".join(texts), SUM if len(texts) > 1 or texts[0][:1] == "-" else PRODUCT


def _times(factor: Fraction, part: Term, piece: Piece) -> Piece:
    if part.op == "number":
        return _number(factor)
    if part.op == "product":
        return _product(factor, part.parts, part.data, [in_order(x, _piece) for x in part.parts])
    return piece if factor == 1 else _product(factor, (part,), (Fraction(1),), [piece])


def _product(
    factor: Fraction, terms: tuple[Term, ...], powers: tuple[Fraction, ...], parts: list[Piece]
) -> Piece:
    """A fraction times powers; what has a negative power stands below a bar."""
    known = [*zip(terms, powers, parts, strict=True)]
    above = _joined([(term, _power(piece, power)) for term, power, piece in known if power > 0])
    divisors = [(term, _power(piece, -power)) for term, power, piece in known if power < 0]
    is_whole = is_decimal(factor) and (above or factor.denominator == 1)
    number = _number(factor if is_whole else Fraction(factor.numerator))[0]
    under = "" if is_whole else str(factor.denominator)
    is_single = not under and len(divisors) == 1  # the bar is bracket enough
    below = divisors[0][1][0] if is_single else _joined(divisors)
    above = rf"{number} \, {above}" if above and number != "1" else above or number
    below = " ".join(filter(None, [under, below]))
    if not below:
        return above, PRODUCT
    return rf"\frac{{{above}}}{{{below}}}", PRODUCT


def _joined(factors: list[tuple[Term, Piece]]) -> str:
    """Factors side by side, numbers before arrays, and a circled dot between arrays."""
    numbers = [piece for term, piece in factors if not term.shape]
    arrays = [piece for term, piece in factors if term.shape]
    level = PRODUCT if len(factors) == 1 else POWER
    sides = [r" \, ".join(in_brackets(piece, level) for piece in numbers),
             r" \odot ".join(in_brackets(piece, level) for piece in arrays)]  # fmt: skip
    return r" \, ".join(filter(None, sides))


def _power(piece: Piece, power: Fraction) -> Piece:
    if power == 1:
        return piece
    if power == Fraction(1, 2):
        return rf"\sqrt{{{piece[0]}}}", SYMBOL
    return f"{in_brackets(piece, SYMBOL)}^{{{_number(power)[0]}}}", POWER


def _filled(term: Term, piece: Piece) -> Piece:
    ones = rf"\mathbf{{1}}_{{{_sizes(term.shape)}}}"
    if term.parts[0] is term.terms.one:
        return ones, SYMBOL
    return f"{in_brackets(piece, POWER)} {ones}", PRODUCT


def _sizes(shape: Shape) -> str:
    return r" \times ".join(map(str, shape))


def _function(term: Term, name: str, parts: list[Piece], statics: tuple[Any, ...]) -> Piece:
    formula_text(term)  # what the language cannot write is refused there
    sign = FUNCTIONS.get(name, rf"\operatorname{{{name.replace('_', chr(92) + '_')}}}")
    if name == "take" and statics[0][0].written:
        function, rest = statics[0][0].written
        inner = f"{parts[0][0]}{rest}" if function else f"{parts[0][0]}; {rest}"
        return rf"\operatorname{{{(function or 'take').replace('_', chr(92) + '_')}}}" \
               rf"\left({inner}\right)", POWER  # fmt: skip
    axis = next((x for x in statics if _is_axis(x)), None)
    if axis is not None and len(axis[0]) < len(term.parts[0].shape):
        sign = f"{sign}_{{{','.join(map(str, axis[0]))}}}"
    return rf"{sign}\left({', '.join(text for text, _ in parts)}\right)", POWER


def _is_axis(static: Any) -> bool:
    return len(static) == 2 and isinstance(static[0], tuple) and isinstance(static[1], bool)


def _sum_along(term: Term, parts: list[Piece], axis: Axis) -> Piece:
    whole = len(axis[0]) == len(term.parts[0].shape)
    sign = r"\sum" if whole else rf"\sum_{{\text{{axis }} {','.join(map(str, axis[0]))}}}"
    return f"{sign} {in_brackets(parts[0], PRODUCT)}", PRODUCT


def _transposed(term: Term, parts: list[Piece], axes: Shape) -> Piece:
    if axes == tuple(reversed(range(len(axes)))):
        return rf"{in_brackets(parts[0], SYMBOL)}^{{\top}}", POWER
    return (
        rf"\operatorname{{transpose}}_{{{','.join(map(str, axes))}}}\left({parts[0][0]}\right)",
        POWER,
    )


def _multiplied(term: Term, parts: list[Piece]) -> Piece:
    """A product of matrices; a vector that is a row stands transposed."""
    left, right = (in_brackets(piece, POWER) for piece in parts)
    if len(term.parts[0].shape) == 1:
        left = rf"{in_brackets(parts[0], SYMBOL)}^{{\top}}"
    return f"{left} {right}", PRODUCT


def _outer(term: Term, parts: list[Piece]) -> Piece:
    left, right = in_brackets(parts[0], POWER), in_brackets(parts[1], SYMBOL)
    return rf"{left} {right}^{{\top}}", PRODUCT


def _indexed(term: Term, parts: list[Piece], at: tuple[Any, ...]) -> Piece:
    return f"{in_brackets(parts[0], SYMBOL)}_{{{', '.join(map(place_text, at))}}}", SYMBOL


def _unit(term: Term, parts: list[Piece], shape: Shape, at: tuple[Any, ...]) -> Piece:
    places = ", ".join(map(place_text, at))
    if term.parts[0] is term.terms.one:
        return rf"\mathbf{{e}}_{{{places}}}", SYMBOL
    return rf"\operatorname{{scatter}}_{{{places}}}\left({parts[0][0]}\right)", POWER


ARRAYS: dict[str, Callable[..., Piece]] = {
    "sum": _sum_along, "transpose": _transposed, "matmul": _multiplied, "outer": _outer,
    "index": _indexed, "scatter": _unit,
    "mean": lambda term, parts, axis: (
        rf"\overline{{{parts[0][0]}}}", SYMBOL,
    ) if len(axis[0]) == len(term.parts[0].shape) else _function(term, "mean", parts, (axis,)),
    "norm": lambda term, parts, axis: (rf"\left\lVert {parts[0][0]} \right\rVert", SYMBOL),
    "abs": lambda term, parts: (rf"\left|{parts[0][0]}\right|", SYMBOL),
    "inv": lambda term, parts: (f"{in_brackets(parts[0], SYMBOL)}^{{-1}}", POWER),
    "pow": lambda term, parts: (f"{in_brackets(parts[0], SYMBOL)}^{{{parts[1][0]}}}", POWER),
    "eye": lambda term, parts, shape: ("I", SYMBOL),
    "give": lambda term, parts, shape, at: (
        rf"\operatorname{{scatter}}\left({parts[0][0]}\right)", POWER,
    ),
    "reshape": lambda term, parts, shape: (
        rf"\operatorname{{reshape}}_{{{_sizes(shape)}}}\left({parts[0][0]}\right)", POWER,
    ),
    "where": lambda term, parts: (
        rf"\begin{{cases}} {parts[1][0]} & {parts[0][0]} \\ {parts[2][0]} & \text{{else}}"
        r" \end{cases}", SYMBOL,
    ),
}  # fmt: skip
