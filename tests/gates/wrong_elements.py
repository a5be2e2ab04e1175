"""Gates of numbers and elements that are wrong; above each the names that fit its mistake."""

import math

import numpy as np

import gradcli


# wrong: not-switched
class MulNotSwitched:
    def forward(self, x, y):
        self.x, self.y = x, y
        return x * y

    def backward(self, dz):
        return [self.x * dz, self.y * dz]


# wrong: missing-upstream
class SigmoidWithoutUpstream:
    def forward(self, x):
        self.s = 1.0 / (1.0 + math.exp(-x))
        return self.s

    def backward(self, upstream):
        return self.s * (1 - self.s)


# wrong: sign
class SubSign:
    def forward(self, x, y):
        return x - y

    def backward(self, dz):
        dx = dz
        dy = dz
        return dx, dy


# wrong: dropped-factor
class SquareWithoutTwo:
    def forward(self, x):
        self.x = x
        return x * x

    def backward(self, upstream):
        return self.x * upstream


# wrong: dropped-power
class DivideWithoutPower:
    def forward(self, x, y):
        self.x, self.y = x, y
        return x / y

    def backward(self, dz):
        dx = dz / self.y
        dy = -self.x / self.y * dz
        return dx, dy


# wrong: slope-from-input wrong-cache
class TanhOfInput:
    def forward(self, x):
        self.x = x
        self.out = math.tanh(x)
        return self.out

    def backward(self, upstream):
        return (1 - self.x**2) * upstream


# wrong: dropped-one-minus
class SigmoidWithoutOneMinus:
    def forward(self, x):
        self.s = 1 / (1 + math.exp(-x))
        return self.s

    def backward(self, upstream):
        return self.s * upstream


# wrong: wrong-operator
class MulWithPlus:
    def forward(self, x, y):
        self.x, self.y = x, y
        return x * y

    def backward(self, dz):
        dx = self.y + dz
        dy = self.x * dz
        return dx, dy


# wrong: wrong-branch
class MaximumWrongBranch:
    def forward(self, x, y):
        self.x_wins = x >= y
        return x if self.x_wins else y

    def backward(self, dz):
        return (0.0, dz) if self.x_wins else (dz, 0.0)


# wrong: missing-path
class CubeAndSquare:
    def forward(self, x):
        self.x = x
        return x**3 + x**2

    def backward(self, upstream):
        dx = 3 * self.x**2 * upstream
        return dx


# wrong: wrong-constant
class SoftplusConstant:
    def forward(self, x):
        self.x = x
        return math.log(1 + math.exp(x))

    def backward(self, upstream):
        return upstream / (2 + math.exp(-self.x))


# wrong: wrong-branch
class ReluWrongSide:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, upstream):
        return upstream * (self.mask == 0)


# wrong: missing-upstream
class ReluMaskOnly:
    def forward(self, x):
        self.mask = x > 0
        return np.maximum(x, 0)

    def backward(self, upstream):
        return self.mask.astype(float)


# wrong: wrong-cache
class ReluMaskOfUpstream:
    def forward(self, x):
        self.x = x
        return np.maximum(x, 0)

    def backward(self, upstream):
        return upstream * (upstream > 0)


# wrong: missing-mean
class MeanWithoutCount:
    def forward(self, x):
        self.shape = x.shape
        return np.mean(x)

    def backward(self, upstream):
        return upstream * np.ones(self.shape)


# wrong: dropped-factor wrong-constant
class GeluFactor:
    def forward(self, x):
        self.x = x
        self.t = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
        return 0.5 * x * (1 + self.t)

    def backward(self, upstream):
        inner = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * self.x**2)
        slope = 0.5 * (1 + self.t) + self.x * (1 - self.t**2) * inner
        return upstream * slope


# wrong: lost-term missing-path
class SiluLostTerm:
    def forward(self, x):
        self.x = x
        self.s = 1 / (1 + np.exp(-x))
        return x * self.s

    def backward(self, upstream):
        return upstream * self.s


# wrong: double-counted
class AddCounted:
    def forward(self, x, y):
        self.x, self.y = x, y
        return x * y

    def backward(self, dz):
        dx = self.y * dz
        dx += self.y * dz
        dy = self.x * dz
        return dx, dy


# wrong: extra-term
class ExpExtra:
    def forward(self, x):
        self.x = x
        self.out = np.exp(x)
        return self.out

    def backward(self, upstream):
        return self.out * upstream + self.x


# wrong: wrong-branch
class SortUnsorted:
    def forward(self, x):
        self.order = np.argsort(x)
        return x[self.order]

    def backward(self, dout):
        return dout[self.order]

    samples = [np.array([0.3, -1.2, 0.8, 2.0, -0.5])]


# wrong: None
class CumSumForwards:
    def forward(self, x):
        return np.cumsum(x)

    def backward(self, dout):
        return np.cumsum(dout)

    samples = [np.array([0.3, -1.2, 0.8, 2.0])]


# wrong: sign
class TinySign:
    def forward(self, x):
        self.x = x
        return 1e-9 * x**2

    def backward(self, upstream):
        return -2e-9 * self.x * upstream


# wrong: dropped-factor
class HugeFactor:
    def forward(self, x):
        self.x = x
        return 1e9 * np.sin(x)

    def backward(self, upstream):
        return 2e9 * np.cos(self.x) * upstream


# wrong: dropped-factor
class TinyMul:
    def forward(self, x, y):
        self.x, self.y = x, y
        return 1e-9 * x * y

    def backward(self, dz):
        return 2e-9 * self.y * dz, 1e-9 * self.x * dz


# wrong: sign
class FixedPointSign:
    def forward(self, x):
        y, before = 0.5, 1.0
        while abs(y - before) > 1e-15:
            before = y
            y = y - (y - math.cos(x * y)) / (1 + x * math.sin(x * y))
        self.x, self.y = x, y
        return y

    def backward(self, upstream):
        s = math.sin(self.x * self.y)
        return upstream * self.y * s / (1 + self.x * s)


# wrong: missing-upstream
@gradcli.gate(backward=lambda upstream, x: 1 / (1 + np.abs(x)) ** 2)
def softsign_without_upstream(x):
    return x / (1 + np.abs(x))


# wrong: dropped-factor
@gradcli.gate(samples="0.4, 2; -1.5, 0.3")
def hypotenuse_twice(x, y):
    r = math.sqrt(x * x + y * y)

    def pullback(upstream):
        return 2 * upstream * x / r, 2 * upstream * y / r

    return r, pullback


# wrong: not-finite
class NormAtNothing:
    def forward(self, x):
        self.x = x
        return np.sum(x**2)

    def backward(self, upstream):
        return 2 * upstream * self.x * (self.x / self.x)

    samples = [np.array([0.0, 1.5, -0.5])]


# wrong: wrong-branch
class SortDescendingUnsorted:
    def forward(self, v):
        self.order = np.argsort(-v)
        return v[self.order]

    def backward(self, dv):
        out = np.empty_like(dv)
        out = dv[self.order]
        return out


# wrong: wrong-branch
class RollForwards:
    def forward(self, x):
        return np.roll(x, 2, axis=-1)

    def backward(self, g):
        return np.roll(g, 2, axis=-1)


# wrong: wrong-branch
class SortOfItsOwnInverse:
    samples = [(np.array([0.3, 2.0, -1.2, 0.5, 0.1]),)]  # where argsort(argsort(x)) is argsort(x)

    def forward(self, x):
        self.order = np.argsort(x)
        return x[self.order]

    def backward(self, upstream):
        return upstream[self.order]


# wrong: dropped-one-minus
class GatedWithoutOneMinus:
    def forward(self, z, a):
        self.s, self.a = 1 / (1 + np.exp(-z)), a
        return self.s * a

    def backward(self, upstream):
        return upstream * self.a * self.s, upstream * self.s
