//! The settings of a pool, and the builder that collects them.

use crate::ProcessPool;
use fib_core::{Error, Settings};
use std::ffi::OsString;
use std::num::{NonZeroU32, NonZeroUsize};
use std::process::Command;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

/// When a pool replaces its workers, and when it gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supervision {
    /// The pool replaces a worker after this many chunks; `None` means never.
    pub tasks_per_worker: Option<NonZeroU32>,
    /// The pool kills and replaces a worker that owes a reply and has not used the CPU for this long.
    pub stall_limit: Duration,
    /// The pool kills and replaces a worker that has not replied for this long, however busy it is.
    /// `None` means that a number may take as long as it needs.
    pub reply_limit: Option<Duration>,
    /// The pool gives a batch up when it loses more than this many workers in a row, with no result
    /// in between.
    pub respawn_limit: u32,
}

impl Supervision {
    const DEFAULT: Supervision = Supervision {
        tasks_per_worker: None,
        stall_limit: Duration::from_secs(10),
        reply_limit: None,
        respawn_limit: 24,
    };

    /// Makes this the supervision of every pool that this process builds from now on, unless the
    /// [`Builder`] of the pool says otherwise. For programs that build pools by name.
    pub fn set_default(self) {
        *DEFAULT.write().unwrap_or_else(PoisonError::into_inner) = self;
    }
}

/// Makes this the command that starts the workers of every pool that this process builds from now on,
/// unless the [`Builder`] of the pool says otherwise. For programs that build pools by name, and cannot run
/// as a worker themselves. See [`Builder::program`].
pub fn set_default_program(command: Vec<OsString>) {
    *PROGRAM.write().unwrap_or_else(PoisonError::into_inner) = command;
}

/// The program and its arguments; empty if there is no default.
static PROGRAM: RwLock<Vec<OsString>> = RwLock::new(vec![]);

fn default_program() -> Option<Command> {
    let words = PROGRAM.read().unwrap_or_else(PoisonError::into_inner);
    let (program, arguments) = words.split_first()?;
    let mut command = Command::new(program);
    command.args(arguments);
    Some(command)
}

static DEFAULT: RwLock<Supervision> = RwLock::new(Supervision::DEFAULT);

impl Default for Supervision {
    /// The last [`Supervision::set_default`]. Without one, a worker is never replaced while it works,
    /// it is killed after 10 s without CPU time, and a batch is given up after 24 lost workers in a
    /// row.
    fn default() -> Self {
        *DEFAULT.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The settings of a running pool.
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
///     .reply_limit(Some(Duration::from_secs(60)))
///     .env("RUST_BACKTRACE", "1")
///     .build()?;
/// # Ok::<(), fib_process::Error>(())
/// ```
#[derive(Debug)]
pub struct Builder {
    pub(crate) settings: Settings,
    pub(crate) supervision: Supervision,
    pub(crate) shared: bool,
    pub(crate) program: Option<Command>,
    pub(crate) environment: Vec<(OsString, Option<OsString>)>,
}

impl Builder {
    /// The builder of a pool with this many workers. Results go through pipes, and the pool has the
    /// default [`Supervision`].
    pub fn new(workers: NonZeroUsize) -> Self {
        Builder::from_settings(Settings::workers(workers))
    }

    /// The builder of a pool with these settings. Results go through pipes.
    pub fn from_settings(settings: Settings) -> Self {
        Builder {
            settings,
            supervision: Supervision::default(),
            shared: false,
            program: default_program(),
            environment: vec![],
        }
    }

    /// Whether workers write their results to memory that they share with the pool. The default is
    /// to send them through pipes.
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
        self.supervision.tasks_per_worker = tasks;
        self
    }

    /// See [`Supervision::stall_limit`].
    pub fn stall_limit(mut self, limit: Duration) -> Self {
        self.supervision.stall_limit = limit;
        self
    }

    /// See [`Supervision::reply_limit`].
    pub fn reply_limit(mut self, limit: Option<Duration>) -> Self {
        self.supervision.reply_limit = limit;
        self
    }

    /// See [`Supervision::respawn_limit`].
    pub fn respawn_limit(mut self, limit: u32) -> Self {
        self.supervision.respawn_limit = limit;
        self
    }

    /// Sets an environment variable of the workers. All other variables are those of this process.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), Some(value.into())));
        self
    }

    /// Removes an environment variable from the environment of the workers.
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), None));
        self
    }

    /// Sets the program that runs as a worker instead of this executable. The `main` of the program
    /// must begin with [`init`]. The pool adds two arguments to the command, which tell [`init`]
    /// that the process is a worker. The pool also takes over the standard input of the program.
    ///
    /// [`init`]: crate::init
    pub fn program(mut self, program: Command) -> Self {
        self.program = Some(program);
        self
    }

    /// Starts the workers and waits until all of them are ready.
    ///
    /// # Errors
    /// [`Error::Backend`] in any of these cases:
    ///
    /// - The system refuses to start even one worker.
    /// - A worker is not ready within about a second.
    /// - The pool would have more than 1024 workers.
    /// - [`init`](crate::init) was not called, and no program was given.
    /// - This process is itself a worker.
    pub fn build(self) -> Result<ProcessPool, Error> {
        ProcessPool::start(self)
    }
}
