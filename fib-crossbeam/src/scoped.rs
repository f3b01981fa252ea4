//! Feeding scoped workers through a bounded channel.
//!
//! The workers start first and wait. Then the calling thread sends chunks, and it has to wait itself
//! while the channel is full (backpressure). The channel never holds more than two chunks for each
//! worker. The workers borrow their chunks, so the channel carries pointers and nothing is copied.

use crossbeam::channel::bounded;
use fib_core::{
    Descriptor, Error, FibBackend, Forking, Job, Scheduling, affordable_threads,
    warn_of_fewer_threads,
};
use std::num::NonZeroUsize;
use std::thread::{Builder, scope};

/// Threads that live for one batch and receive chunks from a bounded channel.
#[derive(Clone, Copy, Debug)]
pub struct Scoped {
    /// The number of threads for each batch.
    pub workers: NonZeroUsize,
}

impl FibBackend for Scoped {
    fn workers(&self) -> NonZeroUsize {
        self.workers
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        let workers = self.workers.get();
        let (sender, receiver) = bounded(2 * workers);
        scope(|s| {
            let start = |&worker: &usize| {
                let chunks = receiver.clone();
                let work =
                    move || chunks.iter().for_each(|chunk: fib_core::Chunk<'_>| chunk.run(worker));
                Builder::new().spawn_scoped(s, work).is_ok()
            };
            let granted = (0..workers).take_while(start).count();
            drop(receiver); // from here on only workers receive
            warn_of_fewer_threads(SCOPED.name, granted, workers);
            for chunk in job.into_chunks() {
                // Without any worker the channel refuses the chunk, and the calling thread runs it.
                sender.send(chunk).unwrap_or_else(|refused| refused.into_inner().run(0));
            }
            drop(sender); // the workers end when the channel is empty
        });
        Ok(())
    }
}

/// The registry entry of [`Scoped`].
pub const SCOPED: Descriptor = Descriptor {
    name: "crossbeam-scoped",
    summary: "a bounded channel that feeds borrowed chunks to scoped threads",
    scheduling: Scheduling::Dynamic,
    forking: Forking::Sequential,
    build: |settings| {
        let workers = affordable_threads("crossbeam-scoped", settings.workers);
        Ok(Box::new(Scoped { workers }))
    },
};
