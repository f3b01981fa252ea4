//! What to do where the system refuses threads: compute with fewer, and say so.

use std::num::NonZeroUsize;

/// Warns that the system refused threads, if it did: the batch is computed all the same, by fewer.
pub fn warn_of_fewer_threads(backend: &str, granted: usize, wanted: NonZeroUsize) {
    if granted < wanted.get() {
        log::warn!("{backend}: the system granted {granted} of {wanted} threads");
    }
}
