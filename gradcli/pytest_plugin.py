"""The pytest plugin: `pytest --gradcli` runs what claims a gradient as a test.

    FILE.grad                    a program, with its claims
    @gradcli.checked(...)        a function, in any Python file that says `gradcli` and `checked`

The fixture `check_gradient` is `gradcli.testing.assert_gradient`, with or without the option.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("gradcli", "gradients")
    group.addoption(
        "--gradcli", action="store_true",
        help="run .grad files, and functions marked @gradcli.checked, as tests",
    )  # fmt: skip
    group.addoption(
        "--gradcli-undecided", choices=("error", "ok"), default="error",
        help="what an inconclusive or undefined gradient is; error by default",
    )  # fmt: skip


@pytest.fixture
def check_gradient() -> Callable[..., None]:
    """The assertion that one function is the gradient of another: `gradcli.testing`."""
    from gradcli.testing import assert_gradient  # late: most tests check no gradient

    return assert_gradient


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect programs, and Python files with marked functions that pytest leaves out."""
    if not parent.config.getoption("gradcli"):
        return None
    if file_path.suffix == ".grad":
        return _ProgramFile.from_parent(parent, path=file_path)
    if file_path.suffix == ".py" and not _is_test_file(file_path, parent.config):
        text = file_path.read_text("utf-8", errors="replace")
        if "gradcli" in text and "checked" in text:
            return _MarkedModule.from_parent(parent, path=file_path)
    return None


def _is_test_file(path: Path, config: pytest.Config) -> bool:
    """Whether pytest itself collects a file."""
    return any(path.match(pattern) for pattern in config.getini("python_files"))


def pytest_pycollect_makeitem(
    collector: pytest.Collector, name: str, obj: object
) -> pytest.Item | None:
    """Make a test of a marked function."""
    mark = _mark_of(obj)
    if mark is None or not collector.config.getoption("gradcli"):
        return None
    return _MarkedFunction.from_parent(collector, name=name, function=obj, mark=mark)


def _mark_of(obj: object) -> Any:
    """What `@gradcli.checked` has said of a function; None for any other object."""
    try:
        return obj.__dict__.get("gradcli_checked")
    except AttributeError:
        return None


class _MarkedModule(pytest.Module):
    """A module of which only marked functions are tests."""

    def collect(self) -> Iterable[pytest.Item]:
        for name, obj in self.obj.__dict__.items():
            mark = _mark_of(obj)
            if mark is not None and obj.__module__ == self.obj.__name__:
                yield _MarkedFunction.from_parent(self, name=name, function=obj, mark=mark)


class _ProgramFile(pytest.File):
    """A program, which is one test."""

    def collect(self) -> Iterable[pytest.Item]:
        yield _Program.from_parent(self, name="gradients")


class _Item(pytest.Item):
    """A test that fails with a report instead of a traceback."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The report or the error in its own words; other people's exceptions as they are."""
        from gradcli.errors import GradcliError
        from gradcli.render.formats import error_text

        error = excinfo.value
        if isinstance(error, GradcliError):
            return error_text(error)
        if isinstance(error, AssertionError):
            return str(error)
        return super().repr_failure(excinfo, style)

    @property
    def undecided(self) -> str:
        """What an undecided gradient is."""
        return str(self.config.getoption("gradcli_undecided"))


class _Program(_Item):
    """The check of a program."""

    def runtest(self) -> None:
        """Check the program. Raises AssertionError, GradcliError."""
        from gradcli.api import check
        from gradcli.program.files import read_text
        from gradcli.reports.checks import NOTHING_CLAIMED
        from gradcli.testing import refuse_wrong

        name = self.path.name
        report = check(read_text(str(self.path)), name=name)
        if report.standing == NOTHING_CLAIMED:
            pytest.skip(f"{NOTHING_CLAIMED} in {name}")
        refuse_wrong(report, self.undecided)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the test is, for pytest."""
        return self.path, 0, self.path.name


class _MarkedFunction(_Item):
    """The check of a marked function."""

    def __init__(self, *, function: Callable[..., Any], mark: Any, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.function = function
        self.mark = mark

    def runtest(self) -> None:
        """Check the function. Raises AssertionError, and what the function raises."""
        from gradcli.testing import assert_gradient

        options = {"undecided": self.undecided, **self.mark.options}
        assert_gradient(self.function, self.mark.gradient, *self.mark.points, **options)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the test is, for pytest."""
        return self.path, self.function.__code__.co_firstlineno - 1, self.name
