//! Runs batches for a benchmark harness: everything that happens inside a runner process.
//!
//! An engine is a program that runs batches when `fib compare` asks it to. The [`protocol`] is one
//! JSON object on each line. [`serve`] is such an engine for any list of backends, so a program
//! with its own backend joins a comparison in a few lines:
//!
//! ```no_run
//! use fib_core::{Descriptor, SEQUENTIAL, kernels::KERNELS};
//! # const MY_BACKEND: Descriptor = SEQUENTIAL;
//!
//! fn main() -> std::io::Result<()> {
//!     let backends = [&SEQUENTIAL, &MY_BACKEND]; // the first backend is the baseline
//!     let offer = fib_engine::Offer { name: "mine", backends: &backends, kernels: KERNELS };
//!     fib_engine::serve_stdio(offer)
//! }
//! ```
//!
//! `fib compare --engine ./my-program` then measures these backends beside all others.
//!
//! [`Trial`] is the only code that times a batch. No message is read or written during a sample.
#![forbid(unsafe_code)]

// In thread models, the crate `shuttle` runs the threads.
#[cfg(shuttle)]
extern crate fib_shuttle as std;

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

/// What our engine can build besides its backends: sequential calls with layout and allocation.
pub const WHOLE: &str = "whole";

/// What our engine can build besides its backends: independent copies of the sequential baseline.
pub const COPIES: &str = "copies";

/// Serves on standard input and output until the input ends. On Linux this process also ends when
/// the process that started it ends.
///
/// # Errors
/// The errors of [`serve`].
pub fn serve_stdio(offer: Offer<'_>) -> io::Result<()> {
    end_with_parent()?;
    serve(offer, io::stdin().lock(), io::stdout().lock())
}

/// On Linux, has the system kill this process when the process that started it ends, even after
/// this process has become another program (`exec`). Elsewhere it does nothing.
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
