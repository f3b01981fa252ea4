"""Compute a batch of Fibonacci numbers on a Dask cluster.

`batch` cuts the indices into chunks of about equal predicted cost. Each chunk is
one Dask task. Dask places the tasks, and runs the tasks of a dead
worker again on another worker. Every worker must have fib_parallel installed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import fib_parallel
from fib_parallel import Error, LimitError, Table, _core

try:
    import dask.bag
    import distributed
    import numpy as np

    from fib_parallel import _dask_transport  # noqa: F401
except ImportError as error:
    raise ImportError(
        "fib_parallel.dask needs Dask and NumPy. Run: pip install 'dask[distributed]' numpy"
    ) from error

# With four chunks for each thread, a thread that ends one chunk late adds about a
# quarter to the time, and a dead worker loses little. More chunks cost more tasks.
CHUNKS_PER_THREAD = 4


class ChunkError(Error):
    """A chunk could not be computed. `__cause__` is the error from Dask.

    positions: range, the positions of the chunk in the batch.
    indices: range or NumPy uint64 array, the indices at these positions.
    failed: list of ranges, the positions of every chunk known to have failed.
    tables: list of Table, one for each chunk, None for a failed chunk. It is
        empty if the error comes from iteration.
    """

    positions: range
    indices: Any
    failed: list[range]
    tables: list[Table | None]


def compute_chunk(part: Any) -> Table:
    """Compute one chunk in a worker. part: range or NumPy uint64 array."""
    return fib_parallel.batch(part, backend="sequential")


class Batch:
    """The results of one `batch` call. They stay on the workers until they are read.

    futures: list of distributed.Future, one for each chunk, in order.
    positions: list of ranges, the positions of each chunk in the batch.
    Dask frees the results when the last reference to the futures is gone.
    """

    def __init__(
        self, client: Any, indices: Any, positions: list[range], futures: list[Any]
    ) -> None:
        self.client, self.indices = client, indices
        self.positions, self.futures = positions, futures

    def __len__(self) -> int:
        """Return the number of indices."""
        return len(self.indices)

    def __iter__(self) -> Iterator[int]:
        """Yield the numbers in order, each chunk as soon as it is finished.

        One chunk at a time is in memory. Raises ChunkError at a failed chunk.
        """
        for chunk in range(len(self.futures)):
            yield from self._table(chunk, [chunk], [])

    def gather(self, errors: str = "raise") -> list[Table | None]:
        """Wait for all chunks and return a list of one Table for each, in order.

        errors: "raise" raises ChunkError if a chunk failed; the error carries
            the other tables. "skip" puts None in the place of a failed chunk.
        """
        if errors not in ("raise", "skip"):
            raise ValueError(f'errors must be "raise" or "skip", not {errors!r}')
        found = self.client.gather(dict(enumerate(self.futures)), errors="skip")
        tables = [found[chunk] for chunk in range(len(self.futures))]
        failed = [chunk for chunk, table in enumerate(tables) if table is None]
        if failed and errors == "raise":
            self._table(failed[0], failed, tables)
        return tables

    def retry(self) -> None:
        """Run every failed chunk again, one after the other, and wait.

        When a worker dies, Dask counts this against every chunk that was on the
        worker. A chunk that did not cause it succeeds when it runs alone. A chunk
        that did makes one more worker die, and fails again.
        """
        distributed.wait(self.futures)  # type: ignore[no-untyped-call]
        for future in [future for future in self.futures if future.status == "error"]:
            future.retry()
            distributed.wait(self.futures)  # type: ignore[no-untyped-call]

    def bag(self) -> dask.bag.Bag:
        """Return a dask.bag of Python ints with one partition for each chunk."""
        bag: dask.bag.Bag = dask.bag.from_delayed(self.futures)  # type: ignore[no-untyped-call]
        return bag

    def cancel(self) -> None:
        """Drop all chunks and results. A chunk that runs now still runs to its end."""
        self.client.cancel(self.futures)

    def _table(self, chunk: int, failed: list[int], tables: list[Table | None]) -> Table:
        future, where = self.futures[chunk], self.positions[chunk]
        try:
            table: Table = future.result()
            return table
        except Exception as cause:
            if future.status != "error":  # cancelled, or the scheduler is gone
                raise
            part = self.indices[where.start : where.stop]
            error = ChunkError(
                f"chunk {chunk} of {len(self.futures)} failed: positions {where[0]} to "
                f"{where[-1]}, indices {part[0]} to {part[-1]}. Numbers of the failed chunks: "
                f"{failed}. {cause}"
            )
            error.positions, error.indices, error.tables = where, part, tables
            error.failed = [self.positions[number] for number in failed]
            raise error from cause


def batch(indices: Iterable[int], client: Any = None, chunks: int | None = None) -> Batch:
    """Start to compute F(n) for every n in indices, and return at once.

    indices: range, NumPy uint64 array of shape (N,), or any iterable of ints
        from 0 to 2**64 - 1.
    client: distributed.Client; default: the current one.
    chunks: number of tasks; default: CHUNKS_PER_THREAD for each worker thread.
    Raises Error if there is no client. Raises LimitError if the largest chunks
    that a worker can run at the same time need more bytes than its memory limit.
    """
    try:
        client = client or distributed.get_client()
    except ValueError:
        raise Error(
            "there is no Dask client: make one with distributed.Client(address), or give client="
        ) from None
    if client.asynchronous:
        raise Error("the Dask client must be synchronous (asynchronous=False)")
    if not isinstance(indices, range):
        if not (isinstance(indices, np.ndarray) and indices.dtype == np.uint64):
            # NumPy itself would truncate floats silently.
            indices = np.asarray(_core._indices(indices))
        indices = np.ascontiguousarray(indices)
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    if chunks is None:
        chunks = CHUNKS_PER_THREAD * max(1, sum(worker["nthreads"] for worker in workers))
    pieces = fib_parallel.cut(indices, chunks)
    large = sorted(pieces, key=lambda piece: -piece[2])
    for worker in workers:
        limit, threads = worker["memory_limit"], worker["nthreads"]  # limit 0: no limit
        need = sum(size for _, _, size in large[:threads])
        if limit and need > limit:
            raise LimitError(
                f"the chunk that starts at index {indices[large[0][0]]} needs {large[0][2]} bytes. "
                f"A worker with {threads} threads may compute as many chunks at the same time, which "
                f"need {need} bytes, and its memory limit is {limit} bytes. Use more chunks, or "
                f"workers with more memory."
            )
    positions = [range(start, stop) for start, stop, _ in pieces]
    parts = [indices[where.start : where.stop] for where in positions]
    futures = client.map(compute_chunk, parts, key="fib_parallel", pure=False)
    return Batch(client, indices, positions, futures)
