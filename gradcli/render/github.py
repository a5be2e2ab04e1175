"""GitHub: workflow commands, which it shows beside the lines of a change, and the job summary."""

from __future__ import annotations

from collections.abc import Iterator

from gradcli.errors import printable
from gradcli.render.findings import TROUBLE_LEVELS, count_line, troubles
from gradcli.render.look import Look
from gradcli.render.markdown import code_span, table_row
from gradcli.reports.checks import CheckReport

WORKFLOW_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}
MOST_ANNOTATIONS = 10  # GitHub drops those of a step beyond ten, and does not say so
MOST_ROWS_OF_SUMMARY = 500  # of a job summary, for which GitHub takes 1 MiB


def github(report: CheckReport, _: Look) -> Iterator[str]:
    """Workflow commands for the worst, one that says how many more there are, and the count."""
    shown = troubles(report)
    for finding in shown[:MOST_ANNOTATIONS]:
        file, title = _property(finding.file), _property(f"gradcli: {finding.title}")
        place = f"file={file},line={finding.line},col={finding.column},title={title}"
        command = WORKFLOW_COMMANDS[TROUBLE_LEVELS[finding.verdict]]
        yield f"::{command} {place}::{_data(finding.message)}\n"
    if len(shown) > MOST_ANNOTATIONS:
        yield f"::notice::and {len(shown) - MOST_ANNOTATIONS} more\n"
    yield f"gradcli: {count_line(report)}\n"


def summary_markdown(report: CheckReport) -> str:
    """The troubles as a Markdown table, for the file that GITHUB_STEP_SUMMARY names."""
    shown = troubles(report)
    parts = [f"### gradcli: {report.standing}\n\n{count_line(report)}\n"]
    if shown:
        parts.append("\n| verdict | place | name | what was found |\n| --- | --- | --- | --- |\n")
    for finding in shown[:MOST_ROWS_OF_SUMMARY]:
        name = finding.name and code_span(finding.name)
        place, text = code_span(finding.place), code_span(finding.text)
        parts.append(table_row(finding.verdict, place, name, text))
    if len(shown) > MOST_ROWS_OF_SUMMARY:
        parts.append(f"\nand {len(shown) - MOST_ROWS_OF_SUMMARY} more\n")
    return "".join(parts)


def _data(text: str) -> str:
    r"""The message of a workflow command: line ends as `%0A`, all else unseen as `\u001b`."""
    return printable(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    """A property of a workflow command, which a comma or colon would end."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
