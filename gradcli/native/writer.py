"""A straight line of gates as a function in LLVM's assembly: one loop, everything in registers.

    double run(double **inputs, double **outputs, i64 count)     count is at least the width

A turn of the loop takes as many points as a vector has lanes; the last turn overlaps the one
before it. What is returned is 0 if all outputs are finite, else nan. Functions of `maths` stand
beside it, and are merged into it where the gates are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from gradcli.graph.nodes import Graph
from gradcli.native.assembly import Assembly
from gradcli.native.maths import FAR, MATHS

MOST_INLINE = 150  # gates, whose functions are merged into the loop
WIDE, NARROW = 16, 8  # lanes: of few gates, two vectors of AVX-512 at once; else one
COMPARISONS = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq", "ne": "une"}
INTRINSICS = {"abs": "fabs", "sqrt": "sqrt", "floor": "floor", "ceil": "ceil", "round": "rint"}
OPERATORS = {"add": Assembly.add, "sub": Assembly.sub, "mul": Assembly.mul, "div": Assembly.div}
LIBRARY = {  # gates that are called for each lane: by what the C library calls them
    **{name: name for name in (
        "pow", "expm1", "exp2", "log1p", "log2", "log10", "cbrt", "tan", "asin", "acos", "atan",
        "atan2", "sinh", "cosh", "asinh", "acosh", "atanh", "hypot", "erf",
    )},
}  # fmt: skip
CHOICES = ("where", "scale", "max", "min", "winner", "neg")
KNOWN = {*COMPARISONS, *INTRINSICS, *OPERATORS, *LIBRARY, *CHOICES, *MATHS}
BEFORE = "%odd"  # the register of what earlier turns have added up
ATTRIBUTES = 'nounwind "min-legal-vector-width"="512" "prefer-vector-width"="512"'


def unknown_gates(graph: Graph, outputs: Sequence[int]) -> set[str]:
    """The gates of a straight line that have no machine code."""
    reached = graph.reaches(*outputs)
    return {graph.gates[node].name for node in graph.gate_nodes() if reached[node]} - KNOWN


def loop_text(graph: Graph, outputs: Sequence[int], edges: Sequence[int]) -> tuple[str, int]:
    """The module's text, and its width. The inputs are in the order of the graph's.

    The edges are written behind the outputs; they are always finite.
    """
    reached = graph.reaches(*outputs, *edges)
    nodes = [node for node in graph.gate_nodes() if reached[node]]
    is_small = len(nodes) <= MOST_INLINE
    a = Assembly(WIDE if is_small else NARROW)
    gates = _Gates(a, graph)
    for k, node in enumerate(graph.inputs.values()):
        place = a.new(f"getelementptr double, ptr %in{k}, i64 %i")
        gates.texts[node] = a.new(f"load {a.wide}, ptr {place}, align 8")
    for node in nodes:
        gates.add(node)
    for k, node in enumerate([*outputs, *edges]):
        place = a.new(f"getelementptr double, ptr %out{k}, i64 %i")
        a.lines.append(f"  store {a.wide} {gates.number(node)}, ptr {place}, align 8")
    odd = reduce(a.add, [a.sub(x, x) for x in map(gates.number, outputs)], BEFORE)
    functions = [_function(a, name, is_small) for name in sorted(a.used)]
    loop = _loop(a, len(graph.inputs), len(outputs) + len(edges), odd)
    module = [*loop, *functions, *sorted(a.declared),
              f"attributes #0 = {{ {ATTRIBUTES} }}"]  # fmt: skip
    return "\n".join(module), a.width


def point_text(graph: Graph, outputs: Sequence[int]) -> str:
    """The module of `void run(double *inputs, double *outputs)`, for one point.

    Functions are those of the C library, as they are in Python.
    """
    reached = graph.reaches(*outputs)
    a = Assembly(1)
    gates = _Gates(a, graph)
    for k, node in enumerate(graph.inputs.values()):
        place = a.new(f"getelementptr double, ptr %inputs, i64 {k}")
        gates.texts[node] = a.new(f"load double, ptr {place}")
    for node in graph.gate_nodes():
        if reached[node]:
            gates.add(node)
    for k, node in enumerate(outputs):
        place = a.new(f"getelementptr double, ptr %outputs, i64 {k}")
        a.lines.append(f"  store double {gates.number(node)}, ptr {place}")
    head = "define void @run(ptr noalias %inputs, ptr noalias %outputs) nounwind {"
    return "\n".join([head, *a.lines, "  ret void", "}", *sorted(a.declared)])


def _loop(a: Assembly, inputs: int, outputs: int, odd: str) -> list[str]:
    """The function around the lines of one turn, which adds to `odd` what is not finite."""
    total = f"@llvm.vector.reduce.fadd.v{a.width}f64"
    a.declared.add(f"declare double {total}(double, {a.wide})")
    head = []
    for name, count in (("in", inputs), ("out", outputs)):
        for k in range(count):
            head += [
                f"  %{name}{k}_ = getelementptr ptr, ptr %{name}puts, i64 {k}",
                f"  %{name}{k} = load ptr, ptr %{name}{k}_",
            ]
    return [
        "define double @run(ptr noalias %inputs, ptr noalias %outputs, i64 %count) #0 {",
        "entry:",
        *head,
        f"  %last = sub i64 %count, {a.width}",
        "  br label %turn",
        "turn:",
        "  %i = phi i64 [ 0, %entry ], [ %next, %turn ]",
        f"  {BEFORE} = phi {a.wide} [ {a.number(0.0)}, %entry ], [ {odd}, %turn ]",
        *a.lines,
        f"  %on = add i64 %i, {a.width}",
        "  %more = icmp slt i64 %on, %count",
        "  %fits = icmp slt i64 %on, %last",
        "  %next = select i1 %fits, i64 %on, i64 %last",
        "  br i1 %more, label %turn, label %done",
        "done:",
        f"  %sum = call double {total}(double 0.0, {a.wide} {odd})",
        "  ret double %sum",
        "}",
    ]


def _function(around: Assembly, name: str, is_inline: bool) -> str:
    """A function of `maths`; where an operand is too far away, the C library is called."""
    near = Assembly(around.width)
    result = MATHS[name](near, "%x")
    lines = [*near.lines]
    if name in FAR:
        far = Assembly(around.width)
        answer = far.lane_by_lane(name, ["%x"])
        test = Assembly(around.width)
        test._count = 1_000_000  # registers of their own
        is_far = test.compare("ugt", test.intrinsic("fabs", "%x"), FAR[name])
        if around.width > 1:
            reduction = f"@llvm.vector.reduce.or.v{around.width}i1"
            near.declared.add(f"declare i1 {reduction}({test.truth})")
            is_far = test.new(f"call i1 {reduction}({test.truth} {is_far})")
        lines = [*test.lines, f"  br i1 {is_far}, label %far, label %near", "far:",
                 *[line.replace("%v", "%w") for line in far.lines],
                 f"  ret {near.wide} {answer.replace('%v', '%w')}", "near:", *lines]  # fmt: skip
        around.declared |= far.declared | test.declared
    around.declared |= near.declared
    how = "alwaysinline" if is_inline else "noinline"
    head = f"define internal {near.wide} @m_{name}({near.wide} %x) {how} #0 {{"
    return "\n".join([head, "entry:", *lines, f"  ret {near.wide} {result}", "}"])


class _Gates:
    """Writes gates, and knows the register of each."""

    def __init__(self, a: Assembly, graph: Graph) -> None:
        self.a = a
        self.graph = graph
        self.texts: dict[int, float | str] = dict(graph.constants)
        self._truths: dict[int, str] = {}  # comparisons, as conditions

    def number(self, node: int) -> str:
        """A node as a number; a comparison is 1 or 0."""
        if node not in self.texts:
            self.texts[node] = self.a.select(self._truths[node], 1.0, 0.0)
        return self.a.number(self.texts[node])

    def truth(self, node: int) -> str:
        """A node as a condition."""
        if node not in self._truths:
            self._truths[node] = self.a.compare("une", self.number(node), 0.0)
        return self._truths[node]

    def add(self, node: int) -> None:
        """Write the gate of a node."""
        name, operands = self.graph.gates[node].name, self.graph.operands[node]
        if name == "where":
            condition = self.truth(operands[0])
            chosen, other = map(self.number, operands[1:])
            self.texts[node] = self.a.select(condition, chosen, other)
            return
        xs = [self.number(k) for k in operands]
        if name in COMPARISONS:
            self._truths[node] = self.a.compare(COMPARISONS[name], *xs)
        else:
            constants = [self.graph.constants.get(k) for k in operands]
            self.texts[node] = self._value(name, xs, constants)

    def _value(self, name: str, xs: list[str], constants: list[float | None]) -> str:
        a = self.a
        if name in OPERATORS:
            return OPERATORS[name](a, *xs)
        if name in INTRINSICS:
            return a.intrinsic(INTRINSICS[name], *xs)
        if name in MATHS and a.width > 1:
            a.used.add(name)
            return a.new(f"call {a.wide} @m_{name}({a.wide} {xs[0]})")
        if name == "neg":
            return a.neg(xs[0])
        if name == "scale":  # 0 where the gradient is, whatever the slope is
            return a.select(a.compare("oeq", xs[0], 0.0), 0.0, a.mul(*xs))
        if name in ("max", "min"):
            return reduce(lambda x, y: self._extreme(name, x, y), xs)
        if name == "winner":
            return self._winner(*xs)
        if name == "pow" and constants[1] == 2.0:
            return a.mul(xs[0], xs[0])
        if name == "pow" and constants[1] == -1.0:
            return a.div(1.0, xs[0])
        if name == "hypot":
            return reduce(lambda x, y: a.lane_by_lane("hypot", [x, y]), xs, a.number(0.0))
        return a.lane_by_lane(LIBRARY.get(name, name), xs)

    def _extreme(self, name: str, x: str, y: str) -> str:
        """The larger or smaller one; nan if either is."""
        a = self.a
        wins = a.compare("oge" if name == "max" else "ole", x, y)
        return a.select(a.either(wins, a.compare("uno", x, x)), x, y)

    def _winner(self, out: str, *xs: str) -> str:
        """The number of the first operand that equals `out` or is nan; -1 if none."""
        a, number = self.a, self.a.number(-1.0)
        for k, x in reversed([*enumerate(xs)]):
            hit = a.either(a.compare("oeq", x, out), a.compare("uno", x, x))
            number = a.select(hit, float(k), number)
        return number
