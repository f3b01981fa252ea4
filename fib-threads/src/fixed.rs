//! Static scheduling: everything is decided before the first thread starts.

use crate::team::{next, on_threads};
use fib_core::{Descriptor, Error, FibBackend, Job, Scheduling};
use std::num::NonZeroUsize;
use std::sync::Mutex;

/// Registry entry of [`Static`].
pub const STATIC: Descriptor = Descriptor {
    name: "threads-static",
    summary: "one scoped thread per worker, each with its own run of consecutive chunks",
    scheduling: Scheduling::Static,
    build: |settings| Ok(Box::new(Static { workers: settings.workers })),
};

/// One thread per worker, each with its own group of consecutive chunks. No thread ever waits for
/// another, and none helps another: the batch takes as long as its slowest group.
#[derive(Clone, Copy, Debug)]
pub struct Static {
    /// How many threads a batch gets.
    pub workers: NonZeroUsize,
}

impl FibBackend for Static {
    fn workers(&self) -> NonZeroUsize {
        self.workers
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        // A thread takes its group once it exists: one that cannot start takes nothing with it.
        let groups: Vec<_> = job
            .into_groups(self.workers)
            .into_iter()
            .map(|group| Mutex::new(group.into_iter()))
            .collect();
        let work = |worker: usize| {
            while let Some(chunk) = next(&groups[worker]) {
                chunk.run(worker);
            }
        };
        let granted = on_threads(&STATIC, self.workers, work);
        (granted..groups.len()).for_each(work);
        Ok(())
    }
}
