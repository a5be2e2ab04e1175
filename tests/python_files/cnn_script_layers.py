"""Kernels that slide by index arrays, pooling that remembers where the largest was."""
import numpy as np


# gradcli: image = randn(5, 5); kernel = randn(3, 3)
def valid_conv_forward(image, kernel):
    k = kernel.shape[0]
    n = image.shape[0] - k + 1
    rows = np.arange(n)[:, None, None, None] + np.arange(k)[None, None, :, None]
    cols = np.arange(n)[None, :, None, None] + np.arange(k)[None, None, None, :]
    patches = image[rows, cols]
    out = (patches * kernel).sum(axis=(2, 3))
    return out, (image.shape, kernel, rows, cols, patches)


def valid_conv_backward(dout, cache):
    shape, kernel, rows, cols, patches = cache
    d_kernel = (patches * dout[:, :, None, None]).sum(axis=(0, 1))
    d_image = np.zeros(shape)
    np.add.at(d_image, (rows, cols), dout[:, :, None, None] * kernel)
    return d_image, d_kernel


# gradcli: x = randn(3, 8)
def pool_forward(x, size=2):
    N, L = x.shape
    w = x.reshape(N, L // size, size)
    arg = w.argmax(axis=2)
    out = np.take_along_axis(w, arg[:, :, None], axis=2)[:, :, 0]
    return out, (x.shape, arg, size)


def pool_backward(dout, cache):
    shape, arg, size = cache
    N, L = shape
    dw = np.zeros((N, L // size, size))
    i, j = np.indices(arg.shape)
    dw[i, j, arg] = dout
    return dw.reshape(shape)


# mistake: dw[i, j, arg] = dout => dw[i, j, 0] = dout
# mistake: d_kernel = (patches * dout[:, :, None, None]).sum(axis=(0, 1)) => d_kernel = (patches * dout[:, :, None, None]).mean(axis=(0, 1))
# mistake: np.add.at(d_image, (rows, cols), dout[:, :, None, None] * kernel) => np.add.at(d_image, (rows, cols), dout[:, :, None, None])
