//! Products and quadratic forms, from the digits of the numbers to the digits of the results.

use crate::base::{Base, BinaryRadix, DecimalRadix, add_carry};
use crate::buffer::Buffer;
use crate::columns::write_digits;
use crate::context::Context;
use crate::error::ProductError;
use crate::join::{Join, both};
use crate::lanes::Block;
use crate::level::Level;
use crate::plan::Plan;
use crate::prime::{PRIMES, Prime};
use crate::processor::Processor;
use crate::quadratic::Quadratic;
use crate::ring::Ring;
use crate::roots::{self, Roots};
use std::fmt;

/// Computes products, and keeps its memory and its tables from product to product.
///
/// ```
/// use fib_ntt::{Base, OneThread, Transforms};
///
/// let mut transforms = Transforms::new();
/// let mut out = [0; 3];
/// // Digits in base 10^19, the lowest first: 2 * 10^19 + 3 times 5 * 10^18.
/// transforms.multiply(&mut out, &[3, 2], &[5_000_000_000_000_000_000], Base::Decimal, &OneThread)?;
/// assert_eq!(out, [5_000_000_000_000_000_000, 1, 1]);
/// # Ok::<(), fib_ntt::ProductError>(())
/// ```
pub struct Transforms {
    processor: Processor,
    tables: [Roots; PRIMES.len()],
    scratch: Buffer,
}

impl Default for Transforms {
    fn default() -> Self {
        Transforms::new()
    }
}

impl fmt::Debug for Transforms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transforms").field("level", &self.level()).finish_non_exhaustive()
    }
}

impl Transforms {
    /// With the level of [`Level::in_use`].
    pub fn new() -> Self {
        Transforms::with_level(Level::in_use())
    }

    /// With this level, or the highest level of the processor if that is lower.
    pub fn with_level(level: Level) -> Self {
        Transforms {
            processor: Processor::new(level),
            tables: Default::default(),
            scratch: Buffer::default(),
        }
    }

    /// The level that is used.
    pub fn level(&self) -> Level {
        self.processor.level()
    }

    /// `out = a * b`. Digits of `out` beyond the product become zeros.
    ///
    /// # Errors
    /// Refused if the product does not fit `out`, which it always does if `out` is as long as both numbers
    /// together, if it is longer than [`LONGEST`](crate::LONGEST), and if the system refuses the memory.
    pub fn multiply(
        &mut self,
        out: &mut [u64],
        a: &[u64],
        b: &[u64],
        base: Base,
        join: &dyn Join,
    ) -> Result<(), ProductError> {
        self.quadratics(&mut [(Quadratic::PRODUCT, out)], a, b, base, join)
    }

    /// `out = a * a`. This takes two thirds of the time of a product.
    ///
    /// # Errors
    /// As [`multiply`](Self::multiply).
    pub fn square(
        &mut self,
        out: &mut [u64],
        a: &[u64],
        base: Base,
        join: &dyn Join,
    ) -> Result<(), ProductError> {
        self.quadratics(&mut [(Quadratic::SQUARE, out)], a, &[], base, join)
    }

    /// Writes the value of each quadratic form of `x` and `y` to its output. Digits beyond the value become zeros.
    ///
    /// Each number is transformed once, and each form costs one transform more. The value of a form must not be
    /// negative.
    ///
    /// ```
    /// use fib_ntt::{Base, OneThread, Quadratic, Transforms};
    ///
    /// let (mut sum, mut difference) = ([0; 3], [0; 3]);
    /// let forms = &mut [
    ///     (Quadratic { xx: 1, xy: 2, yy: 1 }, &mut sum[..]),
    ///     (Quadratic { xx: 1, xy: -2, yy: 1 }, &mut difference[..]),
    /// ];
    /// Transforms::new().quadratics(forms, &[u64::MAX], &[u64::MAX - 2], Base::Binary, &OneThread)?;
    /// // (2^65 - 4)^2 = 2^130 - 2^68 + 16, and 2^2
    /// assert_eq!(sum, [16, (1_u64 << 4).wrapping_neg(), 3]);
    /// assert_eq!(difference, [4, 0, 0]);
    /// # Ok::<(), fib_ntt::ProductError>(())
    /// ```
    ///
    /// # Errors
    /// Refused if a value is negative or does not fit its output, if an output is shorter than a product of the
    /// numbers less one digit, if the coefficients of a form have a larger [weight](Quadratic::weight) than
    /// [`Quadratic::MOST_WEIGHT`], if a product is longer than [`LONGEST`](crate::LONGEST), and if the system
    /// refuses the memory.
    pub fn quadratics(
        &mut self,
        forms: &mut [(Quadratic, &mut [u64])],
        x: &[u64],
        y: &[u64],
        base: Base,
        join: &dyn Join,
    ) -> Result<(), ProductError> {
        let (x, y) = (without_zeros(x), without_zeros(y));
        for (form, out) in forms.iter() {
            let (limbs, needed) = (out.len(), form.columns(x.len(), y.len()));
            if limbs < needed {
                return Err(ProductError::OutputTooShort { limbs, needed });
            }
        }
        let only_forms: Vec<Quadratic> = forms.iter().map(|(form, _)| *form).collect();
        let Some(plan) = Plan::new(&only_forms, x.len(), y.len())? else {
            forms.iter_mut().for_each(|(_, out)| out.fill(0));
            return Ok(());
        };
        let context = Context::new(self.processor, join, plan.blocks());
        roots::reserve(&mut self.tables[..plan.primes], plan.shape.points(), context)?;
        self.scratch.reserve(plan.blocks())?;
        let residues = &mut self.scratch.blocks_mut()[..plan.blocks()];
        let moduli: Vec<Modulus<'_>> = PRIMES
            .iter()
            .zip(&self.tables)
            .zip(residues.chunks_exact_mut(plan.arrays * plan.array_blocks()))
            .map(|((prime, roots), residues)| Modulus { prime, roots, residues })
            .collect();
        let task = Task { context, plan, forms: &only_forms, x, y };
        task.compute(moduli);
        task.write(forms, residues, base)
    }
}

/// A number without its leading zeros.
fn without_zeros(digits: &[u64]) -> &[u64] {
    let len = digits.iter().rposition(|&digit| digit != 0).map_or(0, |last| last + 1);
    &digits[..len]
}

/// What is computed modulo one prime.
struct Modulus<'a> {
    prime: &'a Prime,
    roots: &'a Roots,
    residues: &'a mut [Block],
}

/// Quadratic forms of two numbers.
struct Task<'a> {
    context: Context<'a>,
    plan: Plan,
    forms: &'a [Quadratic],
    x: &'a [u64],
    y: &'a [u64],
}

impl Task<'_> {
    /// Computes the columns modulo each prime, the primes side by side.
    fn compute(&self, mut moduli: Vec<Modulus<'_>>) {
        match moduli.len() {
            0 => {}
            1 => moduli.into_iter().for_each(|modulus| self.compute_one(modulus)),
            primes => {
                let others = moduli.split_off(primes / 2);
                let is_split = self.context.is_split(self.plan.blocks());
                both(self.context.join, is_split, || self.compute(moduli), || self.compute(others));
            }
        }
    }

    fn compute_one(&self, modulus: Modulus<'_>) {
        let Modulus { prime, roots, residues } = modulus;
        let (x_and_y, only_x) = ([self.x, self.y], [self.x]);
        let ring = Ring {
            context: self.context,
            prime,
            roots,
            shape: self.plan.shape,
            forms: self.forms,
            numbers: if self.plan.has_y { &x_and_y } else { &only_x },
        };
        let arrays = residues.chunks_exact_mut(self.plan.array_blocks());
        ring.columns(&mut arrays.collect::<Vec<_>>());
    }

    /// Writes the digits of the forms, which are side by side in the arrays of each prime.
    fn write(
        &self,
        forms: &mut [(Quadratic, &mut [u64])],
        residues: &[Block],
        base: Base,
    ) -> Result<(), ProductError> {
        let blocks = self.plan.array_blocks();
        for (i, (form, out)) in forms.iter_mut().enumerate() {
            let arrays = residues.chunks_exact(blocks).skip(i).step_by(self.plan.arrays);
            let arrays: Vec<&[Block]> = arrays.collect();
            let bounds = form.column_bounds(self.x.len(), self.y.len());
            let (columns, rest) = out.split_at_mut(form.columns(self.x.len(), self.y.len()));
            let carry = write_digits(self.context, columns, &arrays, base, bounds);
            rest.fill(0);
            let carry = match base {
                Base::Binary => add_carry::<BinaryRadix>(rest, carry),
                Base::Decimal => add_carry::<DecimalRadix>(rest, carry),
            };
            let limbs = out.len();
            match carry {
                0 => {}
                1.. => return Err(ProductError::OutputTooShort { limbs, needed: limbs + 1 }),
                _ => return Err(ProductError::Negative),
            }
        }
        Ok(())
    }
}
