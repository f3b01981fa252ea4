//! What the global lock promises beyond the suite: one thread computes at a time, a waiting thread
//! gets its turn after the switch interval, and waiting is recorded.

use fib_core::{Kernel, Layout, MemoryLimit, Options, Run, Table, execute};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

/// A kernel without numbers. It is slow until two threads have had their turn, and it notes which
/// thread computes when.
#[derive(Default)]
struct Turns {
    started: AtomicUsize,
    computing: AtomicUsize,
    most: AtomicUsize,
    turns: Mutex<Vec<ThreadId>>,
}

impl Turns {
    /// Notes the calling thread; returns how many turns there were.
    fn note(&self) -> usize {
        let mut turns = self.turns.lock().unwrap();
        if turns.last() != Some(&thread::current().id()) {
            turns.push(thread::current().id());
        }
        turns.len()
    }
}

impl Kernel for Turns {
    fn name(&self) -> &'static str {
        "turns"
    }
    fn limbs(&self, _n: u64) -> usize {
        0
    }
    fn cost(&self, _n: u64, _previous: Option<u64>) -> f64 {
        1.0
    }
    fn fill(&self, run: &mut Run<'_>) {
        self.started.fetch_add(1, SeqCst);
        while run.next_slot().is_some() {
            self.most.fetch_max(self.computing.fetch_add(1, SeqCst) + 1, SeqCst);
            while self.started.load(SeqCst) < 2 {
                thread::yield_now();
            }
            if self.note() < 2 {
                thread::sleep(Duration::from_millis(1));
            }
            self.computing.fetch_sub(1, SeqCst);
        }
    }
}

#[test]
fn threads_take_turns_and_waiting_is_recorded() {
    let kernel = Arc::new(Turns::default());
    let layout = Layout::new(kernel.clone(), &[0; 20_000], MemoryLimit::default()).unwrap();
    let mut table = Table::new(layout).unwrap();
    let chunking = "per-worker:1".parse().unwrap();
    let options = Options { chunking, timeline: true, ..Options::default() };
    let gil = fib_threads::Gil { workers: NonZeroUsize::new(2).unwrap() };
    let records = execute(&gil, &mut table, &options).unwrap();

    assert_eq!(kernel.most.load(SeqCst), 1, "threads computing at once");
    // The first thread had 10,000 indices to go when the second asked: it comes back after it.
    let turns = kernel.turns.lock().unwrap();
    assert!(turns.len() >= 3 && turns[0] == turns[2], "{turns:?}");
    let longest = records.iter().map(|record| record.span.unwrap().paused).max();
    assert!(longest >= Some(fib_threads::SWITCH_INTERVAL), "{longest:?}");
}
