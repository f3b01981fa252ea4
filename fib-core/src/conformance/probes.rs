//! Kernels that watch, fail or compute in turn.

use crate::kernels::{self, Iterative};
use crate::{Control, FibBackend, Kernel, Options, Run, Slot, compute};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// Runs `iterative` on one slot at a time, with something before each.
macro_rules! probe {
    ($probe:ident, $name:literal, |$self:ident, $n:ident| $before:expr) => {
        impl Kernel for $probe {
            fn name(&self) -> &'static str {
                $name
            }
            fn cost(&self, n: u64, previous: Option<u64>) -> f64 {
                Iterative.cost(n, previous)
            }
            fn fill(&self, run: &mut Run<'_>) {
                while let Some(slot) = run.next_slot() {
                    let ($self, $n) = (self, slot.n);
                    $before;
                    fill_one(slot);
                }
            }
        }
    };
}

/// F(n) by addition in the slot: the simplest code that can be right.
fn fill_one(slot: Slot<'_>) {
    slot.out.fill(0);
    let mut other = vec![0; slot.out.len()];
    for k in 1..=slot.n {
        // (out, other) holds (F(k-1), F(k-2)), in turn the other way round
        let (a, b) = if (slot.n - k).is_multiple_of(2) {
            (&mut *slot.out, &other[..])
        } else {
            (&mut other[..], &*slot.out)
        };
        if k == 1 {
            a[0] = 1;
            continue;
        }
        let mut carry = false;
        for (a, &b) in a.iter_mut().zip(b) {
            (*a, carry) = a.carrying_add(b, carry);
        }
    }
}

/// Counts how often each index is computed.
pub(super) struct Counting(pub(super) Vec<AtomicUsize>);

probe!(Counting, "counting", |this, n| this.0[n as usize].fetch_add(1, SeqCst));

/// Panics at indices that `at` picks.
pub(super) struct Panicking {
    pub(super) at: fn(u64) -> bool,
}

// `resume_unwind` is a panic without the hook's message, which would look like a finding.
probe!(Panicking, "panicking", |this, n| if (this.at)(n) {
    resume_unwind(Box::new(format!("boom at {n}")))
});

/// Cancels at one index.
pub(super) struct Cancelling {
    pub(super) at: u64,
    pub(super) control: Control,
}

probe!(Cancelling, "cancelling", |this, n| if n == this.at {
    this.control.cancel()
});

/// Computes a batch through a backend before each index.
pub(super) struct Nesting(pub(super) Arc<dyn FibBackend>);

probe!(Nesting, "nesting", |this, n| {
    let inner = compute(&*this.0, &kernels::doubling(), &[n, 10, n], &Options::default())
        .expect("the inner batch succeeds");
    assert_eq!(inner.limbs(1), Some(&[55][..]));
    assert_eq!(inner.limbs(0), inner.limbs(2));
});

/// Notes the largest number of kernels that were going at once.
#[derive(Default)]
pub(super) struct Gauge {
    now: AtomicUsize,
    pub(super) most: AtomicUsize,
    threads: Mutex<Vec<std::thread::ThreadId>>,
}

impl Gauge {
    /// How many threads took part.
    pub(super) fn threads(&self) -> usize {
        self.threads.lock().expect("no panic while locked").len()
    }
}

impl Kernel for Gauge {
    fn name(&self) -> &'static str {
        "gauge"
    }
    fn limbs(&self, _n: u64) -> usize {
        0
    }
    fn cost(&self, _n: u64, _previous: Option<u64>) -> f64 {
        1.0
    }
    fn fill(&self, run: &mut Run<'_>) {
        let id = std::thread::current().id();
        let mut threads = self.threads.lock().expect("no panic while locked");
        if !threads.contains(&id) {
            threads.push(id);
        }
        drop(threads);
        let now = self.now.fetch_add(1, SeqCst) + 1;
        self.most.fetch_max(now, SeqCst);
        while run.next_slot().is_some() {
            // Long enough that kernels overlap where a backend lets them.
            let start = Instant::now();
            while start.elapsed() < Duration::from_micros(50) {
                std::thread::yield_now();
            }
        }
        self.now.fetch_sub(1, SeqCst);
    }
}
