"""Who holds the GIL? The same work on one thread and on two, in Python and in the extension.

Another thread, the heart, wakes up about a thousand times a second and counts. It needs the GIL (Python's global
interpreter lock) to count, so the count shows how often the GIL is free.

    python examples/python/gil.py
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import fib_parallel

INDICES = [20_000] * 64


def python_loop(indices):
    """A loop in Python. It needs the GIL for every step, and releases it only every few milliseconds."""

    def fibonacci(n):
        a, b = 0, 1
        for _ in range(n):
            a, b = b, a + b
        return a

    return [fibonacci(n) for n in indices]


def extension(indices):
    """The same additions in the extension, which releases the GIL while it computes."""
    return fib_parallel.batch(indices, backend="sequential", kernel="iterative")


def on_threads(compute, threads):
    """The seconds that `threads` threads take together, each for its part of the indices."""
    size = len(INDICES) // threads
    parts = [INDICES[i : i + size] for i in range(0, len(INDICES), size)]
    with ThreadPoolExecutor(threads) as pool:
        start = time.perf_counter()
        list(pool.map(compute, parts))
        return time.perf_counter() - start


def beats_during(work):
    """What `work` returns, and how often the heart beat meanwhile, per second."""
    done, beats = threading.Event(), 0

    def heart():
        nonlocal beats
        while not done.wait(0.001):
            beats += 1

    thread = threading.Thread(target=heart)
    thread.start()
    start = time.perf_counter()
    result = work()
    taken = time.perf_counter() - start
    done.set()
    thread.join()
    return result, beats / taken


def main():
    _, idle = beats_during(lambda: time.sleep(0.5))
    print(f"heartbeat while nothing else runs: {idle:.0f} beats per second\n")
    print(f"{'':12}  1 thread  2 threads  speedup  beats/s with 1 and 2 threads")
    for compute in (python_loop, extension):
        (one, beats_one), (two, beats_two) = (
            beats_during(lambda: on_threads(compute, threads)) for threads in (1, 2)
        )
        print(
            f"{compute.__name__:12}  {one:6.3f} s   {two:6.3f} s    {one / two:4.2f}x"
            f"  {beats_one:4.0f} and {beats_two:4.0f}"
        )
    print(
        "\nExpected: about 1x for the loop in Python, because only the thread that holds\n"
        "the GIL runs; up to 2x for the extension, if two CPUs are free."
    )


if __name__ == "__main__":
    main()
