//! Static scheduling: which worker runs which chunk is decided before the first thread starts.
//!
//! No thread ever waits for another thread, and no thread helps another thread. So a batch takes as
//! long as its slowest group. With one chunk for each worker (`per-worker:1`) that is a bad deal on a
//! range: F(n) costs more the larger n is, and the last worker has all the large ones.

use crate::team::on_own_shares;
use fib_core::{Descriptor, Error, FibBackend, Job, Scheduling, affordable_threads};
use std::num::NonZeroUsize;

/// One thread for each worker. Each thread runs its own group of consecutive chunks.
#[derive(Clone, Copy, Debug)]
pub struct Static {
    /// The number of threads for each batch.
    pub workers: NonZeroUsize,
}

impl FibBackend for Static {
    fn workers(&self) -> NonZeroUsize {
        self.workers
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        let groups = job.into_groups(self.workers);
        on_own_shares(&STATIC, groups, |worker, group| {
            group.into_iter().for_each(|chunk| chunk.run(worker));
        });
        Ok(())
    }
}

/// The registry entry of [`Static`].
pub const STATIC: Descriptor = Descriptor {
    name: "threads-static",
    summary: "one scoped thread for each worker, with its own group of consecutive chunks",
    scheduling: Scheduling::Static,
    build: |settings| {
        let workers = affordable_threads("threads-static", settings.workers);
        Ok(Box::new(Static { workers }))
    },
};
