"""The hook of this repository, as the page on CI shows it, in a repository of somebody else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WRONG = "x = 3; y = 2\nf = x*y\ndx = x\ndy = x\n"

pytest.importorskip("pre_commit")


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")
    command = ["git", "-C", folder, *who, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.slow
def test_the_hook_of_the_page_blocks_a_commit_with_a_wrong_gradient(tmp_path, monkeypatch):
    page = (ROOT / "docs" / "ci.md").read_text("utf-8")
    (shown,) = re.findall(r"```yaml\n(- repo: URL.*?)```", page, re.DOTALL)
    head = git(ROOT, "rev-parse", "HEAD").strip()
    shown = shown.replace("URL", str(ROOT)).replace("rev: main", f"rev: {head}")
    ours = tmp_path / "theirs"
    ours.mkdir()
    git(ours, "init", "-q")
    (ours / ".pre-commit-config.yaml").write_text(f"repos:\n{shown}")
    (ours / "my file.grad").write_text(WRONG)
    (ours / "-x.grad").write_text(WRONG.replace("dx = x", "dx = y"))
    (ours / "notes.txt").write_text("dx = x\n")
    git(ours, "add", "-A")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "hooks"))
    subprocess.run([sys.executable, "-m", "pre_commit", "install"], cwd=ours, check=True)
    said = git(ours, "commit", "-m", "gradients")
    assert "fail  my file.grad:2  x * y" in said
    assert "1 fail, 1 pass" in said
    (ours / "my file.grad").write_text(WRONG.replace("dx = x", "dx = y"))
    git(ours, "add", "-A")
    assert "4 files changed" in git(ours, "commit", "-m", "gradients")
