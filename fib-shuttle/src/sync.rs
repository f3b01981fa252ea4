//! `std::sync`, with timeouts, and with bounded channels that are soon full.

use crate::chance::one_in;
pub use shuttle::sync::*;
// Its first use runs no other thread, so the one of `std` serves.
pub use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool as StdBool, Ordering::SeqCst};
use std::time::Duration;

/// The condition variable of `shuttle` never times out, and never wakes a thread without reason. This
/// one does both where code waits with a timeout.
#[derive(Debug, Default)]
pub struct Condvar(Arc<shuttle::sync::Condvar>);

/// Whether a wait has timed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether the wait has timed out.
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    /// Waits as long as the condition holds.
    ///
    /// # Errors
    /// If the mutex is poisoned.
    pub fn wait_while<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<MutexGuard<'a, T>> {
        self.0.wait_while(guard, condition)
    }

    /// Waits for a notification. In half of the cases the wait times out at some moment: another thread
    /// wakes this thread, and wakes without reason all others that wait here. In the other half
    /// the wait never times out, so that a model finds code that hangs without its timeout.
    ///
    /// # Errors
    /// If the mutex is poisoned.
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        _time: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let is_over = Arc::new(StdBool::new(false));
        if one_in(2) {
            let (condvar, is_over) = (Arc::clone(&self.0), Arc::clone(&is_over));
            shuttle::thread::spawn(move || {
                is_over.store(true, SeqCst);
                condvar.notify_all();
            });
        }
        let result = |guard| (guard, WaitTimeoutResult(is_over.load(SeqCst)));
        match self.0.wait(guard) {
            Ok(guard) => Ok(result(guard)),
            Err(poisoned) => Err(PoisonError::new(result(poisoned.into_inner()))),
        }
    }

    /// Wakes one thread that waits.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all threads that wait.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// `std::sync::mpsc`. A channel for thousands of messages would never be full in a model.
pub mod mpsc {
    pub use shuttle::sync::mpsc::*;

    /// The most messages in a bounded channel.
    const MOST_MESSAGES: usize = 2;

    /// A channel with this bound, but for two messages at most.
    pub fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
        shuttle::sync::mpsc::sync_channel(bound.min(MOST_MESSAGES))
    }
}
