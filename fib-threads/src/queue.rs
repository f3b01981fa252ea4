//! Dynamic scheduling: whoever is free takes the next chunk.

use crate::team::{next, on_threads};
use fib_core::{Descriptor, Error, FibBackend, Job, Scheduling};
use std::num::NonZeroUsize;
use std::sync::Mutex;

/// Registry entry of [`Queue`].
pub const QUEUE: Descriptor = Descriptor {
    name: "threads-queue",
    summary: "scoped threads that pull the next chunk from one shared queue",
    scheduling: Scheduling::Dynamic,
    build: |settings| Ok(Box::new(Queue { workers: settings.workers })),
};

/// Threads that pull chunks from one queue behind a mutex. The lock is taken once a chunk, so it is
/// the chunking that decides whether anybody waits for it.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    /// How many threads a batch gets.
    pub workers: NonZeroUsize,
}

impl FibBackend for Queue {
    fn workers(&self) -> NonZeroUsize {
        self.workers
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        let queue = Mutex::new(job.into_chunks().into_iter());
        let work = |worker: usize| {
            while let Some(chunk) = next(&queue) {
                chunk.run(worker);
            }
        };
        on_threads(&QUEUE, self.workers, work);
        work(0); // what is left if no thread could start
        Ok(())
    }
}
