"""Functions of numpy as Python files call them, row by row."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from python_cases import cases, verdicts

from gradcli.arithmetic.arrays import ARRAYS
from gradcli.engine import Machine, backward
from gradcli.errors import LimitError
from gradcli.python.interpreter.interpreter import Interpreter
from gradcli.python.state.source import Script
from gradcli.python.state.values import Array, Scope

FOLDER = Path(__file__).parent / "python_files"
FILES = sorted(path.name for path in FOLDER.glob("*.py"))
MISTAKE = re.compile(r"^# mistake: (.*) => (.*?)(  \(elsewhere\))?$", re.MULTILINE)


# ---------------------------------------------------------------- numpy, row by row

X = np.random.RandomState(1).standard_normal((3, 4))
EXPRESSIONS = """
x[1] ; x[-1, 2:] ; x[:, None] ; x[..., 0] ; x[::2] ; x[::-1, 1] ; x[[0, 2, 0]] ; x[:, [1, 1]]
x[np.arange(3), [0, 3, 1]] ; x[x > 0] ; x.T ; x.reshape(2, -1) ; x.ravel() ; x.flatten()
x.sum() ; x.sum(0) ; x.mean(1, keepdims=True) ; np.max(x, axis=1) ; x.min() ; x.var(0) ; x.std()
np.var(x, axis=0, ddof=1) ; np.prod(x, axis=1) ; np.cumsum(x, axis=1) ; np.cumsum(x) ; np.cumprod(x, 0)
np.diff(x, axis=1) ; np.sort(x, axis=0) ; np.median(x) ; np.linalg.norm(x) ; np.linalg.norm(x, axis=1)
np.exp(x) ; np.tanh(x) ; np.log1p(x * x) ; np.sqrt(x * x + 1) ; np.abs(x) ; np.sign(x) ; np.arctan2(x, 2)
np.maximum(x, 0.1) ; np.minimum(x, x.mean()) ; np.clip(x, -0.5, 0.5) ; np.where(x > 0, x, 0.1 * x)
x ** 3 ; x // 0.3 ; x % 0.7 ; -x ; x / (1 + x * x) ; (x > 0) * x ; (x > 0).astype(float) ; ~(x > 0)
np.logical_and(x > 0, x < 1) * x ; np.pad(x, 1) ; np.pad(x, ((0, 1), (2, 0)), mode='constant', constant_values=2.0)
np.pad(x, 1, 'edge') ; np.tile(x, (2, 1)) ; np.repeat(x, 2, axis=1) ; np.roll(x, 1, axis=0) ; np.flip(x, 1)
np.rot90(x) ; np.triu(x) ; np.tril(x, -1) ; np.diag(x[0]) ; np.diag(x[:, :3]) ; np.swapaxes(x, 0, 1)
np.moveaxis(x[None], 0, -1) ; np.expand_dims(x, 1) ; np.squeeze(x[None]) ; np.atleast_2d(x[0])
np.concatenate([x, 2 * x], axis=1) ; np.vstack((x, x[0])) ; np.hstack([x[0], x[1]]) ; np.stack([x, x], axis=1)
np.column_stack([x[:, 0], x]) ; np.append(x, [1.0]) ; np.split(x, 2, axis=1)[1] ; np.array_split(x, 2)[0]
np.dot(x, x.T) ; x @ x[0] ; np.outer(x[0], x[1]) ; np.inner(x, x) ; np.tensordot(x, x, axes=([0], [0]))
np.einsum('ij,kj->ik', x, x) ; np.einsum('ij->j', x) ; np.einsum('ij,ij->i', x, x) ; np.einsum('ii', x[:, :3])
np.einsum('ij,jk,kl->il', x, x.T, x) ; np.einsum('...j->...', x) ; np.kron(x[:2, :2], x[1:, 2:])
np.linalg.inv(x[:, :3] + 3 * np.eye(3)) ; np.linalg.solve(x[:, :3] + 3 * np.eye(3), x[:, 3])
np.linalg.det(x[:, :3]) ; np.linalg.slogdet(x[:, :3])[1] ; np.trace(x[:, :3]) ; np.vdot(x, x)
np.linalg.cholesky(x @ x.T + np.eye(3)) ; np.linalg.matrix_power(x[:, :3], 3) ; np.cross(x[:, :3], x[:, 1:])
np.multiply(x, 2) ; np.add(x, 1) ; np.subtract(1, x) ; np.divide(x, 3) ; np.power(x, 2) ; np.square(x)
np.broadcast_to(x[0], (2, 4)) ; np.full((2,), x[0, 0]) ; np.take(x, [2, 0], axis=0) ; np.delete(x, 1, axis=0)
np.average(x, axis=0, weights=[1, 2, 3]) ; np.ptp_like(x) ; np.add.outer(x[0], x[1]) ; np.r_[x[0], x[1]] ; np.c_[x[0], x[1]]
np.select([x > 1, x > 0], [x, 2 * x], 0.5) ; np.heaviside(x, 0.5) * x ; np.logaddexp(x, 1.0) ; np.hypot(x, 2.0)
sum([x[0], x[1]]) ; max(x[0, 0], x[1, 1]) ; abs(x) ; [2 * r for r in x][1] ; np.array([x[0, 0], 2.0])
""".replace("\n", " ; ")
EXPRESSIONS = [e.strip() for e in EXPRESSIONS.split(";") if e.strip() and "ptp_like" not in e]


def interpreted(body, x):
    """The interpreter, the input's node, and the value of f(x)."""
    reader = Interpreter(Script(f"import numpy as np\ndef f(x):\n{body}\n", "f.py"))
    scope = Scope()
    reader.look_over(reader.script.tree, scope)
    leaf = reader.tape.input("x", np.array(x))
    return reader, leaf, reader.call(scope["f"], [Array(leaf)], {})


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_has_the_value_and_the_slope_that_numpy_gives_it(expression):
    reader, leaf, value = interpreted(f"    return {expression}", X)
    expected = eval(expression, {"np": np, "x": X})  # a text of this file
    node = reader.tape.node(reader.content(value))
    assert np.allclose(reader.tape.value(node).astype(float), expected)
    assert reader.tape.graph.shape(node) == np.shape(expected)
    graph = reader.tape.graph
    run = Machine(graph, ARRAYS).run([X])
    weights = np.random.RandomState(2).standard_normal(np.shape(expected))
    backward(run, node, weights if np.shape(expected) else float(weights))

    def weighted(y):
        return float(np.sum(weights * np.asarray(eval(expression, {"np": np, "x": y}), float)))

    step, direction = 1e-6, np.random.RandomState(3).standard_normal(X.shape)
    slope = (weighted(X + step * direction) - weighted(X - step * direction)) / (2 * step)
    assert np.sum(run.gradients[leaf] * direction) == pytest.approx(slope, rel=1e-5, abs=1e-6)


STATEMENTS = {
    "an alias": "y = x.copy()\n    z = y\n    z[0] = 5.0\n    return y",
    "a view of a slice": "y = x.copy()\n    z = y[1:]\n    z *= 2\n    return y",
    "a view of a transpose": "y = x.copy()\n    z = y.T\n    z[0] += 1\n    return y",
    "a view of a reshape": "y = x.copy()\n    z = y.reshape(-1)\n    z[5] = 0\n    return y",
    "a mask on the left": "y = x.copy()\n    y[y < 0] = 0\n    return y",
    "a mask of rows": "y = x.copy()\n    y[x[:, 0] > 0] *= 3\n    return y",
    "a copy that is none of an index": "y = x.copy()\n    z = y[[0, 1]]\n    z[0] = 9.0\n    return y",
    "an array index on the left": "y = np.zeros((3, 4))\n    y[np.arange(3), [1, 1, 0]] = x[:, 0]\n    return y",
    "an array index that adds once": "y = np.zeros(4)\n    y[[0, 0, 2]] += x[0, :3]\n    return y",
    "add.at, which adds always": "y = np.zeros(4)\n    np.add.at(y, [0, 0, 2], x[0, :3])\n    return y",
    "numbers are not shared": "s = x.sum()\n    t = s\n    t += 1\n    return s",
    "a parameter that is written to": "def g(a):\n        a += 1\n    y = x.copy()\n    g(y)\n    return y",
    "closures": "k = 2\n    def g(a):\n        return a * k\n    k = 3\n    return g(x)",
    "lambda and defaults": "g = lambda a, n=2: a ** n\n    return g(x) + g(x, n=3)",
    "dictionaries": "d = {'W%d' % i: x[i] for i in range(3)}\n    d['W0'] += d['W1']\n    return d['W0'] * d[f'W{2}']",
    "star arguments": "def g(*a, **k):\n        return a[0] * k['w'] + a[1]\n    return g(*[x, 1], **{'w': 2})",
    "unpacking": "(a, *b), c = (x, 1, 2), 3\n    return a * b[1] + c",
    "while": "y, n = x, 0\n    while n < 3:\n        y = y * x\n        n += 1\n    return y",
    "break and continue": "y = 0\n    for i in range(9):\n        if i % 2:\n            continue\n        if i > 5:\n            break\n        y = y + i * x\n    return y",
    "else of a loop": "for i in range(2):\n        pass\n    else:\n        x = x * 2\n    return x",
    "conditional expressions": "return (x if len(x) > 2 else 2 * x) + (0 if x is None else 1)",
    "chained comparison": "return x * (1 if 0 < len(x) <= 3 else 2)",
    "try": "try:\n        y = {}['a']\n    except KeyError:\n        y = 2 * x\n    return y",
    "nested loops over arrays": "s = 0.0\n    for row in x:\n        for v in row:\n            s += v * v\n    return s",
    "enumerate and zip": "s = 0\n    for i, (a, b) in enumerate(zip(x, x[::-1])):\n        s = s + i * a * b\n    return s",
    "walrus": "return (n := 2) * x + n",
    "a negative step": "y = x.copy()\n    y[::-1] = x\n    return y",
    "fill and copyto": "y = np.empty_like(x)\n    y.fill(2.0)\n    np.copyto(y[0], x[1])\n    return y",
    "out=": "y = np.zeros_like(x)\n    np.multiply(x, 3, out=y)\n    return y",
    "sorted keys": "d = {'b': x, 'a': 2 * x}\n    return sum(k * d[n] for k, n in enumerate(sorted(d)))",
    "formats": "return {'a_01': x}['a_%02d' % 1] * {'b-2': 3}['b-{}'.format(2)]",
    "global data": "return x * np.arange(4)[::-1] / np.finfo(float).eps ** 0",
}


@pytest.mark.parametrize("kind", STATEMENTS)
def test_statements_mean_what_they_mean_in_python(kind):
    body = f"    {STATEMENTS[kind]}"
    reader, _, value = interpreted(body, X)
    names = {"np": np}
    exec(f"def f(x):\n{body}\n", names)  # a text of this file
    expected = names["f"](X.copy())
    assert np.allclose(np.asarray(reader.tape.value(reader.content(value)), float), expected)


def test_a_loop_of_many_nodes_is_a_limit():
    with pytest.raises(LimitError):
        interpreted(
            "    for i in range(15000):\n        x = x + 1 + x * 0.5 - x / 3 + x * x\n"
            "        x = x * 0.1 + x * 0.2 + x * 0.3 - x * 0.4\n    return x",
            X,
        )


def test_an_array_of_indices_that_chooses_without_end_is_a_limit():
    """It is refused before it is made: an order of rows, taken for one of elements, took 9 GB."""
    with pytest.raises(LimitError, match="more than"):
        interpreted("    return x[np.argsort(x)]", np.zeros((3,) * 12))


def test_reading_is_quick():
    body = "\n".join(f"    y{k} = x * {k}.5 + np.tanh(x)" for k in range(1, 400))
    reader, _, _ = interpreted(f"{body}\n    return y399", X)
    assert len(reader.tape.graph) < 3000


@pytest.mark.parametrize(
    "wrong", ["dout.sum(axis=1)", "dout", "dout.sum(axis=1, keepdims=True)", "dout.sum()"]
)
def test_a_bias_gradient_of_wrong_shape_is_not_hidden_by_other_shapes(wrong):
    text = """def affine_forward(x, w, b):
    return x @ w + b, (x, w)
def affine_backward(dout, cache):
    x, w = cache
    dx = dout @ w.T
    dw = x.T @ dout
    db = dout.sum(axis=0)
    return dx, dw, db
"""
    assert verdicts(text) == ["pass"]
    (case,) = cases(text.replace("dout.sum(axis=0)", wrong))
    assert case.verdict == "fail"
    assert [line.line for line in case.lines] in ([7], [])
