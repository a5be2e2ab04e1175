"""The mistakes of hand-written backward passes, by name. The names are stable: scripts use them."""

from __future__ import annotations

from typing import NamedTuple


class Mistake(NamedTuple):
    """A class of mistakes, with an example for q = x * y and its like."""

    name: str
    title: str
    meaning: str
    wrong: str
    right: str
    advice: str


_ROWS = (
    Mistake(
        "overwritten", "`=` where `+=` is needed",
        "A name is used more than once, and a later line assigns its gradient anew. What came back "
        "from the other uses is lost.",
        "dx = y * dq\ndx = 1 * ds      # x feeds q and s", "dx = y * dq\ndx += 1 * ds",
        "Gradients add up at forks: the first line may say `=`, every further one says `+=`.",
    ),
    Mistake(
        "missing-path", "a contribution is missing",
        "A name is used more than once, and no line carries back what comes from one of its uses; "
        "or a gradient is passed on before its last contribution has been added.",
        "dx = y * dq      # x feeds q and s", "dx = y * dq\ndx += 1 * ds",
        "Look for every line of the forward part that reads the name: each sends something back. "
        "Finish the gradient of a name before any line reads it.",
    ),
    Mistake(
        "not-switched", "a product not switched",
        "The derivative of a product by one factor is the other factor. The line has the factor "
        "itself.",
        "dx = x * dq      # q = x * y", "dx = y * dq",
        "A product sends to each input the upstream gradient times the other input.",
    ),
    Mistake(
        "missing-upstream", "the upstream gradient left out",
        "The line gives the local gradient alone. The chain rule multiplies it by the gradient of "
        "the stage the value went into.",
        "dden = -1.0 / den**2      # invden = 1 / den", "dden = (-1.0 / den**2) * dinvden",
        "Every line is a local gradient times the gradient on its output.",
    ),
    Mistake(
        "sign", "a wrong sign",
        "The line, or a term of it, has the wrong sign: often of 1/x or of a difference.",
        "dden = (1.0 / den**2) * dinvden", "dden = (-1.0 / den**2) * dinvden",
        "1/x falls where x grows, and what is subtracted gets the upstream gradient times -1.",
    ),
    Mistake(
        "dropped-factor", "a wrong factor",
        "A factor is lost, superfluous, or has the wrong number: the 2 of x**2, the factor of a "
        "product of three.",
        "dx = x * dq      # q = x**2", "dx = 2 * x * dq",
        "The report says by what the line is off. Differentiate the one forward line again.",
    ),
    Mistake(
        "dropped-power", "a wrong power",
        "An exponent is one too low or too high: 1/x for 1/x**2, x for x**2.",
        "dden = (-1.0 / den) * dinvden      # invden = 1 / den", "dden = (-1.0 / den**2) * dinvden",
        "The derivative of x**n is n * x**(n-1), also for n = -1.",
    ),
    Mistake(
        "slope-from-input", "the slope taken from the input",
        "The derivative is written in terms of the output, s * (1 - s), and the input stands in "
        "the place of the output.",
        "dx = (1 - x) * x * dsig      # sig = sigmoid(x)", "dx = (1 - sig) * sig * dsig",
        "Keep the output of the forward pass and use it.",
    ),
    Mistake(
        "dropped-one-minus", "`1 - s` lost",
        "The slope of a sigmoid is s * (1 - s), that of tanh is 1 - t**2; a part of it is missing.",
        "dx = sig * dsig      # sig = sigmoid(x)", "dx = (1 - sig) * sig * dsig",
        "Write the slope out once more from the output.",
    ),
    Mistake(
        "wrong-cache", "a wrong cached value",
        "The line is right with another value of the forward pass, or another upstream gradient, "
        "in the place of the one it reads: a slip of the name, a stale copy, a mask of another "
        "array.",
        "dx += ((1 - sigy) * sigy) * dsigx", "dx += ((1 - sigx) * sigx) * dsigx",
        "Compare the names with the one forward line that this line belongs to.",
    ),
    Mistake(
        "wrong-operator", "a wrong operator",
        "An operator is another one than it should be: a quotient for a product, a product for a "
        "power.",
        "dx = y / dq      # q = x * y", "dx = y * dq",
        "The report shows the line with the operator that fits.",
    ),
    Mistake(
        "transposed", "a matrix transposed, or factors in the wrong order",
        "The gradient of a matrix product needs a transpose that is missing or too many, or the "
        "two matrices in the other order.",
        "dW = X.dot(dD)      # D = W.dot(X)", "dW = dD.dot(X.T)",
        "The gradient has the shape of the matrix: there is one product that gives it.",
    ),
    Mistake(
        "unsummed-axis", "not summed over an axis",
        "A value was spread over an axis in the forward pass, as a bias over the batch. Its "
        "gradient is the sum over this axis.",
        "db = dscores      # scores = X.dot(W) + b", "db = dscores.sum(axis=0)",
        "Wherever the forward pass repeats a value, the backward pass adds up.",
    ),
    Mistake(
        "missing-mean", "the 1/N of a mean missing or doubled",
        "The loss is a mean over N, and the gradient is off by the factor N.",
        "dscores = probs - y", "dscores = (probs - y) / N",
        "Divide once, where the mean is taken.",
    ),
    Mistake(
        "wrong-branch", "the gradient sent to the wrong branch",
        "max, relu and choices hand the gradient to the operand that won, and nothing to others.",
        "dx = dm if x < y else 0      # m = max(x, y)", "dx = dm if x > y else 0",
        "Compare the values of the forward pass, not the gradients.",
    ),
    Mistake(
        "double-counted", "a contribution added twice",
        "Two lines add what comes back from the same use of a name.",
        "dx = y * dq\ndx += y * dq      # x feeds q once", "dx = y * dq",
        "Each use of a name in the forward part sends back one contribution, and one line adds it.",
    ),
    Mistake(
        "extra-term", "a term or a line too many",
        "The line has a term, or the gradient a line, that belongs to no use of the name.",
        "dx = y * dq + x      # q = x * y", "dx = y * dq",
        "Ask of every term which line of the forward part it comes from.",
    ),
    Mistake(
        "lost-term", "a term left out",
        "The line is right but for a term that is missing, such as the derivative of a penalty.",
        "dx = y * dq      # f = q + a, a = 3*x", "dx = y * dq + 3",
        "Each term of the forward part that reads the name gives a term of the line.",
    ),
    Mistake(
        "wrong-constant", "a wrong number inside the line",
        "A number is wrong that is no factor of the whole line: in one term, an axis, an index.",
        "dx = 2*x + 2*x**2      # f = x**2 + x**3", "dx = 2*x + 3*x**2",
        "The report shows the line with the number that fits.",
    ),
    Mistake(
        "softmax-diagonal", "only the diagonal of a softmax",
        "Every output of a softmax depends on every input. The line has p * (1 - p), which is the "
        "derivative of each output by its own input only.",
        "dz = p * (1 - p) * dp      # p = softmax(z)", "dz = p * (dp - np.sum(p * dp))",
        "Subtract the mean of the upstream gradient, weighted by the outputs.",
    ),
    Mistake(
        "gradient-count", "not one gradient for each input",
        "Of a gate that is run: backward returns fewer gradients than forward has inputs, or more.",
        "def forward(self, x, y): ...\ndef backward(self, upstream): return dx",
        "def backward(self, upstream): return dx, dy",
        "Return one gradient for each input, in their order; None for one that has none.",
    ),
    Mistake(
        "gradient-shape", "a gradient in another shape",
        "Of a gate that is run: a gradient has not the shape of the input that it belongs to.",
        "return upstream      # forward: x.sum(axis=1)",
        "return np.repeat(upstream[:, None], x.shape[1], axis=1)",
        "A gradient has the shape of its input: what was summed is spread, what was spread summed.",
    ),
    Mistake(
        "gradient-type", "a gradient of another type",
        "Of a gate that is run: a gradient is no array of floats. What was cut to whole numbers is "
        "lost.",
        "dx = (2 * self.x * upstream).astype(int)", "dx = 2 * self.x * upstream",
        "Make the array that holds a gradient with np.zeros(x.shape): that is one of floats.",
    ),
    Mistake(
        "not-finite", "a gradient that is no number",
        "Of a gate that is run: a gradient is nan or infinite where the slope is a number.",
        "dx = upstream * self.x * (self.x / self.x)      # nan where x is 0",
        "dx = upstream * self.x",
        "Write the formula so that it has a value wherever the slope has one.",
    ),
    Mistake(
        "stale-cache", "the cache of another call",
        "Of a gate that is run: backward reads what an earlier forward call has kept, or one of "
        "another object.",
        "if self.x is None:\n    self.x = x", "self.x = x",
        "Every forward call keeps its own inputs, in `self` and not in the class or the module.",
    ),
    Mistake(
        "accumulated", "added to the gradient of an earlier call",
        "Of a gate that is run: backward adds to what its earlier call has left.",
        "self.dx += 2 * self.x * upstream\nreturn self.dx", "return 2 * self.x * upstream",
        "Start each backward call from zeros; whoever wants the sum of several calls adds them up.",
    ),
    Mistake(
        "input-modified", "an argument changed in place",
        "Of a gate that is run: it writes to an array that it was handed, which others still read.",
        "x[x < 0] = 0\nreturn x", "return np.maximum(x, 0)",
        "Work on a copy: `dx = upstream.copy()`.",
    ),
    Mistake(
        "aliased", "memory that two arrays share",
        "Of a gate that is run: a gradient shares its memory with an input, or with that of the "
        "next call. Whoever adds to one changes the other.",
        "dx = self.x\ndx *= upstream", "dx = self.x * upstream",
        "Return an array that nothing else holds.",
    ),
    Mistake(
        "not-repeatable", "something else at every call",
        "Of a gate that is run: the same inputs give other numbers at the next call.",
        "mask = np.random.rand(*x.shape) > 0.5", "mask = self.random.rand(*x.shape) > 0.5",
        "Draw random numbers from a generator with a seed of its own, once, and keep them.",
    ),
    Mistake(
        "low-precision", "float32 inside",
        "Of a gate that is run: numbers are rounded to float32 on the way, so that 7 digits are "
        "certain at most. This alone is no failure.",
        "y = np.tanh(x.astype(np.float32))", "y = np.tanh(x)",
        "Check in float64, and compute in float32 afterwards.",
    ),
)  # fmt: skip

MISTAKES = {mistake.name: mistake for mistake in _ROWS}
