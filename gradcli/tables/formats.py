"""The formats of tables by name: what reads one, what writes one, and which suffix means which."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from gradcli.errors import ShapeError, UsageError
from gradcli.tables.model import WHOLE, Part, Shape

if TYPE_CHECKING:
    from gradcli.tables.model import Table

SUFFIXES = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".npy": "npy", ".npz": "npz", ".jsonl": "jsonl",
    ".ndjson": "jsonl", ".parquet": "parquet", ".arrow": "arrow", ".feather": "arrow",
}  # fmt: skip
FORMATS = ("csv", "tsv", "npy", "npz", "jsonl", "parquet", "arrow")
BY_COLUMN = ("npz", "jsonl")  # written column by column, which may be arrays
BINARY = ("npy", "npz", "parquet", "arrow")


def format_of_points(path: str, form: str | None) -> str:
    """The format of a file of points, by name or by its suffix; of stdin CSV. Raises UsageError."""
    if form is not None:
        return form
    if path == "-":
        return "csv"
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"{path}: the suffix tells no format of points",
                         hint=f"known are {', '.join(SUFFIXES)}; or write --points-format FORMAT",
                         )  # fmt: skip
    return SUFFIXES[suffix]


def open_table(
    called: str, stream: BinaryIO, form: str, names: Sequence[str] | None = None, part: Part = WHOLE
) -> Table:
    """The table in a stream. `names` are for formats that have none. Raises GradcliError."""
    if names is not None and form not in ("csv", "tsv", "npy"):
        raise UsageError(f"--names is for files without names, and {form} has its own")
    if form in ("csv", "tsv"):
        from gradcli.tables.text import TextTable

        return TextTable(called, stream, form, names, part)
    if form == "npy":
        from gradcli.tables.npy import NpyTable

        return NpyTable(called, stream, names, part)
    if form == "npz":
        from gradcli.tables.npz import NpzTable

        return NpzTable(called, stream, part)
    if form == "jsonl":
        from gradcli.tables.json_lines import JsonLinesTable

        return JsonLinesTable(called, stream, part)
    from gradcli.tables.arrow import ArrowTable

    return ArrowTable(called, stream, form, part)


class Results:
    """Writes results: a value and gradients a row, in any format."""

    def __init__(
        self, file: BinaryIO, form: str, names: Sequence[str], shapes: Sequence[Shape]
    ) -> None:
        self._form = form
        self._flat = form not in BY_COLUMN
        flat = [name for name, shape in zip(names, shapes, strict=True)
                for name in _elements(name, shape)]  # fmt: skip
        self._writer = _writer(file, form, flat if self._flat else names, shapes)

    def put(self, columns: Sequence[Any], rows: Any = None) -> None:
        """Write a block: its columns, and where the caller has it the table of (rows, columns)."""
        if not self._flat:
            self._writer.put(columns)
            return
        if rows is None:
            import numpy as np  # late: a name of a format needs no numpy

            rows = np.concatenate([x.reshape(len(x), -1) for x in columns], axis=1)
        self._writer.put(rows)

    def __enter__(self) -> Results:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write what comes at the end; after an error only let go of what is held."""
        if kind is None:
            self._writer.finish()
        else:
            self._writer.abandon()


def _writer(file: BinaryIO, form: str, names: Sequence[str], shapes: Sequence[Shape]) -> Any:
    if form in ("csv", "tsv"):
        from gradcli.tables.text import TextResults

        return TextResults(file, names, form)
    if form == "npy":
        from gradcli.tables.npy import NpyResults

        return NpyResults(file, names)
    if form == "npz":
        from gradcli.tables.npz import NpzResults

        return NpzResults(file, names, shapes)
    if form == "jsonl":
        from gradcli.tables.json_lines import JsonLinesResults

        return JsonLinesResults(file, names)
    from gradcli.tables.arrow import ArrowResults

    return ArrowResults(file, names, form)


MOST_FLAT = 10_000  # columns of a flat table


def _elements(name: str, shape: Shape) -> list[str]:
    """The names of the numbers of a column: `dw[0]`, `dw[1]`. Raises ShapeError."""
    names = [name]
    for size in shape:
        if len(names) * size > MOST_FLAT:
            raise ShapeError(f"`{name}` of shape {shape} is too large for columns of numbers",
                             hint="write -o FILE.npz")  # fmt: skip
        names = [f"{word}[{k}]" for word in names for k in range(size)]
    return names
