//! Dynamic scheduling: an idle worker takes the next chunk.
//!
//! The queue is an iterator behind a mutex. Workers lock the mutex once for each chunk, so the
//! chunking decides whether they ever wait for the lock: with `items:1` and tiny numbers they do.

use crate::team::{BatchForks, lock, on_threads};
use fib_core::{Descriptor, Error, FibBackend, Forking, Job, Scheduling, affordable_threads};
use std::iter::from_fn;
use std::num::NonZeroUsize;
use std::sync::Mutex;

/// Threads that take chunks from one queue behind a mutex.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    /// The number of threads for each batch.
    pub workers: NonZeroUsize,
}

impl FibBackend for Queue {
    fn workers(&self) -> NonZeroUsize {
        self.workers
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        let is_forking = job.forks();
        let chunks = job.into_chunks();
        let forks = BatchForks::new(is_forking, self.workers, chunks.len());
        let queue = Mutex::new(chunks.into_iter());
        let next = || lock(&queue).next(); // locked only for this
        on_threads(&QUEUE, self.workers, |worker| forks.work(worker, from_fn(next)));
        Ok(())
    }
}

/// The registry entry of [`Queue`].
pub const QUEUE: Descriptor = Descriptor {
    name: "threads-queue",
    summary: "scoped threads that take the next chunk from one shared queue",
    scheduling: Scheduling::Dynamic,
    forking: Forking::Parallel,
    build: |settings| {
        let workers = affordable_threads("threads-queue", settings.workers);
        Ok(Box::new(Queue { workers }))
    },
};
