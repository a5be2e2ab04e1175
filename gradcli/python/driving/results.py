"""What a backward part gives back, part by part, with names and places."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from gradcli.python.interpreter.interpreter import Interpreter
from gradcli.python.state.values import Array, Foreign, Function, Instance, arrays_in, fields_of
from gradcli.python.words.gradients import is_holder, kin, roots

FACTOR = re.compile(r"^[-+]|^[\d.]+ \* | [*/] [\d.]+$| / (\w+|len\(\w+\)|\w+\.shape\[0\])$")


# `dW + reg * W`: what is added to a gradient is that of a penalty, or of another path.
SUMMED = re.compile(r"(d_?[A-Za-z]\w*|\w*grad\w*|nabla\w*) \+ ")


ENTRY = re.compile(r"[\w.\[\]'\"]+\[(['\"])([^'\"]+)\1\]")  # `grads['W1']`, and no product with one


# Of an object that holds a parameter and its gradient: `self.W.data`, `self.W.grad`.
VALUE = re.compile(r".*\.(\w+(?:\[\d+\])*)\.(?:data|val|values?|params?|array|tensor)")
GRADIENT = re.compile(r"self.*\.(\w+(?:\[\d+\])*)\.(?:grads?|gradients?)")
PLAIN = re.compile(r"[\w.\[\]'\"]+")
PAIR = 2  # a value and its gradient


class Result(NamedTuple):
    """An array that is given back."""

    name: str  # `dx`, `W1`, empty for none
    words: str  # as it is shown: `grads['W1']`
    holder: str  # the dictionary or object it is in; empty for none
    node: int
    order: int  # its place among what is returned; -1 for what is not
    place: int | None = None  # in the text, where no record of the node has it

    @property
    def is_key(self) -> bool:
        """Whether it stands in a dictionary under a key of its own."""
        return bool(ENTRY.fullmatch(self.words))

    @property
    def roots(self) -> list[str]:
        """The names whose gradient it may be."""
        names = roots(self.name)
        if self.holder and is_holder(self.holder):
            names.append(self.name)
        return names


def returned(reader: Interpreter, value: Any, function: Function | None) -> list[Result]:
    """The arrays a function returns."""
    assert function is not None
    for part in value if isinstance(value, tuple) else (value,):
        if isinstance(part, Foreign):
            reader.refuse_unknown(part)
    results: list[Result] = []
    _collect(reader, value, _expression(function, value), "", results)
    if function.scope.file:  # whose places are those of another text
        return [r._replace(place=None) for r in results]
    return [r._replace(place=_assignment(reader, function, r.words) or r.place) for r in results]


def of_each(
    reader: Interpreter, value: Any, function: Function, names: Sequence[str], numbers: set[str]
) -> list[Result]:  # fmt: skip
    """The elements of a returned `np.array([da, db])` that are of one parameter each, by names.

    It is all that is returned, or stands behind a value: `return f, np.array([da, db])`. Where all
    parameters are numbers, and there are as many, their order is enough: `[2 * x, 6 * y]`.
    """
    node = _expression(function, value)
    if isinstance(value, tuple):
        is_pair = isinstance(node, ast.Tuple) and len(value) == len(node.elts) == PAIR
        value, node = (value[1], node.elts[1]) if is_pair else (None, None)
    if not isinstance(value, Array) or not isinstance(node, ast.Call) or not node.args:
        return []
    elements = getattr(node.args[0], "elts", [])
    is_array = ast.unparse(node.func).endswith("array")
    if not is_array or reader.tape.shape(value.content) != (len(elements),):
        return []
    found = [
        Result(_bare(words), words, "", reader.tape.node(reader.content(reader.part(value, k))), k,
               reader.script.offset(element))
        for k, element in enumerate(elements) for words in [ast.unparse(element)]
    ]  # fmt: skip
    known = {kin(name): place for place, name in enumerate(names)}
    of = [{known[kin(root)] for root in r.roots if kin(root) in known} for r in found]
    is_in_order = all(places <= {k} for k, places in enumerate(of))
    if len(found) < PAIR or not is_in_order:
        return []
    if not any(of) and len(found) == len(names) and {*names} <= numbers:
        return [r._replace(name=f"d{name}") for r, name in zip(found, names, strict=True)]
    return found if any(of) else []


def _assignment(reader: Interpreter, function: Function, words: str) -> int | None:
    """Where the last line of the file stands that assigns to what is returned."""
    places = [
        reader.script.offset(node) for node in ast.walk(function.node)
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign))
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if ast.unparse(target) == words
    ]  # fmt: skip
    return max(places, default=None)


def collected(reader: Interpreter, value: Any, name: str) -> list[Result]:
    """The arrays in the value of a name."""
    results: list[Result] = []
    _collect(reader, float(value) if isinstance(value, int) else value, name, "", results)
    return results


def _expression(function: Function, value: Any) -> Any:
    """The expression behind the last `return` of as many values."""
    if isinstance(function.node, ast.Lambda):
        return function.node.body
    best: Any = None
    for node in ast.walk(function.node):
        if isinstance(node, ast.Return) and node.value is not None:
            parts = node.value.elts if isinstance(node.value, ast.Tuple) else []
            is_fit = isinstance(value, tuple) and len(parts) == len(value)
            if is_fit or best is None or not isinstance(value, tuple):
                best = node.value
    return best


def _collect(
    reader: Interpreter, value: Any, node: Any, holder: str, results: list[Result]
) -> None:
    """The arrays in a value, named by the expression that gives it."""
    words = ast.unparse(node) if isinstance(node, ast.AST) else (node or "")
    if isinstance(value, Array):
        results.append(
            Result(
                _bare(words),
                words,
                holder,
                reader.tape.node(value.content),
                len(results),
                reader.script.offset(node) if isinstance(node, ast.AST) else None,
            )
        )
    elif isinstance(value, float):
        results.append(
            Result(_bare(words), words, holder, reader.tape.node(reader.content(value)),
                   len(results), reader.script.offset(node) if isinstance(node, ast.AST) else None)
        )  # fmt: skip
    elif isinstance(value, (tuple, list)):
        elements = getattr(node, "elts", None)
        for k, part in enumerate(value):
            inner = elements[k] if elements and len(elements) == len(value) else f"{words}[{k}]"
            _collect(reader, part, inner, holder or _bare(words), results)
    elif isinstance(value, dict) or fields_of(value):
        value = value if isinstance(value, dict) else fields_of(value)
        words = words if PLAIN.fullmatch(words) else "grads"  # what is written out has no name
        inside = _bare(words) or "grads"
        for key, part in value.items():
            if isinstance(part, (Array, float, dict, list, tuple)):
                _collect(reader, part, f"{words}[{key!r}]", inside, results)


def _bare(words: str) -> str:
    """The name an expression ends with; a sign and a factor before it change none."""
    words = FACTOR.sub("", words)
    if summed := SUMMED.match(words):
        return summed[1]
    match = ENTRY.fullmatch(words)
    if match:
        return match[2]
    for ending in (".T", ".copy()", ".flatten()", ".ravel()", ".sum()"):
        words = words.removesuffix(ending)
    words = re.sub(r"\.(reshape|astype|squeeze)\(.*\)$", "", words)
    if of := GRADIENT.fullmatch(words):
        return f"d{of[1]}"
    match = re.fullmatch(r"(?:\w+(?:\[\d+\])*\.)*(\w+)((?:\[\d+\])*)", words)
    return match[1] + match[2] if match else ""


def named_parts(reader: Interpreter, instance: Instance, owner: str) -> list[Result]:
    """The arrays an object holds: `self.dW`, `self.grads['W1']`."""
    results = []
    for path, array in arrays_in(instance):
        content = array.content
        if content.__class__ is int:
            words = f"{owner}{path}"
            holder = re.match(r".*\.(\w+)\[", path)
            results.append(Result(_bare(words), words, holder[1] if holder else "", content, -1))
    return results


def short_name(path: str) -> str:
    """The bare name that an expression ends with: `W1` of `self.params['W1']`."""
    match = re.fullmatch(r".*\[(['\"])(.+?)\1\]", path)
    if match:
        return match[2]
    if held := VALUE.fullmatch(path):
        return held[1]
    tail = path.rpartition(".")[2]
    return tail if re.fullmatch(r"\w+(\[\d+\])*", tail) else ""
