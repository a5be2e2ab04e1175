"""One-line mistakes, planted in right programs with Python's own `ast`; the truth by Python itself.

Nothing here uses the package: a mutated program is run as Python, and it is equivalent to the right
one if all its gradients are the same at many points.
"""

from __future__ import annotations

import ast
import copy
import math
from functools import cache
from random import Random
from typing import NamedTuple

POINTS = 60  # at which gradients are compared

STAGED = """\
x = 3; y = -4
sigy = 1.0 / (1 + math.exp(-y))
num = x + sigy
sigx = 1.0 / (1 + math.exp(-x))
xpy = x + y
xpysqr = xpy**2
den = sigx + xpysqr
invden = 1.0 / den
f = num * invden
dnum = invden
dinvden = num
dden = (-1.0 / (den**2)) * dinvden
dsigx = (1) * dden
dxpysqr = (1) * dden
dxpy = (2 * xpy) * dxpysqr
dx = (1) * dxpy
dy = (1) * dxpy
dx += ((1 - sigx) * sigx) * dsigx
dx += (1) * dnum
dsigy = (1) * dnum
dy += ((1 - sigy) * sigy) * dsigy
"""

NEURON = """\
w = [2.0, -3.0, -2.5]
x = [-1.5, -2.25]
dot = w[0]*x[0] + w[1]*x[1] + w[2]
f = 1.0 / (1 + math.exp(-dot))
ddot = (1 - f) * f
dx = [w[0] * ddot, w[1] * ddot]
dw = [x[0] * ddot, x[1] * ddot, 1.0 * ddot]
"""

LAYER = """\
a = 0.7; b = -1.3; c = 0.4; v = 1.9; t = 0.25
z = a * b + c
h = math.tanh(z)
p = v * h
r = p - t
loss = r**2
dr = 2 * r
dp = dr
dt = -dr
dv = h * dp
dh = v * dp
dz = (1 - h**2) * dh
da = b * dz
db = a * dz
dc = dz
"""

SWITCHES = """\
x = 2.5; y = -1.25; z = 0.75
p = x * y
m = max(p, z)
s = x * m
k = abs(y) * s
dabs = s
ds = abs(y)
dy = (1 if y > 0 else -1) * s
dx = m * ds
dm = x * ds
dp = dm if p > z else 0
dz = dm if z > p else 0
dx += y * dp
dy += x * dp
""".replace("dabs = s\n", "")

PHYSICS = """\
m = 1.7; g = 9.5; l = 0.8; th = 0.6; w = 1.3
c = math.cos(th)
pot = m * g * l * (1 - c)
q = l * w
kin = 0.5 * m * q**2
e = pot + kin
u = math.log(e)
out = u / m
du = 1 / m
dm = -u / m**2
de = du / e
dpot = de
dkin = de
dm += (0.5 * q**2) * dkin
dq = (m * q) * dkin
dl = w * dq
dw = l * dq
dm += g * l * (1 - c) * dpot
dg = m * l * (1 - c) * dpot
dl += m * g * (1 - c) * dpot
dc = -m * g * l * dpot
dth = -math.sin(th) * dc
"""

ENTROPY = """\
s0 = 1.2; s1 = -0.4; s2 = 0.3
e0 = math.exp(s0)
e1 = math.exp(s1)
e2 = math.exp(s2)
tot = e0 + e1 + e2
p1 = e1 / tot
root = math.sqrt(tot)
loss = root - math.log(p1)
droot = 1.0
dp1 = -1 / p1
dtot = 0.5 / root * droot
dtot += -e1 / tot**2 * dp1
de1 = dp1 / tot
de0 = dtot
de1 += dtot
de2 = dtot
ds0 = e0 * de0
ds1 = e1 * de1
ds2 = e2 * de2
"""

PROGRAMS = {
    "staged": STAGED, "neuron": NEURON, "layer": LAYER,
    "switches": SWITCHES, "physics": PHYSICS, "entropy": ENTROPY,
}  # fmt: skip

SWAPS = {
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
}


class Mutation(NamedTuple):
    """A program with one wrong line."""

    program: str
    kind: str
    line: int  # from 1
    text: str
    was: str
    names: frozenset[str]  # the mistake names that are right; empty: none is asked for

    @property
    def label(self):
        """For the test's id."""
        return f"{self.program}:{self.line} {self.kind}: {self.text.splitlines()[self.line - 1]}"


def gradient_lines(text):
    """(number from 0, target, operator, expression) of each gradient line."""
    rows = text.splitlines()
    output = next(k for k, row in enumerate(rows) if row.split(" ")[0] in ("f", "loss", "k", "out"))
    for number, row in enumerate(rows[output + 1 :], start=output + 1):
        target, operator, right = row.split(" ", 2)
        yield number, target, operator, right


def mutations(program):
    """Every mutation of a program, each with one line changed or left out."""
    text = PROGRAMS[program]
    rows = text.splitlines()
    for number, target, operator, right in gradient_lines(text):
        for kind, names, changed in _changes(text, target, operator, right):
            row = [] if changed is None else [changed]
            new = "\n".join([*rows[:number], *row, *rows[number + 1 :]]) + "\n"
            if new != text:
                yield Mutation(program, kind, number + 1, new, rows[number], frozenset(names))


def _changes(text, target, operator, right):
    lines = list(gradient_lines(text))
    if operator == "+=":
        yield "+= to =", {"overwritten"}, f"{target} = {right}"
    yield "dropped line", {"missing-path"}, None
    yield "sign", {"sign"}, f"{target} {operator} {_each(right, '-({})')}"
    yield "factor", {"dropped-factor"}, f"{target} {operator} {_each(right, '2 * ({})')}"
    tree = ast.parse(right, mode="eval").body
    forward = sorted(_forward_names(text))
    for path, node in _walk(tree):
        if isinstance(node, ast.BinOp) and type(node.op) in SWAPS:
            other = SWAPS[type(node.op)]
            names = {"sign"} if other in (ast.Sub, ast.Add) else {"wrong-operator"}
            new = _with(tree, path, ast.BinOp(node.left, other(), node.right))
            yield "operator", names, f"{target} {operator} {ast.unparse(new)}"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            for left, lost in ((node.left, node.right), (node.right, node.left)):
                new = _with(tree, path, left)
                yield "lost factor", _lost(lost), f"{target} {operator} {ast.unparse(new)}"
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            new = _with(tree, path, node.operand)
            yield "lost sign", {"sign"}, f"{target} {operator} {ast.unparse(new)}"
        if isinstance(node, ast.Name) and node.id in forward:
            k = forward.index(node.id)
            for step in (1, 3):
                other = forward[(k + step) % len(forward)]
                new = _with(tree, path, ast.Name(other))
                names = {"wrong-cache", "not-switched", "slope-from-input"}
                yield "operand", names, f"{target} {operator} {ast.unparse(new)}"
        known = [t for _, t, _, _ in lines]
        if isinstance(node, ast.Name) and node.id in known:
            for other in dict.fromkeys(known[: known.index(target)]):
                if other != node.id:
                    new = _with(tree, path, ast.Name(other))
                    yield "upstream", {"wrong-cache"}, f"{target} {operator} {ast.unparse(new)}"


def _lost(node):
    """What it is called when a factor is left out."""
    text = ast.unparse(node)
    if text.startswith("d"):
        return {"missing-upstream"}
    if text in ("1 - c", "g * l * (1 - c)", "m * l * (1 - c)", "m * g * (1 - c)"):
        return {"dropped-factor"}  # of a cosine
    if text.startswith("1 -"):
        return {"dropped-one-minus"}
    return {"dropped-factor", "dropped-power", "dropped-one-minus"} if "**" in text else {
        "dropped-factor", "dropped-power",
    }  # fmt: skip


def _each(right, form):
    if right.startswith("["):
        parts = ast.parse(right, mode="eval").body.elts
        return "[" + ", ".join(form.format(ast.unparse(part)) for part in parts) + "]"
    return form.format(right)


def _forward_names(text):
    names = set()
    first, *_ = next(gradient_lines(text))
    for row in text.splitlines()[:first]:
        for part in row.split(";"):
            name, _, right = part.partition("=")
            if "[" not in right.strip()[:1]:
                names.add(name.strip())
    return names


def _walk(tree, path=()):
    yield path, tree
    for field, value in ast.iter_fields(tree):
        if isinstance(value, ast.expr) and field != "func":
            yield from _walk(value, (*path, (field, None)))
        elif isinstance(value, list):
            for k, part in enumerate(value):
                if isinstance(part, ast.expr):
                    yield from _walk(part, (*path, (field, k)))


def _with(tree, path, new):
    tree = copy.deepcopy(tree)
    if not path:
        return new
    here = tree
    for field, k in path[:-1]:
        here = getattr(here, field) if k is None else getattr(here, field)[k]
    field, k = path[-1]
    if k is None:
        setattr(here, field, new)
    else:
        getattr(here, field)[k] = new
    return tree


def gradients(text, point):
    """All gradients of a program run as Python, at other inputs than its own; None if it fails."""
    scope = {"math": math}
    rows = text.splitlines()
    for row in rows:
        for part in row.split(";") if row.count(";") else [row]:
            name = part.split("=")[0].strip().removesuffix("+").strip()
            if name in point:
                scope[name] = point[name]
                continue
            if "+=" in part and name not in scope:
                scope[name] = 0.0
            try:
                exec(_compiled(part.strip()), scope)
            except (NameError, ArithmeticError, ValueError, TypeError):
                return None
    return {name: value for name, value in scope.items() if name.startswith("d")}


@cache
def _compiled(line):
    return compile(line, "<mutation>", "exec")


def inputs(text):
    """The inputs of a program, by its first lines."""
    scope = {"math": math}
    found = {}
    for row in text.splitlines():
        for part in row.split(";"):
            name, _, right = part.partition("=")
            names = {
                n.id
                for n in ast.walk(ast.parse(right.strip(), mode="eval"))
                if isinstance(n, ast.Name)
            }
            if names or name.strip() in found or row.startswith("d"):
                return found
            found[name.strip()] = eval(right, scope)
    return found


@cache
def is_equivalent(program, text):
    """Whether all gradients are those of the right program at many points, on every branch."""
    for point, right in _right_gradients(program):
        got = gradients(text, point)
        if got is None or got.keys() != right.keys():
            return False
        if any(not _close(right[name], got[name]) for name in right):
            return False
    return True


@cache
def _right_gradients(program):
    """(point, gradients) of the right program wherever it can be computed."""
    rng = Random(5)
    base = inputs(PROGRAMS[program])
    points = [{name: _moved(value, rng) for name, value in base.items()} for _ in range(POINTS)]
    pairs = [(point, gradients(PROGRAMS[program], point)) for point in points]
    pairs = [(point, right) for point, right in pairs if right is not None]
    assert len(pairs) > POINTS / 4
    return pairs


def _moved(value, rng):
    if isinstance(value, list):
        return [_moved(part, rng) for part in value]
    return value * rng.uniform(0.3, 2.0) * rng.choice((1, 1, 1, -1))


def _close(a, b):
    if isinstance(a, list):
        return isinstance(b, list) and all(map(_close, a, b))
    return abs(a - b) <= 1e-9 * max(abs(a), abs(b))
