"""The executor: its own promises, and CPython's tests of executors."""

import importlib
import pkgutil
import subprocess
import sys
import threading
import unittest
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy
import pytest

import fib_parallel
from fib_parallel import Executor, ParallelProcessing, fib, text


@pytest.mark.parametrize("backend", ["auto", "rayon", "sequential", "process"])
@pytest.mark.parametrize("chunksize", [None, 1, 7, 100])
def test_map_is_in_order(backend, chunksize, oracle):
    indices = range(40, 0, -1)
    expected = [oracle(n) for n in indices]
    with Executor(2, backend=backend) as executor:
        for source in (indices, list(indices), iter(indices), numpy.array(indices)):
            assert list(executor.map(fib, source, chunksize=chunksize)) == expected
        strings = executor.map(text, indices, chunksize=chunksize)
        assert list(strings) == [str(n) for n in expected]
        assert list(executor.map(fib, [], chunksize=chunksize)) == []


def test_other_functions_and_submit(oracle):
    with Executor(2) as executor:
        assert list(executor.map(pow, [2, 3], [5, 2], chunksize=3)) == [32, 9]
        assert executor.submit(fib, 300).result() == oracle(300)
        assert executor.submit(fib_parallel.mod, 97, [300]).result()[0] == oracle(300) % 97


def test_map_takes_what_other_executors_take(oracle):
    with Executor(2) as executor:
        indices = numpy.arange(50)
        results = executor.map(fib, indices, chunksize=7)
        indices[:] = 1  # map has read them
        assert list(results) == [oracle(n) for n in range(50)]
        assert list(executor.map(fib, {3: 1, 4: 1})) == [2, 3]
        assert list(executor.map(fib, deque([3, 4]))) == [2, 3]


def test_wrong_calls():
    with Executor(2) as executor:
        with pytest.raises(ValueError, match="chunksize must be at least 1"):
            executor.map(fib, [1], chunksize=0)
        with pytest.raises(ValueError, match="an index must be from 0"):
            list(executor.map(fib, [1, -1]))
        with pytest.raises(TimeoutError):
            list(executor.map(fib, [30_000_000] * 20, timeout=0.001, chunksize=1))
    with pytest.raises(RuntimeError, match="shutdown"):
        executor.submit(fib, 1)


@pytest.mark.parametrize("function", [fib, text])
@pytest.mark.parametrize("chunksize", [1, 3, 100])
@pytest.mark.parametrize(
    ("bad", "error"), [(-3, ValueError), ("3", TypeError), (10**15, fib_parallel.LimitError)]
)
def test_results_before_an_invalid_index_are_delivered(function, chunksize, bad, error):
    with Executor(2) as executor:
        results = executor.map(function, [1, 2, 30, 4, bad, 5], chunksize=chunksize)
        assert [int(next(results)) for _ in range(4)] == [1, 1, 832040, 3]
        with pytest.raises(error):
            next(results)
        assert list(results) == []


def test_a_wrong_name_is_not_mistaken_for_an_invalid_index():
    with Executor(2, backend="abacus") as executor, pytest.raises(ValueError, match="abacus"):
        next(executor.map(fib, [1, 2]))


def test_close_cancels_the_batches_that_have_not_started():
    """The only thread waits inside the third batch, so the batches behind it have not started."""
    reached, closed = threading.Event(), threading.Event()
    computed = []

    def compute(indices):
        if indices[0] == 2:
            reached.set()
            closed.wait(60)
        computed.extend(indices)
        return indices

    with Executor(1) as executor:
        executor._fib = compute
        results = executor.map(fib, range(10), chunksize=1)
        assert next(results) == 0
        reached.wait()
        results.close()
        closed.set()
    assert computed == [0, 1, 2]


def test_the_class_of_the_text(oracle):
    processing = ParallelProcessing(max_workers=2)
    assert processing.calculate(100) == oracle(100)
    assert processing.calculate_batch_parallel([10, 5, 300]) == [oracle(n) for n in (10, 5, 300)]
    assert ParallelProcessing().max_workers == 4


@pytest.mark.parametrize("ending", ["", "executor.shutdown(wait=False)", "executor.shutdown(cancel_futures=True)"])
def test_the_end_of_the_interpreter(ending):
    script = f"""
from fib_parallel import Executor, fib
executor = Executor(2)
numbers = executor.map(fib, range(100), chunksize=10)
executor.submit(fib, 1_000_000)
{ending}
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)


# These write a program that imports the class from concurrent.futures, where ours is not. The test above
# does the same with ours.
BY_NAME = ["test_hang_gh83386", "test_interpreter_shutdown", "test_submit_after_interpreter_shutdown"]


def executor_tests():
    """CPython's test classes for thread pools, with our executor in place of theirs.

    These are all tests of executors that apply. The others test pools of processes and of interpreters,
    futures without an executor, or deadlocks of process pools.
    """
    try:
        package = importlib.import_module("test.test_concurrent_futures")
    except ImportError:
        return
    modules = [package]
    if hasattr(package, "__path__"):  # a package from Python 3.12 on
        names = [name for _, name, _ in pkgutil.iter_modules(package.__path__)]
        modules = [importlib.import_module(f"{package.__name__}.{name}") for name in names]
    for module in modules:
        for name, value in sorted(vars(module).items()):
            is_test = isinstance(value, type) and issubclass(value, unittest.TestCase)
            if is_test and getattr(value, "executor_type", None) is ThreadPoolExecutor:
                changes = dict.fromkeys(BY_NAME) | {"executor_type": Executor, "__module__": __name__}
                yield type(name, (value,), changes)


CLASSES = list(executor_tests())
globals().update({case.__name__: case for case in CLASSES})


@pytest.mark.skipif(not CLASSES, reason="this Python was installed without its own tests")
def test_tests_of_python_took_part():
    assert {case.__name__ for case in CLASSES} >= {"ThreadPoolExecutorTest", "ThreadPoolWaitTests"}
