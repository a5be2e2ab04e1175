"""The formats: which file writes which, loaded when it is asked for.

A format is a file with a function (report, look) -> pieces of text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TextIO, TypeVar

from gradcli.render.diagnostic import encodable, error_dict, error_text
from gradcli.render.look import Look
from gradcli.render.strict_json import json_report, json_text

if TYPE_CHECKING:
    from gradcli.reports.checks import CheckReport
    from gradcli.reports.circuits import Circuit
    from gradcli.reports.evaluations import EvalReport
    from gradcli.reports.gates import GateReport
    from gradcli.reports.grades import GradeReport
    from gradcli.reports.pages import Page
    from gradcli.reports.plots import Plot
    from gradcli.reports.steps import StepsReport
    from gradcli.reports.tellings import Telling

__all__ = [
    "CHECK_FORMATS", "CURVE_FORMATS", "CURVE_IMAGES", "FORMATS", "GATE_FORMATS", "GRADE_FORMATS",
    "GRAPH_FORMATS", "IMAGES", "TELLING_FORMATS", "error_dict", "error_text", "image", "json_text",
    "plot_image", "steps_image", "write", "write_check", "write_circuit", "write_gates",
    "write_grades", "write_page", "write_plot", "write_steps", "write_telling",
]  # fmt: skip

FORMATS = ("table", "plain", "json", "jsonl", "csv", "markdown")
CHECK_FORMATS = ("table", "json", "jsonl", "concise", "github", "junit", "sarif", "gitlab")
GRADE_FORMATS = ("table", "json")
GATE_FORMATS = TELLING_FORMATS = ("table", "json", "markdown")
GRAPH_FORMATS = ("tree", "json", "dot", "mermaid", "html", "svg", "png", "pdf")
IMAGES = ("png", "pdf")  # the formats that are no text
LAID_OUT = ("svg", *IMAGES)  # by Graphviz
CURVE_FORMATS = ("chart", "json", "png", "svg", "pdf")
CURVE_IMAGES = ("png", "svg", "pdf")

Report = TypeVar("Report")
Renderer = Callable[[Report, Look], Iterable[str]]


def write(
    report: EvalReport, format: str, out: TextIO, *, color: str = "auto", verbosity: int = 0,
    show_all: bool = False,
) -> None:  # fmt: skip
    """Write an evaluation in one of FORMATS; only the table heeds the keywords."""
    _put(_of_evaluation(format)(report, Look(out, color, verbosity, show_all)), out)


def write_check(
    report: CheckReport, format: str, out: TextIO, *, color: str = "auto", verbosity: int = 0
) -> None:
    """Write the report of a check in one of CHECK_FORMATS; only the table has colour."""
    _put(_of_check(format)(report, Look(out, color, verbosity)), out)


def write_grades(report: GradeReport, format: str, out: TextIO, *, color: str = "auto") -> None:
    """Write grades in one of GRADE_FORMATS."""
    _put(_of_grades(format)(report, Look(out, color)), out)


def write_circuit(
    circuit: Circuit, format: str, out: TextIO, *, color: str = "auto", decimals: int | None = None,
    theme: str = "auto",
) -> None:  # fmt: skip
    """Write a circuit in one of GRAPH_FORMATS that are text, but for html. Raises LayoutError."""
    look = Look(out, color, decimals=decimals, theme=theme)
    _put(_of_circuit(format)(circuit, look), out)


def write_page(page: Page, out: TextIO, decimals: int | None = None, theme: str = "auto") -> None:
    """Write a circuit as a page to be stepped through."""
    from gradcli.render.page.document import html  # late: few circuits are pages

    _put(html(page, Look(out, decimals=decimals, theme=theme)), out)


def write_steps(
    report: StepsReport, format: str, out: TextIO, *, color: str = "auto", verbosity: int = 0
) -> None:
    """Write errors against steps in one of CURVE_FORMATS that are text."""
    renderer: Renderer[StepsReport] = json_report
    if format == "chart":
        from gradcli.render.curves.step_chart import step_chart as renderer
    _put(renderer(report, Look(out, color, verbosity)), out)


def write_plot(
    plot: Plot, format: str, out: TextIO, *, color: str = "auto", verbosity: int = 0
) -> None:
    """Write value and gradient in one of CURVE_FORMATS that are text."""
    renderer: Renderer[Plot] = json_report
    if format == "chart":
        from gradcli.render.curves.plot_chart import plot_chart as renderer
    _put(renderer(plot, Look(out, color, verbosity)), out)


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
    _put(_of_gates(format)(report, Look(out)), out)


def write_telling(
    telling: Telling, format: str, out: TextIO, *, color: str = "auto", decimals: int | None = None
) -> None:
    """Write the story of a backward pass in one of TELLING_FORMATS."""
    _put(_of_telling(format)(telling, Look(out, color, decimals=decimals)), out)


def _put(pieces: Iterable[str], out: TextIO) -> None:
    for piece in pieces:
        out.write(encodable(piece, out))


def _of_evaluation(format: str) -> Renderer[EvalReport]:
    renderer: Renderer[EvalReport]
    match format:
        case "table":
            from gradcli.render.table import table as renderer
        case "plain":
            from gradcli.render.plain import plain as renderer
        case "json":
            renderer = json_report
        case "jsonl":
            from gradcli.render.jsonl import evaluation_lines as renderer
        case "csv":
            from gradcli.render.csv import csv_rows as renderer
        case "markdown":
            from gradcli.render.markdown import markdown as renderer
        case _:
            raise KeyError(format)
    return renderer


def _of_check(format: str) -> Renderer[CheckReport]:
    renderer: Renderer[CheckReport]
    match format:
        case "table":
            from gradcli.render.check_table import check_table as renderer
        case "json":
            renderer = json_report
        case "jsonl":
            from gradcli.render.jsonl import check_lines as renderer
        case "concise":
            from gradcli.render.concise import concise as renderer
        case "github":
            from gradcli.render.github import github as renderer
        case "junit":
            from gradcli.render.junit import junit as renderer
        case "sarif":
            from gradcli.render.sarif import sarif as renderer
        case "gitlab":
            from gradcli.render.gitlab import gitlab as renderer
        case _:
            raise KeyError(format)
    return renderer


def _of_grades(format: str) -> Renderer[GradeReport]:
    renderer: Renderer[GradeReport]
    match format:
        case "table":
            from gradcli.render.table import grade_table as renderer
        case "json":
            renderer = json_report
        case _:
            raise KeyError(format)
    return renderer


def _of_gates(format: str) -> Renderer[GateReport]:
    renderer: Renderer[GateReport]
    match format:
        case "table":
            from gradcli.render.gates import gate_table as renderer
        case "json":
            renderer = json_report
        case "markdown":
            from gradcli.render.gates import gate_markdown as renderer
        case _:
            raise KeyError(format)
    return renderer


def _of_telling(format: str) -> Renderer[Telling]:
    renderer: Renderer[Telling]
    match format:
        case "table":
            from gradcli.render.telling import story as renderer
        case "json":
            renderer = json_report
        case "markdown":
            from gradcli.render.telling import markdown_story as renderer
        case _:
            raise KeyError(format)
    return renderer


def _of_circuit(format: str) -> Renderer[Circuit]:
    renderer: Renderer[Circuit]
    match format:
        case "tree":
            from gradcli.render.circuit.tree import tree as renderer
        case "json":
            renderer = json_report
        case "dot":
            from gradcli.render.circuit.dot import dot as renderer
        case "mermaid":
            from gradcli.render.circuit.mermaid import mermaid as renderer
        case "svg":
            from gradcli.render.circuit.svg import svg as renderer
        case _:
            raise KeyError(format)
    return renderer
