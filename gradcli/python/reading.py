"""Python files read: their subjects, and the Program of each."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from gradcli.errors import NameFault, ParseError, did_you_mean
from gradcli.program.model import Program
from gradcli.python.assembly import Misshapen, assembled
from gradcli.python.driving.driven import Driven
from gradcli.python.driving.held import Claim, Mapped
from gradcli.python.driving.scripts import training_of, written_gradients
from gradcli.python.input_search import InputSearch
from gradcli.python.interpreter.imports import names_set
from gradcli.python.interpreter.interpreter import Interpreter
from gradcli.python.notes import mapping, taken, without
from gradcli.python.parameters.draws import SIGNS
from gradcli.python.parameters.guesses import MAY_BE_MASKS, SHARES, TARGETS, WEIGHING_MASKS
from gradcli.python.parameters.inputs import Directives, directives
from gradcli.python.parameters.likely_axes import Unlikely
from gradcli.python.parameters.starts import Choice
from gradcli.python.parameters.styles import Style
from gradcli.python.state.source import Script
from gradcli.python.state.values import Class, Function, Scope
from gradcli.python.subjects.class_parts import outer_bases
from gradcli.python.subjects.forces import is_gradient
from gradcli.python.subjects.partners import beside, imported
from gradcli.python.subjects.subjects import (
    Subject,
    chosen,
    of_known,
    subjects,
    without_partner,
)
from gradcli.python.words.roles import BACKWARD, role
from gradcli.requests import Request, Setting

SQUARE = 2  # axes
ROUNDING = 1e-9  # of a sum of shares
FEW_WRITTEN = 2  # gradients outside functions that are no test of these
PARAMETER = re.compile(r"^_?(W|w|U|V|K|theta|b|B|beta|gamma|bias)\w*$")
# What predictions are made of scores by.
SCORES = {"sigmoid": "sigmoid", "rows": "softmax of rows", "columns": "softmax of columns"}
NOTHING = "no function or class of this file has a backward part that is recognised"
HOW = (
    "name them NAME_forward and NAME_backward, or return the value and its gradients, each under a "
    "name such as `dw`"
)


class PythonFile:
    """A Python file and what there is to check in it."""

    def __init__(self, text: str, name: str, line_map: Sequence[int] = ()) -> None:
        self.script = Script(text, name, line_map)
        self.script.bases = _bases(self.script)
        self.subjects = subjects(self.script.tree, self.script.bases)
        if without_partner(self.script.tree, self.subjects):
            self._look_elsewhere()
        gradients = written_gradients(self.script.tree)
        training = training_of(self.script.tree, gradients)
        if training is not None or len(gradients) >= (FEW_WRITTEN if self.subjects else 1):
            line = min([node.lineno for node in gradients.values()], default=1)
            kind = "script" if training is None else training.kind
            self.subjects.append(Subject(kind, "script", "", None, None, line))

    def _look_elsewhere(self) -> None:
        """Look in other files for the forward parts that backward parts of this one lack."""
        script, tree = self.script, self.script.tree
        own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        for find in (imported, beside):
            script.partners = {**find(script), **script.partners}
            others = [p.node for name, p in script.partners.items() if name not in own]
            self.subjects = subjects(tree, script.bases, others)
            if not without_partner(tree, self.subjects):
                return
        self.subjects += of_known(tree, self.subjects)

    def chosen(self, name: str | None) -> list[Subject]:
        """The subjects of a name, or all. Raises GradcliError where there is none."""
        lonely = without_partner(self.script.tree, self.subjects)
        if not self.subjects and lonely:
            raise _without_forward(self.script, lonely[0])
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

    def passed_over(self) -> list[str]:
        """Notes on the backward functions without a forward part that nothing else calls."""
        calls = [node.func for node in self.script.nodes if isinstance(node, ast.Call)]
        called = {ast.unparse(func).rpartition(".")[2] for func in calls}
        return [
            f"`{node.name}` of line {node.lineno} is not checked: its forward part is not here"
            for node in without_partner(self.script.tree, self.subjects)
            if node.name not in called
        ]

    def parameters(self, found: list[Subject]) -> set[str]:
        """The names of all parameters of some subjects, and of the file's loss functions."""
        names: set[str] = set()
        if any(subject.is_script for subject in found):
            names |= {part.id for part in self.script.nodes if isinstance(part, ast.Name)}
        for node in self.script.nodes:
            if isinstance(node, ast.FunctionDef):
                args = node.args
                names |= {a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)}
        return names if found else set()

    def lines_around(self, lines: Iterable[int]) -> frozenset[int]:
        """The lines of the innermost functions that some lines stand in, and these lines."""
        functions = [n for n in self.script.nodes if isinstance(n, ast.FunctionDef)]
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
        said = directives(self.script, _lines_of(self.script, subject))
        for text in said.unknown:
            warning = (f"`# gradcli: {text}` says nothing in a Python file; known are `grads`, "
                       "`seed`, `skip`, `tolerance` and `NAME = VALUE`")  # fmt: skip
            if warning not in self.script.warnings:
                self.script.warnings.append(warning)
        return said


def _without_forward(script: Script, node: ast.FunctionDef) -> ParseError:
    """The error of a backward part that has no forward part anywhere."""
    rest = role(node.name, BACKWARD)
    return ParseError(
        f"the forward part of `{node.name}` is not in this file, in one that it imports or in one "
        "beside it", script.span(script.offset(node)),
        f"put it beside: `{rest}_forward` or `{rest}`, which computes what is differentiated",
    )  # fmt: skip


def _lines_of(script: Script, subject: Subject) -> list[int]:
    """The first lines of the definitions of a subject, decorators among them."""
    wanted = {subject.cls, subject.forward} if subject.cls else {subject.forward, subject.backward}
    return [
        min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        for node in script.nodes
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name in wanted
        and (node.lineno >= subject.line or not subject.cls)
    ]  # fmt: skip


class Reading(InputSearch):
    """The reading of one subject, as often as its inputs need it."""

    guessed: Claim | None = None  # whose input no name says
    asked: str = ""  # the input that it is taken for though its function does not take that
    multiple: str = ""  # what its gradient is so many times, in words
    weights: set[str]  # that the subject has claims on
    steps: set[str]  # weights that an optimiser changes
    examples: set[int]  # sizes of inputs that no weight has
    features: set[int]  # sizes of inputs that weights have, and targets have not
    elements: set[int]  # of each of the inputs that are no weights
    batches: set[int]  # sizes of what a layer hands a gradient on to
    driven_last: Driven
    claims = Mapped([], [])

    def program(self) -> Program:
        """The Program. Raises GradcliError."""
        driven, claims, extra = self.with_inferred()
        self.driven_last, self.claims = driven, claims
        self._note_guessed(driven, claims)
        self._note_batches(driven, claims)
        self._refuse_overwriting(driven)
        self._refuse_late(driven)
        notes = [
            mapping(claims),
            without(claims, driven),
            *driven.reader.notes,
            taken(extra, self.inferred, self.inference is not None and self.inference.is_single),
        ]
        return assembled(self.subject, driven, claims, [n for n in notes if n])

    def _refuse_overwriting(self, driven: Driven) -> None:
        """Raise Misshapen where what another use of an operand has sent back is lost."""
        node = driven.overwriting
        if node is None:
            return
        target, script = ast.unparse(node.targets[0]), self.script
        written = script.words(node)
        raise Misshapen(
            f"`{target}` loses what another use of `{target.rpartition('.')[0]}` has sent back",
            script.span(script.offset(node)), f"write `{target} += ...`", target,
            "overwritten", written.replace("=", "+=", 1),
        )  # fmt: skip

    def _refuse_late(self, driven: Driven) -> None:
        """Raise Misshapen where a gradient mixes a weight as it was, and as it has become."""
        late = driven.late
        if late is None:
            return
        node, name, script = late.statement, late.weight, self.script
        names = ", ".join(f"`{target}`" for target in names_set(node)) or "it"
        names = f"the change of {names}" if isinstance(node, ast.AugAssign) else names
        raise Misshapen(
            f"line {late.line} has changed `{name}` before, and the rest is of `{name}` as it was",
            script.span(script.offset(node)), f"compute {names} above line {late.line}",
            next(iter(names_set(node)), name), "wrong-cache",
        )  # fmt: skip

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
        inputs = [x for x in driven.leaves if x.is_parameter and x.name not in self.weights]
        own = {n for x in inputs for n in shape(x.node)} - {1}
        self.elements = {prod(shape(x.node)) for x in inputs}
        targets = {n for x in inputs if TARGETS.match(x.short) for n in shape(x.node)}
        self.examples, self.features = own - sizes[True], (own & sizes[True]) - targets
        self.batches = sizes[False] - sizes[True] - {1} if is_layer else set()

    def _note_guessed(self, driven: Driven, claims: Mapped) -> None:
        """Note the only gradient, where it has no name and its function has several inputs."""
        assert self.driver is not None
        unnamed = [c for c in claims.claims if c.by in ("position", "as said")]
        if self.subject.kind not in ("gradient", "objective") or len(claims.claims) > 1:
            return
        if unnamed and len(driven.leaves) > 1:
            self.guessed, name = unnamed[0], unnamed[0].leaf.short
            is_own = self.subject.kind == "objective" or self.driver.takes(name)
            if not is_own or (unnamed[0].by == "position" and self._is_of_numbers(driven)):
                self.asked = name

    @property
    def hands_on_softmax(self) -> bool:
        """Whether a softmax has the gradient of its output for that of its scores."""
        tape = self.driven_last.reader.tape
        graph, values = tape.graph, tape.values
        outputs, claims = self.driven_last.outputs, self.claims.claims
        if len(outputs) != 1 or len(claims) != 1:
            return False
        node = claims[0].result.node
        while graph.gates[node].name == "copy":
            node = graph.operands[node][0]
        shares = np.asarray(values[outputs[0][0]])
        sums = [np.ptp(shares.sum(axis)) for axis in range(shares.ndim) if shares.shape[axis] > 1]
        is_softmax = bool((shares > 0).all()) and min(sums, default=1.0) < ROUNDING
        return node == outputs[0][1] and is_softmax

    def _is_of_numbers(self, driven: Driven) -> bool:
        """Whether all inputs are numbers, none of which comes first, as the array does."""
        shape = driven.reader.tape.shape
        return self.subject.kind == "objective" and not any(shape(x.node) for x in driven.leaves)

    @property
    def has_late_loss(self) -> bool:
        """Whether the loss is computed behind the steps, so that it may be for show only."""
        return self.driver is not None and self.driver.driven.is_loss_late

    @property
    def reads_changed(self) -> bool:
        """Whether a gradient reads a weight that the same turn has changed before."""
        return self.driver is not None and self.driver.driven.late is not None

    @property
    def is_loss_for_show(self) -> bool:
        """Whether such a loss is of other predictions than the steps are."""
        return self.driver is not None and self.driver.driven.is_loss_for_show

    @property
    def lacks_loss(self) -> bool:
        """Whether a usual loss stands for that of the file, which has none."""
        return self.driver is not None and bool(self.driver.driven.usual_loss)

    @property
    def choice(self) -> Choice | None:
        """The guesses that the inputs were drawn for; None where there were none."""
        return None if self.inference is None else self.inference.chosen

    @property
    def unlikely(self) -> Unlikely:
        """The inputs that have fewer or more axes than is likely, as those did not suit."""
        return Unlikely() if self.inference is None else self.inference.unlikely

    @property
    def is_free(self) -> bool:
        """Whether other guesses may suit the code, and would not only hide what is wrong."""
        inference = self.inference
        if inference is None or inference.chosen is None or inference.is_final:
            return False
        return bool(self._free(inference.chosen.guesses))

    @property
    def likely_style(self) -> Style:
        """The style of other inputs: in a logarithm, what is called a probability is one.

        What holds it off from 0 and 1 is for safety only.
        """
        draws = self.inference.draws if self.inference is not None else None
        has_shares = draws is not None and draws.has_shares and self.has_logarithm
        return Style(has_shares=has_shares, tiny_is_zero=has_shares and self.has_tiny)

    def others(self) -> Iterator[tuple[Style, str]]:
        """Other ways to read the file, and a note on each."""
        ways: list[tuple[Style, str]] = []
        draws = self.inference.draws if self.inference is not None else None
        style = Style()
        has_shares = draws is not None and draws.has_shared_targets and self.has_logarithm
        if draws is not None and (draws.has_targets or draws.has_labels or has_shares):
            for targets in ("rows", "columns"):
                words = f"right for targets with a single 1 in their {targets}"
                one_hot = style._replace(targets=targets, is_one_hot=draws.has_labels)
                ways.append((one_hot, words))
        if self._has_signs():
            ways.append((style._replace(targets=SIGNS), "right for targets of -1 and 1"))
        if self.likely_style.has_shares:
            words = "right for probabilities, which lie in 0 to 1"
            ways.append((style._replace(has_shares=True), words))
        force = self.subject.backward or self.subject.forward
        if self.is_force and is_gradient(self.script.tree, force):
            words = "right where what is called a force is the gradient itself, and not minus it"
            ways.append((style._replace(is_uphill=True), words))
        if self.driver is not None and (idle := self.driver.driven.idle):
            flags = ", ".join(f"`{name}`" for name in sorted(idle))
            words = f"right in training, which {flags} turns on"
            ways.append((style._replace(is_trained=True), words))
        if self.driver is not None and self.driver.clips_gradients:
            words = "right where gradients are not clipped"
            ways.append((style._replace(is_unclipped=True), words))
        if self.has_softmax:
            words = "right where the `softmax` that is not there is that of rows"
            ways.append((style._replace(softmax_axis=-1), words))
        if self.has_spare_loss:
            words = "right with the loss that is returned beside"
            ways.append((style._replace(adds_loss=True), words))
        for place, name in self.other_outputs.items():
            words = f"right where the upstream gradient is that of `{name or 'another result'}`"
            ways.append((style._replace(upstream_at=place), words))
        for name, attribute in self.driver.kept_operands() if self.driver is not None else ():
            words = f"right where `{name}` is what the object has as `{attribute}`"
            ways.append((style._replace(kept=(name, attribute)), words))
        if self.driver is not None and self.driver.has_one_operand():
            words = f"right where `{self.subject.backward}` is handed"
            ways.append((style._replace(handed="input"), f"{words} the input, as a derivative is"))
            ways.append((style._replace(handed="upstream"), f"{words} the upstream gradient"))
        other = self.driver.driven.other_operand if self.driver is not None else ""
        if self.subject.kind == "gradient" or other:
            other = other or f"what `{self.subject.forward}` returns"
            words = f"`{self.subject.backward}` is handed {other}"
            ways.append((style._replace(of_other=True), words))
        ways += self._other_claims()
        for name in self.inferred:
            is_claimed = name in {claim.leaf.short for claim in self.claims.claims}
            if not is_claimed and self._may_be_mask(name):
                words = f"right for `{name}` of zeros and ones"
                ways.append((style._replace(mask=name), words))
        if self._asks_upstream():
            words = "right for an upstream gradient with one entry that is not 0"
            ways.append((style._replace(has_one_entry=True), words))
        if self.driver is not None and self.driver.driven.is_of_examples:
            mean = "right for the mean of the losses of all examples"
            yield style._replace(is_mean=True), mean
            ways += [(way._replace(is_mean=True), f"{words}, and for the mean of all examples")
                     for way, words in ways]  # fmt: skip
        if self.has_tiny:
            tiny = "right where constants below 1e-4 are taken for 0"
            yield style._replace(tiny_is_zero=True), tiny
            ways += [(way._replace(tiny_is_zero=True), f"{words}, and {tiny[6:]}")
                     for way, words in ways]  # fmt: skip
        yield from ways
        yield from self._of_scores()

    def _has_signs(self) -> bool:
        """Whether inferred targets may be signs: the outputs have them as factors only."""
        driven = self.driver.driven if self.driver is not None else None
        leaves = [x for x in driven.leaves if x.short in self.inferred] if driven else []
        return driven is not None and any(
            TARGETS.match(leaf.short) and driven.is_factor(leaf) for leaf in leaves
        )

    def _may_be_mask(self, name: str) -> bool:
        """Whether an inferred input may be all zeros and ones, by its name and its use."""
        weighs = self.inference is not None and name in self.inference.usage.weights
        return bool(MAY_BE_MASKS.match(name) or (weighs and WEIGHING_MASKS.match(name)))

    def _of_scores(self) -> Iterator[tuple[Style, str]]:
        """The gradient of a prediction may be that of what a sigmoid or a softmax makes it of."""
        names = [claim.leaf.short for claim in self.claims.claims]
        if not self.likely_style.has_shares or len(names) != 1 or not SHARES.match(names[0]):
            return
        for kind, made in SCORES.items():
            targets = kind if kind in ("rows", "columns") else ""
            style = self.likely_style._replace(through=kind, targets=targets, has_shares=False)
            yield style, f"right by what goes into the {made} that makes `{names[0]}`"

    def _asks_upstream(self) -> bool:
        """Whether the code has decided something by the upstream gradient."""
        if self.driver is None:
            return False
        driven = self.driver.driven
        tape = driven.reader.tape
        upstreams = {upstream for _, upstream in driven.outputs if upstream is not None}
        return any(
            upstreams & {*tape.graph.ancestors([decision.value])} for decision in tape.decisions
        )

    def _other_claims(self) -> Iterator[tuple[Style, str]]:
        """Other inputs that a gradient without a name may be of; matrices may be symmetric."""
        if self.guessed is None:
            yield from self._of_quadratic_forms()
            return
        leaf, result = self.guessed.leaf, self.guessed.result
        shape = self.driven_last.reader.tape.shape
        fitting = [x for x in self.driven_last.leaves if shape(x.node) == shape(result.node)]
        fitting = [x for x in fitting if not TARGETS.match(x.short)]  # whose sign would be another
        fitting = [leaf, *(x for x in fitting if x.node != leaf.node)]
        apart = self.inference.squared if self.inference is not None else set()
        square = [x for x in self.driven_last.leaves if len({*shape(x.node)}) == 1
                  and len(shape(x.node)) == SQUARE and x.short in self.inferred
                  and x.short not in apart]  # fmt: skip
        for x in fitting:
            style = Style(of=(result.words, x.short))
            if x is not leaf:
                yield style, f"right as the gradient of `{x.short}`"
            for matrix in square:
                if matrix is not x:
                    words = f"right as the gradient of `{x.short}` for a symmetric `{matrix.short}`"
                    yield style._replace(symmetric=(matrix.short,)), words

    def _of_quadratic_forms(self) -> Iterator[tuple[Style, str]]:
        """The matrices of `e @ Q @ e` may be symmetric, where nothing claims their gradients."""
        if not self.claims.claims:  # nothing has been read yet
            return
        claimed = {claim.leaf.node for claim in self.claims.claims}
        usage = None if self.inference is None else self.inference.usage
        quadratic = set() if usage is None else usage.quadratic - usage.transposed
        names = tuple(
            leaf.short for leaf in (self.driver.driven.leaves if self.driver is not None else [])
            if leaf.short in quadratic & {*self.inferred} and leaf.node not in claimed
        )  # fmt: skip
        for few in dict.fromkeys([*((name,) for name in names), names]):
            if few:
                called = " and ".join(f"`{name}`" for name in few)
                yield Style(symmetric=few), f"right for a symmetric {called}"


def _bases(script: Script) -> dict[str, ast.ClassDef]:
    """The classes of other files that those of a file are made from, with all their methods."""
    names = outer_bases(script.tree)
    if not names:
        return {}
    reader, scope = Interpreter(script), Scope()
    reader.look_over(script.tree, scope)
    found: dict[str, ast.ClassDef] = {}
    for name in names:
        value: Any = scope
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Scope) else None
        if isinstance(value, Class):
            nodes: dict[str, ast.stmt] = {}
            for cls in value.order():
                for method in cls.body.values():
                    if isinstance(method, Function) and isinstance(method.node, ast.FunctionDef):
                        nodes.setdefault(method.name, method.node)
            found[name] = ast.ClassDef(name, [], [], [*nodes.values()], [])
    return found
