"""The lines of a program's forward and backward pass in a language, before they are laid out."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain
from typing import Any

from gradcli.emit.array_lines import handed_on, summed, target
from gradcli.emit.languages import Language, Writer
from gradcli.emit.numpy_calls import in_numpy
from gradcli.emit.own_lines import OwnLine
from gradcli.emit.pullbacks import pullback_text
from gradcli.emit.staged import chained, gradient_name, guarded, local_text, stage_line
from gradcli.errors import UsageError
from gradcli.evaluation.point import input_values
from gradcli.graph.lowering import Value
from gradcli.reports.circuits import Node, Wire
from gradcli.reports.evaluations import Number
from gradcli.syntax import parse_expression
from gradcli.syntax.tokens import Source
from gradcli.tasks.code_names import Spelling
from gradcli.tasks.staged_circuits import StagedCircuit

CALLED = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\(")
VIEWS = re.compile(r"[\w.]+(\.T|\.reshape\(.*\)|\[.*\])?|np\.(transpose|expand_dims)\(.*\)")


class CodeLines:
    """The lines of a program in a language, before they are laid out."""

    def __init__(
        self, staged: StagedCircuit, language: Language, textbook: bool, batched: bool = False,
        words: Collection[str] = (),
    ) -> None:  # fmt: skip
        self.staged, self.language = staged, language
        self.textbook, self.batched = textbook, batched  # numbers stand for arrays of points
        self.graph, self.circuit = staged.graph, staged.circuit
        spelling = Spelling(staged.code_names, staged.program.inputs, language, words)
        self.names = staged.code_names = spelling.nodes
        self.roots = spelling.inputs  # by name, the inputs as the code calls them
        self.own = staged.own_lines(spelling.words)
        own_names = {name for own in self.own.values() for name in own.names}
        self.writer = Writer(language, staged.graph.table, {*self.names.values(), *own_names})
        self.gates = [node for node in self.circuit.nodes if node.is_gate]
        self.number = {node.id: k for k, node in enumerate(self.gates, 1)}
        self.inputs: dict[str, Number] = input_values(staged.program)
        self.parts = {
            name: self.roots[name]
            if language.has_arrays and isinstance(value, list)
            else self._parts(value)
            for name, value in staged.program.inputs.items()
        }  # an input's name in code, or nested lists of those of its elements
        self.output = self._name(self._node(self.circuit.output))
        self.seed = gradient_name(self.output)
        self.forward = [*map(self._in_library, self._forward())]
        self.backward = [*map(self._in_library, self._backward())]

    def called(self) -> set[str]:
        """The functions that the lines call or define, by the names that code has for them."""
        texts = [*self.forward, *self.backward, *self.writer.helpers.values()]
        return {*self.writer.helpers, *chain.from_iterable(map(CALLED.findall, texts))}

    def _node(self, id: str) -> Node:
        return self.staged.wiring.node[id]

    def _name(self, node: Node) -> str:
        return self.names[self.staged.nodes[node.id]]

    def _parts(self, value: Value) -> Any:
        return [*map(self._parts, value)] if isinstance(value, list) else self.names[value]

    def _in_library(self, line: str) -> str:
        """A line with the functions of the language's library, and the helpers that it takes."""
        written = self.language.in_library(line)
        self.writer.need(written)
        return written

    def comment(self, text: str) -> str:
        """A comment at the end of a line."""
        return f"  {self.language.comment}{text}"

    # ------------------------------------------------------------ lines

    def _forward(self) -> Iterator[str]:
        for node in self.gates:
            place = self.staged.nodes[node.id]
            note = f"({self.number[node.id]})"
            if node.id in self.own:
                yield from self._own(self.own[node.id].forward, f"{note} {node.gate}")
                continue
            name, _, right = stage_line(self.graph, place, self.names).partition(" = ")
            is_whole, is_fixed = self.graph.gates[place].is_structural, not self.graph.active[place]
            text = self._text(OwnLine(name, right, is_whole, is_fixed))
            yield self.language.let.format(name, text) + self.comment(note)

    def _text(self, line: OwnLine) -> str:
        """The right side of a line in the language."""
        if line.is_structural:
            text = self._in_numpy(line.text)
        else:
            text = self.writer.text(parse_expression(Source(line.text)), line.is_fixed)
        return self.language.fixed.format(text) if line.is_fixed else text

    def _own(self, lines: Sequence[OwnLine], note: str) -> Iterator[str]:
        """The lines that the author of a gate wrote."""
        for line in lines:
            yield self.language.let.format(line.name, self._text(line)) + self.comment(note)

    def _backward(self) -> Iterator[str]:
        """A line for every contribution but those that are 0 whatever comes back."""
        seen = {self.output}
        for node in reversed(self.gates):
            if self._name(node) not in seen:
                continue
            wires = [w for w in self.staged.wiring.entering[node.id] if w.contribution is not None]
            if node.id in self.own and wires:
                yield from self._own(self.own[node.id].backward, self._backward_of(node))
            for wire in wires:
                source = self.names[self.graph.operands[self.staged.nodes[node.id]][wire.operand]]
                whole = source.partition("[")[0]
                is_part = source != whole or self._takes_part(node)
                if is_part and whole not in seen:  # the parts are added to zeros
                    yield self.language.let.format(gradient_name(whole), self._zeros_like(whole))
                    seen |= {whole, source}
                line = self._line(node, wire, source in seen or source != whole)
                if line is not None:
                    seen.add(source)
                    yield line
        for name, parts in self.parts.items():
            for leaf in flat(parts):
                if leaf not in seen:
                    yield self.language.let.format(gradient_name(leaf), self._zeros(name))

    def _zeros(self, name: str) -> str:
        """The gradient of an input that the output does not depend on."""
        number = self.inputs[name]
        is_array = isinstance(number, list) and isinstance(self.parts[name], str)
        return self._zeros_like(self.parts[name]) if is_array else "0.0"

    def _zeros_like(self, array: str) -> str:
        return self.language.zeros.format(array)

    def _takes_part(self, node: Node) -> bool:
        """Whether a gate takes a part of an array."""
        return self.graph.gates[self.staged.nodes[node.id]].name == "index"

    def _line(self, node: Node, wire: Wire, is_more: bool) -> str | None:
        graph, place, k = self.graph, self.staged.nodes[node.id], wire.operand
        operand = graph.operands[place][k]
        own, gradient = gradient_name(self._name(node)), gradient_name(self.names[operand])
        note = f"({self.number[node.id]})"
        if node.id in self.own:
            part = self.own[node.id].gradients[k]
            if part is None:
                return None
            told = self.comment(self._backward_of(node))
            return self._added(wire, gradient, self._text(part), is_more) + told
        if graph.gates[place].is_structural:
            return self._structural(wire, own, gradient, is_more) + self.comment(note)
        local, textbook = self._local(place, k)
        if local == "0":
            return None
        product = chained(local, own)
        product = guarded(product, own) if self.staged.is_guarded(wire) else product
        right = self.writer.text(parse_expression(Source(product)))
        right = summed(right, graph.shape(place), graph.shape(operand))
        told = f"{note} local gradient: {textbook}" if textbook else note
        return self._added(wire, gradient, right, is_more) + self.comment(told)

    def _backward_of(self, node: Node) -> str:
        return f"({self.number[node.id]}) backward of {node.gate}"

    def _added(self, wire: Wire, gradient: str, right: str, is_more: bool) -> str:
        """A contribution added to a gradient; the first one is its own array where more follow."""
        is_forked = len(self.staged.wiring.leaving[wire.source]) > 1
        is_array = bool(self._node(wire.source).shape) or self.batched
        if is_forked and not is_more and is_array and VIEWS.fullmatch(right):
            right = f"np.copy({right})"
        whole, _, part = gradient.partition("[")
        if part and is_more:
            return self.language.add_part.format(whole, part.removesuffix("]"), right)
        return (self.language.add if is_more else self.language.let).format(gradient, right)

    def _structural(self, wire: Wire, own: str, gradient: str, is_more: bool) -> str:
        graph, (node, k) = self.graph, self.staged.place(wire)
        place = target(graph, node, gradient)
        if place != gradient:
            part = place.removeprefix(f"{gradient}[").removesuffix("]")
            return self.language.add_part.format(gradient, part, own)
        try:
            right = handed_on(graph, node, k, self.names, own)
        except UsageError:
            right = self._in_numpy(pullback_text(graph, node, k, self.names, own, exact=True))
        return self._added(wire, gradient, right, is_more)

    def _in_numpy(self, text: str) -> str:
        """A gate over whole arrays as numpy spells it, with the helpers that it takes."""
        written, helpers = in_numpy(text)
        for name in helpers:
            if name not in self.language.array_helpers:
                raise UsageError(f"{self.language.name} has no `{name}`", hint="write --lang numpy")
            self.writer.helpers[name] = self.language.array_helpers[name]
        return written

    def _local(self, node: int, k: int) -> tuple[str, str]:
        """The local gradient in our language, and how a lecture writes it where that differs."""
        gate = self.graph.gates[node]
        lecture = _or_none(lambda: local_text(self.graph, node, k, self.names))
        if self.textbook and lecture is not None:
            return lecture, ""
        stable = _or_none(lambda: local_text(self.graph, node, k, self.names, stable=True))
        if stable is None and gate.is_variadic:
            raise UsageError(f"the local gradient of `{gate.name}` cannot be written")
        if stable is None:
            operands = [
                self.names[o] if o in self.names else str(self.graph.constants[o])
                for o in self.graph.operands[node]
            ]
            stable = self.writer.slope(gate, k, [*operands, self.names[node]])
        return stable, "" if lecture in (None, stable) else lecture or ""


def _or_none(write_local: Callable[[], str]) -> str | None:
    try:
        return write_local()
    except UsageError:
        return None


def flat(parts: Any) -> list[Any]:
    """What stands in nested lists, in order."""
    return [*chain.from_iterable(map(flat, parts))] if isinstance(parts, list) else [parts]
