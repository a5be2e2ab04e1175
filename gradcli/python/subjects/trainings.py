"""A training in a function or a file: its loop computes a loss and changes weights, turn by turn.

weight   what the loop changes, and what its loss is computed from
loss     what the loop calls one: `loss = ...`, `self.cost = ...`, `losses.append(...)`
error    without a loss, the difference of a prediction and targets: `y_pred - y`

What the loop calls is a part of it: functions of the file, and methods of its own object, but for
those that are trainings themselves.
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

    def __init__(
        self, node: ast.FunctionDef | ast.Module, methods: Methods, functions: Methods,
        is_whole: bool = False,
    ) -> None:  # fmt: skip
        self.methods = methods  # of its class, which it may call
        self.functions = functions  # of its file
        self.parts = [*_own(node)]
        loops: list[ast.stmt] = [x for x in self.parts if isinstance(x, (ast.For, ast.While))]
        if is_whole:  # all of it, and not its loops only
            loops = [part for part in self.parts if isinstance(part, ast.stmt) and part is not node]
        inside = [part for loop in loops for part in ast.walk(loop)]
        called = [part for loop in loops for part in self._called(loop)]
        self.changes = {part: places for part in inside if (places := self._changed_by(part))}
        for part in called:  # which have names of their own
            if places := [place for place in _changed(part) if place.startswith("self.")]:
                self.changes[part] = places
        changed = {place for places in self.changes.values() for place in places}
        self.losses: list[Any] = [part for part in inside if loss_of(part) is not None]
        # By the statements that compute them; a loss that is computed first comes before them.
        self.errors = {
            part: error for part in (*inside, *called) if (error := error_of(part)) is not None
        }
        self.inner = {*called} & self.errors.keys()  # errors of called functions
        aims = [loss.value for loss in self.losses] or [x.prediction for x in self.errors.values()]
        parts = [*self.parts, *called]
        handed = self._handed([*inside, *called])
        computed = [({name}, self._read(value)) for name, value in handed]
        self.needed = needed_for(parts, aims, self._read, computed) if changed and aims else set()
        # What is compared with targets itself is no weight: boosting adds to it, turn by turn.
        whole = {place for x in self.errors.values() for place in _places(x.prediction)}
        whole |= {place for name, value in handed if name in whole for place in _places(value)}
        self.weights = {x for x in changed & self.needed - whole if not LOSS.search(x)}
        around = [x for x in (*inside, *called) if isinstance(x, (ast.For, ast.While))]
        self.moving = {part for part, places in self.changes.items() if {*places} & self.weights}
        self.repeated = {  # errors of one example after the other, behind which weights change
            part for loop in around if self.moving.isdisjoint(ast.walk(loop))
            for part in ast.walk(loop) if part in self.errors
        }  # fmt: skip

    @property
    def is_loss_late(self) -> bool:
        """Whether a loss stands behind the first change of a weight only."""
        lines = [part.lineno for part in self.moving if isinstance(part, ast.stmt)]
        return bool(self.losses) and all(x.lineno > min(lines, default=0) for x in self.losses)

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
        pending: list[Any] = [*self.moving]
        if self.inner and any(part not in self.parts for part in pending):
            return True
        seen: set[ast.AST] = set()
        while pending:
            node = pending.pop()
            if node in seen:
                continue
            seen.add(node)
            if node in self.errors or PRODUCT.search(ast.unparse(node.value)):
                return True
            if self.inner and self._callee(node.value) is not None:
                return True
            read = {place for part in ast.walk(node.value) for place in _places(part)}
            pending += [
                part for part in self.parts if isinstance(part, (ast.Assign, ast.AugAssign))
                and read & {place for target in _targets(part) for place in _places(target)}
            ]  # fmt: skip
        return False

    def is_entered(self, node: ast.stmt) -> bool:
        """Whether a block is one of the training, of which one turn is read."""
        inside = {*ast.walk(node), *self._called(node)}
        has_aim = inside.intersection(self.losses) or inside & self.errors.keys()
        return bool(has_aim and inside & self.moving)

    def is_needed(self, node: ast.stmt) -> bool:
        """Whether the loss or a weight depends on a statement."""
        inside = [*ast.walk(node), *self._called(node)]
        if {*inside}.intersection(self.losses or self.errors):
            return True
        targets = {
            place for part in inside
            if isinstance(part, (ast.Assign, ast.AugAssign, ast.AnnAssign))
            for target in _targets(part) for place in _places(target)
        }  # fmt: skip
        return bool(targets & (self.needed | self.weights))

    def _called(self, node: ast.AST) -> list[ast.AST]:
        """The parts of the functions and methods that a part calls, and that these call."""
        found: dict[ast.FunctionDef, list[ast.AST]] = {}
        pending = [node]
        while pending:
            for part in ast.walk(pending.pop()):
                function = self._callee(part)
                if function is not None and function not in found:
                    found[function] = [*ast.walk(function)]
                    pending.append(function)
        return [part for parts in found.values() for part in parts]

    def _handed(self, parts: list[ast.AST]) -> list[tuple[str, ast.expr]]:
        """The parameters of functions that are called, and what each of them is handed."""
        found: list[tuple[str, ast.expr]] = []
        for part in parts:
            function = self._callee(part)
            if function is None or not isinstance(part, ast.Call):
                continue
            names = [a.arg for a in function.args.args if a.arg != "self"]
            found += zip(names, part.args, strict=False)
            found += [(k.arg, k.value) for k in part.keywords if k.arg]
        return found

    def _callee(self, node: ast.AST) -> ast.FunctionDef | None:
        """The function of the file, or the method of its own object, that a part calls."""
        if not isinstance(node, ast.Call):
            return None
        if isinstance(node.func, ast.Name):
            return self.functions.get(node.func.id)
        if isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "self":
            return self.methods.get(node.func.attr)
        return None

    def _changed_by(self, node: ast.AST) -> list[str]:
        """The places that a statement changes, those a function makes anew: `w = step(w, x)`."""
        value = node.value if isinstance(node, ast.Assign) else None
        if isinstance(node, ast.Assign) and isinstance(value, ast.Call) and self._callee(value):
            handed = {place for part in value.args for place in _places(part)}
            return [place for place in _places(node.targets[0]) if place in handed]
        return _changed(node)

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


def that_train_nothing(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    """The functions of a file that are no trainings: a part of those that call them."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {node.name: node for node in functions if not Training(node, {}, {}).is_one}


def steps_parameters(node: ast.FunctionDef) -> bool:
    """Whether a function subtracts something from a parameter: `new_w = w - rate * slope`."""
    own = {a.arg for a in node.args.args}
    for part in ast.walk(node):
        value = part.value if isinstance(part, ast.Assign) else None
        is_new = isinstance(value, ast.BinOp) and isinstance(value.op, (ast.Sub, ast.Add))
        old = {*_places(value.left)} if isinstance(value, ast.BinOp) and is_new else set()
        if own & (old | {*_changed(part)}):
            return True
    return False


def needed_for(
    parts: list[ast.AST],
    values: Iterable[Any],
    read: Callable[[ast.AST | None], set[str]],
    handed: Iterable[tuple[set[str], set[str]]] = (),
) -> set[str]:
    """The names and attributes that some values are computed from, in some parts of a file."""
    needed = {place for value in values for place in read(value)}
    computed = [*handed]
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
    if not isinstance(node, (ast.Assign, ast.AugAssign, ast.Return)) or node.value is None:
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
