"""The formats: which function writes which report, loaded when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, TextIO

from gradcli.render.diagnostic import encodable, error_dict, error_text, problem_text, warning_text
from gradcli.render.look import Look
from gradcli.render.strict_json import json_text

if TYPE_CHECKING:
    from gradcli.reports.checks import Case, CheckReport
    from gradcli.reports.circuits import Circuit
    from gradcli.reports.evaluations import EvalReport
    from gradcli.reports.exercises import Exercise
    from gradcli.reports.gates import GateReport
    from gradcli.reports.grades import Grade, GradeReport
    from gradcli.reports.pages import Page
    from gradcli.reports.plots import Plot
    from gradcli.reports.steps import StepsReport
    from gradcli.reports.tellings import Telling

__all__ = [
    "CHECK_FORMATS", "CURVE_FORMATS", "CURVE_IMAGES", "EXERCISE_FORMATS", "FORMATS",
    "GATE_FORMATS", "GRADE_FORMATS", "GRAPH_FORMATS", "IMAGES", "TELLING_FORMATS", "error_dict",
    "error_text", "grade_sheet", "image", "json_text", "plot_image", "problem_text", "steps_image",
    "warning_text", "write", "write_check", "write_circuit", "write_exercise", "write_gates",
    "write_grades", "write_page", "write_plot", "write_steps", "write_telling",
]  # fmt: skip

# Of each kind of report the functions that write it, by format: (report, look) -> pieces of text.
# They stand as text, `file.function`, so that only the one that is asked for is loaded.
RENDERERS = {
    "evaluation": {
        "table": "table.table", "plain": "plain.plain", "json": "strict_json.json_report",
        "jsonl": "jsonl.evaluation_lines", "csv": "csv.csv_rows", "markdown": "markdown.markdown",
        "latex": "latex.latex", "html": "html.html",
    },
    "brief evaluation": {"table": "brief.brief"},  # without what loads rich
    "brief check": {"table": "headings.brief_check"},
    "check": {
        "table": "check_table.check_table", "json": "strict_json.json_report",
        "jsonl": "jsonl.check_lines", "concise": "concise.concise", "github": "github.github",
        "junit": "junit.junit", "sarif": "sarif.sarif", "gitlab": "gitlab.gitlab",
        "tap": "tap.tap", "rdjson": "rdjson.rdjson", "csv": "check_rows.check_csv",
        "markdown": "check_rows.check_markdown", "plain": "check_rows.check_plain",
        "latex": "latex.latex_check", "html": "html.html_check",
    },
    "grades": {
        "table": "table.grade_table", "json": "strict_json.json_report",
        "csv": "grade_rows.grade_csv", "markdown": "grade_rows.grade_markdown",
        "html": "grade_rows.grade_page",
    },
    "exercise": {
        "program": "handout.program", "markdown": "handout.markdown", "latex": "handout.latex",
        "html": "handout.page",
    },
    "gates": {
        "table": "gates.gate_table", "json": "strict_json.json_report",
        "markdown": "gates.gate_markdown",
    },
    "telling": {
        "table": "telling.story", "json": "strict_json.json_report",
        "markdown": "telling.markdown_story", "latex": "latex.latex_story",
        "html": "html.html_story",
    },
    "circuit": {
        "tree": "circuit.tree.tree", "json": "strict_json.json_report", "dot": "circuit.dot.dot",
        "mermaid": "circuit.mermaid.mermaid", "svg": "circuit.svg.svg",
    },
    "page": {"html": "page.document.html"},
    "steps": {"chart": "curves.step_chart.step_chart", "json": "strict_json.json_report"},
    "plot": {"chart": "curves.plot_chart.plot_chart", "json": "strict_json.json_report"},
}  # fmt: skip
IMAGES = ("png", "pdf")  # the formats that are no text
LAID_OUT = ("svg", *IMAGES)  # by Graphviz
CURVE_IMAGES = ("png", "svg", "pdf")
FORMATS, CHECK_FORMATS, GRADE_FORMATS, GATE_FORMATS, TELLING_FORMATS, EXERCISE_FORMATS = (
    tuple(RENDERERS[kind])
    for kind in ("evaluation", "check", "grades", "gates", "telling", "exercise")
)
GRAPH_FORMATS = ("tree", "json", "dot", "mermaid", "html", *LAID_OUT)
CURVE_FORMATS = (*RENDERERS["plot"], *CURVE_IMAGES)


def write(
    report: EvalReport, format: str, out: TextIO, *, color: str = "auto", verbosity: int = 0,
    show_all: bool = False, is_for_spreadsheet: bool = False, decimals: int | None = None,
    digits: int | None = None,
) -> None:  # fmt: skip
    """Write an evaluation in one of FORMATS; only what is for people heeds the keywords."""
    look = Look(out, color, verbosity, show_all, decimals,
                is_for_spreadsheet=is_for_spreadsheet, digits=digits)  # fmt: skip
    _put(_kind("evaluation", format, look), format, report, look)


def write_check(
    report: CheckReport, format: str, out: TextIO, *, color: str = "auto", verbosity: int = 0,
    is_for_spreadsheet: bool = False, decimals: int | None = None,
) -> None:  # fmt: skip
    """Write the report of a check in one of CHECK_FORMATS; only the table has colour."""
    look = Look(
        out, color, verbosity, decimals=decimals, is_for_spreadsheet=is_for_spreadsheet
    )  # fmt: skip
    _put(_kind("check", format, look), format, report, look)


def write_grades(
    report: GradeReport, format: str, out: TextIO, *, color: str = "auto",
    is_for_spreadsheet: bool = False,
) -> None:  # fmt: skip
    """Write grades in one of GRADE_FORMATS."""
    _put("grades", format, report, Look(out, color, is_for_spreadsheet=is_for_spreadsheet))


def grade_sheet(grade: Grade, case: Case) -> str:
    """The sheet of one student, as Markdown."""
    from gradcli.render.grade_rows import sheet

    return sheet(grade, case)


def write_exercise(exercise: Exercise, format: str, out: TextIO) -> None:
    """Write an exercise in one of EXERCISE_FORMATS."""
    _put("exercise", format, exercise, Look(out))


def write_circuit(
    circuit: Circuit, format: str, out: TextIO, *, color: str = "auto", decimals: int | None = None,
    theme: str = "auto",
) -> None:  # fmt: skip
    """Write a circuit in one of GRAPH_FORMATS that are text, but for html. Raises LayoutError."""
    _put("circuit", format, circuit, Look(out, color, decimals=decimals, theme=theme))


def write_page(page: Page, out: TextIO, decimals: int | None = None, theme: str = "auto") -> None:
    """Write a circuit as a page to be stepped through."""
    _put("page", "html", page, Look(out, decimals=decimals, theme=theme))


def write_steps(
    report: StepsReport, format: str, out: TextIO, *, color: str = "auto", verbosity: int = 0
) -> None:
    """Write errors against steps in one of CURVE_FORMATS that are text."""
    _put("steps", format, report, Look(out, color, verbosity))


def write_plot(
    plot: Plot, format: str, out: TextIO, *, color: str = "auto", verbosity: int = 0
) -> None:
    """Write value and gradient in one of CURVE_FORMATS that are text."""
    _put("plot", format, plot, Look(out, color, verbosity))


def plot_image(plot: Plot, format: str) -> bytes:
    """Value and gradient in one of CURVE_IMAGES. Raises LayoutError."""
    from gradcli.render.curves.figures import plot_picture

    return plot_picture(plot, format)


def steps_image(report: StepsReport, format: str) -> bytes:
    """Errors against steps in one of CURVE_IMAGES. Raises LayoutError."""
    from gradcli.render.curves.figures import steps_picture

    return steps_picture(report, format)


def image(circuit: Circuit, format: str, decimals: int | None, theme: str) -> bytes:
    """A circuit in one of IMAGES. Raises LayoutError."""
    from io import StringIO

    from gradcli.render.circuit.graphviz import laid_out

    text = StringIO()
    write_circuit(circuit, "dot", text, decimals=decimals, theme=theme)
    return laid_out(text.getvalue(), format)


def write_gates(report: GateReport, format: str, out: TextIO) -> None:
    """Write the sheets of gates in one of GATE_FORMATS."""
    _put("gates", format, report, Look(out))


def write_telling(
    telling: Telling, format: str, out: TextIO, *, color: str = "auto", decimals: int | None = None
) -> None:
    """Write the story of a backward pass in one of TELLING_FORMATS."""
    _put("telling", format, telling, Look(out, color, decimals=decimals))


def _kind(kind: str, format: str, look: Look) -> str:
    """The kind of a report, or the brief one of it where that is all to be printed."""
    if format == "table" and look.verbosity < 0:
        from gradcli.render.brief import is_plain  # late: few reports are brief

        return f"brief {kind}" if is_plain(look) else kind
    return kind


def _put(kind: str, format: str, report: object, look: Look) -> None:
    module, _, function = RENDERERS[kind][format].rpartition(".")
    for piece in getattr(import_module(f"gradcli.render.{module}"), function)(report, look):
        look.out.write(encodable(piece, look.out))
