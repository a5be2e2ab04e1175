"""Tables that the tests of batches share."""

import importlib.util

import numpy as np
import pytest

WITH_PYARROW = pytest.mark.skipif(
    importlib.util.find_spec("pyarrow") is None, reason="needs pyarrow"
)


def written(text, name="p.csv"):
    with open(name, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    return name


def rows(text):
    """The numbers of a table that was printed as CSV."""
    return np.genfromtxt(text.splitlines(), delimiter=",", skip_header=1).reshape(
        -1, text.split("\n")[0].count(",") + 1
    )
