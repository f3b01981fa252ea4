//! Runs as Chrome trace events, in the JSON object format that Perfetto and chrome://tracing open: a
//! process for each run, a thread for each worker, a complete event ("X") for each chunk, and inside of it
//! one for each time in which it waited for a lock.
//!
//! Format: "Trace Event Format", Google, section "JSON Object Format". Times are in microseconds.

use fib::Layout;
use fib_report::Timeline;
use serde::Serialize;
use std::io::{self, Write};
use std::ops::Range;

/// A run, with the slots of each chunk.
pub(crate) struct TracedRun {
    pub(crate) timeline: Timeline,
    pub(crate) slots: Vec<Range<usize>>,
}

#[derive(Serialize)]
struct Event<A> {
    name: String,
    /// "X" for a complete event, "M" for metadata.
    #[serde(rename = "ph")]
    phase: &'static str,
    /// What the event is: a chunk, or the waiting for a lock.
    #[serde(rename = "cat", skip_serializing_if = "Option::is_none")]
    category: Option<&'static str>,
    pid: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    tid: Option<usize>,
    #[serde(rename = "ts", skip_serializing_if = "Option::is_none")]
    start_us: Option<f64>,
    #[serde(rename = "dur", skip_serializing_if = "Option::is_none")]
    duration_us: Option<f64>,
    args: A,
}

#[derive(Serialize)]
struct NameArgs {
    name: String,
}

#[derive(Serialize)]
struct ChunkArgs {
    /// The number of the chunk in the batch, from 0.
    chunk: usize,
    /// The first and the last index of the chunk.
    first: u64,
    last: u64,
    numbers: usize,
    /// The predicted cost, in the unit of the kernel.
    cost: f64,
    /// How long the worker waited inside the chunk for a lock.
    paused_us: f64,
}

/// The event says everything.
#[derive(Serialize)]
struct NoArgs {}

/// What the events do not say about a run.
#[derive(Serialize)]
struct RunFacts<'a> {
    pid: usize,
    backend: &'a str,
    workers: usize,
    wall_us: f64,
}

impl<'a> RunFacts<'a> {
    fn new((run, pid): (&'a TracedRun, usize)) -> Self {
        let Timeline { backend, workers, wall_ns, .. } = &run.timeline;
        RunFacts { pid, backend, workers: *workers, wall_us: microseconds(*wall_ns) }
    }
}

fn microseconds(ns: u64) -> f64 {
    ns as f64 / 1000.0
}

/// Writes the runs, which have this layout.
///
/// # Errors
/// The errors of `out`.
pub(crate) fn write_events(
    runs: &[TracedRun],
    layout: &Layout,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut list = EventList { out, separator: "" };
    list.out.write_all(b"{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n")?;
    let mut threads = 0;
    for (run, pid) in runs.iter().zip(1..) {
        list.write_run(run, pid, threads, layout)?;
        threads += run.timeline.workers;
    }
    let facts: Vec<RunFacts<'_>> = runs.iter().zip(1..).map(RunFacts::new).collect();
    list.out.write_all(b"\n],\"otherData\":")?;
    serde_json::to_writer(&mut *list.out, &serde_json::json!({ "runs": facts }))?;
    list.out.write_all(b"}\n")
}

/// The list of events, of which some are written.
struct EventList<'a> {
    out: &'a mut dyn Write,
    separator: &'static str,
}

impl EventList<'_> {
    fn push<A: Serialize>(&mut self, event: &Event<A>) -> io::Result<()> {
        self.out.write_all(self.separator.as_bytes())?;
        self.separator = ",\n";
        Ok(serde_json::to_writer(&mut *self.out, event)?)
    }

    /// Writes a run as process `pid`. `threads` is the number of threads before it: a thread has the same
    /// number in no other process, because readers disagree about what that means.
    fn write_run(
        &mut self,
        run: &TracedRun,
        pid: usize,
        threads: usize,
        layout: &Layout,
    ) -> io::Result<()> {
        let TracedRun { timeline, slots } = run;
        let name = |kind: &str, tid, name| Event {
            name: kind.into(),
            phase: "M",
            category: None,
            pid,
            tid,
            start_us: None,
            duration_us: None,
            args: NameArgs { name },
        };
        self.push(&name("process_name", None, timeline.backend.clone()))?;
        for worker in 1..=timeline.workers {
            let tid = Some(threads + worker);
            self.push(&name("thread_name", tid, format!("worker {worker}")))?;
        }
        for (number, (chunk, slots)) in timeline.chunks.iter().zip(slots).enumerate() {
            let indices = &layout.indices()[slots.clone()];
            self.push(&Event {
                name: format!("chunk {number}"),
                phase: "X",
                category: Some("chunk"),
                pid,
                tid: Some(threads + chunk.worker + 1),
                start_us: Some(microseconds(chunk.start_ns)),
                duration_us: Some(microseconds(chunk.end_ns - chunk.start_ns)),
                args: ChunkArgs {
                    chunk: number,
                    first: indices.first().copied().unwrap_or(0), // no chunk is empty
                    last: indices.last().copied().unwrap_or(0),
                    numbers: indices.len(),
                    cost: cost(layout, slots),
                    paused_us: microseconds(chunk.paused_ns),
                },
            })?;
        }
        timeline.pauses.iter().try_for_each(|pause| {
            self.push(&Event {
                name: "waits for the lock".into(),
                phase: "X",
                category: Some("lock"),
                pid,
                tid: Some(threads + pause.worker + 1),
                start_us: Some(microseconds(pause.start_ns)),
                duration_us: Some(microseconds(pause.end_ns - pause.start_ns)),
                args: NoArgs {},
            })
        })
    }
}

/// The predicted cost of these slots.
fn cost(layout: &Layout, slots: &Range<usize>) -> f64 {
    let sum = |end: usize| end.checked_sub(1).map_or(0.0, |last| layout.costs()[last]);
    sum(slots.end) - sum(slots.start)
}
