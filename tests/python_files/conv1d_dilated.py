import numpy as np


class DilatedConv1D:
    '''Causal dilated convolution: x (N, C, L), weight (F, C, K).'''

    def __init__(self, in_channels, out_channels, kernel_size=3, dilation=2):
        self.dilation = dilation
        self.kernel_size = kernel_size
        self.weight = np.random.randn(out_channels, in_channels, kernel_size) * 0.1
        self.bias = np.zeros(out_channels)
        self.grads = {}

    def forward(self, x):
        reach = (self.kernel_size - 1) * self.dilation
        self.padded = np.pad(x, ((0, 0), (0, 0), (reach, 0)))
        length = x.shape[2]
        out = self.bias[None, :, None] * np.ones((x.shape[0], 1, length))
        for j in range(self.kernel_size):
            start = j * self.dilation
            piece = self.padded[:, :, start:start + length]
            out = out + np.einsum('ncl,fc->nfl', piece, self.weight[:, :, j])
        return out

    def backward(self, dout):
        length = dout.shape[2]
        reach = (self.kernel_size - 1) * self.dilation
        dpadded = np.zeros_like(self.padded)
        dweight = np.zeros_like(self.weight)
        for j in range(self.kernel_size):
            start = j * self.dilation
            piece = self.padded[:, :, start:start + length]
            dweight[:, :, j] = np.einsum('ncl,nfl->fc', piece, dout)
            dpadded[:, :, start:start + length] += np.einsum('nfl,fc->ncl', dout, self.weight[:, :, j])
        self.grads['weight'] = dweight
        self.grads['bias'] = dout.sum(axis=(0, 2))
        return dpadded[:, :, reach:]


# mistake: dpadded[:, :, start:start + length] += np.einsum('nfl,fc->ncl', dout, self.weight[:, :, j]) => dpadded[:, :, start:start + length] = np.einsum('nfl,fc->ncl', dout, self.weight[:, :, j])
# mistake: self.grads['bias'] = dout.sum(axis=(0, 2)) => self.grads['bias'] = dout.mean(axis=(0, 2))
# mistake: return dpadded[:, :, reach:] => return dpadded[:, :, :length]
