//! The clock that the pool and its workers share, and the CPU that a thread runs on.

use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// The monotonic clock of the system, in nanoseconds. It is the same in every process.
pub(crate) fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// The CPU that the calling thread runs on now, where the system tells it.
pub(crate) fn current_cpu() -> Option<usize> {
    #[cfg(target_os = "linux")]
    return Some(rustix::thread::sched_getcpu());
    #[cfg(not(target_os = "linux"))]
    None
}

/// One moment by both clocks. It converts readings of the shared clock to `Instant`s of this
/// process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor {
    instant: Instant,
    ns: u64,
}

impl Anchor {
    pub(crate) fn now() -> Self {
        Anchor { instant: Instant::now(), ns: now_ns() }
    }

    /// Converts a reading that was taken after the anchor.
    pub(crate) fn instant(self, ns: u64) -> Instant {
        self.instant + Duration::from_nanos(ns.saturating_sub(self.ns))
    }
}
