"""Runs batches of Fibonacci numbers in CPython with the pools of its standard library.

This is the engine of `fib compare --engine python`. A request and its reply are one JSON object on
one line each; docs/engines.md describes the protocol. The backends are a plain loop, threads that
share the global interpreter lock, and process pools that receive one index or one chunk at a time.
"""

import json
import platform
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_all_start_methods, get_context

PRIME = 2**61 - 1


def fib(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def chunk_size(items, workers):
    """Four chunks for each worker, as multiprocessing.Pool.map cuts them by itself."""
    return max(1, -(-items // (workers * 4)))


class Loop:
    """a list comprehension: one index after another"""

    max_workers = 1

    def __init__(self, workers):
        self.workers = workers

    def map(self, indices):
        return [fib(n) for n in indices]

    def close(self):
        pass

    def processes(self):
        return []


class Threads(Loop):
    """ThreadPoolExecutor.map: threads that share one interpreter lock"""

    max_workers = None

    def __init__(self, workers):
        self.workers = workers
        self.pool = ThreadPoolExecutor(workers)

    def map(self, indices):
        return list(self.pool.map(fib, indices))

    def close(self):
        self.pool.shutdown()


class Processes(Threads):
    """ProcessPoolExecutor.map with chunksize 1: each index and each result is a message"""

    def __init__(self, workers):
        self.workers = workers
        self.pool = ProcessPoolExecutor(workers, mp_context=CONTEXT)

    def chunk_size(self, items):
        return 1

    def map(self, indices):
        return list(self.pool.map(fib, indices, chunksize=self.chunk_size(len(indices))))

    def processes(self):
        return list(self.pool._processes or [])


class ProcessesChunked(Processes):
    """ProcessPoolExecutor.map with four chunks for each worker"""

    def chunk_size(self, items):
        return chunk_size(items, self.workers)


class Pool(Loop):
    """multiprocessing.Pool.map, which cuts four chunks for each worker by itself"""

    max_workers = None

    def __init__(self, workers):
        self.workers = workers
        self.pool = CONTEXT.Pool(workers)

    def map(self, indices):
        return self.pool.map(fib, indices)

    def close(self):
        self.pool.terminate()
        self.pool.join()

    def processes(self):
        return [worker.pid for worker in self.pool._pool]


BACKENDS = {
    "loop": Loop,
    "threads": Threads,
    "process": Processes,
    "process-chunked": ProcessesChunked,
    "pool": Pool,
}
# A forked worker has the functions above and imports nothing. `fib` passes this file as text with
# -c, so a worker could not import it.
CONTEXT = get_context("fork" if "fork" in get_all_start_methods() else None)


class Usage:
    """The CPU time, context switches and peak memory of this process and its workers so far."""

    def __init__(self, workers):
        own = resource.getrusage(resource.RUSAGE_SELF)
        self.cpu_ns = time.process_time_ns() + sum(map(cpu_ns_of, workers))
        self.voluntary = own.ru_nvcsw
        self.involuntary = own.ru_nivcsw
        self.peak_rss_bytes = own.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def cpu_ns_of(pid):
    """The CPU time of a process. On Linux its CPU clock has a number made from its process id."""
    try:
        return time.clock_gettime_ns(~pid << 3 | 2)
    except OSError:
        return 0


def digest(numbers):
    value = 0
    for number in numbers:
        value = (value * 1000003 + number) % PRIME
    return str(value)


class Runner:
    def __init__(self):
        self.make = self.backend = self.indices = None

    def hello(self, request):
        if request["protocol"] != 1:
            raise ValueError(f"this engine speaks protocol 1, not {request['protocol']}")
        backends = [
            {"name": name, "summary": backend.__doc__}
            | ({"max_workers": backend.max_workers} if backend.max_workers else {})
            for name, backend in BACKENDS.items()
        ]
        return {
            "protocol": 1,
            "engine": "python",
            "version": f"{platform.python_implementation()} {platform.python_version()}",
            "baseline": "loop",
            "backends": backends,
            "kernels": ["iterative"],
        }

    def build(self, request):
        name, workers = request["backend"], request["workers"]
        if name not in BACKENDS:
            raise ValueError(f"there is no backend {name}")
        if workers > (BACKENDS[name].max_workers or workers):
            most = BACKENDS[name].max_workers
            raise ValueError(f"{name} can have at most {most} workers, not {workers}")
        self.drop()
        self.make = lambda: BACKENDS[name](workers)
        start = time.perf_counter_ns()
        self.backend = self.make()
        self.backend.map([10] * workers)  # a pool starts its workers with their first work
        return {"wall_ns": time.perf_counter_ns() - start}

    def load(self, request):
        if request["kernel"] != "iterative":
            raise ValueError(f"there is no kernel {request['kernel']}")
        self.indices = request["indices"]
        return {"items": len(self.indices)}

    def run(self, request):
        if self.backend is None or self.indices is None:
            raise ValueError("no backend was built, or no batch was loaded")
        if request["repeats"] < 1 or request.get("timeline"):
            raise ValueError("repeats must be at least 1, and this engine has no timeline")
        if request.get("cold"):
            return self.run_cold()
        workers = self.backend.processes()
        before = Usage(workers)
        start = time.perf_counter_ns()
        for _ in range(request["repeats"]):
            numbers = self.backend.map(self.indices)
        wall_ns = time.perf_counter_ns() - start
        after = Usage(workers)
        return {
            "wall_ns": wall_ns,
            "digest": digest(numbers),
            "cpu_ns": after.cpu_ns - before.cpu_ns,
            "voluntary_switches": after.voluntary - before.voluntary,
            "involuntary_switches": after.involuntary - before.involuntary,
            "peak_rss_bytes": after.peak_rss_bytes,
        }

    def run_cold(self):
        self.drop()
        start = time.perf_counter_ns()
        self.backend = self.make()
        numbers = self.backend.map(self.indices)
        wall_ns = time.perf_counter_ns() - start
        return {"wall_ns": wall_ns, "digest": digest(numbers)}

    def drop(self):
        if self.backend is not None:
            self.backend.close()
            self.backend = None

    def reply(self, line):
        try:
            request = json.loads(line)
            operations = {
                "hello": self.hello,
                "build": self.build,
                "load": self.load,
                "run": self.run,
            }
            return operations[request["op"]](request)
        except Exception as error:  # the harness gets any error as a refusal and may go on
            return {"error": f"{type(error).__name__}: {error}"}


def main():
    runner = Runner()
    for line in sys.stdin:
        print(json.dumps(runner.reply(line)), flush=True)
    runner.drop()


if __name__ == "__main__":
    main()
