//! What to do if the system refuses threads: compute with fewer threads, and warn.

/// Logs a warning if the system granted fewer threads than `wanted`. Fewer workers then compute the
/// batch. The warning is the same for every batch, so that a program can print it once.
pub fn warn_of_fewer_threads(backend: &str, granted: usize, wanted: usize) {
    if granted < wanted {
        log::warn!("{backend}: the system granted fewer than {wanted} threads");
    }
}
