"""A batch whose parts are computed by the workers of a Dask cluster.

Every worker reads its part of the file of points itself and computes it as one machine would.
Results come back in the order of the file, a few parts ahead of those that are written.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from gradcli.errors import LayoutError, UsageError, reason_of
from gradcli.evaluation.columns import Outcome
from gradcli.named_tuples import NamedTuple
from gradcli.program.files import open_regular
from gradcli.requests import Request, Setting
from gradcli.tables.formats import open_table
from gradcli.tables.model import Part
from gradcli.tasks.batch import Batch, Tally

PART_BYTES = 2**24  # of a file: some 400,000 rows of two numbers
AHEAD = 2  # parts for each thread of the workers that are computed or wait for being written
PATIENCE = 10.0  # seconds until a scheduler and its first worker have answered


class Job(NamedTuple):
    """A batch, as it is sent to a worker."""

    text: str
    name: str
    points: str  # the absolute path of a file that all workers can read
    form: str
    names: list[str] | None
    fixed: dict[str, Setting]
    request: Request
    engine: str
    stops: bool  # at a row that is not finite

    def part(self, part: Part) -> tuple[list[Outcome], Tally]:
        """The results of a part of the points. Raises GradcliError."""
        with open_regular(self.points) as stream:
            table = open_table(self.points, stream, self.form, self.names, part)
            task = Batch(self.text, self.name, table, self.fixed, self.request, (), self.engine)
            return [*task.blocks(self.stops)], task.tally


def blocks_on_cluster(task: Batch, job: Job, address: str) -> Iterator[Outcome]:
    """The results of a batch block by block, and in its tally what there is to say of them.

    Raises LayoutError without `distributed`, UsageError where no worker answers, GradcliError.
    """
    if job.form == "arrow":
        raise UsageError("no part of an Arrow file can be read", hint="write it as .parquet")
    total = -(-os.path.getsize(job.points) // PART_BYTES) or 1
    with _cluster(address) as cluster:
        parts = (cluster.submit(job.part, Part(k, total), pure=False) for k in range(total))
        waiting = deque(islice(parts, AHEAD * sum(cluster.nthreads().values())))
        while waiting:
            outcomes, tally = waiting.popleft().result()
            waiting.extend(islice(parts, 1))
            task.tally.join(tally)
            yield from outcomes


@contextmanager
def _cluster(address: str) -> Iterator[Any]:
    """The connection to a scheduler that has a worker."""
    try:
        from distributed import Client
    except ImportError:
        raise LayoutError("--scheduler needs Dask", hint="install the extra `dask`") from None
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as trouble:
        raise UsageError(f"no Dask scheduler answers at {address}: {reason_of(trouble)}",
                         hint="write --scheduler tcp://HOST:8786") from None  # fmt: skip
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise UsageError(f"the Dask scheduler at {address} has no worker",
                             hint=f"start some: dask worker {address}") from None  # fmt: skip
        yield client
