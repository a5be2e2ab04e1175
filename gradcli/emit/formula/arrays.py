"""Terms of arrays: products of matrices, sums along axes, what is broadcast and turned.

Numbers are taken out of what is linear, a transposed product is turned into the product of what
is transposed, and the rows and columns that a vector was promoted to are given up again.
"""

from __future__ import annotations

from math import prod
from typing import Any

from gradcli.emit.formula.terms import Term, Terms
from gradcli.gates.shapes import Axis, Shape, matmul, normal_axes, permuted, reduced
from gradcli.gates.shapes import index as place

REDUCTIONS = ("sum", "mean", "var", "std", "prod", "norm", "lse", "amax", "amin")


class ArrayTerms(Terms):
    """Makes terms of arrays."""

    def gate(
        self, name: str, parts: tuple[Term, ...], statics: tuple[Any, ...], shape: Shape
    ) -> Term:
        """A gate as it stands; static operands are not compared, but as they are written."""
        return self.make("gate", parts, (name, statics), shape)

    def linear(self, name: str, term: Term, statics: tuple[Any, ...], shape: Shape) -> Term:
        """A gate that is linear in its one operand: numbers are taken out of it."""
        number, core = self.scalars(term)
        return self.multiply(number, self.gate(name, (core,), statics, shape))

    def is_gate(self, term: Term, name: str) -> bool:
        """Whether a term is a gate of some name."""
        return term.op == "gate" and bool(term.data[0] == name)

    def thin(self, term: Term, shape: Shape) -> Term:
        """A term without what broadcasting to a shape does by itself."""
        term = super().thin(term, shape)
        if self.is_gate(term, "reshape") and shape != term.shape:
            inner = term.parts[0]
            ones = (1,) * (len(term.shape) - len(inner.shape))
            term = inner if term.shape == ones + inner.shape else term
        if term.shape == shape or not self.is_reduction(term):
            return term
        axes, is_kept = term.data[1][0]
        is_leading = axes == tuple(range(len(axes)))
        return self.reduction(term, False) if is_kept and is_leading else term

    def is_reduction(self, term: Term) -> bool:
        """Whether a term is a reduction along axes."""
        return term.op == "gate" and term.data[0] in REDUCTIONS

    def reduction(self, term: Term, is_kept: bool) -> Term:
        """A reduction whose axes are kept with size 1, or not."""
        name, ((axes, _),) = term.data
        shape = reduced(term.parts[0].shape, (axes, is_kept))
        return self.gate(name, term.parts, ((axes, is_kept),), shape)

    def multiply(self, left: Term, right: Term) -> Term:
        """The product; times an array that is 0 but in one place, that place alone counts."""
        for one, other in ((left, right), (right, left)):
            number, core = self.scalars(one)
            if self.is_gate(core, "scatter") and other.shape == core.shape:
                inner = self.multiply(core.parts[0], self.index(other, core.data[1][1]))
                return self.multiply(number, self.scatter(inner, *core.data[1]))
            if core.op == "sum" and any(self.is_gate(part, "scatter") for part in core.parts):
                return self._distributed(core, self.multiply(number, other))
        return super().multiply(left, right)

    def _distributed(self, total: Term, factor: Term) -> Term:
        """A sum times a factor, term by term."""
        whole = self.fill(self.zero, total.shape)
        for part, own in zip(total.parts, total.data, strict=True):
            whole = self.add(whole, self.scaled(own, self.multiply(part, factor)))
        return whole

    def index(self, term: Term, at: tuple[Any, ...]) -> Term:
        """A part of an array; of a product of arrays the product of their parts."""
        shape = place(term.shape, at)
        if term.op == "fill" and not term.parts[0].shape:
            return self.fill(term.parts[0], shape)
        number, core = self.scalars(term)
        if number is not self.one:
            return self.multiply(number, self.index(core, at))
        if core.op == "product" and all(part.shape in ((), core.shape) for part in core.parts):
            whole = self.one
            for base, power in self.factors(core).items():
                part = self.index(base, at) if base.shape else base
                whole = self.multiply(whole, self.power(part, power))
            return whole
        return self.gate("index", (term,), (at,), shape)

    def scatter(self, term: Term, shape: Shape, at: tuple[Any, ...]) -> Term:
        """Zeros with a term at a place."""
        if term is self.zero:
            return self.fill(term, shape)
        number, core = self.scalars(term)
        if not term.shape:
            factor, core = self.split(term)
            number = self.number(factor)
        return super().multiply(number, self.gate("scatter", (core,), (shape, at), shape))

    def give(self, term: Term, shape: Shape, at: tuple[Any, ...]) -> Term:
        """Elements given back to their places; some moves undo themselves."""
        (places,) = at
        if places.shape == shape and places.written:
            flat = places.flat.reshape(-1)
            if all(place < 0 or flat[place] == k for k, place in enumerate(flat)):
                return self.linear("take", term, (at,), shape)
        return self.linear("give", term, (shape, at), shape)

    # ---------------------------------------------------------------- shapes

    def transpose(self, term: Term, axes: Shape) -> Term:
        """The axes in another order."""
        shape = permuted(term.shape, axes)
        if axes == tuple(range(len(axes))):
            return term
        if term.op == "fill":
            inner = term.parts[0]
            turned = inner if not inner.shape or len(inner.shape) < len(axes) else (
                self.transpose(inner, axes)
            )  # fmt: skip
            if turned is not inner or not inner.shape:
                return self.fill(turned, shape)
        number, core = self.scalars(term)
        if number is not self.one:
            return self.multiply(number, self.transpose(core, axes))
        if self.is_gate(term, "transpose"):
            (earlier,) = term.data[1]
            return self.transpose(term.parts[0], tuple(earlier[k] for k in axes))
        if self.is_gate(term, "eye") and axes == (1, 0):
            return term
        if self.is_gate(term, "outer"):
            return self.outer(*reversed(term.parts))
        if self.is_gate(term, "reshape") and sorted(shape)[:-1] == [1] * (len(shape) - 1):
            return self.reshape(term.parts[0], shape)
        if self.is_gate(term, "matmul") and axes == (1, 0) and self._are_matrices(term):
            left, right = term.parts
            return self.matmul(self.transpose(right, axes), self.transpose(left, axes))
        return self.gate("transpose", (term,), (axes,), shape)

    def _are_matrices(self, product: Term) -> bool:
        return all(len(part.shape) == 2 for part in product.parts)

    def reshape(self, term: Term, shape: Shape) -> Term:
        """The elements in another shape."""
        if term.shape == shape:
            return term
        if not term.shape or (term.op == "fill" and not term.parts[0].shape):
            return self.fill(term, shape)
        number, core = self.scalars(term)
        if number is not self.one:
            return self.multiply(number, self.reshape(core, shape))
        if self.is_gate(term, "reshape"):
            return self.reshape(term.parts[0], shape)
        if self.is_reduction(term):
            ((axes, is_kept),) = term.data[1]
            if reduced(term.parts[0].shape, (axes, not is_kept)) == shape:
                return self.reduction(term, not is_kept)
        if not shape:
            return self.index(term, (0,) * len(term.shape))
        if self.is_gate(term, "matmul") and len(shape) == 1 and self._are_matrices(term):
            left, right = (self._vector(part) for part in term.parts)
            if right is not None and term.shape[1] == 1:
                return self.matmul(term.parts[0], right)
            if left is not None and term.shape[0] == 1:
                return self.matmul(left, term.parts[1])
        return self.gate("reshape", (term,), (shape,), shape)

    def _vector(self, term: Term) -> Term | None:
        """The vector that was made a row or a column."""
        if self.is_gate(term, "reshape") and len(term.parts[0].shape) == 1:
            return term.parts[0]
        if term.op == "fill" and not term.parts[0].shape and 1 in term.shape:
            return self.fill(term.parts[0], (prod(term.shape),))
        return None

    def spread(self, term: Term, shape: Shape, axis: Axis) -> Term:
        """Undo a reduction: each result stands wherever an element was that it came from."""
        if term.op == "fill":
            term = term.parts[0] if not term.parts[0].shape else term
        if not term.shape:
            return self.fill(term, shape)
        return self.fill(self.reshape(term, reduced(shape, (axis[0], True))), shape)

    def sum_to(self, term: Term, shape: Shape) -> Term:
        """Undo a broadcast: the sum over all that one element was repeated for."""
        if term.shape == shape:
            return term
        lead = len(term.shape) - len(shape)
        axes = tuple(
            k for k, n in enumerate(term.shape)
            if k < lead or (shape[k - lead] == 1 and n != 1)
        )  # fmt: skip
        return self.reshape(self.sum(term, (axes, True)), shape)

    def sum(self, term: Term, axis: Axis) -> Term:
        """The sum along axes."""
        axes, is_kept = axis
        shape = reduced(term.shape, axis)
        if not axes:
            return term
        if term.op == "fill":
            inner = term.parts[0]
            lead = len(term.shape) - len(inner.shape)
            if all(k < lead or inner.shape[k - lead] == 1 for k in axes):
                count = self.number(float(prod(term.shape[k] for k in axes)))
                kept = self.fill(self.multiply(count, inner), reduced(term.shape, (axes, True)))
                return self.reshape(kept, shape) if kept.op != "fill" or inner.shape else (
                    self.fill(self.multiply(count, inner), shape)
                )  # fmt: skip
        number, core = self.scalars(term)
        if number is not self.one:
            return self.multiply(number, self.sum(core, axis))
        if self.is_gate(term, "scatter") and len(axes) == len(term.shape) and not is_kept:
            return self.sum(term.parts[0], (normal_axes(None, len(term.parts[0].shape)), False))
        if self.is_gate(term, "scatter") and len(axes) == len(term.shape):
            return self.reshape(self.sum(term, (axes, False)), shape)
        if self.is_gate(term, "sum") and len(axes) == len(term.shape):
            ((_, was_kept),) = term.data[1]
            if not was_kept and not is_kept:
                return self.sum(term.parts[0], (normal_axes(None, len(term.parts[0].shape)), False))
        return self.gate("sum", (term,), ((axes, is_kept),), shape)

    def mean(self, term: Term, axis: Axis) -> Term:
        """The mean along axes; of what is away from its mean it is 0."""
        axes, _ = axis
        shape = reduced(term.shape, axis)
        bare = term.parts[0] if term.op == "fill" else term
        if not bare.shape:
            return self.fill(bare, shape)
        number, core = self.scalars(term)
        if number is not self.one:
            return self.multiply(number, self.mean(core, axis))
        if core.op == "sum" and core.data == (1, -1) and core.parts[0].shape == core.shape:
            whole, away = core.parts
            middle = self.thin(self.mean(whole, (axes, True)), core.shape)
            if away is middle:
                return self.fill(self.zero, shape)
        return self.gate("mean", (term,), (axis,), shape)

    # ---------------------------------------------------------------- products

    def matmul(self, left: Term, right: Term) -> Term:
        """The matrix product."""
        shape = matmul(left.shape, right.shape)
        numbers, cores = zip(*map(self.scalars, (left, right)), strict=True)
        number = self.multiply(*numbers)
        if number is self.zero:
            return self.fill(number, shape)
        if number is not self.one:
            return self.multiply(number, self.matmul(*cores))
        for one, other in ((left, right), (right, left)):
            if one.shape == (1, 1) and one.op == "fill" and not one.parts[0].shape:
                return self.fill(self.multiply(one.parts[0], other), shape)
        sides = self._vector(left), self._vector(right)
        if left.shape[1:] == (1,) and right.shape[:1] == (1,) and None not in sides:
            return self.outer(*sides)  # type: ignore[arg-type]  # neither is None
        if len(left.shape) == 1 and self.is_gate(right, "transpose") and len(right.shape) == 2:
            return self.matmul(right.parts[0], left)
        if self.is_gate(left, "eye") and left.shape[0] == left.shape[1]:
            return right
        return self.gate("matmul", (left, right), (), shape)

    def outer(self, left: Term, right: Term) -> Term:
        """The product of each element of one with each of the other."""
        numbers, cores = zip(*map(self.scalars, (left, right)), strict=True)
        shape = (prod(left.shape), prod(right.shape))
        return self.multiply(self.multiply(*numbers), self.gate("outer", cores, (), shape))
