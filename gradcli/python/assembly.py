"""A subject that was driven, as the flat Program that everything else reads."""

from __future__ import annotations

from bisect import bisect_right
from collections import ChainMap, defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from gradcli.errors import Span
from gradcli.graph.nodes import Graph
from gradcli.program.gradient_lines import GradientLine, Read
from gradcli.program.model import Decision, Program
from gradcli.program.shape_words import shape_advice
from gradcli.python.driving.driven import Driven
from gradcli.python.driving.held import Claim, Mapped
from gradcli.python.phrases import Phrase, phrase
from gradcli.python.state.missing import Unclaimed
from gradcli.python.state.reader import Assigned
from gradcli.python.state.source import PythonFault
from gradcli.python.state.values import Array, Instance, Scope
from gradcli.python.subjects.subjects import Subject
from gradcli.syntax import Statement

MOST_SPARE = 6  # values that no line reads, and that one might have read


class Misshapen(PythonFault):
    """A gradient whose shape is not that of what it is the gradient of."""

    kind = "shape"

    def __init__(
        self, message: str, span: Span, hint: str | None, result: str,
        mistake: str | None = None, repair: str | None = None, of: str = "",
        shapes: tuple[tuple[int, ...], ...] = (),
    ) -> None:  # fmt: skip
        super().__init__(message, span, hint)
        self.of = of  # the input that it is the gradient of
        self.shapes = shapes  # that it has, and that it should have
        self.result = result  # what the file calls the gradient
        self.mistake = mistake
        self.repair = repair  # the line as it should be


def assembled(subject: Subject, driven: Driven, claims: Mapped, notes: list[str]) -> Program:
    """The Program of a subject: forward part first, then the rest, all with their own lines."""
    return _Assembly(subject, driven, claims).program(notes)


class _Assembly:
    """The parts of one Program."""

    def __init__(self, subject: Subject, driven: Driven, claims: Mapped) -> None:
        self.subject = subject
        self.driven = driven
        self.reader = driven.reader
        self.tape = driven.reader.tape
        self.claims = claims.claims
        self.output, self.upstream = self._output()
        self.results = {c.leaf.name: self._fitted(c) for c in self.claims}

    def program(self, notes: list[str]) -> Program:
        """The whole."""
        reached = self.tape.graph.reaches(self.output)
        lines = self._lines(reached)
        self.spare = self._spare(reached, lines)
        self.phrases = {k: told for k, record in enumerate(lines) if (told := self._told(record))}
        order, forward_nodes = self._order(reached, lines)
        graph, moved = self.tape.graph.part(order)
        stages = self._name_stages(graph, moved, reached)
        called = {node: name for name, node in (*graph.inputs.items(), *stages.items())}
        spoken: dict[Any, set[str]] = defaultdict(set)
        nameless: dict[str, str | None] = dict.fromkeys(called.values())
        own: dict[int, dict[str, str | None]] = {}  # by scope, which many lines share
        for k, told in self.phrases.items():
            scope = told.scope
            if id(scope) not in own:
                own[id(scope)] = _aliases(scope, moved, called)
            told.aliases = ChainMap(own[id(scope)], nameless)
            told.alongside = spoken[lines[k].turn, lines[k].call]
            told.alongside.update(told.names)
        output_name = graph.names[moved[self.output]]
        inputs = dict(graph.inputs)
        settings, values = self._settings(inputs)
        claims = {name: moved[node] for name, node in self.results.items()}
        if self.upstream is not None:
            claims[output_name] = moved[self.upstream]
        places = {c.leaf.name: self._place(c) for c in self.claims}
        return Program(
            source=self.reader.script, graph=graph, output=moved[self.output],
            forward_nodes=forward_nodes, aside=set(), expression=self.subject.words,
            inputs=inputs, settings=settings, values=values, stages=stages, claims=claims,
            claim_tokens=places, lines=self._written(lines, moved),
            value_claims=[], upstream=None if self.upstream is None else moved[self.upstream],
            wrt=tuple(c.leaf.name for c in self.claims), warnings=notes,
            decisions=tuple(
                Decision(moved[d.value], d.rule, d.outcome)
                for d in self.tape.decisions if d.value in moved
            ),
            line_map=self.reader.script.line_map,
        )  # fmt: skip

    # ---------------------------------------------------------------- output and results

    def _output(self) -> tuple[int, int | None]:
        """The node that is differentiated, and its upstream gradient; several are added up."""
        tape, outputs = self.tape, self.driven.outputs
        if len(outputs) == 1:
            node, upstream = outputs[0]
            return (tape.gate("copy", node) if tape.graph.is_leaf(node) else node), upstream
        total: int | None = None
        for node, upstream in outputs:
            assert upstream is not None
            term = tape.gate("mul", node, upstream)
            shape = tape.graph.shape(term)
            if shape:
                term = tape.gate("sum", term, tape.static((tuple(range(len(shape))), False)))
            total = term if total is None else tape.gate("add", total, term)
        assert total is not None
        return total, None

    def _fitted(self, claim: Claim) -> int:
        """A result in the shape of what it is the gradient of. Raises Misshapen."""
        graph, node, leaf = self.tape.graph, claim.result.node, claim.leaf.node
        shape, expected = graph.shape(node), graph.shape(leaf)
        if shape == expected:
            return node
        if _plain(shape) == _plain(expected):
            fitted: int = self.tape.reshape(node, expected)
            return fitted
        if claim.by == "position" and not claim.leaf.is_parameter:
            raise Unclaimed(
                f"nothing says of what `{claim.result.words or 'the result'}` of shape {shape} is "
                "the gradient", None,
                "say it: --grad RESULT=INPUT, or # gradcli: grads RESULT=INPUT",
            )  # fmt: skip
        has, wants = (f"shape {s}" if s else "no axes: it is one number" for s in (shape, expected))
        span = self.reader.script.span(self._place(claim))
        raise Misshapen(f"the gradient of `{claim.leaf.short}` has {has}, `{claim.leaf.short}` has "
                        f"{wants}", span, shape_advice(shape, expected),
                        claim.result.words or "return", of=claim.leaf.short,
                        shapes=(shape, expected))  # fmt: skip

    def _place(self, claim: Claim) -> int:
        """Where the line stands that gave a result its last value."""
        records = [r for r in self.reader.records if r.total == claim.result.node]
        if records:
            return records[-1].place
        if claim.result.words in self.driven.places:
            return self.driven.places[claim.result.words]
        if claim.result.place is not None:
            return claim.result.place
        name = self.subject.backward or self.subject.forward
        scope = self.driven.scope
        owner = scope.get(self.subject.cls) if self.subject.cls else None
        function: Any = owner.find(name) if owner is not None else scope.get(name)
        if function.scope.file != 0:  # a method of a class in another file
            return self.reader.script.line_starts[self.subject.line - 1]
        return self.reader.script.offset(function.node)

    # ---------------------------------------------------------------- lines

    def _lines(self, reached: bytearray) -> list[Assigned]:
        """What was assigned outside the forward part and a claim depends on.

        Nothing is told of other lines, so they have no verdict.
        """
        claimed = self.tape.graph.reaches(*self.results.values())
        later = [r for r in self.reader.records
                 if not (r.total < len(reached) and reached[r.total])]  # fmt: skip
        told = {(r.place, r.target) for r in later if claimed[r.total]}
        return [r for r in later if claimed[r.total] or (r.turn and (r.place, r.target) in told)]

    def _spare(self, reached: bytearray, lines: list[Assigned]) -> list[dict[str, int]]:
        """For every line what the same call has assigned before it, and no line reads."""
        told = {id(record) for record in lines}
        unread: dict[tuple[int, ...], dict[str, int]] = defaultdict(dict)
        spare = []
        for record in self.reader.records:
            if record.before is not None:
                spare += [dict([*unread[record.call].items()][-MOST_SPARE:])] * (id(record) in told)
            elif id(record) in told:
                unread[record.call].pop(record.target, None)
                spare.append(dict([*unread[record.call].items()][-MOST_SPARE:]))
            elif not (record.total < len(reached) and reached[record.total]):
                unread[record.call][record.target] = record.total
        return spare

    def _written(self, records: list[Assigned], moved: dict[int, int]) -> list[GradientLine]:
        """The lines of the backward part; every claim has one, though nothing may be assigned."""
        lines = [self._line(record, moved) for record in records]
        for line, spare in zip(lines, self.spare, strict=True):
            line.unread = {name: moved[node] for name, node in spare.items()}
        self._tell(lines, moved)
        named = {line.name for line in lines}
        for claim in self.claims:
            if claim.leaf.name not in named:
                node, place = moved[self.results[claim.leaf.name]], self._place(claim)
                words = claim.result.words or "return"
                line = GradientLine(Statement("assign", place, None, words), claim.leaf.name)
                line.value = line.total = node
                lines.append(line)
        return lines

    def _told(self, record: Assigned) -> Phrase | None:
        """The right side of a line as a phrase, its names as nodes; None where it has none."""
        if record.source is None or record.parts is None or record.scope is None:
            return None
        told = phrase(self.reader.script, self.tape, record.source, record.place, record.parts,
                      record.scope)  # fmt: skip
        if told is not None:
            told.names = {name: self.tape.node(value) for name, value in told.names.items()}
            told.shifted = {name: self.tape.node(value) for name, value in told.shifted.items()}
        return told

    def _tell(self, lines: list[GradientLine], moved: dict[int, int]) -> None:
        """Give the lines the trees of their right sides, and what the names in them stand for."""
        forward = self.reader.forward or set()
        for k, told in self.phrases.items():
            line = lines[k]
            line.shifted = {name: moved[node] for name, node in told.shifted.items()}
            line.statement = line.statement._replace(tree=told.tree)
            for name, node in told.names.items():
                kind = "forward" if node in forward else "helper"
                line.reads[name] = Read(kind, name, moved[node])
            line.spelling = told.spelling()

    def _row(self, place: int) -> int:
        """The line of an offset in the text."""
        return bisect_right(self.reader.script.line_starts, place)

    def _line(self, record: Assigned, moved: dict[int, int]) -> GradientLine:
        names = [c.leaf.name for c in self.claims if c.result.node == record.total]
        statement = Statement(record.kind, record.place, None, record.target, text=record.text)
        line = GradientLine(statement, names[0] if names else None)
        line.value, line.total = moved[record.value], moved[record.total]
        line.before = None if record.before is None else moved[record.before]
        line.turn = record.turn
        line.call = tuple(self._row(place) for place in record.call[1:])  # the first is the subject
        return line

    # ---------------------------------------------------------------- the graph

    def _order(self, reached: bytearray, lines: list[Assigned]) -> tuple[list[int], int]:
        """All nodes that are needed, those of the forward part first; and how many these are."""
        graph = self.tape.graph
        totals = {record.total for record in lines}
        values = [record.value for record in self.reader.records if record.total in totals]
        decisions = [decision.value for decision in self.tape.decisions]
        told = [node for phrase in self.phrases.values()
                for node in (*phrase.names.values(), *phrase.shifted.values())]  # fmt: skip
        told += [node for names in self.spare for node in names.values()]
        told += [record.before for record in lines if record.before is not None]
        keep = [self.output, *self.results.values(), *totals, *values, *decisions, *told]
        keep += [claim.leaf.node for claim in self.claims]
        if self.upstream is not None:
            keep.append(self.upstream)
        needed = graph.reaches(*keep)
        inputs = [node for node in graph.inputs.values() if needed[node]]
        forward = [k for k, is_in in enumerate(reached) if is_in and k not in set(inputs)]
        known = {*inputs, *forward}
        rest = [k for k, is_in in enumerate(needed) if is_in and k not in known]
        return [*inputs, *forward, *rest], len(inputs) + len(forward)

    def _name_stages(
        self, graph: Graph, moved: dict[int, int], reached: bytearray
    ) -> dict[str, int]:
        """The names of forward values: as they are assigned, with the line where one is taken."""
        taken = set(graph.inputs)
        stages: dict[str, int] = {}
        counts: dict[str, int] = {}  # of stages with one name and one line
        named = {record.total for record in self.reader.records if record.target != "return"}
        for record in self.reader.records:
            node = record.total
            if record.target == "return" and node in named:
                continue
            if record.before is not None or node >= len(reached) or not reached[node]:
                continue
            if moved[node] in graph.names:
                continue
            name = record.target
            if name in taken or not name.isidentifier():
                name = whole = f"{name}@{self._row(record.place)}"
                while name in taken:
                    counts[whole] = counts.get(whole, 1) + 1
                    name = f"{whole}.{counts[whole]}"
            taken.add(name)
            stages[name] = moved[node]
            graph.names[moved[node]] = name
        output = moved[self.output]
        if output not in graph.names:
            name = "output" if "output" not in taken else f"output@{self.subject.line}"
            stages[name], graph.names[output] = output, name
        return stages

    def _settings(self, inputs: dict[str, int]) -> tuple[Graph, dict[str, int]]:
        settings, values = Graph(), {}
        for name in inputs:
            value: Any = self.tape.values[self.tape.graph.inputs[name]]
            shaped = np.shape(value)
            values[name] = settings.array(np.asarray(value)) if shaped else settings.constant(
                float(value)
            )  # fmt: skip
        return settings, values


def _aliases(
    scope: Scope, moved: Mapping[int, int], called: Mapping[int, str]
) -> dict[str, str | None]:
    """What a function calls the named values of a program that it has a name for."""
    known: dict[str, Any] = {}
    for name, value in scope.items():
        inner = value.attributes if isinstance(value, Instance) else {}
        known |= {f"{name}.{own}": part for own, part in inner.items()} | {name: value}
    nodes = {
        name: value.content for name, value in known.items()
        if isinstance(value, Array) and value.content.__class__ is int
    }  # fmt: skip
    return {
        called[moved[node]]: name for name, node in nodes.items()
        if node in moved and moved[node] in called
    }  # fmt: skip


def _plain(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without its axes of size 1."""
    return tuple(size for size in shape if size != 1)
