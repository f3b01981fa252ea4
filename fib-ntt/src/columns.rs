//! From the residues of columns to the digits of a number.
//!
//! A column is known modulo each prime. Garner's algorithm (Knuth, The Art of Computer Programming, 4.3.2) finds
//! integers v0, v1, ... such that the column is
//!
//! ```text
//! v0 + v1 p0 + v2 p0 p1 + v3 p0 p1 p2
//! ```
//!
//! where each v is a residue modulo its prime, and it is this number that is right and not one that differs by a
//! multiple of P, the product of all primes. For the integers below the last one, any representative will do. Let m
//! be the product of all primes but the last one, q. The columns of a form are between -N and M, and the last integer
//! v is chosen around a centre c:
//!
//! - With balanced residues, c is (M - N) / 2m, rounded, and v is between c - q/2 - 2 and c + q/2 + 2. The other terms
//!   add up to at most m (1/2 + 2^-20). So the sum is within m (q/2 + 4) of c m, and a column is within
//!   (M + N) / 2 + m of it. Both differ by less than P if M + N is at most P - 10 m.
//! - Otherwise c is -N / m, rounded down, v is between c and c + q - 1, and the other terms add up to something
//!   between 0 and m - 1. So the sum is between c m and c m + P - 1. Columns are between both if M + N is at most
//!   P - m.
//!
//! [`primes_for`] demands M + N <= P - 2^10 m.
//!
//! The digits and carries are then computed with 128-bit integers. With three primes, columns are below 2^150; with
//! four primes [`primes_for`] allows columns below 2^168. The multiples of the base that a carry stands for are then
//! below 2^105, and all sums of terms are below 2^120.

use crate::base::{Base, BinaryRadix, DECIMAL, DecimalRadix, Radix, add_carry};
use crate::context::Context;
use crate::join::both;
use crate::lanes::{Block, Lanes, Representation, Work};
use crate::prime::PRIMES;
use crate::quadratic::Quadratic;

/// (P - 2^10 m) / 2^128 for three primes, rounded down: so many products of two digits fit a column.
const MOST_WITH_THREE: u64 = {
    let [a, b, c, _] = &PRIMES;
    let high = (a.p as u128 * b.p as u128) >> 50;
    ((high * (c.p as u128 - (1 << 10))) >> 78) as u64
};

/// The same for four primes: it is a round number here, and the carries are the reason.
const MOST_WITH_FOUR: u64 = 1 << 40;

/// How many primes a form needs, for numbers with this many digits; `None` if all primes are not enough.
pub(crate) fn primes_for(form: Quadratic, x: usize, y: usize) -> Option<usize> {
    let [negative, positive] = form.column_bounds(x, y);
    let products = negative.saturating_add(positive);
    if products <= MOST_WITH_THREE { Some(3) } else { (products <= MOST_WITH_FOUR).then_some(4) }
}

/// 1 / p_i modulo p_k, for i below k.
const INVERSES: [[u64; 4]; 4] = {
    let mut inverses = [[0; 4]; 4];
    let mut k = 0;
    while k < 4 {
        let mut i = 0;
        while i < k {
            inverses[k][i] = PRIMES[k].inverse(PRIMES[i].p);
            i += 1;
        }
        k += 1;
    }
    inverses
};

/// What is the same for all columns.
struct Constants {
    /// [`INVERSES`], for the lanes.
    inverses: [[u64; 4]; 4],
    /// The centre of the last integer, as an integer and as a residue.
    centre: i64,
    centre_residue: u64,
    /// The base-B digits of 1, p0, p0 p1 and p0 p1 p2. The lowest digit is balanced: between -B/2 and B/2.
    weights: [[i64; 3]; 4],
}

impl Constants {
    fn new(context: Context<'_>, primes: usize, base: Base, bounds: [u64; 2]) -> Self {
        let representation = context.processor.representation();
        let mut inverses = INVERSES;
        for (inverses, prime) in inverses.iter_mut().zip(&PRIMES) {
            for inverse in inverses {
                *inverse = representation.constant(prime, *inverse);
            }
        }
        let last = &PRIMES[primes - 1];
        let centre = centre(representation == Representation::Balanced, primes, bounds);
        let residue = centre.rem_euclid(last.p as i64) as u64;
        let centre_residue = representation.residue(last, residue);
        Constants { inverses, centre, centre_residue, weights: weights(base) }
    }
}

/// The centre of the last integer: see the module.
fn centre(is_balanced: bool, primes: usize, [negative, positive]: [u64; 2]) -> i64 {
    // 2^128 / m is about 2^(128 - 50 (primes - 1)). A centre that is wrong by a few dozen does no harm, because
    // `primes_for` leaves room for 2^10.
    let square = 2_f64.powi(128);
    let m: f64 = PRIMES[..primes - 1].iter().map(|prime| prime.p as f64).product();
    if is_balanced {
        ((positive as f64 - negative as f64) * square / m / 2.0).round() as i64
    } else if negative == 0 {
        0
    } else {
        (-(negative as f64) * square / m).floor() as i64 - 64
    }
}

fn weights(base: Base) -> [[i64; 3]; 4] {
    let mut weights = [[0; 3]; 4];
    let mut digits = [1_u64, 0, 0];
    for (weights, prime) in weights.iter_mut().zip(&PRIMES) {
        *weights = balanced(base, digits);
        let mut carry = 0;
        for digit in &mut digits {
            let sum = u128::from(*digit) * u128::from(prime.p) + carry;
            (*digit, carry) = match base {
                Base::Binary => (sum as u64, sum >> 64),
                Base::Decimal => ((sum % u128::from(DECIMAL)) as u64, sum / u128::from(DECIMAL)),
            };
        }
    }
    weights
}

/// The same number, with a lowest digit and a middle digit that fit an `i64`.
fn balanced(base: Base, digits: [u64; 3]) -> [i64; 3] {
    let mut carry = 0;
    digits.map(|digit| {
        let half = match base {
            Base::Binary => 1 << 63,
            Base::Decimal => DECIMAL / 2,
        };
        let with_carry = digit + carry; // no weight has a digit of B - 1
        carry = u64::from(with_carry >= half);
        match (base, carry) {
            (Base::Decimal, 1) => with_carry.wrapping_sub(DECIMAL) as i64,
            _ => with_carry as i64,
        }
    })
}

/// Writes the digits of a number. Its columns are given by their residues modulo each prime, and `bounds` are the
/// bounds of the columns. Returns the carry out of the highest digit, which is a multiple of the base to the power
/// of the length of `out`.
pub(crate) fn write_digits(
    context: Context<'_>,
    out: &mut [u64],
    residues: &[&[Block]],
    base: Base,
    bounds: [u64; 2],
) -> i128 {
    let constants = &Constants::new(context, residues.len(), base, bounds);
    match (residues, base) {
        (&[a, b, c], Base::Binary) => {
            write_range::<BinaryRadix, 3>(context, out, [a, b, c], constants)
        }
        (&[a, b, c], Base::Decimal) => {
            write_range::<DecimalRadix, 3>(context, out, [a, b, c], constants)
        }
        (&[a, b, c, d], Base::Binary) => {
            write_range::<BinaryRadix, 4>(context, out, [a, b, c, d], constants)
        }
        (&[a, b, c, d], Base::Decimal) => {
            write_range::<DecimalRadix, 4>(context, out, [a, b, c, d], constants)
        }
        _ => unreachable!("there are three or four primes"),
    }
}

fn write_range<R: Radix, const K: usize>(
    context: Context<'_>,
    out: &mut [u64],
    residues: [&[Block]; K],
    constants: &Constants,
) -> i128 {
    let blocks = out.len().div_ceil(8);
    if !context.is_split(blocks) {
        return context.processor.run(Write::<R, K> {
            out,
            residues,
            constants,
            radix: std::marker::PhantomData,
        });
    }
    let middle = blocks / 2;
    let (low, high) = out.split_at_mut(8 * middle);
    let (low_residues, high_residues) =
        (residues.map(|blocks| &blocks[..middle]), residues.map(|blocks| &blocks[middle..]));
    let (low_carry, high_carry) = both(
        context.join,
        true,
        || write_range::<R, K>(context, low, low_residues, constants),
        || write_range::<R, K>(context, high, high_residues, constants),
    );
    high_carry + add_carry::<R>(high, low_carry)
}

struct Write<'a, R, const K: usize> {
    out: &'a mut [u64],
    residues: [&'a [Block]; K],
    constants: &'a Constants,
    radix: std::marker::PhantomData<R>,
}

impl<R: Radix, const K: usize> Work for Write<'_, R, K> {
    type Output = i128;

    #[inline(always)]
    fn run<L: Lanes>(self) -> i128 {
        let mut carry = 0;
        for (i, out) in self.out.chunks_mut(8).enumerate() {
            let mut blocks = [&self.residues[0][i]; K];
            for (block, residues) in blocks.iter_mut().zip(self.residues) {
                *block = &residues[i];
            }
            let integers = integers::<L, K>(blocks, self.constants);
            for (lane, out) in out.iter_mut().enumerate() {
                let mut column = [0; K];
                for (value, integers) in column.iter_mut().zip(&integers) {
                    *value = integers[lane];
                }
                (*out, carry) = digit::<R, K>(column, carry, self.constants);
            }
        }
        carry
    }
}

/// Garner's algorithm for eight columns.
#[inline(always)]
fn integers<L: Lanes, const K: usize>(
    residues: [&Block; K],
    constants: &Constants,
) -> [[i64; 8]; K] {
    let mut known = [L::load(residues[0]); K];
    let mut integers = [[0; 8]; K];
    for k in 0..K {
        let field = L::field(&PRIMES[k]);
        let mut rest = L::load(residues[k]);
        for (known, inverse) in known.iter().zip(constants.inverses[k]).take(k) {
            rest = rest.subtract(field, *known).times(field, L::factor(field, inverse));
        }
        if k + 1 == K {
            rest = rest.subtract(field, L::splat(constants.centre_residue));
        }
        known[k] = rest.digit(field);
        integers[k] = known[k].integers();
    }
    for integer in &mut integers[K - 1] {
        *integer += constants.centre;
    }
    integers
}

/// The next digit, and the new carry.
#[inline(always)]
fn digit<R: Radix, const K: usize>(
    integers: [i64; K],
    carry: i128,
    constants: &Constants,
) -> (u64, i128) {
    let mut sums = [carry, 0, 0];
    for (k, integer) in integers.into_iter().enumerate() {
        // A product of k primes has at most k digits.
        for (sum, weight) in sums.iter_mut().zip(constants.weights[k]).take(k.max(1)) {
            *sum += i128::from(integer) * i128::from(weight);
        }
    }
    let (digit, carry) = R::split(sums[0]);
    let carry = carry + sums[1];
    (digit, if K == 4 { carry + R::shift(sums[2]) } else { carry })
}

/// [`integers`] with these constants, for the proof of the bounds.
#[cfg(test)]
pub(crate) struct WriteBounds<'a> {
    pub(crate) constant: u64,
    pub(crate) residue: u64,
    pub(crate) primes: usize,
    pub(crate) residues: &'a [Block],
}

#[cfg(test)]
impl Work for WriteBounds<'_> {
    type Output = ();

    fn run<L: Lanes>(self) {
        let constants = Constants {
            inverses: [[self.constant; 4]; 4],
            centre: 0,
            centre_residue: self.residue,
            weights: weights(Base::Binary),
        };
        for block in self.residues {
            match self.primes {
                3 => drop(integers::<L, 3>([block; 3], &constants)),
                _ => drop(integers::<L, 4>([block; 4], &constants)),
            }
        }
    }
}
