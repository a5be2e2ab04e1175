"""Text copied from pages: what stands around a program is left out, several are told apart."""

import json
from pathlib import Path

import pytest


def cases_of(ended):
    return json.loads(ended.out)["cases"]


def numbers(count):
    return "".join(f"{k}\n" for k in range(1, count + 1))


PROGRAM = "x = 3; y = -4\nq = x*y  # we're done!\ndx = y\ndy = x\n"
PASTED = {
    "a gutter": "1\n2\n3\n4\n" + PROGRAM,
    "numbers": "".join(f"{k} {line}\n" for k, line in enumerate(PROGRAM.splitlines(), start=1)),
    "a fence": f"As the notes say:\n```python\n{PROGRAM}```\nThat is all.\n",
    "prompts": "".join(f">>> {line}\n" for line in PROGRAM.splitlines()),
}


@pytest.mark.parametrize("text", PASTED.values(), ids=PASTED)
def test_a_program_is_read_out_of_what_was_pasted_with_it(gradcli, text):
    Path("a.grad").write_text(text)
    ended = gradcli("check", "a.grad")
    assert ended.code == 0
    assert "around the program were left out" in ended.out
    assert gradcli("eval", "--file", "a.grad", "-q").out.splitlines()[0] == "value = -12"
    wrong = text.replace("dx = y", "dx = x")
    Path("a.grad").write_text(wrong)
    (line,) = [
        line for line in cases_of(gradcli("check", "a.grad", "--json"))[0]["lines"] if line["local"]
    ]
    assert "dx = x" in wrong.splitlines()[line["line"] - 1]


def test_the_error_of_what_is_no_pasted_program_is_its_own(gradcli):
    Path("a.grad").write_text("```\nx = 3\nf = x*y2\n```\n")
    assert "a.grad:3:7: `y2` has no value" in gradcli("eval", "--file", "a.grad").err


# ---------------------------------------------------------------- a page with several programs

FIRST = "x = -2; y = 5\nf = x*y\ndfdx = y\ndfdy = x\n"
FORWARD = "x = 3\ny = -4\n\nq = x + y\nf = q*q\n"
BACKWARD = "# backprop\ndq = 2*q\ndx = dq\ndy = dq\n"
OTHER = "w = 2\ng = w**3\ndw = 3*w**2\n"
GATE = "class Gate:\n    def forward(self, x):\n        self.x = x\n        return x*x\n" \
    "    def backward(self, dz):\n        return 2*self.x*dz\n"  # fmt: skip


def fenced(*programs):
    return "A page.\n\n" + "And then:\n".join(f"```python\n{text}```\n" for text in programs)


def numbered(*programs):
    """The programs as a page gives them whose line numbers stand in a column of their own."""
    return "So it goes.\n\n" + "And then:\n\n".join(
        numbers(text.count("\n")) + text for text in programs
    )


PAGES = pytest.mark.parametrize("page", [fenced, numbered])


@PAGES
def test_each_program_of_a_page_is_a_case(gradcli, page):
    Path("page.txt").write_text(page(FIRST, FORWARD, BACKWARD, OTHER))
    cases = cases_of(gradcli("check", "page.txt", "--json"))
    assert [case["verdict"] for case in cases] == ["pass"] * 3
    assert [[*case["inputs"]] for case in cases] == [["x", "y"], ["x", "y"], ["w"]]
    rows = Path("page.txt").read_text().splitlines()
    assert [rows[case["line"] - 1] for case in cases] == ["f = x*y", "f = q*q", "g = w**3"]


@PAGES
def test_a_wrong_line_of_a_page_is_accused_at_its_place(gradcli, page):
    Path("page.txt").write_text(page(FIRST, FORWARD, BACKWARD.replace("2*q", "q"), OTHER))
    cases = cases_of(gradcli("check", "page.txt", "--json"))
    assert [case["verdict"] for case in cases] == ["pass", "fail", "pass"]
    (wrong,) = [line["line"] for line in cases[1]["lines"] if line["local"]]
    assert Path("page.txt").read_text().splitlines()[wrong - 1] == "dq = q"


def test_other_commands_say_how_many_programs_there_are(gradcli):
    Path("page.txt").write_text(fenced(FIRST, OTHER))
    ended = gradcli("eval", "--file", "page.txt")
    assert ended.code == 2
    assert "2 programs stand in this text, from lines 4, 11 on" in ended.err


def test_what_names_another_language_is_left_out(gradcli):
    Path("page.md").write_text("```sh\npip install it\n```\n" + fenced(FIRST))
    assert [case["verdict"] for case in cases_of(gradcli("check", "page.md", "--json"))] == ["pass"]


def test_what_assigns_beyond_the_line_numbers_is_kept(gradcli):
    Path("page.txt").write_text(numbers(3) + FIRST + "dfdx = 3*y\n")
    (case,) = cases_of(gradcli("check", "page.txt", "--json"))
    assert case["verdict"] == "fail"


def test_python_is_read_whatever_the_file_is_called(gradcli):
    Path("gate.txt").write_text(GATE)
    Path("page.txt").write_text(fenced(FIRST, GATE))
    assert gradcli("check", "gate.txt").code == 0
    cases = cases_of(gradcli("check", "page.txt", "--json"))
    assert [case["verdict"] for case in cases] == ["pass", "pass"]
    Path("gate.txt").write_text(GATE.replace("2*", "3*"))
    assert gradcli("check", "gate.txt").code == 1


def test_blank_lines_in_a_row_are_shown_as_one(gradcli):
    Path("a.grad").write_text(numbers(5) + "x = 3\n\n\n\nf = x*x\ndx = 2*x\n\n\n")
    out = gradcli("check", "a.grad").out.splitlines()
    assert out[2:6] == ["       6  x = 3", "       7", "      10  f = x*x", "pass  11  dx = 2*x"]
    assert out[6:8] == ["", "input  claim       numeric  rel. error  verdict"]


def test_lost_indents_are_told(gradcli):
    Path("gate.py").write_text(GATE.replace("    ", ""))
    assert "text copied from a page may have lost its indents" in gradcli("check", "gate.py").err
