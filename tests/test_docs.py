"""The pages cannot lie: sessions are run, and every command, option, directive and gate is there."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

import gradcli
from gradcli.cli.main import COMMANDS
from gradcli.cli.main import gradcli as command_line
from tests.write_docs import PAGES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXTS = {
    path.name: path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
}
ALL = "\n".join(TEXTS.values())


def commands(block):
    """The (command, output) pairs of a session."""
    return re.findall(r"^\$ (.*?)\n(.*?)(?=^\$ |\Z)", block, re.DOTALL | re.MULTILINE)


SESSIONS = [
    (name, commands(block))
    for name, text in TEXTS.items()
    for block in re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
]
# What `cat FILE` shows on a page is what the file holds in all sessions of this page.
SHOWN = {
    name: {
        command.removeprefix("cat "): output
        for page, session in SESSIONS if page == name
        for command, output in session if command.startswith("cat ")
    }
    for name in TEXTS
}  # fmt: skip


def told(text, command):
    """What a session says; of large products the last bits differ between machines."""
    if "randn" not in command:
        return text
    text = re.sub(r"\b\d(\.\d+)?e-1[3-9]\b", "0", text)
    return re.sub(r" +", " ", re.sub("─+", "─", text))


@pytest.fixture
def page_folder(tmp_path):
    """A folder with the samples, as `gradcli samples -o sample_exprs` leaves them, to be filled."""
    shutil.copytree(ROOT / "sample_exprs", tmp_path / "sample_exprs")
    return tmp_path


@pytest.mark.parametrize(
    ("page", "session"), SESSIONS, ids=[f"{page}: {s[0][0]}" for page, s in SESSIONS]
)
def test_a_session_prints_what_the_page_says(gradcli, page_folder, page, session):
    for file, text in SHOWN[page].items():
        (page_folder / file).parent.mkdir(parents=True, exist_ok=True)
        (page_folder / file).write_text(text, encoding="utf-8")
    for command, output in session:
        name, *words = shlex.split(command)
        if name == "cat":
            continue
        assert name == "gradcli"
        ended = gradcli(*words)
        random = command + "".join(SHOWN[page].get(word, "") for word in words)
        assert told(ended.out + ended.err, random) == told(output, random), command


def test_the_pages_have_their_sessions():
    assert len(SESSIONS) >= 20


@pytest.mark.parametrize("page", PAGES)
def test_a_generated_page_is_what_the_program_says(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert text == "".join(PAGES[page]()), "python -m tests.write_docs writes it again"


@pytest.mark.skipif(not shutil.which("groff"), reason="no groff")
def test_the_manual_is_laid_out_without_a_complaint():
    page = ROOT / "docs" / "gradcli.1"
    command = ["groff", "-man", "-Tutf8", "-ww", "-P-cbou", page]  # without bold and escapes
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    plain = re.sub(r"\x1b\[\d*m", "", done.stdout)
    assert all(f"GRADCLI {name.upper()}" in plain for name in COMMANDS)
    assert 'gradcli eval "(x+y)*z" x=-2 y=5 z=-4' in plain


@pytest.mark.parametrize("page", TEXTS)
def test_a_page_says_first_what_it_is_for(page):
    title, empty, first = TEXTS[page].split("\n")[:3]
    assert title.startswith("# ")
    assert empty == ""
    assert first[0] not in "#|`$*-" or first.startswith("`gradcli")


def test_no_session_stands_on_two_pages():
    told = [
        command for page, session in SESSIONS if page != "README.md"
        for command, _ in session if command.startswith("gradcli")
    ]  # fmt: skip
    assert sorted({command for command in told if told.count(command) > 1}) == []


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_somewhere(page):
    folder = ROOT if page == "README.md" else ROOT / "docs"
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[page]):
        file, _, anchor = target.partition("#")
        if file.startswith("http"):
            continue
        text = (folder / file).read_text("utf-8") if file else TEXTS[page]
        if anchor:
            headings = re.findall(r"^#+ (.*)", text, re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md"), key=str))
def test_every_page_is_reached_from_the_readme(page):
    assert f"(docs/{page.name})" in README


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_an_example_and_a_place_in_the_pages(name):
    command = command_line.get_command(None, name)
    assert command.help
    assert f"gradcli {name}" in command.help
    assert f"gradcli {name}" in "".join(text for page, text in TEXTS.items() if page not in PAGES)
    for option in command.params:
        if option.param_type_name == "option":
            assert option.help, option.name


@pytest.mark.parametrize("name", COMMANDS)
def test_help_texts_use_what_an_installed_user_has(name):
    command = command_line.get_command(None, name)
    named = re.findall(r"sample_exprs/\S+", command.help)
    assert not named or name == "samples"


def test_every_directive_stands_in_the_language():
    from gradcli.program.reader import DIRECTIVES

    for name in DIRECTIVES:
        assert f"`# gradcli: {name}`" in TEXTS["language.md"]


def test_the_python_lines_of_the_pages_are_true():
    report = gradcli.evaluate("(x+y)*z", {"x": -2, "y": 5, "z": -4})
    assert (report.value, report.gradients) == (-12.0, {"x": -4.0, "y": -4.0, "z": 3.0})
    assert gradcli.check("x*y", {"x": 3, "y": 2}, claims={"x": 2}).verdict == "pass"
    f = gradcli.compile("(x+y)*z", inputs=["x", "y", "z"])
    assert f(-2.0, 5.0, -4.0) == (-12.0, [-4.0, -4.0, 3.0])
    f = gradcli.compile("sum((W@x)**2)", inputs={"W": [[1, 2], [3, 4]], "x": [0, 0]})
    value, (slope, _) = f([[1, 2], [3, 4]], [1, 2])
    assert (value, slope.tolist()) == (146.0, [[10.0, 20.0], [22.0, 44.0]])


def test_every_gate_stands_in_the_language():
    from gradcli.gates.table import BUILT_IN

    words = set(re.findall(r"\w+", TEXTS["language.md"]))
    operators = {
        "add", "sub", "mul", "div", "neg", "pow", "copy", "lt", "le", "gt", "ge", "eq", "ne",
    }  # fmt: skip
    assert {g.name for g in BUILT_IN.functions.values()} - operators <= words
    assert operators <= set(BUILT_IN.rows)
