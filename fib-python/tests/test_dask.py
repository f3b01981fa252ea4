"""Tests of fib_parallel.dask with real Dask clusters on this machine."""

from __future__ import annotations

import datetime
import ipaddress
import logging
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import CancelledError
from pathlib import Path
from types import SimpleNamespace

import dask
import distributed
import numpy as np
import pytest

import fib_parallel
import fib_parallel.dask as fd

ROOT = Path(fib_parallel.__file__).parent.parent
WORKERS = 3
POISON = 777  # the worker of a chunk with this index kills itself
SLOW = 10_007  # a chunk with this index takes at least 0.2 s

# Dask runs the code of a preload file twice; dask_setup runs once.
PRELOAD = f"""
import os, signal, time
import fib_parallel.dask as target
original = target.compute_chunk

def compute_chunk(part):
    if {SLOW} in part:
        time.sleep(0.2)
    if {POISON} in part:
        time.sleep(0.3)  # let the nanny see that its worker has started
        os.kill(os.getpid(), signal.SIGKILL)
    return original(part)

def dask_setup(worker):
    target.compute_chunk = compute_chunk
"""

CONFIG = {
    "distributed.scheduler.allowed-failures": 1,  # default 3; each death costs about 1 s
    # LocalCluster closes a worker for good if it has the bad luck to be down
    # at the end of this time (15 s) after one of its deaths.
    "distributed.deploy.lost-worker-timeout": "1 hour",
}


def fib(indices) -> list[int]:
    """The plain Python loop."""
    values = []
    for n in indices:
        a, b = 0, 1
        for _ in range(int(n)):
            a, b = b, a + b
        values.append(a)
    return values


def flat(tables) -> list[int]:
    return [value for table in tables for value in table]


@pytest.fixture(autouse=True)
def time_limit():
    """A test that hangs ends after 40 s."""

    def stop(*_):
        raise TimeoutError("test took more than 40 s")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(40)
    yield
    signal.alarm(0)


@pytest.fixture(scope="module")
def shared_client(tmp_path_factory):
    hook = tmp_path_factory.mktemp("preload") / "fib_hook.py"
    hook.write_text(PRELOAD)
    with (
        dask.config.set(CONFIG),
        distributed.LocalCluster(
            n_workers=WORKERS,
            threads_per_worker=1,
            memory_limit="512MiB",
            dashboard_address=None,
            preload=[str(hook)],
            silence_logs=logging.CRITICAL,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def worker_pids(client) -> list[int]:
    """The process ids of the workers that answer."""
    answers = client.run(os.getpid, on_error="return").values()
    return [pid for pid in answers if isinstance(pid, int) and os.path.exists(f"/proc/{pid}")]


@pytest.fixture
def client(shared_client):
    while len(worker_pids(shared_client)) != WORKERS:
        time.sleep(0.1)
    return shared_client


@pytest.mark.parametrize(
    "indices",
    [
        range(300),
        range(300, 0, -7),
        np.random.default_rng(5).integers(0, 500, 200, dtype=np.uint64),
        np.arange(300, dtype=np.uint64)[::3],
        np.arange(20),
        [5, 0, 93, 94, 5],
        (n for n in (1, 2, 400)),
        [7],
        [],
    ],
    ids=["range", "down", "array", "strided", "int64", "list", "iterator", "one", "none"],
)
def test_order_and_values(client, indices):
    batch = fd.batch(indices, client)
    expected = fib(batch.indices)
    assert len(batch) == len(expected)
    assert list(batch) == expected
    assert flat(batch.gather()) == expected
    assert [n for where in batch.positions for n in where] == list(range(len(expected)))
    assert len(batch.futures) <= WORKERS * fd.CHUNKS_PER_THREAD


@pytest.mark.parametrize("indices, error", [([1, -1], ValueError), ([1, 1.5], TypeError)])
def test_bad_indices_are_refused(client, indices, error):
    with pytest.raises(error, match="position 1"):
        fd.batch(indices, client)


def test_bag(client):
    batch = fd.batch(range(200), client, chunks=5)
    bag = batch.bag()
    assert bag.npartitions == 5
    assert bag.compute() == fib(range(200))
    assert bag.map(lambda value: value % 1000).sum().compute() == sum(
        value % 1000 for value in fib(range(200))
    )
    assert fd.batch([], client).bag().compute() == []


def test_tasks_are_small(client):
    sent = []
    fake = SimpleNamespace(
        asynchronous=False,
        scheduler_info=lambda n_workers: {"workers": {}},
        map=lambda function, parts, **_: sent.extend(parts),
    )
    fd.batch(range(10**6), fake)
    assert all(type(part) is range for part in sent)
    assert max(len(pickle.dumps(part)) for part in sent) < 100
    array = np.arange(10**6, dtype=np.uint64)
    sent.clear()
    fd.batch(array, fake, chunks=100)
    assert all(part.dtype == np.uint64 and np.shares_memory(part, array) for part in sent)
    # What the scheduler of a real cluster holds for one task.
    batch = fd.batch(range(1000, 1300), client)
    distributed.wait(batch.futures)
    task = client.cluster.scheduler.tasks[batch.futures[0].key]
    assert len(pickle.dumps(task.run_spec)) < 1000
    batch.cancel()


def test_chunks_by_cost(client):
    batch = fd.batch(range(POISON + 1, 3800), client, chunks=4)
    sizes = [len(where) for where in batch.positions]
    assert len(sizes) == 4 and sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 1.5 * sizes[-1]  # later numbers cost more
    batch.cancel()


def test_memory_is_refused_before_submission(client):
    before = set(client.cluster.scheduler.tasks)
    with pytest.raises(fib_parallel.LimitError, match=f"index {10**10} .* {512 * 2**20} bytes"):
        fd.batch([10**10, 1, 2], client)
    assert set(client.cluster.scheduler.tasks) == before


def test_memory_counts_the_threads_of_a_worker():
    def fake(threads, limit):
        worker = {"nthreads": threads, "memory_limit": limit}
        return SimpleNamespace(
            asynchronous=False,
            scheduler_info=lambda n_workers: {"workers": {"a": worker}},
            map=lambda *_, **__: [],
        )

    need = max(size for _, _, size in fib_parallel.cut(range(100), 4))
    fd.batch(range(100), fake(1, need), chunks=4)
    fd.batch(range(100), fake(4, 0), chunks=4)  # 0: no limit
    with pytest.raises(fib_parallel.LimitError):
        fd.batch(range(100), fake(4, need), chunks=4)


SEED = int(os.environ.get("FIB_TEST_SEED", random.randrange(2**32)))
KILLS = int(os.environ.get("FIB_TEST_KILLS", 3))


@pytest.mark.parametrize("seed", range(SEED, SEED + KILLS))
def test_killed_worker(client, seed):
    print("seed", seed)
    rng = random.Random(seed)
    pids = worker_pids(client)
    indices = [SLOW, *range(100)] * 6
    batch = fd.batch(indices, client, chunks=6)
    time.sleep(rng.uniform(0, 0.9))  # all is finished after about 0.6 s
    os.kill(rng.choice(pids), signal.SIGKILL)
    expected = ([fib_parallel.fib(SLOW)] + fib(range(100))) * 6
    assert flat(batch.gather()) == expected, f"seed {seed}"


def test_poison_index(client):
    indices = range(POISON - 40, POISON + 40)
    expected = fib(indices)
    batch = fd.batch(indices, client, chunks=8)
    with pytest.raises(fd.ChunkError) as caught:
        batch.gather()
    assert isinstance(caught.value.__cause__, distributed.KilledWorker)
    # Dask can blame a chunk that waited on the same worker. Alone, it succeeds.
    batch.retry()
    with pytest.raises(fib_parallel.Error) as caught:
        batch.gather()
    error = caught.value
    assert POISON in error.indices and 40 in error.positions
    assert indices[error.positions.start : error.positions.stop] == error.indices
    assert f"indices {error.indices[0]} to {error.indices[-1]}" in str(error)
    assert error.failed == [error.positions]
    for where, table in zip(batch.positions, error.tables, strict=True):
        if where == error.positions:
            assert table is None
        else:
            assert list(table) == expected[where.start : where.stop]
    assert [t is None for t in batch.gather("skip")] == [t is None for t in error.tables]
    copy = pickle.loads(pickle.dumps(error))
    assert copy.positions == error.positions and str(copy) == str(error)
    values = iter(batch)
    assert [next(values) for _ in range(error.positions.start)] == expected[: error.positions.start]
    with pytest.raises(fd.ChunkError):
        next(values)


def test_cancel(client):
    batch = fd.batch([SLOW] * 8, client, chunks=8)
    batch.cancel()
    with pytest.raises(CancelledError):
        batch.gather()
    assert batch.gather("skip") == [None] * len(batch.futures)
    with pytest.raises(ValueError, match="errors must be"):
        batch.gather("drop")


def test_no_client_and_asynchronous_client(monkeypatch):
    def no_client():
        raise ValueError("No global client found and no address provided")

    monkeypatch.setattr(distributed, "get_client", no_client)
    with pytest.raises(fib_parallel.Error, match="there is no Dask client"):
        fd.batch(range(5))
    with pytest.raises(fib_parallel.Error, match="must be synchronous"):
        fd.batch(range(5), SimpleNamespace(asynchronous=True))


def test_default_client(client):
    assert list(fd.batch(range(50))) == fib(range(50))


def test_import_without_dask():
    code = "import sys; sys.modules['distributed'] = None; import fib_parallel.dask"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "ImportError: fib_parallel.dask needs Dask and NumPy. Run: pip install" in run.stderr


def certificates(folder: Path) -> dict[str, str]:
    """Write a new CA and one certificate signed by it. Return their paths."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    def usage(ca):
        kinds = "digital_signature content_commitment key_encipherment data_encipherment"
        kinds += " key_agreement key_cert_sign crl_sign encipher_only decipher_only"
        on = ("key_cert_sign", "crl_sign") if ca else ("digital_signature",)
        return x509.KeyUsage(**{kind: kind in on for kind in kinds.split()})

    def make(name, issuer, ca_key):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.timezone.utc)
        signer = ca_key or key
        cert = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer or subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=ca_key is None, path_length=None), True)
            .add_extension(usage(ca_key is None), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False
            )
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
                False,
            )
            .sign(signer, hashes.SHA256())
        )
        return key, cert, subject

    ca_key, ca_cert, ca_name = make("test CA", None, None)
    key, cert, _ = make("test node", ca_name, ca_key)
    pem = serialization.Encoding.PEM
    files = {
        "ca-file": ca_cert.public_bytes(pem),
        "cert": cert.public_bytes(pem),
        "key": key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    }
    for name, text in files.items():
        (folder / f"{name}.pem").write_bytes(text)
    return {name: str(folder / f"{name}.pem") for name in files}


@pytest.mark.parametrize("scheme", ["tcp", "tls"])
def test_separate_processes(tmp_path, scheme):
    arguments, security = [], None
    if scheme == "tls":
        pem = certificates(tmp_path)
        arguments = [text for name in pem for text in (f"--tls-{name}", pem[name])]
        security = distributed.Security(
            tls_ca_file=pem["ca-file"],
            tls_client_cert=pem["cert"],
            tls_client_key=pem["key"],
            require_encryption=True,
        )
    places = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, places)])}
    processes = []

    def start(*command):
        log = open(tmp_path / f"log{len(processes)}", "w")
        line = [sys.executable, "-m", "dask", *command, *arguments]
        processes.append(subprocess.Popen(line, env=env, cwd=tmp_path, stdout=log, stderr=log))
        log.close()

    try:
        file = tmp_path / "scheduler.json"
        start(
            "scheduler", "--host", f"{scheme}://127.0.0.1", "--port", "0",
            "--no-dashboard", "--scheduler-file", str(file),
        )  # fmt: skip
        for _ in range(2):
            start(
                "worker", "--scheduler-file", str(file), "--nthreads", "1",
                "--memory-limit", "512MiB", "--no-dashboard", "--local-directory", str(tmp_path),
            )  # fmt: skip
        while not file.exists():
            time.sleep(0.05)
            assert processes[0].poll() is None, (tmp_path / "log0").read_text()
        with distributed.Client(
            scheduler_file=str(file), security=security, timeout=20, set_as_default=False
        ) as client:
            client.wait_for_workers(2, timeout=20)
            assert client.scheduler.address.startswith(f"{scheme}://127.0.0.1:")
            workers = client.scheduler_info(n_workers=-1)["workers"]
            assert len(workers) == 2 and all(name.startswith(f"{scheme}://") for name in workers)
            batch = fd.batch(range(400), client)
            assert flat(batch.gather()) == list(batch) == fib(range(400))
    finally:
        for process in reversed(processes):  # the scheduler last, workers talk to it
            process.terminate()
            process.wait(10)
