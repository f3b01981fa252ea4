//! Forks on the hand-written backends: every half runs once, no more halves run at a time than there are workers,
//! and nothing of a batch runs after its end, even if a half panics or the batch is cancelled.
//!
//! In these models a queue holds two halves, and a worker that waits runs one half of others, so that both limits
//! are met.

use crate::probe::pause;
use fib_core::{
    Descriptor, Error, Forks, Kernel, Layout, MemoryLimit, Options, Run, Settings, Table, execute,
};
use fib_shuttle::chance::number;
use fib_shuttle::check;
use fib_shuttle::thread::spawn;
use fib_threads::{POOL, QUEUE, STATIC};
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// The index n has a tree of forks with 2^n leaves.
#[derive(Default)]
struct Trees {
    computing: AtomicUsize,
    most_computing: AtomicUsize,
    leaves: AtomicUsize,
    /// The leaf that panics, counted from 1.
    failing: usize,
}

impl Trees {
    fn tree(&self, depth: u64, forks: Forks<'_>) -> u64 {
        if depth == 0 {
            return self.leaf();
        }
        let half = || self.tree(depth - 1, forks);
        let (a, b) = forks.join(half, half);
        a + b
    }

    fn leaf(&self) -> u64 {
        self.most_computing.fetch_max(self.computing.fetch_add(1, SeqCst) + 1, SeqCst);
        let leaf = self.leaves.fetch_add(1, SeqCst) + 1;
        pause();
        self.computing.fetch_sub(1, SeqCst);
        if leaf == self.failing {
            resume_unwind(Box::new("a leaf")); // a panic that prints nothing
        }
        1
    }
}

impl Kernel for Trees {
    fn name(&self) -> &'static str {
        "trees"
    }
    fn forks(&self) -> bool {
        true
    }
    fn limbs(&self, _n: u64) -> usize {
        1
    }
    fn cost(&self, _n: u64, _previous: Option<u64>) -> f64 {
        1.0
    }
    fn fill(&self, run: &mut Run<'_>) {
        let forks = run.forks();
        while let Some(slot) = run.next_slot() {
            slot.out.fill(self.tree(slot.n, forks));
        }
    }
}

/// Runs a batch of up to three trees, and checks what holds after every batch.
fn run(entry: &Descriptor, failing: usize, options: &Options) -> Result<(), Error> {
    let kernel = Arc::new(Trees { failing, ..Trees::default() });
    let indices: Vec<u64> = (0..number(0..=3)).map(|_| number(0..=3) as u64).collect();
    let layout = Layout::new(kernel.clone(), &indices, MemoryLimit::Bytes(1 << 20)).unwrap();
    let workers = NonZeroUsize::new(number(1..=3)).unwrap();
    let backend = entry.build(Settings::workers(workers)).unwrap();
    let mut table = Table::new(layout).unwrap();
    let outcome = execute(&*backend, &mut table, options);
    assert_eq!(kernel.computing.load(SeqCst), 0, "a half goes on");
    assert!(kernel.most_computing.load(SeqCst) <= workers.get(), "halves at a time");
    let wanted = |i: usize| 1 << indices[i];
    let results: Vec<u64> = (0..indices.len()).filter_map(|i| Some(table.limbs(i)?[0])).collect();
    let computed = (0..indices.len()).filter(|&i| table.limbs(i).is_some());
    assert!(computed.map(wanted).eq(results.iter().copied()), "{results:?} of {indices:?}");
    let leaves = kernel.leaves.load(SeqCst) as u64;
    if outcome.is_ok() {
        assert_eq!(leaves, (0..indices.len()).map(wanted).sum::<u64>(), "leaves");
        assert!(failing == 0 || leaves < failing as u64);
    }
    outcome.map(drop)
}

/// A chunking, with a timeline or without.
fn options() -> Options {
    let chunking = format!("items:{}", number(1..=2)).parse().unwrap();
    Options { chunking, timeline: number(0..=1) == 0, ..Options::default() }
}

fn every_half_runs_once(entry: &'static Descriptor) {
    check(&format!("{}: every half once", entry.name), move || {
        run(entry, 0, &options()).unwrap();
    });
}

fn a_panic_loses_one_index(entry: &'static Descriptor) {
    check(&format!("{}: a panic in a half", entry.name), move || {
        match run(entry, number(1..=8), &options()) {
            Ok(()) => {}
            Err(Error::Failed(failures)) => assert_eq!(failures.len(), 1, "{failures:?}"),
            Err(other) => panic!("{other}"),
        }
    });
}

fn a_cancellation_ends_the_forks(entry: &'static Descriptor) {
    check(&format!("{}: cancellation in a half", entry.name), move || {
        let options = options();
        let control = options.control.clone();
        let canceller = spawn(move || {
            (0..number(0..=10)).for_each(|_| pause());
            control.cancel();
        });
        match run(entry, 0, &options) {
            Ok(()) | Err(Error::Cancelled) => {}
            Err(other) => panic!("{other}"),
        }
        canceller.join().unwrap();
    });
}

#[test]
fn pool_runs_every_half_once() {
    every_half_runs_once(&POOL);
}

#[test]
fn pool_survives_a_panic_in_a_half() {
    a_panic_loses_one_index(&POOL);
}

#[test]
fn pool_ends_its_forks_when_cancelled() {
    a_cancellation_ends_the_forks(&POOL);
}

#[test]
fn queue_runs_every_half_once() {
    every_half_runs_once(&QUEUE);
}

#[test]
fn queue_survives_a_panic_in_a_half() {
    a_panic_loses_one_index(&QUEUE);
}

#[test]
fn static_runs_every_half_once() {
    every_half_runs_once(&STATIC);
}

#[test]
fn static_ends_its_forks_when_cancelled() {
    a_cancellation_ends_the_forks(&STATIC);
}
