"""Programs whose code the tests have written, and what such code leaves behind."""

import numpy as np

CLOSE = 1e-12  # relative: some tens of roundings of sums that cancel a little


def flat(number):
    return np.ravel(np.asarray(number, dtype=float))


def close(got, expected):
    return np.allclose(flat(got), flat(expected), rtol=CLOSE, atol=1e-300, equal_nan=True)


def executed(text):
    """What a script of ours leaves behind, or a module of ours defines."""
    scope = {}
    exec(text, scope)  # code that the tests have had written
    return scope


def agrees(scope, report):
    assert close(scope["f"] if "f" in scope else scope[report.output], report.value)
    for name, gradient in report.gradients.items():
        got = scope[f"d{name}"]
        assert np.shape(got) == np.shape(gradient), name
        assert close(got, gradient), (name, got, gradient)


SCALARS = [
    ("(x+y)*z", {"x": -2, "y": 5, "z": -4}),
    ("1/(1+exp(-(w0*x0+w1*x1+w2)))", {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}),
    ("sigmoid(x) + tanh(y)*softplus(z) - gelu(x*y)", {"x": 0.7, "y": -1.3, "z": 2}),
    ("max(x, y, z)*min(x, y) + hypot(x, y, z)", {"x": 3, "y": 1.5, "z": 2}),
    ("where(x > y, x**3, y**2) + (z if x < y else 2*z)", {"x": 3, "y": 1.5, "z": 2}),
    ("x**y + 2**x - x**2/y**0.5 + log(x, 3)", {"x": 3, "y": 1.5}),
    ("relu(x)*leaky_relu(y) + huber(z) + elu(y) + hardtanh(z)", {"x": 3, "y": -1.5, "z": 2}),
    ("erf(x) + erfc(y)*z + normcdf(x) + normpdf(y)", {"x": 0.3, "y": 0.5, "z": 2.5}),
    ("logsumexp(x, y) + sinc(x)*logit(y) + xlogy(x, y) + mish(x)", {"x": 1.3, "y": 0.6}),
    ("lgamma(x)*gamma(y) + atan2(x, y)", {"x": 0.3, "y": 2.5}),
    (
        "asin(x) + acos(y) + atan2(x, y) + sinh(x)*cosh(y) + atanh(x) + log1p(y)",
        {"x": 0.3, "y": 0.6},
    ),
    ("floor(x)*y + round(x) + step(y)*x + sign(x)*y + abs(y)", {"x": 2.3, "y": -0.6}),
    ("w = [2, -3, -3]; x = [-1, -2]; f = tanh(w[0]*x[0] + w[1]*x[1] + w[2])", {}),
    ("lambda1 = 2; a = lambda1*x; b = a*a; f = a + b*exp(-b)", {"x": 0.3}),
]


ARRAYS = [
    (
        "f = sum(relu(W @ X + b)**2)",
        {"W": [[1, 2], [3, -4]], "X": [[1, 2], [-3, 4]], "b": [0.5, 2]},
    ),
    ("f = mean(W @ x)", {"W": [[1, 2, 3], [3, -4, 5]], "x": [1, 2, 4]}),
    ("f = sum(x)", {"x": [1, 2, 3]}),
    ("s = x + x.T; f = sum(s*s) + sum(s)", {"x": [[1, 2], [3, 4]]}),
    (
        "p = softmax(z, axis=1); f = -sum(log(p)*y)",
        {"z": [[1, 2, 3], [0, 1, -1]], "y": [[0, 1, 0], [1, 0, 0]]},
    ),
    ("f = sum(logsumexp(z, axis=1) - logsumexp(z, axis=0)[0])", {"z": [[1, 2, 3], [0, 1, -1]]}),
    ("f = sum(np.max(z, axis=1)**2) + max(z) + min(z) + norm(z)", {"z": [[1, 2, 3], [0, 1, 1]]}),
    (
        "f = sum(var(z, axis=0)*std(z, axis=1)[0]) + var(z) + std(z) + norm(z[0])",
        {"z": [[1, 2, 3], [0, 1, 1]]},
    ),
    ("f = sum(norm(z, axis=1)*mean(z, axis=1))", {"z": [[1, 2, 3], [0, 1, 1]]}),
    ("f = sum(outer(x, y)**2) + trace(outer(x, y))", {"x": [1, 2], "y": [3, 4]}),
    ("c = concatenate([x, y]); f = sum(c**3) + c[1]*c[3]", {"x": [1, 2], "y": [3, 4]}),
    ("f = sum(reshape(x, (4,))[1:3]**2)*x[0][1]", {"x": [[1, 2], [3, 4]]}),
    ("f = x @ y + sum(W @ x) + sum(x @ W)", {"x": [1, 2], "y": [3, 4], "W": [[1, 2], [3, 5]]}),
    ("f = sum(transpose(x, (1, 0, 2))*2)", {"x": [[[1, 2], [3, 4]]]}),
    ("f = sum((x - mean(x, axis=0, keepdims=True))*k)", {"x": [[1, 2], [3, 5]], "k": 3}),
    ("f = sum([x, y]*2)", {"x": [1, 2], "y": [3, 4]}),
    (
        "f = logsumexp(z)*sum(logsumexp(z, axis=1)) + logsumexp(x)",
        {"z": [[1, 2], [3, 5]], "x": [1, 3]},
    ),
    ("f = trace(x @ x.T)*2", {"x": [[1, 2, 4], [3, 5, 7]]}),
    ("f = sum(asinh(x) + acosh(2 + y) + atan2(y, 2) + hypot(2, x))", {"x": [1, -2], "y": [3, 4]}),
]
