//! What a computation needs, known from the lengths of the numbers alone.

use crate::LONGEST;
use crate::buffer::Buffer;
use crate::columns::primes_for;
use crate::error::ProductError;
use crate::quadratic::Quadratic;
use crate::roots;
use crate::shape::Shape;

/// What quadratic forms of two numbers need.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) shape: Shape,
    pub(crate) primes: usize,
    /// The arrays of residues for each prime.
    pub(crate) arrays: usize,
    /// Whether any form has a term with y.
    pub(crate) has_y: bool,
}

impl Plan {
    /// For numbers with this many digits, the highest of which is not zero. `None` if all forms are zero.
    pub(crate) fn new(
        forms: &[Quadratic],
        x: usize,
        y: usize,
    ) -> Result<Option<Self>, ProductError> {
        let (mut columns, mut primes) = (0, 3);
        for form in forms {
            let weight = form.weight();
            if weight > Quadratic::MOST_WEIGHT {
                return Err(ProductError::Coefficients { weight });
            }
            let needed = form.columns(x, y);
            columns = columns.max(needed);
            let too_long = ProductError::TooLong { limbs: needed.saturating_add(1) };
            if needed >= LONGEST {
                return Err(too_long);
            }
            primes = primes.max(primes_for(*form, x, y).ok_or(too_long)?);
        }
        if columns == 0 {
            return Ok(None);
        }
        let has_y = forms.iter().any(|form| form.xy != 0 || form.yy != 0);
        let arrays = forms.len().max(1 + usize::from(has_y));
        Ok(Some(Plan { shape: Shape::for_columns(columns), primes, arrays, has_y }))
    }

    /// The blocks of an array.
    pub(crate) fn array_blocks(&self) -> usize {
        self.shape.points() / 8
    }

    /// The blocks of all arrays.
    pub(crate) fn blocks(&self) -> usize {
        self.primes * self.arrays * self.array_blocks()
    }

    /// The memory of residues and tables, in bytes.
    fn bytes(&self) -> usize {
        Buffer::bytes(self.blocks()) + self.primes * roots::bytes(self.shape.points())
    }
}

/// For small allocations, whose number does not depend on the lengths, in bytes.
const SMALL_ALLOCATIONS: usize = 16 << 10;

/// An upper bound of the memory that [`multiply`](crate::multiply) takes for two numbers of these lengths, with the
/// product, in bytes. [`square`](crate::square) takes less. If the product is refused because it is too long, no
/// memory is taken, and the result is 0.
///
/// ```
/// // Two numbers of 8 MB each.
/// let bytes = fib_ntt::memory(1_000_000, 1_000_000);
/// assert!(bytes < 150_000_000);
/// ```
pub fn memory(limbs_a: usize, limbs_b: usize) -> usize {
    memory_of(&[Quadratic::PRODUCT], limbs_a, limbs_b)
        .map_or(0, |bytes| bytes + 8 * (limbs_a + limbs_b))
}

/// An upper bound of the memory that [`Transforms`](crate::Transforms) take for these forms of two numbers of these
/// lengths, without the outputs, in bytes. They keep it until they are dropped.
///
/// # Errors
/// [`ProductError::TooLong`] and [`ProductError::Coefficients`], as the computation itself.
pub fn memory_of(
    forms: &[Quadratic],
    limbs_x: usize,
    limbs_y: usize,
) -> Result<usize, ProductError> {
    let plan = Plan::new(forms, limbs_x, limbs_y)?;
    Ok(plan.map_or(0, |plan| plan.bytes() + SMALL_ALLOCATIONS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_long_products_are_refused() {
        let product = &[Quadratic::PRODUCT];
        let half = LONGEST / 2;
        assert!(Plan::new(product, half, half).is_ok());
        let refused = Plan::new(product, half, half + 1).unwrap_err();
        assert_eq!(refused, ProductError::TooLong { limbs: LONGEST + 1 });
        assert!(Plan::new(product, usize::MAX / 2, usize::MAX / 2).is_err());
        assert!(Plan::new(&[Quadratic::SQUARE], half + 1, 0).is_err());
        assert_eq!(memory(half, half + 1), 0);
    }

    #[test]
    fn the_longest_products_need_four_primes() {
        let primes = |form, limbs| Plan::new(&[form], limbs, limbs).unwrap().unwrap().primes;
        // The product of three primes is a little below 2^150, and the square of a limb is 2^128.
        let form = Quadratic { xx: 1, xy: 2, yy: -1 };
        assert_eq!(primes(form, (1 << 20) - 175), 3);
        assert_eq!(primes(form, 1 << 20), 4);
        assert_eq!(primes(Quadratic::PRODUCT, (1 << 22) - 700), 3);
        assert_eq!(primes(Quadratic::PRODUCT, (1 << 22) - 680), 4);
        assert_eq!(primes(Quadratic::PRODUCT, LONGEST / 2), 4);
    }

    #[test]
    fn large_coefficients_are_refused() {
        let form = Quadratic { xx: 4, xy: -4, yy: 1 };
        assert_eq!(Plan::new(&[form], 1, 1).unwrap_err(), ProductError::Coefficients { weight: 9 });
        let form = Quadratic { xx: 4, xy: -4, yy: 0 };
        assert!(Plan::new(&[form], 1, 1).is_ok());
    }
}
