"""Lines of LLVM's assembly over vectors of doubles.

A value is the text of an operand: a register such as `%3`, or a constant. Nothing here may be
reordered or contracted: user arithmetic keeps its bits, `fma` stands only where it is written.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence


def bits_of(x: float) -> int:
    """The bits of a double as a whole number."""
    (bits,) = struct.unpack("<Q", struct.pack("<d", x))
    return int(bits)


class Assembly:
    """The lines of one function, on vectors of some width; 1 is a plain number."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.lines: list[str] = []
        self.declared: set[str] = set()  # what the lines call from outside
        self.used: set[str] = set()  # functions of `maths` that are called
        self.wide = f"<{width} x double>" if width > 1 else "double"
        self.whole = f"<{width} x i64>" if width > 1 else "i64"
        self.truth = f"<{width} x i1>" if width > 1 else "i1"
        self._count = 0

    def new(self, text: str) -> str:
        """The register of an instruction."""
        self._count += 1
        self.lines.append(f"  %v{self._count} = {text}")
        return f"%v{self._count}"

    def number(self, x: float | str) -> str:
        """A constant in every lane; a register as it is."""
        if isinstance(x, str):
            return x
        text = f"0x{bits_of(x):016X}"
        return f"splat (double {text})" if self.width > 1 else text

    def bits(self, x: int | str) -> str:
        """A whole constant in every lane; a register as it is."""
        if isinstance(x, str):
            return x
        x &= 2**64 - 1
        return f"splat (i64 {x})" if self.width > 1 else str(x)

    def _binary(self, name: str, a: float | str, b: float | str) -> str:
        return self.new(f"{name} {self.wide} {self.number(a)}, {self.number(b)}")

    def add(self, a: float | str, b: float | str) -> str:
        """A + b."""
        return self._binary("fadd", a, b)

    def sub(self, a: float | str, b: float | str) -> str:
        """A - b."""
        return self._binary("fsub", a, b)

    def mul(self, a: float | str, b: float | str) -> str:
        """A * b."""
        return self._binary("fmul", a, b)

    def div(self, a: float | str, b: float | str) -> str:
        """A / b."""
        return self._binary("fdiv", a, b)

    def neg(self, a: str) -> str:
        """-a."""
        return self.new(f"fneg {self.wide} {a}")

    def compare(self, how: str, a: float | str, b: float | str) -> str:
        """A comparison, such as `olt`; `o` is false of nan, `u` is true."""
        return self.new(f"fcmp {how} {self.wide} {self.number(a)}, {self.number(b)}")

    def select(self, condition: str, a: float | str, b: float | str) -> str:
        """A where the condition holds, else b."""
        a, b = self.number(a), self.number(b)
        return self.new(f"select {self.truth} {condition}, {self.wide} {a}, {self.wide} {b}")

    def either(self, a: str, b: str) -> str:
        """Whether one of two conditions holds."""
        return self.new(f"or {self.truth} {a}, {b}")

    def as_bits(self, a: str) -> str:
        """The bits of doubles."""
        return self.new(f"bitcast {self.wide} {a} to {self.whole}")

    def as_number(self, a: str) -> str:
        """Bits as doubles."""
        return self.new(f"bitcast {self.whole} {a} to {self.wide}")

    def on_bits(self, name: str, a: int | str, b: int | str) -> str:
        """An operation on whole numbers: add, sub, and, or, xor, shl, lshr."""
        return self.new(f"{name} {self.whole} {self.bits(a)}, {self.bits(b)}")

    def intrinsic(self, name: str, *operands: float | str) -> str:
        """A function that LLVM knows: fma, fabs, sqrt, floor, ceil, rint."""
        suffix = f"v{self.width}f64" if self.width > 1 else "f64"
        kinds = ", ".join([self.wide] * len(operands))
        self.declared.add(f"declare {self.wide} @llvm.{name}.{suffix}({kinds})")
        texts = ", ".join([f"{self.wide} {self.number(x)}" for x in operands])
        return self.new(f"call {self.wide} @llvm.{name}.{suffix}({texts})")

    def fma(self, a: float | str, b: float | str, c: float | str) -> str:
        """A * b + c, rounded once."""
        return self.intrinsic("fma", a, b, c)

    def polynomial(self, x: str, coefficients: Sequence[float]) -> str:
        """A polynomial by Horner's rule; coefficients in ascending order."""
        *rest, last = coefficients
        total: float | str = last
        for coefficient in reversed(rest):
            total = self.fma(total, x, coefficient)
        return self.number(total)

    def lane_by_lane(self, name: str, operands: Iterable[float | str]) -> str:
        """A function of the C library, called for each lane."""
        texts = [self.number(x) for x in operands]
        kinds = ", ".join(["double"] * len(texts))
        self.declared.add(f"declare double @{name}({kinds})")
        if self.width == 1:
            return self.new(f"call double @{name}({', '.join(f'double {x}' for x in texts)})")
        result = "poison"
        for lane in range(self.width):
            parts = [self.new(f"extractelement {self.wide} {x}, i64 {lane}") for x in texts]
            value = self.new(f"call double @{name}({', '.join(f'double {x}' for x in parts)})")
            result = self.new(f"insertelement {self.wide} {result}, double {value}, i64 {lane}")
        return result
