//! A backend of your own, complete, and the whole program `fib` with it:
//!
//! ```sh
//! cargo run --release -p fib --example 04-your-own-backend -- list backends
//! cargo run --release -p fib --example 04-your-own-backend -- compare --backend my-stack,rayon
//! ```
//!
//! `cargo test -p fib --example 04-your-own-backend` runs the suite that every backend must pass.

use fib::{Descriptor, Error, FibBackend, Forking, Job, Scheduling, warn_of_fewer_threads};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, scope};

/// Threads that take the last chunk of a shared stack, so the largest numbers of a range come first.
struct Stack {
    workers: NonZeroUsize,
}

impl FibBackend for Stack {
    fn workers(&self) -> NonZeroUsize {
        self.workers
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        let stack = Mutex::new(job.into_chunks());
        let work = |worker: usize| {
            loop {
                let next = stack.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let Some(chunk) = next else { break };
                chunk.run(worker);
            }
        };
        let work = &work;
        scope(|scope| {
            // Worker 0 is the calling thread. It does all the work if the system refuses threads.
            let spawn =
                |&worker: &usize| Builder::new().spawn_scoped(scope, move || work(worker)).is_ok();
            let started = (1..self.workers.get()).take_while(spawn).count();
            warn_of_fewer_threads("my-stack", 1 + started, self.workers.get());
            work(0);
        });
        Ok(())
    }
}

/// The entry that makes the backend known by name.
const MY_STACK: Descriptor = Descriptor {
    name: "my-stack",
    summary: "threads that take the last chunk of a shared stack",
    scheduling: Scheduling::Dynamic,
    forking: Forking::Sequential,
    build: |settings| Ok(Box::new(Stack { workers: settings.workers })),
};

/// The program `fib`, with one more backend.
fn main() -> ExitCode {
    fib_cli::main_with(&[MY_STACK])
}

#[test]
fn my_stack_passes_the_suite() {
    fib_conformance::check(&MY_STACK);
}
