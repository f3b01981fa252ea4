//! Long products, by number-theoretic transforms: O(n log n).
//!
//! The limbs of a number are the coefficients of a polynomial in x, and the columns of a product are the
//! coefficients of the product of two polynomials (Pollard, The fast Fourier transform in a finite field,
//! Mathematics of Computation 25, 1971). They are computed modulo three primes ([`field`](super::field)), which
//! is enough to know them, as they are below the product of the primes.
//!
//! Eight coefficients are a block. With y = x^8, a polynomial is one in y whose coefficients are blocks, and
//! [`transform`] never needs to exchange lanes. What remains to be multiplied are pairs of blocks, modulo
//! x^8 - r for a root r.
//!
//! The product is computed modulo y^m - 1 for m = 2^k, of which it has fewer coefficients. If m / 4 * 3 are enough,
//! it is computed modulo y^(m/2) - 1 and modulo y^(m/4) - i instead, where i^2 = -1. These are the polynomials of
//! nodes 0 and 2 of the transform of length m.

use super::LONGEST;
use super::columns::Block;
use super::field::{Constant, Factor, Field, LOW_BITS, P, PRIMES, Prime, Roots, inverse, product};
use super::transform::{restore, transform};
use bytemuck::cast;
use std::arch::x86_64::*;

/// The numbers of blocks that polynomials have.
#[derive(Clone, Copy)]
struct Size {
    /// Modulo y^whole - 1.
    whole: usize,
    /// Modulo y^quarter - i, where quarter is half of whole, or 0.
    quarter: usize,
}

impl Size {
    /// The smallest size for products of this many limbs.
    fn for_product(limbs: usize) -> Self {
        let blocks = limbs.div_ceil(8).max(16);
        let whole = blocks.next_power_of_two();
        if blocks <= whole / 4 * 3 {
            Size { whole: whole / 2, quarter: whole / 4 }
        } else {
            Size { whole, quarter: 0 }
        }
    }

    fn blocks(self) -> usize {
        self.whole + self.quarter
    }

    /// The blocks of the table of roots. The last level has half as many nodes as there are blocks.
    fn root_blocks(self) -> usize {
        Roots::blocks(self.blocks().next_power_of_two() / 2)
    }
}

/// The scratch memory for a product of two numbers of `len` limbs, in limbs: three arrays of residues, one more
/// for the second number, the roots, and a block to align them.
pub(super) fn scratch_limbs(len: usize) -> usize {
    let size = Size::for_product(2 * len.min(LONGEST));
    8 * (4 * size.blocks() + size.root_blocks() + 1)
}

/// The columns of `a * b`, or of `a * a` if there is no `b`, in the scratch memory. They have digits of 52 bits,
/// the lowest first, except that the middle digit may be up to 2^54 and the highest digit less.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn convolve_limbs<'a>(
    a: &[u64],
    b: Option<&[u64]>,
    scratch: &'a mut [u64],
) -> [&'a [Block]; 3] {
    assert!(a.len() <= LONGEST, "the columns could reach the product of the primes");
    let size = Size::for_product(2 * a.len());
    let (_, scratch) = scratch.split_at_mut(scratch.as_ptr().align_offset(align_of::<__m512i>()));
    let (scratch, _) = scratch.as_chunks_mut();
    let (root_table, scratch) = scratch.split_at_mut(size.root_blocks());
    let (other, scratch) = scratch.split_at_mut(size.blocks());
    let residues = &mut scratch[..3 * size.blocks()];
    for (prime, residues) in PRIMES.iter().zip(residues.chunks_exact_mut(size.blocks())) {
        let ring = Ring {
            prime,
            field: Field::new(prime),
            roots: Roots::compute(prime, root_table),
            size,
        };
        ring.evaluate(residues, a);
        match b {
            Some(b) => {
                ring.evaluate(other, b);
                ring.multiply(residues, Some(other));
            }
            None => ring.multiply(residues, None),
        }
        ring.interpolate(residues);
    }
    let (first, rest) = residues.split_at_mut(size.blocks());
    let (second, third) = rest.split_at_mut(size.blocks());
    combine(first, second, third);
    [first, second, third]
}

/// The polynomials modulo one prime.
struct Ring<'a> {
    prime: &'a Prime,
    field: Field,
    roots: Roots<'a>,
    size: Size,
}

impl Ring<'_> {
    /// The transform of a number, which has at most half as many limbs as the ring has coefficients.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn evaluate(&self, out: &mut [Block], limbs: &[u64]) {
        self.load(out, limbs);
        let (whole, quarter) = out.split_at_mut(self.size.whole);
        if self.size.quarter > 0 {
            // The number has no coefficients beyond y^whole. Modulo y^quarter - i, the higher half is taken
            // times i, which is the root of node 1.
            let i = self.roots.root(1);
            let (low, high) = whole.split_at(self.size.quarter);
            for ((out, low), high) in quarter.iter_mut().zip(low).zip(high) {
                let high = self.field.multiply(cast(*high), i);
                *out = cast(self.field.add(cast(*low), high));
            }
            transform(self.field, &self.roots, quarter, 2);
        }
        transform(self.field, &self.roots, whole, 0);
    }

    /// The limbs modulo the prime, below 2p, and zeros.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn load(&self, out: &mut [Block], limbs: &[u64]) {
        let shift = Factor::new(self.prime.shift);
        let (blocks, rest) = limbs.as_chunks();
        let last: Block = std::array::from_fn(|i| rest.get(i).copied().unwrap_or(0));
        let (used, unused) = out.split_at_mut(limbs.len().div_ceil(8));
        for (out, block) in used.iter_mut().zip(blocks.iter().chain([&last])) {
            let limbs = cast(*block);
            let low = _mm512_and_si512(limbs, _mm512_set1_epi64(LOW_BITS));
            let high = self.field.multiply(_mm512_srli_epi64::<52>(limbs), shift);
            // 2^52 is a little more than 4p, so what is left of `low` may be a little more than p.
            let low = self.field.reduce_fully(low);
            *out = cast(self.field.reduce(self.field.add(low, high)));
        }
        unused.fill([0; 8]);
    }

    /// The products of the transforms, below 2p, divided by what [`interpolate`](Self::interpolate) multiplies
    /// them by.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn multiply(&self, a: &mut [Block], b: Option<&[Block]>) {
        let Size { whole, quarter } = self.size;
        let (a_whole, a_quarter) = a.split_at_mut(whole);
        let (b_whole, b_quarter) = b.map(|b| b.split_at(whole)).unzip();
        if quarter == 0 {
            return self.multiply_leaves(a_whole, b_whole, 0, whole);
        }
        self.multiply_leaves(a_whole, b_whole, 0, 2 * whole);
        self.multiply_leaves(a_quarter, b_quarter, quarter, 2 * quarter);
    }

    /// The products of remainders modulo x^8 - r and x^8 + r, where r is the root of a node, for each node from
    /// `first_node` on, divided by a power of two.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn multiply_leaves(
        &self,
        a: &mut [Block],
        b: Option<&[Block]>,
        first_node: usize,
        divisor: usize,
    ) {
        let (field, p) = (self.field, self.prime.p);
        let scale = p - (p - 1) / divisor as u64; // times the divisor this is 1 + p (divisor - 1)
        let shifted_scale = product(scale, self.prime.shift.value, p);
        let [scale, shifted_scale] =
            [scale, shifted_scale].map(|value| Factor::new(Constant::new(value, p)));
        for (i, pair) in a.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            let root = self.roots.root(first_node + i);
            for (j, a) in pair.iter_mut().enumerate() {
                let y = field.reduce(b.map_or(cast(*a), |b| cast(b[2 * i + j])));
                let wrapped = field.multiply(y, root);
                let wrapped = if j == 0 { wrapped } else { _mm512_sub_epi64(field.two_p, wrapped) };
                let [low, high] = multiply_block(cast(field.reduce_fully(cast(*a))), y, wrapped);
                let (low, high) = (field.multiply(low, scale), field.multiply(high, shifted_scale));
                *a = cast(field.reduce(field.add(low, high)));
            }
        }
    }

    /// The coefficients of the polynomial from its transform, below 2p.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn interpolate(&self, residues: &mut [Block]) {
        let (field, Size { whole, quarter }) = (self.field, self.size);
        let (whole_residues, quarter_residues) = residues.split_at_mut(whole);
        restore(field, &self.roots, whole_residues, 0);
        if quarter == 0 {
            return;
        }
        restore(field, &self.roots, quarter_residues, 2);
        // With the polynomial f = c0 + c1 z + c2 z^2, where z = y^quarter, these are the halves of f modulo
        // z^2 - 1, which is c0 + c2 + c1 z, and of f modulo z - i, which is c0 - c2 + i c1.
        let i = self.roots.root(1);
        let (low, middle) = whole_residues.split_at_mut(quarter);
        for ((low, middle), high) in low.iter_mut().zip(middle).zip(quarter_residues) {
            let (sum, c1, rest) = (cast(*low), cast(*middle), cast(*high));
            let difference = field.reduce(field.subtract(rest, field.multiply(c1, i)));
            *low = cast(field.reduce(field.add(sum, difference)));
            *middle = cast(field.reduce(field.add(c1, c1)));
            *high = cast(field.reduce(field.subtract(sum, difference)));
        }
    }
}

/// `x * y` modulo x^8 - r, where `wrapped` is `y * r`: the low 52 bits of the columns, and the bits above, both
/// below 2^52.
///
/// `x` is below p, and the others are at most 2p. So a column is below 8 * 2 p^2 < 2^104.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn multiply_block(x: Block, y: __m512i, wrapped: __m512i) -> [__m512i; 2] {
    let shifted = [
        y,
        _mm512_alignr_epi64::<7>(y, wrapped),
        _mm512_alignr_epi64::<6>(y, wrapped),
        _mm512_alignr_epi64::<5>(y, wrapped),
        _mm512_alignr_epi64::<4>(y, wrapped),
        _mm512_alignr_epi64::<3>(y, wrapped),
        _mm512_alignr_epi64::<2>(y, wrapped),
        _mm512_alignr_epi64::<1>(y, wrapped),
    ];
    // Two sums of each kind, so that an instruction does not wait for the one before.
    let (mut low, mut high) = ([_mm512_setzero_si512(); 2], [_mm512_setzero_si512(); 2]);
    for (i, (&digit, row)) in x.iter().zip(shifted).enumerate() {
        let digit = _mm512_set1_epi64(digit.cast_signed());
        low[i % 2] = _mm512_madd52lo_epu64(low[i % 2], digit, row);
        high[i % 2] = _mm512_madd52hi_epu64(high[i % 2], digit, row);
    }
    let (low, high) = (_mm512_add_epi64(low[0], low[1]), _mm512_add_epi64(high[0], high[1]));
    let carried = _mm512_srli_epi64::<52>(low);
    [_mm512_and_si512(low, _mm512_set1_epi64(LOW_BITS)), _mm512_add_epi64(high, carried)]
}

/// Replaces the residues of columns by the digits of the columns. The residues are below 2p.
///
/// By Garner's algorithm (Knuth, The Art of Computer Programming, 4.3.2): a column is
/// v1 + v2 p1 + v3 p1 p2, where each v is below its prime.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn combine(first: &mut [Block], second: &mut [Block], third: &mut [Block]) {
    const INVERSES: [Constant; 3] = [
        Constant::new(inverse(P[0], P[1]), P[1]),
        Constant::new(inverse(product(P[0], P[1], P[2]), P[2]), P[2]),
        Constant::new(inverse(P[1], P[2]), P[2]),
    ];
    const P1_P2: u128 = P[0] as u128 * P[1] as u128;
    let fields = [0, 1, 2].map(|i| Field::new(&PRIMES[i]));
    let inverses = INVERSES.map(|constant| Factor::new(constant));
    let product_digits =
        [P1_P2 as i64 & LOW_BITS, (P1_P2 >> 52) as i64].map(|x| _mm512_set1_epi64(x));
    for ((first, second), third) in first.iter_mut().zip(second).zip(third) {
        let v1 = fields[0].reduce_fully(cast(*first));
        let rest = fields[1].subtract(cast(*second), v1);
        let v2 = fields[1].reduce_fully(fields[1].multiply(rest, inverses[0]));
        let rest = fields[2].multiply(fields[2].subtract(cast(*third), v1), inverses[1]);
        let known = fields[2].multiply(v2, inverses[2]);
        let v3 = fields[2].reduce_fully(fields[2].subtract(rest, known));
        let low = _mm512_madd52lo_epu64(v1, fields[0].p, v2);
        let low = _mm512_madd52lo_epu64(low, product_digits[0], v3);
        let middle = _mm512_madd52hi_epu64(_mm512_srli_epi64::<52>(low), fields[0].p, v2);
        let middle = _mm512_madd52hi_epu64(middle, product_digits[0], v3);
        let middle = _mm512_madd52lo_epu64(middle, product_digits[1], v3);
        let high = _mm512_madd52hi_epu64(_mm512_setzero_si512(), product_digits[1], v3);
        *first = cast(_mm512_and_si512(low, _mm512_set1_epi64(LOW_BITS)));
        (*second, *third) = (cast(middle), cast(high));
    }
}
