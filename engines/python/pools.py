"""The backends that are a loop, threads or processes.

The docstring of a class is its summary in reports. Packages are imported when a backend is built, and not
before.
"""

import os
import pickle
import time
from collections import namedtuple
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from itertools import chain, cycle
from multiprocessing import active_children, get_all_start_methods, get_context
from tempfile import TemporaryDirectory

# A forked worker has the functions of the engine and imports nothing. `fib` passes them as text, so a
# worker could not import them.
CONTEXT = get_context("fork" if "fork" in get_all_start_methods() else None)

# An idle cluster would wake up fifty times a second for its health checks, and disturb the runners that are
# measured meanwhile.
CALM = {
    "distributed.admin.system-monitor.interval": "1h",
    "distributed.admin.tick.interval": "1h",
    "distributed.worker.profile.enabled": False,
}


class Batch(namedtuple("Batch", "kernel indices modulus numbers", defaults=[None])):
    """What a load asks for, and an array for the results of backends that write to an array."""

    def function(self):
        """The function that computes one index."""
        return fib if self.kernel == "iterative" else partial(residue, self.modulus)


def chunk_size(items, workers):
    """Four chunks for each worker, as multiprocessing.Pool.map cuts them by itself."""
    return max(1, -(-items // (workers * 4)))


def chunks(indices, workers):
    """The chunks of a batch, for backends that do not cut a batch themselves."""
    size = chunk_size(len(indices), workers)
    return [indices[start : start + size] for start in range(0, len(indices), size)]


def compute_chunk(function, chunk):
    return [function(n) for n in chunk]


def pickled_chunk(function, chunk):
    return pickle.dumps(compute_chunk(function, chunk))


def joined(parts):
    return list(chain.from_iterable(parts))


def pin_threads():
    """An initializer for a thread pool: each thread that calls it gets the next CPU."""
    cpus = cycle(sorted(os.sched_getaffinity(0)))
    return lambda: os.sched_setaffinity(0, {next(cpus)})


def answer():
    """The number of the process that this runs in. It sleeps, so that another worker gets the next call."""
    time.sleep(0.001)
    return os.getpid()


class Loop:
    """a list comprehension: one index after another"""

    kernels = ("iterative", "stepping", "scalar")
    max_workers = 1
    modules = ()
    can_pin = False

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
    can_pin = hasattr(os, "sched_setaffinity")

    def __init__(self, workers, pin=False):
        self.workers = workers
        self.pool = ThreadPoolExecutor(workers, initializer=pin_threads() if pin else None)

    def map(self, batch):
        return list(self.pool.map(batch.function(), batch.indices))

    def close(self):
        self.pool.shutdown()


class Processes(Threads):
    """ProcessPoolExecutor.map with chunksize 1: each index and each result is a message"""

    can_pin = False

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


class ExtensionThreads(Threads):
    """ThreadPoolExecutor.map over chunks: a Rust extension computes without the interpreter lock"""

    kernels = ("iterative", "doubling", "stepping")
    modules = ("fib_parallel",)

    def __init__(self, workers, pin=False):
        import fib_parallel

        self.batch = fib_parallel.batch
        super().__init__(workers, pin)

    def compute(self, kernel, chunk):
        """The numbers of a chunk. A thread needs the interpreter lock to make Python ints of them."""
        return self.batch(chunk, backend="sequential", workers=1, kernel=kernel).to_ints()

    def map(self, batch):
        compute = partial(self.compute, batch.kernel)
        return joined(self.pool.map(compute, chunks(batch.indices, self.workers)))


def isolate_workers():
    """Does for the workers of joblib what -I does for the engine, because joblib starts them without -I."""
    for name in [name for name in os.environ if name.startswith("PYTHON")]:
        del os.environ[name]
    os.environ["PYTHONNOUSERSITE"] = "1"
    os.chdir("/")  # a worker imports modules of the folder that it starts in


class Joblib(Pool):
    """joblib.Parallel with loky, and four chunks for each worker; with one worker, no process"""

    modules = ("joblib",)

    def __init__(self, workers):
        isolate_workers()
        import joblib

        self.workers = workers
        self.delayed = joblib.delayed
        self.pool = joblib.Parallel(workers, "loky", batch_size=1)
        self.pool.__enter__()
        self.pids = set()
        while len(self.pids) < workers:
            self.pids.update(self.pool([self.delayed(answer)()] * workers))

    def map(self, batch):
        compute = self.delayed(partial(compute_chunk, batch.function()))
        return joined(self.pool(map(compute, chunks(batch.indices, self.workers))))

    def close(self):
        self.pool.__exit__(None, None, None)
        if self.processes():  # joblib would keep them for its next pool
            from joblib.externals.loky import get_reusable_executor

            get_reusable_executor(reuse=True).shutdown()

    def processes(self):
        return list(self.pids - {os.getpid()})


class Dask(Pool):
    """Client.map of dask.distributed with a LocalCluster, and four chunks for each worker"""

    modules = ("dask", "distributed")

    def __init__(self, workers):
        import dask
        from distributed import Client, LocalCluster

        self.workers = workers
        self.folder = TemporaryDirectory(prefix="fib-dask-", ignore_cleanup_errors=True)
        dask.config.set(CALM | {"temporary-directory": self.folder.name})
        self.cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
            memory_limit=None,  # a worker at a limit would write results to a disk
        )
        self.client = Client(self.cluster)
        self.pids = list(self.client.run(answer).values())  # every worker runs it

    def map(self, batch):
        # Dask takes a list apart and sends each item alone, which takes many times as long.
        compute = partial(pickled_chunk, batch.function())
        # It would not compute a pure function again.
        futures = self.client.map(compute, chunks(batch.indices, self.workers), pure=False)
        return joined(map(pickle.loads, self.client.gather(futures)))

    def close(self):
        self.client.close()
        # A worker needs up to half a second to end by itself, and the harness does not wait for that.
        for nanny in self.cluster.workers.values():
            nanny.auto_restart = False
        for worker in active_children():
            worker.kill()
        self.cluster.close()
        self.folder.cleanup()

    def processes(self):
        return self.pids
