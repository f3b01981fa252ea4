//! One file a command.

pub(crate) mod advise;
pub(crate) mod analyse;
pub(crate) mod batch;
pub(crate) mod calc;
pub(crate) mod compare;
pub(crate) mod doctor;
pub(crate) mod engine;
pub(crate) mod list;
pub(crate) mod model;
pub(crate) mod pages;
pub(crate) mod recording;
pub(crate) mod sweep;

use crate::args::How;
use fib::{Error, Kernel, Layout, MemoryLimit, Options, Settings, Table, execute};
use std::sync::Arc;

impl How {
    pub(crate) fn memory(&self) -> MemoryLimit {
        self.max_memory.unwrap_or_default()
    }
}

/// Computes `wanted`: the table, which holds whatever could be computed, and what went wrong.
fn compute(
    how: &How,
    kernel: Arc<dyn Kernel>,
    wanted: &[u64],
) -> Result<(Table, Result<(), Error>), Error> {
    let mut table = Table::new(Layout::new(kernel, wanted, how.memory())?)?;
    let settings = how.workers.map_or_else(Settings::default, Settings::workers);
    let settings = Settings { supervision: (&how.supervision).into(), ..settings };
    // One number is one chain of additions: no pool is started for it.
    let default = if wanted.len() > 1 { fib::default_backend() } else { &fib::SEQUENTIAL };
    let backend = how.backend.unwrap_or(default).build(settings)?;
    let options = Options { chunking: how.chunking, ..Options::default() };
    let outcome = execute(&*backend, &mut table, &options).map(drop);
    Ok((table, outcome))
}
