"""What a hand-written backward pass says of the wires of a circuit, and whether it is right.

A line speaks of a name and of the stages that read it. It is about one wire where one wire leads
from the name towards those stages; where it sums up several it is about the name only.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcli.backward.lines import judge_lines
from gradcli.evaluation.point import Point, gather, in_lists
from gradcli.program.model import Program
from gradcli.reports.circuits import Circuit, Node, Wiring
from gradcli.reports.evaluations import Number, worst
from gradcli.reports.lines import Fork, LineCheck
from gradcli.requests import Request


class _Said(NamedTuple):
    """What one line says of what some stages send back to a name."""

    stages: set[str] | None  # None: all that read it
    claim: Number | None  # None: no line says it
    expected: Number | None
    check: LineCheck | None


def judged(circuit: Circuit, point: Point, judged_at: Point, request: Request) -> Circuit:
    """The circuit with the verdicts on its program's lines.

    The lines are judged at `judged_at`: for arrays that are taken apart not the `point` itself.
    """
    program, values = point.program, point.run.values
    checks, forks, _ = judge_lines(judged_at, request)
    own = _checks_by_name(program, checks)
    said = _said(own, {fork.name: fork for fork in forks})
    wiring = Wiring(circuit)
    readers = _readers(circuit, wiring, {*program.claims})
    about: dict[str, dict[str, Any]] = {}  # by wire: fields
    nodes: list[Node] = []
    for node in circuit.nodes:
        if node.name not in own or not (node.is_named or node.id == circuit.output):
            nodes.append(node)
            continue
        claim = in_lists(gather(program.claims[node.name], values))
        verdict = worst([check.verdict for check in own[node.name]])
        nodes.append(node._replace(claim=claim, verdict=verdict))
        for line in said[node.name]:
            wires = [w for w in wiring.leaving[node.id]
                     if line.stages is None or readers[w.target] & line.stages]  # fmt: skip
            if len(wires) == 1:
                about[wires[0].id] = _fields(line)
    wires = [wire._replace(**about.get(wire.id, {})) for wire in circuit.wires]
    return circuit._replace(nodes=nodes, wires=wires)


def _checks_by_name(program: Program, checks: list[LineCheck]) -> dict[str, list[LineCheck]]:
    """The verdicts on the lines of each name; helpers have none."""
    by_name: dict[str, list[LineCheck]] = {}
    for line, check in zip(program.lines, checks, strict=True):
        if line.name is not None and line.name in program.claims:
            by_name.setdefault(line.name, []).append(check)
    return by_name


def _said(own: dict[str, list[LineCheck]], forks: dict[str, Fork]) -> dict[str, list[_Said]]:
    """What the lines of each name say, stage by stage where it has several readers."""
    table: dict[str, list[_Said]] = {}
    for name, checks in own.items():
        fork = forks.get(name)
        if fork is None:
            only = checks[0]
            table[name] = [_Said(None, only.claim, only.expected, only)] if len(checks) == 1 else []
            continue
        by_line = {check.line: check for check in checks}
        table[name] = [
            _Said({*part.stage.split(", ")}, part.claim, part.expected, by_line.get(part.line or 0))
            for part in fork.contributions
        ]
    return table


def _readers(circuit: Circuit, wiring: Wiring, claimed: set[str]) -> dict[str, set[str]]:
    """For every node the claimed stages, or the output, that first depend on it; itself if it is.

    Stages without lines are passed through, as the lines do.
    """
    readers: dict[str, set[str]] = {}
    for node in reversed(circuit.nodes):
        is_stop = node.id == circuit.output or (node.is_gate and node.name in claimed)
        readers[node.id] = {node.name} if is_stop else {
            name for wire in wiring.leaving[node.id] for name in readers[wire.target]
        }  # fmt: skip
    return readers


def _fields(line: _Said) -> dict[str, Any]:
    """What a wire is told of a line; what no line gives is missing, which is wrong."""
    check = line.check
    if check is None:
        return {"claim": None, "expected": line.expected, "verdict": "fail", "is_cause": True,
                "reason": "no line gives this contribution"}  # fmt: skip
    is_right = line.claim is not None and line.claim == line.expected  # though it may overwrite
    verdict = "pass" if check.verdict == "fail" and is_right else check.verdict
    return {
        "claim": line.claim, "expected": line.expected, "verdict": verdict,
        "is_cause": verdict == "fail" and check.local, "code_line": check.line,
        "reason": check.reason,
    }  # fmt: skip
