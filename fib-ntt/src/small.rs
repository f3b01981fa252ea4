//! The last six levels of a transform, of 64 points.
//!
//! Eight registers hold 64 points. Three levels split points that are eight apart, with the same root in all lanes. Then
//! rows and columns are exchanged, and three levels remain, with a different root in each lane.

use crate::lanes::{Block, Lanes};
use crate::roots::Direction;

/// The blocks of 64 points.
pub(crate) const SMALL: usize = 8;

/// Splits at the nodes of the last six levels.
#[inline(always)]
pub(crate) fn split_64<L: Lanes>(
    field: L::Field,
    roots: &Direction,
    blocks: &mut [Block; SMALL],
    node: usize,
) {
    let x = load_8::<L>(blocks);
    let x = split_8(field, x, &common_roots(field, roots, node));
    let x = split_8(field, L::transpose(x), &lane_roots(field, roots, node));
    store_8(blocks, x);
}

/// 64 times the reverse of [`split_64`].
#[inline(always)]
pub(crate) fn merge_64<L: Lanes>(
    field: L::Field,
    roots: &Direction,
    blocks: &mut [Block; SMALL],
    node: usize,
) {
    let x = load_8::<L>(blocks);
    let x = merge_8(field, x, &lane_roots(field, roots, node));
    let x = merge_8(field, L::transpose(x), &common_roots(field, roots, node));
    store_8(blocks, x);
}

#[inline(always)]
fn load_8<L: Lanes>(blocks: &[Block; SMALL]) -> [L; 8] {
    let mut out = [L::load(&blocks[0]); 8];
    for (lanes, block) in out.iter_mut().zip(blocks) {
        *lanes = L::load(block);
    }
    out
}

#[inline(always)]
fn store_8<L: Lanes>(blocks: &mut [Block; SMALL], lanes: [L; 8]) {
    for (lanes, block) in lanes.into_iter().zip(blocks) {
        lanes.store(block);
    }
}

/// A root, or eight roots side by side.
trait Root<L: Lanes>: Copy {
    fn times(self, field: L::Field, residues: L) -> L;
}

/// The same root in all lanes.
#[derive(Clone, Copy)]
struct CommonRoot<L: Lanes>(L::Factor);

impl<L: Lanes> Root<L> for CommonRoot<L> {
    #[inline(always)]
    fn times(self, field: L::Field, residues: L) -> L {
        residues.times(field, self.0)
    }
}

/// A root for each lane.
#[derive(Clone, Copy)]
struct LaneRoots<L>(L);

impl<L: Lanes> Root<L> for LaneRoots<L> {
    #[inline(always)]
    fn times(self, field: L::Field, residues: L) -> L {
        residues.multiply(field, self.0)
    }
}

/// The roots of a node, of its two children, and of their four children, each in all lanes.
#[inline(always)]
fn common_roots<L: Lanes>(field: L::Field, roots: &Direction, node: usize) -> [CommonRoot<L>; 7] {
    let singles = roots.singles();
    [
        CommonRoot(L::factor(field, singles[node])),
        CommonRoot(L::factor(field, singles[2 * node])),
        CommonRoot(L::factor(field, singles[2 * node + 1])),
        CommonRoot(L::factor(field, singles[4 * node])),
        CommonRoot(L::factor(field, singles[4 * node + 1])),
        CommonRoot(L::factor(field, singles[4 * node + 2])),
        CommonRoot(L::factor(field, singles[4 * node + 3])),
    ]
}

/// The same for eight nodes side by side: the nodes three levels below a node.
///
/// The table has the roots of the first grandchildren. The square of the root of node 2j is the root of node j, and
/// the other roots are products with the roots of the nodes 1, 2 and 3.
#[inline(always)]
fn lane_roots<L: Lanes>(field: L::Field, roots: &Direction, node: usize) -> [LaneRoots<L>; 7] {
    let singles = roots.singles();
    let (one, two) = (L::factor(field, singles[1]), L::factor(field, singles[2]));
    let three = L::factor(field, singles[3]);
    let grandchild = L::load(&roots.quads()[node]);
    let child = grandchild.multiply(field, grandchild);
    [
        LaneRoots(child.multiply(field, child)),
        LaneRoots(child),
        LaneRoots(child.times(field, one)),
        LaneRoots(grandchild),
        LaneRoots(grandchild.times(field, one)),
        LaneRoots(grandchild.times(field, two)),
        LaneRoots(grandchild.times(field, three)),
    ]
}

/// Splits at three levels. The seven roots are those of a node, of its children and of their children.
#[inline(always)]
fn split_8<L: Lanes, R: Root<L>>(field: L::Field, mut x: [L; 8], roots: &[R; 7]) -> [L; 8] {
    for i in 0..4 {
        let y = roots[0].times(field, x[i + 4]);
        (x[i], x[i + 4]) = (x[i].add(y), x[i].subtract(field, y));
    }
    for i in [0, 1, 4, 5] {
        let y = roots[1 + i / 4].times(field, x[i + 2]);
        (x[i], x[i + 2]) = (x[i].add(y), x[i].subtract(field, y));
    }
    for i in [0, 2, 4, 6] {
        let y = roots[3 + i / 2].times(field, x[i + 1]);
        let reduced = x[i].reduce(field);
        (x[i], x[i + 1]) = (reduced.add(y), reduced.subtract(field, y));
    }
    x
}

/// Eight times the reverse of [`split_8`].
#[inline(always)]
fn merge_8<L: Lanes, R: Root<L>>(field: L::Field, mut x: [L; 8], roots: &[R; 7]) -> [L; 8] {
    for i in [0, 2, 4, 6] {
        let difference = x[i].subtract(field, x[i + 1]);
        x[i] = x[i].add(x[i + 1]).reduce(field);
        x[i + 1] = roots[3 + i / 2].times(field, difference);
    }
    for i in [0, 1, 4, 5] {
        let difference = x[i].subtract(field, x[i + 2]);
        x[i] = x[i].add(x[i + 2]);
        x[i + 2] = roots[1 + i / 4].times(field, difference);
    }
    for i in 0..4 {
        let difference = x[i].subtract(field, x[i + 4]);
        let sum = x[i].add(x[i + 4]);
        x[i] = if i < 2 { sum.reduce(field) } else { sum };
        x[i + 4] = roots[0].times(field, difference);
    }
    x
}
