//! `std::time`, with clocks that show what the interleaving chooses.

use crate::chance::one_in;
pub use std::time::*;

/// A moment. All moments are equal, but the time since a moment is short or long by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant;

impl Instant {
    /// This moment.
    pub fn now() -> Self {
        Instant
    }

    /// No time, or an hour.
    pub fn elapsed(&self) -> Duration {
        if one_in(2) { Duration::ZERO } else { Duration::from_secs(3600) }
    }

    /// The same moment.
    pub fn checked_sub(&self, _duration: Duration) -> Option<Self> {
        Some(Instant)
    }

    /// No time.
    pub fn saturating_duration_since(&self, _earlier: Self) -> Duration {
        Duration::ZERO
    }
}

impl std::ops::Sub for Instant {
    type Output = Duration;

    fn sub(self, _earlier: Self) -> Duration {
        Duration::ZERO
    }
}
