//! What a product computes with.

use crate::join::Join;
use crate::processor::Processor;

/// Shorter pieces are never split for threads, in blocks. (Chosen with `fib-ntt/examples/fibonacci.rs`.)
const LEAST_BLOCKS: usize = 128;

/// Work is split until there are about so many pieces for each thread, which is enough to balance the load.
/// (Chosen with `fib-ntt/examples/fibonacci.rs`.)
const PIECES_FOR_EACH_THREAD: usize = 16;

/// The processor and the threads.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) processor: Processor,
    pub(crate) join: &'a dyn Join,
    /// Shorter pieces are not split, in blocks.
    least: usize,
}

impl<'a> Context<'a> {
    /// For work on this many blocks.
    pub(crate) fn new(processor: Processor, join: &'a dyn Join, blocks: usize) -> Self {
        let least = match join.threads() {
            ..=1 => usize::MAX,
            threads => (blocks / threads.saturating_mul(PIECES_FOR_EACH_THREAD)).max(LEAST_BLOCKS),
        };
        Context { processor, join, least }
    }

    /// Whether work on this many blocks is split for several threads.
    pub(crate) fn is_split(&self, blocks: usize) -> bool {
        blocks >= self.least
    }
}
