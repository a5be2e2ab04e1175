"""A line per finding, as editors and logs read it."""

from __future__ import annotations

from collections.abc import Iterator

from gradcli.render.findings import count_line, findings, troubles, worst_first
from gradcli.render.look import Look
from gradcli.reports.checks import CheckReport


def concise(report: CheckReport, look: Look) -> Iterator[str]:
    """A line per trouble, or per finding under `-v`; the worst first, then the count."""
    shown = worst_first(findings(report)) if look.verbosity > 0 else troubles(report)
    for finding in shown:
        yield f"{finding.concise}\n"
    yield f"{count_line(report)}\n"
