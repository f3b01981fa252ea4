"""An executor for Fibonacci numbers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import Any

from ._core import batch, fib, text


class Executor(ThreadPoolExecutor):
    """A ``concurrent.futures.Executor`` whose ``map(fib, indices)`` runs on a backend.

    Other functions, and ``submit``, run on its threads, as in a ``ThreadPoolExecutor``. There the functions
    of this package run in parallel, because they release the GIL, and functions in Python do not.

    :param max_workers: the number of threads, and of the workers of the backend; by default the number of
        CPUs
    :param thread_name_prefix: and ``initializer`` and ``initargs``: as in ``ThreadPoolExecutor``
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
        self._whole_batches: dict[Callable[..., Any], Callable[..., Any]] = {
            fib: partial(batch, **options),
            text: partial(text, **options),
        }

    def map(
        self,
        fn: Callable[..., Any],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int | None = None,
    ) -> Iterator[Any]:
        """``map(fn, *iterables)``, with the results in order.

        For ``fib`` and ``text`` each chunk of indices is one batch on the backend.

        :param timeout: the most seconds to wait for a result, from the call of ``map`` on
        :param chunksize: the number of indices in a batch; by default all
        :raises TimeoutError: from the iterator, when the time is over
        """
        if chunksize is not None and chunksize < 1:
            raise ValueError("chunksize must be at least 1")
        compute = self._whole_batches.get(fn) if len(iterables) == 1 else None
        if compute is None:
            return super().map(fn, *iterables, timeout=timeout)
        indices = _sliceable(iterables[0])
        size = chunksize or max(len(indices), 1)
        chunks = (indices[i : i + size] for i in range(0, len(indices), size))
        return chain.from_iterable(super().map(compute, chunks, timeout=timeout))


def _sliceable(indices: Iterable[Any]) -> Sequence[Any]:
    """Ranges, lists and arrays as they are; anything else as a list."""
    if hasattr(indices, "__len__") and hasattr(indices, "__getitem__"):
        return indices  # type: ignore[return-value]
    return list(indices)
