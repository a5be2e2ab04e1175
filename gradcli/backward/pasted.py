"""Repairs as text to paste: the line as it should be, and lines that are missing behind it."""

from __future__ import annotations

from collections.abc import Sequence

from gradcli.backward.contributions import Piece, simplified
from gradcli.backward.culprits import Suspect
from gradcli.backward.naming import Naming
from gradcli.backward.replay import Replay
from gradcli.backward.rewriting import numpy_text, respelt, rewritten
from gradcli.reports.statement_text import offset_of, split_statement, statement_end
from gradcli.syntax import Tree, write
from gradcli.syntax.edit import joined, name_tree, number_tree

LEFT_OUT = ""  # the text of a line that should not stand there
LONGEST_DERIVED = 60  # of the text of a line that is written anew


class Pasting:
    """Writes the lines of a program as they should be, in its writer's style."""

    def __init__(self, replay: Replay, naming: Naming, places: list[tuple[int, int]]) -> None:
        self.replay = replay
        self.naming = naming
        self.places = places
        self.lines = replay.program.lines
        self.source = replay.program.source.text

    def repair(self, k: int, suspect: Suspect) -> str | None:
        """The line as it should be, in its writer's style, and lines that are missing behind it."""
        start = offset_of(self.source, *self.places[k])
        head, right = split_statement(self.source[start : statement_end(self.source, start)])
        if suspect.kind == "add":
            return f"{head.replace('=', '+=')}{right}"
        if suspect.kind == "drop":
            return LEFT_OUT
        tree, before = suspect.tree, self.lines[k].statement.tree
        if before is None:
            return None
        if suspect.kind == "path":
            pieces = suspect.pieces
            is_beside = len(pieces) == 1 and pieces[0].place == self.lines[k].place
            if tree is None and not (is_beside and self._is_sum(k)):
                return self._with_more(k, f"{head}{right}", pieces)
            tree = tree or simplified(joined(before, pieces[0].tree, "add"))
        elif suspect.kind not in ("value", "formula"):
            return None
        elif tree is None:
            return self._derived(k, suspect, head)
        return None if tree is None else self._written(k, tree, head, right)

    def _written(self, k: int, tree: Tree, head: str, right: str) -> str | None:
        """A line with another tree on its right side; None where it cannot be written."""
        spelling, before = self.lines[k].spelling, self.lines[k].statement.tree
        if before is None:
            return None
        if spelling is None:
            return head + rewritten(right, before, tree, self.source)
        after = spelling.in_python(tree)
        if after is None:
            return None
        text = respelt(spelling.words, spelling.tree, after, self.source)
        return f"{spelling.before}{text}{spelling.after}"

    def _is_sum(self, k: int) -> bool:
        """Whether a line adds up all that several stages send back."""
        targets = [(line.name, line.place) for line in self.lines]
        return targets.count((self.lines[k].name, self.lines[k].place)) == 1

    def _derived(self, k: int, suspect: Suspect, head: str) -> str | None:
        """The line as the forward part has it, where no small change makes it right."""
        values = suspect.held.get(self.replay.sites[k])
        is_number = k in self.replay.numbers
        if values is None or is_number or self.lines[k].place or self.lines[k].name is None:
            return None
        pieces = self.naming.missing_pieces(k, values)
        if len(pieces) != 1 or pieces[0].place or "if" in pieces[0].tree.ops:
            return None
        text = self._text(k, pieces[0].tree)
        return f"{head}{text}" if text and len(text) <= LONGEST_DERIVED else None

    def _text(self, k: int, tree: Tree) -> str | None:
        """A tree as its program writes one; None where its language cannot."""
        spelling = self.lines[k].spelling
        own = tree if spelling is None else spelling.in_python(tree)
        return None if own is None else numpy_text(write(own), self.source)

    def divided(self, k: int, size: int) -> str | None:
        """The line, and one behind it that divides what several lines have added up."""
        target, call = self.lines[k].statement.target.partition("[")[0], self.lines[k].call
        mean = joined(name_tree(target), number_tree(float(size)), "div")
        spellings = [line.spelling for line in self.lines if line.spelling and line.call == call]
        texts = filter(None, (spelling.in_python(mean) for spelling in spellings))
        own = next(texts, None) if spellings else mean
        if own is None:
            return None
        start = offset_of(self.source, *self.places[k])
        text = self.source[start : statement_end(self.source, start)].rstrip()
        begin = " " * (self.places[k][1] - 1)
        return f"{text}\n{begin}{target} = {numpy_text(write(own), self.source)}"

    def _with_more(self, k: int, text: str, pieces: Sequence[Piece]) -> str | None:
        """The line, and those that are missing behind it."""
        line = self.lines[k]
        begin = " " * (self.places[k][1] - 1)
        rows = [text]
        for piece in pieces:
            right = self._text(k, piece.tree)
            if right is None:
                return None
            rows.append(f"{begin}{line.statement.target}{piece.where} += {right}")
        return "\n".join(rows) if pieces else None
