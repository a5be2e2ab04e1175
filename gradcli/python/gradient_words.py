"""Names of gradients, and the names they are gradients of: `dW`, `grad_w`, `w_grad`, `dL_dw`."""

from __future__ import annotations

import re

WORDS = "gradients|gradient|grads|grad|nabla|delta|deriv|partial|adj|bar"
HOLDERS = re.compile(
    rf"^_?(?:{WORDS}|d|g|gs|ds|dparams|d_params|dparameters|dtheta)$", re.IGNORECASE
)
FORMS = [
    re.compile(r"d_?\w{0,8}?_+d_?(\w+)", re.IGNORECASE),  # dL_dw, d_loss__d_w
    re.compile(r"d(?:L|l|loss|J|E|C|cost)d_?(\w+)"),  # dLdw
    re.compile(r"[dD]_?(\w+)"),
    re.compile(rf"(?:{WORDS})_?(?:of_|wrt_)?(\w+)", re.IGNORECASE),
    re.compile(rf"(\w+?)_?(?:{WORDS})", re.IGNORECASE),
    re.compile(r"g_?(\w+)"),
]


def folded(name: str) -> str:
    """A name without case and underscores, so that `W_1` and `w1` are one."""
    return name.replace("_", "").casefold()


def roots(name: str) -> list[str]:
    """The names whose gradient a name may be, the likeliest first."""
    names: list[str] = []
    for form in FORMS:
        match = form.fullmatch(name)
        if match and match[1] not in names:
            names.append(match[1])
    return names


def is_holder(name: str) -> bool:
    """Whether a dictionary of this name holds gradients under the names of what they are of."""
    return bool(HOLDERS.match(name)) or "grad" in name.lower()
