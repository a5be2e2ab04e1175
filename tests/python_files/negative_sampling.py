# word2vec, skip-gram with negative sampling, one centre and its context plus K negatives
import numpy as np

def sigmoid(x): return 1 / (1 + np.exp(-x))

def neg_sampling(center_vec, outside_idx, outside_vectors, neg_idx):
    """
    center_vec : (d,)
    outside_idx : int
    outside_vectors : (V, d)
    neg_idx : list of ints, may repeat
    """
    u_o = outside_vectors[outside_idx]
    u_k = outside_vectors[neg_idx]
    s_o = sigmoid(u_o @ center_vec)
    s_k = sigmoid(-u_k @ center_vec)
    loss = -np.log(s_o) - np.log(s_k).sum()

    grad_center_vec = (s_o - 1) * u_o + u_k.T @ (1 - s_k)
    grad_outside_vectors = np.zeros_like(outside_vectors)
    grad_outside_vectors[outside_idx] += (s_o - 1) * center_vec
    for k, idx in enumerate(neg_idx):
        grad_outside_vectors[idx] += (1 - s_k[k]) * center_vec
    return loss, grad_center_vec, grad_outside_vectors

if __name__ == "__main__":
    rng = np.random.default_rng(3)
    print(neg_sampling(rng.normal(size=4), 2, rng.normal(size=(7, 4)), [0, 5, 5, 1]))


# mistake: grad_outside_vectors[idx] += (1 - s_k[k]) * center_vec => grad_outside_vectors[idx] = (1 - s_k[k]) * center_vec
# mistake: grad_center_vec = (s_o - 1) * u_o + u_k.T @ (1 - s_k) => grad_center_vec = (s_o - 1) * u_o - u_k.T @ (1 - s_k)
# mistake: grad_outside_vectors[outside_idx] += (s_o - 1) * center_vec => grad_outside_vectors[outside_idx] += s_o * center_vec
