"""Written-out forms and better ways to compute them: for `--fuse`, and for advice.

A form is a text of our own language; its names stand for any subexpression. Forms are looked for
from the output down, so that the largest wins, and again in what has been rewritten. A named
stage is a wall: only the names of a form may stand for one.
"""

from __future__ import annotations

from functools import cache, lru_cache

from gradcli.gates.row import CONSTANT, INPUT
from gradcli.gates.table import BUILT_IN
from gradcli.graph.lowering import COMMUTATIVE, Lowering, Value
from gradcli.graph.nodes import Graph, Operands
from gradcli.program.model import Program, ValueClaim, nodes_of
from gradcli.syntax import Tree, parse_expression
from gradcli.syntax.tokens import Source

Forms = tuple[tuple[str, str], ...]

# (form, one gate that computes it). The first that fits is taken.
GATED: Forms = (
    *((row.expansion, f"{row.name}({', '.join(row.operands)})") for row in BUILT_IN
      if row.name in ("sigmoid", "softplus", "logsigmoid", "silu", "gelu")),
    ("1 / (1 + exp(x))", "sigmoid(-x)"),
    ("exp(x) / (1 + exp(x))", "sigmoid(x)"),
    ("log(1 / (1 + exp(-x)))", "logsigmoid(x)"),
    ("log(sigmoid(x))", "logsigmoid(x)"),
    ("1 - sigmoid(x)", "sigmoid(-x)"),
    ("x * sigmoid(x)", "silu(x)"),
    ("(exp(x) - exp(-x)) / (exp(x) + exp(-x))", "tanh(x)"),
    ("(exp(2 * x) - 1) / (exp(2 * x) + 1)", "tanh(x)"),
    ("(1 - exp(-2 * x)) / (1 + exp(-2 * x))", "tanh(x)"),
    ("(exp(x) - 1) / (exp(x) + 1)", "tanh(x / 2)"),
    ("(exp(x) - exp(-x)) / 2", "sinh(x)"),
    ("(exp(x) + exp(-x)) / 2", "cosh(x)"),
    ("exp(x) - 1", "expm1(x)"),
    ("1 - exp(x)", "-expm1(x)"),
    ("log(1 + x)", "log1p(x)"),
    ("log(1 - x)", "log1p(-x)"),
    ("1 - erf(x)", "erfc(x)"),
    ("(1 - cos(x)) / sin(x)", "tan(x / 2)"),
    ("sin(x) / (1 + cos(x))", "tan(x / 2)"),
)  # fmt: skip

# (form, a rewriting that does not lose digits), for advice only.
REWRITTEN: Forms = (
    ("1 - cos(x)", "2 * sin(x / 2)**2"),
    ("cos(x) - 1", "-2 * sin(x / 2)**2"),
    ("sqrt(x) - sqrt(y)", "(x - y) / (sqrt(x) + sqrt(y))"),
    ("sqrt(1 + x) - 1", "x / (sqrt(1 + x) + 1)"),
    ("1 - sqrt(1 - x)", "x / (1 + sqrt(1 - x))"),
    ("sqrt(x + 1) - sqrt(x)", "1 / (sqrt(x + 1) + sqrt(x))"),
    ("sin(x + y) - sin(x)", "2 * cos(x + y / 2) * sin(y / 2)"),
    ("cos(x + y) - cos(x)", "-2 * sin(x + y / 2) * sin(y / 2)"),
    ("log(x + 1) - log(x)", "log1p(1 / x)"),
    ("atan(x + 1) - atan(x)", "atan(1 / (1 + x * (x + 1)))"),
    ("1 / (x + 1) - 1 / x", "-1 / (x * (x + 1))"),
    ("log(x) - log(y)", "log1p((x - y) / y)"),
    ("x**2 - y**2", "(x - y) * (x + y)"),
    ("x * x - y * y", "(x - y) * (x + y)"),
    ("x**2 / y**2", "(x / y)**2"),
    ("exp(x) / exp(y)", "exp(x - y)"),
    ("exp(x) * exp(y)", "exp(x + y)"),
    ("log(exp(x))", "x"),
    ("exp(log(x))", "x"),
    ("sqrt(x)**2", "x"),
    ("x + y - x", "y"),
    ("1 - tanh(x)", "2 * sigmoid(-2 * x)"),
    ("sin(x)**2 + cos(x)**2", "1"),
    ("x / sqrt(1 + x**2)", "x / hypot(1, x)"),
)

MOST_PASSES = 4
LEAVES = (INPUT, CONSTANT)
OF_ANY_LENGTH = {"sqrt", "sub", "neg", "log"}  # the outermost gates of forms with long sums


class Fused:
    """A graph in which forms have been replaced: old -> new nodes, and what was replaced."""

    __slots__ = ("graph", "moved", "used")

    def __init__(self, graph: Graph, moved: dict[int, int], used: list[int]) -> None:
        self.graph = graph
        self.moved = moved
        self.used = used  # the new nodes that took the place of a form


def fused(graph: Graph, keep: list[int], forms: Forms = GATED) -> Fused:
    """The graph with every form replaced that the nodes `keep` or a named stage depend on."""
    moved = {node: node for node in range(len(graph))}
    used: list[int] = []
    for _ in range(MOST_PASSES):
        step = _pass(graph, [moved[node] for node in keep], forms)
        if not step.used:
            break
        graph, used = step.graph, [step.moved[node] for node in used] + step.used
        moved = {old: step.moved[new] for old, new in moved.items() if new in step.moved}
    return Fused(graph, moved, used)


def _pass(graph: Graph, keep: list[int], forms: Forms) -> Fused:
    needed = bytearray(len(graph))
    for node in [*keep, *graph.names]:
        needed[node] = 1
    for node in range(len(graph) - 1, -1, -1):
        for operand in graph.operands[node] if needed[node] else ():
            needed[operand] = 1
    matches = _matches(graph, needed, forms)
    if not matches:
        return Fused(graph, {node: node for node in range(len(graph))}, [])
    new = Graph(graph.table)
    moved: dict[int, int] = {}
    used = []
    for node, (gate, operands) in enumerate(zip(graph.gates, graph.operands, strict=True)):
        token = graph.tokens[node]
        if gate is CONSTANT:
            moved[node] = new.constant(graph.constants[node], token)
        elif gate is INPUT:
            moved[node] = new.input(graph.names[node], token)
        elif node in matches:
            text, subtrees = matches[node]
            new.begin_statement()
            places = {name: moved[k] for name, k in subtrees.items()}
            first = len(new)
            at = Lowering(new, Source(text, "<form>")).value(_tree(text), places, _no_names, token)
            assert isinstance(at, int)
            if node in graph.names:
                at = new.stage(graph.names[node], at, first, token)
            moved[node] = at
            used.append(at)
        else:
            moved[node] = new.add(gate, tuple([moved[k] for k in operands]), token)
            if node in graph.names:
                new.names[moved[node]] = graph.names[node]
    return Fused(new, moved, used)


def _matches(
    graph: Graph, needed: bytearray, forms: Forms
) -> dict[int, tuple[str, dict[str, int]]]:
    """What may stand for the needed nodes that are of some form, the outermost of each."""
    matches: dict[int, tuple[str, dict[str, int]]] = {}
    inside: set[int] = set()  # nodes of forms that are matched already
    by_gate = _by_gate(forms, frozenset([gate.name for gate in graph.gates]))
    outermost = by_gate.keys() | OF_ANY_LENGTH
    for node in range(len(graph) - 1, -1, -1):
        if needed[node] and graph.gates[node].name in outermost and node not in inside:
            match = _replacement(graph, node, by_gate)
            if match is not None:
                matches[node] = match
                inside |= _between(graph, node, set(match[1].values()))
    return matches


def _between(graph: Graph, top: int, ends: set[int]) -> set[int]:
    """The nodes of a form below its top."""
    inside: set[int] = set()
    stack = list(graph.operands[top])
    while stack:
        node = stack.pop()
        if node not in ends and node not in inside and graph.operands[node]:
            inside.add(node)
            stack += graph.operands[node]
    return inside


@lru_cache(maxsize=64)
def _by_gate(forms: Forms, gates: frozenset[str]) -> dict[str, list[tuple[str, str]]]:
    """The forms that have no other gates than these, by their outermost one, in order."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for form, better in forms:
        pattern, root = _pattern(form)
        if not all(gate.name in gates for gate in pattern.gates if gate not in LEAVES):
            continue
        groups.setdefault(pattern.gates[root].name, []).append((form, better))
    return groups


def _replacement(
    graph: Graph, node: int, by_gate: dict[str, list[tuple[str, str]]]
) -> tuple[str, dict[str, int]] | None:
    """The text that may stand for a node, and the nodes its names stand for."""
    for form, better in by_gate.get(graph.gates[node].name, ()):
        subtrees = _match(graph, node, *_pattern(form))
        if subtrees is not None:
            return better, subtrees
    return _norm(graph, node) or _entropy(graph, node) or _log_of_sum(graph, node)


# ---------------------------------------------------------------- sums of any length


def _terms(graph: Graph, node: int) -> list[int]:
    """The terms of an anonymous sum, in order."""
    terms, stack = [], [node]
    while stack:
        at = stack.pop()
        if graph.gates[at].name == "add" and (at == node or at not in graph.names):
            stack += reversed(graph.operands[at])
        else:
            terms.append(at)
    return terms


def _sum_of_exps(graph: Graph, node: int) -> list[int | float] | None:
    """The exponents of a sum of two or more exps; 1 is exp(0)."""
    if node in graph.names or graph.gates[node].name != "add":
        return None
    exponents: list[int | float] = []
    for term in _terms(graph, node):
        if graph.constants.get(term) == 1:
            exponents.append(0.0)
        elif graph.gates[term].name == "exp" and term not in graph.names:
            exponents.append(graph.operands[term][0])
        else:
            return None
    return exponents if any(isinstance(e, int) for e in exponents) else None


def _log_of_sum(graph: Graph, node: int) -> tuple[str, dict[str, int]] | None:
    """log(exp(a) + exp(b) + ...) is logsumexp(a, b, ...)."""
    if graph.gates[node].name != "log":
        return None
    exponents = _sum_of_exps(graph, graph.operands[node][0])
    return None if exponents is None else _listed("logsumexp({})", exponents)


def _entropy(graph: Graph, node: int) -> tuple[str, dict[str, int]] | None:
    """Softmax cross-entropy: logsumexp(a, b, ...) - a, or -log(exp(a) / (exp(a) + ...))."""
    gate, operands = graph.gates[node].name, graph.operands[node]
    if any(k in graph.names and graph.operands[k] for k in operands[:1]):
        return None
    exponents: list[int | float] | None = None
    chosen = -1
    if gate == "sub":
        total, chosen = operands
        if graph.gates[total].name == "log":
            exponents = _sum_of_exps(graph, graph.operands[total][0])
        elif graph.gates[total].name == "logsumexp":
            exponents = list(graph.operands[total])
    elif gate == "neg" and graph.gates[operands[0]].name == "log":
        quotient = graph.operands[operands[0]][0]
        if graph.gates[quotient].name == "div" and quotient not in graph.names:
            above, below = graph.operands[quotient]
            if graph.gates[above].name == "exp" and above not in graph.names:
                exponents, chosen = _sum_of_exps(graph, below), graph.operands[above][0]
    if exponents is None or chosen not in exponents:
        return None
    others = list(exponents)
    others.remove(chosen)
    if len(others) == 1 and isinstance(others[0], int):
        return "softplus(y - x)", {"x": chosen, "y": others[0]}
    text, subtrees = _listed("logsumexp(0, {})", others, minus="x")
    return text, {**subtrees, "x": chosen}


def _norm(graph: Graph, node: int) -> tuple[str, dict[str, int]] | None:
    """sqrt(a*a + b**2 + ...) is hypot(a, b, ...)."""
    if graph.gates[node].name != "sqrt":
        return None
    total = graph.operands[node][0]
    if total in graph.names or graph.gates[total].name != "add":
        return None
    sides: list[int | float] = []
    for term in _terms(graph, total):
        name, operands = graph.gates[term].name, graph.operands[term]
        is_square = (
            name == "square"
            or (name == "mul" and operands[0] == operands[1])
            or (name == "pow" and graph.constants.get(operands[1]) == 2)
        )
        if graph.constants.get(term) == 1:
            sides.append(1.0)
        elif is_square and term not in graph.names:
            sides.append(operands[0])
        else:
            return None
    return _listed("hypot({})", sides)


def _listed(form: str, operands: list[int | float], minus: str = "") -> tuple[str, dict[str, int]]:
    subtrees = {f"u{k}": at for k, at in enumerate(operands) if isinstance(at, int)}
    words = [f"u{k}" if isinstance(at, int) else f"{at:g}" for k, at in enumerate(operands)]
    return form.format(", ".join(f"{w} - {minus}" if minus else w for w in words)), subtrees


# ---------------------------------------------------------------- matching


def _match(graph: Graph, node: int, pattern: Graph, root: int) -> dict[str, int] | None:
    """The nodes that the pattern's inputs stand for; None if the node is not of its form."""
    for swaps in (False, True):
        subtrees = _match_in_order(graph, node, pattern, root, swaps)
        if subtrees is not None:
            return subtrees
    return None


def _match_in_order(
    graph: Graph, node: int, pattern: Graph, root: int, swaps: bool
) -> dict[str, int] | None:
    subtrees: dict[str, int] = {}
    pairs = [(node, root)]
    while pairs:
        here, there = pairs.pop()
        gate, like = graph.gates[here], pattern.gates[there]
        if like is INPUT:
            if subtrees.setdefault(pattern.names[there], here) != here:
                return None
        elif like is CONSTANT:
            if graph.constants.get(here) != pattern.constants[there]:
                return None
        elif gate is not like or (here in graph.names and here != node):
            return None
        else:
            operands: Operands = graph.operands[here]
            others = pattern.operands[there]
            if len(operands) != len(others):
                return None
            if gate.name in COMMUTATIVE and _turned(graph, operands, pattern, others, swaps):
                operands = operands[::-1]
            pairs += zip(operands, others, strict=True)
    return subtrees


def _turned(
    graph: Graph, operands: Operands, pattern: Graph, others: Operands, swaps: bool
) -> bool:
    """Whether the operands of a sum or product stand in the other order than the pattern's."""
    if pattern.gates[others[0]] is CONSTANT:
        return operands[1] in graph.constants
    if pattern.gates[others[1]] is CONSTANT:
        return operands[0] in graph.constants
    expected = [pattern.gates[k].name for k in others]
    actual = [graph.gates[k].name for k in operands]
    if expected[0] == expected[1]:
        return swaps
    fits = [w in ("input", g) for w, g in zip(expected, actual, strict=True)]
    crossed = [w in ("input", g) for w, g in zip(expected, actual[::-1], strict=True)]
    return all(crossed) and (not all(fits) or swaps)


def _no_names(name: str, token: int) -> int:
    raise AssertionError(f"a form names {name}, at token {token}")


@cache
def _tree(text: str) -> Tree:
    return parse_expression(Source(text, "<form>"))


@cache
def _pattern(text: str) -> tuple[Graph, int]:
    graph = Graph()
    root = Lowering(graph, Source(text, "<form>")).value(_tree(text), {}, graph.input)
    assert isinstance(root, int)
    return graph, root


def fused_program(program: Program) -> Program:
    """The program with written-out forms as one gate, without the nodes that are left behind."""
    kept = [program.output, *(program.parts or ()), *nodes_of([*program.claims.values()])]
    for line in program.lines:
        kept += nodes_of([line.value, line.total, *(read.value for read in line.reads.values())])
    kept += [claim.claimed for claim in program.value_claims]
    kept += [] if program.upstream is None else [program.upstream]
    better = fused(program.graph, kept)
    at = better.moved
    graph, left = better.graph.pruned([at[node] for node in kept])
    moved = {node: left[new] for node, new in at.items() if new in left}
    last = max((new for node, new in moved.items() if node < program.forward_nodes), default=-1)

    def translate(value: Value) -> Value:
        return [*map(translate, value)] if isinstance(value, list) else moved[value]

    def table(values: dict[str, Value]) -> dict[str, Value]:
        return {name: translate(value) for name, value in values.items()}

    return program._replace(
        graph=graph,
        output=moved[program.output],
        forward_nodes=last + 1,
        aside={moved[node] for node in program.aside if node in moved},
        inputs=table(program.inputs),
        stages=table(program.stages),
        claims=table(program.claims),
        lines=[line.moved(translate) for line in program.lines],
        value_claims=[
            ValueClaim(claim.name, moved[claim.stage], moved[claim.claimed], claim.token)
            for claim in program.value_claims
        ],
        upstream=None if program.upstream is None else moved[program.upstream],
        parts=program.parts and tuple([moved[node] for node in program.parts]),
        called={},
    )
