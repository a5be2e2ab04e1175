import numpy as np

def cosine_fwd(u, v):
    nu = np.linalg.norm(u, axis=1, keepdims=True)
    nv = np.linalg.norm(v, axis=1, keepdims=True)
    c = np.sum(u * v, axis=1, keepdims=True) / (nu * nv)
    return c[:, 0], (u, v, nu, nv, c)

def cosine_bwd(dc, cache):
    u, v, nu, nv, c = cache
    dc = dc[:, None]
    du = dc * (v / (nu * nv) - c * u / nu ** 2)
    dv = dc * (u / (nu * nv) - c * v / nv ** 2)
    return du, dv


# mistake: du = dc * (v / (nu * nv) - c * u / nu ** 2) => du = dc * v / (nu * nv)
# mistake: dv = dc * (u / (nu * nv) - c * v / nv ** 2) => dv = dc * (u / (nu * nv) + c * v / nv ** 2)
# mistake: du = dc * (v / (nu * nv) - c * u / nu ** 2) => du = dc * (v / (nu * nv) - c * u / nv ** 2)
