//! Thread models: the threads of the other crates under interleavings that the crate `shuttle` chooses.
//!
//! A thread model is a test that runs production code many times, each time with another interleaving:
//! at each lock, atomic access and channel operation, `shuttle` decides which thread runs next. A model
//! fails if a run breaks one of its assertions, comes to a deadlock, or does not end.
//!
//! With `--cfg shuttle`, this crate takes the place of `std` in `fib-core`, `fib-threads`, `fib` and
//! `fib-engine`. It is `std`, except that threads, locks, channels and atomics are those of `shuttle`.
//! The modules here add what `shuttle` lacks. Without `--cfg shuttle`, this crate is empty and no crate
//! uses it. The models are in `tests/model` and in `fib-engine/src/copies/model.rs`, and
//! `scripts/model-check` runs them.
//!
//! `shuttle` has two limits. It runs every atomic access as if it were `SeqCst`. And a panic that ends a
//! thread fails the model, even if the code joins that thread and handles the panic.
#![forbid(unsafe_code)]
#![cfg(shuttle)]

mod cells;
pub mod chance;
pub mod hint;
mod model;
pub mod sync;
pub mod thread;
pub mod time;

pub use ::std::*;
pub use model::check;

/// For the macro `thread_local`.
#[doc(hidden)]
pub mod parts {
    pub use crate::cells::CellKey;
    pub use shuttle::thread_local;
}
