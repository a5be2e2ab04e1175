"""The words by which a file says what its functions are: forward and backward parts, gradients."""

from __future__ import annotations

import re

FORWARD = "forward_propagation|forward_propagate|forward_prop|forwardprop|forward_pass|" \
          "feedforward|feed_forward|forward|fwd|fprop|fw|propagate"  # fmt: skip
BACKWARD = "backward_propagation|backpropagation|back_propagation|back_propagate|backpropagate|" \
           "backward_prop|back_prop|backprop|backward_pass|backwards|backward|bprop|bwd|" \
           "pullback|vjp|bptt|bw|back"  # fmt: skip
GRADIENT = "gradients|gradient|grads|grad|derivatives|derivative|deriv|der|prime|jacobian|jac|nabla"
# What a forward part keeps for its backward part.
CACHE = re.compile(r"cache|^(mem|memory|ctx|saved|store|tape|states?|context|aux|intermediates?)$",
                   re.IGNORECASE)  # fmt: skip
ANY_LOSS = ("", "compute", "calc", "calculate", "get")  # what else is in the name of its gradient
FILLERS = "compute|calc|calculate|get|eval|evaluate|function|func|fn|fun|of|the|wrt|and"
ENERGY = "potential_energy|potential|energy|pot|hamiltonian|u|v|e"
FORCE = "forces|force|f"  # minus the gradient of an energy
POTENTIALS = ("lj", "lennard_jones", "morse", "harmonic", "coulomb", "yukawa", "buckingham",
              "double_well", "wca", "fene")  # fmt: skip  # energies that are called by these alone
SHORTEST = 3  # letters of a name that is short for another: `rosen` for `rosenbrock`
KNOWN = {  # functions of one variable, by what they are called wherever they are
    "tanh": "np.tanh(x)", "sigmoid": "1 / (1 + np.exp(-x))", "relu": "np.maximum(x, 0)",
    "softplus": "np.log(1 + np.exp(x))", "sin": "np.sin(x)", "cos": "np.cos(x)", "exp": "np.exp(x)",
    "arctan": "np.arctan(x)", "swish": "x / (1 + np.exp(-x))", "silu": "x / (1 + np.exp(-x))",
}  # fmt: skip
HESSIAN = "hessian|hess"
JACOBIAN = "jacobian|jac"
RESIDUALS = re.compile(r"resid", re.IGNORECASE)
SCORE = "score|score_function|score_vector"  # the gradient of a log likelihood
FORWARD_METHODS = ("forward", "__call__", "call", "fn", "f", "function", "activate", "compute",
                   "loss", "apply", "evaluate")  # fmt: skip
# What a class may call a function, whose derivative is another method of it.
FUNCTION_METHODS = ("forward", "__call__", "activation", "activate", "value", "val", "evaluate",
                    "eval", "function", "func", "fn", "f", "y", "apply", "compute", "call", "act",
                    "output", "transform", "loss", "cost", "error")  # fmt: skip
OF_FUNCTIONS = (*ANY_LOSS, *(name.strip("_") for name in FUNCTION_METHODS), "diagonal")
SHORT_DERIVATIVE = re.compile(r"^_?d_?(f|fn|func|act|activation|fdx|ydx|f_dx|y_dx|x|z)?$")
VALUE_METHODS = ("loss", "cost", "objective", "nll", "energy", "compute_loss", "compute_cost")


def role(name: str, words: str) -> str | None:
    """The rest of a name without one of some words in it; None where it has none."""
    snake = base_of(name)
    match = re.search(rf"(?:^|_)(?:{words})(?:_|$)", snake)
    if match is None:
        return None
    return (snake[: match.start()] + "_" + snake[match.end() :]).strip("_")


def base_of(name: str) -> str:
    """A name in small letters, its words apart: `sigmoid_prime` for `sigmoidPrime`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_")
