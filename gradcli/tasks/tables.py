"""The gate table of a request: the built-in one, or with gates of the user's own."""

from __future__ import annotations

from gradcli.gates.row import GateTable
from gradcli.gates.table import BUILT_IN
from gradcli.requests import Request


def table_of(request: Request) -> GateTable:
    """The table with the gates of the request's files, which run. Raises GradcliError."""
    if not request.gates:
        return BUILT_IN
    from gradcli.foreign.own_rows import table_with  # late: few requests have such gates

    return table_with(request.gates, request.timeout, request.override)
