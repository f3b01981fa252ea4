"""An executor for Fibonacci numbers."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any

from ._core import _indices, batch, fib, text
from ._errors import LimitError


class Executor(ThreadPoolExecutor):
    """A ``concurrent.futures.Executor`` whose ``map(fib, indices)`` runs on a backend.

    So does ``map(text, indices)``. Other functions, and ``submit``, run on its threads, as in a
    ``ThreadPoolExecutor``. On these threads, functions of this package run in parallel, because they release
    the GIL. Pure Python functions do not run in parallel.

    :param max_workers: the number of threads, and the number of workers of the backend. If it is None,
        ``ThreadPoolExecutor`` chooses the number of threads, and the backend has one worker for each CPU
    :param thread_name_prefix: as in ``ThreadPoolExecutor``
    :param initializer: as in ``ThreadPoolExecutor``
    :param initargs: as in ``ThreadPoolExecutor``
    :param backend: see :func:`fib_parallel.batch`
    :param kernel: see :func:`fib_parallel.batch`
    """

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: str = "",
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        backend: str = "auto",
        kernel: str | None = None,
    ) -> None:
        super().__init__(max_workers, thread_name_prefix, initializer, initargs)
        options: dict[str, Any] = {"backend": backend, "workers": max_workers, "kernel": kernel}
        self._fib = partial(batch, **options)
        self._text = partial(text, **options)

    def map(
        self,
        fn: Callable[..., Any],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int | None = None,
    ) -> Iterator[Any]:
        """``map(fn, *iterables)``, with the results in order.

        For ``fib`` and ``text`` each chunk of indices is one batch on the backend. The iterator is a
        generator: its ``close()`` cancels the batches that have not started.

        :param timeout: the most seconds to wait for a result, from the call of ``map`` on
        :param chunksize: the number of indices in a batch; by default each thread gets about four batches. Other
            functions ignore it
        :raises TimeoutError: from the iterator, when the time is over
        """
        if chunksize is not None and chunksize < 1:
            raise ValueError("chunksize must be at least 1")
        if len(iterables) != 1 or not (fn is fib or fn is text):
            return super().map(fn, *iterables, timeout=timeout)
        compute = self._fib if fn is fib else self._text
        indices = _sliceable(iterables[0])
        size = chunksize or max(1, -(-len(indices) // (4 * self._max_workers)))
        chunks = (indices[i : i + size] for i in range(0, len(indices), size))
        return _each(super().map(partial(_results, compute), chunks, timeout=timeout))


def _results(compute: Callable[[Any], Sequence[Any]], chunk: Any) -> Iterable[Any]:
    """The results of a chunk. If an index is refused, the results before it, and then its error."""
    try:
        return compute(chunk)
    except (TypeError, ValueError, LimitError):
        return (compute([n])[0] for n in chunk)


def _each(chunks: Any) -> Generator[Any, None, None]:
    """The results of all chunks, one by one. ``chunks`` is the generator of CPython's ``map``."""
    with closing(chunks):
        for results in chunks:
            yield from results


def _sliceable(indices: Iterable[Any]) -> Sequence[Any]:
    """The indices as they are now. A range is not expanded, and an array stays an array."""
    if isinstance(indices, range):
        return indices
    try:
        memoryview(indices)  # type: ignore[arg-type]
    except TypeError:
        return list(indices)
    return _indices(indices)
