"""A subject driven with what is given, and with values for what is not: shown, set, inferred."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any

from gradcli.errors import GradcliError, LimitError
from gradcli.python.assembly import Misshapen
from gradcli.python.driving.attempts import Attempts
from gradcli.python.driving.driven import Driven
from gradcli.python.driving.held import Mapped
from gradcli.python.driving.objects import (
    classes_of,
    is_list_of_objects,
    is_object,
    lists_of_objects,
    objects,
)
from gradcli.python.examples import examples, keys_of, known_of, with_repeats
from gradcli.python.fit import refuse_degenerate, refuse_misfits, refuse_unlike
from gradcli.python.notes import shown_value
from gradcli.python.parameters.draws import Draws
from gradcli.python.parameters.flaws import Halted, Imperfect
from gradcli.python.parameters.guesses import OPTIONS, SETTINGS, TARGETS, Guesser
from gradcli.python.parameters.inference import FAMILIES, Inference
from gradcli.python.parameters.lessons import Lesson, lesson
from gradcli.python.parameters.misfits import is_misfit
from gradcli.python.parameters.packed import Measured, measured
from gradcli.python.parameters.starts import LABELLED, Call, Choice
from gradcli.python.parameters.styles import Style
from gradcli.python.parameters.usage import Usage
from gradcli.python.state.missing import MissingInputs, NoNumber, Unclaimed
from gradcli.python.state.values import Scope
from gradcli.python.subjects.partners import modules_around, modules_beside
from gradcli.python.subjects.subjects import subjects

OF_IMAGES = re.compile(r"(?<!graph)(?<!graph_)conv(?!ex|er)|pool|spatial|image|cnn", re.IGNORECASE)
HEAVY = 6_000  # nodes of a file's own example; a smaller one says as much
MOST_MADE = 20_000  # elements of an array that a function of the file makes: 784 * 10 weights
MADE = re.compile(r"^(param\w*|theta|weights|model|net|network)$")
MAKER = re.compile(r"(init|make|create|build|random)\w*_?(param|weight|theta|model|net)|^init",
                   re.IGNORECASE)  # fmt: skip


class InputSearch(Attempts):
    """The part of a reading that looks for values of what is not given."""

    inference: Inference | None = None
    inferred: Collection[str] = ()  # the inputs that were
    refused: Sequence[Choice] = ()  # of these, with which other readings have failed
    repeats: Mapping[str, Any] = MappingProxyType({})  # lists of the file with a word twice
    is_start = False  # whether the file's own values are those that an optimiser starts with
    is_repeated = False  # whether these stand for those of the file
    single: int | None = None  # the size of the axis that is to be of one element now

    def with_inferred(self) -> tuple[Driven, Mapped, dict[str, Any]]:
        """The subject driven with what is given, and what is not given inferred."""
        missing: list[str] = []
        first: MissingInputs | None = None
        shown = self._example()
        settings: dict[str, Any] = {}  # of the file, under the names of parameters
        defaults: dict[str, int] = {}  # of sizes, for which smaller ones are tried
        if shown:
            try:
                heavy = self._attempt(shown, is_shown=True)
                if len(heavy[0].reader.tape.graph) <= HEAVY and not self.is_start:
                    return *heavy, shown
            except GradcliError:
                shown, self.names = {}, {}  # a call that shows something else, or that fails
        while True:
            try:
                if not missing:
                    return *self.driven(settings), settings
                guesser = self._guesser(missing, settings)
                draws = Draws(guesser.usage, self.seed, self.style, self._made)
                draws.is_of_pools = "pool" in f"{self.subject.forward} {self.subject.cls}".lower()
                reached = self.inference.reached if self.inference is not None else {}
                self.inference = Inference(guesser, draws, self._lesson, lambda: self.work, reached,
                                           self.refused)  # fmt: skip
                self.inference.single = self.single
                if self.subject.is_training:  # which may be none
                    self.inference.families = FAMILIES[:1]
                attempt = partial(self._with_settings, settings)
                found = self.inference.search(missing, attempt)
                is_first = not self.refused
                if found is None and is_first and defaults.keys() & {*missing}:  # all may be needed
                    settings.update(defaults)
                    missing, first = [], None
                    continue
                if found is None:
                    assert first is not None
                    is_last = not self.is_start or (not self.refused and self.style == Style())
                    if not shown or not is_last:
                        self._refuse_halted()
                        raise self.inference.fault(first)
                    if self.is_start:  # whose data may be special
                        self._refuse_misshapen()
                    return *heavy, shown
                (driven, claims), extra = found
                self.inferred = extra.keys()
                return driven, claims, {**settings, **extra}
            except MissingInputs as error:
                first = first or error
                defaults.update(error.defaults)
                own = self._settings([name for name in error.names if name not in settings])
                if own:
                    settings.update(own)
                    continue
                more = [name for name in error.names if name not in missing]
                if not more:
                    raise first from None
                missing += more

    def _settings(self, names: list[str]) -> dict[str, Any]:
        """The lists and dictionaries of the file that have the names of parameters."""
        _, scope = self._reader()
        known = {name.casefold(): value for name, value in scope.items()}
        found = {name: known.get(name.casefold()) for name in names}
        settings = {
            name: known_of(value) for name, value in found.items()
            if isinstance(value, (list, tuple, dict)) and value and known_of(value) is not None
        }  # fmt: skip
        return {  # those of another layer may lack what is usual
            name: {**SETTINGS, **value} if OPTIONS.fullmatch(name) else value
            for name, value in settings.items()
        }

    def _with_settings(
        self, settings: Mapping[str, Any], values: dict[str, Any]
    ) -> tuple[Driven, Mapped]:
        """The subject driven with settings of the file, and other values."""
        return self._attempt({**settings, **values})

    def _refuse_halted(self) -> None:
        """Raise Misshapen where the backward part stops at shapes that the forward part has."""
        inference = self.inference
        halted = inference.halted if inference is not None and not inference.unclaimed else None
        if halted is None or halted[0].span is None:
            return
        assert inference is not None
        if self._has_spare_labels():
            return
        if not inference.takes_batches:
            halted = inference.likely_halt or halted
            if inference.likely_halt is None and any(inference.unlikely):
                return
        halt, values = halted
        if not is_misfit(f"{halt.message} {halt.hint or ''}") or self._takes_parts(values):
            raise halt.error
        taken = ", ".join(f"{name} {shown_value(value)}" for name, value in values.items())
        assert halt.span is not None
        raise Misshapen(f"{halt.message} (with {taken})", halt.span, halt.hint,
                        halt.span.line_text.strip())  # fmt: skip

    def _refuse_misshapen(self) -> None:
        """Raise Misshapen alone: any other stop may be for the inputs that were guessed."""
        try:
            self._refuse_halted()
        except Misshapen:
            raise
        except GradcliError:
            return

    def _has_spare_labels(self) -> bool:
        """Whether targets were taken for labels at last, though nothing is taken by them."""
        assert self.inference is not None
        guesses = {} if self.inference.chosen is None else self.inference.chosen.guesses
        usage = self.inference.usage
        return any(guess in LABELLED and name not in usage.indices | usage.compared
                   for name, guess in guesses.items())  # fmt: skip

    def _takes_parts(self, values: Mapping[str, Any]) -> bool:
        """Whether an input is read as `x[0]` alone, which does not say how many axes it has."""
        assert self.inference is not None
        return any(self.inference.usage.lengths.get(name) == 1 for name in values)

    def _lesson(self, error: GradcliError, values: dict[str, Any]) -> Lesson | None:
        """What the fault of the last reading teaches of values that were guessed."""
        return None if self.stop is None else lesson(error.message, self.stop, values)

    def _guesser(self, missing: list[str], settings: Mapping[str, Any]) -> Guesser:
        """What parameters may be; those that a function of the file makes are its calls."""
        made: dict[str, Any] = {}
        for name in missing:
            maker = self._maker(name)
            if maker is not None:
                args = [a.arg for a in maker.args.args]
                needed = args[: len(args) - len(maker.args.defaults)]
                guesser = Guesser(Usage([maker]), {})
                guesses = {
                    arg: ("value", settings[arg]) if arg in settings else guesser.guesses(arg)[0]
                    for arg in needed
                }  # fmt: skip
                made[name] = Call(maker.name, guesses)
        usage = Usage(self._functions(), self._callable, self._inner())
        guesser = Guesser(usage, made)
        guesser.objects = self._objects([name for name in missing if name not in made])
        guesser.has_labels = not self.style.is_one_hot
        guesser.shaped, guesser.is_prepared = self._first_array(), bool(self.setups)
        guesser.is_of_images = bool(OF_IMAGES.search(f"{self.subject.forward} {self.subject.cls}"))
        return guesser

    def _inner(self) -> list[ast.FunctionDef]:
        """The methods of other classes of the file of which the subject makes objects."""
        classes = {node.name: node for node in self.script.tree.body
                   if isinstance(node, ast.ClassDef) and node.name != self.subject.cls}  # fmt: skip
        made = {
            ast.unparse(part.func) for node in self._functions() for part in ast.walk(node)
            if isinstance(part, ast.Call)
        }  # fmt: skip
        return [
            part for name, cls in classes.items() if name in made for part in cls.body
            if isinstance(part, ast.FunctionDef)
        ]  # fmt: skip

    def _first_array(self) -> str | None:
        """The first parameter of the forward part that is no target."""
        forward = next((n for n in self._forward_nodes()), None)
        names = [a.arg for a in forward.args.args if a.arg != "self"] if forward else []
        return next((name for name in names if not TARGETS.match(name)), None)

    def _forward_nodes(self) -> Iterator[ast.FunctionDef]:
        """The definitions of the forward part."""
        for node in self._functions():
            for part in ast.walk(node):
                if isinstance(part, ast.FunctionDef) and part.name == self.subject.forward:
                    yield part

    @cached_property
    def _callable(self) -> dict[str, ast.FunctionDef]:
        """The functions, methods and classes of the file by their names, where these are one's own.

        Of the methods that several classes have, only those of the subject's class are known.
        """
        parts = self.script.nodes
        methods = [
            (cls.name, part) for cls in parts if isinstance(cls, ast.ClassDef)
            for part in cls.body if isinstance(part, ast.FunctionDef)
        ]  # fmt: skip
        counts = Counter(method.name for _, method in methods)
        inside = {method for _, method in methods}
        known = {
            part.name: part for part in parts
            if isinstance(part, ast.FunctionDef) and part not in inside
        }  # fmt: skip
        for cls, method in methods:
            if counts[method.name] == 1 or cls == self.subject.cls:
                known[method.name] = method
            if method.name == "__init__":
                known[cls] = method
        return known

    def _maker(self, name: str) -> ast.FunctionDef | None:
        """The function that makes a dictionary of parameters, such as `initialize_parameters`."""
        if not MADE.match(name):
            return None
        functions = [n for n in self.script.tree.body if isinstance(n, ast.FunctionDef)]
        return next((n for n in functions if MAKER.search(n.name) and n.name != self.subject.forward
                     and _returns_dictionary(n)), None)  # fmt: skip

    def _objects(self, names: list[str]) -> dict[str, list[Any]]:
        """The parameters that are objects, and the calls of classes that may make them."""
        functions = self._functions()
        asked: dict[str, Callable[..., list[Any]]] = {
            **{name: objects for name in names if is_object(functions, name)},
            **{name: lists_of_objects for name in names if is_list_of_objects(functions, name)},
        }
        if not asked:
            return {}
        reader, scope = self._reader()
        own, cls = [*classes_of(scope)], self.subject.cls
        found = {name: make(functions, name, own, cls) for name, make in asked.items()}
        for modules_of in (modules_beside, modules_around):
            if all(found.values()):
                break
            self.modules = modules_of(self.script)
            modules = {name: reader.module_beside(name) for name in self.modules}
            others = [*classes_of(Scope.of({k: m for k, m in modules.items() if m is not None}))]
            found = {
                name: calls or asked[name](functions, name, others, cls)
                for name, calls in found.items()
            }
        return {name: calls for name, calls in found.items() if calls}

    def _made(self, function: str, arguments: dict[str, Any]) -> Any:
        """What a function of the file makes, or a class that it imports: `layers.Dense`."""
        reader, scope = self._reader()
        module, _, name = function.rpartition(".")
        maker: Any = reader.module_beside(module) if module in self.modules else None
        maker = scope if maker is None else maker[name]
        for part in function.split(".") if maker is scope else ():
            maker = maker[part] if part in maker else reader.module_beside(part)
        return known_of(reader.call(maker, [], arguments), most=MOST_MADE)

    def _example(self) -> dict[str, Any]:
        """The values that the file itself calls the subject with."""
        reader, scope = self._reader()
        keys = keys_of(scope, self.subject)
        if not keys:
            return {}
        calls = self.script.examples
        if self.seed not in calls:
            every = subjects(self.script.tree, self.script.bases)
            calls[self.seed] = examples(reader, scope, self.script.tree, every)
        example = next((calls[self.seed][key] for key in keys if key in calls[self.seed]), None)
        if example is None:
            return {}
        self.names, self.is_start = example.names, example.is_start
        values = {name: known_of(value) for name, value in example.values.items()}
        self.repeats = with_repeats(values)
        return {**values, **self.repeats} if self.is_repeated else values

    def _attempt(
        self, values: dict[str, Any], is_shown: bool = False
    ) -> tuple[Driven, Mapped]:  # fmt: skip
        """The subject driven with values. Raises Imperfect, Halted where other values may do."""
        try:
            driven, claims = self.driven(values)
        except (MissingInputs, NoNumber, Unclaimed, LimitError):
            raise
        except GradcliError as error:
            is_past = self.driver is not None and self.driver.is_past(error.span)
            self._measure(error, is_past)
            array = None if self.driver is None else self.driver.array_for_value()
            if array is not None:
                raise array from None
            if self.driver is not None and is_past:
                halt = Halted(error, self.driver.sizes)
                try:
                    refuse_unlike(self.driver.driven, self._free(values), None)
                except Imperfect as flaw:
                    flaw.halted = halt
                    raise
                raise halt from None
            raise
        self._measure(None, True)
        free = set() if is_shown else self._free(values)
        refuse_misfits(driven, claims, free, self._fixed())
        if self.refused and self.single is None:
            refuse_degenerate(driven, claims)
        return driven, claims

    def _measure(self, error: GradcliError | None, has_ended: bool) -> None:
        """Raise Measured where the last reading has shown how long a vector of parameters is."""
        if self.driver is None:
            return
        if shapes := measured(self.driver.reader.tape, error, has_ended):
            raise Measured(shapes)

    def _fixed(self) -> set[str]:
        """The names whose number of axes the code or its docstring says."""
        usage = self.inference.usage if self.inference is not None else Usage([])
        return usage.certain | usage.letters.keys()

    def _free(self, values: Mapping[str, Any]) -> set[str]:
        """The parameters of which nothing says how many axes they have."""
        return values.keys() - self._fixed()

    def _functions(self) -> list[ast.AST]:
        """The definitions that say what the subject's parameters are."""
        names = {self.subject.forward, self.subject.backward, self.subject.cls}
        found: list[ast.AST] = []
        for node in self.script.tree.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name in names:
                found.append(node)
        partner = self.script.partners.get(self.subject.forward)
        if self.subject.cls is None and partner is not None:
            found.append(partner.node)
        return found


def _returns_dictionary(node: ast.FunctionDef) -> bool:
    """Whether a function makes a dictionary, or a list."""
    return any(isinstance(part, (ast.Dict, ast.List)) for part in ast.walk(node)) or any(
        isinstance(part, ast.Call) and ast.unparse(part.func) == "dict" for part in ast.walk(node)
    )
