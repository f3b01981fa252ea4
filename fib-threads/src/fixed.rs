//! Static scheduling: which worker runs which chunk is decided before the first thread starts.
//!
//! No thread takes a chunk of another thread. So a batch takes as long as its slowest group, unless the kernel
//! forks: then a thread that has ended its group runs halves of others. With one chunk for each worker (`per-worker:1`) that is a bad deal on a
//! range: F(n) costs more the larger n is, and the last worker has all the large ones.

use crate::team::{BatchForks, on_own_shares};
use fib_core::{Descriptor, Error, FibBackend, Forking, Job, Scheduling, affordable_threads};
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
        let is_forking = job.forks();
        let groups = job.into_groups(self.workers);
        let forks = BatchForks::new(is_forking, self.workers, groups.iter().map(Vec::len).sum());
        on_own_shares(&STATIC, groups, |worker, group| forks.work(worker, group.into_iter()));
        Ok(())
    }
}

/// The registry entry of [`Static`].
pub const STATIC: Descriptor = Descriptor {
    name: "threads-static",
    summary: "one scoped thread for each worker, with its own group of consecutive chunks",
    scheduling: Scheduling::Static,
    forking: Forking::Parallel,
    build: |settings| {
        let workers = affordable_threads("threads-static", settings.workers);
        Ok(Box::new(Static { workers }))
    },
};
