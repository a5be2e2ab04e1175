"""The baseline of a `check`: failures that are known, and do not count while they are the same.

    {"schema": "gradcli.baseline/1",
     "known": [{"file": "a.grad", "verdict": "fail", "names": ["x", "line dx"]}]}

A case is known where its verdict is, and every name that is wrong in it. One more name, or a worse
verdict, and it counts.
"""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

from gradcli.errors import FileError
from gradcli.reports.checks import KNOWN, Case, CheckReport

SCHEMA = "gradcli.baseline/1"
RIGHT = ("pass", "kink")
NEVER_KNOWN = ("file", "internal")  # kinds of errors that may be others tomorrow


class Known(NamedTuple):
    """What is known of the cases of one file: their verdict, and the names that are wrong."""

    file: str  # as seen from the folder of the baseline, with forward slashes
    verdict: str
    names: tuple[str, ...]


def read_baseline(text: str, path: str) -> list[Known]:
    """The failures that a baseline names. Raises FileError for what is none."""
    try:
        data = json.loads(text)
        if data["schema"] != SCHEMA:
            raise ValueError(data["schema"])
        known = [Known(k["file"], k["verdict"], tuple(k["names"])) for k in data["known"]]
        if not all(isinstance(text, str) for k in known for text in (k.file, k.verdict, *k.names)):
            raise TypeError("a text is expected")
        return known
    except (ValueError, KeyError, TypeError, RecursionError):
        raise FileError(f"{path} is not a baseline",
                        hint="--update-baseline writes one") from None  # fmt: skip


def with_baseline(report: CheckReport, known: list[Known], path: str) -> CheckReport:
    """The report in which the cases that are known do not count."""
    names: dict[tuple[str, str], set[str]] = {}
    for entry in known:
        names.setdefault((entry.file, entry.verdict), set()).update(entry.names)
    cases = []
    for case in report.cases:
        own = _known(case, path)
        known_names = None if own is None else names.get((own.file, own.verdict))
        is_known = own is not None and known_names is not None and known_names >= {*own.names}
        cases.append(case._replace(excuse=KNOWN) if is_known else case)
    return CheckReport(cases)


def baseline_of(report: CheckReport, path: str) -> dict[str, Any]:
    """A baseline that names all failures of a report."""
    entries = [own for case in report.cases if (own := _known(case, path)) is not None]
    return {"schema": SCHEMA, "known": [
        {"file": entry.file, "verdict": entry.verdict, "names": [*entry.names]}
        for entry in sorted(set(entries))
    ]}  # fmt: skip


def _known(case: Case, path: str) -> Known | None:
    """What a baseline says of a case; None of one that is right, skipped, or of an unread file."""
    if case.verdict in RIGHT or case.excuse is not None:
        return None
    if case.problem is not None and case.problem.kind in NEVER_KNOWN:
        return None
    wrong = [check.name for check in (*case.derivatives, *case.values)
             if check.verdict not in RIGHT and not case.leaves_out(check)]  # fmt: skip
    wrong += [f"line {line.name}" for line in case.lines if line.is_accused]
    problem = [case.problem.message] if case.problem is not None else []
    folder = os.path.dirname(os.path.abspath(path))
    file = os.path.relpath(case.file, folder).replace(os.sep, "/")
    return Known(file, case.verdict, tuple(sorted({*wrong, *problem})))
