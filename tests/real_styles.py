"""Backward passes in the styles people write them, and one-line mistakes planted in them.

A program is a forward part, a line `# backward`, and a backward part. Mistakes are planted with
Python's own `ast`, by rule, and nothing here uses the package.
"""

from __future__ import annotations

import ast
import copy
from random import Random
from typing import NamedTuple

from other_styles import OTHERS, UNTOUCHED

TEXTS = """
## linear_mse
X = randn(5, 3); W = randn(3, 2); b = randn(2); Y = randn(5, 2)
P = X @ W + b
E = P - Y
loss = np.sum(E**2) / 5
# backward
dE = 2*E/5
dP = dE
dW = X.T @ dP
db = np.sum(dP, axis=0)
dX = dP @ W.T
## ridge
X = randn(6, 3); w = randn(3); y = randn(6); lam = 0.3
r = X @ w - y
f = np.sum(r**2) + lam*np.sum(w*w)
# backward
dr = 2*r
dw = X.T @ dr
dw += 2*lam*w
## cs231n_net
X = randn(4, 3); W1 = randn(3, 5); b1 = randn(5); W2 = randn(5, 3); b2 = randn(3); reg = 0.1
Y = [[1,0,0],[0,0,1],[0,1,0],[1,0,0]]
h = np.maximum(0, X.dot(W1) + b1)
s = h.dot(W2) + b2
p = softmax(s, axis=1)
loss = -np.sum(Y*np.log(p))/4 + reg*np.sum(W1*W1) + reg*np.sum(W2*W2)
# backward
ds = p.copy()
ds += -Y
ds = ds/4
dW2 = h.T.dot(ds)
db2 = np.sum(ds, axis=0)
dh = ds.dot(W2.T)
dh = dh * (h > 0)
dW1 = X.T.dot(dh)
db1 = np.sum(dh, axis=0)
dW1 += 2*reg*W1
dW2 += 2*reg*W2
## coursera
X = randn(3, 5); W1 = randn(4, 3); b1 = randn(4, 1); W2 = randn(1, 4); b2 = randn(1, 1)
Y = [[1, 0, 1, 1, 0]]
Z1 = np.dot(W1, X) + b1
A1 = np.tanh(Z1)
Z2 = np.dot(W2, A1) + b2
A2 = sigmoid(Z2)
J = -np.sum(Y*np.log(A2) + (1 - Y)*np.log(1 - A2))/5
# backward
dZ2 = A2 - Y
dW2 = np.dot(dZ2, A1.T)/5
db2 = np.sum(dZ2, axis=1, keepdims=True)/5
dZ1 = np.dot(W2.T, dZ2)*(1 - A1**2)
dW1 = np.dot(dZ1, X.T)/5
db1 = np.sum(dZ1, axis=1, keepdims=True)/5
## rnn_two_steps
x1 = randn(3); x2 = randn(3); Wx = randn(4, 3); Wh = randn(4, 4)*0.5; b = randn(4); h0 = randn(4); y1 = randn(4); y2 = randn(4)
h1 = np.tanh(Wx @ x1 + Wh @ h0 + b)
h2 = np.tanh(Wx @ x2 + Wh @ h1 + b)
L = np.sum((h1 - y1)**2) + np.sum((h2 - y2)**2)
# backward
dh2 = 2*(h2 - y2)
da2 = dh2*(1 - h2**2)
dWx = np.outer(da2, x2)
dWh = np.outer(da2, h1)
db = da2.copy()
dnext = Wh.T @ da2
dh1 = 2*(h1 - y1) + dnext
da1 = dh1*(1 - h1**2)
dWx += np.outer(da1, x1)
dWh += np.outer(da1, h0)
db += da1
dh0 = Wh.T @ da1
## lstm_cell
x = randn(3); h0 = randn(4); c0 = randn(4); Wi = randn(4, 3); Ui = randn(4, 4); Wf = randn(4, 3); Wo = randn(4, 3); Wg = randn(4, 3)
i = sigmoid(Wi @ x + Ui @ h0)
f = sigmoid(Wf @ x)
o = sigmoid(Wo @ x)
g = np.tanh(Wg @ x)
c = f*c0 + i*g
h = o*np.tanh(c)
L = np.sum(h**2)
# backward
dh = 2*h
do = dh*np.tanh(c)
dc = dh*o*(1 - np.tanh(c)**2)
df = dc*c0
di = dc*g
dg = dc*i
dc0 = dc*f
dai = di*i*(1 - i)
daf = df*f*(1 - f)
dao = do*o*(1 - o)
dag = dg*(1 - g**2)
dWi = np.outer(dai, x)
dUi = np.outer(dai, h0)
dWf = np.outer(daf, x)
dWo = np.outer(dao, x)
dWg = np.outer(dag, x)
dx = Wi.T @ dai + Wf.T @ daf + Wo.T @ dao + Wg.T @ dag
dh0 = Ui.T @ dai
## batchnorm_staged
x = randn(5, 3); gamma_ = randn(3); beta = randn(3); t = randn(5, 3)
mu = np.mean(x, axis=0)
xmu = x - mu
var_ = np.mean(xmu**2, axis=0)
std_ = np.sqrt(var_ + 1e-5)
xhat = xmu/std_
out = gamma_*xhat + beta
L = np.sum(out*t)
# backward
dout = t
dbeta = np.sum(dout, axis=0)
dgamma_ = np.sum(dout*xhat, axis=0)
dxhat = dout*gamma_
dstd_ = np.sum(dxhat*(-xmu/std_**2), axis=0)
dvar_ = 0.5*dstd_/std_
dxmu = dxhat/std_ + 2*xmu*dvar_/5
dmu = -np.sum(dxmu, axis=0)
dx = dxmu + dmu/5
## batchnorm_fused
x = randn(6, 3); gam = randn(3); bet = randn(3); t = randn(6, 3)
mu = np.mean(x, axis=0)
v = np.var(x, axis=0)
inv = 1/np.sqrt(v + 1e-5)
xh = (x - mu)*inv
out = gam*xh + bet
L = np.sum(out*t)
# backward
dout = t
dbet = np.sum(dout, axis=0)
dgam = np.sum(dout*xh, axis=0)
dxh = dout*gam
dx = inv/6*(6*dxh - np.sum(dxh, axis=0) - xh*np.sum(dxh*xh, axis=0))
## layernorm
x = randn(4, 6); g = randn(6); b = randn(6); t = randn(4, 6)
m = np.mean(x, axis=1, keepdims=True)
v = np.mean((x - m)**2, axis=1, keepdims=True)
r = 1/np.sqrt(v + 1e-5)
n = (x - m)*r
out = n*g + b
loss = np.sum(out*t)
# backward
dout = t
dg = np.sum(dout*n, axis=0)
db = np.sum(dout, axis=0)
dn = dout*g
s1 = np.mean(dn, axis=1, keepdims=True)
s2 = np.mean(dn*n, axis=1, keepdims=True)
dx = r*(dn - s1 - n*s2)
## rmsnorm
x = randn(3, 4); w = randn(4); t = randn(3, 4)
ms = np.mean(x**2, axis=1, keepdims=True)
rs = (ms + 1e-6)**(-0.5)
y = x*rs*w
L = np.sum(y*t)
# backward
dy = t
dw = np.sum(dy*x*rs, axis=0)
dxr = dy*w
drs = np.sum(dxr*x, axis=1, keepdims=True)
dms = -0.5*drs*(ms + 1e-6)**(-1.5)
dx = dxr*rs
dx += 2*x*dms/4
## conv1d_unrolled
x = randn(7); k = randn(3); t = randn(5)
y = k[0]*x[0:5] + k[1]*x[1:6] + k[2]*x[2:7]
a = np.tanh(y)
L = np.sum((a - t)**2)
# backward
da = 2*(a - t)
dy = da*(1 - a**2)
dk = [np.sum(dy*x[0:5]), np.sum(dy*x[1:6]), np.sum(dy*x[2:7])]
dx = np.zeros_like(x)
dx[0:5] += k[0]*dy
dx[1:6] += k[1]*dy
dx[2:7] += k[2]*dy
## attention
X = randn(4, 3); Wq = randn(3, 3); Wk = randn(3, 3); Wv = randn(3, 3); T = randn(4, 3)
Q = X @ Wq
K = X @ Wk
V = X @ Wv
S = Q @ K.T / np.sqrt(3)
A = softmax(S, axis=1)
O = A @ V
L = np.sum(O*T)
# backward
dO = T
dV = A.T @ dO
dA = dO @ V.T
dS = A*(dA - np.sum(dA*A, axis=1, keepdims=True))
dQ = dS @ K / np.sqrt(3)
dK = dS.T @ Q / np.sqrt(3)
dWq = X.T @ dQ
dWk = X.T @ dK
dWv = X.T @ dV
dX = dQ @ Wq.T
dX += dK @ Wk.T
dX += dV @ Wv.T
## softmax_fused
Z = randn(4, 3); Y = [[0,1,0],[1,0,0],[0,0,1],[0,1,0]]
P = softmax(Z, axis=1)
L = -np.sum(Y*np.log(P))/4
# backward
dZ = (P - Y)/4
## softmax_vector
z = randn(5); v = randn(5)
e = np.exp(z - np.max(z))
s = np.sum(e)
p = e/s
f = np.sum(p*v)
# backward
dp = v
dz = p*(dp - np.sum(p*dp))
## logistic
X = randn(6, 3); w = randn(3); b = 0.3; y = [1, 0, 1, 1, 0, 0]
z = X @ w + b
p = 1/(1 + np.exp(-z))
J = -np.mean(y*np.log(p) + (1 - y)*np.log(1 - p))
# backward
err = p - y
dw = X.T @ err/6
db = np.sum(err)/6
## svm_hinge
S = randn(4, 3); Y = [[1,0,0],[0,1,0],[0,0,1],[1,0,0]]
c = np.sum(S*Y, axis=1, keepdims=True)
M = np.maximum(0, S - c + 1)*(1 - Y)
L = np.sum(M)/4
# backward
mask = (M > 0)
count = np.sum(mask, axis=1, keepdims=True)
dS = mask - Y*count
dS = dS/4
## autoencoder_tied
X = randn(5, 4); W = randn(4, 2); b = randn(2); c = randn(4)
H = sigmoid(X @ W + b)
R = H @ W.T + c
E = R - X
L = 0.5*np.sum(E**2)
# backward
dE = E
dR = dE
dc = np.sum(dR, axis=0)
dW = dR.T @ H
dH = dR @ W
dA = dH*H*(1 - H)
dW += X.T @ dA
db = np.sum(dA, axis=0)
## nielsen
x = randn(3, 1); w1 = randn(4, 3); b1 = randn(4, 1); w2 = randn(2, 4); b2 = randn(2, 1); y = randn(2, 1)
z1 = np.dot(w1, x) + b1
a1 = sigmoid(z1)
z2 = np.dot(w2, a1) + b2
a2 = sigmoid(z2)
C = 0.5*np.sum((a2 - y)**2)
# backward
delta2 = (a2 - y)*a2*(1 - a2)
nabla_b2 = delta2
nabla_w2 = np.dot(delta2, a1.T)
delta1 = np.dot(w2.T, delta2)*a1*(1 - a1)
nabla_b1 = delta1
nabla_w1 = np.dot(delta1, x.T)
## grad_names
X = randn(5, 3); w = randn(3); b = 0.4; y = randn(5)
pred = X @ w + b
err = pred - y
loss = np.mean(err**2)
# backward
grad_err = 2*err/5
grad_w = X.T @ grad_err
grad_b = np.sum(grad_err)
## raschka
x = 1.3; w = -0.7; b = 0.2; y = 0.6
z = w*x + b
a = 1/(1 + np.exp(-z))
loss = (a - y)**2
# backward
d_loss__d_a = 2*(a - y)
d_a__d_z = a*(1 - a)
d_loss__d_z = d_loss__d_a*d_a__d_z
d_loss__d_w = d_loss__d_z*x
d_loss__d_b = d_loss__d_z
## dLdy_style
x = randn(4); W = randn(3, 4); y = randn(3)
a = W @ x
h = np.tanh(a)
L = np.sum((h - y)**2)
# backward
dLdh = 2*(h - y)
dLda = dLdh*(1 - h**2)
dLdW = np.outer(dLda, x)
dLdx = W.T @ dLda
## gW_style
X = randn(4, 3); W = randn(3, 2); V = randn(2, 2); T = randn(4, 2)
H = np.maximum(X @ W, 0)
O = H @ V
E = O - T
loss = np.sum(E*E)
# backward
gE = 2*E
gV = H.T @ gE
gH = gE @ V.T
gH = gH*(H > 0)
gW = X.T @ gH
gX = gH @ W.T
## W_grad_style
X = randn(4, 2); W = randn(2, 3); b = randn(3); T = randn(4, 3)
Z = X @ W + b
A = softplus(Z)
loss = np.sum((A - T)**2)/8
# backward
A_grad = (A - T)/4
Z_grad = A_grad*sigmoid(Z)
W_grad = X.T @ Z_grad
b_grad = np.sum(Z_grad, axis=0)
X_grad = Z_grad @ W.T
## lecture_staged
x = 3; y = -4
sigy = 1.0/(1 + math.exp(-y))
num = x + sigy
sigx = 1.0/(1 + math.exp(-x))
xpy = x + y
xpysqr = xpy**2
den = sigx + xpysqr
invden = 1.0/den
f = num*invden
# backward
dnum = invden
dinvden = num
dden = (-1.0/(den**2))*dinvden
dsigx = (1)*dden
dxpysqr = (1)*dden
dxpy = (2*xpy)*dxpysqr
dx = (1)*dxpy
dy = (1)*dxpy
dx += ((1 - sigx)*sigx)*dsigx
dx += (1)*dnum
dsigy = (1)*dnum
dy += ((1 - sigy)*sigy)*dsigy
## skipgram
v = randn(4); u0 = randn(4); u1 = randn(4); u2 = randn(4)
s0 = np.dot(u0, v)
s1 = np.dot(u1, v)
s2 = np.dot(u2, v)
L = -np.log(sigmoid(s0)) - np.log(sigmoid(-s1)) - np.log(sigmoid(-s2))
# backward
g0 = sigmoid(s0) - 1
g1 = sigmoid(s1)
g2 = sigmoid(s2)
dv = g0*u0 + g1*u1 + g2*u2
du0 = g0*v
du1 = g1*v
du2 = g2*v
## helpers_first
x = randn(4); w = randn(4); t = 0.7
z = np.dot(w, x)
y = np.tanh(z)
L = (y - t)**2
# backward
err = y - t
slope = 1 - y**2
delta = 2*err*slope
dw = delta*x
dx = delta*w
## residual
x = randn(3, 4); W1 = randn(4, 4); W2 = randn(4, 4); T = randn(3, 4)
a = x @ W1
h = np.maximum(a, 0)
o = h @ W2
y = x + o
L = np.sum((y - T)**2)/2
# backward
dy = y - T
do = dy
dW2 = h.T @ do
dh = do @ W2.T
da = dh*(a > 0)
dW1 = x.T @ da
dx = da @ W1.T
dx += dy
## dropout
x = randn(3, 5); W = randn(5, 2); T = randn(3, 2); m = [[1,0,1,1,0],[0,1,1,0,1],[1,1,0,1,0]]
d = x*m/0.6
o = d @ W
L = np.sum((o - T)**2)
# backward
do = 2*(o - T)
dW = d.T @ do
dd = do @ W.T
dd = dd*m
dd = dd/0.6
dx = dd
## elu_like
x = randn(5); a = 0.7; t = randn(5)
y = np.where(x > 0, x, a*(np.exp(x) - 1))
L = np.sum((y - t)**2)
# backward
dy = 2*(y - t)
pos = dy*(x > 0)
neg = dy*(x <= 0)
dx = pos + neg*a*np.exp(x)
da = np.sum(neg*(np.exp(x) - 1))
## total_variation
img = randn(4, 4)
dxi = img[:, 1:] - img[:, :-1]
dyi = img[1:, :] - img[:-1, :]
L = np.sum(dxi**2) + np.sum(dyi**2)
# backward
gx = 2*dxi
gy = 2*dyi
dimg = np.zeros_like(img)
dimg[:, 1:] += gx
dimg[:, :-1] += -gx
dimg[1:, :] += gy
dimg[:-1, :] += -gy
## gru_step
x = randn(3); h = randn(4); Wz = randn(4, 3); Uz = randn(4, 4); Wr = randn(4, 3); Ur = randn(4, 4); Wh = randn(4, 3); Uh = randn(4, 4)
z = sigmoid(Wz @ x + Uz @ h)
r = sigmoid(Wr @ x + Ur @ h)
q = r*h
n = np.tanh(Wh @ x + Uh @ q)
hn = (1 - z)*h + z*n
L = np.sum(hn**2)
# backward
dhn = 2*hn
dz = dhn*(n - h)
dn = dhn*z
dan = dn*(1 - n**2)
dq = Uh.T @ dan
dr = dq*h
dar = dr*r*(1 - r)
daz = dz*z*(1 - z)
dh = dhn*(1 - z)
dh += dq*r
dh += Ur.T @ dar
dh += Uz.T @ daz
dWh = np.outer(dan, x)
dUh = np.outer(dan, q)
dWr = np.outer(dar, x)
dWz = np.outer(daz, x)
dx = Wh.T @ dan + Wr.T @ dar + Wz.T @ daz
## cosine
u = randn(4); v = randn(4)
nu = np.sqrt(np.sum(u*u))
nv = np.sqrt(np.sum(v*v))
c = np.dot(u, v)/(nu*nv)
# backward
du = v/(nu*nv) - c*u/nu**2
dv = u/(nu*nv) - c*v/nv**2
## gaussian_nll
x = randn(5); m = 0.3; s = 1.4
z = (x - m)/s
L = 0.5*np.sum(z**2) + 5*np.log(s)
# backward
dz = z
dx = dz/s
dm = -np.sum(dz)/s
ds = -np.sum(dz*z)/s
ds += 5/s
## kl_vae
mu = randn(4); lv = randn(4); eps = randn(4); t = randn(4)
sd = np.exp(0.5*lv)
zz = mu + sd*eps
rec = np.sum((zz - t)**2)
kl = -0.5*np.sum(1 + lv - mu**2 - np.exp(lv))
L = rec + kl
# backward
dzz = 2*(zz - t)
dmu = dzz.copy()
dmu += mu
dsd = dzz*eps
dlv = 0.5*sd*dsd
dlv += 0.5*(np.exp(lv) - 1)
## pooling
x = randn(4, 4); w = randn(2, 2)
a = x[0:2, :] + x[2:4, :]
p = (a[:, 0:2] + a[:, 2:4])/4
L = np.sum(p*w)
# backward
dp = w
da = np.zeros_like(a)
da[:, 0:2] = dp/4
da[:, 2:4] = dp/4
dx = np.zeros_like(x)
dx[0:2, :] = da
dx[2:4, :] = da
## factorisation
R = randn(4, 5); P = randn(4, 2); Q = randn(5, 2); M = [[1,0,1,1,0],[1,1,0,1,0],[0,1,1,0,1],[1,0,0,1,1]]; lam = 0.2
E = M*(R - P @ Q.T)
L = np.sum(E**2) + lam*(np.sum(P**2) + np.sum(Q**2))
# backward
dP = -2*E @ Q + 2*lam*P
dQ = -2*E.T @ P + 2*lam*Q
## huber_line
x = randn(6); w = 0.7; b = -0.2; y = randn(6)
r = w*x + b - y
L = np.sum(np.where(abs(r) < 1, 0.5*r**2, abs(r) - 0.5))
# backward
small = abs(r) < 1
dr = np.where(small, r, np.sign(r))
dw = np.sum(dr*x)
db = np.sum(dr)
## pendulum
th = 0.4; om = -0.3; g = 9.8; l = 1.2; dt = 0.1
acc = -g/l*sin(th)
om2 = om + dt*acc
th2 = th + dt*om2
E = 0.5*om2**2 + g/l*(1 - cos(th2))
# backward
dth2 = g/l*sin(th2)
dom2 = om2 + dt*dth2
dacc = dt*dom2
dom = dom2
dth = dth2
dth += -g/l*cos(th)*dacc
## mlp_three
x = randn(4); W1 = randn(4, 4); W2 = randn(4, 4); w3 = randn(4)
h1 = np.tanh(W1 @ x)
h2 = np.tanh(W2 @ h1)
o = np.dot(w3, h2)
L = (o - 1.5)**2
# backward
do = 2*(o - 1.5)
dw3 = do*h2
dh2 = do*w3
dz2 = dh2*(1 - h2*h2)
dW2 = np.outer(dz2, h1)
dh1 = W2.T @ dz2
dz1 = dh1*(1 - h1*h1)
dW1 = np.outer(dz1, x)
dx = W1.T @ dz1
## bilinear_attention
q = randn(3); K = randn(4, 3); V = randn(4, 2); t = randn(2)
s = K @ q
a = softmax(s)
c = a @ V
L = np.sum((c - t)**2)
# backward
dc = 2*(c - t)
da = V @ dc
dV = np.outer(a, dc)
dot_ = np.sum(a*da)
ds = a*(da - dot_)
dK = np.outer(ds, q)
dq = K.T @ ds
## neuron_lists
w = [2.0, -3.0, -2.5]; x = [-1.5, -2.25]
z = w[0]*x[0] + w[1]*x[1] + w[2]
f = 1.0/(1 + math.exp(-z))
# backward
dz = (1 - f)*f
dx = [w[0]*dz, w[1]*dz]
dw = [x[0]*dz, x[1]*dz, 1.0*dz]
## two_losses
X = randn(4, 3); W = randn(3, 2); A = randn(4, 2); B = randn(4, 2)
Z = X @ W
l1 = np.sum((Z - A)**2)/4
l2 = np.sum(np.abs(Z - B))/4
L = l1 + 0.5*l2
# backward
d1 = 2*(Z - A)/4
d2 = np.sign(Z - B)/4
dZ = d1 + 0.5*d2
dW = X.T @ dZ
dX = dZ @ W.T
## shared_weights
x = randn(3); y = randn(3); W = randn(2, 3); t = 1.0
u = np.tanh(W @ x)
v = np.tanh(W @ y)
d = u - v
D = np.sum(d**2)
L = (D - t)**2
# backward
dD = 2*(D - t)
dd = 2*d*dD
du = dd
dv = -dd
dau = du*(1 - u**2)
dav = dv*(1 - v**2)
dW = np.outer(dau, x)
dW += np.outer(dav, y)
dx = W.T @ dau
dy = W.T @ dav
"""


def _programs(texts):
    blocks = [block.partition("\n") for block in texts.strip().split("## ")[1:]]
    return {name: text for name, _, text in blocks}


PROGRAMS = {**_programs(TEXTS), **_programs(OTHERS), **_programs(UNTOUCHED)}
# Not looked at when the rules were made.
HELD = sorted([*sorted(_programs(TEXTS))[::3], *_programs(UNTOUCHED)])
KINDS = {
    "layers and networks": "autoencoder_tied coursera cs231n_net dLdy_style dropout elu_like gW_style gcn "
    "grad_names highway linear_mse maxout mlp_three neuron_lists nielsen raschka residual "
    "squeeze_excite W_grad_style helpers_first",
    "norms": "batchnorm_fused batchnorm_staged groupnorm_like layernorm rmsnorm capsule_squash",
    "convolutions, grids": "conv1d_unrolled conv2d_loops heat_equation pooling total_variation",
    "recurrent": "gru_batch gru_step lstm_cell rnn_lm rnn_two_steps",
    "attention": "attention bilinear_attention contrastive_ntxent softmax_fused softmax_vector",
    "losses, likelihoods": "bayes_linear cosine crf_step elastic_net factorisation focal_loss "
    "gaussian_nll gaussian_process_like huber_line kl_vae logistic mixture_em poincare "
    "poisson_regression ppo quantile ridge shared_weights siamese_cosine skipgram svm_hinge triplet "
    "two_losses vae_elbo fm_pairwise",
    "physics, steps unrolled": "adam_unrolled camera_projection kalman_step "
    "lagrangian_double_pendulum lecture_staged lennard_jones momentum_two_steps pendulum rk4_decay "
    "spline_hermite stereo_residual",
}  # fmt: skip
SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
COMPARED = {ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Lt: ast.GtE, ast.GtE: ast.Lt}


class Mutation(NamedTuple):
    """A program with one line changed: which one, how, and what the line was."""

    program: str
    kind: str
    line: int
    text: str
    was: str
    now: str


def mutations(name):
    """Every mutation of a program."""
    rows = PROGRAMS[name].splitlines()
    first = rows.index("# backward") + 1
    head = rows[: first - 1]
    names = [part.split("=")[0].strip() for row in head for part in row.split(";")]
    names = [n.split("[")[0] for n in names if n]
    targets = []
    for number in range(first, len(rows)):
        row = rows[number]
        target, sign, right = row.partition(" += ") if " += " in row else row.partition(" = ")
        seen = {row}
        for kind, new in _changes(target, sign.strip(), right, names, targets):
            if new not in seen:
                seen.add(new)
                text = "\n".join([*rows[:number], *([new] if new else []), *rows[number + 1 :]])
                yield Mutation(name, kind, number + 1, text + "\n", row, new)
        if target not in targets:
            targets.append(target)


def _changes(target, sign, right, names, targets):
    if sign == "+=":
        yield "= for +=", f"{target} = {right}"
        yield "left out", ""
    yield "sign", f"{target} {sign} -({right})"
    tree = ast.parse(right, mode="eval").body
    for path, node in _walk(tree):
        for kind, new in _of_node(node, names, targets):
            yield kind, f"{target} {sign} {ast.unparse(_with(tree, path, new))}"


def _of_node(node, names, targets):
    if isinstance(node, ast.BinOp):
        if type(node.op) in SWAPS:
            is_sum = isinstance(node.op, (ast.Add, ast.Sub))
            yield (
                ("sign" if is_sum else "operator"),
                ast.BinOp(node.left, SWAPS[type(node.op)](), node.right),
            )
            yield ("term" if is_sum else "factor"), node.left
            if isinstance(node.op, (ast.Add, ast.Mult, ast.Sub)):
                yield ("term" if is_sum else "factor"), node.right
        if isinstance(node.op, ast.Pow):
            yield "power", node.left
            yield "power", ast.BinOp(node.left, ast.Pow(), ast.Constant(3))
        if isinstance(node.op, ast.MatMult):
            yield "swapped", ast.BinOp(node.right, ast.MatMult(), node.left)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "sign", node.operand
    elif isinstance(node, ast.Compare):
        new = copy.deepcopy(node)
        new.ops = [COMPARED.get(type(node.ops[0]), ast.Gt)()]
        yield "comparison", new
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield "transpose", node.value
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        for other in (node.value + 1, 2 * node.value):
            yield "constant", ast.Constant(other)
    elif isinstance(node, ast.Call):
        if len(node.args) == 1 and not isinstance(node.func, ast.Name):
            yield "function", node.args[0]
        for k, word in enumerate(node.keywords):
            if word.arg == "axis":
                new = copy.deepcopy(node)
                new.keywords[k].value = ast.Constant(1 - word.value.value)
                yield "axis", new
    elif isinstance(node, ast.Name):
        known = targets if node.id in targets else names if node.id in names else []
        others = [n for n in known if n != node.id]
        rng = Random(node.id + str(len(others)))
        for other in rng.sample(others, min(3, len(others))):
            yield "name", ast.Name(other)


def _walk(tree, path=()):
    yield path, tree
    for field, value in ast.iter_fields(tree):
        if isinstance(value, ast.expr) and field != "func":
            yield from _walk(value, (*path, (field, None)))
        elif isinstance(value, ast.expr) and isinstance(value, ast.Attribute):
            if not (isinstance(value.value, ast.Name) and value.value.id in ("np", "math")):
                yield from _walk(value.value, (*path, (field, None), ("value", None)))
        elif isinstance(value, list):
            for k, part in enumerate(value):
                if isinstance(part, ast.expr):
                    yield from _walk(part, (*path, (field, k)))


def _with(tree, path, new):
    if not path:
        return new
    tree = copy.deepcopy(tree)
    here = tree
    for field, k in path[:-1]:
        here = getattr(here, field) if k is None else getattr(here, field)[k]
    field, k = path[-1]
    if k is None:
        setattr(here, field, new)
    else:
        getattr(here, field)[k] = new
    return tree
