//! Runs a kernel on the slots of a chunk, with everything that no backend may forget.
//!
//! Cancellation, progress, panic capture and the timeline are part of [`Work::perform`]. Chunks and
//! tasks both end up here, so every backend gets all four by running its chunks.

use crate::control::Control;
use crate::fork::{CancelledFork, Fork, ForkContext};
use crate::kernel::{Checkpoint, Kernel, Run};
use crate::record::{ChunkRecord, ChunkSpan, Failure, Outcome};
use std::any::Any;
use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

thread_local!(static INSIDE_A_CHUNK: Cell<bool> = const { Cell::new(false) });

/// Whether the calling thread is running a chunk now. A computation that starts inside a chunk runs
/// inline on that worker, so no pool can wait for itself.
#[must_use]
pub fn inside_a_chunk() -> bool {
    INSIDE_A_CHUNK.get()
}

/// Calls `work` as a part of a chunk that another thread may have started.
#[inline]
pub(crate) fn inside<R>(work: impl FnOnce() -> R) -> R {
    if INSIDE_A_CHUNK.get() { work() } else { enter(work) }
}

#[cold]
fn enter<R>(work: impl FnOnce() -> R) -> R {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            INSIDE_A_CHUNK.set(false);
        }
    }
    INSIDE_A_CHUNK.set(true);
    let _leave = Leave; // even if `work` panics
    work()
}

/// The part of a chunk or task that does not depend on who owns the results.
pub(crate) struct Work<'a> {
    pub(crate) kernel: &'a dyn Kernel,
    pub(crate) indices: &'a [u64],
    /// The starts of the slots and the end of the last slot.
    pub(crate) offsets: &'a [usize],
    pub(crate) control: &'a Control,
    pub(crate) timeline: bool,
    /// `None` if the worker cannot fork.
    pub(crate) fork: Option<&'a dyn Fork>,
}

impl Work<'_> {
    /// Fills `out`. When an index panics, its failure is recorded and the kernel starts again at
    /// the next index.
    pub(crate) fn perform(
        &self,
        out: &mut [u64],
        slots: Range<usize>,
        worker: usize,
        checkpoint: Option<Checkpoint<'_>>,
    ) -> ChunkRecord {
        let mut record = ChunkRecord { outcome: Outcome::Done, ..ChunkRecord::new(slots) };
        let context = ForkContext::new(self.fork, self.control, self.timeline);
        let start = self.timeline.then(Instant::now);
        let (paused, stretches) =
            context.traced(|| self.fill_all(&mut record, out, &context, checkpoint));
        record.span = start.map(|start| ChunkSpan { worker, start, end: Instant::now(), paused });
        record.stretches = stretches;
        record
    }

    /// Fills `out`, notes in `record` what becomes of it, and returns the time spent at checkpoints.
    fn fill_all(
        &self,
        record: &mut ChunkRecord,
        out: &mut [u64],
        context: &ForkContext<'_>,
        checkpoint: Option<Checkpoint<'_>>,
    ) -> Duration {
        let (mut first, mut paused) = (0, Duration::ZERO);
        let mut pauses = vec![];
        let mut checkpoint = checkpoint.map(|wait| noting(wait, self.timeline, &mut pauses));
        while first < self.indices.len() {
            let (indices, offsets) = (&self.indices[first..], &self.offsets[first..]);
            let out = &mut out[offsets[0] - self.offsets[0]..];
            let pause: Option<Checkpoint<'_>> = match &mut checkpoint {
                Some(checkpoint) => Some(checkpoint),
                None => None,
            };
            let mut run = Run::new(indices, offsets, out, self.control, pause, context.forks());
            let stop = self.fill(&mut run);
            paused += run.paused;
            match stop {
                Stop::End => break,
                Stop::Cancelled => {
                    record.outcome = Outcome::Cancelled(first + run.next);
                    break;
                }
                Stop::Failed { position, message } => {
                    let (slot, index) = (record.slots.start + first + position, indices[position]);
                    record.failures.push(Failure { slot, index, message });
                    first += position + 1;
                }
            }
        }
        drop(checkpoint);
        record.pauses = pauses;
        paused
    }

    fn fill(&self, run: &mut Run<'_>) -> Stop {
        let outer = INSIDE_A_CHUNK.replace(true);
        let caught = catch_unwind(AssertUnwindSafe(|| self.kernel.fill(run)));
        INSIDE_A_CHUNK.set(outer);
        if matches!(&caught, Err(panic) if panic.is::<CancelledFork>()) {
            run.give_back();
        }
        run.report();
        // A kernel that panics before it takes its first slot fails at that slot.
        let last = run.next.saturating_sub(1);
        match caught {
            Ok(()) if run.next == run.indices.len() => Stop::End,
            Ok(()) if self.control.is_cancelled() => Stop::Cancelled,
            Ok(()) => {
                Stop::Failed { position: run.next, message: "the kernel stopped early".into() }
            }
            Err(panic) if panic.is::<CancelledFork>() => Stop::Cancelled,
            Err(panic) => Stop::Failed { position: last, message: panic_message(panic) },
        }
    }
}

/// The same checkpoint. With a timeline it notes when it kept the worker waiting.
fn noting<'a>(
    checkpoint: Checkpoint<'a>,
    timeline: bool,
    pauses: &'a mut Vec<Range<Instant>>,
) -> impl FnMut() -> Duration + 'a {
    move || {
        let waited = checkpoint();
        if timeline && !waited.is_zero() {
            let end = Instant::now();
            pauses.push(end.checked_sub(waited).unwrap_or(end)..end);
        }
        waited
    }
}

/// Why a kernel's `fill` returned.
enum Stop {
    End,
    Cancelled,
    /// `position` counts from the first slot of this call of `fill`.
    Failed {
        position: usize,
        message: String,
    },
}

fn panic_message(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => match panic.downcast::<&'static str>() {
            Ok(text) => (*text).into(),
            Err(unknown) => {
                std::mem::forget(unknown); // its destructor could panic in turn
                "a panic without a message".into()
            }
        },
    }
}
