//! Quadratic forms modulo a node: from the remainders of two numbers to the remainders of the forms.
//!
//! The numbers are transformed, the forms are computed point by point, and transformed back. This goes part by part:
//! once both numbers are split at a node, the forms are computed modulo each of its grandchildren, one after another or
//! on several threads, and then merged. So most of the work is done on parts that stay in a cache.

use crate::context::Context;
use crate::join::both;
use crate::lanes::Block;
use crate::prime::Prime;
use crate::quadratic::{Combine, Quadratic};
use crate::roots::Roots;
use crate::transform::{MergeRows, Restore, SplitRows, Transform, halves, quarters};

/// So many blocks fit the first cache: 32 KB.
pub(crate) const CACHED_BLOCKS: usize = 512;

/// Computes quadratic forms modulo a prime.
///
/// The arrays hold x, and y if any form needs it, and there are as many arrays as forms, or more. The forms replace the
/// numbers.
#[derive(Clone, Copy)]
pub(crate) struct Convolution<'a> {
    pub(crate) context: Context<'a>,
    pub(crate) prime: &'a Prime,
    pub(crate) roots: &'a Roots,
    /// How many arrays hold numbers: one or two.
    pub(crate) numbers: usize,
    pub(crate) forms: &'a [Quadratic],
    /// The factor of all products: one divided by the number of points.
    pub(crate) scale: u64,
}

impl Convolution<'_> {
    /// Modulo a node. The number of points is a power of two, and at least 64.
    ///
    /// Doubles are at most 3p before, and at most 2p afterwards.
    pub(crate) fn run(&self, mut arrays: Vec<&mut [Block]>, node: usize) {
        if arrays[0].len() <= CACHED_BLOCKS {
            return self.run_cached(arrays, node);
        }
        self.for_each(&mut arrays[..self.numbers], &|array| self.split_rows(quarters(array), node));
        self.run_split(arrays, node);
    }

    /// Modulo a node, if the numbers are split at the node and its children already.
    pub(crate) fn run_split(&self, mut arrays: Vec<&mut [Block]>, node: usize) {
        let is_split = self.context.is_split(arrays[0].len() / 2);
        let [a, b, c, d] = quarters_of_all(&mut arrays);
        let (join, first) = (self.context.join, 4 * node);
        let low = || both(join, is_split, || self.run(a, first), || self.run(b, first + 1));
        let high = || both(join, is_split, || self.run(c, first + 2), || self.run(d, first + 3));
        both(join, is_split, low, high);
        arrays.truncate(self.forms.len());
        self.for_each(&mut arrays, &|array| self.merge_rows(quarters(array), node));
    }

    fn run_cached(&self, mut arrays: Vec<&mut [Block]>, node: usize) {
        let Convolution { prime, roots, .. } = *self;
        let processor = self.context.processor;
        for blocks in &mut arrays[..self.numbers] {
            processor.run(Transform { prime, roots: &roots.split, blocks, node });
        }
        processor.run(Combine {
            prime,
            scale: self.scale,
            arrays: &mut arrays,
            has_y: self.numbers == 2,
            forms: self.forms,
        });
        for blocks in &mut arrays[..self.forms.len()] {
            processor.run(Restore { prime, roots: &roots.merge, blocks, node });
        }
    }

    /// Calls a function for each array.
    fn for_each(&self, arrays: &mut [&mut [Block]], function: &(dyn Fn(&mut [Block]) + Sync)) {
        match arrays {
            [] => {}
            [array] => function(array),
            _ => {
                let is_split = self.context.is_split(arrays[0].len());
                let (low, high) = arrays.split_at_mut(arrays.len() / 2);
                both(
                    self.context.join,
                    is_split,
                    || self.for_each(low, function),
                    || self.for_each(high, function),
                );
            }
        }
    }

    fn split_rows(&self, rows: [&mut [Block]; 4], node: usize) {
        if !self.context.is_split(rows[0].len()) {
            let (prime, roots) = (self.prime, &self.roots.split);
            return self.context.processor.run(SplitRows { prime, roots, rows, node });
        }
        let [low, high] = halves(rows);
        let split = |rows| self.split_rows(rows, node);
        both(self.context.join, true, || split(low), || split(high));
    }

    fn merge_rows(&self, rows: [&mut [Block]; 4], node: usize) {
        if !self.context.is_split(rows[0].len()) {
            let (prime, roots) = (self.prime, &self.roots.merge);
            return self.context.processor.run(MergeRows { prime, roots, rows, node });
        }
        let [low, high] = halves(rows);
        let merge = |rows| self.merge_rows(rows, node);
        both(self.context.join, true, || merge(low), || merge(high));
    }
}

/// The first quarters of all arrays, the second quarters, and so on.
fn quarters_of_all<'a>(arrays: &'a mut [&mut [Block]]) -> [Vec<&'a mut [Block]>; 4] {
    let mut all = [const { Vec::new() }; 4];
    for array in arrays {
        for (quarters, quarter) in all.iter_mut().zip(quarters(array)) {
            quarters.push(quarter);
        }
    }
    all
}
