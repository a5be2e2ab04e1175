"""The rows of a circuit's gates as JavaScript, for a page that computes by itself.

For the row `mul` (operands x and y, local gradients y and x) the page gets

    mul: {
      value: ([x, y]) => { return (x * y); },
      local: [
        ([x, y], out) => { return y; },
        ([x, y], out) => { return x; },
      ],
    },

`evaluator.js` has the two loops over such rows, and the functions that no row has a text for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from gradcli.arithmetic.compiler import INFIX, Spelling, Writer
from gradcli.gates.row import Gate, GateTable

SPELLING: Spelling = {
    **{name: template for name, template in INFIX.items() if name not in ("scale", "route")},
    "eq": "({} === {})", "ne": "({} !== {})",
    "where": "(isTrue({0}) ? {1} : {2})",
    "let": "const {} = {};", "each": "...{}", "function": "${}",
}  # fmt: skip
RETURN = "return {};"
_DEFINITION = re.compile(
    r"^(?:const|function) (\$?\w+)(?:[^\n]*;$|.*?^\}$|.*?;$)", re.MULTILINE | re.DOTALL
)
_PRIMITIVE = re.compile(r"^(?:const|function) \$(\w+)", re.MULTILINE)


def evaluator() -> str:
    """The loops and the functions that rows are made of."""
    return Path(__file__).with_name("evaluator.js").read_text("utf-8")


def definitions(names: str) -> dict[str, str]:
    """Functions and constants of `evaluator.js` by name, as code of its own has them."""
    spelled = {"inf": "Infinity", "nan": "NaN"}
    text = re.sub(r"\b(inf|nan)\b", lambda match: spelled[match[1]], evaluator())
    found = {match[1].lstrip("$"): match[0] for match in _DEFINITION.finditer(text)}
    return {name: found[name].replace("$", "") for name in names.split()}


def unknown_gates(gates: Iterable[Gate]) -> list[str]:
    """The gates that JavaScript cannot compute: those of arrays, and opaque ones."""
    known = {*SPELLING, *_PRIMITIVE.findall(evaluator())}
    return [g.name for g in gates if g.is_structural or not (g.forward or g.name in known)]


def gate_rows(gates: Iterable[Gate], table: GateTable) -> str:
    """Rows as a constant GATES, and the gates that their texts call as functions."""
    supplied = {*_PRIMITIVE.findall(evaluator())}
    writer = Writer(SPELLING, table)
    rows = "".join(f"  {gate.name}: {_row(writer, gate)},\n" for gate in gates)
    functions: dict[str, str] = {}
    while waiting := writer.called - functions.keys() - supplied:
        name = min(waiting)
        gate = table[name]
        body = _body(writer, gate.forward)
        functions[name] = f"function ${name}({', '.join(gate.operands)}) {body}\n"
    return f"{''.join(functions.values())}const GATES = {{\n{rows}}};\n"


def _row(writer: Writer, gate: Gate) -> str:
    operands = "xs" if gate.is_variadic else f"[{', '.join(gate.operands)}]"
    value = gate.forward or f"{gate.name}({', '.join(gate.operands)})"
    if gate.is_variadic:
        value = f"{gate.name}(xs)"
    texts: Sequence[str] = gate.local
    lead = "const x = xs[k]; " if gate.is_variadic else ""
    local = "".join(
        f"      ({operands}, out, k) => {_body(writer, text, lead)},\n" for text in texts
    )
    is_routed = ", isRouted: true" if gate.role == "routes" else ""
    return (
        f"{{\n    value: ({operands}) => {_body(writer, value)},\n"
        f"    local: [\n{local}    ]{is_routed},\n  }}"
    )


def _body(writer: Writer, text: str, lead: str = "") -> str:
    return f"{{ {lead}{' '.join(writer.lines(text, RETURN))} }}"
