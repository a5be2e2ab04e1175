"""Stray lines: stages and settings without use, and gradient lines that would be lost.

A stage that reaches neither the output nor a gradient line is a warning. It is an error if it looks
like a gradient: what its writer claims would never be looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain, islice

from gradcli.graph.nodes import Graph
from gradcli.named_tuples import NamedTuple
from gradcli.program.gradient_names import GradientNames, Likeness
from gradcli.syntax.tokens import Source

MOST_STAGES_NAMED = 5  # stages of a warning
MOST_STRAYS = 20  # that are reported one by one
MOVE = "gradient lines come after the forward part: move this line to the end"


class Stray(NamedTuple):
    """A line that would be lost: its token, what is wrong with it, and what to write."""

    token: int
    message: str
    hint: str


class Forward(NamedTuple):
    """A forward part that has been read to its end."""

    source: Source
    graph: Graph
    stages: Mapping[str, int]
    place: Callable[[str], int]  # the token where a stage or setting is assigned; else -1
    others: list[str]  # names of inputs and settings
    unused: list[str]  # settings
    idle: list[str]  # stages that neither the output nor the backward part depends on
    output: str | None  # None for a nameless last line
    is_chosen: bool  # by its name: what does not reach it is left aside on purpose

    @property
    def output_words(self) -> str:
        """The output in the words of a message."""
        return f"the output `{self.output}`" if self.output else "the output"

    def is_late(self, name: str) -> bool:
        """Whether a name is assigned after the output."""
        return self.output is not None and self.place(name) > self.place(self.output)

    def is_read(self, name: str) -> bool:
        """Whether anything is computed from a stage."""
        node = self.stages[name]
        return any(node in operands for operands in self.graph.operands[node + 1 :])


def idle_words(forward: Forward) -> str | None:
    """The warning of stages that do not reach the output; None where there is none."""
    idle = [] if forward.is_chosen else forward.idle
    if not idle:
        return None
    names = ", ".join(f"`{name}`" for name in idle[:MOST_STAGES_NAMED])
    more = f" and {len(idle) - MOST_STAGES_NAMED} more" if len(idle) > MOST_STAGES_NAMED else ""
    return f"{names}{more} {'does' if len(idle) == 1 else 'do'} not reach {forward.output_words}"


def strays(forward: Forward) -> list[Stray]:
    """The first lines that would be lost, in the order of the text."""
    names = GradientNames([*forward.stages, *forward.others])
    lines = chain(
        (_of_setting(name, forward, names) for name in forward.unused),
        (_of_stage(name, forward, names) for name in forward.idle),
        [_of_output(forward, names)],
    )
    return sorted(islice((line for line in lines if line is not None), MOST_STRAYS))


def unread(name: str, output: str) -> tuple[str, str]:
    """The message and the hint for a line after the output that no gradient line reads."""
    return (
        f"`{name}` is no gradient and no later gradient line reads it: a stage after the output "
        f"`{output}`, or a slip in the backward part",
        "name the output with `--output NAME` or `# gradcli: output NAME`, or remove the line",
    )


def _of_setting(name: str, forward: Forward, names: GradientNames) -> Stray | None:
    """A setting that nothing uses: a gradient line whose right side is a number."""
    is_late = forward.is_late(name)
    likeness = names.likeness(name, is_near=is_late)
    if likeness is None or not (likeness.of or is_late):
        return _trailing(name, forward)
    if likeness.is_proper(name):
        return _early(name, likeness.of, forward)
    message = f"`{name}` is set but not used and looks like {likeness.words}"
    return Stray(forward.place(name), message, f"{likeness.cure}, or remove the line")


def _of_stage(name: str, forward: Forward, names: GradientNames) -> Stray | None:
    """A stage that does not reach the output."""
    if forward.is_chosen:
        return _of_stage_aside(name, forward, names)
    likeness = names.likeness(name, is_near=forward.is_late(name))
    if likeness is None:
        return _trailing(name, forward)
    if likeness.is_proper(name):
        return _early(name, likeness.of, forward)
    return _lost(name, likeness, forward)


def _of_stage_aside(name: str, forward: Forward, names: GradientNames) -> Stray | None:
    """A stage beside a chosen output that looks like a gradient and is read by nothing."""
    likeness = names.likeness(name)
    if likeness is None or not likeness.of or forward.is_read(name):
        return None
    if likeness.is_proper(name):
        return _early(name, likeness.of, forward)
    return _lost(name, likeness, forward) if forward.is_late(name) else None


def _lost(name: str, likeness: Likeness, forward: Forward) -> Stray:
    return Stray(
        forward.place(name),
        f"`{name}` does not reach {forward.output_words} and looks like {likeness.words}",
        f"{likeness.cure}; {_say_so(name)}; or remove the line",
    )


def _of_output(forward: Forward, names: GradientNames) -> Stray | None:
    """The last stage, where its name is that of a gradient."""
    name = forward.output
    if name is None or forward.is_chosen or len(forward.stages) < 2:
        return None
    likeness = names.likeness(name, is_near=True)
    is_product = likeness is not None and likeness.is_of_g and "g" in names.names
    if likeness is None or (not forward.idle and (is_product or not likeness.of)):
        return None
    message = f"`{name}` would be the output and looks like {likeness.words}"
    return Stray(forward.place(name), message, f"{likeness.cure}; {_say_so(name)}")


def _early(name: str, of: str, forward: Forward) -> Stray:
    """A gradient line before the end of the forward part."""
    token, stage = forward.place(name), forward.place(of)
    message = f"`{name}` stands before the end of the forward part, and nothing uses it"
    if stage > token:
        line = forward.source.span(stage).line
        message = f"`{name}` stands before its stage `{of}`, which is computed on line {line}"
    return Stray(token, message, MOVE)


def _trailing(name: str, forward: Forward) -> Stray | None:
    """A line such as `dz`, taken for a part of the backward pass, though nothing there reads it."""
    if forward.is_chosen or forward.output is None or name[0] != "d" or not forward.is_late(name):
        return None
    return Stray(forward.place(name), *unread(name, forward.output))


def _say_so(name: str) -> str:
    return f"if it is the output, say so with `--output {name}` or `# gradcli: output {name}`"
