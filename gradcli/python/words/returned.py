"""What a function returns: whether a value and its gradients are in it, by their names."""

from __future__ import annotations

import ast
import itertools
import re

# Functions of numpy whose results gradients may be: those of losses with corners, and products.
SLOPES = ("clip", "sign", "where", "dot", "matmul", "outer")
LOSSES = re.compile(
    r"_?(mse|sse|mae|rmse|bce|(mean_)?(squared|absolute)_error|((binary|softmax)_)?cross_entropy|xent|"
    r"log_?loss|hinge|huber|log_?cosh)(_|$)",
    re.IGNORECASE,
)
FORCES = re.compile(r"(^|_)forces?(_|$)|^F$|^F_", re.IGNORECASE)
ENERGIES = re.compile(r"(^|_)(potential|energy|energies|e?pot|u|e)(_|$)|energy$", re.IGNORECASE)
INTEGRATES = re.compile(r"step|verlet|leap|integr|evolve|simul|move|langevin|update",
                        re.IGNORECASE)  # fmt: skip
MOVES = re.compile(r"^(x|v|p|r|pos\w*|vel\w*|mom\w*|acc\w*)(_?new)?$", re.IGNORECASE)
GETTERS = re.compile(r"^_?(get|set|load|save|parameters?|params?|gradients?|grads?|weights)"
                     r"(_|$|[A-Z])")  # fmt: skip
STORES = re.compile(r"^_?(get|set|load|save)\w*(param|weight|state)s?\w*$", re.IGNORECASE)
JOINED = ("np.r_", "np.c_", "numpy.r_", "numpy.c_")  # by an index: np.r_[dw, db]
LIKELIHOOD = re.compile(r"likelihood|log_?lik|nll|^llf?$|^lnlike", re.IGNORECASE)
OBJECTIVES = re.compile(r"loss|cost|objective|obj|nll|likelihood|log_?lik|energy|potential|value|"
                        r"^[fjeuv]$|err", re.IGNORECASE)  # fmt: skip
TRAINING = re.compile(r"train|optimi[sz]e|^fit|update|descent|check|^sgd|^solve|^run|^main|^test",
                      re.IGNORECASE)  # fmt: skip
GRADIENT_NAME = re.compile(
    r"^_?(d_?[A-Za-z]\w*|D[A-Z]\w*|\w*(?:grad|nabla|jac|deriv)\w*|g|g_\w+|g[A-Zb]\w*|g[xyzhw]\d?|delta\w*|d\d+)$"
)
ADJOINT = re.compile(r"^(?:adj|adjoint|bar)_(\w+)$|^(\w+)_(?:adj|adjoint|bar)$")
VALUE_AND_GRADIENT = re.compile(r"_(?:and|with)_(?:\w+_)?(?:grad|jac|deriv)", re.IGNORECASE)
MEANS = re.compile(r"\b(?:mean|average|nanmean)\(")  # x_bar of statistics
# Words that begin as gradients do.
WORDS = (
    "d", "data", "dataset", "date", "day", "days", "dec", "decay", "decision", "decoded", "decoder",
    "default", "deg", "degree", "degrees", "delay", "den", "denom", "denominator", "dense",
    "density", "depth", "design", "det", "dev", "deviation", "diag", "diagonal", "diff", "diffs",
    "digits", "dim", "dims", "direction", "discount", "dist", "distance", "distances", "dists",
    "domain", "done", "dot", "dots", "dropout", "dt", "dtype", "duration",
)  # fmt: skip

TARGET = re.compile(r"\s*(?:self\.)?(\w+)\s*(?:\[[^=]*\])?\s*[-+*/@]?=(?!=)")


def is_of_gradients(line: str, column: int) -> bool:
    """Whether a column of a line of Python is in what computes a gradient, by its name.

    Behind a comma of a `return` gradients follow the value.
    """
    if line.lstrip().startswith("return "):
        before = line[: column - 1]
        depth = itertools.accumulate((c in "([{") - (c in ")]}") for c in before)
        return any(c == "," and not d for c, d in zip(before, depth, strict=True))
    target = TARGET.match(line)
    if target is None:
        return False
    return _is_name_of_gradient(target[1]) or ADJOINT.match(target[1]) is not None


def returns_gradients(node: ast.FunctionDef) -> bool:
    """Whether a function returns a value and gradients, by the names in its `return`."""
    is_getter = GETTERS.match(node.name) and not [a for a in node.args.args if a.arg != "self"]
    if TRAINING.search(node.name) or is_getter or STORES.match(node.name):
        return False
    adjoints = _adjoints(node)
    for part in ast.walk(node):
        if not isinstance(part, ast.Return) or not isinstance(part.value, ast.Tuple):
            continue
        names = [_last_name(element) for element in part.value.elts]
        if len(names) < 2:  # a value and a gradient
            continue
        if _are_energy_and_forces(node.name, [name for name in names if name]):
            return True
        are = [
            _is_gradient(n, e) or not adjoints.isdisjoint(_names_in(e))
            for n, e in zip(names, part.value.elts, strict=True)
        ]
        others = [n or "" for n, is_gradient in zip(names, are, strict=True) if not is_gradient]
        if any(are) and (not are[0] or any(map(OBJECTIVES.search, others))):
            return True
        if VALUE_AND_GRADIENT.search(node.name) and names[0] is not None:
            return True
        is_unnamed = names[0] is not None and _may_be_gradients(part.value.elts[1])
        is_loss = OBJECTIVES.search(node.name) or LOSSES.match(node.name)
        if is_loss and len(names) == 2 and is_unnamed:  # loss, 2 * diff / n
            return True
    return False


def name_of_value(node: ast.AST) -> str:
    """The name that stands first in what a function returns at its end; empty where none does."""
    returns = [x.value for x in ast.walk(node) if isinstance(x, ast.Return) and x.value is not None]
    last = max(returns, key=lambda value: value.lineno, default=None)
    first = last.elts[0] if isinstance(last, ast.Tuple) and last.elts else last
    return first.id if isinstance(first, ast.Name) else ""


def filled_gradient(node: ast.FunctionDef | ast.Lambda) -> str:
    """The parameter that a function fills with the gradient of what it returns; empty for none.

    `def f(x, G): ... G[:] = 2 * x; return x @ x`, as some optimisers want it. A part that is handed
    another gradient, or returns the one that it fills, is a backward part.
    """
    values = [part.value for part in ast.walk(node) if isinstance(part, ast.Return)]
    if not values or any(value is None or isinstance(value, ast.Tuple) for value in values):
        return ""
    filled = {
        target.value.id
        for part in ast.walk(node) if isinstance(part, (ast.Assign, ast.AugAssign))
        for target in (part.targets if isinstance(part, ast.Assign) else [part.target])
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name)
    }  # fmt: skip
    names = [a.arg for a in node.args.args]
    needed = names[: len(names) - len(node.args.defaults)]
    are = [name for name in names if name == "G" or _is_name_of_gradient(name)]
    own = [name for name in are if name in filled and name != names[0]]
    is_handed = any(name in needed for name in are if name not in own)
    is_returned = any(isinstance(value, ast.Name) and value.id in own for value in values)
    return own[0] if len(own) == 1 and not (is_handed or is_returned) else ""


def returns_only_gradients(node: ast.FunctionDef) -> bool:
    """Whether a function returns several gradients by their names, and nothing beside."""
    values = [part.value for part in ast.walk(node) if isinstance(part, ast.Return)]
    elements = [v.elts if isinstance(v, ast.Tuple) else [] for v in values]
    return bool(elements) and all(
        len(parts) > 1 and all(_is_gradient(_last_name(part), part) for part in parts)
        for parts in elements
    )


def _adjoints(node: ast.FunctionDef) -> set[str]:
    """The names of adjoints of parameters: `A_bar`, `adj_x`. A mean is called `x_bar`, too."""
    own = {a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
    own |= {name.rstrip("0_") for name in own}  # x_bar of x0, where a loop has ended
    names, means = set(), set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            match = ADJOINT.match(part.id)
            if match and (match[1] or match[2]) in own:
                names.add(part.id)
        elif isinstance(part, ast.Assign) and MEANS.search(ast.unparse(part.value)):
            means |= {target.id for target in part.targets if isinstance(target, ast.Name)}
    return names - means


def _names_in(element: ast.expr) -> list[str]:
    """The names that one result is known by, those of the parts of a tuple or a list."""
    parts = element.elts if isinstance(element, (ast.Tuple, ast.List)) else [element]
    return [name for name in map(_last_name, parts) if name]


def _are_energy_and_forces(function: str, names: list[str]) -> bool:
    """Whether an energy is returned with its forces, and nothing that moves: that is a step."""
    if INTEGRATES.search(function) or any(map(MOVES.match, names)):
        return False
    return any(map(FORCES.search, names)) and any(map(ENERGIES.search, names))


def _may_be_gradients(element: ast.expr) -> bool:
    """Whether an expression without a name of its own may be gradients: a product, a dictionary."""
    if isinstance(element, ast.Dict):
        return any(_is_gradient(_last_name(part), part) for part in element.values)
    if isinstance(element, ast.Call) and isinstance(element.func, ast.Attribute):
        return element.func.attr in SLOPES
    return isinstance(element, (ast.BinOp, ast.DictComp))


def _is_gradient(name: str | None, element: ast.expr) -> bool:
    if isinstance(element, ast.Dict):
        keys = [key.value for key in element.keys if isinstance(key, ast.Constant)]
        return any(isinstance(key, str) and GRADIENT_NAME.match(key) for key in keys)
    if isinstance(element, ast.Call) and element.args and _last_name(element) is None:
        element = element.args[0]  # np.array([g_mu, g_sigma])
    if isinstance(element, ast.Subscript) and ast.unparse(element.value) in JOINED:
        element = element.slice
    if isinstance(element, (ast.Tuple, ast.List)):
        found = sum(_is_gradient(_last_name(part), part) for part in element.elts)
        is_cache = isinstance(element, ast.Tuple) and 2 * found <= len(element.elts)
        return found > 0 and not is_cache
    return name is not None and _is_name_of_gradient(name)


def _is_name_of_gradient(name: str) -> bool:
    return bool(GRADIENT_NAME.match(name)) and name not in WORDS


def _last_name(node: ast.expr) -> str | None:
    """The name an expression is known by: `x`, `self.x`, `x.T`, `np.array(x)`."""
    while True:
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Attribute):
            return _last_name(node.value) if node.attr == "T" else node.attr
        if isinstance(node, ast.Call):
            inner = node.func.value if isinstance(node.func, ast.Attribute) else None
            if inner is not None and not (
                isinstance(inner, ast.Name) and inner.id in ("np", "numpy")
            ):
                node = inner
            elif node.args:
                node = node.args[0]
            else:
                return None
        elif isinstance(node, (ast.Subscript, ast.Starred)):
            node = node.value
        elif isinstance(node, ast.BinOp):
            return _last_name(node.left) or _last_name(node.right)
        elif isinstance(node, ast.UnaryOp):
            node = node.operand
        else:
            return None
