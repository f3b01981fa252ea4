//! The ledger of one batch: which chunks wait, how far each is, who is to blame.

use crate::clock::Anchor;
use crate::message::MOST_INDICES;
use fib_core::{Control, Job, Pending, Span};
use std::collections::VecDeque;
use std::ops::Range;

/// This many workers lost on one request, and it is split, or, holding a single index, given up.
pub(crate) const ATTEMPTS: u32 = 3;

/// Behind an index that was given up, this many more are sent one by one: those that kill are often
/// neighbours. What follows is sent in one request again.
const SUSPECTS: usize = 16;

/// Consecutive positions of a chunk that are sent in one request.
#[derive(Debug)]
pub(crate) struct Part {
    /// The chunk's number in the batch, from 0.
    pub(crate) chunk: usize,
    pub(crate) positions: Range<usize>,
    /// From 1.
    pub(crate) attempt: u32,
}

/// A chunk on its way.
struct Entry<'a> {
    pending: Pending<'a>,
    /// Positions before this one are settled.
    settled: usize,
    /// Workers lost on the present request.
    deaths: u32,
    /// Positions before this one are sent one by one, to find the one that kills.
    singly_until: usize,
    failures: Vec<(usize, String)>,
}

/// What the workers have to do, and what came of it.
pub(crate) struct Batch<'a> {
    entries: Vec<Option<Entry<'a>>>,
    /// Chunks with something to send.
    waiting: VecDeque<usize>,
    /// Chunks that are not concluded.
    open: usize,
    control: Option<Control>,
    timeline: bool,
    anchor: Anchor,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(job: Job<'a>) -> Self {
        let (mut timeline, mut control) = (false, None);
        let entries: Vec<_> = (job.into_chunks().into_iter())
            .map(|chunk| {
                timeline |= chunk.timeline();
                let pending = chunk.into_pending();
                control.get_or_insert_with(|| pending.control().clone()); // one for all
                let failures = vec![];
                Some(Entry { pending, settled: 0, deaths: 0, singly_until: 0, failures })
            })
            .collect();
        let (waiting, open) = ((0..entries.len()).collect(), entries.len());
        Batch { entries, waiting, open, control, timeline, anchor: Anchor::now() }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.open == 0
    }

    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.control.as_ref().is_some_and(Control::is_cancelled)
    }

    fn entry(&mut self, chunk: usize) -> Option<&mut Entry<'a>> {
        self.entries.get_mut(chunk)?.as_mut()
    }

    /// What is to be sent next.
    pub(crate) fn next(&mut self) -> Option<Part> {
        let chunk = self.waiting.pop_front()?;
        let entry = self.entry(chunk)?;
        let most = if entry.settled < entry.singly_until { 1 } else { MOST_INDICES };
        let end = entry.pending.indices().len().min(entry.settled + most);
        Some(Part { chunk, positions: entry.settled..end, attempt: entry.deaths + 1 })
    }

    /// The name of the kernel, the indices and the slots of a part.
    pub(crate) fn contents(&mut self, part: &Part) -> (&'static str, &[u64], &mut [u64]) {
        let Some(entry) = self.entry(part.chunk) else { return ("", &[], &mut []) };
        let name = entry.pending.kernel().name();
        let (indices, slots) = entry.pending.part_mut(part.positions.clone());
        (name, indices, slots)
    }

    /// A part was computed, but for the positions in `failures`, counted within it.
    pub(crate) fn done(&mut self, part: &Part, failures: Vec<(usize, String)>, took: Took) {
        let (start, len) = (part.positions.start, part.positions.len());
        let anchor = self.anchor;
        let timeline = self.timeline;
        let Some(entry) = self.entry(part.chunk) else { return };
        let inside = failures.into_iter().filter(|(at, _)| *at < len);
        entry.failures.extend(inside.map(|(at, message)| (start + at, message)));
        entry.settle(part.positions.end);
        // A chunk that was sent in parts has no single span.
        let whole = len == entry.pending.indices().len();
        let span = (timeline && whole).then(|| took.span(anchor));
        self.go_on(part.chunk, span);
    }

    /// No worker can compute this part.
    pub(crate) fn refused(&mut self, part: &Part, reason: &str) {
        let Some(entry) = self.entry(part.chunk) else { return };
        entry.failures.extend(part.positions.clone().map(|at| (at, reason.to_owned())));
        entry.settle(part.positions.end);
        self.go_on(part.chunk, None);
    }

    /// A worker was lost on this part: it is tried again, split, or given up.
    pub(crate) fn lost(&mut self, part: &Part, how: &str) {
        let Some(entry) = self.entry(part.chunk) else { return };
        entry.deaths += 1;
        if entry.deaths < ATTEMPTS {
            return self.waiting.push_front(part.chunk);
        }
        if part.positions.len() > 1 {
            (entry.singly_until, entry.deaths) = (part.positions.end, 0);
            return self.waiting.push_front(part.chunk);
        }
        entry.singly_until = part.positions.end + SUSPECTS;
        self.refused(part, &format!("{ATTEMPTS} workers were lost on it; the last {how}"));
    }

    /// A part was not begun and is to be sent again.
    pub(crate) fn put_back(&mut self, part: &Part) {
        self.waiting.push_front(part.chunk);
    }

    /// Concludes a chunk, or queues what is left of it.
    fn go_on(&mut self, chunk: usize, span: Option<Span>) {
        let Some(slot) = self.entries.get_mut(chunk) else { return };
        match slot.take_if(|entry| entry.settled == entry.pending.indices().len()) {
            Some(entry) => {
                entry.pending.conclude(entry.settled, entry.failures, span);
                self.open -= 1;
            }
            None => self.waiting.push_front(chunk),
        }
    }

    /// Concludes the chunks that wait with what was computed of them.
    pub(crate) fn cancel_waiting(&mut self) {
        for chunk in std::mem::take(&mut self.waiting) {
            if let Some(entry) = self.entries.get_mut(chunk).and_then(Option::take) {
                entry.pending.conclude(entry.settled, entry.failures, None);
                self.open -= 1;
            }
        }
    }

    /// What a part is, in a warning.
    pub(crate) fn describe(&self, part: &Part) -> String {
        let Some(entry) = &self.entries[part.chunk] else { return String::new() };
        let indices = &entry.pending.indices()[part.positions.clone()];
        let what = match indices {
            [] => "nothing".into(),
            [n] => format!("F({n})"),
            [first, .., last] => format!("F({first}) to F({last}), {} indices", indices.len()),
        };
        format!("on chunk {} ({what}), attempt {} of {ATTEMPTS}", part.chunk, part.attempt)
    }
}

impl Entry<'_> {
    fn settle(&mut self, end: usize) {
        (self.settled, self.deaths) = (end, 0);
    }
}

/// When and where a part was computed, by the system's monotonic clock.
pub(crate) struct Took {
    pub(crate) worker: usize,
    pub(crate) start_ns: u64,
    pub(crate) end_ns: u64,
}

impl Took {
    fn span(&self, anchor: Anchor) -> Span {
        let (start, end) = (anchor.instant(self.start_ns), anchor.instant(self.end_ns));
        Span { worker: self.worker, start, end, paused: std::time::Duration::ZERO }
    }
}
