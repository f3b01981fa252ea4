//! `std::thread`, with a system that refuses one thread in eight.

use crate::chance::one_in;
pub use shuttle::thread::*;
use std::io;
pub use std::thread::available_parallelism;

/// The system refuses one in this many threads.
const REFUSALS: u32 = 8;

/// `shuttle` has a `Builder` too, but that one cannot start scoped threads, and never fails.
#[derive(Debug, Default)]
pub struct Builder;

impl Builder {
    /// A builder that a thread can be started with.
    pub fn new() -> Self {
        Builder
    }

    /// Names of threads have no effect.
    pub fn name(self, _name: String) -> Self {
        self
    }

    /// Starts a thread, unless it is refused.
    ///
    /// # Errors
    /// `WouldBlock`, as on Linux.
    pub fn spawn<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<JoinHandle<T>> {
        granted().map(|()| spawn(work))
    }

    /// Starts a thread that ends with its scope, unless it is refused.
    ///
    /// # Errors
    /// `WouldBlock`, as on Linux.
    pub fn spawn_scoped<'scope, T: Send + 'scope>(
        self,
        scope: &'scope Scope<'scope, '_>,
        work: impl FnOnce() -> T + Send + 'scope,
    ) -> io::Result<ScopedJoinHandle<'scope, T>> {
        granted().map(|()| scope.spawn(work))
    }
}

fn granted() -> io::Result<()> {
    if one_in(REFUSALS) { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
}
