"""What the classes of a file have: their methods, those of their bases, and what these call."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

Bases = Mapping[str, ast.ClassDef]


def is_called(method: ast.FunctionDef, others: Iterable[ast.FunctionDef]) -> bool:
    """Whether another method of a class calls one: what it does is a part of that one's work."""
    return any(method.name in own_calls(node) for node in others if node is not method)


def own_calls(method: ast.AST) -> set[str]:
    """The methods of its own object that a method calls."""
    return {
        part.func.attr for part in ast.walk(method)
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute)
        and ast.unparse(part.func.value) == "self"
    }  # fmt: skip


def goes_along(method: ast.AST, gradient: str) -> bool:
    """Whether a method is a step: something less, or more, what its object's gradient gives."""
    made = {
        target.id for part in ast.walk(method) if isinstance(part, ast.Assign)
        for target in part.targets if isinstance(target, ast.Name) and gradient in own_calls(part)
    }  # fmt: skip
    return any(
        isinstance(part, (ast.BinOp, ast.AugAssign)) and isinstance(part.op, (ast.Sub, ast.Add))
        and (gradient in own_calls(moved := _moved_by(part)) or made & _names_in(moved))
        for part in ast.walk(method)
    )  # fmt: skip


def _moved_by(node: ast.BinOp | ast.AugAssign) -> ast.expr:
    return node.right if isinstance(node, ast.BinOp) else node.value


def _names_in(node: ast.AST) -> set[str]:
    """All names in a part of a file."""
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def outer_bases(tree: ast.Module) -> set[str]:
    """The names of classes that those of a file are made from, and that it does not define."""
    classes = [part for part in tree.body if isinstance(part, ast.ClassDef)]
    names = {name for cls in classes for name in base_names(cls)}
    return names - {cls.name for cls in classes} - {"object"}


def base_names(node: ast.ClassDef) -> list[str]:
    """The classes that one is made from, those of other files with their modules: `base.Layer`."""
    return [ast.unparse(base) for base in node.bases if isinstance(base, (ast.Name, ast.Attribute))]


def methods_of(
    node: ast.ClassDef, tree: ast.Module, bases: Bases
) -> dict[str, ast.FunctionDef]:  # fmt: skip
    """The methods of a class, those of its bases among them."""
    own = {part.name: part for part in tree.body if isinstance(part, ast.ClassDef)}
    classes = {**bases, **own}
    methods: dict[str, ast.FunctionDef] = {}
    pending, seen = [node], set()
    while pending:
        cls = pending.pop(0)
        if cls.name in seen:
            continue
        seen.add(cls.name)
        for part in cls.body:
            if isinstance(part, ast.FunctionDef):
                methods.setdefault(part.name, part)
        pending += [classes[name] for name in base_names(cls) if name in classes]
    return methods


def heirs_of(node: ast.ClassDef, tree: ast.Module) -> list[ast.ClassDef]:
    """The classes of a file that are made from one."""
    classes = [part for part in tree.body if isinstance(part, ast.ClassDef)]
    return [cls for cls in classes if node.name in base_names(cls)]


def is_for_heirs(
    parts: Iterable[str], methods: Mapping[str, ast.FunctionDef], heirs: list[ast.ClassDef]
) -> bool:  # fmt: skip
    """Whether some parts of a class call a method that only the classes made from it have."""
    called = {name for part in parts for name in own_calls(methods[part])}
    open_ones = {name for name in called if name not in methods or is_abstract(methods[name])}
    theirs = {part.name for cls in heirs for part in cls.body if isinstance(part, ast.FunctionDef)}
    return any(name in methods or name in theirs for name in open_ones)


def is_own(
    method: ast.FunctionDef, cls: ast.ClassDef, methods: Mapping[str, ast.FunctionDef]
) -> bool:  # fmt: skip
    """Whether a class has a method itself, or has what an inherited one leaves open."""
    called = own_calls(method)
    return method in cls.body or any(name in called for name, m in methods.items() if m in cls.body)


def is_abstract(node: ast.FunctionDef) -> bool:
    """Whether a method only says that subclasses have it."""
    body = [part for part in node.body if not _is_text(part)]
    return all(isinstance(part, (ast.Pass, ast.Raise)) for part in body)


def is_property(node: ast.FunctionDef) -> bool:
    """Whether a method is what an object has, and no function: `weights`, `gradient_weights`."""
    marks = [ast.unparse(mark) for mark in node.decorator_list]
    return any(mark == "property" or mark.endswith((".setter", ".getter")) for mark in marks)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
