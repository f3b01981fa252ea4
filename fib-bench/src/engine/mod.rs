//! The harness side of engines: it starts runners, asks them for times, checks them, and ends them.
//!
//! An engine may be written in any language. Our own engine is in `fib-engine`. Every runner is a
//! process of its own, so an engine that crashes or hangs costs one cell and no more.

mod check;
mod client;
pub mod python;

pub use check::{Finding, check};
pub use client::{Fault, RunnerProcess};

use fib_engine::protocol::Capabilities;
use std::ffi::OsString;

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
    /// If the engine does not start, does not reply, or has another protocol version.
    pub fn ask(command: Vec<OsString>) -> Result<Self, Fault> {
        let (_, capabilities) = RunnerProcess::start(&command)?;
        Ok(Engine { command, capabilities })
    }

    /// The label of a backend of this engine.
    pub fn label(&self, backend: &str) -> String {
        format!("{}/{backend}", self.capabilities.engine)
    }
}
