"""A wrong line and what may stand in it: names, parts of the forward part, slopes of its gates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from gradcli.backward.contributions import OF_A_TURN, Piece, read_phrase
from gradcli.emit.staged import local_text
from gradcli.engine import Run
from gradcli.errors import GradcliError, NameFault
from gradcli.graph.lowering import Value
from gradcli.named_tuples import NamedTuple
from gradcli.program.gradient_lines import GradientLine
from gradcli.program.model import Program
from gradcli.syntax import Tree, write
from gradcli.syntax.edit import name_tree, part, replaced, start_of, substituted

MOST_PARTS_PUT_IN = 24  # of the forward part that are tried in one line
LONGEST_PART = 40  # of its text: what is longer is no slip
WINS = {"max": ">", "min": "<"}  # where the one of two operands does


class Scene(NamedTuple):
    """A wrong line, the names it may read, and the consumers it answers for."""

    program: Program
    line: GradientLine
    tree: Tree  # of the line, or of one element of its list
    target: str  # the name whose gradient the line is
    consumers: list[str]
    operands: dict[str, set[str]]  # of each consumer: the names it is computed from
    names: dict[int, str]  # of the program's gates
    nodes: list[int]  # of the program: what the consumers are computed from, and themselves
    gates: set[str]  # of the consumers
    counts: set[float]  # of examples in a batch, as far as the consumers tell
    scope: dict[str, Any]  # what the backward part has assigned before the line, by name
    gradients: dict[str, str]  # those of them that are gradients, by the forward name
    nearest: set[str]  # those of them that a gate which reads the target gets, in right code
    upstreams: set[str]  # those, and the gradients of the stages that it is a part of
    carriers: set[str]  # those of them that are made of one of these
    phrases: list[Any]  # every node of the program as text
    pieces: Callable[[], dict[str, list[Piece]]]  # what each consumer sends back to the target
    runs: list[Run]  # of the program, at its point and at others
    expected: list[list[float]]  # at each of these points, of each number; none: not known
    accepts: Callable[[int, list[float]], bool]  # whether numbers are right at a point
    shape: tuple[int, ...]  # of what the line should give
    spellings: dict[str, str]  # what forward values are called where the line stands


class Repair(NamedTuple):
    """A changed line, the mistake it takes back, and words for the reader."""

    tree: Tree
    mistake: str
    reason: str
    is_complete: bool = False  # read the final values of gradients
    is_general: bool = False  # a factor that would mend much else


def meaning_of(
    program: Program, line: GradientLine, scope: Mapping[str, Value], name: str
) -> Value:
    """The nodes a name stands for in a line, or would stand for; `#7` is a node itself."""
    if name.startswith("#"):
        return int(name[1:])
    if name in line.reads:
        return line.reads[name].value
    if name in scope:
        return scope[name]
    if name in program.stages or name in program.inputs:
        return program.stages.get(name, program.inputs.get(name, []))
    if name[1:] not in program.claims:  # one that another line has, and this one cannot read
        raise NameFault(f"`{name}` has no value here")
    return program.claims[name[1:]]


@lru_cache(maxsize=4096)
def _read(text: str) -> Tree | None:
    """A text of a node as a tree; None where it is none that the language reads."""
    try:
        return read_phrase(text)
    except GradcliError:
        return None


def tree_of(scene: Scene, node: int) -> Tree | None:
    """What a node of the forward part is, over names; None where it cannot be written."""
    text = scene.phrases[node][0]
    return None if "#" in text else _read(text)


def is_told(scene: Scene, tree: Tree) -> bool:
    """Whether a tree can be written where the line stands: other turns of a loop have no names."""
    return not scene.line.turn or not any(
        op == "name" and OF_A_TURN.fullmatch(arg) and arg not in scene.spellings
        for op, arg in zip(tree.ops, tree.args, strict=True)
    )


def parts_of(scene: Scene) -> list[Tree]:
    """The nameless parts of what reads the target, and the slopes of its gates, the nearest first.

    `t1 - t2` and `-sin(t1 - t2)` of `c = cos(t1 - t2)`.
    """
    graph = scene.program.graph
    texts: dict[str, Tree] = {}
    for node in reversed(scene.nodes):
        if node >= scene.program.forward_nodes or not graph.operands[node]:
            continue
        for text in (
            *_slopes(scene, node),
            *([] if node in graph.names else [scene.phrases[node][0]]),
        ):
            if len(texts) < MOST_PARTS_PUT_IN and len(text) <= LONGEST_PART and "#" not in text:
                tree = _read(text)
                tree = None if tree is None else _respelt(tree, scene.spellings)
                if tree is not None and len(tree.ops) > 1 and is_told(scene, tree):
                    texts.setdefault(text, tree)
    return [*texts.values()]


def spelt(tree: Tree, spellings: Mapping[str, str]) -> Tree:
    """The tree with forward values called as they are where the line stands."""
    return substituted(tree, {old: name_tree(new) for old, new in spellings.items()})


def _respelt(tree: Tree, spellings: Mapping[str, str]) -> Tree:
    """The tree with the elements of arrays called as they are where the line stands: `x[i]`."""
    for k in reversed(range(len(tree.ops))):
        if spellings and k < len(tree.ops) and tree.ops[k] == "index":
            start = start_of(tree, k)
            called = spellings.get(write(part(tree, start, k + 1)))
            if called is not None:
                tree = replaced(tree, start, k, name_tree(called))
    return tree


def _slopes(scene: Scene, node: int) -> Iterator[str]:
    """The slopes of a gate that works element by element, as a lecture writes them."""
    graph = scene.program.graph
    gate, operands = graph.gates[node], graph.operands[node]
    if gate.is_structural or gate.name in ("add", "sub", "mul", "copy", "neg"):
        return  # of these the slopes are their operands
    if gate.name in WINS and len(operands) == 2:
        texts = [graph.names.get(k, scene.phrases[k][0]) for k in operands]
        for own, other, operand in zip(texts, texts[::-1], operands, strict=True):
            if graph.active[operand]:
                yield f"({own}) {WINS[gate.name]} ({other})"
        return
    names = {k: scene.phrases[k][0] for k in operands if k not in graph.constants}
    names = {k: graph.names.get(k, f"({text})") for k, text in names.items()}
    names[node] = graph.names.get(node, f"({scene.phrases[node][0]})")
    for k, operand in enumerate(operands):
        if graph.active[operand]:
            try:
                yield local_text(graph, node, k, names)
            except GradcliError:  # no line of text
                continue
