"""What the user wrote, made whole: inputs, stages, an output, and gradient lines.

    program = settings ; forward part ; backward part
    setting = NAME "=" constant            an input, unless the caller gives the name a value
    stage   = NAME "=" expression          a wall in the graph
    output  = the last forward stage, or a last line that is an expression
    claim   = "d" NAME "=" expression      a hand-written gradient, from the first such line on
            | OUTPUT "==" constant         a claim on the value

Statements are lowered one at a time. The values of settings stay expressions of constants, in a
graph of their own, so that this room computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gradcli.errors import ParseError
from gradcli.program.fused import fused_program
from gradcli.program.model import Options, Program, Setting, ValueClaim, nodes_of
from gradcli.program.reader import Reader
from gradcli.program.settings import parse_constant
from gradcli.syntax.tokens import Source


def read(
    text: str,
    name: str = "<expression>",
    settings: Mapping[str, Setting] | Iterable[tuple[str, Setting]] = (),
    free: Iterable[str] = (),
    options: Options | None = None,
) -> Program:
    """Read a program.

    `settings` are pairs of a name and its value and win over the text's own; `free` names inputs
    that get their values later. Raises GradcliError; names without a value are reported together.
    """
    if not isinstance(text, str):
        raise ParseError(f"a program is a text, this is {type(text).__name__}")
    pairs = list(settings.items() if isinstance(settings, Mapping) else settings)
    return Reader(Source(text, name), pairs, list(free), options or Options()).program()


__all__ = [
    "Options",
    "Program",
    "Setting",
    "ValueClaim",
    "fused_program",
    "nodes_of",
    "parse_constant",
    "read",
]
