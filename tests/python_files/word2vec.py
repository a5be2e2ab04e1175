import numpy as np


def softmax(x):
    x = x - np.max(x, axis=-1, keepdims=True)
    e = np.exp(x)
    return e / np.sum(e, axis=-1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# gradcli: centerWordVec = randn(4); outsideWordIdx = 2; outsideVectors = randn(6, 4)
def naiveSoftmaxLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors):
    y_hat = softmax(np.dot(outsideVectors, centerWordVec))
    loss = -np.log(y_hat[outsideWordIdx])
    delta = y_hat.copy()
    delta[outsideWordIdx] -= 1
    gradCenterVec = np.dot(outsideVectors.T, delta)
    gradOutsideVecs = np.dot(delta[:, np.newaxis], centerWordVec[np.newaxis, :])
    return loss, gradCenterVec, gradOutsideVecs


# gradcli: centerWordVec = randn(4); outsideWordIdx = 2; outsideVectors = randn(6, 4); negSampleWordIndices = [0, 5, 1, 5]
def negSamplingLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors, negSampleWordIndices):
    indices = [outsideWordIdx] + list(negSampleWordIndices)
    gradOutsideVecs = np.zeros_like(outsideVectors)
    u_o = outsideVectors[outsideWordIdx]
    z = sigmoid(np.dot(u_o, centerWordVec))
    loss = -np.log(z)
    gradCenterVec = (z - 1) * u_o
    gradOutsideVecs[outsideWordIdx] += (z - 1) * centerWordVec
    for k in indices[1:]:
        u_k = outsideVectors[k]
        z_k = sigmoid(-np.dot(u_k, centerWordVec))
        loss -= np.log(z_k)
        gradCenterVec += (1 - z_k) * u_k
        gradOutsideVecs[k] += (1 - z_k) * centerWordVec
    return loss, gradCenterVec, gradOutsideVecs


# mistake: delta[outsideWordIdx] -= 1 => delta[outsideWordIdx] += 1
# mistake: gradCenterVec += (1 - z_k) * u_k => gradCenterVec += z_k * u_k
# mistake: gradOutsideVecs[k] += (1 - z_k) * centerWordVec => gradOutsideVecs[k] = (1 - z_k) * centerWordVec
