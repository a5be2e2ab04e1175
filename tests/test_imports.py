"""The house: who may import whom, what start-up loads, and what occurs nowhere."""

from __future__ import annotations

import ast
import copy
import os
import subprocess
import sys
import types
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pytest

from gradcli import named_tuples

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gradcli"
HEAVY = {"numpy", "rich", "mpmath"}

# An import goes to a lower floor, or stays in its room; rooms of one floor know nothing of each other.
FLOORS = {
    "named_tuples": 0,
    "errors": 1, "marks": 1, "version": 1,
    "reports": 2, "requests": 2,
    "gates": 3, "render": 3,
    "syntax": 4,
    "graph": 5,
    "arithmetic": 6, "native": 6, "program": 6,
    "engine": 7, "emit": 7, "python": 7, "tables": 7,
    "transform": 8, "foreign": 8,
    "evaluation": 9,
    "checker": 10,
    "backward": 11,
    "tasks": 12,
    "api": 13,
    "cli": 14, "testing": 14,
    "__main__": 15, "pytest_plugin": 15,
}  # fmt: skip
ARRAYS = {
    "gradcli.arithmetic.arrays",
    "gradcli.arithmetic.chunks",
    "gradcli.arithmetic.complex_steps",
    "gradcli.arithmetic.digit",
    "gradcli.arithmetic.stacked",
    "gradcli.arithmetic.matrices",
    "gradcli.arithmetic.bounds.matrices",
    "gradcli.foreign.dialects",
    "gradcli.foreign.recording",
    "gradcli.foreign.records",
    "gradcli.gates.moves",
    "gradcli.graph.array_functions",
    "gradcli.arithmetic.bounds.arrays",
    "gradcli.program.array_files",
    "gradcli.checker.blackbox.corners",
    "gradcli.checker.blackbox.gradients",
    "gradcli.checker.blackbox.line",
    "gradcli.checker.blackbox.noise",
    "gradcli.checker.blackbox.other_numbers",
    "gradcli.program.npy",
    "gradcli.native.machine",
    "gradcli.tables.numbers",
    "gradcli.tables.text",
    "gradcli.tables.npy",
    "gradcli.tables.npz",
    "gradcli.tables.json_lines",
    "gradcli.tables.arrow",
    "gradcli.tables.made",
    "gradcli.evaluation.columns",
    "gradcli.evaluation.nearest",
    "gradcli.tasks.batch",
    "gradcli.tasks.cluster",
    "gradcli.checker.patterns",
    "gradcli.checker.gate_states",
    "gradcli.checker.gate_names",
    "gradcli.checker.gate_outputs",
    "gradcli.checker.own_gates",
    "gradcli.foreign.own_rows",
    "gradcli.foreign.sides.gates",
    "gradcli.tasks.check_gates",
    "gradcli.tasks.gate_points",
    "gradcli.tasks.gate_reading",
    "gradcli.checker.directions",
    "gradcli.checker.slopes",
    "gradcli.checker.rows",
    "gradcli.checker.sheet",
    "gradcli.checker.together",
    "gradcli.checker.singular",
    "gradcli.transform.elements",
    "gradcli.tasks.blocks",
    "gradcli.tasks.entry_claims",
    "gradcli.tasks.stage_gradients",
    "gradcli.tasks.whole_points",
    "gradcli.tasks.entry_verdicts",
    "gradcli.tasks.derivatives",
    "gradcli.tasks.callables",
    "gradcli.tasks.calls",
    "gradcli.tasks.functions",
    "gradcli.tasks.recordings",
    "gradcli.tasks.rows_of_arrays",
    "gradcli.tasks.rows_of_numbers",
    "gradcli.backward.aim",
    "gradcli.backward.replay",
    "gradcli.backward.known",
    "gradcli.backward.blame",
    "gradcli.backward.suspects",
    "gradcli.backward.turns",
    "gradcli.backward.written_parts",
    "gradcli.backward.naming",
    "gradcli.backward.lines",
    "gradcli.backward.misfits",
    "gradcli.backward.uses",
}
FACE = {"api", "errors", "marks", "reports", "version"}  # what gradcli/__init__.py may import


def modules():
    """(dotted name, path) of every module of the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(modules())
EVERY_MODULE = pytest.mark.parametrize("name", MODULES)


@cache
def tree(name):
    return ast.parse(MODULES[name].read_text("utf-8"))


def room(name):
    return name.split(".")[1] if "." in name else ""


@cache
def imports(name):
    """(module, name taken from it or "", whether it is inside a function) of every import."""
    inside = {
        id(node)
        for function in ast.walk(tree(name))
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for node in ast.walk(function)
    }
    entries = []
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            entries += [(alias.name, "", id(node) in inside) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are written in full"
            entries += [(node.module, alias.name, id(node) in inside) for alias in node.names]
    return entries


def own_imports(name):
    """The modules of the package that a module imports."""
    for module, taken, _ in imports(name):
        if module == "gradcli" or module.startswith("gradcli."):
            inner = f"{module}.{taken}"
            yield inner if inner in MODULES else module


def calls(name):
    """Every call of a plain name: (function, call)."""
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, node


# ---------------------------------------------------------------- floors


def test_every_room_has_a_floor():
    assert {room(name) for name in MODULES} - {""} == set(FLOORS)


@EVERY_MODULE
def test_imports_run_downwards(name):
    for imported in own_imports(name):
        assert imported != "gradcli", f"{name} imports the face"
        if name == "gradcli":
            assert room(imported) in FACE
        else:
            assert room(imported) == room(name) or FLOORS[room(imported)] < FLOORS[room(name)], (
                f"{name} imports {imported}"
            )


PARTS_OF_PYTHON = (  # of the room that reads Python, from the lowest; its own modules lie above
    "state", "rows", "interpreter", "words", "parameters", "subjects", "driving",
)  # fmt: skip


def test_imports_run_downwards_in_the_room_that_reads_python():
    def part(name):
        inner = name.removeprefix("gradcli.python.").split(".")
        return PARTS_OF_PYTHON.index(inner[0]) if len(inner) > 1 else len(PARTS_OF_PYTHON)

    names = [name for name in MODULES if name.startswith("gradcli.python.") and "." in name[15:]]
    assert {name.split(".")[2] for name in names} == {*PARTS_OF_PYTHON}
    for name in names:
        inner = [other for other in own_imports(name) if room(other) == "python"]
        upwards = [other for other in inner if part(other) > part(name)]
        assert not upwards, f"{name} imports {upwards}"


@EVERY_MODULE
def test_faces_hold_no_logic(name):
    """They say what a room is for, and may hand on names; the first face when they are asked for.

    It is loaded before the command can heed signals, and must not take long.
    """
    if MODULES[name].name == "__init__.py":
        parts = (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign)
        others = [ast.unparse(node) for node in tree(name).body if not isinstance(node, parts)]
        if name == "gradcli":
            assert [text.split("\n")[0] for text in others] == [
                "if TYPE_CHECKING:", "def __getattr__(name: str) -> Any:",
            ]  # fmt: skip
        else:
            assert others == []


def test_the_first_face_loads_nothing_before_it_is_asked():
    code = "import sys, gradcli; print(*[m for m in sys.modules if m.startswith('gradcli.')])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "gradcli.version\n"
    import gradcli

    assert all(getattr(gradcli, name) is not None for name in gradcli.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = gradcli.nothing


def test_imports_run_in_no_circle():
    """Neither between rooms nor between modules."""
    between_modules = {name: {*own_imports(name)} - {name} for name in MODULES}
    between_rooms = {}
    for name, imported in between_modules.items():
        others = {room(other) for other in imported} - {room(name)}
        between_rooms.setdefault(room(name), set()).update(others)
    for graph in (between_modules, between_rooms):
        finished = set()
        while len(finished) < len(graph):
            ready = {n for n, needed in graph.items() if n not in finished and needed <= finished}
            assert ready, {n: graph[n] - finished for n in graph if n not in finished}
            finished |= ready


# ---------------------------------------------------------------- what occurs in one place, or nowhere


def test_text_is_compiled_in_one_place():
    """There, only our own table is; a user's text never becomes Python."""
    found = [
        (name, function)
        for name in MODULES
        for function, _ in calls(name)
        if function in ("exec", "eval", "compile", "__import__")
    ]
    assert sorted(found) == [
        ("gradcli.arithmetic.arithmetic", "compile"),
        ("gradcli.arithmetic.arithmetic", "exec"),
    ]


# Commands, formats and what the face shows are loaded by name, from a fixed table each; the child
# process of foreign code loads what was named behind --gates and its relatives, and nothing else does.
BY_NAME = ("gradcli", "gradcli.cli.main", "gradcli.render.formats", "gradcli.foreign.worker")
HANDED_IN = ("gradcli.foreign.rebinding", "gradcli.foreign.dialects")  # they copy functions that
# run in this process anyway, as their caller asked for it
IN_THE_CHILD = "gradcli.foreign.sides."  # modules that only the child process loads


@EVERY_MODULE
def test_attributes_are_never_looked_up_by_text(name):
    """But for commands and formats, whose functions stand in fixed tables, and for code that runs."""
    for function, call in calls(name):
        is_free = name in (*BY_NAME, *HANDED_IN) or name.startswith(IN_THE_CHILD)
        if function in ("getattr", "setattr", "delattr", "hasattr") and not is_free:
            assert isinstance(call.args[1], ast.Constant), f"{name}:{call.lineno}"
        assert function not in ("globals", "locals", "vars") or is_free, f"{name}:{call.lineno}"


@EVERY_MODULE
def test_modules_are_imported_by_text_only_for_commands_and_formats(name):
    """From their fixed tables; what a user typed is imported in the child process only."""
    uses = [m for m, taken, _ in imports(name) if m.startswith("importlib") and taken != "version"]
    assert not uses or name in BY_NAME


@EVERY_MODULE
def test_the_child_is_only_started(name):
    """What runs foreign code is another process: nothing in this one imports its modules."""
    own = ("gradcli.foreign.worker", "gradcli.foreign.sides")
    if not name.startswith(own):
        assert not [module for module in own_imports(name) if module.startswith(own)]


@EVERY_MODULE
def test_nothing_is_unpickled(name):
    unsafe = {"pickle", "marshal", "shelve", "dill", "ctypes", "code", "runpy"}
    if name == "gradcli.native.machine":  # calls the machine code of our own gates
        unsafe.remove("ctypes")
    assert not unsafe & {module.split(".")[0] for module, _, _ in imports(name)}


@EVERY_MODULE
def test_nothing_prints_but_the_last_room(name):
    assert "print" not in {function for function, _ in calls(name)}
    if room(name) not in ("cli", "__main__"):
        writes = [
            node.lineno
            for node in ast.walk(tree(name))
            if isinstance(node, ast.Attribute)
            and node.attr in ("stdout", "stderr")
            and ast.unparse(node.value) == "sys"
        ]  # of this process; those of another one are read
        assert writes == []


@EVERY_MODULE
def test_foreign_packages_have_their_rooms(name):
    for module, _, is_late in imports(name):
        package = module.split(".")[0]
        if package == "click":
            assert room(name) == "cli"
        elif package == "rich":
            assert room(name) == "render"
            assert is_late or name in (
                "gradcli.render.table", "gradcli.render.check_table", "gradcli.render.documents", "gradcli.render.circuit.tree",
                "gradcli.render.curves.plot_chart", "gradcli.render.curves.step_chart", "gradcli.render.gates",
            )  # fmt: skip
        elif package == "pygraphviz":  # there or not: one module asks
            assert is_late
            assert name == "gradcli.render.circuit.graphviz"
        elif package == "matplotlib":
            assert is_late
            assert name == "gradcli.render.curves.figures"
        elif package == "orjson":
            assert is_late
            assert name == "gradcli.tables.numbers"
        elif package == "llvmlite":
            assert is_late
            assert name == "gradcli.native.machine"
        elif package == "pyarrow":
            assert is_late
            assert name == "gradcli.tables.arrow"
        elif package == "distributed":
            assert is_late
            assert name == "gradcli.tasks.cluster"
        elif package == "pytest":
            assert name == "gradcli.pytest_plugin"
        elif package == "mpmath":
            assert is_late or name == "gradcli.arithmetic.digits"
        elif package in ("torch", "jax"):  # there or not: the child says so
            assert name == IN_THE_CHILD + package
        elif package == "numpy":
            is_open = room(name) == "python" or name.startswith(IN_THE_CHILD)  # it has arrays
            assert is_late or name in ARRAYS or is_open
        elif package != "gradcli":
            assert package in sys.stdlib_module_names, f"{name} imports {module}"


# ---------------------------------------------------------------- what start-up loads


@cache
def loaded_by(*arguments, is_whole=False):
    """The packages a Python process has loaded at its end, all modules of them, and its output."""
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: sys.stderr.write(' '.join(sorted(sys.modules))))\n"
        f"sys.argv = {['gradcli', *arguments]!r}\n"
        + ("from gradcli.cli.main import main; main()" if arguments else "import gradcli")
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    names = done.stderr.split()
    return {name if is_whole else name.partition(".")[0] for name in names}, done.stdout


def test_the_import_is_light():
    modules, _ = loaded_by()
    assert "gradcli" in modules
    assert not modules & {*HEAVY, "click", "json", "dataclasses", "inspect", "typing_extensions"}


def test_named_tuples_are_those_of_typing():
    """In all that is asked of them; only what they cost to define is less."""
    body = {"__annotations__": {"x": "int", "y": "str", "z": "int"}, "y": "two", "z": 3}
    body |= {"__module__": __name__, "__doc__": "A triple.", "twice": lambda self: 2 * self.x}
    ours = types.new_class("Triple", (named_tuples.NamedTuple,), exec_body=lambda b: b.update(body))
    theirs = types.new_class("Triple", (NamedTuple,), exec_body=lambda b: b.update(body))
    for words, more in (((1,), {}), ((1, "b", 2), {}), ((), {"x": 1, "z": 4}), ((1,), {"y": "c"})):
        mine, other = ours(*words, **more), theirs(*words, **more)
        assert mine == other
        assert repr(mine) == repr(other)
        assert (mine.x, mine.y, mine.z, mine.twice()) == (*other, other.twice())
        assert mine._asdict() == other._asdict()
        assert mine._replace(y="d") == other._replace(y="d")
        assert copy.copy(mine) == mine == ours._make(other)
        assert hash(mine) == hash(other)
    assert ours._fields == theirs._fields == ours.__match_args__
    assert ours.__doc__ == "A triple."
    for words, more in (((), {}), ((1, 2, 3, 4), {}), ((1,), {"x": 1}), ((1,), {"w": 1})):
        for kind in (ours, theirs):
            with pytest.raises(TypeError):
                kind(*words, **more)
    with pytest.raises(AttributeError):
        ours(1).w = 1
    with pytest.raises(AttributeError):
        ours(1).x = 1
    with pytest.raises(TypeError):
        ours(1)._replace(w=1)


LECTURE = ("eval", "(x+y)*z", "x=-2", "y=5", "z=-4")


def test_json_needs_neither_numpy_nor_rich_nor_mpmath():
    modules, output = loaded_by(*LECTURE, "--json")
    assert '"value": -12.0' in output
    assert "click" in modules
    assert not modules & HEAVY


def test_the_table_needs_neither_numpy_nor_mpmath():
    modules, output = loaded_by(*LECTURE)
    assert "-12" in output
    assert "rich" in modules
    assert not modules & (HEAVY - {"rich"})


def test_what_is_brief_needs_neither_numpy_nor_rich_nor_mpmath():
    modules, output = loaded_by(*LECTURE, "-q")
    assert output.splitlines() == ["value = -12", "dx = -4", "dy = -4", "dz = 3"]
    assert not modules & HEAVY
    for form in ("-q", "--format=concise"):
        modules, _ = loaded_by("check", "x*y", "x=3", "y=2", "--claim", "x=2", form)
        assert not modules & HEAVY


def test_a_check_of_arrays_loads_no_more_of_numpy_than_arrays():
    program = str(ROOT / "sample_exprs" / "two_layers.grad")
    modules, output = loaded_by("check", program, "-q", is_whole=True)
    assert output == "1 pass\n"
    assert "numpy" in modules
    assert not modules & {"numpy.ma", "rich", "mpmath", "fractions"}
    assert "gradcli.backward.known" in modules
    assert not modules & {"gradcli.backward.blame", "gradcli.backward.naming", "difflib"}


def test_the_versions_load_neither_numpy_nor_metadata():
    modules, output = loaded_by("-V")
    assert version("numpy") in output
    assert not modules & {*HEAVY, "email", "csv"}  # which importlib.metadata reads with


def test_python_m_is_the_same_command():
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "gradcli", *LECTURE, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == loaded_by(*LECTURE, "--json")[1]
    assert done.stderr == ""


@pytest.mark.parametrize("text", ["relu(x)*y", "(1 - cos(x))/x**2 + y"])
def test_many_digits_are_loaded_when_float64_does_not_settle_it(text):
    modules, _ = loaded_by("eval", text, "x=0" if "relu" in text else "x=1e-5", "y=2", "--json")
    assert "mpmath" in modules
