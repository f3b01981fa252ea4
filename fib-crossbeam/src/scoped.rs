//! Scoped workers that borrow: the channel carries chunks, and nothing is copied.

use crossbeam::channel::bounded;
use fib_core::{Descriptor, Error, FibBackend, Job, Scheduling, warn_of_fewer_threads};
use std::num::NonZeroUsize;
use std::thread::{Builder, scope};

/// Registry entry of [`Scoped`].
pub const SCOPED: Descriptor = Descriptor {
    name: "crossbeam-scoped",
    summary: "a bounded channel that feeds borrowed chunks to scoped threads",
    scheduling: Scheduling::Dynamic,
    build: |settings| Ok(Box::new(Scoped { workers: settings.workers })),
};

/// Threads that live for the batch and take chunks from a bounded channel.
#[derive(Clone, Copy, Debug)]
pub struct Scoped {
    /// How many threads a batch gets.
    pub workers: NonZeroUsize,
}

impl FibBackend for Scoped {
    fn workers(&self) -> NonZeroUsize {
        self.workers
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        let chunks = job.into_chunks();
        let (sender, receiver) = bounded(chunks.len());
        for chunk in chunks {
            // The channel has room for all, and its receiver is here: no chunk is refused.
            sender.send(chunk).unwrap_or_else(|refused| refused.into_inner().run(0));
        }
        drop(sender);
        let work = |worker| receiver.iter().for_each(|chunk| chunk.run(worker));
        scope(|s| {
            let granted = (0..self.workers.get())
                .take_while(|&worker| Builder::new().spawn_scoped(s, move || work(worker)).is_ok())
                .count();
            warn_of_fewer_threads(SCOPED.name, granted, self.workers);
        });
        work(0); // what is left if no thread could start
        Ok(())
    }
}
