"""Convolutions of scipy and numpy in Python files, and layers that are made of the shape of images."""

from __future__ import annotations

import numpy as np
import pytest
from python_cases import case_of

from gradcli.python.interpreter.interpreter import Interpreter
from gradcli.python.state.source import Script
from gradcli.python.state.values import Scope, Unknown

SHAPES = [
    ((5, 6), (3, 2)), ((4, 4), (2, 4)), ((5,), (3,)), ((3,), (5,)), ((4,), (4,)), ((3, 2), (5, 4)),
    ((2, 3, 4), (2, 2, 2)), ((5, 5), (1, 1)),
]  # fmt: skip
FUNCTIONS = ["signal.convolve2d", "signal.correlate2d", "signal.convolve", "signal.correlate",
             "signal.fftconvolve", "np.convolve", "np.correlate"]  # fmt: skip

LAYER = """
import numpy as np
from scipy import signal


class FilterLayer:
    def __init__(self, image_shape, kernel_size, n_filters):
        channels, rows, columns = image_shape
        self.n_filters, self.channels = n_filters, channels
        self.image_shape = image_shape
        self.filter_shape = (n_filters, channels, kernel_size, kernel_size)
        self.map_shape = (n_filters, rows - kernel_size + 1, columns - kernel_size + 1)
        self.filters = np.random.randn(*self.filter_shape)
        self.offsets = np.random.randn(*self.map_shape)

    def forward(self, image):
        self.image = image
        maps = np.copy(self.offsets)
        for f in range(self.n_filters):
            for c in range(self.channels):
                maps[f] += signal.correlate2d(image[c], self.filters[f, c], mode="valid")
        return maps

    def backward(self, grad_maps, rate):
        grad_filters = np.zeros(self.filter_shape)
        grad_image = np.zeros(self.image_shape)
        for f in range(self.n_filters):
            for c in range(self.channels):
                grad_filters[f, c] = signal.correlate2d(self.image[c], grad_maps[f], mode="valid")
                grad_image[c] += signal.convolve2d(grad_maps[f], self.filters[f, c], mode="full")
        self.filters -= rate * grad_filters
        self.offsets -= rate * grad_maps
        return grad_image
"""
LAST = """
import numpy as np
import scipy.signal


class Conv:
    def __init__(self, in_shape, kernel_shape, depth):
        self.in_shape, self.depth = in_shape, depth
        self.kernel_shape = kernel_shape
        self.W = np.random.rand(kernel_shape[0], kernel_shape[1], in_shape[2], depth) - 0.5
        self.b = np.random.rand(depth) - 0.5

    def forward(self, x):
        self.x = x
        kh, kw = self.kernel_shape[0], self.kernel_shape[1]
        out = np.zeros((self.in_shape[0] - kh + 1, self.in_shape[1] - kw + 1, self.depth))
        for k in range(self.depth):
            for d in range(self.in_shape[2]):
                out[:, :, k] += scipy.signal.correlate2d(x[:, :, d], self.W[:, :, d, k], "valid")
            out[:, :, k] += self.b[k]
        return out

    def backward(self, dout):
        dx = np.zeros(self.in_shape)
        self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)
        for k in range(self.depth):
            for d in range(self.in_shape[2]):
                dx[:, :, d] += scipy.signal.convolve2d(dout[:, :, k], self.W[:, :, d, k], "full")
                self.dW[:, :, d, k] = scipy.signal.correlate2d(self.x[:, :, d], dout[:, :, k], "valid")
            self.db[k] = np.sum(dout[:, :, k])
        return dx
"""


def read(expression, **arrays):
    """What the reader makes of an expression of arrays."""
    lines = ["import numpy as np", "from scipy import ndimage, signal"]
    lines += [f"{name} = np.array({array.tolist()})" for name, array in arrays.items()]
    script = Script("\n".join([*lines, f"out = {expression}"]), "file.py")
    reader, scope = Interpreter(script), Scope()
    reader.look_over(script.tree, scope)
    made = scope["out"]
    return None if isinstance(made, Unknown) else reader.tape.value(made.content)


@pytest.mark.parametrize("mode", ["full", "valid", "same", ""])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_convolutions_are_those_of_scipy_and_numpy(function, mode):
    signal = pytest.importorskip("scipy.signal")
    module, _, name = function.partition(".")
    oracle = getattr({"signal": signal, "np": np}[module], name)
    random, compared = np.random.RandomState(1), 0
    for first, second in SHAPES:
        a, b = random.standard_normal(first), random.standard_normal(second)
        is_small = all(n <= m for n, m in zip(first, second, strict=True)) and first != second
        if "correlate" in name and is_small:
            continue  # which scipy turns around, and we refuse
        try:
            due = oracle(a, b, *[mode] * bool(mode))
        except ValueError:
            assert read(f"{function}(a, b)", a=a, b=b) is None
            continue
        own = read(f"{function}(a, b, mode={mode!r})" if mode else f"{function}(a, b)", a=a, b=b)
        assert own.shape == due.shape
        np.testing.assert_allclose(own, due, rtol=1e-12, atol=1e-13)
        compared += 1
    assert compared > 1


@pytest.mark.parametrize(
    "call",
    [
        "signal.correlate2d(a, a, boundary='wrap')", "signal.convolve2d(a, a, 'full', 'fill', 1)",
        "signal.convolve2d(a, a[0])", "signal.convolve2d(a, a, 'other')",
        "ndimage.convolve(a, a)",
    ],
)  # fmt: skip
def test_other_ends_and_other_axes_are_refused(call):
    assert read(call, a=np.eye(3)) is None


@pytest.mark.parametrize("text", [LAYER, LAST])
def test_a_layer_that_is_made_of_the_shape_of_one_image_is_read(text):
    case = case_of(text)
    assert case.verdict == "pass"
    assert len(case.inputs) > 2


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        (LAYER, "signal.convolve2d(grad_maps", "signal.correlate2d(grad_maps"),
        (LAYER, "grad_image[c] +=", "grad_image[c] ="),
        (LAYER, "correlate2d(self.image[c]", "convolve2d(self.image[c]"),
        (LAST, "convolve2d(dout", "correlate2d(dout"),
        (LAST, "np.sum(dout[:, :, k])", "self.depth * np.sum(dout[:, :, k])"),
        (LAST, "dx[:, :, d] +=", "dx[:, :, d] ="),
    ],
)
def test_a_mistake_in_such_a_layer_is_found_on_its_line(text, right, wrong):
    case = case_of(text.replace(right, wrong))
    line = next(n for n, row in enumerate(text.splitlines(), 1) if right in row)
    assert case.verdict == "fail"
    assert line in [row.line for row in case.lines if row.verdict == "fail"]


SQUARE = """import numpy as np

def framed(image, p):
    n = image.shape[0] + 2 * p
    rows = np.concatenate([np.zeros((image.shape[0], p)), image, np.zeros((image.shape[0], p))], 1)
    return np.concatenate([np.zeros((p, n)), rows, np.zeros((p, n))])

def blur_forward(x):
    padded = np.stack([np.stack([framed(c, 1) for c in one]) for one in x])
    n = x.shape[2]
    return sum(padded[:, :, i:i + n, j:j + n] for i in range(3) for j in range(3)) / 9

def blur_backward(d):
    padded = np.stack([np.stack([framed(c, 1) for c in one]) for one in d])
    n = d.shape[2]
    return sum(padded[:, :, i:i + n, j:j + n] for i in range(3) for j in range(3)) / 9
"""


def test_images_are_square_where_the_code_takes_their_height_for_their_width():
    case = case_of(SQUARE)
    assert case.verdict == "pass", case.problem
    assert any("x (2, 3, 5, 5)" in note for note in case.notes)
