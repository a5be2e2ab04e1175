"""The mistake in a line of Python whose shapes do not fit: the first change that makes all right.

Nothing behind such a line has a value, so the changes are made in the text and the file is read
again with each.

dh = dy @ Wy            ->  dy @ Wy.T, Wy @ dy, ...
db = delta              ->  np.sum(delta, axis=0), ...
db = delta.sum(axis=1)  ->  delta.sum(axis=0), ...
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from itertools import islice

from gradcli.python.assembly import Misshapen
from gradcli.python.state.source import Script

MOST_TRIED = 24  # readings of the file: some tenths of a second each
MOST_BEHIND = 3  # lines that give what the one reads that does not fit
SUMS = ("axis=0", "axis=1", "axis=0, keepdims=True", "axis=1, keepdims=True", "")
Change = tuple[str, str, str]  # the mistake, words on it, and the text with it taken back


def shape_mistake(
    script: Script, misfit: Misshapen, is_right: Callable[[str], bool]
) -> Misshapen:  # fmt: skip
    """The misfit with its mistake and the line as it should be, where a change makes all right.

    `is_right` tells of the text of a file whether all in it is.
    """
    place = misfit.span
    if misfit.mistake is not None or place is None:
        return misfit
    for row in (place.line, *_rows_behind(script, place.line)):
        start = script.line_starts[row - 1]
        end = script.text.find("\n", start)
        end = len(script.text) if end < 0 else end
        for mistake, words, line in islice(_changed_lines(script, row), MOST_TRIED):
            if is_right(script.text[:start] + line + script.text[end:]):
                at, message = place, misfit.message
                if row != place.line:
                    at = script.span(start + len(line) - len(line.lstrip()))
                    message = f"line {place.line} does not fit with it: {message}"
                return Misshapen(f"{message}; {words}", at, misfit.hint, misfit.result, mistake,
                                 line.strip(), misfit.of)  # fmt: skip
    return misfit


def _rows_behind(script: Script, row: int) -> list[int]:
    """The lines of the same function that give what a line reads, the nearest first."""
    functions = [
        node for node in script.nodes
        if isinstance(node, ast.FunctionDef) and node.lineno <= row <= (node.end_lineno or 0)
    ]  # fmt: skip
    if not functions:
        return []
    parts = [*ast.walk(max(functions, key=lambda node: node.lineno))]
    read = {
        part.id for part in parts if isinstance(part, ast.Name)
        and part.lineno == row and isinstance(part.ctx, ast.Load)
    }  # fmt: skip
    rows = [
        part.lineno for part in parts if isinstance(part, ast.Assign) and part.lineno < row
        and any(isinstance(t, ast.Name) and t.id in read for t in part.targets)
    ]  # fmt: skip
    return sorted({*rows}, reverse=True)[:MOST_BEHIND]


def _changed_lines(script: Script, row: int) -> Iterator[Change]:
    """The line with one change of its right side, in another way each."""
    statement = next(
        (node for node in ast.walk(script.tree)
         if isinstance(node, (ast.Assign, ast.AugAssign)) and node.lineno == row), None,
    )  # fmt: skip
    if statement is None or statement.lineno != statement.end_lineno:
        return
    begin = script.line_starts[row - 1]
    line = script.text[begin:].partition("\n")[0]
    for node, mistake, words, text in _changes(script, statement.value):
        start, stop = script.offset(node) - begin, script.offset_behind(node) - begin
        yield mistake, words.format(text), line[:start] + text + line[stop:]


def _changes(script: Script, value: ast.expr) -> Iterator[tuple[ast.expr, str, str, str]]:
    """A part of an expression, the mistake, words on it, and the text in the place of the part."""
    for node in ast.walk(value):
        for text in _turned(script, node):
            yield node, "transposed", "`{}` fits", text  # type: ignore[misc]  # it is an expression
        if isinstance(node, ast.Call) and _name_of(node) in ("sum", "mean"):
            for text in _with_kept_axes(script, node):
                yield node, "unsummed-axis", "the axes of the sum are due: `{}`", text
            for options in SUMS:
                yield node, "unsummed-axis", "the sum is along another axis: `{}`", (
                    _with_options(script, node, options)
                )  # fmt: skip
    for options in SUMS:
        text = f"np.sum({script.words(value)}{', ' * bool(options)}{options})"
        yield value, "unsummed-axis", "a sum is missing: `{}`", text


def _turned(script: Script, node: ast.AST) -> Iterator[str]:
    """A product with its operands transposed or swapped; a transpose taken away."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield script.words(node.value)
    pair: list[ast.expr] = []
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        pair, form = [node.left, node.right], "{} @ {}"
    elif isinstance(node, ast.Call) and _name_of(node) in ("dot", "matmul", "outer"):
        is_method = len(node.args) == 1 and isinstance(node.func, ast.Attribute)
        pair = [node.func.value, *node.args] if is_method else [*node.args]  # type: ignore[attr-defined]
        form = "{}.dot({})" if is_method else f"{script.words(node.func)}({{}}, {{}})"
    if len(pair) != 2:
        return
    left, right = map(script.words, pair)
    turned = [text if isinstance(part, (ast.Name, ast.Attribute, ast.Subscript)) else f"({text})"
              for text, part in zip((left, right), pair, strict=True)]  # fmt: skip
    if _name_of(node) != "outer":
        for own in ((left, f"{turned[1]}.T"), (f"{turned[0]}.T", right)):
            if not own[0].endswith(".T.T") and not own[1].endswith(".T.T"):
                yield form.format(*own)
                yield form.format(*own[::-1])
    yield form.format(right, left)


def _name_of(node: ast.AST) -> str:
    """The name of the function that is called."""
    callee = node.func if isinstance(node, ast.Call) else None
    return callee.attr if isinstance(callee, ast.Attribute) else ""


def _with_kept_axes(script: Script, node: ast.Call) -> Iterator[str]:
    """A sum that keeps its axes, with the axes that it has."""
    words = script.words(node)
    kept = next((k for k in node.keywords if k.arg == "keepdims"), None)
    if kept is None and any(k.arg == "axis" for k in node.keywords):
        yield f"{words[:-1]}, keepdims=True)"
    elif kept is not None and script.words(kept.value) == "False":
        yield words.replace("keepdims=False", "keepdims=True")


def _with_options(script: Script, node: ast.Call, options: str) -> str:
    """A sum with other options."""
    callee = script.words(node.func)
    own = node.args[:1] if callee.startswith(("np.", "numpy.")) else []
    return f"{callee}({', '.join([*map(script.words, own), *([options] if options else [])])})"
