"""Texts that are no program, and what must not be guessed of one."""

from __future__ import annotations

import pytest
from python_cases import cases, verdict

# ---------------------------------------------------------------- what is no program

FOREIGN = {
    "The gradient of the loss is computed first.\n": ("this is a sentence, not a program", "#"),
    "I did not do it, sorry\n": ("this is a sentence, not a program", "#"),
    "Dear Professor,\n": ("this is a sentence, not a program", "#"),
    "Name: Ann Lee, group 3\n": ("this is a sentence, not a program", "#"),
    "Computation Graph\n": ("this is a sentence, not a program", "#"),
    "Multivariate chain rule\n": ("this is a sentence, not a program", "#"),
    "1. Fprop: visit nodes in topological sort order\n": ("this is a sentence, not a program", "#"),
    "f = x^{2} y\n": ("this is LaTeX, not a program", "write `f = x**2 * y`"),
    "\\[f = x\\]\n": ("this is LaTeX, not a program", "write `f = x`"),
    "x = 2\nf = \\frac{x}{2}\n": ("this is LaTeX, not a program", "write `f = x / 2`"),
    "x = 2\nf = $x$\n": ("this is LaTeX, not a program", "write `f = x`"),
    "x = 2\nf = x*x\n\u2202f/\u2202x = 2*x\n": (
        "a derivative in the signs of mathematics",
        "write `dx = ...`",
    ),
}


@pytest.mark.parametrize("suffix", ["py", "grad"])
@pytest.mark.parametrize("text", [*FOREIGN])
def test_text_that_is_no_program_is_called_what_it_is(gradcli, tmp_path, text, suffix):
    path = tmp_path / f"pasted.{suffix}"
    path.write_text(text)
    ended = gradcli("check", str(path))
    message, advice = FOREIGN[text]
    assert ended.code == 2
    assert message in ended.out + ended.err
    assert advice in ended.out + ended.err


def test_consoles_of_notebooks_are_pasted():
    text = """In [1]: def f_forward(x):
   ...:     return x * 2.0, x
   ...:

In [2]: def f_backward(dout, x):
   ...:     return 2.0 * dout
"""
    assert verdict(text) == ("pass", None)


def test_a_class_may_have_its_methods_from_a_file_beside(tmp_path):
    (tmp_path / "activation.py").write_text("""
class Activation:
    def __init__(self, function, prime):
        self.function = function
        self.prime = prime

    def forward(self, input):
        self.input = input
        return self.function(self.input)

    def backward(self, output_gradient):
        return output_gradient * self.prime(self.input)
""")
    text = """
import numpy as np
from activation import Activation

class Tanh(Activation):
    def __init__(self):
        def tanh(x):
            return np.tanh(x)

        def tanh_prime(x):
            return 1 - np.tanh(x) ** 2

        super().__init__(tanh, tanh_prime)
"""
    path = str(tmp_path / "tanh.py")
    (case,) = cases(text, name=path)
    assert case.verdict == "pass"
    (case,) = cases(text.replace("1 - np.tanh(x)", "1 + np.tanh(x)"), name=path)
    assert case.verdict == "fail"


def test_sizes_that_python_2_divides_are_whole():
    text = """
import numpy as np
def f_forward(x):
    y = np.pad(x, (3 - 1) / 2, mode="constant")
    y.shape = (-1, y.size / 5)
    return y * 2, x.shape
def f_backward(dout, shape):
    return 2 * dout.reshape(5, 5)[1:-1, 1:-1]
"""
    assert verdict(text, bindings=[("x", "randn(3, 3)")]) == ("pass", None)


def test_a_seed_is_a_whole_number_that_may_be_0():
    text = """
import numpy as np
def f_forward(x, seed):
    noise = np.random.RandomState(seed).rand(*x.shape)
    return x * noise, noise
def f_backward(dout, noise):
    return dout * noise
"""
    assert verdict(text) == ("pass", None)


def test_a_metric_with_its_words_is_no_subject():
    text = PAIR_AND_METRIC
    assert [case.expression for case in cases(text)] == ["f_forward and f_backward"]


PAIR_AND_METRIC = """
import numpy as np
def mean_square_error(preds, targets):
    mse = np.mean((preds - targets) ** 2)
    return mse, {"mse": mse}
def f_forward(x):
    return x * 2, x
def f_backward(dout, x):
    return dout * 2
"""


def test_targets_of_one_example_are_shares_of_1():
    text = """
import numpy as np
class CrossEntropy:
    def forward(self, x, y):
        self.p = np.exp(x) / np.exp(x).sum(axis=0)
        return -(y * np.log(self.p)).sum(axis=0).mean()
    def backward(self, x, y):
        return self.p - y
"""
    bindings = [("x", "[0.3, -0.2, 1.1]")]
    assert verdict(text, bindings=bindings) == ("pass", None)
    assert verdict(text.replace("self.p - y", "self.p + y"), bindings=bindings)[0] == "fail"


# ---------------------------------------------------------------- what must not be guessed wrongly

POOL = """
import numpy as np

def max_pool_forward(x, pool_param):
    N, C, H, W = x.shape
    h, w, s = pool_param['pool_height'], pool_param['pool_width'], pool_param['stride']
    out = np.zeros((N, C, 1 + (H - h) // s, 1 + (W - w) // s))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            out[:, :, i, j] = x[:, :, i*s:i*s+h, j*s:j*s+w].max(axis=(2, 3))
    return out, (x, pool_param)

def max_pool_backward(dout, cache):
    x, pool_param = cache
    h, w, s = pool_param['pool_height'], pool_param['pool_width'], pool_param['stride']
    dx = np.zeros_like(x)
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    window = x[n, c, i*s:i*s+h, j*s:j*s+w]
                    dx[n, c, i*s:i*s+h, j*s:j*s+w] = (window == window.max())*dout[n, c, i, j]
    return dx
"""


def test_windows_of_a_pool_do_not_overlap_unless_they_are_said_to():
    assert verdict(POOL) == ("pass", None)
    assert verdict(POOL, bindings=[("pool_param", {"pool_height": 2, "pool_width": 2, "stride": 1})])[0] == "fail"  # fmt: skip


def test_a_learn_rate_is_one_number():
    text = """
class Scale:
    def __init__(self):
        self.w = np.ones(3)

    def forward(self, x):
        self.x = x
        return x*self.w

    def backprop(self, d_L_d_out, learn_rate):
        d_L_d_w = np.sum(d_L_d_out*self.x, axis=0)
        d_L_d_x = d_L_d_out*self.w
        self.w -= learn_rate*d_L_d_w
        return d_L_d_x
"""
    assert verdict("import numpy as np\n" + text) == ("pass", None)


MASKED = """
import numpy as np

def sigmoid(x):
    out = np.empty_like(x)
    positive = x >= 0
    out[positive] = 1/(1 + np.exp(-x[positive]))
    out[~positive] = np.exp(x[~positive])/(1 + np.exp(x[~positive]))
    return out

def sigmoid_deriv(x):
    s = sigmoid(x)
    return s*(1 - s)
"""


def test_a_mask_may_be_one_of_a_single_number():
    assert verdict(MASKED, bindings=[("x", 0.3)]) == ("pass", None)
    assert verdict(MASKED.replace("(1 - s)", "s"), bindings=[("x", 0.3)])[0] == "fail"
