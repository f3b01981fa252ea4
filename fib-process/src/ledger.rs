//! The ledger of one batch: which chunks wait, how far each chunk is, and which index is to blame
//! for lost workers.
//!
//! The crew takes one part after another from the ledger, sends it to a worker, and records here
//! what became of it. The ledger itself talks to no worker.

use crate::clock::Anchor;
use crate::message::{KernelName, MOST_INDICES};
use fib_core::{ChunkSpan, Control, Form, Job, Pending};
use std::collections::VecDeque;
use std::ops::Range;

/// When one request has cost this many workers, it is split into single indices. If the request
/// already holds a single index, that index fails.
pub(crate) const ATTEMPTS: u32 = 3;

/// When an index has failed, this many indices after it are sent one by one as well, because
/// indices that kill workers are often neighbours. The rest of the chunk is sent in one request.
const SUSPECTS: usize = 16;

/// Consecutive positions of a chunk that are sent in one request.
#[derive(Debug)]
pub(crate) struct ChunkPart {
    /// The number of the chunk in the batch, from 0.
    pub(crate) chunk: usize,
    pub(crate) positions: Range<usize>,
    /// The number of the attempt, from 1.
    pub(crate) attempt: u32,
}

/// A chunk that is not concluded yet.
struct OpenChunk<'a> {
    pending: Pending<'a>,
    /// All positions below this value are settled: computed, or recorded as failures.
    settled: usize,
    /// The number of workers that were lost on the current request.
    deaths: u32,
    /// Positions below this value are sent one by one, to find the index that kills workers.
    singly_until: usize,
    failures: Vec<(usize, String)>,
}

/// The chunks of one batch: the work that is left, and the outcome of the work that is done.
pub(crate) struct Ledger<'a> {
    /// Indexed by the number of the chunk; `None` once the chunk is concluded.
    chunks: Vec<Option<OpenChunk<'a>>>,
    /// The numbers of the chunks that have something to send.
    waiting: VecDeque<usize>,
    /// The number of chunks that are not concluded.
    open_count: usize,
    control: Option<Control>,
    timeline: bool,
    anchor: Anchor,
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(job: Job<'a>) -> Self {
        let (mut timeline, mut control) = (false, None);
        let chunks: Vec<_> = (job.into_chunks().into_iter())
            .map(|chunk| {
                timeline |= chunk.timeline();
                let pending = chunk.into_pending();
                control.get_or_insert_with(|| pending.control().clone()); // all chunks share one
                let failures = vec![];
                Some(OpenChunk { pending, settled: 0, deaths: 0, singly_until: 0, failures })
            })
            .collect();
        let (waiting, open_count) = ((0..chunks.len()).collect(), chunks.len());
        Ledger { chunks, waiting, open_count, control, timeline, anchor: Anchor::now() }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.open_count == 0
    }

    pub(crate) fn has_waiting_chunks(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.control.as_ref().is_some_and(Control::is_cancelled)
    }

    fn open_chunk(&mut self, number: usize) -> Option<&mut OpenChunk<'a>> {
        self.chunks.get_mut(number)?.as_mut()
    }

    /// Takes the part that is sent next; `None` if no chunk waits.
    pub(crate) fn next_part(&mut self) -> Option<ChunkPart> {
        let number = self.waiting.pop_front()?;
        let chunk = self.open_chunk(number)?;
        let most = if chunk.settled < chunk.singly_until { 1 } else { MOST_INDICES };
        let end = chunk.pending.indices().len().min(chunk.settled + most);
        let (positions, attempt) = (chunk.settled..end, chunk.deaths + 1);
        Some(ChunkPart { chunk: number, positions, attempt })
    }

    /// The kernel of a part.
    pub(crate) fn kernel(&mut self, part: &ChunkPart) -> KernelName<'static> {
        let kernel = self.open_chunk(part.chunk).map(|chunk| chunk.pending.kernel());
        KernelName {
            name: kernel.map_or("", |kernel| kernel.name()).into(),
            form: kernel.map_or(Form::Binary, |kernel| kernel.form()).into(),
        }
    }

    /// The indices and slots of a part.
    pub(crate) fn contents(&mut self, part: &ChunkPart) -> (&[u64], &mut [u64]) {
        let Some(chunk) = self.open_chunk(part.chunk) else { return (&[], &mut []) };
        chunk.pending.part_mut(part.positions.clone())
    }

    /// A worker computed this part, except the positions in `failures`. These positions count from
    /// the start of the part.
    pub(crate) fn record_result(
        &mut self,
        part: &ChunkPart,
        failures: Vec<(usize, String)>,
        timing: PartTiming,
    ) {
        let (start, len) = (part.positions.start, part.positions.len());
        let anchor = self.anchor;
        let timeline = self.timeline;
        let Some(chunk) = self.open_chunk(part.chunk) else { return };
        let inside = failures.into_iter().filter(|(position, _)| *position < len);
        chunk.failures.extend(inside.map(|(position, message)| (start + position, message)));
        chunk.settle(part.positions.end);
        // A chunk that was sent in several parts has no single span.
        let whole = len == chunk.pending.indices().len();
        let span = (timeline && whole).then(|| timing.span(anchor));
        self.conclude_or_requeue(part.chunk, span);
    }

    /// No worker can compute this part: every index of it fails for this reason.
    pub(crate) fn record_refusal(&mut self, part: &ChunkPart, reason: &str) {
        let Some(chunk) = self.open_chunk(part.chunk) else { return };
        let failures = part.positions.clone().map(|position| (position, reason.to_owned()));
        chunk.failures.extend(failures);
        chunk.settle(part.positions.end);
        self.conclude_or_requeue(part.chunk, None);
    }

    /// A worker was lost on this part: the part is tried again, or split, or it fails.
    pub(crate) fn record_loss(&mut self, part: &ChunkPart, ending: &str) {
        let Some(chunk) = self.open_chunk(part.chunk) else { return };
        chunk.deaths += 1;
        if chunk.deaths < ATTEMPTS {
            return self.waiting.push_front(part.chunk);
        }
        if part.positions.len() > 1 {
            (chunk.singly_until, chunk.deaths) = (part.positions.end, 0);
            return self.waiting.push_front(part.chunk);
        }
        chunk.singly_until = part.positions.end + SUSPECTS;
        let reason = format!("{ATTEMPTS} workers were lost while computing it; the last {ending}");
        self.record_refusal(part, &reason);
    }

    /// No worker has begun this part, so it is sent again.
    pub(crate) fn put_back(&mut self, part: &ChunkPart) {
        self.waiting.push_front(part.chunk);
    }

    /// Concludes a chunk, or queues the rest of it.
    fn conclude_or_requeue(&mut self, number: usize, span: Option<ChunkSpan>) {
        let Some(entry) = self.chunks.get_mut(number) else { return };
        match entry.take_if(|chunk| chunk.settled == chunk.pending.indices().len()) {
            Some(chunk) => {
                chunk.pending.conclude(chunk.settled, chunk.failures, span);
                self.open_count -= 1;
            }
            None => self.waiting.push_front(number),
        }
    }

    /// Concludes the chunks that wait. The results that they have so far are kept.
    pub(crate) fn cancel_waiting(&mut self) {
        for number in std::mem::take(&mut self.waiting) {
            if let Some(chunk) = self.chunks.get_mut(number).and_then(Option::take) {
                chunk.pending.conclude(chunk.settled, chunk.failures, None);
                self.open_count -= 1;
            }
        }
    }

    /// Says in a warning what a worker was doing with this part.
    pub(crate) fn describe(&self, part: &ChunkPart) -> String {
        let Some(chunk) = &self.chunks[part.chunk] else { return String::new() };
        let indices = &chunk.pending.indices()[part.positions.clone()];
        let range = match indices {
            [] => "nothing".into(),
            [n] => format!("F({n})"),
            [first, .., last] => format!("F({first}) to F({last}), {} indices", indices.len()),
        };
        let (number, attempt) = (part.chunk, part.attempt);
        format!("while computing chunk {number} ({range}), attempt {attempt} of {ATTEMPTS}")
    }
}

impl OpenChunk<'_> {
    fn settle(&mut self, end: usize) {
        (self.settled, self.deaths) = (end, 0);
    }
}

/// When a part was computed, by the monotonic clock of the system, and on which worker.
pub(crate) struct PartTiming {
    pub(crate) worker: usize,
    pub(crate) start_ns: u64,
    pub(crate) end_ns: u64,
}

impl PartTiming {
    fn span(&self, anchor: Anchor) -> ChunkSpan {
        let (start, end) = (anchor.instant(self.start_ns), anchor.instant(self.end_ns));
        ChunkSpan { worker: self.worker, start, end, paused: std::time::Duration::ZERO }
    }
}
