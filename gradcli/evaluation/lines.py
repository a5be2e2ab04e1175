"""The straight line of a program of numbers."""

from __future__ import annotations

from collections.abc import Sequence

from gradcli.evaluation.point import inputs_of
from gradcli.program.model import Program
from gradcli.transform.straight import StraightLine, straight_line


def line_of(program: Program, varied: Sequence[str], wrt: Sequence[str]) -> StraightLine:
    """Value and gradients by `wrt` as gates in a row; inputs not in `varied` are constants."""
    graph = program.graph
    values = dict(zip(graph.inputs, inputs_of(program), strict=True))
    fixed = {name: x for name, x in values.items() if name not in varied}
    return straight_line(graph, program.output, fixed, wrt, program.upstream)
