"""The order of the statements of a turn: what is read after it has been changed, and added twice."""

from __future__ import annotations

from python_cases import accused_rows, case_of, verdict

NETWORK = """
import numpy as np

def train(X, y, W1, W2, lr=0.1, n=3):
    for _ in range(n):
        h = np.tanh(X @ W1)
        p = h @ W2
        loss = np.mean((p - y)**2) / 2
        d2 = (p - y) / y.size
        d1 = d2 @ W2.T * (1 - h**2)
        W2 = W2 - lr * h.T @ d2
        W1 = W1 - lr * X.T @ d1
    return W1, W2
"""
BACK = "        d1 = d2 @ W2.T * (1 - h**2)\n"
STEP = "        W2 = W2 - lr * h.T @ d2\n"
FACTORS = """
import numpy as np

def factorize(R, K, steps=10, alpha=0.02, beta=0.02):
    N, M = R.shape
    P = np.random.rand(N, K)
    Q = np.random.rand(M, K)
    for _ in range(steps):
        E = R - P @ Q.T
        loss = np.sum(E**2) + beta * (np.sum(P**2) + np.sum(Q**2))
        P += alpha * (2 * E @ Q - 2 * beta * P)
        Q += alpha * (2 * E.T @ P - 2 * beta * Q)
    return P, Q
"""
CRITIC = """
import numpy as np

def play(x, z, wd, wg, lr=0.05, n=4):
    for i in range(n):
        fake = z * wg
        real, made = 1 / (1 + np.exp(-x * wd)), 1 / (1 + np.exp(-fake * wd))
        loss = -np.mean(np.log(real)) - np.mean(np.log(1 - made))
        wd = wd - lr * (np.mean((real - 1) * x) + np.mean(made * fake))
        made = 1 / (1 + np.exp(-fake * wd))
        wg = wg - lr * np.mean((made - 1) * wd * z)
    return wd, wg
"""
DECAY = """
import numpy as np

def train(X, y, lam=0.5, lr=0.1, epochs=2):
    n = len(y)
    w = np.zeros(X.shape[1])
    for _ in range(epochs):
        e = X @ w - y
        loss = (e @ e) / (2*n) + lam/2 * (w @ w)
        w -= lr * (X.T @ e / n)
        w -= lr * lam * w
    return w
"""
PARTS = """
import numpy as np

def train(X, y, lam=0.5, lr=0.1, epochs=2):
    n = len(y)
    w = np.zeros(X.shape[1] + 1)
    for _ in range(epochs):
        e = X @ w[1:] + w[0] - y
        loss = (e @ e) / (2*n) + lam/2 * (w[1:] @ w[1:])
        w[1:] -= lr * (X.T @ e / n + lam * w[1:])
        w[0] -= lr * e.sum() / n
    return w
"""
BEHIND = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

class Net:
    def __init__(self, nx, nh, lam=0.1):
        self.W1 = np.random.randn(nx, nh)
        self.W2 = np.random.randn(nh, 1)
        self.lam = lam

    def train(self, X, y, lr=0.1, n=3):
        for _ in range(n):
            h = np.tanh(X @ self.W1)
            p = sigmoid(h @ self.W2)
            d2 = (p - y) / len(y)
            d1 = d2 @ self.W2.T * (1 - h**2)
            self.W2 -= lr * (h.T @ d2 + self.lam * self.W2)
            self.W1 -= lr * (X.T @ d1 + self.lam * self.W1)
            loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
            loss += self.lam / 2 * (np.sum(self.W1**2) + np.sum(self.W2**2))
"""


# ---------------------------------------------------------------- what has been changed before


def test_a_gradient_of_a_weight_that_has_been_changed_before_is_a_slip():
    assert verdict(NETWORK)[0] == "pass"
    wrong = NETWORK.replace(BACK + STEP, STEP + BACK)
    assert accused_rows(wrong) == {BACK.strip()}
    (line,) = case_of(wrong).lines
    assert line.mistake == "wrong-cache"
    assert "line 10 has changed `W2` before" in line.reason
    assert "compute `d1` above line 10" in line.reason


def test_without_a_loss_it_is_a_slip_as_well():
    wrong = NETWORK.replace(BACK + STEP, STEP + BACK)
    wrong = wrong.replace("        loss = np.mean((p - y)**2) / 2\n", "")
    assert accused_rows(wrong) == {BACK.strip()}


def test_factors_that_change_one_after_the_other_are_not_those_of_one_loss():
    assert accused_rows(FACTORS) == {"Q += alpha * (2 * E.T @ P - 2 * beta * Q)"}
    both = FACTORS.replace("        P += alpha * (", "        dP = (").replace(
        "        Q += alpha * (", "        dQ = (").replace(
        "    return", "        P += alpha * dP\n        Q += alpha * dQ\n    return")  # fmt: skip
    assert verdict(both)[0] == "pass"


def test_another_forward_pass_of_changed_weights_is_told_as_not_checked():
    case = case_of(CRITIC)
    assert case.verdict == "pass"
    assert "line 11 changes `wg` by another forward pass: that is not checked" in case.notes


# ---------------------------------------------------------------- what is changed twice


def test_decay_in_a_statement_of_its_own_is_the_gradient_of_the_penalty():
    assert verdict(DECAY)[0] == "pass"
    assert accused_rows(DECAY.replace("lr * lam * w", "lr * 2 * lam * w")) == {
        "w -= lr * 2 * lam * w"
    }
    lost = "w -= lr * (X.T @ e)"
    assert accused_rows(DECAY.replace("w -= lr * (X.T @ e / n)", lost)) == {lost}


def test_decay_is_a_part_of_no_loss_without_a_penalty():
    plain = DECAY.replace(" + lam/2 * (w @ w)", "")
    assert verdict(plain)[0] == "pass"


def test_a_step_that_is_taken_twice_is_twice_too_large():
    step = "        w -= lr * (X.T @ e / n)\n"
    assert verdict(DECAY.replace(step, step + step))[0] == "fail"


def test_a_penalty_that_a_part_lacks_is_lost_in_the_line_of_that_part():
    assert verdict(PARTS)[0] == "pass"
    assert accused_rows(PARTS.replace(" + lam * w[1:])", ")")) == {"w[1:] -= lr * (X.T @ e / n)"}


def test_a_loop_over_the_parts_of_a_weight_is_one_step():
    loop = PARTS.replace(" + lam/2 * (w[1:] @ w[1:])", "").replace(
        "        w[1:] -= lr * (X.T @ e / n + lam * w[1:])\n",
        "        for j in range(X.shape[1]):\n"
        "            w[j + 1] -= lr * (X[:, j] @ e / n)\n")  # fmt: skip
    assert verdict(loop)[0] == "pass"
    slip = "w[j + 1] -= lr * (X[:, j] @ y / n)"
    assert accused_rows(loop.replace("w[j + 1] -= lr * (X[:, j] @ e / n)", slip)) == {slip}


# ---------------------------------------------------------------- losses behind the steps


def test_a_loss_behind_the_steps_that_is_of_their_predictions_is_theirs():
    case = case_of(BEHIND)
    assert case.verdict == "pass"
    assert any("nx = 3, nh = 5" in note for note in case.notes)  # nothing falls to 1
    for lost in ("h.T @ d2 + self.lam * self.W2", "X.T @ d1 + self.lam * self.W1"):
        wrong = BEHIND.replace(lost, lost.partition(" + ")[0])
        [row] = accused_rows(wrong)
        assert lost.partition(" + ")[0] in row


def test_a_mean_that_all_gradients_have_lost_is_no_rate():
    wrong = BEHIND.replace("d2 = (p - y) / len(y)", "d2 = p - y")
    assert accused_rows(wrong) == {"d2 = p - y"}
    plain = NETWORK.replace("d2 = (p - y) / y.size", "d2 = p - y")
    assert accused_rows(plain) == {"d2 = p - y"}
