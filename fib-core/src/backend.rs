//! What a backend is: it decides *where and when*, and never computes a Fibonacci number.

use crate::chunking::Chunking;
use crate::error::Error;
use crate::job::Job;
use crate::layout::Layout;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

/// A way of running a job's chunks on workers.
///
/// `run` may be called from several threads at once. Each call keeps at most [`workers`] kernels
/// going at a time, the calling thread included if it computes.
///
/// [`workers`]: FibBackend::workers
pub trait FibBackend: Send + Sync {
    /// How many workers there are; a job is cut for this many.
    fn workers(&self) -> NonZeroUsize;

    /// Runs every chunk of the job once and returns when all have ended.
    ///
    /// # Errors
    /// [`Error::Backend`] if the workers are gone. What a kernel does wrong is no error here: it
    /// is recorded in the chunk.
    fn run(&self, job: Job<'_>) -> Result<(), Error>;

    /// The backend that is to run a batch in place of this one, and how it is to be cut, for those
    /// that choose among others. Asked once a batch; `chunking` is what the caller wants.
    fn delegate(
        &self,
        _layout: &Layout,
        _chunking: Chunking,
    ) -> Option<(&dyn FibBackend, Chunking)> {
        None
    }
}

/// Who decides which worker runs a chunk, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduling {
    /// There is one worker, the calling thread.
    Serial,
    /// Each worker owns a group of consecutive chunks from the start: [`Job::into_groups`].
    Static,
    /// Whoever is idle runs the next chunk: from a queue, over a channel, by stealing.
    Dynamic,
    /// As `Static`, but only one worker computes at a time.
    Exclusive,
}

/// How a backend is to be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many workers.
    pub workers: NonZeroUsize,
    /// Whether persistent workers are bound to a CPU each. Threads that live for one batch are not.
    pub pin: bool,
    /// What to do about workers that can be lost.
    pub supervision: Supervision,
}

impl Settings {
    /// This many unpinned workers.
    pub fn workers(workers: NonZeroUsize) -> Self {
        Settings { workers, pin: false, supervision: Supervision::default() }
    }
}

/// What to do about workers that are processes of their own, and so can be lost without this one.
/// Threads cannot, and their backends ignore it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supervision {
    /// A worker is replaced after this many tasks; `None`: never.
    pub tasks_per_worker: Option<NonZeroU32>,
    /// A worker that owes an answer and has not used the CPU for this long is killed and replaced.
    pub stall_limit: Duration,
    /// A worker that has not answered for this long is killed and replaced, however busy; `None`:
    /// numbers may take as long as they need.
    pub answer_limit: Option<Duration>,
    /// After more than this many lost workers in a row, no task finished in between, the batch is
    /// given up.
    pub respawn_limit: u32,
}

impl Default for Supervision {
    /// Never replaced while it works, killed after 10 s without CPU time, at most 24 lost in a row.
    fn default() -> Self {
        Supervision {
            tasks_per_worker: None,
            stall_limit: Duration::from_secs(10),
            answer_limit: None,
            respawn_limit: 24,
        }
    }
}

impl Default for Settings {
    /// As many workers as this process may use at once, affinity and CPU quota included; unpinned.
    fn default() -> Self {
        Settings::workers(std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }
}

/// A backend in a registry: what it is and how to build it.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor {
    /// The name users choose it by.
    pub name: &'static str,
    /// Its model in one sentence.
    pub summary: &'static str,
    /// Who decides which worker runs a chunk, and when.
    pub scheduling: Scheduling,
    /// Builds it, workers started and warm.
    pub build: fn(Settings) -> Result<Box<dyn FibBackend>, Error>,
}

impl Descriptor {
    /// Builds the backend, workers started and warm.
    ///
    /// # Errors
    /// [`Error::Backend`] if not a single worker can be had.
    pub fn build(&self, settings: Settings) -> Result<Box<dyn FibBackend>, Error> {
        (self.build)(settings)
    }
}
