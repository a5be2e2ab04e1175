"""The colours of a picture by what they mean, for light and for dark surroundings."""

from __future__ import annotations

from typing import NamedTuple


class Palette(NamedTuple):
    """A colour for every role; all of one palette differ, so that a picture can change it."""

    paper: str
    ink: str
    faint: str  # legend, wires
    gate: str  # inside of a gate
    rim: str  # and its outline
    value: str
    gradient: str
    wrong: str  # of a hand-written pass


# Each text colour has a contrast of 4.5 and more on its paper; green and red differ in lightness
# too, and `wrong` is neither, for eyes that do not tell them apart.
LIGHT = Palette("#ffffff", "#1f2328", "#59636e", "#f6f8fa", "#818b98", "#116329", "#b3261e",
                "#7a2bbf")  # fmt: skip
DARK = Palette("#0d1117", "#f0f6fc", "#9198a1", "#151b23", "#656c76", "#56d364", "#ff8e86",
               "#d2a8ff")  # fmt: skip
