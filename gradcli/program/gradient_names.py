"""Names that look like gradients without being called like one.

A gradient line is called `dNAME`, `d_NAME`, `dOUTdNAME` or `dOUT_dNAME`. Under any other name
(`gx`, `grad_x`, `x_grad`, `df_by_dx`, or `dw1` beside `W1`) it reads as a stage or as a setting.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from functools import cached_property

from gradcli.named_tuples import NamedTuple

_WORDS = "gradient|grad|nabla"
_NOUNS = f"{_WORDS}|adjoint|adj|derivative|deriv|partial"
_CERTAIN = re.compile(rf"(?:{_WORDS})_.+|.+_(?:{_WORDS})", re.IGNORECASE)
_BEFORE = re.compile(rf"(?:{_NOUNS})(.+)", re.IGNORECASE)
_AFTER = re.compile(rf"(.+?)_?(?:{_NOUNS})", re.IGNORECASE)
_BY_NAMES = re.compile(r"d_?(.+?)_+d_?(.+)")
LONGEST_GRADIENT_NAME = 100  # characters of a name that is looked into
SHORTEST = 4  # characters a misspelt name needs, to be told from another name
COMPACT = 5  # characters before the second d of `dlossdw`, at most
LEAST_LIKENESS = 0.8  # how like a name a misspelling is, of 1
MOST_COMPARED = 1_000  # names that a misspelling is compared with


class Likeness(NamedTuple):
    """The gradient that a name looks like."""

    of: str  # the forward name whose gradient it seems to be; empty where none answers
    is_of_g: bool = False  # `gx`, which may also be g times x

    def is_proper(self, name: str) -> bool:
        """Whether the name is one that a gradient line may have."""
        return bool(self.of) and name in (f"d{self.of}", f"d_{self.of}")

    @property
    def words(self) -> str:
        """The gradient in words."""
        return f"the gradient of `{self.of}`" if self.of else "a gradient, of no name there is"

    @property
    def cure(self) -> str:
        """The advice for writing it as a gradient line."""
        if self.of:
            return f"write `d{self.of}` for that gradient"
        return "call a gradient `d` and the name of an input or stage, such as `dx`"


class GradientNames:
    """The names of a forward part, and which other names look like gradients of them."""

    def __init__(self, names: Collection[str]) -> None:
        self.names = names

    @cached_property
    def forward(self) -> dict[str, str]:
        """The names by their folded spelling; most programs never need them."""
        return {_folded(name): name for name in self.names}

    def likeness(self, name: str, is_near: bool = False) -> Likeness | None:
        """The gradient a name looks like, None for none; `is_near` allows for slips of the pen."""
        if not 2 <= len(name) <= LONGEST_GRADIENT_NAME:
            return None
        cores = [(_folded(core), is_of_g) for core, is_of_g in _cores(name)]
        for core, is_of_g in cores:
            if self.forward.get(core, name) != name:
                return Likeness(self.forward[core], is_of_g)
        long = [core for core, _ in cores if len(core) >= SHORTEST]
        if is_near and long and len(self.forward) <= MOST_COMPARED:
            from difflib import get_close_matches  # late: only a mistake pays for it

            others = [folded for folded, known in self.forward.items() if known != name]
            for core in long:
                near = get_close_matches(core, others, n=1, cutoff=LEAST_LIKENESS)
                if near:
                    return Likeness(self.forward[near[0]])
        return Likeness("") if _CERTAIN.fullmatch(name) else None


def owner(name: str, is_known: Callable[[str], bool], output: str) -> str | None:
    """The forward name whose gradient a name is in another spelling: `grad_w`, `dL_dw`, `gW`.

    `d_a__d_z` is a local derivative where `a` is a stage, and nobody's gradient.
    """
    for form in (_BEFORE, _AFTER):
        match = form.fullmatch(name)
        if match and is_known(match[1].strip("_")):
            return match[1].strip("_")
    match = _BY_NAMES.fullmatch(name)
    if match and is_known(match[2]) and (match[1] == output or not is_known(match[1])):
        return match[2]
    if name[0] == "g" and not is_known("g"):
        return next((core for core in (name[1:], name[2:]) if is_known(core) and
                     name in (f"g{core}", f"g_{core}")), None)  # fmt: skip
    return None


def _folded(name: str) -> str:
    """A name without case and underscores, so that `W_1` and `w1` are one."""
    return name.replace("_", "").casefold()


def _cores(name: str) -> Iterator[tuple[str, bool]]:
    """The names that a gradient's name may contain, the likeliest first; whether after a g."""
    if name[0] in "dD":
        yield name[1:], False
        for at in range(len(name) - 2, 0, -1):
            is_apart = name[at - 1] == "_"  # `df_by_dx`, `dL_dw`; else `dLdw`
            if name[at] == "d" and (is_apart or (at <= COMPACT and name[at + 1] != "_")):
                yield name[at + 1 :], False
    for form in (_BEFORE, _AFTER):
        if match := form.fullmatch(name):
            yield match[1], False
    if name[0] == "g":
        yield name[1:], True
