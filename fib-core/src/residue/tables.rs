//! F(n) modulo m from tables: n is cut into digits, and F at the sum of two indices is
//!
//! - F(x + y - 1) = F(x-1) F(y-1) + F(x) F(y),
//! - F(x + y) = F(x-1) F(y) + F(x) F(y+1)
//!
//! (Graham, Knuth and Patashnik, Concrete Mathematics, 6.6). So a digit costs two sums of two products, where
//! doubling takes two squares for each bit. The tables hold F(y-1), F(y) and F(y+1) for y = d b^i, with every
//! digit d at every place i.
//!
//! AVX-512 has an instruction that looks up eight values at once in a table of 16. So there the base b is
//! 16. Without it, a value is loaded from memory and the base is 256.

use super::ring::Ring;
use std::iter::zip;

/// F(y-1), F(y) and F(y+1).
type Entry = [u64; 3];

/// The tables of one modulus. The entries of the lowest place are plain numbers and all others are
/// representations of the ring, so that the products are plain numbers all the way.
pub(super) struct Tables<R> {
    pub(super) ring: R,
    /// Entries by place and digit, in base 256. The fourth number is not used: it makes an entry a vector of
    /// AVX2.
    pub(super) bytes: Vec<[[u64; 4]; 256]>,
    /// In base 16, by place: the tables of F(y-1), of F(y) and of F(y+1).
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "for AVX-512"))]
    pub(super) nibbles: Aligned<[[[u64; 16]; 3]; 16]>,
}

/// Aligned to a cache line, so that vectors lie in one line each.
#[repr(align(64))]
pub(super) struct Aligned<T>(pub(super) T);

impl<R: Ring> Tables<R> {
    pub(super) fn new(ring: R) -> Self {
        let mut bytes = vec![[[0; 4]; 256]; 8];
        let mut nibbles = [[[0; 16]; 3]; 16];
        let (zero, one) = (ring.enter(0), ring.enter(1));
        let mut unit = [zero, one, one]; // y = 256^place
        for (place, table) in bytes.iter_mut().enumerate() {
            let mut entry = [one, zero, one]; // y = 0
            for digit in 0..256 {
                table[digit][..3].copy_from_slice(&entry);
                for number in 0..3 {
                    if digit < 16 {
                        nibbles[2 * place][number][digit] = entry[number];
                    }
                    if digit % 16 == 0 {
                        nibbles[2 * place + 1][number][digit / 16] = entry[number];
                    }
                }
                entry = sum_entry(ring, entry, unit);
            }
            unit = entry;
        }
        let lowest = bytes[0].as_flattened_mut().iter_mut();
        for number in lowest.chain(nibbles[0].as_flattened_mut()) {
            *number = ring.leave(*number);
        }
        Tables { ring, bytes, nibbles: Aligned(nibbles) }
    }
}

/// The entry at x + y.
fn sum_entry<R: Ring>(ring: R, x: Entry, y: Entry) -> Entry {
    let one = ring.enter(1);
    let below = ring.products(x[0], y[0], x[1], y[1]);
    let at = ring.products(x[0], y[1], x[1], y[2]);
    [below, at, ring.products(one, below, one, at)]
}

/// F(n) modulo m for several indices side by side, none of which has a digit above the place `highest`. A
/// vector `V` has the numbers of the indices in an `I`. `look_up` finds the entries of their digits at a
/// place, and `products` computes a b + c d.
///
/// It is put into its callers, so that it is compiled for the vector instructions that they use.
#[inline(always)]
pub(super) fn side_by_side<I: Copy, V: Copy, const COUNT: usize>(
    indices: [I; COUNT],
    highest: usize,
    look_up: impl Fn(I, usize) -> [V; 3],
    products: impl Fn(V, V, V, V) -> V,
) -> [V; COUNT] {
    let [below, at, _] = look_up(indices[0], 0);
    let (mut lower, mut upper) = ([below; COUNT], [at; COUNT]);
    for i in 1..COUNT {
        [lower[i], upper[i], _] = look_up(indices[i], 0);
    }
    if highest == 0 {
        return upper;
    }
    for place in 1..highest {
        for i in 0..COUNT {
            let [below, at, above] = look_up(indices[i], place);
            let (x, y) = (lower[i], upper[i]);
            (lower[i], upper[i]) = (products(x, below, y, at), products(x, at, y, above));
        }
    }
    for i in 0..COUNT {
        let [_, at, above] = look_up(indices[i], highest);
        upper[i] = products(lower[i], at, upper[i], above);
    }
    upper
}

/// The highest place that one of the indices has, where a digit has this many bits.
#[inline(always)]
pub(super) fn highest_place(indices: &[u64], bits: u32) -> usize {
    let any = indices.iter().fold(0, |any, n| any | n);
    (any.checked_ilog2().unwrap_or(0) / bits) as usize
}

/// Writes F(n) modulo m for each index, one after another.
pub(super) fn fill_one_by_one<R: Ring>(tables: &Tables<R>, indices: &[u64], out: &mut [u64]) {
    let look_up = |n: u64, place: usize| {
        let [below, at, above, _] = tables.bytes[place][usize::from(n.to_le_bytes()[place])];
        [below, at, above]
    };
    let products = |a, b, c, d| tables.ring.products(a, b, c, d);
    // The indices of a group share the number of places, so that it changes rarely and branches are foreseen.
    for (indices, out) in zip(indices.chunks(32), out.chunks_mut(32)) {
        let highest = highest_place(indices, 8);
        for (out, &n) in zip(out, indices) {
            [*out] = side_by_side([n], highest, look_up, products);
        }
    }
}
