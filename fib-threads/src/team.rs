//! The scoped threads of a batch. If the system refuses a thread, the work is done all the same.

use crate::forks::ForkTeam;
use fib_core::{Chunk, Descriptor, warn_of_fewer_threads};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, scope};

/// Calls `work(w)` for every worker w on its own thread and waits for all threads.
///
/// If the system grants fewer threads, the granted threads must do all the work; without any thread
/// the calling thread is worker 0.
pub(crate) fn on_threads(backend: &Descriptor, workers: NonZeroUsize, work: impl Fn(usize) + Sync) {
    on_granted_threads(backend, workers.get(), &work, |granted| {
        if granted == 0 {
            work(0);
        }
    });
}

/// Gives each worker w its own `shares[w]`, on its own thread, and waits for all threads. The calling
/// thread is the worker of all shares for which the system refuses a thread.
pub(crate) fn on_own_shares<T: Send>(
    backend: &Descriptor,
    shares: Vec<Vec<T>>,
    work: impl Fn(usize, Vec<T>) + Sync,
) {
    // A thread takes its share when it runs, so a thread that cannot start takes nothing with it.
    let shares: Vec<_> = shares.into_iter().map(|share| Mutex::new(Some(share))).collect();
    let take_and_work = |worker: usize| {
        let share = lock(&shares[worker]).take();
        share.into_iter().for_each(|share| work(worker, share));
    };
    on_granted_threads(backend, shares.len(), &take_and_work, |granted| {
        let left = shares[granted..].iter().filter_map(|share| lock(share).take());
        let left: Vec<T> = left.flatten().collect();
        if granted < shares.len() {
            work(granted, left);
        }
    });
}

/// Starts up to `wanted` threads, the lowest worker first, has the calling thread do something else that
/// depends on their number, and waits for them.
fn on_granted_threads(
    backend: &Descriptor,
    wanted: usize,
    work: &(impl Fn(usize) + Sync),
    meanwhile: impl FnOnce(usize),
) {
    scope(|s| {
        let start = |&worker: &usize| Builder::new().spawn_scoped(s, move || work(worker)).is_ok();
        let granted = (0..wanted).take_while(start).count();
        warn_of_fewer_threads(backend.name, granted, wanted);
        meanwhile(granted);
    });
}

/// The forks of a batch on scoped threads. A worker that has no chunk left runs halves until the last chunk
/// of the batch has ended.
pub(crate) struct BatchForks(Option<(ForkTeam, AtomicUsize)>);

impl BatchForks {
    /// For a batch of this many chunks. If its kernel does not fork, workers end after their last chunk.
    pub(crate) fn new(is_forking: bool, workers: NonZeroUsize, chunks: usize) -> Self {
        let team = || (ForkTeam::new(workers.get()), AtomicUsize::new(chunks));
        BatchForks(is_forking.then(team))
    }

    /// The whole life of a worker.
    pub(crate) fn work<'a>(&self, worker: usize, chunks: impl Iterator<Item = Chunk<'a>>) {
        let Some((team, open)) = &self.0 else {
            return chunks.for_each(|chunk| chunk.run(worker));
        };
        let seat = team.seat(worker);
        for chunk in chunks {
            chunk.run_with_forks(worker, team);
            if open.fetch_sub(1, SeqCst) == 1 {
                team.wake_all();
            }
        }
        seat.help_while(|| open.load(SeqCst) > 0);
    }
}

/// Locks a mutex. No code of these backends can panic while it holds a lock, so a poisoned mutex is as
/// good as any other.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
