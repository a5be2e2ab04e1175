"""In what other ways a file may be meant: what is drawn, and what is differentiated."""

from __future__ import annotations

from gradcli.named_tuples import NamedTuple
from gradcli.python.parameters.usual_losses import USUAL_LOSSES


class Style(NamedTuple):
    """One way to read a file."""

    targets: str = ""  # a single 1 in their rows, or columns, or signs; any numbers otherwise
    is_one_hot: bool = False  # targets are arrays, even where labels would do
    has_shares: bool = False  # what is called a probability is drawn between 0 and 1
    through: str = ""  # a sigmoid or a softmax: what it makes a prediction of is differentiated
    tiny_is_zero: bool = False  # constants that are there for safety only
    is_unclipped: bool = False  # what holds gradients between two bounds is left out
    of_other: bool = False  # what may be the input or the output is the other of the two
    handed: str = ""  # what a backward part of one parameter takes: "input" or "upstream"
    upstream_at: int = 0  # the place of the result that the upstream gradient is of
    of: tuple[str, str] | None = None  # a result, and the input that it is taken to be of
    kept: tuple[str, str] | None = None  # an operand, and the attribute that it is taken to be
    symmetric: tuple[str, ...] = ()  # the inputs that are drawn as symmetric matrices
    mask: str = ""  # the input that is drawn as zeros and ones
    is_trained: bool = False  # flags and modes of training are on
    has_one_entry: bool = False  # the upstream gradient is 0 everywhere else
    adds_loss: bool = False  # the backward part is that of a loss beside the output, too
    is_mean: bool = False  # the losses of all examples are averaged, and not summed
    loss: str = next(iter(USUAL_LOSSES))  # of a network, where the file computes none
    leaves_late: bool = False  # a loss that is computed behind the steps is for show
    scale: float = 1.0  # what this loss is multiplied with
    is_uphill: bool = False  # what is called a force is the gradient itself, and not minus it
    is_small: bool = False  # numbers are drawn so small that no gate saturates
    softmax_axis: int = 0  # of a `softmax` that is not there
