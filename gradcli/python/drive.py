"""A subject is driven: its forward part is called, then its backward part, with all they take.

leaf     an input of floats: a parameter, an entry of one, an attribute of the object
output   what the forward part gives that is differentiated, and its upstream gradient
result   what the backward part gives back, and what it calls it
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np

from gradcli.errors import Span
from gradcli.python.contexts import context, is_context
from gradcli.python.gradient_words import kin, roots
from gradcli.python.guesses import LABELS, LEARNING, PENALTY, TARGETS
from gradcli.python.inputs import known_value
from gradcli.python.interpreter import Interpreter
from gradcli.python.loss_search import LossSearch
from gradcli.python.missing import MissingInputs
from gradcli.python.outputs import Outputs, last_line_of_value
from gradcli.python.results import Result, of_each, returned, short_name
from gradcli.python.source import PythonFault
from gradcli.python.steps import Step
from gradcli.python.styles import Style
from gradcli.python.subjects import Subject
from gradcli.python.upstreams import BackwardCalls
from gradcli.python.values import (
    Array,
    Class,
    Function,
    Given,
    Instance,
    Scope,
    Unknown,
    arrays_in,
    unwrapped,
)

ALONG = re.compile(r"^[fF](orce)?_?(?=\w{1,2}$)")  # before a coordinate


class Leaf(NamedTuple):
    """An input of floats."""

    name: str  # the input's in the graph
    short: str  # what it is called in the file
    node: int
    is_parameter: bool  # of the forward function, and not an attribute


class Driven:
    """A subject that has been read, from its inputs to its results."""

    def __init__(self, reader: Interpreter, scope: Scope) -> None:
        self.reader = reader
        self.scope = scope
        self.leaves: list[Leaf] = []
        self.outputs: list[tuple[int, int | None]] = []
        self.results: list[Result] = []
        self.forward = ""  # the name of the forward function
        self.handed: dict[str, Any] = {}  # its arguments
        self.own: list[str] = []  # the parameters of the function that is its derivative
        self.instance: Instance | None = None
        self.loss = ""  # the function that makes one number of what the forward part gives
        self.usual_loss = ""  # that stands for one, where the file has none
        self.has_spare_loss = False  # a number beside the output that has no upstream gradient
        self.is_of_examples = False  # whether the loss may be one for each example
        self.is_apart = False  # whether the results are the elements of one array
        self.is_force = False  # whether it is minus the value that is differentiated
        self.upstreams: list[str] = []
        self.places: dict[str, int] = {}  # of results, where no function returns them
        self.others: dict[int, str] = {}  # results that the upstream gradient may be of, by place
        self.overwriting: ast.Assign | None = None  # a gradient of what may be used twice
        self.steps: dict[int, Step] = {}  # of weights that the backward part changes, by leaf


class Driver(BackwardCalls, LossSearch, Outputs):
    """Calls the functions of one subject with values by the names of their parameters."""

    def __init__(
        self, reader: Interpreter, scope: Scope, subject: Subject, values: Mapping[str, Any],
        floats: set[str], said: Collection[str] = (),
    ) -> None:  # fmt: skip
        self.reader = reader
        self.subject = subject
        self.values = dict(values)
        self.settings = set(said)  # names whose values the user has given
        self.floats = floats  # parameters whose whole numbers are to be floats
        self.style = Style()
        self.driven = Driven(reader, scope)
        self.given: dict[str, Any] = {}  # parameters as they were handed over
        self.numbers: set[str] = set()  # attributes that are numbers, and inputs
        self.setups: list[str] = []  # methods that prepare the object
        self.caller = ""  # the method that keeps the operands and calls the forward part
        self.attributes: list[str] = []  # of the object that other code sets
        self.is_made = False  # whether the object has been prepared
        self.has_ended = False  # whether the forward part has been read
        self.sizes: set[int] = set()  # of the inputs that it reads
        self.last_line = 0  # of the forward part, where one function has both

    # ---------------------------------------------------------------- the parts

    def is_past(self, place: Span | None) -> bool:
        """Whether an error at a place is one of the backward part."""
        if self.has_ended or not self.last_line:
            return self.has_ended
        self._end_forward()
        return place is not None and place.line > self.last_line

    def takes(self, name: str) -> bool:
        """Whether the backward function has a parameter of a name."""
        backward = self._function(self.subject.backward) if self.subject.backward else None
        return backward is not None and name in self._parameters(backward)

    def _end_forward(self) -> None:
        """Note the sizes of the inputs as the forward part takes them."""
        tape, self.has_ended = self.reader.tape, True
        read = {k for operands in tape.graph.operands for k in operands}
        leaves = [leaf.node for leaf in self.driven.leaves if leaf.node in read]
        self.sizes = {size for node in leaves for size in tape.shape(node)}

    def drive(self) -> Driven:
        """Read the subject. Raises GradcliError."""
        subject, driven = self.subject, self.driven
        self._take_globals()
        forward = self._function(subject.forward)
        driven.forward = forward.name
        backward = self._function(subject.backward) if subject.backward else None
        self._refuse_missing(forward)
        if backward is None:
            self.last_line = last_line_of_value(forward.node)
        arguments = driven.handed = self._arguments(forward, is_parameter=True)
        value = self._forward_call(forward, arguments)
        if isinstance(value, Unknown) or value is None:
            value = self._stored_output()
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

    def _take_globals(self) -> None:
        """Make inputs of the arrays of floats that the file itself sets."""
        free = self.reader.script.free_names
        for name, value in self.driven.scope.items():
            if isinstance(value, Array) and name in free and name not in self.values:
                content = value.content
                if content.__class__ is not int and content.dtype.kind == "f" and content.shape:
                    value.write(self._leaf(name, content, False))

    def _forward_call(self, forward: Function, arguments: dict[str, Any]) -> Any:
        """What the forward part gives; arrays its first call makes for good are inputs, too."""
        instance = self.driven.instance
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
            and not _stores_gradients(f".{name}{path}", instance)
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

    def _gradient(self, forward: Function, backward: Function | None, value: Any) -> list[Result]:
        """What the gradient of a function gives at the values that the function had."""
        assert backward is not None
        own, others = self._parameters(backward), self._parameters(forward)
        self.driven.own = own
        arguments = self._arguments(backward)
        for name, other in zip(own, others, strict=False):
            if name not in arguments and name not in backward.defaults and other in self.given:
                arguments[name] = self.given[other]
        if self.style.of_output and own:
            arguments[own[0]] = value
        claimed = self._call(backward, arguments)
        results = of_each(self.reader, claimed, backward, own)
        self.driven.is_apart = bool(results)
        results = results or returned(self.reader, claimed, backward)
        if self.subject.is_force:  # along x: fx
            results = [r._replace(name=ALONG.sub("d", r.name)) for r in results]
        output, upstream = self.driven.outputs[0]
        if upstream is None:
            return results
        return [
            r._replace(node=node) for r in results
            if (node := self._pulled_back(r.node, output, upstream)) is not None
        ]  # fmt: skip

    def _function(self, name: str) -> Function:
        scope, subject = self.driven.scope, self.subject
        holder = scope.get(subject.cls) if subject.cls else None
        value = holder.find(name) if isinstance(holder, Class) else scope.get(name)
        if isinstance(value, Unknown):
            raise PythonFault(value.reason, None, value.hint)
        if not isinstance(value, Function):
            raise PythonFault(f"`{name}` is not a function of the file")
        if value.lacks_self:
            self.reader.at(value.node)
            self.reader.fail(
                f"the method `{name}` lacks its first parameter `self`",
                f"write `def {name}(self, {', '.join(value.positional)})`, or --fix-self",
            )
        if isinstance(holder, Class) and self.driven.instance is None:
            self._make_instance(holder, value)
        return value

    def _make_instance(self, cls: Class, method: Function) -> None:
        """The object of a class; its floats are inputs from then on."""
        if method.kind == "staticmethod" and cls.find("__init__") is None:
            self.driven.instance = Instance(cls)
            return
        start = cls.find("__init__")
        instance = self.driven.instance = Instance(cls)
        if isinstance(start, Function):
            self._refuse_missing(start)
            self.reader.call(self.reader.bound(start, instance), [], self._arguments(start))
        self._prepare(cls, instance)
        self._make_leaves(instance)

    def _prepare(self, cls: Class, instance: Instance) -> None:
        """Call the methods that make what the forward part needs, and set what others set."""
        forward = cls.find(self.subject.forward)
        shared = self._parameters(forward) if isinstance(forward, Function) else []
        self._set_attributes(cls, instance)
        for name in self.setups:
            method = cls.find(name)
            self._refuse_missing(method)
            arguments = {
                key: self._argument(key, key in shared)
                for key in self._parameters(method) if key in self.values
            }  # fmt: skip
            self.reader.call(self.reader.bound(method, instance), [], arguments)
        self.is_made = True

    def _set_attributes(self, cls: Class, instance: Instance) -> None:
        """Set what other code sets."""
        missing = [name for name in self.attributes if name not in self.values]
        if missing:
            words = ", ".join(f"`{cls.name}.{name}`" for name in missing)
            raise MissingInputs(missing, f"other code sets {words}",
                                f"give it: {missing[0]}='randn(3, 4)'")  # fmt: skip
        for name in self.attributes:
            instance.attributes[name] = self._argument(name, False)

    def _make_leaves(self, instance: Instance) -> None:
        """Make inputs of the floats that an object holds."""
        for name, number in instance.attributes.items():
            if isinstance(number, float) and (name in self.numbers or LEARNING.match(name)):
                instance.attributes[name] = Array(np.array(number))
        for path, array in arrays_in(instance):
            content = array.content
            if _stores_gradients(path, instance):
                continue
            if content.__class__ is not int and content.dtype.kind == "f" and content.size:
                array.write(self._leaf(short_name(path), content, False))

    def _bound(self, function: Function) -> Any:
        instance = self.driven.instance
        return function if instance is None else self.reader.bound(function, instance)

    def _call(self, function: Function | None, arguments: dict[str, Any]) -> Any:
        assert function is not None
        if function.scope.file == 0:
            self.reader.at(function.node)
        with self.reader.faults():
            return self.reader.call(self._bound(function), [], arguments)

    # ---------------------------------------------------------------- arguments

    def _parameters(self, function: Function) -> list[str]:
        """The parameters, without the object."""
        is_bound = function.owner is not None and function.kind != "staticmethod"
        return function.parameters[1 if is_bound else 0 :]

    def _refuse_missing(self, forward: Function) -> None:
        for name in self._parameters(forward):
            if name not in self.values and is_context(forward.node, name):
                self.given[name] = self.values[name] = context(name)
        missing = [
            name for name in self._parameters(forward)
            if name not in self.values and (
                name not in forward.defaults or self._is_needed(forward, name)
            )
        ]  # fmt: skip
        if missing:
            words = ", ".join(f"`{name}`" for name in missing)
            example = " ".join(f"{name}='randn(3, 4)'" for name in missing)
            raise MissingInputs(
                missing, f"{forward.name}() needs values for {words}",
                f"give them: {example}, or in a comment above it: # gradcli: {missing[0]} = ...",
            )  # fmt: skip

    def _is_needed(self, forward: Function, name: str) -> bool:
        """Whether a parameter that may be left out is needed: `y=None`, and `reg=0`.

        Without the first there are no gradients, and the second would hide a term of them.
        """
        default = forward.defaults[name]
        if default is None:
            return bool(TARGETS.match(name) or LABELS.match(name))
        return bool(PENALTY.match(name)) and default.__class__ in (int, float) and default == 0

    def _arguments(self, function: Function, is_parameter: bool = False) -> dict[str, Any]:
        """The values of a function's parameters by name, floats as inputs."""
        return {
            name: self._argument(name, is_parameter)
            for name in self._parameters(function)
            if name in self.values
        }

    def _rates(self, function: Function) -> dict[str, float]:
        """The learning rates that may be left out: inputs, so that they are no other factor."""
        return {
            name: default for name, default in function.defaults.items()
            if LEARNING.match(name) and isinstance(default, float) and name not in self.values
        }  # fmt: skip

    def _argument(self, name: str, is_parameter: bool) -> Any:
        if name not in self.given:
            value = self.values[name]
            if name in self.floats:
                value = _as_floats(value)
            self.given[name] = self._with_leaves(value, name, is_parameter)
        return self.given[name]

    def _with_leaves(self, value: Any, name: str, is_parameter: bool) -> Any:
        """A value whose floats are inputs."""
        if isinstance(value, float):
            return Array(self._leaf(name, np.array(value), is_parameter))
        if isinstance(value, Array):
            content = value.content
            if content.__class__ is int or content.dtype.kind != "f":
                return Array(content)
            return Array(self._leaf(name, content, is_parameter))
        if isinstance(value, dict):
            return {
                key: self._with_leaves(part, str(key), is_parameter) if _is_array(part) else part
                for key, part in value.items()
            }
        if isinstance(value, (list, tuple)) and not isinstance(value, Given):
            parts = [
                self._with_leaves(part, f"{name}[{k}]", is_parameter)
                for k, part in enumerate(value)
            ]
            return tuple(parts) if isinstance(value, tuple) else parts
        return value

    def _leaf(self, short: str, value: Any, is_parameter: bool) -> int:
        """The node of a new input."""
        tape = self.reader.tape
        name, count = short, 2
        while name in tape.graph.inputs:
            name, count = f"{short}_{count}", count + 1
        number = float(value) if not np.shape(value) else value.astype(float)
        node = tape.input(name, number)
        self.driven.leaves.append(Leaf(name, short, node, is_parameter))
        return node


def _stores_gradients(path: str, instance: Instance) -> bool:
    """Whether an attribute is where gradients go: `self.grads["W"]`, `self.dW` beside `self.W`."""
    name = path.strip(".").partition("[")[0]
    known = {kin(other) for other in instance.attributes}
    return "grad" in name.lower() or (
        name[0] in "dgn" and any(kin(r) in known for r in roots(name))
    )


def _copied(value: Any) -> Any:
    """A list or a dictionary of its own, with the same parts."""
    return {**value} if isinstance(value, dict) else [*value] if isinstance(value, list) else value


def _holds(value: Any, array: Array) -> bool:
    """Whether an array is inside a value."""
    return any(array is other for _, other in arrays_in(value))


def _is_array(value: Any) -> bool:
    return isinstance(value, Array) or (isinstance(value, list) and not isinstance(value, Given))


def _as_floats(value: Any) -> Any:
    """Whole numbers as floats."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return float(value)
    if isinstance(value, Given):
        return Array(np.array(value, dtype=float))
    if isinstance(value, Array) and value.content.__class__ is not int:
        return Array(value.content.astype(float))
    if isinstance(value, list):
        return known_value([_as_floats(part) for part in value])
    return value
