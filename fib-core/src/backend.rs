//! What a backend is: it decides *where and when* a batch runs, and never computes a number.

use crate::error::Error;
use crate::job::Job;
use std::num::NonZeroUsize;

/// A way to run the chunks of a job on workers.
///
/// `run` may be called from several threads at once. Each call runs at most [`workers`] kernels at
/// a time; the calling thread counts if it computes.
///
/// A complete backend, with its entry for a registry:
///
/// ```
/// use fib_core::{Descriptor, Error, FibBackend, Forking, Job, Scheduling};
/// use std::{num::NonZeroUsize, sync::Mutex, thread};
///
/// /// Two threads that take the next chunk from a shared stack.
/// struct Stack;
///
/// impl FibBackend for Stack {
///     fn workers(&self) -> NonZeroUsize {
///         NonZeroUsize::new(2).unwrap()
///     }
///     fn run(&self, job: Job<'_>) -> Result<(), Error> {
///         let stack = Mutex::new(job.into_chunks());
///         thread::scope(|scope| {
///             for worker in 0..2 {
///                 let stack = &stack;
///                 scope.spawn(move || {
///                     loop {
///                         let next = stack.lock().unwrap().pop();
///                         let Some(chunk) = next else { break };
///                         chunk.run(worker);
///                     }
///                 });
///             }
///         });
///         Ok(())
///     }
/// }
///
/// /// The entry that a registry lists.
/// const STACK: Descriptor = Descriptor {
///     name: "stack",
///     summary: "two threads that take chunks from a shared stack",
///     scheduling: Scheduling::Dynamic,
///     forking: Forking::Sequential,
///     build: |_settings| Ok(Box::new(Stack)),
/// };
/// # let stack = STACK.build(Default::default())?;
/// # let kernel = fib_core::kernels::doubling();
/// # let table = fib_core::compute(&*stack, &kernel, &[90; 7], &Default::default())?;
/// # assert_eq!(table.limbs(6), Some(&[2880067194370816120][..]));
/// # Ok::<(), Error>(())
/// ```
///
/// [`workers`]: FibBackend::workers
pub trait FibBackend: Send + Sync {
    /// The number of workers. A job is cut for this many.
    fn workers(&self) -> NonZeroUsize;

    /// Runs every chunk of the job once and returns when all of them have ended.
    ///
    /// # Errors
    /// [`Error::Backend`] if the workers are lost. A kernel that fails is not an error of the
    /// backend: the chunk records the failure.
    fn run(&self, job: Job<'_>) -> Result<(), Error>;
}

/// Who decides which worker runs a chunk, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduling {
    /// There is one worker: the calling thread.
    Serial,
    /// Each worker owns a group of consecutive chunks from the start ([`Job::into_groups`]).
    Static,
    /// An idle worker takes the next chunk: from a queue, from a channel, or by work stealing.
    Dynamic,
    /// Like `Dynamic`, but only one worker computes at a time.
    Exclusive,
}

impl Scheduling {
    /// How many of this many workers may compute at the same time.
    pub fn computing_workers(self, workers: usize) -> usize {
        match self {
            Scheduling::Serial | Scheduling::Exclusive => workers.min(1),
            Scheduling::Static | Scheduling::Dynamic => workers,
        }
    }
}

/// What a backend does with the two halves of a fork ([`Forks::join`](crate::Forks::join)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forking {
    /// It runs both halves at once if another worker has time. It runs its chunks with
    /// [`Chunk::run_with_forks`](crate::Chunk::run_with_forks).
    Parallel,
    /// It runs one half after the other.
    Sequential,
}

/// How to build a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The number of workers.
    pub workers: NonZeroUsize,
    /// Whether to bind each worker of a pool to one CPU. Threads that live for one batch are never
    /// bound.
    pub pin: bool,
}

/// A backend with more workers is almost certainly a mistake, and its start would overload the machine.
pub const MOST_WORKERS: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

impl Settings {
    /// This many workers, not bound to CPUs.
    pub fn workers(workers: NonZeroUsize) -> Self {
        Settings { workers, pin: false }
    }
}

impl Default for Settings {
    /// As many workers as this process may use CPUs (affinity and CPU quota included), not bound.
    fn default() -> Self {
        Settings::workers(std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }
}

/// A backend in a registry: what it is, and how to build it.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor {
    /// The name by which users choose the backend.
    pub name: &'static str,
    /// How the backend works, in one sentence.
    pub summary: &'static str,
    /// Who decides which worker runs a chunk. Predictions simulate this schedule.
    pub scheduling: Scheduling,
    /// What the backend does with the two halves of a fork.
    pub forking: Forking,
    /// Builds the backend, with its workers started and warm.
    pub build: fn(Settings) -> Result<Box<dyn FibBackend>, Error>,
}

impl Descriptor {
    /// Builds the backend, with its workers started and warm.
    ///
    /// # Errors
    /// [`Error::Backend`] if `settings` asks for more than [`MOST_WORKERS`], or if the system grants
    /// no worker at all.
    pub fn build(&self, settings: Settings) -> Result<Box<dyn FibBackend>, Error> {
        let wanted = settings.workers;
        if wanted > MOST_WORKERS {
            let reason = format!("{wanted} workers are too many; the limit is {MOST_WORKERS}");
            return Err(Error::Backend { backend: self.name, reason });
        }
        (self.build)(settings)
    }
}
