"""The loss of a backward part that takes no upstream gradient: a number, or the file's loss of it.

number      what the forward part returns itself
function    of the file, by its name, on what the forward part returns
derivative  of such a function, where the file has only that
usual       one that networks are trained for, where the file has none
"""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np

from gradcli.errors import ShapeError
from gradcli.python.driving.outputs import Outputs
from gradcli.python.parameters.guesses import TARGETS
from gradcli.python.parameters.usual_losses import usual_loss
from gradcli.python.rows.reductions import ROWS as REDUCTIONS
from gradcli.python.state.source import PythonFault
from gradcli.python.state.values import Array, Class, Function, Instance
from gradcli.python.words.returned import OBJECTIVES
from gradcli.python.words.roles import FUNCTION_METHODS, GRADIENT, role

MEAN = re.compile("(calc|calculate|compute|mean|total|average)(_mean|_total)?")  # of examples
HELD = re.compile(r"loss|cost|criterion|objective", re.IGNORECASE)  # what a network calls it
SQUARE = 2  # axes: examples and classes
NAME_LOSS = "name its loss `loss` or `compute_cost`, a function of the same file"


class LossSearch(Outputs):
    """The part of a driver that finds the loss of what the forward part returns."""

    def _loss_after(
        self, parts: list[Any], names: list[str], outputs: list[int], forward: Function,
        backward: Function, targets: list[Any],
    ) -> None:  # fmt: skip
        """The output of a backward part without upstream: the number, or the file's loss of it."""
        reader, driven = self.reader, self.driven
        kept = {name: v for part in parts if isinstance(part, dict) for name, v in part.items()}
        if not outputs:  # a cache only, or lists: the loss may compute them itself
            lists = [k for k, part in enumerate(parts) if isinstance(part, list)]
            value = self._loss([*parts, *kept.values()], [*names, *kept], lists, forward, targets)
            if value is not None:
                driven.outputs.append((self._scalar(value.content), None))
                return
        if not outputs:
            raise PythonFault(f"`{forward.name}` returns nothing that depends on its inputs")
        meets_targets = any(
            TARGETS.match(n) and n not in self.given for n in self._parameters(backward)
        )
        for k in outputs if not meets_targets else ():
            if int(np.prod(reader.tape.shape(parts[k].content))) == 1:
                driven.outputs.append((self._scalar(parts[k].content), None))
                return
        value = self._loss_of_object(self._last_of([parts[k] for k in outputs]), targets)
        if value is None:
            value = self._loss(parts, names, outputs, forward, targets)
        if value is None and self._upstream_of_loss(parts, outputs):
            return
        if value is None and self._is_loss_of_each(parts[outputs[0]], forward):
            driven.is_of_examples = True
        if value is None and driven.is_of_examples:
            value = self._over_examples(parts[outputs[0]])
        if value is None:
            value = self._usual_loss(self._last_of([parts[k] for k in outputs]), targets)
        if value is None:
            shape = reader.tape.shape(parts[outputs[0]].content)
            raise PythonFault(
                f"`{self.subject.backward}` takes no upstream gradient, and `{forward.name}` "
                f"returns an array of shape {shape}",
                None, NAME_LOSS,
            )  # fmt: skip
        driven.outputs.append((self._scalar(value.content), None))

    def _loss_of_object(self, output: Array, targets: list[Any]) -> Any:
        """What a loss that the network holds gives for its output: `self.cost.fn(a, y)`."""
        held = self.driven.instance.attributes if self.driven.instance is not None else {}
        for name, holder in held.items() if len(targets) == 1 else ():
            cls = holder.cls if isinstance(holder, Instance) else holder
            if not isinstance(cls, Class) or not HELD.search(name):
                continue
            function = next((f for n in FUNCTION_METHODS
                             if isinstance(f := cls.find(n), Function)), None)  # fmt: skip
            if function is None:
                continue
            due = [n for n in self._parameters(function) if n not in function.defaults]
            if len(due) != len([output, *targets]):
                continue
            operands = [targets[0], output] if TARGETS.match(due[0]) else [output, targets[0]]
            value = self.reader.call(self.reader.attribute(holder, function.name), operands, {})
            if self._is_output(value) and not self.reader.tape.shape(value.content):
                self.driven.loss = f"{name}.{function.name}"
                return value
        return None

    def _is_loss_of_each(self, output: Array, forward: Function) -> bool:
        """Whether what the forward part gives is a loss for each example: it takes targets."""
        shape = self.reader.tape.shape(output.content)
        has_targets = any(TARGETS.match(n) and n in self.given for n in self._parameters(forward))
        return has_targets and sum(n != 1 for n in shape) == 1

    def _over_examples(self, losses: Array) -> Any:
        """The sum of the losses of all examples; their mean where the style has that."""
        return REDUCTIONS["mean" if self.style.is_mean else "sum"](self.reader, losses)

    def _last_of(self, outputs: list[Array]) -> Array:
        """The only output that no other is computed from; else the first."""
        graph = self.reader.tape.graph
        inner = {k for x in outputs for k in graph.ancestors([x.content]) if k != x.content}
        last = [x for x in outputs if x.content not in inner]
        return last[0] if len(last) == 1 else outputs[0]

    def _usual_loss(self, output: Array, targets: list[Any]) -> Any:
        """The loss that the style has for outputs beside targets like them; None without these.

        Raises ShapeError where they have the same axes and other sizes.
        """
        rank = len(self.reader.tape.shape(output.content))
        targets = [self._one_hot(x, output) for x in targets]
        fitting = [x for x in targets if isinstance(x, Array)
                   and len(self.reader.tape.shape(x.content)) == rank]  # fmt: skip
        if len(fitting) != 1:
            return None
        return self._by_usual(output, fitting[0])

    def _one_hot(self, target: Any, output: Array) -> Any:
        """Labels as rows or columns with a single 1, beside an output of examples and classes.

        Raises ShapeError where labels are more, or fewer, than examples.
        """
        shape = self.reader.tape.shape(output.content)
        content = target.content if isinstance(target, Array) else target
        if content.__class__ is int or len(shape) != SQUARE:
            return target
        labels = np.asarray(content)
        if labels.dtype.kind not in "iu" or labels.ndim != 1:
            return target
        along = self._axis_of_examples(shape)
        if labels.size != shape[along]:
            raise ShapeError(f"labels of shape ({shape[along]},) are needed, not of {labels.shape}")
        places = np.arange(shape[1 - along])
        hot = np.expand_dims(labels, 1 - along) == np.expand_dims(places, along)
        return Array(hot * 1.0)

    def _axis_of_examples(self, shape: tuple[int, ...]) -> int:
        """The axis that examples lie along: that whose size fewer inputs have."""
        sizes = [self.reader.tape.shape(leaf.node) for leaf in self.driven.leaves]
        return min(range(len(shape)), key=lambda axis: sum(shape[axis] in own for own in sizes))

    def _count_of_examples(self, output: Array) -> int:
        """How many examples an output is of; 1 where it is a number."""
        shape = self.reader.tape.shape(output.content)
        return shape[self._axis_of_examples(shape)] if shape else 1

    def _by_usual(self, output: Array, targets: Array) -> Any:
        """The loss that the style has."""
        self.driven.usual_loss = self.style.loss
        return usual_loss(self.reader, self.style.loss, self.style.scale, output, targets)

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
            if len(self._parameters(function)) != 2:  # output and targets
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

    def _loss(
        self, parts: list[Any], names: list[str], outputs: list[int], forward: Function,
        targets: list[Any],
    ) -> Any:  # fmt: skip
        """The value of the file's loss function on what the forward part returns."""
        known = dict(zip(names, parts, strict=True))
        for function in self._losses():
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
                elif len(targets) == 1 and TARGETS.match(name):  # called otherwise here
                    arguments[name] = targets[0]
                elif name not in function.defaults:
                    waiting.append(name)
            if self._calls_forward(function):
                inputs = [self.given[n] for n in self._parameters(forward) if n in self.given]
                arguments.update(zip(waiting, inputs, strict=False))
                waiting = waiting[len(inputs) :]
            spare = [parts[k] for k in outputs if names[k] not in arguments]
            if len(waiting) == 1 < len(spare):
                spare = [self._last_of(spare)]
            if len(waiting) <= len(spare):
                arguments.update(zip(waiting, spare, strict=False))
                callee = self._bound(function) if function.owner else function
                value = self.reader.call(callee, [], arguments)
                if self._is_output(value) and not self.reader.tape.shape(value.content):
                    self.driven.loss = function.name
                    return value
        return None

    def _losses(self) -> list[Function]:
        """The functions that may be the loss, those of the class first."""
        instance = self.driven.instance
        holders = [cls.body for cls in instance.cls.order()] if instance is not None else []
        return [
            value for holder in (*holders, self.driven.scope) for name, value in holder.items()
            if isinstance(value, Function) and self._is_loss(name, value)
        ]  # fmt: skip

    def _is_loss(self, name: str, function: Function) -> bool:
        """Whether a function is a loss by its name, or of those that the forward part gives."""
        if name in (self.subject.forward, self.subject.backward):
            return False
        if self.driven.is_of_examples:
            return bool(MEAN.fullmatch(name)) and self._calls_forward(function)
        return bool(OBJECTIVES.search(name)) and role(name, GRADIENT) is None

    def _calls_forward(self, function: Function) -> bool:
        """Whether a loss computes the forward part itself, from its inputs."""
        name = self.subject.forward
        return any(
            isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name
            for node in ast.walk(function.node)
        )  # fmt: skip
