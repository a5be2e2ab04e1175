"""Arrays at the command line whose shape nested lists would lose: those without elements."""

from pathlib import Path

import pytest


@pytest.mark.parametrize("shape", ["0, 2", "2, 0"])
@pytest.mark.parametrize("words", [
    ("check", "sum(w*w)", "--claim", "w=zeros(SHAPE)"), ("check", "sum(w@w.T) + norm(w)"),
    ("graph", "sum(w*w)"), ("graph", "sum(w*w)", "--format", "html"), ("explain", "sum(w*w)"),
    ("code", "sum(w*w)"), ("eval", "sum(w*w)", "--digits", "30"), ("eval", "sum(w*w)", "--hessian"),
])  # fmt: skip
def test_matrices_without_elements_keep_their_shape(gradcli, words, shape):
    ended = gradcli(*(word.replace("SHAPE", shape) for word in words), f"w=zeros({shape})")
    is_vacuous = words[0] == "check" and "--claim" not in words  # where nobody claims anything
    assert ended.code == (2 if is_vacuous else 0), ended.err
    assert ("nothing was checked: no input has elements" in ended.out) == is_vacuous


def test_backward_passes_of_matrices_without_elements_pass(gradcli):
    Path("a.grad").write_text("w = zeros(0, 2)\ny = w*2\nf = sum(y*y)\ndy = 2*y\ndw = 2*dy\n")
    ended = gradcli("check", "a.grad")
    assert (ended.code, "large" in ended.out) == (0, False)
    assert "no input has elements" in gradcli("eval", "--file", "a.grad").out
    wrong = gradcli("check", "sum(w*w)", "w=zeros(0, 2)", "--claim", "w=zeros(2, 0)")
    assert "`w` has shape (0, 2)" in wrong.err
