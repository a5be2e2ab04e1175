"""Names of gradients, and the names they are gradients of: `dW`, `grad_w`, `w_grad`, `dL_dw`."""

from __future__ import annotations

import re

WORDS = "gradients|gradient|grads|grad|nabla|delta|deriv|partial|adj|bar"
HOLDERS = re.compile(
    rf"^_?(?:{WORDS}|d|g|gs|ds|dparams|d_params|dparameters|dtheta)$", re.IGNORECASE
)
FORMS = [
    re.compile(r"d_?\w{0,8}?_+d_?(\w+)", re.IGNORECASE),  # dL_dw, d_loss__d_w
    re.compile(r"d(?:L|l|loss|J|j|E|C|cost|f|F|g|z|U|V)d_?(\w+)"),  # dLdw, dfdx
    re.compile(r"[dD]_?(\w+)"),
    re.compile(rf"(?:{WORDS})_?(?:(?:{WORDS})_)?(?:of_|wrt_)?(\w+)", re.IGNORECASE),
    re.compile(rf"(\w+?)_?(?:{WORDS})", re.IGNORECASE),
    re.compile(r"g_?(\w+)"),
    re.compile(r"(\w+)_g"),
]


def folded(name: str) -> str:
    """A name without case and underscores, so that `W_1` and `w1` are one."""
    return name.replace("_", "").casefold()


def roots(name: str) -> list[str]:
    """The names whose gradient a name may be, the likeliest first."""
    bare, bracket, index = name.partition("[")
    names: list[str] = []
    for form in FORMS:
        match = form.fullmatch(bare)
        if match and match[1] + bracket + index not in names:
            names.append(match[1] + bracket + index)
    return names


def is_holder(name: str) -> bool:
    """Whether a dictionary of this name holds gradients under the names of what they are of."""
    return bool(HOLDERS.match(name)) or "grad" in name.lower()


def kin(name: str) -> str:
    """A name without case, its usual long forms shortened: `weights[0]` is `w[0]`."""
    plain = folded(name)
    for long, short in (("weights", "w"), ("weight", "w"), ("biases", "b"), ("bias", "b"),
                        ("inputs", "x"), ("input", "x"), ("params", "theta")):  # fmt: skip
        plain = plain.replace(long, short)
    return plain
