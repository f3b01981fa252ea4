//! Statistics of the workers: what each worker of a pool has done so far.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The statistics of one worker of a pool. When the process of a worker is replaced, the statistics
/// go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkerStatistics {
    /// The process of this worker: the current process, or the last one.
    pub pid: u32,
    /// The number of requests that the worker has computed. A chunk is one request, unless the
    /// pool had to split it.
    pub chunks: u64,
    /// The time that the worker has spent computing.
    pub busy: Duration,
    /// How often the process of this worker was lost.
    pub deaths: u64,
}

/// The statistics of all workers. They can be read while a batch runs.
#[derive(Debug, Default)]
pub(crate) struct Board(Mutex<Vec<WorkerStatistics>>);

impl Board {
    fn change(&self, worker: usize, change: impl FnOnce(&mut WorkerStatistics)) {
        // No code panics while it holds this lock, so the lock is never poisoned.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() <= worker {
            all.resize(worker + 1, WorkerStatistics::default());
        }
        change(&mut all[worker]);
    }

    pub(crate) fn record_start(&self, worker: usize, pid: u32) {
        self.change(worker, |entry| entry.pid = pid);
    }

    pub(crate) fn record_reply(&self, worker: usize, busy: Duration) {
        self.change(worker, |entry| {
            entry.chunks += 1;
            entry.busy += busy;
        });
    }

    pub(crate) fn record_loss(&self, worker: usize) {
        self.change(worker, |entry| entry.deaths += 1);
    }

    pub(crate) fn read(&self, workers: usize) -> Vec<WorkerStatistics> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().take(workers).copied().collect()
    }
}
