"""The backward pass of a program, told gate by gate, as frozen data. Schema gradcli.explain/1."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcli.reports.evaluations import Number


class Part(NamedTuple):
    """What a gate hands on to one operand."""

    target: str  # the gradient it is added to, `dx`
    code: str  # the line that says so: `dx += y * dq`
    upstream: Number | None  # the gradient of the gate
    local: Number | None  # None of gates that mix elements
    contribution: Number | None
    bound: Number | None = None  # of the contribution's error; None: not computed
    shapes: str | None = None  # of a matrix product: `(5, 3) @ (3, 10) = (5, 10)`
    claim: Number | None = None  # the contribution as a hand-written backward pass has it
    expected: Number | None = None  # what that should be
    verdict: str | None = None  # on that claim
    is_cause: bool = False  # wrong by itself, and not because of another line
    claim_line: int | None = None  # of the program
    reason: str | None = None  # why it is wrong


class Gathered(NamedTuple):
    """Contributions that meet at a name that is used more than once."""

    uses: list[str]  # the names that read it
    contributions: list[Number | None]


class Step(NamedTuple):
    """A gate, as the sweep comes to it."""

    name: str  # as in the code: `q`, or `q1` for a gate without a name
    code: str  # the line that computes it: `q = x + y`
    gate: str
    pattern: str  # distributes, routes, switches or scales
    words: str  # what it does with its gradient
    value: Number
    gradient: Number | None
    gathered: Gathered | None  # where the gradient is a sum
    parts: list[Part]
    remarks: list[str]  # a tie, saturation, operands of very different sizes
    line: int  # of the program
    gradient_bound: Number | None = None


class InputTold(NamedTuple):
    """An input, and what a small step of it does."""

    name: str
    value: Number
    gradient: Number | None
    gathered: Gathered | None
    words: str
    gradient_bound: Number | None = None


class Telling(NamedTuple):
    """The story of one backward pass, from the output to the inputs."""

    expression: str
    output: str
    value: Number
    upstream: Number | None
    steps: list[Step]
    inputs: list[InputTold]
    notes: list[str]
    warnings: list[str]
    bound: Number | None = None

    def as_dict(self) -> dict[str, Any]:
        """The story as JSON holds it."""
        return {"schema": "gradcli.explain/1", **_plain(self)}


def _plain(told: Any) -> Any:
    """Named tuples as dicts, at any depth."""
    if hasattr(told, "_asdict"):
        return {key: _plain(value) for key, value in told._asdict().items()}
    return [_plain(part) for part in told] if isinstance(told, list) else told
