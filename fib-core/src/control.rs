//! Cancellation and progress, shared between a computation and whoever watches it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// Cancels a computation and tells how far it is. Cloning shares; a fresh one is for one call.
///
/// Both are advisory and order nothing else, hence `Relaxed`.
#[derive(Clone, Debug, Default)]
pub struct Control(Arc<State>);

#[derive(Debug, Default)]
struct State {
    cancelled: OwnLine<AtomicBool>,
    done: OwnLine<AtomicUsize>,
}

/// Alone on its cache line (and the one fetched with it), so that progress written by one worker
/// does not slow the check for cancellation in another.
#[derive(Debug, Default)]
#[repr(align(128))]
struct OwnLine<T>(T);

impl Control {
    /// Asks every worker to stop before its next index.
    pub fn cancel(&self) {
        self.0.cancelled.0.store(true, Relaxed);
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.0.load(Relaxed)
    }

    /// Indices begun so far, in steps of a few thousand limbs; exact once the call has returned.
    pub fn done(&self) -> usize {
        self.0.done.0.load(Relaxed)
    }

    pub(crate) fn add_done(&self, indices: usize) {
        self.0.done.0.fetch_add(indices, Relaxed);
    }
}
