"""Forward and backward parts in different files, and networks of the layers of another file."""

from __future__ import annotations

import pytest
import python_cases

from gradcli.errors import GradcliError

FORWARD = """import numpy as np

def affine_forward(x, w, b):
    return x @ w + b, (x, w, b)

def relu_forward(x):
    return np.maximum(x, 0), x
"""
BACKWARD = """import numpy as np

def affine_backward(dout, cache):
    x, w, b = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)

def relu_backward(dout, cache):
    return dout * (cache > 0)
"""


def cases(folder, name, files):
    for other, text in files.items():
        (folder / other).write_text(text)
    path = folder / name
    return python_cases.cases(path.read_text(), name=str(path))


@pytest.mark.parametrize("imports", [
    "from ahead import *\n", "from ahead import affine_forward, relu_forward\n", "",
])  # fmt: skip
def test_a_forward_part_is_found_in_the_file_that_has_it(tmp_path, imports):
    files = {"ahead.py": FORWARD, "back.py": imports + BACKWARD}
    found = cases(tmp_path, "back.py", files)
    assert [case.verdict for case in found] == ["pass", "pass"]
    told = "`affine_forward` is that of `ahead.py`" in " ".join(found[0].notes)
    assert told == (not imports)


def test_a_wrong_line_of_a_backward_part_is_found_across_files(tmp_path):
    files = {"ahead.py": FORWARD, "back.py": BACKWARD.replace("x.T @ dout", "2 * x.T @ dout")}
    wrong, right = cases(tmp_path, "back.py", files)
    assert [line.line for line in wrong.lines if line.is_accused] == [5]
    assert right.verdict == "pass"


def test_two_files_with_a_forward_part_of_one_name_are_no_partner(tmp_path):
    files = {"ahead.py": FORWARD, "behind.py": FORWARD, "back.py": BACKWARD}
    (case,) = cases(tmp_path, "back.py", files)
    assert "`affine_backward` of line 3 is not checked: its forward part is not here" in case.notes


def test_a_backward_part_alone_is_told_at_its_line(tmp_path):
    alone = BACKWARD.partition("def relu_backward")[0]
    with pytest.raises(GradcliError) as caught:
        cases(tmp_path, "back.py", {"back.py": alone})
    assert caught.value.span.line == 3
    assert "`affine_forward` or `affine`" in caught.value.hint


def test_beside_one_that_nobody_knows_what_everybody_knows_is_checked(tmp_path):
    slip = BACKWARD.replace("(cache > 0)", "(cache < 0)")
    assert slip != BACKWARD
    verdicts = [
        [case.expression for case in cases(tmp_path, "back.py", {"back.py": text})
         if case.verdict == verdict] for text, verdict in ((BACKWARD, "pass"), (slip, "fail"))
    ]  # fmt: skip
    assert verdicts == [["relu and relu_backward"]] * 2


def test_nothing_of_a_file_beside_is_executed(tmp_path):
    trace = tmp_path / "trace"
    left = f"open({str(trace)!r}, 'w').write('x')\n__import__('os').system('touch {trace}')\n"
    cases(tmp_path, "back.py", {"ahead.py": left + FORWARD, "back.py": BACKWARD})
    assert not trace.exists()


LAYERS = """import numpy as np

class Linear:
    def __init__(self, many, few):
        self.W = np.random.randn(many, few)

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, upstream):
        self.dW = self.x.T @ upstream
        return upstream @ self.W.T
"""
NET = """import numpy as np
from layers import *
from somewhere.tests import assert_same_shape

class Net:
    def __init__(self, wide, high):
        self.layers = [Linear(wide, high), Linear(high, 2)]

    def loss(self, x, y):
        out = x
        for layer in self.layers:
            out = layer.forward(out)
        assert_same_shape(out, y)
        loss = 0.5 * np.sum((out - y) ** 2)
        back = out - y
        for layer in reversed(self.layers):
            back = layer.backward(back)
        grads = {"first": self.layers[0].dW, "second": self.layers[1].dW}
        return loss, grads
"""


def test_weights_inside_layers_have_the_gradients_that_their_layers_keep(tmp_path):
    (case,) = cases(tmp_path, "net.py", {"layers.py": LAYERS, "net.py": NET})
    assert case.verdict == "pass", case.problem
    assert {"W", "W_2"} <= {*case.inputs}
    assert not case.unclaimed


def test_a_wrong_gradient_inside_a_layer_fails(tmp_path):
    files = {"layers.py": LAYERS.replace("self.x.T @ up", "2 * self.x.T @ up"), "net.py": NET}
    (case,) = cases(tmp_path, "net.py", files)
    assert case.verdict == "fail"


CELLS = {
    "1-widen.py": "def widen(x):\n    return 2 * x\n",
    "2-scale_forward.py": "def scale_forward(x, w):\n    return widen(x) * w, (x, w)\n",
    "3-scale_backward.py": "def scale_backward(dout, cache):\n    x, w = cache\n"
    "    return dout * 2 * w, dout * widen(x)\n",
    "helpers.py": "def widen(x):\n    return 3 * x\n",
}


def test_numbered_files_are_cells_of_one_whole(tmp_path):
    (case,) = cases(tmp_path, "3-scale_backward.py", CELLS)
    assert case.verdict == "pass", case.problem
    files = {**CELLS, "3-scale_backward.py": CELLS["3-scale_backward.py"].replace("2 * w", "w")}
    (wrong,) = cases(tmp_path, "3-scale_backward.py", files)
    assert [line.line for line in wrong.lines if line.is_accused] == [3]


BASE = """import numpy as np

class Layer:
    def forward(self, x):
        self.x = x
        self.y = self._output()
        return self.y

    def backward(self, dout):
        return self._input_grad(dout)
"""
DERIVED = """import numpy as np
from FOLDERimport base

class Softplus(base.Layer):
    def _output(self):
        return np.log(1 + np.exp(self.x))

    def _input_grad(self, dout):
        return dout / (1 + np.exp(-self.x))
"""


@pytest.mark.parametrize("folder", ["", "shop "])
def test_a_class_may_be_made_from_one_of_a_module(tmp_path, folder):
    own = tmp_path / "shop"
    own.mkdir()
    files = {"base.py": BASE, "kinds.py": DERIVED.replace("from FOLDER", f"from {folder}")
             if folder else DERIVED.replace("from FOLDERimport base", "import base")}  # fmt: skip
    (case,) = cases(own, "kinds.py", files)
    assert case.verdict == "pass", case.problem
    files["kinds.py"] = files["kinds.py"].replace("np.exp(-self.x)", "np.exp(self.x)")
    (wrong,) = cases(own, "kinds.py", files)
    assert [line.line for line in wrong.lines if line.is_accused] == [9]


def test_an_object_may_be_of_a_class_beside(tmp_path):
    files = {
        "bends.py": "import numpy as np\n\nclass Wave:\n    def bend(self, z):\n"
        "        return np.sin(z)\n\n    def slope(self, z):\n        return np.cos(z)\n",
        "dense.py": "import numpy as np\n\nclass Dense:\n"
        "    def __init__(self, w, bends):\n        self.w, self.n = w, len(w)\n"
        "        self.bends = bends\n\n"
        "    def forward(self, x):\n        self.x, self.z = x, x @ self.w\n"
        "        return self.bends.bend(self.z)\n\n"
        "    def backward(self, dout):\n        dz = dout * self.bends.slope(self.z)\n"
        "        self.dw = self.x.T @ dz\n        return dz @ self.w.T\n",
    }
    (case,) = cases(tmp_path, "dense.py", files)
    assert case.verdict == "pass", case.problem
    assert "bends = Wave()" in " ".join(case.notes)


STACK = """class Stack:
    def __init__(self, layers):
        self.layers = layers

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad
"""
AFFINE = """import numpy as np

class Affine:
    def __init__(self, n_in, n_out):
        self.w, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.w + self.b

    def backward(self, grad):
        self.dw, self.db = self.x.T @ grad, grad.sum(axis=0)
        return grad @ self.w.T
"""


def test_layers_may_be_of_a_folder_beside_that_of_the_network(tmp_path):
    for folder in ("layers", "networks"):
        (tmp_path / folder).mkdir()
    files = {"layers/affine.py": AFFINE, "networks/stack.py": STACK}
    (case,) = cases(tmp_path, "networks/stack.py", files)
    assert case.verdict == "pass", case.problem
    assert "layers = [Affine()]" in " ".join(case.notes)
    files["networks/stack.py"] = STACK.replace("reversed(self.layers)", "self.layers[1:]")
    (wrong,) = cases(tmp_path, "networks/stack.py", files)
    assert wrong.verdict != "pass"


def test_an_error_in_a_file_that_is_imported_is_placed_there(tmp_path):
    files = {
        "tools.py": "import numpy as np\n\ndef squash(z):\n    return np.fft.fft(z)\n",
        "own.py": "from tools import squash\n\ndef f_forward(x):\n    return squash(x), x\n\n"
        "def f_backward(dout, x):\n    return dout\n",
    }
    (case,) = cases(tmp_path, "own.py", files)
    assert case.verdict == "error"
    assert (case.file.endswith("tools.py"), case.problem.line) == (True, 4)


def test_a_backward_part_that_is_passed_over_is_told_beside_what_is_checked(tmp_path):
    own = FORWARD[FORWARD.index("def relu") :] + BACKWARD[BACKWARD.index("def relu") :]
    lonely = BACKWARD[: BACKWARD.index("def relu")]
    [case] = cases(tmp_path, "back.py", {"back.py": lonely + own})
    assert case.verdict == "pass"
    told = "`affine_backward` of line 3 is not checked: its forward part is not here"
    assert told in case.notes


def test_what_another_backward_part_calls_is_not_passed_over(tmp_path):
    text = (
        "import numpy as np\n\ndef slope_backward(d, y):\n    return d * (1 - y ** 2)\n\n"
        "def layer_forward(x):\n    y = np.tanh(x)\n    return y, y\n\n"
        "def layer_backward(d, cache):\n    return slope_backward(d, cache)\n"
    )
    [case] = cases(tmp_path, "layer.py", {"layer.py": text})
    assert case.verdict == "pass"
    assert not any("not checked" in note for note in case.notes)
