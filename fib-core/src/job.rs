//! Jobs and chunks: everything that a backend must never forget lives inside the chunk.
//!
//! Cancellation, progress, panic capture and the timeline happen in [`Chunk::run`], so a backend
//! gets them by calling it. A chunk owns its part of the arena and is consumed by running, so
//! running one twice does not compile; a chunk that was never run is found afterwards.

use crate::control::Control;
use crate::kernel::{Checkpoint, Kernel, Run};
use crate::layout::Layout;
use crate::task::{Pending, Task};
use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A batch already cut into chunks: all a backend does is place them.
pub struct Job<'a> {
    pub(crate) chunks: Vec<Chunk<'a>>,
}

impl<'a> Job<'a> {
    /// The chunks, in slot order.
    pub fn into_chunks(self) -> Vec<Chunk<'a>> {
        self.chunks
    }

    /// One group of consecutive chunks for each worker, for static scheduling; some are empty where
    /// there are fewer chunks than workers.
    pub fn into_groups(self, workers: NonZeroUsize) -> Vec<Vec<Chunk<'a>>> {
        let (total, workers) = (self.chunks.len(), workers.get());
        let mut chunks = self.chunks.into_iter();
        let size = |w| total * (w + 1) / workers - total * w / workers;
        (0..workers).map(|w| chunks.by_ref().take(size(w)).collect()).collect()
    }
}

/// Part of a job: some slots of the arena, to be filled by one worker.
///
/// Running a chunk twice does not compile:
/// ```compile_fail,E0382
/// fn twice(chunk: fib_core::Chunk<'_>) {
///     chunk.run(0);
///     chunk.run(0);
/// }
/// ```
/// A thread that may outlive the call cannot hold one:
/// ```compile_fail,E0521
/// fn persistent(chunk: fib_core::Chunk<'_>) {
///     std::thread::spawn(move || chunk.run(0));
/// }
/// ```
/// [`detach`](Self::detach) it first:
/// ```
/// fn owned(chunk: fib_core::Chunk<'_>) {
///     let (task, pending) = chunk.detach();
///     pending.finish(std::thread::spawn(move || task.run(0)).join().unwrap());
/// }
/// ```
#[must_use = "a chunk that is not run leaves its results missing"]
pub struct Chunk<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) out: &'a mut [u64],
    pub(crate) record: &'a mut Record,
    pub(crate) control: &'a Control,
    pub(crate) timeline: bool,
}

impl<'a> Chunk<'a> {
    /// Fills the slots on the calling thread, which is the job's worker number `worker`, from 0.
    pub fn run(self, worker: usize) {
        self.run_inner(worker, None);
    }

    /// As [`run`](Self::run), with a pause between indices: `checkpoint` is called before each one
    /// and returns how long it kept the worker waiting.
    pub fn run_with_checkpoint(self, worker: usize, checkpoint: &mut dyn FnMut() -> Duration) {
        self.run_inner(worker, Some(checkpoint));
    }

    fn run_inner(self, worker: usize, checkpoint: Option<Checkpoint<'_>>) {
        let (indices, offsets) = (self.indices(), self.offsets());
        let Chunk { layout, out, record, control, timeline } = self;
        let work = Work { kernel: &**layout.kernel(), indices, offsets, control, timeline };
        *record = work.perform(out, record.slots.clone(), worker, checkpoint);
    }

    /// Whether the timeline was asked for.
    pub fn timeline(&self) -> bool {
        self.timeline
    }

    /// The indices to compute, in slot order.
    pub fn indices(&self) -> &'a [u64] {
        &self.layout.indices()[self.record.slots.clone()]
    }

    fn offsets(&self) -> &'a [usize] {
        &self.layout.offsets()[self.record.slots.start..=self.record.slots.end]
    }

    /// Splits the chunk into owned work, to ship to where nothing may be borrowed, and the half
    /// that stays and takes the results.
    pub fn detach(self) -> (Task, Pending<'a>) {
        let (indices, offsets) = self.layout.shared();
        let task = Task {
            kernel: Arc::clone(self.layout.kernel()),
            indices,
            offsets,
            slots: self.record.slots.clone(),
            control: self.control.clone(),
            timeline: self.timeline,
        };
        (task, self.into_pending())
    }

    /// The half that stays, where the work is shipped in a form of the backend's own.
    pub fn into_pending(self) -> Pending<'a> {
        let (kernel, indices, offsets) = (self.layout.kernel(), self.indices(), self.offsets());
        let Chunk { layout: _, out, record, control, timeline: _ } = self;
        Pending { kernel, indices, offsets, out, record, control }
    }
}

/// What became of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nobody ran it.
    Skipped,
    /// Every slot was filled or has its failure recorded.
    Done,
    /// Cancelled after this many of its slots.
    Cancelled(usize),
}

/// An index that could not be computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its slot, counted as [`Record::slots`] is.
    pub slot: usize,
    /// The index.
    pub index: u64,
    /// Why: the text of a panic, or what the backend says of a lost worker.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "F({}) failed: {}", self.index, self.message)
    }
}

/// When and where a chunk ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The worker that ran it, from 0.
    pub worker: usize,
    /// When it began.
    pub start: Instant,
    /// When it ended.
    pub end: Instant,
    /// How much of that time the worker waited at checkpoints.
    pub paused: Duration,
}

/// What is known of a chunk after the run.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its slots.
    pub slots: Range<usize>,
    /// What became of it.
    pub outcome: Outcome,
    /// The indices that failed; the others of the chunk were computed.
    pub failures: Vec<Failure>,
    /// When and where it ran, if the timeline was asked for.
    pub span: Option<Span>,
}

impl Record {
    pub(crate) fn new(slots: Range<usize>) -> Self {
        Record { slots, outcome: Outcome::Skipped, failures: Vec::new(), span: None }
    }
}

thread_local!(static INSIDE_A_CHUNK: Cell<bool> = const { Cell::new(false) });

/// Whether the calling thread is running a chunk now. A computation started there runs inline, so
/// no pool can wait for itself.
pub(crate) fn inside_a_chunk() -> bool {
    INSIDE_A_CHUNK.get()
}

/// The part of a chunk or task that does not depend on who owns it.
pub(crate) struct Work<'a> {
    pub(crate) kernel: &'a dyn Kernel,
    pub(crate) indices: &'a [u64],
    pub(crate) offsets: &'a [usize],
    pub(crate) control: &'a Control,
    pub(crate) timeline: bool,
}

impl Work<'_> {
    /// Fills `out`. An index that panics is recorded and the kernel starts again behind it.
    pub(crate) fn perform(
        &self,
        out: &mut [u64],
        slots: Range<usize>,
        worker: usize,
        mut checkpoint: Option<Checkpoint<'_>>,
    ) -> Record {
        let start = self.timeline.then(Instant::now);
        let mut record = Record { outcome: Outcome::Done, ..Record::new(slots) };
        let (mut at, mut paused) = (0, Duration::ZERO);
        while at < self.indices.len() {
            let (indices, offsets) = (&self.indices[at..], &self.offsets[at..]);
            let out = &mut out[offsets[0] - self.offsets[0]..];
            let pause: Option<Checkpoint<'_>> = match &mut checkpoint {
                Some(checkpoint) => Some(&mut **checkpoint),
                None => None,
            };
            let mut run = Run::new(indices, offsets, out, self.control, pause);
            let stop = self.fill(&mut run);
            paused += run.paused;
            match stop {
                Stop::End => break,
                Stop::Cancelled => {
                    record.outcome = Outcome::Cancelled(at + run.next);
                    break;
                }
                Stop::Failed { at: culprit, message } => {
                    let (slot, index) = (record.slots.start + at + culprit, indices[culprit]);
                    record.failures.push(Failure { slot, index, message });
                    at += culprit + 1;
                }
            }
        }
        record.span = start.map(|start| Span { worker, start, end: Instant::now(), paused });
        record
    }

    fn fill(&self, run: &mut Run<'_>) -> Stop {
        let outer = INSIDE_A_CHUNK.replace(true);
        let caught = catch_unwind(AssertUnwindSafe(|| self.kernel.fill(run)));
        INSIDE_A_CHUNK.set(outer);
        run.report();
        match caught {
            Ok(()) if run.next == run.indices.len() => Stop::End,
            Ok(()) if self.control.is_cancelled() => Stop::Cancelled,
            Ok(()) => Stop::Failed { at: run.next, message: "the kernel stopped early".into() },
            // Before the first slot was asked for, that one is to blame.
            Err(panic) => Stop::Failed { at: run.next.saturating_sub(1), message: text_of(panic) },
        }
    }
}

/// Why a kernel's `fill` came back.
enum Stop {
    End,
    Cancelled,
    Failed { at: usize, message: String },
}

fn text_of(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => match panic.downcast::<&'static str>() {
            Ok(text) => (*text).into(),
            Err(unknown) => {
                std::mem::forget(unknown); // its destructor might panic in turn
                "a panic without a message".into()
            }
        },
    }
}
