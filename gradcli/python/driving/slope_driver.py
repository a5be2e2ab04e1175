"""A gradient whose loss is in no file: that of a prediction and targets whose difference it has."""

from __future__ import annotations

import ast
from typing import Any

from gradcli.python.driving.driven import Driven
from gradcli.python.driving.results import returned
from gradcli.python.driving.training_driver import TrainingDriver
from gradcli.python.state.control import ReturnSignal
from gradcli.python.state.source import PythonFault
from gradcli.python.subjects.trainings import Training


class SlopeDriver(TrainingDriver):
    """Reads a function that gives gradients, `gradient(theta, X, y)`, to its end."""

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
        driven.results = returned(self.reader, value, function)
        driven.outputs.append((self._scalar(self.loss), None))
        return driven

    def _is_of_weights(self, value: Any) -> bool:
        """Whether a value was computed from inputs, and is none itself."""
        return self._is_output(value) and not self.reader.tape.graph.is_leaf(value.content)
