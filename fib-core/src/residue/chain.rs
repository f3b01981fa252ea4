//! Fast doubling modulo m, for one index or for several side by side. The identities are those of
//! `number/doubling.rs`.

use super::ring::Ring;

/// A chain starts with this many leading bits of n, from a table.
pub(super) const TABLE_BITS: u32 = 6;

/// Where chains start: F(k-1) and F(k) for every k of [`TABLE_BITS`] bits, in the representation of the
/// ring.
pub(super) struct Start<R> {
    ring: R,
    lower: [u64; 1 << TABLE_BITS],
    upper: [u64; 1 << TABLE_BITS],
    /// 2 and -2.
    twos: [u64; 2],
}

impl<R: Ring> Start<R> {
    pub(super) fn new(ring: R) -> Self {
        let (zero, one) = (ring.enter(0), ring.enter(1));
        let (mut lower, mut upper) = ([one; 1 << TABLE_BITS], [zero; 1 << TABLE_BITS]);
        for k in 1..lower.len() {
            (lower[k], upper[k]) = (upper[k - 1], ring.add(lower[k - 1], upper[k - 1]));
        }
        let two = ring.add(one, one);
        Start { ring, lower, upper, twos: [two, ring.subtract(zero, two)] }
    }

    /// F(n) modulo m.
    #[inline]
    pub(super) fn one(&self, n: u64) -> u64 {
        self.side_by_side(&[n])[0]
    }

    /// F(n) modulo m for each n. Every chain takes as many steps as the longest. A shorter one waits at the
    /// pair (F(-1), F(0)), which doubling does not change.
    #[inline(always)]
    pub(super) fn side_by_side<const N: usize>(&self, indices: &[u64; N]) -> [u64; N] {
        let ring = self.ring;
        let any = indices.iter().fold(0, |any, n| any | n);
        let steps = (64 - any.leading_zeros()).saturating_sub(TABLE_BITS);
        let start = indices.map(|n| (n >> steps) as usize % self.lower.len());
        let (mut lower, mut upper) = (start.map(|k| self.lower[k]), start.map(|k| self.upper[k]));
        for bit in (0..steps).rev() {
            for i in 0..N {
                let k = indices[i] >> bit;
                let square = |a| if N == 1 { ring.square(a) } else { ring.square_in_lane(a) };
                let (lower_square, upper_square) = (square(lower[i]), square(upper[i]));
                let below = ring.add(lower_square, upper_square); // F(2k-1)
                let difference = ring.subtract(upper_square, lower_square);
                let two = if k & 2 == 0 { self.twos[0] } else { self.twos[1] };
                let tripled = ring.add(ring.add(upper_square, difference), difference);
                let middle = ring.add(tripled, two); // F(2k)
                let above = ring.add(below, middle); // F(2k+1)
                (lower[i], upper[i]) = if k & 1 == 0 { (below, middle) } else { (middle, above) };
            }
        }
        upper.map(|value| ring.leave(value))
    }
}
