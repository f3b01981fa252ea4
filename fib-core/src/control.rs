//! Cancellation and progress, shared between a computation and its observers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// Cancels a computation and counts finished indices. Clones share their state. Use a new `Control`
/// for each call.
///
/// Both operations are advisory and order no other memory access, hence `Relaxed`.
#[derive(Clone, Debug, Default)]
pub struct Control(Arc<State>);

#[derive(Debug, Default)]
struct State {
    cancelled: OwnLine<AtomicBool>,
    done: OwnLine<AtomicUsize>,
}

/// Keeps its value alone on a cache line and the neighbouring line, so that a worker that writes
/// progress does not slow down another worker that checks for cancellation.
#[derive(Debug, Default)]
#[repr(align(128))]
struct OwnLine<T>(T);

impl Control {
    /// Asks every worker to stop before its next index, and a kernel that doubles to stop before its next long
    /// multiplication.
    pub fn cancel(&self) {
        self.0.cancelled.0.store(true, Relaxed);
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.0.load(Relaxed)
    }

    /// The number of indices computed so far, updated every few thousand limbs; exact once the call
    /// has returned.
    pub fn done(&self) -> usize {
        self.0.done.0.load(Relaxed)
    }

    pub(crate) fn add_done(&self, indices: usize) {
        self.0.done.0.fetch_add(indices, Relaxed);
    }
}
