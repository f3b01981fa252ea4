//! Chunks on loan to threads that outlive the batch.
//!
//! The compiler lets such a thread borrow nothing from a batch, because it cannot see that the caller
//! waits for the thread. Safe code has two ways around this, and both take time: threads that end with the
//! batch (`std::thread::scope`), or owned tasks whose results are copied ([`Chunk::detach`]). The
//! standard library's scopes and rayon hide the lifetime from the compiler, and then wait. This module does
//! the same, so it needs `unsafe` code. [`lend`] itself is safe: it does not return, and does not unwind,
//! before every loan is back.
#![allow(unsafe_code)]

use crate::team::lock;
use fib_core::{Chunk, Fork};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Lends chunks. `hand_out` gives them to threads, and this function waits until all of them are back.
pub(crate) fn lend(chunks: Vec<Chunk<'_>>, hand_out: impl FnOnce(Vec<Loan>)) {
    let lender = Lender::default(); // waits when it is dropped, even if `hand_out` panics
    hand_out(chunks.into_iter().map(|chunk| lender.lend(chunk)).collect());
}

/// A chunk on loan. It is back when it has run, and also when it is dropped.
pub(crate) struct Loan {
    chunk: Option<Chunk<'static>>,
    ledger: Arc<Ledger>,
}

impl Loan {
    /// Runs the chunk on the calling thread. `worker` is the number of the worker.
    ///
    /// This takes `&mut self`: an argument by value would have to stay valid until the function returns,
    /// and at the end of the function the loan would be back already.
    pub(crate) fn run(&mut self, worker: usize, fork: &dyn Fork) {
        if let Some(chunk) = self.chunk.take() {
            chunk.run_with_forks(worker, fork);
        }
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.chunk = None; // before the lender may go on
        let mut open = lock(&self.ledger.open);
        *open -= 1;
        if *open == 0 {
            self.ledger.all_back.notify_all();
        }
    }
}

/// Counts the loans of a batch. It is shared, because the last thread still unlocks it when the lender
/// may already have returned.
#[derive(Default)]
struct Ledger {
    open: Mutex<usize>,
    all_back: Condvar,
}

#[derive(Default)]
struct Lender(Arc<Ledger>);

impl Lender {
    fn lend(&self, chunk: Chunk<'_>) -> Loan {
        *lock(&self.0.open) += 1;
        // SAFETY: the two types differ in their lifetime only. Only `run` takes the chunk out of a loan, and uses it up. A loan
        // counts as back only when its chunk is gone. Only `lend` makes a lender, whose drop waits for
        // all loans, so the chunk is gone before what it borrows from can be used again.
        let chunk = unsafe { std::mem::transmute::<Chunk<'_>, Chunk<'static>>(chunk) };
        Loan { chunk: Some(chunk), ledger: Arc::clone(&self.0) }
    }
}

impl Drop for Lender {
    fn drop(&mut self) {
        let all_back = self.0.all_back.wait_while(lock(&self.0.open), |open| *open > 0);
        drop(all_back.unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(all(test, not(shuttle)))]
#[allow(clippy::unwrap_used)] // in helpers of tests a panic is a finding
mod tests {
    use super::*;
    use crate::forks::ForkTeam;
    use fib_core::{Error, FibBackend, Job, Options, compute, kernels};
    use std::num::NonZeroUsize;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::sync::mpsc::{Sender, channel};
    use std::thread::{JoinHandle, sleep, spawn};
    use std::time::Duration;

    /// Lends all chunks to one slow thread, and then does something else.
    struct Slow<F>(Sender<JoinHandle<()>>, F);

    impl<F: Fn() + Sync + Send> FibBackend for Slow<F> {
        fn workers(&self) -> NonZeroUsize {
            NonZeroUsize::MIN
        }

        fn run(&self, job: Job<'_>) -> Result<(), Error> {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                lend(job.into_chunks(), |loans| {
                    let run_all = move || {
                        for mut loan in loans {
                            sleep(Duration::from_millis(5));
                            loan.run(0, &ForkTeam::new(1));
                        }
                    };
                    self.0.send(spawn(run_all)).unwrap();
                    self.1();
                });
            }));
            outcome.or_else(|panic| match panic.downcast_ref() {
                Some(&"planned") => Ok(()),
                _ => resume_unwind(panic),
            })
        }
    }

    fn results_are_complete(then: impl Fn() + Sync + Send) {
        let (threads, started) = channel();
        let indices = [90, 10, 180, 5];
        let slow = Slow(threads, then);
        let table = compute(&slow, &kernels::stepping(), &indices, &Options::default()).unwrap();
        let by_addition = |n| (0..n).fold((0u128, 1u128), |(a, b), _| (b, a + b)).0;
        let results = (0..4).map(|i| table.to_biguint(i).unwrap().to_string());
        assert!(results.eq(indices.map(|n| by_addition(n).to_string())));
        started.try_iter().for_each(|thread| thread.join().unwrap());
    }

    #[test]
    fn a_lender_waits_for_the_last_chunk() {
        results_are_complete(|| {});
    }

    #[test]
    fn a_lender_that_panics_waits_too() {
        results_are_complete(|| resume_unwind(Box::new("planned")));
    }

    /// Takes its chunks, and runs none.
    struct Idle;

    impl FibBackend for Idle {
        fn workers(&self) -> NonZeroUsize {
            NonZeroUsize::MIN
        }

        fn run(&self, job: Job<'_>) -> Result<(), Error> {
            lend(job.into_chunks(), drop);
            Ok(())
        }
    }

    #[test]
    fn a_loan_that_nobody_ran_is_back_and_counts_as_skipped() {
        let outcome = compute(&Idle, &kernels::stepping(), &[7; 3], &Options::default());
        assert!(matches!(outcome, Err(Error::Skipped { .. })), "{:?}", outcome.err());
    }
}
