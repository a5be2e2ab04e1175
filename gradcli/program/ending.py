"""Where the forward part of a program ends, and which stage is its output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcli.errors import NameFault, ParseError, did_you_mean
from gradcli.program.names import Names
from gradcli.syntax import Tree

if TYPE_CHECKING:
    from gradcli.program.gradient_lines import Backward


class EarlierOutputError(Exception):
    """The forward part ends earlier than it seemed: at the stage of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Ending:
    """The end of the forward part, as far as the lines read so far tell it."""

    def __init__(self, names: Names, last_stage: str | None) -> None:
        self.names = names
        self.last_stage = last_stage  # after it comes the backward part, where that is known
        self.chosen = names.request.output or last_stage  # the output, where it is told by name
        self.nameless: int | None = None  # the node of an output that stands in a line of its own
        self.latest = ""  # the last forward stage; a size is not taken for the output
        self.last: tuple[int, Tree] | None = None  # node and tree of the last forward line
        self._plain = ""  # the last stage that is not named like a gradient
        self._reader_of_plain = 0  # the first node that reads it, or that may be the first

    def meet(self, name: str, node: int) -> None:
        """Take note of a stage."""
        if not _is_like_a_gradient(name):
            self._plain, self._reader_of_plain = name, node + 1

    @property
    def is_over(self) -> bool:
        """Whether the stage is read after which the backward part is known to begin."""
        return self.last_stage is not None and self.last_stage in self.names.stages

    def name(self) -> str:
        """The name of the output: the last stage, but no `dz` after it that has no stage `z`.

        Backward passes often begin with the gradient of something that has no name. Such a line is
        taken for one of theirs if the stage before it is read by nothing.
        """
        stages, operands = self.names.stages, self.names.graph.operands
        last = self.chosen or self.latest or next(reversed(stages))
        if self.chosen or not self._plain or not _is_like_a_gradient(last):
            return last
        node, reader = stages[self._plain], self._reader_of_plain
        if node > stages[last]:
            return last
        while reader < len(operands) and node not in operands[reader]:
            reader += 1
        self._reader_of_plain = reader  # once over all nodes, however often the question is put
        return last if reader < len(operands) else self._plain

    def refuse_if_over(self, name: str) -> None:
        """Raise EarlierOutputError where a second assignment shows that the backward part began.

        So it does where a gradient of something without a name is assigned again, after all stages.
        """
        plain, stages = self._plain, self.names.stages
        if not (_is_like_a_gradient(name) and plain) or self.chosen:
            return
        node, operands = stages[plain], self.names.graph.operands
        is_read = any(node in operands[reader] for reader in range(node + 1, len(operands)))
        if name in stages and stages.token(name) > stages.token(plain) and not is_read:
            raise EarlierOutputError(plain)

    def output(self, backward: Backward | None) -> int:
        """The node of the output. Raises GradcliError where there is none."""
        stages = self.names.stages
        if self.chosen is not None:
            if self.chosen not in stages:
                hint = did_you_mean(self.chosen, stages)
                raise NameFault(f"`{self.chosen}` is not a stage of the program", None, hint)
            name = self.chosen
        elif self.nameless is not None:
            return self.nameless
        elif not stages:
            raise ParseError(
                "nothing to compute: the program has no stage",
                self.names.source.end(),
                "write an expression, such as `x*y`",
            )
        else:
            name = backward.output_name if backward else self.name()
        output: int = stages[name]
        return output

    def before_helpers(self, output: int, backward: Backward, aside: set[int]) -> str | None:
        """The output, where stages after it are read by gradient lines: these are helpers.

        It is the one before them that nothing reads. None where there are no such stages.
        """
        names = self.names
        chosen = self.chosen if self.chosen is not None else names.graph.names.get(output)
        if not backward.written or chosen is None or chosen not in names.stages:
            return None
        reads = [read for line in backward.lines for read in line.reads.values()]
        used = {read.name for read in reads if read.kind == "forward"}
        last = names.stages.token(chosen)
        if any(n in names.stages and names.stages.token(n) > last for n in used):
            return chosen
        if self.chosen is not None:
            return None
        is_passed_on = any(read.kind == "gradient" and read.name == chosen for read in reads)
        is_helper = chosen in used and chosen not in backward.written and not is_passed_on
        if is_helper or not self._is_seeded(chosen, backward):
            return self._idle_before(chosen, backward, aside)
        return None

    def _idle_before(self, chosen: str, backward: Backward, aside: set[int]) -> str | None:
        """A stage before another that nothing reads, if it can be the output.

        The first that is made of all whose gradients are claimed, else the last.
        """
        names, graph = self.names, self.names.graph
        read = {k for operands in graph.operands for k in operands}
        idle = [n for n, k in names.stages.items() if k not in read and k not in aside
                and k < names.stages[chosen]]  # fmt: skip
        forward = {**names.inputs, **names.stages}
        claimed = [forward[name] for name in backward.written]
        for name in idle[:-1]:
            is_behind = graph.reaches(names.stages[name])
            if self._is_seeded(name, backward) and all(is_behind[node] for node in claimed):
                return name
        return idle[-1] if idle and self._is_seeded(idle[-1], backward) else None

    def _is_seeded(self, name: str, backward: Backward) -> bool:
        """Whether a stage can be the output: a number, or an array with an upstream gradient."""
        is_given = self.names.request.upstream is not None or name in backward.written
        return is_given or not self.names.graph.shape(self.names.stages[name])


def _is_like_a_gradient(name: str) -> bool:
    return len(name) > 1 and name[0] == "d"
