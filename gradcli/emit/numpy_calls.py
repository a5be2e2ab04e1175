"""Gates over whole arrays as numpy spells them; what numpy has not becomes a helper."""

from __future__ import annotations

from gradcli.errors import ParseError, UsageError
from gradcli.syntax import Call, Tree, parse_expression, write
from gradcli.syntax.tokens import Source

# Functions by the names that numpy has for them, where these are others.
NAMES = {
    "norm": "linalg.norm", "logsumexp": "logaddexp.reduce", "inv": "linalg.inv",
    "det": "linalg.det", "cholesky": "linalg.cholesky", "solve": "linalg.solve",
}  # fmt: skip
SAME = (
    "sum", "mean", "var", "std", "prod", "max", "min", "outer", "trace", "reshape", "concatenate",
    "linspace", "transpose", "zeros", "ones", "eye", "cumsum", "cumprod", "sort", "flip", "fliplr",
    "flipud", "roll", "rot90", "tril", "triu", "diag", "diagonal", "repeat", "tile", "take",
    "pad", "swapaxes", "moveaxis", "where", "exp", "log", "abs", "sqrt", "sign",
)  # fmt: skip
OF_SHAPES = ("zeros", "ones")  # which take it as one tuple
HELPERS = {
    "softmax": """def softmax(x, axis=None):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)""",
    "log_softmax": """def log_softmax(x, axis=None):
    away = x - np.max(x, axis=axis, keepdims=True)
    return away - np.log(np.sum(np.exp(away), axis=axis, keepdims=True))""",
    "logdet": """def logdet(x):
    return np.linalg.slogdet(x)[1]""",
    "take_along_axis": """def take_along_axis(x, places, axis):
    return np.take_along_axis(x, np.array(places), axis)""",
    "scatter": """def scatter(x, places, size):
    whole = np.zeros((size, *np.shape(x)[np.ndim(places):]))
    np.add.at(whole, np.asarray(places), x)
    return whole""",
    "others": """def others(x, axis):
    axes = axis if isinstance(axis, tuple) else (axis,)
    lead = [k for k in range(x.ndim) if k not in axes]
    order = [*lead, *axes]
    rows = np.transpose(x, order)
    flat = rows.reshape(*rows.shape[: len(lead)], -1)
    without = [np.prod(np.delete(flat, k, -1), -1) for k in range(flat.shape[-1])]
    moved = np.stack(without, -1).reshape(rows.shape)
    return np.transpose(moved, [order.index(k) for k in range(x.ndim)])""",
    "earlier": """def earlier(x, axis):
    before = np.roll(x, 1, axis)
    before[(slice(None),) * axis + (0,)] = 0.0
    return before""",
    "unsort": """def unsort(g, x, axis):
    places = np.argsort(np.argsort(x, axis=axis, kind="stable"), axis=axis)
    return np.take_along_axis(g, places, axis)""",
    "scanback": """def scanback(g, x, axis):
    sums, factors = np.moveaxis(np.array(g), axis, 0), np.moveaxis(x, axis, 0)
    for k in range(len(sums) - 2, -1, -1):
        sums[k] += factors[k + 1] * sums[k + 1]
    return np.moveaxis(sums, 0, axis)""",
    "cofactors": """def cofactors(x):
    u, s, v = np.linalg.svd(x)
    rest = [np.prod(np.delete(s, k, -1), -1) for k in range(s.shape[-1])]
    sign = np.linalg.det(u) * np.linalg.det(v)
    return sign[..., None, None] * (u * np.stack(rest, -1)[..., None, :]) @ v""",
}


def in_numpy(text: str) -> tuple[str, list[str]]:
    """A text of our language in numpy, and the helpers it calls. Raises UsageError."""
    try:
        tree = parse_expression(Source(text))
    except ParseError:
        raise UsageError(f"`{text}` cannot be written in NumPy") from None
    helpers: list[str] = []
    whole = Tree([], [], [])
    for op, arg in zip(tree.ops, tree.args, strict=True):
        if op != "call":
            whole.add(op, arg, 0)
            continue
        if arg.name in HELPERS:
            helpers.append(arg.name)
        if arg.name in OF_SHAPES and arg.count > 1:
            whole.add("tuple", arg.count, 0)
            arg = arg._replace(count=1)  # noqa: PLW2901  # of the one tuple
        if arg.name == "logsumexp" and "axis" not in arg.keywords and arg.count == 1:
            whole.add("name", "None", 0)  # by itself `reduce` takes the first axis alone
            arg = arg._replace(count=2, keywords=("axis",))  # noqa: PLW2901
        whole.add(op, _call(arg), 0)
    written = write(whole).replace("keepdims=1", "keepdims=True")
    return (f"np.array({written})" if tree.ops[-1] == "list" else written), helpers


def _call(call: Call) -> Call:
    if call.name in HELPERS or call.method:
        return call
    if call.name not in SAME and call.name not in NAMES:
        raise UsageError(f"`{call.name}` of a whole array cannot be written in NumPy",
                         hint="write it with other gates")  # fmt: skip
    return call._replace(name=NAMES.get(call.name, call.name), prefix="np.")
