//! Hand-written scheduling on `std::thread`: three backends, one file each.
//!
//! All three start scoped threads for each batch, so the threads borrow their chunks and nothing is
//! copied. The backends differ in who decides which thread runs which chunk: a plan made beforehand
//! ([`Static`]), a shared queue ([`Queue`]), or a queue with one global lock that lets one thread
//! compute at a time ([`Gil`]).
//!
//! Read `fixed.rs`, `queue.rs`, then `gil.rs`. If the system refuses a thread, `team.rs` has the other
//! threads do its work, with one warning. No `unsafe`.
#![forbid(unsafe_code)]

// In thread models, the crate `shuttle` runs the threads.
#[cfg(shuttle)]
extern crate fib_shuttle as std;

mod fixed;
mod gil;
mod queue;
mod team;

pub use fixed::{STATIC, Static};
pub use gil::{GIL, Gil, SWITCH_INTERVAL};
pub use queue::{QUEUE, Queue};
