"""Runs batches of Fibonacci numbers in CPython: in its standard library, and in packages.

This is the engine of `fib compare --engine python`. A request and its reply are one JSON object on
one line each; docs/engines.md describes the protocol. The backends are a plain loop, threads that
share the global interpreter lock, and process pools that receive one index or one chunk at a time.
Where packages are installed, there are more: threads around an extension that releases the lock, the
pools of joblib and Dask, vectors of NumPy, and loops that Numba compiles. This is the last of the five
files that `fib` joins.
"""

import json
import platform
import resource
import sys
import time
from importlib.metadata import PackageNotFoundError, version

PRIME = 2**61 - 1

# The kernels that compute residues. A load has a modulus exactly if it asks for one of these.
RESIDUES = ("scalar", "lanes")


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
    if not isinstance(numbers, list):
        numbers = numbers.tolist()  # integers of NumPy would overflow
    value = 0
    for number in numbers:
        value = (value * 1000003 + number) % PRIME
    return str(value)


def kernels():
    """Every kernel that a backend has on this machine."""
    present = (backend for backend in BACKENDS.values() if not absence(backend))
    return list(dict.fromkeys(kernel for backend in present for kernel in backend.kernels))


def version_text():
    """The versions of Python and of the packages that the backends use."""
    versions = [f"{platform.python_implementation()} {platform.python_version()}"]
    modules = {name for backend in BACKENDS.values() for name in backend.modules}
    return ", ".join(versions + [version_of(name) for name in sorted(modules) if find_spec(name)])


def version_of(module):
    try:
        return f"{module} {version(module)}"
    except PackageNotFoundError:  # it is a folder that nobody installed
        return module


def modulus_of(request):
    """The modulus of a load, or None if the kernel has none."""
    kernel, text = request["kernel"], request.get("modulus")
    if (kernel in RESIDUES) != (text is not None):
        verb = "needs a" if kernel in RESIDUES else "takes no"
        raise ValueError(f"the kernel {kernel} {verb} modulus")
    modulus = None if text is None else int(text)
    if modulus not in (None, WORD) and not 1 <= modulus <= 2**63:
        raise ValueError(f"a modulus is 2^64 or from 1 to 2^63, but this is {modulus}")
    return modulus


class Runner:
    def __init__(self):
        self.make = self.backend = self.batch = self.prepared = None

    def hello(self, request):
        if request["protocol"] != 1:
            raise ValueError(f"this engine speaks protocol 1, not {request['protocol']}")
        backends = [
            {"name": name, "summary": backend.__doc__, "kernels": backend.kernels}
            | ({"max_workers": backend.max_workers} if backend.max_workers else {})
            for name, backend in BACKENDS.items()
            if not absence(backend)
        ]
        left_out = [
            {"name": name, "reason": absence(backend)}
            for name, backend in BACKENDS.items()
            if absence(backend)
        ]
        return {
            "protocol": 1,
            "engine": "python",
            "version": version_text(),
            "baseline": "loop",
            "backends": backends,
            "left_out": left_out,
            "kernels": kernels(),
        }

    def build(self, request):
        name, workers = request["backend"], request["workers"]
        if name not in BACKENDS:
            raise ValueError(f"there is no backend {name}")
        if workers > (BACKENDS[name].max_workers or workers):
            most = BACKENDS[name].max_workers
            raise ValueError(f"{name} can have at most {most} workers, not {workers}")
        if absence(BACKENDS[name]):
            raise ImportError(absence(BACKENDS[name]))
        self.drop()
        self.prepared = None
        options = {"pin": True} if request.get("pin") and BACKENDS[name].can_pin else {}
        self.make = lambda: BACKENDS[name](workers, **options)
        kernel = BACKENDS[name].kernels[0]
        first = Batch(kernel, [10] * workers, WORD if kernel in RESIDUES else None)
        start = time.perf_counter_ns()
        self.backend = self.make()
        self.backend.map(self.backend.prepare(first))  # pools start their workers with this work
        return {"wall_ns": time.perf_counter_ns() - start}

    def load(self, request):
        if request["kernel"] not in kernels():
            raise ValueError(f"there is no kernel {request['kernel']}")
        batch = Batch(request["kernel"], request["indices"], modulus_of(request))
        self.prepared = self.prepare(batch) if self.backend else None
        self.batch = batch
        return {"items": len(batch.indices)}

    def prepare(self, batch):
        if batch.kernel not in self.backend.kernels:
            raise ValueError(f"this backend has no kernel {batch.kernel}")
        return self.backend.prepare(batch)

    def run(self, request):
        if self.backend is None or self.batch is None:
            raise ValueError("no backend was built, or no batch was loaded")
        if request["repeats"] < 1 or request.get("timeline"):
            raise ValueError("repeats must be at least 1, and this engine has no timeline")
        if self.prepared is None:  # the backend was built after the load
            self.prepared = self.prepare(self.batch)
        if request.get("cold"):
            return self.run_cold()
        workers = self.backend.processes()
        before = Usage(workers)
        start = time.perf_counter_ns()
        for _ in range(request["repeats"]):
            numbers = self.backend.map(self.prepared)
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
        numbers = self.backend.map(self.prepared)
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
