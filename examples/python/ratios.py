"""What Python adds to a call: ratios of two sides that take turns, with the middle half of the rounds.

    python examples/python/ratios.py
"""

import statistics
import threading
import time

import numpy
import original

import fib_parallel
from fib_parallel import _core

N = 5001


def view():
    return numpy.asarray(fib_parallel.batch(range(N), backend="sequential"))


def integers():
    return fib_parallel.batch(range(N), backend="sequential").to_ints()


def decimal():
    return fib_parallel.text(range(N), backend="sequential")


def one_pass():
    """A loop in Python: each number is the sum of the two before it."""
    numbers, a, b = [], 0, 1
    for _ in range(N):
        numbers.append(a)
        a, b = b, a + b
    return numbers


def pool_of_processes():
    return original.ParallelProcessing(4).calculate_batch_parallel(range(1000))


def parallel_processing():
    return fib_parallel.ParallelProcessing(4).calculate_batch_parallel(range(1000))


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def ratio(name, first, second, rounds):
    """Prints how many times as long the first takes as the second."""
    pairs = [(first(), second()) for _ in range(rounds + 1)][1:]  # the first round warms up
    low, middle, high = statistics.quantiles((a / b for a, b in pairs), n=4)
    first_us = 1e6 * statistics.median(a for a, _ in pairs)
    interval = f"[{low:.2f},{high:.2f}]"
    print(f"{name:44} {middle:6.2f}  {interval:15} {first_us:9,.0f} us")


def main():
    print(f"{'':44}  ratio  middle half     first call")
    rust = lambda: _core._rust_seconds(N)
    timed = lambda call: lambda: seconds(call)
    ratio("F(0..5000): NumPy view / the call in Rust", timed(view), rust, 300)
    ratio("F(0..5000): list of integers / a loop with +",
          timed(integers), timed(one_pass), 100)
    ratio("F(0..5000): list of strings / a loop with +",
          timed(decimal), timed(one_pass), 100)
    ratio("F(0..999): original.py / ParallelProcessing",
          timed(pool_of_processes), timed(parallel_processing), 10)


if __name__ == "__main__":
    main()
