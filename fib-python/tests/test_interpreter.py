"""The GIL, signals, forks and types: how the package behaves inside an interpreter."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import fib_parallel

BATCH = [200_000 + i for i in range(4000)]  # iterative: minutes


def interrupted(backend):
    """Starts a long batch in another process, sends Ctrl-C, and returns its report."""
    script = f"""
import signal, time, fib_parallel
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
fib_parallel.batch(range(10), {backend!r}, 2)
indices = [200_000 + i for i in range(4000)]
print("ready", flush=True)
try:
    fib_parallel.batch(indices, {backend!r}, 2, kernel="iterative")
    print("finished")
except KeyboardInterrupt:
    raised = time.time()
    cpu = time.process_time()
    time.sleep(0.5)
    print(raised, time.process_time() - cpu)
print(fib_parallel.batch([10], {backend!r}, 2)[0], flush=True)
"""
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.5)
    sent = time.time()
    child.send_signal(signal.SIGINT)
    output, _ = child.communicate(timeout=60)
    (raised, cpu), number = output.splitlines()[0].split(), output.splitlines()[1]
    assert child.returncode == 0
    return float(raised) - sent, float(cpu), int(number)


@pytest.mark.parametrize("backend", ["sequential", "rayon", "threads-pool", "process"])
def test_ctrl_c_ends_the_call_and_the_work(backend):
    delay, cpu, number = interrupted(backend)
    assert delay < 5  # a busy machine; usually it takes 0.05 s
    assert cpu < 0.4, "the workers went on"
    assert number == 55, "the pool still works"


@pytest.mark.parametrize(
    "call", ["fib(2 * 10**9)", "batch([2 * 10**9], 'rayon', 2)", "text([2 * 10**9], 'sequential', kernel='doubling')"]
)
def test_ctrl_c_ends_a_single_large_number(call):
    """Each step of doubling takes at most about as long as all steps before it."""
    script = f"""
import glob, signal, time
from fib_parallel import batch, fib, text
batch([1], "rayon", 2)
def runs():
    try:
        names = [open(name).read() for name in glob.glob("/proc/self/task/*/comm")]
    except OSError:  # a thread has just ended
        return True
    return "fib_parallel\\n" in names
signal.setitimer(signal.ITIMER_REAL, 0.3)
signal.signal(signal.SIGALRM, lambda *_: 1 / 0)
start = time.monotonic()
try:
    {call}
except ZeroDivisionError:
    raised = time.monotonic()
    while runs():
        time.sleep(0.01)
    print(raised - start, time.monotonic() - raised)
"""
    output = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, timeout=300)
    before, after = map(float, output.stdout.split())
    assert after < before + 0.2, "the thread went on"


def test_a_signal_handler_runs_and_the_call_goes_on():
    seen = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append(time.monotonic()))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        table = fib_parallel.batch([50_000 + i for i in range(1000)], "rayon", 2, kernel="iterative")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert len(table) == 1000
    assert len(seen) == 1


def test_other_threads_run_meanwhile():
    beats, done = [], threading.Event()

    def heart():
        while not done.wait(0.005):
            beats.append(time.monotonic())

    thread = threading.Thread(target=heart)
    thread.start()
    start = time.monotonic()
    fib_parallel.batch(BATCH[:100], "sequential", kernel="iterative")
    taken = time.monotonic() - start
    done.set()
    thread.join()
    # Without the GIL given back there would be no beat at all.
    assert len(beats) > 0.1 * taken / 0.005


def test_many_threads_call_at_once(oracle):
    expected = [oracle(n) for n in range(500)]
    names = [name for name, _ in fib_parallel.backends()]
    with ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(fib_parallel.batch, range(500), name, 2) for name in names * 5]
        assert all(call.result().to_ints() == expected for call in calls)


def test_a_short_call_on_a_busy_pool_can_be_interrupted():
    script = """
import signal, threading, fib_parallel
def busy():
    fib_parallel.batch([300_000 + i for i in range(100)], "threads-pool", 2, kernel="iterative")
fib_parallel.batch([1], "threads-pool", 2)
thread = threading.Thread(target=busy)
thread.start()
threading.Event().wait(0.3)
signal.setitimer(signal.ITIMER_REAL, 0.2)
signal.signal(signal.SIGALRM, lambda *_: 1 / 0)
try:
    fib_parallel.batch(range(10), "threads-pool", 2)
    print("finished", thread.is_alive())
except ZeroDivisionError:
    print("interrupted", thread.is_alive())
"""
    output = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, timeout=60)
    assert output.stdout in ("interrupted True\n", "finished True\n")  # not after the busy thread


def test_a_pool_that_is_being_built_blocks_no_other(tmp_path):
    """The first call of "auto" on a machine measures the machine, for about two seconds."""
    script = """
import threading, time, fib_parallel
def first_call():
    fib_parallel.batch([1], "auto", 2)
thread = threading.Thread(target=first_call)
start = time.monotonic()
thread.start()
time.sleep(0.2)
other = time.monotonic()
fib_parallel.batch([1], "threads-pool", 2)
print(time.monotonic() - other)
thread.join()
print(time.monotonic() - start)
"""
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    output = subprocess.run(
        [sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True, timeout=120
    )
    other, calibration = map(float, output.stdout.split())
    assert other < calibration / 2


def test_a_forked_process_is_refused_and_does_not_hang():
    fib_parallel.batch(range(1000), "rayon", 2)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            fib_parallel.batch(range(1000), "rayon", 2)
        except fib_parallel.ForkedError as error:
            os.write(writer, str(error).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    assert b"forked after fib_parallel was imported" in os.read(reader, 1000)
    os.close(reader)


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_processes_that_need_no_pool(method, oracle):
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.apply(fib_parallel.fib, (300,)) == oracle(300)


def test_a_killed_worker_process_is_replaced(oracle):
    """The pool of worker processes belongs to an interpreter of its own here."""
    script = """
import os, signal, threading, fib_parallel
fib_parallel.batch(range(10), "process", 2)
children = open(f"/proc/self/task/{os.getpid()}/children").read().split()
children += sum((open(f"/proc/self/task/{t}/children").read().split() for t in os.listdir("/proc/self/task")), [])
victim = int(children[0])
threading.Timer(0.2, os.kill, (victim, signal.SIGKILL)).start()
table = fib_parallel.batch([20_000 + i for i in range(2000)], "process", 2, kernel="iterative")
print(table[0] % 10**9, len(table))
"""
    output = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, timeout=60)
    assert output.stdout.split() == [str(oracle(20_000) % 10**9), "2000"]


def test_types(tmp_path):
    """The stubs say what the module is."""
    pytest.importorskip("mypy")
    exceptions = os.path.join(os.path.dirname(__file__), "stubtest-exceptions.txt")
    command = [sys.executable, "-m", "mypy.stubtest", "fib_parallel._core", "--allowlist", exceptions]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    command = [sys.executable, "-m", "mypy", "--strict", "-p", "fib_parallel"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
