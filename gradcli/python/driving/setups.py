"""What an object has before its forward part: methods that prepare it, attributes set from outside.

Layers are often built in two steps: the constructor keeps settings, and `build(input_shape)` or
`initialize()` makes the weights once the network knows what comes before. Others have theirs set
by the network itself: `layer.weights = ...`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from gradcli.python.state.values import Class, Function
from gradcli.python.words.gradients import kin, roots

PREPARES = re.compile(
    r"^_?(build\w*|set_?up\w*|init\w*|compile|prepare\w*|create_\w+|make_\w+|compute_shapes?|"
    r"set_input_\w+|set_weights?|set_param\w*)$",
    re.IGNORECASE,
)


def setups(cls: Class, name: str, taken: set[str]) -> list[str]:
    """The methods that set an attribute or an entry; else those whose names say they prepare."""
    methods: dict[str, Function] = {}
    for owner in cls.order():
        for key, part in owner.body.items():
            if isinstance(part, Function) and part.kind == "plain" and key not in taken:
                methods.setdefault(key, part)
    setting = [key for key, part in methods.items() if _sets(part.node, name)]
    return setting[:1] or [key for key in methods if PREPARES.match(key)]


def constructors(cls: Class) -> list[Function]:
    """The constructor of a class, and those of the classes above it."""
    parts = [owner.body.get("__init__") for owner in cls.order()]
    return [part for part in parts if isinstance(part, Function)]


def passed_on(cls: Class) -> list[str]:
    """What the constructor hands on to those above under no name of its own: `**kwargs`."""
    starts = constructors(cls)
    own = starts[0].node if starts else None
    if not isinstance(own, ast.FunctionDef) or own.args.kwarg is None:
        return []
    names = [name for start in starts[1:] for name in start.parameters[1:]]
    return [name for name in dict.fromkeys(names) if name not in starts[0].parameters]


def calls(cls: Class, name: str, forward: str) -> bool:
    """Whether a method calls the forward part, on what it keeps of the operands: `__call__`."""
    method = cls.find(name)
    return isinstance(method, Function) and any(
        isinstance(part, ast.Call) and ast.unparse(part.func) == f"self.{forward}"
        for part in ast.walk(method.node)
    )


def _sets(function: ast.AST, name: str) -> bool:
    """Whether a method sets `self.NAME` or `self.params["NAME"]`, and does not only change it."""
    changed = {part.target for part in ast.walk(function) if isinstance(part, ast.AugAssign)}
    return any(
        isinstance(part, (ast.Attribute, ast.Subscript))
        and part not in changed
        and isinstance(part.ctx, ast.Store)
        and _is_of_self(part)
        and name == (part.attr if isinstance(part, ast.Attribute) else _key(part))
        for part in ast.walk(function)
    )


def _is_of_self(node: ast.expr) -> bool:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return isinstance(node, ast.Name) and node.id == "self"


def _key(node: ast.Subscript) -> object:
    return node.slice.value if isinstance(node.slice, ast.Constant) else None


def is_set_from_outside(tree: ast.AST, name: str) -> bool:
    """Whether a file sets an attribute of something else than `self`: `layer.weights = ...`."""
    return any(name == attribute and owner != "self" for owner, attribute in _set(tree))


def _set(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """The attributes that a file sets, and of what: also as `setattr(layer, "seed", 1)`."""
    for part in ast.walk(tree):
        if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store):
            yield ast.unparse(part.value), part.attr
        elif isinstance(part, ast.Call) and ast.unparse(part.func) == "setattr":
            named = [a.value for a in part.args[1:2] if isinstance(a, ast.Constant)]
            yield from ((ast.unparse(part.args[0]), str(name)) for name in named)


def is_left_open(cls: Class, name: str) -> bool:
    """Whether a class sets an attribute to None at most: code that is elsewhere has to set it."""
    nodes = [
        part for owner in cls.order() for method in owner.body.values()
        if isinstance(method, Function) for part in ast.walk(method.node)
    ]  # fmt: skip
    stored = [
        part for part in nodes if isinstance(part, ast.Attribute) and part.attr == name
        and isinstance(part.ctx, ast.Store) and _is_of_self(part)
    ]  # fmt: skip
    emptied = {
        id(target) for part in nodes
        if isinstance(part, ast.Assign) and ast.unparse(part.value) == "None"
        for target in part.targets
    }  # fmt: skip
    return bool(stored) and all(id(part) in emptied for part in stored)


def has_gradient(cls: Class, name: str) -> bool:
    """Whether a class sets a gradient of an attribute: `self.dW` says that there is a `self.W`."""
    return any(
        isinstance(part, (ast.Attribute, ast.Subscript))
        and isinstance(part.ctx, ast.Store)
        and _is_of_self(part)
        and kin(name) in map(kin, roots(part.attr if isinstance(part, ast.Attribute) else ""))
        for owner in cls.order() for method in owner.body.values()
        if isinstance(method, Function) for part in ast.walk(method.node)
    )  # fmt: skip
