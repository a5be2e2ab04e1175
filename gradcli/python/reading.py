"""Python files read: their subjects, and the Program of each."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from gradcli.errors import GradcliError, LimitError, NameFault, ParseError, did_you_mean
from gradcli.program.model import Program
from gradcli.python.assembly import Misshapen, assembled
from gradcli.python.claims import Claim, Mapped, mapped
from gradcli.python.drive import Driven, Driver
from gradcli.python.examples import examples, key_of, known_of
from gradcli.python.fit import refuse_misfits, refuse_unlike
from gradcli.python.gradient_words import kin
from gradcli.python.guesses import Guesser
from gradcli.python.inference import Call, Halted, Inference
from gradcli.python.inputs import Directives, directives, is_like_labels, value_of
from gradcli.python.interpreter import Interpreter
from gradcli.python.lessons import Lesson, Stop, lesson
from gradcli.python.misfits import is_misfit
from gradcli.python.missing import MissingInputs, Unclaimed
from gradcli.python.notes import mapping, shown_value, taken, without
from gradcli.python.scripts import ScriptDriver, script_scope, written_gradients
from gradcli.python.source import Script
from gradcli.python.subjects import Subject, chosen, outer_bases, subjects
from gradcli.python.usage import Usage
from gradcli.python.values import Class, Function, Scope
from gradcli.requests import Request, Setting

OF_IMAGES = re.compile(r"conv|pool|spatial|image|cnn", re.IGNORECASE)
FEW_WRITTEN = 2  # gradients outside functions that are no test of these
HEAVY = 6_000  # nodes of a file's own example; a smaller one says as much
MADE = re.compile(r"^(param\w*|theta|weights|model|net|network)$")
MAKER = re.compile(r"(init|make|create|build|random)\w*_?(param|weight|theta|model|net)|^init",
                   re.IGNORECASE)  # fmt: skip
PARAMETER = re.compile(r"^_?(W|w|U|V|K|theta|b|B|beta|gamma|bias)\w*$")
LOGARITHMS = ("log", "log1p", "log2", "log10")
NOTHING = "no function or class of this file has a backward part that is recognised"
HOW = (
    "name them NAME_forward and NAME_backward, or return the value and its gradients, each under a "
    "name such as `dw`"
)


class PythonFile:
    """A Python file and what there is to check in it."""

    def __init__(self, text: str, name: str) -> None:
        self.script = Script(text, name)
        self.script.bases = _bases(self.script)
        self.subjects = subjects(self.script.tree, self.script.bases)
        gradients = written_gradients(self.script.tree)
        if len(gradients) >= (FEW_WRITTEN if self.subjects else 1):
            line = min(node.lineno for node in gradients.values())
            self.subjects.append(Subject("script", "script", "", None, None, line))

    def chosen(self, name: str | None) -> list[Subject]:
        """The subjects of a name, or all. Raises GradcliError where there is none."""
        if not self.subjects:
            what = NOTHING if self.script.tree.body else "this file is empty: nothing is to check"
            raise ParseError(what, self.script.span(0), HOW)
        if name is None:
            return self.subjects
        found = chosen(self.subjects, name)
        if not found:
            known = [s.name for s in self.subjects]
            raise NameFault(f"`{name}` is no subject of {self.script.name}", None,
                            did_you_mean(name, known)
                            or f"its subjects are {', '.join(known)}")  # fmt: skip
        return found

    def parameters(self, found: list[Subject]) -> set[str]:
        """The names of all parameters of some subjects, and of the file's loss functions."""
        names: set[str] = set()
        if any(subject.kind == "script" for subject in found):
            names |= {part.id for part in ast.walk(self.script.tree) if isinstance(part, ast.Name)}
        for node in ast.walk(self.script.tree):
            if isinstance(node, ast.FunctionDef):
                args = node.args
                names |= {a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)}
        return names if found else set()

    def lines_around(self, lines: Iterable[int]) -> frozenset[int]:
        """The lines of the innermost functions that some lines stand in, and these lines."""
        functions = [n for n in ast.walk(self.script.tree) if isinstance(n, ast.FunctionDef)]
        around = {*lines}
        for line in lines:
            spans = [range(f.lineno, (f.end_lineno or line) + 1) for f in functions]
            innermost = sorted([span for span in spans if line in span], key=len)[:1]
            around.update(*innermost)
        return frozenset(around)

    def program(
        self, subject: Subject, settings: list[tuple[str, Setting]], request: Request,
        grads: Mapping[str, str],
    ) -> Program:  # fmt: skip
        """The Program of a subject. Raises GradcliError."""
        return self.reading(subject, settings, request, grads).program()

    def reading(
        self, subject: Subject, settings: list[tuple[str, Setting]], request: Request,
        grads: Mapping[str, str],
    ) -> Reading:  # fmt: skip
        """The reading of a subject, which may be read again in other styles."""
        return Reading(self.script, subject, dict(settings), self.said(subject), request, grads)

    def said(self, subject: Subject) -> Directives:
        """What the comments of the file say of a subject."""
        return directives(self.script, _lines_of(self.script, subject))


def _lines_of(script: Script, subject: Subject) -> list[int]:
    """The first lines of the definitions of a subject, decorators among them."""
    wanted = {subject.cls, subject.forward} if subject.cls else {subject.forward, subject.backward}
    return [
        min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        for node in ast.walk(script.tree)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name in wanted
        and (node.lineno >= subject.line or not subject.cls)
    ]  # fmt: skip


class Reading:
    """The reading of one subject, as often as its inputs need it."""

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
        self.values: dict[str, Any] = {}  # as they were read last
        self.style = ""
        self.tiny_is_zero = False
        self.of_output = False
        self.upstream_at = 0  # the place of the result that the upstream gradient is of
        self.other_outputs: dict[int, str] = {}
        self.guessed: list[str] = []
        self.has_shares = False  # what is called a probability is drawn between 0 and 1
        self.adds_loss = False  # the backward part is that of a loss beside the output, too
        self.has_spare_loss = False
        self.has_tiny = False  # whether such a constant was met
        self.has_logarithm = False  # which says of a probability that it is one
        self.is_one_hot = False  # targets are arrays, even where labels would do
        self.inference: Inference | None = None
        self.stop: Stop | None = None  # where the last reading stopped
        self.driver: Driver | None = None  # of the last attempt
        self.numbers: set[str] = set()  # attributes that are numbers and have a gradient
        self.weights: set[str] = set()  # that the subject has claims on
        self.steps: set[str] = set()  # weights that an optimiser changes
        self.batches: set[int] = set()  # sizes of what a layer hands a gradient on to
        self.inferred: Collection[str] = ()  # the inputs that were
        self.seed = request.seed if request.seed is not None else said.seed or 0

    def program(self) -> Program:
        """The Program. Raises GradcliError."""
        driven, claims, extra = self._with_inferred()
        self.guessed = [
            c.leaf.short for c in claims.claims
            if self.subject.kind == "gradient" and c.by == "position"
            and self._may_be_of_another(driven, c)
        ]  # fmt: skip
        self._note_batches(driven, claims)
        notes = [
            mapping(claims),
            without(claims, driven),
            *driven.reader.notes,
            taken(extra, self.inferred, self.inference is not None and self.inference.is_single),
        ]
        return assembled(self.subject, driven, claims, [n for n in notes if n])

    def _note_batches(self, driven: Driven, claims: Mapped) -> None:
        """Note the weights of a layer, and the sizes of what it hands on."""
        shape = driven.reader.tape.shape
        self.weights = {c.leaf.name for c in claims.claims if PARAMETER.match(c.leaf.short)}
        foreign = {node for node, step in driven.steps.items() if not step.is_own}
        self.steps = {c.leaf.name for c in claims.claims if c.by == "step"
                      and c.leaf.node in foreign}  # fmt: skip
        is_layer = all(upstream is not None for _, upstream in driven.outputs)
        sizes: dict[bool, set[int]] = {True: set(), False: set()}
        for claim in claims.claims:
            sizes[claim.leaf.name in self.weights].update(shape(claim.leaf.node))
        self.batches = sizes[False] - sizes[True] - {1} if is_layer else set()

    def _may_be_of_another(self, driven: Driven, claim: Claim) -> bool:
        """Whether a gradient without a name may be that of another input: by shapes and names."""
        assert self.driver is not None
        shape = driven.reader.tape.shape
        alike = [x for x in driven.leaves if shape(x.node) == shape(claim.leaf.node)]
        is_only = len(driven.leaves) == 1
        return len(alike) > 1 or not (is_only or self.driver.takes(claim.leaf.short))

    def others(self) -> Iterator[tuple[dict[str, Any], str]]:
        """Other readings of the file, by what is changed for them, and a note on each."""
        ways: list[tuple[dict[str, Any], str]] = []
        inference = self.inference
        if inference is not None and (inference.has_targets or inference.labels):
            for style in ("rows", "columns"):
                words = f"right for targets with a single 1 in their {style}"
                ways.append(({"style": style, "is_one_hot": inference.labels}, words))
        if inference is not None and inference.has_shares and self.has_logarithm:
            ways.append(({"has_shares": True}, "right for probabilities, which lie in 0 to 1"))
        if self.has_spare_loss:
            ways.append(({"adds_loss": True}, "right with the loss that is returned beside"))
        for place, name in self.other_outputs.items():
            words = f"right where the upstream gradient is that of `{name or 'another result'}`"
            ways.append(({"upstream_at": place}, words))
        if self.subject.kind == "gradient":
            words = f"`{self.subject.backward}` is handed what `{self.subject.forward}` returns"
            ways.append(({"of_output": True}, words))
        if self.has_tiny:
            tiny = "right where constants below 1e-4 are taken for 0"
            ways = [({"tiny_is_zero": True}, tiny), *ways]
            ways += [
                ({**changes, "tiny_is_zero": True}, f"{words}, and {tiny[6:]}")
                for changes, words in ways[1:]
            ]
        yield from ways

    def change(self, changes: Mapping[str, Any]) -> None:
        """Read in another way: as one of `others` says."""
        self.style = changes.get("style", "")
        self.is_one_hot = changes.get("is_one_hot", False)
        self.tiny_is_zero = changes.get("tiny_is_zero", False)
        self.of_output = changes.get("of_output", False)
        self.upstream_at = changes.get("upstream_at", 0)
        self.has_shares = changes.get("has_shares", False)
        self.adds_loss = changes.get("adds_loss", False)

    def _with_inferred(self) -> tuple[Driven, Mapped, dict[str, Any]]:
        """The subject driven with what is given, and what is not given inferred."""
        missing: list[str] = []
        first: MissingInputs | None = None
        shown = self._example()
        settings: dict[str, Any] = {}  # of the file, under the names of parameters
        if shown:
            try:
                heavy = self._attempt(shown, is_shown=True)
                if len(heavy[0].reader.tape.graph) <= HEAVY:
                    return *heavy, shown
            except GradcliError:
                shown = {}  # a call that shows something else, or that fails
        while True:
            try:
                if not missing:
                    return *self.driven(settings), settings
                self.inference = Inference(
                    self._guesser(missing, settings),
                    self.seed,
                    self.style,
                    self._made,
                    self._lesson,
                )
                self.inference.draws_shares = self.has_shares
                attempt = partial(self._with_settings, settings)
                found = self.inference.search(missing, attempt)
                if found is None:
                    assert first is not None
                    if shown:
                        return *heavy, shown
                    self._refuse_halted()
                    raise self.inference.fault(first)
                (driven, claims), extra = found
                self.inferred = extra.keys()
                return driven, claims, {**settings, **extra}
            except MissingInputs as error:
                first = first or error
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
        return {
            name: known_of(value) for name, value in found.items()
            if isinstance(value, (list, tuple, dict)) and value and known_of(value) is not None
        }  # fmt: skip

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
        halt, values = halted
        if not is_misfit(f"{halt.message} {halt.hint or ''}"):
            raise halt.error
        taken = ", ".join(f"{name} {shown_value(value)}" for name, value in values.items())
        assert halt.span is not None
        raise Misshapen(f"{halt.message} (with {taken})", halt.span, halt.hint,
                        halt.span.line_text.strip())  # fmt: skip

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
        guesser = Guesser(Usage(self._functions(), self._callable()), made)
        guesser.has_labels = not self.is_one_hot
        guesser.is_of_images = bool(OF_IMAGES.search(f"{self.subject.forward} {self.subject.cls}"))
        return guesser

    def _callable(self) -> dict[str, ast.FunctionDef]:
        """The functions of the file, and the methods of its classes, by their names."""
        return {n.name: n for n in ast.walk(self.script.tree) if isinstance(n, ast.FunctionDef)}

    def _maker(self, name: str) -> ast.FunctionDef | None:
        """The function that makes a dictionary of parameters, such as `initialize_parameters`."""
        if not MADE.match(name):
            return None
        functions = [n for n in self.script.tree.body if isinstance(n, ast.FunctionDef)]
        return next((n for n in functions if MAKER.search(n.name) and n.name != self.subject.forward
                     and _returns_dictionary(n)), None)  # fmt: skip

    def _made(self, function: str, arguments: dict[str, Any]) -> Any:
        reader, scope = self._reader()
        return known_of(reader.call(scope[function], [], arguments))

    def _example(self) -> dict[str, Any]:
        """The values that the file itself calls the subject with."""
        reader, scope = self._reader()
        key = key_of(scope, self.subject)
        if key is None:
            return {}
        calls = self.script.examples
        if self.seed not in calls:
            every = subjects(self.script.tree, self.script.bases)
            calls[self.seed] = examples(reader, scope, self.script.tree, every)
        return {name: known_of(value) for name, value in calls[self.seed].get(key, {}).items()}

    def _attempt(
        self, values: dict[str, Any], is_shown: bool = False
    ) -> tuple[Driven, Mapped]:  # fmt: skip
        """The subject driven with values. Raises Imperfect, Halted where other values may do."""
        try:
            driven, claims = self.driven(values)
        except (MissingInputs, Unclaimed, LimitError):
            raise
        except GradcliError as error:
            if self.driver is not None and self.driver.is_past(error.span):
                refuse_unlike(self.driver.driven, self._free(values), None)
                raise Halted(error, self.driver.sizes) from None
            raise
        free = set() if is_shown else self._free(values)
        refuse_misfits(driven, claims, free, self._fixed())
        return driven, claims

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
        return found

    def driven(self, extra: Mapping[str, Any]) -> tuple[Driven, Mapped]:
        """The subject, driven; whole numbers that have a gradient are read again as floats."""
        floats: set[str] = set()
        while True:
            try:
                driven = self._once(extra, floats)
            except GradcliError:
                whole = {n for n, v in self.values.items() if is_like_labels(v)}
                if floats or not whole & self.settings.keys():
                    raise
                floats = whole & self.settings.keys()
                continue
            claims = mapped(driven, self.grads)
            numbers = self._claimed_numbers(driven, claims)
            if numbers - self.numbers:
                self.numbers |= numbers
                continue
            more = self._claimed_whole_numbers(driven, claims, extra) - floats
            if not more:
                break
            floats |= more
        if not claims.claims:
            raise Unclaimed(
                f"`{self.subject.backward or self.subject.forward}` returns nothing that is the "
                "gradient of an input", None,
                "say which is which: # gradcli: grads dW=W, or --grad dW=W",
            )  # fmt: skip
        return driven, claims

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
        taken = {claim.result.words for claim in claims.claims}
        roots = {
            root for r in driven.results if r.words not in taken and r.order >= 0
            for root in r.roots
        }  # fmt: skip
        whole = {name for name, value in self.values.items() if is_like_labels(value)}
        named = whole & roots
        if named or claims.claims:
            return named
        return {name for name in whole if name in self.settings}

    def _reader(self) -> tuple[Interpreter, Scope]:
        """A new interpreter, and the names of the file."""
        reader = Interpreter(self.script, self.seed)
        reader.tape.graph.most_elements = self.request.max_array
        reader.tiny_is_zero = self.tiny_is_zero
        reader.fixes_self = self.request.fix_self
        if self.subject.kind == "script":
            return reader, script_scope()
        scope = Scope()
        reader.look_over(self.script.tree, scope)
        return reader, scope

    def _once(self, extra: Mapping[str, Any], floats: set[str]) -> Driven:
        reader, scope = self._reader()
        try:
            self.values = {
                name: value_of(reader, name, setting)
                for name, setting in {**self.said.values, **self.settings}.items()
            }
            values = {**extra, **self.values}
            if self.subject.kind == "script":
                script = ScriptDriver(reader, scope, self.subject, values, floats)
                script.output_name = self.request.output
                driver: Driver = script
            else:
                driver = Driver(reader, scope, self.subject, values, floats, self.values)
            driver.of_output, driver.adds_loss = self.of_output, self.adds_loss
            driver.numbers, self.driver = self.numbers, driver
            driver.upstream_at = self.upstream_at
            self.stop = None
            driven = driver.drive()
            self.has_tiny, self.has_spare_loss = reader.has_tiny, driven.has_spare_loss
            self.other_outputs = driven.others
            self.has_logarithm = any(g.name in LOGARITHMS for g in reader.tape.graph.gates)
            return driven
        except GradcliError as error:
            self.stop = _stop(reader)
            if error.span is None:
                error.span = self.script.span(self.script.line_starts[self.subject.line - 1])
            raise


def _bases(script: Script) -> dict[str, ast.ClassDef]:
    """The classes of other files that those of a file are made from, with all their methods."""
    names = outer_bases(script.tree)
    if not names:
        return {}
    reader, scope = Interpreter(script), Scope()
    reader.look_over(script.tree, scope)
    found: dict[str, ast.ClassDef] = {}
    for name in names:
        value = scope.get(name)
        if isinstance(value, Class):
            nodes: dict[str, ast.stmt] = {}
            for cls in value.order():
                for method in cls.body.values():
                    if isinstance(method, Function) and isinstance(method.node, ast.FunctionDef):
                        nodes.setdefault(method.name, method.node)
            found[name] = ast.ClassDef(name, [], [], [*nodes.values()], [])
    return found


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


def _returns_dictionary(node: ast.FunctionDef) -> bool:
    """Whether a function makes a dictionary, or a list."""
    return any(isinstance(part, (ast.Dict, ast.List)) for part in ast.walk(node)) or any(
        isinstance(part, ast.Call) and ast.unparse(part.func) == "dict" for part in ast.walk(node)
    )
