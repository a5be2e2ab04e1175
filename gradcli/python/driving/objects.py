"""Parameters that are objects: a layer before this one, an activation, a loss of classes at hand.

What a parameter is asked for and no array has says that it is an object; a class that has all of
it, in the file or among what it imports, says of which kind.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from gradcli.python.parameters.guesses import Guesser, Parts
from gradcli.python.parameters.starts import Call
from gradcli.python.parameters.usage import Usage
from gradcli.python.rows.methods import ATTRIBUTES, OF_ARRAYS, OF_VALUES, SHARED
from gradcli.python.state.values import Class, Function, Scope
from gradcli.python.subjects.class_parts import is_abstract
from gradcli.python.words.gradients import folded
from gradcli.python.words.roles import KNOWN

# What is no sign of an object: arrays, lists, dictionaries, texts and functions have it.
PLAIN = {
    *ATTRIBUTES, *OF_ARRAYS, *SHARED, *(name for _, rows in OF_VALUES for name in rows),
    "__name__", "__class__", "data",
}  # fmt: skip
MOST_CLASSES = 3  # that are tried for a parameter


def is_object(functions: list[ast.AST], name: str) -> bool:
    """Whether a parameter is asked for something that no array has."""
    return not _asked(functions, name) <= PLAIN


def is_list_of_objects(functions: list[ast.AST], name: str) -> bool:
    """Whether what a loop takes out of a parameter is asked for something that no array has."""
    return not _asked(functions, *_elements(functions, name)) <= PLAIN


def lists_of_objects(
    functions: list[ast.AST], name: str, classes: Iterable[tuple[str, Class]], own: str | None
) -> list[Parts]:  # fmt: skip
    """A list of objects that a parameter may be: one with arguments, and then one without."""
    calls = _calls(functions, _elements(functions, name), classes, own)
    plain = [call for call in calls if not call.guesses][:1]
    chosen = [*[call for call in calls if call.guesses][:1], *plain]
    made = {str(k): call for k, call in enumerate(chosen)}
    return [Parts(made), Parts({"0": plain[0]})] if len(chosen) > 1 else [Parts(made)] * bool(made)


def objects(
    functions: list[ast.AST], name: str, classes: Iterable[tuple[str, Class]], own: str | None
) -> list[Call]:  # fmt: skip
    """The calls that make an object that a parameter may be, the likeliest first."""
    return _calls(functions, [name], classes, own)[:MOST_CLASSES]


def _calls(
    functions: list[ast.AST], names: list[str], classes: Iterable[tuple[str, Class]],
    own: str | None,
) -> list[Call]:  # fmt: skip
    """The calls of classes that have what some names are asked for, the likeliest first."""
    wanted = _asked(functions, *names) - PLAIN
    counts = _handed(functions, *names)
    wanted |= {"__call__"} & counts.keys()
    fitting: list[tuple[tuple[bool, int, bool], Call]] = []
    for path, cls in classes:
        if cls.name == own or not wanted <= _has(cls) or not _takes(cls, counts):
            continue
        call = _making(path, cls)
        if call is not None:
            is_named = folded(names[0]) in folded(path)
            is_smooth = cls.name.lower() in KNOWN
            fitting.append(((not is_named, len(call.guesses), not is_smooth), call))
    return [call for _, call in sorted(fitting, key=lambda f: f[0])]


def _asked(functions: Iterable[ast.AST], *of: str) -> set[str]:
    """What parameters are asked for, under their names and those of what keeps them."""
    names = {name for one in of for name in _names_of(functions, one)}
    return {
        node.attr for function in functions for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
        and isinstance(node.value, (ast.Name, ast.Attribute)) and ast.unparse(node.value) in names
    }  # fmt: skip


def _handed(functions: Iterable[ast.AST], *of: str) -> dict[str, int]:
    """How many values the methods of parameters, and these themselves, are called with."""
    names = {name for one in of for name in _names_of(functions, one)}
    counts: dict[str, int] = {}
    for node in (part for function in functions for part in ast.walk(function)):
        if not isinstance(node, ast.Call):
            continue
        count = len(node.args) + len(node.keywords)
        if isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in names:
            counts[node.func.attr] = count
        elif ast.unparse(node.func) in names:
            counts["__call__"] = count
    return counts


def _names_of(functions: Iterable[ast.AST], name: str) -> set[str]:
    """The names that a parameter has: its own, and that of the attribute that keeps it."""
    kept = [
        node for function in functions for node in ast.walk(function)
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        and isinstance(node.value, ast.Name) and node.value.id == name
    ]  # fmt: skip
    targets = [t for n in kept for t in (n.targets if isinstance(n, ast.Assign) else [n.target])]
    lists = {owner for function in functions for owner in _lists_with(function, name)}
    return {name} | {ast.unparse(t) for t in targets if isinstance(t, ast.Attribute)} | lists


def _lists_with(function: ast.AST, name: str) -> Iterator[str]:
    """The lists of an object that a name is appended to: `self.layers.append(layer)`."""
    for node in ast.walk(function):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr == "append" and ast.unparse(node).endswith(f".append({name})"):
            owner = ast.unparse(node.func).removesuffix(".append")
            if owner.startswith("self."):
                yield owner


def adders(cls: Class) -> Iterator[tuple[str, str, str]]:
    """The methods that add one object to a list, the parameter for that, and the list's name."""
    methods = _methods(cls)
    nodes: list[ast.AST] = [*methods.values()]
    for method, node in methods.items():
        names = [a.arg for a in node.args.args[1 : len(node.args.args) - len(node.args.defaults)]]
        lists = [*_lists_with(node, names[0])] if len(names) == 1 else []
        if lists and is_list_of_objects(nodes, names[0]):
            yield method, names[0], lists[0].removeprefix("self.")


def _elements(functions: Iterable[ast.AST], name: str) -> list[str]:
    """The names that loops give what they take out of a parameter: `for layer in self.layers`."""
    names = _names_of(functions, name)
    loops = [
        node for function in functions for node in ast.walk(function)
        if isinstance(node, (ast.For, ast.comprehension))
        and any(ast.unparse(part) in names for part in ast.walk(node.iter)
                if isinstance(part, (ast.Name, ast.Attribute)))
    ]  # fmt: skip
    targets = [part for node in loops for part in ast.walk(node.target)]
    return [*dict.fromkeys(part.id for part in targets if isinstance(part, ast.Name))]


def _takes(cls: Class, counts: Mapping[str, int]) -> bool:
    """Whether the methods of a class take as many values as they are called with."""
    for name, count in counts.items():
        method = cls.find(name)
        if isinstance(method, Function) and method.rest is None and method.keywords is None:
            most = len(method.parameters) - (method.kind != "staticmethod")
            if not most - len(method.defaults) <= count <= most:
                return False
    return True


def classes_of(scope: Scope) -> Iterator[tuple[str, Class]]:
    """The classes of a file and of the modules it imports, with the names it has for them."""
    for name, value in scope.items():
        if isinstance(value, Class):
            yield name, value
        elif isinstance(value, Scope):
            yield from ((f"{name}.{k}", v) for k, v in value.items() if isinstance(v, Class))


def _methods(cls: Class) -> dict[str, ast.FunctionDef]:
    """The methods of a class that do something, those of its bases among them."""
    found: dict[str, ast.FunctionDef] = {}
    for owner in cls.order():
        for name, part in owner.body.items():
            if isinstance(part, Function) and isinstance(part.node, ast.FunctionDef):
                found.setdefault(name, part.node)
    return {name: node for name, node in found.items() if not is_abstract(node)}


def _has(cls: Class) -> set[str]:
    """The methods and attributes of a class's objects."""
    parts = [part for owner in cls.order() for part in owner.body.values()]
    nodes = [part.node for part in parts if isinstance(part, Function)]
    kept = {
        part.attr for node in nodes for part in ast.walk(node)
        if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store)
        and ast.unparse(part.value) == "self"
    }  # fmt: skip
    return kept | _methods(cls).keys()


def _making(path: str, cls: Class) -> Call | None:
    """The call that makes an object, with guesses of its arguments; None where it takes objects."""
    start = cls.find("__init__")
    if not isinstance(start, Function):
        return Call(path, {})
    nodes: list[ast.AST] = [*_methods(cls).values()]
    needed = [n for n in start.parameters[1:] if n not in start.defaults]
    if any(is_object(nodes, name) for name in needed):
        return None
    guesser = Guesser(Usage(nodes), {})
    return Call(path, {name: guesser.guesses(name)[0] for name in needed})
