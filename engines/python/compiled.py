"""The arithmetic of residues, compiled by Numba. The modulus is 0 for 2^64.

The modulus is a constant of the compiled code, as a global variable would be, because division by a
constant is faster. Numba takes a Python int for an int64, and an int64 plus a uint64 is a float64, so
every constant is a uint64.
"""

# Numba computes this many indices side by side. LLVM puts them into vector registers.
# 64 was the fastest of 16, 32, 64 and 128.
LANES = 64


def compile_scalar(modulus, parallel):
    """Compiles fast doubling for a batch, one index after another."""
    from numba import njit, prange, uint64, void

    zero, one, half_word, m = map(numpy.uint64, (0, 1, HALF_WORD, modulus))

    @njit
    def chain(n):
        bits, rest = zero, n
        while rest:  # LLVM makes this loop one instruction
            bits += one
            rest >>= one
        a, b = zero, one
        while bits:
            bits -= one
            c = b + b - a + m
            if m == zero:
                c, d = a * c, a * a + b * b
            elif m <= half_word:
                c, d = a * c % m, (a * a + b * b) % m
            else:
                c, d = a * (c % m) % m, (a * a % m + b * b) % m
            if n >> bits & one:
                a, b = d, c + d
                if m != zero and b >= m:
                    b -= m
            else:
                a, b = c, d
        return a

    @njit(void(uint64[::1], uint64[::1]), parallel=parallel)
    def fill(indices, numbers):
        for i in prange(indices.size):  # without `parallel`, prange is range
            numbers[i] = chain(indices[i])

    return fill


def compile_lanes(modulus, parallel):
    """Compiles fast doubling for a batch, `LANES` indices side by side."""
    from numba import njit, prange, uint64, void

    zero, one, half_word, m = map(numpy.uint64, (0, 1, HALF_WORD, modulus))

    @njit(void(uint64[::1], uint64[::1]), parallel=parallel)
    def fill(indices, numbers):
        for block in prange((indices.size + LANES - 1) // LANES):
            first = block * LANES
            items = min(LANES, indices.size - first)
            n = numpy.zeros(LANES, numpy.uint64)
            a = numpy.zeros(LANES, numpy.uint64)
            b = numpy.ones(LANES, numpy.uint64)
            bits, rest = zero, zero
            for i in range(items):
                n[i] = indices[first + i]
                rest |= n[i]
            while rest:
                bits += one
                rest >>= one
            while bits:
                bits -= one
                for i in range(LANES):  # no branches here, so that LLVM can use vectors
                    c = b[i] + b[i] - a[i] + m
                    if m == zero:
                        c, d = a[i] * c, a[i] * a[i] + b[i] * b[i]
                    elif m <= half_word:
                        c, d = a[i] * c % m, (a[i] * a[i] + b[i] * b[i]) % m
                    else:
                        c, d = a[i] * (c % m) % m, (a[i] * a[i] % m + b[i] * b[i]) % m
                    above = c + d
                    if m != zero:
                        above = min(above, above - m)
                    odd = n[i] >> bits & one
                    a[i] = d if odd else c
                    b[i] = above if odd else d
            for i in range(items):
                numbers[first + i] = a[i]

    return fill
