//! Tables of the roots of nodes, modulo one prime.
//!
//! The root of node 2^s + t, for t below 2^s, is the product of the roots of node 2^s and of node t
//! ([`Prime::node_root`](crate::prime::Prime::node_root)). So a table is computed by doubling its length.

use crate::buffer::Buffer;
use crate::context::Context;
use crate::error::ProductError;
use crate::join::both;
use crate::lanes::{Block, Lanes, Work};
use crate::prime::{PRIMES, Prime};
use crate::shape::LEAST;

/// The roots for one direction.
#[derive(Debug, Default)]
pub(crate) struct Direction {
    singles: Buffer,
    quads: Buffer,
}

impl Direction {
    /// The root of each node.
    pub(crate) fn singles(&self) -> &[u64] {
        self.singles.blocks().as_flattened()
    }

    /// The roots of the nodes 0, 4, 8 and so on.
    pub(crate) fn quads(&self) -> &[Block] {
        self.quads.blocks()
    }
}

#[cfg(test)]
impl Direction {
    /// Tables for this many points, with one constant everywhere.
    pub(crate) fn constant(points: usize, constant: u64) -> Self {
        let filled = |blocks| {
            let mut buffer = Buffer::new(blocks).unwrap();
            buffer.blocks_mut().fill([constant; 8]);
            buffer
        };
        let [singles, quads] = table_blocks(points).map(filled);
        Direction { singles, quads }
    }
}

/// The roots modulo one prime.
#[derive(Debug, Default)]
pub(crate) struct Roots {
    /// For transforms.
    pub(crate) split: Direction,
    /// The reciprocals, for the way back.
    pub(crate) merge: Direction,
}

/// The blocks of the two tables of a direction, for transforms of this many points.
fn table_blocks(points: usize) -> [usize; 2] {
    [points.div_ceil(128).max(1), points.div_ceil(LEAST).max(1)]
}

/// The memory of the tables for one prime, in bytes.
pub(crate) fn bytes(points: usize) -> usize {
    table_blocks(points).iter().map(|&blocks| 2 * Buffer::bytes(blocks)).sum()
}

/// Makes the tables of each prime long enough.
pub(crate) fn reserve(
    tables: &mut [Roots],
    points: usize,
    context: Context<'_>,
) -> Result<(), ProductError> {
    for (roots, prime) in tables.iter_mut().zip(&PRIMES) {
        for (direction, is_inverse) in [(&mut roots.split, false), (&mut roots.merge, true)] {
            direction.reserve(points, prime, is_inverse, context)?;
        }
    }
    Ok(())
}

impl Direction {
    fn reserve(
        &mut self,
        points: usize,
        prime: &Prime,
        is_inverse: bool,
        context: Context<'_>,
    ) -> Result<(), ProductError> {
        let [singles, quads] = table_blocks(points);
        if self.quads.len() >= quads {
            return Ok(());
        }
        self.singles.reserve(singles)?;
        self.quads.reserve(quads)?;
        let (singles, quads) = (self.singles.blocks_mut(), self.quads.blocks_mut());
        both(
            context.join,
            context.is_split(singles.len()),
            || fill(singles, 1, prime, is_inverse, context),
            || fill(quads, 4, prime, is_inverse, context),
        );
        Ok(())
    }
}

/// Fills a table with the roots of the nodes 0, `step`, 2 `step` and so on.
fn fill(table: &mut [Block], step: usize, prime: &Prime, is_inverse: bool, context: Context<'_>) {
    let representation = context.processor.representation();
    let constant = |node: usize| {
        let root = if is_inverse { prime.inverse_node_root(node) } else { prime.node_root(node) };
        representation.constant(prime, root)
    };
    table[0] = std::array::from_fn(|i| constant(step * i));
    let doublings = table.len().next_power_of_two().ilog2();
    let factors: Vec<u64> = (0..doublings).map(|s| constant((step * 8) << s)).collect();
    context.processor.run(Fill { table, prime, factors: &factors });
}

/// Computes a table from its first block.
struct Fill<'a> {
    table: &'a mut [Block],
    prime: &'a Prime,
    /// The second block is the first one times the first factor; the next two blocks are the first two times the
    /// second factor, and so on.
    factors: &'a [u64],
}

impl Work for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let field = L::field(self.prime);
        for (s, factor) in self.factors.iter().enumerate() {
            let factor = L::factor(field, *factor);
            let (done, rest) = self.table.split_at_mut(1 << s);
            for (out, root) in rest.iter_mut().zip(done) {
                L::load(root).times(field, factor).digit(field).store(out);
            }
        }
    }
}
