//! Runs a thread model under many interleavings.

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Instant;

/// The interleavings of each kind, unless the variable `INTERLEAVINGS` says how many.
const INTERLEAVINGS: usize = 5000;

/// In a PCT interleaving the thread with the highest priority always runs next. The priorities change this
/// many times, less one.
const DEPTH: usize = 3;

/// The models start with the same seed each time, unless `SHUTTLE_RANDOM_SEED` is another one.
const SEED: u64 = 1;

/// A run that takes more steps than this is taken for one that never ends.
const MOST_STEPS: usize = 100_000;

/// The stack of each thread.
const STACK_BYTES: usize = 256 << 10;

/// Runs `model` under random interleavings, where every thread is equally likely to run next,
/// and under those of PCT (probabilistic concurrency testing), where one thread may be late by very many
/// steps.
///
/// # Panics
/// If the model fails. `shuttle` then prints how to repeat the interleaving.
pub fn check(name: &str, model: impl Fn() + Send + Sync + 'static) {
    let runs = std::env::var("INTERLEAVINGS").ok().and_then(|number| number.parse().ok());
    let runs = runs.unwrap_or(INTERLEAVINGS);
    let model = Arc::new(model);
    let (first, second) = (Arc::clone(&model), model);
    let random = RandomScheduler::new_from_seed(SEED, runs);
    run_all(&format!("{name}, random"), random, move || first());
    let pct = PctScheduler::new_from_seed(SEED, DEPTH, runs);
    run_all(&format!("{name}, PCT"), pct, move || second());
}

/// Runs `model` once for each interleaving of `scheduler`, and prints how many these were.
fn run_all(
    name: &str,
    scheduler: impl Scheduler + 'static,
    model: impl Fn() + Send + Sync + 'static,
) {
    let mut config = Config::new();
    config.max_steps = MaxSteps::FailAfter(MOST_STEPS);
    config.silence_warnings = true; // about atomics; the header of this crate says the same
    config.stack_size = STACK_BYTES;
    let (start, runs) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let summary = Summary { name, start, runs: Arc::clone(&runs) };
    Runner::new(scheduler, config).run(move || {
        runs.fetch_add(1, SeqCst);
        shuttle::thread::spawn(|| {}); // PCT wants a second thread, which the model may be refused
        model();
    });
    drop(summary);
}

/// Prints a line when the runs end, whether they succeed or fail.
struct Summary<'a> {
    name: &'a str,
    start: Instant,
    runs: Arc<AtomicUsize>,
}

impl Drop for Summary<'_> {
    #[expect(clippy::print_stderr, reason = "the result of a model")]
    fn drop(&mut self) {
        let Summary { name, start, runs } = self;
        let (runs, time) = (runs.load(SeqCst), start.elapsed());
        let end = if std::thread::panicking() { "FAILED in the last of" } else { "held in" };
        eprintln!("{name}: {end} {runs} interleavings, {time:.1?}");
    }
}
