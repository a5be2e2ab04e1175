"""The stepping page as text, for its tests."""

from __future__ import annotations

import io
from pathlib import Path

from gradcli.render.look import Look
from gradcli.render.page.document import html

SAMPLES = Path(__file__).parent.parent / "sample_exprs"
LECTURE = ("(x+y)*z", {"x": -2, "y": 5, "z": -4})
LAYERS = ("sum(tanh(W2 @ relu(W@x + b))**2)",
          {"W": [[0.1, -0.5], [0.7, 0.2]], "x": [1, 2], "b": [0.3, -0.1], "W2": [[1, -2]]})  # fmt: skip


def written(page):
    return "".join(html(page, Look(io.StringIO(), decimals=2)))
