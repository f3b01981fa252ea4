//! What to do if the system refuses threads or grants little address space: compute with fewer
//! threads, and warn.

use std::num::NonZeroUsize;

/// The address space that a thread may take: its stack, and the arena that the allocator of glibc
/// reserves for each thread.
const BYTES_PER_THREAD: u64 = 66 << 20;

/// Logs a warning if the system granted fewer threads than `wanted`. Fewer workers then compute the
/// batch. The warning is the same for every batch, so that a program can print it once.
pub fn warn_of_fewer_threads(backend: &str, granted: usize, wanted: usize) {
    if granted < wanted {
        log::warn!("{backend}: the system granted fewer than {wanted} threads");
    }
}

/// As many of the `wanted` threads as fit into half of the address space that is left, at least one, for a
/// backend that is built. Without this, threads would take all of it, and the first allocation after that
/// would end the program. Logs a warning if these are fewer than `wanted`.
pub fn affordable_threads(backend: &str, wanted: NonZeroUsize) -> NonZeroUsize {
    let Some(left) = address_space_left() else { return wanted };
    let affordable = usize::try_from(left / 2 / BYTES_PER_THREAD).unwrap_or(usize::MAX);
    let workers = wanted.min(NonZeroUsize::new(affordable).unwrap_or(NonZeroUsize::MIN));
    if workers < wanted {
        log::warn!(
            "{backend}: the limit of address space has room for {workers} of {wanted} threads"
        );
    }
    workers
}

/// The bytes that the limit of address space (`ulimit -v`) leaves to this process. `None` if there is
/// no limit.
#[cfg(target_os = "linux")]
pub(crate) fn address_space_left() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};
    let limit = getrlimit(Resource::As).current?;
    // The first number of /proc/self/statm is the size in pages.
    let sizes = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = sizes.split(' ').next()?.parse().ok()?;
    Some(limit.saturating_sub(pages * rustix::param::page_size() as u64))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn address_space_left() -> Option<u64> {
    None
}
