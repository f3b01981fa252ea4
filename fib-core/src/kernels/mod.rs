//! The kernels: sequential arithmetic, one file for each kernel.
//!
//! Each kernel writes its numbers in base 2^64, and [`in_text`] gives the kernel that writes the same
//! numbers as decimal text.
//!
//! Which kernel to take:
//!
//! - [`stepping`] for ranges, and for any batch with many near or repeated indices. If F(n-1) or a
//!   near number is in the batch, F(n) costs one addition, O(n) bit operations; otherwise it costs
//!   as much as with `doubling`.
//! - [`doubling`] for single numbers, and for batches with few, distant indices. F(n) costs
//!   O(M(n)), where M(n) is the cost of one multiplication of n-bit numbers (here Karatsuba, n^1.58, and
//!   Toom-3 for the longest; with AVX-512 IFMA transforms, n log n).
//! - [`iterative`] for measuring: the textbook loop, with work that is easy to predict. F(n) costs
//!   n additions, O(n^2) bit operations.
//! - [`recursive`] for measuring forks: the tree F(n) = F(n-1) + F(n-2), up to F(60). F(n) costs
//!   1.6 times as much as F(n-1).
//! - [`empty`] for measuring: it computes nothing, so what is left is the cost of scheduling.

mod converted;
mod doubling;
mod empty;
mod iterative;
mod notation;
mod recursive;
mod stepping;

pub use doubling::pair;

use crate::kernel::{Form, Kernel};
use std::sync::Arc;

/// A kernel in the registry: what it is, and how to get it.
#[derive(Clone, Copy, Debug)]
pub struct KernelEntry {
    /// The name by which users choose the kernel.
    pub name: &'static str,
    /// What the kernel does, in one sentence.
    pub summary: &'static str,
    /// Returns the kernel.
    pub get: fn() -> Arc<dyn Kernel>,
}

/// Every kernel, the textbook loop first.
pub const KERNELS: &[KernelEntry] = &[
    KernelEntry {
        name: "iterative",
        summary: "the textbook loop a, b = b, a + b, each index from scratch: n additions",
        get: iterative,
    },
    KernelEntry {
        name: "doubling",
        summary: "fast doubling, each index from scratch: log2(n) multiplications",
        get: doubling,
    },
    KernelEntry {
        name: "stepping",
        summary: "walks up from index to index: the best sequential algorithm for a range",
        get: stepping,
    },
    KernelEntry {
        name: recursive::NAME,
        summary: "the tree F(n) = F(n-1) + F(n-2), which forks: measures fork-join, up to F(60)",
        get: recursive,
    },
    KernelEntry {
        name: "empty",
        summary: "no arithmetic at all: the pure cost of scheduling",
        get: empty,
    },
];

/// The kernel `recursive` with other cutoffs: the index below which it does not fork. The last never forks. They
/// measure what a fork costs.
pub const CUTOFFS: &[(u64, KernelEntry)] = &[
    with_cutoff::<2>("recursive:2"),
    with_cutoff::<4>("recursive:4"),
    with_cutoff::<6>("recursive:6"),
    with_cutoff::<8>("recursive:8"),
    with_cutoff::<10>("recursive:10"),
    with_cutoff::<12>("recursive:12"),
    with_cutoff::<14>("recursive:14"),
    with_cutoff::<NO_FORKS>("recursive:none"),
];

const NO_FORKS: u64 = recursive::LARGEST + 1;

const fn with_cutoff<const CUTOFF: u64>(name: &'static str) -> (u64, KernelEntry) {
    let (summary, get) = ("the tree with this cutoff", recursive::with_cutoff::<CUTOFF>);
    (CUTOFF, KernelEntry { name, summary, get })
}

/// The index below which `recursive` itself does not fork.
pub const RECURSIVE_CUTOFF: u64 = recursive::CUTOFF;

/// How often `recursive` forks while it computes F(`n`) with this cutoff.
pub fn forks(n: u64, cutoff: u64) -> u64 {
    recursive::forks(n, cutoff)
}

/// The kernel with this name, of [`KERNELS`] or [`CUTOFFS`].
pub fn by_name(name: &str) -> Option<Arc<dyn Kernel>> {
    let mut all = KERNELS.iter().chain(CUTOFFS.iter().map(|(_, entry)| entry));
    all.find(|entry| entry.name == name).map(|entry| (entry.get)())
}

/// The kernel that writes the numbers of `kernel` as decimal text. If the kernel itself cannot
/// ([`Kernel::text_kernel`]), its numbers are converted one by one.
///
/// ```
/// use fib_core::{Options, Sequential, compute, kernels};
///
/// let kernel = kernels::in_text(&kernels::stepping());
/// let table = compute(&Sequential, &kernel, &[99, 100], &Options::default())?;
/// assert_eq!(table.text(1).as_deref(), Some("354224848179261915075"));
/// # Ok::<(), fib_core::Error>(())
/// ```
pub fn in_text(kernel: &Arc<dyn Kernel>) -> Arc<dyn Kernel> {
    if kernel.form() == Form::Text {
        return Arc::clone(kernel);
    }
    kernel.text_kernel().unwrap_or_else(|| Arc::new(converted::Converted(Arc::clone(kernel))))
}

/// The kernels that compute numbers: all but [`empty`].
pub fn arithmetic() -> impl Iterator<Item = &'static KernelEntry> {
    KERNELS.iter().filter(|entry| entry.name != empty::NAME)
}

/// The kernels that compute every number that fits the memory: all but [`empty`] and [`recursive`].
pub fn unlimited() -> impl Iterator<Item = &'static KernelEntry> {
    arithmetic().filter(|entry| entry.name != recursive::NAME)
}

/// The textbook loop, ready for [`compute`](crate::compute).
pub fn iterative() -> Arc<dyn Kernel> {
    Arc::new(iterative::ITERATIVE)
}

/// Fast doubling, ready for [`compute`](crate::compute).
pub fn doubling() -> Arc<dyn Kernel> {
    Arc::new(doubling::DOUBLING)
}

/// The walk from index to index, ready for [`compute`](crate::compute).
pub fn stepping() -> Arc<dyn Kernel> {
    Arc::new(stepping::STEPPING)
}

/// The tree of the definition, ready for [`compute`](crate::compute). It forks, and it computes no index above
/// 60.
pub fn recursive() -> Arc<dyn Kernel> {
    recursive::with_cutoff::<{ recursive::CUTOFF }>()
}

/// The kernel without arithmetic, ready for [`compute`](crate::compute).
pub fn empty() -> Arc<dyn Kernel> {
    Arc::new(empty::Empty)
}
