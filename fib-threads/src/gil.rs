//! Threads under one global lock, as CPython's: why threads do not help there.
//!
//! The protocol is that of CPython 3.2 and later (`Python/ceval_gil.c`): a thread computes only
//! while it holds the lock; one that waits longer than the switch interval asks for it; the holder
//! sees the request between two indices (CPython: between two bytecodes), lets go, and waits until
//! another thread has taken over, so that it cannot win the lock straight back.

use crate::team::{next, on_threads};
use fib_core::{Chunk, Descriptor, Error, FibBackend, Job, Scheduling};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Registry entry of [`Gil`].
pub const GIL: Descriptor = Descriptor {
    name: "gil",
    summary: "threads that compute only while they hold one global lock, as CPython's do",
    scheduling: Scheduling::Exclusive,
    build: |settings| Ok(Box::new(Gil { workers: settings.workers })),
};

/// How long a thread waits before it asks for the lock: the default of CPython's
/// `sys.setswitchinterval`.
pub const SWITCH_INTERVAL: Duration = Duration::from_millis(5);

/// As [`Queue`](crate::Queue), but a thread computes only while it holds the one lock of the batch.
/// Waiting for it is recorded as paused time of the chunk.
#[derive(Clone, Copy, Debug)]
pub struct Gil {
    /// How many threads a batch gets.
    pub workers: NonZeroUsize,
}

impl FibBackend for Gil {
    fn workers(&self) -> NonZeroUsize {
        self.workers
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        let lock = GlobalLock::default();
        let queue = Mutex::new(job.into_chunks().into_iter());
        let work = |worker: usize| {
            while let Some(chunk) = next(&queue) {
                run_locked(chunk, worker, &lock);
            }
        };
        on_threads(&GIL, self.workers, work);
        work(0); // what is left if no thread could start
        Ok(())
    }
}

/// Takes the lock before the first index, hands it over on request before any other.
fn run_locked(chunk: Chunk<'_>, worker: usize, lock: &GlobalLock) {
    let mut holding = false;
    chunk.run_with_checkpoint(worker, &mut || {
        if !holding {
            holding = true;
            timed(|| lock.acquire())
        } else if lock.is_requested() {
            timed(|| lock.hand_over())
        } else {
            Duration::ZERO
        }
    });
    if holding {
        lock.release();
    }
}

fn timed(wait: impl FnOnce()) -> Duration {
    let start = Instant::now();
    wait();
    start.elapsed()
}

#[derive(Default)]
struct GlobalLock {
    state: Mutex<State>,
    /// Read by the holder between two indices, without locking.
    requested: AtomicBool,
    freed: Condvar,
    taken: Condvar,
}

#[derive(Default)]
struct State {
    held: bool,
    /// How often it was taken.
    switches: u64,
    /// Threads between asking and taking.
    waiting: usize,
}

impl GlobalLock {
    fn is_requested(&self) -> bool {
        self.requested.load(Relaxed)
    }

    fn acquire(&self) {
        self.take(self.state());
    }

    fn release(&self) {
        self.state().held = false;
        self.freed.notify_one();
    }

    /// Lets go, waits until another thread has taken over, and queues again.
    fn hand_over(&self) {
        let mut state = self.state();
        state.held = false;
        self.freed.notify_one();
        let mine = state.switches;
        let untaken = |state: &mut State| state.switches == mine && state.waiting > 0;
        self.take(self.taken.wait_while(state, untaken).unwrap_or_else(PoisonError::into_inner));
    }

    fn take(&self, mut state: MutexGuard<'_, State>) {
        state.waiting += 1;
        while state.held {
            let seen = state.switches;
            let (woken, wait) = self
                .freed
                .wait_timeout(state, SWITCH_INTERVAL)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if wait.timed_out() && state.held && state.switches == seen {
                self.requested.store(true, Relaxed);
            }
        }
        state.held = true;
        state.waiting -= 1;
        state.switches += 1;
        self.requested.store(false, Relaxed);
        self.taken.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing can panic while it is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
