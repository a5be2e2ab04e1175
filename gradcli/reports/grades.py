"""Grades for a folder of answers, as frozen data. Schema gradcli.grade/1."""

from __future__ import annotations

from typing import Any

from gradcli.named_tuples import NamedTuple


class Grade(NamedTuple):
    """The score of one answer: of the gradients asked for, how many have right lines."""

    file: str
    right: int
    asked: int
    mistakes: list[str]  # by name, of each line that is wrong by itself; `unnamed` among them
    missing: list[str]  # names without a gradient
    problem: str | None = None  # why the answer could not be graded
    undecided: dict[str, str] = {}  # noqa: RUF012  # never written to: verdicts that say neither
    changed: list[str] = []  # noqa: RUF012  # never written to: inputs, graded at the exercise's
    reasons: list[str] = []  # noqa: RUF012  # never written to: of each mistake, in words

    @property
    def shortcomings(self) -> str:
        """What is wrong, missing, undecided or changed, in words."""
        missing = [f"no d{name}" for name in self.missing]
        undecided = [f"d{name} is {verdict}" for name, verdict in self.undecided.items()]
        words = [*filter(None, [self.problem]), *self.mistakes, *missing, *undecided]
        if self.changed:
            words.append(f"{' and '.join(self.changed)} changed: graded at the exercise's")
        return ", ".join(words)

    @property
    def score(self) -> float:
        """Between 0 and 1."""
        return self.right / self.asked if self.asked else 0.0


class GradeReport(NamedTuple):
    """All answers, and how often each mistake was made."""

    grades: list[Grade]

    @property
    def mistakes(self) -> dict[str, tuple[int, int]]:
        """By name: in how many answers, on how many lines; the most frequent first."""
        counts: dict[str, tuple[int, int]] = {}
        for grade in self.grades:
            for name in set(grade.mistakes):
                answers, lines = counts.get(name, (0, 0))
                counts[name] = answers + 1, lines + grade.mistakes.count(name)
        return dict(sorted(counts.items(), key=lambda item: (*(-n for n in item[1]), item[0])))

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        return {
            "schema": "gradcli.grade/1",
            "answers": [{**grade._asdict(), "score": grade.score} for grade in self.grades],
            "mistakes": [
                {"mistake": name, "answers": answers, "lines": lines}
                for name, (answers, lines) in self.mistakes.items()
            ],
        }
