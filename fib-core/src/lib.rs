//! Exact Fibonacci numbers in batches, cut so that *what* is computed and *where* never meet.
//!
//! A [`Kernel`] decides what to compute and never sees a thread; a [`FibBackend`] decides where and
//! when and never computes a number. Between them lies one flow of data:
//!
//! ```text
//! indices -> Layout -> Job of Chunks -> backend -> kernel -> Table
//! ```
//!
//! The size of F(n) is known before it is computed, so all results are laid out first in one arena
//! of limbs, and memory is refused before work. Each chunk owns its part of that arena.
//!
//! This crate starts no thread and knows no backend but [`Sequential`].
//!
//! ```
//! use fib_core::{Options, Sequential, compute, kernels};
//!
//! let table = compute(&Sequential, &kernels::stepping(), &[10, 100, 10], &Options::default())?;
//! let numbers: Vec<String> = table.iter().map(|(n, f)| format!("F({n}) = {f}")).collect();
//! assert_eq!(numbers, ["F(10) = 55", "F(100) = 354224848179261915075", "F(10) = 55"]);
//! # Ok::<(), fib_core::Error>(())
//! ```
#![forbid(unsafe_code)]

pub mod affinity;
mod backend;
mod chunking;
#[cfg(feature = "conformance")]
pub mod conformance;
mod control;
mod error;
mod execute;
mod job;
mod kernel;
pub mod kernels;
mod layout;
mod memory;
mod scarcity;
mod sequential;
pub mod size;
mod table;
mod task;

pub use backend::{Descriptor, FibBackend, Scheduling, Settings, Supervision};
pub use chunking::{Chunking, ParseChunkingError};
pub use control::Control;
pub use error::Error;
pub use execute::{Options, compute, execute};
pub use job::{Chunk, Failure, Job, Outcome, Record, Span};
pub use kernel::{Kernel, Order, Run, Slot};
pub use layout::{Layout, table_bytes};
pub use memory::MemoryLimit;
pub use scarcity::warn_of_fewer_threads;
pub use sequential::{SEQUENTIAL, Sequential};
pub use table::{Table, from_limbs};
pub use task::{Pending, Reply, Task};
