//! Quadratic forms of two numbers, point by point.

use crate::lanes::{Block, Lanes, MOST_WEIGHT, Work};
use crate::prime::Prime;

/// The quadratic form `xx` x^2 + `xy` x y + `yy` y^2 of two numbers x and y.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quadratic {
    /// The coefficient of x^2.
    pub xx: i8,
    /// The coefficient of x y.
    pub xy: i8,
    /// The coefficient of y^2.
    pub yy: i8,
}

impl Quadratic {
    /// x y
    pub const PRODUCT: Quadratic = Quadratic { xx: 0, xy: 1, yy: 0 };

    /// x^2
    pub const SQUARE: Quadratic = Quadratic { xx: 1, xy: 0, yy: 0 };

    /// The sum of the absolute values of the coefficients may be at most this.
    pub const MOST_WEIGHT: u32 = MOST_WEIGHT;

    /// The sum of the absolute values of the coefficients.
    pub fn weight(self) -> u32 {
        self.coefficients().into_iter().map(|c| u32::from(c.unsigned_abs())).sum()
    }

    pub(crate) fn coefficients(self) -> [i8; 3] {
        [self.xx, self.xy, self.yy]
    }

    /// The columns of the product polynomials, for numbers with this many digits.
    pub(crate) fn columns(self, x: usize, y: usize) -> usize {
        let terms = [(self.xx, x, x), (self.xy, x, y), (self.yy, y, y)];
        let columns = |a: usize, b: usize| if a == 0 || b == 0 { 0 } else { a + b - 1 };
        let used = terms.into_iter().filter(|(coefficient, ..)| *coefficient != 0);
        used.map(|(_, a, b)| columns(a, b)).max().unwrap_or(0)
    }

    /// A column of the form is at least minus the first number and at most the second number, times the square of
    /// the largest digit.
    pub(crate) fn column_bounds(self, x: usize, y: usize) -> [u64; 2] {
        let terms = [(self.xx, x), (self.xy, x.min(y)), (self.yy, y)];
        let sum = |sign: i8| {
            let of_sign = terms.iter().filter(|(coefficient, _)| coefficient.signum() == sign);
            let products = of_sign.map(|(coefficient, pairs)| {
                u64::from(coefficient.unsigned_abs()).saturating_mul(*pairs as u64)
            });
            products.fold(0, u64::saturating_add)
        };
        [sum(-1), sum(1)]
    }
}

/// Blocks whose products are kept while the forms are computed from them: 6 KB.
const PIECE: usize = 32;

/// Replaces the transforms of x and y by the transforms of quadratic forms of both.
pub(crate) struct Combine<'a, 'b> {
    pub(crate) prime: &'a Prime,
    /// By how much all results are multiplied.
    pub(crate) scale: u64,
    /// x, then y if any form needs it, and room for as many forms as there are.
    pub(crate) arrays: &'a mut [&'b mut [Block]],
    pub(crate) has_y: bool,
    pub(crate) forms: &'a [Quadratic],
}

impl Work for Combine<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let field = L::field(self.prime);
        let scale = L::factor(field, self.scale);
        let points = self.arrays[0].len();
        let mut products = [[[0; 8]; 3]; PIECE];
        for start in (0..points).step_by(PIECE) {
            let piece = start..points.min(start + PIECE);
            let x = &self.arrays[0][piece.clone()];
            let y = if self.has_y { &self.arrays[1][piece.clone()] } else { x };
            for ((x, y), products) in x.iter().zip(y).zip(&mut products) {
                let (x, y) = (L::load(x).reduce(field), L::load(y).reduce(field));
                let (scaled_x, scaled_y) = (x.times(field, scale), y.times(field, scale));
                scaled_x.multiply(field, x).store(&mut products[0]);
                scaled_x.multiply(field, y).store(&mut products[1]);
                scaled_y.multiply(field, y).store(&mut products[2]);
            }
            for (form, array) in self.forms.iter().zip(self.arrays.iter_mut()) {
                let coefficients = form.coefficients();
                for (out, [xx, xy, yy]) in array[piece.clone()].iter_mut().zip(&products) {
                    let values = [L::load(xx), L::load(xy), L::load(yy)];
                    L::combine(field, values, coefficients).store(out);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_their_bounds() {
        let form = Quadratic { xx: -1, xy: 4, yy: 2 };
        assert_eq!(form.weight(), 7);
        assert_eq!(form.columns(10, 7), 19);
        assert_eq!(form.column_bounds(10, 7), [10, 4 * 7 + 2 * 7]);
        assert_eq!(Quadratic::PRODUCT.columns(10, 7), 16);
        assert_eq!(Quadratic::PRODUCT.columns(10, 0), 0);
        assert_eq!(Quadratic::SQUARE.columns(10, 0), 19);
        assert_eq!(Quadratic::default().columns(10, 10), 0);
        assert_eq!(Quadratic { xx: -128, xy: -128, yy: -128 }.weight(), 384);
    }
}
