//! How a stream is cut into windows.

use crate::stream::Batch;
use fib_core::{Kernel, MemoryLimit, Order, start_cost, table_bytes};
use std::time::Duration;

/// A window never has more indices than this.
const MOST_INDICES: usize = 1 << 16;

/// A window with this many bytes of results and tables is large enough, if every worker has work in it.
/// It fits the caches, and its memory is soon used again.
const ENOUGH_BYTES: u128 = 3 << 20;

/// A window becomes larger, up to this many bytes, if its work is less than [`STARTS`] starts of each
/// worker.
pub(crate) const MOST_BYTES: u128 = 32 << 20;

/// See [`MOST_BYTES`].
const STARTS: f64 = 5.0;

/// The first window has at most this many indices for each worker.
const FIRST_INDICES: usize = 16;

/// If a window took less time than this, the next window may have twice as many indices.
const SHORT: Duration = Duration::from_millis(25);

/// If a window took more time than this, the next window has half as many indices.
const LONG: Duration = Duration::from_millis(100);

/// Cuts indices into windows. `next(true)` waits for an index, `next(false)` does not.
pub(crate) struct Windows<'a, N> {
    next: N,
    kernel: &'a dyn Kernel,
    /// The most bytes in memory at a time, in all windows together.
    pub(crate) limit: u128,
    workers: usize,
    /// The next window has at most this many indices.
    most_indices: usize,
    /// An index that did not fit the window before.
    left_over: Option<u64>,
}

impl<'a, N: FnMut(bool) -> Option<u64>> Windows<'a, N> {
    pub(crate) fn new(batch: Batch<'a>, next: N) -> Self {
        let limit = match batch.options.memory {
            MemoryLimit::Bytes(bytes) => bytes.into(),
            MemoryLimit::HalfOfAvailable => u128::MAX, // `stream` has fixed the limit
        };
        let workers = batch.backend.workers().get();
        let most_indices = FIRST_INDICES * workers;
        Windows { next, kernel: &**batch.kernel, limit, workers, most_indices, left_over: None }
    }

    /// The next window. It has one index at least, and ends where the next index is not there yet.
    pub(crate) fn next_window(&mut self) -> Option<Vec<u64>> {
        let first = self.left_over.take().or_else(|| (self.next)(true))?;
        let mut window = vec![first];
        let mut bytes = self.bytes(first, None);
        let mut scratch = self.kernel.scratch_bytes(first);
        while !self.is_full(&window, bytes) {
            let Some(n) = (self.next)(false) else { break };
            bytes += self.bytes(n, window.last().copied());
            scratch = scratch.max(self.kernel.scratch_bytes(n));
            // Each worker has scratch memory. Two windows exist at a time: one is computed, one is handed
            // to the sink.
            let scratches = scratch * (window.len() + 1).min(self.workers) as u128;
            if bytes > self.limit.saturating_sub(scratches) / 2 {
                self.left_over = Some(n);
                break;
            }
            window.push(n);
        }
        Some(window)
    }

    fn is_full(&self, window: &[u64], bytes: u128) -> bool {
        window.len() >= self.most_indices
            || (bytes >= ENOUGH_BYTES
                && window.len() >= FIRST_INDICES * self.workers
                && (bytes >= MOST_BYTES || self.is_worth_starting(window)))
    }

    /// Whether the work of this window is much more than it costs to start a chunk of it on each worker.
    /// The last index stands for all.
    fn is_worth_starting(&self, window: &[u64]) -> bool {
        let [.., previous, n] = *window else { return true };
        let work = window.len() as f64 * self.kernel.cost(n, Some(previous));
        work >= STARTS * self.workers as f64 * start_cost(self.kernel, n, Some(previous))
    }

    /// Learns from the time that a window took: results must not wait long for each other.
    pub(crate) fn adapt(&mut self, time: Duration) {
        if time < SHORT {
            self.most_indices = (self.most_indices * 2).min(MOST_INDICES.max(self.workers));
        } else if time > LONG {
            self.most_indices = (self.most_indices / 2).max(self.workers);
        }
    }

    /// The bytes that F(`n`) adds to a window. Where equal indices share a slot, a repeat adds none
    /// for its result.
    fn bytes(&self, n: u64, previous: Option<u64>) -> u128 {
        let is_shared = previous == Some(n) && self.kernel.order() == Order::Ascending;
        let limbs = if is_shared { 0 } else { self.kernel.limbs(n) };
        table_bytes(1) + 8 * limbs as u128
    }
}
