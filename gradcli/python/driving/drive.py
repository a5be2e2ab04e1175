"""A subject is driven: its forward part is called, then its backward part, with all they take."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np

from gradcli.errors import ShapeError, Span
from gradcli.python.driving.arguments import stores_gradients
from gradcli.python.driving.driven import Driven
from gradcli.python.driving.modes import in_training, objects_in, that_keep
from gradcli.python.driving.outputs import end_of_loops, last_line_of_value
from gradcli.python.driving.results import Result, of_each, returned, short_name
from gradcli.python.driving.upstreams import BackwardCalls
from gradcli.python.state.source import PythonFault
from gradcli.python.state.values import (
    Array,
    Foreign,
    Function,
    Unknown,
    arrays_in,
    unwrapped,
)
from gradcli.python.words.gradients import is_holder
from gradcli.python.words.returned import filled_gradient

KEPT = (Array, dict, list)  # of what a file sets
ALONG = re.compile(r"^[fF](orce)?_?(?=\w{1,2}$)")  # before a coordinate


class Driver(BackwardCalls):
    """Calls the functions of one subject with values by the names of their parameters."""

    def is_past(self, place: Span | None) -> bool:
        """Whether an error at a place is one of the backward part."""
        if self.has_ended or not self.last_line:
            return self.has_ended
        self._note_sizes()
        return place is not None and place.line > self.last_line

    def takes(self, name: str) -> bool:
        """Whether the backward function has a parameter of a name."""
        backward = self._function(self.subject.backward) if self.subject.backward else None
        return backward is not None and name in self._parameters(backward)

    @property
    def clips_gradients(self) -> bool:
        """Whether bounds have changed something, and nothing that the outputs depend on."""
        clipped, outputs = self.reader.clipped, [node for node, _ in self.driven.outputs]
        if not (clipped and outputs):
            return False
        reached = self.reader.tape.graph.reaches(*outputs)
        return not any(k < len(reached) and reached[k] for k in clipped)

    def kept_operands(self) -> list[tuple[str, str]]:
        """Operands that the gradient is not handed, and what of the object it may have for them."""
        subject, instance = self.subject, self.driven.instance
        if subject.kind != "gradient" or instance is None or subject.backward is None:
            return []
        forward, backward = self._function(subject.forward), self._function(subject.backward)
        own = self._parameters(backward)
        lost = [n for n in self._parameters(forward) if n not in own and n not in forward.defaults]
        read, other = (
            [part.attr for part in ast.walk(f.node) if isinstance(part, ast.Attribute)]
            for f in (backward, forward)
        )  # fmt: skip
        kept = [
            n for n in dict.fromkeys(read)
            if n not in other and self._is_output(instance.attributes.get(n))
        ]  # fmt: skip
        return [(name, attribute) for name in lost for attribute in kept]

    def has_one_operand(self) -> bool:
        """Whether a backward part takes one value, and reads nothing that its object keeps.

        Nothing but its name says whether that is an upstream gradient, or what it is the slope at.
        """
        subject, instance = self.subject, self.driven.instance
        if subject.kind != "pair" or subject.backward is None or instance is None:
            return False
        backward = self._function(subject.backward)
        read = {part.attr for part in ast.walk(backward.node) if isinstance(part, ast.Attribute)}
        return len(self._parameters(backward)) == 1 and read.isdisjoint(instance.attributes)

    def _end_forward(self) -> None:
        self.has_ended = True
        self._note_sizes()

    def _note_sizes(self) -> None:
        """Note the sizes of the inputs as the forward part takes them."""
        tape = self.reader.tape
        starts = self.reader.script.line_starts  # where one function has both parts
        ends = starts[self.last_line : self.last_line + 1] if self.last_line else []
        read = {
            k for place, operands in zip(tape.graph.tokens, tape.graph.operands, strict=True)
            if not ends or place < ends[0] for k in operands
        }  # fmt: skip
        leaves = [leaf.node for leaf in self.driven.leaves if leaf.node in read]
        self.sizes = {size for node in leaves for size in tape.shape(node)}

    def drive(self) -> Driven:
        """Read the subject. Raises GradcliError."""
        subject, driven = self.subject, self.driven
        self._take_globals()
        forward = self._function(subject.forward)
        driven.forward = forward.name
        backward = self._function(subject.backward) if subject.backward else None
        if backward is None:
            self.filled = filled_gradient(forward.node)
        self._refuse_missing(forward)
        if backward is None:
            self.last_line = last_line_of_value(forward.node)
            self.reader.last_line = end_of_loops(forward.node, self.last_line)
        arguments = driven.handed = self._arguments(forward, is_parameter=True)
        if self.filled:
            arguments[self.filled] = self._zeros_like_first(arguments)
        if self.style.kept is not None and driven.instance is not None:
            name, attribute = self.style.kept
            if attribute not in driven.instance.attributes:
                raise PythonFault(f"nothing has set `{attribute}` by then")
            arguments[name] = driven.instance.attributes[attribute]
        value = self._forward_call(forward, arguments)
        if isinstance(value, Foreign):
            self.reader.refuse_unknown(value)
        if isinstance(value, Unknown) or value is None:
            value = self._stored_output()
        if subject.kind == "gradient":
            self._refuse_spread_sum(value, forward)
        if subject.backward is not None:
            self._end_forward()
        if subject.kind == "gradient":
            self._outputs_of_value(value, forward)
            driven.results = self._gradient(forward, backward, value)
        elif backward is None:
            self._objective(value, forward)
        else:
            self._backward(value, forward, backward)
        return driven

    def _zeros_like_first(self, arguments: dict[str, Any]) -> Any:
        """Zeros with the shape of the first array that a forward part is handed."""
        arrays = [name for name, value in arguments.items() if isinstance(value, Array)]
        if not arrays:
            raise PythonFault(f"nothing says what `{self.filled}` is the gradient of")
        self.differentiated = arrays[0]
        return Array(np.zeros(self.reader.tape.shape(arguments[arrays[0]].content)))

    def _take_globals(self) -> None:
        """Make inputs of the arrays of floats that the file sets, those in lists among them."""
        free = self.reader.script.free_names
        for name, value in self.driven.scope.items():
            if (
                name not in free
                or name in self.values
                or not isinstance(value, (Array, dict, list))
            ):
                continue
            if not isinstance(value, Array) and is_holder(name):
                continue
            for path, array in arrays_in(value) if isinstance(value, KEPT) else ():
                content = array.content
                if content.__class__ is not int and content.dtype.kind == "f" and content.shape:
                    array.write(self._leaf(short_name(f"{name}{path}"), content, False))

    def _forward_call(self, forward: Function, arguments: dict[str, Any]) -> Any:
        """What the forward part gives; arrays its first call makes for good are inputs, too."""
        instance = self.driven.instance
        arguments = self._in_training(forward, arguments)
        before = dict(instance.attributes) if instance is not None else {}
        kept = {name: _copied(value) for name, value in before.items()}
        if self.caller:
            caller, operands = self._function(self.caller), [*arguments.values()]
            with self.reader.faults():
                return unwrapped(self.reader.call(self._bound(caller), operands, {}))
        value = self._call(forward, arguments)
        if instance is None:
            return value
        made = {
            name: part for name, part in instance.attributes.items()
            if not any(a.content.__class__ is int for _, a in arrays_in(part))
        }  # fmt: skip
        fresh = [
            (path, array) for name, part in made.items() for path, array in arrays_in(part)
            if part is not before.get(name) or not _holds(kept.get(name), array)
            if array.content.dtype.kind == "f" and array.content.size
            and not stores_gradients(f".{name}{path}", instance)
        ]  # fmt: skip
        if not any(
            isinstance(part, dict) or name[0].isupper() or name.startswith(("b", "w", "gamma"))
            for name, part in made.items() if any(_holds(part, array) for _, array in fresh)
        ):  # fmt: skip
            return value
        instance.attributes.clear()
        instance.attributes.update({**kept, **made})
        for name, part in made.items():
            for path, array in arrays_in(part):
                if any(array is other for _, other in fresh):
                    array.write(self._leaf(short_name(f".{name}{path}"), array.content, False))
        self.reader.records.clear()
        self.reader.recorded.clear()
        return self._call(forward, arguments)

    def _in_training(self, forward: Function, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments, and the object with its layers, in training where the style has that."""
        own = {name: v for name, v in {**forward.defaults, **arguments}.items()
               if name not in self.values}  # fmt: skip
        arguments = {**arguments, **that_keep(forward.node, own)}
        changed = in_training(own)
        self.driven.idle |= changed.keys()
        for part in objects_in(self.driven.instance):
            flags = in_training(part.attributes)
            self.driven.idle |= flags.keys()
            if self.style.is_trained:
                part.attributes.update(flags)
        return {**arguments, **changed} if self.style.is_trained else arguments

    def _are_of_examples(self, results: list[Result], output: int) -> bool:
        """Whether gradients have the shape of what gives one number for each of its rows."""
        shape = self.reader.tape.shape
        rows = shape(output)
        inputs = {own for x in self.driven.leaves if (own := shape(x.node))[:1] == rows != own}
        return len(rows) == 1 and bool(results) and all(shape(r.node) in inputs for r in results)

    def _as_vector(self, claimed: Any) -> Any:
        """A list of numbers as a vector, where the only operand is one of as many elements."""
        numbers = claimed if isinstance(claimed, list) else []
        shapes = [self.reader.tape.shape(leaf.node) for leaf in self.driven.leaves]
        is_flat = all(isinstance(x, float) or self._is_number(x) for x in numbers)
        if not is_flat or shapes != [(len(numbers),)]:
            return claimed
        return Array(self.reader.content(numbers))

    def _is_number(self, value: Any) -> bool:
        """Whether a value is an array without axes."""
        return isinstance(value, Array) and not self.reader.tape.shape(value.content)

    def _gradient(self, forward: Function, backward: Function | None, value: Any) -> list[Result]:
        """What the gradient of a function gives at the values that the function had."""
        assert backward is not None
        own, others = self._parameters(backward), self._parameters(forward)
        self.driven.own = own
        arguments = self._arguments(backward)
        for name in own:
            if self.driven.instance is not None and _may_be_kept(backward, name):
                arguments.pop(name, None)
        for name, other in zip(own, others, strict=False):
            if name not in arguments and name not in backward.defaults and other in self.given:
                arguments[name] = self.given[other]
        if self.style.of_other and own:
            arguments[own[0]] = value
        claimed = self._as_vector(self._call(backward, arguments))
        results = of_each(self.reader, claimed, backward, own, self.numbers_taken)
        self.driven.is_apart = bool(results)
        results = results or returned(self.reader, claimed, backward)
        if self.subject.is_force:  # along x: fx
            results = [r._replace(name=ALONG.sub("d", r.name)) for r in results]
        output, upstream = self.driven.outputs[0]
        if upstream is None:
            return results
        if self._are_of_examples(results, output):
            self.driven.is_of_examples = True
            first, losses = len(self.reader.tape.graph), Array(output)
            loss = self._scalar(self._over_examples(losses).content)
            self.reader.forward = {*(self.reader.forward or ()), *range(first, loss + 1)}
            self.driven.outputs[0] = (loss, None)
            return results
        fitting = [
            r._replace(node=node) for r in results
            if (node := self._pulled_back(r.node, output, upstream)) is not None
        ]  # fmt: skip
        if isinstance(claimed, tuple) and len(fitting) < len(claimed) == len(own):
            shape = self.reader.tape.shape(output)
            raise ShapeError(
                f"a gradient by each of {', '.join(own)}, of shape {shape} each, is due"
            )
        return fitting


def _may_be_kept(function: Function, name: str) -> bool:
    """Whether an operand that is left out is the one kept: `x = x if x else self.x`.

    An array cannot be asked so, and is never handed over.
    """
    return function.defaults.get(name, name) is None and any(
        isinstance(part, (ast.If, ast.IfExp)) and isinstance(part.test, ast.Name)
        and part.test.id == name for part in ast.walk(function.node)
    )  # fmt: skip


def _copied(value: Any) -> Any:
    """A list or a dictionary of its own, with the same parts."""
    return {**value} if isinstance(value, dict) else [*value] if isinstance(value, list) else value


def _holds(value: Any, array: Array) -> bool:
    """Whether an array is inside a value."""
    return any(array is other for _, other in arrays_in(value))
