//! The baseline: the calling thread runs every chunk, one after another.

use crate::backend::{Descriptor, FibBackend, Forking, Scheduling};
use crate::error::Error;
use crate::job::Job;
use std::num::NonZeroUsize;

/// Runs every chunk on the calling thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sequential;

impl FibBackend for Sequential {
    fn workers(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        job.into_chunks().into_iter().for_each(|chunk| chunk.run(0));
        Ok(())
    }
}

/// Registry entry of [`Sequential`].
pub const SEQUENTIAL: Descriptor = Descriptor {
    name: "sequential",
    summary: "the calling thread alone: the baseline of every speedup",
    scheduling: Scheduling::Serial,
    forking: Forking::Sequential,
    build: |_| Ok(Box::new(Sequential)),
};
