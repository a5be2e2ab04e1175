"""The task `code --lang formula`: the derivative by each input as one formula, checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

from gradcli.backward.amounts import rounding_of
from gradcli.emit.formula.formulas import Formulas
from gradcli.emit.formula.latex import formula_latex, latex_name
from gradcli.emit.formula.terms import Term
from gradcli.emit.formula.text import formula_text
from gradcli.emit.staged import gradient_name
from gradcli.engine import Machine, Run, backward
from gradcli.errors import GradcliError, UsageError
from gradcli.evaluation.point import arithmetic_of, inputs_of
from gradcli.program.model import Program
from gradcli.program.reader import read
from gradcli.requests import Request

POINTS = 4  # random points at which a formula is held against the engine
NEAR = 0.2  # how far they are from the inputs, as a part of these
AGREED = 1e-7  # relative to the largest element: formulas cancel where stable forms do not


class Derivatives(NamedTuple):
    """The value of a program and its derivatives, as terms in the names of inputs and stages."""

    value: Term
    output: str
    gradients: dict[str, Term]  # by the names of the graph's inputs
    stages: dict[str, Term]  # what the named stages are, in order
    upstream: str | None  # what the gradient of an array output is called


def formulas_of(program: Program, request: Request, form: str) -> str:
    """The derivatives as text of the language, or in LaTeX.

    Raises UsageError for what cannot be written, or does not agree with the engine.
    """
    derivatives = derivatives_of(program)
    chosen = {
        name: term
        for whole in request.wrt or program.wrt or program.inputs
        for name, term in derivatives.gradients.items() if name.partition("[")[0] == whole
    }  # fmt: skip
    texts = {name: formula_text(term) for name, term in chosen.items()}
    _verify(program, derivatives, texts)
    chosen = {
        element: part for name, term in chosen.items() for element, part in _elements(name, term)
    }
    return (_in_latex if form == "latex" else _in_text)(derivatives, chosen)


def derivatives_of(program: Program) -> Derivatives:
    """The derivatives as terms, of the backward pass run on them."""
    graph, formulas = program.graph, Formulas()
    machine = Machine(graph, formulas)
    values: list[Any] = machine.leaves.copy()
    stages: dict[str, Term] = {}
    for name, node in graph.inputs.items():
        values[node] = formulas.terms.name(name, graph.shape(node))
    for node in graph.ancestors([program.output]):
        forward = machine.forwards[node]
        if forward is None:
            continue
        values[node] = forward(values, graph.operands[node])
        if node in graph.names and node != program.output:
            stages[graph.names[node]] = values[node]
            values[node] = formulas.terms.call(values[node], graph.names[node])
    output = graph.names.get(program.output) or _free_name({*graph.names.values()})
    shape = graph.shape(program.output)
    upstream = gradient_name(output) if shape else None
    run = Run(machine, values)
    backward(run, program.output,
             formulas.terms.name(upstream, shape) if upstream else formulas.terms.one)  # fmt: skip
    gradients = {name: run.gradients[node] for name, node in graph.inputs.items()}
    return Derivatives(values[program.output], output, gradients, stages, upstream)


def _elements(name: str, term: Term) -> list[tuple[str, Term]]:
    """The derivative by an array, or by each of its elements where only these are used."""
    terms = term.terms
    factor, core = terms.split(term)
    parts = terms.summands(term) if core.op == "sum" else [(core, factor)]
    found: dict[tuple[int, ...], Term] = {}
    for part, own in parts:
        is_place = part.op == "gate" and part.data[0] == "scatter" and not part.parts[0].shape
        if not is_place:
            return [(name, term)]
        at = tuple(k % n for k, n in zip(part.data[1][1], term.shape, strict=True))
        found[at] = terms.add(found.get(at, terms.zero), terms.scaled(own, part.parts[0]))
    if len(found) == 1 and parts[0][0].parts[0] is terms.one and len(term.shape) == 1:
        return [(name, term)]
    return [(name + "".join(f"[{k}]" for k in at), found[at]) for at in sorted(found)]


def _free_name(taken: set[str]) -> str:
    """What an output without a name is called."""
    name = "f"
    while name in taken:
        name += "_"
    return name


# ---------------------------------------------------------------- checked


def _verify(program: Program, derivatives: Derivatives, texts: dict[str, str]) -> None:
    """Raise UsageError where a formula is not what the engine computes at random points."""
    graph, random = program.graph, Random(1)
    machine = Machine(graph, arithmetic_of(graph))
    compared = 0
    for _ in range(POINTS):
        point = [_moved(x, random) for x in inputs_of(program)]
        run = machine.run(point)
        shape = graph.shape(program.output)
        upstream = _moved(run.values[program.output] * 0 + 1.0, random) if shape else 1.0
        backward(run, program.output, upstream)
        named = [(name, _plain(run.values[node])) for node, name in graph.names.items()
                 if node < len(run.values)]  # fmt: skip
        if derivatives.upstream:
            named.append((derivatives.upstream, _plain(upstream)))
        room = rounding_of(run.gradients)
        for name, text in texts.items():
            expected = _plain(run.gradients[graph.inputs[name]])
            compared += _agrees(text, named, expected, name, room)
    if not compared:
        raise UsageError("no formula could be checked at random points near these inputs",
                         hint="choose inputs inside the domain")  # fmt: skip


def _agrees(text: str, named: list[tuple[str, Any]], expected: Any, name: str, room: float) -> int:
    """1 where a formula gives what is expected, 0 where nothing finite is to be compared.

    Gradients that cancel may leave as much as `room`.
    """
    try:
        again = read(text, settings=_whole(named))
        value = Machine(again.graph, arithmetic_of(again.graph)).run(inputs_of(again))
    except (GradcliError, ArithmeticError, ValueError) as error:
        raise UsageError(f"the formula of d{name} could not be read back: {error}") from None
    found, true = _flat(_plain(value.values[again.output])), _flat(expected)
    true = true * len(found) if len(true) == 1 else true
    largest = max([abs(x) for x in true], default=0.0)
    if not all(abs(x) < float("inf") for x in (*found, *true)):
        return 0
    off = max([abs(x - y) for x, y in zip(found, true, strict=True)], default=0.0)
    if not off <= AGREED * max(largest, max(map(abs, found), default=0.0)) + room:
        raise UsageError(f"the formula of d{name} does not agree with the engine near this point",
                         hint="write code instead: --lang python")  # fmt: skip
    return 1


def _moved(number: Any, random: Random) -> Any:
    """A number, or an array of them, somewhere near."""
    if not getattr(number, "shape", ()):
        return float(number) * (1 + NEAR * random.uniform(-1, 1)) + 1e-3 * random.uniform(-1, 1)
    moved = number.copy()
    flat = moved.reshape(-1)
    flat[:] = [_moved(x, random) for x in flat]
    return moved


def _plain(number: Any) -> Any:
    return number.tolist() if hasattr(number, "tolist") else number


def _flat(number: Any) -> list[float]:
    return [x for part in number for x in _flat(part)] if isinstance(number, list) else [number]


def _whole(named: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Values by name; elements such as `w[1]` are put together as lists."""
    whole: dict[str, Any] = {}
    for name, value in named:
        base, *places = name.replace("]", "").split("[")
        if not places:
            whole[base] = value
            continue
        level = whole.setdefault(base, [])
        for k, place in enumerate(map(int, places)):
            while len(level) <= place:
                level.append(0.0 if k == len(places) - 1 else [])
            if k == len(places) - 1:
                level[place] = value
            else:
                level = level[place]
    return [*whole.items()]


# ---------------------------------------------------------------- written

ASSURANCE = "checked against the backward pass at random points near the inputs"


def _in_text(derivatives: Derivatives, chosen: dict[str, Term]) -> str:
    lines = [f"# {ASSURANCE}"]
    lines += [f"{name} = {formula_text(term)}" for name, term in _forward(derivatives)]
    lines.append("")
    for name, term in chosen.items():
        label = gradient_name(name) if derivatives.upstream else f"d{derivatives.output}/d{name}"
        lines.append(f"{label} = {formula_text(term)}")
    return "\n".join(lines) + "\n"


def _in_latex(derivatives: Derivatives, chosen: dict[str, Term]) -> str:
    def row(left: str, term: Term) -> str:
        return rf"  {left} &= {formula_latex(term)} \\"

    symbol: Callable[[str], str] = latex_name
    lines = [f"% {ASSURANCE}; needs amsmath", r"\begin{align*}"]
    lines += [row(symbol(name), term) for name, term in _forward(derivatives)]
    for name, term in chosen.items():
        below = rf"\partial {symbol(name)}"
        lines.append(row(rf"\frac{{\partial {symbol(derivatives.output)}}}{{{below}}}"
                         if not derivatives.upstream else rf"\mathrm{{d}}{symbol(name)}",
                         term))  # fmt: skip
    lines[-1] = lines[-1].removesuffix(r" \\")
    return "\n".join([*lines, r"\end{align*}"]) + "\n"


def _forward(derivatives: Derivatives) -> Iterator[tuple[str, Term]]:
    yield from derivatives.stages.items()
    yield derivatives.output, derivatives.value
