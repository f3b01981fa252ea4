//! The kernels: sequential arithmetic, one file for each kernel. They share the addition in
//! `limbs`.
//!
//! Which kernel to take:
//!
//! - [`stepping`] for ranges, and for any batch with many near or repeated indices. If F(n-1) or a
//!   near number is in the batch, F(n) costs one addition, O(n) bit operations; otherwise it costs
//!   as much as with `doubling`.
//! - [`doubling`] for single numbers, and for batches with few, distant indices. F(n) costs
//!   O(M(n)), where M(n) is the cost of one multiplication of n-bit numbers (here Toom-3, n^1.46).
//! - [`iterative`] for measuring: the textbook loop, with work that is easy to predict. F(n) costs
//!   n additions, O(n^2) bit operations.
//! - [`empty`] for measuring: it computes nothing, so what is left is the cost of scheduling.

mod doubling;
mod empty;
mod iterative;
mod limbs;
mod stepping;

pub use doubling::{Doubling, pair};
pub use empty::Empty;
pub use iterative::Iterative;
pub use stepping::Stepping;

use crate::kernel::Kernel;
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
        name: "empty",
        summary: "no arithmetic at all: the pure cost of scheduling",
        get: empty,
    },
];

/// The kernel with this name.
pub fn by_name(name: &str) -> Option<Arc<dyn Kernel>> {
    KERNELS.iter().find(|entry| entry.name == name).map(|entry| (entry.get)())
}

/// The kernels that compute numbers: all but [`empty`].
pub fn arithmetic() -> impl Iterator<Item = &'static KernelEntry> {
    KERNELS.iter().filter(|entry| entry.name != Empty.name())
}

/// [`Iterative`], ready for [`compute`](crate::compute).
pub fn iterative() -> Arc<dyn Kernel> {
    Arc::new(Iterative)
}

/// [`Doubling`], ready for [`compute`](crate::compute).
pub fn doubling() -> Arc<dyn Kernel> {
    Arc::new(Doubling)
}

/// [`Stepping`], ready for [`compute`](crate::compute).
pub fn stepping() -> Arc<dyn Kernel> {
    Arc::new(Stepping)
}

/// [`Empty`], ready for [`compute`](crate::compute).
pub fn empty() -> Arc<dyn Kernel> {
    Arc::new(Empty)
}

/// The largest index whose number fits 128 bits.
const LAST_IN_U128: u64 = 186;

/// Writes `value` to `out`, which has exactly the limbs of `value`.
fn store_u128(value: u128, out: &mut [u64]) {
    for (limb, part) in out.iter_mut().zip([value as u64, (value >> 64) as u64]) {
        *limb = part;
    }
}
