//! Runs batches for a benchmark harness: everything that happens inside a runner process.
//!
//! An engine is a program that runs batches when `fib compare` asks it to, over a [`protocol`] of one
//! JSON object on each line. [`serve`] is such an engine for any list of backends, so a program with
//! a backend of its own joins a comparison in a few lines:
//!
//! ```no_run
//! use fib_core::{Descriptor, SEQUENTIAL, kernels::KERNELS};
//! # const MY_BACKEND: Descriptor = SEQUENTIAL;
//!
//! fn main() -> std::io::Result<()> {
//!     let backends = [&SEQUENTIAL, &MY_BACKEND]; // the first backend is the baseline
//!     fib_engine::serve_stdio(fib_engine::Offer { name: "mine", backends: &backends, kernels: KERNELS })
//! }
//! ```
//!
//! `fib compare --engine ./my-program` then measures it beside all others.
//!
//! [`Trial`] is the one place that times a batch. Nothing of the protocol happens while it does.
#![forbid(unsafe_code)]

mod copies;
mod digest;
mod meter;
pub mod protocol;
mod serve;
mod trial;

pub use digest::Digest;
pub use serve::{Offer, serve};
pub use trial::{Timing, Trial, repeats, time};

use std::io;

/// The name of our own engine.
pub const NAME: &str = "fib";

/// Besides its backends, our engine can build this: sequential calls, with layout and allocation.
pub const WHOLE: &str = "whole";

/// Besides its backends, our engine can build this: independent copies of the sequential baseline.
pub const COPIES: &str = "copies";

/// Serves on standard input and output until the input ends. On Linux it also ends when the process
/// that started it ends.
///
/// # Errors
/// The errors of [`serve`].
pub fn serve_stdio(offer: Offer<'_>) -> io::Result<()> {
    end_with_parent()?;
    serve(offer, io::stdin().lock(), io::stdout().lock())
}

/// On Linux, has the system kill this process when the process that started it ends, even after this
/// process has become another program (`exec`). Elsewhere it does nothing.
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
