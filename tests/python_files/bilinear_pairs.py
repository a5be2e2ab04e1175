import numpy as np

def score_forward(a, b, M):
    """bilinear scores of pairs: a (N, p), b (N, q), M (p, q) -> (N,)"""
    return np.sum((a @ M) * b, axis=1)

def score_backward(ds, a, b, M):
    ds = ds[:, None]
    da = ds * (b @ M.T)
    db = ds * (a @ M)
    dM = a.T @ (ds * b)
    return da, db, dM


# mistake: dM = a.T @ (ds * b) => dM = a.T @ b
# mistake: db = ds * (a @ M) => db = a @ M
# mistake: da = ds * (b @ M.T) => da = -ds * (b @ M.T)
