//! Fork-join: how a kernel offers a part of one number to other workers, without seeing a thread.
//!
//! A kernel that can divide its work calls [`Forks::join`] with two halves. A backend that can run both
//! at once implements [`Fork`] and runs its chunks with [`Chunk::run_with_forks`](crate::Chunk::run_with_forks).
//! On every other backend the second half runs after the first one.
//!
//! As with chunks, what no backend may forget is here: a cancelled computation ends at its next fork,
//! a computation that starts inside a half runs inline, and a half that another worker takes is part of the
//! timeline.

use crate::control::Control;
use crate::record::ChunkSpan;
use crate::work::inside;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a backend offers to kernels that fork.
///
/// On rayon this is `rayon::join`:
///
/// ```
/// # mod rayon {
/// #     pub fn join(a: impl FnOnce(), b: impl FnOnce()) { (a(), b()); }
/// #     pub fn current_thread_index() -> Option<usize> { None }
/// #     pub fn current_num_threads() -> usize { 1 }
/// # }
/// struct RayonForks;
///
/// impl fib_core::Fork for RayonForks {
///     fn join(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
///         rayon::join(a, b);
///     }
///     fn worker(&self) -> usize {
///         rayon::current_thread_index().unwrap_or(0)
///     }
///     fn workers(&self) -> usize {
///         rayon::current_num_threads()
///     }
/// }
/// ```
pub trait Fork: Sync {
    /// Calls `a` and `b` once each, at the same time if it can, and returns when both have ended. `a` runs on
    /// the calling thread. While a worker waits for its other half, it may run other halves.
    ///
    /// If a half panics, the panic goes on here, but not before the other half has ended or can no longer
    /// start.
    fn join(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send));

    /// The number of the worker that calls, as in [`Chunk::run`](crate::Chunk::run).
    fn worker(&self) -> usize;

    /// How many halves run at once at most.
    fn workers(&self) -> usize;
}

/// Runs two halves of a computation at once, if the backend can. A kernel gets this from
/// [`Run::forks`](crate::Run::forks), and may use it inside a half, too.
///
/// ```
/// use fib_core::Forks;
///
/// fn tree(n: u64, forks: Forks<'_>) -> u64 {
///     if n < 2 {
///         return n;
///     }
///     let (a, b) = forks.join(|| tree(n - 1, forks), || tree(n - 2, forks));
///     a + b
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Forks<'a>(&'a ForkContext<'a>);

impl Forks<'_> {
    /// Runs both halves and returns their results. `a` runs on the calling thread. If the backend cannot
    /// fork, or if no other worker has time, `b` runs after `a` on the same thread.
    ///
    /// # Panics
    /// If a half panics, after both halves have ended. If the computation was cancelled, this does not return
    /// either: it unwinds out of the kernel, and the slot counts as cancelled.
    #[inline]
    pub fn join<A: Send, B: Send>(
        self,
        a: impl FnOnce() -> A + Send,
        b: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        let context = self.0;
        if context.control.is_cancelled() {
            resume_unwind(Box::new(CancelledFork));
        }
        let Some(fork) = context.fork else { return (a(), b()) };
        let (mut a, mut b) = (Some(a), Some(b));
        let (mut left, mut right) = (None, None);
        let mut run_a = || left = a.take().map(|a| a());
        let mut run_b = || right = b.take().map(|b| inside(b));
        match &context.stretches {
            None => fork.join(&mut run_a, &mut run_b),
            Some(stretches) => stretches.join(fork, &mut run_a, &mut run_b),
        }
        match (left, right) {
            (Some(left), Some(right)) => (left, right),
            _ => one_half_missing(),
        }
    }

    /// How many halves run at once at most. With 1 there is no use in forking.
    pub fn workers(self) -> usize {
        self.0.fork.map_or(1, |fork| fork.workers())
    }
}

#[cold]
#[expect(
    clippy::panic,
    reason = "the panic becomes the failure of an index, which says what is wrong"
)]
fn one_half_missing() -> ! {
    panic!("the backend ran only one half of a fork");
}

/// The panic that ends a kernel at its next fork once the computation is cancelled.
pub(crate) struct CancelledFork;

/// What the forks of a chunk share.
pub(crate) struct ForkContext<'a> {
    /// `None` if halves run one after the other.
    fork: Option<&'a dyn Fork>,
    control: &'a Control,
    /// `None` unless there is a timeline and a fork.
    stretches: Option<Stretches>,
}

impl<'a> ForkContext<'a> {
    pub(crate) fn new(fork: Option<&'a dyn Fork>, control: &'a Control, timeline: bool) -> Self {
        let stretches = fork.filter(|_| timeline).map(|_| Stretches::default());
        ForkContext { fork, control, stretches }
    }

    pub(crate) fn forks(&self) -> Forks<'_> {
        Forks(self)
    }

    /// Calls `work`, and returns its stretches if they say more than one span would.
    pub(crate) fn traced<R>(&self, work: impl FnOnce() -> R) -> (R, Vec<ChunkSpan>) {
        let (Some(fork), Some(stretches)) = (self.fork, &self.stretches) else {
            return (work(), vec![]);
        };
        begin();
        let result = work();
        stretches.end(fork);
        let all = std::mem::take(&mut *stretches.lock());
        (result, if all.len() > 1 { all } else { vec![] })
    }
}

thread_local!(static STRETCH: Cell<Option<Instant>> = const { Cell::new(None) });

/// The stretches of a chunk that have ended: times in which a worker computed without waiting for a half.
/// Each thread remembers when its own stretch began.
#[derive(Default)]
struct Stretches(Mutex<Vec<ChunkSpan>>);

fn begin() {
    STRETCH.set(Some(Instant::now()));
}

impl Stretches {
    /// [`Fork::join`], with notes of when each worker computes. If another worker starts `b` in the moment
    /// in which `a` ends, the wait for `b` counts as computing.
    fn join(
        &self,
        fork: &dyn Fork,
        run_a: &mut (dyn FnMut() + Send),
        run_b: &mut (dyn FnMut() + Send),
    ) {
        let is_stolen = AtomicBool::new(false);
        let _continue = BeginAgain; // even if a half panics
        fork.join(
            &mut || {
                run_a();
                if is_stolen.load(Relaxed) {
                    self.end(fork); // from here on this worker waits
                }
            },
            &mut || {
                if STRETCH.get().is_some() {
                    return run_b();
                }
                is_stolen.store(true, Relaxed);
                begin();
                let caught = catch_unwind(AssertUnwindSafe(&mut *run_b));
                self.end(fork);
                caught.unwrap_or_else(|panic| resume_unwind(panic));
            },
        );
    }

    /// Ends the stretch of this thread, if there is one.
    fn end(&self, fork: &dyn Fork) {
        let Some(start) = STRETCH.replace(None) else { return };
        let (worker, end, paused) = (fork.worker(), Instant::now(), Duration::ZERO);
        self.lock().push(ChunkSpan { worker, start, end, paused });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<ChunkSpan>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // nothing panics while it holds the lock
    }
}

/// Begins another stretch when a wait is over.
struct BeginAgain;

impl Drop for BeginAgain {
    fn drop(&mut self) {
        if STRETCH.get().is_none() {
            begin();
        }
    }
}
