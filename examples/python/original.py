"""Fibonacci numbers with Python alone: a pool of processes around a loop."""

from concurrent.futures import ProcessPoolExecutor


def fibonacci(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


class ParallelProcessing:
    def __init__(self, max_workers=4):
        self.max_workers = max_workers

    def calculate(self, n):
        return fibonacci(n)

    def calculate_batch_parallel(self, indices):
        with ProcessPoolExecutor(max_workers=self.max_workers) as executor:
            return list(executor.map(fibonacci, indices))
