"""The backends that use vectors, and the list of all backends."""

import os
import sys
from importlib.util import find_spec


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
    "extension-threads": ExtensionThreads,
    "joblib": Joblib,
    "dask": Dask,
    "numpy": Numpy,
    "numpy-object": NumpyObject,
    "numba": Numba,
    "numba-prange": NumbaPrange,
}


def absence(backend):
    """Why this machine does not have the backend, or None. This imports nothing."""
    missing = (name for name in backend.modules if find_spec(name) is None)
    return next((f"No module named '{name}'" for name in missing), None)
