"""A training in a function or a file: its loop computes a loss and changes weights, turn by turn.

weight   what the loop changes, and what its loss is computed from
loss     what the loop calls one: `loss = ...`, `self.cost = ...`, `losses.append(...)`
error    without a loss, the difference of a prediction and targets: `y_pred - y`
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from gradcli.python.parameters.guesses import TARGETS

LOSS = re.compile(
    r"^(?!(?:.*_)?(?:val|test|valid|validation|dev|eval)(?:_|$))"
    r"(?:.*(?:loss|cost|objective|nll|likelihood|entropy).*|(?!r)\w*mse.*|[JL]|(?-i:E))$",
    re.IGNORECASE,
)
# Names of targets beside the plain ones: `training_outputs`, `expected`.
WANTED = re.compile(r"(^|_)(targets?|labels?|true|outputs|expected|desired)(_|$)", re.IGNORECASE)
PRODUCT = re.compile(r"@|\.T\b|dot|matmul|outer|einsum|sum|mean|transpose")

Methods = Mapping[str, ast.FunctionDef]


class Error(NamedTuple):
    """A prediction, and the targets that it is compared with."""

    prediction: ast.expr
    targets: ast.expr


class Training:
    """What one function trains, or a file, as far as its text says it."""

    def __init__(self, node: ast.FunctionDef | ast.Module, methods: Methods) -> None:
        self.methods = methods  # of its class, which it may call
        self.parts = [*_own(node)]
        loops = [part for part in self.parts if isinstance(part, (ast.For, ast.While))]
        inside = [part for loop in loops for part in ast.walk(loop)]
        self.changes = {part for part in inside if _changed(part)}
        changed = {place for part in self.changes for place in _changed(part)}
        self.losses: list[Any] = [part for part in inside if loss_of(part) is not None]
        # By the statements that compute them; a loss that is computed first comes before them.
        self.errors = {part: error for part in inside if (error := error_of(part)) is not None}
        aims = [loss.value for loss in self.losses] or [x.prediction for x in self.errors.values()]
        self.needed = needed_for(self.parts, aims, self._read) if changed and aims else set()
        self.weights = {place for place in changed & self.needed if not LOSS.search(place)}

    @property
    def kind(self) -> str:
        """The kind of subject that it is."""
        return "training" if self.losses else "fit"

    @property
    def is_one(self) -> bool:
        """Whether it is one: weights change by gradients that it computes itself."""
        return bool(self.weights) and self._computes_gradients()

    def _computes_gradients(self) -> bool:
        """Whether what a weight is changed by comes of sums and products in the function."""
        pending: list[Any] = [
            part for part in self.changes if {*_changed(part)} & self.weights
        ]  # fmt: skip
        seen: set[ast.AST] = set()
        while pending:
            node = pending.pop()
            if node in seen:
                continue
            seen.add(node)
            if node in self.errors or PRODUCT.search(ast.unparse(node.value)):
                return True
            read = {place for part in ast.walk(node.value) for place in _places(part)}
            pending += [
                part for part in self.parts if isinstance(part, (ast.Assign, ast.AugAssign))
                and read & {place for target in _targets(part) for place in _places(target)}
            ]  # fmt: skip
        return False

    def is_entered(self, node: ast.stmt) -> bool:
        """Whether a block is one of the training, of which one turn is read."""
        inside = {*ast.walk(node)}
        has_aim = inside.intersection(self.losses) or inside & self.errors.keys()
        return bool(has_aim and inside & self.changes)

    def is_needed(self, node: ast.stmt) -> bool:
        """Whether the loss or a weight depends on a statement."""
        if {*ast.walk(node)}.intersection(self.losses or self.errors):
            return True
        targets = {
            place for part in ast.walk(node)
            if isinstance(part, (ast.Assign, ast.AugAssign, ast.AnnAssign))
            for target in _targets(part) for place in _places(target)
        }  # fmt: skip
        return bool(targets & (self.needed | self.weights))

    def _read(self, node: ast.AST | None) -> set[str]:
        """The names and attributes that a part reads, those in methods that it calls among them."""
        pending, seen, found = [node] if node is not None else [], set[str](), set[str]()
        while pending:
            for part in ast.walk(pending.pop()):
                found |= {*_places(part)}
                name = part.attr if isinstance(part, ast.Attribute) else ""
                if name in self.methods and name not in seen:
                    seen.add(name)
                    pending.append(self.methods[name])
        return found


def needed_for(
    parts: list[ast.AST], values: Iterable[Any], read: Callable[[ast.AST | None], set[str]]
) -> set[str]:
    """The names and attributes that some values are computed from, in some parts of a file."""
    needed = {place for value in values for place in read(value)}
    computed: list[tuple[set[str], set[str]]] = []
    for part in parts:
        if isinstance(part, (ast.Assign, ast.AugAssign, ast.AnnAssign)) and not _changed(part):
            targets = {place for target in _targets(part) for place in _places(target)}
            computed.append((targets, read(part.value)))
        elif isinstance(part, (ast.For, ast.comprehension)):
            computed.append(({*_places(part.target)}, read(part.iter)))
    count = -1
    while len(needed) > count:
        count = len(needed)
        needed.update(*(names for targets, names in computed if targets & needed))
    return needed


def names_read(node: ast.AST | None) -> set[str]:
    """The names and attributes in a part."""
    return set() if node is None else {place for x in ast.walk(node) for place in _places(x)}


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """All parts of a function; of a file those that are in no definition."""
    if isinstance(node, ast.FunctionDef):
        yield from ast.walk(node)
        return
    pending = [node]
    while pending:
        part = pending.pop()
        yield part
        pending += [
            inner for inner in ast.iter_child_nodes(part)
            if not isinstance(inner, (ast.FunctionDef, ast.ClassDef))
        ]  # fmt: skip


def _targets(node: Any) -> list[ast.expr]:
    """What an assignment gives a value to."""
    return node.targets if isinstance(node, ast.Assign) else [node.target]


def _places(node: ast.AST) -> Iterator[str]:
    """The names and attributes of `self` in a target, or that a node is: `W`, `self.W`."""
    if isinstance(node, (ast.Tuple, ast.List)):
        for part in node.elts:
            yield from _places(part)
        return
    while isinstance(node, (ast.Subscript, ast.Starred)):
        node = node.value
    if isinstance(node, ast.Name) and node.id != "self":
        yield node.id
    elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self":
        yield f"self.{node.attr}"


def _changed(node: ast.AST) -> list[str]:
    """The places that a statement changes by something: `W -= ...`, `W = W - ...`."""
    if isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Add, ast.Sub)):
        return [] if isinstance(node.value, ast.Constant) else [*_places(node.target)]
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
        target, value = ast.unparse(node.targets[0]), node.value
        sides = [ast.unparse(value.left), ast.unparse(value.right)]
        if isinstance(value.op, (ast.Add, ast.Sub)) and target in sides:
            return [*_places(node.targets[0])]
    return []


def error_of(node: ast.AST) -> Error | None:
    """The prediction and the targets whose difference an assignment computes."""
    if not isinstance(node, (ast.Assign, ast.AugAssign)):
        return None
    for part in ast.walk(node.value):
        if not (isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub)):
            continue
        for targets, prediction in ((part.left, part.right), (part.right, part.left)):
            are = [next(_places(x), "").removeprefix("self.") for x in (targets, prediction)]
            if _is_wanted(are[0]) and not _is_wanted(are[1]):
                return None if isinstance(prediction, ast.Constant) else Error(prediction, targets)
    return None


def _is_wanted(name: str) -> bool:
    """Whether targets are called by a name."""
    return bool(TARGETS.match(name) or WANTED.search(name))


def loss_of(node: ast.AST) -> ast.expr | None:
    """What holds the loss that a statement computes: its target, or the list it is appended to."""
    if isinstance(node, (ast.Assign, ast.AugAssign)):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        name = next(_places(target), "").removeprefix("self.")
        is_plain = isinstance(node, ast.Assign) or not isinstance(node.value, ast.Name)
        is_one = not isinstance(target, (ast.Tuple, ast.List))  # `loss, grads = f(x)`
        return target if LOSS.search(name) and is_plain and is_one else None
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        call = node.value
        if isinstance(call.func, ast.Attribute) and call.func.attr == "append" and call.args:
            name = next(_places(call.func.value), "").removeprefix("self.")
            is_new = not isinstance(call.args[0], (ast.Name, ast.Attribute))
            return call.func.value if LOSS.search(name) and is_new else None
    return None
