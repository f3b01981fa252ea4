//! Exact products of huge integers, by number-theoretic transforms, on one thread or on several.
//!
//! A number is a slice of `u64` digits, the lowest first, in base 2^64 or in base 10^19 ([`Base`]).
//!
//! ```
//! let product = fib_ntt::multiply(&[u64::MAX, u64::MAX], &[3], &fib_ntt::OneThread)?;
//! assert_eq!(product, [u64::MAX - 2, u64::MAX, 2]);
//! # Ok::<(), fib_ntt::ProductError>(())
//! ```
//!
//! - [`multiply`] and [`square`] allocate their result; [`multiply_into`] and [`square_into`] write to a slice.
//! - [`Transforms`] keep their memory from product to product. They also compute several quadratic forms of two
//!   numbers at once, which takes fewer transforms than products and sums.
//! - [`Join`] is how work is split between threads. [`OneThread`] does not split it.
//! - [`memory`] predicts how much memory a product takes.
//!
//! Products of a few hundred limbs are faster by other methods.
//!
//! # How it works
//!
//! The digits of a number are the coefficients of a polynomial. The coefficients of the product of two polynomials,
//! the *columns*, are computed modulo three primes just below 2^50, or four if the numbers are very long
//! (Pollard, The fast Fourier transform in a finite field, Mathematics of Computation 25, 1971). They are so small
//! that their residues determine them, and one pass turns the columns into digits.
//!
//! | module | what it does |
//! |---|---|
//! | `prime` | the primes, and the roots of unity |
//! | `lanes` | residues in vector registers: AVX-512, AVX2, or 64-bit integers |
//! | `processor` | runs code with the vector instructions that were found |
//! | `roots` | tables of roots |
//! | `shape` | how many points: powers of two, and sums of a few of them |
//! | `transform`, `small` | transforms, and the way back |
//! | `quadratic` | products, point by point |
//! | `convolution` | products by transforms, part by part |
//! | `load`, `lift` | from digits to residues; from the parts of a shape to columns |
//! | `ring` | from digits to columns, modulo one prime |
//! | `columns` | from the residues of columns to digits |
//! | `plan` | all sizes, from the lengths of the numbers |
//! | `transforms` | the whole computation |
//!
//! # Why the results are exact
//!
//! No step rounds to what is only probably right. Residues are exact: the module `lanes::doubles` bounds the error of a
//! quotient, and the tests of `lanes::bounds` run every pass with upper bounds in place of residues, and prove that no
//! residue leaves the integers that a double holds. The module `columns` proves that three primes determine the columns
//! if the coefficients of the form add up to S in absolute value, the numbers have n limbs, and S n is at most 2^22 - 700;
//! four primes do up to S n = 2^40. The primes have roots of unity for 2^30 points. So products have at most
//! [`LONGEST`] limbs, and longer ones are refused.
#![deny(unsafe_code)]

mod base;
mod buffer;
mod columns;
mod context;
mod convolution;
mod error;
mod join;
mod lanes;
mod level;
mod lift;
mod load;
mod plan;
mod prime;
mod processor;
mod quadratic;
mod ring;
mod roots;
mod shape;
mod small;
mod transform;
mod transforms;

pub use base::Base;
pub use error::ProductError;
pub use join::{Join, OneThread};
pub use level::Level;
pub use plan::{memory, memory_of};
pub use quadratic::Quadratic;
pub use transforms::Transforms;

/// The limbs of the longest product: 2^30, which are 8 GiB.
pub const LONGEST: usize = 1 << prime::ROOT_ORDER_LOG;

/// `a * b` in base 2^64. The product has as many limbs as both numbers together, with leading zeros if it is shorter.
///
/// # Errors
/// Refused if the product is longer than [`LONGEST`], and if the system refuses the memory.
pub fn multiply(a: &[u64], b: &[u64], join: &dyn Join) -> Result<Vec<u64>, ProductError> {
    let mut out = zeros(a.len().saturating_add(b.len()))?;
    multiply_into(&mut out, a, b, join)?;
    Ok(out)
}

/// `a * a` in base 2^64, with twice as many limbs.
///
/// # Errors
/// As [`multiply`].
pub fn square(a: &[u64], join: &dyn Join) -> Result<Vec<u64>, ProductError> {
    let mut out = zeros(a.len().saturating_mul(2))?;
    square_into(&mut out, a, join)?;
    Ok(out)
}

/// `out = a * b` in base 2^64. Limbs of `out` beyond the product become zeros.
///
/// # Errors
/// Refused if the product does not fit `out`, if it is longer than [`LONGEST`], and if the system refuses the memory.
pub fn multiply_into(
    out: &mut [u64],
    a: &[u64],
    b: &[u64],
    join: &dyn Join,
) -> Result<(), ProductError> {
    Transforms::new().multiply(out, a, b, Base::Binary, join)
}

/// `out = a * a` in base 2^64.
///
/// # Errors
/// As [`multiply_into`].
pub fn square_into(out: &mut [u64], a: &[u64], join: &dyn Join) -> Result<(), ProductError> {
    Transforms::new().square(out, a, Base::Binary, join)
}

fn zeros(limbs: usize) -> Result<Vec<u64>, ProductError> {
    if limbs > LONGEST {
        return Err(ProductError::TooLong { limbs });
    }
    let mut out = Vec::new();
    out.try_reserve_exact(limbs).map_err(|_| ProductError::Memory { bytes: 8 * limbs })?;
    out.resize(limbs, 0);
    Ok(out)
}
