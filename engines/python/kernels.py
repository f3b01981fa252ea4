"""The arithmetic in Python and in vectors of NumPy.

This is the first of five files. `fib` joins kernels.py, compiled.py, pools.py, backends.py and engine.py
to one text and passes it to Python with -c, so they import nothing from each other. Packages are
imported when a backend is built, because importing Numba takes about half a second and every runner
says hello first.
"""

from itertools import islice

WORD = 2**64

# For moduli up to this, a sum of two products of residues fits into 64 bits.
HALF_WORD = 2**31

# NumPy works on this many indices at once. Larger vectors would not stay in the cache, and smaller
# ones would need too many calls. This was the fastest of 4096, 8192, 16384 and 32768.
BLOCK = 16384

# The table of all numbers up to this index takes about 450 MB.
LARGEST_TABLE = 100_000


def fib(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def stepping(indices):
    """One pass of additions, from each distinct index to the next larger one."""
    numbers = {}
    a, b, k = 0, 1, 0
    for n in sorted(set(indices)):
        for _ in range(n - k):
            a, b = b, a + b
        numbers[n], k = a, n
    return [numbers[n] for n in indices]


def residue(modulus, n):
    """F(n) by fast doubling: for each bit of n, a step from F(k), F(k+1) to F(2k), F(2k+1)."""
    a, b = 0, 1
    for bit in bin(n)[2:]:
        c, d = a * (2 * b - a) % modulus, (a * a + b * b) % modulus
        a, b = (d, c + d) if bit == "1" else (c, d)
    return a


def import_numpy():
    global numpy
    import numpy


def word_modulus(modulus):
    """The modulus for arithmetic in 64 bits, which wraps modulo 2^64 if this is 0."""
    if modulus != WORD and modulus >= 2**32:
        raise ValueError(f"this backend can do 2^64 and moduli below 2^32, but not {modulus}")
    return modulus % WORD


def lanes(n, m):
    """Fast doubling for an array of indices at once. m is 0 for the modulus 2^64.

    The arrays are changed in place, because NumPy would need as much time for new ones as for the
    arithmetic.
    """
    a, b = numpy.zeros_like(n), numpy.ones_like(n)
    c, odd = numpy.empty_like(n), numpy.empty_like(n)

    def reduce(numbers, scratch):  # NumPy divides by a scalar much faster than it takes remainders
        numpy.floor_divide(numbers, m, out=scratch)
        scratch *= m
        numbers -= scratch

    for bit in reversed(range(int(n.max()).bit_length())):
        numpy.subtract(b, a, out=c)
        c += b
        if m:
            c += m  # 2b - a may be negative
        if m > HALF_WORD:
            reduce(c, odd)
        c *= a
        a *= a
        if m > HALF_WORD:
            reduce(a, odd)
        b *= b
        b += a
        if m:
            reduce(c, odd)
            reduce(b, odd)
        # Now c is F(2k) and b is F(2k+1). Where the bit is 1, a and b move on by one index. A
        # product with the bit does that in place.
        numpy.right_shift(n, bit, out=odd)
        odd &= 1
        numpy.subtract(b, c, out=a)
        a *= odd
        a += c
        c *= odd
        b += c
        if m:
            numpy.minimum(b, b - m, out=b)  # below m, b - m wraps to a large number
    return a


def vector_iterative(indices):
    """The textbook loop on vectors of Python ints. An index leaves them after its n additions."""
    order = numpy.argsort(indices)
    numbers = numpy.empty(len(indices), dtype=object)
    a = numpy.zeros(len(indices), dtype=object)
    b = numpy.ones(len(indices), dtype=object)
    k = 0
    for n, count in zip(*map(numpy.ndarray.tolist, numpy.unique(indices, return_counts=True))):
        for _ in range(n - k):
            a += b
            a, b = b, a
        numbers[order[:count]] = a[:count]
        order, a, b, k = order[count:], a[count:], b[count:], n
    return numbers


def fib_sequence():
    a, b = 0, 1
    while True:
        yield a
        a, b = b, a + b


def vector_stepping(indices):
    """Fills a table from F(0) to the largest number, and takes the numbers from the table."""
    items = int(indices.max(initial=0)) + 1
    return numpy.fromiter(islice(fib_sequence(), items), dtype=object, count=items)[indices]
