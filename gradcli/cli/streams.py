"""The ways a command ends: a report on stdout or in a file, an error on stderr, an exit code."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn, TextIO, TypeVar

import click

from gradcli.errors import (
    EXIT_BROKEN_PIPE,
    EXIT_INTERNAL,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_USAGE,
    FileError,
    GradcliError,
    InternalError,
    LimitError,
    Strict,
    UsageError,
    reason_of,
)
from gradcli.render.formats import error_dict, error_text, json_text, problem_text, warning_text
from gradcli.version import __version__

if TYPE_CHECKING:
    from gradcli.reports.checks import Case

T = TypeVar("T")
COMPLETION = "_GRADCLI_COMPLETE"  # the variable by which a shell asks for completions


def put(target: str | None, inputs: tuple[str, ...], render: Callable[[TextIO], None]) -> None:
    """Render to stdout, or into a file that is then replaced whole."""
    if target is None or target == "-":
        render(sys.stdout)
        return
    from gradcli.cli.output import text_file  # late: most results go to stdout

    with text_file(target, inputs) as file:
        render(file)


def put_bytes(target: str | None, inputs: tuple[str, ...], data: bytes, form: str) -> None:
    """Write a result that is no text to stdout or into a file. Raises UsageError on a terminal."""
    if target is not None and target != "-":
        from gradcli.cli.output import write_bytes  # late: most results go to stdout

        write_bytes(target, data, inputs)
        return
    if sys.stdout.isatty():
        raise UsageError(f"{form} is not text, and stdout is a terminal",
                         hint=f"write -o FILE.{form}")  # fmt: skip
    sys.stdout.buffer.write(data)


def refuse_inputs(targets: Iterable[str | None], inputs: tuple[str, ...]) -> None:
    """Refuse targets that would be written over what is still to be read, or over one another.

    Raises FileError, UsageError.
    """
    files: list[str] = []
    for target in targets:
        if target is not None and target != "-":
            from gradcli.cli.output import refuse_overwriting  # late: most results go to stdout

            refuse_overwriting(target, inputs)
            files.append(os.path.realpath(target))
            if files.count(files[-1]) > 1 and (
                os.path.isfile(target) or not os.path.exists(target)
            ):
                raise UsageError(f"two results are to be written into {target}",
                                 hint="give each a file of its own")  # fmt: skip


def reporting(form: str, call: Callable[[], T]) -> T:
    """The result of a call; with JSON its error is also a document on stdout."""
    try:
        return call()
    except GradcliError as error:
        if form == "json":
            sys.stdout.write(json_text(error_dict(error)))
        raise


def color_for(target: str | None, color: str) -> str:
    """The colours of a result, one of --color; a file has none unless it is `always`."""
    return "never" if target is not None and color == "auto" else color


def warn(warnings: Iterable[str], strict: bool, quiet: bool) -> None:
    """Say warnings on stderr, or raise them as errors under `--strict`."""
    problems = [Strict(text) for text in warnings]
    if strict and problems:
        problems[0].also = tuple(problems[1:])
        raise problems[0]
    if not quiet:
        _say(warning_text(problems))


@contextlib.contextmanager
def internal_errors(is_debugged: bool = False) -> Iterator[None]:
    """The context in which a fault of our own is an error in words, unless it is looked for."""
    try:
        yield
    except (GradcliError, click.ClickException, click.Abort, click.exceptions.Exit, OSError):
        raise
    except MemoryError:
        raise LimitError("this takes more memory than there is",
                         hint="a smaller case of the same formulas") from None  # fmt: skip
    except Exception as error:
        if is_debugged:
            raise
        raise InternalError(
            f"internal error in gradcli {__version__}: {type(error).__name__}: {error}",
            hint="please report it; --debug shows where it happened",
        ) from None


def say_problems(cases: Sequence[Case], is_shown: bool) -> None:
    """Say on stderr, too, what could not be read: the report may go elsewhere.

    Where it is shown on the terminal that has stderr as well, once is enough.
    """
    broken = [case for case in cases if case.problem is not None]
    if broken and not (is_shown and sys.stdout.isatty() and sys.stderr.isatty()):
        _say(problem_text(broken))


def run_and_exit(command: click.Command, words: list[str]) -> NoReturn:
    """Run a command line and leave the process with its exit code."""
    sys.stdout = sys.stdout or open(os.devnull)  # noqa: SIM115  # closed: a write is refused
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    code = _run(command, words)
    try:
        sys.stdout.flush()
    except OSError as trouble:
        code = _stdout_failed(trouble)
    gc.freeze()  # a last search for garbage, in memory that is about to go, takes long
    sys.exit(code)


def run_once(command: click.Command, words: list[str]) -> int:
    """Run a command among others; what ends the process of one ends this process, too.

    Raises KeyboardInterrupt.
    """
    code = _run(command, words)
    if code == EXIT_INTERRUPTED:
        raise KeyboardInterrupt
    return code


def _hint(error: click.UsageError) -> str:
    """What to look at; for an option of other commands, which these are."""
    where = error.ctx.command_path if error.ctx else "gradcli"
    if error.ctx is not None and isinstance(error, click.NoSuchOption):
        root = error.ctx.find_root()
        if isinstance(root.command, click.Group):
            group = root.command
            commands = [(name, group.get_command(root, name)) for name in group.list_commands(root)]
            having = [
                name for name, command in commands
                if command and any(error.option_name in param.opts for param in command.params)
            ]  # fmt: skip
            if having:
                verb = "takes" if len(having) == 1 else "take"
                return f"{', '.join(having)} {verb} it, {where} does not"
    return f"{where} --help shows what there is"


def _run(command: click.Command, words: list[str]) -> int:
    """Run the command line; every way to end has its exit code here."""
    try:
        with internal_errors("--debug" in words):
            result = command.main(words, prog_name="gradcli", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except GradcliError as error:
        if "--debug" in words and error.trace:
            _say(error.trace)
        _say(error_text(error))
        return error.exit_code
    except click.UsageError as error:
        message = " ".join(error.format_message().split())  # click gives each choice a line
        _say(error_text(UsageError(message, hint=_hint(error))))
        return EXIT_USAGE
    except click.exceptions.Exit as end:
        return end.exit_code
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except SystemExit as end:  # click's way to end after completion, or when no reader is left
        if end.code and COMPLETION in os.environ:
            _say(error_text(UsageError("no shell asks for a completion like this",
                                       hint=f"unset {COMPLETION}")))  # fmt: skip
            return EXIT_USAGE
        return _stdout_failed(BrokenPipeError()) if end.code else EXIT_OK
    except OSError as trouble:
        return _stdout_failed(trouble)
    except Exception:  # under --debug
        from traceback import format_exc

        _say(format_exc())
        return EXIT_INTERNAL


def _say(text: str) -> None:
    """Write to stderr; where that is impossible the exit code must do."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        _silence(sys.stderr)


def _stdout_failed(trouble: OSError) -> int:
    """The reader has gone away, or the result cannot be written."""
    _silence(sys.stdout)
    if isinstance(trouble, BrokenPipeError):
        return EXIT_BROKEN_PIPE
    _say(error_text(FileError(f"cannot write the result: {reason_of(trouble)}")))
    return EXIT_USAGE


def _silence(stream: TextIO) -> None:
    """Let the interpreter's last flush of a broken stream go nowhere."""
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
