"""The texts of the gate table as error bounds: how far rounding may have moved a gate.

For the row `mul` (operands x and y, local gradients y and x) the float arithmetic gets

    def made(values, errors, node, operands):
        at0, at1, = operands
        x, e_x = values[at0], errors[at0]
        y, e_y = values[at1], errors[at1]
        out = values[node]
        rounding = 1 * unit * abs(out)
        error = rounding
        if e_x:
            error += (abs(y) + e_y) * e_x
        if e_y:
            error += (abs(x) + e_x) * e_y
        errors[node] = error
        return (at0, y, e_y), (at1, x, e_x)

(shortened): the bound on the value, and for every operand the local gradient with a bound of its
own. This is the running error analysis of Wilkinson (Higham, Accuracy and Stability of Numerical
Algorithms, section 3.3), carried through every operation of the texts, with the product of two
errors kept, so that it holds to second order. What no first-order bound can cover makes it
infinite: an operand whose error is not small against the gate's `radius`, a choice that rounding
may have turned. Local gradients that are chosen exactly, and values that are exact, have error 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gradcli.arithmetic.compiler import Compiled, Spelling, texts
from gradcli.gates.row import Gate, GateTable
from gradcli.syntax import Tree

EXACT, ROUNDED, ACTIVE = range(3)  # an operand: a constant; without a gradient; with one

CAUTION = 2.0**-10  # an error above this part of the radius is not small
COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")
# Gates that give 0 at an operand that is not 0, and never because they underflow.
NEVER_UNDERFLOW = {"log", "log2", "log10", "acos", "acosh", "lgamma", "digamma", "logsumexp"}
POWERS_OF_TWO = (0.5, 1.0, 2.0, 4.0)

Term = tuple[str, str]  # Python text of a value, and of its error; "" where it is exact


def slope_name(gate: str, k: int) -> str:
    """What the local gradient of an operand is called in compiled texts."""
    return f"slope{k}_{gate}"


def bound_source(
    gate: Gate, kinds: tuple[int, ...], spelling: Spelling, exactness: set[str]
) -> tuple[Compiled, set[tuple[str, int]]]:
    """The bounds of a gate as a function of (values, errors, node, operands).

    `kinds` says of each operand whether it is EXACT, ROUNDED or ACTIVE; `exactness` names the
    gates of which the arithmetic can tell that a value is exact. Returns the source with the gates
    it calls, and the (gate, operand number) of the slopes it calls.
    """
    writer = _Writer(gate, kinds, spelling, exactness)
    body = writer.variadic() if gate.is_variadic else writer.fixed()
    head = "def made(values, errors, node, operands):"
    return ("\n    ".join([head, *body]), writer.called), writer.slopes


class _Writer:
    """Writes the lines of one function."""

    def __init__(
        self, gate: Gate, kinds: tuple[int, ...], spelling: Spelling, exactness: set[str]
    ) -> None:
        self.gate = gate
        self.kinds = kinds
        self.spelling = spelling
        self.exactness = exactness
        self.called: set[str] = set()
        self.slopes: set[tuple[str, int]] = set()
        self.names: dict[str, Term] = {}
        self.count = 0

    # ---------------------------------------------------------------- functions

    def fixed(self) -> list[str]:
        """The body for a gate with a fixed number of operands."""
        gate, operands = self.gate, self.gate.operands
        places = [f"at{k}" for k in range(len(operands))]
        lines = [f"{', '.join(places)}, = operands"]
        for x, at, kind in zip(operands, places, self.kinds, strict=True):
            lines.append(f"{x} = values[{at}]")
            if kind != EXACT:
                lines.append(f"e_{x} = errors[{at}]")
            self.names[x] = (x, f"e_{x}" if kind != EXACT else "")
        lines += ["out = values[node]", *self._rounding()]
        wanted = [k for k, kind in enumerate(self.kinds) if kind != EXACT and gate.local[k] != "0"]
        if any(_mentions(gate.local[k], "out") for k in wanted):
            lines += self._first_order(wanted)
        locals_: dict[int, Term] = {}
        for k in wanted:
            more, locals_[k] = self._text(gate.local[k])
            lines += more
        lines += self._sum(locals_)
        links = [
            f"(at{k}, {value}, {error or '0.0'})"
            for k, (value, error) in locals_.items()
            if self.kinds[k] == ACTIVE
        ]
        return [*lines, "errors[node] = error", f"return ({', '.join([*links, ''])})"]

    def variadic(self) -> list[str]:
        """The body for a gate of any number of operands, whose slopes are at most 1."""
        gate = self.gate
        active = [k for k, kind in enumerate(self.kinds) if kind == ACTIVE]
        lines = [
            "xs = [values[at] for at in operands]",
            "es = [errors[at] for at in operands]",
            "out = values[node]",
        ]
        if gate.role == "routes":
            return [
                *lines,
                "errors[node], slopes = routed(xs, es, out)",
                f"return tuple([(operands[k], *slopes[k]) for k in {active!r}])",
            ]
        self.names = {"out": ("out", "e_out"), "x": ("x", "e_x")}
        more, (value, error) = self._text(gate.local[0])
        return [
            *lines,
            *self._rounding(),
            "e_out = errors[node] = rounding + sum(es)",
            "links = []",
            f"for k in {active!r}:",
            "    at, x, e_x = operands[k], xs[k], es[k]",
            *(f"    {line}" for line in more),
            f"    links.append((at, {value}, {error or '0.0'}))",
            "return links",
        ]

    def _rounding(self) -> list[str]:
        """The error the gate itself makes in its value."""
        gate, self.names["out"] = self.gate, ("out", "e_out")
        if not gate.ulps:
            lines = ["rounding = 0.0"]
        else:
            lines = [f"rounding = {gate.ulps!r} * unit * abs(out)"]
            if gate.role != "distributes" and gate.name not in NEVER_UNDERFLOW:
                given = [] if gate.is_variadic else list(gate.operands)
                lines += ["if abs(out) < normal" + _unless_zero("out", given) + ":",
                          "    rounding += tiny"]  # fmt: skip
        if gate.name in self.exactness and not gate.is_variadic:
            errors = [error for x in gate.operands if (error := self.names[x][1])]
            exact = f"exact_{gate.name}({', '.join(gate.operands)}, out)"
            self.called.add(f"exact_{gate.name}")
            is_given = f"not ({' or '.join(errors)}) and " if errors else ""
            lines += [f"if {is_given}{exact}:", "    rounding = 0.0"]
        return lines

    def _first_order(self, wanted: list[int]) -> list[str]:
        """`e_out`, for local gradients that are written in terms of the value."""
        lines = ["e_out = rounding"]
        for k in wanted:
            more, (value, _) = self._text(self.gate.local[k], is_plain=True)
            x = self.gate.operands[k]
            lines += [*more, f"if e_{x}:", f"    e_out += abs({value}) * e_{x}"]
        return lines

    def _sum(self, locals_: dict[int, Term]) -> list[str]:
        """`error`: the gate's own rounding and what comes from its operands."""
        gate, lines = self.gate, ["error = rounding"]
        for k, (value, slack) in locals_.items():
            x = gate.operands[k]
            size = f"abs({value}) + {slack}" if slack else f"abs({value})"
            lines += [f"if e_{x}:", f"    size = {size}"]
            if gate.kink:  # the value is continuous where the slope jumps
                others = ", ".join(f"abs({y})" for y in gate.operands)
                self.called.add("max")
                lines.append(f"    if size == inf: size = max([1.0, {others}])")
            lines += ["    if size:", f"        error += size * e_{x} or tiny"]
            radius = gate.radius[k] if gate.radius else "inf"
            if radius != "inf":
                text = f"radius{k}_{gate.name}({', '.join(gate.operands)}, out)"
                self.slopes.add((gate.name, ~k))
                lines += [
                    f"    if e_{x} > {CAUTION!r} * abs({x}) or e_{x} > {CAUTION!r}:",
                    f"        if not e_{x} <= {CAUTION!r} * {text}:",
                    "            error = inf",
                ]
        errors = [error for x in gate.operands if (error := self.names[x][1])]
        if gate.name == "where" and "e_c" in errors:
            lines += ["if e_c and abs(c) <= e_c:", "    error = inf"]
        elif gate.jump and errors:
            self.slopes.add((gate.name, len(gate.operands)))
            text = f"jump_{gate.name}({', '.join(gate.operands)})"
            lines += [f"slack = {' + '.join(errors)}", f"if slack and not abs({text}) > slack:",
                      "    error = inf"]  # fmt: skip
        return lines

    # ---------------------------------------------------------------- texts

    def _text(self, text: str, is_plain: bool = False) -> tuple[list[str], Term]:
        """Lines that compute a text, and where they leave its value and error."""
        lines: list[str] = []
        result: Term = ("0.0", "")
        for target, tree in texts(text):
            more, result = self._emit(_nested(tree), is_plain)
            lines += more
            if target:
                self.names[target] = result
        return lines, result

    def _emit(self, tree: Any, is_plain: bool) -> tuple[list[str], Term]:
        """Lines for one operation after those for its operands; `where` only takes one branch."""
        op, arg, parts = tree
        if op == "number":
            return [], (self.spelling["number"].format(arg), "")
        if op == "name":
            value, error = self.names[arg]
            return [], (value, "" if is_plain else error)
        if op == "where":
            return self._choice(parts, is_plain)
        lines: list[str] = []
        terms: list[Term] = []
        for part in parts:
            more, term = self._emit(part, is_plain)
            lines += more
            terms.append(term)
        self.count += 1
        value, error = f"v{self.count}", f"d{self.count}"
        lines.append(f"{value} = {self._operation(op, [v for v, _ in terms])}")
        if is_plain or op in COMPARISONS:
            return lines, (value, "")
        text = self._error(op, parts, terms, value)
        return ([*lines, f"{error} = {text}"], (value, error)) if text else (lines, (value, ""))

    def _choice(self, parts: list[Any], is_plain: bool) -> tuple[list[str], Term]:
        """A branch of `where`; where rounding may have turned the condition, the error is inf."""
        (op, arg, sides), *branches = parts
        lines: list[str] = []
        terms: list[Term] = []
        for side in sides if op in COMPARISONS else [(op, arg, sides)]:
            more, term = self._emit(side, is_plain)
            lines += more
            terms.append(term)
        values = [v for v, _ in terms]
        test = self._operation(op, values) if op in COMPARISONS else values[0]
        self.count += 1
        value, error = f"v{self.count}", f"d{self.count}"
        for branch, head in zip(branches, (f"if {test}:", "else:"), strict=True):
            more, (v, e) = self._emit(branch, is_plain)
            inner = [*more, f"{value} = {v}", f"{error} = {e or '0.0'}"]
            lines += [head, *(f"    {line}" for line in inner)]
        errors = [e for _, e in terms if e]
        if errors:
            slack = " + ".join(errors)
            lines += [f"if ({slack}) and not abs({' - '.join(values)}) > {slack}:",
                      f"    {error} = inf"]  # fmt: skip
        return lines, (value, "" if is_plain else error)

    def _operation(self, op: str, values: list[str]) -> str:
        template = self.spelling.get(op)
        if template is not None:
            return template.format(*values)
        self.called.add(op)
        table = self.gate.table
        return f"{op}([{', '.join(values)}])" if op in table and table[op].is_variadic else (
            f"{op}({', '.join(values)})"
        )  # fmt: skip

    def _error(self, op: str, parts: list[Any], terms: list[Term], out: str) -> str:
        """The error of an operation on terms, as text; "" where it is exact."""
        (a, e_a), (b, e_b) = terms[0], terms[-1]
        if op in ("neg", "abs"):
            return e_a
        errors = [e for _, e in terms if e]
        if op in ("add", "sub"):
            own = f"unit * abs({out})"
            if not errors and op in self.exactness:  # such as the y - 1 of x**y
                self.called.add(f"exact_{op}")
                own = f"(0.0 if exact_{op}({a}, {b}, {out}) else {own})"
            return " + ".join([*errors, own])
        underflow = f"(tiny if abs({out}) < normal{_unless_zero(out, [a, b])} else 0.0)"
        rounding = [f"unit * abs({out})", underflow]
        if op == "mul":
            factors = [part[1] for part in parts if part[0] == "number"]
            if factors and factors[0] in POWERS_OF_TWO:
                rounding = []
            both = [f"{e_a} * {e_b}"] if e_a and e_b else []
            crossed = [f"abs({y}) * {e}" for y, e in ((b, e_a), (a, e_b)) if e]
            return " + ".join([*crossed, *both, *rounding])
        if op == "div":
            above = [e_a] if e_a else []
            below = [f"abs({out}) * {e_b}"] if e_b else []
            spread = f"({' + '.join([*above, *below])})"
            quotient = [self._operation("div", [spread, f"abs({b})"])] if errors else []
            return " + ".join([*quotient, *rounding])
        gate = self.gate.table[op]
        lost = [f"{gate.ulps!r} * {rounding[0]}", underflow] if gate.ulps else []
        if gate.is_variadic:
            return "" if op == "winner" else " + ".join([*errors, *lost])
        values = ", ".join(v for v, _ in terms)
        for k, (_, error) in enumerate(terms):
            if error and gate.local[k] != "0":
                self.slopes.add((op, k))
                slope = f"{slope_name(op, k)}({values}, {out})"
                lost.append(f"(abs({slope}) * {error} if {error} else 0.0)")
        if gate.jump and errors:
            self.slopes.add((op, len(gate.operands)))
            lost.append(
                f"(0.0 if abs(jump_{op}({values})) > {errors[0]} or not {errors[0]} else inf)"
            )
        return " + ".join(lost)


def _unless_zero(out: str, operands: list[str]) -> str:
    """The rest of a condition: an exact 0 because an operand is 0 has lost nothing."""
    return f" and ({out} or ({' and '.join(operands)}))" if operands else ""


def _mentions(text: str, name: str) -> bool:
    return any(name in tree.args for _, tree in texts(text))


def _nested(tree: Tree) -> Any:
    """A flat tree as (operation, argument, parts); calls by the name of their gate."""
    stack: list[Any] = []
    for op, arg in zip(tree.ops, tree.args, strict=True):
        if op in ("number", "name"):
            stack.append((op, arg, []))
        else:
            name, count = (arg.name, arg.count) if op == "call" else (op, 1 + (op != "neg"))
            parts = stack[-count:]
            stack[-count:] = [(name, None, parts)]
    return stack[0]


def helpers(needed: set[tuple[str, int]], table: GateTable) -> Iterator[tuple[str, Gate, str]]:
    """The functions behind the names of slopes, radii and jumps: (name, gate, text)."""
    for name, k in needed:
        gate = table[name]
        if k < 0:
            yield f"radius{~k}_{name}", gate, gate.radius[~k]
        elif k == len(gate.operands):
            yield f"jump_{name}", gate, gate.jump
        else:
            yield slope_name(name, k), gate, gate.local[k]
