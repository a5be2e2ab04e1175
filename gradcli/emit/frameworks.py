"""PyTorch and JAX, which spell most of what NumPy has alike; and all languages by name."""

from __future__ import annotations

from gradcli.emit.languages import JAVASCRIPT, JULIA, NUMPY, PYTHON, C
from gradcli.emit.numpy_calls import HELPERS

JAX = NUMPY._replace(
    name="JAX", library="jnp.", renamed={"*": "*"},
    keywords=NUMPY.keywords | {"jax", "jnp", "kept"},
    imports=(("math.", "import math"), ("jax.", "import jax"), ("jnp.", "import jax.numpy as jnp")),
    snippets={
        **{name: f"from jax.scipy.special import {name}" for name in
           ("erf", "erfc", "erfinv", "gamma", "digamma", "polygamma")},
        "lgamma": "from jax.scipy.special import gammaln as lgamma",
        "normcdf": "from jax.scipy.special import ndtr as normcdf",
        **{name: NUMPY.snippets[name] for name in ("sinpi", "cospi")},
        "logsumexp": "def logsumexp(*xs):\n"
                     "    return jax.nn.logsumexp(np.stack(np.broadcast_arrays(*xs)), axis=0)",
    },
    array_helpers={
        **{name: HELPERS[name] for name in (
            "softmax", "log_softmax", "logdet", "take_along_axis", "others", "unsort", "cofactors",
        )},
        "scatter": "def scatter(x, places, size):\n    places = np.array(places)\n"
                   "    return np.zeros((size, *x.shape[places.ndim:])).at[places].add(x)",
    },
    add_part="{0} = {0}.at[{1}].add({2})",
)  # fmt: skip
TORCH_AS_NUMPY = (
    "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sqrt", "floor", "ceil", "sin", "cos",
    "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "arcsinh", "arccosh",
    "arctanh", "abs", "where", "inf", "nan", "pi", "e", "sum", "mean", "outer", "reshape",
    "zeros", "ones", "eye", "zeros_like", "ones_like", "arange", "argmax", "argmin", "trace",
    "stack", "linalg.inv", "linalg.det", "linalg.solve", "linalg.cholesky", "tril", "triu",
)  # fmt: skip
TORCH = NUMPY._replace(
    name="PyTorch", library="torch.", keywords=NUMPY.keywords | {"torch", "ctx"},
    add="{0} = {0} + {1}",  # += would write into what is shared
    imports=(("math.", "import math"), ("torch.", "import torch")),
    renamed={
        **{name: name for name in TORCH_AS_NUMPY},
        "rint": "round", "max": "amax", "min": "amin", "concatenate": "cat", "copy": "clone",
        "transpose": "permute", "expand_dims": "unsqueeze", "linalg.norm": "linalg.vector_norm",
        "maximum": "maximum", "minimum": "minimum", "array": "stacked", "cbrt": "cbrt",
        "arctan2": "arctan2", "hypot": "hypot",
        "logaddexp.reduce": "logsumexp_of", "var": "var", "std": "std", "prod": "prod",
        "cumsum": "cumsum", "sort": "sort", "flip": "flip",
    },
    snippets={
        **{name: f"{name} = torch.special.{name}" for name in
           ("erf", "erfc", "erfinv", "erfcx", "digamma", "polygamma")},
        "lgamma": "lgamma = torch.lgamma", "normcdf": "normcdf = torch.special.ndtr",
        "gamma": "def gamma(x):\n    size = torch.exp(torch.lgamma(x))\n"
                 "    return torch.where((x < 0) & (torch.floor(x) % 2 == 1), -size, size)",
        **{name: f"def {name}(x, axis=None, keepdims=False):\n"
                 f"    return torch.{name}(x, dim=axis, correction=0, keepdim=keepdims)"
           for name in ("var", "std")},
        "prod": "def prod(x, axis=None, keepdims=False):\n"
                "    axes = range(x.ndim) if axis is None else axes_of(axis)\n"
                "    for k in sorted(axes, reverse=True):\n        x = torch.prod(x, k, keepdims)\n"
                "    return x",
        "flip": "def flip(x, axis=None):\n"
                "    return torch.flip(x, tuple(range(x.ndim)) if axis is None else axes_of(axis))",
        "axes_of": "def axes_of(axis):\n    return axis if isinstance(axis, tuple) else (axis,)",
        "cumsum": "def cumsum(x, axis=None):\n"
                  "    return torch.cumsum(x.ravel() if axis is None else x, axis or 0)",
        "sort": "def sort(x, axis=-1):\n    return torch.sort(x, dim=axis, stable=True)[0]",
        "cbrt": "def cbrt(x):\n    return torch.sign(x) * torch.abs(x) ** (1 / 3)",
        "maximum": "def maximum(x, y):\n    x, y = map(number, (x, y))\n"
                   "    return torch.where(x >= y, x, y)",
        "minimum": "def minimum(x, y):\n    x, y = map(number, (x, y))\n"
                   "    return torch.where(x <= y, x, y)",
        **{name: f"def {name}(x, y):\n    return torch.{name}(*map(number, (x, y)))"
           for name in ("arctan2", "hypot")},
        "logsumexp_of": "def logsumexp_of(x, axis=None, keepdims=False):\n"
                        "    axis = tuple(range(x.ndim)) if axis is None else axis\n"
                        "    return torch.logsumexp(x, axis, keepdims)",
        "where": "def where(c, x, y):\n    x, y = map(number, (x, y))\n"
                 "    return torch.where(torch.as_tensor(c), x, y)",
        "number": "def number(x):\n    return x if torch.is_tensor(x) else "
                  "torch.tensor(float(x), dtype=torch.float64)",
        "stacked": "def stacked(parts):\n    return torch.stack([*map(torch.as_tensor, parts)])",
        "sinpi": "def sinpi(x):\n    return torch.sin(torch.pi * (x - 2 * torch.round(x / 2)))",
        "cospi": "def cospi(x):\n    return torch.cos(torch.pi * (x - 2 * torch.round(x / 2)))",
        "logsumexp": "def logsumexp(*xs):\n    parts = map(torch.as_tensor, xs)\n"
                     "    return torch.logsumexp(torch.stack(torch.broadcast_tensors(*parts)), 0)",
    },
    array_helpers={
        "softmax": "def softmax(x, axis=-1):\n    return torch.softmax(x, axis)",
        "log_softmax": "def log_softmax(x, axis=-1):\n    return torch.log_softmax(x, axis)",
        "logdet": "def logdet(x):\n    return torch.linalg.slogdet(x)[1]",
        "others": "def others(x, axis):\n"
                  "    axes = axis if isinstance(axis, tuple) else (axis,)\n"
                  "    lead = [k for k in range(x.ndim) if k not in axes]\n"
                  "    order = [*lead, *axes]\n"
                  "    rows = x.permute(order)\n"
                  "    flat = rows.reshape(*rows.shape[: len(lead)], -1)\n"
                  "    places = range(flat.shape[-1])\n"
                  "    rest = [[j for j in places if j != k] for k in places]\n"
                  "    moved = torch.stack([flat[..., k].prod(-1) for k in rest], -1)\n"
                  "    moved = moved.reshape(rows.shape)\n"
                  "    return moved.permute([order.index(k) for k in range(x.ndim)])",
        "unsort": "def unsort(g, x, axis):\n"
                  "    places = torch.sort(x, dim=axis, stable=True)[1]\n"
                  "    return torch.gather(g, axis, torch.argsort(places, dim=axis))",
    },
    zeros="np.zeros_like({})", fixed="torch.as_tensor({}, dtype=torch.float64)",
    of_numbers=PYTHON.calls,
)  # fmt: skip

LANGUAGES = {
    "python": PYTHON, "numpy": NUMPY, "torch": TORCH, "jax": JAX, "c": C,
    "javascript": JAVASCRIPT, "julia": JULIA,
}  # fmt: skip
