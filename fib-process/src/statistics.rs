//! What each worker has done so far.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// One worker of a pool: a place that one process after another may fill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkerStatistics {
    /// The present process, or the last.
    pub pid: u32,
    /// How many requests it has answered: a chunk is one, unless it had to be split.
    pub chunks: u64,
    /// How long it computed.
    pub busy: Duration,
    /// How often its process was lost.
    pub deaths: u64,
}

/// The statistics of all workers, to be read while a batch runs.
#[derive(Debug, Default)]
pub(crate) struct Board(Mutex<Vec<WorkerStatistics>>);

impl Board {
    fn change(&self, worker: usize, change: impl FnOnce(&mut WorkerStatistics)) {
        // Nothing panics while it is locked.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() <= worker {
            all.resize(worker + 1, WorkerStatistics::default());
        }
        change(&mut all[worker]);
    }

    pub(crate) fn born(&self, worker: usize, pid: u32) {
        self.change(worker, |one| one.pid = pid);
    }

    pub(crate) fn answered(&self, worker: usize, busy: Duration) {
        self.change(worker, |one| {
            one.chunks += 1;
            one.busy += busy;
        });
    }

    pub(crate) fn died(&self, worker: usize) {
        self.change(worker, |one| one.deaths += 1);
    }

    pub(crate) fn read(&self, workers: usize) -> Vec<WorkerStatistics> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().take(workers).copied().collect()
    }
}
