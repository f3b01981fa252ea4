//! A rayon pool, and one expression that runs a job on it.
//!
//! Every chunk is a rayon task. The calling thread is not a worker of the pool, so the tasks that it
//! spawns wait in the queue of the pool (rayon calls it the injector), and idle workers take the next
//! task from there. Workers steal from each other only what a task forks itself: the second
//! half of a `rayon::join`. The pool starts with the backend and sleeps between batches, so a batch
//! pays for waking the workers and not for starting them. The backend has its own pool, because
//! rayon's global pool belongs to the program and panics where the system refuses threads.
//!
//! The calling thread spawns all tasks itself, and each spawn wakes a worker. The other way to write
//! this is a parallel iterator inside `install`. There the caller wakes one worker, and this worker
//! wakes the next. With two CPUs the system often put both workers on one CPU, so batches of a few
//! milliseconds had a lower speedup. For the same reason the calling thread wakes all workers if the kernel forks,
//! even if there are fewer chunks than workers. Without that, `tree-32` took as long as on one thread in half of
//! the samples.
#![forbid(unsafe_code)]

use fib_core::{
    Descriptor, Error, FibBackend, Fork, Forking, Job, Scheduling, Settings, affinity,
    affordable_threads, warn_of_fewer_threads,
};
use rayon::{ThreadPool, ThreadPoolBuilder, current_thread_index};
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

/// A rayon pool.
#[derive(Debug)]
pub struct Rayon {
    pool: ThreadPool,
    workers: NonZeroUsize,
}

impl FibBackend for Rayon {
    fn workers(&self) -> NonZeroUsize {
        self.workers
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        let is_forking = job.forks();
        let chunks = job.into_chunks();
        let idle = if is_forking { self.workers.get().saturating_sub(chunks.len()) } else { 0 };
        self.pool.in_place_scope(|scope| {
            for chunk in chunks {
                scope.spawn(|_| chunk.run_with_forks(RayonForks.worker(), &RayonForks));
            }
            (0..idle).for_each(|_| scope.spawn(|_| ())); // wakes a worker, which then looks for halves
        });
        Ok(())
    }
}

/// What rayon offers to kernels that fork: its own `join`.
struct RayonForks;

impl Fork for RayonForks {
    fn join(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
        match current_thread_index() {
            Some(_) => drop(rayon::join(a, b)),
            None => (a(), b()).1, // a thread of the kernel: rayon would start its global pool
        }
    }

    fn worker(&self) -> usize {
        current_thread_index().unwrap_or(0)
    }

    fn workers(&self) -> usize {
        rayon::current_num_threads()
    }
}

/// If rayon cannot start a pool, the threads that it did start end by themselves. They count against
/// the limit until they have ended.
const REFUSED_THREADS_END: Duration = Duration::from_millis(2);

impl Rayon {
    /// Starts the pool. If the system refuses that many threads, the pool has fewer, with a warning.
    ///
    /// # Errors
    /// [`Error::Backend`] if the system grants not a single thread.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let wanted = affordable_threads(RAYON.name, settings.workers);
        let mut workers = wanted;
        loop {
            match (pool(workers, settings.pin), NonZeroUsize::new(workers.get() / 2)) {
                (Ok(pool), _) => {
                    warn_of_fewer_threads(RAYON.name, workers.get(), wanted.get());
                    return Ok(Rayon { pool, workers });
                }
                (Err(_), Some(half)) => workers = half,
                (Err(error), None) => {
                    let reason = format!("the system granted no thread: {error}");
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

/// The registry entry of [`Rayon`].
pub const RAYON: Descriptor = Descriptor {
    name: "rayon",
    summary: "the pool of rayon: every chunk is a task, and idle workers take the next one",
    scheduling: Scheduling::Dynamic,
    forking: Forking::Parallel,
    build: |settings| Ok(Box::new(Rayon::new(settings)?)),
};
