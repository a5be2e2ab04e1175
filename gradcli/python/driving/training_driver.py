"""One turn of a training is read: its loss is differentiated, and its weights change by steps."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from gradcli.errors import GradcliError
from gradcli.python.driving.driven import Driven
from gradcli.python.driving.loaded import Loaded, read_known
from gradcli.python.driving.weights import WeightDriver
from gradcli.python.interpreter.imports import names_set
from gradcli.python.parameters.flaws import Imperfect
from gradcli.python.state.control import BreakSignal, ContinueSignal, ReturnSignal
from gradcli.python.state.missing import MissingInputs, NoNumber
from gradcli.python.state.operators import binary, is_true
from gradcli.python.state.source import PythonFault
from gradcli.python.state.values import Array, Class, Function, Scope, Unknown
from gradcli.python.subjects.class_parts import own_calls
from gradcli.python.subjects.trainings import Training, loss_of, that_train_nothing

ENDS = (BreakSignal, ContinueSignal, ReturnSignal)


class _Reached(Exception):  # no error: control flow
    """The training is called, with the names of this scope."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope


class Compared(NamedTuple):
    """A prediction and its targets, the statement, and how many nodes there were when they met."""

    prediction: Array
    targets: Array
    node: ast.stmt
    end: int


class TrainingDriver(WeightDriver):
    """Reads a function, or a file, up to the end of the first turn of its loop."""

    def drive(self) -> Driven:
        """Read the training. Raises GradcliError."""
        driven = self.driven
        self._start()
        body = self._begin()
        self._watch_errors()
        with suppress(*ENDS):
            self._walk(body)
        if self.loss is None and self.late is not None and not self.style.leaves_late:
            self._take_late(self.late)
        if self.loss is None and self.compared:
            self._take_usual()
        if self.loss is None:
            raise PythonFault(f"`{driven.forward}` computes no loss in the first turn of its loop "
                              "before it changes its weights")  # fmt: skip
        if not self.taken:
            raise self._unclaimed()
        driven.outputs.append((self._scalar(self.loss), None))
        self._set_steps()
        return driven

    def _start(self) -> None:
        self._start_weights()
        self.late: Array | None = None  # a loss that comes behind the steps
        self.compared: list[Compared] = []  # of one example after the other, or of all
        self.has_begun = False  # whether a loop has been entered
        self._take_globals()

    def _watch_errors(self) -> None:
        """Have the reader tell of the statements in which predictions meet targets."""
        self.reader.reached = self._reach
        self.reader.marked = self.training.errors

    def _begin(self) -> list[ast.stmt]:
        """Prepare the function for being read: its statements."""
        driven = self.driven
        function = self._function(self.subject.forward)
        driven.forward = function.name
        assert isinstance(function.node, ast.FunctionDef)
        self.training = Training(
            function.node, self._methods(), that_train_nothing(self.reader.script.tree)
        )
        caller = self._caller(function)
        scope = None if caller is None else self._scope_by(caller, function)
        if scope is None:
            self._hand(function)
            bound = [driven.instance] if "self" in function.positional[:1] else []
            scope = self.reader.scope_of_call(function, bound, driven.handed)
        self.scope = scope
        self.reader.file = function.scope.file
        self.loaded = self._loaded(function.node, {*driven.handed})
        return function.node.body

    def _hand(self, function: Function) -> None:
        """Make the arguments of a function, which the training begins with."""
        self._refuse_missing(function)
        self.values.update(self._rates(function))
        self.driven.handed = self._arguments(function, is_parameter=True)

    def _caller(self, function: Function) -> Function | None:
        """The method that prepares what the training is of, and calls it: `fit`."""
        holder, name = self.driven.scope.get(self.subject.cls or ""), self.subject.forward
        methods = [part for cls in holder.order() for part in cls.body.values()
                   if isinstance(part, Function)] if isinstance(holder, Class) else []  # fmt: skip
        return next((part for part in methods if part is not function and part.name != "__init__"
                     and name in own_calls(part.node)), None)  # fmt: skip

    def _scope_by(self, caller: Function, function: Function) -> Scope | None:
        """The names that the training begins with, as its caller hands them; None for none."""

        def watch(called: Function, scope: Scope) -> None:
            if called is function:
                raise _Reached(scope)

        self._hand(caller)
        self.reader.watch = watch
        try:
            self.reader.call(self._bound(caller), [], self.driven.handed)
        except _Reached as reached:
            return reached.scope
        except MissingInputs:
            raise
        except GradcliError:
            return None
        finally:
            self.reader.watch = None
        return None

    def _loaded(self, node: ast.AST, known: set[str]) -> Loaded:
        """The names that statements would set, and that have values instead."""
        return Loaded(node, self.training.needed, self.values.keys() - known)

    def _methods(self) -> dict[str, ast.FunctionDef]:
        """The methods of the class, which the training may call."""
        holder = self.driven.scope.get(self.subject.cls or "")
        if not isinstance(holder, Class):
            return {}
        classes = reversed([*holder.order()])
        return {
            name: part.node for cls in classes for name, part in cls.body.items()
            if isinstance(part, Function) and isinstance(part.node, ast.FunctionDef)
        }  # fmt: skip

    # ---------------------------------------------------------------- statements

    def _walk(self, body: list[ast.stmt]) -> None:
        for node in body:
            if self.training.is_entered(node) and isinstance(node, (ast.For, ast.While)):
                self._enter(node)
                return  # one turn is enough
            if self.training.is_entered(node) and isinstance(node, ast.If):
                with self.reader.faults():
                    chosen = is_true(self.reader, self.reader.evaluate(node.test, self.scope))
                self._walk(node.body if chosen else node.orelse)
            else:
                self._read(node)

    def _enter(self, node: ast.For | ast.While) -> None:
        """The first turn of a loop of the training."""
        reader, self.has_begun = self.reader, True
        self._take_weights()
        if isinstance(node, ast.For):
            with reader.faults():
                items = reader.iterate(reader.evaluate(node.iter, self.scope))
            if not items:
                reader.at(node)
                reader.fail("this loop has no turn")
            reader.assign_silently(node.target, items[0], self.scope)
        note = f"line {node.lineno}: the first turn of the loop is read"
        if note not in reader.notes:
            reader.notes.append(note)
        self._walk(node.body)

    def _read(self, node: ast.stmt) -> None:
        """Read a statement; what has nothing to do with the loss may stay unknown."""
        if self._is_given(node):
            return
        self._show_moved(node)
        try:
            with self.reader.faults():
                read_known(self.reader, node, self.scope)
        except MissingInputs:
            raise
        except GradcliError as error:
            is_object = not self.has_begun and self.loaded.is_object(node)
            if self.training.is_needed(node) and not is_object:
                if not self.has_begun:
                    self.loaded.refuse(node, error, self.training.weights)
                raise
            self.reader.stopped = None
            for name in names_set(node):
                self.scope[name] = Unknown(error.message, error.hint)
        if self.loss is None:
            self._take_weights()
        self._take_steps(node)
        for part in ast.walk(node) if self.loss is None else ():
            if part in self.training.losses:
                self._take_loss(part)

    def _is_given(self, node: ast.stmt) -> bool:
        """Whether what a statement would set before the loop has been given, and is set."""
        names = [] if self.has_begun else self.loaded.taken(node)
        for name in names_set(node) if names else ():
            self.scope[name] = (
                self._argument(name, True) if name in names else Unknown("it is not needed")
            )
        return bool(names)

    def _take_loss(self, node: ast.AST) -> None:
        """Note the loss that a statement has computed."""
        tape, holder = self.reader.tape, loss_of(node)
        assert holder is not None
        value = self.reader.evaluate(holder, self.scope)
        while isinstance(value, (list, tuple)) and value:  # losses.append([turn, loss])
            value = value[-1]
        if self._is_output(value) and int(np.prod(tape.shape(value.content))) != 1:
            return
        if self._is_of_weights(value) and not self.taken:
            self._set_loss(value)
        elif self._is_of_weights(value) and self.compared:
            is_more = self.late is None or self.late.content in self.reader.tape.graph.ancestors(
                [value.content]
            )  # of `loss = ...`, `loss += ...` the whole
            self.late = value if is_more else self.late

    def _set_loss(self, value: Array) -> None:
        self.loss = value.content
        self.reader.forward = {*range(len(self.reader.tape.graph))}
        self._end_forward()

    def _take_late(self, late: Array) -> None:
        """Take a loss that is computed behind the steps, of the weights as they were before."""
        own = self.reader.tape.graph.ancestors([late.content])
        self.loss, self.driven.is_loss_late = late.content, True
        is_of_others = not any(x.prediction.content in own for x in self.compared)
        self.driven.is_loss_for_show = is_of_others or not self._reads_weights(late.content)
        self.reader.forward = {*self._before_errors(), *own}
        self._end_forward()

    def _reads_weights(self, loss: int) -> bool:
        """Whether a loss has terms of the weights beside those of the predictions.

        Any other may be for show: a mean of absolute errors beside the steps of squared ones.
        """
        graph, seen = self.reader.tape.graph, {x.prediction.content for x in self.compared}
        leaves, nodes = {weight.leaf for weight in self.weights}, [loss]
        while nodes:
            node = nodes.pop()
            if node not in seen:
                seen.add(node)
                nodes += graph.operands[node]
        return not leaves.isdisjoint(seen)

    def _before_errors(self) -> Iterable[int]:
        """The nodes that were there when predictions met targets, one after the other or all."""
        if len(self.compared) == 1:
            return range(self.compared[0].end)
        met = [x.content for c in self.compared for x in (c.prediction, c.targets)]
        return self.reader.tape.graph.ancestors([node for node in met if node.__class__ is int])

    def _reach(self, node: ast.stmt, scope: Scope) -> None:
        """Note an error before its statement is read: the first, and those of other examples."""
        is_first = not self.compared or node is self.compared[0].node
        if not is_first or self.loss is not None or self._has_moved():
            return
        self._take_weights()
        try:
            prediction, targets = (
                self.reader.evaluate(x, scope) for x in self.training.errors[node]
            )
        except GradcliError:  # of names that only a part of the statement has
            self.reader.stopped = None
        else:
            self._take_error(node, prediction, targets)

    def _take_error(self, node: ast.stmt, prediction: Any, targets: Any) -> None:
        """Note a prediction and its targets, whose usual loss stands for one that is not there."""
        wanted = Array(self.reader.content(targets))
        if not self._is_of_weights(prediction) or self._is_of_weights(wanted):
            return
        own, like = (self.reader.tape.shape(x.content) for x in (wanted, prediction))
        if own != like and self.training.losses and not self.training.is_loss_late:
            return
        if own != like:
            parted = self._parted([prediction.content, wanted.content]) if like else []
            if node in self.training.repeated and parted:
                raise self._no_number_of_example(prediction, parted)
            inputs = {k: name for name, k in self.reader.tape.graph.inputs.items()}
            name = inputs.get(wanted.content, ast.unparse(self.training.errors[node].targets))
            message = f"`{name}` has shape {own}, what it is compared with has shape {like}"
            raise Imperfect(message, None, {name: like})
        if any(self._is_same(prediction, compared.prediction) for compared in self.compared):
            return  # in a loop over something else than examples
        self.compared.append(Compared(prediction, wanted, node, len(self.reader.tape.graph)))
        if not self.training.losses and node not in self.training.repeated:
            self._take_usual()

    def _is_same(self, one: Array, other: Array) -> bool:
        """Whether two arrays have the same numbers; of examples, these are several."""
        own, second = (np.asarray(self.reader.tape.values[x.content]) for x in (one, other))
        return bool(own.shape) and np.array_equal(own, second)

    def _no_number_of_example(self, prediction: Array, parted: list[str]) -> NoNumber:
        """That an error of one example is an array, and of which inputs that is a part."""
        followed = self._followed(prediction.content)
        names = [leaf.short for leaf in self.driven.leaves if leaf.node in followed]
        return NoNumber("the error of an example is no number", True, names, parted=parted)

    def _take_usual(self) -> None:
        """Take a usual loss for the one that is not there, or that comes too late."""
        graph = self.reader.tape.graph
        before, first = self._before_errors(), len(graph)
        total, *losses = [self._by_usual(c.prediction, c.targets) for c in self.compared]
        for loss in losses:
            total = binary(self.reader, ast.Add, total, loss)
        self.loss = total.content
        self.reader.forward = {*before, *range(first, len(graph))}
        self._end_forward()


class ScriptTrainingDriver(TrainingDriver):
    """Reads the statements of a file up to the end of the first turn of its training."""

    def _begin(self) -> list[ast.stmt]:
        tree = self.reader.script.tree
        self.driven.forward = self.subject.name
        self.scope = self.driven.scope
        self.training = Training(tree, {}, that_train_nothing(tree))
        self.loaded = self._loaded(tree, set())
        return tree.body

    def takes(self, name: str) -> bool:
        """A script hands nothing over."""
        return True
