//! What commands that compute share: limits, the backend, and what a signal does.

use crate::args::ComputeArgs;
use crate::diagnostics::say;
use crate::interrupt;
use crate::spec::NumberLimits;
use fib::{Control, Error, FibBackend, Kernel, MemoryLimit, Options, Settings};
use indicatif::HumanCount;
use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::time::Duration;

impl ComputeArgs {
    /// The memory limit in bytes. Without --max-memory this asks the system, so call it once.
    pub(crate) fn memory(&self) -> MemoryLimit {
        self.max_memory.unwrap_or_default().fixed()
    }

    /// What a single number may need with this kernel.
    pub(crate) fn limits<'a>(
        &self,
        kernel: &'a dyn Kernel,
        memory: MemoryLimit,
    ) -> NumberLimits<'a> {
        NumberLimits { kernel, memory, max_index: self.max_index }
    }

    /// Whether a progress line would stand between the results on the same terminal.
    pub(crate) fn hides_progress(&self, quiet: bool) -> bool {
        quiet || (self.out.is_none() && io::stdout().is_terminal())
    }

    /// How to compute.
    pub(crate) fn options(&self, memory: MemoryLimit, control: Control) -> Options {
        Options { chunking: self.chunking, memory, control, ..Options::default() }
    }

    /// The control of this computation. Call this before [`build`](Self::build), while the system still
    /// grants threads.
    ///
    /// # Errors
    /// The errors of [`watch`].
    pub(crate) fn watch(&self) -> io::Result<Control> {
        watch(self.timeout)
    }

    /// Builds the backend for `count` numbers, if the count is known.
    ///
    /// # Errors
    /// The errors of [`Descriptor::build`](fib::Descriptor::build).
    pub(crate) fn build(&self, count: Option<u64>) -> Result<Box<dyn FibBackend>, Error> {
        self.worker_limits.apply();
        // One number is one chain of operations, so no pool is started for it.
        let is_one = count.is_some_and(|count| count <= 1);
        let default = if is_one { &fib::SEQUENTIAL } else { fib::default_backend() };
        let mut settings = self.workers.map_or_else(Settings::default, Settings::workers);
        let useful = count.and_then(|count| NonZeroUsize::new(usize::try_from(count).ok()?));
        settings.workers = useful.map_or(settings.workers, |useful| useful.min(settings.workers));
        self.backend.unwrap_or(default).build(settings)
    }
}

/// The control of a computation, which a signal or the end of `timeout` cancels.
///
/// # Errors
/// If the system refuses the signal handlers.
pub(crate) fn watch(timeout: Option<Duration>) -> io::Result<Control> {
    let control = Control::default();
    let cancelled = control.clone();
    let stop = move || cancelled.cancel();
    interrupt::watch("while computing or writing", timeout, stop)?;
    Ok(control)
}

/// Says how far a computation got before a signal or the end of the time stopped it, and whether
/// another run can continue from there. `main` exits with the code of that event.
pub(crate) fn interrupted(written: u64, count: Option<u64>, can_resume: bool) {
    let of = count.map_or(String::new(), |count| format!(" of {}", HumanCount(count)));
    let numbers = if count.unwrap_or(written) == 1 { "number" } else { "numbers" };
    let event = interrupt::event();
    let hint = if can_resume { "; run the same command again to continue" } else { "" };
    say(&format!("{event} after {}{of} {numbers}{hint}", HumanCount(written)));
}
