//! How a pool is to be built.

use crate::ProcessPool;
use fib_core::{Error, Settings, Supervision};
use std::ffi::OsString;
use std::num::{NonZeroU32, NonZeroUsize};
use std::process::Command;
use std::time::Duration;

/// What a running pool goes by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) name: &'static str,
    pub(crate) workers: NonZeroUsize,
    pub(crate) pin: bool,
    pub(crate) shared: bool,
    pub(crate) supervision: Supervision,
}

/// Builds a [`ProcessPool`].
///
/// ```no_run
/// # use std::{num::NonZero, time::Duration};
/// let workers = NonZero::new(4).unwrap();
/// let pool = fib_process::Builder::new(workers)
///     .shared_memory(true)
///     .tasks_per_worker(NonZero::new(1000))
///     .answer_limit(Some(Duration::from_secs(60)))
///     .env("RUST_BACKTRACE", "1")
///     .build()?;
/// # Ok::<(), fib_process::Error>(())
/// ```
#[derive(Debug)]
pub struct Builder {
    pub(crate) settings: Settings,
    pub(crate) shared: bool,
    pub(crate) program: Option<Command>,
    pub(crate) environment: Vec<(OsString, Option<OsString>)>,
}

impl Builder {
    /// A pool of this many workers, with results through pipes and the default
    /// [`Supervision`].
    pub fn new(workers: NonZeroUsize) -> Self {
        Builder::with(Settings::workers(workers))
    }

    /// A pool with these settings.
    pub fn with(settings: Settings) -> Self {
        Builder { settings, shared: false, program: None, environment: vec![] }
    }

    /// Whether workers write their results to memory that they share with the pool.
    pub fn shared_memory(mut self, shared: bool) -> Self {
        self.shared = shared;
        self
    }

    /// Whether each worker binds itself to a CPU.
    pub fn pin(mut self, pin: bool) -> Self {
        self.settings.pin = pin;
        self
    }

    /// See [`Supervision::tasks_per_worker`].
    pub fn tasks_per_worker(mut self, tasks: Option<NonZeroU32>) -> Self {
        self.settings.supervision.tasks_per_worker = tasks;
        self
    }

    /// See [`Supervision::stall_limit`].
    pub fn stall_limit(mut self, limit: Duration) -> Self {
        self.settings.supervision.stall_limit = limit;
        self
    }

    /// See [`Supervision::answer_limit`].
    pub fn answer_limit(mut self, limit: Option<Duration>) -> Self {
        self.settings.supervision.answer_limit = limit;
        self
    }

    /// See [`Supervision::respawn_limit`].
    pub fn respawn_limit(mut self, limit: u32) -> Self {
        self.settings.supervision.respawn_limit = limit;
        self
    }

    /// Sets an environment variable of the workers; they have this process's otherwise.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), Some(value.into())));
        self
    }

    /// Takes an environment variable from the workers.
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), None));
        self
    }

    /// The program to run as a worker instead of this executable. Its `main` begins with
    /// [`init`](crate::init), which two more arguments tell that it is a worker; its standard input
    /// is the pool's.
    pub fn program(mut self, program: Command) -> Self {
        self.program = Some(program);
        self
    }

    /// Starts the workers and waits until all are ready.
    ///
    /// # Errors
    /// [`Error::Backend`] if not a single worker can be started, if one is not ready within about a
    /// second, if there are to be more than 1024, or if [`init`](crate::init) was not called and no
    /// program was given.
    pub fn build(self) -> Result<ProcessPool, Error> {
        ProcessPool::start(self)
    }
}
