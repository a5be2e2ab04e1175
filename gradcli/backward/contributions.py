"""What a stage sends back to a name it is computed from, as text: terms and lines that are missing.

    f = sum(r**2) + a*sum(w*w)      ->      dw += 2 * a * w

The definition of the stage is walked backward once, with texts in the place of gradients.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import chain
from typing import Any

from gradcli.emit.array_lines import handed_on, summed
from gradcli.emit.staged import chained, local_text
from gradcli.errors import GradcliError, UsageError
from gradcli.graph.nodes import Graph
from gradcli.graph.text import place_text
from gradcli.named_tuples import NamedTuple
from gradcli.syntax import Tree, parse_expression
from gradcli.syntax.edit import arity, joined, number_tree, part, start_of, unary
from gradcli.syntax.tokens import Source

SIGNS = {"add": "sub", "sub": "add"}
LONGEST_TERM = 160  # of a text that is derived: what is longer is no term to paste


# What a value of a loop of Python is called: `hs[t]@10.2`, by line and turn.
OF_A_TURN = re.compile(r"[\w.]+(?:\[[^\]]*\])*\s?@\s?\d+(?:\.\d+)?")


def read_phrase(text: str) -> Tree:
    """The text of a node as a tree. Raises GradcliError for what the language has no words for."""
    names: dict[str, str] = {}

    def mark(match: re.Match[str]) -> str:
        name = re.sub(r"\s?@\s?", "@", match[0])
        return names.setdefault(name, f"name{len(names)}_")

    plain = OF_A_TURN.sub(mark, text)
    tree = parse_expression(Source(plain, "<forward part>"))
    back = {mark: name for name, mark in names.items()}
    args = [
        back.get(arg, arg) if op == "name" else arg
        for op, arg in zip(tree.ops, tree.args, strict=True)
    ]  # fmt: skip
    return Tree(tree.ops, args, tree.starts)


class Piece(NamedTuple):
    """A contribution to a name, or to a part of it."""

    place: tuple[Any, ...]  # the part: places, and (start, stop); none for all of it
    tree: Tree

    @property
    def where(self) -> str:
        """What stands behind the name of the gradient: `[0:2, 1]`, or nothing."""
        return f"[{', '.join(map(place_text, self.place))}]" if self.place else ""


def contributions(
    graph: Graph, order: list[int], leaf: int, gradients: dict[int, str], names: dict[int, str]
) -> list[Piece]:  # fmt: skip
    """The contributions of a leaf to a stage, one for each gate that reads it.

    None where they cannot be written in a line. `order` are the nodes that the stage is computed
    from, itself first; `names` is what each is called in a line, `gradients` what the gradient of
    some is: that of the stage, and of others that have a name. One of 1 is an empty text.
    """
    texts: dict[int, list[str]] = defaultdict(list)
    parts: list[tuple[tuple[Any, ...], str]] = []
    leads = {leaf}
    for node in reversed(order):
        if not leads.isdisjoint(graph.operands[node]):
            leads.add(node)
    for node in order:
        if not graph.operands[node] or (node not in gradients and not texts[node]):
            continue
        gradient = gradients[node] if node in gradients else _sum(texts[node])
        for k, operand in enumerate(graph.operands[node]):
            if operand in leads:
                is_part = graph.gates[node].name == "index"
                if is_part and operand != leaf:
                    return []  # a part of something nameless
                try:
                    text = _handed_on(graph, node, k, names, gradient)
                except GradcliError:  # a gate whose local gradient is no line
                    return []
                if operand == leaf:
                    place = graph.look(graph.operands[node][1]) if is_part else ()
                    parts.append((place, gradient if is_part else text))
                texts[operand].append(text)
    counted = Counter(parts).items()
    return [*_read((place, text if n == 1 else f"{n} * ({text})") for (place, text), n in counted)]


def _handed_on(graph: Graph, node: int, k: int, names: dict[int, str], gradient: str) -> str:
    """The contribution of one gate to its operand number k, in the operand's shape."""
    gate, operand = graph.gates[node], graph.operands[node][k]
    if gate.name == "index":
        return ""
    if gate.is_structural:
        try:
            text = handed_on(graph, node, k, names, f"({gradient})" if gradient else "1")
        except UsageError:
            return ""
        return text.removesuffix(f" * np.ones_like({names[operand]})")
    text = chained(local_text(graph, node, k, names), f"({gradient})" if gradient else "")
    return summed(text, graph.shape(node), graph.shape(operand))


def _sum(texts: list[str]) -> str:
    """The sum of some texts, of which equal ones are counted."""
    if len(texts) == 1:
        return texts[0]
    counted = Counter(texts).items()
    return " + ".join(f"({text})" if n == 1 else f"{n} * ({text})" for text, n in counted)


def _read(parts: Iterator[tuple[tuple[Any, ...], str]]) -> Iterator[Piece]:
    """The texts as trees, without those that are no formulas: words, stages without a name."""
    for place, text in parts:
        if len(text) <= LONGEST_TERM and "#" not in text:
            try:
                tree = read_phrase(text.replace("np.", ""))
            except GradcliError:
                continue
            yield Piece(place, simplified(tree))


def together(pieces: list[Piece]) -> list[Piece]:
    """The pieces with one sum for each place."""
    sums: dict[tuple[Any, ...], Tree] = {}
    for place, tree in pieces:
        own = sums.get(place)
        sums[place] = tree if own is None else simplified(joined(own, tree, "add"))
    return [Piece(*pair) for pair in sums.items()]


def simplified(tree: Tree) -> Tree:
    """The tree without factors of 1, and with the number of a product in front."""
    stack: list[Tree] = []
    for op, arg in zip(tree.ops, tree.args, strict=True):
        count = arity(op, arg)
        operands = stack[len(stack) - count :] if count else []
        del stack[len(stack) - count :]
        if op in ("mul", "div"):
            stack.append(_signed_product(operands[0], operands[1], op))
        elif op == "neg":
            stack.append(_negated(operands[0]))
        elif op in ("add", "sub") and operands[1].ops[-1] == "neg":
            stack.append(joined(operands[0], _negated(operands[1]), SIGNS[op]))
        else:
            ops, args = (
                [*chain(*(o.ops for o in operands)), op],
                [*chain(*(o.args for o in operands))],
            )
            stack.append(Tree(ops, [*args, arg], [0] * len(ops)))
    return stack[0]


def _negated(tree: Tree) -> Tree:
    return part(tree, 0, len(tree.ops) - 1) if tree.ops[-1] == "neg" else unary(tree, "neg")


def _signed_product(left: Tree, right: Tree, op: str) -> Tree:
    """A product or quotient of two simple trees, with its sign in front."""
    negative = [tree.ops[-1] == "neg" for tree in (left, right)]
    own = [_negated(t) if is_negative else t
           for t, is_negative in zip((left, right), negative, strict=True)]  # fmt: skip
    whole = _product(own[0], own[1], op)
    return _negated(whole) if negative[0] != negative[1] else whole


def _product(left: Tree, right: Tree, op: str) -> Tree:
    """A product or quotient of two simple trees: its number in front, and no 1."""
    if right.ops == ["number"] and right.args[0] == 1.0:
        return left
    if op == "div":
        return joined(left, right, op)
    is_share = right.ops[-1] == "div" and start_of(right, len(right.ops) - 2) == 1
    if is_share and right.args[0] == 1.0:  # x * (1 / n)
        return joined(left, part(right, 1, len(right.ops) - 1), "div")
    factors = [*_factors(left), *_factors(right)]
    number = math.prod(f.args[0] for f in factors if f.ops == ["number"])
    whole = None if abs(number) == 1.0 else number_tree(abs(number))
    for factor in factors:
        if factor.ops != ["number"]:
            whole = factor if whole is None else joined(whole, factor, "mul")
    whole = whole or number_tree(1.0)
    return whole if number > 0 else unary(whole, "neg")


def _factors(tree: Tree) -> list[Tree]:
    """The factors of a product, in order."""
    factors: list[Tree] = []
    while tree.ops[-1] == "mul":
        middle = start_of(tree, len(tree.ops) - 2)
        factors.append(part(tree, middle, len(tree.ops) - 1))
        tree = part(tree, 0, middle)
    return [tree, *reversed(factors)]
