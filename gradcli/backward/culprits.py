"""What the search for wrong lines gives: suspects, the lines that are accused, what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcli.named_tuples import NamedTuple

if TYPE_CHECKING:  # the search is loaded where something is wrong
    from gradcli.backward.contributions import Piece
    from gradcli.backward.repairs import Named
    from gradcli.backward.replay import Held
    from gradcli.syntax import Tree


class Suspect(NamedTuple):
    """A line, and a change of it that makes wrong gradients right."""

    line: int
    held: Held  # what stands in its place then, by node
    kind: str  # value, add, drop, path, formula
    is_sound: bool  # its own value is what it should be, by its name
    is_explained: bool = False  # by a change of its text
    named: Named | None = None  # where all such changes are one mistake
    tree: Tree | None = None  # the line with the change, where it can be written
    pieces: tuple[Piece, ...] = ()  # the terms that are missing beside the line


class Culprit(NamedTuple):
    """A line that is accused, and other lines that may be meant instead."""

    suspect: Suspect
    others: list[int]
    names: list[str]  # whose gradients it made wrong
    twins: tuple[int, ...] = ()  # those of the others that say the very same
    has_rival: bool = False  # another line has a change of its text that does as well

    @property
    def line(self) -> int:
        """The number of the line."""
        return self.suspect.line


class Blame(NamedTuple):
    """The lines that are wrong, and what every line gives once they are right."""

    culprits: list[Culprit]  # in the order they were found
    causes: dict[int, int]  # lines that follow from a wrong one
    excused: set[str]  # names whose gradients are scaled and are read accordingly
    unjudged: set[str]  # names that are wrong, though no line but one of a number can be
