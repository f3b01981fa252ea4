//! The tree of the definition, F(n) = F(n-1) + F(n-2): the usual benchmark of fork-join.

use super::notation::{InBinary, InText, Notation};
use crate::fork::Forks;
use crate::kernel::{Form, Kernel, Run};
use std::marker::PhantomData;
use std::sync::Arc;

pub(super) const NAME: &str = "recursive";

/// The largest index. F(60) takes about an hour.
pub(super) const LARGEST: u64 = 60;

/// Below this index a half is computed without forks. A half at the cutoff takes 1 to 2 us, and a fork some ns:
/// smaller cutoffs bring no more speedup (`fib sweep forks`).
pub(super) const CUTOFF: u64 = 16;

/// Computes F(n) by the tree of F(n-1) and F(n-2), as two halves of a fork from `CUTOFF` up.
///
/// The tree of F(n) has F(n+1) leaves, so an index costs 1.6 times as much as the index before. All that
/// this kernel computes is sums of ones. It is there to measure forks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recursive<N, const CUTOFF: u64>(PhantomData<N>);

/// The kernel with this cutoff, whose numbers are in base 2^64.
pub(super) fn with_cutoff<const CUTOFF: u64>() -> Arc<dyn Kernel> {
    Arc::new(Recursive::<InBinary, CUTOFF>(PhantomData))
}

impl<N: Notation, const CUTOFF: u64> Kernel for Recursive<N, CUTOFF> {
    fn name(&self) -> &'static str {
        let special = super::CUTOFFS.iter().find(|(cutoff, _)| *cutoff == CUTOFF);
        special.map_or(NAME, |(_, entry)| entry.name)
    }

    fn form(&self) -> Form {
        N::FORM
    }

    fn text_kernel(&self) -> Option<Arc<dyn Kernel>> {
        Some(Arc::new(Recursive::<InText, CUTOFF>(PhantomData)))
    }

    fn forks(&self) -> bool {
        true
    }

    fn largest_index(&self) -> Option<u64> {
        Some(LARGEST)
    }

    fn limbs(&self, n: u64) -> usize {
        N::limbs(n)
    }

    /// Predicted nanoseconds on one thread, fitted to `fib compare --scenario tree-27,tree-32`.
    fn cost(&self, n: u64, _previous: Option<u64>) -> f64 {
        const GOLDEN_RATIO: f64 = 1.618_033_988_749_895;
        4.0 + 0.94 * GOLDEN_RATIO.powi(n.min(LARGEST) as i32)
    }

    fn fill(&self, run: &mut Run<'_>) {
        let forks = run.forks();
        while let Some(slot) = run.next_slot() {
            N::store_small(tree::<CUTOFF>(slot.n, forks).into(), slot.out);
        }
    }
}

/// F(n), with a fork at each index from `CUTOFF` up.
fn tree<const CUTOFF: u64>(n: u64, forks: Forks<'_>) -> u64 {
    if n < CUTOFF {
        return branch(n);
    }
    let (a, b) = forks.join(|| tree::<CUTOFF>(n - 1, forks), || tree::<CUTOFF>(n - 2, forks));
    a + b
}

/// F(n), without forks.
fn branch(n: u64) -> u64 {
    if n < 2 { n } else { branch(n - 1) + branch(n - 2) }
}

/// How often the tree of F(n) forks with this cutoff, which is at least 2.
pub(super) fn forks(n: u64, cutoff: u64) -> u64 {
    let (mut below, mut here) = (0u64, 0u64); // for the last two indices
    for _ in cutoff..=n {
        (below, here) = (here, below.saturating_add(here).saturating_add(1));
    }
    here
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forks_are_the_inner_nodes_of_the_tree() {
        fn count(n: u64, cutoff: u64) -> u64 {
            if n < cutoff { 0 } else { 1 + count(n - 1, cutoff) + count(n - 2, cutoff) }
        }
        for cutoff in 2..20 {
            assert!((0..22).all(|n| forks(n, cutoff) == count(n, cutoff)), "{cutoff}");
        }
        assert_eq!(forks(u64::MAX, u64::MAX), 1);
    }
}
