//! Thread models of the copies: nobody passes the gate before all have arrived, copies without an arena
//! and refused threads keep nobody waiting, and all threads end.

use super::{Copies, Gate};
use fib_core::{Kernel, Layout, MemoryLimit, Options, Run};
use fib_shuttle::chance::one_in;
use fib_shuttle::check;
use fib_shuttle::thread::{ThreadId, current, sleep, spawn};
use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const COPIES: usize = 3;

/// Counts the runs that each copy has ended. The first run of a copy is the one with which it fills its
/// arena.
#[derive(Default)]
struct Runs {
    ended: Mutex<HashMap<ThreadId, usize>>,
    /// Whether a copy has started while another was not ready.
    early: AtomicBool,
    /// Whether a copy has failed to fill its arena.
    failed: AtomicBool,
}

impl Runs {
    fn start(&self) {
        let ended = self.ended.lock().unwrap();
        let mine = ended.get(&current().id()).copied().unwrap_or(0);
        let ready = ended.values().filter(|&&runs| runs >= mine).count();
        if mine > 0 && ready < COPIES && !self.failed.load(SeqCst) {
            self.early.store(true, SeqCst);
        }
    }

    fn end(&self) {
        *self.ended.lock().unwrap().entry(current().id()).or_default() += 1;
    }

    fn fail(&self) {
        self.failed.store(true, SeqCst);
        resume_unwind(Box::new("no arena")); // a panic that prints nothing
    }

    fn is_first(&self) -> bool {
        !self.ended.lock().unwrap().contains_key(&current().id())
    }
}

impl Kernel for Runs {
    fn name(&self) -> &'static str {
        "runs"
    }
    fn cost(&self, _n: u64, _previous: Option<u64>) -> f64 {
        1.0
    }
    fn fill(&self, run: &mut Run<'_>) {
        while let Some(slot) = run.next_slot() {
            if self.is_first() && one_in(12) {
                self.fail();
            }
            self.start();
            sleep(Duration::ZERO); // another thread may go on
            slot.out.fill(slot.n);
            self.end();
        }
    }
}

#[test]
fn nobody_passes_the_gate_before_all_have_arrived() {
    check("gate", || {
        let (arrived, here) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
        let copy = |_| {
            let mut gate = Gate { arrived: Arc::clone(&arrived), copies: COPIES, passed: 0 };
            let here = Arc::clone(&here);
            spawn(move || {
                for run in 1..=3 {
                    here.fetch_add(1, SeqCst);
                    gate.pass();
                    assert!(here.load(SeqCst) >= run * COPIES);
                }
            })
        };
        let copies: Vec<_> = (0..COPIES).map(copy).collect();
        copies.into_iter().for_each(|copy| copy.join().unwrap());
    });
}

#[test]
fn copies_wait_for_each_other_and_end() {
    check("copies", || {
        let kernel = Arc::new(Runs::default());
        let layout = Layout::new(kernel.clone(), &[1], MemoryLimit::Bytes(1 << 20)).unwrap();
        if let Ok(copies) = Copies::new(COPIES, &layout, &Options::default()) {
            for _ in 0..2 {
                let outcome = copies.run(1);
                assert_eq!(outcome.is_err(), kernel.failed.load(SeqCst), "{outcome:?}");
            }
        }
        assert!(!kernel.early.load(SeqCst), "a copy has started early");
    });
}
