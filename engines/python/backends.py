"""The backends: the ways to run a batch. The docstring of a class is its summary in reports."""

import os
import sys
from collections import namedtuple
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_all_start_methods, get_context


class Batch(namedtuple("Batch", "kernel indices modulus numbers", defaults=[None])):
    """What a load asks for, and an array for the results of backends that write to an array."""

    def function(self):
        """The function that computes one index."""
        return fib if self.kernel == "iterative" else partial(residue, self.modulus)


def chunk_size(items, workers):
    """Four chunks for each worker, as multiprocessing.Pool.map cuts them by itself."""
    return max(1, -(-items // (workers * 4)))


class Loop:
    """a list comprehension: one index after another"""

    kernels = ("iterative", "stepping", "scalar")
    max_workers = 1
    modules = ()

    def __init__(self, workers):
        self.workers = workers

    def prepare(self, batch):
        """Does what is not part of the time, and refuses what the backend cannot compute."""
        return batch

    def map(self, batch):
        if batch.kernel == "stepping":
            return stepping(batch.indices)
        function = batch.function()
        return [function(n) for n in batch.indices]

    def close(self):
        pass

    def processes(self):
        return []


class Threads(Loop):
    """ThreadPoolExecutor.map: threads that share one interpreter lock"""

    kernels = ("iterative", "scalar")
    max_workers = None

    def __init__(self, workers):
        self.workers = workers
        self.pool = ThreadPoolExecutor(workers)

    def map(self, batch):
        return list(self.pool.map(batch.function(), batch.indices))

    def close(self):
        self.pool.shutdown()


class Processes(Threads):
    """ProcessPoolExecutor.map with chunksize 1: each index and each result is a message"""

    def __init__(self, workers):
        self.workers = workers
        self.pool = ProcessPoolExecutor(workers, mp_context=CONTEXT)

    def chunk_size(self, items):
        return 1

    def map(self, batch):
        chunksize = self.chunk_size(len(batch.indices))
        return list(self.pool.map(batch.function(), batch.indices, chunksize=chunksize))

    def processes(self):
        return list(self.pool._processes or [])


class ProcessesChunked(Processes):
    """ProcessPoolExecutor.map with four chunks for each worker"""

    def chunk_size(self, items):
        return chunk_size(items, self.workers)


class Pool(Loop):
    """multiprocessing.Pool.map, which cuts four chunks for each worker by itself"""

    kernels = ("iterative", "scalar")
    max_workers = None

    def __init__(self, workers):
        self.workers = workers
        self.pool = CONTEXT.Pool(workers)

    def map(self, batch):
        return self.pool.map(batch.function(), batch.indices)

    def close(self):
        self.pool.terminate()
        self.pool.join()

    def processes(self):
        return [worker.pid for worker in self.pool._pool]


class Numpy(Loop):
    """vectors of NumPy: each operation is done for thousands of indices at once"""

    kernels = ("lanes",)
    modules = ("numpy",)

    def __init__(self, workers):
        import_numpy()
        self.workers = workers

    def prepare(self, batch):
        modulus = word_modulus(batch.modulus)
        indices = numpy.array(batch.indices, dtype=numpy.uint64)
        return Batch(batch.kernel, indices, modulus, numpy.empty_like(indices))

    def map(self, batch):
        for start in range(0, len(batch.indices), BLOCK):
            block = slice(start, start + BLOCK)
            batch.numbers[block] = lanes(batch.indices[block], batch.modulus)
        return batch.numbers


class NumpyObject(Numpy):
    """vectors of Python ints in NumPy, for numbers of any size"""

    kernels = ("iterative", "stepping")

    def prepare(self, batch):
        largest = max(batch.indices, default=0)
        if batch.kernel == "stepping" and largest > LARGEST_TABLE:
            raise ValueError(
                f"stepping needs a table of all numbers up to F({largest}); "
                f"this backend makes tables up to F({LARGEST_TABLE})"
            )
        return batch._replace(indices=numpy.array(batch.indices, dtype=numpy.uint64))

    def map(self, batch):
        function = vector_iterative if batch.kernel == "iterative" else vector_stepping
        return function(batch.indices)


class Numba(Numpy):
    """a loop that Numba compiles"""

    kernels = ("scalar", "lanes")
    modules = ("numba", "numpy")
    parallel = False

    def __init__(self, workers):
        super().__init__(workers)
        self.compiled = {}

    def fill(self, batch):
        """The compiled loop for a batch. Only a cold run compiles it within the time."""
        key = batch.kernel, batch.modulus
        if key not in self.compiled:
            compile_loop = compile_lanes if batch.kernel == "lanes" else compile_scalar
            self.compiled[key] = compile_loop(batch.modulus, self.parallel)
        return self.compiled[key]

    def prepare(self, batch):
        batch = super().prepare(batch)
        self.fill(batch)
        return batch

    def map(self, batch):
        self.fill(batch)(batch.indices, batch.numbers)
        return batch.numbers


class NumbaPrange(Numba):
    """prange of Numba: the same compiled loop, with an equal part for each thread"""

    max_workers = None
    parallel = True

    def __init__(self, workers):
        if "numba" not in sys.modules:
            os.environ["NUMBA_NUM_THREADS"] = str(workers)  # Numba reads this when it is imported
        import numba

        most = numba.config.NUMBA_NUM_THREADS
        if workers > most:
            raise ValueError(f"Numba was imported with only {most} threads; start a new engine")
        numba.set_num_threads(workers)
        super().__init__(workers)


BACKENDS = {
    "loop": Loop,
    "threads": Threads,
    "process": Processes,
    "process-chunked": ProcessesChunked,
    "pool": Pool,
    "numpy": Numpy,
    "numpy-object": NumpyObject,
    "numba": Numba,
    "numba-prange": NumbaPrange,
}
# A forked worker has the functions above and imports nothing. `fib` passes them as text, so a worker
# could not import them.
CONTEXT = get_context("fork" if "fork" in get_all_start_methods() else None)


def absence(backend):
    """Why this machine does not have the backend, or None. This imports nothing."""
    missing = (name for name in backend.modules if find_spec(name) is None)
    return next((f"No module named '{name}'" for name in missing), None)
