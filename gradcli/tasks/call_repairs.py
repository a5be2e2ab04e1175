"""The slip in what a line of Python hands to a helper, which is not at fault itself.

dW, db = linear_backward(dz, z1, W)     ->  linear_backward(dz, a1, W)
dz = relu_backward(z, da)               ->  relu_backward(da, z)

The values go wrong in lines of the helper, so these are what is accused. A call with another of
the caller's names, or with two arguments swapped, makes all right where that is the slip.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from difflib import SequenceMatcher
from itertools import combinations, islice, zip_longest

from gradcli.python.state.source import Script
from gradcli.reports.checks import Case
from gradcli.tasks.followed import followed

MOST_TRIED = 18  # readings of the file: some tenths of a second each
OWN = (ast.Name, ast.Attribute, ast.Subscript)  # arguments that a slip may have taken for others
Change = tuple[int, str, str]  # a row, the line in its place, and words on it


def call_mistake(script: Script, case: Case, is_right: Callable[[str], bool]) -> Case:
    """The case with the call accused in the place of a helper, where its arguments are the slip.

    `is_right` tells of the text of a file whether all in it is.
    """
    accused = [line for line in case.lines if line.is_accused]
    if not any(line.calls for line in accused) or any(line.mistake for line in accused):
        return case
    first = [row for line in accused for row in (*line.calls, *line.suspects)]
    rows = dict.fromkeys([*first, *(x.line for x in case.lines if x.verdict != "pass")])
    ways = _in_turn([_changes(script, row) for row in rows])
    for row, changed, words in islice(ways, MOST_TRIED):
        start = script.line_starts[row - 1]
        end = start + len(script.text[start:].partition("\n")[0])
        if is_right(script.text[:start] + changed + script.text[end:]):
            return _accusing(case, row, changed.strip(), words)
    return case


def _accusing(case: Case, row: int, repair: str, words: str) -> Case:
    """The case with one line accused, and what was accused right by itself."""
    own = [line for line in case.lines if line.line == row]
    if not own:
        return case
    first = max(own, key=lambda line: line.verdict != "pass")  # of what the call gives
    reason = f"right by itself: what it is handed is wrong in line {row}"
    lines = [
        line._replace(verdict="fail", local=True, cause=None, mistake="wrong-cache", reason=words,
                      repair=repair, suspects=[]) if line is first
        else followed(line, row, reason) for line in case.lines
    ]  # fmt: skip
    return case._replace(lines=lines)


def _changes(script: Script, row: int) -> Iterator[Change]:
    """A line with a change of what one of its calls of the file's functions hands over."""
    functions = [node for node in script.nodes if isinstance(node, ast.FunctionDef)]
    own = {node.name for node in functions}
    around = [f for f in functions if f.lineno < row <= (f.end_lineno or 0)]
    for call in (c for f in around[-1:] for c in ast.walk(f) if isinstance(c, ast.Call)):
        is_own = ast.unparse(call.func).rpartition(".")[2] in own
        if is_own and call.lineno == call.end_lineno == row:
            yield from _of_call(script, around[-1], call)


def _of_call(script: Script, function: ast.FunctionDef, call: ast.Call) -> Iterator[Change]:
    """The line of a call with two of its arguments swapped, or one name in place of another."""
    swapped = [
        _with(script, {one: words[1], other: words[0]},
              f"`{words[0]}` and `{words[1]}` are handed over in the other order")
        for one, other in combinations(call.args, 2)
        for words in [(script.words(one), script.words(other))] if words[0] != words[1]
    ]  # fmt: skip
    names = _names_before(function, call.lineno)
    renamed = [
        [_with(script, {argument: name}, f"`{words}` is handed over where `{name}` is right")
         for name in sorted(names, key=lambda name: -_likeness(name, words)) if name != words]
        for argument in call.args if isinstance(argument, OWN)
        for words in [script.words(argument)]
    ]  # fmt: skip
    return _in_turn([swapped, *renamed])


def _in_turn(ways: Iterable[Iterable[Change]]) -> Iterator[Change]:
    """One change of each kind after the other, then the next of each."""
    return (way for some in zip_longest(*ways) for way in some if way is not None)


def _likeness(name: str, words: str) -> float:
    """How like two names are: a slip takes one for another that looks like it."""
    return SequenceMatcher(None, name, words).ratio()


def _with(script: Script, changed: dict[ast.expr, str], told: str) -> Change:
    """A line with other words in the place of some of its parts."""
    row = next(iter(changed)).lineno
    start = script.line_starts[row - 1]
    line = script.text[start:].partition("\n")[0]
    for part, words in sorted(changed.items(), key=lambda p: -script.offset(p[0])):
        at, behind = script.offset(part) - start, script.offset_behind(part) - start
        line = line[:at] + words + line[behind:]
    return row, line, told


def _names_before(function: ast.FunctionDef, row: int) -> list[str]:
    """The names that a function has set before a line, the latest first, and its parameters."""
    names = [
        (node.lineno, node.id) for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.lineno < row
    ]  # fmt: skip
    arguments = [a.arg for a in function.args.args if a.arg != "self"]
    return [*dict.fromkeys([*(name for _, name in sorted(names, reverse=True)), *arguments])]
