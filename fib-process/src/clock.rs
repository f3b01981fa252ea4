//! A clock that pool and workers share, and the CPU they run on.

use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// The system's monotonic clock, the same in every process.
pub(crate) fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// The CPU that the calling thread runs on now.
pub(crate) fn cpu() -> Option<usize> {
    #[cfg(target_os = "linux")]
    return Some(rustix::thread::sched_getcpu());
    #[cfg(not(target_os = "linux"))]
    None
}

/// Ties that clock to this process's `Instant`s.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor {
    instant: Instant,
    ns: u64,
}

impl Anchor {
    pub(crate) fn now() -> Self {
        Anchor { instant: Instant::now(), ns: now_ns() }
    }

    /// The instant of a reading taken since.
    pub(crate) fn instant(self, ns: u64) -> Instant {
        self.instant + Duration::from_nanos(ns.saturating_sub(self.ns))
    }
}
