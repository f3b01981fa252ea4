//! A kernel that notes what happens to its indices. It notes with atomics of the real standard library,
//! so that noting leaves the interleaving as it is.

use fib_core::{Kernel, Run, Slot, number_bytes};
use fib_shuttle::thread::{ThreadId, current, sleep};
use std::panic::resume_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

/// The largest index that a `Probe` computes.
pub(crate) const LARGEST: u64 = 8;

/// The probe panics at this index, so this index fails.
pub(crate) const FAILING: u64 = 7;

/// Writes n to each of the n limbs of the slot of n, and counts the slots.
#[derive(Default)]
pub(crate) struct Probe {
    /// How many indices are computed now, and how many were at most.
    computing: AtomicUsize,
    pub(crate) most_computing: AtomicUsize,
    /// How many slots were filled.
    pub(crate) filled: AtomicUsize,
    /// Whether a cancellation has returned, and how many slots were handed out after that.
    pub(crate) cancelled: AtomicBool,
    pub(crate) late: AtomicUsize,
    /// The bytes of the results and of scratch memory that exist now, and that existed at most.
    pub(crate) bytes: AtomicU64,
    pub(crate) most_bytes: AtomicU64,
    /// The threads that computed, in the order of their turns.
    pub(crate) turns: Mutex<Vec<ThreadId>>,
}

/// Another thread may go on here.
pub(crate) fn pause() {
    sleep(Duration::ZERO);
}

impl Probe {
    fn compute(&self, slot: Slot<'_>) {
        self.late.fetch_add(self.cancelled.load(SeqCst).into(), SeqCst);
        let computing = self.computing.fetch_add(1, SeqCst) + 1;
        self.most_computing.fetch_max(computing, SeqCst);
        let bytes = number_bytes(self, slot.n) as u64;
        self.most_bytes.fetch_max(self.bytes.fetch_add(bytes, SeqCst) + bytes, SeqCst);
        self.note_turn();
        pause();
        slot.out.fill(slot.n);
        self.filled.fetch_add(1, SeqCst);
        self.bytes.fetch_sub(self.scratch_bytes(slot.n) as u64, SeqCst);
        self.computing.fetch_sub(1, SeqCst);
    }

    fn note_turn(&self) {
        let mut turns = self.turns.lock().unwrap();
        if turns.last() != Some(&current().id()) {
            turns.push(current().id());
        }
    }

    /// The sink has taken F(`n`).
    pub(crate) fn free(&self, n: u64) {
        let kept = number_bytes(self, n) - self.scratch_bytes(n);
        self.bytes.fetch_sub(kept as u64, SeqCst);
    }
}

impl Kernel for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }
    fn limbs(&self, n: u64) -> usize {
        n as usize
    }
    fn scratch_bytes(&self, n: u64) -> u128 {
        24 * u128::from(n)
    }
    fn cost(&self, n: u64, _previous: Option<u64>) -> f64 {
        n as f64
    }
    fn fill(&self, run: &mut Run<'_>) {
        while let Some(slot) = run.next_slot() {
            if slot.n == FAILING {
                resume_unwind(Box::new("seven")); // a panic that prints nothing
            }
            self.compute(slot);
        }
    }
}
