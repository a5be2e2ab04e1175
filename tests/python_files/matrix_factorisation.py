import numpy as np

# gradcli: U = randn(4, 2); V = randn(5, 2); R = randn(4, 5)
# gradcli: mask = [[1, 0, 1, 1, 0], [0, 1, 1, 0, 1], [1, 1, 0, 0, 0], [0, 0, 1, 1, 1]]
def cofi_cost(U, V, R, mask, lam=0.3):
    err = (U @ V.T - R) * mask
    J = 0.5 * np.sum(err ** 2) + lam / 2 * (np.sum(U ** 2) + np.sum(V ** 2))
    U_grad = err @ V + lam * U
    V_grad = err.T @ U + lam * V
    return J, U_grad, V_grad


# gradcli: params = randn(18); Y = randn(4, 5); observed = [[1, 0, 1, 1, 0], [0, 1, 1, 0, 1], [1, 1, 0, 0, 0], [0, 0, 1, 1, 1]]
def cofi_cost_flat(params, Y, observed, num_features=2):
    n, m = Y.shape
    X = params[:n * num_features].reshape(n, num_features)
    Theta = params[n * num_features:].reshape(m, num_features)
    diff = np.where(observed, X.dot(Theta.T) - Y, 0)
    J = np.sum(np.square(diff)) / 2
    X_grad = np.zeros(X.shape)
    for i in range(n):
        idx = np.where(np.array(observed)[i] == 1)[0]
        X_grad[i] = diff[i, idx].dot(Theta[idx])
    Theta_grad = diff.T.dot(X)
    grad = np.concatenate((X_grad.ravel(), Theta_grad.ravel()))
    return J, grad


# mistake: V_grad = err.T @ U + lam * V => V_grad = err.T @ U - lam * V
# mistake: Theta_grad = diff.T.dot(X) => Theta_grad = diff.T.dot(X) / 2
# mistake: X_grad[i] = diff[i, idx].dot(Theta[idx]) => X_grad[i] = diff[i, idx].dot(Theta[:len(idx)])
