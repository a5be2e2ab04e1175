"""The cases of one `check`: an expression, or program files, also in several processes.

Each has an outcome, its case and its grade. What cannot be read is raised of an expression; of a
file it is a case with the verdict `error`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from gradcli.cli.signals import deaf, end_children, work_for_parent
from gradcli.cli.streams import internal_errors, warn
from gradcli.errors import GradcliError, InternalError
from gradcli.named_tuples import NamedTuple
from gradcli.program.files import PYTHON, data_files, read_text, subject_of
from gradcli.render.progress import progress
from gradcli.reports.checks import Case
from gradcli.requests import Request, Setting
from gradcli.tasks.check import (
    Checked,
    broken_case,
    check_program,
    skip_reason,
    skipped_case,
    unclaimed,
)

if TYPE_CHECKING:
    from gradcli.reports.grades import Grade
    from gradcli.tasks.grade import Key

Outcome = tuple[Case, "Grade | None"]
Work = Callable[[str], list[Outcome]]
WorkOfChunk = Callable[[list[str]], tuple[list[list[Outcome]], set[str]]]
MOST_A_CORE = 4  # workers
CHUNKS_OF_WORKER = 8  # so that none waits long for the last chunk of another
MOST_OF_CHUNK = 25  # files; so many at once are no longer worth a message each
FUNCTIONS = ("call", "torch", "jax", "external")  # options that name a function to be run


class Job(NamedTuple):
    """Settings and options that all cases of a command have in common, for any process."""

    settings: list[tuple[str, Setting]]
    request: Request
    strict: bool
    is_graded: bool = False
    key: Key | None = None
    is_debugged: bool = False  # an internal error ends the command, and shows where it happened


def outcomes_of_expression(job: Job, expression: str) -> list[Outcome]:
    """The outcome of an expression; those of what is on stdin for `-`. Raises GradcliError."""
    if expression == "-":
        return _checked(job, "<stdin>", read_text("-"))
    return _checked(job, "<expression>", expression)


def subjects_of_files(paths: list[str]) -> list[str]:
    """What there is to check in Python files, a line each. Raises GradcliError."""
    from gradcli.tasks.check_python import list_subjects  # late: most programs are not Python

    files = [subject_of(path)[0] for path in paths]
    return [
        line for file in files if file.endswith(PYTHON) or os.path.isdir(file)  # an unreadable one
        for line in list_subjects(read_text(file), file)
    ]  # fmt: skip


def outcomes_of_files(
    job: Job, paths: list[str], processes: int, fail_fast: bool, quiet: bool
) -> Iterator[Outcome]:
    """Outcomes in the order of the files, with a progress bar; `fail_fast` ends at a failure."""
    groups = _in_order(job, paths, processes)
    if not quiet:
        groups = progress(groups, len(paths), "checking", sys.stderr)
    for case, grade in (outcome for group in groups for outcome in group):
        yield case, grade
        if fail_fast and case.verdict in ("fail", "error"):
            return


def outcomes_of_gates(
    job: Job, paths: tuple[str, ...], name: str | None, timeout: float
) -> Iterator[Outcome]:
    """The outcomes of gates of the user's own, which run. Raises GradcliError."""
    from gradcli.foreign.gate_file import GateFile  # late: few checks run anything
    from gradcli.tasks.check_gates import check_gates

    for path in paths:
        cases = check_gates(GateFile(path, timeout), name, [*job.settings], job.request)
        yield from ((case, None) for case in cases)


def outcomes_of_functions(job: Job, options: dict[str, Any]) -> Iterator[Outcome]:
    """The outcomes of functions of the user's own, which run. Raises GradcliError."""
    from gradcli.tasks.calls import Call, check_call, check_external  # late: few checks run code

    kind = next(kind for kind in FUNCTIONS if options[kind] is not None)
    named, timeout = options[kind], options["timeout"]
    if kind == "external":
        yield check_external(named, job.settings, job.request, timeout), None
        return
    side = "functions" if kind == "call" else kind
    call = Call(named, options["grads"], side, timeout)
    yield from ((case, None) for case in check_call(call, job.settings, job.request))


def _in_order(job: Job, paths: list[str], processes: int) -> Iterator[list[Outcome]]:
    work = partial(outcomes_of_file, job)
    if processes == 1 or len(paths) < 2:
        yield from map(work, paths)
        return
    workers = min(processes, len(paths), MOST_A_CORE * (os.cpu_count() or 1))
    size = max(1, min(MOST_OF_CHUNK, len(paths) // (workers * CHUNKS_OF_WORKER)))
    chunks = [paths[start : start + size] for start in range(0, len(paths), size)]
    yield from _in_processes(partial(_of_chunk, work), chunks, workers)


def _of_chunk(work: Work, paths: list[str]) -> tuple[list[list[Outcome]], set[str]]:
    """The outcomes of files, and the files of numbers that were read for them."""
    return [*map(work, paths)], data_files


def _in_processes(
    work: WorkOfChunk, chunks: list[list[str]], workers: int
) -> Iterator[list[Outcome]]:
    """The outcomes by so many workers; a file whose worker has died is tried once more, alone."""
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    with deaf():
        pool = ProcessPoolExecutor(workers, initializer=work_for_parent)
        futures = [pool.submit(work, chunk) for chunk in chunks]
    is_whole = False
    try:
        for future, chunk in zip(futures, chunks, strict=True):
            try:
                groups, read = future.result()
                data_files.update(read)
            except BrokenProcessPool:
                groups = [_alone(work, path) for path in chunk]
            yield from groups
        is_whole = True
    finally:
        pool.shutdown(wait=is_whole, cancel_futures=True)
        if not is_whole:
            end_children()


def _alone(work: WorkOfChunk, path: str) -> list[Outcome]:
    """The outcomes of a file in a process of its own, or that this one dies of it."""
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    with deaf():
        pool = ProcessPoolExecutor(1, initializer=work_for_parent)
        future = pool.submit(work, [path])
    with pool:
        try:
            (outcomes,), read = future.result()
            data_files.update(read)
        except BrokenProcessPool:
            died = InternalError("the process that checked this was ended from outside",
                                 hint="it may have taken more memory than there is")  # fmt: skip
            outcomes = [(broken_case(path, died), None)]
    return outcomes


def outcomes_of_file(job: Job, path: str) -> list[Outcome]:
    """The outcomes of one file; what cannot be read is a case with the verdict `error`.

    A Python file has one for each of its subjects, every other file one.
    """
    began = time.perf_counter()
    outcomes = _outcomes(job, path)
    own = (time.perf_counter() - began) / max(1, len(outcomes))
    return [(case._replace(seconds=own), grade) for case, grade in outcomes]


def _outcomes(job: Job, path: str) -> list[Outcome]:
    file, subject = subject_of(path)
    try:
        with internal_errors(job.is_debugged):
            if file.endswith(PYTHON) and not job.is_graded:
                return _of_python(job, read_text(file), file, subject)
            text = read_text(path, any_comments=job.is_graded)
            reason = None if job.is_graded else skip_reason(text)
            if reason is not None:
                return [(skipped_case(path, reason), None)]
            return _checked(job, path, text)
    except GradcliError as error:
        case = broken_case(file, error)
        if not job.is_graded:
            return [(case, None)]
        from gradcli.tasks.grade import ungraded  # late: few checks are gradings

        return [(case, ungraded(path, error.message.removeprefix(f"{path} "), job.key))]


def _of_python(job: Job, text: str, file: str, subject: str | None) -> list[Outcome]:
    from gradcli.tasks.check_python import check_python  # late: most programs are not Python

    cases = check_python(text, file, subject, [*job.settings], job.request)
    return [(case, None) for case in cases]


def _checked(job: Job, name: str, text: str) -> list[Outcome]:
    """The outcomes of a text: of a program one, of a page one for each program on it."""
    if job.is_graded:
        return [_graded(job, name, text)]
    try:
        return [_of_program(job, name, text)]
    except GradcliError as error:
        return _otherwise(job, name, text, error)


def _of_program(job: Job, name: str, text: str) -> Outcome:
    checked = check_program(text, name, [*job.settings], job.request)
    _warn_if_strict(job, checked)
    return checked.case, None


def _otherwise(job: Job, name: str, text: str, error: GradcliError) -> list[Outcome]:
    """The outcomes of a text that is no program: of Python, or of several programs."""
    from gradcli.tasks.pasted_programs import SeveralPrograms, is_python  # late: few are pasted

    if not isinstance(error, SeveralPrograms):
        if is_python(text):
            return _of_python(job, text, name, None)
        raise error
    outcomes: list[Outcome] = []
    for program in error.programs:
        try:
            outcomes += _checked(job, name, program)
        except GradcliError as fault:
            outcomes.append((broken_case(name, fault), None))
    return outcomes


def _graded(job: Job, name: str, text: str) -> Outcome:
    """The outcome of an answer, which may be Python that is written as a program is."""
    from gradcli.tasks.answers import check_answer, with_unread  # late: few checks are gradings
    from gradcli.tasks.grade import grade

    stages = job.key.stages if job.key else None
    checked, unread = check_answer(text, name, [*job.settings], job.request, stages)
    _warn_if_strict(job, checked)
    return with_unread(checked.case, unread, text), grade(checked, job.key, unread)


def _warn_if_strict(job: Job, checked: Checked) -> None:
    if job.strict:
        missing = [f"no gradient for {name}" for name in unclaimed(checked.program)]
        warn([*checked.case.warnings, *missing], strict=True, quiet=True)
