"""Mistakes planted in a backward part: each is one that `check` finds and calls by its name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from random import Random

from gradcli.emit import BackwardLine
from gradcli.errors import GradcliError, UsageError
from gradcli.requests import PLAIN
from gradcli.syntax import Tree, parse_expression, write
from gradcli.syntax.tokens import Source
from gradcli.tasks.check import check_program
from gradcli.tasks.drafts import Draft

SUMMED = re.compile(r"(?:np\.)?sum\((?!.*axis.*axis)(.*), axis=\(?\d\)?(?:, keepdims=True)?\)")

QUOTIENT = re.compile(r"(.*) / \w+")
ATTEMPTS = 4  # orders of the lines; a mistake may hide another


def planted(
    draft: Draft, count: int, kinds: Collection[str], rng: Random
) -> tuple[list[str], dict[int, str]]:
    """Plant mistakes on different lines: so many, or one of each of some kinds.

    Returns the lines, and the mistakes by their lines in the whole text. Raises UsageError where
    the program has no room for them.
    """
    best: tuple[list[str], dict[int, str]] = ([], {})
    if count > len(draft.rows):
        raise UsageError(
            f"no more than {len(draft.rows)} lines of this program can hold a mistake, not {count}"
        )
    for _ in range(ATTEMPTS):
        rows, mistakes = _attempt(draft, count, kinds, rng)
        if len(mistakes) == count:
            return rows, mistakes
        best = max(best, (rows, mistakes), key=lambda pair: len(pair[1]))
    if missing := [kind for kind in kinds if kind not in best[1].values()]:
        raise UsageError(f"no line of this program can hold {' and '.join(missing)} and be found")
    raise UsageError(
        f"only {len(best[1])} lines of this program can hold a mistake that is found by name"
    )


def _attempt(
    draft: Draft, count: int, kinds: Collection[str], rng: Random
) -> tuple[list[str], dict[int, str]]:
    """The lines in some order, each with a mistake where one can be told from those before."""
    rows, wanted = [str(line) for line in draft.rows], [*kinds]
    mistakes: dict[int, str] = {}
    order = list(range(len(rows)))
    rng.shuffle(order)
    for k in order:
        if len(mistakes) == count:
            break
        candidates = list(_wrong_forms(draft.rows[k]))
        rng.shuffle(candidates)
        number = len(draft.head) + k + 1
        for row in candidates:
            accused = _accused(draft.text([*rows[:k], row, *rows[k + 1 :]]))
            mistake = accused.pop(number, None)
            is_wanted = mistake in wanted if kinds else mistake is not None
            if mistake is not None and is_wanted and accused == mistakes:
                rows[k], mistakes[number] = row, mistake
                wanted = [kind for kind in wanted if kind != mistake]
                break
    return rows, mistakes


def _accused(text: str) -> dict[int, str | None]:
    """The lines that `check` accuses, and what it calls their mistakes."""
    try:
        case = check_program(text, "<exercise>", [], PLAIN).case
    except GradcliError:
        return {}
    return {line.line: line.mistake for line in case.lines if line.is_accused}


def _wrong_forms(line: BackwardLine) -> Iterator[str]:
    """The slips that a line invites."""
    start, right = f"{line.target} {line.operator} ", line.right
    tree = parse_expression(Source(right))
    if line.operator == "+=":
        yield f"{line.target} = {right}"
    yield f"{start}-({right})" if not right.startswith("-") else f"{start}{right[1:]}"
    for k, op in enumerate(tree.ops):
        for other in {"mul": ("div",), "sub": ("add",), "pow": ("mul",)}.get(op, ()):
            yield start + write(_changed(tree, k, other, tree.args[k]))
        if op == "number" and tree.args[k] > 1:
            yield start + write(_changed(tree, k, op, tree.args[k] - 1))
        if op == "name":
            others = {arg for o, arg in zip(tree.ops, tree.args, strict=True) if o == "name"}
            for name in sorted({*others, line.target[1:].partition("[")[0]} - {tree.args[k]}):
                yield start + write(_changed(tree, k, op, name))
    yield from (start + text for text in _of_arrays(right))
    left, sign, upstream = right.rpartition(" * d")
    if sign:
        yield start + left
        yield f"{start}d{upstream}"


def _of_arrays(right: str) -> Iterator[str]:
    """The slips of arrays: a transpose or a sum lost, the factors of a product exchanged."""
    for match in re.finditer(r"\.T\b", right):
        yield right[: match.start()] + right[match.end() :]
    for form in (SUMMED, QUOTIENT):
        if whole := form.fullmatch(right):
            yield whole[1]
    left, sign, other = right.partition(" @ ")
    if sign and " " not in left + other:
        yield f"{other} @ {left}"


def _changed(tree: Tree, k: int, op: str, arg: object) -> Tree:
    return Tree(
        [*tree.ops[:k], op, *tree.ops[k + 1 :]], [*tree.args[:k], arg, *tree.args[k + 1 :]],
        tree.starts,
    )  # fmt: skip
