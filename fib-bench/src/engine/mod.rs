//! The harness side of engines: it starts runners, asks them for times, checks them, and ends them.
//!
//! An engine may be written in any language. Our own engine is in `fib-engine`. Every runner is a
//! process of its own, so an engine that crashes or hangs costs one cell and no more.

mod check;
mod client;
mod plausible;
mod process;
pub mod python;

pub use check::{Finding, check};
pub use client::{Fault, RunnerProcess};
pub(crate) use plausible::{distinct_bytes, doubt};
pub(crate) use process::one_line;

use fib_engine::protocol::Capabilities;
use fib_report::{Status, is_hidden};
use std::ffi::OsString;

/// The most backends or kernels of an engine.
const MOST_NAMES: usize = 100;

/// The longest name of an engine, a backend or a kernel, in bytes.
const LONGEST_NAME: usize = 60;

/// An engine: how to start it, and what it can do.
#[derive(Clone, Debug)]
pub struct Engine {
    /// A program and its arguments.
    pub command: Vec<OsString>,
    /// What the engine says about itself.
    pub capabilities: Capabilities,
}

impl Engine {
    /// Starts the engine once to ask what it can do.
    ///
    /// # Errors
    /// If the engine does not start, does not reply, has another protocol version, or calls things by
    /// names that cannot stand in a table.
    pub fn ask(command: Vec<OsString>) -> Result<Self, Fault> {
        let engine = Engine::greet(command)?;
        engine.check_names().map_err(|problem| Fault::new(Status::Refused, problem))?;
        Ok(engine)
    }

    /// Like [`ask`](Self::ask), but does not check what the engine says about itself.
    fn greet(command: Vec<OsString>) -> Result<Self, Fault> {
        let (_, capabilities) = RunnerProcess::start(&command)?;
        Ok(Engine { command, capabilities })
    }

    /// What is wrong with the names of the engine, if anything is.
    fn check_names(&self) -> Result<(), String> {
        let Capabilities { engine, backends, baseline, kernels, left_out, .. } = &self.capabilities;
        let own_kernels = || backends.iter().filter_map(|backend| backend.kernels.as_ref());
        let lists = [backends.len(), kernels.len(), left_out.len()];
        if lists.into_iter().chain(own_kernels().map(Vec::len)).any(|len| len > MOST_NAMES) {
            return Err(format!("it has more than {MOST_NAMES} backends or kernels"));
        }
        let is_bad = |name: &str| {
            let is_odd = |c: char| c.is_whitespace() || is_hidden(c) || "/@#".contains(c);
            name.is_empty() || name.len() > LONGEST_NAME || name.contains(is_odd)
        };
        let missing_names = left_out.iter().map(|backend| &backend.name);
        let backend_names = backends.iter().map(|backend| &backend.name).chain(missing_names);
        if let Some(bad) =
            [engine].into_iter().chain(backend_names).chain(kernels).find(|n| is_bad(n))
        {
            return Err(format!(
                "the name '{}' is empty, is longer than {LONGEST_NAME} bytes, or contains a blank, a \
                 control character or one of / @ #",
                one_line(bad)
            ));
        }
        if backends.iter().all(|backend| backend.name != *baseline) {
            let baseline = one_line(baseline);
            return Err(format!("it has no backend {baseline}, which it calls its baseline"));
        }
        if kernels.is_empty() { Err("it has no kernel".into()) } else { Ok(()) }
    }

    /// Whether the baseline of the engine has this kernel.
    pub(crate) fn baseline_has(&self, kernel: &str) -> bool {
        let Capabilities { backends, baseline, kernels, .. } = &self.capabilities;
        let own = backends.iter().find(|backend| backend.name == *baseline);
        own.is_some_and(|own| own.has_kernel(kernel)) && kernels.iter().any(|name| name == kernel)
    }

    /// The label of a backend of this engine.
    pub fn label(&self, backend: &str) -> String {
        format!("{}/{backend}", self.capabilities.engine)
    }
}
