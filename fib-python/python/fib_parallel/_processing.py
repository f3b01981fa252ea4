"""A class with the methods of the example ``original.py``."""

from collections.abc import Iterable
from typing import Any

from ._core import batch, fib


class ParallelProcessing:
    """Computes Fibonacci numbers with up to ``max_workers`` workers."""

    def __init__(self, max_workers: int = 4) -> None:
        self.max_workers = max_workers

    def calculate(self, n: int) -> int:
        """F(n). One number gains nothing from more workers."""
        return fib(n)

    def calculate_batch_parallel(self, indices: Iterable[int] | Any) -> list[int]:
        """F(n) for every index, in the same order."""
        return batch(indices, workers=self.max_workers).to_ints()
