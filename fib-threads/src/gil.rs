//! Threads under one global lock, as in CPython: why threads do not help there.
//!
//! This is the protocol of CPython 3.2 and later (`Python/ceval_gil.c`). The diagram shows two
//! threads. A thread computes where its line has `=`:
//!
//! ```text
//! thread 0   ====== takes the lock ===========| hands over .......... waits ....|====
//! thread 1   .. waits .. 5 ms pass: requests ..|==== takes the lock ============| hands over
//! ```
//!
//! A thread computes only while it holds the lock. A thread that has waited for the switch interval
//! requests the lock. The holder sees the request between two indices (CPython: between two bytecode
//! instructions), releases the lock, and waits until another thread has taken it, so that the holder
//! cannot win the lock straight back.

use crate::team::{lock, on_threads};
use fib_core::{
    Chunk, Descriptor, Error, FibBackend, Forking, Job, Scheduling, affordable_threads,
};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a thread waits before it requests the lock: the default of CPython's
/// `sys.setswitchinterval`.
pub const SWITCH_INTERVAL: Duration = Duration::from_millis(5);

/// Like [`Queue`](crate::Queue), but a thread computes only while it holds the one lock of the batch.
/// The time that a thread waits for the lock is recorded as paused time of its chunk.
#[derive(Clone, Copy, Debug)]
pub struct Gil {
    /// The number of threads for each batch.
    pub workers: NonZeroUsize,
}

impl FibBackend for Gil {
    fn workers(&self) -> NonZeroUsize {
        self.workers
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        let gil = GlobalLock::default();
        let queue = Mutex::new(job.into_chunks().into_iter());
        on_threads(&GIL, self.workers, |worker| {
            loop {
                let next = lock(&queue).next();
                let Some(chunk) = next else { break };
                run_locked(chunk, worker, &gil);
            }
        });
        Ok(())
    }
}

/// Takes the lock before the first index. Hands the lock over before any other index if a thread
/// requests it.
fn run_locked(chunk: Chunk<'_>, worker: usize, gil: &GlobalLock) {
    let mut holding = false;
    chunk.run_with_checkpoint(worker, &mut || {
        if !holding {
            holding = true;
            timed(|| gil.acquire())
        } else if gil.is_requested() {
            timed(|| gil.hand_over())
        } else {
            Duration::ZERO
        }
    });
    if holding {
        gil.release();
    }
}

fn timed(wait: impl FnOnce()) -> Duration {
    let start = Instant::now();
    wait();
    start.elapsed()
}

#[derive(Default)]
struct GlobalLock {
    state: Mutex<LockState>,
    /// The holder reads this between two indices, without locking.
    requested: AtomicBool,
    freed: Condvar,
    taken: Condvar,
}

#[derive(Default)]
struct LockState {
    held: bool,
    /// How often the lock was taken.
    switches: u64,
    /// The number of threads that want the lock and do not have it yet.
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

    /// Releases the lock, waits until another thread has taken it, and queues for it again.
    fn hand_over(&self) {
        let mut state = self.state();
        state.held = false;
        self.freed.notify_one();
        let mine = state.switches;
        let untaken = |state: &mut LockState| state.switches == mine && state.waiting > 0;
        self.take(self.taken.wait_while(state, untaken).unwrap_or_else(PoisonError::into_inner));
    }

    fn take(&self, mut state: MutexGuard<'_, LockState>) {
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

    fn state(&self) -> MutexGuard<'_, LockState> {
        lock(&self.state)
    }
}

/// The registry entry of [`Gil`].
pub const GIL: Descriptor = Descriptor {
    name: "gil",
    summary: "threads that compute only while they hold one global lock, like CPython's threads",
    scheduling: Scheduling::Exclusive,
    forking: Forking::Sequential,
    build: |settings| {
        let workers = affordable_threads("gil", settings.workers);
        Ok(Box::new(Gil { workers }))
    },
};
