//! Computes a batch for `calc` and `batch`. A signal cancels the computation.

use crate::args::ComputeArgs;
use crate::diagnostics::say;
use crate::interrupt;
use fib::{Control, Error, Kernel, Layout, MemoryLimit, Options, Settings, Table, execute};
use std::sync::Arc;

impl ComputeArgs {
    /// The memory limit in bytes. Without --max-memory this asks the system, so call it once.
    pub(crate) fn memory(&self) -> MemoryLimit {
        self.max_memory.unwrap_or_default().fixed()
    }
}

/// Computes `wanted`. Returns the table, which holds every result that was computed, and the
/// outcome.
pub(crate) fn compute(
    args: &ComputeArgs,
    kernel: Arc<dyn Kernel>,
    wanted: &[u64],
    memory: MemoryLimit,
) -> anyhow::Result<(Table, Result<(), Error>)> {
    let mut table = Table::new(Layout::new(kernel, wanted, memory)?)?;
    args.worker_limits.apply();
    let settings = args.workers.map_or_else(Settings::default, Settings::workers);
    // One number is one chain of operations, so no pool is started for it.
    let default = if wanted.len() > 1 { fib::default_backend() } else { &fib::SEQUENTIAL };
    let control = Control::default();
    let cancelled = control.clone();
    // This comes before the backend is built, while the system still grants threads.
    interrupt::watch("interrupted while computing", move || cancelled.cancel())?;
    let backend = args.backend.unwrap_or(default).build(settings)?;
    let options = Options { chunking: args.chunking, control, ..Options::default() };
    let outcome = execute(&*backend, &mut table, &options).map(drop);
    Ok((table, outcome))
}

/// The outcome of a batch of which `written` numbers were written. If a signal stopped the batch,
/// one line on stderr says how far it came; `main` then exits with the code of the signal.
pub(crate) fn conclude(
    outcome: Result<(), Error>,
    written: usize,
    wanted: usize,
) -> anyhow::Result<()> {
    if interrupt::exit_code().is_none() {
        return Ok(outcome?);
    }
    say(&format!("interrupted after {} of {} numbers", grouped(written), grouped(wanted)));
    Ok(())
}

/// A number with a comma between groups of three digits.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands_are_grouped() {
        let grouped = [0, 999, 1204, 1_234_567].map(super::grouped);
        assert_eq!(grouped, ["0", "999", "1,204", "1,234,567"]);
    }
}
