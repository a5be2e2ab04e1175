"""What a subject gives that is differentiated: a number, or what an upstream gradient is of."""

from __future__ import annotations

import ast
from typing import Any
from zlib import crc32

import numpy as np

from gradcli.errors import BindingError
from gradcli.python.driving.arguments import Arguments
from gradcli.python.driving.results import Result, collected, named_parts, of_each, returned
from gradcli.python.parameters.likely_axes import REDUCTIONS
from gradcli.python.state.missing import NoNumber
from gradcli.python.state.source import PythonFault
from gradcli.python.state.values import Array, Function, Instance, Scope
from gradcli.python.words.gradients import roots
from gradcli.python.words.returned import FORCES, GRADIENT_NAME, OBJECTIVES, name_of_value

PARTS = ("index", "take", "copy", "reshape", "fill")  # gates that give what they are handed


class Outputs(Arguments):
    """The part of a driver that finds what a forward part gives."""

    def _is_output(self, value: Any) -> bool:
        return isinstance(value, Array) and value.content.__class__ is int

    def _stored_output(self) -> Any:
        """What a forward part without a result has put into the object."""
        instance = self.driven.instance
        if instance is None:
            hint = "return the result, so that it can be differentiated"
            raise PythonFault(f"`{self.subject.forward}` returns nothing", hint=hint)
        names = ("output", "out", "y", "a", "loss", "result", "value", "z")
        for name in names:
            value = instance.attributes.get(name)
            if self._is_output(value):
                return value
        if stored := self._outputs_of_state(instance):
            return stored if len(stored) > 1 else stored[0]
        raise PythonFault(f"`{self.subject.forward}` returns nothing and sets no `self.output`")

    def _outputs_of_state(self, instance: Instance) -> tuple[Array, ...]:
        """What a forward part has put into the object or its parts, for each upstream gradient."""
        owners = [instance, *(x for x in instance.attributes.values() if isinstance(x, Instance))]
        kept = {name: x for part in owners for name, x in part.attributes.items()
                if self._is_output(x)}  # fmt: skip
        backward = self._function(self.subject.backward) if self.subject.backward else None
        asked = self._parameters(backward) if backward is not None else []
        found = [
            next((kept[root] for root in (*roots(name), name.rpartition("_")[2]) if root in kept),
                 None) for name in asked
        ]  # fmt: skip
        return tuple(x for x in found if x is not None)

    def _outputs_of_value(self, value: Any, forward: Function) -> None:
        parts = value if isinstance(value, tuple) else (value,)
        first = next((part for part in parts if self._is_output(part)), None)
        if first is None:
            raise PythonFault(f"`{forward.name}` returns nothing that depends on its inputs")
        tape = self.reader.tape
        shape = tape.shape(first.content)
        node = self._downhill(first.content) if self.subject.is_force else first.content
        if int(np.prod(shape)) == 1:
            self.driven.outputs.append((self._scalar(node), None))
        else:
            upstream = tape.input("upstream", self._upstream_value("upstream", shape))
            self.driven.outputs.append((node, upstream))
        self.reader.forward = set(range(len(self.reader.tape.graph)))

    def _refuse_spread_sum(self, value: Any, forward: Function) -> None:
        """Raise NoNumber where a whole sum is raised to an array, or one is added that is none.

        Both give an array of a function that means a number: what was taken for arrays are numbers.
        A sum of the array itself, `x - x.mean()`, is no such.
        """
        if not self._is_output(value) or not self.reader.tape.shape(value.content):
            return
        tape, graph = self.reader.tape, self.reader.tape.graph
        for node in graph.ancestors([value.content]):
            name, operands = graph.gates[node].name, graph.operands[node]
            if name not in ("add", "sub", "pow") or not tape.shape(node) or not graph.active[node]:
                continue
            for one, other in (operands, operands[::-1])[: 1 if name == "pow" else 2]:
                followed = self._followed(other) if self._is_whole_sum(one) else set()
                is_own = name != "pow" and not followed.isdisjoint(graph.ancestors([one]))
                if followed and not is_own:
                    names = [leaf.short for leaf in self.driven.leaves if leaf.node in followed]
                    message = f"`{forward.name}` returns no number that could be the value"
                    raise NoNumber(message, False, names, is_sum=True)

    def _is_whole_sum(self, node: int) -> bool:
        """Whether a node is a number in which all elements of an array are summed."""
        tape, graph = self.reader.tape, self.reader.tape.graph
        return not tape.shape(node) and any(
            graph.gates[k].name in (*REDUCTIONS, "matmul") and graph.active[k] and not tape.shape(k)
            for k in graph.ancestors([node])
        )  # fmt: skip

    def _followed(self, node: int) -> set[int]:
        """The nodes of its shape that an array was computed from, itself among them."""
        tape, graph = self.reader.tape, self.reader.tape.graph
        shape, pending, followed = tape.shape(node), [node], {node}
        while pending:
            for operand in graph.operands[pending.pop()]:
                if operand not in followed and tape.shape(operand) == shape:
                    followed.add(operand)
                    pending.append(operand)
        return followed if shape and graph.active[node] else set()

    def _upstream_value(self, name: str, shape: tuple[int, ...]) -> Any:
        """The upstream gradient that was given, or a random one that is nowhere 1."""
        if name in self.values:
            value = self.values[name]
            numbers = self.reader.tape.value(self.reader.content(value)).astype(float)
            if numbers.shape != shape:
                raise BindingError(f"`{name}` has shape {numbers.shape}, what it is the gradient "
                                   f"of has shape {shape}")  # fmt: skip
            return numbers if shape else float(numbers)
        random = np.random.RandomState((crc32(name.encode()) + self.reader.seed) % 2**32)
        numbers = random.standard_normal(shape)
        if self.style.has_one_entry and shape:
            numbers.flat[1:] = 0.0
        return numbers if shape else float(numbers)

    def _downhill(self, energy: int) -> int:
        """Minus an energy, whose gradient is the force."""
        self.driven.is_force = True
        if self.style.is_uphill:
            return energy
        node: int = self.reader.tape.gate("neg", energy)
        return node

    def _is_elementwise(self, node: int) -> bool:
        """Whether every element of a node depends on one element of each input only."""
        graph = self.reader.tape.graph
        return not any(
            graph.gates[k].is_structural and graph.gates[k].name not in ("fill", "copy")
            for k in graph.ancestors([node]) if graph.active[k]
        )  # fmt: skip

    def _scalar(self, node: int) -> int:
        tape = self.reader.tape
        if tape.graph.shape(node):
            reshaped: int = tape.reshape(node, ())
            return reshaped
        return node

    def _objective(self, value: Any, forward: Function) -> None:
        """A value and its gradients in one: the first number is the value."""
        reader, driven = self.reader, self.driven
        if self.filled:
            driven.outputs.append((self._scalar(self._number(value, forward)), None))
            [result] = collected(reader, driven.handed[self.filled], self.filled)
            driven.results = [result._replace(name=f"d{self.differentiated}")]
            return
        if not isinstance(value, (tuple, list)):
            raise PythonFault(f"`{forward.name}` returns no value with gradients")
        found = returned(reader, value, forward)
        sizes = reader.tape.shape
        numbers = [k for k, r in enumerate(found) if int(np.prod(sizes(r.node))) == 1]
        named = [k for k in numbers if OBJECTIVES.search(found[k].name)]
        others = [k for k in numbers if k == 0 or not GRADIENT_NAME.match(found[k].name)]
        place = next(iter(named or others), None)
        if place is None:
            raise self._no_number(found, forward)
        apart = of_each(reader, value, forward, self._parameters(forward), self.numbers_taken)
        driven.is_apart = bool(apart)
        driven.results = apart or [r for k, r in enumerate(found) if k != place]
        value = self._scalar(found[place].node)
        if any(FORCES.search(r.name) for r in driven.results):
            value = self._downhill(value)
        driven.outputs.append((value, None))
        if driven.instance is not None:
            driven.results += named_parts(reader, driven.instance, "self")

    def _number(self, value: Any, forward: Function) -> int:
        """The node of the number that is returned."""
        found = returned(self.reader, value, forward)
        if len(found) != 1 or int(np.prod(self.reader.tape.shape(found[0].node))) != 1:
            raise self._no_number(found, forward)
        return found[0].node

    def array_for_loss(self) -> NoNumber | None:
        """That a loss which has a gradient is an array, and no number; None where it is one."""
        subject, outputs = self.subject, self.driven.outputs
        if subject.kind != "gradient" or not OBJECTIVES.search(subject.forward) or not outputs:
            return None
        value = Result("", "", "", outputs[0][0], 0)
        is_number = outputs[0][1] is None
        return None if is_number else self._no_number([value], self._function(subject.forward))

    def array_for_value(self) -> NoNumber | None:
        """That the value is an array, where its function has stopped at a gradient behind it."""
        subject = self.subject
        if subject.kind != "objective" or subject.backward:
            return self.array_for_loss()
        forward = self._function(subject.forward)
        name = name_of_value(forward.node)
        value = self.reader.scopes.get(forward.name, Scope()).get(name)
        if value is None or not self._is_output(value) or not OBJECTIVES.search(name):
            return None
        shape = self.reader.tape.shape(value.content)
        return self._no_number([Result("", "", name, value.content, 0)], forward) if shape else None

    def _no_number(self, found: list[Result], forward: Function) -> NoNumber:
        """That no result is a number, and the inputs which its value follows element by element."""
        graph = self.reader.tape.graph
        node = next((r for r in found if OBJECTIVES.search(r.name)), found[0]).node if found else 0
        followed = self._followed(node)
        parted = self._parted([node]) if graph.active[node] else None
        return NoNumber(
            f"`{forward.name}` returns no number that could be the value",
            not any(gate.is_structural for gate in graph.gates),
            [leaf.short for leaf in self.driven.leaves if leaf.node in followed],
            parted=parted or None,
        )

    def _parted(self, nodes: list[int]) -> list[str]:
        """The inputs of which arrays are computed from a part, element by element: `xs[i]`."""
        graph, pending = self.reader.tape.graph, [(node, False) for node in nodes]
        seen = set(pending)
        while pending:
            node, is_part = pending.pop()
            gate = graph.gates[node]
            if gate.name in PARTS or not gate.is_structural:
                is_part = is_part or gate.name in ("index", "take")
                new = {(k, is_part) for k in graph.operands[node]} - seen
                seen |= new
                pending += new
        return [leaf.short for leaf in self.driven.leaves if (leaf.node, True) in seen]

    def _pulled_back(self, node: int, output: int, upstream: int) -> Any:
        """A derivative as what it makes of an upstream gradient; None where its shape is no such.

        Of an elementwise function it has an element for each of the output's, else a matrix.
        """
        tape = self.reader.tape
        shape, axes = tape.shape(node), len(tape.shape(output))
        if self._is_elementwise(output):
            if shape not in (tape.shape(upstream), ()):
                return None
            return tape.gate("mul", node, upstream)
        if shape[:axes] != tape.shape(output) or len(shape) == axes:
            return None
        spread = tape.reshape(upstream, (*tape.shape(output), *(1 for _ in shape[axes:])))
        return tape.reduce("sum", tape.gate("mul", node, spread), tuple(range(axes)), False)


def last_line_of_value(node: Any) -> int:
    """The last line that gives the returned value its value; 0 where that is not seen.

    Behind it stand gradients only, where a function returns both.
    """
    returns = [
        part.value for part in ast.walk(node)
        if isinstance(part, ast.Return) and isinstance(part.value, ast.Tuple)
    ]  # fmt: skip
    elements = [part for value in returns[-1:] for part in value.elts]
    known = [part.id for part in elements if isinstance(part, ast.Name)]
    names = {name for name in known if OBJECTIVES.search(name)} or {*known[:1]}
    return max(
        (
            part.lineno for part in ast.walk(node)
            if isinstance(part, (ast.Assign, ast.AugAssign))
            and any(isinstance(x, ast.Name) and x.id in names and isinstance(x.ctx, ast.Store)
                    for x in ast.walk(part))
        ),
        default=0,
    )  # fmt: skip


def end_of_loops(node: Any, line: int) -> int:
    """The last line of the loops around a line of a function; the line itself where none is."""
    loops = [part for part in ast.walk(node) if isinstance(part, (ast.For, ast.While))]
    return max((x.end_lineno or 0 for x in loops if x.lineno <= line <= (x.end_lineno or 0)),
               default=line)  # fmt: skip
