//! The process pool as a backend.

use crate::crew::{Crew, GiveUpReason};
use crate::ledger::Ledger;
use crate::policy::{Builder, Policy};
use crate::spawn::{self, PARENT_VARIABLE, Spawner};
use crate::statistics::{Board, WorkerStatistics};
use crate::{PIPES, SHARED, can_start_itself};
use fib_core::{Error, FibBackend, Job, MOST_WORKERS, Settings};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

/// A pool of worker processes, which outlive the batches.
///
/// Several callers may use a pool at the same time; their batches take turns. The workers end when
/// the pool is dropped.
pub struct ProcessPool {
    name: &'static str,
    crew: Mutex<Crew>,
    workers: NonZeroUsize,
    board: Arc<Board>,
}

impl ProcessPool {
    pub(crate) fn start(builder: Builder) -> Result<Self, Error> {
        let Builder { settings, supervision, shared, program, environment } = builder;
        let name = if shared { SHARED.name } else { PIPES.name };
        let failed = |reason| Error::Backend { backend: name, reason };
        let is_worker = spawn::is_worker();
        if !can_start_itself() && (is_worker || program.is_none()) {
            return Err(failed("`main` must begin with `fib_process::init()`".into()));
        }
        if is_worker {
            return Err(failed(format!(
                "this process is a worker of a pool, because {PARENT_VARIABLE} names its parent, and a \
                 worker starts no workers"
            )));
        }
        if settings.workers > MOST_WORKERS {
            let wanted = settings.workers;
            return Err(failed(format!(
                "{wanted} workers are too many; the limit is {MOST_WORKERS}"
            )));
        }
        let spawner = spawn::command(program, environment).and_then(Spawner::new);
        let spawner = spawner.map_err(|error| failed(error.to_string()))?;
        let Settings { workers, pin } = settings;
        let policy = Policy { name, workers, pin, shared, supervision };
        let board = Arc::new(Board::default());
        let crew = Crew::start(policy, spawner, Arc::clone(&board));
        let crew = crew.map_err(|GiveUpReason(reason)| failed(reason))?;
        // A crew that has started has at least one worker.
        let workers = NonZeroUsize::new(crew.len()).unwrap_or(NonZeroUsize::MIN);
        Ok(ProcessPool { name, crew: Mutex::new(crew), workers, board })
    }

    /// The statistics of each worker. This function may be called while a batch runs.
    pub fn statistics(&self) -> Vec<WorkerStatistics> {
        self.board.read(self.workers.get())
    }
}

impl FibBackend for ProcessPool {
    fn workers(&self) -> NonZeroUsize {
        self.workers
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        // A lock is poisoned when a batch panicked. At worst that batch left some workers busy, and
        // the next batch begins by replacing them.
        let mut crew = self.crew.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = crew.run(&mut Ledger::new(job));
        outcome.map_err(|GiveUpReason(reason)| Error::Backend { backend: self.name, reason })
    }
}
