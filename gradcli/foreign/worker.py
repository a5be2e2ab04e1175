"""The main program of the child: it loads other people's code and serves what it is asked.

    python -Pu -m gradcli.foreign.worker SIDE SOURCE MEMORY REQUESTS ANSWERS

The last two are numbers of pipes of its own: what the code prints goes elsewhere. This is the one
module that imports what a user names.
"""

from __future__ import annotations

import faulthandler
import importlib
import importlib.util
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable
from threading import Thread
from types import ModuleType
from typing import Any, NoReturn

from gradcli.foreign.wire import WireError, packed, unpacked

SIDES = ("calls", "functions", "gates", "torch", "jax")  # modules of `gradcli.foreign.sides`
MOST_PRINTED = 2**26  # bytes that the code may write to one file
LONGEST_MESSAGE, LONGEST_TRACE = 400, 8000  # characters
LOOK = 0.5  # seconds from one look after the parent to the next
FORKS = ("os.fork", "os.forkpty")

Verb = Callable[..., Any]


def main(side: str, source: str, memory: str, *pipes: str) -> None:
    """Serve requests until there are no more."""
    faulthandler.enable()
    _end_with_parent()
    _limit(int(memory))
    for pipe in map(int, pipes):
        os.set_inheritable(pipe, False)
    requests, answers = os.fdopen(int(pipes[0]), "rb"), os.fdopen(int(pipes[1]), "wb")
    sys.addaudithook(_refuse_forks)
    own = os.getpid()
    home = [source if source.endswith(".py") else ""]

    def answer(call: Callable[[], Any]) -> None:
        try:
            message = packed({"value": call()})
        except WireError as error:
            message = packed({"fault": _named("TypeError", f"what is returned: {error}", home[0])})
        except BaseException as error:
            message = packed({"fault": _fault(error, home[0])})
        if os.getpid() != own:
            os._exit(1)
        answers.write(message)
        answers.flush()

    loaded: list[tuple[ModuleType, dict[str, Verb]]] = []

    def load() -> str:
        module = _loaded(source)
        home[0] = os.path.realpath(module.__file__ or "")
        assert side in SIDES, side
        verbs = importlib.import_module(f"gradcli.foreign.sides.{side}").VERBS
        loaded.append((module, verbs))
        return home[0]

    answer(load)
    while (request := _next(requests)) is not None and loaded:
        module, verbs = loaded[0]
        answer(lambda request=request, module=module, verbs=verbs: verbs[request["verb"]](  # type: ignore[misc]
            module, *request["arguments"], **request["keywords"]
        ))  # fmt: skip


def _next(requests: Any) -> Any:
    """The next request; None where the parent has gone."""

    def read(count: int) -> bytes:
        data: bytes = requests.read(count)
        if len(data) < count:
            raise EOFError
        return data

    try:
        return unpacked(read)
    except EOFError:
        return None


def _end_with_parent() -> None:
    """End when the parent has gone, whatever runs: a loop of the code would go on alone."""
    parent = os.getppid()

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK)
        os._exit(1)

    Thread(target=look, daemon=True).start()


def _limit(megabytes: int) -> None:
    """Limit the memory and the size of files, and leave no core behind."""
    for kind, most in (
        (resource.RLIMIT_DATA, megabytes * 2**20),
        (resource.RLIMIT_FSIZE, MOST_PRINTED),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (limit, hard))


def _refuse_forks(event: str, _: Any) -> None:
    if event in FORKS:
        raise RuntimeError("a process is forked here, and only one can answer")


def _loaded(source: str) -> ModuleType:
    """The module of a file, as if it were imported from its folder; or a module by its name."""
    if not source.endswith(".py"):
        sys.path.insert(0, os.getcwd())
        return importlib.import_module(source)
    path = os.path.realpath(source)
    name = os.path.basename(path).removesuffix(".py")
    sys.path.insert(0, os.path.dirname(path))
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{source} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


# ---------------------------------------------------------------- faults


def _fault(error: BaseException, home: str) -> dict[str, Any]:
    """An exception of the code: its kind and message, and the last line of the code it passed."""
    kind, message = type(error).__name__, _message(error)
    if isinstance(error, SystemExit):
        message = f"it calls sys.exit({error.code!r})"
    fault = _named(kind, message, home)
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if os.path.realpath(f.filename) == home]
    near = [f for f in frames if os.path.dirname(os.path.realpath(f.filename))
            == os.path.dirname(home)]  # fmt: skip
    if isinstance(error, SyntaxError) and error.filename:
        fault |= {"file": os.path.realpath(error.filename), "line": error.lineno or 1}
    elif own or near:
        frame = (own or near)[-1]
        fault |= {"file": os.path.realpath(frame.filename), "line": frame.lineno or 1}
    trace = "".join(traceback.format_exception(error))  # which minds no text that fails
    return {**fault, "trace": trace[-LONGEST_TRACE:]}


def _message(error: BaseException) -> str:
    """The message of an exception; its text is code of the user's as well, and may fail itself."""
    try:
        return str(error)
    except BaseException as fault:
        return f"its text cannot be had ({type(fault).__name__})"


def _named(kind: str, message: str, home: str) -> dict[str, Any]:
    first = message.strip().splitlines()[0] if message.strip() else ""
    return {"kind": kind, "message": first[:LONGEST_MESSAGE], "file": home, "line": 0, "trace": ""}


def _leave() -> NoReturn:
    """End at once: threads and handlers of the code have nothing to say any more."""
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
    _leave()
