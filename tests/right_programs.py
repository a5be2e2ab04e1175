"""Right backward passes written in ways that a judge of lines may stumble over; none is accused.

Helpers before and between gradients, copies, masks, conventions, deferred factors, names that mean
something else, fused lines, outputs that are arrays.
"""

from __future__ import annotations

PROGRAMS = {}
TEXTS = """
## helper_with_gradient
y = 1.5; s = 2.0
f = y/s
inv = 1/s
dinv = y
dy = inv
ds = -dinv*inv**2
## helper_after_output_read_by_all
x = [0.4, -0.7, 0.9]
f = sum(sin(x)) + sum(x**2)
c = cos(x)
dx = c + 2*x
## two_helpers_chained
x = 0.7; k = 1.3
f = exp(k*x)
e = exp(k*x)
de = e*k
dx = de
dk = x*e
## literal_for_setting
X = randn(4, 3); W = randn(3, 2); k = 0.8; t = randn(4, 2); M = [[1, 0], [1, 1], [0, 1], [1, 1]]
H = relu(X @ W)
D = H*M/k
L = sum((D - t)**2)
dD = 2*(D - t)
dH = dD*M/0.8
dH = dH*(H > 0)
dW = X.T @ dH
dX = dH @ W.T
## literal_for_setting_of_numbers
x = 0.7; w = 0.4; k = 0.8
u = w*x
v = u/k
f = v**2
dv = 2*v
du = dv/0.8
dx = du*w
dw = du*x
## chain_on_unnamed_gradient
x = 0.5; k = 0.8
u = k*x
f = u**2 + u/k
dH = 2*u
dH = dH + 1/k
dx = dH*k
dk = dH*x - u/k**2
## g_underscore
x = 0.5; y = 1.5
h = x*y
f = h**2
gh = 2*h
g_x = gh*y
gy = gh*x
## g_names_short
x = 3; y = 2
f = x**2*y
g_x = 2*x*y
gy = x*2*x/2
## delta_names
x = [0.5, -0.8]; W = [[0.4, 0.9], [-0.3, 0.6]]; t = [0.1, 0.7]
z = W @ x
a = sigmoid(z)
L = sum((a - t)**2)
delta = 2*(a - t)*a*(1 - a)
dW = outer(delta, x)
dx = W.T @ delta
## deferred_mean
X = randn(5, 3); w = randn(3); b = 0.1; y = randn(5)
p = X @ w + b
r = p - y
L = sum(r**2)/5
dr = 2*r
dp = dr
dw = X.T @ dp/5
db = sum(dp)/5
## deferred_mean_by_name
X = randn(4, 3); W = randn(3, 2); Y = randn(4, 2)
N = X.shape[0]
P = X @ W
L = sum((P - Y)**2)/N
dP = 2*(P - Y)
dW = X.T @ dP
dW = dW/N
## deferred_half
X = randn(5, 3); w = randn(3); y = randn(5)
e = X @ w - y
L = sum(e**2)
de = e
dw = 2*X.T @ de
## negative_convention
x = randn(4); w = randn(4); t = 0.7
y = np.dot(w, x)
L = (t - y)**2/2
dy = t - y
dw = -dy*x
dx = -dy*w
## negated_helper
x = randn(4); w = randn(4); t = 0.7
y = np.dot(w, x)
L = (t - y)**2/2
err = t - y
dy = -err
dw = dy*x
dx = dy*w
## masks_by_product
x = randn(4, 3); W = randn(3, 3)
z = x @ W
a = relu(z)
L = sum(a**2)
da = 2*a
mask = z > 0
dz = da*mask
dW = x.T @ dz
dx = dz @ W.T
## mask_after_the_product
x = randn(5); w = randn(5)
z = x*w
a = relu(z)
L = sum(a)
da = np.ones_like(a)
dz = da.copy()
dz = dz*(z > 0)
dw = dz*x
dx = dz*w
## mask_in_the_readers
x = randn(5); w = randn(5)
z = x*w
a = relu(z)
L = sum(a**2)
da = 2*a
dw = da*(z > 0)*x
dx = da*(z > 0)*w
## mask_not_needed
x = randn(5); w = randn(5)
a = relu(x*w)
L = sum(a**2)
dz = 2*a
dw = dz*x
dx = dz*w
## leaky_mask
x = randn(6); t = randn(6)
a = np.where(x > 0, x, 0.1*x)
L = sum((a - t)**2)
da = 2*(a - t)
slope = np.where(x > 0, 1, 0.1)
dx = da*slope
## dropout_scaled
x = randn(4, 3); keep = 0.5; M = [[1, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 1]]
d = x*M/keep
L = sum(d**3)
dd = 3*d**2
dx = dd*M
dx = dx/keep
## softmax_fused
z = randn(3, 4); T = [[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0]]
p = softmax(z, axis=1)
L = -sum(T*log(p))/3
dz = p.copy()
dz += -T
dz = dz/3
## softmax_in_three
z = randn(3, 4); T = [[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0]]
p = softmax(z, axis=1)
L = -sum(T*log(p))
dp = -T/p
s = sum(dp*p, axis=1, keepdims=True)
dz = p*dp - p*s
## softmax_jacobian
z = randn(4); t = randn(4)
p = softmax(z)
L = sum((p - t)**2)
dp = 2*(p - t)
J = -np.outer(p, p)
dz = J @ dp
dz += p*dp
## tanh_from_output
x = randn(4); t = randn(4)
h = tanh(x)
L = sum((h - t)**2)
dh = 2*(h - t)
one = 1 - h**2
dx = dh*one
## sigmoid_two_ways
x = randn(4); y = randn(4)
s = sigmoid(x)
r = s*y
L = sum(r**2)
dr = 2*r
ds = dr*y
dy = dr*s
dx = ds*s - ds*s**2
## gradient_reused_name
x = randn(3); W = randn(3, 3); V = randn(3, 3)
h = tanh(W @ x)
o = V @ h
L = sum(o**2)
d = 2*o
dV = np.outer(d, h)
d = V.T @ d
d = d*(1 - h**2)
dW = np.outer(d, x)
dx = W.T @ d
## shadowed_forward_name
x = randn(3); W = randn(3, 3)
z = W @ x
h = tanh(z)
L = sum(h**2)
dh = 2*h
z = dh*(1 - h**2)
dW = np.outer(z, x)
dx = W.T @ z
## name_of_another
x = randn(3); W = randn(3, 3)
h = tanh(W @ x)
L = sum(h**2)
dh = 2*h
dh = dh*(1 - h**2)
dW = np.outer(dh, x)
dx = W.T @ dh
## activation_grad_under_z_name
X = randn(4, 3); W = randn(3, 2); Y = randn(4, 2)
A = sigmoid(X @ W)
L = sum((A - Y)**2)
dA = 2*(A - Y)
dA = dA*A*(1 - A)
dW = X.T @ dA
dX = dA @ W.T
## accumulators_of_zeros
x = randn(3); W = randn(3, 3); b = randn(3)
h = tanh(W @ x + b)
L = sum(h**2)
dW = np.zeros_like(W)
db = np.zeros_like(b)
dx = np.zeros_like(x)
dh = 2*h*(1 - h**2)
dW += np.outer(dh, x)
db += dh
dx += W.T @ dh
## zeros_never_needed
x = [0.4, -0.2, 0.9]
f = x[0]*x[1]
dx = np.zeros(3)
dx[0] += x[1]
dx[1] += x[0]
## parts_of_a_vector
x = randn(6)
a = x[0:3]
b = x[3:6]
L = sum(a*b)
da = b
db = a
dx = np.zeros_like(x)
dx[0:3] = da
dx[3:6] = db
## concatenated
a = randn(2); b = randn(3); w = randn(5)
c = np.concatenate([a, b])
h = tanh(c)
L = np.dot(w, h)
dh = w
dc = dh*(1 - h*h)
da = dc[0:2]
db = dc[2:5]
## reshaped
x = randn(2, 6); W = randn(3, 2)
r = x.reshape(4, 3)
o = r @ W
L = sum(o**2)
do = 2*o
dW = r.T @ do
dr = do @ W.T
dx = dr.reshape(2, 6)
## overwritten_zero_then_sum
u = randn(3); v = randn(3)
p = u*v
q = u + v
L = sum(p*q)
dp = q
dq = p
du = dp*v + dq
dv = dp*u
dv += dq
## terms_in_another_order
x = 0.6; y = -1.1
a = x*y
b = x + y
f = a*b + x
df = 1
db = a*df
da = b*df
dx = 1.0*df
dx += db
dx += y*da
dy = x*da
dy += db
## halves_of_one_contribution
x = randn(3)
f = sum(x**3)
dx = x**2
dx += 2*x**2
## two_thirds
x = 0.8
f = x**3
dx = 2*x*x
dx += x*x
## sum_split_by_sign
x = randn(5)
f = sum(abs(x))
pos = x > 0
neg = x < 0
dx = pos - neg
## sqrt_norm
x = randn(4)
n = sqrt(sum(x**2))
u = x/n
f = sum(u**3)
du = 3*u**2
dx = (du - u*np.dot(u, du))/n
## norm_in_stages
x = randn(4)
s = sum(x**2)
n = sqrt(s)
f = n**3
dn = 3*n**2
ds = dn/(2*n)
dx = 2*x*ds
## variance_no_mean_path
x = randn(5, 3); t = randn(5, 3)
m = np.mean(x, axis=0)
c = x - m
v = np.mean(c**2, axis=0)
L = sum(v**2)
dv = 2*v
dc = 2*c*dv/5
dx = dc
## batchnorm_short
x = randn(6, 3); gam = randn(3); bet = randn(3); t = randn(6, 3)
m = np.mean(x, axis=0)
v = np.var(x, axis=0)
iv = 1/np.sqrt(v + 1e-5)
xh = (x - m)*iv
o = gam*xh + bet
L = np.sum(o*t)
do = t
dbet = np.sum(do, axis=0)
dgam = np.sum(xh*do, axis=0)
N = 6
dx = gam*iv/N*(N*do - dbet - xh*dgam)
## batchnorm_by_cs231n
x = randn(6, 3); gam = randn(3); t = randn(6, 3)
mu = np.mean(x, axis=0)
xmu = x - mu
var_ = np.mean(xmu**2, axis=0)
sq = np.sqrt(var_ + 1e-5)
ivar = 1/sq
xhat = xmu*ivar
o = gam*xhat
L = np.sum(o*t)
do = t
dgam = np.sum(do*xhat, axis=0)
dxhat = do*gam
divar = np.sum(dxhat*xmu, axis=0)
dxmu1 = dxhat*ivar
dsq = -1/sq**2*divar
dvar_ = 0.5/np.sqrt(var_ + 1e-5)*dsq
dsqr = 1/6*np.ones((6, 3))*dvar_
dxmu2 = 2*xmu*dsqr
dx1 = dxmu1 + dxmu2
dmu = -1*np.sum(dxmu1 + dxmu2, axis=0)
dx2 = 1/6*np.ones((6, 3))*dmu
dx = dx1 + dx2
## penalty_split
X = randn(5, 3); w = randn(3); y = randn(5); a = 0.1
r = X @ w - y
f = sum(r**2)/5 + a*np.dot(w, w)
dw = 2/5*X.T @ r
dw += a*w
dw += a*w
## elastic_net
X = randn(5, 3); w = randn(3); y = randn(5); a = 0.1; c = 0.3
r = X @ w - y
f = sum(r*r)/2 + a*sum(abs(w)) + 0.5*c*sum(w*w)
g = X.T @ r
dw = g + a*np.sign(w) + c*w
## average_of_two
x = 0.4; y = 0.9
f = (x*y + x/y)/2
half = 0.5
dx = half*(y + 1/y)
dy = half*(x - x/y**2)
## quotient_by_hand
x = 0.4; y = 0.9
n = x*y + 1
d = x + y**2
f = n/d
bottom = d**2
dn = d/bottom
dd = -n/bottom
dx = (y*d - n)/bottom
dy = (x*d - 2*y*n)/bottom
## upstream_array
x = randn(3, 2); W = randn(2, 4)
out = x @ W
dout = randn(3, 4)
dx = dout @ W.T
dW = x.T @ dout
## upstream_then_helper
x = randn(3, 2); W = randn(2, 4); G = randn(3, 4)
h = x @ W
out = tanh(h)
dout = G
t2 = out**2
dh = dout*(1 - t2)
dx = dh @ W.T
dW = x.T @ dh
## upstream_scaled
x = randn(3); G = randn(3)
out = x**2
dout = G/3
dx = dout*2*x
## lstm_like
x = randn(3); h0 = randn(3); c0 = randn(3); W = randn(6, 3); U = randn(6, 3)
a = W @ x + U @ h0
f = sigmoid(a[0:3])
g = tanh(a[3:6])
c = f*c0 + g
h = tanh(c)
L = sum(h**2)
dh = 2*h
dc = dh*(1 - h**2)
dc0 = dc*f
daf = dc*c0*f*(1 - f)
dag = dc*(1 - g**2)
da = np.concatenate([daf, dag])
dW = np.outer(da, x)
dU = np.outer(da, h0)
dx = W.T @ da
dh0 = U.T @ da
## rnn_dnext
x1 = randn(2); x2 = randn(2); W = randn(3, 2); U = randn(3, 3); h0 = randn(3); y = randn(3)
h1 = tanh(W @ x1 + U @ h0)
h2 = tanh(W @ x2 + U @ h1)
L = sum((h2 - y)**2)/2 + sum((h1 - y)**2)/2
dhnext = np.zeros(3)
dh = h2 - y + dhnext
draw = (1 - h2*h2)*dh
dW = np.outer(draw, x2)
dU = np.outer(draw, h1)
dhnext = U.T @ draw
dh = h1 - y + dhnext
draw = (1 - h1*h1)*dh
dW += np.outer(draw, x1)
dU += np.outer(draw, h0)
## attention_with_scale_at_the_end
Q = randn(3, 4); K = randn(3, 4); V = randn(3, 2); T = randn(3, 2)
S = Q @ K.T
A = softmax(S/2, axis=1)
O = A @ V
L = sum((O - T)**2)
dO = 2*(O - T)
dV = A.T @ dO
dA = dO @ V.T
dS = A*(dA - sum(A*dA, axis=1, keepdims=True))
dQ = dS @ K/2
dK = dS.T @ Q/2
## cosine
a = randn(4); b = randn(4)
na = np.sqrt(np.dot(a, a))
nb = np.sqrt(np.dot(b, b))
c = np.dot(a, b)/(na*nb)
da = b/(na*nb) - c*a/na**2
db = a/(na*nb) - c*b/nb**2
## gaussian
x = 0.4; m = 0.1; s = 0.7
z = (x - m)/s
p = exp(-z**2/2)/(s*sqrt(2*pi))
dz = -z*p
dx = dz/s
dm = -dz/s
ds = -p/s - dz*z/s
## logistic_stable
w = randn(3); X = randn(5, 3); y = [1, 0, 1, 1, 0]
z = X @ w
L = sum(np.log(1 + np.exp(-z)) + (1 - y)*z)/5
q = 1/(1 + np.exp(-z))
dz = (q - y)/5
dw = X.T @ dz
## hinge
W = randn(3); X = randn(5, 3); y = [1, -1, 1, 1, -1]
m = 1 - y*(X @ W)
L = sum(np.maximum(0, m))/5
on = m > 0
dW = -(X.T @ (y*on))/5
## huber
x = randn(6); d = 0.5
L = sum(np.where(abs(x) < d, x**2/2, d*(abs(x) - d/2)))
inside = abs(x) < d
dx = np.where(inside, x, d*np.sign(x))
## triplet
a = randn(3); p = randn(3); n = randn(3)
u = a - p
v = a - n
L = sum(u**2) - sum(v**2) + 2
du = 2*u
dv = -2*v
da = du + dv
dp = -du
dn = -dv
## kalman_like
x = 0.3; P = 0.9; R = 0.2; z = 1.1
K = P/(P + R)
xn = x + K*(z - x)
f = xn**2
dxn = 2*xn
dK = dxn*(z - x)
dx = dxn*(1 - K)
dz = dxn*K
S = P + R
dP = dK*R/S**2
dR = -dK*P/S**2
## euler_steps
y = 0.4; k = 0.7; h = 0.1
y1 = y + h*k*y
y2 = y1 + h*k*y1
y3 = y2 + h*k*y2
L = y3**2
dy3 = 2*y3
g = 1 + h*k
dy2 = dy3*g
dy1 = dy2*g
dy = dy1*g
dk = h*(dy3*y2 + dy2*y1 + dy1*y)
dh = k*(dy3*y2 + dy2*y1 + dy1*y)
## polynomial_horner
x = 0.6; a = 0.2; b = -0.4; c = 0.9
p = (a*x + b)*x + c
f = p**2
dp = 2*p
da = dp*x*x
db = dp*x
dc = dp
dx = dp*(2*a*x + b)
## all_in_one_line
x = 0.6; w = 0.2; b = 0.1
f = tanh(w*x + b)**2
common = 2*tanh(w*x + b)*(1 - tanh(w*x + b)**2)
dw = common*x
dx = common*w
db = common
## recomputed_forward
x = randn(3); W = randn(2, 3)
f = sum(tanh(W @ x)**2)
z = W @ x
h = tanh(z)
dh = 2*h
dz = dh*(1 - h**2)
dW = np.outer(dz, x)
dx = W.T @ dz
## gradient_of_unused_stage
x = 0.6; y = 0.9
a = x*y
f = a + x
unused = 3*a
da = 1
dx = da*y + 1
dy = da*x
## mse_with_ones
X = randn(4, 2); w = randn(2); b = 0.3; y = randn(4)
e = X @ w + b*np.ones(4) - y
L = np.mean(e**2)
de = 2*e/4
dw = X.T @ de
db = np.dot(np.ones(4), de)
## column_vectors
X = randn(3, 5); w = randn(3, 1); b = 0.2; Y = [[1, 0, 1, 1, 0]]
A = sigmoid(w.T @ X + b)
cost = -np.sum(Y*np.log(A) + (1 - Y)*np.log(1 - A))/5
dw = X @ (A - Y).T/5
db = np.sum(A - Y)/5
## loops_by_hand
X = [[0.4, -0.2], [0.1, 0.9]]; w = [0.3, 0.7]
p0 = X[0][0]*w[0] + X[0][1]*w[1]
p1 = X[1][0]*w[0] + X[1][1]*w[1]
L = (p0 - 1)**2 + p1**2
d0 = 2*(p0 - 1)
d1 = 2*p1
dw = [X[0][0]*d0 + X[1][0]*d1, X[0][1]*d0 + X[1][1]*d1]
## per_element_adds
x = [0.4, -0.2, 0.6]
f = x[0]*x[1] + x[1]*x[2]
dx[0] += x[1]
dx[1] += x[0]
dx[1] += x[2]
dx[2] += x[1]
## seed_written_out
x = 0.4; y = 0.7
q = x*y
f = q**2
df = 1.0
dq = 2*q*df
dx = y*dq
dy = x*dq
## seed_of_two
x = 0.4; y = 0.7
q = x*y
f = q**2
df = 2.0
dq = 2*q*df
dx = y*dq
dy = x*dq
## layer_norm_alternative
x = randn(3, 4); g = randn(4); t = randn(3, 4)
m = np.mean(x, axis=1, keepdims=True)
s = np.std(x, axis=1, keepdims=True)
n = (x - m)/s
o = n*g
L = sum(o*t)
dg = sum(t*n, axis=0)
dn = t*g
dx = (dn - np.mean(dn, axis=1, keepdims=True) - n*np.mean(dn*n, axis=1, keepdims=True))/s
"""

for _block in TEXTS.strip().split("## ")[1:]:
    _name, _, _text = _block.partition("\n")
    PROGRAMS[_name] = _text
