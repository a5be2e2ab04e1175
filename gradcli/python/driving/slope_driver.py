"""A gradient, or one step, whose loss is in no file: that of a prediction that meets targets."""

from __future__ import annotations

import ast
import itertools
from typing import Any

from gradcli.python.driving.driven import Driven
from gradcli.python.driving.outputs import PARTS
from gradcli.python.driving.results import returned
from gradcli.python.driving.steps import Changes, Step
from gradcli.python.driving.training_driver import TrainingDriver
from gradcli.python.state.control import ReturnSignal
from gradcli.python.state.source import PythonFault
from gradcli.python.state.values import arrays_in
from gradcli.python.subjects.trainings import Training


class SlopeDriver(TrainingDriver):
    """Reads a function that gives gradients or new weights, `gradient(theta, X, y)`, to its end."""

    def drive(self) -> Driven:
        """Read the function. Raises GradcliError."""
        driven, value = self.driven, None
        self._start()
        function = self._function(self.subject.forward)
        assert isinstance(function.node, ast.FunctionDef)
        driven.forward = function.name
        self.training = Training(function.node, {}, {}, is_whole=True)
        self.loaded = self._loaded(function.node, set())
        self._hand(function)
        self._watch_errors()
        scope = self.reader.scope_of_call(function, [], driven.handed)
        try:
            self.reader.block(function.node.body, scope)
        except ReturnSignal as signal:
            value = signal.value
        if self.loss is None and self.compared:
            self._take_usual()
        if self.loss is None:
            raise PythonFault(f"`{driven.forward}` compares no prediction with targets")
        driven.steps = self._steps_in(value)
        driven.results = [] if driven.steps else returned(self.reader, value, function)
        driven.outputs.append((self._scalar(self.loss), None))
        return driven

    def _steps_in(self, value: Any) -> dict[int, Step]:
        """The steps of what is returned as a new value of a parameter: `w - rate * dw`."""
        changes, steps = Changes(self.reader), dict[int, Step]()
        nodes = [array.content for _, array in arrays_in(value) if array.content.__class__ is int]
        for node, leaf in itertools.product(nodes, self.driven.leaves):
            step = None if node == leaf.node else changes.step(
                leaf.node, node, leaf.short, is_layer=False, is_own=True
            )  # fmt: skip
            if step is not None:
                steps[leaf.node] = step
        return steps

    def _take_weights(self) -> None:
        """Nothing: what may be weights are parameters, and inputs by now."""

    def _is_of_weights(self, value: Any) -> bool:
        """Whether a value was computed from inputs, and is no part of one."""
        graph = self.reader.tape.graph
        return self._is_output(value) and any(
            graph.gates[k].name not in PARTS and not graph.is_leaf(k)
            for k in graph.ancestors([value.content])
        )
