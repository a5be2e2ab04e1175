"""The backward part of a subject is called: with caches, inputs, and upstream gradients."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np

from gradcli.python.driving.loss_search import LossSearch
from gradcli.python.driving.results import collected, named_parts, returned, short_name
from gradcli.python.driving.setups import is_left_open
from gradcli.python.driving.steps import inputs_in, steps_of
from gradcli.python.parameters.guesses import COUNT, INPUT, RATE, TARGETS
from gradcli.python.state.missing import MissingInputs
from gradcli.python.state.source import PythonFault
from gradcli.python.state.values import Array, Function, Instance, Scope, arrays_in, unwrapped
from gradcli.python.words.gradients import kin, roots
from gradcli.python.words.roles import CACHE

UPSTREAM = re.compile(
    r"^_?(d[A-Z_a-z]\w*|grad\w*|\w*grads?|\w*gradients?|g\w{0,2}|delta\w*|\w+_delta|up\w*|"
    r"top\w*|\w*err\w*|D\w+)$"
)

MOMENT = re.compile(r"(?<=\w)_?(next|new|cur|curr|current|out|t)$|^(next|new|cur|curr)_(?=\w)")
PREDICTION = re.compile(r"^(y_?hat|y_?pred|pred|prediction|y_?prob|prob|probabilitie|score|logit|"
                        r"output|out|o|al|a\d?)s?(icted|iction)?$", re.IGNORECASE)  # fmt: skip
OUTPUT = re.compile(r"^(y|s|h|t|f|act\w*|sig\w*|tanh|softmax|sm|result|value)$", re.IGNORECASE)
KEPT_UPSTREAM = re.compile(r"delta|grad|err|diff|upstream", re.IGNORECASE)  # of an attribute
EXAMPLES = re.compile(r"^(m|N|n|M|B|bs|num_?\w*|n_\w+|\w*batch\w*|\w*size|\w*count|\w*samples)$")
OF_ARRAYS = (".dot", ".matmul", ".sum", ".reshape", ".einsum", ".tensordot", ".transpose")
NO_UPSTREAM = ("data", "dim", "dims", "depth", "dt", "dropout", "dtype", "d", "gamma", "g0")


class BackwardCalls(LossSearch):
    """The part of a driver that finds what a backward part takes, and calls it."""

    def _backward(self, value: Any, forward: Function, backward: Function) -> None:
        """Call the backward part with the caches, the inputs, and upstream gradients."""
        reader, driven = self.reader, self.driven
        names, parts = _items(value, forward)
        outputs = [k for k, part in enumerate(parts) if self._is_output(part)
                   and not CACHE.search(names[k])]  # fmt: skip
        caches = [k for k in range(len(parts)) if k not in outputs]
        parameters = self._parameters(backward)
        if (
            len(parts) == 2
            and not caches
            and len(parameters) == 2
            and not all(UPSTREAM.match(name) and name not in NO_UPSTREAM for name in parameters)
        ):  # out, x
            caches, outputs = [1], [0]
        if not outputs and parts and self._is_output(parts[0]):
            outputs = [0]
        asked = [name for name in parameters if UPSTREAM.match(name) and name not in NO_UPSTREAM]
        if not caches and 0 < len(asked) < len(outputs) and any(map(CACHE.search, parameters)):
            caches = [outputs.pop()]  # the last result, of which nothing is the gradient
        arguments, waiting = self._by_name(backward, forward, names, parts, caches)
        self._hand_inputs_of_loss(arguments, waiting, forward, backward)
        self._hand_operand(arguments, waiting, parts, forward, backward)
        self._hand_count(arguments, waiting, [parts[k] for k in outputs], backward)
        self._upstreams(waiting, outputs, parts, names, arguments, backward)
        if not driven.outputs:
            targets = [x for n, x in arguments.items() if TARGETS.match(n)]
            kept = driven.instance.attributes if driven.instance is not None else {}
            targets = targets or [x for n, x in kept.items() if TARGETS.match(n)]
            self._loss_after(parts, names, outputs, forward, backward, targets)
        handed = {upstream for _, upstream in driven.outputs if upstream is not None}
        reader.forward = {*range(len(reader.tape.graph))} - handed
        leaves = {leaf.node for leaf in driven.leaves}
        held = inputs_in(driven.instance, leaves)
        is_layer = all(upstream is not None for _, upstream in driven.outputs)
        upstreams = handed if is_layer else set()
        before = {name: {*part} for name, part in arguments.items() if isinstance(part, dict)}
        result = unwrapped(self._call(backward, arguments))
        driven.results = returned(reader, result, backward)
        for name, keys in before.items():
            added = {key: part for key, part in arguments[name].items() if key not in keys}
            driven.results += [r._replace(order=-1) for r in collected(reader, added, name)]
        driven.steps = steps_of(reader, driven.instance, held, upstreams, self._unseen(handed))
        if driven.instance is not None:
            moved = {f"self{path}" for path in held}  # what stands there now is a new value
            parts_of_self = named_parts(reader, driven.instance, "self")
            driven.results += [r for r in parts_of_self if r.words not in moved]

    def _unseen(self, upstreams: set[int]) -> set[int]:
        """The inputs that neither the outputs depend on nor are upstream gradients."""
        graph = self.reader.tape.graph
        seen = graph.ancestors([node for node, _ in self.driven.outputs])
        return {*graph.inputs.values()} - {*seen} - upstreams

    def _by_name(
        self, backward: Function, forward: Function, names: list[str], parts: list[Any],
        caches: list[int],
    ) -> tuple[dict[str, Any], list[str]]:  # fmt: skip
        """Arguments that are caches, parameters or results by name; and those that are not."""
        arguments: dict[str, Any] = {}
        waiting = []
        if self.style.handed == "upstream":
            return {}, self._parameters(backward)
        left = [*caches]
        inner = self.reader.scopes.get(forward.name, Scope())
        by_name = {
            name: part for k, (name, part) in enumerate(zip(names, parts, strict=True))
            if name and (k in caches or name not in self.given)  # `x`, which is the output by now
        }  # fmt: skip
        for name in self._parameters(backward):
            if isinstance(self.given.get(name), Instance):  # the context of both
                arguments[name] = self.given[name]
            elif name in by_name and (CACHE.search(name) or not UPSTREAM.match(name)):
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
        self._hand_in_order(backward, arguments, waiting, names, parts)
        self._hand_predictions(arguments, waiting, [
            part for k, part in enumerate(parts) if k not in caches
        ], backward)  # fmt: skip
        self._by_position(backward, forward, arguments, waiting, parts)
        for name in [n for n in waiting if not (UPSTREAM.match(n) or TARGETS.match(n))]:
            if left and name not in self.values and name not in backward.defaults:
                arguments[name] = parts[left.pop(0)]
                waiting.remove(name)
        return arguments, waiting

    def _hand_in_order(
        self, backward: Function, arguments: dict[str, Any], waiting: list[str], names: list[str],
        parts: list[Any],
    ) -> None:  # fmt: skip
        """Hand over results without names beside others that stand at their places.

        `return (x - mu) * inv, inv` for `backward(dy, xhat, inv)`.
        """
        own = [name for name in self._parameters(backward) if not UPSTREAM.match(name)]
        pairs = [*zip(own, names, parts, strict=False)]
        is_alike = len(own) == len(parts) and all(name in ("", n) for n, name, _ in pairs)
        if not is_alike or not any(names):
            return
        for name, called, part in pairs:
            if not called and name in waiting and name not in self.values:
                arguments[name] = part
                waiting.remove(name)

    def _hand_predictions(
        self, arguments: dict[str, Any], waiting: list[str], outputs: list[Any],
        backward: Function,
    ) -> None:  # fmt: skip
        """Hand the only output that is left over as the prediction that stands beside targets."""
        if self._calls_forward(backward):
            return
        predictions = [n for n in waiting if PREDICTION.match(n) and n not in self.values]
        has_targets = any(TARGETS.match(n) for n in (*arguments, *waiting))
        left = [x for x in outputs if all(x is not other for other in arguments.values())]
        if len(left) == len(predictions) == 1 and has_targets:
            arguments[predictions[0]] = left[0]
            waiting.remove(predictions[0])

    def _hand_inputs_of_loss(
        self, arguments: dict[str, Any], waiting: list[str], forward: Function,
        backward: Function,
    ) -> None:  # fmt: skip
        """Hand a loss its predictions, where its backward part calls these like a gradient.

        They are that where the targets stand beside, and the predictions come from nowhere else.
        """
        others = [n for n in self._parameters(forward) if not TARGETS.match(n) and n in self.given]
        is_alone = len(waiting) == 1 and waiting[0] not in {*self.values, *backward.defaults}
        has_targets = bool(arguments) and all(map(TARGETS.match, arguments))
        if not (is_alone and has_targets and len(others) == 1 and UPSTREAM.match(waiting[0])):
            return
        prediction = self.given[others[0]]
        if not self._is_output(prediction) or self._keeps(prediction, backward):
            return
        kept = self.driven.instance.attributes.get("output") if self.driven.instance else None
        shape, is_like = self.reader.tape.shape, False
        if kept is not None and self._is_output(kept) and self._is_made_of(kept, prediction):
            is_like = shape(kept.content) == shape(prediction.content)
        arguments[waiting.pop()] = kept if is_like else prediction
        self.driven.is_of_examples = True

    def _hand_operand(
        self, arguments: dict[str, Any], waiting: list[str], parts: list[Any], forward: Function,
        backward: Function,
    ) -> None:  # fmt: skip
        """Hand over the only input, or the only output, for a cache that nobody keeps.

        So is what stands beside an upstream gradient under a name of its own: `dout, z`.
        """
        needed = [n for n in waiting if n not in backward.defaults and n not in self.values]
        names = [n for n in needed if CACHE.search(n)]
        if not names and any(map(UPSTREAM.match, needed)):
            names = [
                n for n in needed if not UPSTREAM.match(n) and not _is_setting(n, backward)
                and not is_only_filled(n, backward.node)
            ]  # fmt: skip
        given = [self.given[n] for n in self._parameters(forward) if n in self.given]
        operands = [x for x in given if self._is_output(x)]
        if (
            len(names) != 1
            or len(parts) != 1
            or len(operands) != 1
            or not self._is_output(parts[0])
        ):
            return
        [name], [operand], [output] = names, operands, parts
        if any(value is operand for value in arguments.values()):  # `x, k, g`: k is what is left
            arguments[name] = output
            waiting.remove(name)
            return
        is_output = bool(PREDICTION.match(name) or OUTPUT.match(name))
        words = {True: "what `{}` returns", False: "what `{}` takes"}
        arguments[name] = output if is_output != self.style.of_other else operand
        waiting.remove(name)
        self.driven.other_operand = words[not is_output].format(self.subject.forward)

    def _hand_count(
        self, arguments: dict[str, Any], waiting: list[str], outputs: list[Array],
        backward: Function,
    ) -> None:  # fmt: skip
        """Hand over the number of examples for what a backward part only divides by."""
        for name in [n for n in waiting if EXAMPLES.match(n) and n not in backward.defaults]:
            if outputs and name not in self.values and is_only_divisor(name, backward.node):
                arguments[name] = self._count_of_examples(self._last_of(outputs))
                waiting.remove(name)

    def _keeps(self, operand: Array, backward: Function) -> bool:
        """Whether the backward part reads what the forward part has kept of an operand."""
        kept = self.driven.instance.attributes if self.driven.instance is not None else {}
        read = {part.attr for part in ast.walk(backward.node) if isinstance(part, ast.Attribute)}
        arrays = [x for name in read & kept.keys() for _, x in arrays_in(kept[name])]
        return any(self._is_output(x) and self._is_made_of(x, operand) for x in arrays)

    def _is_made_of(self, array: Array, operand: Array) -> bool:
        """Whether an array is another one, or was computed from it."""
        return operand.content in self.reader.tape.graph.ancestors([array.content])

    def _by_position(
        self, backward: Function, forward: Function, arguments: dict[str, Any],
        waiting: list[str], parts: list[Any],
    ) -> None:  # fmt: skip
        """Hand inputs over by position to a backward part that computes the forward part anew."""
        needed = [n for n in waiting if n not in backward.defaults and not UPSTREAM.match(n)
                  and not RATE.match(n)]  # fmt: skip
        is_anew = self._calls_forward(backward)
        has_lists = any(isinstance(part, list) for part in parts)  # of outputs, by steps
        if not is_anew and (has_lists or len(parts) > 1 or self._may_be_upstream(needed, waiting)):
            return
        others = [n for n in self._parameters(forward) if n not in arguments]
        same = {other.casefold(): other for other in others}
        pairs = [(n, same[n.casefold()]) for n in needed if n.casefold() in same]
        met = {name for pair in pairs for name in pair}
        left = ([n for n in names if n not in met] for names in (needed, others))
        for name, other in (*pairs, *zip(*left, strict=False)):
            if TARGETS.match(name) and not TARGETS.match(other):
                continue
            if name not in self.settings and other in self.given:
                arguments[name] = self.given[other]
                waiting.remove(name)

    def _may_be_upstream(self, needed: list[str], waiting: list[str]) -> bool:
        """Whether what is still needed may be an upstream gradient, or a cache of both operands."""
        if len(needed) != 1 or CACHE.search(needed[0]):
            return len(needed) < 2
        operands = [x for x in self.given.values() if self._is_output(x)]
        return len(operands) < 2 or not any(map(UPSTREAM.match, waiting))

    def _upstreams(
        self, waiting: list[str], outputs: list[int], parts: list[Any], names: list[str],
        arguments: dict[str, Any], backward: Function,
    ) -> None:  # fmt: skip
        """Draw an upstream gradient for every output that a parameter waits for."""
        tape, left = self.reader.tape, [*outputs]
        self._keep_upstream(waiting, left, parts, backward)
        if not outputs and any(UPSTREAM.match(n) and n not in self.values for n in waiting):
            raise PythonFault(
                f"`{self.subject.forward}` returns nothing that depends on its inputs"
            )
        if self.style.upstream_at < len(left):
            left.insert(0, left.pop(self.style.upstream_at))
        upstreams = self._waiting_for_upstream(waiting, backward, [parts[k] for k in outputs])
        own, rates = _outputs_by_name(upstreams, left, names), self._rates(backward)
        for name in waiting:
            has_default = name in backward.defaults
            if left and name in upstreams:
                place = own.get(name, next((k for k in left if k not in own.values()), left[0]))
                node = parts[place].content
                shape = tape.shape(node)
                if has_default and not shape and name not in self.values:
                    continue  # `dout=1` of a loss
                left.remove(place)
                upstream = self._upstream_of(name, node)
                if self.caller:  # whose operations take arrays only
                    tape.boxed.add(upstream)
                arguments[name] = Array(upstream)
            elif name in self.values:
                arguments[name] = self._argument(name, False)
            elif name in rates:
                self.values[name] = rates[name]
                arguments[name] = self._argument(name, False)
            elif not has_default:
                raise MissingInputs(
                    [name], f"{backward.name}() needs a value for `{name}`",
                    f"give it: {name}=..., or in a comment above {self.subject.forward}: "
                    f"# gradcli: {name} = ...",
                )  # fmt: skip
        if len(self.driven.upstreams) == 1 and len(outputs) > 1:
            self._note_others(self.driven.upstreams[0], outputs, names, parts)
        spare = [parts[k].content for k in left if not tape.shape(parts[k].content)]
        self.driven.has_spare_loss = bool(spare and self.driven.outputs)
        if self.style.adds_loss and self.driven.outputs:
            one = tape.node(np.array(1.0))
            self.driven.outputs += [(node, one) for node in spare]

    def _keep_upstream(
        self, waiting: list[str], left: list[int], parts: list[Any], backward: Function
    ) -> None:
        """Set the attribute that other code sets to the upstream gradient of the only output."""
        instance = self.driven.instance
        if instance is None or len(left) != 1 or any(map(UPSTREAM.match, waiting)):
            return
        read = [
            part.attr for part in ast.walk(backward.node)
            if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Load)
            and ast.unparse(part.value) == "self" and KEPT_UPSTREAM.search(part.attr)
        ]  # fmt: skip
        names = [
            name for name in dict.fromkeys(read)
            if instance.attributes.get(name) is None and is_left_open(instance.cls, name)
        ]  # fmt: skip
        if len(names) == 1:
            node = parts[left.pop()].content
            upstream = self._upstream_of(names[0], node)
            instance.attributes[names[0]] = Array(upstream)

    def _upstream_of(self, name: str, node: int) -> int:
        """The input that is the upstream gradient of an output."""
        tape = self.reader.tape
        upstream: int = tape.input(name, self._upstream_value(name, tape.shape(node)))
        self.driven.upstreams.append(name)
        self.driven.outputs.append((node, upstream))
        return upstream

    def _note_others(
        self, upstream: str, outputs: list[int], names: list[str], parts: list[Any]
    ) -> None:
        """Note what else is returned that an upstream gradient may be of, by shape and name."""
        shape = self.reader.tape.shape
        own = {kin(root) for root in roots(upstream)}
        if own.intersection(kin(names[k]) for k in outputs):
            return
        first = shape(parts[outputs[0]].content)
        self.driven.others = {
            place: names[k] for place, k in enumerate(outputs)
            if place and shape(parts[k].content) == first
        }  # fmt: skip

    def _waiting_for_upstream(
        self, waiting: list[str], backward: Function, outputs: list[Any]
    ) -> list[str]:
        """The parameters that are upstream gradients: by name, or the only one that waits."""
        if self.style.handed == "upstream":
            return waiting
        flags = [n for n in waiting if isinstance(backward.defaults.get(n), (bool, str))]
        named = [n for n in waiting if UPSTREAM.match(n) and n not in NO_UPSTREAM]
        named = [n for n in named if n not in flags]
        if named:
            return named
        has_targets = any(TARGETS.match(n) for n in (*self.given, *self.values, *waiting))
        needed = [
            n for n in waiting
            if n not in backward.defaults and n not in self.values
            and (not RATE.match(n) or not has_targets or is_used_as_array(n, backward.node))
        ]  # fmt: skip
        is_number = bool(outputs) and not self.reader.tape.shape(outputs[0].content)
        if len(needed) != 1 or is_number or TARGETS.match(needed[0]) or INPUT.match(needed[0]):
            return []
        if any(needed[0] in self._parameters(loss) for loss in self._losses()):
            return []
        return needed


def _outputs_by_name(upstreams: list[str], outputs: list[int], names: list[str]) -> dict[str, int]:
    """The places of the outputs whose gradients are called after them: `dc_next` is that of `c`."""
    called: dict[str, int] = {}
    for name in upstreams:
        own = {kin(MOMENT.sub("", root)) for root in roots(name)}
        fitting = [k for k in outputs if names[k] and kin(MOMENT.sub("", names[k])) in own]
        if len(fitting) == 1 and fitting[0] not in called.values():
            called[name] = fitting[0]
    return called


def is_only_divisor(name: str, function: ast.AST) -> bool:
    """Whether all that is done with a name is that something is divided by it."""
    divisors = {
        id(part) for node in ast.walk(function)
        if isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Div)
        for part in ast.walk(node.right if isinstance(node, ast.BinOp) else node.value)
    }  # fmt: skip
    uses = [x for x in ast.walk(function) if isinstance(x, ast.Name) and x.id == name]
    return bool(uses) and all(id(x) in divisors for x in uses)


def _is_setting(name: str, backward: Function) -> bool:
    """Whether a parameter is a rate or a count, and no array."""
    is_number = RATE.match(name) or EXAMPLES.match(name) or COUNT.match(name)
    return bool(is_number) and not is_used_as_array(name, backward.node)


def is_only_filled(name: str, function: ast.AST) -> bool:
    """Whether a name is handed to calls that give nothing, or has parts set, and no more."""
    filled = {
        id(node.value) for node in ast.walk(function)
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
    }  # fmt: skip
    filled |= {
        id(part) for node in ast.walk(function) if isinstance(node, ast.Expr)
        for part in ast.walk(node)
    }  # fmt: skip
    uses = [x for x in ast.walk(function) if isinstance(x, ast.Name) and x.id == name]
    return all(id(x) in filled for x in uses)


def is_used_as_array(name: str, function: ast.AST) -> bool:
    """Whether a name has attributes, is multiplied by a matrix or is handed to such a call."""
    for node in ast.walk(function):
        parts: list[ast.expr] = []
        if isinstance(node, ast.Attribute):
            parts = [node.value]
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            parts = [node.left, node.right]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(OF_ARRAYS):
            parts = [*node.args]
        if any(isinstance(part, ast.Name) and part.id == name for part in parts):
            return True
    return False


def _items(value: Any, forward: Function) -> tuple[list[str], list[Any]]:
    """What a function returns, part by part, and what it calls them."""
    parts = list(value) if isinstance(value, tuple) else [value]
    names = [""] * len(parts)
    for node in ast.walk(forward.node):
        if isinstance(node, ast.Return) and node.value is not None:
            elements = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            if len(elements) == len(parts):
                names = [short_name(ast.unparse(element)) for element in elements]
    return names, parts
