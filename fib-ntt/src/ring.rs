//! Quadratic forms modulo one prime: from the digits of two numbers to the columns of the forms.
//!
//! The numbers are loaded as residues, modulo each part of the shape. The forms are computed modulo each part
//! ([`convolution`](crate::convolution)), and then put together.

use crate::context::Context;
use crate::convolution::{CACHED_BLOCKS, Convolution};
use crate::join::both;
use crate::lanes::Block;
use crate::lift::{Lift, LiftRows};
use crate::load::{Load, LoadSplit};
use crate::prime::Prime;
use crate::quadratic::Quadratic;
use crate::roots::Roots;
use crate::shape::{Part, Shape};
use crate::transform::{halves, quarters};

/// Digits are loaded in pieces of so many blocks, which fit the first cache.
const PIECE: usize = 256;

/// The polynomials modulo one prime.
#[derive(Clone, Copy)]
pub(crate) struct Ring<'a> {
    pub(crate) context: Context<'a>,
    pub(crate) prime: &'a Prime,
    pub(crate) roots: &'a Roots,
    pub(crate) shape: Shape,
    pub(crate) forms: &'a [Quadratic],
    /// x, and y if any form needs it.
    pub(crate) numbers: &'a [&'a [u64]],
}

impl Ring<'_> {
    /// Writes the columns of the forms to the arrays. There are as many arrays as forms and as numbers, or more.
    pub(crate) fn columns(&self, arrays: &mut [&mut [Block]]) {
        for &part in self.shape.parts() {
            let blocks = part.offset / 8..(part.offset + part.len) / 8;
            let arrays = arrays.iter_mut().map(|array| &mut array[blocks.clone()]).collect();
            self.part(part, arrays);
        }
        self.lift_all(&mut arrays[..self.forms.len()]);
    }

    /// The forms modulo a part.
    fn part(&self, part: Part, mut arrays: Vec<&mut [Block]>) {
        let inverse = self.prime.inverse_of_power_of_two(part.len);
        let convolution = Convolution {
            context: self.context,
            prime: self.prime,
            roots: self.roots,
            numbers: self.numbers.len(),
            forms: self.forms,
            scale: self.context.processor.representation().scale(self.prime, inverse),
        };
        // Most of the first part is zero, and its first root is 1. So it is split while it is loaded.
        let longest = self.numbers.iter().map(|digits| digits.len()).max().unwrap_or(0);
        if part.offset == 0 && part.len / 8 > CACHED_BLOCKS && longest <= part.len {
            self.for_numbers(&mut arrays, &|array, digits| {
                self.load_split(quarters(array), digits, 0, part.len / 4);
            });
            return convolution.run_split(arrays, 0);
        }
        self.for_numbers(&mut arrays, &|array, digits| {
            let powers = self.powers(part, digits.len().div_ceil(part.len).max(1));
            self.load(array, digits, 0, part, &powers);
        });
        convolution.run(arrays, part.node());
    }

    /// Calls a function for each number, with its array.
    fn for_numbers(
        &self,
        arrays: &mut [&mut [Block]],
        function: &(dyn Fn(&mut [Block], &[u64]) + Sync),
    ) {
        let is_split = self.context.is_split(arrays[0].len());
        match (arrays, self.numbers) {
            ([first, second, ..], &[x, y]) => {
                both(self.context.join, is_split, || function(first, x), || function(second, y));
            }
            ([first, ..], &[x]) => function(first, x),
            _ => unreachable!("there are one or two numbers, and as many arrays"),
        }
    }

    /// Loads the blocks from `start` on of each row, and splits them at node 0 and its children. The digits of row i
    /// begin at `i * row_digits`.
    fn load_split(&self, rows: [&mut [Block]; 4], digits: &[u64], start: usize, row_digits: usize) {
        let blocks = rows[0].len();
        if blocks > PIECE {
            let [low, high] = halves(rows);
            both(
                self.context.join,
                self.context.is_split(blocks),
                || self.load_split(low, digits, start, row_digits),
                || self.load_split(high, digits, start + blocks / 2, row_digits),
            );
            return;
        }
        let row = |i: usize| {
            let digits = digits.get(i * row_digits + 8 * start..).unwrap_or_default();
            &digits[..digits.len().min(8 * blocks)]
        };
        let digits = [row(0), row(1), row(2), row(3)];
        let (prime, roots) = (self.prime, &self.roots.split);
        self.context.processor.run(LoadSplit { prime, roots, rows, digits });
    }

    /// Puts the remainders of each form modulo the parts together.
    fn lift_all(&self, arrays: &mut [&mut [Block]]) {
        match arrays {
            [] => {}
            [array] => {
                for (i, &part) in self.shape.parts().iter().enumerate().skip(1) {
                    let lift = self.lift(part, &self.shape.parts()[..i]);
                    let rows = array.chunks_exact_mut(part.len / 8).take(part.node() + 1);
                    self.lift_rows(&lift, rows.collect());
                }
            }
            _ => {
                let is_split = self.context.is_split(arrays[0].len());
                let (low, high) = arrays.split_at_mut(arrays.len() / 2);
                both(self.context.join, is_split, || self.lift_all(low), || self.lift_all(high));
            }
        }
    }

    /// x^0, x^len, x^(2 len) and so on at the node of a part, as constants.
    fn powers(&self, part: Part, count: usize) -> Vec<u64> {
        let value = self.prime.node_value(part.node());
        let powers =
            std::iter::successors(Some(1), |&power| Some(self.prime.product(power, value)));
        powers.take(count).map(|power| self.constant(power)).collect()
    }

    fn constant(&self, value: u64) -> u64 {
        self.context.processor.representation().constant(self.prime, value)
    }

    /// The blocks from `start` on of the remainder of a number modulo a part.
    fn load(&self, blocks: &mut [Block], digits: &[u64], start: usize, part: Part, powers: &[u64]) {
        if self.context.is_split(blocks.len()) {
            let middle = blocks.len() / 2;
            let (low, high) = blocks.split_at_mut(middle);
            both(
                self.context.join,
                true,
                || self.load(low, digits, start, part, powers),
                || self.load(high, digits, start + middle, part, powers),
            );
            return;
        }
        for (i, piece) in blocks.chunks_mut(PIECE).enumerate() {
            for (row, power) in powers.iter().enumerate() {
                let first = row * part.len + 8 * (start + i * PIECE);
                let digits = digits.get(first..).unwrap_or_default();
                let digits = &digits[..digits.len().min(8 * piece.len())];
                let factor = (row > 0).then_some(*power);
                self.context.processor.run(Load {
                    prime: self.prime,
                    blocks: piece,
                    digits,
                    factor,
                });
            }
        }
    }

    /// How to go from the parts before `part` to these and `part`.
    ///
    /// If f is known modulo M, the product of the parts before, and if r is f modulo the part, then f is
    /// f + M (r - f) / M modulo both, where (r - f) / M is computed modulo the part. There, M is a number: each part
    /// before is x^m - v, and `part` belongs to the node beside it, x^m + v, so x^m - v is -2v there.
    fn lift(&self, part: Part, before: &[Part]) -> Lift {
        let prime = self.prime;
        let (mut inverse, mut terms) = (1, vec![(0, 1)]);
        for other in before {
            let half = prime.inverse_of_power_of_two(2);
            let factor = prime.product(half, prime.inverse_node_value(other.node()));
            inverse = prime.negated(prime.product(inverse, factor));
            let rows = other.len / part.len;
            let constant = prime.negated(prime.node_value(other.node()));
            let shifted = terms.iter().map(|&(row, factor)| (row + rows, factor));
            let scaled = terms.iter().map(|&(row, factor)| (row, prime.product(factor, constant)));
            terms = shifted.chain(scaled).collect();
        }
        terms.retain(|&(row, _)| row < part.node());
        Lift {
            powers: self.powers(part, part.node()),
            inverse: self.constant(inverse),
            terms: terms.into_iter().map(|(row, factor)| (row, self.constant(factor))).collect(),
        }
    }

    fn lift_rows(&self, lift: &Lift, mut rows: Vec<&mut [Block]>) {
        let columns = rows[0].len();
        if !self.context.is_split(columns) {
            let rows = rows.as_mut_slice();
            return self.context.processor.run(LiftRows { prime: self.prime, lift, rows });
        }
        let (low, high) = rows.into_iter().map(|row| row.split_at_mut(columns / 2)).unzip();
        both(self.context.join, true, || self.lift_rows(lift, low), || self.lift_rows(lift, high));
    }
}
