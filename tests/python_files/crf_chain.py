import numpy as np

def logsumexp(a, axis):
    mx = a.max(axis=axis, keepdims=True)
    return np.squeeze(mx, axis) + np.log(np.exp(a - mx).sum(axis=axis))

def crf_nll(emissions, transitions, tags):
    """emissions: (T, K), transitions: (K, K), tags: list of ints"""
    T, K = emissions.shape
    alpha = emissions[0]
    for t in range(1, T):
        alpha = logsumexp(alpha[:, None] + transitions, 0) + emissions[t]
    logZ = logsumexp(alpha, 0)
    score = emissions[0, tags[0]]
    for t in range(1, T):
        score = score + transitions[tags[t-1], tags[t]] + emissions[t, tags[t]]
    return logZ - score

def crf_nll_grad(emissions, transitions, tags):
    T, K = emissions.shape
    alphas = [emissions[0]]
    for t in range(1, T):
        alphas.append(logsumexp(alphas[-1][:, None] + transitions, 0) + emissions[t])
    logZ = logsumexp(alphas[-1], 0)
    betas = [np.zeros(K)]
    for t in range(T - 1, 0, -1):
        betas.insert(0, logsumexp(transitions + (emissions[t] + betas[0])[None, :], 1))
    de = np.zeros((T, K))
    dt = np.zeros((K, K))
    for t in range(T):
        de[t] = np.exp(alphas[t] + betas[t] - logZ)
        de[t, tags[t]] -= 1
    for t in range(1, T):
        pair = alphas[t-1][:, None] + transitions + (emissions[t] + betas[t])[None, :]
        dt += np.exp(pair - logZ)
        dt[tags[t-1], tags[t]] -= 1
    return de, dt

if __name__ == "__main__":
    e = np.random.randn(3, 2)
    tr = np.random.randn(2, 2)
    print(crf_nll(e, tr, [0, 1, 1]), crf_nll_grad(e, tr, [0, 1, 1]))


# mistake: de[t, tags[t]] -= 1 => de[t, tags[t]] += 1
# mistake: dt += np.exp(pair - logZ) => dt = np.exp(pair - logZ)  (elsewhere)
# mistake: de[t] = np.exp(alphas[t] + betas[t] - logZ) => de[t] = np.exp(alphas[t] - logZ)
