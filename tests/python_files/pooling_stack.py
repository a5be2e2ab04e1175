import numpy as np


# gradcli: x = randn(2, 3, 4, 6)
class MaxPool2:
    """Pools 2 x 2 windows by reshaping."""

    def forward(self, x):
        N, C, H, W = x.shape
        self.x_shape = x.shape
        r = x.reshape(N, C, H // 2, 2, W // 2, 2)
        out = r.max(axis=3).max(axis=4)
        self.mask = (r == out[:, :, :, None, :, None])
        return out

    def backward(self, dout):
        dr = np.zeros(self.mask.shape)
        dout_newaxis = dout[:, :, :, np.newaxis, :, np.newaxis]
        dout_broadcast, _ = np.broadcast_arrays(dout_newaxis, dr)
        dr[self.mask] = dout_broadcast[self.mask]
        dr /= np.sum(self.mask, axis=(3, 5), keepdims=True)
        return dr.reshape(self.x_shape)


class Flatten:
    def forward(self, x):
        self.shape = x.shape
        return x.reshape(x.shape[0], -1)

    def backward(self, dout):
        return dout.reshape(self.shape)


class GlobalAverage:
    def forward(self, x):
        self.shape = x.shape
        return x.mean(axis=(2, 3))

    def backward(self, dout):
        N, C, H, W = self.shape
        return np.ones(self.shape) * dout[:, :, None, None] / (H * W)



# mistake: dr[self.mask] = dout_broadcast[self.mask] => dr[~self.mask] = dout_broadcast[~self.mask]
# mistake: dout[:, :, None, None] / (H * W) => dout[:, :, None, None] / H
# mistake: return dout.reshape(self.shape) => return -dout.reshape(self.shape)
