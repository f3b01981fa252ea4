//! Fork-join for threads: the caller keeps the first half of a fork, and idle workers steal the second.
//!
//! Each worker has a queue of the second halves that it offers. A worker that forks puts the second half at
//! the end of its own queue, computes the first half, and then takes the second half back. Almost always
//! it is still there. An idle worker steals the first half of a queue, which is the oldest and so the
//! largest. A worker whose half was stolen runs other halves until the thief has ended.
//!
//! ```text
//! owner:   put at the end -> compute a -> take back: still there? -> compute b
//!                                                    stolen?      -> run other halves until b has ended
//! thief:   look at the queues of the others -> take the first half -> compute b -> say that b has ended
//! ```
//!
//! A queue is an array of pointers. Whoever swaps a pointer for null owns the half. So a fork that nobody steals
//! costs one store and one swap on a cache line that no other thread writes. (Chase and Lev's deque needs a
//! fence in the place of the swap.) A half is in the stack frame of the worker that forked, so this
//! module needs `unsafe` code: the compiler does not see that `join` returns only when the half is back.
//!
//! Everything here is bounded: a worker with a full queue computes both halves itself, and a worker that
//! waits runs halves within halves only to a limit.
#![allow(unsafe_code)]

use crate::team::lock;
use fib_core::Fork;
use std::any::Any;
use std::array;
use std::cell::Cell;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{from_mut, from_ref, null_mut};
use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
};
use std::sync::{Condvar, Mutex};
use std::thread::yield_now;
use std::time::Duration;

/// The most halves that a worker offers at once. A tree that is this deep has enough halves for everybody.
const LONGEST_QUEUE: usize = if cfg!(shuttle) { 2 } else { 64 };

/// How deep a worker that waits runs halves within halves. Each of them takes some of its stack.
const MOST_NESTED: usize = if cfg!(shuttle) { 1 } else { 16 };

/// How often a worker looks for a half before it lets other threads go on, and before it naps: for some us,
/// and for some tens of us.
const SPINS: usize = if cfg!(shuttle) { 2 } else { 100 };
const LOOKS: usize = if cfg!(shuttle) { 3 } else { 200 };

/// A worker that naps looks again after this time at the latest, because a worker that forks may overlook it.
const NAP: Duration = Duration::from_micros(200);

/// The queues of all workers, and those workers that found nothing in them.
pub(crate) struct ForkTeam {
    queues: Box<[Queue]>,
    /// Whether a worker naps, or is about to.
    somebody_naps: AtomicBool,
    bed: Mutex<()>,
    changed: Condvar,
}

/// The halves that one worker offers, the oldest first. A slot is null if its half was stolen.
#[repr(align(128))] // a worker that forks shares no cache line with its neighbour
struct Queue {
    /// The end of the queue. Only the owner changes it; for others it is a hint.
    len: AtomicUsize,
    /// How many halves of others the owner runs, one within the other. Only the owner uses it.
    nested: AtomicUsize,
    slots: [AtomicPtr<Half<'static>>; LONGEST_QUEUE],
}

/// The second half of a fork.
struct Half<'a> {
    work: *mut (dyn FnMut() + Send + 'a),
    /// Set by the thief. From then on the half may be gone.
    has_ended: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

// The address of the team, and the number of the worker in it.
thread_local!(static SEAT: Cell<(usize, usize)> = const { Cell::new((0, 0)) });

/// The calling thread is a worker of a team as long as this lives.
pub(crate) struct ForkSeat<'t> {
    team: &'t ForkTeam,
    worker: usize,
}

impl ForkTeam {
    pub(crate) fn new(workers: usize) -> Self {
        ForkTeam {
            queues: (0..workers).map(|_| Queue::new()).collect(),
            somebody_naps: AtomicBool::new(false),
            bed: Mutex::default(),
            changed: Condvar::default(),
        }
    }

    /// Makes the calling thread this worker.
    ///
    /// # Panics
    /// If the team has no such worker.
    pub(crate) fn seat(&self, worker: usize) -> ForkSeat<'_> {
        assert!(worker < self.queues.len(), "worker {worker} of {}", self.queues.len());
        SEAT.set((self.address(), worker));
        ForkSeat { team: self, worker }
    }

    fn address(&self) -> usize {
        from_ref(self).addr()
    }

    /// The calling worker; `None` on a thread that is no worker of this team.
    fn own_worker(&self) -> Option<usize> {
        let (team, worker) = SEAT.get();
        (team == self.address()).then_some(worker)
    }

    /// Runs the oldest half of another worker, or of its own. Returns whether there was one.
    fn run_any(&self, worker: usize) -> bool {
        let own = &self.queues[worker];
        let nested = own.nested.load(Relaxed);
        if nested == MOST_NESTED {
            return false;
        }
        let (before, after) = self.queues.split_at(worker + 1);
        let Some(half) = after.iter().chain(before).find_map(Queue::steal) else { return false };
        own.nested.store(nested + 1, Relaxed);
        // SAFETY: the pointer comes from `steal`.
        unsafe { run_stolen(half) };
        own.nested.store(nested, Relaxed);
        self.wake_all(); // the owner may nap until its half has ended
        true
    }

    /// Runs halves as long as `is_open`, which may use the time to look for other work.
    fn help_while(&self, worker: usize, mut is_open: impl FnMut() -> bool) {
        let mut looks = 0;
        while is_open() {
            if self.run_any(worker) {
                looks = 0;
                continue;
            }
            looks += 1;
            if looks < SPINS {
                spin_loop();
            } else if looks < LOOKS {
                yield_now();
            } else {
                self.nap(worker, &mut is_open);
            }
        }
    }

    /// Sleeps until something has changed. `is_open` and the queues are looked at once more after others
    /// can see that this worker naps.
    fn nap(&self, worker: usize, is_open: &mut impl FnMut() -> bool) {
        let bed = lock(&self.bed);
        self.somebody_naps.store(true, SeqCst);
        if is_open() && !self.can_run_any(worker) {
            drop(self.changed.wait_timeout(bed, NAP));
        }
    }

    fn can_run_any(&self, worker: usize) -> bool {
        let nested = self.queues[worker].nested.load(Relaxed);
        nested < MOST_NESTED && self.queues.iter().any(Queue::has_any)
    }

    /// Wakes the workers that nap, because the reason for their nap may be gone.
    pub(crate) fn wake_all(&self) {
        if self.somebody_naps.load(SeqCst) && self.somebody_naps.swap(false, SeqCst) {
            drop(lock(&self.bed)); // nobody is between its last look and its nap
            self.changed.notify_all();
        }
    }
}

impl Fork for ForkTeam {
    fn join(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
        let own = self.own_worker().map(|worker| (worker, &self.queues[worker]));
        let offer = own.and_then(|(worker, queue)| {
            let position = queue.len.load(Relaxed);
            queue.slots.get(position).map(|slot| (worker, queue, position, slot))
        });
        let Some((worker, queue, position, slot)) = offer else {
            a();
            return b();
        };
        let half =
            Half { work: from_mut(b), has_ended: AtomicBool::new(false), panic: Mutex::new(None) };
        slot.store(from_ref(&half).cast::<Half<'static>>().cast_mut(), Release);
        queue.len.store(position + 1, Release);
        if self.somebody_naps.load(Relaxed) {
            self.wake_all();
        }
        let first = catch_unwind(AssertUnwindSafe(a)); // `half` must not be gone while it is in the queue
        queue.len.store(position, Relaxed);
        let is_stolen = slot.swap(null_mut(), AcqRel).is_null();
        if is_stolen {
            self.help_while(worker, || !half.has_ended.load(SeqCst));
        }
        match first {
            Err(panic) => resume_unwind(panic),
            Ok(()) if is_stolen => half.pass_the_panic_on(),
            Ok(()) => b(),
        }
    }

    fn worker(&self) -> usize {
        self.own_worker().unwrap_or(0)
    }

    fn workers(&self) -> usize {
        self.queues.len()
    }
}

impl ForkSeat<'_> {
    /// Runs halves as long as `is_open`.
    pub(crate) fn help_while(&self, is_open: impl FnMut() -> bool) {
        self.team.help_while(self.worker, is_open);
    }
}

impl Drop for ForkSeat<'_> {
    fn drop(&mut self) {
        SEAT.set((0, 0));
    }
}

impl Queue {
    fn new() -> Self {
        Queue {
            len: AtomicUsize::new(0),
            nested: AtomicUsize::new(0),
            slots: array::from_fn(|_| AtomicPtr::new(null_mut())),
        }
    }

    fn has_any(&self) -> bool {
        let len = self.len.load(SeqCst).min(LONGEST_QUEUE);
        self.slots[..len].iter().any(|slot| !slot.load(SeqCst).is_null())
    }

    /// Takes the oldest half. The caller owns it, and must run it.
    fn steal(&self) -> Option<*const Half<'static>> {
        let len = self.len.load(Acquire).min(LONGEST_QUEUE);
        self.slots[..len].iter().find_map(|slot| {
            // In between, another half may have come to the same place of the stack. It is as good.
            let seen = slot.load(Relaxed);
            let is_taken = !seen.is_null()
                && slot.compare_exchange(seen, null_mut(), Acquire, Relaxed).is_ok();
            is_taken.then_some(seen.cast_const())
        })
    }
}

/// Runs a half that was stolen, and tells its owner when it has ended.
///
/// # Safety
/// `half` must come from [`Queue::steal`], and be run once.
unsafe fn run_stolen(half: *const Half<'static>) {
    // SAFETY: the owner waits in `join` until `has_ended`, so the half and what it borrows are alive.
    // No other thread calls `work`: the pointer was in one slot, and only one thread swapped it for null.
    let work = unsafe { &mut *(*half).work };
    let caught = catch_unwind(AssertUnwindSafe(work));
    // SAFETY: as above. This is a raw pointer and not a reference, because after the last line the half may be
    // gone before this function has returned.
    unsafe {
        if let Err(panic) = caught {
            *lock(&(*half).panic) = Some(panic);
        }
        (*half).has_ended.store(true, SeqCst);
    }
}

impl Half<'_> {
    fn pass_the_panic_on(&self) {
        if let Some(panic) = lock(&self.panic).take() {
            resume_unwind(panic);
        }
    }
}
