//! Message passing over crossbeam's bounded channels: two backends, one file each.
//!
//! [`Channels`] shares by communicating: persistent workers receive owned work and send owned
//! results back. [`Scoped`] sends borrowed chunks through a channel to threads that live for the
//! batch. Comparing them shows what ownership costs. No `unsafe`.
#![forbid(unsafe_code)]

mod channels;
mod scoped;

pub use channels::{CHANNELS, Channels};
pub use scoped::{SCOPED, Scoped};
