//! Hand-rolled scheduling on `std::thread`: three backends, one file each.
//!
//! All start scoped threads for each batch, so chunks are borrowed and nothing is copied. What
//! differs is who decides which thread runs which chunk: nobody ([`Static`]), a shared queue
//! ([`Queue`]), or one global lock that lets a single thread compute at a time ([`Gil`]).
//!
//! Where the system refuses a thread, the others do its work, with one warning. No `unsafe`.
#![forbid(unsafe_code)]

mod fixed;
mod gil;
mod queue;
mod team;

pub use fixed::{STATIC, Static};
pub use gil::{GIL, Gil, SWITCH_INTERVAL};
pub use queue::{QUEUE, Queue};
