//! Message passing over crossbeam's bounded channels: two backends, one file each.
//!
//! [`Scoped`] feeds borrowed chunks through a channel to threads that live for one batch.
//! [`Channels`] shares by communicating: the threads of a pool receive owned tasks and send owned
//! results back. Comparing the two shows what ownership costs. No `unsafe`.
#![forbid(unsafe_code)]

mod channels;
mod scoped;

pub use channels::{CHANNELS, Channels};
pub use scoped::{SCOPED, Scoped};
