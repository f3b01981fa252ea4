//! Fast doubling: two squarings lead from (F(k-1), F(k)) to the pair at 2k. The last step takes one
//! product, because it needs only one number.
//!
//! F(2k-1) = F(k)^2 + F(k-1)^2, F(2k) = 3 F(k)^2 - 2 F(k-1)^2 + 2(-1)^k, and their sum F(2k+1), from
//! F(m+n) = F(m) F(n+1) + F(m-1) F(n) and Cassini's identity (Graham, Knuth and Patashnik, Concrete
//! Mathematics, 6.6).

use super::product::{multiply, scratch_limbs, square};
use super::sum::{add, decrement, increment, subtract};
use super::{Base, sum_equal};
use crate::control::Control;
use std::marker::PhantomData;

/// The largest index whose number fits 128 bits.
pub(crate) const LAST_IN_U128: u64 = 186;

/// Every Fibonacci number of 128 bits.
static TABLE: [u128; LAST_IN_U128 as usize + 1] = {
    let mut table = [0; LAST_IN_U128 as usize + 1];
    table[1] = 1;
    let mut n = 2;
    while n < table.len() {
        table[n] = table[n - 1] + table[n - 2];
        n += 1;
    }
    table
};

/// F(n), if it fits 128 bits.
#[inline]
pub(crate) fn small(n: u64) -> Option<u128> {
    TABLE.get(usize::try_from(n).ok()?).copied()
}

/// Computes any F(n) from scratch, and keeps its memory from number to number.
pub(crate) struct Seeker<B> {
    /// F(k-1) and F(k), each with the length of F(k).
    lower: Vec<u64>,
    upper: Vec<u64>,
    /// Their squares; then the product of the last step.
    lower_square: Vec<u64>,
    upper_square: Vec<u64>,
    scratch: Vec<u64>,
    base: PhantomData<B>,
}

impl<B> Default for Seeker<B> {
    fn default() -> Self {
        let [lower, upper, lower_square, upper_square, scratch] = Default::default();
        Seeker { lower, upper, lower_square, upper_square, scratch, base: PhantomData }
    }
}

impl<B: Base> Seeker<B> {
    /// F(n), without leading zeros. `None` if `control` was cancelled meanwhile.
    pub(crate) fn number(&mut self, n: u64, control: &Control) -> Option<&[u64]> {
        if let Some(number) = small(n) {
            grow(&mut self.upper, B::limbs(n));
            B::store(number, &mut self.upper[..B::limbs(n)]);
            return Some(&self.upper[..B::limbs(n)]);
        }
        let k = n / 2;
        self.reserve_products(B::limbs(k) + 1); // at once, for all steps
        let len = self.seek(k, control)?;
        go_on(len, control)?;
        let wide = len + 1;
        let out = &mut self.upper_square;
        let (lower, upper) = (&mut self.lower[..wide], &mut self.upper[..wide]);
        (lower[len], upper[len]) = (0, 0);
        if n.is_multiple_of(2) {
            // F(2k) = F(k) (F(k) + 2 F(k-1))
            let factor = &mut self.lower_square[..wide];
            sum_equal::<B>(factor, upper, lower);
            add::<B>(factor, lower);
            let wide = if factor[len] == 0 { len } else { wide };
            multiply::<B>(&mut out[..2 * wide], &upper[..wide], &factor[..wide], &mut self.scratch);
        } else {
            // F(2k+1) = 4 F(k)^2 - F(k-1)^2 + 2(-1)^k, as sum times difference
            let (sum, difference) = self.lower_square[..2 * wide].split_at_mut(wide);
            sum_equal::<B>(difference, upper, upper);
            sum_equal::<B>(sum, difference, lower);
            subtract::<B>(difference, lower);
            let wide = if sum[len] == 0 && difference[len] == 0 { len } else { wide };
            multiply::<B>(
                &mut out[..2 * wide],
                &sum[..wide],
                &difference[..wide],
                &mut self.scratch,
            );
            adjust::<B>(&mut out[..2 * wide], k);
        }
        Some(&out[..B::limbs(n)])
    }

    /// (F(n-1), F(n)) for n of 1 and more, each with the length of F(n). `None` if `control` was cancelled
    /// meanwhile.
    pub(crate) fn pair(&mut self, n: u64, control: &Control) -> Option<(&[u64], &[u64])> {
        let len = self.seek(n, control)?;
        Some((&self.lower[..len], &self.upper[..len]))
    }

    /// Makes `lower` and `upper` hold F(n-1) and F(n), for n of 1 and more. Returns their length, or `None` if
    /// `control` was cancelled meanwhile.
    fn seek(&mut self, n: u64, control: &Control) -> Option<usize> {
        let mut doublings = 0;
        while n >> doublings > LAST_IN_U128 {
            doublings += 1;
        }
        let wide = B::limbs(n) + 1;
        grow(&mut self.lower, wide);
        grow(&mut self.upper, wide);
        if doublings > 0 {
            self.reserve_products(B::limbs(n / 2) + 1);
        }
        let mut k = n >> doublings;
        let mut len = B::limbs(k);
        B::store(TABLE[k as usize - 1], &mut self.lower[..len]);
        B::store(TABLE[k as usize], &mut self.upper[..len]);
        for bit in (0..doublings).rev() {
            let doubled = n >> bit;
            let is_odd = doubled % 2 == 1;
            let new_len = B::limbs(doubled);
            for (square_of, number) in [
                (&mut self.lower_square, &self.lower[..len]),
                (&mut self.upper_square, &self.upper[..len]),
            ] {
                go_on(len, control)?;
                square::<B>(&mut square_of[..2 * len], number, &mut self.scratch);
                square_of[2 * len] = 0; // F(2k+1) may be one limb longer than the squares
            }
            self.double(new_len, k, is_odd);
            (k, len) = (doubled, new_len);
        }
        Some(len)
    }

    /// From the squares of the pair at k, makes the pair at 2k, or at 2k+1 if `is_odd`.
    fn double(&mut self, len: usize, k: u64, is_odd: bool) {
        let Seeker { lower, upper, lower_square, upper_square, .. } = self;
        let (lower_square, upper_square) = (&mut lower_square[..len], &mut upper_square[..len]);
        let (lower, upper) = (&mut lower[..len], &mut upper[..len]);
        // F(2k) goes to `middle`, and its neighbour to the other side.
        let (middle, side) = if is_odd { (lower, upper) } else { (upper, lower) };
        if len <= SHORT_LIMBS {
            combine_short::<B>(side, middle, upper_square, lower_square);
        } else {
            sum_equal::<B>(side, upper_square, lower_square); // F(2k-1)
            middle.copy_from_slice(upper_square);
            subtract::<B>(upper_square, lower_square);
            add::<B>(middle, upper_square);
            add::<B>(middle, upper_square);
        }
        adjust::<B>(middle, k);
        if is_odd {
            add::<B>(side, middle);
        }
    }

    /// Makes room for products of two numbers of `len` limbs. What was there may be lost.
    fn reserve_products(&mut self, len: usize) {
        replace(&mut self.lower_square, 2 * len);
        replace(&mut self.upper_square, 2 * len);
        replace(&mut self.scratch, scratch_limbs(len));
    }
}

/// Below this length, a product takes less than a millisecond, so nobody waits for it.
const LOOK_LIMBS: usize = 1024;

/// `None` if a product of numbers of this length must not begin, because `control` was cancelled.
fn go_on(len: usize, control: &Control) -> Option<()> {
    (len < LOOK_LIMBS || !control.is_cancelled()).then_some(())
}

/// Up to this length, one pass over the numbers is faster than five, although it has four carries.
const SHORT_LIMBS: usize = 16;

/// `side = upper + lower` and `middle = 3 upper - 2 lower`, all of the same length.
fn combine_short<B: Base>(side: &mut [u64], middle: &mut [u64], upper: &[u64], lower: &[u64]) {
    let mut carries = [false; 4];
    for (((side, middle), &x), &y) in side.iter_mut().zip(middle).zip(upper).zip(lower) {
        let (difference, sum);
        (*side, carries[0]) = B::add_limbs(x, y, carries[0]);
        (difference, carries[1]) = B::subtract_limbs(x, y, carries[1]);
        (sum, carries[2]) = B::add_limbs(x, difference, carries[2]);
        (*middle, carries[3]) = B::add_limbs(sum, difference, carries[3]);
    }
}

/// Makes a buffer at least this long.
fn grow(buffer: &mut Vec<u64>, limbs: usize) {
    buffer.resize(limbs.max(buffer.len()), 0);
}

/// Makes a buffer at least this long, without its contents. New memory is zero already, so nothing is written.
fn replace(buffer: &mut Vec<u64>, limbs: usize) {
    if buffer.len() < limbs {
        *buffer = Vec::new();
        *buffer = vec![0; limbs];
    }
}

/// Adds 2(-1)^k.
fn adjust<B: Base>(number: &mut [u64], k: u64) {
    if k.is_multiple_of(2) {
        increment::<B>(number, 2);
    } else {
        decrement::<B>(number, 2);
    }
}
