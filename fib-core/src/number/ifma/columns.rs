//! The columns of a product: for each k, the sum of the products of digit i of one number and digit k - i of
//! the other.
//!
//! The digits are taken in blocks of eight, one vector each. A product of two digits has up to 104 bits, and
//! one instruction adds its low 52 bits to a sum, another the bits above. With all eight lanes in use, an
//! instruction multiplies one digit of block i of `a` with the eight digits of block j of `b`. Products with
//! equal i + j and with the same digit of their blocks of `a` are in the same columns, so they are added up in
//! the same register: 16 registers for the eight digits, which depend on no other. Only when all products of
//! i + j are added, the sums are moved to their columns ([`Overlap`]). They reach into the next block of
//! columns.
//!
//! No sum overflows: each product adds less than 2^52 to two sums. A column has at most as many products as
//! the shorter number has digits, 2^11 at most, so even both sums together stay below 2^64.

use bytemuck::cast;
use std::arch::x86_64::*;

/// Eight digits of at most 52 bits, the lowest first, or the sums of eight columns.
pub(super) type Block = [u64; 8];

/// More blocks would overflow the sums.
const MOST_BLOCKS: usize = 1 << (11 - 3);

/// Sums of products of two blocks. The products of digit i of the first block are in element i, so lane j
/// belongs to column i + j.
pub(super) struct Sums {
    /// The low 52 bits of the products.
    pub(super) low: [__m512i; 8],
    /// The bits above.
    pub(super) high: [__m512i; 8],
}

impl Sums {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn zero() -> Self {
        Sums { low: [_mm512_setzero_si512(); 8], high: [_mm512_setzero_si512(); 8] }
    }

    /// Adds the products of the first block of `a` and the last of `b`, of the second and the last but one,
    /// and so on.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn add_products(&mut self, a: &[Block], b: &[Block]) {
        for (a, b) in a.iter().zip(b.iter().rev()) {
            let b = cast(*b);
            for (i, digit) in a.iter().enumerate() {
                let digit = _mm512_set1_epi64(digit.cast_signed());
                self.low[i] = _mm512_madd52lo_epu64(self.low[i], digit, b);
                self.high[i] = _mm512_madd52hi_epu64(self.high[i], digit, b);
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn double(&mut self) {
        self.low = self.low.map(|sum| _mm512_add_epi64(sum, sum));
        self.high = self.high.map(|sum| _mm512_add_epi64(sum, sum));
    }
}

/// The sums of the block of columns before, which reach into the next block.
pub(super) struct Overlap([__m512i; 8]);

impl Overlap {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn new() -> Self {
        Overlap([_mm512_setzero_si512(); 8])
    }

    /// Adds up the sums of the next block of columns. Element i of `sums` begins at column i.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn add_up(&mut self, sums: [__m512i; 8]) -> __m512i {
        let before = self.0;
        self.0 = sums;
        let columns = [
            sums[0],
            _mm512_alignr_epi64::<7>(sums[1], before[1]),
            _mm512_alignr_epi64::<6>(sums[2], before[2]),
            _mm512_alignr_epi64::<5>(sums[3], before[3]),
            _mm512_alignr_epi64::<4>(sums[4], before[4]),
            _mm512_alignr_epi64::<3>(sums[5], before[5]),
            _mm512_alignr_epi64::<2>(sums[6], before[6]),
            _mm512_alignr_epi64::<1>(sums[7], before[7]),
        ];
        let pairs = [0, 2, 4, 6].map(|i| _mm512_add_epi64(columns[i], columns[i + 1]));
        let halves = [0, 2].map(|i| _mm512_add_epi64(pairs[i], pairs[i + 1]));
        _mm512_add_epi64(halves[0], halves[1])
    }
}

/// Hands the sums of each block of columns of `a * b` to `take`, the lowest first, with the number of the block.
/// There are at most as many `blocks` as in `a` and `b` together.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn multiply(
    blocks: usize,
    a: &[Block],
    b: &[Block],
    mut take: impl FnMut(usize, &Sums),
) {
    assert!(a.len().min(b.len()) <= MOST_BLOCKS, "the sums could overflow");
    for k in 0..blocks {
        let (first, end) = ((k + 1).saturating_sub(b.len()), a.len().min(k + 1));
        let mut sums = Sums::zero();
        sums.add_products(&a[first..end], &b[k + 1 - end..k + 1 - first]);
        take(k, &sums);
    }
}

/// The same for `a * a`. Products of different blocks are computed once, and doubled.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn square(blocks: usize, a: &[Block], mut take: impl FnMut(usize, &Sums)) {
    assert!(a.len() <= MOST_BLOCKS, "the sums could overflow");
    for k in 0..blocks {
        let (first, end) = ((k + 1).saturating_sub(a.len()), k.div_ceil(2));
        let mut sums = Sums::zero();
        sums.add_products(&a[first..end], &a[k + 1 - end..k + 1 - first]);
        sums.double();
        if k.is_multiple_of(2) {
            sums.add_products(&a[end..=end], &a[end..=end]);
        }
        take(k, &sums);
    }
}

/// Which of eight digits take a carry of one: those above a digit that carries (`carries`), and those above a
/// largest digit (`is_largest`) that takes one itself. The carry out is in bit 8, and `carry` is the carry out
/// of the digits before.
#[inline]
pub(super) fn ripple(carries: __mmask8, is_largest: __mmask8, carry: u32) -> u32 {
    // An addition carries through ones as the carry goes through largest digits.
    let is_largest = u32::from(is_largest);
    ((u32::from(carries) << 1 | carry >> 8) + is_largest) ^ is_largest
}

/// Copies the first bytes of a block to a place that is shorter than the block, and whose length is a multiple
/// of 4. A call of `memcpy` for so few bytes would take as long as several products.
#[inline]
pub(super) fn copy_start(mut place: &mut [u8], mut block: &[u8]) {
    copy_if_long::<32>(&mut place, &mut block);
    copy_if_long::<16>(&mut place, &mut block);
    copy_if_long::<8>(&mut place, &mut block);
    copy_if_long::<4>(&mut place, &mut block);
}

/// Copies the next `N` bytes, if the place has as many.
#[inline(always)]
fn copy_if_long<const N: usize>(place: &mut &mut [u8], block: &mut &[u8]) {
    if place.len() >= N {
        let (start, rest) = std::mem::take(place).split_at_mut(N);
        start.copy_from_slice(&block[..N]);
        (*place, *block) = (rest, &block[N..]);
    }
}
