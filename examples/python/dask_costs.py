"""What Dask costs: the start of a cluster, a task, and the transport of results.

Pairs of calls are timed in turn. The middle half of the rounds stands beside each median.

    python examples/python/dask_costs.py
"""

import statistics
import time

import numpy
from distributed import Client, LocalCluster, wait

import fib_parallel
from fib_parallel.dask import compute_chunk

TASKS = 64
NUMBERS = range(92_185_000, 92_185_008)  # eight numbers of 8 MB


def nothing(part):
    """A task of Dask without work."""


def zeros(size):
    return numpy.zeros(size // 8, dtype=numpy.uint64)


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def spread(values):
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:6.2f}  [{low:.2f},{high:.2f}]"


def ratio(name, first, second, rounds=31):
    """Prints time(first) / time(second), and returns the median time of the first in seconds."""
    first(), second()  # the first round warms up
    pairs = [(seconds(first), seconds(second)) for _ in range(rounds)]
    middle = statistics.median(a for a, _ in pairs)
    print(f"{name:42} {spread([a / b for a, b in pairs]):20}  {1e3 * middle:9.2f} ms")


def local_cluster(workers):
    return LocalCluster(workers, threads_per_worker=1, dashboard_address=":0")


def start_a_cluster():
    with local_cluster(2) as cluster, Client(cluster):
        pass


def main():
    print(f"start and end of two workers: {spread([seconds(start_a_cluster) for _ in range(5)])} s")
    with local_cluster(1) as cluster, Client(cluster) as client:

        def tasks(function):
            return lambda: client.gather(client.map(function, [range(1, 2)] * TASKS, pure=False))

        def gather(future, direct=False):
            return lambda: client.gather(future, direct=direct)

        print(f"{'':42}  ratio  middle half   first call")
        ratio(f"{TASKS} tasks of ours / empty tasks", tasks(compute_chunk), tasks(nothing))
        table = client.submit(compute_chunk, NUMBERS, pure=False)
        array = client.submit(zeros, table.result().nbytes, pure=False)
        wait([table, array])
        for direct in (False, True):
            name = f"get 64 MB: Table / array, direct={direct}"
            ratio(name, gather(table, direct), gather(array, direct), 11)
        for n in (10**5, 10**6, 10**7):
            here = lambda: fib_parallel.batch([n], "sequential", kernel="doubling")
            there = gather(client.submit(compute_chunk, [n]))
            ratio(f"F({n}) from a worker / computed here", there, here)
        loop = lambda: fib_parallel.batch([10**5], "sequential", kernel="iterative")
        there = gather(client.submit(compute_chunk, [10**5]))
        ratio("F(100000) from a worker / textbook loop", there, loop)


if __name__ == "__main__":
    main()
