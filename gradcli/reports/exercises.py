"""Exercises for students, as data: a program whose backward part is blank or has planted mistakes.

Exercise = text, solution, planted mistakes                schema of its key: gradcli.key/1
"""

from __future__ import annotations

import json
from typing import NamedTuple


class Exercise(NamedTuple):
    """A text for the student; its solution and the planted mistakes for the teacher."""

    head: list[str]  # the lines above the backward part
    rows: list[str]  # those of the backward part, blank or perhaps wrong
    solution: str
    mistakes: dict[int, str]  # the planted ones, by line
    seed: int
    variant: int | None = None  # counted from 1, where there are several

    @property
    def text(self) -> str:
        """The program as the student gets it."""
        return "\n".join([*self.head, *self.rows]) + "\n"

    def key(self) -> str:
        """The key file: JSON with the solution and the planted mistakes."""
        data = {
            "schema": "gradcli.key/1", "solution": self.solution, "seed": self.seed,
            "mistakes": [{"line": n, "mistake": name} for n, name in sorted(self.mistakes.items())],
        }  # fmt: skip
        return json.dumps(data, indent=1) + "\n"


def task_of(lines: int, wrong: int) -> str:
    """What is to be done with the lines below, in a phrase."""
    if not wrong:
        return f"write {'this line' if lines == 1 else f'these {lines} lines'}"
    return f"{wrong} of these {lines} lines {'is' if wrong == 1 else 'are'} wrong"
