"""Operations of an autograd class: a method computes, and a closure in it sends gradients back.

def __mul__(self, other):
    out = Value(self.data * other.data)
    def _backward():
        self.grad += other.data * out.grad
    out._backward = _backward
    return out
"""

from __future__ import annotations

import ast
from typing import Any

from gradcli.python.driving.drive import Driver
from gradcli.python.driving.driven import Driven
from gradcli.python.driving.results import Result, returned
from gradcli.python.parameters.guesses import example_of
from gradcli.python.state.missing import MissingInputs
from gradcli.python.state.source import PythonFault
from gradcli.python.state.values import Array, Class, Function, Instance

GRADIENTS = ("grad", "gradient", "_grad", "derivative", "deriv", "adjoint", "g", "d")
FLAGS = ("requires_grad", "requires_gradient", "require_grad", "track")
EXPONENT = 3.0  # of a power: whole, so that it is one of negative numbers too


class NodeDriver(Driver):
    """Drives one operation of an autograd class."""

    def drive(self) -> Driven:
        """Read the subject. Raises GradcliError."""
        driven, reader = self.driven, self.reader
        cls = driven.scope.get(self.subject.cls or "")
        method = cls.find(self.subject.forward) if isinstance(cls, Class) else None
        if not isinstance(cls, Class) or not isinstance(method, Function):
            raise PythonFault(f"`{self.subject.cls}` has no method `{self.subject.forward}`")
        names = [n for n in method.positional if n not in method.defaults or n in self.values]
        nodes = [name for name in names if self._is_node(method, name)]
        self._refuse_unknown(method, nodes)
        operands = {name: self._node(cls, self._argument(name, True)) for name in nodes}
        others = {name: self._plain(name) for name in names if name not in nodes}
        driven.forward, driven.handed = method.name, dict(self.given)
        reader.at(method.node)
        with reader.faults():
            out = reader.call(method, [], {**operands, **others})
        if isinstance(out, tuple) and out:
            out = out[0]
        if not isinstance(out, Instance):
            raise PythonFault(f"`{method.name}` returns no `{cls.name}`")
        data = self._data(out)
        self._end_forward()
        upstream = reader.tape.input("upstream", self._upstream_value("upstream", data))
        driven.outputs.append((reader.content(self._value(out)), upstream))
        driven.upstreams.append("upstream")
        reader.forward = {*range(len(reader.tape.graph))} - {upstream}
        self._send_back(method, out, operands, Array(upstream))
        return driven

    def _refuse_unknown(self, method: Function, nodes: list[str]) -> None:
        missing = [name for name in nodes if name not in self.values]
        if missing:
            raise MissingInputs(missing, f"{method.name}() needs values for {', '.join(missing)}",
                                f"give them: {example_of(missing[0])}")  # fmt: skip

    def _is_node(self, method: Function, name: str) -> bool:
        """Whether a parameter is an object of the class: it is asked for its attributes."""
        return name == method.positional[0] or any(
            isinstance(part, ast.Attribute)
            and isinstance(part.value, ast.Name)
            and part.value.id == name
            for part in ast.walk(method.node)
        )

    def _plain(self, name: str) -> Any:
        """An operand that is a plain number, such as an exponent."""
        return self.values.get(name, EXPONENT)

    def _node(self, cls: Class, leaf: Array) -> Instance:
        """An object of the class with a value, and a gradient that is 0 so far."""
        start = cls.find("__init__")
        flags = start.parameters if isinstance(start, Function) else cls.fields
        instance = self.reader.call(cls, [leaf], {f: True for f in FLAGS if f in flags})
        assert isinstance(instance, Instance)
        return instance

    def _value(self, node: Instance) -> Array:
        """The attribute that the constructor keeps the value in."""
        gradient = self._gradient_name(node)
        for name, part in node.attributes.items():
            if isinstance(part, (Array, float)) and name != gradient:
                return part if isinstance(part, Array) else Array(self.reader.content(part))
        raise PythonFault(f"an object of `{node.cls.name}` keeps no array")

    def _data(self, node: Instance) -> tuple[int, ...]:
        return tuple(self.reader.tape.shape(self._value(node).content))

    def _gradient_name(self, node: Instance) -> str:
        for name in GRADIENTS:
            if name in node.attributes:
                return name
        raise PythonFault(f"an object of `{node.cls.name}` has no attribute `grad`")

    def _send_back(
        self, method: Function, out: Instance, operands: dict[str, Instance], upstream: Array
    ) -> None:
        """Call what the result keeps of the method's backward part."""
        inner = {part for part in ast.walk(method.node) if part is not method.node}
        kept = [part for part in out.attributes.values()
                if isinstance(part, Function) and part.node in inner]  # fmt: skip
        if not kept:
            raise PythonFault(f"what `{method.name}` returns keeps no `{self.subject.backward}`")
        gradient = self._gradient_name(out)
        out.attributes[gradient] = upstream
        with self.reader.faults():
            value = self.reader.call(kept[0], [upstream] if kept[0].parameters else [], {})
        driven = self.driven
        driven.overwriting = _overwriting(kept[0].node, gradient)
        driven.results = [
            r._replace(name=f"d{name}") for r, name in zip(
                returned(self.reader, value, kept[0]), operands, strict=False)
        ] if value is not None else []  # fmt: skip
        driven.results += [
            Result(f"d{name}", f"{name}.{gradient}", "", self.reader.tape.node(part.content), -1)
            for name, node in operands.items()
            if isinstance(part := node.attributes[gradient], Array)
        ]


def _overwriting(closure: ast.AST, gradient: str) -> ast.Assign | None:
    """The first assignment to a gradient that neither reads it nor asks whether there is one."""
    pending: list[ast.AST] = [closure]
    while pending:
        node = pending.pop(0)
        if isinstance(node, ast.If) and any(
            isinstance(part, ast.Attribute) and part.attr == gradient
            for part in ast.walk(node.test)
        ):
            continue
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            target = ast.unparse(node.targets[0])
            is_read = any(
                isinstance(part, ast.Attribute) and ast.unparse(part) == target
                for part in ast.walk(node.value)
            )
            if node.targets[0].attr == gradient and not is_read:
                return node
        pending += ast.iter_child_nodes(node)
    return None
