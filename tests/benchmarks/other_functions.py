"""Functions of scipy, scikit-learn, torch and jax: verdicts and time beside their own checkers.

    python tests/benchmarks/other_functions.py

Each function has its own gradient, which is right, and one that is off by a hundredth in its largest
element (a thousandth everywhere for torch and jax), which is not. Beside ours stand scipy's
check_grad (its advice: below 1e-6 of the size), torch's gradcheck and jax's check_grads. All of a
row take turns within this process; told is the CPU time, the median of five turns. What is not
installed is left out.
"""

from __future__ import annotations

import statistics
import warnings
from functools import partial

import numpy as np
from measure import ratio, take_turns

from gradcli import GradcliError, check_function

RNG = np.random.default_rng(0)


def scipy_rows():
    from scipy import optimize, special

    x = RNG.uniform(0.3, 2.0, 4)
    z = RNG.standard_normal(5)
    yield "rosen", optimize.rosen, optimize.rosen_der, x
    yield "rosen_der, hess", optimize.rosen_der, optimize.rosen_hess, x
    yield "rosen_der, hessp", optimize.rosen_der, optimize.rosen_hess_prod, x
    yield "expit", special.expit, lambda x: special.expit(x) * special.expit(-x), z
    yield "logit", special.logit, lambda p: 1 / (p * (1 - p)), special.expit(z)
    yield "erf", special.erf, lambda x: 2 / np.sqrt(np.pi) * np.exp(-(x**2)), z
    yield (
        "erfinv",
        special.erfinv,
        lambda y: np.sqrt(np.pi) / 2 * np.exp(special.erfinv(y) ** 2),
        z / 4,
    )
    yield "gammaln", special.gammaln, special.psi, x
    yield "gamma", special.gamma, lambda x: special.gamma(x) * special.psi(x), x
    yield "psi", special.psi, lambda x: special.polygamma(1, x), x
    yield "entr", special.entr, lambda x: -np.log(x) - 1, x
    yield "huber", lambda r: special.huber(0.8, r), lambda r: np.clip(r, -0.8, 0.8), z
    yield "j0", special.j0, lambda x: -special.j1(x), z
    yield (
        "log_ndtr",
        special.log_ndtr,
        lambda x: np.exp(-(x**2) / 2 - special.log_ndtr(x)) / np.sqrt(2 * np.pi),
        z,
    )
    yield "xlogy", special.xlogy, lambda a, b: (np.log(b), a / b), (1.5, 0.7)
    yield "logsumexp", special.logsumexp, special.softmax, z
    yield (
        "softmax",
        special.softmax,
        lambda z: np.diag(special.softmax(z)) - np.outer(special.softmax(z), special.softmax(z)),
        z,
    )
    yield (
        "ellipk",
        special.ellipk,
        lambda m: (special.ellipe(m) / (1 - m) - special.ellipk(m)) / (2 * m),
        special.expit(z),
    )
    yield "dawsn", special.dawsn, lambda x: 1 - 2 * x * special.dawsn(x), z
    yield (
        "lambertw",
        lambda x: special.lambertw(x).real,
        lambda x: (special.lambertw(x) / (x * (1 + special.lambertw(x)))).real,
        x,
    )


def sklearn_rows():
    from sklearn._loss.loss import HalfBinomialLoss, HalfPoissonLoss, HalfSquaredError, HuberLoss
    from sklearn.gaussian_process.kernels import RBF, RationalQuadratic
    from sklearn.linear_model._huber import _huber_loss_and_gradient

    raw = RNG.standard_normal(6)
    targets = {
        HalfBinomialLoss: (raw > 0) * 1.0,
        HalfPoissonLoss: np.abs(raw),
        HalfSquaredError: raw[::-1].copy(),
    }
    for kind, y in targets.items():
        loss = kind()
        yield (
            kind.__name__,
            lambda r, loss=loss, y=y: loss.loss(
                y_true=y, raw_prediction=np.ascontiguousarray(r)
            ).sum(),
            lambda r, loss=loss, y=y: loss.gradient(
                y_true=y, raw_prediction=np.ascontiguousarray(r)
            ),
            raw,
        )
    huber, y = HuberLoss(delta=0.5), raw[::-1].copy()
    yield (
        "HuberLoss",
        lambda r: huber.loss(y_true=y, raw_prediction=r).sum(),
        lambda r: huber.gradient(y_true=y, raw_prediction=r),
        raw,
    )
    table, weights = RNG.standard_normal((7, 3)), np.ones(7)
    y7 = RNG.standard_normal(7)
    both = lambda w: _huber_loss_and_gradient(w, table, y7, 1.35, 1e-4, weights)  # noqa: E731
    yield "_huber_loss", lambda w: both(w)[0], lambda w: both(w)[1], np.array([0.3, -0.2, 0.5, 1.2])
    for kernel in (RBF(1.3), RationalQuadratic(1.3, 0.7)):
        yield (
            type(kernel).__name__,
            lambda theta, kernel=kernel: kernel.clone_with_theta(theta)(table),
            lambda theta, kernel=kernel: kernel.clone_with_theta(theta)(table, eval_gradient=True)[
                1
            ],
            kernel.theta,
        )


def wrong_of(gradient):
    """The gradient with its largest element off by a hundredth."""

    def wrong(*arguments):
        claimed = gradient(*arguments)
        parts = [*claimed] if isinstance(claimed, tuple) else [claimed]
        last = np.array(parts[-1], dtype=float)
        last.flat[np.argmax(np.abs(last))] *= 1.01
        parts[-1] = last if last.shape else float(last)
        return tuple(parts) if isinstance(claimed, tuple) else parts[0]

    wrong.__signature__ = getattr(gradient, "__signature__", None) or __import__(
        "inspect"
    ).signature(gradient)
    return wrong


def ours(*arguments, **keywords):
    """Our verdict, as work to be done."""

    def verdict():
        try:
            return check_function(*arguments, **keywords).verdict
        except GradcliError as error:
            return f"error: {error}"

    return verdict


def scipy_verdict(f, gradient, x):
    """What scipy's check_grad says of a function of one vector whose value is a number."""
    from scipy.optimize import check_grad

    size = np.linalg.norm(gradient(x))
    return "pass" if check_grad(f, gradient, x) <= 1e-6 * size else "fail"


def plain_rows(rows):
    for name, f, gradient, point in rows:
        both = (gradient, wrong_of(gradient))
        peers = []
        if not isinstance(point, tuple) and np.ndim(f(point)) == 0:
            peers = [partial(scipy_verdict, f, one, point) for one in both]
        show(name, [ours(f, one, point) for one in both], "check_grad", peers)


def torch_rows():
    import torch

    class Swish(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * torch.sigmoid(x)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            s = torch.sigmoid(x)
            return g * (s + x * s * (1 - s))

    class Linear(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(x, w)
            return x @ w

        @staticmethod
        def backward(ctx, g):
            x, w = ctx.saved_tensors
            return g @ w.T, x.T @ g

    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 3 * x**2

    class Relu(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.clamp(min=0)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * (x > 0)

    shapes = {Swish: [(3, 4)], Linear: [(3, 4), (4, 2)], Cube: [(5,)], Relu: [(4, 4)]}
    for kind, sizes in shapes.items():
        yield kind, [RNG.standard_normal(size) for size in sizes]
    yield Relu, [np.round(RNG.standard_normal((4, 4)))]  # some of them 0


def scaled(gradients):
    """Gradients that are off by a thousandth."""
    parts = gradients if isinstance(gradients, tuple) else (gradients,)
    return tuple(1.001 * part for part in parts)


def torch_verdict(function, tensors):
    """What torch's gradcheck says."""
    import torch

    is_right = torch.autograd.gradcheck(function.apply, tensors, raise_exception=False)
    return "pass" if is_right else "fail"


def torch_lines():
    import torch

    for kind, inputs in torch_rows():
        back = staticmethod(lambda ctx, g, kind=kind: scaled(kind.backward(ctx, g)))
        wrong = type("Wrong", (kind,), {"backward": back})
        told, peers = [], []
        for one in (kind, wrong):
            tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in inputs]

            def value(*xs, one=one):
                return one.apply(*[torch.as_tensor(x) for x in xs]).numpy()

            def pullback(*xs, one=one):
                *xs, u = xs
                leaves = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in xs]
                grads = torch.autograd.grad(one.apply(*leaves), leaves, torch.as_tensor(u))
                return tuple(g.numpy() for g in grads)

            names = [f"x{k}" for k in range(len(inputs))]
            told.append(ours(value, pullback, tuple(inputs), names=names, upstream="last"))
            peers.append(lambda one=one, tensors=tensors: torch_verdict(one, tensors))
        show(f"torch {kind.__name__}", told, "gradcheck", peers)


def jax_lines():
    import jax
    import jax.numpy as jnp
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)

    def rules(factor):
        @jax.custom_jvp
        def log1pexp(x):
            return jnp.log1p(jnp.exp(x))

        @log1pexp.defjvp
        def _(primals, tangents):
            return log1pexp(primals[0]), factor * tangents[0] / (1 + jnp.exp(-primals[0]))

        @jax.custom_vjp
        def product(x, y):
            return jnp.sin(x) * y

        product.defvjp(
            lambda x, y: (product(x, y), (x, y)),
            lambda kept, g: (factor * g * jnp.cos(kept[0]) * kept[1], g * jnp.sin(kept[0])),
        )

        @jax.custom_vjp
        def norm(x):
            return jnp.sqrt(jnp.sum(x**2))

        norm.defvjp(
            lambda x: (norm(x), x), lambda x, g: (factor * g * x / jnp.sqrt(jnp.sum(x**2)),)
        )
        return {"log1pexp": (log1pexp, (RNG.standard_normal(4),)), "product": (product, (0.7, 2.0)),
                "norm": (norm, (np.arange(1.0, 6.0),))}  # fmt: skip

    right, wrong = rules(1.0), rules(1.001)
    for name in right:
        told, peers = [], []
        for f, arguments in (right[name], wrong[name]):

            def pullback(*xs, f=f):
                *xs, u = xs
                return tuple(
                    np.asarray(g) for g in jax.vjp(f, *map(jnp.asarray, xs))[1](jnp.asarray(u))
                )

            def agrees(f=f, arguments=arguments):
                try:
                    check_grads(f, arguments, order=1, modes=["rev"])
                except AssertionError:
                    return "fail"
                return "pass"

            names = [f"x{k}" for k in range(len(arguments))]
            value = lambda *xs, f=f: np.asarray(f(*map(jnp.asarray, xs)))  # noqa: E731
            told.append(ours(value, pullback, tuple(arguments), names=names, upstream="last"))
            peers.append(agrees)
        show(f"jax {name}", told, "check_grads", peers)


ROUNDS = 5
TALLY: list[tuple[str, str]] = []
RATIOS: dict[str, list[float]] = {}  # by peer, of right gradients


def show(name, told, peer, peers):
    """Print a row: our verdicts on right and wrong with their time, and those of the peer."""
    seen = {}

    def kept(key, work):
        def run():
            seen[key] = work()

        return run

    keys = [f"{whose} {kind}" for whose in ("ours", "theirs") for kind in ("right", "wrong")]
    contenders = {key: kept(key, work) for key, work in zip(keys, [*told, *peers], strict=False)}
    times = take_turns(contenders, ROUNDS)
    TALLY.extend((kind, seen[f"ours {kind}"]) for kind in ("right", "wrong"))
    words = [f"{seen[key]:12} {1e3 * statistics.median(times[key]):7.1f} ms" for key in contenders]
    beside = ""
    if peers:
        middle, *_ = ratio(times, "ours right", "theirs right")
        RATIOS.setdefault(peer, []).append(middle)
        beside = f"   {peer}: {'  '.join(words[2:])}   {middle:.2f}"
    print(f"{name:18} {'  '.join(words[:2])}{beside}", flush=True)


def main():
    """Print all rows of what is installed."""
    warnings.simplefilter("ignore")
    print(f"{'':18} {'right gradient':24}  wrong gradient")
    for lines in (
        lambda: plain_rows(scipy_rows()),
        lambda: plain_rows(sklearn_rows()),
        torch_lines,
        jax_lines,
    ):
        try:
            lines()
        except ImportError as error:
            print(f"{error.name} is not installed")
    for peer, ratios in RATIOS.items():
        low, high = min(ratios), max(ratios)
        print(
            f"{peer}: ours take {statistics.median(ratios):.2f} of its time ({low:.2f} to {high:.2f})"
        )
    for kind in ("right", "wrong"):
        verdicts = [verdict for one, verdict in TALLY if one == kind]
        print(kind, {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))})


if __name__ == "__main__":
    main()
