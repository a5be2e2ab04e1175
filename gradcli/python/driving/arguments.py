"""What a driver stands on: the functions and the object of a subject, and the values they take."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from math import prod
from typing import Any
from zlib import crc32

import numpy as np

from gradcli.python.driving.driven import Driven, Leaf
from gradcli.python.driving.objects import adders
from gradcli.python.driving.results import short_name
from gradcli.python.driving.setups import passed_on
from gradcli.python.interpreter.interpreter import Interpreter
from gradcli.python.parameters.guesses import (
    COUNT,
    INPUT,
    LABELS,
    LEARNING,
    PENALTY,
    SHAPE,
    SHARES,
    TARGETS,
    example_of,
)
from gradcli.python.parameters.inputs import known_value
from gradcli.python.parameters.styles import Style
from gradcli.python.rows.elementwise import ROWS as GATES
from gradcli.python.rows.reductions import ROWS as REDUCTIONS
from gradcli.python.state.contexts import context, is_context
from gradcli.python.state.missing import MissingInputs
from gradcli.python.state.source import PythonFault
from gradcli.python.state.values import (
    Array,
    Class,
    Function,
    Given,
    Instance,
    Scope,
    Unknown,
    arrays_in,
)
from gradcli.python.subjects.subjects import Subject
from gradcli.python.words.gradients import kin, roots

ATTRIBUTE = re.compile(r"\.(\w+)")  # in the way to an array
MOST_PIXELS = 500  # of a shape that a parameter has where it is left out
MOST_UNITS = 99  # of an object, where they are left out


class Arguments:
    """The part of a driver that knows the functions of a subject and the values they take."""

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
        self.names: dict[str, str] = {}  # of the file, for parameters that are what these hold
        self.attributes: list[str] = []  # of the object that other code sets
        self.is_made = False  # whether the object has been prepared
        self.has_ended = False  # whether the forward part has been read
        self.sizes: set[int] = set()  # of the inputs that it reads
        self.filled = ""  # the parameter that is filled with the gradient
        self.differentiated = ""  # the parameter that this is the gradient of
        self.last_line = 0  # of the forward part, where one function has both

    # ---------------------------------------------------------------- functions

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
            arguments = {
                name: self._twin(value, name) if isinstance(value, Instance)
                else self._argument(name, False)
                for name in (*self._parameters(start), *passed_on(cls)) if name in self.values
                for value in [self.values[name]]
            }  # fmt: skip
            self.reader.call(self.reader.bound(start, instance), [], arguments)
        self._prepare(cls, instance)
        self._make_leaves(instance)

    def _prepare(self, cls: Class, instance: Instance) -> None:
        """Call the methods that make what the forward part needs, and set what others set."""
        forward = cls.find(self.subject.forward)
        shared = self._parameters(forward) if isinstance(forward, Function) else []
        self._set_attributes(cls, instance)
        self._add_objects(cls, instance)
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
                                f"give it: {example_of(missing[0])}")  # fmt: skip
        for name in self.attributes:
            instance.attributes[name] = self._argument(name, bool(INPUT.match(name)))

    def _add_objects(self, cls: Class, instance: Instance) -> None:
        """Add layers to a network that has none so far: `net.add(layer)`."""
        empty = {k for k, v in instance.attributes.items() if isinstance(v, list) and not v}
        for method, name, kept in adders(cls) if empty else ():
            if kept not in empty:
                continue
            if name not in self.values:
                raise MissingInputs([name], f"`{cls.name}` has no {kept} before `{method}` is "
                                    f"called", f"call `{method}` in `__init__`")  # fmt: skip
            added = self._argument(name, False)
            for part in added if isinstance(added, list) else [added]:
                self.reader.call(self.reader.bound(cls.find(method), instance), [part], {})

    def _make_leaves(self, instance: Instance) -> None:
        """Make inputs of the floats that an object holds."""
        for name, number in instance.attributes.items():
            if isinstance(number, float) and (name in self.numbers or LEARNING.match(name)):
                instance.attributes[name] = Array(np.array(number))
        for path, array in arrays_in(instance):
            content = array.content
            if stores_gradients(path, instance):
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

    @property
    def numbers_taken(self) -> set[str]:
        """The parameters of the forward part that are numbers."""
        shape = self.reader.tape.shape
        return {x.short for x in self.driven.leaves if x.is_parameter and not shape(x.node)}

    def _refuse_missing(self, forward: Function) -> None:
        for name in self._parameters(forward):
            if name not in self.values and is_context(forward.node, name):
                self.given[name] = self.values[name] = context(name)
        missing = [
            name for name in self._parameters(forward)
            if name not in self.values and name != self.filled and (
                name not in forward.defaults or self._is_needed(forward, name)
            )
        ]  # fmt: skip
        if missing:
            words = ", ".join(f"`{name}`" for name in missing)
            example = " ".join(map(example_of, missing))
            raise MissingInputs(
                missing, f"{forward.name}() needs values for {words}",
                f"give them: {example}, or in a comment above it: # gradcli: {missing[0]} = ...",
                {n: d for n in missing if (d := forward.defaults.get(n)).__class__ is int and d},
            )  # fmt: skip

    def _is_needed(self, forward: Function, name: str) -> bool:
        """Whether a parameter that may be left out is needed: `y=None`, and `reg=0`.

        Without the first there are no gradients, and the second would hide a term of them. Images
        of `input_dim=(3, 32, 32)` would be read pixel by pixel, where a few do as well; and so
        would an object's `input_dim=3072` take as much time as it has units.
        """
        default = forward.defaults[name]
        if default.__class__ is int and forward.name == "__init__" and default > MOST_UNITS:
            return bool(COUNT.match(name))
        if isinstance(default, tuple) and SHAPE.match(name):
            return all(isinstance(n, int) for n in default) and prod(default) > MOST_PIXELS
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
        if name not in self.given and (own := self._of_file(name)) is not None:
            self.given[name] = own
        if name not in self.given:
            value = self.values[name]
            if name in self.floats:
                value = _as_floats(value)
            self.given[name] = self._with_leaves(value, name, is_parameter)
        return self.given[name]

    def _of_file(self, name: str) -> Array | None:
        """The input of the file that a parameter is in the file's own call; None for none."""
        value = self.driven.scope.get(self.names.get(name, ""))
        is_input = isinstance(value, Array) and value.content.__class__ is int
        return value if is_input and name not in self.settings else None

    def _with_leaves(self, value: Any, name: str, is_parameter: bool) -> Any:
        """A value whose floats are inputs."""
        if isinstance(value, float):
            return Array(self._leaf(name, np.array(value), is_parameter))
        if isinstance(value, Array):
            content = value.content
            if content.__class__ is int or content.dtype.kind != "f":
                return Array(content)
            return self._predicted(Array(self._leaf(name, content, is_parameter)), name)
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
        if isinstance(value, Instance):
            twin = self._twin(value, name)
            self._make_leaves(twin)
            return twin
        return value

    def _twin(self, value: Instance, path: str) -> Instance:
        """An object of its own, whose arrays of floats are not all alike."""
        twin = Instance(value.cls)
        for name, part in value.attributes.items():
            own = part
            if isinstance(part, Instance):
                own = self._twin(part, f"{path}.{name}")
            elif isinstance(part, Array) and not stores_gradients(f".{name}", value):
                own = Array(varied_content(f"{path}.{name}", part.content, self.reader.seed))
            elif isinstance(part, Array):
                own = Array(part.content)
            twin.attributes[name] = own
        return twin

    def _predicted(self, scores: Array, name: str) -> Array:
        """A prediction, which the style may have made of scores."""
        kind = self.style.through
        if not kind or not SHARES.match(name):
            return scores
        if kind == "sigmoid":
            made: Array = GATES["sigmoid"](self.reader, scores)
        else:
            made = REDUCTIONS["softmax"](self.reader, scores, -1 if kind == "rows" else 0)
        return made

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


def varied_content(name: str, content: Any, seed: int) -> Any:
    """Floats as they are; others where all are alike, as zeros are."""
    if content.__class__ is int or content.dtype.kind != "f" or not content.size or np.ptp(content):
        return content
    random = np.random.RandomState((crc32(name.encode()) + seed) % 2**32)
    return random.uniform(-0.5, 0.5, content.shape)


def stores_gradients(path: str, instance: Instance) -> bool:
    """Whether an attribute is where gradients go: `self.grads["W"]`, `self.dW` beside `self.W`.

    The object may be one inside another: `self.layers[0].dW`.
    """
    names = ATTRIBUTE.findall(path)
    known = {kin(other) for other in instance.attributes}
    if len(names) > 1:
        known |= {kin(name) for way, _ in arrays_in(instance) for name in ATTRIBUTE.findall(way)}
    return any("grad" in name.lower() for name in names) or (
        names[-1][0] in "dgn" and any(kin(root) in known for root in roots(names[-1]))
    )


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
