//! The tree of F(n) on each scheduler.

use std::num::NonZeroUsize;

/// Computes trees of forks.
pub(crate) trait Trees: Send + Sync {
    /// A pool in which this many threads compute, the caller included.
    fn new(workers: NonZeroUsize) -> Self;

    /// F(n) for each n, with a fork at each index from `cutoff` up.
    fn compute(&self, cutoff: u64, indices: &[u64]) -> Vec<u64>;
}

/// The function for a cutoff. A cutoff that the compiler knows makes a fork as cheap as in `fib`.
macro_rules! with_cutoff {
    ($tree:ident, $cutoff:expr) => {
        match $cutoff {
            2 => $tree::<2>,
            4 => $tree::<4>,
            6 => $tree::<6>,
            8 => $tree::<8>,
            10 => $tree::<10>,
            12 => $tree::<12>,
            14 => $tree::<14>,
            16 => $tree::<16>,
            _ => $tree::<{ u64::MAX }>,
        }
    };
}

/// F(n), without forks.
fn branch(n: u64) -> u64 {
    if n < 2 { n } else { branch(n - 1) + branch(n - 2) }
}

pub(crate) struct Chili(chili::ThreadPool);

impl Trees for Chili {
    fn new(workers: NonZeroUsize) -> Self {
        let config = chili::Config { thread_count: Some(workers), ..chili::Config::default() };
        Chili(chili::ThreadPool::with_config(config))
    }

    fn compute(&self, cutoff: u64, indices: &[u64]) -> Vec<u64> {
        fn tree<const CUTOFF: u64>(n: u64, scope: &mut chili::Scope<'_>) -> u64 {
            if n < CUTOFF {
                return branch(n);
            }
            let (a, b) = scope.join(|s| tree::<CUTOFF>(n - 1, s), |s| tree::<CUTOFF>(n - 2, s));
            a + b
        }
        let tree = with_cutoff!(tree, cutoff);
        let mut scope = self.0.scope();
        indices.iter().map(|&n| tree(n, &mut scope)).collect()
    }
}

pub(crate) struct Rayon(rayon::ThreadPool);

impl Trees for Rayon {
    fn new(workers: NonZeroUsize) -> Self {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(workers.get()).build();
        #[expect(clippy::expect_used, reason = "an engine without a thread can only end")]
        Rayon(pool.expect("the system grants threads"))
    }

    fn compute(&self, cutoff: u64, indices: &[u64]) -> Vec<u64> {
        fn tree<const CUTOFF: u64>(n: u64) -> u64 {
            if n < CUTOFF {
                return branch(n);
            }
            let (a, b) = rayon::join(|| tree::<CUTOFF>(n - 1), || tree::<CUTOFF>(n - 2));
            a + b
        }
        let tree = with_cutoff!(tree, cutoff);
        self.0.install(|| indices.iter().map(|&n| tree(n)).collect())
    }
}
