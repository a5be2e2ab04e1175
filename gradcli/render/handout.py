"""Exercises as pages to hand out: Markdown, LaTeX and HTML."""

from __future__ import annotations

import html
from collections.abc import Iterator

from gradcli.errors import printable
from gradcli.render.look import Look
from gradcli.reports.exercises import Exercise

BLANK = "_" * 30
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:3rem auto;padding:0 1rem}"
    "pre{font:14px/1.7 ui-monospace,monospace;border:1px solid;border-radius:4px;padding:1rem;"
    "overflow-x:auto}@media print{body{margin:0}}"
)


def program(exercise: Exercise, _: Look) -> Iterator[str]:
    """The program itself."""
    yield exercise.text


def markdown(exercise: Exercise, _: Look) -> Iterator[str]:
    """A heading and the program as a code block."""
    fence = "```"
    while fence in exercise.text:
        fence += "`"
    yield f"# {_title(exercise)}\n\nName: {BLANK}\n\n{fence}python\n"
    yield from _lines(exercise)
    yield f"{fence}\n"


def latex(exercise: Exercise, _: Look) -> Iterator[str]:
    """A document with the program verbatim; it needs no package but fontenc."""
    yield "\\documentclass[11pt]{article}\n\\usepackage[T1]{fontenc}\n\\begin{document}\n"
    yield f"\\section*{{{_title(exercise)}}}\n\\noindent Name: \\underline{{\\hspace{{8cm}}}}\n\n"
    yield "\\begin{verbatim}\n"
    for line in _lines(exercise):  # nothing but this ends it
        yield line.replace("\\end{verbatim}", "\\end {verbatim}")
    yield "\\end{verbatim}\n\\end{document}\n"


def page(exercise: Exercise, _: Look) -> Iterator[str]:
    """A page of HTML, which prints well."""
    title = html.escape(_title(exercise))
    yield f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n'
    yield f"<style>{STYLE}</style>\n<h1>{title}</h1>\n<p>Name: {BLANK}</p>\n<pre>"
    for line in _lines(exercise):
        yield html.escape(line)
    yield "</pre>\n</html>\n"


def _title(exercise: Exercise) -> str:
    number = "" if exercise.variant is None else f" {exercise.variant}"
    return f"Exercise{number}: the backward pass"


def _lines(exercise: Exercise) -> Iterator[str]:
    """The lines of the program; those that are blank with room to write."""
    for line in exercise.head:
        yield f"{printable(line)}\n"
    for row in exercise.rows:
        is_blank = not exercise.mistakes and row.startswith("# ")
        yield f"{row[2:]} {BLANK}\n" if is_blank else f"{printable(row)}\n"
