"""The graph: gates in a list that is topological by construction, and statements lowered into it.

    node     = its number: an index into the parallel lists below
    leaf     = an input (by name) or a constant (by its bits)
    stage    = a node with a name; a wall: it is never merged with an equal node
    anonymous equal subexpressions of one statement are one node

A node's operands have smaller numbers, so walking the list forwards is fprop and walking it
backwards is bprop; nothing is ever sorted and nothing recurses. Nodes hold neither values nor
gradients: those belong to a run.

A node has a shape, known as soon as it is made; only those of arrays are stored. Constants are
numbers; in the graph of settings also arrays, and everywhere the tuples of static operands such
as `axis`.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from gradcli.errors import LimitError, ShapeError
from gradcli.gates.row import CONSTANT, INPUT, Gate, GateTable
from gradcli.gates.shapes import MOST_AXES, Shape, amount
from gradcli.gates.table import BUILT_IN, CONSTANTS
from gradcli.graph.text import constant_phrase, gate_phrase, structural_label, structural_phrase
from gradcli.requests import MOST_ELEMENTS, RAISE
from gradcli.syntax.tree import POSTFIX, SIGNS, Phrase

Operands = tuple[int, ...]

NAMED = {value: name for name, value in CONSTANTS.items() if name.isascii()}
LONGEST_EXPRESSION = 60  # an operand longer than this is shown as its stage number


class Graph:
    """Nodes in topological order; parallel lists, one entry per node.

    Its gates are rows of `table`; every graph that is made from this one has the table, too.
    """

    def __init__(self, table: GateTable = BUILT_IN) -> None:
        self.table = table
        self.gates: list[Gate] = []
        self.operands: list[Operands] = []
        self.active = bytearray()  # 1 where the node depends on an input
        self.tokens = array("I")  # the token where the node's text begins
        self.inputs: dict[str, int] = {}
        self.names: dict[int, str] = {}  # of stages and inputs
        self.spoken: dict[int, str] = {}  # of gradient lines: what advice calls them
        self.constants: dict[int, Any] = {}
        self.shapes: dict[int, Shape] = {}  # of arrays
        self.has_arrays = False
        self.streams: list[int] = []  # statics of `random` nodes, which wait for the seed
        self.elements = 0  # of all arrays
        self.most_elements = MOST_ELEMENTS
        self.interned: dict[Any, int] = {}
        self.anonymous: dict[tuple[Gate, Operands], int] = {}  # of the statement being lowered

    def __len__(self) -> int:
        return len(self.gates)

    @property
    def own_gates(self) -> list[Gate]:
        """The rows that are of the user's own, of those in the graph."""
        own = (gate for gate in self.gates if gate.own is not None) if self.has_arrays else ()
        return [*dict.fromkeys(own)]

    @property
    def is_opaque(self) -> bool:
        """Whether a gate runs that is not read: nothing but values is known of it."""
        return any(gate.code is not None for gate in self.own_gates)

    # ---------------------------------------------------------------- building

    def begin_statement(self) -> None:
        """Forget the anonymous nodes of earlier statements, so that none is shared."""
        self.anonymous.clear()

    def constant(self, value: float, token: int = 0) -> int:
        """The node of a constant; interned by bits, so that 0.0 and -0.0 are two and nan is one."""
        key: float | str = value if value and value == value else repr(value)
        node = self.interned.get(key)
        if node is None:
            node = self.interned[key] = self._append(CONSTANT, (), 0, token)
            self.constants[node] = value
        return node

    def static(self, value: tuple[Any, ...]) -> int:
        """The node of an operand that is no number: a shape, an axis, an index."""
        key = ("static", value)
        node = self.interned.get(key)
        if node is None:
            node = self.interned[key] = self._append(CONSTANT, (), 0, 0)
            self.constants[node] = value
        return node

    def array(self, value: Any) -> int:
        """A constant that is a whole float64 array, or a thing of `shape` that is read as one."""
        node = self._append(CONSTANT, (), 0, 0)
        self.constants[node] = value
        self._take_shape(node, value.shape)
        return node

    def fixed(self, value: Any) -> int:
        """The node of a constant of any kind: a number, a static operand, or an array."""
        if isinstance(value, tuple):
            return self.static(value)
        return self.constant(value) if isinstance(value, (int, float)) else self.array(value)

    def random(self, shape: Shape, stream: int, token: int = 0) -> int:
        """An array of random numbers of its own; `stream` and its place tell it from others."""
        own = self.static((stream, len(self.streams)))
        self.streams.append(own)
        return self.add(self.table["randn"], (self.static(shape), own), token)

    def sow(self, seed: int) -> bool:
        """Give the random numbers their seed; true if there are any."""
        for node in self.streams:
            self.constants[node] = (seed, *self.constants[node])
        return bool(self.streams)

    def discount(self, elements: int, streams: int) -> None:
        """Set the counts to what they were before the latest nodes, which only give shapes.

        Such nodes take no memory and draw no numbers.
        """
        self.elements = elements
        del self.streams[streams:]

    def input(self, name: str, token: int = 0, shape: Shape = ()) -> int:
        """The node of an input, made when it is first used."""
        node = self.inputs.get(name)
        if node is None:
            node = self.inputs[name] = self._append(INPUT, (), 1, token)
            self.names[node] = name
            if shape:
                self._take_shape(node, shape)
        return node

    def node(self, gate: Gate, operands: Operands, token: int = 0) -> int:
        """The node of a gate; equal gates of equal operands in a statement share one."""
        key = (gate, operands)
        node = self.anonymous.get(key)
        if node is None:
            node = self.anonymous[key] = self.add(gate, operands, token)
        return node

    def add(self, gate: Gate, operands: Operands, token: int = 0) -> int:
        """A new node, for a gate that nothing else in its statement can be equal to."""
        active = self.active
        node = len(active)
        if self.has_arrays or gate.pullback:
            self.has_arrays = True
            self._take_shape(node, self._result(gate, operands))
        if len(operands) == 2:
            active.append(active[operands[0]] | active[operands[1]])
        else:
            active.append(max([active[k] for k in operands], default=0))
        self.gates.append(gate)
        self.operands.append(operands)
        self.tokens.append(token)
        return node

    def _result(self, gate: Gate, operands: Operands) -> Shape:
        """The shape of a gate's result; an error names the operation, its advice the operands."""
        try:
            return gate.shape(*[self.look(k) for k in operands])
        except ShapeError as error:
            message, hint = error.message, error.hint or ""
        for word, node in zip(("left", "right"), operands, strict=False):
            if word in hint:
                hint = hint.replace(word, self.called(node))
        if gate.name == "mul" and [len(self.shape(k)) for k in operands] == [1, 1]:
            hint += f"; each with each is {self.outer_product(*operands)}"
        if message.startswith("shapes "):
            message = f"{gate.name}: {message}"
        raise ShapeError(message, hint=hint.replace(".T.T", "") or None)

    def outer_product(self, left: int, right: int) -> str:
        """The text of the outer product of two vectors, and its shape."""
        shape = (*self.shape(left), *self.shape(right))
        return f"`np.outer({self.called(left)}, {self.called(right)})`, of shape {shape}"

    def called(self, node: int) -> str:
        """The words for an operand: its name, that of a gradient line, or its text."""
        if node in self.names or node in self.spoken:
            return self.names.get(node) or self.spoken[node]
        if self.gates[node].name == "transpose":
            whole = self.operands[node][0]
            return f"{self.called(whole)}.T"
        text, strength = self.phrases(defaultdict(lambda: "..."))[node]
        return text if strength >= POSTFIX else f"({text})"

    def stage(self, name: str, node: int, first: int, token: int) -> int:
        """Give the result of a statement its name; `first` is the statement's first node.

        A leaf or an earlier stage gets a `copy` gate: every stage has a gradient of its own.
        """
        node = self.own(node, first, token)
        self.names[node] = name
        return node

    def own(self, node: int, first: int, token: int) -> int:
        """The result of a statement as a node of its own: a leaf or an earlier one is copied."""
        if node < first or not self.operands[node]:
            shape = self.shapes.get(node, ())
            node = self._append(self.table["copy"], (node,), self.active[node], token)
            if shape:
                self._take_shape(node, shape)
        return node

    def call(self, node: int, name: str) -> None:
        """Name a node that is no stage, the value of a gradient line, for use in advice."""
        self.spoken[node] = name

    def _append(self, gate: Gate, operands: Operands, active: int, token: int) -> int:
        self.gates.append(gate)
        self.operands.append(operands)
        self.active.append(active)
        self.tokens.append(token)
        return len(self.gates) - 1

    def _take_shape(self, node: int, shape: Shape) -> None:
        """Note the shape of an array; every array is met here before memory is taken for it."""
        if shape:
            if len(shape) > MOST_AXES:
                raise LimitError(f"an array has at most {MOST_AXES} axes, this has {len(shape)}")
            self.has_arrays = True
            self.elements += amount(shape)
            if self.elements > self.most_elements:
                raise LimitError(
                    f"the arrays have more than {self.most_elements} elements in all",
                    hint=RAISE,
                )
            self.shapes[node] = shape

    def forget(self, known: dict[int, float], measured: set[int], kept: Iterable[int]) -> None:
        """Make constants of nodes that only sizes are read from: nothing else depends on them.

        `known` are nodes that were read as numbers, `measured` those whose shape was read. A stage
        goes only if it was read as a number; `kept` nodes never do.
        """
        size = len(self.gates)
        needed, only_size = bytearray(size), bytearray(size)
        for node in kept:
            needed[node] = 1
        for node in (*known, *measured):
            only_size[node] = 1
        for node in range(size - 1, -1, -1):
            gate, operands = self.gates[node], self.operands[node]
            is_stage = node in self.names and gate is not INPUT
            goes = only_size[node] and not needed[node] and (node in known or not is_stage)
            for operand in operands:
                (only_size if goes else needed)[operand] = 1
            if goes and gate is not CONSTANT:
                name = self.names.pop(node, "")
                if gate is INPUT:
                    del self.inputs[name]
                self.gates[node], self.operands[node], self.active[node] = CONSTANT, (), 0
                self.constants[node] = known.get(node, 0.0)
                self.shapes.pop(node, None)
        self.anonymous.clear()  # it may hold such nodes

    # ---------------------------------------------------------------- reading

    def shape(self, node: int) -> Shape:
        """The shape of a node; () is a number."""
        return self.shapes.get(node, ())

    def look(self, node: int) -> Any:
        """An operand as the rules of shapes take it: its shape, or the value of a static."""
        value = self.constants.get(node)
        return value if value.__class__ is tuple else self.shapes.get(node, ())

    def behind(self, node: int) -> Any:
        """The constant that a node hands on, copied or not; None for what is computed."""
        while self.gates[node].name == "copy":
            (node,) = self.operands[node]
        return self.constants.get(node)

    def is_leaf(self, node: int) -> bool:
        """Whether the node is an input or a constant."""
        return not self.operands[node]

    def is_part(self, node: int) -> bool:
        """Whether the node is an anonymous place in an array: `w[0]`."""
        return self.gates[node].name == "index" and node not in self.names

    def gate_nodes(self) -> list[int]:
        """Every node that is a gate, in topological order."""
        return [node for node, operands in enumerate(self.operands) if operands]

    def reaches(self, *outputs: int) -> bytearray:
        """1 for every node that the outputs depend on, themselves included."""
        reached = bytearray(len(self.gates))
        for output in outputs:
            reached[output] = 1
        for node in range(max(outputs), -1, -1):
            if reached[node]:
                for operand in self.operands[node]:
                    reached[operand] = 1
        return reached

    def ancestors(self, roots: list[int]) -> list[int]:
        """The nodes that some nodes are computed from, themselves included, in order."""
        nodes, pending = set(roots), list(roots)
        while pending:
            for operand in self.operands[pending.pop()]:
                if operand not in nodes:
                    nodes.add(operand)
                    pending.append(operand)
        return sorted(nodes)

    def cone(self, leaf: int, output: int) -> list[int]:
        """The gates between a leaf and the output: what a change of the leaf can change."""
        reached = self.reaches(output)
        touched = bytearray(len(self.gates))
        touched[leaf] = 1
        cone = []
        for node in range(leaf + 1, output + 1):
            if reached[node] and any([touched[k] for k in self.operands[node]]):  # noqa: C419  # quicker
                touched[node] = 1
                cone.append(node)
        return cone

    def pruned(self, keep: list[int]) -> tuple[Graph, dict[int, int]]:
        """A copy without the anonymous nodes that nothing kept depends on, and old -> new numbers.

        `keep` are nodes that stay with all they depend on; so do inputs and named stages.
        """
        needed = bytearray(len(self.gates))
        for node in [*keep, *self.names]:
            needed[node] = 1
        for node in range(len(self.gates) - 1, -1, -1):
            if needed[node]:
                for operand in self.operands[node]:
                    needed[operand] = 1
        return self.part([node for node, stays in enumerate(needed) if stays])

    def part(self, nodes: list[int]) -> tuple[Graph, dict[int, int]]:
        """A copy of some nodes, in order and with all they depend on, and old -> new numbers."""
        smaller = Graph(self.table)
        moved: dict[int, int] = {}
        for node in nodes:
            operands = tuple([moved[k] for k in self.operands[node]])
            moved[node] = smaller._append(
                self.gates[node], operands, self.active[node], self.tokens[node]
            )
        names, constants, shapes = self.names, self.constants, self.shapes
        smaller.names = {moved[node]: names[node] for node in nodes if node in names}
        smaller.inputs = {names[n]: moved[n] for n in nodes if self.gates[n] is INPUT}
        smaller.constants = {moved[n]: constants[n] for n in nodes if n in constants}
        smaller.shapes = {moved[n]: shapes[n] for n in nodes if n in shapes} if shapes else {}
        smaller.has_arrays = self.has_arrays and (
            bool(smaller.shapes) or any(gate.is_structural for gate in smaller.gates)
        )
        smaller.elements = sum(map(amount, smaller.shapes.values()))
        smaller.most_elements = self.most_elements
        return smaller, moved

    def with_gate(self, node: int, gate: Gate) -> Graph:
        """A copy in which another row of as many operands stands at a node."""
        copy, _ = self.part([*range(len(self.gates))])
        copy.gates[node] = gate
        return copy

    # ---------------------------------------------------------------- text

    def label(self, node: int) -> str:
        """The gate as the lecture draws it: `+`, `*2`, `+1`, `1/x`, `x**2`, `exp`."""
        gate, operands = self.gates[node], self.operands[node]
        if gate.name == "neg":
            return "*-1"
        if gate.is_structural:
            return structural_label(gate.name, [self.look(k) for k in operands])
        if gate.name not in SIGNS:
            return gate.name
        sign = SIGNS[gate.name][0]
        left, right = (self.constant_phrase(k)[0] if k in self.constants else "" for k in operands)
        if right and not left:
            return f"x**{right}" if gate.name == "pow" else f"{sign}{right}"
        if left and not right:
            return f"{sign}{left}" if gate.name in ("add", "mul") else f"{left}{sign}x"
        return sign

    def constant_phrase(self, node: int) -> Phrase:
        """A constant as text: `pi`, `tau` and `e` by their names, where nothing else bears them."""
        value = self.constants[node]
        name = NAMED.get(value) if isinstance(value, float) else None
        if name is not None and name not in self.names.values():
            return name, POSTFIX
        return constant_phrase(value)

    def phrases(self, stage_names: dict[int, str]) -> list[Phrase]:
        """Every node as text in terms of inputs and named stages.

        An operand of more than 60 characters stands as its stage number, so that the texts of a
        long chain stay short and the whole takes linear time.
        """
        phrases: list[Phrase] = []
        for node, (gate, operands) in enumerate(zip(self.gates, self.operands, strict=True)):
            if gate is CONSTANT:
                phrases.append(self.constant_phrase(node))
            elif gate is INPUT:
                phrases.append((self.names[node], POSTFIX))
            else:
                parts = [self._operand_phrase(k, phrases, stage_names) for k in operands]
                if gate.is_structural:
                    looks = [self.look(k) for k in operands]
                    phrases.append(structural_phrase(gate.name, parts, looks))
                else:
                    phrases.append(gate_phrase(gate, parts))
        return phrases

    def _operand_phrase(self, node: int, phrases: list[Phrase], names: dict[int, str]) -> Phrase:
        name = self.names.get(node)
        is_long = len(phrases[node][0]) > LONGEST_EXPRESSION
        if name is None and is_long and node not in self.constants:  # a static has no number
            name = names[node]
        return phrases[node] if name is None else (name, POSTFIX)


def _part(graph: Graph, node: int, names: dict[int, str]) -> str | None:
    """`w[0]` for a place in something that has such a name itself; None for a slice."""
    whole, at = graph.operands[node]
    name = graph.names.get(whole) or (names[whole] if graph.is_part(whole) else None)
    if name is None or name[0] == "#" or any(isinstance(k, tuple) for k in graph.constants[at]):
        return None
    return name + "".join([f"[{k}]" for k in graph.constants[at]])


def stage_names(graph: Graph, output: int) -> dict[int, str]:
    """The name of each gate in reports: its own, `#1`, `#2`, ... in order, or `#out`.

    An element or row of something that has a name is called `w[0]`.
    """
    names: dict[int, str] = {}
    number = 0
    for node in graph.gate_nodes():
        if node in graph.names:
            names[node] = graph.names[node]
        elif graph.gates[node].name == "index" and (part := _part(graph, node, names)):
            names[node] = part
        elif node == output:
            names[node] = "#out"
        else:
            number += 1
            names[node] = f"#{number}"
    return names
