"""Terms: expressions that are equal only if they are the same object, simplified as they are made.

    term = number                          a fraction, or what no fraction is: inf and nan
         | name
         | sum      of terms, each times a fraction that is not 0
         | product  of terms, each to a power that is a fraction and not 0
         | gate     of terms and static operands
         | fill     a term that is broadcast to a shape

No sum stands in a sum and no product in a product; a single term times a fraction is a sum. All
terms have a shape, and those of numbers the shape ().
"""

from __future__ import annotations

from fractions import Fraction
from math import isfinite
from typing import Any

from gradcli.gates.shapes import Shape, broadcast

TOO_LONG = "the formula has become too long to be read"
BEYOND = "the formula has numbers beyond float64"
NAME_STAGES = "give stages names: formulas are written in terms of them"
LARGEST = 10**9  # numerators and denominators of the products of numbers that are kept exact


class Term:
    """One term; `data` are the factors of a sum, the powers of a product, a name, a number."""

    __slots__ = ("data", "id", "op", "parts", "shape", "terms")

    def __init__(
        self, terms: Terms, id: int, op: str, parts: tuple[Term, ...], data: Any, shape: Shape
    ) -> None:
        self.terms, self.id, self.op = terms, id, op
        self.parts, self.data, self.shape = parts, data, shape

    def __add__(self, other: Term) -> Term:
        return self.terms.add(self, other)

    def __repr__(self) -> str:
        return f"Term({self.op}, {self.data!r}, {self.parts!r})"


class Terms:
    """Makes terms; equal ones are made once."""

    def __init__(self) -> None:
        self._made: dict[Any, Term] = {}
        self._names: dict[Term, Term] = {}
        self.zero = self.number(0.0)
        self.one = self.number(1.0)

    def make(
        self, op: str, parts: tuple[Term, ...] = (), data: Any = None, shape: Shape = ()
    ) -> Term:
        """A term as it stands, or the name that was given to it.

        Of sums and products in any order the one that was made first stands for all.
        """
        key: Any = (op, parts, data if data == data else "nan", shape)
        if op in ("sum", "product"):
            key = (op, frozenset(zip(parts, data, strict=True)))
        term = self._made.get(key)
        if term is None:
            term = self._made[key] = Term(self, len(self._made), op, parts, data, shape)
        return self._names.get(term, term)

    def number(self, value: float | Fraction) -> Term:
        """A constant."""
        is_exact = isinstance(value, Fraction) or isfinite(value)
        return self.make("number", (), Fraction(value) if is_exact else value)

    def name(self, name: str, shape: Shape = ()) -> Term:
        """An input or a stage."""
        return self.make("name", (), name, shape)

    def call(self, term: Term, name: str) -> Term:
        """Give a term a name, which stands for it from now on."""
        named = self.name(name, term.shape)
        if term.op not in ("number", "name", "fill"):
            self._names[term] = named
        return named

    def fill(self, term: Term, shape: Shape) -> Term:
        """A term broadcast to a shape."""
        if term.op == "fill":
            (term,) = term.parts
        return term if term.shape == shape else self.make("fill", (term,), None, shape)

    # ---------------------------------------------------------------- sums

    def split(self, term: Term) -> tuple[Fraction, Term]:
        """A term as a fraction times another."""
        if term.op == "number" and isinstance(term.data, Fraction):
            return term.data, self.one
        if term.op == "sum" and len(term.parts) == 1:
            return term.data[0], term.parts[0]
        return Fraction(1), term

    def scaled(self, factor: Fraction, term: Term) -> Term:
        """A fraction times a term."""
        if term.op == "fill":
            return self.fill(self.scaled(factor, term.parts[0]), term.shape)
        if not factor:
            return self.fill(self.zero, term.shape)
        if factor == 1:
            return term
        if term.op == "number":
            if isinstance(term.data, Fraction):
                return self.number(product_of(factor, term.data))
            return self.number(term.data if factor > 0 else -term.data)  # inf, or nan
        if factor == -1 and term.op == "sum":
            opposite = {part: -own for part, own in zip(term.parts, term.data, strict=True)}
            return self._sum(opposite, term.shape)
        own, core = self.split(term)
        factor = product_of(factor, own)
        return core if factor == 1 else self.make("sum", (core,), (factor,), core.shape)

    def add(self, left: Term, right: Term) -> Term:
        """The sum of two terms."""
        shape = broadcast(left.shape, right.shape)
        total: dict[Term, Fraction] = {}
        for term in (left, right):
            for part, factor in self.summands(self.thin(term, shape)):
                core = self.thin(part, shape)
                total[core] = total.get(core, Fraction(0)) + factor
        return self._sum(total, shape)

    def summands(self, term: Term) -> list[tuple[Term, Fraction]]:
        """The terms of a sum, and their factors."""
        factor, core = self.split(term)
        if core.op != "sum":
            return [(core, factor)]
        return [(c, product_of(factor, f)) for c, f in zip(core.parts, core.data, strict=True)]

    def thin(self, term: Term, shape: Shape) -> Term:
        """A term without what broadcasting to a shape does by itself."""
        return term.parts[0] if term.op == "fill" and shape else term

    def _sum(self, total: dict[Term, Fraction], shape: Shape) -> Term:
        """The sum of terms times fractions; a size that all fractions have is taken out."""
        pairs = [(core, factor) for core, factor in total.items() if factor]
        own: Shape = broadcast(*[core.shape for core, _ in pairs]) if pairs else ()
        if not pairs:
            made = self.zero
        elif pairs[0][0] is self.one and len(pairs) == 1:
            made = self.number(pairs[0][1])
        elif len(pairs) == 1 and pairs[0][1] == 1:
            made = pairs[0][0]
        else:
            size = abs(pairs[0][1]) if len({abs(factor) for _, factor in pairs}) == 1 else 1
            cores, factors = zip(*[(core, factor / size) for core, factor in pairs], strict=True)
            if len(cores) == 1:
                made = self.make("sum", cores, (pairs[0][1],), own)
            else:
                made = self.scaled(Fraction(size), self.make("sum", cores, factors, own))
        return self.fill(made, shape)

    # ---------------------------------------------------------------- products

    def multiply(self, left: Term, right: Term) -> Term:
        """The product of two terms, element by element."""
        shape = broadcast(left.shape, right.shape)
        factor = Fraction(1)
        powers: dict[Term, Fraction] = {}
        for term in (left, right):
            own, core = self.split(self.thin(term, shape))
            factor = product_of(factor, own)
            for part, power in self.factors(core).items():
                base = self.thin(part, shape)
                powers[base] = powers.get(base, Fraction(0)) + power
        return self.fill(self.scaled(factor, self._product(powers)), shape)

    def factors(self, term: Term) -> dict[Term, Fraction]:
        """The factors of a term without a fraction before it, and their powers."""
        if term is self.one:
            return {}
        if term.op == "product":
            return dict(zip(term.parts, term.data, strict=True))
        return {term: Fraction(1)}

    def _product(self, powers: dict[Term, Fraction]) -> Term:
        self._join_powers(powers)
        pairs = sorted(
            ((base, power) for base, power in powers.items() if power),
            key=lambda pair: (pair[0].op != "name", pair[0].id),
        )
        if not pairs:
            return self.one
        if len(pairs) == 1 and pairs[0][1] == 1:
            return pairs[0][0]
        bases, exponents = zip(*pairs, strict=True)
        return self.make("product", bases, exponents, broadcast(*[base.shape for base in bases]))

    def _join_powers(self, powers: dict[Term, Fraction]) -> None:
        """Make one power of those of one base: `x**y` of x * x**(y - 1)."""
        for term, power in [*powers.items()]:
            if power != 1 or term.op != "gate" or term.data[0] != "pow":
                continue
            base, exponent = term.parts
            number = powers.get(base, Fraction(0))
            if number and base.shape == term.shape:
                whole = self.add(exponent, self.number(number))
                del powers[term], powers[base]
                joined = self.make("gate", (base, whole), term.data, term.shape)
                powers[joined] = powers.get(joined, Fraction(0)) + 1

    def power(self, base: Term, exponent: Fraction) -> Term:
        """A term to a power that is a number."""
        if exponent == 1:
            return base
        if base.op == "fill":
            return self.fill(self.power(base.parts[0], exponent), base.shape)
        factor, core = self.split(base)
        if exponent.denominator == 1 and factor and abs(exponent) < LARGEST:
            number = Fraction(1)
            for _ in range(min(abs(int(exponent)), 64)):
                number = product_of(number, factor)
            if abs(exponent) <= 64:
                number = number if exponent > 0 else 1 / number
                powers = {b: p * exponent for b, p in self.factors(core).items()}
                return self.scaled(number, self._product(powers))
        return self._product({base: exponent})

    def scalars(self, term: Term) -> tuple[Term, Term]:
        """A term as a number times an array; the number may depend on inputs."""
        factor, core = self.split(term)
        if core.op != "product" or not term.shape:
            return self.number(factor), core
        powers = self.factors(core)
        single = {base: power for base, power in powers.items() if not base.shape}
        whole = {base: power for base, power in powers.items() if base.shape}
        return self.scaled(factor, self._product(single)), self._product(whole)

    def negative(self, term: Term) -> Term:
        """A term with the other sign."""
        return self.scaled(Fraction(-1), term)

    def divide(self, left: Term, right: Term) -> Term:
        """The quotient of two terms, element by element."""
        return self.multiply(left, self.power(right, Fraction(-1)))


def product_of(left: Fraction, right: Fraction) -> Fraction:
    """A product of numbers, rounded as floats are where it would be a long fraction."""
    product = left * right
    if product.denominator < LARGEST and abs(product.numerator) < LARGEST:
        return product
    try:
        return Fraction(float(left) * float(right)) or product
    except OverflowError:
        return product
