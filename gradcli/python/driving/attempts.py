"""A subject driven with given values, as often as whole numbers turn out to be floats."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

from gradcli.errors import GradcliError
from gradcli.graph.nodes import Graph
from gradcli.python.driving.claims import mapped
from gradcli.python.driving.drive import Driver
from gradcli.python.driving.driven import Driven, Leaf
from gradcli.python.driving.held import Mapped
from gradcli.python.driving.loaded import Loaded
from gradcli.python.driving.nodes import NodeDriver
from gradcli.python.driving.scripts import ScriptDriver, script_scope
from gradcli.python.driving.setups import (
    calls,
    constructors,
    has_gradient,
    is_left_open,
    is_set_from_outside,
    passed_on,
    setups,
)
from gradcli.python.driving.slope_driver import SlopeDriver
from gradcli.python.driving.taken_rows import rows_with_gradients
from gradcli.python.driving.training_driver import ScriptTrainingDriver, TrainingDriver
from gradcli.python.interpreter.interpreter import Interpreter
from gradcli.python.parameters.guesses import COUNT, RANDOM, example_of
from gradcli.python.parameters.inputs import Directives, is_like_labels, value_of
from gradcli.python.parameters.lessons import Stop
from gradcli.python.parameters.styles import Style
from gradcli.python.state.missing import MissingInputs, NoAttribute, Unclaimed
from gradcli.python.state.source import Script
from gradcli.python.state.values import Library, Scope, Unknown
from gradcli.python.subjects.partners import is_cell, known_function
from gradcli.python.subjects.subjects import Subject
from gradcli.python.words.gradients import kin
from gradcli.python.words.roles import KNOWN
from gradcli.requests import Request, Setting

MISSES = re.compile(r"__init__\(\) misses its argument `(\w+)`")
LOGARITHMS = ("log", "log1p", "log2", "log10")


class Attempts:
    """The attempts to drive one subject with values that are given."""

    def __init__(
        self, script: Script, subject: Subject, settings: dict[str, Setting], said: Directives,
        request: Request, grads: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.script = script
        self.subject = subject
        self.settings = settings
        self.said = said
        self.request = request
        self.grads = {**said.grads, **grads}
        self.style = Style()
        self.work = 0  # of all attempts, as a reader counts it
        self.values: dict[str, Any] = {}  # as they were read last
        self.other_outputs: dict[int, str] = {}
        self.has_spare_loss = False
        self.is_force = False  # whether minus the value was differentiated
        self.has_softmax = False  # whether one that is not there was called
        self.has_tiny = False  # whether such a constant was met
        self.has_logarithm = False  # which says of a probability that it is one
        self.has_margin = False  # of two classes, max(0, 1 - y * score): there is one score
        self.stop: Stop | None = None  # where the last reading stopped
        self.driver: Driver | None = None  # of the last attempt
        self.setups: list[str] = []  # methods that prepare the object
        self.caller = ""  # the method that keeps the operands and calls the forward part
        self.names: dict[str, str] = {}  # of the file for parameters, where its own call is read
        self.attributes: list[str] = []  # of the object that other code sets
        self.modules: list[str] = []  # beside the file, that it does not import
        self.numbers: set[str] = set()  # attributes that are numbers and have a gradient
        self.rows: set[int] = set()  # where rows of tables are named that have one
        self.seed = request.seed if request.seed is not None else said.seed or 0

    def driven(self, extra: Mapping[str, Any]) -> tuple[Driven, Mapped]:
        """The subject, driven; whole numbers that have a gradient are read again as floats."""
        floats: set[str] = set()
        first: GradcliError | None = None
        while True:
            try:
                driven = self._freed(extra, floats)
            except NoAttribute as error:
                if not self._has_more(error):
                    raise
                continue
            except GradcliError as error:
                unset = None if isinstance(error, MissingInputs) else self._unset()
                if unset is not None and self._has_more(unset):
                    continue
                unknown = (
                    self._unknown_setting() or self._left_out(error.message, extra)
                    or self._nothing(error.message, extra)
                )  # fmt: skip
                if unknown is not None:
                    raise MissingInputs(
                        [unknown], f"{error.message}: a value is needed for `{unknown}`",
                        f"give it: {example_of(unknown)}",
                    ) from None  # fmt: skip
                whole = {n for n, v in self.values.items() if is_like_labels(v)}
                if floats or not whole & self.settings.keys():
                    raise (first or error) from None
                first = error
                floats = whole & self.settings.keys()
                continue
            claims = mapped(driven, self._said_grads(driven))
            numbers = self._claimed_numbers(driven, claims)
            if numbers - self.numbers:
                self.numbers |= numbers
                continue
            rows = rows_with_gradients(driven, claims)
            if rows - self.rows:
                self.rows |= rows
                continue
            more = self._claimed_whole_numbers(driven, claims, extra) - floats
            if not more:
                break
            floats |= more
        if not claims.claims:
            if self.driver is not None and (fault := self.driver.array_for_loss()) is not None:
                raise fault
            raise Unclaimed(
                f"`{self.subject.backward or self.subject.forward}` returns nothing that is the "
                "gradient of an input", None,
                "say which is which: # gradcli: grads dW=W, or --grad dW=W",
            )  # fmt: skip
        return driven, claims

    def _said_grads(self, driven: Driven) -> Mapping[str, str]:
        """What was said of results, and what the style takes one for."""
        if self.style.of is None or self.style.of[0] not in {r.words for r in driven.results}:
            return self.grads
        return {**self.grads, self.style.of[0]: self.style.of[1]}

    def _has_more(self, fault: NoAttribute) -> bool:
        """Whether the subject's object may have what it lacks: from a method, or from outside."""
        instance = self.driver.driven.instance if self.driver is not None else None
        if instance is None or not isinstance(fault.name, str):
            return False
        if not any(fault.owner is x for x in (instance, *instance.attributes.values())):
            return False
        subject = self.subject
        taken = {"__init__", subject.forward, subject.backward or "", *self.setups, self.caller}
        more = setups(instance.cls, fault.name, taken)
        is_trained = bool(more and subject.backward) and calls(
            instance.cls, more[0], subject.backward or ""
        )  # it moves along what is to be checked: `fit`
        if is_trained and fault.owner is instance and fault.name not in self.attributes:
            self.attributes.append(fault.name)
            return True
        if more and calls(instance.cls, more[0], subject.forward):
            self.caller = more[0]
            return True
        if more:
            is_early = self.driver is not None and not self.driver.is_made
            self.setups = [*more, *self.setups] if is_early else [*self.setups, *more]
            return True
        if fault.owner is not instance or fault.name in self.attributes:
            return False
        is_set = is_set_from_outside(self.script.tree, fault.name) or is_left_open(
            instance.cls, fault.name
        )
        if is_set or RANDOM.match(fault.name) or has_gradient(instance.cls, fault.name):
            self.attributes.append(fault.name)
            return True
        return self._trains()

    def _trains(self) -> bool:
        """Whether the subject can be read in training, and has not been: it may keep more then."""
        assert self.driver is not None
        if self.style.is_trained or not self.driver.driven.idle:
            return False
        self.style = self.style._replace(is_trained=True)
        return True

    def _unset(self) -> NoAttribute | None:
        """The fault of an attribute that is None where the last reading stopped; None for none.

        Above a `raise`, one that is False is as good: `if not self.is_built`.
        """
        instance = self.driver.driven.instance if self.driver is not None else None
        if self.stop is None or self.stop.scope.get("self") is not instance or instance is None:
            return None
        for part in ast.walk(self.stop.node):
            if not isinstance(part, ast.Attribute) or ast.unparse(part.value) != "self":
                continue
            value = instance.attributes.get(part.attr, 0)
            if value is None or (value is False and isinstance(self.stop.statement, ast.Raise)):
                return NoAttribute(instance, part.attr, f"`self.{part.attr}` is None", None, None)
        return None

    def _unknown_setting(self) -> str | None:
        """A number or an array of the file that is not read, where the last reading stopped."""
        if self.stop is None or self.subject.is_script:
            return None
        for part in ast.walk(self.stop.node):
            name = part.id if isinstance(part, ast.Name) else ""
            holder = self.stop.scope.find(name)
            is_open = holder is not None and isinstance(holder[name], Unknown)
            if is_open and name in self.script.settings:
                loaded = Loaded(self.script.tree, set(), set())
                return None if name in loaded.objects else name
        return None

    def _left_out(self, message: str, extra: Mapping[str, Any]) -> str | None:
        """A size that the constructor may leave out, and without which the rest cannot do."""
        instance = self.driver.driven.instance if self.driver is not None else None
        if instance is None:
            return None
        if (match := MISSES.search(message)) and match[1] in passed_on(instance.cls):
            return match[1] if match[1] not in extra else None
        starts = constructors(instance.cls) if "None" in message else []
        names = [
            name for start in starts for name, default in start.defaults.items()
            if default is None and instance.attributes.get(name, 0) is None and COUNT.match(name)
        ]  # fmt: skip
        return next((n for n in names if n not in extra and n not in self.settings), None)

    def _nothing(self, message: str, extra: Mapping[str, Any]) -> str | None:
        """A parameter that may be left out, and that is None where a number is needed."""
        if self.stop is None or "None" not in message:
            return None
        own = {self.subject.forward, self.subject.backward}
        functions = [n for n in self.script.nodes if isinstance(n, ast.FunctionDef)]
        optional = {
            part.arg for function in functions if function.name in own
            for part in (*function.args.args, *function.args.kwonlyargs)
        }  # fmt: skip
        parts = [part for part in ast.walk(self.stop.node) if isinstance(part, ast.Name)]
        return next(
            (part.id for part in parts if part.id in optional - extra.keys()
             and self.stop.scope.get(part.id, 0) is None), None,
        )  # fmt: skip

    def _claimed_numbers(self, driven: Driven, claims: Mapped) -> set[str]:
        """The attributes that are numbers, and that a result is the gradient of by its name."""
        if driven.instance is None:
            return set()
        own = {claim.result.words for claim in claims.claims if claim.by != "position"}
        roots = {kin(x) for r in driven.results if r.words not in own for x in r.roots}
        return {
            name for name, value in driven.instance.attributes.items()
            if isinstance(value, float) and kin(name) in roots
        }  # fmt: skip

    def _claimed_whole_numbers(
        self, driven: Driven, claims: Mapped, extra: Mapping[str, Any]
    ) -> set[str]:
        """Parameters that are whole numbers and that an unclaimed result is the gradient of."""
        taken = {claim.result.words for claim in claims.claims if claim.by != "position"}
        roots = {
            root for r in driven.results if r.words not in taken and r.order >= 0
            for root in r.roots
        }  # fmt: skip
        whole = {name for name, value in self.values.items() if is_like_labels(value)}
        counts = {name for name, value in extra.items() if type(value) is int}
        named = {n for n in whole | counts if n in roots or n.partition("_")[0] in roots}
        if named or claims.claims:
            return named
        return {name for name in whole if name in self.settings}

    def _reader(self) -> tuple[Interpreter, Scope]:
        """A new interpreter, and the names of the file."""
        reader = Interpreter(self.script, self.seed)
        reader.tape.graph.most_elements = self.request.max_array
        reader.tiny_is_zero = self.style.tiny_is_zero
        reader.unclips = self.style.is_unclipped
        reader.softmax_axis = self.style.softmax_axis
        reader.fixes_self = self.request.fix_self
        reader.rows = self.rows
        if self.subject.is_script:
            return reader, script_scope()
        scope = Scope()
        reader.look_over(self.script.tree, scope)
        self._take_partner(reader, scope)
        for name in self.modules:
            reader.module_beside(name)
        return reader, scope

    def _take_partner(self, reader: Interpreter, scope: Scope) -> None:
        """Take the forward part from elsewhere, where the file neither has nor imports it."""
        name = self.subject.forward
        partner = self.script.partners.get(name)
        if self.subject.cls is None and partner is not None and partner.module:
            module = reader.module_beside(partner.module)
            if name not in scope and module is not None:
                scope[name] = module[name]
                reader.notes.append(f"`{name}` is that of `{partner.module}.py`, beside the file")
            if module is not None and is_cell(self.script.name):
                self._take_cells(reader, [scope, module])
        if self.subject.cls is None and name in KNOWN and name not in scope:
            node = known_function(name, self.subject.line)
            scope[name] = reader.function(node, Scope.of({"np": Library("")}), name)
            reader.notes.append(f"`{name}`, which is not in the file, is what its name says")

    def _take_cells(self, reader: Interpreter, scopes: list[Scope]) -> None:
        """Give the cells of one whole the functions of all others, as they have in a notebook."""
        for name, partner in self.script.partners.items():
            module = reader.module_beside(partner.module) if partner.module else None
            if module is not None:
                for scope in scopes:
                    scope.setdefault(name, module[name])

    def _freed(self, extra: Mapping[str, Any], floats: set[str]) -> Driven:
        """One reading; the error of a refused one, which may be kept, holds none of its arrays."""
        try:
            return self._once(extra, floats)
        except GradcliError as error:
            error.__traceback__ = error.__context__ = None
            raise

    def _once(self, extra: Mapping[str, Any], floats: set[str]) -> Driven:
        reader, scope = self._reader()
        try:
            self.values = {
                name: value_of(reader, name, setting)
                for name, setting in {**self.said.values, **self.settings}.items()
            }
            values = {**extra, **self.values}
            for name in values.keys() & scope.keys():
                if isinstance(scope[name], Unknown):  # a setting that could not be read
                    scope[name] = values[name]
            if self.subject.kind == "script":
                script = ScriptDriver(reader, scope, self.subject, values, floats)
                script.output_name = self.request.output
                driver: Driver = script
            elif self.subject.kind == "slope":
                driver = SlopeDriver(reader, scope, self.subject, values, floats, self.values)
            elif self.subject.is_training:
                kind = ScriptTrainingDriver if self.subject.is_script else TrainingDriver
                driver = kind(reader, scope, self.subject, values, floats, self.values)
            elif self.subject.kind == "node":
                driver = NodeDriver(reader, scope, self.subject, values, floats, self.values)
            else:
                is_slope = self.style.handed == "input"
                own = self.subject._replace(kind="gradient") if is_slope else self.subject
                driver = Driver(reader, scope, own, values, floats, self.values)
            driver.style = self.style
            driver.numbers, self.driver = self.numbers, driver
            driver.setups, driver.attributes = self.setups, self.attributes
            driver.caller, driver.names = self.caller, self.names
            self.stop = None
            with reader.depths():
                driven = driver.drive()
            driven.leaves += [Leaf(name, name, node, False)
                              for name, node in reader.row_inputs.items()]  # fmt: skip
            self.has_tiny, self.has_spare_loss = reader.has_tiny, driven.has_spare_loss
            self.has_softmax = reader.has_softmax
            self.other_outputs, self.is_force = driven.others, driven.is_force
            self.has_logarithm = any(g.name in LOGARITHMS for g in reader.tape.graph.gates)
            self.has_margin = _has_margin(reader.tape.graph)
            return driven
        except GradcliError as error:
            self.stop = _stop(reader)
            if error.span is None:
                error.span = self.script.span(self.script.line_starts[self.subject.line - 1])
            raise
        finally:
            self.work += reader.work


def _has_margin(graph: Graph) -> bool:
    """Whether what is cut off below 0 is a number without a product: the margin of a hinge."""
    for node, gate in enumerate(graph.gates):
        if gate.name not in ("max", "relu"):
            continue
        parts = [k for k in graph.operands[node] if graph.gates[k].name == "sub"]
        pairs = [graph.operands[k] for k in parts]
        if any(graph.gates[product].name == "mul" and whole in graph.constants
               for whole, product in pairs):  # fmt: skip
            return True
    return False


def _stop(reader: Interpreter) -> Stop | None:
    """Where a reading has stopped; None where that was in no statement."""
    if reader.stopped is None:
        return None
    graph = reader.tape.graph
    names = {node: name for name, node in graph.inputs.items()}

    def roots(node: int) -> list[str]:
        return [names[k] for k in graph.ancestors([node]) if k in names]

    part, statement, scope = reader.stopped
    return Stop(part, statement, scope, names, roots, reader.tape.shape)
