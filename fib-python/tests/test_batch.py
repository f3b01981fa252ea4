"""Numbers, tables and their views, and what is refused."""

import array
import pickle
import random
from collections.abc import Sequence

import numpy
import pytest

import fib_parallel
from fib_parallel import LimitError, batch, cut, fib, mod, text

NAMES = [name for name, _ in fib_parallel.backends()]
PARALLEL = [name for name in NAMES if name not in ("sequential", "auto")]


@pytest.mark.parametrize("n", [0, 1, 2, 92, 93, 94, 186, 187, 1000, 12345])
def test_a_number(n, oracle):
    assert fib(n) == oracle(n)


@pytest.mark.parametrize("backend", NAMES)
@pytest.mark.parametrize("kernel", ["stepping", "doubling", "iterative"])
def test_every_backend_and_kernel(backend, kernel, oracle):
    indices = [500, 0, 7, 93, 94, 500, 1, 1234]
    expected = [oracle(n) for n in indices]
    table = batch(indices, backend=backend, workers=2, kernel=kernel, chunking="items:2")
    assert table.to_ints() == expected
    assert text(indices, backend=backend, workers=2, kernel=kernel) == [str(n) for n in expected]


@pytest.mark.parametrize("backend", NAMES)
@pytest.mark.parametrize("kernel", ["scalar", "lanes"])
@pytest.mark.parametrize("m", [1, 97, 10**9 + 7, 2**63, 2**64])
def test_residues(backend, kernel, m, oracle):
    indices = [0, 1, 90, 300, 301, 2000]
    table = mod(m, indices, backend=backend, workers=2, kernel=kernel)
    assert list(table) == [oracle(n) % m for n in indices]
    assert table.modulus == m
    assert numpy.asarray(table).tolist() == list(table)


def sources(indices):
    """The same indices from every kind of source."""
    yield list(indices)
    yield tuple(indices)
    yield iter(list(indices))
    for kind in ("uint64", "int64", "int32", "uint8", "object"):
        yield numpy.array(indices, dtype=kind)
    yield numpy.repeat(numpy.array(indices, dtype="uint64"), 2)[::2]  # not contiguous
    yield array.array("Q", indices)
    yield memoryview(array.array("q", indices))


def test_every_source_of_indices(oracle):
    indices = [3, 1, 200, 1]
    expected = [oracle(n) for n in indices]
    for source in sources(indices):
        assert batch(source).to_ints() == expected, source
    for order in (">u8", ">i8", "<u8", "<i8", ">u4"):
        assert batch(numpy.array(indices, dtype=order)).to_ints() == expected, order
    assert list(batch(batch([0, 5, 6, 7]))) == [oracle(n) for n in (0, 5, 8, 13)]
    assert batch(bytes([5, 6])).to_ints() == [5, 8]
    assert batch(set()).to_ints() == []


@pytest.mark.parametrize(
    "indices", [range(0), range(5), range(10, 3, -2), range(7, 300, 31), range(2**64, 0)]
)
def test_ranges(indices, oracle):
    assert list(batch(indices)) == [oracle(n) for n in indices]


def test_a_range_is_not_expanded():
    with pytest.raises(LimitError):
        batch(range(10**15))  # as Python objects this would take minutes and all memory


@pytest.mark.parametrize(
    ("indices", "error", "message"),
    [
        ([1, 2, -3], ValueError, "position 2: an index must be from 0 to 2**64 - 1, not -3"),
        ([2**64], ValueError, "position 0: .* not 18446744073709551616"),
        (numpy.array([4, -5]), ValueError, "position 1: .* not -5"),
        (range(3, -2, -1), ValueError, "position 4: .* not -1"),
        ([1, "2"], TypeError, "position 1: an index must be an integer, not str"),
        ([1.0], TypeError, "position 0: an index must be an integer, not float"),
        (7, TypeError, "iterable"),
        (numpy.arange(4).reshape(2, 2), TypeError, "position 0: "),
        (numpy.arange(4, dtype="uint64").reshape(2, 2), TypeError, "position 0: "),
    ],
)
def test_wrong_indices(indices, error, message):
    with pytest.raises(error, match=message.replace("**", r"\*\*").replace("(", r"\(")):
        batch(indices)


def test_wrong_names():
    with pytest.raises(ValueError, match="backend: expected one of sequential"):
        batch([1], backend="none")
    with pytest.raises(ValueError, match="kernel: expected stepping"):
        batch([1], kernel="none")
    with pytest.raises(ValueError, match='kernel: expected lanes or scalar, not "stepping"'):
        mod(7, [1], kernel="stepping")
    with pytest.raises(ValueError, match="chunking: expected per-worker:K"):
        batch([1], chunking="none")
    with pytest.raises(ValueError, match="modulus: expected a modulus"):
        mod(0, [1])
    with pytest.raises(fib_parallel.BackendError, match="too many"):
        batch([1], backend="rayon", workers=10**6)
    for workers in (0, -1):
        with pytest.raises(ValueError, match=f"workers must be at least 1, not {workers}"):
            batch([1], workers=workers)
    for m in (0, -1, 2**63 + 1, 2**64 + 1, 2**200):
        with pytest.raises(ValueError, match="modulus: expected"):
            mod(m, [1])
    with pytest.raises(TypeError):
        mod("7", [1])


def test_an_error_of_the_iterable_passes_through():
    def broken():
        yield 1
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        batch(broken())


def test_memory_is_refused_before_any_work():
    with pytest.raises(LimitError, match="the limit is"):
        fib(10**15)
    with pytest.raises(MemoryError):
        batch([10**15])
    assert issubclass(LimitError, fib_parallel.Error)


def test_a_table_is_a_sequence(oracle):
    indices = [9, 400, 0, 93]
    table, expected = batch(indices), [oracle(n) for n in indices]
    assert len(table) == 4
    assert [table[i] for i in range(-4, 4)] == expected + expected
    assert table[1:3] == expected[1:3]
    assert table[::-2] == expected[::-2]
    assert list(table) == list(iter(table)) == expected
    assert table.to_strings() == [str(n) for n in expected]
    assert table.indices.tolist() == indices
    assert table.modulus is None
    assert expected[1] in table
    assert repr(table) == f"<fib_parallel.Table of 4 numbers, {table.nbytes} bytes>"
    for position in (4, -5, 10**30):
        with pytest.raises(IndexError):
            table[position]
    with pytest.raises(TypeError):
        table["1"]


def test_a_table_has_the_methods_of_a_sequence():
    indices = [5, 0, 300, 1, 300, 2]
    table, expected = batch(indices), batch(indices).to_ints()
    assert isinstance(table, Sequence)
    assert list(reversed(table)) == expected[::-1]
    for value in [*expected, 1.0, numpy.int64(5), 7, -1, "5", None]:
        assert table.count(value) == expected.count(value)
        assert (value in table) == (value in expected)
        for bounds in ((), (0,), (4,), (1, 4), (-4, -1), (-100, 100), (2**70,), (0, -(2**70))):
            if value in expected[slice(*bounds) if len(bounds) > 1 else slice(*bounds, None)]:
                assert table.index(value, *bounds) == expected.index(value, *bounds)
            else:
                with pytest.raises(ValueError, match="not in the table"):
                    table.index(value, *bounds)
    assert table.index(1, start=-1, stop=None) == 5
    with pytest.raises(TypeError):
        table.index(1, "0")
    match table:
        case [first, *_]:
            assert first == 5
        case _:
            raise AssertionError("a table matches the pattern of a sequence")


def test_equal_tables(oracle):
    indices = [0, 300, 5, 300, 1]
    table = batch(indices)
    assert table == table
    assert table == batch(indices, kernel="doubling")
    assert table == pickle.loads(pickle.dumps(table)) == table
    assert batch([1, 2]) == batch([2, 1])  # the numbers are 1 and 1
    assert batch([0, 7]) == mod(97, [0, 7])  # the residues are 0 and 13
    assert batch([]) == batch([])
    for other in (batch(indices[:-1]), batch([0, 300, 5, 301, 1]), mod(97, indices), batch([])):
        assert table != other
        assert not table == other
    assert table != table.to_ints()
    assert table.__eq__(table.to_ints()) is NotImplemented
    with pytest.raises(TypeError, match="unhashable"):
        hash(table)


def test_views_share_the_memory_and_are_read_only(oracle):
    indices = [300, 5, 0, 300, 94]
    table = batch(indices)
    limbs, bounds = map(numpy.asarray, table.limbs())
    assert limbs.dtype == bounds.dtype == numpy.uint64
    assert bounds.shape == (5, 2)
    assert numpy.shares_memory(limbs, numpy.asarray(table))
    assert not limbs.flags.writeable
    for n, (start, stop) in zip(indices, bounds.tolist()):
        assert int.from_bytes(limbs[start:stop].tobytes(), "little") == oracle(n)
    with pytest.raises(TypeError):
        memoryview(table)[0] = 1
    del table
    assert limbs[-1] >= 0  # the view keeps the memory
    empty = numpy.asarray(batch([]))
    assert empty.shape == (0,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(protocol, oracle):
    indices = [300, 5, 0, 300, 94]
    for table in (batch(indices), mod(97, indices), batch([])):
        copy = pickle.loads(pickle.dumps(table, protocol=protocol))
        assert (list(copy), copy.modulus) == (list(table), table.modulus)
        assert copy.indices.tolist() == table.indices.tolist()


def test_a_damaged_pickle_is_refused():
    from fib_parallel import _core

    with pytest.raises(ValueError, match="damaged"):
        _core._table("stepping", None, bytes(8), bytes(8))  # F(0) has no limbs
    with pytest.raises(ValueError, match="whole 64-bit words"):
        _core._table("stepping", None, bytes(7), bytes(8))


def test_a_received_table_is_a_copy_of_what_others_can_change():
    table, buffers = batch(range(200)), []
    small = pickle.dumps(table, protocol=5, buffer_callback=buffers.append)
    memory = bytearray(buffers[0].raw())
    copy = pickle.loads(small, buffers=[memory])
    memory[:] = bytes(len(memory))
    assert list(copy) == list(table)
    odd = memoryview(b"x" + bytes(buffers[0].raw()))[1:]  # not at a multiple of eight
    assert list(pickle.loads(small, buffers=[odd])) == list(table)


def test_pickle_out_of_band():
    table, buffers = batch(range(2000)), []
    small = pickle.dumps(table, protocol=5, buffer_callback=buffers.append)
    assert len(small) < 2000 * 8 + 500  # the indices
    assert sum(len(b.raw()) for b in buffers) == table.nbytes
    assert list(pickle.loads(small, buffers=buffers)) == list(table)


def test_chunks_of_equal_cost():
    parts = cut(range(2000), 4)
    assert len(parts) == 4
    assert [start for start, _, _ in parts[1:]] == [stop for _, stop, _ in parts[:-1]]
    assert (parts[0][0], parts[-1][1]) == (0, 2000)
    sizes = [stop - start for start, stop, _ in parts]
    assert sizes == sorted(sizes, reverse=True)  # later numbers cost more
    for start, stop, memory in parts:
        assert memory >= batch(range(start, stop)).nbytes
    mixed = [10, 50_000, 10, 10]
    assert [stop - start for start, stop, _ in cut(mixed, 2, kernel="doubling")] in ([2, 2], [1, 3])
    assert cut([], 3) == []


def test_random_batches_agree(oracle):
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    for _ in range(50):
        indices = [rng.randrange(rng.choice([3, 100, 3000])) for _ in range(rng.randrange(30))]
        backend, workers = rng.choice(PARALLEL), rng.randrange(1, 4)
        table = batch(indices, backend, workers, kernel=rng.choice(["stepping", "doubling"]))
        assert table.to_ints() == [oracle(n) for n in indices], (seed, backend, workers, indices)
