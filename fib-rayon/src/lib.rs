//! Work stealing: a rayon pool of its own, and one expression that runs a job on it.
//!
//! Every chunk is a task; idle workers steal tasks until none is left. The pool starts with the
//! backend and sleeps between batches, so a batch costs waking it, not starting it. Its own pool,
//! because rayon's global one belongs to the program and panics where threads are refused.
//!
//! The caller spawns all tasks itself, and with them wakes the workers. The other way to write this,
//! a parallel iterator inside `install`, lets the caller wake one worker and that one the next; on
//! two CPUs the second was often put beside the first, and batches of milliseconds reached less.
#![forbid(unsafe_code)]

use fib_core::{
    Descriptor, Error, FibBackend, Job, Scheduling, Settings, affinity, warn_of_fewer_threads,
};
use rayon::{ThreadPool, ThreadPoolBuilder, current_thread_index};
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

/// Registry entry of [`Rayon`].
pub const RAYON: Descriptor = Descriptor {
    name: "rayon",
    summary: "a work-stealing pool: every chunk is a task, and idle workers steal tasks",
    scheduling: Scheduling::Dynamic,
    build: |settings| Ok(Box::new(Rayon::new(settings)?)),
};

/// A pool that is refused leaves its first threads to end by themselves; they count until they have.
const REFUSED_THREADS_END: Duration = Duration::from_millis(2);

/// A rayon pool.
#[derive(Debug)]
pub struct Rayon {
    pool: ThreadPool,
    workers: NonZeroUsize,
}

impl Rayon {
    /// Starts the pool; with fewer threads, and a warning, where the system refuses that many.
    ///
    /// # Errors
    /// [`Error::Backend`] if not even one thread can be had.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let mut workers = settings.workers;
        loop {
            match (pool(workers, settings.pin), NonZeroUsize::new(workers.get() / 2)) {
                (Ok(pool), _) => {
                    warn_of_fewer_threads(RAYON.name, workers.get(), settings.workers);
                    return Ok(Rayon { pool, workers });
                }
                (Err(_), Some(half)) => workers = half,
                (Err(error), None) => {
                    let reason = format!("no thread can be started: {error}");
                    return Err(Error::Backend { backend: RAYON.name, reason });
                }
            }
            thread::sleep(REFUSED_THREADS_END);
        }
    }
}

fn pool(workers: NonZeroUsize, pin: bool) -> Result<ThreadPool, rayon::ThreadPoolBuildError> {
    ThreadPoolBuilder::new()
        .num_threads(workers.get())
        .thread_name(|worker| format!("rayon-{worker}"))
        .start_handler(move |worker| affinity::pin_if(pin, worker))
        .build()
}

impl FibBackend for Rayon {
    fn workers(&self) -> NonZeroUsize {
        self.workers
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        self.pool.in_place_scope(|scope| {
            for chunk in job.into_chunks() {
                scope.spawn(|_| chunk.run(current_thread_index().unwrap_or(0)));
            }
        });
        Ok(())
    }
}
