//! Hand-written scheduling on `std::thread`: four backends, one file each.
//!
//! Three of them start scoped threads for each batch, so the threads borrow their chunks and nothing is
//! copied. They differ in who decides which thread runs which chunk: a plan made beforehand
//! ([`Static`]), a shared queue ([`Queue`]), or a queue with one global lock that lets one thread
//! compute at a time ([`Gil`]). The threads of the fourth outlive the batch ([`Pool`]), so a batch
//! wakes them and does not start them.
//!
//! Read `fixed.rs`, `queue.rs`, `pool.rs`, then `gil.rs`. If the system refuses a thread, `team.rs` has the other
//! threads do its work, with one warning. `forks.rs`
//! lets a kernel divide the work of one number among workers. `loan.rs` lets the pool borrow. These two modules have
//! the only `unsafe` code.
#![deny(unsafe_code)]

// In thread models, the crate `shuttle` runs the threads.
#[cfg(shuttle)]
#[macro_use]
extern crate fib_shuttle as std;

mod fixed;
mod forks;
mod gil;
mod loan;
mod pool;
mod queue;
mod team;

pub use fixed::{STATIC, Static};
pub use gil::{GIL, Gil, SWITCH_INTERVAL};
pub use pool::{POOL, Pool};
pub use queue::{QUEUE, Queue};
