//! The scoped threads of a batch. If the system refuses a thread, the work is done all the same.

use fib_core::{Descriptor, warn_of_fewer_threads};
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, scope};

/// Calls `work(w)` for every worker w on its own thread and waits for all threads.
///
/// If the system grants fewer threads, the granted threads must do all the work; without any thread
/// the calling thread is worker 0.
pub(crate) fn on_threads(backend: &Descriptor, workers: NonZeroUsize, work: impl Fn(usize) + Sync) {
    if granted_threads(backend, workers.get(), &work) == 0 {
        work(0);
    }
}

/// Gives each worker w its own `shares[w]`, on its own thread, and waits for all threads. The calling
/// thread does the shares for which the system refuses a thread.
pub(crate) fn on_own_shares<T: Send>(
    backend: &Descriptor,
    shares: Vec<T>,
    work: impl Fn(usize, T) + Sync,
) {
    // A thread takes its share when it runs, so a thread that cannot start takes nothing with it.
    let shares: Vec<_> = shares.into_iter().map(|share| Mutex::new(Some(share))).collect();
    let take_and_work = |worker: usize| {
        let share = lock(&shares[worker]).take();
        share.into_iter().for_each(|share| work(worker, share));
    };
    let granted = granted_threads(backend, shares.len(), &take_and_work);
    (granted..shares.len()).for_each(take_and_work);
}

/// Starts up to `wanted` threads, the lowest worker first, waits for them, and returns their number.
fn granted_threads(backend: &Descriptor, wanted: usize, work: &(impl Fn(usize) + Sync)) -> usize {
    let granted = scope(|s| {
        let start = |&worker: &usize| Builder::new().spawn_scoped(s, move || work(worker)).is_ok();
        (0..wanted).take_while(start).count()
    });
    warn_of_fewer_threads(backend.name, granted, wanted);
    granted
}

/// Locks a mutex. No code of these backends can panic while it holds a lock, so a poisoned mutex is as
/// good as any other.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
