//! The pool as a backend.

use crate::batch::Batch;
use crate::crew::{Crew, GivenUp};
use crate::policy::{Builder, Policy};
use crate::spawn::{self, Spawner};
use crate::statistics::{Board, WorkerStatistics};
use crate::{PIPES, SHARED, can_start_itself};
use fib_core::{Error, FibBackend, Job};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

/// More are a mistake, and would be a fork storm.
const MOST_WORKERS: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// Worker processes that outlive the batches.
///
/// Several callers may use a pool at once; their batches take turns. Dropping it ends the workers.
pub struct ProcessPool {
    name: &'static str,
    crew: Mutex<Crew>,
    workers: NonZeroUsize,
    board: Arc<Board>,
}

impl ProcessPool {
    pub(crate) fn start(builder: Builder) -> Result<Self, Error> {
        let Builder { settings, shared, program, environment } = builder;
        let name = if shared { SHARED.name } else { PIPES.name };
        let failed = |reason| Error::Backend { backend: name, reason };
        if spawn::is_worker() || (program.is_none() && !can_start_itself()) {
            return Err(failed("`main` must begin with `fib_process::init()`".into()));
        }
        if settings.workers > MOST_WORKERS {
            return Err(failed(format!("more than {MOST_WORKERS} workers")));
        }
        let spawner = spawn::command(program, environment).and_then(Spawner::new);
        let spawner = spawner.map_err(|error| failed(error.to_string()))?;
        let (workers, pin, supervision) = (settings.workers, settings.pin, settings.supervision);
        let policy = Policy { name, workers, pin, shared, supervision };
        let board = Arc::new(Board::default());
        let crew = Crew::start(policy, spawner, Arc::clone(&board));
        let crew = crew.map_err(|GivenUp(reason)| failed(reason))?;
        let workers = NonZeroUsize::new(crew.len()).unwrap_or(NonZeroUsize::MIN); // never empty
        Ok(ProcessPool { name, crew: Mutex::new(crew), workers, board })
    }

    /// What each worker has done so far; may be asked while a batch runs.
    pub fn statistics(&self) -> Vec<WorkerStatistics> {
        self.board.read(self.workers.get())
    }
}

impl FibBackend for ProcessPool {
    fn workers(&self) -> NonZeroUsize {
        self.workers
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        // A batch that panicked left some workers busy at most; the next begins by replacing them.
        let mut crew = self.crew.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = crew.run(&mut Batch::new(job));
        outcome.map_err(|GivenUp(reason)| Error::Backend { backend: self.name, reason })
    }
}
