"""Inputs that nobody gives: what the forward part says of them, and what a mistake may not hide."""

from __future__ import annotations

import pytest
from python_cases import accused_rows, case_of, first_accused, taken, verdicts

# ---------------------------------------------------------------- what the code says


def test_an_array_that_is_only_indexed_by_constants_is_as_long_as_they_say():
    text = (
        "import numpy as np\ndef f(x):\n    return x[0] ** 2 + 3 * x[0] * x[1]\n"
        "def f_grad(x):\n    return np.array([2 * x[0] + 3 * x[1], 3 * x[0]])\n"
    )
    assert "x (2,)" in taken(text)


def test_an_array_that_is_unpacked_into_numbers_is_one_array():
    text = (
        "import numpy as np\ndef model(p, t):\n    a, k = p\n    return a * np.exp(-k * t)\n"
        "def chi2(p, t, y):\n    return np.sum((y - model(p, t)) ** 2)\n"
        "def chi2_grad(p, t, y):\n    a, k = p\n    e = np.exp(-k * t)\n    w = -2 * (y - a * e)\n"
        "    return np.array([np.sum(w * e), np.sum(-w * a * t * e)])\n"
    )
    assert "p (2,)" in taken(text)


def test_what_is_called_with_a_parameter_says_how_long_it_is():
    text = (
        "import numpy as np\ndef parts(v):\n    return v[0] * v[1], v[2]\n"
        "def f(q):\n    a, b = parts(q)\n    return a + b ** 2\n"
        "def f_grad(q):\n    return np.array([q[1], q[0], 2 * q[2]])\n"
    )
    assert "q (3,)" in taken(text)


SAME_LETTERS = '''
import numpy as np
def nll(means, logs, x):
    """means: (K,), logs: (K,), x: (N,)"""
    loss = np.sum(np.exp(logs) * (x[:, None] - means) ** 2)
    dmeans = -2 * np.sum(np.exp(logs) * (x[:, None] - means), axis=0)
    dlogs = np.sum(np.exp(logs) * (x[:, None] - means) ** 2, axis=0)
    return loss, dmeans, dlogs
'''


def test_sizes_of_one_letter_in_a_docstring_are_one():
    assert "means (3,), logs (3,), x (5,)" in taken(SAME_LETTERS)


def test_what_a_docstring_says_is_not_given_up_for_a_gradient():
    wrong = SAME_LETTERS.replace("(x[:, None] - means), axis=0)", "(x[:, None] - means))")
    assert first_accused(wrong) == 6


def test_parameters_that_meet_element_by_element_are_alike():
    text = (
        "import numpy as np\ndef kl(mu, logvar):\n"
        "    return -0.5 * np.sum(1 + logvar - mu ** 2 - np.exp(logvar))\n"
        "def kl_backward(mu, logvar):\n    return mu, -0.5 * (1 - np.exp(logvar))\n"
    )
    note = taken(text)
    assert note.count("(") == 3
    assert "mu (5, 3), logvar (5, 3)" in note


def test_targets_are_numbers_where_they_are_no_index():
    text = (
        "import numpy as np\ndef mse(pred, y):\n    return np.mean((pred - y) ** 2)\n"
        "def mse_grad(pred, y):\n    return 2 * (pred - y) / y.size\n"
    )
    assert "y (" in taken(text)
    by_index = (
        "import numpy as np\ndef pick_forward(p, y):\n    return p[np.arange(len(y)), y], (p, y)\n"
        "def pick_backward(dout, cache):\n    p, y = cache\n    dp = np.zeros_like(p)\n"
        "    dp[np.arange(len(y)), y] = dout\n    return dp\n"
    )
    assert "y = [" in taken(by_index)


def test_what_is_unpacked_into_three_is_no_image():
    text = (
        "import numpy as np\ndef conv1d_forward(x, w):\n    N, C, L = x.shape\n"
        "    F, _, K = w.shape\n    out = np.zeros((N, F, L - K + 1))\n"
        "    for i in range(L - K + 1):\n"
        "        out[:, :, i] = np.tensordot(x[:, :, i:i+K], w, axes=([1, 2], [1, 2]))\n"
        "    return out, (x, w)\n"
        "def conv1d_backward(dout, cache):\n    x, w = cache\n    dx, dw = np.zeros_like(x), "
        "np.zeros_like(w)\n    K = w.shape[2]\n    for i in range(dout.shape[2]):\n"
        "        dw += np.tensordot(dout[:, :, i], x[:, :, i:i+K], axes=([0], [0]))\n"
        "        dx[:, :, i:i+K] += np.tensordot(dout[:, :, i], w, axes=([1], [0]))\n"
        "    return dx, dw\n"
    )
    assert "x (2, 3, 7), w (4, 3, 3)" in taken(text)


def test_the_bias_of_a_model_with_one_output_is_a_number():
    text = (
        "import numpy as np\ndef loss_fn(w, b, X, y):\n    err = X.dot(w) + b - y\n"
        "    loss = np.mean(err ** 2) / 2\n    dw = X.T.dot(err) / len(y)\n    db = np.mean(err)\n"
        "    return loss, dw, db\n"
    )
    assert "b = " in taken(text)


def test_an_attribute_that_is_a_number_has_a_gradient_where_one_is_named_after_it():
    text = (
        "import numpy as np\nclass Line:\n    def __init__(self, n):\n"
        "        self._w = np.random.randn(n)\n        self._b = 0.5\n"
        "    def loss(self, X, y):\n        r = X @ self._w + self._b - y\n"
        "        return 0.5 * np.mean(r ** 2)\n"
        "    def gradients(self, X, y):\n        r = X @ self._w + self._b - y\n"
        "        grad_w = X.T @ r / len(y)\n        grad_b = r.mean()\n"
        "        return grad_w, grad_b\n"
    )
    assert case_of(text).verdict == "pass"
    assert first_accused(text.replace("r.mean()", "r.sum()")) == 12


def test_a_mask_is_made_of_0_and_1():
    text = (
        "import numpy as np\ndef loss_of(P, R, mask):\n    E = mask * (P - R)\n"
        "    loss = 0.5 * np.sum(E ** 2)\n    dP = E\n    return loss, dP\n"
    )
    assert case_of(text).verdict == "pass"
    assert first_accused(text.replace("dP = E", "dP = P - R")) == 5


def test_a_penalty_of_0_by_default_hides_no_term():
    text = (
        "import numpy as np\ndef loss_fn(W, X, reg=0.0):\n    out = X.dot(W)\n"
        "    loss = 0.5 * np.sum(out ** 2) + reg * np.sum(W * W)\n"
        "    dW = X.T.dot(out)\n    dW += 2 * reg * W\n    return loss, dW\n"
    )
    assert case_of(text).verdict == "pass"
    assert first_accused(text.replace("2 * reg * W", "reg * W")) == 6


def test_code_for_one_example_is_read_with_one():
    text = (
        "import numpy as np\nclass Dense:\n    def __init__(self, n, m):\n"
        "        self.W = np.random.randn(m, n)\n        self.b = np.random.randn(m, 1)\n"
        "    def forward(self, x):\n        self.x = x\n        return self.W @ x + self.b\n"
        "    def backward(self, output_gradient, learning_rate):\n"
        "        dx = self.W.T @ output_gradient\n"
        "        self.W -= learning_rate * output_gradient @ self.x.T\n"
        "        self.b -= learning_rate * output_gradient\n        return dx\n"
    )
    assert "one example at a time" in taken(text)


def test_a_bias_is_no_matrix_that_happens_to_fit():
    text = (
        "import numpy as np\ndef step_forward(x, h0, Wx, Wh, bh):\n"
        "    h = np.tanh(x.dot(Wx) + h0.dot(Wh) + bh)\n    return h, (x, h0, Wx, Wh, h)\n"
        "def step_backward(dh, cache):\n    x, h0, Wx, Wh, h = cache\n    da = dh * (1 - h * h)\n"
        "    return da.dot(Wx.T), da.dot(Wh.T), x.T.dot(da), h0.T.dot(da), np.sum(da, axis=0)\n"
    )
    assert "h0 (3, 13), Wx (7, 19), Wh (13, 19), bh (19,)" in taken(text)


COLUMNS = """
import numpy as np

def cell_forward(xt, a_prev, parameters):
    Wax, Waa, ba = parameters["Wax"], parameters["Waa"], parameters["ba"]
    a_next = np.tanh(np.dot(Waa, a_prev) + np.dot(Wax, xt) + ba)
    return a_next, (a_next, a_prev, xt, parameters)

def cell_backward(da_next, cache):
    a_next, a_prev, xt, parameters = cache
    dz = (1 - a_next ** 2) * da_next
    dba = np.sum(dz, axis=1, keepdims=True)
    return {"dWax": dz @ xt.T, "dWaa": dz @ a_prev.T, "dba": dba}
"""


def test_a_bias_belongs_to_the_axis_of_a_weight():
    assert "'ba': (13, 1)" in taken(COLUMNS)
    assert first_accused(COLUMNS.replace("axis=1", "axis=0")) == 12


def test_a_size_that_the_code_has_is_that_of_its_parameter():
    text = (
        "import numpy as np\nclass Pool:\n    def __init__(self):\n        self.size = (2, 2)\n"
        "    def forward(self, cols):\n        self.n = cols.shape[1]\n"
        "        return np.mean(cols, axis=0)\n    def backward(self, grad):\n"
        "        rows = self.size[0] * self.size[1]\n"
        "        return np.ones((rows, 1)) @ grad[None, :] / rows\n"
    )
    assert "cols (4, 5)" in taken(text)


# ---------------------------------------------------------------- subjects and Jacobians

HESSIAN = """
import numpy as np

def f(x):
    return x[0] ** 2 * x[1] + np.sin(x[1])

def f_grad(x):
    return np.array([2 * x[0] * x[1], x[0] ** 2 + np.cos(x[1])])

def f_hess(x):
    return np.array([[2 * x[1], 2 * x[0]], [2 * x[0], -np.sin(x[1])]])
"""


def test_a_hessian_is_the_jacobian_of_the_gradient():
    assert verdicts(HESSIAN) == ["pass", "pass"]
    wrong = HESSIAN.replace("[2 * x[0], -np.sin(x[1])]", "[2 * x[0], np.sin(x[1])]")
    assert first_accused(wrong, "f_hess") == 11


def test_a_gradient_that_is_returned_without_a_name_is_a_claim():
    text = (
        "import numpy as np\ndef mse_loss(pred, target):\n    diff = pred - target\n"
        "    return np.mean(diff ** 2), 2 * diff / diff.size\n"
    )
    assert case_of(text).verdict == "pass"
    assert first_accused(text.replace("2 * diff", "diff")) == 4


def test_a_gradient_of_the_first_parameter_needs_no_name():
    text = (
        "import numpy as np\ndef ridge(beta, X, y, alpha):\n    r = y - X @ beta\n"
        "    return r @ r + alpha * beta @ beta\n"
        "def ridge_jac(beta, X, y, alpha):\n    r = y - X @ beta\n"
        "    return -2 * X.T @ r + 2 * alpha * beta\n"
    )
    assert case_of(text).verdict == "pass"
    assert first_accused(text.replace("+ 2 * alpha * beta", "+ alpha * beta")) == 7


def test_a_gradient_without_a_name_is_of_the_input_that_has_its_shape():
    text = (
        "import numpy as np\ndef cost(X, y, theta, c=0.5):\n    r = X @ theta - y\n"
        "    return np.sum(r ** 2) + c * np.sum(theta[1:] ** 2)\n"
        "def cost_gradient(X, y, theta, c=0.5):\n    grad = 2 * X.T @ (X @ theta - y)\n"
        "    grad += 2 * c * theta\n    return grad\n"
    )
    assert first_accused(text) == 7
    assert all(name.startswith("theta") for name in case_of(text).inputs)


def test_the_line_of_a_result_is_where_it_is_assigned_or_returned():
    text = (
        "class Relu:\n    def forward(self, x):\n        self.mask = x > 0\n"
        "        return x * self.mask\n    def backward(self, dout):\n"
        "        return dout * self.mask\n"
    )
    assert case_of(text).verdict == "pass"
    assert first_accused(text.replace("return dout * self.mask", "return dout")) == 6
    scaled = "def f_forward(x, k):\n    return x * k\ndef f_backward(dout, x, k):\n" \
             "    dx = dout * k\n    dk = 1.0\n    return dx, dk\n"  # fmt: skip
    assert first_accused(scaled) == 5


def test_a_function_called_gradient_is_that_of_the_loss_with_its_parameters():
    text = (
        "import numpy as np\ndef sigmoid(z):\n    return 1 / (1 + np.exp(-z))\n"
        "def cost_function(theta, X, y):\n    h = sigmoid(X.dot(theta))\n"
        "    return -(y.dot(np.log(h)) + (1 - y).dot(np.log(1 - h))) / len(y)\n"
        "def gradient(theta, X, y):\n    h = sigmoid(X.dot(theta))\n"
        "    return X.T.dot(h - y) / len(y)\n"
    )
    assert case_of(text).verdict == "pass"
    assert first_accused(text.replace("(h - y) / len(y)", "(h - y)")) == 9


SHAPES_IN_WORDS = """
import numpy as np

def group_forward(x, gamma, beta, G):
    '''
    - x: images of shape (N, C, H, W)
    - gamma: of shape (1, C, 1, 1)
    - beta: of shape (1, C, 1, 1)
    '''
    n, c, h, w = x.shape
    g = np.tile(gamma, (n, 1, h, w)).reshape(n * G, -1)
    return (x.reshape(n * G, -1) * g).reshape(x.shape) + beta, (x, gamma)

def group_backward(dout, cache):
    x, gamma = cache
    dgamma = (dout * x).sum(axis=(0, 2, 3), keepdims=True)
    return dout * gamma, dgamma, dout.sum(axis=(0, 2, 3), keepdims=True)
"""
POOL = """
import numpy as np

class MaxPool:
    def __init__(self, X_dim, size, stride):
        self.depth, self.height, self.width = X_dim
        self.size, self.stride = size, stride
        if (self.height - size) % stride or (self.width - size) % stride:
            raise ValueError("does not fit")
    def forward(self, X):
        s = self.size
        self.X = X
        n = X.shape[0]
        blocks = X.reshape(n, self.depth, self.height // s, s, self.width // s, s)
        self.out = blocks.max(axis=(3, 5))
        return self.out
    def backward(self, dout):
        s = self.size
        spread = dout.repeat(s, axis=2).repeat(s, axis=3)
        return spread * (self.out.repeat(s, axis=2).repeat(s, axis=3) == self.X)
"""


@pytest.mark.parametrize("text", [SHAPES_IN_WORDS, POOL])
def test_images_have_the_sizes_that_docstrings_settings_and_pools_ask_for(text):
    case = case_of(text)
    assert case.verdict == "pass", case.problem


def test_what_is_sliced_is_long_enough_for_its_parts_to_have_several_elements():
    text = (
        "import numpy as np\ndef f(x):\n    return np.sum((x[1:] - x[:-1]) ** 2)\n"
        "def f_grad(x):\n    d = x[1:] - x[:-1]\n    g = np.zeros_like(x)\n"
        "    g[1:] += 2 * d\n    g[:-1] -= 2 * d\n    return g\n"
    )
    assert "x (5, 7)" in taken(text)


def test_a_column_meets_a_column():
    text = (
        "import numpy as np\ndef l2_loss(y_pred, y_train):\n"
        "    return 0.5 * np.sum((y_pred - y_train) ** 2) / y_pred.shape[0]\n"
        "def dl2_loss(y_pred, y_train):\n"
        "    return (y_pred - y_train.reshape(-1, 1)) / y_pred.shape[0]\n"
    )
    assert "y_pred (3, 1), y_train (3, 1)" in taken(text)


def test_labels_that_batches_are_cut_of_end_the_search_for_sizes():
    text = (
        "import numpy as np\n\nclass Net:\n"
        "    def __init__(self, n_in, n_out):\n        self.W = np.random.randn(n_in, n_out)\n\n"
        "    def fit(self, X_train, y_train, rate=0.1, epochs=2, batch=4):\n"
        "        for _ in range(epochs):\n            for i in range(0, len(X_train), batch):\n"
        "                x, y = X_train[i:i + batch], y_train[i:i + batch]\n"
        "                e = np.exp(x @ self.W)\n                p = e / e.sum(axis=1, keepdims=True)\n"
        "                hot = np.zeros_like(p)\n                hot[range(len(y)), y] = 1\n"
        "                loss = -(hot * np.log(p)).sum() / len(y)\n"
        "                self.W -= rate * x.T @ (p - hot) / len(y)\n"
    )
    assert verdicts(text) == ["pass"]


STATE = """
import numpy as np

def rhs(u, theta):
    x, y = u
    a, b = theta
    return np.array([a * x - b * x * y, b * x * y - y])

def by_state(u, theta):
    x, y = u
    a, b = theta
    return np.array([[a - b * y, -b * x], [b * y, b * x - 1]])

def by_parameters(u, theta):
    x, y = u
    return np.array([[x, -x * y], [0, x * y]])

def misfit(theta, u0, data, dt=0.05):
    us = [np.asarray(u0, float)]
    for k in range(len(data)):
        us.append(us[-1] + dt * rhs(us[-1], theta))
    loss = 0.5 * sum(np.sum((us[k + 1] - data[k]) ** 2) for k in range(len(data)))
    adj, dtheta = np.zeros(2), np.zeros(2)
    for k in reversed(range(len(data))):
        adj = adj + us[k + 1] - data[k]
        dtheta = dtheta + dt * by_parameters(us[k], theta).T @ adj
        adj = adj + dt * by_state(us[k], theta).T @ adj
    return loss, dtheta
"""


def test_a_state_that_a_helper_takes_apart_and_puts_together_is_a_vector():
    assert "theta (2,), u0 (2,), data (4, 2)" in taken(STATE)
    wrong = STATE.replace("dtheta + dt *", "dtheta +")
    assert accused_rows(wrong) == {"dtheta = dtheta + by_parameters(us[k], theta).T @ adj"}


COST = """
import numpy as np

def cost(u, x0, R, dt=0.1):
    T = len(u)
    x = np.zeros((T + 1, 2))
    x[0] = x0
    J = 0.0
    for t in range(T):
        x[t + 1, 0] = x[t, 0] + dt * x[t, 1]
        x[t + 1, 1] = x[t, 1] + dt * (np.sin(x[t, 0]) + u[t])
        J += x[t + 1] @ x[t + 1] + R * u[t] ** 2
    du = np.zeros(T)
    adj = np.zeros(2)
    for t in reversed(range(T)):
        adj = adj + 2 * x[t + 1]
        du[t] = 2 * R * u[t] + dt * adj[1]
        adj = np.array([[1.0, dt], [dt * np.cos(x[t, 0]), 1.0]]).T @ adj
    return J, du
"""


def test_what_stands_in_one_element_is_a_number():
    assert "x0 (2,), R = " in taken(COST)
    assert first_accused(COST.replace("2 * R * u", "R * u")) == 17
