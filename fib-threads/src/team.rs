//! Starting the scoped threads of a batch.

use fib_core::{Descriptor, warn_of_fewer_threads};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, scope};

/// Runs `work(w)` for every worker w on a thread of its own and waits for all. Returns how many
/// threads the system granted, lowest worker first; `backend` is named if they are fewer.
pub(crate) fn on_threads(
    backend: &Descriptor,
    workers: NonZeroUsize,
    work: impl Fn(usize) + Sync,
) -> usize {
    let work = &work;
    let granted = scope(|s| {
        (0..workers.get())
            .take_while(|&w| Builder::new().spawn_scoped(s, move || work(w)).is_ok())
            .count()
    });
    warn_of_fewer_threads(backend.name, granted, workers);
    granted
}

/// The next item of an iterator that threads share.
pub(crate) fn next<T>(queue: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    // Nothing can panic while it is locked, so a poisoned queue is as good as any.
    queue.lock().unwrap_or_else(PoisonError::into_inner).next()
}
