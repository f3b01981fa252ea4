//! The arithmetic, sequential. One file a kernel; `limbs` is the addition they share.

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

/// A kernel in the registry: what it is and how to get it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The name users choose it by.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// Gives it.
    pub get: fn() -> Arc<dyn Kernel>,
}

/// Every kernel, the textbook loop first.
pub const KERNELS: &[Entry] = &[
    Entry {
        name: "iterative",
        summary: "the textbook loop a, b = b, a + b, each index from scratch: n additions",
        get: iterative,
    },
    Entry {
        name: "doubling",
        summary: "fast doubling, each index from scratch: log2(n) multiplications",
        get: doubling,
    },
    Entry {
        name: "stepping",
        summary: "walks up from index to index: the best sequential algorithm for a range",
        get: stepping,
    },
    Entry {
        name: "empty",
        summary: "no arithmetic at all: the pure cost of scheduling",
        get: empty,
    },
];

/// The kernel of this name. With the feature `conformance`, those of the suite are found too, so
/// that workers in other processes know them.
pub fn by_name(name: &str) -> Option<Arc<dyn Kernel>> {
    let found = KERNELS.iter().find(|entry| entry.name == name).map(|entry| (entry.get)());
    #[cfg(feature = "conformance")]
    let found = found.or_else(|| crate::conformance::kernel(name));
    found
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

/// Writes `value` to the low limbs of `out`, which has room for it and no more.
fn store_u128(value: u128, out: &mut [u64]) {
    for (limb, part) in out.iter_mut().zip([value as u64, (value >> 64) as u64]) {
        *limb = part;
    }
}
