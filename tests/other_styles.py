"""More backward passes, of other fields: physics, filters, policies, losses, unrolled optimizers.

`OTHERS` were looked at when the rules were made; `UNTOUCHED` were written afterwards.
"""

from __future__ import annotations

OTHERS = """
## kalman_step
x = randn(3); A = randn(3, 3)*0.5; H = randn(2, 3); z = randn(2); K = randn(3, 2)
xp = A @ x
v = z - H @ xp
xn = xp + K @ v
L = 0.5*np.sum(xn**2) + 0.1*np.sum(v**2)
# backward
dxn = xn
dv = 0.2*v
dv += K.T @ dxn
dK = np.outer(dxn, v)
dxp = dxn.copy()
dxp += -(H.T @ dv)
dH = -np.outer(dv, xp)
dz = dv
dA = np.outer(dxp, x)
dx = A.T @ dxp
## gru_batch
x = randn(2, 3); h = randn(2, 4); Wz = randn(3, 4); Wr = randn(3, 4); Wn = randn(3, 4); Uz = randn(4, 4); Ur = randn(4, 4); Un = randn(4, 4); bn = randn(4); y = randn(2, 4)
z = sigmoid(x.dot(Wz) + h.dot(Uz))
r = sigmoid(x.dot(Wr) + h.dot(Ur))
hU = h.dot(Un)
n = np.tanh(x.dot(Wn) + r*hU + bn)
out = (1 - z)*n + z*h
loss = 0.5*np.sum((out - y)**2)
# backward
dout = out - y
dz = dout*(h - n)
dn = dout*(1 - z)
dh = dout*z
dn_raw = dn*(1 - n**2)
dr = dn_raw*hU
dhU = dn_raw*r
dz_raw = dz*z*(1 - z)
dr_raw = dr*r*(1 - r)
dWz = x.T.dot(dz_raw)
dWr = x.T.dot(dr_raw)
dWn = x.T.dot(dn_raw)
dUz = h.T.dot(dz_raw)
dUr = h.T.dot(dr_raw)
dUn = h.T.dot(dhU)
dbn = dn_raw.sum(axis=0)
dh += dz_raw.dot(Uz.T) + dr_raw.dot(Ur.T) + dhU.dot(Un.T)
dx = dz_raw.dot(Wz.T) + dr_raw.dot(Wr.T) + dn_raw.dot(Wn.T)
## triplet
A = randn(4, 3); P = randn(4, 3); N = randn(4, 3); margin = 0.5
dp = np.sum((A - P)**2, axis=1)
dn = np.sum((A - N)**2, axis=1)
hinge = np.maximum(dp - dn + margin, 0)
loss = np.mean(hinge)
# backward
active = (hinge > 0)/4
ga = active.reshape(4, 1)
grad_P = -2*ga*(A - P)
grad_N = 2*ga*(A - N)
grad_A = 2*ga*(N - P)
## vae_elbo
x = randn(4); W1 = randn(3, 4); Wm = randn(2, 3); Wv = randn(2, 3); W2 = randn(4, 2); eps = randn(2)
h = np.tanh(W1 @ x)
mu = Wm @ h
logvar = Wv @ h
std = np.exp(logvar/2)
zl = mu + eps*std
xr = W2 @ zl
recon = np.sum((xr - x)**2)/2
kl = np.sum(np.exp(logvar) + mu**2 - 1 - logvar)/2
elbo = recon + kl
# backward
dxr = xr - x
dW2 = np.outer(dxr, zl)
dzl = W2.T @ dxr
dmu = dzl + mu
dstd = dzl*eps
dlogvar = dstd*std/2
dlogvar += (np.exp(logvar) - 1)/2
dWm = np.outer(dmu, h)
dWv = np.outer(dlogvar, h)
dh = Wm.T @ dmu
dh += Wv.T @ dlogvar
dpre = dh*(1 - h*h)
dW1 = np.outer(dpre, x)
## crf_step
alpha = randn(3); T = randn(3, 3); e_ = randn(3); w = randn(3)
M = alpha.reshape(3, 1) + T
m = logsumexp(M, axis=0)
a1 = m + e_
Z = logsumexp(a1 + w)
# backward
p1 = softmax(a1 + w)
dw = p1
da1 = p1
de_ = da1
dm = da1
Q = softmax(M, axis=0)
dM = Q*dm
dT = dM
dalpha = np.sum(dM, axis=1)
## spline_hermite
p0 = 0.4; p1 = 1.3; m0 = -0.6; m1 = 0.9; t = 0.3; target = 1.1
h00 = 2*t**3 - 3*t**2 + 1
h10 = t**3 - 2*t**2 + t
h01 = -2*t**3 + 3*t**2
h11 = t**3 - t**2
s = h00*p0 + h10*m0 + h01*p1 + h11*m1
L = 0.5*(s - target)**2
# backward
ds = s - target
dp0 = ds*h00
dm0 = ds*h10
dp1 = ds*h01
dm1 = ds*h11
dh00 = ds*p0
dh10 = ds*m0
dh01 = ds*p1
dh11 = ds*m1
dt = dh00*(6*t**2 - 6*t)
dt += dh10*(3*t**2 - 4*t + 1)
dt += dh01*(6*t - 6*t**2)
dt += dh11*(3*t**2 - 2*t)
## contrastive_ntxent
U = randn(3, 4); V = randn(3, 4); tau_ = 0.5; I = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
S = U @ V.T
L_ = S/tau_
P = softmax(L_, axis=1)
loss = -np.sum(I*np.log(P))/3
# backward
gL = (P - I)/3
gS = gL/tau_
gU = gS @ V
gV = gS.T @ U
gtau_ = -np.sum(gL*S)/tau_**2
## ppo
logits = randn(5); old = [0.3, 0.1, 0.2, 0.25, 0.15]; adv = randn(5); epsc = 0.2; beta = 0.01
pi_ = softmax(logits)
ratio = pi_/old
clipped = np.minimum(np.maximum(ratio, 1 - epsc), 1 + epsc)
surr = np.minimum(ratio*adv, clipped*adv)
ent = -np.sum(pi_*np.log(pi_))
J = -np.mean(surr) - beta*ent
# backward
use = (ratio*adv <= clipped*adv)
dsurr = -np.ones(5)/5
dratio = dsurr*adv*use
dpi_ = dratio/old
dpi_ += beta*(np.log(pi_) + 1)
inner = np.sum(dpi_*pi_)
dlogits = pi_*(dpi_ - inner)
## adam_unrolled
w0 = 0.8; a = 1.7; b1 = 0.9; b2 = 0.99; lr = 0.1
g0 = a*w0
m1 = (1 - b1)*g0
v1 = (1 - b2)*g0**2
u1 = sqrt(v1) + 0.001
w1 = w0 - lr*m1/u1
L = 0.5*a*w1**2
# backward
dw1 = a*w1
dm1 = -dw1*lr/u1
du1 = dw1*lr*m1/u1**2
dv1 = du1*0.5/sqrt(v1)
dg0 = dm1*(1 - b1)
dg0 += dv1*(1 - b2)*2*g0
dw0 = dw1 + dg0*a
da = 0.5*w1**2 + dg0*w0
dlr = -dw1*m1/u1
## momentum_two_steps
theta = randn(3); A = randn(3, 3); c = randn(3); mom = 0.9; lr = 0.1
r0 = A @ theta - c
q0 = A.T @ r0
th1 = theta - lr*q0
r1 = A @ th1 - c
q1 = A.T @ r1
vel = mom*q0 + q1
th2 = th1 - lr*vel
f = 0.5*np.sum(th2**2)
# backward
dth2 = th2
dth1 = dth2.copy()
dvel = -lr*dth2
dq1 = dvel
dr1 = A @ dq1
dth1 += A.T @ dr1
dq0 = mom*dvel
dq0 += -lr*dth1
dr0 = A @ dq0
dtheta = dth1
dtheta = dtheta + A.T @ dr0
dc = -dr0 - dr1
## lagrangian_double_pendulum
t1 = 0.5; t2 = -0.4; w1 = 0.3; w2 = 0.7; m = 1.3; l = 0.8; g = 9.81
c = cos(t1 - t2)
kin = 0.5*m*l**2*(2*w1**2 + w2**2 + 2*w1*w2*c)
pot = -m*g*l*(2*cos(t1) + cos(t2))
lag = kin - pot
# backward
dkin = 1
dpot = -1
dc = m*l**2*w1*w2*dkin
dw1 = m*l**2*(2*w1 + w2*c)*dkin
dw2 = m*l**2*(w2 + w1*c)*dkin
dt1 = -sin(t1 - t2)*dc
dt2 = sin(t1 - t2)*dc
dt1 += 2*m*g*l*sin(t1)*dpot
dt2 += m*g*l*sin(t2)*dpot
## lennard_jones
r1 = randn(3); r2 = randn(3)*2; s6 = 1.2; ep = 0.7
d = r1 - r2
rr = np.sum(d**2)
i2 = 1/rr
i6 = s6*i2**3
E = 4*ep*(i6**2 - i6)
# backward
di6 = 4*ep*(2*i6 - 1)
dep = 4*(i6**2 - i6)
ds6 = di6*i2**3
di2 = di6*3*s6*i2**2
drr = -di2*i2**2
dd = 2*d*drr
dr1 = dd
dr2 = -dd
## heat_equation
u = randn(6); k = 0.2; goal = randn(6)
lap = u[0:4] - 2*u[1:5] + u[2:6]
un = u[1:5] + k*lap
err = un - goal[1:5]
J = np.sum(err**2)
# backward
derr = 2*err
dun = derr
dlap = k*dun
dk = np.sum(dun*lap)
du = np.zeros_like(u)
du[1:5] += dun
du[0:4] += dlap
du[1:5] += -2*dlap
du[2:6] += dlap
## conv2d_loops
X = randn(3, 3); F = randn(2, 2); b = 0.1; T = randn(2, 2)
o00 = np.sum(X[0:2, 0:2]*F) + b
o01 = np.sum(X[0:2, 1:3]*F) + b
o10 = np.sum(X[1:3, 0:2]*F) + b
o11 = np.sum(X[1:3, 1:3]*F) + b
L = 0.5*((o00 - T[0, 0])**2 + (o01 - T[0, 1])**2 + (o10 - T[1, 0])**2 + (o11 - T[1, 1])**2)
# backward
do00 = o00 - T[0, 0]
do01 = o01 - T[0, 1]
do10 = o10 - T[1, 0]
do11 = o11 - T[1, 1]
db = do00 + do01 + do10 + do11
dF = do00*X[0:2, 0:2]
dF += do01*X[0:2, 1:3]
dF += do10*X[1:3, 0:2]
dF += do11*X[1:3, 1:3]
dX = np.zeros_like(X)
dX[0:2, 0:2] += do00*F
dX[0:2, 1:3] += do01*F
dX[1:3, 0:2] += do10*F
dX[1:3, 1:3] += do11*F
## groupnorm_like
x = randn(2, 6); g = randn(6); c = randn(2, 6)
mean_ = x.mean(axis=1, keepdims=True)
xc = x - mean_
var_ = (xc*xc).mean(axis=1, keepdims=True)
istd = 1/np.sqrt(var_ + 1e-3)
xn = xc*istd
y = xn*g
f = (y*c).sum()
# backward
dy = c
dg = (dy*xn).sum(axis=0)
dxn = dy*g
distd = (dxn*xc).sum(axis=1, keepdims=True)
dvar_ = -0.5*distd*istd**3
dxc = dxn*istd
dxc += dvar_*2*xc/6
dmean_ = -dxc.sum(axis=1, keepdims=True)
dx = dxc
dx += dmean_/6
## focal_loss
z = randn(5); y = [1, 0, 1, 0, 0]; gm = 2
p = 1/(1 + np.exp(-z))
q = y*p + (1 - y)*(1 - p)
L = -np.sum((1 - q)**gm*np.log(q))
# backward
dq = gm*(1 - q)**(gm - 1)*np.log(q) - (1 - q)**gm/q
dp = dq*(2*y - 1)
dz = dp*p*(1 - p)
## gaussian_process_like
x = randn(4); y = randn(4); ell = 0.9; sf = 1.1; al = randn(4)
D = (x.reshape(4, 1) - x.reshape(1, 4))**2
Kx = sf**2*np.exp(-D/(2*ell**2))
q = y - Kx @ al
f = np.sum(q**2)
# backward
dq = 2*q
dKx = -np.outer(dq, al)
dal = -Kx.T @ dq
dy = dq
dsf = np.sum(dKx*Kx)*2/sf
dD = -dKx*Kx/(2*ell**2)
dell = np.sum(dKx*Kx*D)/ell**3
dx = 2*np.sum((dD + dD.T)*(x.reshape(4, 1) - x.reshape(1, 4)), axis=1)
## mixture_em
x = 0.7; m1 = -0.3; m2 = 1.1; a = 0.4
g1 = exp(-(x - m1)**2/2)
g2 = exp(-(x - m2)**2/2)
mix = a*g1 + (1 - a)*g2
nll = -log(mix)
# backward
dmix = -1/mix
dg1 = a*dmix
dg2 = (1 - a)*dmix
da = (g1 - g2)*dmix
dm1 = dg1*g1*(x - m1)
dm2 = dg2*g2*(x - m2)
dx = -dm1 - dm2
## poincare
u = [0.2, -0.3, 0.1]; v = [-0.4, 0.2, 0.5]
nu = 1 - np.sum(u**2)
nv = 1 - np.sum(v**2)
duv = np.sum((u - v)**2)
gam = 1 + 2*duv/(nu*nv)
dist = np.log(gam + np.sqrt(gam**2 - 1))
# backward
dgam = 1/np.sqrt(gam**2 - 1)
dduv = 2*dgam/(nu*nv)
dnu = -2*duv*dgam/(nu**2*nv)
dnv = -2*duv*dgam/(nu*nv**2)
du = 2*(u - v)*dduv - 2*u*dnu
dv = 2*(v - u)*dduv - 2*v*dnv
## rnn_lm
x = randn(2, 3); E = randn(3, 4); h0 = randn(2, 4); W = randn(4, 4); V = randn(4, 3); Y = [[0, 1, 0], [1, 0, 0]]
a = x @ E + h0 @ W
h = np.tanh(a)
s = h @ V
p = np.exp(s)/np.sum(np.exp(s), axis=1, keepdims=True)
loss = -np.mean(np.sum(Y*np.log(p), axis=1))
# backward
ds = p.copy()
ds += -Y
ds = ds/2
dV = h.T @ ds
dh = ds @ V.T
da = dh
da = da*(1 - h**2)
dE = x.T @ da
dW = h0.T @ da
dh0 = da @ W.T
dx = da @ E.T
## camera_projection
P = randn(4, 3); f_ = 1.5; obs = randn(4, 2)
z = P[:, 2] + 5
px = f_*P[:, 0]/z
py = f_*P[:, 1]/z
ex = px - obs[:, 0]
ey = py - obs[:, 1]
cost = 0.5*np.sum(ex**2) + 0.5*np.sum(ey**2)
# backward
dpx = ex
dpy = ey
df_ = np.sum(dpx*px + dpy*py)/f_
dz = -(dpx*px + dpy*py)/z
dP = np.zeros_like(P)
dP[:, 0] = dpx*f_/z
dP[:, 1] = dpy*f_/z
dP[:, 2] = dz
## gcn
A = [[0.5, 0.5, 0], [0.25, 0.5, 0.25], [0, 0.5, 0.5]]; X = randn(3, 2); W1 = randn(2, 4); W2 = randn(4, 2); Y = [[1, 0], [0, 1], [1, 0]]
AX = A @ X
H = np.maximum(AX @ W1, 0)
AH = A @ H
O = AH @ W2
P = softmax(O, axis=1)
L = -np.sum(Y*np.log(P))
# backward
dO = P - Y
dW2 = AH.T @ dO
dAH = dO @ W2.T
dH = A.T @ dAH
dZ = dH*(H > 0)
dW1 = AX.T @ dZ
dAX = dZ @ W1.T
dX = A.T @ dAX
## quantile
x = randn(6, 2); w = randn(2); y = randn(6); tau_ = 0.3
u = y - x @ w
L = np.sum(np.maximum(tau_*u, (tau_ - 1)*u))
# backward
du = np.where(u > 0, tau_, tau_ - 1)
dy = du
dw = -x.T @ du
dx = -np.outer(du, w)
## elastic_net
X = randn(5, 3); w = randn(3); b = -0.2; y = randn(5); l1 = 0.1; l2 = 0.05
pred = X @ w + b
res = pred - y
cost = np.mean(res**2) + l1*np.sum(np.abs(w)) + l2*np.sum(w**2)
# backward
dres = 2/5*res
dw = X.T @ dres
dw += l1*np.sign(w)
dw += 2*l2*w
db = dres.sum()
## squeeze_excite
X = randn(3, 4); W = randn(4, 2); V = randn(2, 4); T = randn(3, 4)
pool = X.mean(axis=0)
hid = np.maximum(pool @ W, 0.01*(pool @ W))
gate = sigmoid(hid @ V)
out = X*gate
L = np.sum((out - T)**2)
# backward
dout = 2*(out - T)
dgate = (dout*X).sum(axis=0)
dpre = dgate*gate*(1 - gate)
dV = np.outer(hid, dpre)
dhid = V @ dpre
dh = np.where(hid > 0, dhid, 0.01*dhid)
dW = np.outer(pool, dh)
dpool = W @ dh
dX = dout*gate
dX += dpool/3
"""
UNTOUCHED = """
## bayes_linear
X = randn(5, 2); w = randn(2); y = randn(5); la = 0.4; lb = -0.3
alpha = np.exp(la)
beta = np.exp(lb)
e = y - X @ w
ss = np.sum(e**2)
nlp = 0.5*beta*ss - 2.5*lb + 0.5*alpha*np.sum(w**2) - la
# backward
dss = 0.5*beta
de = 2*e*dss
dw = -X.T @ de
dw += alpha*w
dbeta = 0.5*ss
dalpha = 0.5*np.sum(w**2)
dlb = beta*dbeta
dlb += -2.5
dla = alpha*dalpha - 1
## maxout
x = randn(3, 4); Wa = randn(4, 2); Wb = randn(4, 2); t = randn(3, 2)
za = x @ Wa
zb = x @ Wb
h = np.maximum(za, zb)
L = np.mean((h - t)**2)
# backward
dh = 2*(h - t)/6
won = (za >= zb)
dza = dh*won
dzb = dh*(1 - won)
dWa = x.T @ dza
dWb = x.T @ dzb
dx = dza @ Wa.T + dzb @ Wb.T
## rk4_decay
y0 = 1.2; k = 0.7; h = 0.3
s1 = -k*y0
s2 = -k*(y0 + h*s1/2)
s3 = -k*(y0 + h*s2)
y1 = y0 + h*(s1 + 4*s2 + s3)/6
L = (y1 - 0.5)**2
# backward
dy1 = 2*(y1 - 0.5)
ds3 = dy1*h/6
ds2 = 4*dy1*h/6
ds2 += -k*h*ds3
ds1 = dy1*h/6 - k*h/2*ds2
dy0 = dy1 - k*(ds1 + ds2 + ds3)
dk = -(y0*ds1 + (y0 + h*s1/2)*ds2 + (y0 + h*s2)*ds3)
## siamese_cosine
A = randn(3, 4); B = randn(3, 4); W = randn(4, 2)
P = A @ W
Q = B @ W
na = np.sqrt(np.sum(P**2, axis=1, keepdims=True))
nb = np.sqrt(np.sum(Q**2, axis=1, keepdims=True))
Pn = P/na
Qn = Q/nb
sim = np.sum(Pn*Qn)
# backward
dPn = Qn
dQn = Pn
dP = (dPn - Pn*np.sum(dPn*Pn, axis=1, keepdims=True))/na
dQ = (dQn - Qn*np.sum(dQn*Qn, axis=1, keepdims=True))/nb
dW = A.T @ dP
dW += B.T @ dQ
dA = dP @ W.T
dB = dQ @ W.T
## poisson_regression
X = randn(6, 3); w = randn(3)*0.3; b = 0.2; y = [1, 0, 2, 1, 3, 0]; off = randn(6)*0.1
eta = X @ w + b + off
mu = np.exp(eta)
nll = np.sum(mu - y*eta)
# backward
deta = mu - y
dw = X.T @ deta
db = deta.sum()
doff = deta
## highway
x = randn(4); Wt = randn(4, 4); Wh = randn(4, 4); bt = randn(4); y = randn(4)
t = sigmoid(Wt @ x + bt)
h = np.tanh(Wh @ x)
o = t*h + (1 - t)*x
E = 0.5*np.sum((o - y)**2)
# backward
do = o - y
dt = do*(h - x)
dh = do*t
gt = dt*t*(1 - t)
gh = dh*(1 - h**2)
dWt = np.outer(gt, x)
dbt = gt
dWh = np.outer(gh, x)
dx = do*(1 - t)
dx += Wt.T @ gt
dx += Wh.T @ gh
## fm_pairwise
x = randn(4); V = randn(4, 3); w = randn(4); y = 0.8
s = V.T @ x
q = (V**2).T @ x**2
pair = 0.5*(np.sum(s**2) - np.sum(q))
yhat = np.dot(w, x) + pair
loss = (yhat - y)**2
# backward
g = 2*(yhat - y)
dw = g*x
ds = g*s
dq = -0.5*g*np.ones_like(q)
dV = np.outer(x, ds)
dV += 2*V*np.outer(x**2, dq)
dx = g*w + V @ ds + 2*x*(V**2 @ dq)
## stereo_residual
f = 1.3; B = 0.4; d = [0.5, 0.8, 1.1]; z = [1.0, 0.7, 0.45]; s = 0.2
depth = f*B/d
r = depth - z
rho = r**2/(r**2 + s**2)
cost = np.sum(rho)
# backward
drho = np.ones_like(rho)
dr = drho*2*r*s**2/(r**2 + s**2)**2
ddepth = dr
dz = -dr
df = np.sum(ddepth*B/d)
dB = np.sum(ddepth*f/d)
dd = -ddepth*f*B/d**2
ds = -np.sum(drho*2*s*r**2/(r**2 + s**2)**2)
## capsule_squash
u = randn(3, 2); W = randn(2, 4); t = randn(3, 4)
v = u @ W
n2 = np.sum(v**2, axis=1, keepdims=True)
sc = np.sqrt(n2)/(1 + n2)
o = sc*v
J = np.sum(o*t)
# backward
do = t
dsc = np.sum(do*v, axis=1, keepdims=True)
dn2 = dsc*(1 - n2)/(2*np.sqrt(n2)*(1 + n2)**2)
dv = do*sc
dv += 2*v*dn2
dW = u.T @ dv
du = dv @ W.T
"""
