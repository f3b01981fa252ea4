//! The ceiling: what this hardware gives at this moment to work that shares nothing.
//!
//! Independent copies of the sequential baseline, on threads that exist already, one bound to each
//! CPU, spinning until all have arrived, each with an arena of its own.

use super::contender::{Arena, Fault};
use crate::interleave::time;
use fib::{Control, Layout, Options, Sequential, Table, affinity, execute};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

type Answer = Result<(Instant, Instant), Fault>;

pub(super) struct Copies {
    lanes: Vec<Lane>,
}

/// One copy: how to start it and where its answer comes from.
struct Lane {
    start: Option<Sender<u32>>,
    answers: Receiver<Answer>,
    thread: Option<JoinHandle<()>>,
}

impl Copies {
    pub(super) fn new(
        copies: usize,
        layout: &Layout,
        expected: &[u64],
        options: &Options,
    ) -> Result<Self, Fault> {
        let arrived = Arc::new(AtomicUsize::new(0));
        let lane = |cpu| {
            let (layout, expected, options) = (layout.clone(), expected.to_vec(), options.clone());
            let gate = Gate { arrived: Arc::clone(&arrived), copies, passed: 0 };
            let (start, starts) = channel();
            let (answer, answers) = channel();
            let thread = Builder::new()
                .spawn(move || {
                    let _ = affinity::pin(cpu); // where that cannot be, the system spreads them
                    // What a copy writes to is its own from the allocation on: a clone of the
                    // options would share their progress counter, and small arenas that one thread
                    // allocates would lie on one cache line.
                    let options = Options { control: Control::default(), ..options };
                    let arena = Table::new(layout).and_then(|table| Arena::new(table, expected));
                    serve(arena.map_err(Fault::failed), &options, gate, &starts, &answer);
                })
                .map_err(Fault::failed)?;
            Ok(Lane { start: Some(start), answers, thread: Some(thread) })
        };
        Ok(Copies { lanes: (0..copies).map(lane).collect::<Result<_, Fault>>()? })
    }

    /// Runs `repeats` batches in every copy at once; from the first start to the last end.
    pub(super) fn run(&self, repeats: u32) -> Result<Duration, Fault> {
        let gone = |_| Fault::failed("a copy is gone");
        for lane in &self.lanes {
            if let Some(start) = &lane.start {
                start.send(repeats).map_err(|_| Fault::failed("a copy is gone"))?;
            }
        }
        let spans: Vec<_> = self
            .lanes
            .iter()
            .map(|lane| lane.answers.recv().map_err(gone)?)
            .collect::<Result<_, _>>()?;
        let first = spans.iter().map(|&(start, _)| start).min();
        let last = spans.iter().map(|&(_, end)| end).max();
        match (first, last) {
            (Some(first), Some(last)) => Ok(last - first),
            _ => Err(Fault::failed("there are no copies")),
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.start = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // it reports through its answers
        }
    }
}

/// Where copies wait for each other, awake.
struct Gate {
    arrived: Arc<AtomicUsize>,
    copies: usize,
    passed: usize,
}

impl Gate {
    fn pass(&mut self) {
        self.passed += self.copies;
        self.arrived.fetch_add(1, SeqCst);
        while self.arrived.load(SeqCst) < self.passed {
            std::hint::spin_loop();
        }
    }
}

/// A copy's whole life. One without an arena passes the gate too: the others wait there.
fn serve(
    mut arena: Result<Arena, Fault>,
    options: &Options,
    mut gate: Gate,
    starts: &Receiver<u32>,
    answers: &Sender<Answer>,
) {
    for repeats in starts {
        let _ = arena.as_mut().map(Arena::clear);
        gate.pass();
        let ready = arena.as_mut().map_err(|fault| fault.clone());
        if answers.send(ready.and_then(|arena| span(arena, repeats, options))).is_err() {
            return;
        }
    }
}

/// From when to when `repeats` batches took.
fn span(arena: &mut Arena, repeats: u32, options: &Options) -> Answer {
    let start = Instant::now();
    let ran = time(repeats, || execute(&Sequential, &mut arena.table, options).map(drop));
    let end = Instant::now();
    ran.map_err(Fault::failed)?;
    arena.verify()?;
    Ok((start, end))
}
