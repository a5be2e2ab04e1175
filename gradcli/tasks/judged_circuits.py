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

SAME = 1e-9  # relative: two numbers that differ by less do not tell where an array is wrong

Path = tuple[int, ...]  # of an element that is drawn apart: (0, 2) of `w[0][2]`


class _Said(NamedTuple):
    """What one line says of what some stages send back to a name, or to a part of it."""

    stages: set[str] | None  # None: all that read it
    claim: Number | None  # None: no line says it
    expected: Number | None
    check: LineCheck | None
    place: tuple[Any, ...] = ()  # of the part; integers, and (start, stop)

    @property
    def verdict(self) -> str:
        """The verdict on it: a line may be wrong because of what it overwrites, or elsewhere."""
        if self.check is None:
            return "fail"
        is_wrong = self.check.verdict == "fail" and not _agree(self.claim, self.expected)
        return "pass" if self.check.verdict == "fail" and not is_wrong else self.check.verdict

    def at(self, path: Path) -> _Said | None:
        """What it says of an element; None where it is about another one."""
        depth = len(self.place)
        if self.place != path[:depth]:
            return None
        rest = path[depth:]
        return self._replace(claim=_at(self.claim, rest), expected=_at(self.expected, rest))

    def fields(self) -> dict[str, Any]:
        """The fields of a wire; what no line gives is missing, which is wrong."""
        told = {"claim": self.claim, "expected": self.expected, "verdict": self.verdict}
        if self.check is None:
            return {**told, "is_cause": True, "reason": "no line gives this contribution"}
        return {
            **told, "is_cause": self.verdict == "fail" and self.check.local,
            "code_line": self.check.line, "reason": self.check.reason,
        }  # fmt: skip


def judged(circuit: Circuit, point: Point, judged_at: Point, request: Request) -> Circuit:
    """The circuit with the verdicts on its program's lines.

    The lines are judged at `judged_at`: for arrays that are taken apart not the `point` itself.
    """
    program, values = point.program, point.run.values
    checks, forks, _ = judge_lines(judged_at, request)
    said = _said(program, checks, {fork.name: fork for fork in forks})
    wiring = Wiring(circuit)
    readers = _readers(circuit, wiring, {*program.claims})
    about: dict[str, dict[str, Any]] = {}  # by wire: fields
    nodes: list[Node] = []
    for node in circuit.nodes:
        name, path = _element(node)
        lines = [part for line in said.get(name, ()) if (part := line.at(path))]
        if not lines or not (node.is_named or node.id == circuit.output):
            nodes.append(node)
            continue
        claim = _at(in_lists(gather(program.claims[name], values)), path)
        own = [line.verdict if path else line.check.verdict for line in lines if line.check]
        nodes.append(node._replace(claim=claim, verdict=worst(own or ["fail"])))
        for line in lines:
            wires = [w for w in wiring.leaving[node.id]
                     if line.stages is None or readers[w.target] & line.stages]  # fmt: skip
            if len(wires) == 1 and (line.stages is not None or len(lines) == 1):
                about[wires[0].id] = line.fields()
    wires = [wire._replace(**about.get(wire.id, {})) for wire in circuit.wires]
    return circuit._replace(nodes=nodes, wires=wires, notes=[*circuit.notes, *_accused(checks)])


def _accused(checks: list[LineCheck]) -> list[str]:
    """Notes on the lines that are wrong by themselves; some of them are about no wire."""
    return [
        f"line {check.line}, {check.name}: {check.reason or 'this line is wrong'}"
        for check in checks if check.verdict == "fail" and check.local
    ]  # fmt: skip


def _element(node: Node) -> tuple[str, Path]:
    """The name that lines have for a node, and the path of its element where it is drawn apart."""
    name, *places = node.name.replace("]", "").split("[")
    if node.role != "input" or not places:
        return node.name, ()
    return name, tuple(map(int, places))


def _at(number: Any, path: Path) -> Any:
    """The element at a path of nested lists."""
    for place in path:
        number = number[place] if isinstance(number, list) else number
    return number


def _agree(claim: Number | None, expected: Number | None) -> bool:
    if isinstance(claim, list) and isinstance(expected, list):
        return len(claim) == len(expected) and all(map(_agree, claim, expected))
    if not isinstance(claim, float) or not isinstance(expected, float):
        return False
    return abs(claim - expected) <= SAME * max(abs(claim), abs(expected))


def _said(
    program: Program, checks: list[LineCheck], forks: dict[str, Fork]
) -> dict[str, list[_Said]]:
    """What the lines of each name say, stage by stage where it has several readers."""
    table: dict[str, list[_Said]] = {}
    by_line: dict[tuple[str, int], LineCheck] = {}
    for line, check in zip(program.lines, checks, strict=True):
        if line.name is not None and line.name in program.claims:
            by_line[line.name, check.line] = check
            said = _Said(None, check.claim, check.expected, check, line.place)
            table.setdefault(line.name, []).append(said)
    for name in table.keys() & forks.keys():
        table[name] = [
            _Said({*part.stage.split(", ")}, part.claim, part.expected,
                  by_line.get((name, part.line or 0)))
            for part in forks[name].contributions
        ]  # fmt: skip
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
