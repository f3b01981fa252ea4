//! Engines: programs that run batches for a harness, each in a process of its own.
//!
//! An engine may be written in any language; ours is [`serve`]. The protocol is a request and a
//! reply, one JSON object a line, so an engine that crashes or hangs costs one cell and no more.

mod batch;
mod check;
mod client;
mod copies;
mod digest;
pub mod protocol;
pub mod python;
mod serve;
mod usage;

pub use check::{Finding, check};
pub use client::{Fault, Runner};
pub use digest::Digest;
pub use serve::{Offer, serve};

use protocol::Capabilities;
use std::ffi::OsString;
use std::io;

/// The name of our own engine.
pub const NAME: &str = "fib";

/// What our engine can build besides its backends: a sequential computation from the indices on,
/// layout and allocation included ...
pub(crate) const WHOLE: &str = "whole";

/// ... and independent copies of the sequential baseline at once.
pub(crate) const COPIES: &str = "copies";

/// Serves on standard input and output until the input ends, or, on Linux, whoever started this
/// process.
///
/// # Errors
/// As [`serve`].
pub fn serve_stdio(offer: Offer<'_>) -> io::Result<()> {
    end_with_parent()?;
    serve(offer, io::stdin().lock(), io::stdout().lock())
}

/// On Linux this process ends, whatever it does, when whoever started it does. It stays so if it
/// becomes another program.
///
/// # Errors
/// If the system refuses.
pub fn end_with_parent() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, set_parent_process_death_signal};
        set_parent_process_death_signal(Some(Signal::KILL))?;
    }
    Ok(())
}

/// An engine: how it is started and what it can do.
#[derive(Clone, Debug)]
pub struct Engine {
    /// A program and its arguments.
    pub command: Vec<OsString>,
    /// Its own words.
    pub capabilities: Capabilities,
}

impl Engine {
    /// Starts it once, to ask what it can do.
    ///
    /// # Errors
    /// If it does not start, does not answer, or speaks another protocol.
    pub fn ask(command: Vec<OsString>) -> Result<Self, Fault> {
        let (_, capabilities) = Runner::start(&command)?;
        Ok(Engine { command, capabilities })
    }

    /// What a backend of it is called beside those of other engines.
    pub fn label(&self, backend: &str) -> String {
        format!("{}/{backend}", self.capabilities.engine)
    }
}
