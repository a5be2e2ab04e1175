"""What a batch says of its points: how many there were, and where results are not as usual."""

from __future__ import annotations

from gradcli.named_tuples import NamedTuple


class Spot(NamedTuple):
    """Rows that have something in common: how many, where the first is, and what it is."""

    size: int  # how many
    first: str  # `points.csv:17`
    words: str


class BatchReport(NamedTuple):
    """The end of a batch."""

    rows: int
    marked: Spot | None  # rows whose value or gradient is not finite
    edges: list[Spot]  # rows at kinks and jumps, for each gate that has some
    notes: list[str]

    def remarks(self) -> list[str]:
        """What there is to say, a sentence each."""
        said = [*self.notes]
        if self.marked is not None:
            said.append(f"{self._of(self.marked)} not finite, the first at {self.marked.first}: "
                        f"{self.marked.words}")  # fmt: skip
        said += [f"{self._of(spot)} at {spot.words}, the first at {spot.first}: a convention of "
                 "the gate stands for the slope" for spot in self.edges]  # fmt: skip
        return said

    def _of(self, spot: Spot) -> str:
        return f"{spot.size} of {self.rows} rows {'is' if spot.size == 1 else 'are'}"
