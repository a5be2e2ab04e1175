"""What each stage sends back to the names it is computed from, by the true gradients."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from gradcli.backward.cut import Cut
from gradcli.backward.replay import SAME, Replay, same
from gradcli.engine import Run
from gradcli.graph.nodes import stage_names
from gradcli.program.model import Element

MOST_JOINED = 6  # consumers whose joint contributions are tried


class Uses:
    """The contributions to every claimed name, by the stage that reads it, at the given point."""

    def __init__(self, replay: Replay, cut: tuple[Cut, Run] | None = None) -> None:
        self.replay = replay
        self._rows: dict[str, Any] = {}  # the contributions to a name with many uses
        program = replay.program
        names = stage_names(program.graph, program.output)
        self.output = next(
            (n for n, node in program.stages.items() if node == program.output),
            names[program.output],
        )
        self.names = names
        self.cut = cut[0] if cut else Cut(program, Element(self.output))
        run = replay.runs[0]
        values = [run.values[node] for node in replay.moved]
        upstream = {
            consumer: run.gradients[replay.forward[consumer.name]]
            if consumer.name in replay.claims
            else run.gradients[replay.output]
            for consumer in self.cut.definitions
        }
        self.run = cut[1] if cut else self.cut.run(values, replay.machine.arithmetic)
        uses = self.cut.uses(self.run, upstream)
        self.amounts: dict[str, dict[str, Any]] = {
            element.name: {
                consumer.name: self._whole(element.name, sum(parts))
                for consumer, parts in consumers.items()
            }
            for element, consumers in uses.items()
        }

    def _whole(self, name: str, amount: Any) -> Any:
        return self.replay.whole(self.replay.forward[name], amount)

    def consumers(self, name: str, amount: Any) -> list[str]:
        """The consumers of a name whose contributions are an amount; none where it is no such."""
        own = self.amounts.get(name, {})
        if own and np.shape(amount) != np.shape(next(iter(own.values()))):
            return []
        if len(own) <= MOST_JOINED:
            for size in range(1, len(own) + 1):
                for some in combinations(own, size):
                    if same(sum(own[c] for c in some), amount):
                        return [*some]
            return []
        if name not in self._rows:
            self._rows[name] = np.array([np.ravel(x) for x in own.values()])
        gaps = np.abs(self._rows[name] - np.ravel(amount)).max(axis=1)
        near = np.flatnonzero(gaps <= SAME * np.max(np.abs(amount), initial=0.0))
        if len(near):
            return [[*own][near[0]]]
        return [*own] if same(self._rows[name].sum(axis=0), np.ravel(amount)) else []
