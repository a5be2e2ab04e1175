"""What docstrings and hints say of parameters: `x: an array of shape (N, D)`, `n_out: int`."""

from __future__ import annotations

import ast
import re

SCALAR = re.compile(
    r"^[\s*:-]*(?:param\s+)?([A-Za-z_]\w*)\s*(?:--|:)[^\n]*\b(?:scalar|float|real number)\b",
    re.MULTILINE,
)
LINE = re.compile(
    r"^[\s*:-]*(?:param\s+)?([A-Za-z_]\w*)\s*(?:--|:|-|\()\s*[^\n]{0,120}?"
    r"\(((?:[^()\n]|\([^()\n]*\)){0,60})\)", re.MULTILINE,
)  # fmt: skip
# Several in one line: `means: (K,), x, y: (N, D)`, `center (D,)`, `r has shape (N, 3)`.
INLINE = re.compile(
    r"((?:[A-Za-z_]\w*\s*,\s*)*[A-Za-z_]\w*)\s*(?::\s*|\s)(?:(?:has|of|is|array|an?|shape)\s+)*"
    r"\(([^()\n]{0,40})\)"
)
SIZE = re.compile(r"\s*[\w*+ /-]+\s*")
# What stands in brackets behind a name and is no size: `n_out : (int, tuple)`.
KIND = re.compile(
    r"int(eger)?s?|floats?|str(ing)?|bool(ean)?|tuple|list|dict|(nd)?array|callable|function|"
    r"number|scalar|object|None|optional|required|default\b.*", re.IGNORECASE,
)  # fmt: skip


HINTS = {"int": "int", "float": "float", "str": "str", "bool": "bool", "ndarray": "array",
         "NDArray": "array", "ArrayLike": "array", "Array": "array"}  # fmt: skip
LISTS = {"list", "List", "Sequence", "Iterable"}


def hints_of(function: ast.AST) -> dict[str, str]:
    """What parameters and fields are by their hints: int, float, str, array, or ints of a list."""
    pairs = [
        (part.arg, part.annotation) if isinstance(part, ast.arg) else (
            ast.unparse(part.target).removeprefix("self."), part.annotation
        )
        for part in ast.walk(function) if isinstance(part, (ast.arg, ast.AnnAssign))
    ]  # fmt: skip
    hints = {name: _hint(node) for name, node in pairs if node is not None}
    return {name: hint for name, hint in hints.items() if hint}


def _hint(node: ast.expr) -> str:
    """The kind of value that a hint names; nothing for others."""
    if isinstance(node, ast.Constant):  # "np.ndarray", written as a text
        return HINTS.get(str(node.value).rpartition(".")[2], "")
    if isinstance(node, ast.BinOp):  # int | None
        return _hint(node.left)
    if isinstance(node, ast.Subscript):
        of = ast.unparse(node.value).rpartition(".")[2]
        if of == "Optional":
            return _hint(node.slice)
        if of == "Union" and isinstance(node.slice, ast.Tuple):  # its first, as of int | None
            return _hint(node.slice.elts[0])
        is_of_ints = of in LISTS and ast.unparse(node.slice) == "int"
        return "ints" if is_of_ints else HINTS.get(of, "")
    return HINTS.get(ast.unparse(node).rpartition(".")[2], "")


def numbers_of(function: ast.AST) -> set[str]:
    """The parameters that a docstring calls numbers."""
    return set(SCALAR.findall(_text(function)))


def shapes_of(function: ast.AST) -> dict[str, list[str]]:
    """The shapes that a docstring says, size by size."""
    text = _text(function)
    shapes: dict[str, list[str]] = {}
    own = _parameters(function)
    for match in INLINE.finditer(text):
        for name in re.split(r"\s*,\s*", match[1]):
            if name in own and (parts := _sizes(match[2])):
                shapes.setdefault(name, parts)
    for match in LINE.finditer(text):
        if parts := _sizes(match[2]):
            shapes.setdefault(match[1], parts)
    return shapes


def _text(function: ast.AST) -> str:
    if not isinstance(function, (ast.FunctionDef, ast.ClassDef)):
        return ""
    return ast.get_docstring(function) or ""


def _parameters(function: ast.AST) -> set[str]:
    return {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}


def _sizes(text: str) -> list[str]:
    """The sizes in a shape; none where the text is something else in brackets."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if "..." in text or not all(SIZE.fullmatch(p) and not KIND.fullmatch(p) for p in parts):
        return []
    is_shape = len(parts) > 1 or text.rstrip().endswith(",") or re.fullmatch(r"[A-Z]", text)
    return parts if is_shape else []
