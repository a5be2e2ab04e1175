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
from zlib import crc32

import numpy as np

from gradcli.errors import BindingError
from gradcli.python.gradient_words import kin, roots
from gradcli.python.guesses import LABELS, TARGETS
from gradcli.python.inputs import known_value
from gradcli.python.interpreter import Interpreter
from gradcli.python.missing import MissingInputs
from gradcli.python.results import Result, named_parts, returned
from gradcli.python.source import PythonFault
from gradcli.python.subjects import GRADIENT, OBJECTIVES, Subject, role
from gradcli.python.values import (
    Array,
    Class,
    Function,
    Given,
    Instance,
    Scope,
    Unknown,
    arrays_in,
)

CACHE = re.compile(r"cache|^(mem|memory|ctx|saved|store|tape|states?|context|aux|intermediates?)$",
                   re.IGNORECASE)  # fmt: skip
UPSTREAM = re.compile(
    r"^_?(d[A-Z_a-z]\w*|grad\w*|\w*grads?|g\w{0,2}|delta\w*|up\w*|top\w*|\w*err\w*|upstream|dz|dy|D\w+)$"
)

NO_UPSTREAM = ("data", "dim", "dims", "depth", "dt", "dropout", "dtype", "d", "gamma", "g0")


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
        self.instance: Instance | None = None
        self.used: dict[str, str] = {}  # parameters, and where their values are from
        self.upstreams: list[str] = []


class Driver:
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
        self.of_output = False  # whether a derivative is handed the output, and not the input
        self.driven = Driven(reader, scope)
        self.given: dict[str, Any] = {}  # parameters as they were handed over

    # ---------------------------------------------------------------- the parts

    def drive(self) -> Driven:
        """Read the subject. Raises GradcliError."""
        reader, subject, driven = self.reader, self.subject, self.driven
        self._take_globals()
        forward = self._function(subject.forward)
        driven.forward = forward.name
        backward = self._function(subject.backward) if subject.backward else None
        self._refuse_missing(forward)
        arguments = self._arguments(forward, is_parameter=True)
        value = self._forward_call(forward, arguments)
        if isinstance(value, Unknown) or value is None:
            value = self._stored_output()
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
        """What the forward part gives; arrays that its first call makes for good are inputs, too."""
        instance = self.driven.instance
        before = dict(instance.attributes) if instance is not None else {}
        kept = {name: _copied(value) for name, value in before.items()}
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
        if not any(isinstance(part, dict) or name[0].isupper() or name.startswith(("b", "w", "gamma"))
                   for name, part in made.items() if any(
                       _holds(part, array) for _, array in fresh)):  # fmt: skip
            return value
        instance.attributes.clear()
        instance.attributes.update({**kept, **made})
        for name, part in made.items():
            for path, array in arrays_in(part):
                if any(array is other for _, other in fresh):
                    array.write(self._leaf(_short(f".{name}{path}"), array.content, False))
        self.reader.records.clear()
        self.reader.recorded.clear()
        return self._call(forward, arguments)

    def _gradient(
        self, forward: Function, backward: Function | None, value: Any
    ) -> list[Result]:
        """What the gradient of a function gives at the values that the function had."""
        assert backward is not None
        own, others = self._parameters(backward), self._parameters(forward)
        arguments = self._arguments(backward)
        for name, other in zip(own, others, strict=False):
            if name not in arguments and name not in backward.defaults and other in self.given:
                arguments[name] = self.given[other]
        if self.of_output and own:
            arguments[own[0]] = value
        results = returned(self.reader, self._call(backward, arguments), backward)
        upstream = self.driven.outputs[0][1]
        if upstream is None:
            return results
        tape = self.reader.tape
        return [
            r._replace(node=tape.gate("mul", r.node, upstream)) for r in results
            if tape.shape(r.node) in (tape.shape(upstream), ())
        ]  # fmt: skip

    def _function(self, name: str) -> Function:
        scope, subject = self.driven.scope, self.subject
        holder = scope.get(subject.cls) if subject.cls else None
        value = holder.find(name) if isinstance(holder, Class) else scope.get(name)
        if isinstance(value, Unknown):
            raise PythonFault(value.reason, None, value.hint)
        if not isinstance(value, Function):
            raise PythonFault(f"`{name}` is not a function of the file")
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
        for path, array in arrays_in(instance):
            content = array.content
            if _stores_gradients(path, instance):
                continue
            if content.__class__ is not int and content.dtype.kind == "f" and content.size:
                array.write(self._leaf(_short(path), content, False))

    def _bound(self, function: Function) -> Any:
        instance = self.driven.instance
        return function if instance is None else self.reader.bound(function, instance)

    def _call(self, function: Function | None, arguments: dict[str, Any]) -> Any:
        assert function is not None
        self.reader.at(function.node)
        with self.reader.faults():
            return self.reader.call(self._bound(function), [], arguments)

    # ---------------------------------------------------------------- arguments

    def _parameters(self, function: Function) -> list[str]:
        """The parameters, without the object."""
        is_bound = function.owner is not None and function.kind != "staticmethod"
        return function.parameters[1 if is_bound else 0 :]

    def _refuse_missing(self, forward: Function) -> None:
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
        """Whether a parameter that may be left out is needed for gradients: `y=None`."""
        is_target = bool(TARGETS.match(name) or LABELS.match(name))
        return is_target and forward.defaults[name] is None

    def _arguments(self, function: Function, is_parameter: bool = False) -> dict[str, Any]:
        """The values of a function's parameters by name, floats as inputs."""
        return {
            name: self._argument(name, is_parameter)
            for name in self._parameters(function)
            if name in self.values
        }

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

    # ---------------------------------------------------------------- outputs

    def _is_output(self, value: Any) -> bool:
        return isinstance(value, Array) and value.content.__class__ is int

    def _stored_output(self) -> Any:
        """What a forward part without a result has put into the object."""
        instance = self.driven.instance
        if instance is None:
            raise PythonFault(f"`{self.subject.forward}` returns nothing",
                              hint="return the result, so that it can be differentiated")  # fmt: skip
        names = ("output", "out", "y", "a", "loss", "result", "value", "z")
        for name in names:
            value = instance.attributes.get(name)
            if self._is_output(value):
                return value
        raise PythonFault(f"`{self.subject.forward}` returns nothing and sets no `self.output`")

    def _outputs_of_value(self, value: Any, forward: Function) -> None:
        parts = value if isinstance(value, tuple) else (value,)
        first = next((part for part in parts if self._is_output(part)), None)
        if first is None:
            raise PythonFault(f"`{forward.name}` returns nothing that depends on its inputs")
        tape = self.reader.tape
        shape = tape.shape(first.content)
        if int(np.prod(shape)) == 1:
            self.driven.outputs.append((self._scalar(first.content), None))
        elif self._is_elementwise(first.content):
            upstream = tape.input("upstream", self._upstream_value("upstream", shape))
            self.driven.outputs.append((first.content, upstream))
        else:
            raise PythonFault(f"`{forward.name}` returns an array of shape {shape} whose elements "
                              "depend on several inputs: its derivative is a matrix", None,
                              "give the backward part an upstream gradient: "
                              "backward(dout, cache)")  # fmt: skip
        self.reader.forward = set(range(len(self.reader.tape.graph)))

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
        if not isinstance(value, (tuple, list)):
            raise PythonFault(f"`{forward.name}` returns no value with gradients")
        found = returned(reader, value, forward)
        sizes = reader.tape.shape
        place = next(
            (k for k, r in enumerate(found) if int(np.prod(sizes(r.node))) == 1
             and OBJECTIVES.search(r.name)),
            next((k for k, r in enumerate(found) if int(np.prod(sizes(r.node))) == 1), None),
        )  # fmt: skip
        if place is None:
            raise PythonFault(f"`{forward.name}` returns no number that could be the value")
        driven.outputs.append((self._scalar(found[place].node), None))
        driven.results = [r for k, r in enumerate(found) if k != place]
        if driven.instance is not None:
            driven.results += named_parts(reader, driven.instance, "self")

    # ---------------------------------------------------------------- backward

    def _backward(self, value: Any, forward: Function, backward: Function) -> None:
        """Call the backward part with the caches, the inputs, and upstream gradients."""
        reader, driven = self.reader, self.driven
        names, parts = _items(value, forward)
        outputs = [k for k, part in enumerate(parts) if self._is_output(part)
                   and not CACHE.search(names[k])]  # fmt: skip
        caches = [k for k in range(len(parts)) if k not in outputs]
        parameters = self._parameters(backward)
        if len(parts) == 2 and not caches and len(parameters) == 2:  # out, x
            caches, outputs = [1], [0]
        if not outputs and parts and self._is_output(parts[0]):
            outputs = [0]
        arguments, waiting = self._by_name(backward, forward, names, parts, caches)
        self._upstreams(waiting, outputs, parts, arguments, backward)
        if not driven.outputs:
            self._loss_after(parts, names, outputs, forward)
        before = len(reader.tape.graph)
        reader.forward = reader.forward or set(range(before))
        result = self._call(backward, arguments)
        driven.results = returned(reader, result, backward)
        if driven.instance is not None:
            driven.results += named_parts(reader, driven.instance, "self")

    def _by_name(
        self, backward: Function, forward: Function, names: list[str], parts: list[Any],
        caches: list[int],
    ) -> tuple[dict[str, Any], list[str]]:  # fmt: skip
        """Arguments that are caches, parameters or results by name; and those that are not."""
        arguments: dict[str, Any] = {}
        waiting = []
        left = [k for k in caches]
        inner = self.reader.scopes.get(forward.name, Scope())
        by_name = {name: part for name, part in zip(names, parts, strict=True) if name}
        for name in self._parameters(backward):
            if name in by_name and (CACHE.search(name) or not UPSTREAM.match(name)):
                arguments[name] = by_name[name]
                left = [k for k in left if names[k] != name]
            elif CACHE.search(name) and left:
                arguments[name] = parts[left.pop(0)]
            elif name in self.given and not UPSTREAM.match(name):
                arguments[name] = self.given[name]
            elif name in self.values:
                waiting.append(name)
            elif name in inner and not UPSTREAM.match(name):
                arguments[name] = inner[name]
            else:
                waiting.append(name)
        self._by_position(backward, forward, arguments, waiting, parts)
        for name in [n for n in waiting if not UPSTREAM.match(n)]:
            if left and name not in self.values and name not in backward.defaults:
                arguments[name] = parts[left.pop(0)]
                waiting.remove(name)
        return arguments, waiting

    def _by_position(
        self, backward: Function, forward: Function, arguments: dict[str, Any],
        waiting: list[str], parts: list[Any],
    ) -> None:  # fmt: skip
        """Hand inputs over by position to a backward part that computes the forward part anew."""
        needed = [n for n in waiting if n not in backward.defaults and not UPSTREAM.match(n)]
        if len(parts) > 1 or len(needed) < 2:  # noqa: PLR2004  # there is a cache, or an upstream
            return
        own, others = self._parameters(backward), self._parameters(forward)
        for name, other in zip(own, others, strict=False):
            if name in needed and name not in self.settings and other in self.given:
                arguments[name] = self.given[other]
                waiting.remove(name)

    def _upstreams(
        self, waiting: list[str], outputs: list[int], parts: list[Any],
        arguments: dict[str, Any], backward: Function,
    ) -> None:  # fmt: skip
        """Draw an upstream gradient for every output that a parameter waits for."""
        tape, left = self.reader.tape, [*outputs]
        upstreams = self._waiting_for_upstream(waiting, backward, [parts[k] for k in outputs])
        for name in waiting:
            has_default = name in backward.defaults
            if left and name in upstreams:
                node = parts[left[0]].content
                shape = tape.shape(node)
                if has_default and not shape and name not in self.values:
                    continue  # `dout=1` of a loss
                left.pop(0)
                upstream = tape.input(name, self._upstream_value(name, shape))
                self.driven.upstreams.append(name)
                self.driven.outputs.append((node, upstream))
                arguments[name] = Array(upstream)
            elif name in self.values:
                arguments[name] = self._argument(name, False)
            elif not has_default:
                raise MissingInputs(
                    [name], f"{backward.name}() needs a value for `{name}`",
                    f"give it: {name}=..., or in a comment above {self.subject.forward}: "
                    f"# gradcli: {name} = ...",
                )  # fmt: skip

    def _waiting_for_upstream(
        self, waiting: list[str], backward: Function, outputs: list[Any]
    ) -> list[str]:
        """The parameters that are upstream gradients: by name, or the only one that waits."""
        flags = [n for n in waiting if isinstance(backward.defaults.get(n), (bool, str))]
        named = [n for n in waiting if UPSTREAM.match(n) and n not in NO_UPSTREAM]
        named = [n for n in named if n not in flags]
        if named:
            return named
        needed = [n for n in waiting if n not in backward.defaults and n not in self.values]
        is_number = bool(outputs) and not self.reader.tape.shape(outputs[0].content)
        if len(needed) != 1 or is_number or TARGETS.match(needed[0]):
            return []
        return needed

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
        return numbers if shape else float(numbers)

    def _loss_after(
        self, parts: list[Any], names: list[str], outputs: list[int], forward: Function
    ) -> None:
        """The output of a backward part without upstream: the number, or the file's loss of it."""
        reader, driven = self.reader, self.driven
        if not outputs:
            raise PythonFault(f"`{forward.name}` returns nothing that depends on its inputs")
        for k in outputs:
            if int(np.prod(reader.tape.shape(parts[k].content))) == 1:
                driven.outputs.append((self._scalar(parts[k].content), None))
                return
        value = self._loss(parts, names, outputs)
        if value is None and self._upstream_of_loss(parts, outputs):
            return
        if value is None:
            shape = reader.tape.shape(parts[outputs[0]].content)
            raise PythonFault(
                f"`{self.subject.backward}` takes no upstream gradient, and `{forward.name}` "
                f"returns an array of shape {shape}",
                None, "name its loss `loss` or `compute_cost`, a function of the same file",
            )  # fmt: skip
        driven.outputs.append((self._scalar(value.content), None))

    def _upstream_of_loss(self, parts: list[Any], outputs: list[int]) -> bool:
        """Take what the file calls the derivative of its loss for the upstream gradient."""
        holder = self.driven.instance.cls.body if self.driven.instance is not None else {}
        functions = {**self.driven.scope, **holder}
        for name, function in functions.items():
            of = role(name, GRADIENT)
            targets = [v for n, v in self.given.items() if TARGETS.match(n)]
            targets += [self._argument(n, False) for n in self.values if TARGETS.match(n)]
            if not (of and OBJECTIVES.search(of) and isinstance(function, Function) and targets):
                continue
            if len(self._parameters(function)) != 2:  # noqa: PLR2004  # output and targets
                continue
            output = parts[outputs[0]]
            callee = self._bound(function) if function.owner else function
            value = self.reader.call(callee, [output, targets[0]], {})
            shape = self.reader.tape.shape(output.content)
            if isinstance(value, Array) and self.reader.tape.shape(value.content) == shape:
                node = self.reader.tape.node(value.content)
                self.reader.tape.decide(node, np.array)  # at other points it would be another one
                self.driven.outputs.append((output.content, node))
                return True
        return False

    def _loss(self, parts: list[Any], names: list[str], outputs: list[int]) -> Any:
        """The value of the file's loss function on what the forward part returns."""
        functions = [
            value for name, value in self.driven.scope.items()
            if isinstance(value, Function) and OBJECTIVES.search(name)
            and name not in (self.subject.forward, self.subject.backward)
        ]  # fmt: skip
        if self.driven.instance is not None:
            functions = [
                value for cls in self.driven.instance.cls.order()
                for name, value in cls.body.items()
                if isinstance(value, Function) and OBJECTIVES.search(name)
                and name not in (self.subject.forward, self.subject.backward)
            ] + functions  # fmt: skip
        known = dict(zip(names, parts, strict=True))
        for function in functions:
            arguments: dict[str, Any] = {}
            waiting = []
            parameters = self._parameters(function)
            for name in parameters:
                if name in known:
                    arguments[name] = known[name]
                elif name in self.given:
                    arguments[name] = self.given[name]
                elif name in self.values:
                    arguments[name] = self._argument(name, False)
                elif name not in function.defaults:
                    waiting.append(name)
            spare = [parts[k] for k in outputs if names[k] not in arguments]
            if len(waiting) <= len(spare):
                arguments.update(zip(waiting, spare, strict=False))
                callee = self._bound(function) if function.owner else function
                value = self.reader.call(callee, [], arguments)
                if self._is_output(value) and not self.reader.tape.shape(value.content):
                    return value
        return None


def _items(value: Any, forward: Function) -> tuple[list[str], list[Any]]:
    """What a function returns, part by part, and what it calls them."""
    parts = list(value) if isinstance(value, tuple) else [value]
    names = [""] * len(parts)
    for node in ast.walk(forward.node):
        if isinstance(node, ast.Return) and node.value is not None:
            elements = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            if len(elements) == len(parts):
                names = [_short(ast.unparse(element)) for element in elements]
    return names, parts


def _short(path: str) -> str:
    """The bare name that an expression ends with: `W1` of `self.params['W1']`."""
    match = re.fullmatch(r".*\[(['\"])(.+?)\1\]", path)
    if match:
        return match[2]
    tail = path.rpartition(".")[2]
    return tail if re.fullmatch(r"\w+(\[\d+\])*", tail) else ""


def _stores_gradients(path: str, instance: Instance) -> bool:
    """Whether an attribute is where gradients go: `self.grads["W"]`, `self.dW` beside `self.W`."""
    name = path.strip(".").partition("[")[0]
    known = {kin(other) for other in instance.attributes}
    return "grad" in name.lower() or (name[0] in "dgn" and any(kin(r) in known for r in roots(name)))


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
