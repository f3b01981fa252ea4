//! What is known of a chunk after a run: what became of it, which indices failed, and when it ran.

use std::fmt;
use std::ops::Range;
use std::time::{Duration, Instant};

/// What became of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No worker ran it.
    Skipped,
    /// Every slot was filled, or its failure is recorded.
    Done,
    /// The run was cancelled after this many slots of the chunk.
    Cancelled(usize),
}

/// An index that could not be computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The slot, counted from the start of the layout.
    pub slot: usize,
    /// The index n of F(n).
    pub index: u64,
    /// The reason: the message of a panic, or what a backend reports about a lost worker.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "F({}) failed: {}", self.index, self.message)
    }
}

/// When a chunk ran, and on which worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkSpan {
    /// The worker, counted from 0.
    pub worker: usize,
    /// When the worker started the chunk.
    pub start: Instant,
    /// When the worker finished the chunk.
    pub end: Instant,
    /// How much of the time between `start` and `end` the worker spent waiting at checkpoints.
    pub paused: Duration,
}

/// The result of one chunk. Each chunk writes to its own record, so records need no lock.
#[derive(Clone, Debug)]
pub struct ChunkRecord {
    /// The slots of the chunk, counted from the start of the layout.
    pub slots: Range<usize>,
    /// What became of the chunk. A new record says [`Outcome::Skipped`].
    pub outcome: Outcome,
    /// The indices that failed. All other indices of a finished chunk were computed.
    pub failures: Vec<Failure>,
    /// When and where the chunk ran; `None` unless a timeline was asked for.
    pub span: Option<ChunkSpan>,
    /// The times between `start` and `end` in which the worker waited at checkpoints; empty unless a timeline
    /// was asked for.
    pub pauses: Vec<Range<Instant>>,
    /// The stretches of the chunk, if there is a timeline and another worker took a half of a fork: times in
    /// which a worker computed without waiting for a half. Stretches of one worker do not overlap.
    pub stretches: Vec<ChunkSpan>,
}

impl ChunkRecord {
    pub(crate) fn new(slots: Range<usize>) -> Self {
        let (failures, pauses, stretches) = (Vec::new(), Vec::new(), Vec::new());
        ChunkRecord { slots, outcome: Outcome::Skipped, failures, span: None, pauses, stretches }
    }

    /// Which worker computed the chunk, and when: its stretches if other workers took part, or else its span.
    pub fn spans(&self) -> impl Iterator<Item = ChunkSpan> {
        let whole = self.span.filter(|_| self.stretches.is_empty());
        self.stretches.iter().copied().chain(whole)
    }

    /// The slots of this chunk that hold no result, ascending.
    pub(crate) fn missing(&self) -> Vec<Range<usize>> {
        let Range { start, end } = self.slots;
        let mut gaps: Vec<_> = self.failures.iter().map(|f| f.slot..f.slot + 1).collect();
        match self.outcome {
            Outcome::Done => {}
            Outcome::Skipped => gaps.push(start..end),
            Outcome::Cancelled(done) => gaps.push(start + done..end),
        }
        gaps
    }
}
