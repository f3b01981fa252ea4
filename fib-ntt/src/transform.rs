//! Transforms modulo one prime: the remainders of a polynomial modulo many linear polynomials.
//!
//! A polynomial is known modulo x^(2m) - r^2 if it is known modulo x^m - r and modulo x^m + r. So x^n - 1 is the root
//! of a binary tree, node 0 of its level. The children of node j are nodes 2j and 2j+1 of the next level: x^m - r and
//! x^m + r, where r is the root of node j ([`Prime::node_root`](crate::prime::Prime::node_root)). Splitting a
//! polynomial at all nodes of all levels leads to its values at the roots of unity, in the order of the nodes
//! (Gauss's fast Fourier transform, modulo a prime).
//!
//! Two levels are split in one pass over memory. The last six levels, of 64 points, are in [`small`](crate::small).

use crate::lanes::{Block, Lanes, Work};
use crate::prime::Prime;
use crate::roots::Direction;
use crate::small::{SMALL, merge_64, split_64};

/// The quarters of a polynomial.
pub(crate) fn quarters(blocks: &mut [Block]) -> [&mut [Block]; 4] {
    let quarter = blocks.len() / 4;
    let (low, high) = blocks.split_at_mut(2 * quarter);
    let ((a, b), (c, d)) = (low.split_at_mut(quarter), high.split_at_mut(quarter));
    [a, b, c, d]
}

/// The first and the second half of each row.
pub(crate) fn halves(rows: [&mut [Block]; 4]) -> [[&mut [Block]; 4]; 2] {
    let middle = rows[0].len() / 2;
    let [(a, e), (b, f), (c, g), (d, h)] = rows.map(|row| row.split_at_mut(middle));
    [[a, b, c, d], [e, f, g, h]]
}

/// Splits a polynomial, given by its quarters, at a node and at both of its children.
///
/// Doubles are at most 3p before and afterwards.
pub(crate) struct SplitRows<'a> {
    pub(crate) prime: &'a Prime,
    pub(crate) roots: &'a Direction,
    pub(crate) rows: [&'a mut [Block]; 4],
    pub(crate) node: usize,
}

impl Work for SplitRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        split_4::<L>(L::field(self.prime), self.roots, self.rows, self.node);
    }
}

/// Four times the reverse of [`SplitRows`].
///
/// Doubles are at most 2p before and afterwards.
pub(crate) struct MergeRows<'a> {
    pub(crate) prime: &'a Prime,
    pub(crate) roots: &'a Direction,
    pub(crate) rows: [&'a mut [Block]; 4],
    pub(crate) node: usize,
}

impl Work for MergeRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        merge_4::<L>(L::field(self.prime), self.roots, self.rows, self.node);
    }
}

/// The transform of a polynomial that fits the first cache, level by level. Its length is a power of two, and at least 64
/// points.
///
/// Doubles are at most 3p before and afterwards.
pub(crate) struct Transform<'a> {
    pub(crate) prime: &'a Prime,
    pub(crate) roots: &'a Direction,
    pub(crate) blocks: &'a mut [Block],
    pub(crate) node: usize,
}

impl Work for Transform<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (field, roots, all) = (L::field(self.prime), self.roots, self.blocks.len());
        let mut len = all;
        while len > 2 * SMALL {
            let first = self.node * (all / len);
            for (i, part) in self.blocks.chunks_exact_mut(len).enumerate() {
                split_4::<L>(field, roots, quarters(part), first + i);
            }
            len /= 4;
        }
        if len == 2 * SMALL {
            let first = self.node * (all / len);
            for (i, part) in self.blocks.chunks_exact_mut(len).enumerate() {
                split_2::<L>(field, roots, part.split_at_mut(SMALL), first + i);
            }
        }
        let first = self.node * (all / SMALL);
        for (i, part) in self.blocks.as_chunks_mut().0.iter_mut().enumerate() {
            split_64::<L>(field, roots, part, first + i);
        }
    }
}

/// The reverse of [`Transform`], multiplied by the number of points.
///
/// Doubles are reduced before, and at most 2p afterwards.
pub(crate) struct Restore<'a> {
    pub(crate) prime: &'a Prime,
    pub(crate) roots: &'a Direction,
    pub(crate) blocks: &'a mut [Block],
    pub(crate) node: usize,
}

impl Work for Restore<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (field, roots, all) = (L::field(self.prime), self.roots, self.blocks.len());
        let first = self.node * (all / SMALL);
        for (i, part) in self.blocks.as_chunks_mut().0.iter_mut().enumerate() {
            merge_64::<L>(field, roots, part, first + i);
        }
        let mut len = SMALL;
        if (all / SMALL).ilog2() % 2 == 1 {
            len = 2 * SMALL;
            let first = self.node * (all / len);
            for (i, part) in self.blocks.chunks_exact_mut(len).enumerate() {
                merge_2::<L>(field, roots, part.split_at_mut(SMALL), first + i);
            }
        }
        while len < all {
            len *= 4;
            let first = self.node * (all / len);
            for (i, part) in self.blocks.chunks_exact_mut(len).enumerate() {
                merge_4::<L>(field, roots, quarters(part), first + i);
            }
        }
    }
}

/// Splits at a node.
#[inline(always)]
fn split_2<L: Lanes>(
    field: L::Field,
    roots: &Direction,
    (low, high): (&mut [Block], &mut [Block]),
    node: usize,
) {
    let root = L::factor(field, roots.singles()[node]);
    for (a, b) in low.iter_mut().zip(high) {
        let (x, y) = (L::load(a).reduce(field), L::load(b).times(field, root));
        x.add(y).store(a);
        x.subtract(field, y).store(b);
    }
}

/// Twice the reverse of [`split_2`].
#[inline(always)]
fn merge_2<L: Lanes>(
    field: L::Field,
    roots: &Direction,
    (low, high): (&mut [Block], &mut [Block]),
    node: usize,
) {
    let root = L::factor(field, roots.singles()[node]);
    for (a, b) in low.iter_mut().zip(high) {
        let (x, y) = (L::load(a), L::load(b));
        x.add(y).reduce(field).store(a);
        x.subtract(field, y).times(field, root).store(b);
    }
}

/// Splits at a node and at both of its children.
#[inline(always)]
fn split_4<L: Lanes>(
    field: L::Field,
    roots: &Direction,
    [a, b, c, d]: [&mut [Block]; 4],
    node: usize,
) {
    let singles = roots.singles();
    let root = L::factor(field, singles[node]);
    let (left, right) =
        (L::factor(field, singles[2 * node]), L::factor(field, singles[2 * node + 1]));
    for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
        let (x0, x1) = (L::load(a).reduce(field), L::load(b));
        let (x2, x3) = (L::load(c).times(field, root), L::load(d).times(field, root));
        let (y0, y1) = (x0.add(x2), x1.add(x3).times(field, left));
        let (y2, y3) = (x0.subtract(field, x2), x1.subtract(field, x3).times(field, right));
        y0.add(y1).store(a);
        y0.subtract(field, y1).store(b);
        y2.add(y3).store(c);
        y2.subtract(field, y3).store(d);
    }
}

/// Four times the reverse of [`split_4`].
#[inline(always)]
fn merge_4<L: Lanes>(
    field: L::Field,
    roots: &Direction,
    [a, b, c, d]: [&mut [Block]; 4],
    node: usize,
) {
    let singles = roots.singles();
    let root = L::factor(field, singles[node]);
    let (left, right) =
        (L::factor(field, singles[2 * node]), L::factor(field, singles[2 * node + 1]));
    for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
        let (x0, x1, x2, x3) = (L::load(a), L::load(b), L::load(c), L::load(d));
        let (y0, y1) = (x0.add(x1), x0.subtract(field, x1).times(field, left));
        let (y2, y3) = (x2.add(x3), x2.subtract(field, x3).times(field, right));
        y0.add(y2).reduce(field).store(a);
        y1.add(y3).reduce(field).store(b);
        y0.subtract(field, y2).times(field, root).store(c);
        y1.subtract(field, y3).times(field, root).store(d);
    }
}
