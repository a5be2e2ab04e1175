r"""Reports for people as LaTeX: tables of booktabs, names in `\texttt`, numbers as mathematics.

What is written stands inside a document that loads booktabs; no other package is needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gradcli.render.check_table import check_parts
from gradcli.render.documents import DocumentPage, Item, Listing, Run, Table, runs_of
from gradcli.render.look import Look
from gradcli.render.table import Column, evaluation_parts
from gradcli.render.telling import story_parts
from gradcli.reports.checks import CheckReport
from gradcli.reports.evaluations import EvalReport
from gradcli.reports.tellings import Telling

HEAD = "% \\usepackage{booktabs}\n"
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "#": r"\#", "$": r"\$", "%": r"\%",
    "&": r"\&", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "{''}",
    "\u00d7": r"$\times$", "\u00b7": r"$\cdot$", "\u00b1": r"$\pm$", "\u2248": r"$\approx$",
    "\u221a": r"$\surd$", "\u2212": "-",
}  # fmt: skip
GREEK = dict(zip(
    "\u03b1\u03b2\u03b3\u03b4\u03b5\u03b6\u03b7\u03b8\u03ba\u03bb\u03bc\u03bd\u03be\u03c0\u03c1"
    "\u03c3\u03c4\u03c6\u03c7\u03c8\u03c9",
    ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu",
     "nu", "xi", "pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega"), strict=True,
))  # fmt: skip
SPECIAL |= {letter: rf"$\{name}$" for letter, name in GREEK.items()}
_POWER = re.compile(r"(?<=\d)e([+-]?\d+)")
_NUMERIC = re.compile(r"[-+\d.,eE\[\]()\s\u2248\u00b1*=]*\d[-+\d.,eE\[\]()\s\u2248\u00b1*=]*")
CODE = ("name", "expression", "gate")  # roles of what is written in the language


class LatexPage(DocumentPage):
    """Writes the parts of a report as LaTeX."""

    def paragraph(self, text: list[Run]) -> str:
        r"""A sentence on a line of its own."""
        return rf"\noindent {''.join(map(_run, text))}\par" + "\n"

    def tabular(self, table: Table) -> str:
        """A table with rules of booktabs."""
        kinds = "".join("r" if column.is_number else "l" for column in table.columns)
        titles = " & ".join(escaped(column.title) for column in table.columns)
        rows = [
            " & ".join(_cell(cell, column) for column, cell in zip(table.columns, row,
                                                                        strict=False))
            for row in table.rows
        ]  # fmt: skip
        body = "".join(f"  {row} \\\\\n" for row in rows)
        return (
            f"\\begin{{tabular}}{{{kinds}}}\n  \\toprule\n  {titles} \\\\\n  \\midrule\n{body}"
            "  \\bottomrule\n\\end{tabular}\\par\\medskip\n"
        )

    def entry(self, item: Item) -> str:
        """A text with its title before it, or set in a little."""
        title = rf"\texttt{{{escaped(item.title)}}}: " if item.title else ""
        return rf"\noindent\hspace*{{1.5em}}{title}{mathematics(item.text)}\par" + "\n"

    def program(self, listing: Listing) -> str:
        """A program as a table: the verdict, the line number, the line."""
        rows = []
        for parts in listing.rows:
            texts = [text for text, _ in runs_of(parts)]
            if parts and isinstance(parts[0], tuple):
                margin, _, number, line = texts[:4]
                rows.append(
                    f"{escaped(margin.strip())} & {escaped(number.strip())} & "
                    rf"\texttt{{{_kept(line.removeprefix('  '))}}}"
                )
            else:
                words = escaped("".join(texts).strip())
                rows.append(rf" & & \parbox[t]{{0.7\linewidth}}{{\emph{{{words}}}}}")
        body = "".join(f"  {row} \\\\\n" for row in rows)
        return f"\\begin{{tabular}}{{lrl}}\n{body}\\end{{tabular}}\\par\\medskip\n"


def escaped(text: str) -> str:
    """Text without what LaTeX takes for a command."""
    return "".join(SPECIAL.get(character, character) for character in text)


def mathematics(text: str) -> str:
    """A text; numbers alone, and lists of them, as mathematics."""
    if not _NUMERIC.fullmatch(text):
        return escaped(text)
    shown = _POWER.sub(lambda match: rf" \times 10^{{{int(match[1])}}}", text)
    shown = shown.replace("+-", r"\pm").replace("\u00b1", r"\pm").replace("\u2248", r"\approx ")
    shown = shown.replace("*", r"\cdot")
    return f"${shown}$"


def _kept(line: str) -> str:
    """A line of code whose blanks in front stay."""
    body = line.lstrip(" ")
    return "~" * (len(line) - len(body)) + escaped(body)


def _run(run: Run) -> str:
    text, role = run
    if role in CODE:
        return rf"\texttt{{{escaped(text)}}}"
    if role.startswith("verdict."):
        return rf"\textbf{{{escaped(text)}}}"
    return mathematics(text) if role in ("value", "gradient") else escaped(text)


def _cell(cell: str, column: Column) -> str:
    """A cell; numbers of whatever role are mathematics."""
    is_number = column.is_number or column.role == "chain"
    role = "value" if is_number else f"{column.role}." if column.role == "verdict" else column.role
    lines = [_run((line, role)) if line else "" for line in cell.split("\n")]
    if len(lines) == 1:
        return lines[0]
    body = r" \\ ".join(lines)
    return rf"\begin{{tabular}}[t]{{@{{}}r@{{}}}}{body}\end{{tabular}}"


def latex(report: EvalReport, look: Look) -> Iterator[str]:
    """An evaluation."""
    page = LatexPage(look)
    yield HEAD
    for part in evaluation_parts(report, page):
        yield page.drawn(part)


def latex_check(report: CheckReport, look: Look) -> Iterator[str]:
    """A check."""
    page = LatexPage(look)
    yield HEAD
    for part in check_parts(report, page):
        yield page.drawn(part)


def latex_story(telling: Telling, look: Look) -> Iterator[str]:
    """The story of a backward pass."""
    page = LatexPage(look)
    yield HEAD
    for part in story_parts(telling, page):
        yield page.drawn(part)
