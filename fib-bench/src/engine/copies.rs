//! The ceiling: what this hardware gives at this moment to work that shares nothing.
//!
//! Independent copies of the sequential baseline, on threads that exist already, one bound to each
//! CPU, spinning until all have arrived, each with an arena of its own.

use super::batch::Batch;
use super::digest::Digest;
use fib::{Control, Layout, Options, Sequential, affinity};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// From when to when a copy ran, and what it computed.
type Answer = Result<(Instant, Instant, Digest), String>;

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
    /// `copies` threads, each with an arena for `layout`.
    pub(super) fn new(copies: usize, layout: &Layout, options: &Options) -> Result<Self, String> {
        let arrived = Arc::new(AtomicUsize::new(0));
        let lane = |cpu| {
            let (layout, options) = (layout.clone(), options.clone());
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
                    serve(Batch::of(layout).map_err(text), &options, gate, &starts, &answer);
                })
                .map_err(text)?;
            Ok(Lane { start: Some(start), answers, thread: Some(thread) })
        };
        Ok(Copies { lanes: (0..copies).map(lane).collect::<Result<_, String>>()? })
    }

    /// Runs `repeats` batches in every copy at once: the time from the first start to the last end.
    pub(super) fn run(&self, repeats: u32) -> Result<(Duration, Digest), String> {
        let gone = |_| "a copy is gone".to_owned();
        for lane in &self.lanes {
            if let Some(start) = &lane.start {
                start.send(repeats).map_err(|_| "a copy is gone")?;
            }
        }
        let answers = self.lanes.iter().map(|lane| lane.answers.recv().map_err(gone)?);
        let answers = answers.collect::<Result<Vec<_>, String>>()?;
        let first = answers.iter().map(|&(start, ..)| start).min();
        let last = answers.iter().map(|&(_, end, _)| end).max();
        let digest = answers.first().map(|&(.., digest)| digest);
        match (first, last, digest) {
            (Some(first), Some(last), Some(digest)) => {
                match answers.iter().all(|a| a.2 == digest) {
                    true => Ok((last - first, digest)),
                    false => Err("the copies differ in their results".into()),
                }
            }
            _ => Err("there are no copies".into()),
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
    mut batch: Result<Batch, String>,
    options: &Options,
    mut gate: Gate,
    starts: &Receiver<u32>,
    answers: &Sender<Answer>,
) {
    for repeats in starts {
        let _ = batch.as_mut().map(Batch::clear);
        gate.pass();
        let ready = batch.as_mut().map_err(|error| error.clone());
        if answers.send(ready.and_then(|batch| span(batch, repeats, options))).is_err() {
            return;
        }
    }
}

fn span(batch: &mut Batch, repeats: u32, options: &Options) -> Answer {
    let start = Instant::now();
    let ran = batch.run(&Sequential, options, repeats);
    let end = Instant::now();
    ran.map_err(text)?;
    Ok((start, end, batch.digest()))
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
