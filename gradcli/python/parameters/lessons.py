"""What a reading that was stopped says about the parameters that were guessed.

A fault names no parameter, but it has a place: a name there that holds a guessed value, as it is
or as a part of it, is the one to blame. `self.rate` that cannot be an index is a whole number, `d`
that cannot be unpacked into three has three parts.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from gradcli.python.parameters.guesses import Guess, Parts, Sizes, setting
from gradcli.python.parameters.misfits import shapes_in
from gradcli.python.parameters.usage import DERIVATIVE
from gradcli.python.state.guards import NOT_WHOLE
from gradcli.python.state.values import Array, Given, Instance, Library, Scope

TOKENS = 4  # of a text, as keys of a vocabulary
INDICES = 3  # there are as many in every axis of three or more
LABELS_OF_RANK: dict[int, Guess] = {0: "index", 1: "labels", 2: "labels2"}


class Stop(NamedTuple):
    """Where a reading stopped, with the names as they were there."""

    node: ast.AST
    statement: ast.AST
    scope: Scope
    inputs: dict[int, str]  # names of the inputs by their nodes
    roots: Callable[[int], list[str]]  # a node -> the inputs it depends on
    shape: Callable[[Any], tuple[int, ...]]  # of a content


class Lesson(NamedTuple):
    """A parameter, and what it may be instead."""

    name: str  # the way to it: `params/W1`
    guess: Guess


def lesson(message: str, stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """What a fault teaches of one of some guessed values; None for nothing."""
    for form, learn in LESSONS:
        match = re.search(form, message)
        if match:
            return learn(match, stop, values)
    return None


# ---------------------------------------------------------------- who is to blame


def _names(node: ast.AST, stop: Stop) -> Iterator[tuple[ast.AST, Any]]:
    """The names and attributes in a part of the file, with their values; arguments come first."""
    parts: list[ast.AST] = [node]
    if isinstance(node, ast.Call):
        parts = [*node.args, *node.keywords, node.func]
    for part in (inner for outer in parts for inner in ast.walk(outer)):
        value = _value(part, stop.scope)
        if value is not None:
            yield part, value


def _value(node: ast.AST, scope: Scope) -> Any:
    if isinstance(node, ast.Name):
        holder = scope.find(node.id)
        return holder[node.id] if holder is not None else None
    if isinstance(node, ast.Attribute):
        owner = _value(node.value, scope)
        return owner.attributes.get(node.attr) if isinstance(owner, Instance) else None
    return None


def _paths(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """The guessed values and their parts, each with the way to it."""
    for name, value in values.items():
        yield before + name, value
        if isinstance(value, dict):
            yield from _paths({str(k): v for k, v in value.items()}, f"{before}{name}/")


def _path(value: Any, stop: Stop, values: Mapping[str, Any], is_part: bool) -> str | None:
    """The way to the guessed value that a value is, or of which it is a part."""
    paths = dict(_paths(values))
    if isinstance(value, Array):
        content = value.content
        if content.__class__ is not int:
            same = [path for path, guessed in paths.items() if guessed is value]
            return same[0] if same else None
        name = stop.inputs.get(content)
        ways = {path.rpartition("/")[2]: path for path in reversed(paths)}
        if name is None and is_part:
            roots = [root for root in stop.roots(content) if root in ways]  # not what layers made
            name = roots[0] if len(roots) == 1 else None
        return ways.get(name or "")
    if isinstance(value, (int, float, list)) and not isinstance(value, bool):
        same = [p for p, guessed in paths.items() if type(guessed) is type(value)
                and guessed == value]  # fmt: skip
        return same[0] if same else None
    return None


def _blamed(
    node: ast.AST,
    stop: Stop,
    values: Mapping[str, Any],
    is_part: bool = False,
    kind: Any = object,
) -> tuple[str, Any] | None:
    """The first guessed value of some kind in a part of the file, by its way."""
    for _, value in _names(node, stop):
        path = _path(value, stop, values, is_part)
        if path is not None and isinstance(value, kind):
            return path, value
    return None


# ---------------------------------------------------------------- what faults say


def _whole(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """A number of floats stands where a whole number does: a size, or the part of a list."""
    kind = (list, Array) if match[0].startswith("a list") else (Array, float)
    if (blamed := _blamed(stop.node, stop, values, False, kind)) is not None:
        return Lesson(blamed[0], "count")
    blamed = _blamed(stop.node, stop, values, True, kind)
    return None if blamed is None else Lesson(blamed[0], "sizes")


def _index(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """Floats stand in square brackets: they are labels."""
    for node in ast.walk(stop.node):
        if isinstance(node, ast.Subscript):
            part = _blamed(node.slice, stop, values) or _blamed(node.slice, stop, values, True)
            if part is not None:
                path, value = part[0], dict(_paths(values))[part[0]]
                rank, own = _rank(value, stop), _rank(part[1], stop)
                if isinstance(node.slice, ast.Tuple) and rank:  # `p[range(n), y]`
                    others = [x for x in node.slice.elts if not isinstance(x, ast.Slice)]
                    is_one = any(isinstance(_value(x, stop.scope), int) for x in others)
                    rank = rank - own + (not is_one) if len(others) > 1 else rank
                return Lesson(path, LABELS_OF_RANK[rank]) if rank in LABELS_OF_RANK else None
    return None


def _rank(value: Any, stop: Stop) -> int:
    """How many axes a value has."""
    return len(stop.shape(value.content)) if isinstance(value, Array) else 0


def _scattered(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """What is added at places has one axis more than these: each example has several places."""
    calls = [n for n in ast.walk(stop.statement) if isinstance(n, ast.Call)]
    places = [n.args[1] for n in calls if ast.unparse(n.func).endswith("add.at") and n.args[1:]]
    blamed = _blamed(places[0], stop, values, True) if len(places) == 1 else None
    if blamed is None or match[1].count(",") != match[2].count(",") + 1:
        return None
    return Lesson(blamed[0], "labels2")


def _stored(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """What is put into a row has more axes than this: so has one of the inputs it is made of."""
    has, takes = (len(text.replace(",", " ").split()) for text in match.groups())
    source = getattr(stop.statement, "value", None)
    if source is None or has <= takes:
        return None
    flipped = {ast.unparse(node.value) for node in ast.walk(source)
               if isinstance(node, ast.Attribute) and node.attr == "T"}  # fmt: skip
    for is_part in (False, True):
        for node, value in _names(source, stop):
            if ast.unparse(node) in flipped:  # X of `X.T @ e` is a matrix
                continue
            path = _path(value, stop, values, is_part)
            whole = dict(_paths(values)).get(path or "")
            if isinstance(value, Array) and isinstance(whole, Array):
                shapes = {stop.shape(x.content) for x in (value, whole)}
                if len(shapes) == 1 and len(shapes.pop()) == has:
                    return Lesson(str(path), takes or "number")
                if not is_part:
                    return None
    return None


def _parts(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """A number has parts: it is a list of sizes, or an array."""
    blamed = _blamed(stop.node, stop, values)
    if blamed is None:
        return None
    path, value = blamed
    if isinstance(value, Given):
        return Lesson(path, "labels2")
    if isinstance(value, Array):
        return Lesson(path, len(stop.shape(value.content)) + 1)
    return Lesson(path, "sizes" if isinstance(value, int) else 1)


def _key(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """An array has a key: it is a dictionary; or one of these lacks a key."""
    for node in ast.walk(stop.node):
        if isinstance(node, ast.Subscript):
            value = _value(node.value, stop.scope)
            if isinstance(value, dict):
                same = [name for name, guessed in values.items() if _is_like(guessed, value)]
                key = match[1] or match[2]
                return Lesson(f"{same[0]}/{key}", setting(key)) if same else None
            blamed = _blamed(node.value, stop, values)
            if blamed is not None:
                is_filled = isinstance(node.ctx, ast.Store)
                return Lesson(blamed[0], ("value", {}) if is_filled else {match[1] or match[2]: 2})
    return None


def _is_like(guessed: Any, value: dict[Any, Any]) -> bool:
    """Whether a dictionary is the one that was guessed, with inputs for its arrays."""
    return isinstance(guessed, dict) and [*guessed] == [*value]


def _keys(value: Any) -> list[Any]:
    return [*value] if isinstance(value, dict) else []


def _hashed(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """Floats or lists are a key of a dictionary: it is a whole number, or one of a flat list."""
    for node in ast.walk(stop.node):
        if not isinstance(node, ast.Subscript):
            continue
        words = [k for k in _keys(_value(node.value, stop.scope)) if isinstance(k, str)]
        if words and (blamed := _blamed(node.slice, stop, values, True)) is not None:
            tokens = [words[k % len(words)] for k in range(TOKENS)]
            is_key = _blamed(node.slice, stop, values) is not None  # itself, and not a part of it
            return Lesson(blamed[0], ("value", tokens[0] if is_key else tokens))
        if (blamed := _blamed(node.slice, stop, values)) is not None:
            return Lesson(blamed[0], "index")
        if (blamed := _blamed(node.slice, stop, values, True)) is not None:
            return Lesson(blamed[0], "labels")
        key = _value(node.slice, stop.scope)
        for path, guessed in _paths(values):
            if isinstance(key, list) and isinstance(guessed, list) and key in guessed:
                return Lesson(path, "labels")
    return None


def _longer(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """A list of sizes is too short."""
    blamed = _blamed(stop.node, stop, values, False, list)
    if blamed is None:
        return None
    return Lesson(blamed[0], Sizes(len(blamed[1]) + 1))


def _unpacked(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """So many names stand on the left: so many axes, or parts."""
    count = int(match[1])
    statement = stop.statement
    source = getattr(statement, "value", None)
    if source is None:
        return None
    is_shape = any(isinstance(n, ast.Attribute) and n.attr == "shape" for n in ast.walk(source))
    blamed = _blamed(source, stop, values, is_shape)
    if blamed is None:
        return None
    path, value = blamed
    if is_shape and isinstance(value, Array):
        return Lesson(path, count)
    if isinstance(value, Array) and isinstance(source, ast.Name):  # `x, state = inputs`
        parts = Parts({str(k): 2 for k in range(count)})
        return Lesson(path, 1 if _is_joined_again(count, stop.scope) else parts)
    return Lesson(path, Sizes(count)) if isinstance(value, (int, list)) else None


def _is_joined_again(count: int, scope: Scope) -> bool:
    """Whether a function makes an array of so many parts: a state and its slope are vectors."""
    function = scope.function
    calls = [] if function is None else ast.walk(function.node)
    lists = [node.args[0] for node in calls if isinstance(node, ast.Call) and node.args
             and ast.unparse(node.func).rpartition(".")[2] in ("array", "asarray")]  # fmt: skip
    return any(isinstance(x, (ast.List, ast.Tuple)) and len(x.elts) == count for x in lists)


def _iterated(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """A number is unpacked, or gone through."""
    statement = stop.statement
    targets = getattr(statement, "targets", [])
    if targets and isinstance(targets[0], (ast.Tuple, ast.List)):
        blamed = _blamed(getattr(statement, "value", stop.node), stop, values)
        return None if blamed is None else Lesson(blamed[0], Sizes(len(targets[0].elts)))
    blamed = _blamed(stop.node, stop, values) or _blamed(statement, stop, values)
    if blamed is None:
        return None
    return Lesson(blamed[0], "sizes" if isinstance(blamed[1], int) else 1)


def _tuples(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """Rows are unpacked into indices: `for i, j in edges`, and `pos[i] - pos[j]`."""
    loop = stop.statement
    if not isinstance(loop, ast.For) or not isinstance(loop.target, (ast.Tuple, ast.List)):
        return None
    names = [part.id for part in loop.target.elts if isinstance(part, ast.Name)]
    parts = [node for inner in loop.body for node in ast.walk(inner)]
    slices = [node.slice for node in parts if isinstance(node, ast.Subscript)]
    indices = {x.id for node in slices for x in ast.walk(node) if isinstance(x, ast.Name)}
    blamed = _blamed(loop.iter, stop, values, False, Array)
    if blamed is None or not {*names} <= indices or len(names) != len(loop.target.elts):
        return None
    rows = [tuple((k + j) % INDICES for j in range(len(names))) for k in range(INDICES)]
    return Lesson(blamed[0], ("value", rows))


def _axis(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """There is one axis too few."""
    blamed = _blamed(stop.node, stop, values, True)
    if blamed is None or not isinstance(blamed[1], Array):
        return None
    return Lesson(blamed[0], abs(int(match[1])) + 1)


def _shape_part(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """A place behind the end of a shape: there is one axis more; or of a list of sizes."""
    for node in ast.walk(stop.node):
        if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Constant):
            continue
        owner, place = node.value, node.slice.value
        if not isinstance(place, int):
            continue
        kept = _value(owner, stop.scope)  # `self.shape`, which was kept earlier
        if kept is None and isinstance(owner, ast.Attribute) and owner.attr == "shape":
            blamed = _blamed(owner.value, stop, values, True)
            return Lesson(blamed[0], place + 1) if blamed and place > 0 else None
        same = [
            path for path, value in _paths(values)
            if isinstance(value, Array) and stop.shape(value.content) == kept
        ]  # fmt: skip
        if len(same) == 1 and place > 0:
            return Lesson(same[0], place + 1)
    return _longer(match, stop, values)


def _ranked(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """The file itself refuses so many axes, and says how many there are."""
    for side in ast.walk(stop.node):
        owner = side.value if isinstance(side, ast.Attribute) else None
        blamed = None if owner is None else _blamed(owner, stop, values, True, Array)
        if blamed is not None:
            own = len(stop.shape(blamed[1].content))
            counts = {int(match[1]), int(match[2])} - {own}
            return Lesson(blamed[0], counts.pop()) if len(counts) == 1 else None
    return None


def _of_labels(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """The file itself refuses floats: they are labels."""
    blamed = _blamed(stop.node, stop, values, False, Array)
    rank = 0 if blamed is None else len(stop.shape(blamed[1].content))
    known = blamed is not None and rank in LABELS_OF_RANK
    return Lesson(blamed[0], LABELS_OF_RANK[rank]) if blamed is not None and known else None


def _convolved(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """A part that is convolved has more axes than are due, or fewer: so has the whole."""
    due = int(match[1])
    arguments = stop.node.args if isinstance(stop.node, ast.Call) else []
    for argument, shape in zip(arguments, shapes_in(match.string), strict=False):
        blamed = _blamed(argument, stop, values, True, Array)
        whole = dict(_paths(values)).get(blamed[0]) if blamed else None
        if blamed is not None and isinstance(whole, Array) and len(shape) != due:
            rank = len(stop.shape(whole.content)) - len(shape) + due
            return Lesson(blamed[0], rank) if rank > 0 else None
    return None


def _padded(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """So many axes are padded."""
    blamed = _blamed(stop.node, stop, values, True)
    return None if blamed is None else Lesson(blamed[0], int(match[1]))


def _subscripts(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """An operand of `einsum` has as many axes as letters."""
    for _, value in _names(stop.node, stop):
        path = _path(value, stop, values, True)
        if path is not None and isinstance(value, Array):
            rank = len(stop.shape(value.content))
            if f"shape {stop.shape(value.content)}" in match.string and rank != len(match[1]):
                return Lesson(path, len(match[1]))
    return _batched(len(match[1]), match.string, stop, values)


def _indexed(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """What is computed of several inputs has an index too many: the first of them lacks an axis."""
    for node in ast.walk(stop.node):
        value = _value(node.value, stop.scope) if isinstance(node, ast.Subscript) else None
        if not isinstance(value, Array) or len(stop.shape(value.content)) >= int(match[1]):
            continue
        roots = stop.roots(value.content) if value.content.__class__ is int else []
        for path, guessed in _paths(values):
            if path.rpartition("/")[2] in roots and isinstance(guessed, Array):
                return Lesson(path, len(stop.shape(guessed.content)) + 1)
    return None


def _batched(rank: int, message: str, stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """What is computed of several inputs lacks axes, which are those of the one with its batch."""
    ways = {path.rpartition("/")[2]: (path, value) for path, value in _paths(values)}
    for _, value in _names(stop.node, stop):
        shape = stop.shape(value.content) if isinstance(value, Array) else ()
        if not shape or f"shape {shape}" not in message or len(shape) >= rank:
            continue
        for root in stop.roots(value.content):
            path, guessed = ways.get(root, ("", None))
            own = stop.shape(guessed.content) if isinstance(guessed, Array) else ()
            if own[:1] == shape[:1] and len(own) == len(shape):
                return Lesson(path, rank)
    return None


def _ordered(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """So many axes are put in another order."""
    blamed = _blamed(stop.node, stop, values, True)
    return None if blamed is None else Lesson(blamed[0], match[1].count(",") + 1)


def _function(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """A value is called: it is an activation. Of which, a derivative that is called cannot tell."""
    if not isinstance(stop.node, ast.Call) or DERIVATIVE.search(ast.unparse(stop.node.func)):
        return None
    blamed = _blamed(stop.node.func, stop, values)
    return None if blamed is None else Lesson(blamed[0], ("value", Library("tanh")))


def _sampler(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """An index is drawn by a method: `dataset.sampleTokenIdx()`."""
    if not isinstance(stop.node, ast.Call) or not isinstance(stop.node.func, ast.Attribute):
        return None
    blamed = _blamed(stop.node.func.value, stop, values)
    if blamed is None:
        return None
    return Lesson(blamed[0], ("value", Library("helper sampled", "python")))


def _of_text(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """A text is calculated with: it is a number."""
    for _, value in _names(stop.node, stop):
        if isinstance(value, str):
            same = [path for path, guessed in _paths(values) if guessed == value]
            return Lesson(same[0], "count") if same else None
    return None


def _flag(match: re.Match[str], stop: Stop, values: Mapping[str, Any]) -> Lesson | None:
    """A value is a condition; or labels are compared as one number is: `while k == target`."""
    if isinstance(stop.node, ast.Compare):
        blamed = _blamed(stop.node, stop, values, False, Given)
        return None if blamed is None else Lesson(blamed[0], "index")
    if not isinstance(stop.node, (ast.Name, ast.Attribute)):
        return None
    blamed = _blamed(stop.node, stop, values)
    return None if blamed is None else Lesson(blamed[0], ("value", True))


LESSONS = (
    (r"add\.at`: could not broadcast shape \(([\d, ]+)\) into shape \(([\d, ]+)\)", _scattered),
    (r"^could not broadcast shape \(([\d, ]+)\) into shape \(([\d, ]*)\)", _stored),
    (r"only whole numbers, slices", _index),
    (r"(?:an array|a list) stands where a whole|is not a whole number|float where a whole", _whole),
    (r"low >= high", _whole),  # `randint(1, C)`
    (r"is not subscriptable|an index needs an array|has no len|a number has no length", _parts),
    (r"(\d+) names on the left for \d+ values", _unpacked),
    (r"^\d+ names for \d+ values", _tuples),
    (r"number is not iterable", _iterated),
    (r"list index out of range", _longer),
    (r"tuple index out of range", _shape_part),
    (r"reached, as (\d+) axes are not (\d+)", _ranked),
    (NOT_WHOLE, _of_labels),
    (r"a convolution of shapes .* both have (\d+) axes", _convolved),
    (r"has widths for (\d+) axes", _padded),
    (r"subscripts `(\w+)` for an array of shape", _subscripts),
    (r"^(\d) indices, but the array has shape", _indexed),
    (r"\(([\d, ]+)\) is no order of \d+ axes", _ordered),
    (r"the text '(.+?)' is not an index|KeyError: '(\w+)'", _key),
    (r"unhashable type: (?:'list'|a list|an array)|KeyError: -?\d", _hashed),
    (r"axis (-?\d+) (?:does not exist|is out of bounds)", _axis),
    (r"is not callable", _function),
    (
        r"^`\.\w*(?:sample|random|draw)\w*(?:[iI]dx|[iI]ndex|[tT]oken|_id|_word)\(\)` of an array",
        _sampler,
    ),
    (r"unsupported operand type.*'str'|a text is not a number|text stands where", _of_text),
    (r"truth value of an array is ambiguous", _flag),
)
