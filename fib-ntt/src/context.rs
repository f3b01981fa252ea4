//! What a product computes with.

use crate::join::Join;
use crate::processor::Processor;

/// Shorter pieces are not split for threads, in blocks. (Chosen with `fib-ntt/examples/fibonacci.rs`.)
const SPLIT_BLOCKS: usize = 256;

/// The processor and the threads.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) processor: Processor,
    pub(crate) join: &'a dyn Join,
}

impl Context<'_> {
    /// Whether work on this many blocks is split for several threads.
    pub(crate) fn is_split(&self, blocks: usize) -> bool {
        blocks >= SPLIT_BLOCKS && self.join.threads() > 1
    }
}
