//! The ceiling: the speedup that this hardware gives at this moment to work that shares nothing.
//!
//! Independent copies of the sequential baseline run at once. The threads exist already, each
//! thread is bound to one CPU and has its own arena, and all threads spin until the last one has
//! arrived.

use crate::digest::Digest;
use crate::serve::text;
use crate::trial::Trial;
use fib_core::{Control, Layout, Options, Sequential, affinity};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// How long the copies took.
#[derive(Debug)]
pub(crate) struct CopyTimes {
    /// From the first start to the last end.
    pub(crate) wall: Duration,
    /// Each copy from its own start to its own end.
    pub(crate) each: Vec<Duration>,
}

/// When a copy started and ended, and the digest of its results.
type CopyResult = Result<(Instant, Instant, Digest), String>;

pub(crate) struct Copies {
    threads: Vec<CopyThread>,
}

/// One copy: how to start a run of it, and where its results arrive.
struct CopyThread {
    start: Option<Sender<u32>>,
    results: Receiver<CopyResult>,
    thread: Option<JoinHandle<()>>,
}

impl Copies {
    /// Starts `copies` threads, each with its own arena for `layout`.
    pub(crate) fn new(copies: usize, layout: &Layout, options: &Options) -> Result<Self, String> {
        let arrived = Arc::new(AtomicUsize::new(0));
        let start_copy = |cpu| {
            let (layout, options) = (layout.clone(), options.clone());
            let gate = Gate { arrived: Arc::clone(&arrived), copies, passed: 0 };
            let (start, starts) = channel();
            let (result, results) = channel();
            let thread = Builder::new()
                .spawn(move || {
                    let _ = affinity::pin(cpu); // if this fails, the system spreads the threads
                    // A copy shares no memory that it writes to. A clone of the options would share
                    // their progress counter, and small arenas that one thread allocates would lie
                    // on one cache line.
                    let options = Options { control: Control::default(), ..options };
                    serve(
                        Trial::of_layout(layout, &options.control).map_err(text),
                        &options,
                        gate,
                        &starts,
                        &result,
                    );
                })
                .map_err(text)?;
            Ok(CopyThread { start: Some(start), results, thread: Some(thread) })
        };
        Ok(Copies { threads: (0..copies).map(start_copy).collect::<Result<_, String>>()? })
    }

    /// Runs the batch `repeats` times in every copy at once.
    pub(crate) fn run(&self, repeats: u32) -> Result<(CopyTimes, Digest), String> {
        let gone = |_| "a copy of the baseline has ended".to_owned();
        for copy in &self.threads {
            if let Some(start) = &copy.start {
                start.send(repeats).map_err(|_| "a copy of the baseline has ended")?;
            }
        }
        let results = self.threads.iter().map(|copy| copy.results.recv().map_err(gone)?);
        let results = results.collect::<Result<Vec<_>, String>>()?;
        let first = results.iter().map(|&(start, ..)| start).min();
        let last = results.iter().map(|&(_, end, _)| end).max();
        let digest = results.first().map(|&(.., digest)| digest);
        match (first, last, digest) {
            (Some(first), Some(last), Some(digest)) => {
                match results.iter().all(|copy| copy.2 == digest) {
                    true => {
                        let each = results.iter().map(|&(start, end, _)| end - start).collect();
                        Ok((CopyTimes { wall: last - first, each }, digest))
                    }
                    false => Err("the copies of the baseline differ in their results".into()),
                }
            }
            _ => Err("there are no copies of the baseline".into()),
        }
    }
}

impl Drop for CopyThread {
    fn drop(&mut self) {
        self.start = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // a copy reports through its results
        }
    }
}

/// Copies wait here for each other, spinning.
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

/// The whole life of a copy. A copy without an arena passes the gate too, because the others wait
/// for it there.
fn serve(
    mut trial: Result<Trial, String>,
    options: &Options,
    mut gate: Gate,
    starts: &Receiver<u32>,
    results: &Sender<CopyResult>,
) {
    for repeats in starts {
        let _ = trial.as_mut().map(Trial::overwrite);
        gate.pass();
        let ready = trial.as_mut().map_err(|error| error.clone());
        if results.send(ready.and_then(|trial| run_copy(trial, repeats, options))).is_err() {
            return;
        }
    }
}

fn run_copy(trial: &mut Trial, repeats: u32, options: &Options) -> CopyResult {
    let start = Instant::now();
    let outcome = trial.run(&Sequential, options, repeats);
    let end = Instant::now();
    outcome.map_err(text)?;
    Ok((start, end, trial.digest()))
}

#[cfg(all(test, shuttle))]
#[allow(clippy::unwrap_used)] // in helpers of tests a panic is a finding
mod model;
