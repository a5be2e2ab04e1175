"""gradcli beside its peers, whole processes: `python tests/benchmarks/peers.py [PART]...`.

Contenders take turns; the figure is CPU time (user and system, all threads), which the load of a
machine blurs less than the time on the wall. A peer that is not installed is left out. The tables
of points are made once, in a temporary folder; every contender reads and writes the same numbers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

ROUNDS = 5
ROWS = 1_000_000
ROOT = Path(__file__).parent.parent.parent
FORMULA = "(x + sigmoid(y)) / (sigmoid(x) + (x + y)**2)"
GRADCLI = ["-m", "gradcli"]
POINTS = f"""
import numpy as np
points = np.random.default_rng(0).uniform(-3, 3, ({ROWS}, 2))
np.save("points.npy", points)
with open("points.csv", "w") as file:
    file.write("x,y\\n")
    file.writelines(f"{{x!r}},{{y!r}}\\n" for x, y in points.tolist())
"""
NUMPY = """
import numpy as np
a = np.load("points.npy"); x = a[:, 0].copy(); y = a[:, 1].copy()
sy = 1/(1 + np.exp(-y)); sx = 1/(1 + np.exp(-x)); s = x + y; num = x + sy; den = sx + s*s
f = num/den; inv = 1/den; dden = -f*inv
dx = inv + dden*(2*s + sx*(1 - sx)); dy = inv*sy*(1 - sy) + dden*2*s
np.save("numpy.npy", np.stack([f, dx, dy], 1))
"""
POLARS = """
import polars as pl
x, y = pl.col("x"), pl.col("y")
t = pl.read_csv("points.csv").with_columns(sy=1/(1 + (-y).exp()), sx=1/(1 + (-x).exp()), s=x + y)
t = t.with_columns(num=x + pl.col("sy"), den=pl.col("sx") + pl.col("s")*pl.col("s"))
t = t.with_columns(value=pl.col("num")/pl.col("den"), inv=1/pl.col("den"))
t = t.with_columns(dden=-pl.col("value")*pl.col("inv"))
s, sx, sy, inv, dden = map(pl.col, ("s", "sx", "sy", "inv", "dden"))
t.select("value", (inv + dden*(2*s + sx*(1 - sx))).alias("dx"),
         (inv*sy*(1 - sy) + dden*2*s).alias("dy")).write_csv("polars.csv")
"""
PANDAS = (
    NUMPY.replace('np.load("points.npy")', 'pd.read_csv("points.csv").to_numpy()')
    .replace(
        'np.save("numpy.npy", np.stack([f, dx, dy], 1))',
        'pd.DataFrame({"value": f, "dx": dx, "dy": dy}).to_csv("pandas.csv", index=False)',
    )
    .replace("import numpy as np", "import numpy as np, pandas as pd")
)
JAX = """
import jax, jax.numpy as jnp, numpy as np
jax.config.update("jax_enable_x64", True)
def f(x, y):
    return (x + jax.nn.sigmoid(y)) / (jax.nn.sigmoid(x) + (x + y)**2)
a = np.load("points.npy")
f, (dx, dy) = jax.jit(jax.vmap(jax.value_and_grad(f, (0, 1))))(a[:, 0], a[:, 1])
np.save("jax.npy", np.stack([f, dx, dy], 1))
"""
POLARS_JAX = (
    JAX.replace(", numpy as np", ", polars as pl")
    .replace('np.load("points.npy")', 'pl.read_csv("points.csv").to_numpy()')
    .replace(
        'np.save("jax.npy", np.stack([f, dx, dy], 1))',
        'pl.DataFrame({"value": f.__array__(), "dx": dx.__array__(), "dy": dy.__array__()})'
        '.write_csv("jax.csv")',
    )
)
GRADCHECK = """
import math, torch
def f(X, Wq, Wk, Wv, Wo, g, b, Y):
    xc = X - X.mean(1, keepdim=True)
    N = xc / torch.sqrt((xc**2).mean(1, keepdim=True) + 1e-5) * g + b
    Q, K, V, H = N @ Wq, N @ Wk, N @ Wv, []
    for s in (slice(0, 3), slice(3, 6)):
        P = torch.softmax(Q[:, s] @ K[:, s].T / math.sqrt(3), 1)
        H.append(P @ V[:, s])
    return ((torch.cat(H, 1) @ Wo + X - Y)**2).sum() / 24
shapes = (4, 6), *[(6, 6)] * 4, (6,), (6,), (4, 6)
torch.autograd.gradcheck(f, [torch.randn(s, dtype=torch.double, requires_grad=True) for s in shapes])
"""
LECTURE = [*GRADCLI, "eval", "(x+y)*z", "x=-2", "y=5", "z=-4"]


class Job(NamedTuple):
    """A process of Python, and the packages it needs besides gradcli's own."""

    name: str
    arguments: list[str]
    packages: tuple[str, ...] = ()


def batch(name: str, points: str, *options: str, package: str = "numpy") -> Job:
    """gradcli on a table of points."""
    words = ["batch", FORMULA, "-q", "--points", points, *options]
    return Job(f"gradcli {name}", [*GRADCLI, *words], (package,))


def check(path: str) -> Job:
    """gradcli on a file with a backward pass."""
    return Job(f"gradcli check {path}", [*GRADCLI, "check", str(ROOT / path), "-q"])


PARTS = {  # the second contender is what the others are divided by
    "csv": [
        batch("csv", "points.csv", "-o", "out.csv", package="orjson"),
        Job("polars, gradients by hand", ["-c", POLARS], ("polars",)),
        Job("polars and jax", ["-c", POLARS_JAX], ("jax", "polars")),
        Job("pandas and numpy by hand", ["-c", PANDAS], ("pandas",)),
    ],
    "npy": [
        batch("npy", "points.npy", "--names", "x,y", "-o", "out.npy"),
        Job("numpy by hand", ["-c", NUMPY]),
        batch("npy, native", "points.npy", "--names", "x,y", "-o", "o.npy", "--engine", "native",
              package="llvmlite"),
        Job("jax", ["-c", JAX], ("jax",)),
    ],
    "check": [
        check("sample_exprs/attention.grad"), Job("torch gradcheck, two heads", ["-c", GRADCHECK], ("torch",)),
        check("tests/benchmarks/two_heads.grad"), check("sample_exprs/two_layers.grad"),
        check("sample_exprs/lstm_step.grad"),
    ],
    "json": [
        Job("gradcli eval --json", [*LECTURE, "--json"]),
        Job("import click", ["-c", "import click"]),
        Job("gradcli eval -q", [*LECTURE, "-q"]), Job("gradcli -V", [*GRADCLI, "-V"]),
    ],
    "table": [
        Job("gradcli eval", LECTURE),
        Job("import click and rich", ["-c", "import click, rich.table, rich.console"]),
    ],
}  # fmt: skip


def cost(job: Job, folder: str) -> tuple[float, float]:
    """CPU seconds of a process, and the most memory it had, in MiB."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as installed packages are
    with open(os.devnull, "wb") as nowhere:
        process = subprocess.Popen([sys.executable, *job.arguments], cwd=folder, env=environment,
                                   stdout=nowhere, stderr=nowhere)  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{job.name} failed: run it by hand")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def race(part: str, folder: str) -> None:
    """Print the least CPU time of each contender over some rounds, and ratios."""
    jobs = [job for job in PARTS[part] if all(map(find_spec, job.packages))]
    costs: dict[str, list[tuple[float, float]]] = {job.name: [] for job in jobs}
    for _ in range(ROUNDS):
        for job in jobs:
            costs[job.name].append(cost(job, folder))
    reference = min(costs.get(PARTS[part][1].name, [(float("nan"), 0.0)]))[0]
    print(part)
    for name, pairs in costs.items():
        least = min(pairs)[0]
        print(
            f"  {name:44} {least:6.3f} s  {least / reference:5.2f}  {max(m for _, m in pairs):4.0f} MiB"
        )


def main() -> None:
    """Make the points, and run the parts that are named, or all and those within a process."""
    with tempfile.TemporaryDirectory() as folder:
        cost(Job("points", ["-c", POINTS]), folder)
        for part in sys.argv[1:] or PARTS:
            race(part, folder)
    if not sys.argv[1:]:
        subprocess.run([sys.executable, str(Path(__file__).with_name("kernels.py"))], check=True)


if __name__ == "__main__":
    main()
