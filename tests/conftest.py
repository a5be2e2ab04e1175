"""Settings and fixtures every test shares."""

import importlib.util
import io
import json
import os
import subprocess
import sys
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings

from gradcli.cli.main import main
from gradcli.tables import numbers
from gradcli.tasks.selfcheck import trials

# A push must not fail by chance, so its examples are always the same; `--hypothesis-profile=nightly`
# draws new ones. Neither fails on a slow machine: no test here asserts a time.
settings.register_profile(
    "push", deadline=None, database=None, derandomize=True, max_examples=150,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
settings.register_profile(
    "nightly", settings.get_profile("push"), derandomize=False, max_examples=3000
)
settings.load_profile("push")

# What the surroundings say of terminals and of CI changes what is printed, and no test means it.
SURROUNDINGS = (
    "CI", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR",
    "TERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "PYTHONIOENCODING",
)  # fmt: skip
for name in [*os.environ]:
    if name in SURROUNDINGS or name.startswith(("GITHUB_", "GITLAB_")):
        del os.environ[name]


@pytest.fixture(autouse=True, scope="session")
def _cache_of_its_own(tmp_path_factory):
    """Machine code is kept where the tests end with it."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


# Seconds after which a process is taken to hang; it is not a measure of how fast one is.
HANGS = 900


def run_apart(*words, **options):
    """Run a command line in a process of its own; streams are bytes."""
    command = [sys.executable, "-m", "gradcli", *map(str, words)]
    return subprocess.run(command, check=False, capture_output=True, timeout=HANGS, **options)


class Ended(NamedTuple):
    """How a command line ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def gradcli(capsys, monkeypatch, tmp_path):
    """Run a command line in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*words, stdin=b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as end:
            main([*map(str, words)])
        return Ended(end.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def evaluated(gradcli):
    """The JSON document of an `eval` that must succeed."""

    def run(*words):
        ended = gradcli("eval", *words, "--json")
        assert (ended.code, ended.err) == (0, "")
        return strict(ended.out)

    return run


def strict(text):
    """One document of RFC 8259 JSON with unique keys, on one line."""

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    def unique(pairs):
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    assert text.endswith("\n")
    assert text.count("\n") == 1
    return json.loads(text, parse_constant=refuse, object_pairs_hook=unique)


@pytest.fixture(scope="session")
def selfcheck_trials():
    """All that `gradcli selfcheck` tries, judged once for all tests."""
    return list(trials())


@pytest.fixture(params=["orjson", "json"])
def codec(request, monkeypatch):
    """Numbers read and printed by orjson, or by Python's own json."""
    if request.param == "json":
        monkeypatch.setitem(sys.modules, "orjson", None)
    elif importlib.util.find_spec("orjson") is None:
        pytest.skip("needs orjson")
    numbers.loads.cache_clear()
    yield request.param
    numbers.loads.cache_clear()
