"""The report of `check` for scripts and for continuous integration: one function per format.

    json, jsonl     the whole report, for scripts
    concise         a line per finding, for editors and logs
    github          workflow commands, which GitHub shows beside the lines of a change
    junit           XML for GitLab, Jenkins, Azure and most others
    sarif, gitlab   findings for code scanning and code quality

A Finding is what one input, one claimed value or one case as a whole has come to.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from gradcli.render.diagnostic import encodable, printable
from gradcli.render.machine import _code, _piped, elements, exact
from gradcli.render.strict_json import json_text
from gradcli.reports import VERDICTS, InputCheck, Number
from gradcli.reports.checks import Case, CheckReport
from gradcli.reports.lines import FEW, LineCheck
from gradcli.reports.mistakes import MISTAKES

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MOST_ANNOTATIONS = 10  # GitHub drops those of a step beyond ten, and does not say so
MOST_ROWS = 500  # of a job summary, for which GitHub takes 1 MiB
MOST_OF_POINT = 20  # numbers

# How loud a verdict is for GitHub and in SARIF; a verdict that is not here is no trouble.
LEVELS = {"error": "error", "fail": "error", "undefined": "warning", "inconclusive": "warning"}

# The same for GitLab.
SEVERITIES = dict(zip(LEVELS, ("critical", "critical", "major", "minor"), strict=True))

MEANINGS = {
    "pass": "The claim is the derivative.",
    "kink": "Not differentiable here; the claim is between the one-sided slopes.",
    "inconclusive": "It cannot be told whether the claim is the derivative.",
    "undefined": "No derivative exists here.",
    "fail": "The claim is not the derivative.",
    "error": "The case could not be read.",
}

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


class Finding(NamedTuple):
    """What was found, and where it stands."""

    file: str
    line: int
    column: int
    verdict: str
    name: str  # empty for a case that could not be read
    text: str
    details: tuple[str, ...] = ()  # further lines: the point, notes, help
    error: float = math.inf  # relative; without end where none is known
    mistake: str | None = None  # of a line, where it has a name
    is_consequence: bool = False  # another finding explains it
    label: str = ""  # the name, or the verdict; numbered, so that it is the only one in its file

    @property
    def title(self) -> str:
        """The verdict, and on what."""
        return f"{self.verdict} {self.name}".rstrip()

    @property
    def place(self) -> str:
        """File, line and column."""
        return f"{self.file}:{self.line}:{self.column}"

    @property
    def concise(self) -> str:
        """The finding on one line, as editors read it."""
        return printable(f"{self.place}: {self.title}: {self.text}")

    @property
    def message(self) -> str:
        """The text, then each detail on a line of its own."""
        return "\n".join((self.text, *self.details))

    @property
    def fingerprint(self) -> str:
        """What stays the same when lines move: a hash of file, label and verdict."""
        from hashlib import sha256

        identity = "\0".join((_relative(self.file), self.label, self.verdict))
        return sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()


# -------------------------------------------------------------------- what was found


def findings(report: CheckReport) -> list[Finding]:
    """All findings in the order of the report."""
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for case in report.cases:
        for finding in _of_case(case):
            label = finding.name or finding.verdict
            seen[case.file, label] += 1
            count = seen[case.file, label]
            found.append(finding._replace(label=f"{label} ({count})" if count > 1 else label))
    return found


def troubles(report: CheckReport) -> list[Finding]:
    """The findings that are neither pass nor kink, the worst first.

    What only follows from a wrong line is left to that line: one slip is one finding.
    """
    return _worst_first(f for f in findings(report) if f.verdict in LEVELS and not f.is_consequence)


def tallies(report: CheckReport) -> list[tuple[int, str]]:
    """How many cases have which verdict, the worst first, without those that none has."""
    summary = report.summary
    return [(summary[v], v) for v in reversed(VERDICTS) if summary[v]]


def count_line(report: CheckReport) -> str:
    """What `concise` ends with: `3 cases: 1 fail, 2 pass`."""
    total = len(report.cases)
    counts = ", ".join(f"{count} {verdict}" for count, verdict in tallies(report))
    return f"{total} {'case' if total == 1 else 'cases'}: {counts or 'nothing was checked'}"


def _worst_first(found: Iterable[Finding]) -> list[Finding]:
    return sorted(found, key=lambda f: (VERDICTS.index(f.verdict), f.error), reverse=True)


def _of_case(case: Case) -> Iterator[Finding]:
    """The findings on inputs and values; one on the whole case if they do not explain it."""
    details = _details(case)
    is_explained = any(line.is_accused for line in case.lines)
    for line in case.lines:
        yield _of_line(case, line, details)
    for check in case.inputs.values():
        found = _of_check(case, check, "derivative", details)
        is_of_line = check.name in case.places or check.name.partition("[")[0] in case.places
        yield found._replace(is_consequence=is_explained and is_of_line)
    for check in case.values:
        yield _of_check(case, check, "value", details)
    verdicts = [check.verdict for check in (*case.inputs.values(), *case.values)]
    if case.verdict not in [*verdicts, *(line.verdict for line in case.lines)]:
        yield _of_whole(case)


def _of_line(case: Case, line: LineCheck, details: tuple[str, ...]) -> Finding:
    """A line of the backward part; `line dx` beside the input's own `x`."""
    numbers = [f"got {_numbers(line.claim)}"] if line.claim is not None else []
    if line.expected is not None:
        numbers.append(f"expected {_numbers(line.expected)}")
    if len(wrong := line.differences()) > FEW:
        at, got, wanted = wrong[0]
        worst = f"got {_number(got)}, expected {_number(wanted)}"
        numbers = [f"{len(wrong)} numbers are wrong, most {at}: {worst}"]
    parts = [", ".join(numbers), line.mistake, line.reason]
    text = ": ".join(filter(None, parts)) or MEANINGS[line.verdict]
    return Finding(
        case.file, line.line, line.column, line.verdict, line.name, text, details,
        mistake=line.mistake, is_consequence=line.cause is not None,
    )  # fmt: skip


def _numbers(number: Number) -> str:
    if isinstance(number, list):
        return f"[{', '.join(map(_numbers, number))}]"
    return _number(number)


def _of_check(case: Case, check: InputCheck, what: str, details: tuple[str, ...]) -> Finding:
    error = check.relative_error
    return Finding(
        case.file, *case.place(check.name), check.verdict, check.name, _text(check, what),
        details, math.inf if error is None or math.isnan(error) else error,
    )  # fmt: skip


def _of_whole(case: Case) -> Finding:
    problem = case.problem
    if problem is None:
        text = "; ".join(case.notes) or MEANINGS[case.verdict]
        return Finding(case.file, *case.place(case.output), case.verdict, case.output, text)
    line, column = problem.line or case.line or 1, problem.column or 1
    advice = (f"help: {problem.hint}",) if problem.hint else ()
    return Finding(case.file, line, column, case.verdict, "", problem.message, advice)


def _details(case: Case) -> tuple[str, ...]:
    """The sampled point and the notes, as lines."""
    point = () if case.point is None else (f"at {point_text(case.point, _number)}",)
    return *point, *(f"note: {note}" for note in case.notes)


def point_text(point: dict[str, Number], number_text: Callable[[float], str]) -> str:
    """The numbers of a point with their names, as many as are worth a look."""
    pairs = chain.from_iterable(elements(*item) for item in point.items())
    texts = [f"{name}={number_text(number)}" for name, number in islice(pairs, MOST_OF_POINT)]
    return ", ".join(texts) + ", ..." * (next(pairs, None) is not None)


def _text(check: InputCheck, what: str) -> str:
    """What was claimed, what it is, `derivative` or `value`, and the reason of the verdict."""
    kind, checked = "claim", check.claim
    if checked is None:
        kind, checked = "gradient", check.analytic
    numbers = [] if checked is None else [f"{kind} {_number(checked)}"]
    if check.interval:
        numbers.append(f"one-sided slopes {' and '.join(map(_number, check.interval))}")
    elif check.numeric is not None:
        bound = "" if check.bound is None else f" +- {check.bound:.2g}"
        numbers.append(f"{what} {_number(check.numeric)}{bound}")
    reason = check.reason
    if reason is None and check.relative_error is not None:
        reason = f"relative error {check.relative_error:.2g}"
    return ": ".join(filter(None, (", ".join(numbers), reason))) or MEANINGS[check.verdict]


def _number(number: float) -> str:
    return exact(number).removesuffix(".0")


def _relative(file: str) -> str:
    """The path as seen from the working folder, with forward slashes, if it lies there."""
    from pathlib import Path

    path = Path(file)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return path.as_posix()


# -------------------------------------------------------------------- the formats


def json(report: CheckReport, out: TextIO) -> None:
    """The report as one JSON document on one line."""
    out.write(json_text(report.as_dict()))


def jsonl(report: CheckReport, out: TextIO) -> None:
    """The cases, then the summary, each a JSON document on a line of its own."""
    for case in report.cases:
        out.write(case_line(case))
    summary = {"verdict": report.verdict, "summary": report.summary}
    out.write(json_text({"type": "summary", "schema": "gradcli.check/1", **summary}))


def case_line(case: Case) -> str:
    """The line of one case in `jsonl`, with its end."""
    return json_text({"type": "case", **case.as_dict()})


def concise(report: CheckReport, out: TextIO, verbosity: int = 0) -> None:
    """A line per trouble, or with `verbosity` per finding; the worst first, then the count."""
    found = _worst_first(findings(report)) if verbosity > 0 else troubles(report)
    for line in (*(finding.concise for finding in found), count_line(report)):
        out.write(encodable(f"{line}\n", out))


def github(report: CheckReport, out: TextIO) -> None:
    """Workflow commands for the worst, and one that says how many more there are."""
    found = troubles(report)
    for finding in found[:MOST_ANNOTATIONS]:
        file, title = _property(finding.file), _property(f"gradcli: {finding.title}")
        place = f"file={file},line={finding.line},col={finding.column},title={title}"
        command = f"::{LEVELS[finding.verdict]} {place}::{_data(finding.message)}\n"
        out.write(encodable(command, out))
    if len(found) > MOST_ANNOTATIONS:
        out.write(f"::notice::and {len(found) - MOST_ANNOTATIONS} more\n")


def summary_markdown(report: CheckReport) -> str:
    """The troubles as a Markdown table, for the file that GITHUB_STEP_SUMMARY names."""
    found = troubles(report)
    parts = [f"### gradcli: {report.verdict}\n\n{count_line(report)}\n"]
    if found:
        parts.append("\n| verdict | place | name | what was found |\n| --- | --- | --- | --- |\n")
    for finding in found[:MOST_ROWS]:
        name = finding.name and _code(finding.name)
        parts.append(_piped(finding.verdict, _code(finding.place), name, _code(finding.text)))
    if len(found) > MOST_ROWS:
        parts.append(f"\nand {len(found) - MOST_ROWS} more\n")
    return "".join(parts)


def junit(report: CheckReport, out: TextIO) -> None:
    """JUnit XML: a suite per file, a test per finding; other than ASCII as character references."""
    from xml.etree.ElementTree import Element, SubElement, indent, tostring

    suites: dict[str, list[Finding]] = {}
    found = findings(report)
    for finding in found:
        suites.setdefault(finding.file, []).append(finding)
    root = Element("testsuites", {"name": "gradcli", **_counted(found)})
    for file, part in suites.items():
        suite = SubElement(root, "testsuite", {"name": _xml(file), **_counted(part)})
        suite.extend(map(_test_case, part))
    indent(root)
    out.write('<?xml version="1.0" encoding="utf-8"?>\n')
    out.write(tostring(root, encoding="us-ascii", xml_declaration=False).decode("ascii") + "\n")


def sarif(report: CheckReport, out: TextIO) -> None:
    """SARIF 2.1.0 with the troubles; each verdict that is one is a rule."""
    from gradcli import __version__  # late: the face of the package imports its rooms

    rules = [
        {
            "id": f"gradcli/{verdict}",
            "shortDescription": {"text": MEANINGS[verdict]},
            "defaultConfiguration": {"level": level},
        }
        for verdict, level in LEVELS.items()
    ]
    rules += [
        {
            "id": f"gradcli/{mistake.name}",
            "shortDescription": {"text": mistake.title},
            "fullDescription": {"text": mistake.meaning},
            "defaultConfiguration": {"level": "error"},
        }
        for mistake in MISTAKES.values()
    ]
    run = {
        "tool": {"driver": {"name": "gradcli", "version": __version__, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(finding) for finding in troubles(report)],
    }
    out.write(json_text({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}))


def gitlab(report: CheckReport, out: TextIO) -> None:
    """The troubles as a list for GitLab's code quality."""
    entries = (json_text(_gitlab_entry(finding)).rstrip() for finding in troubles(report))
    out.write("[" + ",\n ".join(entries) + "]\n")


CHECK_FORMATS: dict[str, Callable[[CheckReport, TextIO], None]] = {
    "json": json,
    "jsonl": jsonl,
    "concise": concise,
    "github": github,
    "junit": junit,
    "sarif": sarif,
    "gitlab": gitlab,
}


# -------------------------------------------------------------------- small parts


def _data(text: str) -> str:
    r"""The message of a workflow command: line ends as `%0A`, all else unseen as `\u001b`."""
    return printable(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    """A property of a workflow command, which a comma or colon would end."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _xml(text: str) -> str:
    r"""The text with what XML 1.0 forbids written as `\x07`, and all else unseen as `\u202e`."""
    allowed = (f"\\x{ord(c):02x}" if c < " " and c not in "\t\n\r" else c for c in text)
    return printable("".join(allowed))


def _outcome(finding: Finding) -> str | None:
    """The element that JUnit has for a verdict; None for a test that is passed.

    What only follows from a wrong line is skipped: one slip is one failure.
    """
    if finding.verdict not in LEVELS:
        return None
    if finding.is_consequence:
        return "skipped"
    return "failure" if finding.verdict == "fail" else "error"


def _counted(found: list[Finding]) -> dict[str, str]:
    outcomes = [_outcome(finding) for finding in found]
    counts = (
        len(found),
        outcomes.count("failure"),
        outcomes.count("error"),
        outcomes.count("skipped"),
    )
    return dict(zip(("tests", "failures", "errors", "skipped"), map(str, counts), strict=True))


def _test_case(finding: Finding) -> Element:
    from xml.etree.ElementTree import Element, SubElement

    case = Element("testcase", classname=_xml(finding.file), name=_xml(finding.label))
    if outcome := _outcome(finding):
        element = SubElement(case, outcome, type=finding.verdict, message=_xml(finding.text))
        lines = finding.place, *finding.message.split("\n")
        element.text = "\n".join(map(_xml, lines))
    return case


def _sarif_result(finding: Finding) -> dict[str, Any]:
    from urllib.parse import quote

    uri = quote(_relative(finding.file), errors="surrogatepass")
    location = {
        "artifactLocation": {"uri": f"file://{uri}" if uri.startswith("/") else uri},
        "region": {"startLine": finding.line, "startColumn": finding.column},
    }
    text = f"{finding.name}: {finding.message}" if finding.name else finding.message
    return {
        "ruleId": f"gradcli/{finding.mistake or finding.verdict}",
        "ruleIndex": [*LEVELS, *MISTAKES].index(finding.mistake or finding.verdict),
        "level": LEVELS[finding.verdict],
        "message": {"text": "\n".join(map(printable, text.split("\n")))},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {"gradcli/v1": finding.fingerprint},
    }


def _gitlab_entry(finding: Finding) -> dict[str, Any]:
    return {
        "description": printable(f"{finding.title}: {finding.text}"),
        "check_name": f"gradcli/{finding.mistake or finding.verdict}",
        "severity": SEVERITIES[finding.verdict],
        "fingerprint": finding.fingerprint,
        "location": {
            "path": printable(_relative(finding.file)),
            "positions": {"begin": {"line": finding.line, "column": finding.column}},
            "lines": {"begin": finding.line},
        },
    }
