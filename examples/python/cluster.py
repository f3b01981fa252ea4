"""From this machine to a cluster: only the address changes.

    python examples/python/cluster.py                       a cluster on this machine
    python examples/python/cluster.py tcp://scheduler:8786  a cluster that already runs
"""

import sys

from distributed import Client, progress

import fib_parallel.dask


def main():
    with Client(*sys.argv[1:]) as client:
        batch = fib_parallel.dask.batch(range(20_000), client)
        progress(batch.futures, notebook=False)
        tables = batch.gather()
    print()
    numbers = sum(len(table) for table in tables)
    print(f"{numbers} numbers in {len(tables)} chunks, {sum(t.nbytes for t in tables)} bytes")
    print("F(19999) ends in", tables[-1][-1] % 10**10)


if __name__ == "__main__":
    main()
