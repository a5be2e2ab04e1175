"""The circuit on a terminal: trees of gates over their operands, in two columns of numbers.

Every row has a value and what comes back along its wire. A gate that several others use, or that
lies too deep for the width, is drawn once, as a tree of its own that stands above; where it is used
its name refers to it. The contributions to what is used more than once are added up at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rich.cells import cell_len
from rich.text import Text

from gradcli.render.circuit.labels import SUM, claim_of, shortened, symbol, title_of
from gradcli.render.circuit.numbers import drawn_line
from gradcli.render.look import Look
from gradcli.render.table import Page
from gradcli.reports.circuits import Circuit, Node, Wire, Wiring
from gradcli.reports.evaluations import Number

WIDEST_NUMBER = 14  # cells of a number in a column; wider ones stand beneath their row
GAP = 2
INDENT = "  "
DEEPEST = 12  # levels, where the width has no limit
CELLS_OF_NUMBERS = 28  # that are kept free beside the branches of a tree
BRANCHES = ("├─ ", "└─ ", "│  ", "   ")
PLAIN_BRANCHES = ("|- ", "`- ", "|  ", "   ")
PLAIN_WORDS = {SUM: "sum ", "↑": "^", "✗": "x", "±": "+-", "≈": "~", "…": "..."}


class _Row(NamedTuple):
    """A line of a tree; `beneath` is what stands before lines that continue it."""

    before: str
    beneath: str
    words: str
    value: str
    back: str
    written: str


def tree(circuit: Circuit, look: Look) -> Iterator[str]:
    """The trees, forward: each after those it refers to, the output's last."""
    page = Page(look)
    forest = _Forest(circuit, page)
    blocks = [[*forest.rows(root)] for root in forest.roots]
    columns = _Columns([row for rows in blocks for row in rows], page)
    yield page.drawn(page.sentence((title_of(circuit), "name")))
    yield page.drawn("")
    yield from columns.head()
    for k, rows in enumerate(blocks):
        yield page.drawn("") if k else ""
        for row in rows:
            yield from columns.drawn(row)
    yield from _forks(circuit, page)
    notes = [f"note: {note}" for note in circuit.notes]
    if forest.referred:
        notes.insert(0, plain("↑: its tree stands above", page))
    yield page.drawn("") if notes else ""
    for note in notes:
        yield page.drawn(page.sentence(note))


class _Forest:
    """The gates from which trees are drawn, and the rows of these trees."""

    def __init__(self, circuit: Circuit, page: Page) -> None:
        self.page = page
        self.wiring = Wiring(circuit)
        self.decimals = page.look.decimals
        can_draw = page.text(BRANCHES[0] + BRANCHES[1]) == BRANCHES[0] + BRANCHES[1]
        self.branches = BRANCHES if can_draw else PLAIN_BRANCHES
        room = (page.width - CELLS_OF_NUMBERS) // len(BRANCHES[0])
        deepest = max(2, min(DEEPEST, room))
        self.own = self._own_trees(circuit, deepest)
        self.referred = self.own - {circuit.output}
        self.roots = [node for node in circuit.nodes if node.id in self.own]

    def _own_trees(self, circuit: Circuit, deepest: int) -> set[str]:
        """The output, the gates with several uses, and every gate that is too deep in a tree."""
        leaving = self.wiring.leaving
        own = {
            node.id for node in circuit.nodes
            if node.id == circuit.output or (node.is_gate and len(leaving[node.id]) > 1)
        }  # fmt: skip
        depth: dict[str, int] = {}
        for node in reversed(circuit.nodes):
            if node.id in own:
                depth[node.id] = 0
            elif node.is_gate:
                depth[node.id] = depth[leaving[node.id][0].target] + 1
                if depth[node.id] > deepest:
                    own.add(node.id)
                    depth[node.id] = 0
        return own

    def rows(self, root: Node) -> Iterator[_Row]:
        """The tree of a gate, the gate first."""
        pending: list[tuple[Node, Wire | None, str, str]] = [(root, None, "", "")]
        fork, end, line, blank = self.branches
        while pending:
            node, wire, before, beneath = pending.pop()
            operands = self.wiring.entering[node.id]
            is_reference = wire is not None and node.id in self.own
            yield self._row(node, wire, before, beneath, is_reference)
            if is_reference:
                continue
            for k, each in reversed([*enumerate(operands)]):
                source = self.wiring.node[each.source]
                is_last = k == len(operands) - 1
                pending.append((
                    source, each, beneath + (end if is_last else fork),
                    beneath + (blank if is_last else line),
                ))  # fmt: skip

    def _row(
        self, node: Node, wire: Wire | None, before: str, beneath: str, is_reference: bool
    ) -> _Row:
        uses = len(self.wiring.leaving[node.id])
        gradient = node.gradient if wire is None or uses == 1 else wire.contribution
        bound = node.gradient_bound if wire is None or uses == 1 else wire.bound
        is_sum = wire is None and uses > 1
        back = "" if gradient is None else drawn_line(gradient, self.decimals, bound)
        value = "" if node.value is None else drawn_line(node.value, self.decimals, node.bound)
        if node.shape:
            value = f"{tuple(node.shape)} {value}"
        elif node.role == "constant":
            value = ""  # it stands in the words
        return _Row(
            before, beneath, self._words(node, is_reference), self._plain(value),
            self._plain(f"{SUM}{back}" if is_sum and back else back),
            self._plain(claim_of(node, wire, uses, self.decimals)),
        )  # fmt: skip

    def _words(self, node: Node, is_reference: bool) -> str:
        """The symbol of a gate and its name, if it has one or is referred to."""
        name, label = shortened(node.name), self._plain(symbol(node))
        if is_reference:
            return self._plain(f"{name} ↑")
        has_name = node.is_gate and (node.is_named or node.id in self.referred)
        return self.page.text(f"{label}  {name}" if has_name and label != name else label)

    def _plain(self, text: str) -> str:
        return plain(text, self.page)


def plain(text: str, page: Page) -> str:
    """A text as the stream can show it, in words for the signs that it lacks."""
    if page.text(text) != text:
        for sign, word in PLAIN_WORDS.items():
            text = text.replace(sign, word)
    return page.text(text)


class _Columns:
    """Rows laid out for a width: numbers in columns, or beneath what they belong to."""

    def __init__(self, rows: list[_Row], page: Page) -> None:
        self.page = page
        self.value = _widest([row.value for row in rows], "value")
        self.back = _widest([row.back for row in rows], "gradient")
        numbers = self.value + self.back + 2 * GAP
        words = max(cell_len(row.before + row.words) for row in rows)
        self.words = min(words, page.width - numbers)

    def head(self) -> Iterator[str]:
        """The line that says which column is which."""
        if self.words > 0:
            yield self._line(Text(" " * self.words), "value", "gradient", "", "aside")

    def drawn(self, row: _Row) -> Iterator[str]:
        """One line; or several, where the numbers do not fit beside the words."""
        words = Text.assemble((row.before, "aside"), (row.words, "name"))
        room = self.words - cell_len(words.plain)
        fits = cell_len(row.value) <= self.value and cell_len(row.back) <= self.back
        if fits and room >= 0:
            words.append(" " * room)
            is_noted = row.written and cell_len(row.written) + GAP > self._left()
            yield self._line(words, row.value, row.back, "" if is_noted else row.written, "")
            if is_noted:
                yield from self._beneath(row, row.written, "verdict.fail")
            return
        yield self.page.drawn(words)
        for title, number, style in (
            ("value ", row.value, "value"), ("gradient ", row.back, "gradient"),
            ("", row.written, "verdict.fail"),
        ):  # fmt: skip
            if number:
                yield from self._beneath(row, title + number, style)

    def _left(self) -> int:
        return self.page.width - self.words - self.value - self.back - 2 * GAP

    def _beneath(self, row: _Row, text: str, style: str) -> Iterator[str]:
        """A number below its row, folded between the numbers of an array where it is too long."""
        room = self.page.width - cell_len(row.beneath) - len(INDENT)
        line = ""
        for word in text.split(" "):
            if line and cell_len(line) + 1 + cell_len(word) > room:
                yield self._piece(row, line, style)
                line = INDENT
            line = f"{line} {word}" if line.strip() else line + word
        yield self._piece(row, line, style)

    def _piece(self, row: _Row, text: str, style: str) -> str:
        return self.page.drawn(Text.assemble((row.beneath, "aside"), INDENT, (text, style)))

    def _line(self, words: Text, value: str, back: str, written: str, style: str) -> str:
        line = Text.assemble(
            words, " " * (GAP + self.value - cell_len(value)), (value, style or "value"),
            " " * (GAP + self.back - cell_len(back)), (back, style or "gradient"),
        )  # fmt: skip
        if written:
            line.append(" " * GAP)
            line.append(written, "verdict.fail")
        return self.page.drawn(line)


def _widest(texts: list[str], title: str) -> int:
    return max([cell_len(title), *(w for t in texts if (w := cell_len(t)) <= WIDEST_NUMBER)])


def _forks(circuit: Circuit, page: Page) -> Iterator[str]:
    """What comes back to everything that is used more than once: contributions and their sum."""
    wiring = Wiring(circuit)
    forks = [fork for fork in circuit.forks() if None not in (fork.sum, *fork.contributions)]
    shown = [fork for fork in forks if not isinstance(fork.sum, list)]
    if not shown:
        return
    yield page.drawn("")
    for fork in shown:
        node = wiring.node[fork.node]
        terms = [_one(c, page) for c in fork.contributions if c is not None]
        total = " + ".join(terms).replace("+ -", "- ")
        text = f"d{shortened(node.name)} = {total} = "
        written = plain(claim_of(node, None, len(terms), page.look.decimals), page)
        words = [(f"  {written}", "verdict.fail")] if written else []
        yield page.drawn(page.sentence(text, (_one(fork.sum, page), "gradient"), *words))


def _one(number: Number | None, page: Page) -> str:
    return "" if number is None else plain(drawn_line(number, page.look.decimals), page)
