"""gradcli beside its peers within one process: `python tests/benchmarks/kernels.py [PART]...`.

Contenders take turns; the figure is CPU time, the least of some rounds. A peer that is not
installed is left out.

    kernels   value and gradients at a million points: machine code, numpy in chunks, jax; and
              as many columns read and written with next to nothing computed
    first     the first result of each, with what compiling takes when nothing is cached
    oneshot   from a text to all gradients, beside xad, which runs the text as Python
    checks    a check of two attention heads, beside torch's gradcheck
    growth    time for each gate, point and input, from few to many
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from measure import random_program, seconds, take_turns
from peers import FORMULA, GRADCHECK

import gradcli
from gradcli.cli.main import gradcli as command

POINTS, ROUNDS = 1_000_000, 5
HERE = Path(__file__).parent
THIRTY = 30  # gates
Works = dict[str, Callable[[], object]]

lines, _ = random_program(THIRTY, inputs=3, seed=4)
PROGRAMS = {  # text, and the same for jax
    "staged": (FORMULA, ["x", "y"]),
    "neuron": ("sigmoid(w0*x0 + w1*x1 + w2)", ["w0", "w1", "w2", "x0", "x1"]),
    "30 gates": ("\n".join(lines), ["x0", "x1", "x2"]),
}


def race(title: str, works: Works, reference: str, rounds: int = ROUNDS) -> None:
    """Print the least CPU time of each contender, and divide by that of the reference."""
    times = take_turns(works, rounds)
    least = {name: min(taken) for name, taken in times.items()}
    print(title)
    for name, taken in least.items():
        share = taken / least[reference] if reference in least else float("nan")
        print(f"  {name:44} {taken * 1e3:10.3f} ms  {share:6.2f}", flush=True)


def jax_function(text: str, inputs: list[str]) -> Callable[..., Any]:
    """Value and gradients at many points, compiled by jax at its first call."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    names = {name: getattr(jnp, name) for name in ("sin", "cos", "tanh", "exp", "log")}
    names |= {"max": jnp.maximum, "sigmoid": jax.nn.sigmoid}
    *before, last = text.splitlines()
    result = last.partition(" = ")[2] or last
    body = "".join(f"    {line}\n" for line in before)
    space = dict(names)
    exec(f"def f({', '.join(inputs)}):\n{body}    return {result}\n", space)
    return jax.jit(jax.vmap(jax.value_and_grad(space["f"], tuple(range(len(inputs))))))


def kernels() -> None:
    """Many points of small functions."""
    for name, (text, inputs) in PROGRAMS.items():
        rng = np.random.default_rng(0)
        columns = [rng.uniform(0.5, 1.5, POINTS) for _ in inputs]
        function = gradcli.compile(text, inputs)
        engines = {"numpy in chunks": "numpy", "machine code": "native"}
        if not find_spec("llvmlite"):
            del engines["machine code"]
        works: Works = {
            called: partial(function.over(inputs, engine).run, columns, by_rows=False)
            for called, engine in engines.items()
        }
        if find_spec("llvmlite"):
            squares = gradcli.compile(" + ".join(f"{x}*{x}" for x in inputs), inputs)
            works["traffic"] = partial(squares.over(inputs, "native").run, columns, by_rows=False)
        if find_spec("jax"):
            import jax

            compiled, arrays = jax_function(text, inputs), columns
            works["jax"] = lambda f=compiled, c=arrays: jax.block_until_ready(f(*c))
        race(f"{name}: {POINTS} points", works, "numpy in chunks")


def first() -> None:
    """The first result of a small function, from its text; and of large ones, for their growth."""
    text, inputs = PROGRAMS["30 gates"]
    columns = [np.full(8, 1.0) for _ in inputs]
    works: Works = {}
    if find_spec("jax"):
        import jax

        def of_jax() -> object:
            jax.clear_caches()
            return jax.block_until_ready(jax_function(text, inputs)(*columns))

        works["jax"] = of_jax
    for engine in ("numpy", "native") if find_spec("llvmlite") else ("numpy",):
        works[engine] = lambda e=engine: gradcli.compile(text, inputs).over(inputs, e).run(columns)
    if find_spec("llvmlite"):
        works["native, nothing cached"] = lambda: compiled_anew(text, inputs)
    race("30 gates: the first result", works, "jax")
    for gates in (30, 300, 3_000) if find_spec("llvmlite") else ():
        lines, inputs = random_program(gates, inputs=3, seed=4)
        least = min(
            seconds(lambda ls=lines, i=inputs: compiled_anew("\n".join(ls), i)) for _ in range(3)
        )
        print(f"  {gates:9} gates compiled {least / gates * 1e3:8.2f} ms each", flush=True)


def compiled_anew(text: str, inputs: list[str]) -> object:
    """The first result of machine code, where no cache has it."""
    with TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        try:
            function = gradcli.compile(text, inputs).over(inputs, "native")
            return function.run([np.full(8, 1.0) for _ in inputs])
        finally:
            del os.environ["XDG_CACHE_HOME"]


def oneshot() -> None:
    """A text, read and run once."""
    for gates in (1_000, 10_000, 100_000):
        lines, inputs = random_program(gates)
        text = "\n".join(lines)
        point = [1.0] * len(inputs)
        works: Works = {"gradcli": lambda t=text, i=inputs, p=point: gradcli.compile(t, i)(*p)}
        if find_spec("xad"):
            works["xad"] = lambda t=text, i=inputs: of_xad(t, i)
        race(f"{gates} gates, from a text to all gradients", works, "xad")


def of_xad(text: str, inputs: list[str]) -> list[float]:
    """The gradients that xad finds, of a text that Python runs line by line."""
    import xad
    from xad import adj_1st, math

    with adj_1st.Tape() as tape:
        leaves = [adj_1st.Real(1.0) for _ in inputs]
        for leaf in leaves:
            tape.registerInput(leaf)
        tape.newRecording()
        names: dict[str, Any] = dict(zip(inputs, leaves, strict=True))
        names |= {name: getattr(math, name) for name in ("sin", "cos", "tanh", "exp", "log")}
        names["max"] = math.max
        exec(compile(text, "<text>", "exec"), names)
        output = names[text.rpartition("\n")[2].partition(" = ")[0]]
        tape.registerOutput(output)
        output.setAdjoint(1.0)
        tape.computeAdjoints()
        return [xad.derivative(leaf) for leaf in leaves]


def checks() -> None:
    """The gradients of two attention heads, 204 numbers, and the same with a backward pass."""
    text = (HERE / "two_heads.grad").read_text()
    forward = text.partition("# backward pass")[0]
    works: Works = {
        "gradcli, its own gradients": lambda: gradcli.check(forward),
        "gradcli, 29 lines of a backward pass": lambda: gradcli.check(text),
    }
    if find_spec("torch"):
        import torch

        torch.set_num_threads(1)
        works["torch gradcheck"] = partial(exec, compile(GRADCHECK, "<torch>", "exec"), {})
    race("checks", works, "torch gradcheck", rounds=3)


def growth() -> None:
    """How time grows with gates, points and files: linear growth is the same for each."""
    for gates in (10**k for k in range(2, 7)):
        lines, inputs = random_program(gates)
        text, point = "\n".join(lines), [1.0] * len(inputs)
        once = lambda t=text, i=inputs, p=point: gradcli.compile(t, i)(*p)  # noqa: E731
        least = min(seconds(once) for _ in range(3 if gates < 10**5 else 1))
        print(f"  {len(lines):9} gates  {least / len(lines) * 1e6:8.2f} us each", flush=True)
    function = gradcli.compile(FORMULA, ["x", "y"]).over(["x", "y"], "numpy")
    for points in (10**k for k in range(3, 8)):
        columns = [np.linspace(-3, 3, points) for _ in range(2)]
        least = min(seconds(lambda c=columns: function.run(c)) for _ in range(3))
        print(f"  {points:9} points {least / points * 1e9:8.2f} ns each", flush=True)
    for files in (10, 100, 1_000, 10_000):
        with TemporaryDirectory() as folder:
            for k in range(files):
                Path(folder, f"{k}.grad").write_text(f"x = {k}\nf = x*x\ndx = 2*x\n")
            words = ["check", folder, "-q", "--jobs", "1"]
            taken = seconds(lambda w=words: command.main(w, standalone_mode=False))
        print(f"  {files:9} files  {taken / files * 1e3:8.2f} ms each", flush=True)
    for size in (100, 1_000, 10_000):
        names = [f"x{k}" for k in range(size)]
        text = " + ".join(f"sin({a})*{b}" for a, b in pairwise(names))
        point = dict.fromkeys(names, 0.7) | {"x0": 0.3}
        claims = dict(zip(names, gradcli.compile(text, names)(*point.values())[1], strict=True))
        taken = seconds(lambda t=text, p=point, c=claims: gradcli.check(t, p, c))
        print(f"  {size:9} inputs of a sum {taken / size * 1e6:8.0f} us each", flush=True)


PARTS = {"kernels": kernels, "first": first, "oneshot": oneshot, "checks": checks, "growth": growth}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
